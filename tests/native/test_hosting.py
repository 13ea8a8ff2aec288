"""Calls of Python from machine code: effects in order, errors as they were raised, nothing kept, threads."""

from __future__ import annotations

import contextlib
import gc
import io
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any, NoReturn  # Any: numbers and arrays

import nest_interpreter
import numpy as np
import pytest
from scipy import integrate, optimize

import wengert as wg
from wengert.errors import NativeWarning
from wengert.ir.function import Function
from wengert.ir.types import Type
from wengert.lower.lowering import lowered
from wengert.lower.nest import Unsupported
from wengert.native.compiled import Loaded, machine_code
from wengert.ops.external import Opaque, external
from wengert.ops.fourier import fft
from wengert.ops.leaves import symbol
from wengert.ops.reductions import sum_
from wengert.run.reference import evaluate_nodes

X = np.array([1.0, -2.0, 3.0, 0.5])


def _ran(function: Callable[..., Any], *args: Any) -> tuple[list[str], str]:
    """What three calls give, or the error, and what they print."""
    text, found = io.StringIO(), []
    with contextlib.redirect_stdout(text):
        for _ in range(4):
            try:
                found.append(repr(function(*args)))
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}")
    return found, text.getvalue()


def _alike(program: Callable[..., Any], *args: Any) -> tuple[list[str], str]:
    """A program and its gradient as machine code, without a warning, do what NumPy source does."""
    for transform in (wg.jit, wg.value_and_grad):
        with warnings.catch_warnings():
            warnings.simplefilter("error", NativeWarning)
            got = _ran(transform(program, backend="native"), *args)
        assert got == _ran(transform(program, backend="python"), *args)
    return got


# --- effects -------------------------------------------------------------------------------------------
def test_printing_in_order() -> None:
    def program(x: Any) -> Any:
        total = 0.0
        for i in range(len(x)):
            if x[i] > 0:
                print("place", i, "so far", total)
            total = total + x[i] ** 2
            print(f"{total:.3f}", end=";")
        for i in range(2):
            print("again", i)
        for i in range(2):
            print("and again", i, x)
        return total

    _, text = _alike(program, X)
    assert text.index("again 1") < text.index("and again 0")


def test_random_numbers_are_those_of_source() -> None:
    def program(x: Any) -> Any:
        random = np.random.default_rng(3)
        total = np.sum(x * random.normal(size=x.shape))
        for _ in range(3):
            total = total + random.uniform(0.0, x[0])
        return total

    _alike(program, X)


def test_errors_after_effects_do_not_repeat_them() -> None:
    def program(x: Any) -> Any:
        print("once")
        if x[0] > 0:
            raise ValueError(f"{x[0]} is positive")
        return np.sum(x)

    found, text = _alike(program, X)
    assert found[0] == "ValueError: 1.0 is positive"
    assert text == "once\n" * 4
    _alike(program, -X)


def test_errors_of_later_calls() -> None:
    def program(x: Any) -> Any:
        print("once")
        if x[0] > 0:
            raise ValueError("positive")
        return np.sum(x)

    run = wg.jit(program, backend="native")
    _ran(run, -X)  # goes straight to machine code from now on
    assert _ran(run, X)[1] == "once\n" * 4


def test_places_outside_after_effects() -> None:
    def program(x: Any, i: int) -> Any:
        print("once")
        return x[i]

    found, text = _ran(wg.jit(program, backend="native"), X, 9)
    assert all(f.startswith("IndexError: ") for f in found)
    assert text == "once\n" * 4


def test_solvers_with_bodies() -> None:
    def program(a: float) -> Any:
        area = integrate.quad(lambda t: np.exp(-a * t * t), 0.0, 2.0)[0]
        return area + optimize.brentq(lambda t: t**3 - a, 0.0, 5.0)

    with warnings.catch_warnings():
        warnings.simplefilter("error", NativeWarning)
        got = wg.value_and_grad(program, backend="native")(1.3)
    assert np.allclose(got, wg.value_and_grad(program, backend="python")(1.3), rtol=1e-12)


def test_recursion() -> None:
    def program(x: Any) -> Any:
        def fibonacci(n: int, y: Any) -> Any:
            if n < 2:
                return y
            return fibonacci(n - 1, y) * 0.5 + fibonacci(n - 2, y * y)

        return fibonacci(6, x[0])

    _alike(program, X)


def test_sizes_that_only_running_tells() -> None:
    def program(a: float) -> Any:
        found = integrate.solve_ivp(lambda t, y: [-a * y[0]], (0.0, 2.0), [1.0])
        return np.sum(found.y[0]) + found.t[-1]

    def chosen(x: Any) -> Any:
        y = x[x > 0.0]
        return np.sum(np.linalg.pinv(np.outer(y, y)) * y)

    for f, given in ((program, 1.5), (chosen, X)):
        with warnings.catch_warnings():
            warnings.simplefilter("error", NativeWarning)
            got = wg.value_and_grad(f, backend="native")(given)
        for mine, want in zip(got, wg.value_and_grad(f, backend="python")(given), strict=True):
            assert np.allclose(mine, want, rtol=1e-9)


# --- errors --------------------------------------------------------------------------------------------
class Refused(Exception):  # noqa: N818
    """An error of a user's own."""


def _loaded(call: Callable[..., Any], size: int = 4) -> tuple[Loaded, Callable[..., Any]]:
    x = symbol("x", (size,))
    (y,) = external(Opaque(call), [Type("float64", (size,))], x + 1.0)
    code = machine_code(Function((x,), (sum_(y),)))

    def slow(*args: object) -> NoReturn:
        raise AssertionError(args)

    def failed(number: int, words: bytes, *args: object) -> NoReturn:
        error = code.error(number, words)
        assert error is not None
        raise error

    return code, code.entry("f", slow, failed)


def test_errors_are_those_that_were_raised() -> None:
    def refuse(x: np.ndarray) -> np.ndarray:
        raise Refused(x[0])

    code, run = _loaded(refuse)
    for _ in range(3):
        with pytest.raises(Refused, match=r"2\.0") as found:
            run(X)
        frames = [frame.name for frame in traceback.extract_tb(found.value.__traceback__)]
        assert frames[-1] == "refuse"
    assert code.hosts is not None
    assert not code.hosts.errors


def test_results_are_checked() -> None:
    for wrong in (np.zeros(3), np.zeros(4, complex), "text"):
        _, run = _loaded(lambda x, wrong=wrong: wrong)
        with pytest.raises(wg.WengertError, match="result of"):
            run(X)


def test_interrupts_pass() -> None:
    def interrupt(x: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _loaded(interrupt)[1](X)


# --- what is kept --------------------------------------------------------------------------------------
def test_nothing_is_kept() -> None:
    result, refuses = np.ones(4), False
    seen: list[np.ndarray] = []

    def call(x: np.ndarray) -> np.ndarray:
        seen[:] = [x]
        if refuses:
            raise Refused
        return result

    _, run = _loaded(call)
    run(X)
    gc.collect()
    before = sys.getrefcount(result), sys.getrefcount(X)
    for _ in range(50):
        run(X)
    refuses = True
    for _ in range(50):
        with contextlib.suppress(Refused):
            run(X)
    gc.collect()
    assert (sys.getrefcount(result), sys.getrefcount(X)) == before
    assert np.array_equal(seen[0], X + 1)  # an array of its own, which outlives the call
    assert seen[0].flags.owndata


def test_code_goes_with_the_program() -> None:
    def call(x: np.ndarray) -> np.ndarray:
        return x

    code, run = _loaded(call)
    run(X)
    before = sys.getrefcount(call)
    del code, run
    gc.collect()
    assert sys.getrefcount(call) < before


def test_threads() -> None:
    def call(x: np.ndarray) -> np.ndarray:
        if x[0] > 50:
            raise Refused(x[0])
        return x * 2

    _, run = _loaded(call)
    wrong: list[object] = []

    def work(shift: float) -> None:
        for k in range(300):
            given = X + (shift if k % 2 else 100 + shift)
            try:
                got = run(given)[0]
            except Refused as error:
                if k % 2 or error.args[0] != given[0] + 1:
                    wrong.append(error)
            else:
                if not k % 2 or got != np.sum((given + 1) * 2):
                    wrong.append(got)

    threads = [threading.Thread(target=work, args=(shift,)) for shift in (0.0, 10.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- nests ---------------------------------------------------------------------------------------------
def test_interpreted_nests_call_python_too() -> None:
    x = symbol("x", (4,))
    transformed = fft(x * 2.0)
    outputs = (transformed, sum_(abs(fft(transformed))))
    nest = lowered(Function((x,), outputs), python=frozenset())
    got = nest_interpreter.run(nest, X)
    for mine, want in zip(got, evaluate_nodes(outputs, {"x": X}), strict=True):
        assert np.allclose(mine, want)


def test_portable_c_has_no_python() -> None:
    x = symbol("x", (4,))
    with pytest.raises(Unsupported, match="fft"):
        lowered(Function((x,), (abs(fft(x)),)))
