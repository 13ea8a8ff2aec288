"""NumPy's universal functions and its other functions that work element by element.

The tables at the end say which op stands for which function; NumPy says in which dtype it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, known, only, strong, strong_type
from wengert.frontend.numpy_loops import finished, loop_dtypes, prepared, run_loop
from wengert.frontend.table import Value, maps
from wengert.ir.node import Expr
from wengert.ir.types import is_complex, is_inexact, promote
from wengert.ops.algebra import minus, multiply, negate, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.bessel import i0
from wengert.ops.choice import (
    absolute,
    ceil,
    eq,
    floor,
    floor_divide,
    ge,
    gt,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    maximum,
    minimum,
    mod,
    ne,
    round_,
    sign,
    trunc,
    where,
)
from wengert.ops.complexes import angle, conj, from_parts, imag, real
from wengert.ops.exponential import exp, exp2, expm1, log, log1p, log2, log10
from wengert.ops.floats import (
    binary_exponent,
    copysign,
    fmax,
    fmin,
    fmod,
    isfinite,
    isinf,
    isnan,
    ldexp,
    nextafter,
    signbit,
    spacing,
)
from wengert.ops.integers import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    gcd,
    lcm,
    left_shift,
    right_shift,
)
from wengert.ops.leaves import const
from wengert.ops.logistic import logaddexp
from wengert.ops.masks import nonzero
from wengert.ops.powers import cbrt, power, sqrt
from wengert.ops.reductions import all_
from wengert.ops.removable import sinc
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

__all__ = ["BINARY", "UNARY"]

_GROUP = "Element by element"
_PI = float(np.pi)


# --- where NumPy's functions differ with the dtype -------------------------------------------------------
def _is_bool(node: Expr) -> bool:
    return node.value_type.dtype == "bool"


def _on_truths(
    of_truths: Callable[..., Expr], otherwise: Callable[..., Expr]
) -> Callable[..., Expr]:
    """One function for truth values, another for numbers."""
    return lambda *xs: (of_truths if all(map(_is_bool, xs)) else otherwise)(*xs)


def _on_floats(function: Callable[..., Expr]) -> Callable[..., Expr]:
    """A rounding function, which leaves whole numbers as they are."""
    return lambda x: function(x) if is_inexact(x.value_type) else x


def _reciprocal(x: Expr) -> Expr:
    if not is_inexact(x.value_type):
        raise TypeMismatchError(
            worded(
                "np.reciprocal",
                expected="floating-point numbers",
                got=f"{x.value_type}, of which NumPy drops the fraction",
                hint="1/x",
            )
        )
    return divide(1, x)


def _power(x: Expr, y: Expr) -> Expr:
    exponent = known(y)
    both_whole = not is_inexact(x.value_type) and not is_inexact(y.value_type)
    if both_whole and exponent is not None and np.any(np.less(exponent, 0)):
        raise TypeMismatchError(
            worded(
                "np.power",
                expected="a floating-point base for a negative power",
                got=f"{x.value_type} to {exponent}",
                hint="x.astype(float)",
            )
        )
    return power(x, y)


def _heaviside(x: Expr, middle: Expr) -> Expr:
    nan = const(float("nan"))
    at_zero = where(eq(x, 0), middle, nan)
    return where(lt(x, 0), const(0.0), where(gt(x, 0), const(1.0), at_zero))


def _logaddexp2(x: Expr, y: Expr) -> Expr:
    two = const(float(np.log(2.0)))
    return divide(logaddexp(times(x, two), times(y, two)), two)


def _of_truths(function: Callable[..., Expr]) -> Callable[..., Expr]:
    """A logical function, for which all that is not zero holds."""
    return lambda *xs: function(*(converted(x, "bool") for x in xs))


def _rint(x: Expr) -> Expr:
    if is_complex(x.value_type):
        return from_parts(round_(real(x)), round_(imag(x)))
    return round_(x)


def _square(x: Expr) -> Expr:
    return power(x, 2)


def _scaled_by(factor: float) -> Callable[[Expr], Expr]:
    return lambda x: times(x, const(factor))


# --- the universal functions ------------------------------------------------------------------------------
UNARY: dict[np.ufunc, Callable[..., Expr]] = {
    np.sin: sin, np.cos: cos, np.tan: tan, np.arcsin: asin, np.arccos: acos, np.arctan: atan,
    np.sinh: sinh, np.cosh: cosh, np.tanh: tanh, np.arcsinh: asinh, np.arccosh: acosh, np.arctanh: atanh,
    np.exp: exp, np.exp2: exp2, np.expm1: expm1, np.log: log, np.log2: log2, np.log10: log10,
    np.log1p: log1p, np.sqrt: sqrt, np.cbrt: cbrt, np.square: _square, np.reciprocal: _reciprocal,
    np.negative: negate, np.positive: lambda x: x, np.sign: sign, np.fabs: absolute,
    np.absolute: _on_truths(lambda x: x, absolute), np.conjugate: conj, np.degrees: _scaled_by(180 / _PI),
    np.rad2deg: _scaled_by(180 / _PI), np.radians: _scaled_by(_PI / 180),
    np.deg2rad: _scaled_by(_PI / 180), np.floor: _on_floats(floor), np.ceil: _on_floats(ceil),
    np.trunc: _on_floats(trunc), np.rint: _rint, np.isnan: isnan, np.isinf: isinf, np.isfinite: isfinite,
    np.signbit: signbit, np.spacing: spacing, np.logical_not: _of_truths(logical_not),
    np.invert: _on_truths(logical_not, bitwise_not),
}  # fmt: skip

BINARY: dict[np.ufunc, Callable[..., Expr]] = {
    np.add: _on_truths(logical_or, plus), np.subtract: minus, np.multiply: _on_truths(logical_and, times),
    np.divide: divide, np.floor_divide: floor_divide, np.remainder: mod, np.fmod: fmod, np.power: _power,
    np.float_power: power, np.arctan2: atan2, np.hypot: hypot,
    np.maximum: _on_truths(logical_or, maximum), np.minimum: _on_truths(logical_and, minimum),
    np.fmax: _on_truths(logical_or, fmax), np.fmin: _on_truths(logical_and, fmin),
    np.logaddexp: logaddexp, np.logaddexp2: _logaddexp2, np.copysign: copysign, np.nextafter: nextafter,
    np.ldexp: ldexp, np.heaviside: _heaviside, np.equal: eq, np.not_equal: ne, np.less: lt,
    np.less_equal: le, np.greater: gt, np.greater_equal: ge, np.logical_and: _of_truths(logical_and),
    np.logical_or: _of_truths(logical_or), np.logical_xor: _of_truths(ne),
    np.bitwise_and: _on_truths(logical_and, bitwise_and),
    np.bitwise_or: _on_truths(logical_or, bitwise_or), np.bitwise_xor: _on_truths(ne, bitwise_xor),
    np.left_shift: left_shift, np.right_shift: right_shift, np.gcd: gcd, np.lcm: lcm,
}  # fmt: skip


def _unary(ufunc: np.ufunc, build: Callable[..., Expr]) -> None:
    @maps(ufunc, group=_GROUP)
    def function(x: Value, /, dtype: Any = None) -> Expr:
        return run_loop(ufunc, build, (x,), dtype)


def _binary(ufunc: np.ufunc, build: Callable[..., Expr]) -> None:
    @maps(ufunc, group=_GROUP)
    def function(x1: Value, x2: Value, /, dtype: Any = None) -> Expr:
        return run_loop(ufunc, build, (x1, x2), dtype)


for _ufunc, _build in UNARY.items():
    _unary(_ufunc, _build)
for _ufunc, _build in BINARY.items():
    _binary(_ufunc, _build)


# --- universal functions with two results -----------------------------------------------------------------
@maps(np.divmod, group=_GROUP)
def divmod_(x1: Value, x2: Value, /, dtype: Any = None) -> tuple[Expr, Expr]:
    """Quotient rounded down, and remainder."""
    whole = run_loop(np.floor_divide, floor_divide, (x1, x2), dtype)
    return whole, run_loop(np.remainder, mod, (x1, x2), dtype)


@maps(np.modf, group=_GROUP)
def modf(x: Value, /, dtype: Any = None) -> tuple[Expr, Expr]:
    """Fraction and whole part, both with the sign of ``x``."""
    (x,) = prepared(np.modf, (x,), dtype)
    fraction = where(isinf(x), copysign(const(0.0), x), fmod(x, const(1.0)))
    return finished(fraction, x.value_type.dtype), trunc(x)


@maps(np.frexp, group=_GROUP)
def frexp(x: Value, /) -> tuple[Expr, Expr]:
    """Mantissa in [1/2, 1) and exponent of two."""
    (x,) = prepared(np.frexp, (x,))
    exponent = binary_exponent(x)
    return ldexp(x, negate(exponent)), exponent


# --- selection and limits ---------------------------------------------------------------------------------
@maps(np.where, group=_GROUP)
def where_(
    condition: Value, x: Value | None = None, y: Value | None = None, /
) -> Expr | tuple[Expr, ...]:
    """``x`` where the condition holds, else ``y``; the condition alone: where it holds."""
    if x is None and y is None:
        return nonzero(strong(condition))
    if x is None or y is None:
        raise TypeMismatchError(worded("np.where", expected="one argument or three", got="two"))
    result = where(converted(condition, "bool"), x, y)
    return finished(result, strong_type(promote(x.value_type, y.value_type)).dtype)


@maps(np.clip, group=_GROUP)
def clip(
    a: Value,
    a_min: Value | None = None,
    a_max: Value | None = None,
    out: None = None,
    *,
    min: Value | None = None,  # noqa: A002  # NumPy's names
    max: Value | None = None,  # noqa: A002
) -> Expr:
    """``a`` limited to ``[a_min, a_max]``; a bound that is ``None`` is none."""
    only("np.clip", "out", out, None)
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        return strong(a)
    if high is None:
        assert low is not None
        return run_loop(np.maximum, BINARY[np.maximum], (a, low))
    if low is None:
        return run_loop(np.minimum, BINARY[np.minimum], (a, high))
    dtype = loop_dtypes(_CLIP, (a, low, high))[-1]
    a, low, high = prepared(_CLIP, (a, low, high))
    return finished(minimum(maximum(a, low), high), dtype)


_CLIP: Any = np._core.umath.clip  # type: ignore[attr-defined]  # a ufunc without a public name


# --- rounding ---------------------------------------------------------------------------------------------
@maps(np.round, np.around, group=_GROUP)
def round_to(a: Value, decimals: int = 0, out: None = None) -> Expr:
    """Rounded to a number of decimal places, halves to even as far as they are exact."""
    only("np.round", "out", out, None)
    a, decimals = strong(a), int(known(decimals))
    if not is_inexact(a.value_type):
        loop_dtypes(np.multiply, (a, const(1)))
        if _is_bool(a):
            loop_dtypes(np.rint, (a,))  # refuses: NumPy rounds truth values in half precision
        if decimals >= 0:
            return a
        rounded = _rounded(converted(a, "float64"), decimals)
        return converted(rounded, a.value_type.dtype)
    if is_complex(a.value_type):
        return from_parts(_rounded(real(a), decimals), _rounded(imag(a), decimals))
    return _rounded(a, decimals)


def _rounded(a: Expr, decimals: int) -> Expr:
    if decimals == 0:
        return round_(a)
    factor = const(float(10 ** abs(decimals)))
    if decimals > 0:
        return divide(round_(times(a, factor)), factor)
    return times(round_(divide(a, factor)), factor)


@maps(np.fix, group=_GROUP)
def fix(x: Value, out: None = None) -> Expr:
    """The whole part, towards zero."""
    only("np.fix", "out", out, None)
    return run_loop(np.trunc, UNARY[np.trunc], (x,))


# --- complex numbers --------------------------------------------------------------------------------------
@maps(np.real, group=_GROUP)
def real_(val: Value) -> Expr:
    """The real part."""
    return real(strong(val))


@maps(np.imag, group=_GROUP)
def imag_(val: Value) -> Expr:
    """The imaginary part; zeros of real values."""
    val = strong(val)
    part = imag(val)
    return part if is_complex(val.value_type) else finished(part, val.value_type.dtype)


@maps(np.angle, group=_GROUP)
def angle_(z: Value, deg: bool = False) -> Expr:
    """The angle from the positive real axis."""
    z = strong(z)
    if not is_inexact(z.value_type):
        z = converted(z, "float64")
    turned = angle(z)
    return times(turned, const(180 / _PI)) if known(deg) else turned


@maps(np.iscomplexobj, group=_GROUP)
def iscomplexobj(x: Value) -> bool:
    """Whether the dtype is complex."""
    return is_complex(x.value_type)


@maps(np.isrealobj, group=_GROUP)
def isrealobj(x: Value) -> bool:
    """Whether the dtype is not complex."""
    return not is_complex(x.value_type)


@maps(np.iscomplex, group=_GROUP)
def iscomplex(x: Value) -> Expr:
    """Where the imaginary part is not zero."""
    return ne(imag(x), 0)


@maps(np.isreal, group=_GROUP)
def isreal(x: Value) -> Expr:
    """Where the imaginary part is zero."""
    return eq(imag(x), 0)


# --- further functions ------------------------------------------------------------------------------------
def _as_float(x: Expr) -> Expr:
    """A strong value, whole numbers as ``float64``."""
    x = strong(x)
    return x if is_inexact(x.value_type) else converted(x, "float64")


@maps(np.sinc, group=_GROUP)
def sinc_(x: Value) -> Expr:
    """``sin(pi*x)/(pi*x)``."""
    return sinc(_as_float(x))


@maps(np.i0, group=_GROUP)
def i0_(x: Value) -> Expr:
    """The modified Bessel function of order 0."""
    return i0(_as_float(x))


@maps(np.nan_to_num, group=_GROUP)
def nan_to_num(
    x: Value,
    copy: bool = True,
    nan: Value = 0.0,  # type: ignore[assignment]  # lifted below
    posinf: Value | None = None,
    neginf: Value | None = None,
) -> Expr:
    """NaN and infinities replaced by numbers: by default 0 and the largest ones there are."""
    x = strong(x)
    if is_complex(x.value_type):
        parts = [nan_to_num(part, copy, nan, posinf, neginf) for part in (real(x), imag(x))]
        return from_parts(*parts)
    if not is_inexact(x.value_type):
        return x
    dtype = x.value_type.dtype
    largest = const(float(np.finfo(dtype).max))
    above = largest if posinf is None else posinf
    below = negate(largest) if neginf is None else neginf
    finite = where(eq(x, const(-np.inf)), below, where(eq(x, const(np.inf)), above, x))
    return finished(where(isnan(x), nan, finite), dtype)


@maps(np.isposinf, group=_GROUP)
def isposinf(x: Value, out: None = None) -> Expr:
    """Where it is infinite and positive."""
    only("np.isposinf", "out", out, None)
    return eq(x, const(np.inf))


@maps(np.isneginf, group=_GROUP)
def isneginf(x: Value, out: None = None) -> Expr:
    """Where it is infinite and negative."""
    only("np.isneginf", "out", out, None)
    return eq(x, const(-np.inf))


# --- comparison within a tolerance ------------------------------------------------------------------------
@maps(np.isclose, group=_GROUP)
def isclose(
    a: Value,
    b: Value,
    rtol: Value = 1e-05,  # type: ignore[assignment]  # lifted by the operators
    atol: Value = 1e-08,  # type: ignore[assignment]
    equal_nan: bool = False,
) -> Expr:
    """Where ``abs(a - b) <= atol + rtol*abs(b)``; infinities are close to themselves only."""
    a, b = (converted(x, "int64") if _is_bool(x) else x for x in (a, b))
    within = le(absolute(minus(a, b)), plus(atol, multiply(rtol, absolute(b))))
    close = logical_or(logical_and(within, isfinite(b)), eq(a, b))
    if known(equal_nan):
        close = logical_or(close, logical_and(isnan(a), isnan(b)))
    return close


@maps(np.allclose, group=_GROUP)
def allclose(
    a: Value,
    b: Value,
    rtol: Value = 1e-05,  # type: ignore[assignment]
    atol: Value = 1e-08,  # type: ignore[assignment]
    equal_nan: bool = False,
) -> Expr:
    """Whether all elements are close."""
    return all_(isclose(a, b, rtol, atol, equal_nan))


@maps(np.array_equal, group=_GROUP)
def array_equal(a1: Value, a2: Value, equal_nan: bool = False) -> Expr | bool:
    """Whether shapes and elements are equal."""
    if a1.shape != a2.shape:
        return False
    same = eq(a1, a2)
    if known(equal_nan):
        same = logical_or(same, logical_and(isnan(a1), isnan(a2)))
    return all_(same)


@maps(np.array_equiv, group=_GROUP)
def array_equiv(a1: Value, a2: Value) -> Expr:
    """Whether the elements are equal once broadcast."""
    return all_(eq(a1, a2))
