"""Simplification for reading: how long does it take, and how long are the results?

The 56 scalar and 44 matrix problems of `tests/problems`, each from formula to simplified derivative; and
graphs that are too large to read, where only the growth with size matters. Times are CPU times of the
calling thread, medians of several rounds; lengths are tokens of the printed text.

Targets: 1 ms for a scalar and 2 ms for a matrix problem in the median, 513 tokens for all scalar ones, and
time that grows like the graph.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import thread_time

from timing import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from problems.matrices import MATRIX_PROBLEMS
from problems.scalars import SCALAR_PROBLEMS
from problems.test_matrices import read
from problems.tokens import tokens

import wengert as wg
from wengert.diff.forward import jvp
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.leaves import ONE
from wengert.ops.trig import sin
from wengert.rewrite.simplify import recognise, simplify, stabilise

ROUNDS = 5
SIZES = (2_000, 20_000)


def timed(make: Callable[[], Expr]) -> tuple[float, Expr]:
    """Median time and result."""
    times = []
    for _ in range(ROUNDS):
        start = thread_time()
        result = make()
        times.append(thread_time() - start)
    return median(times), result


# --- problems ------------------------------------------------------------------------------------------
def scalar_problems() -> None:
    """From formula to simplified derivative by forward mode."""
    times, simplifying, length = [], [], 0
    for problem in SCALAR_PROBLEMS:
        formula = wg.parse(problem.formula)
        x = next(s for s in formula.free_symbols if str(s) == problem.wrt)

        def raw(formula: Expr = formula, x: Expr = x, order: int = problem.order) -> Expr:
            result = recognise(formula)
            for _ in range(order):
                change = jvp([result], {x: ONE})[0]
                assert change is not None
                result = change
            return result

        unsimplified = raw()
        seconds, result = timed(lambda e=unsimplified: simplify(e, keep_conditions=False))
        simplifying.append(seconds)
        times.append(timed(lambda make=raw: simplify(make(), keep_conditions=False))[0])
        length += tokens(result)
    print(_row("scalar problems", times, simplifying, f"{length} tokens (at most 513)"))


def matrix_problems() -> None:
    """From formula to simplified derivative by `wg.diff`."""
    times, simplifying, length, human = [], [], 0, 0
    for problem in MATRIX_PROBLEMS:
        formula = read(problem.formula)
        by = [problem.wrt] * problem.order
        unsimplified = wg.diff(formula, *by, simplify=False)
        simplifying.append(timed(lambda e=unsimplified: simplify(e, keep_conditions=False))[0])
        seconds, result = timed(lambda f=formula, w=by: wg.diff(f, *w))
        times.append(seconds)
        length += tokens(result)
        human += tokens(problem.human)
    print(_row("matrix problems", times, simplifying, f"{length} tokens ({human} by hand)"))


def _row(name: str, times: list[float], simplifying: list[float], note: str) -> str:
    whole, part = median(times) * 1e3, median(simplifying) * 1e3
    return f"{name:16}{len(times):4}{whole:8.2f} ms, of which simplify {part:5.2f} ms   {note}"


# --- large graphs ----------------------------------------------------------------------------------------
def chain(n: int) -> Expr:
    """sin of sin of ..."""
    node = wg.symbols("x")
    for _ in range(n):
        node = sin(node)
    return node


def running_sum(n: int) -> Expr:
    """One term after the other."""
    x, y = wg.symbols("x y")
    for k in range(n // 3):
        x = x + sin(y * (k + 1))
    return x


def random_graph(n: int) -> Expr:
    """Everything may be shared with everything."""
    rng = random.Random(7)
    pool = list(wg.symbols("x y z w"))
    for _ in range(n):
        a, b = rng.choice(pool[-50:]), rng.choice(pool[-50:])
        pool.append((a + b, a * b, sin(a), a - 2 * b, a / (1 + b * b))[rng.randrange(5)])
    return pool[-1]


def large_graphs() -> None:
    """Microseconds per node at two sizes: equal figures mean linear time."""
    print(f"\n{'microseconds per node':34}" + "".join(f"{n:>10}" for n in SIZES))
    for name, make in (
        ("chain", chain),
        ("running sum", running_sum),
        ("random graph", random_graph),
    ):
        for what, run in (
            ("simplify, level 1", lambda e: simplify(e, level=1, keep_conditions=False)),
            ("stabilise", stabilise),
        ):
            row = ""
            for n in SIZES:
                expr = make(n)
                start = thread_time()
                run(expr)
                row += f"{(thread_time() - start) / len(order([expr])) * 1e6:10.1f}"
            print(f"{name:14}{what:20}{row}")


def main() -> None:
    """Print all figures."""
    print(machine())
    scalar_problems()
    matrix_problems()
    large_graphs()


if __name__ == "__main__":
    main()
