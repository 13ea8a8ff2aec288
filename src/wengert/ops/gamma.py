"""The gamma function and its relatives; exponential integrals; Lambert's W."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.ir.facts import NONNEGATIVE, NONPOSITIVE, NONZERO, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Domain, Edge, Laws, Op, Sample, Scaled, Spelling
from wengert.ops.algebra import lift, times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import floor, ge, gt, logical_or, ne
from wengert.ops.exponential import exp
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import MINUS_ONE, ZERO, number_of
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op, scalar_function
from wengert.ops.sums import scale

__all__ = [
    "beta", "digamma", "exp1", "expi", "expn", "gamma", "lambertw", "lbeta", "lgamma", "polygamma",
    "trigamma",
]  # fmt: skip

_inf = np.inf


def _not_a_pole(x: Expr) -> tuple[Expr, ...]:
    return (logical_or(gt(x, ZERO), ne(x, floor(x))),)


_POLES = "0 and the negative integers"

gamma = scalar_function(
    "gamma",
    "Gamma function; gamma(n + 1) is n!.",
    scipy_function("special.gamma"),
    lambda x, out: times(out, digamma(x)),
    domain=Domain(
        sample=((0.4, 4.0),),
        where=_not_a_pole,
        edges=(Edge((1.0,), 1.0, (-np.euler_gamma,)), Edge((_inf,), _inf, (_inf,))),
        poles=_POLES,
    ),
    spell=Spelling(
        latex=r"\Gamma\left({0}\right)", unicode="Γ({0})", python="scipy.special.gamma({0})"
    ),
    laws=Laws(facts=lambda x: POSITIVE if x & POSITIVE == POSITIVE else NONZERO),
    aliases=("tgamma", "Gamma"),
    cost=30.0,
)

lgamma = scalar_function(
    "lgamma",
    "Logarithm of the absolute value of the gamma function.",
    scipy_function("special.gammaln"),
    lambda x, out: digamma(x),
    domain=Domain(
        sample=((0.4, 6.0),),
        where=_not_a_pole,
        edges=(Edge((1.0,), 0.0, (-np.euler_gamma,)), Edge((2.0,), 0.0, (1 - np.euler_gamma,))),
        poles=_POLES,
    ),
    spell=Spelling(
        latex=r"\log \Gamma\left({0}\right)",
        unicode="log Γ({0})",
        python="scipy.special.gammaln({0})",
        matlab="gammaln({0})",
    ),
    aliases=("gammaln", "loggamma"),
    cost=30.0,
)

digamma: Callable[..., Expr] = scalar_function(
    "digamma",
    "Logarithmic derivative of the gamma function.",
    scipy_function("special.digamma"),
    lambda x, out: polygamma(1, x),
    domain=Domain(
        sample=((0.4, 6.0),),
        where=_not_a_pole,
        edges=(Edge((1.0,), -np.euler_gamma, (np.pi**2 / 6,)),),
        poles=_POLES,
    ),
    spell=Spelling(
        latex=r"\psi\left({0}\right)",
        unicode="ψ({0})",
        python="scipy.special.digamma({0})",
        matlab="psi({0})",
    ),
    aliases=("psi",),
    cost=30.0,
)

POLYGAMMA: Op = parametric_op(
    "polygamma",
    "Derivative of digamma of the order that is the first argument.",
    in_precision(scipy_function("special.polygamma")),
    not_in("the order", "polygamma"),
    lambda n, x, out: polygamma(n + 1, x),
    domain=Domain(
        where=lambda n, x: _not_a_pole(x),
        edges=(Edge((1.0, 1.0), np.pi**2 / 6),),
        poles=_POLES,
    ),
    samples=tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, 0.5, 5.0)), note=f"order {n}")
        for n, shape in ((1, ()), (2, (3,)), (5, (2,)))
    ),
    spell=Spelling(
        latex=r"\psi^{{\left({0}\right)}}\left({1}\right)",
        python="scipy.special.polygamma({0}, {1})",
        matlab="psi({0}, {1})",
    ),
    build=lambda n, x: polygamma(n, x),
    cost=40.0,
)


def polygamma(n: Any, x: Any) -> Expr:
    """Derivative of order ``n`` of :data:`digamma`; the order itself is digamma for 0.

    >>> polygamma(0, 1.0).op.name
    'digamma'
    """
    return digamma(x) if number_of(lift(n)) == 0 else parametric(POLYGAMMA, n, x)


def trigamma(x: Any) -> Expr:
    """``polygamma(1, x)``."""
    return polygamma(1, x)


# --- beta ------------------------------------------------------------------------------------------------
def _log_change(a: Expr, b: Expr) -> Expr:
    return digamma(a) - digamma(a + b)


_BETA_DOMAIN = {
    "sample": ((0.4, 3.0), (0.5, 3.0)),
    "where": lambda a, b: (gt(a, ZERO), gt(b, ZERO)),
}


def _positive_if_both(a: int, b: int) -> int:
    return POSITIVE if a & b & POSITIVE == POSITIVE else 0


beta = scalar_function(
    "beta",
    "Beta function, gamma(a)*gamma(b)/gamma(a + b).",
    scipy_function("special.beta"),
    lambda a, b, out: times(out, _log_change(a, b)),
    lambda a, b, out: times(out, _log_change(b, a)),
    domain=Domain(**_BETA_DOMAIN, edges=(Edge((1.0, 1.0), 1.0, (-1.0, -1.0)),)),  # type: ignore[arg-type]
    spell=Spelling(
        latex=r"\mathrm{{B}}\left({0}, {1}\right)", python="scipy.special.beta({0}, {1})"
    ),
    laws=Laws(commutative=True, facts=_positive_if_both),
    cost=60.0,
)

lbeta = scalar_function(
    "lbeta",
    "Logarithm of the absolute value of the beta function.",
    scipy_function("special.betaln"),
    lambda a, b, out: _log_change(a, b),
    lambda a, b, out: _log_change(b, a),
    domain=Domain(**_BETA_DOMAIN, edges=(Edge((1.0, 1.0), 0.0, (-1.0, -1.0)),)),  # type: ignore[arg-type]
    spell=Spelling(
        latex=r"\log \mathrm{{B}}\left({0}, {1}\right)",
        python="scipy.special.betaln({0}, {1})",
        matlab="betaln({0}, {1})",
    ),
    laws=Laws(commutative=True),
    aliases=("betaln",),
    cost=60.0,
)


# --- exponential integrals, Lambert's W ------------------------------------------------------------------
exp1 = scalar_function(
    "exp1",
    "Exponential integral E_1(x), the integral of exp(-t)/t from x to infinity.",
    scipy_function("special.exp1"),
    Scaled(lambda t, x, out: scale(-1, divide(times(t, exp(scale(-1, x))), x))),
    domain=Domain(
        sample=((0.3, 4.0),),
        where=lambda x: (gt(x, ZERO),),
        edges=(Edge((0.0,), _inf, (-_inf,)), Edge((_inf,), 0.0, (0.0,))),
        poles="x = 0",
    ),
    spell=Spelling(latex=r"E_1\left({0}\right)", python="scipy.special.exp1({0})"),
    laws=Laws(facts=lambda x: POSITIVE),
    aliases=("E1", "expint"),
    cost=30.0,
)

expi = scalar_function(
    "expi",
    "Exponential integral Ei(x), the principal value of the integral of exp(t)/t from -infinity to x.",
    scipy_function("special.expi"),
    Scaled(lambda t, x, out: divide(times(t, exp(x)), x)),
    domain=Domain(
        sample=((0.3, 3.0),),
        where=lambda x: (ne(x, ZERO),),
        edges=(Edge((0.0,), -_inf),),
        poles="x = 0",
    ),
    spell=Spelling(latex=r"\operatorname{{Ei}}\left({0}\right)", python="scipy.special.expi({0})"),
    aliases=("Ei",),
    cost=30.0,
)

EXPN = parametric_op(
    "expn",
    "Exponential integral E_n(x), the integral of exp(-x*t)/t**n from 1 to infinity.",
    in_precision(scipy_function("special.expn")),
    not_in("the order", "expn"),
    lambda n, x, out: scale(-1, expn(n - 1, x)),
    domain=Domain(
        where=lambda n, x: (ge(x, ZERO),),
        edges=(Edge((2.0, 0.0), 1.0), Edge((3.0, 0.0), 0.5, (None, -1.0))),
    ),
    samples=tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, 0.3, 4.0)), note=f"order {n}")
        for n, shape in ((2, ()), (5, (3,)))
    ),
    spell=Spelling(latex=r"E_{{{0}}}\left({1}\right)", python="scipy.special.expn({0}, {1})"),
    laws=Laws(facts=lambda n, x: NONNEGATIVE),
    build=lambda n, x: expn(n, x),
    cost=40.0,
)


def expn(n: Any, x: Any) -> Expr:
    """Exponential integral of whole order: ``exp(-x)/x`` for 0, :data:`exp1` for 1."""
    n, x = lift(n), lift(x)
    order = number_of(n)
    if order == 0:
        return divide(exp(scale(-1, x)), x)
    return exp1(x) if order == 1 else parametric(EXPN, n, x)


def _lambert(x: Any) -> Any:
    value = np.asarray(scipy_function("special.lambertw")(x))
    real = np.where(np.asarray(x) < -np.exp(-1.0), np.nan, value.real)
    return real.astype(np.result_type(x, np.float32) if np.asarray(x).dtype.kind == "f" else float)[
        ()
    ]


# W(x)/(x*(1 + W(x))) in a form that is 1 at 0.
lambertw = scalar_function(
    "lambertw",
    "Lambert's W, the solution w >= -1 of w*exp(w) = x.",
    _lambert,
    Scaled(lambda t, x, out: divide(times(t, exp(scale(-1, out))), 1 + out)),
    domain=Domain(
        sample=((-0.2, 3.0),),
        where=lambda x: (ge(x, scale(-1, exp(MINUS_ONE))),),
        edges=(Edge((0.0,), 0.0, (1.0,)),),
        kinks="vertical tangent at x = -exp(-1)",
    ),
    spell=Spelling(latex=r"W\left({0}\right)", python="scipy.special.lambertw({0}).real"),
    laws=Laws(monotone=True, facts=lambda x: x & (NONNEGATIVE | NONPOSITIVE | NONZERO)),
    cost=40.0,
)
