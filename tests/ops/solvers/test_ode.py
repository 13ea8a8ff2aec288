"""Initial value problems: values as SciPy's, derivatives to the solver's accuracy, modes to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import ShapeError, TypeMismatchError
from wengert.ir.dump import dump, load
from wengert.ir.node import Expr
from wengert.ir.verify import verify
from wengert.ops.control import branch, for_loop
from wengert.ops.einstein import eye
from wengert.ops.leaves import ONE, const, symbol
from wengert.ops.solvers.ode import initial_value_problem, odeint
from wengert.ops.trig import cos, sin
from wengert.run.reference import evaluate_nodes

k, end, begin = symbol("k"), symbol("end"), symbol("begin")
y0 = symbol("y0", 2)
POINT: dict[str, Any] = {"k": 1.3, "end": 2.0, "begin": 0.1, "y0": np.array([1.0, 0.2])}
TIMES = np.array([0.1, 0.3, 1.1, 1.9])
METHODS = ["RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA"]
FINE = {"rtol": 1e-8, "atol": 1e-10}


def value(node: Expr | None, **changed: Any) -> Any:
    assert node is not None
    return evaluate_nodes([node], {**POINT, **changed})[0]


def pendulum(t: Any, y: Any, k: Any = k, sine: Any = sin) -> list[Any]:
    return [y[1], -k * sine(y[0]) + sine(t) * y[0]]


def by_scipy(**changed: Any) -> Any:
    p = {**POINT, **changed}

    def f(t: float, y: Any) -> Any:
        return pendulum(t, y, p["k"], np.sin)

    return scipy.integrate.solve_ivp(
        f, (p["begin"], p["end"]), p["y0"], "DOP853", rtol=1e-13, atol=1e-14
    ).y[:, -1]


def differences(name: str, direction: Any) -> Any:
    h = 1e-3
    plus, minus, plus2, minus2 = (
        by_scipy(**{name: POINT[name] + c * h * direction}) for c in (1, -1, 2, -2)
    )
    return (8 * (plus - minus) - (plus2 - minus2)) / (12 * h)


@pytest.mark.parametrize("times", [None, TIMES])
@pytest.mark.parametrize("method", METHODS)
def test_value_is_that_of_scipy(method: str, times: Any) -> None:
    found = initial_value_problem(pendulum, (begin, end), y0, method=method, t_eval=times)
    want = scipy.integrate.solve_ivp(
        lambda t, y: pendulum(t, y, 1.3, np.sin), (0.1, 2.0), POINT["y0"], method, t_eval=times
    )
    got = evaluate_nodes(list(found), POINT)
    np.testing.assert_array_equal(got[0], want.t)
    np.testing.assert_allclose(got[1], want.y, rtol=1e-13)
    assert tuple(got[2:]) == (want.nfev, want.njev, want.nlu)


@pytest.mark.parametrize("evaluated", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_derivatives_to_the_accuracy_of_the_solution(method: str, evaluated: bool) -> None:
    # RK23 takes many steps to get there.
    options = {"rtol": 1e-6, "atol": 1e-8} if method == "RK23" else FINE
    times = const(np.array([0.4])) if evaluated else None
    found = initial_value_problem(
        pendulum, (begin, end), y0, method=method, t_eval=times, **options
    )
    last = found.y[:, 0 if evaluated else -1]
    ct = symbol("ct", 2)
    weights, direction = np.array([0.3, -0.8]), np.array([0.6, 0.5])
    t = symbol("t", 2)
    forward = [jvp([last], {k: ONE})[0], jvp([last], {y0: t})[0]]
    values = [value(node, t=direction) for node in forward]
    back = [value(node, ct=weights) for node in vjp([last], [ct], [k, y0])]
    assert back[0] == pytest.approx(weights @ values[0], rel=1e-11)
    assert back[1] @ direction == pytest.approx(weights @ values[1], rel=1e-11)
    if evaluated:
        return
    close = {"rtol": 30 * options["rtol"], "atol": 30 * options["rtol"]}
    np.testing.assert_allclose(values[0], differences("k", 1.0), **close)
    np.testing.assert_allclose(values[1], differences("y0", direction), **close)
    ends = [value(jvp([last], {x: ONE})[0]) for x in (begin, end)]
    np.testing.assert_allclose(ends[0], differences("begin", 1.0), **close)
    np.testing.assert_allclose(ends[1], differences("end", 1.0), **close)


def test_the_solution_moves_with_the_times_of_output() -> None:
    times = symbol("times", 3)
    at = np.array([0.2, 0.9, 2.0])
    for method in ("RK45", "DOP853", "Radau", "LSODA"):
        y = initial_value_problem(pendulum, (begin, end), y0, method=method, t_eval=times, **FINE).y
        change = jvp([y], {times: const(np.ones(3))})[0]
        values = value(y, times=at)
        slopes = np.array([pendulum(t, v, 1.3, np.sin) for t, v in zip(at, values.T, strict=True)])
        np.testing.assert_allclose(value(change, times=at), slopes.T, rtol=1e-4, err_msg=method)


def test_second_derivatives() -> None:
    """Of y' = -k y: y = y0 exp(-k t)."""
    x = symbol("x", 1)
    for method in ("RK45", "DOP853", "Radau"):
        y = initial_value_problem(lambda t, y: -k * y, (0, end), x, method=method, **FINE).y[0, -1]
        first = jvp([y], {k: ONE})[0]
        assert first is not None
        both = [jvp([first], {k: ONE})[0], vjp([first], [ONE], [k])[0]]
        (gradient,) = vjp([y], [ONE], [k])
        assert gradient is not None
        both += [jvp([gradient], {k: ONE})[0], vjp([gradient], [ONE], [k])[0]]
        got = [value(node, x=np.array([1.5])) for node in both]
        np.testing.assert_allclose(got, 4 * 1.5 * np.exp(-2.6), rtol=1e-6, err_msg=method)
        np.testing.assert_allclose(got, got[0], rtol=1e-10, err_msg=method)


def test_backwards_in_time() -> None:
    y = initial_value_problem(pendulum, (end, begin), y0, **FINE).y[:, -1]
    there = initial_value_problem(pendulum, (begin, end), y, **FINE).y[:, -1]
    (jacobian,) = vjp([there], [eye(2)], [y0])
    np.testing.assert_allclose(value(jacobian), np.eye(2), atol=1e-6)
    times = np.array([1.7, 0.2])
    y = initial_value_problem(lambda t, y: -k * y, (end, begin), y0, t_eval=times, **FINE).y
    want = -(times - 2.0) * np.exp(-1.3 * (times - 2.0)) * POINT["y0"][:, None]
    np.testing.assert_allclose(value(jvp([y], {k: ONE})[0]), want, rtol=1e-5)


@pytest.mark.parametrize("method", ["Radau", "BDF", "LSODA"])
def test_stiff_problems(method: str) -> None:
    """Prothero and Robinson: y' = -s (y - cos t) - sin t keeps to cos t, and forgets where it began."""
    s = symbol("s")
    x = symbol("x", 1)
    y = initial_value_problem(
        lambda t, y: -s * (y - cos(k * t)) - k * sin(k * t),
        (0, 2),
        x,
        method=method,
        rtol=1e-6,
        atol=1e-8,
    ).y[0, -1]
    given = {"s": 1e4, "x": np.array([1.0])}
    slopes = [value(node, **given) for node in vjp([y], [ONE], [k, x])]
    np.testing.assert_allclose(slopes[0], -2 * np.sin(2.6), rtol=1e-4)
    np.testing.assert_allclose(slopes[1], 0.0, atol=1e-6)


def test_odeint() -> None:
    times = symbol("times", 4)
    found = odeint(pendulum, y0, times)
    want = scipy.integrate.odeint(lambda y, t: pendulum(t, y, 1.3, np.sin), POINT["y0"], TIMES)
    np.testing.assert_allclose(value(found.y, times=TIMES), want.T, rtol=1e-13)
    slopes = np.array([pendulum(t, v, 1.3, np.sin) for t, v in zip(TIMES, want, strict=True)])
    change = jvp([found.y], {times: const(np.array([0.0, 1.0, 1.0, 1.0]))})[0]
    np.testing.assert_allclose(value(change, times=TIMES)[:, 1:], slopes.T[:, 1:], rtol=1e-6)
    by_k = value(jvp([found.y], {k: ONE})[0], times=TIMES)[:, -1]
    np.testing.assert_allclose(by_k, _at_1_9(), rtol=1e-6)
    ct = symbol("ct", (2, 4))
    weights = np.random.default_rng(2).normal(size=(2, 4))
    back = vjp([found.y], [ct], [k])[0]
    forward = value(jvp([found.y], {k: ONE})[0], times=TIMES)
    assert value(back, times=TIMES, ct=weights) == pytest.approx(
        np.sum(weights * forward), rel=1e-10
    )


def _at_1_9() -> Any:
    h = 1e-3
    found = [by_scipy(k=1.3 + c * h, end=1.9) for c in (1, -1, 2, -2)]
    return (8 * (found[0] - found[1]) - (found[2] - found[3])) / (12 * h)


def test_a_jacobian_of_the_right_hand_side_is_used() -> None:
    def jac(t: Expr, y: Expr) -> list[Any]:
        return [[0, 1], [-k * cos(y[0]) + sin(t), 0]]

    found = initial_value_problem(pendulum, (begin, end), y0, method="Radau", jac=jac)
    want = scipy.integrate.solve_ivp(
        lambda t, y: pendulum(t, y, 1.3, np.sin),
        (0.1, 2.0),
        POINT["y0"],
        "Radau",
        jac=lambda t, y: np.array([[0, 1], [-1.3 * np.cos(y[0]) + np.sin(t), 0]]),
    )
    np.testing.assert_allclose(value(found.y), want.y, rtol=1e-12)
    assert value(found.evaluations) == want.nfev


def test_control_flow_in_the_right_hand_side() -> None:
    def f(t: Expr, y: Expr) -> Expr:
        return branch(t > 1, lambda: -y, lambda: for_loop(2, y, lambda i, u: u * k / 2))

    y = initial_value_problem(f, (0, end), y0, rtol=1e-9, atol=1e-12, max_step=0.1).y[0, -1]
    assert value(y) == pytest.approx(np.exp(1.3**2 / 4 - 1), rel=1e-4)
    assert value(jvp([y], {k: ONE})[0]) == pytest.approx(1.3 / 2 * np.exp(1.3**2 / 4 - 1), rel=1e-4)


def test_a_solution_inside_of_a_loop() -> None:
    def step(i: Expr, y: Expr) -> Expr:
        return initial_value_problem(lambda t, u: -k * u, (0, 0.5), y, **FINE).y[:, -1]

    y = for_loop(3, y0, step)
    np.testing.assert_allclose(value(y), POINT["y0"] * np.exp(-1.95), rtol=1e-7)
    np.testing.assert_allclose(
        value(jvp([y], {k: ONE})[0]), -1.5 * POINT["y0"] * np.exp(-1.95), rtol=1e-6
    )
    (back,) = vjp([y[0]], [ONE], [k])
    assert value(back) == pytest.approx(-1.5 * np.exp(-1.95), rel=1e-6)


def test_what_is_asked_must_fit() -> None:
    with pytest.raises(TypeMismatchError, match="one of RK45"):
        initial_value_problem(pendulum, (0, 1), y0, method="Euler")
    with pytest.raises(ShapeError, match="a right-hand side of type"):
        initial_value_problem(lambda t, y: [y[0]], (0, 1), y0)
    with pytest.raises(ShapeError, match="a vector of initial values"):
        initial_value_problem(pendulum, (0, 1), symbol("Y", (2, 2)))
    blow_up = initial_value_problem(lambda t, y: y**2, (0, 3), y0)
    with pytest.raises(ValueError, match="did not reach t = 3"):
        value(blow_up.y[0, -1])


def test_graphs_are_sound_and_read_back() -> None:
    y = initial_value_problem(pendulum, (begin, end), y0, t_eval=TIMES).y
    change = jvp([y], {k: ONE})[0]
    assert change is not None
    verify([y, change])
    assert load(dump([change]))[0] is change
