"""What a comparison of the ways to a derivative found, and how it is shown as a table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from wengert.ir.node import Expr

__all__ = ["HEAD", "Comparison", "Values", "Way", "deviation", "duration", "short", "timed"]

HEAD = ("way", "derivative", "work", "error", "time")
_LONG = 0.5  # seconds after which a time is not measured again
_ROUNDING = 4 * float(np.finfo(float).eps)  # of the symbolic value that errors are measured from

Values: TypeAlias = dict[str, Any]  # Any: numbers or arrays, by symbol name


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the derivative.

    ``graphs``: the derivative by each symbol as an expression, where the way has one. ``operations``:
    scalar operations of one evaluation of all derivatives, or ``calls`` of the function. ``error``:
    largest deviation from the symbolic value, relative to it; ``claimed``: the error estimate of the
    way itself, where it has one. ``seconds``: median time of one evaluation, of formulas by the reference
    evaluator; ``base``: that of the function itself, for programs.
    """

    name: str
    values: Values
    graphs: Mapping[str, Expr]
    operations: int | None
    calls: int | None
    error: float
    claimed: float | None
    seconds: float
    base: float | None = None

    @property
    def work(self) -> str:
        """Operations, calls of the function, or multiples of its time, in words."""
        if self.calls is not None:
            return f"{self.calls} calls"
        if self.base is not None:
            return f"{self.seconds / self.base:.1f} x f"
        return f"{self.operations} ops"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of :func:`compare`; ``str`` shows it as a table.

    >>> import wengert as wg
    >>> found = wg.compare("exp(-x)*y", x=0.5, y=2.0)
    >>> [way.name for way in found.ways], found.within_claim
    (['numerical', 'symbolic', 'forward', 'reverse'], True)
    """

    formula: str
    expr: Expr | None  # None: a program or a black box
    at: Values
    value: Any
    ways: tuple[Way, ...]
    same_graph: bool | None  # None: nothing to compare (a black box, or only array symbols)
    base: float | None = None  # seconds that the function itself takes, of programs
    facts: tuple[str, ...] = ()  # what else was checked, or why there is no graph

    def way(self, name: str) -> Way:
        """The way called ``name``."""
        return next(w for w in self.ways if w.name == name)

    @property
    def within_claim(self) -> bool | None:
        """Whether the numerical derivative is as close as it claims; ``None`` for a black box."""
        numerical = self.way("numerical")
        if np.isnan(numerical.error) or numerical.claimed is None:
            return None
        return numerical.error <= numerical.claimed + _ROUNDING

    @property
    def statements(self) -> tuple[str, ...]:
        """What was found at run time, a sentence each."""
        if len(self.ways) == 1:
            return self.facts
        found = [*self.facts]
        if self.same_graph is not None:
            verdict = "are the very same graph" if self.same_graph else "are DIFFERENT graphs"
            found.append(
                f"the symbolic and the forward derivative {verdict} once simplified"
                " (one node, compared by `is`)."
            )
        elif self.expr is not None:
            gap = self.way("forward").error
            how = f"to {gap:.0e} relative" if gap else "in every digit"
            found.append(f"forward mode along each basis direction agrees, {how}.")
        numerical = self.way("numerical")
        verdict = "keeps" if self.within_claim else "BREAKS"
        error = f"an error of {_size(numerical.error)} where it claims at most"
        found.append(f"the numerical one {verdict} its word, {error} {numerical.claimed:.1e}.")
        return tuple(f"Checked: {sentence}" for sentence in found)

    @property
    def place(self) -> str:
        """The point, in words."""
        return ", ".join(f"{k} = {short(v)}" for k, v in self.at.items())

    def rows(self) -> list[tuple[str, ...]]:
        """The table below :data:`HEAD`, one row per way."""
        return [_row(way) for way in self.ways]

    def __str__(self) -> str:
        rows = [line for row in (HEAD, *self.rows()) for line in _lines(row)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        graphs = {} if self.expr is None else self.way("symbolic").graphs
        formulas = [f"  d/d{name}: {graph}" for name, graph in graphs.items()]
        time = "" if self.base is None else f", in {duration(self.base)}"
        head = f"{self.formula}  at {self.place}  is {short(self.value)}{time}"
        return "\n".join([head, *formulas, "", *lines, "", *self.statements])


def _lines(row: Sequence[str]) -> list[tuple[str, ...]]:
    """A row whose second cell has several lines, as one row per line."""
    first, *rest = row[1].split("\n")
    blank = [""] * (len(row) - 2)
    return [(row[0], first, *row[2:]), *(("", line, *blank) for line in rest)]


def _row(way: Way) -> tuple[str, ...]:
    many = len(way.values) > 1
    values = "\n".join(f"{n}: {short(v)}" if many else short(v) for n, v in way.values.items())
    # Errors are deviations from the symbolic value, which so has none of its own.
    error = "reference" if way.name == "symbolic" else _size(way.error)
    return way.name, values, way.work, error, duration(way.seconds)


def _size(error: float) -> str:
    if np.isnan(error):
        return "unknown"
    return f"{error:.1e}" if error else "0"


def short(value: Any) -> str:
    """A number, or an array in a few words."""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array[()]:.10g}"
    if array.ndim == 1 and array.size <= 4:
        return f"[{', '.join(f'{v:.6g}' for v in array)}]"
    extents = " x ".join(map(str, array.shape))
    return f"{extents}, norm {np.linalg.norm(array):.6g}"


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 1e-6:
        return f"{seconds * 1e9:.0f} ns"
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def timed(run: Callable[[], Any], repeats: int = 7) -> float:
    """The median time of a call; of one call where it takes long."""
    times: list[float] = []
    for _ in range(repeats):
        if sum(times) > _LONG:
            break
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def deviation(values: Values, reference: Values) -> float:
    """The largest, relative to the reference; infinite where only one of both is a number."""
    worst = 0.0
    for name, wanted in reference.items():
        want, value = np.asarray(wanted), np.asarray(values[name])
        size = float(np.max(np.abs(want), initial=0.0, where=np.isfinite(want))) or 1.0
        with np.errstate(invalid="ignore"):
            gap = np.abs(value - want) / size
        same = (value == want) | (np.isnan(value) & np.isnan(want))
        gap = np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))
        worst = max(worst, float(np.max(gap, initial=0.0)))
    return worst
