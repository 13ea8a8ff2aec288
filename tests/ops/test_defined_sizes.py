"""Extents that integer nodes define: triangular slices, run-time sizes, and what depends on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from control_checks import check_derivatives

from wengert.diff.reverse import vjp
from wengert.errors import EvaluationError, ShapeError, TypeMismatchError
from wengert.ir.dims import any_defined
from wengert.ir.dump import dump, load
from wengert.ir.function import Function
from wengert.ir.node import Expr, live_nodes, sweep
from wengert.ir.verify import verify
from wengert.ir.walk import order, substitute
from wengert.ops.algebra import dot, zeros
from wengert.ops.control import LOOP, branch, call, for_loop, while_loop
from wengert.ops.einstein import eye, ones, sum_axes
from wengert.ops.extents import as_dim
from wengert.ops.joining import concatenate
from wengert.ops.leaves import ONE, const, size, symbol
from wengert.ops.subscripts import update
from wengert.ops.trig import sin

x, y = symbol("x"), symbol("y")
v = symbol("v", "n")
A = symbol("A", ("n", "n"))
N, M = symbol("N", dtype="int64"), symbol("M", dtype="int64")
n = size(v.shape[0])
VALUES: dict[str, Any] = {
    "x": 0.8,
    "y": 0.5,
    "v": np.array([1.0, 0.5, 0.2, 0.7]),
    "A": np.array(
        [[4.5, 0.1, -0.3, 0.2], [0.4, 3.8, 0.1, 0.6], [0.3, 0.3, 4.2, -0.5], [0.1, 0.7, 0.2, 4.4]]
    ),
    "N": 3,
    "n": 4,
}


# --- programs, and what they are in NumPy -----------------------------------------------------------------
def lu() -> Expr:
    def row(k: Expr, i: Expr, u: Expr) -> Expr:
        after = slice(as_dim(k) + 1, None)
        u = update(u, (i, k), u[i, k] / u[k, k])
        return update(u, (i, after), u[i, after] - u[i, k] * u[k, after])

    def column(k: Expr, u: Expr) -> Expr:
        inner: Expr = for_loop(n - k - 1, u, lambda j, w: row(k, k + 1 + j, w))
        return inner

    found: Expr = for_loop(n, A, column)
    return found


def lu_in_python(a: Any) -> Any:
    a = a.copy()
    for k in range(len(a)):
        for i in range(k + 1, len(a)):
            a[i, k] /= a[k, k]
            a[i, k + 1 :] -= a[i, k] * a[k, k + 1 :]
    return a


def cholesky() -> Expr:
    b = A @ A.T

    def column(j: Expr, low: Expr) -> Expr:
        d = as_dim(j)
        diagonal = (b[j, j] - dot(low[j, :d], low[j, :d])) ** 0.5
        low = update(low, (j, j), diagonal)
        below = (b[d + 1 :, j] - low[d + 1 :, :d] @ low[j, :d]) / diagonal
        return update(low, (slice(d + 1, None), j), below)

    found: Expr = for_loop(n, zeros(A.shape), column)
    return found


def back_substitution() -> Expr:
    """Rows from the last to the first: the slice starts at n - 1 - k."""

    def row(k: Expr, u: Expr) -> Expr:
        i = n - 1 - k
        d = as_dim(i)
        rest = slice(d + 1, None)
        return update(u, i, (v[i] - dot(A[i, rest], u[rest])) / A[i, i])

    found: Expr = for_loop(n, zeros(v.shape), row)
    return found


def back_in_python(a: Any, b: Any) -> Any:
    u = np.zeros(len(b))
    for i in range(len(b) - 1, -1, -1):
        u[i] = (b[i] - a[i, i + 1 :] @ u[i + 1 :]) / a[i, i]
    return u


def run_time_length() -> Expr:
    m = as_dim(N)
    filled = update(zeros((m,)) + x, 0, y)
    return sum_axes(sin(filled * v[:m]))


def branches_in_a_loop() -> Expr:
    def body(k: Expr, s: Expr) -> Expr:
        d = as_dim(k)
        found: Expr = branch(
            s > 1, lambda s: s / 2 + sum_axes(v[d:] * s), lambda s: s + sum_axes(sin(v[:d])), s
        )
        return found

    return for_loop(n, x, body)  # type: ignore[no-any-return]


def branches_in_python(s: Any, u: Any) -> Any:
    for k in range(len(u)):
        s = s / 2 + (u[k:] * s).sum() if s > 1 else s + np.sin(u[:k]).sum()
    return s


def branches_with_arrays() -> Expr:
    def body(k: Expr, s: Expr) -> Expr:
        d = as_dim(k)
        return s + sum_axes(branch(s > 1, lambda: v[d:] * s, lambda: sin(v[d:]))) / 4

    return for_loop(n, x, body)  # type: ignore[no-any-return]


def arrays_in_python(s: Any, u: Any) -> Any:
    for k in range(len(u)):
        s = s + (u[k:] * s if s > 1 else np.sin(u[k:])).sum() / 4
    return s


def inner_carry() -> Expr:
    """The inner loop carries an array whose length is that of the outer iteration."""

    def body(k: Expr, s: Expr) -> Expr:
        part = v[as_dim(k) :]
        w = for_loop(3, part * s, lambda j, w: sin(w) + y * w * (j + 1) + part)
        return sum_axes(w) / 10

    return for_loop(n, x, body)  # type: ignore[no-any-return]


def inner_carry_in_python(s: Any, p: Any, u: Any) -> Any:
    for k in range(len(u)):
        w = u[k:] * s
        for j in range(3):
            w = np.sin(w) + p * w * (j + 1) + u[k:]
        s = w.sum() / 10
    return s


def inner_rows() -> Expr:
    """As many rows as the outer iteration says."""

    def body(k: Expr, s: Expr) -> Expr:
        w, rows = for_loop(k + 1, [s], lambda j, w: ((sin(w) + v[j],), (w * w,)), stacked=True)
        return w / 2 + sum_axes(rows * v[: as_dim(k) + 1]) / 10

    return for_loop(n, x, body)  # type: ignore[no-any-return]


def inner_rows_in_python(s: Any, u: Any) -> Any:
    for k in range(len(u)):
        w, rows = s, []
        for j in range(k + 1):
            rows.append(w * w)
            w = np.sin(w) + u[j]
        s = w / 2 + (np.array(rows) * u[: k + 1]).sum() / 10
    return s


def calls_with_slices() -> Expr:
    def body(k: Expr, s: Expr) -> Expr:
        return s * 0.3 + sum_axes(call(lambda w, s: sin(w) * s, v[as_dim(k) :], s))

    return for_loop(n, x, body)  # type: ignore[no-any-return]


def calls_in_python(s: Any, u: Any) -> Any:
    for k in range(len(u)):
        s = s * 0.3 + (np.sin(u[k:]) * s).sum()
    return s


def function_of_a_length() -> Expr:
    """The result's length is that of an integer argument."""
    part = symbol("part", (as_dim(N),))
    f = Function((N, part), (part * 2 + zeros((as_dim(N),)),))

    def body(k: Expr, s: Expr) -> Expr:
        return s * 0.3 + sum_axes(call(f, n - k, v[as_dim(k) :] * s))

    return for_loop(n, x, body)  # type: ignore[no-any-return]


def function_in_python(s: Any, u: Any) -> Any:
    for k in range(len(u)):
        s = s * 0.3 + (u[k:] * s * 2).sum()
    return s


def growing_windows() -> Expr:
    def body(i: Expr, s: Expr) -> tuple[Expr, Expr]:
        return i * 2, s + sum_axes(v[: as_dim(i)] * sin(s))

    return while_loop(lambda i, s: i <= n, body, [const(np.int64(1)), x])[1]  # type: ignore[no-any-return]


def windows_in_python(s: Any, u: Any) -> Any:
    i = 1
    while i <= len(u):
        s = s + (u[:i] * np.sin(s)).sum()
        i *= 2
    return s


def three_deep() -> Expr:
    def third(i: Expr, j: Expr, t: Expr) -> Expr:
        found: Expr = for_loop(
            j - i + 1, t, lambda k, t: t + sin(t) * sum_axes(v[as_dim(i) : as_dim(i + k) + 1]) / 20
        )
        return found

    def second(i: Expr, s: Expr) -> Expr:
        found: Expr = for_loop(n - i, s, lambda j, t: third(i, i + j, t))
        return found

    return for_loop(n, x, second)  # type: ignore[no-any-return]


def three_deep_in_python(t: Any, u: Any) -> Any:
    for i in range(len(u)):
        for j in range(i, len(u)):
            for k in range(j - i + 1):
                t = t + np.sin(t) * u[i : i + k + 1].sum() / 20
    return t


def _total(a: Any) -> Any:
    return (np.sin(a) * a).sum()


def summed(node: Expr) -> Expr:
    return sum_axes(sin(node) * node)


V: dict[str, Any] = VALUES
PROGRAMS: dict[str, tuple[Callable[[], Expr], Callable[[], Any]]] = {
    "lu": (lambda: summed(lu()), lambda: _total(lu_in_python(V["A"]))),
    "cholesky": (
        lambda: summed(cholesky()), lambda: _total(np.linalg.cholesky(V["A"] @ V["A"].T))
    ),
    "back_substitution": (
        lambda: summed(back_substitution()), lambda: _total(back_in_python(V["A"], V["v"]))
    ),
    "run_time_length": (
        run_time_length, lambda: np.sin(np.array([0.5, 0.8, 0.8]) * V["v"][:3]).sum()
    ),
    "branches_in_a_loop": (branches_in_a_loop, lambda: branches_in_python(0.8, V["v"])),
    "branches_with_arrays": (branches_with_arrays, lambda: arrays_in_python(0.8, V["v"])),
    "inner_carry": (inner_carry, lambda: inner_carry_in_python(0.8, 0.5, V["v"])),
    "inner_rows": (inner_rows, lambda: inner_rows_in_python(0.8, V["v"])),
    "calls_with_slices": (calls_with_slices, lambda: calls_in_python(0.8, V["v"])),
    "function_of_a_length": (function_of_a_length, lambda: function_in_python(0.8, V["v"])),
    "growing_windows": (growing_windows, lambda: windows_in_python(0.8, V["v"])),
    "three_deep": (three_deep, lambda: three_deep_in_python(0.8, V["v"])),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_python_does_and_derivatives_of_two_orders(name: str, rng: Any) -> None:
    build, python = PROGRAMS[name]
    output = build()
    assert output.evaluate(VALUES) == pytest.approx(python(), rel=1e-13)
    assert build() is output
    loops = [m for m in order([output]) if m.op is LOOP]
    symbols = [s for s in output.free_symbols if s is not N]
    assert loops or name == "run_time_length"
    check_derivatives(output, VALUES, symbols, rng)


def test_jacobians_go_through_triangular_slices() -> None:
    u = back_substitution()
    (jacobian,) = vjp([u], [eye(v.shape[0])], [v])
    assert jacobian is not None
    verify([jacobian])
    assert jacobian.evaluate(VALUES) == pytest.approx(np.linalg.inv(np.triu(VALUES["A"])))


# --- extents ---------------------------------------------------------------------------------------------
def test_polynomials_of_sizes_need_no_definer() -> None:
    assert as_dim(2 * n + 1) == 2 * v.shape[0] + 1
    assert as_dim(n * n) == v.shape[0] * v.shape[0]
    assert as_dim(const(7)) == 7
    assert as_dim(N + 1) - as_dim(N) == 1
    assert as_dim(N * 3) == 3 * as_dim(N)
    assert as_dim(N // 2) is as_dim(N // 2)
    assert as_dim(N // 2) != as_dim(N)


def test_a_defined_size_is_its_definer_and_a_length_is_not_negative() -> None:
    assert size(as_dim(N)) is N
    length = size(as_dim(N) - 4)
    assert as_dim(length) is as_dim(N) - 4
    assert (length.evaluate(N=7), length.evaluate(N=3)) == (3, 0)
    part = v[as_dim(N) : as_dim(M)]
    assert part.evaluate(v=VALUES["v"], N=1, M=3).tolist() == [0.5, 0.2]
    assert part.evaluate(v=VALUES["v"], N=3, M=1).tolist() == []
    assert sum_axes(ones(part.shape)).evaluate(N=3, M=1) == 0


def test_an_argument_of_the_wrong_length_is_refused() -> None:
    part = symbol("part", (as_dim(N) + 1,))
    assert (part * 2).evaluate(part=[1.0, 2.0], N=1).tolist() == [2, 4]
    with pytest.raises(EvaluationError, match="shape"):
        (part * 2).evaluate(part=[1.0, 2.0], N=2)


def test_lengths_that_were_added_up_wrongly_are_found() -> None:
    """The length of what is put together is a sum, and that of an empty range is 0, not negative."""
    together = concatenate((v[as_dim(N) : as_dim(M)], v))
    assert together.evaluate(v=VALUES["v"], N=1, M=2).tolist() == [0.5, 1.0, 0.5, 0.2, 0.7]
    with pytest.raises(EvaluationError, match="may be empty"):
        together.evaluate(v=VALUES["v"], N=3, M=1)


def test_substitution_renames_sizes() -> None:
    node = sum_axes(v[as_dim(N) :]) + sum_axes(zeros((as_dim(N),)) + x)
    for number in (0, 1, 3):
        (found,) = substitute([node], {N: const(number)})
        verify([found])
        assert not found.needs
        expected = VALUES["v"][number:].sum() + number * 0.8
        assert found.evaluate(VALUES) == pytest.approx(expected)
    (shifted,) = substitute([node], {N: M + 1})
    verify([shifted])
    assert shifted.evaluate({**VALUES, "M": 2}) == pytest.approx(node.evaluate(VALUES))
    loop = inner_carry()
    (found,) = substitute([loop], {x: y, y: x})
    verify([found])
    assert found.evaluate({**VALUES, "x": 0.5, "y": 0.8}) == pytest.approx(loop.evaluate(VALUES))


def test_what_mentions_a_size_of_the_loop_stays_inside() -> None:
    node = for_loop(n, x, lambda k, s: s + sum_axes(sin(v[as_dim(k) :])) + sum_axes(sin(v)))
    (loop,) = [m for m in order([node]) if m.op is LOOP]
    inside = [m for m in loop.attr.body.nodes if m.op.name == "sin"]
    assert len(inside) == 1


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeMismatchError, match="one integer"):
        as_dim(x)
    with pytest.raises(TypeMismatchError, match="same shape"):
        for_loop(n, v, lambda k, u: u[as_dim(k) :])
    with pytest.raises(ShapeError, match="known beforehand"):
        for_loop(n, [x], lambda k, s: ((s,), (v[as_dim(k) :],)), stacked=True)
    with pytest.raises(ShapeError, match="known beforehand"):
        call(lambda m: zeros((as_dim(m // 2),)), N)


def test_dumps_do_not_depend_on_when_a_size_was_defined() -> None:
    text = dump([lu(), run_time_length()])
    assert "%x" not in text
    assert load(text) == [lu(), run_time_length()]


def test_memory_returns() -> None:
    sweep()
    before, defined = live_nodes(), any_defined()
    for _ in range(3):
        node: Any = inner_carry()
        node = vjp([node], [ONE], [v])
    del node
    sweep()
    assert live_nodes() <= before + 5
    assert any_defined() <= defined  # other tests may hold on to theirs
