"""Logistic regression: value and gradient of the penalised loss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import casadi_gradient, everywhere

SIZES = ((64, 8), (1_000, 50), (10_000, 100), (100_000, 20))


def loss(w: Any, X: Any, y: Any, lam: Any) -> Any:
    return np.sum(np.log(1 + np.exp(-y * (X @ w)))) + 0.5 * lam * np.sum(w * w)


def in_casadi(ca: Any, w: Any, X: Any, y: Any) -> Any:
    return ca.sum1(ca.log(1 + ca.exp(-y * (X @ w)))) + 0.05 * ca.dot(w, w)


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for n, d in SIZES[:2] if quick else SIZES:
        w, X = rng.normal(size=d) / d, rng.normal(size=(n, d))
        y = np.where(rng.random(n) < 0.5, -1.0, 1.0)
        g = np.empty(d)
        yield Case(
            "logistic regression",
            f"{n} x {d}",
            lambda: wg.value_and_grad(loss, backend="native"),
            (w, X, y, 0.1),
            lambda n=n, d=d, w=w, X=X, y=y, g=g: Hand(
                "logistic", "logistic", n, d, w, X, y, 0.1, g, results=(g,)
            ),
            at_most=0.8,
            peers=everywhere(loss, (w, X, y, 0.1))
            | {"casadi": casadi_gradient(in_casadi, (w, X, y))},
            faster=2.5,
        )
