"""Short keys of calls: containers of numbers and arrays are told apart as they are the ordinary way."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.programs.short import short_of

X = np.arange(4.0)


def key(*args):
    found = short_of(args)
    assert found is not None
    return found[0]


def test_keys_tell_structures_apart() -> None:
    y = X + 1
    different = [
        key((1.0, 2.0)), key([1.0, 2.0]), key(1.0, 2.0), key((1.0,), 2.0), key((1.0, (2.0,))),
        key(((1.0, 2.0),)),
        key({"a": 1.0, "b": 2.0}), key({"b": 1.0, "a": 2.0}), key({"a": 1.0}, 2.0), key(1.0, True),
        key(1.0, 1),
        key(1.0, 2), key(1.0, "1"), key(1.0, X), key(1.0, X[:2]), key(1.0, X.astype("float32")),
        key(X, X), key(X, y), key((X, y), X), key((X, y), y), key((X, X), y), key(1.0, np.float64(2.0)),
        key(),
        key(()), key([]), key({}), key(1.0, 2j.real, -1),
    ]  # fmt: skip
    assert len(set(different)) == len(different)
    assert key(1.0, [X, {"k": 3}]) == key(-0.0, [y, {"k": 3}])


@pytest.mark.parametrize(
    "args",
    [
        (X.astype(int),), (X > 1,), (None,), (object(),), (1j,), ({1: 2.0},), (np.float32(1),),
        ([X], np.int64(1)),
        (np.ma.masked_array(X),), (X.view(np.recarray),), ({"a": {2.0}},), (range(3),),
    ],
)  # fmt: skip
def test_what_has_none(args) -> None:
    assert short_of(args) is None


def test_a_list_in_two_places_has_none() -> None:
    twice = [1.0]
    assert short_of((twice, twice)) is None
    assert short_of(([1.0], [1.0])) is not None
    deep = 1.0
    for _ in range(50):
        deep = (deep,)
    assert short_of((deep,)) is None
    endless = []
    endless.append(endless)
    assert short_of((endless,)) is None


def test_calls_in_turns() -> None:
    def program(p, n):
        return p["w"] * p["b"][0] ** n

    f, slope = wg.jit(program), wg.grad(program)
    for _ in range(3):
        for n in (2, 3, 2, 5, 4, 7, 6):
            for w, b in ((2.0, 3.0), (X, X + 1)):
                p = {"w": w, "b": [b]}
                np.testing.assert_allclose(f(p, n), program(p, n), rtol=1e-14)
                if w is not X:
                    found = slope(p, n)
                    assert list(found) == ["w", "b"]
                    assert (found["w"], found["b"][0]) == pytest.approx(
                        (b**n, w * n * b ** (n - 1))
                    )
    assert slope({"b": [3.0], "w": 2.0}, 2)["w"] == 9.0
    assert wg.grad(lambda x, n: x**2 * n, argnums=(0, 1))(3.0, 2) == (12.0, 9.0)
    assert f({"w": 2.0, "b": [3.0]}, True) == 6.0


def test_arrays_that_are_one_are_changed_as_one() -> None:
    def change(pair):
        pair[0][0] = 7.0
        return pair[1][0]

    f = wg.jit(change)
    for _ in range(3):
        x, y = np.zeros(3), np.zeros(3)
        assert f((x, y)) == 0.0
        assert f((x, x)) == 7.0
        assert x[0] == 7.0


SCALE = 1.0


def test_what_stands_outside_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    f = wg.jit(lambda p: p[0] * SCALE)
    for scale in (1.0, 2.0, 1.0, 3):
        monkeypatch.setitem(globals(), "SCALE", scale)
        for _ in range(3):
            assert f((2.0,)) == 2.0 * scale
