"""Quotients."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import OPERATORS, Expr, make
from wengert.ir.op import Domain, Laws, Op, Pointwise, Scaled, Spelling, register
from wengert.ir.types import FLOAT, is_inexact
from wengert.ops import plane
from wengert.ops.algebra import broadcast_together, lift, times
from wengert.ops.choice import ne
from wengert.ops.einstein import unscaled
from wengert.ops.leaves import ZERO, const, number_of
from wengert.ops.shapes import same_shape
from wengert.ops.sums import scale

__all__ = ["DIV", "divide"]


# --- division ----------------------------------------------------------------------------------------
def divide(a: Any, b: Any) -> Expr:
    """``a / b`` element by element, with broadcasting.

    A nonzero integer below scales (``x/3``, executed as a division); exact numbers give a fraction.
    """
    if a.__class__ is not Expr:
        a = lift(a)
    if b.__class__ is not Expr:
        b = lift(b)
    if a.type is not FLOAT or b.type is not FLOAT:
        below = number_of(b)
        if type(below) is int and below != 0 and is_inexact(a.value_type):
            return scale(_reciprocal(below), a)
        above = number_of(a)
        if isinstance(below, (int, Fraction)) and isinstance(above, (int, Fraction)) and below != 0:
            return const(Fraction(above) / Fraction(below))
        a, b = broadcast_together(a, b)
    sign, a = unscaled(a)
    sign_b, b = unscaled(b)
    quotient = make(DIV, (a, b))
    return quotient if sign == sign_b else scale(-1, quotient)


def _reciprocal(value: int) -> int | Fraction:
    result = Fraction(1, value)
    return int(result) if result.denominator == 1 else result


def _quotient_facts(a: int, b: int) -> int:
    bits = a & NONZERO
    if b & NONZERO:
        bits |= a & b & FINITE
    signs = NONNEGATIVE | NONPOSITIVE
    if a & signs and b & signs:
        same = bool(a & NONNEGATIVE) == bool(b & NONNEGATIVE)
        bits |= NONNEGATIVE if same else NONPOSITIVE
    return bits


DIV = register(
    Op(
        name="div",
        doc="Quotient.",
        result=same_shape,
        parts=plane.quotient,
        evaluate=np.true_divide,
        diff=Pointwise(
            Scaled(lambda t, x, y, out: divide(t, y)),
            Scaled(lambda t, x, y, out: scale(-1, divide(times(t, out), y))),
        ),
        domain=Domain(
            sample=((-2.0, 2.0), (0.5, 2.0)),
            where=lambda x, y: (ne(y, ZERO),),
            poles="y = 0",
        ),
        spell=Spelling(text="{0}/{1}", notation="quotient"),
        laws=Laws(facts=_quotient_facts),
        build=divide,
        elementwise=True,
        aliases=("divide", "rdivide"),
        arity=2,
    )
)


OPERATORS.div = divide
