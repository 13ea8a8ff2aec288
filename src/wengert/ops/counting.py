"""Operation counts of graphs, read off the records: each shared node counts once.

One unit is one addition or multiplication; an elementary function counts the units its record states.
Extents with names stay symbolic in the count. A loop counts as often as it runs, as far as its trip count
says that, else once; where an extent in its body changes from iteration to iteration, the largest counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from wengert.ir.dims import Dim, Extent, is_defined, size_of
from wengert.ir.node import Expr, provide
from wengert.ir.types import TupleType
from wengert.ir.walk import order

__all__ = ["Cost", "count_operations", "known_outside", "largest", "operations"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a graph costs to evaluate once.

    ``operations``: how many scalar operations, an elementary function counting one.
    ``flops``: the same with each op's weight. ``nodes``: vertices other than leaves, in bodies too.
    ``by_op``: operations by op name. ``tape_bytes``: bytes of the rows that loops stack, which is what
    reverse mode keeps.
    """

    operations: Extent
    flops: Extent
    nodes: int
    by_op: dict[str, Extent] = field(default_factory=dict)
    tape_bytes: Extent = 0

    def __str__(self) -> str:
        parts = ", ".join(f"{n} {name}" for name, n in sorted(self.by_op.items()))
        tape = f", {self.tape_bytes} bytes of tape" if self.tape_bytes != 0 else ""
        return f"{self.operations} operations ({parts or 'none'}){tape}"

    def __add__(self, other: Cost) -> Cost:
        names = {**self.by_op, **other.by_op}
        return Cost(
            self.operations + other.operations,
            self.flops + other.flops,
            self.nodes + other.nodes,
            {n: self.by_op.get(n, 0) + other.by_op.get(n, 0) for n in names},
            self.tape_bytes + other.tape_bytes,
        )

    def mapped(self, change: Callable[[Extent], Extent]) -> Cost:
        """The cost with ``change`` applied to all counts."""
        by_op = {name: change(n) for name, n in self.by_op.items()}
        operations, flops, tape = map(change, (self.operations, self.flops, self.tape_bytes))
        return Cost(operations, flops, self.nodes, by_op, tape)

    def times(self, trips: Extent) -> Cost:
        """The cost of so many iterations; their rows are stacked elsewhere."""
        return self.mapped(lambda n: n * trips)


def operations(node: Expr) -> Extent:
    """How many scalar operations one node takes, given its arguments."""
    if not node.args:
        return 0
    if node.op.spent is not None or node.op.bodies is not None:
        return _cost(node).operations
    count = node.op.count
    if count is not None:
        return count(node)
    if node.op.cost == 0:  # moving data is free
        return 0
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
    total = Cost(0, 0, 0)
    for node in order(roots):
        if node.args:
            total += _cost(node)
    return total


def _cost(node: Expr) -> Cost:
    op = node.op
    if op.spent is not None:
        found: Cost = op.spent(node)
        return found
    if op.bodies is not None and op.recurs is None:
        total = Cost(0, 0, 1)
        for body in op.bodies(node.attr):
            total += count_operations(body.outputs).mapped(known_outside({}))
        return total
    n = 1 if op.recurs is not None else operations(node)
    if n == 0:
        return Cost(0, 0, 1)
    return Cost(n, n * max(1, round(op.cost)), 1, {op.name: n})


def known_outside(sizes: Mapping[str, Extent | None]) -> Callable[[Extent], Extent]:
    """Counts of a body for the outside: ``sizes`` says what sizes are there, and others count as 1."""

    def change(extent: Extent) -> Extent:
        if isinstance(extent, int):
            return extent
        inner = {n: 1 for n in extent.names if is_defined(n) or n.startswith("%")}
        known = {n: e for n, e in sizes.items() if e is not None}
        return extent.substitute({**inner, **known})

    return change


def largest(extent: Extent, name: str, last: Extent) -> Extent:
    """An extent where it is largest, for a size that goes from 0 to ``last``: term by term."""
    if not isinstance(extent, Dim) or name not in extent.names:
        return extent
    total: Extent = 0
    for monomial, coefficient in extent.terms:
        term: Extent = coefficient
        for factor in monomial:
            end = last if coefficient > 0 else 0
            term = term * (end if factor == name else Dim.named(factor))
        total = total + term
    return total


provide("cost", lambda node: count_operations([node]))
