"""Control flow is printed like calls, bodies as anonymous functions, shared parts of bodies named."""

from __future__ import annotations

import wengert as wg
from wengert.ops.control import branch, for_loop, while_loop


def test_both_branches_are_shown() -> None:
    x, y = wg.symbol("x"), wg.symbol("y")
    e = branch(x > 0, lambda: x * y, lambda: -x)
    assert str(e) == "cond(x > 0, x, y; (p0, p1) -> p0*p1, (p0, p1) -> -p0)[0]"
    assert "cond" in repr(e)
    for text in (e.unicode(), e.latex(), e.numpy(), e.dot(), e.svg()):
        assert "cond" in text


def test_a_loop_shows_its_body() -> None:
    x = wg.symbol("x")
    e = for_loop(10, x, lambda i, total: total * wg.sin(total))
    text = str(e)
    assert text.startswith("loop(")
    assert "sin(" in text
    assert text.endswith("[0]")


def test_a_large_body_stays_small() -> None:
    def body(i: wg.Expr, value: wg.Expr) -> wg.Expr:
        for _ in range(200):
            value = value * wg.sin(value) + 1
        return value

    text = str(for_loop(3, wg.symbol("x"), body))
    assert len(text) < 20_000
    assert "let t1 = " in text


def test_parameters_do_not_take_names_of_the_user() -> None:
    p0 = wg.symbol("p0")
    e = while_loop(lambda value: value < 3, lambda value: value * 2, p0)
    assert str(e).startswith("loop(")
    assert "(p0" in str(e)
