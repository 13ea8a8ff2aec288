"""The MATLAB dialect, against NumPy with columns as arrays of two axes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import wengert as wg

_rng = np.random.default_rng(11)
VALUES: dict[str, Any] = {
    "A": _rng.uniform(0.5, 2, (3, 4)), "B": _rng.uniform(0.5, 2, (4, 2)), "C": _rng.uniform(0.5, 2, (3, 4)),
    "S": np.diag([2.0, 3.0, 4.0]) + 0.3, "x": _rng.uniform(0.5, 2, 4), "u": _rng.uniform(0.5, 2, 4),
    "y": _rng.uniform(0.5, 2, 3), "c": 0.8, "d": 1.7,
}  # fmt: skip
SHAPES: dict[str, Any] = {
    "A": ("m", "n"), "B": ("n", "p"), "C": ("m", "n"), "S": ("m", "m"), "x": "n", "u": "n", "y": "m",
    "c": (), "d": (),
}  # fmt: skip

# On the right-hand side x, u and y have shape (k, 1); a result is compared without axes of extent 1.
MEANINGS: list[tuple[str, str]] = [
    # products
    ("A*x", "A @ x"),
    ("A*x - y", "A @ x - y"),
    ("x'*u", "x.T @ u"),
    ("x*u'", "x @ u.T"),
    ("x*y'*A", "x @ y.T @ A"),
    ("y'*A*x", "y.T @ A @ x"),
    ("x'*x*A", "(x.T @ x)[0, 0]*A"),
    ("A*B", "A @ B"),
    ("A'*A", "A.T @ A"),
    ("A.'*y", "A.T @ y"),
    ("(A*x)'*y", "(A @ x).T @ y"),
    ("(x*y')'", "y @ x.T"),
    ("x''", "x"),
    ("2*A*x*c", "1.6*(A @ x)"),
    ("c*d*x'", "c*d*x.T"),
    ("x'.*u'", "x.T*u.T"),
    ("x'*diag(u)", "x.T*u.T"),
    ("tr(A*C')", "np.trace(A @ C.T)"),
    # element by element
    ("x.*u", "x*u"),
    ("x./u + 2", "x/u + 2"),
    ("2.*x", "2*x"),
    ("2./x", "2/x"),
    ("1.5.*x", "1.5*x"),
    ("x.^2", "x**2"),
    ("2.^x", "2**x"),
    ("x.^2'", "x.T**2"),
    ("A.*C", "A*C"),
    ("A.*y", "A*y"),
    ("A.*x'", "A*x.T"),
    ("y + A", "y + A"),
    ("A - x'", "A - x.T"),
    ("A./y", "A/y"),
    ("y.\\A", "A/y"),
    ("A/c", "A/c"),
    ("c\\x", "x/c"),
    ("exp(x)'*log(u)", "np.exp(x).T @ np.log(u)"),
    ("abs(-x')*u", "x.T @ u"),
    ("max(x, 1)'*u", "np.maximum(x, 1).T @ u"),
    # powers
    ("2^3^2", "(2**3)**2"),
    ("-2^2", "-4"),
    ("2^-c", "2**-c"),
    ("-c^2", "-(c**2)"),
    ("c^2'", "c**2"),
    ("S^2", "S @ S"),
    ("S^3*y", "S @ S @ S @ y"),
    ("S^-1*y", "np.linalg.inv(S) @ y"),
    ("S'^2", "S.T @ S.T"),
    # solving
    ("S\\y", "np.linalg.solve(S, y)"),
    ("y'/S", "y.T @ np.linalg.inv(S)"),
    ("A'/S", "A.T @ np.linalg.inv(S)"),
    ("S\\eye", "np.linalg.inv(S)"),
    ("y'*inv(S)*y", "y.T @ np.linalg.inv(S) @ y"),
    ("log(det(S)) + logdet(S)", "2*np.log(np.linalg.det(S))"),
    # constants that take their size from what they meet
    ("S + c*eye", "S + c*np.eye(3)"),
    ("eye - S", "np.eye(3) - S"),
    ("eye*x", "x"),
    ("eye/2*S", "S/2"),
    ("x + vector(1)", "x + 1"),
    ("x' - vector(2)'", "x.T - 2"),
    ("vector(1)'*x", "x.sum()"),
    ("x'*vector(c)", "c*x.sum()"),
    ("A*vector(1)", "A.sum(axis=1)"),
    ("vector(1)'*A", "A.sum(axis=0)"),
    ("vector(1)'*A*vector(1)", "A.sum()"),
    ("A + matrix(1)", "A + 1"),
    ("S - eye(m)", "S - np.eye(3)"),
    ("A*ones(n, 1)", "A.sum(axis=1)"),
    ("ones(1, m)*A", "A.sum(axis=0)"),
    ("A + ones(m, n)", "A + 1"),
    ("S + ones(m)", "S + 1"),
    ("zeros(n, 1) + x", "x"),
    # functions of arrays
    ("sum(x)", "x.sum()"),
    ("sum(x')", "x.sum()"),
    ("sum(A, 1)", "A.sum(axis=0)"),
    ("sum(A, 1)*x", "A.sum(axis=0) @ x"),
    ("sum(A, 2)'*y", "A.sum(axis=1) @ y"),
    ("sum(A, 'all')", "A.sum()"),
    ("sum(sum(A, 1))", "A.sum()"),
    ("mean(x) + prod(x)", "x.mean() + x.prod()"),
    ("mean(A, 2)", "A.mean(axis=1)"),
    ("var(x) + std(x)^2", "2*x.var(ddof=1)"),
    ("max(x) - min(x)", "x.max() - x.min()"),
    ("norm(x)", "np.linalg.norm(x)"),
    ("norm2(A*x - y)^2", "((A @ x - y)**2).sum()"),
    ("norm1(x) + norm(x, 1)", "2*abs(x).sum()"),
    ("norm(x, inf)", "abs(x).max()"),
    ("norm(A, 'fro')", "np.linalg.norm(A)"),
    ("norm(A, 1)", "np.linalg.norm(A, 1)"),
    ("sum(log(exp(-y.*(A*x)) + vector(1)))", "np.log(np.exp(-y*(A @ x)) + 1).sum()"),
    ("sum(x)/n", "x.mean()"),
    ("sum(x)/numel(x)", "x.mean()"),
    # elements
    ("x(1) + x(4)", "x[0, 0] + x[3, 0]"),
    ("A(1, 2)", "A[0, 1]"),
    ("A(2, :)*x", "A[1] @ x"),
    ("A(:, 1)'*y", "A[:, 0] @ y"),
    # comparisons and logic bind as in MATLAB
    ("where(c > 0 & d < 2, 1, 2)", "1"),
    ("where(c > 1 | d < 1 || c == d, 1, 2)", "2"),
    ("where(c ~= d && ~(c > d), 1, 2)", "1"),
    ("where(c < d | c > d & c > 9, 1, 2)", "1"),
    ("sum(x > u)", "(x > u).sum()"),
    ("c + 1;", "c + 1"),
]


def _columns() -> dict[str, Any]:
    return {k: v[:, None] if np.ndim(v) == 1 else v for k, v in VALUES.items()} | {"m": 3, "n": 4}


@pytest.mark.parametrize(("text", "python"), MEANINGS, ids=[t for t, _ in MEANINGS])
def test_meanings(text: str, python: str) -> None:
    names = set(re.findall(r"\b[A-Za-z]\w*", text.replace("'all'", "").replace("'fro'", "")))
    used = sorted(names & set(SHAPES))
    shapes = {name: SHAPES[name] for name in used}
    if "n" in names and "x" not in used:
        shapes |= {"A": SHAPES["A"]}
    expression = wg.parse(text, dialect="matlab", **shapes)
    value = expression.evaluate(**{name: VALUES[name] for name in used})
    expected = np.squeeze(eval(python, {"np": np}, _columns()))  # the oracle of this test
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-13)


MISTAKES: list[tuple[str, int, str]] = [
    ("x*u", 2, "a column times a column is not defined; try: x'*y, x*y' or x.*y"),
    ("x'*u'", 3, "a row times a row"),
    ("x*A", 2, "a column times a matrix"),
    ("A*x'", 2, "a matrix times a row"),
    ("A*y", 2, "inner extents differ"),
    ("x + u'", 3, "a row beside a column"),
    ("x'*x + x", 0, ""),
    ("x^2", 2, "a power of a vector is not defined; try: x.^2"),
    ("S^c", 2, "a power of a matrix with such an exponent"),
    ("A^2", 2, "inner extents differ"),
    ("2^x", 2, "a power of a vector"),
    ("1/x", 2, "./ for each element"),
    ("x\\y", 2, "a division by something that is no matrix"),
    ("A + eye", 3, "an identity matrix beside an array of shape (m, n)"),
    ("x + eye", 3, "an identity matrix beside"),
    ("eye", 1, "the size of eye"),
    ("inv(eye)", 1, "the size of eye"),
    ("vector(1)*x", 10, "does not follow"),
    ("sum(A)", 1, "try: sum(A, 1) of each column"),
    ("max(A)", 1, "`max` of a matrix"),
    ("norm(A)", 1, "norm(A, 'fro')"),
    ("norm2(A)", 1, "norm(A, 'fro')"),
    ("round(x)", 1, "means something else"),
    ("reshape(A, 2, 6)", 1, "means something else"),
    ("atan2(A, x)", 1, "rows, columns and matrices together"),
    ("x(0)", 1, "a whole number from 1 on"),
    ("x(1, 2)", 1, "one index for each axis"),
    ("c(1 + d)", 1, "a whole number from 1 on"),
    ("2x", 2, "expected an operator between `2` and `x`; try: 2*x"),
    ("[1 2]", 1, "`[` is no sign of a formula"),
    ("x +", 3, "expected an operand after `+`"),
    ("(A*x", 1, "never closed"),
    ("x; c", 2, "stands only at the end"),
    ("sinn(x)", 1, "did you mean `sin`"),
    ("sum(x, 1, 2)", 1, "1 to 2 arguments"),
]


@pytest.mark.parametrize(("text", "column", "words"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes(text: str, column: int, words: str) -> None:
    names = set(re.findall(r"\b[A-Za-z]\w*", text)) & set(SHAPES)
    shapes = {name: SHAPES[name] for name in sorted(names)}
    if not column:
        assert wg.parse(text, dialect="matlab", **shapes).shape == (wg.Dim.named("n"),)
        return
    with pytest.raises(wg.FormulaError, match=re.escape(words)) as caught:
        wg.parse(text, dialect="matlab", **shapes)
    assert caught.value.column == column


def test_columns_may_be_declared_with_two_axes() -> None:
    e = wg.parse("x'*A*x", dialect="matlab", A=("n", "n"), x=("n", 1))
    assert e.shape == ()
    A, x = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([[1.0], [2.0]])
    assert e.evaluate(A=A, x=x) == (x.T @ A @ x)[0, 0]


def test_both_dialects_give_the_same_nodes() -> None:
    shapes: dict[str, Any] = {"A": ("m", "n"), "x": "n", "b": "m"}
    assert wg.parse("norm2(A*x - b)^2", dialect="matlab", **shapes) is wg.parse(
        "norm(A @ x - b)^2", **shapes
    )


def test_the_conjugating_transpose() -> None:
    e = wg.parse("z'*w", dialect="matlab", z=wg.symbol("z", 2, dtype="complex128"), w=2)
    assert e.evaluate(z=np.array([1j, 2.0]), w=np.array([1.0, 1.0])) == 2 - 1j
