"""Medians, quantiles and percentiles, all methods of NumPy, and those past NaN.

A quantile is read off the sorted elements at a *virtual place*, a fraction of their number: between two of
them by interpolation (Hyndman and Fan 1996). With NaN in it a slice has NaN for its quantiles; past NaN the
number of elements differs from slice to slice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, known, only, refused, strong
from wengert.frontend.numpy_loops import finished, inexact_of, settled
from wengert.frontend.numpy_reductions import axis_given
from wengert.frontend.table import Value, maps
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import is_complex, is_inexact, promote
from wengert.ops.algebra import lift, minus, plus, times
from wengert.ops.along import take_along
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axes_of, keep_axes
from wengert.ops.choice import (
    ceil,
    eq,
    floor,
    floor_divide,
    ge,
    logical_and,
    logical_not,
    maximum,
    minimum,
    mod,
    round_,
    where,
)
from wengert.ops.einstein import broadcast_to, transpose
from wengert.ops.floats import isnan
from wengert.ops.gathering import take
from wengert.ops.indexing import at
from wengert.ops.layout import expand_dims, reshape
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.leaves import size as size_node
from wengert.ops.reductions import sum_
from wengert.ops.scans import cumsum
from wengert.ops.sorting import argsort, sort

__all__: list[str] = []

_GROUP = "Order statistics"


# --- the reduced axes in front -----------------------------------------------------------------------------
@dataclass(frozen=True)
class _Slices:
    """An array with the axes that are reduced as one axis in front, and how to give them back."""

    x: Expr
    axes: tuple[int, ...]
    keepdims: bool

    @property
    def count(self) -> Extent:
        return self.x.shape[0]

    def finished(self, result: Expr, leading: int) -> Expr:
        """The result with the reduced axes kept, behind the axes of ``q``."""
        if not self.keepdims:
            return result
        return keep_axes(result, tuple(a + leading for a in self.axes))


def _in_front(a: Expr, axis: Any, what: str) -> tuple[Expr, tuple[int, ...]]:
    axes = axes_of(axis_given(axis), a.ndim, what)
    rest = [i for i in range(a.ndim) if i not in axes]
    shape = [size_of(a.shape[i] for i in axes), *(a.shape[i] for i in rest)]
    return reshape(transpose(a, [*axes, *rest]), shape), axes


def _sliced(a: Expr, axis: Any, keepdims: Any, what: str) -> _Slices:
    a = strong(a)
    if is_complex(a.value_type):
        raise TypeMismatchError(worded(what, expected="real numbers", got=str(a.value_type)))
    x, axes = _in_front(a, axis, what)
    if x.shape[0] == 0 and not any(e == 0 for e in x.shape[1:]):
        raise ShapeError(worded(what, expected="at least one element", got=f"shape {a.shape}"))
    return _Slices(x, axes, bool(known(keepdims)))


def _or_nan(result: Expr, in_order: Expr) -> Expr:
    """NaN for the slices that have one: it sorts to the end."""
    if not is_inexact(in_order.value_type):
        return result
    last = at(in_order, 0, -1)
    return where(isnan(last), last, result)


# --- medians ------------------------------------------------------------------------------------------------
def _halfway(low: Expr, high: Expr) -> Expr:
    return divide(plus(low, high), 2)


@maps(np.median, group=_GROUP)
def median(
    a: Value,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Expr:
    """The middle of the sorted elements, or the mean of the two in the middle."""
    only("np.median", "out", out, None)
    slices = _sliced(a, axis, keepdims, "np.median")
    dtype = inexact_of(slices.x)
    in_order = sort(slices.x, 0)
    if isinstance(slices.count, int) and slices.count % 2:
        middle = converted(at(in_order, 0, slices.count // 2), dtype)
    else:
        low, high = (
            take(in_order, place) for place in _middle(size_node(slices.count), slices.count)
        )
        middle = _halfway(converted(low, dtype), converted(high, dtype))
    return slices.finished(finished(_or_nan(middle, in_order), dtype), 0)


def _middle(count: Expr, extent: Extent | None = None) -> tuple[Expr, Expr]:
    if isinstance(extent, int):
        return const((extent - 1) // 2), const(extent // 2)
    return floor_divide(count - 1, 2), floor_divide(count, 2)


@maps(np.nanmedian, group=_GROUP)
def nanmedian(
    a: Value,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Expr:
    """The median of the numbers; NaN where there is none."""
    only("np.nanmedian", "out", out, None)
    if not is_inexact(a.value_type):
        plain: Expr = median(a, axis, out, overwrite_input, keepdims)
        return plain
    slices = _sliced(a, axis, keepdims, "np.nanmedian")
    in_order = sort(slices.x, 0)
    places = _middle(_present(slices.x))
    low, high = (_picked(in_order, maximum(place, 0)) for place in places)
    middle = where(eq(*places), low, _halfway(low, high))
    return slices.finished(finished(middle, slices.x.value_type.dtype), 0)


def _present(x: Expr) -> Expr:
    """The number of elements that are not NaN, of each slice."""
    return sum_(converted(logical_not(isnan(x)), "int64"), 0)


def _picked(in_order: Expr, places: Expr) -> Expr:
    """One element of each slice, or one for each place of several in front."""
    if places.ndim == in_order.ndim:
        return take_along(in_order, places, 0)
    found: Expr = at(take_along(in_order, expand_dims(places, 0), 0), 0, 0)
    return found


# --- virtual places -----------------------------------------------------------------------------------------
# Each takes the number of elements and the quantiles, both numbers of NumPy or both expressions.
def _between(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


_PLACES: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda n, q: (n - 1) * q,
    "averaged_inverted_cdf": lambda n, q: n * q - 1,
    "interpolated_inverted_cdf": _between(0, 1),
    "hazen": _between(0.5, 0.5),
    "weibull": _between(0, 0),
    "median_unbiased": _between(1 / 3.0, 1 / 3.0),
    "normal_unbiased": _between(3 / 8.0, 3 / 8.0),
    "midpoint": lambda n, q: 0.5 * (floor((n - 1) * q) + ceil((n - 1) * q)),
}


def _stepped(shift: float, stays: Callable[[Expr, Expr], Expr]) -> Callable[[Expr, Expr], Expr]:
    """The place below or above, by a condition on the fraction and the place below."""

    def place(n: Expr, q: Expr) -> Expr:
        virtual = n * q - 1 - shift
        below = floor(virtual)
        return maximum(where(stays(virtual - below, below), below, below + 1), 0.0)

    return place


_WHOLE_PLACES: dict[str, Callable[[Expr, Expr], Expr]] = {
    "lower": lambda n, q: floor((n - 1) * q),
    "higher": lambda n, q: ceil((n - 1) * q),
    "nearest": lambda n, q: round_((n - 1) * q),
    "inverted_cdf": _stepped(0, lambda gamma, below: eq(gamma, 0)),
    "closest_observation": _stepped(
        0.5, lambda gamma, below: logical_and(eq(gamma, 0), eq(mod(below, 2), 1))
    ),
}


def _fraction(method: str, virtual: Expr, below: Expr) -> Expr:
    """How far the quantile is from the element below to the one above."""
    gamma = virtual - below
    if method == "averaged_inverted_cdf":
        return where(eq(gamma, 0), const(0.5), const(1.0))
    if method == "midpoint":
        return where(eq(gamma, 0), const(0.0), const(0.5))
    return gamma


# --- quantiles ----------------------------------------------------------------------------------------------
def _quantile(
    slices: _Slices, q: Expr, method: str, past_nan: bool, read: Callable[[Expr, Expr], Expr]
) -> Expr:
    """The quantiles with their axis in front; ``read(sorted, places)`` picks elements."""
    in_order = sort(slices.x, 0)
    counts = _present(slices.x) if past_nan else size_node(slices.count)
    level = _beside(q, counts)
    dtype = slices.x.value_type.dtype
    # As in NumPy, virtual places are in double precision.
    n = counts if counts.value_type.weak else converted(counts, "float64")
    if method in _WHOLE_PLACES:
        place = settled(converted(_WHOLE_PLACES[method](n, level), "int64"))
        return _masked(finished(read(in_order, place), dtype), in_order, past_nan)
    virtual = _PLACES[method](n, level)
    below = floor(virtual)
    last = n - 1
    low, high = (
        read(in_order, settled(converted(maximum(minimum(p, last), 0.0), "int64")))
        for p in (below, below + 1)
    )
    gamma = settled(_fraction(method, virtual, below))
    if not past_nan:
        gamma = _stretched(gamma, low)
    wide = dtype if is_inexact(slices.x.value_type) else "float64"
    if not q.value_type.weak:
        wide = promote(q.value_type.with_shape(()), slices.x.value_type.with_shape(())).dtype
    if gamma.op is CONSTANT and not gamma.ndim and wide == dtype:
        gamma = const(float(gamma.attr))
    else:
        gamma = converted(gamma, wide)
    result = _lerp(converted(low, dtype), converted(high, dtype), gamma)
    return _masked(finished(result, wide), in_order, past_nan)


def _masked(result: Expr, in_order: Expr, past_nan: bool) -> Expr:
    return result if past_nan else finished(_or_nan(result, in_order), result.value_type.dtype)


def _beside(q: Expr, counts: Expr) -> Expr:
    """The levels in front of the axes of the counts."""
    level = converted(q, "float64")
    for _ in range(counts.ndim if q.ndim else 0):
        level = expand_dims(level, -1)
    return level


def _stretched(gamma: Expr, like: Expr) -> Expr:
    while gamma.ndim and gamma.ndim < like.ndim:
        gamma = expand_dims(gamma, -1)
    return gamma


def _lerp(a: Expr, b: Expr, t: Expr) -> Expr:
    """Between ``a`` and ``b``, exact at both, as NumPy rounds it."""
    way = minus(b, a)
    near_a, near_b = plus(a, times(way, t)), minus(b, times(way, settled(1 - t)))
    if t.op is CONSTANT and not t.ndim:
        return near_b if t.attr >= 0.5 else near_a
    return where(settled(ge(t, 0.5)), near_b, near_a)


def _levels(q: Expr, most: int, what: str) -> Expr:
    """The quantiles as fractions; those that are known are checked.

    Raises:
        TypeMismatchError: outside of what it may be.
    """
    found = known(q)
    if found is not None and not np.all((np.asarray(found) >= 0) & (np.asarray(found) <= most)):
        raise refused(f"{what}: argument `q`", expected=f"numbers from 0 to {most}", got=found)
    if q.ndim > 1:
        raise ShapeError(
            worded(f"{what}: argument `q`", expected="a number or a vector", got=str(q))
        )
    if most == 1:
        return q
    if found is not None:
        return lift(found / most if isinstance(found, float | int) else np.true_divide(found, most))
    return divide(q, most)


def _read(in_order: Expr, places: Expr) -> Expr:
    return take(in_order, places)


def _whole_linear(slices: _Slices, q: Expr, method: str) -> bool:
    """Whether NumPy takes elements as they are: with whole numbers for linear quantiles."""
    return method == "linear" and not is_inexact(q.value_type)


def _apply(
    a: Expr, q: Expr, axis: Any, method: Any, keepdims: Any, weights: Expr | None, what: str
) -> Expr:
    past_nan = what.startswith("np.nan") and is_inexact(a.value_type)
    slices = _sliced(a, axis, keepdims, what)
    leading = q.ndim
    if weights is not None:
        return slices.finished(_weighted(a, slices, q, axis, method, weights, what), leading)
    if method not in (*_PLACES, *_WHOLE_PLACES):
        expected = f"one of {', '.join((*_PLACES, *_WHOLE_PLACES))}"
        raise refused(f"{what}: argument `method`", expected=expected, got=method)
    if _whole_linear(slices, q, method):
        method = "lower"
    rest = slices.x.shape[1:]

    def pick(in_order: Expr, places: Expr) -> Expr:
        if not past_nan:
            return _read(in_order, places)
        return _picked(in_order, broadcast_to(places, (*q.shape, *rest)))

    return slices.finished(_quantile(slices, q, method, past_nan, pick), leading)


def _weighted(
    a: Expr, slices: _Slices, q: Expr, axis: Any, method: Any, weights: Expr, what: str
) -> Expr:
    """The element at which the weights of those up to it reach the fraction ``q`` of all weights."""
    if method != "inverted_cdf" or what.startswith("np.nan"):
        raise refused(
            f"{what}: argument `weights`",
            expected="method='inverted_cdf', without NaN",
            got=f"method={method!r}",
        )
    spread_over = _weights_like(weights, a, axis, what)
    order = argsort(slices.x, 0)
    values = take_along(slices.x, order, 0)
    sums = cumsum(converted(take_along(spread_over, order, 0), "float64"), 0)
    shares = divide(sums, broadcast_to(expand_dims(at(sums, 0, -1), 0), sums.shape))
    # Elements without weight at the beginning do not count, even for q = 0.
    shares = where(eq(shares, 0), const(-1.0), shares)
    level = converted(q, "float64")
    for _ in range(shares.ndim if q.ndim else 0):
        level = expand_dims(level, -1)
    before = converted(shares < level, "int64")
    place = minimum(sum_(before, q.ndim), size_node(slices.count) - 1)
    result = finished(_picked(values, converted(place, "int64")), slices.x.value_type.dtype)
    return _masked(result, values, False)


def _weights_like(weights: Expr, a: Expr, axis: Any, what: str) -> Expr:
    """The weights of all elements, the reduced axes in front."""
    weights = strong(weights)
    given = axis_given(axis)
    if weights.shape != a.shape:
        if weights.ndim != 1 or not isinstance(given, int):
            raise ShapeError(
                worded(
                    f"{what}: argument `weights`",
                    expected="the shape of the array, or a vector beside one axis",
                    got=f"{weights.shape} and {a.shape}",
                )
            )
        along = given % a.ndim
        for _ in range(a.ndim - 1 - along):
            weights = expand_dims(weights, -1)
        weights = broadcast_to(weights, a.shape)
    return _in_front(weights, axis, what)[0]


# --- the functions ------------------------------------------------------------------------------------------
def _quantiles(original: Callable[..., Any], most: int) -> None:
    what = f"np.{original.__name__}"

    @maps(original, group=_GROUP)
    def function(
        a: Value,
        q: Value,
        axis: Any = None,
        out: None = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Value | None = None,
    ) -> Expr:
        only(what, "out", out, None)
        return _apply(a, _levels(q, most, what), axis, method, keepdims, weights, what)


_quantiles(np.quantile, 1)
_quantiles(np.percentile, 100)
_quantiles(np.nanquantile, 1)
_quantiles(np.nanpercentile, 100)
