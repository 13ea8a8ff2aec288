"""Fornberg's weights, fixed formulas, complex and multicomplex steps, tables, noise."""

from __future__ import annotations

import math
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.diff import numeric
from wengert.diff.numeric.multicomplex import RULES, coefficient, lifted
from wengert.errors import ShapeError


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(0.1, 3), min_size=2, max_size=8),
    start=st.floats(-5, 5),
    at=st.floats(0, 1),
    exponent=st.integers(-60, 60),
)
def test_weights_differentiate_polynomials_exactly(
    gaps: list[float], start: float, at: float, exponent: int
) -> None:
    unit = 10.0**exponent
    nodes = np.concatenate([[0.0], np.cumsum(gaps)])
    x0 = at * nodes[-1]
    scaled = numeric.fornberg_weights((start + x0) * unit, (start + nodes) * unit, 3)
    for degree in range(nodes.size):
        for order in range(4):
            truth = (
                math.perm(degree, order) * 0.0 ** max(degree - order, 0) if degree >= order else 0.0
            )
            row = scaled[order] * unit**order
            values = (nodes - x0) ** degree
            size = float(np.abs(row) @ np.abs(values)) + 1.0
            assert abs(row @ values - truth) <= 1e-9 * size


def test_weights_do_not_depend_on_the_order_of_nodes() -> None:
    nodes = np.array([0.3, -1.0, 2.0, 0.9, -0.2])
    shuffle = np.array([3, 0, 4, 2, 1])
    straight = numeric.fornberg_weights(0.1, nodes, 4)
    np.testing.assert_allclose(
        numeric.fornberg_weights(0.1, nodes[shuffle], 4), straight[:, shuffle]
    )


def test_repeated_nodes_are_refused() -> None:
    with pytest.raises(ShapeError, match="distinct"):
        numeric.fornberg_weights(0.0, [1.0, 1.0], 1)


@pytest.mark.parametrize("method", ["central", "forward", "backward"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("accuracy", [2, 4, 6])
def test_formulas_have_the_order_they_claim(method: str, order: int, accuracy: int) -> None:
    x = 0.4
    truth = math.exp(x)  # every term of its error has one sign, so that the first one rules

    def error(step: float) -> float:
        found = numeric.derivative(
            math.exp, x, order=order, method=method, accuracy=accuracy, step=step, max_calls=60
        )
        assert abs(float(found) - truth) <= float(found.error) + 1e-15
        return abs(float(found) - truth)

    observed = math.log2(error(0.2) / error(0.1))
    assert observed > accuracy - 0.6


def test_a_fixed_step_that_cannot_be_right_is_not_believed() -> None:
    found = numeric.derivative(lambda x: math.sin(1e3 * x), 1.0, method="central", step=0.1)
    assert not found.reliable
    # Both of its steps a multiple of no period: neither a whole number of periods goes unseen.
    period = 2 * math.pi
    wave = numeric.derivative(math.sin, 1.0, method="central", accuracy=2, step=period)
    assert not wave.reliable


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_complex_and_multicomplex_steps_are_exact_to_rounding(order: int) -> None:
    def f(x: Any) -> Any:
        return np.exp(x) / (np.sin(x) ** 3 + np.cos(x) ** 3)

    def g(x: mp.mpf) -> mp.mpf:
        return mp.exp(x) / (mp.sin(x) ** 3 + mp.cos(x) ** 3)

    found = numeric.derivative(f, 1.5, order=order, method="complex")
    with mp.workdps(80):
        truth = float(mp.diff(g, mp.mpf(1.5), order, h=mp.mpf(10) ** -15))
    assert abs(float(found) - truth) <= 1e-13 * abs(truth)
    assert abs(float(found) - truth) <= float(found.error) + 1e-15 * abs(truth)


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: abs(x) ** 3, 1e-5),
        (lambda x: np.real(x) ** 2, 2.0),
        (lambda x: x * np.conj(x), 1.5),
        (lambda x: np.exp(x) + 1e-6 * np.sin(1e9 * x), 1.0),
    ],
)
def test_complex_step_is_never_silently_wrong(f: Any, x: float) -> None:
    def real_for_real(t: Any) -> Any:
        y = f(t)
        return y if np.iscomplexobj(t) else float(np.real(y))

    found = numeric.derivative(real_for_real, x, method="complex")
    assert not found.reliable
    assert found.error == math.inf


def test_complex_gradient_and_hessian() -> None:
    def f(p: Any) -> Any:
        return np.exp(p[0]) * np.sin(p[1]) + p[0] * p[1] ** 3

    x = np.array([0.3, 1.1])
    e, s, c = math.exp(0.3), math.sin(1.1), math.cos(1.1)
    g = numeric.gradient(f, x, method="complex")
    np.testing.assert_allclose(g.value, [e * s + 1.1**3, e * c + 3 * 0.3 * 1.21], rtol=1e-14)
    H = numeric.hessian(f, x, method="complex")
    mixed = e * c + 3 * 1.21
    np.testing.assert_allclose(
        H.value, [[e * s, mixed], [mixed, -e * s + 6 * 0.3 * 1.1]], rtol=1e-14
    )
    bad = numeric.gradient(lambda p: np.sum(abs(p) ** 3), [1.0, -2.0], method="complex")
    assert not bad.reliable


@pytest.mark.parametrize("name", sorted(RULES))
def test_multicomplex_functions_know_their_derivatives(name: str) -> None:
    """Each rule against mpmath, to the third order, so that the rules of rules count too."""
    x = {"arccosh": 1.7}.get(name, 0.4)
    names = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
             "arccosh": "acosh", "arctanh": "atanh"}  # fmt: skip
    special = {"exp2": lambda z: mp.mpf(2) ** z, "log2": lambda z: mp.log(z, 2), "log10": mp.log10,
               "square": lambda z: z * z, "reciprocal": lambda z: 1 / z, "log1p": lambda z: mp.log(1 + z),
               "expm1": lambda z: mp.exp(z) - 1}  # fmt: skip
    truth = special.get(name) or getattr(mp, names.get(name, name))
    h = 2.0**-60
    for order in (1, 2, 3):
        result = getattr(np, name)(np.array([lifted(x, [h] * order)], dtype=object))[0]
        with mp.workdps(80):
            expected = float(mp.diff(truth, mp.mpf(x), order, h=mp.mpf(10) ** -15))
        assert np.isclose(coefficient(result, order) / h**order, expected, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.integers(1, 2))
def test_uneven_samples(seed: int, order: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 1, 30) * 0.02 + np.linspace(0, 2, 30))
    shuffle = rng.permutation(x.size)
    at = rng.uniform(x[2], x[-3], 5)
    found = numeric.from_samples(x[shuffle], np.exp(x[shuffle]), at=at, order=order, accuracy=5)
    assert (np.abs(found.value - np.exp(at)) <= np.asarray(found.error) + 1e-12).mean() >= 0.8
    np.testing.assert_allclose(found.value, np.exp(at), rtol=1e-3)


def test_samples_that_do_not_resolve_f_are_not_believed() -> None:
    x = np.linspace(0, 1, 20)
    assert not numeric.from_samples(x, np.sin(300 * x)).reliable
    assert numeric.from_samples(x, np.sin(x)).reliable


def test_samples_of_arrays_keep_their_shape() -> None:
    x = np.linspace(0, 1, 12)
    found = numeric.from_samples(x, np.stack([np.sin(x), x**2], axis=1), at=[0.5, 0.6, 0.7])
    assert np.shape(found.value) == (3, 2)
    with pytest.raises(ShapeError, match="distinct"):
        numeric.from_samples([1.0, 2.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0])


@pytest.mark.parametrize("sigma", [1e-10, 1e-6, 1e-3])
def test_noise_level_of_random_noise(sigma: float) -> None:
    ratios = []
    for seed in range(12):
        source = np.random.default_rng(seed)
        level = numeric.noise_level(
            lambda x, s=source: math.exp(x) + sigma * s.standard_normal(), 1.0
        )
        ratios.append(float(level) / sigma)
    assert 0.4 < np.median(ratios) < 2.5


def test_noise_level_of_rounded_and_exact_functions() -> None:
    assert 5e-8 < float(numeric.noise_level(lambda x: np.float32(math.exp(x)), 1.3)) < 5e-7
    assert float(numeric.noise_level(math.exp, 1.3)) < 4e-15
