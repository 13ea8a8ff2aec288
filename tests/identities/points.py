"""Where identities are compared: random points, and differences of a NumPy function as the witness."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Any, TypeAlias

import numpy as np
from identities.table import SIZES, Closed, Identity

# Any: values of symbols are numbers or arrays.
Point: TypeAlias = dict[str, Any]

_STEP = 3e-3


def needed(closed: Closed) -> tuple[str, ...]:
    """The symbols that a NumPy expression takes."""
    return tuple(signature(closed).parameters)


def called(closed: Closed, point: Mapping[str, Any]) -> Any:
    """A NumPy expression at a point."""
    return closed(**{name: point[name] for name in needed(closed)})


def random_point(identity: Identity, rng: np.random.Generator) -> Point:
    """Values for all symbols of an identity, with a different size for each letter."""
    return {
        name: _drawn(
            tuple(SIZES[letter] for letter in identity.shapes.get(name, "")),
            identity.assume.get(name) or identity.draw.get(name, ""),
            rng,
        )
        for name in needed(identity.value)
    }


def _drawn(shape: tuple[int, ...], kind: str, rng: np.random.Generator) -> Any:
    values = rng.normal(size=shape)
    square = len(shape) == 2 and shape[0] == shape[1]
    match kind:
        case "":
            return _regular(values, rng) if square else values
        case "positive":
            return rng.uniform(0.5, 1.5, size=shape)
        case "large":
            return rng.uniform(20, 30, size=shape)
        case "symmetric":
            return values + values.T
        case "pd":
            return values @ values.T + np.eye(len(values))
    raise ValueError(kind)


def _regular(values: Any, rng: np.random.Generator) -> Any:
    """A matrix of no symmetry that is far from singular, with positive determinant."""
    while True:
        values = rng.normal(size=values.shape) + np.eye(len(values))
        if np.linalg.det(values) > 0.5 and np.linalg.cond(values) < 20:
            return values


def differences(value: Callable[[Point], Any], point: Point, wrt: Sequence[str]) -> Any:
    """The derivative of a NumPy function by sixth-order central differences, nested for higher orders.

    The shape is that of the value followed by those of the symbols, in order.
    """
    if not wrt:
        return np.asarray(value(point))
    *before, name = wrt
    centre = np.asarray(point[name], dtype=float)

    def at(index: tuple[int, ...], step: float) -> Any:
        moved = centre.copy()
        moved[index] += step
        return differences(value, {**point, name: moved}, before)

    columns = []
    for index in np.ndindex(centre.shape):
        pairs = [at(index, k * _STEP) - at(index, -k * _STEP) for k in (1, 2, 3)]
        columns.append((45 * pairs[0] - 9 * pairs[1] + pairs[2]) / (60 * _STEP))
    inner = columns[0].shape
    return np.stack(columns, axis=-1).reshape(inner + centre.shape)


def distance(got: Any, want: Any) -> float:
    """The largest difference, relative to the largest value; infinite where shapes differ."""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape:
        return float("inf")
    return float(np.max(np.abs(got - want)) / max(1e-3, np.max(np.abs(want))))
