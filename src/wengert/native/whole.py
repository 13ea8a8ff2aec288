"""Instructions on bits: shifts, divisors, whole powers, and the parts of floats."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wengert.native.kinds import Kind, kind
from wengert.native.lanewise import by_lane
from wengert.native.primitives import Writer, on
from wengert.native.text import Function

__all__ = ["running_power"]


# --- whole numbers -------------------------------------------------------------------------------------
@on("left_shift")
def _left_shift(w: Writer, k: Kind, a: str, b: str) -> str:
    """NumPy counts bits without a sign: beyond the width nothing is left."""
    f, zero, inside = w.f, k.constant(0), _below_width(w, k, b)
    moved = f.binary("shl", k, a, f.select(k, inside, b, zero))
    return f.select(k, inside, moved, zero)


@on("right_shift")
def _right_shift(w: Writer, k: Kind, a: str, b: str) -> str:
    most = k.constant(8 * k.bytes - 1)
    return w.f.binary("ashr", k, a, w.f.select(k, _below_width(w, k, b), b, most))


def _below_width(w: Writer, k: Kind, b: str) -> str:
    return w.f.compare(k, "ult", b, k.constant(8 * k.bytes))


@on("gcd")
def _gcd(w: Writer, k: Kind, a: str, b: str) -> str:
    return by_lane(w, "gcd", [k, k], k, [_size(w, k, a), _size(w, k, b)], _euclid)


@on("lcm")
def _lcm(w: Writer, k: Kind, a: str, b: str) -> str:
    f, zero = w.f, k.constant(0)
    a, b = _size(w, k, a), _size(w, k, b)
    common = by_lane(w, "gcd", [k, k], k, [a, b], _euclid)
    none = f.compare(k, "eq", common, zero)
    parts = f.binary("udiv", k, a, f.select(k, none, k.constant(1), common))
    return f.select(k, none, zero, f.mul(k, parts, b))


def _size(w: Writer, k: Kind, a: str) -> str:
    return w.f.select(k, w.f.compare(k, "slt", a, k.constant(0)), w.f.neg(k, a), a)


def _euclid(f: Function, args: Sequence[str]) -> None:
    k = kind(f.result)
    a, b = f.slot(k), f.slot(k)
    f.store(k, args[0], a)
    f.store(k, args[1], b)
    head, body, done = (f.block(name) for name in ("loop", "body", "done"))
    f.branch(head)
    f.start(head)
    divisor = f.load(k, b)
    f.branch_if(f.compare(k, "ne", divisor, "0"), body, done)
    f.start(body)
    rest = f.value(f"urem {k.text} {f.load(k, a)}, {divisor}")
    f.store(k, divisor, a)
    f.store(k, rest, b)
    f.branch(head)
    f.start(done)
    f.ret(f.load(k, a))


def running_power(w: Writer, k: Kind, base: str, exponent: str) -> str:
    """A power of integers, whose exponent is not negative, by repeated squaring."""
    return by_lane(w, "power", [k, k], k, [base, exponent], _squaring)


def _squaring(f: Function, args: Sequence[str]) -> None:
    k = kind(f.result)
    square, left, power = f.slot(k), f.slot(k), f.slot(k)
    for value, slot in zip((*args, "1"), (square, left, power), strict=True):
        f.store(k, value, slot)
    head, body, done = (f.block(name) for name in ("loop", "body", "done"))
    f.branch(head)
    f.start(head)
    bits = f.load(k, left)
    f.branch_if(f.compare(k, "sgt", bits, "0"), body, done)
    f.start(body)
    factor, so_far = f.load(k, square), f.load(k, power)
    odd = f.convert("trunc", k, bits, k.mask)
    f.store(k, f.select(k, odd, f.mul(k, so_far, factor), so_far), power)
    f.store(k, f.mul(k, factor, factor), square)
    f.store(k, f.binary("lshr", k, bits, "1"), left)
    f.branch(head)
    f.start(done)
    f.ret(f.load(k, power))


# --- the parts of floats -------------------------------------------------------------------------------
def _fields(k: Kind) -> tuple[int, int]:
    """Bits of the fraction, and the bias of the exponent."""
    return (52, 1023) if k.bytes == 8 else (23, 127)


@on("signbit", operands="common")
def _signbit(w: Writer, k: Kind, x: str) -> str:
    if k.mask is k:
        return k.constant(False)
    i = k.integer
    bits = w.f.convert("bitcast", k, x, i) if k.is_float else x
    return w.f.compare(i, "slt", bits, i.constant(0))


@on("bits_of_float", operands="common")
def _bits_of(w: Writer, k: Kind, x: str) -> str:
    return w.f.convert("bitcast", k, x, k.integer)


@on("float_of_bits", operands="common")
def _float_of(w: Writer, k: Kind, bits: str) -> str:
    return w.f.convert("bitcast", k, bits, k.of("double"))


@on("binary_exponent", operands="common")
def _binary_exponent(w: Writer, k: Kind, x: str) -> str:
    f = w.f
    if not k.is_float:
        wide = k.of("double")
        x = f.convert("uitofp" if k.mask is k else "sitofp", k, x, wide)
        k = wide
    i, (width, bias) = k.integer, _fields(k)
    size = f.intrinsic("fabs", k, x)
    # Numbers without a leading bit are made normal first.
    small = f.compare(k, "olt", size, k.constant(2.0 ** (1 - bias)))
    lifted = f.mul(k, size, k.constant(2.0 ** (width + 2)))
    bits = f.convert("bitcast", k, f.select(k, small, lifted, size), i)
    less = f.select(i, small, i.constant(bias + width + 1), i.constant(bias - 1))
    exponent = f.sub(i, f.binary("lshr", i, bits, i.constant(width)), less)
    usual = f.binary(
        "and", k.mask, f.compare(k, "ogt", size, k.constant(0)),
        f.compare(k, "olt", size, k.constant(math.inf)),
    )  # fmt: skip
    value = f.select(i, usual, exponent, i.constant(0))
    return value if i.bytes == 4 else f.convert("trunc", i, value, k.of("i32"))


@on("ldexp")
def _ldexp(w: Writer, k: Kind, x: str, e: str) -> str:
    """Steps that are exact, but for the last: an early one may not leave the normal numbers."""
    f, wide = w.f, k.of("double")
    if wide is not k:  # of single precision all products are exact in double
        x, e = f.convert("fpext", k, x, wide), f.convert("fpext", k, e, wide)
    most = wide.constant(3000)
    e = f.intrinsic("minnum", wide, f.intrinsic("maxnum", wide, e, wide.constant(-3000)), most)
    for _ in range(2):
        for bound, step, predicate in ((1023, 1023, "ogt"), (-1022, -969, "olt")):
            far = f.compare(wide, predicate, e, wide.constant(bound))
            x = f.select(wide, far, f.mul(wide, x, wide.constant(2.0**step)), x)
            e = f.select(wide, far, f.sub(wide, e, wide.constant(step)), e)
    least, largest = wide.constant(-1022), wide.constant(1023)
    e = f.intrinsic("minnum", wide, f.intrinsic("maxnum", wide, e, least), largest)
    i = wide.integer
    biased = f.add(i, f.convert("fptosi", wide, e, i), i.constant(1023))
    factor = f.convert("bitcast", i, f.binary("shl", i, biased, i.constant(52)), wide)
    value = f.mul(wide, x, factor)
    return value if wide is k else f.convert("fptrunc", wide, value, k)


@on("nextafter")
def _nextafter(w: Writer, k: Kind, x: str, y: str) -> str:
    f, zero = w.f, k.constant(0)
    up = f.binary(
        "xor", k.mask, f.compare(k, "olt", x, y), f.compare(k, "olt", x, zero)
    )  # away from 0
    value = _moved(w, k, x, up)
    least = f.intrinsic("copysign", k, _least(k), y)
    value = f.select(k, f.compare(k, "oeq", x, zero), least, value)
    value = f.select(k, f.compare(k, "oeq", x, y), y, value)
    return f.select(k, f.compare(k, "uno", x, y), f.add(k, x, y), value)


@on("spacing")
def _spacing(w: Writer, k: Kind, x: str) -> str:
    f = w.f
    away = f.select(
        k, f.compare(k, "oeq", x, k.constant(0)), _least(k), _moved(w, k, x, k.mask.constant(True))
    )
    value = f.sub(k, away, x)
    lost = f.compare(k, "oeq", f.intrinsic("fabs", k, x), k.constant(math.inf))
    return f.select(k, lost, k.constant(math.nan), value)


def _least(k: Kind) -> str:
    return k.constant(2.0 ** (1 - sum(_fields(k))))


def _moved(w: Writer, k: Kind, x: str, away: str) -> str:
    """The neighbour of a number other than zero, away from zero or towards it."""
    f, i = w.f, k.integer
    step = f.select(i, away, i.constant(1), i.constant(-1))
    return f.convert("bitcast", i, f.add(i, f.convert("bitcast", k, x, i), step), k)
