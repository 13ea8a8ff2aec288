"""Pieces of C with how strongly they bind, literals, and the names of types."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from wengert.lower.nest import Unsupported
from wengert.ops.leaves import machine_number

__all__ = [
    "AND", "ATOM", "CHOICE", "COMPARE", "EQUAL", "OR", "PRODUCT", "SUM", "UNARY", "Text", "at_least",
    "called", "ctype", "joined", "literal", "plain_number",
]  # fmt: skip

CHOICE, OR, AND, BITS, EQUAL, COMPARE, SUM, PRODUCT, UNARY, ATOM = range(10)

_TYPES = {
    "float64": "double", "float32": "float", "int64": "int64_t", "int32": "int32_t", "bool": "bool",
}  # fmt: skip


class Text(NamedTuple):
    """A piece of C; ``level`` tells how strongly its outermost operator binds."""

    text: str
    level: int = ATOM


def ctype(dtype: str) -> str:
    """The type of C for numbers of a dtype."""
    found = _TYPES.get(dtype)
    if found is None:
        raise Unsupported(f"numbers of type {dtype}")
    return found


def at_least(text: Text, level: int) -> str:
    """A piece as the operand of something that binds so strongly."""
    return text.text if text.level >= level else f"({text.text})"


def called(name: str, *args: Text) -> Text:
    """A call of a function."""
    return Text(f"{name}({', '.join(a.text for a in args)})")


def joined(sign: str, a: Text, b: Text, level: int) -> Text:
    """``a sign b``, grouped from the left."""
    space = "" if level == PRODUCT and sign != "%" else " "
    return Text(f"{at_least(a, level)}{space}{sign}{space}{at_least(b, level + 1)}", level)


# --- literals ------------------------------------------------------------------------------------------
def literal(value: Any, dtype: str) -> Text:  # Any: whatever number a constant holds
    """A known number as one of a dtype, exactly, as NumPy converts it.

    >>> literal(Fraction(1, 4), "float32").text, literal(3, "float64").text, literal(2.5, "int64").text
    ('0.25f', '3.0', '2')
    """
    value = machine_number(value)
    if dtype == "bool":
        return Text("true" if value else "false")
    if dtype in ("int64", "int32"):
        return _integer(value, 64 if dtype == "int64" else 32)
    if dtype not in ("float64", "float32"):
        raise Unsupported(f"numbers of type {dtype}")
    single = dtype == "float32"
    with np.errstate(over="ignore"):
        number = float(np.float32(value)) if single else float(value)
    if math.isnan(number):
        return Text("NAN")
    if math.isinf(number):
        return Text("INFINITY") if number > 0 else Text("-INFINITY", UNARY)
    shown = str(np.float32(value)) if single else repr(number)
    if "." not in shown and "e" not in shown:
        shown += ".0"
    shown = shown.replace("e+", "e")
    return Text(f"{shown}f" if single else shown, UNARY if shown.startswith("-") else ATOM)


def _integer(value: Any, bits: int) -> Text:
    if isinstance(value, (float, Fraction)) and not math.isfinite(value):
        return Text(f"INT{bits}_MIN")
    number = (int(value) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
    if number == -(1 << bits - 1):
        return Text(f"INT{bits}_MIN")
    return Text(str(number), UNARY if number < 0 else ATOM)


def plain_number(value: Any, dtype: str) -> Text:
    """A number beside one of the dtype, where C converts it: ``2`` in ``2*x``."""
    value = machine_number(value)
    if dtype.startswith("float") and not isinstance(value, (bool, np.bool_)):
        number = float(value)
        whole = number == int(number) if math.isfinite(number) else False
        if whole and abs(number) < 10_000 and (number or math.copysign(1, number) > 0):
            return Text(str(int(number)), UNARY if number < 0 else ATOM)
    return literal(value, dtype)
