"""The adaptive derivative: accurate, frugal, and its error a bound that can be relied on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.diff.numeric import Estimate, derivative

Black = Callable[[float], float]
NEAR = 1 + 1e-6
RANDOM = np.random.default_rng(3)

# The truths are mpmath's at 40 digits, at the very float that x is.
PUBLISHED: dict[str, tuple[Black, Callable[[mp.mpf], mp.mpf], float]] = {
    "sin(1e3 x)": (lambda x: math.sin(1e3 * x), lambda x: mp.sin(1000 * x), 1.0),
    "sin(1/x)": (lambda x: math.sin(1 / x), lambda x: mp.sin(1 / x), 1e-3),
    "log": (math.log, mp.log, 1e-8),
    "1/(x-1)": (lambda x: 1 / (x - 1), lambda x: 1 / (x - 1), NEAR),
    "exp": (math.exp, mp.exp, 100.0),
    "tanh(1e9 x)": (lambda x: math.tanh(1e9 * x), lambda x: mp.tanh(10**9 * x), 2e-10),
    "1e8 + sin": (lambda x: 1e8 + math.sin(x), mp.sin, 0.7),
    "Squire-Trapp": (
        lambda x: math.exp(x) / (math.sin(x) ** 3 + math.cos(x) ** 3),
        lambda x: mp.exp(x) / (mp.sin(x) ** 3 + mp.cos(x) ** 3),
        1.5,
    ),
    "|x|^3": (lambda x: abs(x) ** 3, lambda x: abs(x) ** 3, 1e-5),
    "sin": (math.sin, mp.sin, 1e6),
    "sqrt": (math.sqrt, mp.sqrt, 1e-12),
}


def exact(f: Callable[[mp.mpf], mp.mpf], x: float, order: int = 1) -> float:
    with mp.workdps(40 + 30 * order):
        step = mp.mpf(10) ** -30 * (abs(mp.mpf(x)) or 1)
        return float(mp.diff(f, mp.mpf(x), order, h=step))


def honest(found: Estimate, truth: float) -> bool:
    return abs(float(found) - truth) <= float(found.error) + 4e-16 * abs(truth)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_cases(name: str) -> None:
    f, g, x = PUBLISHED[name]
    found, truth = derivative(f, x), exact(g, x)
    assert abs(float(found) - truth) <= 1e-6 * abs(truth)
    assert honest(found, truth)
    assert found.reliable
    assert found.calls <= 30


def test_noise_is_averaged_and_admitted() -> None:
    """One draw proves nothing: the typical error has to be small and nearly every claim right."""
    errors, kept = [], 0
    for seed in range(40):
        source = np.random.default_rng(seed)
        found = derivative(lambda x, s=source: math.exp(x) + 1e-6 * s.standard_normal(), 1.0)
        errors.append(abs(float(found) - math.e) / math.e)
        kept += honest(found, math.e)
        assert found.calls <= 30
    assert np.median(errors) < 1e-6
    assert max(errors) < 1e-5
    assert kept >= 38


def test_noise_that_is_a_fast_wave_is_noise() -> None:
    found = derivative(lambda x: math.exp(x) + 1e-6 * math.sin(1e9 * x), 1.0)
    assert honest(found, math.e)
    assert abs(float(found) - math.e) < 1e-6 * math.e


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        (lambda x: 3.7, 2.0, 0.0),
        (math.cos, 0.0, 0.0),
        (math.cos, 1e-5, -math.sin(1e-5)),
        (math.exp, 1e-12, math.exp(1e-12)),
        (math.log, 1e-300, 1e300),
        (lambda x: (x * 1e-200) * x, 1e200, 2.0),
        (lambda x: 1e200 * math.sin(x), 1.0, 1e200 * math.cos(1.0)),
        (lambda x: math.tanh(1e12 * x), 0.0, 1e12),
        (lambda x: abs(x - 1.0001), 1.0, -1.0),
        (lambda x: x + 1e-3 * (x > 1.0001), 1.0, 1.0),
        (lambda x: x * x + 1e-4 * math.tanh(1e6 * (x - 1)), 1.0, 102.0),
        (lambda x: max(x - 6, 0.0), 5.0, 0.0),
        (lambda x: math.sqrt(x - 0.9999), 1.0, 0.5 / math.sqrt(1 - 0.9999)),
        (lambda x: math.sin(x * x), 100.0, 200 * math.cos(1e4)),
        (lambda x: (1 - math.cos(x)) / x**2, 1e-4, -1e-4 / 12),
        (lambda x: (x - math.sin(x)) / x**3, 1e-3, -1e-3 / 60),
        (math.sin, 1e15, math.cos(1e15)),
        (math.cos, 1e-9, -1e-9),
        (lambda x: x * abs(x), 0.0, 0.0),
        (lambda x: x**1.5, 0.0, 0.0),
        (lambda x: 1 + x + x**1.5, 0.0, 1.0),
    ],
)
def test_other_hard_cases(f: Black, x: float, truth: float) -> None:
    found = derivative(f, x)
    assert abs(float(found) - truth) <= 1e-6 * (abs(truth) or 1.0)
    assert honest(found, truth)
    assert found.calls <= 30


@pytest.mark.parametrize(
    ("f", "truth"),
    [
        (lambda x: float(f"{math.sin(x):.6g}"), math.cos(0.7)),
        (lambda x: float(np.float32(math.sin(x))), math.cos(0.7)),
        (lambda x: np.float32(math.sin(x)), math.cos(0.7)),
        (lambda x: math.floor(1e6 * math.sin(x)) / 1e6, math.cos(0.7)),
    ],
)
def test_quantised_functions_have_the_slope_of_what_they_round(f: Black, truth: float) -> None:
    found = derivative(f, 0.7)
    assert honest(found, truth)
    assert abs(float(found) - truth) < 1e-5


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (abs, 0.0),
        (lambda x: 10 * x + abs(x), 0.0),
        (lambda x: float(np.sign(x)), 0.0),
        (lambda x: float(x > 1), 1.0),
        (lambda x: 10 * x + 1e-3 * (x > 1), 1.0),
        (math.floor, 1.5),
        (np.cbrt, 0.0),
        (math.sqrt, 0.0),
        (lambda x: RANDOM.standard_normal(), 1.0),
    ],
)
def test_without_a_trustworthy_answer_there_is_none(f: Black, x: float) -> None:
    found = derivative(f, x)
    assert not found.reliable
    assert found.error == math.inf
    assert found.notes


def test_a_rounded_function_is_not_flat_where_its_slope_is_small() -> None:
    """It looks like a dead unit there: constant around x, then changing little by little."""
    for shift in np.linspace(1e-5, 3e-3, 12):
        found = derivative(lambda x, s=shift: float(f"{1 + (x - 2 + s) ** 2:.7g}"), 2.0)
        assert honest(found, 2 * shift)


@dataclass(frozen=True)
class Drawn:
    f: Black
    x: float
    truth: float


SHAPES: list[tuple[Black, Black]] = [
    (math.sin, math.cos),
    (math.exp, math.exp),
    (math.tanh, lambda u: 1 / math.cosh(u) ** 2),
    (lambda u: 1 / (1 + u * u), lambda u: -2 * u / (1 + u * u) ** 2),
    (lambda u: math.exp(-u * u), lambda u: -2 * u * math.exp(-u * u)),
    (math.log, lambda u: 1 / u),
    (lambda u: 1 / u, lambda u: -1 / u**2),
    (lambda u: u**5 - 3 * u**3 + u, lambda u: 5 * u**4 - 9 * u**2 + 1),
    (lambda u: math.sin(u) + 0.1 * math.sin(20 * u), lambda u: math.cos(u) + 2 * math.cos(20 * u)),
    (lambda u: u * abs(u) + math.cos(u), lambda u: 2 * abs(u) - math.sin(u)),
]


def drawn(count: int, seed: int) -> list[Drawn]:
    """Random functions, scales, places and noise; the scale is a power of two, so u = w (x - x0) is exact."""
    rng = np.random.default_rng(seed)
    cases: list[Drawn] = []
    while len(cases) < count:
        g, slope = SHAPES[int(rng.integers(len(SHAPES)))]
        x = float(rng.choice([0.0, rng.uniform(-3, 3), 10 ** rng.uniform(-8, 8)]))
        w = 2.0 ** round(math.log2(10 ** rng.uniform(-2, 3) / (abs(x) or 1.0)))
        x0, scale = x - float(rng.uniform(-3, 3)) / w, float(10 ** rng.uniform(-6, 6))
        level, source = (
            float(10 ** rng.uniform(-12, -3)),
            np.random.default_rng(int(rng.integers(1 << 30))),
        )
        digits, kind = int(rng.integers(5, 12)), int(rng.integers(5))

        def f(t, g=g, w=w, x0=x0, a=scale, n=level, s=source, d=digits, kind=kind):  # type: ignore[no-untyped-def]
            y = a * g(w * (t - x0))
            if kind == 0:
                return y + n * a * s.standard_normal()
            return {1: lambda: float(np.float32(y)), 2: lambda: float(f"{y:.{d}g}")}.get(
                kind, lambda: y
            )()

        try:
            f(x)
            cases.append(Drawn(f, x, scale * w * slope(w * (x - x0))))
        except (ValueError, ArithmeticError):
            continue
    return cases


def coverage(estimate: Callable[[Black, float], tuple[float, float]], cases: list[Drawn]) -> float:
    """The part of the cases whose true error lies within the claimed one."""
    kept = 0
    for case in cases:
        value, error = estimate(case.f, case.x)
        kept += not math.isfinite(error) or abs(value - case.truth) <= error + 1e-14 * abs(
            case.truth
        )
    return kept / len(cases)


def adaptive(f: Black, x: float) -> tuple[float, float]:
    found = derivative(f, x)
    assert found.points <= 30
    return float(found), float(found.error)


def test_the_error_holds_in_at_least_95_of_100_random_cases() -> None:
    cases = drawn(250, seed=2024)
    assert coverage(adaptive, cases) >= 0.97
    reliable = sum(derivative(case.f, case.x).reliable for case in cases[:50])
    assert reliable >= 40, "an estimator that always says inf is honest and useless"


def test_the_harness_catches_an_overconfident_estimator() -> None:
    """Planted: the same values with a hundredth of the error, and a formula that trusts its step."""
    cases = drawn(80, seed=7)

    def boastful(f: Black, x: float) -> tuple[float, float]:
        value, error = adaptive(f, x)
        return value, error / 100

    def careless(f: Black, x: float) -> tuple[float, float]:
        h = 1e-5 * (abs(x) or 1.0)
        try:
            value = (f(x + h) - f(x - h)) / (2 * h)
        except (ValueError, ArithmeticError):
            return math.nan, math.inf
        return value, 1e-8 * abs(value)

    assert coverage(boastful, cases) < 0.95
    assert coverage(careless, cases) < 0.8


@settings(max_examples=40, deadline=None)
@given(
    x=st.floats(-1e3, 1e3),
    coefficients=st.lists(st.floats(-10, 10), min_size=1, max_size=5),
    order=st.integers(1, 4),
)
def test_polynomials_of_low_degree(x: float, coefficients: list[float], order: int) -> None:
    p = np.polynomial.Polynomial(coefficients)
    found, truth = derivative(lambda t: float(p(t)), x, order=order), float(p.deriv(order)(x))
    size = float(np.polynomial.Polynomial(np.abs(coefficients))(abs(x) + 1))
    assert abs(float(found) - truth) <= float(found.error) + 1e-13 * size


@settings(max_examples=30, deadline=None)
@given(power=st.integers(-200, 200))
def test_powers_of_two_in_f_change_nothing_but_the_value(power: int) -> None:
    a = math.ldexp(1.0, power)
    plain, scaled = derivative(math.exp, 0.3), derivative(lambda x: a * math.exp(x), 0.3)
    assert float(scaled) == a * float(plain)
    assert scaled.error == a * float(plain.error)
    assert scaled.calls == plain.calls


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize(("f", "g", "x"), [(math.exp, mp.exp, 1.3), (math.sin, mp.sin, 40.0),
                                           (lambda x: 1 / x, lambda x: 1 / x, 1e-3)])  # fmt: skip
def test_higher_orders(order: int, f: Black, g: Callable[[mp.mpf], mp.mpf], x: float) -> None:
    found, truth = derivative(f, x, order=order), exact(g, x, order)
    assert abs(float(found) - truth) <= 1e-5 * abs(truth)
    assert honest(found, truth)
    assert found.calls <= 30


def test_errors_hold_where_squares_of_values_vanish() -> None:
    """Steps near 1 were tried too: next to those values, the squares of the ones near x are 0."""
    rng = np.random.default_rng(11)
    for _ in range(60):
        x, a = 10.0 ** rng.uniform(-150, -100), rng.uniform(0.5, 10.0)
        c = 10.0 ** rng.uniform(6, 10) * x * x * a
        found = derivative(lambda t, a=a, c=c: c + a * t * t, x, order=2)
        assert abs(float(found) - 2 * a) <= found.error
