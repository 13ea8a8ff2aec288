"""What values of LLVM's intermediate language are: so many lanes of an element."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from struct import pack, unpack

__all__ = ["BOOL", "DOUBLE", "FLOAT", "I32", "I64", "Kind", "kind"]

_SHORT = {"double": "f64", "float": "f32"}
_BYTES = {"double": 8, "i64": 8, "float": 4, "i32": 4, "i8": 1, "i1": 1}
_INTEGER = {8: "i64", 4: "i32", 1: "i8"}


@dataclass(frozen=True, eq=False)
class Kind:
    """What a value is: so many lanes (1 is a scalar) of ``double float i64 i32 i8 i1``.

    There is one object for each kind, see `kind`; compare with ``is``.
    """

    element: str
    lanes: int
    text: str
    suffix: str  # in the names of intrinsics
    is_float: bool
    _constants: dict[float | int | str, str] = field(default_factory=dict, repr=False)

    @cached_property
    def mask(self) -> Kind:
        """As many truth values."""
        return kind("i1", self.lanes)

    @cached_property
    def integer(self) -> Kind:
        """As many integers of the same width."""
        return kind(_INTEGER[self.bytes], self.lanes)

    @cached_property
    def scalar(self) -> Kind:
        """One lane of it."""
        return kind(self.element, 1)

    @cached_property
    def bytes(self) -> int:
        """The size of one lane in memory."""
        return _BYTES[self.element]

    def of(self, element: str) -> Kind:
        """As many lanes of another element."""
        return kind(element, self.lanes)

    def of_lanes(self, lanes: int) -> Kind:
        """So many lanes of the same element."""
        return kind(self.element, lanes)

    def constant(self, value: float) -> str:
        """A number in every lane, to the last bit; floats are rounded to the element."""
        key = "-0" if value == 0 and self.is_float and str(value)[0] == "-" else value
        text = self._constants.get(key)
        if text is None:
            text = self._constants[key] = self.splat_of(self.literal(value))
        return text

    def literal(self, value: float) -> str:
        """A number as one lane of it is written."""
        if not self.is_float:
            return ("false", "true")[int(value)] if self.element == "i1" else str(int(value))
        value = float(value)
        if self.element == "float":  # LLVM writes these, too, as the bits of a double
            value = unpack("<f", pack("<f", value))[0]
        return f"0x{unpack('<Q', pack('<d', value))[0]:016X}"

    def splat_of(self, literal: str) -> str:
        """A constant of the element in every lane."""
        return literal if self.lanes == 1 else f"splat ({self.element} {literal})"

    def listed(self, values: Sequence[float]) -> str:
        """A constant with a value of its own in each lane."""
        if self.lanes == 1:
            return self.literal(values[0])
        return "<" + ", ".join(f"{self.element} {self.literal(v)}" for v in values) + ">"


def kind(element: str, lanes: int = 1) -> Kind:
    """The one kind with these lanes.

    >>> kind("double", 8).text, kind("float", 8).suffix
    ('<8 x double>', 'v8f32')
    """
    return _made(element, lanes)


@cache
def _made(element: str, lanes: int) -> Kind:
    short = _SHORT.get(element, element)
    if lanes == 1:
        return Kind(element, 1, element, short, element in _SHORT)
    return Kind(element, lanes, f"<{lanes} x {element}>", f"v{lanes}{short}", element in _SHORT)


DOUBLE, FLOAT, I64, I32, BOOL = (kind(e) for e in ("double", "float", "i64", "i32", "i1"))
