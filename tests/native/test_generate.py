"""Loop nests as machine code, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import nest_interpreter
import numpy as np
import pytest

import wengert as wg
from wengert.ir.dims import Dim
from wengert.ir.node import Expr, make
from wengert.ir.op import registered
from wengert.ir.types import DType, Type
from wengert.lower.nest import (
    Accumulate,
    Assign,
    Block,
    Buffer,
    Check,
    For,
    If,
    Program,
    Statement,
    Store,
    Unsupported,
    While,
    read,
    variable,
)
from wengert.native import engine, parts
from wengert.native.compiled import compiled
from wengert.native.generate import generated
from wengert.native.primitives import PRIMITIVES
from wengert.ops.choice import floor_divide, mod
from wengert.ops.layout import cast
from wengert.ops.leaves import const, size, symbol

from .nests import Drawn

SIZES = (0, 1, 7, 8, 9, 31, 32, 33, 100, 1000)
M, N = Dim.named("m"), Dim.named("n")
INDEX = Type("int64", weak=True)
FLOAT = Type("float64")


def counter() -> Expr:
    return variable(INDEX, "i")


def array(name: str, *shape: Dim | int, dtype: str = "float64", number: int = 0) -> Buffer:
    return Buffer(name, dtype, shape, "input", number)


def result(name: str, *shape: Dim | int, dtype: str = "float64", number: int = 0) -> Buffer:
    return Buffer(name, dtype, shape, "output", number)


def loop(at: Expr, trip: Expr, *body: Statement, **how: bool) -> For:
    return For(at, trip, Block(list(body)), **{"parallel": True, **how})


def program(
    inputs: Sequence[Expr | Buffer],
    outputs: Sequence[Expr | Buffer],
    *body: Statement,
    own: Sequence[Buffer] = (),
) -> Program:
    symbols: dict[str, tuple[int, int]] = {}
    for number, given in enumerate(inputs):
        for axis, extent in enumerate(given.shape if isinstance(given, Buffer) else ()):
            if isinstance(extent, Dim):
                symbols.setdefault(str(extent), (number, axis))
    return Program(tuple(inputs), tuple(outputs), tuple(own), Block(list(body)), symbols)


class Failed(Exception):  # noqa: N818  a code, not an error
    pass


def made(nest: Program, *, fast: bool = True) -> Callable[..., Any]:
    def slow(*args: object, **kwargs: object) -> NoReturn:
        raise TypeError("these do not fit")

    def failed(code: int, words: bytes, *args: object, **kwargs: object) -> NoReturn:
        raise Failed(code)

    return compiled(nest, name="f", slow=slow, failed=failed, fast=fast)


def drawn(*shape: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(sum(shape)).normal(size=shape)


def test_map_with_two_outputs_and_a_diamond() -> None:
    x, y, z, i = array("x", N), result("y", N), result("z", N, number=1), counter()
    at = read(x, (i,))
    value = wg.tanh(wg.sin(at) * wg.exp(-at * at))
    f = made(
        program([x], [y, z], loop(i, size(N), Store(y, (i,), value), Store(z, (i,), value**2 / 3)))
    )
    for n in SIZES:
        given = drawn(n)
        expected = np.tanh(np.sin(given) * np.exp(-given * given))
        first, second = f(given)
        np.testing.assert_allclose(first, expected, rtol=1e-14)
        np.testing.assert_allclose(second, expected**2 / 3, rtol=1e-13)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("kind", ["add", "mul", "maximum", "minimum"])
def test_reductions(kind: str, fast: bool) -> None:
    x, i, total = array("x", N), counter(), variable(FLOAT, "total")
    start = {"add": 0.5, "mul": 2.0, "maximum": -3.0, "minimum": 3.0}[kind]
    f = made(
        program(
            [x], [total],
            Assign(total, const(start)), loop(i, size(N), Accumulate(total, kind, read(x, (i,)))),
        ),
        fast=fast,
    )  # fmt: skip
    ufunc = {"mul": np.multiply}.get(kind) or getattr(np, kind)
    for n in SIZES:
        given = drawn(n)
        np.testing.assert_allclose(f(given)[0], ufunc.reduce(given, initial=start), rtol=1e-12)
    if kind in ("maximum", "minimum"):
        given[500] = np.nan
        assert np.isnan(f(given)[0])


def test_strict_order_is_the_order_of_the_loop() -> None:
    x, i, total = array("x", N), counter(), variable(FLOAT, "total")
    body = Accumulate(total, "add", read(x, (i,)))
    f = made(program([x], [total], Assign(total, const(0.0)), loop(i, size(N), body)), fast=False)
    given, expected = drawn(1000), 0.0
    for value in given.tolist():
        expected += value
    assert f(given)[0] == expected


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool", "float32"])
def test_reductions_of_other_types(dtype: DType) -> None:
    x, i = array("x", N, dtype=dtype), counter()
    strong = Type("int64" if dtype == "bool" else dtype)
    total, most = variable(strong, "total"), variable(Type(dtype), "most")
    at = read(x, (i,))
    f = made(
        program(
            [x], [total, most], Assign(total, const(0)), Assign(most, const(0)),
            loop(i, size(N), Accumulate(total, "add", at), Accumulate(most, "maximum", at)),
        )
    )  # fmt: skip
    for n in SIZES:
        given = (10 * drawn(n)).astype(dtype)
        added, largest = f(given)
        np.testing.assert_allclose(added, given.sum(dtype=strong.dtype), rtol=1e-4, atol=1e-4)
        assert largest == max(given.max(initial=0), 0)
        assert largest.dtype == dtype


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (5, 7), (8, 8), (33, 100)])
def test_rows_columns_and_products(shape: tuple[int, int]) -> None:
    A, x, y = array("A", M, N), array("x", N, number=1), array("y", M, number=2)
    rows, columns = result("rows", M), result("columns", N, number=1)
    by_row, by_column = result("by_row", M, number=2), result("by_column", N, number=3)
    i, j, k, a, b = (counter() for _ in range(5))
    total, product = variable(FLOAT, "total"), variable(FLOAT, "product")
    at = read(A, (i, j))
    f = made(
        program(
            [A, x, y], [rows, columns, by_row, by_column],
            loop(
                i, size(M), Assign(total, const(0.0)), Assign(product, const(0.0)),
                loop(
                    j, size(N),
                    Accumulate(total, "add", at), Accumulate(product, "add", at * read(x, (j,))),
                ),
                Store(rows, (i,), total), Store(by_row, (i,), product),
            ),
            loop(k, size(N), Store(columns, (k,), const(0.0)), Store(by_column, (k,), const(0.0))),
            loop(
                a, size(M),
                loop(
                    b, size(N),
                    Store(columns, (b,), read(A, (a, b)), adds=True),
                    Store(by_column, (b,), read(A, (a, b)) * read(y, (a,)), adds=True),
                ),
                parallel=False,
            ),
        )
    )  # fmt: skip
    m, n = shape
    given, right, left = drawn(m, n), drawn(n), drawn(m)
    for found, expected in zip(
        f(given, right, left),
        (given.sum(1), given.sum(0), given @ right, left @ given),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    with pytest.raises(TypeError, match="do not fit"):
        f(given, drawn(n + 1), left)


def test_transpose_and_shift() -> None:
    A, B, D, i, j, k = (
        array("A", M, N),
        result("B", N, M),
        result("D", N, number=1),
        *(counter() for _ in range(3)),
    )
    x = array("x", N + 1, number=1)
    step = read(x, (k + 1,)) - read(x, (k,))
    f = made(
        program(
            [A, x], [B, D],
            loop(i, size(N), loop(j, size(M), Store(B, (i, j), read(A, (j, i))))),
            loop(k, size(N), Store(D, (k,), step)),
        )
    )  # fmt: skip
    for m, n in ((1, 1), (9, 17), (40, 8)):
        given, longer = drawn(m, n), drawn(n + 1)
        turned, differences = f(given, longer)
        np.testing.assert_array_equal(turned, given.T)
        np.testing.assert_array_equal(differences, np.diff(longer))


def test_scatter_and_reversal() -> None:
    x, y, i = array("x", N), result("y", N), counter()
    f = made(program([x], [y], loop(i, size(N), Store(y, (size(N) - 1 - i,), read(x, (i,)) * 2))))
    for n in SIZES:
        given = drawn(n)
        np.testing.assert_array_equal(f(given)[0], 2 * given[::-1])


def test_gather_with_a_check() -> None:
    x, p, y, i = array("x", N), array("p", M, dtype="int64", number=1), result("y", M), counter()
    j = counter()
    index, other = read(p, (i,)), read(p, (j,))
    f = made(
        program(
            [x, p], [y],
            loop(i, size(M), Check(index >= 0, 3), Check(index < size(N), 4), parallel=False),
            loop(j, size(M), Store(y, (j,), read(x, (other,)) + 1)),
        )
    )  # fmt: skip
    for m in SIZES:
        given, places = drawn(50), np.random.default_rng(m).integers(0, 50, m)
        np.testing.assert_array_equal(f(given, places)[0], given[places] + 1)
    with pytest.raises(Failed, match="3"):
        f(given, np.array([1, -1, 50]))
    with pytest.raises(Failed, match="4"):
        f(given, np.array([1, 50, -1]))


def test_read_behind_a_check_in_the_loop() -> None:
    x, k, y, i = array("x", N), symbol("k", dtype="int64"), result("y", N), counter()
    f = made(
        program(
            [x, k], [y],
            loop(i, size(N), Check(k < size(N), 5), Store(y, (i,), read(x, (k,))), parallel=False),
        )
    )  # fmt: skip
    np.testing.assert_array_equal(f(np.arange(4.0), 2)[0], [2.0] * 4)
    with pytest.raises(Failed, match="5"):
        f(np.arange(4.0), 1 << 50)


def test_while() -> None:
    """Newton's method for a square root, and how often it took."""
    a, at, goes, done = symbol("a"), variable(FLOAT), variable(Type("bool")), variable(INDEX)
    new = variable(FLOAT)
    body = Block(
        [
            Assign(new, (at + a / at) / 2),
            Assign(goes, wg.abs(new - at) > 1e-14, again=True),
            Assign(at, new, again=True),
        ]
    )
    f = made(
        program(
            [a], [at, done],
            Assign(at, a), Assign(goes, const(True)), While(counter(), goes, const(50), body, done),
        )
    )  # fmt: skip
    assert f(2.0)[0] == pytest.approx(2**0.5)
    assert 4 <= f(2)[1] <= 7
    never = made(
        program(
            [a], [at, done],
            Assign(at, a), Assign(goes, a > 0), While(counter(), goes, None, body, done),
        )
    )  # fmt: skip
    assert never(-1.0) == (-1.0, 0)


@pytest.mark.parametrize("backward", [False, True])
def test_recurrence_in_place(backward: bool) -> None:
    x, c, y, i, k = array("x", N), symbol("c"), result("y", N), counter(), counter()
    near = k + 1 if backward else k
    far = k if backward else k + 1
    f = made(
        program(
            [x, c], [y],
            loop(i, size(N), Store(y, (i,), read(x, (i,)))),
            loop(
                k, size(N) - 1, Store(y, (far,), read(y, (near,), 1) * c),
                parallel=False, backward=backward,
            ),
        )
    )  # fmt: skip
    for n in SIZES[1:]:
        given = drawn(n)
        powers = 0.9 ** np.arange(n)
        expected = given[-1] * powers[::-1] if backward else given[0] * powers
        np.testing.assert_allclose(f(given, 0.9)[0], expected, rtol=1e-11)


def test_if_and_a_variable_that_outlives_it() -> None:
    a, b, out, seen = symbol("a"), symbol("b"), variable(FLOAT), variable(FLOAT)
    f = made(
        program(
            [a, b], [out, seen],
            Assign(seen, a * 2),
            If(
                a < b,
                Block([Assign(out, wg.sin(a) + b), Assign(seen, seen + 1, again=True)]),
                Block([Assign(out, wg.sin(a) - b)]),
            ),
        )
    )  # fmt: skip
    assert f(1.0, 2.0) == pytest.approx((np.sin(1) + 2, 3))
    assert f(2.0, 1.0) == pytest.approx((np.sin(2) - 1, 4))


def test_a_value_is_computed_anew_when_its_variable_changes() -> None:
    a, total, first, i = symbol("a"), variable(FLOAT), variable(FLOAT), counter()
    twice = total * 2
    last = variable(FLOAT)
    f = made(
        program(
            [a], [first, last],
            Assign(total, a), Assign(first, twice),
            loop(i, const(20), Accumulate(total, "add", twice), parallel=False),
            Assign(last, twice),
        )
    )  # fmt: skip
    assert f(1.0) == (2.0, 2.0 * 3**20)


@pytest.mark.parametrize("dtype", ["int64", "int32", "float64", "float32"])
def test_division_with_rest(dtype: DType) -> None:
    x, y = array("x", N, dtype=dtype), array("y", N, dtype=dtype, number=1)
    q, r, i = result("q", N, dtype=dtype), result("r", N, dtype=dtype, number=1), counter()
    a, b = read(x, (i,)), read(y, (i,))
    nest = program(
        [x, y], [q, r],
        loop(i, size(N), Store(q, (i,), floor_divide(a, b)), Store(r, (i,), mod(a, b))),
    )  # fmt: skip
    over, under = (m.ravel().astype(dtype) for m in np.meshgrid(np.arange(-6, 7), np.arange(-4, 5)))
    if dtype.startswith("int"):
        over, under = np.append(over, np.iinfo(dtype).min), np.append(under, -1).astype(dtype)
        over = over.astype(dtype)
    with np.errstate(all="ignore"):
        expected = over // under, over % under
    for found, wanted in zip(made(nest)(over, under), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


def test_inverse_roots_have_the_sign_of_powers() -> None:
    """In vectors and one by one: no root is negative, not even that of -0."""
    x, y, i = array("x", N), result("y", N), counter()
    f = made(program([x], [y], loop(i, size(N), Store(y, (i,), read(x, (i,)) ** -0.5))))
    special = [-0.0, 0.0, -np.inf, np.inf, np.nan, -1.0, 4.0]
    for numbers in (special, 5 * special):
        with np.errstate(all="ignore"):
            expected = np.array([number**-0.5 for number in np.array(numbers)])
        np.testing.assert_array_equal(f(np.array(numbers))[0], expected)


def test_float32_stays_float32() -> None:
    x, y, i = array("x", N, dtype="float32"), result("y", N, dtype="float32"), counter()
    at = read(x, (i,))
    nest = program([x], [y], loop(i, size(N), Store(y, (i,), wg.exp(at) * 3 + at / 7)))
    if engine.host().lanes == 8:
        assert "<16 x float>" in generated(nest, engine.host()).text
    f = made(nest)
    for n in SIZES:
        given = drawn(n).astype("float32")
        np.testing.assert_allclose(f(given)[0], np.exp(given) * 3 + given / 7, rtol=1e-6, atol=1e-6)


def test_truth_values() -> None:
    x, b = array("x", N), array("b", N, dtype="bool", number=1)
    y, z, i = result("y", N, dtype="bool"), result("z", N, number=1), counter()
    at, holds = read(x, (i,)), read(b, (i,))
    both = wg.logical_and(at > 0, holds)
    f = made(
        program(
            [x, b],
            [y, z],
            loop(i, size(N), Store(y, (i,), both), Store(z, (i,), wg.where(both, at, 2))),
        )
    )
    for n in SIZES:
        given = drawn(n)
        truths = drawn(n + 1)[1:] > 0
        first, second = f(given, truths)
        np.testing.assert_array_equal(first, (given > 0) & truths)
        np.testing.assert_array_equal(second, np.where((given > 0) & truths, given, 2))


def test_local_buffers_and_tables() -> None:
    x, y, own = array("x", N), result("y", N), Buffer("own", "float64", (N,))
    table = Buffer("table", "int64", (3,), "table", -1, np.array([5, 7, 11]))
    flags = Buffer("flags", "bool", (3,), "table", -1, np.array([True, False, True]))
    i, j = counter(), counter()
    third = mod(j, 3)
    value = wg.where(read(flags, (third,)), read(own, (j,)) * read(table, (third,)), 0)
    f = made(
        program(
            [x], [y],
            loop(i, size(N), Store(own, (i,), read(x, (i,)) + 1)), loop(j, size(N), Store(y, (j,), value)),
            own=[own],
        )
    )  # fmt: skip
    for n in SIZES:
        given, thirds = drawn(n), np.arange(n) % 3
        expected = np.where(
            np.array([1, 0, 1])[thirds], (given + 1) * np.array([5, 7, 11])[thirds], 0
        )
        np.testing.assert_allclose(f(given)[0], expected, rtol=1e-15)


def test_numbers_of_every_type() -> None:
    given = [symbol(f"x{d}", dtype=d) for d in ("float64", "float32", "int64", "int32", "bool")]
    outputs = [variable(s.value_type) for s in given]
    f = made(program(given, outputs, *[Assign(o, s) for o, s in zip(outputs, given, strict=True)]))
    found = f(0.1, 0.1, -3, -4, True)
    assert found == (0.1, np.float32(0.1), -3, -4, True)
    assert [v.dtype.name for v in found] == ["float64", "float32", "int64", "int32", "bool"]


def test_casts() -> None:
    x, i = array("x", N), counter()
    types: tuple[DType, ...] = ("int64", "int32", "float32", "bool")
    outputs = [result(d, N, dtype=d, number=k) for k, d in enumerate(types)]
    at = read(x, (i,))
    f = made(
        program(
            [x],
            outputs,
            loop(
                i,
                size(N),
                *[Store(o, (i,), cast(at, t)) for o, t in zip(outputs, types, strict=True)],
            ),
        )
    )
    given = np.append(10 * drawn(99), 0.0)
    for found, dtype in zip(f(given), types, strict=True):
        np.testing.assert_array_equal(found, given.astype(dtype))


def test_a_long_chain() -> None:
    x = symbol("x")
    value: Expr = x
    for _ in range(30_000):
        value = value * x + 1
    out = variable(FLOAT)
    text = generated(program([x], [out], Assign(out, value)), engine.host())
    assert text.tier == "quick"


def test_what_does_not_change_is_in_front_of_the_loops() -> None:
    A, B, s, i, j = array("A", M, N), result("B", M, N), symbol("s"), counter(), counter()
    value = read(A, (i, j)) * wg.exp(wg.sin(s))
    text = generated(
        program([A, s], [B], loop(i, size(M), loop(j, size(N), Store(B, (i, j), value)))),
        engine.host(),
    ).text
    kernel = text[text.index("@kernel") :]
    assert kernel.index("@exp(") < kernel.index("loop")
    assert kernel.count("call double @exp(") == 1


def test_unsupported_ops_are_named() -> None:
    x, out = symbol("x"), variable(FLOAT)
    with pytest.raises(Unsupported, match="`stop_gradient`"):
        generated(
            program([x], [out], Assign(out, make(registered()["stop_gradient"], (x,)))),
            engine.host(),
        )


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("apart", [False, True])
def test_drawn_programs_do_what_they_say(
    seed: int, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if apart:  # every few operations are a function of their own
        monkeypatch.setattr(parts, "ENOUGH", 1 + seed % 7)
        monkeypatch.setattr(parts, "LONG", 0)
    nest = Drawn(
        seed, array("A", M, N), array("x", N, number=1), result("y", N, number=3)
    ).program()
    f = made(nest)
    for m, n in ((1, 1), (3, 9)):
        given = drawn(m, n), drawn(n), 0.5
        for found, expected in zip(f(*given), nest_interpreter.run(nest, *given), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


NUMBERS: dict[DType, list[float]] = {
    "float64": [
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        -2.5,
        3.3,
        1e300,
        np.inf,
        -np.inf,
        np.nan,
        7,
        -100,
        1e-5,
        0.999,
    ],
    "float32": [
        0.0,
        -0.0,
        1,
        -1,
        0.5,
        -2.5,
        3.3,
        1e30,
        np.inf,
        -np.inf,
        np.nan,
        7,
        80,
        1e-5,
        0.999,
    ],
    "int64": [0, 1, -1, 2, 3, 7, -7, 100, 2**62, -(2**63)],
    "int32": [0, 1, -1, 2, 3, 7, -7, 100, 2**31 - 1, -(2**31)],
}
"""Numbers where functions are special."""


WHOLE = ("gcd", "lcm", "ldexp", "left_shift", "right_shift")

# Calls of SciPy are tried in `test_every_op`.
OWN = [n for n, p in PRIMITIVES.items() if p.write.__module__ != "wengert.native.special"]


@pytest.mark.parametrize("name", sorted(OWN))
@pytest.mark.parametrize("dtype", NUMBERS)
def test_primitives_do_what_their_ops_say(name: str, dtype: DType) -> None:
    """In vectors and one by one, at special numbers."""
    op = registered().get(name)
    floats = dtype.startswith("float")
    whole = name.startswith(("logical", "bitwise")) or name in WHOLE
    if op is None or (whole if floats else name == "pow"):
        return
    given = array("x", N, dtype=dtype), array("y", N, dtype=dtype, number=1)
    i, j = counter(), counter()
    count = op.arity or 1
    parts = [[read(b, (at,)) for b in given[:count]] for at in (i, j)]
    values = [make(op, tuple(p)) for p in parts]
    dtype_ = values[0].value_type.dtype
    outputs = [result("v", N, dtype=dtype_), result("s", N, dtype=dtype_, number=1)]
    nest = program(
        given, outputs,
        loop(i, size(N), Store(outputs[0], (i,), values[0])),
        loop(j, size(N), Store(outputs[1], (j,), values[1]), parallel=False),
    )  # fmt: skip
    pairs = [np.ravel(v).astype(dtype) for v in np.meshgrid(NUMBERS[dtype], NUMBERS[dtype])]
    with np.errstate(all="ignore"):
        expected = np.asarray(op.evaluate(*pairs[:count])).astype(dtype_)
    for found in made(nest)(*pairs):
        np.testing.assert_allclose(found, expected, rtol=3e-6 if dtype_ == "float32" else 5e-15)
