"""The same question has the same answer in every process, whatever was asked before."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

# Prints the derivatives of all examples, asked for in the order given by the first argument.
_SCRIPT = """
import json, sys
import wengert as wg
from wengert.app.demo import load_examples

asked = [(e.title, e.expr, name) for e in load_examples() for name in e.at]
small = ["x^2*sin(x)", "x*exp(y)*sin(x)", "x/sqrt(1 + x^2)", "exp(x*y)/(x + y)", "x^y*log(x + y)"]
asked += [(text, wg.parse(text), name) for text in small for name in "xy"]
turned = asked[::-1] if sys.argv[1] == "backwards" else asked
kept = []
found = {}
for title, expr, name in turned:
    kept.append(wg.diff(expr, name))
    found[f"{title} by {name}"] = str(kept[-1])
print(json.dumps({f"{t} by {n}": found[f"{t} by {n}"] for t, _, n in asked}))
"""


def answers(order: str, hash_seed: int) -> dict[str, str]:
    env = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    line = [sys.executable, "-c", _SCRIPT, order]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env=env)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def first() -> dict[str, str]:
    return answers("forwards", 0)


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_another_process_answers_the_same(first: dict[str, str], hash_seed: int) -> None:
    assert answers("forwards", hash_seed) == first


def test_what_was_asked_before_does_not_matter(first: dict[str, str]) -> None:
    assert answers("backwards", 0) == first
