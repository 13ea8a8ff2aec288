"""Control flow as ops with bodies: ``cond``, ``loop`` and ``call``.

A body is a closed :class:`~wengert.ir.region.Region`; what it uses from outside is passed as further
arguments (captures). Each of the ops has several results; :func:`item` picks one.
``branch``, ``for_loop``, ``while_loop`` and ``call`` build them from Python functions.
"""

from __future__ import annotations

from wengert.ops.control.call import CALL, call
from wengert.ops.control.cond import COND, branch
from wengert.ops.control.item import ITEM, item
from wengert.ops.control.loop import LOOP, for_loop, loop, while_loop

__all__ = [
    "CALL",
    "COND",
    "ITEM",
    "LOOP",
    "branch",
    "call",
    "for_loop",
    "item",
    "loop",
    "while_loop",
]
