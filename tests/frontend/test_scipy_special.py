"""Functions of ``scipy.special``: values and dtypes as SciPy has them, derivatives against differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from frontend.python_values import weak
from scipy import special as sp

import wengert.frontend.scipy_special as table
from wengert.diff.forward import jvp
from wengert.errors import DomainError, NoDerivativeError, TypeMismatchError, WengertError
from wengert.frontend.python_guards import Guarded
from wengert.frontend.table import apply, entry_of
from wengert.ir.node import Expr
from wengert.ops.effects import check, first_token
from wengert.ops.leaves import const, symbol
from wengert.run.reference import evaluate_nodes

_WIDE = np.array([-3.7, -1.0, -0.3, 0.0, 0.2, 0.75, 1.0, 2.5, 6.0, 30.0])
_UNIT = np.array([0.05, 0.3, 0.5, 0.77, 0.95])
_RIGHT = np.array([0.2, 0.75, 1.0, 2.5, 6.0])
_ONLY_UNIT = {
    sp.ndtri, sp.erfinv, sp.erfcinv, sp.logit, sp.ellipk, sp.ellipe, sp.ellipkm1,
}  # fmt: skip
_ONLY_RIGHT = {
    sp.exp1,
    sp.expi,
    sp.y0,
    sp.y1,
    sp.k0,
    sp.k1,
    sp.k0e,
    sp.k1e,
    sp.spence,
    sp.loggamma,
    sp.entr,
}
_DEGREES = {
    sp.eval_legendre, sp.eval_chebyt, sp.eval_chebyu, sp.eval_hermite, sp.eval_hermitenorm, sp.eval_laguerre,
}  # fmt: skip
_ORDERS = {sp.jv, sp.jn, sp.yv, sp.yn, sp.iv, sp.kv, sp.kn, sp.ive, sp.kve, sp.expn, sp.hyp0f1}


def _call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> Any:
    """The value of the entry, arrays and floats being symbols, and its expressions."""
    entry = entry_of(function)
    assert entry is not None, f"{function} is not in the table"
    nodes, values = [], {}
    for k, a in enumerate(args):
        if isinstance(a, np.ndarray):
            nodes.append(symbol(f"a{k}", a.shape, dtype=a.dtype.name))
            values[f"a{k}"] = a
        elif isinstance(a, float):
            nodes.append(weak(f"a{k}", float))
            values[f"a{k}"] = a
        else:
            nodes.append(const(a) if isinstance(a, int) else a)
    found = apply(entry, tuple(nodes), kwargs or {})
    value = found.value if isinstance(found, Guarded) else found
    several = value if isinstance(value, tuple) else (value,)
    got = evaluate_nodes(list(several), values)
    return (tuple(got) if isinstance(value, tuple) else got[0]), several, nodes, values


def _compare(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
    with np.errstate(all="ignore"):
        want = function(*args, **(kwargs or {}))
    got, several, _, _ = _call(function, args, kwargs)
    wants = want if isinstance(want, tuple) else (want,)
    gots = got if isinstance(want, tuple) else (got,)
    for g, w, node in zip(gots, wants, several, strict=True):
        w = np.asarray(w)
        tolerance = 2e-5 if w.dtype in (np.float32, np.complex64) else 1e-12
        np.testing.assert_allclose(g, w, rtol=tolerance, atol=tolerance * 1e-3, err_msg=str(args))
        assert node.value_type.dtype == w.dtype.name, (
            f"{function}{args}: {node.type}, not {w.dtype}"
        )
        assert not node.value_type.weak


def _points(function: Any) -> np.ndarray:
    return _UNIT if function in _ONLY_UNIT else _RIGHT if function in _ONLY_RIGHT else _WIDE


@pytest.mark.parametrize("function", table.UNARY, ids=lambda f: f.__name__)
def test_functions_of_one_argument(function: Any) -> None:
    x = _points(function)
    if function is sp.ndtri_exp:
        x = -_RIGHT
    _compare(function, (x,))
    _compare(function, (x.astype(np.float32),))
    _compare(function, (float(x[2]),))
    if x is _WIDE:
        _compare(function, (np.array([1, 2, 5]),))
        _compare(function, (3,))


def _binary_arguments(function: Any) -> list[tuple[Any, ...]]:
    if function in _DEGREES:
        return [(3, _WIDE), (0, _UNIT), (2, 0.3), (4, _UNIT.astype(np.float32))]
    if function in _ORDERS:
        whole = [(2, _RIGHT), (1, 0.7), (0, _RIGHT.astype(np.float32))]
        return whole if function in (sp.expn, sp.yn, sp.kn) else [*whole[:2], (1.5, _RIGHT)]
    if function in (sp.gammaincinv, sp.gammainccinv):
        return [(_RIGHT, _UNIT), (2.5, _UNIT), (_RIGHT.astype(np.float32), 0.3)]
    if function in (sp.ellipkinc, sp.ellipeinc):
        return [(_UNIT * 3, _UNIT), (0.7, _UNIT), (_UNIT, np.float64(0.2) * np.ones(1))]
    if function in (sp.inv_boxcox, sp.inv_boxcox1p):
        return [(_RIGHT, _UNIT), (0.7, 0.0), (_UNIT, -_UNIT)]
    if function is sp.binom:
        return [(_RIGHT + 3, _RIGHT / 2), (10, np.arange(11)), (7.0, 3.0)]
    return [(_RIGHT, _RIGHT[::-1].copy()), (0.7, _RIGHT), (_RIGHT.astype(np.float32), 0.3)]


@pytest.mark.parametrize("function", table.BINARY, ids=lambda f: f.__name__)
def test_functions_of_two_arguments(function: Any) -> None:
    for args in _binary_arguments(function):
        _compare(function, args)


_MORE: dict[Any, list[tuple[Any, ...]]] = {
    sp.betainc: [(_RIGHT, 0.7, _UNIT), (1.5, 2.0, 0.3)],
    sp.betaincc: [(_RIGHT, 0.7, _UNIT)],
    sp.betaincinv: [(_RIGHT, 0.7, _UNIT)],
    sp.hyp1f1: [(0.5, 1.5, _WIDE), (_UNIT, 1.5, _RIGHT)],
    sp.hyperu: [(0.5, 1.5, _RIGHT)],
    sp.hyp2f1: [(0.5, 1.5, 2.5, _UNIT)],
    sp.eval_gegenbauer: [(3, 0.7, _WIDE)],
    sp.eval_genlaguerre: [(3, 0.7, _WIDE)],
    sp.eval_jacobi: [(3, 0.7, 0.2, _WIDE)],
    sp.sici: [(_RIGHT,), (0.5,), (_RIGHT.astype(np.float32),)],
    sp.shichi: [(_RIGHT,)],
    sp.fresnel: [(_WIDE,)],
    sp.airy: [(_WIDE[:-1],)],
    sp.ellipj: [(_RIGHT, _UNIT), (0.3, 0.5)],
    sp.digamma: [(_RIGHT,)],
    sp.polygamma: [(1, _RIGHT), (0, _RIGHT), (3, 2.5)],
    sp.multigammaln: [(_RIGHT + 3, 3), (7.5, 1)],
    sp.factorial: [(_RIGHT,), (np.arange(-2, 9),), (5,)],
    sp.comb: [(10, np.arange(-1, 12)), (np.array([5.0, 7.5]), 2), (6.0, 2.0)],
    sp.perm: [(10, np.arange(-1, 12)), (6.0, 2.0)],
    sp.lambertw: [(_RIGHT,), (-0.2,), (1,)],
    sp.spherical_jn: [(2, _RIGHT), (0, _RIGHT)],
    sp.spherical_yn: [(2, _RIGHT)],
    sp.spherical_in: [(2, _RIGHT)],
    sp.spherical_kn: [(2, _RIGHT)],
}


@pytest.mark.parametrize("function", _MORE, ids=lambda f: f.__name__)
def test_other_functions(function: Any) -> None:
    for args in _MORE[function]:
        _compare(function, args)


@pytest.mark.parametrize(
    "function",
    [sp.spherical_jn, sp.spherical_yn, sp.spherical_in, sp.spherical_kn],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("n", [0, 1, 4])
def test_derivatives_of_spherical_functions_on_request(function: Any, n: int) -> None:
    _compare(function, (n, _RIGHT), {"derivative": True})


_A = np.random.default_rng(3).normal(size=(3, 4))
_B = np.random.default_rng(4).normal(size=(3, 4))


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("return_sign", [False, True])
def test_sums_of_exponentials(axis: Any, keepdims: bool, return_sign: bool) -> None:
    options = {"axis": axis, "keepdims": keepdims, "return_sign": return_sign}
    _compare(sp.logsumexp, (_A,), options)
    entry = entry_of(sp.logsumexp)
    assert entry is not None
    for weights in (np.abs(_B), _B, np.where(_B > 0, _B, 0.0), np.abs(_B[0])):
        a, b = symbol("a", (3, 4)), symbol("b", weights.shape)
        found = apply(entry, (a,), {**options, "b": b})
        several = found if isinstance(found, tuple) else (found,)
        want = sp.logsumexp(_A, b=weights, **options)
        wants = want if isinstance(want, tuple) else (want,)
        for g, w in zip(evaluate_nodes(list(several), {"a": _A, "b": weights}), wants, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-13, atol=1e-14)


def test_derivative_of_a_weighted_sum_of_exponentials() -> None:
    a, b, t, u = (symbol(n, (3, 4)) for n in "abtu")
    entry = entry_of(sp.logsumexp)
    assert entry is not None
    value = apply(entry, (a,), {"b": b, "axis": 1})
    slope = jvp([value], {a: t, b: u})[0]
    assert slope is not None
    rng = np.random.default_rng(5)
    given = {"a": _A, "b": np.abs(_B), "t": rng.normal(size=(3, 4)), "u": rng.normal(size=(3, 4))}
    weights = given["b"] * np.exp(_A)
    want = (weights * given["t"] + np.exp(_A) * given["u"]).sum(1) / weights.sum(1)
    np.testing.assert_allclose(evaluate_nodes([slope], given)[0], want, rtol=1e-12)


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
def test_softmax(axis: Any) -> None:
    _compare(sp.softmax, (_A,), {"axis": axis})
    _compare(sp.log_softmax, (_A,), {"axis": axis})
    _compare(sp.softmax, (np.arange(4),), {"axis": 0})


# --- derivatives -----------------------------------------------------------------------------------------
_SLOPES: dict[Any, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    sp.huber: ((1.5, 0.7), (0, 1)),
    sp.pseudo_huber: ((1.5, 0.7), (0, 1)),
    sp.boxcox: ((1.7, 0.4), (0, 1)),
    sp.boxcox1p: ((1.7, 0.4), (0, 1)),
    sp.inv_boxcox: ((1.7, 0.4), (0, 1)),
    sp.inv_boxcox1p: ((1.7, 0.4), (0, 1)),
    sp.chdtr: ((2.5, 1.7), (0, 1)),
    sp.gammainc: ((2.5, 1.7), (0, 1)),
    sp.gammaincc: ((1.5, 6.7), (0, 1)),
    sp.betainc: ((2.5, 1.7, 0.3), (0, 1, 2)),
    sp.betaincc: ((2.5, 1.7, 0.8), (0, 1, 2)),
    sp.betaincinv: ((2.5, 1.7, 0.8), (0, 1, 2)),
    sp.binom: ((6.5, 2.3), (0, 1)),
    sp.poch: ((1.5, 2.3), (0, 1)),
    sp.comb: ((6.5, 2.3), (0, 1)),
    sp.factorial: ((3.4,), (0,)),
    sp.multigammaln: ((5.4, 3), (0,)),
    sp.loggamma: ((1.4,), (0,)),
    sp.exp10: ((0.4,), (0,)),
    sp.ellipkinc: ((0.8, 0.0), (0, 1)),
    sp.ellipeinc: ((4.8, 0.3), (0, 1)),
    sp.eval_legendre: ((4, 1.0), (1,)),
    sp.eval_laguerre: ((4, 1.3), (1,)),
    sp.k1e: ((1.3,), (0,)),
}


@pytest.mark.parametrize("function", _SLOPES, ids=lambda f: f.__name__)
def test_derivatives(function: Any) -> None:
    args, slots = _SLOPES[function]
    _, several, nodes, values = _call(function, args)
    for slot in slots:
        slope = jvp([several[0]], {nodes[slot]: const(1.0)})[0]
        assert slope is not None
        got = float(evaluate_nodes([slope], values)[0])
        assert abs(got - _difference(function, args, slot)) < 2e-8 * max(1.0, abs(got))


def _difference(function: Callable[..., Any], args: tuple[Any, ...], slot: int) -> float:
    """Central differences with two steps of extrapolation."""

    def at(h: float) -> float:
        moved = [a + h if k == slot else a for k, a in enumerate(args)]
        return float(function(*moved))

    def central(h: float) -> float:
        return (at(h) - at(-h)) / (2 * h)

    one, two, four = central(2e-3), central(4e-3), central(8e-3)
    first, second = (4 * one - two) / 3, (4 * two - four) / 3
    return (16 * first - second) / 15


def test_ties_of_huber_and_limits_of_boxcox() -> None:
    for p in (0.0, 1e-12, 1e-300):
        _compare(sp.boxcox, (2.0, p))
    _compare(sp.huber, (np.array([1.0, -1.0, 0.0]), np.array([1.0, 2.0, 0.0])))
    _compare(sp.pseudo_huber, (np.array([1.0, -1.0, 0.0]), np.array([1e-9, 2.0, 0.0])))


# --- what is refused -------------------------------------------------------------------------------------
def test_orders_have_no_derivative() -> None:
    for function in (sp.jv, sp.kve, sp.hyp0f1, sp.expn):
        entry = entry_of(function)
        assert entry is not None
        v = symbol("v")
        with pytest.raises((NoDerivativeError, TypeMismatchError)):
            jvp([apply(entry, (v, const(1.5)), {})], {v: const(1.0)})


def test_degrees_are_known_numbers() -> None:
    for degree in (symbol("n", dtype="int64"), const(2.5), const(-1)):
        with pytest.raises(WengertError):
            apply(entry_of(sp.eval_legendre), (degree, symbol("x")), {})  # type: ignore[arg-type]  # it is there


def test_lambertw_on_the_real_branch_only() -> None:
    entry = entry_of(sp.lambertw)
    assert entry is not None
    x: Expr = symbol("x", 2)
    found = apply(entry, (x,), {})
    guard = found.guards[0]
    token = check(first_token(), guard.ok, guard.kind, guard.message)
    assert token.evaluate(x=[0.1, 3.0]) == 0
    with pytest.raises(DomainError, match="where W is real"):
        token.evaluate(x=[0.1, -3.0])
    with pytest.raises(TypeMismatchError, match="argument `k`"):
        apply(entry, (x, -1), {})


@pytest.mark.parametrize("function", [sp.comb, sp.perm, sp.factorial], ids=lambda f: f.__name__)
def test_exact_integers_are_refused(function: Any) -> None:
    entry = entry_of(function)
    assert entry is not None
    args = (const(5),) if function is sp.factorial else (const(5), const(2))
    with pytest.raises(TypeMismatchError, match="argument `exact`"):
        apply(entry, args, {"exact": True})
