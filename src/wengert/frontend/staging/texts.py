"""Texts with run-time values in them.

A handle is formatted to a private mark; the text may be joined, stored and passed on like any other. Where it
comes to the surface (``print``, an error), the marks become places of a template.
"""

from __future__ import annotations

import re
from typing import Any

from wengert.frontend.staging.context import active, current
from wengert.frontend.staging.handles import Handle, Partial, describe
from wengert.ops.effects import escaped

__all__ = ["has_marks", "marked", "template_of"]

_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARK = re.compile(f"{_OPEN}(\\d+){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")

# Any: values of the program.


def marked(value: Any, spec: str = "", conversion: str = "") -> str:
    """The mark of a value in a text."""
    context = active()
    if isinstance(value, Partial):
        value = value.certain()
    context.texts.append(value)
    shown = (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
    return f"{_OPEN}{len(context.texts) - 1}{_MIDDLE}{shown}{_CLOSE}"


def has_marks(text: str) -> bool:
    """Whether a text has run-time values in it."""
    return _OPEN in text


def template_of(text: str, values: list[Any] | None = None) -> tuple[str, tuple[Any, ...]]:
    """The text as a template, and the values for its places."""
    context = active()
    given = [] if values is None else values
    out: list[str] = []
    end = 0
    for match in _MARK.finditer(text):
        out.append(escaped(text[end : match.start()]))
        out.append(f"{{{len(given)}{match[2]}}}")
        given.append(context.texts[int(match[1])])
        end = match.end()
    out.append(escaped(text[end:]))
    return "".join(out), tuple(given)


def _format(self: Handle, spec: str) -> str:
    return marked(self, spec)


def _repr(self: Handle) -> str:
    if current() is None:
        return f"<{describe(self)} of a captured program>"
    return marked(self, conversion="r")


Handle.__format__ = _format  # type: ignore[assignment, method-assign]
Handle.__str__ = marked  # type: ignore[method-assign]
Handle.__repr__ = _repr  # type: ignore[assignment, method-assign]
