"""Functions made of compiled programs: the same answers as the plain way over ctypes, whatever comes."""

from __future__ import annotations

import ctypes
import gc
import inspect
import math
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from native_programs import (
    elementwise,
    failed_with,
    function,
    kernel,
    load,
    plan,
    store,
    went_slowly,
)

from wengert.errors import TypeMismatchError
from wengert.native.calling import Way, callable_class
from wengert.native.signature import DTYPES, Array, Kind, Layout, Number, NumPyNumber, Signature

WAYS: tuple[Way, ...] = ("builtin", "ctypes")
way_of = pytest.mark.parametrize("way", WAYS)
VECTOR = Array("float64", (None,))
MAP = Signature((VECTOR,), VECTOR)

LLVM = {"float": "double", "int": "i64", "bool": "i64", "complex": "double"}


def identity(kind: Kind, accepts: tuple[str, ...] = ()) -> tuple[Signature, str]:
    """The program that returns its argument."""
    signature = Signature((Number(kind, accepts),), Number(kind))
    body = ""
    for part in range(Number(kind).words):
        body += load(LLVM[kind], 4 + part, f"x{part}")
        body += store(f"{LLVM[kind]} %x{part}", 4 + Number(kind).words + part)
    return signature, kernel(body)


class Real(float):
    """A subclass, which may mean anything."""


@way_of
@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("float", 1.5, 1.5),
        ("float", -0.0, -0.0),
        ("float", math.inf, math.inf),
        ("float", np.float64(2.5), 2.5),
        ("float", 7, 7.0),
        ("float", -1, -1.0),
        ("float", 2**53 + 1, 2.0**53),
        ("int", 7, 7),
        ("int", -1, -1),
        ("int", -(2**63), -(2**63)),
        ("int", np.int64(-5), -5),
        ("bool", True, True),
        ("bool", False, False),
        ("bool", np.True_, True),
        ("bool", np.False_, False),
        ("complex", 1.5 - 2j, 1.5 - 2j),
        ("complex", np.complex128(3 + 4j), 3 + 4j),
        ("complex", 2.5, 2.5 + 0j),
        ("complex", np.float64(2.5), 2.5 + 0j),
        ("complex", 3, 3 + 0j),
    ],
)
def test_numbers(way: Way, kind: Kind, value: object, expected: object) -> None:
    result = function(*identity(kind), way)(value)
    assert type(result) is type(expected)
    assert repr(result) == repr(expected)


@way_of
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("float", True),
        ("float", "x"),
        ("float", None),
        ("float", Real(2.0)),
        ("float", 10**400),
        ("float", -(10**400)),
        ("float", np.float32(1)),
        ("float", np.array(1.0)),
        ("float", Fraction(1, 2)),
        ("float", 1j),
        ("int", 2**63),
        ("int", -(2**63) - 1),
        ("int", 1.0),
        ("int", True),
        ("int", np.int32(1)),
        ("bool", 1),
        ("bool", 0.0),
        ("complex", 10**400),
        ("complex", "1j"),
        ("complex", np.complex64(1)),
    ],
)
def test_numbers_that_do_not_fit(way: Way, kind: Kind, value: object) -> None:
    answer = function(*identity(kind), way)(value)
    assert answer[0] == "slow"
    assert answer[1][0] is value


@way_of
def test_only_the_types_asked_for(way: Way) -> None:
    exact = function(*identity("float", ("float",)), way)
    assert exact(1.5) == 1.5
    assert exact(1)[0] == exact(np.float64(1))[0] == "slow"


@way_of
def test_counts_and_keywords(way: Way) -> None:
    f = function(*identity("float"), way)
    assert f() == ("slow", (), {})
    assert f(1.0, 2.0) == ("slow", (1.0, 2.0), {})
    assert f(x=1.0) == ("slow", (), {"x": 1.0})
    assert f(1.0, y=2) == ("slow", (1.0,), {"y": 2})
    assert f(a=1, b=2) == ("slow", (), {"a": 1, "b": 2})
    assert f(1.0, out=np.zeros(1))[0] == "slow"


@way_of
def test_no_parameters(way: Way) -> None:
    f = function(Signature((), Number("int")), kernel(store("i64 42", 4)), way)
    assert f() == 42
    assert f(1) == ("slow", (1,), {})


@way_of
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(way: Way, dtype: str) -> None:
    signature = Signature((Array(dtype, (2, None)),), NumPyNumber(dtype))
    layout = Layout.of(signature)
    size = 8 * np.dtype(dtype).itemsize
    f = function(
        signature,
        kernel(
            load("ptr", layout.parameter(0), "x")
            + f"  %v = load i{size}, ptr %x, align 1\n"
            + store(f"i{size} %v", layout.result(0))
        ),
        way,
    )
    x = np.array([[1, 0, 1], [1, 1, 0]]).astype(dtype)
    x[0, 0] = np.array(-2.5 + 3.25j).astype(dtype) if x.dtype.kind == "c" else 1
    result = f(x)
    assert type(result) is type(x[0, 0])
    assert result == x[0, 0]
    assert f(x.T)[0] == "slow"
    assert f(np.zeros((3, 2), dtype))[0] == "slow"
    assert f(np.zeros((2, 3), "float16"))[0] == "slow"


@way_of
def test_arrays_that_do_not_fit(way: Way) -> None:
    f = function(MAP, elementwise(MAP), way)
    x = np.arange(6.0)
    np.testing.assert_array_equal(f(x), 2 * x)
    np.testing.assert_array_equal(f(x[2:]), 2 * x[2:])

    class Matrix(np.ndarray[Any, Any]):
        pass

    shifted = np.zeros(33, np.uint8)[1:].view("float64") if np.little_endian else None
    others: list[Any] = [
        x[::2], x[::-1], x.astype("float32"), x.astype(">f8"), x.astype(int), list(x), tuple(x), None, 2.0,
        x.view(Matrix), x.reshape(2, 3), np.array(1.0), np.ma.masked_array(x), object(), shifted, "x",
        np.array([1.0, None]), np.zeros(3, "float64,float64"), type, np.float64(1.0), memoryview(x),
    ]  # fmt: skip
    for other in others:
        if other is shifted and (other is None or other.flags.aligned):
            continue
        answer = f(other)
        assert answer[0] == "slow", other
        assert answer[1][0] is other


@way_of
def test_empty_and_degenerate_axes(way: Way) -> None:
    f = function(MAP, elementwise(MAP), way)
    assert f(np.zeros(0)).shape == (0,)
    assert f(np.zeros(0)[::2]).shape == (0,)
    np.testing.assert_array_equal(
        f(np.arange(3.0)[1:2][::-1]), [2.0]
    )  # one element: no stride counts
    readonly = np.arange(3.0)
    readonly.flags.writeable = False
    np.testing.assert_array_equal(f(readonly), [0, 2, 4])


@way_of
def test_no_axis(way: Way) -> None:
    signature = Signature((Array("float64", ()),), Array("float64", ()))
    layout = Layout.of(signature)
    body = load("ptr", layout.parameter(0), "x") + load("ptr", layout.result(0), "y")
    body += "  %v = load double, ptr %x\n  store double %v, ptr %y\n"
    result = function(signature, kernel(body), way)(np.array(2.5))
    assert type(result) is np.ndarray
    assert result.shape == ()
    assert result == 2.5


@way_of
def test_a_plan_may_refuse(way: Way) -> None:
    signature = Signature((VECTOR, VECTOR), VECTOR)
    layout = Layout.of(signature)
    refused = load("i64", layout.extent(0, 0), "a") + load("i64", layout.extent(1, 0), "b")
    refused += "  %differ = icmp ne i64 %a, %b\n  %no = zext i1 %differ to i64\n"
    refused += store("i64 %a", layout.result_extent(0, 0))
    text = elementwise(signature)
    f = function(signature, plan(refused, "%no") + text[text.index("define i64 @kernel") :], way)
    np.testing.assert_array_equal(f(np.ones(2), np.arange(2.0)), [0, 2])
    assert f(np.ones(2), np.ones(3))[0] == "slow"


@way_of
def test_nested_results(way: Way) -> None:
    signature = Signature(
        (Number("float"),),
        (
            Number("float"),
            (Array("float32", (2, 3)), (), (NumPyNumber("float32"),)),
            Number("complex"),
            Number("bool"),
            Number("int"),
            NumPyNumber("complex128"),
        ),
    )
    layout = Layout.of(signature)
    r = layout.results
    body = load("double", 4, "x") + load("ptr", r[1], "a")
    body += "  store float 3.0, ptr %a\n"
    body += store("double %x", r[0]) + store("float 1.5", r[2])
    body += store("double %x", r[3]) + store("double 0.0", r[3] + 1)
    body += store("i64 2", r[4]) + store("i64 -9", r[5])
    body += store("double 1.0", r[6]) + store("double 2.0", r[6] + 1)
    value, (array, nothing, (single,)), number, flag, count, pair = function(
        signature, kernel(body), way
    )(2.5)
    assert (value, number, flag, count, pair, single) == (2.5, 2.5 + 0j, True, -9, 1 + 2j, 1.5)
    assert [*map(type, (value, number, flag, count, pair, single))] == [
        float, complex, bool, int, np.complex128, np.float32,
    ]  # fmt: skip
    assert nothing == ()
    assert array.shape == (2, 3)
    assert array.dtype == "float32"
    assert array[0, 0] == 3
    assert array.flags.owndata
    assert array.flags.c_contiguous


@way_of
def test_two_hundred_parameters(way: Way) -> None:
    signature = Signature((Number("int"), VECTOR) * 100, (Number("int"),) * 100)
    layout = Layout.of(signature)
    body = ""
    for index in range(100):
        body += load("i64", layout.extent(2 * index + 1, 0), f"n{index}")
        body += store(f"i64 %n{index}", layout.result(99 - index))
    f = function(signature, kernel(body), way)
    args = [thing for n in range(100) for thing in (n, np.zeros(n))]
    assert f(*args) == tuple(reversed(range(100)))
    args[199] = np.zeros(1, int)
    assert f(*args)[0] == "slow"


@way_of
def test_failures(way: Way) -> None:
    body = store("i64 77", Layout.NOTES[0])
    signature = Signature((VECTOR,), (Array("float64", (4,)), Number("float")))
    f = function(signature, kernel(body, "5"), way)
    x = np.ones(2)
    kind, code, words, args, kwargs = f(x)
    assert (kind, code, kwargs) == ("failed", 5, {})
    assert args[0] is x
    assert np.frombuffer(words, np.int64)[Layout.NOTES[0]] == 77
    assert np.frombuffer(words, np.int64)[Layout.of(signature).parameter(0)] == x.ctypes.data


def _raising(*_: object, **__: object) -> None:
    raise IndexError("index 7 is out of bounds")


@way_of
def test_exceptions_come_through(way: Way) -> None:
    signature = Signature((Number("float"),), VECTOR)
    huge = plan(store(f"i64 {2**60}", Layout.of(signature).result_extent(0, 0)))
    f = function(signature, huge + kernel(""), way, slow=_raising)
    with pytest.raises(IndexError, match="index 7"):
        f("x")
    with pytest.raises((MemoryError, ValueError), match=r"too big|allocate"):
        f(1.0)
    g = function(MAP, kernel("", "1") + plan(store("i64 3", 6)), way, failed=_raising)
    with pytest.raises(IndexError, match="index 7"):
        g(np.ones(3))


def test_an_arena_that_nobody_has() -> None:
    f = function(MAP, elementwise(MAP, arena=2**62))
    with pytest.raises(MemoryError):
        f(np.ones(3))
    g = function(MAP, elementwise(MAP, arena=-1))
    with pytest.raises(MemoryError):
        g(np.ones(3))


@way_of
@pytest.mark.parametrize("arena", [8, 2048, 2049, 100_000])
def test_arenas_are_aligned(way: Way, arena: int) -> None:
    signature = Signature((), (Number("int"), Number("int")))
    body = "  %a = ptrtoint ptr %arena to i64\n  %w = ptrtoint ptr %words to i64\n"
    body += "  store i8 1, ptr %arena\n"
    body += f"  %last = getelementptr i8, ptr %arena, i64 {arena - 1}\n  store i8 1, ptr %last\n"
    body += store("i64 %a", 4) + store("i64 %w", 5)
    f = function(signature, plan(store(f"i64 {arena}", Layout.ARENA)) + kernel(body), way)
    for _ in range(3):
        assert [address % 64 for address in f()] == [0, 0]


def test_an_arena_is_kept_and_grows() -> None:
    signature = Signature((Number("int"),), Number("int"))
    body = "  %a = ptrtoint ptr %arena to i64\n" + store("i64 %a", 5)
    f = function(signature, plan(load("i64", 4, "n") + store("i64 %n", 0)) + kernel(body))
    first = f(10_000)
    assert f(10_000) == f(5_000) == first
    larger = f(10_000_000)
    assert f(10_000) == larger


@way_of
def test_out(way: Way) -> None:
    signature = Signature((VECTOR,), VECTOR, out=True)
    f = function(signature, elementwise(signature), way)
    x, out = np.arange(4.0), np.full(4, -1.0)
    assert f(x, out=out) is out
    np.testing.assert_array_equal(out, 2 * x)
    np.testing.assert_array_equal(f(x), 2 * x)
    whole = np.arange(9.0)
    assert f(whole[:4], out=whole[5:]).base is whole
    readonly = np.zeros(4)
    readonly.flags.writeable = False
    for wrong in (
        np.zeros(3),
        np.zeros((4, 1)),
        np.zeros(8)[::2],
        np.zeros(4, "float32"),
        readonly,
        x,
        "x",
    ):
        answer = f(x, out=wrong)
        assert answer[0] == "slow"
        assert answer[2]["out"] is wrong
    assert f(whole[:4], out=whole[3:7])[0] == "slow"  # shares one element
    assert f(x, into=out)[0] == f(x, out=out, more=1)[0] == f(x, out)[0] == f(out=out)[0] == "slow"


@way_of
def test_out_for_several(way: Way) -> None:
    signature = Signature((VECTOR,), (VECTOR, (Number("float"), Array("float64", (2,)))), out=True)
    layout = Layout.of(signature)
    head, tail = elementwise(signature).rsplit("end:\n", 1)
    first, last = layout.result(1), layout.result(2)
    extra = load("ptr", last, "z") + "  store double 4.0, ptr %z\n" + store("double 3.0", first)
    f = function(signature, head + "end:\n" + extra + tail, way)
    x, one, two = np.arange(4.0), np.zeros(4), np.zeros(2)
    found = f(x, out=(one, (None, two)))
    assert found[0] is one
    assert found[1][1] is two
    assert (found[1][0], two[0]) == (3.0, 4.0)
    np.testing.assert_array_equal(one, 2 * x)
    for nothing in (None, (None, None), (None, (None, None))):
        found = f(x, out=nothing)
        np.testing.assert_array_equal(found[0], 2 * x)
        assert found[0] is not one
    assert f(x, out=(None, (None, two)))[1][1] is two
    assert f(x, out=(one, None))[0] is one
    del found
    counts = sys.getrefcount(one), sys.getrefcount(two)
    for wrong in (
        one, (one,), (one, two), [one, None], (one, (two, None)), (one, (2.0, two)), (one, (None, x)),
        (one, (None, one[:2])), (two, (None, two)), (x[:4], (None, two)), (one, (None, two, None)),
        (one, (None, np.zeros(3))), (one, (None, two.astype(">f8"))), (one, [None, two]),
    ):  # fmt: skip
        answer = f(x, out=wrong)
        assert answer[0] == "slow", wrong
        assert answer[2]["out"] is wrong
    del answer, wrong
    assert (sys.getrefcount(one), sys.getrefcount(two)) == counts


@way_of
def test_failures_with_out(way: Way) -> None:
    signature = Signature((VECTOR,), Array("float64", (2,)), out=True)
    f = function(signature, kernel("", "3"), way)
    out = np.zeros(2)
    kind, code, _, args, kwargs = f(np.ones(2), out=out)
    assert (kind, code, len(args)) == ("failed", 3, 1)
    assert kwargs["out"] is out
    assert f(np.ones(2))[4] == {}


def test_what_a_signature_refuses() -> None:
    with pytest.raises(TypeMismatchError, match="kind of number"):
        Number("real")  # type: ignore[arg-type]
    with pytest.raises(TypeMismatchError, match="read as int"):
        Number("int", ("float",))
    with pytest.raises(TypeMismatchError, match="dtype"):
        Array("float16", (2,))
    with pytest.raises(TypeMismatchError, match="out="):
        Signature((), Number("float"), out=True)
    with pytest.raises(TypeMismatchError, match="a plan that gives the extents"):
        function(Signature((), VECTOR), kernel(""))


def test_the_function_looks_like_one() -> None:
    f = function(*identity("float"))
    assert f.__name__ == "program"
    assert f.__module__ == "wengert"
    assert inspect.isbuiltin(f)


@way_of
def test_objects_that_are_called(way: Way) -> None:
    class Named:
        name = "f"

    f = function(*identity("float"), way)
    thing = Named()
    thing.__class__ = callable_class(Named, f)
    assert isinstance(thing, Named)
    assert (thing.name, thing(2), type(thing).__name__) == ("f", 2.0, "Named")  # type: ignore[operator]


@way_of
@pytest.mark.parametrize("arena", [0, 100_000])
def test_many_threads_at_once(way: Way, arena: int) -> None:
    # Work is said to be long, so the GIL is released: the threads are in the kernel together.
    f = function(MAP, elementwise(MAP, arena=arena, work=10**6), way)
    wrong: list[int] = []

    def run(number: int) -> None:
        x = np.arange(2000.0) + number
        for _ in range(100):
            if not np.array_equal(f(x), 2 * x):
                wrong.append(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize(("patience", "free"), [(0, True), (10**9, False)])
def test_long_work_lets_others_run(patience: int, free: bool) -> None:
    """Whether the kernel holds the GIL, asked by a function of ctypes that needs it."""
    signature = Signature((Number("int"),), Number("int"))
    text = plan(store("i64 1000", Layout.WORK)) + kernel(
        load("ptr", 4, "check")
        + "  %held = call i32 %check()\n  %wide = zext i32 %held to i64\n"
        + store("i64 %wide", 5)
    )
    address = ctypes.cast(ctypes.pythonapi.PyGILState_Check, ctypes.c_void_p).value
    assert function(signature, text, patience=patience)(address) == (0 if free else 1)


def test_reentrance() -> None:
    """A call within a call of the same function, from the slow way."""
    calls: list[Callable[..., Any]] = []
    f = function(MAP, elementwise(MAP, arena=5000), slow=lambda x: calls[0](np.array(x, float)))
    calls.append(f)
    np.testing.assert_array_equal(f([1, 2]), [2, 4])


def test_a_call_within_the_kernel() -> None:
    """The inner call finds the arena taken and makes its own; only one of the two is kept."""
    signature = Signature((Number("int"),), Number("int"))
    body = load("ptr", 4, "inner") + "  store i64 5, ptr %arena\n  call void %inner()\n"
    body += "  %kept = load i64, ptr %arena\n" + store("i64 %kept", 5)
    f = function(signature, plan(store("i64 100000", Layout.ARENA)) + kernel(body))
    nothing = ctypes.CFUNCTYPE(None)(lambda: None)
    idle = ctypes.cast(nothing, ctypes.c_void_p).value

    @ctypes.CFUNCTYPE(None)
    def again() -> None:
        assert f(idle) == 5

    address = ctypes.cast(again, ctypes.c_void_p).value
    assert f(address) == 5
    tracemalloc.start()
    try:
        start, _ = tracemalloc.get_traced_memory()
        for _ in range(20):
            f(address)
        end, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert end - start < 500_000


def test_everything_goes_with_the_function() -> None:
    class Held:
        def __call__(self, *args: object) -> object:
            return args

    slow = Held()
    gone = weakref.ref(slow)
    f = function(MAP, elementwise(MAP, arena=5000), slow=slow)
    slow.function = f  # type: ignore[attr-defined]  # a cycle, which only the collector finds
    f(np.ones(3))
    del f, slow
    gc.collect()
    assert gone() is None


def _counts(watched: list[object]) -> list[int]:
    return [sys.getrefcount(thing) for thing in watched]


@pytest.mark.parametrize(
    "way_out", ["result", "out", "slow", "failed", "refused", "no memory", "overflow"]
)
def test_nothing_leaks(way_out: str) -> None:
    """Whichever way a call ends, references and memory are as before."""
    x, out = np.arange(500.0), np.zeros(500)
    signature = Signature((Number("float"), VECTOR), VECTOR, out=True)
    text = elementwise(signature, arena=5000)
    match way_out:
        case "failed":
            text = text.replace("end:\n  ret i64 0", "end:\n  ret i64 1")
        case "refused":
            text = text.replace("  ret i64 0", "  ret i64 1", 1)
        case "no memory":
            text = elementwise(signature, arena=-1)
    f = function(signature, text)
    big = 10**400
    fresh = np.zeros(3)  # made once: NumPy 2.4 itself loses a reference to the dtype here
    watched: list[object] = [x, out, np.dtype("float64"), f, big, went_slowly, failed_with, "out"]

    def call() -> None:
        match way_out:
            case "out":
                assert f(1.5, x, out=out) is out
            case "slow":
                assert f("x", x)[0] == "slow"
            case "overflow":
                assert f(big, x)[0] == "slow"
            case "no memory":
                with pytest.raises(MemoryError):
                    f(1.5, x)
            case "failed" | "refused":
                assert f(1.5, x)[0] == ("failed" if way_out == "failed" else "slow")
                assert f(1.5, x, out=out)[0] == ("failed" if way_out == "failed" else "slow")
            case _:
                result = f(1.5, x)
                assert sys.getrefcount(result) == sys.getrefcount(fresh)

    for _ in range(10):
        call()
    gc.collect()
    before = _counts(watched)
    tracemalloc.start()
    try:
        call()
        gc.collect()
        start, _ = tracemalloc.get_traced_memory()
        for _ in range(200):
            call()
        gc.collect()
        end, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert end - start < 2000  # 200 calls that leak one array each leave 800,000 bytes
    assert _counts(watched) == before


def test_nested_results_do_not_leak() -> None:
    signature = Signature(
        (), ((Number("float"), NumPyNumber("float64")), Array("float64", (100,)), ())
    )
    f = function(signature, kernel(""))
    tracemalloc.start()
    try:
        f()
        start, _ = tracemalloc.get_traced_memory()
        for _ in range(500):
            inner, array, _ = f()
        fresh = np.zeros(3)
        assert sys.getrefcount(inner) == sys.getrefcount(array) == sys.getrefcount(fresh)
        del inner, array
        end, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert end - start < 2000


def test_functions_and_their_arenas_are_released() -> None:
    def made() -> None:
        f = function(MAP, elementwise(MAP, arena=10**6))
        f(np.ones(3))

    made()
    tracemalloc.start()
    try:
        made()
        gc.collect()
        start, _ = tracemalloc.get_traced_memory()
        for _ in range(10):
            made()
        gc.collect()
        end, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert end - start < 10**6


@pytest.mark.parametrize("arena", [0, 5000])
@pytest.mark.parametrize("first", [True, False])
def test_a_call_while_all_is_collected(first: bool, arena: int) -> None:
    """Finalizers of one cycle run in any order; the function still works after its own."""
    seen: list[float] = []

    class Last:
        function: Any = None

        def __del__(self) -> None:
            seen.extend(self.function(np.ones(2)))

    last = Last() if first else None
    f = function(MAP, elementwise(MAP, arena=arena))
    last = last or Last()
    last.function = f
    f(np.ones(1))
    f.__self__.keep += (last,)  # type: ignore[attr-defined]
    del f, last
    gc.collect()
    assert seen == [2.0, 2.0]
