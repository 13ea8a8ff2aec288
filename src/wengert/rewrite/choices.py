"""Comparisons, selections, and the functions that are made of pieces."""

from __future__ import annotations

from fractions import Fraction

from wengert.ir.facts import NEGATIVE, NONNEGATIVE, NONPOSITIVE, NONZERO, POSITIVE
from wengert.ir.node import Expr
from wengert.ops.leaves import CONSTANT, Number, const
from wengert.ops.sums import is_zero
from wengert.rewrite import numbers
from wengert.rewrite.rule import Rule, rules
from wengert.rewrite.session import Session
from wengert.rewrite.views import HALF
from wengert.rewrite.vocabulary import (
    ABS,
    EQ,
    HEAVISIDE,
    LE,
    LT,
    MAXIMUM,
    MINIMUM,
    NE,
    NOT,
    WHERE,
)

__all__ = ["RULES"]


# --- comparisons ---------------------------------------------------------------------------------------
def _decided(s: Session, node: Expr) -> Expr | None:
    """A comparison whose outcome is known from signs."""
    if node.ndim:
        return None
    a, b = node.args
    if not (s.may_vanish(a) and s.may_vanish(b)):
        return None
    bits = s.signs(s.minus(b, a))
    positive, negative = bits & POSITIVE == POSITIVE, bits & NEGATIVE == NEGATIVE
    zero = is_zero(s.minus(b, a)) and s.is_total(a)
    if node.op is LT:
        outcome = True if positive else False if bits & NONPOSITIVE or zero else None
    elif node.op is LE:
        outcome = True if bits & NONNEGATIVE or zero else False if negative else None
    else:
        known = False if bits & NONZERO else True if zero else None
        outcome = known if node.op is EQ or known is None else not known
    return None if outcome is None else const(outcome)


# --- selections ----------------------------------------------------------------------------------------
def _constant_condition(s: Session, node: Expr) -> Expr | None:
    condition, a, b = node.args
    if condition.op is CONSTANT and condition.attr.__class__ is bool:
        return a if condition.attr else b
    if condition.op is NOT:
        return s.apply(WHERE, condition.args[0], b, a)
    if condition.op is NE:
        return s.apply(WHERE, s.apply(EQ, *condition.args), b, a)
    return None


def _same_condition(s: Session, node: Expr) -> Expr | None:
    """A branch that asks the same again."""
    condition, a, b = node.args
    if a.op is WHERE and a.args[0] is condition:
        return s.apply(WHERE, condition, a.args[1], b)
    if b.op is WHERE and b.args[0] is condition:
        return s.apply(WHERE, condition, a, b.args[2])
    return None


def _extremum(s: Session, node: Expr) -> Expr | None:
    """``where(a < b, b, a)`` is ``maximum(a, b)``; with ``b = -a`` it is ``abs(a)``."""
    condition, x, y = node.args
    if condition.op not in (LT, LE):
        return None
    a, b = condition.args
    if x is b and y is a:
        return s.apply(MAXIMUM, a, b)
    if x is a and y is b:
        return s.apply(MINIMUM, a, b)
    if is_zero(a) and x is b and s.negative(b) is y:
        return s.apply(ABS, b)
    if is_zero(b) and y is a and s.negative(a) is x:
        return s.apply(ABS, a)
    return None


def _step(s: Session, node: Expr) -> Expr | None:
    """``where(a < b, u, where(a == b, u/2, 0))`` is ``u*heaviside(b - a)`` where ``u`` is always defined."""
    condition, u, rest = node.args
    c, rest = s.scaled(rest)
    if condition.op is not LT or rest.op is not WHERE or not is_zero(rest.args[2]):
        return None
    a, b = condition.args
    tie, half = rest.args[0], s.scale(c, rest.args[1])
    if tie.op is not EQ or set(tie.args) != {a, b} or not s.is_total(u):
        return None
    if s.scale(HALF, u) is not half:
        return None
    return s.times(u, s.apply(HEAVISIDE, s.minus(b, a)))


def _agreed_value(s: Session, node: Expr) -> Expr | None:
    """``where(r == 0, 0, u/r)`` is ``u/r``, which is undefined at ``r = 0``."""
    condition, a, b = node.args
    if condition.op is not EQ or not is_zero(a):
        return None
    sides = [x for x in condition.args if not is_zero(x)]
    if len(sides) != 1:
        return None
    _, product = s.scaled(b)
    divided = any(
        base is sides[0] and not isinstance(e, Expr) and e < 0
        for base, _, e in s.view(product).factors
    )
    return b if divided else None


def _number_out(s: Session, node: Expr) -> Expr | None:
    """A number or sign that both branches share comes out: ``where(c, 2*x, 0)`` is ``2*where(c, x, 0)``."""
    condition, a, b = node.args
    ca, cb = _content(s, a), _content(s, b)
    c = cb if ca is None else ca if cb is None else ca if ca == cb else None
    if c is None or c == 1 or isinstance(c, float):
        return None
    inverse = Fraction(1) / c
    parts = [x if is_zero(x) else s.scale(numbers.times(1, inverse), x) for x in (a, b)]
    return s.scale(c, s.apply(WHERE, condition, *parts))


def _content(s: Session, node: Expr) -> Number | None:
    """The coefficient of one term; ``None`` for zero."""
    if is_zero(node):
        return None
    return s.scaled(node)[0]


# --- maximum and minimum -------------------------------------------------------------------------------
def _larger(s: Session, node: Expr) -> Expr | None:
    """``maximum`` and ``minimum`` of what is known to be in order, and of ``x`` and ``-x``."""
    a, b = node.args
    bits = s.signs(s.minus(b, a))
    is_maximum = node.op is MAXIMUM
    if a is b:
        return a
    if bits & (NONNEGATIVE | NONPOSITIVE):
        kept, gone = (b, a) if bool(bits & NONNEGATIVE) == is_maximum else (a, b)
        return kept if s.may_vanish(gone) else None
    if s.negative(a) is b:
        size = s.apply(ABS, a)
        return size if is_maximum else s.negative(size)
    if s.leads_negative(a) and s.leads_negative(b):
        other = MINIMUM if is_maximum else MAXIMUM
        return s.negative(s.apply(other, s.negative(a), s.negative(b)))
    return None


RULES = rules(
    [
        *(Rule(f"decided {name}", name, _decided) for name in ("lt", "le", "eq", "ne")),
        Rule("constant condition", "where", _constant_condition),
        Rule("same condition", "where", _same_condition),
        Rule("where as an extremum", "where", _extremum),
        Rule("where as a step", "where", _step, condition="u always defined"),
        Rule("agreed value", "where", _agreed_value, condition="r != 0", kind="C"),
        Rule("number out of where", "where", _number_out),
        Rule("maximum in order", "maximum", _larger),
        Rule("minimum in order", "minimum", _larger),
    ]
)
