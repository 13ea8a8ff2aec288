"""Products of labelled factors, contracted pair by pair in an order that costs little."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.einstein import EIN, EYE, ein, spelt_size
from wengert.ops.leaves import ONE, Number
from wengert.ops.sums import LIN, scale

__all__ = [
    "Extents",
    "Factor",
    "contracted",
    "opened",
    "parts_of",
    "rid_of_identities",
    "times_extents",
    "times_numbers",
    "with_numbers",
]

Factor: TypeAlias = tuple[Expr, tuple[int, ...]]
Extents: TypeAlias = Mapping[int, Extent]

_LARGE = 64  # stands for an extent that is not known


def opened(node: Expr, labels: tuple[int, ...]) -> tuple[list[Number], list[Factor]]:
    """A node as numbers times factors: broadcasts and outer products are looked into, ones go."""
    numbers: list[Number] = []
    factors: list[Factor] = []
    stack: list[Factor] = [(node, labels)]
    while stack:
        top, at = stack.pop()
        if top.op is LIN and len(top.args) == 1:
            numbers.append(top.attr[0])
            stack.append((top.args[0], at))
        elif top.op is EIN and not top.attr.summed and _is_spread(top):
            names = dict(zip(top.attr.out, at, strict=True))
            for arg, axes in zip(top.args, top.attr.factors, strict=True):
                stack.append((arg, tuple([names[a] for a in axes])))
        elif top is not ONE:
            factors.append((top, at))
    return numbers, factors[::-1]


def _is_spread(node: Expr) -> bool:
    return len(node.args) == 1 or all(len(f) < node.ndim for f in node.attr.factors)


def rid_of_identities(factors: list[Factor], summed: set[int]) -> list[Factor]:
    """The factors without identity matrices on axes that are summed; those axes are then gone."""
    factors = list(factors)
    position = 0
    while position < len(factors):
        node, labels = factors[position]
        gone = next((x for x in labels if x in summed), None) if node.op is EYE else None
        if gone is None or labels[0] == labels[1]:
            position += 1
            continue
        kept = labels[1] if labels[0] == gone else labels[0]
        rest = factors[:position] + factors[position + 1 :]
        factors = [(f, tuple([kept if x == gone else x for x in ls])) for f, ls in rest]
        summed.discard(gone)
        position = 0
    return factors


def parts_of(factors: Sequence[Factor], summed: set[int]) -> list[list[Factor]]:
    """The factors in groups that have no summed axis in common."""
    groups: list[tuple[set[int], list[Factor]]] = []
    for factor in factors:
        axes = set(factor[1]) & summed
        joined = [g for g in groups if g[0] & axes]
        together = [f for _, fs in joined for f in fs]
        groups = [g for g in groups if g not in joined]
        groups.append((axes.union(*[a for a, _ in joined]), [*together, factor]))
    return [fs for _, fs in groups]


def contracted(
    factors: Iterable[Factor], out: Sequence[int] | None, kept: Iterable[int], extents: Extents
) -> Factor:
    """The product, summed over all axes that are not ``kept``, with its axes: ``out``, or as they come.

    Axes of ``out`` that no factor has are spread along.
    """
    left = list(factors)
    known = dict(extents)
    wanted = set(kept)
    if all(set(ls) <= wanted for _, ls in left):  # nothing is summed: element by element
        return _product(left, out, wanted, known)
    while len(left) > 2:
        i, j = _cheapest(left, wanted, known)
        rest = [f for k, f in enumerate(left) if k not in (i, j)]
        needed = wanted.union(*[ls for _, ls in rest])
        left = [*rest, _product([left[i], left[j]], None, needed, known)]
    return _product(left, out, wanted, known)


def _product(
    factors: list[Factor], out: Sequence[int] | None, wanted: set[int], extents: Extents
) -> Factor:
    if out is None:
        ranked = sorted(factors, key=lambda f: -len(f[1]))
        out = [x for x in dict.fromkeys([x for _, ls in ranked for x in ls]) if x in wanted]
    found = tuple(out)
    return ein(factors, found, {x: extents[x] for x in found}), found


def _size(labels: Iterable[int], extents: Extents) -> int:
    return reduce(lambda n, x: n * _number(extents[x]), labels, 1)


def _number(extent: Extent) -> int:
    if isinstance(extent, int):
        return extent
    return extent.evaluate(dict.fromkeys(extent.names, _LARGE))


def _cheapest(factors: Sequence[Factor], wanted: set[int], extents: Extents) -> tuple[int, int]:
    """The pair whose product takes the fewest operations and leaves the fewest elements."""
    best: tuple[tuple[int, int], tuple[int, int]] | None = None
    for i in range(len(factors)):
        for j in range(i + 1, len(factors)):
            both = {*factors[i][1], *factors[j][1]}
            rest = [ls for k, (_, ls) in enumerate(factors) if k not in (i, j)]
            left = both & wanted.union(*rest)
            cost = _size(both, extents), _size(left, extents)
            if best is None or cost < best[0]:
                best = cost, (i, j)
    assert best is not None
    return best[1]


def times_numbers(numbers: Iterable[Number], node: Expr) -> Expr:
    """Numbers times a node."""
    return reduce(lambda n, c: scale(c, n), numbers, node)


def with_numbers(
    numbers: list[Number], factors: Sequence[Factor], kept: Iterable[int], extents: Extents
) -> list[Factor]:
    """The factors with the numbers in the smallest of them, if that is smaller than the product."""
    found = list(factors)
    smallest = min(range(len(found)), key=lambda i: _size(found[i][1], extents), default=None)
    if smallest is None or not numbers:
        return found
    node, labels = found[smallest]
    if node.op is not EYE and _size(labels, extents) < _size(set(kept), extents):
        found[smallest] = times_numbers(numbers, node), labels
        numbers.clear()
    return found


def times_extents(gone: Iterable[Extent], numbers: list[Number], factors: list[Factor]) -> None:
    """Note how often a product is added that does not depend on summed axes."""
    for extent in gone:
        if isinstance(extent, int):
            numbers.append(extent)
        else:
            factors.append((spelt_size(extent), ()))
