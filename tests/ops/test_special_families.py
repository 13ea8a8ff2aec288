"""Integrals, elliptic and hypergeometric functions, polynomials: values and derivatives against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest
from mpmath import mp, mpf

from wengert.diff.forward import jvp
from wengert.ir.node import Expr
from wengert.ops import bessel_scaled, elliptic, gamma_ratios, hypergeometric, incomplete, integrals
from wengert.ops import polynomials as poly
from wengert.ops.leaves import ONE, symbol
from wengert.run.reference import evaluate_nodes

X, Y, Z = symbol("x"), symbol("y"), symbol("z")


class Case(NamedTuple):
    """A function on the graph and in mpmath, where to compare, and the relative error of each degree."""

    ours: Callable[[Expr], Expr]
    exact: Callable[[Any], Any]
    at: tuple[float, ...]
    room: tuple[float, ...] = (5e-15, 2e-14, 1e-13)


def _spherical(kind: Callable[..., Any], factor: float, n: int, x: Any) -> Any:
    return mp.sqrt(mp.pi / (2 * x)) * kind(n + mpf(1) / 2, x) * factor


def _third(m: Any) -> Any:
    """The integral D by hypergeometric series, which has no cancellation."""
    return mp.pi / 4 * mp.hyp2f1(1.5, 0.5, 2, m)


ONE_ARGUMENT: dict[str, Case] = {
    "Si": Case(integrals.sine_integral, mp.si, (-30, -1, 1e-9, 0.5, 3, 8, 100), (5e-15, 1e-13, 1e-12)),
    "Ci": Case(integrals.cosine_integral, mp.ci, (1e-9, 0.5, 3, 8, 100), (2e-13, 1e-13, 1e-12)),
    "Shi": Case(integrals.hyperbolic_sine_integral, mp.shi, (-20, -1, 1e-9, 0.5, 3, 30)),
    "Chi": Case(integrals.hyperbolic_cosine_integral, mp.chi, (1e-9, 0.3, 3, 30)),
    "S": Case(integrals.fresnel_sine, mp.fresnels, (-1.9, 1e-3, 0.5, 1.2, 5.3), (5e-14, 2e-13, 1e-12)),
    "C": Case(integrals.fresnel_cosine, mp.fresnelc, (-1.9, 1e-3, 0.5, 1.2, 5.3), (5e-14, 2e-13, 1e-12)),
    "dawsn": Case(
        integrals.dawsn,
        lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-(x**2)) * mp.erfi(x),
        (-3, -0.5, 1e-6, 0.4, 2, 4),
        (5e-15, 1e-13, 1e-12),
    ),
    "erfi": Case(integrals.erfi, mp.erfi, (-3, -0.5, 1e-6, 0.4, 2, 10), (5e-14, 5e-14, 1e-13)),
    "spence": Case(
        integrals.spence, lambda x: mp.polylog(2, 1 - x), (0.01, 0.5, 0.999, 1.4, 3, 20),
        (1e-13, 2e-14, 1e-12)
    ),
    "K": Case(elliptic.ellipk, mp.ellipk, (-50, -1, -0.2, 1e-9, 0.2, 0.3, 0.7, 0.99), (5e-15, 5e-14, 5e-13)),
    "E": Case(elliptic.ellipe, mp.ellipe, (-50, -1, -0.2, 1e-9, 0.2, 0.3, 0.7, 0.99), (5e-15, 5e-14, 5e-13)),
    "D": Case(elliptic.ellipd, _third, (-20, -0.2, 1e-9, 0.2, 0.3, 0.7, 0.99), (1e-14, 5e-14, 5e-13)),
    "Km1": Case(
        elliptic.ellipkm1, lambda p: mp.ellipk(1 - p), (1e-9, 0.1, 0.8, 1.0, 1.3), (5e-15, 5e-14, 5e-13)
    ),
    "ive 0": Case(
        partial(bessel_scaled.besselie, 0), lambda x: mp.besseli(0, x) * mp.exp(-x), (0.1, 1, 10),
        (5e-15, 1e-13, 1e-11)
    ),
    "kve 1.5": Case(
        partial(bessel_scaled.besselke, 1.5),
        lambda x: mp.besselk(mpf(1.5), x) * mp.exp(x),
        (0.1, 1, 10),
        (5e-15, 1e-13, 1e-11),
    ),
    "y 2": Case(partial(bessel_scaled.spherical_yn, 2), partial(_spherical, mp.bessely, 1, 2), (0.3, 1, 8)),
    "y 0": Case(partial(bessel_scaled.spherical_yn, 0), partial(_spherical, mp.bessely, 1, 0), (0.3, 1, 8)),
    "i 1": Case(partial(bessel_scaled.spherical_in, 1), partial(_spherical, mp.besseli, 1, 1), (0.3, 1, 8)),
    "i 0": Case(partial(bessel_scaled.spherical_in, 0), partial(_spherical, mp.besseli, 1, 0), (0.3, 1, 8)),
    "k 2": Case(partial(bessel_scaled.spherical_kn, 2), partial(_spherical, mp.besselk, 1, 2), (0.3, 1, 8)),
    "0F1": Case(partial(hypergeometric.hyp0f1, 1.5), partial(mp.hyp0f1, mpf(1.5)), (-3, 0.5, 4)),
    "1F1": Case(
        partial(hypergeometric.hyp1f1, 0.5, 1.5),
        partial(mp.hyp1f1, mpf(0.5), mpf(1.5)),
        (-3, 0.5, 4),
        (1e-13, 1e-13, 1e-13),
    ),
    "U": Case(
        partial(hypergeometric.hyperu, 0.5, 1.5),
        partial(mp.hyperu, mpf(0.5), mpf(1.5)),
        (0.5, 4, 20),
        (1e-12, 1e-12, 1e-12),
    ),
    "2F1": Case(
        partial(hypergeometric.hyp2f1, 0.5, 1.3, 2.2),
        partial(mp.hyp2f1, mpf(0.5), mpf(1.3), mpf(2.2)),
        (-0.9, 0.5, 0.85),
        (1e-13, 1e-13, 1e-12),
    ),
    "rgamma": Case(gamma_ratios.rgamma, mp.rgamma, (0.3, 1, 4.5, 30), (1e-13, 1e-13, 1e-12)),
    "P 4": Case(partial(poly.legendre, 4), partial(mp.legendre, 4), (-1, -0.3, 0, 1, 1.7)),
    "T 5": Case(partial(poly.chebyshev_t, 5), partial(mp.chebyt, 5), (-1, -0.3, 0.2, 1, 1.7)),
    "U 3": Case(partial(poly.chebyshev_u, 3), partial(mp.chebyu, 3), (-1, -0.3, 0.2, 1, 1.7)),
    "H 4": Case(partial(poly.hermite, 4), partial(mp.hermite, 4), (-2, -0.3, 0.2, 1, 1.7)),
    "L 4": Case(partial(poly.laguerre, 4, 0.7), partial(mp.laguerre, 4, mpf(0.7)), (-2, -0.3, 0.2, 1, 9)),
    "C 4": Case(partial(poly.gegenbauer, 4, 0.7), partial(mp.gegenbauer, 4, mpf(0.7)), (-1, -0.3, 0.2, 1.5)),
    "P 3 ab": Case(
        partial(poly.jacobi, 3, 0.7, 0.4), partial(mp.jacobi, 3, mpf(0.7), mpf(0.4)), (-0.9, -0.3, 0.2, 1.5)
    ),
}  # fmt: skip


def _slope(node: Expr, wrt: Expr) -> Expr:
    (change,) = jvp([node], {wrt: ONE})
    assert change is not None
    return change


def _number(node: Expr, **given: float) -> float:
    from wengert.ir.walk import leaves

    needed = {n.attr.name for n in leaves([node]) if n.op.free}
    return float(evaluate_nodes([node], {k: v for k, v in given.items() if k in needed})[0])


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_functions_of_one_argument(name: str) -> None:
    case = ONE_ARGUMENT[name]
    node = case.ours(X)
    with mpmath.workdps(60):
        for degree, room in enumerate(case.room):
            if degree:
                node = _slope(node, X)
            for at in case.at:
                x = mpf(at)
                step = mpf(10) ** -20 * (abs(x) or 1)
                want = case.exact(x) if not degree else mp.diff(case.exact, x, degree, h=step)
                want = float(mp.re(want))
                got = _number(node, x=at)
                assert abs(got - want) <= room * max(abs(want), 1e-3), (degree, at, got, want)


def _incomplete_beta(a: Any, b: Any, x: Any) -> Any:
    return mp.betainc(a, b, 0, x, regularized=True)


def _incomplete_gamma(a: Any, x: Any) -> Any:
    return mp.gammainc(a, 0, x, regularized=True)


def _jacobi(kind: str) -> Callable[..., Any]:
    return lambda u, m: mp.ellipfun(kind, u, m=m)


_AMPLITUDES = ((0.7, 0.3), (-1.2, 0.9), (1.4, -2.0), (4.8, 0.5), (0.9, 1e-12))
SEVERAL: dict[str, tuple[Callable[..., Expr], Callable[..., Any], tuple[tuple[float, ...], ...], float]] = {
    "F": (elliptic.ellipkinc, mp.ellipf, _AMPLITUDES, 1e-13),
    "E": (elliptic.ellipeinc, mp.ellipe, _AMPLITUDES, 1e-13),
    "sn": (elliptic.jacobi_sn, _jacobi("sn"), ((0.7, 0.3), (-1.2, 0.8), (3.0, 0.5)), 1e-13),
    "cn": (elliptic.jacobi_cn, _jacobi("cn"), ((0.7, 0.3), (-1.2, 0.8), (3.0, 0.5)), 1e-13),
    "dn": (elliptic.jacobi_dn, _jacobi("dn"), ((0.7, 0.3), (-1.2, 0.8), (3.0, 0.5)), 1e-13),
    "binom": (gamma_ratios.binom, mp.binomial, ((6.5, 2.3), (40.0, 7.5)), 1e-12),
    "poch": (gamma_ratios.poch, mp.rf, ((1.5, 2.3), (0.2, 5.5)), 1e-12),
    "gammainc": (
        incomplete.gammainc,
        _incomplete_gamma,
        ((0.01, 1e-4), (0.3, 0.2), (1.0, 5.0), (2.5, 1.7), (10.0, 12.0), (100.0, 90.0), (1e3, 1.02e3)),
        1e-11,
    ),
    "gammaincc": (
        incomplete.gammaincc,
        lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True),
        ((0.3, 0.2), (1.0, 5.0), (2.5, 20.0), (10.0, 12.0)),
        1e-11,
    ),
    "betainc": (
        incomplete.betainc,
        _incomplete_beta,
        ((0.4, 0.7, 0.01), (2.5, 1.7, 0.3), (1.5, 8.0, 0.9), (30.0, 50.0, 0.35), (300.0, 200.0, 0.61)),
        1e-11,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SEVERAL)
def test_functions_of_several_arguments(name: str) -> None:
    ours, exact, points, room = SEVERAL[name]
    symbols = (X, Y, Z)[: len(points[0])]
    node = ours(*symbols)
    slopes = [node, *(_slope(node, s) for s in symbols)]
    with mpmath.workdps(80):
        for point in points:
            at = tuple(map(mpf, point))
            given = dict(zip("xyz", point, strict=False))
            for slot, formula in enumerate(slopes):
                order = tuple(int(k == slot - 1) for k in range(len(point)))
                step = mpf(10) ** -25 * (1 if not slot else abs(at[slot - 1]))
                want = float(mp.re(exact(*at) if not slot else mp.diff(exact, at, order, h=step)))
                got = _number(formula, **given)
                assert abs(got - want) <= room * max(abs(want), 1e-6), (slot, point, got, want)


def test_inverses_undo_the_functions() -> None:
    rng = np.random.default_rng(2)
    a, b, y = rng.uniform(0.5, 9, 40), rng.uniform(0.5, 9, 40), rng.uniform(0.01, 0.99, 40)
    u, v, w = (symbol(n, 40) for n in "uvw")
    for inverse, forward, args in (
        (incomplete.gammaincinv, incomplete.gammainc, (u,)),
        (incomplete.gammainccinv, incomplete.gammaincc, (u,)),
        (incomplete.betaincinv, incomplete.betainc, (u, v)),
    ):
        both = forward(*args, inverse(*args, w))
        given = {"u": a, "v": b, "w": y}
        np.testing.assert_allclose(evaluate_nodes([both], given)[0], y, rtol=1e-11)
        # so the composition does not vary with the parameters
        for parameter in args:
            t = symbol("t", 40)
            (change,) = jvp([both], {parameter: t})
            assert change is not None
            got = evaluate_nodes([change], {**given, "t": np.ones(40)})[0]
            np.testing.assert_allclose(got, 0, atol=1e-11)


def test_edges_of_the_parameter_derivatives() -> None:
    by_a = incomplete.gammainc_by_a(X, Y)
    assert _number(by_a, x=2.0, y=0.0) == 0
    assert _number(by_a, x=2.0, y=np.inf) == 0
    assert np.isnan(_number(by_a, x=-1.0, y=1.0))
    assert np.isnan(_number(by_a, x=np.nan, y=1.0))
    beta_by_a = incomplete.betainc_by_a(X, Y, Z)
    assert _number(beta_by_a, x=2.0, y=3.0, z=1.0) == 0
    assert np.isnan(_number(beta_by_a, x=2.0, y=3.0, z=1.5))
