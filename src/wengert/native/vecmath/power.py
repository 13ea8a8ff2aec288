"""``pow cbrt hypot``."""

from __future__ import annotations

from math import inf, nan

from wengert.native.text import Function, Kind
from wengert.native.vecmath import coefficients
from wengert.native.vecmath.exponential import LN2_SPLIT, reduced, scaled
from wengert.native.vecmath.lanes import Lanes
from wengert.native.vecmath.logarithm import exponent_and_rest, normal

__all__ = ["cbrt", "hypot", "pow"]


# --- pow: exp(y*log|x|), the logarithm and the product to about 66 bits ---------------------------------
def _long_log(m: Lanes, x: str) -> tuple[str, str]:
    """``log(x)`` of a positive number as the sum of two, by ``2*atanh(f/(2 + f))`` with error terms."""
    small, number = normal(m, x)
    exponent, rest = exponent_and_rest(m, number)
    k = m.as_float(exponent)
    k = m.select(small, m.sub(k, m.either(54.0, 24.0)), k)
    f = m.sub(rest, 1.0)
    # s + s_low = f/(2 + f)
    below = m.add(f, 2.0)
    below_low = m.sub(f, m.sub(below, 2.0))
    inverse = m.div(1.0, below)
    s = m.mul(f, inverse)
    back, back_low = m.two_product(s, below)
    missing = m.sub(m.sub(m.sub(f, back), back_low), m.mul(s, below_low))
    s_low = m.mul(missing, inverse)
    # z + z_low = s**2
    z, z_low = m.two_product(s, s)
    z_low = m.fma(m.add(s, s), s_low, z_low)
    # q + q_low = 2/3 + z*tail(z)
    tail = m.polynomial(z, coefficients.LOG_TAIL[0])
    q_tail, q_tail_low = m.two_product(z, tail)
    q, q_low = m.fast_two_sum(2 / 3, q_tail)
    q_low = m.add(q_low, m.fma(z_low, 0.4, m.add(q_tail_low, 3.7007434154171886e-17)))
    # c + c_low = s*z*q
    cube, cube_low = m.two_product(s, z)
    cube_low = m.add(cube_low, m.fma(s, z_low, m.mul(s_low, z)))
    c, c_low = m.two_product(cube, q)
    c_low = m.add(c_low, m.fma(cube, q_low, m.mul(cube_low, q)))
    # k*log(2) + 2*s + c
    log2_high, log2_low = LN2_SPLIT[0]
    near, near_low = m.fast_two_sum(m.add(s, s), c)
    near_low = m.add(m.add(near_low, c_low), m.add(s_low, s_low))
    total, low = m.two_sum(m.mul(k, log2_high), near)
    return total, m.add(low, m.fma(k, log2_low, near_low))


def _magnitude(m: Lanes, x: str, y: str) -> str:
    """``|x|**y``, right also at 0 and infinity but for ``inf*0``."""
    size = m.abs(x)
    log, log_low = _long_log(m, size)
    whole = m.both(m.compare("ogt", size, 0.0), m.compare("olt", size, inf))
    edge = m.select(m.compare("oeq", size, 0.0), -inf, size)
    log = m.select(whole, log, edge)
    product, low = m.two_product(y, log)
    low = m.fma(y, log_low, low)
    moderate = m.compare("olt", m.abs(product), 746.0)
    low = m.select(m.both(moderate, whole), low, 0.0)
    clamped = m.at_least(m.at_most(product, 710.0), -746.0)
    bits, rest = reduced(m, clamped, low)
    return scaled(m, m.add(rest, 1.0), bits)


def pow(function: Function, x: str, y: str, kind: Kind) -> str:  # noqa: A001  NumPy's and C's name
    """``x**y`` with the special cases of C99, annex F.9.4.4."""
    m = Lanes(function, kind)
    size = _magnitude(m, x, y) if m.double else _by_double(m, x, y)
    # Negative x: the sign is that of an odd exponent; no real value if it is not whole.
    exponent = m.abs(y)
    whole = m.compare("oeq", m.whole_part(exponent), exponent)
    half = m.mul(exponent, 0.5)
    odd = m.both(whole, m.compare("une", m.whole_part(half), half))
    size = m.select(odd, m.with_sign(size, x), size)
    negative = m.both(m.compare("olt", x, 0.0), m.compare("ogt", x, -inf))
    undefined = m.both(negative, m.compare("une", m.whole_part(exponent), exponent))
    size = m.select(undefined, nan, size)
    # 1**y and x**0 are 1, of NaN too, and (-1)**inf.
    at_infinity = m.both(m.compare("oeq", x, -1.0), m.compare("oeq", exponent, inf))
    one = m.one_of(m.compare("oeq", x, 1.0), m.compare("oeq", y, 0.0))
    return m.select(m.one_of(one, at_infinity), 1.0, size)


def _by_double(m: Lanes, x: str, y: str) -> str:
    """``|x|**y`` of float32 by the logarithm in float64."""
    f, wide = m.function, m.kind.of("double")
    longer = [f.convert("fpext", m.kind, a, wide) for a in (x, y)]
    return f.convert("fptrunc", wide, _short_magnitude(Lanes(f, wide), *longer), m.kind)


def _short_magnitude(m: Lanes, x: str, y: str) -> str:
    """``|x|**y`` to some 40 bits, of numbers that fit into float32."""
    size = m.abs(x)
    exponent, rest = exponent_and_rest(m, size)
    f = m.sub(rest, 1.0)
    s = m.div(f, m.add(f, 2.0))
    z = m.mul(s, s)
    tail = m.polynomial(z, coefficients.LOG[0][:6])
    log = m.fma(m.as_float(exponent), 0.6931471805599453, m.fma(s, m.mul(z, tail), m.add(s, s)))
    whole = m.both(m.compare("ogt", size, 0.0), m.compare("olt", size, inf))
    log = m.select(whole, log, m.select(m.compare("oeq", size, 0.0), -inf, size))
    product = m.at_least(m.at_most(m.mul(y, log), 710.0), -700.0)
    bits, grown = reduced(m, product)
    return m.mul(m.add(grown, 1.0), m.power_of_two(m.low_half(bits)))


# --- cbrt -----------------------------------------------------------------------------------------------
def cbrt(function: Function, x: str, kind: Kind) -> str:
    """A polynomial for the mantissa, then one step of Halley's as in FreeBSD's s_cbrt.c."""
    m = Lanes(function, kind)
    size = m.abs(x)
    small, number = normal(m, size)
    bits = m.bits(number)
    mantissa_mask = (1 << m.fraction) - 1
    mantissa = m.from_bits(m.int_("or", m.int_("and", bits, mantissa_mask), m.bias << m.fraction))
    exponent = m.as_float(m.int_("sub", m.int_("lshr", bits, m.fraction), m.bias))
    third, third_bits = m.rounded(exponent, 1 / 3)
    left = m.fma(third, -3.0, exponent)  # -1, 0 or 1
    down, up = m.compare("olt", left, 0.0), m.compare("ogt", left, 0.0)
    t = m.polynomial(mantissa, coefficients.CBRT[0 if m.double else 1])
    t = m.mul(t, m.select(down, 0.7937005259840998, m.select(up, 1.2599210498948732, 1.0)))
    t = m.from_bits(m.int_("and", m.bits(t), -1 << (29 if m.double else 12)))  # t*t is exact
    y = m.mul(mantissa, m.select(down, 0.5, m.select(up, 2.0, 1.0)))
    ratio = m.div(y, m.mul(t, t))
    step = m.div(m.sub(ratio, t), m.add(m.add(t, t), ratio))
    root = m.mul(m.fma(t, step, t), m.power_of_two(m.low_half(third_bits)))
    root = m.select(small, m.mul(root, 2.0**-18 if m.double else 2.0**-8), root)
    plain = m.both(m.compare("ogt", size, 0.0), m.compare("olt", size, inf))
    return m.select(plain, m.with_sign(root, x), x)


# --- hypot ----------------------------------------------------------------------------------------------
def hypot(function: Function, x: str, y: str, kind: Kind) -> str:
    """``sqrt(x**2 + y**2)`` without overflow; infinite if one is, whatever the other."""
    m = Lanes(function, kind)
    a, b = m.abs(x), m.abs(y)
    large, little = m.either(2.0**510, 2.0**62), m.either(2.0**-450, 2.0**-50)
    huge = m.one_of(m.compare("ogt", a, large), m.compare("ogt", b, large))
    tiny = m.both(m.compare("olt", a, little), m.compare("olt", b, little))
    factor, back = m.either(2.0**600, 2.0**80), m.either(2.0**-600, 2.0**-80)
    scale = m.select(huge, back, m.select(tiny, factor, 1.0))
    unscale = m.select(huge, factor, m.select(tiny, back, 1.0))
    a_scaled, b_scaled = m.mul(a, scale), m.mul(b, scale)
    length = m.mul(m.sqrt(m.fma(a_scaled, a_scaled, m.mul(b_scaled, b_scaled))), unscale)
    endless = m.one_of(m.compare("oeq", a, inf), m.compare("oeq", b, inf))
    return m.select(endless, inf, length)
