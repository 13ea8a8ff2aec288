"""Which candidate to believe, by how much, and when to believe none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wengert.diff.numeric.fits import Candidates, Floats, Ints, Samples, candidates, secant_scale

Flags = NDArray[np.bool_]

# Between the steps of the first ladder; irrational, lest multiples of a quantum of f fall on multiples.
RATIO = 25.132741228718345
TRUSTED = 0.1  # an error above this part of the natural size of the derivative is no answer
FEW_NODES = 3  # fewer outer nodes than this cannot contradict a fit
CAUTION = 4.0  # what the error of such a fit is multiplied with
MISFIT = 10.0  # a residual this many times the noise at the smallest steps is not noise


@dataclass(frozen=True)
class Assessment:
    """Judged candidates of one point; ``(c, k)`` arrays for ``c`` candidates, ``k`` components."""

    found: Candidates
    noise: Floats  # part of the error that a wider window would shrink
    error: Floats  # noise + truncation, inf where a window is wider than f is smooth
    size: Floats  # natural size of the derivative in that window
    misfit: Flags  # the residual is too large to be noise

    def caution(self) -> Floats:
        """What the error of each candidate is multiplied with, because too few nodes could contradict it."""
        thin = self.found.support < np.maximum(FEW_NODES, self.found.terms)
        factors: Floats = np.where(thin, CAUTION, 1.0)
        return factors

    def relative(self) -> Floats:
        """Error over size, inf where there is neither."""
        ratio = np.divide(
            self.error, self.size, out=np.full_like(self.error, np.inf), where=self.size > 0
        )
        ratio[np.isnan(ratio)] = np.inf
        return ratio

    def best(self, part: float, *, cautious: bool = True) -> Ints:
        """For each component the candidate of least error at most ``part`` of its size, or -1."""
        care = self.caution()[:, None] if cautious else 1.0
        usable = np.where(care * self.relative() <= part, care * self.error, np.inf)
        pick = np.argmin(usable, axis=0)
        picked: Ints = np.where(np.isfinite(np.min(usable, axis=0)), pick, -1)
        return picked


def unit_of(samples: Samples) -> Floats:
    """A power of two of the size of the values, so that squares neither overflow nor vanish."""
    size = np.fmax(np.abs(samples.center), samples.variation()[-1])
    exponent = np.frexp(np.where((size > 0) & np.isfinite(size), size, 1.0))[1]
    unit: Floats = np.ldexp(1.0, np.clip(exponent, -1020, 1020))
    return unit


def in_units(samples: Samples, unit: Floats) -> Samples:
    """The same samples with every component divided by its unit."""
    return replace(
        samples,
        plus=samples.plus / unit,
        minus=samples.minus / unit,
        center=samples.center / unit,
    )


def noise_floor(samples: Samples, noise: Floats) -> Floats:
    """A lower bound of the noise per component: what the caller said, or half a quantum.

    A function whose values repeat ``f(x)`` at several steps but not at all is quantised (rounded,
    single precision, a table); the smallest change it shows is its quantum.
    """
    sizes = np.stack([np.abs(samples.plus), np.abs(samples.minus)])
    sizes = np.where(np.isfinite(sizes), sizes, -1.0)
    same = (sizes == 0).any(axis=0)
    quantum = np.min(np.where(sizes > 0, sizes, np.inf), axis=(0, 1))
    h = samples.h[:, None]
    still = np.max(np.where(same, h, 0.0), axis=0)
    changed = np.min(np.where((sizes > 0).any(axis=0), h, np.inf), axis=0)
    repeats = (sizes == 0).sum(axis=(0, 1)) >= 2
    # Across a wide gap of steps the smallest change may be many quanta; what it is off the parabola
    # is less than a few.
    near = changed < 2.5 * RATIO * still
    quantum = np.where(near, quantum, np.minimum(quantum, 3.0 * _bend(samples, changed)))
    quantised = repeats & np.isfinite(quantum) & (changed < 2.5 * RATIO**2 * still)
    floor: Floats = np.where(quantised, np.maximum(noise, 0.5 * quantum), noise)
    return floor


def _bend(samples: Samples, start: Floats) -> Floats:
    """How far the step ``start``, one for each component, is off the parabola through the next one."""
    bend = np.zeros(start.shape)
    odd, even = (samples.plus - samples.minus) / 2, (samples.plus + samples.minus) / 2
    for k, h in enumerate(start):
        j = int(np.searchsorted(samples.h, h))
        if j + 1 < samples.usable(0):
            ratio = samples.h[j] / samples.h[j + 1]
            off = odd[j, k] - ratio * odd[j + 1, k], even[j, k] - ratio**2 * even[j + 1, k]
            bend[k] = max(abs(off[0]), abs(off[1]))
    return bend


def stepped(samples: Samples, noise: Floats) -> Flags:
    """Components whose quantum is so large that calling it noise would be reading tea leaves."""
    quantum = 2.0 * noise_floor(samples, np.zeros_like(noise))
    first = samples.h <= 1.1 * samples.h[min(3, samples.h.size - 1)]
    around = np.fmax(np.abs(samples.center), samples.variation()[first][-1])
    stairs: Flags = (quantum > 3e-3 * around) & (quantum > 4.0 * noise)
    return stairs


def inner_noise(samples: Samples, side: int) -> Floats:
    """What the two smallest steps show beyond a parabola: the noise of ``f``, or next to 0."""
    if samples.usable(side) < 2:
        return np.full(samples.center.shape, np.inf)
    ratio = samples.h[0] / samples.h[1]
    if side:
        values = samples.plus if side > 0 else samples.minus
        bend: Floats = np.abs(values[0] - ratio * values[1])
        return bend
    odd = (samples.plus - samples.minus) / 2
    even = (samples.plus + samples.minus) / 2
    seen: Floats = np.maximum(np.abs(odd[0] - ratio * odd[1]), np.abs(even[0] - ratio**2 * even[1]))
    return seen


def assess(
    samples: Samples, order: int, side: int, floor: Floats, known_size: Floats
) -> Assessment | None:
    """Every candidate from these samples, judged; ``None`` when there are too few samples.

    ``floor`` is the least noise per component.
    """
    found = candidates(samples, order, side)
    if found is None:
        return None
    background = np.maximum(floor, samples.ulp * np.abs(samples.center))
    background = np.maximum(background, inner_noise(samples, side))
    misfit = found.deviation > MISFIT * background
    deviation = np.maximum(found.deviation, floor)
    scale = secant_scale(samples, order)
    size = np.maximum(np.abs(found.value), _least_scale(scale)[found.window])
    size = np.maximum(size, known_size)
    # Bernstein's inequality: a polynomial of degree D on [-H, H] has |p'(0)| <= D max|p| / H. A
    # larger value is drawn from inner nodes alone, and the window says nothing about it.
    beyond = np.abs(found.value) > 2.0 * found.degree[:, None] ** order * scale[found.window]
    if side:
        beyond[:] = False  # no such bound holds at the end of an interval
    error_noise = _noise_part(found, deviation, misfit)
    error = np.where(beyond, np.inf, error_noise + found.truncation)
    pooled = _pooled(found, error, error_noise, misfit)
    error_noise = _noise_part(
        found, np.where(misfit, deviation, np.maximum(deviation, pooled)), misfit
    )
    error = np.where(beyond, np.inf, error_noise + found.truncation)
    error = np.where(np.isfinite(error), error, np.inf)
    error = np.where(misfit & _contradicted(found, error, size), np.inf, error)
    return Assessment(found, error_noise, error, size, misfit)


def _least_scale(scale: Floats) -> Floats:
    """The least scale seen up to each step; steps over which ``f`` does not change see none."""
    least = np.minimum.accumulate(np.where(scale > 0, scale, np.inf), axis=0)
    finite: Floats = np.where(np.isfinite(least), least, 0.0)
    return finite


def _noise_part(found: Candidates, deviation: Floats, misfit: Flags) -> Floats:
    # A misfit has no distribution, so Student's factor does not cover it; three times does.
    part: Floats = found.factor[:, None] * np.where(misfit, 3.0, 1.0) * deviation + found.rounding
    return part


def _contradicted(found: Candidates, error: Floats, size: Floats) -> Flags:
    """Candidates that a trusted one in a narrower window excludes."""
    excluded = np.zeros(error.shape, dtype=bool)
    columns = np.arange(error.shape[1])
    for window in np.unique(found.window):
        rows = np.flatnonzero(found.window == window)
        i = rows[np.argmin(error[rows], axis=0)]
        bound, value = error[i, columns], found.value[i, columns]
        trusted = bound <= TRUSTED * size[i, columns]
        apart = np.abs(found.value - value) > error + bound
        excluded |= apart & trusted & (found.window > window)[:, None]
    return excluded


def _pooled(found: Candidates, error: Floats, noise: Floats, misfit: Flags) -> Floats:
    """Noise of ``f`` from all the candidates that are as good as the best and see only noise."""
    near = (error <= 4.0 * np.min(error, axis=0)) & (found.truncation <= noise) & ~misfit
    weight = np.where(near, found.freedom[:, None], 0.0)
    total = weight.sum(axis=0)
    seen = np.where(near, found.deviation, 0.0)
    unit = np.ldexp(1.0, np.clip(np.frexp(np.max(seen, axis=0))[1], -1020, 1020))  # see fits.py
    square = (weight * (seen / unit) ** 2).sum(axis=0)
    pooled: Floats = 0.9 * np.sqrt(square / np.maximum(total, 1.0)) * unit
    return pooled


def breaks(samples: Samples, floor: Floats) -> tuple[Flags, Flags]:
    """Components that show a kink at ``x``, and those that show a jump there, by the smallest steps.

    At a kink the even part of ``f`` shrinks like ``h`` instead of ``h**2``. At a jump the values
    on one side are a constant, not 0, plus a multiple of ``h``.
    """
    none = np.zeros(samples.center.shape, dtype=bool)
    if samples.usable(0) < 4:
        return none, none
    h, plus, minus = samples.h[:4, None], samples.plus[:4], samples.minus[:4]
    background = np.maximum(floor, samples.ulp * np.abs(samples.center))
    even = (plus + minus)[:3] / 2
    slope = even / h[:3]
    reference = np.max(np.abs(np.stack([plus, minus])) / h, axis=(0, 1))
    steady = np.ptp(slope, axis=0) < 0.2 * np.abs(slope[0])
    kink = steady & (np.abs(even[0]) > 8 * background) & (np.abs(slope[0]) > 1e-6 * reference)
    jump = none
    for y in (plus, minus):
        rise = (y[3] - y[2]) / (h[3] - h[2])
        height = y[2] - rise * h[2]
        # Two steps have to agree: one alone does so by chance when f is noisy.
        off = np.max(np.abs(y[:2] - height - rise * h[:2]), axis=0)
        jump = jump | ((off < 0.05 * np.abs(height)) & (np.abs(height) > 64 * background))
    return kink, jump


def drowned(samples: Samples, reach: Floats) -> Flags:
    """Components whose window ``reach``, shape ``(k,)``, may be a smooth piece of rounding noise.

    After cancellation, as in ``(1 - cos(x)) / x**2``, rounding errors are large and yet smooth over
    a few hundred floats. Such a piece lies inside decades of steps over which ``f`` changes by
    the same small amount, without sense of direction; nothing in it says what ``f`` does.
    """
    values = np.fmax(np.abs(samples.plus), np.abs(samples.minus))
    flags = np.zeros(reach.shape, dtype=bool)
    for k in range(reach.size):
        outside = (samples.h > 2 * reach[k]) & np.isfinite(values[:, k])
        steps, seen = samples.h[outside], values[outside, k]
        # As many steps as keep to one size, from the window outwards.
        level = np.maximum.accumulate(seen) <= 30 * np.minimum.accumulate(seen)
        if not level.any() or steps[level][-1] < 3e3 * steps[0]:
            continue
        flags[k] = bool(np.max(seen[level]) <= 1e-6 * np.abs(samples.center[k]))
    return flags


def flat_until(samples: Samples) -> tuple[Floats, Floats]:
    """For each component the largest step up to which ``f`` does not change, and the next one.

    The first is 0 where ``f`` changes at one of the three smallest steps; the second is inf where
    ``f`` never changes.
    """
    changes = samples.variation() > 0
    first = np.where(changes.any(axis=0), np.argmax(changes, axis=0), samples.h.size)
    h = np.concatenate([[0.0], samples.h, [np.inf]])
    return np.where(first >= 3, h[first], 0.0), h[first + 1]
