"""Methods of NumPy's universal functions: ``reduce``, ``accumulate``, ``outer``, ``at``, ``reduceat``.

``np.add.reduce(a)`` is a call of the method of a function; :func:`ufunc_method` finds its entry.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, known, only, refused, strong
from wengert.frontend.numpy_loops import loop_dtypes, run_loop
from wengert.frontend.numpy_missing import nanmax, nanmin
from wengert.frontend.numpy_reductions import all_of, any_of, max_of, min_of, prod, sum_
from wengert.frontend.numpy_ufuncs import BINARY
from wengert.frontend.table import Entry, Value, entry_of, maps
from wengert.ir.node import Expr
from wengert.ops.axes import axis_of
from wengert.ops.indexing import part_of
from wengert.ops.joining import stack
from wengert.ops.layout import expand_dims
from wengert.ops.reductions import logsumexp
from wengert.ops.scans import cumprod, cumsum
from wengert.ops.sorting import cummax, cummin
from wengert.ops.subscripts import subscript, update, update_add

__all__ = ["ufunc_method"]

_GROUP = "Methods of universal functions"


def ufunc_method(ufunc: np.ufunc, name: str) -> Entry | None:
    """The entry of ``ufunc.name``, if it is covered.

    >>> ufunc_method(np.add, "reduce").title
    'numpy.add.reduce'
    """
    return entry_of(getattr(ufunc, name, None))


def _title(ufunc: np.ufunc, name: str) -> str:
    return f"numpy.{ufunc.__name__}.{name}"


# --- reduce -------------------------------------------------------------------------------------------------
def _logaddexp_of(a: Expr, axis: Any, keepdims: bool, dtype: Any, initial: Any) -> Expr:
    what = "np.logaddexp.reduce"
    only(what, "dtype", dtype, None)
    only(what, "initial", initial, None)
    found = loop_dtypes(np.logaddexp, (a, a))[-1]
    return logsumexp(converted(strong(a), found), axis, keepdims)


def _folded(
    name: str, a: Expr, axis: Any, dtype: Any, keepdims: Any, initial: Any, where: Any
) -> Any:
    """The reduction as the function of NumPy that does it."""
    given = {} if where is None else {"where": where}
    first = {} if initial is None else {"initial": initial}
    keep = bool(known(keepdims))
    if name in ("add", "multiply"):
        function = sum_ if name == "add" else prod
        return function(a, axis, dtype, keepdims=keep, **first, **given)
    if name == "logaddexp":
        only("np.logaddexp.reduce", "where", where, None)
        return _logaddexp_of(a, axis, keep, dtype, initial)
    what = f"np.{name}.reduce"
    only(what, "dtype", dtype, None)
    if name in ("logical_and", "logical_or"):
        only(what, "initial", initial, None)
        return (all_of if name == "logical_and" else any_of)(a, axis, keepdims=keep, **given)
    extrema = {"maximum": max_of, "minimum": min_of, "fmax": nanmax, "fmin": nanmin}
    return extrema[name](a, axis, keepdims=keep, **first, **given)


def _reduce(ufunc: np.ufunc) -> None:
    name = ufunc.__name__

    @maps(ufunc.reduce, group=_GROUP, title=_title(ufunc, "reduce"))
    def reduce(
        array: Value,
        /,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Value | None = None,
        where: Value | None = None,
    ) -> Expr:
        only(f"np.{name}.reduce", "out", out, None)
        result: Expr = _folded(name, array, axis, dtype, keepdims, initial, where)
        return result


# --- accumulate ---------------------------------------------------------------------------------------------
_RUNNING: dict[np.ufunc, Callable[..., Expr]] = {
    np.add: cumsum, np.multiply: cumprod, np.maximum: cummax, np.minimum: cummin,
    np.logical_and: cummin, np.logical_or: cummax,
}  # fmt: skip


def _accumulate(ufunc: np.ufunc, running: Callable[..., Expr]) -> None:
    what = f"np.{ufunc.__name__}.accumulate"

    @maps(ufunc.accumulate, group=_GROUP, title=_title(ufunc, "accumulate"))
    def accumulate(array: Value, /, axis: Any = 0, dtype: Any = None, out: None = None) -> Expr:
        only(what, "out", out, None)
        x = strong(array)
        along = axis_of(index(axis), x.ndim, what)
        if ufunc in (np.logical_and, np.logical_or):
            only(what, "dtype", dtype, None)
            return running(converted(x, "bool"), along)
        found = loop_dtypes(ufunc, (x, x), dtype)[-1]
        if dtype is None and ufunc in (np.add, np.multiply):
            found = "int64" if found in ("bool", "int32") else found
        return running(converted(x, found), along)


# --- outer --------------------------------------------------------------------------------------------------
def _outer(ufunc: np.ufunc, build: Callable[..., Expr]) -> None:
    @maps(ufunc.outer, group=_GROUP, title=_title(ufunc, "outer"))
    def outer(A: Value, B: Value, /, dtype: Any = None) -> Expr:
        left, right = strong(A), strong(B)
        for _ in range(right.ndim):
            left = expand_dims(left, -1)
        return run_loop(ufunc, build, (left, right), dtype)


# --- at -----------------------------------------------------------------------------------------------------
def _at(ufunc: np.ufunc, build: Callable[..., Expr]) -> None:
    """The array after the change: whoever calls stores it."""
    what = f"np.{ufunc.__name__}.at"

    @maps(ufunc.at, group=_GROUP, title=_title(ufunc, "at"))
    def changed(a: Value, indices: Any, b: Value | None = None, /) -> Expr:
        dtype = a.value_type.dtype
        part = subscript(a, indices)
        if ufunc in (np.add, np.subtract):
            if b is None or not np.can_cast(b.value_type.dtype, dtype, "same_kind"):
                raise refused(what, expected=f"values of dtype {dtype}", got=b)
            value = converted(b, dtype)
            return update_add(a, indices, value if ufunc is np.add else -value)
        if not _differ(indices):
            raise TypeMismatchError(
                worded(what, expected="places that differ from each other", got=repr(indices))
            )
        args = (part,) if b is None else (part, b)
        return update(a, indices, converted(run_loop(ufunc, build, args), dtype))


def _differ(indices: Any) -> bool:
    """Whether no place is meant twice, as far as is known."""
    if isinstance(indices, (int, np.integer, slice)):
        return True
    if isinstance(indices, (list, np.ndarray)):
        flat = np.asarray(indices)
        return flat.ndim == 1 and bool(np.all(flat >= 0)) and len({*flat.tolist()}) == flat.size
    return isinstance(indices, tuple) and all(isinstance(i, (int, slice)) for i in indices)


# --- reduceat -----------------------------------------------------------------------------------------------
_MOST_SLICES = 256


def _reduceat(ufunc: np.ufunc) -> None:
    name = ufunc.__name__
    what = f"np.{name}.reduceat"

    @maps(ufunc.reduceat, group=_GROUP, title=_title(ufunc, "reduceat"))
    def reduceat(
        array: Value, indices: Any, /, axis: Any = 0, dtype: Any = None, out: None = None
    ) -> Expr:
        only(what, "out", out, None)
        x = strong(array)
        along = axis_of(index(axis), x.ndim, what)
        found = known(indices)
        starts = None if found is None else np.asarray(found)
        if starts is None or starts.ndim != 1 or not 0 < starts.size <= _MOST_SLICES:
            raise refused(f"{what}: argument `indices`", expected="a vector of places", got=indices)
        extent = x.shape[along]
        ends = [*starts[1:].tolist(), extent]
        parts = []
        for start, end in zip(starts.tolist(), ends, strict=True):
            if start < 0 or (isinstance(extent, int) and start >= extent):
                raise refused(f"{what}: argument `indices`", expected="places inside", got=start)
            if isinstance(end, int) and end <= start:
                end = start + 1  # then NumPy takes the one element
            piece = part_of(x, along, start, end - start)
            parts.append(_folded(name, piece, along, dtype, False, None, None))
        return stack(parts, along)


_REDUCING: list[np.ufunc] = [
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and, np.logical_or,
]  # fmt: skip
_CHANGING: list[np.ufunc] = [
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.power,
]  # fmt: skip
for _ufunc in _REDUCING:
    _reduce(_ufunc)
    _reduceat(_ufunc)
_reduce(np.logaddexp)
for _ufunc, _running in _RUNNING.items():
    _accumulate(_ufunc, _running)
for _ufunc, _build in BINARY.items():
    _outer(_ufunc, _build)
for _ufunc in _CHANGING:
    _at(_ufunc, BINARY[_ufunc])
