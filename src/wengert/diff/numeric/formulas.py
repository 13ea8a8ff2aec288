"""Central and one-sided difference formulas of a chosen order of accuracy, at a chosen step.

The same formula is evaluated at a second step, a golden ratio smaller: for a period of ``f`` to hide
from both, it would have to divide two steps without common measure. What the two values differ by
is the error estimate.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from wengert.diff.numeric.assess import TRUSTED
from wengert.diff.numeric.book import Place
from wengert.diff.numeric.verdict import Verdict
from wengert.diff.numeric.weights import Floats, fornberg_weights

GOLDEN = 0.6180339887498949


def stencil(kind: str, order: int, accuracy: int) -> Floats:
    """The nodes of a formula in units of the step: the fewest that reach the accuracy."""
    if kind == "central":
        half = (order + 1) // 2 - 1 + (accuracy + 1) // 2
        return np.arange(-half, half + 1, dtype=np.float64)
    sign = 1.0 if kind == "forward" else -1.0
    return sign * np.arange(0, order + accuracy, dtype=np.float64)


def balanced_step(place: Place, order: int, accuracy: int, reach: float) -> float:
    """A step that balances truncation against noise when ``f`` varies on the scale of ``x``.

    ``h = L eps^(1/(order + accuracy))`` with ``eps`` the relative noise (Squire & Trapp 1998, SIAM
    Review 40, 110-112, for the first derivative), shortened to stay within the bounds.
    """
    size = float(np.max(np.abs(place.center), initial=0.0)) or 1.0
    relative = max(place.ulp, float(np.max(place.noise, initial=0.0)) / size)
    step = place.anchor * min(relative, 0.1) ** (1.0 / (order + accuracy))
    return float(min(step, reach))


def fixed(
    kind: str, order: int, accuracy: int, step: float, place: Place
) -> Generator[Floats, Floats, Verdict]:
    """The formula at ``step`` and at a golden ratio of it; yields offsets and is sent values ``(n, k)``."""
    nodes = stencil(kind, order, accuracy)
    steps = [_on_grid(place.origin, h) for h in (step, GOLDEN * step)]
    offsets = np.concatenate([h * nodes[nodes != 0] for h in steps])
    values = (yield offsets) - place.center
    estimates, gains = [], []
    per_step = np.count_nonzero(nodes)
    for i, h in enumerate(steps):
        weights = fornberg_weights(0.0, nodes * h, order)[order][nodes != 0]
        estimates.append(weights @ values[i * per_step : (i + 1) * per_step])
        gains.append(float(np.linalg.norm(weights)))
    # Sum of the geometric series that the two truncation errors belong to, doubled: near a sign
    # change of the leading term their difference is smaller than either.
    # Within a few units in the last place of x both steps may round to one, which says nothing.
    shrunk = 1.0 - (steps[1] / steps[0]) ** accuracy
    ratio = 2.0 / shrunk if shrunk > 0 else np.inf
    rounding = place.ulp * np.max(np.abs(values + place.center), axis=0)
    error = ratio * np.abs(estimates[0] - estimates[1]) + 2.0 * gains[0] * np.maximum(
        rounding, place.noise
    )
    scale = np.max(np.abs(values[:per_step]), axis=0) / steps[0] ** order
    size = np.maximum(np.abs(estimates[0]), scale)
    finite = np.isfinite(estimates[0]) & np.isfinite(error)
    notes = () if finite.all() else ("f is not finite at every node of the formula",)
    trusted = finite & ((error <= TRUSTED * size) | (size == 0))
    if not (trusted | ~finite).all():
        notes = (*notes, "the formula gives another value at a slightly smaller step")
    error = np.where(finite, error, np.inf)
    reach = np.full(error.shape, steps[0])
    return Verdict(estimates[0], error, reach, place.noise.copy(), trusted, notes)


def _on_grid(origin: float, step: float) -> float:
    """The step rounded so that ``x + h`` is exact."""
    return (abs(origin) + step) - abs(origin) or step
