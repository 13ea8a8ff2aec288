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
DIGITS = 12
SEEN = 4  # values beyond the border on one side that are enough to judge
SPREAD = (1.23, 1.61, 2.2, 3.1)  # where to look beyond the border, in units of it


@dataclass(frozen=True)
class Plateau:
    """What is known of a flat neighbourhood: the answer, if any, and the steps to ask for next."""

    guess: Guess | None
    wanted: tuple[float, ...]


def plateau(line: Line, order: int, top: float) -> Plateau | None:
    """Judge a flat neighbourhood of ``x``; ``None`` when the two smallest steps show a change.

    With no step to ask for and no answer, nothing is to be said this way.
    """
    flat = 0
    while flat < len(line.h) and line.odd[flat] == 0.0 == line.even[flat]:
        flat += 1
    if flat < 2:
        return None
    inside = line.h[flat - 1]
    if flat == len(line.h):
        if inside > 300.0 * top:
            return Plateau(_zero(line, order, inside), ())
        return Plateau(None, (RATIO * inside,))
    outside = line.h[flat]
    plus, minus = _sides(line, flat)
    if max(map(abs, (*plus, *minus))) <= ABOVE * abs(line.center):
        return Plateau(None, ())
    if outside > NEAR * inside:
        return Plateau(None, (sqrt(inside) * sqrt(outside),))
    missing = tuple(s * outside for s in SPREAD if not _near(line.h, s * outside))
    if missing:
        return Plateau(None, missing)
    if line.h[-1] < 20.0 * outside:
        return Plateau(None, (30.0 * outside,))
    found = _continuous(plus, minus) and not _rounded(line, [*plus, *minus])
    return Plateau(_zero(line, order, inside) if found or _few(plus, minus) else None, ())


def _zero(line: Line, order: int, inside: float) -> Guess:
    # A smooth function that keeps to one float over the neighbourhood has no larger slope.
    error = 4.0 * line.rounding[0]
    for k in range(order):
        error *= (k + 1) / inside
    return Guess(0.0, error, error, 0.0, inside, True)


def _sides(line: Line, start: int) -> tuple[list[float], list[float]]:
    """The changes of ``f`` beyond the border, to the right and to the left."""
    pairs = list(zip(line.odd[start:], line.even[start:], strict=True))
    return [e + o for o, e in pairs], [e - o for o, e in pairs]


def _near(steps: Sequence[float], step: float) -> bool:
    return any(abs(h / step - 1.0) < 0.08 for h in steps)


def _continuous(plus: list[float], minus: list[float]) -> bool:
    """Whether ``f`` goes on changing beyond the border, on some side, all the way."""
    for side in (plus, minus):
        changing = [y for y in side if y != 0.0]
        if len(changing) >= SEEN and all(a != b for a, b in pairwise(changing)):
            return True
    return False


def _few(plus: list[float], minus: list[float]) -> bool:
    """Whether only very few values were seen over a wide range: a step, an indicator, a short table."""
    return len({round_off(y) for y in plus}) <= 2 and len({round_off(y) for y in minus}) <= 2


def round_off(y: float) -> float:
    """``y`` to thirteen digits: one value of ``f`` whatever half sums did to its last ones."""
    return float(f"{y:.12e}")


def _rounded(line: Line, changes: list[float]) -> bool:
    """Whether all values are decimals of few digits, single precision, or multiples of one quantum."""
    changes = [y for y in changes if y != 0.0 and isfinite(y)]
    values = [line.center + y for y in changes]
    blur = 8.0 * max(line.rounding)
    if all(abs(v - float(f"{v:.{DIGITS}g}")) <= blur for v in values):
        return True
    with np.errstate(over="ignore"):
        if all(abs(v - float(np.float32(v))) <= blur for v in values):
            return True
    quantum = min(map(abs, changes))
    for part in (1.0, 2.0, 4.0, 10.0):
        unit = quantum / part
        slack = [0.02 + (blur + abs(y) * blur / quantum) / unit for y in changes]
        if all(s > 0.3 or abs(y / unit - round(y / unit)) <= s
               for y, s in zip(changes, slack, strict=True)):  # fmt: skip
            return True
    return False
