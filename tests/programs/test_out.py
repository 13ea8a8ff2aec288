"""``out=``: results in arrays of the caller, on the ordinary way and straight from machine code."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.errors import CaptureError, ShapeError, TypeMismatchError

BACKENDS = pytest.mark.parametrize("backend", ["native", "python"])
X = np.linspace(0.1, 1.0, 5)


def wave(x):
    return np.sin(x) * x


def total(x):
    return np.sum(wave(x))


@BACKENDS
@pytest.mark.parametrize("transform", [wg.jit, wg.grad, wg.jacobian, wg.hessian])
def test_one_array(transform, backend) -> None:
    program = wave if transform in (wg.jit, wg.jacobian) else total
    f = transform(program, backend=backend)
    want = transform(program, backend="python")(X)
    out = np.empty_like(want)
    for _ in range(4):  # first calls, then straight to machine code
        out[...] = -1
        assert f(X, out=out) is out
        np.testing.assert_allclose(out, want, rtol=1e-14)
        np.testing.assert_allclose(f(X), want, rtol=1e-14)
        assert f(X) is not out


@BACKENDS
def test_several(backend) -> None:
    f = wg.value_and_grad(lambda x, y: total(x) + total(y) * 2, argnums=(0, 1), backend=backend)
    want = f(X, X + 1)
    first, second = np.empty(5), np.empty(5)
    for _ in range(4):
        value, slopes = f(X, X + 1, out=(None, (first, second)))
        assert slopes[0] is first
        assert slopes[1] is second
        assert value == want[0]
        np.testing.assert_array_equal(first, want[1][0])
        np.testing.assert_array_equal(second, want[1][1])
        assert f(X, X + 1, out=(None, (None, second)))[1][1] is second
        assert f(X, X + 1, out=None)[0] == want[0]


@BACKENDS
def test_structures(backend) -> None:
    f = wg.grad(lambda p: np.sum(p["w"] * p["b"][0]), backend=backend)
    out = {"w": np.zeros(3), "b": [np.zeros(3)]}
    point = {"w": np.ones(3), "b": [np.arange(3.0)]}
    for _ in range(3):
        found = f(point, out=out)
        assert found["w"] is out["w"]
        assert out["w"].tolist() == [0, 1, 2]
        assert out["b"][0].tolist() == [1, 1, 1]


@BACKENDS
def test_overlap_is_as_if_there_were_none(backend) -> None:
    f = wg.jit(lambda x: x[::-1] + x, backend=backend)
    for n in (5, 40):
        for _ in range(3):
            x = np.arange(float(n)) ** 2
            want = x[::-1] + x
            f(x, out=x)
            np.testing.assert_array_equal(x, want)
            long = np.arange(n + 2.0)
            want = long[:n][::-1] + long[:n]
            f(long[:n], out=long[2:])
            np.testing.assert_array_equal(long[2:], want)


def test_a_result_that_is_the_argument() -> None:
    swap = wg.jit(lambda x, y: (y, x))
    for _ in range(3):
        x, y = np.arange(3.0), np.ones(3)
        swap(x, y, out=(x, y))
        assert (x.tolist(), y.tolist()) == ([1, 1, 1], [0, 1, 2])


@BACKENDS
def test_any_memory(backend, tmp_path) -> None:
    f = wg.jit(wave, backend=backend)
    mapped = np.memmap(tmp_path / "out", "float64", "w+", shape=5)
    unaligned = np.zeros(41, np.uint8)[1:].view("float64")
    for out in (np.zeros(10)[::2], np.zeros((5, 2))[:, 1], np.zeros(5)[::-1], mapped, unaligned):
        for _ in range(3):
            out[...] = -1
            assert f(X, out=out) is out
            np.testing.assert_allclose(out, wave(X), rtol=1e-15)
    table = wg.jit(lambda x: np.outer(x, x), backend=backend)
    columns = np.zeros((5, 5), order="F")
    table(X, out=columns)
    np.testing.assert_array_equal(columns, np.outer(X, X))
    nothing = np.zeros(())
    assert wg.jit(lambda x: x * x, backend=backend)(3.0, out=nothing) is nothing
    assert nothing == 9.0
    empty = np.zeros(0)
    assert f(np.zeros(0), out=empty) is empty


@BACKENDS
def test_what_does_not_fit(backend) -> None:
    readonly = np.zeros(5)
    readonly.flags.writeable = False
    wrong = {
        "expected an array of float64, got float32": np.zeros(5, "float32"),
        "expected an array of float64, got >f8": np.zeros(5, ">f8"),
        "expected an array, or None, got list": [0.0] * 5,
        "expected an array, or None, got MaskedArray": np.ma.zeros(5),
        "read-only": readonly,
    }
    f, two = wg.jit(wave, backend=backend), wg.jit(lambda x: (x + 1, x + 2), backend=backend)
    for _ in range(3):
        for message, out in wrong.items():
            with pytest.raises(TypeMismatchError, match=rf"jit\(wave\): out: .*{message}"):
                f(X, out=out)
        with pytest.raises(ShapeError, match=r"out: expected shape \(5,\), got \(4,\)"):
            f(X, out=np.zeros(4))
        with pytest.raises(TypeMismatchError, match="expected an array, or None, got tuple"):
            f(X, out=(np.zeros(5),))
        first = np.zeros(6)
        with pytest.raises(TypeMismatchError, match="share memory"):
            two(X, out=(first[1:], first[:5]))
        with pytest.raises(ShapeError, match=r"out\[1\]"):
            two(X, out=(first[:5], np.zeros(7)))
        assert not first.any()  # nothing is written unless all fits
        f(X, out=np.zeros(5)), two(X, out=(np.zeros(5), None))


def test_a_function_with_an_out_of_its_own() -> None:
    assert wg.jit(lambda x, out: x * out)(2.0, out=3.0) == 6.0
    assert wg.grad(lambda x, **more: x * more["out"])(2.0, out=3.0) == 3.0


def test_not_inside_of_a_captured_function() -> None:
    inner, room = wg.grad(total), np.zeros(5)
    with pytest.raises(CaptureError, match="assign the result"):
        wg.jit(lambda x: inner(x, out=room))(X)
