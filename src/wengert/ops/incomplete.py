"""Incomplete gamma and beta functions: derivatives in their parameters, and inverses.

The derivatives are sums and continued fractions, evaluated together with their derivative in a parameter
(Moore 1982, Algorithm AS 187; Boik and Robison-Cox 1998).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, NONNEGATIVE
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Domain, Edge, Laws, Sample, Scaled, Spelling
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import ge, gt, le
from wengert.ops.exponential import exp, log, xlogy
from wengert.ops.gamma import digamma, lbeta, lgamma
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.logistic import xlog1py
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op, scalar_function
from wengert.ops.sums import scale

__all__ = [
    "betainc", "betainc_by_a", "betainc_by_b", "betaincinv", "gammainc", "gammainc_by_a", "gammaincc",
    "gammainccinv", "gammaincinv",
]  # fmt: skip

_MOST = 5000  # steps of a series or a continued fraction
_SMALL = 1e-300
_special: dict[str, Callable[..., Any]] = {
    name: scipy_function(f"special.{name}") for name in ("digamma", "gammaln", "betaln")
}


# --- the incomplete gamma function -----------------------------------------------------------------------
def _gamma_series(a: Any, x: Any) -> Any:
    """The derivative in ``a`` of ``x**a*exp(-x)*sum(x**n/gamma(a + n + 1))``."""
    term = np.exp(a * np.log(x) - x - _special["gammaln"](a + 1))
    slope = np.log(x) - _special["digamma"](a + 1)
    total = term * slope
    for n in range(1, _MOST):
        term = term * (x / (a + n))
        slope = slope - 1 / (a + n)
        step = term * slope
        total = total + step
        if np.all(np.abs(step) <= 1e-18 * np.abs(total) + 1e-300) and np.all(x < a + n):
            return total
    return np.full_like(total, np.nan)


def _gamma_fraction(a: Any, x: Any) -> Any:
    """Minus the derivative in ``a`` of ``Q(a, x)`` by its continued fraction, DLMF 8.9.2."""
    b, db = x + 1 - a, -1.0 + 0 * a
    value = 1 / b
    slope = -db / b**2
    c, dc = 1 / _SMALL + 0 * b, 0 * b
    d, dd = value, slope
    for n in range(1, _MOST):
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
    scale_ = np.exp(a * np.log(x) - x - _special["gammaln"](a))
    return -scale_ * ((np.log(x) - _special["digamma"](a)) * value + slope)


def _on(function: Callable[..., Any], where: Any, *args: Any) -> Any:
    """The function at the places where the condition holds, 0 elsewhere."""
    result = np.zeros(where.shape)
    if where.any():
        result[where] = function(*(a[where] for a in args))
    return result


def _gamma_by_a(a: Any, x: Any) -> Any:
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    inside = (a > 0) & (x > 0) & np.isfinite(x) & np.isfinite(a)
    with np.errstate(all="ignore"):
        value = _on(_gamma_series, inside & (x <= a + 1), a, x)
        value = value + _on(_gamma_fraction, inside & (x > a + 1), a, x)
    outside = np.isnan(a) | np.isnan(x) | (a <= 0) | (x < 0)
    return np.where(outside, np.nan, value)[()]


def _gamma_density(a: Expr, x: Expr) -> Expr:
    return exp(xlogy(a - 1, x) - x - lgamma(a))


gammainc_by_a: Callable[..., Expr] = scalar_function(
    "gammainc_by_a",
    "Derivative of the regularised incomplete gamma function P(a, x) in a.",
    in_precision(_gamma_by_a),
    not_in("the parameter a, once more", "gammainc"),
    lambda a, x, out: times(_gamma_density(a, x), log(x) - digamma(a)),
    domain=Domain(
        sample=((0.6, 3.0), (0.3, 5.0)),
        where=lambda a, x: (gt(a, ZERO), ge(x, ZERO)),
        edges=(Edge((1.0, 0.0), 0.0), Edge((2.0, np.inf), 0.0)),
    ),
    spell=Spelling(latex=r"\partial_a P\left({0}, {1}\right)"),
    samples=tuple(
        Sample((Argument(value=a, varies=False), Argument((), low, high)), note=f"a = {a}")
        for a, low, high in ((1.7, 0.3, 5.0), (30.0, 20.0, 50.0))
    ),
    cost=300.0,
)


# --- the incomplete beta function ------------------------------------------------------------------------
_Dual = tuple[Any, Any, Any]  # a value with its derivatives in a and b


def _mul(u: _Dual, v: _Dual) -> _Dual:
    return u[0] * v[0], u[1] * v[0] + u[0] * v[1], u[2] * v[0] + u[0] * v[2]


def _inverse(u: _Dual) -> _Dual:
    value = 1 / u[0]
    return value, -u[1] * value**2, -u[2] * value**2


def _plus_one(u: _Dual) -> _Dual:
    return 1 + u[0], u[1], u[2]


def _coefficient(m: int, a: Any, b: Any, x: Any, *, odd: bool) -> _Dual:
    """Coefficients of the continued fraction, DLMF 8.17.22, with their derivatives."""
    low = a + 2 * m - (0 if odd else 1)
    bottom, by_bottom = low * (low + 1), 1 / low + 1 / (low + 1)
    if not odd:
        value = m * (b - m) * x / bottom
        return value, -value * by_bottom, m * x / bottom
    first, second = a + m, a + b + m
    value = -first * second * x / bottom
    return value, value * (1 / first + 1 / second - by_bottom), value / second


def _beta_fraction(a: Any, b: Any, x: Any) -> _Dual:
    zero = 0 * a
    value: _Dual = (1 + zero, zero, zero)
    c, d = value, _inverse(_plus_one(_coefficient(0, a, b, x, odd=True)))
    value = d
    for n in range(2, _MOST):
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
    value, by_a, by_b = _beta_fraction(a, b, x)
    front = np.exp(a * np.log(x) + b * np.log1p(-x) - _special["betaln"](a, b)) / a
    common = _special["digamma"](a + b)
    slope_a = np.log(x) - _special["digamma"](a) + common - 1 / a
    slope_b = np.log1p(-x) - _special["digamma"](b) + common
    return front * (slope_a * value + by_a), front * (slope_b * value + by_b)


def _beta_by(slot: int) -> Callable[..., Any]:
    def left(a: Any, b: Any, x: Any) -> Any:
        return _beta_side(a, b, x)[slot]

    def right(a: Any, b: Any, x: Any) -> Any:
        return -_beta_side(b, a, 1 - x)[1 - slot]

    def evaluate(a: Any, b: Any, x: Any) -> Any:
        a, b, x = np.broadcast_arrays(*(np.asarray(v, float) for v in (a, b, x)))
        inside = (a > 0) & (b > 0) & (x > 0) & (x < 1) & np.isfinite(a) & np.isfinite(b)
        near = x < (a + 1) / (a + b + 2)
        with np.errstate(all="ignore"):
            value = _on(left, inside & near, a, b, x) + _on(right, inside & ~near, a, b, x)
        outside = np.isnan(a) | np.isnan(b) | ~((x >= 0) & (x <= 1)) | (a <= 0) | (b <= 0)
        return np.where(outside, np.nan, value)[()]

    return evaluate


def _beta_density(a: Expr, b: Expr, x: Expr) -> Expr:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, scale(-1, x)) - lbeta(a, b))


def _beta_op(name: str, slot: int, by_x: Callable[..., Expr]) -> Callable[..., Expr]:
    letter = "ab"[slot]
    return scalar_function(
        name,
        f"Derivative of the regularised incomplete beta function I_x(a, b) in {letter}.",
        in_precision(_beta_by(slot)),
        not_in("a parameter, once more", "betainc"),
        not_in("a parameter, once more", "betainc"),
        by_x,
        domain=Domain(
            sample=((0.6, 3.0), (0.6, 3.0), (0.1, 0.9)),
            where=lambda a, b, x: (gt(a, ZERO), gt(b, ZERO), ge(x, ZERO), le(x, ONE)),
            edges=(Edge((1.0, 1.0, 0.0), 0.0), Edge((1.0, 1.0, 1.0), 0.0)),
        ),
        spell=Spelling(latex=rf"\partial_{letter} I_{{{{{{2}}}}}}\left({{0}}, {{1}}\right)"),
        samples=tuple(
            Sample(
                (
                    Argument(value=a, varies=False),
                    Argument(value=b, varies=False),
                    Argument((), 0.1, 0.9),
                ),
                note=f"a = {a}, b = {b}",
            )
            for a, b in ((1.7, 0.6), (8.0, 3.0))
        ),
        cost=400.0,
    )


betainc_by_a: Callable[..., Expr] = _beta_op(
    "betainc_by_a",
    0,
    lambda a, b, x, out: times(_beta_density(a, b, x), log(x) - digamma(a) + digamma(a + b)),
)
betainc_by_b: Callable[..., Expr] = _beta_op(
    "betainc_by_b",
    1,
    lambda a, b, x, out: times(_beta_density(a, b, x), log(1 - x) - digamma(b) + digamma(a + b)),
)


# --- the functions ---------------------------------------------------------------------------------------
_SHAPE = Argument(value=1.7, constant=True)
_INCOMPLETE = (
    Sample((_SHAPE, Argument((), 0.2, 4.0)), note="scalar"),
    Sample((Argument(value=3, constant=True), Argument((3,), 0.2, 6.0)), note="vector"),
    Sample((Argument((2,), 0.6, 3.0), Argument((2,), 0.3, 3.0)), order=1, note="two vectors"),
)

GAMMAINC = parametric_op(
    "gammainc",
    "Regularised lower incomplete gamma function P(a, x).",
    scipy_function("special.gammainc"),
    lambda a, x, out: gammainc_by_a(a, x),
    lambda a, x, out: _gamma_density(a, x),
    domain=Domain(
        where=lambda a, x: (gt(a, ZERO), ge(x, ZERO)),
        edges=(Edge((1.0, 0.0), 0.0, (None, 1.0)), Edge((2.0, 0.0), 0.0, (None, 0.0))),
    ),
    samples=_INCOMPLETE,
    spell=Spelling(
        latex=r"P\left({0}, {1}\right)",
        python="scipy.special.gammainc({0}, {1})",
        matlab="gammainc({1}, {0})",
    ),
    laws=Laws(facts=lambda a, x: NONNEGATIVE | FINITE),
    build=lambda a, x: gammainc(a, x),
    cost=80.0,
)
GAMMAINCC = parametric_op(
    "gammaincc",
    "Regularised upper incomplete gamma function Q(a, x) = 1 - P(a, x).",
    scipy_function("special.gammaincc"),
    lambda a, x, out: scale(-1, gammainc_by_a(a, x)),
    lambda a, x, out: scale(-1, _gamma_density(a, x)),
    domain=Domain(
        where=lambda a, x: (gt(a, ZERO), ge(x, ZERO)),
        edges=(Edge((1.0, 0.0), 1.0, (None, -1.0)), Edge((2.0, 0.0), 1.0, (None, 0.0))),
    ),
    samples=_INCOMPLETE,
    spell=Spelling(
        latex=r"Q\left({0}, {1}\right)",
        python="scipy.special.gammaincc({0}, {1})",
        matlab="gammainc({1}, {0}, 'upper')",
    ),
    laws=Laws(facts=lambda a, x: NONNEGATIVE | FINITE),
    build=lambda a, x: gammaincc(a, x),
    cost=80.0,
)


def gammainc(a: Any, x: Any) -> Expr:
    """Regularised lower incomplete gamma function ``P(a, x)``."""
    return parametric(GAMMAINC, a, x)


def gammaincc(a: Any, x: Any) -> Expr:
    """Regularised upper incomplete gamma function ``Q(a, x)``."""
    return parametric(GAMMAINCC, a, x)


BETAINC = parametric_op(
    "betainc",
    "Regularised incomplete beta function I_x(a, b); arguments a, b, x.",
    scipy_function("special.betainc"),
    lambda a, b, x, out: betainc_by_a(a, b, x),
    lambda a, b, x, out: betainc_by_b(a, b, x),
    lambda a, b, x, out: _beta_density(a, b, x),
    domain=Domain(
        where=lambda a, b, x: (gt(a, ZERO), gt(b, ZERO), ge(x, ZERO), le(x, ONE)),
        edges=(
            Edge((1.0, 1.0, 0.0), 0.0, (None, None, 1.0)),
            Edge((1.0, 1.0, 1.0), 1.0, (None, None, 1.0)),
            Edge((2.0, 3.0, 0.0), 0.0, (None, None, 0.0)),
        ),
    ),
    samples=(
        Sample((_SHAPE, Argument(value=2, constant=True), Argument((), 0.1, 0.9)), note="scalar"),
        Sample((_SHAPE, _SHAPE, Argument((3,), 0.1, 0.9)), note="vector"),
        Sample((Argument(low=0.6), Argument(low=0.6), Argument((), 0.2, 0.8)), order=1, note="all"),
    ),
    spell=Spelling(
        latex=r"I_{{{2}}}\left({0}, {1}\right)",
        python="scipy.special.betainc({0}, {1}, {2})",
        matlab="betainc({2}, {0}, {1})",
    ),
    laws=Laws(facts=lambda a, b, x: NONNEGATIVE | FINITE),
    build=lambda a, b, x: betainc(a, b, x),
    cost=100.0,
)


def betainc(a: Any, b: Any, x: Any) -> Expr:
    """Regularised incomplete beta function ``I_x(a, b)``."""
    return parametric(BETAINC, a, b, x)


# --- inverses --------------------------------------------------------------------------------------------
def _inverse_of_gamma(
    name: str, doc: str, sign: int, ends: tuple[float, float]
) -> Callable[..., Expr]:
    return scalar_function(
        name,
        doc,
        scipy_function(f"special.{name}"),
        lambda a, y, out: scale(-1, divide(gammainc_by_a(a, out), _gamma_density(a, out))),
        Scaled(lambda t, a, y, out: scale(sign, divide(t, _gamma_density(a, out)))),
        domain=Domain(
            sample=((0.7, 3.0), (0.2, 0.8)),
            where=lambda a, y: (gt(a, ZERO), ge(y, ZERO), le(y, ONE)),
            edges=(Edge((1.0, 0.0), ends[0]), Edge((1.0, 1.0), ends[1])),
            poles="y = 1" if ends[1] else "y = 0",
        ),
        samples=(Sample((Argument((2,), 0.7, 3.0), Argument((2,), 0.2, 0.8)), order=1),),
        spell=Spelling(python=f"scipy.special.{name}({{0}}, {{1}})"),
        laws=Laws(facts=lambda a, y: NONNEGATIVE),
        cost=200.0,
    )


gammaincinv = _inverse_of_gamma(
    "gammaincinv", "The x for which P(a, x) is the second argument.", 1, (0.0, np.inf)
)
gammainccinv = _inverse_of_gamma(
    "gammainccinv", "The x for which Q(a, x) is the second argument.", -1, (np.inf, 0.0)
)


def _by_parameter(slope: Callable[..., Expr]) -> Callable[..., Expr]:
    return lambda a, b, y, out: scale(-1, divide(slope(a, b, out), _beta_density(a, b, out)))


betaincinv = scalar_function(
    "betaincinv",
    "The x for which I_x(a, b) is the third argument.",
    scipy_function("special.betaincinv"),
    _by_parameter(betainc_by_a),
    _by_parameter(betainc_by_b),
    Scaled(lambda t, a, b, y, out: divide(t, _beta_density(a, b, out))),
    domain=Domain(
        sample=((0.7, 3.0), (0.7, 3.0), (0.2, 0.8)),
        where=lambda a, b, y: (gt(a, ZERO), gt(b, ZERO), ge(y, ZERO), le(y, ONE)),
        edges=(Edge((1.0, 1.0, 0.0), 0.0), Edge((1.0, 1.0, 1.0), 1.0)),
    ),
    samples=(Sample((*[Argument((2,), 0.7, 3.0)] * 2, Argument((2,), 0.2, 0.8)), order=1),),
    spell=Spelling(python="scipy.special.betaincinv({0}, {1}, {2})"),
    laws=Laws(facts=lambda a, b, y: NONNEGATIVE),
    cost=300.0,
)
