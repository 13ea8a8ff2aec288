"""``exp exp2 expm1 sinh cosh tanh sigmoid``: one reduction to ``|r| <= log(2)/2`` and one polynomial.

With AVX-512 ``exp`` has a table of the roots of two in a register, as in P. T. P. Tang, Table-driven
implementation of the exponential function in IEEE floating-point arithmetic, ACM TOMS 15 (1989).
"""

from __future__ import annotations

from wengert.native.text import Function, Kind
from wengert.native.vecmath import coefficients
from wengert.native.vecmath.lanes import Lanes

__all__ = [
    "cosh", "exp", "exp2", "exp_of_minus_abs", "expm1", "reduced", "scaled", "sigmoid", "sinh", "tanh",
]  # fmt: skip

LOG2_E = 1.4426950408889634

# log(2) in two parts: exact to twice the format where products are (FMA), else with zeros at the end of the
# first, whose products with integers of up to 20 (8) bits are exact (fdlibm's e_exp.c, Cephes' expf.c).
LN2_FUSED = (
    (0.6931471805599453, 2.3190468138462996e-17),
    (0.693147182464599609, -1.904654299957767e-09),
)
LN2_SPLIT = (
    (6.93147180369123816490e-01, 1.90821492927058770002e-10),
    (0.693359375, -2.12194440e-4),
)


def ln2(m: Lanes, *, split: bool = False) -> tuple[float, float]:
    """The two parts of log(2) that suit the target."""
    return (LN2_FUSED if m.has_fma and not split else LN2_SPLIT)[0 if m.double else 1]


def _near_zero(m: Lanes, r: str, tail: str | None = None) -> str:
    """``exp(r) - 1 = r + r**2*(1/2 + r*q(r))``; a tail of r is as good as one of the result."""
    q = m.fma(m.polynomial(r, coefficients.EXP[0 if m.double else 1]), r, 0.5)
    if tail is None:
        return m.fma(q, m.mul(r, r), r)
    return m.add(r, m.fma(q, m.mul(r, r), tail))


def reduced(m: Lanes, x: str, tail: str | None = None) -> tuple[str, str]:
    """Bits whose low half is ``n``, and ``exp(r) - 1``, where ``x + tail = n*log(2) + r``."""
    high, low = ln2(m)
    n, bits = m.rounded(x, LOG2_E)
    r = m.fma(n, -low, m.fma(n, -high, x))
    return bits, _near_zero(m, r if tail is None else m.add(r, tail))


def scaled(m: Lanes, a: str, bits: str) -> str:
    """``a * 2**n`` in two steps, so that it may overflow or become subnormal, with one rounding."""
    n = m.low_half(bits)
    half = m.int_("ashr", n, 1)
    once = m.mul(a, m.power_of_two(half))
    return m.mul(once, m.power_of_two(m.int_("sub", n, half)))


def _by_table(m: Lanes, x: str) -> str:
    """``exp(x)`` with ``x = n*log(2)/lanes + r``: a root of two by ``n``, and fewer terms for ``exp(r)``."""
    parts = m.kind.lanes
    magic = m.magic / parts
    shifted = m.fma(x, LOG2_E, magic)
    n = m.sub(shifted, magic)  # in units of 1/lanes
    high, low = ln2(m)
    r = m.fma(n, -low, m.fma(n, -high, x))
    q = m.fma(m.polynomial(r, coefficients.EXP_NEAR[0 if m.double else 1]), r, 0.5)
    rest = m.fma(q, m.mul(r, r), r)
    root = m.looked_up([2.0 ** (i / parts) for i in range(parts)], m.bits(shifted))
    return m.times_power_of_two(m.fma(root, rest, root), n)


def exp(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    clamped = m.at_least(m.at_most(x, m.either(710.0, 89.0)), m.either(-746.0, -104.0))
    if m.has_tables:
        return _by_table(m, clamped)
    bits, rest = reduced(m, clamped)
    return scaled(m, m.add(rest, 1.0), bits)


def exp_of_minus_abs(m: Lanes, x: str) -> str:
    """``exp(-|x|)``."""
    clamped = m.at_least(m.neg(m.abs(x)), m.either(-746.0, -104.0))
    if m.has_tables:
        return _by_table(m, clamped)
    bits, rest = reduced(m, clamped)
    return scaled(m, m.add(rest, 1.0), bits)


def exp2(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    clamped = m.at_least(m.at_most(x, m.either(1025.0, 129.0)), m.either(-1076.0, -151.0))
    n, bits = m.rounded(clamped, 1.0)
    high, low = ln2(m)
    rest = _near_zero(m, m.mul(m.sub(clamped, n), high + low))
    return scaled(m, m.add(rest, 1.0), bits)


def _expm1_by(m: Lanes, x: str, shift: int) -> str:
    """``(exp(x) - 1) * 2**-shift``, which must not overflow; here the rounding of ``r`` counts."""
    high, low = ln2(m)
    n, bits = m.rounded(x, LOG2_E)
    start = m.fma(n, -high, x)
    r = m.fma(n, -low, start)
    rest = _near_zero(m, r, m.fma(n, -low, m.sub(start, r)))
    scale = m.power_of_two(m.int_("sub", m.low_half(bits), shift) if shift else m.low_half(bits))
    return m.fma(rest, scale, m.sub(scale, 2.0**-shift))


def expm1(function: Function, x: str, kind: Kind) -> str:
    m = Lanes(function, kind)
    clamped = m.at_least(m.at_most(x, m.either(709.9, 88.9)), m.either(-50.0, -25.0))
    whole = m.mul(_expm1_by(m, clamped, 1), 2.0)
    tiny = m.compare("olt", m.abs(x), m.either(2.0**-54, 2.0**-25))
    return m.select(tiny, x, whole)  # the sign of zero, and subnormal numbers


def sinh(function: Function, x: str, kind: Kind) -> str:
    """``(h + h/(2*h + 1))`` with ``h = expm1(|x|)/2``, as in fdlibm's e_sinh.c."""
    m = Lanes(function, kind)
    size = m.abs(x)
    quarter = _expm1_by(m, m.at_most(size, m.either(710.5, 89.5)), 2)
    half = m.add(quarter, quarter)
    whole = m.add(half, m.div(quarter, m.add(half, 0.5)))  # 0 where half is infinite
    tiny = m.compare("olt", size, m.either(2.0**-28, 2.0**-13))
    return m.with_sign(m.select(tiny, size, whole), x)


def cosh(function: Function, x: str, kind: Kind) -> str:
    """``p + 1/(4*p)`` with ``p = exp(|x|)/2``."""
    m = Lanes(function, kind)
    bits, rest = reduced(m, m.at_most(m.abs(x), m.either(710.5, 89.5)))
    scale = m.power_of_two(m.int_("sub", m.low_half(bits), 2))
    half = m.mul(m.mul(m.add(rest, 1.0), scale), 2.0)
    return m.add(half, m.div(0.25, half))


def tanh(function: Function, x: str, kind: Kind) -> str:
    """``e/(e + 2)`` with ``e = expm1(2*|x|)``; the quotient is corrected by its remainder."""
    m = Lanes(function, kind)
    size = m.at_most(m.abs(x), m.either(19.1, 9.1))
    e = _expm1_by(m, m.add(size, size), 0)
    below, lost = m.fast_two_sum(2.0, e)
    inverse = m.div(1.0, below)
    ratio = m.mul(e, inverse)
    remainder = m.fma(m.neg(ratio), lost, m.fma(m.neg(ratio), below, e))
    return m.with_sign(m.fma(remainder, inverse, ratio), x)


def sigmoid(function: Function, x: str, kind: Kind) -> str:
    """``1/(1 + e)`` or ``e/(1 + e)`` by the sign, with ``e = exp(-|x|)``."""
    m = Lanes(function, kind)
    e = exp_of_minus_abs(m, x)
    return m.div(m.select(m.compare("olt", x, 0.0), e, 1.0), m.add(e, 1.0))
