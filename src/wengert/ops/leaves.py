"""Leaves of the graph: constants, symbols, and the bound parameters of regions."""

from __future__ import annotations

import math
import struct
from collections.abc import Hashable, Iterable
from fractions import Fraction
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import Dim, Extent, length
from wengert.ir.dump import codec
from wengert.ir.facts import (
    FINITE,
    INTEGER,
    NEGATIVE,
    NONNEGATIVE,
    NONPOSITIVE,
    POSITIVE,
    fact_bits,
)
from wengert.ir.greek import canonical
from wengert.ir.node import Expr, intern
from wengert.ir.op import Laws, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import DTYPES, DType, Type

__all__ = [
    "CONSTANT",
    "MINUS_ONE",
    "ONE",
    "PARAM",
    "PI",
    "SIZE",
    "SYMBOL",
    "ZERO",
    "Name",
    "Number",
    "as_extent",
    "const",
    "e_const",
    "exact_number",
    "fresh",
    "is_negative",
    "machine_number",
    "number_of",
    "param",
    "pi",
    "size",
    "symbol",
]

Number: TypeAlias = int | Fraction | float


# --- constants -------------------------------------------------------------------------------------
_WEAK = {
    bool: Type("bool"),
    int: Type("int64", weak=True),
    Fraction: Type("float64", weak=True),
    float: Type("float64", weak=True),
    complex: Type("complex128", weak=True),
}


def _exact_key(value: Any) -> Hashable:
    """A key that keeps 1, 1.0, True, -0.0 and NaN apart: kind and bit pattern."""
    if isinstance(value, np.generic):  # first: NumPy's doubles are Python floats too
        return (value.dtype.str, value.tobytes())
    if isinstance(value, float):
        if value != value:
            return ("float", "nan")  # one NaN, whatever its bits: its text is one too
        return ("float", struct.pack("<d", value))
    if isinstance(value, complex):
        return ("complex", struct.pack("<dd", value.real, value.imag))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    return (type(value).__name__, value)


_WIDEST = 2**63  # one more than the largest 64-bit integer


def _constant_type(*, attr: Any) -> Type:
    weak = _WEAK.get(type(attr))
    if weak is not None:
        return weak
    name = attr.dtype.name
    if name not in DTYPES:
        raise TypeMismatchError(
            worded("constant", expected=f"one of {', '.join(DTYPES)}", got=name)
        )
    return Type(name, tuple(attr.shape))


def _constant_facts(*, attr: Any) -> int:
    if isinstance(attr, (np.ndarray, complex)) or not math.isfinite(machine_number(attr)):
        return 0
    bits = FINITE | (INTEGER if float(attr).is_integer() else 0)
    return bits | (POSITIVE if attr > 0 else NEGATIVE if attr < 0 else NONNEGATIVE | NONPOSITIVE)


def machine_number(number: Any) -> Any:
    """The number to compute with: a fraction, or an integer beyond 64 bits, as a float."""
    kind = number.__class__
    if kind is not Fraction and not (kind is int and not -_WIDEST <= number < _WIDEST):
        return number
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


CONSTANT = register(
    Op(
        name="constant",
        doc="A number or an array that is known.",
        result=_constant_type,
        evaluate=lambda *, attr: machine_number(attr),
        diff=NoDerivative("a constant", zero=True),
        spell=Spelling(notation="literal"),
        laws=Laws(facts=_constant_facts),
        key=_exact_key,
        cost=0.0,
        samples=(Sample(attr=2), Sample(attr=Fraction(-1, 3)), Sample(attr=0.1)),
    )
)

_common: dict[tuple[type, Number], Expr] = {}


def const(value: Any) -> Expr:
    """The constant node of a Python or NumPy number, a Fraction or an array (which is copied).

    Raises:
        TypeMismatchError: not a number or an array of a supported dtype.

    >>> import wengert as wg
    >>> wg.const(1) is wg.const(1.0), wg.const(2.5) is wg.const(2.5)
    (False, True)
    """
    kind = type(value)
    known = _common.get((kind, value)) if kind is int else None
    if known is not None:
        return known
    if isinstance(value, np.ndarray):
        value = np.array(value, order="C")  # a private copy: nodes never change
        value.setflags(write=False)
    elif kind is Fraction and value.denominator == 1:
        value = int(value)
    elif kind not in _WEAK and not isinstance(value, np.generic):
        raise TypeMismatchError(
            worded("constant", expected="a number or an array", got=f"{value!r} ({kind.__name__})")
        )
    return intern(CONSTANT, value, (), _constant_type(attr=value))


_LARGEST = 10**308  # beyond this a whole number is no float
_EXACT = 2**53  # whole numbers up to here are exact as floats


def exact_number(value: Number) -> Number:
    """The one form of a finite number used as a coefficient: equal values have the same class.

    Whole floats become ints and floats with a small power of two below the line become fractions, which
    changes no product by one bit; every other float stays as typed.

    >>> exact_number(2.0), exact_number(0.5), exact_number(0.1)
    (2, Fraction(1, 2), 0.1)
    """
    if value.__class__ is int:
        # Beyond 2**53 a float may be equal; the float is the form of both.
        return value if -_EXACT < value < _EXACT or float(value) != value else float(value)
    if isinstance(value, float):
        if value.is_integer():
            return int(value) if abs(value) < _EXACT else value
        numerator, denominator = value.as_integer_ratio()
        return Fraction(numerator, denominator) if denominator <= 1024 else value
    fraction = Fraction(value)
    if fraction.denominator == 1:
        return exact_number(int(fraction))
    power_of_two = fraction.denominator & (fraction.denominator - 1) == 0
    return float(fraction) if power_of_two and fraction.denominator > 1024 else fraction


def is_negative(number: Number) -> bool:
    """``number < 0``; a numerator tells the sign of a fraction ten times faster than comparing does."""
    return (number.numerator if isinstance(number, Fraction) else number) < 0


def number_of(node: Expr) -> Number | None:
    """The finite real number that a constant node stands for, in coefficient form; else ``None``."""
    if node.op is not CONSTANT:
        return None
    value: Any = node.attr  # Any: whatever a constant may hold
    if value.__class__ is int or value.__class__ is Fraction:
        return exact_number(value) if -_LARGEST < value < _LARGEST else None
    if isinstance(value, (bool, np.ndarray, complex, np.complexfloating)):
        return None
    value = float(value)
    if not math.isfinite(value) or (value == 0.0 and math.copysign(1.0, value) < 0):
        return None
    return exact_number(value)


for _small in range(-10, 11):
    _common[int, _small] = intern(CONSTANT, _small, (), _WEAK[int])
ZERO, ONE, MINUS_ONE = const(0), const(1), const(-1)


# --- named mathematical constants --------------------------------------------------------------------
class _Named(NamedTuple):
    name: str
    value: float
    unicode: str
    latex: str


codec(_Named)

PI = register(
    Op(
        name="named",
        doc="A mathematical constant with a name: pi, e.",
        result=lambda *, attr: Type("float64", weak=True),
        evaluate=lambda *, attr: attr.value,
        diff=NoDerivative("a constant", zero=True),
        spell=Spelling(notation="symbol"),
        laws=Laws(facts=lambda *, attr: POSITIVE | FINITE),
        cost=0.0,
        samples=(Sample(build=lambda: (pi, e_const)),),
    )
)


def _named(attr: _Named) -> Expr:
    return intern(PI, attr, (), Type("float64", weak=True))


pi: Expr = _named(_Named("pi", math.pi, "π", r"\pi"))
e_const: Expr = _named(_Named("e", math.e, "e", "e"))


# --- symbols -----------------------------------------------------------------------------------------
class Name(NamedTuple):
    """What identifies a symbol: its name, its type and what is assumed of it."""

    name: str
    type: Type
    facts: int


codec(Name)

SYMBOL = register(
    Op(
        name="symbol",
        doc="A free input of an expression.",
        result=lambda *, attr: attr.type,
        evaluate=lambda *, attr: None,  # the evaluator is given the values of symbols
        diff=NoDerivative("a symbol", zero=True),
        spell=Spelling(notation="symbol"),
        laws=Laws(facts=lambda *, attr: attr.facts),
        free=True,
        cost=0.0,
    )
)


def as_extent(extent: int | str | Dim) -> Extent:
    """An extent as users give it: a number, or a name.

    Raises:
        TypeMismatchError: neither a nonnegative int nor a name.
    """
    if isinstance(extent, str) and extent.isidentifier():
        return Dim.named(extent)
    if isinstance(extent, Dim) or (type(extent) is int and extent >= 0):
        return extent
    raise TypeMismatchError(
        worded("extent", expected="a nonnegative int or a name", got=repr(extent))
    )


def symbol(
    name: str,
    shape: int | str | Dim | Iterable[int | str | Dim] = (),
    *,
    dtype: DType = "float64",
    assume: Iterable[str] | str = (),
) -> Expr:
    """The symbol called ``name`` (``"α"`` and ``"alpha"`` are the same).

    ``shape``: an extent or several; an extent is a number or a name (``"n"``, ``("m", "n")``).
    ``assume``: names of assumptions such as ``"positive"``, ``"integer"``, ``"symmetric"``.

    >>> symbol("A", ("m", "n")).shape
    (Dim(m), Dim(n))
    """
    if isinstance(shape, (int, str, Dim)):
        shape = (shape,)
    facts = fact_bits((assume,) if isinstance(assume, str) else assume)
    type_ = Type(dtype, tuple(as_extent(s) for s in shape))
    return intern(SYMBOL, Name(canonical(name), type_, facts), (), type_)


_serial = count()


def fresh(type_: Type, hint: str = "t", facts: int = 0) -> Expr:
    """A symbol that nobody else has; its name starts with ``%``, which no user can write."""
    return intern(SYMBOL, Name(f"%{hint}{next(_serial)}", type_, facts), (), type_)


# --- sizes -------------------------------------------------------------------------------------------
SIZE = register(
    Op(
        name="size",
        doc="A symbolic extent as a number.",
        result=lambda *, attr: Type("int64", weak=True),
        evaluate=lambda *, attr: attr,
        resolve=length,
        build=lambda *, attr: size(attr),
        diff=NoDerivative("an extent does not vary", zero=True),
        spell=Spelling(notation="symbol"),
        laws=Laws(facts=lambda *, attr: INTEGER | POSITIVE | FINITE),
        cost=0.0,
        exempt={"samples": "stands for an extent, and samples give extents as numbers"},
    )
)


def size(extent: Extent) -> Expr:
    """An extent as a number: a constant, the node that defines it, or one that stands for it."""
    if isinstance(extent, int):
        return const(extent)
    if len(extent.needs) == 1 and len(extent.terms) == 1 and extent is Dim.of(extent.needs[0]):
        return extent.needs[0]
    return intern(SIZE, extent, (), Type("int64", weak=True))


# --- bound parameters ----------------------------------------------------------------------------------
PARAM = register(
    Op(
        name="param",
        doc="A bound parameter of a region, by position.",
        result=lambda *, attr: attr[1],
        evaluate=lambda *, attr: None,  # the evaluator is given the values of parameters
        diff=NoDerivative("a parameter", zero=True),
        spell=Spelling(notation="symbol"),
        cost=0.0,
        free=True,
        bound=True,
    )
)


def param(index: int, type_: Type) -> Expr:
    """The bound parameter number ``index`` of a region."""
    return intern(PARAM, (index, type_), (), type_)
