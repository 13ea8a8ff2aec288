"""What the text of a formula means for real numbers, to many digits: written without the package."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import mpmath as m


class UndefinedError(Exception):
    """The formula has no real value here."""


class TooLargeError(Exception):
    """Beyond what is worth computing."""


def _need(condition: bool) -> None:
    if not condition:
        raise UndefinedError


def _real(value: Any) -> Any:
    if isinstance(value, m.mpc):
        _need(value.imag == 0)
        value = value.real
    value = m.mpf(value)
    _need(m.isfinite(value))
    if value and abs(m.log(abs(value))) > 1e6:
        raise TooLargeError
    return value


def _exp(x: Any) -> Any:
    if abs(x) > 1e5:
        raise TooLargeError
    return m.exp(x)


def _within(low: Any, high: Any, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(x: Any) -> Any:
        _need(low <= x <= high)
        return function(x)

    return checked


def _power(a: Any, b: Any) -> Any:
    if b == 0 or a == 1:
        return m.mpf(1)
    _need(a >= 0 or b == m.floor(b))
    _need(a != 0 or b > 0)
    if a and abs(b * m.log(abs(a))) > 1e5:
        raise TooLargeError
    return m.power(a, b)


def _divide(a: Any, b: Any) -> Any:
    _need(b != 0)
    return a / b


def _log(x: Any) -> Any:
    _need(x > 0)
    return m.log(x)


def _xlogy(x: Any, y: Any) -> Any:
    return m.mpf(0) if x == 0 else x * _log(y)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + _exp(-x))


def _softplus(x: Any) -> Any:
    return m.log(1 + _exp(x))


_ANY = m.inf
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sin": m.sin,
    "cos": m.cos,
    "tan": m.tan,
    "exp": _exp,
    "log": _log,
    "sqrt": _within(0, _ANY, m.sqrt),
    "cbrt": lambda x: m.sign(x) * m.cbrt(abs(x)),
    "sinh": lambda x: (_exp(x) - _exp(-x)) / 2,
    "cosh": lambda x: (_exp(x) + _exp(-x)) / 2,
    "tanh": lambda x: _divide(_exp(x) - _exp(-x), _exp(x) + _exp(-x)),
    "asin": _within(-1, 1, m.asin),
    "acos": _within(-1, 1, m.acos),
    "atan": m.atan,
    "asinh": m.asinh,
    "acosh": _within(1, _ANY, m.acosh),
    "atanh": lambda x: _log(_divide(1 + x, 1 - x)) / 2,
    "abs": abs,
    "sign": m.sign,
    "floor": m.floor,
    "ceil": m.ceil,
    "log1p": lambda x: _log(1 + x),
    "expm1": lambda x: _exp(x) - 1,
    "exp2": lambda x: _power(m.mpf(2), x),
    "log2": lambda x: _log(x) / m.log(2),
    "log10": lambda x: _log(x) / m.log(10),
    "square": lambda x: x * x,
    "cosm1": lambda x: m.cos(x) - 1,
    "sec": lambda x: _divide(1, m.cos(x)),
    "csc": lambda x: _divide(1, m.sin(x)),
    "cot": lambda x: _divide(m.cos(x), m.sin(x)),
    "usinc": lambda x: m.sin(x) / x if x else m.mpf(1),
    "sinc": lambda x: m.sincpi(x),
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "log_sigmoid": lambda x: -_softplus(-x),
    "logit": lambda p: _log(p) - _log(1 - p),
    "logaddexp": lambda a, b: m.log(_exp(a) + _exp(b)),
    "hypot": lambda a, b: m.sqrt(a * a + b * b),
    "atan2": m.atan2,
    "mod": lambda a, b: a - b * m.floor(_divide(a, b)),
    "xlogy": _xlogy,
    "xlog1py": lambda x, y: _xlogy(x, 1 + y),
    "max": max,
    "min": min,
    "maximum": max,
    "minimum": min,
    "heaviside": lambda x: (m.sign(x) + 1) / 2,
    "step": lambda x: (m.sign(x) + 1) / 2,
    "erf": m.erf,
    "erfc": m.erfc,
    "einsum": lambda _, *factors: m.fprod(factors),
}
_BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: _divide,
    ast.Pow: _power,
    ast.FloorDiv: lambda a, b: m.floor(_divide(a, b)),
    ast.BitAnd: lambda a, b: a and b,
    ast.BitOr: lambda a, b: a or b,
}
_COMPARED: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: lambda a, b: bool(a < b),
    ast.LtE: lambda a, b: bool(a <= b),
    ast.Gt: lambda a, b: bool(a > b),
    ast.GtE: lambda a, b: bool(a >= b),
    ast.Eq: lambda a, b: bool(a == b),
    ast.NotEq: lambda a, b: bool(a != b),
}


def value(text: str, point: Mapping[str, Any]) -> Any:
    """The value of a formula; parts named by ``let`` are computed when they are needed.

    Raises:
        UndefinedError: it has none.
        TooLargeError: not worth computing.
    """
    parts: dict[str, ast.expr] = {}
    if text.startswith("let "):
        *named, text = text[4:].split(";")
        for item in named:
            name, _, part = item.partition("=")
            parts[name.strip()] = ast.parse(part.strip(), mode="eval").body
    known = {name: m.mpf(x) for name, x in point.items()}
    return _value(ast.parse(text.strip(), mode="eval").body, known, parts)


def _value(node: ast.expr, known: dict[str, Any], parts: dict[str, ast.expr]) -> Any:
    def inner(n: ast.expr) -> Any:
        return _value(n, known, parts)

    match node:
        case ast.Constant(value=bool() | str() as constant):
            return constant
        case ast.Constant(value=constant):
            return m.mpf(constant)
        case ast.Name(id=name):
            if name not in known:
                known[name] = (
                    inner(parts[name]) if name in parts else {"pi": +m.pi, "e": +m.e}[name]
                )
            return known[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -inner(operand)
        case ast.BinOp(left=left, op=op, right=right):
            result = _BINARY[type(op)](inner(left), inner(right))
            return result if isinstance(result, bool) else _real(result)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _COMPARED[type(op)](inner(left), inner(right))
        case ast.Call(func=ast.Name(id="where"), args=[condition, a, b]):
            return inner(a) if inner(condition) else inner(b)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _real(FUNCTIONS[name](*(inner(a) for a in args)))
        case _:
            raise NotImplementedError(ast.dump(node))
