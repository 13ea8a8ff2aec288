"""Complex numbers as pairs of real ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeAlias

from wengert.ir.node import Expr
from wengert.ir.types import Type, promote
from wengert.ops.leaves import const
from wengert.ops.plane.helpers import (
    select,
    typed,
)

__all__ = [
    "REALS",
    "Given",
    "Pair",
    "chosen",
    "dtype_of",
    "of_pairs",
    "paired",
    "real_type",
]


class Pair(NamedTuple):
    """The real and the imaginary part of a complex number."""

    re: Expr
    im: Expr


Given: TypeAlias = Expr | Pair

REALS = {"complex64": "float32", "complex128": "float64"}


def real_type(value: Given) -> Type:
    return value.value_type if isinstance(value, Expr) else promote(*[p.value_type for p in value])


def paired(value: Given, dtype: str = "") -> Pair:
    """A number as a pair, of parts of a dtype if one is given; the imaginary part of a real one is 0."""
    pair = value if isinstance(value, Pair) else Pair(value, const(0.0))
    if not dtype:
        dtype = real_type(value).dtype
    if dtype not in ("float32", "float64"):
        dtype = "float64"
    return Pair(*[typed(p, dtype) for p in pair])


def of_pairs(function: Callable[..., Any]) -> Callable[..., Any]:  # Any: Pair or Expr
    """A function of numbers of one complex type."""

    @wraps(function)
    def converting(*args: Given, **options: Any) -> Any:  # Any: the attribute
        dtype = promote(*[real_type(a) for a in args]).dtype
        return function(*[paired(a, dtype) for a in args], **options)

    return converting


def dtype_of(z: Pair) -> str:
    return real_type(z).dtype


def chosen(condition: Expr, yes: Pair, no: Pair) -> Pair:
    return Pair(select(condition, yes.re, no.re), select(condition, yes.im, no.im))
