"""Special functions and their derivatives against mpmath, also far out and next to singularities."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special
from mpmath import mp, mpf

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import NoDerivativeError, TypeMismatchError
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops import special as sp
from wengert.ops.leaves import ONE, const, symbol
from wengert.ops.trig import sin
from wengert.run.reference import evaluate_nodes

X = symbol("x")


@dataclass(frozen=True)
class Case:
    """``ours`` on the graph, ``exact`` in mpmath, where to compare, and how many units of 1e-16 are allowed.

    ``room`` has one entry for the value and one for each derivative; it is what SciPy's own error and the
    condition of the formula leave, measured and rounded up, and never wider than a few hundred units without
    a reason in ``why``.
    """

    ours: Callable[[Expr], Expr]
    exact: Callable[[Any], Any]
    at: tuple[float, ...]
    room: tuple[float, ...] = (20, 70, 140, 220)
    why: str = ""
    digits: int = 60


def spherical(n: int, x: Any) -> Any:
    return x**n / mp.fac2(2 * n + 1) * mp.hyp0f1(n + mpf(3) / 2, -(x**2) / 4)


NEAR_ZERO = (-1e-3, -1e-8, 0.0, 1e-12, 1e-4, 0.1)
CASES: dict[str, Case] = {
    "sigmoid": Case(
        sp.sigmoid, lambda x: 1 / (1 + mp.exp(-x)), (-600, -40, -3, 0, 0.2, 5, 30, 300), digits=400
    ),
    "softplus": Case(
        sp.softplus, lambda x: mp.log1p(mp.exp(x)), (-600, -40, -3, 0, 0.2, 5, 30, 300), digits=400
    ),
    "log_sigmoid": Case(
        sp.log_sigmoid,
        lambda x: -mp.log1p(mp.exp(-x)),
        (-600, -40, -3, 0, 0.2, 5, 30, 300),
        digits=400,
    ),
    "logit": Case(sp.logit, lambda x: mp.log(x / (1 - x)), (1e-80, 1e-9, 0.1, 0.3, 0.9, 1 - 1e-9)),
    "entr": Case(sp.entr, lambda x: -x * mp.log(x), (1e-80, 1e-9, 0.1, 2.0, 1e9)),
    "erf": Case(sp.erf, mp.erf, (-5, -0.3, -1e-9, 0, 0.4, 1.5, 4, 8)),
    "erfc": Case(sp.erfc, mp.erfc, (-5, -0.3, 0, 0.4, 1.5, 4, 10, 25)),
    "erfcx": Case(sp.erfcx, lambda x: mp.exp(x * x) * mp.erfc(x), (-5, -0.3, 0, 0.4, 1)),
    "erfcx far out": Case(
        sp.erfcx,
        lambda x: mp.exp(x * x) * mp.erfc(x),
        (4, 10, 30),
        (20, 5e3, 5e6),
        "each derivative is a difference that loses 2*log10(x) digits",
    ),
    "erfinv": Case(sp.erfinv, mp.erfinv, (-0.99, -0.5, 1e-10, 0.3, 0.9)),
    "erfcinv": Case(sp.erfcinv, lambda x: mp.erfinv(1 - x), (1e-12, 0.1, 0.7, 1.3, 1.99)),
    "ndtr": Case(
        sp.ndtr,
        mp.ncdf,
        (-20, -3, -0.1, 0, 1.2, 6),
        (500, 20, 20, 20),
        "SciPy's tail, off by 3e-14",
    ),
    "ndtri": Case(
        sp.ndtri, lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1), (1e-12, 0.05, 0.4, 0.7, 0.99)
    ),
    "log_ndtr": Case(
        sp.log_ndtr, lambda x: mp.log(mp.ncdf(x)), (-2, -0.5, 0, 1, 5), (30, 70, 140, 1500)
    ),
    "log_ndtr far out": Case(
        sp.log_ndtr,
        lambda x: mp.log(mp.ncdf(x)),
        (-30, -12),
        (20, 20, 2e4, 1e9),
        "each derivative is a difference that loses 2*log10(x) digits",
    ),
    "gamma": Case(sp.gamma, mp.gamma, (-2.5, -0.5, 1e-5, 0.3, 1, 1.46, 4, 30, 150)),
    "lgamma": Case(
        sp.lgamma, lambda x: mp.log(abs(mp.gamma(x))), (-2.7, -0.5, 1e-5, 0.3, 3.3, 50, 1e8)
    ),
    "digamma": Case(sp.digamma, mp.digamma, (-2.7, -0.6, 1e-5, 0.3, 3.3, 50, 1e8)),
    "trigamma": Case(sp.trigamma, lambda x: mp.polygamma(1, x), (1e-3, 0.3, 3.3, 50)),
    "polygamma 4": Case(partial(sp.polygamma, 4), lambda x: mp.polygamma(4, x), (0.3, 3.3, 50)),
    "gammainc": Case(
        partial(sp.gammainc, 1.7),
        lambda x: mp.gammainc(mpf(1.7), 0, x, regularized=True),
        (1e-9, 0.3, 2, 20),
        (200, 70, 70, 70),
    ),
    "gammaincc": Case(
        partial(sp.gammaincc, 3),
        lambda x: mp.gammainc(3, x, mp.inf, regularized=True),
        (1e-4, 0.3, 4, 60),
        (100, 70, 70, 70),
    ),
    "betainc": Case(
        partial(sp.betainc, 1.7, 3),
        lambda x: mp.betainc(mpf(1.7), 3, 0, x, regularized=True),
        (1e-9, 0.2, 0.5, 0.9),
    ),
    "exp1": Case(sp.exp1, mp.e1, (1e-9, 0.1, 1, 8, 300)),
    "expi": Case(sp.expi, mp.ei, (-20, -1, -1e-9, 1e-9, 0.1, 1, 8, 300)),
    "expn 2": Case(partial(sp.expn, 2), lambda x: mp.expint(2, x), (0.01, 0.5, 3, 40)),
    "expn 5": Case(partial(sp.expn, 5), lambda x: mp.expint(5, x), (0.01, 0.5, 3, 40)),
    "lambertw": Case(sp.lambertw, mp.lambertw, (-0.3, -1e-9, 0, 1e-9, 0.4, 3, 1e9)),
    "besselj 0": Case(partial(sp.besselj, 0), partial(mp.besselj, 0), (-3, 0, 1e-6, 0.5, 2, 8, 40)),
    "besselj 2.5": Case(
        partial(sp.besselj, 2.5), partial(mp.besselj, mpf(2.5)), (0.1, 0.5, 2, 8, 40), (150,) * 4
    ),
    "bessely 1": Case(partial(sp.bessely, 1), partial(mp.bessely, 1), (0.01, 0.5, 3, 8, 40), (20,)),
    "bessely 0.3": Case(
        partial(sp.bessely, 0.3), partial(mp.bessely, mpf(0.3)), (0.01, 0.5, 3, 8, 40)
    ),
    "besseli 0": Case(partial(sp.besseli, 0), partial(mp.besseli, 0), (-3, 0, 1e-6, 0.5, 8, 300)),
    "besseli -1.3": Case(
        partial(sp.besseli, -1.3), partial(mp.besseli, mpf(-1.3)), (0.1, 0.5, 3, 30)
    ),
    "besselk 0": Case(
        partial(sp.besselk, 0), partial(mp.besselk, 0), (1e-6, 0.5, 8, 300), (20, 20)
    ),
    "besselk 0.3": Case(
        partial(sp.besselk, 0.3), partial(mp.besselk, mpf(0.3)), (1e-6, 0.5, 8, 300), (70,) * 4
    ),
    "airyai": Case(sp.airyai, mp.airyai, (-8, -1, 0, 1, 5), (100,) * 4),
    "airybiprime": Case(
        sp.airybiprime, lambda x: mp.airybi(x, derivative=1), (-8, -1, 0, 1, 5), (100,) * 4
    ),
    "usinc": Case(sp.usinc, lambda x: spherical(0, x), (*NEAR_ZERO, -2, 0.7, 5, 40)),
    "sinc": Case(sp.sinc, lambda x: spherical(0, mp.pi * x), (*NEAR_ZERO, -0.7, 1.3, 5.2)),
    "spherical_jn 3": Case(
        partial(sp.spherical_jn, 3), partial(spherical, 3), (-1, 0.1, 0.7, 5, 40)
    ),
    "cosm1": Case(sp.cosm1, lambda x: -2 * mp.sin(x / 2) ** 2, (*NEAR_ZERO, -2, 3)),
    "exprel": Case(
        sp.exprel, lambda x: mp.hyp1f1(1, 2, x), (*NEAR_ZERO, -1e5, -300, -20, -1, 2, 15, 300)
    ),
    "exp_moment 3": Case(
        partial(sp.exp_moment, 3),
        lambda x: mp.hyp1f1(4, 5, x) / 4,
        (*NEAR_ZERO, -300, -20, -1, 2, 15, 300),
    ),
    "log1prel": Case(
        sp.log1prel,
        lambda x: mp.log1p(x) / x if x else mp.hyp2f1(1, 1, 2, -x),
        (*NEAR_ZERO, -0.999, -0.5, 1, 7.9, 8.1, 100, 1e9),
    ),
    "log1p_moment 2": Case(
        partial(sp.log1p_moment, 2),
        lambda x: mp.hyp2f1(3, 3, 4, -x) / 3,
        (*NEAR_ZERO, -0.999, -0.5, 7.9, 8.1, 1e9),
        digits=40,
    ),
}


def derivatives(expr: Expr, count: int) -> list[Expr]:
    found = [expr]
    for _ in range(count):
        (change,) = jvp([found[-1]], {X: ONE})
        assert change is not None
        found.append(change)
    return found


def exact_derivative(f: Callable[[Any], Any], at: float, order: int) -> float:
    x = mpf(at)
    if order == 0:
        return float(f(x))
    # A step that is tiny beside the distance to a singularity at 0; mpmath works with as many more digits.
    step = mpf(10) ** -30 * (abs(x) or 1)
    value = mp.re(mp.diff(f, x, order, h=step))
    return 0.0 if abs(value) < mpf(10) ** -25 and at in (0, 1) else float(value)


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name: str) -> None:
    case = CASES[name]
    formulas = derivatives(case.ours(X), len(case.room) - 1)
    with mpmath.workdps(case.digits):
        for degree, (formula, room) in enumerate(zip(formulas, case.room, strict=True)):
            for at in case.at:
                got = float(evaluate_nodes([formula], {"x": at} if formula.args else {})[0])
                want = exact_derivative(case.exact, at, degree)
                error = abs(got - want)
                assert error <= room * 1e-16 * abs(want) + 1e-300, (
                    f"{name}, derivative {degree} at {at}: {got!r}, exact {want!r},"
                    f" {error / abs(want) / 1e-16 if want else math.inf:.3g} units off, allowed {room}"
                )


# --- two arguments -------------------------------------------------------------------------------------
Y = symbol("y")
PAIRS: dict[
    str, tuple[Callable[..., Expr], Callable[..., Any], tuple[tuple[float, float], ...]]
] = {
    "beta": (sp.beta, mp.beta, ((0.3, 2.0), (1.0, 1.0), (5.0, 0.01), (20.0, 30.0))),
    "lbeta": (
        sp.lbeta,
        lambda a, b: mp.log(mp.beta(a, b)),
        ((0.3, 2.0), (5.0, 0.01), (200.0, 300.0)),
    ),
    "logaddexp": (
        sp.logaddexp,
        lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        ((0.0, 0.0), (1.0, -30.0), (700.0, 710.0), (-900.0, -901.0)),
    ),
    "xlog1py": (
        sp.xlog1py,
        lambda x, y: x * mp.log1p(y),
        ((2.0, 1e-9), (-1.0, 3.0), (1e-300, -0.5)),
    ),
    "rel_entr": (
        sp.rel_entr,
        lambda x, y: x * mp.log(x / y),
        ((0.5, 0.2), (1e-9, 2.0), (3.0, 1e6)),
    ),
    "kl_div": (
        sp.kl_div,
        lambda x, y: x * mp.log(x / y) - x + y,
        ((0.5, 0.2), (1e-9, 2.0), (3.0, 40.0)),
    ),
}


@pytest.mark.parametrize("orders", [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)])
@pytest.mark.parametrize("name", PAIRS)
def test_gradients_and_hessians(name: str, orders: tuple[int, int]) -> None:
    ours, exact, points = PAIRS[name]
    node = ours(X, Y)
    for wrt in [X] * orders[0] + [Y] * orders[1]:
        (change,) = jvp([node], {wrt: ONE})
        node = const(0) if change is None else change
    for x, y in points:
        needed = {n.attr.name for n in order([node]) if n.op.free}
        given = {k: v for k, v in {"x": x, "y": y}.items() if k in needed}
        got = float(evaluate_nodes([node], given)[0])
        with mpmath.workdps(400 if name in ("logaddexp", "xlog1py") else 60):
            h = mpf(10) ** -30 * min(abs(x) or 1, abs(y) or 1)
            at = (mpf(x), mpf(y))
            want = mp.diff(exact, at, orders, h=h) if any(orders) else exact(*at)
            # digamma(a) - digamma(a + b) loses log10(a/b) digits.
            rel = 1e-11 if name == "beta" else 1e-12
            assert got == pytest.approx(float(want), rel=rel, abs=1e-20), (x, y)


# --- what the records promise ----------------------------------------------------------------------------
def value(node: Expr, **given: Any) -> Any:
    return evaluate_nodes([node], given)[0]


def test_all_derivatives_of_the_sine_cardinal_at_zero() -> None:
    # sin(x)/x is the sum of (-1)**k*x**(2k)/(2k + 1)!: its derivative of order 2k at 0 is (-1)**k/(2k + 1).
    formulas = derivatives(sp.usinc(X), 8)
    for n, formula in enumerate(formulas):
        want = 0.0 if n % 2 else (-1) ** (n // 2) / (n + 1)
        assert value(formula, x=0.0) == pytest.approx(want, abs=1e-15)


def test_sinc_is_that_of_numpy() -> None:
    x = np.linspace(-3, 3, 13)
    v = symbol("v", 13)
    np.testing.assert_allclose(value(sp.sinc(v), v=x), np.sinc(x), atol=1e-16)
    np.testing.assert_allclose(value(sp.usinc(v), v=np.pi * x), np.sinc(x), atol=1e-16)


@pytest.mark.parametrize("n", range(6))
def test_moments_at_zero(n: int) -> None:
    assert value(sp.exp_moment(n, X), x=0.0) == pytest.approx(1 / (n + 1), rel=1e-15)
    assert value(sp.log1p_moment(n, X), x=0.0) == pytest.approx(1 / (n + 1), rel=1e-15)


def test_derivatives_read_well() -> None:
    assert derivatives(sp.softplus(X), 1)[1] is sp.sigmoid(X)
    assert derivatives(sp.lgamma(X), 2)[2] is sp.polygamma(1, X)
    assert derivatives(sp.digamma(X), 2)[2] is sp.polygamma(2, X)
    assert derivatives(sp.j0(X), 1)[1] is -sp.j1(X)
    assert derivatives(sp.i0(X), 1)[1] is sp.i1(X)
    assert derivatives(sp.k0(X), 1)[1] is -sp.k1(X)
    assert derivatives(sp.expn(3, X), 2)[2] is sp.exp1(X)
    assert derivatives(sp.exprel(X), 3)[3] is sp.exp_moment(3, X)
    assert derivatives(sp.airyai(X), 2)[2] is X * sp.airyai(X)


@pytest.mark.parametrize(
    "function",
    [
        sp.besselj,
        sp.bessely,
        sp.besseli,
        sp.besselk,
        sp.polygamma,
        sp.expn,
        sp.spherical_jn,
    ],
    ids=lambda f: f.__name__,
)
def test_no_derivative_in_an_order_that_varies(function: Callable[..., Expr]) -> None:
    node = function(Y, X)
    assert jvp([node], {X: ONE})[0] is not None
    with pytest.raises(NoDerivativeError, match="no derivative in it"):
        jvp([node], {Y: ONE})
    with pytest.raises(NoDerivativeError, match="no derivative in it"):
        vjp([node], [ONE], [X, Y])


def test_a_constant_order_stays_a_number_beside_an_array() -> None:
    v = symbol("v", 3)
    node = sp.besselj(2, v)
    assert node.args[0].attr == 2
    at = np.array([0.1, 1.0, 7.0])
    np.testing.assert_allclose(value(node, v=at), scipy.special.jv(2, at), rtol=1e-15)
    orders = symbol("n", 3)
    np.testing.assert_allclose(
        value(sp.besselj(orders, v), v=at, n=[0.0, 1.0, 2.5]), scipy.special.jv([0, 1, 2.5], at)
    )
    assert sp.besselj(orders, X).shape == (3,)


@pytest.mark.parametrize("function", [sp.sigmoid, sp.gamma, sp.erfinv, sp.exprel, sp.lambertw])
def test_complex_numbers_are_refused(function: Callable[..., Expr]) -> None:
    with pytest.raises(TypeMismatchError, match="real"):
        function(symbol("z", dtype="complex128"))


def test_complex_error_function() -> None:
    z = symbol("z", dtype="complex128")
    (change,) = jvp([sp.erf(z)], {z: ONE})
    assert change is not None
    at = 0.3 + 0.4j
    assert value(change, z=at) == pytest.approx(2 / np.sqrt(np.pi) * np.exp(-(at**2)), rel=1e-15)


def test_functions_of_truth_values_are_computed_in_full_precision() -> None:
    assert value(sp.exprel(X > 0), x=1.0) == pytest.approx(math.e - 1, rel=1e-15)
    assert value(sin(X > 0), x=1.0) == pytest.approx(math.sin(1), rel=1e-15)
