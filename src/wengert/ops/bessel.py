"""Bessel and Airy functions; derivatives by their recurrences, which hold for real orders."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.facts import NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Domain, Edge, Laws, Op, Sample, Spelling
from wengert.ops.algebra import times
from wengert.ops.choice import eq, floor, ge, gt, logical_or
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ZERO, number_of
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op, scalar_function
from wengert.ops.sums import scale

__all__ = [
    "airyai", "airyaiprime", "airybi", "airybiprime", "besseli", "besselj", "besselk", "bessely", "i0", "i1",
    "j0", "j1", "k0", "k1", "y0", "y1",
]  # fmt: skip

_HALF = Fraction(1, 2)


def _samples(low: float) -> tuple[Sample, ...]:
    return tuple(
        Sample((Argument(value=n, constant=True), Argument(shape, low, 5.0)), note=f"order {n}")
        for n, shape in ((0, ()), (1, (3,)), (2, (2,)), (0.5, ()), (-1.3, (2,)))
    )


def _family(
    name: str,
    doc: str,
    scipy_name: str,
    letter: str,
    change: Callable[[Callable[..., Expr], Expr, Expr], Expr],
    domain: Domain,
    laws: Laws,
) -> tuple[Op, Callable[..., Expr]]:
    """One kind of Bessel function; ``change(f, n, x)`` is the derivative of ``f(n, x)`` in ``x``."""

    def function(n: Any, x: Any) -> Expr:
        return parametric(op, n, x)

    op = parametric_op(
        name,
        doc,
        in_precision(scipy_function(f"special.{scipy_name}")),
        not_in("the order", name),
        lambda n, x, out: change(function, n, x),
        domain=domain,
        samples=_samples(0.4),
        spell=Spelling(
            latex=letter + r"_{{{0}}}\left({1}\right)",
            unicode=letter + "_{0}({1})",
            python=f"scipy.special.{scipy_name}({{0}}, {{1}})",
        ),
        laws=laws,
        build=lambda n, x: function(n, x),
        aliases=(scipy_name,),
        cost=60.0,
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} The order may be any real constant."
    return op, function


# DLMF 10.6.1 and 10.29.1; for order 0 the two terms are equal.
def _oscillating(f: Callable[..., Expr], n: Expr, x: Expr) -> Expr:
    if number_of(n) == 0:
        return scale(-1, f(1, x))
    return scale(_HALF, f(n - 1, x) - f(n + 1, x))


def _growing(f: Callable[..., Expr], n: Expr, x: Expr) -> Expr:
    return f(1, x) if number_of(n) == 0 else scale(_HALF, f(n - 1, x) + f(n + 1, x))


def _decaying(f: Callable[..., Expr], n: Expr, x: Expr) -> Expr:
    return scale(-1, f(1, x) if number_of(n) == 0 else scale(_HALF, f(n - 1, x) + f(n + 1, x)))


def _whole_or_right(n: Expr, x: Expr) -> tuple[Expr, ...]:
    order = number_of(n)
    if order is not None:
        return () if order == int(order) else (ge(x, ZERO),)
    return (logical_or(eq(n, floor(n)), ge(x, ZERO)),)


def _right(n: Expr, x: Expr) -> tuple[Expr, ...]:
    return (gt(x, ZERO),)


BESSELJ, besselj = _family(
    "besselj",
    "Bessel function of the first kind; arguments order, x.",
    "jv",
    "J",
    _oscillating,
    Domain(
        where=_whole_or_right,
        edges=(Edge((0.0, 0.0), 1.0), Edge((2.0, 0.0), 0.0, (None, 0.0))),
        poles="x = 0 for a negative order that is not whole",
    ),
    Laws(),
)
BESSELY, bessely = _family(
    "bessely",
    "Bessel function of the second kind; arguments order, x.",
    "yv",
    "Y",
    _oscillating,
    Domain(where=_right, edges=(Edge((0.0, 0.0), -np.inf),), poles="x = 0"),
    Laws(),
)
BESSELI, besseli = _family(
    "besseli",
    "Modified Bessel function of the first kind; arguments order, x.",
    "iv",
    "I",
    _growing,
    Domain(
        where=_whole_or_right,
        edges=(Edge((0.0, 0.0), 1.0), Edge((2.0, 0.0), 0.0, (None, 0.0))),
        poles="x = 0 for a negative order that is not whole",
    ),
    Laws(facts=lambda n, x: NONNEGATIVE if n & x & NONNEGATIVE else 0),
)
BESSELK, besselk = _family(
    "besselk",
    "Modified Bessel function of the second kind; arguments order, x.",
    "kv",
    "K",
    _decaying,
    Domain(where=_right, edges=(Edge((0.0, 0.0), np.inf),), poles="x = 0"),
    Laws(facts=lambda n, x: POSITIVE),
)


def j0(x: Any) -> Expr:
    """``besselj(0, x)``."""
    return besselj(0, x)


def j1(x: Any) -> Expr:
    """``besselj(1, x)``."""
    return besselj(1, x)


def y0(x: Any) -> Expr:
    """``bessely(0, x)``."""
    return bessely(0, x)


def y1(x: Any) -> Expr:
    """``bessely(1, x)``."""
    return bessely(1, x)


def i0(x: Any) -> Expr:
    """``besseli(0, x)``."""
    return besseli(0, x)


def i1(x: Any) -> Expr:
    """``besseli(1, x)``."""
    return besseli(1, x)


def k0(x: Any) -> Expr:
    """``besselk(0, x)``."""
    return besselk(0, x)


def k1(x: Any) -> Expr:
    """``besselk(1, x)``."""
    return besselk(1, x)


# --- Airy --------------------------------------------------------------------------------------------------
def _airy(
    name: str, doc: str, place: int, partial: Callable[..., Expr], latex: str
) -> Callable[..., Expr]:
    solutions = scipy_function("special.airy")

    def evaluate(x: Any) -> Any:
        value = solutions(x)[place]
        limit = 0.0 if place < 2 else np.inf  # SciPy gives NaN where these are reached
        return np.where(np.isnan(value) & (np.asarray(x) > 100), limit, value)[()]

    return scalar_function(
        name,
        doc,
        in_precision(evaluate),
        partial,
        domain=Domain(sample=((-3.0, 2.0),)),
        spell=Spelling(
            latex=latex + r"\left({0}\right)", python=f"scipy.special.airy({{0}})[{place}]"
        ),
        cost=80.0,
    )


# Airy functions solve y'' = x*y.
airyai: Callable[..., Expr] = _airy(
    "airyai", "Airy function Ai.", 0, lambda x, out: airyaiprime(x), r"\operatorname{{Ai}}"
)
airyaiprime: Callable[..., Expr] = _airy(
    "airyaiprime",
    "Derivative of Ai.",
    1,
    lambda x, out: times(x, airyai(x)),
    r"\operatorname{{Ai}}'",
)
airybi: Callable[..., Expr] = _airy(
    "airybi", "Airy function Bi.", 2, lambda x, out: airybiprime(x), r"\operatorname{{Bi}}"
)
airybiprime: Callable[..., Expr] = _airy(
    "airybiprime",
    "Derivative of Bi.",
    3,
    lambda x, out: times(x, airybi(x)),
    r"\operatorname{{Bi}}'",
)
