"""Functions with a removable singularity at 0, and all their derivatives, accurate there.

``usinc`` is sin(x)/x, unnormalised; ``sinc`` is NumPy's sin(pi*x)/(pi*x). Each has its derivatives in a
family that is closed under differentiation and divides nothing by ``x``: spherical Bessel functions for
``usinc``, and the moments ``integral of t**n*exp(x*t)`` and ``integral of t**n/(1 + x*t)**(n + 1)`` over
[0, 1] for ``exprel`` and ``log1prel``.
``(1 - cos(x))/x**2`` is ``usinc(x/2)**2/2``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, NONPOSITIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Domain, Edge, Laws, Op, Sample, Spelling
from wengert.ops.algebra import lift, times, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, gt, logical_or, lt, ne, where
from wengert.ops.einstein import ones
from wengert.ops.exponential import log1p
from wengert.ops.hypergeometric import hyp2f1
from wengert.ops.layout import cast
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import MINUS_ONE, const, number_of, pi
from wengert.ops.powers import power
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op, scalar_function
from wengert.ops.sums import scale
from wengert.ops.trig import sin

__all__ = [
    "cosm1",
    "exp_moment",
    "exprel",
    "log1p_moment",
    "log1prel",
    "sinc",
    "spherical_jn",
    "usinc",
]

_inf = np.inf


# --- sin(x)/x --------------------------------------------------------------------------------------------
def _sine_over(x: Any) -> Any:
    x = np.asarray(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(x == 0, 1.0, np.sin(x) / x)
    value = np.where(np.isinf(x), 0.0, ratio)
    return value.astype(x.dtype if x.dtype.kind == "f" else float)[()]


usinc: Callable[..., Expr] = scalar_function(
    "usinc",
    "Unnormalised sine cardinal, sin(x)/x, and 1 at 0 (NumPy's sinc has pi*x in place of x).",
    _sine_over,
    lambda x, out: scale(-1, spherical_jn(1, x)),
    domain=Domain(
        sample=((-3.0, 3.0),),
        edges=(
            Edge((0.0,), 1.0, (0.0,), "removable"),
            Edge((_inf,), 0.0, (0.0,)),
            Edge((-_inf,), 0.0, (0.0,)),
        ),
    ),
    spell=Spelling(
        latex=r"\operatorname{{sinc}}\left({0}\right)",
        python="np.sinc({0}/np.pi)",
        matlab="sinc(({0})/pi)",
    ),
    laws=Laws(even=True, facts=lambda x: FINITE),
    cost=10.0,
)

sinc = scalar_function(
    "sinc",
    "Normalised sine cardinal as in NumPy, sin(pi*x)/(pi*x), and 1 at 0.",
    in_precision(np.sinc),
    lambda x, out: scale(-1, times(pi, spherical_jn(1, times(pi, x)))),
    domain=Domain(sample=((-1.5, 1.5),), edges=(Edge((0.0,), 1.0, (0.0,), "removable"),)),
    spell=Spelling(latex=r"\operatorname{{sinc}}\left(\pi {0}\right)", python="np.sinc({0})"),
    laws=Laws(even=True, facts=lambda x: FINITE),
    expand=lambda x: usinc(times(pi, x)),
    cost=11.0,
)


def _spherical(n: Any, x: Any) -> Any:
    whole = np.asarray(n).astype(np.int64)
    return in_precision(lambda _, y: scipy_function("special.spherical_jn")(whole, y))(n, x)


# DLMF 10.51.2
def _spherical_change(n: Expr, x: Expr, out: Expr) -> Expr:
    lower, upper = spherical_jn(n - 1, x), spherical_jn(n + 1, x)
    return divide(times(n, lower) - times(n + 1, upper), 2 * n + 1)


SPHERICAL: Op = parametric_op(
    "spherical_jn",
    "Spherical Bessel function of the first kind; arguments order, x. Order 0 is sin(x)/x.",
    _spherical,
    not_in("the order", "spherical_jn"),
    _spherical_change,
    domain=Domain(
        edges=(
            Edge((1.0, 0.0), 0.0),
            Edge((2.0, 0.0), 0.0, (None, 0.0)),
            Edge((1.0, _inf), 0.0),
        )
    ),
    samples=tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, -3.0, 4.0)), note=f"order {n}")
        for n, shape in ((1, ()), (2, (3,)), (4, (2,)))
    ),
    spell=Spelling(
        latex=r"j_{{{0}}}\left({1}\right)", python="scipy.special.spherical_jn({0}, {1})"
    ),
    laws=Laws(facts=lambda n, x: FINITE),
    build=lambda n, x: spherical_jn(n, x),
    cost=40.0,
)


def spherical_jn(n: Any, x: Any) -> Expr:
    """Spherical Bessel function of whole order; order 0 is :data:`usinc`."""
    return usinc(x) if number_of(lift(n)) == 0 else parametric(SPHERICAL, n, x)


cosm1 = scalar_function(
    "cosm1",
    "cos(x) - 1, accurate near zero.",
    scipy_function("special.cosm1"),
    lambda x, out: scale(-1, sin(x)),
    domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 0.0, (0.0,)),)),
    spell=Spelling(python="scipy.special.cosm1({0})"),
    laws=Laws(even=True, facts=lambda x: NONPOSITIVE | FINITE),
    cost=9.0,
)


# --- (exp(x) - 1)/x --------------------------------------------------------------------------------------
exprel: Callable[..., Expr] = scalar_function(
    "exprel",
    "(exp(x) - 1)/x, and 1 at 0.",
    scipy_function("special.exprel"),
    lambda x, out: exp_moment(1, x),
    domain=Domain(
        sample=((-3.0, 3.0),),
        edges=(Edge((0.0,), 1.0, (0.5,), "removable"), Edge((-_inf,), 0.0, (0.0,))),
    ),
    spell=Spelling(python="scipy.special.exprel({0})"),
    laws=Laws(facts=lambda x: POSITIVE, monotone=True),
    cost=8.0,
)


def _exp_moment(n: Any, x: Any) -> Any:
    # DLMF 13.4.1: the integral is Kummer's function over n + 1. SciPy takes for ever to compute that far out,
    # where exp(x) overflows, or is nothing beside n!/(-x)**(n + 1).
    x = np.asarray(x)
    kummer = scipy_function("special.hyp1f1")
    with np.errstate(all="ignore"):
        near = kummer(n + 1, n + 2, np.clip(x, -700, 720)) / (n + 1)
        left = scipy_function("special.gamma")(n + 1.0) / (-np.minimum(x, -700.0)) ** (n + 1.0)
    return np.where(x < -700, left, np.where(x > 720, np.inf, near))[()]


def _more(node: Expr, step: int) -> str:
    """The order and ``step`` in NumPy source, as a number where it is one."""
    order = number_of(node.args[0])
    return f"({{0}} + {step})" if order is None else str(order + step)


def _exp_moment_in_numpy(node: Expr) -> str:
    above, further = _more(node, 1), _more(node, 2)
    return f"scipy.special.hyp1f1({above}, {further}, {{1}})/{above}"


EXP_MOMENT: Op = parametric_op(
    "exp_moment",
    "Integral of t**n*exp(x*t) over t in [0, 1], the n-th derivative of (exp(x) - 1)/x; arguments n, x.",
    in_precision(_exp_moment),
    not_in("the order", "exp_moment"),
    lambda n, x, out: exp_moment(n + 1, x),
    domain=Domain(
        edges=(
            Edge((1.0, 0.0), 0.5),
            Edge((1.0, -_inf), 0.0),
        )
    ),
    samples=tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, -4.0, 3.0)), note=f"order {n}")
        for n, shape in ((1, ()), (2, (3,)), (5, (2,)))
    ),
    spell=Spelling(numpy=_exp_moment_in_numpy),
    laws=Laws(facts=lambda n, x: POSITIVE),
    build=lambda n, x: exp_moment(n, x),
    cost=60.0,
)


def exp_moment(n: Any, x: Any) -> Expr:
    """The ``n``-th derivative of :data:`exprel`."""
    return exprel(x) if number_of(lift(n)) == 0 else parametric(EXP_MOMENT, n, x)


# --- log(1 + x)/x ----------------------------------------------------------------------------------------
def _log_over(x: Any) -> Any:
    x = np.asarray(x)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(x == 0, 1.0, np.log1p(x) / x)
    return np.where(np.isposinf(x), 0.0, value).astype(x.dtype if x.dtype.kind == "f" else float)[
        ()
    ]


log1prel: Callable[..., Expr] = scalar_function(
    "log1prel",
    "log(1 + x)/x, and 1 at 0.",
    _log_over,
    lambda x, out: scale(-1, log1p_moment(1, x)),
    domain=Domain(
        sample=((-0.6, 3.0),),
        where=lambda x: (gt(x, MINUS_ONE),),
        edges=(
            Edge((0.0,), 1.0, (-0.5,), "removable"),
            Edge((-1.0,), _inf, (-_inf,)),
            Edge((_inf,), 0.0, (0.0,)),
        ),
        poles="x = -1",
    ),
    spell=Spelling(python="scipy.special.hyp2f1(1, 1, 2, -{0})"),
    laws=Laws(facts=lambda x: POSITIVE),
    cost=8.0,
)


def _log1p_moment(n: Any, x: Any) -> Any:
    # G_n(x) = (1 + x)**-n/(n + 1)*2F1(1, 1; n + 2; -x) by Euler's transformation (DLMF 15.8.1) where x is
    # small; else x**-(n + 1)*(log(1 + x) - sum over j = 1..n of w**j/j) with w = x/(1 + x).
    n, x = np.broadcast_arrays(np.asarray(n, float), np.asarray(x, float))
    hyp2f1 = scipy_function("special.hyp2f1")
    with np.errstate(all="ignore"):
        near = np.where(x > 8.0, 0.0, x)
        small = hyp2f1(1, 1, n + 2, -near) * (1 + near) ** -n / (n + 1)
        far = np.where(x > 8.0, x, 9.0)
        w = far / (1 + far)
        rest = np.log1p(far)
        for j in range(1, int(np.max(n, initial=0)) + 1):
            rest = rest - np.where(j <= n, w**j / j, 0.0)
        large = rest * far ** -(n + 1)
    value = np.where(x > 8.0, large, small)
    value = np.where(np.isposinf(x), 0.0, np.where(x == -1, np.inf, value))
    return np.where(np.isnan(x) | (x < -1), np.nan, value)[()]


def _simpler_log1p_moment(node: Expr) -> Expr | None:
    """As `_log1p_moment`, for an order that is known."""
    n, x = number_of(node.args[0]), cast(node.args[1], "float64")
    if type(n) is not int or not 0 <= n <= _MOST_TERMS:
        return None
    zero, one = zeros(x.shape), ones(x.shape)
    is_far = gt(x, const(8.0))
    near, far = where(is_far, zero, x), where(is_far, x, 9.0 * one)
    small = hyp2f1(1, 1, n + 2, -near) * power(1 + near, -n) / (n + 1)
    w, rest = far / (1 + far), log1p(far)
    for j in range(1, n + 1):
        rest = rest - power(w, j) / j
    value = where(is_far, rest * power(far, -(n + 1)), small)
    value = where(eq(x, const(np.inf)), zero, where(eq(x, MINUS_ONE), const(np.inf), value))
    value = where(logical_or(ne(x, x), lt(x, MINUS_ONE)), const(np.nan), value)
    return cast(value, node.value_type.dtype)


_MOST_TERMS = 20


def _log1p_moment_in_numpy(node: Expr) -> str:
    above, further = _more(node, 1), _more(node, 2)
    return f"scipy.special.hyp2f1({above}, {above}, {further}, -{{1}})/{above}"


LOG1P_MOMENT: Op = parametric_op(
    "log1p_moment",
    "Integral of t**n/(1 + x*t)**(n + 1) over t in [0, 1]; (-1)**n*n! times it is the n-th derivative of"
    " log(1 + x)/x; arguments n, x.",
    in_precision(_log1p_moment),
    not_in("the order", "log1p_moment"),
    lambda n, x, out: scale(-1, times(n + 1, log1p_moment(n + 1, x))),
    domain=Domain(
        where=lambda n, x: (gt(x, MINUS_ONE),),
        edges=(Edge((1.0, 0.0), 0.5), Edge((1.0, -1.0), _inf), Edge((2.0, _inf), 0.0)),
        poles="x = -1",
    ),
    samples=tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, -0.6, 9.5)), note=f"order {n}")
        for n, shape in ((1, ()), (2, (3,)), (4, (2,)))
    ),
    spell=Spelling(numpy=_log1p_moment_in_numpy),
    laws=Laws(facts=lambda n, x: POSITIVE),
    build=lambda n, x: log1p_moment(n, x),
    simpler=_simpler_log1p_moment,
    cost=60.0,
)


def log1p_moment(n: Any, x: Any) -> Expr:
    """The derivatives of :data:`log1prel`, up to the factor ``(-1)**n * n!``; itself for order 0."""
    return log1prel(x) if number_of(lift(n)) == 0 else parametric(LOG1P_MOMENT, n, x)
