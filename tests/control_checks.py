"""A program in the graph against its derivatives of first and second order, in all modes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.dump import dump, load
from wengert.ir.node import Expr
from wengert.ir.verify import verify
from wengert.ops.algebra import dot, lift
from wengert.ops.einstein import sum_axes
from wengert.ops.leaves import ONE, symbol
from wengert.run.reference import evaluate_nodes

__all__ = ["check_derivatives", "directions", "paired", "value_of"]


def value_of(node: Expr | None, values: Mapping[str, Any]) -> Any:
    """The value of a node; of a zero change, 0."""
    return 0.0 if node is None else evaluate_nodes([node], values)[0]


def directions(
    symbols: Sequence[Expr], values: Mapping[str, Any], prefix: str, rng: Any
) -> tuple[dict[Expr, Expr], dict[str, Any]]:
    """A new symbol for the direction of each symbol, and random values."""
    names = {s: symbol(f"{prefix}_{s.attr.name}", s.shape) for s in symbols}
    drawn = {d.attr.name: rng.normal(size=np.shape(values[s.attr.name])) for s, d in names.items()}
    return names, drawn


def paired(cotangents: Sequence[Expr | None], tangents: Mapping[Expr, Expr]) -> Expr:
    """The sum of all products of cotangents and tangents."""
    total = lift(0)
    for ct, t in zip(cotangents, tangents.values(), strict=True):
        if ct is not None:
            total = total + (dot(ct, t) if ct.ndim == 1 else sum_axes(ct * t))
    return total


def _difference(
    node: Expr, values: Mapping[str, Any], names: Mapping[Expr, Expr], h: float = 1e-5
) -> float:
    def at(step: float) -> float:
        moved = {
            s.attr.name: values[s.attr.name] + step * values[d.attr.name] for s, d in names.items()
        }
        return float(value_of(node, {**values, **moved}))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


def check_derivatives(
    output: Expr, values: Mapping[str, Any], symbols: Sequence[Expr], rng: Any
) -> None:
    """Forward, reverse and all four second derivatives agree, with differences and with each other."""
    t, t_values = directions(symbols, values, "d", rng)
    u, u_values = directions(symbols, values, "e", rng)
    both = {**values, **t_values, **u_values}
    (forward,) = jvp([output], t)
    assert forward is not None
    backward = paired(vjp([output], [ONE], symbols), t)
    assert value_of(forward, both) == pytest.approx(
        _difference(output, both, t), rel=1e-7, abs=1e-8
    )
    assert value_of(backward, both) == pytest.approx(value_of(forward, both), rel=1e-11, abs=1e-11)
    second = _difference(forward, both, u)
    ways = [
        jvp([forward], u)[0],
        jvp([backward], u)[0],
        paired(vjp([forward], [ONE], symbols), u),
        paired(vjp([backward], [ONE], symbols), u),
    ]
    found = [float(value_of(way, both)) for way in ways]
    assert found[0] == pytest.approx(second, rel=1e-6, abs=1e-7)
    assert found == pytest.approx([found[0]] * 4, rel=1e-10, abs=1e-10)
    every = [output, forward, backward, *(way for way in ways if way is not None)]
    verify(every)
    assert load(dump(every)) == every
