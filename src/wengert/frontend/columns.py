"""MATLAB's arithmetic: rows, columns and matrices, and constants that take their size from what they meet.

An array of one axis stands for a column. MATLAB tells rows from columns and arrays of one axis do not, so
rows are wrapped in :class:`Row` while a formula is read. ``eye``, ``vector(c)`` and ``matrix(c)`` are
:class:`Unsized` until they stand beside something with a shape.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias

from wengert.errors import ShapeError
from wengert.frontend.names import callee
from wengert.ir.dims import extent_text
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.types import is_complex
from wengert.ops.algebra import matmul, outer
from wengert.ops.einstein import broadcast_to, ein, eye, ones, sum_axes, transpose
from wengert.ops.leaves import CONSTANT, const

__all__ = [
    "Operand", "Row", "Unsized", "elementwise", "negated", "plain", "power", "product", "quotient", "refuse",
    "sized", "turned",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A row vector: the transpose of a column."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Unsized:
    """``factor`` times the identity, a column (``turned``: a row) or a matrix of ones, of unknown size."""

    kind: str
    factor: Expr
    turned: bool = False


Operand: TypeAlias = Expr | Row | Unsized
_NAMES = {"eye": "an identity matrix", "vector": "a vector of ones", "matrix": "a matrix of ones"}
_MOST_FACTORS = 64  # of a power of a matrix


def refuse(what: str, hint: str) -> NoReturn:
    """Operands that do not go together."""
    raise ShapeError(f"{what} is not defined; try: {hint}")


def unknown_size() -> NoReturn:
    """``eye``, ``vector(c)`` or ``matrix(c)`` beside nothing that tells its size."""
    raise ShapeError(
        "the size of eye, vector(...) or matrix(...) does not follow from what stands beside it; "
        "try: eye(n), ones(n, 1), ones(m, n)"
    )


def plain(value: Expr | Row) -> Expr:
    """The value without the knowledge that it is a row."""
    return value.value if isinstance(value, Row) else value


def sized(value: Operand) -> Expr | Row:
    """The value, whose size has to be known by now."""
    return unknown_size() if isinstance(value, Unsized) else value


def _is_scalar(value: Operand) -> bool:
    return isinstance(value, Expr) and not value.ndim


def negated(value: Operand) -> Operand:
    """``-a``."""
    return product(const(-1), value)


def turned(value: Operand, *, conjugate: bool = True) -> Operand:
    """``a'``, which also conjugates, and ``a.'``."""
    if isinstance(value, Unsized):
        return replace(value, turned=not value.turned)
    node = plain(value)
    if conjugate and is_complex(node.value_type):
        node = callee("conj").function(node)
    if isinstance(value, Row):
        return node
    return Row(node) if node.ndim == 1 else transpose(node)


# --- the matrix product --------------------------------------------------------------------------------
def product(a: Operand, b: Operand) -> Operand:
    """``a*b`` of scalars, rows, columns and matrices."""
    if _is_scalar(a) or _is_scalar(b):
        return elementwise("mul", a, b)
    if isinstance(a, Unsized) or isinstance(b, Unsized):
        return _unsized_product(a, b)
    if isinstance(a, Row):
        if isinstance(b, Row):
            refuse("a row times a row", "x*y' or x.*y")
        made = matmul(a.value, b)
        return made if b.ndim == 1 else Row(made)
    if isinstance(b, Row):
        if a.ndim == 2 and a.shape[1] != 1:
            refuse("a matrix times a row", "A*x with a column x")
        return outer(_as_column(a), b.value)
    if a.ndim == 2:
        made = matmul(a, b)
        return (
            sum_axes(made) if made.shape == (1, 1) else made
        )  # a matrix of one element is a number
    if b.ndim == 1:
        refuse("a column times a column", "x'*y, x*y' or x.*y")
    if b.shape[0] != 1:
        refuse("a column times a matrix", "x'*A")
    return outer(a, _as_column(transpose(b)))


def _as_column(node: Expr) -> Expr:
    return sum_axes(node, (1,)) if node.ndim == 2 else node


def _unsized_product(a: Operand, b: Operand) -> Operand:
    """A product in which the identity or ones take their size from the other factor."""
    left = isinstance(a, Unsized)
    unsized, other = (a, b) if left else (b, a)
    if not isinstance(unsized, Unsized) or isinstance(other, Unsized):
        unknown_size()
    if unsized.kind == "eye":
        return elementwise("mul", unsized.factor, other)
    # A row of ones stands left of a column or matrix, a column of ones right of a row or matrix.
    node = plain(other)
    meets = node.ndim == 2 or isinstance(other, Row) != left
    if unsized.kind != "vector" or unsized.turned != left or not meets:
        unknown_size()
    filled = OPERATORS.mul(unsized.factor, ones((node.shape[0 if left else -1],)))
    return product(Row(filled), other) if left else product(other, filled)


def power(a: Operand, b: Operand) -> Operand:
    """``a^b``: of scalars, or a whole power of a square matrix."""
    if _is_scalar(a) and _is_scalar(b):
        return elementwise("power", a, b)
    base, exponent = sized(a), sized(b)
    if not isinstance(base, Expr) or base.ndim != 2 or not isinstance(exponent, Expr):
        refuse("a power of a vector", "x.^2 for each element")
    whole = exponent.attr if exponent.op is CONSTANT else None
    if type(whole) is not int or not 0 < abs(whole) <= _MOST_FACTORS:
        refuse("a power of a matrix with such an exponent", "A^2, A^-1, or A.^p for each element")
    if whole < 0:
        base = callee("inv").function(base)
    result = base
    for _ in range(abs(whole) - 1):
        result = matmul(result, base)
    return result


def quotient(a: Operand, sign: str, b: Operand) -> Operand:
    """``a/b``, ``a./b``, and ``a\\b``, which solves."""
    if sign.endswith("\\"):
        return quotient(b, "./", a) if sign == ".\\" or _is_scalar(a) else _solved(a, b)
    if isinstance(a, Unsized) and isinstance(b, Expr) and not b.ndim:
        return replace(a, factor=OPERATORS.div(a.factor, b))
    if sign == "./" or _is_scalar(b):
        return elementwise("div", a, b)
    if _is_scalar(a):
        refuse("a number divided by an array", "./ for each element")
    return turned(_solved(turned(b), turned(a)))  # A/B is (B'\A')'


def _solved(a: Operand, b: Operand) -> Operand:
    if isinstance(b, Unsized) and b.kind == "eye" and isinstance(a, Expr) and a.ndim == 2:
        b = OPERATORS.mul(b.factor, eye(a.shape[0]))
    if not isinstance(a, Expr) or a.ndim != 2 or not isinstance(b, Expr) or not b.ndim:
        refuse("a division by something that is no matrix", "A\\b, or ./")
    solution: Expr = callee("solve").function(a, b)
    return solution


# --- element by element --------------------------------------------------------------------------------
def elementwise(name: str, a: Operand, b: Operand) -> Operand:
    """An operator on each element: a number goes with everything, a column with the columns of a matrix."""
    if name == "mul":
        unsized, number = (a, b) if isinstance(a, Unsized) else (b, a)
        if isinstance(unsized, Unsized) and isinstance(number, Expr) and not number.ndim:
            return replace(unsized, factor=OPERATORS.mul(number, unsized.factor))
    a, b = _beside(a, b), _beside(b, a)
    x, y = plain(a), plain(b)
    if x.ndim == 1 and y.ndim == 1 and isinstance(a, Row) != isinstance(b, Row):
        refuse("a row beside a column", "a transpose of one of them, x'")
    if isinstance(a, Expr) and x.ndim == 1 and y.ndim == 2:
        x = _repeated(x, y)
    if isinstance(b, Expr) and y.ndim == 1 and x.ndim == 2:
        y = _repeated(y, x)
    made = _applied(name, x, y)
    return Row(made) if made.ndim == 1 and (isinstance(a, Row) or isinstance(b, Row)) else made


def _applied(name: str, x: Expr, y: Expr) -> Expr:
    if name in ("and", "or"):
        return OPERATORS.logic(name, x, y)
    if name in ("lt", "le", "eq", "ne"):
        return OPERATORS.compare(name, x, y)
    made: Expr = getattr(OPERATORS, name)(x, y)
    return made


def _beside(value: Operand, other: Operand) -> Expr | Row:
    """The value; the identity or ones get the size of what stands beside them."""
    if not isinstance(value, Unsized):
        return value
    shape = plain(sized(other)).shape
    if value.kind == "vector" and len(shape) == 1 and value.turned == isinstance(other, Row):
        made = OPERATORS.mul(value.factor, ones(shape))
        return Row(made) if value.turned else made
    if value.kind == "matrix" and len(shape) == 2:
        return OPERATORS.mul(value.factor, ones(shape))
    if value.kind == "eye" and len(shape) == 2 and shape[0] == shape[1]:
        return OPERATORS.mul(value.factor, eye(shape[0]))
    refuse(
        f"{_NAMES[value.kind]} beside an array of shape {extent_text(shape)}", "eye(n), ones(m, n)"
    )


def _repeated(column: Expr, matrix: Expr) -> Expr:
    """A column repeated beside itself, one for each column of the matrix."""
    stood = ein([(column, "i")], "ij", {"i": column.shape[0], "j": 1})
    if matrix.shape[1] == 1:
        return stood
    return broadcast_to(stood, (column.shape[0], matrix.shape[1]))
