"""The graph in Graphviz' DOT language; each shared node is drawn once."""

from __future__ import annotations

from collections.abc import Iterable

from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.ir.types import TupleType
from wengert.ir.walk import order
from wengert.show.names import Names
from wengert.show.precedence import flat
from wengert.show.text import option_text
from wengert.show.unicode import UnicodeWriter, pretty_name
from wengert.show.writer import Writer

__all__ = ["dot", "label", "type_text"]

_LONGEST = 28


def dot(roots: Iterable[Expr]) -> str:
    """The graph of some expressions in DOT: operations, shapes, arrows from arguments to users."""
    roots = list(roots)
    nodes = order(roots)
    names = Names(nodes)
    number = {node: f"n{i}" for i, node in enumerate(nodes)}
    lines = [
        "digraph {",
        "  rankdir=BT;",
        '  node [fontname="Helvetica", shape=box, style=rounded];',
    ]
    for node in nodes:
        shape = ", shape=ellipse" if not node.args else ""
        weight = ", penwidth=2" if node in roots else ""
        text = "\\n".join(filter(None, (_escaped(label(node, names)), _escaped(type_text(node)))))
        lines.append(f'  {number[node]} [label="{text}"{shape}{weight}];')
    for node in nodes:
        for slot, arg in enumerate(node.args):
            note = f' [taillabel="{slot + 1}"]' if _is_ordered(node) else ""
            lines.append(f"  {number[arg]} -> {number[node]}{note};")
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _is_ordered(node: Expr) -> bool:
    return len(node.args) > 1 and not node.op.laws.commutative


def type_text(node: Expr) -> str:
    """The shape, and the dtype where it is not float64; empty for a plain scalar."""
    if isinstance(node.type, TupleType):
        return str(node.type)
    shape = extent_text(node.type.shape) if node.type.shape else ""
    dtype = "" if node.type.dtype == "float64" or not node.args else node.type.dtype
    return " ".join(filter(None, (shape, dtype)))


def label(node: Expr, names: Names) -> str:
    """A few signs for what the node does."""
    spell = node.op.spell
    match spell.notation:
        case "sum":
            return _sum_label(node)
        case "product":
            return "×" if node.attr.elementwise else str(node.attr)
        case "power":
            return "^"
        case "quotient":
            return "÷"
        case "compare" | "logic" | "not":
            return {"<=": "≤", "!=": "≠", "==": "="}.get(spell.symbol, spell.symbol)
        case "identity":
            return f"I ({node.attr})"
        case "literal" | "symbol":
            return _cut(_leaf_label(node, names))
    options = dict(spell.options(node)) if spell.options is not None else {}
    shown = ", ".join(f"{key}={option_text(value)}" for key, value in options.items())
    if not shown and node.attr is not None and node.op.bodies is None and spell.options is None:
        shown = str(node.attr)
    return _cut(f"{node.op.name} {shown}".rstrip())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _leaf_label(node: Expr, names: Names) -> str:
    if node in names.shown:
        return pretty_name(names.shown[node])
    from wengert.show.reading import Reading

    writer: Writer = UnicodeWriter(Reading([node]), names)
    return flat([writer.written(node)])


def _sum_label(node: Expr) -> str:
    coefficients = node.attr
    if all(c == 1 for c in coefficients):
        return "+"
    if len(coefficients) == 1:
        return "−" if coefficients[0] == -1 else f"{coefficients[0]} ×"
    terms = [f"{'−' if c < 0 else '+'}{'' if abs(c) == 1 else abs(c)}" for c in coefficients]
    return " ".join(terms)
