"""Sums with coefficients: ``lin`` is ``c1*t1 + c2*t2 + ...`` over terms of one shape.

Addition, subtraction, negation and scaling by a number are spellings of it. A number in a sum is a
coefficient of the term 1 (of ``ones`` for arrays).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text, size_of
from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
    INTEGER,
    NONNEGATIVE,
    NONPOSITIVE,
    NONZERO,
    ORTHOGONAL,
    PD,
    PSD,
    SYMMETRIC,
)
from wengert.ir.node import Expr, intern
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, register
from wengert.ir.types import FLOAT, Type, promote
from wengert.ops import plane
from wengert.ops.leaves import (
    CONSTANT,
    ONE,
    ZERO,
    Number,
    const,
    exact_number,
    is_negative,
    machine_number,
    number_of,
)

__all__ = ["LIN", "add", "add_number", "is_negated", "is_zero", "lin", "scale", "subtract"]


_INT = Type("int64")


def _lin_type(*types: Type, attr: tuple[Number, ...]) -> Type:
    shape = types[0].shape
    for other in types[1:]:
        if other.shape != shape:
            raise ShapeError(
                worded(
                    "sum",
                    expected="terms of one shape",
                    got=f"{extent_text(shape)} and {extent_text(other.shape)}",
                    hint="broadcast or transpose one of them",
                )
            )
    weak = [Type("float64", weak=True)] if any(type(c) is not int for c in attr) else []
    common = promote(*types, *weak)
    # NumPy's True + True is True, and it refuses -True: a sum of truth values counts them.
    return (_INT if common.dtype == "bool" else common).with_shape(shape)


def _lin_value(*values: Any, attr: tuple[Number, ...]) -> Any:
    total: Any = None
    for coefficient, value in zip(attr, values, strict=True):
        term = _times(coefficient, value)
        total = term if total is None else total + term
    return total


_MOST_EXACT = 2**53  # whole numbers below are floats


def _times(coefficient: Number, value: Any) -> Any:
    if np.asarray(value).dtype.kind == "b":
        value = np.int64(value)
    if coefficient == 1:
        return value
    if coefficient == -1:
        return -value
    if isinstance(coefficient, Fraction):
        if max(abs(coefficient.numerator), coefficient.denominator) >= _MOST_EXACT:
            return machine_number(coefficient) * value
        # x/3 is correctly rounded, x*(1/3) is not.
        top = value if coefficient.numerator == 1 else coefficient.numerator * value
        return top / coefficient.denominator
    return machine_number(coefficient) * value


def _lin_facts(*facts: int, attr: tuple[Number, ...]) -> int:
    def signed(bits: int, coefficient: Number) -> int:
        if coefficient < 0:
            swapped = (NONPOSITIVE if bits & NONNEGATIVE else 0) | (
                NONNEGATIVE if bits & NONPOSITIVE else 0
            )
            bits = bits & ~(NONNEGATIVE | NONPOSITIVE | PSD | PD) | swapped
        elif coefficient == 0:
            return NONNEGATIVE | NONPOSITIVE | FINITE | INTEGER | SYMMETRIC | DIAGONAL | PSD
        if abs(coefficient) != 1:
            bits &= ~ORTHOGONAL
        return bits if type(coefficient) is int else bits & ~INTEGER

    terms = [signed(f, c) for f, c in zip(facts, attr, strict=True)]
    if len(terms) == 1:
        return terms[0]
    bits = terms[0]
    for other in terms[1:]:
        nonzero = (
            NONZERO
            if (bits | other) & NONZERO and (bits & other & (NONNEGATIVE | NONPOSITIVE))
            else 0
        )
        pd = PD if (bits | other) & PD and bits & other & PSD else 0
        common = bits & other
        bits = common & (NONNEGATIVE | NONPOSITIVE | INTEGER | SYMMETRIC | DIAGONAL | PSD)
        bits |= nonzero | pd | (common & FINITE)
    return bits


def _absorb(node: Expr, into: Callable[[Expr], Expr]) -> Expr | None:
    """A factor goes into every term of a sum of strong zeros."""
    terms: list[tuple[Number, Expr]] = []
    for coefficient, term in zip(node.attr, node.args, strict=True):
        inner = None if term.op.absorb is None else term.op.absorb(term, into)
        if inner is None:
            return None
        terms.append((coefficient, inner))
    return lin(terms)


def _sum_of_tangents(
    tangents: Sequence[Expr | None], args: Sequence[Expr], *, attr: tuple[Number, ...]
) -> Expr:
    return lin([(c, t) for c, t in zip(attr, tangents, strict=True) if t is not None])


def _count(node: Expr) -> Extent:
    """One addition between terms, one multiplication per coefficient other than 1 and -1."""
    if is_zero(node):
        return 0
    work = sum(1 for c in node.attr if abs(c) != 1) + len(node.args) - 1
    if work == 0:
        work = 1  # a negation
    return work * size_of(node.shape)


_SAMPLES = (
    Sample((Argument(), Argument()), (1, -1), note="difference"),
    Sample((Argument((3,)),), (Fraction(2, 3),), note="scaled by a fraction"),
    Sample((Argument((2, 2)),) * 3, (1, 3, -0.1), note="three terms"),
    Sample((Argument((2,), dtype="float32"),) * 2, (1, 0.1), note="single"),
    Sample((Argument((2,), dtype="complex128"),) * 2, (2, -1), note="complex"),
)


LIN = register(
    Op(
        name="lin",
        doc="A sum of terms with numeric coefficients.",
        result=_lin_type,
        parts=plane.total,
        evaluate=_lin_value,
        diff=Linear(
            lambda ct, slot, *args, attr: scale(attr[slot], ct),
            joint=_sum_of_tangents,
            elementwise=True,
        ),
        spell=Spelling(notation="sum"),
        laws=Laws(commutative=True, facts=_lin_facts, self_transpose=True),
        absorb=_absorb,
        count=_count,
        build=lambda *args, attr: lin(list(zip(attr, args, strict=True))),
        elementwise=True,
        samples=_SAMPLES,
    )
)


def is_zero(node: Expr) -> bool:
    """Whether the node is the number 0 or an array filled with it."""
    return node is ZERO or (node.op is LIN and node.attr == (0,))


def is_negated(node: Expr) -> bool:
    """Whether the node is a single term with a negative coefficient."""
    if node.op is not LIN or len(node.attr) > 1:
        return False
    return is_negative(node.attr[0])


def scale(coefficient: Number, node: Expr) -> Expr:
    """``coefficient * node`` for a finite number.

    Nested scalings merge where that changes no bit.
    """
    if coefficient == 1:
        return node
    if node.type is FLOAT and node.op is not LIN:
        return intern(LIN, (coefficient,), (node,), FLOAT)
    number = number_of(node) if not node.args else None
    if number is not None:
        return const(coefficient * number)
    if coefficient == -1 and node.op is CONSTANT and type(node.attr) is float:
        return const(-node.attr)  # zeros with a sign and infinities, which are no coefficients
    if node.op is LIN and len(node.attr) == 1:
        merged = _merged(coefficient, node.attr[0])
        if merged is not None:
            return scale(merged, node.args[0])
        if is_negative(node.attr[0]):  # one sign, and that in front
            return scale(-coefficient, scale(-node.attr[0], node.args[0]))
    return intern(LIN, (coefficient,), (node,), _scaled_type(coefficient, node))


def _merged(outer: Number, inner: Number) -> Number | None:
    """One coefficient for two in a row, if the product is then rounded in the same way.

    So it is for signs, for whole numbers one of which is a power of two, and for ``(p*x)/q`` in lowest
    terms, which is how a fraction is executed. Not for ``(2*x)/2`` and ``2*(x/2)``: twice the largest
    number is infinite, and half the smallest is 0.
    """
    if outer == -1 or inner == -1 or (_is_binary(outer, inner) or _is_binary(inner, outer)):
        return exact_number(outer * inner)
    if type(outer) is Fraction and type(inner) is int and abs(outer.numerator) == 1:
        merged = outer * inner
        return merged if merged.denominator == outer.denominator else None
    return None


def _is_binary(power: Number, other: Number) -> bool:
    return type(other) is int and _merges(power)


def _scaled_type(coefficient: Number, node: Expr) -> Type:
    type_ = node.value_type
    if type_ is FLOAT or (type(coefficient) is int and type_.dtype != "bool"):
        return type_
    return _lin_type(type_, attr=(coefficient,))


def _merges(coefficient: Number) -> bool:
    if type(coefficient) is not int:
        return False
    size = abs(coefficient)
    return size & (size - 1) == 0


def _term(node: Expr) -> tuple[Number, Expr]:
    if node.op is LIN and len(node.attr) == 1:
        return node.attr[0], node.args[0]
    if not node.args:
        number = number_of(node)
        if number:
            return number, ONE
    return 1, node


def add(a: Expr, b: Expr) -> Expr:
    """``a + b`` for equal shapes."""
    if (
        a.type is FLOAT is b.type
        and a is not b
        and (a.op is not LIN or len(a.attr) > 1)
        and (b.op is not LIN or len(b.attr) > 1)
    ):
        return intern(LIN, (1, 1), (a, b) if a.serial < b.serial else (b, a), FLOAT)
    return _pair(*_term(a), *_term(b), a, b)


def add_number(number: Number, node: Expr, sign: int = 1) -> Expr:
    """``number + sign*node`` for a finite number other than 0 and a scalar."""
    coefficient, term = _term(node)
    return _pair(sign * coefficient, term, number, ONE, node, ONE)


def subtract(a: Expr, b: Expr) -> Expr:
    """``a - b`` for equal shapes."""
    coefficient, term = _term(b)
    return _pair(*_term(a), -coefficient, term, a, b)


def _pair(c: Number, s: Expr, d: Number, t: Expr, a: Expr, b: Expr) -> Expr:
    if s is t:
        if s is ONE:
            return const(c + d)
        if c == d and _merges(c):  # x + x is 2*x to the last bit
            return scale(2 * c, s)
    if s.type is FLOAT is t.type or (s.type is FLOAT and t is ONE):
        type_ = FLOAT
    elif s.type.__class__ is t.type.__class__ is Type:
        c, d = _beside(t, c), _beside(s, d)
        # By the coefficients, not by the numbers as typed: i + 2.0 and i + 2 are one node, so of one type.
        type_ = _lin_type(s.value_type, t.value_type, attr=(c, d))
    else:
        type_ = _lin_type(a.value_type, b.value_type, attr=(1, 1))
    if s.serial > t.serial:
        c, s, d, t = d, t, c, s
    return intern(LIN, (c, d), (s, t), type_)


def _beside(other: Expr, coefficient: Number) -> Number:
    """A large whole number beside an integer stays an integer, so that no digit is lost."""
    if type(coefficient) is not float or not other.value_type.dtype.startswith("int"):
        return coefficient
    whole = coefficient.is_integer() and abs(coefficient) < 2**63
    return int(coefficient) if whole else coefficient


def lin(terms: Iterable[tuple[Number, Expr]] | Sequence[tuple[Number, Expr]]) -> Expr:
    """A sum of any number of terms of one shape, added from left to right.

    Raises:
        ShapeError: the terms differ in shape, or there is none.
    """
    total: Expr | None = None
    for coefficient, node in terms:
        term = scale(coefficient, node)
        total = term if total is None else add(total, term)
    if total is None:
        raise ShapeError(worded("sum", expected="at least one term", got="none"))
    return total
