"""Ops over axes as loops, against the evaluator: special numbers, ties, no elements, all types of numbers.

Three judges run the same nests: their interpreter, machine code, and C where there is a compiler.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn  # Any: numbers and arrays

import nest_interpreter
import numpy as np
import pytest
from emit.c_running import COMPILER, Batch

from wengert.ir.dims import Dim
from wengert.ir.function import Function
from wengert.ir.node import Expr, make
from wengert.ir.walk import order
from wengert.lower.lowering import lowered
from wengert.lower.nest import Program
from wengert.native.compiled import compiled
from wengert.ops.choice import eq, lt
from wengert.ops.convolution import CONVOLVE
from wengert.ops.layout import transpose
from wengert.ops.leaves import symbol
from wengert.ops.masks import mask_load, mask_store
from wengert.ops.missing import nanargmax, nanargmin
from wengert.ops.norms import norm, normalized
from wengert.ops.numbers import ROUND_DECIMALS, exact_sum
from wengert.ops.reductions import (
    all_,
    any_,
    argmax,
    argmin,
    logsumexp,
    max_,
    min_,
    softmax,
    sum_,
)
from wengert.ops.scans import cumprod, cumprod_before, cumsum, prod, recurrence
from wengert.ops.sorting import argsort, cummax, cummin, digitize, isin, lexsort, searchsorted, sort
from wengert.ops.systems import solve_triangular
from wengert.run.reference import evaluate_nodes

INF, NAN = np.inf, np.nan
FLOATS = ("float64", "float32")
NUMBERS = (*FLOATS, "int64", "int32")
ALL = (*NUMBERS, "bool")

VECTORS = (
    np.array([1.0, -2.0, 3.0, 3.0, -2.0, 0.0, 0.5]),
    np.array([-0.0, 0.0, -0.0]),
    np.array([1.0, INF, 2.0, INF]),
    np.array([-INF, -INF]),
    np.array([INF, NAN, 3.0, -INF, NAN]),
    np.array([3e-320, 1e-310, 0.0]),
    np.array([2e200, -1e190, 3.0]),
    np.array([5.0]),
    np.array([]),
    np.arange(70.0)[::-1] % 7 - 3,
)
MATRICES = (
    np.array([[1.0, 5.0, 5.0], [NAN, 0.0, -1.0], [-INF, -INF, -INF], [0.0, -0.0, 0.0]]),
    np.zeros((0, 3)),
    np.zeros((2, 0)),
    np.arange(80.0).reshape(4, 20) % 11 - 5,
)

TYPICAL = (VECTORS[0], VECTORS[8], MATRICES[0], MATRICES[3])

# Functions of an array and an axis, and the types of elements that they take.
OVER_AXES: dict[str, tuple[Callable[..., Expr], tuple[str, ...]]] = {
    "max": (max_, ALL),
    "min": (min_, ALL),
    "argmax": (argmax, ALL),
    "argmin": (argmin, ALL),
    "nanargmax": (nanargmax, ALL),
    "nanargmin": (nanargmin, ALL),
    "all": (all_, ("bool",)),
    "any": (any_, ("bool",)),
    "prod": (prod, ALL),
    "cumsum": (cumsum, NUMBERS),
    "cumsum from the end": (lambda x, axis: cumsum(x, axis, reverse=True), NUMBERS),
    "cumprod": (cumprod, NUMBERS),
    "cumprod_before": (lambda x, axis: cumprod_before(x, axis or 0), NUMBERS),
    "recurrence": (lambda x, axis: recurrence(x, x, axis or 0), NUMBERS),
    "cummax": (lambda x, axis: cummax(x, axis or 0), ALL),
    "cummin": (lambda x, axis: cummin(x, axis or 0), ALL),
    "norm": (lambda x, axis: norm(x, axis=axis), NUMBERS),
    "normalized": (normalized, NUMBERS),
    "logsumexp": (logsumexp, NUMBERS),
    "softmax": (softmax, NUMBERS),
}


class Stopped(Exception):  # noqa: N818
    """A check of a program did not hold."""


def _machine(nest: Program, values: list[Any]) -> Any:
    def slow(*args: object) -> NoReturn:
        raise AssertionError(f"does not fit: {args}")

    def failed(code: int, words: bytes, *args: object) -> NoReturn:
        raise Stopped(code)

    return compiled(nest, name="f", slow=slow, failed=failed)(*values)


def _interpreted(nest: Program, values: list[Any]) -> Any:
    try:
        return nest_interpreter.run(nest, *values)
    except nest_interpreter.Stopped as stop:
        raise Stopped from stop


class Case(NamedTuple):
    """A function of one result, and what it shall be."""

    label: str
    function: Function
    given: list[Any]
    want: Any
    rtol: float


_TOGETHER = 8  # cases that are compiled as one program of machine code


class Judge:
    """Collects what differs from the evaluator. Machine code and C are judged at the end, in few pieces."""

    def __init__(self, folder: Path) -> None:
        self.batch = Batch(folder, "-O0", "-ffp-contract=off")
        self.groups: list[list[Case]] = []
        self.later: list[tuple[int, Case]] = []
        self.wrong: list[str] = []
        self.calls = (True, False)  # with routines and without; C has none

    def judge(self, label: str, node: Expr, values: dict[str, Any], rtol: float = 1e-12) -> None:
        inputs = [n for n in order([node]) if n.op.free and not n.op.bound]
        function = Function(tuple(inputs), (node,))
        arrays = [np.asarray(values[n.attr.name]) for n in inputs]
        given = [np.ascontiguousarray(a) if a.ndim else a.item() for a in arrays]
        empty = not all(np.size(v) for v in given)
        named = empty and any(isinstance(e, Dim) for n in inputs for e in n.shape)
        want: Any
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            try:
                (want,) = evaluate_nodes([node], values)
            except Exception as error:  # whatever NumPy says
                want = error
        case = Case(label, function, given, want, rtol)
        self.run(_interpreted, [case], named)
        if isinstance(want, Exception) or any(isinstance(e, Dim) for n in inputs for e in n.shape):
            self.run(_machine, [case], named)
        else:
            self.add(case)
        if COMPILER is not None and not named and False in self.calls:
            self.later.append((self.batch.add(function), case))

    def add(self, case: Case) -> None:
        """Into a program that has none of its inputs yet."""
        for group in self.groups:
            mine = {n for other in group for n in other.function.inputs}
            if len(group) < _TOGETHER and mine.isdisjoint(case.function.inputs):
                group.append(case)
                return
        self.groups.append([case])

    def run(self, how: Callable[..., Any], cases: list[Case], named: bool = False) -> None:
        """Several cases as one program; with ``named`` it may stop, and NumPy goes on from there."""
        inputs = tuple([n for case in cases for n in case.function.inputs])
        outputs = tuple([case.function.outputs[0] for case in cases])
        given = [value for case in cases for value in case.given]
        for calls in self.calls:
            found: Any
            try:
                found = how(lowered(Function(inputs, outputs), calls=calls), given)
            except Stopped as stop:
                if named:
                    continue
                found = [stop] * len(cases)
            kind = "" if calls else " without routines"
            for case, got in zip(cases, found, strict=True):
                label = f"{case.label}, {how.__name__}{kind}"
                self.compare(label, got, case.want, case.rtol)

    def compare(self, label: str, got: Any, want: Any, rtol: float) -> None:
        if isinstance(want, Exception) or isinstance(got, Exception):
            if not (isinstance(want, Exception) and isinstance(got, Exception)):
                self.wrong.append(f"{label}: {got!r} is not {want!r}")
            return
        want = np.asarray(want)
        if want.dtype == np.float32:
            rtol = 2e-5
        same = np.shape(got) == want.shape and np.allclose(
            got, want, rtol=rtol, atol=0.0, equal_nan=True
        )
        if not same:
            self.wrong.append(f"{label}: {got!r} is not {want!r}")

    def finish(self) -> None:
        for group in self.groups:
            self.run(_machine, group)
        if self.later:
            self.batch.build()
        for number, case in self.later:
            code, outputs = self.batch.run(number, case.given)
            got = Stopped(code) if code else outputs[0]
            self.compare(f"{case.label}, C", got, case.want, max(case.rtol, 1e-12))
        assert not self.wrong, f"{len(self.wrong)} wrong\n" + "\n".join(self.wrong)


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Judge]:
    found = Judge(tmp_path)
    yield found
    found.finish()


def _as(values: np.ndarray, dtype: str) -> np.ndarray | None:
    """The numbers as those of a type; not those that no integer is."""
    if dtype == "bool":
        return values > 0
    if dtype.startswith("int") and not np.all(np.abs(values) < 2**31):
        return None
    with np.errstate(all="ignore"):
        return values.astype(dtype)


@pytest.mark.parametrize("name", OVER_AXES)
def test_over_axes(name: str, judge: Judge) -> None:
    function, dtypes = OVER_AXES[name]
    judge.calls = (True, False) if name.startswith("arg") else (False,)
    tried: list[tuple[np.ndarray, Any]] = [(v, 0) for v in VECTORS]
    tried += [(m, axis) for m in MATRICES for axis in (0, -1, None)]
    for values, axis in tried:
        for dtype in dtypes if any(values is v for v in TYPICAL) else dtypes[:1]:
            x = _as(values, dtype)
            if x is None:
                continue
            given = symbol("x", x.shape, dtype=dtype)  # type: ignore[arg-type]
            label = f"{name} of {dtype} {x.tolist()} over {axis}"
            judge.judge(label, function(given, axis), {"x": x})


TIES = np.tile([3.0, -1.0, NAN, 0.0, 3.0, -0.0, INF, -INF, 2.5, NAN, -1e300, 1e-310], 10)
RANDOM = np.random.default_rng(3).normal(size=5000)

SORTED: dict[str, Callable[..., Expr]] = {
    "sort": lambda x: sort(x, -1),
    "argsort": lambda x: argsort(x, -1),
    "argsort by a routine": lambda x: argsort(x, -1, stable=False),
    "argsort of ties": lambda x: argsort(eq(x, 3.0) * 1.0 - lt(x, 0.0) * 1.0, -1),
    "lexsort": lambda x: lexsort([x, eq(x, 3.0)], -1),
}


@pytest.mark.parametrize("name", SORTED)
def test_orders(name: str, judge: Judge) -> None:
    """Few elements and many, with places that many have, of all types; columns too."""
    function = SORTED[name]
    if name != "sort":
        judge.calls = (name == "argsort by a routine",)  # the order of ties is that of the routine
    several = np.stack([TIES[:9], RANDOM[:9], -RANDOM[:9]])
    for values in (*VECTORS, TIES[:90], TIES, RANDOM[:150], several):
        for dtype in ALL if values is VECTORS[0] else ("float64",):
            x = _as(values, dtype) if np.all(np.isfinite(values)) or dtype in FLOATS else None
            if x is not None:
                given = symbol("x", x.shape, dtype=dtype)  # type: ignore[arg-type]
                judge.judge(f"{name} of {dtype} {x[:9]}", function(given), {"x": x})
    for shape, values in (("n",), TIES[:50]), (("n",), TIES), (("m", "n"), several):
        given = symbol("x", tuple(Dim.named(e) for e in shape))
        judge.judge(f"{name} of {values[:9]} with a named size", function(given), {"x": values})
    judge.judge(f"{name} of columns", function(transpose(symbol("x", (9, 3)))), {"x": several.T})


@pytest.mark.parametrize("name", OVER_AXES)
def test_over_axes_whose_size_has_a_name(name: str, judge: Judge) -> None:
    function, dtypes = OVER_AXES[name]
    judge.calls = (False,)
    for values in MATRICES[:2]:
        x = _as(values, dtypes[0])
        assert x is not None
        given = symbol("x", (Dim.named("m"), Dim.named("n")), dtype=dtypes[0])  # type: ignore[arg-type]
        for axis in (0, 1):
            label = f"{name} of {x.tolist()} over {axis}"
            judge.judge(label, function(given, axis), {"x": x})


EDGES: tuple[tuple[list[float], tuple[str, ...]], ...] = (
    ([-2.0, -1.0, 0.0, 0.0, 3.0, 7.0], NUMBERS), ([7.0, 3.0, 3.0, -1.0], NUMBERS), ([2.0], NUMBERS),
    ([], FLOATS), ([1.0, 1.0], FLOATS), ([-INF, -0.0, 2.5, INF], FLOATS), ([1.0, 3.0, 2.0], FLOATS),
    ([0.0, 1.0, NAN], FLOATS), (list(np.arange(50.0)), NUMBERS),
)  # fmt: skip
SOUGHT = np.array([[-3.0, -2.0, 0.0, -0.0, 1.0], [3.0, 7.0, 8.0, 2.0, 40.0]])

SEARCHES: dict[str, Callable[..., Expr]] = {
    "searchsorted": searchsorted,
    "searchsorted on the right": lambda a, v: searchsorted(a, v, "right"),
    "digitize": digitize,
    "digitize on the right": lambda a, v: digitize(a, v, right=True),
    "isin": lambda a, v: isin(v, a),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_searches(name: str, judge: Judge) -> None:
    judge.calls = (False,)
    function = SEARCHES[name]
    for edges, dtypes in EDGES:
        if name.startswith("searchsorted") and edges != sorted(edges):
            continue
        if name.startswith("digitize") and NAN in edges:
            continue  # left to NumPy
        for dtype in dtypes:
            for other in {dtype, "int32" if dtype == "float64" else "float64"}:
                if len(edges) not in (2, 6) and dtype != "float64":
                    continue
                a, v = np.array(edges, dtype), SOUGHT.astype(other)
                if other == dtype and dtype in FLOATS:
                    v[0, 0], v[1, 1] = NAN, INF
                nodes = symbol("a", a.shape, dtype=dtype), symbol("v", v.shape, dtype=other)  # type: ignore[arg-type]
                label = f"{name} of {other} in {dtype} {edges}"
                judge.judge(label, function(*nodes), {"a": a, "v": v})
        a, v = np.array(edges), SOUGHT[0]
        nodes = symbol("a", (Dim.named("n"),)), symbol("v", (Dim.named("m"),))
        judge.judge(f"{name}, sizes with names, {edges}", function(*nodes), {"a": a, "v": v})


def test_convolution(judge: Judge) -> None:
    for a, v in [
        ([1.0, -2.0, 0.5], [3.0, 0.25]),
        ([2.0], [1.0, 2.0, 3.0]),
        ([INF, 1.0], [0.0, 2.0]),
    ]:
        for dtype in FLOATS:
            x, y = np.array(a, dtype), np.array(v, dtype)
            nodes = symbol("x", x.shape, dtype=dtype), symbol("y", y.shape, dtype=dtype)
            judge.judge(f"{a} and {v}", make(CONVOLVE, nodes), {"x": x, "y": y})


@pytest.mark.parametrize("lower", [True, False])
def test_triangular_systems(lower: bool, judge: Judge) -> None:
    """Few rows in loops, more by LAPACK; a matrix without an inverse is left to SciPy."""
    rng = np.random.default_rng(9)
    for shape, columns in (
        ((1,), ()),
        ((3,), ()),
        ((7,), (2,)),
        ((2, 3), (1,)),
        ((12,), ()),
    ):
        A = rng.normal(size=(*shape, shape[-1])) + 3 * np.eye(shape[-1])
        b = rng.normal(size=(*shape, *columns))
        for trans, unit in ((False, False), (True, False), (True, True)):
            nodes = symbol("A", A.shape), symbol("b", b.shape)
            node = solve_triangular(*nodes, lower=lower, trans=trans, unit_diagonal=unit)
            judge.judge(f"{shape}, {columns}, {trans}, {unit}", node, {"A": A, "b": b}, rtol=1e-11)
    n = Dim.named("n")
    node = solve_triangular(symbol("A", (n, n)), symbol("b", (n,)), lower=lower)
    A = np.tril(rng.normal(size=(9, 9))) + 3 * np.eye(9)
    judge.judge("n rows", node, {"A": A, "b": A[0]}, rtol=1e-11)


SUMS = (
    [1e16, 1.0, -1e16], [0.1] * 10, [], [1e-300, 1e300, -1e300, 1e-320], [INF, 1.0], [INF, -INF], [NAN, 1.0],
    [1e308, 1e308, -1e308], [1.0, 2.0**-53, 2.0**-106], [1.0, 2.0**-53, -(2.0**-106)], [1.5, 2.0**-53],
    [-0.0], list(np.random.default_rng(5).normal(size=40) * 10.0 ** np.arange(-20, 20)),
)  # fmt: skip


def test_exact_sums(judge: Judge) -> None:
    judge.calls = (False,)
    for numbers in SUMS:
        for dtype in FLOATS if np.all(np.abs(numbers) < 1e30) else ("float64",):
            x = np.array(numbers, dtype)
            node = exact_sum(symbol("x", x.shape, dtype=dtype))  # type: ignore[arg-type]
            judge.judge(f"the sum of {dtype} {numbers}", node, {"x": x}, rtol=0.0)
    x = np.array(SUMS[-1])
    judge.judge("a sum of n", exact_sum(symbol("x", (Dim.named("n"),))), {"x": x}, rtol=0.0)


ROUNDED = (
    2.675, 0.5, 1.5, -2.5, 0.125, -0.375, 1e-9, -0.004, 1234567.891, 15.0, 25.0, -1250.0, 1e15 + 0.3,
    1e22, 5e-324,
    1.005, 0.285, -1.115, 4503599627370497.5, 9007199254740993.0, 1.7e308, INF, -INF, NAN, 0.0, -0.0,
    0.045, 5.015,
)  # fmt: skip


@pytest.mark.parametrize("digits", [0, 1, 2, 3, 9, 15, -1, -2, -3])
def test_decimals(digits: int, judge: Judge) -> None:
    judge.calls = (False,)
    x = symbol("x")
    function = Function((x,), (make(ROUND_DECIMALS, (x,), digits),))
    nest = lowered(function, calls=False)

    def failed(code: int, words: bytes, *args: object) -> list[float]:
        assert digits < 0
        return [round(float(args[0]), digits)]  # type: ignore[arg-type]

    run = compiled(nest, name="f", slow=failed, failed=failed)  # type: ignore[arg-type]
    draws = np.random.default_rng(digits + 50)
    numbers = draws.normal(size=300) * 10.0 ** draws.integers(-6, 9, 300)
    halves = draws.integers(-(10**6), 10**6, 100) / 2.0 ** draws.integers(1, 5, 100)
    for number in [*ROUNDED, *numbers.tolist(), *halves.tolist()]:
        got, want = run(number)[0], round(number, digits)
        assert got == want or (got != got and want != want), number
        assert np.signbit(got) == np.signbit(want) or number != number, number
    for number in ROUNDED[:13:2]:
        value = np.float64(number)
        judge.judge(f"{number} to {digits}", function.outputs[0], {"x": value}, rtol=0.0)


def test_elements_chosen_by_a_mask(judge: Judge) -> None:
    """How many there are, only running tells: there is no C for that."""
    judge.calls = (True,)
    n = Dim.named("n")
    for values in (VECTORS[0], VECTORS[4], VECTORS[7], VECTORS[9], -VECTORS[7]):
        for extent in (n, len(values)):
            x = symbol("x", (extent,))
            chosen = mask_load(x, lt(x, 2.5))
            judge.judge(f"chosen of {values}", sum_(chosen * chosen), {"x": values})
            changed = mask_store(x, lt(x, 2.5), chosen + 1.0)
            judge.judge(f"changed of {values}", changed, {"x": values})
