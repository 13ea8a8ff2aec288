"""Mathematical functions as macros: they write their instructions into a function's text.

`MACROS` has them by name: ``macro(function, x, kind)``, with ``y`` before ``kind`` for ``atan2 hypot pow``,
gives the value's name. They work for any lanes of float64 and float32 and need no library, follow C99 at zeros,
infinities and NaN, and may begin new blocks, so a loop's last block is ``function.current``. What two of them
share is computed once.

>>> from wengert.jit.text import Module, kind
>>> f = Module().function("f", [("<8 x double>", "x")], "<8 x double>")
>>> f.ret(MACROS["exp"](f, "%x", kind("double", 8)))
>>> f.text().count("call <8 x double> @llvm.fma")
13
"""

from __future__ import annotations

from collections.abc import Callable

from wengert.jit.vecmath.error import erf, erfc
from wengert.jit.vecmath.exponential import cosh, exp, exp2, expm1, sigmoid, sinh, tanh
from wengert.jit.vecmath.inverse import acos, asin, atan, atan2
from wengert.jit.vecmath.logarithm import (
    acosh,
    asinh,
    atanh,
    log,
    log1p,
    log2,
    log10,
    log_sigmoid,
    softplus,
)
from wengert.jit.vecmath.power import cbrt, hypot, pow
from wengert.jit.vecmath.trigonometric import cos, sin, sincos, tan

__all__ = ["BINARY", "LIBRARY_WHEN_SCALAR", "MACROS", "sincos"]

MACROS: dict[str, Callable[..., str]] = {
    macro.__name__: macro
    for macro in (
        acos, acosh, asin, asinh, atan, atan2, atanh, cbrt, cos, cosh, erf, erfc, exp, exp2, expm1, hypot, log,
        log10, log1p, log2, log_sigmoid, pow, sigmoid, sin, sinh, softplus, tan, tanh,
    )
}  # fmt: skip
"""The macros by NumPy's names (``acos`` for ``arccos``)."""

BINARY = frozenset({"atan2", "hypot", "pow"})
"""Those with two arguments."""

LIBRARY_WHEN_SCALAR = frozenset({"exp", "log"})
"""Where the C library is the faster one for a single number, with less code."""
