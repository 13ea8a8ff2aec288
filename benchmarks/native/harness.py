"""What a case is, how it is timed, and how the table reads.

A case is one program at one size: ours, what it is set beside (hand-written C, or our own primal), and the
peers. All of them compute the same values first; then they take turns, and medians are compared.
Times are CPU times of the process, which is pinned to one core: other work on the machine does not count.
"""

from __future__ import annotations

import gc
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
from timing import human

from native.hand import Hand

TURN = 2e-3  # seconds that a turn takes at least
WARM = 3
ROUNDS = (3, 15)
BUDGET = 4.0  # seconds that the rounds of a case take together, about
OURS, PEER = 30, 60  # seconds for getting ready: wengert, a peer

Call = Callable[[], Any]


@dataclass(frozen=True)
class Case:
    """One program at one size.

    ``ours`` makes the derivative and ``args`` are given to it. ``base`` is what it is set beside: C, a call
    of our own primal, or the seconds that are allowed; ``at_most`` is the ratio that is to be reached.
    ``peers`` make ready and give a call each; ``faster`` is how many times slower the best of them is to be.
    ``check`` judges a result where nothing else computes it.
    """

    workload: str
    size: str
    ours: Callable[[], Callable[..., Any]]
    args: tuple[Any, ...]
    base: Callable[[], Hand | Call] | float | None = None
    beside: str = "C"
    same: bool = True  # the base computes the same values
    at_most: float | None = None
    peers: Mapping[str, Callable[[], Call]] = field(default_factory=dict)
    faster: float | None = None
    check: Callable[[Any], bool] | None = None
    rtol: float = 1e-8
    clock: Callable[[], float] = time.process_time


@dataclass
class Row:
    """A line of the table; seconds, and what else there is to say."""

    workload: str
    size: str
    ours: float | None = None
    first: float | None = None
    beside: str = ""
    base: float | None = None
    at_most: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    faster: float | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.base if self.ours and self.base else None

    @property
    def best(self) -> str | None:
        return min(self.peers, key=self.peers.__getitem__) if self.peers else None

    @property
    def times(self) -> float | None:
        return self.peers[self.best] / self.ours if self.best and self.ours else None

    @property
    def met(self) -> str:
        """Whether the targets are reached, as far as they were measured."""
        parts = []
        if self.at_most is not None:
            parts.append("?" if self.ratio is None else _yes(self.ratio <= self.at_most))
        if self.faster is not None and self.times is not None:
            parts.append(_yes(self.times >= self.faster))
        return "/".join(parts)


def _yes(reached: bool) -> str:
    return "yes" if reached else "NO"


COLUMNS = (
    f"{'workload':<30} {'size':<24} {'first call':>10} {'ours':>9} {'beside':>20} {'ratio':>6}"
    f" {'target':>6}  {'best peer':>18} {'ratio':>7} {'target':>6}  met"
)


def line(row: Row) -> str:
    """A row as text; its notes below it."""

    def of(value: float | None, form: str, empty: str = "-") -> str:
        return empty if value is None else format(value, form)

    base = f"{row.beside} {human(row.base)}" if row.base else row.beside or "-"
    peer = f"{row.best} {human(row.peers[row.best])}" if row.best else "-"
    text = (
        f"{row.workload:<30} {row.size:<24} {human(row.first) if row.first else '-':>10}"
        f" {human(row.ours) if row.ours else '-':>9} {base:>20} {of(row.ratio, '.2f'):>6}"
        f" {of(row.at_most, 'g'):>6}  {peer:>18} {of(row.times, '.1f'):>7} {of(row.faster, 'g'):>6}"
        f"  {row.met}"
    )
    rest = ", ".join(f"{p} {human(t)}" for p, t in sorted(row.peers.items(), key=lambda x: x[1]))
    below = [*([f"peers: {rest}"] if len(row.peers) > 1 else []), *row.notes]
    return "\n".join([text, *(f"    {note}" for note in below)])


class TooLongError(Exception):
    """Something takes longer than it may."""


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Stop what takes longer, as soon as Python has the word again."""

    def ring(*_: Any) -> None:
        raise TooLongError(f"> {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def flat(result: Any) -> list[np.ndarray]:
    """The numbers of a result, in order."""
    if isinstance(result, (tuple, list)):
        return [part for item in result for part in flat(item)]
    return [np.asarray(result)]


def agree(ours: Any, theirs: Any, rtol: float) -> bool:
    """Whether two results are the same, each array beside its own largest number."""
    a, b = flat(ours), flat(theirs)
    return len(a) == len(b) and all(
        p.size == q.size
        and np.allclose(p, q.reshape(p.shape), rtol=rtol, atol=rtol * max(1e-300, _largest(q)))
        for p, q in zip(a, b, strict=True)
    )


def _largest(a: np.ndarray) -> float:
    return float(np.max(np.abs(a))) if a.size else 0.0


def measure(case: Case, tried: dict[str, str], *, with_peers: bool = True) -> Row:
    """Get everybody ready, compare what they compute, and let them take turns.

    ``tried`` are the peers that have no chance at this size or a larger one, and why; it is added to.
    """
    row = Row(case.workload, case.size, at_most=case.at_most, faster=case.faster, beside="-")
    turns: dict[str, Callable[[int], object]] = {}
    ours, result = _our_turn(case, row)
    if ours is None:
        return row
    turns["ours"] = _repeated(ours)
    if case.check is not None and not case.check(result):
        row.notes.append("OUR VALUES ARE WRONG, so it is not timed")
        return row
    if isinstance(case.base, float):
        row.beside, row.base = "limit", case.base
    elif case.base is not None:
        row.beside = case.beside
        base = case.base()
        expected = base.result() if isinstance(base, Hand) else base()
        if case.same and not agree(result, expected, case.rtol):
            row.notes.append(f"VALUES DIFFER from {case.beside}, so it is not timed")
            return row
        turns["base"] = base.times if isinstance(base, Hand) else _repeated(base)
    for name, prepare in case.peers.items() if with_peers else ():
        call = _peer(name, prepare, result, case.rtol, tried, row)
        if call is not None:
            turns[f"peer {name}"] = _repeated(call)
    taken = take_turns(turns, case.clock)
    row.ours, row.base = taken["ours"], taken.get("base", row.base)
    row.peers = {n.removeprefix("peer "): t for n, t in taken.items() if n.startswith("peer ")}
    return row


def _our_turn(case: Case, row: Row) -> tuple[Call | None, Any]:
    """Our call after its first run, and what it computed; the row hears of a fallback and of errors."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        try:
            with limit(OURS):
                made = case.ours()
                result = made(*case.args)
        except Exception as error:  # whatever goes wrong is what the table has to show
            row.notes.append(
                f"ours fails: {type(error).__name__}: {str(error).splitlines()[0][:200]}"
            )
            return None, None
        row.first = time.perf_counter() - start
    for text in dict.fromkeys(str(w.message) for w in caught):
        row.notes.append(f"ours runs as NumPy: {text}" if "machine code" in text else f"({text})")
    args = case.args
    return lambda: made(*args), result


def _peer(
    name: str,
    prepare: Callable[[], Call],
    ours: Any,
    rtol: float,
    tried: dict[str, str],
    row: Row,
) -> Call | None:
    """A peer's call, when it is here, ready in time, and right."""
    if name in tried:
        if tried[name]:
            row.notes.append(f"{name}: {tried[name]}")
        return None
    start = time.perf_counter()
    try:
        with limit(PEER):
            call = prepare()
            theirs = call()
            ready = time.perf_counter() - start
            again = time.perf_counter()
            call()
            once = time.perf_counter() - again
    except ImportError:
        tried[name] = "not installed"
        row.notes.append(f"{name}: not installed")
        return None
    except TooLongError as error:
        tried[name] = f"not asked, as a smaller size took {error} to get ready"
        row.notes.append(f"{name}: {error} to get ready")
        return None
    except Exception as error:
        row.notes.append(f"{name} fails: {type(error).__name__}: {(str(error) + ' ')[:100]!r}")
        return None
    if not agree(theirs, ours, rtol):
        row.notes.append(f"{name}: values differ, so it is not timed")
        return None
    if ready > PEER / 4:
        tried[name] = f"not asked, as a smaller size took {ready:.0f} s to get ready"
    elif once > BUDGET / 2:
        tried[name] = f"not asked, as a smaller size took {once:.1f} s"
    return call


def _repeated(call: Call) -> Callable[[int], None]:
    def times(count: int) -> None:
        for _ in range(count):
            call()

    return times


def take_turns(
    turns: Mapping[str, Callable[[int], object]], clock: Callable[[], float]
) -> dict[str, float]:
    """Median CPU seconds of one call of each, taking turns."""
    counts: dict[str, int] = {}
    around = 0.0
    for name, times in turns.items():
        # The first calls do more than later ones: they are no measure of how many make a turn.
        for _ in range(WARM):
            _timed(times, 1, clock)
        count, seconds = 1, _timed(times, 1, clock)
        while seconds < TURN:
            count = max(2 * count, int(count * 1.2 * TURN / max(seconds, TURN / 100)))
            seconds = _timed(times, count, clock)
        counts[name] = count
        around += seconds
    low, high = ROUNDS
    rounds = min(high, max(low if around < BUDGET else 1, int(BUDGET / around)))
    taken: dict[str, list[float]] = {name: [] for name in turns}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, times in turns.items():
                taken[name].append(_timed(times, counts[name], clock) / counts[name])
    finally:
        gc.enable()
    return {name: median(seconds) for name, seconds in taken.items()}


def _timed(times: Callable[[int], object], count: int, clock: Callable[[], float]) -> float:
    start = clock()
    times(count)
    return clock() - start


def run(cases: Iterable[Case | Row], *, with_peers: bool = True) -> None:
    """Measure one case after another and print their rows."""
    tried: dict[str, dict[str, str]] = {}
    for case in cases:
        if isinstance(case, Row):
            print(line(case), flush=True)
            continue
        gone = tried.setdefault(case.workload, {})
        print(line(measure(case, gone, with_peers=with_peers)), flush=True)
        gc.collect()
