"""The adaptive step search: which steps to sample next, until the best candidate is good or calls run out.

It knows nothing of the scale of ``f``. A first ladder of four steps, a factor 25 apart, starts near
``|x|``; further rungs follow until some window is smooth. From there windows are refined: narrower
while truncation dominates, wider while noise does. The factor and the step fractions are no simple
ratios of each other, so no period of ``f`` can match them all; and the ladder and the refinement are
independent families of steps, whose fits have to agree before an error becomes small.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

import numpy as np

from wengert.diff.numeric.assess import (
    CAUTION,
    FEW_NODES,
    TRUSTED,
    Assessment,
    Flags,
    assess,
    breaks,
    drowned,
    flat_until,
    in_units,
    unit_of,
)
from wengert.diff.numeric.fits import Floats, Ints, Samples

START = 0.4037  # first step in units of |x|: within the domain of log, sqrt and 1/x
RATIO = 25.0
RUNGS = 4
MOST_RUNGS = 9
CLEAN = 0.03  # a window is smooth when its error is below this part of the derivative
ENOUGH = 1e-11  # relative error at which the search ends early

Requests = Generator[Floats, Floats, "Verdict"]


@dataclass(frozen=True)
class Verdict:
    """The outcome at one point, with one entry for each of the ``k`` components."""

    value: Floats
    error: Floats
    step: Floats  # half width of the window that was used; 0 where none was
    noise: Floats  # standard deviation of the noise seen in f; 0 where it could not be seen
    reliable: Flags
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a search happens: everything it knows besides the values of ``f``.

    ``origin`` is the coordinate that steps are rounded against, so that ``x + h`` and ``x - h`` are
    exact; ``anchor`` is the first guess of a scale; ``left`` and ``right`` are the largest steps
    allowed; ``scaled`` says that ``anchor`` is known to be a good step, so that no ladder is needed.
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


@dataclass
class Book:
    """The samples taken so far. Mutable, because the search is a dialogue."""

    place: Place
    side: int = 0
    calls: int = 0
    rows: dict[float, tuple[Floats, Floats]] = field(default_factory=dict)

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
        limit = {0: min(self.place.left, self.place.right), 1: self.place.right, -1: self.place.left}
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
    kink: Flags
    jump: Flags
    samples: Samples


def look(book: Book, order: int) -> View | None:
    """Judge the samples taken so far; ``None`` when they allow no candidate."""
    samples = book.samples()
    if not samples.h.size:
        return None
    unit = unit_of(samples)
    samples = in_units(samples, unit)
    noise = book.place.noise / unit
    judged = assess(samples, order, book.side, noise)
    if judged is None:
        return None
    none = np.zeros(samples.center.shape, dtype=bool)
    kink, jump = breaks(samples, noise) if book.side == 0 else (none, none)
    return View(judged, unit, kink, jump, samples)


def search(order: int, place: Place) -> Requests:
    """Find the ``order``-th derivative: yields arrays of offsets ``t``, is sent ``f(x + t)``.

    The values sent have shape ``(len(offsets), k)``, NaN where ``f`` cannot be evaluated. The
    search never asks for an offset outside ``[-left, right]`` nor for more than ``budget`` samples.
    """
    book = Book(place, side=_first_side(place))
    yield from _explore(book, order)
    yield from _refine(book, order)
    return _verdict(book, order)


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
        yield from book.fetch(top * f for f in (1.0, 0.62, 0.38, 0.045, 0.0021))
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
    return bool((found | ~active).all())


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
            return
        i, k = pick
        judged = view.judged
        if judged.error[i, k] <= ENOUGH * judged.size[i, k]:
            return
        border = _border(view, k)
        if border and (yield from book.fetch([border])):
            continue
        if first:
            i = _widest(view, i, k)
        proposals = _proposals(view, i, k, order, first)
        if (yield from _first_new(book, proposals)) == 0:
            return
        first = False


def _border(view: View, k: int) -> float:
    """A step closer to the border of a flat neighbourhood of ``x``, when no wider window explains it."""
    inside, outside = (float(a[k]) for a in flat_until(view.samples))
    if view.judged.best(TRUSTED)[k] >= 0 or not 0 < 1.3 * inside < outside < np.inf:
        return 0.0
    return float(np.sqrt(inside) * np.sqrt(outside))


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
    relative = judged.error / np.where(judged.size > 0, judged.size, np.inf)
    fallback = np.argmin(np.where(judged.size > 0, relative, np.inf), axis=0)
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
        h = view.samples.h
        smaller = h[h < reach / 4]
        inner = float(smaller[-1]) if smaller.size else reach / 4
        return [[1.7 * inner, 0.6 * inner], [3 * inner, 0.35 * inner], *spare]
    if truncation < noise:
        wider = _against_noise(view.samples.h, reach, int(found.degree[i]) - order, first)
        if view.samples.h[-1] < 0.01 * START:
            # Close to 0, |x| says little about the scale of f; 1 is the next best guess.
            wider = [START, 0.25 * START, 0.04 * START]
        return [wider, *spare]
    if first:
        return [[0.62 * reach, 0.38 * reach, 0.24 * reach], *spare]
    power = max(int(found.degree[i]) - order, 1)
    factor = float(np.clip((noise / truncation) ** (1.0 / power), 0.25, 0.8))
    return [[factor * reach, 0.64 * factor * reach], *spare]


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


def _verdict(book: Book, order: int) -> Verdict:
    """The answer from everything sampled."""
    view = look(book, order)
    count = book.place.center.size
    if view is None:
        note = "too few usable samples: f is not finite close to x"
        nothing, never = np.full(count, np.nan), np.zeros(count, dtype=bool)
        return Verdict(nothing, np.full(count, np.inf), np.zeros(count), np.zeros(count), never, (note,))
    judged, found = view.judged, view.judged.found
    columns = np.arange(count)
    best = judged.best(TRUSTED)
    relative = judged.error / np.where(judged.size > 0, judged.size, np.inf)
    fallback = np.argmin(np.where(np.isnan(relative), np.inf, relative), axis=0)
    i: Ints = np.where(best >= 0, best, fallback)
    value = found.value[i, columns] * view.unit
    error = judged.error[i, columns] * np.where(found.support[i] < FEW_NODES, CAUTION, 1.0) * view.unit
    noisy = judged.noise[i, columns] > found.truncation[i, columns]
    noise = np.where(noisy, found.deviation[i, columns], 0.0) * view.unit
    notes: list[str] = []
    trusted = (best >= 0) & np.isfinite(value) & np.isfinite(error)
    trusted &= ~_doubts(view, found.reach[i], trusted, book, notes)
    flat, flat_error = _flat(view, order)
    settled = flat & ~trusted
    if settled.any():
        notes.append("f does not change near x")
        value = np.where(settled, 0.0, value)
    error = np.where(settled, flat_error * view.unit, np.where(trusted, error, np.inf))
    return Verdict(value, error, found.reach[i], noise, trusted | settled, tuple(notes))


def _doubts(view: View, reach: Floats, trusted: Flags, book: Book, notes: list[str]) -> Flags:
    """Reasons not to believe a candidate that fits well; adds a note for each."""
    samples = view.samples
    hidden = drowned(samples, reach) & trusted
    if book.side:
        notes.append(f"one-sided: only samples to the {'right' if book.side > 0 else 'left'} of x")
    if (~trusted & ~_flat(view, 1)[0]).any():
        notes.append("no range of steps was found over which f is smooth")
    if hidden.any():
        notes.append("f looks smooth only at steps where rounding errors may look smooth, too")
    for broken, word in ((view.kink, "kink"), (view.jump, "jump")):
        if broken.any():
            notes.append(f"f has a {word} at x, or closer to x than {samples.h[0]:.1e}")
            hidden = hidden | broken
    return hidden


def _flat(view: View, order: int) -> tuple[Flags, Floats]:
    """Components that do not change near ``x``, and the error of calling their derivative 0.

    Where ``f`` changes farther out, the change has to set in continuously: otherwise ``f`` is a
    step function, and its steps are all there is to its slope.
    """
    samples = view.samples
    inside, outside = flat_until(samples)
    variation = samples.variation()
    onset = np.array([variation[samples.h <= h, k].max() for k, h in enumerate(outside)])
    gentle = (onset <= 0.2 * variation[-1]) & (outside <= 1.6 * inside)
    flat: Flags = (inside > 0) & (gentle | ~np.isfinite(outside))
    error = samples.ulp * np.abs(samples.center)
    for _ in range(order):
        error = error / np.where(inside > 0, inside, 1.0)
    return flat, error
