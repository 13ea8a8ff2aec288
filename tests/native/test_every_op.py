"""Every op as machine code, against the evaluator: samples, first derivatives, special numbers, no elements.

Which samples have no native form yet, or call Python for some op, is a list in ``tests/golden/native``: it
must be what is found.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import cache
from itertools import product
from typing import Any, NoReturn  # Any: numbers and arrays

import numpy as np
import pytest
from golden_files import Golden
from harness.cases import Case, all_ops, cases_of, differentiable, is_leaf, probes
from nest_interpreter import run as interpreted

from wengert.diff.reverse import vjp
from wengert.errors import EvaluationError, WengertError
from wengert.ir.function import Function
from wengert.ir.node import Expr, make
from wengert.ir.op import Op
from wengert.ir.types import is_complex, is_inexact
from wengert.ir.walk import order
from wengert.lower.changes import blocks
from wengert.lower.lowering import lowered
from wengert.lower.nest import Block, Call, Unsupported
from wengert.native.compiled import Loaded, loaded, machine_code
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate_nodes


def _ops() -> Iterator[Op]:
    for op in all_ops().values():
        if not is_leaf(op):
            yield op


@cache
def _cases() -> tuple[Case, ...]:
    return tuple(case for op in _ops() for case in cases_of(op))


def _run(code: Loaded, values: Sequence[Any]) -> Any:
    def slow(*args: object) -> NoReturn:
        raise AssertionError(f"does not fit: {args}")

    def failed(number: int, words: bytes, *args: object) -> NoReturn:
        raise code.error(number, words) or Stopped(number)

    return code.entry("f", slow, failed)(*values)


class Stopped(Exception):  # noqa: N818
    """A check of the program did not hold."""


def _function(outputs: Sequence[Expr]) -> Function:
    found = [n for n in order(outputs) if n.op.free and not n.op.bound]
    return Function(tuple(found), tuple(outputs))


def _given(function: Function, values: dict[str, Any]) -> list[Any]:
    """The values as the entry point takes them."""
    found = []
    for each in function.inputs:
        value = np.asarray(values[each.attr.name], each.value_type.dtype)
        found.append(np.ascontiguousarray(value) if value.ndim else value.item())
    return found


def _differs(got: Any, want: Any, tolerance: float) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return True
    if got.dtype.kind not in "fc":
        return not np.array_equal(got, want)
    if got.dtype.kind == "c" or want.dtype.kind == "c":
        pairs = [(got.real, want.real), (got.imag, want.imag)]
        scale = np.max(np.abs(want[np.isfinite(want)]), initial=0.0)
        return not all(
            np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True)
            for a, b in pairs
        )
    if np.any((got == 0) & (want == 0) & (np.signbit(got) != np.signbit(want))):
        return tolerance == 0
    size = np.max(np.abs(want[np.isfinite(want)]), initial=0.0)
    return not np.allclose(got, want, rtol=tolerance, atol=tolerance * size, equal_nan=True)


def _single(nodes: Sequence[Expr]) -> bool:
    return any(n.value_type.dtype == "float32" for n in order(nodes) if not _several(n))


def _several(node: Expr) -> bool:
    return hasattr(node.type, "items")


def _gradient(case: Case) -> tuple[list[Expr], dict[str, Any]] | None:
    smooth = [o for o in case.outputs if is_inexact(o.value_type)]
    if not differentiable(case.op) or not case.varying or not smooth:
        return None
    if any(is_complex(n.value_type) for n in (*smooth, *case.varying)):
        return None
    rng, values = np.random.default_rng(7), dict(case.values)
    seeds = []
    for number, out in enumerate(smooth):
        seed = symbol(f"ct{number}", out.shape, dtype=out.value_type.dtype)
        values[seed.attr.name] = rng.uniform(-1, 1, out.shape).astype(out.value_type.dtype)
        seeds.append(seed)
    try:
        found = vjp(smooth, seeds, list(case.varying))
    except WengertError:
        return None
    return [g for g in found if g is not None], values


def _judge(nodes: Sequence[Expr], values: dict[str, Any], tolerance: float) -> tuple[str, set[str]]:
    """Nothing, or what differs, and the ops that Python computes; ``Unsupported`` passes through."""
    function = _function(nodes)
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        want = evaluate_nodes(nodes, {n.attr.name: values[n.attr.name] for n in function.inputs})
    code = machine_code(function)
    called = set() if code.hosts is None else set(code.hosts.names.split(", "))
    got = _run(code, _given(function, values))
    for mine, other in zip(got, want, strict=True):
        if _differs(mine, other, 1e-4 if _single(nodes) else tolerance):
            return f"{mine} is not {other}", called
    return "", called


def test_samples_and_their_derivatives(golden: Golden) -> None:
    missing: dict[str, set[str]] = {}
    wrong: list[str] = []
    for case in _cases():
        tries = {"value": (list(case.outputs), case.values), "gradient": _gradient(case)}
        for what, tried in tries.items():
            if tried is None or not tried[0]:
                continue
            try:
                found, called = _judge(*tried, 1e-12)
            except Unsupported as refusal:
                missing.setdefault(case.op.name, set()).add(str(refusal))
            else:
                if called:
                    missing.setdefault(case.op.name, set()).update(called)
                if found and case.op.name != "clock":  # time passes
                    wrong.append(f"{case.label}, {what}: {found}")
    assert not wrong, "\n".join(wrong)
    lines = [f"{name}: {', '.join(sorted(why))}" for name, why in sorted(missing.items())]
    golden("native/not_compiled", "\n".join(lines))


# --- strict order ----------------------------------------------------------------------------------------
# What is rounded as NumPy rounds it, or not at all.
_ARITHMETIC = {
    "abs", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "cast", "ceil", "constant",
    "copysign", "div", "ein", "eq", "floor", "floordiv", "fmax", "fmin", "fmod", "heaviside",
    "isfinite", "isinf", "isnan", "le", "left_shift", "lin", "logical_and", "logical_not", "logical_or",
    "lt", "maximum", "minimum", "mod", "named", "ne", "read", "right_shift", "round", "sign", "signbit",
    "size", "sqrt", "symbol", "to_integer", "trunc", "where",
}  # fmt: skip


def _written(block: Block) -> Iterator[Expr | Call]:
    """The expressions of the statements of a block and of the blocks in them, and calls of routines."""
    for statement in block:
        if isinstance(statement, Call):
            yield statement
        for each in fields(statement):
            value = getattr(statement, each.name)
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Expr):
                    yield part
        for body in blocks(statement):
            yield from _written(body)


def test_strict_order() -> None:
    """Without ``fast``, arithmetic is bit for bit what the loops say, one operation after the other."""
    wrong, tried = [], 0
    for case in _cases():
        for nodes, values in ((list(case.outputs), case.values), _gradient(case) or ([], {})):
            function = _function(nodes)
            try:
                nest = lowered(function, strict=True)
            except Unsupported:
                continue
            written = list(_written(nest.body))
            if any(isinstance(w, Call) for w in written):  # LAPACK has an order of its own
                continue
            names = {node.op.name for node in order([w for w in written if isinstance(w, Expr)])}
            if not names & {"lin", "ein", "div"} or not names <= _ARITHMETIC:
                continue
            given = _given(function, values)
            with np.errstate(all="ignore"):
                want = interpreted(nest, *given, ordered=True)
            got = _run(loaded(nest, fast=False), given)
            tried += 1
            if any(_differs(a, b, 0) for a, b in zip(got, want, strict=True)):
                wrong.append(case.label)
    assert tried > 100
    assert not wrong, "\n".join(wrong)


# --- special numbers -----------------------------------------------------------------------------------
_EDGES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 0.1, 7.3, -7.3, 1e-30, 1e30, -1e30, 1e300,
     5e-324, -5e-324, 1e-310, np.inf, -np.inf, np.nan]
)  # fmt: skip

# SciPy takes minutes for these far out, or for ever.
_SLOW = frozenset({"exp_moment", "hyp1f1", "hyp2f1", "hyperu"})

# Which of two zeros is the larger one, and the sign of what is too small to be a number, differ between
# processors in NumPy, too.
_ANY_ZERO = frozenset({"cosm1", "fmax", "fmin", "maximum", "minimum"})


def _on_edges(op: Op, dtype: str) -> tuple[Expr, dict[str, Any]] | None:
    """An elementwise op on all combinations of special numbers, as one vector."""
    edges = _EDGES if (op.arity or 0) < 3 else _EDGES[::2]
    if dtype == "int64":
        edges = edges[np.abs(edges) < 1e9]
    grid = probes(op, edges[~(np.abs(edges) > 100)] if op.name in _SLOW else edges)
    if grid is None:
        return None
    combined = np.array(list(product(*grid))).T
    args, values = [], {}
    for slot, row in enumerate(combined):
        args.append(symbol(f"a{slot}", (row.size,), dtype=dtype))  # type: ignore[arg-type]
        with np.errstate(all="ignore"):
            values[f"a{slot}"] = row.astype(dtype)
    try:
        return make(op, tuple(args)), values
    except WengertError:
        return None  # not for these types


def _unlike(got: np.ndarray, want: np.ndarray, tolerance: float, zeros: bool) -> np.ndarray:
    if want.dtype.kind not in "fc":
        return got != want
    if want.dtype.kind == "c":
        parts = ((got.real, want.real), (got.imag, want.imag))
        size = tolerance * np.abs(want)
        return np.any(
            [_unlike(a, b, tolerance, zeros) & ~(np.abs(a - b) <= size) for a, b in parts], 0
        )
    same = (got == want) | (np.isnan(got) & np.isnan(want))
    if zeros:
        same &= ~((got == 0) & (want == 0) & (np.signbit(got) != np.signbit(want)))
    return ~(same | ((want != 0) & (np.abs(got - want) <= tolerance * np.abs(want))))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_special_numbers(dtype: str) -> None:
    wrong: list[str] = []
    for op in _ops():
        tried = _on_edges(op, dtype)
        if tried is None:
            continue
        node, values = tried
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            try:
                (got,) = _run(machine_code(_function([node])), list(values.values()))
                want = np.asarray(evaluate_nodes([node], values)[0])
            except (Unsupported, EvaluationError, Stopped):
                continue
            tolerance = 1e-4 if dtype == "float32" else 1e-13
            unlike = _unlike(np.asarray(got), want, tolerance, op.name not in _ANY_ZERO)
        for k in np.flatnonzero(unlike)[:3]:
            at = [float(v[k]) for v in values.values()]
            wrong.append(f"{op.name} at {at}: {got[k]} is not {want[k]}")
    assert not wrong, "\n".join(wrong)
