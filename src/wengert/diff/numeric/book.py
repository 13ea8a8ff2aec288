"""The dialogue of a search with the function: what was asked, what came back, and a look at it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

import numpy as np

from wengert.diff.numeric.assess import (
    Assessment,
    Flags,
    assess,
    breaks,
    in_units,
    noise_floor,
    unit_of,
)
from wengert.diff.numeric.fits import Floats, Samples

ENOUGH = 1e-11  # relative error at which a search ends early


@dataclass(frozen=True)
class Place:
    """Where a search happens: everything it knows besides the values of ``f``.

    ``origin`` is the coordinate that steps are rounded against, so that ``x + h`` and ``x - h`` are
    exact; ``anchor`` is the first guess of a scale; ``left`` and ``right`` are the largest steps
    allowed; ``scaled`` says that ``anchor`` is known to be a good step, so that no ladder is needed;
    ``size`` is a derivative below which an error is of no interest, if any is known; the search ends
    at relative error ``enough``.
    """

    center: Floats
    origin: float
    anchor: float
    left: float
    right: float
    budget: int
    noise: Floats
    ulp: float
    scaled: bool = False
    size: float = 0.0
    enough: float = ENOUGH


@dataclass
class Book:
    """The samples taken so far. Mutable, because the search is a dialogue."""

    place: Place
    side: int = 0
    calls: int = 0
    rows: dict[float, tuple[Floats, Floats]] = field(default_factory=dict)
    seen: dict[tuple[int, int, int], View | None] = field(default_factory=dict)

    def room(self) -> int:
        """How many more calls are allowed."""
        return self.place.budget - self.calls

    def fetch(self, steps: Iterable[float]) -> Generator[Floats, Floats, int]:
        """Ask for samples at these steps, leaving out those nearly there; returns how many were new."""
        wanted: list[float] = []
        sides = (1, -1) if self.side == 0 else (self.side,)
        for step in steps:
            h = self._rounded(step)
            known = [*self.rows, *wanted]
            if h <= 0 or not self._allowed(h) or any(abs(h / k - 1) < 0.05 for k in known):
                continue
            if (len(wanted) + 1) * len(sides) > self.room():
                break
            wanted.append(h)
        if not wanted:
            return 0
        offsets = np.array([sign * h for h in wanted for sign in sides])
        values = (yield offsets) - self.place.center
        self.calls += offsets.size
        missing = np.full(self.place.center.shape, np.nan)
        for i, h in enumerate(wanted):
            got = dict(zip(sides, values[i * len(sides) : (i + 1) * len(sides)], strict=True))
            self.rows[h] = (got.get(1, missing), got.get(-1, missing))
        return len(wanted)

    def _rounded(self, step: float) -> float:
        size = abs(self.place.origin)
        return (size + step) - size

    def _allowed(self, h: float) -> bool:
        limit = {
            0: min(self.place.left, self.place.right),
            1: self.place.right,
            -1: self.place.left,
        }
        return bool(h <= limit[self.side] and np.isfinite(abs(self.place.origin) + h))

    def samples(self) -> Samples:
        """The samples so far, in ascending order of the step."""
        h = np.array(sorted(self.rows))
        plus = np.array([self.rows[key][0] for key in h])
        minus = np.array([self.rows[key][1] for key in h])
        return Samples(h, plus, minus, self.place.center, self.place.ulp)


@dataclass(frozen=True)
class View:
    """What one look at the book shows: judged candidates, and the component that needs most help."""

    judged: Assessment
    unit: Floats
    floor: Floats  # least noise of f, as noise_floor says
    kink: Flags
    jump: Flags
    samples: Samples


def look(book: Book, order: int) -> View | None:
    """Judge the samples taken so far; ``None`` when they allow no candidate. Remembers the last answers."""
    key = (len(book.rows), book.side, order)
    if key not in book.seen:
        book.seen[key] = _look(book, order)
    return book.seen[key]


def _look(book: Book, order: int) -> View | None:
    samples = book.samples()
    if not samples.h.size:
        return None
    unit = unit_of(samples)
    samples = in_units(samples, unit)
    noise = book.place.noise / unit
    floor = noise_floor(samples, noise)
    judged = assess(samples, order, book.side, floor, book.place.size / unit)
    if judged is None:
        return None
    none = np.zeros(samples.center.shape, dtype=bool)
    kink, jump = breaks(samples, floor) if book.side == 0 else (none, none)
    return View(judged, unit, floor, kink, jump, samples)
