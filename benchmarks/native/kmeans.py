"""The cost of k-means: gradient and diagonal of the Hessian by the centres.

Each centre's cost is a sum of squares, so the Hessian is diagonal, and the derivative of the gradient
along a vector of ones is its diagonal.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case

SIZES = ((1_000, 5, 3), (10_000, 10, 10), (10_000, 64, 32), (100_000, 5, 35))


def cost(centres: Any, points: Any) -> Any:
    apart = points[:, None, :] - centres[None, :, :]
    return np.sum(np.min(np.sum(apart**2, axis=2), axis=1))


def derivatives(centres: Any, points: Any) -> Any:
    ones = np.ones_like(centres)
    return wg.jvp(lambda c: wg.grad(cost)(c, points), (centres,), (ones,))


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for n, k, d in SIZES[:2] if quick else SIZES:
        x = rng.normal(size=(n, d))
        c = x[:k] + 0.1
        g, h = np.empty_like(c), np.empty_like(c)
        yield Case(
            "k-means, gradient and Hessian",
            f"n={n}, k={k}, d={d}",
            lambda: wg.jit(derivatives, backend="native"),
            (c, x),
            lambda n=n, k=k, d=d, x=x, c=c, g=g, h=h: Hand(
                "kmeans", "kmeans", n, k, d, x, c, g, h, results=(g, h)
            ),
            at_most=1.0,
            faster=2.5,
        )
