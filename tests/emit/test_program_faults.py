"""Emitted programs against the reference: single cases that once differed."""

from __future__ import annotations

import math
import traceback
from typing import Any, Literal

import numpy as np
import pytest
from emit.comparing import assert_emitted

import wengert as wg
from wengert.emit.python import compile_source
from wengert.ops.control import branch, for_loop
from wengert.ops.joining import stack
from wengert.ops.leaves import const, symbol
from wengert.ops.subscripts import update

x = symbol("x")


def test_loops_that_change_an_array_of_whole_numbers_into_one_of_floats() -> None:
    start = stack([1, 1, 2])
    once = for_loop(5, start, lambda k, y: update(y, 0, y[0] * x / 2))
    again = for_loop(5, start, lambda k, y: update(stack([2, 3, y[1]]), k % 3, x))
    assert_emitted([once, again], {"x": 0.7})
    assert_emitted([branch(x > 0, lambda: start, lambda: start * x)], {"x": np.float64(0.7)})


def _root_of_shifted(value: float) -> float:
    return math.sqrt(value - 2.0)


def _solution(matrix: Any) -> Any:  # Any: an array while running, a handle while captured
    return np.linalg.solve(matrix, np.ones(2))


@pytest.mark.parametrize("mode", ["capture", "tape"])
def test_errors_have_a_note_of_the_users_line(mode: Literal["capture", "tape"]) -> None:
    with pytest.raises(ValueError, match="math domain error") as caught:
        wg.grad(_root_of_shifted, mode=mode)(1.0)
    line = _root_of_shifted.__code__.co_firstlineno
    said = "".join(traceback.format_exception(caught.value))
    assert f"test_program_faults.py:{line + 1} in _root_of_shifted()" in said or mode == "tape"
    assert "_root_of_shifted" in said


def test_errors_of_numpy_have_a_note_of_the_function() -> None:
    compiled = wg.jit(_solution)
    np.testing.assert_allclose(compiled(np.eye(2)), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        compiled(np.ones((2, 2)))
    (note,) = caught.value.__notes__
    assert "test_program_faults.py:" in note
    assert note.endswith("in _solution()")


def test_constants_are_no_variables_of_functions() -> None:
    table = const(np.array([2.5, 1.25, 3.0]))
    c1 = symbol("c1", 3)
    stored = update(update(table, 0, x), 1, c1[1])
    text = assert_emitted([stored, c1 * table], {"x": 0.7, "c1": np.array([1.0, 2.0, 3.0])})
    assert "def f(x, c1)" in text or "def f(c1, x)" in text


def _whole_numbers(numbers: Any) -> Any:
    doubled = numbers * 2
    doubled[0] = 7
    return doubled, doubled // 4


def test_constants_that_are_stored_into() -> None:
    numbers = np.arange(6)
    for found, expected in zip(
        wg.jit(_whole_numbers)(numbers), _whole_numbers(numbers), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def _weighted(a: Any) -> Any:
    a = a.copy()
    if a[1] > 1.0:
        a[0] += 0.6
    return (a * np.arange(1.0, 5.0)).sum() + a[1]


def _table(x: float) -> Any:
    weights = np.array([1.0, 2.0])
    return weights, weights[1:], [weights if x > 1.0 else weights * x]


def test_constants_are_the_same_in_every_call() -> None:
    gradient = wg.grad(_weighted)
    for first in (2.0, 0.5, 0.5, 2.0):
        np.testing.assert_array_equal(gradient(np.array([1.0, first, 0.0, 0.0])), [1, 3, 3, 4])
    compiled = wg.jit(_table)
    for _ in range(2):
        whole, part, (chosen,) = compiled(2.0)
        for found, expected in ((whole, [1.0, 2.0]), (part, [2.0]), (chosen, [1.0, 2.0])):
            np.testing.assert_array_equal(found, expected)
        for found in (whole, part, chosen):
            found += 9.0


def t1(a: Any, s: float) -> Any:
    for k in range(len(a)):
        if a[k] > s:
            raise ValueError("t2 too large # t3")
        a = a * s
    if s > 90:
        raise ValueError("rows1 is 't4', of scipy.nothing.f()")
    while s < 2:
        s = s * 1.5
        if s > 90:
            raise ValueError("t5")
    return a, s, len(a)


def test_what_messages_and_functions_are_called_is_no_variable() -> None:
    numbers = np.array([0.5, 0.25, 0.125])
    result, last, length = wg.jit(t1)(numbers, 1.25)
    expected, expected_last, _ = t1(numbers, 1.25)
    np.testing.assert_allclose(result, expected)
    assert (last, length) == (expected_last, 3)
    with pytest.raises(ValueError, match="t2 too large # t3"):
        wg.jit(t1)(numbers, 0.3)


def _countdown(x: float) -> float:
    left = 0
    if x > 0:
        while left < 5:
            left += 1
            print("passed")
    return x * left


def test_loops_of_constants_that_print_do_so_when_they_run_only(
    capsys: pytest.CaptureFixture[str],
) -> None:
    compiled = wg.jit(_countdown)
    for value, count in ((2.0, 5), (-2.0, 0), (3.0, 5)):
        assert compiled(value) == _countdown(value)
        assert capsys.readouterr().out.count("passed") == 2 * count


def _square_root(value: float) -> float:
    return value**0.5


def test_sources_raise_errors_of_python_and_name_files_without_their_folders() -> None:
    compiled = wg.grad(_square_root)
    with pytest.raises(wg.errors.EvaluationError, match="complex"):
        compiled(-1.0)
    text = compiled.source()
    assert "import wengert" not in text
    assert "# test_program_faults.py:" in text
    with pytest.raises(ValueError, match="complex"):
        compile_source(text, "grad__square_root")(-1.0)
    assert compile_source(text, "grad__square_root")(4.0) == 0.25


def _newton(a: float) -> float:
    root = a
    while abs(root * root - a) > 1e-12:
        root = (root + a / root) / 2
    return root


def test_formulas_of_derivatives_of_loops() -> None:
    formula = wg.grad(_newton).formula()
    assert formula.evaluate(a=2.25) == pytest.approx(1 / 3)
