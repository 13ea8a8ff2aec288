"""Checks by sampling of the laws a record states: parity, symmetry, inverse, monotony, facts."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from harness.cases import Case, probes

from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
    INTEGER,
    NEGATIVE,
    NONNEGATIVE,
    NONPOSITIVE,
    NONZERO,
    ORTHOGONAL,
    PD,
    POSITIVE,
    PSD,
    SYMMETRIC,
    fact_names,
)
from wengert.ir.known import facts_of
from wengert.ir.op import Op, lookup
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate_nodes

__all__ = ["check_facts", "check_facts_of_samples", "check_laws"]

_WIDE = np.array([0.0, 1e-300, 1e-9, 0.3, 0.7, 1.0, 1.4, 2.0, 5.5, 33.0, 1e5, 1e300, np.inf])


def _inside(op: Op, count: int = 50) -> list[np.ndarray]:
    rng = np.random.default_rng(23)
    spans = op.domain.sample or ((-2.0, 2.0),) * (op.arity or 1)
    return [rng.uniform(low, high, count) for low, high in spans]


def check_laws(op: Op) -> None:
    """Odd, even, commutative, inverse and monotone, as far as the record claims them."""
    laws = op.laws
    with np.errstate(all="ignore"):
        if laws.odd or laws.even:
            (x,) = _inside(op)
            x = np.concatenate([x, _WIDE])
            sign = -1.0 if laws.odd else 1.0
            np.testing.assert_array_equal(
                op.evaluate(-x), sign * op.evaluate(x), err_msg=f"{op.name} is not odd or even"
            )
        if laws.commutative and op.arity == 2:
            x, y = (g.ravel() for g in np.meshgrid(np.r_[_WIDE, -_WIDE], np.r_[_WIDE, -_WIDE]))
            if probes(op, x) is not None:
                np.testing.assert_array_equal(
                    _where_defined(op, [x, y], op.evaluate(x, y)),
                    _where_defined(op, [x, y], op.evaluate(y, x)),
                    err_msg=f"{op.name} does not commute",
                )
        if laws.inverse:
            (x,) = _inside(op)
            back = lookup(laws.inverse).evaluate(op.evaluate(x))
            np.testing.assert_allclose(
                back, x, rtol=1e-11, atol=1e-12, err_msg=f"{laws.inverse}({op.name}(x)) is not x"
            )
        if laws.monotone:
            x = np.sort(np.concatenate([*_inside(op), -_WIDE, _WIDE]))
            y = _where_defined(op, [x], op.evaluate(x))
            y = y[~np.isnan(y)]
            # Neighbours may differ in the last bit of the computation.
            steps = np.diff(y)
            steps = steps[~np.isnan(steps)]
            assert np.all(steps >= -1e-15 * np.max(np.abs(y[np.isfinite(y)]), initial=0)), (
                f"{op.name} decreases somewhere, yet says monotone"
            )


# --- facts ---------------------------------------------------------------------------------------------
_ASSUMED = (
    0,
    FINITE,
    NONNEGATIVE,
    NONPOSITIVE,
    POSITIVE,
    NEGATIVE,
    NONZERO,
    INTEGER,
    INTEGER | FINITE,
    FINITE | NONNEGATIVE,
    FINITE | POSITIVE,
    FINITE | NEGATIVE,
    FINITE | NONZERO,
    FINITE | INTEGER | POSITIVE,
    FINITE | NONNEGATIVE | NONPOSITIVE,
)
# Over the reals: nothing that over- or underflows in the functions we have.
_VALUES = np.array([-7.0, -3.0, -2.2, -1.0, -0.5, -0.01, 0.0, 0.02, 0.5, 1.0, 1.8, 3.0, 6.0])


def _satisfying(bits: int, values: np.ndarray) -> np.ndarray:
    if not bits & FINITE and values is _VALUES:
        values = np.r_[values, np.inf, -np.inf]
    keep = np.ones(values.shape, bool)
    if bits & INTEGER:
        keep &= np.isfinite(values) & (values == np.round(values))
    if bits & NONNEGATIVE:
        keep &= values >= 0
    if bits & NONPOSITIVE:
        keep &= values <= 0
    if bits & NONZERO:
        keep &= values != 0
    return values[keep]


def _where_defined(op: Op, points: list[np.ndarray], value: Any) -> np.ndarray:
    """The values, NaN where a condition of the domain fails."""
    value = np.asarray(value, float)
    if op.domain.where is None:
        return value
    xs = [symbol(f"x{i}", p.size) for i, p in enumerate(points)]
    for condition in op.domain.where(*xs):
        holds = evaluate_nodes([condition], {f"x{i}": p for i, p in enumerate(points)})[0]
        value = np.where(holds, value, np.nan)
    return value


def _violated(bits: int, value: np.ndarray) -> str:
    """The claim that a value breaks; NaN breaks none (it is where the op is not defined)."""
    value = value[~np.isnan(value)]
    claims = (
        (NONNEGATIVE, value >= 0, "nonnegative"),
        (NONPOSITIVE, value <= 0, "nonpositive"),
        (NONZERO, value != 0, "nonzero"),
        (FINITE, np.isfinite(value), "finite"),
        (INTEGER, value == np.round(value), "integer"),
    )
    for bit, holds, name in claims:
        if bits & bit and not np.all(holds):
            return f"{name}, but {value[~holds][0]}"
    return ""


def check_facts(op: Op) -> None:
    """Claims on sign, zero, finiteness and wholeness hold for arguments of which the premises hold."""
    rule = op.laws.facts
    values = probes(op, _VALUES)
    if rule is None or values is None:
        return
    for assumed in product(_ASSUMED, repeat=len(values)):
        bits = rule(*assumed)
        sets = [_satisfying(a, v) for a, v in zip(assumed, values, strict=True)]
        points = [g.ravel() for g in np.meshgrid(*sets, indexing="ij")]
        if not bits or not points[0].size:
            continue
        with np.errstate(all="ignore"):
            value = _where_defined(op, points, op.evaluate(*points))
        real = np.all(np.isfinite(points), axis=0)
        wrong = _violated(bits, value[real]) or _violated(bits & ~(NONZERO | INTEGER), value)
        premises = "; ".join(", ".join(fact_names(a)) or "any" for a in assumed)
        assert not wrong, f"{op.name} of ({premises}) is said to be {wrong}"


def check_facts_of_samples(case: Case) -> None:
    """What is known of an expression from its parts holds for its value, matrices included."""
    for node, value in zip(case.outputs, case.run(list(case.outputs)), strict=True):
        bits = facts_of(node)
        value = np.asarray(value)
        if value.dtype.kind == "c":
            continue
        wrong = _violated(bits, value.astype(float).ravel())
        assert not wrong, f"{case.label}: known to be {wrong}"
        if value.ndim < 2:
            continue
        turned = np.swapaxes(value, -1, -2)
        size = 1e-12 * np.max(np.abs(value), initial=1.0)
        if bits & SYMMETRIC:
            assert np.allclose(value, turned, atol=size), f"{case.label}: is not symmetric"
        if bits & (PSD | PD):
            least = np.min(np.linalg.eigvalsh(value))
            assert least > (size if bits & PD else -size), f"{case.label}: eigenvalue {least}"
        if bits & DIAGONAL:
            off = value * (1 - np.eye(value.shape[-1]))
            assert np.all(np.abs(off) <= size), f"{case.label}: is not diagonal"
        if bits & ORTHOGONAL:
            unit = np.eye(value.shape[-1])
            assert np.allclose(value @ turned, unit, atol=1e-10), f"{case.label}: not orthogonal"
