"""Hessians beside the expression in NumPy that a person would find on paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.harness import Case
from native.peers import jax_call, spelled

LAYERS = 10


def quadratic(x: Any, A: Any) -> Any:
    return x @ A @ x


def quadratic_hand(x: Any, A: Any) -> Any:
    return A + A.T


def logistic(w: Any, X: Any, y: Any) -> Any:
    return np.sum(np.log(1 + np.exp(-y * (X @ w))))


def logistic_hand(w: Any, X: Any, y: Any) -> Any:
    s = 1 / (1 + np.exp(-y * (X @ w)))
    return X.T @ ((s * (1 - s))[:, None] * X)


def factors(U: Any, V: Any, T: Any) -> Any:
    return np.sum((T - U @ V.T) ** 2)


def factors_hand(U: Any, V: Any, T: Any) -> Any:
    n, k = U.shape
    H = np.zeros((n, k, n, k))
    each = np.arange(n)
    H[each, :, each, :] = 2 * (V.T @ V)
    return H


def network(first: Any, others: Any, x: Any, label: Any) -> Any:
    h = np.maximum(first @ x, 0.0)
    for i in range(LAYERS - 2):
        h = np.maximum(others[i] @ h, 0.0)
    z = others[LAYERS - 2] @ h
    most = np.max(z)
    return most + np.log(np.sum(np.exp(z - most))) - label @ z


def network_hand(first: Any, others: Any, x: Any, label: Any) -> Any:
    z = first @ x
    P = np.diag((z > 0) * 1.0)
    h = np.maximum(z, 0)
    for W in others[:-1]:
        z = W @ h
        P = (z > 0)[:, None] * (W @ P)
        h = np.maximum(z, 0)
    z, P = others[-1] @ h, others[-1] @ P
    s = np.exp(z - np.max(z))
    s /= np.sum(s)
    core = P.T @ (s[:, None] * P) - np.outer(P.T @ s, P.T @ s)
    return core[:, None, :, None] * np.outer(x, x)[None, :, None, :]


def case(
    name: str, size: str, f: Callable[..., Any], hand: Callable[..., Any], args: Any, faster: float
) -> Case:
    return Case(
        f"Hessian, {name}",
        size,
        lambda: wg.hessian(f, backend="native"),
        args,
        lambda: lambda: hand(*args),
        beside="NumPy",
        at_most=1.1,
        peers={"jax": jax_call(lambda jax, jnp: jax.hessian(spelled(f, jnp)), args)},
        faster=faster,
    )


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for n in (200,) if quick else (200, 500, 1000):
        args: Any = (rng.normal(size=n), rng.normal(size=(n, n)))
        yield case("x'Ax", f"n={n}", quadratic, quadratic_hand, args, 2.5)
    for n in (100,) if quick else (100, 300, 1000):
        X, w = rng.normal(size=(2 * n, n)), rng.normal(size=n) / n
        args = (w, X, np.where(rng.random(2 * n) < 0.5, -1.0, 1.0))
        yield case("logistic", f"X {2 * n} x {n}", logistic, logistic_hand, args, 20)
    for n in (50,) if quick else (50, 100, 200):
        args = (rng.normal(size=(n, 5)), rng.normal(size=(n, 5)), rng.normal(size=(n, n)))
        yield case("matrix factorisation", f"n={n}, k=5", factors, factors_hand, args, 400)
    for n in (16,) if quick else (16, 32):
        scale = np.sqrt(2 / n)
        first, others = scale * rng.normal(size=(n, n)), scale * rng.normal(size=(LAYERS - 1, n, n))
        args = (first, others, rng.normal(size=n), np.eye(n)[0])
        yield case("ten-layer ReLU net", f"width {n}", network, network_hand, args, 2)
