"""Hangs the printers onto expressions: ``str(e)``, ``repr(e)``, ``e.latex()``, ``e.svg()`` and the others."""

from __future__ import annotations

from wengert.ir.node import Expr, provide
from wengert.show.brief import brief
from wengert.show.letbind import written_with_lets
from wengert.show.precedence import flat
from wengert.show.text import TextWriter

__all__ = ["latex", "numpy_source", "text", "unicode"]


def text(e: Expr) -> str:
    """The formula that builds the expression, as Python text.

    Long ones begin with ``let t1 = ...; t2 = ...;`` for their shared parts.
    """
    lines, bodies = written_with_lets(TextWriter, [e])
    body = flat(bodies)
    if not lines:
        return body
    lets = ";\n    ".join(f"{name} = {flat([part])}" for name, part in lines)
    return f"let {lets};\n{body}"


def numpy_source(e: Expr) -> str:
    """The expression as NumPy source; long ones begin with assignments, and the last line is the value."""
    from wengert.show.numpy_text import NumpyWriter, spelled_out

    lines, bodies = written_with_lets(NumpyWriter, [spelled_out(e)])
    return "\n".join([*(f"{name} = {flat([part])}" for name, part in lines), flat(bodies)])


def unicode(e: Expr) -> str:
    """The expression in Unicode mathematics; long ones end with ``where t1 = ...`` lines."""
    from wengert.show.unicode import UnicodeWriter

    lines, bodies = written_with_lets(UnicodeWriter, [e])
    where = [
        f"{'where' if not i else '     '} {name} = {flat([p])}" for i, (name, p) in enumerate(lines)
    ]
    return "\n".join([flat(bodies), *where])


def latex(e: Expr) -> str:
    """The expression in LaTeX; long ones are aligned lines with their shared parts first."""
    from wengert.show.latex import LatexWriter

    lines, bodies = written_with_lets(LatexWriter, [e])
    if not lines:
        return flat(bodies)
    rows = [f"{name} &= {flat([part])} \\\\" for name, part in lines]
    return "\n".join(["\\begin{aligned}", *rows, f"& {flat(bodies)}", "\\end{aligned}"])


def _dot(e: Expr) -> str:
    from wengert.show.dot import dot

    return dot([e])


def _svg(e: Expr) -> str:
    from wengert.show.svg import svg

    return svg([e])


provide("text", text)
provide("repr", brief)
provide("numpy", numpy_source)
provide("unicode", unicode)
provide("latex", latex)
provide("dot", _dot)
provide("svg", _svg)
