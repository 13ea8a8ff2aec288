"""Under which conditions bodies are differentiable: ``domain.smooth`` of ``cond``, ``loop`` and ``call``.

Each asks ``within(outputs, moving)`` for the one condition of a body whose symbols ``moving`` vary, and gives
the condition for what is executed of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.choice import logical_and
from wengert.ops.control.changes import differentiable
from wengert.ops.control.item import item
from wengert.ops.control.regions import opened
from wengert.ops.leaves import const, fresh

__all__ = ["Within", "call_smooth", "cond_smooth", "loop_smooth"]

Within: TypeAlias = Callable[[Sequence[Expr], Collection[Expr]], Expr | None]
# Any, below: the attributes of these ops, whose modules use this one.


def cond_smooth(
    predicate: Expr, *captures: Expr, attr: Any, active: Sequence[bool], within: Within
) -> tuple[Expr, ...]:
    """The condition of the branch that is taken."""
    from wengert.ops.control.cond import joined_cond, opening_both

    symbols = opening_both(attr, captures)
    moving = [s for s, moves in zip(symbols, active[1:], strict=True) if moves]
    sides = [within(opened(body, symbols), moving) for body in (attr.then, attr.orelse)]
    if sides == [None, None]:
        return ()
    then, orelse = ([const(True) if side is None else side] for side in sides)
    given = dict(zip(symbols, captures, strict=True))
    return (item(joined_cond(predicate, then, orelse, given), 0),)


def loop_smooth(*args: Expr, attr: Any, active: Sequence[bool], within: Within) -> tuple[Expr, ...]:
    """The conditions of all iterations that are executed."""
    from wengert.ops.control.loop_open import emitted, open_loop
    from wengert.ops.control.loop_reverse import varied
    from wengert.ops.control.looped import Looped

    loop = open_loop(args, attr)
    moves = zip(loop.symbols, active[int(attr.trip) :], strict=True)
    moving = varied(loop, {s for s, m in moves if m and differentiable(s)})
    flag = fresh(Type("bool"), "smooth")
    condition = within([*loop.outputs, *loop.rows], moving)
    if condition is None:
        return ()
    return emitted(
        loop,
        Looped(
            k=loop.k,
            carries=[(flag, const(True))],
            outputs=[logical_and(flag, condition)],
            backward=attr.backward,
        ),
    )


def call_smooth(*args: Expr, attr: Any, active: Sequence[bool], within: Within) -> tuple[Expr, ...]:
    """The condition of the body."""
    moving = [a for a, moves in zip(args, active, strict=True) if moves]
    condition = within(opened(attr.body, args), moving)
    return () if condition is None else (condition,)
