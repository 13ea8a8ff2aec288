"""Functions of ``scipy.signal``: convolutions, linear filters, smoothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import fixed, known, only, refused, strong, whole
from wengert.frontend.numpy_joining import pad
from wengert.frontend.numpy_linalg import floating
from wengert.frontend.numpy_products import of_one_dtype
from wengert.frontend.table import Value, maps
from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.algebra import lift, minus, plus, times
from wengert.ops.axes import axis_of, keep_axes
from wengert.ops.banded import shifted, solve_banded
from wengert.ops.complexes import conj
from wengert.ops.convolution import convolve as convolved
from wengert.ops.einstein import broadcast_to, ein
from wengert.ops.fourier import fft, ifft
from wengert.ops.indexing import flip, part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import moveaxis
from wengert.ops.leaves import const
from wengert.ops.reductions import mean

_group = "Signals"
_S = scipy.signal


# --- convolution -----------------------------------------------------------------------------------------
def _vectors(first: Expr, second: Expr, what: str) -> tuple[Expr, Expr]:
    (a, b), _ = of_one_dtype(first, second)
    if a.ndim != 1 or b.ndim != 1:
        raise ShapeError(worded(what, expected="two vectors", got=f"{a.type} and {b.type}"))
    return a, b


def _part(full: Expr, first: Extent, second: Extent, mode: str, what: str) -> Expr:
    """The full convolution, its middle of the length of the first signal, or what both cover."""
    only(what, "mode", mode, "full", "same", "valid")
    if mode == "full":
        return full
    if mode == "same":
        return part_of(full, 0, (fixed(second, what) - 1) // 2, first)
    apart = first - second
    if not isinstance(apart, int):
        raise ShapeError(
            worded(what, expected="lengths that can be compared", got=f"{first} and {second}")
            + "; needs a fixed extent"
        )
    shorter = second if apart >= 0 else first
    return part_of(full, 0, shorter - 1, abs(apart) + 1)


@maps(_S.convolve, group=_group)
def convolve(in1: Value, in2: Value, mode: str = "full", method: str = "auto") -> Expr:
    a, b = _vectors(strong(in1), strong(in2), "scipy.signal.convolve")
    whole_ = convolved(a, b)
    return _part(whole_, a.shape[0], b.shape[0], mode, "scipy.signal.convolve")


@maps(_S.fftconvolve, group=_group)
def fftconvolve(in1: Value, in2: Value, mode: str = "full", axes: Any = None) -> Expr:
    what = "scipy.signal.fftconvolve"
    only(what, "axes", axes, None, 0, -1)
    a, b = _vectors(floating(in1), floating(in2), what)
    return _part(convolved(a, b), a.shape[0], b.shape[0], mode, what)


@maps(_S.correlate, group=_group)
def correlate(in1: Value, in2: Value, mode: str = "full", method: str = "auto") -> Expr:
    what = "scipy.signal.correlate"
    a, b = _vectors(strong(in1), strong(in2), what)
    return _part(convolved(a, flip(conj(b))), a.shape[0], b.shape[0], mode, what)


# --- linear filters --------------------------------------------------------------------------------------
@maps(_S.lfilter, group=_group)
def lfilter(b: Value, a: Value, x: Value, axis: int = -1, zi: Any = None) -> Expr:
    """``a[0] y[n] + a[1] y[n - 1] + ... = b[0] x[n] + b[1] x[n - 1] + ...``, as a banded system."""
    what = "scipy.signal.lfilter"
    only(what, "zi", zi, None)
    top, bottom, signal = (floating(v) for v in (b, a, x))
    (top, bottom, signal), _ = of_one_dtype(top, bottom, signal)
    if top.ndim > 1 or bottom.ndim > 1:
        raise ShapeError(worded(what, expected="coefficients in vectors", got="more axes"))
    top, bottom = (broadcast_to(v, (1,)) if not v.ndim else v for v in (top, bottom))
    along = axis_of(axis, signal.ndim, what)
    rows = moveaxis(signal, along, 0)
    right: Expr | None = None
    for delay in range(fixed(top.shape[0], what)):
        term = times(top[delay], shifted(rows, delay))
        right = term if right is None else plus(right, term)
    assert right is not None
    order = fixed(bottom.shape[0], what) - 1
    diagonals = broadcast_to(ein([(bottom, [0])], [0, 1], {1: 1}), (order + 1, rows.shape[0]))
    return moveaxis(solve_banded(diagonals, right, order, 0), 0, along)


@maps(_S.savgol_filter, group=_group)
def savgol_filter(
    x: Value,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: float = 0.0,
) -> Expr:
    what = "scipy.signal.savgol_filter"
    only(what, "mode", mode, "interp", "mirror", "nearest", "constant", "wrap")
    width, signal = whole(window_length, what, "window_length"), floating(x)
    if width % 2 == 0:
        raise refused(f"{what}: argument `window_length`", expected="an odd number", got=width)
    step = known(delta)
    if step is None:
        raise refused(f"{what}: argument `delta`", expected="a number known at capture", got=delta)
    along = axis_of(axis, signal.ndim, what)
    rows = moveaxis(signal, along, 0)
    weights = _S.savgol_coeffs(width, polyorder, deriv=deriv, delta=step)
    half = width // 2
    if mode == "interp":
        extent = rows.shape[0]
        if isinstance(extent, int) and extent < width:
            raise ShapeError(worded(what, expected=f"at least {width} numbers", got=f"{extent}"))
        ends = _S.savgol_filter(np.eye(width), width, polyorder, deriv, step, 0)
        middle = _weighed(rows, weights[::-1], width)
        front = _mixed(ends[:half], part_of(rows, 0, 0, width))
        back = _mixed(ends[width - half :], part_of(rows, 0, extent - width, width))
        return moveaxis(concatenate([front, middle, back], 0), 0, along)
    borders = {"mirror": "reflect", "nearest": "edge", "constant": "constant", "wrap": "wrap"}
    widths = [(half, width - 1 - half), *[(0, 0)] * (rows.ndim - 1)]
    value = {"constant_values": cval} if mode == "constant" else {}
    wide: Expr = pad(rows, widths, borders[mode], **value)
    return moveaxis(_weighed(wide, weights[::-1], width), 0, along)


def _weighed(rows: Expr, weights: Any, width: int) -> Expr:
    """Weighted sums over windows along the first axis."""
    count = rows.shape[0] - (width - 1)
    total: Expr | None = None
    for place, weight in enumerate(weights):
        term = times(const(float(weight)), part_of(rows, 0, place, count))
        total = term if total is None else plus(total, term)
    assert total is not None
    return total


def _mixed(matrix: Any, rows: Expr) -> Expr:
    """A known matrix times the first axis."""
    labels = [("axis", i) for i in range(1, rows.ndim)]
    weights = lift(np.asarray(matrix, rows.value_type.dtype))
    return ein([(weights, ["i", "j"]), (rows, ["j", *labels])], ["i", *labels])


@maps(_S.detrend, group=_group)
def detrend(
    data: Value,
    axis: int = -1,
    type: str = "linear",  # noqa: A002  # as SciPy names it
    bp: int = 0,
    overwrite_data: bool = False,
) -> Expr:
    what = "scipy.signal.detrend"
    only(what, "type", type, "linear", "l", "constant", "c")
    only(what, "bp", bp, 0)
    x = floating(data)
    along = axis_of(axis, x.ndim, what)
    level = minus(x, keep_axes(mean(x, along), [along]))
    if type in ("constant", "c"):
        return level
    n = fixed(x.shape[along], what)
    slope = np.arange(n) - (n - 1) / 2
    slope = slope / np.sqrt(max(float(np.sum(slope * slope)), 1e-300))
    rows = moveaxis(level, along, 0)
    fitted = _mixed(np.outer(slope, slope), rows)
    return moveaxis(minus(rows, fitted), 0, along)


@maps(_S.hilbert, group=_group)
def hilbert(x: Value, N: Any = None, axis: int = -1) -> Expr:
    what = "scipy.signal.hilbert"
    only(what, "N", N, None)
    signal = floating(x)
    along = axis_of(axis, signal.ndim, what)
    n = fixed(signal.shape[along], what)
    weights = np.zeros(n)
    weights[0] = 1
    weights[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        weights[n // 2] = 1
    column = weights.reshape([-1 if i == along else 1 for i in range(signal.ndim)])
    return ifft(times(fft(signal, along), lift(column.astype(signal.value_type.dtype))), along)
