"""The functions of ``scipy.linalg`` that make matrices: of matrices, of equations, of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import converted, known, only, refused, strong
from wengert.frontend.numpy_linalg import floating
from wengert.frontend.numpy_products import of_one_dtype, product
from wengert.frontend.numpy_selecting import strong_zeros
from wengert.frontend.table import Value, maps
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops import (
    linalg,
    matrix_exponential,
    matrix_functions,
    systems,
)
from wengert.ops.algebra import lift, minus, plus, times
from wengert.ops.along import positions
from wengert.ops.choice import mod
from wengert.ops.complexes import conj, imag, real
from wengert.ops.einstein import eye
from wengert.ops.gathering import set_at, take
from wengert.ops.indexing import flip, part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import expand_dims, reshape
from wengert.ops.leaves import const, size
from wengert.ops.spectral import adjoint
from wengert.ops.sums import scale

_group = "Linear algebra of SciPy"
_S = scipy.linalg


# --- functions of matrices -------------------------------------------------------------------------------
@maps(_S.expm, group=_group)
def expm(A: Value) -> Expr:
    return matrix_exponential.expm(floating(A))


@maps(_S.expm_frechet, group=_group)
def expm_frechet(
    A: Value, E: Value, method: Any = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    change = matrix_exponential.expm_frechet(floating(A), floating(E))
    return (expm(A), change) if compute_expm else change


@maps(_S.sqrtm, group=_group)
def sqrtm(A: Value) -> Expr:
    return matrix_functions.sqrtm(floating(A))


@maps(_S.logm, group=_group)
def logm(A: Value) -> Expr:
    return matrix_functions.logm(floating(A))


@maps(_S.fractional_matrix_power, group=_group)
def fractional_matrix_power(A: Value, t: float) -> Expr:
    exponent = known(t)
    if exponent is None:
        raise refused(
            "scipy.linalg.fractional_matrix_power: argument `t`",
            expected="a number known at capture",
            got=t,
            hint="expm(t*logm(A))",
        )
    if float(exponent).is_integer():
        base = floating(A)
        return converted(linalg.matrix_power(base, int(exponent)), base.value_type.dtype)
    return matrix_functions.matrix_real_power(floating(A), float(exponent))


def _imaginary_exponentials(A: Expr) -> tuple[Expr, Expr]:
    """``cos(A)`` and ``sin(A)``."""
    if not is_complex(A.value_type):
        turned_ = matrix_exponential.expm(times(const(1j), A))
        return real(turned_), imag(turned_)
    forth = matrix_exponential.expm(times(const(1j), A))
    back = matrix_exponential.expm(times(const(-1j), A))
    return scale(0.5, plus(forth, back)), times(const(-0.5j), minus(forth, back))


def _real_exponentials(A: Expr) -> tuple[Expr, Expr]:
    """``cosh(A)`` and ``sinh(A)``."""
    forth, back = matrix_exponential.expm(A), matrix_exponential.expm(scale(-1, A))
    return scale(0.5, plus(forth, back)), scale(0.5, minus(forth, back))


@maps(_S.cosm, group=_group)
def cosm(A: Value) -> Expr:
    return _imaginary_exponentials(floating(A))[0]


@maps(_S.sinm, group=_group)
def sinm(A: Value) -> Expr:
    return _imaginary_exponentials(floating(A))[1]


@maps(_S.tanm, group=_group)
def tanm(A: Value) -> Expr:
    return systems.solve(*_imaginary_exponentials(floating(A)))


@maps(_S.coshm, group=_group)
def coshm(A: Value) -> Expr:
    return _real_exponentials(floating(A))[0]


@maps(_S.sinhm, group=_group)
def sinhm(A: Value) -> Expr:
    return _real_exponentials(floating(A))[1]


@maps(_S.tanhm, group=_group)
def tanhm(A: Value) -> Expr:
    return systems.solve(*_real_exponentials(floating(A)))


# --- matrix equations ------------------------------------------------------------------------------------
@maps(_S.solve_sylvester, group=_group)
def solve_sylvester(a: Value, b: Value, q: Value) -> Expr:
    return matrix_functions.solve_sylvester(floating(a), floating(b), floating(q))


@maps(_S.solve_continuous_lyapunov, _S.solve_lyapunov, group=_group)
def solve_continuous_lyapunov(a: Value, q: Value) -> Expr:
    A = floating(a)
    return matrix_functions.solve_sylvester(A, adjoint(A), floating(q))


@maps(_S.solve_discrete_lyapunov, group=_group)
def solve_discrete_lyapunov(a: Value, q: Value, method: str | None = None) -> Expr:
    """``A X A^H - X + Q = 0``, as one linear system for all elements."""
    only("scipy.linalg.solve_discrete_lyapunov", "method", method, None, "direct", "bilinear")
    A, Q = floating(a), floating(q)
    n = A.shape[0]
    count = n * n
    both = product([(A, "ij"), (conj(A), "kl")], "ikjl")
    system = minus(eye(count), reshape(both, (count, count)))
    return reshape(systems.solve(system, reshape(Q, (count,))), (n, n))


# --- special matrices ------------------------------------------------------------------------------------
def _vector(x: Expr, what: str) -> Expr:
    vector = strong(x)
    if vector.ndim > 1:
        raise ShapeError(worded(what, expected="a vector", got=f"{vector.value_type}"))
    return reshape(vector, (1,)) if vector.ndim == 0 else vector


def _along_diagonals(values: Expr, rows: Extent, columns: Extent, first: Extent, sign: int) -> Expr:
    """The matrix of elements of a vector whose place is ``first + i + sign*j``."""
    row = expand_dims(positions(rows) + size(first), 1)
    column = expand_dims(positions(columns), 0)
    return take(values, plus(row, column) if sign > 0 else minus(row, column))


@maps(_S.toeplitz, group=_group)
def toeplitz(c: Value, r: Value | None = None) -> Expr:
    what = "scipy.linalg.toeplitz"
    column = _vector(c, what)
    row = conj(column) if r is None else _vector(r, what)
    n = row.shape[0]
    parts, _ = of_one_dtype(flip(part_of(row, 0, 1, n - 1)), column)
    return _along_diagonals(concatenate(parts), column.shape[0], n, n - 1, -1)


@maps(_S.hankel, group=_group)
def hankel(c: Value, r: Value | None = None) -> Expr:
    what = "scipy.linalg.hankel"
    column = _vector(c, what)
    row = strong_zeros(column.shape, column.value_type.dtype) if r is None else _vector(r, what)
    n = row.shape[0]
    parts, _ = of_one_dtype(column, part_of(row, 0, 1, n - 1))
    return _along_diagonals(concatenate(parts), column.shape[0], n, 0, 1)


@maps(_S.circulant, group=_group)
def circulant(c: Value) -> Expr:
    values = _vector(c, "scipy.linalg.circulant")
    n = values.shape[0]
    row, column = expand_dims(positions(n), 1), expand_dims(positions(n), 0)
    return take(values, mod(row - column, size(n)))


@maps(_S.companion, group=_group)
def companion(a: Value) -> Expr:
    coefficients = floating(_vector(a, "scipy.linalg.companion"))
    n = coefficients.shape[0] - 1
    top = scale(-1, part_of(coefficients, 0, 1, n) / coefficients[0])
    below = positions(n - 1)
    matrix = strong_zeros((n, n), coefficients.value_type.dtype)
    one = converted(const(1), coefficients.value_type.dtype)
    return set_at(set_at(matrix, one, below + 1, below), top, const(0))


@maps(_S.block_diag, group=_group)
def block_diag(*arrs: Value) -> Expr:
    blocks = [strong(a) for a in arrs] or [lift(np.zeros((1, 0)))]
    matrices = [reshape(b, (1, size_of(b.shape))) if b.ndim < 2 else b for b in blocks]
    if any(m.ndim != 2 for m in matrices):
        raise ShapeError(worded("scipy.linalg.block_diag", expected="matrices", got="more axes"))
    dtype = np.result_type(*(m.value_type.dtype for m in matrices)).name
    width: Extent = 0
    for matrix in matrices:
        width = width + matrix.shape[1]
    rows: list[Expr] = []
    before: Extent = 0
    for matrix in matrices:
        height, own = matrix.shape
        after = width - before - own
        pieces = [
            strong_zeros((height, before), dtype),
            converted(matrix, dtype),  # type: ignore[arg-type]  # the name of a supported dtype
            strong_zeros((height, after), dtype),
        ]
        kept = [p for p in pieces if p.shape[1] != 0] or pieces[:1]
        rows.append(kept[0] if len(kept) == 1 else concatenate(kept, 1))
        before = before + own
    return rows[0] if len(rows) == 1 else concatenate(rows, 0)


@maps(_S.khatri_rao, group=_group)
def khatri_rao(a: Value, b: Value) -> Expr:
    columns = product([(a, "ik"), (b, "jk")], "ijk")
    return reshape(columns, (a.shape[0] * b.shape[0], a.shape[1]))
