"""A layered layout: every node above its users, few crossings, straight enough edges.

Sugiyama, Tagawa and Toda 1981, in its simplest form: layers by longest path, order within a layer by the mean
position of neighbours, swept down and up a few times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from wengert.ir.node import Expr

__all__ = ["Layout", "layered"]

_SWEEPS = 4
_GAP, _STEP = 24.0, 84.0


@dataclass(frozen=True)
class Layout:
    """Centres of the nodes, and the extent of the picture."""

    place: Mapping[Expr, tuple[float, float]]
    width: float
    height: float


def layered(nodes: Sequence[Expr], widths: Mapping[Expr, float]) -> Layout:
    """Centres for nodes given in topological order, arguments above users."""
    layers = _layers(nodes)
    users: dict[Expr, list[Expr]] = {node: [] for node in nodes}
    for node in nodes:
        for arg in dict.fromkeys(node.args):
            users[arg].append(node)
    x: dict[Expr, float] = {}
    for layer in layers:
        _spread(layer, {node: float(i) * 100 for i, node in enumerate(layer)}, widths, x)
    for sweep in range(2 * _SWEEPS):
        downwards = sweep % 2 == 0
        for layer in layers if downwards else reversed(layers):
            wanted = {
                node: _mean([x[n] for n in (node.args if downwards else users[node])], x[node])
                for node in layer
            }
            _spread(sorted(layer, key=wanted.__getitem__), wanted, widths, x)
    left = min((x[n] - widths[n] / 2 for n in nodes), default=0.0) - _GAP
    right = max((x[n] + widths[n] / 2 for n in nodes), default=0.0) + _GAP
    place = {
        node: (x[node] - left, _STEP * (level + 0.5))
        for level, layer in enumerate(layers)
        for node in layer
    }
    return Layout(place, right - left, _STEP * len(layers))


def _layers(nodes: Sequence[Expr]) -> list[list[Expr]]:
    """By longest path from the leaves; leaves are then pulled down next to their first user."""
    level: dict[Expr, int] = {}
    first_use: dict[Expr, int] = {}
    for node in nodes:
        level[node] = 1 + max((level[a] for a in node.args), default=-1)
        for arg in node.args:
            first_use[arg] = min(first_use.get(arg, level[node]), level[node])
    for node in nodes:
        if not node.args and node in first_use:
            level[node] = first_use[node] - 1
    layers: list[list[Expr]] = [[] for _ in range(1 + max(level.values(), default=-1))]
    for node in nodes:
        layers[level[node]].append(node)
    return layers


def _mean(values: Sequence[float], default: float) -> float:
    return fsum(values) / len(values) if values else default


def _spread(
    ordered: Sequence[Expr],
    wanted: Mapping[Expr, float],
    widths: Mapping[Expr, float],
    x: dict[Expr, float],
) -> None:
    """Put a layer as near as possible to where it wants to be, in this order and without overlaps.

    Neighbours that would overlap form a block around the mean of their wishes.
    """
    blocks: list[tuple[float, float, list[Expr]]] = []  # sum of wished left ends, width, members
    for node in ordered:
        width = widths[node] + _GAP
        block = (wanted[node] - width / 2, width, [node])
        while blocks and blocks[-1][0] / len(blocks[-1][2]) + blocks[-1][1] > block[0] / len(
            block[2]
        ):
            wish, wide, members = blocks.pop()
            # Wishes of the right part, counted from the left end of the joint block.
            block = (wish + block[0] - wide * len(block[2]), wide + block[1], members + block[2])
        blocks.append(block)
    for wish, _, members in blocks:
        left = wish / len(members)
        for node in members:
            width = widths[node] + _GAP
            x[node] = left + width / 2
            left += width
