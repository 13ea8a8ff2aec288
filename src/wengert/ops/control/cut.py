"""The cheapest set of nodes that separates some from others: a minimal cut by maximal flow (Dinitz 1970)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wengert.ir.node import Expr

__all__ = ["cheapest_cut"]

_MANY = 1 << 60


class _Flow:
    """A flow network of edges in pairs: edge ``e`` and its reverse ``e ^ 1``."""

    def __init__(self, count: int) -> None:
        self.edges: list[list[int]] = [[] for _ in range(count)]
        self.head: list[int] = []
        self.room: list[int] = []

    def edge(self, tail: int, head: int, capacity: int) -> None:
        for start, end, room in ((tail, head, capacity), (head, tail, 0)):
            self.edges[start].append(len(self.head))
            self.head.append(end)
            self.room.append(room)

    def levels(self, source: int) -> list[int]:
        level = [-1] * len(self.edges)
        level[source] = 0
        queue = [source]
        for place in queue:
            for e in self.edges[place]:
                if self.room[e] and level[self.head[e]] < 0:
                    level[self.head[e]] = level[place] + 1
                    queue.append(self.head[e])
        return level

    def saturate(self, source: int, sink: int) -> None:
        """The maximal flow, in the room that is left."""
        while True:
            level = self.levels(source)
            if level[sink] < 0:
                return
            turn = [0] * len(self.edges)
            while self._push(source, sink, level, turn):
                pass

    def _push(self, source: int, sink: int, level: list[int], turn: list[int]) -> bool:
        """One more path of the level graph, if there is one."""
        path: list[int] = []
        place = source
        while place != sink:
            while turn[place] < len(self.edges[place]):
                e = self.edges[place][turn[place]]
                if self.room[e] and level[self.head[e]] == level[place] + 1:
                    break
                turn[place] += 1
            else:
                if place == source:
                    return False
                place = self.head[path.pop() ^ 1]
                turn[place] += 1
                continue
            path.append(e)
            place = self.head[e]
        amount = min(self.room[e] for e in path)
        for e in path:
            self.room[e] -= amount
            self.room[e ^ 1] += amount
        return True

    def reaching(self, sink: int) -> set[int]:
        """From where more could still flow to the sink."""
        found = {sink}
        stack = [sink]
        while stack:
            for e in self.edges[stack.pop()]:
                if self.room[e ^ 1] and self.head[e] not in found:
                    found.add(self.head[e])
                    stack.append(self.head[e])
        return found


def cheapest_cut(
    nodes: Sequence[Expr],
    below: Mapping[Expr, Sequence[Expr]],
    price: Mapping[Expr, int],
    sources: set[Expr],
    sinks: set[Expr],
) -> list[Expr] | None:
    """The nodes of least total price without which no sink can be reached from a source.

    ``below`` tells from what each node is computed. Nodes without a price cannot be cut. Among equals, those
    nearest to the sinks. ``None`` if there is no such set.
    """
    place = {node: 2 * i for i, node in enumerate(nodes)}
    source, sink = 2 * len(nodes), 2 * len(nodes) + 1
    flow = _Flow(2 * len(nodes) + 2)
    for node in nodes:
        start = place[node]
        flow.edge(start, start + 1, price.get(node, _MANY))
        if node in sources:
            flow.edge(source, start, _MANY)
        if node in sinks:
            flow.edge(start + 1, sink, _MANY)
        for arg in below.get(node, ()):
            if arg in place:
                flow.edge(place[arg] + 1, start, _MANY)
    flow.saturate(source, sink)
    left = flow.reaching(sink)
    if source in left:
        return None
    cut = [node for node in nodes if place[node] + 1 in left and place[node] not in left]
    return cut if all(node in price for node in cut) else None
