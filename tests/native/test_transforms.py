"""Every transform with its options runs as machine code and gives what NumPy source gives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest

import wengert as wg
from wengert.frontend.trees import flatten

X = np.linspace(-1.0, 2.0, 12)
SHORT = np.array([0.5, -1.5, 2.0])
MATRIX = np.linspace(-1.0, 1.0, 36).reshape(12, 3)


class Pair(NamedTuple):
    weight: Any
    bias: Any


@dataclass
class Model:
    weight: Any
    bias: Any


def loss(x, y=2.0, *, power=2, kind="sum"):
    terms = np.abs(np.sin(x) * y) ** power
    return np.sum(terms) if kind == "sum" else np.mean(terms)


def layered(parameters, x):
    hidden = np.tanh(x @ parameters["w"] + parameters["b"][0])
    return np.sum(hidden**2) * parameters["b"][1]


def with_aux(x, y):
    z = x * y
    return np.sum(z * z), {"largest": np.max(z), "all": [z, x.shape]}


def of_pair(pair, x):
    return np.sum((pair.weight * x + pair.bias) ** 2)


def vectors(x, y):
    return {"a": np.sin(x) * y, "b": (np.sum(x), [x[1:] - x[:-1]])}


def scaled(x, y):
    return {"a": np.sin(x) * y, "b": (np.sum(x), [x * y])}


def stepped(x, times):
    x = x.copy()
    for k in range(times):
        x[k] = x[k - 1] * x[k] + 1.0
        x[::2] *= 0.5
    return np.sum(x * x)


def centred(x):
    x -= np.mean(x)
    x[0] = 1.0
    return x @ x


def filled(out, x):
    out[:] = x * 2.0
    out[0] += 1.0
    return np.sum(out)


def windows(x):
    return x[1:], x[::2].reshape(2, 3), x.T, [x[0], x]


def element(x, y):
    return x @ y + np.sum(x * x)


def curved(x):
    return np.sum(np.exp(-(x**2)) * x) + x[0] * x[1] ** 3


Case = tuple[str, Callable[[str], Any], tuple[Any, ...], dict[str, Any]]


def case(name: str, make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return pytest.param(make, args, kwargs, id=name)


def of(transform: Any, function: Any, **options: Any) -> Callable[[str], Any]:
    return lambda backend: transform(function, backend=backend, **options)


WEIGHTS = {"w": MATRIX[:3, :2].copy(), "b": (SHORT[:2].copy(), 1.5)}

CASES = [
    case("jit keywords", of(wg.jit, loss), X, power=3, kind="mean"),
    case("jit structures", of(wg.jit, vectors), X, 2.0),
    case("jit views", of(wg.jit, windows), X),
    case("jit in place", of(wg.jit, centred), X),
    case("jit into another", of(wg.jit, filled), np.zeros(12), X),
    case("jit of floats", of(wg.jit, lambda x, y: (x / y, x // y, [x % y, -x])), 3.5, 2.0),
    case("jit of integers", of(wg.jit, lambda n, x: (n * 2, x**n)), 3, 2.0),
    case("grad keyword", of(wg.grad, loss), x=X, y=3.0),
    case("grad static", of(wg.grad, loss, argnums=1), X, 3.0, power=3, kind="mean"),
    case("grad several", of(wg.grad, loss, argnums=(0, 1)), X, 3.0),
    case("grad last", of(wg.grad, loss, argnums=-1), X, 3),
    case("grad of a dict", of(wg.grad, layered), WEIGHTS, MATRIX),
    case("value and grad of a dict", of(wg.value_and_grad, layered), WEIGHTS, MATRIX),
    case("grad of a named tuple", of(wg.grad, of_pair), Pair(2.0, SHORT[0]), X),
    case("grad of an object", of(wg.grad, of_pair), Model(X, 1.0), X),
    case("grad with aux", of(wg.grad, with_aux, has_aux=True), X, 2.0),
    case("value and grad with aux", of(wg.value_and_grad, with_aux, has_aux=True), X, 2.0),
    case("grad in place", of(wg.grad, centred), X),
    case("grad of a loop", of(wg.grad, stepped), X, 5),
    case("grad of float32", of(wg.grad, loss), X.astype("float32")),
    case("grad of a list", of(wg.grad, lambda p: p[0] * p[1][0] ** 2), [2.0, [3.0]]),
    case("grad of a transposed array", of(wg.grad, lambda a: np.sum(a[1:] * a[:-1])), MATRIX.T),
    case("grad of no elements", of(wg.grad, loss), np.zeros(0)),
    case("jacfwd", of(wg.jacfwd, vectors), SHORT, 2.0),
    case("jacrev", of(wg.jacrev, vectors, argnums=(0, 1)), SHORT, 2.0),
    case("jacobian", of(wg.jacobian, lambda x, y: np.outer(x, x) * y), X, 2.0),
    case("jacobian of a float", of(wg.jacobian, vectors, argnums=1), SHORT, 2.0),
    case("jacobian in place", of(wg.jacobian, lambda x: centred(x) * SHORT), X),
    case("hessian", of(wg.hessian, curved), SHORT),
    case("hessian of many", of(wg.hessian, curved), X),
    case("hessian by several", of(wg.hessian, element, argnums=(0, 1)), SHORT, 2 * SHORT),
    case("hvp", of(wg.hvp, curved), X, np.ones(12)),
    case("hvp of a dict", of(wg.hvp, layered), WEIGHTS, MATRIX, WEIGHTS),
    case("vmap", of(wg.vmap, element, in_axes=(0, None)), MATRIX, SHORT),
    case("vmap by columns", of(wg.vmap, element, in_axes=(1, None)), MATRIX, X),
    case("vmap of structures", of(wg.vmap, lambda p: {"a": p[0] * p[1], "b": (p[1], 1.0)}), (X, 2 * X)),
    case("vmap out", of(wg.vmap, lambda x: x * 2, out_axes=1), MATRIX),
    case("vmap of grad", of(wg.vmap, wg.grad(curved)), MATRIX),
    case("jvp", lambda b: lambda *a: wg.jvp(vectors, a, (np.ones(12), 1.0), backend=b), X, 2.0),
    case("vjp", lambda b: lambda *a: wg.vjp(scaled, *a, backend=b)[1](scaled(X, 1.0)), X, 2.0),
    case("linearize", lambda b: lambda *a: wg.linearize(curved, *a, backend=b)[1](X), X),
]  # fmt: skip


def alike(found: Any, wanted: Any) -> None:
    leaves, tree = flatten(found)
    others, other_tree = flatten(wanted)
    assert tree == other_tree
    for a, b in zip(leaves, others, strict=True):
        assert type(a) is type(b)
        assert np.shape(a) == np.shape(b)
        if isinstance(a, (np.ndarray, np.generic)):
            assert a.dtype == b.dtype
        if isinstance(a, str) or a is None:
            assert a == b
        else:
            tolerance = 1e-5 if getattr(a, "dtype", None) == np.float32 else 1e-11
            assert np.allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("make", "args", "kwargs"), CASES)
def test_as_numpy_source_does(make, args, kwargs) -> None:
    given = {backend: copy.deepcopy((args, kwargs)) for backend in ("native", "python")}
    for _ in range(3):  # the first calls, the settled ones
        results = {b: make_once(make, b)(*given[b][0], **given[b][1]) for b in given}
        alike(results["native"], results["python"])
        alike(given["native"], given["python"])  # what is the caller's has been changed alike


MADE: dict[tuple[int, str], Any] = {}


def make_once(make: Any, backend: str) -> Any:
    return MADE.setdefault((id(make), backend), make(backend))
