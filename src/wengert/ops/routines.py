"""Routines of BLAS, LAPACK and NumPy that ops are computed by, and what each of them does.

Arguments stand in the order of the routine. In a call each is a letter, a whole number, a number, or a place
in memory from which on the routine reads and writes; matrices lie there column by column. ``evaluate`` gets
the last as a flat array that begins at the place, changes it, and returns what LAPACK reports (``info``).
Those of NumPy take whole numbers by value, and elements of any type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.lib.stride_tricks import as_strided

__all__ = [
    "ARGMAX", "ARGMIN", "ARGSORT", "GEMM", "GEMV", "GEQRF", "GESDD", "GESV", "GETRF", "ORGQR", "POTRF",
    "SORT", "SYEVD", "TRTRS", "Routine",
]  # fmt: skip

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"  # Any: of either float

_LETTERS = {"float32": "s", "float64": "d"}


@dataclass(frozen=True, eq=False)
class Routine:
    """One routine for all types of numbers.

    ``writes`` are the positions of the arguments that it changes. Those of LAPACK have one more argument at
    the end, where they report how it went: 0 if well.
    """

    name: str
    library: Literal["blas", "lapack", "numpy"]
    writes: tuple[int, ...]
    evaluate: Callable[..., int | None]

    def symbol(self, dtype: str) -> str:
        """Its name for a type of numbers.

        >>> GEMM.symbol("float32")
        'sgemm'
        """
        if self.library == "numpy":
            return f"{self.name}_{dtype}"
        return _LETTERS[dtype] + self.name


def _matrix(flat: Array, rows: int, columns: int, apart: int) -> Array:
    """Columns so far apart from each other."""
    return as_strided(flat, (rows, columns), (flat.itemsize, apart * flat.itemsize))


def _vector(flat: Array, count: int, apart: int = 1) -> Array:
    return as_strided(flat, (count,), (apart * flat.itemsize,))


# --- products ------------------------------------------------------------------------------------------
def _turned(trans: str, flat: Array, rows: int, columns: int, apart: int) -> Array:
    if trans == "N":
        return _matrix(flat, rows, columns, apart)
    return _matrix(flat, columns, rows, apart).T


def _combined(alpha: float, product: Array, beta: float, old: Array) -> None:
    old[...] = alpha * product if beta == 0 else alpha * product + beta * old


def _gemm(
    transa: str, transb: str, m: int, n: int, k: int, alpha: float,
    a: Array, lda: int, b: Array, ldb: int, beta: float, c: Array, ldc: int,
) -> None:  # fmt: skip
    product = _turned(transa, a, m, k, lda) @ _turned(transb, b, k, n, ldb)
    _combined(alpha, product, beta, _matrix(c, m, n, ldc))


def _gemv(
    trans: str, m: int, n: int, alpha: float, a: Array, lda: int,
    x: Array, incx: int, beta: float, y: Array, incy: int,
) -> None:  # fmt: skip
    matrix = _matrix(a, m, n, lda)
    if trans != "N":
        matrix = matrix.T
    product = matrix @ _vector(x, matrix.shape[1], incx)
    _combined(alpha, product, beta, _vector(y, matrix.shape[0], incy))


GEMM = Routine("gemm", "blas", (11,), _gemm)
GEMV = Routine("gemv", "blas", (9,), _gemv)


# --- systems -------------------------------------------------------------------------------------------
def _factored(matrix: Array, pivots: Array) -> int:
    """LU factors in place of a matrix; the first pivot that is zero, counted from one."""
    rows, columns = matrix.shape
    report = 0
    for k in range(min(rows, columns)):
        best = k + int(np.argmax(np.abs(matrix[k:, k])))
        pivots[k] = best + 1
        if matrix[best, k] == 0:
            report = report or k + 1
        else:
            matrix[[k, best]] = matrix[[best, k]]
            matrix[k + 1 :, k] /= matrix[k, k]
        matrix[k + 1 :, k + 1 :] -= np.outer(matrix[k + 1 :, k], matrix[k, k + 1 :])
    return report


def _substituted(matrix: Array, right: Array, lower: bool, unit: bool) -> None:
    """The solution for a triangle of a matrix, in place of the right-hand side."""
    rows = range(len(matrix))
    for i in rows if lower else reversed(rows):
        if not unit:
            right[i] /= matrix[i, i]
        others = slice(i + 1, None) if lower else slice(0, i)
        right[others] -= np.outer(matrix[others, i], right[i])


def _getrf(m: int, n: int, a: Array, lda: int, pivots: Array) -> int:
    return _factored(_matrix(a, m, n, lda), pivots)


def _gesv(n: int, columns: int, a: Array, lda: int, pivots: Array, b: Array, ldb: int) -> int:
    matrix, right = _matrix(a, n, n, lda), _matrix(b, n, columns, ldb)
    report = _factored(matrix, pivots)
    if not report:
        for row, other in enumerate(pivots[:n] - 1):
            right[[row, other]] = right[[other, row]]
        _substituted(matrix, right, True, True)
        _substituted(matrix, right, False, False)
    return report


def _trtrs(
    uplo: str, trans: str, diag: str, n: int, columns: int, a: Array, lda: int, b: Array, ldb: int
) -> int:
    matrix, right = _matrix(a, n, n, lda), _matrix(b, n, columns, ldb)
    lower, unit = uplo == "L", diag == "U"
    zeros = np.flatnonzero(np.diagonal(matrix) == 0)
    if len(zeros) and not unit:
        return int(zeros[0]) + 1
    turned = trans != "N"
    _substituted(matrix.T if turned else matrix, right, lower != turned, unit)
    return 0


def _potrf(uplo: str, n: int, a: Array, lda: int) -> int:
    matrix = _matrix(a, n, n, lda)
    if uplo == "U":
        matrix = matrix.T
    for k in range(n):
        rest = matrix[k, k] - matrix[k, :k] @ matrix[k, :k]
        if not rest > 0:
            return k + 1
        matrix[k, k] = np.sqrt(rest)
        matrix[k + 1 :, k] -= matrix[k + 1 :, :k] @ matrix[k, :k]
        matrix[k + 1 :, k] /= matrix[k, k]
    return 0


GESV = Routine("gesv", "lapack", (2, 4, 5), _gesv)
GETRF = Routine("getrf", "lapack", (2, 4), _getrf)
POTRF = Routine("potrf", "lapack", (2,), _potrf)
TRTRS = Routine("trtrs", "lapack", (7,), _trtrs)


# --- orthogonal factors --------------------------------------------------------------------------------
def _geqrf(m: int, n: int, a: Array, lda: int, tau: Array, work: Array, lwork: int) -> int:
    matrix = _matrix(a, m, n, lda)
    factors, scales = np.linalg.qr(matrix, mode="raw")
    matrix[...] = factors.T
    tau[: len(scales)] = scales
    return 0


def _orgqr(m: int, n: int, k: int, a: Array, lda: int, tau: Array, work: Array, lwork: int) -> int:
    matrix = _matrix(a, m, n, lda)
    vectors = np.tril(matrix, -1) + np.eye(m, n)
    found = np.eye(m, n)
    for i in reversed(range(k)):
        found -= tau[i] * np.outer(vectors[:, i], vectors[:, i] @ found)
    matrix[...] = found
    return 0


def _syevd(
    jobz: str, uplo: str, n: int, a: Array, lda: int, w: Array,
    work: Array, lwork: int, iwork: Array, liwork: int,
) -> int:  # fmt: skip
    matrix = _matrix(a, n, n, lda)
    try:
        w[:n], matrix[...] = np.linalg.eigh(matrix, "L" if uplo == "L" else "U")
    except np.linalg.LinAlgError:
        return 1
    return 0


def _gesdd(
    jobz: str, m: int, n: int, a: Array, lda: int, s: Array, u: Array, ldu: int, vt: Array, ldvt: int,
    work: Array, lwork: int, iwork: Array,
) -> int:  # fmt: skip
    few = min(m, n)
    try:
        left, values, right = np.linalg.svd(_matrix(a, m, n, lda), full_matrices=False)
    except np.linalg.LinAlgError:
        return 1
    s[:few] = values
    if jobz == "S":
        _matrix(u, m, few, ldu)[...] = left
        _matrix(vt, few, n, ldvt)[...] = right
    return 0


GEQRF = Routine("geqrf", "lapack", (2, 4, 5), _geqrf)
ORGQR = Routine("orgqr", "lapack", (3, 6), _orgqr)
SYEVD = Routine("syevd", "lapack", (3, 5, 6, 8), _syevd)
GESDD = Routine("gesdd", "lapack", (3, 5, 6, 8, 10, 12), _gesdd)


# --- orders --------------------------------------------------------------------------------------------
def _sort(x: Array, n: int) -> None:
    x[:n].sort()


def _argsort(x: Array, places: Array, n: int) -> None:
    places[:n] = places[:n][np.argsort(x[places[:n]])]


def _argmax(x: Array, n: int, place: Array) -> None:
    place[0] = np.argmax(x[:n])


def _argmin(x: Array, n: int, place: Array) -> None:
    place[0] = np.argmin(x[:n])


ARGMAX = Routine("argmax", "numpy", (2,), _argmax)
ARGMIN = Routine("argmin", "numpy", (2,), _argmin)
SORT = Routine("sort", "numpy", (0,), _sort)
ARGSORT = Routine("argsort", "numpy", (1,), _argsort)
