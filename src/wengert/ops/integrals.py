"""Integrals of elementary functions: sine and cosine integrals, Fresnel, Dawson, dilogarithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Laws, Scaled, Spelling
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import ge, gt, where
from wengert.ops.errorfunctions import inverse_mills
from wengert.ops.exponential import exp
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ZERO, const, pi
from wengert.ops.powers import sqrt, square
from wengert.ops.removable import exprel, log1prel, usinc
from wengert.ops.scalar import in_precision, scalar_function
from wengert.ops.sums import scale
from wengert.ops.trig import cos, cosh, sin

__all__ = [
    "cosine_integral", "dawsn", "erfi", "fresnel_cosine", "fresnel_sine", "hyperbolic_cosine_integral",
    "hyperbolic_sine_integral", "ndtri_exp", "sine_integral", "spence",
]  # fmt: skip

_inf = np.inf
_SIGN = NONNEGATIVE | NONPOSITIVE | NONZERO


def _part(name: str, place: int) -> Callable[..., Any]:
    """One of the results of a function of SciPy that gives several."""
    several = scipy_function(f"special.{name}")
    return in_precision(lambda x: several(x)[place])


def _spelled(name: str, place: int, latex: str) -> Spelling:
    return Spelling(
        latex=rf"\operatorname{{{{{latex}}}}}\left({{0}}\right)",
        python=f"scipy.special.{name}({{0}})[{place}]",
    )


sine_integral = scalar_function(
    "sine_integral",
    "Sine integral Si(x), the integral of sin(t)/t from 0 to x.",
    _part("sici", 0),
    lambda x, out: usinc(x),
    domain=Domain(
        sample=((-4.0, 4.0),),
        edges=(Edge((0.0,), 0.0, (1.0,)), Edge((_inf,), np.pi / 2, (0.0,))),
    ),
    spell=_spelled("sici", 0, "Si"),
    laws=Laws(odd=True, facts=lambda x: FINITE | (x & _SIGN)),
    aliases=("Si",),
    cost=30.0,
)
cosine_integral = scalar_function(
    "cosine_integral",
    "Cosine integral Ci(x), the integral of -cos(t)/t from x to infinity.",
    _part("sici", 1),
    Scaled(lambda t, x, out: divide(times(t, cos(x)), x)),
    domain=Domain(
        sample=((0.3, 4.0),),
        where=lambda x: (gt(x, ZERO),),
        edges=(Edge((0.0,), -_inf, (_inf,)),),
        poles="x = 0",
    ),
    spell=_spelled("sici", 1, "Ci"),
    aliases=("Ci",),
    cost=30.0,
)


def _sine_over(x: Expr) -> Expr:
    """``sinh(x)/x``, which is the mean of exp(x*t) over [-1, 1]: ``exp(-x)*exprel(2*x)``."""
    size = where(ge(x, ZERO), x, scale(-1, x))
    return times(exp(size), exprel(scale(-2, size)))


hyperbolic_sine_integral = scalar_function(
    "hyperbolic_sine_integral",
    "Hyperbolic sine integral Shi(x), the integral of sinh(t)/t from 0 to x.",
    _part("shichi", 0),
    lambda x, out: _sine_over(x),
    domain=Domain(sample=((-3.0, 3.0),), edges=(Edge((0.0,), 0.0, (1.0,)),)),
    spell=_spelled("shichi", 0, "Shi"),
    laws=Laws(odd=True, facts=lambda x: x & _SIGN),
    aliases=("Shi",),
    cost=30.0,
)
hyperbolic_cosine_integral = scalar_function(
    "hyperbolic_cosine_integral",
    "Hyperbolic cosine integral Chi(x), Euler's constant + log(x) + the integral of (cosh(t) - 1)/t.",
    _part("shichi", 1),
    Scaled(lambda t, x, out: divide(times(t, cosh(x)), x)),
    domain=Domain(
        sample=((0.3, 3.0),),
        where=lambda x: (gt(x, ZERO),),
        edges=(Edge((0.0,), -_inf, (_inf,)),),
        poles="x = 0",
    ),
    spell=_spelled("shichi", 1, "Chi"),
    aliases=("Chi",),
    cost=30.0,
)


def _phase(x: Expr) -> Expr:
    return divide(times(pi, square(x)), const(2))


fresnel_sine = scalar_function(
    "fresnel_sine",
    "Fresnel integral S(x), the integral of sin(pi*t**2/2) from 0 to x.",
    _part("fresnel", 0),
    lambda x, out: sin(_phase(x)),
    domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 0.0, (0.0,)), Edge((_inf,), 0.5))),
    spell=_spelled("fresnel", 0, "S"),
    laws=Laws(odd=True, facts=lambda x: FINITE),
    cost=30.0,
)
fresnel_cosine = scalar_function(
    "fresnel_cosine",
    "Fresnel integral C(x), the integral of cos(pi*t**2/2) from 0 to x.",
    _part("fresnel", 1),
    lambda x, out: cos(_phase(x)),
    domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 0.0, (1.0,)), Edge((_inf,), 0.5))),
    spell=_spelled("fresnel", 1, "C"),
    laws=Laws(odd=True, facts=lambda x: FINITE),
    cost=30.0,
)

dawsn = scalar_function(
    "dawsn",
    "Dawson's integral, exp(-x**2) times the integral of exp(t**2) from 0 to x.",
    scipy_function("special.dawsn"),
    lambda x, out: 1 - scale(2, times(x, out)),
    domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 0.0, (1.0,)),)),
    spell=Spelling(latex=r"\operatorname{{D}}\left({0}\right)", python="scipy.special.dawsn({0})"),
    laws=Laws(odd=True, facts=lambda x: FINITE | (x & (NONNEGATIVE | NONPOSITIVE))),
    cost=20.0,
)

erfi = scalar_function(
    "erfi",
    "Imaginary error function, 2/sqrt(pi) times the integral of exp(t**2) from 0 to x.",
    scipy_function("special.erfi"),
    lambda x, out: divide(scale(2, exp(square(x))), sqrt(pi)),
    domain=Domain(sample=((-1.5, 1.5),), edges=(Edge((0.0,), 0.0, (2 / np.sqrt(np.pi),)),)),
    spell=Spelling(
        latex=r"\operatorname{{erfi}}\left({0}\right)", python="scipy.special.erfi({0})"
    ),
    laws=Laws(odd=True, monotone=True, facts=lambda x: x & _SIGN),
    cost=20.0,
)

# SciPy's dilogarithm is the integral of log(t)/(1 - t) from 1 to x.
spence = scalar_function(
    "spence",
    "Dilogarithm Li_2(1 - x), the integral of log(t)/(1 - t) from 1 to x.",
    scipy_function("special.spence"),
    lambda x, out: scale(-1, log1prel(x - 1)),
    domain=Domain(
        sample=((0.2, 4.0),),
        where=lambda x: (ge(x, ZERO),),
        edges=(Edge((0.0,), np.pi**2 / 6, (-_inf,)), Edge((1.0,), 0.0, (-1.0,))),
    ),
    spell=Spelling(
        latex=r"\operatorname{{Li}}_2\left(1 - {0}\right)", python="scipy.special.spence({0})"
    ),
    cost=30.0,
)

ndtri_exp = scalar_function(
    "ndtri_exp",
    "Inverse of log_ndtr: the normal quantile of exp(x).",
    scipy_function("special.ndtri_exp"),
    Scaled(lambda t, x, out: divide(t, inverse_mills(out))),
    domain=Domain(
        sample=((-4.0, -0.1),),
        where=lambda x: (ge(ZERO, x),),
        edges=(Edge((0.0,), _inf, (_inf,)), Edge((-_inf,), -_inf)),
        poles="x = 0",
    ),
    spell=Spelling(python="scipy.special.ndtri_exp({0})"),
    laws=Laws(monotone=True, inverse="log_ndtr"),
    cost=40.0,
)
