"""Control flow: what it means, how it is built, and its derivatives of first and second order."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from strategies import run

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import TypeMismatchError
from wengert.ir.dump import dump, load
from wengert.ir.function import Function
from wengert.ir.node import Expr, live_nodes
from wengert.ir.types import Type
from wengert.ir.verify import verify
from wengert.ir.walk import leaves, order, substitute
from wengert.ops.algebra import dot
from wengert.ops.choice import floor
from wengert.ops.control import branch, call, for_loop, loop, while_loop
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.exponential import exp, log
from wengert.ops.leaves import ONE, const, size, symbol
from wengert.ops.powers import sqrt
from wengert.ops.subscripts import update
from wengert.ops.trig import sin, tanh

x, y, a = symbol("x"), symbol("y"), symbol("a")
v, w = symbol("v", "n"), symbol("w", "n")
A = symbol("A", ("n", "n"))
N = symbol("N", dtype="int64")
n = size(v.shape[0])
VALUES: dict[str, Any] = {
    "x": 0.8,
    "y": 0.5,
    "a": 2.3,
    "v": np.array([1.0, 0.5, 0.2, 0.7]),
    "w": np.array([0.3, -0.4, 0.9, 0.1]),
    "A": np.array(
        [[0.5, 0.1, -0.3, 0.2], [0.4, -0.2, 0.1, 0.6], [0.3, 0.3, 0.2, -0.5], [0.1, 0.7, 0.2, 0.4]]
    ),
    "N": 3,
}


def value(node: Expr | None, **changed: Any) -> Any:
    return 0.0 if node is None else run([node], **{**VALUES, "n": 4, **changed})[0]


# --- programs ---------------------------------------------------------------------------------------------
def logistic_map() -> Expr:
    return for_loop(6, x, lambda k, s: s * (1 - s) * (3 + y / (k + 1)))


def power_iteration() -> Expr:
    u = for_loop(5, v, lambda k, u: (A @ u) / sqrt(dot(u, u)))
    return dot(u, A @ u) / dot(u, u)


def newton_root() -> Expr:
    return while_loop(lambda s: abs(s * s - a) > 1e-13, lambda s: s - (s * s - a) / (2 * s), a)


def heron_from_outside() -> Expr:
    return while_loop(lambda s: abs(s * s - a * x) > 1e-13, lambda s: (s + a * x / s) / 2, y) * x


def collatz() -> Expr:
    """An integer decides how the float is changed; it has no derivative itself."""

    def body(m: Expr, s: Expr) -> tuple[Expr, Expr]:
        odd = m % 2 > 0
        return (
            branch(odd, lambda m: 3 * m + 1, lambda m: m // 2, m),
            branch(odd, lambda s: s * y, lambda s: s + sin(x), s),
        )

    return while_loop(lambda m, s: m > 1, body, (const(np.int64(6)), x))[1]


def piecewise() -> Expr:
    return branch(x > y, lambda: x**2 * y, lambda: sin(x) + y)


def branch_in_loop() -> Expr:
    return for_loop(
        7, x, lambda k, s: branch(s > y, lambda s: s * y, lambda s: s + y * exp(s) / (k + 1), s)
    )


def loop_in_branch() -> Expr:
    return branch(
        x > y,
        lambda: for_loop(3, x, lambda k, s: s * s * y + x),
        lambda: while_loop(lambda s: s < 2, lambda s: s * 1.7 + y * s, x),
    )


def loop_in_loop() -> Expr:
    return for_loop(
        3, x, lambda i, s: for_loop(i + 1, s * y, lambda j, t: t + sin(t * s) / (i + j + 1))
    )


def while_in_while() -> Expr:
    def root(s: Expr) -> Expr:
        found: Expr = while_loop(
            lambda t: abs(t * t - s - y) > 1e-13, lambda t: (t + (s + y) / t) / 2, s + 1.0
        )
        return found

    return while_loop(lambda s: s < 5, lambda s: s + root(s), x)


def scan() -> Expr:
    """Prefix products, all of them used."""
    last, rows = loop(
        [x], lambda k, s, e: ((s * (e + y),), (s**2,)), trip=n, over=(v,), stacked=True
    )
    return last + dot(rows, sin(w))


def rows_of_a_while() -> Expr:
    last, rows = while_loop(lambda s: s < 5, lambda s: ((s * (1 + y),), (s**2,)), [x], stacked=True)
    return last * sum_axes(rows * sin(rows))


def rows_of_a_while_in_a_loop() -> Expr:
    def body(k: Expr, s: Expr) -> Expr:
        last, rows = while_loop(
            lambda t: t < 5, lambda t: ((t * (1 + y),), (t**2,)), [s * s + 0.3], stacked=True
        )
        return sin(last) + sum_axes(sin(rows * s)) / 20

    return for_loop(3, x, body)


def network() -> Expr:
    last, states = loop([v], lambda k, h: ((tanh(A @ h + w * k),), (h,)), trip=4, stacked=True)
    return dot(last, w) + sum_axes(states * states)


def elements() -> Expr:
    return for_loop(n, x, lambda k, s: s * v[k] + sin(s))


def in_place() -> Expr:
    u = for_loop(n - 1, v, lambda k, u: update(u, k + 1, sin(u[k]) * u[k + 1]))
    return dot(u, u)


def for_with_break() -> Expr:
    return loop([x], lambda k, s: (s * 1.5 + y * k,), trip=10, test=lambda s: s < 3)[0] * x


def calls() -> Expr:
    def f(p: Expr, q: Expr) -> Expr:
        return p * sin(q) + a

    return call(f, x, call(f, x, y))


def call_of_a_loop() -> Expr:
    return call(lambda p: for_loop(3, p, lambda k, s: s * sin(s + y)), x)


def run_time_trip() -> Expr:
    return for_loop(N, x, lambda k, s: s * y + sin(s) + k)


def starts_as_integer() -> Expr:
    return for_loop(4, 0, lambda k, total: total + sin(x * (k + 1)))


PROGRAMS: list[Callable[[], Expr]] = [
    logistic_map, power_iteration, newton_root, heron_from_outside, collatz, piecewise, branch_in_loop,
    loop_in_branch, loop_in_loop, while_in_while, scan, rows_of_a_while, rows_of_a_while_in_a_loop,
    network, elements, in_place, for_with_break, calls, call_of_a_loop, run_time_trip, starts_as_integer,
]  # fmt: skip


def _symbols(node: Expr) -> list[Expr]:
    return [s for s in leaves([node]) if s.op.free and s is not N]


def _directions(
    symbols: list[Expr], prefix: str, rng: Any
) -> tuple[dict[Expr, Expr], dict[str, Any]]:
    names = {s: symbol(f"{prefix}_{s.attr.name}", s.shape) for s in symbols}
    return names, {
        d.attr.name: rng.normal(size=np.shape(VALUES[s.attr.name])) for s, d in names.items()
    }


def _paired(cotangents: list[Expr | None], tangents: dict[Expr, Expr]) -> Expr:
    terms = [
        dot(ct, t) if t.ndim else ct * t
        for ct, t in zip(cotangents, tangents.values(), strict=True)
        if ct is not None
    ]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _difference(
    node: Expr, names: dict[Expr, Expr], values: dict[str, Any], h: float = 1e-5
) -> float:
    def at(step: float) -> float:
        moved = {
            s.attr.name: VALUES[s.attr.name] + step * values[d.attr.name] for s, d in names.items()
        }
        return float(value(node, **{**values, **moved}))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_derivatives_of_first_and_second_order(program: Callable[[], Expr], rng: Any) -> None:
    output = program()
    symbols = _symbols(output)
    t, t_values = _directions(symbols, "d", rng)
    u, u_values = _directions(symbols, "e", rng)
    both = {**t_values, **u_values}
    (forward,) = jvp([output], t)
    assert forward is not None
    backward = _paired(vjp([output], [ONE], symbols), t)
    first = _difference(output, t, t_values)
    assert value(forward, **t_values) == pytest.approx(first, rel=1e-7, abs=1e-8)
    assert value(backward, **t_values) == pytest.approx(
        value(forward, **t_values), rel=1e-11, abs=1e-11
    )

    second = _difference(forward, u, both)
    ways = [
        jvp([forward], u)[0],
        jvp([backward], u)[0],
        _paired(vjp([forward], [ONE], symbols), u),
        _paired(vjp([backward], [ONE], symbols), u),
    ]
    found = [value(way, **both) for way in ways]
    assert found[0] == pytest.approx(second, rel=1e-6, abs=1e-7)
    assert found == pytest.approx([found[0]] * 4, rel=1e-10, abs=1e-10)
    every = [output, forward, backward, *(way for way in ways if way is not None)]
    verify(every)
    assert load(dump(every)) == every


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_building_again_gives_the_same_node(program: Callable[[], Expr]) -> None:
    assert program() is program()


def test_jacobians_go_through_loops_and_branches(rng: Any) -> None:
    _, rows = loop(
        [x],
        lambda k, s, e: (
            (branch(s > 0.5, lambda s, e: s * e + y, lambda s, e: sin(e) * s, s, e),),
            (s**2 * e,),
        ),
        trip=n,
        over=(v,),
        stacked=True,
    )
    u = for_loop(3, rows, lambda k, u: sin(u) * sum_axes(u) * v + u)
    symbols = [x, y, v]
    jacobian = vjp([u], [eye(v.shape[0])], symbols)
    verify([j for j in jacobian if j is not None])
    for s, found in zip(symbols, jacobian, strict=True):
        for direction in np.eye(4) if s.ndim else [1.0]:
            name, h = s.attr.name, 1e-6
            up, down = (value(u, **{name: VALUES[name] + sign * h * direction}) for sign in (1, -1))
            expected = (up - down) / (2 * h)
            column = value(found) @ direction if s.ndim else value(found)
            assert column == pytest.approx(expected, rel=1e-6, abs=1e-8)


# --- values and closed forms ------------------------------------------------------------------------------
def test_newton_has_the_derivatives_of_the_root() -> None:
    root = newton_root()
    assert value(root) == pytest.approx(2.3**0.5, rel=1e-14)
    derivative: Expr | None = root
    for order_ in range(1, 4):
        assert derivative is not None
        derivative = (jvp([derivative], {a: ONE}) if order_ % 2 else vjp([derivative], [ONE], [a]))[
            0
        ]
        with mpmath.workdps(40):
            expected = float(mpmath.diff(mpmath.sqrt, mpmath.mpf(2.3), order_))
        assert value(derivative) == pytest.approx(expected, rel=1e-9)


def test_the_logistic_map_to_the_fourth_order() -> None:
    derivative: Expr | None = logistic_map()
    for k in range(4):
        assert derivative is not None
        derivative = (vjp([derivative], [ONE], [x]) if k % 2 else jvp([derivative], {x: ONE}))[0]

    def exact(s: Any) -> Any:
        for k in range(6):
            s = s * (1 - s) * (3 + mpmath.mpf(0.5) / (k + 1))
        return s

    with mpmath.workdps(60):
        expected = float(mpmath.diff(exact, mpmath.mpf(0.8), 4))
    assert value(derivative) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("trip", [0, 1, 2, 5, -3])
def test_a_loop_is_what_python_does(trip: int) -> None:
    node = for_loop(N, x, lambda k, s: s * y + sin(s) + k)
    d = {s: vjp([node], [ONE], [s])[0] for s in (x, y)}

    def python(s: float, p: float) -> float:
        for k in range(trip):
            s = s * p + float(np.sin(s)) + k
        return s

    assert value(node, N=trip) == pytest.approx(python(0.8, 0.5), rel=1e-15)
    h = 1e-6
    dx = (python(0.8 + h, 0.5) - python(0.8 - h, 0.5)) / (2 * h)
    dy = (python(0.8, 0.5 + h) - python(0.8, 0.5 - h)) / (2 * h)
    assert value(d[x], N=trip) == pytest.approx(dx, rel=1e-6)
    assert value(d[y], N=trip) == pytest.approx(dy, rel=1e-6, abs=1e-12)


def test_a_loop_that_does_not_run_passes_its_values_on() -> None:
    for node in (
        for_loop(0, x, lambda k, s: s * y),
        while_loop(lambda s: s > 9, lambda s: s * y, x),
    ):
        assert value(node) == 0.8
        assert value(vjp([node], [ONE], [x])[0]) == 1.0
        assert value(vjp([node], [ONE], [y])[0]) == 0.0
        assert value(jvp([node], {x: ONE})[0]) == 1.0


def test_the_number_of_iterations_can_be_asked_for() -> None:
    count, last = while_loop(lambda s: s < 100, lambda s: s * 2, [x], counted=True)
    assert value(count, x=1.0) == 7
    assert value(last, x=1.0) == 128.0
    count, last = loop([x], lambda k, s: (s * 2,), trip=5, test=lambda s: s < 100, counted=True)
    assert (value(count, x=1.0), value(last, x=1.0)) == (5, 32.0)
    assert (value(count, x=60.0), value(last, x=60.0)) == (1, 120.0)
    assert vjp([last * count], [ONE], [count, x])[0] is not None


def test_rows_are_stacked_and_know_their_number() -> None:
    _, rows = for_loop(4, [x], lambda k, s: ((s * 2,), (s, s * v)), stacked=True)[:2]
    assert rows.shape == (4,)
    assert value(rows).tolist() == [0.8, 1.6, 3.2, 6.4]
    matrix = for_loop(n - 1, [x], lambda k, s: ((s * 2,), (s * v,)), stacked=True)[1]
    assert matrix.shape == (v.shape[0] - 1, v.shape[0])
    assert value(matrix).shape == (3, 4)
    _, rows = while_loop(lambda s: s < 5, lambda s: ((s * 2,), (s,)), [x], stacked=True)
    assert rows.ndim == 1
    assert value(rows).tolist() == [0.8, 1.6, 3.2]
    assert value(sum_axes(rows)) == pytest.approx(5.6)
    assert value(rows, x=7.0).shape == (0,)
    assert value(sum_axes(rows), x=7.0) == 0


def test_collatz() -> None:
    steps, last = while_loop(
        lambda m: m > 1,
        lambda m: branch(m % 2 > 0, lambda m: 3 * m + 1, lambda m: m // 2, m),
        [N],
        counted=True,
    )
    assert last.type is Type("int64")
    assert (value(steps, N=27), value(last, N=27)) == (111, 1)


def test_only_the_taken_branch_runs() -> None:
    endless = branch(x > 0, lambda: while_loop(lambda s: s > 0, lambda s: s + y, x), lambda: x * y)
    assert value(endless, x=-2.0, y=3.0) == -6.0
    for change in (jvp([endless], {x: ONE})[0], vjp([endless], [ONE], [x])[0]):
        assert value(change, x=-2.0, y=3.0) == 3.0


def test_a_branch_may_be_a_number_and_have_several_results() -> None:
    first, second = branch(x > 1, lambda: (x, 1), lambda: (0, y))
    assert (value(first), value(second)) == (0.0, 0.5)
    assert (value(first, x=2.0), value(second, x=2.0)) == (2.0, 1.0)
    assert value(jvp([first], {x: ONE})[0]) == 0.0
    assert value(jvp([first], {x: ONE})[0], x=2.0) == 1.0


# --- strong zeros -----------------------------------------------------------------------------------------
def _guards() -> list[Expr]:
    outside = log(a)
    return [
        branch(a > 0, lambda: log(a), lambda: a * 0),
        branch(a > 0, lambda u: u * a, lambda u: a, outside),
        for_loop(N, a, lambda k, s: s + outside),
        while_loop(lambda s: s > 0, lambda s: s * outside - 3, a),
        for_loop(2, a, lambda k, s: branch(a > 0, lambda s: s + log(a), lambda s: s, s)),
        branch(a > 0, lambda: sqrt(a), lambda: 0) ** 2,
    ]


@pytest.mark.parametrize("case", range(len(_guards())))
def test_what_is_not_executed_contributes_nothing(case: int) -> None:
    """The derivative of log(a) at 0 is infinite, but nobody takes the logarithm."""
    node = _guards()[case]
    forward, backward = jvp([node], {a: ONE})[0], vjp([node], [ONE], [a])[0]
    second = jvp([backward], {a: ONE})[0] if backward is not None else None
    for derivative in (forward, backward, second):
        assert np.isfinite(value(derivative, a=0.0, N=0))
    assert value(forward, a=0.7, N=2) == pytest.approx(value(backward, a=0.7, N=2), rel=1e-13)


# --- bodies -----------------------------------------------------------------------------------------------
def test_invariants_are_computed_outside() -> None:
    node = for_loop(9, x, lambda k, s: s * exp(y) + sin(y) * s)
    (inner,) = [m for m in order([node]) if m.op.bodies]
    names = [m.op.name for m in inner.attr.body.nodes]
    assert "exp" not in names
    assert "sin" not in names


def test_what_is_computed_anyway_is_not_computed_again_in_a_branch() -> None:
    node = branch(exp(x) > 1, lambda s: exp(x) * s, lambda s: s, sin(y))
    (inner,) = [m for m in order([node]) if m.op.bodies]
    names = {m.op.name for body in inner.op.bodies(inner.attr) for m in body.nodes}
    assert names.isdisjoint({"exp", "sin"})
    lazy = branch(x > 0, lambda: exp(x) + sin(y), lambda: x)
    assert not {"exp", "sin"} & {m.op.name for m in order([lazy])}


def test_equal_bodies_are_one_object() -> None:
    def body(k: Expr, s: Expr) -> Expr:
        return s * y + sin(s)

    first, second = for_loop(3, x, body), for_loop(4, a, body)
    assert first.args[0].attr.body is second.args[0].attr.body
    once, again = (call(f, x).args[0].attr for f in (lambda p: p * 2 + 1, lambda q: q * 2 + 1))
    assert once.body is again.body


def test_substitution_reaches_captures_and_folds_constants() -> None:
    node = for_loop(3, x, lambda k, s: s * y + sin(s))
    (found,) = substitute([node], {y: const(0.25)})
    verify([found])
    assert found is for_loop(3, x, lambda k, s: s * 0.25 + sin(s))
    assert value(found) == pytest.approx(value(node, y=0.25), rel=1e-15)
    (swapped,) = substitute([node], {x: y, y: x})
    assert swapped is for_loop(3, y, lambda k, s: s * x + sin(s))


def test_loops_of_unknown_length_may_be_substituted_in() -> None:
    """Two copies of one loop, and of its derivatives, run for different numbers of iterations."""
    node = rows_of_a_while()
    gradient = vjp([node], [ONE], [x])[0]
    assert gradient is not None
    for each in (node, gradient):
        first, second = (substitute([each], {x: p})[0] for p in (a * 0.3, y * 3))
        both = first + second * sin(first)
        verify([both])
        assert load(dump([both])) == [both]
        one, two = (each.evaluate(VALUES, x=p) for p in (0.69, 1.5))
        assert value(both) == pytest.approx(one + two * np.sin(one), rel=1e-13)
        for s in (a, y):
            forward, backward = jvp([both], {s: ONE})[0], vjp([both], [ONE], [s])[0]
            assert value(backward) == pytest.approx(value(forward), rel=1e-11)
    loop_of_them = for_loop(2, x, lambda k, s: 1 + sin(substitute([node], {x: s * s})[0]) / 9)
    forward, backward = jvp([loop_of_them], {y: ONE})[0], vjp([loop_of_them], [ONE], [y])[0]
    assert value(backward) == pytest.approx(value(forward), rel=1e-11)


def test_scanned_arrays_may_be_longer_than_the_loop() -> None:
    (total,) = loop([x], lambda k, s, e: (s * (e + y),), trip=3, over=(v,))
    for wrt in (v, x):
        (gradient,) = vjp([sin(total)], [ONE], [wrt])
        assert gradient is not None
        (second,) = vjp([sum_axes(gradient * gradient)], [ONE], [v])
        assert second is not None
        verify([second])
        step, direction = 1e-6, np.eye(4)[1]
        up, down = (
            np.sum(np.square(value(gradient, v=VALUES["v"] + h * direction))) for h in (step, -step)
        )
        assert value(second)[1] == pytest.approx((up - down) / (2 * step), rel=1e-6)
        assert value(second)[3] == 0


def test_functions_are_called_by_their_inputs() -> None:
    f = Function((x, y), (x * y + sin(x), x - y), "f")
    first, second = call(f, a, 2.0)
    assert value(first) == pytest.approx(2.3 * 2 + np.sin(2.3))
    assert value(second) == pytest.approx(0.3)
    assert value(vjp([first * second], [ONE], [a])[0]) == pytest.approx(
        (2 + np.cos(2.3)) * 0.3 + 4.6 + np.sin(2.3)
    )


def test_an_array_of_which_elements_are_read_is_not_saved_as_a_whole() -> None:
    gradient = vjp([in_place()], [ONE], [v])[0]
    assert gradient is not None
    stacks = [
        type_
        for m in order([gradient])
        if m.op.bodies
        for type_ in getattr(m.type, "items", ())[m.attr.carries :]
    ]
    # The element that is replaced: what is read besides is then in the restored array.
    assert [type_.rank for type_ in stacks] == [1]


def test_no_derivative_for_integers() -> None:
    node = while_loop(lambda m, s: m < 3, lambda m, s: (m + 1, s * floor(x)), (const(0), x))[0]
    assert jvp([node], {x: ONE}) == [None]
    assert vjp([node], [ONE], [x]) == [None]


def test_single_precision_stays_single() -> None:
    z = symbol("z", dtype="float32")
    node = for_loop(3, z, lambda k, s: s * z + 0.5 * k)
    assert node.type is Type("float32")
    gradient = vjp([node], [ONE], [z])[0]
    assert gradient is not None
    assert gradient.type is Type("float32")
    assert run([gradient], z=0.5)[0].dtype == np.float32


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: branch(v > 0, lambda: x, lambda: y), "one truth value"),
        (lambda: branch(x > 0, lambda: x, lambda: v), r"\(\) and \(n,\)"),
        (lambda: branch(x > 0, lambda: (x, y), lambda: x), "2 results"),
        (lambda: for_loop(3, x, lambda k, s: s * v), "loop variable 0"),
        (lambda: for_loop(x, x, lambda k, s: s), "integer trip count"),
        (lambda: loop([x], lambda k, s: s), "a trip count or a test"),
        (lambda: for_loop(3, [x, y], lambda k, s, t: s), "2 carried values"),
        (lambda: call(Function((v,), (v * 2,)), x), "arguments of types"),
    ],
)
def test_what_does_not_fit_is_refused(build: Callable[[], Any], words: str) -> None:
    with pytest.raises(TypeMismatchError, match=words):
        build()


def test_memory_returns() -> None:
    gc.collect()
    before = live_nodes()
    kept = []
    for factor in range(40):
        node = while_loop(lambda s: s < 5, lambda s, c=factor: s * (2.5 + c), x * (factor + 0.5))
        kept.append(vjp([branch(x > factor, lambda node=node: node, lambda: y)], [ONE], [x])[0])
    assert live_nodes() > before + 400
    del kept, node
    gc.collect()
    assert live_nodes() <= before + 5
