"""Two small objectives over long vectors: log-sum-exp, and least squares of a polynomial."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import casadi_gradient, everywhere

DEGREE = 8


def logsumexp(x: Any) -> Any:
    most = np.max(x)
    return most + np.log(np.sum(np.exp(x - most)))


def squares(c: Any, t: Any, y: Any) -> Any:
    p = c[-1]
    for j in range(len(c) - 2, -1, -1):
        p = p * t + c[j]
    return np.sum((p - y) ** 2)


def in_casadi(ca: Any, c: Any, t: Any, y: Any) -> Any:
    p = c[-1]
    for j in range(c.numel() - 2, -1, -1):
        p = p * t + c[j]
    return ca.sumsqr(p - y)


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for n in (2_500, 40_000) if quick else (2_500, 10_000, 40_000, 160_000, 640_000):
        x = rng.normal(size=n)
        g = np.empty(n)
        yield Case(
            "log-sum-exp",
            f"n={n}",
            lambda: wg.value_and_grad(logsumexp, backend="native"),
            (x,),
            lambda x=x, g=g: Hand("sums", "logsumexp", len(x), x, g, results=(g,)),
            at_most=0.5,
            peers=everywhere(logsumexp, (x,))
            | {"casadi": casadi_gradient(lambda ca, x: ca.logsumexp(x), (x,))},
            faster=4,
        )
    for n in (16, 1024) if quick else (16, 128, 1024, 4096, 16392):
        c, t, y = rng.normal(size=DEGREE + 1), rng.uniform(-1, 1, n), rng.normal(size=n)
        g = np.empty(DEGREE + 1)
        yield Case(
            "polynomial least squares",
            f"n={n}, degree {DEGREE}",
            lambda: wg.value_and_grad(squares, backend="native"),
            (c, t, y),
            lambda c=c, t=t, y=y, g=g: Hand(
                "sums", "polynomial", len(t), len(c), c, t, y, g, results=(g,)
            ),
            at_most=0.9,
            peers=everywhere(squares, (c, t, y))
            | {"casadi": casadi_gradient(in_casadi, (c, t, y))},
            faster=4,
        )
