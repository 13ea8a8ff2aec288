"""Eigenvalues and singular values, with their vectors.

Values have derivatives where they are repeated, as far as sums over the repeated ones go; vectors have them
where their values differ (see ``gaps``). Signs and phases of vectors stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, Spelling, register
from wengert.ir.types import TupleType, Type, is_complex
from wengert.ops.algebra import lift, matmul, minus, plus, times
from wengert.ops.along import take_along
from wengert.ops.arithmetic import divide
from wengert.ops.choice import absolute
from wengert.ops.complexes import complex_dtype, conj, from_parts, imag, part_type, real
from wengert.ops.control.item import items
from wengert.ops.einstein import ein
from wengert.ops.factoring import eigh_by_routines, svd_by_routines
from wengert.ops.gaps import gap_quotient, limited_quotient
from wengert.ops.layout import expand_dims
from wengert.ops.lazy import scipy_function
from wengert.ops.matrices import cubed, floating, square, stack_labels, turned
from wengert.ops.reductions import argmax, sum_
from wengert.ops.sums import scale
from wengert.ops.systems import solve

__all__ = ["adjoint", "eig", "eigh", "smaller", "svd"]

_SEVERAL = "several results are no formula"


# --- helpers ---------------------------------------------------------------------------------------------
def adjoint(A: Expr) -> Expr:
    """The conjugate transpose of each matrix of a stack."""
    return turned(conj(A))


def _diagonals(P: Expr) -> Expr:
    stack = stack_labels(P.ndim - 2)
    return ein([(P, (*stack, "i", "i"))], (*stack, "i"))


def _columns(M: Expr, w: Expr) -> Expr:
    """``M @ diag(w)`` of each matrix."""
    return times(M, expand_dims(w, w.ndim - 1))


def _rows(w: Expr, M: Expr) -> Expr:
    """``diag(w) @ M`` of each matrix."""
    return times(expand_dims(w, w.ndim), M)


def _skew(G: Expr) -> Expr:
    return scale(0.5, minus(G, adjoint(G)))


def _sum(terms: Sequence[Expr | None]) -> Expr | None:
    total: Expr | None = None
    for term in terms:
        if term is not None:
            total = term if total is None else plus(total, term)
    return total


def _or_nan(function: Any, results: Any) -> Any:
    """NumPy's function, with NaN in place of an error where no result is found."""

    def evaluate(A: Any, **options: Any) -> Any:
        A = np.asarray(A)
        try:
            return tuple(function(A, **options))
        except np.linalg.LinAlgError:
            return results(A)

    return evaluate


def _nans(*shapes: tuple[tuple[int, ...], Any]) -> tuple[Any, ...]:
    return tuple(np.full(shape, np.nan, dtype) for shape, dtype in shapes)


# --- symmetric matrices ----------------------------------------------------------------------------------
def eigh(value: Any, driver: str | None = None) -> tuple[Expr, Expr]:
    """Eigenvalues in ascending order and eigenvectors (in columns) of a symmetric or Hermitian matrix.

    They are those of ``(A + A^H)/2``, so gradients are Hermitian. The signs of the vectors are those of
    NumPy, or of SciPy with the given driver of LAPACK.

    Raises:
        ShapeError: not square.
    """
    w, V = items(make(EIGH, (lift(value),), driver))
    return w, V


def _eigh_type(A: Type, *, attr: str | None = None) -> TupleType:
    A = square(A, "eigh")
    return TupleType((part_type(A).with_shape(A.shape[:-1]), A))


_scipy_eigh = scipy_function("linalg.eigh")


def _eigh_value(A: Any, *, attr: str | None = None) -> Any:
    A = (A + np.conj(np.swapaxes(A, -1, -2))) / 2
    return np.linalg.eigh(A) if attr is None else _scipy_eigh(A, driver=attr)


def _eigh_none(A: Any) -> Any:
    dtype = np.result_type(A, np.float32)
    return _nans((A.shape[:-1], np.finfo(dtype).dtype), (A.shape, dtype))


def _eigh_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> list[Expr | None]:
    """``dw = diag(V^H dA V)``, ``dV = V (F * V^H dA V)`` with ``F[i, j] = 1/(w[j] - w[i])``."""
    (t,), (w, V) = tangents, items(out)
    assert t is not None
    inner = matmul(matmul(adjoint(V), scale(0.5, plus(t, adjoint(t)))), V)
    return [real(_diagonals(inner)), matmul(V, gap_quotient(inner, w))]


def _eigh_cotangents(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Expr | None],
    out: Expr,
    *,
    attr: Any,
    diff: Any,
) -> list[Expr | None]:
    (w_ct, V_ct), (w, V) = ct, items(out)
    by_values = None if w_ct is None else matmul(_columns(V, w_ct), adjoint(V))
    by_vectors = None
    if V_ct is not None:
        G = matmul(adjoint(V), V_ct)
        turning = limited_quotient(_skew(G), w, [G], diff)
        by_vectors = matmul(matmul(V, turning), adjoint(V))
    return [_sum([by_values, by_vectors])]


def _picked(function: Any, gauge: Any) -> Any:
    """A sample of results that do not depend on signs and phases."""
    return lambda A: gauge(*function(A))


def _projected(w: Expr, V: Expr) -> tuple[Expr, ...]:
    return w, matmul(_columns(V, w * w * w), adjoint(V))


_SYMMETRIC = Argument((3, 3), draw="symmetric")

EIGH = register(
    Op(
        name="eigh",
        doc="Eigenvalues and eigenvectors of a symmetric or Hermitian matrix.",
        result=_eigh_type,
        evaluate=_or_nan(_eigh_value, _eigh_none),
        diff=Rule(_eigh_tangent, _eigh_cotangents, batched=True),
        domain=Domain(poles="repeated eigenvalues, for the eigenvectors"),
        spell=Spelling(
            numpy=lambda node: (
                "np.linalg.eigh({0})"
                if node.attr is None
                else f"scipy.linalg.eigh({{0}}, driver={node.attr!r})"
            )
        ),
        count=lambda node: 10 * cubed(node.args[0]),
        calls=eigh_by_routines,
        arity=1,
        samples=(
            Sample((_SYMMETRIC,), build=eigh),
            Sample((Argument((3, 3), draw="symmetric", direction="any"),), build=eigh, note="any"),
            Sample((Argument((2, 3, 3), draw="symmetric"),), build=eigh, note="stack"),
            Sample(
                (Argument((3, 3), draw="symmetric", dtype="complex128"),),
                build=_picked(eigh, _projected),
                note="complex",
            ),
        ),
        exempt={"text": _SEVERAL},
    )
)


# --- singular values -------------------------------------------------------------------------------------
def svd(value: Any) -> tuple[Expr, Expr, Expr]:
    """``U, s, Vh`` with ``A = U @ diag(s) @ Vh``, singular values descending, no more than there are.

    Raises:
        ShapeError: not a matrix, or one of two sizes that cannot be compared.
    """
    U, s, Vh = items(make(SVD, (lift(value),)))
    return U, s, Vh


def smaller(m: Extent, n: Extent, what: str) -> Extent:
    """The smaller extent.

    Raises:
        ShapeError: that depends on their sizes.
    """
    apart = m - n
    if not isinstance(apart, int):
        raise ShapeError(
            worded(
                what,
                expected="extents of which one is certainly the smaller",
                got=f"{m}, {n}",
                hint="give the matrix fixed extents",
            )
        )
    return m if apart <= 0 else n


def _svd_type(A: Type) -> TupleType:
    if len(A.shape) < 2:
        raise ShapeError(worded("svd", expected="a matrix", got=f"shape {extent_text(A.shape)}"))
    A = floating(A, "svd", False)
    *stack, m, n = A.shape
    k = smaller(m, n, "svd")
    return TupleType(
        (
            A.with_shape((*stack, m, k)),
            part_type(A).with_shape((*stack, k)),
            A.with_shape((*stack, k, n)),
        )
    )


def _svd_none(A: Any) -> Any:
    dtype = np.result_type(A, np.float32)
    *stack, m, n = A.shape
    k = min(m, n)
    return _nans(
        ((*stack, m, k), dtype), ((*stack, k), np.finfo(dtype).dtype), ((*stack, k, n), dtype)
    )


def _over_sums(N: Expr, s: Expr) -> Expr:
    """``N[i, j]/(s[i] + s[j])``."""
    return divide(N, plus(expand_dims(s, s.ndim - 1), expand_dims(s, s.ndim)))


def _phases(P: Expr, s: Expr) -> Expr:
    """``i imag(P[j, j])/s[j]`` as one row a matrix: complex vectors may turn in their planes."""
    row = expand_dims(imag(_diagonals(P)), P.ndim - 2)
    turning = gap_quotient(row, s, pairs=False)
    return from_parts(scale(0, turning), turning)


def _svd_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> list[Expr | None]:
    """With ``P = U^H dA V``: ``dU = U (F * (P S + S P^H)) + (1 - U U^H) dA V/S``, likewise ``dV``.

    ``F[i, j] = 1/(s[j]^2 - s[i]^2)`` (Townsend 2016, "Differentiating the singular value decomposition").
    """
    (t,), (U, s, Vh) = tangents, items(out)
    assert t is not None
    V = adjoint(Vh)
    right = matmul(t, V)
    P = matmul(adjoint(U), right)
    back = adjoint(P)
    turn_U = gap_quotient(_over_sums(plus(_columns(P, s), _rows(s, back)), s), s)
    turn_V = gap_quotient(_over_sums(plus(_rows(s, P), _columns(back, s)), s), s)
    U_t, V_t = matmul(U, turn_U), matmul(V, turn_V)
    if is_complex(U.value_type):
        U_t = plus(U_t, times(U, _phases(P, s)))
    if U.shape[-2] != U.shape[-1]:
        U_t = plus(U_t, gap_quotient(minus(right, matmul(U, P)), s, pairs=False))
    if Vh.shape[-2] != Vh.shape[-1]:
        left = matmul(adjoint(t), U)
        V_t = plus(V_t, gap_quotient(minus(left, matmul(V, back)), s, pairs=False))
    return [U_t, real(_diagonals(P)), adjoint(V_t)]


def _svd_cotangents(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Expr | None],
    out: Expr,
    *,
    attr: Any,
    diff: Any,
) -> list[Expr | None]:
    """The adjoint of the forward rule, with limits where values are repeated or zero."""
    (U_ct, s_ct, Vh_ct), (U, s, Vh) = ct, items(out)
    V = adjoint(Vh)
    V_ct = None if Vh_ct is None else adjoint(Vh_ct)
    G = None if U_ct is None else matmul(adjoint(U), U_ct)
    H = None if V_ct is None else matmul(Vh, V_ct)
    parts: list[Expr | None] = []
    if s_ct is not None:
        parts.append(matmul(_columns(U, s_ct), Vh))
    turning = _sum(
        [
            None if G is None else _columns(_skew(G), s),
            None if H is None else _rows(s, _skew(H)),
        ]
    )
    if turning is not None:
        references = [x for x in (G, H) if x is not None]
        inner = limited_quotient(_over_sums(scale(2, turning), s), s, references, diff)
        if G is not None and is_complex(U.value_type):
            row = expand_dims(imag(_diagonals(G)), G.ndim - 2)
            phases = limited_quotient(row, s, [G], diff, pairs=False)
            parts.append(matmul(times(U, from_parts(scale(0, phases), phases)), Vh))
        parts.append(matmul(matmul(U, inner), Vh))
    if U_ct is not None and G is not None and U.shape[-2] != U.shape[-1]:
        outside = minus(U_ct, matmul(U, G))
        parts.append(matmul(limited_quotient(outside, s, [U_ct], diff, pairs=False), Vh))
    if V_ct is not None and H is not None and Vh.shape[-2] != Vh.shape[-1]:
        outside = minus(V_ct, matmul(V, H))
        parts.append(matmul(U, adjoint(limited_quotient(outside, s, [V_ct], diff, pairs=False))))
    return [_sum(parts)]


def _recomposed(U: Expr, s: Expr, Vh: Expr) -> tuple[Expr, ...]:
    return s, matmul(_columns(U, s * s * s), Vh)


def _spread_out(rng: Any, shape: tuple[int, ...]) -> Any:
    """Matrices whose singular values are well apart and well above zero."""
    *stack, m, n = shape
    k = min(m, n)
    left = np.linalg.qr(rng.uniform(-1, 1, (*stack, m, k)))[0]
    right = np.linalg.qr(rng.uniform(-1, 1, (*stack, n, k)))[0]
    return (left * np.arange(1.0, k + 1)) @ np.swapaxes(right, -1, -2)


def _spread_out_complex(rng: Any, shape: tuple[int, ...]) -> Any:
    return _spread_out(rng, shape) * np.exp(1j * rng.uniform(0, 6, (shape[-2], 1)))


SVD = register(
    Op(
        name="svd",
        doc="The singular value decomposition U, s, Vh, without vectors that belong to no value.",
        result=_svd_type,
        evaluate=_or_nan(lambda A: np.linalg.svd(A, full_matrices=False), _svd_none),
        diff=Rule(_svd_tangent, _svd_cotangents, batched=True),
        domain=Domain(poles="repeated or zero singular values, for the singular vectors"),
        spell=Spelling(python="np.linalg.svd({0}, full_matrices=False)"),
        calls=svd_by_routines,
        count=lambda node: 10 * cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((3, 3), draw=_spread_out),), build=svd),
            Sample((Argument((4, 2), draw=_spread_out),), build=svd, note="tall"),
            Sample((Argument((2, 3), draw=_spread_out),), build=svd, note="wide"),
            Sample((Argument((2, 2, 2), draw=_spread_out),), build=svd, note="stack"),
            Sample(
                (Argument((3, 2), draw=_spread_out_complex, dtype="complex128"),),
                build=_picked(svd, _recomposed),
                note="complex",
            ),
        ),
        exempt={"text": _SEVERAL},
    )
)


# --- general matrices ------------------------------------------------------------------------------------
def eig(value: Any) -> tuple[Expr, Expr]:
    """Eigenvalues and eigenvectors (in columns) of a square matrix, always complex.

    Vectors have length 1 and a real largest element, as LAPACK has them.

    Raises:
        ShapeError: not square.
    """
    w, V = items(make(EIG, (lift(value),)))
    return w, V


def _eig_type(A: Type) -> TupleType:
    A = square(A, "eig")
    dtype = complex_dtype(A.dtype)
    return TupleType((Type(dtype, A.shape[:-1]), Type(dtype, A.shape)))


def _eig_value(A: Any) -> Any:
    dtype = np.result_type(A, np.complex64)
    return tuple(np.asarray(x).astype(dtype) for x in np.linalg.eig(A))


def _eig_none(A: Any) -> Any:
    dtype = np.result_type(A, np.complex64)
    return _nans((A.shape[:-1], dtype), (A.shape, dtype))


def _eig_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> list[Expr | None]:
    """With ``P = inv(V) dA V``: ``dw = diag(P)``, ``dV = V (F * P)`` and what keeps length and phase."""
    (t,), (w, V) = tangents, items(out)
    assert t is not None
    P = solve(V, matmul(t, V))
    V_t = matmul(V, gap_quotient(P, w))
    rows = V.ndim - 2
    largest = expand_dims(argmax(absolute(V), rows), rows)
    grown = real(sum_(times(conj(V), V_t), rows, keepdims=True))
    turned_by = imag(divide(take_along(V_t, largest, rows), take_along(V, largest, rows)))
    return [_diagonals(P), minus(V_t, times(V, from_parts(grown, turned_by)))]


EIG = register(
    Op(
        name="eig",
        doc="Eigenvalues and eigenvectors of a square matrix, as complex numbers.",
        result=_eig_type,
        evaluate=_or_nan(_eig_value, _eig_none),
        diff=Rule(_eig_tangent),
        domain=Domain(
            poles="matrices that cannot be diagonalized; repeated values, for the vectors"
        ),
        spell=Spelling(
            numpy=lambda node: (
                "[np.asarray(part, "
                f"np.{complex_dtype(node.args[0].value_type.dtype)}) for part in np.linalg.eig({{0}})]"
            )
        ),
        count=lambda node: 25 * cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((3, 3), draw="invertible"),), build=eig),
            Sample((Argument((2, 2, 2), draw="invertible"),), build=eig, note="stack"),
            Sample(
                (Argument((3, 3), draw="invertible", dtype="complex128"),),
                build=eig,
                note="complex",
            ),
        ),
        exempt={"text": _SEVERAL},
    )
)
