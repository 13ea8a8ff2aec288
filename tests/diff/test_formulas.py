"""Derivatives of formulas: values against differences, layout, orders, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

import wengert as wg

SCALARS = [
    "x^2*sin(y)",
    "exp(-x/y)/3",
    "x^y",
    "log(1 + exp(x*y))",
    "sqrt(x^2 + y^2)",
    "atan2(y, x)",
    "(x^2 + 1)/(x - y/7)",
    "tanh(x)^3*erf(y)",
    "gamma(x)/y",
    "where(x > y, x^2, x*y)",
    "abs(x - 3)*max(x, y)",
    "x*log(x)*y",
]


@pytest.mark.parametrize("text", SCALARS)
@pytest.mark.parametrize("wrt", [("x",), ("y",), ("x", "y"), ("x", "x")])
@pytest.mark.parametrize("simplify", [False, True])
def test_scalar_derivatives_agree_with_differences(
    text: str, wrt: tuple[str, ...], simplify: bool
) -> None:
    e = wg.parse(text)
    d = wg.diff(e, *wrt, simplify=simplify)
    before = wg.diff(e, *wrt[:-1], simplify=False) if len(wrt) > 1 else e
    at = {"x": 1.3, "y": 0.7}
    slope = wg.numeric.derivative(lambda v: before.evaluate(**{**at, wrt[-1]: v}), at[wrt[-1]])
    assert d.evaluate(**at) == pytest.approx(slope.value, rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("text", SCALARS)
def test_symbolic_and_forward_are_one_object(text: str) -> None:
    e = wg.parse(text)
    for simplify in (False, True):
        assert wg.diff(e, "x", simplify=simplify) is wg.jvp_graph(e, x=1, simplify=simplify)


def test_forward_mode_is_linear_in_the_direction() -> None:
    e = wg.parse("x^2*sin(y)")
    change = wg.jvp_graph(e, x="u", y="v")
    at = {"x": 1.3, "y": 0.7, "u": 0.4, "v": -2.0}
    parts = wg.gradient(e)
    expected = parts["x"].evaluate(x=1.3, y=0.7) * 0.4 - 2.0 * parts["y"].evaluate(x=1.3, y=0.7)
    assert change.evaluate(**at) == pytest.approx(expected)


def test_layout_is_output_then_input() -> None:
    shapes = {"A": ("m", "n"), "x": "n"}
    y = wg.parse("A @ x", A=("m", "n"), x="n")
    n, m = wg.Dim.named("n"), wg.Dim.named("m")
    assert wg.jacobian(y, "x").shape == (m, n)
    assert wg.jacobian(y, "A").shape == (m, m, n)
    assert wg.diff(wg.parse("sum(A @ x)", **shapes), "A").shape == (m, n)
    assert wg.hessian(wg.parse("x @ x", x="n"), "x").shape == (n, n)


def test_derivative_of_a_vector_by_a_scalar() -> None:
    d = wg.diff(wg.parse("sin(t*x)", x="n"), "t")
    x = np.array([0.3, -1.2, 2.0])
    np.testing.assert_allclose(d.evaluate(t=0.5, x=x), x * np.cos(0.5 * x))


def test_jacobian_of_a_matrix_by_a_matrix() -> None:
    d = wg.jacobian(wg.parse("A @ B", A=("m", "n"), B=("n", "k")), "A")
    rng = np.random.default_rng(0)
    b = rng.normal(size=(3, 4))
    expected = np.einsum("ip,qj->ijpq", np.eye(2), b)
    np.testing.assert_allclose(d.evaluate(m=2, B=b), expected)


def test_orders_may_be_written_in_three_ways() -> None:
    e = wg.parse("exp(sin(x))")
    thrice = wg.diff(e, "x", "x", "x")
    assert wg.diff(e, ("x", 3)) is thrice
    assert wg.diff(e, "x", 3) is thrice
    assert wg.diff(e, ("x", 0)) is not None


def test_gradient_by_name_and_by_position() -> None:
    parts = wg.gradient("x^2*y")
    assert parts.names == ("x", "y")
    assert parts["x"] is parts[0]
    assert dict(parts.items())["y"] is parts[1]
    with pytest.raises(wg.UnknownNameError, match="expected one of x, y"):
        parts["z"]


def test_hessian_of_several_symbols_is_symmetric() -> None:
    h = wg.hessian("x^2*sin(y) + exp(x*y)")
    at = {"x": 0.4, "y": 1.1}
    assert h["x"]["y"].evaluate(**at) == pytest.approx(h["y"]["x"].evaluate(**at))


def test_absent_symbol_gives_zero_and_a_misspelling_an_error() -> None:
    assert wg.diff("x^2", "z").evaluate() == 0
    with pytest.raises(wg.UnknownNameError, match="alpha"):
        wg.diff("alpha^2", "alpah")


def test_not_a_scalar_is_refused_by_gradient() -> None:
    with pytest.raises(wg.ShapeError, match=r"expected a scalar formula.*jacobian"):
        wg.gradient(wg.parse("A @ x", A=("m", "n"), x="n"), "x")


def test_derivative_by_something_that_is_no_symbol() -> None:
    e = wg.parse("sin(x)")
    with pytest.raises(wg.TypeMismatchError, match="expected a symbol"):
        wg.diff(e, e)


def test_several_symbols_and_none_named() -> None:
    with pytest.raises(wg.TypeMismatchError, match="x, y"):
        wg.diff("x*y")
    assert wg.diff("sin(x)") is wg.diff("sin(x)", "x")


def test_floor_has_a_derivative_of_zero_and_says_why_nothing_else() -> None:
    assert wg.diff("floor(x)*2", "x").evaluate() == 0


def test_symmetric_conventions() -> None:
    S = wg.symbol("S", ("n", "n"), assume="symmetric")
    e = wg.parse("a @ S @ b", a="n", b="n", S=S)
    rng = np.random.default_rng(1)
    a, b, s = rng.normal(size=3), rng.normal(size=3), np.eye(3)
    free = np.outer(a, b)
    for convention, expected in (
        ("projected", (free + free.T) / 2),
        ("constrained", free + free.T - np.diag(np.diag(free))),
    ):
        g = wg.gradient(e, "S", symmetric=convention)
        np.testing.assert_allclose(g.evaluate(a=a, b=b, S=s), expected)
    with pytest.raises(wg.TypeMismatchError, match="'projected' or 'constrained'"):
        wg.gradient(e, "S", symmetric="both")  # type: ignore[arg-type]  # the point of the test


def test_cotangent_of_any_shape_that_fits() -> None:
    e = wg.parse("A @ x", A=("m", "n"), x="n")
    g = wg.vjp_graph(e, "x", cotangent="c")
    rng = np.random.default_rng(2)
    a, c = rng.normal(size=(2, 3)), rng.normal(size=2)
    np.testing.assert_allclose(g.evaluate(A=a, c=c), a.T @ c)
    with pytest.raises(wg.ShapeError, match="cotangent"):
        wg.vjp_graph(e, "x", cotangent=wg.symbol("c", "k"))


@pytest.mark.parametrize("inputs", [2, 10, 50])
def test_gradient_costs_at_most_four_times_the_function(inputs: int) -> None:
    xs = [wg.symbol(f"x{i}") for i in range(inputs)]
    value = xs[0]
    for k in range(20 * inputs):
        value = wg.sin(value * xs[k % inputs]) + xs[(3 * k + 1) % inputs] / (2 + value)
    grads = wg.vjp_graph(value, *xs, simplify=False)
    assert wg.count_operations([value, *grads]).operations <= 5 * value.cost().operations


def test_logistic_map_does_not_swell() -> None:
    x = wg.symbol("x")
    value = x
    for _ in range(8):
        value = 4 * value * (1 - value)
    d = wg.diff(value, "x", simplify=False)
    assert d.cost().operations <= 8 * 10
    assert d.evaluate(x=0.3) == pytest.approx(
        wg.numeric.derivative(lambda v: value.evaluate(x=v), 0.3).value
    )


def test_tenth_derivative_stays_small() -> None:
    d = wg.diff(wg.exp(wg.sin(wg.symbol("x"))), ("x", 10), simplify=False)
    assert d.cost().operations < 1500
    mp = pytest.importorskip("mpmath")
    mp.mp.dps = 40
    exact = mp.diff(lambda t: mp.exp(mp.sin(t)), mp.mpf(3) / 10, 10)
    assert d.evaluate(x=0.3) == pytest.approx(float(exact), rel=1e-9)


def test_chain_of_a_hundred_thousand_nodes() -> None:
    x = wg.symbol("x")
    value = x
    for _ in range(50_000):
        value = wg.sin(value) + 0.5
    forward = wg.diff(value, "x")
    backward = wg.vjp_graph(value, "x")
    assert len(str(forward)) > 1000
    assert len(str(value)) > 1000
    at = {"x": 0.2}
    assert forward.evaluate(**at) == pytest.approx(backward.evaluate(**at), rel=1e-9, abs=1e-300)


def test_memory_returns_when_results_are_dropped() -> None:
    import gc

    gc.collect()
    before = wg.live_nodes()
    x = wg.symbol("memory")
    value = x
    for _ in range(20_000):
        value = wg.sin(value * x)
    d = wg.diff(value, "memory")
    assert wg.live_nodes() > before + 60_000
    del value, d
    gc.collect()
    assert wg.live_nodes() <= before + 10


def test_undefined_values_are_nan_and_their_place_is_told_on_request() -> None:
    e = wg.parse("sqrt(log(x)) + 1")
    assert math.isnan(e.evaluate(x=-1.0))
    with pytest.raises(wg.EvaluationError, match=r"`log\(x\)`.*-1.0"):
        e.evaluate(x=-1.0, check=True)
