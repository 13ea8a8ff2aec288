"""Is the derivative of a matrix formula right, and how long does it take, beside tensorgrad and SymPy?

The 85 identities of ``tests/identities/table.py``. For wengert a time is parse, differentiate and simplify
(and print); for tensorgrad build, ``grad`` and ``full_simplify``; for SymPy build, ``diff`` and ``doit``.
A result is right if its value is the truth at a random point. Peers that are not installed are left out.
"""

from __future__ import annotations

import importlib
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any, TypeAlias

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from identities.points import Point, called, distance, random_point
from identities.table import IDENTITIES, SIZES, Identity

import wengert as wg
from wengert.run.reference import evaluate_nodes

# Any: results are expressions of three systems, and arrays.
Timed: TypeAlias = Callable[[Identity, Point], Any]
Valued: TypeAlias = Callable[[Any, Identity, Point], Iterator[Any]]

LIMIT = 20.0
ROUNDS = 5
TOLERANCE = 1e-8


class TooLongError(Exception):
    """An item took longer than ``LIMIT`` seconds."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`TooLongError` inside the block once the time is over."""

    def stop(*_: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class System:
    """One system: how it makes a derivative (timed) and whether it equals the truth (not timed)."""

    name: str
    derive: Timed
    agrees: Callable[[Any, Identity, Point], bool]
    translated: int
    outcome: dict[str, str] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    again: dict[str, float] = field(default_factory=dict)


# --- the systems -----------------------------------------------------------------------------------------
def ours() -> System:
    """wengert."""

    def derive(identity: Identity, point: Point) -> Any:
        formula = wg.parse(
            identity.formula, assume=dict(identity.assume) or None, **identity.declared
        )
        result = wg.diff(formula, *identity.wrt)
        return formula, result, str(result)

    def agrees(result: Any, identity: Identity, point: Point) -> bool:
        value = evaluate_nodes(result[:2], point)[1]
        return distance(value, called(identity.truth, point)) < TOLERANCE

    return System("wengert", derive, agrees, len(IDENTITIES))


def tensorgrad() -> System:
    """tensorgrad: the same formula texts, except Kronecker products, which need a reshape."""
    side = importlib.import_module("data.tensorgrad_side")

    def derive(identity: Identity, point: Point) -> Any:
        if "kron" in identity.formula:
            raise LookupError
        given = side.symbols(list(point), identity.shapes, list(identity.assume))
        formula = eval(identity.formula.replace("^", "**"), {**side.FUNCTIONS, **given})
        return side.derivative(formula, [given[name] for name in identity.wrt])

    def agrees(result: Any, identity: Identity, point: Point) -> bool:
        value = side.value(result, point, SIZES)
        return distance(value, called(identity.truth, point)) < TOLERANCE

    return System("tensorgrad", derive, agrees, sum("kron" not in i.formula for i in IDENTITIES))


def sympy() -> System:
    """SymPy's matrix expressions."""
    side = importlib.import_module("data.sympy_side")

    def derive(identity: Identity, point: Point) -> Any:
        if identity.name not in side.TEXTS:
            raise LookupError
        given = side.symbols(list(point), identity.shapes)
        return given, side.derivative(side.TEXTS[identity.name], identity.wrt, given)

    def agrees(result: Any, identity: Identity, point: Point) -> bool:
        given, derivative = result
        value = np.squeeze(np.asarray(side.value(derivative, given, point, SIZES), dtype=float))
        truths = side.layouts(called(identity.truth, point))
        return any(distance(value, truth) < TOLERANCE for truth in truths)

    return System("sympy", derive, agrees, len(side.TEXTS))


def systems() -> list[System]:
    """wengert and the peers that are installed."""
    found = [ours()]
    for make in (tensorgrad, sympy):
        if find_spec(make.__name__):
            found.append(make())
        else:
            print(f"{make.__name__} is not installed: left out")
    return found


# --- measuring -------------------------------------------------------------------------------------------
def judge(system: System, identity: Identity, point: Point) -> str:
    """Derive once, note the time of this first call, and compare with the truth."""
    try:
        with limited(LIMIT):
            start = process_time()
            result = system.derive(identity, point)
            system.first[identity.name] = process_time() - start
    except LookupError as error:
        return "not translated" if type(error) is LookupError else "no result"
    except TooLongError:
        return "too long"
    except Exception:  # whatever a system raises where it gives up
        return "no result"
    try:
        with limited(LIMIT):
            return "right" if system.agrees(result, identity, point) else "WRONG"
    except TooLongError:
        return "too long"
    except Exception:  # a result that cannot be evaluated
        return "no value"


def measure(found: list[System], identity: Identity, point: Point) -> None:
    """Outcome and times of one identity, the systems taking turns."""
    taken: Mapping[str, list[float]] = {s.name: [] for s in found}
    for system in found:
        system.outcome[identity.name] = judge(system, identity, point)
    for _ in range(ROUNDS):
        for system in found:
            if system.outcome[identity.name] in ("right", "WRONG"):
                start = process_time()
                system.derive(identity, point)
                taken[system.name].append(process_time() - start)
    for system in found:
        if taken[system.name]:
            system.again[identity.name] = median(taken[system.name])


def cell(system: System, name: str) -> str:
    """Outcome and first time of one identity, as text."""
    outcome = system.outcome[name]
    seconds = system.first.get(name)
    shown = (
        f"{outcome} {1e3 * seconds:8.2f} ms"
        if seconds and outcome in ("right", "WRONG")
        else outcome
    )
    return f"{shown:<19}"


def summary(system: System) -> str:
    """Counts and median times of one system, in one line."""
    counts = Counter(system.outcome.values())
    right = counts.pop("right", 0)
    wrong = counts.pop("WRONG", 0)
    counts.pop("not translated", 0)
    rest = ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) or "0 without result"
    first, again = (1e3 * median(t.values() or [np.nan]) for t in (system.first, system.again))
    return (
        f"{system.name:<11} {right:3} right, {wrong:2} wrong, {rest}, of {system.translated} translated;"
        f" median {first:.2f} ms at first, {again:.2f} ms again"
    )


def main() -> int:
    """Print the table and a line per system; fails if wengert has one wrong or missing."""
    found = systems()
    warm_up = next(i for i in IDENTITIES if i.name == "unit vector")
    rng = np.random.default_rng(85)
    for system in found:
        judge(system, warm_up, random_point(warm_up, rng))
        system.first.clear()
    width = max(len(i.name) for i in IDENTITIES)
    print(f"{'':{width}}  " + "  ".join(f"{s.name:<19}" for s in found))
    for identity in IDENTITIES:
        measure(found, identity, random_point(identity, rng))
        print(f"{identity.name:{width}}  " + "  ".join(cell(s, identity.name) for s in found))
    print()
    for system in found:
        print(summary(system))
    return int(any(o != "right" for o in found[0].outcome.values()))


if __name__ == "__main__":
    sys.exit(main())
