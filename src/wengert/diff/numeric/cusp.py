"""First derivatives where the second one is infinite or jumps: ``x**1.5`` and ``x*abs(x)`` at 0.

No polynomial fits there, but the quotients ``(f(x + h) - f(x))/h`` on either side tend to their limit like a
power of ``h``, so that on a ladder of steps their differences form a geometric series.
"""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from itertools import pairwise
from math import isfinite, log

import numpy as np

from wengert.diff.numeric.assess import RATIO
from wengert.diff.numeric.book import Book
from wengert.diff.numeric.fits import Floats
from wengert.diff.numeric.verdict import Verdict

RUNGS = 7
CLOSEST = 5
CLEAR = 300.0  # roundings by which a change of the quotients has to exceed them
ONE_SIDED = "one-sided: only samples to the"
SHARE = 0.1  # by which neighbouring ratios of a geometric series may differ
LOWEST = 0.03  # least power that is one
SLOPE = 0.9  # one-sided quotients of a smooth function change like the first power
DOUBT = 1e-3  # part of the last correction that stays in doubt
GOOD = 1e-2  # error, relative to the largest quotient, of an answer


class Kind(Enum):
    """What quotients do that tend to no limit by a power of the step."""

    SMOOTH = "they tend to one like those of a smooth function, or noise hides it"
    STRANGE = "they tend to none, or too slowly"


def cusp(book: Book, order: int) -> Generator[Floats, Floats, Verdict | None]:
    """The derivative as the limit of the quotients on the ladder, or ``None`` to leave it to the search."""
    place = book.place
    if order != 1 or place.scaled or place.noise.any() or not book.rows or not place.center.size:
        return None
    if book.side:
        top = max(book.rows)
        yield from book.fetch([top / RATIO**k for k in range(RUNGS)])
    steps = _ladder(book)
    if len(steps) < RUNGS:
        return None
    rows: list[tuple[float, float]] = []
    for c in range(place.center.size):
        blur = 4.0 * place.ulp * abs(float(place.center[c]))
        found = _limits(book, steps, c, blur)
        if found is Kind.STRANGE and book.side:
            rows.append((np.nan, np.inf))
        elif isinstance(found, Kind):
            return None
        else:
            rows.append(found)
    value, error = (np.array(part) for part in zip(*rows, strict=True))
    sides = {0: (), 1: (f"{ONE_SIDED} right of x",), -1: (f"{ONE_SIDED} left of x",)}[book.side]
    sure = np.isfinite(error)
    note = ("the second derivative is infinite or jumps at x" if sure.all()
            else "the difference quotients tend to no limit at x")  # fmt: skip
    reach = np.full(place.center.size, steps[0])
    return Verdict(value, error, reach, np.zeros_like(reach), sure, (*sides, note))


def _ladder(book: Book) -> list[float]:
    top = max(book.rows)
    return [h for h in sorted(book.rows) if _on_ladder(h, top)]


def _on_ladder(h: float, top: float) -> bool:
    rungs = (log(top) - log(h)) / log(RATIO)
    return abs(rungs - round(rungs)) < 1e-6


def _limits(book: Book, steps: list[float], c: int, blur: float) -> tuple[float, float] | Kind:
    """Value and error of component ``c``; the sides have to agree."""
    sides = (0, 1) if book.side == 0 else ((0,) if book.side > 0 else (1,))
    found: list[tuple[float, float]] = []
    size = 0.0
    for side in sides:
        sign = 1.0 - 2.0 * side
        quotients = [sign * float(book.rows[h][side][c]) / h for h in steps]
        limit = _limit(steps, quotients, blur, one_sided=len(sides) == 1)
        if isinstance(limit, Kind):
            return limit
        found.append(limit)
        # The larger steps may be in another world; those the limit is drawn from are not.
        size = max(size, *map(abs, quotients[:CLOSEST]))
    value = sum(v for v, _ in found) / len(found)
    error = max(e for _, e in found) + max(abs(v - value) for v, _ in found)
    return (value, error) if error <= GOOD * size else Kind.SMOOTH


def _limit(
    steps: list[float], quotients: list[float], rounding: float, *, one_sided: bool
) -> tuple[float, float] | Kind:
    """Where quotients at ascending steps tend to as the step goes to 0, and how well that is known."""
    if not all(map(isfinite, quotients)):
        return Kind.SMOOTH
    blur = [rounding / h for h in steps]
    if len(set(quotients)) == 1:
        return Kind.SMOOTH if one_sided else (quotients[0], 2.0 * blur[-1])
    changes = [b - a for a, b in pairwise(quotients)]
    for start in range(len(changes) - 3):
        used = changes[start : start + 4]
        if min(map(abs, used)) > CLEAR * blur[start] and _even(steps, start):
            break
    else:
        return Kind.SMOOTH
    low, middle, high = (b / a for a, b in pairwise(used))
    apart = max(abs(high - low), abs(middle - low))
    if low <= 0.0 or apart > SHARE * low:
        return Kind.SMOOTH
    power = log(low) / log(steps[start + 1] / steps[start])
    if power < LOWEST:
        return Kind.STRANGE
    if one_sided and power > SLOPE:
        return Kind.SMOOTH
    rest = used[0] / (low - 1.0)
    # What the next terms of the series do shows in how far the ratio is from constant.
    error = (DOUBT + apart / low) * abs(rest) + 2.0 * blur[start] * low / (low - 1.0)
    return quotients[start] - rest, error


def _even(steps: list[float], start: int) -> bool:
    """Whether five steps have one ratio."""
    ratios = [steps[i + 1] / steps[i] for i in range(start, start + 4)]
    return max(ratios) < 1.001 * min(ratios)
