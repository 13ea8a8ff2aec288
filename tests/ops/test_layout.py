"""Indexing, joining and reshaping against NumPy, with transposes by the adjoint identity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import EvaluationError, ShapeError, TypeMismatchError
from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.algebra import zeros
from wengert.ops.einstein import ones, sum_axes
from wengert.ops.gathering import add_at, set_at, take
from wengert.ops.joining import concatenate, pad, stack
from wengert.ops.layout import cast, expand_dims, moveaxis, ravel, reshape, squeeze, swapaxes
from wengert.ops.leaves import ONE, symbol
from wengert.ops.spans import index_from_text
from wengert.ops.subscripts import update, update_add
from wengert.run.reference import evaluate

SHAPE = (3, 4, 5)
FIXED, SYMBOLIC = symbol("x", SHAPE), symbol("x", ("a", "b", "c"))
VALUE = np.arange(60.0).reshape(SHAPE) ** 1.5

# Computed places: symbols in our index, their values in NumPy's.
PLACES: dict[str, np.ndarray] = {
    "i": np.asarray(-2),
    "j": np.array([1, -1]),
    "k": np.array([[0], [2]]),
}


def place(name: str) -> Expr:
    return symbol(name, PLACES[name].shape, dtype="int64")


def needed(node: Expr, **values: Any) -> dict[str, Any]:
    names = {n.attr.name for n in order([node]) if n.op.free}
    return {k: v for k, v in values.items() if k in names}


ENTRIES = st.one_of(
    st.integers(-3, 2),
    st.builds(slice, *[st.one_of(st.none(), st.integers(-3, 3))] * 2),
    st.just(slice(None, None, -1)),
    st.just(None),
    st.just(Ellipsis),
    st.sampled_from(list(PLACES)),
)


def _is_index(entries: list[Any]) -> bool:
    dots = sum(e is Ellipsis for e in entries)
    return dots <= 1 and sum(e is not None and e is not Ellipsis for e in entries) <= len(SHAPE)


INDICES = st.lists(ENTRIES, min_size=1, max_size=5).filter(_is_index).map(tuple)


def both(index: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Our index and NumPy's."""
    ours = tuple(place(e) if isinstance(e, str) else e for e in index)
    theirs = tuple(PLACES[e] if isinstance(e, str) else e for e in index)
    return ours, theirs


@settings(max_examples=400)
@given(INDICES)
def test_subscripts_mean_what_they_mean_in_numpy(index: tuple[Any, ...]) -> None:
    ours, theirs = both(index)
    part = FIXED[ours]
    want = VALUE[theirs]
    assert part.shape == want.shape
    np.testing.assert_array_equal(evaluate(part, needed(part, x=VALUE, **PLACES)), want)


def _is_static(index: tuple[Any, ...]) -> bool:
    return not any(isinstance(e, str) for e in index)


@settings(max_examples=200)
@given(INDICES)
def test_extents_with_names_change_nothing(index: tuple[Any, ...]) -> None:
    """Where the slice lies inside; else the evaluator says so, as the shape promised more."""
    ours, theirs = both(index)
    want = VALUE[theirs]
    part = SYMBOLIC[ours]
    try:
        got = evaluate(part, needed(part, x=VALUE, **PLACES))
    except EvaluationError:
        assert any(isinstance(e, slice) for e in index)
        assert want.size < VALUE.size
        return
    np.testing.assert_array_equal(got, want)


@settings(max_examples=150)
@given(INDICES, st.booleans())
def test_reading_is_transposed(index: tuple[Any, ...], stacked: bool) -> None:
    ours, theirs = both(index)
    part = FIXED[ours]
    lead = (2,) if stacked else ()
    shape = (*lead, *VALUE[theirs].shape)
    ct = np.cos(np.arange(float(np.prod(shape)))).reshape(shape)
    (back,) = vjp([part], [symbol("ct", ct.shape)], [FIXED])
    assert back is not None
    want = np.zeros((*lead, *SHAPE))
    for number in np.ndindex(lead):
        np.add.at(want[number], theirs, ct[number])
    got = evaluate(back, needed(back, ct=ct, **PLACES))
    np.testing.assert_allclose(got, want, atol=1e-15)


@settings(max_examples=150)
@given(INDICES.filter(_is_static))
def test_updates_replace_what_numpy_replaces(index: tuple[Any, ...]) -> None:
    want = VALUE.copy()
    value = -np.arange(float(want[index].size)).reshape(want[index].shape)
    want[index] = value
    new = symbol("v", value.shape)
    out = update(FIXED, index, new)
    np.testing.assert_array_equal(evaluate(out, needed(out, x=VALUE, v=value)), want)
    want[index] = 7.0
    out = update(FIXED, index, 7.0)
    np.testing.assert_array_equal(evaluate(out, needed(out, x=VALUE)), want)


@pytest.mark.parametrize("index", [("i",), (0, "i"), ("i", slice(1, 3)), ("i", slice(None), "i")])
@pytest.mark.parametrize("adds", [False, True])
def test_updates_at_computed_places(index: tuple[Any, ...], adds: bool) -> None:
    ours, theirs = both(index)
    theirs = tuple(int(e) if isinstance(e, np.ndarray) else e for e in theirs)
    want = VALUE.copy()
    want[theirs] = (want[theirs] if adds else 0) + 5.0
    out = (update_add if adds else update)(FIXED, ours, 5.0)
    np.testing.assert_array_equal(evaluate(out, {"x": VALUE, "i": -2}), want)
    (change,) = jvp([out], {FIXED: symbol("t", SHAPE)})
    assert change is not None
    step = VALUE.copy()
    if not adds:
        step[theirs] = 0
    np.testing.assert_array_equal(evaluate(change, {"t": VALUE, "i": -2}), step)


def test_places_that_repeat_add_up() -> None:
    j = symbol("j", 3, dtype="int64")
    places = np.array([1, 0, 1])
    out = add_at(zeros((2,)), symbol("v", 3), j)
    values = {"v": np.array([1.0, 2.0, 4.0]), "j": places}
    np.testing.assert_array_equal(evaluate(out, values), [2.0, 5.0])


def test_outside_is_an_error_with_its_place() -> None:
    v = symbol("v", 3)
    with pytest.raises(ShapeError, match="from -3 to 2"):
        v[3]
    with pytest.raises(ShapeError, match="at most 1 entries"):
        v[0, 0]
    with pytest.raises(TypeMismatchError, match="where"):
        v[v > 0]
    with pytest.raises(TypeMismatchError, match="index"):
        v[0.5]
    with pytest.raises(EvaluationError, match="inside the array"):
        evaluate(v[symbol("i", dtype="int64")], {"v": np.zeros(3), "i": 3})
    with pytest.raises(EvaluationError, match="places from 0 to 1"):
        evaluate(symbol("w", "n")[1:3], {"w": np.zeros(2)})
    with pytest.raises(ShapeError, match="divides a symbolic extent"):
        symbol("w", "n")[::2]


def test_extents_of_parts() -> None:
    n = Dim.named("n")
    w = symbol("w", "n")
    assert w[1:].shape == (n - 1,)
    assert w[:-2].shape == (n - 2,)
    assert w[::-1].shape == (n,)
    assert w[:] is w
    assert w[1:6:2].shape == (3,)
    assert w[n - 1] is w[-1]


@pytest.mark.parametrize("text", ["0", "-1", "1:", ":-1", "::-1", "1:3, -2", ":, 0", "n - 3:"])
def test_the_text_of_an_index_is_read_back(text: str) -> None:
    shape = (Dim.named("n"), 4)
    index = index_from_text(text, shape)
    assert index_from_text(str(index), shape) == index


# --- what was put is what is read ------------------------------------------------------------------------
def test_reading_back_costs_nothing() -> None:
    v, s, t = symbol("v", 5), symbol("s"), symbol("t")
    changed = update(update(v, 1, s), 3, t)
    assert changed[3] is t
    assert changed[1] is s
    assert changed[0] is v[0]
    assert changed[1:4].op is not s.op
    assert stack([s, t])[1] is t
    i = symbol("i", dtype="int64")
    assert set_at(v, s, i)[i] is s
    assert update(update(v, 1, s), 1, t) is update(v, 1, t)
    assert update(update(zeros((2,)), 1, s), 0, t) is stack([t, s])


@pytest.mark.parametrize("shrinks", [False, True])
def test_reading_through_a_long_chain_of_updates(shrinks: bool) -> None:
    v = symbol("v", 3)
    changed = v
    for i in range(20000):
        changed = update(3 * changed if shrinks else changed, i % 2, symbol(f"s{i % 7}"))
        changed = update(changed, slice(0, 2), symbol("pair", 2)) if i % 5 == 0 else changed
    assert changed[2].shape == ()


def test_few_elements_are_added_in_place() -> None:
    """The cotangents of elements never make a sum of whole arrays."""
    v = symbol("v", 1000)
    total = v[0]
    for i in range(1, 50):
        total = total + v[i] * v[i - 1]
    (found,) = vjp([total], [ONE], [v])
    assert found is not None
    whole = [n for n in order([found]) if n.shape == (1000,)]
    assert {n.op.name for n in whole} <= {"symbol", "update", "lin", "ein"}
    value = np.cos(np.arange(1000.0))
    want = np.zeros(1000)
    want[0] = 1
    want[:49] += value[1:50]
    want[1:50] += value[:49]
    np.testing.assert_allclose(evaluate(found, {"v": value}), want)
    assert not any(n.op.name == "lin" and len(n.args) > 1 for n in whole)


def test_computed_places_add_in_place_too() -> None:
    v, i, j = symbol("v", 9), symbol("i", dtype="int64"), symbol("j", dtype="int64")
    (found,) = vjp([v[i] * v[j] + sum_axes(v**2)], [ONE], [v])
    assert found is not None
    assert found.op.name == "add_at"
    value = np.arange(9.0)
    want = 2 * value
    want[4] += 2 * value[4]
    np.testing.assert_array_equal(evaluate(found, {"v": value, "i": 4, "j": 4}), want)


# --- the others ------------------------------------------------------------------------------------------
def test_reshape_finds_the_missing_extent() -> None:
    m, n = Dim.named("m"), Dim.named("n")
    M = symbol("M", (m, 6, n))
    assert reshape(M, (-1, n)).shape == (m * 6, n)
    assert reshape(M, (2, -1)).shape == (2, m * n * 3)
    assert ravel(M).shape == (m * n * 6,)
    assert reshape(ravel(M), (m, 6, n)) is M
    assert reshape(ones((m, 4)), (m, 2, 2)) is ones((m, 2, 2))
    for wrong in [(4, -1, n), (-1, -1), (m, 5, n)]:
        with pytest.raises(ShapeError, match="reshape"):
            reshape(M, wrong)


@pytest.mark.parametrize("sizes", [(2, 3), (4, 1)])
def test_joining_with_sizes_known_later(sizes: tuple[int, int], rng: np.random.Generator) -> None:
    m, n = sizes
    u, v = rng.normal(size=(m, 2)), rng.normal(size=(n, 2))
    U, V = symbol("U", ("m", 2)), symbol("V", ("n", 2))
    joined = concatenate([U, V, U])
    assert joined.shape == (2 * Dim.named("m") + Dim.named("n"), 2)
    np.testing.assert_array_equal(evaluate(joined, {"U": u, "V": v}), np.concatenate([u, v, u]))
    ct = rng.normal(size=(2 * m + n, 2))
    (back, other) = vjp([joined], [symbol("ct", joined.shape)], [U, V])
    assert back is not None
    assert other is not None
    given = {"ct": ct, "m": m, "n": n}
    np.testing.assert_allclose(evaluate(back, given), ct[:m] + ct[m + n :])
    np.testing.assert_allclose(evaluate(other, given), ct[m : m + n])


def test_borders_and_axes(rng: np.random.Generator) -> None:
    value = rng.normal(size=(2, 3))
    M = symbol("M", ("m", "n"))
    for widths in [1, (1, 2), [(0, 1), (2, 0)]]:
        got = evaluate(pad(M, widths), {"M": value})
        np.testing.assert_array_equal(got, np.pad(value, widths))
    assert evaluate(pad(M, 1, 7.0), {"M": value})[0, 0] == 7
    with pytest.raises(ShapeError, match="pad"):
        pad(M, -1)
    np.testing.assert_array_equal(evaluate(moveaxis(M, 0, 1), {"M": value}), value.T)
    assert swapaxes(M, 0, -1) is M.T
    assert squeeze(expand_dims(M, 1)) is M
    assert expand_dims(M, -1).shape == (*M.shape, 1)
    with pytest.raises(ShapeError, match="extent 1"):
        squeeze(M, 0)


def test_casts() -> None:
    v = symbol("v", 3)
    assert cast(v, "float64") is v
    single = cast(v, "float32")
    (back,) = vjp([single], [symbol("ct", 3, dtype="float32")], [v])
    assert back is not None
    assert back.value_type.dtype == "float64"
    assert jvp([cast(v, "int64")], {v: v}) == [None]
    np.testing.assert_array_equal(
        evaluate(cast(v, "bool"), {"v": np.array([0.0, 0.5, -1.0])}), [False, True, True]
    )
    with pytest.raises(TypeMismatchError, match="complex"):
        update(v, 0, 1j)


def test_takes_of_several_axes(rng: np.random.Generator) -> None:
    value = rng.normal(size=(3, 4))
    M, j, k = symbol("M", (3, 4)), place("j"), place("k")
    np.testing.assert_array_equal(
        evaluate(take(M, j, axis=1), {"M": value, "j": PLACES["j"]}), np.take(value, PLACES["j"], 1)
    )
    got = evaluate(take(M, j, k), {"M": value, "j": PLACES["j"], "k": PLACES["k"]})
    np.testing.assert_array_equal(got, value[PLACES["j"], PLACES["k"]])
    with pytest.raises(TypeMismatchError, match="integer places"):
        take(M, symbol("r"))
