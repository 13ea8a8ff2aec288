"""How many recursive calls around it a node needs."""

from __future__ import annotations

from wengert.ir.node import Expr
from wengert.ir.region import Region

__all__ = ["depth_of"]

_UNKNOWN = 1 << 30  # more than any nesting


def depth_of(node: Expr) -> int:
    """How many recursive calls around a node it needs: 0 if it is complete by itself."""
    op = node.op
    if op.recurs is not None:
        level: int = op.recurs(node.attr)
        return level + 1 if level >= 0 else _UNKNOWN
    if op.bodies is None:
        return 0
    found = max((_depth(body) for body in op.bodies(node.attr)), default=0)
    return found - 1 if found and op.binds is not None and op.binds(node.attr) else found


def _depth(region: Region) -> int:
    if region.recursive < 0:
        region.recursive = max((depth_of(node) for node in region.nodes), default=0)
    return region.recursive
