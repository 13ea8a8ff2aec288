"""The builder of LLVM's text: what it writes is accepted, runs, is the same each time, and computed once."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable

import numpy as np
import pytest
from vector_code import address

from wengert.native.text import BOOL, DOUBLE, FAST, FLOAT, I32, I64, Function, Kind, Module, kind

WIDE = kind("double", 8)
NUMBERS = np.arange(1.0, 9.0)


def run(write: Callable[[Function], None], *arrays: np.ndarray, size: int = 8) -> np.ndarray:
    """What a function with the arrays ``%x``, ``%y`` stores into ``%result``."""
    module = Module()
    f = module.function("f", [("ptr", "result"), ("ptr", "x"), ("ptr", "y")])
    write(f)
    f.ret()
    result = np.zeros(size)
    given = [np.ascontiguousarray(a) for a in (*arrays, *[NUMBERS] * (2 - len(arrays)))]
    entry = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3)(address(module.text()))
    entry(result.ctypes.data, *[a.ctypes.data for a in given])
    return result


def test_kinds_are_one_object_each() -> None:
    assert kind("double", 8) is WIDE
    assert WIDE.integer is kind("i64", 8)
    assert WIDE.mask.scalar is BOOL
    assert FLOAT.integer is I32
    assert kind("float", 4).of("double") is kind("double", 4)


@pytest.mark.parametrize(
    "value",
    [0.0, -0.0, 1.5, -math.pi, 5e-324, math.inf, -math.inf, math.nan, 1.7976931348623157e308],
)
def test_constants_keep_every_bit(value: float) -> None:
    assert DOUBLE.constant(value) == f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"

    def write(f: Function) -> None:
        f.store(WIDE, WIDE.constant(value), "%result")

    assert run(write).tobytes() == np.full(8, value).tobytes()


def test_zeros_do_not_take_each_others_constant() -> None:
    fresh = Kind("double", 1, "double", "f64", True)
    assert [fresh.constant(z) for z in (0, -0.0, 0.0)] == [
        "0x0000000000000000", "0x8000000000000000", "0x0000000000000000",
    ]  # fmt: skip


def test_constants_of_float32_are_rounded_to_it() -> None:
    assert float.fromhex("0x1.99999ap-4") == np.float32(0.1)
    assert FLOAT.constant(0.1) == DOUBLE.constant(float(np.float32(0.1)))
    assert kind("i1", 2).listed([True, False]) == "<i1 true, i1 false>"


def test_the_same_is_computed_once_where_it_is_known() -> None:
    f = Module().function("f", [("double", "x")], "double")
    a = f.add(DOUBLE, "%x", "%x")
    with f.scope():
        assert f.add(DOUBLE, "%x", "%x") == a
        inner = f.mul(DOUBLE, a, a)
    assert f.mul(DOUBLE, a, a) != inner
    assert f.add(DOUBLE, "%x", "%x", FAST) != a
    assert f.load(DOUBLE, "%p") != f.load(DOUBLE, "%p")


def test_what_is_known_once_is_forgotten_with_its_scope() -> None:
    f = Module().function("f", [])
    with f.scope():
        assert f.once("key", lambda: 1) == 1
        assert f.once("key", lambda: 2) == 1
    assert f.once("key", lambda: 3) == 3


def test_a_module_has_each_thing_once_and_the_same_text_each_time() -> None:
    def build() -> str:
        module = Module(attributes='"prefer-vector-width"="512"')
        for name in ("f", "g"):
            f = module.function(name, [("double", "x")], "double")
            module.declare("sin", "double", "double", "memory(none)")
            root = f.intrinsic("sqrt", DOUBLE, "%x")
            f.ret(f.call("double", "sin", [("double", root)], pure=True))
        module.constant("table", "[2 x i64]", "[i64 1, i64 2]")
        assert module.metadata('!{!"a"}') == module.metadata('!{!"a"}') == "!0"
        return module.text()

    text = build()
    assert text == build()
    assert text.count("declare double @llvm.sqrt.f64") == text.count("declare double @sin(") == 1
    assert text.count('"prefer-vector-width"="512" {') == 2


def test_a_second_function_of_a_name_is_refused() -> None:
    module = Module()
    module.function("f", [])
    with pytest.raises(ValueError, match="has f already"):
        module.function("f", [])


def test_helpers_are_built_at_their_first_use() -> None:
    module = Module()

    def build(module: Module, name: str) -> None:
        helper = module.function(name, [("double", "x")], "double", linkage="internal")
        helper.ret(helper.add(DOUBLE, "%x", DOUBLE.constant(1.0)))

    assert module.helper("increased", build) == module.helper("increased", build)
    assert module.text().count("define internal double @increased") == 1


def test_fused_multiplication_is_written_only_for_targets_that_have_it() -> None:
    f = Module(has_fma=False).function("f", [("double", "x")], "double")
    f.ret(f.fma(DOUBLE, "%x", "%x", "%x"))
    assert "llvm.fma" not in f.module.text()


def test_loops_and_conditions() -> None:
    def write(f: Function) -> None:  # sum of the odd numbers below 10, and how many there are
        total, count = f.slot(DOUBLE), f.slot(I64)
        f.store(DOUBLE, DOUBLE.constant(0.0), total)
        f.store(I64, "0", count)
        with f.loop("0", "10") as i:
            odd = f.compare(I64, "eq", f.binary("and", I64, i, "1"), "1")
            with f.when(odd):
                number = f.convert("sitofp", I64, i, DOUBLE)
                f.store(DOUBLE, f.add(DOUBLE, f.load(DOUBLE, total), number), total)
                f.store(I64, f.add(I64, f.load(I64, count), "1"), count)
        f.store(DOUBLE, f.load(DOUBLE, total), "%result")
        many = f.convert("sitofp", I64, f.load(I64, count), DOUBLE)
        f.store(DOUBLE, many, f.element(DOUBLE, "%result", "1"))

    assert run(write)[:2].tolist() == [25.0, 5.0]


def test_a_loop_within_a_loop_joins_the_right_blocks() -> None:
    def write(f: Function) -> None:
        f.store(DOUBLE, DOUBLE.constant(0.0), "%result")
        with f.loop("0", "3"), f.loop("1", "9", "2") as j:
            number = f.convert("sitofp", I64, j, DOUBLE)
            f.store(DOUBLE, f.add(DOUBLE, f.load(DOUBLE, "%result"), number), "%result")

    assert run(write)[0] == 3 * (1 + 3 + 5 + 7)


def test_lanes() -> None:
    def write(f: Function) -> None:
        x = f.load(WIDE, "%x")
        backwards = f.shuffle(WIDE, x, "poison", range(7, -1, -1))
        one = f.splat(WIDE, f.extract(WIDE, x, "2"))
        total = f.add(WIDE, f.mul(WIDE, backwards, WIDE.constant(10)), one)
        f.store(WIDE, f.insert(WIDE, total, DOUBLE.constant(-1.0), "0"), "%result")

    assert run(write).tolist() == [-1.0, 73.0, 63.0, 53.0, 43.0, 33.0, 23.0, 13.0]


def test_reductions() -> None:
    def write(f: Function) -> None:
        x = f.load(WIDE, "%x")
        over = f.compare(WIDE, "ogt", x, WIDE.constant(7.5))
        found = [
            f.reduce("fadd", WIDE, x, FAST, DOUBLE.constant(0.5)),
            f.reduce("fmaximum", WIDE, x),
            f.convert("uitofp", BOOL, f.any(WIDE.mask, over), DOUBLE),
        ]
        for i, value in enumerate(found):
            f.store(DOUBLE, value, f.element(DOUBLE, "%result", str(i)))

    assert run(write)[:3].tolist() == [36.5, 8.0, 1.0]


@pytest.mark.parametrize("element", ["double", "float"])
def test_masked_memory(element: str) -> None:
    of = kind(element, 8)

    def write(f: Function) -> None:
        mask = kind("i1", 8).listed([True, True, True, False, False, True, False, False])
        other = f.masked_load(of, "%x", mask, of.constant(9))
        f.masked_store(of, f.add(of, other, other), "%result", mask)
        f.store(of, other, f.element(of, "%result", "1"))

    numbers = NUMBERS.astype({"double": np.float64, "float": np.float32}[element])
    result = run(write, numbers, size=16).view(numbers.dtype)
    assert result[:8].tolist() == [2, 4, 6, 0, 0, 12, 0, 0]
    assert result[8:16].tolist() == [1, 2, 3, 9, 9, 6, 9, 9]


def test_phis_take_further_blocks() -> None:
    def write(f: Function) -> None:  # 2**10 by doubling
        head, done, before = f.block("head"), f.block("done"), f.current
        f.branch(head)
        f.start(head)
        i, value = f.phi(I64, ("0", before)), f.phi(DOUBLE, (DOUBLE.constant(1.0), before))
        following, doubled = f.add(I64, i, "1"), f.add(DOUBLE, value, value)
        f.extend_phi(i, following, f.current)
        f.extend_phi(value, doubled, f.current)
        f.branch_if(f.compare(I64, "eq", following, "10"), done, head)
        f.start(done)
        f.store(DOUBLE, doubled, "%result")

    assert run(write)[0] == 1024.0


def test_text_of_an_instruction_takes_microseconds() -> None:
    from time import process_time

    f = Module().function("f", [("double", "x")])
    start, value = process_time(), "%x"
    for _ in range(20_000):
        value = f.fma(WIDE, value, value, "%x")
    assert process_time() - start < 0.4  # some 3 us each; ten times that fails
