"""How a product of powers is written where all factors have the same axes: one quotient, roots joined."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from wengert.ir.node import Expr
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.leaves import Number, const, number_of
from wengert.ops.powers import power, sqrt
from wengert.ops.sums import scale
from wengert.rewrite.numbers import times as times_numbers
from wengert.rewrite.session import Session
from wengert.rewrite.views import HALF, Exponent

__all__ = ["Base", "above_below", "chain", "quotient", "written_power"]


class Base(NamedTuple):
    """A base of a power: in normal form, and as it is written."""

    node: Expr
    text: Expr


Power = tuple[Base, Exponent]


def written_power(base: Expr, exponent: Exponent) -> Expr:
    """``base**exponent``, with ``sqrt`` for one half."""
    if isinstance(exponent, Expr):
        return power(base, exponent)
    if exponent == 1:
        return base
    return sqrt(base) if exponent == HALF else power(base, const(exponent))


def above_below(
    s: Session, powers: Sequence[Power], c: Number
) -> tuple[list[Expr], list[Expr], Number]:
    """Numerators and denominators in reading order, and the coefficient."""
    powers, c = _with_roots_below(powers, c)
    if len(powers) > 1:
        powers = sorted(powers, key=lambda p: _reading(s, p))
    above: list[Expr] = []
    below: list[Expr] = []
    for base, exponent in _joined_roots(s, powers):
        if isinstance(exponent, Expr):
            above.append(power(base, s.built[exponent]))
        elif exponent > 0:
            above.append(written_power(base, exponent))
        else:
            below.append(written_power(base, -exponent))
    return above, below, c


def _with_roots_below(powers: Sequence[Power], c: Number) -> tuple[list[Power], Number]:
    """``1/sqrt(2)`` rather than ``sqrt(2)/2``."""
    result: list[Power] = []
    for base, e in powers:
        number = number_of(base.node)
        if (
            type(number) is int
            and e == HALF
            and type(c) is Fraction
            and c.denominator % number == 0
        ):
            c, e = times_numbers(c, number), -HALF
        result.append((base, e))
    return result, c


def _reading(s: Session, item: Power) -> tuple[int, str, str, tuple[int, str, int, int]]:
    key = s.key(item[0].node)
    rank = 4 if isinstance(item[1], Expr) else key[0]
    return rank, key[1].lower(), key[1], key


def _joined_roots(s: Session, powers: Sequence[Power]) -> list[tuple[Expr, Exponent]]:
    """``sqrt(2)*sqrt(pi)`` as ``sqrt(2*pi)``: all but one must be known not to be negative.

    Strictly they must be positive: ``sqrt(abs(x)*y)`` is 0 at ``x = 0`` whatever ``y`` is.
    """
    result: list[tuple[Expr, Exponent]] = []
    is_safe = s.is_positive if s.strict else s.is_nonnegative
    for sign in (1, -1):
        roots = [i for i, (_, e) in enumerate(powers) if e == sign * HALF]
        unknown = [i for i in roots if not is_safe(powers[i][0].node)]
        joined = [i for i in roots if i not in unknown[1:]]
        if len(joined) > 1:
            result.append((chain([powers[i][0].text for i in joined]), sign * HALF))
            powers = [p for i, p in enumerate(powers) if i not in joined]
    plain: list[tuple[Expr, Exponent]] = [(b.text, e) for b, e in powers]
    return result + plain


def chain(factors: Sequence[Expr]) -> Expr:
    """``a*b*c``, from left to right."""
    total = factors[0]
    for factor in factors[1:]:
        total = times(total, factor)
    return total


def quotient(above: Sequence[Expr], below: Sequence[Expr], c: Number) -> Expr:
    """``c*a*b/(d*e)``: the numerator of the coefficient on the first factor, its denominator below."""
    sign, size = (-1, -c) if c < 0 else (1, c)
    p, q = (size.numerator, size.denominator) if isinstance(size, Fraction) else (size, 1)
    if above:
        top = chain([scale(p, above[0]), *above[1:]])
        if below:
            top = divide(top, chain([scale(q, below[0]), *below[1:]]))
        elif q != 1:
            top = scale(Fraction(1, q), top)
    elif below:
        top = divide(const(p), chain([scale(q, below[0]), *below[1:]]))
    else:
        top = const(size)
    return top if sign > 0 else scale(-1, top)
