"""Programs whose long loops several threads run together.

The iterations of a loop are cut into ranges, as many as its size tells. What ranges add up is combined in
their order, so the number of threads changes no bit of the result.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final  # Any: arguments and results are whatever the user has

import numpy as np

from wengert.ir.node import Expr
from wengert.lower.nest import Buffer
from wengert.lower.phases import Phase
from wengert.native.compiled import Loaded, loaded
from wengert.native.generate import TIMES
from wengert.native.plain import Misfit, aligned, kernel_at, number_of, plan_at, read_words
from wengert.native.signature import Array, Layout, leaves

__all__ = ["Shared"]

# Nanoseconds of work that a range takes at least, and how many ranges there are at most.
RANGE: Final = 40_000
MOST: Final = 16
EVEN: Final = 64  # long ranges are multiples of so many iterations: whole vectors

_COMBINED: Final[dict[str, Any]] = {
    "add": np.add, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "and": np.bitwise_and, "or": np.bitwise_or,
}  # fmt: skip


class Shared:
    """Runs the phases of a program for the values of its inputs.

    ``python`` runs instead where a check fails, and ``tidy`` makes arrays as machine code wants them.
    """

    def __init__(
        self,
        phases: Sequence[Phase],
        threads: int,
        python: Callable[[Sequence[Any]], Sequence[Any]],
        tidy: Callable[[Any], Any],
        *,
        fast: bool = True,
    ) -> None:
        self.phases = [_Phase(phase, loaded(phase.program, fast=fast)) for phase in phases]
        self.threads, self._python, self._tidy = threads, python, tidy

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        given = [self._tidy(value) for value in values]
        run = _Run(given, self.threads)
        try:
            for phase in self.phases:
                results = run.loop(phase) if phase.trip is not None else run.phase(phase)
        except (Misfit, _Stopped):
            return self._python(values)
        return tuple(results)


class _Stopped(Exception):  # noqa: N818  never leaves this file
    """A check of the program did not hold."""


class _Phase:
    """A phase with its machine code."""

    def __init__(self, phase: Phase, code: Loaded) -> None:
        self.numbers, self.arrays, self.found = phase.numbers, phase.arrays, phase.found
        self.trip, self.sums, self.own = phase.trip, phase.sums, phase.own
        self.code = code  # which must live
        self.places = phase.program.outputs
        self.layout = Layout.of(code.signature)
        self.leaves = tuple(leaves(code.signature.result))
        self.plan, self.kernel = plan_at(code.plan), kernel_at(code.kernel)
        self.starts = [_start(v, kind) for v, kind in zip(self.found, self.sums, strict=False)]


class _Run:
    """One call: the memory and the numbers that phases hand on."""

    def __init__(self, given: Sequence[Any], threads: int) -> None:
        self.given, self.threads = given, threads
        self.numbers: dict[Expr, Any] = {}
        self.memory: dict[Buffer, np.ndarray] = {}

    def words(self, phase: _Phase, *more: Any) -> np.ndarray:
        """The words of a phase, planned."""
        words = aligned(8 * phase.layout.size).view(np.int64)
        words[:] = 0
        numbers = [_plain(self.numbers[n]) for n in phase.numbers]
        read_words(phase.layout, words, (*self.given, *numbers, *map(_plain, more)))
        if phase.plan(words.ctypes.data):
            raise Misfit
        return words

    def arrays(self, phase: _Phase, words: np.ndarray) -> list[np.ndarray | None]:
        """Memory for the arrays of a phase, of this call."""
        found: list[np.ndarray | None] = []
        for number, (place, leaf) in enumerate(zip(phase.places, phase.leaves, strict=True)):
            if not isinstance(leaf, Array) or not isinstance(place, Buffer):
                found.append(None)
                continue
            array = self.memory.get(place)
            if array is None:
                extents = [
                    int(words[phase.layout.result_extent(number, a)]) for a in range(leaf.rank)
                ]
                array = self.memory[place] = np.empty(extents, leaf.dtype)
            words[phase.layout.result(number)] = array.ctypes.data
            found.append(array)
        return found

    def phase(self, phase: _Phase) -> list[Any]:
        """Run what stands between loops; its results, but for what it hands on."""
        words = self.words(phase)
        arrays: list[Any] = self.arrays(phase, words)
        _run(phase, words)
        for number, leaf in enumerate(phase.leaves):
            if not isinstance(leaf, Array):
                arrays[number] = number_of(leaf, words[phase.layout.result(number) :])
        first = len(phase.arrays)
        self.numbers.update(zip(phase.found, arrays[first:], strict=False))
        return arrays[first + len(phase.found) :]

    def loop(self, phase: _Phase) -> list[Any]:
        """Run the ranges of a loop."""
        assert phase.trip is not None
        trip = max(0, int(self.numbers[phase.trip]))
        whole = self.words(phase, *phase.starts, 0, trip)
        self.arrays(phase, whole)
        # The estimate is of so many iterations, as their number is no size.
        ranges = _ranges(trip, int(whole[Layout.WORK]) * trip // TIMES)
        made = [self.range(phase, whole, first, count) for first, count in ranges]
        _together([words for words, _ in made], lambda words: _run(phase, words), self.threads)
        self.combine(phase, made)
        return []

    def range(
        self, phase: _Phase, whole: np.ndarray, first: int, count: int
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """The words of a range, and the arrays that only it adds to."""
        layout = phase.layout
        words = aligned(8 * layout.size).view(np.int64)
        words[:] = whole
        words[layout.parameters[-2]], words[layout.parameters[-1]] = first, count
        own = []
        for number, place in enumerate(phase.arrays):
            if place in phase.own:
                own.append(np.zeros_like(self.memory[place]))
                words[layout.result(number)] = own[-1].ctypes.data
        return words, own

    def combine(self, phase: _Phase, made: Sequence[tuple[np.ndarray, list[np.ndarray]]]) -> None:
        """What the ranges have put together, in their order."""
        places = [place for place in phase.arrays if place in phase.own]
        first = len(phase.arrays)
        with np.errstate(all="ignore"):
            for words, own in made:
                for place, part in zip(places, own, strict=True):
                    self.memory[place] += part
                for step, (number, kind) in enumerate(zip(phase.found, phase.sums, strict=True)):
                    leaf = phase.leaves[first + step]
                    assert not isinstance(leaf, Array)
                    dtype = number.value_type.dtype
                    part = np.asarray(
                        number_of(leaf, words[phase.layout.result(first + step) :]), dtype
                    )
                    before = np.asarray(self.numbers[number], dtype)
                    self.numbers[number] = _COMBINED[kind](before, part)[()]


def _run(phase: _Phase, words: np.ndarray) -> None:
    arena = aligned(int(words[Layout.ARENA]))
    code = phase.kernel(words.ctypes.data, arena.ctypes.data)
    if code < 0:
        raise MemoryError
    if code:
        raise _Stopped


def _start(variable: Expr, kind: str) -> Any:
    """What changes nothing when it is combined."""
    dtype = np.dtype(variable.value_type.dtype)
    match kind:
        case "maximum" | "minimum":
            if dtype.kind == "f":
                return np.array(-np.inf if kind == "maximum" else np.inf, dtype)[()]
            if dtype.kind == "b":
                return np.bool_(kind == "minimum")
            limits = np.iinfo(dtype)
            return np.array(limits.min if kind == "maximum" else limits.max, dtype)[()]
        case "and":
            return np.array(True if dtype.kind == "b" else -1, dtype)[()]
        case "mul":
            return np.array(1, dtype)[()]
    return np.array(-0.0 if dtype.kind == "f" and kind == "add" else 0, dtype)[()]


def _plain(value: Any) -> Any:
    """A number of NumPy's as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def _ranges(trip: int, work: int) -> list[tuple[int, int]]:
    """The ranges of a loop: what they are depends on its size alone."""
    count = max(1, min(MOST, trip, work // RANGE))
    size = max(1, -(-trip // count))
    if size >= EVEN:
        size = -(-size // EVEN) * EVEN
    return [(first, min(size, trip - first)) for first in range(0, trip, size)] or [(0, 0)]


def _together(tasks: Sequence[np.ndarray], run: Callable[[np.ndarray], None], threads: int) -> None:
    """Run tasks, on so many threads; the first error of one of them is raised."""
    waiting = deque(tasks)

    def work() -> None:
        while True:
            try:
                task = waiting.popleft()
            except IndexError:
                return
            run(task)

    helpers = min(threads, len(tasks)) - 1
    others = [_pool(os.getpid()).submit(work) for _ in range(helpers)] if helpers > 0 else []
    try:
        work()
    finally:
        for other in others:
            other.result()


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of a process: a child of it has none of them."""
    return ThreadPoolExecutor(max(1, (os.cpu_count() or 1) * 2), "wengert")
