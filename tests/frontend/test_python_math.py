"""``math`` and Python's functions of numbers: equal in value and kind, or the same error."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from frontend.python_values import outcome, run, same, weak
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert.frontend.python_math
import wengert.frontend.python_table  # noqa: F401  both fill the table
from wengert.diff.forward import jvp
from wengert.errors import TypeMismatchError
from wengert.frontend.python_guards import INT_BITS, Guarded
from wengert.frontend.table import apply, entry_of
from wengert.ir.node import Expr
from wengert.ops.leaves import const, symbol
from wengert.run.reference import evaluate_nodes

_FLOATS = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, -3.0, 1.5, 2.5, -2.5, 170.0, 172.0, 709.0, 710.0, -750.0,
    1e-310, 5e-324, 1e16, 1e300, -1e300, math.pi, sys.float_info.max, 1e307, math.inf, -math.inf, math.nan,
]  # fmt: skip
_REALS = st.one_of(
    st.sampled_from(_FLOATS), st.floats(-30, 30), st.integers(-25, 25), st.booleans(), st.floats()
)
_WHOLE = st.one_of(st.integers(-30, 30), st.integers(-(2**63) + 1, 2**63 - 1), st.booleans())
# Where NumPy's and SciPy's functions are rounded otherwise than those of C.
_TOLERANCE = {
    **dict.fromkeys(("gamma", "lgamma"), 1e-12),
    **dict.fromkeys(("erf", "erfc"), 3e-13),
    **dict.fromkeys(("hypot", "pow", "exp", "exp2", "expm1", "cosh", "sinh", "log"), 2e-15),
}
_ONE = [
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc",
    "fabs", "degrees", "radians", "gamma", "lgamma", "ulp", "isnan", "isinf", "isfinite", "floor",
    "ceil", "trunc", "modf", "frexp",
]  # fmt: skip
_TWO = ["log", "atan2", "copysign", "nextafter", "fmod", "remainder", "pow", "hypot", "isclose"]
_BUILTINS: list[Any] = [abs, int, float, bool, complex, round]


def _called(function: Any, args: Any, kwargs: Any = None) -> Any:
    """The outcome of the entry on symbols of the kinds of the arguments."""
    entry = entry_of(function)
    assert entry is not None, f"{function} is not in the table"
    nodes = [weak(f"a{k}", type(a)) for k, a in enumerate(args)]
    values = {f"a{k}": a for k, a in enumerate(args)}
    return outcome(lambda: run(apply(entry, tuple(nodes), kwargs or {}), values))


def _check(function: Any, args: Any, kwargs: Any = None, tolerance: float = 0.0) -> None:
    kind, want = outcome(lambda: function(*args, **(kwargs or {})))
    got_kind, got = _called(function, args, kwargs)
    if got_kind == "error" and str(got) == INT_BITS:
        assert kind == "error" or _is_wide(want), f"{want!r}"
        return
    if isinstance(got, TypeMismatchError):
        assert isinstance(want, TypeError), f"{args}: {want!r}, but {got!r}"
        return
    assert got_kind == kind, f"{args}: {want!r}, but {got!r}"
    if kind == "error":
        assert (type(got), str(got)) == (type(want), str(want)), f"{args}: {want!r}, but {got!r}"
        return
    assert same(got, want, tolerance), f"{args}: {want!r}, but {got!r}"


def _is_wide(value: Any) -> bool:
    return isinstance(value, int) and abs(value) > 9.1e18


def _is_refused(x: float) -> bool:
    """Where SciPy's lgamma differs from that of C, so that there is an error."""
    return 0 < abs(x) < 1e-300 or x == -math.inf


@pytest.mark.parametrize("name", _ONE)
@settings(max_examples=80)
@given(x=_REALS)
def test_functions_of_one_number(name: str, x: Any) -> None:
    tolerance = _TOLERANCE.get(name, 1e-15)
    if name == "lgamma" and _is_refused(x):
        return
    if name == "lgamma" and isinstance(x, float) and x < 3:
        tolerance = 1e-9  # relative to a value that crosses 0
    _check(getattr(math, name), (x,), tolerance=tolerance)


@pytest.mark.parametrize("name", _ONE)
def test_functions_at_special_numbers(name: str) -> None:
    for x in _FLOATS:
        if name != "lgamma" or not _is_refused(x):
            _check(getattr(math, name), (x,), tolerance=_TOLERANCE.get(name, 1e-15))


@pytest.mark.parametrize("name", _TWO)
@settings(max_examples=120)
@given(x=_REALS, y=_REALS)
def test_functions_of_two_numbers(name: str, x: Any, y: Any) -> None:
    tolerance = _TOLERANCE.get(name, 1e-15)
    if name == "pow" and x == -math.inf:
        return
    if name == "log" and isinstance(y, float) and abs(y - 1) < 0.1:
        tolerance = 1e-12  # a quotient by the logarithm of nearly 1
    _check(getattr(math, name), (x, y), tolerance=tolerance)


@pytest.mark.parametrize("name", ["fmod", "remainder", "pow", "atan2", "copysign", "isclose"])
def test_pairs_of_special_numbers(name: str) -> None:
    for x in _FLOATS:
        for y in _FLOATS:
            if name != "pow" or x != -math.inf or y == round_or_not(y):
                _check(getattr(math, name), (x, y), tolerance=_TOLERANCE.get(name, 1e-15))


def round_or_not(y: float) -> float:
    """The whole number next to a finite one."""
    return float(round(y)) if math.isfinite(y) else y


@given(x=_REALS, i=st.integers(-2500, 2500))
def test_ldexp(x: Any, i: int) -> None:
    _check(math.ldexp, (x, i))


@pytest.mark.parametrize("name", ["isqrt", "factorial"])
@given(n=_WHOLE)
def test_functions_of_whole_numbers(name: str, n: int) -> None:
    if name == "factorial" and n > 1000:
        n %= 1000  # Python would compute all the digits
    _check(getattr(math, name), (n,))


@given(n=st.integers(0, 3037000499), step=st.integers(-1, 1))
def test_isqrt_next_to_squares(n: int, step: int) -> None:
    _check(math.isqrt, (max(n * n + step, 0),))


@given(numbers=st.lists(_WHOLE, max_size=4))
def test_common_divisors(numbers: list[int]) -> None:
    _check(math.gcd, tuple(numbers))
    _check(math.lcm, tuple(n % 1000 for n in numbers))


@given(n=st.integers(-3, 62), k=st.integers(0, 20))
def test_choices(n: int, k: int) -> None:
    _check_choice(math.comb, n, k)
    _check_choice(math.perm, n, k)


def _check_choice(function: Any, n: int, k: int) -> None:
    want = outcome(lambda: function(n, k))
    entry = entry_of(function)
    assert entry is not None
    got = outcome(lambda: run(apply(entry, (weak("n", int), const(k)), {}), {"n": n}))
    if got[0] == "error" and str(got[1]) == INT_BITS:
        assert abs(want[1]) > 2**40  # a product on the way does not fit
        return
    assert got[0] == want[0]
    assert str(got[1]) == str(want[1])


def test_choices_of_unknown_size() -> None:
    with pytest.raises(TypeMismatchError, match="argument `k`"):
        apply(entry_of(math.comb), (weak("n", int), weak("k", int)), {})  # type: ignore[arg-type]  # it is there


@pytest.mark.parametrize("function", _BUILTINS)
@settings(max_examples=80)
@given(x=_REALS)
def test_builtin_functions(function: Any, x: Any) -> None:
    _check(function, (x,))


@given(x=_REALS, digits=st.integers(-3, 5))
def test_rounding_to_decimals(x: Any, digits: int) -> None:
    if isinstance(x, int) and digits < 0:
        return
    entry = entry_of(round)
    assert entry is not None
    want = outcome(lambda: round(x, digits))
    got = outcome(lambda: run(apply(entry, (weak("x", type(x)), const(digits)), {}), {"x": x}))
    assert got[0] == want[0]
    assert same(got[1], want[1]) if got[0] == "value" else str(got[1]) == str(want[1])


@given(x=_REALS, y=_REALS)
def test_pairs_of_builtins(x: Any, y: Any) -> None:
    _check(complex, (x, y))
    if not any(isinstance(v, int) and abs(v) > 2**53 for v in (x, y)):
        _check(divmod, (x, y))


@given(xs=st.lists(_REALS, max_size=6))
def test_exact_sums(xs: list[Any]) -> None:
    entry = entry_of(math.fsum)
    assert entry is not None
    nodes = [weak(f"a{k}", type(x)) for k, x in enumerate(xs)]
    values = {f"a{k}": x for k, x in enumerate(xs)}
    want = outcome(lambda: math.fsum(xs))
    got = outcome(lambda: run(apply(entry, (nodes,), {}), values))
    assert got[0] == want[0]
    assert same(got[1], want[1]) if got[0] == "value" else str(got[1]) == str(want[1])


@given(xs=st.lists(st.one_of(st.integers(-9, 9), st.floats(-3, 3)), max_size=5))
def test_products_and_distances(xs: list[Any]) -> None:
    nodes = [weak(f"a{k}", type(x)) for k, x in enumerate(xs)]
    values = {f"a{k}": x for k, x in enumerate(xs)}
    entry, dist = entry_of(math.prod), entry_of(math.dist)
    assert entry is not None
    assert dist is not None
    assert same(run(apply(entry, (nodes,), {}), values), math.prod(xs), 1e-15)
    got = run(apply(dist, (nodes, [const(0)] * len(xs)), {}), values)
    assert same(got, math.dist(xs, [0] * len(xs)), 2e-15)


def test_distances_of_other_lengths() -> None:
    entry = entry_of(math.dist)
    assert entry is not None
    found = apply(entry, ([const(1)], [const(1), const(2)]), {})
    assert found.guards[0].ok is False


def test_every_function_of_math_is_there_or_known_to_be_missing() -> None:
    names = {n for n in dir(math) if callable(getattr(math, n)) and not n.startswith("_")}
    missing = {n for n in names if entry_of(getattr(math, n)) is None}
    assert missing <= {"sumprod", "fma"}


# --- kinds -----------------------------------------------------------------------------------------------
def test_numbers_of_numpy_become_pythons() -> None:
    entry = entry_of(math.sin)
    assert entry is not None
    found = apply(entry, (symbol("x", dtype="float32"),), {})
    value = found.value if isinstance(found, Guarded) else found
    assert str(value.type) == "weak float64"


@pytest.mark.parametrize("node", [symbol("x", 3), symbol("z", dtype="complex128")])
def test_arrays_and_complex_numbers_are_refused(node: Expr) -> None:
    for function in (math.sin, math.floor, int, float, round):
        entry = entry_of(function)
        assert entry is not None
        with pytest.raises(TypeMismatchError):
            apply(entry, (node,), {})


def test_arrays_get_what_numpy_gives() -> None:
    x, y = symbol("x", 3), symbol("y", 3)
    values = {"x": np.array([1.25, -2.5, 0.75]), "y": np.array([0.5, 2.0, -1.0])}
    a, b = values["x"], values["y"]
    for function, args, nodes in (
        (abs, (a,), (x,)),
        (divmod, (a, b), (x, y)),
        (pow, (abs(a), b), (x, y)),
    ):
        entry = entry_of(function)
        assert entry is not None
        found = apply(entry, nodes, {})  # type: ignore[arg-type]  # expressions
        want = function(*args)  # type: ignore[operator]  # one of those above
        several = found if isinstance(found, tuple) else (found,)
        got = evaluate_nodes(list(several), {"x": args[0], "y": b})
        for g, w in zip(got, want if isinstance(want, tuple) else (want,), strict=True):
            np.testing.assert_array_equal(g, w)


# --- derivatives -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["modf", "frexp", "fsum", "remainder", "hypot", "ldexp", "prod"])
def test_derivatives(name: str) -> None:
    entry = entry_of(getattr(math, name))
    assert entry is not None
    x = weak("x", float)
    args: Any = {
        "fsum": ([x, x, const(2.0)],), "prod": ([x, x, const(2.0)],), "remainder": (x, const(0.7)),
        "hypot": (x, const(0.7)), "ldexp": (x, const(3)),
    }.get(name, (x,))  # fmt: skip
    found = apply(entry, args, {})
    value = found.value if isinstance(found, Guarded) else found
    value = value[0] if isinstance(value, tuple) else value
    slope = jvp([value], {x: const(1.0)})[0]
    assert slope is not None

    def at(t: float) -> float:
        return float(evaluate_nodes([value], {"x": t})[0])

    got = float(evaluate_nodes([slope], {"x": 2.3})[0])
    assert abs(got - (at(2.3 + 1e-6) - at(2.3 - 1e-6)) / 2e-6) < 1e-7
