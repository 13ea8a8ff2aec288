"""The stability pass keeps derivatives finite and right where the textbook spelling fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from problems.unstable import UNSTABLE_CASES, UnstableCase

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.frontend.parse import parse
from wengert.ir.node import Expr
from wengert.ir.walk import leaves
from wengert.ops.leaves import ONE
from wengert.rewrite.simplify import stabilise
from wengert.run.reference import evaluate

every_case = pytest.mark.parametrize("case", UNSTABLE_CASES, ids=lambda c: c.name)


def read(case: UnstableCase) -> tuple[Expr, Expr]:
    shape = np.shape(case.at)
    formula = parse(case.formula, **({"x": shape} if shape else {}))
    (x,) = [s for s in leaves([formula]) if s.op.free]
    return formula, x


def assert_right(got: Any, truth: Any) -> None:
    got, truth = np.asarray(got, float), np.asarray(truth, float)
    assert np.all(np.isfinite(got)), got
    np.testing.assert_allclose(got, truth, rtol=1e-6, atol=0.0 if np.any(truth) else 1e-12)


@every_case
def test_reverse(case: UnstableCase) -> None:
    formula, x = read(case)
    gradient = vjp([stabilise(formula)], [ONE], [x])[0]
    assert gradient is not None
    assert_right(evaluate(stabilise(gradient), {"x": case.at}), case.truth)


@every_case
def test_forward(case: UnstableCase) -> None:
    formula, x = read(case)
    if x.shape:
        pytest.skip("one direction at a time")
    change = jvp([stabilise(formula)], {x: ONE})[0]
    assert change is not None
    assert_right(evaluate(stabilise(change), {"x": case.at}), case.truth)


def test_most_cases_fail_without_it() -> None:
    """So that these tests test something."""
    failures = 0
    for case in UNSTABLE_CASES:
        formula, x = read(case)
        gradient = vjp([formula], [ONE], [x])[0]
        try:
            assert_right(evaluate(gradient, {"x": case.at}), case.truth)
        except AssertionError:
            failures += 1
    assert failures >= 10


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("log(1 + exp(x))", "softplus(x)"),
        ("1/(1 + exp(-x))", "sigmoid(x)"),
        ("log(exp(x) + exp(y))", "logaddexp(x, y)"),
        ("exp(x) - 1", "expm1(x)"),
        ("log(1 + x)", "log1p(x)"),
        ("log(1 - exp(x))", "log(-expm1(x))"),
        ("sqrt(x**2 + y**2)", "hypot(x, y)"),
        ("1 - cos(x)", "2*sin(x/2)**2"),
        ("sin(3*x)/x", "3*usinc(3*x)"),
        ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "tanh(x)"),
        ("1 - tanh(x)**2", "1/cosh(x)**2"),
        ("x**2*log(x)", "xlogy(x**2, x)"),
        ("exp(-x**2)/erfc(x)", "1/erfcx(x)"),
        ("x + y*sin(x) - 3*(x + y)", "x + sin(x)*y - 3*(x + y)"),
        ("sin(x)**2 + cos(x)**2", "cos(x)**2 + sin(x)**2"),
    ],
)
def test_forms(before: str, after: str) -> None:
    """What has a safe form gets it; what has none keeps its very node."""
    assert stabilise(parse(before)) is parse(after)
