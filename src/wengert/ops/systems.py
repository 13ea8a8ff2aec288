"""Linear systems and the Cholesky factor.

The solution is linear in the right-hand side, whose axes after the rows are columns. In reverse, the extra
axes of a stack of cotangents become further columns, so that one factorisation serves all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import extent_text, size_of
from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
)
from wengert.ir.node import Expr, make
from wengert.ir.op import (
    Argument,
    Domain,
    Laws,
    Op,
    Rule,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import Type, promote
from wengert.ops.algebra import common_shape, lift, matmul, plus
from wengert.ops.complexes import conj
from wengert.ops.einstein import broadcast_to, ein, transpose
from wengert.ops.layout import expand_dims, reshape, squeeze, swapaxes, tril, triu
from wengert.ops.lazy import scipy_function
from wengert.ops.linalg import is_invertible
from wengert.ops.matrices import cubed, floating, or_nan, square, stack_labels, turned
from wengert.ops.solving import (
    cholesky_by_routines,
    solve_by_routines,
    triangular_by_routines,
)
from wengert.ops.substitution import triangular_in_loops
from wengert.ops.sums import scale, subtract

__all__ = ["cholesky", "solve", "solve_triangular"]


# --- linear systems ----------------------------------------------------------------------------------
class Triangle(NamedTuple):
    """Which triangle of the matrix is read, and whether it is transposed or has ones on its diagonal."""

    lower: bool = True
    transposed: bool = False
    unit: bool = False


def _solution_type(A: Type, b: Type, what: str) -> Type:
    """``A`` is (*stack, n, n); ``b`` is (*stack, n) and any further axes, which are columns."""
    A = square(A, what)
    stack = len(A.shape) - 2
    if b.shape[: stack + 1] != A.shape[:-1]:
        raise ShapeError(
            worded(
                what,
                expected=f"a right-hand side of {A.shape[-1]} rows",
                got=f"shapes {extent_text(A.shape)} and {extent_text(b.shape)}",
                hint="transpose the right-hand side",
            )
        )
    return promote(A, floating(b, what, False)).with_shape(b.shape)


def _fitted(A: Expr, b: Expr, what: str) -> tuple[Expr, Expr]:
    """NumPy's rule: a vector, or matrices of columns whose stacks stretch to each other."""
    square(A.value_type, what)
    if not b.ndim:
        raise ShapeError(worded(what, expected="a vector or a matrix to solve for", got="a scalar"))
    if (b.ndim == 1 and A.ndim == 2) or (b.ndim > 1 and A.shape[:-2] == b.shape[:-2]):
        return A, b
    columns = expand_dims(b, -1) if b.ndim == 1 else b
    stack = common_shape(A.shape[:-2], columns.shape[:-2])
    return (
        broadcast_to(A, (*stack, *A.shape[-2:])),
        broadcast_to(columns, (*stack, *columns.shape[-2:])),
    )


def _solved(op: Op, A: Any, b: Any, attr: Triangle | None = None) -> Expr:
    right = lift(b)
    matrix, columns = _fitted(lift(A), right, op.name)
    x = make(op, (matrix, columns), attr)
    return squeeze(x, -1) if right.ndim == 1 and columns.ndim > 1 else x


def solve(A: Any, b: Any) -> Expr:
    """The solution ``x`` of ``A @ x == b`` for a vector ``b``, or for each column of a matrix.

    Raises:
        ShapeError: ``A`` is not square, or ``b`` has another number of rows.
    """
    return _solved(SOLVE, A, b)


def solve_triangular(
    A: Any, b: Any, lower: bool = False, trans: bool = False, unit_diagonal: bool = False
) -> Expr:
    """The solution of ``A @ x == b`` where only one triangle of ``A`` is read.

    ``lower`` tells which, ``trans`` solves ``A.T @ x == b``, and with ``unit_diagonal`` the diagonal counts
    as ones.

    Raises:
        ShapeError: ``A`` is not square, or ``b`` has another number of rows.
    """
    return _solved(SOLVE_TRIANGULAR, A, b, Triangle(lower, bool(trans), unit_diagonal))


def _applied(A: Expr, x: Expr) -> Expr:
    """``A @ x`` over the first axis after the stack."""
    stack = stack_labels(A.ndim - 2)
    columns = tuple(("column", i) for i in range(x.ndim - A.ndim + 1))
    return ein([(A, (*stack, "i", "j")), (x, (*stack, "j", *columns))], (*stack, "i", *columns))


def _columns_last(ct: Expr, lead: int) -> Expr:
    """Extra leading axes of a cotangent become the last columns, so that one factorisation serves all."""
    return transpose(ct, [*range(lead, ct.ndim), *range(lead)])


def _columns_first(node: Expr, lead: int) -> Expr:
    kept = node.ndim - lead
    return transpose(node, [*range(kept, node.ndim), *range(kept)])


def _outer(left: Expr, right: Expr, stack: int, lead: int) -> Expr:
    """Sums over columns of ``left[i]*right[j]``; extra columns of ``left`` come out in front."""
    stacked = stack_labels(stack)
    columns = tuple(("column", i) for i in range(right.ndim - stack - 1))
    extra = tuple(("lead", i) for i in range(lead))
    return ein(
        [(left, (*stacked, "i", *columns, *extra)), (right, (*stacked, "j", *columns))],
        (*extra, *stacked, "i", "j"),
    )


def _residual(A_t: Expr | None, b_t: Expr | None, x: Expr, part: Callable[[Expr], Expr]) -> Expr:
    """``b_t - A_t @ x``."""
    applied = None if A_t is None else _applied(part(A_t), x)
    if applied is None:
        assert b_t is not None
        return b_t
    return scale(-1, applied) if b_t is None else subtract(b_t, applied)


def _solution(op: Op, A: Expr, b: Expr, attr: Triangle | None = None) -> Expr:
    """The solution for any number of column axes, which are taken as one: as text, ``solve`` has one."""
    stack = A.ndim - 2
    if b.ndim <= stack + 2:
        return make(op, (A, b), attr)
    columns = reshape(b, (*b.shape[: stack + 1], size_of(b.shape[stack + 1 :])))
    return reshape(make(op, (A, columns), attr), b.shape)


def _solve_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    """``A dx = db - dA x``."""
    A_t, b_t = tangents
    return _solution(SOLVE, args[0], _residual(A_t, b_t, out, lambda M: M))


def _solve_cotangents(
    args: Sequence[Expr], wanted: Sequence[bool], ct: Expr, out: Expr, **_: Any
) -> list[Expr | None]:
    """One system with the transposed matrix (Giles 2008, section 2.3)."""
    A = args[0]
    lead, stack = ct.ndim - out.ndim, A.ndim - 2
    back = _solution(SOLVE, turned(conj(A)), _columns_last(ct, lead))
    A_ct = scale(-1, _outer(back, conj(out), stack, lead)) if wanted[0] else None
    return [A_ct, _columns_first(back, lead) if wanted[1] else None]


def _solve_value(A: Any, b: Any) -> Any:
    columns = np.reshape(b, (*A.shape[:-1], -1))
    return np.reshape(np.linalg.solve(A, columns), np.shape(b))


SOLVE = register(
    Op(
        name="solve",
        doc="The solution x of A @ x = b.",
        result=lambda A, b: _solution_type(A, b, "solve"),
        evaluate=or_nan(_solve_value, lambda A, b: np.shape(b)),
        diff=Rule(_solve_tangent, _solve_cotangents, batched=True),
        domain=Domain(where=lambda A, b: is_invertible(A), poles="det(A) = 0"),
        spell=Spelling(latex="{0}^{{-1}} {1}", python="np.linalg.solve({0}, {1})"),
        call=solve,
        calls=solve_by_routines,
        arity=2,
        count=lambda node: cubed(node.args[0]),
        samples=(
            Sample((Argument((3, 3), draw="invertible"), Argument((3,)))),
            Sample((Argument((3, 3), draw="invertible"), Argument((3, 2)))),
            Sample((Argument((2, 2, 2), draw="invertible"), Argument((2, 2, 3))), note="stack"),
            Sample(
                (Argument((2, 2), draw="invertible"), Argument((2,), dtype="complex128")),
                note="complex",
            ),
        ),
    )
)


# --- triangular systems ------------------------------------------------------------------------------
def _read(triangle: Triangle) -> Callable[[Expr], Expr]:
    """The part of a matrix that is read, as it acts."""

    def part(M: Expr) -> Expr:
        kept = (tril if triangle.lower else triu)(M, _offset(triangle))
        return turned(kept) if triangle.transposed else kept

    return part


def _offset(triangle: Triangle) -> int:
    if not triangle.unit:
        return 0
    return -1 if triangle.lower else 1


def _triangular_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: Triangle,
    diff: Any,
) -> Expr:
    A_t, b_t = tangents
    return _solution(SOLVE_TRIANGULAR, args[0], _residual(A_t, b_t, out, _read(attr)), attr)


def _triangular_cotangents(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Expr,
    out: Expr,
    *,
    attr: Triangle,
    diff: Any,
) -> list[Expr | None]:
    A = args[0]
    lead, stack = ct.ndim - out.ndim, A.ndim - 2
    turn = attr._replace(transposed=not attr.transposed)
    back = _solution(SOLVE_TRIANGULAR, conj(A), _columns_last(ct, lead), turn)
    b_ct = _columns_first(back, lead) if wanted[1] else None
    if not wanted[0]:
        return [None, b_ct]
    product = _outer(back, conj(out), stack, lead)
    if attr.transposed:
        product = turned(product) if product.ndim == 2 else swapaxes(product, -1, -2)
    kept = (tril if attr.lower else triu)(product, _offset(attr))
    return [scale(-1, kept), b_ct]


_scipy_triangular = scipy_function("linalg.solve_triangular")


def _triangular_value(A: Any, b: Any, *, attr: Triangle) -> Any:
    def one(A: Any, b: Any) -> Any:
        if A.ndim > 2:
            return np.stack([evaluate(*pair) for pair in zip(A, b, strict=True)])
        columns = np.reshape(b, (len(A), -1))
        found = _scipy_triangular(
            A,
            columns,
            trans=int(attr.transposed),
            lower=attr.lower,
            unit_diagonal=attr.unit,
            check_finite=False,
        )
        return np.reshape(found, np.shape(b))

    evaluate = or_nan(one, lambda A, b: np.shape(b))
    return evaluate(A, b)


def _triangle_options(node: Expr) -> dict[str, object]:
    lower, transposed, unit = node.attr
    options = {"lower": lower, "trans": transposed, "unit_diagonal": unit}
    return {name: value for name, value in options.items() if value}


def _triangle_in_numpy(node: Expr) -> str:
    given = "".join(
        f", {name}={1 if name == 'trans' else True}" for name in _triangle_options(node)
    )
    return f"scipy.linalg.solve_triangular({{0}}, {{1}}{given})"


SOLVE_TRIANGULAR = register(
    Op(
        name="solve_triangular",
        doc="The solution x of A @ x = b where one triangle of A is read.",
        result=lambda A, b, *, attr: _solution_type(A, b, "solve_triangular"),
        evaluate=_triangular_value,
        diff=Rule(_triangular_tangent, _triangular_cotangents, batched=True),
        domain=Domain(poles="a zero on the diagonal"),
        spell=Spelling(options=_triangle_options, numpy=_triangle_in_numpy),
        call=solve_triangular,
        calls=triangular_by_routines,
        loops=triangular_in_loops,
        samples=(
            Sample((Argument((3, 3), draw="lower"), Argument((3,))), Triangle()),
            Sample((Argument((3, 3), draw="invertible"), Argument((3, 2))), Triangle(False)),
            Sample((Argument((3, 3), draw="lower"), Argument((3, 2))), Triangle(True, True)),
            Sample((Argument((3, 3), draw="upper"), Argument((3,))), Triangle(False, True, True)),
            Sample(
                (Argument((2, 2, 2), draw="lower"), Argument((2, 2, 1))), Triangle(), note="stack"
            ),
            Sample(
                (Argument((2, 2), draw="lower", dtype="complex128"), Argument((2,))),
                Triangle(True, True),
                note="complex",
            ),
        ),
        cost=4.0,
    )
)


# --- Cholesky ----------------------------------------------------------------------------------------
def _symmetric_part(A: Expr) -> Expr:
    return scale(0.5, plus(A, turned(conj(A))))


def _cholesky_value(A: Any) -> Any:
    return np.linalg.cholesky((A + np.conj(np.swapaxes(A, -1, -2))) / 2)


def _cholesky_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], L: Expr, **_: Any
) -> Expr:
    """``dL = L phi(inv(L) dA inv(L)^H)``, where ``phi`` keeps the lower triangle and half the diagonal.

    Smith 1995; Murray 2016, "Differentiation of the Cholesky decomposition", section 3.
    """
    assert tangents[0] is not None
    half = solve_triangular(L, _symmetric_part(tangents[0]), lower=True)
    middle = solve_triangular(L, turned(conj(half)), lower=True)
    return matmul(L, scale(0.5, plus(tril(middle), tril(middle, -1))))


CHOLESKY = register(
    Op(
        name="cholesky",
        doc="The lower triangular L with L @ L^H = (A + A^H)/2, for positive definite A.",
        result=lambda A: square(A, "cholesky"),
        evaluate=or_nan(_cholesky_value, lambda A: A.shape),
        diff=Rule(_cholesky_tangent),
        domain=Domain(poles="A not positive definite"),
        spell=Spelling(
            latex=r"\operatorname{{chol}}\left({0}\right)", python="np.linalg.cholesky({0})"
        ),
        laws=Laws(facts=lambda A: A & (DIAGONAL | FINITE)),
        aliases=("chol",),
        calls=cholesky_by_routines,
        count=lambda node: cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((3, 3), draw="spd"),)),
            Sample((Argument((3, 3), draw="spd", direction="any"),), note="any direction"),
            Sample((Argument((2, 2, 2), draw="spd"),), note="stack"),
            Sample((Argument((2, 2), draw="spd", dtype="complex128"),), note="complex"),
        ),
    )
)


def cholesky(A: Any) -> Expr:
    """The lower triangular ``L`` with ``L @ L^H == A`` for a positive definite matrix.

    The derivative is that of ``cholesky((A + A^H)/2)``, so the gradient is a symmetric (Hermitian) matrix.

    Raises:
        ShapeError: not square.
    """
    return make(CHOLESKY, (lift(A),))
