"""What a loop is, and the opaque extents of its rows: names, and renaming.

The extent of rows whose number only running the loop tells is named after the structure of the loop. In a
region that is its structure in terms of the parameters, so names are given anew when a body is closed,
and when it is opened, so that two openings of a body do not share extents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple
from zlib import crc32

from wengert.ir.dims import Dim, Extent, is_defined
from wengert.ir.dump import codec, mapped
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.walk import order, size_names, with_sizes

__all__ = ["Loop", "opaque_length", "renamed_anew", "renamed_by_structure", "told_by"]


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


def told_by(attr: Any) -> str:
    """The name of the extent that only running a loop tells, if there is one."""
    length = attr.length
    if not isinstance(length, Dim) or length.needs or length is not Dim.named(str(length)):
        return ""
    return str(length) if is_opaque(str(length)) else ""


def mentioned_names(node: Expr) -> set[str]:
    """The names that only running tells which a node needs to know: in its attribute, and in bodies."""
    found: set[str] = set()

    def note(part: Any) -> Any:  # Any: an extent or a region
        if isinstance(part, Dim):
            found.update(name for name in part.names if is_opaque(name))
        else:
            found.update(_mentioned_in(part))
        return part

    if node.attr is not None and node.op.key is None:
        attr = node.attr
        if isinstance(attr, Loop):  # its own length it tells
            attr = attr._replace(length=None)
        mapped(attr, note)
    return found


def _mentioned_in(region: Region) -> set[str]:
    told = {name for p in region.params for name in size_names(p)}
    names: set[str] = set()
    for node in region.nodes:
        names |= mentioned_names(node)
        if node.op.tells is not None:
            told.add(node.op.tells(node.attr))
    return names - told


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
        if node.op.tells is not None:
            text = node.op.tells(node.attr)
            if text:
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
            outputs = with_sizes(outputs, {name: new})
    raise AssertionError("unreachable: count never ends")


_anew = count()


def renamed_anew(outputs: Sequence[Expr], params: Sequence[Expr]) -> list[Expr]:
    """The outputs of a region with fresh names for its own opaque extents."""
    outside = {str(e) for p in params for e in p.shape}
    names: dict[str, Extent] = {
        name: Dim.named(f"%new{next(_anew):x}")
        for _, name in _loops(order(outputs))
        if name not in outside
    }
    return with_sizes(outputs, names) if names else list(outputs)
