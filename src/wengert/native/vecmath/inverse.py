"""``asin acos atan atan2``: polynomials in the square of an argument that is made small first."""

from __future__ import annotations

from wengert.native.text import Function, Kind
from wengert.native.vecmath import coefficients
from wengert.native.vecmath.lanes import Lanes

__all__ = ["acos", "asin", "atan", "atan2"]

# pi/2 as the sum of two numbers.
HALF_PI = (
    (1.5707963267948966, 6.123233995736766e-17),
    (1.5707963705062866, -4.371138828673793e-08),
)


def _half_pi(m: Lanes) -> tuple[float, float]:
    return HALF_PI[0 if m.double else 1]


# --- asin, acos: asin(s) = s + s*z*p(z), z = s*s <= 1/4 ----------------------------------------------
def _arc(m: Lanes, x: str) -> tuple[str, str]:
    """Whether ``|x| < 1/2``, and then ``asin|x|``, else ``asin(sqrt((1 - |x|)/2)) = acos|x|/2``."""
    size = m.abs(x)
    near = m.compare("olt", size, 0.5)
    half = m.fma(size, -0.5, 0.5)
    z = m.select(near, m.mul(size, size), half)
    s = m.select(near, size, m.sqrt(half))
    tail = m.mul(m.polynomial(z, coefficients.ASIN[0 if m.double else 1]), z)
    return near, m.fma(s, tail, s)


def asin(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    near, arc = _arc(m, x)
    high, low = _half_pi(m)
    far = m.sub(high, m.sub(m.add(arc, arc), low))
    return m.with_sign(m.select(near, arc, far), x)


def acos(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    near, arc = _arc(m, x)
    high, low = _half_pi(m)
    signed = m.with_sign(arc, x)
    close = m.sub(high, m.sub(signed, low))
    twice = m.add(arc, arc)
    beyond = m.sub(2 * high, m.sub(twice, 2 * low))
    far = m.select(m.compare("olt", x, 0.0), beyond, twice)
    return m.select(near, close, far)


# --- atan, atan2: of a quotient up to tan(pi/8), added to 0, pi/4 or pi/2 (Cephes' atan.c) -------------
TAN_EIGHTH = 0.41421356237309503
COT_EIGHTH = 2.414213562373095


def _arc_of_ratio(m: Lanes, rise: str, run: str | None) -> str:
    """``atan(rise/run)`` of positive numbers; ``run`` is 1 if there is none."""
    across = m.name(1.0) if run is None else run
    steep = m.compare("ogt", rise, COT_EIGHTH if run is None else m.mul(run, COT_EIGHTH))
    middle = m.compare("ogt", rise, TAN_EIGHTH if run is None else m.mul(run, TAN_EIGHTH))
    over = m.select(steep, m.neg(across), m.select(middle, m.sub(rise, across), rise))
    under = m.select(steep, rise, m.select(middle, m.add(rise, across), across))
    if run is not None:  # 0/0 and inf/inf, which is pi/4 in C
        same = m.compare("oeq", rise, run)
        over, under = m.select(same, 0.0, over), m.select(same, 1.0, under)
        middle = m.both(middle, m.compare("ogt", rise, 0.0))
        same = m.both(same, m.compare("ogt", rise, 0.0))
        middle = m.one_of(middle, same)
    t = m.div(over, under)
    high, low = _half_pi(m)
    z = m.mul(t, t)
    tail = m.mul(m.polynomial(z, coefficients.ATAN[0 if m.double else 1]), z)
    base = m.select(steep, high, m.select(middle, high / 2, 0.0))
    rest = m.select(steep, low, m.select(middle, low / 2, 0.0))
    return m.add(base, m.add(m.fma(t, tail, rest), t))


def atan(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    return m.with_sign(_arc_of_ratio(m, m.abs(x), None), x)


def atan2(function: Function, y: str, x: str, kind: Kind) -> str:
    """The angle of the point ``(x, y)``; zeros count with their sign, infinities as equally far."""
    m = Lanes(function, kind)
    rise, run = m.abs(y), m.abs(x)
    # Sums of huge numbers would overflow; what is lost of the small one is lost in the quotient anyway.
    bound = m.either(2.0**1020, 2.0**124)
    huge = m.one_of(m.compare("ogt", rise, bound), m.compare("ogt", run, bound))
    shrink = m.select(huge, 0.0625, 1.0)
    arc = _arc_of_ratio(m, m.mul(rise, shrink), m.mul(run, shrink))
    high, low = _half_pi(m)
    left = m.int_compare("slt", m.bits(x), 0)
    turned = m.sub(2 * high, m.sub(arc, 2 * low))
    result = m.with_sign(m.select(left, turned, arc), y)
    numbers = m.compare("ord", y, x)
    return m.select(numbers, result, m.add(x, y))
