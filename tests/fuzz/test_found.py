"""Small programs that once came out differently, each with the inputs that showed it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
from programs.judging import Projection, captured_differently, gradients_differ

import wengert as wg

Program = Callable[..., Any]
VALUES: list[tuple[Program, list[tuple[Any, ...]]]] = []
SLOPES: list[tuple[Program, tuple[Any, ...]]] = []

A = np.array([[1.1, 0.3, -0.4], [0.4, 0.9, 0.2], [-0.6, 0.5, 1.3]])
FOUR = np.array([0.5, -1.5, 2.0, 0.25])


def value(*inputs: tuple[Any, ...]) -> Callable[[Program], Program]:
    def register(function: Program) -> Program:
        VALUES.append((function, list(inputs)))
        return function

    return register


def slope(*args: object) -> Callable[[Program], Program]:
    def register(function: Program) -> Program:
        SLOPES.append((function, args))
        return function

    return register


# --------------------------------------------------------------------------------- values and arguments


@value((FOUR,))
def argument_reversed_in_place(a):
    a[:] = a[::-1]
    return a


@value((FOUR,))
def copy_of_an_argument_written_later(a):
    b = a.copy()
    a[0] = 9.0
    return b, a


@value((-0.5, FOUR, FOUR + 1), (0.5, FOUR, FOUR + 1), (-2.0, FOUR, FOUR + 1))
def argument_or_new_array_written(x, a, b):
    c = np.zeros(4)
    if x < -1:
        pass
    elif x > 0.05:
        b = c
    b[1:] = a[:1]
    return c


@value((0.5, FOUR, FOUR + 1))
def arguments_swapped_in_a_loop_then_written(x, a, b):
    for _ in range(5):
        a, b = b, a
    a += x


@value((0.5, 1.0, FOUR, FOUR + 1), (0.5, -1.0, FOUR, FOUR + 1))
def view_of_an_argument_or_a_new_array(x, t, a, b):
    if t > 0:
        b = np.array([x, 0.3, x, 1.0])
    a = b[:]
    a[[0, 2]] = x


@value((FOUR, 3), (FOUR, 0))
def view_made_in_a_loop_and_written_afterwards(a, n):
    c = np.zeros(4)
    for _ in range(1, n):
        c = a.reshape(2, 2).ravel()
    c += c
    return a


def either(u, v, e):
    return u if e > 0.5 else v


def poke(u, e):
    u[1] = e


@value((2.0, 0.1, FOUR), (2.0, 0.9, FOUR), (-2.0, 0.1, FOUR), (-2.0, 0.9, FOUR))
def written_through_a_function_that_chooses(x, e, a):
    c = np.zeros(4)
    a = c if x > 0 else a
    poke(either(a, c, e), e)
    return a.sum(), c.sum()


@value((FOUR, FOUR + 1))
def argument_filled_from_one_that_is_written_later(a, b):
    b[:] = a
    a[1] = 9.0


@value((FOUR,))
def index_changed_while_the_value_is_computed(a):
    k = 0

    def bump(e):
        nonlocal k
        k += 1
        return e * 2

    a[k] = bump(a[3])
    return a, k


@value((FOUR, 2.0), (FOUR, -2.0))
def key_added_in_a_branch_of_a_loop(q, x):
    d = {"p": x}
    for i in range(4):
        if q[i] + x < 0.0:
            d["z"] = i
    return d


@value((2.0,), (-2.0,))
def dictionary_returned_before_it_grows(x):
    d = {"p": x}
    if x > 0:
        return x, d
    d["z"] = 1.0
    return x, d


@value((2.0,), (-1.0,))
def unassigned_when_returned(x):
    if x > 0:
        y = x
    return y


@value((4.5,), (2.5,))
def unassigned_after_no_trip(x):
    for i in range(int(x) - 2):
        last = x * i
    return last


@value((np.array([3.0, 1.0, 2.0]), np.array([0, 1, 1]), np.ones(3)))
def added_at_places(a, where, v):
    a = a.copy()
    np.add.at(a, where, v)
    return a


@value((2.0, FOUR), (0.0, FOUR))
def outer_product_of_ones_written(x, b):
    M = np.ones((3, 4)) * x
    k = 0
    M[k] = b
    return M


@value(([1.0, 2.0, 3.0], FOUR), ([1.0, 2.0], FOUR))
def list_of_the_caller_popped_in_a_loop(q, a):
    s = 0.0
    for _ in a:
        if len(q) > 2:
            s += q.pop()
    return s


@value((FOUR, 0.5), (FOUR, 2.0))
def comparison_of_comparisons(b, x):
    k = 0
    for _ in b:
        k += 1
    y = 1.0 if (k > 1) == (1.7 < x <= 2.5) else 2.0
    return y, (k > 9) != (x > 1)


@value((0.7, 6))
def draws_in_a_loop(x, n):
    rng = np.random.default_rng(4)
    y = np.zeros(n)
    for k in range(n):
        y[k] = x * rng.normal()
    return y, rng.permutation(4)


@value((np.array([0.1, 0.7, 1.5]),), (np.array([0.1, 0.2, 0.3]),))
def pairs_that_a_condition_chooses(x):
    return [(j, v) for j, v in enumerate(x) if v > 0.5]


@value((FOUR,), (-FOUR,), (FOUR * 0.0,))
def none_until_the_first_and_collected(a):
    x, out = None, []
    for v in a:
        if x is None:
            x = v
        elif v < 1.0:
            x = x + v
        out.append(x)
    y = None
    for v in a:
        if y is not None:
            y = y * v
        else:
            y = v
    return np.array(out), y


@value((FOUR,), (-FOUR,))
def tuples_sorted_by_themselves(a):
    pairs = sorted((v, k) for k, v in enumerate(a))
    first, second = (a[0], a[1]), (a[2], a[3])
    both = (first, first), (second, second)
    if a[0] > a[2]:
        both = both[1], both[0]
    return pairs, pairs[::-1], both


@value((FOUR, 4), (-FOUR, 2))
def records_that_a_loop_collects(a, n):
    found = []
    for k in range(n + int(abs(a[0]))):
        found.append({"a": a[k % 4] * k, "b": (0, k)})
    return found


@value((2.0,), (12.0,), (30.0,))
def list_of_run_time_length_is_unpacked(x):
    p = [x]
    while p[-1] < 20 and len(p) < 2:
        p.append(p[-1] * 1.5)
    if len(p) == 2:
        a, b = p
        return a - b
    return x


@value((FOUR,), (-FOUR,))
def elements_without_numbers_some_under_a_condition(a):
    marks, total = [None], 0.0
    for v in a:
        marks.append(None)
        if v > 0:
            marks.append(None)
    for mark in marks:
        total += a[0] if mark is None else a[1]
    return total, len(marks)


def _doubled(w):
    w += w


@value((FOUR,), (-FOUR,), (FOUR * 2,))
def argument_that_branches_one_after_another_may_bind_anew(a):
    b = a
    for k in range(2):
        if a[k] > 0.4:
            c = b if a[2] > 1.0 else np.zeros(4)
            b = c
    _doubled(b)
    return a, b


@value((FOUR, FOUR + 1), (-FOUR, FOUR), (FOUR * 10, -FOUR))
def argument_bound_anew_in_a_loop_that_may_not_run(a, b):
    x = a
    k = 0
    while k < 3 and a[0] < 1.0 and b[1] > -1.0:
        x = a + b
        k += 1
    x[0] = 5.0
    for _ in range(int(abs(b[0])) % 3):
        b = b.copy()
    b *= 2
    return x, a, b


@value((FOUR,), (-FOUR,), (FOUR * 10,))
def largest_of_what_may_be_nothing(a):
    found = []
    w = 0
    while w < 3 and a[0] < 1.0:
        w += 1
        found.append(a[w])
    return max(found, default=0.5), min(found, default=-0.5)


@value((FOUR,), (-FOUR,), (FOUR * 0.1,), (FOUR * 10,))
def elements_that_a_loop_adds_now_and_then(a):
    found = []
    step = 1.0
    while step > 0.05:
        step *= 0.6
        if a[0] + a[1] > step * 2:
            continue
        found.append(a @ a * step)
    last = found[-1] if len(found) > 0 else 9.0
    return found[0] if found else a.sum(), last, len(found), sum(found)


@value((1.5,), (0.3,), (0.05,))
def parts_of_a_short_list(x):
    xs = []
    while x > 0.1:
        xs.append(x)
        x = x * 0.5
    ys = xs[:2]
    ys[1:3] = [7.0, 8.0]
    return ys, xs[-3:], xs[5:]


@value((3.0,), (0.1,))
def list_that_grows_is_summed_in_the_loop(x):
    xs = [x]
    y = 0.0
    for _ in range(int(x)):
        xs.append(xs[-1] * 0.5)
        y += sum(xs)
    return y, xs


@value((1.5,), (0.1,))
def a_list_that_is_emptied_has_no_largest(x):
    xs = [x]
    while x > 0.2:
        xs.append(x)
        x *= 0.5
    while xs:
        x += xs.pop()
    return max(xs, default=x)


@value((3.0,), (1.0,), (0.6,), (0.1,))
def checked_before_it_raises(x):
    while x > 0.5:
        assert x > 0.7, "small"
        raise KeyError("k")
    return x


@value((0.7, 4), (0.7, 3))
def an_assertion_before_a_store_out_of_range(x, n):
    a = np.zeros(3)
    k = 0
    while k < n + int(x):
        assert k < 3, "full"
        a[k] = x
        k += 1
    return a


class _Pair:
    def __init__(self, first):
        self.first, self.rest = first, [first]


@value((FOUR, 9), (FOUR, 2))
def copies_of_arrays_lists_and_objects(a, n):
    b = copy.copy(a * 2)
    c = copy.copy(b)
    c[0] = 9.0
    grown = []
    for k in range(n):
        grown.append(a[0] * k)
    deep, flat = copy.deepcopy(grown), copy.copy(grown)
    deep.append(1.0)
    flat.append(2.0)
    pair = _Pair(a * 3)
    other, shallow = copy.deepcopy(pair), copy.copy(pair)
    other.first[0] = 5.0
    other.rest.append(1.0)
    shallow.first[1] = 7.0
    table = copy.deepcopy({"all": [a, a[:2], a], "n": (n, a[1])})
    table["all"][0][0] = 4.0
    return b, c, deep, flat, grown, pair.first, other.first, len(pair.rest), other.rest, table


@value((1.5, np.array(2.0)), (-0.5, np.array(1.0)))
def arrays_without_axes(x, a):
    d, e, f = np.zeros(()), np.full((), x), np.ones_like(a)
    d[...] = a * x
    e[()] += d
    for _ in range(5):
        f[...] = f * x + e
    return d, e, f


@value((0.2, 12), (1.5, 5))
def number_to_many_powers(s, n):
    u = math.exp(s)
    return s * u ** np.arange(n, -n - 1, -2.0), u ** np.array([2, 3])


@value((9.5, 7.5), (9.5, 0.5))
def counter_of_a_function_called_in_a_loop_of_a_branch(x, a):
    k = 0

    def bump(e):
        nonlocal k
        k += 1

    t = 1.0
    if a > 1:
        for _ in range(int(x)):
            t = bump(1.0)
    return k, t is None


@pytest.mark.parametrize(("function", "inputs"), VALUES, ids=[f.__name__ for f, _ in VALUES])
def test_values(function: Program, inputs: list[tuple[Any, ...]]) -> None:
    assert not captured_differently(function, inputs)


def test_one_array_as_two_arguments_is_refused_or_right() -> None:
    def f(a, b):
        a[3] = 9.0
        return b * 2

    def g(a, b):
        b[:] = b[::-1]
        return a * 2

    for function in (f, g):
        one, two = FOUR.copy(), FOUR.copy()
        try:
            result = wg.jit(function)(one, one)
        except wg.CaptureError:
            continue
        assert np.array_equal(result, function(two, two))
        assert np.array_equal(one, two)


def array_in_a_list_changed_later(x):
    a, k = np.zeros(2), 0.0
    rows = [a]
    while k < x:
        rows.append(np.ones(2) * k)
        k += 1
    a[0] = 3.0
    return rows[0][0]


def array_in_a_list_changed_in_the_loop(x):
    rows, a, k = [], np.zeros(2), 0.0
    while k < x:
        rows.append(a)
        k += 1
        a[0] += 1
    return rows[0][0]


def last_array_of_a_list_changed(x):
    rows, k = [], 0.0
    while k < x:
        row = np.zeros(2)
        rows.append(row)
        k += 1
    row[0] = 5.0
    return rows[-1][0]


def element_of_a_list_changed(x):
    rows, k = [], 0.0
    while k < x:
        rows.append([k, x])
        k += 1
    rows[-1][0] = 7.0
    return rows[-1][0], np.array(rows)


def popped_array_changed(x):
    todo = [np.array([x, 1.0])]
    total = 0.0
    while todo:
        v = todo.pop()
        v[0] = v[0] * 0.5
        total += v[0]
        if v[0] > 0.2:
            todo.append(v)
    return total


@pytest.mark.parametrize(
    "function",
    [
        array_in_a_list_changed_later,
        array_in_a_list_changed_in_the_loop,
        last_array_of_a_list_changed,
        element_of_a_list_changed,
        popped_array_changed,
    ],
)
def test_elements_are_not_changed_behind_the_back_of_a_list(function: Program) -> None:
    with pytest.raises(wg.CaptureError, match="copy it first"):
        wg.jit(function)(3.5)


def test_a_list_as_result_of_what_is_differentiated_is_refused() -> None:
    def halved(x):
        out = [x]
        while out[-1] > 0.1:
            out.append(out[-1] * 0.5)
        return out

    with pytest.raises(wg.CaptureError, match=r"np\.array\(list\)"):
        wg.vjp(halved, 1.0)


def test_a_program_that_needs_more_room_prints_once(capsys: pytest.CaptureFixture[str]) -> None:
    def halved(x):
        out = [x]
        print("start")
        while out[-1] + 0.1 * out[0] > 0.2:
            out.append(out[-1] * 0.99)
        return sum(out)

    expected = halved(1.0)
    assert wg.jit(halved)(1.0) == pytest.approx(expected)
    names: dict[str, Any] = {}
    exec(wg.jit(halved).source("python", 1.0), names)
    assert names["jit_halved"](1.0) == pytest.approx(expected)
    assert capsys.readouterr().out == "start\n" * 3


# ------------------------------------------------------------------------------------------ derivatives


@slope(A)
def element_stored_then_stored_in_an_inner_loop(A):
    x = A[0] * 1.0
    for _ in range(4):
        x[0] = x[0] * 2
        for _ in range(4):
            x[0] -= 0.1 * x[0] * x[0]
    return x[1] + x[0]


@slope(A)
def rows_eliminated_after_scaling(A):
    M = np.hstack([A, np.eye(3)])
    for k in range(3):
        M[k] = M[k] / M[k, k]
        for i in range(3):
            if i != k:
                M[i] -= M[i, k] * M[k]
    return M[:, 3:]


@slope(A + 2 * np.eye(3))
def columns_divided_under_a_condition(A):
    L = A.copy()
    for k in range(3):
        r = L[k, k]
        L[k, k] = r
        if k < 2:
            L[k + 1 :, k] = L[k + 1 :, k] / r
    return L


@slope(A)
def stores_at_equal_places(A):
    x = np.zeros(3)
    x[[0, 0, 1]] = A[0]
    y = A[1].copy()
    y[[0, 0]] *= 2
    M = A.copy()
    M[[0, 0]] = M[[1, 2]]
    return x, y, M


@slope(A)
def rows_swapped_with_themselves(A):
    M = A.copy()
    for k in range(3):
        p = k + np.argmax(np.abs(M[k:, k]))
        M[[k, p]] = M[[p, k]]
        M[k] *= 2 + k
    return M


@slope(A)
def infinity_in_a_loop(A):
    best = np.inf
    D = np.full((3, 3), np.inf)
    D[0, 0] = A[0, 0]
    for i in range(3):
        for j in range(3):
            if i > 0:
                D[i, j] = min(D[i, j], D[i - 1, j] + A[i, j])
            if j > 0:
                D[i, j] = min(D[i, j], D[i, j - 1] + A[i, j])
        best = min(best, D[i, 2])
    return D[2, 2], best


@slope(20.0)
def sum_of_a_list_of_unknown_length(x):
    out = []
    while x > 1.0:
        out.append(x)
        x = x / 1.7
    return sum(out), x


@slope(1.5)
def array_bound_anew_in_a_branch_after_a_store(x):
    kept, n, total = np.zeros(6), 0, 0.0
    while x > 0.5:
        kept[n] = x
        n += 1
        if n > 3:
            total += kept[0] * kept[n - 1]
            kept, n = np.zeros(6), 0
        x = x * 0.9
    return total


@slope(A)
def product_after_an_early_return(A):
    if A[0, 0] > 2:
        return 0.0
    return np.prod(np.diag(A))


@slope(A)
def products_of_columns_in_a_loop(A):
    total = A[0, 0]
    for k in range(3):
        total += np.prod(A[:, k]) * np.cumprod(A[k])[1]
    return total


@slope(np.array([2.0, 3.0, 1.0]))
def position_moved_before_and_after_a_store(a):
    a = a.copy()
    i = 0
    while i < 2:
        while a[i] < 1.5:
            i += 1
        if i < 2:
            a[i] = a[i] * 2
            i += 1
    return a


@slope(np.array([2.0, 3.0, 1.0]), 3)
def number_that_a_branch_passes_on_and_a_row_keeps(a, n):
    x, y = a[0], a[1]
    for _ in range(n):
        while y < 4.0:
            y = y * 1.5
        x = x * y
        if x > 30.0:
            y = y - 3.0
    return x, y


@pytest.mark.parametrize(("function", "args"), SLOPES, ids=[f.__name__ for f, _ in SLOPES])
def test_slopes(function: Program, args: tuple[Any, ...]) -> None:
    projection = Projection(function, args, (0,), np.random.default_rng(5))
    reverse = wg.grad(projection.function, argnums=(0,))
    forward = wg.jacfwd(projection.function, argnums=(0,))
    assert not gradients_differ(projection, reverse, forward, args)
