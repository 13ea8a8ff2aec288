"""Python's arithmetic operators on expressions, with NumPy's broadcasting made explicit.

``+ - * / ** @``, unary minus, ``abs``, comparisons, ``.T`` and indexing end up here: operands are
lifted to expressions, given a common shape by explicit broadcasts, and handed to the ops.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.types import FLOAT
from wengert.ops.einstein import (
    EIN,
    Label,
    broadcast_to,
    ein,
    eye,
    ones,
    product_of_scalars,
    sum_axes,
    transpose,
)
from wengert.ops.leaves import ONE, Number, const, exact_number, number_of
from wengert.ops.sums import add, add_number, scale, subtract

__all__ = [
    "broadcast_together",
    "common_shape",
    "diag",
    "dot",
    "full",
    "lift",
    "matmul",
    "minus",
    "multiply",
    "outer",
    "plus",
    "times",
    "trace",
    "zeros",
]


def lift(value: Any) -> Expr:
    """An expression as it is; numbers and arrays become constants.

    Raises:
        TypeMismatchError: anything else.
    """
    if value.__class__ is Expr:
        return value
    if isinstance(value, (list, tuple)):
        value = np.asarray(value)
    return const(value)


def common_shape(*shapes: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """The shape that all broadcast to, aligned at the last axis; only a literal 1 stretches.

    Raises:
        ShapeError: there is none.
    """
    rank = max((len(s) for s in shapes), default=0)
    result: list[Extent] = [1] * rank
    for shape in shapes:
        for position, extent in enumerate(shape, start=rank - len(shape)):
            if extent == 1 or extent == result[position]:
                continue
            if result[position] != 1:
                raise ShapeError(
                    worded(
                        "broadcast",
                        expected="extents that are equal or 1, from the last axis on",
                        got=" and ".join(extent_text(s) for s in shapes),
                        hint="transpose one operand, or give it a new axis",
                    )
                )
            result[position] = extent
    return tuple(result)


def broadcast_together(*nodes: Expr) -> tuple[Expr, ...]:
    """The nodes stretched to their common shape."""
    if all(n.shape == nodes[0].shape for n in nodes):
        return nodes
    shape = common_shape(*(n.shape for n in nodes))
    return tuple(broadcast_to(n, shape) for n in nodes)


_SMALL = 2**53  # whole numbers below need no look at their form as a coefficient


def _plain_number(a: Any, b: Any) -> tuple[Number, Any]:
    """``(number, expression)`` for a finite Python number beside an expression; 0 for anything else.

    The short way for the commonest operands: no constant node is made for the number.
    """
    if a.__class__ is Expr:
        a, b = b, a
    if b.__class__ is not Expr:
        return 0, b
    if a.__class__ is int and -_SMALL < a < _SMALL:
        return a, b
    if a.__class__ is float and isfinite(a):
        return exact_number(a), b
    return 0, b


def plus(a: Any, b: Any) -> Expr:
    """``a + b`` with broadcasting."""
    number, other = _plain_number(a, b)
    if number and other.type is FLOAT:
        return add_number(number, other)
    if a.__class__ is not Expr:
        a = lift(a)
    if b.__class__ is not Expr:
        b = lift(b)
    if (a.type is not FLOAT or b.type is not FLOAT) and a.shape != b.shape:
        a, b = broadcast_together(a, b)
    return add(a, b)


def minus(a: Any, b: Any) -> Expr:
    """``a - b`` with broadcasting."""
    number, other = _plain_number(a, b)
    if number and other.type is FLOAT:
        return add_number(-number, a) if other is a else add_number(number, b, -1)
    if a.__class__ is not Expr:
        a = lift(a)
    if b.__class__ is not Expr:
        b = lift(b)
    if (a.type is not FLOAT or b.type is not FLOAT) and a.shape != b.shape:
        a, b = broadcast_together(a, b)
    return subtract(a, b)


def multiply(a: Any, b: Any) -> Expr:
    """``a * b`` element by element, with broadcasting."""
    number, other = _plain_number(a, b)
    if number:
        return scale(number, other)
    if a.__class__ is not Expr:
        a = lift(a)
    if b.__class__ is not Expr:
        b = lift(b)
    return times(a, b)


def times(a: Expr, b: Expr) -> Expr:
    """``a * b`` of expressions, element by element, with broadcasting.

    Signs come out in front; a number scales.
    """
    if a.type is FLOAT is b.type:
        return product_of_scalars(a, b)
    if a.value_type.shape == () == b.value_type.shape:
        return product_of_scalars(a, b)
    for first, second in ((a, b), (b, a)):
        number = number_of(first)
        if number:
            return scale(number, second)
    return _array_product(a, b)


def _array_product(a: Expr, b: Expr) -> Expr:
    shape = common_shape(a.shape, b.shape)
    rank = len(shape)

    def labels(node: Expr) -> list[Label]:
        start = rank - node.ndim
        return [
            ("one", id(node), i) if e == 1 and shape[start + i] != 1 else start + i
            for i, e in enumerate(node.shape)
        ]

    return ein([(a, labels(a)), (b, labels(b))], range(rank), dict(enumerate(shape)))


def negate(a: Any) -> Expr:
    """``-a``."""
    return scale(-1, lift(a))


def matmul(a: Any, b: Any) -> Expr:
    """``a @ b`` as in NumPy: sums over the last axis of ``a`` and the last but one of ``b``.

    Raises:
        ShapeError: a scalar operand, or inner extents that differ.
    """
    a, b = lift(a), lift(b)
    if not a.ndim or not b.ndim:
        raise ShapeError(
            worded("matmul", expected="operands with axes", got="a scalar", hint="use * instead")
        )
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ShapeError(
            f"matmul: inner extents differ, {extent_text(a.shape)} @ {extent_text(b.shape)};"
            " transpose one side?"
        )
    left: list[Label] = ["i", "k"] if a.ndim > 1 else ["k"]
    right: list[Label] = ["k", "j"] if b.ndim > 1 else ["k"]
    stack = common_shape(a.shape[:-2], b.shape[:-2])

    def lead(node: Expr) -> list[Label]:
        start = len(stack) - (node.ndim - 2)
        return [
            ("one", id(node), i) if e == 1 and stack[start + i] != 1 else ("stack", start + i)
            for i, e in enumerate(node.shape[:-2])
        ]

    out: list[Label] = [("stack", i) for i in range(len(stack))]
    out += ["i"] if a.ndim > 1 else []
    out += ["j"] if b.ndim > 1 else []
    extents: dict[Label, Extent] = {("stack", i): e for i, e in enumerate(stack)}
    return ein([(a, lead(a) + left), (b, lead(b) + right)], out, extents)


def dot(a: Expr, b: Expr) -> Expr:
    """The sum of the elementwise product of equal shapes, a scalar."""
    labels = range(a.ndim)
    return ein([(a, labels), (b, labels)], ())


def outer(a: Any, b: Any) -> Expr:
    """All products of an element of ``a`` with one of ``b``, flattening neither."""
    a, b = lift(a), lift(b)
    left = tuple(range(a.ndim))
    right = tuple(range(a.ndim, a.ndim + b.ndim))
    return ein([(a, left), (b, right)], left + right)


def trace(a: Any) -> Expr:
    """The sum of the diagonal.

    Raises:
        ShapeError: not a square matrix.
    """
    a = _square(lift(a), "trace")
    return ein([(a, "ii")], ())


def diag(a: Any) -> Expr:
    """The diagonal of a square matrix, or the matrix with the given diagonal.

    Raises:
        ShapeError: neither a vector nor a square matrix.
    """
    a = lift(a)
    if a.ndim == 1:
        return ein([(a, "i"), (eye(a.shape[0]), "ij")], "ij")
    return ein([(_square(a, "diag"), "ii")], "i")


def _square(a: Expr, what: str) -> Expr:
    if a.ndim != 2 or a.shape[0] != a.shape[1]:
        raise ShapeError(
            worded(what, expected="a square matrix", got=f"shape {extent_text(a.shape)}")
        )
    return a


def full(shape: Sequence[Extent], value: Any) -> Expr:
    """The array filled with one value."""
    number = number_of(value) if isinstance(value, Expr) else None
    if number:
        return scale(number, ones(shape))
    return broadcast_to(lift(value), shape)


def zeros(shape: Sequence[Extent]) -> Expr:
    """The array filled with 0; the number 0 for ``()``."""
    return scale(0, ones(shape)) if len(shape) else const(0)


def _transposed(a: Any) -> Expr:
    return transpose(lift(a))


OPERATORS.add = plus
OPERATORS.sub = minus
OPERATORS.mul = multiply
OPERATORS.neg = negate
OPERATORS.matmul = matmul
OPERATORS.transpose = _transposed

__all__ += ["EIN", "ONE", "negate", "sum_axes"]
