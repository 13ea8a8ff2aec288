"""Rules of one's own in programs: custom rules, code from outside, implicit functions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.special

import wengert as wg

GAIN = 3.0
V = np.array([0.4, -0.7, 1.1])


# --- custom rules ------------------------------------------------------------------------------------------
def own_exp() -> Any:
    @wg.custom_rule
    def f(x: Any) -> Any:
        return np.exp(x)

    @f.def_jvp
    def _(primals: Any, tangents: Any) -> Any:
        return f(primals[0]), GAIN / GAIN * f(primals[0]) * tangents[0]

    return f


def own_exp_reverse() -> Any:
    @wg.custom_rule
    def f(x: Any) -> Any:
        return np.exp(x)

    def fwd(x: Any) -> Any:
        y = f(x)
        return y, y

    f.def_vjp(fwd, lambda y, ct: (y * ct,))
    return f


@pytest.mark.parametrize("mode", ["capture", "tape"])
@pytest.mark.parametrize("make", [own_exp, own_exp_reverse])
def test_one_rule_serves_all_modes_and_orders(make: Any, mode: Any) -> None:
    f = make()
    assert f(0.7) == np.exp(0.7)
    g: Any = lambda x: f(2 * x) * x  # noqa: E731
    e = np.exp(1.4)
    assert wg.grad(g, mode=mode)(0.7) == pytest.approx((2 * 0.7 + 1) * e)
    assert wg.grad(wg.grad(g, mode=mode))(0.7) == pytest.approx((4 * 0.7 + 4) * e)
    assert wg.grad(wg.grad(wg.grad(g)))(0.7) == pytest.approx((8 * 0.7 + 12) * e)
    assert wg.jvp(g, (0.7,), (1.0,))[1] == pytest.approx((2 * 0.7 + 1) * e)
    np.testing.assert_allclose(wg.jacfwd(f)(V), np.diag(np.exp(V)), rtol=1e-12)
    np.testing.assert_allclose(wg.jacrev(f)(V), np.diag(np.exp(V)), rtol=1e-12)
    np.testing.assert_allclose(
        wg.hessian(lambda v: np.sum(f(v) * v))(V), np.diag((2 + V) * np.exp(V))
    )
    report = wg.check_grad(lambda x, v: np.sum(f(x * v)), 0.7, V)
    assert report.unjudged == 0
    f.check(0.7)
    f.check(V)


def test_the_rule_is_used_and_not_the_body() -> None:
    @wg.custom_rule
    def straight(x: Any) -> Any:
        return np.round(x)

    @straight.def_jvp
    def _(primals: Any, tangents: Any) -> Any:
        return straight(*primals), tangents[0]

    assert wg.value_and_grad(lambda x: straight(x * 3.0))(0.9) == (3.0, 3.0)
    straight.check(0.4, body=False)


def test_rules_that_call_each_other() -> None:
    @wg.custom_rule
    def sine(x: Any) -> Any:
        return np.sin(x)

    @wg.custom_rule
    def cosine(x: Any) -> Any:
        return np.cos(x)

    sine.def_jvp(lambda p, t: (sine(p[0]), cosine(p[0]) * t[0]))
    cosine.def_vjp(lambda x: (cosine(x), x), lambda x, ct: (-sine(x) * ct,))
    g: Any = lambda x: sine(x) * cosine(x)  # noqa: E731
    for n, want in enumerate([np.sin(1.4) / 2, np.cos(1.4), -2 * np.sin(1.4), -4 * np.cos(1.4)]):
        d = g
        for _ in range(n):
            d = wg.grad(d)
        assert d(0.7) == pytest.approx(want)


class Pair(NamedTuple):
    """A structure."""

    left: Any
    right: Any


def test_structures_defaults_and_known_arguments() -> None:
    @wg.custom_rule
    def scaled(p: Any, n: int, mode: str = "plain", factor: float = 2.0) -> Any:
        return {"y": p.left**n * factor, "z": [p.right * p.left]}

    @scaled.def_jvp
    def _(primals: Any, tangents: Any) -> Any:
        (p, n, mode, factor), (t, *_rest) = primals, tangents
        assert mode == "fancy"
        y = n * p.left ** (n - 1) * t.left * factor + p.left**n * tangents[3]
        return scaled(*primals), {"y": y, "z": [t.right * p.left + p.right * t.left]}

    def f(x: float, v: Any) -> Any:
        found = scaled(Pair(x, v), 3, mode="fancy", factor=x)
        return found["y"] + np.sum(found["z"][0])

    assert wg.check_grad(f, 0.7, V).unjudged == 0
    assert wg.value_and_grad(f)(0.7, V)[0] == pytest.approx(f(0.7, V))


def test_reverse_rules_with_structures() -> None:
    @wg.custom_rule
    def norm(p: Any, c: float) -> Any:
        return math.sqrt(p["a"] ** 2 + p["b"] ** 2) * c, c

    def fwd(p: Any, c: float) -> Any:
        r = math.sqrt(p["a"] ** 2 + p["b"] ** 2)
        return (r * c, c), (p, r, c)

    def bwd(kept: Any, ct: Any) -> Any:
        p, r, c = kept
        first, second = ct
        return {"a": first * c * p["a"] / r, "b": first * c * p["b"] / r}, first * r + second

    norm.def_vjp(fwd, bwd)

    def f(a: float, b: float) -> Any:
        r, c = norm({"a": a, "b": b}, a * b)
        return r * 2 + c

    assert wg.check_grad(f, 0.7, 1.2).unjudged == 0


def test_rules_inside_of_loops_and_branches() -> None:
    f = own_exp()

    def g(x: float) -> float:
        s = x
        for i in range(6):
            s = f(s / 3) if s < 2 else f(-s) + i
        return s

    value, slope = wg.value_and_grad(g)(0.7)
    assert value == pytest.approx(g(0.7))
    h = 1e-6
    assert slope == pytest.approx((g(0.7 + h) - g(0.7 - h)) / (2 * h), rel=1e-6)


def test_rules_read_globals_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    @wg.custom_rule
    def f(x: float) -> float:
        return x * GAIN

    f.def_jvp(lambda p, t: (f(*p), 10 * GAIN * t[0]))
    g = wg.value_and_grad(f)
    assert g(2.0) == (6.0, 30.0)
    monkeypatch.setitem(globals(), "GAIN", 4.0)
    assert g(2.0) == (8.0, 40.0)


def test_formulas_of_functions_with_rules() -> None:
    f = own_exp_reverse()
    x = wg.symbol("x")
    assert f(x).evaluate(x=0.5) == pytest.approx(np.exp(0.5))
    assert wg.diff(f(x) * x, x).evaluate(x=0.5) == pytest.approx(1.5 * np.exp(0.5))


def test_wrong_rules_are_found() -> None:
    @wg.custom_rule
    def f(x: Any) -> Any:
        return x**2

    f.def_jvp(lambda p, t: (f(*p), 3 * p[0] * t[0]))
    with pytest.raises(wg.VerificationError, match="jvp rule"):
        f.check(2.0)
    f.def_jvp(lambda p, t: (f(*p), 2 * p[0] * t[0]))
    f.def_vjp(lambda x: (f(x), x), lambda x, ct: (3 * x * ct,))
    with pytest.raises(wg.VerificationError, match="transpose"):
        f.check(2.0)
    f.def_vjp(lambda x: (f(x), x), lambda x, ct: (2 * x * ct, ct))
    with pytest.raises(wg.WengertError, match="1 cotangents"):
        wg.grad(f)(2.0)
    f.def_jvp(lambda p, t: t[0])
    with pytest.raises(wg.WengertError, match="a pair"):
        wg.grad(f)(2.0)


def test_rules_must_not_use_values_around_them() -> None:
    def f(x: float) -> float:
        @wg.custom_rule
        def inner(y: float) -> float:
            return x * y

        inner.def_jvp(lambda p, t: (inner(*p), x * t[0]))
        return inner(x)

    with pytest.raises(wg.WengertError, match="around"):
        wg.grad(f)(2.0)


# --- code from outside -------------------------------------------------------------------------------------
def black_box(x: Any) -> Any:
    table = {i: i**2 for i in range(5)}  # nothing that a capture likes
    return float(table[int(x)] + (x - int(x)) * (2 * int(x) + 1))


def test_code_from_outside() -> None:
    f = wg.external(black_box, result=0.0, rule="adaptive")
    assert f(1.5) == 2.5
    assert wg.jit(lambda x: f(x) * x)(1.5) == 3.75
    assert wg.grad(lambda x: f(x) * x)(1.5) == pytest.approx(2.5 + 1.5 * 3)
    plain = wg.external(black_box, result=0.0)
    assert wg.jit(plain)(1.5) == 2.5
    with pytest.raises(wg.NoDerivativeError, match="external function `black_box`"):
        wg.grad(plain)(1.5)


def test_arrays_and_structures_from_outside() -> None:
    @wg.external(result=lambda a, v: {"s": 0.0, "v": v}, rule="complex")
    def f(a: Any, v: Any) -> Any:
        return {"s": a * np.sum(v), "v": np.sin(a * v)}

    def g(a: Any, v: Any) -> Any:
        found = f(a, v * 2)
        return found["s"] * np.sum(found["v"] * v)

    def same(a: Any, v: Any) -> Any:
        return a * np.sum(2 * v) * np.sum(np.sin(a * 2 * v) * v)

    for i in (0, 1):
        got, want = wg.grad(g, argnums=i)(0.7, V), wg.grad(same, argnums=i)(0.7, V)
        np.testing.assert_allclose(got, want, rtol=1e-9)
    second = wg.grad(wg.grad(g))(0.7, V)
    assert second == pytest.approx(wg.grad(wg.grad(same))(0.7, V), rel=1e-5)


def test_a_jacobian_from_outside() -> None:
    f = wg.external(
        lambda a, v: a * v**2, result=lambda a, v: v, rule=lambda a, v: (v**2, np.diag(2 * a * v))
    )
    g: Any = lambda a, v: np.sum(np.sin(f(a, v)))  # noqa: E731
    same: Any = lambda a, v: np.sum(np.sin(a * v**2))  # noqa: E731
    np.testing.assert_allclose(wg.grad(g, 1)(0.7, V), wg.grad(same, 1)(0.7, V), rtol=1e-12)
    assert wg.grad(wg.grad(g))(0.7, V) == pytest.approx(wg.grad(wg.grad(same))(0.7, V), rel=1e-6)
    wrong = wg.external(lambda a, v: a * v, result=lambda a, v: v, rule=lambda a, v: v)
    with pytest.raises(wg.EvaluationError, match="2 Jacobians"):
        wg.grad(lambda a: np.sum(wrong(a, a * V)))(0.7)


def test_what_is_declared_is_checked() -> None:
    f = wg.external(lambda x: np.ones(3), result=0.0)
    with pytest.raises(wg.EvaluationError, match="as was declared"):
        wg.jit(f)(1.0)
    with pytest.raises(wg.TypeMismatchError, match="'adaptive', 'central' or 'complex'"):
        wg.external(black_box, result=0.0, rule="magic")


# --- implicit functions ------------------------------------------------------------------------------------
def test_an_iteration_that_knows_its_equation() -> None:
    def heron(a: float) -> float:
        x = 1.0  # the first derivative of this iteration itself is right only in the limit
        while abs(x * x - a) > 1e-3:
            x = (x + a / x) / 2
        return x

    root = wg.implicit(heron, lambda x, a: x * x - a)
    assert root(2.0) == heron(2.0)
    x = heron(2.0)
    assert wg.grad(root)(2.0) == pytest.approx(1 / (2 * x), rel=1e-14)
    assert wg.grad(wg.grad(root))(2.0) == pytest.approx(-1 / (4 * x**3), rel=1e-14)
    assert wg.grad(wg.grad(wg.grad(root)))(2.0) == pytest.approx(3 / (8 * x**5), rel=1e-13)


def test_a_solver_from_outside_and_several_unknowns() -> None:
    @wg.external(result=lambda a, v: (0.0, v))
    def solve(a: Any, v: Any) -> Any:
        def equations(z: Any) -> Any:
            s, u = z[0], z[1:]
            return np.concatenate([[s**3 + s - a * np.sum(u)], u + np.sin(u) * s - v]).ravel()

        z = scipy.optimize.fsolve(equations, np.ones(1 + len(v)), xtol=1e-13)
        return float(z[0]), z[1:]

    def residual(x: Any, a: Any, v: Any) -> Any:
        s, u = x
        return s**3 + s - a * np.sum(u), u + np.sin(u) * s - v

    f = wg.implicit(solve, residual)

    def g(a: float, v: Any) -> Any:
        s, u = f(a, v)
        return s * np.sum(u**2)

    assert wg.check_grad(g, 0.7, V).worst < 1e-10
    np.testing.assert_allclose(f(0.7, V)[0], solve(0.7, V)[0])


def test_a_minimum_whose_residual_is_a_gradient() -> None:
    def loss(w: Any, c: float) -> Any:
        return np.sum((w - V) ** 2) + c * np.sum(w**4)

    def descend(c: float) -> Any:
        w = np.zeros(3)
        for _ in range(200):
            w = w - 0.1 * wg.grad(loss)(w, c)
        return w

    f = wg.implicit(descend, lambda w, c: wg.grad(loss)(w, c))
    slope = wg.jacfwd(f)(0.3)
    w = descend(0.3)
    want = -(4 * w**3) / (2 + 12 * 0.3 * w**2)
    np.testing.assert_allclose(slope, want, rtol=1e-9)
    np.testing.assert_allclose(wg.jacrev(f)(0.3), want, rtol=1e-9)


# --- ops of one's own --------------------------------------------------------------------------------------
def test_a_registered_op_in_a_program() -> None:
    spence = wg.register_op(
        "spence_of_tests",
        scipy.special.spence,
        partials=[lambda z: wg.log(z) / (1 - z)],
        domain=[(1.2, 3.0)],
    )
    f = wg.grad(lambda x: spence(x * x) * x)
    h = 1e-4

    def plain(x: float) -> float:
        return float(scipy.special.spence(x * x) * x)

    assert f(1.3) == pytest.approx((plain(1.3 + h) - plain(1.3 - h)) / (2 * h), rel=1e-6)
    assert "spence" in f.source("python", 1.3)
