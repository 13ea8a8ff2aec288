"""Is this graph well formed? Checks every node, inside regions too, against what the rest relies on.

* arguments are older than their users, so the graph has no cycle and age is a topological order;
* the type is what the op's type rule says, which also checks the attribute;
* a node is the interned one, and its canonicalising constructor gives it back unchanged;
* an op with several results is only used by projections;
* sizes in its type or attribute are defined by older nodes;
* a region uses nothing but its own numbered parameters, and no parameter occurs outside of one.
"""

from __future__ import annotations

from collections.abc import Iterable

from wengert.errors import GraphError, WengertError, worded
from wengert.ir.node import Expr, intern, type_of
from wengert.ir.op import registered
from wengert.ir.region import Region
from wengert.ir.types import TupleType
from wengert.ir.walk import build, leaves, order

__all__ = ["verify"]


def verify(roots: Iterable[Expr]) -> None:
    """Check the graphs below the given nodes.

    Raises:
        GraphError: a node is malformed; the message names it and says why.
    """
    roots = list(roots)
    _check_scope(roots, None)
    seen: set[Region] = set()
    stack = _regions(order(roots))
    while stack:
        region = stack.pop()
        if region not in seen:
            seen.add(region)
            _check_region(region)
            stack += _regions(order(region.outputs))


def _regions(nodes: Iterable[Expr]) -> list[Region]:
    return [b for n in nodes if n.op.bodies is not None for b in n.op.bodies(n.attr)]


def _fail(node: Expr, expected: str, got: str) -> GraphError:
    name = getattr(node.attr, "name", "") if node.op.free else ""
    subject = f"node {node.serial} `{node.op.name}{' ' if name else ''}{name}` of type {node.type}"
    return GraphError(worded(subject, expected=expected, got=got))


def _check_region(region: Region) -> None:
    for index, param in enumerate(region.params):
        if not param.op.bound or param.attr != (index, param.type):
            raise _fail(param, f"parameter {index} of a region", f"{param.attr}")
        _check_needs(param)
    for output in region.outputs:
        if isinstance(output.type, TupleType):
            raise _fail(output, "an output with one result", "several results")
    _check_scope(region.outputs, frozenset(region.params))


def _check_scope(roots: Iterable[Expr], params: frozenset[Expr] | None) -> None:
    for node in order(roots):
        if node.op.free:
            if params is None and node.op.bound:
                raise _fail(node, "a parameter only inside of its region", "one outside")
            if params is not None and node not in params:
                raise _fail(
                    node, "a region that uses only its parameters", "something from outside"
                )
        _check_node(node)


def _check_needs(param: Expr) -> None:
    for leaf in leaves(param.needs):
        if leaf.op.free and not leaf.op.bound:
            raise _fail(param, "sizes that parameters define in a type", f"{leaf.op.name}")


def _check_node(node: Expr) -> None:
    op = node.op
    if registered().get(op.name) is not op:
        raise _fail(node, "a registered op", "another record of that name, or none")
    for size in node.needs:
        if size.serial >= node.serial:
            raise _fail(node, "sizes defined before their use", f"node {size.serial}")
    for arg in node.args:
        if arg.serial >= node.serial:
            raise _fail(node, "arguments older than the node", f"node {arg.serial} `{arg.op.name}`")
        if isinstance(arg.type, TupleType) and not op.projection:
            raise _fail(
                node, "one result picked by a projection", f"all results of `{arg.op.name}`"
            )
    _check_type(node)
    _check_identity(node)


def _check_type(node: Expr) -> None:
    types = [a.type for a in node.args]
    try:
        type_ = type_of(node.op, node.args, node.attr)
    except (WengertError, ValueError, TypeError, LookupError, AttributeError) as error:
        got = f"attribute {node.attr!r} on {', '.join(map(str, types))} ({error})"
        raise _fail(node, "an attribute and arguments that its type rule accepts", got) from error
    if type_ is not node.type:
        raise _fail(node, f"type {type_} by its type rule", str(node.type))


def _check_identity(node: Expr) -> None:
    op, attr = node.op, node.attr
    try:
        again = intern(op, attr, node.args, node.type)
    except TypeError as error:
        raise _fail(node, "a hashable attribute", type(attr).__name__) from error
    if again is not node:
        raise _fail(node, "the interned node", "another of the same structure")
    if op.build is None or op.free:
        return
    again = build(op, node.args, attr)
    if again is not node:
        got = f"`{again.op.name}` {again.attr!r}"
        raise _fail(node, "a canonical node, which its constructor gives back", got)
