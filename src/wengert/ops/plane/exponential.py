"""Exponentials, logarithms, roots and powers."""

from __future__ import annotations

import math

from wengert.ir.node import Expr
from wengert.ops.leaves import const, number_of
from wengert.ops.plane.arithmetic import angle, inverse, modulus, times, times_as_c
from wengert.ops.plane.helpers import (
    all_of,
    applied,
    compared,
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
    dtype_of,
    of_pairs,
    paired,
)

__all__ = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "power",
    "sqrt",
]

_LN10_INVERSE, _LN2_INVERSE, _LN2 = 1 / math.log(10), 1 / math.log(2), math.log(2)


def _shifted(x: Expr) -> tuple[Expr, Expr]:
    """An exponent that is not too large, and the number that makes up for it."""
    most = 80.0 if is_single(x) else 700.0
    far = compared("lt", most, x)
    return select(far, x - most, x), select(far, math.exp(most), 1.0)


@of_pairs
def exp(z: Pair) -> Pair:
    x, y = z
    near, scale = _shifted(x)
    size = applied("exp", near)
    re = applied("cos", y) * scale * size
    im = select(is_zero(y), y, applied("sin", y) * scale * size)
    wild = is_wild(y)
    over = all_of(wild, compared("eq", x, math.inf))
    under = all_of(wild, compared("eq", x, -math.inf))
    re = select(over, math.inf, select(under, 0.0, re))
    return Pair(re, select(under, signed(0.0, y), im))


@of_pairs
def expm1(z: Pair) -> Pair:
    x, y = z
    half = applied("sin", y / 2)
    return Pair(
        applied("expm1", x) * applied("cos", y) - 2 * half * half,
        applied("exp", x) * applied("sin", y),
    )


@of_pairs
def exp2(z: Pair) -> Pair:
    return exp(Pair(z.re * _LN2, z.im * _LN2))  # type: ignore[no-any-return]  # a Pair


@of_pairs
def log(z: Pair) -> Pair:
    """Half the logarithm of the square near the unit circle, else that of the larger part and a rest."""
    sizes = size_of(z.re), size_of(z.im)
    swapped = compared("lt", sizes[0], sizes[1])
    large, small = select(swapped, sizes[1], sizes[0]), select(swapped, sizes[0], sizes[1])
    near = all_of(compared("lt", 0.5, large), compared("lt", large, 2.0))
    ratio = small / large
    rest = select(near, (large - 1) * (large + 1) + small * small, ratio * ratio)
    size = select(near, 0.0, applied("log", large)) + applied("log1p", rest) / 2
    size = select(all_of(*[is_zero(s) for s in sizes]), -math.inf, size)
    infinite = applied("logical_or", is_infinite(z.re), is_infinite(z.im))
    return Pair(select(infinite, math.inf, size), angle(z))


@of_pairs
def log1p(z: Pair) -> Pair:
    above = Pair(z.re + 1, z.im)
    return Pair(applied("log", modulus(above)), angle(above))


@of_pairs
def log2(z: Pair) -> Pair:
    found = log(z)
    return Pair(found.re * _LN2_INVERSE, found.im * _LN2_INVERSE)


@of_pairs
def log10(z: Pair) -> Pair:
    found = log(z)
    return Pair(found.re * _LN10_INVERSE, found.im * _LN10_INVERSE)


@of_pairs
def sqrt(z: Pair) -> Pair:
    """The root of half of modulus and real part, scaled where that would leave the range."""
    high, low = (2.0**120, 2.0**-100) if is_single(z.re) else (2.0**1020, 2.0**-960)
    sizes = size_of(z.re), size_of(z.im)
    most = select(compared("lt", sizes[0], sizes[1]), sizes[1], sizes[0])
    above, below = compared("lt", high, most), compared("lt", most, low)
    scale = select(above, 2.0**-4, select(below, 2.0**60, 1.0))
    back = select(above, 4.0, select(below, 2.0**-30, 1.0))
    x, y = sizes[0] * scale, sizes[1] * scale
    long = applied("sqrt", (applied("hypot", x, y) + x) / 2)
    short = y / (2 * long) * back
    long = long * back
    short = select(is_zero(long), 0.0, short)
    short = select(compared("eq", sizes[0], math.inf), 0.0 * sizes[1], short)
    right = compared("le", 0.0, z.re)
    lost = is_nan(z.re)
    re = select(right, long, short)
    im = select(lost, math.nan, signed(select(right, short, long), z.im))
    re = select(lost, math.nan, re)
    upright = is_infinite(z.im)
    return Pair(select(upright, math.inf, re), select(upright, z.im, im))


_MOST = 100  # whole exponents below are products


@of_pairs
def power(z: Pair, w: Pair) -> Pair:
    """Products for whole exponents, a root for 1/2, else the exponential of the logarithm."""
    known = None if number_of(w.im) != 0 else number_of(w.re)
    one = paired(const(1.0), dtype_of(z))
    if known is not None and -_MOST < known < _MOST and known == int(known):
        exponent = int(known)
        found = _whole_power(z, abs(exponent), one, exponent > 0)
        return found if exponent >= 0 else _without_base(z, w, inverse(found))
    if known is not None and known == 0.5:
        return sqrt(z)  # type: ignore[no-any-return]  # a Pair
    found = exp(times_as_c(w, log(z)))
    if known is None:
        found = _counted_power(z, w, found)
    return _without_base(z, w, found)


def _without_base(z: Pair, w: Pair, found: Pair) -> Pair:
    """0 to a power is 0 if its real part is positive, else nothing; anything to the power 0 is 1."""
    nothing = all_of(is_zero(z.re), is_zero(z.im))
    fill = select(compared("lt", 0.0, w.re), 0.0, math.nan)
    found = chosen(nothing, Pair(fill, fill), found)
    trivial = all_of(is_zero(w.re), is_zero(w.im))
    return chosen(trivial, Pair(const(1.0), const(0.0)), found)


def _whole_power(z: Pair, exponent: int, one: Pair, positive: bool) -> Pair:
    """By repeated squaring from 1, except for the first positive exponents."""
    if positive and exponent in (1, 2, 3):
        found = z if exponent == 1 else times(z, z)
        return times(z, found) if exponent == 3 else found
    found, square = one, z
    while exponent:
        if exponent & 1:
            found = times(found, square)
        exponent >>= 1
        if exponent:
            square = times(square, square)
    return found


def _counted_power(z: Pair, w: Pair, found: Pair) -> Pair:
    """The same where only running tells whether the exponent is a whole number."""
    size = size_of(w.re)
    whole = all_of(
        is_zero(w.im), compared("lt", size, float(_MOST)),
        compared("eq", applied("floor", size), size),
    )  # fmt: skip
    rest, square = select(whole, size, 0.0), z
    result = paired(const(1.0), dtype_of(z))
    for _ in range(_MOST.bit_length()):
        half = applied("floor", rest / 2)
        odd = compared("eq", rest - 2 * half, 1.0)
        result = chosen(odd, times(result, square), result)
        square, rest = times(square, square), half
    for few in (1, 2, 3):
        plain = _whole_power(z, few, result, True)
        result = chosen(compared("eq", w.re, float(few)), plain, result)
    result = chosen(compared("lt", w.re, 0.0), inverse(result), result)
    return chosen(whole, result, found)
