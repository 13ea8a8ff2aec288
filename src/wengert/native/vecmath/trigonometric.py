"""``sin cos tan``: polynomials on ``[-pi/4, pi/4]``, after fdlibm's k_sin.c and k_cos.c."""

from __future__ import annotations

from wengert.native.text import Function, Kind
from wengert.native.vecmath import coefficients
from wengert.native.vecmath.lanes import Lanes
from wengert.native.vecmath.reduction import quadrant_and_rest

__all__ = ["cos", "sin", "sincos", "tan"]


def _sine_and_cosine(m: Lanes, r: str) -> tuple[str, str]:
    """Of an angle in ``[-pi/4, pi/4]``."""
    which = 0 if m.double else 1
    z = m.mul(r, r)
    sine = m.fma(m.mul(m.polynomial(z, coefficients.SIN[which]), z), r, r)
    half = m.mul(z, 0.5)
    start = m.sub(1.0, half)
    lost = m.sub(m.sub(1.0, start), half)
    cosine = m.add(start, m.fma(m.mul(z, z), m.polynomial(z, coefficients.COS[which]), lost))
    return sine, cosine


def _reduced(m: Lanes, x: str) -> tuple[str, str, str, str]:
    """The quadrant, whether it is odd, and sine and cosine of the rest."""
    quadrant, rest = quadrant_and_rest(m, x)
    sine, cosine = _sine_and_cosine(m, rest)
    return quadrant, m.int_compare("ne", m.int_("and", quadrant, 1), 0), sine, cosine


def _sign_of(m: Lanes, quadrant: str) -> str:
    """The bit of weight 2 as the highest."""
    return m.int_("shl", m.int_("and", quadrant, 2), m.integer.bytes * 8 - 2)


def sin(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    quadrant, odd, sine, cosine = _reduced(m, x)
    value = m.with_sign_bit(m.select(odd, cosine, sine), _sign_of(m, quadrant))
    return m.select(m.compare("oeq", x, 0.0), x, value)  # -0


def cos(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    quadrant, odd, sine, cosine = _reduced(m, x)
    sign = _sign_of(m, m.int_("add", quadrant, 1))
    return m.with_sign_bit(m.select(odd, sine, cosine), sign)


def sincos(function: Function, x: str, kind: Kind) -> tuple[str, str]:
    """Both; they share all but the last steps, also where they are asked for one by one."""
    return sin(function, x, kind), cos(function, x, kind)


def tan(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    quadrant, odd, sine, cosine = _reduced(m, x)
    ratio = m.div(m.select(odd, cosine, sine), m.select(odd, sine, cosine))
    sign = m.int_("shl", quadrant, m.integer.bytes * 8 - 1)
    return m.select(m.compare("oeq", x, 0.0), x, m.with_sign_bit(ratio, sign))
