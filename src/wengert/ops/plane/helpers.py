"""Functions of real numbers, by name: their records name functions of complex numbers in turn."""

from __future__ import annotations

import math
from typing import Any

from wengert.ir.node import OPERATORS, Expr, make
from wengert.ir.op import lookup
from wengert.ops.leaves import ZERO, const

__all__ = [
    "all_of",
    "applied",
    "compared",
    "is_finite",
    "is_infinite",
    "is_nan",
    "is_single",
    "is_wild",
    "is_zero",
    "select",
    "signed",
    "size_of",
    "typed",
]


def typed(value: Expr, dtype: str) -> Expr:
    """A real number as one of a dtype."""
    if value.value_type.dtype == dtype:
        return value
    if dtype == "bool":
        return OPERATORS.compare("ne", value, ZERO)
    return make(lookup("cast"), (value,), dtype)


def applied(name: str, *args: Any) -> Expr:  # Any: expressions and numbers
    nodes = tuple([a if isinstance(a, Expr) else const(a) for a in args])
    op = lookup(name)
    return make(op, nodes) if op.build is None else op.build(*nodes)


def compared(name: str, a: Any, b: Any) -> Expr:  # Any: see above
    return OPERATORS.compare(name, a, b)


def select(condition: Expr, yes: Any, no: Any) -> Expr:  # Any: see above
    return applied("where", condition, yes, no)


def all_of(*conditions: Expr) -> Expr:
    found = conditions[0]
    for condition in conditions[1:]:
        found = applied("logical_and", found, condition)
    return found


def size_of(x: Expr) -> Expr:
    return applied("abs", x)


def signed(size: Any, like: Expr) -> Expr:  # Any: see above
    """A number with the sign of another."""
    return applied("copysign", size, like)


def is_finite(x: Expr) -> Expr:
    return compared("lt", size_of(x), math.inf)


def is_infinite(x: Expr) -> Expr:
    return compared("eq", size_of(x), math.inf)


def is_wild(x: Expr) -> Expr:
    """Infinite or NaN."""
    return applied("logical_not", is_finite(x))


def is_nan(x: Expr) -> Expr:
    return compared("ne", x, x)


def is_zero(x: Expr) -> Expr:
    return compared("eq", x, ZERO)


def is_single(x: Expr) -> bool:
    return x.value_type.dtype == "float32"
