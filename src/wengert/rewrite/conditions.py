"""What has to hold for an expression to be defined, in few conditions.

Each op's record says where it is real (`domain.where`). Conditions are taken apart (a product is not 0 if
no factor is), those known from signs are dropped, and so are those that others imply (``x > 0`` implies
``x != 0``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from wengert.ir.facts import INTEGER, NEGATIVE, NONNEGATIVE, NONPOSITIVE, NONZERO, POSITIVE
from wengert.ir.known import knows
from wengert.ir.node import Expr, paused_gc, provide
from wengert.ir.walk import order
from wengert.ops.choice import ABS, ge, gt, le, logical_or, lt, ne
from wengert.ops.einstein import is_ones
from wengert.ops.leaves import CONSTANT, const, number_of
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.build import built
from wengert.rewrite.engine import prepare, walked
from wengert.rewrite.session import Session
from wengert.rewrite.vocabulary import EQ, FLOOR, LE, LT, NE, OR

__all__ = ["conditions", "dropped"]

Kind: TypeAlias = Literal["nonzero", "positive", "nonnegative"]
_NEEDED: dict[Kind, int] = {"nonzero": NONZERO, "positive": POSITIVE, "nonnegative": NONNEGATIVE}
_NEVER: dict[Kind, int] = {
    "nonzero": NONNEGATIVE | NONPOSITIVE, "positive": NONPOSITIVE, "nonnegative": NEGATIVE,
}  # fmt: skip
_IMPLIES: dict[Kind, tuple[Kind, ...]] = {
    "positive": ("positive", "nonnegative", "nonzero"),
    "nonnegative": ("nonnegative",),
    "nonzero": ("nonzero",),
}


class Demand(NamedTuple):
    """That a value in normal form is not zero, above zero, or not below zero."""

    kind: Kind
    value: Expr


def conditions(expr: Expr) -> tuple[Expr, ...]:
    """What has to hold for the expression to be defined, and for its simplification to be right.

    >>> from wengert.ops.exponential import log
    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> [str(c) for c in conditions(log(x) / x)]
    ['x > 0']
    """
    with paused_gc():
        s = prepare(Session(level=1))
        demands, others = _demanded(s, expr)
        known = _known_from(s, demands)
        return (
            *_written(s, _strongest(s, demands)),
            *(c for c in others if not _is_implied(s, c, known)),
        )


def dropped(original: Expr, result: Expr) -> tuple[Expr, ...]:
    """The conditions of an expression that do not follow from those of its simplified form."""
    with paused_gc():
        s = prepare(Session(level=1))
        before, plain = _demanded(s, original)
        after, kept = _demanded(s, result)
        known = _known_from(s, after)
        lost = [d for d in _strongest(s, before) if d not in known]
        known |= _known_from(s, lost)
        rest = (c for c in plain if c not in kept and not _is_implied(s, c, known))
        return (*_written(s, lost), *rest)


def _known_from(s: Session, demands: Iterable[Demand]) -> set[Demand]:
    return {implied for d in demands for implied in _implied(s, d)}


def _implied(s: Session, demand: Demand) -> Iterator[Demand]:
    """A demand and the weaker ones; that a value is not zero is said of it without its sign."""
    for kind in _IMPLIES[demand.kind]:
        value = demand.value
        yield Demand(kind, _unsigned(s, value) if kind == "nonzero" else value)


def _unsigned(s: Session, value: Expr) -> Expr:
    if value.op is not LIN:
        return value
    return value.args[0] if len(value.args) == 1 else s.content(value)[1]


def _is_implied(s: Session, condition: Expr, known: set[Demand]) -> bool:
    """Whether a disjunction holds because one of its sides does."""
    if condition.op is not OR:
        return False
    for side in condition.args:
        demands: dict[Demand, None] = {}
        others: dict[Expr, None] = {}
        _take_apart(s, side, demands, others)
        if not others and known.issuperset(demands):
            return True
    return False


def _demanded(s: Session, expr: Expr) -> tuple[dict[Demand, None], dict[Expr, None]]:
    """The demands of all ops in a graph, and the conditions that are no comparison with zero."""
    demands: dict[Demand, None] = {}
    others: dict[Expr, None] = {}
    for node in order([expr]):
        where = node.op.domain.where
        if where is None or not node.args:
            continue
        options = {} if node.attr is None else {"attr": node.attr}
        for condition in where(*node.args, **options):
            _take_apart(s, condition, demands, others)
    return demands, others


def _take_apart(
    s: Session, condition: Expr, demands: dict[Demand, None], others: dict[Expr, None]
) -> None:
    if not condition.args:
        if condition.op is CONSTANT and condition.attr is False:
            others[condition] = None
        return
    if condition.op is OR:
        _either(s, condition, demands, others)
        return
    if condition.op not in (NE, LT, LE):
        holds = _outcome(s, condition)
        if holds is not True:
            others[condition if holds is None else const(False)] = None
        return
    a, b = (walked(s, x) for x in condition.args)
    difference = s.minus(b, a)
    if condition.op is NE:
        _nonzero(s, difference, demands, others)
    elif condition.op is LT:
        _positive(s, difference, demands, others)
    else:
        _nonnegative(s, difference, demands, others)


def _either(
    s: Session, condition: Expr, demands: dict[Demand, None], others: dict[Expr, None]
) -> None:
    """A condition of which one side has to hold: sides that never do are left out."""
    sides: list[tuple[Expr, dict[Demand, None], dict[Expr, None]]] = []
    for side in condition.args:
        needed: dict[Demand, None] = {}
        more: dict[Expr, None] = {}
        _take_apart(s, side, needed, more)
        if not needed and not more:
            return
        if const(False) not in more:
            sides.append((side, needed, more))
    if not sides:
        others[const(False)] = None
    elif len(sides) == 1:
        demands.update(sides[0][1])
        others.update(sides[0][2])
    else:
        (one, needed, _), (other, _, _) = sides
        positive = [d.value for d in needed if d.kind == "positive"]
        if positive and other.op is EQ and s.scaled(s.minus(*_read(s, other)))[1] in positive:
            demands[Demand("nonnegative", positive[0])] = None
        elif positive:
            others[logical_or(*_written(s, needed), other)] = None
        else:
            others[logical_or(one, other)] = None


def _read(s: Session, comparison: Expr) -> tuple[Expr, Expr]:
    a, b = comparison.args
    return walked(s, a), walked(s, b)


def _outcome(s: Session, condition: Expr) -> bool | None:
    """Whether a condition holds, if that is known."""
    if condition.op is EQ and not condition.ndim:
        for whole, other in (condition.args, condition.args[::-1]):
            if other.op is FLOOR and other.args[0] is whole:
                number = number_of(walked(s, whole))
                if number is not None:
                    return numbers.is_whole(number)
                return True if knows(whole, INTEGER) else None
    decided = walked(s, condition)
    return bool(decided.attr) if decided.op is CONSTANT else None


def _known(s: Session, kind: Kind, value: Expr, others: dict[Expr, None]) -> bool:
    bits = s.signs(value)
    if bits & _NEEDED[kind] == _NEEDED[kind]:
        return True
    never = bits & _NEVER[kind] == _NEVER[kind]
    number = number_of(value) if not value.args else None
    if never or number is not None:  # it does not hold: the expression is defined nowhere
        others[const(False)] = None
        return True
    return False


def _nonzero(
    s: Session, value: Expr, demands: dict[Demand, None], others: dict[Expr, None]
) -> None:
    if _known(s, "nonzero", value, others):
        return
    _, core = s.scaled(value)
    view = s.view(core)
    if any(
        len(set(axes)) < len(axes) or not set(axes) <= {*view.out} for _, axes, _ in view.factors
    ):
        demands[Demand("nonzero", core)] = None
        return
    for base, _, _ in s.view(core).factors:
        if base.op is ABS:
            _nonzero(s, base.args[0], demands, others)
        elif not s.signs(base) & NONZERO:
            primitive = s.content(base)[1] if base.op is LIN else base
            demands[Demand("nonzero", primitive)] = None


def _is_elementwise(s: Session, value: Expr) -> bool:
    view = s.view(value)
    return all(axes == view.out for _, axes, _ in view.factors)


def _positive(
    s: Session, value: Expr, demands: dict[Demand, None], others: dict[Expr, None]
) -> None:
    if _known(s, "positive", value, others):
        return
    core = _without_positive(s, value)
    view = s.view(core)
    if len(view.factors) == 1 and _is_elementwise(s, core):
        base, _, e = view.factors[0]
        if base.op is ABS or (not isinstance(e, Expr) and numbers.is_even(e)):
            _nonzero(s, base.args[0] if base.op is ABS else base, demands, others)
            return
        if not isinstance(e, Expr) and base is not core:
            _positive(s, base, demands, others)
            return
    demands[Demand("positive", core)] = None


def _nonnegative(
    s: Session, value: Expr, demands: dict[Demand, None], others: dict[Expr, None]
) -> None:
    if _known(s, "nonnegative", value, others):
        return
    core = _without_positive(s, value)
    view = s.view(core)
    if len(view.factors) == 1 and _is_elementwise(s, core) and view.factors[0][0] is not core:
        base, _, e = view.factors[0]
        if not isinstance(e, Expr) and e % 2 == 1:  # an odd power has the sign of its base
            (_positive if e < 0 else _nonnegative)(s, base, demands, others)
            return
    demands[Demand("nonnegative", core)] = None


def _without_positive(s: Session, value: Expr) -> Expr:
    """The value without its positive factors, and with coprime coefficients."""
    if value.op is LIN and len(value.args) > 1:
        content, primitive = s.content(value)
        return primitive if content > 0 else s.negative(primitive)
    c, core = s.scaled(value)
    view = s.view(core)
    gone = [
        i
        for i, (base, axes, e) in enumerate(view.factors)
        if axes == view.out and s.is_positive(s.powered(base, e))
    ]
    rest = s.replaced(view, gone) if gone else core
    return rest if c > 0 else s.negative(rest)


def _strongest(s: Session, demands: Iterable[Demand]) -> list[Demand]:
    """The demands that no other one implies; ``x >= 0`` and ``x != 0`` together are ``x > 0``."""
    nonzero = {d.value for d in demands if d.kind == "nonzero"}
    found = [
        Demand("positive", d.value)
        if d.kind == "nonnegative" and _unsigned(s, d.value) in nonzero
        else d
        for d in demands
    ]
    weaker = {implied for d in found for implied in _implied(s, d) if implied != d}
    return [d for d in dict.fromkeys(found) if d not in weaker]


# --- writing -------------------------------------------------------------------------------------------
def _written(s: Session, demands: Iterable[Demand]) -> tuple[Expr, ...]:
    return tuple(_comparison(s, d) for d in demands)


def _comparison(s: Session, demand: Demand) -> Expr:
    """``x != 1`` for "``x - 1`` is not zero": the number on the right, a leading minus turned round."""
    terms = s.terms(demand.value)
    plain = [(c, t) for c, t in terms if not is_ones(t)]
    constant = [c for c, t in terms if is_ones(t)]
    turned = all(c < 0 for c, _ in plain)
    sign = -1 if turned else 1
    left = built(s, s.sum([(numbers.times(sign, c), t) for c, t in plain], demand.value))
    right = const(numbers.times(-sign, constant[0])) if constant else const(0)
    if demand.kind == "nonzero":
        return ne(left, right)
    if demand.kind == "positive":
        return lt(left, right) if turned else gt(left, right)
    return le(left, right) if turned else ge(left, right)


provide("conditions", conditions)
