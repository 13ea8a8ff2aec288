"""Neville's tableau on the odd or even part of a function: every run of neighbouring steps at once.

The weights of an extrapolation to 0 alternate in sign, so the same recursion with plus signs gives the
sum of their sizes, and with it what rounding contributes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import frexp, inf, isfinite

from wengert.diff.numeric.book import Book

GOOD = 1e-9  # relative error that settles a derivative
FAIR = 1e-6
LONGEST = 6  # steps in one polynomial
QUIET = 40.0  # roundings that a sample may be off and still count as free of noise
EPS = 1.1102230246251565e-16
INNER = 1e3  # such roundings at most
TRIED = 4  # runs that are looked at closely
ROUGH = 3.0  # terms of a smooth function may exceed its size by this factor
LEAST = 10.0  # half units in the last place that every sample is taken to be off
FALL = 0.3  # by what the terms of Newton's series are expected to fall at least
SAFETY = 2.0
SURE = 2.5  # what the share of rounding is multiplied with to become an error


@dataclass(frozen=True)
class Line:
    """One component of ``f`` along the line: ascending steps, odd and even part, size of a rounding."""

    h: list[float]
    odd: list[float]
    even: list[float]
    rounding: list[float]
    center: float
    at: float  # |x|


@dataclass(frozen=True)
class Guess:
    """A derivative, its error, the part of it that is rounding, the size to compare with, and the window."""

    value: float
    error: float
    noise: float
    size: float
    reach: float
    settled: bool
    fair: bool  # quiet and fairly accurate: to be taken where no wider window is smooth


@dataclass(frozen=True)
class Run:
    """A polynomial through neighbouring steps ``low .. high``, evaluated at 0."""

    low: int
    high: int
    value: float
    truncation: float
    noise: float


NOTHING = Guess(0.0, inf, inf, 0.0, 0.0, False, False)


def line_of(book: Book, c: int) -> Line:
    """Component ``c`` of the samples, up to the smallest step at which ``f`` is not finite."""
    place = book.place
    center = float(place.center[c])
    line = Line([], [], [], [], center, abs(place.origin))
    for h in sorted(book.rows):
        plus, minus = (float(row[c]) for row in book.rows[h])
        if not isfinite(plus - minus):
            break
        line.h.append(h)
        line.odd.append(0.5 * (plus - minus))
        line.even.append(0.5 * (plus + minus))
        rounding = 0.5 * place.ulp * max(abs(center), abs(center + plus), abs(center + minus))
        line.rounding.append(max(rounding, float(place.noise[c])))
    return line


def guess(line: Line, order: int, known_size: float = 0.0) -> Guess:
    """The best derivative of order 1 or 2 that some run of steps gives, and whether it is settled.

    ``known_size`` is a derivative below which an error is of no interest.
    """
    if len(line.h) < 4:
        return NOTHING
    unit = 2.0 ** frexp(line.h[-1])[1]  # lest squares of steps overflow or vanish
    line = replace(line, h=[step / unit for step in line.h], at=line.at / unit)
    found = _guess(line, order, known_size * unit**order)
    value, error, noise, size = (
        _per_step(part, unit, order) for part in (found.value, found.error, found.noise, found.size)
    )
    sure = isfinite(value) and isfinite(error)
    return Guess(value, error, noise, size, found.reach * unit,
                 found.settled and sure, found.fair and sure)  # fmt: skip


def _per_step(part: float, unit: float, order: int) -> float:
    for _ in range(order):  # stepwise, because 1e-300 ** 2 is 0
        part /= unit
    return part


def _guess(line: Line, order: int, known_size: float) -> Guess:
    h = line.h
    z = [step * step for step in h]
    if order == 1:
        slopes = [o / s for o, s in zip(line.odd, h, strict=True)]
        sigma = [r / s for r, s in zip(line.rounding, h, strict=True)]
        secants = [max(abs(o), abs(e)) / s for o, e, s in zip(line.odd, line.even, h, strict=True)]
    else:
        slopes = [2.0 * e / s for e, s in zip(line.even, z, strict=True)]
        sigma = [4.0 * r / s for r, s in zip(line.rounding, z, strict=True)]
        secants = [
            2.0 * max(abs(o), abs(e)) / s for o, e, s in zip(line.odd, line.even, z, strict=True)
        ]
    best = NOTHING
    runs = heapq.nsmallest(TRIED, _runs(z, slopes, sigma, secants), key=_claim)
    for run in runs:
        unrest = _unrest(line, run, order)
        inner = _inner(line, run)
        # One witness only may be lucky.
        noise = max(unrest, LEAST, inner if run.low == 1 else 0.0) * run.noise
        error = run.truncation + SURE * noise + _spread(run, runs)
        size = max(abs(run.value), secants[run.high], known_size)
        quiet = unrest <= max(QUIET, inner) and isfinite(run.value)
        settled, fair = quiet and error <= GOOD * size, quiet and error <= FAIR * size
        if error < best.error or settled:
            best = Guess(run.value, error, noise, size, h[run.high], settled, fair)
        if settled:
            break
    return best


def _inner(line: Line, run: Run) -> float:
    """A rounding of ``x`` inside of ``f``, as that of ``1e3*x`` in its sine, over one of ``f(x)``."""
    change = max(abs(line.odd[run.high]), abs(line.even[run.high])) / line.h[run.high]
    unit = line.rounding[run.low]
    return min(EPS * line.at * change / unit, INNER) if unit else 0.0


def _spread(run: Run, runs: list[Run]) -> float:
    """What other runs that claim nearly as much say otherwise: few witnesses of noise may all be lucky."""
    limit = 10.0 * _claim(run)
    return max(
        (abs(run.value - other.value) for other in runs if _claim(other) <= limit), default=0.0
    )


def odd_guess(line: Line) -> Guess:
    """The slope from the odd part alone, where ``f(x)`` and with it the even part is not to be trusted.

    One run needs another: the error holds what the two best ones differ by.
    """
    z = [step * step for step in line.h]
    slopes = [o / s for o, s in zip(line.odd, line.h, strict=True)]
    sigma = [r / s for r, s in zip(line.rounding, line.h, strict=True)]
    runs = heapq.nsmallest(2, _runs(z, slopes, sigma, list(map(abs, slopes))), key=_claim)
    if len(runs) < 2:
        return NOTHING
    run, other = runs
    spread = abs(run.value - other.value)
    noise = QUIET * run.noise
    error = 2.0 * spread + run.truncation + noise
    size = max(map(abs, slopes))
    return Guess(run.value, error, noise, size, line.h[run.high], False, True)


def _claim(run: Run) -> float:
    return run.truncation + SURE * run.noise


def _runs(
    z: list[float], slopes: list[float], sigma: list[float], secants: list[float]
) -> Iterator[Run]:
    """All runs of at least three steps, but for the smallest, over which ``f`` may be smooth.

    With the divided differences ``d_k`` of a run, ``t_k = |d_k| z_top^k`` are the terms of Newton's
    series at its top. Of a smooth function they are bounded by its size there and fall; the next one,
    which nobody knows, is taken to be no larger than the fall so far allows. What is left out
    at 0 is that term times the product of all ``z_i / z_top``.
    """
    count = len(z)
    values, noises = list(slopes), list(sigma)
    differences = list(slopes)
    tails: list[list[float]] = [[] for _ in z]
    for m in range(1, min(LONGEST, count)):
        for j in range(1, count - m):
            low, high = z[j], z[j + m]
            gap = high - low
            values[j] = (high * values[j] - low * values[j + 1]) / gap
            noises[j] = (high * noises[j] + low * noises[j + 1]) / gap
            differences[j] = (differences[j + 1] - differences[j]) / gap
            tails[j].append(abs(differences[j]))
            if m == 1:
                continue
            size = ROUGH * max(abs(values[j]), secants[j + m])
            term, power, share = 0.0, 1.0, low / high
            smooth = True
            for k, d in enumerate(tails[j]):
                power *= high
                t = d * power
                smooth = smooth and t <= size
                term = max(term * FALL, t)
                if k:
                    share *= z[j + k] / high
            if smooth:
                yield Run(j, j + m, values[j], SAFETY * term * share, noises[j])


def _unrest(line: Line, run: Run, order: int) -> float:
    """How many roundings the smaller steps are off what the run predicts for them, in both parities."""
    h = line.h[: run.high + 1]
    z = [step * step for step in h]
    if order == 1:
        quotients = [o / s for o, s in zip(line.odd, h, strict=False)]
        others = [e / s for e, s in zip(line.even, z, strict=False)]
        scale, twin_scale = h, z
    else:
        quotients = [e / s for e, s in zip(line.even, z, strict=False)]
        others = [o / s for o, s in zip(line.odd, h, strict=False)]
        scale, twin_scale = z, h
    worst = 0.0
    for values, scales in ((quotients, scale), (others, twin_scale)):
        series = divided_differences(z[run.low :], values[run.low :])
        for i in range(run.low):
            off = abs(values[i] - newton(z[run.low :], series, z[i])) * scales[i]
            worst = max(worst, off / (line.rounding[i] or 5e-324))
    return worst


def divided_differences(z: list[float], y: list[float]) -> list[float]:
    """Coefficients of Newton's series through the points ``(z, y)``."""
    series = list(y)
    for k in range(1, len(z)):
        for i in range(len(z) - 1, k - 1, -1):
            series[i] = (series[i] - series[i - 1]) / (z[i] - z[i - k])
    return series


def newton(z: list[float], series: list[float], at: float) -> float:
    """Newton's series at ``at``, by Horner's scheme."""
    value = series[-1]
    for k in range(len(series) - 2, -1, -1):
        value = value * (at - z[k]) + series[k]
    return value
