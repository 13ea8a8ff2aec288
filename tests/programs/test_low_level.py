"""Machine code as functions of C: addresses, and callables for SciPy."""

from __future__ import annotations

import ctypes
import gc
import threading
import weakref

import numpy as np
import pytest
from scipy import LowLevelCallable, integrate, ndimage

import wengert as wg
from wengert.errors import NativeError, TypeMismatchError

SCALE = 2.5
RNG = np.random.default_rng(5)


def bell(x):
    return np.exp(-x * x)


def tilted(x, a, b):
    return np.sin(a * x) * b + x * x


def spread(w):
    return np.max(w) - np.mean(w)


def at(array):
    return array.ctypes.data


# --- functions of C --------------------------------------------------------------------------------------
def test_a_function_of_numbers() -> None:
    made = wg.jit(tilted, backend="native").compiled(1.0, 1.0, 1.0)
    assert made.declaration == "double jit_tilted(double x0, double x1, double x2)"
    kind = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double, ctypes.c_double, ctypes.c_double)
    assert kind(made.address)(0.5, 2.0, 3.0) == pytest.approx(tilted(0.5, 2.0, 3.0), rel=1e-15)
    assert made.ctypes(0.5, 2.0, 3.0) == kind(made.address)(0.5, 2.0, 3.0)
    assert repr(made) == f"<{made.declaration} at {made.address:#x}>"


def test_arrays_and_several_results() -> None:
    f = wg.value_and_grad(lambda x, A, n: np.sum(np.sin(A @ x)) * n, backend="native")
    x, A = RNG.normal(size=20), RNG.normal(size=(3, 20))
    made = f.compiled(x, A, 2.0)
    assert made.declaration == (
        "int64_t value_and_grad_lambda(const double *x0, int64_t x0_0, const double *x1, int64_t x1_1, "
        "double x2, double *y0, double *y1)"
    )
    for n in (20, 13, 300):
        x, A = RNG.normal(size=n), RNG.normal(size=(3, n))
        value, slope = np.zeros(()), np.zeros(n)
        assert made.ctypes(at(x), n, at(A), n, 1.5, at(value), at(slope)) == 0
        want = f(x, A, 1.5)
        np.testing.assert_allclose(value, want[0], rtol=1e-14)
        np.testing.assert_allclose(slope, want[1], rtol=1e-13, atol=1e-14)
    assert made.ctypes(at(x), 20, at(A), 19, 1.5, at(value), at(slope)) != 0  # they differ
    assert made.ctypes(at(x), 5, at(A), 5, 1.5, at(value), at(slope)) != 0  # another program


def test_every_kind_of_number() -> None:
    def program(x, z):
        return (
            x * 2,
            z * z,
            x > 3,
            np.argmax(np.array([x, 0.0, 8.0])),
            np.float32(x),
            np.arange(3.0) * x,
        )

    made = wg.jit(program, backend="native").compiled(1.0, 1j)
    results = [np.zeros((), t) for t in ("f8", "c16", "?", "i8", "f4")] + [np.zeros(3)]
    assert made.ctypes(0.5, 1.0, 2.0, *map(at, results)) == 0
    found = [r.tolist() for r in results]
    assert found == [1.0, (1 + 2j) ** 2, False, 2, 0.5, [0.0, 0.5, 1.0]]


def test_work_memory_of_its_own() -> None:
    def program(x):
        y = np.cumsum(x * x)
        return np.sum(y * y[::-1])

    f = wg.grad(program, backend="native")
    x = RNG.normal(size=3000)
    made, found = f.compiled(x), np.zeros(3000)
    assert made.ctypes(at(x), 3000, at(found)) == 0
    np.testing.assert_allclose(found, f(x), rtol=1e-12)


def test_what_stands_outside_keeps_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    made = wg.jit(lambda x: x * SCALE, backend="native").compiled(1.0)
    monkeypatch.setitem(globals(), "SCALE", 100.0)
    assert made.ctypes(2.0) == 5.0


def root(x):
    if x < 0:
        raise ValueError("negative")
    return np.sqrt(x)


def test_errors_are_no_numbers() -> None:
    made = wg.jit(root, backend="native").compiled(1.0)
    assert made.ctypes(4.0) == 2.0
    assert np.isnan(made.ctypes(-4.0))


def test_many_threads() -> None:
    x = RNG.normal(size=500)
    f = wg.grad(lambda x: np.sum(np.sin(x) * np.cumsum(x)), backend="native")
    made, want = f.compiled(x), f(x)
    wrong: list[int] = []

    def run() -> None:
        out = np.zeros(500)
        for _ in range(50):
            made.ctypes(at(x), 500, at(out))
            if not np.array_equal(out, want):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- SciPy -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("signature", [None, "double (double)", "double(double, void*)"])
def test_an_integrand_of_one_number(signature) -> None:
    f = wg.jit(bell, backend="native").low_level_callable(1.0, signature=signature)
    assert isinstance(f, LowLevelCallable)
    assert integrate.quad(f, 0, 1)[0] == pytest.approx(integrate.quad(bell, 0, 1)[0], rel=1e-14)


@pytest.mark.parametrize("signature", [None, "double (int, double *, void *)"])
def test_an_integrand_of_several(signature) -> None:
    slope = wg.grad(tilted, backend="native")
    f = slope.low_level_callable(1.0, 1.0, 1.0, signature=signature)
    found = integrate.quad(f, 0, 1, args=(2.0, 3.0))[0]
    assert found == pytest.approx(tilted(1.0, 2.0, 3.0) - tilted(0.0, 2.0, 3.0), rel=1e-13)
    with pytest.warns(integrate.IntegrationWarning):
        assert np.isnan(integrate.quad(f, 0, 1, args=(2.0,))[0])  # not as many
    product = wg.jit(lambda x, y: x * y**2, backend="native").low_level_callable(1.0, 1.0)
    assert integrate.nquad(product, [(0, 1), (0, 2)])[0] == pytest.approx(4 / 3)
    array = wg.jit(lambda x: x[0] * x[1] ** 2, backend="native").low_level_callable(
        np.ones(2), signature="double (int, double *)"
    )
    assert integrate.nquad(array, [(0, 1), (0, 2)])[0] == pytest.approx(4 / 3)


def test_a_filter() -> None:
    image = RNG.normal(size=(30, 31))
    f = wg.jit(spread, backend="native").low_level_callable(np.ones(9))
    for size in (3, 5):
        found = ndimage.generic_filter(image, f, size=size)
        np.testing.assert_allclose(found, ndimage.generic_filter(image, spread, size=size))
    with pytest.raises(RuntimeError, match="error in filter function"):
        ndimage.generic_filter(image, f, size=2)  # a program of its own


def test_machine_code_lives_as_long_as_what_calls_it() -> None:
    f = wg.jit(lambda x: x * x + 1, backend="native")
    made = f.compiled(1.0)
    code = weakref.ref(made._loaded.code)
    function, scipys = made.ctypes, made.low_level_callable()
    del f, made
    gc.collect()
    assert function(3.0) == 10.0
    assert integrate.quad(scipys, 0, 1)[0] == pytest.approx(4 / 3)
    del function
    gc.collect()
    assert code() is not None
    assert integrate.quad(scipys, 0, 1)[0] == pytest.approx(4 / 3)
    del scipys
    gc.collect()
    assert code() is None


# --- what has none ---------------------------------------------------------------------------------------
def test_other_functions_are_refused() -> None:
    jit = wg.jit
    with pytest.raises(
        TypeMismatchError, match=r"one float for `double .double.`, got .* gives float, float"
    ):
        jit(lambda x: (x + 1, x), backend="native").low_level_callable(1.0)
    with pytest.raises(TypeMismatchError, match=r"got one of float64\[3\] that gives float64\[3\]"):
        jit(lambda x: x * 2, backend="native").low_level_callable(np.ones(3))
    with pytest.raises(TypeMismatchError, match="a function of one float for"):
        jit(tilted, backend="native").low_level_callable(1.0, 1.0, 1.0, signature="double (double)")
    with pytest.raises(TypeMismatchError, match=r"signature: expected 'double \(double\)' or"):
        jit(bell, backend="native").low_level_callable(1.0, signature="float (float)")
    with pytest.raises(NativeError, match="try: backend='native'"):
        jit(bell, backend="python").compiled(1.0)
    with pytest.raises(TypeMismatchError, match="changes what is the caller's"):
        jit(changing, backend="native").compiled(np.ones(3))
    with pytest.raises(TypeMismatchError, match="does more"):
        wg.grad(bell, mode="tape").compiled(1.0)


def changing(x):
    x[0] = 1.0
    return x[1]
