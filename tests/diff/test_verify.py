"""The check at random points catches wrong derivatives and wrong simplifications."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.diff.verify import random_points

RIGHT = [
    ("x^3*log(x)", {}, "x"),
    ("norm(A @ x - b)^2", {"A": ("m", "n"), "x": "n", "b": "m"}, "x"),
    ("logdet(X)", {"X": ("n", "n")}, "X"),
    ("trace(X)", {"X": ("n", "n")}, "X"),
    ("sum(exp(x))", {"x": "n"}, "x"),
]


@pytest.mark.parametrize(("text", "shapes", "wrt"), RIGHT)
def test_right_derivatives_pass(text: str, shapes: dict[str, object], wrt: str) -> None:
    e = wg.parse(text, **shapes)
    by = next(s for s in e.free_symbols if s.attr.name == wrt)
    assert wg.check_derivative(e, [by], wg.diff(e, wrt)) >= 1


@pytest.mark.parametrize(("text", "shapes", "wrt"), RIGHT)
def test_wrong_derivatives_are_caught(text: str, shapes: dict[str, object], wrt: str) -> None:
    e = wg.parse(text, **shapes)
    by = next(s for s in e.free_symbols if s.attr.name == wrt)
    right = wg.diff(e, wrt)
    for wrong in (right * 1.001, -right, 0 * right):
        with pytest.raises(wg.VerificationError):
            wg.check_derivative(e, [by], wrong)


def test_wrong_simplification_is_caught() -> None:
    with pytest.raises(wg.VerificationError):
        wg.check_equal(wg.parse("x + 1"), wg.parse("x + 1.0001"))
    assert wg.check_equal(wg.parse("x*x"), wg.parse("x^2")) >= 1


def test_points_lie_in_the_domain_and_satisfy_assumptions() -> None:
    e = wg.parse(
        "log(x)*sqrt(y - 1) + logdet(S)",
        S=wg.symbol("S", ("n", "n"), assume="pd"),
        y=wg.symbol("y", assume="positive"),
    )
    points = list(random_points([e], seed=1, count=5))
    assert len(points) == 5
    for point in points:
        assert point["x"] > 0
        assert point["y"] > 1
        assert np.all(np.linalg.eigvalsh(point["S"]) > 0)
