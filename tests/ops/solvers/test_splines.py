"""Splines: values as SciPy's, derivatives against differences of SciPy's splines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.interpolate
from hypothesis import given
from hypothesis import strategies as st

from wengert.diff.check_grad import check_derivatives
from wengert.diff.reverse import vjp
from wengert.emit.python import callable_of
from wengert.errors import ShapeError, TypeMismatchError
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.leaves import const, symbol
from wengert.ops.solvers.splines import Piecewise, cubic_hermite, cubic_spline, pchip
from wengert.ops.trig import sin
from wengert.run.reference import evaluate_nodes

X = np.array([-1.0, -0.3, 0.4, 1.5, 1.9, 3.0])
RNG = np.random.default_rng(3)
Y = RNG.normal(size=(6,))
Y2 = RNG.normal(size=(2, 6, 3))
T = np.array([-1.4, -1.0, -0.5, 0.4, 1.1, 1.95, 3.0, 3.6])
x, y, t = symbol("x", 6), symbol("y", 6), symbol("t", 8)

CONDITIONS: dict[str, Any] = {
    "not-a-knot": "not-a-knot",
    "natural": "natural",
    "clamped": "clamped",
    "slopes": ((1, 0.7), (1, -0.4)),
    "curvatures": ((2, 0.7), (2, -0.4)),
    "mixed": ("not-a-knot", (2, 0.3)),
}


def value(node: Expr, **given_: Any) -> Any:
    return evaluate_nodes([node], {"x": X, "y": Y, "t": T, **given_})[0]


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("name", CONDITIONS)
def test_cubic_splines_are_those_of_scipy(name: str, n: int) -> None:
    bc = CONDITIONS[name]
    mine = cubic_spline(const(X[:n]), symbol("z", n), bc_type=bc)
    want = scipy.interpolate.CubicSpline(X[:n], Y[:n], bc_type=bc)
    for nu in (0, 1, 2, 3, 4):
        np.testing.assert_allclose(value(mine(T, nu), z=Y[:n]), want(T, nu), rtol=1e-9, atol=1e-9)
    for a, b in ((-0.5, 2.0), (2.0, -0.5), (-2.0, 4.0)):
        got = value(mine.integrate(a, b), z=Y[:n])
        np.testing.assert_allclose(got, want.integrate(a, b), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_periodic_splines(n: int) -> None:
    z = np.append(Y[: n - 1], Y[0])
    mine = cubic_spline(const(X[:n]), symbol("z", n), bc_type="periodic")
    want = scipy.interpolate.CubicSpline(X[:n], z, bc_type="periodic")
    for nu in (0, 1, 2):
        np.testing.assert_allclose(value(mine(T, nu), z=z), want(T, nu), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_values_with_several_axes(axis: int) -> None:
    values = Y2 if axis else np.moveaxis(Y2, 1, 0)
    z = symbol("z", values.shape)
    places = T[:6].reshape(2, 3)
    for make, theirs in (
        (cubic_spline, scipy.interpolate.CubicSpline),
        (pchip, scipy.interpolate.PchipInterpolator),
    ):
        mine, want = make(const(X), z, axis=axis), theirs(X, values, axis=axis)
        np.testing.assert_allclose(
            value(mine(places), z=values), want(places), rtol=1e-10, atol=1e-11
        )
        np.testing.assert_allclose(value(mine(0.7), z=values), want(0.7), rtol=1e-10, atol=1e-11)
        np.testing.assert_allclose(
            value(mine.integrate(0.1, 2.0), z=values),
            want.integrate(0.1, 2.0),
            rtol=1e-10,
            atol=1e-11,
        )


@given(st.lists(st.floats(-3, 3).map(lambda v: round(v, 2)), min_size=2, max_size=8), st.randoms())
def test_pchip_is_that_of_scipy(values: list[float], random: Any) -> None:
    knots = np.cumsum([0.1 + random.random() for _ in values])
    places = np.linspace(knots[0] - 0.5, knots[-1] + 0.5, 17)
    mine = pchip(const(knots), const(np.array(values)))
    want = scipy.interpolate.PchipInterpolator(knots, values)
    np.testing.assert_allclose(value(mine(places)), want(places), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(value(mine(places, 1)), want(places, 1), rtol=1e-9, atol=1e-9)


def test_extrapolation() -> None:
    for extrapolate in (True, False, "periodic"):
        mine = cubic_spline(x, y, extrapolate=extrapolate)
        want = scipy.interpolate.CubicSpline(X, Y, extrapolate=extrapolate)
        np.testing.assert_allclose(value(mine(t)), want(T), rtol=1e-10)
        np.testing.assert_allclose(
            value(mine(t, extrapolate=True)), want(T, extrapolate=True), rtol=1e-10
        )
        other = mine.antiderivative()
        np.testing.assert_allclose(
            value(other(t)), want.antiderivative()(T), rtol=1e-10, atol=1e-12
        )
    at_nan = value(cubic_spline(x, y)(t), t=np.full(8, np.nan))
    assert np.isnan(at_nan).all()


BUILDS: dict[str, Callable[[], Piecewise]] = {
    "not-a-knot": lambda: cubic_spline(x, y),
    "natural": lambda: cubic_spline(x, sin(y), bc_type="natural"),
    "slopes that vary": lambda: cubic_spline(x, y, bc_type=((1, y[0]), (2, x[2]))),
    "periodic": lambda: cubic_spline(x, y * (1 - eye(6)[5]) + y[0] * eye(6)[5], bc_type="periodic"),
    "hermite": lambda: cubic_hermite(x, y, sin(y)),
    "pchip": lambda: pchip(x, y**3 + 10 * x),
}


@pytest.mark.parametrize("name", BUILDS)
def test_derivatives_in_knots_values_and_places(name: str) -> None:
    spline = BUILDS[name]()
    out = spline(t) + spline.integrate(t[2], 1.0, extrapolate=True) + spline(t, 1) / 3
    places = np.array([-1.4, -0.9, -0.5, 0.45, 1.1, 1.95, 2.8, 3.6])
    report = check_derivatives(Function((x, y, t), (out,)), [X, Y, places])
    assert report.unjudged == 0


def test_a_spline_passes_its_gradient_to_the_values_as_a_linear_map() -> None:
    out = cubic_spline(const(X), y)(t)
    (jacobian,) = vjp([out], [eye(8)], [y])
    assert jacobian is not None
    columns = [scipy.interpolate.CubicSpline(X, e)(T) for e in np.eye(6)]
    np.testing.assert_allclose(value(jacobian), np.array(columns).T, rtol=1e-9, atol=1e-11)


def test_source() -> None:
    out = sum_axes(cubic_spline(x, y)(t) * pchip(x, y)(t))
    outputs = (out, *(g for g in vjp([out], [const(1.0)], [x, y, t]) if g is not None))
    got = callable_of(Function((x, y, t), outputs))(X, Y, T)
    for g, node in zip(got, outputs, strict=True):
        np.testing.assert_allclose(g, value(node), rtol=1e-9, atol=1e-11)


def test_what_is_asked_must_fit() -> None:
    with pytest.raises(ValueError, match="strictly increasing"):
        cubic_spline(const(X[::-1].copy()), y)
    assert np.isnan(value(pchip(x, y)(t), x=X[::-1])).all()
    with pytest.raises(ValueError, match="NaN"):
        value(cubic_spline(x, y)(t), x=X[::-1])
    with pytest.raises(ShapeError, match="as many values along axis 0"):
        cubic_spline(x, symbol("z", 5))
    with pytest.raises(ShapeError, match="known"):
        pchip(symbol("k", "n"), symbol("z", "n"))
    for bad in ("spline", ("periodic", "natural"), ((3, 1.0), "natural")):
        with pytest.raises(TypeMismatchError, match="bc_type"):
            cubic_spline(x, y, bc_type=bad)
    with pytest.raises(TypeMismatchError, match="real values"):
        pchip(x, symbol("z", 6, dtype="complex128"))
