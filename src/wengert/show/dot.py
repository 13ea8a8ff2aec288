"""The graph in Graphviz' DOT language; each shared node is drawn once."""

from __future__ import annotations

from collections.abc import Iterable

from wengert.ir.node import Expr
from wengert.show.drawing import Drawing, is_ordered, type_text

__all__ = ["dot"]


def dot(roots: Iterable[Expr]) -> str:
    """The graph of some expressions in DOT: operations, shapes, arrows from arguments to users."""
    drawing = Drawing(roots)
    number = {node: f"n{i}" for i, node in enumerate(drawing.nodes)}
    lines = [
        "digraph {",
        "  rankdir=BT;",
        '  node [fontname="Helvetica", shape=box, style=rounded];',
    ]
    for node in drawing.nodes:
        shape = ", shape=ellipse" if not node.args else ""
        weight = ", penwidth=2" if node in drawing.roots else ""
        texts = (_escaped(drawing.label(node)), _escaped(type_text(node)))
        text = "\\n".join(filter(None, texts))
        lines.append(f'  {number[node]} [label="{text}"{shape}{weight}];')
    for node in drawing.nodes:
        for slot, arg in enumerate(drawing.args[node]):
            note = f' [taillabel="{slot + 1}"]' if is_ordered(node) else ""
            lines.append(f"  {number[arg]} -> {number[node]}{note};")
    return "\n".join([*lines, "}", ""])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
