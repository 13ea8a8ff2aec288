"""The functions of ``cmath``: complex numbers whatever the argument, with the errors that they raise.

On the cuts NumPy follows C, as Python does. A finite argument that gives NaN or a pole is a domain error, one
whose result is beyond the largest float a range error.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

from wengert.frontend.python_guards import (
    Guard,
    Ok,
    both,
    guarded,
    implied,
    is_finite,
    nonzero,
    number,
)
from wengert.frontend.table import Value, maps
from wengert.ir.node import Expr
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import absolute, eq, le, logical_and, logical_or, lt, maximum, ne
from wengert.ops.complexes import from_parts, imag, real
from wengert.ops.exponential import exp, log, log10
from wengert.ops.floats import isfinite, isinf, isnan
from wengert.ops.leaves import const
from wengert.ops.numbers import python_number
from wengert.ops.powers import sqrt
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
    sin,
    sinh,
    tan,
    tanh,
)

__all__ = ["complex_number"]

_GROUP = "cmath"
_INF = const(math.inf)
_DOMAIN, _RANGE = "math domain error", "math range error"


def complex_number(x: Expr, what: str) -> Expr:
    """The argument as a Python complex number.

    Raises:
        TypeMismatchError: an array.
    """
    return python_number(number(x, what), "complex128")


def _float(x: Expr) -> Expr:
    return python_number(x, "float64")


def _parts_finite(value: Expr) -> Ok:
    return both(is_finite(_float(real(value))), is_finite(_float(imag(value))))


def _defined(z: Expr, value: Expr) -> Ok:
    """Whether the result of a finite number is finite."""
    return implied(_parts_finite(z), _parts_finite(value))


def _of_one(
    name: str, build: Callable[[Any], Expr], kind: str = "", *, poles: tuple[complex, ...] = ()
) -> None:
    original = getattr(cmath, name)

    def entry(z: Value) -> Any:
        w = complex_number(z, f"cmath.{name}")
        value = python_number(build(w), "complex128")
        guards = [Guard(ne(w, const(pole)), "ValueError", _DOMAIN) for pole in poles]
        if kind:
            message = _RANGE if kind == "OverflowError" else _DOMAIN
            guards.append(Guard(_defined(w, value), kind, message))
        return guarded(value, *guards)

    entry.__name__ = name
    maps(original, group=_GROUP, title=f"cmath.{name}")(entry)


_of_one("sqrt", sqrt)
_of_one("exp", exp, "OverflowError")
_of_one("sin", sin, "OverflowError")
_of_one("cos", cos, "OverflowError")
_of_one("tan", tan)
_of_one("sinh", sinh, "OverflowError")
_of_one("cosh", cosh, "OverflowError")
_of_one("tanh", tanh)
_of_one("asin", asin)
_of_one("acos", acos)
_of_one("atan", atan, poles=(1j, -1j))
_of_one("asinh", asinh)
_of_one("acosh", acosh)
_of_one("atanh", atanh, poles=(1 + 0j, -1 + 0j))
_of_one("log10", log10, poles=(0j,))


# Python forgets the error of cmath.log(0, base) when it takes the logarithm of the base; here it stays one.
@maps(cmath.log, group=_GROUP)
def _log(z: Value, base: Value | None = None) -> Any:
    w = complex_number(z, "cmath.log")
    guards = [Guard(nonzero(w), "ValueError", _DOMAIN)]
    value = python_number(log(w), "complex128")
    if base is None:
        return guarded(value, *guards)
    below = complex_number(base, "cmath.log")
    bottom = python_number(log(below), "complex128")
    guards += [Guard(nonzero(n), "ValueError", _DOMAIN) for n in (below, bottom)]
    return guarded(python_number(divide(value, bottom), "complex128"), *guards)


# --- polar coordinates ---------------------------------------------------------------------------------
def _angle(w: Expr) -> Expr:
    return _float(atan2(_float(imag(w)), _float(real(w))))


@maps(cmath.phase, group=_GROUP)
def _phase(z: Value) -> Any:
    return _angle(complex_number(z, "cmath.phase"))


@maps(cmath.polar, group=_GROUP)
def _polar(z: Value) -> Any:
    w = complex_number(z, "cmath.polar")
    size = _float(absolute(w))
    ok = implied(_parts_finite(w), is_finite(size))
    return guarded((size, _angle(w)), Guard(ok, "OverflowError", _RANGE))


@maps(cmath.rect, group=_GROUP)
def _rect(r: Value, phi: Value) -> Any:
    length, angle = _float(number(r, "cmath.rect")), _float(number(phi, "cmath.rect"))
    value = from_parts(times(length, cos(angle)), times(length, sin(angle)))
    infinite = logical_and(isinf(angle), logical_and(eq(length, length), ne(length, const(0))))
    ok = eq(python_number(infinite, "int64"), const(0))
    return guarded(python_number(value, "complex128"), Guard(ok, "ValueError", _DOMAIN))


# --- kinds ---------------------------------------------------------------------------------------------
def _kind(name: str, build: Callable[[Any], Expr], join: Callable[[Any, Any], Expr]) -> None:
    def entry(z: Value) -> Any:
        w = complex_number(z, f"cmath.{name}")
        return python_number(join(build(_float(real(w))), build(_float(imag(w)))), "bool")

    maps(getattr(cmath, name), group=_GROUP, title=f"cmath.{name}")(entry)


_kind("isnan", isnan, logical_or)
_kind("isinf", isinf, logical_or)
_kind("isfinite", isfinite, logical_and)

_NEAR, _NOTHING = const(1e-09), const(0.0)  # the defaults of the original


@maps(cmath.isclose, group=_GROUP)
def _isclose(a: Value, b: Value, *, rel_tol: Value = _NEAR, abs_tol: Value = _NOTHING) -> Any:
    x, y = complex_number(a, "cmath.isclose"), complex_number(b, "cmath.isclose")
    distance = _float(absolute(x - y))
    larger = maximum(_float(absolute(x)), _float(absolute(y)))
    near = logical_or(le(distance, times(_float(rel_tol), larger)), le(distance, _float(abs_tol)))
    finite = lt(larger, _INF)
    value = logical_or(eq(x, y), logical_and(finite, near))
    return python_number(value, "bool")
