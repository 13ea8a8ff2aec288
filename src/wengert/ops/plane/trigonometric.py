"""Trigonometric and hyperbolic functions and their inverses."""

from __future__ import annotations

import math
from collections.abc import Callable

from wengert.ir.node import Expr
from wengert.ops.leaves import const
from wengert.ops.plane.arithmetic import inverse
from wengert.ops.plane.exponential import sqrt
from wengert.ops.plane.helpers import (
    all_of,
    applied,
    compared,
    is_finite,
    is_infinite,
    is_nan,
    is_single,
    is_wild,
    is_zero,
    select,
    signed,
    size_of,
)
from wengert.ops.plane.pairs import (
    Pair,
    chosen,
    of_pairs,
)

__all__ = [
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cos",
    "cosh",
    "cot",
    "csc",
    "sec",
    "sin",
    "sinh",
    "tan",
    "tanh",
]

_LN2 = math.log(2)


def _hyperbolic(x: Expr) -> tuple[Expr, Expr, Expr]:
    """Sine, cosine, and the number by which both are to be multiplied: far out they are too large."""
    most, step = (80.0, 40.0) if is_single(x) else (700.0, 350.0)
    far = compared("lt", most, size_of(x))
    near = select(far, x - signed(step, x), x)
    return applied("sinh", near), applied("cosh", near), select(far, math.exp(step), 1.0)


@of_pairs
def sinh(z: Pair) -> Pair:
    x, y = z
    sine, cosine, scale = _hyperbolic(x)
    wild = is_wild(y)
    re = applied("cos", y) * scale * sine
    im = select(is_zero(y), y, applied("sin", y) * scale * cosine)
    alone = applied("logical_or", is_zero(x), is_infinite(x))
    return Pair(select(all_of(wild, alone), x, re), im)


@of_pairs
def cosh(z: Pair) -> Pair:
    x, y = z
    sine, cosine, scale = _hyperbolic(x)
    wild = is_wild(y)
    re = select(all_of(wild, is_infinite(x)), math.inf, applied("cos", y) * scale * cosine)
    flat = select(is_nan(x), y, signed(1.0, x) * y)
    im = select(is_zero(y), flat, applied("sin", y) * scale * sine)
    return Pair(re, select(all_of(wild, is_zero(x)), 0.0, im))


@of_pairs
def tanh(z: Pair) -> Pair:
    x, y = z
    most = 9.0 if is_single(x) else 22.0
    size, sine, cosine, wild = size_of(x), applied("sin", y), applied("cos", y), is_wild(y)
    far = compared("lt", most, size)
    near = select(far, 0.0, x)
    s, c = applied("sinh", near), applied("cosh", near)
    below = s * s + cosine * cosine
    limit = select(all_of(wild, is_finite(x)), math.nan, signed(1.0, x))
    re = select(far, limit, s * c / below)
    im = select(far, 4 * sine * cosine * applied("exp", -2 * size), sine * cosine / below)
    im = select(all_of(wild, is_infinite(x)), signed(0.0, y), im)
    re = select(all_of(wild, is_zero(x)), x, re)
    return Pair(re, select(is_zero(y), y, im))


def _turned(function: Callable[[Pair], Pair]) -> Callable[..., Pair]:
    """``-i*f(i*z)``."""

    @of_pairs
    def turned(z: Pair) -> Pair:
        found = function(Pair(-z.im, z.re))
        return Pair(found.im, -found.re)

    return turned


sin, tan = _turned(sinh), _turned(tanh)


@of_pairs
def cos(z: Pair) -> Pair:
    return cosh(Pair(-z.im, z.re))  # type: ignore[no-any-return]  # a Pair


@of_pairs
def sec(z: Pair) -> Pair:
    return inverse(cos(z))


@of_pairs
def csc(z: Pair) -> Pair:
    return inverse(sin(z))


@of_pairs
def cot(z: Pair) -> Pair:
    return inverse(tan(z))


# --- their inverses: Kahan, Branch cuts for complex elementary functions, 1987 ---
def _roots(z: Pair) -> tuple[Pair, Pair]:
    """The roots of ``1 - z`` and ``1 + z``."""
    return sqrt(Pair(1 - z.re, -z.im)), sqrt(Pair(1 + z.re, z.im))


def _far(z: Pair, there: Pair, found: Pair) -> Pair:
    """One of two results: where a part is infinite the first."""
    return chosen(applied("logical_or", is_infinite(z.re), is_infinite(z.im)), there, found)


@of_pairs
def asin(z: Pair) -> Pair:
    below, above = _roots(z)
    re = applied("atan2", z.re, below.re * above.re - below.im * above.im)
    im = applied("asinh", below.re * above.im - below.im * above.re)
    re = select(all_of(is_zero(z.re), is_nan(z.im)), z.re, re)
    far = Pair(applied("atan2", z.re, size_of(z.im)), signed(math.inf, z.im))
    return _far(z, far, Pair(re, signed(im, z.im)))


@of_pairs
def asinh(z: Pair) -> Pair:
    found = asin(Pair(z.im, -z.re))
    return Pair(-found.im, found.re)


@of_pairs
def acos(z: Pair) -> Pair:
    below, above = _roots(z)
    re = 2 * applied("atan2", below.re, above.re)
    im = applied("asinh", above.re * below.im - above.im * below.re)
    re = select(all_of(is_zero(z.re), is_nan(z.im)), math.pi / 2, re)
    far = Pair(applied("atan2", size_of(z.im), z.re), signed(math.inf, -z.im))
    return _far(z, far, Pair(re, im))


@of_pairs
def acosh(z: Pair) -> Pair:
    below, above = sqrt(Pair(z.re - 1, z.im)), sqrt(Pair(z.re + 1, z.im))
    re = applied("asinh", below.re * above.re + below.im * above.im)
    im = 2 * applied("atan2", below.im, above.re)
    im = select(all_of(is_zero(z.re), is_nan(z.im)), math.pi / 2, im)
    return _far(z, Pair(const(math.inf), applied("atan2", z.im, z.re)), Pair(re, im))


@of_pairs
def atanh(z: Pair) -> Pair:
    x, y = size_of(z.re), z.im
    most = 2.0**30 if is_single(x) else 2.0**60
    large = select(compared("lt", x, size_of(y)), size_of(y), x)
    far = compared("lt", most, large)
    gap = 1 - x
    distance = gap * gap + y * y
    close = compared("lt", distance, 1e-30 if is_single(x) else 1e-200)  # x is 1
    re = applied("log1p", 4 * x / distance) / 4
    re = select(close, (_LN2 - applied("log", size_of(y))) / 2, re)
    re = select(all_of(is_zero(x), is_nan(y)), 0.0, re)
    im = applied("atan2", 2 * y, gap * (1 + x) - y * y) / 2
    u, v = x / large, y / large
    up = select(is_nan(y), math.nan, signed(math.pi / 2, y))
    out = Pair(u / (u * u + v * v) / large, up)
    re, im = chosen(far, out, Pair(re, im))
    there = Pair(const(0.0), out.im)
    re, im = _far(z, there, Pair(re, im))
    return Pair(signed(re, z.re), im)


atan = _turned(atanh)
