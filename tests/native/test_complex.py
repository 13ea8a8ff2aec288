"""Complex numbers in machine code: values, derivatives and special cases as NumPy source has them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any  # Any: programs take and return whatever ordinary code does

import nest_interpreter
import numpy as np
import pytest

import wengert as wg
from wengert.lower.lowering import lowered
from wengert.programs.backends import NativeWarning
from wengert.run.reference import evaluate

Case = tuple[Callable[..., Any], tuple[Any, ...]]


@pytest.fixture(autouse=True)
def compiled_or_failed() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error", NativeWarning)
        yield


def some(*shape: int) -> Any:
    rng = np.random.default_rng(shape)
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


def wild(count: int) -> Any:
    edges = [0.0, -0.0, 1.0, -2.5, np.inf, -np.inf, np.nan, 0.3]
    rng = np.random.default_rng(count)
    found = np.empty(count, complex)
    found.real, found.imag = rng.choice(edges, count), rng.choice(edges, count)
    return found


def elementary(z):
    return np.exp(z) * z, np.log(z), np.sqrt(z), np.sin(z) / np.cos(z), np.tanh(z), z**3, z**0.5


def parts(z):
    return z.real, z.imag, np.conj(z), np.abs(z), np.angle(z), np.sign(z)


def compared(z):
    return z == np.conj(z), z != 1, np.isnan(z), np.isfinite(z), np.where(z.real > 0, z, 1j)


def sums(z):
    return np.sum(z), np.mean(z), np.sum(z * np.conj(z))


def products(a, b):
    return a @ b, np.trace(a @ b), (a @ b).T[::-1], np.outer(a[0], b[:, 0])


def mandelbrot(c):
    z, steps = 0j, 0
    for _ in range(50):
        z = z * z + c
        steps += 1
        if abs(z) > 2:
            break
    return z, steps


def in_place(z):
    w = z.copy()
    for i in range(1, len(w)):
        w[i] = w[i - 1] * w[i] + 1j
    w[::2] *= w[::-2]
    return w


def swapped(z):
    a, b = z, 1j * z
    for k in range(3):
        a, b = b * a, a + k
    return a, b


STEPS = np.arange(12)


def fourier(x):
    return np.exp(-2j * np.pi * np.outer(STEPS, STEPS) / 12) @ x


def from_table(z):
    return z * np.array([1j, 2.0, 3 - 1j]) + np.float64(0.5)


def real_in_complex_out(x):
    return np.exp(1j * x)


CASES: list[Case] = [
    (elementary, (some(21),)),
    (elementary, (some(2, 3).astype(np.complex64),)),
    (elementary, (0.3 + 2j,)),
    (elementary, (np.complex128(-1 - 0.5j),)),
    (parts, (some(9),)),
    (parts, (2 - 1j,)),
    (parts, (wild(200),)),
    (compared, (some(9),)),
    (compared, (wild(200),)),
    (sums, (some(100),)),
    (sums, (some(0),)),
    (products, (some(3, 4), some(4, 3))),
    (products, (some(3, 4), some(4, 3).real.copy())),
    (mandelbrot, (0.3 + 0.5j,)),
    (mandelbrot, (0.3,)),
    (in_place, (some(9),)),
    (in_place, (some(1),)),
    (swapped, (0.5 + 1j,)),
    (swapped, (some(5),)),
    (fourier, (some(12).real.copy(),)),
    (fourier, (some(12),)),
    (from_table, (some(3),)),
    (real_in_complex_out, (some(7).real.copy(),)),
    (real_in_complex_out, (0.5,)),
]


def agree(found: Any, wanted: Any) -> None:
    found, wanted = (v if isinstance(v, tuple) else (v,) for v in (found, wanted))
    for one, other in zip(found, wanted, strict=True):
        assert type(one) is type(other)
        assert np.shape(one) == np.shape(other)
        assert np.asarray(one).dtype == np.asarray(other).dtype
        if np.asarray(one).dtype == bool:
            assert np.array_equal(one, other)
            continue
        single = np.asarray(one).dtype in (np.float32, np.complex64)
        tolerance = (1e-4 if single else 1e-11) * np.abs(other)
        for a, b in ((np.real(one), np.real(other)), (np.imag(one), np.imag(other))):
            near = np.abs(a - b) <= tolerance
            assert np.all(near | (a == b) | (np.isnan(a) & np.isnan(b))), (one, other)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__)
def test_values(case: Case) -> None:
    function, args = case
    agree(wg.jit(function, backend="native")(*args), wg.jit(function, backend="python")(*args))


def test_special_values_in_vectors_and_alone() -> None:
    z = wild(300)
    compiled = wg.jit(elementary, backend="native")
    agree(compiled(z), wg.jit(elementary, backend="python")(z))
    for each in z[np.isfinite(z)][:40]:  # NumPy has two roots of infinity, for arrays and alone
        agree(compiled(each), wg.jit(elementary, backend="python")(each))


REAL_VALUED: list[Case] = [
    (lambda z: np.sum(np.abs(np.exp(z) - 1 / z) ** 2), (some(8),)),
    (lambda z: (z * np.conj(z)).real ** 2 + z.imag, (0.5 + 2j,)),
    (lambda z: np.sum(np.abs(in_place(z))), (some(8),)),
    (lambda x: np.sum(np.abs(fourier(x)) ** 2), (some(12).real.copy(),)),
    (lambda a, b: np.real(np.trace(a @ b @ np.conj(a @ b).T)), (some(3, 4), some(4, 3))),
]


@pytest.mark.parametrize("case", REAL_VALUED)
def test_gradients(case: Case) -> None:
    function, args = case
    numbers = tuple(range(len(args)))
    native = wg.grad(function, argnums=numbers, backend="native")(*args)
    agree(native, wg.grad(function, argnums=numbers, backend="python")(*args))


@pytest.mark.parametrize("case", CASES[:-1:2], ids=lambda case: case[0].__name__)
def test_nests(case: Case) -> None:
    function, args = case
    graph = wg.jit(function).graph(*args)
    given = {s.attr.name: a for s, a in zip(graph.inputs, args, strict=True)}
    found = nest_interpreter.run(lowered(graph), *args)
    for one, output in zip(found, graph.outputs, strict=True):
        assert np.allclose(one, evaluate(output, given), rtol=1e-4, atol=1e-6, equal_nan=True)
