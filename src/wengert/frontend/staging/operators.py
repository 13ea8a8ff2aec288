"""Python's operators on handles: Python's rules between Python numbers, NumPy's where an array takes part."""

from __future__ import annotations

import operator
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.staging.context import active, refuse
from wengert.frontend.staging.effects import require
from wengert.frontend.staging.extents import applied
from wengert.frontend.staging.handles import (
    PYTHON_NUMBERS,
    Array,
    Handle,
    Partial,
    Scalar,
    is_number,
    plain_number,
    scalar_of,
    to_expr,
    type_of,
    wrap,
)
from wengert.frontend.staging.narrow import widened
from wengert.frontend.table import entry_of
from wengert.ir.node import Expr

__all__ = ["BINARY", "COMPARISONS", "augmented", "binary", "compared", "power", "unary"]

# Any: operands are whatever the program has.
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "@": operator.matmul,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift,
    ">>": operator.rshift,
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_UFUNCS: dict[str, Any] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "//": np.floor_divide,
    "%": np.remainder, "**": np.power, "@": np.matmul, "&": np.bitwise_and, "|": np.bitwise_or,
    "^": np.bitwise_xor, "<<": np.left_shift, ">>": np.right_shift, "<": np.less,
    "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal,
    "!=": np.not_equal,
}  # fmt: skip
_UNARY: dict[str, Any] = {"-": np.negative, "+": np.positive, "~": np.invert, "abs": np.absolute}


def _is_python(value: Any) -> bool:
    """Whether a value is a Python number, known or not."""
    if isinstance(value, Scalar):
        return value.weak
    return type(value) in PYTHON_NUMBERS


def _certain(value: Any) -> Any:
    while isinstance(value, Partial):
        value = value.certain()
    if isinstance(value, Enum) and is_number(value):
        return plain_number(value)
    return value


def binary(op: str, a: Any, b: Any) -> Any:
    """``a op b`` where one of them is a handle; ``NotImplemented`` if the other is no number."""
    a, b = _certain(a), _certain(b)
    if not isinstance(a, Handle) and not isinstance(b, Handle):
        return BINARY[op](a, b)
    if not is_number(a) or not is_number(b):
        if (isinstance(b, (list, tuple)) and isinstance(a, (Array, np.ndarray))) or (
            isinstance(a, (list, tuple)) and isinstance(b, (Array, np.ndarray))
        ):
            from wengert.frontend.staging.calls import array_of

            a = array_of(a) if isinstance(a, (list, tuple)) else a
            b = array_of(b) if isinstance(b, (list, tuple)) else b
        else:
            return NotImplemented
    if _is_python(a) and _is_python(b):
        return _python(op, a, b)
    return _numpy(_UFUNCS[op], a, b)


def _python(op: str, a: Any, b: Any) -> Any:
    """An operator between Python numbers."""
    from wengert.frontend.python_operators import python_operator

    if op in ("+", "-") and _is_step(a, b):
        # A counter would need centuries to leave 64 bits.
        result = python_operator(op, to_expr(a), to_expr(b), bound=_bound)
        return scalar_of(getattr(result, "value", result))
    return guarded(python_operator(op, to_expr(a), to_expr(b), bound=_bound))


_SMALL = 2**20


def _is_step(a: Any, b: Any) -> bool:
    """Whether one operand is a small integer that is known and the other an integer."""
    for x, y in ((a, b), (b, a)):
        if type(x) is int and abs(x) <= _SMALL and isinstance(y, Scalar):
            return type_of(y).dtype == "int64"
    return False


def guarded(result: Any) -> Any:
    """The value of an entry that Python may answer with an error, which becomes a check."""
    if isinstance(result, Expr):
        return scalar_of(result)
    if isinstance(result, tuple) and not hasattr(result, "guards"):
        return tuple(guarded(r) for r in result)
    guards = getattr(result, "guards", None)
    if guards is None:
        return result
    for guard in guards:
        require(*guard)
    return guarded(result.value)


def _numpy(ufunc: Any, *operands: Any) -> Any:
    entry = entry_of(ufunc)
    if entry is None:
        refuse(f"numpy.{ufunc.__name__} is not supported; mode='tape' may be")
    function = entry.function
    try:
        given = widened(ufunc, operands)
        found = applied(ufunc, lambda given: function(*map(to_expr, given)), given)
        return wrap(found)
    except ShapeError as error:
        kinds = " and ".join(str(type_of(o)) for o in operands)
        refuse(f"operands of `{ufunc.__name__}` do not fit together: {kinds}; {error}")
    except TypeMismatchError as error:
        refuse(str(error))


def power(a: Any, b: Any, modulus: Any = None) -> Any:
    """``pow(a, b)``."""
    if modulus is not None:
        refuse("pow with three arguments is not supported on run-time values; use (a ** b) % m")
    return binary("**", a, b)


def compared(op: str, a: Any, b: Any) -> Any:
    """``a op b`` for a comparison."""
    a, b = _certain(a), _certain(b)
    if not is_number(a) or not is_number(b):
        strong = any(
            isinstance(v, (Array, np.ndarray)) or (isinstance(v, Scalar) and not v.weak)
            for v in (a, b)
        )
        if strong and all(is_number(v) or isinstance(v, (list, tuple)) for v in (a, b)):
            from wengert.frontend.staging.calls import array_of

            a = array_of(a) if isinstance(a, (list, tuple)) else a
            b = array_of(b) if isinstance(b, (list, tuple)) else b
        else:
            return NotImplemented
    if _is_python(a) and _is_python(b):
        from wengert.frontend.python_operators import python_operator

        if _is_truth(a) and _is_truth(b):
            found = _numpy(_UFUNCS[op], a, b)
            return Scalar(found.expr, python=True) if isinstance(found, Scalar) else bool(found)
        result = guarded(python_operator(op, to_expr(a), to_expr(b), bound=_bound))
        return Scalar(result.expr, python=True) if isinstance(result, Scalar) else bool(result)
    return _numpy(_UFUNCS[op], a, b)


def _is_truth(value: Any) -> bool:
    return type_of(value).dtype == "bool"


def unary(op: str, a: Any) -> Any:
    """``-a``, ``+a``, ``~a`` and ``abs(a)``."""
    a = _certain(a)
    if isinstance(a, Scalar) and a.weak:
        from wengert.frontend.python_operators import python_operator

        return guarded(python_operator(op, a.expr, bound=_bound))
    return _numpy(_UNARY[op], a)


def _bound(node: Expr) -> int | None:
    return active().magnitude(node)


def augmented(op: str, a: Any, b: Any) -> Any:
    """``a op= b``: arrays change in place, numbers are bound anew."""
    a, b = _certain(a), _certain(b)
    if not isinstance(a, Array):
        result = binary(op, a, b)
        if result is NotImplemented:
            raise TypeError(
                f"unsupported operand type(s) for {op}=: '{type(a).__name__}' and '{type(b).__name__}'"
            )
        return result
    result = binary(op, a, b)
    if result is NotImplemented:
        raise TypeError(f"unsupported operand type(s) for {op}=")
    store(a, result)
    return a


def store(target: Array, value: Any) -> None:
    """``target[...] = value`` with NumPy's casting of in-place operators."""
    from wengert.frontend.staging.indexing import fitted

    target.write(fitted(target, value, in_place=True))


def _left(op: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: binary(op, self, other)


def _right(op: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: binary(op, other, self)


def _comparison(op: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: compared(op, self, other)


def _in_place(op: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: augmented(op, self, other)


def _truth(self: Handle) -> bool:
    from wengert.frontend.staging.truth import truth

    return truth(self)


def _passive(kind: str) -> Callable[[Any], Any]:
    def convert(self: Handle) -> Any:
        from wengert.frontend.staging.handles import concrete, is_active

        if active().eager and is_active(self) and not active().stopped:
            refuse(
                f"{kind}() takes a plain number out of a value that is differentiated, and the "
                "derivative would be lost; use wengert.stop_gradient(x) if that is meant"
            )
        kinds: dict[str, Callable[[Any], Any]] = {
            "float": float, "int": int, "complex": complex, "index": operator.index,
        }  # fmt: skip
        return kinds[kind](concrete(self, f"{kind}() of a number"))

    return convert


_NAMES = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow",
    "@": "matmul", "&": "and", "|": "or", "^": "xor", "<<": "lshift", ">>": "rshift",
}  # fmt: skip
for _op, _name in _NAMES.items():
    setattr(Handle, f"__{_name}__", _left(_op))
    setattr(Handle, f"__r{_name}__", _right(_op))
    setattr(Array, f"__i{_name}__", _in_place(_op))
for _op, _name in {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne"}.items():
    setattr(Handle, f"__{_name}__", _comparison(_op))
for _op, _name in {"-": "neg", "+": "pos", "~": "invert", "abs": "abs"}.items():
    setattr(Handle, f"__{_name}__", lambda self, _op=_op: unary(_op, self))
for _kind in ("float", "int", "complex", "index"):
    setattr(Handle, f"__{_kind}__", _passive(_kind))
Handle.__bool__ = _truth  # type: ignore[attr-defined]
Handle.__hash__ = object.__hash__  # type: ignore[method-assign]
