"""Programs that call SciPy's solvers: the same values, and derivatives against differences."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.integrate
import scipy.interpolate
import scipy.optimize

import wengert as wg
from wengert.errors import CaptureError
from wengert.frontend.scipy_solvers import CALLBACKS, solver_of

SCALE = 2.0
X = np.linspace(0.0, 3.0, 7)
SPLINE = scipy.interpolate.CubicSpline(X, np.sin(X))


def bracketed(a: float) -> Any:
    total = 0.0
    for search in (scipy.optimize.brentq, scipy.optimize.bisect, scipy.optimize.ridder):
        total += search(lambda x: x * math.exp(x) - a * SCALE, 0, 3, xtol=1e-13)
    x, report = scipy.optimize.toms748(lambda x, c: x**3 - c, 0.5, 4, args=(a,), full_output=True)
    assert report.converged
    return total + x * (1 if report.function_calls > 3 else 2)


def newtons(a: float) -> Any:
    x = scipy.optimize.newton(lambda x: x * math.exp(x) - a, 1.0)
    y = scipy.optimize.newton(lambda x: x**2 - a, 1.0, fprime=lambda x: 2 * x, tol=1e-12)
    z = scipy.optimize.newton(lambda x, c: x**3 - c, np.array([1.0, 2.0]), args=(a * X[1:3],))
    return x + y * z[0] - z[1]


def scalars(a: float) -> Any:
    first = scipy.optimize.root_scalar(lambda x: x**3 - a if x > 0 else -a, bracket=[0, 5])
    second = scipy.optimize.root_scalar(lambda x: math.cos(x) - a * x, x0=0.4, x1=0.6)
    third = scipy.optimize.root_scalar(
        lambda x: math.cos(x) - a * x, x0=0.4, fprime=lambda x: -math.sin(x) - a
    )
    fourth = scipy.optimize.root_scalar(lambda x: math.cos(x) - a * x, x0=0.4, method="newton")
    return first.root * second.root + third.root - fourth.root**2 + min(first.iterations, 1)


def systems(a: float) -> Any:
    x = scipy.optimize.fsolve(lambda v: [v[0] ** 2 + v[1] - a, v[0] - v[1] ** 3], [1.0, 1.0])
    found = scipy.optimize.root(
        lambda v, c: np.array([v[0] + v[1] ** 2 - c, v[0] * v[1] - 1]),
        np.array([1.0, 0.8]),
        args=(a + 1,),
        jac=lambda v, c: np.array([[1, 2 * v[1]], [v[1], v[0]]]),
    )
    return x[0] * x[1] + found.x[0] * (1.0 if found.success else 0.0) + found["fun"][1]


def fixed_points(a: float) -> Any:
    return scipy.optimize.fixed_point(lambda x: math.cos(a * x) / 2, 0.5, xtol=1e-12)


def minima(a: float) -> Any:
    free = scipy.optimize.minimize(
        lambda p: (p[0] - a) ** 2 + (p[1] - p[0] ** 2) ** 2, [0.0, 0.0], tol=1e-10
    )
    line = scipy.optimize.minimize_scalar(lambda x: x**4 + a * x**2 - x, tol=1e-12)
    fit = scipy.optimize.least_squares(
        lambda p: p[0] * np.exp(-p[1] * X) - np.cos(a * X / 5), [1.0, 0.1], xtol=1e-14, ftol=1e-14
    )
    return free.x[1] + line.x * line.fun + fit.x[0] * fit.x[1]


def integrals(a: float) -> Any:
    def inside(x: float, c: float) -> float:
        if x < 0.3:
            return c * x
        return math.exp(-a * x * x) / (x + 1)

    one = scipy.integrate.quad(inside, 0, 1, args=(a,), points=[0.3])[0]
    two = scipy.integrate.quad(lambda x: math.exp(-a * x), a, np.inf)[0]
    area, _ = scipy.integrate.dblquad(lambda y, x: x * y * a, 0, a, 0, lambda x: x * a)
    three = scipy.integrate.fixed_quad(lambda x: np.sin(a * x), 0, a, n=4)[0]
    return one + two * area - three


def equations(a: float) -> Any:
    def rhs(t: float, y: Any) -> Any:
        dy = np.zeros(2)
        dy[0] = y[1]
        dy[1] = -a * np.sin(y[0]) + t
        return dy

    s = scipy.integrate.solve_ivp(rhs, (0, 1.5), [1.0, 0.0], t_eval=X[:4], rtol=1e-9, atol=1e-10)
    u = scipy.integrate.solve_ivp(
        lambda t, y, c: -c * (y - np.cos(t)), [0, a], [0.5], method="Radau", args=(3.0,), rtol=1e-8
    )
    w = scipy.integrate.odeint(lambda y, t, c: [y[1], -c * y[0]], [1.0, 0.0], X, args=(a,))
    assert s.success
    return s.y[0, -1] + s.t[1] * u.y[0, -1] + w[-1, 0]


def splines(a: float) -> Any:
    cs = scipy.interpolate.CubicSpline(X, np.sin(a * X), bc_type="natural")
    first = cs(1.3) + cs.derivative()(0.4) + cs.integrate(0, 2) + float(cs(2.1, 1))
    p = scipy.interpolate.PchipInterpolator(X, np.cos(a * X))
    h = scipy.interpolate.CubicHermiteSpline(X, X * a, X**2)
    return first + p(X[1:4] + 0.2).sum() * h(0.7) + float(SPLINE(a)) * SPLINE(2.0)


def samples(a: float) -> Any:
    y = np.sin(a * X)
    total = scipy.integrate.simpson(y, x=X) + scipy.integrate.simpson(y[:6], dx=0.5)
    total += (
        scipy.integrate.trapezoid(y, X) * scipy.integrate.cumulative_trapezoid(y, X, initial=0)[3]
    )
    for kind in ("linear", "nearest", "previous", "next", "cubic"):
        f = scipy.interpolate.interp1d(X, y, kind=kind)
        total += f(1.2) * f(np.array([0.1, 2.0]))[1]
    g = scipy.interpolate.interp1d(X, y, fill_value=(a, 2.0), bounds_error=False)
    e = scipy.interpolate.interp1d(X, y, fill_value="extrapolate")
    return total + g(-1.0) + g(4.0) + e(3.5)


def nested(a: float) -> Any:
    def area(b: float) -> float:
        return scipy.integrate.quad(lambda x: math.exp(-b * x) * a, 0, 1)[0]

    total = 0.0
    for i in range(3):
        total += scipy.optimize.brentq(
            lambda b, i=i: area(b) - 0.3 - 0.1 * i, 0.01, 40.0, xtol=1e-13
        )
    return total


PROGRAMS = [
    bracketed, newtons, scalars, systems, fixed_points, minima, integrals, equations, splines, samples, nested
]  # fmt: skip
CLOSE = {"minima": 2e-5, "equations": 1e-5}  # what SciPy reaches at these tolerances


def difference(f: Callable[[float], Any], a: float, h: float = 1e-3) -> Any:
    return (8 * (f(a + h) - f(a - h)) - (f(a + 2 * h) - f(a - 2 * h))) / (12 * h)


@pytest.mark.parametrize("f", PROGRAMS)
def test_captured_programs(f: Callable[[float], Any]) -> None:
    value, slope = wg.value_and_grad(f)(1.3)
    assert value == pytest.approx(f(1.3), rel=1e-12)
    close = CLOSE.get(f.__name__, 1e-6)
    assert slope == pytest.approx(difference(f, 1.3), rel=close)
    forward = wg.jvp(f, (1.3,), (1.0,))[1]
    assert forward == pytest.approx(slope, rel=1e-7)
    # The same program at another point: nothing of the first one was kept.
    assert wg.value_and_grad(f)(1.45)[0] == pytest.approx(f(1.45), rel=1e-12)


@pytest.mark.parametrize("f", PROGRAMS)
def test_tape(f: Callable[[float], Any]) -> None:
    slope = wg.grad(f)(1.3)
    assert wg.grad(f, mode="tape")(1.3) == pytest.approx(slope, rel=1e-9)


@pytest.mark.parametrize("f", [bracketed, systems, integrals, splines, nested, fixed_points])
def test_second_derivatives(f: Callable[[float], Any]) -> None:
    g = wg.grad(f)
    assert wg.grad(g)(1.3) == pytest.approx(difference(g, 1.3), rel=1e-5)


def test_globals_are_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    g = wg.value_and_grad(bracketed)
    assert g(1.3)[0] == pytest.approx(bracketed(1.3), rel=1e-12)
    monkeypatch.setitem(globals(), "SCALE", 2.5)
    assert g(1.3)[0] == pytest.approx(bracketed(1.3), rel=1e-12)


def test_errors_in_a_body_come_through() -> None:
    def f(a: float) -> float:
        return scipy.integrate.quad(lambda x: 1 / (x - 0.5 * a), 0, 1)[0]

    with pytest.raises(ZeroDivisionError):
        f(1.0)
    with pytest.raises(ZeroDivisionError):
        wg.jit(f)(1.0)

    def outside(a: float) -> float:
        return scipy.interpolate.interp1d(X, np.sin(a * X))(a)

    assert wg.jit(outside)(1.0) == outside(1.0)
    for g in (outside, wg.jit(outside)):
        with pytest.raises(ValueError, match=r"A value \(3.5\) in x_new is above"):
            g(3.5)

    def rootless(a: float) -> float:
        return scipy.optimize.brentq(lambda x: x * x + a, 0, 1)

    for g in (rootless, wg.jit(rootless)):
        with pytest.raises(ValueError, match="different signs"):
            g(1.0)


def test_bodies_that_change_what_is_around_them_are_refused() -> None:
    def f(a: float) -> float:
        seen: list[float] = []

        def body(x: float) -> float:
            seen.append(x)
            return a * x

        return scipy.integrate.quad(body, 0, 1)[0] + len(seen)

    with pytest.raises(
        CaptureError, match=r"changes `.*`, and .*quad calls it as often as it likes"
    ):
        wg.jit(f)(1.0)


REFUSED: dict[str, Callable[[float], Any]] = {
    "dense_output": lambda a: (
        scipy.integrate.solve_ivp(lambda t, y: a * y, (0, 1), [1.0], dense_output=True).y
    ),
    "events": lambda a: (
        scipy.integrate.solve_ivp(lambda t, y: a * y, (0, 1), [1.0], events=lambda t, y: y[0]).y
    ),
    "bounds": lambda a: scipy.optimize.minimize(
        lambda p: (p[0] - a) ** 2, [0.0], bounds=[(0, 1)]
    ).x[0],
    "constraints": lambda a: scipy.optimize.minimize(
        lambda p: (p[0] - a) ** 2, [0.0], constraints={"type": "eq"}
    ).x[0],
    "fprime": lambda a: (
        scipy.optimize.root_scalar(lambda x: (x**2 - a, 2 * x), x0=1.0, fprime=True).root
    ),
    "full_output": lambda a: scipy.optimize.fsolve(lambda x: x**2 - a, 1.0, full_output=True)[0],
    "kind": lambda a: scipy.interpolate.interp1d(X, a * X, kind="quadratic")(1.0),
    "xtol": lambda a: scipy.optimize.brentq(lambda x: x**2 - a, 0, 4, xtol=a),
    "bc_type": lambda a: scipy.interpolate.CubicSpline(X, a * X, bc_type="best")(1.0),
    "method": lambda a: (
        scipy.integrate.solve_ivp(lambda t, y: a * y, (0, 1), [1.0], method=scipy.integrate.RK45).y
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_refused_by_name(name: str) -> None:
    with pytest.raises(CaptureError, match=f"`{name}`"):
        wg.jit(REFUSED[name])(1.3)


def test_solvers_without_a_rule_are_refused() -> None:
    def f(a: float) -> float:
        return scipy.optimize.basinhopping(lambda p: (p[0] - a) ** 2, [0.0]).x[0]

    with pytest.raises(CaptureError, match="basinhopping"):
        wg.jit(f)(1.0)


def test_every_name_is_one_of_scipy() -> None:
    modules = {
        "scipy.optimize": scipy.optimize,
        "scipy.integrate": scipy.integrate,
        "scipy.interpolate": scipy.interpolate,
    }
    for title, stands in CALLBACKS.items():
        package, _, name = title.rpartition(".")
        original = getattr(modules[package], name)
        assert solver_of(original) is stands, title
        theirs = list(inspect.signature(original).parameters)
        mine = inspect.signature(stands).parameters
        known = [p for p in mine if p in theirs]
        assert known == [p for p in theirs if p in mine][: len(known)], title
    assert solver_of(math.sin) is None
    assert solver_of(brentq_of_mine) is None


def brentq_of_mine() -> None:
    """A function that only has a similar name."""


brentq_of_mine.__qualname__, brentq_of_mine.__module__ = "brentq", "scipy.optimize"
