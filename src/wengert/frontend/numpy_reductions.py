"""NumPy's reductions: sums, products, extrema, means, truths, positions.

``where`` takes part by what leaves the result as it is (0 in a sum), ``initial`` by one more operation.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any, TypeAlias

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, dtype_name, only, strong
from wengert.frontend.numpy_loops import finished, inexact_of
from wengert.frontend.table import Value, maps
from wengert.ir.dims import size_of
from wengert.ir.node import Expr
from wengert.ir.types import DType, Type, is_complex, is_inexact
from wengert.ops.algebra import broadcast_together, full, minus, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axes_of, keep_axes
from wengert.ops.choice import maximum, minimum, ne, where
from wengert.ops.complexes import conj, real, real_dtype
from wengert.ops.einstein import broadcast_to
from wengert.ops.leaves import const
from wengert.ops.leaves import size as size_node
from wengert.ops.powers import power, sqrt
from wengert.ops.reductions import all_, any_, argmax, argmin, max_, min_
from wengert.ops.reductions import sum_ as total_of
from wengert.ops.scans import prod as product_of

__all__ = [
    "axis_given",
    "counted",
    "ddof_given",
    "extremum",
    "floating",
    "folding",
    "masked",
    "mean_over",
    "position",
    "spreading",
    "summable",
    "variance",
]

_GROUP = "Reductions"

Axis: TypeAlias = int | tuple[int, ...] | None


# --- arguments --------------------------------------------------------------------------------------------
def axis_given(axis: Any) -> Axis:  # Any: whatever stands for one or several integers
    """The axis or axes as Python integers."""
    if axis is None:
        return None
    return tuple(index(a) for a in axis) if isinstance(axis, tuple) else index(axis)


def masked(a: Expr, chosen: Any, fill: Any) -> Expr:
    """The array with ``fill`` where it does not take part; ``chosen`` is a condition, or ``None`` for all."""
    if chosen is None:
        return a
    return where(broadcast_to(converted(chosen, "bool"), a.shape), a, fill)


def summable(a: Expr, dtype: Any, what: str) -> Expr:
    """The values in the dtype of their sum: whole numbers and truth values count in 64 bits."""
    a = strong(a)
    if dtype is not None:
        wanted = dtype_name(dtype, what)
        if wanted == "bool":
            raise TypeMismatchError(
                worded(
                    f"{what}: argument `dtype`",
                    expected="a dtype of numbers",
                    got="bool",
                    hint="np.any or np.all",
                )
            )
        return converted(a, wanted)
    return converted(a, "int64") if a.value_type.dtype in ("bool", "int32") else a


def floating(a: Expr, dtype: Any, what: str) -> Expr:
    """The values in the dtype of their mean."""
    wanted = inexact_of(a) if dtype is None else dtype_name(dtype, what)
    if not is_inexact(Type(wanted)):
        raise TypeMismatchError(
            worded(f"{what}: argument `dtype`", expected="a floating-point dtype", got=wanted)
        )
    return converted(a, wanted)


def spreading(a: Expr, dtype: Any, what: str) -> Expr:
    """The values in the dtype of their variance, which is complex in NumPy if that dtype is given."""
    result = floating(a, dtype, what)
    if dtype is not None and is_complex(result.value_type):
        raise TypeMismatchError(
            worded(f"{what}: argument `dtype`", expected="a real dtype", got=repr(dtype))
        )
    return result


def counted(a: Expr, axes: tuple[int, ...], keepdims: bool, chosen: Any) -> Expr:
    """How many elements take part, for each element of the result or for all of them."""
    if chosen is None:
        return size_node(size_of(a.shape[i] for i in axes))
    taking = broadcast_to(converted(chosen, "bool"), a.shape)
    return total_of(converted(taking, "int64"), axes, keepdims)


# --- sums and products ------------------------------------------------------------------------------------
def folding(
    a: Expr, axis: Any, dtype: Any, keepdims: bool, initial: Any, chosen: Any, what: str
) -> Expr:
    product = what == "np.prod"
    a = summable(a, dtype, what)
    reduce, join = (product_of, times) if product else (total_of, plus)
    result = reduce(masked(a, chosen, int(product)), axis_given(axis), keepdims)
    if initial is not None:
        result = join(result, _same_kind(initial, a.value_type.dtype, what))
    return finished(result, a.value_type.dtype)


def _same_kind(value: Expr, dtype: DType, what: str) -> Expr:
    """The initial value in the dtype of the reduction, into which it has to fit."""
    if not np.can_cast(value.value_type.dtype, dtype, "same_kind"):
        raise TypeMismatchError(
            worded(f"{what}: argument `initial`", expected=dtype, got=value.value_type.dtype)
        )
    return converted(value, dtype)


@maps(np.sum, group=_GROUP)
def sum_(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The sum of the elements."""
    only("np.sum", "out", out, None)
    return folding(a, axis, dtype, keepdims, initial, where, "np.sum")


@maps(np.prod, group=_GROUP)
def prod(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The product of the elements."""
    only("np.prod", "out", out, None)
    return folding(a, axis, dtype, keepdims, initial, where, "np.prod")


# --- extrema ----------------------------------------------------------------------------------------------
def extremum(
    a: Expr, axis: Any, keepdims: bool, initial: Expr | None, chosen: Any, name: str
) -> Expr:
    reduce, pair = (max_, maximum) if name == "max" else (min_, minimum)
    a = strong(a)
    if is_complex(a.value_type):
        raise TypeMismatchError(
            worded(f"np.{name}", expected="real numbers", got=str(a.value_type), hint="np.abs(z)")
        )
    axes = axes_of(axis_given(axis), a.ndim, name)
    if initial is None:
        if chosen is not None:
            raise TypeMismatchError(
                worded(f"np.{name}", expected="`initial` beside `where`", hint="initial=-np.inf")
            )
        _not_empty(a, axes, name)
        return reduce(a, axes, keepdims)
    initial = _same_kind(initial, a.value_type.dtype, f"np.{name}")
    if any(a.shape[i] == 0 for i in axes):
        empty = full([e for i, e in enumerate(a.shape) if i not in axes], initial)
        return keep_axes(empty, axes) if keepdims else empty
    return pair(reduce(masked(a, chosen, initial), axes, keepdims), initial)


def _not_empty(a: Expr, axes: tuple[int, ...], name: str) -> None:
    if any(a.shape[i] == 0 for i in axes) and not _has_none(a, axes):
        raise ShapeError(
            worded(f"np.{name}", expected="at least one element", got=f"shape {a.shape}")
        )


def _has_none(a: Expr, axes: tuple[int, ...]) -> bool:
    """Whether the result has no elements, so that none is missing."""
    return any(e == 0 for i, e in enumerate(a.shape) if i not in axes)


@maps(np.max, np.amax, group=_GROUP)
def max_of(
    a: Value,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The largest element; equal ones share its derivative."""
    only("np.max", "out", out, None)
    return extremum(a, axis, keepdims, initial, where, "max")


@maps(np.min, np.amin, group=_GROUP)
def min_of(
    a: Value,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The smallest element; equal ones share its derivative."""
    only("np.min", "out", out, None)
    return extremum(a, axis, keepdims, initial, where, "min")


@maps(np.ptp, group=_GROUP)
def ptp(a: Value, axis: Any = None, out: None = None, keepdims: bool = False) -> Expr:
    """Largest minus smallest element."""
    only("np.ptp", "out", out, None)
    if a.value_type.dtype == "bool":
        raise TypeMismatchError(worded("np.ptp", expected="numbers", got="truth values"))
    largest = extremum(a, axis, keepdims, None, None, "max")
    apart = minus(largest, extremum(a, axis, keepdims, None, None, "min"))
    return finished(apart, strong(a).value_type.dtype)


# --- means ------------------------------------------------------------------------------------------------
def mean_over(a: Expr, axes: tuple[int, ...], keepdims: bool, chosen: Any) -> Expr:
    dtype = a.value_type.dtype
    count = counted(a, axes, keepdims, chosen)
    total = total_of(masked(a, chosen, 0), axes, keepdims)
    return finished(divide(total, _as_divisor(count, dtype)), dtype)


def _as_divisor(count: Expr, dtype: DType) -> Expr:
    """A number of elements beside values of a dtype: strong counts would widen float32."""
    if count.value_type.weak:
        return count
    return converted(count, "float32" if dtype in ("float32", "complex64") else "float64")


@maps(np.mean, group=_GROUP)
def mean(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Value | None = None,
) -> Expr:
    """The arithmetic mean."""
    only("np.mean", "out", out, None)
    a = floating(a, dtype, "np.mean")
    return mean_over(a, axes_of(axis_given(axis), a.ndim, "mean"), keepdims, where)


def variance(
    a: Expr, axis: Any, ddof: Any, keepdims: bool, chosen: Any, given: Expr | None
) -> Expr:
    axes = axes_of(axis_given(axis), a.ndim, "var")
    centre = mean_over(a, axes, True, chosen) if given is None else given
    squares = _squares(minus(*broadcast_together(a, centre)))
    dtype = real_dtype(a.value_type.dtype)
    total = total_of(masked(squares, chosen, 0), axes, keepdims)
    freedom = _freedom(counted(a, axes, keepdims, chosen), ddof)
    return finished(divide(total, _as_divisor(freedom, dtype)), dtype)


def _squares(apart: Expr) -> Expr:
    return real(times(conj(apart), apart)) if is_complex(apart.value_type) else power(apart, 2)


def _freedom(count: Expr, ddof: Any) -> Expr:
    """Degrees of freedom, none below 0."""
    if ddof == 0:
        return count
    known = count.attr if not count.args and type(count.attr) is int else None
    if known is not None:
        return const(max(known - ddof, 0))
    return maximum(count - ddof, 0)


def ddof_given(ddof: Any, correction: Any, what: str) -> Any:
    if correction is None:
        return ddof
    if ddof != 0:
        raise TypeMismatchError(worded(what, expected="ddof or correction", got="both"))
    return correction


@maps(np.var, group=_GROUP)
def var(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Value | None = None,
    mean: Value | None = None,
    correction: Any = None,
) -> Expr:
    """The variance, of the population unless ``ddof=1``."""
    only("np.var", "out", out, None)
    a = spreading(a, dtype, "np.var")
    return variance(a, axis, ddof_given(ddof, correction, "np.var"), keepdims, where, mean)


@maps(np.std, group=_GROUP)
def std(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: Any = 0,
    keepdims: bool = False,
    *,
    where: Value | None = None,
    mean: Value | None = None,
    correction: Any = None,
) -> Expr:
    """The standard deviation, of the population unless ``ddof=1``."""
    only("np.std", "out", out, None)
    a = spreading(a, dtype, "np.std")
    return sqrt(variance(a, axis, ddof_given(ddof, correction, "np.std"), keepdims, where, mean))


# --- truths, counts and positions ---------------------------------------------------------------------------
@maps(np.any, group=_GROUP)
def any_of(
    a: Value,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Value | None = None,
) -> Expr:
    """Whether at least one element holds."""
    only("np.any", "out", out, None)
    return any_(masked(converted(a, "bool"), where, const(False)), axis_given(axis), keepdims)


@maps(np.all, group=_GROUP)
def all_of(
    a: Value,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Value | None = None,
) -> Expr:
    """Whether all elements hold."""
    only("np.all", "out", out, None)
    return all_(masked(converted(a, "bool"), where, const(True)), axis_given(axis), keepdims)


@maps(np.count_nonzero, group=_GROUP)
def count_nonzero(a: Value, axis: Any = None, *, keepdims: bool = False) -> Expr:
    """How many elements are not zero."""
    return total_of(converted(ne(a, 0), "int64"), axis_given(axis), keepdims)


def position(
    function: Callable[..., Expr], original: Callable[..., Any], group: str = _GROUP
) -> None:
    @maps(original, group=group)
    def position(a: Value, axis: Any = None, out: None = None, *, keepdims: bool = False) -> Expr:
        only(f"np.{original.__name__}", "out", out, None)
        a = strong(a)
        along = axis_given(axis)
        axes = axes_of(along, a.ndim, original.__name__)
        _not_empty(a, axes, original.__name__)
        found = function(a, along)
        return keep_axes(found, axes) if keepdims else found


position(argmax, np.argmax)
position(argmin, np.argmin)
