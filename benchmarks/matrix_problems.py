"""Does a derivative of a matrix formula read as a person would write it, and is it there at once?

44 problems of statistics, optimisation and machine learning. A result is right if it equals differences
of the formula in NumPy at a random point. Beside it stands what a person would write; tokens are names,
numbers and operators. The first time is the first parse, differentiation and simplification, with other
formulas seen before; the second repeats it.
"""

# ruff: noqa: PLW0108  the parameters of a lambda tell which symbols a formula has

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from time import process_time
from typing import Any

import numpy as np
from scipy.special import logsumexp, softmax

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from identities.points import called, differences, distance, random_point
from identities.table import Identity

import wengert as wg
from wengert.run.reference import evaluate_nodes

TARGET = 2e-3  # seconds, for the median of the first times
ROUNDS = 5
TOLERANCE = 1e-7  # differences of second order lose about eight digits of sixteen
TOKEN = re.compile(r"[A-Za-z_][\w.]*|\d+\.?\d*(?:e-?\d+)?|\*\*|[-+*/@,]")

SHAPES = {
    "X": "mn", "w": "n", "y": "m", "A": "nn", "B": "nn", "S": "nn", "x": "n", "c": "n", "u": "m",
    "mu": "n", "U": "mk", "V": "nk", "Y": "mn", "W": "nk", "v": "k", "T": "mk", "d": "m",
}  # fmt: skip
ASSUMED = {"S": "pd", "d": "positive", "lam": "positive"}
PROBLEMS: list[Identity] = []


def _problem(name: str, formula: str, wrt: str, human: str, value: Any, **draw: str) -> None:
    names = value.__code__.co_varnames[: value.__code__.co_argcount]
    PROBLEMS.append(
        Identity(
            name,
            formula,
            {n: SHAPES[n] for n in names if n in SHAPES},
            tuple(wrt.split()),
            value,
            lambda: None,
            human,
            {n: ASSUMED[n] for n in names if n in ASSUMED},
            draw,
        )
    )


inv, det, tr, norm, exp, log = (
    np.linalg.inv,
    np.linalg.det,
    np.trace,
    np.linalg.norm,
    np.exp,
    np.log,
)


def _logdet(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


# fmt: off
# One problem is to be read as one row: name, formula, symbol, as a person writes it; the formula in NumPy.
_SQUARES = "(X @ w - y) @ (X @ w - y)"
_problem("least squares", _SQUARES, "w", "2*X.T @ (X @ w - y)", lambda X, w, y: (X @ w - y) @ (X @ w - y))
_problem("least squares, by X", _SQUARES, "X", "2*outer(X @ w - y, w)",
         lambda X, w, y: (X @ w - y) @ (X @ w - y))
_problem("least squares, second", _SQUARES, "w w", "2*X.T @ X", lambda X, w, y: (X @ w - y) @ (X @ w - y))
_LOGISTIC = "sum(log(1 + exp(X @ w))) - y @ (X @ w)"
_problem("logistic", _LOGISTIC, "w", "X.T @ (sigmoid(X @ w) - y)",
         lambda X, w, y: np.sum(log(1 + exp(X @ w))) - y @ (X @ w))
_problem("logistic, second", _LOGISTIC, "w w", "X.T @ diag(sigmoid(X @ w)*sigmoid(-X @ w)) @ X",
         lambda X, w, y: np.sum(log(1 + exp(X @ w))) - y @ (X @ w))
_problem("ridge", "(X @ w - y) @ (X @ w - y) + lam*(w @ w)", "w", "2*(X.T @ (X @ w - y) + lam*w)",
         lambda X, w, y, lam: (X @ w - y) @ (X @ w - y) + lam * (w @ w))
_problem("quadratic form", "x @ (A @ x)", "x", "(A + A.T) @ x", lambda x, A: x @ A @ x)
_problem("quadratic form, second", "x @ (A @ x)", "x x", "A + A.T", lambda x, A: x @ A @ x)
_problem("symmetric form", "x @ (S @ x)", "x", "2*S @ x", lambda x, S: x @ S @ x)
_problem("trace of a product", "trace(A @ B @ S @ A)", "B", "A.T @ A.T @ S",
         lambda A, B, S: tr(A @ B @ S @ A))
_problem("trace of a congruence", "trace(X @ A @ X.T)", "X", "X @ (A + A.T)", lambda X, A: tr(X @ A @ X.T))
_problem("log-determinant", "logdet(A)", "A", "inv(A).T", lambda A: _logdet(A))
_problem("determinant", "det(A)", "A", "det(A)*inv(A).T", lambda A: det(A))
_GAUSS = "logdet(S) + (x - mu) @ (inv(S) @ (x - mu))"
_problem("Gauss, covariance", _GAUSS, "S", "inv(S) - outer(inv(S) @ (x - mu), inv(S) @ (x - mu))",
         lambda S, x, mu: _logdet(S) + (x - mu) @ inv(S) @ (x - mu))
_problem("Gauss, mean", _GAUSS, "mu", "-2*inv(S) @ (x - mu)",
         lambda S, x, mu: _logdet(S) + (x - mu) @ inv(S) @ (x - mu))
_problem("factorisation, left", "sum((Y - U @ V.T)^2)", "U", "2*(U @ V.T - Y) @ V",
         lambda Y, U, V: np.sum((Y - U @ V.T) ** 2))
_problem("factorisation, right", "sum((Y - U @ V.T)^2)", "V", "2*(U @ V.T - Y).T @ U",
         lambda Y, U, V: np.sum((Y - U @ V.T) ** 2))
_problem("Frobenius norm", "sqrt(sum(A**2))", "A", "A/norm(A)", lambda A: norm(A))
_problem("form in the inverse", "x @ (inv(A) @ c)", "A", "-outer(inv(A).T @ x, inv(A) @ c)",
         lambda x, A, c: x @ inv(A) @ c)
_problem("log-determinant, Gram", "logdet(X.T @ X)", "X", "2*X @ inv(X.T @ X)", lambda X: _logdet(X.T @ X))
_problem("softmax", "softmax(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))",
         lambda x: softmax(x))
_problem("log-sum-exp", "logsumexp(x)", "x", "softmax(x)", lambda x: logsumexp(x))
_problem("log-sum-exp, spelled out", "log(sum(exp(x)))", "x", "softmax(x)", lambda x: log(np.sum(exp(x))))
_problem("log-sum-exp, second", "logsumexp(x)", "x x", "diag(softmax(x)) - outer(softmax(x), softmax(x))",
         lambda x: logsumexp(x))
_problem("bilinear form", "u @ (X @ w)", "X", "outer(u, w)", lambda u, X, w: u @ X @ w)
_problem("radial basis, second", "exp(-(x @ x)/2)", "x x", "exp(-x @ x/2)*(outer(x, x) - eye(n))",
         lambda x: exp(-(x @ x) / 2))
_NETWORK = "(tanh(X @ W) @ v - y) @ (tanh(X @ W) @ v - y)"
_problem("network, inner", _NETWORK, "W", "2*X.T @ (outer(tanh(X @ W) @ v - y, v)*(1 - tanh(X @ W)**2))",
         lambda X, W, v, y: np.sum((np.tanh(X @ W) @ v - y) ** 2))
_problem("network, outer", _NETWORK, "v", "2*tanh(X @ W).T @ (tanh(X @ W) @ v - y)",
         lambda X, W, v, y: np.sum((np.tanh(X @ W) @ v - y) ** 2))
_problem("softmax regression", "sum(logsumexp(X @ W, axis=1)) - sum(T*(X @ W))", "W",
         "X.T @ (softmax(X @ W, axis=1) - T)",
         lambda X, W, T: np.sum(logsumexp(X @ W, axis=1)) - np.sum(T * (X @ W)))
_problem("distance", "sqrt((x - c) @ (x - c))", "x", "(x - c)/norm(x - c)", lambda x, c: norm(x - c))
_problem("distance, second", "sqrt((x - c) @ (x - c))", "x x",
         "(eye(n) - outer(x - c, x - c)/norm(x - c)**2)/norm(x - c)", lambda x, c: norm(x - c))
_problem("unit vector", "x/sqrt(x @ x)", "x", "(eye(n) - outer(x, x)/norm(x)**2)/norm(x)",
         lambda x: x / norm(x))
_problem("trace with inverse", "trace(inv(A) @ B)", "A", "-(inv(A) @ B @ inv(A)).T",
         lambda A, B: tr(inv(A) @ B))
_problem("cosine", "x @ c/(sqrt(x @ x)*sqrt(c @ c))", "x", "(c - x*(x @ c)/norm(x)**2)/(norm(x)*norm(c))",
         lambda x, c: x @ c / (norm(x) * norm(c)))
_problem("hinge", "sum(maximum(X @ w, 0))", "w", "X.T @ where(X @ w > 0, 1, 0)",
         lambda X, w: np.sum(np.maximum(X @ w, 0)))
_problem("Poisson", "sum(exp(X @ w)) - y @ (X @ w)", "w", "X.T @ (exp(X @ w) - y)",
         lambda X, w, y: np.sum(exp(X @ w)) - y @ X @ w)
_problem("Poisson, second", "sum(exp(X @ w)) - y @ (X @ w)", "w w", "X.T @ diag(exp(X @ w)) @ X",
         lambda X, w, y: np.sum(exp(X @ w)) - y @ X @ w)
_problem("barrier", "-sum(log(y - X @ w))", "w", "X.T @ (1/(y - X @ w))",
         lambda y, X, w: -np.sum(log(y - X @ w)), y="large")
_problem("barrier, second", "-sum(log(y - X @ w))", "w w", "X.T @ diag(1/(y - X @ w)**2) @ X",
         lambda y, X, w: -np.sum(log(y - X @ w)), y="large")
_WEIGHTED = "(X @ w - y) @ (d*(X @ w - y))"
_problem("weighted", _WEIGHTED, "w", "2*X.T @ (d*(X @ w - y))",
         lambda X, w, y, d: (X @ w - y) @ (d * (X @ w - y)))
_problem("weighted, second", _WEIGHTED, "w w", "2*X.T @ diag(d) @ X",
         lambda X, w, y, d: (X @ w - y) @ (d * (X @ w - y)))
_problem("trace of the identity", "trace(inv(A) @ A)", "A", "zeros(n, n)", lambda A: tr(inv(A) @ A))
_problem("entropy", "sum(x*log(x))", "x", "log(x) + 1", lambda x: np.sum(x * log(x)), x="positive")
_problem("smooth absolute", "sum(sqrt(1 + (X @ w - y)^2))", "w",
         "X.T @ ((X @ w - y)/sqrt(1 + (X @ w - y)**2))",
         lambda X, w, y: np.sum(np.sqrt(1 + (X @ w - y) ** 2)))
# fmt: on


def tokens(text: str) -> int:
    """Names, numbers and operators of a text."""
    return len(TOKEN.findall(text))


def derive(problem: Identity) -> tuple[Any, Any, str, float]:
    """Formula, derivative and text, and the seconds taken."""
    start = process_time()
    formula = wg.parse(problem.formula, assume=dict(problem.assume) or None, **problem.declared)
    result = wg.diff(formula, *problem.wrt)
    text = str(result)
    return formula, result, text, process_time() - start


def is_right(problem: Identity, formula: Any, result: Any) -> bool:
    """Whether the derivative equals differences of the NumPy formula."""
    point = random_point(problem, np.random.default_rng(44))
    want = differences(lambda p: called(problem.value, p), point, problem.wrt)
    return distance(evaluate_nodes([formula, result], point)[1], want) < TOLERANCE


def main() -> int:
    """Print every problem and a summary; fails if one is wrong or not in matrix notation."""
    derive(replace(PROBLEMS[0], formula="norm(X @ w - y) + sum(exp(w))"))
    right = plain = 0
    ours: list[int] = []
    theirs: list[int] = []
    first: list[float] = []
    again: list[float] = []
    for problem in PROBLEMS:
        try:
            formula, result, text, seconds = derive(problem)
        except Exception as error:  # shown, and counted as not right
            print(f"{problem.name}: {type(error).__name__} {str(error).splitlines()[0]}")
            continue
        good, matrix = is_right(problem, formula, result), "einsum" not in text
        right, plain = right + good, plain + matrix
        ours.append(tokens(text))
        theirs.append(tokens(problem.human))
        first.append(seconds)
        again.append(median(derive(problem)[-1] for _ in range(ROUNDS)))
        verdict = ("right" if good else "WRONG") + ("" if matrix else ", einsum")
        print(
            f"{problem.name}: {verdict}, {1e3 * seconds:.2f} ms, {ours[-1]} tokens ({theirs[-1]})"
        )
        print(f"    {text}")
        if text != problem.human:
            print(f"    {problem.human}   as a person writes it")
    count = len(PROBLEMS)
    taken = 1e3 * median(first or [np.nan])
    print(
        f"\n{right} of {count} right, {plain} of {count} in matrix notation,"
        f" {mean(ours or [0]):.1f} tokens on average (a person {mean(theirs or [0]):.1f}),"
        f" median {taken:.2f} ms at first (target {1e3 * TARGET:g} ms),"
        f" {1e3 * median(again or [np.nan]):.2f} ms again"
    )
    return int(right < count or plain < count)


if __name__ == "__main__":
    sys.exit(main())
