"""Control flow as ops with bodies: ``cond``, ``loop`` and ``call``.

A body is a closed :class:`~wengert.ir.region.Region`; what it uses from outside is passed as further
arguments (captures). Each of the ops has several results; :func:`item` picks one.
``branch``, ``for_loop``, ``while_loop`` and ``call`` build them from Python functions; ``joined_cond``,
``closed_loop`` and ``closed_call`` from graphs in symbols. ``pruned`` drops what nobody uses.
"""

from __future__ import annotations

from wengert.ops.control.call import CALL, call, closed_call
from wengert.ops.control.cond import COND, branch, joined_cond
from wengert.ops.control.item import ITEM, item, items
from wengert.ops.control.loop import LOOP, for_loop, loop, while_loop
from wengert.ops.control.looped import Looped, closed_loop
from wengert.ops.control.merged import merged, merged_nodes
from wengert.ops.control.pruned import pruned, pruned_nodes
from wengert.ops.control.recur import RECUR
from wengert.ops.control.recursion import Recursion, recursive

__all__ = [
    "CALL",
    "COND",
    "ITEM",
    "LOOP",
    "RECUR",
    "Looped",
    "Recursion",
    "branch",
    "call",
    "closed_call",
    "closed_loop",
    "for_loop",
    "item",
    "items",
    "joined_cond",
    "loop",
    "merged",
    "merged_nodes",
    "pruned",
    "pruned_nodes",
    "recursive",
    "while_loop",
]
