"""Checks of types and differentials: everything that follows from the record without naming an op.

Each check takes a :class:`Case`, or an op, and raises ``AssertionError`` with what was expected and found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from harness.cases import Case, differentiable, unit_direction, with_diff

from wengert.diff.forward import TRANSFORMS, jvp
from wengert.diff.reverse import vjp
from wengert.diff.rules import pull_back
from wengert.errors import NoDerivativeError
from wengert.ir.node import Expr, make
from wengert.ir.op import Rule
from wengert.ir.types import TupleType, Type, is_complex, is_inexact
from wengert.ir.walk import order
from wengert.ops.leaves import ONE, const, symbol

__all__ = [
    "check_differences",
    "check_hand_made",
    "check_loops",
    "check_own_type",
    "check_second",
    "check_stacked",
    "check_symbolic",
    "check_transpose",
    "check_type",
]

_ROUNDING = 1e-10  # of the size of the terms that are added
_DIFFERENCES = 2e-7  # what six steps of extrapolation reach on smooth functions, with room
_SINGLE = 2e5  # single precision is this much coarser


# --- helpers -----------------------------------------------------------------------------------------------
def _coarseness(case: Case) -> float:
    """How much coarser than in double precision the numbers of this case are."""
    dtypes = [a.dtype for a in case.sample.args] + [o.value_type.dtype for o in case.outputs]
    return _SINGLE if any(d in ("float32", "complex64") for d in dtypes) else 1.0


def flat(values: Sequence[Any]) -> np.ndarray:
    """All numbers in one real vector."""
    parts = [np.zeros(0)]
    for value in values:
        array = np.asarray(value)
        parts.append(np.real(array).astype(float).ravel())
        if np.iscomplexobj(array):
            parts.append(np.imag(array).astype(float).ravel())
    return np.concatenate(parts)


def _or_zeros(changes: Sequence[Expr | None], like: Sequence[Expr]) -> list[Expr]:
    found = [_zeros(n) if c is None else c for c, n in zip(changes, like, strict=True)]
    return [
        c if is_complex(n.value_type) == is_complex(c.value_type) else c + _zeros(n)
        for c, n in zip(found, like, strict=True)
    ]


def _zeros(like: Expr) -> Expr:
    return const(np.zeros(_extents(like), like.value_type.dtype)[()])


def _smooth_outputs(case: Case) -> list[Expr]:
    return [o for o in case.outputs if is_inexact(o.value_type)]


def _tangents(case: Case, rng: np.random.Generator, hint: str) -> tuple[dict[Expr, Expr], Any]:
    """A symbol for the change of each varying argument, and a random direction as their values."""
    seeds, values = {}, {}
    for x, argument in case.varying.items():
        t = symbol(f"{hint}_{x.attr.name}", x.shape, dtype=x.value_type.dtype)
        seeds[x] = t
        values[t.attr.name] = unit_direction(argument, case.values[x.attr.name], rng)
    return seeds, values


def _cotangents(
    outputs: Sequence[Expr], rng: np.random.Generator, hint: str, stack: tuple[int, ...] = ()
) -> tuple[list[Expr], dict[str, Any]]:
    seeds, values = [], {}
    for i, out in enumerate(outputs):
        dtype = out.value_type.dtype
        ct = symbol(f"{hint}_{i}", (*stack, *out.shape), dtype=dtype)
        value = rng.uniform(-1, 1, (*stack, *_extents(out)))
        if dtype.startswith("complex"):
            value = value + 1j * rng.uniform(-1, 1, value.shape)
        seeds.append(ct)
        values[ct.attr.name] = np.asarray(value).astype(dtype)[()]
    return seeds, values


def _extents(node: Expr) -> tuple[int, ...]:
    shape = tuple(e for e in node.shape if isinstance(e, int))
    assert len(shape) == node.ndim, "samples have numbers as extents"
    return shape


def _pairing(cts: Sequence[Any], changes: Sequence[Any]) -> tuple[float, float]:
    """``Re sum(conj(ct) * change)``, and the size of what was added."""
    total = size = 0.0
    for ct, change in zip(cts, changes, strict=True):
        product = np.conj(ct) * np.asarray(change)
        total += float(np.sum(np.real(product)))
        size += float(np.sum(np.abs(product)))
    return total, size


def _agree(
    case: Case, what: str, got: Any, want: Any, *, rounding: float, size: float = 0.0
) -> None:
    got, want = np.asarray(got, float), np.asarray(want, float)
    assert got.shape == want.shape, f"{case.label}: {what}: shape {got.shape}, not {want.shape}"
    room = rounding * _coarseness(case) * np.maximum(size, np.max(np.abs(want), initial=1e-3))
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(got - want) <= room)
    assert not wrong.any(), (
        f"{case.label}: {what}: got {got[wrong][:4]}, expected {want[wrong][:4]}"
        f" (difference {np.abs(got - want)[wrong][:4]}, allowed {np.max(room):.1e})"
        f" at {case.values}"
    )


def _dtype_of(value: Any) -> str:
    return str(np.asarray(value).dtype)


# --- types ---------------------------------------------------------------------------------------------
def check_type(case: Case) -> None:
    """The inferred type is that of the value; also for the first derivative."""
    nodes = list(case.outputs)
    if differentiable(case.op) and case.varying and _smooth_outputs(case):
        rng = np.random.default_rng(3)
        seeds, values = _tangents(case, rng, "t")
        nodes += [d for d in jvp(case.outputs, seeds) if d is not None]
    else:
        values = {}
    for node, value in zip(nodes, case.run(nodes, **values), strict=True):
        type_ = node.value_type
        assert np.shape(value) == _extents(node), (
            f"{case.label}: type rule says {type_}, the value has shape {np.shape(value)}"
        )
        assert type_.weak or _dtype_of(value) == type_.dtype, (
            f"{case.label}: type rule says {type_}, the value of `{node.op.name}` is {_dtype_of(value)}"
        )


def check_own_type(case: Case) -> None:
    """What the op itself computes has the inferred type (the evaluator would convert it)."""
    for node in case.nodes:
        op, type_ = node.op, node.type
        weak_array = any(isinstance(a.type, Type) and a.type.weak and a.ndim for a in node.args)
        if op.bodies or op.resolve or weak_array or isinstance(type_, TupleType) or type_.weak:
            continue
        options = {} if node.attr is None else {"attr": node.attr}
        with np.errstate(all="ignore"):
            value = op.evaluate(*case.run(list(node.args)), **options)
        assert _dtype_of(value) == type_.dtype, (
            f"{case.label}: type rule says {type_}, the op computes {_dtype_of(value)}"
        )


def check_loops(case: Case) -> None:
    """An elementwise op on arrays does what it does on their elements."""
    for node in case.nodes:
        op, attr = node.op, node.attr
        shapes = {a.shape for a in node.args}
        if not op.elementwise or op.bodies or op.resolve or len(shapes) != 1 or not node.ndim:
            continue
        options = {} if attr is None else {"attr": attr}
        args = case.run(list(node.args))
        with np.errstate(all="ignore"):
            whole = np.asarray(op.evaluate(*args, **options))
            for place in np.ndindex(whole.shape):
                one = op.evaluate(*[np.asarray(a)[place] for a in args], **options)
                np.testing.assert_allclose(
                    whole[place],
                    one,
                    rtol=1e-5 if _coarseness(case) > 1 else 1e-13,
                    err_msg=case.label,
                )


# --- forward -------------------------------------------------------------------------------------------
def _ridders(path: Callable[[float], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of a path at 0 and its error, by extrapolated central differences (Ridders 1982)."""
    ratio, steps, h = 1.7, 7, 0.1
    rows: list[list[np.ndarray]] = []
    best = np.asarray((path(h) - path(-h)) / (2 * h))
    error = np.full(best.shape, np.inf)
    for i in range(steps):
        row = [(path(h) - path(-h)) / (2 * h)]
        for j in range(i):
            factor = ratio ** (2 * (j + 1))
            row.append((factor * row[j] - rows[i - 1][j]) / (factor - 1))
            off = np.maximum(np.abs(row[-1] - row[j]), np.abs(row[-1] - rows[i - 1][j]))
            best = np.where(off < error, row[-1], best)
            error = np.minimum(error, off)
        rows.append(row)
        h /= ratio
    return best, error


def _differences(
    case: Case, nodes: list[Expr], direction: dict[Expr, Any], given: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    def path(h: float) -> np.ndarray:
        moved = {x.attr.name: case.values[x.attr.name] + h * step for x, step in direction.items()}
        return flat(case.run(nodes, **given, **moved))

    return _ridders(path)


def _against_differences(
    case: Case, what: str, nodes: list[Expr], changes: list[Expr], seeds: Any, given: Any
) -> None:
    direction = {x: given[t.attr.name] for x, t in seeds.items()}
    rest = {k: v for k, v in given.items() if k not in {t.attr.name for t in seeds.values()}}
    want, error = _differences(case, nodes, direction, rest)
    got = flat(case.run(changes, **given))
    size = float(np.max(np.abs(want), initial=1e-3))
    assert np.all(error <= 1e-5 * size), (
        f"{case.label}: {what}: differences do not settle (error {np.max(error):.1e}); is it smooth there?"
        f" at {case.values}"
    )
    _agree(case, what, got, want, rounding=_DIFFERENCES, size=size)


def _applies(case: Case) -> bool:
    return bool(differentiable(case.op) and case.varying and _smooth_outputs(case))


def check_differences(case: Case) -> None:
    """Forward mode against differences in one random direction."""
    if not _applies(case) or _coarseness(case) > 1:
        return
    rng = np.random.default_rng(5)
    outputs = _smooth_outputs(case)
    seeds, given = _tangents(case, rng, "t")
    changes = _or_zeros(jvp(outputs, seeds), outputs)
    _against_differences(case, "forward against differences", outputs, changes, seeds, given)


def check_symbolic(case: Case) -> None:
    """The formula, which is the derivative for a unit change, times a change is forward mode."""
    if not _applies(case):
        return
    rng = np.random.default_rng(7)
    outputs = _smooth_outputs(case)
    seeds, given = _tangents(case, rng, "t")
    pieces = np.zeros(0)
    for x, t in seeds.items():
        alone = _or_zeros(jvp(outputs, {x: t}), outputs)
        part = flat(case.run(alone, **given))
        pieces = part if pieces.size == 0 else pieces + part
        if x.ndim == 0 and not x.value_type.dtype.startswith("complex"):
            unit = _or_zeros(jvp(outputs, {x: ONE}), outputs)
            formula = flat(case.run(unit)) * float(given[t.attr.name])
            _agree(case, "unit change times the change", formula, part, rounding=_ROUNDING)
    changes = _or_zeros(jvp(outputs, seeds), outputs)
    whole = flat(case.run(changes, **given))
    _agree(case, "sum over the arguments", whole, pieces, rounding=_ROUNDING)
    doubled = flat(case.run(changes, **{k: 2 * v for k, v in given.items()}))
    _agree(case, "twice the change", doubled, 2 * whole, rounding=_ROUNDING)


# --- reverse -------------------------------------------------------------------------------------------
def check_transpose(case: Case) -> None:
    """``<ct, J t> == <J' ct, t>`` to rounding."""
    if not _applies(case):
        return
    rng = np.random.default_rng(11)
    outputs = _smooth_outputs(case)
    seeds, given = _tangents(case, rng, "t")
    cts, ct_values = _cotangents(outputs, rng, "ct")
    given |= ct_values
    changes = case.run(_or_zeros(jvp(outputs, seeds), outputs), **given)
    xs = list(seeds)
    pulled = _or_zeros(vjp(outputs, cts, xs), xs)
    for x, back in zip(xs, pulled, strict=True):
        assert back.shape == x.shape, (
            f"{case.label}: cotangent of shape {back.shape} for an argument of shape {x.shape}"
        )
    there, size = _pairing([given[c.attr.name] for c in cts], changes)
    back_values = case.run(pulled, **given)
    back, size_back = _pairing(back_values, [given[t.attr.name] for t in seeds.values()])
    size = max(size, size_back)
    _agree(case, "reverse against forward", back, there, rounding=_ROUNDING, size=size)


def check_stacked(case: Case) -> None:
    """A stack of cotangents gives the stack of what single ones give (or is refused by declaration)."""
    if not _applies(case):
        return
    rng = np.random.default_rng(13)
    outputs, xs = _smooth_outputs(case), list(case.varying)
    many, given = _cotangents(outputs, rng, "ct", (2,))
    try:
        stacked = vjp(outputs, many, xs)
    except NoDerivativeError as refusal:
        if "Jacobian through" in str(refusal):
            return
        raise
    single, _ = _cotangents(outputs, rng, "one")
    alone = vjp(outputs, single, xs)
    for x, a, b in zip(xs, stacked, alone, strict=True):
        assert (a is None) == (b is None), f"{case.label}: stacked cotangent of {x.attr.name}"
        if a is None or b is None:
            continue
        assert a.shape == (2, *x.shape), (
            f"{case.label}: stacked cotangents give shape {a.shape}, not {(2, *x.shape)}"
        )
        together = case.run([a], **given)[0]
        for k in range(2):
            one = {s.attr.name: given[m.attr.name][k] for s, m in zip(single, many, strict=True)}
            want = flat(case.run([b], **one))
            _agree(case, "stacked cotangents", flat([together[k]]), want, rounding=_ROUNDING)


def check_hand_made(case: Case) -> None:
    """A hand-made reverse gives what transposing the forward rule gives."""
    for node in case.nodes:
        rule = node.op.diff
        if not isinstance(rule, Rule) or rule.vjp is None:
            continue
        derived_op = with_diff(node.op, Rule(rule.jvp))
        derived = make(derived_op, node.args, node.attr)
        wanted = [isinstance(a.type, Type) and is_inexact(a.value_type) for a in node.args]
        rng = np.random.default_rng(17)
        if isinstance(node.type, Type):
            (ct,), given = _cotangents([node], rng, "ct")
            seed: Any = ct
        else:
            seed, given = [], {}
            for i, type_ in enumerate(node.type.items):
                leaf = symbol(f"like_{i}", type_.shape, dtype=type_.dtype)
                (ct,), value = _cotangents([leaf], rng, f"ct{i}")
                seed.append(ct)
                given |= value
        by_hand = pull_back(node, seed, wanted, TRANSFORMS)
        by_rule = pull_back(derived, seed, wanted, TRANSFORMS)
        for slot, (a, b) in enumerate(zip(by_hand, by_rule, strict=True)):
            if not wanted[slot]:
                continue
            first, second = _or_zeros([a, b], [node.args[slot]] * 2)  # type: ignore[list-item]  # one result
            given |= _leftover([first, second], {*case.values, *given}, rng)
            got, want = (flat([v]) for v in case.run([first, second], **given))
            direction = case.varying.get(node.args[slot])
            if direction is not None and direction.draw in ("symmetric", "spd"):
                got, want = (_symmetrised(v, node.args[slot]) for v in (got, want))
            _agree(case, f"hand-made reverse, slot {slot}", got, want, rounding=_ROUNDING)


def _leftover(nodes: list[Expr], known: set[str], rng: np.random.Generator) -> dict[str, Any]:
    """Values for tangents that a transposed body still names: a linear map is the same everywhere."""
    free = [n for n in order(nodes) if n.op.free and n.attr.name not in known]
    return {n.attr.name: rng.uniform(-1, 1, _extents(n)) for n in free}


def _symmetrised(values: np.ndarray, like: Expr) -> np.ndarray:
    """The part of a cotangent that symmetric directions see."""
    if like.value_type.dtype.startswith("complex"):
        return values
    matrix = values.reshape(_extents(like))
    return ((matrix + np.swapaxes(matrix, -1, -2)) / 2).ravel()


# --- second order -----------------------------------------------------------------------------------------
def check_second(case: Case) -> None:
    """The second derivative: forward over forward against differences, and against both mixed orders."""
    if not _applies(case) or case.sample.order < 2 or _coarseness(case) > 1:
        return
    rng = np.random.default_rng(19)
    outputs, xs = _smooth_outputs(case), list(case.varying)
    first, given = _tangents(case, rng, "t")
    second, more = _tangents(case, rng, "u")
    cts, ct_values = _cotangents(outputs, rng, "ct")
    given = {**given, **more, **ct_values}
    changes = _or_zeros(jvp(outputs, first), outputs)
    twice = _or_zeros(jvp(changes, second), outputs)
    keep = {k: v for k, v in given.items() if k not in ct_values}
    _against_differences(case, "second against differences", changes, twice, second, keep)

    there, size = _pairing([given[c.attr.name] for c in cts], case.run(twice, **given))
    # reverse over forward: <vjp of J t, u>; forward over reverse: <d(J' ct) along u, t>
    pulled = _or_zeros(vjp(changes, cts, xs), xs)
    gradient = _or_zeros(vjp(outputs, cts, xs), xs)
    moved = _or_zeros(jvp(gradient, second), xs)
    for what, nodes, seeds in (
        ("reverse over forward", pulled, second),
        ("forward over reverse", moved, first),
    ):
        values = case.run(nodes, **given)
        got, other = _pairing(values, [given[t.attr.name] for t in seeds.values()])
        _agree(case, what, got, there, rounding=10 * _ROUNDING, size=max(size, other))
