"""Long and deep formulas are read without recursion, in time in proportion to their length."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import wengert as wg
from wengert.ir.walk import order

DEEP = 10_000


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("(" * DEEP + "x" + ")" * DEEP, 1),
        ("sin(" * DEEP + "x" + ")" * DEEP, DEEP + 1),
        ("-" * DEEP + "x", 1),
        ("^".join(["x"] * DEEP), DEEP),
        ("x" + "'" * DEEP, 1),
        ("|1 - " * DEEP + "x" + "|" * DEEP, 2 * DEEP + 2),
        ("1 if x < 0 else " * DEEP + "2", DEEP + 5),
        ("not " * DEEP + "(x < 0)", DEEP + 3),
        ("x" + "[0]" * 1, 0),
    ],
    ids=[
        "brackets",
        "calls",
        "signs",
        "powers",
        "quotes",
        "bars",
        "choices",
        "words",
        "index of a scalar",
    ],
)
def test_deep_formulas(text: str, nodes: int) -> None:
    if not nodes:
        with pytest.raises(wg.FormulaError):
            wg.parse(text)
        return
    assert len(order([wg.parse(text)])) == pytest.approx(nodes, abs=3)


@pytest.mark.parametrize(
    "text", ["(" * DEEP + "x", "[" * DEEP + "1" + "]" * DEEP, "(" * DEEP + "x,1" + ")" * DEEP]
)
def test_deep_mistakes(text: str) -> None:
    with pytest.raises(wg.FormulaError):
        wg.parse(text)


def test_long_sums() -> None:
    e = wg.parse("+".join(["x", "2y*z", "-sin(x)"] * 10_000))
    assert e.evaluate(x=0.0, y=1.0, z=2.0) == 40_000.0


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        wg.parse(text)
        best = min(best, time.process_time() - start)
    return best


def test_time_grows_with_the_length() -> None:
    """Ten times the text may take twenty times as long, and a hundred if it were quadratic."""
    short, long = "+".join(["x*y"] * 1000), "+".join(["x*y"] * 10_000)
    wg.parse("x")
    assert _seconds(long) < 20 * _seconds(short) + 0.05


def test_formulas_are_read_in_several_threads() -> None:
    texts = [f"{i}x + sin(y^{i}) + a{i}" for i in range(200)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(wg.parse, texts))
    assert all(wg.parse(text) is e for text, e in zip(texts, read, strict=True))


def test_the_grammar_loads_with_the_first_formula() -> None:
    script = (
        "import sys, wengert as wg; before = 'lark' in sys.modules; wg.parse('x');"
        "print(before, 'lark' in sys.modules, 'scipy' in sys.modules)"
    )
    line = [sys.executable, "-c", script]
    shown = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert shown == ["False", "True", "False"]
