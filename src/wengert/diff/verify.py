"""Checking symbolic results by evaluating them at random points.

A derivative is compared with differences of the function itself, a simplified formula with the
original: a wrong formula agrees by chance at no random point.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.diff.single import derivative_by
from wengert.errors import EvaluationError, VerificationError, worded
from wengert.ir.dims import resolve
from wengert.ir.facts import (
    DIAGONAL,
    INTEGER,
    NONNEGATIVE,
    NONPOSITIVE,
    ORTHOGONAL,
    PSD,
    SYMMETRIC,
)
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ir.walk import leaves
from wengert.ops.leaves import SYMBOL
from wengert.rewrite.conditions import conditions
from wengert.run.reference import evaluate_nodes

__all__ = ["check_derivative", "check_equal", "random_point", "random_points"]

# Any: values of symbols are numbers or arrays.
Point = dict[str, Any]

_TRIES = 60
_POINTS = 3
_TOLERANCE = 1e-6


def random_points(exprs: Sequence[Expr], seed: int = 0, count: int = _POINTS) -> Iterator[Point]:
    """Points inside the domain of all the expressions, that satisfy the assumptions of the symbols.

    Fewer than ``count`` come out when the domain is hard to hit.
    """
    rng = np.random.default_rng(seed)
    symbols = sorted({s for s in leaves(exprs) if s.op is SYMBOL}, key=lambda s: s.attr.name)
    needed = list({c for e in exprs for c in conditions(e)})
    found = 0
    for attempt in range(_TRIES):
        point = random_point(symbols, rng, spread=1.5 if attempt % 2 else 0.8)
        inside = evaluate_nodes([*needed, *exprs], point)[: len(needed)]
        values = evaluate_nodes(exprs, point) if all(np.all(c) for c in inside) else None
        if values is not None and all(np.all(np.isfinite(v)) for v in values):
            yield point
            found += 1
            if found == count:
                return


def random_point(symbols: Sequence[Expr], rng: np.random.Generator, spread: float = 1.5) -> Point:
    """One value per symbol, respecting its assumptions; named extents get distinct small sizes."""
    names = sorted({n for s in symbols for e in s.shape if not isinstance(e, int) for n in e.names})
    sizes = {name: 2 + i % 3 + (i // 3) for i, name in enumerate(names)}
    return {s.attr.name: _random_value(s, sizes, rng, spread) for s in symbols}


def _random_value(
    symbol: Expr, sizes: Mapping[str, int], rng: np.random.Generator, spread: float
) -> Any:
    type_ = symbol.value_type
    shape = resolve(type_.shape, sizes)
    if type_.dtype == "bool":
        return rng.random(shape) < 0.5
    value = rng.normal(size=shape) * spread
    if len(shape) == 2 and shape[0] == shape[1]:
        value = _structured(symbol, value)
    if "complex" in type_.dtype:
        return value + 1j * rng.normal(size=shape) * spread
    if knows(symbol, INTEGER) or "int" in type_.dtype:
        value = np.round(3 * value)
    if knows(symbol, NONNEGATIVE):
        value = np.abs(value) + (1 if knows(symbol, INTEGER) else 0.1)
    if knows(symbol, NONPOSITIVE):
        value = -np.abs(value) - 0.1
    return value


def _structured(symbol: Expr, value: Any) -> Any:
    size = len(value)
    if knows(symbol, DIAGONAL):
        return np.diag(np.diag(value) + 2.0 * np.sign(np.diag(value)))
    if knows(symbol, ORTHOGONAL):
        return np.linalg.qr(value)[0]
    if knows(symbol, PSD):
        return value @ value.T + 0.5 * np.eye(size)
    if knows(symbol, SYMMETRIC):
        return (value + value.T) / 2 + np.diag(np.full(size, 0.5 * size))
    return value + np.eye(size)  # seldom singular, of both orientations


def check_equal(
    original: Expr, simplified: Expr, *, seed: int = 0, tolerance: float = _TOLERANCE
) -> int:
    """Compare two formulas where both are defined; returns at how many points.

    Raises:
        VerificationError: they differ.

    >>> import wengert as wg
    >>> wg.check_equal(wg.parse("(x + 1)^2"), wg.parse("x^2 + 2x + 1"))
    3
    """
    points = 0
    for point in random_points([original], seed):
        want, got = evaluate_nodes([original, simplified], point)
        if not _close(got, want, tolerance):
            raise VerificationError(
                worded("simplification", expected=f"{want}", got=f"{got}", where=f"at {point}")
            )
        points += 1
    return points


def check_derivative(expr: Expr, symbols: Sequence[Expr], result: Expr, *, seed: int = 0) -> int:
    """Compare a derivative with differences along random directions; returns at how many points.

    For a higher order the last differentiation is checked against differences of the order before.

    Raises:
        VerificationError: they differ.

    >>> import wengert as wg
    >>> x = wg.symbol("x")
    >>> wg.check_derivative(x**3, [x], 3 * x**2)
    3
    >>> wg.check_derivative(x**3, [x], x**2)
    Traceback (most recent call last):
        ...
    wengert.errors.VerificationError: derivative by `x`: expected ...
    """
    function = expr
    for by in symbols[:-1]:
        function = derivative_by(function, by)
    by = symbols[-1]
    if knows(by, ORTHOGONAL):
        return 0  # differences would leave the set on which the formula was simplified
    checked = 0
    rng = np.random.default_rng(seed)
    for point in random_points([function], seed):
        direction = _direction(by, np.shape(point.get(by.attr.name, 0.0)), rng)
        want, error = _difference(function, point, by.attr.name, direction)
        if want is None:
            continue
        # Together with the function, whose arrays tell the extents that the result may only name.
        value = evaluate_nodes([function, result], point)[1]
        got = np.tensordot(value, direction, axes=np.ndim(direction))
        allowed = _TOLERANCE * (np.max(np.abs(want), initial=0.0) + 1e-3) + 10 * error
        if not np.all(np.abs(got - want) <= allowed):
            raise VerificationError(
                worded(
                    f"derivative by `{by}`",
                    expected=f"{want} along {direction}",
                    got=f"{got}",
                    where=f"at {point}",
                    hint="please report the formula",
                )
            )
        checked += 1
    return checked


def _value(expr: Expr, point: Point) -> Any:
    return evaluate_nodes([expr], point)[0]


def _direction(by: Expr, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    direction = np.asarray(rng.normal(size=shape))
    if knows(by, DIAGONAL):
        return np.diag(np.diag(direction))
    return (direction + direction.T) / 2 if knows(by, SYMMETRIC) else direction


def _difference(function: Expr, point: Point, name: str, direction: Any) -> tuple[Any, float]:
    """Sixth-order central difference along a direction, and how far two step sizes disagree."""
    if name not in point:
        return np.zeros(np.shape(_value(function, point))), 0.0

    def at(step: float) -> Any:
        return _value(function, {**point, name: point[name] + step * direction})

    def central(h: float) -> Any:
        pairs = [at(k * h) - at(-k * h) for k in (1, 2, 3)]
        return (45 * pairs[0] - 9 * pairs[1] + pairs[2]) / (60 * h)

    try:
        coarse, fine = central(4e-3), central(2e-3)
    except EvaluationError:
        return None, 0.0
    error = float(np.max(np.abs(coarse - fine), initial=0.0))
    size = float(np.max(np.abs(fine), initial=0.0))
    if not np.isfinite(error) or error > 1e-3 * (size + 1e-3):
        return None, 0.0
    return fine, error


def _close(got: Any, want: Any, tolerance: float) -> bool:
    size = float(np.max(np.abs(want), initial=0.0)) + 1e-6
    return bool(np.all(np.abs(np.asarray(got) - np.asarray(want)) <= tolerance * size))
