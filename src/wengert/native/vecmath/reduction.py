"""Angles reduced to ``[-pi/4, pi/4]``, whatever their size.

Up to a bound the multiple of pi/2 is subtracted in parts (Cody and Waite 1980). Where some lane is beyond,
a helper that is rarely called multiplies with as many bits of 2/pi as matter (Payne and Hanek 1983).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import inf, nan

from wengert.native.text import BOOL, DOUBLE, I32, I64, Kind, Module, kind
from wengert.native.vecmath.lanes import Lanes

__all__ = ["quadrant_and_rest"]

TWO_OVER_PI = 0.6366197723675814

# pi/2 in parts: to 159 (72) bits for FMA, else in pieces of 33 bits, whose products with integers of up to
# 20 bits are exact.
HALF_PI_FUSED = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
HALF_PI_FUSED_SINGLE = (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15)
HALF_PI_SPLIT = (
    1.5707963267341256, 6.077100506303966e-11, 2.0222662487111665e-21, 8.4784276603689e-32,
)  # fmt: skip

I128 = kind("i128")

# Called so rarely that what matters is how fast they compile.
HELPER = "nounwind cold noinline optnone"

HALF_PI_BITS = 0xC90FDAA22168C235  # pi/2 * 2**63


def quadrant_and_rest(m: Lanes, x: str) -> tuple[str, str]:
    """Bits whose lowest two are ``n`` modulo 4, and ``r``, where ``x = n*pi/2 + r``."""
    return m.function.once(f"reduced angle {m.kind.text} {x}", lambda: _reduced(m, x))


def _reduced(m: Lanes, x: str) -> tuple[str, str]:
    if m.has_fma:
        parts = HALF_PI_FUSED if m.double else HALF_PI_FUSED_SINGLE
        bound = 2.0**30 if m.double else 2.0**16
        return _unless_huge(m, x, bound, *_by_parts(m, x, parts))
    if m.double:
        return _unless_huge(m, x, 2.0**20, *_by_parts(m, x, HALF_PI_SPLIT))
    # Without FMA float32 has too few bits for parts; they are subtracted in float64.
    f = m.function
    wide = Lanes(f, m.kind.of("double"))
    rest, bits = _by_parts(wide, f.convert("fpext", m.kind, x, wide.kind), HALF_PI_SPLIT)
    narrow = f.convert("trunc", wide.integer, bits, m.integer)
    return _unless_huge(m, x, 2.0**20, f.convert("fptrunc", wide.kind, rest, m.kind), narrow)


def _by_parts(m: Lanes, x: str, parts: tuple[float, ...]) -> tuple[str, str]:
    n, bits = m.rounded(x, TWO_OVER_PI)
    rest = x
    for part in parts:
        rest = m.fma(n, -part, rest)
    return rest, bits


def _unless_huge(m: Lanes, x: str, bound: float, rest: str, bits: str) -> tuple[str, str]:
    f = m.function
    beyond = m.compare("oge", m.abs(x), bound)
    huge = f.any(m.kind.mask, beyond)
    before, there, after = f.current, f.block("huge"), f.block("reduced")
    f.branch_if(huge, there, after)
    f.start(there)
    pair = f"{{ {m.kind.text}, {m.integer.text} }}"
    name = f.module.helper(f"wengert.reduce.{m.kind.suffix}", _every_lane(m.kind))
    answer = f.value(f"call {pair} @{name}({m.kind.text} {x})")
    # Lane by lane, so that no result depends on its neighbours.
    far = [f.value(f"extractvalue {pair} {answer}, {i}") for i in (0, 1)]
    far_rest = f.value(
        f"select {m.kind.mask.text} {beyond}, {m.kind.text} {far[0]}, {m.kind.text} {rest}"
    )
    far_bits = f.value(
        f"select {m.kind.mask.text} {beyond}, {m.integer.text} {far[1]}, {m.integer.text} {bits}"
    )
    f.branch(after)
    f.start(after)
    return (
        f.phi(m.integer, (bits, before), (far_bits, there)),
        f.phi(m.kind, (rest, before), (far_rest, there)),
    )


@cache
def _every_lane(of: Kind) -> Callable[[Module, str], None]:
    """What builds the helper that reduces the lanes of a kind one after the other."""

    def build(module: Module, name: str) -> None:
        one = module.helper("wengert.reduce", _one_number)
        pair = f"{{ {of.text}, {of.integer.text} }}"
        f = module.function(name, [(of.text, "x")], pair, linkage="internal", attributes=HELPER)
        rests, quadrants = f.slot(of), f.slot(of.integer)
        with f.loop("0", str(of.lanes)) as lane:
            number = f.extract(of, "%x", lane)
            if of.element == "float":
                number = f.convert("fpext", of.scalar, number, DOUBLE)
            answer = f.value(f"call {{ double, i64 }} @{one}(double {number})")
            rest, quadrant = (f.field("{ double, i64 }", answer, i) for i in (0, 1))
            if of.element == "float":
                rest = f.convert("fptrunc", DOUBLE, rest, of.scalar)
                quadrant = f.convert("trunc", I64, quadrant, I32)
            f.store(of.scalar, rest, f.element(of.scalar, rests, lane))
            f.store(of.integer.scalar, quadrant, f.element(of.integer.scalar, quadrants, lane))
        filled = f.value(f"insertvalue {pair} poison, {of.text} {f.load(of, rests)}, 0")
        quadrant = f.load(of.integer, quadrants)
        f.ret(f.value(f"insertvalue {pair} {filled}, {of.integer.text} {quadrant}, 1"))

    return build


def _one_number(module: Module, name: str) -> None:
    """``x = m * 2**e`` times 192 bits of 2/pi, from the one on that makes multiples of 2.

    Of the product modulo ``2**192`` the top two bits are the quadrant, and the next 126 the fraction, of
    which at least 64 are significant: no float64 is nearer to a multiple of pi/2 than ``2**-61``.
    """
    f = module.function(
        name, [("double", "x")], "{ double, i64 }", linkage="internal",
        attributes=HELPER,
    )  # fmt: skip
    bits = f.convert("bitcast", DOUBLE, "%x", I64)
    field = f.binary("and", I64, f.binary("lshr", I64, bits, "52"), "2047")
    mantissa = f.binary("or", I64, f.binary("and", I64, bits, str(2**52 - 1)), str(2**52))
    # 64 zeros stand before the bits in the table, so that this is a place in it from 2**-9 on.
    field = f.intrinsic("smax", I64, f.intrinsic("smin", I64, field, "2046"), "1016")
    place = f.sub(I64, field, str(1075 - 62))
    word, shift = f.binary("lshr", I64, place, "6"), f.binary("and", I64, place, "63")
    table = _two_over_pi(module)
    words = [f.load(I64, f.element(I64, table, f.add(I64, word, str(i)))) for i in range(4)]
    digits = [f.intrinsic("fshl", I64, *pair, shift) for pair in pairwise(words)]

    def times_mantissa(digit: str) -> str:
        return f.mul(I128, *(f.convert("zext", I64, factor, I128) for factor in (digit, mantissa)))

    def high_half(a: str) -> str:
        return f.binary("lshr", I128, a, "64")

    middle = f.add(I128, times_mantissa(digits[1]), high_half(times_mantissa(digits[2])))
    top = f.binary("shl", I128, times_mantissa(digits[0]), "64")
    product = f.add(I128, top, middle)
    quadrant = f.binary("lshr", I128, f.add(I128, product, str(2**125)), "126")
    fraction = f.sub(I128, product, f.binary("shl", I128, quadrant, "126"))
    below = f.compare(I128, "slt", fraction, "0")
    size = f.select(I128, below, f.sub(I128, "0", fraction), fraction)
    # The first 64 significant bits times those of pi/2, rounded once.
    module.declare("llvm.ctlz.i128", "i128, i1", "i128")
    zeros = f.pure(f"call i128 @llvm.ctlz.i128(i128 {size}, i1 false)")
    zeros = f.binary("and", I128, zeros, "127")  # of 0, which only infinity and NaN have
    first = high_half(f.binary("shl", I128, size, zeros))
    angle = high_half(f.mul(I128, first, str(HALF_PI_BITS)))
    # size = first * 2**(64 - zeros), in units of 2**-126; pi/2 = HALF_PI_BITS * 2**-63; angle in 2**64.
    exponent = f.sub(I64, str(64 - 126 - 63 + 64 + 1023), f.convert("trunc", I128, zeros, I64))
    scale = f.convert("bitcast", I64, f.binary("shl", I64, exponent, "52"), DOUBLE)
    rest = f.convert("uitofp", I64, f.convert("trunc", I128, angle, I64), DOUBLE)
    rest = f.mul(DOUBLE, rest, scale)
    # The sign of x turns both, and that of the fraction the rest.
    negative = f.compare(I64, "slt", bits, "0")
    turned = f.binary("xor", BOOL, negative, below)
    rest = f.select(DOUBLE, turned, f.neg(DOUBLE, rest), rest)
    whole = f.convert("trunc", I128, quadrant, I64)
    whole = f.select(I64, negative, f.sub(I64, "0", whole), whole)
    # Of infinity and NaN: NaN. (What is not huge comes here, too, and is not looked at.)
    finite = f.compare(DOUBLE, "olt", f.intrinsic("fabs", DOUBLE, "%x"), DOUBLE.constant(inf))
    rest = f.select(DOUBLE, finite, rest, DOUBLE.constant(nan))
    pair = f.value(f"insertvalue {{ double, i64 }} poison, double {rest}, 0")
    f.ret(f.value(f"insertvalue {{ double, i64 }} {pair}, i64 {whole}, 1"))


def _two_over_pi(module: Module) -> str:
    """The address of 64 zeros and the first 1216 bits of 2/pi behind the point."""
    words = [0, *_two_over_pi_words(19)]
    listed = ", ".join([f"i64 {word}" for word in words])
    return module.constant("wengert.two_over_pi", f"[{len(words)} x i64]", f"[{listed}]")


@cache
def _two_over_pi_words(count: int) -> tuple[int, ...]:
    """By Machin's formula ``pi = 16*atan(1/5) - 4*atan(1/239)`` in whole numbers."""
    unit = 1 << (64 * count + 64)

    def inverse_tangent(n: int) -> int:
        total, power, i, sign = 0, unit // n, 1, 1
        while power:
            total += sign * (power // i)
            power, i, sign = power // (n * n), i + 2, -sign
        return total

    pi = 16 * inverse_tangent(5) - 4 * inverse_tangent(239)
    digits = (2 * unit << 64 * count) // pi
    return tuple(digits >> (64 * (count - 1 - i)) & (2**64 - 1) for i in range(count))
