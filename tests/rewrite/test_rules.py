"""Every rule by itself: it fires on its examples, and does not change what they mean."""

from __future__ import annotations

import re
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from rewrite.exactly import exact_value
from rewrite.examples import ASSUMED, EXAMPLES, SHAPES
from rewrite.expressions import same, value_at

import wengert  # noqa: F401  # names of ops
from wengert.frontend.parse import parse
from wengert.ir.node import Expr
from wengert.ir.types import TupleType
from wengert.ir.walk import order
from wengert.rewrite.build import built
from wengert.rewrite.conditions import conditions
from wengert.rewrite.engine import prepare, walked
from wengert.rewrite.rule import Rule, named
from wengert.rewrite.session import Session

CASES = [
    pytest.param(rule, text, id=f"{name}: {text}")
    for name, rule in named().items()
    for text in EXAMPLES.get(name, ())
]
# Values of x and y: inside, at the edges, negative, large.
POINTS = (0.7, 1.6, 0.25, -0.4, -1.7, 0.0, 1.0, -1.0, 12.0, -11.0)


def read(text: str) -> Expr:
    names = set(re.findall(r"(?<!\.)\b[A-Za-z]+", text))
    assume = {k: v for k, v in ASSUMED.items() if k in names}
    return parse(text, assume=assume or None, **{k: v for k, v in SHAPES.items() if k in names})


def _is_scalar(formula: Expr) -> bool:
    return all(not isinstance(n.type, TupleType) and not n.ndim for n in order([formula]))


def applied(rule: Rule, formula: Expr) -> tuple[Expr, bool]:
    """The formula after this one rule (and the normal forms), and whether it fired."""
    s = prepare(Session(level=rule.level, stable=rule.use == "stable"), (rule,))
    result = walked(s, formula)
    return built(s, result), rule.name in s.fired


def draw(rng: np.random.Generator) -> dict[str, Any]:
    arrays = {k: rng.uniform(-1.5, 1.5, shape) for k, shape in SHAPES.items()}
    arrays["A"] = arrays["A"] + 2.5 * np.eye(3)
    arrays["Q"] = np.linalg.qr(arrays["Q"])[0]
    return {"x": rng.uniform(-2, 2), "y": rng.uniform(-2, 2), "p": rng.uniform(0.2, 2), **arrays}


def holds(conditions_: tuple[Expr, ...], values: dict[str, Any]) -> bool:
    return all(np.all(value_at(c, values)) for c in conditions_)


def test_every_rule_has_examples() -> None:
    assert set(EXAMPLES) == set(named())


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_it_fires(rule: Rule, text: str) -> None:
    _, fired = applied(rule, read(text))
    assert fired


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_it_keeps_the_value(rule: Rule, text: str, rng: np.random.Generator) -> None:
    """Wherever the original is finite; where an agreed value is given up, wherever the result is."""
    formula = read(text)
    result, _ = applied(rule, formula)
    asked = conditions(result) if rule.kind == "C" else ()
    assert result.shape == formula.shape
    compared = 0
    for _ in range(12):
        values = draw(rng)
        want = np.asarray(value_at(formula, values), float)
        if np.all(np.isfinite(want)) and holds(asked, values):
            compared += 1
            assert same(want, value_at(result, values), 1e-9), f"{formula} -> {result} at {values}"
    assert compared


SCALAR_CASES = [c for c in CASES if not read(c.values[1]).ndim and _is_scalar(read(c.values[1]))]


@pytest.mark.parametrize(("rule", "text"), SCALAR_CASES)
def test_edges(rule: Rule, text: str) -> None:
    """At 0, at 1, for negative and for large numbers, to 100 digits."""
    formula = read(text)
    result, _ = applied(rule, formula)
    asked = conditions(result) if rule.kind == "C" else ()
    for x in POINTS:
        for y in (0.8, 0.0, -1.3, x):
            at = {"x": x, "y": y, "p": 0.6}
            want = exact_value(formula, at)
            if want is None or not holds(asked, at):
                continue
            got = exact_value(result, at)
            near = got is not None and mp.almosteq(want, got, 1e-25, 1e-25)
            assert near, f"{formula} -> {result} at x={x}, y={y}: {want} and {got}"


@pytest.mark.parametrize(
    ("rule", "text"), [c for c in SCALAR_CASES if c.values[0].use != "formula"]
)
def test_large_and_infinite(rule: Rule, text: str) -> None:
    """What is executed stays finite in floats wherever the original is."""
    formula = read(text)
    result, _ = applied(rule, formula)
    for x in (700.0, -700.0, 1e8, -1e8, 1e-300, np.inf, -np.inf):
        at = {"x": x, "y": 0.3, "p": 0.6}
        want = value_at(formula, at)
        if np.isfinite(want) and abs(want) < 1e280:
            assert np.isfinite(value_at(result, at)), f"{formula} -> {result} at x={x}"


@pytest.mark.parametrize(("rule", "text"), [c for c in SCALAR_CASES if c.values[0].kind == "E"])
def test_exact_rules_do_not_enlarge_the_domain(rule: Rule, text: str) -> None:
    """Where the original is undefined over the real numbers, the result is too."""
    formula = read(text)
    result, _ = applied(rule, formula)
    for x in POINTS:
        for y in (0.8, 0.0, -1.3):
            at = {"x": x, "y": y, "p": 0.6}
            if exact_value(formula, at) is None:
                assert exact_value(result, at) is None, f"{formula} -> {result} at x={x}, y={y}"


def test_a_wrong_rule_is_caught() -> None:
    """The tests above can fail: 1 - sin(x)**2 as cos(x) is noticed."""

    def apply(s: Session, node: Expr) -> Expr | None:
        return s.apply("cos", node.args[0])

    wrong = Rule("sin is cos", "sin", apply)
    formula = read("sin(x)")
    result, _ = applied(wrong, formula)
    assert not same(value_at(formula, {"x": 0.4}), value_at(result, {"x": 0.4}))
