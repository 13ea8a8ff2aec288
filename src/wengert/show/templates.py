"""Templates of records, filled with texts; brackets where a place is not enclosed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from wengert.show.precedence import ATOM, COMPARE, POWER, PRODUCT, Text

if TYPE_CHECKING:
    from wengert.show.writer import Writer

__all__ = ["filled"]

CHOICE = COMPARE - 4  # Python's `a if c else b`, below its logic
_PLACE = re.compile(r"\{(\d+|attr)\}")
_OPENED = re.compile(r"([(\[{,|⌊⌈‖&]|\\l[a-z]+|\\\\|\bcases\}|\bif \})\s*$")
_CLOSED = re.compile(r"\s*([)\]},|⌋⌉‖&]|\\r[a-z]+|\\\\|\\end)")


@cache
def _parsed(template: str) -> tuple[tuple[str, ...], tuple[tuple[str, bool], ...], int]:
    """The literal pieces, each place with whether it is enclosed, and how strongly the whole binds."""
    marked = template.replace("{{", "\x00").replace("}}", "\x01")
    # `{{{0}}}` is a brace around a place: the innermost braces are the place's own.
    marked = re.sub(r"\x00\{(\d+|attr)\x01\}", "\x00{\\1}\x01", marked)
    places = list(_PLACE.finditer(marked))
    literal: list[str] = []
    found: list[tuple[str, bool]] = []
    end = 0
    for place in places:
        before = marked[end : place.start()].replace("\x00", "{").replace("\x01", "}")
        after = marked[place.end() :].replace("\x00", "{").replace("\x01", "}")
        enclosed = bool(_OPENED.search(before)) and bool(_CLOSED.match(after))
        literal.append(before)
        found.append((place.group(1), enclosed))
        end = place.end()
    literal.append(marked[end:].replace("\x00", "{").replace("\x01", "}"))
    enclosed_whole = bool(literal[0].strip()) and bool(literal[-1].strip())
    # An index behind its array: `{0}[1:]`, `{0}_{{1}}`; or a method: `{0}.astype(float)`.
    is_postfix = template.startswith(("{0}[", "{0}_", "{0}.")) and literal[-1].endswith(
        ("]", "}", ")")
    )
    if enclosed_whole or is_postfix:
        return tuple(literal), tuple(found), ATOM
    is_power = template.startswith(("{0}^{{", "{0}⁻", "{0}⁺")) and len(found) == 1
    return tuple(literal), tuple(found), POWER if is_power else PRODUCT


def filled(template: str, args: Sequence[Text], attr: Any, writer: Writer) -> Text:
    """The template with the arguments in their places (``attr``: the static attribute of the node)."""
    literal, places, level_of_all = _parsed(template)
    pieces: list[str | Text] = []
    for before, (place, enclosed) in zip(literal, places, strict=False):
        pieces.append(before)
        if place == "attr":
            pieces.append(str(attr))
        else:
            argument = args[int(place)]
            doubled = before.endswith("|") and argument.pieces[0] == before  # ||x|| is a norm
            level = ATOM + 1 if doubled else ATOM
            pieces.append(
                argument if enclosed and not doubled else writer.at_least(argument, level)
            )
    pieces.append(literal[-1])
    if getattr(writer, "target", "") == "python":
        level_of_all = _level_in_python(template)
    return Text(tuple(pieces), level_of_all, "template")


@cache
def _level_in_python(template: str) -> int:
    """How strongly a template of Python source binds: ``f({0})/2`` is a quotient."""
    depth, level = 0, CHOICE if " if " in template else ATOM
    for before, sign in zip(f" {template}", template, strict=False):
        depth += (sign in "([") - (sign in ")]")
        if depth == 0 and sign in "*/@%+-<>=" and before != "e":
            level = min(level, PRODUCT if sign in "*/@%" else COMPARE)
    return level
