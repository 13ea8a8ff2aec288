"""What has to hold for an expression to be defined, in few conditions.

Each op's record says where it is real (`domain.where`). Conditions are taken apart (a product is not 0 if
no factor is), those known from signs are dropped, and so are those that others imply (``x > 0`` implies
``x != 0``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from wengert.ir.facts import NONNEGATIVE, NONZERO, POSITIVE
from wengert.ir.node import Expr, paused_gc, provide
from wengert.ir.walk import order
from wengert.ops.choice import ABS, ge, gt, le, lt, ne
from wengert.ops.einstein import is_ones
from wengert.ops.leaves import CONSTANT, const, number_of
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.build import built
from wengert.rewrite.engine import prepare, walked
from wengert.rewrite.session import Session
from wengert.rewrite.vocabulary import LE, LT, NE

__all__ = ["conditions", "dropped"]

Kind: TypeAlias = Literal["nonzero", "positive", "nonnegative"]
_NEEDED: dict[Kind, int] = {"nonzero": NONZERO, "positive": POSITIVE, "nonnegative": NONNEGATIVE}
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
        return (*_written(s, _strongest(demands)), *others)


def dropped(original: Expr, result: Expr) -> tuple[Expr, ...]:
    """The conditions of an expression that do not follow from those of its simplified form."""
    with paused_gc():
        s = prepare(Session(level=1))
        before, plain = _demanded(s, original)
        after, kept = _demanded(s, result)
        known = {Demand(k, d.value) for d in after for k in _IMPLIES[d.kind]}
        lost = [d for d in _strongest(before) if d not in known]
        return (*_written(s, lost), *(c for c in plain if c not in kept))


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
    if condition.op not in (NE, LT, LE):
        others[condition] = None
        return
    a, b = (walked(s, x) for x in condition.args)
    difference = s.minus(b, a)
    if condition.op is NE:
        _nonzero(s, difference, demands, others)
    elif condition.op is LT:
        _positive(s, difference, demands, others)
    else:
        _nonnegative(s, difference, demands, others)


def _known(s: Session, kind: Kind, value: Expr, others: dict[Expr, None]) -> bool:
    if s.signs(value) & _NEEDED[kind] == _NEEDED[kind]:
        return True
    number = number_of(value) if not value.args else None
    if number is not None:  # and it does not hold: the expression is defined nowhere
        others[const(False)] = None
        return True
    return False


def _nonzero(
    s: Session, value: Expr, demands: dict[Demand, None], others: dict[Expr, None]
) -> None:
    if _known(s, "nonzero", value, others):
        return
    _, core = s.scaled(value)
    if core.value_type.shape and not _is_elementwise(s, core):
        demands[Demand("nonzero", core)] = None
        return
    for base, _, _ in s.view(core).factors:
        if not s.signs(base) & NONZERO:
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
    if not _known(s, "nonnegative", value, others):
        demands[Demand("nonnegative", _without_positive(s, value))] = None


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


def _strongest(demands: Iterable[Demand]) -> list[Demand]:
    """The demands that no other one implies."""
    found = list(demands)
    stronger = {Demand(k, d.value) for d in found for k in _IMPLIES[d.kind] if k != d.kind}
    both = {d.value for d in found if d.kind == "nonzero"}
    result: list[Demand] = []
    for d in found:
        if d in stronger:
            continue
        if d.kind == "nonnegative" and d.value in both:  # x >= 0 and x != 0
            d = Demand("positive", d.value)
        elif d.kind == "nonzero" and Demand("nonnegative", d.value) in demands:
            continue
        result.append(d)
    return list(dict.fromkeys(result))


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
