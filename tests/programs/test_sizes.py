"""One capture serves every size, and every whole number that is seen to vary."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from programs import sizes
from programs.corpus import PROGRAMS, Program
from programs.judging import captured_differently, gradients_differ
from programs.test_corpus import projected

import wengert as wg
from wengert.programs import transformed

CAPTURED = [p for p in PROGRAMS.values() if not p.refused]
# Its list begins with a Python float, and goes on with NumPy's: one class for all comes back.
KINDS = {"robot_arm"}

every_program = pytest.mark.parametrize("program", CAPTURED, ids=[p.name for p in CAPTURED])


@pytest.fixture
def captures(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was varying in each capture that succeeded."""
    found: list[object] = []
    original = transformed.capture

    def counting(*args, **kwargs):
        result = original(*args, **kwargs)
        found.append(kwargs["varying"])
        return result

    monkeypatch.setattr(transformed, "capture", counting)
    return found


@every_program
def test_programs_do_the_same_with_all_sizes_left_open(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes.leave_open(monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wg.UnusedInputWarning)
        words = captured_differently(program.function, program.inputs(), program.tolerance)
    assert not words or (program.name in KINDS and "not float" in words)


@pytest.mark.parametrize(
    "program", [p for p in CAPTURED if p.wrt], ids=[p.name for p in CAPTURED if p.wrt]
)
def test_gradients_are_the_same_with_all_sizes_left_open(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes.leave_open(monkeypatch)
    args = program.inputs()[0]
    here = projected(program, args)
    reverse = wg.grad(here.function, argnums=program.wrt)
    forward = wg.jacfwd(here.function, argnums=program.wrt)
    assert not gradients_differ(here, reverse, forward, args, max(1e-8, 100 * program.tolerance))


def relaxed(u, steps):
    u = u.copy()
    for _ in range(steps):
        u[1:-1] += 0.25 * (u[2:] - 2 * u[1:-1] + u[:-2])
    return u @ u / len(u)


def test_one_capture_serves_every_size(captures, rng) -> None:
    gradient = wg.grad(relaxed)
    for n in (20, 9, 400, 33):
        u = rng.normal(size=n)
        assert np.allclose(gradient(u, 5), wg.numeric.gradient(lambda v: relaxed(v, 5), u).value)
    assert len(captures) == 1
    assert "float64[n]" in gradient.explain()


def test_short_axes_are_captured_each(captures, rng) -> None:
    value = wg.jit(relaxed)
    for n in (3, 4, 8):
        u = rng.normal(size=n)
        assert value(u, 2) == pytest.approx(relaxed(u, 2))
    assert len(captures) == 3


def test_sizes_that_were_equal_need_not_stay_so(captures, rng) -> None:
    product = wg.jit(lambda A, x: A.T @ A @ x + A.sum())
    for m, n in ((12, 12), (30, 30), (12, 20), (50, 11)):
        A, x = rng.normal(size=(m, n)), rng.normal(size=n)
        assert np.allclose(product(A, x), A.T @ A @ x + A.sum())
    assert len(captures) == 2


def test_the_source_serves_every_size(rng) -> None:
    gradient = wg.grad(relaxed)
    gradient(rng.normal(size=15), 3)
    space: dict[str, object] = {}
    exec(gradient.source(), space)
    u = rng.normal(size=40)
    assert np.allclose(space["grad_relaxed"](u), gradient(u, 3))  # type: ignore[operator]


def test_a_program_that_needs_its_size_is_captured_for_each(captures, rng) -> None:
    def folded(x):
        return np.sum(x.reshape(4, -1).max(axis=1)) + x.reshape(len(x) // 4, 4)[0, 0]

    value = wg.jit(folded)
    for n in (12, 20, 12):
        x = rng.normal(size=n)
        assert value(x) == pytest.approx(folded(x))
    assert [v.extents for v in captures] == [frozenset()] * 2


def test_errors_name_the_numbers(rng) -> None:
    with pytest.raises(wg.CaptureError, match=r"12.*13"):
        wg.jit(lambda x, y: x + y)(np.ones(12), np.ones(13))


def test_whole_numbers_that_vary_become_inputs(captures) -> None:
    def power_sum(x, n):
        total = 0.0
        for k in range(n):
            total += x**k
        return total

    gradient = wg.grad(power_sum)
    for n in range(2, 12):
        exact = sum(k * 0.5 ** (k - 1) for k in range(1, n))
        assert gradient(0.5, n) == pytest.approx(exact)
    assert len(captures) == 4


def test_beyond_64_bits_whole_numbers_are_pythons() -> None:
    def factorial(n):
        product = 1
        for k in range(2, n + 1):
            product *= k
        return product

    compiled = wg.jit(factorial)
    for n in (3, 4, 5, 6, 7, 30, 8):
        result = compiled(n)
        assert type(result) is int
        assert result == factorial(n)


def test_flags_are_part_of_the_program(captures) -> None:
    compiled = wg.jit(lambda x, flag: x * 2 if flag else np.ones(3))
    for flag in (True, False) * 3:
        compiled(1.0, flag)
    assert len(captures) == 2


def test_labels_that_vary_become_inputs(captures, rng) -> None:
    def loss(W, X, labels):
        scores = X @ W
        scores = scores - scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return -logs[np.arange(len(labels)), labels].mean()

    gradient = wg.grad(loss)
    W = rng.normal(size=(5, 3))
    for batch in (16, 16, 16, 12, 31):
        X, labels = rng.normal(size=(batch, 5)), rng.integers(0, 3, size=batch)
        plain = wg.numeric.gradient(lambda V: loss(V.reshape(5, 3), X, labels), W.ravel())  # noqa: B023
        assert np.allclose(gradient(W, X, labels).ravel(), plain.value, atol=1e-7)
    assert len(captures) == 2
    with pytest.raises(IndexError):
        gradient(W, X, labels + 3)


def test_integer_arrays_are_changed_in_place_for_the_caller(captures, rng) -> None:
    def count(counts, x):
        for v in x:
            counts[int(v)] += 1
        return counts.sum() + x.sum()

    compiled = wg.jit(count)
    for _ in range(3):
        x = rng.uniform(0, 4, size=10)
        mine, theirs = np.zeros(4, int), np.zeros(4, int)
        mine[0] = theirs[0] = rng.integers(10)
        assert compiled(mine, x) == pytest.approx(count(theirs, x))
        assert (mine == theirs).all()


def test_axes_of_length_one_are_told(rng) -> None:
    def squeezed(x):
        return np.squeeze(x[8:]).ndim + 0.0 * x[0]

    compiled = wg.jit(squeezed)
    for n in (10, 9, 12):
        assert compiled(np.ones(n)) == squeezed(np.ones(n))


def test_a_size_has_no_name_of_an_argument(rng) -> None:
    def scaled(n, m):
        return n @ n * m

    x = rng.normal(size=10)
    assert wg.grad(scaled)(x, 2.0) == pytest.approx(4 * x)
    assert "float64[p]" in wg.jit(scaled).explain(x, 2.0)


def test_extents_that_cannot_agree_are_refused_at_the_line() -> None:
    def added(x):
        return x[: int(x.sum() / 3), :] + np.ones((4, 5))

    with pytest.raises(wg.CaptureError, match=r"test_sizes.py:\d+ in added\(\)"):
        wg.jit(added)(np.ones((3, 3)))
