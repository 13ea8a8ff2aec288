"""First derivatives that rounding drowns near ``x`` but not farther out: ``(1 - cos(x))/x**2`` at 1e-4.

After cancellation every step of the size of ``x`` shows rounding errors only, far larger than those
of ``f(x)`` itself. They shrink away from the place of the cancellation, and ``f`` is smooth all the same:
its odd part at steps near 1 holds the slope, and leaves out ``f(x)``, which is as wrong as its neighbours.
"""

from __future__ import annotations

from dataclasses import replace

from wengert.diff.numeric.tableau import FAIR, Guess, Line, odd_guess

UNIT = 0.4037159265358979
# Golden section: no two of the steps, nor steps and ladder, have a simple ratio.
STEPS = tuple(UNIT * 0.6180339887498949**k for k in range(6))
CLOSE = 1e-2  # of the unit; for larger ladders the usual search gets there by itself
SMALL = 1e-5  # of f(x), a change that may be rounding after cancellation


def steps_afar(line: Line, top: float) -> tuple[float, ...]:
    """The steps to ask for when rounding drowns the ladder: a first two, and the others if those agree."""
    if top > CLOSE * UNIT or len(line.h) < 4:
        return ()
    far = [i for i, h in enumerate(line.h) if h > 0.05 * UNIT]
    if not far:
        return STEPS[:2] if _is_drowned(line) else ()
    if len(far) == 2:
        near, farther = (line.odd[i] / line.h[i] for i in far)
        return STEPS[2:] if abs(near - farther) <= 0.3 * max(abs(near), abs(farther)) else ()
    return ()


def _is_drowned(line: Line) -> bool:
    """Whether the smallest steps show small changes without direction, of one size."""
    seen = [max(abs(o), abs(e)) for o, e in zip(line.odd, line.even, strict=True)]
    level = min(seen[0], seen[1]) > 0.01 * seen[2] and seen[0] > 1e3 * line.rounding[0]
    return level and max(seen) <= SMALL * abs(line.center)


def from_afar(line: Line) -> Guess | None:
    """The slope from the steps near the unit, if what is nearer does not contradict it."""
    far = [i for i, h in enumerate(line.h) if h > 0.05 * UNIT]
    if len(far) < len(STEPS):
        return None
    start = far[0]
    outer = replace(
        line,
        h=line.h[start:],
        odd=line.odd[start:],
        even=line.even[start:],
        rounding=line.rounding[start:],
    )
    found = odd_guess(outer)
    near = max(abs(o) + abs(e) for o, e in zip(line.odd[:start], line.even[:start], strict=True))
    off = max(abs(o - found.value * h) for o, h in zip(line.odd[:start], line.h, strict=False))
    if off > 2.0 * near or found.error > 1e3 * FAIR * found.size:
        return None
    return found
