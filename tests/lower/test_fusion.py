"""Loops that become one, and loops cut into blocks: the same results, in less memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: numbers and arrays

import nest_interpreter
import numpy as np
import pytest

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.lower.nest import Buffer, Program
from wengert.lower.tiles import ITEMS
from wengert.programs.transformed import Built


def clusters(centres: np.ndarray, points: np.ndarray) -> float:
    squares = np.sum((points[:, None, :] - centres[None]) ** 2, axis=2)
    return np.sum(np.min(squares, axis=1))


def mixture(weights: np.ndarray, means: np.ndarray, factors: np.ndarray, points: np.ndarray) -> Any:
    apart = points[:, None, :] - means[None]
    scaled = np.einsum("kij,nkj->nki", factors, apart)
    terms = weights - 0.5 * np.sum(scaled**2, axis=2)
    most = np.max(terms, axis=1)
    return np.sum(most + np.log(np.sum(np.exp(terms - most[:, None]), axis=1)))


def logistic(w: np.ndarray, rows: np.ndarray, labels: np.ndarray) -> float:
    z = rows @ w
    return np.mean(np.logaddexp(0.0, z) - labels * z)


def layers(w: np.ndarray, v: np.ndarray, rows: np.ndarray) -> float:
    hidden = np.tanh(rows @ w)
    logits = hidden @ v
    logits = logits - np.max(logits, axis=1)[:, None]
    return np.sum(np.log(np.sum(np.exp(logits), axis=1)) - logits[:, 0])


def normalised(x: np.ndarray) -> np.ndarray:
    centred = x - np.mean(x, axis=1)[:, None]
    return centred / np.sqrt(1e-3 + np.sum(centred**2, axis=1))[:, None]


def shapes(n: int) -> dict[Callable[..., Any], tuple[tuple[int, ...], ...]]:
    return {
        clusters: ((3, 2), (n, 2)),
        mixture: ((3,), (3, 2), (3, 2, 2), (n, 2)),
        logistic: ((4,), (n, 4), (n,)),
        layers: ((4, 3), (3, 5), (n, 4)),
        normalised: ((n, 3),),
    }


def arrays(f: Callable[..., Any], n: int) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    return [rng.normal(size=shape) for shape in shapes(n)[f]]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Built]:
    found: list[Built] = []
    original = Built._result

    def noting(self: Built, inputs: Any, args: Any, kwargs: Any) -> Any:
        found.append(self)
        return original(self, inputs, args, kwargs)

    monkeypatch.setattr(Built, "_result", noting)
    return found


@pytest.mark.parametrize("f", list(shapes(1)), ids=lambda f: f.__name__)
def test_every_number_of_items(f: Callable[..., Any], built: list[Built]) -> None:
    derivative = f is not normalised
    run = wg.value_and_grad(f, backend="python") if derivative else wg.jit(f, backend="python")
    sizes = [1, ITEMS - 1, ITEMS, ITEMS + 1, 2 * ITEMS + 5]
    programs: dict[int, Program] = {}
    for n in sizes:
        values = arrays(f, n)
        wanted = run(*values)
        wanted = [wanted] if not isinstance(wanted, tuple) else list(wanted)
        mine = built[-1]
        program = programs.setdefault(id(mine), lowered(mine.captured.function))
        found = nest_interpreter.run(program, *values)
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("f", list(shapes(1)), ids=lambda f: f.__name__)
def test_machine_code(f: Callable[..., Any]) -> None:
    transform = wg.jit if f is normalised else wg.value_and_grad
    native, python = transform(f, backend="native"), transform(f, backend="python")
    for n in (1, 2, ITEMS - 1, ITEMS, ITEMS + 1, 3 * ITEMS + 7):
        values = arrays(f, n)
        one, other = native(*values), python(*values)
        if f is normalised:
            one, other = (one,), (other,)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("f", [clusters, mixture, layers], ids=lambda f: f.__name__)
def test_memory_does_not_grow_with_the_items(f: Callable[..., Any], built: list[Built]) -> None:
    run = wg.value_and_grad(f, backend="python")
    run(*arrays(f, 50))
    run(*arrays(f, 60))
    program = lowered(built[-1].captured.function)
    inputs = [p for p in program.inputs if isinstance(p, Buffer)]
    items = str(inputs[-1].shape[0])
    assert not items.isdigit(), "one program for every number of items"
    for buffer in program.locals:
        assert items not in map(str, buffer.shape), f"{buffer.name} has a row for each item"


def softened(x):
    top = np.max(x)
    weights = np.exp(x - top)
    return weights / np.sum(weights), np.sum(weights * weights)


def test_results_take_the_memory_of_what_they_are_made_of(built: list[Built]) -> None:
    x = np.random.default_rng(1).normal(size=1000)
    shares, _ = wg.jit(softened, backend="native")(x)
    assert np.allclose(shares, np.exp(x) / np.sum(np.exp(x)))
    program = lowered(built[-1].captured.function)
    assert not [b for b in program.locals if b.dtype == "float64"]
    # Where the result is one of the arguments, too.
    given = x.copy()
    wg.jit(lambda x: softened(x)[0], backend="native")(given, out=given)
    assert np.array_equal(given, shares)
