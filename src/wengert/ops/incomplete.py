"""Incomplete gamma and beta functions: derivatives in their parameters, and inverses.

The numbers of the derivatives are made in :mod:`.incomplete_values`.
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
from wengert.ops.incomplete_values import BETA, GAMMA, beta_by_a, beta_by_b, gamma_by_a
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.logistic import xlog1py
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op, scalar_function
from wengert.ops.sums import scale

__all__ = [
    "betainc", "betainc_by_a", "betainc_by_b", "betaincinv", "gammainc", "gammainc_by_a", "gammaincc",
    "gammainccinv", "gammaincinv",
]  # fmt: skip


# --- derivatives in the parameters -----------------------------------------------------------------------
def _gamma_density(a: Expr, x: Expr) -> Expr:
    return exp(xlogy(a - 1, x) - x - lgamma(a))


gammainc_by_a: Callable[..., Expr] = scalar_function(
    "gammainc_by_a",
    "Derivative of the regularised incomplete gamma function P(a, x) in a.",
    in_precision(gamma_by_a),
    not_in("the parameter a, once more", "gammainc"),
    lambda a, x, out: times(_gamma_density(a, x), log(x) - digamma(a)),
    domain=Domain(
        sample=((0.6, 3.0), (0.3, 5.0)),
        where=lambda a, x: (gt(a, ZERO), ge(x, ZERO)),
        edges=(Edge((1.0, 0.0), 0.0), Edge((2.0, np.inf), 0.0)),
    ),
    spell=Spelling(
        latex=r"\partial_a P\left({0}, {1}\right)", python="gamma_by_a({0}, {1})", helpers=GAMMA
    ),
    samples=tuple(
        Sample((Argument(value=a, varies=False), Argument((), low, high)), note=f"a = {a}")
        for a, low, high in ((1.7, 0.3, 5.0), (30.0, 20.0, 50.0))
    ),
    cost=300.0,
)


def _beta_density(a: Expr, b: Expr, x: Expr) -> Expr:
    return exp(xlogy(a - 1, x) + xlog1py(b - 1, scale(-1, x)) - lbeta(a, b))


def _beta_op(
    letter: str, evaluate: Callable[..., Any], by_x: Callable[..., Expr]
) -> Callable[..., Expr]:
    return scalar_function(
        f"betainc_by_{letter}",
        f"Derivative of the regularised incomplete beta function I_x(a, b) in {letter}.",
        in_precision(evaluate),
        not_in("a parameter, once more", "betainc"),
        not_in("a parameter, once more", "betainc"),
        by_x,
        domain=Domain(
            sample=((0.6, 3.0), (0.6, 3.0), (0.1, 0.9)),
            where=lambda a, b, x: (gt(a, ZERO), gt(b, ZERO), ge(x, ZERO), le(x, ONE)),
            edges=(Edge((1.0, 1.0, 0.0), 0.0), Edge((1.0, 1.0, 1.0), 0.0)),
        ),
        spell=Spelling(
            latex=rf"\partial_{letter} I_{{{{{{2}}}}}}\left({{0}}, {{1}}\right)",
            python=f"beta_by_{letter}({{0}}, {{1}}, {{2}})",
            helpers=(*BETA, evaluate),
        ),
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
    "a",
    beta_by_a,
    lambda a, b, x, out: times(_beta_density(a, b, x), log(x) - digamma(a) + digamma(a + b)),
)
betainc_by_b: Callable[..., Expr] = _beta_op(
    "b",
    beta_by_b,
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
