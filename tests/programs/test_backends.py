"""Which backend runs a program, and what is said where machine code cannot."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.errors import NativeWarning, TypeMismatchError
from wengert.lower.nest import Unsupported


def squares(x):
    return np.sum(x * x)


def test_machine_code_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WENGERT_BACKEND")
    assert wg.jit(squares).backend == "native"
    assert wg.grad(squares).backend == wg.hvp(squares).backend == wg.vmap(squares).backend
    assert wg.grad(squares)(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    monkeypatch.setenv("WENGERT_BACKEND", "reference")
    assert wg.jit(squares).backend == wg.jacobian(squares).backend == "reference"
    assert wg.grad(squares, backend="python").backend == "python"


def test_a_backend_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeMismatchError, match="expected 'python' or 'native' or 'reference'"):
        wg.vmap(squares, backend="gpu")  # type: ignore[arg-type]
    monkeypatch.setenv("WENGERT_BACKEND", "gpu")
    with pytest.raises(TypeMismatchError, match="WENGERT_BACKEND in the environment"):
        wg.grad(squares)(np.ones(3))


def test_one_warning_per_function_at_the_line_of_the_caller(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unsupported(*_: object, **__: object) -> object:
        raise Unsupported("`inv`")

    monkeypatch.setattr("wengert.native.compiled.machine_code", unsupported)
    slope = wg.grad(squares, backend="native")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        slope(np.ones(3))
        slope(np.ones((2, 2)))
    (warning,) = caught
    assert warning.category is NativeWarning
    assert warning.filename == __file__
    line = Path(__file__).read_text(encoding="utf-8").splitlines()[warning.lineno - 1]
    assert line.strip() == "slope(np.ones(3))"
    text = str(warning.message)
    assert text.startswith("grad(squares): `inv` cannot be compiled")
    assert "Try: backend='python'" in text


def test_a_mistake_in_making_machine_code_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(*_: object, **__: object) -> object:
        raise KeyError("lost")

    monkeypatch.setattr("wengert.native.compiled.machine_code", mistaken)
    with pytest.warns(NativeWarning, match=r"jit\(squares\).*a mistake in wengert, KeyError"):
        assert wg.jit(squares, backend="native")(np.arange(3.0)) == 5.0


WITHOUT_LLVMLITE = """
import sys, warnings
sys.modules["llvmlite"] = None
import numpy as np, wengert as wg
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert wg.grad(lambda x: x * x, backend="native")(3.0) == 6.0
    assert wg.jit(np.sin, backend="native")(0.0) == 0.0
(warning,) = caught
print(warning.filename, warning.message)
"""


def test_without_llvmlite_there_is_one_warning_per_process() -> None:
    line = [sys.executable, "-c", WITHOUT_LLVMLITE]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("<string> native code: expected llvmlite")
    assert "pip install" in done.stdout


@pytest.mark.parametrize("backend", ["python", "native", "reference"])
def test_linear_maps_run_by_the_backend(backend) -> None:
    def program(x, y):
        return {"a": np.sin(x) * y, "b": (x @ x, 2.0)}

    x = np.arange(3.0)
    value, change = wg.jvp(program, (x, 2.0), (np.ones(3), 0.0), backend=backend)
    assert np.allclose(value["a"], 2 * np.sin(x))
    assert np.allclose(change["a"], 2 * np.cos(x))
    value, pullback = wg.vjp(program, x, 2.0, backend=backend)
    by_x, by_y = pullback({"a": np.ones(3), "b": (1.0, 0.0)})
    assert np.allclose(by_x, 2 * np.cos(x) + 2 * x)
    assert np.isclose(by_y, np.sum(np.sin(x)))
    value, linear = wg.linearize(program, x, 2.0, backend=backend)
    assert np.allclose(linear(np.ones(3), 0.0)["a"], 2 * np.cos(x))


@pytest.mark.parametrize("backend", ["python", "native"])
@pytest.mark.parametrize("n", [3, 9, 40])
def test_linear_maps_have_the_extents_of_their_point(backend, n) -> None:
    x = np.linspace(0.0, 1.0, n)
    _, pullback = wg.vjp(lambda x: np.sin(x), x, backend=backend)
    assert np.allclose(pullback(np.ones(n))[0], np.cos(x))
    _, linear = wg.linearize(lambda x: np.sum(x * x), x, backend=backend)
    assert np.isclose(linear(np.ones(n)), 2 * np.sum(x))
    for wrong in (np.ones(n + 1), 1.0):
        with pytest.raises(wg.ShapeError):
            pullback(wrong)
        with pytest.raises(wg.ShapeError):
            linear(wrong)
