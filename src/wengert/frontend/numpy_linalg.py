"""The functions of ``numpy.linalg``.

Singular systems give NaN where NumPy raises ``LinAlgError``. Eigenvalues of general matrices are complex
numbers, also where all happen to be real.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import axis_list, converted, known, only, refused, strong
from wengert.frontend.numpy_selecting import strong_zeros
from wengert.frontend.table import Value, maps
from wengert.ir.dims import size_of
from wengert.ir.facts import SYMMETRIC
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ir.types import is_complex, is_inexact
from wengert.ops import factorizations, linalg, norms, spectral, systems
from wengert.ops.algebra import matmul, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axis_of
from wengert.ops.choice import absolute, eq, ne, where
from wengert.ops.complexes import conj, part_type, real
from wengert.ops.einstein import transpose
from wengert.ops.exponential import exp
from wengert.ops.indexing import at, flip
from wengert.ops.joining import concatenate
from wengert.ops.layout import expand_dims, moveaxis, reshape, tril, triu
from wengert.ops.leaves import const, size
from wengert.ops.matrices import turned
from wengert.ops.reductions import max_, min_, sum_

__all__ = ["conditioned", "floating", "hermitian", "matrix_norm_of", "vector_norm_of"]

_group = "Linear algebra"


def floating(x: Expr) -> Expr:
    """Whole numbers and truth values as floats, as all of linear algebra computes with them."""
    x = strong(x)
    return x if is_inexact(x.value_type) else converted(x, "float64")


def hermitian(A: Expr, lower: bool, what: str) -> Expr:
    """The matrix whose one triangle is read, and whose other one follows from it.

    Raises:
        ShapeError: not square.
    """
    A = floating(A)
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError(worded(what, expected="a square matrix", got=f"{A.value_type}"))
    if knows(A, SYMMETRIC) and not is_complex(A.value_type):
        return A
    half = tril(A, -1) if lower else triu(A, 1)
    middle = tril(triu(A))
    if is_complex(A.value_type):
        middle = converted(real(middle), A.value_type.dtype)
    return plus(plus(half, middle), turned(conj(half)))


# --- results by name -------------------------------------------------------------------------------------
class EighResult(NamedTuple):
    """As ``numpy.linalg.eigh`` returns."""

    eigenvalues: Expr
    eigenvectors: Expr


class EigResult(NamedTuple):
    """As ``numpy.linalg.eig`` returns."""

    eigenvalues: Expr
    eigenvectors: Expr


class QRResult(NamedTuple):
    """As ``numpy.linalg.qr`` returns."""

    Q: Expr
    R: Expr


class SVDResult(NamedTuple):
    """As ``numpy.linalg.svd`` returns."""

    U: Expr
    S: Expr
    Vh: Expr


class SlogdetResult(NamedTuple):
    """As ``numpy.linalg.slogdet`` returns."""

    sign: Expr
    logabsdet: Expr


# --- inverses and systems --------------------------------------------------------------------------------
@maps(np.linalg.inv, group=_group)
def inv(a: Value) -> Expr:
    return linalg.inv(floating(a))


@maps(np.linalg.solve, group=_group)
def solve(a: Value, b: Value) -> Expr:
    A, right = floating(a), floating(b)
    if right.ndim > 1 or A.ndim == 2 or right.ndim == 0:
        return systems.solve(A, right)
    return at(systems.solve(A, expand_dims(right, 1)), A.ndim - 1, 0)


@maps(np.linalg.pinv, group=_group)
def pinv(
    a: Value, rcond: float | None = None, hermitian: bool = False, *, rtol: float | None = None
) -> Expr:
    only("numpy.linalg.pinv", "hermitian", hermitian, False)
    if rcond is None:
        rcond = rtol
    return linalg.pinv(floating(a), None if rcond is None else float(rcond))


@maps(np.linalg.lstsq, group=_group)
def lstsq(a: Value, b: Value, rcond: float | None = None) -> tuple[Expr, Expr, Expr, Expr]:
    """As NumPy, but for residuals of tall matrices that are not of full rank: NaN instead of none."""
    what = "numpy.linalg.lstsq"
    A, right = floating(a), floating(b)
    if A.ndim != 2 or right.ndim not in (1, 2):
        raise ShapeError(worded(what, expected="a matrix", got=f"{A.type} and {right.type}"))
    m, n = A.shape
    few = spectral.smaller(m, n, what)
    tolerance = None if rcond is None or rcond < 0 else float(rcond)
    if rcond is not None and tolerance is None:
        tolerance = float(np.finfo(A.value_type.dtype).eps)
    x = matmul(linalg.pinv(A, tolerance), right)
    rank = factorizations.matrix_rank(A, rtol=tolerance)
    columns = right if right.ndim == 2 else expand_dims(right, 1)
    if few == n and m != n:
        off = columns - matmul(A, x if x.ndim == 2 else expand_dims(x, 1))
        squares = real(times(off, conj(off)))
        residuals = where(eq(rank, few), sum_(squares, 0), float("nan"))
    else:
        residuals = const(np.zeros(0, part_type(x.value_type).dtype))
    return x, residuals, converted(rank, "int32"), spectral.svd(A)[1]


@maps(np.linalg.tensorinv, group=_group)
def tensorinv(a: Value, ind: int = 2) -> Expr:
    if ind < 1:
        raise refused("numpy.linalg.tensorinv: argument `ind`", expected="from 1 on", got=ind)
    A = floating(a)
    rest, shape = A.shape[:ind], A.shape[ind:]
    flat = reshape(A, (size_of(rest), size_of(shape)))
    return reshape(linalg.inv(flat), (*shape, *rest))


@maps(np.linalg.tensorsolve, group=_group)
def tensorsolve(a: Value, b: Value, axes: Any = None) -> Expr:
    A, right = floating(a), floating(b)
    if axes is not None:
        moved = [axis_of(i, A.ndim, "numpy.linalg.tensorsolve") for i in axis_list(axes)]
        A = transpose(A, [*(i for i in range(A.ndim) if i not in moved), *moved])
    shape = A.shape[right.ndim :]
    flat = reshape(A, (size_of(right.shape), size_of(shape)))
    return reshape(systems.solve(flat, reshape(right, (size_of(right.shape),))), shape)


@maps(np.linalg.matrix_power, group=_group)
def matrix_power(a: Value, n: int) -> Expr:
    A, count = strong(a), known(n)
    if not isinstance(count, (int, np.integer)):
        raise refused("numpy.linalg.matrix_power: argument `n`", expected="an int", got=n)
    if count < 0:
        A = floating(A)
    return converted(linalg.matrix_power(A, int(count)), A.value_type.dtype)


# --- determinants ----------------------------------------------------------------------------------------
@maps(np.linalg.det, group=_group)
def det(a: Value) -> Expr:
    return linalg.det(floating(a))


@maps(np.linalg.slogdet, group=_group)
def slogdet(a: Value) -> SlogdetResult:
    A = floating(a)
    if is_complex(A.value_type):
        return SlogdetResult(*_complex_slogdet(A))
    sign, logarithm = linalg.slogdet(A)
    return SlogdetResult(sign, logarithm)


def _complex_slogdet(A: Expr) -> tuple[Expr, Expr]:
    """The sign is the determinant of the matrix scaled to one of modulus 1, which does not overflow."""
    logarithm = linalg.logdet(A)
    singular = eq(logarithm, -np.inf)
    each = exp(-divide(where(singular, 0, logarithm), size(A.shape[-1])))
    determinant = linalg.det(times(A, expand_dims(expand_dims(each, each.ndim), each.ndim + 1)))
    zero = converted(const(0), A.value_type.dtype)
    return where(singular, zero, divide(determinant, absolute(determinant))), logarithm


# --- factorizations --------------------------------------------------------------------------------------
@maps(np.linalg.cholesky, group=_group)
def cholesky(a: Value, /, *, upper: bool = False) -> Expr:
    L = systems.cholesky(hermitian(a, not upper, "numpy.linalg.cholesky"))
    return turned(conj(L)) if upper else L


@maps(np.linalg.qr, group=_group)
def qr(a: Value, mode: str = "reduced") -> Any:
    what = "numpy.linalg.qr"
    only(what, "mode", mode, "reduced", "complete", "r")
    A = floating(a)
    Q, R = factorizations.qr(A)
    if mode == "r":
        return R
    if mode == "complete" and A.shape[-1] != Q.shape[-2]:
        Q, R = completed(A, Q, R)
    return QRResult(Q, R)


def completed(A: Expr, Q: Expr, R: Expr) -> tuple[Expr, Expr]:
    """The factors with as many columns in ``Q`` as rows."""
    missing = Q.shape[-2] - Q.shape[-1]
    if missing == 0:
        return Q, R
    further = factorizations.complement(A, "qr")
    below = strong_zeros((*R.shape[:-2], missing, R.shape[-1]), R.value_type.dtype)
    return concatenate([Q, further], Q.ndim - 1), concatenate([R, below], R.ndim - 2)


@maps(np.linalg.svd, group=_group)
def svd(
    a: Value, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    only("numpy.linalg.svd", "hermitian", hermitian, False)
    A = floating(a)
    U, s, Vh = spectral.svd(A)
    if not compute_uv:
        return s
    return SVDResult(*fully(A, U, s, Vh)) if full_matrices else SVDResult(U, s, Vh)


def fully(A: Expr, U: Expr, s: Expr, Vh: Expr) -> tuple[Expr, Expr, Expr]:
    """Square matrices of singular vectors."""
    if U.shape[-1] != U.shape[-2]:
        U = concatenate([U, factorizations.complement(A, "left")], U.ndim - 1)
    if Vh.shape[-1] != Vh.shape[-2]:
        Vh = concatenate([Vh, factorizations.complement(A, "right")], Vh.ndim - 2)
    return U, s, Vh


@maps(np.linalg.svdvals, group=_group)
def svdvals(x: Value, /) -> Expr:
    return spectral.svd(floating(x))[1]


def _lower(UPLO: str, what: str) -> bool:
    only(what, "UPLO", UPLO.upper(), "L", "U")
    return UPLO.upper() == "L"


@maps(np.linalg.eigh, group=_group)
def eigh(a: Value, UPLO: str = "L") -> EighResult:
    what = "numpy.linalg.eigh"
    return EighResult(*spectral.eigh(hermitian(a, _lower(UPLO, what), what)))


@maps(np.linalg.eigvalsh, group=_group)
def eigvalsh(a: Value, UPLO: str = "L") -> Expr:
    what = "numpy.linalg.eigvalsh"
    return spectral.eigh(hermitian(a, _lower(UPLO, what), what))[0]


@maps(np.linalg.eig, group=_group)
def eig(a: Value) -> EigResult:
    """As NumPy, with complex numbers also where all of them are real."""
    return EigResult(*spectral.eig(floating(a)))


@maps(np.linalg.eigvals, group=_group)
def eigvals(a: Value) -> Expr:
    """As NumPy, with complex numbers also where all of them are real."""
    return spectral.eig(floating(a))[0]


# --- norms -----------------------------------------------------------------------------------------------
def _spread(reduced: Expr, axes: Sequence[int], rank: int, keepdims: bool) -> Expr:
    if keepdims:
        for axis in sorted(axes):
            reduced = expand_dims(reduced, axis)
    return reduced


def vector_norm_of(x: Expr, order: Any, axes: Sequence[int], keepdims: bool, what: str) -> Expr:
    """``sum(abs(x)**order)**(1/order)`` over the axes together, and its limits.

    At zero the derivative is zero for orders above 1, as for the Euclidean norm.
    """
    if order is None or order == 2:
        return norms.norm(x, None, tuple(axes), keepdims)
    size_ = absolute(x)
    if not isinstance(order, (int, float, np.number)):
        raise refused(f"{what}: argument `ord`", expected="a number for vectors", got=order)
    if order in (np.inf, -np.inf):
        return (max_ if order > 0 else min_)(size_, tuple(axes), keepdims)
    if order == 0:
        counted = converted(ne(size_, 0), size_.value_type.dtype)
        return sum_(counted, tuple(axes), keepdims)
    if order == 1:
        return sum_(size_, tuple(axes), keepdims)
    powers = sum_(size_ ** float(order), tuple(axes), keepdims)
    empty = eq(powers, 0)
    return where(empty, 0 if order > 0 else np.inf, where(empty, 1, powers) ** (1.0 / order))


def matrix_norm_of(x: Expr, order: Any, axes: tuple[int, int], keepdims: bool, what: str) -> Expr:
    """The norms of matrices whose rows and columns run along two axes."""
    rows, columns = axes
    if order is None or order == "fro":
        return norms.norm(x, None, tuple(sorted(axes)), keepdims)
    if order in (2, -2, "nuc"):
        matrices = moveaxis(x, rows, x.ndim - 1)
        matrices = moveaxis(matrices, columns - (columns > rows), x.ndim - 1)
        s = spectral.svd(matrices)[1]
        reduce = {2: max_, -2: min_, "nuc": sum_}[order]
        return _spread(reduce(s, s.ndim - 1), axes, x.ndim, keepdims)
    if order not in (1, -1, np.inf, -np.inf):
        raise refused(
            f"{what}: argument `ord`",
            expected="None, 'fro', 'nuc', 1, 2, inf or negative",
            got=order,
        )
    summed, picked = (rows, columns) if abs(order) == 1 else (columns, rows)
    sums = sum_(absolute(x), summed)
    chosen = (max_ if order > 0 else min_)(sums, picked - (summed < picked))
    return _spread(chosen, axes, x.ndim, keepdims)


def _different(axes: Sequence[int], rank: int, what: str) -> list[int]:
    found = [axis_of(a, rank, what) for a in axes]
    if len(set(found)) != len(found):
        raise ShapeError(worded(what, expected="axes that differ", got=f"{tuple(axes)}"))
    return found


@maps(np.linalg.norm, group=_group)
def norm(x: Value, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Expr:  # noqa: A002
    what, value = "numpy.linalg.norm", floating(x)
    if axis is None:
        if ord is None:
            return norms.norm(value, None, None, keepdims)
        axes = list(range(value.ndim))
    else:
        axes = _different(axis_list(axis), value.ndim, what)
    if len(axes) == 1:
        return vector_norm_of(value, ord, axes, keepdims, what)
    if len(axes) != 2:
        raise ShapeError(worded(what, expected="one or two axes", got=f"{len(axes)}"))
    return matrix_norm_of(value, ord, (axes[0], axes[1]), keepdims, what)


@maps(np.linalg.vector_norm, group=_group)
def vector_norm(x: Value, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Expr:  # noqa: A002
    what, value = "numpy.linalg.vector_norm", floating(x)
    axes = range(value.ndim) if axis is None else _different(axis_list(axis), value.ndim, what)
    return vector_norm_of(value, ord, sorted(axes), keepdims, what)


@maps(np.linalg.matrix_norm, group=_group)
def matrix_norm(x: Value, /, *, keepdims: bool = False, ord: Any = "fro") -> Expr:  # noqa: A002
    what, value = "numpy.linalg.matrix_norm", floating(x)
    if value.ndim < 2:
        raise ShapeError(worded(what, expected="a matrix", got=f"{value.type}"))
    return matrix_norm_of(value, ord, (value.ndim - 2, value.ndim - 1), keepdims, what)


def conditioned(x: Expr, p: Any, what: str) -> Expr:
    """The norm of a matrix times that of its inverse."""
    if p is None or p in (2, -2):
        s = spectral.svd(x)[1]
        ends = at(s, s.ndim - 1, 0), at(flip(s, s.ndim - 1), s.ndim - 1, 0)
        return divide(*(ends[::-1] if p == -2 else ends))
    axes = (x.ndim - 2, x.ndim - 1)
    return times(*(matrix_norm_of(m, p, axes, False, what) for m in (x, linalg.inv(x))))


@maps(np.linalg.cond, group=_group)
def cond(x: Value, p: Any = None) -> Expr:
    return conditioned(floating(x), p, "numpy.linalg.cond")


@maps(np.linalg.matrix_rank, group=_group)
def matrix_rank(
    A: Value, tol: float | None = None, hermitian: bool = False, *, rtol: float | None = None
) -> Expr:
    only("numpy.linalg.matrix_rank", "hermitian", hermitian, False)
    value = floating(A)
    if value.ndim < 2:
        flat = absolute(reshape(value, (size_of(value.shape),)))
        return converted(max_(converted(ne(flat, 0), "int64")), "int64")
    return factorizations.matrix_rank(
        value, None if tol is None else float(tol), None if rtol is None else float(rtol)
    )
