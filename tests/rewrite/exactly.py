"""Values of scalar formulas to 100 digits, by mpmath: floats say little at large arguments."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath as mp

from wengert.ir.node import Expr
from wengert.ir.walk import order

__all__ = ["exact_value"]

_SAME = (
    "exp log sqrt sin cos tan sinh cosh tanh sec csc cot asin acos atan asinh acosh atanh erf erfc erfinv"
    " gamma digamma expm1 log1p cbrt hypot"
)
_OPS: dict[str, Any] = {name: getattr(mp, name) for name in _SAME.split()}
_OPS |= {
    "div": lambda a, b: a / b,
    "abs": abs,
    "sign": mp.sign,
    "heaviside": lambda x: mp.mpf(0) if x < 0 else mp.mpf(1) if x > 0 else mp.mpf("0.5"),
    "lgamma": lambda x: mp.log(abs(mp.gamma(x))),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "log_sigmoid": lambda x: -mp.log(1 + mp.exp(-x)),
    "logit": lambda x: mp.log(x / (1 - x)),
    "logaddexp": lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
    "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "log10": lambda x: mp.log(x) / mp.log(10),
    "xlogy": lambda x, y: mp.mpf(0) if x == 0 else x * mp.log(y),
    "usinc": lambda x: mp.sinc(x),
    "exprel": lambda x: mp.mpf(1) if x == 0 else mp.expm1(x) / x,
    "log1prel": lambda x: mp.mpf(1) if x == 0 else mp.log1p(x) / x,
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "erfcinv": lambda x: mp.erfinv(1 - x),
    "log_ndtr": lambda x: mp.log(mp.ncdf(x)),
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "logical_not": lambda a: not a,
    "where": lambda c, a, b: a if c else b,
    "maximum": max,
    "minimum": min,
}


def exact_value(expr: Expr, values: Mapping[str, float]) -> Any:
    """The value as an mpmath number; ``None`` where the formula is undefined, complex or not in the list.

    Raises:
        KeyError: an op that is not in the list.
    """
    found: dict[Expr, Any] = {}
    with mp.workdps(100):
        for node in order([expr]):
            args = [found[a] for a in node.args]
            try:
                value = _apply(node, args, values)
            except (ZeroDivisionError, ValueError, OverflowError, TypeError):
                value = mp.nan
            found[node] = mp.nan if isinstance(value, mp.mpc) else value
    result = found[expr]
    return None if isinstance(result, mp.mpf) and not mp.isfinite(result) else result


def _apply(node: Expr, args: list[Any], values: Mapping[str, float]) -> Any:
    name, attr = node.op.name, node.attr
    if name == "symbol":
        return mp.mpf(values[attr.name])
    if name == "constant":
        return _number(attr)
    if name == "named":
        return mp.pi if attr.name == "pi" else mp.e
    if name != "where" and any(isinstance(a, mp.mpf) and mp.isnan(a) for a in args):
        return mp.nan
    if name == "lin":
        return mp.fsum(_number(c) * a for c, a in zip(attr, args, strict=True))
    if name == "ein":
        return mp.fprod(args)
    if name == "pow":
        base, exponent = args
        return base ** (int(exponent) if exponent == int(exponent) else exponent)
    return _OPS[name](*args)


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, Fraction):
        return mp.mpf(value.numerator) / value.denominator
    return mp.mpf(value)
