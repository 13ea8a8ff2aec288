"""Square roots, logarithms and powers of matrices, and Sylvester's equation.

The change of a function of a matrix is a block of the function of a matrix twice as large,
``f([[A, E], [0, A]]) = [[f(A), L(A, E)], [0, f(A)]]`` (Higham 2008, theorem 3.6), whatever its eigenvalues.
Its adjoint is the same for the conjugate transpose of ``A``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import DomainError, ShapeError, worded
from wengert.ir.dims import extent_text
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, Spelling, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import lift, matmul, minus, zeros
from wengert.ops.complexes import conj
from wengert.ops.einstein import broadcast_to, sum_axes
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate
from wengert.ops.lazy import scipy_function
from wengert.ops.matrices import cubed, square, turned
from wengert.ops.sums import scale

__all__ = ["logm", "matrix_real_power", "solve_sylvester", "sqrtm"]


# --- functions of one matrix -----------------------------------------------------------------------------
def _principal(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of each matrix of a stack, as a real matrix for real ones.

    Raises:
        DomainError: a real matrix whose principal function is complex.
    """

    def evaluate(A: Any, **more: Any) -> Any:
        A = np.asarray(A)
        dtype = np.result_type(A, np.float32)
        result = np.empty(A.shape, dtype)
        for place in np.ndindex(A.shape[:-2]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of matrices near to singular ones
                found = np.asarray(function(A[place].astype(dtype), **more))
            if np.iscomplexobj(found) and not np.iscomplexobj(result):
                size = np.max(np.abs(found), initial=0.0)
                if np.max(np.abs(found.imag), initial=0.0) > 1e3 * np.finfo(dtype).eps * size:
                    raise DomainError(
                        worded(
                            name,
                            expected="no eigenvalues on the negative real axis",
                            got="a real matrix with a complex result",
                            hint="make the matrix complex first",
                        )
                    )
                found = found.real
            result[place] = found
        return result

    return evaluate


def _in_blocks(op: Op, A: Expr, E: Expr, attr: Any) -> Expr:
    """The change of the function at ``A`` in the direction ``E``, stacked as ``E`` is."""
    A = broadcast_to(A, E.shape)
    n, last = E.shape[-1], E.ndim - 1
    above = concatenate([A, E], last)
    below = concatenate([zeros(E.shape), A], last)
    both = make(op, (concatenate([above, below], last - 1),), attr)
    return part_of(part_of(both, last - 1, 0, n), last, n, n)


def _function_of_matrix(
    name: str, doc: str, function: Callable[..., Any], samples: tuple[Sample, ...], **more: Any
) -> Op:
    def tangent(args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any) -> Expr:
        assert tangents[0] is not None
        return _in_blocks(op, args[0], tangents[0], out.attr)

    def cotangents(
        args: Sequence[Expr], wanted: Sequence[bool], ct: Expr, out: Expr, **_: Any
    ) -> list[Expr | None]:
        return [_in_blocks(op, turned(conj(args[0])), ct, out.attr)]

    op = register(
        Op(
            name=name,
            doc=doc,
            result=lambda A, **_: square(A, name),
            evaluate=_principal(name, function),
            diff=Rule(tangent, cotangents, batched=True),
            domain=Domain(poles="eigenvalues on the negative real axis, and 0"),
            count=lambda node: 30 * cubed(node.args[0]),
            samples=samples,
            **more,
        )
    )
    return op


_SPD = Argument((3, 3), draw="spd", direction="any")
_SAMPLES = (
    Sample((_SPD,)),
    Sample((Argument((2, 2, 2), draw="spd", direction="any"),), note="stack"),
    Sample((Argument((2, 2), draw="spd", dtype="complex128", direction="any"),), note="complex"),
)

SQRTM = _function_of_matrix(
    "sqrtm",
    "The principal square root of a matrix.",
    scipy_function("linalg.sqrtm"),
    _SAMPLES,
    spell=Spelling(latex="{0}^{{1/2}}", python="scipy.linalg.sqrtm({0})"),
    arity=1,
)
LOGM = _function_of_matrix(
    "logm",
    "The principal logarithm of a matrix.",
    scipy_function("linalg.logm"),
    _SAMPLES,
    spell=Spelling(latex=r"\log\left({0}\right)", python="scipy.linalg.logm({0})"),
    arity=1,
)
_scipy_power = scipy_function("linalg.fractional_matrix_power")
POWERM = _function_of_matrix(
    "matrix_real_power",
    "The principal power of a matrix with a real exponent.",
    lambda A, *, attr: _scipy_power(A, attr),
    (
        Sample((_SPD,), 0.3),
        Sample((Argument((2, 2, 2), draw="spd", direction="any"),), -1.5, note="stack"),
    ),
    spell=Spelling(
        options=lambda node: {"exponent": node.attr},
        numpy=lambda node: f"scipy.linalg.fractional_matrix_power({{0}}, {node.attr!r})",
    ),
    call=lambda A, exponent: matrix_real_power(A, exponent),
)


def sqrtm(A: Any) -> Expr:
    """The principal square root of a matrix.

    Raises:
        ShapeError: not square.
    """
    return make(SQRTM, (lift(A),))


def logm(A: Any) -> Expr:
    """The principal logarithm of a matrix.

    Raises:
        ShapeError: not square.
    """
    return make(LOGM, (lift(A),))


def matrix_real_power(A: Any, exponent: float) -> Expr:
    """The principal power of a matrix with a real exponent.

    Raises:
        ShapeError: not square.
    """
    return make(POWERM, (lift(A),), float(exponent))


# --- Sylvester's equation --------------------------------------------------------------------------------
def solve_sylvester(A: Any, B: Any, Q: Any) -> Expr:
    """The solution ``X`` of ``A @ X + X @ B == Q``, for one matrix ``Q`` or a stack of them.

    Raises:
        ShapeError: matrices that do not fit together.
    """
    return make(SYLVESTER, (lift(A), lift(B), lift(Q)))


def _sylvester_type(A: Type, B: Type, Q: Type) -> Type:
    A, B = square(A, "solve_sylvester"), square(B, "solve_sylvester")
    fits = len(A.shape) == len(B.shape) == 2 and Q.shape[-2:] == (A.shape[0], B.shape[0])
    if not fits:
        raise ShapeError(
            worded(
                "solve_sylvester",
                expected=f"a right-hand side of shape {extent_text((A.shape[0], B.shape[0]))}",
                got=extent_text(Q.shape),
            )
        )
    return promote(A, B, Q).with_shape(Q.shape)


_scipy_sylvester = scipy_function("linalg.solve_sylvester")


def _sylvester_value(A: Any, B: Any, Q: Any) -> Any:
    Q = np.asarray(Q)
    dtype = np.result_type(A, B, Q, np.float32)
    A, B = np.asarray(A, dtype), np.asarray(B, dtype)
    result = np.empty(Q.shape, dtype)
    for place in np.ndindex(Q.shape[:-2]):
        try:
            result[place] = _scipy_sylvester(A, B, Q[place].astype(dtype))
        except np.linalg.LinAlgError:
            result[place] = np.nan
    return result


def _sylvester_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], X: Expr, **_: Any
) -> Expr:
    """``A dX + dX B = dQ - dA X - X dB``."""
    A_t, B_t, Q_t = tangents
    right = Q_t
    for term in (
        None if A_t is None else matmul(A_t, X),
        None if B_t is None else matmul(X, B_t),
    ):
        if term is not None:
            right = scale(-1, term) if right is None else minus(right, term)
    assert right is not None
    return solve_sylvester(args[0], args[1], right)


def _sylvester_cotangents(
    args: Sequence[Expr], wanted: Sequence[bool], ct: Expr, X: Expr, **_: Any
) -> list[Expr | None]:
    A, B, Q = args
    back = solve_sylvester(turned(conj(A)), turned(conj(B)), ct)
    lead = ct.ndim - Q.ndim
    stack = range(lead, lead + Q.ndim - 2)  # one pair of matrices serves the whole stack
    X_back = turned(conj(X))
    A_ct = scale(-1, sum_axes(matmul(back, X_back), stack)) if wanted[0] else None
    B_ct = scale(-1, sum_axes(matmul(X_back, back), stack)) if wanted[1] else None
    return [A_ct, B_ct, back if wanted[2] else None]


_PLUS = Argument((2, 2), draw="spd", direction="any")

SYLVESTER = register(
    Op(
        name="solve_sylvester",
        doc="The solution X of A @ X + X @ B = Q.",
        result=_sylvester_type,
        evaluate=_sylvester_value,
        diff=Rule(_sylvester_tangent, _sylvester_cotangents, batched=True),
        domain=Domain(poles="an eigenvalue of A that is one of -B"),
        spell=Spelling(python="scipy.linalg.solve_sylvester({0}, {1}, {2})"),
        count=lambda node: 25 * cubed(node.args[0]),
        arity=3,
        samples=(
            Sample((_PLUS, Argument((3, 3), draw="spd", direction="any"), Argument((2, 3)))),
            Sample((_PLUS, _PLUS, Argument((3, 2, 2))), note="stack"),
            Sample((_PLUS, _PLUS, Argument((2, 2), dtype="complex128")), note="complex"),
        ),
    )
)
