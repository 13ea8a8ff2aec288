"""What other systems for automatic differentiation are known to get wrong without a word, one test each.

Each name says the mistake; expected values are closed forms.
"""

from __future__ import annotations

import math
import warnings
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest
import scipy.special as sp

import wengert as wg

PARAMETER = 2.0
WEIGHTS = np.array([1.0, 2.0])


def near(a: Any, b: Any, tolerance: float = 1e-12) -> bool:
    return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance))


# ---------------------------------------------------------------- values that lose their derivative


def test_numpy_buffers_do_not_detach() -> None:
    def f(x):
        y = np.zeros(3)
        y[0] = x
        return y.sum() * x

    assert wg.jit(f)(2.0) == 4.0
    assert wg.grad(f)(2.0) == 4.0

    def g(x):
        y = np.zeros(3)
        y[0] = x
        return (y * x).sum()

    assert wg.grad(g)(2.0) == 4.0
    assert wg.jacfwd(g)(2.0) == 4.0


def test_numpy_constructors_do_not_detach() -> None:
    def f(x):
        a = np.array([x, x**2, 1.0])
        b = np.asarray([a, 2 * a])
        c = np.hstack([x, b[0]])
        d = np.concatenate([c, np.full(2, x), np.ones(2) * x])
        e = np.stack([x, 2 * x])
        return a.sum() + b.sum() + c.sum() + d.sum() + e.sum() + float(np.sin(x))

    x = 0.7
    one = 1 + 2 * x
    expected = one + 3 * one + (1 + one) + (1 + one + 4) + 3 + math.cos(x)
    assert near(wg.grad(f)(x), expected)


def test_functions_of_numpy_are_never_constants() -> None:
    assert near(wg.grad(lambda x: np.asarray(np.sin(x)) * 2)(0.3), 2 * math.cos(0.3))
    assert near(wg.grad(lambda x: np.float64(x) * float(np.array(x)))(0.3), 0.6)
    assert near(wg.grad(lambda x: np.array(x, dtype=float).item() ** 2)(0.3), 0.6)


def test_lists_of_traced_values_do_not_detach() -> None:
    def f(x):
        q = [x]
        for _ in range(3):
            q.append(q[-1] * x)
        return np.array(q).sum() + np.max(q) + np.mean(q)

    x = 1.5
    slope = 1 + 2 * x + 3 * x**2 + 4 * x**3
    assert near(wg.grad(f)(x), slope * 1.25 + 4 * x**3)


def test_a_stale_global_is_never_used() -> None:
    global PARAMETER

    def f(x):
        return x * PARAMETER + (WEIGHTS * x).sum()

    compiled, slope = wg.jit(f), wg.grad(f)
    try:
        assert (compiled(2.0), slope(2.0)) == (10.0, 5.0)
        PARAMETER = 5.0
        assert (compiled(2.0), slope(2.0)) == (16.0, 8.0)
        WEIGHTS[0] = 3.0
        assert (compiled(2.0), slope(2.0)) == (20.0, 10.0)
    finally:
        PARAMETER = 2.0
        WEIGHTS[0] = 1.0


def test_a_stale_closure_or_attribute_is_never_used() -> None:
    class Model:
        gain = 2.0

    model, factor, table = Model(), [3.0], {"k": 1.0}
    shift = 1.0

    def f(x):
        return x * model.gain * factor[0] * table["k"] + shift * x

    slope = wg.grad(f)
    assert slope(1.0) == 7.0
    model.gain = 5.0
    assert slope(1.0) == 16.0
    factor[0] = 1.0
    assert slope(1.0) == 6.0
    table["k"] = 2.0
    assert slope(1.0) == 11.0
    shift = 0.0
    assert slope(1.0) == 10.0


def test_helpers_that_are_replaced_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    slope = wg.grad(lambda x: helper(x) * x)
    assert slope(2.0) == 12.0
    monkeypatch.setitem(globals(), "helper", lambda x: x)
    assert slope(2.0) == 4.0


def helper(x):
    return x**2


# ------------------------------------------------------------------------------------ kinds of numbers


def test_indices_out_of_bounds_are_not_clamped() -> None:
    x = np.arange(3.0)
    with pytest.raises(IndexError):
        wg.jit(lambda x: x[7])(x)
    with pytest.raises(IndexError):
        wg.jit(lambda x, k: x[int(k)])(x, 7.0)
    with pytest.raises(IndexError):
        wg.grad(lambda x, k: x[int(k)])(x, -4.0)

    def store(x, k):
        y = x.copy()
        y[int(k)] = 5.0
        return y.sum()

    with pytest.raises(IndexError):
        wg.jit(store)(x, 3.0)
    assert wg.jit(store)(x, -1.0) == 6.0


def test_casts_to_whole_numbers_are_not_silent() -> None:
    """The derivative is 0 almost everywhere; a warning or an error has to say so."""
    slope = wg.grad(lambda x: x.astype(int).astype(float).sum())
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            assert slope(np.array([1.5, 2.5])).tolist() == [0.0, 0.0]
        except wg.WengertError as refused:
            heard.append(refused)  # type: ignore[arg-type]
    assert heard


def test_double_precision_stays_double() -> None:
    x = np.array([1.0, 1e-9])
    assert wg.jit(lambda x: x + 1e-17)(x).dtype == np.float64
    assert wg.grad(lambda x: (x + 1.0).sum())(x).dtype == np.float64
    assert wg.jit(lambda x: (x + 1.0) - 1.0)(x)[1] == (x[1] + 1.0) - 1.0
    assert wg.jit(lambda x: x * 2)(np.ones(2, np.float32)).dtype == np.float32
    assert wg.grad(lambda x: (x * 2.0).sum())(np.ones(2, np.float32)).dtype == np.float32


def test_complex_gradients_point_uphill() -> None:
    assert near(wg.grad(lambda z: abs(z) ** 2)(1 + 2j), 2 + 4j)
    assert near(wg.grad(lambda z: np.real(z * z))(1 + 2j), 2 - 4j)


# ------------------------------------------------------------------------------------------- branches


def test_the_untaken_side_of_where_gives_no_nan() -> None:
    def f(x):
        return np.where(x > 0, np.sqrt(np.where(x > 0, x, 0.0)), 0.0)

    def g(x):
        with np.errstate(all="ignore"):
            return np.where(x > 0, np.sqrt(x), 0.0).sum()

    def h(x):
        with np.errstate(all="ignore"):
            return np.where(x > 0, np.log(x), x**2).sum() + np.where(x != 0, 1 / x, 1.0).sum()

    with np.errstate(all="ignore"):
        assert wg.grad(lambda x: f(x).sum())(np.array([0.0, 4.0])).tolist() == [0.0, 0.25]
        assert wg.grad(g)(np.array([0.0, 4.0, -1.0])).tolist() == [0.0, 0.25, 0.0]
        assert near(wg.grad(h)(np.array([0.0, 2.0, -1.0])), [0.0, 0.25, -3.0])
        second = wg.hessian(g)(np.array([0.0, 4.0]))
    assert near(second, np.diag([0.0, -1 / 32]))


def test_a_recorded_branch_is_not_frozen() -> None:
    def f(x):
        if x > 1:
            return x**3
        return -x

    slope = wg.grad(f)
    assert [slope(x) for x in (2.0, 0.5, 3.0, -1.0)] == [12.0, -1.0, 27.0, -1.0]


def test_a_loop_count_is_not_frozen() -> None:
    def root(a):
        s = a
        while abs(s * s - a) > 1e-12:
            s = 0.5 * (s + a / s)
        return s

    value, slope = wg.jit(root), wg.grad(root)
    for a in (2.0, 200.0, 0.01, 0.9):
        assert value(a) == root(a)
        assert near(slope(a), 0.5 / math.sqrt(a), 1e-6)


def test_a_variable_from_before_a_loop_keeps_its_adjoint() -> None:
    def f(x, n):
        scale = x * x
        total = 0.0
        for _ in range(int(n)):
            total = total + scale
        return total * scale

    assert wg.grad(f)(3.0, 4.0) == 4 * 4 * 27.0


# -------------------------------------------------------------------------------------- stores in place


def test_stores_do_not_spoil_saved_values() -> None:
    def f(x):
        y = x.copy()
        z = np.exp(y)
        y *= z  # exp's derivative needs z, the product the old y
        z[0] = 0.0
        y[1] = y[0] ** 2
        return y.sum() + z.sum()

    x = np.array([0.3, 0.6])
    a, b = x
    first = (1 + a) * math.exp(a)
    assert near(wg.grad(f)(x), [first + 2 * a * math.exp(a) * first, math.exp(b)])


def test_an_lu_in_place_has_the_derivative_of_the_determinant() -> None:
    def log_determinant(A):
        M = A.copy()
        n = len(M)
        for k in range(n):
            for i in range(k + 1, n):
                M[i, k] /= M[k, k]
                M[i, k + 1 :] -= M[i, k] * M[k, k + 1 :]
        return np.sum(np.log(np.abs(np.diag(M))))

    A = np.random.default_rng(1).normal(size=(6, 6)) + 4 * np.eye(6)
    assert near(wg.grad(log_determinant)(A), np.linalg.inv(A).T)


def test_overwritten_elements_have_no_derivative() -> None:
    def f(x):
        y = x * 2
        y[0] = 5.0
        y[1:] = y[:-1] * x[0]
        return y.sum()

    assert wg.grad(f)(np.array([1.0, 2.0, 3.0])).tolist() == [9.0, 2.0, 0.0]


def test_views_see_later_stores() -> None:
    def f(x):
        y = x * 1.0
        view = y[1:]
        y[2] = x[0] ** 2
        view[0] *= 3
        return (view * y[:2]).sum()

    # view = [3 x1, x0^2], y[:2] = [x0, 3 x1]
    x = np.array([2.0, 5.0, 7.0])
    assert wg.jit(f)(x) == f(x)
    expected = [3 * x[1] + 2 * x[0] * 3 * x[1], 3 * x[0] + 3 * x[0] ** 2, 0.0]
    assert near(wg.grad(f)(x), expected)


def test_arguments_are_not_changed_by_gradients() -> None:
    def f(x):
        x *= 2
        x[0] = x[1] ** 2
        return x.sum()

    x = np.array([1.0, 3.0])
    assert wg.grad(f)(x).tolist() == [0.0, 26.0]
    assert x.tolist() == [1.0, 3.0]


def test_repeated_indices_are_added_once_or_as_often_as_numpy_does() -> None:
    where = np.array([0, 0, 1])

    def once(x):
        y = np.zeros(2)
        y[where] += x
        return y @ np.array([1.0, 10.0])

    def each(x):
        y = np.zeros(2)
        np.add.at(y, where, x)
        return y @ np.array([1.0, 10.0])

    x = np.array([1.0, 2.0, 3.0])
    assert wg.jit(once)(x) == once(x)
    assert wg.grad(once)(x).tolist() == [0.0, 1.0, 10.0]
    assert wg.grad(each)(x).tolist() == [1.0, 1.0, 10.0]


# -------------------------------------------------------------------------------------- kinks and poles


def test_conventions_at_kinks() -> None:
    assert wg.grad(lambda x: abs(x))(0.0) == 0.0
    assert wg.grad(lambda x: np.abs(x).sum())(np.zeros(2)).tolist() == [0.0, 0.0]
    assert wg.grad(lambda x: np.linalg.norm(x))(np.zeros(3)).tolist() == [0.0, 0.0, 0.0]
    assert wg.grad(lambda x: np.max(x))(np.array([1.0, 1.0, 0.0])).tolist() == [0.5, 0.5, 0.0]
    assert wg.grad(lambda x: np.min(x))(np.array([1.0, 0.0, 0.0])).tolist() == [0.0, 0.5, 0.5]


def test_the_square_of_a_norm_is_smooth_at_zero() -> None:
    def f(x):
        return np.linalg.norm(x) ** 2

    assert wg.grad(f)(np.zeros(2)).tolist() == [0.0, 0.0]
    assert near(wg.grad(f)(np.array([3.0, 4.0])), [6.0, 8.0])


def test_powers_at_zero() -> None:
    assert wg.grad(lambda x: x**2)(0.0) == 0.0
    assert wg.grad(lambda x: x**1.0)(0.0) == 1.0
    assert wg.grad(lambda x: x**3)(-2.0) == 12.0
    assert near(wg.grad(lambda x: np.prod(x))(np.array([0.0, 2.0, 3.0])), [6.0, 0.0, 0.0])
    assert near(wg.grad(lambda x: np.prod(x))(np.array([0.0, 0.0, 3.0])), [0.0, 0.0, 0.0])


def test_functions_with_removable_poles() -> None:
    assert wg.grad(lambda x: np.sinc(x))(0.0) == 0.0
    assert near(wg.grad(wg.grad(lambda x: np.sinc(x)))(0.0), -(math.pi**2) / 3)
    assert wg.grad(lambda x: sp.i0(x))(0.0) == 0.0
    assert wg.grad(lambda x: np.i0(x))(0.0) == 0.0
    assert wg.grad(lambda x: sp.xlogy(x, 2.0))(0.0) == math.log(2)


def test_special_functions_have_derivatives_and_not_zeros() -> None:
    for f, slope in [
        (sp.j0, lambda x: -sp.j1(x)),
        (sp.j1, lambda x: sp.j0(x) - sp.j1(x) / x),
        (sp.y0, lambda x: -sp.y1(x)),
        (sp.i0, lambda x: sp.i1(x)),
        (sp.k0, lambda x: -sp.k1(x)),
        (sp.erf, lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x)),
        (sp.gammaln, sp.digamma),
        (sp.expit, lambda x: sp.expit(x) * sp.expit(-x)),
    ]:
        assert near(wg.grad(lambda x, f=f: f(x))(1.5), slope(1.5), 1e-10), f


# ----------------------------------------------------------------------------------------- decompositions


def test_repeated_eigenvalues_give_no_nan_where_the_result_is_smooth() -> None:
    def square_root_of(A):
        w, V = np.linalg.eigh(A)
        return np.sum((V * np.sqrt(w)) @ V.T * np.arange(9.0).reshape(3, 3))

    S = np.arange(9.0).reshape(3, 3)
    slope = wg.grad(square_root_of)(np.eye(3) * 4.0)
    assert np.all(np.isfinite(slope))
    assert near((slope + slope.T) / 2, (S + S.T) / 8)  # of sqrt at 4: 1/4

    def trace(A):
        return np.sum(np.linalg.eigvalsh(A) ** 2)

    slope = wg.grad(trace)(np.eye(3))
    assert near((slope + slope.T) / 2, 2 * np.eye(3))


def test_the_nuclear_norm_at_repeated_singular_values() -> None:
    def f(A):
        return np.linalg.svd(A, compute_uv=False).sum()

    assert near(wg.grad(f)(np.eye(3)), np.eye(3))


def test_the_log_determinant_is_not_constant() -> None:
    A = np.array([[2.0, 0.5], [0.5, 1.0]])
    inverse = np.linalg.inv(A)
    assert near(wg.grad(lambda A: np.log(np.linalg.det(A)))(A), inverse.T)
    assert near(wg.grad(lambda A: np.linalg.slogdet(A)[1])(A), inverse.T)
    assert near(wg.grad(lambda A: np.linalg.det(A) ** 2)(A), 2 * np.linalg.det(A) ** 2 * inverse.T)
    assert near(wg.grad(lambda A: np.sin(np.trace(A)))(A), math.cos(3.0) * np.eye(2))
    assert near(wg.grad(lambda A: np.exp(np.trace(A @ A)))(A), 2 * math.exp(np.trace(A @ A)) * A.T)
    assert near(wg.grad(lambda A: np.log(np.trace(A)))(A), np.eye(2) / 3)
    x = np.array([1.0, 2.0])
    assert near(wg.grad(lambda x: np.log(x @ x))(x), 2 * x / 5)


# ----------------------------------------------------------------------------------------- nested transforms


def test_perturbations_are_not_confused() -> None:
    def inner(x):
        return x * wg.grad(lambda y: x + y)(1.0)

    assert wg.grad(inner)(1.0) == 1.0

    def deeper(x):
        return x * wg.grad(lambda y: x * y * y)(3.0)  # x * 6x

    assert wg.grad(deeper)(2.0) == 24.0
    assert wg.jvp(deeper, (2.0,), (1.0,))[1] == 24.0

    def mixed(x):
        return wg.jvp(lambda y: y * x**2, (x,), (1.0,))[1]  # d/dy = x^2

    assert wg.grad(mixed)(3.0) == 6.0


def test_second_derivatives_of_implicit_functions_are_not_zero() -> None:
    def root(c):
        x = 1.0
        for _ in range(50):
            step = (x**3 + x - c) / (3 * x**2 + 1)
            x = x - step
            if abs(step) < 1e-15:
                break
        return x

    x = root(10.0)  # 2
    first = 1 / (3 * x**2 + 1)
    assert near(wg.grad(root)(10.0), first)
    assert near(wg.grad(wg.grad(root))(10.0), -6 * x * first**3, 1e-10)


def test_second_derivatives_of_scipys_root_finder_are_not_zero() -> None:
    from scipy.optimize import brentq

    def root(c):
        return brentq(lambda x: x**3 + x - c, 0.0, 5.0, xtol=1e-14)

    assert near(wg.grad(root)(10.0), 1 / 13, 1e-9)
    assert near(wg.grad(wg.grad(root))(10.0), -12 / 13**3, 1e-9)


def test_higher_orders_of_loops_and_stores() -> None:
    def f(x):
        y = np.zeros(4)
        y[0] = x
        for k in range(1, 4):
            y[k] = y[k - 1] * x
        return y.sum()

    x = 1.5
    assert near(wg.grad(wg.grad(f))(x), 2 + 6 * x + 12 * x**2)
    assert near(wg.grad(wg.grad(wg.grad(f)))(x), 6 + 24 * x)
    assert near(wg.jacfwd(wg.grad(f))(x), 2 + 6 * x + 12 * x**2)


def test_results_that_do_not_depend_on_the_argument_have_a_zero_gradient_of_its_shape() -> None:
    with pytest.warns(UserWarning, match="`x`"):
        slope = wg.grad(lambda x, y: (y * 2.0).sum())(np.ones((2, 3)), np.ones(2))
    assert slope.shape == (2, 3)
    assert not slope.any()


def test_a_python_number_is_an_argument_like_others() -> None:
    assert wg.grad(lambda x: x * x)(3) == 6.0
