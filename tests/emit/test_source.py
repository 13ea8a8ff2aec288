"""The source itself: what people read, its names, what is executed when, and that it runs by itself."""

from __future__ import annotations

import builtins
import math
import subprocess
import sys
import time
import traceback
from typing import Any

import numpy as np
import pytest
from emit.comparing import assert_emitted
from emit.programs import PROGRAMS
from golden_files import Golden
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.diff.reverse import vjp
from wengert.emit.python import callable_of, compile_source, source
from wengert.errors import EvaluationError
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import FLOAT, INT
from wengert.ops.algebra import full
from wengert.ops.control import branch, call, for_loop, loop, while_loop
from wengert.ops.control.recursion import recursive
from wengert.ops.effects import check, first_token, show
from wengert.ops.leaves import const, size, symbol
from wengert.ops.subscripts import update

x, y, z = wg.symbols("x y z")
v, w = symbol("v", "n"), symbol("w", "n")
A = symbol("A", ("n", "n"))


def text_of(*outputs: Expr, inputs: tuple[Expr, ...] = (x, y), **options: Any) -> str:
    return source(Function(inputs, outputs), **options)


def body_of(*outputs: Expr, inputs: tuple[Expr, ...] = (x, y), **options: Any) -> list[str]:
    """The lines of the function without its head."""
    return text_of(*outputs, inputs=inputs, **options).partition("def f(")[2].split("\n")[1:-1]


# --- golden files ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.__name__)
def test_what_people_read(program: Any, golden: Golden) -> None:
    function = program()
    golden(f"emit/{function.name}", source(function, name=function.name, docstring=program.__doc__))


def test_programs_give_what_the_reference_gives() -> None:
    rng = np.random.default_rng(0)
    sizes = {"n": 7, "b": 4, "d": 3, "o": 2, "h": 5}
    for program in PROGRAMS:
        f = program()
        values = {}
        for node in f.inputs:
            shape = tuple(sizes[str(e)] for e in node.shape)
            values[node.attr.name] = rng.uniform(0.1, 0.5, shape)
        if "A" in values:
            values["A"] = values["A"] + 7 * np.eye(7)
        assert_emitted(f.outputs, values, f.inputs, f.name)


_JUNK = """
import sys
import wengert as wg
for k in range(int(sys.argv[1])):  # other nodes have other ages
    a, b = wg.symbols("a b")
    b*a, a + b, wg.exp(b), wg.sin(a)*k
sys.path.insert(0, "tests")
from emit.programs import PROGRAMS
from wengert.emit.python import source
print([source(p()) for p in PROGRAMS])
"""


def test_other_nodes_make_no_difference() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _JUNK, str(k)], capture_output=True, text=True, check=True
        ).stdout
        for k in (0, 3)
    }
    assert len(found) == 1


# --- names -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["np", "math", "max", "lambda", "match", "_divide", "range", "f", "t1"]
)
def test_names_that_mean_something_are_not_taken(name: str) -> None:
    odd = symbol(name)
    e = wg.maximum(odd, x) / (wg.sin(odd) - x) + wg.exp(odd) * odd**x + wg.sqrt(odd)
    assert_emitted([e * e], {name: 0.3, "x": 0.7}, [odd, x])


def test_variables_shadow_nothing() -> None:
    hints = dict(zip((wg.sin(x), wg.cos(x)), ("sum", "print"), strict=True))
    text = text_of(wg.sin(x) + wg.cos(x) * wg.sin(x), inputs=(x,), names=hints)
    assigned = {line.split("=")[0].strip() for line in text.split("\n") if " = " in line}
    assert assigned
    assert not assigned & set(dir(builtins))


def test_hints_name_variables() -> None:
    s = wg.sin(x)
    assert body_of(s * y + s, names={s: "height"})[0] == "    height = _sin(x)"
    total = for_loop(3, x, lambda k, t: t * y)
    assert "total = x" in "\n".join(body_of(total + x, names={total: "total"}))


def test_result_and_docstring() -> None:
    text = text_of(x + y, x * y, result="({0}, [{1}])", docstring="Sum and product.", name="both")
    space: dict[str, Any] = {}
    exec(text, space)
    assert space["both"](2.0, 3.0) == (5.0, [6.0])
    assert space["both"].__doc__ == "Sum and product."


def test_callables_give_tuples() -> None:
    assert callable_of(Function((x, y), (x + y,)))(1.0, 2.0) == (3.0,)


def test_names_of_inputs() -> None:
    assert "def f(left, right):" in text_of(x + y, input_names=["left", "right"])


# --- execution -------------------------------------------------------------------------------------------
def test_a_way_that_is_not_taken_is_not_executed() -> None:
    endless = while_loop(lambda s: s * s >= 0, lambda s: s + 1, y)
    e = branch(x > 0, lambda: x * 2, lambda: endless + wg.sin(endless))
    assert callable_of(Function((x, y), (e,)))(1.0, 1.0) == (2.0,)


def test_what_a_branch_shares_is_computed_once() -> None:
    s = wg.exp(x) + wg.sin(y)
    e = branch(x > 0, lambda: s * y, lambda: s - y)
    text = "\n".join(body_of(e + s))
    assert text.count("_exp(x)") == 1
    both = branch(x > 0, lambda: wg.exp(wg.sin(x)) * y, lambda: wg.exp(wg.sin(x)) - y * y * y + 1)
    assert "\n".join(body_of(both)).count("_sin(x)") == 1


def test_what_does_not_change_is_computed_before_the_loop() -> None:
    e = for_loop(5, x, lambda k, s: s * wg.sin(y) + wg.sum(wg.eye(3) @ wg.ones(3)) * k)
    lines = body_of(e)
    head = next(i for i, line in enumerate(lines) if "for " in line)
    inside = "\n".join(lines[head:])
    assert "sin" not in inside
    assert "eye" not in inside


def test_loops_test_what_they_test() -> None:
    e = while_loop(lambda s: abs(s * s - y) > 1e-9, lambda s: (s + y / s) / 2, x)
    assert "    while abs(x*x - y) > 1e-09:" in body_of(e)


def test_elements_are_stored_in_place() -> None:
    e = for_loop(size(v.shape[0]), v, lambda k, u: update(u, k, u[k] + x))
    lines = body_of(e, inputs=(v, x))
    assert sum("np.array(" in line for line in lines) == 1
    assert "        v[i] += x" in lines


def test_a_branch_stores_in_place() -> None:
    e = for_loop(
        size(v.shape[0]),
        v,
        lambda k, u: branch(u[k] < x, lambda u, k: update(u, k, x), lambda u, k: u, u, k),
    )
    lines = body_of(e, inputs=(v, x))
    assert sum("np.array(" in line for line in lines) == 1
    assert not any("else" in line for line in lines)


def test_bodies_of_calls_are_written_once() -> None:
    def step(a: Expr, b: Expr) -> tuple[Expr, Expr]:
        return wg.sin(a) * b, a - b

    a, b = x, y
    for _ in range(3):
        a, b = call(step, a, b)
    text = assert_emitted([a, b], {"x": 0.3, "y": 0.4}, [x, y])
    assert text.count("def step(") == 1
    assert text.count("step(") == 4


def test_recursion() -> None:
    n = symbol("n", dtype="int64")
    power = recursive(
        "power",
        [FLOAT, INT],
        [FLOAT],
        lambda f, t, k: branch(k > 0, lambda: t * f(t, k - 1), lambda: 1.0),
    )
    text = assert_emitted([power(x, n)], {"x": 1.5, "n": 5}, [x, n])
    assert "    return p0*power(p0, p1 - 1) if p1 > 0 else 1.0" in text
    (change,) = vjp([power(x, n)], [const(1.0)], [x])
    assert change is not None
    assert_emitted([change], {"x": 1.5, "n": 5}, [x, n])


def test_calls_with_effects(capsys: pytest.CaptureFixture[str]) -> None:
    def noisy(t: Expr, token: Expr) -> Expr:
        return show(token, "at {0}", [t])

    token = show(call(noisy, x, first_token()), "done")
    callable_of(Function((x,), (token,)))(1.5)
    assert capsys.readouterr().out == "at 1.5\ndone\n"


def test_checks_come_first_and_stand_in_the_traceback() -> None:
    token = check(first_token(), x > 0, "ValueError", "not positive: {0}", [x])
    f = callable_of(Function((x,), (wg.sqrt(x), show(token, "root of {0}", [x]))))
    with pytest.raises(ValueError, match=r"not positive: -1\.0") as caught:
        f(-1.0)
    assert "raise ValueError" in "".join(traceback.format_exception(caught.value))


def test_prints_in_loops(capsys: pytest.CaptureFixture[str]) -> None:
    _, token = for_loop(3, (x, first_token()), lambda k, s, t: (s * 2, show(t, "{0} {1}", [k, s])))
    callable_of(Function((x,), (token,)))(1.0)
    assert capsys.readouterr().out == "0 1.0\n1 2.0\n2 4.0\n"


def test_sizes_that_nothing_tells_are_refused() -> None:
    n = size(wg.Dim.named("n"))
    with pytest.raises(EvaluationError, match="size `n`"):
        source(Function((x,), (x * n,)))


def test_functions_are_told_sizes() -> None:
    n = size(wg.Dim.named("n"))
    e = call(lambda t: t * n + 1, x)
    assert_emitted([e + wg.sum(v)], {"x": 0.5, "v": np.arange(3.0)}, [x, v])


def test_stacks_of_unknown_length() -> None:
    def run(limit: float) -> None:
        s, rows = while_loop(
            lambda s: s < limit, lambda s: ((s * 2 + 1,), (s * v,)), [x], stacked=True
        )
        assert_emitted([s, rows * 2], {"x": 1.0, "v": np.arange(3.0)}, [x, v])

    run(20.0)
    run(0.0)  # no row at all


def test_backwards_and_counted() -> None:
    count, s, rows = loop(
        [x],
        lambda k, s, e: ((s * e + k,), (s,)),
        trip=size(v.shape[0]),
        test=lambda s: s < 20,
        over=(v,),
        stacked=True,
        counted=True,
    )
    assert_emitted([count, s, rows], {"x": 1.0, "v": np.full(9, 2.0)}, [x, v])
    assert_emitted([count, s, rows], {"x": 1.0, "v": np.full(2, 2.0)}, [x, v])


def test_it_runs_without_wengert() -> None:
    e = (
        wg.erf(x)
        + wg.recurrence(v, v)[0]
        + wg.sum(wg.softmax(v))
        + for_loop(3, x, lambda k, s: s / y)
    )
    text = source(Function((x, y, v), (e,)))
    assert "wengert" not in text
    space: dict[str, Any] = {}
    exec(text, space)
    assert space["f"](0.5, 2.0, np.arange(3.0)) == pytest.approx(
        e.evaluate(x=0.5, y=2.0, v=np.arange(3.0))
    )


# --- numbers ---------------------------------------------------------------------------------------------
_FUNCTIONS = (
    "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "exp",
    "expm1", "log", "log1p", "log2", "log10", "sqrt", "abs", "sign", "floor", "ceil", "trunc", "round",
    "erf", "erfc",
)  # fmt: skip
_EDGES = st.one_of(
    st.sampled_from(
        (0.0, -0.0, 1.0, -1.0, 2.0, 0.5, -2.5, math.inf, -math.inf, math.nan, 1e308, -1e308, 710.0)
    ),
    st.floats(-4, 4),
)


@settings(max_examples=60, deadline=None)
@given(_EDGES, _EDGES)
def test_numbers_never_raise(a: float, b: float) -> None:
    # NumPy takes the root there, which is NaN; Python's and C's power is infinite.
    assume((a, b) != (-math.inf, 0.5))
    outputs = [getattr(wg, name)(x) for name in _FUNCTIONS]
    outputs += [x / y, x**y, x**2, x**3, x**-1, wg.maximum(x, y), wg.minimum(x, y), wg.atan2(x, y)]
    outputs += [x // y, x % y, wg.hypot(x, y), wg.where(x < y, x, y)]
    assert_emitted(outputs, {"x": a, "y": b}, [x, y])


def test_whole_numbers_divided_by_zero() -> None:
    f = callable_of(Function((x, y), (x / y, x // y, x % y)))
    found = f(0, 0)
    assert np.isnan(found[0])
    assert f(1, 0)[0] == math.inf


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64", "bool", "complex64"])
def test_dtypes_are_those_of_the_graph(dtype: Any) -> None:
    a, b = symbol("a", "n", dtype=dtype), symbol("b", "n", dtype=dtype)
    s = symbol("s")
    outputs = [a * 2, a + b, wg.sum(a * b), a * wg.sum(b), a * 0.5 + 1, wg.where(a == b, a, b)]
    outputs += [a * s, a * wg.ones(a.shape), a + full(a.shape, 2), update(a, 0, b[1])]
    if dtype != "complex64":
        outputs += [wg.sin(a), wg.maximum(a, b)]
    values = {
        "a": np.array([1, 0, 1]).astype(dtype),
        "b": np.array([1, 1, 0]).astype(dtype),
        "s": 0.3,
    }
    assert_emitted(outputs, values, [a, b, s])


# --- size ------------------------------------------------------------------------------------------------
def test_long_chains() -> None:
    e = x
    for _ in range(50_000):
        e = wg.sin(e) * 0.5
    f = compile_source(text_of(e, inputs=(x,)))
    assert abs(f(1.0)) < 1


def test_time_is_linear() -> None:
    def seconds(count: int) -> float:
        a, b = x, y
        for k in range(count):
            a, b = b * (k + 0.5) + wg.sin(a), a * b
        started = time.perf_counter()
        text_of(a + b)
        return time.perf_counter() - started

    seconds(500)
    assert seconds(16_000) < 16 * max(seconds(2_000), 0.02)


def test_deep_stores() -> None:
    u = symbol("u", 20)
    e: Expr = u
    for k in range(3_000):
        e = update(e, k % 5, e[(k + 1) % 5] * const(0.5) + e[(k + 2) % 5])
    text = assert_emitted([e], {"u": np.arange(20.0)}, [u])
    assert text.count("np.array(") == 1
