"""Formulas as MATLAB and matrixcalculus.org write them: vectors are columns, ``*`` is the matrix product.

Where MATLAB's meaning of a function differs from NumPy's, MATLAB's is meant or the function is refused; so is
what the two sources read in different ways, such as the sum of a matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.actions import COMPARED, Actions, Parts, Token, Value
from wengert.frontend.columns import (
    Operand,
    Row,
    Unsized,
    elementwise,
    negated,
    plain,
    power,
    product,
    quotient,
    refuse,
    sized,
    turned,
)
from wengert.frontend.mistakes import Mistake
from wengert.frontend.names import CONSTANTS, Callee, callee
from wengert.ir.greek import canonical
from wengert.ir.node import OPERATORS, Expr
from wengert.ops.algebra import zeros
from wengert.ops.einstein import eye, ones
from wengert.ops.leaves import CONSTANT, ONE, const, size

__all__ = ["MatlabActions"]

_ELEMENTWISE = {"+": "add", "-": "sub", "−": "sub", ".*": "mul", ".^": "power"}
# Functions of arrays that mean the same in MATLAB and here.
_SAME = (
    "cross", "det", "diag", "dot", "expm", "inv", "kron", "logdet", "pinv", "tr", "trace", "tril", "triu",
)  # fmt: skip
_OF_VECTORS = ("logsumexp", "max", "min", "softmax")
_ALONG = ("all", "any", "mean", "prod", "sum")


class MatlabActions(Actions):
    """The actions for MATLAB's grammar."""

    constants: ClassVar[Mapping[str, Value]] = {
        **{name: CONSTANTS[name] for name in ("pi", "inf", "nan")},
        "Inf": CONSTANTS["inf"],
        "NaN": CONSTANTS["nan"],
        "true": const(True),
        "false": const(False),
    }

    def start(self, parts: Parts) -> Expr:
        """The formula as a whole; a row comes out as an array of one axis."""
        return self.applied(plain, 0, self.sized(parts[0], 0))

    def name(self, parts: Parts) -> Value:
        """A symbol or a constant; ``eye`` alone is the identity matrix of the size that fits."""
        if parts[0] == "eye" and "eye" not in self.now.reading.declared:
            return Unsized("eye", ONE)
        return super().name(parts)

    # --- operators -----------------------------------------------------------------------------------
    def binary(self, parts: Parts) -> Operand:
        """``+ - * / \\ ^`` and their elementwise forms."""
        a, sign, b = parts
        position, sign = sign.start_pos, str(sign)
        a, b = self.checked(a, position), self.checked(b, position)
        if sign in _ELEMENTWISE:
            return self.applied(elementwise, position, _ELEMENTWISE[sign], a, b)
        if sign == "*":
            return self.applied(product, position, a, b)
        if sign == "^":
            return self.applied(power, position, a, b)
        return self.applied(quotient, position, a, sign, b)

    def signed(self, parts: Parts) -> Operand:
        """``-a`` and ``+a``."""
        sign, value = parts
        value = self.checked(value, sign.start_pos)
        return value if sign == "+" else self.applied(negated, sign.start_pos, value)

    def inverted(self, parts: Parts) -> Operand:
        """``~a``."""
        sign, value = parts
        inner = self.sized(value, sign.start_pos)
        made = self.applied(OPERATORS.invert, sign.start_pos, plain(inner))
        return Row(made) if isinstance(inner, Row) else made

    def logic(self, parts: Parts) -> Operand:
        """``a & b``, ``a | b``, ``a && b``, ``a || b``."""
        a, sign, b = parts
        a, b = self.checked(a, sign.start_pos), self.checked(b, sign.start_pos)
        return self.applied(elementwise, sign.start_pos, "and" if sign[0] == "&" else "or", a, b)

    def compared(self, parts: Parts) -> Operand:
        """``a < b``."""
        a, sign, b = parts
        a, b = self.checked(a, sign.start_pos), self.checked(b, sign.start_pos)
        name, swapped = COMPARED[sign]
        return self.applied(elementwise, sign.start_pos, name, *((b, a) if swapped else (a, b)))

    def transposed(self, parts: Parts) -> Operand:
        """``A'`` and ``A.'``."""
        value, sign = parts
        value = self.checked(value, sign.start_pos)
        return self.applied(turned, sign.start_pos, value, conjugate=not sign.startswith("."))

    # --- calls -----------------------------------------------------------------------------------------
    def call(self, parts: Parts) -> Operand:
        """A function, or an element of an array: ``x(1)``, ``A(2, :)``."""
        token, given = parts
        given = given or ()
        reading = self.now.reading
        if canonical(str(token)) in reading.declared:
            return self.element(reading.value(token), given, token.start_pos)
        name = str(token)
        if name in ("vector", "matrix"):
            (number,) = self.counted(given, 1, 1, token)
            return Unsized(name, self.operand(number, token.start_pos))
        if name in ("ones", "zeros", "eye"):
            return self.filled(name, given, token)
        if name in ("norm", "norm1", "norm2", "normF"):
            return self.norm(name, given, token)
        if name in _ALONG:
            return self.along(name, given, token)
        if name in ("std", "var", "numel", "length"):
            (value,) = self.counted(given, 1, 1, token)
            vector = self.vector(value, token)
            if name in ("numel", "length"):
                return size(vector.shape[0])
            return self.applied(callee(name).function, token.start_pos, vector, ddof=1)
        return self.mapped(reading.function(token), given, token)

    def mapped(self, function: Callee, given: Sequence[Value], token: Token) -> Operand:
        """A function of whole arrays or of each element."""
        position, name = token.start_pos, str(token)
        if name == "round" or not (function.elementwise or name in _SAME or name in _OF_VECTORS):
            raise Mistake(
                TypeMismatchError(
                    f"`{name}` is not read in the MATLAB dialect, where it means something else or nothing; "
                    "try: the Python dialect"
                ),
                position,
            )
        values = [self.sized(v, position) for v in given]
        kinds = {(isinstance(v, Row), plain(v).ndim) for v in values if plain(v).ndim}
        if (function.elementwise or name in _OF_VECTORS) and len(kinds) > 1:
            self.applied(
                refuse, position, f"`{name}` of rows, columns and matrices together", "equal shapes"
            )
        if name in _OF_VECTORS and len(values) == 1:
            values = [self.vector(values[0], token)]
        made = self.called(function, token, [plain(v) for v in values])
        return Row(made) if made.ndim == 1 and any(row for row, _ in kinds) else made

    def filled(self, name: str, given: Sequence[Value], token: Token) -> Operand:
        """``eye(n)``, ``ones(n, 1)``, ``zeros(1, n)``, ``ones(m, n)``; ``ones(n)`` is square."""
        self.counted(given, 1, 1 if name == "eye" else 2, token)
        extents = [self.extent(self.operand(v, token.start_pos), token) for v in given]
        if name == "eye":
            return eye(extents[0])
        fill = ones if name == "ones" else zeros
        shape = tuple(extents * 2)[:2]
        if len(given) == 2 and shape[1] == 1:
            return fill(shape[:1]) if shape[0] != 1 else fill(())
        return Row(fill(shape[1:])) if len(given) == 2 and shape[0] == 1 else fill(shape)

    def norm(self, name: str, given: Sequence[Value], token: Token) -> Expr:
        """``norm(x)``, ``norm(x, 1)``, ``norm(A, 'fro')``, ``norm1(x)``, ``norm2(x)``."""
        position = token.start_pos
        values = self.counted(given, 1, 2 if name == "norm" else 1, token)
        order = {"norm1": 1, "normF": "fro"}.get(name, 2)
        if len(values) == 2:
            order = self.argument(values[1], "plain", token)
        node = plain(self.sized(values[0], position))
        if node.ndim == 2 and (order == 2 or name == "norm1"):
            self.applied(refuse, position, f"`{name}` of a matrix", "norm(A, 'fro'), norm(A, 1)")
        return self.applied(
            callee("norm").function, position, node, None if order in ("fro", 2) else order
        )

    def along(self, name: str, given: Sequence[Value], token: Token) -> Operand:
        """``sum(x)`` of a vector; ``sum(A, 1)`` of columns, ``sum(A, 2)`` of rows, ``sum(A, 'all')``."""
        position = token.start_pos
        values = self.counted(given, 1, 2, token)
        node = plain(self.sized(values[0], position))
        which: Value = self.argument(values[1], "plain", token) if len(values) == 2 else None
        function = callee(name).function
        if which == "all" or (which is None and node.ndim < 2):
            return self.applied(function, position, node)
        if node.ndim != 2 or which not in (1, 2):
            hint = f"{name}(A, 1) of each column, {name}(A, 2) of each row, {name}(A, 'all')"
            self.applied(
                refuse, position, f"`{name}` of a matrix as a whole, or of a vector by axis", hint
            )
        made = self.applied(function, position, node, axis=which - 1)
        return Row(made) if which == 1 else made

    # --- elements --------------------------------------------------------------------------------------
    def colon(self, parts: Parts) -> Value:
        """``:`` as an index."""
        return slice(None)

    def element(self, value: Operand, given: Sequence[Value], position: int) -> Operand:
        """``x(1)``, ``A(1, 2)``, ``A(:, 1)``: counted from 1."""
        index = tuple(_index(part, position) for part in given)
        if not isinstance(value, Expr) or not index or len(index) != value.ndim:
            self.applied(
                refuse, position, "such an index", "one index for each axis; * for a product"
            )
        made = self.applied(OPERATORS.getitem, position, value, index)
        return Row(made) if len(index) == 2 and made.ndim == 1 and index[1] == slice(None) else made

    # --- what all of them need -------------------------------------------------------------------------
    def checked(self, value: Value, position: int) -> Operand:
        """The value as an operand of some kind."""
        return value if isinstance(value, (Row, Unsized)) else self.operand(value, position)

    def sized(self, value: Value, position: int) -> Expr | Row:
        """The value, whose size has to be known by now."""
        return self.applied(sized, position, self.checked(value, position))

    def counted(
        self, given: Sequence[Value], least: int, most: int, token: Token
    ) -> Sequence[Value]:
        """The arguments, if there are as many as there should be."""
        if not least <= len(given) <= most:
            expected = f"{least} to {most} arguments" if least < most else "one argument"
            message = worded(f"`{token}`", expected=expected, got=str(len(given)))
            raise Mistake(TypeMismatchError(message), token.start_pos)
        return given

    def vector(self, value: Value, token: Token) -> Expr:
        """The value of a row or a column; a number is a vector of one element."""
        node = plain(self.sized(value, token.start_pos))
        if node.ndim > 1:
            self.applied(
                refuse, token.start_pos, f"`{token}` of a matrix", f"{token}(x) of a vector"
            )
        return node if node.ndim else OPERATORS.mul(node, ones((1,)))


def _index(part: Value, position: int) -> Value:
    if isinstance(part, slice):
        return part
    if isinstance(part, Expr) and part.op is CONSTANT and type(part.attr) is int and part.attr > 0:
        return part.attr - 1
    raise Mistake(ShapeError("index: expected a whole number from 1 on, or `:`"), position)
