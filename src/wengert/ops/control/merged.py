"""Loops and branches that do the same work, made one.

A derivative repeats the loop that it differentiates, to have its values at hand. Where the loop itself is
needed as well, both become one loop with the carried values and the rows of both: carried values that start
equal and stay equal are one (a partition refinement, as of states of automata). Branches of one condition
become one branch with all results.

Only nodes of equal depth are united (depth: the longest chain of loops and branches below), so that
nothing comes to depend on itself.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from wengert.ir.function import Function
from wengert.ir.node import Expr, paused_gc
from wengert.ir.region import Region
from wengert.ir.walk import build, depends_on, order, renamed, renaming, replaced, substitute
from wengert.ops.control.cond import COND, Cond, joined_cond
from wengert.ops.control.item import item, items
from wengert.ops.control.lengths import Loop
from wengert.ops.control.looped import COUNTER, Looped, closed_loop
from wengert.ops.control.regions import opened, opening
from wengert.ops.leaves import fresh

__all__ = ["merged", "merged_nodes"]


def merged(function: Function) -> Function:
    """The function with loops that share their work, and branches that share their condition, made one."""
    with paused_gc():
        outputs = tuple(merged_nodes(function.outputs))
    return Function(function.inputs, outputs, function.name)


def merged_nodes(
    roots: Sequence[Expr],
    apart: Container[Expr] = frozenset(),
    *,
    inside: Iterable[Expr] | None = None,
) -> list[Expr]:
    """The nodes with loops that share their work, and branches that share their condition, made one.

    What is ``apart`` is only united with each other. In a body with symbols ``inside``, what defines sizes
    and does not depend on these stays: the same sizes are around the body.
    """
    if inside is None:
        return _Merging(apart).nodes(roots)
    sizes = order({need: None for node in order(roots) for need in node.needs})
    # What a body is opened on is no symbol where it defines sizes, but the argument itself.
    changing = depends_on(sizes, [symbol for symbol in inside if symbol.op.free])
    kept = {node: node for node in sizes if node not in changing}
    return _Merging(apart, kept).nodes(roots)


class _Merging:
    """One run; bodies are remembered."""

    def __init__(
        self, apart: Container[Expr] = frozenset(), kept: Mapping[Expr, Expr] | None = None
    ) -> None:
        self.apart = apart
        self.kept = kept or {}
        self.bodies: dict[Region, Region] = {}

    def nodes(self, roots: Sequence[Expr]) -> list[Expr]:
        """The roots with what can be united below them, but for what is kept."""
        done = dict(self.kept)
        nodes = [node for node in order(roots) if node not in done]
        if not any(node.op.bodies is not None for node in nodes):
            return list(roots)
        levels = _by_depth(nodes)
        results: dict[Expr, Sequence[Expr]] = {}
        for level in levels:
            self.unite([n for n in level if _is_control(n)], done, results)
            for node in level:
                if _is_control(node):
                    continue
                if node.op.projection and node.args[0] in results:
                    done[node] = results[node.args[0]][node.attr]
                elif node.op.bodies is not None:
                    done[node] = self.inside(node, done)
                else:
                    done[node] = replaced(node, done)
        return [done[root] for root in roots]

    def unite(
        self,
        nodes: Sequence[Expr],
        done: Mapping[Expr, Expr],
        results: dict[Expr, Sequence[Expr]],
    ) -> None:
        """Unites nodes of one depth, and finds their results."""
        groups: dict[tuple[object, ...], list[Expr]] = {}
        again = {node: self.inside(node, done) for node in nodes}
        for node in nodes:
            groups.setdefault((node in self.apart, *_key(again[node])), []).append(node)
        for group in groups.values():
            distinct = list(dict.fromkeys(again[node] for node in group))
            found: dict[Expr, Sequence[Expr]] = {node: items(node) for node in distinct}
            if len(distinct) > 1:
                found |= self.conds(distinct) if distinct[0].op is COND else self.loops(distinct)
            results.update({node: found[again[node]] for node in group})

    def inside(self, node: Expr, done: Mapping[Expr, Expr]) -> Expr:
        """The node on its new arguments, with its bodies done."""
        args = tuple([done[a] for a in node.args])
        sizes = renaming(node.needs, done)
        attr = renamed(node.attr, sizes) if sizes else node.attr
        assert node.op.bodies is not None
        assert node.op.with_bodies is not None
        if node.op.recurs is None:
            bodies = tuple(self.body(b) for b in node.op.bodies(attr))
            attr = node.op.with_bodies(attr, bodies)
        if args == node.args and attr == node.attr:
            return node
        return build(node.op, args, attr)

    def body(self, region: Region) -> Region:
        """A body with what can be united in it."""
        known = self.bodies.get(region)
        if known is None:
            known = Region(region.params, tuple(self.nodes(region.outputs)))
            self.bodies[region] = self.bodies[known] = known
        return known

    # --- branches ----------------------------------------------------------------------------------
    def conds(self, nodes: Sequence[Expr]) -> dict[Expr, Sequence[Expr]]:
        """Branches of one condition as one, and the results of each."""
        pairs: dict[tuple[Expr, Expr], int] = {}
        places: dict[Expr, list[int]] = {}
        outside: set[Expr] = set()
        for node in nodes:
            attr: Cond = node.attr
            outside.update(node.args)
            both = zip(
                opened(attr.then, node.args[1:]), opened(attr.orelse, node.args[1:]), strict=True
            )
            places[node] = [pairs.setdefault(pair, len(pairs)) for pair in both]
        then = self.nodes([first for first, _ in pairs])
        orelse = self.nodes([second for _, second in pairs])
        found = joined_cond(nodes[0].args[0], then, orelse, None, outside)
        return {node: [item(found, i) for i in places[node]] for node in nodes}

    # --- loops ---------------------------------------------------------------------------------------
    def loops(self, nodes: Sequence[Expr]) -> dict[Expr, Sequence[Expr]]:
        """Loops in groups that share carried values, and the results of each."""
        k = fresh(COUNTER, "k")
        slices: dict[Expr, Expr] = {}
        left = [_opened(node, k, slices) for node in nodes]
        found: dict[Expr, Sequence[Expr]] = {}
        while left:
            group = [left.pop(0)]
            for other in list(left):
                if _fits(group, other) and self.share(group, other):
                    group.append(other)
                    left.remove(other)
            if len(group) == 1:
                found[group[0].node] = items(group[0].node)
            else:
                found |= self.together(group, k, slices)
        return found

    def share(self, group: Sequence[_Open], other: _Open) -> bool:
        """Whether a loop has carried values in common with others (with a flag: the flag)."""
        flag = group[0].node.attr.go
        ours = [s for one in group for s in one.carried]
        theirs: Sequence[Expr] = other.carried
        if flag:
            ours, theirs = ours[:1], theirs[:1]

        def met(classes: Mapping[Expr, Expr]) -> bool:
            known = {classes[s] for s in ours}
            return any(classes[s] in known for s in theirs)

        return self.equal_carries([*group, other], met) is not None

    def equal_carries(
        self, group: Sequence[_Open], wanted: Callable[[Mapping[Expr, Expr]], bool] | None = None
    ) -> dict[Expr, Expr] | None:
        """For each carried value one that always equals it: the coarsest such partition.

        ``None`` as soon as it is too fine for what is wanted of it: finding out takes the bodies apart.
        """
        symbols = [s for one in group for s in one.carried]
        outputs = [o for one in group for o in one.outputs]
        rows = [r for one in group for r in one.rows]
        starts = [i for one in group for i in one.inits]
        keys: list[object] = [(i, s.type) for i, s in zip(starts, symbols, strict=True)]
        classes = 0
        while True:
            leader: dict[object, Expr] = {}
            found = {s: leader.setdefault(key, s) for s, key in zip(symbols, keys, strict=True)}
            if wanted is not None and not wanted(found):
                return None
            if len(leader) == classes:
                return found
            classes = len(leader)
            # With rows: loops inside that differ by what they stack are one only together.
            steps = self.nodes(substitute([*outputs, *rows], found))
            keys = [(found[s], step) for s, step in zip(symbols, steps, strict=False)]

    def together(
        self, group: Sequence[_Open], k: Expr, slices: Mapping[Expr, Expr]
    ) -> dict[Expr, Sequence[Expr]]:
        """One loop of several, and the results of each."""
        classes = self.equal_carries(group)
        assert classes is not None
        starts: dict[Expr, tuple[Expr, Expr]] = {}
        rows: dict[Expr, int] = {}
        for one in group:
            for symbol, init, output in zip(one.carried, one.inits, one.outputs, strict=True):
                starts.setdefault(classes[symbol], (init, output))
            for row in substitute(one.rows, classes):
                rows.setdefault(row, len(rows))
        outputs = substitute([output for _, output in starts.values()], classes)
        bodies = self.nodes([*outputs, *rows])
        first: Loop = group[0].node.attr
        node = closed_loop(
            Looped(
                k=k,
                carries=[(symbol, init) for symbol, (init, _) in starts.items()],
                outputs=bodies[: len(outputs)],
                rows=bodies[len(outputs) :],
                scans=[(s, a) for a, s in slices.items() if s in set(order(bodies))],
                trip=group[0].node.args[0] if first.trip else None,
                go=first.go,
                counted=any(one.node.attr.counted for one in group),
                backward=first.backward,
                checkpoint=next(
                    (c for one in group if (c := one.node.attr.checkpoint) is not None), None
                ),
                length=next((e for one in group if (e := one.node.attr.length) is not None), None),
            )
        )
        results = list(items(node))
        count = [results.pop(0)] if any(one.node.attr.counted for one in group) else []
        place = {symbol: i for i, symbol in enumerate(starts)}
        found: dict[Expr, Sequence[Expr]] = {}
        for one in group:
            own = count[: int(one.node.attr.counted)]
            own += [results[place[classes[s]]] for s in one.carried]
            own += [results[len(starts) + rows[row]] for row in substitute(one.rows, classes)]
            found[one.node] = own
        return found


class _Open(NamedTuple):
    """A loop with its body in terms of a common counter, of common slices and of its captures."""

    node: Expr
    carried: tuple[Expr, ...]
    inits: tuple[Expr, ...]
    outputs: tuple[Expr, ...]
    rows: tuple[Expr, ...]


def _is_control(node: Expr) -> bool:
    return isinstance(node.attr, Loop) or node.op is COND


def _by_depth(nodes: Sequence[Expr]) -> list[list[Expr]]:
    depth: dict[Expr, int] = {}
    levels: list[list[Expr]] = []
    for node in nodes:
        below = max((depth.get(a, 0) for a in (*node.args, *node.needs)), default=0)
        depth[node] = below + int(_is_control(node))
        while len(levels) <= depth[node]:
            levels.append([])
        levels[depth[node]].append(node)
    return levels


def _key(node: Expr) -> tuple[object, ...]:
    """What nodes have in common that may be united."""
    attr = node.attr
    if isinstance(attr, Loop):
        trip = node.args[0] if attr.trip else None
        return (trip, attr.trip, attr.go, attr.backward)
    return (node.args[0],)


def _opened(node: Expr, k: Expr, slices: dict[Expr, Expr]) -> _Open:
    attr: Loop = node.attr
    first = int(attr.trip)
    inits = node.args[first : first + attr.carries]
    arrays = node.args[first + attr.carries : first + attr.carries + attr.scans]
    captures = node.args[first + attr.carries + attr.scans :]
    bound = 1 + attr.carries + attr.scans
    symbols = opening(attr.body, [*[None] * bound, *captures])[:bound]
    carried = tuple(symbols[1 : 1 + attr.carries])
    own = symbols[1 + attr.carries :]
    common = [slices.setdefault(a, s) for a, s in zip(arrays, own, strict=True)]
    outputs = opened(attr.body, (k, *carried, *common, *captures))
    return _Open(
        node, carried, inits, tuple(outputs[: attr.carries]), tuple(outputs[attr.carries :])
    )


def _fits(group: Sequence[_Open], other: _Open) -> bool:
    """Whether the rows of a loop may stand beside those of others."""
    return len({one.node.attr.length for one in (*group, other) if one.rows}) <= 1
