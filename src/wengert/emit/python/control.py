"""Branches, loops and calls as Python writes them."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.emit.python.branches import emit_branches
from wengert.emit.python.emission import Emission
from wengert.emit.python.loops import emit_loop
from wengert.emit.python.memory import together
from wengert.emit.python.regions import Branches, Called, Looping
from wengert.emit.python.values import Buffer, Value
from wengert.emit.python.writer import dims_in
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_inexact
from wengert.ops.control.lengths import is_opaque
from wengert.show.precedence import Text

__all__ = ["emit_control"]


def emit_control(emission: Emission, value: Value) -> None:
    """Write a branch, a loop or a call with all that is in it."""
    match value.parts:
        case Branches():
            emit_branches(emission, value, value.parts)
        case Looping():
            emit_loop(emission, value, value.parts)
        case Called():
            _emit_call(emission, value, value.parts)


def _emit_call(emission: Emission, value: Value, parts: Called) -> None:
    node = value.node
    statement = node.op.spell.statement
    args = [emission.written(a) for a in parts.args]
    count = len(node.type.items) if not isinstance(node.type, Type) else 1
    if statement is None:
        ((function, sizes),) = zip(parts.functions, parts.sizes, strict=True)
        text = f"{function.name}({', '.join([*args, *map(emission.written, sizes)])})"
        # One number needs no variable; what only counts may be the token of an effect.
        if count == 1 and parts.items and is_inexact(parts.items[0].node.value_type):
            item = parts.items[0]
            item.deps, value.deps = value.deps, ()
            emission.give(item, Text((text,)), (Buffer(owned=False), *together(parts.args)))
            return
    names = [emission.result_name(parts.items.get(i)) for i in range(count)]
    if statement is None:
        value.block.add(f"{', '.join(names)} = {text}")
    else:
        functions = [
            _with_sizes(emission, f.name, sizes)
            for f, sizes in zip(parts.functions, parts.sizes, strict=True)
        ]
        for helper in node.op.spell.helpers:
            emission.writer.helper(helper.__name__)
        for line in statement(_spelled(emission, node), [*args, *functions], names):
            value.block.add(line)
    for index, item in parts.items.items():
        emission.hold(item, names[index])
        if item.is_array:
            item.lie_in((Buffer(owned=False), *together(parts.args)), whole=False)
    emission.finish(value)


def _spelled(emission: Emission, node: Expr) -> Expr:
    """The node with the sizes in its attribute as the source names them, but for sizes that only it tells."""
    types = (node.type,) if isinstance(node.type, Type) else node.type.items
    own = {str(e) for t in types for e in t.shape if is_opaque(str(e))}
    return node if dims_in(node.attr) <= own else emission.writer.renamed(node)


def _with_sizes(emission: Emission, name: str, sizes: Sequence[Value]) -> str:
    """A function that is given sizes behind its arguments."""
    if not sizes:
        return name
    return f"(lambda *args: {name}(*args, {', '.join(emission.written(s) for s in sizes)}))"
