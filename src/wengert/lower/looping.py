"""Nodes whose ops write loops of their own: what they ask for becomes statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wengert.ir.node import Expr
from wengert.lower.calls import Calling
from wengert.lower.nest import Assign, Block, If, Store, While, variable
from wengert.lower.values import COUNTER, Stored, of_type
from wengert.ops.leaves import CONSTANT

__all__ = ["Looping"]


class Looping(Calling):
    """Answers to an op that writes its own loops."""

    def number(self, value: Expr) -> Expr:
        found = variable(value.value_type, "number")
        self.frame.add(Assign(found, value, again=True))
        return found

    def change(self, number: Expr, value: Expr) -> None:
        self.frame.add(Assign(number, value, again=True))

    def add(self, array: Stored, places: Sequence[Expr], value: Expr) -> None:
        value = of_type(value, array.buffer.dtype)
        self.frame.add(Store(array.buffer, (*array.prefix, *places), value, adds=True))
        array.version += 1

    def when(self, condition: Expr, then: Callable[[], None]) -> None:
        if condition.args and all(a.op is CONSTANT for a in condition.args):
            if condition.op.evaluate(*(a.attr for a in condition.args)):
                then()
            return
        body = Block()
        with self.frame.inside(body):  # type: ignore[attr-defined]
            then()
        self.frame.add(If(condition, body, Block()))

    def going(self, flag: Expr, body: Callable[[Expr], None]) -> None:
        inner, counter = Block(), variable(COUNTER, "k")
        with self.frame.inside(inner):  # type: ignore[attr-defined]
            body(counter)
        self.frame.add(While(counter, flag, None, inner))
