"""Functions of ``scipy.interpolate`` and ``scipy.integrate`` on samples, for captured programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import fixed, known, strong
from wengert.frontend.numpy_calculus import differences
from wengert.frontend.python_guards import Guard, Guarded, guarded
from wengert.frontend.scipy_solvers import array, solves
from wengert.frontend.staging.effects import require
from wengert.frontend.table import entry_of
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import is_inexact
from wengert.ops.algebra import lift, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axis_of
from wengert.ops.choice import eq, gt, logical_not, lt, maximum, minimum, where
from wengert.ops.einstein import broadcast_to, transpose
from wengert.ops.gathering import take
from wengert.ops.joining import concatenate
from wengert.ops.layout import cast, expand_dims, moveaxis, reshape
from wengert.ops.leaves import const, size
from wengert.ops.reductions import any_, argmax, sum_
from wengert.ops.scans import cumsum
from wengert.ops.solvers.splines import Piecewise, cubic_hermite, cubic_spline, pchip
from wengert.ops.sorting import argsort, searchsorted

__all__ = ["Interp1d", "Interpolant"]

# Any, throughout: arguments are whatever SciPy takes.


# --- what captured programs call -----------------------------------------------------------------------
class Callback:
    """Something to call with expressions, in a captured program and outside of one."""

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.function(*args, **options)

    def __wengert_call__(self, context: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        found = self.function(*args, **kwargs)
        if isinstance(found, Guarded):
            for guard in found.guards:
                require(*guard)
            return found.value
        return found


class Interpolant(Callback):
    """A piecewise polynomial as SciPy's users know it: to be called, differentiated and integrated."""

    __slots__ = ("piecewise",)

    def __init__(self, piecewise: Piecewise) -> None:
        super().__init__(lambda x, nu=0, extrapolate=None: piecewise(array(x), nu, extrapolate))
        self.piecewise = piecewise

    @property
    def derivative(self) -> Callback:
        """``derivative(nu=1)``: the derivative as another one."""
        return Callback(lambda nu=1: Interpolant(self.piecewise.derivative(nu)))

    @property
    def antiderivative(self) -> Callback:
        """``antiderivative(nu=1)``: the antiderivative as another one."""
        return Callback(lambda nu=1: Interpolant(self.piecewise.antiderivative(nu)))

    @property
    def integrate(self) -> Callback:
        """``integrate(a, b, extrapolate=None)``: the definite integral."""
        return Callback(
            lambda a, b, extrapolate=None: self.piecewise.integrate(array(a), array(b), extrapolate)
        )


@solves("scipy.interpolate.CubicSpline")
def cubic_spline_(
    x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
) -> Interpolant:
    """The cubic spline through samples."""
    bc = bc_type if isinstance(bc_type, str) else tuple(_condition(c) for c in bc_type)
    return Interpolant(cubic_spline(array(x), array(y), axis, bc, extrapolate))


def _condition(given: Any) -> Any:
    return given if isinstance(given, str) else (known(given[0]), array(given[1]))


@solves("scipy.interpolate.PchipInterpolator")
def pchip_(x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> Interpolant:
    """The monotone cubic through samples."""
    return Interpolant(pchip(array(x), array(y), axis, extrapolate))


@solves("scipy.interpolate.CubicHermiteSpline")
def cubic_hermite_(
    x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None
) -> Interpolant:
    """The cubic through samples with given slopes."""
    return Interpolant(cubic_hermite(array(x), array(y), array(dydx), axis, extrapolate))


def interpolant_of(made: Any) -> Any:
    """What stands for an interpolant that SciPy has made outside of the captured program; else ``None``.

    ``made`` is an object of SciPy: piecewise polynomials are taken by their coefficients.
    """
    names = {cls.__name__ for cls in type(made).__mro__}
    if "PPoly" not in names or not str(type(made).__module__).startswith("scipy.interpolate"):
        return None
    c = np.asarray(made.c)
    rest = c.shape[2:]
    rows = [const(part.reshape(c.shape[1], -1)) for part in c]
    extrapolate = made.extrapolate if made.extrapolate == "periodic" else bool(made.extrapolate)
    return Interpolant(
        Piecewise(const(np.asarray(made.x)), tuple(rows), rest, made.axis, extrapolate)
    )


# --- interp1d ------------------------------------------------------------------------------------------
_STEPS = ("nearest", "nearest-up", "previous", "next")
_SPLINES = {"slinear": "linear", 1: "linear", 3: "cubic"}


class Interp1d(Callback):
    """``scipy.interpolate.interp1d``."""

    __slots__ = ("bounds_error", "fill", "kind", "rows", "rest", "axis", "spline", "x")

    def __init__(
        self, x: Expr, y: Expr, kind: str, axis: int, bounds_error: bool, fill: Any
    ) -> None:
        super().__init__(self._evaluated)
        self.x, self.kind, self.axis = x, kind, axis
        self.bounds_error, self.fill = bounds_error, fill
        front = moveaxis(y, axis, 0) if axis else y
        self.rest: tuple[Extent, ...] = front.shape[1:]
        self.rows = reshape(front, (front.shape[0], size_of(self.rest)))
        self.spline = cubic_spline(x, self.rows) if kind == "cubic" else None

    def _evaluated(self, x_new: Any) -> Any:
        places = array(x_new)
        t = cast(reshape(places, (size_of(places.shape),)), "float64")
        below, above = lt(t, self.x[0]), gt(t, self.x[-1])
        value = self._inside(t)
        if self.fill is not None:
            low, high = (self._filled(f) for f in self.fill)
            value = where(expand_dims(below, 1), low, value)
            value = where(expand_dims(above, 1), high, value)
        found = reshape(value, (*places.shape, *self.rest))
        inner, order = places.ndim, list(range(found.ndim))
        moved = [*order[inner : inner + self.axis], *order[:inner], *order[inner + self.axis :]]
        result = transpose(found, moved)
        if not self.bounds_error or self.fill is None:
            return result
        return guarded(
            result,
            self._guard(t, below, "below", "minimum", self.x[0]),
            self._guard(t, above, "above", "maximum", self.x[-1]),
        )

    def _guard(self, t: Expr, out: Expr, side: str, end: str, limit: Expr) -> Guard:
        text = f"A value ({{0}}) in x_new is {side} the interpolation range's {end} value ({{1}})."
        return Guard(logical_not(any_(out)), "ValueError", text, (take(t, argmax(out)), limit))

    def _filled(self, value: Expr) -> Expr:
        """A fill value as a row that stands for all places."""
        row = broadcast_to(value, self.rest) if value.shape != self.rest else value
        return reshape(row, (1, self.rows.shape[1]))

    def _inside(self, t: Expr) -> Expr:
        x, y = self.x, self.rows
        last = size(x.shape[0]) - 1
        if self.spline is not None:
            return self.spline(t, extrapolate=True)
        if self.kind == "linear":
            hi = minimum(maximum(searchsorted(x, t), 1), last)
            x0, x1, y0, y1 = take(x, hi - 1), take(x, hi), take(y, hi - 1), take(y, hi)
            slope = divide(y1 - y0, expand_dims(x1 - x0, 1))
            at_knot = expand_dims(eq(t, x1), 1)
            return where(at_knot, y1, slope * expand_dims(t - x0, 1) + y0)
        if self.kind in ("nearest", "nearest-up"):
            half = divide(x, 2.0)
            side = "left" if self.kind == "nearest" else "right"
            place = searchsorted(half[1:] + half[:-1], t, side)
        elif self.kind == "previous":
            place = searchsorted(x, t, "right") - 1
        else:
            place = searchsorted(x, t)
        return take(y, minimum(maximum(place, 0), last))


@solves("scipy.interpolate.interp1d")
def interp1d(
    x: Any,
    y: Any,
    kind: Any = "linear",
    axis: int = -1,
    copy: bool = True,
    bounds_error: bool | None = None,
    fill_value: Any = np.nan,
    assume_sorted: bool = False,
) -> Interp1d:
    """Piecewise linear, constant or cubic interpolation of samples."""
    kind = _SPLINES.get(kind, kind)
    if kind not in ("linear", "cubic", *_STEPS):
        raise TypeMismatchError(
            worded(
                "interp1d: argument `kind`",
                expected=f"one of linear, slinear, cubic, {', '.join(_STEPS)}",
                got=repr(kind),
                hint="CubicSpline, or mode='tape'",
            )
        )
    knots, values = cast(array(x), "float64"), strong(array(y))
    if not is_inexact(values.value_type):
        values = cast(values, "float64")
    if knots.ndim != 1 or not values.ndim:
        raise ShapeError(
            worded("interp1d", expected="a vector x and an array y", got=str(knots.type))
        )
    axis = axis_of(axis, values.ndim, "interp1d")
    if values.shape[axis] != knots.shape[0]:
        raise ShapeError(
            worded("interp1d", expected=f"{knots.shape[0]} values", got=f"{values.shape[axis]}")
        )
    if not assume_sorted:
        order = argsort(knots)
        knots, values = take(knots, order), take(values, order, axis=axis)
    extrapolates = isinstance(fill_value, str) and fill_value == "extrapolate"
    if extrapolates and bounds_error:
        raise ValueError("Cannot extrapolate and raise at the same time.")
    if extrapolates and kind not in ("linear", "cubic"):
        if kind == "previous":
            fill: Any = (const(np.nan), take(values, -1, axis=axis))
        elif kind == "next":
            fill = (take(values, 0, axis=axis), const(np.nan))
        else:
            fill = None
    elif extrapolates:
        fill = None
    else:
        pair = (
            fill_value
            if isinstance(fill_value, tuple) and len(fill_value) == 2
            else (fill_value,) * 2
        )
        fill = tuple(array(f) for f in pair)
    raises = not extrapolates and (bounds_error is None or bool(bounds_error))
    return Interp1d(knots, values, kind, axis, raises, fill)


# --- integrals of samples ------------------------------------------------------------------------------
@solves("scipy.integrate.trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Expr:
    """The integral of samples by the trapezoidal rule."""
    entry = entry_of(np.trapezoid)
    assert entry is not None
    found: Expr = entry.function(array(y), None if x is None else array(x), array(dx), axis)
    return found


@solves("scipy.integrate.cumulative_trapezoid")
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Expr:
    """The running integral of samples by the trapezoidal rule."""
    values = strong(array(y))
    along = axis_of(axis, values.ndim, "cumulative_trapezoid")
    d = _distances(x, dx, values, along)
    head, tail = _slice(values, along, None, -1), _slice(values, along, 1, None)
    found = cumsum(divide(d * (tail + head), 2.0), along)
    if initial is None:
        return found
    if known(initial) != 0:
        raise ValueError("`initial` must be `None` or `0`.")
    start = zeros(tuple(1 if i == along else e for i, e in enumerate(found.shape)))
    return concatenate([start, found], along)


def _distances(x: Any, dx: Any, values: Expr, along: int) -> Expr:
    """The distances between samples, in a shape that goes with their values.

    Raises:
        ShapeError: not one place for each sample.
    """
    if x is None:
        return array(dx)
    places = strong(array(x))
    if (
        places.ndim not in (1, values.ndim)
        or places.shape[-1 if places.ndim == 1 else along] != (values.shape[along])
    ):
        raise ShapeError(
            worded("integral of samples", expected="a place for each sample", got=str(places.type))
        )
    if places.ndim > 1:
        return differences(places, along)
    d = differences(places, 0)
    return reshape(d, tuple(d.shape[0] if i == along else 1 for i in range(values.ndim)))


def _slice(x: Expr, axis: int, start: Any, stop: Any, step: Any = None) -> Expr:
    return x[(*[slice(None)] * axis, slice(start, stop, step))]


@solves("scipy.integrate.simpson")
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Expr:
    """The integral of samples by Simpson's rule, with Cartwright's last of an odd number of intervals."""
    values = strong(array(y))
    along = axis_of(axis, values.ndim, "simpson")
    n = fixed(values.shape[along], "simpson")
    d = _distances(x, dx, values, along)
    if x is not None:
        d = broadcast_to(d, tuple(n - 1 if i == along else e for i, e in enumerate(values.shape)))
    if n == 2:
        step = _slice(d, along, 0, 1) if x is not None else d
        pair = _slice(values, along, 0, 1) + _slice(values, along, 1, 2)
        return sum_(0.5 * step * pair, along)
    if n % 2:
        return _simpson(values, d, along, n, spaced=x is not None)
    h0 = _last(d, along, 2) if x is not None else d
    h1 = _last(d, along, 1) if x is not None else d
    alpha = _quotient(2 * h1**2 + 3 * h0 * h1, 6 * (h1 + h0))
    beta = _quotient(h1**2 + 3.0 * h0 * h1, 6 * h0)
    eta = _quotient(h1**3, 6 * h0 * (h0 + h1))
    rest = alpha * _last(values, along, 1) + beta * _last(values, along, 2)
    rest = rest - eta * _last(values, along, 3)
    inner = _slice(d, along, 0, n - 2) if x is not None else d
    return (
        _simpson(_slice(values, along, 0, n - 1), inner, along, n - 1, spaced=x is not None) + rest
    )


def _last(x: Expr, axis: int, back: int) -> Expr:
    n = fixed(x.shape[axis], "simpson")
    return sum_(_slice(x, axis, n - back, n - back + 1), axis)


def _simpson(y: Expr, d: Expr, axis: int, n: int, *, spaced: bool) -> Expr:
    """Simpson's rule for an odd number of samples."""
    if n < 3:
        return zeros(tuple(e for i, e in enumerate(y.shape) if i != axis))
    y0, y1, y2 = (_slice(y, axis, k, n - 2 + k, 2) for k in range(3))
    if not spaced:
        return sum_(y0 + 4.0 * y1 + y2, axis) * (d / 3.0)
    h0, h1 = _slice(d, axis, 0, n - 2, 2), _slice(d, axis, 1, n - 1, 2)
    total, product = h0 + h1, h0 * h1
    ratio = _quotient(h0, h1)
    first = y0 * (2.0 - _quotient(lift(1.0), ratio))
    middle = y1 * (total * _quotient(total, product))
    return sum_(total / 6.0 * (first + middle + y2 * (2.0 - ratio)), axis)


def _quotient(a: Expr, b: Expr) -> Expr:
    """``a / b``, and 0 where ``b`` is 0."""
    zero = eq(b, 0)
    return where(zero, 0.0, divide(a, where(zero, 1.0, b)))
