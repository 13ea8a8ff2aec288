"""``scipy.linalg``: every option against SciPy; derivatives of what does not depend on signs and bases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

import wengert.frontend.scipy_linalg
import wengert.frontend.scipy_matrices  # noqa: F401
from wengert.errors import DomainError, ShapeError, TypeMismatchError
from wengert.frontend.table import apply, entry_of
from wengert.ops.complexes import conj
from wengert.ops.einstein import transpose
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

S = scipy.linalg
RNG = np.random.default_rng(5)
OFF = {"overwrite_a": False, "check_finite": False}


def well(n: int, dtype: str = "float64") -> Any:
    value = RNG.uniform(-1, 1, (n, n)) + 2 * np.eye(n)
    if dtype.startswith("complex"):
        value = value + 1j * RNG.uniform(-1, 1, (n, n))
    return value.astype(dtype)


def definite(n: int, dtype: str = "float64") -> Any:
    half = well(n, dtype)
    return half @ half.conj().T / n + np.diag(np.arange(1.0, n + 1))


A, B, CA = well(3), well(2), well(3, "complex128")
H, G, HC = definite(3), definite(3), definite(3, "complex128")
LOW = np.tril(H) + 5 * np.triu(RNG.uniform(-1, 1, (3, 3)), 1)
V, M, CV = draw(3), draw(3, 2), draw(3, dtype="complex128")
TALL, WIDE = draw(4, 2), draw(2, 4)
BANDS = np.array([[0.0, 1.0, -0.5, 0.7], [3.0, 4.0, 3.5, 5.0], [0.3, -0.2, 0.8, 0.0]])
WIDER = np.array(
    [
        [0, 0, 0.2, 0.3, 0.1],
        [0, 1.0, -0.5, 0.7, 0.2],
        [5.0, 4.0, 6.5, 5.0, 4.0],
        [0.3, -0.2, 0.8, 1.0, 0],
    ]
)


def _systems() -> list[Case]:
    return [
        case(S.inv, A, **OFF),
        case(S.inv, A.astype("f4")),
        case(S.det, CA),
        case(S.solve, A, V),
        case(S.solve, A, M, transposed=True),
        case(S.solve, LOW, V, lower=True, assume_a="pos"),
        case(S.solve, LOW, V, lower=True, assume_a="sym"),
        case(S.solve, HC, CV, assume_a="her"),
        case(S.solve, A, V, assume_a="gen"),
        *[
            case(S.solve_triangular, A, b, t, low)
            for b in (V, M)
            for t in (0, 1)
            for low in (True, False)
        ],
        case(S.solve_triangular, CA, CV, trans="C", lower=True),
        case(S.solve_triangular, A, V, unit_diagonal=True, check_finite=False),
        case(S.solve_banded, (1, 1), BANDS, draw(4)),
        case(S.solve_banded, (1, 2), WIDER, draw(5, 2)),
        case(S.solveh_banded, np.array([[0, 0.5, 0.2, 0.1], [3.0, 4, 5, 6]]), draw(4)),
        case(
            S.solveh_banded, np.array([[3.0, 4, 5, 6], [0.5, 0.2, 0.1, 0]]), draw(4, 2), lower=True
        ),
        case(S.solveh_banded, np.array([[3.0, 4, 5], [0.5j, 0.2 + 1j, 0]]), draw(3), lower=True),
        case(S.lstsq, TALL, draw(4, 2)),
        case(S.lstsq, WIDE, draw(2)),
        Case(S.lstsq, (TALL, draw(4)), check_dtype=True),
        case(S.pinv, TALL),
        case(S.pinv, WIDE, rtol=1e-9),
        case(S.pinvh, LOW),
        case(S.norm, A, 1),
        case(S.norm, V),
        case(S.norm, A, "fro", check_finite=False),
    ]


def _solved_by_cholesky(a: Any, b: Any, lower: bool = False) -> Any:
    return S.cho_solve(S.cho_factor(a, lower), b)


def _rebuilt(w: Any, W: Any) -> Any:
    if isinstance(W, np.ndarray):
        return w, (W * w**2) @ W.conj().T
    return w, (W * w**2) @ transpose(conj(W))


def _factorizations() -> list[Case]:
    sizes = (well(4), draw(4, 2), draw(2, 4), well(3, "complex128"), A.astype("f4"))
    c_low, c_up = S.cho_factor(H, True), S.cho_factor(H)
    cc = S.cho_factor(HC)
    lu, piv = S.lu_factor(well(4))
    clu, cpiv = S.lu_factor(well(4, "complex128"))
    return [
        *[case(S.cholesky, x, low) for x in (H, HC, G) for low in (True, False)],
        case(S.cholesky, LOW, lower=True, **OFF),
        *[
            case(S.cho_factor, x, low)
            for x in (LOW, LOW.T, HC)
            for low in (True, False)
            if _is_pd(x, low)
        ],
        *[case(S.cho_solve, c, b) for c in (c_low, c_up, cc) for b in (V, M)],
        *[case(S.lu, x) for x in sizes],
        *[case(S.lu, x, True) for x in sizes[:3]],
        *[Case(S.lu, (x,), {"p_indices": True}, check_dtype=False) for x in sizes[:3]],
        *[case(S.lu_factor, x) for x in sizes],
        *[case(S.lu_solve, (lu, piv), b, t) for b in (draw(4), draw(4, 2)) for t in (0, 1)],
        *[case(S.lu_solve, (clu, cpiv), draw(4), t) for t in (0, 1, 2)],
        case(S.qr, A),
        case(S.qr, WIDE),
        case(S.qr, draw(3, 2)),
        Case(S.qr, (TALL,), smooth=False),
        case(S.qr, TALL, mode="economic"),
        case(S.qr, WIDE, mode="r"),
        case(S.svd, A),
        case(S.svd, TALL, full_matrices=False),
        case(S.svd, TALL, compute_uv=False),
        case(S.svdvals, WIDE),
        case(S.diagsvd, V, 3, 5),
        case(S.diagsvd, V, 4, 3),
        *[case(S.polar, x, side) for x in (A, TALL) for side in ("right", "left")],
        case(S.orthogonal_procrustes, draw(5, 3), draw(5, 3, seed=4)),
        Case(S.eigh, (H,), smooth=False),
        Case(S.eigh, (H,), {"driver": "ev"}, smooth=False),
        Case(S.eigh, (H,), gauge=_rebuilt),
        Case(S.eigh, (LOW.T,), {"lower": False}, gauge=_rebuilt),
        case(S.eigh, H, G),
        Case(S.eigh, (H,), {"subset_by_index": [1, 2]}, gauge=_rebuilt),
        case(S.eigh, H, eigvals_only=True),
        Case(S.eigh, (HC,), gauge=_rebuilt),
        Case(S.eigh, (HC, definite(3, "complex128")), gauge=_rebuilt),
        case(S.eigvalsh, H, G),
        case(S.eigvalsh, HC),
        case(S.eigvalsh, H, subset_by_index=[0, 0]),
        case(S.eigvalsh_tridiagonal, V, draw(2)),
        Case(S.eigh_tridiagonal, (V, draw(2)), gauge=_rebuilt),
        Case(S.eig, (A,), check_dtype=False),
        case(S.eigvals, CA),
    ]


def _is_pd(x: Any, lower: bool) -> bool:
    try:
        S.cholesky(x, lower)
    except np.linalg.LinAlgError:
        return False
    return True


def _functions() -> list[Case]:
    small = 0.5 * draw(3, 3)
    csmall = 0.4 * draw(3, 3, dtype="complex128")
    exponentials = (S.expm, S.cosm, S.sinm, S.tanm, S.coshm, S.sinhm, S.tanhm)
    T = np.array([[1.0, 1.0], [0.0, 1.0]])  # cannot be diagonalized
    return [
        *[case(f, x) for f in exponentials for x in (small, csmall)],
        *[case(f, x) for f in (S.sqrtm, S.logm) for x in (H, A @ A, HC, T)],
        *[case(S.fractional_matrix_power, H, t) for t in (0.5, -0.3, 2, -1, 0, 1.0)],
        case(S.expm_frechet, small, A),
        case(S.expm_frechet, small, A, compute_expm=False),
        case(S.solve_sylvester, A, B, draw(3, 2)),
        case(S.solve_sylvester, CA, B, draw(3, 2)),
        *[case(S.solve_continuous_lyapunov, x, H) for x in (A, CA)],
        *[case(S.solve_discrete_lyapunov, 0.3 * x, H) for x in (A, CA)],
        case(S.toeplitz, V),
        case(S.toeplitz, V, draw(4)),
        case(S.toeplitz, CV),
        case(S.toeplitz, draw(3, dtype="int64"), V),
        case(S.hankel, V),
        case(S.hankel, V, draw(4)),
        case(S.circulant, V),
        case(S.companion, draw(4)),
        case(S.block_diag, A, M, 2.5, V),
        case(S.block_diag, A),
        case(S.block_diag, draw(2, 2, dtype="int64"), draw(1, 2, dtype="float32")),
        case(S.khatri_rao, M, draw(4, 2)),
    ]  # fmt: skip


CASES = [*_systems(), *_factorizations(), *_functions()]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_scipy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c, tolerance=1e-6)


def built(function: Any, *args: Any, **options: Any) -> Any:
    entry = entry_of(function)
    assert entry is not None
    return apply(entry, args, options)


@pytest.mark.parametrize(
    ("function", "args", "options", "error"),
    [
        (S.solve, (A, V), {"assume_a": "banded"}, TypeMismatchError),
        (S.qr, (A,), {"pivoting": True}, TypeMismatchError),
        (S.eig, (A, A), {}, TypeMismatchError),
        (S.solve_banded, ((1, 1), BANDS[:2], draw(4)), {}, ShapeError),
        (S.solve_sylvester, (A, B, A), {}, ShapeError),
        (S.fractional_matrix_power, (A, symbol("t")), {}, TypeMismatchError),
        (S.block_diag, (draw(2, 2, 2),), {}, ShapeError),
    ],
)
def test_refused(function: Any, args: Any, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        built(function, *args, **options)


@pytest.mark.parametrize("function", [S.sqrtm, S.logm])
def test_complex_functions_of_real_matrices_are_refused(function: Any) -> None:
    value = np.diag([-1.0, -4.0])
    with pytest.raises(DomainError, match="make the matrix complex"):
        evaluate(built(function, symbol("M", (2, 2))), {"M": value})
    got = evaluate(built(function, symbol("M", (2, 2), dtype="complex128")), {"M": value})
    np.testing.assert_allclose(got, function(value.astype(complex)), atol=1e-14)


def test_symbolic_sizes() -> None:
    c, m = symbol("c", "n"), symbol("M", ("n", "n"))
    values = {"c": V, "M": A}
    for f in (S.circulant, S.toeplitz):
        np.testing.assert_allclose(evaluate(built(f, c), values), f(V))
    np.testing.assert_allclose(evaluate(built(S.polar, m)[0], values), S.polar(A)[0], atol=1e-14)
    np.testing.assert_allclose(evaluate(built(S.block_diag, m, m), values), S.block_diag(A, A))
