"""The short form that ``repr`` shows, safe for graphs of any size."""

from __future__ import annotations

from operator import attrgetter

from wengert.ir.node import Expr
from wengert.show.forms import Form
from wengert.show.names import Names
from wengert.show.precedence import Text, flat
from wengert.show.reading import Reading
from wengert.show.text import TextWriter

__all__ = ["brief"]

_NODES = 60
_LENGTH = 100


class _Eliding(TextWriter):
    def write_elided(self, form: Form) -> Text:
        return Text(("…",))


class _PartialReading(Reading):
    """Reads the nodes nearest to the root; what is below is elided."""

    __slots__ = ()

    def __init__(self, root: Expr) -> None:
        near = level = {root}
        while level:  # whole levels, lest it depend on the age of the nodes which are left out
            level = {arg for node in level for arg in node.args} - near
            if len(near) + len(level) > _NODES:
                break
            near = near | level
        border = {arg for node in near for arg in node.args} - near
        nodes = sorted(near | border, key=attrgetter("serial"))
        super().__init__((root,), nodes, border)


def brief(e: Expr) -> str:
    """``<Expr x**2*sin(y) : float64>``; long texts are cut, deep parts shown as ``…``.

    >>> import wengert as wg
    >>> wg.symbol("x") ** 2
    <Expr x**2 : float64>
    """
    reading = _PartialReading(e)
    text = flat([_Eliding(reading, Names(reading.nodes)).written(e)])
    text = text if len(text) <= _LENGTH else f"{text[: _LENGTH - 2]} …"
    return f"<Expr {text} : {e.type}>"
