"""Where a program has a kink: conditions under which there is one derivative only.

Records say in ``domain.smooth`` where an op is differentiable (``abs`` where x != 0). The conditions of all
ops that what varies passes through are gathered, also from the bodies of loops, branches and calls. So is
the border between two branches: a comparison is smooth where its sides differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import reduce

from wengert.errors import DomainError
from wengert.ir.node import Expr
from wengert.ir.op import NoDerivative, Op
from wengert.ir.types import TupleType, is_inexact
from wengert.ir.walk import order
from wengert.ops.choice import logical_and
from wengert.ops.effects import check, error_name, escaped
from wengert.ops.leaves import CONSTANT
from wengert.ops.reductions import all_

__all__ = ["checked_smooth", "conditions"]


def checked_smooth(token: Expr, outputs: Sequence[Expr], moving: Iterable[Expr], what: str) -> Expr:
    """The token after checks that the outputs are differentiable by the symbols ``moving``."""
    for op, condition in conditions(outputs, set(moving)).items():
        kinks = op.domain.kinks or "in a body"
        text = (
            f"{what}: expected a point with one derivative, got a kink of `{op.name}` ({kinks}); "
            "try: nonsmooth='agree' for the agreed value"
        )
        token = check(token, condition, error_name(DomainError), escaped(text))
    return token


def conditions(outputs: Sequence[Expr], moving: Collection[Expr]) -> dict[Op, Expr]:
    """For each op with kinks that the moving symbols pass through, one truth value: there is none here."""
    found: dict[Op, Expr] = {}
    for op, condition in _each(outputs, moving):
        known = found.get(op)
        found[op] = condition if known is None else logical_and(known, condition)
    return found


def _each(outputs: Sequence[Expr], moving: Collection[Expr]) -> Iterator[tuple[Op, Expr]]:
    active = set(moving)
    for node in order(outputs):
        if not node.args or not any(arg in active for arg in node.args):
            continue
        if node.op.domain.smooth is not None:
            for condition in _conditions_of(node, active):
                scalar = all_(condition) if condition.shape else condition
                if scalar.op is not CONSTANT:
                    yield node.op, scalar
        if _carries_change(node):
            active.add(node)


def _carries_change(node: Expr) -> bool:
    """Whether a change of the arguments may be one of the node: not so for steps and truth values."""
    if isinstance(node.op.diff, NoDerivative):
        return False
    return isinstance(node.type, TupleType) or is_inexact(node.value_type)


def _conditions_of(node: Expr, active: set[Expr]) -> tuple[Expr, ...]:
    smooth = node.op.domain.smooth
    assert smooth is not None
    if node.op.bodies is not None:
        moves = [arg in active for arg in node.args]
        return smooth(*node.args, attr=node.attr, active=moves, within=_within)
    return smooth(*node.args) if node.attr is None else smooth(*node.args, attr=node.attr)


def _within(outputs: Sequence[Expr], moving: Collection[Expr]) -> Expr | None:
    """The one condition of a body, if it has any."""
    found = list(conditions(outputs, moving).values())
    return reduce(logical_and, found) if found else None
