"""QR and LU factors, and bases of what a matrix does not reach.

Matrices are the last two axes; leading axes make a stack. Signs and pivots stay what they are for small
changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import NoDerivativeError, ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.dump import codec
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Laws, NoDerivative, Op, Rule, Sample, Spelling, register
from wengert.ir.types import TupleType, Type
from wengert.ops.algebra import lift, matmul, minus, plus
from wengert.ops.control.item import items
from wengert.ops.factoring import (
    lu_by_routines,
    pivots_by_routines,
    qr_by_routines,
    rank_by_routines,
)
from wengert.ops.gaps import gap_quotient
from wengert.ops.gathering import take
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import tril, triu
from wengert.ops.lazy import scipy_function
from wengert.ops.matrices import cubed, floating, turned
from wengert.ops.sorting import argsort
from wengert.ops.spectral import adjoint, smaller, svd
from wengert.ops.sums import scale
from wengert.ops.systems import solve_triangular

__all__ = ["complement", "lu", "lu_pivots", "matrix_rank", "permutation_of_pivots", "qr"]

_SEVERAL = "several results are no formula"


def _matrix(A: Type, what: str) -> Type:
    if len(A.shape) < 2:
        raise ShapeError(worded(what, expected="a matrix", got=f"shape {extent_text(A.shape)}"))
    return floating(A, what, False)


def _divided(t: Expr, R: Expr) -> Expr:
    """``t @ inv(R)`` for an upper triangular ``R``."""
    return turned(solve_triangular(R, turned(t), trans=True))


# --- QR --------------------------------------------------------------------------------------------------
def qr(value: Any) -> tuple[Expr, Expr]:
    """``Q, R`` with ``A = Q @ R``, orthonormal columns in ``Q`` and an upper triangular ``R``.

    As many columns as rows or columns of ``A``, whichever are fewer.

    Raises:
        ShapeError: not a matrix, or one of two sizes that cannot be compared.
    """
    A = lift(value)
    m, n = _matrix(A.value_type, "qr").shape[-2:]
    k = smaller(m, n, "qr")
    if k == n:
        Q, R = items(make(QR, (A,)))
        return Q, R
    # The reflections are those of the square part; the other columns follow.
    last = A.ndim - 1
    Q, R = items(make(QR, (part_of(A, last, 0, k),)))
    rest = matmul(adjoint(Q), part_of(A, last, k, n - k))
    return Q, concatenate([R, rest], last)


def _qr_type(A: Type) -> TupleType:
    A = _matrix(A, "qr")
    *stack, m, n = A.shape
    if smaller(m, n, "qr") != n:
        raise ShapeError(worded("qr", expected="no more columns than rows", got=f"{A}"))
    return TupleType((A, A.with_shape((*stack, n, n))))


def _qr_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> list[Expr | None]:
    """With ``X = dA inv(R)`` and ``U`` the upper triangle of ``Q^H X + X^H Q``, its diagonal halved:
    ``dR = U R``, ``dQ = X - Q U`` (Walter and Lehmann 2010)."""
    (t,), (Q, R) = tangents, items(out)
    assert t is not None
    X = _divided(t, R)
    M = matmul(adjoint(Q), X)
    H = plus(M, adjoint(M))
    U = scale(0.5, plus(triu(H), triu(H, 1)))
    return [minus(X, matmul(Q, U)), matmul(U, R)]


QR = register(
    Op(
        name="qr",
        doc="The QR factors of a matrix with no more columns than rows.",
        result=_qr_type,
        evaluate=lambda A: tuple(np.linalg.qr(A)),
        diff=Rule(_qr_tangent),
        domain=Domain(poles="columns that depend on each other"),
        spell=Spelling(python="np.linalg.qr({0})"),
        calls=qr_by_routines,
        count=lambda node: 2 * cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((3, 3), draw="invertible"),), build=qr),
            Sample((Argument((4, 2)),), build=qr, note="tall"),
            Sample((Argument((2, 2, 2), draw="invertible"),), build=qr, note="stack"),
            Sample((Argument((2, 3)),), build=qr, note="wide"),
            Sample((Argument((3, 2), dtype="complex128"),), build=qr, note="complex"),
        ),
        exempt={"text": _SEVERAL},
    )
)


# --- LU --------------------------------------------------------------------------------------------------
def lu(value: Any) -> tuple[Expr, Expr, Expr]:
    """``p, L, U`` with ``A = (L @ U)[p]``, by partial pivoting.

    Raises:
        ShapeError: not a matrix, or one of two sizes that cannot be compared.
    """
    p, L, U = items(make(LU, (lift(value),)))
    return p, L, U


def _single(A: Type, what: str) -> Type:
    if len(A.shape) != 2:
        raise ShapeError(worded(what, expected="one matrix", got=f"shape {extent_text(A.shape)}"))
    return floating(A, what, False)


def _lu_type(A: Type) -> TupleType:
    A = _single(A, "lu")
    (m, n), k = A.shape, _few(A)
    return TupleType((Type("int64", (m,)), A.with_shape((m, k)), A.with_shape((k, n))))


_scipy_lu = scipy_function("linalg.lu")
_scipy_lu_factor = scipy_function("linalg.lu_factor")


def _lu_value(A: Any) -> Any:
    p, L, U = _scipy_lu(np.asarray(A), p_indices=True)
    return np.asarray(p, np.int64), L, U


def _lu_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> list[Expr | None]:
    """With ``M = inv(L) P dA inv(U)``: ``dL = L tril(M, -1)``, ``dU = triu(M) U``; the rest follows."""
    (t,), (p, L, U) = tangents, items(out)
    assert t is not None
    t = take(t, argsort(p), axis=0)
    k = L.shape[1]
    square_t = part_of(part_of(t, 0, 0, k), 1, 0, k)
    top, front = part_of(L, 0, 0, k), part_of(U, 1, 0, k)
    M = _divided(solve_triangular(top, square_t, lower=True, unit_diagonal=True), front)
    L_t, U_t = matmul(top, tril(M, -1)), matmul(triu(M), front)
    below, beside = L.shape[0] - k, U.shape[1] - k
    if below != 0:
        rest = minus(part_of(t, 0, k, below), matmul(part_of(L, 0, k, below), U_t))
        L_t = concatenate([L_t, _divided(rest, front)], 0)
    if beside != 0:
        rest = minus(part_of(t, 1, k, beside), matmul(L_t, part_of(U, 1, k, beside)))
        further = solve_triangular(top, rest, lower=True, unit_diagonal=True)
        U_t = concatenate([U_t, further], 1)
    return [None, L_t, U_t]


def _factors(A: Expr) -> tuple[Expr, ...]:
    return lu(A)[1:]


LU = register(
    Op(
        name="lu",
        doc="The LU factors of a matrix by partial pivoting, and where its rows went.",
        result=_lu_type,
        evaluate=_lu_value,
        diff=Rule(_lu_tangent),
        domain=Domain(kinks="where another pivot is chosen", poles="det(A) = 0"),
        spell=Spelling(python="scipy.linalg.lu({0}, p_indices=True)"),
        calls=lu_by_routines,
        count=lambda node: cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((3, 3), draw="invertible"),), build=_factors),
            Sample((Argument((4, 2)),), build=_factors, note="tall"),
            Sample((Argument((2, 4)),), build=_factors, note="wide"),
            Sample((Argument((2, 2), dtype="complex128"),), build=_factors, note="complex"),
        ),
        exempt={"text": _SEVERAL},
    )
)


def _of_places(
    name: str, doc: str, result: Callable[[Type], Type], evaluate: Callable[[Any], Any], **more: Any
) -> Op:
    return register(
        Op(
            name=name,
            doc=doc,
            result=result,
            evaluate=evaluate,
            diff=NoDerivative("a position does not vary smoothly", zero=True),
            laws=Laws(facts=lambda x: INTEGER | NONNEGATIVE | FINITE),
            arity=1,
            **more,
        )
    )


def _few(A: Type) -> Extent:
    m, n = A.shape
    return smaller(m, n, "lu")


LU_PIVOTS = _of_places(
    "lu_pivots",
    "The row that each row is exchanged with, one after the other, in partial pivoting.",
    lambda A: Type("int32", (_few(_single(A, "lu_pivots")),)),
    lambda A: np.asarray(_scipy_lu_factor(np.asarray(A), check_finite=False)[1], np.int32),
    spell=Spelling(python="scipy.linalg.lu_factor({0})[1]"),
    calls=pivots_by_routines,
    count=lambda node: cubed(node.args[0]),
    samples=(Sample((Argument((3, 3), draw="invertible"),)),),
)


def lu_pivots(A: Any) -> Expr:
    """The row that each row is exchanged with, one after the other, in partial pivoting."""
    return make(LU_PIVOTS, (lift(A),))


def permuted_rows(pivots: Any) -> Any:
    """Where each row of the product of the factors comes from."""
    rows = np.arange(len(pivots))
    for place, other in enumerate(pivots):
        rows[[place, other]] = rows[[other, place]]
    return rows


PERMUTATION = _of_places(
    "permutation_of_pivots",
    "The permutation that exchanging rows one after the other comes to.",
    lambda pivots: Type("int64", pivots.shape),
    permuted_rows,
    spell=Spelling(python="permuted_rows({0})", helpers=(permuted_rows,)),
    samples=(Sample((Argument((3,), dtype="int32", value=np.array([1, 2, 2], np.int32)),)),),
)


def permutation_of_pivots(pivots: Any) -> Expr:
    """The permutation that exchanging rows one after the other comes to, for a square matrix."""
    return make(PERMUTATION, (lift(pivots),))


# --- rank ------------------------------------------------------------------------------------------------
class Tolerance(NamedTuple):
    """From which singular value on one counts: absolutely, or as a part of the largest."""

    tol: float | None = None
    rtol: float | None = None


codec(Tolerance)


def matrix_rank(A: Any, tol: float | None = None, rtol: float | None = None) -> Expr:
    """How many singular values are not zero to rounding; 1 or 0 for a vector."""
    return make(RANK, (lift(A),), Tolerance(tol, rtol))


def _rank_value(A: Any, *, attr: Tolerance) -> Any:
    A = np.asarray(A)
    options: dict[str, Any] = {} if attr.rtol is None else {"rtol": attr.rtol}
    return np.asarray(np.linalg.matrix_rank(A, attr.tol, **options), np.int64)[()]


RANK = register(
    Op(
        name="matrix_rank",
        doc="How many singular values of a matrix are not zero to rounding.",
        result=lambda A, *, attr: Type("int64", A.shape[:-2]),
        evaluate=_rank_value,
        diff=NoDerivative("a count does not vary smoothly", zero=True),
        spell=Spelling(
            python="np.linalg.matrix_rank({0})",
            options=lambda node: {
                name: getattr(node.attr, name)
                for name in ("tol", "rtol")
                if getattr(node.attr, name) is not None
            },
        ),
        laws=Laws(facts=lambda A, *, attr: INTEGER | NONNEGATIVE | FINITE),
        call=matrix_rank,
        calls=rank_by_routines,
        count=lambda node: 10 * cubed(node.args[0]),
        samples=(
            Sample((Argument((3, 2)),), Tolerance()),
            Sample((Argument((2, 2, 2)),), Tolerance(tol=0.1), note="stack"),
        ),
    )
)


# --- what is not reached ---------------------------------------------------------------------------------


def complement(value: Any, side: str) -> Expr:
    """Orthonormal vectors that a full factorization adds: those that the matrix does not reach.

    ``left``: the further columns of ``U``, for more rows than columns; ``right``: the further rows of
    ``Vh``, for more columns than rows; ``qr``: the further columns of ``Q``. A single vector has a
    derivative, of several any basis would do.

    Raises:
        ShapeError: there are none.
    """
    return make(COMPLEMENT, (lift(value),), side)


def _complement_type(A: Type, *, attr: str) -> Type:
    A = _matrix(A, "complement")
    *stack, m, n = A.shape
    if (attr == "right") == (smaller(m, n, "complement") == n) or m == n:
        raise ShapeError(worded("complement", expected="vectors that are left over", got=f"{A}"))
    return A.with_shape((*stack, n - m, n) if attr == "right" else (*stack, m, m - n))


def _complement_value(A: Any, *, attr: str) -> Any:
    few = min(A.shape[-2:])
    if attr == "qr":
        return np.linalg.qr(A, mode="complete")[0][..., few:]
    U, _, Vh = np.linalg.svd(A)
    return U[..., few:] if attr == "left" else Vh[..., few:, :]


def _complement_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], N: Expr, *, attr: str, diff: Any
) -> Expr:
    """``dN = -pinv(A)^H dA^H N``, by the singular value decomposition."""
    (A,), (t,) = args, tangents
    assert t is not None
    if (N.shape[-2] if attr == "right" else N.shape[-1]) != 1:
        raise NoDerivativeError(
            worded(
                "derivative of a full factorization",
                expected="at most one further vector, or none that is used",
                got=f"vectors of shape {extent_text(N.shape)}, of which any basis would do",
                hint="full_matrices=False, mode='reduced'",
            )
        )
    U, s, Vh = svd(A)
    if attr == "right":
        turning = gap_quotient(matmul(matmul(N, adjoint(t)), U), s, pairs=False)
        return scale(-1, matmul(turning, Vh))
    turning = gap_quotient(matmul(matmul(adjoint(N), t), adjoint(Vh)), s, pairs=False)
    return scale(-1, matmul(U, adjoint(turning)))


_COMPLEMENT_TEXT = {
    "left": "np.linalg.svd({{0}})[0][..., {few}:]",
    "right": "np.linalg.svd({{0}})[2][..., {few}:, :]",
    "qr": "np.linalg.qr({{0}}, mode='complete')[0][..., {few}:]",
}


def _complement_in_numpy(node: Expr) -> str:
    m, n = node.args[0].shape[-2:]
    return _COMPLEMENT_TEXT[node.attr].format(few=smaller(m, n, "complement"))


COMPLEMENT = register(
    Op(
        name="complement",
        doc="Orthonormal vectors that a full factorization adds: those that the matrix does not reach.",
        result=_complement_type,
        evaluate=_complement_value,
        diff=Rule(_complement_tangent),
        domain=Domain(poles="a zero singular value"),
        spell=Spelling(text="complement({0}, '{attr}')", python="", numpy=_complement_in_numpy),
        call=complement,
        count=lambda node: 10 * cubed(node.args[0]),
        samples=(
            Sample((Argument((3, 2)),), "left"),
            Sample((Argument((2, 3)),), "right"),
            Sample((Argument((3, 2)),), "qr"),
            Sample((Argument((2, 3, 2)),), "left", note="stack"),
        ),
    )
)
