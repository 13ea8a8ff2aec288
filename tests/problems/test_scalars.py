"""Derivatives of textbook formulas: right, and no longer than agreed."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest
from problems.scalars import SCALAR_PROBLEMS, ScalarProblem
from problems.tokens import tokens

from wengert.diff.forward import jvp
from wengert.frontend.parse import parse
from wengert.ir.node import Expr
from wengert.ir.walk import leaves, order
from wengert.ops.leaves import ONE, const
from wengert.rewrite.cost import token_cost
from wengert.rewrite.simplify import recognise, simplify
from wengert.run.reference import evaluate

LONGEST = 500  # tokens of all results together
POINTS = 4

every_problem = pytest.mark.parametrize("problem", SCALAR_PROBLEMS, ids=lambda p: p.name)

# The formulas once more in mpmath, so that no truth rests on wengert.
_NAMES = "exp log sqrt sin cos tan sinh cosh tanh asin atan erf gamma digamma pi"
MP = {name: getattr(mp, name) for name in _NAMES.split()}
MP |= {"lgamma": mp.loggamma, "abs": abs}


def derivative(problem: ScalarProblem) -> tuple[Expr, Expr]:
    """The formula and its simplified derivative."""
    formula = parse(problem.formula)
    (wrt,) = [s for s in leaves([formula]) if s.op.free and s.attr.name == problem.wrt]
    result = recognise(formula)
    for _ in range(problem.order):
        change = jvp([result], {wrt: ONE})[0]
        result = const(0) if change is None else change
    return formula, simplify(result, keep_conditions=False)


def truth(problem: ScalarProblem, point: dict[str, float]) -> float:
    """The derivative by differences of 40 digits."""
    code = compile(problem.formula, "<formula>", "eval")

    def value(t: Any) -> Any:
        return eval(code, {}, {**MP, **point, problem.wrt: t})

    with mp.workdps(40):
        return float(mp.diff(value, mp.mpf(point[problem.wrt]), problem.order))


def value_at(expr: Expr, point: dict[str, float]) -> Any:
    names = {s.attr.name for s in leaves([expr]) if s.op.free}
    return evaluate(expr, {k: v for k, v in point.items() if k in names})


@every_problem
def test_the_derivative_is_right(problem: ScalarProblem, rng: np.random.Generator) -> None:
    _, result = derivative(problem)
    for _ in range(POINTS):
        point = {n: float(rng.uniform(*problem.domain.get(n, (0.3, 2.0)))) for n in "xyab"}
        assert value_at(result, point) == pytest.approx(truth(problem, point), rel=1e-9, abs=1e-12)


@every_problem
def test_the_text_means_the_result(problem: ScalarProblem) -> None:
    _, result = derivative(problem)
    assert parse(str(result)) is result


@every_problem
def test_twice_is_once(problem: ScalarProblem) -> None:
    _, result = derivative(problem)
    assert simplify(result, keep_conditions=False) is result


@every_problem
def test_the_cost_model_counts_what_is_written(problem: ScalarProblem) -> None:
    formula, result = derivative(problem)
    assert token_cost(result) == tokens(result)
    assert token_cost(formula) == tokens(formula)


def test_together_they_are_short() -> None:
    assert sum(tokens(derivative(p)[1]) for p in SCALAR_PROBLEMS) <= LONGEST


def test_levels_only_get_shorter() -> None:
    def total(level: int) -> int:
        return sum(
            tokens(simplify(derivative(p)[0], level=level, keep_conditions=False))
            for p in SCALAR_PROBLEMS
        )

    assert total(2) <= total(1) <= sum(tokens(p.formula) for p in SCALAR_PROBLEMS) + 20


@pytest.mark.parametrize(
    ("name", "human"),
    [
        ("BCE", "sigmoid(x) - y"),
        ("softplus 2nd", "sigmoid(-x)*sigmoid(x)"),
        ("x^3 quotient 2nd", "2*x*(3 - x**2)/(x**2 + 1)**3"),
        ("|x|^3", "3*x*abs(x)"),
        ("x/(1+|x|)", "1/(abs(x) + 1)**2"),
        ("sinh cosh", "cosh(2*x)"),
        ("log(x^2)", "2/x"),
        ("tan 2nd", "2*tan(x)/cos(x)**2"),
        ("log cosh", "tanh(x)"),
        ("x asin x+sqrt(1-x^2)", "asin(x)"),
        ("sec", "tan(x)/cos(x)"),
        ("sin^2", "sin(2*x)"),
        ("atanh form", "1/(1 - x**2)"),
        ("x^x", "x**x*(log(x) + 1)"),
        ("e^x/(e^x+e^y)", "sigmoid(x - y)*sigmoid(y - x)"),
    ],
)
def test_results_read_as_people_write_them(name: str, human: str) -> None:
    (problem,) = [p for p in SCALAR_PROBLEMS if p.name == name]
    assert derivative(problem)[1] is parse(human)


def test_derivatives_of_high_order_stay_small() -> None:
    """The text may grow with the order, the graph must not grow with the text."""
    formula = parse("exp(sin(x))")
    (x,) = [s for s in leaves([formula]) if s.op.free]
    result = formula
    for _ in range(10):
        change = jvp([result], {x: ONE})[0]
        assert change is not None
        result = change
    assert len(order([simplify(result, keep_conditions=False)])) < 2000
