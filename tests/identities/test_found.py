"""Formulas that were once simplified to another value, or without end, or printed as another formula."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from identities.points import distance
from identities.test_random_formulas import SHAPES, random_point, read

import wengert as wg
from wengert.run.reference import evaluate_nodes

FOUND = {
    # a vector was lost between two matrices with both axes in common
    "y @ ((X @ B)*X) @ a": "",
    "sum((X @ B)*X*outer(y, a))": "",
    "sin(X @ a) @ ((C @ X)*(X*X)) @ sigmoid(t*a)": "a",
    "(t*y + t*w) @ ((P @ Y)*(X + Y)) @ (x - 2*a)": "t",
    # a factor counted the rows of an axis that had gone with another factor
    "(y @ Y @ a)^2*a - (y @ Y @ a)*(y @ Y)*a": "",
    "x @ a/(norm(x)*norm(a))": "x",
    "solve(Q @ Q.T + eye(n), x)": "x",
    "(C @ y)*sin(y)*((y + y)*(t*y))": "y",
    # a product with a number was taken for a matrix
    "trace(C)/(1 + trace(C)**2)/(1 + trace(t*C)**2)": "C",
    "(a @ X.T) - 2*(y - 2*y) + trace(C)*(t*y)": "t",
    # two identity matrices on the same two axes
    "trace((X @ Y.T)*diag(y))": "X",
    "trace(diag(y)*outer(y, y))": "y",
    "trace(diag(a) + diag(a))": "a",
    "trace(diag(x) @ diag(x))": "x",
    "(diag(y)*diag(w)) @ sum(P*P, axis=1)": "y",
    "trace(1/(1 + diag(y)**2))": "y",
}


LIMIT = 2.0  # seconds of processor time; each takes a few hundredths


@contextmanager
def limited() -> Iterator[None]:
    """Fail rather than go on without end."""

    def stop(*_: object) -> None:
        pytest.fail(f"not done within {LIMIT} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("text", FOUND)
def test_simplified_again_and_again_it_stays_equal(text: str, rng: np.random.Generator) -> None:
    formula = read(text)
    by = FOUND[text]
    expr = wg.diff(formula, by, simplify=False) if by else formula
    point = random_point(rng)
    sized = [read(f"sum({name})") for name in SHAPES]  # they tell the sizes of all axes
    want = evaluate_nodes([*sized, expr], point)[-1]
    for _ in range(3):
        with limited():
            expr = wg.simplify(expr)
        assert distance(evaluate_nodes([*sized, expr], point)[-1], want) < 1e-11, str(expr)


@pytest.mark.parametrize(
    "text",
    [
        "outer(w, solve(C @ C.T + eye(m), w) @ Y)",  # read back with another value
        "outer(w, solve(C @ C.T + eye(m), w)*y)",
        "diag(solve(C @ C.T + eye(m), w)) @ X",
    ],
)
def test_solutions_for_many_columns_read_back(text: str, rng: np.random.Generator) -> None:
    derivative = wg.diff(read(text), "w", simplify=False)
    point = random_point(rng)
    sized = [read(f"sum({name})") for name in SHAPES]
    again = read(str(derivative))
    want, got = evaluate_nodes([*sized, derivative, again], point)[-2:]
    assert distance(got, want) < 1e-11, str(derivative)
