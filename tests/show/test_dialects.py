"""What people read: every formula in every dialect, as golden files; NumPy source also runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from golden_files import Golden
from hypothesis import assume, given, settings
from show.expressions import expressions
from show.formulas import MATRICES, SCALARS, shapes_of

import wengert as wg
from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr
from wengert.ir.op import registered
from wengert.ops.apply import applied
from wengert.ops.leaves import const

EXTENTS = {"m": 3, "n": 4, "k": 2}


def table(formulas: list[str]) -> str:
    """Each formula followed by its texts."""
    blocks = []
    for formula in formulas:
        e = wg.parse(formula, **shapes_of(formula))
        texts = {"typed": formula, "text": e, "numpy": e.numpy()}
        texts |= {"unicode": e.unicode(), "latex": e.latex()}
        blocks.append("\n".join(f"{name:9}{text}" for name, text in texts.items()))
    return "\n\n".join(blocks)


def test_scalar_formulas(golden: Golden) -> None:
    golden("show/scalars", table(SCALARS))


def test_matrix_formulas(golden: Golden) -> None:
    golden("show/matrices", table(MATRICES))


def values_of(e: Expr, rng: np.random.Generator) -> dict[str, Any]:
    """Random values for the symbols of an expression, as they are declared."""
    values = {}
    for symbol in e.free_symbols:
        shape = [x if isinstance(x, int) else x.evaluate(EXTENTS) for x in symbol.shape]
        value = np.asarray(rng.uniform(0.5, 2.0, shape))
        values[symbol.attr.name] = (value + value.T if is_symmetric(symbol) else value)[()]
    return values


def run(source: str, values: dict[str, Any]) -> Any:
    """The value of NumPy source: assignments, then an expression."""
    import scipy.special

    *lines, last = source.split("\n")
    scope = {"np": np, "scipy": scipy, **EXTENTS, **values}
    with np.errstate(all="ignore"):
        exec("\n".join(lines), scope)
        return eval(last, scope)


@pytest.mark.parametrize("formula", SCALARS + MATRICES)
def test_numpy_source_runs(formula: str, rng: np.random.Generator) -> None:
    e = wg.parse(formula, **shapes_of(formula))
    values = values_of(e, rng)
    expected = e.evaluate(**values, **EXTENTS)
    np.testing.assert_allclose(run(e.numpy(), values), expected, rtol=1e-13, atol=1e-14)


@given(expressions())
@settings(max_examples=200)
def test_random_numpy_source_runs(e: Expr) -> None:
    values = values_of(e, np.random.default_rng(1))
    expected = e.evaluate(**values, **EXTENTS)
    assume(np.all(np.abs(expected) < 1e9))  # beyond that, rounding is magnified too much
    found = run(e.numpy(), values)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("base", "exponent"), [(2, 1e22), (-2.5, 1e22), (0, -1), (2.5, -1e22)])
def test_powers_of_numbers_that_python_refuses(base: float, exponent: float) -> None:
    e = const(base) ** const(exponent)
    assert run((3 * e).numpy(), {}) == (3 * e).evaluate()


def elementwise_ops() -> list[str]:
    return sorted(
        name
        for name, op in registered().items()
        if op.elementwise and op.arity and op.domain.sample and op.build is None
    )


@pytest.mark.parametrize("name", elementwise_ops())
def test_every_function_has_numpy_source(name: str, rng: np.random.Generator) -> None:
    op = registered()[name]
    symbols = [wg.symbol(f"a{i}", 5) for i in range(op.arity or 0)]
    e = applied(op)(*symbols)
    sides = [(max(a, -50), min(b, 50)) for a, b in op.domain.sample]
    values = {s.attr.name: rng.uniform(*side, 5) for s, side in zip(symbols, sides, strict=True)}
    source = e.numpy()
    if not source.startswith(("np.", "scipy.", "1/", "(", "a")):
        pytest.skip(f"{name} has no NumPy spelling")
    np.testing.assert_allclose(run(source, values), e.evaluate(**values), rtol=1e-13)


def test_numpy_never_builds_a_diagonal_matrix() -> None:
    shapes = {"v": "n", "S": ("n", "n"), "u": "n"}
    for formula in (
        "diag(v) @ S",
        "S @ diag(v)",
        "S.T @ diag(v) @ S",
        "diag(v) @ u",
        "trace(S @ S.T)",
    ):
        used = {
            k: s for k, s in shapes.items() if k in formula.replace("diag", "").replace("trace", "")
        }
        source = wg.parse(formula, **used).numpy()
        assert "diag" not in source
        assert "trace" not in source


def test_sizes_are_read_off_the_arrays() -> None:
    e = wg.parse("sum(A)/(m*n)", A=("m", "n"))
    assert e.numpy() == "np.sum(A)/(A.shape[0]*A.shape[1])"
    assert wg.parse("x*eye(n) + S", S=("n", "n")).numpy() == "S + x*np.eye(S.shape[0])"


def test_more_than_two_axes_are_written_with_indices() -> None:
    S = wg.symbol("S", ("n", "n"))
    V = wg.symbol("V", ("n", "k"))
    e = wg.parse("2*einsum('mj,ml,ik->ijklm', V, V, S)", V=V, S=S)
    assert e.unicode() == "2·S[i,k]·V[m,j]·V[m,l]"
    assert e.latex() == r"2 S_{i k} V_{m j} V_{m l}"


def test_latex_brackets_and_braces_balance() -> None:
    for formula in SCALARS + MATRICES:
        text = wg.parse(formula, **shapes_of(formula)).latex()
        assert text.count(r"\left") == text.count(r"\right"), text
        assert text.count("{") == text.count("}"), text


def test_inverse_functions_nest_in_braces() -> None:
    e = wg.parse("sqrt(x/sqrt(y))")
    assert e.latex() == r"\sqrt{\frac{x}{\sqrt{y}}}"
    assert math.isclose(run(e.numpy(), {"x": 3.0, "y": 4.0}), math.sqrt(3 / 2))


def test_bars_within_bars_are_no_norm() -> None:
    e = wg.parse("abs(abs(x)) + abs(abs(x) + abs(y))")
    assert e.unicode() == "||x| + |y|| + |(|x|)|"
    assert wg.parse(e.unicode()) is e
    assert abs(abs(wg.symbol("x"))).latex() == r"\left|\left(\left|x\right|\right)\right|"


UNREADABLE = "∧∨¬⌊∞N"  # signs of Unicode mathematics that formulas do not know


@pytest.mark.parametrize("formula", SCALARS)
def test_unicode_of_scalars_reads_back_to_the_same_value(
    formula: str, rng: np.random.Generator
) -> None:
    e = wg.parse(formula)
    text = e.unicode()
    if any(sign in text for sign in UNREADABLE):
        pytest.skip("a sign that formulas do not know")
    values = values_of(e, rng)
    found = wg.parse(text.replace("α₁", "alpha_1")).evaluate(**values)
    np.testing.assert_allclose(found, e.evaluate(**values), rtol=1e-12, atol=1e-300)


@given(expressions(scalars=True))
@settings(max_examples=200)
def test_random_unicode_of_scalars_reads_back_to_the_same_value(e: Expr) -> None:
    text = e.unicode()
    assume(not any(sign in text for sign in UNREADABLE))
    values = values_of(e, np.random.default_rng(2))
    expected = e.evaluate(**values)
    assume(np.abs(expected) < 1e9)  # beyond that, rounding is magnified too much
    np.testing.assert_allclose(wg.parse(text).evaluate(**values), expected, rtol=1e-6, atol=1e-6)


def test_places_are_replaced_by_statements() -> None:
    v, w, i = wg.symbol("v", 5), wg.symbol("w", 2), wg.symbol("i", dtype="int64")
    e = wg.parse("update(update(v, '1:3', w), '0', 7.0)*2 + set_at(v, 1.5, i)", v=v, w=w, i=i)
    assert e.numpy().split("\n") == [
        "t1 = np.array(v)",
        "t1[i] = 1.5",
        "t2 = np.array(v)",
        "t2[1:3] = w",
        "t3 = np.array(t2)",
        "t3[0] = 7.0",
        "t1 + 2*t3",
    ]
    values = {"v": np.arange(5.0), "w": np.array([8.0, 9.0]), "i": 4}
    np.testing.assert_array_equal(run(e.numpy(), values), e.evaluate(**values))
    np.testing.assert_array_equal(values["v"], np.arange(5.0))


def test_directions_of_zero_vectors() -> None:
    v = wg.parse("normalized(v)", v=3)
    assert not np.any(run(v.numpy(), {"v": np.zeros(3)}))
    rows = wg.parse("normalized(A, axis=1)", A=(2, 3))
    A = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]])
    np.testing.assert_allclose(run(rows.numpy(), {"A": A}), [[0, 0, 0], [0.6, 0, 0.8]])


READ = [
    ("sin(x)*x**2*y", "x**2*sin(x)*y"),
    ("sin(x)*y", "y*sin(x)"),
    ("(x + 1)*y", "y*(x + 1)"),
    ("sin(x)*(x + 1)", "(x + 1)*sin(x)"),
    ("(1 - tanh(x))*tanh(x)", "tanh(x)*(1 - tanh(x))"),
    ("exp(-x) + 1", "1 + exp(-x)"),
    ("1 + x**2", "x**2 + 1"),
    ("1 - tanh(x)**2", "1 - tanh(x)**2"),
    ("x**-2 + x**(-1/2) + x**(-y)", "x**(-1/2) + x**-2 + x**(-y)"),
    ("0.5*x", "x/2"),
    ("y*x**(y - 1)", "y*x**(y - 1)"),
    ("-2/x - 1/x**2", "-1/x**2 - 2/x"),
]


@pytest.mark.parametrize(("typed", "text"), READ)
def test_reading_order(typed: str, text: str) -> None:
    assert str(wg.parse(typed)) == text


def test_untransposed_terms_come_first() -> None:
    assert str(wg.parse("A.T + A", A=("n", "n"))) == "A + A.T"
    assert str(wg.parse("(A.T + A) @ x", A=("n", "n"), x="n")) == "(A + A.T) @ x"


def test_elements_stand_in_the_order_of_their_places() -> None:
    e = wg.parse("v[10] + v[2]*sin(x) - v[-1]", v="n")
    assert str(e) == "v[2]*sin(x) + v[10] - v[-1]"
    assert str(wg.parse("v[10] + v[2]", v="n")) == "v[2] + v[10]"


def test_latex_as_on_paper() -> None:
    latex = {
        "x/y/z": r"\frac{x}{y z}",
        "x/y/3/z": r"\frac{x}{y \cdot 3 z}",
        "y*(2*x + 1)": r"y \left(2 x + 1\right)",
        "sin(x)**2": r"\sin^{2}\left(x\right)",
        "exp(x)**2": r"\exp\left(x\right)^{2}",
        "sin(x)**-1": r"\sin\left(x\right)^{-1}",
        "sqrt(x)**3": r"\sqrt{x}^{3}",
    }
    for text, wanted in latex.items():
        assert wg.parse(text).latex() == wanted


def test_scalars_that_are_products_of_matrices_keep_their_brackets() -> None:
    shapes = {"A": ("n", "n"), "x": "n"}
    assert wg.parse("2*(x @ A @ x)*x", **shapes).unicode() == "(2·xᵀ A x)·x"
    assert wg.parse("2*A @ x", **shapes).unicode() == "2·A x"
    assert wg.parse("inv(A) @ x", **shapes).latex() == "A^{-1} x"
    assert wg.parse("inv(A).T @ x", **shapes).latex() == r"\left(A^{-1}\right)^{\top} x"
