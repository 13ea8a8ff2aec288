"""Transforms of programs agree with each other, with closed forms, and nest in any order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg

RNG = np.random.default_rng(20)
A = RNG.normal(size=(3, 4))
S = RNG.normal(size=(4, 4))
X = RNG.normal(size=4)
V = RNG.normal(size=4)


def rational(x: Any) -> Any:
    """From four numbers to three."""
    return A @ x / (1 + x @ x) + (A @ (x * x)) * 0.1


def energy(x: Any) -> Any:
    """From four numbers to one."""
    return x @ S @ x / (2 + x @ x) + (x * x) @ x


FUNCTIONS = [rational, lambda x: x * x[0], lambda x: x[1:] * 2 - x[:-1] ** 3, lambda x: A @ x]


def close(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance))


# --- the modes agree -------------------------------------------------------------------------------
@pytest.mark.parametrize("f", FUNCTIONS)
def test_jacobians_by_both_modes_agree(f: Callable[[Any], Any]) -> None:
    forward, reverse, chosen = wg.jacfwd(f)(X), wg.jacrev(f)(X), wg.jacobian(f)(X)
    assert forward.shape == reverse.shape == (*f(X).shape, 4)
    assert close(forward, reverse)
    assert close(forward, chosen)


@pytest.mark.parametrize("f", FUNCTIONS)
def test_changes_are_jacobian_times_direction(f: Callable[[Any], Any]) -> None:
    value, change = wg.jvp(f, (X,), (V,))
    assert close(value, f(X))
    assert close(change, wg.jacrev(f)(X) @ V)


@pytest.mark.parametrize("f", FUNCTIONS)
@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=5, deadline=None)
def test_pullback_is_linear_and_pairs_with_the_change(
    f: Callable[[Any], Any], a: float, b: float
) -> None:
    value, pullback = wg.vjp(f, X)
    rng = np.random.default_rng(7)
    c, d = rng.normal(size=(2, *np.shape(value)))
    (left,) = pullback(a * c + b * d)
    assert close(left, a * pullback(c)[0] + b * pullback(d)[0])
    assert close(pullback(c)[0] @ V, c @ wg.jvp(f, (X,), (V,))[1])


@pytest.mark.parametrize("f", FUNCTIONS)
def test_linearize_is_jvp_kept(f: Callable[[Any], Any]) -> None:
    value, linear = wg.linearize(f, X)
    assert close(value, f(X))
    for direction in RNG.normal(size=(3, 4)):
        assert close(linear(direction), wg.jvp(f, (X,), (direction,))[1])


def test_gradient_is_the_only_row() -> None:
    assert close(wg.grad(energy)(X), wg.jacfwd(energy)(X))
    value, gradient = wg.value_and_grad(energy)(X)
    assert close(value, energy(X))
    assert close(gradient, wg.grad(energy)(X))


def test_gradient_agrees_with_differences() -> None:
    want = wg.numeric.gradient(energy, X)
    assert np.all(np.abs(wg.grad(energy)(X) - want.value) <= want.error + 1e-9)


# --- second derivatives ----------------------------------------------------------------------------
def test_hessian_is_symmetric_and_its_product_with_a_vector() -> None:
    H = wg.hessian(energy)(X)
    assert H.shape == (4, 4)
    assert close(H, H.T)
    assert close(wg.hvp(energy)(X, V), H @ V)
    for first in (wg.jacfwd, wg.jacrev):
        for second in (wg.jacfwd, wg.jacrev):
            assert close(first(second(energy))(X), H)


def test_hessian_of_a_vector_function() -> None:
    H = wg.hessian(rational)(X)
    assert H.shape == (3, 4, 4)
    assert close(H, H.swapaxes(1, 2))
    assert close(H[1], wg.hessian(lambda x: rational(x)[1])(X))


def test_derivatives_of_any_order() -> None:
    f: Callable[..., Any] = lambda x: 1 / x  # noqa: E731  # taken apart by the loop
    x, want = 1.25, 1 / 1.25
    for order in range(1, 6):
        f = wg.grad(f)
        want *= -order / x
        assert close(f(x), want)


# --- nesting ---------------------------------------------------------------------------------------
def test_nested_derivatives_do_not_confuse_their_changes() -> None:
    """d/dx (x * d/dy (x + y)) = 1 and d/dx (x * d/dy (x*y)) = 2x: see Siskind & Pearlmutter 2005."""
    assert wg.grad(lambda x: x * wg.grad(lambda y: x + y)(2.0))(5.0) == 1.0
    assert wg.grad(lambda x: x * wg.grad(lambda y: x * y)(2.0))(5.0) == 10.0
    inner = lambda x: wg.jvp(lambda y: x * y, (3.0,), (1.0,))[1]  # noqa: E731
    assert wg.jvp(lambda x: x * inner(x), (5.0,), (1.0,))[1] == 10.0
    # d/dx (d/dy (x*y at y = x)) differs from the second derivative of x*x.
    assert wg.grad(lambda x: wg.grad(lambda y: x * y)(x))(3.0) == 1.0


def test_the_same_variable_inside_and_outside() -> None:
    def f(x: Any) -> Any:
        return wg.grad(lambda y: y * y * x)(x) * x  # 2 x x x

    assert close(wg.grad(f)(1.5), 6 * 1.5**2)


def test_pullbacks_and_linear_maps_inside_derivatives() -> None:
    assert close(wg.grad(lambda x: wg.vjp(lambda y: y * y * x, 2.0)[1](1.0)[0])(3.0), 4.0)
    assert close(wg.grad(lambda x: wg.vjp(lambda y: y * y, x)[1](x)[0])(3.0), 12.0)
    assert close(wg.grad(lambda x: wg.linearize(lambda y: y**3, x)[1](x))(2.0), 9 * 4.0)


def test_maps_of_gradients_and_gradients_of_maps() -> None:
    rows = RNG.normal(size=(5, 4))
    want = np.stack([wg.grad(energy)(row) for row in rows])
    assert close(wg.vmap(wg.grad(energy))(rows), want)
    assert close(wg.jit(wg.vmap(wg.grad(energy)))(rows), want)
    total = lambda xs: wg.vmap(energy)(xs) @ np.ones(5)  # noqa: E731
    assert close(wg.grad(total)(rows), want)
    assert close(wg.jacfwd(total)(rows), want)


def test_hessians_of_a_batch() -> None:
    rows = RNG.normal(size=(3, 4))
    want = np.stack([wg.hessian(energy)(row) for row in rows])
    assert close(wg.vmap(wg.hessian(energy))(rows), want)


# --- maps ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("out", [0, 1, -1])
def test_axes_of_maps(axis: int, out: int) -> None:
    points = np.moveaxis(RNG.normal(size=(5, 4)), 0, axis)
    want = np.moveaxis(np.stack([rational(p) for p in np.moveaxis(points, axis, 0)]), 0, out)
    assert close(wg.vmap(rational, in_axes=axis, out_axes=out)(points), want)


def test_maps_of_structures() -> None:
    weights = {"w": RNG.normal(size=(5, 4)), "b": 2.0}

    def f(p: Any, x: Any) -> Any:
        return {"y": p["w"] @ x + p["b"], "same": x}

    found = wg.vmap(f, in_axes=({"w": 0, "b": None}, None), out_axes={"y": 0, "same": None})(
        weights, X
    )
    assert close(found["y"], weights["w"] @ X + 2.0)
    assert close(found["same"], X)


def test_maps_in_maps() -> None:
    xs, ys = RNG.normal(size=(3, 4)), RNG.normal(size=(2, 4))
    table = wg.vmap(wg.vmap(lambda x, y: x @ y, in_axes=(None, 0)), in_axes=(0, None))
    assert close(table(xs, ys), xs @ ys.T)


# --- structures ------------------------------------------------------------------------------------
class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass(frozen=True)
class Body:
    mass: Any
    place: Any


def test_gradients_have_the_structure_of_the_argument() -> None:
    point = {"pair": Pair(2.0, np.array([1.0, 3.0])), "body": Body(4.0, (5.0, None)), "list": [6.0]}

    def f(p: Any) -> Any:
        pair, body = p["pair"], p["body"]
        return pair.left * (pair.right @ pair.right) + body.mass * body.place[0] ** 2 * p["list"][0]

    found = wg.grad(f)(point)
    assert list(found) == ["pair", "body", "list"]
    assert isinstance(found["pair"], Pair)
    assert found["pair"].left == 10.0
    assert close(found["pair"].right, [4.0, 12.0])
    assert found["body"] == Body(150.0, (240.0, None))
    assert found["list"] == [100.0]


def test_jacobians_of_structures() -> None:
    def f(p: Any) -> Any:
        return {"a": p["x"] * p["y"], "b": p["x"] ** 2}

    point = {"x": 3.0, "y": np.array([1.0, 2.0])}
    for way in (wg.jacfwd, wg.jacrev, wg.jacobian):
        found = way(f)(point)
        assert close(found["a"]["x"], [1.0, 2.0])
        assert close(found["a"]["y"], 3 * np.eye(2))
        assert close(found["b"]["x"], 6.0)
        assert close(found["b"]["y"], [0.0, 0.0])


def test_several_arguments() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        return x * y**2 + z * x

    assert wg.grad(f, argnums=1)(2.0, 3.0, 5.0) == 12.0
    assert wg.grad(f, argnums=(0, -1))(2.0, 3.0, 5.0) == (14.0, 2.0)
    assert wg.grad(f, argnums=(2, 0))(2.0, 3.0, 5.0) == (2.0, 14.0)
    assert wg.grad(f, argnums=1)(2.0, y=3.0, z=5.0) == 12.0
    H = wg.hessian(f, argnums=(0, 1))(2.0, 3.0, 5.0)
    assert H == ((0.0, 6.0), (6.0, 4.0))


def test_auxiliary_results_are_passed_through() -> None:
    def f(x: Any) -> Any:
        return x @ x, {"half": x / 2, "name": "f", "none": None, "count": 3}

    gradient, aux = wg.grad(f, has_aux=True)(X)
    assert close(gradient, 2 * X)
    assert close(aux.pop("half"), X / 2)
    assert aux == {"name": "f", "none": None, "count": 3}
    (value, again), _ = wg.value_and_grad(f, has_aux=True)(X)
    assert close(value, X @ X)
    assert again["name"] == "f"
    _, pullback, extra = wg.vjp(f, X, has_aux=True)
    assert close(pullback(1.0)[0], 2 * X)
    assert extra["name"] == "f"


# --- the cheaper mode ------------------------------------------------------------------------------
MIXING = np.cos(np.arange(2500.0)).reshape(50, 50)


@pytest.mark.parametrize(
    ("f", "point", "mode"),
    [
        (lambda x: MIXING @ (MIXING @ (x * np.ones(50))), 1.5, "forward"),
        (lambda x: (x / (1 + x * x)) @ x, np.linspace(0, 1, 50), "reverse"),
    ],
)
def test_the_cheaper_mode_is_chosen(f: Callable[[Any], Any], point: Any, mode: str) -> None:
    J = wg.jacobian(f)
    found = J(point)
    assert J.choice.mode == mode
    assert (J.choice.forward < J.choice.reverse) == (mode == "forward")
    assert close(found, wg.jacfwd(f)(point))


# --- what steers derivatives -----------------------------------------------------------------------
def test_checkpoints_change_no_derivative() -> None:
    def f(x: Any) -> Any:
        return wg.checkpoint(energy)(x) ** 2

    def g(x: Any) -> Any:
        return energy(x) ** 2

    assert close(wg.grad(f)(X), wg.grad(g)(X))
    assert close(wg.hessian(f)(X), wg.hessian(g)(X))


def test_stopped_gradients() -> None:
    assert wg.grad(lambda x: x * wg.stop_gradient(x * x))(3.0) == 9.0
    assert wg.jvp(lambda x: x + wg.stop_gradient(x), (3.0,), (1.0,)) == (6.0, 1.0)


# --- what is shown ---------------------------------------------------------------------------------
def test_formulas() -> None:
    def kinetic(m: Any, v: Any) -> Any:
        """Energy of motion."""
        return m * v**2 / 2

    g = wg.grad(kinetic, argnums=1)
    assert g(3.0, 2.0) == 6.0
    assert str(g.formula()) == "m*v"
    assert g.latex() == wg.parse("m*v").latex()
    assert g.__name__ == "grad(kinetic)"
    assert g.__wrapped__ is kinetic
    assert "Energy of motion." in (g.__doc__ or "")
    assert [s.attr.name for s in g.graph().inputs] == ["m", "v"]
    assert g.cost().operations > 0
    assert str(wg.hessian(lambda x: x**4).formula()) == "12*x**2"


def test_signatures_are_captured_once() -> None:
    g = wg.grad(lambda x: x @ x if x.ndim else x * x)
    for point in (X, X + 1, V):
        assert close(g(point), 2 * point)
    assert g.graph(X) is g.graph(V)
    assert g.graph(3.0) is not g.graph(V)
    assert g.graph(3.0) is g.graph(4.0)
    assert g(3.0) == 6.0


SCALE = 2.0


def test_values_from_outside_are_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    g = wg.grad(lambda x: SCALE * x * x)
    assert g(3.0) == 12.0
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    assert g(3.0) == 30.0
    power = 2
    h = wg.grad(lambda x: x**power)
    assert h(3.0) == 6.0
    power = 3
    assert h(3.0) == 27.0


# --- control flow -----------------------------------------------------------------------------------------
def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-13:
        x = (x + a / x) / 2
    return x


def piecewise(x: Any) -> Any:
    total = 0.0
    for k in range(len(x)):
        if x[k] > 0:
            total += np.sin(x[k]) * k
        else:
            total -= x[k] ** 2
    return total


def in_place(x: Any) -> Any:
    y = np.zeros_like(x)
    for i in range(1, len(x)):
        y[i] = y[i - 1] * 0.5 + x[i] * x[i - 1]
    return y


def test_derivatives_through_loops_and_branches() -> None:
    assert close(wg.grad(newton)(2.0), 0.5 / np.sqrt(2.0))
    assert close(wg.grad(wg.grad(newton))(2.0), -0.25 / 2.0**1.5, 1e-8)
    points = RNG.normal(size=6)
    want = np.where(points > 0, np.cos(points) * np.arange(6), -2 * points)
    assert close(wg.grad(piecewise)(points), want)
    assert close(wg.jacfwd(piecewise)(points), want)
    second = np.diag(np.where(points > 0, -np.sin(points) * np.arange(6), -2.0))
    assert close(wg.hessian(piecewise)(points), second)
    J = wg.jacrev(in_place)(points)
    assert close(J, wg.jacfwd(in_place)(points))
    assert close(wg.vjp(in_place, points)[1](points)[0], points @ J)


def test_maps_over_loops_and_branches() -> None:
    rows = RNG.normal(size=(3, 6))
    assert close(wg.vmap(piecewise)(rows), [piecewise(row) for row in rows])
    assert close(wg.vmap(in_place)(rows), [in_place(row) for row in rows])
    want = [wg.grad(piecewise)(row) for row in rows]
    assert close(wg.vmap(wg.grad(piecewise))(rows), want)
    a = np.array([2.0, 3.0, 10.0])
    assert close(wg.vmap(newton)(a), np.sqrt(a))
    assert close(wg.vmap(wg.grad(newton))(a), 0.5 / np.sqrt(a))


def test_transforms_inside_loops_of_programs() -> None:
    def descend(x: Any) -> Any:
        for _ in range(20):
            x = x - 0.1 * wg.grad(energy_of_two)(x)
        return x

    def energy_of_two(x: Any) -> Any:
        return (x * x) @ x + x @ x

    start = np.array([0.5, 0.3])
    want = start
    for _ in range(20):
        want = want - 0.1 * (3 * want**2 + 2 * want)
    assert close(wg.jit(descend)(start), want)
    assert close(wg.jacfwd(descend)(start), wg.jacrev(descend)(start))


def test_arguments_are_not_changed_by_derivatives() -> None:
    def f(x: Any) -> Any:
        x[0] = x[0] * 2
        return x @ x

    point = np.array([1.0, 2.0])
    assert close(wg.grad(f)(point), [8.0, 4.0])
    assert point.tolist() == [1.0, 2.0]
    assert wg.jit(f)(point) == 8.0
    assert point.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("places", [[0, 2, 2, 1], [0, 2, -1, 1], [3, 1, 0, 2], [1, 1, 1, 1]])
def test_the_last_store_of_equal_places_holds(places: list[int]) -> None:
    def f(v: Any, at: Any) -> Any:
        a = np.ones((2, 3 if max(places) < 3 else 4)) * v[0, 0]
        a[:, at] = v
        return a * a

    v = RNG.normal(size=(2, 4))
    at = np.array(places)
    J = wg.jacrev(f)(v, at)
    assert close(J, wg.jacfwd(f)(v, at))
    change = wg.jvp(lambda v: f(v, at), (v,), (np.ones((2, 4)),))[1]
    assert close(J @ np.ones(4) @ np.ones(2), change)


def test_arguments_that_are_one_array() -> None:
    def f(x: Any, y: Any) -> Any:
        x[0] = 5.0
        return x @ y

    compiled = wg.jit(f)
    for _ in range(2):
        a = np.array([1.0, 2.0])
        assert compiled(a, np.array([1.0, 2.0])) == 9.0
        a = np.array([1.0, 2.0])
        assert compiled(a, a) == 29.0


def test_a_jitted_function_inside_a_program_changes_its_arguments() -> None:
    def fill(y: Any, x: Any) -> None:
        y[:] = x

    def f(x: Any) -> Any:
        y = np.zeros(3)
        wg.jit(fill)(y, x)
        return (y * y).sum()

    point = np.array([1.0, 2.0, 3.0])
    assert wg.jit(f)(point) == 14.0
    assert close(wg.grad(f)(point), 2 * point)


def test_tapes_follow_one_run() -> None:
    for function, point in ((newton, 2.0), (piecewise, RNG.normal(size=5)), (energy, X)):
        assert close(wg.grad(function, mode="tape")(point), wg.grad(function)(point))
    taped = wg.grad(lambda x: x * x if x > 0 else -x, mode="tape")
    assert (taped(3.0), taped(-3.0)) == (6.0, -1.0)


def test_loops_that_start_from_constants() -> None:
    weight = np.float64(0.1257302210933933)
    assert close(wg.grad(lambda a: newton(a) * weight)(2.0), 0.5 / np.sqrt(2.0) * weight)
    assert close(wg.vjp(newton, 2.0)[1](weight)[0], 0.5 / np.sqrt(2.0) * weight)


# --- checks -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("f", "args"),
    [
        (newton, (2.0,)),
        (energy, (X,)),
        (rational, (X,)),
        (in_place, (X,)),
        (lambda z: z**3, (1 + 2j,)),
    ],
)
def test_right_derivatives_pass_the_check(f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    assert wg.check_grad(f, *args).worst < 1e-9


def test_wrong_derivatives_fail_the_check() -> None:
    with pytest.raises(wg.VerificationError, match="differences"):
        wg.check_grad(lambda x: x * wg.stop_gradient(x), 2.0)


# --- what programs change outside themselves -------------------------------------------------------
def test_gradients_of_programs_that_change_what_is_outside() -> None:
    def slope(w: float) -> Any:
        sums, log = np.zeros(3), []

        def inner(v: float) -> Any:
            for _ in range(9):
                sums[0] += v
            log.append(v)
            return sums[0] * v

        return wg.grad(inner)(w), sums, log

    found, sums, log = wg.jit(slope)(0.5)
    assert close(found, 9.0)
    assert close(sums, [4.5, 0.0, 0.0])
    assert log == [0.5]


def _walk(rng: Any, w: float) -> float:
    x = 0.0
    for _ in range(9):
        x = x + w * rng.normal()
    return x


def _first_passage(rng: Any, w: float) -> float:
    x = 0.0
    while x < 2 * w:
        x += rng.random()
    return x * w


@pytest.mark.parametrize("walk", [_walk, _first_passage])
def test_gradients_of_programs_that_draw_in_loops(walk: Callable[..., float]) -> None:
    expected = walk(np.random.default_rng(1), 0.5) / 0.5
    assert close(wg.grad(walk, argnums=1)(np.random.default_rng(1), 0.5), expected)
    assert close(wg.jacfwd(walk, argnums=1)(np.random.default_rng(1), 0.5), expected)


def _counting(x: Any) -> Any:
    k = 0

    def following() -> Any:
        nonlocal k
        k += 1
        return k * x

    f = 1.0
    for _ in range(40):
        f = 1 + following() / f
        if abs(f) > 5:
            break
    return f


def test_maps_of_programs_with_counters() -> None:
    points = np.array([0.5, 0.7])
    assert close(wg.vmap(_counting)(points), [_counting(p) for p in points])


def test_mapped_programs_that_change_what_is_outside_are_refused() -> None:
    def total(w: float) -> Any:
        sums = np.zeros(3)

        def inner(v: float) -> Any:
            sums[0] = sums[0] + v
            return sums[0] * v

        return wg.vmap(inner)(np.array([w, 2 * w])), sums

    with pytest.raises(wg.CaptureError, match=r"vmap maps changes array outside"):
        wg.jit(total)(0.5)
