"""What a loop is, and the opaque extents of its rows: names, and renaming.

The extent of rows whose number only running the loop tells is named after the structure of the loop. In a
region that is its structure in terms of the parameters, so names are given anew when a body is closed,
and when it is opened, so that two openings of a body do not share extents.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple
from zlib import crc32

from wengert.ir.dims import Dim, Extent, is_defined
from wengert.ir.dump import codec, mapped
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.walk import build, order, renaming

__all__ = ["REPEATING", "Loop", "opaque_length", "renamed_anew", "renamed_by_structure"]


class Loop(NamedTuple):
    """The body and what its parameters and outputs are.

    ``backward`` runs k from trip-1 down to 0; rows stand at their k all the same. ``length`` is the extent of
    stacked results (rows that are not reached are zero). ``counted`` puts the number of executed
    iterations before the other results. ``checkpoint`` says with how many copies of the carried values
    reverse mode makes do (0: as many as the third root of the iterations asks for; ``None``: it saves
    something of every iteration).
    """

    body: Region
    carries: int
    scans: int = 0
    stacked: int = 0
    trip: bool = False
    go: bool = False
    counted: bool = False
    backward: bool = False
    checkpoint: int | None = None
    length: Extent | None = None


codec(Loop)


def is_opaque(text: str) -> bool:
    """Whether the text of an extent is the name of one that only running a loop tells."""
    return text.startswith("%") and not is_defined(text)


# Classes of attributes whose last field may be such an extent and whose first is a body: loops, and ops
# that call a solver which goes in steps. Any: they are named tuples of different fields.
REPEATING: list[type[Any]] = [Loop]


def opaque_length(attr: Any, args: Sequence[Expr]) -> Dim:
    """The extent named after the structure of a loop."""
    nodes = (*attr.body.params, *attr.body.outputs, *args)
    # The hash of a text differs from process to process.
    fields = attr[1:-1] if isinstance(attr, Loop) else crc32(repr(attr[1:-1]).encode())
    key = (fields, tuple([node.serial for node in nodes]))
    return Dim.named(f"%n{hash(key) & 0xFFFF_FFFF_FFFF_FFFF:x}")


def _loops(nodes: Iterable[Expr]) -> list[tuple[Expr, str]]:
    """The first loop for each opaque extent that is not one of its trip count, with its name."""
    found: dict[str, Expr] = {}
    for node in nodes:
        if type(node.attr) in REPEATING and isinstance(node.attr.length, Dim):
            text = str(node.attr.length)
            if is_opaque(text):
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

    done: dict[Expr, Expr] = {}
    for node in order(outputs):
        sizes = {**names, **renaming(node.needs, done)}

        def change(part: Any, sizes: Mapping[str, Extent] = sizes) -> Any:  # Any: an extent or body
            if not isinstance(part, Region):
                return part.substitute(sizes)
            params, inner = _renamed(part.params, names), _renamed(part.outputs, names)
            return Region(tuple(params), tuple(inner))

        args = tuple([done[a] for a in node.args])
        attr = node.attr if node.op.key is not None else mapped(node.attr, change)
        same = args == node.args and (attr is node.attr or attr == node.attr)
        done[node] = node if same else build(node.op, args, attr)
    return [done[out] for out in outputs]
