"""Hessians of functions that can only be sampled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from wengert.diff.numeric import complex_step
from wengert.diff.numeric.book import Place
from wengert.diff.numeric.formulas import fixed, stencil
from wengert.diff.numeric.lines import estimate, partials, require_scalar
from wengert.diff.numeric.options import MOST_CALLS, Bounds, Options, checked
from wengert.diff.numeric.record import Estimate, plain
from wengert.diff.numeric.sampling import (
    Floats,
    Function,
    Sampler,
    as_point,
    grouped_rows,
    lockstep,
)
from wengert.diff.numeric.search import START, Requests, search
from wengert.diff.numeric.verdict import Verdict

__all__ = ["hessian"]

CORNER = 0.5  # corners lie farther out than the steps along the axes, by the root of two
MIXED_SAMPLES = 10


def hessian(
    f: Function,
    x: ArrayLike,
    *,
    method: str = "adaptive",
    accuracy: int | None = None,
    step: float | None = None,
    noise: float | None = None,
    bounds: Bounds | None = None,
    vectorized: bool = False,
    max_calls: int = MOST_CALLS,
) -> Estimate:
    """All second partial derivatives of a scalar function; the value has shape ``x.shape + x.shape``.

    The diagonal comes from one search for each coordinate, at most ``max_calls`` points each, which
    also finds the scale of the coordinate. A mixed derivative then needs no search: it is the second
    derivative of ``f(x + s(u + v)) - f(x + s(u - v))`` in ``s``, with ``u`` and ``v`` of those scales,
    from 20 points. The result is symmetric by construction. Options and errors are those of
    ``derivative``; ``f`` must return a scalar.

    >>> import numpy as np
    >>> H = hessian(lambda p: p[0] ** 2 * p[1] ** 2, [3.0, 5.0])
    >>> np.round(H.value, 5)
    array([[50., 60.],
           [60., 18.]])
    """
    where = "numeric.hessian"
    point = as_point(x, where)
    options = checked(point, where, order=2, method=method, accuracy=accuracy, step=step,
                      noise=noise, bounds=bounds, max_calls=max_calls)  # fmt: skip
    sampler = Sampler(f, point, vectorized=vectorized, where=where)
    center = sampler.center(point)
    require_scalar(sampler)
    if method == "complex":
        return _bicomplex(sampler, options, point, center)
    diagonal = partials(sampler, options, point, center)
    crosses = [_cross(options, point, diagonal, i, j) for i in range(point.size) for j in range(i)]
    searches = [_mixed(options, center, sampler.ulp, diagonal, cross) for cross in crosses]
    verdicts = lockstep(
        searches,
        lambda asked: _answers(sampler, center, [(crosses[k], s) for k, s in asked.items()]),
    )
    table = _table(diagonal, crosses, verdicts)
    shape = point.shape * 2
    found = estimate(
        [*diagonal, *verdicts],
        sampler,
        options,
        table[0].reshape(shape),
        table[1].reshape(shape),
        None,
    )
    steps = np.array([v.step.max(initial=0.0) for v in diagonal]).reshape(point.shape)
    return replace(found, step=plain(steps))


@dataclass(frozen=True)
class Cross:
    """Two axes with a step vector for each; ``inward`` when one of them leaves only one side free."""

    i: int
    j: int
    base: Floats
    u: Floats
    v: Floats
    inward: bool
    unit: float  # what the second derivative in s is divided by
    lower: Floats
    upper: Floats

    def points(self, s: Floats) -> list[Floats]:
        """The arrays of points whose values combine to one sample each."""
        su, sv = np.multiply.outer(s, self.u), np.multiply.outer(s, self.v)
        steps = [su + sv, su, sv] if self.inward else [su + sv, su - sv]
        return [np.clip(self.base + step, self.lower, self.upper) for step in steps]


def _cross(options: Options, point: Floats, diagonal: list[Verdict], i: int, j: int) -> Cross:
    flat = point.ravel()
    sides = [_side(options, flat, diagonal[k], k) for k in (i, j)]
    inward = any(sides)
    vectors = []
    for k, side in zip((i, j), sides, strict=True):
        vector = np.zeros(flat.size)
        vector[k] = (side or 1) * _reach(options, flat, diagonal[k], k, side)
        vectors.append(vector.reshape(point.shape))
    size = float(vectors[0].sum() * vectors[1].sum())
    unit = (2.0 if inward else 4.0) * size
    return Cross(i, j, point, vectors[0], vectors[1], inward, unit, options.lower, options.upper)


def _side(options: Options, flat: Floats, verdict: Verdict, i: int) -> int:
    """The side that the samples along this axis kept to."""
    if options.method in ("forward", "backward"):
        return 1 if options.method == "forward" else -1
    for side, word in ((1, "right"), (-1, "left")):
        if any(
            note.startswith("one-sided") and note.endswith(f"the {word} of x")
            for note in verdict.notes
        ):
            return side
    return 0


def _reach(options: Options, flat: Floats, verdict: Verdict, i: int, side: int) -> float:
    """A step over which ``f`` is smooth along axis ``i`` and which stays within the bounds."""
    left = float(flat[i] - options.lower.flat[i])
    right = float(options.upper.flat[i] - flat[i])
    room = {0: min(left, right), 1: right, -1: left}[side]
    step = float(verdict.step[0]) or START * (abs(float(flat[i])) or 1.0)
    return min(CORNER * step, 0.97 * room)


def _mixed(
    options: Options, center: Floats, ulp: float, diagonal: list[Verdict], cross: Cross
) -> Requests:
    sizes = [abs(float(diagonal[k].value[0])) * float(vector.sum()) ** 2
             for k, vector in ((cross.i, cross.u), (cross.j, cross.v))]  # fmt: skip
    known = [size for size in sizes if np.isfinite(size)]
    # The samples are differences around 0: their rounding is that of f, not of themselves.
    noise = np.maximum(options.noise, ulp * np.abs(center))
    place = Place(
        center=np.zeros(1),
        origin=1.0,
        anchor=1.0 / START,
        left=0.0 if cross.inward else 1.0,
        right=1.0,
        budget=MIXED_SAMPLES,
        noise=noise,
        ulp=ulp,
        scaled=True,
        size=max(known, default=0.0),
    )
    if options.method == "adaptive":
        return search(2, place)
    kind = "forward" if cross.inward else "central"
    return fixed(kind, 2, options.accuracy, 1.0 / stencil(kind, 2, options.accuracy).max(), place)


def _answers(sampler: Sampler, center: Floats, asked: list[tuple[Cross, Floats]]) -> list[Floats]:
    groups = [cross.points(s) for cross, s in asked]
    values = iter(grouped_rows(sampler, [points for group in groups for points in group]))
    answers = []
    for cross, _ in asked:
        if cross.inward:
            both, first, second = next(values), next(values), next(values)
            answers.append((both - first) - (second - center))
        else:
            plus, minus = next(values), next(values)
            answers.append(plus - minus)
    return answers


def _table(
    diagonal: list[Verdict], crosses: list[Cross], verdicts: list[Verdict]
) -> tuple[Floats, Floats]:
    """Values and errors as symmetric matrices."""
    n = len(diagonal)
    value, error = np.empty((n, n)), np.empty((n, n))
    for i, verdict in enumerate(diagonal):
        value[i, i], error[i, i] = verdict.value[0], verdict.error[0]
    for cross, verdict in zip(crosses, verdicts, strict=True):
        i, j = cross.i, cross.j
        value[i, j] = value[j, i] = verdict.value[0] / cross.unit
        error[i, j] = error[j, i] = abs(verdict.error[0] / cross.unit)
    return value, error


def _bicomplex(sampler: Sampler, options: Options, point: Floats, center: Floats) -> Estimate:
    """Every entry from one bicomplex evaluation, checked by one real difference along a mixed direction."""
    n = point.size
    here, there = np.empty((n, n)), np.empty((n, n))
    nudged = point + complex_step.NUDGE * np.spacing(np.abs(point))
    nudged = np.clip(nudged, options.lower, options.upper)
    for i in range(n):
        for j in range(i + 1):
            here[i, j] = here[j, i] = complex_step.mixed(sampler, point, i, j)
            there[i, j] = there[j, i] = complex_step.mixed(sampler, nudged, i, j)
    error = np.abs(here - there) + 8.0 * sampler.ulp * np.abs(here)
    verdict = complex_step.witnessed(sampler, options, point, center, here.ravel(), error.ravel())
    shape = point.shape * 2
    return estimate(
        [verdict],
        sampler,
        options,
        verdict.value.reshape(shape),
        verdict.error.reshape(shape),
        None,
    )
