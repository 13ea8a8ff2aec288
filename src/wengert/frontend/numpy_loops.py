"""The dtypes in which NumPy runs its universal functions, and values prepared for them.

NumPy itself says which of its inner loops it would run (``ufunc.resolve_dtypes``), Python numbers included,
so promotion is NumPy's own. Results are strong, as NumPy's scalars are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, dtype_name, strong_type
from wengert.ir.node import Expr
from wengert.ir.types import DTYPES, DType, TupleType, Type
from wengert.ir.walk import order
from wengert.ops.leaves import CONSTANT, const, machine_number

__all__ = [
    "finished",
    "folded",
    "inexact_of",
    "loop_dtypes",
    "prepared",
    "run_loop",
    "settled",
]

_PYTHON: dict[str, type] = {"int64": int, "float64": float, "complex128": complex}


def _probe(type_: Type) -> Any:  # Any: a dtype, or the type of a Python number
    weak = type_.weak and type_.dtype != "bool"  # NumPy has no weak truth values
    return _PYTHON[type_.dtype] if weak else np.dtype(type_.dtype)


def loop_dtypes(ufunc: np.ufunc, nodes: Sequence[Expr], dtype: Any = None) -> tuple[DType, ...]:
    """The dtypes of the arguments and results of the loop that NumPy would run.

    Raises:
        TypeMismatchError: NumPy has no loop for the arguments, or one in a dtype that is not supported.
    """
    types = [n.value_type for n in nodes]
    return _dtypes(ufunc, tuple([t.with_shape(()) if t.shape else t for t in types]), dtype)


@cache
def _dtypes(ufunc: np.ufunc, types: tuple[Type, ...], dtype: Any) -> tuple[DType, ...]:
    options: dict[str, Any] = {}  # Any: the signature as NumPy takes it
    if dtype is not None:
        wanted = np.dtype(dtype_name(dtype, ufunc.__name__))
        options["signature"] = (None,) * ufunc.nin + (wanted,) * ufunc.nout
    given = (*map(_probe, types), *(None,) * ufunc.nout)
    try:
        found = ufunc.resolve_dtypes(given, **options)
    except TypeError as error:
        raise TypeMismatchError(
            worded(
                f"np.{ufunc.__name__}",
                expected="arguments of dtypes that it takes",
                got=f"{' and '.join(map(str, types))} ({error})",
            )
        ) from None
    names = tuple(d.name for d in found)
    if any(name not in DTYPES for name in names):
        raise TypeMismatchError(
            worded(
                f"np.{ufunc.__name__}",
                expected=f"a computation in one of {', '.join(DTYPES)}",
                got=f"{' and '.join(map(str, types))}, for which NumPy uses {names[-1]}",
                hint="convert to int or float first, for example x.astype(float)",
            )
        )
    return names  # type: ignore[return-value]  # checked just above


def prepared(ufunc: np.ufunc, nodes: Sequence[Expr], dtype: Any = None) -> list[Expr]:
    """The arguments in the dtypes of the loop; Python numbers beside an array stay as they are."""
    return _prepared(nodes, loop_dtypes(ufunc, nodes, dtype))


def _prepared(nodes: Sequence[Expr], dtypes: Sequence[DType]) -> list[Expr]:
    return [
        node if _stays(node, nodes) else converted(node, wanted)
        for node, wanted in zip(nodes, dtypes, strict=False)
    ]


def _stays(node: Expr, nodes: Sequence[Expr]) -> bool:
    weak = node.op is CONSTANT and node.value_type.weak
    return weak and any(not n.value_type.weak for n in nodes)


def finished(node: Expr, dtype: DType) -> Expr:
    """The result in the dtype that NumPy gives it."""
    if node.type is Type(dtype, node.shape):
        return node
    return converted(node, dtype)


def folded(ufunc: Callable[..., Any], nodes: Sequence[Expr]) -> Any | None:
    """The value where all arguments are constants, else ``None``."""
    if not all(n.op is CONSTANT for n in nodes):
        return None
    with np.errstate(all="ignore"):
        try:
            return ufunc(*(machine_number(n.attr) for n in nodes))
        except (TypeError, ValueError, OverflowError):
            return None


def run_loop(
    ufunc: np.ufunc, build: Callable[..., Expr], nodes: Sequence[Expr], dtype: Any = None
) -> Expr:
    """``build`` on prepared arguments, its result in the dtype of NumPy's."""
    dtypes = loop_dtypes(ufunc, nodes, dtype)
    value = None if dtype is not None else folded(ufunc, nodes)
    if value is not None and np.asarray(value).dtype == dtypes[-1]:
        return const(value)
    return finished(build(*_prepared(nodes, dtypes)), dtypes[-1])


def settled(node: Expr) -> Expr:
    """The constant that a graph of constants comes to; any other node as it is."""
    values: dict[Expr, Any] = {}
    with np.errstate(all="ignore"):
        for part in order([node]):
            if part.op is CONSTANT:
                values[part] = machine_number(part.attr)
            elif not part.args or part.op.bodies is not None or isinstance(part.type, TupleType):
                return node
            else:
                values[part] = _value_of(part, [values[a] for a in part.args])
    value = np.asarray(values[node])
    return const(value.astype(node.value_type.dtype)[()])


def _value_of(part: Expr, args: Sequence[Any]) -> Any:
    if part.attr is None:
        return part.op.evaluate(*args)
    attr = part.attr if part.op.resolve is None else part.op.resolve(part.attr, {})
    return part.op.evaluate(*args, attr=attr)


def inexact_of(node: Expr) -> DType:
    """The dtype in which NumPy averages: that of the values, or ``float64`` for whole numbers."""
    dtype = strong_type(node.value_type).dtype
    return "float64" if dtype in ("bool", "int32", "int64") else dtype
