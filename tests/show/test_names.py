"""Invented names never collide with names of the user, of functions, or with each other."""

from __future__ import annotations

import pytest
from show.reading_back import read_back

import wengert as wg
from wengert.ir.op import registered
from wengert.ir.types import FLOAT
from wengert.ops.leaves import e_const, fresh, pi, symbol
from wengert.show.letbind import with_lets
from wengert.show.names import Names, is_reserved


def test_names_of_shared_parts_avoid_symbols() -> None:
    x, t1, t3 = wg.symbol("x"), wg.symbol("t1"), wg.symbol("t3")
    a = wg.sin(x + t1) * t3
    b = a**2 + a
    bindings, body = with_lets(b * b + wg.exp(b))
    names = [name for name, _ in bindings]
    assert names == ["t2", "t4"]
    assert body == "t4*t4 + exp(t4)"


def test_names_of_shared_parts_avoid_sizes() -> None:
    v = symbol("v", "t1")
    a = wg.sin(v) * v
    bindings, _ = with_lets(wg.exp(a) + a * a)
    assert [name for name, _ in bindings] == ["t2"]


def test_fresh_symbols_are_told_apart_from_given_ones() -> None:
    x, t = wg.symbol("x"), wg.symbol("t")
    e = fresh(FLOAT, "t") * t + fresh(FLOAT, "x") * x + fresh(FLOAT, "%&")
    text = str(e)
    assert "%" not in text
    assert len({*text.replace("*", " ").replace("+", " ").split()}) == 5, text


def test_two_symbols_of_one_name_are_told_apart() -> None:
    e = wg.symbol("x") + symbol("x", assume="positive")
    assert str(e) == "x + x_2"


def test_a_symbol_called_pi_is_not_the_number() -> None:
    e = wg.symbol("pi") * pi + wg.symbol("e") * e_const
    assert str(e) == "2.718281828459045*e + 3.141592653589793*pi"
    assert e.evaluate(pi=1.0, e=0.0) == pytest.approx(3.141592653589793)


def test_reserved_names() -> None:
    assert all(
        is_reserved(name) for name in ("sum", "einsum", "lambda", "let", "ln", *registered())
    )
    assert not any(is_reserved(name) for name in ("t1", "x", "rate"))


def test_numbers_only_grow() -> None:
    names = Names([wg.symbol("t2")])
    assert [names.new_numbered("t") for _ in range(3)] == ["t1", "t3", "t4"]
    assert names.new("t2") == "t2_2"
    assert names.new("sin") == "sin_2"


@pytest.mark.parametrize("order", ["abc", "cab", "bca", "cba"])
def test_texts_do_not_depend_on_the_order_of_construction(order: str) -> None:
    # Names of their own for each order, so that each is built anew.
    made = {name: wg.symbol(f"{name}_{order}") for name in order}
    a, b, c = (made[k] for k in "abc")
    parts = {"a": lambda: b * a, "b": lambda: wg.sin(c) * a, "c": lambda: c**2}
    nodes = {k: parts[k]() for k in order}
    e = wg.maximum(nodes["a"] + nodes["b"] - nodes["c"], wg.where(wg.eq(c, a), b + a, 0))
    text = str(e).replace(f"_{order}", "")
    assert text == "maximum(a*b + a*sin(c) - c**2, where(a == c, a + b, 0))"


def test_lets_read_back() -> None:
    x = wg.symbol("x")
    e = x
    for _ in range(12):
        e = wg.sin(e) * e + 1
    assert str(e).startswith("let t1 = ")
    assert read_back(str(e), e) is e
    assert wg.parse(str(e)) is e


def test_names_that_would_look_alike_stay_as_typed() -> None:
    e = wg.parse("x1 + x_1*alpha_1")
    assert e.unicode() == "α₁·x_1 + x1"
    assert r"\mathrm{x\_1}" in e.latex()


def test_bindings_parse() -> None:
    x = wg.symbol("x")
    assert wg.parse("let t = x + 1; s = t*t; s + t") is (x + 1) * (x + 1) + (x + 1)
    assert wg.parse("let*x") is wg.symbol("let") * x
    with pytest.raises(wg.FormulaError, match=r"(?s)has a meaning already.*column 5"):
        wg.parse("let x = 2; x", x=())
    with pytest.raises(wg.FormulaError, match=r"(?s)column 16"):
        wg.parse("let t = x + 1; )t")
    with pytest.raises(wg.FormulaError, match="expected a binding"):
        wg.parse("let t = x + 1; t*t; t")


def test_constants_come_before_symbols_in_products_and_last_in_sums() -> None:
    assert str(wg.parse("a*pi")) == "pi*a"
    assert str(wg.parse("x*pi**2")) == "pi**2*x"
    assert str(wg.parse("pi + x")) == "x + pi"
    assert str(wg.parse("x*e**x")) == "x*e**x"
