"""Rules and ops of one's own, code from outside, and the check of all ways to a derivative."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from wengert.diff.check_grad import check_derivatives
from wengert.diff.custom import check_rules, numeric_function, register_op
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.emit.python import callable_of
from wengert.errors import (
    EvaluationError,
    GraphError,
    NoDerivativeError,
    NumericError,
    ShapeError,
    TypeMismatchError,
    VerificationError,
)
from wengert.frontend.parse import parse
from wengert.ir import op as records
from wengert.ir.dump import dump, load
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import FLOAT, Type
from wengert.ir.verify import verify
from wengert.ops.algebra import dot
from wengert.ops.choice import where
from wengert.ops.control import for_loop
from wengert.ops.custom import Rules, custom
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.exponential import exp
from wengert.ops.external import external
from wengert.ops.leaves import ONE, symbol
from wengert.ops.scans import cumsum
from wengert.ops.solvers.argmin import implicit
from wengert.ops.trig import cos, sin
from wengert.run.reference import evaluate_nodes

x, y = symbol("x"), symbol("y")
v = symbol("v", 3)
POINT: dict[str, Any] = {"x": 0.7, "y": 1.3, "v": np.array([0.4, -0.7, 1.1])}


def value(node: Expr | None, **changed: Any) -> Any:
    assert node is not None
    return evaluate_nodes([node], {**POINT, **changed})[0]


def orders(node: Expr, most: int, *, reverse: bool) -> list[Any]:
    found = [value(node)]
    for _ in range(most):
        change = vjp([node], [ONE], [x])[0] if reverse else jvp([node], {x: ONE})[0]
        assert change is not None
        node = change
        found.append(value(node))
    return found


# --- rules -----------------------------------------------------------------------------------------------
def both_ways(name: str) -> tuple[Callable[[Any], Any], list[int]]:
    """exp with a rule of its own, which calls it again; and how often the rule was asked."""
    asked: list[int] = []

    def function(t: Any) -> Any:
        return custom(exp, t, rules=rules)

    def forward(primals: Any, tangents: Any) -> Any:
        asked.append(1)
        return function(primals[0]) * tangents[0]

    def back(primals: Any, outs: Any, cts: Any) -> Any:
        asked.append(1)
        return (outs[0] * cts[0],)

    given = {"jvp": forward} if name == "jvp" else {"vjp": back}
    rules = Rules(name="own_exp", **given)
    return function, asked


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", ["jvp", "vjp"])
def test_one_rule_serves_both_modes_to_any_order(name: str, reverse: bool) -> None:
    function, asked = both_ways(name)
    got = orders(function(x * y), 4, reverse=reverse)
    want = [1.3**n * np.exp(0.91) for n in range(5)]
    np.testing.assert_allclose(got, want, rtol=1e-14)
    assert len(asked) >= 4  # the rule, not the body, at every order


def test_mixed_modes_through_rules() -> None:
    function, _ = both_ways("vjp")
    z = dot(function(v), sin(v * x))
    report = check_derivatives(Function((x, v), (z,)), [0.7, POINT["v"]])
    assert report.worst < 1e-12
    assert report.unjudged == 0


def test_a_rule_that_is_not_the_derivative_of_the_body() -> None:
    rules = Rules(jvp=lambda primals, tangents: tangents[0], name="straight_through")
    step = custom(lambda t: where(t > 0, 1.0, -1.0), x, rules=rules)
    assert value(step * y) == 1.3
    assert value(jvp([step * y], {x: ONE})[0]) == 1.3
    assert value(vjp([step * y], [ONE], [x])[0]) == 1.3


def test_stacks_of_cotangents_reach_the_rule_one_by_one() -> None:
    shapes = []

    def back(primals: Any, outs: Any, cts: Any) -> Any:
        shapes.append(cts[0].shape)
        return (cts[0] * 2 * primals[0] * cts[0].shape[0] / 3,)

    y = custom(lambda t: t**2, v, rules=Rules(vjp=back))
    (jacobian,) = vjp([y], [eye(3)], [v])
    np.testing.assert_allclose(value(jacobian), np.diag(2 * POINT["v"]), rtol=1e-15)
    assert set(shapes) == {(3,)}


def test_arguments_that_stay_cost_no_products_with_zero() -> None:
    """The rule in the other argument is infinite where it is not asked."""
    rules = Rules(jvp=lambda p, t: p[1] * t[0] + t[1] / (p[1] - p[1]), name="scaled")
    z = custom(lambda a, b: a * b, x, y, rules=rules)
    assert value(jvp([z], {x: ONE})[0]) == 1.3
    assert value(vjp([z], [ONE], [x])[0]) == 1.3


def test_integers_pass_through() -> None:
    n = symbol("n", dtype="int64")
    rules = Rules(
        jvp=lambda p, t: p[1] * p[0] ** (p[1] - 1) * t[0],
        vjp=lambda p, outs, cts: (p[1] * p[0] ** (p[1] - 1) * cts[0], None),
    )
    z = custom(lambda a, k: a**k, x, n, rules=rules)
    for found in (jvp([z], {x: ONE})[0], vjp([z], [ONE], [x])[0]):
        assert value(found, n=3) == pytest.approx(3 * 0.49)


def test_rules_inside_of_loops() -> None:
    function, _ = both_ways("vjp")
    z = for_loop(3, x, lambda k, s: function(s * y) / 4)
    assert check_derivatives(Function((x, y), (z,)), [0.7, 1.3]).unjudged == 0


def test_what_rules_return_is_checked() -> None:
    z = custom(lambda t: t**2, v, rules=Rules(jvp=lambda p, t: dot(p[0], t[0]) * eye(2), name="q"))
    with pytest.raises(ShapeError, match="jvp rule of `q`"):
        jvp([z], {v: v})
    z = custom(lambda t: t**2, v, rules=Rules(vjp=lambda p, o, c: (c[0], c[0]), name="q"))
    with pytest.raises(ShapeError, match="vjp rule of `q`: expected 1 cotangents"):
        vjp([z], [v], [v])
    z = custom(lambda t: t * y, x, rules=Rules(jvp=lambda p, t: t[0] * y))
    assert value(jvp([z], {x: ONE})[0]) == value(vjp([z], [ONE], [x])[0]) == 1.3
    for derive in (lambda: jvp([z], {y: ONE}), lambda: vjp([z], [ONE], [x, y])):
        with pytest.raises(NoDerivativeError, match="also uses `y`, which varies"):
            derive()
    with pytest.raises(TypeMismatchError, match="neither"):
        Rules()


def test_rules_are_compared_with_each_other_and_with_the_body() -> None:
    def product(a: Any, b: Any) -> Any:
        return a * b

    right = Rules(
        jvp=lambda p, t: p[1] * t[0] + p[0] * t[1],
        vjp=lambda p, o, c: (p[1] * c[0], p[0] * c[0]),
        name="product",
    )
    check_rules(product, right, 2.0, 3.0)
    check_rules(product, right, np.array([1.0, 2.0]), np.array([0.5, -2.0]))
    swapped = Rules(jvp=right.jvp, vjp=lambda p, o, c: (p[0] * c[0], p[1] * c[0]), name="product")
    with pytest.raises(VerificationError, match="transpose"):
        check_rules(product, swapped, 2.0, 3.0)
    for wrong in (
        Rules(jvp=lambda p, t: p[1] * t[0], name="product"),
        Rules(vjp=lambda p, o, c: (p[1] * c[0], -p[0] * c[0]), name="product"),
    ):
        with pytest.raises(VerificationError, match="as the body says"):
            check_rules(product, wrong, 2.0, 3.0)
        check_rules(product, wrong, 2.0, 3.0, body=False)


def test_graphs_with_rules_are_sound_and_read_back() -> None:
    function, _ = both_ways("jvp")
    node = function(x * y)
    verify([node])
    assert load(dump([node]))[0] is node
    (opaque,) = external(lambda t: t, [FLOAT], x)
    assert load(dump([opaque]))[0] is opaque


# --- code from outside -------------------------------------------------------------------------------------
def test_external_values_are_checked() -> None:
    assert value(external(lambda t: t * 2, [FLOAT], x)[0]) == 1.4
    with pytest.raises(EvaluationError, match=r"shape \(\), as was declared"):
        value(external(lambda t: np.ones(2), [FLOAT], x)[0])
    with pytest.raises(EvaluationError, match="float64, as was declared"):
        value(external(lambda t: 1j, [FLOAT], x)[0])
    with pytest.raises(EvaluationError, match="2 results"):
        value(external(lambda t: t, [FLOAT, FLOAT], x)[0])
    with pytest.raises(TypeMismatchError, match="the types of its results"):
        external(abs, [], x)


def test_external_code_may_change_its_arguments() -> None:
    def spoil(t: Any) -> float:
        t[:] = 0.0
        return 1.0

    (z,) = external(spoil, [FLOAT], v)
    assert value(z + sum_axes(v)) == pytest.approx(1 + POINT["v"].sum())


def test_external_code_without_a_rule_is_refused() -> None:
    (z,) = external(np.sinh, [FLOAT], x)
    for derive in (lambda: jvp([z], {x: ONE}), lambda: vjp([z], [ONE], [x])):
        with pytest.raises(NoDerivativeError, match=r"external function `sinh`.*rule='adaptive'"):
            derive()
    # ... but may find a value that solves an equation: its own derivative is not asked for.
    (root,) = external(np.sqrt, [FLOAT], x)
    y = implicit(root, lambda r: r * r - x)
    assert value(jvp([y], {x: ONE})[0]) == pytest.approx(0.5 / np.sqrt(0.7))
    assert value(vjp([y], [ONE], [x])[0]) == pytest.approx(0.5 / np.sqrt(0.7))


@pytest.mark.parametrize("method", ["adaptive", "central", "complex"])
def test_external_code_with_numerical_derivatives(method: Any) -> None:
    def f(a: Any, b: Any) -> Any:
        return np.sin(a) * b**2, np.sum(b) * a

    handle = numeric_function(f, method=method)
    results = external(handle, [Type("float64", (3,)), FLOAT], x, v)
    first, second = results
    z = dot(first, cos(v)) + second * x
    exact = dot(sin(x) * v**2, cos(v)) + sum_axes(v) * x * x
    for by in (x, v):
        got, want = (value(vjp([node], [ONE], [by])[0]) for node in (z, exact))
        np.testing.assert_allclose(got, want, rtol=1e-8)
    got, want = (value(jvp([node], {x: ONE, v: v})[0]) for node in (z, exact))
    assert got == pytest.approx(want, rel=1e-8)
    first_by_v = vjp([first], [eye(3)], [v])[0]  # a stack
    np.testing.assert_allclose(
        value(first_by_v), np.diag(2 * np.sin(0.7) * POINT["v"]), rtol=1e-8, atol=1e-10
    )


def test_second_derivatives_of_external_code() -> None:
    handle = numeric_function(lambda t: np.exp(2 * t), method="complex")
    (z,) = external(handle, [FLOAT], x)
    got = orders(z, 2, reverse=False)
    assert got[2] == pytest.approx(4 * np.exp(1.4), rel=1e-6)
    (gradient,) = vjp([z], [ONE], [x])
    assert gradient is not None
    assert value(vjp([gradient], [ONE], [x])[0]) == pytest.approx(got[2])
    with pytest.raises(NoDerivativeError, match="numerically already"):
        orders(z, 3, reverse=False)


def test_external_code_in_emitted_source() -> None:
    handle = numeric_function(lambda a, b: (a * b, np.sum(b)), method="central", name="scaled")
    scaled, total = external(handle, [Type("float64", (3,)), FLOAT], x, v)
    z = dot(scaled, v) + total
    outputs = (z, *(g for g in vjp([z], [ONE], [x, v]) if g is not None))
    f = callable_of(Function((x, v), outputs))
    for got, node in zip(f(0.7, POINT["v"]), outputs, strict=True):
        np.testing.assert_allclose(got, value(node), rtol=1e-12)
    (bad,) = external(lambda a: np.zeros(2), [FLOAT], x)
    with pytest.raises(EvaluationError, match="as was declared"):
        callable_of(Function((x,), (bad,)))(1.0)


def test_external_code_that_is_too_noisy_is_refused() -> None:
    noise = np.random.default_rng(0)
    handle = numeric_function(lambda t: t + noise.normal())
    (z,) = external(handle, [FLOAT], x)
    with pytest.raises(NumericError, match="differences that settle"):
        value(jvp([z], {x: ONE})[0])


def test_external_code_goes_when_nobody_holds_it() -> None:
    def f(t: Any) -> Any:
        return t

    held = weakref.ref(f)
    nodes = list(external(f, [FLOAT], x))
    assert value(nodes[0]) == 0.7
    nodes.clear()
    del f
    gc.collect()
    gc.collect()
    assert held() is None


# --- ops of one's own --------------------------------------------------------------------------------------
@pytest.fixture
def names() -> Iterator[Callable[[str], str]]:
    """Names for new ops, which are forgotten after the test."""
    made: list[str] = []

    def name(stem: str) -> str:
        made.append(f"own_{stem}")
        return made[-1]

    yield name
    for each in made:
        records._REGISTRY.pop(each, None)


def test_a_new_op_is_known_everywhere(names: Any) -> None:
    name = names("softsign")
    softsign = register_op(
        name, lambda t: t / (1 + np.abs(t)), partials=[lambda t, out: (1 - abs(out)) ** 2]
    )
    z = dot(softsign(v * x), v)
    assert check_derivatives(Function((x, v), (z,)), [0.7, POINT["v"]]).unjudged == 0
    formula = parse(f"{name}(x)^2")
    assert formula is softsign(x) ** 2
    assert str(formula) == f"{name}(x)**2"
    f = callable_of(Function((x, v), (z,)))
    assert f(0.7, POINT["v"])[0] == pytest.approx(value(z), rel=1e-14)
    assert softsign(symbol("s", 2, dtype="float32")).value_type.dtype == "float32"


def test_a_new_op_with_two_arguments(names: Any) -> None:
    gauss = register_op(
        names("gauss"),
        lambda t, s: np.exp(-t * t / s),
        partials=[lambda t, s, out: -2 * t / s * out, lambda t, s, out: t**2 / s**2 * out],
        domain=[(-1.0, 1.0), (0.5, 2.0)],
    )
    assert check_derivatives(Function((x, y), (gauss(x, y),)), [0.7, 1.3]).unjudged == 0


def test_a_new_op_of_matrices(names: Any) -> None:
    def smoothed(u: Any) -> Any:
        return np.cumsum(u)

    def transposed(ct: Expr, *_: Expr) -> Expr:
        return cumsum(ct, reverse=True)

    op = register_op(names("smoothed"), smoothed, linear=transposed)
    assert check_derivatives(Function((v,), (op(v**2),)), [POINT["v"]]).worst < 1e-12
    unit = register_op(
        names("unit"),
        lambda u: u / np.sqrt(u @ u),
        jvp=lambda args, ts, out: (ts[0] - out * dot(out, ts[0])) / dot(args[0], args[0]) ** 0.5,
    )
    assert check_derivatives(Function((v,), (unit(v),)), [POINT["v"]]).worst < 1e-10


def test_a_wrong_op_is_not_registered(names: Any) -> None:
    name = names("wrong")
    with pytest.raises(VerificationError, match="differences"):
        register_op(name, np.sinh, partials=[cos])
    assert name not in records.registered()
    with pytest.raises(TypeMismatchError, match="one of partials, jvp, linear and why"):
        register_op(name, np.sinh)
    with pytest.raises(GraphError, match="taken"):
        register_op("sin", np.sin, why="none")
    refused = register_op(name, np.sinh, why="nobody knows it")
    with pytest.raises(NoDerivativeError, match="nobody knows it"):
        jvp([refused(x)], {x: ONE})


# --- the check itself --------------------------------------------------------------------------------------
def test_a_report_names_what_was_compared() -> None:
    report = check_derivatives(
        Function((x, v), (x * sum_axes(v**3), sin(v) * x)), [0.7, POINT["v"]]
    )
    assert len(report.comparisons) == 8
    assert report.formulas == 2
    assert report.unjudged == 0
    assert "output 1" in str(report)
    assert all(c.numeric is not None and c.numeric < 1e-6 for c in report.comparisons)


@pytest.mark.parametrize("way", ["jvp", "vjp", "second"])
def test_planted_faults_are_found(way: str) -> None:
    """A wrong factor in one mode, in both, and in the second derivative only."""
    right_forward = lambda p, t: cos(p[0]) * t[0]  # noqa: E731
    right_back = lambda p, o, c: (cos(p[0]) * c[0],)  # noqa: E731
    wrong_cosine = Rules(jvp=lambda p, t: sin(p[0]) * t[0])
    rules = {
        "jvp": Rules(jvp=lambda p, t: 1.01 * cos(p[0]) * t[0]),
        "vjp": Rules(jvp=right_forward, vjp=lambda p, o, c: (1.001 * cos(p[0]) * c[0],)),
        "second": Rules(
            jvp=lambda p, t: custom(cos, p[0], rules=wrong_cosine) * t[0], vjp=right_back
        ),
    }[way]
    f = Function((x, y), (y**2, custom(sin, x * y, rules=rules)), "faulty")
    other = {"jvp": "differences", "vjp": "reverse mode", "second": "second derivative"}[way]
    with pytest.raises(VerificationError, match="output 1 of `faulty` by `x`") as caught:
        check_derivatives(f, [0.7, 1.3])
    assert other in str(caught.value)


def test_single_precision_complex_numbers_and_names() -> None:
    s = symbol("s", 3, dtype="float32")
    z = symbol("z", dtype="complex128")
    f = Function((s, z), (sum_axes(s * s), exp(z * z)))
    values = {"s": np.array([0.5, 1.5, -1.0], np.float32), "z": 0.3 + 0.4j}
    assert check_derivatives(f, values).worst < 1e-5


def test_kinks_are_not_judged() -> None:
    report = check_derivatives(Function((x,), (abs(x),)), [0.0], order=1)
    assert report.unjudged == 1


def test_what_cannot_be_checked_is_refused() -> None:
    n = symbol("n", dtype="int64")
    with pytest.raises(TypeMismatchError, match="0 of such inputs"):
        check_derivatives(Function((n,), (n * 2,)), [1])
    with pytest.raises(TypeMismatchError, match="expected 2 values"):
        check_derivatives(Function((x, y), (x * y,)), [1.0])
