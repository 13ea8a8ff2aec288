"""The residual of bundle adjustment: 15 inputs and 2 outputs per observation, Jacobians block by block."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import Call, Prepare, jax_call, spelled, torch_arrays, torch_numpy


def residual(p: Any, feature: Any) -> Any:
    rotation, centre, f, x0, k, X, w = p[:3], p[3:6], p[6], p[7:9], p[9:11], p[11:14], p[14]
    theta = np.sqrt(np.sum(rotation**2))
    axis = rotation / theta
    x = X - centre
    cosine = np.cos(theta)
    y = cosine * x + np.sin(theta) * np.cross(axis, x) + (1 - cosine) * (axis @ x) * axis
    q = y[:2] / y[2]
    r = np.sum(q**2)
    return w * (f * (1 + k[0] * r + k[1] * r**2) * q + x0 - feature)


def blocks(parameters: Any, features: Any) -> Any:
    return wg.vmap(wg.jacobian(residual))(parameters, features)


def in_torch(parameters: Any, features: Any) -> Prepare:
    def prepare() -> Call:
        func = import_module("torch.func")
        f = func.vmap(func.jacrev(spelled(residual, torch_numpy())))
        given = torch_arrays((parameters, features))
        return lambda: f(*given)

    return prepare


def in_casadi(parameters: Any, features: Any) -> Prepare:
    """The Jacobian of one observation as a function of scalars, called for each of them in turn."""

    def prepare() -> Call:
        ca = import_module("casadi")
        p, feature = ca.SX.sym("p", 15), ca.SX.sym("feature", 2)
        theta = ca.sqrt(ca.sumsqr(p[:3]))
        axis, x = p[:3] / theta, p[11:14] - p[3:6]
        y = ca.cos(theta) * x + ca.sin(theta) * ca.cross(axis, x)
        y += (1 - ca.cos(theta)) * ca.dot(axis, x) * axis
        q = y[:2] / y[2]
        r = ca.sumsqr(q)
        out = p[14] * (p[6] * (1 + p[9] * r + p[10] * r**2) * q + p[7:9] - feature)
        dense = ca.densify(ca.jacobian(out, p).T)
        n = len(parameters)
        function = ca.Function("f", [p, feature], [dense]).map(n)
        given = [np.ascontiguousarray(a).ravel() for a in (parameters, features)]
        made = np.empty((n, 2, 15))
        buffer, run = function.buffer()
        for i, a in enumerate(given):
            buffer.set_arg(i, memoryview(a))
        buffer.set_res(0, memoryview(made.reshape(-1)))

        def call() -> Any:
            run()
            return made

        call.keep = (buffer, given)  # type: ignore[attr-defined]
        return call

    return prepare


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for n in (1_000,) if quick else (1_000, 10_000, 100_000):
        parameters, features = rng.normal(size=(n, 15)), rng.normal(size=(n, 2))
        parameters[:, 9:11] *= 0.1
        parameters[:, 13] += 10
        J = np.empty((n, 2, 15))
        yield Case(
            "bundle adjustment, Jacobians",
            f"{n} observations",
            lambda: wg.jit(blocks, backend="native"),
            (parameters, features),
            lambda n=n, parameters=parameters, features=features, J=J: Hand(
                "bundle", "bundle", n, parameters, features, J, results=(J,)
            ),
            at_most=1.2,
            peers={
                "jax": jax_call(
                    lambda jax, jnp: jax.vmap(jax.jacrev(spelled(residual, jnp))),
                    (parameters, features),
                ),
                "torch": in_torch(parameters, features),
                "casadi": in_casadi(parameters, features),
            },
            faster=3,
        )
