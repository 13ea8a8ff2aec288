"""What it costs to capture a program, and to run it afterwards from its graph.

1. Microseconds for each operation that is recorded, from programs of two lengths (so that what every
   capture costs, such as reading the source, falls out).
2. How much slower Python itself runs while it is captured, on numbers, texts, lists and objects that are
   known.
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
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
from timing import human

import wengert as wg
from wengert.frontend.capture import capture

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from programs.corpus import PROGRAMS  # the corpus is shared with the tests

Program = Callable[..., Any]
MOST_TRACES = 4
ROUNDS = 7
_numbers = count()


def loaded(source: str, folder: Path) -> Program:
    """The function ``program`` of a module in a file of its own: capture reads sources."""
    number = next(_numbers)
    name = f"measured_{number}"
    source = "\n" * number + source  # equal code at an equal line would be found in a cache
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    linecache.checkcache(str(path))
    return module.program  # type: ignore[no-any-return]


def seconds_of(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def captures(source: str, folder: Path, *args: object) -> tuple[float, float, float]:
    """Median seconds of a first capture, of another one of the same program, and of a first call.

    The first capture reads and rewrites the source, the second only records; a call also emits.
    """
    taken = []
    for _ in range(ROUNDS):
        program = loaded(source, folder)
        recording = partial(capture, program, args, {})
        taken.append((seconds_of(recording), seconds_of(recording), called(program, args)))
    first, again, call = (median(times) for times in zip(*taken, strict=True))
    return first, again, call


def called(program: Program, args: tuple[Any, ...]) -> float:
    return seconds_of(partial(wg.jit(program), *args))


def straight(statements: int) -> str:
    """A program of so many statements with three operations each, none equal to another."""
    lines = [f"    x = math.sin(x) * {1 + k / 7919} + y" for k in range(statements)]
    return "\n".join(["import math", "def program(x, y):", *lines, "    return x", ""])


def cost_of_operations(folder: Path) -> None:
    short, long = 50, 450
    costs = [captures(straight(n), folder, 0.5, 0.25) for n in (short, long)]
    more = [(b - a) / (long - short) for a, b in zip(*costs, strict=True)]
    print(f"reading and rewriting {(more[0] - more[1]) * 1e6:.1f} µs for each line,", end=" ")
    print(f"recording {more[1] / 3 * 1e6:.1f} µs for each operation,", end=" ")
    print(f"emitting {(more[2] - more[1]) / 3 * 1e6:.1f} µs for each operation")


STATIC = {
    "tables": """
def program(x):
    table = {}
    items = []
    for k in range(%d):
        key = k %% 97
        table[key] = table.get(key, 0) + k
        if key == 3:
            items.append(k)
    return x * (len(items) + table[5])
""",
    "nested loops": """
def program(x):
    total = 0
    for i in range(%d // 20):
        for j in range(20):
            total += i * j %% 7
    return x * total
""",
    "sieve": """
def program(x):
    flags = [True] * %d
    i = 2
    while i * i < len(flags):
        if flags[i]:
            for j in range(i * i, len(flags), i):
                flags[j] = False
        i += 1
    return x * sum(flags)
""",
    "texts": """
def program(x):
    text = ""
    for k in range(%d):
        text += chr(97 + k %% 26)
        if text.endswith("xyz"):
            text = text[:-1].upper()
    return x * len(text)
""",
    "function": """
def helper(a, b):
    return a * b %% 11 + 1

def program(x):
    total = 0
    for k in range(%d):
        total += helper(k, total)
    return x * total
""",
    "object": """
class Counter:
    def __init__(self):
        self.n = 0

    def step(self, k):
        self.n += k
        return self.n

def program(x):
    counter = Counter()
    for k in range(%d):
        counter.step(k)
    return x * counter.n
""",
}


def cost_of_static_python(folder: Path) -> None:
    n = 5000
    for name, source in STATIC.items():
        rounds = {k: captures(source % k, folder, 1.5)[1] for k in (n, 3 * n)}
        plain = {k: plainly(source % k, folder) for k in (n, 3 * n)}
        took, usual = rounds[3 * n] - rounds[n], plain[3 * n] - plain[n]
        print(f"{name:14} plain {human(usual):>8}, captured {human(took):>8},", end=" ")
        print(f"{took / usual:.1f} times slower")


def plainly(source: str, folder: Path) -> float:
    program = loaded(source, folder)
    return median(seconds_of(partial(program, 1.5)) for _ in range(ROUNDS))


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


def traces_of_nested_loops(folder: Path) -> int:
    """Print how often each loop body was traced; the largest number."""
    captured = capture(loaded(TRIPLE, folder), (np.ones(3), np.ones(3)), {})
    for place, times in sorted(captured.traces.items(), key=lambda item: item[0].line):
        print(f"loop at line {place.line}: body traced {times} times")
    return max(captured.traces.values())


def measured(compiled: Program, args: tuple[Any, ...]) -> float:
    taken = []
    for _ in range(ROUNDS):
        taken.append(seconds_of(partial(compiled, *copy.deepcopy(args))))
    return median(taken)


def cost_of_the_corpus() -> None:
    rows = []
    refused = []
    for program in PROGRAMS.values():
        compiled = wg.jit(program.function)
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                first = seconds_of(partial(compiled, *copy.deepcopy(program.args)))
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
    """Print all four; 1 when nested loops are traced too often."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cost_of_operations(folder)
        cost_of_static_python(folder)
        most = traces_of_nested_loops(folder)
    cost_of_the_corpus()
    return int(most > MOST_TRACES)


if __name__ == "__main__":
    sys.exit(main())
