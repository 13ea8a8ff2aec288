"""Interpolation: piecewise polynomials as compositions of ops, with the formulas of SciPy.

All are differentiable in the values and in the places of evaluation, and, where the formulas say how, in the
knots: the cubic spline solves a tridiagonal system whose matrix is made of them. At a knot the derivative is
that of the piece to the right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops.algebra import full, lift, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.banded import solve_banded
from wengert.ops.choice import absolute, gt, le, logical_and, maximum, minimum, ne, sign, where
from wengert.ops.einstein import broadcast_to, transpose
from wengert.ops.gathering import take
from wengert.ops.joining import concatenate
from wengert.ops.layout import cast, expand_dims, moveaxis, reshape
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.reductions import all_
from wengert.ops.scans import cumsum
from wengert.ops.sorting import searchsorted
from wengert.ops.systems import solve

__all__ = ["Extrapolation", "Piecewise", "cubic_hermite", "cubic_spline", "pchip", "samples_of"]

Extrapolation: TypeAlias = Literal["periodic"] | bool
# Any: boundary conditions are names or pairs, as SciPy has them.


# --- piecewise polynomials ---------------------------------------------------------------------------------
@dataclass(frozen=True)
class Piecewise:
    """A piecewise polynomial: on piece ``i`` ``sum_k c[k][i] (t - x[i])**(len(c) - 1 - k)``.

    ``x``: the ``n`` knots. ``c``: coefficients, highest power first, each of shape ``(n-1, m)`` for the ``m``
    values of shape ``rest`` in one row. ``axis``: where the places of evaluation go in the result.
    """

    x: Expr
    c: tuple[Expr, ...]
    rest: tuple[Extent, ...]
    axis: int = 0
    extrapolate: Extrapolation = True

    def __call__(self, at: Any, nu: int = 0, extrapolate: Extrapolation | None = None) -> Expr:
        """The value, or the ``nu``-th derivative, at places whose shape comes in place of the axis."""
        if nu:
            made = self.derivative(nu) if nu > 0 else self.antiderivative(-nu)
            return made(at, extrapolate=extrapolate)
        places = cast(lift(at), "float64")
        chosen = self.extrapolate if extrapolate is None else extrapolate
        flat = reshape(places, (size_of(places.shape),))
        return self._arranged(self._at(flat, chosen), places.shape)

    def _at(self, t: Expr, extrapolate: Extrapolation) -> Expr:
        """The values at a vector of places, one in each row."""
        first, last = self.x[0], self.x[-1]
        if extrapolate == "periodic":
            t = first + (t - first) % (last - first)
        pieces = _number(self.x, "a piecewise polynomial") - 1
        piece = minimum(maximum(searchsorted(self.x, t, "right") - 1, 0), pieces - 1)
        s = expand_dims(t - take(self.x, piece), 1)
        value = take(self.c[0], piece)
        for coefficient in self.c[1:]:
            value = value * s + take(coefficient, piece)
        if extrapolate is False:
            inside = logical_and(le(first, t), le(t, last))
            value = where(expand_dims(inside, 1), value, math.nan)
        return where(expand_dims(ne(t, t), 1), math.nan, value)

    def _arranged(self, rows: Expr, places: tuple[Extent, ...]) -> Expr:
        found = reshape(rows, (*places, *self.rest))
        inner, order = len(places), list(range(found.ndim))
        moved = [*order[inner : inner + self.axis], *order[:inner], *order[inner + self.axis :]]
        return transpose(found, moved)

    def derivative(self, nu: int = 1) -> Piecewise:
        """The ``nu``-th derivative, piece by piece."""
        if nu < 0:
            return self.antiderivative(-nu)
        kept = len(self.c) - nu
        if kept < 1:
            return replace(self, c=(zeros(self.c[0].shape),))
        powers = range(len(self.c) - 1, nu - 1, -1)
        return replace(
            self, c=tuple(c * math.perm(p, nu) for c, p in zip(self.c[:kept], powers, strict=True))
        )

    def antiderivative(self, nu: int = 1) -> Piecewise:
        """The ``nu``-th antiderivative, which is continuous and zero at the first knot."""
        found = self
        for _ in range(nu):
            found = found._integrated()
        if nu < 0:
            return self.derivative(-nu)
        # SciPy: what was periodic is no longer.
        return replace(
            found, extrapolate=False if self.extrapolate == "periodic" else self.extrapolate
        )

    def _integrated(self) -> Piecewise:
        powers = range(len(self.c), 0, -1)
        c = [divide(c, p) for c, p in zip(self.c, powers, strict=True)]
        h = expand_dims(self.x[1:] - self.x[:-1], 1)
        area = c[0] * h
        for coefficient in c[1:]:
            area = (area + coefficient) * h
        start = zeros((1, *area.shape[1:]))
        c.append(concatenate([start, cumsum(area[:-1], 0)]) if area.shape[0] != 1 else start)
        return replace(self, c=tuple(c))

    def integrate(self, a: Any, b: Any, extrapolate: Extrapolation | None = None) -> Expr:
        """The integral from ``a`` to ``b``.

        Raises:
            TypeMismatchError: of a periodic one.
        """
        chosen = self.extrapolate if extrapolate is None else extrapolate
        if chosen == "periodic":
            raise TypeMismatchError(
                worded(
                    "integrate",
                    expected="extrapolate True or False",
                    got="'periodic'",
                    hint="integrate over one period and the rest",
                )
            )
        whole = replace(self._integrated(), axis=0)
        return whole(b, extrapolate=chosen) - whole(a, extrapolate=chosen)


def _number(x: Expr, what: str) -> int:
    """The number of knots.

    Raises:
        ShapeError: it is symbolic: how many there are decides on the formulas.
    """
    n = x.shape[0]
    if not isinstance(n, int):
        raise ShapeError(
            worded(what, expected="a number of knots that is known", got=str(n), hint="fixed sizes")
        )
    return n


# --- samples -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Samples:
    """Knots, their distances as a column, values in rows, and the shape of what belongs to a knot."""

    x: Expr
    dx: Expr  # (n-1, 1)
    y: Expr  # (n, m)
    rest: tuple[Extent, ...]
    axis: int

    @property
    def slope(self) -> Expr:
        """The slopes between neighbours."""
        return divide(self.y[1:] - self.y[:-1], self.dx)

    @property
    def columns(self) -> Extent:
        """The number of values at each knot."""
        return self.y.shape[1]


def samples_of(x: Any, y: Any, axis: int, what: str) -> Samples:
    """Samples with the axis of the knots in front, and all other axes as one.

    Knots that do not increase are an error where they are known; where not they become NaN, which is an error
    as soon as a system is solved.

    Raises:
        ShapeError: the shapes do not fit together, or there are fewer than two knots.
        ValueError: known knots that do not increase, as SciPy has it.
    """
    knots, values = cast(lift(x), "float64"), lift(y)
    values = cast(values, "complex128" if is_complex(values.value_type) else "float64")
    if knots.ndim != 1 or values.ndim == 0:
        raise ShapeError(worded(what, expected="a vector of knots and values", got=f"{knots.type}"))
    axis %= values.ndim
    n = _number(knots, what)
    if n < 2 or values.shape[axis] != n:
        raise ShapeError(
            worded(
                what,
                expected=f"at least two knots, and as many values along axis {axis}",
                got=f"{n} and {values.shape[axis]}",
            )
        )
    values = moveaxis(values, axis, 0) if axis else values
    distances = knots[1:] - knots[:-1]
    if knots.op is CONSTANT:
        if np.any(np.diff(knots.attr) <= 0):
            raise ValueError("`x` must be strictly increasing sequence.")
    else:
        knots = where(all_(gt(distances, 0)), knots, math.nan)
        distances = knots[1:] - knots[:-1]
    rest = values.shape[1:]
    rows = reshape(values, (n, size_of(rest)))
    return Samples(knots, expand_dims(distances, 1), rows, rest, axis)


def _hermite(samples: Samples, s: Expr, extrapolate: Extrapolation) -> Piecewise:
    """The cubic with slopes ``s`` at the knots."""
    dx, slope = samples.dx, samples.slope
    t = divide(s[:-1] + s[1:] - 2 * slope, dx)
    c = (divide(t, dx), divide(slope - s[:-1], dx) - t, s[:-1], samples.y[:-1])
    return Piecewise(samples.x, c, samples.rest, samples.axis, extrapolate)


def cubic_hermite(
    x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Extrapolation | None = None
) -> Piecewise:
    """The piecewise cubic with these values and slopes at the knots."""
    samples = samples_of(x, y, axis, "CubicHermiteSpline")
    slopes = samples_of(x, dydx, axis, "CubicHermiteSpline").y
    return _hermite(samples, slopes, True if extrapolate is None else extrapolate)


# --- cubic splines -----------------------------------------------------------------------------------------
def cubic_spline(
    x: Any,
    y: Any,
    axis: int = 0,
    bc_type: Any = "not-a-knot",
    extrapolate: Extrapolation | None = None,
) -> Piecewise:
    """The cubic spline through the samples, twice continuously differentiable.

    ``bc_type``: ``"not-a-knot"``, ``"periodic"``, ``"clamped"``, ``"natural"``, or a pair of such names and
    of pairs ``(order, value)`` of a derivative at an end.

    Raises:
        ShapeError, ValueError: as :func:`samples_of`.
        TypeMismatchError: an unknown boundary condition.

    >>> spline = cubic_spline([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 8.0, 27.0])
    >>> round(spline(1.5).evaluate(), 12), round(spline(1.5, 1).evaluate(), 12)
    (3.375, 6.75)
    """
    samples = samples_of(x, y, axis, "CubicSpline")
    n = _number(samples.x, "CubicSpline")
    start, end = _conditions(bc_type, samples)
    periodic = start == "periodic"
    if extrapolate is None:
        extrapolate = "periodic" if periodic else True
    slope = samples.slope
    if n == 2:  # a straight line, by convention
        start = (1, slope[0]) if start in ("not-a-knot", "periodic") else start
        end = (1, slope[0]) if end in ("not-a-knot", "periodic") else end
        periodic = False
    if n == 3 and start == end == "not-a-knot":
        s = _parabola(samples)
    elif periodic:
        s = _periodic(samples, n)
    else:
        s = _tridiagonal(samples, start, end)
    return _hermite(samples, s, extrapolate)


def _conditions(bc_type: Any, samples: Samples) -> tuple[Any, Any]:
    """The conditions at both ends: a name, or an order with its values in one row.

    Raises:
        TypeMismatchError: an unknown one, or a periodic one at one end only.
    """
    pair = (bc_type, bc_type) if isinstance(bc_type, str) else tuple(bc_type)
    mixed = len(pair) == 2 and any(p == "periodic" for p in pair if isinstance(p, str))
    if len(pair) != 2 or (mixed and pair != ("periodic", "periodic")):
        raise _bad_condition(bc_type)
    return _condition(pair[0], samples), _condition(pair[1], samples)


def _condition(given: Any, samples: Samples) -> Any:
    if isinstance(given, str):
        if given in ("not-a-knot", "periodic"):
            return given
        if given not in ("clamped", "natural"):
            raise _bad_condition(given)
        return (1 if given == "clamped" else 2, zeros((samples.columns,)))
    order, value = given
    if order not in (1, 2):
        raise _bad_condition(given)
    node = lift(value)
    return order, broadcast_to(node, (samples.columns,)) if not node.ndim else reshape(
        node, (samples.columns,)
    )


def _bad_condition(given: Any) -> TypeMismatchError:
    return TypeMismatchError(
        worded(
            "CubicSpline: argument `bc_type`",
            expected="'not-a-knot', 'periodic', 'clamped', 'natural', or pairs (1 or 2, value)",
            got=repr(given),
        )
    )


def _row(value: Expr) -> Expr:
    return expand_dims(value, 0)


def _solved(below: Expr, middle: Expr, above: Expr, b: Expr) -> Expr:
    """The solution of a system with these three diagonals."""
    none = const(np.zeros(1))
    rows = (concatenate([none, above]), middle, concatenate([below, none]))
    return solve_banded(concatenate([_row(r) for r in rows]), b, 1, 1)


def _inner(samples: Samples) -> Expr:
    """The right-hand sides of the equations for the inner knots."""
    dx, slope = samples.dx, samples.slope
    return 3 * (dx[1:] * slope[:-1] + dx[:-1] * slope[1:])


def _tridiagonal(samples: Samples, start: Any, end: Any) -> Expr:
    """The slopes at the knots, by the conditions of continuous second derivatives."""
    dx = reshape(samples.dx, samples.dx.shape[:1])
    first = _end(samples, start, last=False)
    last = _end(samples, end, last=True)
    inner = dx.shape[0] != 1
    middle = [_row(first[0]), *([2 * (dx[:-1] + dx[1:])] if inner else []), _row(last[0])]
    above = [_row(first[1]), *([dx[:-1]] if inner else [])]
    below = [*([dx[1:]] if inner else []), _row(last[1])]
    right = [_row(first[2]), *([_inner(samples)] if inner else []), _row(last[2])]
    return _solved(concatenate(below), concatenate(middle), concatenate(above), concatenate(right))


def _end(samples: Samples, condition: Any, *, last: bool) -> tuple[Expr, Expr, Expr]:
    """The equation at one end: coefficients of the slope there and next to it, and the right-hand side."""
    at, near = (-1, -2) if last else (0, 1)
    dx, slope, x, y = samples.dx, samples.slope, samples.x, samples.y
    h = dx[at, 0]
    if condition == "not-a-knot":
        h2 = dx[near, 0]
        d = x[-1] - x[-3] if last else x[2] - x[0]
        right = divide((h + 2 * d) * h2 * slope[at] + h**2 * slope[near], d)
        return h2, d, right
    order, value = condition
    if order == 1:
        return const(1.0), const(0.0), value
    rise = 3 * (y[-1] - y[-2]) if last else 3 * (y[1] - y[0])
    bent = 0.5 * value * h**2
    return 2 * h, h, rise + bent if last else rise - bent


def _parabola(samples: Samples) -> Expr:
    """Three points with no condition of their own: the slopes of the parabola through them."""
    dx, slope = samples.dx, samples.slope
    h0, h1 = dx[0, 0], dx[1, 0]
    one, none = const(1.0), const(0.0)
    entries = [[one, one, none], [h1, 2 * (h0 + h1), h0], [none, one, one]]
    A = concatenate([_row(concatenate([_row(lift(e)) for e in row])) for row in entries])
    b = concatenate([_row(2 * slope[0]), _inner(samples), _row(2 * slope[1])])
    return solve(A, b)


def _periodic(samples: Samples, n: int) -> Expr:
    """The slopes of a periodic spline: the cyclic system, with its last unknown eliminated."""
    dx, slope = reshape(samples.dx, samples.dx.shape[:1]), samples.slope
    column = samples.dx
    if n == 3:
        t = divide((divide(slope, column))[0] + divide(slope, column)[1], 1 / dx[0] + 1 / dx[1])
        return broadcast_to(_row(t), (3, samples.columns))
    middle = concatenate([_row(2 * (dx[-1] + dx[0])), 2 * (dx[:-2] + dx[1:-1])])
    above = concatenate([_row(dx[-1]), dx[: n - 4]]) if n > 4 else _row(dx[-1])
    below = dx[1 : n - 2]
    first = 3 * (dx[0] * slope[-1] + dx[-1] * slope[0])
    final = 3 * (dx[-1] * slope[-2] + dx[-2] * slope[-1])
    b1 = concatenate([_row(first), _inner(samples)[: n - 3]])
    b2 = concatenate([_row(-dx[0]), *([zeros((n - 4,))] if n > 4 else []), _row(-dx[-3])])
    s1 = _solved(below, middle, above, b1)
    s2 = _solved(below, middle, above, expand_dims(b2, 1))
    # The last of n-1 equations, for the unknown before the last knot.
    above_last, corner, own = dx[-1], dx[-2], 2 * (dx[-1] + dx[-2])
    last = divide(
        final - corner * s1[0] - above_last * s1[-1],
        own + corner * s2[0] + above_last * s2[-1],
    )
    inner = s1 + _row(last) * s2
    return concatenate([inner, _row(last), inner[:1]])


# --- monotone cubics ---------------------------------------------------------------------------------------
def pchip(x: Any, y: Any, axis: int = 0, extrapolate: Extrapolation | None = None) -> Piecewise:
    """The piecewise cubic that is monotone where the samples are (Fritsch & Butland 1984).

    Where neighbouring slopes have different signs the slope at the knot is zero, and so is its derivative.

    Raises:
        ShapeError, ValueError: as :func:`samples_of`.
        TypeMismatchError: complex values.
    """
    samples = samples_of(x, y, axis, "PchipInterpolator")
    if is_complex(samples.y.value_type):
        raise TypeMismatchError(
            worded("PchipInterpolator", expected="real values", got="complex ones")
        )
    n = _number(samples.x, "PchipInterpolator")
    h, m = samples.dx, samples.slope
    if n == 2:
        s = concatenate([m, m])
    else:
        flat = (ne(sign(m[1:]), sign(m[:-1])) | ~ne(m[1:], 0)) | ~ne(m[:-1], 0)
        w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        one = full(flat.shape, 1.0)
        inverse = divide(
            divide(w1, where(flat, one, m[:-1])) + divide(w2, where(flat, one, m[1:])), w1 + w2
        )
        inner = where(flat, 0.0, divide(1.0, inverse))
        first = _pchip_end(h[0], h[1], m[0], m[1])
        last = _pchip_end(h[-1], h[-2], m[-1], m[-2])
        s = concatenate([_row(first), inner, _row(last)])
    return _hermite(samples, s, True if extrapolate is None else extrapolate)


def _pchip_end(h0: Expr, h1: Expr, m0: Expr, m1: Expr) -> Expr:
    """The slope at an end by three points, cut back where it would not keep the shape."""
    d = divide((2 * h0 + h1) * m0 - h0 * m1, h0 + h1)
    wrong = ne(sign(d), sign(m0))
    steep = ne(sign(m0), sign(m1)) & gt(absolute(d), 3.0 * absolute(m0))
    return where(wrong, 0.0, where(steep, 3.0 * m0, d))
