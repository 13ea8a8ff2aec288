"""What an iteration saves for its adjoint: the least from which everything that is read can be recomputed.

Nothing is saved that depends only on the iteration number, on scanned arrays and on what is constant in
the loop, nor integers that go up by the same amount in every iteration. Loops inside are not run again:
what they saved themselves is saved. Rows whose length depends on the iteration are filled up with zeros.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

import wengert.ops.joining  # noqa: F401  # a short vector that has been filled is a stack
from wengert.ir.dims import Dim, Extent, defined_name
from wengert.ir.node import Expr
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import depends_on, order
from wengert.ops.algebra import zeros
from wengert.ops.control.cut import cheapest_cut
from wengert.ops.control.lengths import Loop, is_opaque
from wengert.ops.control.loop_open import OpenLoop
from wengert.ops.control.looped import extent_of
from wengert.ops.indexing import index_by, set_by
from wengert.ops.layout import cast
from wengert.ops.leaves import ZERO
from wengert.ops.spans import Index, Span
from wengert.ops.sums import LIN

__all__ = ["Row", "affine_integers", "computed_by_loop", "price_of", "row_of", "what_to_save"]


class Row(NamedTuple):
    """A value of an iteration, and the shape with which it is stacked."""

    value: Expr
    shape: tuple[Extent, ...]

    @property
    def filled(self) -> Expr:
        """What is stacked."""
        if self.value.shape == self.shape:
            return self.value
        return set_by(zeros(self.shape), self.value, self._index)

    def read(self, row: Expr) -> Expr:
        """The value, from what was stacked."""
        return row if self.value.shape == self.shape else index_by(row, self._index)

    @property
    def type(self) -> Type:
        """The type of what is stacked."""
        return self.value.value_type.with_shape(self.shape)

    @property
    def _index(self) -> Index:
        return Index(tuple(Span(0, e, 1, True) for e in self.value.shape), self.shape)


def row_of(loop: OpenLoop, value: Expr) -> Row | None:
    """A value as a row, if its iterations have a common shape."""
    moving = depends_on(order([value]), {loop.k, *loop.carried, *loop.slices})
    shape = _stacked_shape(loop, value, moving)
    return None if shape is None else Row(value, shape)


def what_to_save(
    loop: OpenLoop, outputs: Sequence[Expr], cheaper: Mapping[Expr, int] | None = None
) -> list[Row]:
    """Values of an iteration from which outputs that also use other symbols can be computed.

    ``cheaper`` gives what some values cost that can be had otherwise.
    """
    nodes = order(outputs)
    ours = computed_by_loop(loop, nodes)
    moving = depends_on(nodes, {loop.k, *loop.carried, *loop.slices})
    known = set(ours)
    demanded = {
        used
        for node in nodes
        if node not in known
        for used in (*node.args, *node.needs)
        if used in known
    }
    demanded |= known.intersection(outputs)
    rows: dict[Expr, Row] = {}
    prices: dict[Expr, int] = {}
    for node in ours:
        shape = _stacked_shape(loop, node, moving)
        if shape is not None:
            rows[node] = Row(node, shape)
            prices[node] = price_of(rows[node])
    for node, price in (cheaper or {}).items():
        if node in prices:
            prices[node] = min(price, prices[node])
    closed = _not_again(ours, moving, rows)
    below = {n: () if n in closed else (*n.args, *n.needs) for n in ours}
    sources = {*loop.carried, *closed}
    found = cheapest_cut(ours, below, prices, sources, demanded)
    if found is None:
        found = [s for s in loop.carried if s in set(nodes)]
    return [rows[node] for node in found]


def computed_by_loop(loop: OpenLoop, nodes: Sequence[Expr]) -> list[Expr]:
    """The nodes that an iteration of the loop itself can compute: they use its symbols only."""
    known = {loop.k, *loop.symbols}
    ours: dict[Expr, None] = {}
    for node in nodes:
        used = (*node.args, *node.needs)
        if node in known or (not node.op.free and all(a in ours for a in used)):
            ours[node] = None
    return list(ours)


def _not_again(nodes: Sequence[Expr], moving: set[Expr], rows: Mapping[Expr, Row]) -> set[Expr]:
    """Results of loops in the body that are saved rather than computed once more."""
    results: dict[Expr, list[Expr]] = {}
    for node in nodes:
        if node.op.projection and node in moving and _repeats(node.args[0]):
            results.setdefault(node.args[0], []).append(node)
    return {item for items in results.values() if all(i in rows for i in items) for item in items}


def _repeats(node: Expr) -> bool:
    """Whether a node runs a loop, or calls itself."""
    op = node.op
    if isinstance(node.attr, Loop) or op.recurs is not None:
        return True
    if op.bodies is None:
        return False
    return (op.binds is not None and op.binds(node.attr)) or any(
        _repeats(inner) for body in op.bodies(node.attr) for inner in body.nodes
    )


# --- shapes ------------------------------------------------------------------------------------------------
def _stacked_shape(loop: OpenLoop, node: Expr, moving: set[Expr]) -> tuple[Extent, ...] | None:
    """The shape with which a value can be stacked; ``None`` if its iterations have no common one."""
    if isinstance(node.type, TupleType):
        return None
    known = {name for s in loop.symbols for e in s.shape if isinstance(e, Dim) for name in e.names}
    shape: list[Extent] = []
    for extent in node.shape:
        if not isinstance(extent, Dim):
            shape.append(extent)
            continue
        if any(is_opaque(name) and name not in known for name in extent.names):
            return None
        largest = _largest(loop, extent, moving)
        if largest is None or (largest is not extent and node.value_type.dtype == "bool"):
            return None
        shape.append(largest)
    return tuple(shape)


def _largest(loop: OpenLoop, extent: Dim, moving: set[Expr]) -> Extent | None:
    """The extent where it is largest in the loop: a polynomial is taken at one end of the iterations."""
    changing = [node for node in extent.needs if node in moving]
    if not changing:
        return extent
    if changing != [loop.k] or loop.trip is None:
        return None
    name = defined_name(loop.k)
    last = extent_of(loop.trip) - 1
    total: Extent = 0
    for monomial, coefficient in extent.terms:
        if monomial.count(name) > 1:
            return None
        term: Extent = coefficient
        for factor in monomial:
            at_end = last if coefficient > 0 else 0
            term = term * (at_end if factor == name else Dim.named(factor))
        total = total + term
    return total


_GUESS = 64  # for choosing only: what an extent with a name is taken to be


def price_of(row: Row) -> int:
    """The bytes of a row, with a guess for extents with names."""
    count = 1
    for extent in row.shape:
        if isinstance(extent, Dim):
            extent = extent.evaluate(dict.fromkeys(extent.names, _GUESS))
        count *= max(extent, 1)
    return count * np.dtype(row.value.value_type.dtype).itemsize


# --- integers ----------------------------------------------------------------------------------------------
def affine_integers(loop: OpenLoop) -> dict[Expr, Expr]:
    """Carried integers that change by the same amount in every iteration, in terms of its number."""
    found: dict[Expr, Expr] = {}
    inside = {loop.k, *loop.carried, *loop.slices}
    for symbol, init, output in zip(loop.carried, loop.inits, loop.outputs, strict=True):
        if symbol.shape or not symbol.value_type.dtype.startswith("int"):
            continue
        step = _step(symbol, output)
        if step is None or not inside.isdisjoint(order([step])):
            continue
        done = loop.k
        if loop.attr.backward:
            if loop.trip is None:
                continue
            done = loop.trip - 1 - loop.k
        value = init if step is ZERO else init + done * step
        dtype = symbol.value_type.dtype
        found[symbol] = value if value.type is symbol.type else cast(value, dtype)
    return found


def _step(symbol: Expr, output: Expr) -> Expr | None:
    """``c`` where the output is ``symbol + c``."""
    if output is symbol:
        return ZERO
    if output.op is not LIN or len(output.args) != 2 or symbol not in output.args:
        return None
    place = output.args.index(symbol)
    other, factor = output.args[1 - place], output.attr[1 - place]
    if output.attr[place] != 1 or other is symbol or type(factor) is not int:
        return None
    return other * factor
