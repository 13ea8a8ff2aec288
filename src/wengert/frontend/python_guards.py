"""Values with the conditions under which Python has them: elsewhere it raises an error.

A program that divides by zero, takes ``math.sqrt(-1)`` or overflows stops with an error in Python, where the
graph would go on with an infinity or NaN. An entry that stands for such a function returns a :class:`Guarded`
value, and the front end makes its guards into checks, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import Extent
from wengert.ir.facts import FINITE
from wengert.ir.known import facts_of
from wengert.ir.node import Expr
from wengert.ir.types import DType
from wengert.ops.choice import absolute, logical_and, logical_not, logical_or, lt, ne
from wengert.ops.leaves import CONSTANT, SIZE, const, number_of
from wengert.ops.numbers import PYTHON_INTEGER, python_number

__all__ = [
    "INT_BITS",
    "Bound",
    "Guard",
    "Guarded",
    "Ok",
    "as_float",
    "as_int",
    "both",
    "guarded",
    "implied",
    "is_finite",
    "kind_of",
    "largest",
    "largest_size",
    "message_of",
    "no_overflow",
    "nonzero",
    "number",
]

Ok: TypeAlias = "Expr | bool"
Bound: TypeAlias = Callable[[Expr], "int | None"]


class Guard(NamedTuple):
    """``ok`` has to hold, or Python raises the error; ``values`` fill the places of the message."""

    ok: Ok
    kind: str
    message: str
    values: tuple[Expr, ...] = ()


class Guarded(NamedTuple):
    """A value, or several, that Python has if all guards hold; the first that fails is the error."""

    value: Any  # Any: an expression, a Python value, or a tuple of them
    guards: tuple[Guard, ...]


def guarded(value: Any, *guards: Guard) -> Any:  # Any: as in Guarded
    """The value with those guards that may fail; the value itself if there are none."""
    left = tuple(g for g in guards if g.ok is not True)
    return Guarded(value, left) if left else value


def message_of(fails: Callable[[], Any], otherwise: str) -> str:
    """What this version of Python says of an error, where the text differs between versions."""
    try:
        fails()
    except (ArithmeticError, ValueError) as error:
        return str(error)
    return otherwise


# --- numbers -------------------------------------------------------------------------------------------
_KINDS = {"b": "bool", "i": "int", "f": "float", "c": "complex"}


def kind_of(node: Expr) -> str:
    """``"bool"``, ``"int"``, ``"float"`` or ``"complex"``."""
    return _KINDS[node.value_type.dtype[0]]


def number(node: Expr, what: str) -> Expr:
    """The argument, which has to be one number.

    Raises:
        TypeMismatchError: an array.
    """
    if node.ndim:
        raise TypeMismatchError(
            worded(
                what,
                expected="one number",
                got=f"an array, {node.type}",
                hint="use the function of NumPy",
            )
        )
    return node


def _as(node: Expr, dtype: DType) -> Expr:
    return python_number(node, dtype)


def as_float(node: Expr, what: str) -> Expr:
    """The argument as a Python float.

    Raises:
        TypeMismatchError: an array or a complex number.
    """
    if kind_of(number(node, what)) == "complex":
        raise TypeMismatchError(
            worded(what, expected="a real number", got="a complex one", hint="use cmath")
        )
    return _as(node, "float64")


def as_int(node: Expr, what: str) -> Expr:
    """The argument as a Python int.

    Raises:
        TypeMismatchError: no integer.
    """
    if kind_of(number(node, what)) not in ("bool", "int"):
        raise TypeMismatchError(
            worded(what, expected="an integer", got=f"a {kind_of(node)}", hint="int(x)")
        )
    return _as(node, "int64")


# --- conditions ----------------------------------------------------------------------------------------
def both(a: Ok, b: Ok) -> Ok:
    """``a and b``."""
    if isinstance(a, bool):
        return b if a else False
    if isinstance(b, bool):
        return a if b else False
    return logical_and(a, b)


def implied(premise: Ok, conclusion: Ok) -> Ok:
    """``conclusion or not premise``."""
    if isinstance(premise, bool):
        return conclusion if premise else True
    if isinstance(conclusion, bool):
        return True if conclusion else logical_not(premise)
    return logical_or(conclusion, logical_not(premise))


def nonzero(node: Expr) -> Ok:
    """Whether a number is not 0."""
    known = number_of(node)
    if known is not None:
        return bool(known != 0)
    if node.op is CONSTANT:
        return bool(node.attr != 0)
    return ne(node, const(0))


def is_finite(node: Expr) -> Ok:
    """Whether a number is neither infinite nor NaN."""
    if kind_of(node) in ("bool", "int") or facts_of(node) & FINITE:
        return True
    if node.op is CONSTANT:
        return bool(np.isfinite(node.attr))
    return lt(absolute(node), const(np.inf))


def no_overflow(value: Expr, *args: Expr) -> Ok:
    """Whether the value of finite arguments is finite, or NaN."""
    premise: Ok = True
    for arg in args:
        premise = both(premise, is_finite(arg))
    return implied(premise, ne(absolute(value), const(np.inf)))


# --- whole numbers in 64 bits ----------------------------------------------------------------------------
INT_BITS = (
    "integer exceeds 64 bits in compiled code; use a float or keep it outside the differentiated"
    " function"
)
_LARGEST_SIZE = 2**40  # no array has more elements along an axis
_DEPTH = 4


def largest_size(extent: Extent) -> int:
    """A number that the absolute value of a polynomial in sizes cannot exceed."""
    if isinstance(extent, int):
        return abs(extent)
    return sum(abs(c) * _LARGEST_SIZE ** len(monomial) for monomial, c in extent.terms)


def largest(node: Expr, bound: Bound | None = None, depth: int = _DEPTH) -> int | None:
    """A number that the absolute value of an integer cannot exceed, as far as is plain to see."""
    if node.op is CONSTANT and isinstance(node.attr, (bool, int, np.integer, np.bool_)):
        return abs(int(node.attr))
    if kind_of(node) == "bool":
        return 1
    if node.op is SIZE:
        return largest_size(node.attr)
    known = None if bound is None else bound(node)
    if known is not None or not depth:
        return known
    if node.op is PYTHON_INTEGER and kind_of(node.args[0]) in ("bool", "int"):
        return largest(node.args[0], bound, depth - 1)
    if node.value_type.dtype == "int32":
        return 2**31
    return None
