"""NumPy's running sums and products, and its reductions that pass over NaN."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, only, strong
from wengert.frontend.numpy_loops import finished
from wengert.frontend.numpy_reductions import (
    axis_given,
    counted,
    ddof_given,
    extremum,
    floating,
    folding,
    mean_over,
    position,
    spreading,
    summable,
    variance,
)
from wengert.frontend.table import Value, maps
from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import is_inexact
from wengert.ops.algebra import full
from wengert.ops.axes import axes_of, axis_of
from wengert.ops.choice import logical_and, logical_not, where
from wengert.ops.einstein import broadcast_to
from wengert.ops.floats import isnan
from wengert.ops.joining import concatenate
from wengert.ops.leaves import const
from wengert.ops.missing import nanargmax, nanargmin
from wengert.ops.powers import sqrt
from wengert.ops.reductions import all_
from wengert.ops.scans import cumprod, cumsum

__all__ = ["without_nan"]

_PAST_NAN = "Reductions past NaN"
_RUNNING = "Running sums and products"


# --- running sums and products ---------------------------------------------------------------------------
def _running(function: Callable[..., Expr], original: Callable[..., Any]) -> None:
    name = f"np.{original.__name__}"

    @maps(original, group=_RUNNING)
    def running(a: Value, axis: Any = None, dtype: Any = None, out: None = None) -> Expr:
        only(name, "out", out, None)
        a = summable(a, dtype, name)
        if name.startswith("np.nancum"):
            a = without_nan(a, int(function is cumprod))
        return function(a, axis_given(axis))


def _running_with_initial(
    function: Callable[..., Expr], original: Callable[..., Any], first: int
) -> None:
    name = f"np.{original.__name__}"

    @maps(original, group=_RUNNING)
    def running(
        x: Value,
        /,
        *,
        axis: Any = None,
        dtype: Any = None,
        out: None = None,
        include_initial: bool = False,
    ) -> Expr:
        only(name, "out", out, None)
        x = summable(x, dtype, name)
        if axis is None and x.ndim != 1:
            raise TypeMismatchError(
                worded(f"{name}: argument `axis`", expected="an axis for several axes", got="None")
            )
        along = axis_of(0 if axis is None else index(axis), x.ndim, name)
        result = function(x, along)
        if not include_initial:
            return result
        shape: list[Extent] = list(x.shape)
        shape[along] = 1
        start = converted(full(shape, first), x.value_type.dtype)
        return concatenate([start, result], along)


_running(cumsum, np.cumsum)
_running(cumprod, np.cumprod)
_running(cumsum, np.nancumsum)
_running(cumprod, np.nancumprod)
_running_with_initial(cumsum, np.cumulative_sum, 0)
_running_with_initial(cumprod, np.cumulative_prod, 1)


# --- past NaN --------------------------------------------------------------------------------------------
def without_nan(a: Expr, fill: Any) -> Expr:
    """The array with a number in place of each NaN."""
    return where(isnan(a), fill, a) if is_inexact(a.value_type) else a


def _present(a: Expr, chosen: Any) -> Any:
    """Where there is a number that takes part: the condition for the plain reduction."""
    if not is_inexact(a.value_type):
        return chosen
    there = logical_not(isnan(a))
    if chosen is None:
        return there
    return logical_and(there, broadcast_to(converted(chosen, "bool"), a.shape))


@maps(np.nansum, group=_PAST_NAN)
def nansum(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The sum of the numbers."""
    only("np.nansum", "out", out, None)
    return folding(without_nan(strong(a), 0), axis, dtype, keepdims, initial, where, "np.sum")


@maps(np.nanprod, group=_PAST_NAN)
def nanprod(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The product of the numbers."""
    only("np.nanprod", "out", out, None)
    return folding(without_nan(strong(a), 1), axis, dtype, keepdims, initial, where, "np.prod")


@maps(np.nanmean, group=_PAST_NAN)
def nanmean(
    a: Value,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Value | None = None,
) -> Expr:
    """The mean of the numbers."""
    only("np.nanmean", "out", out, None)
    present = _present(a, where)
    a = floating(a, dtype, "np.nanmean")
    return mean_over(a, axes_of(axis_given(axis), a.ndim, "nanmean"), keepdims, present)


def _nan_variance(
    a: Expr, axis: Any, dtype: Any, ddof: Any, keepdims: bool, chosen: Any, given: Expr | None
) -> Expr:
    """NaN where no degree of freedom is left."""
    present = _present(a, chosen)
    a = spreading(a, dtype, "np.nanvar")
    result = variance(a, axis, ddof, keepdims, present, given)
    if present is None or ddof == 0:
        return result
    axes = axes_of(axis_given(axis), a.ndim, "nanvar")
    few = counted(a, axes, keepdims, present) <= ddof
    return finished(where(few, const(np.nan), result), result.value_type.dtype)


@maps(np.nanvar, group=_PAST_NAN)
def nanvar(
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
    """The variance of the numbers."""
    only("np.nanvar", "out", out, None)
    ddof = ddof_given(ddof, correction, "np.nanvar")
    return _nan_variance(a, axis, dtype, ddof, keepdims, where, mean)


@maps(np.nanstd, group=_PAST_NAN)
def nanstd(
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
    """The standard deviation of the numbers."""
    only("np.nanstd", "out", out, None)
    ddof = ddof_given(ddof, correction, "np.nanstd")
    return sqrt(_nan_variance(a, axis, dtype, ddof, keepdims, where, mean))


def _nan_extremum(
    a: Expr, axis: Any, keepdims: bool, initial: Expr | None, chosen: Any, name: str
) -> Expr:
    a = strong(a)
    if not is_inexact(a.value_type):
        return extremum(a, axis, keepdims, initial, chosen, name)
    worst = const(-np.inf if name == "max" else np.inf)
    result = extremum(without_nan(a, worst), axis, keepdims, initial, chosen, name)
    if initial is not None:
        return result
    none = all_(isnan(a), axis_given(axis), keepdims)
    return finished(where(none, const(np.nan), result), a.value_type.dtype)


@maps(np.nanmax, group=_PAST_NAN)
def nanmax(
    a: Value,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The largest of the numbers; NaN where there is none."""
    only("np.nanmax", "out", out, None)
    return _nan_extremum(a, axis, keepdims, initial, where, "max")


@maps(np.nanmin, group=_PAST_NAN)
def nanmin(
    a: Value,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Value | None = None,
    where: Value | None = None,
) -> Expr:
    """The smallest of the numbers; NaN where there is none."""
    only("np.nanmin", "out", out, None)
    return _nan_extremum(a, axis, keepdims, initial, where, "min")


position(nanargmax, np.nanargmax, _PAST_NAN)
position(nanargmin, np.nanargmin, _PAST_NAN)
