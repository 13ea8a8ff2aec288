"""Going through graphs without recursion: orders, substitution, rebuilding, counting.

An argument is always older than its user, so the reachable nodes sorted by age are a topological order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from wengert.ir.node import Expr, make

__all__ = ["depends_on", "leaves", "order", "rebuild", "substitute", "transform", "use_counts"]

_by_age = attrgetter("serial")


def order(roots: Iterable[Expr]) -> list[Expr]:
    """All nodes that the roots need, arguments before users."""
    stack = list(roots)
    seen = set(stack)
    while stack:
        for arg in stack.pop().args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen, key=_by_age)


def leaves(roots: Iterable[Expr]) -> list[Expr]:
    """The nodes without arguments, oldest first."""
    return [node for node in order(roots) if not node.args]


def depends_on(nodes: Iterable[Expr], sources: Iterable[Expr]) -> set[Expr]:
    """Those of ``nodes`` (given in topological order) that are or use one of ``sources``."""
    found = set(sources)
    for node in nodes:
        for arg in node.args:
            if arg in found:
                found.add(node)
                break
    return found


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """The same op on other arguments, through its canonicalising constructor."""
    if args == node.args:
        return node
    op, attr = node.op, node.attr
    if op.build is None:
        return make(op, args, attr)
    return op.build(*args) if attr is None else op.build(*args, attr=attr)


def transform(roots: Iterable[Expr], change: Callable[[Expr], Expr]) -> list[Expr]:
    """Rebuild bottom-up: every node with its changed arguments is passed through ``change`` once."""
    roots = list(roots)
    done: dict[Expr, Expr] = {}
    for node in order(roots):
        args = tuple([done[a] for a in node.args]) if node.args else ()
        done[node] = change(rebuild(node, args))
    return [done[root] for root in roots]


def substitute(roots: Iterable[Expr], mapping: Mapping[Expr, Expr]) -> list[Expr]:
    """Replace nodes by others, simultaneously; a replaced node is not looked into."""
    roots = list(roots)
    done: dict[Expr, Expr] = dict(mapping)
    stack = [r for r in roots if r not in done]
    wanted = set(stack)
    while stack:
        for arg in stack.pop().args:
            if arg not in wanted and arg not in done:
                wanted.add(arg)
                stack.append(arg)
    for node in sorted(wanted, key=_by_age):
        done[node] = rebuild(node, tuple([done[a] for a in node.args])) if node.args else node
    return [done[root] for root in roots]


def use_counts(roots: Iterable[Expr]) -> dict[Expr, int]:
    """How many times each reachable node is used as an argument or as a root."""
    roots = list(roots)
    counts = dict.fromkeys(order(roots), 0)
    for node in counts:
        for arg in node.args:
            counts[arg] += 1
    for root in roots:
        counts[root] += 1
    return counts
