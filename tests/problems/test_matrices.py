"""Derivatives of matrix formulas: right, in matrix notation, and no longer than people write them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from problems.matrices import MATRIX_PROBLEMS, SHAPES, SIZES, MatrixProblem
from problems.tokens import tokens

from wengert.diff.formulas import diff
from wengert.frontend.parse import parse
from wengert.ir.node import Expr
from wengert.ir.walk import leaves
from wengert.rewrite.cost import token_cost
from wengert.rewrite.simplify import simplify
from wengert.run.reference import evaluate_nodes

ASSUMED = {"S": "pd", "lam": "positive", "d": "positive"}

every_problem = pytest.mark.parametrize("problem", MATRIX_PROBLEMS, ids=lambda p: p.name)


def read(text: str) -> Expr:
    """The formula, with the shapes and assumptions of its symbols."""
    names = set(re.findall(r"(?<!\.)\b[A-Za-z]+", text))
    assume = {k: v for k, v in ASSUMED.items() if k in names}
    return parse(text, assume=assume or None, **{k: v for k, v in SHAPES.items() if k in names})


def derivative(problem: MatrixProblem, formula: Expr, *, simplify: bool = True) -> Expr:
    result: Expr = diff(formula, *[problem.wrt] * problem.order, simplify=simplify)
    return result


def draw(rng: np.random.Generator) -> dict[str, Any]:
    """Values for all symbols; S positive definite, y above X @ w."""
    point = {k: rng.uniform(0.2, 1.5, [SIZES[a] for a in s]) for k, s in SHAPES.items()}
    point["S"] = point["S"] @ point["S"].T + np.eye(SIZES["n"])
    point["A"] = point["A"] + 2 * np.eye(SIZES["n"])
    point["y"] = point["y"] + 8
    return point


def values(formula: Expr, results: list[Expr], point: dict[str, Any]) -> list[Any]:
    """Values of the results; the formula tells the extents that they may have lost."""
    names = {s.attr.name for s in leaves([formula]) if s.op.free}
    return evaluate_nodes([formula, *results], {k: v for k, v in point.items() if k in names})[1:]


@every_problem
def test_the_derivative_is_right(problem: MatrixProblem, rng: np.random.Generator) -> None:
    """Against central differences of the formula for first derivatives, else of the first derivative."""
    formula = read(problem.formula)
    lower = formula
    if problem.order == 2:
        lower = diff(formula, problem.wrt, simplify=False)
    result = derivative(problem, formula)
    point = draw(rng)
    (got,) = values(formula, [result], point)
    want = _differences(formula, lower, problem.wrt, point)
    assert np.shape(got) == want.shape
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=2e-6 * max(1.0, np.abs(want).max()))


def _differences(formula: Expr, lower: Expr, wrt: str, point: dict[str, Any]) -> np.ndarray:
    base = np.asarray(point[wrt], float)
    columns = []
    for index in np.ndindex(base.shape):
        step = np.zeros_like(base)
        step[index] = 1e-5
        up = values(formula, [lower], {**point, wrt: base + step})[0]
        down = values(formula, [lower], {**point, wrt: base - step})[0]
        columns.append((np.asarray(up) - np.asarray(down)) / 2e-5)
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *base.shape)


@every_problem
def test_matrix_notation(problem: MatrixProblem) -> None:
    result = derivative(problem, read(problem.formula))
    assert result.ndim > 2 or "einsum" not in str(result)
    assert tokens(result) <= tokens(problem.human), f"{result} for {problem.human}"


@every_problem
def test_the_human_form_has_the_same_value(
    problem: MatrixProblem, rng: np.random.Generator
) -> None:
    """So that the length is compared with a right answer."""
    formula = read(problem.formula)
    result, human = derivative(problem, formula), read(problem.human)
    got, want = values(formula, [result, human], draw(rng))
    np.testing.assert_allclose(np.broadcast_to(want, np.shape(got)), got, rtol=1e-8, atol=1e-10)


@every_problem
def test_twice_is_once(problem: MatrixProblem) -> None:
    result = derivative(problem, read(problem.formula))
    assert simplify(result, keep_conditions=False) is result


def test_the_cost_model_is_near() -> None:
    """Transposes may be written in another place than the model thinks, hence a token of slack."""
    for problem in MATRIX_PROBLEMS:
        result = derivative(problem, read(problem.formula))
        assert abs(token_cost(result) - tokens(result)) <= 1, str(result)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("least squares", "2*X.T @ (X @ w - y)"),
        ("logistic regression", "X.T @ (sigmoid(X @ w) - y)"),
        ("Gauss, covariance", "inv(S) - outer(inv(S) @ (x - mu), inv(S) @ (x - mu))"),
        ("factorisation by V", "2*(U @ V.T - Y).T @ U"),
        ("logsumexp Hessian", "diag(softmax(x)) - outer(softmax(x), softmax(x))"),
        ("distance", "(x - c)/norm(x - c)"),
        ("rectifier", "X.T @ heaviside(X @ w)"),
        ("trace of inv(A) B", "-(inv(A) @ B @ inv(A)).T"),
        ("softmax regression", "X.T @ (softmax(X @ W, axis=1) - T)"),
    ],
)
def test_results_read_as_people_write_them(name: str, text: str) -> None:
    (problem,) = [p for p in MATRIX_PROBLEMS if p.name == name]
    assert derivative(problem, read(problem.formula)) is read(text)
