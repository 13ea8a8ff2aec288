"""Going through graphs without recursion: orders, substitution, rebuilding, counting.

An argument is always older than its user, so the reachable nodes sorted by age are a topological order.
A node that defines a size is used by every node that mentions the size, like an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

from wengert.ir.attributes import mapped
from wengert.ir.dims import Dim, Extent, any_defined, defined_name
from wengert.ir.node import OPERATORS, Expr, intern, make
from wengert.ir.op import Op
from wengert.ir.types import TupleType

__all__ = [
    "build",
    "depends_on",
    "extent_by",
    "leaves",
    "order",
    "rebuild",
    "renamed",
    "renaming",
    "replaced",
    "size_names",
    "substitute",
    "transform",
    "use_counts",
    "with_sizes",
]

_by_age = attrgetter("serial")


def order(roots: Iterable[Expr]) -> list[Expr]:
    """All nodes that the roots need, arguments before users."""
    stack = list(roots)
    seen = set(stack)
    if any_defined():
        _reach(stack, seen)
    while stack:
        for arg in stack.pop().args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen, key=_by_age)


def _reach(stack: list[Expr], seen: set[Expr]) -> None:
    """Empties the stack: all nodes below it, and definers of sizes, are seen."""
    while stack:
        node = stack.pop()
        for used in (*node.args, *node.needs):
            if used not in seen:
                seen.add(used)
                stack.append(used)


def leaves(roots: Iterable[Expr]) -> list[Expr]:
    """The nodes without arguments, oldest first."""
    return [node for node in order(roots) if not node.args]


def depends_on(nodes: Iterable[Expr], sources: Iterable[Expr]) -> set[Expr]:
    """Those of ``nodes`` (given in topological order) that are or use one of ``sources``."""
    found = set(sources)
    defined = any_defined()
    for node in nodes:
        for arg in (*node.args, *node.needs) if defined else node.args:
            if arg in found:
                found.add(node)
                break
    return found


def rebuild(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """The same op on other arguments, through its canonicalising constructor."""
    if args == node.args:
        return node
    return build(node.op, args, node.attr)


def build(op: Op, args: tuple[Expr, ...], attr: Any) -> Expr:  # Any: the op's static attribute
    """The canonical node of an op."""
    if op.build is not None:
        return op.build(*args) if attr is None else op.build(*args, attr=attr)
    if op.free:
        return intern(op, attr, args, op.result(attr=attr))
    return make(op, args, attr)


def replaced(node: Expr, done: Mapping[Expr, Expr]) -> Expr:
    """The node on what its arguments have become; sizes defined by what has changed are renamed."""
    args = tuple([done[a] for a in node.args]) if node.args else ()
    if node.needs:
        sizes = renaming(node.needs, done)
        if sizes:
            return build(node.op, args, renamed(node.attr, sizes))
    return rebuild(node, args) if args else node


def extent_by(node: Expr) -> Extent:
    """The extent that an integer node defines: a polynomial, as far as it is one of sizes."""
    return OPERATORS.extent(node)


def renaming(needs: Iterable[Expr], done: Mapping[Expr, Expr]) -> dict[str, Extent]:
    """By what the sizes that some nodes define are to be replaced, as these nodes are."""
    return {
        defined_name(node): extent_by(done[node])
        for node in needs
        if done.get(node, node) is not node
    }


def renamed(attr: Any, sizes: Mapping[str, Extent]) -> Any:
    """An attribute with other extents in place of defined sizes; bodies have sizes of their own."""

    def change(part: Any) -> Any:  # Any: an extent or a region
        return part.substitute(sizes) if isinstance(part, Dim) else part

    return mapped(attr, change)


def transform(roots: Iterable[Expr], change: Callable[[Expr], Expr]) -> list[Expr]:
    """Rebuild bottom-up: every node with its changed arguments is passed through ``change`` once."""
    roots = list(roots)
    done: dict[Expr, Expr] = {}
    for node in order(roots):
        done[node] = change(replaced(node, done))
    return [done[root] for root in roots]


def substitute(roots: Iterable[Expr], mapping: Mapping[Expr, Expr]) -> list[Expr]:
    """Replace nodes by others, simultaneously; a replaced node is not looked into."""
    roots = list(roots)
    done: dict[Expr, Expr] = dict(mapping)
    stack = [r for r in roots if r not in done]
    wanted = set(stack)
    defined = any_defined()
    while stack:
        node = stack.pop()
        for arg in (*node.args, *node.needs) if defined else node.args:
            if arg not in wanted and arg not in done:
                wanted.add(arg)
                stack.append(arg)
    nodes = sorted(wanted, key=_by_age)
    told = _told(nodes, mapping) if any(node.op.tells is not None for node in nodes) else {}
    for node in nodes:
        done[node] = _retold(node, done, told) if told else replaced(node, done)
    return [done[root] for root in roots]


def _told(nodes: Iterable[Expr], mapping: Mapping[Expr, Expr]) -> dict[str, Dim]:
    """New names for extents that only running tells, where what runs is going to be another.

    The same substitution gives the same names, so that its results can be used together.
    """
    changed = depends_on(nodes, [old for old, new in mapping.items() if new is not old])
    names = {node.op.tells(node.attr) for node in changed if node.op.tells is not None} - {""}
    for pair in mapping.items():
        for node in pair:
            names -= size_names(node)
    if not names:
        return {}
    key = hash(tuple(sorted((old.serial, new.serial) for old, new in mapping.items())))
    numbers = {n: int(n.removeprefix("%new").removeprefix("%n"), 16) for n in names}
    return {
        name: Dim.named(f"%n{hash((number, key)) & _WORD:x}") for name, number in numbers.items()
    }


_WORD = 0xFFFF_FFFF_FFFF_FFFF


def size_names(node: Expr) -> set[str]:
    """The names of sizes in the type of a node with one result."""
    if isinstance(node.type, TupleType):
        return set()
    return {name for e in node.type.shape if isinstance(e, Dim) for name in e.names}


def with_sizes(
    outputs: Iterable[Expr], names: Mapping[str, Extent], keep: Mapping[Expr, Expr] | None = None
) -> list[Expr]:
    """The same graphs with other extents for some names, in attributes, types and bodies."""
    outputs = list(outputs)
    done: dict[Expr, Expr] = dict(keep or {})
    for node in order(outputs):
        if node not in done:
            done[node] = _retold(node, done, names)
    return [done[out] for out in outputs]


def _retold(node: Expr, done: Mapping[Expr, Expr], names: Mapping[str, Extent]) -> Expr:
    """The node on what its arguments have become, with other extents for some names."""
    sizes = {**names, **renaming(node.needs, done)}

    def change(part: Any) -> Any:  # Any: an extent or a region
        if isinstance(part, Dim):
            return part.substitute(sizes)
        if part.names.isdisjoint(names):
            return part
        inner = (with_sizes(part.params, names), with_sizes(part.outputs, names))
        return type(part)(*map(tuple, inner))

    args = tuple([done[a] for a in node.args])
    attr = node.attr if node.op.key is not None else mapped(node.attr, change)
    same = args == node.args and (attr is node.attr or attr == node.attr)
    return node if same else build(node.op, args, attr)


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
