"""Roots, fixed points and minima: values as SciPy's, derivatives against closed forms, of any order."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.optimize

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import ShapeError, TypeMismatchError
from wengert.ir.dump import dump, load
from wengert.ir.node import Expr
from wengert.ir.verify import verify
from wengert.ops.algebra import dot
from wengert.ops.control import for_loop, while_loop
from wengert.ops.einstein import eye
from wengert.ops.exponential import exp, log
from wengert.ops.leaves import ONE, const, symbol
from wengert.ops.solvers.argmin import argmin, fixed_point, implicit
from wengert.ops.solvers.root import find_root, root
from wengert.ops.trig import cos, sin
from wengert.run.reference import evaluate_nodes

a, b = symbol("a"), symbol("b")
v = symbol("v", 3)
A = symbol("A", (3, 3))
RNG = np.random.default_rng(4)
POINT: dict[str, Any] = {
    "a": 1.7,
    "b": 0.6,
    "v": np.array([0.4, -0.7, 1.1]),
    "A": RNG.normal(size=(3, 3)) / 4 + 2 * np.eye(3),
}


def value(node: Expr | None, **changed: Any) -> Any:
    assert node is not None
    return evaluate_nodes([node], {**POINT, **changed})[0]


def derivatives(node: Expr, by: Expr, most: int, *, reverse: bool) -> list[Any]:
    """The derivatives of order 0 to ``most`` by a number, in one mode or the other."""
    found = [value(node)]
    current = node
    for _ in range(most):
        change = vjp([current], [ONE], [by])[0] if reverse else jvp([current], {by: ONE})[0]
        assert change is not None
        current = change
        found.append(value(current))
    return found


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("method", ["brentq", "brenth", "ridder", "bisect", "toms748"])
def test_bracketed_roots_to_the_fourth_order(method: str, reverse: bool) -> None:
    x = root(lambda x: x * exp(x) - a, bracket=(0.0, 3.0), method=method, xtol=1e-15)
    got = derivatives(x, a, 4, reverse=reverse)
    with mpmath.workdps(30):
        want = [
            float(mpmath.diff(lambda t: mpmath.lambertw(t).real, POINT["a"], n)) for n in range(5)
        ]
    np.testing.assert_allclose(got, want, rtol=1e-9)


def test_value_is_that_of_scipy_to_the_last_bit() -> None:
    x = root(lambda x: cos(x) - a * x, bracket=(0, 2))
    assert value(x) == scipy.optimize.brentq(lambda t: np.cos(t) - 1.7 * t, 0, 2)
    y = root(lambda x: cos(x) - a * x, 0.3)
    assert value(y) == scipy.optimize.newton(lambda t: np.cos(t) - 1.7 * t, 0.3)
    z = root(lambda x: A @ x + sin(x) - v, v)
    want = scipy.optimize.fsolve(lambda t: POINT["A"] @ t + np.sin(t) - POINT["v"], POINT["v"])
    np.testing.assert_allclose(value(z), want, rtol=1e-14)  # sums in another order


def test_the_start_has_no_influence() -> None:
    x = root(lambda x: x**2 - a, b)
    assert jvp([x], {b: ONE})[0] is None
    assert value(jvp([x], {a: ONE, b: ONE})[0]) == pytest.approx(0.5 / np.sqrt(1.7), rel=1e-12)


def test_second_derivative_of_a_system_sees_the_root() -> None:
    """The known trap: x in the derivative is a constant no more than x itself is."""
    x = root(lambda x: x**3 + x - v * a, v, xtol=1e-14)
    change = jvp([x], {a: ONE})[0]
    assert change is not None
    again = jvp([change], {a: ONE})[0]
    want = []
    for c in POINT["v"]:
        r = np.roots([1, 0, 1, -1.7 * c])
        r = r[abs(r.imag) < 1e-9].real[0]
        slope = c / (3 * r**2 + 1)
        want.append(-6 * r * slope**2 / (3 * r**2 + 1))
    np.testing.assert_allclose(value(again), want, rtol=1e-9)


def test_reverse_solves_one_transposed_system() -> None:
    x = root(lambda x: A @ x + x**3 / 5 - v, v, xtol=1e-13)
    ct = symbol("ct", 3)
    weights = np.array([0.3, -1.0, 0.5])
    back = vjp([x], [ct], [A, v])
    found = [value(node, ct=weights) for node in back]
    r = value(x)
    jacobian = POINT["A"] + np.diag(3 * r**2 / 5)
    want = np.linalg.solve(jacobian.T, weights)
    np.testing.assert_allclose(found[1], want, rtol=1e-9)
    np.testing.assert_allclose(found[0], -np.outer(want, r), rtol=1e-9)


def test_a_body_whose_ops_take_single_cotangents_only() -> None:
    def body(x: Expr) -> Expr:
        return for_loop(2, x, lambda k, u: u + sin(A @ u) / 5) - v

    x = root(body, v, xtol=1e-13)
    (jacobian,) = vjp([x], [eye(3)], [v])
    want = np.column_stack([value(jvp([x], {v: const(e)})[0]) for e in np.eye(3)])
    np.testing.assert_allclose(value(jacobian), want, rtol=1e-8)


def test_a_root_inside_of_a_loop() -> None:
    def step(k: Expr, s: Expr) -> Expr:
        return root(lambda x: x**3 + x - s * a, s)

    y = for_loop(3, b, step)
    derivative = jvp([y], {a: ONE, b: ONE})[0]
    h = 1e-5
    want = (value(y, a=1.7 + h, b=0.6 + h) - value(y, a=1.7 - h, b=0.6 - h)) / (2 * h)
    assert value(derivative) == pytest.approx(want, rel=1e-6)


def test_roots_that_are_none() -> None:
    with pytest.raises(ValueError, match="different signs"):
        value(root(lambda x: x**2 + a, bracket=(0.0, 1.0)))
    with pytest.raises(RuntimeError, match="converge"):
        value(root(lambda x: x**2 + a, 1.0))


def test_the_derivative_where_there_is_no_root_is_no_number() -> None:
    x = root(lambda x: exp(x) + v**2 + a, v)
    with pytest.warns(RuntimeWarning):
        assert np.isnan(value(jvp([x], {a: ONE})[0])).all()


def test_more_digits_asked_for_than_there_are() -> None:
    x = root(lambda x: x**2 - v**2 * a, v, xtol=1e-15)
    found = find_root("fsolve", lambda x: x**2 - v**2 * a, {"x0": v}, options={"xtol": 1e-15})
    with pytest.warns(RuntimeWarning, match="too small"):
        assert value(found.holds)
    with pytest.warns(RuntimeWarning, match="too small"):
        assert not value(found.converged)
    with pytest.warns(RuntimeWarning, match="too small"):
        got = value(jvp([x], {a: ONE})[0])
    np.testing.assert_allclose(got, POINT["v"] / (2 * np.sqrt(1.7)), rtol=1e-9)


def test_what_is_asked_must_fit() -> None:
    with pytest.raises(ShapeError, match="as many equations"):
        root(lambda x: dot(x, x), v)
    with pytest.raises(TypeMismatchError, match="a start or a bracket"):
        root(lambda x: x)
    with pytest.raises(ShapeError, match="as many equations"):
        implicit(v, lambda x: dot(x, x))
    with pytest.raises(ShapeError, match="a number to minimise"):
        argmin(v, lambda x: x * a)


def test_fixed_points_are_those_of_the_iteration() -> None:
    x = while_loop(lambda x: abs(x * x - a) > 1e-14, lambda x: (x + a / x) / 2, a)
    # The iterates' own derivative is that of the fixed point too, but the first one's is not.
    coarse = while_loop(
        lambda x: abs(x * x - a) > 1e-14, lambda x: (x + a / x) / 2, const(np.sqrt(1.7))
    )
    exact = fixed_point(coarse, lambda x: (x + a / x) / 2)
    want = value(jvp([x], {a: ONE})[0])
    assert value(jvp([exact], {a: ONE})[0]) == pytest.approx(want, rel=1e-12)
    assert jvp([coarse], {a: ONE})[0] is None or value(jvp([coarse], {a: ONE})[0]) != want


@pytest.mark.parametrize("reverse", [False, True])
def test_minima(reverse: bool) -> None:
    """x*log(x) - x - x*log(a) is least at a; a quartic has a minimum without a formula."""
    x = argmin(a, lambda x: x * log(x) - x - x * log(a))
    np.testing.assert_allclose(derivatives(x, a, 2, reverse=reverse), [1.7, 1.0, 0.0], atol=1e-12)
    start = root(lambda x: 4 * x**3 + 2 * a * x + b, -0.2, tol=1e-14)
    y = argmin(start, lambda x: x**4 + a * x**2 + b * x)
    got = derivatives(y, b, 3, reverse=reverse)
    want = derivatives(start, b, 3, reverse=reverse)
    np.testing.assert_allclose(got, want, rtol=1e-10)


def test_graphs_are_sound_and_read_back() -> None:
    x = root(lambda x: A @ x + x**3 / 5 - v, v)
    nodes = [x, *vjp([x], [v], [A, v])]
    verify([n for n in nodes if n is not None])
    assert load(dump([x]))[0] is x
