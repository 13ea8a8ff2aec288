"""Parts, choice, sums, products and quotients."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from wengert.ir.node import Expr
from wengert.ir.op import lookup
from wengert.ir.types import promote
from wengert.ops.leaves import ZERO, const
from wengert.ops.plane.helpers import (
    all_of,
    applied,
    compared,
    is_infinite,
    is_nan,
    is_zero,
    select,
    signed,
    size_of,
    typed,
)
from wengert.ops.plane.pairs import (
    REALS,
    Given,
    Pair,
    chosen,
    dtype_of,
    of_pairs,
    paired,
    real_type,
)

__all__ = [
    "angle",
    "both",
    "cast",
    "conj",
    "either",
    "equal",
    "from_parts",
    "imag",
    "inverse",
    "kind",
    "modulus",
    "neither",
    "phase",
    "product",
    "quotient",
    "real",
    "times",
    "times_as_c",
    "total",
    "truth",
    "unequal",
    "where",
]


@of_pairs
def conj(z: Pair) -> Pair:
    return Pair(z.re, -z.im)


@of_pairs
def real(z: Pair) -> Expr:
    return z.re


@of_pairs
def imag(z: Pair) -> Expr:
    return z.im


def from_parts(x: Expr, y: Expr) -> Pair:
    dtype = promote(x.value_type, y.value_type).dtype
    dtype = dtype if dtype in ("float32", "float64") else "float64"
    return Pair(typed(x, dtype), typed(y, dtype))


@of_pairs
def modulus(z: Pair) -> Expr:
    return applied("hypot", z.re, z.im)


@of_pairs
def angle(z: Pair) -> Expr:
    return applied("atan2", z.im, z.re)


@of_pairs
def phase(z: Pair) -> Pair:
    size = modulus(z)
    flat, both = is_infinite(z.re), all_of(is_infinite(z.re), is_infinite(z.im))
    far = chosen(flat, Pair(signed(1.0, z.re), const(0.0)), Pair(const(0.0), signed(1.0, z.im)))
    far = chosen(both, Pair(const(math.nan), const(math.nan)), far)
    found = chosen(is_infinite(size), far, Pair(z.re / size, z.im / size))
    found = chosen(is_zero(size), Pair(const(0.0), const(0.0)), found)
    return chosen(is_nan(size), Pair(const(math.nan), const(math.nan)), found)


def cast(z: Given, *, attr: str) -> Given:
    if attr in REALS:
        return paired(z, REALS[attr])
    return typed(paired(z).re, attr)


def truth(z: Given) -> Expr:
    if isinstance(z, Expr):
        return typed(z, "bool")
    return applied("logical_or", compared("ne", z.re, ZERO), compared("ne", z.im, ZERO))


def where(condition: Given, yes: Given, no: Given) -> Given:
    condition = truth(condition)
    if isinstance(yes, Expr) and isinstance(no, Expr):
        return select(condition, yes, no)
    dtype = promote(real_type(yes), real_type(no)).dtype
    return chosen(condition, paired(yes, dtype), paired(no, dtype))


@of_pairs
def equal(z: Pair, w: Pair) -> Expr:
    return all_of(compared("eq", z.re, w.re), compared("eq", z.im, w.im))


@of_pairs
def unequal(z: Pair, w: Pair) -> Expr:
    return applied("logical_or", compared("ne", z.re, w.re), compared("ne", z.im, w.im))


def both(z: Given, w: Given) -> Expr:
    return all_of(truth(z), truth(w))


def either(z: Given, w: Given) -> Expr:
    return applied("logical_or", truth(z), truth(w))


def neither(z: Given) -> Expr:
    return applied("logical_not", truth(z))


def kind(name: str, combine: str) -> Callable[[Given], Expr]:
    """Whether one part, or both, is of a kind."""

    def function(z: Given) -> Expr:
        pair = paired(z)
        return applied(combine, applied(name, pair.re), applied(name, pair.im))

    return function


def times(z: Pair, w: Pair) -> Pair:
    return Pair(z.re * w.re - z.im * w.im, z.re * w.im + z.im * w.re)


def times_as_c(z: Pair, w: Pair) -> Pair:
    """The product as C has it (C99, G.5.1): infinite numbers whose other part is NaN are infinite."""
    found = times(z, w)
    far = [applied("logical_or", *[is_infinite(p) for p in n]) for n in (z, w)]
    partial = (z.re * w.re, z.im * w.im, z.re * w.im, z.im * w.re)
    over = is_infinite(partial[0])
    for each in partial[1:]:
        over = applied("logical_or", over, is_infinite(each))

    def boxed(n: Pair, own: Expr) -> Pair:
        units = [select(own, signed(select(is_infinite(p), 1.0, 0.0), p), p) for p in n]
        return Pair(*[select(is_nan(p), signed(0.0, p), p) for p in units])

    again = times(boxed(z, far[0]), boxed(w, far[1]))
    wide = Pair(again.re * math.inf, again.im * math.inf)
    lost = all_of(is_nan(found.re), is_nan(found.im))
    some = applied("logical_or", applied("logical_or", *far), over)
    return chosen(all_of(lost, some), wide, found)


def product(*factors: Given, attr: Any) -> Pair:  # Any: a spec, of scalars
    """From left to right, as they are multiplied."""
    found = paired(factors[0])
    for factor in factors[1:]:
        dtype = promote(real_type(found), real_type(factor)).dtype
        found = times(paired(found, dtype), paired(factor, dtype))
    return found


def total(*terms: Given, attr: tuple[Any, ...]) -> Pair:  # Any: numbers
    """A sum with coefficients: a number times a complex one is the product of two complex ones."""
    found: Pair | None = None
    for coefficient, term in zip(attr, terms, strict=True):
        value = _scaled(coefficient, term)
        if found is None:
            found = paired(value)
            continue
        dtype = promote(real_type(found), real_type(value)).dtype
        found, other = paired(found, dtype), paired(value, dtype)
        found = Pair(found.re + other.re, found.im + other.im)
    assert found is not None
    return found


def _scaled(coefficient: Any, term: Given) -> Given:  # Any: int, Fraction or float
    if isinstance(term, Expr):
        return lookup("lin").build(term, attr=(coefficient,))  # type: ignore[misc]  # it has one
    if coefficient == 1:
        return term
    if coefficient == -1:
        return Pair(-term.re, -term.im)
    if isinstance(coefficient, Fraction) and coefficient.denominator & (
        coefficient.denominator - 1
    ):
        if coefficient.numerator != 1:
            term = times(paired(const(float(coefficient.numerator)), dtype_of(term)), term)
        return quotient(term, const(float(coefficient.denominator)))  # type: ignore[no-any-return]
    return times(paired(const(float(coefficient)), dtype_of(term)), term)


@of_pairs
def quotient(z: Pair, w: Pair) -> Pair:
    """Smith's way: the larger part of the divisor is divided by first."""
    wide = compared("le", size_of(w.im), size_of(w.re))
    large, small = select(wide, w.re, w.im), select(wide, w.im, w.re)
    none = is_zero(large)  # then both are zero: NumPy divides by +0
    ratio = small / large
    scale = 1 / (large + small * ratio)
    first = Pair((z.re + z.im * ratio) * scale, (z.im - z.re * ratio) * scale)
    second = Pair((z.re * ratio + z.im) * scale, (z.im * ratio - z.re) * scale)
    zero = size_of(large)
    found = chosen(wide, first, second)
    return chosen(all_of(none, wide), Pair(z.re / zero, z.im / zero), found)


def inverse(z: Pair) -> Pair:
    return quotient(const(1.0), z)  # type: ignore[no-any-return]  # a Pair
