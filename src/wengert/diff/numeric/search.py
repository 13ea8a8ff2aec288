"""The adaptive step search: which steps to sample next, until the best candidate is good or calls run out.

It knows nothing of the scale of ``f``. A first ladder of four steps, a factor 25 apart, starts near
``|x|``; further rungs follow until some window is smooth. From there windows are refined: narrower
while truncation dominates, wider while noise does. The factor and the step fractions are no simple
ratios of each other, so no period of ``f`` can match them all; and the ladder and the refinement are
independent families of steps, whose fits have to agree before an error becomes small.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from wengert.diff.numeric.assess import RATIO, TRUSTED, flat_until, inner_noise
from wengert.diff.numeric.book import Book, Place, View, look
from wengert.diff.numeric.cusp import cusp
from wengert.diff.numeric.fits import Floats, Ints, Samples
from wengert.diff.numeric.quick import INNER, KNOWN, quick
from wengert.diff.numeric.verdict import GENTLE, Verdict, near_border, verdict_of

# Many digits, so that x + h is no decimal;
START = 0.4037159265358979  # first step in units of |x|: within the domain of log, sqrt and 1/x
RUNGS = 4
MOST_RUNGS = 9
CLEAN = 0.03  # a window is smooth when its error is below this part of the derivative

Requests = Generator[Floats, Floats, Verdict]


def search(order: int, place: Place) -> Requests:
    """Find the ``order``-th derivative: yields arrays of offsets ``t``, is sent ``f(x + t)``.

    The values sent have shape ``(len(offsets), k)``, NaN where ``f`` cannot be evaluated. The
    search never asks for an offset outside ``[-left, right]`` nor for more than ``budget`` samples.
    """
    book = Book(place, side=_first_side(place))
    settled = yield from quick(book, order, _top(book))
    if settled is not None:
        return settled
    yield from _explore(book, order)
    pointed = yield from cusp(book, order)
    if pointed is not None:
        return pointed
    yield from _refine(book, order)
    return verdict_of(book, order)


def _first_side(place: Place) -> int:
    near, far = sorted((place.left, place.right))
    if near > 1e-3 * min(far, place.anchor):
        return 0
    return 1 if place.right > place.left else -1


def _top(book: Book) -> float:
    place = book.place
    limit = {0: min(place.left, place.right), 1: place.right, -1: place.left}[book.side]
    return min(START * place.anchor, 0.97 * limit)


def _explore(book: Book, order: int) -> Generator[Floats, Floats, None]:
    """The ladder, downwards until some window is smooth for every component."""
    top = _top(book)
    if book.place.scaled:
        yield from book.fetch(top * f for f in KNOWN)
        return
    rungs = RUNGS if order <= 2 else RUNGS + 1
    yield from book.fetch(top / RATIO**i for i in range(rungs))
    if book.side == 0 and book.rows and book.samples().usable(0) == 0:
        book.side = _open_side(book.samples())
    step = top / RATIO ** (rungs - 1)
    # At x = 0 no smallest scale is given by the spacing of floats: longer strides reach further.
    stride = RATIO if book.place.origin else RATIO**2
    while rungs < MOST_RUNGS and book.room() >= 6 and not _settled(book, order):
        step /= stride
        yield from book.fetch([step])
        rungs += 1
    if book.room() >= 12 and _noisy(book, order):
        # Noise stays at whatever step; a quantum or fine structure of f shows at much smaller ones.
        yield from book.fetch([step / RATIO**2])


def _noisy(book: Book, order: int) -> bool:
    """Whether the smallest steps show something far above rounding."""
    view = look(book, order)
    if view is None:
        return False
    rounding = 1e5 * book.place.ulp * np.abs(view.samples.center)
    return bool(
        (inner_noise(view.samples, book.side) > np.maximum(rounding, 10 * view.floor)).any()
    )


def _open_side(samples: Samples) -> int:
    right, left = samples.usable(1), samples.usable(-1)
    if right == left == 0:
        return 0
    return 1 if right >= left else -1


def _settled(book: Book, order: int) -> bool:
    view = look(book, order)
    if view is None:
        return False
    active = view.samples.variation()[-1] > 0
    if view.kink.any() or view.jump.any():
        return False
    found = view.judged.best(CLEAN, cautious=False) >= 0
    # Where f does not change at all, smaller steps have nothing to add.
    flat = flat_until(view.samples)[0] > 0
    return bool((found | flat | ~active).all())


def _refine(book: Book, order: int) -> Generator[Floats, Floats, None]:
    """Add steps around the best window until it is good enough or the calls are used up."""
    first = True
    while book.room() >= (1 if book.side else 2):
        view = look(book, order)
        if view is None or (view.samples.variation()[-1] == 0).any():
            upwards = [RATIO * max(book.rows), START] if book.rows else [START]
            if len(book.rows) > MOST_RUNGS - 2 or (yield from book.fetch(upwards)) == 0:
                return
            continue
        pick = _steering(view, first)
        if pick is None:
            _, outside = flat_until(view.samples)
            if (yield from book.fetch(f * outside.min() for f in (0.62, 0.25, 0.04))) == 0:
                return
            continue
        i, k = pick
        judged = view.judged
        if judged.error[i, k] <= book.place.enough * judged.size[i, k]:
            return
        border = _border(view, k, late=book.room() <= 12)
        if border and (yield from book.fetch([border])):
            continue
        if first:
            i = _widest(view, i, k)
        proposals = _proposals(view, i, k, order, first)
        if (yield from _first_new(book, proposals)) == 0:
            return
        first = False


def _border(view: View, k: int, *, late: bool) -> float:
    """A step closer to the border of a flat neighbourhood of ``x``, when no wider window explains it."""
    inside, outside = (float(a[k]) for a in flat_until(view.samples))
    h = view.samples.h
    if view.judged.best(TRUSTED)[k] >= 0 or not 0 < inside < outside < np.inf:
        return 0.0
    slope = view.samples.variation()[:, k] / h
    if outside < 6 * inside and slope[h >= outside][0] > 0.6 * slope.max():
        return 0.0  # values that rise in steps along a slope: f is quantised
    if not late and (h <= inside).sum() < RUNGS:
        return 0.0
    if outside > GENTLE * inside:
        return float(np.sqrt(inside) * np.sqrt(outside))
    return 0.0 if near_border(h, outside).any() else 4.0 * outside


def _first_new(book: Book, proposals: list[list[float]]) -> Generator[Floats, Floats, int]:
    for steps in proposals:
        new = yield from book.fetch(steps)
        if new:
            return new
    return 0


def _steering(view: View, first: bool) -> tuple[int, int] | None:
    """The candidate and the component to improve next: the component of largest relative error."""
    judged = view.judged
    best = judged.best(CLEAN if first else TRUSTED, cautious=not first)
    loose = judged.best(np.inf, cautious=False)
    active = np.flatnonzero(loose >= 0)
    if not active.size:
        return None
    # Without a trusted candidate the relative error decides, not the absolute one: a window far
    # too wide sees a small derivative with a small error.
    relative = judged.relative()
    fallback = np.argmin(relative, axis=0)
    chosen: Ints = np.where(best >= 0, best, fallback)
    quality = relative[chosen, np.arange(chosen.size)]
    k = int(active[np.argmax(quality[active])])
    return int(chosen[k]), k


def _widest(view: View, start: int, k: int) -> int:
    """The widest window that still agrees with candidate ``start``."""
    judged, found = view.judged, view.judged.found
    current = start
    limit = CLEAN * judged.size[start, k]
    for window in range(int(found.window[start]) + 1, int(found.window.max()) + 1):
        rows = np.flatnonzero(found.window == window)
        if not rows.size:
            continue
        j = int(rows[np.argmin(judged.error[rows, k])])
        gap = abs(found.value[j, k] - found.value[start, k])
        if judged.error[j, k] > limit or gap > judged.error[j, k] + judged.error[start, k]:
            break
        current = j
    return current


def _proposals(view: View, i: int, k: int, order: int, first: bool) -> list[list[float]]:
    """Steps to try next, in order of preference."""
    judged, found = view.judged, view.judged.found
    reach, noise = float(found.reach[i]), float(judged.noise[i, k])
    truncation = float(found.truncation[i, k])
    spare = [
        [1.13 * reach, 0.9 * reach],
        [0.7 * reach, 0.45 * reach],
        [f * reach for f in np.geomspace(0.2, 1.6, 9)],
    ]
    if judged.misfit[i, k] and noise > 0.3 * truncation:
        inner = _undisturbed(view, i, k, order)
        near = [[1.7 * inner, 0.6 * inner], [0.35 * inner, 3 * inner], [0.2 * inner, 0.12 * inner]]
        return [*near, *spare]
    if truncation < noise:
        wider = _against_noise(view.samples.h, reach, int(found.degree[i]) - order, first)
        if view.samples.h[-1] < 0.01 * START:
            # Close to 0, |x| says little about the scale of f; 1 is the next best guess.
            wider = [START, 0.6 * START, 0.3 * START, 0.12 * START]
        return [wider, *spare]
    if first:
        return [[f * reach for f in INNER], *spare]
    power = max(int(found.degree[i]) - order, 1)
    factor = float(np.clip((noise / truncation) ** (1.0 / power), 0.25, 0.8))
    return [[factor * reach, 0.64 * factor * reach], *spare]


def _undisturbed(view: View, i: int, k: int, order: int) -> float:
    """The largest step, well inside the window, at which nothing is seen of what disturbs the fit."""
    samples, found = view.samples, view.judged.found
    inside = samples.h < found.reach[i] / 4
    if order == 1 and not samples.usable(0) < samples.h.size:
        odd = (samples.plus[:, k] - samples.minus[:, k]) / 2
        quiet = np.abs(odd - found.value[i, k] * samples.h) < 0.1 * found.deviation[i, k]
        inside &= np.logical_and.accumulate(quiet)
    h = samples.h[inside]
    return float(h[-1]) if h.size else float(found.reach[i]) / 4


def _against_noise(h: Floats, reach: float, terms: int, first: bool) -> list[float]:
    """Steps that make the window wider; once that is tried, steps that fill it."""
    if first:
        return [2.3 * reach, 0.62 * reach, 1.5 * reach]
    beyond = h[h > 1.02 * reach]
    if not beyond.size:
        # The lower the degree that suffices, the farther f must be from leaving it.
        growth = 5.0 if terms <= 2 else 2.3 if terms <= 4 else 1.6
        return [growth * reach, np.sqrt(growth) * reach]
    if beyond[0] > 30.0 * reach:
        return [float(np.sqrt(beyond[0]) * np.sqrt(reach))]
    if beyond[0] > 1.6 * reach:
        middle = float(min(np.sqrt(beyond[0] * reach), 1.6 * reach))
        return [middle, np.sqrt(middle * reach)]
    return [_emptiest(h, reach), _emptiest(h, float(beyond[0]))]


def _emptiest(h: Floats, reach: float) -> float:
    """The step in a window farthest from all others, in the angle in which good nodes are uniform.

    Fits are steadiest on Chebyshev nodes, ``h = reach cos(angle)`` with equidistant angles.
    """
    angles = np.linspace(0.05, 0.42, 24) * np.pi
    taken = np.arccos(np.clip(h[h <= reach] / reach, 0.0, 1.0))
    gaps = np.min(np.abs(angles[:, None] - np.concatenate([taken, [2.0]])), axis=1)
    return reach * float(np.cos(angles[np.argmax(gaps)]))
