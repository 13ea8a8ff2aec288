"""The answer of a search: the candidate it settles on, unless something speaks against all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wengert.diff.numeric.assess import TRUSTED, Flags, drowned, flat_until, stepped
from wengert.diff.numeric.book import Book, View, look
from wengert.diff.numeric.fits import Floats, Ints

# The parts of an error add up to more than is needed: under noise, over random functions, this share of
# the sum still holds 98 of 100 true errors.
CLAIM = 0.7
ROUGH = 1e-3  # error, relative to the size, above which a disturbed fit is no answer
GENTLE = 1.25  # how closely the border of a flat neighbourhood has to be located


@dataclass(frozen=True)
class Verdict:
    """The outcome at one point, with one entry for each of the ``k`` components."""

    value: Floats
    error: Floats
    step: Floats  # half width of the window that was used; 0 where none was
    noise: Floats  # standard deviation of the noise seen in f; 0 where it could not be seen
    reliable: Flags
    notes: tuple[str, ...]


def verdict_of(book: Book, order: int) -> Verdict:
    """The answer from everything sampled."""
    view = look(book, order)
    count = book.place.center.size
    if view is None:
        note = "too few usable samples: f is not finite close to x"
        nothing, never = np.full(count, np.nan), np.zeros(count, dtype=bool)
        return Verdict(
            nothing, np.full(count, np.inf), np.zeros(count), np.zeros(count), never, (note,)
        )
    judged, found = view.judged, view.judged.found
    columns = np.arange(count)
    best = judged.best(TRUSTED)
    relative = judged.relative()
    fallback = np.argmin(relative, axis=0)
    i: Ints = np.where(best >= 0, best, fallback)
    value = found.value[i, columns] * view.unit
    noisy = judged.noise[i, columns] > found.truncation[i, columns]
    share = np.where(noisy & ~judged.misfit[i, columns], CLAIM, 1.0)
    error = share * judged.error[i, columns] * judged.caution()[i] * view.unit
    noise = np.where(noisy, found.deviation[i, columns], 0.0) * view.unit
    notes: list[str] = []
    trusted = (best >= 0) & np.isfinite(value) & np.isfinite(error)
    # What disturbs the fit is no noise; a kink near x does that, and its size bounds nothing.
    rough = error > ROUGH * judged.size[i, columns] * view.unit
    trusted &= ~(judged.misfit[i, columns] & rough)
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
    stairs = stepped(samples, book.place.noise / view.unit) & trusted
    if stairs.any():
        notes.append("f is a step function: its steps are as large as its values")
        hidden = hidden | stairs
    elif hidden.any():
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
    gentle = np.zeros(inside.shape, dtype=bool)
    for k, h in enumerate(outside):
        near = near_border(samples.h, h)
        if near.any() and h < 1.05 * GENTLE * inside[k]:
            # A quantised slope has taken at most four or, across a binade, eight steps by then.
            onset, later = variation[samples.h == h, k], variation[near, k]
            gentle[k] = bool(onset[0] < 0.11 * later.max()) and not _on_grid(view, k, onset[0])
    flat: Flags = (inside > 0) & (gentle | ~np.isfinite(outside))
    error = samples.ulp * np.abs(samples.center)
    for _ in range(order):
        error = error / np.where(inside > 0, inside, 1.0)
    return flat, error


def near_border(h: Floats, border: float) -> Flags:
    """The steps at which a change that sets in at ``border`` has to have grown."""
    near: Flags = (h > 2.9 * border) & (h < 6.0 * border)
    return near


def _on_grid(view: View, k: int, onset: float) -> bool:
    """Whether all changes of ``f`` are whole multiples of its smallest one, or of a simple part of it.

    A rounded function is as flat as a dead unit where its slope is small, and its first quantum as
    small beside what follows; but only its values lie on a grid. The part is 2 or 4 across binades
    and 10 across a decade.
    """
    samples = view.samples
    values = np.abs(np.concatenate([samples.plus[:, k], samples.minus[:, k]]))
    values = values[np.isfinite(values) & (values > 0) & (values < 1e3 * onset)]
    if values.size < 3:
        return True  # too few to see anything but a grid
    blur = 0.01 + 8.0 * samples.ulp * (abs(float(samples.center[k])) + values) / onset
    parts = (values * part / onset for part in (1.0, 2.0, 4.0, 10.0))
    return any(bool((np.abs(m - np.round(m)) <= blur).all()) for m in parts)
