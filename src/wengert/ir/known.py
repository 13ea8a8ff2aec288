"""What is known of a node: the facts of its leaves, passed upwards by the ops' laws."""

from __future__ import annotations

from wengert.ir.facts import NONE, NONZERO, SYMMETRIC, closed
from wengert.ir.node import OPERATORS, Expr

__all__ = ["facts_of", "is_symmetric", "knows"]


def facts_of(node: Expr) -> int:
    """The fact bits of a node (see ``ir.facts``)."""
    if node._facts >= 0:
        return node._facts
    stack = [node]
    while stack:
        top = stack[-1]
        if top._facts >= 0:
            stack.pop()
            continue
        unknown = [a for a in top.args if a._facts < 0]
        if unknown:
            stack.extend(unknown)
            continue
        rule = top.op.laws.facts
        if rule is None:
            bits = NONE
        else:
            given = [a._facts for a in top.args]
            bits = rule(*given) if top.attr is None else rule(*given, attr=top.attr)
            if not top.type.needs and any(a.type.needs for a in top.args):
                bits &= ~NONZERO  # a sum over an axis that may be empty
        top._facts = closed(bits)
        if top.op.laws.self_transpose and not bits & SYMMETRIC and _equals_transpose(top):
            top._facts = closed(bits | SYMMETRIC)
        stack.pop()
    return node._facts


def _equals_transpose(node: Expr) -> bool:
    shape = node.shape
    return len(shape) == 2 and shape[0] == shape[1] and OPERATORS.transpose(node) is node


def knows(node: Expr, bits: int) -> bool:
    """Whether all the given fact bits are known of the node."""
    return facts_of(node) & bits == bits


def is_symmetric(node: Expr) -> bool:
    """Whether the node is known to be a symmetric matrix."""
    return knows(node, SYMMETRIC)
