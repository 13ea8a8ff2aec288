"""Operation counts of graphs, read off the records: each shared node counts once.

One unit is one addition or multiplication; an elementary function counts the units its record states.
Extents with names stay symbolic in the count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr, provide
from wengert.ir.types import TupleType
from wengert.ir.walk import order

__all__ = ["Cost", "count_operations", "operations"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a graph costs to evaluate once.

    ``operations``: how many scalar operations, an elementary function counting one.
    ``flops``: the same with each op's weight. ``nodes``: vertices other than leaves.
    ``by_op``: operations by op name.
    """

    operations: Extent
    flops: Extent
    nodes: int
    by_op: dict[str, Extent]

    def __str__(self) -> str:
        parts = ", ".join(f"{n} {name}" for name, n in sorted(self.by_op.items()))
        return f"{self.operations} operations ({parts or 'none'})"


def operations(node: Expr) -> Extent:
    """How many scalar operations one node takes, given its arguments."""
    if not node.args:
        return 0
    count = node.op.count
    if count is not None:
        return count(node)
    if isinstance(node.type, TupleType):
        return 1
    return size_of(node.shape)


def count_operations(roots: Iterable[Expr]) -> Cost:
    """The cost of evaluating all roots together.

    >>> import wengert as wg
    >>> e = wg.parse("sin(x)^2 + sin(x)")
    >>> wg.count_operations([e, wg.parse("sin(x)")]).operations
    3
    """
    total: Extent = 0
    flops: Extent = 0
    nodes = 0
    by_op: dict[str, Extent] = {}
    for node in order(roots):
        n = operations(node)
        if node.args:
            nodes += 1
        if n == 0:
            continue
        total = total + n
        flops = flops + n * max(1, round(node.op.cost))
        by_op[node.op.name] = by_op.get(node.op.name, 0) + n
    return Cost(total, flops, nodes, by_op)


provide("cost", lambda node: count_operations([node]))
