"""Vector mathematics against mpmath, in units in the last place, and against NumPy at special values.

``WENGERT_VECMATH=20`` takes twenty times as many samples.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import mpmath
import numpy as np
import pytest
from fit_coefficients import FITS, fitted
from mpmath import mpf
from scipy import special
from vector_code import Array, array_text, compiled, machine_of, optimised

from wengert.native.engine import host
from wengert.native.text import Module, kind
from wengert.native.vecmath import BINARY, LIBRARY_WHEN_SCALAR, MACROS, coefficients, sincos

MORE = int(os.environ.get("WENGERT_VECMATH", "1"))
DTYPES = ("float64", "float32")
LANES = {"float64": 8, "float32": 16}

# Units in the last place, for both dtypes.
BOUND = dict.fromkeys(("cos", "exp", "exp2", "expm1", "log", "pow", "sin", "tanh"), 2.0)
BOUND |= dict.fromkeys(("cbrt", "erf", "hypot", "log10", "log1p", "log2"), 1.5)
BOUND["erfc"] = 4.0
DEFAULT_BOUND = 3.5
BOUND_WITHOUT_FMA = 4.0

EVERY = list(product(MACROS, DTYPES))


def softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


EXACT: dict[str, Callable[..., Any]] = {
    "exp2": lambda x: mpf(2) ** x,
    "log2": lambda x: mpmath.log(x, 2),
    "erfc": lambda x: mpmath.erfc(x) if abs(x) < 40 else mpf(1 - mpmath.sign(x)),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": softplus,
    "log_sigmoid": lambda x: -softplus(-x),
    "pow": lambda x, y: mpmath.power(x, y),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
}
NUMPY: dict[str, Callable[..., Array]] = {
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(0, x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "erf": special.erf,
    "erfc": special.erfc,
}

# Where a macro, or a function, changes what it does.
TURNS = {
    "exp": (709.782712893384, -708.4, -745.1332191, 88.7228, -87.34, -103.97),
    "exp2": (1024.0, -1022.0, -1074.0, 128.0, -126.0, -149.0, 0.5),
    "expm1": (
        709.782712893384,
        88.7228,
        -37.4,
        -17.3,
        -50.0,
        -25.0,
        2.0**-54,
        2.0**-25,
        0.34657359,
    ),
    "sinh": (710.475860073944, 89.4159, 2.0**-28, 2.0**-13, 710.5, 89.5),
    "cosh": (710.475860073944, 89.4159, 710.5, 89.5),
    "tanh": (19.1, 9.1, 22.0, 0.17328679),
    "log": (1.0, 0.70710678, 1.41421356, 2.0**-1022, 2.0**-126),
    "log1p": (-1.0, -0.29289322, 0.41421356, 2.0**-54, 2.0**-25, 2.0**53, 2.0**1020),
    "asin": (0.5, -0.5, 1.0, -1.0),
    "atan": (0.41421356, 2.41421356, -0.41421356, -2.41421356, 1.0),
    "acosh": (1.0, 1.5, 2.0**54, 2.0**25),
    "asinh": (2.0**-28, 2.0**-13, 2.0**54, 2.0**25, 0.41421356),
    "atanh": (1.0, -1.0, 0.17157287, 2.0**-28, 2.0**-13),
    "cbrt": (1.0, 2.0, 4.0, 8.0, 2.0**-1022, 2.0**-126),
    "erf": (1.0, -1.0, 5.9, 3.9),
    "erfc": (0.75, -0.75, 26.5, 10.05, 27.2, -5.9),
    "softplus": (-0.88137359, 0.88137359, 36.7, -745.13),
    "sigmoid": (0.0, -708.4, -745.13, 36.7),
}
TURNS |= {"log2": TURNS["log"], "log10": TURNS["log"], "acos": TURNS["asin"]}
TURNS["log_sigmoid"] = TURNS["softplus"]
_ANGLES = tuple(float(k * mpmath.pi / 4) for k in (*range(9), 355, 2**20, 2**30))
_ANGLES += (2.0**16, 2.0**20, 2.0**30, 6381956970095103.0 * 2.0**797, 1e22, 1.7976931348623157e308)
TURNS |= dict.fromkeys(("sin", "cos", "tan"), _ANGLES)


def around(values: Array, steps: int = 4) -> Array:
    """Each value with its neighbours, and the negatives."""
    bits = np.abs(values).view({4: np.int32, 8: np.int64}[values.itemsize])
    near = (bits[:, None] + np.arange(-steps, steps + 1)).view(values.dtype).ravel()
    return np.concatenate([near, -near])


def samples(name: str, dtype: str, rng: np.random.Generator) -> Array:
    """Numbers of every binade, of usual sizes, and around the turns."""
    info = np.finfo(dtype)
    step = 2 if dtype == "float64" else 1
    exponents = np.arange(info.minexp - info.nmant, info.maxexp, step / MORE)
    binades = np.ldexp(rng.uniform(1, 2, exponents.size), exponents.astype(int))
    binades *= rng.choice([-1, 1], binades.size)
    wide = 750 if dtype == "float64" else 106
    usual = [rng.uniform(-r, r, 400 * MORE) for r in (1, 1, 6, 30, wide)]
    usual.append(rng.uniform(0.5, 2, 400 * MORE))
    usual.append(1 - 2 ** -rng.uniform(1, info.nmant, 100 * MORE))
    with np.errstate(over="ignore"):
        turns = np.array(TURNS.get(name, (1.0,)), dtype)
        turns = around(turns[np.isfinite(turns) & (turns != 0)])
        found = np.concatenate([binades.astype(dtype), *(u.astype(dtype) for u in usual), turns])
    return found[found != 0]  # zeros are among the special values


def arguments(name: str, dtype: str, rng: np.random.Generator) -> tuple[Array, ...]:
    """What to call a macro with."""
    x = samples(name, dtype, rng)
    if name not in BINARY:
        return (x,)
    y = rng.permutation(samples(name, dtype, rng))
    with np.errstate(all="ignore"):
        near = (x * rng.uniform(0.1, 10, x.size)).astype(dtype)
        if name == "pow":  # so that all results are in the format, and whole exponents
            wide = rng.uniform(-745, 710, x.size) * (1 if dtype == "float64" else 0.139)
            near = (wide / np.log(np.abs(x.astype(np.float64)))).astype(dtype)
            near[::4] = np.round(near[::4])
            near[1::4] = rng.integers(-40, 40, near[1::4].size)
        near[~np.isfinite(near) | (near == 0)] = 0.5
    return np.concatenate([x, x]), np.concatenate([y, near])


def exact(name: str, given: tuple[Array, ...]) -> tuple[Array, Array]:
    """What is right to twice the precision of float64: its nearest float64, and the rest."""
    function = EXACT.get(name) or getattr(mpmath, name)
    high, low = np.zeros((2, given[0].size))
    with mpmath.workprec(170):
        for i, numbers in enumerate(zip(*(a.tolist() for a in given), strict=True)):
            try:
                value = function(*map(mpf, numbers))
            except (ZeroDivisionError, ValueError):
                value = mpmath.nan
            if isinstance(value, mpmath.mpc):
                value = mpmath.nan
            high[i] = float(value)
            low[i] = float(value - high[i]) if np.isfinite(high[i]) else 0.0
    return high, low


def errors(got: Array, high: Array, low: Array) -> Array:
    """How far off in units of the last place; infinite where not even the kind is right."""
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        size = np.minimum(np.abs(high), float(info.max)).astype(got.dtype)
        unit = np.spacing(size).astype(np.float64)
        unit[size >= info.max] = float(info.max) * float(info.epsneg)
        off = np.abs((got.astype(np.float64) - high - low) / unit)
        # Rounded to infinity from half a unit beyond the greatest number on.
        at_end = np.isinf(got) & (np.abs(high) > float(info.max) * (1 - 2 * float(info.eps)))
        off[at_end & (np.sign(got) == np.sign(high))] = 0.0
        off[np.isnan(high) & np.isnan(got)] = 0.0
    return np.where(np.isnan(off), np.inf, off)


def check(name: str, dtype: str, f: Callable[..., Array], bound: float, seed: int = 0) -> None:
    """The samples are right to so many units, and zeros have the right sign."""
    given = arguments(name, dtype, np.random.default_rng(seed))
    got = f(*given)
    high, low = exact(name, given)
    off = errors(got, high, low)
    worst = int(np.argmax(off))
    where = [float(a[worst]) for a in given]
    assert off[worst] <= bound, f"{name}{where} is {high[worst]!r}, got {got[worst]!r}"
    signed = (high != 0) & (got == 0)
    assert (np.signbit(got) == np.signbit(high))[signed].all()


@pytest.mark.parametrize(("name", "dtype"), EVERY)
def test_accuracy(name: str, dtype: str, seed: int) -> None:
    f = compiled(name, dtype, LANES[dtype])
    check(name, dtype, f, BOUND.get(name, DEFAULT_BOUND), seed)


def judged_by_numpy(name: str, dtype: str) -> Callable[..., Array]:
    """NumPy's function, from float64."""
    names = {
        "acos": "arccos",
        "asin": "arcsin",
        "atan": "arctan",
        "atan2": "arctan2",
        "pow": "power",
    }
    names |= {n: f"arc{n[1:]}" for n in ("acosh", "asinh", "atanh")}
    function = NUMPY.get(name) or getattr(np, names.get(name, name))

    def call(*given: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(*(a.astype(np.float64) for a in given))).astype(dtype)

    return call


@pytest.mark.parametrize(("name", "dtype"), EVERY)
def test_special_values(name: str, dtype: str) -> None:
    info = np.finfo(dtype)
    some = [0.0, 1.0, np.inf, info.max, info.tiny, info.smallest_subnormal, 0.5, 2.0, 3.0, 2.5]
    numbers = np.array([*some, *(-s for s in some), np.nan], dtype)
    given: tuple[Array, ...] = (numbers,)
    if name in BINARY:
        given = (np.repeat(numbers, numbers.size), np.tile(numbers, numbers.size))
    got = compiled(name, dtype, LANES[dtype])(*given)
    want = judged_by_numpy(name, dtype)(*given)
    plain = np.isfinite(want) & (want != 0)
    # NaN for NaN, and bit for bit zeros, infinities and what is exact.
    same = (np.isnan(want) & np.isnan(got)) | (
        (want == got) & (np.signbit(want) == np.signbit(got))
    )
    with np.errstate(all="ignore"):
        close = np.abs(got - want) <= 5 * np.spacing(np.abs(want))
    wrong = np.flatnonzero(~(same | (plain & close)))
    assert not wrong.size, [(*(a[i] for a in given), got[i], want[i]) for i in wrong[:5]]


KEEP_ZERO = (
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "erf",
    "expm1",
    "log1p",
    "sin",
    "sinh",
    "tan",
    "tanh",
)


@pytest.mark.parametrize(("name", "dtype"), list(product(KEEP_ZERO, DTYPES)))
def test_the_sign_of_zero_stays(name: str, dtype: str) -> None:
    zeros = np.array([0.0, -0.0], dtype)
    assert compiled(name, dtype, LANES[dtype])(zeros).tobytes() == zeros.tobytes()


@pytest.mark.parametrize(("name", "dtype"), EVERY)
def test_results_do_not_depend_on_the_lanes(
    name: str, dtype: str, rng: np.random.Generator
) -> None:
    given = arguments(name, dtype, rng)
    widest = compiled(name, dtype, 16)(*given)
    for lanes in (1, 2, 4, 8):
        np.testing.assert_array_equal(compiled(name, dtype, lanes)(*given), widest)


@pytest.mark.skipif(host().lanes < 8, reason="needs AVX-512")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "sigmoid", "softplus"])
def test_tables_in_registers(name: str, dtype: str, seed: int) -> None:
    whole = compiled(name, dtype, LANES[dtype], has_avx512=True)
    assert "permvar" in array_text(name, dtype, LANES[dtype], has_avx512=True)
    check(name, dtype, whole, BOUND.get(name, DEFAULT_BOUND), seed)
    edges = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30], dtype)
    np.testing.assert_array_equal(whole(edges), judged_by_numpy(name, dtype)(edges))


@pytest.mark.parametrize(("name", "dtype"), EVERY)
def test_targets_without_fma(name: str, dtype: str, seed: int) -> None:
    assert "llvm.fma" not in array_text(name, dtype, 8, has_fma=False)
    check(name, dtype, compiled(name, dtype, 8, has_fma=False), BOUND_WITHOUT_FMA, seed)


@pytest.mark.parametrize(
    ("table", "by"),
    [
        ("EXP", 2.0**-30),
        ("LOG", 2.0**-30),
        ("SIN", 2.0**-30),
        ("ATAN", 2.0**-30),
        ("CBRT", 2.0**-9),
    ],
)
def test_a_wrong_coefficient_is_found(
    table: str, by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = table.lower()
    double, single = getattr(coefficients, table)
    wrong = (*double[:2], double[2] * (1 + by), *double[3:])
    monkeypatch.setattr(coefficients, table, (wrong, single))
    with pytest.raises(AssertionError, match=name):
        check(
            name,
            "float64",
            compiled.__wrapped__(name, "float64", 8),
            BOUND.get(name, DEFAULT_BOUND),
        )


@pytest.mark.parametrize("table", list(FITS))
def test_coefficients_are_what_was_fitted(table: str) -> None:
    for tabulated, double in zip(getattr(coefficients, table), (True, False), strict=True):
        np.testing.assert_allclose(tabulated, fitted(FITS[table], double=double), rtol=1e-13)


def test_sine_and_cosine_share_all_but_the_last_steps() -> None:
    def length(write: Callable[..., Any]) -> int:
        f = Module().function("f", [("<8 x double>", "x")])
        write(f, "%x", kind("double", 8))
        return f.text().count("\n")

    one, both = length(MACROS["sin"]), length(sincos)
    assert both < one + 8


@pytest.mark.parametrize(
    ("triple", "cpu", "features", "has_fma"),
    [
        ("x86_64-unknown-linux-gnu", "x86-64", "", False),
        ("x86_64-unknown-linux-gnu", "x86-64-v3", "", True),
        ("x86_64-pc-windows-msvc", "x86-64-v4", "", True),
        ("aarch64-unknown-linux-gnu", "generic", "+neon", True),
        ("arm64-apple-darwin", "apple-m1", "", True),
    ],
)
def test_no_library_is_called_anywhere(triple: str, cpu: str, features: str, has_fma: bool) -> None:
    machine = machine_of(triple, cpu, features)
    for name, dtype in EVERY:
        text = array_text(name, dtype, 8, has_fma=has_fma)
        assembly = machine.emit_assembly(optimised(text, machine))
        called = set(re.findall(r"\t(?:callq?|bl|jmp|b)\t([A-Za-z_]\S*)", assembly))
        strange = {c for c in called if not re.match(r"_?wengert\.|\.?L|BB|__chkstk", c)}
        assert not strange, (name, dtype)


def test_names_given_out_are_macros() -> None:
    assert MACROS.keys() >= BINARY | LIBRARY_WHEN_SCALAR
