"""Products of matrices and linear algebra through BLAS and LAPACK: as NumPy, also where it goes wrong."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any  # Any: numbers and arrays

import nest_interpreter
import numpy as np
import pytest
import scipy.linalg

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.lower.nest import Block, Buffer, Call, Part, Program
from wengert.ops import routines
from wengert.ops.contraction import merged
from wengert.ops.leaves import const, symbol
from wengert.programs.backends import NativeWarning
from wengert.programs.transformed import Built

Array = np.ndarray[Any, Any]


# --- programs ------------------------------------------------------------------------------------------
def positive(A):
    return A @ np.swapaxes(A, -1, -2) + np.eye(A.shape[-1])


def inverse(A):
    return np.linalg.inv(A)


def determinants(A):
    sign, logarithm = np.linalg.slogdet(A)
    return np.linalg.det(A), sign, logarithm


def cholesky(A):
    return np.linalg.cholesky(positive(A))


def solved(A):
    return np.linalg.solve(A, A[..., :1]), np.linalg.solve(A, A @ A)


def factors(A):
    Q, R = np.linalg.qr(A)
    return Q, R


def tall_factors(A):
    Q, R = np.linalg.qr(np.concatenate([A, A * A], axis=-2))
    return Q, R


def eigenvalues(A):
    return np.linalg.eigvalsh(A + np.swapaxes(A, -1, -2))


def eigenvectors(A):
    w, V = np.linalg.eigh(positive(A))
    return w, V * V


def singular(A):
    U, s, Vh = np.linalg.svd(A, full_matrices=False)
    return s, (U * s[..., None, :]) @ Vh, U * U, Vh * Vh


def pseudo_inverse(A):
    return np.linalg.pinv(A), np.linalg.matrix_rank(A)


def vector_solved(A):
    return np.linalg.solve(A, A[:, 0])


def triangles(A):
    x = scipy.linalg.solve_triangular(A, A[:, 0], lower=True)
    y = scipy.linalg.solve_triangular(A, A @ A, trans=1, unit_diagonal=True)
    return x, y


def exchanged(A):
    p, L, U = scipy.linalg.lu(A, p_indices=True)
    return p, L, U


def packed(A):
    factors, pivots = scipy.linalg.lu_factor(A)
    return factors, pivots


STACKED = [
    inverse, determinants, cholesky, solved, factors, tall_factors, eigenvalues, eigenvectors,
    singular, pseudo_inverse,
]  # fmt: skip
SINGLE = [vector_solved, triangles, exchanged, packed]


def matrix(*shape: int, dtype: str = "float64") -> Array:
    rng = np.random.default_rng(sum(shape))
    return (rng.normal(size=shape) + 2 * np.eye(*shape[-2:])).astype(dtype)


@pytest.fixture(autouse=True)
def compiled_only() -> Iterator[None]:
    """No program of this file may run as NumPy source."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", NativeWarning)
        yield


def outcome(function: Callable[..., Any], *args: Any) -> Any:
    with np.errstate(all="ignore"):
        try:
            return function(*args)
        except (
            np.linalg.LinAlgError,
            ValueError,
            IndexError,
            UserWarning,
            RuntimeWarning,
        ) as error:
            return type(error), str(error)


def same(found: Any, wanted: Any, tolerance: float) -> None:
    if not isinstance(wanted, tuple):
        found, wanted = (found,), (wanted,)
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        if isinstance(other, (type, str)):
            assert one == other
            continue
        assert np.asarray(one).dtype == np.asarray(other).dtype
        assert np.shape(one) == np.shape(other)
        scale = np.max(np.abs(other), initial=1.0, where=np.isfinite(other))
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("function", STACKED + SINGLE, ids=lambda f: f.__name__)
def test_as_numpy(function: Callable[..., Any], dtype: str) -> None:
    compiled = wg.jit(function, backend="native")
    source = wg.jit(function, backend="python")
    for n in (1, 2, 3, 9, 17, 64, 0):
        stacks: list[tuple[int, ...]] = [()] if function in SINGLE else [(), (3,)]
        for stack in stacks:
            A = matrix(*stack, n, n, dtype=dtype)
            wanted = outcome(source, A)
            # Vectors of singular precision depend on the last bit of the product in front of them.
            same(outcome(compiled, A), wanted, 1e-9 if dtype == "float64" else 2e-3)


@pytest.mark.parametrize(
    "function",
    [inverse, solved, vector_solved, cholesky, triangles, exchanged, packed, eigenvalues, singular],
    ids=lambda f: f.__name__,
)
def test_what_goes_wrong_is_what_numpy_says(function: Callable[..., Any]) -> None:
    compiled = wg.jit(function, backend="native")
    source = wg.jit(function, backend="python")
    compiled(matrix(9, 9))
    for bad in (np.zeros((9, 9)), np.ones((9, 9)), np.full((9, 9), np.nan), -np.eye(9)):
        same(outcome(compiled, bad), outcome(source, bad), 1e-12)


def test_determinants_of_singular_matrices() -> None:
    compiled = wg.jit(determinants, backend="native")
    zero, sign, logarithm = compiled(np.ones((9, 9)))
    assert (zero, sign, logarithm) == (0.0, 0.0, -np.inf)


def fitted(X, y, w):
    r = X @ w - y
    g = X.T @ r
    return g @ g, X.T @ X, np.outer(g, w) @ w


def stacked(A, B):
    return np.einsum("bij,bjk->bik", A, B), np.einsum("bij,bj->bi", A, B.sum(axis=2)), A @ B[0]


def one_many(A, B):
    return (
        np.einsum("ijk,jkl->il", A, B),
        np.einsum("ijk,ljk->il", A, A),
        np.einsum("kij,k->ij", A, B[0, 0]),
    )


def strided(A, B):
    return A[:, ::2] @ B, A[1:, 2] @ B, (A @ B).T @ A[:, 1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_products(dtype: str) -> None:
    draw = lambda *shape: np.asarray(matrix(*shape, dtype=dtype))  # noqa: E731
    tolerance = 1e-12 if dtype == "float64" else 1e-4
    for function in (fitted, stacked, one_many):
        compiled = wg.jit(function, backend="native")
        source = wg.jit(function, backend="python")
        for m, n, k in ((9, 10, 11), (1, 1, 1), (0, 9, 10), (9, 0, 10), (9, 10, 0), (40, 33, 65)):
            match function.__name__:
                case "fitted":
                    args = draw(m, n), draw(m, 1)[:, 0].copy(), draw(n, 1)[:, 0].copy()
                case "stacked":
                    args = draw(m, n, k), draw(m, k, n)
                    if not m:
                        continue
                case _:
                    args = draw(m, n, k), draw(n, k, m)
                    if not n * k * m:
                        continue
            same(compiled(*args), source(*args), tolerance)


def test_groups_of_axes() -> None:
    assert merged([(0, 1), (1, 2), (0, 2)]) == [((0,), (1,)), ((1,), (2,)), ((0,), (2,))]
    assert merged([(3, 0, 1), (3, 2), (2, 0, 1)])[0] == ((3,), (0, 1))


@pytest.mark.parametrize(
    "function", [inverse, determinants, cholesky, solved, eigenvalues, vector_solved, pseudo_inverse],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_gradients(function: Callable[..., Any]) -> None:
    def total(A):
        results = function(A)
        results = results if isinstance(results, tuple) else (results,)
        value = 0.0
        for each in results:
            value = value + np.sum(each * each)
        return value

    gradient = wg.grad(total, backend="native")
    source = wg.grad(total, backend="python")
    for n in (2, 9, 17):
        A = matrix(n, n)
        same(gradient(A), source(A), 1e-7)


# --- nests ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("function", STACKED + SINGLE, ids=lambda f: f.__name__)
def test_nests_mean_the_same(function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[Built, list[Any]]] = []
    original = Built._result

    def noting(self: Built, inputs: Any, args: Any, kwargs: Any) -> Any:
        runs.append((self, list(inputs)))
        return original(self, inputs, args, kwargs)

    monkeypatch.setattr(Built, "_result", noting)
    shapes = [(4, 4), (9, 9)] if function in SINGLE else [(4, 4), (2, 9, 9)]
    for shape in shapes:
        wanted = wg.jit(function, backend="python")(matrix(*shape))
        built, values = runs[-1]
        found = nest_interpreter.run(lowered(built.captured.function), *values)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


def test_numbers_that_do_not_fit_stop() -> None:
    from wengert.native.compiled import compiled

    x = Buffer("x", "float64", (8,), "input", 0)
    y = Buffer("y", "float64", (8,), "output", 0)
    n = symbol("n", dtype="int64")
    call = Call(
        routines.GEMV, "float64",
        ("N", n, const(1), const(1.0), Part(x, (const(0),)), const(8), Part(x, (const(0),)), const(1),
         const(0.0), Part(y, (const(0),)), const(1)),
        None, 5,
    )  # fmt: skip
    program = Program((x, n), (y,), (), Block([call]), {})
    codes: list[int] = []

    def failed(code: int, words: bytes, *args: Any) -> Any:
        codes.append(code)
        return None

    f = compiled(program, name="f", slow=failed, failed=failed)
    given = np.arange(1.0, 9.0)
    assert np.array_equal(f(given, 8)[0], given)
    for wrong in (-1, 2**31, 2**40):
        f(given, wrong)
        with pytest.raises(nest_interpreter.Stopped):
            nest_interpreter.run(program, given, wrong)
    assert codes == [5, 5, 5]


# --- where they are --------------------------------------------------------------------------------------
IN_A_PROCESS = """
import sys
from wengert.native.routines import address
found = [address("blas", "dgemm"), address("lapack", "dgetrf")]
assert "scipy.linalg" not in sys.modules
import scipy.linalg, scipy.linalg.cython_blas, scipy.linalg.cython_lapack
assert scipy.linalg.cython_blas is sys.modules["scipy.linalg.cython_blas"]
assert scipy.linalg.solve([[2.0]], [4.0]) == [2.0]
address.cache_clear()
sys.modules["wengert.native.routines"]._module.cache_clear()
assert found == [address("blas", "dgemm"), address("lapack", "dgetrf")]
"""


def test_routines_are_found_without_the_package_around_them() -> None:
    subprocess.run([sys.executable, "-c", IN_A_PROCESS], check=True)
