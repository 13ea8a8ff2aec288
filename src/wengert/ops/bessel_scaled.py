"""Bessel functions, scaled and spherical; derivatives by recurrences (DLMF 10.29, 10.51)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.facts import NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Domain, Edge, Laws, Op, Sample, Spelling
from wengert.ops.algebra import lift, times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import gt, sign
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ZERO, number_of
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op
from wengert.ops.sums import scale

__all__ = ["besselie", "besselke", "spherical_in", "spherical_kn", "spherical_yn"]

_HALF = Fraction(1, 2)


def _samples(orders: tuple[float, ...]) -> tuple[Sample, ...]:
    return tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, 0.4, 5.0)), note=f"order {n}")
        for n, shape in zip(orders, ((), (3,), (2,), ()), strict=False)
    )


def _family(
    name: str,
    evaluate: Callable[..., Any],
    python: str,
    doc: str,
    change: Callable[..., Expr],
    orders: tuple[float, ...],
    latex: str,
    domain: Domain,
    laws: Laws,
) -> tuple[Op, Callable[..., Expr]]:
    """One function; ``change(n, x, out)`` is its derivative in ``x``."""

    def function(n: Any, x: Any) -> Expr:
        return parametric(op, n, x)

    op = parametric_op(
        name,
        doc,
        in_precision(evaluate),
        not_in("the order", name),
        change,
        domain=domain,
        samples=_samples(orders),
        spell=Spelling(
            latex=latex + r"_{{{0}}}\left({1}\right)",
            python=f"scipy.special.{python}({{0}}, {{1}})",
        ),
        laws=laws,
        build=lambda n, x: function(n, x),
        cost=60.0,
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return op, function


def _is_zero(n: Expr) -> bool:
    return number_of(lift(n)) == 0


# --- scaled ----------------------------------------------------------------------------------------------
besselie: Callable[..., Expr]
besselke: Callable[..., Expr]


def _scaled_growing(n: Expr, x: Expr, out: Expr) -> Expr:
    pair = besselie(1, x) if _is_zero(n) else scale(_HALF, besselie(n - 1, x) + besselie(n + 1, x))
    return pair - times(sign(x), out)


def _scaled_decaying(n: Expr, x: Expr, out: Expr) -> Expr:
    pair = besselke(1, x) if _is_zero(n) else scale(_HALF, besselke(n - 1, x) + besselke(n + 1, x))
    return out - pair


_RIGHT = Domain(where=lambda n, x: (gt(x, ZERO),), poles="x = 0")
_REAL_ORDERS = (0, 1, 0.5, 2)

BESSELIE, besselie = _family(
    "besselie",
    scipy_function("special.ive"),
    "ive",
    "Modified Bessel function of the first kind times exp(-abs(x)); arguments order, x.",
    _scaled_growing,
    _REAL_ORDERS,
    r"e^{{-\left|{1}\right|}} I",
    Domain(
        where=lambda n, x: (gt(x, ZERO),), edges=(Edge((0.0, 0.0), 1.0),), kinks="x = 0 at order 0"
    ),
    Laws(facts=lambda n, x: NONNEGATIVE if n & x & NONNEGATIVE else 0),
)
BESSELKE, besselke = _family(
    "besselke",
    scipy_function("special.kve"),
    "kve",
    "Modified Bessel function of the second kind times exp(x); arguments order, x.",
    _scaled_decaying,
    _REAL_ORDERS,
    r"e^{{{1}}} K",
    Domain(where=_RIGHT.where, edges=(Edge((0.0, 0.0), np.inf),), poles="x = 0"),
    Laws(facts=lambda n, x: POSITIVE),
)


# --- spherical -------------------------------------------------------------------------------------------
def _whole(name: str) -> Callable[..., Any]:
    function = scipy_function(f"special.{name}")
    return lambda n, x: function(np.asarray(n).astype(np.int64), x)


def _recurrence(f: Callable[..., Expr], n: Expr, x: Expr, lower: int, upper: int) -> Expr:
    """``(lower*n*f(n - 1) + upper*(n + 1)*f(n + 1))/(2*n + 1)``."""
    above = scale(upper, times(n + 1, f(n + 1, x)))
    if _is_zero(n):
        return above
    return divide(scale(lower, times(n, f(n - 1, x))) + above, scale(2, n) + 1)


spherical_yn: Callable[..., Expr]
spherical_in: Callable[..., Expr]
spherical_kn: Callable[..., Expr]
_WHOLE_ORDERS = (0, 1, 3)

SPHERICAL_YN, spherical_yn = _family(
    "spherical_yn",
    _whole("spherical_yn"),
    "spherical_yn",
    "Spherical Bessel function of the second kind; arguments order, x.",
    lambda n, x, out: _recurrence(spherical_yn, n, x, 1, -1),
    _WHOLE_ORDERS,
    "y",
    _RIGHT,
    Laws(),
)
SPHERICAL_IN, spherical_in = _family(
    "spherical_in",
    _whole("spherical_in"),
    "spherical_in",
    "Modified spherical Bessel function of the first kind; arguments order, x.",
    lambda n, x, out: _recurrence(spherical_in, n, x, 1, 1),
    _WHOLE_ORDERS,
    "i",
    Domain(edges=(Edge((0.0, 0.0), 1.0), Edge((2.0, 0.0), 0.0))),
    Laws(),
)
SPHERICAL_KN, spherical_kn = _family(
    "spherical_kn",
    _whole("spherical_kn"),
    "spherical_kn",
    "Modified spherical Bessel function of the second kind; arguments order, x.",
    lambda n, x, out: _recurrence(spherical_kn, n, x, -1, -1),
    _WHOLE_ORDERS,
    "k",
    _RIGHT,
    Laws(facts=lambda n, x: POSITIVE),
)
