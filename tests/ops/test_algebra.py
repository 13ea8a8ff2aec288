"""The constructors of sums and products: what they join, what they leave, and that no bit changes."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from wengert.ops.einstein import EIN, broadcast_to, ein, eye, ones, sum_axes, transpose
from wengert.ops.leaves import exact_number
from wengert.ops.sums import LIN

x, y, z = wg.symbols("x y z")
A = wg.symbol("A", ("m", "n"))
B = wg.symbol("B", ("n", "k"))
S = wg.symbol("S", ("n", "n"))
v = wg.symbol("v", "n")


def test_equal_structure_is_the_same_object() -> None:
    assert x + y is y + x
    assert x * y is y * x
    assert 3 * x * y is (x * 3) * y
    assert x - y is -y + x
    assert A @ v is A @ v
    assert wg.symbol("x") is x
    assert wg.symbol("x", assume="positive") is not x
    assert hash(x + y) == hash(y + x)


def test_signs_come_out_in_front() -> None:
    assert (-x) * y is -(x * y)
    assert -3 * x * y is -(3 * x * y)
    assert (-x) / y is -(x / y)
    assert x / (-y) is -(x / y)
    negated = -x
    assert -negated is x
    assert wg.sin(-x) is -wg.sin(x)
    assert wg.cos(-x) is wg.cos(x)


def test_signs_of_numbers_come_out_in_front() -> None:
    x = wg.symbol("x")
    assert -1 / x is -(1 / x)
    assert -2.5 / x is -(2.5 / x)
    assert np.float32(-2) / x is -(np.float32(2) / x)
    least = np.int32(-(2**31))  # has no opposite among its own
    assert (least / x).evaluate(x=2.0) == -(2.0**30)
    assert str(-np.inf / x) == "(-inf)/x"  # no coefficient


def test_trivial_operands_vanish() -> None:
    assert x * 1 is x
    assert x / 1 is x
    assert x**1 is x
    assert x**0 is wg.const(1)
    assert A @ eye(wg.Dim.named("n")) is A
    assert ones((wg.Dim.named("n"),)) * v is v


def test_rules_that_need_real_numbers_are_not_applied() -> None:
    for e in (x - x, 0 * x, x / x, x + 0):
        assert e.args
    assert math.isnan((x - x).evaluate(x=math.inf))
    assert math.isnan((0 * x).evaluate(x=math.inf))
    assert math.isnan((x / x).evaluate(x=0.0))


def test_constants_are_told_apart() -> None:
    kinds = [1, 1.0, True, -0.0, 0.0, 0, math.nan, Fraction(1, 3), 1j, np.float32(1), np.int64(1)]
    kinds += [np.float64(1), np.float64(-0.0), np.complex128(1j)]
    nodes = [wg.const(k) for k in kinds]
    assert len(set(nodes)) == len(nodes)
    assert wg.const(math.nan) is wg.const(math.nan)
    assert wg.const(np.array([1.0, 2.0])) is wg.const(np.array([1.0, 2.0]))


def test_exact_numbers_stay_exact() -> None:
    assert wg.const(1) / 3 * 3 is wg.const(1)
    assert (wg.const(2) / 4).attr == Fraction(1, 2)
    assert (x / 3).attr == (Fraction(1, 3),)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(-50, 50).filter(bool))
def test_scaling_changes_no_bit(value: float, c: int) -> None:
    with np.errstate(all="ignore"):
        for e, expected in (
            (c * x, c * value),
            (x / c, value / c),
            (2 * (c * x), 2 * (c * value)),
            ((c * x) / 7, (c * value) / 7),
            (-(c * x), -(c * value)),
            (0.1 * (c * x), 0.1 * (c * value)),
            (c * x + x, c * value + value),
        ):
            got = e.evaluate(x=value)
            assert got == expected or (math.isnan(got) and math.isnan(expected))


@given(st.floats(allow_nan=False))
def test_coefficients_of_equal_value_have_one_form(value: float) -> None:
    if not math.isfinite(value) or value == 0:
        return
    number = exact_number(value)
    assert float(number) == value
    assert exact_number(number) is number or exact_number(number) == number
    assert type(exact_number(Fraction(value))) is type(number)


def test_einstein_products_do_not_depend_on_labels_or_order() -> None:
    one = ein([(A, "ij"), (B, "jk")], "ik")
    assert one is ein([(B, "qr"), (A, "pq")], "pr")
    assert one is A @ B
    assert one is transpose(ein([(A, "ij"), (B, "jk")], "ki"))


def test_transposes_of_products_are_products() -> None:
    assert (A @ B).T.T is A @ B
    assert (A.T @ A).T is A.T @ A
    assert A.T.T is A
    sym = wg.symbol("M", ("n", "n"), assume="symmetric")
    assert sym.T is sym
    assert (v @ sym) is (sym @ v)


def test_traces_and_sums_of_products_are_one_product() -> None:
    trace = wg.trace(S @ S)
    assert trace.op is EIN
    assert len(trace.args) == 2
    assert wg.sum(v * v) is v @ v
    assert sum_axes(A * A) is ein([(A, "ij"), (A, "ij")], "")


def test_sums_of_longer_products_are_left_alone() -> None:
    assert len(sum_axes(A @ B).args) == 1


def test_identity_and_ones_are_contracted() -> None:
    n = wg.Dim.named("n")
    assert wg.trace(eye(n)).evaluate(n=5) == 5
    assert wg.diag(wg.diag(v)) is v
    assert sum_axes(ones((n, 3))).evaluate(n=4) == 12
    np.testing.assert_array_equal(wg.diag(v).evaluate(v=[1.0, 2.0]), np.diag([1.0, 2.0]))


@pytest.mark.parametrize(
    "build",
    [
        lambda a, b, s, w: a @ b,
        lambda a, b, s, w: (a * w) @ b,
        lambda a, b, s, w: a.T @ a * s + 1,
        lambda a, b, s, w: w * s * w,
        lambda a, b, s, w: a + w,
        lambda a, b, s, w: a - 2 * w / 3,
        lambda a, b, s, w: w @ s @ w,
        lambda a, b, s, w: (s @ w) * w,
        lambda a, b, s, w: 2 - a,
    ],
)
def test_values_are_numpys(build: object) -> None:
    rng = np.random.default_rng(0)
    a, b, s, w = (rng.normal(size=shape) for shape in ((2, 3), (3, 4), (3, 3), (3,)))
    e = build(A, B, S, v)  # type: ignore[operator]  # a lambda of the table
    expected = build(a, b, s, w)  # type: ignore[operator]
    at = dict(zip("ABSv", (a, b, s, w), strict=True))
    np.testing.assert_allclose(e.evaluate(**at), expected, rtol=1e-13)


def test_broadcasting_is_explicit_and_only_one_stretches() -> None:
    assert (A + v).args[0].shape == A.shape
    row = wg.symbol("r", (1, "n"))
    assert (A * row).shape == A.shape
    with pytest.raises(wg.ShapeError, match=r"extents that are equal or 1.*\(m, n\) and \(m,\)"):
        A + wg.symbol("u", "m")
    with pytest.raises(wg.ShapeError, match=r"inner extents differ, \(m, n\) @ \(m, n\)"):
        A @ A
    with pytest.raises(wg.ShapeError):
        broadcast_to(v, (3,))


def test_sums_are_of_at_most_two_terms() -> None:
    e = x + y + z
    assert e.op is LIN
    assert len(e.args) == 2


def test_a_symbolic_truth_value_is_refused() -> None:
    with pytest.raises(wg.TypeMismatchError, match=r"wg\.where"):
        bool(x < y)


def test_numpy_arrays_leave_mixed_operators_to_expressions() -> None:
    e = np.array([1.0, 2.0]) * wg.symbol("u", 2)
    assert isinstance(e, wg.Expr)
    np.testing.assert_array_equal(e.evaluate(u=[3.0, 4.0]), [3.0, 8.0])


def test_expressions_survive_pickling_as_the_same_object() -> None:
    e = wg.sin(x) * A @ v if False else wg.sin(x * y) / 3
    assert pickle.loads(pickle.dumps(e)) is e
