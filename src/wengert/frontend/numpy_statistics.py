"""Averages with weights, covariances, histograms and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import as_dtype, converted, known, refused, strong
from wengert.frontend.numpy_creation import linspace_of
from wengert.frontend.numpy_loops import finished, inexact_of
from wengert.frontend.numpy_reductions import axis_given, mean_over
from wengert.frontend.table import Nested, Value, maps
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import DType, is_complex, promote
from wengert.ops.algebra import diag, full, lift, matmul, minus, times
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axes_of
from wengert.ops.choice import eq, ge, gt, le, logical_and, lt, maximum, minimum, where
from wengert.ops.complexes import conj, from_parts, imag, real
from wengert.ops.einstein import broadcast_to, ones, transpose
from wengert.ops.extents import as_dim
from wengert.ops.gathering import add_at
from wengert.ops.indexing import at, part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import expand_dims, ravel, squeeze
from wengert.ops.leaves import const
from wengert.ops.leaves import size as size_node
from wengert.ops.powers import sqrt
from wengert.ops.reductions import max_, min_, sum_
from wengert.ops.sorting import digitize, searchsorted

__all__: list[str] = []

_GROUP = "Statistics"
_COUNTS = "Histograms"


# --- averages -----------------------------------------------------------------------------------------------
def _weights_of(weights: Expr, a: Expr, axis: Any) -> Expr:
    """The weights with the axes of the array: given for all elements, or for the averaged axes."""
    weights = strong(weights)
    if weights.shape == a.shape:
        return weights
    given = axis_given(axis)
    if given is None:
        raise TypeMismatchError(
            worded("np.average", expected="an axis beside weights of another shape", got="None")
        )
    axes = (given,) if isinstance(given, int) else given
    axes = tuple(x % a.ndim for x in axes)
    if weights.shape != tuple(a.shape[x] for x in axes):
        raise ShapeError(
            worded(
                "np.average: argument `weights`",
                expected=f"extents {tuple(a.shape[x] for x in axes)}",
                got=f"{weights.shape}",
            )
        )
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    weights = transpose(weights, order)
    for i in range(a.ndim):
        if i not in axes:
            weights = expand_dims(weights, i)
    return weights


@maps(np.average, group=_GROUP)
def average(
    a: Value,
    axis: Any = None,
    weights: Value | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Expr | tuple[Expr, Expr]:
    """The mean, with weights; ``returned`` adds the sum of the weights."""
    a, keepdims = strong(a), bool(known(keepdims))
    axes = axes_of(axis_given(axis), a.ndim, "average")
    if weights is None:
        a = converted(a, inexact_of(a))
        result = mean_over(a, axes, keepdims, None)
        total = _number(size_of(a.shape[i] for i in axes), result.value_type.dtype)
    else:
        weights = _weights_of(weights, a, axis)
        parts = [a.value_type.with_shape(()), weights.value_type.with_shape(())]
        dtype = promote(*parts).dtype
        if a.value_type.dtype in ("bool", "int32", "int64"):
            dtype = promote(*parts, const(np.float64(0)).value_type).dtype
        weights, a = converted(weights, dtype), converted(a, dtype)
        total = sum_(
            weights if weights.ndim == a.ndim else broadcast_to(weights, a.shape), axes, keepdims
        )
        result = divide(sum_(times(a, weights), axes, keepdims), total)
    if not known(returned):
        return result
    return result, broadcast_to(total, result.shape)


def _number(extent: Extent, dtype: DType) -> Expr:
    return converted(size_node(extent), dtype)


# --- covariance ---------------------------------------------------------------------------------------------
def _observations(m: Expr, rowvar: bool, dtype: DType, turned: bool) -> Expr:
    """A matrix with one variable a row."""
    m = converted(m, dtype)
    m = expand_dims(m, 0) if m.ndim == 1 else m
    if m.ndim == 0:
        m = expand_dims(expand_dims(m, 0), 0)
    if m.ndim > 2:
        raise ShapeError(worded("np.cov", expected="at most two axes", got=f"shape {m.shape}"))
    return transpose(m) if turned and not rowvar else m


def _covariance(
    m: Expr,
    y: Expr | None,
    rowvar: Any,
    bias: Any,
    ddof: Any,
    fweights: Expr | None,
    aweights: Expr | None,
    dtype: Any,
) -> Expr:
    m = strong(m)
    rows = bool(known(rowvar))
    others = [] if y is None else [strong(y)]
    kinds = [n.value_type.with_shape(()) for n in (m, *others)]
    found = promote(*kinds, const(np.float64(0)).value_type).dtype
    if dtype is not None:
        found = as_dtype(m, dtype, "np.cov").value_type.dtype
    x = _observations(m, rows, found, m.ndim != 1)
    for other in others:
        other = _observations(other, True, found, False)
        other = transpose(other) if not rows and other.shape[0] != 1 else other
        x = concatenate([x, other], 0)
    loss = (0 if known(bias) else 1) if ddof is None else known(ddof)
    weights = _frequencies(fweights, aweights)
    if weights is None:
        count: Expr = size_node(x.shape[1])
        apart = minus(x, mean_over(x, (1,), True, None))
        freedom, weighted = count - loss, apart
    else:
        total = sum_(weights)
        apart = minus(x, expand_dims(divide(matmul(x, weights), total), 1))
        weighted = times(apart, weights)
        freedom = _freedom(weights, aweights, total, loss)
    product = matmul(apart, conj(transpose(weighted)))
    freedom = converted(freedom, "float64")
    factor = divide(1, where(gt(freedom, 0), freedom, const(0.0)) if loss else freedom)
    return finished(squeeze(times(product, factor)), found)


def _frequencies(fweights: Expr | None, aweights: Expr | None) -> Expr | None:
    given = [converted(strong(w), "float64") for w in (fweights, aweights) if w is not None]
    if not given:
        return None
    return given[0] if len(given) == 1 else times(given[0], given[1])


def _freedom(weights: Expr, aweights: Expr | None, total: Expr, loss: int) -> Expr:
    if loss == 0:
        return total
    if aweights is None:
        return total - loss
    return total - loss * divide(sum_(times(weights, converted(aweights, "float64"))), total)


@maps(np.cov, group=_GROUP)
def cov(
    m: Value,
    y: Value | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Value | None = None,
    aweights: Value | None = None,
    *,
    dtype: Any = None,
) -> Expr:
    """The covariance matrix of the rows."""
    return _covariance(m, y, rowvar, bias, ddof, fweights, aweights, dtype)


@maps(np.corrcoef, group=_GROUP)
def corrcoef(x: Value, y: Value | None = None, rowvar: bool = True, *, dtype: Any = None) -> Expr:
    """The matrix of correlation coefficients of the rows."""
    c = _covariance(x, y, rowvar, False, None, None, None, dtype)
    if c.ndim == 0:
        return divide(c, c)
    spreads = sqrt(real(diag(c)))
    c = divide(divide(c, expand_dims(spreads, 1)), expand_dims(spreads, 0))
    if is_complex(c.value_type):
        return from_parts(_limited(real(c)), _limited(imag(c)))
    return _limited(c)


def _limited(c: Expr) -> Expr:
    return minimum(maximum(c, -1.0), 1.0)


# --- histograms ---------------------------------------------------------------------------------------------
def _bounds(a: Expr, span: Any) -> tuple[Expr, Expr]:
    """The first and last edge; bins of a single value are one wide."""
    if span is not None:
        first, last = (lift(v) for v in span)
        low, high = known(first), known(last)
        if low is not None and high is not None and not low <= high:
            raise refused("np.histogram: argument `range`", expected="(low, high)", got=span)
    elif a.shape == (0,):
        first, last = const(0), const(1)
    else:
        first, last = min_(a), max_(a)
    flat = eq(first, last)
    if known(first) is not None and known(last) is not None:
        return (first - 0.5, last + 0.5) if known(first) == known(last) else (first, last)
    return where(flat, first - 0.5, first), where(flat, last + 0.5, last)


def _edges(a: Expr, bins: Any, span: Any) -> Expr:
    number = known(bins)
    if isinstance(number, str) or (number is not None and np.ndim(number) == 0):
        if isinstance(number, str) or not isinstance(number, int | np.integer) or number < 1:
            raise refused(
                "np.histogram: argument `bins`", expected="a number of bins, or edges", got=number
            )
        first, last = _bounds(a, span)
        kinds = [n.value_type.with_shape(()) for n in (first, last, a)]
        dtype = promote(*kinds).dtype
        dtype = "float64" if dtype.startswith("int") else dtype
        return converted(linspace_of(first, last, int(number) + 1), dtype)
    edges = strong(lift(bins))
    found = known(edges)
    if edges.ndim != 1 or (found is not None and np.any(found[:-1] > found[1:])):
        raise refused("np.histogram: argument `bins`", expected="edges that increase", got=bins)
    return edges


@maps(np.histogram_bin_edges, group=_COUNTS)
def histogram_bin_edges(
    a: Value,
    bins: Value = 10,  # type: ignore[assignment]  # read as a known number
    range: Nested | None = None,  # noqa: A002  # NumPy's name
    weights: Value | None = None,
) -> Expr:
    """The edges of the bins of a histogram."""
    return _edges(ravel(strong(a)), bins, range)


@maps(np.histogram, group=_COUNTS)
def histogram(
    a: Value,
    bins: Value = 10,  # type: ignore[assignment]  # read as a known number
    range: Nested | None = None,  # noqa: A002  # NumPy's name
    density: Any = None,
    weights: Value | None = None,
) -> tuple[Expr, Expr]:
    """How many elements, or how much weight, lies in each bin; the last bin is closed."""
    a = ravel(strong(a))
    if a.value_type.dtype == "bool" or is_complex(a.value_type):
        raise TypeMismatchError(
            worded("np.histogram", expected="real numbers", got=str(a.value_type))
        )
    edges = _edges(a, bins, range)
    amounts = _amounts(weights, a)
    number = edges.shape[0] - 1
    last = at(edges, 0, -1)
    inside = logical_and(ge(a, at(edges, 0, 0)), le(a, last))
    place = searchsorted(edges, a, "right") - 1
    place = where(eq(a, last), size_node(number) - 1, place)
    place = where(inside, place, size_node(number))
    empty = finished(full((number + 1,), 0), amounts.value_type.dtype)
    counts = part_of(add_at(empty, amounts, converted(place, "int64")), 0, 0, number)
    if known(density):
        widths = converted(
            minus(part_of(edges, 0, 1, number), part_of(edges, 0, 0, number)), "float64"
        )
        counts = divide(divide(counts, widths), sum_(counts))
    return counts, edges


def _amounts(weights: Expr | None, a: Expr) -> Expr:
    if weights is None:
        return finished(ones(a.shape), "int64")
    weights = ravel(strong(weights))
    if weights.shape != a.shape:
        raise ShapeError(
            worded(
                "np.histogram: argument `weights`", expected=f"{a.shape}", got=f"{weights.shape}"
            )
        )
    return weights


@maps(np.bincount, group=_COUNTS)
def bincount(x: Value, /, weights: Value | None = None, minlength: Any = 0) -> Expr:
    """How often each whole number occurs, or the sum of the weights of its places."""
    x = strong(x)
    if x.ndim != 1 or x.value_type.dtype not in ("int32", "int64", "bool"):
        raise TypeMismatchError(worded("np.bincount", expected="a vector of integers", got=str(x)))
    x = converted(x, "int64")
    least = int(known(minlength))
    found = known(x)
    if found is not None:
        number: Extent = max(least, int(np.max(found, initial=-1)) + 1)
    elif x.shape == (0,):
        number = least
    else:
        number = as_dim(maximum(max_(x) + 1, const(np.int64(least))))
    if weights is None:
        amounts, dtype = finished(ones(x.shape), "int64"), "int64"
    else:
        amounts, dtype = converted(strong(weights), "float64"), "float64"
    if amounts.shape != x.shape:
        raise ShapeError(
            worded("np.bincount: argument `weights`", expected=f"{x.shape}", got=f"{amounts.shape}")
        )
    # A place below 0 would count from the end.
    place = where(lt(x, 0), size_node(number), x) if found is None else x
    if found is not None and np.any(found < 0):
        raise TypeMismatchError(worded("np.bincount", expected="numbers from 0 on", got="negative"))
    empty = finished(full((number,), 0), dtype)  # type: ignore[arg-type]
    return add_at(empty, amounts, converted(place, "int64"))


@maps(np.digitize, group=_COUNTS)
def digitize_(x: Value, bins: Value, right: bool = False) -> Expr:
    """The number of the bin in which each value lies."""
    bins = strong(bins)
    found = known(bins)
    if found is not None:
        steps = np.diff(found)
        if np.any(steps < 0) and np.any(steps > 0):
            raise refused("np.digitize: argument `bins`", expected="edges in order", got=found)
    return digitize(bins, strong(x), bool(known(right)))
