"""Numbers of the derivatives of incomplete gamma and beta functions in their parameters.

Sums and continued fractions, evaluated together with their derivative (Moore 1982, Algorithm AS 187; Boik and
Robison-Cox 1998). These functions stand in emitted source too: they need NumPy, SciPy and each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["BETA", "GAMMA", "beta_by_a", "beta_by_b", "gamma_by_a"]


# Any: numbers and arrays, and pairs of them.
# --- the incomplete gamma function -----------------------------------------------------------------------
def _gamma_series(a: Any, x: Any) -> Any:
    """The derivative in ``a`` of ``x**a*exp(-x)*sum(x**n/gamma(a + n + 1))``."""
    from scipy import special

    term = np.exp(a * np.log(x) - x - special.gammaln(a + 1))
    slope = np.log(x) - special.digamma(a + 1)
    total = term * slope
    for n in range(1, 5000):
        term = term * (x / (a + n))
        slope = slope - 1 / (a + n)
        step = term * slope
        total = total + step
        if np.all(np.abs(step) <= 1e-18 * np.abs(total) + 1e-300) and np.all(x < a + n):
            return total
    return np.full_like(total, np.nan)


def _gamma_fraction(a: Any, x: Any) -> Any:
    """Minus the derivative in ``a`` of ``Q(a, x)`` by its continued fraction, DLMF 8.9.2."""
    from scipy import special

    b, db = x + 1 - a, -1.0 + 0 * a
    value = 1 / b
    slope = -db / b**2
    c, dc = 1e300 + 0 * b, 0 * b
    d, dd = value, slope
    for n in range(1, 5000):
        p, dp = -n * (n - a), n + 0 * a
        b = b + 2
        bottom, d_bottom = p * d + b, dp * d + p * dd + db
        d, dd = 1 / bottom, -d_bottom / bottom**2
        c, dc = b + p / c, db + dp / c - p * dc / c**2
        factor, d_factor = c * d, dc * d + c * dd
        slope = slope * factor + value * d_factor
        value = value * factor
        done = np.abs(factor - 1) <= 4e-16
        if np.all(done & (np.abs(value * d_factor) <= 1e-15 * (np.abs(slope) + value))):
            break
    else:
        return np.full_like(value, np.nan)
    scale_ = np.exp(a * np.log(x) - x - special.gammaln(a))
    return -scale_ * ((np.log(x) - special.digamma(a)) * value + slope)


def gamma_by_a(a: Any, x: Any) -> Any:
    """The derivative of the incomplete gamma function ``P(a, x)`` in ``a``."""
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    inside = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)
    near = inside & (x <= a + 1)
    far = inside & ~near
    value = np.zeros(x.shape)
    with np.errstate(all="ignore"):
        if near.any():
            value[near] = _gamma_series(a[near], x[near])
        if far.any():
            value[far] = _gamma_fraction(a[far], x[far])
    outside = np.isnan(a) | np.isnan(x) | (a <= 0) | (x < 0)
    return np.where(outside, np.nan, value)[()]


# --- the incomplete beta function ------------------------------------------------------------------------
# A value comes with its derivatives in a and b.


def _mul(u: Any, v: Any) -> Any:
    return u[0] * v[0], u[1] * v[0] + u[0] * v[1], u[2] * v[0] + u[0] * v[2]


def _inverse(u: Any) -> Any:
    value = 1 / u[0]
    return value, -u[1] * value**2, -u[2] * value**2


def _plus_one(u: Any) -> Any:
    return 1 + u[0], u[1], u[2]


def _coefficient(m: int, a: Any, b: Any, x: Any, *, odd: bool) -> Any:
    """Coefficients of the continued fraction, DLMF 8.17.22, with their derivatives."""
    low = a + 2 * m - (0 if odd else 1)
    bottom, by_bottom = low * (low + 1), 1 / low + 1 / (low + 1)
    if not odd:
        value = m * (b - m) * x / bottom
        return value, -value * by_bottom, m * x / bottom
    first, second = a + m, a + b + m
    value = -first * second * x / bottom
    return value, value * (1 / first + 1 / second - by_bottom), value / second


def _beta_fraction(a: Any, b: Any, x: Any) -> Any:
    zero = 0 * a
    value = (1 + zero, zero, zero)
    c, d = value, _inverse(_plus_one(_coefficient(0, a, b, x, odd=True)))
    value = d
    for n in range(2, 5000):
        p = _coefficient(n // 2, a, b, x, odd=bool(n % 2))
        d = _inverse(_plus_one(_mul(p, d)))
        c = _plus_one(_mul(p, _inverse(c)))
        factor = _mul(c, d)
        value = _mul(value, factor)
        change = np.abs(factor[0] - 1) + np.abs(factor[1]) + np.abs(factor[2])
        if np.all(change <= 1e-15):
            return value
    nan = np.full_like(zero, np.nan)
    return nan, nan, nan


def _beta_side(a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """The derivatives of ``I_x(a, b)`` in both parameters, where the fraction converges fast."""
    from scipy import special

    value, by_a, by_b = _beta_fraction(a, b, x)
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - special.betaln(a, b)) / a
    common = special.digamma(a + b)
    slope_a = np.log(x) - special.digamma(a) + common - 1 / a
    slope_b = np.log1p(-x) - special.digamma(b) + common
    return front * (slope_a * value + by_a), front * (slope_b * value + by_b)


def _beta_by(slot: int, a: Any, b: Any, x: Any) -> Any:
    a, b, x = np.broadcast_arrays(*(np.asarray(v, float) for v in (a, b, x)))
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1) & np.isfinite(a) & np.isfinite(b)
    near = inside & (x < (a + 1) / (a + b + 2))
    far = inside & ~near
    value = np.zeros(x.shape)
    with np.errstate(all="ignore"):
        if near.any():
            value[near] = _beta_side(a[near], b[near], x[near])[slot]
        if far.any():
            value[far] = -_beta_side(b[far], a[far], 1 - x[far])[1 - slot]
    outside = np.isnan(a) | np.isnan(b) | ~((x >= 0) & (x <= 1)) | (a <= 0) | (b <= 0)
    return np.where(outside, np.nan, value)[()]


def beta_by_a(a: Any, b: Any, x: Any) -> Any:
    """The derivative of the incomplete beta function in ``a``."""
    return _beta_by(0, a, b, x)


def beta_by_b(a: Any, b: Any, x: Any) -> Any:
    """The derivative of the incomplete beta function in ``b``."""
    return _beta_by(1, a, b, x)


GAMMA = (_gamma_series, _gamma_fraction, gamma_by_a)
BETA = (_mul, _inverse, _plus_one, _coefficient, _beta_fraction, _beta_side, _beta_by)
