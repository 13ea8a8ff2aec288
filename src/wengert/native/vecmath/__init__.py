"""Mathematical functions as macros: they write their instructions into a function's text.

`MACROS` has them by name: ``macro(function, x, kind)``, with ``y`` before ``kind`` for ``atan2 hypot pow``,
gives the value's name. They work for any lanes of float64 and float32, need no library, and do what C99 says
of zeros, infinities and NaN. Some begin new blocks: what comes next is in ``function.current``. What two of
them share is computed once.

>>> from wengert.native.text import Module, kind
>>> f = Module().function("f", [("<8 x double>", "x")], "<8 x double>")
>>> f.ret(MACROS["exp"](f, "%x", kind("double", 8)))
>>> f.text().count("@llvm.fma") > 10, "@exp" in f.text()
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable

from wengert.native.vecmath import error, exponential, inverse, logarithm, power, trigonometric
from wengert.native.vecmath.trigonometric import sincos

__all__ = ["BINARY", "LIBRARY_WHEN_SCALAR", "MACROS", "sincos"]

MACROS: dict[str, Callable[..., str]] = {
    "acos": inverse.acos,
    "acosh": logarithm.acosh,
    "asin": inverse.asin,
    "asinh": logarithm.asinh,
    "atan": inverse.atan,
    "atan2": inverse.atan2,
    "atanh": logarithm.atanh,
    "cbrt": power.cbrt,
    "cos": trigonometric.cos,
    "cosh": exponential.cosh,
    "erf": error.erf,
    "erfc": error.erfc,
    "exp": exponential.exp,
    "exp2": exponential.exp2,
    "expm1": exponential.expm1,
    "hypot": power.hypot,
    "log": logarithm.log,
    "log10": logarithm.log10,
    "log1p": logarithm.log1p,
    "log2": logarithm.log2,
    "log_sigmoid": logarithm.log_sigmoid,
    "pow": power.pow,
    "sigmoid": exponential.sigmoid,
    "sin": trigonometric.sin,
    "sinh": exponential.sinh,
    "softplus": logarithm.softplus,
    "tan": trigonometric.tan,
    "tanh": exponential.tanh,
}
"""The macros by C's names, and those of machine learning."""

BINARY = frozenset({"atan2", "hypot", "pow"})
"""Those with two arguments."""

LIBRARY_WHEN_SCALAR = frozenset(
    {
        "acos", "acosh", "asin", "asinh", "atanh", "erf", "erfc", "exp", "exp2", "log", "log10", "log1p",
        "log2", "pow",
    }
)  # fmt: skip
"""Where the function of this name in C's library takes a single number faster, with less code.

Measured with glibc 2.36: 1.3 to 2.3 times faster for ``exp exp2 log log2 pow``, little for the others.
"""
