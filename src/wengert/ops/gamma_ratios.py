"""Quotients of gamma functions: binomial coefficients, Pochhammer's symbol, the reciprocal."""

from __future__ import annotations

from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Spelling
from wengert.ops.algebra import times
from wengert.ops.choice import floor, ge, gt, logical_or, ne
from wengert.ops.gamma import digamma
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import MINUS_ONE, ZERO
from wengert.ops.scalar import scalar_function
from wengert.ops.sums import scale

__all__ = ["binom", "poch", "rgamma"]


def _no_pole(x: Expr) -> Expr:
    return logical_or(gt(x, ZERO), ne(x, floor(x)))


binom = scalar_function(
    "binom",
    "Binomial coefficient of real numbers, gamma(n + 1)/(gamma(k + 1)*gamma(n - k + 1)).",
    scipy_function("special.binom"),
    lambda n, k, out: times(out, digamma(n + 1) - digamma(n - k + 1)),
    lambda n, k, out: times(out, digamma(n - k + 1) - digamma(k + 1)),
    domain=Domain(
        sample=((3.0, 6.0), (0.5, 2.5)),
        where=lambda n, k: (gt(n, MINUS_ONE), gt(k, MINUS_ONE), ge(n, k)),
        edges=(Edge((4.0, 2.0), 6.0, (None, 0.0)),),
        poles="n a negative integer; the derivative where k or n - k is one",
    ),
    spell=Spelling(latex=r"\binom{{{0}}}{{{1}}}", python="scipy.special.binom({0}, {1})"),
    cost=60.0,
)

poch = scalar_function(
    "poch",
    "Pochhammer's symbol, the rising factorial gamma(a + m)/gamma(a).",
    scipy_function("special.poch"),
    lambda a, m, out: times(out, digamma(a + m) - digamma(a)),
    lambda a, m, out: times(out, digamma(a + m)),
    domain=Domain(
        sample=((0.5, 3.0), (0.5, 3.0)),
        where=lambda a, m: (gt(a, ZERO), gt(m, ZERO)),
        edges=(Edge((3.0, 2.0), 12.0, (7.0, None)),),
        poles="a or a + m among 0 and the negative integers",
    ),
    spell=Spelling(latex=r"\left({0}\right)_{{{1}}}", python="scipy.special.poch({0}, {1})"),
    cost=60.0,
)

rgamma = scalar_function(
    "rgamma",
    "Reciprocal of the gamma function.",
    scipy_function("special.rgamma"),
    lambda x, out: scale(-1, times(out, digamma(x))),
    domain=Domain(
        sample=((0.4, 4.0),),
        where=lambda x: (_no_pole(x),),
        poles="the derivative at 0 and the negative integers",
    ),
    spell=Spelling(
        latex=r"\frac{{1}}{{\Gamma\left({0}\right)}}", python="scipy.special.rgamma({0})"
    ),
    cost=30.0,
)
