"""Structures: taking apart and putting together again gives the same, without running constructors."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.errors import TypeMismatchError
from wengert.frontend.trees import LEAF, flatten, map_structure, register_class, structure


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Frozen:
    a: Any
    b: Any = 2.0


@dataclass
class Made:
    w: Any
    size: int = field(init=False)
    made: int = 0

    def __post_init__(self) -> None:
        self.size = 7
        self.made += 1

    @cached_property
    def total(self) -> float:
        return sum(self.w)


@register_class
class Plain:
    def __init__(self, x: Any) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and self.x == other.x

    __hash__ = None  # type: ignore[assignment]  # as of mutable things


class Slotted:
    __slots__ = ("p", "q")


register_class(Slotted)


@register_class(
    flatten=lambda d: ((d.a,), d.note), unflatten=lambda note, parts: Noted(*parts, note)
)
class Noted:
    def __init__(self, a: Any, note: str) -> None:
        self.a, self.note = a, note

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Noted) and (self.a, self.note) == (other.a, other.note)

    __hash__ = None  # type: ignore[assignment]  # as of mutable things


leaves = st.one_of(st.floats(allow_nan=False), st.integers(), st.text(max_size=3), st.booleans())
trees = st.recursive(
    st.one_of(leaves, st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.text(max_size=2), inner, max_size=3),
        st.dictionaries(st.text(max_size=2), inner, max_size=3).map(OrderedDict),
        st.builds(Pair, inner, inner),
        st.builds(Frozen, inner, inner),
        st.builds(Plain, inner),
        st.builds(lambda a: Noted(a, "n"), inner),
        st.builds(lambda a, b: SimpleNamespace(a=a, b=b), inner, inner),
    ),
    max_leaves=8,
)


@given(trees)
def test_round_trip(value: Any) -> None:
    found, tree = flatten(value)
    assert tree.unflatten(found) == value
    assert tree.size == len(found) == len(tree.paths("x"))
    assert structure(tree.unflatten(found)) == tree
    assert hash(structure(value)) == hash(tree)
    assert tree.flatten_like(value) == found


@given(trees)
def test_paths_are_python_expressions(value: Any) -> None:
    found, tree = flatten(value)
    for path, leaf in zip(tree.paths("value"), found, strict=True):
        if "Noted" not in str(tree):
            assert eval(path, {"value": value}) == leaf


@given(trees, trees)
def test_different_structures_are_different(first: Any, second: Any) -> None:
    a, b = structure(first), structure(second)
    if a == b:
        assert a.unflatten(flatten(second)[0]) == second
    else:
        assert str(a) != str(b) or a.paths() != b.paths() or a.kind == "dict"


def test_constructors_are_not_run_and_results_of_properties_are_left_out() -> None:
    value = Made([1.0, 2.0])
    assert value.total == 3.0
    found, tree = flatten(value)
    assert found == [1.0, 2.0, 7, 1]
    again = tree.unflatten([5.0, 6.0, 7, 1])
    assert (again.w, again.size, again.made, again.total) == ([5.0, 6.0], 7, 1, 11.0)


def test_slots() -> None:
    value = Slotted()
    value.p = 1.0
    found, tree = flatten(value)
    assert (found, tree.paths("s")) == ([1.0], ["s.p"])
    again = tree.unflatten([2.0])
    assert again.p == 2.0
    assert not hasattr(again, "q")


def test_order_of_dicts() -> None:
    first, second = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert structure(first) != structure(second)
    assert structure(first).flatten_like(second) == [1, 2]
    assert list(structure(second).unflatten([2, 1])) == ["b", "a"]


def test_leaves_of_ones_own() -> None:
    found, tree = flatten([(1, 2), 3], is_leaf=lambda v: isinstance(v, tuple))
    assert found == [(1, 2), 3]
    assert str(tree) == "[*, *]"
    assert structure(None).size == 0
    assert structure(1.0) is LEAF


def test_map_structure() -> None:
    assert map_structure(lambda p, g: p - g, {"a": [3.0]}, {"a": [1.0]}) == {"a": [2.0]}


def test_what_is_refused() -> None:
    loop: list[Any] = [1.0]
    loop.append({"again": loop})
    with pytest.raises(TypeMismatchError, match=r"p\[1\]\['again'\].*contains itself"):
        flatten(loop, name="p")
    deep: Any = 1.0
    for _ in range(300):
        deep = (deep,)
    with pytest.raises(TypeMismatchError, match="200 levels"):
        flatten(deep)
    for value in ([1.0], (1.0, 2.0, 3.0), {"a": 1.0}, 1.0, None):
        with pytest.raises(TypeMismatchError, match="tangent"):
            structure((1.0, 2.0)).flatten_like(value, "tangent")
    with pytest.raises(TypeMismatchError, match="2 leaves, got 1"):
        structure((1.0, 2.0)).unflatten([1.0])
    with pytest.raises(TypeMismatchError, match="a class"):
        register_class(3)  # type: ignore[call-overload]  # on purpose
    with pytest.raises(TypeMismatchError, match="or neither"):
        register_class(Slotted, flatten=lambda s: ((), None))
    register_class(type("Bad", (), {}), lambda b: ((), []), lambda aux, parts: None)


def test_shared_parts_are_taken_apart_one_by_one() -> None:
    part = [1.0]
    assert flatten((part, part))[0] == [1.0, 1.0]
