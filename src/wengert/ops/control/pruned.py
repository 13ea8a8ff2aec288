"""Control flow without what nobody uses: carried values, results of branches and of calls.

A carried value is used if its result is, or if anything used in a later iteration depends on it. Values
that a loop or a branch only passes on are read where they come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from wengert.ir.function import Function
from wengert.ir.node import Expr, paused_gc
from wengert.ir.region import Region
from wengert.ir.walk import (
    build,
    leaves,
    order,
    renamed,
    renaming,
    replaced,
    size_names,
    substitute,
)
from wengert.ops.control.call import CALL, Call
from wengert.ops.control.cond import COND, Cond
from wengert.ops.control.item import item
from wengert.ops.control.lengths import Loop, mentioned_names, renamed_by_structure
from wengert.ops.control.loop import LOOP
from wengert.ops.control.regions import outer_sizes, retyped
from wengert.ops.leaves import param

__all__ = ["pruned", "pruned_nodes"]


def pruned(function: Function) -> Function:
    """The function without carried values and results that nobody uses, at any depth."""
    with paused_gc():
        return Function(function.inputs, tuple(pruned_nodes(function.outputs)), function.name)


def pruned_nodes(roots: Sequence[Expr]) -> list[Expr]:
    """The nodes without what they do not use."""
    return _Pruning().nodes(roots)


def _shrinks(node: Expr) -> bool:
    """Whether the node may have fewer results; all activations of a recursive function have the same."""
    return node.op in (LOOP, COND) or (node.op is CALL and not node.attr.recursive)


class _Needs(NamedTuple):
    """What some results of a node with bodies need: carries and rows (of a loop), and parameters."""

    carries: tuple[int, ...]
    params: frozenset[int]


class _Pruning:
    """One run; what is found of a body is remembered."""

    def __init__(self) -> None:
        self.known: dict[tuple[object, ...], _Needs] = {}
        self.bodies: dict[tuple[Expr, ...], list[Expr]] = {}

    # --- what is needed --------------------------------------------------------------------------
    def needed(self, roots: Sequence[Expr]) -> tuple[list[Expr], dict[Expr, set[int]]]:
        """The needed nodes by age, and which results are used of those that have several.

        A loop of unknown length keeps a stacked result where it is the only one to tell that length.
        """
        nodes = order(roots)
        telling: dict[Expr, set[int]] = {}
        while True:
            found, used = self._needed(roots, nodes, telling)
            more = _tellers(nodes, found, used)
            if not more:
                return sorted(found, key=lambda node: node.serial), used
            telling |= more

    def _needed(
        self, roots: Sequence[Expr], nodes: Sequence[Expr], telling: Mapping[Expr, set[int]]
    ) -> tuple[set[Expr], dict[Expr, set[int]]]:
        found = {*roots, *telling}
        used: dict[Expr, set[int]] = {node: set(results) for node, results in telling.items()}
        for node in reversed(nodes):
            if node not in found:
                continue
            found.update(node.needs)
            if node.op.projection:
                used.setdefault(node.args[0], set()).add(node.attr)
            if _shrinks(node):
                found.update(self.arguments(node, used[node]))
            else:
                found.update(node.args)
        return found, used

    def arguments(self, node: Expr, used: set[int]) -> list[Expr]:
        """The arguments that some results of a node with bodies need."""
        first = self.first(node)
        needs = self.needs(node.attr, used)
        return [*node.args[:first], *(node.args[first + i] for i in sorted(needs.params))]

    @staticmethod
    def first(node: Expr) -> int:
        """How many arguments come before those that are given to the body (and always stay)."""
        return int(node.attr.trip) if node.op is LOOP else int(node.op is COND)

    def needs(self, attr: Loop | Cond | Call, used: set[int]) -> _Needs:
        """What the used results need, as positions among the arguments given to the body."""
        key = (attr, frozenset(used))
        known = self.known.get(key)
        if known is None:
            match attr:
                case Loop():
                    known = self._loop_needs(attr, used)
                case Cond():
                    outputs = [b.outputs[i] for b in (attr.then, attr.orelse) for i in used]
                    known = _Needs((), self.params(attr.then, outputs))
                case Call():
                    outputs = [attr.body.outputs[i] for i in used]
                    known = _Needs((), self.params(attr.body, outputs))
            self.known[key] = known
        return known

    def params(self, region: Region, outputs: Iterable[Expr]) -> frozenset[int]:
        """The parameters that some outputs need."""
        nodes, _ = self.needed(list(outputs))
        return frozenset(node.attr[0] for node in nodes if node.op.bound)

    def _loop_needs(self, attr: Loop, used: set[int]) -> _Needs:
        first = int(attr.counted)
        kept = {i - first for i in used if 0 <= i - first < attr.carries} | (
            {0} if attr.go else set()
        )
        rows = [attr.carries + i for i in _rows(attr, used)]
        while True:
            wanted = [attr.body.outputs[i] for i in (*sorted(kept), *rows)]
            wanted += [node for i in kept for node in attr.body.params[1 + i].type.needs]
            found = self.params(attr.body, wanted)
            more = {i - 1 for i in found if 1 <= i <= attr.carries} - kept
            if not more:
                return _Needs(tuple(sorted(kept)), frozenset(i - 1 for i in found if i) | kept)
            kept |= more

    # --- what is left ----------------------------------------------------------------------------
    def nodes(self, roots: Sequence[Expr]) -> list[Expr]:
        """The roots rebuilt of what they need."""
        key = tuple(roots)
        if key in self.bodies:
            return self.bodies[key]
        needed, used = self.needed(roots)
        done: dict[Expr, Expr] = {}
        results: dict[Expr, dict[int, Expr]] = {}
        for node in needed:
            if _shrinks(node):
                results[node] = self.shrunk(node, used[node], done)
            elif node.op.projection and node.args[0] in results:
                done[node] = results[node.args[0]][node.attr]
            else:
                done[node] = replaced(node, done)
        self.bodies[key] = [done[root] for root in roots]
        return self.bodies[key]

    def shrunk(self, node: Expr, used: set[int], done: Mapping[Expr, Expr]) -> dict[int, Expr]:
        """The used results of a smaller node in place of one with bodies."""
        first = self.first(node)
        given = [done.get(a) for a in node.args[first:]]
        head = [done[a] for a in node.args[:first]]
        attr = node.attr
        if isinstance(attr, Loop):
            attr = renamed(attr, renaming(node.needs, done))
            return self._smaller_loop(attr, used, head, given)
        bodies = attr[: 1 + int(node.op is COND)]
        kept = sorted(used)
        outputs = [self.nodes([b.outputs[i] for i in kept]) for b in bodies]
        results: dict[int, Expr] = {}
        for p, i in enumerate(kept):
            passed = outputs[0][p]
            if passed.op.bound and all(o[p] is passed for o in outputs):
                argument = given[passed.attr[0]]
                if argument is not None and _same_type(bodies[0], passed, given):
                    results[i] = argument
        left = [p for p, i in enumerate(kept) if i not in results]
        if not left:
            return results
        lists = [[o[p] for p in left] for o in outputs]
        regions, arguments = _renumbered(bodies[0], (), lists, given)
        changed = attr._replace(**dict(zip(attr._fields, regions, strict=False)))
        smaller = build(node.op, (*head, *arguments), changed)
        return {**results, **{kept[p]: item(smaller, n) for n, p in enumerate(left)}}

    def _smaller_loop(
        self, attr: Loop, used: set[int], head: list[Expr], given: Sequence[Expr | None]
    ) -> dict[int, Expr]:
        kept = self.needs(attr, used).carries
        rows = _rows(attr, used)
        outputs = self.nodes(
            [attr.body.outputs[i] for i in (*kept, *(attr.carries + r for r in rows))]
        )
        results: dict[int, Expr] = {}
        carries: list[tuple[int, int]] = []
        for position, i in enumerate(kept):
            param_, start = attr.body.params[1 + i], given[i]
            passed = outputs[position] is param_ and not (attr.go and i == 0)
            if passed and start is not None and _same_type(attr.body, param_, (None, *given)):
                results[int(attr.counted) + i] = start
            else:
                carries.append((position, i))
        counted = attr.counted and 0 in used
        if not carries and not rows and not counted:
            return results
        lists = [[outputs[p] for p, _ in carries] + outputs[len(kept) :]]
        live = {leaf.attr[0] for leaf in leaves(lists[0]) if leaf.op.bound}
        scans = [i for i in range(attr.carries, attr.carries + attr.scans) if 1 + i in live]
        first = (0, *(1 + i for _, i in carries), *(1 + i for i in scans))
        (body,), arguments = _renumbered(attr.body, first, lists, (None, *given))
        smaller = build(
            LOOP,
            (*head, *arguments),
            attr._replace(
                body=body,
                carries=len(carries),
                scans=len(scans),
                stacked=len(rows),
                counted=counted,
                length=attr.length if rows else None,
            ),
        )
        if counted:
            results[0] = item(smaller, 0)
        for n, (_, i) in enumerate(carries, start=int(counted)):
            results[int(attr.counted) + i] = item(smaller, n)
        base = int(attr.counted) + attr.carries
        for n, r in enumerate(rows, start=int(counted) + len(carries)):
            results[base + r] = item(smaller, n)
        return results


def _tellers(
    nodes: Sequence[Expr], found: set[Expr], used: Mapping[Expr, set[int]]
) -> dict[Expr, set[int]]:
    """Loops that have to stack something because a needed node mentions their length."""
    loops: dict[str, Expr] = {}
    for node in nodes:
        if node.op.tells is not None and isinstance(node.attr, Loop):
            name = node.op.tells(node.attr)
            if name:
                loops.setdefault(name, node)
    if not loops:
        return {}
    told = {
        node.op.tells(node.attr)
        for node, results in used.items()
        if node.op.tells is not None
        and (not isinstance(node.attr, Loop) or _rows(node.attr, results))
    }
    told |= {name for node in found if node.op.free for name in size_names(node)}
    mentioned = {name for node in found for name in mentioned_names(node)}
    return {
        loops[name]: {int(loops[name].attr.counted) + loops[name].attr.carries}
        for name in mentioned & set(loops) - told
    }


def _rows(attr: Loop, used: set[int]) -> list[int]:
    base = int(attr.counted) + attr.carries
    return sorted(i - base for i in used if i >= base)


def _same_type(region: Region, param_: Expr, given: Sequence[Expr | None]) -> bool:
    """Whether an argument has the type of its parameter, so that it may stand in its place."""
    argument = given[param_.attr[0]]
    sizes = outer_sizes(region, given) if param_.needs else {}
    return argument is not None and retyped(param_.value_type, sizes) is argument.type


def _renumbered(
    region: Region,
    first: Sequence[int],
    lists: Sequence[Sequence[Expr]],
    given: Sequence[Expr | None],
) -> tuple[list[Region], list[Expr]]:
    """Regions of some outputs, with parameters ``first`` and then those used; their arguments."""
    roots = [o for outputs in lists for o in outputs]
    front = [region.params[i] for i in first]
    live = set(order([*roots, *(n for p in front for n in p.type.needs)]))
    rest = [p for i, p in enumerate(region.params) if i not in first and p in live]
    change: dict[Expr, Expr] = {}
    places = [*rest, *front]  # what defines sizes comes before what mentions them
    for p in sorted(places, key=lambda p: bool(p.type.needs)):
        place = front.index(p) if p in front else len(front) + rest.index(p)
        change[p] = param(place, retyped(p.value_type, renaming(p.type.needs, change)))
    params = tuple(change[p] for p in (*front, *rest))
    arguments = [given[p.attr[0]] for p in (*front, *rest)]
    regions = [
        Region(params, tuple(renamed_by_structure(substitute(outputs, change), params)))
        for outputs in lists
    ]
    return regions, [a for a in arguments if a is not None]
