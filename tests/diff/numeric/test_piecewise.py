"""Functions in pieces: a kink at some distance limits the step and nothing else."""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from wengert.diff.numeric import derivative, gradient

Black = Callable[[float], float]
KNOTS = np.linspace(0, 2, 2001)
SINE = np.sin(KNOTS)
TABLE = [0.3, 1.7, 0.2, 0.9, 1.1, 2.2]


@dataclass(frozen=True)
class Pieces:
    """Pieces between sorted knots, in ``u = w (t - x) + 0.37``; offsets may make them continuous."""

    knots: list[float]
    pieces: list[tuple[Black, Black]]
    offsets: list[float]
    x: float
    w: float
    scale: float

    def u(self, t: float) -> float:
        return self.w * (t - self.x) + 0.37

    def __call__(self, t: float) -> float:
        i = bisect_left(self.knots, t)
        return self.scale * (self.pieces[i][0](self.u(t)) + self.offsets[i])

    def slope(self) -> float:
        return self.scale * self.w * self.pieces[bisect_left(self.knots, self.x)][1](0.37)

    def room(self) -> float:
        return min(abs(k - self.x) for k in self.knots)


def piece(rng: random.Random) -> tuple[Black, Black]:
    a, b = (rng.choice([-1, 1]) * 10 ** rng.uniform(-2, 2) for _ in range(2))
    kinds: list[tuple[Black, Black]] = [
        (lambda u: a, lambda u: 0.0),
        (lambda u: a + b * u, lambda u: b),
        (lambda u: a + b * u * u + u, lambda u: 2 * b * u + 1),
        (lambda u: a * math.sin(u) + b, lambda u: a * math.cos(u)),
        (lambda u: a * math.exp(min(u, 300.0)), lambda u: a * math.exp(u)),
        (lambda u: a / (1 + u * u), lambda u: -2 * a * u / (1 + u * u) ** 2),
    ]
    return kinds[rng.choice([0, 0, 1, 1, 2, 3, 4, 5])]


def drawn(rng: random.Random) -> Pieces:
    """Random places, kink distances over seven decades, one to three knots, three in five continuous."""
    x = rng.choice([0.0, rng.uniform(-3, 3), rng.choice([-1, 1]) * 10 ** rng.uniform(-4, 4)])
    size = abs(x) or 1.0
    d = size * 10 ** rng.uniform(-6, 0.7)
    near = x + rng.choice([-1, 1]) * d
    far = [
        x + rng.choice([-1, 1]) * d * 10 ** rng.uniform(0.05, 3) for _ in range(rng.randrange(3))
    ]
    knots = sorted({near, *far})
    pieces = [piece(rng) for _ in range(len(knots) + 1)]
    w, scale = 10 ** rng.uniform(-1, 1) / size, 10 ** rng.uniform(-4, 4)
    drawn = Pieces(knots, pieces, [0.0] * len(pieces), x, w, scale)
    if rng.random() < 0.6:
        home = bisect_left(knots, x)
        for i in [*range(home + 1, len(pieces)), *range(home - 1, -1, -1)]:
            k, j = (i - 1, i - 1) if i > home else (i, i + 1)
            u = drawn.u(knots[k])
            drawn.offsets[i] = pieces[j][0](u) + drawn.offsets[j] - pieces[i][0](u)
    return drawn


def test_random_pieces_are_right_and_never_confidently_wrong() -> None:
    rng = random.Random(20261)
    right = wrong = 0
    count = 400
    for _ in range(count):
        f = drawn(rng)
        found, truth = derivative(f, f.x), f.slope()
        assert found.calls <= 30
        error = abs(float(found) - truth)
        # Between the nearest kinks, rounding of f is all that limits a derivative.
        limit = max(1e-6 * abs(truth), 20 * 2.2e-16 * abs(f(f.x)) / f.room())
        right += found.reliable and error <= limit
        wrong += found.reliable and error > float(found.error) + 1e-14 * abs(truth)
    assert wrong == 0
    assert right >= 0.97 * count


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        (lambda y: 1.69 if y < 1.3 else 1.3 * y, 0.7, 0.0),
        (lambda y: abs(1.3 - 3) * max(1.3, y), 0.7, 0.0),
        (lambda x: min(x, 5) ** 2, 3.0, 6.0),
        (lambda x: np.clip(x, 0, 1), 0.4, 1.0),
        (lambda x: np.clip(x, 0, 1), 1.7, 0.0),
        (lambda x: abs(x - 1), 0.999, -1.0),
        (lambda x: abs(x - 1), 1 - 1e-8, -1.0),
        (lambda x: math.floor(x) * x, 0.5, 0.0),
        (lambda x: math.floor(x) * x, 2.5, 2.0),
        (lambda x: np.where(x > 0, x * x, 0.0), 1e-3, 2e-3),
        (lambda x: np.where(x > 0, x * x, 0.0), -1e-3, 0.0),
        (lambda x: max(x, 0.0), -1e-4, 0.0),
        (lambda x: float(x > 1), 0.7, 0.0),
        (lambda x: float(np.sign(x)), 3.0, 0.0),
        (lambda x: x % 1, 7.3, 1.0),
        (lambda x: abs(x % 2 - 1), 0.6, -1.0),
        (lambda x: math.sqrt(x), 1e-9, 0.5 / math.sqrt(1e-9)),
        (lambda x: float(np.interp(x, KNOTS, SINE)), 0.70042,
         float((SINE[701] - SINE[700]) / (KNOTS[701] - KNOTS[700]))),
    ],
)  # fmt: skip
def test_named_pieces(f: Black, x: float, truth: float) -> None:
    found = derivative(f, x)
    assert found.reliable
    assert abs(float(found) - truth) <= 1e-7 * (abs(truth) or 1.0)
    assert abs(float(found) - truth) <= float(found.error) + 1e-15 * abs(truth)


@pytest.mark.parametrize("f", [math.floor, lambda x: round(x, 1), lambda x: TABLE[int(x) % 6]])
def test_stairs_have_no_slope_to_speak_of(f: Black) -> None:
    found = derivative(f, 1.52)
    assert not found.reliable or float(found) == 0.0


@pytest.mark.parametrize("digits", [4, 5, 6])
def test_a_plateau_by_rounding_is_no_plateau(digits: int) -> None:
    """Flat near x as a dead unit is, but its values lie on a grid."""
    for shift in np.linspace(1e-4, 3e-3, 9):
        for unit in (1.0, 0.37):
            found = derivative(
                lambda x, s=shift, d=digits, q=unit: q * round((1 + (x - 2 + s) ** 2) / q, d), 2.0
            )
            assert not found.reliable or abs(float(found) - 2 * shift) <= float(found.error)


def test_gradient_of_a_net_with_dead_and_living_units() -> None:
    rng = np.random.default_rng(5)
    w1, b1, w2 = rng.normal(size=(12, 4)), rng.normal(size=12), rng.normal(size=12)
    good = 0
    for _ in range(20):
        x = rng.normal(size=4)
        truth = w1.T @ (w2 * (w1 @ x + b1 > 0))
        found = gradient(lambda p: float(w2 @ np.maximum(w1 @ p + b1, 0.0)), x)
        assert (np.abs(found.value - truth) <= np.asarray(found.error) + 1e-14).all()
        good += found.reliable and np.allclose(found.value, truth, rtol=1e-7, atol=1e-9)
    assert good >= 19


def test_cusps_have_their_limit_and_poles_of_the_slope_none() -> None:
    for f, truth in [(lambda x: x * abs(x), 0.0), (lambda x: 2 + x + x**1.5, 1.0),
                     (lambda x: max(x, 0.0) ** 2, 0.0)]:  # fmt: skip
        found = derivative(f, 0.0)
        assert abs(float(found) - truth) <= float(found.error) < 1e-4
    for g in (math.sqrt, lambda x: x * math.log(x) if x else 0.0):
        assert not derivative(g, 0.0).reliable
