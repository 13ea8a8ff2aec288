"""Random methods give the very numbers of NumPy's generators, and leave the generator in the very state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.diff.forward import jvp
from wengert.errors import NoDerivativeError, ShapeError, TypeMismatchError
from wengert.frontend.random_table import draw_method, generator_method, methods
from wengert.ir.node import Expr
from wengert.ops.leaves import const, symbol
from wengert.ops.random import generator_state, restored, seeded, set_generator_state
from wengert.run.reference import evaluate_nodes

_X = np.random.default_rng(0).normal(size=7)
_A = np.random.default_rng(1).normal(size=(4, 3))
_COV = np.array([[2.0, 0.3], [0.3, 0.5]])
_ROW = np.array([0.5, 1.0, 2.0])

# Arguments of each method: one tuple of arguments and keywords a case.
_Cases = list[tuple[tuple[Any, ...], dict[str, Any]]]
_TWO: _Cases = [((), {}), ((1.5, 2.0), {}), ((_ROW, 2.0), {}), ((0.5, _ROW), {"size": (2, 3)})]
_TWO += [((np.float64(0.5),), {"size": 4}), ((0.1, 0.2, ()), {})]
_ONE: _Cases = [((1.5,), {}), ((_ROW,), {}), ((0.5,), {"size": (2, 2)}), ((_ROW, (2, 3)), {})]
_SIZES: _Cases = [((), {}), ((3,), {}), (((2, 2),), {}), ((), {"size": ()})]
_SINGLE: _Cases = [*_SIZES, ((3,), {"dtype": np.float32}), ((), {"dtype": "f"})]
_CHOICE: _Cases = [
    ((5,), {}), ((5, 3), {}), ((5,), {"size": (2, 2), "replace": False}), ((_X,), {}), ((_X, (2, 3)), {}),
    ((3, 4), {"p": [0.1, 0.7, 0.2]}), ((_ROW,), {"p": np.array([0.1, 0.7, 0.2])}), (([1.0, 2.0], 3), {}),
    ((_X, 4, False), {}),
]  # fmt: skip
_ORDERS: _Cases = [((6,), {}), ((_X,), {}), ((_A,), {})]
_BOTH: dict[str, _Cases] = {
    **dict.fromkeys(("normal", "laplace", "logistic", "gumbel", "lognormal"), _TWO),
    "uniform": [((), {}), ((1.5, 2.0), {}), ((-_ROW, _ROW), {}), ((0, 1, 5), {}), ((0, _ROW), {})],
    "exponential": [((), {}), *_ONE],
    "rayleigh": [((), {}), *_ONE],
    **dict.fromkeys(("weibull", "pareto", "power", "chisquare", "standard_t"), _ONE),
    "triangular": [((0, 1, 2.5), {}), ((0.0, _ROW, 2.5), {}), ((-1, 0, 1, 5), {})],
    "gamma": [((0.7,), {}), ((2.5, 2.0), {"size": 5}), ((_ROW, _ROW), {})],
    "beta": [((0.7, 1.2), {}), ((2.5, 2.0), {"size": 5}), ((_ROW, 3.0), {})],
    "f": [((2.0, 3.0), {"size": 3})],
    "noncentral_chisquare": [((2.0, 3.0), {"size": 3})],
    "vonmises": [((0.0, 3.0), {"size": 3})],
    "wald": [((1.0, 3.0), {"size": 3})],
    "poisson": [((), {}), ((3.5, 4), {}), ((_ROW,), {})],
    "binomial": [((5, 0.3), {}), ((5, 0.3, 4), {}), ((np.array([1, 9]), 0.5), {})],
    "negative_binomial": [((5, 0.3, 4), {})],
    "geometric": [((0.3, 4), {}), ((0.3,), {})],
    "hypergeometric": [((5, 4, 3, 6), {})],
    "logseries": [((0.3, 4), {})],
    "zipf": [((2.5, 4), {})],
    "standard_cauchy": _SIZES,
    "multivariate_normal": [
        (([1.0, 2.0], _COV), {}), ((_ROW[:2], _COV, 3), {}), ((_ROW[:2], _COV), {"size": (2, 2)}),
    ],
}  # fmt: skip
_GENERATOR: dict[str, _Cases] = {
    **_BOTH,
    "random": _SINGLE,
    "standard_normal": _SINGLE,
    "standard_exponential": [*_SINGLE, ((3,), {"method": "inv"})],
    "standard_gamma": [*_ONE, ((2.0, 3), {"dtype": np.float32})],
    "integers": [
        ((5,), {}), ((2, 9), {}), ((2, 9, 4), {}), ((5, None, (2, 2)), {}), ((5,), {"endpoint": True}),
        ((5,), {"dtype": int}), ((5,), {"dtype": np.int32}), ((5, 8, 3), {"dtype": "int32"}),
        ((np.array([3, 9]),), {}), ((0, 10**12, 3), {}), ((5,), {"size": ()}),
    ],
    "multivariate_normal": [
        *_BOTH["multivariate_normal"], ((_ROW[:2], _COV, 3), {"method": "cholesky"}),
        ((_ROW[:2], _COV, 3), {"method": "eigh"}),
    ],
    "choice": [
        *_CHOICE, ((_A,), {}), ((_A, 2), {"axis": 1}), ((_A, 3, False), {"shuffle": False}),
        ((7, 3, False, None, 0, False), {}),
    ],
    "permutation": [*_ORDERS, ((_A,), {"axis": 1}), ((_A, -1), {})],
    "shuffle": [*_ORDERS[1:], ((_A,), {"axis": 1})],
    "permuted": [((_X,), {}), ((_A,), {}), ((_A,), {"axis": 0}), ((_A,), {"axis": -1})],
}  # fmt: skip
_LEGACY: dict[str, _Cases] = {
    **_BOTH,
    **dict.fromkeys(("random", "random_sample", "ranf", "sample"), _SIZES),
    "rand": [((), {}), ((3,), {}), ((2, 3), {})],
    "randn": [((), {}), ((3,), {}), ((2, 3), {})],
    "standard_normal": _SIZES,
    "standard_exponential": _SIZES,
    "standard_gamma": _ONE,
    "randint": [((5,), {}), ((2, 9), {}), ((2, 9, 4), {}), ((5, 8, 3), {"dtype": "int32"})],
    "choice": _CHOICE,
    "permutation": _ORDERS,
    "shuffle": _ORDERS[1:],
    "seed": [((3,), {})],
}


def _expected(generator: Any, name: str, args: Any, kwargs: Any) -> Any:
    if name in ("ranf", "sample"):
        name = "random_sample"
    if name != "shuffle":
        return getattr(generator, name)(*args, **kwargs)
    copy = np.array(args[0])
    generator.shuffle(copy, *args[1:], **kwargs)
    return copy


def _check(state: np.ndarray, name: str, args: Any, kwargs: Any) -> None:
    generator = restored(state)
    want = _expected(generator, name, args, kwargs)
    symbols = {f"a{k}": a for k, a in enumerate(args) if isinstance(a, np.ndarray)}
    nodes = [
        symbol(f"a{k}", a.shape, dtype=a.dtype.name) if f"a{k}" in symbols else a
        for k, a in enumerate(args)
    ]
    after, value = draw_method(name, const(state), nodes, kwargs)
    if value is None:
        got_state = evaluate_nodes([after], symbols)[0]
        got = None
    else:
        got_state, got = evaluate_nodes([after, value], symbols)
    np.testing.assert_array_equal(got_state, generator_state(generator))
    if want is None:
        assert got is None
        return
    np.testing.assert_array_equal(got, want)
    assert isinstance(value, Expr)
    assert value.shape == np.shape(want)
    weak = type(want) in (int, float)
    assert value.value_type.weak == weak, f"{type(want)}"
    assert value.value_type.dtype == np.asarray(want).dtype.name


@pytest.mark.parametrize("name", sorted(_GENERATOR))
def test_numbers_and_states_are_those_of_the_generator(name: str) -> None:
    state = seeded(11)
    for args, kwargs in _GENERATOR[name]:
        _check(state, name, args, kwargs)


@pytest.mark.parametrize("name", sorted(_LEGACY))
def test_numbers_and_states_are_those_of_numpy_random(name: str) -> None:
    for args, kwargs in _LEGACY[name]:
        if name == "multivariate_normal" and "method" in kwargs:
            continue
        state = seeded(11, legacy=True)
        _check(state, name, args, kwargs)
        _, half = draw_method("normal", const(state))  # a second normal number is kept
        _check(evaluate_nodes([half.args[0]], {})[0][0], name, args, kwargs)


def test_every_method_is_tried() -> None:
    assert set(methods()) == set(_GENERATOR)
    assert set(methods(legacy=True)) == set(_LEGACY)


@given(
    st.integers(0, 2**64),
    st.lists(st.sampled_from(["normal", "integers", "random", "permutation"])),
)
def test_chains_of_draws(seed: int, names: list[str]) -> None:
    arguments: dict[str, Any] = {
        "normal": ((), {"size": 3}),
        "integers": ((9,), {"size": 3, "dtype": np.int32}),  # keeps half a word
        "random": ((), {"dtype": np.float32}),
        "permutation": ((5,), {}),
    }
    generator = np.random.default_rng(seed)
    state: Expr = const(seeded(seed))
    values = []
    for name in names:
        args, kwargs = arguments[name]
        state, value = draw_method(name, state, args, kwargs)
        values.append(value)
    got = evaluate_nodes([state, *values], {})
    for name, value in zip(names, got[1:], strict=True):
        args, kwargs = arguments[name]
        np.testing.assert_array_equal(value, getattr(generator, name)(*args, **kwargs))
    set_generator_state(fresh := np.random.default_rng(), got[0])
    assert fresh.bit_generator.state == generator.bit_generator.state


def test_states_of_numpy_random_itself() -> None:
    np.random.seed(5)  # noqa: NPY002  what users do
    before = generator_state(np.random)
    owner, name = generator_method(np.random.normal) or (None, "")
    assert name == "normal"
    assert owner is not None
    want = [np.random.normal() for _ in range(3)]  # noqa: NPY002  what users do
    set_generator_state(owner, before)
    assert [np.random.normal() for _ in range(3)] == want  # noqa: NPY002  what users do
    assert generator_method(np.sin) is None


def test_symbolic_sizes() -> None:
    from wengert.ir.dims import Dim

    x = symbol("x", "n")
    _, noise = draw_method("normal", const(seeded(2)), (), {"size": (2, Dim.named("n"))})
    _, order = draw_method("permutation", const(seeded(2)), (x,))
    got, mixed = evaluate_nodes([noise + x, order], {"x": _X})
    np.testing.assert_array_equal(got, np.random.default_rng(2).normal(size=(2, 7)) + _X)
    np.testing.assert_array_equal(mixed, np.random.default_rng(2).permutation(_X))


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "words"),
    [
        ("bytes", (4,), {}, "random method `bytes`"),
        ("normel", (), {}, "did you mean `normal`"),
        ("normal", (), {"scal": 1}, "scal"),
        ("random", (), {"out": _X}, "argument `out`"),
        ("normal", (), {"size": symbol("n", dtype="int64")}, "argument `size`"),
        ("integers", (2.5,), {}, "argument `low`"),
        ("integers", (5,), {"dtype": bool}, "argument `dtype`"),
        ("random", (), {"dtype": int}, "argument `dtype`"),
        ("choice", (["a", "b"],), {}, "argument `a`"),
        ("permutation", (symbol("n", dtype="int64"),), {}, "argument `x`"),
        ("multivariate_normal", ([0, 0], np.eye(3)), {}, "argument `cov`"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    name: str, args: Any, kwargs: Any, words: str
) -> None:
    with pytest.raises(TypeMismatchError) as caught:
        draw_method(name, const(seeded(1)), args, kwargs)
    assert words in str(caught.value)


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="argument `size`"):
        draw_method("normal", const(seeded(1)), (symbol("x", 3),), {"size": 2})


def test_other_generators_are_refused() -> None:
    with pytest.raises(TypeMismatchError, match="Generator\\(Philox\\)"):
        generator_state(np.random.Generator(np.random.Philox(1)))
    with pytest.raises(TypeMismatchError, match="default_rng"):
        generator_state(3)


# --- derivatives ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name", ["gamma", "beta", "poisson", "binomial", "chisquare", "standard_t"]
)
def test_parameters_of_shape_have_no_derivative(name: str) -> None:
    x = symbol("x")
    args = (x, 0.5) if name in ("gamma", "beta") else (3, x) if name == "binomial" else (x,)
    _, value = draw_method(name, const(seeded(1)), args)
    with pytest.raises(NoDerivativeError, match=f"random numbers of `{name}`"):
        jvp([value], {x: const(1.0)})


def test_scale_of_gamma_and_gathered_choices() -> None:
    s, x = symbol("s"), symbol("x", 3)
    _, g = draw_method("gamma", const(seeded(1)), (2.5, s), {"size": 4})
    _, c = draw_method("choice", const(seeded(1)), (x, 5))
    slope, picked = jvp([g, c], {s: const(1.0), x: symbol("t", 3)})
    assert slope is not None
    assert picked is not None
    got, moved = evaluate_nodes([slope, picked], {"s": 2.0, "t": _ROW})
    np.testing.assert_array_equal(got, np.random.default_rng(1).standard_gamma(2.5, 4))
    np.testing.assert_array_equal(moved, np.random.default_rng(1).choice(_ROW, 5))


def test_derivative_at_scale_zero() -> None:
    s = symbol("s")
    _, value = draw_method("normal", const(seeded(1)), (1.0, s), {"size": 3})
    slope = jvp([value], {s: const(1.0)})[0]
    assert slope is not None
    z = np.random.default_rng(1).standard_normal(3)
    np.testing.assert_array_equal(evaluate_nodes([slope], {"s": 0.0})[0], z)


def test_drawing_as_source() -> None:
    from inspect import getsource

    _, value = draw_method("normal", const(seeded(4)), (symbol("m"), 2.0), {"size": (2, 3)})
    node = value.args[0]
    spell = node.op.spell
    assert spell.statement is not None
    lines = ["from __future__ import annotations", *map(getsource, spell.helpers)]
    lines += spell.statement(node, ["state", "m", "2.0"], ["after", "value"])
    scope: dict[str, Any] = {"np": np, "state": seeded(4), "m": 0.5}
    exec("\n".join(lines), scope)
    np.testing.assert_array_equal(scope["value"], value.evaluate(m=0.5))
