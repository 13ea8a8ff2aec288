"""Calls of machine code with any array, from many threads, in child processes, and inside of each other."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import wengert as wg
from wengert.errors import TypeMismatchError

X, Y = np.linspace(0.1, 1.0, 12), np.linspace(-1.0, 1.0, 12)


def product(x, y):
    return np.sum(np.sin(x) * y)


class Special(np.ndarray):
    """One that means nothing by it."""


def unaligned(x):
    found = np.zeros(8 * x.size + 1, np.uint8)[1:].view("float64").reshape(x.shape)
    found[...] = x
    return found


def read_only(x):
    found = x.copy()
    found.flags.writeable = False
    return found


def strided(x):
    found = np.zeros((*x.shape[:-1], 2 * x.shape[-1]))[..., ::2]
    found[...] = x
    return found


KINDS = {
    "unaligned": unaligned,
    "read-only": read_only,
    "strided": strided,
    "backwards": lambda x: x[::-1].copy()[::-1],
    "other bytes": lambda x: x.astype(">f8"),
    "columns": np.asfortranarray,
    # Such an array has a dtype of its own, equal to that of others.
    "unpickled": lambda x: pickle.loads(pickle.dumps(x)),
    "broadcast": lambda x: np.broadcast_to(x[0], x.shape),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_array_is_the_same_machine_code(kind) -> None:
    """Bit for bit, so that nothing else has run."""
    f = wg.value_and_grad(product, (0, 1), backend="native")
    fresh = wg.value_and_grad(product, (0, 1), backend="native")
    for x in (X, np.zeros(0), X[:9], np.linspace(0.0, 1.0, 500)):
        y = np.cos(np.arange(x.size))
        given = KINDS[kind](x) if x.size or kind != "broadcast" else x
        for _ in range(4):
            f(X, Y)
            want = f(given.astype("float64").view(np.ndarray).copy(), y)
            for g in (f, fresh):
                found = g(given, y)
                assert found[0] == want[0]
                assert [a.tobytes() for a in found[1]] == [a.tobytes() for a in want[1]]
                assert type(found[1][0]) is np.ndarray
                assert found[1][0].dtype is np.dtype("float64")


@pytest.mark.parametrize("kind", KINDS)
def test_matrices(kind) -> None:
    f = wg.grad(lambda A: np.sum(np.exp(A[:, 1:] * A[:, :-1])), backend="native")
    A = np.linspace(-1.0, 1.0, 60).reshape(12, 5)
    for _ in range(3):
        given = KINDS[kind](A) if kind != "broadcast" else np.broadcast_to(A[0], A.shape)
        want = f(np.array(given, "float64", subok=False, order="C"))
        assert f(given).tobytes() == want.tobytes()


def test_subclasses() -> None:
    f = wg.grad(product, backend="native")
    for _ in range(4):
        special = X.view(Special)
        np.testing.assert_allclose(f(special, Y), f(X, Y), rtol=1e-14)
        special = special.copy()
        special[:] = 0.5  # no part of the program
        assert type(f(special, Y)) is np.ndarray
        np.testing.assert_allclose(f(special, Y), np.cos(0.5) * Y, rtol=1e-14)


def test_memory_mapped(tmp_path) -> None:
    mapped = np.memmap(tmp_path / "x", "float64", "w+", shape=12)
    mapped[:] = X
    mapped.flush()
    f = wg.grad(product, backend="native")
    for mode in ("r", "r+", "c"):
        again = np.memmap(tmp_path / "x", "float64", mode, shape=12)
        for _ in range(3):
            np.testing.assert_array_equal(f(again, Y), f(X, Y))
            assert sum(len(family.general) for family in f._families.values()) == 1


def test_no_axis_and_no_elements() -> None:
    f = wg.jit(lambda x: x * 2 + 1, backend="native")
    for _ in range(4):
        assert f(np.array(1.5)) == 4.0
        assert f(np.zeros(0)).shape == (0,)
        assert f(np.zeros((3, 0))).shape == (3, 0)


def test_what_does_not_fit_says_so_before_anything_runs() -> None:
    f = wg.grad(product, backend="native")
    cases = (
        ((X, Y[:5]), r"float64\[12\] and float64\[5\]"),
        ((X.astype(int), Y), r"by `x`: expected floating-point values, got int64\[12\]"),
        ((X.astype(object), Y), r"by `x`: expected floating-point values, got object\[12\]"),
        ((X.astype(str), Y), "by `x`: expected floating-point values"),
        (("x", Y), r"by `x`: expected numbers or arrays, got 'x' \(str\)"),
        ((X.astype("float16"), Y), "float16 cannot be captured"),
        ((np.ma.masked_array(X, X > 0.5), Y), "by `x`: expected .*, got a masked array"),
        ((X, Y, 1.0), "takes 2 positional arguments but 3 were given"),
        ((X, {}), "dict"),
    )
    for _ in range(3):
        f(X, Y)
        for args, message in cases:
            with pytest.raises((wg.CaptureError, TypeMismatchError, TypeError), match=message):
                f(*args)


# --- threads and processes -------------------------------------------------------------------------------
def together(*tasks) -> None:
    """Run functions at the same time; the first error of any is raised."""
    barrier, errors = threading.Barrier(len(tasks)), []

    def run(task) -> None:
        barrier.wait()
        try:
            task()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_first_calls_race() -> None:
    want = wg.value_and_grad(product, (0, 1), backend="python")(X, Y)
    for _ in range(3):
        f = wg.value_and_grad(product, (0, 1), backend="native")

        def task(f=f) -> None:
            for _ in range(20):
                value, slopes = f(X, Y)
                np.testing.assert_allclose(value, want[0], rtol=1e-14)
                np.testing.assert_allclose(slopes, want[1], rtol=1e-14)

        together(*[task] * 4)


def test_different_functions_and_kinds_at_once() -> None:
    shared = wg.jit(lambda x: x * x + 1, backend="native")

    def task(k: int) -> None:
        own = wg.grad(lambda x: np.sum(x**2) * k, backend="native")
        for n in (3, 20, 5, 3000) * 3:
            x = np.full(n, 1.0 + k)
            assert shared(float(k)) == k * k + 1
            assert shared(x)[-1] == (1 + k) ** 2 + 1
            assert own(x)[0] == 2 * k * (1 + k)

    together(*[lambda k=k: task(k) for k in range(4)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_after_compilation() -> None:
    f = wg.grad(product, backend="native")
    want = f(X, Y)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            same = np.array_equal(f(X, Y), want)
            new = wg.jit(lambda x: x + 40, backend="native")  # compiles in the child
            code = 0 if same and [new(2.0) for _ in range(4)] == [42.0] * 4 else 1
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


INTERRUPTED = """
import os, signal, threading, time
import numpy as np, wengert as wg
from slow import long
f = wg.jit(long, backend="native")
for _ in range(3):
    f(1.0, 10.0)
threading.Timer(0.2, lambda: print("others run", flush=True)).start()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    f(1.0, 2e8)
    time.sleep(9)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


SLOW = """
def long(x, times):
    total, k = 0.0, 0.0
    while k < times:
        total = total * 0.999 + x
        k += 1
    return total
"""


def test_an_interrupt_comes_through_after_the_kernel(tmp_path) -> None:
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )
    assert done.stdout.split("\n")[:2] == ["others run", "interrupted"], done.stderr


# --- calls within calls ----------------------------------------------------------------------------------
def test_a_call_from_a_callback_of_another() -> None:
    """Machine code calls Python, which calls the same and other machine code."""
    from scipy import integrate

    inner = wg.grad(product, backend="native")
    want = inner(X, Y)
    seen = []

    def integrand(x):
        seen.append(np.array_equal(inner(X, Y), want))
        return outer(x)

    outer = wg.jit(lambda x: x * x, backend="native")
    assert integrate.quad(integrand, 0, 1)[0] == pytest.approx(1 / 3)
    assert all(seen)
    made = outer.compiled(1.0)

    @ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    def back(x):
        return made.ctypes(x) + outer(x)

    assert back(3.0) == 18.0


def test_finalizers_may_call() -> None:
    f = wg.jit(lambda x: x + 1, backend="native")
    for _ in range(3):
        f(1.0)
    found = []

    class Last:
        def __del__(self) -> None:
            found.append(f(41.0))

    last = Last()
    last.self = last
    del last
    gc.collect()
    assert found == [42.0]


# --- interpreters that are not known ---------------------------------------------------------------------
UNKNOWN = """
import warnings
warnings.simplefilter("error")
import wengert.native.interpreter as interpreter
interpreter._surprise = lambda: "an unknown form of everything"
import numpy as np, wengert as wg
f = wg.value_and_grad(lambda x, y: np.sum(x * x) * y, backend="native")
x = np.arange(12.0)
for _ in range(5):
    value, slope = f(x, 2.0)
    assert value == 2 * np.sum(x * x) and np.array_equal(slope, 4 * x)
out = np.zeros(12)
assert f(x[::-1], 2.0, out=(None, out))[1] is out and np.array_equal(out, 4 * x[::-1])
assert wg.jit(lambda x: x + 1, backend="native").compiled(1.0).ctypes(2.0) == 3.0
assert type(f).__name__ == "Gradient" and not hasattr(type(f).__call__, "__self__")
assert type(f._last.run).__name__ == "Native", f._last.run
print("fine")
"""


@pytest.mark.parametrize("how", ["self-test", "environment"])
def test_calls_by_ctypes_where_objects_look_different(how) -> None:
    text = UNKNOWN if how == "self-test" else UNKNOWN.replace("interpreter._surprise", "_")
    env = {**os.environ, "WENGERT_CALLS": "ctypes"} if how == "environment" else dict(os.environ)
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )
    assert done.stdout == "fine\n", done.stderr
