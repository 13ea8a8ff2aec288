"""The four ways for programs, and what was captured of them."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.app.compare_program import run_alone

LIMIT = 4
SCALE = 2.0


def root(a: float) -> float:
    x = a
    while abs(x * x - a) > 1e-12:
        x = (x + a / x) / 2
    return x


def eliminated(A: np.ndarray, b: np.ndarray) -> Any:
    """Changes its arguments in place, and gives the solution of A x = b."""
    n = len(b)
    for k in range(n):
        for i in range(k + 1, n):
            factor = A[i, k] / A[k, k]
            A[i, k:] -= factor * A[k, k:]
            b[i] -= factor * b[k]
    for k in reversed(range(n)):
        b[k] = (b[k] - A[k, k + 1 :] @ b[k + 1 :]) / A[k, k]
    return b * 1.0


def nested(p: dict[str, Any], n: int) -> float:
    total = 0.0
    for i in range(n):
        if p["a"][0] > i:
            total += p["a"][i] * p["b"]
        else:
            total -= p["b"] ** 2
    return total


def from_a_heap(x: float) -> float:
    heap = [(x, 1), (2 * x, 2)]
    heapq.heapify(heap)
    return heapq.heappop(heap)[0]


def guarded(x: float) -> float:
    total = 0.0
    for i in range(LIMIT):
        total += SCALE * x**i
    return total


# --- compare -----------------------------------------------------------------------------------------
def test_all_four_ways_of_a_program_agree_with_the_closed_form() -> None:
    found = wg.compare(root, 2.0)
    assert [w.name for w in found.ways] == ["numerical", "symbolic", "forward", "reverse"]
    for way in found.ways:
        assert way.values["a"] == pytest.approx(1 / (2 * math.sqrt(2)), rel=1e-9)
        assert way.seconds > 0
    assert found.same_graph is True
    assert found.within_claim
    assert found.way("numerical").calls == 9
    text = str(found)
    assert "the captured program gives what Python gives, in every digit" in text
    assert "very same graph" in text


def test_arguments_by_name_in_a_dict_and_as_whole_numbers() -> None:
    values = [
        f.way("reverse").values["a"]
        for f in (wg.compare(root, a=2.0), wg.compare(root, {"a": 2.0}), wg.compare(root, 2))
    ]
    assert len(set(values)) == 1


def test_programs_that_change_their_arguments() -> None:
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(3, 3)) + 3 * np.eye(3), rng.normal(size=3)
    before = A.copy(), b.copy()
    found = wg.compare(eliminated, A, b)
    assert np.array_equal(A, before[0])
    assert np.array_equal(b, before[1])
    inverse = np.linalg.inv(A)
    x = inverse @ b
    for way in found.ways:
        np.testing.assert_allclose(way.values["b"], inverse, rtol=1e-7, atol=1e-9)
        wanted = -np.einsum("ij,k->ijk", inverse, x)
        np.testing.assert_allclose(way.values["A"], wanted, rtol=1e-7, atol=1e-9)


def test_containers_and_chosen_arguments() -> None:
    point = {"a": np.array([1.2, 3.0, 4.0]), "b": 2.0}
    found = wg.compare(nested, point, 3)
    np.testing.assert_allclose(found.way("reverse").values["p['a']"], [2, 2, 0])
    assert found.way("reverse").values["p['b']"] == pytest.approx(0.2)
    assert max(w.error for w in found.ways) < 1e-8
    b = np.array([1.0, 2.0])
    some = wg.compare(eliminated, 2 * np.eye(2), b, wrt=["b"])
    assert list(some.way("forward").values) == ["b"]


def test_what_cannot_be_captured_is_a_black_box_with_the_reason() -> None:
    found = wg.compare(from_a_heap, 2.0)
    assert [w.name for w in found.ways] == ["numerical"]
    assert found.ways[0].values["x"] == pytest.approx(1, rel=1e-9)
    assert found.same_graph is None
    assert found.within_claim is None
    assert "black box" in str(found)
    assert "from_a_heap" in str(found)


def test_mistakes_are_named() -> None:
    with pytest.raises(wg.TypeMismatchError, match="a value for each parameter"):
        wg.compare(eliminated, np.eye(2))
    with pytest.raises(wg.TypeMismatchError, match="some of A, b"):
        wg.compare(eliminated, np.eye(2), np.ones(2), wrt=["x"])
    with pytest.raises(wg.TypeMismatchError, match="an argument of floats"):
        wg.compare(lambda name: len(name), "x")
    with pytest.raises(wg.TypeMismatchError, match="a float or an array"):
        wg.compare(lambda x: {"a": x + 1.0}, 1.0)


def test_a_wrong_derivative_would_be_told() -> None:
    found = wg.compare(lambda x: math.exp(x) * wg.stop_gradient(x), 1.0)
    assert found.way("numerical").error > 0.1
    assert not found.within_claim
    assert "BREAKS" in str(found)


def test_the_source_that_is_run_alone_is_the_derivative() -> None:
    alone, lines = run_alone(wg.grad(root), (2.0,), {})
    assert alone() == wg.grad(root)(2.0)
    assert lines > 5


# --- explain -----------------------------------------------------------------------------------------
def test_programs_are_explained_with_what_they_rely_on() -> None:
    found = wg.explain(guarded, 1.5)
    assert found.inputs == ("x", "SCALE")
    assert found.guards == ("LIMIT = 4",)
    assert [kind for kind, _ in found.notes] == ["loop kept"]
    text = str(found)
    assert text.startswith("guarded\n  x: weak float64\n")
    assert "SCALE: read again at every call" in text
    assert "LIMIT = 4: known, captured anew when it changes" in text
    assert found.as_dict()["notes"][0]["kind"] == "loop kept"


def test_transforms_are_explained_as_they_are() -> None:
    found = wg.explain(wg.jacobian(guarded), 1.5)
    assert found.name == "jacobian(guarded)"
    assert "mode: forward" in str(found)


def test_static_arguments_are_said_to_be_part_of_the_program() -> None:
    text = str(wg.explain(nested, {"a": np.ones(3), "b": 2.0}, 3))
    assert "n = 3: part of the program" in text


def test_refusals_come_through() -> None:
    with pytest.raises(wg.CaptureError, match="from_a_heap"):
        wg.explain(from_a_heap, 2.0)
