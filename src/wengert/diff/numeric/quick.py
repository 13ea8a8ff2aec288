"""The short way to first and second derivatives of functions without noise, in plain floats.

Most functions are smooth to rounding over some window around ``x``, and interpolation there says all there
is to know. Settled is only what can be proved from the samples: runs of steps that agree far below
``GOOD``, another parity that fits, and smaller steps that show nothing but rounding. A kink at some
distance only limits the window. Anything else (noise, few digits, borders of a domain, cancellation)
goes to ``search`` together with the samples taken.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from wengert.diff.numeric.assess import RATIO
from wengert.diff.numeric.book import Book
from wengert.diff.numeric.fits import Floats
from wengert.diff.numeric.plateau import plateau
from wengert.diff.numeric.tableau import GOOD, Guess, Line, guess, line_of
from wengert.diff.numeric.verdict import Verdict

RUNGS = 4
MOST_RUNGS = 8
MOST_COMPONENTS = 8  # beyond, whole arrays at a time are faster
MOST_WINDOWS = 4
ALIKE = 0.1  # slopes over two steps that differ by less, relative to their size, may be one slope


def quick(book: Book, order: int, top: float) -> Generator[Floats, Floats, Verdict | None]:
    """A verdict from few samples, or ``None``; ``top`` is the largest step of the ladder."""
    place = book.place
    count = place.center.size
    if order > 2 or not 0 < count <= MOST_COMPONENTS or book.side or place.scaled:
        return None
    if place.noise.any():
        return None
    yield from book.fetch([top / RATIO**i for i in range(RUNGS)])
    rungs = RUNGS
    windows: list[float] = []
    while True:
        lines = [line_of(book, c) for c in range(count)]
        found: list[Guess] = []
        wanted: tuple[float, ...] | None = ()
        for line in lines:
            judged, asked = _judge(line, order, top, windows, rungs)
            if judged is None:
                wanted = asked
                break
            found.append(judged)
        else:
            return _verdict(found)
        if not wanted:
            return None
        if wanted[0] < lines[0].h[0]:
            rungs += 1
        if (yield from book.fetch(wanted)) == 0:
            return None


def _judge(
    line: Line, order: int, top: float, windows: list[float], rungs: int
) -> tuple[Guess | None, tuple[float, ...]]:
    """The answer for one component or, without one, the steps to ask for; no steps is giving up."""
    flat = plateau(line, order, top)
    if flat is not None:
        return flat.guess, flat.wanted
    found = guess(line, order)
    if found.settled:
        return found, ()
    if len(line.h) < 2:
        return None, ()
    reach = _smooth_reach(line, order, windows)
    if reach is None:
        return None, ((line.h[0] / RATIO,) if rungs < MOST_RUNGS else ())
    if len(windows) >= MOST_WINDOWS or (windows and found.noise > GOOD * found.size):
        return None, ()
    windows.append(reach)
    return None, tuple(f * reach for f in (0.62, 0.38, 0.24))


def _smooth_reach(line: Line, order: int, windows: list[float]) -> float | None:
    """The largest step, below the windows tried, over which ``f`` seems to have one slope."""
    h = line.h
    for i in range(len(h) - 1, 0, -1):
        if windows and h[i] > 0.5 * windows[-1]:
            continue
        if order == 1:
            slope, other = line.odd[i] / h[i], line.odd[i - 1] / h[i - 1]
            blur = line.rounding[i - 1] / h[i - 1]
        else:
            slope, other = line.even[i] / h[i] ** 2, line.even[i - 1] / h[i - 1] ** 2
            blur = 2.0 * line.rounding[i - 1] / h[i - 1] ** 2
        scale = max(abs(line.odd[i]), abs(line.even[i])) / h[i] ** order
        if abs(slope - other) <= ALIKE * max(scale, abs(other)) + 4.0 * blur:
            return h[i]
    return None


def _verdict(found: list[Guess]) -> Verdict:
    count = len(found)
    return Verdict(
        value=np.array([g.value for g in found]),
        error=np.array([g.error for g in found]),
        step=np.array([g.reach for g in found]),
        noise=np.zeros(count),
        reliable=np.ones(count, dtype=bool),
        notes=(),
    )
