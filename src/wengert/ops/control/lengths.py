"""What a loop is, and the opaque extents of its rows: names, and renaming.

The extent of rows whose number only running the loop tells is named after the structure of the loop. In a
region that is its structure in terms of the parameters, so names are given anew when a body is closed,
and when it is opened, so that two openings of a body do not share extents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from wengert.ir.dims import Dim, Extent
from wengert.ir.dump import codec, mapped
from wengert.ir.node import Expr, make
from wengert.ir.region import Region
from wengert.ir.walk import order

__all__ = ["Loop", "opaque_length", "renamed_anew", "renamed_by_structure"]


class Loop(NamedTuple):
    """The body and what its parameters and outputs are.

    ``backward`` runs k from trip-1 down to 0; rows stand at their k all the same. ``length`` is the extent of
    stacked results (rows that are not reached are zero). ``counted`` puts the number of executed
    iterations before the other results.
    """

    body: Region
    carries: int
    scans: int = 0
    stacked: int = 0
    trip: bool = False
    go: bool = False
    counted: bool = False
    backward: bool = False
    length: Extent | None = None


codec(Loop)


def opaque_length(attr: Loop, args: Sequence[Expr]) -> Dim:
    """The extent named after the structure of a loop."""
    nodes = (*attr.body.params, *attr.body.outputs, *args)
    key = (attr[1:-1], tuple([node.serial for node in nodes]))
    return Dim.named(f"%n{hash(key) & 0xFFFF_FFFF_FFFF_FFFF:x}")


def _loops(nodes: Iterable[Expr]) -> list[tuple[Expr, str]]:
    """The first loop for each opaque extent that is not one of its trip count, with its name."""
    found: dict[str, Expr] = {}
    for node in nodes:
        if isinstance(node.attr, Loop) and isinstance(node.attr.length, Dim):
            text = str(node.attr.length)
            if text.startswith("%"):
                found.setdefault(text, node)
    return [(node, name) for name, node in found.items()]


def renamed_by_structure(outputs: Sequence[Expr], params: Sequence[Expr]) -> list[Expr]:
    """The outputs of a region with its own opaque extents named after the loops they come from."""
    outputs = list(outputs)
    outside = {str(e) for p in params for e in p.shape}
    for step in count():
        loops = [pair for pair in _loops(order(outputs)) if pair[1] not in outside]
        if step >= len(loops):
            return outputs
        node, name = loops[step]
        new = opaque_length(node.attr, node.args)
        if str(new) != name:
            outputs = _renamed(outputs, {name: new})
    raise AssertionError("unreachable: count never ends")


_anew = count()


def renamed_anew(outputs: Sequence[Expr], params: Sequence[Expr]) -> list[Expr]:
    """The outputs of a region with fresh names for its own opaque extents."""
    outside = {str(e) for p in params for e in p.shape}
    names = {
        name: Dim.named(f"%new{next(_anew)}")
        for _, name in _loops(order(outputs))
        if name not in outside
    }
    return _renamed(outputs, names) if names else list(outputs)


def _renamed(outputs: Sequence[Expr], names: Mapping[str, Dim]) -> list[Expr]:
    """The same graphs with other names of extents, in attributes, types and bodies."""

    def change(part: Any) -> Any:  # Any: an extent or a region
        if isinstance(part, Region):
            return Region(tuple(_renamed(part.params, names)), tuple(_renamed(part.outputs, names)))
        return _substituted(part, names)

    done: dict[Expr, Expr] = {}
    for node in order(outputs):
        args = tuple([done[a] for a in node.args])
        attr = node.attr if node.op.key is not None else mapped(node.attr, change)
        if args == node.args and attr == node.attr:
            done[node] = node
        elif node.op.build is None:
            done[node] = make(node.op, args, attr)
        else:
            options = {} if attr is None else {"attr": attr}
            done[node] = node.op.build(*args, **options)
    return [done[out] for out in outputs]


def _substituted(extent: Dim, names: Mapping[str, Dim]) -> Extent:
    if not extent.names & set(names):
        return extent
    total: Extent = 0
    for monomial, coefficient in extent.terms:
        term: Extent = coefficient
        for name in monomial:
            term = term * names.get(name, Dim.named(name))
        total = total + term
    return total
