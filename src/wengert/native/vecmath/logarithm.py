"""``log log2 log10 log1p``, what is made of them, and the logarithm to twice the precision for ``pow``.

The method is that of fdlibm's e_log.c: ``x = 2**k * (1 + f)`` with ``sqrt(1/2) <= 1 + f < sqrt(2)``, and
``log(1 + f) = 2*atanh(s)`` with ``s = f/(2 + f)``.
"""

from __future__ import annotations

from math import inf, nan

from wengert.native.text import Function, Kind
from wengert.native.vecmath import coefficients
from wengert.native.vecmath.exponential import exp_of_minus_abs, ln2
from wengert.native.vecmath.lanes import Lanes

__all__ = [
    "acosh", "asinh", "atanh", "exponent_and_rest", "log", "log1p", "log2", "log10", "log_sigmoid",
    "normal", "softplus",
]  # fmt: skip


def normal(m: Lanes, x: str) -> tuple[str, str]:
    """Whether a number is subnormal (or negative), and the number, times ``2**54`` or ``2**24`` if so."""
    small = m.compare("olt", x, m.either(2.0**-1022, 2.0**-126))
    return small, m.select(small, m.mul(x, m.either(2.0**54, 2.0**24)), x)


def exponent_and_rest(m: Lanes, x: str) -> tuple[str, str]:
    """The integer ``k``, and ``1 + f``, of a normal number."""
    bits = m.bits(x)
    beyond = m.int_("sub", bits, 0x3FE6A09E667F3BCD if m.double else 0x3F3504F3)  # sqrt(1/2)
    k = m.int_("ashr", beyond, m.fraction)
    return k, m.from_bits(m.int_("sub", bits, m.int_("shl", k, m.fraction)))


def _parts(m: Lanes, f: str) -> tuple[str, str]:
    """``h`` and ``c`` with ``log(1 + f) = f - (h - c)``, where ``h = f**2/2``."""
    s = m.div(f, m.add(f, 2.0))
    z = m.mul(s, s)
    tail = m.mul(m.polynomial(z, coefficients.LOG[0 if m.double else 1]), z)
    h = m.mul(m.mul(f, 0.5), f)
    return h, m.mul(s, m.add(h, tail))


def _joined(m: Lanes, k: str, f: str) -> str:
    """``k*log(2) + log(1 + f)``."""
    high, low = ln2(m, split=True)
    h, c = _parts(m, f)
    return m.fma(k, high, m.sub(f, m.sub(h, m.fma(k, low, c))))


def _at_the_borders(m: Lanes, x: str, inside: str, border: float = 0.0) -> str:
    """``inside`` between the border and infinity, -inf at it, NaN beyond; infinity and NaN as they are."""
    outside = m.select(m.compare("olt", x, border), nan, x)
    outside = m.select(m.compare("oeq", x, border), -inf, outside)
    fine = m.both(m.compare("ogt", x, border), m.compare("olt", x, inf))
    return m.select(fine, inside, outside)


def _exponent(m: Lanes, x: str) -> tuple[str, str]:
    """``k`` as a float, and ``f``, of any positive number."""
    small, number = normal(m, x)
    exponent, rest = exponent_and_rest(m, number)
    k = m.as_float(exponent)
    k = m.select(small, m.sub(k, m.either(54.0, 24.0)), k)
    return k, m.sub(rest, 1.0)


def log(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    k, f = _exponent(m, x)
    return _at_the_borders(m, x, _joined(m, k, f))


def _in_base(m: Lanes, x: str, inverse: tuple[float, float], unit: tuple[float, float]) -> str:
    """``k*unit + log(1 + f)*inverse``, each factor in two parts, as in FreeBSD's e_log10.c."""
    k, f = _exponent(m, x)
    h, c = _parts(m, f)
    mask = -1 << (32 if m.double else 12)
    high = m.from_bits(m.int_("and", m.bits(m.sub(f, h)), mask))  # times the first part exactly
    low = m.add(m.sub(m.sub(f, high), h), c)
    start = m.mul(k, unit[0])
    main = m.mul(high, inverse[0])
    rest = m.fma(m.add(low, high), inverse[1], m.mul(low, inverse[0]))
    if unit[1]:
        rest = m.fma(k, unit[1], rest)
    total = m.add(start, main)
    rest = m.add(m.add(m.sub(start, total), main), rest)
    return _at_the_borders(m, x, m.add(total, rest))


def log2(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    double = (1.44269504072144627571e00, 1.67517131648865118353e-10)  # FreeBSD's e_log2.c
    single = (1.4428710938, -1.7605285393e-04)  # and e_log2f.c
    return _in_base(m, x, double if m.double else single, (1.0, 0.0))


def log10(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    if m.double:  # FreeBSD's e_log10.c
        inverse = (4.34294481878168880939e-01, 2.50829467116452752298e-11)
        return _in_base(m, x, inverse, (3.01029995663611771306e-01, 3.69423907715893078616e-13))
    inverse = (4.3432617188e-01, -3.1689971365e-05)  # and e_log10f.c
    return _in_base(m, x, inverse, (3.0102920532e-01, 7.9034151668e-07))


def _log1p(m: Lanes, x: str, doublings: str | None = None) -> str:
    """``log(1 + x) + doublings*log(2)``, for numbers from -1 on; what is lost in ``1 + x`` is made up for."""
    total, lost = m.two_sum(1.0, x)
    exponent, rest = exponent_and_rest(m, total)
    least = m.function.intrinsic("smin", m.integer, exponent, m.integer.constant(m.bias - 4))
    shrunk = m.int_("sub", 0, least)
    f = m.fma(lost, m.power_of_two(shrunk), m.sub(rest, 1.0))
    k = m.as_float(exponent)
    return _joined(m, k if doublings is None else m.add(k, doublings), f)


def log1p(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    tiny = m.compare("olt", m.abs(x), m.either(2.0**-54, 2.0**-25))
    inside = m.select(tiny, x, _log1p(m, x))  # the sign of zero
    return _at_the_borders(m, x, inside, -1.0)


def _log1p_exp_of_minus_abs(m: Lanes, x: str) -> str:
    """``log(1 + e)`` with ``e = exp(-|x|)``: ``1 + e`` is at most 2, so all is exact."""
    e = exp_of_minus_abs(m, x)
    above = m.compare("ogt", e, 0.414213562373095)  # 1 + e > sqrt(2): log(2) + log((1 + e)/2)
    f = m.select(above, m.fma(e, 0.5, -0.5), e)
    return _joined(m, m.select(above, 1.0, 0.0), f)


def softplus(function: Function, x: str, kind: Kind) -> str:
    """``log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))``."""
    m = Lanes(function, kind)
    return m.add(m.at_least(x, 0.0), _log1p_exp_of_minus_abs(m, x))


def log_sigmoid(function: Function, x: str, kind: Kind) -> str:
    """``log(sigmoid(x)) = -(max(-x, 0) + log1p(exp(-|x|)))``."""
    m = Lanes(function, kind)
    return m.neg(m.add(m.at_least(m.neg(x), 0.0), _log1p_exp_of_minus_abs(m, x)))


def _log1p_or_log2x(m: Lanes, x: str, otherwise: str) -> str:
    """``log(2*x)`` of a huge number, ``log1p(otherwise)`` of others; infinity and NaN as they are."""
    huge = m.compare("ogt", x, m.either(2.0**54, 2.0**25))
    inside = _log1p(m, m.select(huge, x, otherwise), m.select(huge, 1.0, 0.0))
    return m.select(m.compare("olt", x, inf), inside, x)


def asinh(function: Function, x: str, kind: Kind) -> str:
    """``log1p(a + a**2/(1 + sqrt(1 + a**2)))`` with ``a = |x|``, as in fdlibm's s_asinh.c."""
    m = Lanes(function, kind)
    size = m.abs(x)
    square = m.mul(size, size)
    root = m.sqrt(m.add(square, 1.0))
    inside = _log1p_or_log2x(m, size, m.add(size, m.div(square, m.add(root, 1.0))))
    tiny = m.compare("olt", size, m.either(2.0**-28, 2.0**-13))
    return m.with_sign(m.select(tiny, size, inside), x)


def acosh(function: Function, x: str, kind: Kind) -> str:
    """``log1p(t + sqrt(2*t + t**2))`` with ``t = x - 1``, as in fdlibm's e_acosh.c."""
    m = Lanes(function, kind)
    t = m.sub(x, 1.0)
    inside = _log1p_or_log2x(m, x, m.add(t, m.sqrt(m.fma(t, t, m.add(t, t)))))
    return m.select(m.compare("olt", x, 1.0), nan, inside)


def atanh(function: Function, x: str, kind: Kind) -> str:
    """``log1p(2*a/(1 - a))/2`` with ``a = |x|``."""
    m = Lanes(function, kind)
    size = m.abs(x)
    ratio = m.div(m.add(size, size), m.sub(1.0, size))
    inside = m.mul(_at_the_borders(m, ratio, _log1p(m, ratio), -1.0), 0.5)
    tiny = m.compare("olt", size, m.either(2.0**-28, 2.0**-13))
    signed = m.with_sign(m.select(tiny, size, inside), x)
    return m.select(m.compare("ogt", size, 1.0), nan, signed)
