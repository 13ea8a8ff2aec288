"""Many iterations of a loop over a short vector: gradient by the start and by the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case


def iterate(x: Any, w: Any, steps: int) -> Any:
    for _ in range(steps):
        x = x + 0.01 * (np.sin(x) * w - x)
    return np.sum(x * x)


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for steps in (1000,) if quick else (1000, 3000):
        x, w = rng.normal(size=(2, 16))
        states, gx, gw = np.empty((steps + 1, 16)), np.empty(16), np.empty(16)
        yield Case(
            "vector loop, 16 elements",
            f"{steps} steps",
            lambda: wg.value_and_grad(iterate, argnums=(0, 1), backend="native"),
            (x, w, steps),
            lambda x=x, w=w, steps=steps, states=states, gx=gx, gw=gw: Hand(
                "iteration", "iterate", 16, steps, x, w, states, gx, gw, results=(gx, gw)
            ),
            at_most=1.2,
            faster=5,
        )
