"""Universal functions and other functions of elements against NumPy: dtypes, shapes, Python numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_oracle import (
    Case,
    case,
    check,
    check_derivative,
    check_refused,
    check_value,
    rng_of,
)

from wengert.errors import TypeMismatchError
from wengert.frontend.numpy_ufuncs import BINARY, UNARY
from wengert.frontend.table import apply, entries, entry_of
from wengert.ops.leaves import symbol

DTYPES = ("bool", "int32", "int64", "float32", "float64", "complex64", "complex128")

# Where a function is real and smooth, for those that are not so on (0.2, 0.9).
INTERVALS: dict[Any, tuple[float, float]] = {np.arccosh: (1.2, 3.0)}
# Universal functions of which all that NumPy computes is refused, and what they do with some dtypes.
REFUSED: dict[Any, set[str]] = {
    np.reciprocal: {"int32", "int64"},
    np.signbit: {"bool"},  # runs in half precision
}
# NumPy orders complex numbers by their real parts first; wengert has no order for them.
ORDERED = {
    np.maximum, np.minimum, np.fmax, np.fmin, np.less, np.less_equal, np.greater, np.greater_equal,
}  # fmt: skip


def array(
    name: str, dtype: str, shape: tuple[int, ...], low: float = 0.2, high: float = 0.9
) -> Any:
    rng = rng_of(f"{name}{dtype}{shape}")
    if dtype == "bool":
        return np.asarray(rng.integers(0, 2, shape), bool)[()] if shape else np.bool_(True)
    if dtype.startswith("int"):
        return np.asarray(rng.integers(-4, 6, shape)).astype(dtype)[()]
    x = rng.uniform(low, high, shape)
    if dtype.startswith("complex"):
        x = x + 1j * rng.uniform(0.2, 0.6, shape)
    return np.asarray(x).astype(dtype)[()]


def _takes(ufunc: np.ufunc, *args: Any) -> bool:
    """Whether NumPy computes it, in a dtype that is supported."""
    try:
        with np.errstate(all="ignore"):
            value = ufunc(*args)
    except (TypeError, ValueError):
        return False
    values = value if isinstance(value, tuple) else (value,)
    return all(np.asarray(v).dtype.name in DTYPES for v in values)


def _check(c: Case, refused: bool) -> None:
    if refused or not _takes(c.function, *c.args):
        check_refused(c)
    else:
        check_value(c)


def test_every_ufunc_is_decided() -> None:
    """A universal function is in the table, or is said here not to be."""
    not_here = {
        "bitwise_count", "isnat", "matmul", "matvec", "vecdot", "vecmat",
    }  # fmt: skip
    missing = {
        f.__name__
        for n in dir(np)
        if isinstance(f := getattr(np, n), np.ufunc) and entry_of(f) is None
    }
    assert missing <= not_here


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", UNARY, ids=lambda u: u.__name__)
def test_unary(ufunc: np.ufunc, dtype: str) -> None:
    refused = dtype in REFUSED.get(ufunc, ())
    for shape in ((), (3,), (2, 3), (0,), (2, 0)):
        x = array(ufunc.__name__, dtype, shape, *INTERVALS.get(ufunc, (0.2, 0.9)))
        _check(case(ufunc, x), refused)


@pytest.mark.parametrize("number", [2, 0.6, 0.4 + 0.3j], ids=repr)
@pytest.mark.parametrize("ufunc", UNARY, ids=lambda u: u.__name__)
def test_unary_of_a_python_number(ufunc: np.ufunc, number: Any) -> None:
    _check(case(ufunc, number), type(number) is int and ufunc is np.reciprocal)


_PAIRS = [
    (a, b)
    for a in DTYPES
    for b in DTYPES
    if DTYPES.index(a) <= DTYPES.index(b) or (a, b) in (("float64", "int64"), ("float32", "int32"))
]


@pytest.mark.parametrize("dtypes", _PAIRS, ids="-".join)
@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
def test_binary(ufunc: np.ufunc, dtypes: tuple[str, str]) -> None:
    refused = ufunc in ORDERED and any(d.startswith("complex") for d in dtypes)
    shapes = ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (3,)), ((), (2,)), ((), ()), ((0,), (1,))
    for left, right in shapes:
        x = array(f"{ufunc.__name__}0", dtypes[0], left)
        y = array(f"{ufunc.__name__}1", dtypes[1], right)
        if ufunc in (np.left_shift, np.right_shift, np.power):
            y = np.abs(y) if dtypes[1].startswith("int") else y  # NumPy refuses or leaves open
        _check(case(ufunc, x, y), refused)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
def test_python_numbers_beside_arrays(ufunc: np.ufunc, dtype: str) -> None:
    x = array(ufunc.__name__, dtype, (3,))
    for number in (2, 1, 0, 0.5, 0.5 + 1j, True):
        complex_ = isinstance(number, complex) or dtype.startswith("complex")
        refused = ufunc in ORDERED and complex_
        _check(case(ufunc, x, number), refused)
        if not (ufunc in (np.left_shift, np.right_shift, np.power) and dtype.startswith("int")):
            _check(case(ufunc, number, x), refused)


def test_known_numbers_beside_arrays() -> None:
    """Numbers that are known, as they are in a formula, promote like those that are not."""
    for ufunc in BINARY:
        for dtype in ("bool", "int64", "float32", "float64"):
            x = array(ufunc.__name__, dtype, (3,))
            node = symbol("x", (3,), dtype=dtype)  # type: ignore[arg-type]
            for number in (2, 1, 0, 0.5, True):
                if not _takes(ufunc, x, number):
                    continue
                built = apply(entry_of(ufunc), (node, number), {})  # type: ignore[arg-type]
                with np.errstate(all="ignore"):
                    expected = ufunc(x, number)
                got = built.evaluate(x=x)
                assert built.value_type.dtype == expected.dtype.name, (ufunc, dtype, number)
                np.testing.assert_allclose(got, expected, 2e-6, err_msg=f"{ufunc} {dtype} {number}")


def test_known_values_are_computed() -> None:
    built = apply(entry_of(np.power), (2, 100), {})  # type: ignore[arg-type]
    assert built.attr == np.power(2, 100)  # NumPy's integers wrap around
    assert apply(entry_of(np.sin), (0.5,), {}).attr == np.sin(0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda u: u.__name__)
def test_derivatives_of_unary(ufunc: np.ufunc) -> None:
    for dtype in ("float64", "complex128"):
        x = array(ufunc.__name__, dtype, (3,), *INTERVALS.get(ufunc, (0.2, 0.9)))
        if _takes(ufunc, x) and np.asarray(ufunc(x)).dtype.kind in "fc" and ufunc is not np.spacing:
            check_derivative(case(ufunc, x))


@pytest.mark.parametrize("ufunc", BINARY, ids=lambda u: u.__name__)
def test_derivatives_of_binary(ufunc: np.ufunc) -> None:
    x = np.array([[1.3, 2.6, 3.4]])
    y = np.array([[0.7], [1.1]])
    if ufunc is np.ldexp:
        check_derivative(case(ufunc, x, np.array([[2], [-1]])))
    elif _takes(ufunc, x, y) and np.asarray(ufunc(x, y)).dtype.kind == "f":
        check_derivative(case(ufunc, x, y))
    if ufunc in (np.add, np.subtract, np.multiply, np.divide, np.power):
        check_derivative(case(ufunc, x + 0.3j, y - 0.2j))


EDGES = np.array([-np.inf, -1.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.5, np.inf, np.nan])


@pytest.mark.parametrize("ufunc", [*UNARY, *BINARY], ids=lambda u: u.__name__)
def test_special_values(ufunc: np.ufunc) -> None:
    """NaN, infinities and zeros with a sign: bit for bit where NumPy says so."""
    args: Any = (EDGES,) if ufunc.nin == 1 else (EDGES[:, None], EDGES)
    if ufunc is np.ldexp:
        args = (EDGES, np.arange(-5, 6))
    if not _takes(ufunc, *args):
        return
    check_value(case(ufunc, *args))


def test_dtype_of_a_ufunc() -> None:
    x = np.array([1.5, 2.5])
    for ufunc, dtype in ((np.add, "float32"), (np.multiply, np.complex128), (np.add, float)):
        check_value(case(ufunc, x.astype("float32"), x.astype("float32"), dtype=dtype))
    check_value(case(np.add, np.arange(3), np.arange(3), dtype=float))
    check_value(case(np.sin, np.arange(3), dtype="float32"))
    check_refused(case(np.add, x, x, dtype=int))


X = np.array([[-2.7, 0.4, 1.5], [2.5, -0.0, 7.3]])
Y = np.array([[-2.7, 0.4, 1.5], [2.6, -0.3, 7.3]])
X32 = X.astype("float32")
N = np.array([[3, -7, 12], [0, 25, -1549]])
Z = np.array([1.2 - 0.7j, -0.3 + 2.5j, 0.4 + 0j])
NAN = np.array([1.0, np.nan, -np.inf, np.inf, -2.0])
MASK = np.array([[True, False, True], [False, False, True]])

CASES = [
    # two results
    case(np.divmod, Y, 0.7, smooth=True), case(np.divmod, N, 5), case(np.divmod, X32, X32 + 3),
    case(np.divmod, -7, 2), case(np.divmod, MASK, MASK, refused=True), case(np.modf, Y, smooth=True),
    case(np.modf, EDGES), case(np.modf, N), case(np.modf, X32), case(np.modf, 2.5),
    case(np.frexp, Y, smooth=True), case(np.frexp, EDGES[1:-2]), case(np.frexp, X32), case(np.frexp, 3),
    # where
    case(np.where, MASK, X, 0.0, smooth=True), case(np.where, MASK, X32, 1.0),
    case(np.where, MASK, 1, X32), case(np.where, MASK, N, 1), case(np.where, MASK, N, 1.5),
    case(np.where, MASK, 1, 2), case(np.where, MASK, 1.0, 2), case(np.where, MASK, X[0], Z, smooth=True),
    case(np.where, Y, X, -X, smooth=True), case(np.where, N, MASK, MASK), case(np.where, True, X, X32),
    case(np.where, NAN, 1.0, 2.0), case(np.where, MASK, X32, X), case(np.where, MASK), case(np.where, X),
    case(np.where, MASK, X, refused=True), case(np.where, MASK, X32, np.float64(1.0)),
    case(np.where, np.bool_(False), 1.0, N),
    # clip
    case(np.clip, X, -1.0, 2.0, smooth=True), case(np.clip, X, None, 1.1, smooth=True),
    case(np.clip, X, 0.1, None), case(np.clip, N, 0, 10), case(np.clip, N, -1.5, 10),
    case(np.clip, X32, 0, 1), case(np.clip, X32, 0.1, 1.0), case(np.clip, N, 0, None),
    case(np.clip, X, min=0.2, max=1.0), case(np.clip, X, min=0.2), case(np.clip, X),
    case(np.clip, NAN, 0.0, 1.0), case(np.clip, X, X[0], 3.0, smooth=True), case(np.clip, 5, 0, 3),
    case(np.clip, X, a_min=-1.0, a_max=2.0), case(np.clip, X32, np.float64(0.1), 1.0),
    # rounding
    case(np.round, X), case(np.round, X, 1), case(np.round, X, decimals=-1), case(np.round, X32, 2),
    case(np.round, N), case(np.round, N, 2), case(np.round, N, -2), case(np.round, Z, 1),
    case(np.around, X, 2), case(np.round, 2.675, 2), case(np.round, MASK, refused=True),
    case(np.round, EDGES, 1), case(np.fix, X), case(np.fix, EDGES), case(np.fix, X32), case(np.fix, N),
    case(np.fix, 2.5),
    # complex numbers
    case(np.real, Z, smooth=True), case(np.real, X), case(np.real, N), case(np.real, 2.0),
    case(np.real, Z.astype("complex64")), case(np.imag, Z, smooth=True), case(np.imag, X),
    case(np.imag, X32), case(np.imag, N), case(np.imag, 2j), case(np.angle, Z, smooth=True),
    case(np.angle, Z, True, smooth=True), case(np.angle, X), case(np.angle, X32), case(np.angle, N),
    case(np.angle, Z.astype("complex64"), deg=True), case(np.angle, 1j), case(np.iscomplexobj, Z),
    case(np.iscomplexobj, X), case(np.isrealobj, Z), case(np.isrealobj, 2.0), case(np.iscomplex, Z),
    case(np.iscomplex, X), case(np.isreal, Z), case(np.isreal, X32), case(np.isreal, 1j),
    # sinc, Bessel function
    case(np.sinc, X, smooth=True), case(np.sinc, X32), case(np.sinc, N), case(np.sinc, 0.3),
    case(np.i0, X, smooth=True), case(np.i0, N[0]), case(np.i0, 1.5),
    # nan_to_num
    case(np.nan_to_num, NAN), case(np.nan_to_num, NAN, nan=1.5, posinf=9.0, neginf=-9.0),
    case(np.nan_to_num, X, smooth=True), case(np.nan_to_num, NAN.astype("float32")),
    case(np.nan_to_num, N), case(np.nan_to_num, NAN + 1j), case(np.nan_to_num, NAN, True, 2.0),
    case(np.nan_to_num, np.nan),
    # kinds of infinity
    case(np.isposinf, NAN), case(np.isneginf, NAN), case(np.isposinf, X32), case(np.isneginf, -np.inf),
    # tolerance
    case(np.isclose, X, X + 1e-9), case(np.isclose, X, X + 1e-3), case(np.isclose, NAN, NAN),
    case(np.isclose, X, X[0]), case(np.isclose, NAN, NAN, equal_nan=True),
    case(np.isclose, X, X + 0.01, 0.1), case(np.isclose, X, X + 0.01, 0.0, 0.1),
    case(np.isclose, N, N + 1, atol=1), case(np.isclose, Z, Z + 1e-9j), case(np.isclose, X32, X),
    case(np.isclose, 1.0, 1.0), case(np.isclose, NAN, np.inf), case(np.isclose, 1, 1.5),
    case(np.isclose, MASK, MASK), case(np.allclose, X, X), case(np.allclose, X, X + 1),
    case(np.allclose, NAN, NAN), case(np.allclose, NAN, NAN, equal_nan=True),
    case(np.allclose, X, X + 0.01, 0.1, 0.1), case(np.allclose, 1.0, 1.0),
    case(np.array_equal, X, X.copy()), case(np.array_equal, X, X[0]), case(np.array_equal, NAN, NAN),
    case(np.array_equal, NAN, NAN, equal_nan=True), case(np.array_equal, N, X),
    case(np.array_equal, 2, 2.0), case(np.array_equiv, X, X[:1]),
    case(np.array_equiv, np.ones((2, 3)), np.ones(3)),
]  # fmt: skip


@pytest.mark.parametrize("c", CASES, ids=str)
def test_functions(c: Case) -> None:
    check(c)


def test_every_entry_has_cases() -> None:
    """The table of cases names every function that the module covers."""
    module = "wengert.frontend.numpy_ufuncs"
    mine = [e.original for e in entries() if e.function.__module__ == module]
    tried = {*UNARY, *BINARY, *(c.function for c in CASES)}
    assert [f.__name__ for f in mine if f not in tried] == []


def test_integers_to_negative_powers_are_refused() -> None:
    with pytest.raises(TypeMismatchError, match="astype"):
        apply(entry_of(np.power), (symbol("i", (3,), dtype="int64"), -1), {})  # type: ignore[arg-type]
