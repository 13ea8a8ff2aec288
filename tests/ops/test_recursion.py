"""Functions that call themselves: what they mean, and their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from control_checks import check_derivatives

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import EvaluationError, TypeMismatchError
from wengert.ir.dump import dump, load
from wengert.ir.function import Function
from wengert.ir.node import Expr, live_nodes, sweep
from wengert.ir.types import FLOAT, INT
from wengert.ir.verify import verify
from wengert.ir.walk import substitute
from wengert.ops.algebra import dot, lift
from wengert.ops.control import Recursion, branch, call, for_loop, item, pruned, recursive
from wengert.ops.einstein import eye
from wengert.ops.exponential import exp
from wengert.ops.extents import as_dim
from wengert.ops.leaves import ONE, const, size, symbol
from wengert.ops.trig import sin

x, y = symbol("x"), symbol("y")
v = symbol("v", "n")
N = symbol("N", dtype="int64")
n = size(v.shape[0])
AT: dict[str, Any] = {"x": 0.8, "y": 0.5, "v": np.array([1.0, 0.5, 0.2, 0.7]), "N": 3, "n": 4}


def power() -> Expr:
    f = recursive(
        "power",
        [FLOAT, INT],
        [FLOAT],
        lambda f, x, m: branch(m > 0, lambda: x * f(x, m - 1) * y, lambda: 1.0),
    )
    found: Expr = f(x, N)
    return found


def fibonacci() -> Expr:
    f = recursive(
        "fibonacci",
        [INT, FLOAT],
        [FLOAT],
        lambda f, m, x: branch(
            m < 2, lambda: x * m, lambda: sin(f(m - 1, x)) + y * f(m - 2, x * x)
        ),
    )
    found: Expr = f(N + 2, x)
    return found


def fibonacci_in_python(m: int, s: Any, p: Any) -> Any:
    if m < 2:
        return s * m
    return np.sin(fibonacci_in_python(m - 1, s, p)) + p * fibonacci_in_python(m - 2, s * s, p)


def integrand(t: Any) -> Expr:
    found: Expr = sin(t * y) * exp(t) + dot(v, v) * t
    return found


def simpson() -> Expr:
    """Adaptive quadrature; the integrand uses values from around the function."""

    def body(f: Any, *given: Expr) -> Expr:
        a, b, fa, fm, fb, whole, depth = given
        m = (a + b) / 2
        fl, fr = integrand((a + m) / 2), integrand((m + b) / 2)
        left = (m - a) / 6 * (fa + 4 * fl + fm)
        right = (b - m) / 6 * (fm + 4 * fr + fb)
        found: Expr = branch(
            (abs(left + right - whole) < 1e-4) | (depth <= 0),
            lambda: left + right,
            lambda: f(a, m, fa, fl, fm, left, depth - 1) + f(m, b, fm, fr, fb, right, depth - 1),
        )
        return found

    f = recursive("simpson", [FLOAT] * 6 + [INT], [FLOAT], body)
    ends = [integrand(t) for t in (lift(0.0), x, x * 2)]
    whole = x * 2 / 6 * (ends[0] + 4 * ends[1] + ends[2])
    found: Expr = f(lift(0.0), x * 2, *ends, whole, const(np.int64(6)))
    return found


def simpson_in_python(s: float, p: float, w: Any) -> Any:
    def g(t: float) -> Any:
        return np.sin(t * p) * np.exp(t) + w @ w * t

    def f(a: Any, b: Any, fa: Any, fm: Any, fb: Any, whole: Any, depth: int) -> Any:
        m = (a + b) / 2
        fl, fr = g((a + m) / 2), g((m + b) / 2)
        left, right = (m - a) / 6 * (fa + 4 * fl + fm), (b - m) / 6 * (fm + 4 * fr + fb)
        if abs(left + right - whole) < 1e-4 or depth <= 0:
            return left + right
        return f(a, m, fa, fl, fm, left, depth - 1) + f(m, b, fm, fr, fb, right, depth - 1)

    ends = [g(0.0), g(s), g(2 * s)]
    return f(0.0, 2 * s, *ends, 2 * s / 6 * (ends[0] + 4 * ends[1] + ends[2]), 6)


def tree() -> Expr:
    """A loop of calls of itself."""
    f = recursive(
        "tree",
        [INT, FLOAT],
        [FLOAT],
        lambda f, m, x: for_loop(m, x, lambda k, s: s + sin(f(k, s * y)) / (m + 1)),
    )
    found: Expr = f(N, x)
    return found


def tree_in_python(m: int, s: Any, p: Any) -> Any:
    for k in range(m):
        s = s + np.sin(tree_in_python(k, s * p, p)) / (m + 1)
    return s


def invariant() -> Expr:
    """The call does not depend on the iteration, but without iterations it must not happen."""
    f = recursive(
        "invariant",
        [INT, FLOAT],
        [FLOAT],
        lambda f, m, x: for_loop(m, x, lambda k, s: s * (2 + sin(f(m - 1, x * y)))),
    )
    found: Expr = f(N, x)
    return found


def invariant_in_python(m: int, s: Any, p: Any) -> Any:
    start = s
    for _ in range(m):
        s = s * (2 + np.sin(invariant_in_python(m - 1, start * p, p)))
    return s


def halves() -> Expr:
    """Divide and conquer: the arguments of the calls are shorter arrays."""
    building = Recursion("halves", [N, symbol("w", (as_dim(N),))], [FLOAT])
    w = building.arguments[1]
    m = N // 2
    cut = as_dim(m)
    function = building.closed(
        [
            branch(
                N < 2,
                lambda: sin(w[0]) * y + x,
                lambda: building.again(m, w[:cut])[0] * building.again(N - m, w[cut:])[0] + x,
            )
        ]
    )
    return item(function(n, v), 0)


def halves_in_python(w: Any, s: Any, p: Any) -> Any:
    if len(w) < 2:
        return np.sin(w[0]) * p + s
    h = len(w) // 2
    return halves_in_python(w[:h], s, p) * halves_in_python(w[h:], s, p) + s


def one_in_another() -> Expr:
    """The inner function calls the outer one at its end."""

    def body(f: Any, m: Expr, x: Expr) -> Expr:
        inner = recursive(
            "inner",
            [INT, FLOAT],
            [FLOAT],
            lambda g, q, z: branch(
                q < 1,
                lambda: branch(m < 1, lambda: z * y, lambda: f(m - 1, z)),
                lambda: sin(g(q - 1, z)) + x * y,
            ),
        )
        found: Expr = inner(m, x)
        return found

    found: Expr = recursive("outer", [INT, FLOAT], [FLOAT], body)(N - 1, x)
    return found


def outer_in_python(m: int, s: Any, p: Any) -> Any:
    def g(q: int, z: Any) -> Any:
        if q < 1:
            return z * p if m < 1 else outer_in_python(m - 1, z, p)
        return np.sin(g(q - 1, z)) + s * p

    return g(m, s)


def several_results() -> Expr:
    f = recursive(
        "several",
        [INT, FLOAT],
        [FLOAT, INT, FLOAT],
        lambda f, m, s: branch(
            m > 0, lambda: _step(f(m - 1, s * y), s), lambda: (s, const(np.int64(0)), 1.0)
        ),
    )
    first, count, second = f(N, x)
    found: Expr = first * count + sin(second)
    return found


def _step(found: tuple[Expr, Expr, Expr], s: Expr) -> tuple[Expr, Expr, Expr]:
    first, count, second = found
    return first * s + second, count + 1, second * sin(first)


def several_in_python(m: int, s: Any, p: Any) -> Any:
    if m <= 0:
        return s, 0, 1.0
    first, count, second = several_in_python(m - 1, s * p, p)
    return first * s + second, count + 1, second * np.sin(first)


PROGRAMS: dict[str, tuple[Callable[[], Expr], Callable[[], Any]]] = {
    "power": (power, lambda: 0.4**3),
    "fibonacci": (fibonacci, lambda: fibonacci_in_python(5, 0.8, 0.5)),
    "simpson": (simpson, lambda: simpson_in_python(0.8, 0.5, AT["v"])),
    "tree": (tree, lambda: tree_in_python(3, 0.8, 0.5)),
    "invariant": (invariant, lambda: invariant_in_python(3, 0.8, 0.5)),
    "halves": (halves, lambda: halves_in_python(AT["v"], 0.8, 0.5)),
    "one_in_another": (one_in_another, lambda: outer_in_python(2, 0.8, 0.5)),
    "several_results": (
        several_results,
        lambda: (lambda a, b, c: a * b + np.sin(c))(*several_in_python(3, 0.8, 0.5)),
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_python_does_and_derivatives_of_two_orders(name: str, rng: Any) -> None:
    build, python = PROGRAMS[name]
    output = build()
    assert output.evaluate(AT) == pytest.approx(python(), rel=1e-13)
    assert build() is output
    symbols = [s for s in output.free_symbols if s is not N]
    check_derivatives(output, AT, symbols, rng)
    left = pruned(Function(output.free_symbols, (output,)))
    assert left.outputs[0].evaluate(AT) == output.evaluate(AT)


def test_third_derivatives_of_a_power() -> None:
    derivative: Expr | None = power()
    for order in range(3):
        assert derivative is not None
        derivative = (vjp([derivative], [ONE], [x]) if order % 2 else jvp([derivative], {x: ONE}))[
            0
        ]
    assert derivative is not None
    verify([derivative])
    assert derivative.evaluate(AT, N=5) == pytest.approx(60 * 0.8**2 * 0.5**5)


def test_deep_recursion() -> None:
    f = recursive(
        "deep",
        [INT, FLOAT],
        [FLOAT],
        lambda f, m, s: branch(m > 0, lambda: s + f(m - 1, s), lambda: 0.0),
    )
    assert f(N, x).evaluate(x=1.0, N=900) == 900
    (gradient,) = vjp([f(N, x)], [ONE], [x])
    assert gradient is not None
    assert gradient.evaluate(x=1.0, N=900) == 900


def test_jacobians_go_through_recursion() -> None:
    (jacobian,) = vjp([call(lambda p: power() * v * p, x)], [eye(v.shape[0])], [x])
    assert jacobian is not None
    verify([jacobian])
    assert jacobian.evaluate(AT) == pytest.approx(4 * 0.8**3 * 0.5**3 * AT["v"])


def test_substitution_reaches_what_the_function_uses() -> None:
    (found,) = substitute([simpson()], {y: const(0.25)})
    verify([found])
    assert load(dump([found])) == [found]
    assert found.evaluate(AT) == pytest.approx(simpson_in_python(0.8, 0.25, AT["v"]), rel=1e-13)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(TypeMismatchError, match="arguments of types"):
        recursive("f", [FLOAT], [FLOAT], lambda f, s: f(v))
    with pytest.raises(TypeMismatchError, match="results of types"):
        recursive("f", [FLOAT], [INT], lambda f, s: s)
    endless = recursive("f", [INT], [INT], lambda f, m: f(m + 1))
    with pytest.raises(EvaluationError, match="a call that ends"):
        endless(N).evaluate(N=0)


def test_memory_returns() -> None:
    sweep()
    before = live_nodes()
    kept: Any = [vjp([simpson()], [ONE], [x]), vjp([halves()], [ONE], [v])]
    del kept
    sweep()
    assert live_nodes() <= before + 5
