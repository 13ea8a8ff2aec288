"""What it costs to capture a program, and to run it afterwards from its graph.

1. Microseconds for each operation that is recorded, from programs of two lengths (so that what every
   capture costs, such as reading the source, falls out).
2. How much slower Python itself runs while it is captured: dictionaries and lists of plain numbers.
3. How often the bodies of three nested loops are traced; to reach: at most 4 each.
4. For every program of the tests' corpus: the first call, later calls, and the plain program.

python benchmarks/capture_cost.py
"""

from __future__ import annotations

import copy
import io
import linecache
import sys
import tempfile
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
from timing import human

import wengert as wg

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from programs.corpus import PROGRAMS  # the corpus is shared with the tests

Program = Callable[..., Any]
MOST_TRACES = 4
ROUNDS = 7
_numbers = count()


def loaded(source: str, folder: Path) -> Program:
    """The function ``program`` of a module in a file of its own: capture reads sources."""
    name = f"measured_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    linecache.checkcache(str(path))
    return module.program  # type: ignore[no-any-return]


def first_call(source: str, folder: Path, *args: object) -> float:
    """Median seconds of the first call of freshly made programs: reading, capture, emission, one run."""
    taken = []
    for _ in range(ROUNDS):
        compiled = wg.jit(loaded(source, folder))
        start = perf_counter()
        compiled(*args)
        taken.append(perf_counter() - start)
    return median(taken)


def straight(statements: int) -> str:
    """A program of so many statements with three operations each, none equal to another."""
    lines = [f"    x = math.sin(x) * {1 + k / 7919} + y" for k in range(statements)]
    return "\n".join(["import math", "def program(x, y):", *lines, "    return x", ""])


def cost_of_operations(folder: Path) -> None:
    short, long = 50, 450
    seconds = {n: first_call(straight(n), folder, 0.5, 0.25) for n in (short, long)}
    each = (seconds[long] - seconds[short]) / (3 * (long - short))
    print(f"first call of {3 * short} operations {human(seconds[short])},", end=" ")
    print(f"of {3 * long} {human(seconds[long])}: {each * 1e6:.1f} µs for each operation")


STATIC = """
def program(x):
    table = {}
    items = []
    for k in range(%d):
        key = k %% 97
        table[key] = table.get(key, 0) + k
        if key == 3:
            items.append(k)
    return x * (len(items) + table[5])
"""


def cost_of_static_python(folder: Path) -> None:
    n = 5000
    rounds = {k: first_call(STATIC % k, folder, 1.5) for k in (n, 2 * n)}
    program = loaded(STATIC % n, folder)
    taken = []
    for _ in range(ROUNDS):
        start = perf_counter()
        program(1.5)
        taken.append(perf_counter() - start)
    captured, plain = rounds[2 * n] - rounds[n], median(taken)
    print(f"{n} rounds of dictionaries and lists: plain {human(plain)}, captured", end=" ")
    print(f"{human(captured)}, {captured / plain:.0f} times slower")


TRIPLE = """
def program(a, b):
    total = 0.0
    for i in range(6):
        for j in range(7):
            for k in range(8):
                total += a[i %% 3] * b[j %% 3] * k
                if total > 100:
                    total = total / 2
    return total
""".replace("%%", "%")


def traces_of_nested_loops(folder: Path) -> None:
    report = wg.explain(loaded(TRIPLE, folder), np.ones(3), np.ones(3))
    print(report)


def measured(compiled: Program, args: tuple[Any, ...]) -> float:
    taken = []
    for _ in range(ROUNDS):
        mine = copy.deepcopy(args)
        start = perf_counter()
        compiled(*mine)
        taken.append(perf_counter() - start)
    return median(taken)


def cost_of_the_corpus() -> None:
    rows = []
    refused = []
    for program in PROGRAMS.values():
        compiled = wg.jit(program.function)
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                start = perf_counter()
                compiled(*copy.deepcopy(program.args))
                first = perf_counter() - start
                later = measured(compiled, program.args)
            except Exception as failed:  # the tests tell why; here only the time counts
                refused.append(f"{program.name} ({type(failed).__name__})")
                continue
            rows.append((program.name, first, later, measured(program.function, program.args)))
    print(f"{'program':38}{'first call':>12}{'later':>12}{'plain':>12}{'ratio':>9}")
    for name, first, later, plain in sorted(rows, key=lambda row: row[2] / row[3]):
        print(f"{name:38}{human(first):>12}{human(later):>12}{human(plain):>12}", end="")
        print(f"{later / plain:8.2f}x")
    if rows:
        print(f"\nmedian of {len(rows)}: first call {human(median(r[1] for r in rows))},", end=" ")
        print(f"later {median(r[2] / r[3] for r in rows):.2f} times the plain program")
    if refused:
        print(f"not captured: {', '.join(refused)}")


def main() -> int:
    """Print all four."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost_of_operations(folder)
        cost_of_static_python(folder)
        traces_of_nested_loops(folder)
    cost_of_the_corpus()
    return 0


if __name__ == "__main__":
    sys.exit(main())
