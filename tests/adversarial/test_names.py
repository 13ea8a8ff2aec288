"""Names that mean two things."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import wengert as wg


def test_a_symbol_called_like_an_option() -> None:
    check, simplify = wg.symbols("check simplify")
    assert (check**2 * simplify).evaluate({"check": 3.0}, simplify=2.0) == 18.0


def test_the_value_of_a_symbol_is_no_size() -> None:
    n = wg.symbol("n")
    expr = n * wg.sum(wg.ones("n"))
    with pytest.raises(wg.EvaluationError, match="size `n`"):
        expr.evaluate(n=3)
    mean = n * wg.mean(wg.symbol("v", "n"))
    assert mean.evaluate(n=2, v=np.arange(3.0)) == 2.0
    assert wg.simplify(mean).evaluate(n=2, v=np.arange(3.0)) == 2.0


@pytest.mark.parametrize(
    "name", ["x0", "v1", "t1", "let", "I", "n", "p0", "x_2", "_", "E", "gamma", "α", "self", "at"]
)
def test_derivatives_by_symbols_with_common_names(name: str) -> None:
    s, x = wg.symbol(name), wg.symbol("x")
    d = wg.diff(s**2 * wg.sin(s) + wg.exp(x), s)
    value = d.evaluate({name: 1.3, "x": 0.2})
    assert value == pytest.approx(2.6 * math.sin(1.3) + 1.69 * math.cos(1.3))
    assert wg.parse(str(d)) is d


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("mean(A)", {"A": ("m", "n")}),
        ("mean(A)", {"A": (2, "n")}),
        ("mean(T, axis=(0, 2))", {"T": ("k", "m", "n")}),
        ("mean(kron(A, A))", {"A": ("m", "n")}),
        ("mean(concatenate((x, x)))", {"x": "n"}),
        ("mean(x[1:])", {"x": "n"}),
        ("std(A)", {"A": ("m", "n")}),
        ("norm(0*A + 1)*A", {"A": ("m", "n")}),
    ],
)
def test_numbers_of_elements_read_back(text: str, shapes: dict[str, Any]) -> None:
    expr = wg.parse(text, **shapes)
    for result in (expr, wg.simplify(expr), wg.diff(expr, *shapes)):
        assert wg.parse(str(result), **shapes) is result


def test_a_product_with_a_diagonal_that_is_spread_reads_back() -> None:
    shapes: dict[str, Any] = {"M": ("n", "n"), "S": ("n", "n"), "x": "n"}
    expr = wg.parse("(diag(M)*x)[:, None]*S", **shapes)
    assert str(expr) == "(diag(M)*x)[:, None]*S"
    assert wg.parse(str(expr), **shapes) is expr
