"""Derivatives of functions that are given by an equation."""

from __future__ import annotations

from wengert.diff.formulas import Formula, as_formula, find_symbol
from wengert.diff.forward import jvp
from wengert.diff.single import derivative_by
from wengert.errors import DomainError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.ops.algebra import matmul, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.leaves import ONE
from wengert.ops.linalg import inv
from wengert.ops.sums import is_zero, scale
from wengert.rewrite.simplify import simplify as simplified

__all__ = ["implicit_diff"]


def implicit_diff(
    equation: Formula, y: Expr | str, x: Expr | str, *, order: int = 1, simplify: bool = True
) -> Expr:
    """The derivative of ``y`` by ``x`` where ``equation`` = 0 defines ``y`` as a function of ``x``.

    Implicit function theorem: ``dy/dx = -F_x / F_y``; for a vector ``y`` (and as many equations)
    ``-inv(F_y) @ F_x``. Higher orders (scalars) differentiate totally. ``F_y`` must not vanish.

    Raises:
        DomainError: the equation does not depend on ``y``.
        ShapeError: not as many equations as unknowns.

    >>> import wengert as wg
    >>> print(wg.implicit_diff("x^2 + y^2 - 1", "y", "x"))
    -x/y
    """
    expr = as_formula(equation)
    unknown, by = find_symbol(expr, y), find_symbol(expr, x)
    if unknown is by:
        raise TypeMismatchError(
            worded("implicit_diff", expected="two symbols", got=f"`{by}` twice")
        )
    if order < 1:
        raise TypeMismatchError(worded("implicit_diff", expected="order >= 1", got=str(order)))
    if expr.shape != unknown.shape or expr.ndim > 1:
        raise ShapeError(
            worded(
                "implicit_diff",
                expected=f"as many equations as unknowns, shape {extent_text(unknown.shape)}",
                got=extent_text(expr.shape),
            )
        )
    by_y = derivative_by(expr, unknown)
    if is_zero(by_y) or is_zero(simplified(by_y, level=1, keep_conditions=False)):
        raise DomainError(
            worded("implicit_diff", expected=f"an equation in `{unknown}`", got=f"`{expr}`")
        )
    by_x = derivative_by(expr, by)
    if unknown.ndim:
        if order > 1:
            raise TypeMismatchError(
                worded("implicit_diff", expected="scalars for order > 1", got="a vector")
            )
        slope = scale(-1, matmul(inv(by_y), by_x))
        return simplified(slope, keep_conditions=False) if simplify else slope
    if by.ndim:
        slope = scale(-1, divide(by_x, by_y))
        return simplified(slope, keep_conditions=False) if simplify else slope
    slope = result = scale(-1, divide(by_x, by_y))
    for _ in range(order - 1):
        # d/dx along the curve: x moves by 1 and y by the slope.
        total = jvp([result], {by: ONE, unknown: slope})[0]
        result = zeros(()) if total is None else total
        if simplify:
            result = simplified(result, level=1, keep_conditions=False)
    return simplified(result, keep_conditions=False) if simplify else result
