"""Functions of a few operations: what matters is the call itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.harness import Case
from native.peers import autograd_gradient, casadi_gradient, jax_gradient, torch_gradient


def five(a: float, b: float, c: float) -> Any:
    return (a * b + c) * math.sin(a)


def fifty(a: float, b: float, c: float) -> Any:
    for k in range(1, 6):
        a, b, c = a * b + math.sin(c), b - 0.1 * k * a * c, c / (1 + a * a) + math.exp(-b * b)
    return a + b * c


def small(x: Any) -> Any:
    return np.sum(np.sin(x) * x + 1 / (1 + x * x))


def five_numpy(a: Any, b: Any, c: Any) -> Any:
    return (a * b + c) * np.sin(a)


def fifty_numpy(a: Any, b: Any, c: Any) -> Any:
    for k in range(1, 6):
        a, b, c = a * b + np.sin(c), b - 0.1 * k * a * c, c / (1 + a * a) + np.exp(-b * b)
    return a + b * c


def cases(quick: bool) -> Iterator[Case]:
    by = (0, 1, 2)
    args = (0.7, 0.4, -0.3)
    for f, again, operations in ((five, five_numpy, 4), (fifty, fifty_numpy, 57)):
        yield Case(
            "tiny function of numbers",
            f"{operations} operations",
            lambda f=f: wg.value_and_grad(f, argnums=by, backend="native"),
            args,
            200e-9,
            at_most=1,
            peers={
                "jax": jax_gradient(again, args, by),
                "torch": torch_gradient(again, tuple(np.array(a) for a in args), by),
                "autograd": autograd_gradient(again, args, by),
                "casadi": casadi_gradient(
                    lambda ca, a, b, c, again=again: again(a, b, c), args, by, "SX", whole=True
                ),
            },
            faster=20,
        )
    for n in (3,) if quick else (3, 16):
        x = np.linspace(0.1, 1, n)
        yield Case(
            "tiny function of an array",
            f"n={n}",
            lambda: wg.value_and_grad(small, backend="native"),
            (x,),
            400e-9,
            at_most=1,
            peers={
                "jax": jax_gradient(small, (x,)),
                "torch": torch_gradient(small, (x,)),
                "autograd": autograd_gradient(small, (x,)),
                "casadi": casadi_gradient(
                    lambda ca, x: ca.sum1(ca.sin(x) * x + 1 / (1 + x * x)),
                    (x,),
                    (0,),
                    "SX",
                    whole=True,
                ),
            },
            faster=20,
        )
