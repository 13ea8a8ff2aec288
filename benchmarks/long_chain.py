"""A chain of 100,000 nodes: build, differentiate both ways, simplify, print, evaluate, drop.

Nothing may recurse, and each step takes less than a second (build, differentiate, print).
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from itertools import count
from statistics import median
from time import process_time
from typing import Any

from timing import human, machine

import wengert as wg

LENGTH = 100_000
ROUNDS = 3
BUDGET = 1.0
FRESH = count()


def chain(x: Any) -> Any:
    """sin(...) + 1/2, again and again: two nodes a step."""
    value = x
    for _ in range(LENGTH // 2):
        value = wg.sin(value) + 0.5
    return value


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result of one call."""
    start = process_time()
    result = call()
    return process_time() - start, result


def one_round() -> dict[str, float]:
    """Every step once, on a chain of its own."""
    taken: dict[str, float] = {}
    x = wg.symbol(f"x{next(FRESH)}")
    name = str(x)
    taken["build"], value = timed(lambda: chain(x))
    taken["differentiate forward"], forward = timed(lambda: wg.diff(value, x))
    taken["differentiate reverse"], backward = timed(lambda: wg.vjp_graph(value, x))
    taken["print function"], _ = timed(lambda: str(value))
    taken["print derivative"], _ = timed(lambda: str(forward))
    taken["simplify, level 1"], _ = timed(lambda: wg.simplify(value, level=1))
    taken["evaluate derivative"], a = timed(lambda: forward.evaluate(**{name: 0.3}))
    b = backward.evaluate(**{name: 0.3})
    assert a == b or abs(a - b) <= 1e-9 * abs(b), (a, b)
    start = process_time()
    value = forward = backward = None  # let go of the graphs
    gc.collect()
    taken["drop everything"] = process_time() - start
    return taken


def main() -> int:
    """Medians, and whether build, differentiate and print keep to their budget."""
    print(machine())
    rounds = [one_round() for _ in range(ROUNDS)]
    over = False
    for step in rounds[0]:
        seconds = median(r[step] for r in rounds)
        budgeted = step.split()[0] in ("build", "differentiate", "print")
        late = budgeted and seconds > BUDGET
        over = over or late
        note = f"   of {BUDGET:g} s{': OVER' if late else ''}" if budgeted else ""
        print(f"  {step:<24} {human(seconds):>9}{note}")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
