"""The functions of ``scipy.linalg``.

Options that only concern memory and checks (``overwrite_a``, ``check_finite``) change nothing here. Singular
systems give NaN where SciPy raises ``LinAlgError``. Eigenvalues of general matrices are complex numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from wengert.frontend import numpy_linalg
from wengert.frontend.numpy_arguments import converted, fixed, known, only, refused, strong, whole
from wengert.frontend.numpy_linalg import completed, floating, fully, hermitian
from wengert.frontend.numpy_selecting import strong_zeros
from wengert.frontend.table import Nested, Value, Values, maps
from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops import (
    banded,
    factorizations,
    linalg,
    spectral,
    systems,
)
from wengert.ops.algebra import matmul, plus, times
from wengert.ops.along import positions
from wengert.ops.complexes import conj, real
from wengert.ops.gathering import set_at, take
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import tril, triu
from wengert.ops.leaves import const
from wengert.ops.matrices import turned
from wengert.ops.reductions import sum_
from wengert.ops.sorting import argsort
from wengert.ops.spectral import adjoint

_group = "Linear algebra of SciPy"
_S = scipy.linalg


# --- systems ---------------------------------------------------------------------------------------------
@maps(_S.inv, group=_group)
def inv(a: Value, overwrite_a: bool = False, check_finite: bool = True) -> Expr:
    return linalg.inv(floating(a))


@maps(_S.det, group=_group)
def det(a: Value, overwrite_a: bool = False, check_finite: bool = True) -> Expr:
    return linalg.det(floating(a))


_SYMMETRIC = ("sym", "symmetric", "her", "hermitian", "pos", "positive definite")


@maps(_S.solve, group=_group)
def solve(
    a: Value,
    b: Value,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Expr:
    what = "scipy.linalg.solve"
    only(what, "assume_a", assume_a, None, "gen", "general", *_SYMMETRIC)
    A = floating(a)
    if assume_a in _SYMMETRIC:
        if is_complex(A.value_type) and assume_a in ("sym", "symmetric"):
            raise refused(f"{what}: argument `assume_a`", expected="'her' or 'gen'", got=assume_a)
        A = hermitian(A, lower, what)
    return systems.solve(turned(A) if transposed else A, floating(b))


@maps(_S.solve_triangular, group=_group)
def solve_triangular(
    a: Value,
    b: Value,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Expr:
    only("scipy.linalg.solve_triangular", "trans", trans, 0, 1, 2, "N", "T", "C", False, True)
    A = floating(a)
    if trans in (2, "C"):
        A = conj(A)
    turning = trans not in (0, "N")
    return systems.solve_triangular(A, floating(b), bool(lower), turning, bool(unit_diagonal))


@maps(_S.solve_banded, group=_group)
def solve_banded(
    l_and_u: Any,
    ab: Value,
    b: Value,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Expr:
    lower, upper = (whole(n, "scipy.linalg.solve_banded", "l_and_u") for n in l_and_u)
    return banded.solve_banded(floating(ab), floating(b), lower, upper)


@maps(_S.solveh_banded, group=_group)
def solveh_banded(
    ab: Value,
    b: Value,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Expr:
    bands = floating(ab)
    count = fixed(bands.shape[0], "scipy.linalg.solveh_banded")
    rows = [bands[i] for i in range(count)]
    if lower:
        main, others = rows[0], rows[1:]
        above = [banded.shifted(conj(row), i) for i, row in enumerate(others, 1)]
        full = [*above[::-1], _real(main), *others]
    else:
        main, others = rows[-1], rows[-2::-1]
        below = [banded.shifted(conj(row), -i) for i, row in enumerate(others, 1)]
        full = [*others[::-1], _real(main), *below]
    return banded.solve_banded(stack(full), floating(b), count - 1, count - 1)


def _real(x: Expr) -> Expr:
    return converted(real(x), x.value_type.dtype)


@maps(_S.lstsq, group=_group)
def lstsq(
    a: Value,
    b: Value,
    cond: float | None = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> tuple[Expr, Expr, Expr, Expr]:
    """As SciPy, but for residuals of tall matrices that are not of full rank: NaN instead of none."""
    only("scipy.linalg.lstsq", "lapack_driver", lapack_driver, None, "gelsd", "gelss")
    A, right = floating(a), floating(b)
    eps = float(np.finfo(A.value_type.dtype).eps)
    x, residuals, rank, s = numpy_linalg.lstsq(A, right, eps if cond is None else float(cond))
    scalar = right.ndim == 1 and residuals.shape == (1,)
    return x, residuals[0] if scalar else residuals, converted(rank, "int64"), s


@maps(_S.pinv, group=_group)
def pinv(
    a: Value,
    *,
    atol: float | None = None,
    rtol: float | None = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Expr:
    only("scipy.linalg.pinv", "atol", atol, None, 0, 0.0)
    only("scipy.linalg.pinv", "return_rank", return_rank, False)
    return linalg.pinv(floating(a), None if rtol is None else float(rtol))


@maps(_S.pinvh, group=_group)
def pinvh(
    a: Value,
    atol: float | None = None,
    rtol: float | None = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Expr:
    A = hermitian(a, lower, "scipy.linalg.pinvh")
    only("scipy.linalg.pinvh", "atol", atol, None, 0, 0.0)
    only("scipy.linalg.pinvh", "return_rank", return_rank, False)
    return linalg.pinv(A, None if rtol is None else float(rtol))


# --- factorizations --------------------------------------------------------------------------------------
def _cholesky(a: Expr, lower: bool, what: str) -> Expr:
    L = systems.cholesky(hermitian(a, lower, what))
    return L if lower else turned(conj(L))


@maps(_S.cholesky, group=_group)
def cholesky(
    a: Value, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Expr:
    return _cholesky(a, lower, "scipy.linalg.cholesky")


@maps(_S.cho_factor, group=_group)
def cho_factor(
    a: Value, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Expr, bool]:
    """The factor in one triangle; the other one keeps what the matrix has there."""
    A, L = floating(a), _cholesky(a, lower, "scipy.linalg.cho_factor")
    return plus(L, triu(A, 1) if lower else tril(A, -1)), lower


@maps(_S.cho_solve, group=_group)
def cho_solve(
    c_and_lower: Nested, b: Value, overwrite_b: bool = False, check_finite: bool = True
) -> Expr:
    c, low = c_and_lower
    lower = known(low)
    if lower is None:
        raise refused("scipy.linalg.cho_solve", expected="`lower` known at capture", got=low)
    factor, right = floating(c), floating(b)
    first = systems.solve_triangular(
        conj(factor) if not lower else factor, right, bool(lower), not lower
    )
    return systems.solve_triangular(
        conj(factor) if lower else factor, first, bool(lower), bool(lower)
    )


@maps(_S.lu, group=_group)
def lu(
    a: Value,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> tuple[Expr, ...]:
    p, L, U = factorizations.lu(floating(a))
    if permute_l:
        return take(L, p, axis=0), U
    if p_indices:
        return converted(p, "int32"), L, U
    n = L.shape[0]
    dtype = real(L).value_type.dtype
    P = set_at(strong_zeros((n, n), dtype), converted(const(1), dtype), positions(n), p)
    return P, L, U


@maps(_S.lu_factor, group=_group)
def lu_factor(a: Value, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Expr, Expr]:
    A = floating(a)
    _, L, U = factorizations.lu(A)
    below = tril(L, -1)
    rows, columns = L.shape[0], U.shape[1]
    extra_columns, extra_rows = columns - L.shape[1], rows - U.shape[0]
    dtype = L.value_type.dtype
    if extra_columns != 0:
        below = concatenate([below, strong_zeros((rows, extra_columns), dtype)], 1)
    if extra_rows != 0:
        U = concatenate([U, strong_zeros((extra_rows, columns), dtype)], 0)
    return plus(below, U), factorizations.lu_pivots(A)


@maps(_S.lu_solve, group=_group)
def lu_solve(
    lu_and_piv: Values,
    b: Value,
    trans: int = 0,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Expr:
    only("scipy.linalg.lu_solve", "trans", trans, 0, 1, 2)
    packed, pivots = lu_and_piv
    packed, right = floating(packed), floating(b)
    rows = factorizations.permutation_of_pivots(pivots)
    if trans == 0:
        y = systems.solve_triangular(packed, take(right, rows, axis=0), True, False, True)
        return systems.solve_triangular(packed, y)
    factors = conj(packed) if trans == 2 else packed
    y = systems.solve_triangular(factors, right, False, True)
    y = systems.solve_triangular(factors, y, True, True, True)
    return take(y, argsort(rows), axis=0)


@maps(_S.qr, group=_group)
def qr(
    a: Value,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> tuple[Expr, ...]:
    what = "scipy.linalg.qr"
    only(what, "mode", mode, "full", "r", "economic")
    only(what, "pivoting", pivoting, False)
    A = floating(a)
    Q, R = factorizations.qr(A)
    if mode != "economic":
        Q, R = completed(A, Q, R)
    return (R,) if mode == "r" else (Q, R)


@maps(_S.svd, group=_group)
def svd(
    a: Value,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    A = floating(a)
    U, s, Vh = spectral.svd(A)
    if not compute_uv:
        return s
    return fully(A, U, s, Vh) if full_matrices else (U, s, Vh)


@maps(_S.svdvals, group=_group)
def svdvals(a: Value, overwrite_a: bool = False, check_finite: bool = True) -> Expr:
    return spectral.svd(floating(a))[1]


@maps(_S.diagsvd, group=_group)
def diagsvd(s: Value, M: int, N: int) -> Expr:
    values = strong(s)
    rows, columns = whole(M, "scipy.linalg.diagsvd", "M"), whole(N, "scipy.linalg.diagsvd", "N")
    places = positions(values.shape[0])
    return set_at(strong_zeros((rows, columns), values.value_type.dtype), values, places, places)


@maps(_S.polar, group=_group)
def polar(a: Value, side: str = "right") -> tuple[Expr, Expr]:
    only("scipy.linalg.polar", "side", side, "right", "left")
    U, s, Vh = spectral.svd(floating(a))
    if side == "right":
        factor = matmul(times(adjoint(Vh), s), Vh)
    else:
        factor = matmul(times(U, s), adjoint(U))
    return matmul(U, Vh), factor


@maps(_S.orthogonal_procrustes, group=_group)
def orthogonal_procrustes(A: Value, B: Value, check_finite: bool = True) -> tuple[Expr, Expr]:
    U, s, Vh = spectral.svd(turned(matmul(turned(floating(B)), conj(floating(A)))))
    return matmul(U, Vh), sum_(s)


# --- eigenvalues -----------------------------------------------------------------------------------------
def _chosen(subset: Any, values: Expr, vectors: Expr | None) -> tuple[Expr, Expr | None]:
    if subset is None:
        return values, vectors
    low, high = (whole(n, "scipy.linalg.eigh", "subset_by_index") for n in subset)
    count = high - low + 1
    kept = None if vectors is None else part_of(vectors, vectors.ndim - 1, low, count)
    return part_of(values, values.ndim - 1, low, count), kept


def _symmetric_eigen(
    a: Expr, b: Expr | None, lower: bool, type_: int, what: str, driver: str | None = None
) -> tuple[Expr, Expr]:
    """``A v = w B v`` with ``v^H B v = 1``, by the Cholesky factor of ``B``."""
    only(what, "type", type_, 1)
    A = hermitian(a, lower, what)
    if b is None:
        return spectral.eigh(A, driver or "evr")
    only(what, "driver", driver, None, "gvd")
    L = systems.cholesky(hermitian(b, lower, what))
    half = systems.solve_triangular(L, A, True)
    reduced = adjoint(systems.solve_triangular(L, adjoint(half), True))
    w, V = spectral.eigh(reduced)
    return w, systems.solve_triangular(conj(L), V, True, True)


@maps(_S.eigh, group=_group)
def eigh(
    a: Value,
    b: Value | None = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,  # noqa: A002  # as SciPy names it
    check_finite: bool = True,
    subset_by_index: Any = None,
    driver: str | None = None,
) -> Any:
    w, V = _symmetric_eigen(a, b, lower, type, "scipy.linalg.eigh", driver)
    values, vectors = _chosen(subset_by_index, w, V)
    return values if eigvals_only else (values, vectors)


@maps(_S.eigvalsh, group=_group)
def eigvalsh(
    a: Value,
    b: Value | None = None,
    *,
    lower: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,  # noqa: A002  # as SciPy names it
    check_finite: bool = True,
    subset_by_index: Any = None,
    driver: str | None = None,
) -> Expr:
    w, _ = _symmetric_eigen(a, b, lower, type, "scipy.linalg.eigvalsh")
    return _chosen(subset_by_index, w, None)[0]


def _tridiagonal(d: Expr, e: Expr) -> Expr:
    diagonal, beside = floating(d), floating(e)
    n = diagonal.shape[0]
    places = positions(n)
    matrix = set_at(strong_zeros((n, n), diagonal.value_type.dtype), diagonal, places, places)
    near = positions(n - 1)
    matrix = set_at(matrix, beside, near + 1, near)
    return set_at(matrix, beside, near, near + 1)


@maps(_S.eigh_tridiagonal, group=_group)
def eigh_tridiagonal(
    d: Value, e: Value, eigvals_only: bool = False, select: str = "a", check_finite: bool = True
) -> Any:
    only("scipy.linalg.eigh_tridiagonal", "select", select, "a")
    w, V = spectral.eigh(_tridiagonal(d, e))
    return w if eigvals_only else (w, V)


@maps(_S.eigvalsh_tridiagonal, group=_group)
def eigvalsh_tridiagonal(d: Value, e: Value, select: str = "a", check_finite: bool = True) -> Expr:
    only("scipy.linalg.eigvalsh_tridiagonal", "select", select, "a")
    return spectral.eigh(_tridiagonal(d, e))[0]


@maps(_S.eig, group=_group)
def eig(
    a: Value,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    only("scipy.linalg.eig", "b", b, None)
    only("scipy.linalg.eig", "left", left, False)
    w, V = spectral.eig(floating(a))
    return (w, V) if right else w


@maps(_S.eigvals, group=_group)
def eigvals(a: Value, b: Any = None, overwrite_a: bool = False, check_finite: bool = True) -> Expr:
    only("scipy.linalg.eigvals", "b", b, None)
    return spectral.eig(floating(a))[0]


# --- norms ---------------------------------------------------------------------------------------------
@maps(_S.norm, group=_group)
def norm(
    a: Value,
    ord: Any = None,  # noqa: A002  # as SciPy names it
    axis: Any = None,
    keepdims: bool = False,
    check_finite: bool = True,
) -> Expr:
    found: Expr = numpy_linalg.norm(a, ord, axis, keepdims)
    return found
