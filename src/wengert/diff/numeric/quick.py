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
from wengert.diff.numeric.drowned import CLOSE, UNIT, from_afar, steps_afar
from wengert.diff.numeric.fits import Floats
from wengert.diff.numeric.plateau import plateau
from wengert.diff.numeric.tableau import QUIET, Guess, Line, guess, line_of
from wengert.diff.numeric.verdict import Verdict

RUNGS = 4
MOST_RUNGS = 8
MOST_COMPONENTS = 100  # beyond, whole arrays at a time are faster
MOST_WINDOWS = 4
BLURRED = 1e8  # roundings that a change of f has to have for a slope to be worth its name
SUDDEN = 30.0  # times the square of the steps, by which a change may grow without a kink
# Steps for an x so large that the ladder never gets to where f changes, if its scale is 1.
NEAR_UNIT = (4.1, 2.6, 1.6, 1.0, 0.6, 0.33)
KNOWN = (1.0, 0.73, 0.49, 0.28, 0.07)  # steps in a window that is known to be good
INNER = (0.6180339887498949, 0.3819660112501051, 0.2360679774997897)
ALIKE = 0.1  # slopes over two steps that differ by less, relative to their size, may be one slope


def quick(book: Book, order: int, top: float) -> Generator[Floats, Floats, Verdict | None]:
    """A verdict from few samples, or ``None``; ``top`` is the largest step of the ladder."""
    place = book.place
    count = place.center.size
    if order > 2 or not 0 < count <= MOST_COMPONENTS or book.side:
        return None
    if place.scaled:
        return (yield from _scaled(book, order, top))
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
            try:
                judged, asked = _judge(line, order, top, windows, rungs)
            except (
                ArithmeticError
            ):  # at the ends of the range of floats a square overflows or vanishes
                return None
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


def _scaled(book: Book, order: int, top: float) -> Generator[Floats, Floats, Verdict | None]:
    """One polynomial over a window that is known to be smooth."""
    yield from book.fetch([top * f for f in KNOWN])
    lines = [line_of(book, c) for c in range(book.place.center.size)]
    found = [guess(line, order, book.place.size) for line in lines]
    return _verdict(found) if all(g.settled for g in found) else None


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
    if not line.h:
        return None, ()
    if order == 1 and (afar := steps_afar(line, top)):
        return None, afar
    if order == 1 and top <= CLOSE * UNIT and (distant := from_afar(line)) is not None:
        return distant, ()
    if top <= CLOSE * UNIT and line.h[-1] < 2.0 * top and _is_blurred(line):
        return None, tuple(UNIT * f for f in (1.0, *INNER))
    if line.h[0] > 1e3 * UNIT and len(line.h) >= RUNGS and not _alike(line, order, 1):
        return None, tuple(UNIT * f for f in NEAR_UNIT)
    lower = (line.h[0] / RATIO,) if rungs < MOST_RUNGS else ()
    if len(line.h) < 3 or (lower and (_kinked(line) or _bent(line, order, rungs))):
        return None, lower
    reach = _smooth_reach(line, order, windows)
    if reach is None and not windows:
        return None, lower
    if reach is not None and len(windows) < MOST_WINDOWS and (not windows or _calm(line)):
        windows.append(reach)
        return None, tuple(f * reach for f in INNER)
    narrow = len(windows) > 1 or (len(windows) == 1 and windows[0] < line.h[-1])
    return (found, ()) if narrow and found.fair else (None, ())


def _is_blurred(line: Line) -> bool:
    """Whether the whole ladder is too short to see a slope above the rounding of ``f(x)``."""
    change = max(abs(line.odd[-1]), abs(line.even[-1]))
    return BLURRED * line.rounding[-1] > change


def _smooth_reach(line: Line, order: int, windows: list[float]) -> float | None:
    """The largest step, below the windows tried, up to which ``f`` seems to have one slope.

    From the smallest steps upwards, so that a kink ends the range; where those two disagree already (they may
    only show noise), the largest pair that agrees.
    """
    h = line.h
    alike = [_alike(line, order, i) for i in range(1, len(h))]
    highest = alike.index(False) if alike[0] and False in alike else len(alike)
    for i in range(highest, 0, -1):
        if alike[i - 1] and not (windows and h[i] > 0.5 * windows[-1]):
            return h[i]
    return None


def _alike(line: Line, order: int, i: int) -> bool:
    """Whether step ``i`` and the one below see the same derivative."""
    change, blur = _change(line, order, i)
    scale = max(abs(line.odd[i]), abs(line.even[i])) / line.h[i] ** order
    if change > ALIKE * scale + blur:
        return False
    if i == 1:
        return True
    # It grows with the square of the step; where it sets in all at once there is a kink.
    before, blur_before = _change(line, order, i - 1)
    return change <= SUDDEN * (line.h[i] / line.h[i - 1]) ** 2 * (before + blur_before)


def _change(line: Line, order: int, i: int) -> tuple[float, float]:
    """How far the derivatives that step ``i`` and the one below see are apart, and how far by rounding."""
    part, h = (line.odd if order == 1 else line.even), line.h
    change = abs(part[i] / h[i] ** order - part[i - 1] / h[i - 1] ** order)
    return change, 4.0 * order * line.rounding[i - 1] / h[i - 1] ** order


def _calm(line: Line) -> bool:
    """Whether the smallest steps show no noise, so that what a wider window lacks is smoothness.

    A smooth quotient changes with ``h**2``: between the two smallest steps by next to nothing of what it
    does between the next two. Noise changes it the more the smaller the step.
    """
    if len(line.h) < 3:
        return False
    (a, b, c), unit = line.h[:3], QUIET * line.rounding[0]
    share = 4.0 * (b * b - a * a) / (c * c - b * b)
    for part, power in ((line.odd, 1), (line.even, 2)):
        p, q, r = (y / h**power for y, h in zip(part[:3], (a, b, c), strict=True))
        if abs(p - q) * a**power > unit + share * abs(q - r) * a**power:
            return False
    return True


def _bent(line: Line, order: int, rungs: int) -> bool:
    """Whether the smallest steps do not see one slope: noise, or a kink that one more step may get below."""
    if rungs > RUNGS + 1 or _alike(line, order, 1):
        return False
    (a, b, c), (p, q, r) = line.h[:3], line.odd[:3]
    # Beyond a kink the odd part is straight but does not point to 0.
    low, high = p - a * (q - p) / (b - a), q - b * (r - q) / (c - b)
    return rungs == RUNGS or abs(low - high) <= 0.3 * max(abs(low), abs(high))


def _kinked(line: Line) -> bool:
    """Whether the even part shrinks like ``h`` at the smallest steps: a kink at ``x`` or nearer than they."""
    (a, b, c), (p, q, r) = line.h[:3], map(abs, line.even[:3])
    if q <= 1e3 * line.rounding[1] or q <= 1e-6 * abs(line.odd[1]):
        return False
    # Of a smooth function p is q (a/b)^2; a kink not far below a makes it less than q a/b.
    lowest = 0.1 * a / b <= p / q <= 1.3 * a / b
    return lowest or (abs(q * c / b - r) <= 0.2 * r and p <= 1.3 * q * a / b)


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
