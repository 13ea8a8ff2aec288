"""Ops that say how they are made of simpler ones, written out: in a function and in the bodies in it.

>>> from wengert.ops.leaves import symbol
>>> from wengert.ops.reductions import softmax
>>> x = symbol("x", (3,))
>>> written, _ = written_out(Function((x,), (softmax(x),)))
>>> sorted({n.op.name for n in order(written.outputs)})[:4]
['constant', 'div', 'ein', 'exp']
"""

from __future__ import annotations

from collections.abc import Iterable

from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.walk import build, order, replaced

__all__ = ["written_out"]


def written_out(function: Function, *, strict: bool = False) -> tuple[Function, dict[Expr, Expr]]:
    """The function without ops that have simpler ones to be made of, and what has become of each node.

    ``strict`` leaves alone what can be lowered as it is: the simpler ones round differently.
    """
    writing = _Writing(strict)
    outputs = writing.roots(function.outputs)
    if all(a is b for a, b in zip(outputs, function.outputs, strict=True)):
        return function, {}
    return Function(function.inputs, tuple(outputs), function.name), writing.done


class _Writing:
    def __init__(self, strict: bool) -> None:
        self.strict = strict
        self.done: dict[Expr, Expr] = {}
        self.bodies: dict[Region, Region] = {}

    def roots(self, roots: Iterable[Expr]) -> list[Expr]:
        roots = list(roots)
        for node in order(roots):
            if node not in self.done:
                self.done[node] = self.changed(node)
        return [self.done[root] for root in roots]

    def changed(self, node: Expr) -> Expr:
        """A node whose arguments are done."""
        again = replaced(node, self.done)
        op = again.op
        if op.bodies is not None and op.with_bodies is not None and op.recurs is None:
            before = op.bodies(again.attr)
            bodies = tuple([self.body(b) for b in before])
            if bodies != before:
                return build(op, again.args, op.with_bodies(again.attr, bodies))
        if op.simpler is None or (self.strict and op.element is not None):
            return again
        simpler = op.simpler(again)
        if simpler is None:
            return again
        (found,) = self.roots([simpler])
        return found

    def body(self, region: Region) -> Region:
        known = self.bodies.get(region)
        if known is None:
            known = Region(region.params, tuple(self.roots(region.outputs)))
            self.bodies[region] = self.bodies[known] = known
        return known
