"""Sums and decimals that are right to the last bit, in loops: what is lost by rounding is computed, too.

The sum keeps numbers that do not overlap and add up to it (Shewchuk 1997, Adaptive precision floating-point
arithmetic), as Python's ``fsum``. Decimals are rounded by the exact product with a power of ten, in two
numbers (Dekker 1971).
"""

from __future__ import annotations

import math

from wengert.ir.node import Expr
from wengert.ops.algebra import minus, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import (
    absolute,
    eq,
    floor,
    gt,
    logical_and,
    logical_not,
    logical_or,
    lt,
    ne,
    round_,
    where,
)
from wengert.ops.floats import copysign, fmod, isfinite
from wengert.ops.layout import cast
from wengert.ops.leaves import ONE, ZERO, const
from wengert.ops.places import Loops, Memory

__all__ = ["decimals_in_loops", "exact_sum_in_loops"]

_MOST_PARTS = 64
"""Numbers of 53 bits that do not overlap: 40 of them reach from the least to the largest one."""


def _double(number: float) -> Expr:
    return cast(const(number), "float64")


# --- sums ------------------------------------------------------------------------------------------------
def _two(ask: Loops, a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """A sum of two numbers, of which the first is the larger, and what is lost."""
    total = ask.keep(plus(a, b))
    taken = ask.keep(minus(total, a))
    return total, ask.keep(minus(b, taken))


def _grown(ask: Loops, parts: Memory, count: Expr, value: Expr) -> None:
    """The parts with a variable added to them, which then has the largest one."""
    left = ask.number(ZERO)

    def one(j: Expr) -> None:
        other, own = ask.keep(ask.element(parts, (j,))), ask.keep(value)
        less = ask.keep(lt(absolute(own), absolute(other)))
        large, small = ask.keep(where(less, other, own)), ask.keep(where(less, own, other))
        total, lost = _two(ask, large, small)

        def note() -> None:
            ask.put(parts, (left,), lost)
            ask.change(left, plus(left, ONE))

        ask.when(ne(lost, ZERO), note)
        ask.change(value, total)

    ask.each((ask.keep(count),), one, in_order=True)

    def largest() -> None:
        ask.put(parts, (left,), value)
        ask.change(left, plus(left, ONE))

    ask.when(logical_and(ne(value, ZERO), isfinite(value)), largest)
    ask.change(count, left)


def _rounded(ask: Loops, parts: Memory, count: Expr) -> Expr:
    """The sum of the parts, rounded once, to even where it lies in the middle."""
    total, lost = ask.number(_double(0.0)), ask.number(_double(0.0))
    more = ask.number(lt(ZERO, count))

    def one(_: Expr) -> None:
        ask.change(count, minus(count, ONE))
        new, rest = _two(ask, ask.keep(total), ask.keep(ask.element(parts, (count,))))
        ask.change(total, new)
        ask.change(lost, rest)
        ask.change(more, logical_and(eq(rest, ZERO), lt(ZERO, count)))

    def even() -> None:
        below = ask.keep(ask.element(parts, (minus(count, ONE),)))
        twice = ask.keep(times(_double(2.0), lost))
        beyond = ask.keep(plus(total, twice))
        is_half = eq(ask.keep(minus(beyond, total)), twice)
        same_side = gt(ask.keep(times(copysign(_double(1.0), lost), below)), ZERO)
        ask.when(logical_and(is_half, same_side), lambda: ask.change(total, beyond))

    ask.going(more, one)
    ask.when(logical_and(lt(ZERO, count), ne(lost, ZERO)), even)
    return total


def exact_sum_in_loops(node: Expr, ask: Loops) -> bool:
    """As ``fsum``; NaN where that raises an error."""
    (x,) = node.args
    parts, count = ask.scratch((_MOST_PARTS,), "float64"), ask.number(ZERO)
    others, is_odd = ask.number(_double(0.0)), ask.number(cast(const(False), "bool"))
    is_lost = ask.number(cast(const(False), "bool"))

    def one(k: Expr) -> None:
        value = ask.number(cast(ask.part(0, (k,)), "float64"))

        def add() -> None:
            _grown(ask, parts, count, value)
            ask.change(is_lost, logical_or(is_lost, logical_not(isfinite(value))))

        def note() -> None:
            ask.change(others, plus(others, value))
            ask.change(is_odd, cast(const(True), "bool"))

        ask.either(ask.keep(isfinite(value)), add, note)

    ask.each((ask.extent(x.shape[0]),), one, in_order=True)
    total = _rounded(ask, parts, count)
    usual = where(is_odd, others, total)
    ask.put(ask.result(), (), where(is_lost, _double(math.nan), usual))
    return True


# --- decimals --------------------------------------------------------------------------------------------
_MOST_DIGITS = 15
_SPLIT = 2.0**27 + 1
_WHOLE = 2.0**53  # from here on all floats are whole numbers


def decimals_in_loops(node: Expr, ask: Loops) -> bool:
    """As Python's ``round`` of a float to a known number of digits."""
    digits: int = node.attr
    if abs(digits) > _MOST_DIGITS:
        return False
    x = ask.keep(cast(ask.part(0, ()), "float64"))
    power = 10.0 ** abs(digits)
    found = _after_point(ask, x, power) if digits >= 0 else _before_point(ask, x, power)
    ask.put(ask.result(), (), cast(copysign(found, x), node.value_type.dtype))
    return True


def _odd(ask: Loops, whole: Expr) -> Expr:
    half = ask.keep(times(_double(0.5), whole))
    return ne(half, floor(half))


def _after_point(ask: Loops, x: Expr, power: float) -> Expr:
    product = ask.keep(times(_double(power), x))
    lost = _lost(ask, x, power, product)
    whole = ask.keep(floor(product))
    part = ask.keep(minus(product, whole))
    beyond = ask.keep(plus(ask.keep(minus(part, _double(0.5))), lost))
    is_up = logical_or(gt(beyond, ZERO), logical_and(eq(beyond, ZERO), _odd(ask, whole)))
    whole = ask.keep(where(is_up, plus(whole, _double(1.0)), whole))
    found = _quotient(ask, whole, power)
    return where(lt(absolute(product), _double(_WHOLE)), found, x)


def _quotient(ask: Loops, whole: Expr, power: float) -> Expr:
    """A whole number over a power of ten, rounded once, also where division is not quite exact.

    No quotient of these is so close to the middle of two floats that the correction could miss it.
    """
    first = ask.keep(divide(whole, _double(power)))
    product = ask.keep(times(_double(power), first))
    lost = _lost(ask, first, power, product)
    rest = ask.keep(minus(ask.keep(minus(whole, product)), lost))
    return plus(first, ask.keep(times(_double(1 / power), rest)))


def _lost(ask: Loops, x: Expr, power: float, product: Expr) -> Expr:
    """The exact product less the rounded one: by halves of both, whose products are exact."""
    wide = ask.keep(times(_double(_SPLIT), x))
    high = ask.keep(minus(wide, ask.keep(minus(wide, x))))
    low = ask.keep(minus(x, high))
    top = _SPLIT * power - (_SPLIT * power - power)
    rest = power - top
    total = ask.keep(minus(ask.keep(times(_double(top), high)), product))
    for a, b in ((high, rest), (low, top), (low, rest)):
        total = ask.keep(plus(total, ask.keep(times(_double(b), a))))
    return total


def _before_point(ask: Loops, x: Expr, power: float) -> Expr:
    size, ten = ask.keep(absolute(x)), _double(power)
    ask.require(logical_or(lt(size, _double(_WHOLE)), logical_not(isfinite(x))))
    rest = ask.keep(fmod(size, ten))
    count = ask.keep(round_(divide(ask.keep(minus(size, rest)), ten)))
    half = _double(power / 2)
    is_up = logical_or(gt(rest, half), logical_and(eq(rest, half), _odd(ask, count)))
    count = ask.keep(where(is_up, plus(count, _double(1.0)), count))
    return where(isfinite(x), times(count, ten), x)
