"""Functions of Python numbers that give what NumPy gives: infinity and NaN where Python would raise.

Emitted source carries the text of those that it calls. They need nothing but ``math`` and ``np``.
"""

# the names are private in the source that they are copied into

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

__all__ = ["MATH", "OF_SCALARS", "helper_source", "helpers", "math_helper"]

# Any, in all of these: Python's and NumPy's numbers.


def _divide(a: Any, b: Any) -> Any:
    try:
        return a / b
    except ZeroDivisionError:
        with np.errstate(all="ignore"):
            return np.divide(a, b)


def _floordiv(a: Any, b: Any) -> Any:
    try:
        return a // b
    except ZeroDivisionError:
        with np.errstate(all="ignore"):
            return np.floor_divide(a, b)


def _mod(a: Any, b: Any) -> Any:
    try:
        return a % b
    except ZeroDivisionError:
        with np.errstate(all="ignore"):
            return np.remainder(a, b)


def _power(a: Any, b: Any) -> Any:
    try:
        c = a**b
    except ArithmeticError:
        with np.errstate(all="ignore"):
            return np.power(float(a), b)
    return math.nan if isinstance(c, complex) else c


def _complex_power(a: Any, b: Any) -> Any:
    try:
        return a**b
    except ArithmeticError:
        with np.errstate(all="ignore"):
            return np.power(a, b)


def _maximum(a: Any, b: Any) -> Any:
    return a if a >= b or a != a else b


def _minimum(a: Any, b: Any) -> Any:
    return a if a <= b or a != a else b


def _sign(x: Any) -> Any:
    return 1.0 if x > 0 else -1.0 if x < 0 else x


def _floor(x: Any) -> Any:
    try:
        return float(math.floor(x))
    except (ValueError, OverflowError):
        return x


def _ceil(x: Any) -> Any:
    try:
        return float(math.ceil(x))
    except (ValueError, OverflowError):
        return x


def _trunc(x: Any) -> Any:
    try:
        return float(math.trunc(x))
    except (ValueError, OverflowError):
        return x


def _round(x: Any) -> Any:
    try:
        return float(round(x))
    except (ValueError, OverflowError):
        return x


helpers: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        _divide, _floordiv, _mod, _power, _complex_power, _maximum, _minimum, _sign, _floor, _ceil,
        _trunc, _round,
    )
}  # fmt: skip

# NumPy's functions that math has too: its name there, and whether that one never raises.
MATH: dict[str, tuple[str, bool]] = {
    "np.sin": ("sin", False),
    "np.cos": ("cos", False),
    "np.tan": ("tan", False),
    "np.arcsin": ("asin", False),
    "np.arccos": ("acos", False),
    "np.arctan": ("atan", True),
    "np.arctan2": ("atan2", True),
    "np.sinh": ("sinh", False),
    "np.cosh": ("cosh", False),
    "np.tanh": ("tanh", True),
    "np.arcsinh": ("asinh", True),
    "np.arccosh": ("acosh", False),
    "np.arctanh": ("atanh", False),
    "np.exp": ("exp", False),
    "np.expm1": ("expm1", False),
    "np.log": ("log", False),
    "np.log1p": ("log1p", False),
    "np.log2": ("log2", False),
    "np.log10": ("log10", False),
    "np.sqrt": ("sqrt", False),
    "np.hypot": ("hypot", True),
    "scipy.special.erf": ("erf", True),
    "scipy.special.erfc": ("erfc", True),
}

# NumPy's functions of floats, as helpers or Python's own: templates.
OF_SCALARS: dict[str, str] = {
    "np.absolute": "abs({0})",
    "np.maximum": "_maximum({0}, {1})",
    "np.minimum": "_minimum({0}, {1})",
    "np.sign": "_sign({0})",
    "np.floor": "_floor({0})",
    "np.ceil": "_ceil({0})",
    "np.trunc": "_trunc({0})",
    "np.round": "_round({0})",
}

_PARTIAL = """\
def _{math}(x):
    try:
        return math.{math}(x)
    except (ValueError, OverflowError):
        with np.errstate(all="ignore"):
            return {numpy}(x)
"""


def math_helper(numpy: str) -> str:
    """The name of the helper for one of NumPy's functions in :data:`MATH`."""
    return f"_{MATH[numpy][0]}"


_of_math = {math_helper(name): name for name, (_, total) in MATH.items() if not total}


@cache
def helper_source(name: str) -> str:
    """The source of a helper.

    >>> print(helper_source("_sign"))
    def _sign(x):
        return 1.0 if x > 0 else -1.0 if x < 0 else x
    """
    if name in _of_math:
        numpy = _of_math[name]
        return _PARTIAL.format(math=MATH[numpy][0], numpy=numpy).rstrip()
    return bare_source(helpers[name])


def bare_source(function: Callable[..., Any]) -> str:
    """The source of a function of this package, without what only a type checker reads."""
    lines = textwrap.dedent(inspect.getsource(function)).rstrip().split("\n")
    end = next(i for i, line in enumerate(lines) if line.endswith(":"))
    head = f"def {function.__name__}{_bare(inspect.signature(function))}:"
    return "\n".join([head, *lines[end + 1 :]])


def _bare(signature: inspect.Signature) -> str:
    parameters = [
        p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()
    ]
    return str(inspect.Signature(parameters))
