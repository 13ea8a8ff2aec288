"""Linear algebra against closed forms, at singular matrices, and as full Jacobians."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import ShapeError, TypeMismatchError
from wengert.ir.facts import POSITIVE, SYMMETRIC
from wengert.ir.known import knows
from wengert.ir.node import Expr, make
from wengert.ir.op import lookup
from wengert.ir.walk import order
from wengert.ops.algebra import diag
from wengert.ops.einstein import eye, transpose
from wengert.ops.exponential import log
from wengert.ops.layout import kron, tril
from wengert.ops.leaves import ONE, symbol
from wengert.ops.linalg import adjugate, det, inv, logdet, matrix_power, pinv, slogdet
from wengert.ops.matrix_exponential import expm
from wengert.ops.reductions import sum_
from wengert.ops.systems import cholesky, solve, solve_triangular
from wengert.run.reference import evaluate

A = symbol("A", ("n", "n"))
b = symbol("b", "n")


def jacobian(out: Expr, x: Expr, values: dict[str, Any]) -> np.ndarray:
    """By a stack of cotangents, as a matrix."""
    shape = np.shape(evaluate(out, values))
    (found,) = vjp([out], [symbol("ct", ("k", *out.shape))], [x])
    assert found is not None
    size = int(np.prod(shape))
    stack = np.eye(size).reshape(size, *shape)
    needed = {n.attr.name for n in order([found]) if n.op.free}
    given = {k: v for k, v in {**values, "ct": stack}.items() if k in needed}
    return np.asarray(evaluate(found, given)).reshape(size, -1)


def invertible(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.normal(size=(size, size)) + size * np.eye(size)


# --- closed forms ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 2, 4])
def test_jacobian_of_the_inverse(size: int, rng: np.random.Generator) -> None:
    """``d vec(inv(A)) = -(inv(A) kron inv(A).T) d vec(A)`` in row-major order (Magnus and Neudecker)."""
    value = invertible(rng, size)
    inverse = np.linalg.inv(value)
    got = jacobian(inv(A), A, {"A": value})
    np.testing.assert_allclose(got, -np.kron(inverse, inverse.T), atol=1e-14)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_gradients_of_determinants(size: int, rng: np.random.Generator) -> None:
    value = invertible(rng, size)
    inverse, number = np.linalg.inv(value), np.linalg.det(value)
    for out, want in [(det(A), number * inverse.T), (logdet(A), inverse.T)]:
        (found,) = vjp([out], [ONE], [A])
        assert found is not None
        np.testing.assert_allclose(evaluate(found, {"A": value}), want, rtol=1e-12)
    assert vjp([logdet(A)], [ONE], [A]) == [transpose(inv(A))]


def test_jacobian_of_a_solution(rng: np.random.Generator) -> None:
    value, right = invertible(rng, 3), rng.normal(size=3)
    x, inverse = np.linalg.solve(value, right), np.linalg.inv(value)
    values = {"A": value, "b": right}
    np.testing.assert_allclose(jacobian(solve(A, b), b, values), inverse, atol=1e-14)
    np.testing.assert_allclose(
        jacobian(solve(A, b), A, values), -np.kron(inverse, x[None, :]), atol=1e-14
    )


def test_one_factorisation_serves_a_whole_jacobian() -> None:
    (found,) = vjp([solve(A, b)], [symbol("ct", ("k", "n"))], [b])
    assert found is not None
    assert [n.op.name for n in order([found])].count("solve") == 1


def test_differential_of_the_cholesky_factor(rng: np.random.Generator) -> None:
    """``L dL.T + dL L.T = dA`` for symmetric ``dA``, with ``dL`` lower triangular."""
    half = rng.normal(size=(4, 4))
    value, step = half @ half.T + np.eye(4), half + half.T
    (found,) = jvp([cholesky(A)], {A: symbol("t", ("n", "n"))})
    assert found is not None
    change = evaluate(found, {"A": value, "t": step})
    L = np.linalg.cholesky(value)
    np.testing.assert_array_equal(change, np.tril(change))
    np.testing.assert_allclose(L @ change.T + change @ L.T, step, atol=1e-13)


def test_gradient_through_cholesky_is_that_of_logdet(rng: np.random.Generator) -> None:
    half = rng.normal(size=(3, 3))
    value = half @ half.T + np.eye(3)
    (found,) = vjp([2 * sum_(log(diag(cholesky(A))))], [ONE], [A])
    assert found is not None
    np.testing.assert_allclose(evaluate(found, {"A": value}), np.linalg.inv(value), atol=1e-13)


def test_only_one_triangle_is_read(rng: np.random.Generator) -> None:
    value, right = invertible(rng, 3), rng.normal(size=3)
    out = solve_triangular(A, b, lower=True)
    want = np.linalg.solve(np.tril(value), right)
    np.testing.assert_allclose(evaluate(out, {"A": value, "b": right}), want)
    J = jacobian(out, A, {"A": value, "b": right}).reshape(3, 3, 3)
    np.testing.assert_array_equal(J, np.tril(J))


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (3, 3)])
def test_pseudo_inverse(shape: tuple[int, int], rng: np.random.Generator) -> None:
    value = rng.normal(size=shape)
    M = symbol("A", ("m", "n"))
    np.testing.assert_allclose(evaluate(pinv(M), {"A": value}), np.linalg.pinv(value))
    if shape[0] == shape[1]:
        inverse = np.linalg.inv(value)
        got = jacobian(pinv(M), M, {"A": value})
        np.testing.assert_allclose(got, -np.kron(inverse, inverse.T), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("exponent", [-3, -1, 0, 1, 2, 5, 10])
def test_matrix_powers(exponent: int, rng: np.random.Generator) -> None:
    value = invertible(rng, 3) / 3
    got = evaluate(matrix_power(symbol("A", (3, 3)), exponent), {"A": value} if exponent else {})
    np.testing.assert_allclose(got, np.linalg.matrix_power(value, exponent), rtol=1e-11)


def test_kronecker_products(rng: np.random.Generator) -> None:
    left, right = rng.normal(size=(2, 3)), rng.normal(size=(4, 2))
    M, K = symbol("M", ("m", "n")), symbol("K", ("p", "q"))
    np.testing.assert_array_equal(
        evaluate(kron(M, K), {"M": left, "K": right}), np.kron(left, right)
    )
    u, v = symbol("u", 2), symbol("v", 3)
    got = evaluate(kron(u, v), {"u": left[0, :2], "v": left[1]})
    np.testing.assert_array_equal(got, np.kron(left[0, :2], left[1]))


def test_derivatives_of_the_matrix_exponential(rng: np.random.Generator) -> None:
    """``d/dt expm(t*A) = A expm(t*A)``, to third order in ``t``."""
    value = rng.normal(size=(3, 3))
    t = symbol("t")
    found: Expr | None = expm(t * symbol("A", (3, 3)))
    want = scipy.linalg.expm(0.7 * value)
    for _ in range(3):
        assert found is not None
        (found,) = jvp([found], {t: ONE})
        want = value @ want
        assert found is not None
        np.testing.assert_allclose(evaluate(found, {"A": value, "t": 0.7}), want, rtol=1e-12)


# --- singular matrices -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "value",
    [
        [[0.0]],
        [[1.0, 2.0], [2.0, 4.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ],
)
def test_the_determinant_has_a_gradient_at_singular_matrices(value: Any) -> None:
    M = np.array(value)
    size = len(M)
    want = np.zeros((size, size))  # cofactors by the definition
    for i in range(size):
        for j in range(size):
            minor = np.delete(np.delete(M, i, 0), j, 1)
            want[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    (found,) = vjp([det(A)], [ONE], [A])
    assert found is not None
    np.testing.assert_allclose(evaluate(found, {"A": M}), want, atol=1e-13)


def test_what_does_not_exist_is_nan() -> None:
    singular = np.zeros((2, 2))
    assert np.isnan(evaluate(inv(A), {"A": singular})).all()
    assert np.isnan(evaluate(solve(A, b), {"A": singular, "b": np.ones(2)})).all()
    assert np.isnan(evaluate(cholesky(A), {"A": -np.eye(2)})).all()
    assert np.isnan(evaluate(solve_triangular(A, b), {"A": singular, "b": np.ones(2)})).all()
    assert evaluate(logdet(A), {"A": singular}) == -np.inf
    sign, size = slogdet(A)
    assert (evaluate(sign, {"A": singular}), evaluate(size, {"A": 2 * np.eye(2)})) == (0, np.log(4))
    stack = symbol("S", (2, 2, 2))
    got = evaluate(inv(stack), {"S": np.stack([singular, 2 * np.eye(2)])})
    assert np.isnan(got[0]).all()
    np.testing.assert_array_equal(got[1], np.eye(2) / 2)


def test_no_second_derivative_is_claimed_at_singular_matrices() -> None:
    (first,) = vjp([det(A)], [ONE], [A])
    assert first is not None
    (second,) = jvp([first], {A: symbol("t", ("n", "n"))})
    assert second is not None
    assert np.isnan(evaluate(second, {"A": np.zeros((2, 2)), "t": np.eye(2)})).all()


def test_logdet_does_not_overflow() -> None:
    value = 1e200 * np.eye(4)
    assert evaluate(logdet(A), {"A": value}) == pytest.approx(4 * np.log(1e200))


# --- structure -------------------------------------------------------------------------------------------
def test_transposes_and_signs_come_out() -> None:
    assert inv(A.T) is inv(A).T
    assert inv(-A) is -inv(A)
    assert det(A.T) is det(A)
    assert logdet(A.T) is logdet(A)
    assert adjugate(A.T) is adjugate(A).T
    assert inv(eye(3)) is eye(3)


def test_facts_of_positive_definite_matrices() -> None:
    P = symbol("P", ("n", "n"), assume="pd")
    assert knows(inv(P), SYMMETRIC)
    assert knows(inv(inv(P)), SYMMETRIC)
    assert knows(det(P), POSITIVE)
    assert not knows(det(A), POSITIVE)
    assert not knows(inv(A), SYMMETRIC)


def test_stacks_are_what_single_matrices_are(rng: np.random.Generator) -> None:
    value = rng.normal(size=(2, 3, 3)) + 3 * np.eye(3)
    right = rng.normal(size=(3, 2))
    S, B = symbol("S", ("k", 3, 3)), symbol("B", (3, 2))
    values = {"S": value, "B": right}
    for out, want in [
        (solve(S, B), np.linalg.solve(value, right)),
        (inv(S), np.linalg.inv(value)),
        (det(S), np.linalg.det(value)),
        (solve(S, symbol("B", 3)), np.linalg.solve(value, right[:, :1])[..., 0]),
    ]:
        given = {
            k: v for k, v in values.items() if k in {n.attr.name for n in order([out]) if n.op.free}
        }
        if out.ndim == 2 and "B" in given:
            given["B"] = right[:, 0]
        np.testing.assert_allclose(evaluate(out, given), want)


def test_complex_cholesky_factor(rng: np.random.Generator) -> None:
    half = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    value = half @ half.conj().T + np.eye(3)
    L = evaluate(cholesky(symbol("M", (3, 3), dtype="complex128")), {"M": value})
    np.testing.assert_allclose(L, np.linalg.cholesky(value), atol=1e-13)


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="square"):
        inv(symbol("M", (2, 3)))
    with pytest.raises(ShapeError, match="rows"):
        solve(symbol("M", (3, 3)), symbol("v", 2))
    with pytest.raises(ShapeError, match="scalar"):
        solve(symbol("M", (3, 3)), symbol("v"))
    with pytest.raises(TypeMismatchError, match="real"):
        make(lookup("detsign"), (symbol("M", (2, 2), dtype="complex128"),))
    with pytest.raises(ShapeError, match="matrix"):
        tril(symbol("v", 3))
