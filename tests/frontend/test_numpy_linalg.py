"""``numpy.linalg``: every option against NumPy; derivatives of what does not depend on signs and bases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

import wengert.frontend.numpy_linalg  # noqa: F401
from wengert.diff.reverse import vjp
from wengert.errors import DegenerateError, NoDerivativeError, ShapeError, TypeMismatchError
from wengert.frontend.table import apply, entry_of
from wengert.ops.complexes import conj
from wengert.ops.einstein import transpose
from wengert.ops.leaves import ONE, symbol
from wengert.run.reference import evaluate

L = np.linalg
RNG = np.random.default_rng(12)


def well(*shape: int, dtype: str = "float64") -> Any:
    """Matrices far from singular."""
    value = RNG.uniform(-1, 1, shape) + 1.5 * np.eye(*shape[-2:])
    if dtype.startswith("complex"):
        value = value + 1j * RNG.uniform(-1, 1, shape)
    return value.astype(dtype)


def definite(*shape: int, dtype: str = "float64") -> Any:
    half = well(*shape, dtype=dtype)
    value = half @ np.conj(np.swapaxes(half, -1, -2)) + np.diag(np.arange(1.0, shape[-1] + 1))
    return value.astype(dtype)


A, S, CA = well(3, 3), well(2, 3, 3), well(3, 3, dtype="complex128")
H, HC, HS = definite(3, 3), definite(3, 3, dtype="complex128"), definite(2, 3, 3)
LOW = np.tril(H) + 7 * np.triu(RNG.uniform(-1, 1, (3, 3)), 1)  # its upper triangle must not be read
UP = LOW.T.copy()
TALL, WIDE, SINGLE = draw(4, 2), draw(2, 4), well(3, 3, dtype="float32")
V, B = draw(3), draw(3, 2)
SQUARE = [A, S, CA, SINGLE, H, draw(3, 3, dtype="int64") + 9 * np.eye(3, dtype=int)]
SINGULAR = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])


def _systems() -> list[Case]:
    return [
        *[case(L.inv, x) for x in SQUARE],
        *[case(L.det, x) for x in [*SQUARE, SINGULAR, np.zeros((2, 2))]],
        *[case(L.slogdet, x) for x in SQUARE],
        Case(L.slogdet, (np.zeros((2, 2)),), smooth=False),
        Case(L.slogdet, (np.zeros((2, 2), complex),), smooth=False),
        case(L.slogdet, CA * 1e150),
        *[
            case(L.solve, a, b)
            for a, b in [(A, V), (A, B), (S, B), (S, draw(2, 3, 1)), (S, V), (CA, V)]
        ],
        case(L.solve, SINGLE, V.astype("f4")),
        case(L.solve, A, [1, 2, 3]),
        *[case(L.matrix_power, A, n) for n in (-2, -1, 0, 1, 2, 5)],
        case(L.matrix_power, S, 3),
        case(L.matrix_power, draw(2, 2, dtype="int64"), 3),
        *[case(L.pinv, x) for x in (TALL, WIDE, A, CA, draw(2, 4, 2), TALL.astype("f4"))],
        Case(L.pinv, (SINGULAR,), {"rcond": 1e-10}, smooth=False),
        case(L.pinv, TALL, rtol=1e-8),
        *[
            Case(L.lstsq, (a, b))
            for a, b in [(TALL, draw(4)), (TALL, draw(4, 3)), (WIDE, draw(2)), (A, V)]
        ],
        Case(L.lstsq, (draw(4, 2, dtype="complex128"), draw(4))),
        Case(L.lstsq, (SINGULAR, V), {"rcond": 1e-8}, smooth=False),
        case(L.tensorinv, draw(4, 6, 8, 3), ind=2),
        case(L.tensorinv, draw(24, 8, 3), ind=1),
        case(L.tensorsolve, draw(2, 3, 6), draw(2, 3)),
        case(L.tensorsolve, draw(6, 2, 3), draw(6)),
        case(L.tensorsolve, draw(2, 6, 3), draw(2, 3), axes=(1,)),
        *[case(L.matrix_rank, x) for x in (A, S, TALL, SINGULAR, V, np.zeros(2))],
        case(L.matrix_rank, A, 1.9),
        case(L.matrix_rank, A, rtol=0.5),
        *[
            case(L.cond, x, p)
            for x in (A, S)
            for p in (None, 2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc")
        ],
        case(L.cond, TALL),
    ]


def _recomposed(U: Any, s: Any, Vh: Any) -> Any:
    k = s.shape[-1]
    return s, (U[..., :, :k] * (s * s)[..., None, :]) @ Vh[..., :k, :]


def _factorizations() -> list[Case]:
    return [
        *[case(L.cholesky, x) for x in (H, HC, HS, LOW, H.astype("f4"))],
        *[case(L.cholesky, x, upper=True) for x in (H, HC, HS, UP)],
        *[case(L.qr, x) for x in (A, S, CA, TALL, WIDE, draw(2, 4, 2), SINGLE)],
        *[case(L.qr, x, "r") for x in (A, TALL, WIDE)],
        *[case(L.qr, x, mode="complete") for x in (A, WIDE, draw(3, 2))],
        Case(L.qr, (TALL, "complete"), smooth=False),
        *[case(L.svd, x) for x in (A, S, draw(3, 2), draw(2, 3), SINGLE)],
        *[case(L.svd, x, False) for x in (TALL, WIDE, A, draw(2, 4, 2))],
        *[case(L.svd, x, compute_uv=False) for x in (TALL, WIDE, CA, S)],
        *[Case(L.svd, (x,), {"full_matrices": f}, smooth=not f) for x in (TALL, WIDE) for f in (True, False)],
        Case(L.svd, (CA,), gauge=_recomposed),
        case(L.svdvals, TALL),
        *[case(L.eigh, x) for x in (H, HS, LOW, H.astype("f4"))],
        case(L.eigh, UP, UPLO="U"),
        Case(L.eigh, (HC,), gauge=_rebuilt),
        *[case(L.eigvalsh, x) for x in (H, HC, HS, LOW)],
        case(L.eigvalsh, UP, "U"),
        Case(L.eig, (A,), check_dtype=False),
        Case(L.eig, (CA,)),
        Case(L.eig, (S,), check_dtype=False),
        Case(L.eigvals, (S,), check_dtype=False),
        case(L.eigvals, CA),
    ]  # fmt: skip


def _rebuilt(w: Any, V: Any) -> Any:
    if isinstance(V, np.ndarray):
        return w, (V * w**3) @ V.conj().T
    return w, (V * w**3) @ transpose(conj(V))


def _norms() -> list[Case]:
    vectors: list[Any] = [None, 1, 2, 3, 1.5, 0, -1, -2.5, np.inf, -np.inf]
    matrices: list[Any] = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]
    T = draw(2, 3, 4)
    return [
        *[case(L.norm, V, o) for o in vectors],
        *[
            case(L.norm, T, o, axis=a, keepdims=k)
            for o in vectors
            for a, k in ((1, False), (-1, True))
        ],
        *[case(L.norm, TALL, o) for o in matrices],
        *[case(L.norm, T, o, axis=a) for o in matrices for a in ((0, 1), (2, 0), (-1, -3))],
        *[case(L.norm, T, o, axis=(2, 1), keepdims=True) for o in matrices],
        *[
            case(L.norm, x)
            for x in (T, CA, 2.5, -3, draw(3, dtype="int64"), draw(3, dtype="float32"))
        ],
        case(L.norm, T, keepdims=True),
        *[case(L.norm, CA, o) for o in matrices],
        *[case(L.norm, draw(3, dtype="complex128"), o) for o in (1, 2, 3, np.inf)],
        *[case(L.vector_norm, T, ord=o) for o in (2, 1, 3, np.inf, 0)],
        case(L.vector_norm, T, axis=(0, 2)),
        case(L.vector_norm, T, axis=1, keepdims=True, ord=3),
        *[case(L.matrix_norm, T, ord=o) for o in matrices[1:]],
        case(L.matrix_norm, T, keepdims=True),
    ]


CASES = [*_systems(), *_factorizations(), *_norms()]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_numpy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c, tolerance=1e-6)


def built(function: Any, *args: Any, **options: Any) -> Any:
    entry = entry_of(function)
    assert entry is not None
    return apply(entry, args, options)


def test_names_of_results() -> None:
    assert built(L.svd, A)._fields == L.svd(A)._fields
    assert built(L.eigh, A)._fields == L.eigh(A)._fields
    assert built(L.eig, A)._fields == L.eig(A)._fields
    assert built(L.qr, A)._fields == L.qr(A)._fields
    assert built(L.slogdet, A)._fields == L.slogdet(A)._fields


def _gradient(out: Any, x: Any, values: dict[str, Any]) -> Any:
    (found,) = vjp([out], [ONE], [x])
    return np.zeros(values[x.attr.name].shape) if found is None else evaluate(found, values)


@pytest.mark.parametrize("order", [None, 2, 3, 1.5, "fro"])
def test_norms_have_derivative_zero_at_zero(order: Any) -> None:
    x = symbol("x", (2, 2) if order == "fro" else 3)
    at = {"x": np.zeros((2, 2) if order == "fro" else 3)}
    np.testing.assert_array_equal(_gradient(built(L.norm, x, order), x, at), 0)


def test_determinant_of_a_singular_matrix_has_the_adjugate() -> None:
    x = symbol("x", (3, 3))
    want = [[-3.0, 6.0, -3.0], [6.0, -12.0, 6.0], [-3.0, 6.0, -3.0]]
    np.testing.assert_allclose(_gradient(built(L.det, x), x, {"x": SINGULAR}), want, atol=1e-12)


def test_vectors_that_no_formula_tells_are_refused() -> None:
    x = symbol("x", (4, 2))
    with pytest.raises(NoDerivativeError, match="full_matrices=False"):
        _gradient(built(L.svd, x).U[:, 3].T @ V[[0, 1, 2, 0]], x, {"x": TALL})
    used = built(L.svd, x).U[:, :2]
    assert np.isfinite(_gradient((used @ used.T)[0, 1], x, {"x": TALL})).all()
    y = symbol("x", (3, 3))
    with pytest.raises(DegenerateError, match="eigenvalues"):
        _gradient(built(L.eigh, y).eigenvectors[1, 0], y, {"x": np.eye(3)})


@pytest.mark.parametrize(
    ("function", "args", "error"),
    [
        (L.inv, (TALL,), ShapeError),
        (L.solve, (A, draw(2)), ShapeError),
        (L.cholesky, (TALL,), ShapeError),
        (L.eigh, (TALL,), ShapeError),
        (L.eigh, (A, "X"), TypeMismatchError),
        (L.qr, (A, "raw"), TypeMismatchError),
        (L.svd, (symbol("M", ("m", "n")),), ShapeError),
        (L.norm, (A, 3), TypeMismatchError),
        (L.norm, (V, "fro"), TypeMismatchError),
        (L.norm, (draw(2, 2, 2), 2), ShapeError),
        (L.matrix_power, (A, 1.5), TypeMismatchError),
        (L.pinv, (A, None, True), TypeMismatchError),
    ],
)
def test_refused(function: Any, args: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        built(function, *args)


def test_symbolic_sizes() -> None:
    M, b = symbol("M", ("n", "n")), symbol("b", "n")
    values = {"M": A, "b": V}
    np.testing.assert_allclose(evaluate(built(L.solve, M, b), values), L.solve(A, V))
    np.testing.assert_allclose(evaluate(built(L.eigvalsh, M), values), L.eigvalsh(A))
    np.testing.assert_allclose(evaluate(built(L.norm, M, 1), values), L.norm(A, 1))
    np.testing.assert_allclose(evaluate(built(L.qr, M).R, values), L.qr(A).R, atol=1e-14)
    np.testing.assert_allclose(evaluate(built(L.cond, M), values), L.cond(A))
