"""Pieces of text with their binding strength, and where brackets are needed.

``*``, ``/`` and ``@`` bind equally in Python and group from the left; the kinds of products are told apart so
that a mix which a reader could take wrongly gets brackets even where Python needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

__all__ = ["ATOM", "COMPARE", "NEG", "POWER", "PRODUCT", "SUM", "Text", "flat"]

COMPARE, SUM, NEG, PRODUCT, POWER, ATOM = 0, 1, 2, 3, 4, 5

Pieces: TypeAlias = "tuple[str | Text, ...]"


class Text:
    """Pieces of text, not yet joined, so that a node costs what it adds and not what it contains.

    ``level``: how strongly its outermost operator binds. ``kind``: which product it is, if it is one.
    ``raw``: it begins with a typed number, so a minus in front would be read as part of that number.
    """

    __slots__ = ("kind", "level", "pieces", "raw")
    pieces: Pieces
    level: int
    kind: str
    raw: bool

    def __init__(
        self, pieces: Pieces, level: int = ATOM, kind: str = "", raw: bool = False
    ) -> None:
        self.pieces, self.level, self.kind, self.raw = pieces, level, kind, raw


def flat(texts: Iterable[Text | str]) -> str:
    """The joined text.

    >>> flat([Text(("sin(", Text(("x",)), ")"))])
    'sin(x)'
    """
    done: list[str] = []
    stack: list[Text | str] = list(texts)[::-1]
    while stack:
        top = stack.pop()
        if isinstance(top, str):
            done.append(top)
        else:
            stack.extend(top.pieces[::-1])
    return "".join(done)
