"""Python's operators on numbers: equal in value and kind, or the same error, or refused."""

from __future__ import annotations

import math
import operator
from typing import Any

import pytest
from frontend.python_values import outcome, run, same, weak
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wengert.errors import EvaluationError, TypeMismatchError
from wengert.frontend.python_guards import INT_BITS, Guarded
from wengert.frontend.python_operators import python_operator
from wengert.ir.node import Expr
from wengert.ops.leaves import const, symbol

_BINARY: dict[str, Any] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "divmod": divmod,
    "&": operator.and_, "|": operator.or_, "^": operator.xor, "<<": operator.lshift,
    ">>": operator.rshift, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_UNARY: dict[str, Any] = {
    "+": operator.pos, "-": operator.neg, "~": operator.invert, "abs": abs, "bool": bool,
    "not": operator.not_,
}  # fmt: skip
_FLOATS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -2.5,
    3.0,
    7.25,
    1e-300,
    -1e300,
    1e200,
    math.inf,
    -math.inf,
    math.nan,
]
_INTS = [0, 1, -1, 2, 3, -7, 10, 63, 2**31, 2**62, -(2**62), 2**63 - 1, -(2**63)]
_NUMBERS = st.one_of(
    st.booleans(),
    st.sampled_from(_INTS),
    st.integers(-20, 20),
    st.sampled_from(_FLOATS),
    st.floats(-1e3, 1e3),
)
_PARTS = st.integers(-400, 400).map(lambda n: n / 100)
_COMPLEX = st.builds(complex, _PARTS, _PARTS)
_ROUGH = {"**": 1e-15}  # the power functions of C and of NumPy


def _node(name: str, value: Any, known: bool) -> Expr:
    return const(value) if known else weak(name, type(value))


def _is_wide(value: Any) -> bool:
    several = value if isinstance(value, tuple) else (value,)
    return any(isinstance(v, int) and not -(2**63) <= v < 2**63 for v in several)


def _compare(op: str, want: Any, got: Any, tolerance: float, *given: Any) -> None:
    kind, value = want
    if got[0] == "error" and isinstance(got[1], (EvaluationError, TypeMismatchError)):
        if isinstance(got[1], TypeMismatchError):
            assert isinstance(value, TypeError), f"{op}: refused {got[1]}"
        else:
            # Where the kind of the result depends on the values.
            assert op == "**"
            assert isinstance(value, (complex, float, ArithmeticError))
        return
    if got[0] == "error" and str(got[1]) == INT_BITS:
        inputs = (_is_nearly_wide(a) for a in given)
        assert kind == "error" or _is_wide(value) or _is_nearly_wide(value) or any(inputs)
        return
    if kind == "error":
        assert got[0] == "error", f"{op}: {value!r}, but {got[1]!r}"
        assert type(got[1]) is type(value)
        assert str(got[1]) == str(value)
        return
    assert got[0] == "value", f"{op}: {value!r}, but {got[1]!r}"
    assert same(got[1], value, tolerance), f"{op}: {value!r}, but {got[1]!r}"


def _is_nearly_wide(value: Any) -> bool:
    several = value if isinstance(value, tuple) else (value,)
    return any(isinstance(v, int) and abs(v) >= 2**62 for v in several)


@pytest.mark.parametrize("op", sorted(_BINARY))
@settings(max_examples=60)
@given(a=_NUMBERS, b=_NUMBERS, known=st.sampled_from(["", "a", "b"]))
@example(a=-8.0, b=1 / 3, known="b")
@example(a=-8.0, b=1 / 3, known="")
@example(a=0.0, b=-2, known="b")
@example(a=0, b=-2, known="")
@example(a=2, b=63, known="a")
@example(a=2**62, b=2**62, known="")
@example(a=2**63 - 1, b=1, known="b")
@example(a=2**63 - 2, b=1, known="b")
@example(a=-(2**63), b=-1, known="")
@example(a=-(2**63), b=-1, known="a")
@example(a=1, b=-1, known="a")
@example(a=1e200, b=2, known="b")
@example(a=-math.inf, b=0.5, known="")
@example(a=5.0, b=math.inf, known="")
@example(a=-5.0, b=math.inf, known="")
def test_two_numbers(op: str, a: Any, b: Any, known: str) -> None:
    if op in ("<<", "**") and isinstance(b, int) and abs(b) > 4000:
        b = 70  # Python would compute all the digits
    want = outcome(lambda: _BINARY[op](a, b))
    values = {"a": a, "b": b}
    got = outcome(
        lambda: run(
            python_operator(op, _node("a", a, known == "a"), _node("b", b, known == "b")), values
        )
    )
    if op in ("<", "<=", ">", ">=", "==", "!=") and any(_is_nearly_wide(v) for v in (a, b)):
        return  # an integer beyond 2**53 is compared with a float as a float
    tolerance = _ROUGH.get(op, 0.0)
    if op == "/" and all(isinstance(v, int) for v in (a, b)):
        tolerance = 3e-16  # quotients of integers beyond 2**53
    _compare(op, want, got, tolerance, a, b)


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "**", "==", "!=", "//", "<"])
@settings(max_examples=40)
@given(a=_COMPLEX, b=st.one_of(_COMPLEX, _PARTS, st.integers(-3, 3)), turned=st.booleans())
@example(a=0j, b=-1, turned=False)
@example(a=0j, b=2.0, turned=False)
@example(a=1j, b=0, turned=False)
@example(a=1e200 + 0j, b=2, turned=False)
def test_complex_numbers(op: str, a: complex, b: Any, turned: bool) -> None:
    if turned:
        a, b = b, a
    want = outcome(lambda: _BINARY[op](a, b))
    values = {"a": a, "b": b}
    got = outcome(lambda: run(python_operator(op, weak("a", type(a)), weak("b", type(b))), values))
    if op == "**" and got[0] == want[0] == "value":
        assert type(got[1]) is type(want[1])
        assert abs(got[1] - want[1]) <= 1e-13 * max(abs(want[1]), 1e-300)
        return
    if op in "+-*" and got[0] == "value":
        assert abs(got[1] - want[1]) <= 1e-15 * abs(a) * max(abs(b), 1)  # signs of zeros may differ
        return
    _compare(op, want, got, 4e-16, a, b)


@pytest.mark.parametrize("op", sorted(_UNARY))
@given(a=st.one_of(_NUMBERS, _COMPLEX))
def test_one_number(op: str, a: Any) -> None:
    want = outcome(lambda: _UNARY[op](a))
    if op == "~" and type(a) is bool:
        want = ("value", ~int(a))
    got = outcome(lambda: run(python_operator(op, weak("a", type(a))), {"a": a}))
    _compare(op, want, got, 3e-16, a)


def test_what_cannot_fail_has_no_guard() -> None:
    x, i = weak("x", float), weak("i", int)
    b = weak("b", bool)
    for found in (
        python_operator("+", x, i),
        python_operator("/", x, const(3)),
        python_operator("%", i, const(7)),
        python_operator("//", i, const(2)),
        python_operator("+", b, b),
        python_operator("**", x, const(1)),
        python_operator("+", i, const(1), bound=lambda node: 100),
        python_operator("*", i, i, bound=lambda node: 10**9),
    ):
        assert isinstance(found, Expr)
    counted = python_operator("+", i, const(1))
    assert isinstance(counted, Guarded)
    assert len(counted.guards) == 1


def test_operators_that_python_has_not() -> None:
    for op, kind in (("//", complex), ("&", float), ("<", complex), ("<<", float)):
        with pytest.raises(TypeMismatchError, match="operator"):
            python_operator(op, weak("a", kind), weak("b", int))
    with pytest.raises(TypeMismatchError):
        python_operator("+", symbol("v", 3), const(1))
    with pytest.raises(TypeMismatchError):
        python_operator("~", weak("a", float))
