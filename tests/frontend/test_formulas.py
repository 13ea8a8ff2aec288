"""What formulas mean: each against the NumPy expression that says the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import wengert as wg

SCALARS = {"x": 0.7, "y": 1.3, "z": 2.1, "alpha": 0.4, "lambda": 1.6, "k": 3.0}
_rng = np.random.default_rng(7)
ARRAYS = {
    "A": _rng.uniform(0.5, 2, (3, 4)), "B": _rng.uniform(0.5, 2, (4, 2)), "u": _rng.uniform(0.5, 2, 4),
    "v": _rng.uniform(0.5, 2, 4), "w": _rng.uniform(0.5, 2, 3), "t": 0.8,
    "S": np.diag([2.0, 3.0, 4.0]) + 0.3,
}  # fmt: skip
SHAPES: dict[str, Any] = {
    "A": ("m", "n"), "B": ("n", "p"), "u": "n", "v": "n", "w": "m", "t": (), "S": ("m", "m"),
}  # fmt: skip

# A formula and the Python expression of the same value, or None where the formula is that expression.
OF_SCALARS: list[tuple[str, str | None]] = [
    # numbers
    ("1", None),
    ("1/3", None),
    ("0.1 + 0.2", None),
    ("1e-3", None),
    (".5", None),
    ("2.", None),
    ("1_000.5", None),
    ("2e3", None),
    ("7 // 2", None),
    ("7 % 4", None),
    ("2^10", "2**10"),
    ("2^100", "2.0**100"),
    ("2^-1", "0.5"),
    ("10**20 + 1.5", None),
    ("2j*x", None),
    ("(1 + 2j)*(3 - 1j)", None),
    ("pi", "math.pi"),
    ("π", "math.pi"),
    ("e", "math.e"),
    ("inf", "math.inf"),
    ("-∞", "-math.inf"),
    # sums, products, powers
    ("x + y - z", None),
    ("x - (y - z)", None),
    ("x*y/z*x", None),
    ("x/y/z", None),
    ("x/(y/z)", None),
    ("-x^2", "-(x**2)"),
    ("(-x)^2", "x**2"),
    ("+x - -y", None),
    ("--x", "x"),
    ("2^-x", "2**-x"),
    ("x^y^z", "x**(y**z)"),
    ("x**y**z", "x**(y**z)"),
    ("x^y**z", "x**(y**z)"),
    ("(x^y)^z", "(x**y)**z"),
    ("x^-y^z", "x**(-(y**z))"),
    ("-x^-y", "-(x**-y)"),
    ("x*-y", "-x*y"),
    ("x - 3*y*z/4", None),
    ("x // 0.2 + y % 0.5", None),
    ("-x // 0.2", None),
    # implicit products
    ("2x", "2*x"),
    ("2 x", "2*x"),
    ("-2x", "-2*x"),
    ("2x^2", "2*x**2"),
    ("2x*y", "2*x*y"),
    ("x*2y", "x*2*y"),
    ("3sin(2x)", "3*np.sin(2*x)"),
    ("2(x + 1)", "2*(x + 1)"),
    ("2(x + 1)^2", "2*(x + 1)**2"),
    ("2x/3", "2*x/3"),
    ("x/2", None),
    ("2e", "2*math.e"),
    ("2e + x", "2*math.e + x"),
    ("2e3x", "2000*x"),
    ("1.5x - 2y", "1.5*x - 2*y"),
    ("2pi", "2*math.pi"),
    ("2π", "2*math.pi"),
    # signs of the printed page
    ("x²", "x**2"),
    ("-x²", "-(x**2)"),
    ("x⁻¹", "1/x"),
    ("x¹²", "x**12"),
    ("(x + y)² + 1", "(x + y)**2 + 1"),
    ("x·y × z", "x*y*z"),
    ("x − y ÷ z", "x - y/z"),
    ("√(x) + ∛(y)", "x**0.5 + y**(1/3)"),
    ("|x - y|", "abs(x - y)"),
    ("|x|*|y - z|", "abs(x)*abs(y - z)"),
    ("||x - y| - z|", "abs(abs(x - y) - z)"),
    ("2*|x - |y - z||", "2*abs(x - abs(y - z))"),
    ("|(x - y)*(y - z)|^2", "((x - y)*(y - z))**2"),
    ("-|x|", "-x"),
    # Greek
    ("alpha*x", "0.4*x"),
    ("α*x + α", "0.4*x + 0.4"),
    ("lambda*x", "1.6*x"),
    ("λ*x", "1.6*x"),
    ("lambda_*x", "1.6*x"),
    ("lambda + α", "2.0"),
    # functions and their aliases
    ("sin(x)^2 + cos(x)^2", "1.0"),
    ("sin (x)", "np.sin(x)"),
    ("exp(-x^2/2)/sqrt(2pi)", "np.exp(-x**2/2)/np.sqrt(2*np.pi)"),
    ("ln(x) + log(y)", "np.log(x) + np.log(y)"),
    ("arcsin(x) + asin(x)", "2*np.arcsin(x)"),
    ("arctan(x) - atan2(x, y)", "np.arctan(x) - np.arctan2(x, y)"),
    ("arctan2(x, y)", "np.arctan2(x, y)"),
    ("abs(x - y) + fabs(z)", "abs(x - y) + z"),
    ("floor(y) + ceil(y) + sign(x - y)", "1 + 2 - 1"),
    ("hypot(x, y)", "np.hypot(x, y)"),
    ("gamma(z) + Gamma(y) + Γ(x)", "sp.gamma(z) + sp.gamma(y) + sp.gamma(x)"),
    ("beta(x, y)", "sp.beta(x, y)"),
    ("ψ(x) + psi(y) + digamma(z)", "sp.psi(x) + sp.psi(y) + sp.psi(z)"),
    ("polygamma(2, x)", "float(sp.polygamma(2, x))"),
    ("J0(x) + J1(y)", "sp.jv(0, x) + sp.jv(1, y)"),
    ("besselj(2, x)", "sp.jv(2, x)"),
    ("erf(x)", "sp.erf(x)"),
    ("E1(x)", "sp.exp1(x)"),
    ("max(x, y)", "max(x, y)"),
    ("max(x, y, z, 3)", "3"),
    ("min(x, y, z)", "x"),
    ("maximum(x, y) - minimum(x, y)", "y - x"),
    ("clip(z, 0, 2)", "2"),
    ("pow(x, y)", "x**y"),
    ("square(x)", "x**2"),
    ("mod(z, x)", "z % x"),
    ("sum(x)", "x"),
    ("norm(x - y)", "y - x"),
    ("real(2j*x) + imag(2j*x)", "2*x"),
    # names that are functions where they are called
    ("K1*K1(x)", "0.25*sp.kv(1, x)"),
    # comparisons, logic, choices
    ("x if x < y else z", None),
    ("x if x > y else z", None),
    ("x if x > y else y if y > z else z", None),
    ("where(x < y, 1, 2)", "1"),
    ("where(x >= y, 1, 2)", "2"),
    ("where(x < y < z, 1, 2)", "1"),
    ("where(x < y > z, 1, 2)", "2"),
    ("where(0 < x <= 0.7 < y != z, 1, 2)", "1"),
    ("where(x == 0.7, 1, 2)", "1"),
    ("where(x ≠ 0.7, 1, 2)", "2"),
    ("where(x ≤ 0.7 and y ≥ 1, 1, 2)", "1"),
    ("where(x < y and y > z, 1, 2)", "2"),
    ("where(x < y or y > z, 1, 2)", "1"),
    ("where(not x < y, 1, 2)", "2"),
    ("where(not x < y or x < y and y < z, 1, 2)", "1"),
    ("where((x < y) & (y < z), 1, 2)", "1"),
    ("where((x > y) | (y > z), 1, 2)", "2"),
    ("where(~(x > y), 1, 2)", "1"),
    ("2*(x < y) + (y < z)", "3"),
    ("True + 0", "1"),
    ("x*(1 if y > z else -1)", "-x"),
    ("heaviside(x - y)", "0"),
]

OF_ARRAYS: list[tuple[str, str | None]] = [
    ("A @ u", None),
    ("A @ u + w", None),
    ("A.T @ w", None),
    ("A' @ w", "A.T @ w"),
    ("A'' @ u", "A @ u"),
    ("Aᵀ @ w", "A.T @ w"),
    ("u @ v", None),
    ("w @ A @ u", None),
    ("u' @ v", "u @ v"),
    ("A @ B", None),
    ("(A @ B)'", "(A @ B).T"),
    ("A @ A'", "A @ A.T"),
    ("A*u", None),
    ("2A - A/4", "2*A - A/4"),
    ("A*2 @ u", None),
    ("A + t", None),
    ("u^2", "u**2"),
    ("A^2", "A**2"),
    ("S**2", None),
    ("2^u", "2**u"),
    ("u^v", "u**v"),
    ("1/u", None),
    ("u/v", None),
    ("-u", None),
    ("|u - v|", "abs(u - v)"),
    ("exp(-u)*sin(v)", "np.exp(-u)*np.sin(v)"),
    ("norm(A @ u - w)^2", "((A @ u - w)**2).sum()"),
    ("norm(u, 1) + norm(u, inf)", "u.sum() + u.max()"),
    ("norm(A, 'fro')", "np.linalg.norm(A)"),
    ("norm(A, axis=1)", "np.linalg.norm(A, axis=1)"),
    ("sum(u)", "u.sum()"),
    ("sum(A, axis=0)", "A.sum(axis=0)"),
    ("sum(A, axis=-1)", "A.sum(axis=-1)"),
    ("sum(A, 1)", "A.sum(axis=1)"),
    ("sum(A, axis=(0, 1))", "A.sum()"),
    ("sum(A, axis=[0, 1])", "A.sum()"),
    ("A/sum(A, axis=1, keepdims=True)", "A/A.sum(axis=1, keepdims=True)"),
    ("mean(A, axis=0)", "A.mean(axis=0)"),
    ("sum(u)/n", "u.mean()"),
    ("sum((u - mean(u))^2)/(n - 1)", "u.var(ddof=1)"),
    ("var(u) + std(u)^2", "2*u.var()"),
    ("prod(u)", "u.prod()"),
    ("max(u)", "u.max()"),
    ("max(A, axis=1)", "A.max(axis=1)"),
    ("min(A)", "A.min()"),
    ("max(u, v)", "np.maximum(u, v)"),
    ("max(u, v, 1)", "np.maximum(np.maximum(u, v), 1)"),
    ("logsumexp(u)", "np.log(np.exp(u).sum())"),
    ("logsumexp(A, axis=1)", "np.log(np.exp(A).sum(axis=1))"),
    ("softmax(u)", "np.exp(u)/np.exp(u).sum()"),
    ("cumsum(u)", "np.cumsum(u)"),
    ("tr(S) + trace(S)", "2*np.trace(S)"),
    ("det(S)", "np.linalg.det(S)"),
    ("logdet(S)", "np.log(np.linalg.det(S))"),
    ("inv(S) @ w", "np.linalg.solve(S, w)"),
    ("solve(S, w)", "np.linalg.solve(S, w)"),
    ("w @ inv(S) @ w/2", "w @ np.linalg.inv(S) @ w/2"),
    ("diag(S)", "np.diag(S)"),
    ("diag(u)", "np.diag(u)"),
    ("diag(w) @ A", "w[:, None]*A"),
    ("outer(w, u)", "np.outer(w, u)"),
    ("dot(u, v)", "u @ v"),
    ("dot(A, B)", "A @ B"),
    ("matmul(A, u)", "A @ u"),
    ("vdot(A, A)", "(A**2).sum()"),
    ("kron(A, B)", "np.kron(A, B)"),
    ("transpose(A)", "A.T"),
    ("transpose(A, axes=(1, 0))", "A.T"),
    ("S + t*eye(m)", "S + t*np.eye(3)"),
    ("S - 2*I(m)", "S - 2*np.eye(3)"),
    ("A + ones(m, n)", "A + 1"),
    ("A + ones((m, n))", "A + 1"),
    ("u - ones(n)", "u - 1"),
    ("zeros(n) + u", "u"),
    ("ones(2, 3) @ [1, 2, 3]", "np.array([6.0, 6.0])"),
    ("einsum('ij,jk->ik', A, B)", "A @ B"),
    ("einsum('ij,j', A, u)", "A @ u"),
    ("einsum('ii', S)", "np.trace(S)"),
    ('einsum("ij->j", A)', "A.sum(axis=0)"),
    ("u[0]", None),
    ("u[-1]", None),
    ("A[1, 2]", None),
    ("A[1]", None),
    ("A[:, 1]", None),
    ("A[1:, ::-1]", None),
    ("A[0:2, :-1]", None),
    ("A[..., 0]", None),
    ("A[0, 1] + t", None),
    ("sum(A[:, 1]^2)", "(A[:, 1]**2).sum()"),
    ("u[1:] - u[:-1]", None),
    ("where(u > v, u, v)", "np.maximum(u, v)"),
    ("where(u > 1, u, 0)", "np.where(u > 1, u, 0)"),
    ("u if t < 1 else v", "u"),
    ("sum(u > 1)", "(u > 1).sum()"),
    ("[1, 2, 1/4]", "np.array([1, 2, 0.25])"),
    ("t*[[1, 0], [0, -1/2]]", "t*np.array([[1, 0], [0, -0.5]])"),
    ("stack([u, v])", "np.stack([u, v])"),
    ("stack((u, v), axis=1)", "np.stack([u, v], axis=1)"),
    ("concatenate((u, v))", "np.concatenate([u, v])"),
    ("reshape(A, n*m)", "A.ravel()"),
    ("reshape(A, shape=(n, m))", "A.reshape(4, 3)"),
    ("sigmoid(A @ u)", "1/(1 + np.exp(-A @ u))"),
    ("sum(log(1 + exp(-w*(A @ u))))", "np.log(1 + np.exp(-w*(A @ u))).sum()"),
]


def evaluated(python: str, names: dict[str, Any]) -> Any:
    return eval(python, {"np": np, "sp": sp, "math": math}, names)  # the oracle of these tests


@pytest.mark.parametrize(("text", "python"), OF_SCALARS, ids=[t for t, _ in OF_SCALARS])
def test_formulas_of_scalars(text: str, python: str | None) -> None:
    values = {**SCALARS, "K1": 0.25}
    expected = evaluated(python or text, {k: v for k, v in values.items() if k != "lambda"})
    assert wg.parse(text).evaluate(**values) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("text", "python"), OF_ARRAYS, ids=[t for t, _ in OF_ARRAYS])
def test_formulas_of_arrays(text: str, python: str | None) -> None:
    names = {name for name in SHAPES if name in set(_names(text))}
    expression = wg.parse(text, **{name: SHAPES[name] for name in names})
    value = expression.evaluate(**{name: ARRAYS[name] for name in names})
    expected = evaluated(python or text, ARRAYS)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-13)


def _names(text: str) -> list[str]:
    return "".join(
        c if c.isalnum() and c != "ᵀ" else " " for c in text.replace("2A", "2 A")
    ).split()


@pytest.mark.parametrize("text", [t for t, _ in OF_SCALARS])
def test_printed_formulas_of_scalars_are_read_back(text: str) -> None:
    expression = wg.parse(text)
    assert wg.parse(str(expression)) is expression


@pytest.mark.parametrize("text", [t for t, _ in OF_ARRAYS])
def test_printed_formulas_of_arrays_are_read_back(text: str) -> None:
    names = {name for name in SHAPES if name in set(_names(text))}
    expression = wg.parse(text, **{name: SHAPES[name] for name in names})
    symbols = {s.attr.name: s for s in expression.free_symbols}
    assert wg.parse(str(expression), **symbols) is expression


# --- the operators of Python and no others ------------------------------------------------------------
x, y, z = wg.symbols("x y z")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("3*x*y", 3 * x * y),
        ("3x*y", 3 * x * y),
        ("x*y*z", x * y * z),
        ("x*(y*z)", x * (y * z)),
        ("x + y + z", x + y + z),
        ("x + (y + z)", x + (y + z)),
        ("-2x", -2 * x),
        ("x - x", x - x),
        ("0*x", 0 * x),
        ("x/3", x / 3),
        ("-x^2", -(x**2)),
        ("x^0.5", x**0.5),
        ("x < y", x < y),
        ("x >= y", x >= y),
        ("x == y", wg.eq(x, y)),
        ("(x < y) & (y < z)", (x < y) & (y < z)),
        ("x < y < z", (x < y) & (y < z)),
        ("not x < y", ~(x < y)),
    ],
)
def test_a_formula_is_the_node_that_python_builds(text: str, node: wg.Expr) -> None:
    assert wg.parse(text) is node


def test_quotients_of_whole_numbers_are_exact() -> None:
    third = wg.parse("1/3*x")
    assert third is x / 3
    assert wg.parse("1/3").attr * 3 == 1


def test_greek_letters_and_their_names_are_one_symbol() -> None:
    assert wg.parse("α + sigma_1") is wg.parse("alpha + σ_1")
    assert wg.parse("ϕ") is wg.parse("φ") is wg.symbols("phi")
    assert wg.parse("α").evaluate(α=2.0) == wg.parse("α").evaluate(alpha=2.0) == 2.0
    assert wg.parse("x₁") is wg.symbols("x1")
    assert wg.parse("λ").evaluate(λ=2.0) == 2.0


def test_function_names_that_are_common_symbols() -> None:
    assert wg.parse("gamma*x + beta") is wg.symbols("gamma") * x + wg.symbols("beta")
    assert wg.parse("y0 + k1*x + re") is wg.symbols("y0") + wg.symbols("k1") * x + wg.symbols("re")
    assert wg.parse("R*I^2") is wg.symbols("R") * wg.symbols("I") ** 2
    assert wg.parse("mean*x", mean=()) is wg.symbols("mean") * x
    assert wg.parse("e^x", e=()) is wg.symbols("e") ** x


def test_blanks_and_line_ends_do_not_matter() -> None:
    assert wg.parse("  x\n\t+ 2*\n y ") is wg.parse("x+2*y")
