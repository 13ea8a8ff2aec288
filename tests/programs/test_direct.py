"""Calls that go straight to machine code give what the ordinary way gives, and go back to it in time."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import math
import pickle
import sys
import threading
import weakref

import numpy as np
import pytest

import wengert as wg

SCALE = 2.0
OFFSET = 3


def is_direct(function) -> bool:
    return isinstance(type(function).__call__, type(len))


def settled(function, *args):
    for _ in range(3):
        function(*args)
    assert is_direct(function)
    return function


def native(function, transform=wg.jit, **options):
    return transform(function, backend="native", **options)


def scaled(x):
    return SCALE * x * x + OFFSET


def product(x, y):
    return np.sum(x * y)


def squares(x):
    return np.sum(x * x)


def same(a, b) -> bool:
    if isinstance(a, tuple):
        return type(b) is tuple and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and np.shape(a) == np.shape(b) and np.allclose(a, b, equal_nan=True)


# --- the same results ----------------------------------------------------------------------------------
class Real(float):
    """A subclass, which may mean anything."""


@pytest.mark.filterwarnings("ignore::wengert.errors.NativeWarning")
@pytest.mark.parametrize(
    "args",
    [
        (1.5,), (3,), (True,), (np.float64(2.0),), (np.float32(2.0),), (np.int64(3),), (Real(2.0),),
        (np.array(2.0),), (np.arange(3.0),), (np.arange(3),), (np.arange(12.0),), (1 + 2j,),
        (np.arange(12.0)[::2],), (np.arange(12.0).astype("float32"),), (np.arange(12.0).astype(">f8"),),
        (np.ma.masked_array([1.0, 2.0]),), (2**80,), (float("nan"),), (-0.0,),
    ],
)  # fmt: skip
def test_other_arguments_go_the_ordinary_way(args) -> None:
    direct = settled(native(scaled), 1.0)
    plain = wg.jit(scaled, backend="python")

    def result(function):
        try:
            return function(*args)
        except Exception as error:
            return type(error), str(error)

    for _ in range(3):
        found, wanted = result(direct), result(plain)
        assert type(found) is type(wanted)
        assert same(found, wanted) if isinstance(found, (float, np.ndarray, np.generic)) else (
            found == wanted
        )  # fmt: skip
    assert direct(1.5) == scaled(1.5)


def test_keywords_and_wrong_calls() -> None:
    direct = settled(native(product), 1.0, 2.0)
    assert direct(1.0, y=3.0) == direct(x=1.0, y=3.0) == 3.0
    with pytest.raises(TypeError, match="argument"):
        direct(1.0)
    with pytest.raises(TypeError, match="argument"):
        direct(1.0, 2.0, 3.0)


def test_structures_of_results() -> None:
    def program(x, y):
        return x * y, (np.sin(x), [] if y is None else (x + y, np.full(2, x) * y))

    def plain(x, y):
        return x * y, (np.sin(x), (x + y, np.full(2, x) * y))

    direct = settled(native(program), 2.0, 3.0)
    assert same(direct(4.0, 5.0), plain(4.0, 5.0))
    slope = settled(native(plain, wg.jacobian, argnums=(0, 1)), 2.0, 3.0)
    assert same(slope(4.0, 5.0), wg.jacobian(plain, argnums=(0, 1), backend="python")(4.0, 5.0))


def test_integers_count_as_floats_where_a_derivative_is_taken() -> None:
    slope = settled(native(lambda x, n: x**2 * n, wg.grad), 3.0, 2.0)
    assert slope(3, 2.0) == 12.0
    assert same(slope(2**60, 1.0), 2.0**61)
    assert slope(3.0, 2) == 12.0  # another program: the power is known
    along = settled(native(squares, wg.hvp), np.ones(2), np.ones(2))
    assert along(np.ones(2), np.ones(2)).tolist() == [2.0, 2.0]


def test_sizes() -> None:
    slope = settled(native(squares, wg.grad), np.ones(9))
    for n in (0, 1, 8, 9, 10, 500):
        x = np.linspace(-1.0, 1.0, n)
        assert same(slope(x), 2 * x)
    dot = settled(native(product), np.ones(20), np.ones(20))
    assert dot(np.ones(30), np.ones(30)) == 30.0
    assert dot(np.ones(30), np.ones(1)) == 30.0
    with pytest.raises((ValueError, wg.CaptureError), match=r"30"):
        dot(np.ones(30), np.ones(20))


def test_last_used_kind_of_arguments_is_direct() -> None:
    direct = settled(native(scaled), 1.0)
    assert direct.graph().inputs[0].shape == ()
    settled(direct, np.ones(4))
    assert direct.graph().inputs[0].shape == (4,)
    for _ in range(3):
        assert direct(2.0) == 11.0
        assert direct(np.ones(4)).tolist() == [5.0] * 4


# --- what stands outside --------------------------------------------------------------------------------
def test_globals_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    here = sys.modules[__name__]
    direct = settled(native(scaled), 1.0)
    assert direct(2.0) == 11.0
    monkeypatch.setattr(here, "SCALE", 4.0)
    assert direct(2.0) == 19.0
    monkeypatch.setattr(here, "OFFSET", 10)
    assert direct(2.0) == 26.0
    monkeypatch.setattr(here, "SCALE", np.arange(3.0))
    assert direct(2.0).tolist() == [10.0, 14.0, 18.0]
    monkeypatch.setattr(here, "SCALE", 1)
    assert settled(direct, 2.0)(3.0) == 19
    monkeypatch.delattr(here, "OFFSET")
    with pytest.raises(NameError):
        direct(2.0)


def test_functions_that_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    here = sys.modules[__name__]
    direct = settled(native(lambda x: scaled(x) + 1.0), 1.0)
    assert direct(1.0) == 6.0
    monkeypatch.setattr(here, "scaled", lambda x: -x)
    assert direct(1.0) == 0.0


def test_variables_of_enclosing_functions() -> None:
    factor, power = 2.0, 2

    def program(x):
        return factor * x**power

    def emptied() -> None:
        nonlocal factor
        del factor

    slope = settled(native(program, wg.grad), 1.0)
    assert slope(3.0) == 12.0
    factor = 4.0
    assert slope(3.0) == 24.0
    power = 3
    assert slope(3.0) == 108.0
    emptied()
    with pytest.raises(NameError):
        slope(3.0)


def test_lists_of_constants_from_outside() -> None:
    steps = [(k % 3, -1 - k % 2) for k in range(21)]
    shape, others = (2, (3, "x")), [1, 2]

    def program(x):
        values = [x, 0.5 * x]
        for kind, place in steps:
            here = values[place]
            values.append(here * here if kind == 0 else here + shape[kind - 1 and 0] * others[0])
        return values[-1]

    slope = native(program, wg.grad)
    ordinary = wg.grad(program, backend="reference")
    for change in (
        lambda: None,
        lambda: steps.append((0, -1)),
        lambda: steps.__setitem__(3, (0, -2)),
        lambda: steps.pop(),
        lambda: others.__setitem__(0, 5),
        lambda: others.__setitem__(0, True),
        lambda: others.__setitem__(0, 1.5),
    ):
        change()
        for _ in range(4):
            assert slope(0.75) == pytest.approx(ordinary(0.75), rel=1e-12)
    others[0] = 2
    settled(slope, 0.75)
    steps[:] = [(kind + 0, place) for kind, place in steps]  # equal, not the same
    assert slope(0.75) == pytest.approx(ordinary(0.75), rel=1e-12)
    assert slope._last.holds()
    steps = list(steps)
    settled(slope, 0.75)
    steps.clear()
    assert slope(0.75) == ordinary(0.75)


def test_arrays_from_outside_go_the_ordinary_way() -> None:
    data = np.arange(4.0)
    loss = native(lambda x: np.sum(data * x), wg.grad)
    for _ in range(4):
        assert loss(1.0) == 6.0
    data[0] = 10.0
    assert loss(1.0) == 16.0


def test_the_same_array_twice() -> None:
    def program(x, y):
        x = x.copy()
        x += y
        return np.sum(x * y) * (1.0 if x is not y else 2.0)

    direct = settled(native(program), np.ones(3), np.ones(3))
    x = np.ones(3)
    assert direct(x, x) == direct(x, x.copy()) == 6.0


def in_place(x):
    x *= 2.0
    return np.sum(x)


def test_programs_that_change_their_arguments() -> None:
    doubled, x = native(in_place), np.ones(3)
    for k in range(1, 5):
        assert doubled(x) == 3.0 * 2**k
        assert x.tolist() == [2.0**k] * 3
    assert not is_direct(doubled)


def test_results_that_are_the_arguments() -> None:
    same_one, x = native(lambda x: x), np.ones(3)
    for _ in range(4):
        assert same_one(x) is x


def test_inside_of_a_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = settled(native(scaled), 1.0)
    outer = native(lambda x: x * inner(3.0) + max([1.0, 2.0], key=inner))
    assert outer(1.0) == 21.0 + 2.0
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 4.0)
    assert outer(1.0) == 39.0 + 2.0
    assert native(lambda x: inner(x) ** 2, wg.grad)(1.0) == 2 * 7.0 * 8.0


# --- errors ---------------------------------------------------------------------------------------------
def root(x):
    return math.sqrt(x) / (x - 4.0)


def test_errors_are_those_of_python() -> None:
    direct = settled(native(root), 1.0)
    with pytest.raises(ValueError, match="math domain error") as caught:
        direct(-1.0)
    assert any("in root()" in note for note in getattr(caught.value, "__notes__", ["in root()"]))
    with pytest.raises(ZeroDivisionError):
        direct(4.0)
    assert direct(9.0) == 0.6


# --- the object -----------------------------------------------------------------------------------------
def test_the_object_is_what_it_was() -> None:
    slope = native(squares, wg.grad)
    before = type(slope)
    settled(slope, np.ones(3))
    assert isinstance(slope, before)
    assert type(slope).__name__ == before.__name__
    assert repr(slope) == "<grad(squares)>"
    assert callable(slope)
    assert inspect.signature(slope) == inspect.signature(squares)
    assert "2*x" in slope.source()
    assert str(slope.cost())
    assert slope.__call__(np.ones(2)).tolist() == [2.0, 2.0]

    @functools.wraps(slope)
    def wrapped(x):
        return slope(x)

    assert wrapped(np.ones(2)).tolist() == [2.0, 2.0]
    assert native(slope, wg.jacobian)(np.ones(2)).tolist() == [[2.0, 0.0], [0.0, 2.0]]


def test_copies_and_pickles() -> None:
    slope = settled(native(squares, wg.grad), np.ones(3))
    for made in (copy.copy(slope), copy.deepcopy(slope), pickle.loads(pickle.dumps(slope))):
        assert made is not slope
        assert not is_direct(made)
        assert made.backend == "native"
        assert made(np.ones(3)).tolist() == [2.0] * 3


def test_objects_are_collected() -> None:
    slope = settled(native(squares, wg.grad), np.ones(3))
    gone = weakref.ref(slope)
    del slope
    gc.collect()
    assert gone() is None


def test_nothing_is_lost_or_kept_too_long() -> None:
    factor, x = 2.5, np.ones(16)
    slope = settled(native(lambda x: factor * np.sum(x * x), wg.grad), x)
    counts = [sys.getrefcount(v) for v in (x, x.dtype, factor, np)]
    for _ in range(1000):
        slope(x)
    found = [sys.getrefcount(v) for v in (x, x.dtype, factor, np)]
    assert all(abs(a - b) < 5 for a, b in zip(counts, found, strict=True))


def test_many_threads_at_once() -> None:
    def program(x, y):
        return np.sum(np.sin(x) * y)

    slope = native(program, wg.grad)
    others = [native(lambda x, k=k: x**2 * (k + 1.0), wg.grad) for k in range(3)]
    sizes = (3, 12, 40)
    ready = threading.Barrier(6)
    wrong: list[object] = []

    def work(number: int) -> None:
        ready.wait()
        try:
            for turn in range(60):
                x = np.linspace(0.0, 1.0, sizes[(number + turn) % 3])
                if not np.allclose(slope(x, x), np.cos(x) * x):
                    wrong.append((number, turn))
                k = turn % 3
                if not math.isclose(others[k](float(turn)), 2.0 * turn * (k + 1.0)):
                    wrong.append((number, turn, k))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
