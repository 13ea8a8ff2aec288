"""Loop nests mean what the graph means: the tests' programs and their derivatives, run nest by nest."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any  # Any: programs take and return whatever ordinary code does
from zlib import crc32

import nest_interpreter
import numpy as np
import pytest
from programs.corpus import PROGRAMS, Program
from programs.judging import Projection

import wengert as wg
from wengert.ir.function import Function
from wengert.lower.lowering import lowered
from wengert.lower.nest import Unsupported
from wengert.ops.matrix_exponential import expm
from wengert.programs.transformed import Built

MOST_STATEMENTS = 400_000  # the interpreter does some 100,000 in a second


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Built, list[Any]]]:
    """What is run while a test calls compiled programs: the graph and the values of its inputs."""
    runs: list[tuple[Built, list[Any]]] = []
    original = Built._result

    def noting(self: Built, inputs: Any, args: Any, kwargs: Any) -> Any:
        runs.append((self, copy.deepcopy(list(inputs))))
        return original(self, inputs, args, kwargs)

    monkeypatch.setattr(Built, "_result", noting)
    return runs


def judged(runs: list[tuple[Built, list[Any]]]) -> Iterator[str]:
    """How each run differs as loop nests; empty where it does not, "unsupported" where it has none."""
    for built, values in runs:
        try:
            program = lowered(built.captured.function)
        except Unsupported:
            yield "unsupported"
            continue
        wanted = built.run(copy.deepcopy(values))
        try:
            found = nest_interpreter.run(program, *values, most=MOST_STATEMENTS)
        except nest_interpreter.TooLong:
            yield "unsupported"
            continue
        for one, other in zip(found, wanted, strict=True):
            if np.shape(one) != np.shape(other):
                yield f"shape {np.shape(one)} for {np.shape(other)}"
            if not np.allclose(one, other, rtol=1e-8, atol=1e-10, equal_nan=True):
                yield f"{one!r} for {other!r}"
        yield ""


def calls(program: Program, transform: str) -> Callable[..., object]:
    args = program.inputs()[0]
    if transform == "jit":
        return lambda: wg.jit(program.function)(*args)
    rng = np.random.default_rng(crc32(program.name.encode()))
    projection = Projection(program.function, args, program.wrt, rng)
    return lambda: wg.grad(projection.function, argnums=program.wrt)(*args)


SMOOTH = [p for p in PROGRAMS.values() if p.wrt]


@pytest.mark.parametrize("transform", ["jit", "grad"])
def test_programs_mean_the_same_as_loop_nests(
    transform: str, recorded: list[tuple[Built, list[Any]]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chosen = list(islice(SMOOTH, 0, None, 3))
        for program in chosen:
            try:
                calls(program, transform)()
            except wg.WengertError:
                continue
        found = list(judged(recorded))
    different = [words for words in found if words not in ("", "unsupported")]
    assert not different
    assert found.count("") > len(chosen) / 2


def pairs(x, y):
    return np.tanh(x) * np.exp(-y), np.sum(np.tanh(x) * np.exp(-y)), np.max(x - y)


def matrices(a, b):
    c = a @ b
    c[0] += b[:, 1]
    return c, c.sum(axis=0), c.sum(axis=1), c.T[1:, ::-1], np.trace(c @ a)


def shifted_in_place(x):
    y = x.copy()
    y[1:] += y[:-1]
    y[::2] = y[::-2]
    return y


def swapped(x):
    y = x.copy()
    for i in range(len(y) // 2):
        y[i], y[-1 - i] = y[-1 - i], y[i]
    return y


def sorted_by_insertion(x):
    a = x.copy()
    for i in range(1, len(a)):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return a


def two_that_need_each_other(x, v):
    for _ in range(5):
        x, v = x + 0.1 * v, v - 0.1 * x
    return x, v


def chosen_arrays(x, t):
    y = np.where(x > t, x, 0.0) if t > 0 else x[::-1].copy()
    return np.concatenate([y, x]), np.stack([x, y])


X = np.linspace(-1.0, 2.0, 12)
A = np.random.default_rng(3).normal(size=(10, 10))


@pytest.mark.parametrize(
    ("function", "args"),
    [(pairs, (X, X[::-1].copy())), (matrices, (A, A.T.copy())), (shifted_in_place, (X,)), (swapped, (X,)),
     (sorted_by_insertion, (np.sin(9 * X),)), (two_that_need_each_other, (X, X**2)),
     (chosen_arrays, (X, 0.5)), (chosen_arrays, (X, -0.5))],
)  # fmt: skip
def test_arrays(
    function: Callable[..., Any], args: tuple[Any, ...], recorded: list[tuple[Built, list[Any]]]
) -> None:
    wg.jit(function)(*args)
    assert list(judged(recorded)) == [""]


def test_what_has_no_lowering_is_named() -> None:
    matrix = wg.symbol("A", (3, 3))
    with pytest.raises(Unsupported, match="`expm`"):
        lowered(Function((matrix,), (expm(matrix),)))


@pytest.mark.parametrize("extents", [(), (12,)])
def test_long_chains(extents: tuple[int, ...]) -> None:
    x, y = wg.symbol("x", extents), wg.symbol("y", extents)
    chain = x
    for k in range(1500):
        chain = chain * y + (k + 1) / 7919
    program = lowered(Function((x, y), (chain,)))
    given = np.full(extents, 0.5)
    (found,) = nest_interpreter.run(program, given, given)
    assert np.allclose(found, chain.evaluate(x=given, y=given))


def log_determinant(a):
    a = a.copy()
    n = a.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            a[i, k] /= a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= a[i, k] * a[k, j]
    total = 0.0
    for k in range(n):
        total += np.log(abs(a[k, k]))
    return total


def test_the_derivative_of_a_factorization_in_place_copies_no_array_in_its_inner_loops(
    recorded: list[tuple[Built, list[Any]]],
) -> None:
    n = 24
    given = np.eye(n) * n + np.outer(np.arange(n), np.arange(n)) / n**2
    found = wg.grad(log_determinant)(given)
    assert np.allclose(found, np.linalg.inv(given).T)
    ((built, values),) = recorded
    # A whole copy for each of the n^2/2 rows that are eliminated would be n^4/2 statements more.
    (again,) = nest_interpreter.run(lowered(built.captured.function), *values, most=14 * n**3)
    assert np.allclose(again, found)
