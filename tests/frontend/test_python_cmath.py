"""``cmath``: equal to Python's values on both sides of the cuts, or the same error."""

from __future__ import annotations

import cmath
import math
from typing import Any

import pytest
from frontend.python_values import outcome, run, weak
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert.frontend.python_cmath  # noqa: F401  fills the table
from wengert.diff.forward import jvp
from wengert.errors import TypeMismatchError
from wengert.frontend.table import apply, entry_of
from wengert.ops.leaves import const, symbol
from wengert.run.reference import evaluate_nodes

_ONE = [
    "sqrt", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh",
    "atanh", "log", "log10", "phase", "polar", "isnan", "isinf", "isfinite",
]  # fmt: skip
_PARTS = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 800.0, -3.25]),
    st.integers(-500, 500).map(lambda n: n / 100),
)
_NUMBERS = st.one_of(st.builds(complex, _PARTS, _PARTS), _PARTS, st.integers(-4, 4), st.booleans())


def _outcomes(function: Any, args: tuple[Any, ...]) -> tuple[Any, Any]:
    entry = entry_of(function)
    assert entry is not None
    nodes = tuple(weak(f"a{k}", type(a)) for k, a in enumerate(args))
    values = {f"a{k}": a for k, a in enumerate(args)}
    return outcome(lambda: function(*args)), outcome(lambda: run(apply(entry, nodes, {}), values))


def _compare(function: Any, args: tuple[Any, ...]) -> None:
    want, got = _outcomes(function, args)
    assert got[0] == want[0], f"{function.__name__}{args}: {want[1]!r}, but {got[1]!r}"
    if want[0] == "error":
        assert (type(got[1]), str(got[1])) == (type(want[1]), str(want[1]))
        return
    wants = want[1] if isinstance(want[1], tuple) else (want[1],)
    gots = got[1] if isinstance(want[1], tuple) else (got[1],)
    for g, w in zip(gots, wants, strict=True):
        assert type(g) is type(w)
        # Errors are relative to the larger part; a part on a cut has the side of the sign of its zero.
        assert abs(g - w) <= 4e-15 * max(abs(w), 1e-3), (
            f"{function.__name__}{args}: {w!r}, but {g!r}"
        )


@pytest.mark.parametrize("name", _ONE)
@settings(max_examples=150)
@given(z=_NUMBERS)
def test_functions_of_one_number(name: str, z: Any) -> None:
    _compare(getattr(cmath, name), (z,))


@given(z=_NUMBERS, base=_NUMBERS)
def test_logarithms_to_a_base(z: Any, base: Any) -> None:
    want, got = _outcomes(cmath.log, (z, base))
    if z == 0:
        assert got[0] == "error"
        return
    assert got[0] == want[0]
    if want[0] == "value":
        assert abs(got[1] - want[1]) <= 1e-12 * max(abs(want[1]), 1e-3)
    else:
        assert (type(got[1]), str(got[1])) == (type(want[1]), str(want[1]))


@given(r=_PARTS, phi=st.one_of(_PARTS, st.sampled_from([math.inf, -math.inf])))
def test_rectangular_coordinates(r: float, phi: float) -> None:
    if not (r == 0 and math.isinf(phi)):
        _compare(cmath.rect, (r, phi))


@given(a=_NUMBERS, b=_NUMBERS)
def test_nearness(a: Any, b: Any) -> None:
    _compare(cmath.isclose, (a, b))
    _compare(cmath.isclose, (a, a))


def test_every_function_is_there() -> None:
    names = [n for n in dir(cmath) if callable(getattr(cmath, n)) and not n.startswith("_")]
    assert all(entry_of(getattr(cmath, n)) is not None for n in names)


def test_arrays_are_refused() -> None:
    with pytest.raises(TypeMismatchError, match="use the function of NumPy"):
        apply(entry_of(cmath.sqrt), (symbol("x", 3),), {})  # type: ignore[arg-type]  # it is there


def test_derivatives_of_a_modulus_by_way_of_complex_numbers() -> None:
    x = weak("x", float)
    polar, rect = entry_of(cmath.polar), entry_of(cmath.rect)
    assert polar is not None
    assert rect is not None
    z = apply(rect, (x, const(0.3)), {}).value
    size, angle = apply(polar, (z,), {}).value
    slope, turn = jvp([size, angle], {x: const(1.0)})
    assert slope is not None
    assert turn is not None
    got = evaluate_nodes([slope, turn], {"x": 1.7})
    assert abs(got[0] - 1) < 1e-14
    assert abs(got[1]) < 1e-14
