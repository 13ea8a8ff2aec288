"""How tests run what an entry gives: symbols for Python numbers, guards turned into errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wengert.frontend.python_guards import Guarded
from wengert.ir.node import Expr, intern
from wengert.ir.types import Type
from wengert.ops.effects import check, first_token
from wengert.ops.leaves import SYMBOL, Name
from wengert.run.reference import evaluate_nodes

__all__ = ["outcome", "run", "same", "weak"]

_DTYPES: dict[type, Any] = {
    bool: "bool",
    int: "int64",
    float: "float64",
    complex: "complex128",
}
_TYPES = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


def weak(name: str, kind: type) -> Expr:
    """A symbol that stands for a Python number."""
    type_ = Type(_DTYPES[kind], (), True)
    return intern(SYMBOL, Name(name, type_, 0), (), type_)


def run(found: Any, values: Mapping[str, Any]) -> Any:
    """The value, or the error of the first guard that does not hold."""
    guards = found.guards if isinstance(found, Guarded) else ()
    value = found.value if isinstance(found, Guarded) else found
    for guard in guards:
        _run([check(first_token(), guard.ok, guard.kind, guard.message, guard.values)], values)
    several = value if isinstance(value, tuple) else (value,)
    nodes = [v for v in several if isinstance(v, Expr)]
    got = iter(_run(nodes, values))
    results = tuple(
        _TYPES[v.value_type.dtype](next(got)) if isinstance(v, Expr) else v for v in several
    )
    for v in nodes:
        assert v.value_type.weak, f"{v.type} is no Python number"
    return results if isinstance(value, tuple) else results[0]


def _run(nodes: list[Expr], values: Mapping[str, Any]) -> list[Any]:
    needed = {n.attr.name for n in _free(nodes)}
    return evaluate_nodes(nodes, {k: v for k, v in values.items() if k in needed})


def _free(nodes: list[Expr]) -> list[Expr]:
    from wengert.ir.walk import leaves

    return [n for n in leaves(nodes) if n.op.free]


def outcome(action: Any) -> tuple[str, Any]:
    """``("value", v)`` or ``("error", class, text)`` of a call."""
    try:
        return ("value", action())
    except Exception as error:
        return ("error", error)


def same(got: Any, want: Any, tolerance: float = 0.0) -> bool:
    """Whether two results are of one type and equal, NaN to NaN and -0.0 to -0.0."""
    if isinstance(want, tuple):
        return (
            isinstance(got, tuple)
            and len(got) == len(want)
            and all(same(g, w, tolerance) for g, w in zip(got, want, strict=True))
        )
    if type(got) is not type(want):
        return False
    if isinstance(want, complex):
        size = max(abs(want.real), abs(want.imag)) if np.isfinite(want) else 0.0
        return all(
            _close(g, w, tolerance, size) for g, w in ((got.real, want.real), (got.imag, want.imag))
        )
    return _close(got, want, tolerance, abs(want) if isinstance(want, float) else 0.0)


def _close(got: Any, want: Any, tolerance: float, size: float) -> bool:
    if isinstance(want, float) and tolerance and np.isfinite(want) and np.isfinite(got):
        return abs(got - want) <= max(tolerance * size, 1e-307)  # SciPy flushes to 0 there
    return repr(got) == repr(want)
