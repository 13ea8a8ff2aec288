"""Exact text of graphs and back."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from wengert.errors import FormulaError, GraphError
from wengert.ir.dims import Dim
from wengert.ir.dump import codec, dump, load
from wengert.ir.node import Expr, intern
from wengert.ir.op import NoDerivative, Op, Spelling
from wengert.ir.types import FLOAT
from wengert.ops.algebra import matmul, outer
from wengert.ops.control import branch, for_loop, while_loop
from wengert.ops.einstein import broadcast_to, ein, eye
from wengert.ops.leaves import const, e_const, pi, size, symbol
from wengert.ops.sums import scale
from wengert.ops.trig import sin

x, y = symbol("x"), symbol("y", assume="positive")
v = symbol("v", "n")
A = symbol("A", ("m", "n"), dtype="float32")
NAN_WITH_PAYLOAD = np.frombuffer(bytes.fromhex("efbeadde0000f87f"), "<f8")[0]


def same(node: Expr) -> None:
    (found,) = load(dump([node]))
    assert found is node


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        10**30,
        0.1,
        -0.0,
        float("inf"),
        float("nan"),
        1e-320,
        True,
        False,
        1j,
        -0.0j,
        Fraction(1, 3),
    ],
    ids=repr,
)
def test_numbers_come_back_to_the_bit(value: Any) -> None:
    same(const(value))


@pytest.mark.parametrize(
    "value",
    [
        np.float32(0.1),
        np.float64(-0.0),
        NAN_WITH_PAYLOAD,
        np.int32(-3),
        np.bool_(True),
        np.complex64(1 + 2j),
        np.arange(6.0).reshape(2, 3),
        np.array([[1, 2], [3, 4]], "int32"),
        np.array([True, False]),
        np.zeros((0, 3)),
        np.array([np.nan, -0.0, np.inf], "float32"),
        np.array([1 + 1j]),
    ],
    ids=repr,
)
def test_numpy_scalars_and_arrays_come_back_to_the_bit(value: Any) -> None:
    same(const(value))


@pytest.mark.parametrize(
    "node",
    [
        x,
        y,
        pi,
        e_const,
        A,
        symbol("z", (3, Dim.named("n") * 2 + 1), dtype="complex128", assume=("integer", "nonzero")),
        symbol("α"),
        size(Dim.named("n") * Dim.named("m") - 4),
        eye(Dim.named("n")),
        eye(3),
        scale(Fraction(2, 7), x),
        scale(0.1, v) - v,
        matmul(A, v),
        outer(v, v),
        broadcast_to(v, (Dim.named("m"), 4, Dim.named("n"))),
        ein([(A, "ij"), (A, "ik"), (v, "k")], "j"),
        sin(x) ** 3 / y,
        branch(x > y, lambda: sin(x), lambda: y),
        for_loop(4, x, lambda k, s: for_loop(3, s, lambda m, t: t * y + m) + k),
        while_loop(lambda s: s < y, lambda s: s * 2, x),
    ],
    ids=lambda node: f"{node.op.name}-{node.type}",
)
def test_every_kind_of_attribute_comes_back(node: Expr) -> None:
    same(node)
    assert pickle.loads(pickle.dumps(node)) is node
    assert copy.deepcopy(node) is node


def test_several_nodes_share_what_they_share() -> None:
    nodes = [sin(x), sin(x) * y, x]
    text = dump(nodes)
    assert text.count("sin(") == 1
    assert all(a is b for a, b in zip(load(text), nodes, strict=True))
    assert load(dump([])) == []


def test_a_region_is_written_once_and_indented() -> None:
    def body(k: Expr, s: Expr) -> Expr:
        return sin(s) + y

    text = dump([for_loop(4, x, body) + for_loop(5, x, body)])
    assert text.count("region {") == 1
    assert re.search(r"^  %\d+ : float64 = sin\(%\d+\)$", text, re.M)
    assert "} @0 (" in text


def test_the_text_reads_well() -> None:
    assert dump([sin(x) - 2 * x]) == (
        "wengert graph 1\n"
        '%0 : float64 = symbol() {"Name": ["x", {"type": "float64"}, 0]}\n'
        "%1 : float64 = sin(%0)\n"
        "%2 : float64 = lin(%0, %1) [-2, 1]\n"
        "return %2\n"
    )


def test_another_process_reads_it() -> None:
    node = for_loop(3, x, lambda k, s: sin(s) * y + 0.1) + branch(x > 0, lambda: x, lambda: y)
    script = (
        "import sys, wengert, wengert.ops.control\n"
        "from wengert.ir.dump import dump, load\n"
        "node, = load(sys.stdin.read()); print(node.evaluate(x=0.3, y=0.7)); print(dump([node]), end='')"
    )
    line = [sys.executable, "-c", script]
    done = subprocess.run(line, input=dump([node]), capture_output=True, text=True, check=True)
    value, _, text = done.stdout.partition("\n")
    assert float(value) == node.evaluate(x=0.3, y=0.7)
    assert load(text) == [node]


def test_a_long_chain_is_written_and_read_without_recursion() -> None:
    node = x
    for _ in range(50_000):
        node = sin(node) * y
    start = time.process_time()
    (found,) = load(dump([node]))
    assert found is node
    assert time.process_time() - start < 10  # about a second; a quadratic way takes minutes


def test_deeply_nested_regions_need_no_recursion() -> None:
    node = x
    for _ in range(400):
        node = branch(x > 0, lambda node=node: sin(node), lambda: y)
    assert dump([node]).count("region {") >= 400
    same(node)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something else",
        "wengert graph 1\n%0 : float64 = nothing()\nreturn %0\n",
        "wengert graph 1\n%1 : float64 = sin(%0)\nreturn %1\n",
        'wengert graph 1\n%0 : int64 = symbol() {"Name": ["x", {"type": "float64"}, 0]}\nreturn %0\n',
        "wengert graph 1\n%0 : weak int64 = constant() {\nreturn %0\n",
        "wengert graph 1\n%0 : weak int64 = constant() 1\n",
        "wengert graph 1\nnonsense\nreturn\n",
    ],
)
def test_a_text_that_is_no_dump_is_refused(text: str) -> None:
    with pytest.raises(FormulaError, match="expected"):
        load(text)


def test_an_unknown_class_of_attribute_is_refused() -> None:
    class Strange:
        pass

    op = Op(
        name="strange",
        doc="A leaf with an attribute of an unknown class.",
        result=lambda *, attr: FLOAT,
        evaluate=lambda *, attr: 0.0,
        diff=NoDerivative("a test", zero=True),
        spell=Spelling(),
    )
    with pytest.raises(GraphError, match="Strange"):
        dump([intern(op, Strange(), (), FLOAT)])
    with pytest.raises(GraphError, match="fields"):
        codec(Strange)
