"""How noisy a function is: difference tables in the manner of ECNoise."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb

import numpy as np

from wengert.diff.numeric.sampling import Floats, Function, Sampler, as_point
from wengert.errors import DomainError, worded

__all__ = ["NoiseLevel", "noise_level"]

POINTS = 9
DEEPEST = 6
TRIES = 4


@dataclass(frozen=True)
class NoiseLevel:
    """The noise of a function at a point.

    ``value`` is the standard deviation in units of ``f``, ``relative`` the same over ``|f(x)|``, ``calls``
    the calls of ``f`` and ``step`` the spacing that showed it. ``found`` is false when no column of
    the difference table settled: then ``value`` is only the rounding of ``f(x)``.
    """

    value: float
    relative: float
    calls: int
    step: float
    found: bool

    def __float__(self) -> float:
        return self.value


def noise_level(f: Function, x: float, *, step: float | None = None) -> NoiseLevel:
    """The noise of a scalar function of one variable, from equally spaced samples around ``x``.

    The ``k``-th differences of a smooth function vanish like ``h^k``, those of noise do not: with
    independent errors of standard deviation ``s``, ``s^2 = k!^2 / (2k)! E[d_k^2]``. Columns that agree
    within a factor of four and change sign give ``s``; otherwise the spacing is shortened, or
    stretched where most values coincide. Source: Moré & Wild 2011, SIAM J. Sci. Comput. 33,
    1292-1314. Raises as ``derivative`` does for an unusable ``f`` or ``x``.

    >>> import math
    >>> level = noise_level(lambda t: round(math.exp(t), 6), 1.0)
    >>> 1e-7 < level.value < 1e-6
    True
    """
    where = "numeric.noise_level"
    point = as_point(x, where)
    if point.ndim:
        raise DomainError(
            worded(
                where, expected="a scalar x", got=f"shape {point.shape}", hint="one point at a time"
            )
        )
    sampler = Sampler(f, point, vectorized=False, where=where)
    center = sampler.center(point)
    if center.size != 1:
        raise DomainError(
            worded(
                where,
                expected="f to return a scalar",
                got=f"shape {sampler.out_shape}",
                hint="one component at a time",
            )
        )
    size = abs(float(point)) or 1.0
    spacing = step if step is not None else 1e-8 * size
    for _ in range(TRIES):
        values = sampler.rows(point + spacing * np.arange(-(POINTS // 2), POINTS // 2 + 1))[:, 0]
        verdict, change = _from_table(values)
        if change == 1.0:
            return _level(verdict, float(center[0]), sampler, spacing, found=True)
        spacing = min(spacing * change, 0.1 * size)
    rounding = 0.5 * sampler.ulp * abs(float(center[0]))
    return _level(rounding, float(center[0]), sampler, spacing, found=False)


def _level(
    value: float, center: float, sampler: Sampler, spacing: float, *, found: bool
) -> NoiseLevel:
    value = max(value, 0.25 * sampler.ulp * abs(center))
    relative = value / abs(center) if center else np.inf
    return NoiseLevel(value, relative, sampler.calls, spacing, found)


def _from_table(values: Floats) -> tuple[float, float]:
    """The noise, and by what the spacing has to be multiplied before it can be told (1 when it can)."""
    if not np.isfinite(values).all():
        return 0.0, 0.0137
    if np.count_nonzero(np.diff(values) == 0) >= POINTS // 2:
        return 0.0, 93.7  # no round number: quanta and steps must not fall in line
    levels, signs = [], []
    differences = values
    for k in range(1, DEEPEST + 1):
        differences = np.diff(differences)
        # k!^2 / (2k)! is one over the central binomial coefficient.
        levels.append(float(np.sqrt(np.mean(differences**2) / comb(2 * k, k))))
        signs.append(bool(differences.min() < 0 < differences.max()))
    for k in range(DEEPEST - 2):
        window = levels[k : k + 3]
        if signs[k + 2] and max(window) <= 4.0 * min(window) and min(window) > 0:
            return window[0], 1.0
    return 0.0, 0.0137
