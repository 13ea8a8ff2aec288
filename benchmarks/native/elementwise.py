"""Maps over arrays with exp, log, sin and tanh: the value of their sum and the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import casadi_gradient, everywhere

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def maps(x: Any) -> Any:
    return np.sum(np.tanh(np.sin(x) * np.exp(-x * x) + np.log(1 + x * x)))


def in_casadi(ca: Any, x: Any) -> Any:
    return ca.sum1(ca.tanh(ca.sin(x) * ca.exp(-x * x) + ca.log(1 + x * x)))


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for dtype, real in (("float64", "double"), ("float32", "float")):
        for n in SIZES[:4:2] if quick else SIZES:
            x = rng.normal(size=n).astype(dtype)
            g = np.empty_like(x)
            yield Case(
                "elementwise maps",
                f"n={n:.0e}, {dtype}",
                lambda: wg.value_and_grad(maps, backend="native"),
                (x,),
                lambda x=x, g=g, real=real: Hand(
                    "elementwise", "maps", len(x), x, g, results=(g,), real=real
                ),
                at_most=0.9,
                peers=everywhere(maps, (x,))
                | ({"casadi": casadi_gradient(in_casadi, (x,))} if real == "double" else {}),
                faster=4,
                rtol=1e-8 if real == "double" else 1e-4,
            )
