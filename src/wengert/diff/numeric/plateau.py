"""Functions that do not change near ``x``: dead units, clipped values, steps and tables.

A function rounded to few digits looks the same where its slope is small. What tells them apart is what lies
beyond the flat neighbourhood: the values of a rounded function are decimals, single precision, or whole
multiples of one quantum; those of a plateau's surroundings are not, or they are very few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, sqrt

import numpy as np

from wengert.diff.numeric.assess import RATIO
from wengert.diff.numeric.tableau import Guess, Line

NEAR = 2.5  # the border is known well enough within this factor
ABOVE = 1e-9  # a change below this part of f(x) may be rounding of a smooth function
STILL = 4.0  # roundings of f(x) that are no change
JITTER = 128.0  # roundings of f(x) that are not worth a slope when f changes by no more anywhere
FAR = 60.0  # in units of the border, how far a side has to be still to be dead
UNIT = 0.4037159265358979
DIGITS = 12
EPS = 2.220446049250313e-16
PARTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)  # of the smallest gap seen that may be the quantum
SEEN = 4  # values beyond the border on one side that are enough to judge
# Where to look beyond the border, in units of it; no round numbers, lest values of f are decimals by that.
SPREAD = (1.2314159265358979, 1.6180339887498949, 2.2182818284590452, 3.1462643699419723)


@dataclass(frozen=True)
class Plateau:
    """What is known of a flat neighbourhood: the answer, if any, and the steps to ask for next."""

    guess: Guess | None
    wanted: tuple[float, ...]


def plateau(line: Line, order: int, top: float) -> Plateau | None:
    """Judge a flat neighbourhood of ``x``; ``None`` where there is none to speak of.

    With no step to ask for and no answer, nothing is to be said this way.
    """
    flat = 0
    if not line.h:
        return None
    still = STILL * line.rounding[0]
    changes = [max(abs(o), abs(e)) for o, e in zip(line.odd, line.even, strict=True)]
    if max(changes) <= JITTER * line.rounding[0]:
        last = line.h[-1]
        if last > 300.0 * top or last > max(UNIT, 20.0 * top):
            return Plateau(_zero(line, order, last, max(changes)), ())
        # Close to 0, |x| says little about the scale of f; 1 is the next best guess.
        return Plateau(None, (max(RATIO * last, UNIT if last > 20.0 * top else 0.0),))
    flat = 0
    while changes[flat] <= still:
        flat += 1
    if not flat or changes[0] != 0.0:
        return None
    if changes[flat] <= ABOVE * abs(line.center) and flat > 1:
        return None
    inside = line.h[flat - 1]
    outside = line.h[flat]
    plus, minus = _sides(line, flat)
    if flat == 1:
        return Plateau(None, (line.h[0] / RATIO,))
    if outside > NEAR * inside:
        return Plateau(None, (sqrt(inside) * sqrt(outside),))
    missing = tuple(s * outside for s in SPREAD if not _near(line.h, s * outside))
    if missing:
        return Plateau(None, missing)
    if line.h[-1] < 20.0 * outside:
        return Plateau(None, (30.0 * outside,))
    # Stairs of one width would show on both sides.
    far = sum(h <= FAR * outside for h in line.h[flat:])
    dead = any(max(map(abs, side[:far])) <= still for side in (plus, minus))
    found = (dead or _continuous(plus, minus)) and not _rounded(line, [*plus, *minus])
    return Plateau(_zero(line, order, inside, still) if found or _few(plus, minus) else None, ())


def _zero(line: Line, order: int, inside: float, change: float) -> Guess:
    # A smooth function that changes by no more over the neighbourhood has no larger slope.
    error = 2.0 * max(change, STILL * line.rounding[0])
    for k in range(order):
        error *= (k + 1) / inside
    return Guess(0.0, error, error, 0.0, inside, True, True)


def _sides(line: Line, start: int) -> tuple[list[float], list[float]]:
    """The changes of ``f`` beyond the border, to the right and to the left."""
    pairs = list(zip(line.odd[start:], line.even[start:], strict=True))
    return [e + o for o, e in pairs], [e - o for o, e in pairs]


def _near(steps: Sequence[float], step: float) -> bool:
    return any(abs(h / step - 1.0) < 0.08 for h in steps)


def _continuous(plus: list[float], minus: list[float]) -> bool:
    """Whether ``f`` goes on changing beyond the border, on some side."""
    for side in (plus, minus):
        changing = [y for y in side if y != 0.0][:SEEN]
        if len(changing) == SEEN and all(a != b for a, b in pairwise(changing)):
            return True
    return False


def _few(plus: list[float], minus: list[float]) -> bool:
    """Whether only very few values were seen over a wide range: a step, an indicator, a short table."""
    return len({round_off(y) for y in plus}) <= 2 and len({round_off(y) for y in minus}) <= 2


def round_off(y: float) -> float:
    """``y`` to seven digits: a level is one whatever small things happen on it."""
    return float(f"{y:.6e}")


def _rounded(line: Line, changes: list[float]) -> bool:
    """Whether all values are decimals of few digits, single precision, or multiples of one quantum."""
    changes = [y for y in changes if isfinite(y)]
    values = [line.center + y for y in changes if y != 0.0]
    if all(_is(v, float(f"{v:.{DIGITS}g}"), line) for v in values):
        return True
    with np.errstate(over="ignore"):
        if all(_is(v, float(np.float32(v)), line) for v in values):
            return True
    levels = sorted({0.0, *changes})
    blur = 16.0 * line.rounding[0]
    gaps = [b - a for a, b in pairwise(levels) if b - a > 4.0 * blur + 1e-14 * abs(b)]
    if len(gaps) < 3:
        return True  # too few to see anything but a grid
    return any(all(_is_multiple(y, min(gaps) / part, blur) for y in changes) for part in PARTS)


def _is(v: float, rounded: float, line: Line) -> bool:
    return abs(v - rounded) <= 4.0 * EPS * max(abs(v), abs(line.center))


def _is_multiple(y: float, unit: float, blur: float) -> bool:
    count = y / unit
    slack = 0.02 + (blur + 8.0 * EPS * abs(y)) / unit
    return slack > 0.3 or abs(count - round(count)) <= slack
