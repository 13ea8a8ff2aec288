"""Where the fitted tables of `wengert.native.vecmath.coefficients` come from; run it to print them.

Each is the polynomial that meets a function at the Chebyshev points of an interval, which is at most a few
times worse than the best one, and its coefficients rounded to nearest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

Real = Any  # mpmath ships no annotations


@dataclass(frozen=True)
class Fit:
    """A function, the ends of its interval, and the degrees for float64 and float32."""

    function: Callable[[Real], Real]
    low: float
    high: float
    double: int
    single: int
    single_ends: tuple[float, float] | None = None  # where the interval of float32 is shorter


def in_square(f: Callable[[Real], Real], taken: int) -> Callable[[Real], Real]:
    """``(f(x)/x - 1)/x**taken`` by the square of ``x``."""

    def by_square(z: Real) -> Real:
        x = mpmath.sqrt(z)
        return (f(x) / x - 1) / x**taken

    return by_square


def _tail_of_log(z: Real) -> Real:
    s = mpmath.sqrt(z)
    return ((mpmath.log((1 + s) / (1 - s)) / s - 2) / z - mpf(2) / 3) / z


def _scaled_erfc(t: Real) -> Real:
    x = 4 * (1 + t) / (1 - t)
    return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x)


FITS = {
    "EXP": Fit(
        lambda r: sum(r**k / mpmath.factorial(k + 3) for k in range(40)), -0.3468, 0.3468, 9, 4
    ),
    "EXP_NEAR": Fit(
        lambda r: sum(r**k / mpmath.factorial(k + 3) for k in range(40)),
        *(-0.0434, 0.0434, 4, 0, (-0.0217, 0.0217)),
    ),
    "SIN": Fit(in_square(mpmath.sin, 2), 0.0, 0.6170, 5, 2),
    "COS": Fit(lambda z: (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / z**2, 0.0, 0.6170, 5, 2),
    "LOG": Fit(lambda z: _tail_of_log(z) * z + mpf(2) / 3, 0.0, 0.02945, 6, 2),
    "LOG_TAIL": Fit(_tail_of_log, 0.0, 0.02945, 8, 3),
    "ATAN": Fit(in_square(mpmath.atan, 2), 0.0, 0.17158, 11, 4),
    "ASIN": Fit(in_square(mpmath.asin, 2), 0.0, 0.25, 12, 5),
    "ERF": Fit(in_square(mpmath.erf, 0), 0.0, 1.0, 12, 7),
    "ERFC": Fit(_scaled_erfc, -1.0, 0.745, 25, 12, (-1.0, 0.45)),
    "CBRT": Fit(lambda m: m ** (mpf(1) / 3), 1.0, 2.0, 7, 3),
}


def fitted(fit: Fit, *, double: bool) -> list[float]:
    """The coefficients, lowest power first."""
    degree = fit.double if double else fit.single
    low, high = fit.low, fit.high
    if fit.single_ends is not None and not double:
        low, high = fit.single_ends
    with mpmath.workdps(60):
        middle, half = (mpf(high) + low) / 2, (mpf(high) - low) / 2
        n = degree + 1
        points = [middle + half * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
        rest = [fit.function(x) for x in points]
        for step in range(1, n):  # divided differences
            for i in range(n - 1, step - 1, -1):
                rest[i] = (rest[i] - rest[i - 1]) / (points[i] - points[i - step])
        powers = [rest[-1]]  # Newton's form, multiplied out
        for i in range(n - 2, -1, -1):
            powers = [
                (powers[k - 1] if k else mpf(0)) - points[i] * (powers[k] if k < len(powers) else 0)
                for k in range(len(powers) + 1)
            ]
            powers[0] += rest[i]
        return [float(c) if double else float(np.float32(float(c))) for c in powers]


def table() -> str:
    """The tables as Python."""
    lines = []
    for name, fit in FITS.items():
        lines.append(f"{name}: Table = (")
        for double in (True, False):
            texts = [repr(c) for c in fitted(fit, double=double)]
            lines.append(f"    ({', '.join(texts)},),")
        lines.append(")")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
