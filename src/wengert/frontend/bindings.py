"""``let t1 = ...; t2 = ...; body``: names for shared parts, as long texts of expressions have them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from wengert.frontend.mistakes import Mistake
from wengert.ir.greek import canonical
from wengert.ir.node import Expr

if TYPE_CHECKING:
    from wengert.frontend.actions import Reading

__all__ = ["read_with_bindings"]

_BEGIN = re.compile(r"\s*let\s+(?=[^\W\d]\w*\s*=(?!=))")
_BINDING = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)")


def read_with_bindings(text: str, reading: Reading, read: Callable[[str], Expr]) -> Expr:
    """The value of the body, each name standing for its formula from there on.

    Raises:
        Mistake: what stands between two semicolons is no binding, or its name has been used before.
    """
    begin = _BEGIN.match(text)
    if begin is None:
        return read(text)
    declared = dict(reading.declared)
    reading.declared = declared
    start = begin.end()
    *bindings, body = text[start:].split(";")
    for binding in bindings:
        head = _BINDING.match(binding)
        if head is None:
            raise Mistake("expected a binding; try: let t = x + 1; t*t", start)
        name = canonical(head.group(1))
        if name in declared or name in reading.new or name in reading.constants:
            raise Mistake(
                f"`{name}` has a meaning already; try: another name", start + head.start(1)
            )
        declared[name] = _from(start + head.end(), binding[head.end() :], read)
        start += len(binding) + 1
    return _from(start, body, read)


def _from(start: int, piece: str, read: Callable[[str], Expr]) -> Expr:
    try:
        return read(piece)
    except Mistake as mistake:
        mistake.position += start
        raise
