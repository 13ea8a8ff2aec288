"""Where NumPy would compute in another precision than the graph, and the casts that prevent it."""

from __future__ import annotations

import numpy as np

from wengert.ir.node import Expr
from wengert.ir.types import Type, is_inexact
from wengert.show.forms import Form

__all__ = ["NARROW", "dtype_name", "guards", "is_promoted", "is_widened"]

NARROW = frozenset(("float32", "complex64", "int32"))


def dtype_name(type_: Type) -> str:
    """A dtype as the source names it."""
    return "bool" if type_.dtype == "bool" else f"np.{type_.dtype}"


def is_widened(node: Expr, form: Form) -> bool:
    """Whether SciPy's functions, and numbers in a template, take single precision as double."""
    op = node.op
    if form.kind != "call" or not op.elementwise or node.value_type.dtype not in NARROW:
        return False
    own = op.spell.numpy is not None and "astype(" in op.spell.numpy(node)
    return not isinstance(op.evaluate, np.ufunc) and op.evaluate is not np.where and not own


def guards(node: Expr, form: Form) -> dict[Expr, str]:
    """Templates for operands that NumPy would take in another precision than the graph does."""
    type_ = node.type
    if not isinstance(type_, Type) or type_.weak:
        return {}
    types = [a.type for a in node.args]
    if any(not isinstance(t, Type) for t in types):
        return {}
    narrow = type_.dtype in NARROW or any(t.dtype in NARROW for t in types)  # type: ignore[union-attr]
    truths = is_inexact(type_) and any(t.dtype == "bool" for t in types)  # type: ignore[union-attr]
    if not narrow and not truths:
        return {}
    found: dict[Expr, str] = {}
    for arg in node.args:
        inner = arg.value_type
        if truths and inner.dtype == "bool" and inner.shape and form.kind == "call":
            if len(node.args) == 1:  # NumPy computes functions of truth values in half precision
                found[arg] = f"{{0}}.astype({dtype_name(type_)})"
        elif narrow and inner.weak and inner.shape and type_.dtype != "bool":
            found[arg] = f"{{0}}.astype({dtype_name(type_)})"
        elif type_.dtype in NARROW or inner.shape or inner.weak:
            continue
        elif narrow and inner.dtype not in NARROW and inner.dtype != "bool":
            found[arg] = f"np.{inner.dtype}({{0}})"
    return found


def is_promoted(node: Expr, form: Form) -> bool:
    """Whether NumPy's sums of small integers and truth values are of a larger dtype."""
    small = node.value_type.dtype in ("int32", "bool")
    return small and form.kind in ("summed", "trace") and node.args[0].value_type is not None
