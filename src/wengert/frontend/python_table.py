"""Python's own functions of numbers: ``abs pow round divmod int float bool complex``.

Between Python numbers they do what Python does, errors included (see :mod:`.python_guards`); arrays get what
NumPy gives.
"""

from __future__ import annotations

import math
from typing import Any

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.python_guards import (
    INT_BITS,
    Guard,
    Guarded,
    Ok,
    as_int,
    guarded,
    is_finite,
    kind_of,
    number,
)
from wengert.frontend.python_operators import python_operator
from wengert.frontend.table import Value, maps
from wengert.ir.node import Expr
from wengert.ops.algebra import multiply
from wengert.ops.choice import absolute, eq, floor_divide, lt, mod, ne, round_
from wengert.ops.complexes import from_parts
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.numbers import python_number, round_decimals
from wengert.ops.powers import power

__all__ = ["Guard", "Guarded", "python_operator", "whole_part"]

_GROUP = "Python numbers"
_BITS = 9.2e18


def _is_python(*nodes: Expr) -> bool:
    """Whether all are Python numbers; truth values are."""
    return all(not n.ndim and (n.value_type.weak or kind_of(n) == "bool") for n in nodes)


# Any, here and below: an expression, a Guarded one, or a tuple of them.
@maps(abs, group=_GROUP)
def _abs(x: Value) -> Any:
    return python_operator("abs", x) if _is_python(x) else absolute(x)


@maps(divmod, group=_GROUP)
def _divmod(x: Value, y: Value) -> Any:
    if _is_python(x, y):
        return python_operator("divmod", x, y)
    return floor_divide(x, y), mod(x, y)


# `mod` names the third parameter of `pow`, and of the function above.
@maps(pow, group=_GROUP)
def _pow(base: Value, exp: Value, mod: Value | None = None) -> Any:
    if mod is not None:
        raise TypeMismatchError(
            worded("pow: argument `mod`", expected="none", got=str(mod), hint="(a ** b) % m")
        )
    return python_operator("**", base, exp) if _is_python(base, exp) else power(base, exp)


# --- conversions -----------------------------------------------------------------------------------------
_NAN = "cannot convert float NaN to integer"
_INFINITE = "cannot convert float infinity to integer"


def whole_part(x: Expr, whole: Expr) -> Any:
    """A float ``whole`` made of ``x`` as a Python int, or the errors of ``int(x)``."""
    not_nan: Ok = eq(x, x)
    fits: Ok = lt(absolute(whole), const(_BITS))
    if is_finite(x) is True:
        not_nan = True
    if x.op is CONSTANT:
        value = float(x.attr)
        not_nan, fits = not math.isnan(value), abs(value) < _BITS
    return guarded(
        python_number(whole, "int64"),
        Guard(not_nan, "ValueError", _NAN),
        Guard(
            True if not_nan is True else ne(absolute(x), const(math.inf)),
            "OverflowError",
            _INFINITE,
        ),
        Guard(fits, "OverflowError", INT_BITS),
    )


@maps(int, group=_GROUP)
def _int(x: Value) -> Any:
    if kind_of(number(x, "int")) in ("bool", "int"):
        return python_number(x, "int64")
    if kind_of(x) == "complex":
        raise _no_complex("int")
    x = python_number(x, "float64")
    return whole_part(x, x)


def _no_complex(what: str) -> TypeMismatchError:
    return TypeMismatchError(
        worded(f"{what}()", expected="a real number", got="a complex one", hint="z.real or abs(z)")
    )


@maps(float, group=_GROUP)
def _float(x: Value) -> Expr:
    if kind_of(number(x, "float")) == "complex":
        raise _no_complex("float")
    return python_number(x, "float64")


@maps(bool, group=_GROUP)
def _bool(x: Value) -> Any:
    return python_operator("bool", number(x, "bool"))


@maps(complex, group=_GROUP)
def _complex(real: Value | None = None, imag: Value | None = None) -> Any:
    first = const(0.0) if real is None else number(real, "complex")
    if imag is None:
        return python_number(first, "complex128")
    second = number(imag, "complex")
    if kind_of(first) == "complex" or kind_of(second) == "complex":
        # complex(a, b) is a + 1j*b then
        turned = multiply(const(1j), python_number(second, "complex128"))
        return python_number(python_number(first, "complex128") + turned, "complex128")
    parts = from_parts(python_number(first, "float64"), python_number(second, "float64"))
    return python_number(parts, "complex128")


# --- rounding --------------------------------------------------------------------------------------------
@maps(round, group=_GROUP)
def _round(number: Value, ndigits: Value | None = None) -> Any:
    kind = kind_of(number)
    if kind == "complex":
        raise _no_complex("round")
    if number.ndim:
        raise TypeMismatchError(
            worded("round", expected="one number", got=f"an array, {number.type}", hint="np.round")
        )
    if kind in ("bool", "int"):
        return _round_integer(number, ndigits)
    if ndigits is None:
        x = python_number(number, "float64")
        return whole_part(x, round_(x))
    return round_decimals(number, _digits(ndigits))


def _digits(ndigits: Expr) -> int:
    digits = as_int(ndigits, "round: argument `ndigits`")
    if digits.op is not CONSTANT:
        raise TypeMismatchError(
            worded("round: argument `ndigits`", expected="a number that is known", got=str(ndigits))
        )
    return int(digits.attr)


def _round_integer(x: Expr, ndigits: Expr | None) -> Expr:
    if ndigits is not None and _digits(ndigits) < 0:
        raise TypeMismatchError(
            worded(
                "round: argument `ndigits`", expected="0 or more for an integer", got=str(ndigits)
            )
        )
    return python_number(x, "int64")
