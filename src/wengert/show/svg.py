"""The graph as an SVG picture, drawn by our own layout."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from wengert.ir.node import Expr
from wengert.show.drawing import Drawing, type_text
from wengert.show.layout import layered

__all__ = ["svg"]

_STYLE = (
    "text{font:14px Helvetica,Arial,sans-serif;text-anchor:middle;fill:#1b1f24}"
    "text.type{font-size:10px;fill:#57606a}"
    "rect{fill:#f6f8fa;stroke:#57606a}rect.leaf{fill:#ddf4ff}rect.root{stroke-width:2.5}"
    "path{fill:none;stroke:#8c959f}"
)
_HEIGHT = 40.0
_TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0,0 L8,4 L0,8 z" style="fill:#8c959f;stroke:none"/></marker></defs>'
)


def svg(roots: Iterable[Expr]) -> str:
    """The graph of some expressions as SVG: inputs above, results below, each shared node once."""
    drawing = Drawing(roots)
    nodes = drawing.nodes
    labels = {node: (drawing.label(node), type_text(node)) for node in nodes}
    widths = {
        node: max(40.0, 18 + 8.0 * len(top), 14 + 5.6 * len(below))
        for node, (top, below) in labels.items()
    }
    layout = layered(nodes, widths)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width:.0f}" height="{layout.height:.0f}">',
        f"<style>{_STYLE}</style>",
        _TIP,
    ]
    for node in nodes:
        for slot, arg in enumerate(drawing.args[node]):
            # Arrows to one node arrive side by side, in the order of the arguments.
            shift = (slot - (len(node.args) - 1) / 2) * min(14.0, widths[node] / len(node.args))
            lines.append(
                _edge(*layout.place[arg], layout.place[node][0] + shift, layout.place[node][1])
            )
    for node in nodes:
        x, y = layout.place[node]
        kind = " ".join(["root"] * (node in drawing.roots) + ["leaf"] * (not node.args))
        lines += _box(x, y, widths[node], labels[node], kind)
    return "\n".join([*lines, "</svg>", ""])


def _edge(x: float, y: float, to_x: float, to_y: float) -> str:
    start, end = y + _HEIGHT / 2, to_y - _HEIGHT / 2
    bend = min(60.0, (end - start) / 2)
    return (
        f'<path d="M{x:.1f},{start:.1f} C{x:.1f},{start + bend:.1f} '
        f'{to_x:.1f},{end - bend:.1f} {to_x:.1f},{end:.1f}" marker-end="url(#tip)"/>'
    )


def _box(x: float, y: float, width: float, texts: tuple[str, str], kind: str) -> list[str]:
    top, below = texts
    place = f'x="{x - width / 2:.1f}" y="{y - _HEIGHT / 2:.1f}"'
    lines = [
        f'<rect class="{kind}" {place} width="{width:.1f}" height="{_HEIGHT:.0f}" rx="8"/>',
        f'<text x="{x:.1f}" y="{y - 1 if below else y + 5:.1f}">{escape(top)}</text>',
    ]
    if below:
        lines.append(f'<text class="type" x="{x:.1f}" y="{y + 13:.1f}">{escape(below)}</text>')
    return lines
