"""Many iterations of a loop over a short vector: gradient by the start and by the weights."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import Call, Prepare, autograd_gradient, casadi_call, jax_call, torch_gradient


def iterate(x: Any, w: Any, steps: int) -> Any:
    for _ in range(steps):
        x = x + 0.01 * (np.sin(x) * w - x)
    return np.sum(x * x)


def in_jax(jax: Any, jnp: Any, steps: int) -> Any:
    def value(x: Any, w: Any) -> Any:
        def step(x: Any, _: None) -> Any:
            return x + 0.01 * (jnp.sin(x) * w - x), None

        x, _ = jax.lax.scan(step, x, None, length=steps)
        return jnp.sum(x * x)

    return jax.value_and_grad(value, (0, 1))


def in_casadi(x: Any, w: Any, steps: int) -> Prepare:
    def prepare() -> Call:
        ca = import_module("casadi")
        a, b = ca.SX.sym("x", 16), ca.SX.sym("w", 16)
        step = ca.Function("step", [a, b], [a + 0.01 * (ca.sin(a) * b - a)])
        start, weights = ca.MX.sym("x", 16), ca.MX.sym("w", 16)
        end = step.fold(steps)(start, ca.repmat(weights, 1, steps))
        value = ca.sumsqr(end)
        by = [ca.gradient(value, start), ca.gradient(value, weights)]
        return casadi_call(ca.Function("f", [start, weights], [value, *by]), (x, w))

    return prepare


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
            peers={
                "jax": jax_call(lambda jax, jnp, steps=steps: in_jax(jax, jnp, steps), (x, w)),
                "torch": torch_gradient(iterate, (x, w, steps), (0, 1)),
                "autograd": autograd_gradient(iterate, (x, w, steps), (0, 1)),
                "casadi": in_casadi(x, w, steps),
            },
            faster=5,
        )
