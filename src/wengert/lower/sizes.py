"""Sizes that only running tells: what has them comes after what tells them."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ir.types import TupleType
from wengert.ops.leaves import SIZE

__all__ = ["told_first"]

Tellers = dict[Expr, tuple[Expr, ...]]


def told_first(nodes: Sequence[Expr]) -> tuple[Sequence[Expr], Tellers]:
    """The nodes in an order in which sizes are known, and by node what tells those that no argument has."""
    tells = {n.op.tells(n.attr): n for n in reversed(nodes) if n.op.tells is not None}
    tells.pop("", None)
    if not tells:
        return nodes, {}
    told = {n: tuple([tells[name] for name in _names(n) if name in tells]) for n in nodes}
    told = {n: tuple([t for t in found if t is not n]) for n, found in told.items()}
    inside, done, found = set(nodes), set[Expr](), list[Expr]()
    todo = list(nodes)
    while todo:
        later: list[Expr] = []
        for node in todo:
            before = (*node.args, *node.needs, *told[node])
            if any(a in inside and a not in done for a in before):
                later.append(node)
            else:
                done.add(node)
                found.append(node)
        if len(later) == len(todo):  # they tell each other: whoever asks first is refused
            return [*found, *later], told
        todo = later
    return found, told


def _names(node: Expr) -> set[str]:
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    extents = [e for t in types for e in t.shape]
    if node.op is SIZE:
        extents.append(node.attr)
    return {name for e in extents if isinstance(e, Dim) for name in e.names}
