"""Eigenvalues and singular values: right also where they are repeated, refused where nothing is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import DegenerateError, ShapeError
from wengert.ir.node import Expr
from wengert.ops.algebra import diag, lift, matmul, trace
from wengert.ops.einstein import transpose
from wengert.ops.exponential import exp
from wengert.ops.leaves import ONE, symbol
from wengert.ops.reductions import sum_
from wengert.ops.spectral import eig, eigh, svd
from wengert.run.reference import evaluate

A = symbol("A", (3, 3))
C = np.random.default_rng(7).uniform(-1, 1, (3, 3))
Q = np.linalg.qr(C)[0]


def gradient(out: Expr, value: Any, x: Expr = A) -> Any:
    (found,) = vjp([out], [ONE], [x])
    assert found is not None
    return evaluate(found, {"A": value})


def change(out: Expr, value: Any, direction: Any, x: Expr = A) -> Any:
    t = symbol("t", x.shape)
    (found,) = jvp([out], {x: t})
    assert found is not None
    return evaluate(found, {"A": value, "t": direction})


def of_eigenvalues(f: Any) -> Expr:
    w, V = eigh(A)
    return matmul(V * f(w), transpose(V))


REPEATED = {
    "identity": np.eye(3),
    "zero": np.zeros((3, 3)),
    "pair": Q @ np.diag([1.0, 1.0, 2.0]) @ Q.T,
    "all equal": Q @ np.diag([3.0, 3.0, 3.0]) @ Q.T,
    "near": Q @ np.diag([1.0, 1.0 + 1e-10, 2.0]) @ Q.T,
    "nearer": Q @ np.diag([1.0, 1.0 + 1e-14, 2.0]) @ Q.T,
    "apart": Q @ np.diag([1.0, 1.5, 2.0]) @ Q.T,
}


@pytest.mark.parametrize("name", REPEATED)
def test_functions_of_matrices_where_eigenvalues_are_equal(name: str) -> None:
    value = REPEATED[name]
    got = gradient(sum_(lift(C) * of_eigenvalues(exp)), value)
    want = scipy.linalg.expm_frechet(value, (C + C.T) / 2, compute_expm=False)
    np.testing.assert_allclose(got, want, atol=3e-7 * np.abs(want).max())


@pytest.mark.parametrize("name", REPEATED)
def test_powers_and_projections(name: str) -> None:
    value, S = REPEATED[name], (C + C.T) / 2
    got = gradient(sum_(lift(C) * of_eigenvalues(lambda w: w * w)), value)
    np.testing.assert_allclose(got, S @ value + value @ S, atol=1e-7)
    w, V = eigh(A)
    got = gradient(sum_(lift(C) * matmul(V, transpose(V))) + sum_(w), value)
    np.testing.assert_allclose(got, np.eye(3), atol=1e-7)


@pytest.mark.parametrize("name", REPEATED)
def test_sums_of_eigenvalues_have_derivatives_everywhere(name: str) -> None:
    value = REPEATED[name]
    w, _ = eigh(A)
    np.testing.assert_allclose(gradient(sum_(w), value), np.eye(3), atol=1e-13)
    np.testing.assert_allclose(gradient(sum_(w * w), value), value + value.T, atol=1e-12)
    step = (C + C.T) / 2
    np.testing.assert_allclose(change(sum_(w), value, step), np.trace(step), atol=1e-13)


@pytest.mark.parametrize("name", ["identity", "zero", "pair", "all equal"])
def test_an_eigenvector_of_a_repeated_value_has_no_derivative(name: str) -> None:
    _, V = eigh(A)
    with pytest.raises(DegenerateError, match="gap of"):
        gradient(sum_(lift(C) * V), REPEATED[name])
    with pytest.raises(DegenerateError, match="expected eigenvalues"):
        change(sum_(lift(C) * V), REPEATED[name], C + C.T)


def test_forward_mode_knows_no_limit() -> None:
    with pytest.raises(DegenerateError, match="reverse mode"):
        change(sum_(lift(C) * of_eigenvalues(exp)), np.eye(3), C + C.T)


def test_vectors_of_single_values_beside_repeated_ones() -> None:
    _, V = eigh(A)
    value = Q @ np.diag([1.0, 1.0, 2.0]) @ Q.T

    def top(M: Any) -> Any:
        return np.outer(*[np.linalg.eigh(M)[1][:, 2]] * 2)

    S, h = (C + C.T) / 2, 1e-5
    want = np.sum(C * (top(value + h * S) - top(value - h * S))) / (2 * h)
    v = V[:, 2]
    got = np.sum(S * gradient(sum_(lift(C) * v[:, None] * v[None, :]), value))
    np.testing.assert_allclose(got, want, rtol=1e-8)


# --- singular values -------------------------------------------------------------------------------------
def of_singular_values(f: Any, x: Expr = A) -> Expr:
    U, s, Vh = svd(x)
    return matmul(U * f(s), Vh)


P = np.linalg.qr(C.T + 1)[0]
SINGULAR = {
    "orthogonal": Q,
    "pair": Q @ np.diag([2.0, 2.0, 1.0]) @ P,
    "zero": Q @ np.diag([2.0, 1.0, 0.0]) @ P,
    "apart": Q @ np.diag([3.0, 2.0, 1.0]) @ P,
}


@pytest.mark.parametrize("name", SINGULAR)
def test_odd_functions_of_singular_values(name: str) -> None:
    """``U s Vh = A`` and ``U s^3 Vh = A A.T A``, which are smooth everywhere."""
    value = SINGULAR[name]
    got = gradient(sum_(lift(C) * of_singular_values(lambda s: s)), value)
    np.testing.assert_allclose(got, C, atol=1e-7)
    got = gradient(sum_(lift(C) * of_singular_values(lambda s: s * s * s)), value)
    want = C @ value.T @ value + value @ C.T @ value + value @ value.T @ C
    np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("name", ["orthogonal", "pair", "apart"])
def test_nearest_orthogonal_matrix(name: str) -> None:
    value, h = SINGULAR[name], 1e-5

    def polar(M: Any) -> Any:
        return scipy.linalg.polar(M)[0]

    step = np.random.default_rng(3).uniform(-1, 1, (3, 3))
    want = np.sum(C * (polar(value + h * step) - polar(value - h * step))) / (2 * h)
    U, _, Vh = svd(A)
    got = np.sum(step * gradient(sum_(lift(C) * matmul(U, Vh)), value))
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_nearest_orthogonal_matrix_of_a_matrix_of_rank_one_is_refused() -> None:
    U, _, Vh = svd(A)
    with pytest.raises(DegenerateError, match="singular value"):
        gradient(sum_(lift(C) * matmul(U, Vh)), np.outer(C[0], C[1]))


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_rectangles_with_a_zero_singular_value(shape: tuple[int, int]) -> None:
    B = symbol("A", shape)
    rng = np.random.default_rng(1)
    value, weight = (
        np.outer(rng.normal(size=shape[0]), rng.normal(size=shape[1])),
        rng.normal(size=shape),
    )
    out = sum_(lift(weight) * of_singular_values(lambda s: s, B))
    np.testing.assert_allclose(gradient(out, value, B), weight, atol=1e-7)


def test_sum_of_singular_values() -> None:
    _, s, _ = svd(A)
    for name in ("orthogonal", "pair", "apart"):
        got = gradient(sum_(s), SINGULAR[name])
        np.testing.assert_allclose(got, scipy.linalg.polar(SINGULAR[name])[0], atol=1e-13)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 1e8, 1e-8]))
def test_gradients_scale_with_the_matrix(seed: int, size: float) -> None:
    rng = np.random.default_rng(seed)
    value = rng.normal(size=(3, 3)) * size
    got = gradient(sum_(lift(C) * of_singular_values(lambda s: s)), value)
    np.testing.assert_allclose(got, C, atol=1e-7)


# --- general matrices ------------------------------------------------------------------------------------
def test_eigenvalues_of_general_matrices(rng: np.random.Generator) -> None:
    """The sum of the squares is ``trace(A A)``."""
    value = rng.normal(size=(3, 3))
    w, V = eig(A)
    total = sum_(w * w)
    found = vjp([total], [lift(1.0 + 0j)], [A])[0]
    assert found is not None
    np.testing.assert_allclose(evaluate(found, {"A": value}), 2 * value.T, atol=1e-12)
    again = matmul(V * w, V)
    assert again.value_type.dtype == "complex128"


def test_single_precision_stays() -> None:
    x = symbol("x", (3, 2), dtype="float32")
    U, s, Vh = svd(x)
    S = symbol("S", (2, 2), dtype="float32")
    w, V = eigh(S)
    assert {n.value_type.dtype for n in (U, s, Vh, w, V)} == {"float32"}
    assert eig(S)[0].value_type.dtype == "complex64"


def test_shapes_are_checked() -> None:
    for wrong in (symbol("v", 3), symbol("B", (2, 3))):
        with pytest.raises(ShapeError):
            eigh(wrong)
    with pytest.raises(ShapeError, match="certainly the smaller"):
        svd(symbol("B", ("m", "n")))
    assert trace(diag(eigh(symbol("B", ("n", "n")))[0])).ndim == 0
