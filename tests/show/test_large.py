"""Printing is linear in the graph, whatever the tree would be, and never recurses."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from show.reading_back import read_back

import wengert as wg
from wengert.ir.node import Expr
from wengert.show.letbind import LONGEST_TREE, with_lets

FACES: list[Callable[[Expr], str]] = [str, repr, Expr.numpy, Expr.unicode, Expr.latex, Expr.dot]


def chain(length: int) -> Expr:
    x, y = wg.symbol("x"), wg.symbol("y")
    e = x
    for _ in range(length // 3):
        e = wg.sin(e) * y + x
    return e


@pytest.fixture(scope="module")
def long_chain() -> Expr:
    return chain(100_000)


@pytest.mark.parametrize("face", FACES)
def test_a_chain_of_100_000_nodes(face: Callable[[Expr], str], long_chain: Expr) -> None:
    started = time.process_time()
    text = face(long_chain)
    assert time.process_time() - started < 5  # about 0.8 s on an idle machine
    assert text


def test_time_grows_with_the_graph() -> None:
    chain(300)
    seconds = []
    for length in (10_000, 80_000):
        e = chain(length)
        started = time.process_time()
        str(e)
        seconds.append(time.process_time() - started)
    assert seconds[1] < 30 * seconds[0]  # 8 if linear, 64 if quadratic


@pytest.mark.parametrize("face", [*FACES, Expr.svg])
def test_a_shared_graph_whose_tree_is_astronomical(face: Callable[[Expr], str]) -> None:
    x, y = wg.symbol("x"), wg.symbol("y")
    e = x
    for _ in range(1000):
        e = e * wg.cos(e) + y
    assert len(face(e)) < 2_000_000


def test_derivatives_of_the_logistic_map_stay_linear() -> None:
    x, r = wg.symbol("x"), wg.symbol("r")
    e = x
    lengths = []
    for step in range(24):
        e = r * e * (1 - e)
        if step in (11, 23):
            lengths.append(len(str(wg.diff(e, x, simplify=False))))
    assert lengths[1] < 2.5 * lengths[0]


def test_short_expressions_have_no_names() -> None:
    x = wg.symbol("x")
    a = wg.sin(x + 1) * x
    assert str(a * a + a) == "x*sin(x + 1)*(x*sin(x + 1)) + x*sin(x + 1)"
    assert with_lets(a * a + a) == ([("t1", "x*sin(x + 1)")], "t1*t1 + t1")


def test_names_pay() -> None:
    x = wg.symbol("x")
    for e in (x * x + x, wg.sin(x) + wg.sin(x) ** 2, (x + 1) * (x + 1)):
        assert with_lets(e)[0] == []  # too short to be worth a name


def test_bindings_come_before_their_use_and_read_back() -> None:
    x, y = wg.symbol("x"), wg.symbol("y")
    e = x
    for i in range(40):
        e = wg.sin(e + i) * e - y * (e + i)
    bindings, body = with_lets(e)
    lets = ";\n".join(f"{name} = {text}" for name, text in bindings)
    text = f"let {lets};\n{body}"
    assert read_back(text, e) is e
    assert wg.parse(text) is e
    names = [name for name, _ in bindings]
    assert names == sorted(names, key=lambda n: int(n[1:]))
    for (_, text), name in pairwise([*bindings, (body, "")]):
        assert name not in str(text)[:-1].split()


def test_repr_is_short_and_safe() -> None:
    assert repr(wg.parse("x^2*sin(y)")) == "<Expr x**2*sin(y) : float64>"
    assert repr(wg.parse("A @ x", A=("m", "n"), x="n")) == "<Expr A @ x : float64[m, n]>".replace(
        "[m, n]", "[m]"
    )
    assert len(repr(chain(3000))) < 140
    assert "…" in repr(chain(3000))


def test_limit_is_what_the_page_says() -> None:
    assert LONGEST_TREE == 80
