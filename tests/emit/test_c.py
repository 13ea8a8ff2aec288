"""C source does what the programs do, compiles without warnings, and reads well."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any  # Any: programs take and return whatever ordinary code does
from zlib import crc32

import nest_interpreter
import numpy as np
import pytest
from emit import c_examples
from emit.c_running import COMPILER, Batch
from emit.programs import PROGRAMS as GRAPHS
from golden_files import Golden
from native.nests import Drawn
from programs.corpus import PROGRAMS
from programs.judging import Projection

import wengert as wg
from wengert.emit.c.operations import OPERATIONS
from wengert.emit.python import callable_of
from wengert.errors import SourceError, TypeMismatchError
from wengert.ir.dims import Dim
from wengert.ir.function import Function
from wengert.ir.node import make
from wengert.ir.op import registered
from wengert.ir.types import DType, Type
from wengert.lower.nest import Block, Buffer, For, Program, Store, Unsupported, read, variable
from wengert.ops.layout import cast
from wengert.ops.leaves import size, symbol

compiles = pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")


def differs(found: Sequence[Any], wanted: Sequence[Any], tolerance: float) -> bool:
    pairs = zip(found, wanted, strict=False)
    return any(
        np.shape(a) != np.shape(b)
        or not np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)
        for a, b in pairs
    )


# --- programs --------------------------------------------------------------------------------------------
@compiles
@pytest.mark.parametrize("transform", ["jit", "grad"])
def test_programs(transform: str, tmp_path: Path) -> None:
    batch = Batch(tmp_path)
    made: list[tuple[int, Any, Function, list[Any]]] = []
    tried = 0
    for program in [p for p in PROGRAMS.values() if p.wrt][1::6]:
        args = program.inputs()[0]
        rng = np.random.default_rng(crc32(program.name.encode()))
        chosen: Callable[..., Any] = wg.jit(program.function)
        if transform == "grad":
            chosen = wg.grad(
                Projection(program.function, args, program.wrt, rng).function, program.wrt
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                captured = chosen.captured(*program.inputs()[0])
            except wg.WengertError:
                continue
        tried += 1
        if captured.capacity is not None:
            continue
        values = captured.values(*chosen.prepared(program.inputs()[0], {}))
        try:
            number = batch.add(captured.function, names=captured.names, lines=captured.lines)
        except Unsupported:
            continue
        made.append((number, program, captured.function, values))
    batch.build()
    for number, program, function, values in made:
        wanted = callable_of(function)(*values)
        code, found = batch.run(number, values)
        assert code == 0, program.name
        assert not differs(found, wanted, max(1e-9, 1e3 * program.tolerance)), program.name
    assert len(made) > tried / 3


@compiles
def test_graphs(tmp_path: Path) -> None:
    batch = Batch(tmp_path)
    functions = [program() for program in GRAPHS]
    for function in functions:
        batch.add(function)
    batch.build()
    rng = np.random.default_rng(0)
    for number, function in enumerate(functions):
        for n in (1, 3, 12):
            sizes = {"n": max(n, 3), "b": n, "d": 3, "o": 2, "h": 5}
            values = [
                rng.uniform(0.1, 0.5, [sizes[str(e)] for e in node.shape])
                for node in function.inputs
            ]
            values = [
                v + 7 * np.eye(*v.shape) if k.attr.name == "A" else v
                for k, v in zip(function.inputs, values, strict=True)
            ]
            code, found = batch.run(number, values)
            assert code == 0
            assert not differs(found, callable_of(function)(*values), 1e-12), function.name


@compiles
def test_drawn_nests_do_what_they_say(tmp_path: Path) -> None:
    m, n = Dim.named("m"), Dim.named("n")
    batch = Batch(tmp_path)
    rng = np.random.default_rng(0)
    given = [(rng.random(s), rng.random(s[1]), 0.5) for s in ((1, 1), (3, 9))]
    wanted = []
    for seed in range(24):
        A, x = Buffer("A", "float64", (m, n), "input", 0), Buffer("x", "float64", (n,), "input", 1)
        nest = Drawn(seed, A, x, Buffer("y", "float64", (n,), "output", 3)).program()
        wanted.append([nest_interpreter.run(nest, *values) for values in given])
        batch.add_nests(nest)
    batch.build()
    for seed, results in enumerate(wanted):
        for values, expected in zip(given, results, strict=True):
            code, found = batch.run(seed, values)
            assert code == 0
            assert not differs(found, expected, 1e-12), seed


# --- ops -------------------------------------------------------------------------------------------------
NUMBERS: dict[DType, list[float]] = {
    "float64": [0.0, -0.0, 1, -1, 0.5, -2.5, 3.3, 1e300, np.inf, -np.inf, np.nan, 7, -100, 1e-5, 2],
    "float32": [0.0, -0.0, 1, -1, 0.5, -2.5, 3.25, 1e30, np.inf, -np.inf, np.nan, 7, -100, 1e-5, 2],
    "int64": [0, 1, -1, 2, -3, 7, 100, 2**62, 2**63 - 1, -(2**63)],
    "int32": [0, 1, -1, 2, -3, 7, 100, 2**30, 2**31 - 1, -(2**31)],
    "bool": [0, 1],
}  # fmt: skip


@compiles
def test_ops_do_what_they_say(tmp_path: Path) -> None:
    """At special numbers, each alone in a loop."""
    batch = Batch(tmp_path)
    wanted: list[tuple[str, DType, list[np.ndarray], np.ndarray]] = []
    n = Dim.named("n")
    for name in sorted(OPERATIONS):
        op = registered().get(name)
        if op is None:
            continue
        for dtype, numbers in NUMBERS.items():
            if dtype.startswith("float") and name.startswith(("logical", "bitwise")):
                continue
            given = [Buffer(f"x{k}", dtype, (n,), "input", k) for k in range(op.arity or 1)]
            counter = variable(Type("int64", weak=True), "i")
            try:
                value = make(op, tuple([read(b, (counter,)) for b in given]))
                kind = value.value_type.dtype
                if dtype == "bool" and kind.startswith("float"):
                    continue  # NumPy computes with half precision
                out = Buffer("y", kind, (n,), "output", 0)
                loop = For(counter, size(n), Block([Store(out, (counter,), value)]), parallel=True)
                batch.add_nests(Program(tuple(given), (out,), (), Block([loop]), {"n": (0, 0)}))
            except (Unsupported, wg.WengertError):
                continue
            grid = np.meshgrid(np.array(numbers, object), np.array(numbers, object))
            pairs = [np.array(v.ravel().tolist(), dtype) for v in grid]
            with np.errstate(all="ignore"):
                expected = np.asarray(op.evaluate(*pairs[: len(given)])).astype(kind)
            wanted.append((name, dtype, pairs[: len(given)], expected))
    batch.build()
    assert len({name for name, *_ in wanted}) > 60
    for number, (name, dtype, pairs, expected) in enumerate(wanted):
        code, (found,) = batch.run(number, pairs)
        assert code == 0
        tolerance = 1e-5 if dtype == "float32" else 2e-14
        least = 1e-40 if dtype == "float32" else 0  # below are few digits
        np.testing.assert_allclose(found, expected, tolerance, least, err_msg=f"{name} {dtype}")
        zero = (found == 0) & (expected == 0)
        if dtype.startswith("float") and len(pairs) == 1:
            assert np.array_equal(np.signbit(found[zero]), np.signbit(expected[zero])), name


@compiles
def test_arithmetic_with_numbers_of_all_types(tmp_path: Path) -> None:
    """Sums, products, powers, choices and conversions, exactly as the evaluator has them."""
    batch = Batch(tmp_path)
    x, k = symbol("x"), symbol("k", dtype="int64")
    f, b = symbol("f", dtype="float32"), symbol("b", dtype="bool")
    texts = [
        x + k, x - 2 * k, k - 3, 2 * k - 5 * k * k, x / 3 - 2, 2 * x / 3, -x + 1, -x - 1, 1 - x, f / 3 + 1,
        0.1 * f, f * k, x**2 + x**3, x**-1, x**-2, x**5, x**8, x**0.5, x**-0.5, k**3, wg.where(b, x, k),
        wg.where(x > 1, f, 2), cast(x, "int64"), cast(k, "float32"), cast(f, "int32"), cast(b, "float64"),
        x - (k - x), x / (k * x), (x - 1) * (x + 1), -(x * k), -1 * (-x), k * k * k * k,
        1e-300 * x, 1 / x, 1 / k,
        x * (1 / (x + 2)), (x < k) & (f < 2), ~(x < k) | b, wg.maximum(x, k), k // 3, k % 3, k // -1,
        x // 2, x % -2,
    ]  # fmt: skip
    inputs = (x, k, f, b)
    for e in texts:
        batch.add(Function(inputs, (e,)))
    batch.build()
    for values in (
        (0.75, 3, np.float32(1.5), True),
        (-2.0, -7, np.float32(-0.3), False),
        (1e3, 2**62, np.float32(7), True),
        (-0.0, 2, np.float32(-0.0), False),
    ):
        for number, e in enumerate(texts):
            with np.errstate(all="ignore"):
                expected = e.evaluate(x=values[0], k=values[1], f=values[2], b=values[3])
            code, (found,) = batch.run(number, values)
            assert code == 0
            tolerance = 1e-15 if "**" in str(e) else 0
            np.testing.assert_allclose(found, expected, tolerance, 0, err_msg=str(e))


# --- what people read ------------------------------------------------------------------------------------
EXAMPLES = {
    "loss": (wg.value_and_grad(c_examples.loss), (np.ones(10), np.ones((20, 10)), np.ones(20))),
    "root": (wg.jit(c_examples.root), (2.0,)),
    "pendulum": (wg.jacobian(c_examples.pendulum, argnums=(0, 1)), (1.0, 0.0, 1.0)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_people_read(name: str, golden: Golden) -> None:
    function, args = EXAMPLES[name]
    golden(f"emit/c/{name}", function.source("c", *args), suffix=".c")
    golden(f"emit/c/{name}", function.source("h", *args), suffix=".h")


_JUNK = """
import sys
import numpy as np
import wengert as wg
for k in range(int(sys.argv[1])):  # other nodes have other ages
    wg.jit(lambda x, k=k: np.sum(np.sin(x) * x + k)).source("c", np.ones(20))
sys.path.insert(0, "tests")
from emit.test_c import EXAMPLES
print([f.source("c", *args) for f, args in EXAMPLES.values()])
"""


def test_other_nodes_make_no_difference() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", _JUNK, str(k)], capture_output=True, text=True, check=True
        ).stdout
        for k in (0, 3)
    }
    assert len(found) == 1


def test_it_is_one_of_three() -> None:
    with pytest.raises(TypeMismatchError, match="'python', 'c' or 'h'"):
        wg.jit(np.sin).source("rust", 1.0)


def test_what_has_no_c_is_refused() -> None:
    with pytest.raises(SourceError, match=r"`eigh`"):
        wg.jit(lambda a: np.linalg.eigvalsh(a)).source("c", 2 * np.eye(3))
    with pytest.raises(SourceError, match="complex numbers"):
        wg.jit(lambda a: a * 1j).source("c", 1.0)


def test_errors_are_codes_with_the_line_of_the_user() -> None:
    header = EXAMPLES["root"][0].source("h", 2.0)
    assert re.search(r"\* +1  ValueError: negative, c_examples\.py:\d+ in root\(\)", header)


def test_sizes_from_which_it_is_right() -> None:
    def text(f: Callable[..., Any], *args: Any) -> str:
        return wg.jit(f).source("c", *args)

    x = np.arange(20.0)
    assert "if (n" not in text(lambda x: np.sum(x * x), x)
    assert "if (n < 1)" in text(lambda x: np.max(x), x)
    assert "if (n < 4)" in text(lambda x: x[3] * 2, x)
    assert "if (n < 1)" in text(lambda x: np.sum(np.diff(x)), x)


@compiles
def test_a_program_of_its_own(tmp_path: Path) -> None:
    """The files as they are, with a main program in C."""
    function = wg.grad(c_examples.loss)
    args = np.zeros(10), np.arange(200.0).reshape(20, 10) / 100, np.ones(20)
    for end in ("c", "h"):
        (tmp_path / f"grad_loss.{end}").write_text(function.source(end, *args))
    (tmp_path / "main.c").write_text(
        """
#include <stdio.h>
#include "grad_loss.h"
int main(void)
{
    static double w[2], X[6] = {1, 2, 3, 4, 5, 6}, y[3] = {1, -1, 1}, gradient[2];
    static double work[GRAD_LOSS_WORK(3)];
    int code = grad_loss(2, 3, w, X, y, gradient, work);
    printf("%d %.17g %.17g", code, gradient[0], gradient[1]);
    return 0;
}
"""
    )
    line = [
        str(COMPILER),
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-pedantic",
        "-Werror",
        "-o",
        "main",
        "main.c",
    ]
    subprocess.run([*line, "grad_loss.c", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run(["./main"], cwd=tmp_path, capture_output=True, text=True, check=True)
    code, *gradient = map(float, done.stdout.split())
    X, y = np.arange(1.0, 7).reshape(3, 2), np.array([1.0, -1.0, 1.0])
    assert code == 0
    np.testing.assert_allclose(gradient, -(y / 2) @ X / 3, rtol=1e-14)
