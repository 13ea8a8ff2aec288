"""Numbers of the graph's types as values of LLVM, and from one type to another."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

from wengert.lower.nest import Unsupported
from wengert.native.text import Function, Kind, kind
from wengert.ops.leaves import machine_number

__all__ = ["converted", "kind_of", "literal", "memory_kind"]

_ELEMENTS = {"float64": "double", "float32": "float", "int64": "i64", "int32": "i32", "bool": "i1"}


@cache
def kind_of(dtype: str, lanes: int = 1) -> Kind:
    """What a number of a type is in a register.

    >>> kind_of("float32", 4).text
    '<4 x float>'
    """
    element = _ELEMENTS.get(dtype)
    if element is None:
        raise Unsupported(f"numbers of type {dtype}")
    return kind(element, lanes)


@cache
def memory_kind(dtype: str, lanes: int = 1) -> Kind:
    """What it is in memory: a truth value takes a byte."""
    return kind("i8", lanes) if dtype == "bool" else kind_of(dtype, lanes)


def literal(value: Any, to: Kind) -> str:  # Any: whatever number a constant holds
    """A known number in every lane, converted as NumPy converts it.

    Raises:
        Unsupported: an integer of Python's that the type does not hold, at which NumPy raises an error.
    """
    half = 1 << 8 * to.bytes - 1
    whole = type(value) is int and not (to.is_float or to.element == "i1")
    if whole and not -half <= value < half:
        raise Unsupported(f"the integer {value} among those of {8 * to.bytes} bits")
    value = machine_number(value)
    if to.element == "i1":
        return to.constant(bool(value))
    if to.is_float:
        return to.constant(float(value))
    if isinstance(value, (float, Fraction)) and value != int(value):
        value = int(value)
    bits = 8 * to.bytes
    return to.constant((int(value) + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1))


def converted(f: Function, value: str, source: Kind, target: Kind) -> str:
    """The value in another type, with as many lanes.

    A float that no integer of the target is near to gives some integer, as in C.
    """
    if source is target:
        return value
    if target.element == "i1":
        return f.compare(source, "une" if source.is_float else "ne", value, source.constant(0))
    if source.mask is source:
        return f.convert("uitofp" if target.is_float else "zext", source, value, target)
    if source.is_float and target.is_float:
        return f.convert(
            "fpext" if target.bytes > source.bytes else "fptrunc", source, value, target
        )
    if target.is_float:
        return f.convert("sitofp", source, value, target)
    if source.is_float:
        return f.pure(f"freeze {target.text} {f.convert('fptosi', source, value, target)}")
    return f.convert("sext" if target.bytes > source.bytes else "trunc", source, value, target)
