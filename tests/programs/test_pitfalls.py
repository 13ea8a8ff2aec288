"""Seventeen ways in which capture goes wrong if it is done in the obvious way, one test each."""

from __future__ import annotations

import io
import math
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
from programs.judging import captured_differently
from scipy.special import logsumexp

import wengert as wg


def check(function: Callable[..., Any], *inputs: tuple[Any, ...], tolerance: float = 1e-12) -> None:
    """The function compiled once does at every input what it does plainly."""
    assert not captured_differently(function, list(inputs), tolerance)


# 1 ------------------------------------------------------------- contents are read before the rollback


def test_contents_changed_in_a_branch_are_merged_as_they_were_at_its_end() -> None:
    def f(x):
        q = [1.0, 2.0]
        a = np.zeros(2)
        if x > 0:
            q[0] = x
            a[1] = x * 2
            kept = a
        else:
            q.append(-x)
            a = a + 5
            kept = a
        return q, a, kept

    check(f, (2.0,), (3.0,))

    def g(x):
        a = np.zeros(3)
        for i in range(3):
            a[i] = x
            if x * i > 1.5:
                return a, i
            a[0] += 1
        return a, -1

    check(g, (1.0,), (2.0,), (0.1,))


# 2 ----------------------------------------------------------- objects born in a region keep their state


class Pair:
    def __init__(self, u, v):
        self.u, self.v = u, v

    def swapped(self):
        other = Pair(self.v, self.u)
        other.u += 1
        return other


def test_objects_born_in_a_branch_or_loop_keep_their_attributes() -> None:
    def f(x):
        p = Pair(x, 0.0)
        for _ in range(4):
            p = p.swapped()
            if p.u > 3:
                p = Pair(p.u / 2, p.v)
                p.v -= 1
        return p.u, p.v

    check(f, (0.5,), (9.0,), (-3.0,))


# 3 ----------------------------------------------------------------------- views belong to their region


def test_views_made_in_a_branch_are_recomputed_afterwards() -> None:
    def f(a, t):
        a = a.copy()
        head = a[:2]
        if t > 0:
            tail = a[2:]
            tail += head.sum()
        else:
            tail = a[1:3]
            head *= t
        total = tail.sum() + head.sum()
        a[2] = 100.0
        return total, tail.sum(), head, a

    check(f, (np.arange(4.0), 1.0), (np.arange(4.0), -2.0))


# 4 --------------------------------------------------- SciPy's Python code is not walked into, but mapped


def test_scipy_functions_that_dispatch_in_python_are_mapped() -> None:
    def f(x):
        return logsumexp(x) + logsumexp(x[:2], b=np.array([1.0, 2.0])) + logsumexp([x[0], 0.0])

    x = np.array([0.3, -1.0, 2.0])
    check(f, (x,))
    soft = np.exp(x) / np.exp(x).sum()
    assert np.allclose(wg.grad(lambda x: logsumexp(x))(x), soft, rtol=1e-13)


# 5 ---------------------------------------------------------- nested loops are not traced 2^depth times


def test_nested_loops_are_traced_a_few_times_only() -> None:
    calls = [0]

    def count():
        calls[0] += 1  # runs whenever the innermost body is traced
        return 1.0

    counter = np.frompyfunc(lambda: count(), 0, 1)

    def f(a):
        s = 0.0
        total = np.zeros(3)
        for i in range(5):
            for j in range(6):
                for k in range(7):
                    s += a[i % 3] * float(counter())
                    total[k % 3] += s * j
        return s, total

    try:
        wg.jit(f)(np.ones(3))
    except wg.CaptureError:
        pytest.skip(
            "a NumPy ufunc made from Python is refused; the benchmark counts traces instead"
        )
    assert calls[0] <= 8


# 6 -------------------------------------------------------------------- errors point at the first line


def test_an_error_inside_a_compound_statement_names_its_own_line() -> None:
    def f(x):
        total = 0.0
        for i in range(10):
            if x > i:
                y = np.ones(3) + np.ones(4) * x  # the line
            else:
                y = np.ones(3)
            total += y.sum()
            total *= 2
        return total

    line = f.__code__.co_firstlineno + 4
    with pytest.raises(Exception, match=r"3.*4|4.*3") as caught:
        wg.jit(f)(2.5)
    frames = caught.traceback
    assert any(frame.lineno + 1 == line and frame.name == "f" for frame in frames) or (
        f":{line}" in str(caught.value)
    )


# 7 ------------------------------------------------------------- recursion through the function's own name


def halves(x):
    return x if x < 1 else halves(x / 2) + 0.25 * x


def test_a_function_that_calls_itself_by_its_global_name() -> None:
    check(halves, (0.5,), (9.0,), (100.0,))
    assert wg.grad(halves)(9.0) == pytest.approx(1 / 16 + 0.25 * (1 + 1 / 2 + 1 / 4 + 1 / 8))


# 8 -------------------------------------------------------------------- cells changed by called closures


def test_a_called_closure_changes_cells_that_the_loop_does_not_mention() -> None:
    def f(x):
        count, best = 0, -1.0

        def note(t):
            nonlocal count, best
            count += 1
            if t > best:
                best = t

        for k in range(6):
            if x * k > 1:
                note(x * k)
        return count, best

    check(f, (0.3,), (2.0,), (-1.0,))


# 9 ------------------------------------------------ unassigned stays assigned once a round has assigned it


def test_a_name_first_assigned_in_some_round_of_a_loop() -> None:
    def f(xs, level):
        found = False
        for x in xs:
            if found:
                total += x  # noqa: F821  assigned in an earlier round
            elif x > level:
                total = x * 10
                found = True
        return total if found else -1.0

    xs = np.array([0.1, 0.9, 0.5, 0.7])
    check(f, (xs, 0.5), (xs, 0.0), (xs, 0.8), (xs, 2.0))


# 10 --------------------------------------------------------------- random numbers, clocks and input


def test_random_numbers_are_drawn_at_every_round_and_at_every_call() -> None:
    def f(x, n):
        rng = np.random.default_rng(12)
        draws = np.zeros(n)
        for k in range(n):
            draws[k] = x * rng.normal()
        return draws

    check(f, (2.0, 6))
    assert len(set(wg.jit(f)(2.0, 6))) == 6

    def g(x):
        return x * np.random.normal()  # noqa: NPY002  the legacy generator is the point

    compiled = wg.jit(g)
    try:
        assert compiled(1.0) != compiled(1.0)
        np.random.seed(5)  # noqa: NPY002
        expected = g(1.0)
        np.random.seed(5)  # noqa: NPY002
        assert compiled(1.0) == expected
    except wg.CaptureError as refused:
        assert "random" in str(refused)  # noqa: PT017  refusing is as good as drawing


def test_a_clock_is_read_at_every_call() -> None:
    import time

    def f(x):
        return x + time.perf_counter()

    compiled = wg.jit(f)
    try:
        first = compiled(0.0)
        assert compiled(0.0) > first
    except wg.CaptureError as refused:
        assert "perf_counter" in str(refused)  # noqa: PT017


# 11 ------------------------------------------------------- Python floats, NumPy scalars, 0-d arrays


def test_three_kinds_of_numbers_stay_apart() -> None:
    def f(x, y, z):
        return x + 1, y + 1, z + 1, x * y, y * z, x / 2, x // 1, z.sum(), np.float32(2) * x

    check(f, (2.0, np.float64(3.0), np.array(4.0)))

    def g(x, s):
        return x * 2.0, x * s, x + np.ones(2, np.float32), x.mean()

    check(g, (np.ones(2, np.float32), 3.0), tolerance=1e-6)


# 12 -------------------------------------------------------------------- min and max keep the first


def test_min_and_max_of_python_keep_the_first_at_ties_and_with_nan() -> None:
    def f(x, y):
        return min(x, y), max(x, y), min(y, x), max(y, x), np.minimum(x, y), np.maximum(x, y)

    nan = float("nan")
    check(f, (1.0, 2.0), (nan, 1.0), (1.0, nan), (0.0, -0.0), (-0.0, 0.0), (nan, nan))
    signs = wg.jit(lambda x, y: math.copysign(1.0, max(x, y)))
    assert (signs(0.0, -0.0), signs(-0.0, 0.0)) == (1.0, -1.0)
    assert wg.grad(lambda x: max(x, 2 * x - 1))(1.0) == 1.0
    assert wg.grad(lambda x: max(2 * x - 1, x))(1.0) == 2.0
    assert wg.grad(lambda x: min(x, 3 * x - 2))(1.0) == 1.0


# 13 ------------------------------------------------------------------- += is in place only for arrays


def test_augmented_assignment_rebinds_numbers_and_changes_arrays() -> None:
    def f(a, x):
        b = a
        b += x
        s = a[0]
        t = s
        t += 100
        u = a.sum()
        u += 1
        c = a[1:]
        c -= 1
        d = np.float64(x)
        e = d
        e *= 3
        return a, b, s, t, u, c, d, e

    check(f, (np.arange(3.0), 0.5))

    def g(a, x):
        a += x
        return a

    with pytest.raises((wg.WengertError, TypeError), match="int"):
        wg.jit(g)(np.arange(3), 0.5)  # NumPy refuses as well: float64 to int64
    check(lambda a: a.__iadd__(1) if False else a + 1, (np.arange(3),))


# 14 ---------------------------------------------------------- syntax of newer versions, annotations


def test_annotations_walrus_and_finally_are_only_syntax() -> None:
    def f(x: float, k: int = 2) -> float:
        total: float = 0.0
        never: int  # noqa: F842
        for i in range(k):
            scaled: float = x * i
            total += scaled
        if total > 0 and (half := total / 2) > 0.5:
            total = half
        try:
            return total
        finally:
            total = -1.0

    check(f, (1.0,), (5.0,), (-1.0,))

    def g(x):
        return [y := x * 2, y + 1, (lambda: y + x)()]

    check(g, (1.5,))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="syntax of Python 3.12")
def test_functions_with_type_parameters(tmp_path: Any) -> None:
    path = tmp_path / "generic.py"
    path.write_text("def f[T](x: T) -> T:\n    return x if x > 0 else -2 * x\n")
    sys.path.insert(0, str(tmp_path))
    try:
        from generic import f  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    check(f, (1.0,), (-1.0,))


# 15 --------------------------------------------- private names, user-made operators, threads


class Counter:
    def __init__(self, start):
        self.__count = start
        self.values = []

    def __iadd__(self, x):
        if x > 1:
            self.__count += x
        return self

    def __lt__(self, other):
        return self.__count < other

    def __len__(self):
        return len(self.values)

    def __contains__(self, x):
        return any(v == x for v in self.values)

    def __call__(self, x):
        self.values.append(x)
        return self.__count


def test_private_names_and_operators_with_branches() -> None:
    def f(x):
        c = Counter(0.5)
        c += x
        c += 2.0
        small = 1 if c < 3 else 2
        y = c(x) + c(2 * x)
        return y, small, len(c), x in c, bool(c)

    check(f, (0.5,), (4.0,))


def test_two_threads_capture_at_once() -> None:
    def f(x):
        s = 0.0
        for i in range(5):
            s = s + x * i if x > i else s - 1
        return s

    def work(offset: float) -> None:
        for k in range(5):
            x = offset + k
            results.append(wg.jit(f)(x) == f(x) and wg.grad(f)(x + 0.5) == slope(x + 0.5))

    def slope(x):
        return float(sum(i for i in range(5) if x > i))

    results: list[bool] = []
    threads = [threading.Thread(target=work, args=(o,)) for o in (0.25, 0.5, -2.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 15


# 16 ---------------------------------------------------------- vectorize, filters and similar helpers


def test_helpers_that_call_back_are_captured_with_their_branches() -> None:
    def f(x):
        v = np.vectorize(lambda t: t**2 if t > 0.5 else -t)(x)
        w = np.array([t for t in x if t > 0.3])
        a = np.apply_along_axis(lambda r: r / r.sum(), 0, x)
        p = np.piecewise(x, [x < 0.5, x >= 0.5], [lambda t: t * 2, lambda t: t * t])
        m = list(map(lambda t: t if t > 0.2 else 0.0, x))  # noqa: C417
        return v, w.sum(), a, p, m, sorted(x, key=lambda t: -t)[0]

    check(f, (np.array([0.1, 0.4, 0.9]),), (np.array([0.6, 0.7, 0.8]),))


# 17 -------------------------------------------------- shapes come from rules, not from sample values


def test_shapes_that_depend_on_values_are_not_frozen() -> None:
    def f(x):
        big = x[x > 0]
        where = np.nonzero(x > 0)[0]
        u = np.unique(np.round(x))
        return big, where, u, len(big), big.sum() * 2

    check(f, (np.array([1.0, -1.0, 2.0]),), (np.array([-1.0, -1.0, -2.0]),), (np.ones(3),))


def test_nothing_is_run_at_capture_that_prints() -> None:
    def f(x):
        for k in range(5):
            if x > k:
                print("round", k)
        return x

    compiled = wg.jit(f)
    with redirect_stdout(io.StringIO()) as printed:
        compiled(2.5)
    assert printed.getvalue() == "round 0\nround 1\nround 2\n"
    with redirect_stdout(io.StringIO()) as printed:
        compiled(0.5)
    assert printed.getvalue() == "round 0\n"
