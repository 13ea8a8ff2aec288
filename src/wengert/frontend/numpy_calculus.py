"""Differences, numerical gradients, integrals of samples, interpolation, convolution, phases."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, known, refused, strong
from wengert.frontend.numpy_loops import finished, inexact_of
from wengert.frontend.numpy_reductions import axis_given
from wengert.frontend.numpy_ufuncs import BINARY
from wengert.frontend.table import Value, maps
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ir.types import DType, is_complex, is_inexact, promote
from wengert.ops.algebra import lift, minus, negate, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axes_of, axis_of
from wengert.ops.choice import (
    absolute,
    eq,
    floor_divide,
    gt,
    logical_and,
    lt,
    maximum,
    minimum,
    mod,
    ne,
    where,
)
from wengert.ops.complexes import conj
from wengert.ops.convolution import convolve
from wengert.ops.einstein import broadcast_to
from wengert.ops.floats import isnan
from wengert.ops.gathering import take
from wengert.ops.indexing import at, flip, part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import expand_dims, ravel
from wengert.ops.leaves import const
from wengert.ops.leaves import size as size_node
from wengert.ops.reductions import sum_
from wengert.ops.scans import cumsum
from wengert.ops.sorting import argsort, searchsorted

__all__ = ["differences"]

_GROUP = "Differences and integrals"
_SIGNALS = "Interpolation and signals"


# --- differences --------------------------------------------------------------------------------------------
def _tail(x: Expr, axis: int, start: int = 1) -> Expr:
    return part_of(x, axis, start, x.shape[axis] - start)


def _head(x: Expr, axis: int, less: int = 1) -> Expr:
    return part_of(x, axis, 0, x.shape[axis] - less)


def differences(x: Expr, axis: int) -> Expr:
    """Each element less the one before it; of truth values, whether they differ."""
    if x.shape[axis] == 0:
        return x
    of_two = ne if x.value_type.dtype == "bool" else minus
    return finished(of_two(_tail(x, axis), _head(x, axis)), x.value_type.dtype)


def _column(x: Expr, axis: int, rank: int) -> Expr:
    """A vector along one axis of several."""
    for i in range(rank):
        if i != axis:
            x = expand_dims(x, i)
    return x


@maps(np.diff, group=_GROUP)
def diff(
    a: Value,
    n: int = 1,
    axis: int = -1,
    prepend: Value | None = None,
    append: Value | None = None,
) -> Expr:
    """The n-th difference along an axis."""
    order = int(known(n))
    if order < 0:
        raise refused("np.diff: argument `n`", expected="a number from 0 on", got=order)
    a = strong(a)
    if order == 0:
        return a
    along = axis_of(index(axis), a.ndim, "diff")
    parts = [None if p is None else _bordering(p, a, along) for p in (prepend, append)]
    joined = [p for p in (parts[0], a, parts[1]) if p is not None]
    dtype = promote(*(p.value_type.with_shape(()) for p in joined)).dtype
    a = concatenate([converted(p, dtype) for p in joined], along)
    for _ in range(order):
        a = differences(a, along)
    return a


def _bordering(value: Expr, a: Expr, axis: int) -> Expr:
    value = strong(value)
    if value.ndim:
        return value
    shape = list(a.shape)
    shape[axis] = 1
    return broadcast_to(value, shape)


@maps(np.ediff1d, group=_GROUP)
def ediff1d(ary: Value, to_end: Value | None = None, to_begin: Value | None = None) -> Expr:
    """The differences of the flattened array, with values before and after."""
    x = ravel(strong(ary))
    dtype = x.value_type.dtype
    if dtype == "bool":
        raise TypeMismatchError(worded("np.ediff1d", expected="numbers", got="truth values"))
    parts = [differences(x, 0)]
    for value, place in ((to_begin, 0), (to_end, 2)):
        if value is None:
            continue
        if not np.can_cast(value.value_type.dtype, dtype, "same_kind"):
            raise refused("np.ediff1d", expected=f"values of dtype {dtype}", got=value.value_type)
        parts.insert(place, converted(ravel(value), dtype))
    return concatenate(parts, 0)


# --- gradients ----------------------------------------------------------------------------------------------
def _spacing(distances: Expr, f: Expr, axis: int) -> Expr:
    """One distance, or those between neighbours."""
    if not distances.ndim:
        return distances
    if distances.ndim != 1 or distances.shape[0] != f.shape[axis]:
        raise ShapeError(
            worded(
                "np.gradient",
                expected=f"a number or {f.shape[axis]} coordinates",
                got=f"shape {distances.shape}",
            )
        )
    if not is_inexact(distances.value_type):
        distances = converted(distances, "float64")
    found = known(distances)
    if found is not None and len({*np.diff(found)}) == 1:
        return const(np.diff(found)[0])
    return differences(strong(distances), 0)


def _weighted(f: Expr, axis: int, weights: list[Expr], starts: list[Any], count: Extent) -> Expr:
    terms = [times(w, part_of(f, axis, s, count)) for w, s in zip(weights, starts, strict=True)]
    return plus(plus(terms[0], terms[1]), terms[2])


def _inside(f: Expr, axis: int, h: Expr) -> Expr:
    """Central differences, of second order for uneven distances as well."""
    count = f.shape[axis] - 2
    if not h.ndim:
        across = minus(part_of(f, axis, 2, count), part_of(f, axis, 0, count))
        return divide(across, times(const(2.0), h))
    before, after = _head(h, 0), _tail(h, 0)
    both = plus(before, after)
    a = divide(negate(after), times(before, both))
    b = divide(minus(after, before), times(before, after))
    c = divide(before, times(after, both))
    weights = [_column(w, axis, f.ndim) for w in (a, b, c)]
    return _weighted(f, axis, weights, [0, 1, 2], count)


def _edge(f: Expr, axis: int, h: Expr, order: int, last: bool) -> Expr:
    """A one-sided difference at one end."""
    n = f.shape[axis]
    if order == 1:
        step = h if not h.ndim else at(h, 0, -1 if last else 0)
        near = part_of(f, axis, n - 1, 1) if last else part_of(f, axis, 1, 1)
        far = part_of(f, axis, n - 2, 1) if last else part_of(f, axis, 0, 1)
        return divide(minus(near, far), step)
    starts = [n - 3, n - 2, n - 1] if last else [0, 1, 2]
    if not h.ndim:
        signs = (0.5, -2.0, 1.5) if last else (-1.5, 2.0, -0.5)
        weights = [divide(const(s), h) for s in signs]
    else:
        d1, d2 = (at(h, 0, -2), at(h, 0, -1)) if last else (at(h, 0, 0), at(h, 0, 1))
        both, product = plus(d1, d2), times(d1, d2)
        near, far = (d2, d1) if last else (d1, d2)
        outer = divide(plus(times(const(2.0), near), far), times(near, both))
        inner = divide(both, product)
        rest = divide(near, times(far, both))
        weights = [rest, negate(inner), outer] if last else [negate(outer), inner, negate(rest)]
    return _weighted(f, axis, weights, starts, 1)


@maps(np.gradient, group=_GROUP)
def gradient(
    f: Value, *varargs: Value, axis: Any = None, edge_order: int = 1
) -> Expr | tuple[Expr, ...]:
    """Derivatives of samples along each axis by central differences."""
    f = strong(f)
    if f.value_type.dtype == "bool":
        raise TypeMismatchError(worded("np.gradient", expected="numbers", got="truth values"))
    given = axis_given(axis)
    axes = axes_of(None, f.ndim, "gradient") if given is None else given
    axes = tuple(
        axis_of(a, f.ndim, "gradient") for a in ((axes,) if isinstance(axes, int) else axes)
    )
    f = converted(f, inexact_of(f))
    order = int(known(edge_order))
    if order not in (1, 2):
        raise refused("np.gradient: argument `edge_order`", expected="1 or 2", got=order)
    spacings = list(varargs) or [const(1.0)]
    if len(spacings) == 1 and not spacings[0].ndim:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeMismatchError(
            worded(
                "np.gradient", expected=f"distances for {len(axes)} axes", got=f"{len(spacings)}"
            )
        )
    results = []
    for along, distances in zip(axes, spacings, strict=True):
        extent = f.shape[along]
        if isinstance(extent, int) and extent < order + 1:
            raise ShapeError(
                worded("np.gradient", expected=f"at least {order + 1} samples", got=f"{extent}")
            )
        h = _spacing(distances, f, along)
        first, last = (_edge(f, along, h, order, end) for end in (False, True))
        whole = concatenate([first, _inside(f, along, h), last], along)
        results.append(finished(whole, f.value_type.dtype))
    return results[0] if len(results) == 1 else tuple(results)


# --- integrals ----------------------------------------------------------------------------------------------
def _trapezoid(y: Value, x: Value | None = None, dx: Value = 1.0, axis: int = -1) -> Expr:  # type: ignore[assignment]
    """The integral of samples by the trapezoidal rule."""
    y = strong(y)
    along = axis_of(index(axis), y.ndim, "trapezoid")
    if x is None:
        distance = lift(dx)
    else:
        x = strong(x)
        distance = (
            differences(x, 0) if x.ndim == 1 else differences(x, axis_of(index(axis), x.ndim, "x"))
        )
        distance = _column(distance, along, y.ndim) if x.ndim == 1 else distance
    both = BINARY[np.add](_tail(y, along), _head(y, along))
    product = times(distance, converted(both, "int64") if y.value_type.dtype == "bool" else both)
    total = sum_(divide(product, const(2.0)), axis_of(index(axis), product.ndim, "trapezoid"))
    kinds = [y.value_type.with_shape(()), distance.value_type.with_shape(())]
    dtype = promote(*kinds, const(2.0).value_type).dtype
    return finished(total, dtype)


maps(np.trapezoid, group=_GROUP)(_trapezoid)


# --- interpolation ------------------------------------------------------------------------------------------
def _line(x: Expr, xp: Expr, fp: Expr) -> Expr:
    """The straight line between the neighbours of each ``x``."""
    last = size_node(xp.shape[0]) - 1
    place = minimum(maximum(searchsorted(xp, x, "right") - 1, 0), maximum(last - 1, 0))
    after = minimum(place + 1, last)
    x0, x1, y0, y1 = take(xp, place), take(xp, after), take(fp, place), take(fp, after)
    slope = divide(minus(y1, y0), minus(x1, x0))
    line = plus(times(slope, minus(x, x0)), y0)
    # Beside infinite values: from the other end, or the value of the very point.
    other = plus(times(slope, minus(x, x1)), y1)
    other = where(logical_and(isnan(other), eq(y0, y1)), y0, other)
    return where(isnan(line), where(eq(x, x0), y0, other), line)


@maps(np.interp, group=_SIGNALS)
def interp(
    x: Value,
    xp: Value,
    fp: Value,
    left: Value | None = None,
    right: Value | None = None,
    period: Value | None = None,
) -> Expr:
    """Piecewise linear interpolation of the points ``xp``, ``fp``, constant beyond them."""
    dtype: DType = "complex128" if is_complex(fp.value_type) else "float64"
    x, xp, fp = (
        converted(strong(x), "float64"),
        converted(strong(xp), "float64"),
        converted(fp, dtype),
    )
    if xp.ndim != 1 or fp.shape != xp.shape or xp.shape[0] == 0:
        raise ShapeError(
            worded("np.interp", expected="two vectors of points", got=f"{xp.shape} and {fp.shape}")
        )
    if period is not None:
        period, left, right = absolute(strong(period)), None, None
        x, xp = mod(x, period), mod(xp, period)
        order = argsort(xp)
        xp, fp = take(xp, order), take(fp, order)
        ends = [part_of(v, 0, v.shape[0] - 1, 1) for v in (xp, fp)]
        starts = [part_of(v, 0, 0, 1) for v in (xp, fp)]
        xp = concatenate([minus(ends[0], period), xp, plus(starts[0], period)], 0)
        fp = concatenate([ends[1], fp, starts[1]], 0)
    low = at(fp, 0, 0) if left is None else left
    high = at(fp, 0, -1) if right is None else right
    result = _line(x, xp, fp)
    result = where(eq(x, at(xp, 0, -1)), at(fp, 0, -1), result) if xp.shape[0] == 1 else result
    result = where(gt(x, at(xp, 0, -1)), high, where(lt(x, at(xp, 0, 0)), low, result))
    return finished(where(isnan(x), x, result), dtype)


# --- convolution --------------------------------------------------------------------------------------------
def _shorter(m: Extent, n: Extent, what: str) -> tuple[Extent, Extent, bool]:
    """The smaller and the larger of two extents, and whether the second is the larger."""
    apart = m - n
    if isinstance(apart, Dim):
        raise ShapeError(
            worded(
                f"{what}: argument `mode`", expected="'full' for symbolic sizes", got=f"{m}, {n}"
            )
        )
    return (n, m, False) if apart >= 0 else (m, n, True)


def _cut(whole: Expr, m: Extent, n: Extent, mode: Any, what: str, turned: bool) -> Expr:
    """The part of the full result that a mode keeps."""
    mode = {0: "valid", 1: "same", 2: "full"}.get(mode, mode)
    if mode == "full":
        return whole
    if mode not in ("same", "valid"):
        raise refused(f"{what}: argument `mode`", expected="'full', 'same' or 'valid'", got=mode)
    short, long, second_larger = _shorter(m, n, what)
    if mode == "valid":
        return part_of(whole, 0, short - 1, long - short + 1)
    if isinstance(short, Dim):
        raise ShapeError(worded(f"{what}: argument `mode`", expected="known sizes", got=str(short)))
    start = short - 1 - short // 2
    if turned and second_larger:  # NumPy turns both round and the result back
        start = short // 2
    return part_of(whole, 0, start, long)


def _vectors(a: Expr, v: Expr, what: str) -> tuple[Expr, Expr]:
    if a.ndim != 1 or v.ndim != 1 or a.shape[0] == 0 or v.shape[0] == 0:
        raise ShapeError(worded(what, expected="two vectors", got=f"{a.shape} and {v.shape}"))
    if a.value_type.dtype == v.value_type.dtype == "bool":
        raise TypeMismatchError(
            worded(what, expected="numbers", got="truth values", hint="x.astype(int)")
        )
    dtype = promote(a.value_type.with_shape(()), v.value_type.with_shape(())).dtype
    return converted(a, dtype), converted(v, dtype)


@maps(np.convolve, group=_SIGNALS)
def convolve_(a: Value, v: Value, mode: Any = "full") -> Expr:
    """The discrete convolution of two vectors."""
    a, v = (expand_dims(strong(x), 0) if not x.ndim else strong(x) for x in (a, v))
    a, v = _vectors(a, v, "np.convolve")
    return _cut(convolve(a, v), a.shape[0], v.shape[0], mode, "np.convolve", False)


@maps(np.correlate, group=_SIGNALS)
def correlate(a: Value, v: Value, mode: Any = "valid") -> Expr:
    """The cross-correlation of two vectors."""
    a, v = _vectors(strong(a), strong(v), "np.correlate")
    whole = convolve(a, flip(conj(v)))
    return _cut(whole, a.shape[0], v.shape[0], mode, "np.correlate", True)


# --- phases -------------------------------------------------------------------------------------------------
@maps(np.unwrap, group=_SIGNALS)
def unwrap(
    p: Value,
    discont: Value | None = None,
    axis: int = -1,
    *,
    period: Value = 2 * np.pi,  # type: ignore[assignment]  # lifted below
) -> Expr:
    """Phases without jumps of more than half a period."""
    p, cycle = strong(p), lift(period)
    along = axis_of(index(axis), p.ndim, "unwrap")
    steps = differences(p, along)
    dtype = promote(steps.value_type.with_shape(()), cycle.value_type.with_shape(())).dtype
    largest = divide(cycle, 2) if discont is None else discont
    whole = dtype.startswith("int")
    high = floor_divide(cycle, 2) if whole else divide(cycle, 2)
    low = negate(high)
    wrapped = plus(mod(minus(steps, low), cycle), low)
    ambiguous = logical_and(eq(wrapped, low), gt(steps, 0))
    if whole:
        ambiguous = logical_and(ambiguous, eq(mod(cycle, 2), 0))
    correction = minus(where(ambiguous, high, wrapped), steps)
    correction = where(lt(absolute(steps), largest), 0, correction)
    moved = plus(_tail(p, along), cumsum(correction, along))
    parts = [part_of(p, along, 0, 1), moved]
    return concatenate([converted(part, dtype) for part in parts], along)
