"""Dumps and pickles come back as the same nodes, also in a process that has done nothing yet."""

from __future__ import annotations

import pickle
import subprocess
import sys

import wengert as wg
from wengert.ops.control import while_loop


def test_a_new_process_restores_what_it_has_never_seen(tmp_path: object) -> None:
    x = wg.symbol("x")
    e = while_loop(lambda y: wg.abs(y * y - x) > 1e-12, lambda y: (y + x / y) / 2, x) + wg.gamma(x)
    script = (
        "import pickle, sys; e = pickle.load(sys.stdin.buffer); import wengert as wg;"
        "print(e.evaluate(x=2.0), wg.load(e.dump())[0] is e)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], input=pickle.dumps(e), capture_output=True, check=True
    )
    value, same = done.stdout.decode().split()
    assert abs(float(value) - (2**0.5 + 1)) < 1e-12
    assert same == "True"
