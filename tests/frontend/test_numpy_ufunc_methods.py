"""Methods of universal functions against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import Case, check, judge, rng_of

from wengert.frontend.numpy_ufunc_methods import ufunc_method
from wengert.frontend.numpy_ufuncs import BINARY
from wengert.frontend.table import apply, entries
from wengert.ops.leaves import symbol

X = rng_of("methods").uniform(0.3, 2, (3, 4))
X32 = X.astype("float32")
N = rng_of("whole").integers(1, 6, (3, 4))
B = N > 3
Z = X + 1j
MASK = N > 2
GAPS = np.where(MASK, X, np.nan)
REDUCED: list[np.ufunc] = [
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and, np.logical_or,
    np.logaddexp,
]  # fmt: skip
RUNNING: list[np.ufunc] = [
    np.add,
    np.multiply,
    np.maximum,
    np.minimum,
    np.logical_and,
    np.logical_or,
]
CHANGING: list[np.ufunc] = [
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.power,
]  # fmt: skip
REAL = REDUCED[:6]
PLACES: list[Any] = [[0, 2], [0, 1, 2], [1], [2, 0, 1]]


def case(
    ufunc: np.ufunc,
    method: str,
    *args: Any,
    smooth: bool = False,
    refused: bool = False,
    **kwargs: Any,
) -> Case:
    """A call of a method."""
    return Case(getattr(ufunc, method), args, kwargs, smooth, refused)


CASES = [
    *(case(u, "reduce", x, a) for u in REDUCED for x in (X, X32, N, B) for a in (0, 1, None, (0, 1))),
    *(case(u, "reduce", X) for u in REDUCED), *(case(u, "reduce", X, 1, keepdims=True) for u in REDUCED),
    *(case(u, "reduce", X, 1, smooth=True) for u in (*REAL, np.logaddexp)),
    *(case(u, "reduce", Z, 0) for u in REDUCED[:2]),
    *(case(u, "reduce", X, 1, where=MASK) for u in (np.add, np.multiply, np.logical_and, np.logical_or)),
    *(case(u, "reduce", X, 1, initial=0.5, where=MASK, smooth=True) for u in REAL),
    *(case(u, "reduce", X, 1, initial=0.5) for u in REAL),
    *(case(u, "reduce", N, 0, "float32") for u in REDUCED[:2]),
    *(case(u, "reduce", GAPS, 1) for u in REDUCED),
    *(case(u, "reduce", X, out=np.zeros(4), refused=True) for u in REDUCED),
    case(np.logaddexp, "reduce", X, where=MASK, initial=0.0, refused=True),
    *(case(u, "reduce", X, 0, "float32", refused=True) for u in REDUCED[2:]),
    *(case(u, "reduce", X, 2, refused=True) for u in REDUCED),
    *(case(u, "accumulate", x, a) for u in RUNNING for x in (X, X32, N, B) for a in (0, 1, -1)),
    *(case(u, "accumulate", X) for u in RUNNING),
    *(case(u, "accumulate", X, 1, smooth=True) for u in RUNNING[:4]),
    *(case(u, "accumulate", N, 1, float) for u in RUNNING[:2]),
    *(case(u, "accumulate", N, 1, "int32") for u in RUNNING[:2]),
    *(case(u, "accumulate", GAPS, 1) for u in RUNNING[:4]),
    *(case(u, "accumulate", X, 2, refused=True) for u in RUNNING),
    *(case(u, "accumulate", X, out=X, refused=True) for u in RUNNING),
    *(case(u, "reduceat", x, p, a) for u in REDUCED[:8] for x in (X, N, B) for p in PLACES for a in (0, 1)),
    *(case(u, "reduceat", X, [0, 2], 1, smooth=True) for u in REAL),
    *(case(u, "reduceat", X, [0, 3], refused=True) for u in REDUCED[:8]),
]  # fmt: skip


@pytest.mark.parametrize("c", CASES, ids=lambda c: str(c))
def test_cases(c: Case) -> None:
    if c.smooth or c.refused:
        check(c)
    else:
        judge(c)


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
def test_outer(ufunc: np.ufunc) -> None:
    for a, b in ((X, X[0]), (N, N[0]), (X32[0], 2.0), (2.0, X[0]), (B[0], B[1]), (X[0], N)):
        judge(case(ufunc, "outer", a, b))
    if ufunc in (np.add, np.multiply, np.divide, np.power, np.arctan2, np.logaddexp):
        check(case(ufunc, "outer", X[:2], X[2], smooth=True))


@pytest.mark.parametrize("ufunc", CHANGING, ids=lambda u: u.__name__)
def test_at(ufunc: np.ufunc) -> None:
    entry = ufunc_method(ufunc, "at")
    assert entry is not None
    for places, values in (
        ([2, 0], np.array([0.5, 1.5])),
        (1, 2.0),
        (slice(0, 2), np.array([3.0, 0.25])),
    ):
        expected = X[0].copy()
        ufunc.at(expected, places, values)
        a, v = symbol("a", (4,)), symbol("v", np.shape(values))
        built = apply(entry, (a, places, v), {})
        np.testing.assert_allclose(built.evaluate(a=X[0], v=values), expected, 1e-15)
    twice: Any = [1, 1, 3]
    if ufunc in (np.add, np.subtract):
        expected = X[0].copy()
        ufunc.at(expected, twice, np.ones(3))
        built = apply(entry, (symbol("a", (4,)), twice, np.ones(3)), {})
        np.testing.assert_allclose(built.evaluate(a=X[0]), expected)
    else:
        with pytest.raises(TypeError, match="differ"):
            apply(entry, (symbol("a", (4,)), twice, 2.0), {})
    with pytest.raises(TypeError, match=f"np.{ufunc.__name__}|differ"):
        apply(entry, (symbol("a", (4,), dtype="int64"), [1, 1], np.ones(2)), {})


def test_every_entry_has_cases() -> None:
    module = "wengert.frontend.numpy_ufunc_methods"
    mine = {e.title for e in entries() if e.function.__module__ == module}
    tried = {f"numpy.{c.function.__self__.__name__}.{c.function.__name__}" for c in CASES}  # type: ignore[attr-defined]
    tried |= {f"numpy.{u.__name__}.outer" for u in BINARY} | {
        f"numpy.{u.__name__}.at" for u in CHANGING
    }
    assert mine == tried


def test_what_is_not_covered_has_no_entry() -> None:
    assert ufunc_method(np.arctan2, "reduce") is None
    assert ufunc_method(np.sin, "outer") is None
    assert ufunc_method(np.add, "nothing") is None
