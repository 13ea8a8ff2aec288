"""Integrals: values as SciPy's, derivatives by Leibniz' rule against closed forms and mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.integrate

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import NoDerivativeError, TypeMismatchError
from wengert.ir.dump import dump, load
from wengert.ir.node import Expr
from wengert.ir.verify import verify
from wengert.ops.complexes import real
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.exponential import exp, log
from wengert.ops.leaves import ONE, const, symbol
from wengert.ops.solvers.quadrature import integral
from wengert.ops.solvers.root import root
from wengert.ops.trig import cos, sin
from wengert.run.reference import evaluate_nodes

a, b, s = symbol("a"), symbol("b"), symbol("s")
v = symbol("v", 3)
INF = const(np.inf)
POINT: dict[str, Any] = {"a": 0.3, "b": 1.4, "s": 0.8, "v": np.array([0.4, 0.7, 1.1])}


def value(node: Expr | None, **changed: Any) -> Any:
    assert node is not None
    return evaluate_nodes([node], {**POINT, **changed})[0]


def by(node: Expr, *symbols: Expr, reverse: bool = False) -> Expr:
    """A mixed partial derivative of a number."""
    for x in symbols:
        change = vjp([node], [ONE], [x])[0] if reverse else jvp([node], {x: ONE})[0]
        assert change is not None
        node = change
    return node


CASES: dict[str, tuple[Callable[..., Expr], Callable[..., Any]]] = {
    "limits": (
        lambda: integral(lambda x: sin(s * x) * exp(-x), a, b)[0],
        lambda a, b, s: mpmath.quad(lambda x: mpmath.sin(s * x) * mpmath.exp(-x), [a, b]),
    ),
    "limits in the integrand": (
        lambda: integral(lambda x: exp(-s * x * b), a, b * a + 1)[0],
        lambda a, b, s: mpmath.quad(lambda x: mpmath.exp(-s * x * b), [a, b * a + 1]),
    ),
    "to infinity": (
        lambda: integral(lambda x: exp(-s * x) * (b + x), a, INF)[0],
        lambda a, b, s: mpmath.exp(-s * a) * (b / s + a / s + 1 / s**2),
    ),
    "from infinity": (
        lambda: integral(lambda x: exp(s * x), -INF, a * b)[0],
        lambda a, b, s: mpmath.exp(s * a * b) / s,
    ),
    "the whole line": (
        lambda: integral(lambda x: exp(-s * x * x + a * x), -INF, INF)[0] * b,
        lambda a, b, s: mpmath.sqrt(mpmath.pi / s) * mpmath.exp(a * a / (4 * s)) * b,
    ),
    "a singular end": (
        lambda: integral(lambda x: x ** (s - 1) * cos(a * x), 0, b)[0],
        lambda a, b, s: mpmath.quad(lambda x: mpmath.cos(a * x ** (1 / s)) / s, [0, b**s]),
    ),
    "backwards": (
        lambda: integral(lambda x: x**2 * s, b, a)[0],
        lambda a, b, s: s * (a**3 - b**3) / 3,
    ),
    "twice": (
        lambda: integral(lambda y: integral(lambda x: exp(-s * x * y), 0, y * b)[0], 0, a)[0],
        lambda a, b, s: mpmath.quad(lambda y: (1 - mpmath.exp(-s * y * y * b)) / (s * y), [0, a]),
    ),
}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_partial_derivatives(name: str, reverse: bool) -> None:
    build, exact = CASES[name]
    node = build()
    at = (POINT["a"], POINT["b"], POINT["s"])
    for n, symbols in {
        (0, 0, 0): (),
        (1, 0, 0): (a,),
        (0, 1, 0): (b,),
        (0, 0, 1): (s,),
        (1, 0, 1): (a, s),
        (0, 1, 1): (b, s),
        (0, 2, 0): (b, b),
    }.items():
        with mpmath.workdps(25):
            want = float(mpmath.diff(exact, at, n)) if any(n) else float(exact(*at))
        got = value(by(node, *symbols, reverse=reverse)) if _moves(node, symbols) else 0.0
        assert got == pytest.approx(want, rel=1e-8, abs=1e-9), symbols


def _moves(node: Expr, symbols: tuple[Expr, ...]) -> bool:
    for x in symbols:
        change = jvp([node], {x: ONE})[0]
        if change is None:
            return False
        node = change
    return True


def test_value_and_error_are_those_of_scipy() -> None:
    got = evaluate_nodes(integral(lambda x: exp(-s * x) * sin(x), a, b), POINT)
    want = scipy.integrate.quad(lambda x: np.exp(-0.8 * x) * np.sin(x), 0.3, 1.4)
    assert got == pytest.approx(list(want), rel=1e-14)
    got = evaluate_nodes(integral(lambda x: abs(x - 0.7), a, b, points=(0.7,), limit=60), POINT)
    want = scipy.integrate.quad(lambda x: abs(x - 0.7), 0.3, 1.4, points=(0.7,), limit=60)
    assert got == pytest.approx(list(want), rel=1e-14)


def test_weights() -> None:
    node = integral(lambda x: exp(-s * x), 0, 2, weight="cos", wvar=3.0)[0]
    want = scipy.integrate.quad(lambda x: np.exp(-0.8 * x), 0, 2, weight="cos", wvar=3.0)[0]
    assert value(node) == want
    change = scipy.integrate.quad(lambda x: -x * np.exp(-0.8 * x), 0, 2, weight="cos", wvar=3.0)[0]
    assert value(by(node, s)) == pytest.approx(change, rel=1e-10)
    moved = integral(lambda x: exp(-s * x), 0, b, weight="cos", wvar=3.0)[0]
    with pytest.raises(NoDerivativeError, match="limits that do not vary"):
        by(moved, b)
    with pytest.raises(NoDerivativeError, match="limits that do not vary"):
        by(moved, b, reverse=True)


def test_arrays_and_stacks_of_cotangents() -> None:
    node = integral(lambda x: sin(v * x), 0, b)[0]
    np.testing.assert_allclose(value(node), (1 - np.cos(POINT["v"] * 1.4)) / POINT["v"], rtol=1e-12)
    jacobian, column = vjp([node], [eye(3)], [v, b])
    z = POINT["v"]
    slopes = 1.4 * np.sin(1.4 * z) / z - (1 - np.cos(1.4 * z)) / z**2
    np.testing.assert_allclose(value(jacobian), np.diag(slopes), atol=1e-12)
    np.testing.assert_allclose(value(column), np.sin(1.4 * z), rtol=1e-12)


def test_many_parameters_cost_one_integral_each_and_one_body() -> None:
    node = integral(lambda x: sum_axes(v * sin(v * x)), 0, b)[0]
    (gradient,) = vjp([node], [ONE], [v])
    z = POINT["v"]
    np.testing.assert_allclose(value(gradient), 1.4 * np.sin(1.4 * z), rtol=1e-12)


def test_complex_integrands() -> None:
    z = symbol("z", dtype="complex128")
    node = integral(lambda x: exp(z * x), a, b)[0]
    at = 0.3 + 0.9j
    want = (np.exp(at * 1.4) - np.exp(at * 0.3)) / at
    assert value(node, z=at) == pytest.approx(want, rel=1e-12)
    (ct, end) = vjp([real(node)], [ONE], [z, b])
    slope = (1.4 * np.exp(at * 1.4) - 0.3 * np.exp(at * 0.3)) / at - want / at
    assert value(ct, z=at) == pytest.approx(np.conj(slope), rel=1e-12)  # dL/dx + i dL/dy
    assert value(end, z=at) == pytest.approx(np.exp(at * 1.4).real, rel=1e-12)


def test_a_limit_that_is_a_root() -> None:
    """The area under log(x)/x up to where it is as large as s."""
    end = root(lambda x: log(x) ** 2 / 2 - s, bracket=(1.0, 20.0), xtol=1e-14)
    area = integral(lambda x: log(x) / x, 1, end)[0]
    assert value(area) == pytest.approx(POINT["s"], rel=1e-10)
    assert value(by(area, s)) == pytest.approx(1.0, rel=1e-10)
    assert value(by(area, s, s)) == pytest.approx(0.0, abs=1e-8)


def test_what_is_asked_must_fit() -> None:
    with pytest.raises(TypeMismatchError, match="numbers as limits"):
        integral(lambda x: x, v, 1)


def test_graphs_are_sound_and_read_back() -> None:
    node = integral(lambda x: sin(s * x), a, b)[0]
    change = by(node, s)
    verify([node, change])
    assert load(dump([change]))[0] is change
