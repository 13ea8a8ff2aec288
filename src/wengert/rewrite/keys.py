"""An order of nodes by what they are, not by when they were made.

So a result does not depend on the order in which its parts were constructed, nor on the process.
"""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias
from zlib import crc32

from wengert.ir.node import Expr
from wengert.ir.op import Op
from wengert.ops.einstein import EIN, Spec
from wengert.ops.leaves import CONSTANT, SYMBOL, Name
from wengert.ops.powers import POW
from wengert.ops.sums import LIN

__all__ = ["Key", "order_key"]

# class of the node, name, digest of the structure, age (only to tell digests apart that collide)
Key: TypeAlias = tuple[int, str, int, int]


@cache
def _code(text: str) -> int:
    return crc32(text.encode())


@cache
def _op_code(op: Op) -> int:
    return crc32(op.name.encode())


def order_key(node: Expr, known: dict[Expr, Key]) -> Key:
    """The sort key of a node: numbers, symbols, functions, sums. ``known`` remembers results."""
    key = known.get(node)
    if key is not None:
        return key
    stack = [node]
    while stack:
        top = stack[-1]
        if top in known:
            stack.pop()
            continue
        missing = [a for a in top.args if a not in known]
        if missing:
            stack += missing
            continue
        known[top] = _key(top, known)
        stack.pop()
    return known[node]


def _key(node: Expr, known: dict[Expr, Key]) -> Key:
    op = node.op
    if not node.args:
        if op is SYMBOL:
            name: Name = node.attr
            return 2, name.name, _code(f"{name.type}{name.facts}"), node.serial
        if op is CONSTANT:
            return 0, "", _code(repr(node.attr)), node.serial
        return 1, op.name, _code(str(node.attr)), node.serial
    inner = [known[a] for a in node.args]
    if op is EIN:
        return 5, "", hash((_op_code(op), tuple(sorted(_patterns(node.attr, inner))))), node.serial
    if op is LIN:
        terms = sorted((k[2], hash(c)) for k, c in zip(inner, node.attr, strict=True))
        return 7, "", hash((_op_code(op), tuple(terms))), node.serial
    if op is POW:
        base = inner[0]
        return max(base[0], 3), base[1], hash((1, base[2], inner[1][2])), node.serial
    digests = [k[2] for k in inner]
    if op.laws.commutative:
        digests.sort()
    return 4, op.name, hash((_op_code(op), *digests, _attr_code(node.attr))), node.serial


def _patterns(spec: Spec, inner: list[Key]) -> list[tuple[int, tuple[int, ...]]]:
    """Each factor with its axes, summed ones told apart from none but the output's."""
    rank = len(spec.out)
    return [
        (key[2], tuple(a if a < rank else -1 for a in axes))
        for key, axes in zip(inner, spec.factors, strict=True)
    ]


def _attr_code(attr: Any) -> int:  # Any: whatever static attribute an op has
    return 0 if attr is None else _code(repr(attr))
