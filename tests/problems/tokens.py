"""Length of a text as people count it: names, numbers and signs; brackets are free."""

from __future__ import annotations

import re

__all__ = ["tokens"]

_TOKEN = re.compile(r"[A-Za-z_][\w.]*|\d+\.?\d*(?:e-?\d+)?|\*\*|[-+*/@,]")


def tokens(text: object) -> int:
    """The number of tokens of a text (of an expression's text)."""
    return len(_TOKEN.findall(str(text)))
