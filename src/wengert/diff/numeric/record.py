"""What a numerical derivative is returned as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Floats = NDArray[np.float64]

__all__ = ["Estimate"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A numerical derivative and how far to trust it.

    ``value`` and ``error`` have the same shape and are plain floats when it is ``()``. ``error`` is
    an absolute bound meant to hold the true error in at least 95 of 100 cases, inf where no
    trustworthy answer was found. ``calls`` counts calls of ``f`` and ``points`` the places where
    it was evaluated; without ``vectorized=True`` they are equal. ``step`` is the largest step that
    entered the result, one for each coordinate of ``x``; ``noise`` the standard deviation of the
    noise seen in ``f``, 0 where rounding hides it. ``reliable`` is false when any entry should not
    be used, and ``notes`` says why. ``float(estimate)`` and ``np.asarray(estimate)`` give the value.
    """

    value: float | Floats
    error: float | Floats
    calls: int
    points: int
    method: str
    order: int
    step: float | Floats
    noise: float
    reliable: bool
    notes: tuple[str, ...]

    def __float__(self) -> float:
        return float(self.value)

    # NumPy's protocol: dtype and copy are passed on as they come.
    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.value, dtype=dtype)


def plain(a: Floats) -> float | Floats:
    """A float for an array of shape ``()``, the array itself otherwise."""
    return float(a) if np.ndim(a) == 0 else a
