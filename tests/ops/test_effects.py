"""Effects: errors, printing and clocks do in the graph what they do in Python."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.errors import GraphError, TypeMismatchError
from wengert.ir.dump import dump, load
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.control import branch
from wengert.ops.effects import (
    CLOCKS,
    check,
    clock,
    error_class,
    error_name,
    escaped,
    first_token,
    show,
)
from wengert.ops.leaves import const, fresh, symbol
from wengert.run.reference import evaluate_nodes

_TYPES = {bool: "bool", int: "int64", float: "float64", complex: "complex128"}


def _weak(kind: type) -> Expr:
    return fresh(Type(_TYPES[kind], (), True), "v")  # type: ignore[arg-type]


class DivergedError(ArithmeticError):
    """An error class of a user."""


# --- texts ---------------------------------------------------------------------------------------------
_NUMBERS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.complex_numbers(allow_nan=False),
)


@given(_NUMBERS, st.sampled_from(["{0}", "{0!r}", "[{0!r}, {0}]", "{{x}} {0:>30}", "%{0:%s}"]))
def test_python_numbers_look_like_pythons(value: Any, template: str) -> None:
    node = _weak(type(value))
    token = check(first_token(), symbol("b", dtype="bool"), "LookupError", template, [node])
    with pytest.raises(LookupError) as caught:
        token.evaluate({node.attr.name: value, "b": False})
    want = template.replace("{0:%s}", "{0}").format(value)
    assert str(caught.value) == want


@pytest.mark.parametrize("spec", ["%5d", "%+.3e", "%g", "%08.3f", "%s", "%r", "%%>9", ".1%", "%"])
def test_formats_of_printf_and_of_python(spec: str) -> None:
    spec = spec.replace("%%>", "%>")
    node = _weak(float)
    token = check(first_token(), const(False), "LookupError", f"{{0:{spec}}}", [node])
    with pytest.raises(LookupError) as caught:
        token.evaluate({node.attr.name: 2.75})
    python = spec in ("%>9", ".1%", "%")
    assert str(caught.value) == (format(2.75, spec) if python else spec % 2.75)


@pytest.mark.parametrize("dtype", ["bool", "int32", "int64", "float32", "float64", "complex64"])
def test_numpy_numbers_and_arrays_look_like_numpys(
    dtype: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    x, a = symbol("x", dtype=dtype), symbol("a", (2, 2), dtype=dtype)
    one = np.asarray(1.1).astype(dtype)[()]
    many = np.array([[1.1, 0], [3, 4]]).astype(dtype)
    show(first_token(), ["{0!r}", "{0}", "{1}", "{1!r}"], [x, a]).evaluate(x=one, a=many)
    assert capsys.readouterr().out == f"{one!r} {one} {many} {many!r}\n"


@pytest.mark.parametrize(
    "options", [{}, {"sep": ""}, {"sep": "{-}"}, {"end": "{}\n\n"}, {"sep": None}]
)
def test_print_options(options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    x = _weak(int)
    node = show(first_token(), ["row", escaped("{") + "{0}", "end"], [x], **options)
    node.evaluate({x.attr.name: 7})
    got = capsys.readouterr().out
    print("row", "{7", "end", **options)
    assert got == capsys.readouterr().out


def test_print_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    show(first_token(), "a", file="stderr", flush=True).evaluate()
    assert capsys.readouterr().err == "a\n"
    with pytest.raises(TypeMismatchError, match="argument `file`"):
        show(first_token(), "a", file="log.txt")


@pytest.mark.parametrize("template", ["{1}", "{}", "{x}", "{0", "{0.real}"])
def test_places_without_a_value_are_refused(template: str) -> None:
    with pytest.raises(GraphError, match="double the braces"):
        show(first_token(), template, [symbol("x")])


# --- errors --------------------------------------------------------------------------------------------
def test_an_error_has_its_class_message_and_place() -> None:
    x = symbol("x")
    token = check(first_token(), x > 0, "LookupError", "low: {0:.1f}", [x], ("m.py", 7, "f"))
    assert token.evaluate(x=1.0) == 0
    with pytest.raises(LookupError) as caught:
        token.evaluate(x=-2.0)
    assert str(caught.value) == "low: -2.0"
    assert caught.value.__notes__ == ["m.py:7 in f()"]


def test_an_error_without_a_message_has_no_arguments() -> None:
    with pytest.raises(StopIteration) as caught:
        check(first_token(), const(False), "StopIteration").evaluate()
    assert caught.value.args == ()


@pytest.mark.parametrize("cls", [KeyError, np.linalg.LinAlgError, GraphError, DivergedError])
def test_error_classes_are_found_by_name(cls: type[BaseException]) -> None:
    assert error_class(error_name(cls)) is cls


def test_a_class_that_cannot_be_found_is_refused() -> None:
    class LocalError(Exception):
        pass

    with pytest.raises(TypeMismatchError, match="top of a module"):
        error_name(LocalError)
    for name in ("print", "os.system", "no.such.Error", "Nothing"):
        with pytest.raises(GraphError):
            check(first_token(), symbol("b", dtype="bool"), name)


def test_what_certainly_holds_is_not_checked() -> None:
    start = first_token()
    assert check(start, True, "ValueError") is start
    assert check(start, np.bool_(True), "ValueError") is start
    assert check(start, False, "ValueError") is not start


@pytest.mark.parametrize("ok", [symbol("x"), symbol("b", (2,), dtype="bool")])
def test_the_condition_is_one_truth_value(ok: Expr) -> None:
    with pytest.raises(TypeMismatchError, match="one truth value"):
        check(first_token(), ok, "ValueError")


# --- order ---------------------------------------------------------------------------------------------
def test_effects_come_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    x = symbol("x")
    token = first_token()
    for i in range(5):
        token = show(token, str(i))
    token = check(token, x > 0, "ValueError", "stop")
    token = show(token, "never")
    with pytest.raises(ValueError, match="stop"):
        token.evaluate(x=-1.0)
    assert capsys.readouterr().out == "0\n1\n2\n3\n4\n"


def test_effects_stay_in_their_branch(capsys: pytest.CaptureFixture[str]) -> None:
    x = symbol("x")
    token = branch(x > 0, lambda t: show(t, "yes"), lambda t: t, first_token())
    assert token.evaluate(x=1.0) == 0
    assert token.evaluate(x=-1.0) == 0
    assert capsys.readouterr().out == "yes\n"


def test_clocks_are_read_in_order() -> None:
    token, first = clock(first_token())
    _, second = clock(token)
    before = time.perf_counter()
    a, b = evaluate_nodes([first, second], {})
    assert before <= a <= b <= time.perf_counter()
    with pytest.raises(TypeMismatchError):
        clock(token, "sleep")
    assert all(hasattr(time, name) for name in CLOCKS)


def test_effects_do_not_vary() -> None:
    from wengert.diff.forward import jvp

    x = symbol("x")
    token = show(check(first_token(), x > 0, "ValueError", "{0}", [x]), "{0}", [x])
    assert jvp([token], {x: const(1.0)}) == [None]


# --- text of the graph, and source ---------------------------------------------------------------------
def test_effects_are_dumped_and_loaded() -> None:
    x = symbol("x")
    token = check(first_token(), x > 0, "ValueError", "{0}", [x], ("m.py", 7, "f"))
    token, _ = clock(show(token, "{0:.3f}", [x], end=""), "time_ns")
    assert load(dump([token])) == [token]


@pytest.mark.parametrize(
    ("template", "value", "kind"),
    [
        ("plain {{}}", 1.5, float),
        ("{0} {0!r}", 0.1, float),
        ("{0:%5d}|{0:+.2f}", 3.7, float),
        ("{0!s:>8}", True, bool),
        ("'{0}' \"\n", 12, int),
    ],
)
def test_statements_do_what_the_op_does(
    template: str, value: Any, kind: type, capsys: pytest.CaptureFixture[str]
) -> None:
    x, b = _weak(kind), symbol("b", dtype="bool")
    node = show(first_token(), template, [x], end="")
    given = np.asarray(value)[()]
    node.evaluate({x.attr.name: value})
    want = capsys.readouterr().out
    assert node.op.spell.statement is not None
    exec("\n".join(node.op.spell.statement(node, ["t", "x"], ["t2"])), {"x": given})
    assert capsys.readouterr().out == want
    guard = check(first_token(), b, "KeyError", template, [x], ("m.py", 1, "f"))
    assert guard.op.spell.statement is not None
    source = "\n".join(guard.op.spell.statement(guard, ["t", "b", "x"], ["t2"]))
    exec(source, {"x": given, "b": True})
    with pytest.raises(KeyError) as caught:
        exec(source, {"x": given, "b": False})
    assert caught.value.args == (want,)
