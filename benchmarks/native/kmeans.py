"""The cost of k-means: gradient and diagonal of the Hessian by the centres.

Each centre's cost is a sum of squares, so the Hessian is diagonal, and the derivative of the gradient
along a vector of ones is its diagonal.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import Call, Prepare, jax_call, spelled, torch_arrays, torch_numpy

SIZES = ((1_000, 5, 3), (10_000, 10, 10), (10_000, 64, 32), (100_000, 5, 35))


def cost(centres: Any, points: Any) -> Any:
    apart = points[:, None, :] - centres[None, :, :]
    return np.sum(np.min(np.sum(apart**2, axis=2), axis=1))


def derivatives(centres: Any, points: Any) -> Any:
    ones = np.ones_like(centres)
    return wg.jvp(lambda c: wg.grad(cost)(c, points), (centres,), (ones,))


def in_jax(c: Any, x: Any) -> Prepare:
    def make(jax: Any, jnp: Any) -> Any:
        gradient = jax.grad(spelled(cost, jnp))
        return lambda c, x: jax.jvp(lambda c: gradient(c, x), (c,), (jnp.ones_like(c),))

    return jax_call(make, (c, x))


def in_torch(c: Any, x: Any) -> Prepare:
    def prepare() -> Call:
        torch = import_module("torch")
        centres, points = torch_arrays((c, x))
        centres.requires_grad_()
        f = spelled(cost, torch_numpy())
        ones = torch.ones_like(centres)

        def call() -> Any:
            (g,) = torch.autograd.grad(f(centres, points), centres, create_graph=True)
            return g.detach(), *torch.autograd.grad(g, centres, ones)

        return call

    return prepare


def in_autograd(c: Any, x: Any) -> Prepare:
    def prepare() -> Call:
        autograd, anp = import_module("autograd"), import_module("autograd.numpy")
        gradient = autograd.grad(spelled(cost, anp))
        ones = anp.ones_like(c)
        product = autograd.grad(lambda c: anp.sum(gradient(c, x) * ones))
        return lambda: (gradient(c, x), product(c))

    return prepare


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
            peers={"jax": in_jax(c, x), "torch": in_torch(c, x), "autograd": in_autograd(c, x)},
            faster=2.5,
        )
