"""Names with shapes and assumptions."""

from __future__ import annotations

from typing import Any

import pytest

import wengert as wg
from wengert.ir.facts import fact_names


def test_shapes_are_extents_or_tuples_of_extents() -> None:
    n = wg.Dim.named("n")
    e = wg.parse("A @ x + b*c", A=(3, "n"), x="n", b=3, c=())
    assert [(s.attr.name, s.shape) for s in e.free_symbols] == [
        ("A", (3, n)), ("b", (3,)), ("c", ()), ("x", (n,)),
    ]  # fmt: skip
    assert wg.parse("x", x=[2, n]).shape == (2, n)


def test_undeclared_names_are_scalars() -> None:
    assert wg.parse("x").shape == ()


def test_an_expression_stands_for_itself() -> None:
    S = wg.symbol("S", ("n", "n"), assume="pd")
    assert wg.parse("S @ S", S=S) is S @ S
    assert wg.parse("u^2 + 1", u=wg.parse("sin(x)")) is wg.parse("sin(x)^2 + 1")


def test_sizes_of_declared_arrays_are_names_too() -> None:
    assert wg.parse("n*sum(x)", x="n").evaluate(x=[1.0, 2.0]) == 6.0
    assert wg.parse("n*sum(x)", x="n", n=()).evaluate(x=[1.0, 2.0], n=5.0) == 15.0


def test_assumptions_belong_to_the_symbol() -> None:
    e = wg.parse("x + S[0, 0]", S=("n", "n"), assume={"x": "positive", "S": ("symmetric", "pd")})
    facts = {s.attr.name: fact_names(s.attr.facts) for s in e.free_symbols}
    assert facts == {"x": ("positive",), "S": ("pd",)}
    assert wg.parse("x", assume={"x": "positive"}) is wg.symbols("x", assume="positive")
    assert wg.parse("x", assume={"x": "positive"}) is not wg.parse("x")
    assert wg.parse("σ", assume={"sigma": "positive"}) is wg.parse(
        "sigma", assume={"σ": "positive"}
    )


@pytest.mark.parametrize(
    ("shapes", "assume", "error", "message"),
    [
        ({"xx": ()}, None, wg.UnknownNameError, "`xx` is declared.*got only x.*did you mean `x`"),
        ({}, {"X": "positive"}, wg.UnknownNameError, "`X` is declared.*did you mean `x`"),
        ({}, {"x": "positiv"}, wg.TypeMismatchError, "did you mean `positive`"),
        ({}, {"x": "symmetric"}, wg.ShapeError, "expected a square matrix, got shape"),
        ({"x": ("m", "n")}, {"x": "pd"}, wg.ShapeError, "expected a square matrix"),
        ({"x": 1.5}, None, wg.TypeMismatchError, "`x`.*expected an extent"),
        ({"x": -1}, None, wg.TypeMismatchError, "`x`.*expected a nonnegative int"),
        ({"x": ("2n",)}, None, wg.TypeMismatchError, "expected a nonnegative int or a name"),
        ({"x": wg.symbol("x")}, {"x": "positive"}, wg.FormulaError, "got both"),
        ({"α": (), "alpha": ()}, None, wg.FormulaError, "declared twice"),
        ({"for": ()}, None, wg.FormulaError, "expected a name"),
        ({}, ("positive",), wg.TypeMismatchError, "assumptions by name"),
    ],
)
def test_declarations_that_make_no_sense(
    shapes: dict[str, Any], assume: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        wg.parse("x", assume=assume, **shapes)


def test_declarations_of_absent_names_are_fine() -> None:
    assert wg.parse("a @ b", a="n", b="n", x="k") is wg.parse("a @ b", a="n", b="n")


def test_symbols() -> None:
    assert wg.symbols("x") is wg.parse("x")
    assert wg.symbols("x, y z") == tuple(wg.parse(n) for n in "xyz")
    assert [s.attr.name for s in wg.symbols("x:3")] == ["x0", "x1", "x2"]
    assert [s.attr.name for s in wg.symbols("x2:4 y")] == ["x2", "x3", "y"]
    assert wg.symbols(["a", "b"], "n", assume="positive")[1].shape == (wg.Dim.named("n"),)
    for bad in ("", "2x", "a-b", "in"):
        with pytest.raises(wg.FormulaError, match="expected a name"):
            wg.symbols(bad)
