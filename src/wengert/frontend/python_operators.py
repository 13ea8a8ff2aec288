"""Python's operators between Python numbers: exact kinds, exact signs, and the errors that Python raises.

Whole numbers are 64 bits wide in the graph; where a result might not fit, a guard says so. Divisions by zero,
powers that are complex, and float powers that overflow are errors in Python, so they have guards too.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from wengert.errors import TypeMismatchError, worded
from wengert.frontend.python_guards import (
    INT_BITS,
    Bound,
    Guard,
    Guarded,
    Ok,
    guarded,
    implied,
    is_finite,
    kind_of,
    largest,
    message_of,
    no_overflow,
    nonzero,
)
from wengert.ir.node import Expr
from wengert.ir.types import DType
from wengert.ops.algebra import minus, multiply, plus
from wengert.ops.arithmetic import divide
from wengert.ops.choice import (
    absolute,
    eq,
    floor_divide,
    ge,
    gt,
    le,
    logical_and,
    logical_not,
    logical_or,
    lt,
    mod,
    ne,
)
from wengert.ops.integers import (
    bitwise_and,
    bitwise_not,
    bitwise_or,
    bitwise_xor,
    left_shift,
    right_shift,
)
from wengert.ops.leaves import CONSTANT, const, number_of
from wengert.ops.numbers import python_number
from wengert.ops.powers import power

__all__ = ["python_operator"]

# Any, here and below: a value, or a Guarded one.
_DTYPES: dict[str, DType] = {
    "bool": "bool",
    "int": "int64",
    "float": "float64",
    "complex": "complex128",
}
_RANK = {"bool": 0, "int": 1, "float": 2, "complex": 3}
_MOST, _LEAST = 2**63 - 1, -(2**63)
_SAFE = 9.2e18  # below 2**63 by more than the rounding of a float


def _wider(a: Expr, b: Expr) -> str:
    """The kind of ``a + b``; truth values count as integers."""
    return max(kind_of(a), kind_of(b), "int", key=_RANK.__getitem__)


def _as(node: Expr, kind: str) -> Expr:
    return python_number(node, _DTYPES[kind])


def _overflows(ok: Ok) -> Guard:
    return Guard(ok, "OverflowError", INT_BITS)


def _zero_division(ok: Ok, message: str) -> Guard:
    return Guard(ok, "ZeroDivisionError", message)


def _refused(op: str, a: Expr, b: Expr) -> TypeMismatchError:
    return TypeMismatchError(
        worded(
            f"operator {op}", expected="operands that have it", got=f"{kind_of(a)} and {kind_of(b)}"
        )
    )


# --- + - * -----------------------------------------------------------------------------------------------
def _float_fits(op: Callable[[Expr, Expr], Expr], a: Expr, b: Expr) -> Ok:
    """Whether a result is safely below 2**63, told by the same operation on floats."""
    return lt(absolute(op(_as(a, "float"), _as(b, "float"))), const(_SAFE))


def _is_beyond(node: Expr, limit: int) -> bool:
    """Whether a number is known and so large that graphs keep it as a float."""
    return node.op is CONSTANT and abs(int(node.attr)) >= limit


def _sum_fits(a: Expr, b: Expr, sign: int, bound: Bound | None) -> Ok:
    if _is_beyond(a, 2**62) or _is_beyond(b, 2**62):
        return False
    first, second = largest(a, bound), largest(b, bound)
    if first is not None and second is not None and first + second <= _MOST:
        return True
    step = number_of(b)
    if isinstance(step, int):  # the counters of loops
        step *= sign
        return le(a, const(_MOST - step)) if step >= 0 else ge(a, const(_LEAST - step))
    start = number_of(a)
    if sign == 1 and isinstance(start, int):
        return _sum_fits(b, a, 1, bound)
    return _float_fits(plus if sign == 1 else minus, a, b)


def _added(sign: int) -> Callable[[Expr, Expr, Bound | None], Any]:
    op = plus if sign == 1 else minus

    def apply(a: Expr, b: Expr, bound: Bound | None) -> Any:
        kind = _wider(a, b)
        a, b = _as(a, kind), _as(b, kind)
        value = _as(op(a, b), kind)
        return guarded(value, _overflows(_sum_fits(a, b, sign, bound))) if kind == "int" else value

    return apply


def _multiplied(a: Expr, b: Expr, bound: Bound | None) -> Any:
    kind = _wider(a, b)
    a, b = _as(a, kind), _as(b, kind)
    value = _as(multiply(a, b), kind)
    if kind != "int":
        return value
    if _is_beyond(a, 2**53) or _is_beyond(b, 2**53):
        return guarded(value, _overflows(ok=False))
    first, second = largest(a, bound), largest(b, bound)
    fits = first is not None and second is not None and first * second <= _MOST
    return guarded(value, _overflows(True if fits else _float_fits(multiply, a, b)))


# --- / // % ----------------------------------------------------------------------------------------------
def _said(op: Callable[[Any, Any], Any], kind: type, otherwise: str) -> str:
    return message_of(lambda: op(kind(1), kind(0)), otherwise)


_BY_ZERO = {
    ("/", "int"): _said(operator.truediv, int, "division by zero"),
    ("/", "float"): _said(operator.truediv, float, "float division by zero"),
    ("/", "complex"): _said(operator.truediv, complex, "complex division by zero"),
    ("//", "int"): _said(operator.floordiv, int, "integer division or modulo by zero"),
    ("//", "float"): _said(operator.floordiv, float, "float floor division by zero"),
    ("%", "int"): _said(operator.mod, int, "integer modulo by zero"),
    ("%", "float"): _said(operator.mod, float, "float modulo"),
    ("divmod", "int"): _said(divmod, int, "integer division or modulo by zero"),
    ("divmod", "float"): _said(divmod, float, "float divmod()"),
}


def _divided(a: Expr, b: Expr, bound: Bound | None) -> Any:
    kind = _wider(a, b)
    result = "float" if kind == "int" else kind
    value = _as(divide(_as(a, result), _as(b, result)), result)
    return guarded(value, _zero_division(nonzero(b), _BY_ZERO["/", kind]))


def _smallest_by_minus_one(a: Expr, b: Expr, bound: Bound | None) -> Ok:
    """The one quotient of 64-bit integers that does not fit."""
    known, most = number_of(b), largest(a, bound)
    if (most is not None and most < -_LEAST) or (known is not None and known != -1):
        return True
    return logical_or(ne(a, const(_LEAST)), ne(b, const(-1)))


def _whole(op: str, build: Callable[[Any, Any], Expr]) -> Callable[[Expr, Expr, Bound | None], Any]:
    def apply(a: Expr, b: Expr, bound: Bound | None) -> Any:
        kind = _wider(a, b)
        if kind == "complex":
            raise _refused(op, a, b)
        a, b = _as(a, kind), _as(b, kind)
        guards = [_zero_division(nonzero(b), _BY_ZERO[op, kind])]
        if op == "//" and kind == "int":
            guards.append(_overflows(_smallest_by_minus_one(a, b, bound)))
        return guarded(_as(build(a, b), kind), *guards)

    return apply


def _both_parts(a: Expr, b: Expr, bound: Bound | None) -> Any:
    kind = _wider(a, b)
    quotient, rest = _whole("//", floor_divide)(a, b, bound), _whole("%", mod)(a, b, bound)
    guards = [*_guards(quotient), *_guards(rest)]
    said = [g._replace(message=_BY_ZERO["divmod", kind]) if _by_zero(g) else g for g in guards]
    return guarded((_value(quotient), _value(rest)), *dict.fromkeys(said))


def _value(found: Any) -> Any:
    return found.value if isinstance(found, Guarded) else found


def _guards(found: Any) -> tuple[Guard, ...]:
    return found.guards if isinstance(found, Guarded) else ()


def _by_zero(guard: Guard) -> bool:
    return guard.kind == "ZeroDivisionError"


# --- ** --------------------------------------------------------------------------------------------------
_NEGATIVE_POWER = message_of(lambda: 0.0**-1.0, "0.0 cannot be raised to a negative power")
_COMPLEX_POWER = message_of(lambda: 0j**-1, "0.0 to a negative or complex power")
_POWER_RANGE = message_of(lambda: 10.0**400, "(34, 'Numerical result out of range')")
_COMPLEX_RANGE = message_of(lambda: (1e200 + 0j) ** 2, "complex exponentiation")
_ERROR = "wengert.errors.EvaluationError"
_IS_COMPLEX = (
    "a negative number to a fractional power is complex in Python; write complex(a)**b if that is"
    " meant"
)
_IS_FLOAT = (
    "an integer to a negative power is a float in Python, and the sign of the exponent is known only"
    " at run time; write float(a)**b"
)


def _raised(a: Expr, b: Expr, bound: Bound | None) -> Any:
    kind = _wider(a, b)
    if kind == "int":
        return _integer_power(_as(a, "int"), _as(b, "int"), bound)
    if kind == "complex":
        return _complex_power(_as(a, "complex"), b)
    return _float_power(_as(a, "float"), b)


def _integer_power(a: Expr, b: Expr, bound: Bound | None) -> Any:
    exponent = number_of(b)
    if exponent is not None and exponent < 0:
        return _float_power(_as(a, "float"), b)
    value = _as(power(a, b), "int")
    guards = [] if exponent is not None else [Guard(ge(b, const(0)), _ERROR, _IS_FLOAT)]
    size = largest(a, bound)
    if size is None or exponent is None or size ** int(exponent) > _MOST:
        fits = lt(absolute(power(_as(a, "float"), _as(b, "float"))), const(_SAFE))
        guards.append(_overflows(fits))
    return guarded(value, *guards)


def _float_power(a: Expr, b: Expr) -> Any:
    exponent = number_of(b)
    if exponent is None:
        b = _as(b, "float")
    value = _as(power(a, b), "float")
    guards = [_zero_division(_zero_has_power(a, b), _NEGATIVE_POWER)]
    guards.append(Guard(_real_power(a, b), _ERROR, _IS_COMPLEX))
    if exponent is None or not 0 <= exponent <= 1:
        guards.append(Guard(no_overflow(value, a, b), "OverflowError", _POWER_RANGE))
    return guarded(value, *guards)


def _zero_has_power(a: Expr, b: Expr) -> Ok:
    """Not ``0**b`` with a negative ``b``."""
    exponent = number_of(b)
    if exponent is not None:
        return True if exponent >= 0 else nonzero(a)
    # 0.0 to the power of -inf is infinite without an error.
    negative = logical_and(lt(b, const(0)), gt(b, const(-math.inf)))
    return implied(negative, nonzero(a))


def _real_power(a: Expr, b: Expr) -> Ok:
    """Not a negative number to a finite fractional power (NumPy has NaN even for -inf to 0.5)."""
    exponent, base = number_of(b), number_of(a)
    if (exponent is not None and exponent == int(exponent)) or (base is not None and base >= 0):
        return True
    negative: Ok = lt(a, const(0))
    if exponent is not None:
        return logical_not(negative)
    whole = logical_or(eq(mod(b, const(1)), const(0)), logical_not(_expr(is_finite(b))))
    return implied(negative, whole)


def _expr(ok: Ok) -> Expr:
    return const(ok) if isinstance(ok, bool) else ok


def _complex_power(a: Expr, b: Expr) -> Any:
    exponent = number_of(b) if kind_of(b) != "complex" else None
    if exponent is None:
        b = _as(b, "complex")
        has_power: Ok = logical_or(ne(a, const(0)), _is_real_and_positive(b))
    else:
        has_power = True if exponent >= 0 else nonzero(a)
    value = _as(power(a, b), "complex")
    return guarded(
        value,
        _zero_division(has_power, _COMPLEX_POWER),
        Guard(no_overflow(value, a, b), "OverflowError", _COMPLEX_RANGE),
    )


def _is_real_and_positive(b: Expr) -> Expr:
    from wengert.ops.complexes import imag, real

    return logical_and(eq(imag(b), const(0)), ge(real(b), const(0)))


# --- bits ------------------------------------------------------------------------------------------------
def _bits(op: str, build: Callable[[Any, Any], Expr]) -> Callable[[Expr, Expr, Bound | None], Any]:
    def apply(a: Expr, b: Expr, bound: Bound | None) -> Any:
        kinds = {kind_of(a), kind_of(b)}
        if not kinds <= {"bool", "int"}:
            raise _refused(op, a, b)
        kind = "int" if "int" in kinds else "bool"
        return _as(build(_as(a, kind), _as(b, kind)), kind)

    return apply


def _shifted(op: str) -> Callable[[Expr, Expr, Bound | None], Any]:
    def apply(a: Expr, b: Expr, bound: Bound | None) -> Any:
        if not {kind_of(a), kind_of(b)} <= {"bool", "int"}:
            raise _refused(op, a, b)
        a, b = _as(a, "int"), _as(b, "int")
        count, size = number_of(b), largest(a, bound)
        not_negative: Ok = ge(b, const(0)) if count is None else bool(count >= 0)
        guards = [Guard(not_negative, "ValueError", "negative shift count")]
        if op == ">>":
            return guarded(_as(right_shift(a, b), "int"), *guards)
        if size is None or count is None or count < 0 or size << int(count) > _MOST:
            # Multiplied by a power of two, a float stays exact.
            scaled = multiply(_as(a, "float"), power(const(2.0), _as(b, "float")))
            guards.append(_overflows(lt(absolute(scaled), const(_SAFE))))
        return guarded(_as(left_shift(a, b), "int"), *guards)

    return apply


# --- comparisons -----------------------------------------------------------------------------------------
def _comparison(op: str, build: Callable[[Any, Any], Expr]) -> Callable[..., Any]:
    def apply(a: Expr, b: Expr, bound: Bound | None) -> Any:
        kind = _wider(a, b)
        if kind == "complex" and op not in ("==", "!="):
            raise _refused(op, a, b)
        return _as(build(_as(a, kind), _as(b, kind)), "bool")

    return apply


_BINARY: dict[str, Callable[[Expr, Expr, Bound | None], Any]] = {
    "+": _added(1),
    "-": _added(-1),
    "*": _multiplied,
    "/": _divided,
    "//": _whole("//", floor_divide),
    "%": _whole("%", mod),
    "divmod": _both_parts,
    "**": _raised,
    "&": _bits("&", bitwise_and),
    "|": _bits("|", bitwise_or),
    "^": _bits("^", bitwise_xor),
    "<<": _shifted("<<"),
    ">>": _shifted(">>"),
    "<": _comparison("<", lt),
    "<=": _comparison("<=", le),
    ">": _comparison(">", gt),
    ">=": _comparison(">=", ge),
    "==": _comparison("==", eq),
    "!=": _comparison("!=", ne),
}


# --- one operand -----------------------------------------------------------------------------------------
def _not_smallest(a: Expr, bound: Bound | None) -> Guard:
    return _overflows(True if largest(a, bound) is not None else gt(a, const(_LEAST)))


def _negated(a: Expr, bound: Bound | None) -> Any:
    kind = _wider(a, a)
    a = _as(a, kind)
    value = _as(-a, kind)
    return guarded(value, _not_smallest(a, bound)) if kind == "int" else value


def _magnitude(a: Expr, bound: Bound | None) -> Any:
    kind = _wider(a, a)
    a = _as(a, kind)
    value = _as(absolute(a), "float" if kind == "complex" else kind)
    if kind == "int":
        return guarded(value, _not_smallest(a, bound))
    if kind == "complex":
        ok = no_overflow(value, a)
        return guarded(value, Guard(ok, "OverflowError", "absolute value too large"))
    return value


def _inverted(a: Expr, bound: Bound | None) -> Any:
    if kind_of(a) not in ("bool", "int"):
        raise _refused("~", a, a)
    return _as(bitwise_not(_as(a, "int")), "int")


def _truth(a: Expr, bound: Bound | None) -> Any:
    ok = nonzero(a) if kind_of(a) != "bool" else a
    return _as(_expr(ok), "bool")


def _denied(a: Expr, bound: Bound | None) -> Any:
    return _as(logical_not(_truth(a, bound)), "bool")


_UNARY: dict[str, Callable[[Expr, Bound | None], Any]] = {
    "+": lambda a, bound: _as(a, _wider(a, a)),
    "-": _negated,
    "abs": _magnitude,
    "~": _inverted,
    "bool": _truth,
    "not": _denied,
}


def python_operator(op: str, a: Expr, b: Expr | None = None, *, bound: Bound | None = None) -> Any:
    """``a op b`` (or ``op a``) between Python numbers, as Python computes it.

    Operators: ``+ - * / // % divmod ** & | ^ << >> < <= > >= == !=``, and of one operand
    ``+ - ~ abs not bool``. Operands are scalars, taken for Python's ``bool``, ``int``, ``float`` or
    ``complex`` by their dtype. ``bound(node)`` may give a largest absolute value of an integer, which saves
    guards. Returns an expression of weak type, or a :class:`Guarded` one.

    Raises:
        TypeMismatchError: Python has no such operator between these kinds of numbers.

    >>> from wengert.ops.leaves import const
    >>> python_operator("//", const(-7), const(2)).evaluate()
    -4
    """
    if b is None:
        return _UNARY[op](a, bound)
    if a.ndim or b.ndim:
        raise _refused(op, a, b)
    return _BINARY[op](a, b, bound)
