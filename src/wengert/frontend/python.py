"""Formulas in Python's syntax: each rule of the grammar calls the operator that Python would call."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.actions import (
    COMPARED,
    REFUSALS,
    Actions,
    Option,
    Parts,
    Value,
    as_plain,
)
from wengert.frontend.mistakes import Mistake
from wengert.frontend.names import callee
from wengert.ir.node import OPERATORS, Expr
from wengert.ops.leaves import CONSTANT, const

__all__ = ["PythonActions"]

_MOST_DIMENSIONS = 8  # of a literal such as [[1, 2], [3, 4]]


class PythonActions(Actions):
    """The actions for the grammar of the Python dialect."""

    def __init__(self) -> None:
        super().__init__()
        self.operators = {
            "+": OPERATORS.add, "-": OPERATORS.sub, "−": OPERATORS.sub, "*": OPERATORS.mul,
            "·": OPERATORS.mul, "⋅": OPERATORS.mul, "×": OPERATORS.mul, "/": OPERATORS.div,
            "÷": OPERATORS.div, "//": OPERATORS.floordiv, "%": OPERATORS.mod, "@": OPERATORS.matmul,
        }  # fmt: skip

    def start(self, parts: Parts) -> Expr:
        """The formula as a whole."""
        return self.operand(parts[0], 0)

    # --- brackets ---
    def bracketed(self, parts: Parts) -> Value:
        """A formula in brackets."""
        value = parts[0]
        if self.now.reading.loose and isinstance(value, Expr):
            self.now.reading.loose.pop(value, None)
        return value

    def grouped(self, parts: Parts) -> Value:
        """``(a, b)``: a tuple, for arguments."""
        first, rest = parts
        return (first, *(rest or ()))

    def listed(self, parts: Parts) -> Value:
        """``[1, 2]``: an array of numbers; a tuple if there is anything else in it."""
        bracket, entries = parts
        if entries and all(e.__class__ is Expr and e.op is CONSTANT for e in entries):
            return _array(entries, bracket.start_pos)
        return tuple(entries or ())

    # --- operators -----------------------------------------------------------------------------------
    def binary(self, parts: Parts) -> Expr:
        """``a + b``, ``a * b``, ``a / b`` ..."""
        a, sign, b = parts
        if a.__class__ is not Expr or b.__class__ is not Expr:
            a, b = self.operand(a, sign.start_pos), self.operand(b, sign.start_pos)
        try:
            return self.operators[sign](a, b)
        except REFUSALS as error:
            raise Mistake(error, sign.start_pos) from None

    def power(self, parts: Parts) -> Expr:
        """``a^b`` and ``a**b``."""
        a, sign, b = parts
        position = sign.start_pos
        a, b = self.operand(a, position), self.operand(b, position)
        if sign != "**" and a.ndim >= 2 and a.shape[-1] == a.shape[-2]:
            raise Mistake(
                TypeMismatchError(
                    "a power of a square matrix can be read in two ways; "
                    "try: A**2 for each element, A @ A or inv(A) for the matrix"
                ),
                position,
            )
        return self.applied(OPERATORS.power, position, a, b)

    def signed(self, parts: Parts) -> Expr:
        """``-a`` and ``+a``."""
        sign, value = parts
        value = self.operand(value, sign.start_pos)
        if sign == "+":
            return value
        if type(value.attr) in (int, float, complex) and value.op is CONSTANT:
            return const(-value.attr)  # as in Python, where -2.0 and -0.0 are numbers
        return self.applied(OPERATORS.neg, sign.start_pos, value)

    def inverted(self, parts: Parts) -> Expr:
        """``not a`` and ``~a``."""
        sign, value = parts
        return self.applied(OPERATORS.invert, sign.start_pos, self.operand(value, sign.start_pos))

    def words(self, parts: Parts) -> Expr:
        """``a and b``, ``a or b``."""
        a, sign, b = parts
        a, b = self.operand(a, sign.start_pos), self.operand(b, sign.start_pos)
        return self.applied(OPERATORS.logic, sign.start_pos, str(sign), a, b)

    def bits(self, parts: Parts) -> Expr:
        """``a & b``, ``a | b``: of truth values, and binding more tightly than comparisons."""
        a, sign, b = parts
        a, b = self.operand(a, sign.start_pos), self.operand(b, sign.start_pos)
        name = "and" if sign == "&" else "or"
        made = self.applied(OPERATORS.logic, sign.start_pos, name, a, b)
        if a.value_type.dtype != "bool" or b.value_type.dtype != "bool":
            self.now.reading.loose[made] = sign
        return made

    def compared(self, parts: Parts) -> Expr:
        """``a < b``, and chains such as ``a < b <= c``."""
        result: Expr | None = None
        self.refuse_loose(parts)
        for i in range(1, len(parts), 2):
            a, sign, b = parts[i - 1 : i + 2]
            position = sign.start_pos
            a, b = self.operand(a, position), self.operand(b, position)
            name, swapped = COMPARED[sign]
            one = self.applied(OPERATORS.compare, position, name, *((b, a) if swapped else (a, b)))
            if result is not None:
                one = self.applied(OPERATORS.logic, position, "and", result, one)
            result = one
        assert result is not None
        return result

    def refuse_loose(self, parts: Parts) -> None:
        """``x > 0 & y > 0`` is ``x > (0 & y) > 0`` in Python, which nobody means."""
        loose = self.now.reading.loose
        for value in parts[::2] if loose else ():
            if isinstance(value, Expr) and value in loose:
                sign = loose[value]
                word = "and" if sign == "&" else "or"
                raise Mistake(
                    f"`{sign}` binds more tightly than a comparison; "
                    f"try: `{word}`, or brackets around the comparisons",
                    sign.start_pos,
                )

    def choice(self, parts: Parts) -> Expr:
        """``a if condition else b``."""
        a, condition, b = (self.operand(p, 0) for p in parts)
        return self.applied(callee("where").function, 0, condition, a, b)

    def transposed(self, parts: Parts) -> Expr:
        """``A'`` and ``A.T``."""
        value, sign = parts
        return self.applied(
            OPERATORS.transpose, sign.start_pos, self.operand(value, sign.start_pos)
        )

    def bars(self, parts: Parts) -> Expr:
        """``|x|``."""
        bar, value = parts
        return self.applied(OPERATORS.absolute, bar.start_pos, self.operand(value, bar.start_pos))

    # --- indices -------------------------------------------------------------------------------------
    def indexed(self, parts: Parts) -> Expr:
        """``x[0]``, ``A[i, 1:]``."""
        value, bracket, index = parts
        return self.applied(
            OPERATORS.getitem, bracket.start_pos, self.operand(value, bracket.start_pos), index
        )

    def subscripts(self, parts: Parts) -> Value:
        """The index in square brackets."""
        given = tuple(as_plain(p) for p in parts)
        return given[0] if len(given) == 1 else given

    def ellipsis(self, parts: Parts) -> Value:
        """``...``."""
        return ...

    def slice(self, parts: Parts) -> slice:
        """``start:stop:step``."""
        start, stop, step = (None if p is None else as_plain(p) for p in parts)
        return slice(start, stop, step)

    # --- calls ---
    def keyword(self, parts: Parts) -> Option:
        """``axis=0``."""
        token, value = parts
        return Option(token.rstrip("=").strip(), value, token.start_pos)

    def call(self, parts: Parts) -> Expr:
        """``f(a, b, option=c)``."""
        token, given = parts
        return self.called(self.now.reading.function(token), token, given or ())


def _array(entries: Sequence[Expr], position: int) -> Expr:
    """The constant array of a literal such as ``[[1, 2], [3, 4]]``."""
    try:
        array = np.array(
            [float(e.attr) if isinstance(e.attr, Fraction) else e.attr for e in entries]
        )
    except (ValueError, OverflowError) as error:
        raise Mistake(ShapeError(f"array: rows of different lengths ({error})"), position) from None
    if array.ndim > _MOST_DIMENSIONS:
        raise Mistake(ShapeError(f"array: more than {_MOST_DIMENSIONS} axes"), position)
    return const(array)
