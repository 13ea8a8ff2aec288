"""Recursion whose depth depends on run-time values, and which changes arrays in place or names outside."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import CaptureError


def quicksort(v, lo, hi):
    if lo >= hi:
        return
    p, i = v[lo], lo
    for j in range(lo + 1, hi + 1):
        if v[j] < p:
            i += 1
            v[i], v[j] = v[j], v[i]
    v[lo], v[i] = v[i], v[lo]
    quicksort(v, lo, i - 1)
    quicksort(v, i + 1, hi)


def _weighted(v):
    return (v * np.arange(1.0, v.size + 1).reshape(v.shape)).sum()


def sorts_a_copy(x):
    y = x.copy()
    quicksort(y, 0, len(y) - 1)
    return _weighted(y)


def sorts_the_callers(x):
    quicksort(x, 0, len(x) - 1)
    return _weighted(x)


def changes_variables_and_arrays_around(x):
    seen = np.zeros(len(x))
    count, total = 0, 0.0

    def visit(i):
        nonlocal count, total
        if i >= len(x) or seen[i] > 0:
            return
        seen[i] = 1.0
        count += 1
        total += x[i] ** 2
        visit(i + (2 if x[i] > 1 else 1))

    visit(0)
    return total * count + seen @ x


class Walker:
    def __init__(self, gains):
        self.gains, self.steps, self.best, self.marks = gains, 0, 0.0, np.zeros(len(gains))

    def go(self, i, acc):
        self.steps += 1
        self.marks[i] += acc
        if acc > self.best:
            self.best = acc
        if acc > 6:
            return acc
        return self.go((i + int(acc)) % len(self.gains), acc + self.gains[i])


def changes_attributes(x):
    walker = Walker(x)
    last = walker.go(0, 1.0)
    return last + walker.best + walker.steps + walker.marks.sum()


def flood(a, i, j, old, new):
    n, m = a.shape
    if i < 0 or j < 0 or i >= n or j >= m:
        return
    if abs(a[i, j] - old) > 0.3:
        return
    a[i, j] = new
    flood(a, i + 1, j, old, new)
    flood(a, i - 1, j, old, new)
    flood(a, i, j + 1, old, new)
    flood(a, i, j - 1, old, new)


def floods(x):
    a = np.outer(x, np.ones(3))
    flood(a, 1, 1, x[1], x[0] * 5)
    return _weighted(a)


def bump(a, b, k):
    if k >= len(a):
        return
    a[k] += b[0]
    b[0] = a[k]
    bump(a, b, k + (1 if a[k] > 0 else 2))


def changes_two_arrays(x):
    a, b = x.copy(), x[:1].copy()
    bump(a, b, 0)
    return a.sum() + b[0]


def changes_views(x):
    a = np.outer(x, np.ones(4))
    b = a.copy()
    bump(a[1], b[:, 2][:2], 0)
    return _weighted(a) + _weighted(b)


def best_order(a, k, best):
    if k == len(a):
        s = _weighted(a)
        return s if s > best else best
    for i in range(k, len(a)):
        a[k], a[i] = a[i], a[k]
        best = best_order(a, k + 1, best)
        a[k], a[i] = a[i], a[k]
    return best


def backtracks(x):
    return best_order(x[:4].copy(), 0, -1.0)


def sift(heap, i, n):
    left, right, top = 2 * i + 1, 2 * i + 2, i
    if left < n and heap[left] > heap[top]:
        top = left
    if right < n and heap[right] > heap[top]:
        top = right
    if top != i:
        heap[i], heap[top] = heap[top], heap[i]
        sift(heap, top, n)


def sorts_by_a_heap(x):
    heap, n = x.copy(), len(x)
    for i in range(n // 2 - 1, -1, -1):
        sift(heap, i, n)
    for end in range(n - 1, 0, -1):
        heap[0], heap[end] = heap[end], heap[0]
        sift(heap, 0, end)
    return _weighted(heap)


def merge_sort(v, spare, lo, hi):
    if hi - lo < 2:
        return
    mid = (lo + hi) // 2
    merge_sort(v, spare, lo, mid)
    merge_sort(v, spare, mid, hi)
    i, j = lo, mid
    for k in range(lo, hi):
        if i < mid and (j >= hi or v[i] <= v[j]):
            spare[k] = v[i]
            i += 1
        else:
            spare[k] = v[j]
            j += 1
    for k in range(lo, hi):
        v[k] = spare[k]


def sorts_by_merging(x):
    v = x.copy()
    merge_sort(v, np.zeros(len(x)), 0, len(x))
    return _weighted(v)


@pytest.mark.parametrize(
    "function",
    [sorts_a_copy, sorts_the_callers, changes_variables_and_arrays_around, changes_attributes, floods,
     changes_two_arrays, changes_views, backtracks, sorts_by_a_heap, sorts_by_merging],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_what_recursion_changes_is_changed(function):
    rng = np.random.default_rng(1)
    value, gradient, forward = wg.jit(function), wg.grad(function), wg.jacfwd(function)
    hessian = wg.hessian(function)
    for n in (4, 5, 9, 12):
        x = rng.random(n) * 2 + 0.2
        plain, compiled = x.copy(), x.copy()
        np.testing.assert_allclose(value(compiled), function(plain), rtol=1e-12)
        np.testing.assert_array_equal(compiled, plain)
        steps = 1e-6 * np.eye(n)
        wanted = [(function(x + e) - function(x - e)) / 2e-6 for e in steps]
        np.testing.assert_allclose(gradient(x), wanted, atol=1e-5)
        np.testing.assert_allclose(forward(x), gradient(x), atol=1e-12)
        bent = [(gradient(x + e) - gradient(x - e)) / 2e-6 for e in steps]
        np.testing.assert_allclose(hessian(x), bent, atol=1e-5)


def changes_one_array_under_two_names(x):
    a = x.copy()
    bump(a, a, 0)
    return a.sum()


def reads_its_argument_from_outside(x):
    a = x.copy()

    def go(b, k):
        if k >= len(b):
            return
        b[k] += a[0]
        go(b, k + (1 if b[k] > 0 else 2))

    go(a, 0)
    return a.sum()


@pytest.mark.parametrize(
    ("function", "words"),
    [(changes_one_array_under_two_names, "under another name too"),
     (reads_its_argument_from_outside, "reads an array from outside")],
)  # fmt: skip
def test_one_array_under_two_names_is_refused(function, words):
    with pytest.raises(CaptureError, match=words):
        wg.jit(function)(np.array([0.3, 1.2, 0.5]))


def quicksort_of_parts(v):
    if len(v) < 2:
        return
    pivot, i = v[0], 0
    for j in range(1, len(v)):
        if v[j] < pivot:
            i += 1
            v[i], v[j] = v[j], v[i]
    v[0], v[i] = v[i], v[0]
    quicksort_of_parts(v[:i])
    quicksort_of_parts(v[i + 1 :])


def sorts_parts(x):
    y = x.copy()
    quicksort_of_parts(y)
    return _weighted(y)


def halves(v, least):
    if len(v) < 2 or least < 0.1:
        return
    k = int(np.sum(v > least))
    v[:k] *= 0.5
    halves(v[:k], 0.5 * least)


def halves_parts(x):
    y = x.copy()
    halves(y, 1.0)
    return _weighted(y)


@pytest.mark.parametrize("function", [sorts_parts, halves_parts], ids=lambda f: f.__name__)
def test_recursion_on_parts_of_run_time_extent(function):
    rng = np.random.default_rng(3)
    value, gradient = wg.jit(function), wg.grad(function)
    for n in (3, 5, 8, 13):
        x = rng.random(n) * 2 + 0.2
        np.testing.assert_allclose(value(x), function(x), rtol=1e-12)
        wanted = [(function(x + e) - function(x - e)) / 2e-6 for e in 1e-6 * np.eye(n)]
        np.testing.assert_allclose(gradient(x), wanted, atol=1e-5)


def collected(found, x):
    if x < 0.1:
        return
    found.append(x)
    collected(found, x * x)


def with_another_list_each_time(x):
    found = []
    collected(found, x)
    return found


def parts_of_new_lists(x):
    return [] if x < 0.1 else [x, *parts_of_new_lists(x * x)]


def parts_of_new_arrays(v):
    if len(v) <= 1:
        return v
    rest = v[1:]
    smaller, larger = (
        parts_of_new_arrays(rest[rest < v[0]]),
        parts_of_new_arrays(rest[rest >= v[0]]),
    )
    return np.concatenate([smaller, v[:1], larger])


@pytest.mark.parametrize(
    ("function", "argument", "words"),
    [(with_another_list_each_time, 0.9, "calls itself during capture without end"),
     (parts_of_new_lists, 0.9, "return the same structure on all ways"),
     (parts_of_new_arrays, np.array([3.0, -1.0, 2.0]), "arrays whose extents it computes")],
)  # fmt: skip
def test_other_structures_each_time_are_refused(function, argument, words):
    with pytest.raises(CaptureError, match=words) as caught:
        wg.jit(function)(argument)
    assert "test_recursion.py" in str(caught.value)
