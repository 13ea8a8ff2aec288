"""The functions of ``math`` on Python numbers, with the errors that they raise.

``math`` gives a *domain error* where the result is NaN though the arguments are not, or infinite at a pole,
and a *range error* where a finite argument gives a result beyond the largest float. The texts are those of
Python 3.11 to 3.13.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.python_guards import (
    INT_BITS,
    Guard,
    Guarded,
    Ok,
    as_float,
    as_int,
    both,
    guarded,
    implied,
    is_finite,
    kind_of,
    message_of,
    no_overflow,
    nonzero,
    number,
)
from wengert.frontend.python_operators import python_operator
from wengert.frontend.python_table import whole_part
from wengert.frontend.table import Value, Values, maps
from wengert.ir.node import Expr
from wengert.ops.arithmetic import divide
from wengert.ops.choice import (
    absolute,
    ceil,
    eq,
    floor,
    ge,
    gt,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    ne,
    trunc,
    where,
)
from wengert.ops.errorfunctions import erf, erfc
from wengert.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10
from wengert.ops.floats import (
    binary_exponent,
    copysign,
    fmod,
    isfinite,
    isinf,
    isnan,
    ldexp,
    nextafter,
    spacing,
)
from wengert.ops.gamma import gamma, lgamma
from wengert.ops.gathering import take
from wengert.ops.integers import gcd, lcm
from wengert.ops.joining import stack
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.numbers import exact_sum, python_number
from wengert.ops.powers import cbrt, power, sqrt
from wengert.ops.sums import scale
from wengert.ops.trig import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cos,
    cosh,
    hypot,
    sin,
    sinh,
    tan,
    tanh,
)

__all__ = ["domain", "overflow"]

_GROUP = "math"
_ZERO, _ONE, _INF = const(0), const(1), const(math.inf)
_DOMAIN = "math domain error"
_RANGE = "math range error"


def domain(ok: Ok) -> Guard:
    """A domain error unless the condition holds."""
    return Guard(ok, "ValueError", _DOMAIN)


def overflow(ok: Ok) -> Guard:
    """A range error unless the condition holds."""
    return Guard(ok, "OverflowError", _RANGE)


def _known(condition: Callable[[Any, Any], Any], build: Callable[[Any, Any], Expr]) -> Any:
    def compare(x: Expr, limit: float) -> Ok:
        if x.op is CONSTANT:
            return bool(condition(x.attr, limit))
        return build(x, const(limit))

    return compare


# Conditions that hold for NaN.
_at_least = _known(lambda x, low: not x < low, lambda x, low: logical_not(lt(x, low)))
_above = _known(lambda x, low: not x <= low, lambda x, low: logical_not(le(x, low)))


def _not_infinite(x: Expr) -> Ok:
    return True if is_finite(x) is True else ne(absolute(x), _INF)


def _within(x: Expr, limit: float, *, strictly: bool) -> Ok:
    size = absolute(x)
    return logical_not((ge if strictly else gt)(size, const(limit)))


def _float(node: Expr) -> Expr:
    return python_number(node, "float64")


# --- functions of one number ---------------------------------------------------------------------------
_Test = Callable[[Expr], Ok]


def _of_one(
    name: str, build: Callable[[Any], Expr], inside: _Test | None = None, *, large: bool = False
) -> None:
    """``math.name``; ``inside`` is its domain, and with ``large`` it may overflow."""
    original = getattr(math, name)

    def entry(x: Value) -> Any:
        x = as_float(x, f"math.{name}")
        value = _float(build(x))
        guards = [] if inside is None else [domain(inside(x))]
        if large:
            guards.append(overflow(no_overflow(value, x)))
        return guarded(value, *guards)

    entry.__name__ = name
    maps(original, group=_GROUP, title=f"math.{name}")(entry)


_of_one("sqrt", sqrt, lambda x: _at_least(x, 0.0))
_of_one("cbrt", cbrt)
_of_one("exp", exp, large=True)
_of_one("exp2", exp2, large=True)
_of_one("expm1", expm1, large=True)
_of_one("log2", log2, lambda x: _above(x, 0.0))
_of_one("log10", log10, lambda x: _above(x, 0.0))
_of_one("log1p", log1p, lambda x: _above(x, -1.0))
_of_one("sin", sin, _not_infinite)
_of_one("cos", cos, _not_infinite)
_of_one("tan", tan, _not_infinite)
_of_one("asin", asin, lambda x: _within(x, 1.0, strictly=False))
_of_one("acos", acos, lambda x: _within(x, 1.0, strictly=False))
_of_one("atan", atan)
_of_one("sinh", sinh, large=True)
_of_one("cosh", cosh, large=True)
_of_one("tanh", tanh)
_of_one("asinh", asinh)
_of_one("acosh", acosh, lambda x: _at_least(x, 1.0))
_of_one("atanh", atanh, lambda x: _within(x, 1.0, strictly=True))
_of_one("erf", erf)
_of_one("erfc", erfc)
_of_one("fabs", absolute)
_of_one("degrees", lambda x: scale(180.0 / math.pi, x))
_of_one("radians", lambda x: scale(math.pi / 180.0, x))


def _no_pole(x: Expr) -> Expr:
    """Neither 0 nor a negative integer; NaN passes."""
    return logical_or(gt(x, _ZERO), logical_not(eq(x, floor(x))))


_of_one("gamma", gamma, _no_pole, large=True)
# SciPy's lgamma(-inf) is -inf, Python's inf: an error rather than either.
_of_one("lgamma", lgamma, _no_pole, large=True)


@maps(math.log, group=_GROUP)
def _log(x: Value, base: Value | None = None) -> Any:
    node = as_float(x, "math.log")
    guards = [domain(_above(node, 0.0))]
    if base is None:
        return guarded(_float(log(node)), *guards)
    below = as_float(base, "math.log")
    guards.append(domain(_above(below, 0.0)))
    bottom = _float(log(below))
    by_zero = message_of(lambda: 1.0 / 0.0, "float division by zero")
    guards.append(Guard(nonzero(bottom), "ZeroDivisionError", by_zero))
    return guarded(_float(divide(log(node), bottom)), *guards)


# --- functions of two numbers --------------------------------------------------------------------------
def _pair(x: Expr, y: Expr, name: str) -> tuple[Expr, Expr]:
    return as_float(x, f"math.{name}"), as_float(y, f"math.{name}")


@maps(math.atan2, group=_GROUP)
def _atan2(y: Value, x: Value) -> Any:
    return _float(atan2(*_pair(y, x, "atan2")))


@maps(math.copysign, group=_GROUP)
def _copysign(x: Value, y: Value) -> Any:
    return _float(copysign(*_pair(x, y, "copysign")))


@maps(math.nextafter, group=_GROUP)
def _nextafter(x: Value, y: Value) -> Any:
    return _float(nextafter(*_pair(x, y, "nextafter")))


@maps(math.ulp, group=_GROUP)
def _ulp(x: Value) -> Any:
    size = absolute(as_float(x, "math.ulp"))
    # NumPy's spacing is infinite at the largest float, and NaN at infinity.
    last = where(eq(size, _INF), _INF, const(math.ulp(sys.float_info.max)))
    return _float(where(ge(size, const(sys.float_info.max)), last, spacing(size)))


@maps(math.fmod, group=_GROUP)
def _fmod(x: Value, y: Value) -> Any:
    a, b = _pair(x, y, "fmod")
    return guarded(_float(fmod(a, b)), domain(_divisible(a, b)))


def _divisible(a: Expr, b: Expr) -> Ok:
    """Whether there is a remainder of ``a`` by ``b``; NaN passes."""
    nan = logical_or(isnan(a), isnan(b))
    fine = both(_not_infinite(a), nonzero(b))
    return fine if isinstance(fine, bool) else logical_or(fine, nan)


@maps(math.remainder, group=_GROUP)
def _remainder(x: Value, y: Value) -> Any:
    a, b = _pair(x, y, "remainder")
    # As CPython: with c = |b| - r for r = fmod(|a|, |b|), the nearer of r and -c; at a tie the even multiple.
    size, step = absolute(a), absolute(b)
    rest = fmod(size, step)
    other = step - rest
    tie = rest - scale(2, fmod(divide(size - rest, const(2)), step))
    nearest = where(lt(rest, other), rest, where(gt(rest, other), scale(-1, other), tie))
    signed = where(lt(copysign(_ONE, a), _ZERO), scale(-1, nearest), nearest)
    value = where(logical_and(isinf(b), isfinite(a)), a, signed)
    return guarded(_float(value), domain(_divisible(a, b)))


@maps(math.pow, group=_GROUP)
def _pow(x: Value, y: Value) -> Any:
    a, b = _pair(x, y, "pow")
    value = _float(power(a, b))
    finite = is_finite(b)  # NumPy has NaN for -inf to the power of 0.5: no silent difference
    defined = logical_and(
        logical_not(logical_and(lt(a, _ZERO), ne(b, floor(b)))),
        logical_not(logical_and(eq(a, _ZERO), lt(b, _ZERO))),
    )
    ok = implied(finite, defined)
    return guarded(value, domain(ok), overflow(no_overflow(value, a, b)))


@maps(math.ldexp, group=_GROUP)
def _ldexp(x: Value, i: Value) -> Any:
    a, e = as_float(x, "math.ldexp"), as_int(i, "math.ldexp")
    # NumPy's exponent is a C int; beyond 5000 every result is infinite or 0.
    value = _float(ldexp(a, minimum(maximum(e, const(-5000)), const(5000))))
    return guarded(value, overflow(no_overflow(value, a)))


@maps(math.hypot, group=_GROUP)
def _hypot(*coordinates: Value) -> Any:
    nodes = [as_float(c, "math.hypot") for c in coordinates]
    return _length(nodes)


def _length(nodes: Sequence[Expr]) -> Expr:
    if not nodes:
        return const(0.0)
    total = absolute(nodes[0])
    for node in nodes[1:]:
        total = hypot(total, node)
    return _float(total)


@maps(math.dist, group=_GROUP)
def _dist(p: Values, q: Values) -> Any:
    if len(p) != len(q):
        said = message_of(lambda: math.dist([1], [1, 2]), "both points must have the same length")
        return Guarded(const(math.nan), (Guard(False, "ValueError", said),))
    pairs = zip(p, q, strict=True)
    return _length([_difference(a, b) for a, b in pairs])


def _difference(a: Expr, b: Expr) -> Expr:
    return as_float(a, "math.dist") - as_float(b, "math.dist")


_NEAR, _NOTHING = const(1e-09), const(0.0)  # the defaults of the original


@maps(math.isclose, group=_GROUP)
def _isclose(a: Value, b: Value, *, rel_tol: Value = _NEAR, abs_tol: Value = _NOTHING) -> Any:
    x, y = _pair(a, b, "isclose")
    relative, least = _pair(rel_tol, abs_tol, "isclose")
    said = "tolerances must be non-negative"
    distance = absolute(x - y)
    near = logical_or(
        le(distance, relative * maximum(absolute(x), absolute(y))), le(distance, least)
    )
    finite = logical_and(isfinite(x), isfinite(y))
    value = logical_or(eq(x, y), logical_and(finite, near))
    return guarded(
        python_number(value, "bool"),
        Guard(both(_at_least(relative, 0.0), _at_least(least, 0.0)), "ValueError", said),
    )


# --- kinds and parts -------------------------------------------------------------------------------------
def _kind(name: str, build: Callable[[Any], Expr]) -> None:
    def entry(x: Value) -> Any:
        return python_number(build(as_float(x, f"math.{name}")), "bool")

    maps(getattr(math, name), group=_GROUP, title=f"math.{name}")(entry)


_kind("isnan", isnan)
_kind("isinf", isinf)
_kind("isfinite", isfinite)


def _whole(name: str, build: Callable[[Any], Expr]) -> None:
    def entry(x: Value) -> Any:
        if kind_of(number(x, f"math.{name}")) in ("bool", "int"):
            return python_number(x, "int64")
        x = as_float(x, f"math.{name}")
        return whole_part(x, build(x))

    maps(getattr(math, name), group=_GROUP, title=f"math.{name}")(entry)


_whole("floor", floor)
_whole("ceil", ceil)
_whole("trunc", trunc)


@maps(math.modf, group=_GROUP)
def _modf(x: Value) -> Any:
    a = as_float(x, "math.modf")
    whole = _float(trunc(a))
    rest = where(isinf(a), _ZERO, a - whole)
    return _float(_signed_zero(rest, a)), whole


def _signed_zero(value: Expr, sign: Expr) -> Expr:
    """The value, whose sign is that of the other number but for -0.0; differentiable in the value."""
    return where(eq(value, _ZERO), copysign(const(0.0), sign), value)


@maps(math.frexp, group=_GROUP)
def _frexp(x: Value) -> Any:
    a = as_float(x, "math.frexp")
    exponent = where(isfinite(a), python_number(binary_exponent(a), "int64"), _ZERO)
    # In two steps: 2**-e for the smallest floats is infinite.
    half = _half(exponent)
    fraction = ldexp(ldexp(a, scale(-1, half)), scale(-1, exponent - half))
    return _float(fraction), python_number(exponent, "int64")


def _half(exponent: Expr) -> Expr:
    """``exponent // 2``."""
    found: Expr = exponent // 2
    return found


# --- sums and products -----------------------------------------------------------------------------------
@maps(math.fsum, group=_GROUP)
def _fsum(seq: Values) -> Any:
    nodes = [as_float(x, "math.fsum") for x in seq]
    if not nodes:
        return const(0.0)
    value = exact_sum(stack(nodes))
    finite: Ok = True
    any_nan: Ok = False
    for node in nodes:
        finite = both(finite, is_finite(node))
        nan = isnan(node)
        any_nan = nan if any_nan is False else logical_or(any_nan, nan)
    wide = message_of(lambda: math.fsum([1e308] * 3), "intermediate overflow in fsum")
    opposed = message_of(lambda: math.fsum([math.inf, -math.inf]), "-inf + inf in fsum")
    defined = logical_not(isnan(value))
    return guarded(
        value,
        Guard(implied(finite, defined), "OverflowError", wide),
        Guard(logical_or(defined, any_nan), "ValueError", opposed),
    )


@maps(math.prod, group=_GROUP)
def _prod(iterable: Values, *, start: Value = _ONE) -> Any:
    total = number(start, "math.prod")
    guards: list[Guard] = []
    for factor in iterable:
        found = python_operator("*", total, number(factor, "math.prod"))
        total = found.value if isinstance(found, Guarded) else found
        guards += found.guards if isinstance(found, Guarded) else ()
    return guarded(total, *guards)


# --- whole numbers ---------------------------------------------------------------------------------------
def _folded(name: str, build: Callable[[Any, Any], Expr], empty: int) -> None:
    def entry(*integers: Value) -> Any:
        nodes = [as_int(i, f"math.{name}") for i in integers]
        if not nodes:
            return const(empty)
        total = absolute(nodes[0])
        for node in nodes[1:]:
            total = build(total, node)
        return python_number(total, "int64")

    maps(getattr(math, name), group=_GROUP, title=f"math.{name}")(entry)


_folded("gcd", gcd, 0)
_folded("lcm", lcm, 1)

_FACTORIALS = const(np.array([math.factorial(n) for n in range(21)]))


@maps(math.factorial, group=_GROUP)
def _factorial(x: Value) -> Any:
    n = as_int(x, "math.factorial")
    said = message_of(lambda: math.factorial(-1), "factorial() not defined for negative values")
    place = minimum(maximum(n, _ZERO), const(20))
    return guarded(
        python_number(take(_FACTORIALS, place), "int64"),
        Guard(ge(n, _ZERO), "ValueError", said),
        Guard(le(n, const(20)), "OverflowError", INT_BITS),
    )


@maps(math.isqrt, group=_GROUP)
def _isqrt(n: Value) -> Any:
    a = as_int(n, "math.isqrt")
    said = message_of(lambda: math.isqrt(-1), "isqrt() argument must be nonnegative")
    root = python_number(floor(sqrt(_float(maximum(a, _ZERO)))), "int64")
    root = minimum(root, const(3037000499))  # whose square is the largest below 2**63
    root = where(gt(root * root, a), root - 1, root)  # the float may be rounded up
    return guarded(python_number(root, "int64"), Guard(ge(a, _ZERO), "ValueError", said))


def _counted(k: Expr, name: str) -> int:
    if k.op is not CONSTANT or kind_of(k) not in ("bool", "int"):
        raise TypeMismatchError(
            worded(
                f"math.{name}: argument `k`",
                expected="an integer that is known",
                got=str(k.type),
                hint="exp of a difference of lgamma",
            )
        )
    return int(k.attr)


def _falling(n: Expr, k: int, *, divided: bool) -> Any:
    """``n*(n - 1)*...*(n - k + 1)``, over ``k!`` on request, one exact step at a time."""
    total = const(1)
    guards: list[Guard] = []
    for i in range(k):
        found = python_operator("*", total, maximum(n - i, _ZERO))
        total = found.value if isinstance(found, Guarded) else found
        guards += found.guards if isinstance(found, Guarded) else ()
        if divided:
            total = python_number(total // (i + 1), "int64")
    return guarded(total, *guards)


@maps(math.comb, group=_GROUP)
def _comb(n: Value, k: Value) -> Any:
    return _chosen(n, k, "comb", divided=True)


@maps(math.perm, group=_GROUP)
def _perm(n: Value, k: Value | None = None) -> Any:
    return _factorial(n) if k is None else _chosen(n, k, "perm", divided=False)


def _chosen(n: Expr, k: Expr, name: str, *, divided: bool) -> Any:
    a, count = as_int(n, f"math.{name}"), _counted(k, name)
    found = _falling(a, max(count, 0), divided=divided)
    value = found.value if isinstance(found, Guarded) else found
    return guarded(
        value,
        Guard(ge(a, _ZERO), "ValueError", "n must be a non-negative integer"),
        Guard(count >= 0, "ValueError", "k must be a non-negative integer"),
        *(found.guards if isinstance(found, Guarded) else ()),
    )
