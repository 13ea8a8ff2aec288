"""Which candidate to believe, by how much, and when to believe none."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from wengert.diff.numeric.fits import Candidates, Floats, Ints, Samples, candidates, secant_scale

Flags = NDArray[np.bool_]

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

    def best(self, part: float, *, cautious: bool = True) -> Ints:
        """For each component the candidate of least error at most ``part`` of its size, or -1."""
        error = self.error
        if cautious:
            thin = (self.found.support < FEW_NODES)[:, None]
            error = np.where(thin, CAUTION * error, error)
        usable = np.where((error <= part * self.size) & (self.size > 0), error, np.inf)
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
    values = np.abs(np.vstack([samples.plus, samples.minus]))
    values = np.where(np.isfinite(values), values, -1.0)
    repeats = (values == 0).sum(axis=0) >= 2
    quantum = np.min(np.where(values > 0, values, np.inf), axis=0)
    quantised = repeats & np.isfinite(quantum)
    floor: Floats = np.where(quantised, np.maximum(noise, 0.5 * quantum), noise)
    return floor


def inner_noise(samples: Samples, side: int) -> Floats:
    """What the two smallest steps show beyond a straight line: the noise of ``f``, or next to 0."""
    if samples.usable(side) < 2:
        return np.full(samples.center.shape, np.inf)
    ratio = samples.h[0] / samples.h[1]
    if side:
        values = samples.plus if side > 0 else samples.minus
        bend: Floats = np.abs(values[0] - ratio * values[1])
        return bend
    odd = (samples.plus - samples.minus) / 2
    even = (samples.plus[0] + samples.minus[0]) / 2
    seen: Floats = np.maximum(np.abs(odd[0] - ratio * odd[1]), np.abs(even))
    return seen


def assess(samples: Samples, order: int, side: int, noise: Floats) -> Assessment | None:
    """Every candidate from these samples, judged; ``None`` when there are too few samples."""
    found = candidates(samples, order, side)
    if found is None:
        return None
    floor = noise_floor(samples, noise)
    background = np.maximum(floor, samples.ulp * np.abs(samples.center))
    background = np.maximum(background, inner_noise(samples, side))
    misfit = found.deviation > MISFIT * background
    deviation = np.maximum(found.deviation, floor)
    scale = secant_scale(samples, order)
    size = np.maximum(np.abs(found.value), _least_scale(scale)[found.window])
    # Bernstein's inequality: a polynomial of degree D on [-H, H] has |p'(0)| <= D max|p| / H. A
    # larger value is drawn from inner nodes alone, and the window says nothing about it.
    beyond = np.abs(found.value) > 2.0 * found.degree[:, None] ** order * scale[found.window]
    if side:
        beyond[:] = False  # no such bound holds at the end of an interval
    error_noise = _noise_part(found, deviation, misfit)
    error = np.where(beyond, np.inf, error_noise + found.truncation)
    pooled = _pooled(found, error, error_noise, misfit)
    error_noise = _noise_part(found, np.where(misfit, deviation, np.maximum(deviation, pooled)), misfit)
    error = np.where(beyond, np.inf, error_noise + found.truncation)
    error = np.where(np.isfinite(error), error, np.inf)
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


def _pooled(
    found: Candidates, error: Floats, noise: Floats, misfit: Flags
) -> Floats:
    """Noise of ``f`` from all the candidates that are as good as the best and see only noise."""
    near = (error <= 4.0 * np.min(error, axis=0)) & (found.truncation <= noise) & ~misfit
    weight = np.where(near, found.freedom[:, None], 0.0)
    total = weight.sum(axis=0)
    square = (weight * np.where(near, found.deviation, 0.0) ** 2).sum(axis=0)
    pooled: Floats = 0.9 * np.sqrt(square / np.maximum(total, 1.0))
    return pooled


def breaks(samples: Samples, noise: Floats) -> tuple[Flags, Flags]:
    """Components that show a kink at ``x``, and those that show a jump there, by the three smallest steps.

    At a kink the even part of ``f`` shrinks like ``h`` instead of ``h**2``. At a jump the values
    on one side are a constant, not 0, plus a multiple of ``h``.
    """
    none = np.zeros(samples.center.shape, dtype=bool)
    if samples.usable(0) < 3:
        return none, none
    h, plus, minus = samples.h[:3, None], samples.plus[:3], samples.minus[:3]
    background = np.maximum(noise_floor(samples, noise), samples.ulp * np.abs(samples.center))
    even = (plus + minus) / 2
    slope = even / h
    reference = np.max(np.abs(np.stack([plus, minus])) / h, axis=(0, 1))
    steady = np.ptp(slope, axis=0) < 0.2 * np.abs(slope[0])
    kink = steady & (np.abs(even[0]) > 8 * background) & (np.abs(slope[0]) > 1e-6 * reference)
    jump = none
    for y in (plus, minus):
        rise = (y[2] - y[1]) / (h[2] - h[1])
        height = y[1] - rise * h[1]
        off = np.abs(y[0] - height - rise * h[0])
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
