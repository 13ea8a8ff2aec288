"""``erf erfc``."""

from __future__ import annotations

from wengert.native.text import Function, Kind
from wengert.native.vecmath import coefficients
from wengert.native.vecmath.exponential import reduced, scaled
from wengert.native.vecmath.lanes import Lanes

__all__ = ["erf", "erfc"]


def _complement(m: Lanes, size: str) -> str:
    """``erfc`` of a nonnegative number: ``exp(-x**2)/(1 + 2*x)`` times a polynomial in ``(x - 4)/(x + 4)``.

    The form is that of Shepherd and Laframboise 1981.
    """
    x = m.at_most(size, m.either(27.3, 10.2))
    t = m.div(m.sub(x, 4.0), m.add(x, 4.0))
    p = m.polynomial(t, coefficients.ERFC[0 if m.double else 1])
    square, lost = m.two_product(x, x)
    bits, rest = reduced(m, m.neg(square), m.neg(lost))
    ratio = m.div(p, m.fma(x, 2.0, 1.0))
    return scaled(m, m.fma(rest, ratio, ratio), bits)


def _near_zero(m: Lanes, size: str) -> str:
    """``erf`` of a number up to 1."""
    x = m.at_most(size, 1.0)
    return m.fma(x, m.polynomial(m.mul(x, x), coefficients.ERF[0 if m.double else 1]), x)


def erf(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    size = m.abs(x)
    far = m.sub(1.0, _complement(m, size))
    return m.with_sign(m.select(m.compare("olt", size, 1.0), _near_zero(m, size), far), x)


def erfc(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    size = m.abs(x)
    right = _complement(m, size)
    far = m.select(m.compare("olt", x, 0.0), m.sub(2.0, right), right)
    near = m.sub(1.0, m.with_sign(_near_zero(m, size), x))
    return m.select(m.compare("olt", size, 0.75), near, far)
