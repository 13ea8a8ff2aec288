"""Texts with run-time values in them.

A handle is formatted to a private mark; the text may be joined, padded, stored and passed on. Where it comes
to the surface (``print``, an error, a result), the marks become places of a template. What looks into the
text is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import Formatter
from typing import Any

from wengert.frontend.staging.context import NeedConcrete, active, current, refuse
from wengert.frontend.staging.handles import Array, Handle, Partial, describe
from wengert.ops.effects import escaped

__all__ = ["Text", "as_text", "has_marks", "marked", "percent", "template_of", "worded"]

_OPEN, _MIDDLE, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARK = re.compile(f"{_OPEN}(\\d+){_MIDDLE}([^{_CLOSE}]*){_CLOSE}")
_PRINTF = re.compile(r"%(?:\((\w+)\))?([#0\- +]*\d*(?:\.\d+)?)([a-zA-Z%])")
_PADDED = re.compile(r"%(-?)(\d*)s")

# Any: values of the program.


class Text(str):
    """A text with run-time values in it, which are known by their marks only."""

    __slots__ = ()

    def __str__(self) -> Text:
        return self

    def __add__(self, other: Any) -> Any:
        return as_text(str.__add__(self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return as_text(str.__add__(other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, times: Any) -> str:
        return as_text(str.__mul__(self, times))

    __rmul__ = __mul__

    def join(self, parts: Any) -> str:
        """As of a text."""
        return as_text(str.join(self, parts))

    def format(self, *args: Any, **kwargs: Any) -> str:
        """As of a text; braces in the values, which are not known, are no places."""
        return as_text(str.format(self, *args, **kwargs))

    def __format__(self, spec: str) -> str:
        if not spec:
            return self
        alone = _MARK.fullmatch(self)
        if alone is None or ":" in alone[2]:
            refuse(
                f"pads a text with run-time values in it to {spec!r}; give the width to each value, "
                "as in f'{x:>12}'",
                NeedConcrete,
            )
        return marked(active().texts[int(alone[1])], spec, alone[2][1:] or "s")

    def ljust(self, width: Any, fill: str = " ") -> str:
        """As of a text that is one value."""
        return format(self, f"{fill}<{width}")

    def rjust(self, width: Any, fill: str = " ") -> str:
        """As of a text that is one value."""
        return format(self, f"{fill}>{width}")

    def __repr__(self) -> str:
        whole = repr(_MARK.sub("", self))
        pieces, end = [whole[0]], 0
        for mark in _MARK.finditer(self):
            pieces += [_inside_quotes(self._part(end, mark.start()), whole[0]), mark[0]]
            end = mark.end()
        pieces += [_inside_quotes(self._part(end, None), whole[0]), whole[0]]
        return Text("".join(pieces))

    def _part(self, start: int, end: int | None) -> str:
        return str.__getitem__(self, slice(start, end))


def _inside_quotes(literal: str, quote: str) -> str:
    """The literal as ``repr`` writes it between these quotes."""
    body = repr(literal + '"')[1:-2]
    return body.replace("\\'", "'") if quote == '"' else body


def _refusing(name: str) -> Callable[..., Any]:
    what = {
        "__getitem__": "takes a part of",
        "__contains__": "looks for something in",
        "__iter__": "runs over the characters of",
        "__len__": "takes the length of",
        "__lt__": "compares", "__le__": "compares", "__gt__": "compares", "__ge__": "compares",
    }.get(name, f"str.{name} of")  # fmt: skip

    def refusing(self: Text, *args: Any, **kwargs: Any) -> Any:
        refuse(
            f"{what} a text with run-time values in it; use the numbers themselves", NeedConcrete
        )

    refusing.__name__ = name
    return refusing


# What Python asks of any object; and equality and hash: who compares texts asks for marks first.
_AS_EVER = frozenset(
    ("__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__getattribute__", "__getnewargs__",
     "__getstate__", "__hash__", "__init__", "__init_subclass__", "__ne__", "__new__", "__reduce__",
     "__reduce_ex__", "__rmod__", "__setattr__", "__sizeof__", "__subclasshook__", "maketrans")
)  # fmt: skip
for _name in set(dir(str)) - set(vars(Text)) - _AS_EVER:
    setattr(Text, _name, _refusing(_name))


def as_text(text: str) -> str:
    """A text that Python has made of others: with marks in it, a :class:`Text`."""
    return Text(text) if has_marks(text) else text


def marked(value: Any, spec: str = "", conversion: str = "") -> Text:
    """The mark of a value in a text."""
    context = active()
    if isinstance(value, Partial):
        value = value.certain()
    if isinstance(value, Array):
        value = value.__copy__()  # it may be changed before the text is shown
    context.texts.append(value)
    shown = (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
    return Text(f"{_OPEN}{len(context.texts) - 1}{_MIDDLE}{shown}{_CLOSE}")


def has_marks(text: str) -> bool:
    """Whether a text has run-time values in it."""
    return type(text) is Text or str.__contains__(text, _OPEN)


def percent(text: str, values: Any) -> str:
    """``text % values`` where values or texts are known at run time only."""
    if has_marks(text) or "*" in text:
        refuse("% of a text with run-time values or widths in it; use an f-string", NeedConcrete)
    named = isinstance(values, dict)
    left = iter(values if isinstance(values, tuple) else (values,))

    def fill(place: re.Match[str]) -> str:
        if place[3] == "%":
            return "%"
        value = values[place[1]] if named else next(left)
        return _percent_one(f"%{place[2]}{place[3]}", value)

    done = _PRINTF.sub(fill, text)
    if not named and next(left, left) is not left:
        raise TypeError("not all arguments converted during string formatting")
    return as_text(done)


def _percent_one(place: str, value: Any) -> str:
    if isinstance(value, Handle):
        return marked(value, place)
    if isinstance(value, str) and has_marks(value):
        padded = _PADDED.fullmatch(place)
        if padded is None:
            refuse(
                f"{place!r} of a text with run-time values in it; format the numbers", NeedConcrete
            )
        return format(
            as_text(value), f"{'<' if padded[1] else '>'}{padded[2]}" if padded[2] else ""
        )
    return place % (value,)


def template_of(text: str, values: list[Any] | None = None) -> tuple[str, tuple[Any, ...]]:
    """The text as a template, and the values for its places."""
    context = active()
    given = [] if values is None else values
    out: list[str] = []
    end = 0
    plain = str.__str__(text)
    for match in _MARK.finditer(plain):
        out.append(escaped(plain[end : match.start()]))
        out.append(f"{{{len(given)}{match[2]}}}")
        given.append(context.texts[int(match[1])])
        end = match.end()
    out.append(escaped(plain[end:]))
    return "".join(out), tuple(given)


def worded(template: str, values: Sequence[Any]) -> Text:
    """The text of a template with values in its places."""
    pieces: list[str] = []
    for literal, place, spec, conversion in Formatter().parse(template):
        mark = "" if place is None else marked(values[int(place)], spec or "", conversion or "")
        pieces += [literal, mark]
    return Text("".join(pieces))


def _format(self: Handle, spec: str) -> str:
    if has_marks(spec):
        refuse("formats a value to a width that only running the program tells", NeedConcrete)
    return marked(self, spec)


def _repr(self: Handle) -> str:
    if current() is None:
        return f"<{describe(self)} of a captured program>"
    return marked(self, conversion="r")


Handle.__format__ = _format  # type: ignore[assignment, method-assign]
Handle.__str__ = marked  # type: ignore[method-assign]
Handle.__repr__ = _repr  # type: ignore[assignment, method-assign]
