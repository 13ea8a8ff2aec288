"""The error function, the normal distribution function, and their inverses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, NEGATIVE, NONNEGATIVE, NONPOSITIVE, NONZERO, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Laws, Spelling
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import le
from wengert.ops.exponential import exp
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import MINUS_ONE, ONE, ZERO, const, pi
from wengert.ops.powers import sqrt, square
from wengert.ops.scalar import in_precision, scalar_function
from wengert.ops.shapes import same_shape
from wengert.ops.sums import scale

__all__ = [
    "erf", "erfc", "erfcinv", "erfcx", "erfinv", "inverse_mills", "log_ndtr", "ndtr", "ndtri",
]  # fmt: skip

_inf = np.inf
_TWO = const(2)


def _spelled(name: str, latex: str = "") -> Spelling:
    letters = latex or rf"\operatorname{{{{{name}}}}}"
    return Spelling(latex=letters + r"\left({0}\right)", python=f"scipy.special.{name}({{0}})")


def _bell(x: Expr) -> Expr:
    """``2*exp(-x**2)/sqrt(pi)``, the derivative of the error function."""
    return divide(scale(2, exp(scale(-1, square(x)))), sqrt(pi))


def _density(x: Expr) -> Expr:
    """``exp(-x**2/2)/sqrt(2*pi)``, the density of the normal distribution."""
    return divide(exp(scale(-1, divide(square(x), _TWO))), sqrt(times(_TWO, pi)))


erf = scalar_function(
    "erf",
    "Error function, 2/sqrt(pi) times the integral of exp(-t**2) from 0 to x.",
    scipy_function("special.erf"),
    lambda x, out: _bell(x),
    result=same_shape,
    domain=Domain(
        sample=((-2.0, 2.0),),
        edges=(
            Edge((0.0,), 0.0, (2 / np.sqrt(np.pi),)),
            Edge((_inf,), 1.0, (0.0,)),
            Edge((-_inf,), -1.0, (0.0,)),
        ),
    ),
    spell=_spelled("erf"),
    laws=Laws(
        odd=True,
        monotone=True,
        inverse="erfinv",
        facts=lambda x: FINITE | (x & (NONNEGATIVE | NONPOSITIVE | NONZERO)),
    ),
    cost=15.0,
)

erfc = scalar_function(
    "erfc",
    "Complementary error function, 1 - erf(x) without its cancellation.",
    scipy_function("special.erfc"),
    lambda x, out: scale(-1, _bell(x)),
    result=same_shape,
    domain=Domain(
        sample=((-2.0, 2.0),),
        edges=(Edge((_inf,), 0.0, (0.0,)), Edge((-_inf,), 2.0, (0.0,))),
    ),
    spell=_spelled("erfc"),
    laws=Laws(facts=lambda x: POSITIVE | FINITE, inverse="erfcinv"),
    cost=15.0,
)

# The two terms agree in the first 2 log10(x) digits for large x: DLMF 7.10.
erfcx = scalar_function(
    "erfcx",
    "Scaled complementary error function, exp(x**2)*erfc(x).",
    scipy_function("special.erfcx"),
    lambda x, out: scale(2, times(x, out)) - divide(_TWO, sqrt(pi)),
    result=same_shape,
    domain=Domain(
        sample=((-1.5, 3.0),), edges=(Edge((0.0,), 1.0, (-2 / np.sqrt(np.pi),)), Edge((_inf,), 0.0))
    ),
    spell=_spelled("erfcx"),
    laws=Laws(facts=lambda x: POSITIVE),
    cost=20.0,
)

erfinv = scalar_function(
    "erfinv",
    "Inverse of the error function.",
    scipy_function("special.erfinv"),
    lambda x, out: divide(times(sqrt(pi), exp(square(out))), _TWO),
    domain=Domain(
        sample=((-0.9, 0.9),),
        where=lambda x: (le(MINUS_ONE, x), le(x, ONE)),
        edges=(Edge((1.0,), _inf, (_inf,)), Edge((-1.0,), -_inf, (_inf,))),
        poles="x = 1 and x = -1",
    ),
    spell=_spelled("erfinv", r"\operatorname{{erf}}^{{-1}}"),
    laws=Laws(odd=True, monotone=True, inverse="erf"),
    cost=20.0,
)

erfcinv = scalar_function(
    "erfcinv",
    "Inverse of the complementary error function.",
    scipy_function("special.erfcinv"),
    lambda x, out: scale(-1, divide(times(sqrt(pi), exp(square(out))), _TWO)),
    domain=Domain(
        sample=((0.1, 1.9),),
        where=lambda x: (le(ZERO, x), le(x, _TWO)),
        edges=(Edge((0.0,), _inf, (-_inf,)), Edge((2.0,), -_inf, (-_inf,))),
        poles="x = 0 and x = 2",
    ),
    spell=_spelled("erfcinv", r"\operatorname{{erfc}}^{{-1}}"),
    laws=Laws(inverse="erfc"),
    cost=20.0,
)

ndtr = scalar_function(
    "ndtr",
    "Distribution function of the standard normal distribution.",
    scipy_function("special.ndtr"),
    lambda x, out: _density(x),
    result=same_shape,
    domain=Domain(
        sample=((-3.0, 3.0),),
        edges=(
            Edge((0.0,), 0.5, (1 / np.sqrt(2 * np.pi),)),
            Edge((_inf,), 1.0, (0.0,)),
            Edge((-_inf,), 0.0, (0.0,)),
        ),
    ),
    spell=Spelling(
        latex=r"\Phi\left({0}\right)", unicode="Φ({0})", python="scipy.special.ndtr({0})"
    ),
    laws=Laws(facts=lambda x: POSITIVE | FINITE, monotone=True, inverse="ndtri"),
    aliases=("normcdf",),
    cost=15.0,
)

ndtri = scalar_function(
    "ndtri",
    "Quantile of the standard normal distribution.",
    scipy_function("special.ndtri"),
    lambda x, out: times(sqrt(times(_TWO, pi)), exp(divide(square(out), _TWO))),
    domain=Domain(
        sample=((0.05, 0.95),),
        where=lambda x: (le(ZERO, x), le(x, ONE)),
        edges=(Edge((0.0,), -_inf, (_inf,)), Edge((1.0,), _inf, (_inf,))),
        poles="x = 0 and x = 1",
    ),
    spell=Spelling(
        latex=r"\Phi^{{-1}}\left({0}\right)", unicode="Φ⁻¹({0})", python="scipy.special.ndtri({0})"
    ),
    laws=Laws(monotone=True, inverse="ndtr"),
    aliases=("norminv", "probit"),
    cost=20.0,
)


def _mills(x: Any) -> Any:
    # Left of 0 both are scaled by exp(x**2/2), so that neither underflows.
    x = np.asarray(x)
    special = {name: scipy_function(f"special.{name}") for name in ("erfcx", "ndtr")}
    with np.errstate(all="ignore"):
        left = math.sqrt(2 / math.pi) / special["erfcx"](-np.minimum(x, 0) / math.sqrt(2))
        right = np.exp(-np.square(x) / 2) / (math.sqrt(2 * math.pi) * special["ndtr"](x))
    return np.where(x < 0, left, right)[()]


inverse_mills = scalar_function(
    "inverse_mills",
    "Inverse Mills ratio, the density of the normal distribution over its distribution function.",
    in_precision(_mills),
    lambda x, out: scale(-1, times(out, x + out)),
    domain=Domain(
        sample=((-4.0, 4.0),),
        edges=(
            Edge((0.0,), np.sqrt(2 / np.pi), (-2 / np.pi,)),
            Edge((_inf,), 0.0),
            Edge((-_inf,), _inf),
        ),
    ),
    spell=Spelling(
        latex=r"\frac{{\varphi\left({0}\right)}}{{\Phi\left({0}\right)}}",
        python="np.exp(-({0})**2/2 - scipy.special.log_ndtr({0}))/np.sqrt(2*np.pi)",
    ),
    laws=Laws(facts=lambda x: POSITIVE),
    cost=40.0,
)

log_ndtr: Callable[..., Expr] = scalar_function(
    "log_ndtr",
    "Logarithm of the normal distribution function, without underflow.",
    scipy_function("special.log_ndtr"),
    lambda x, out: inverse_mills(x),
    domain=Domain(
        sample=((-4.0, 3.0),),
        edges=(
            Edge((0.0,), -np.log(2.0), (np.sqrt(2 / np.pi),)),
            Edge((_inf,), 0.0, (0.0,)),
            Edge((-_inf,), -_inf, (_inf,)),
        ),
    ),
    spell=Spelling(
        latex=r"\log \Phi\left({0}\right)",
        unicode="log Φ({0})",
        python="scipy.special.log_ndtr({0})",
    ),
    laws=Laws(facts=lambda x: NEGATIVE, monotone=True),
    cost=20.0,
)
