"""Linearize a function and turn the linear part around: reverse mode in its two steps.

``linearize`` splits a function at symbolic inputs into its values and the linear map of its changes;
``transpose`` turns a linear map around. Their composition is what ``reverse.vjp`` does in one sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import GraphError, worded
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ops.algebra import zeros
from wengert.ops.leaves import fresh

__all__ = ["LinearMap", "linearize", "transpose"]


@dataclass(frozen=True, slots=True)
class LinearMap:
    """Outputs that are linear in ``inputs``; other symbols in them are parameters (the primals).

    ``outputs`` has ``None`` where the output does not depend on the inputs at all.
    """

    inputs: tuple[Expr, ...]
    outputs: tuple[Expr | None, ...]
    shapes: tuple[Expr, ...]  # one node of the shape of each output, for zeros


def linearize(function: Function, wrt: Sequence[Expr] | None = None) -> LinearMap:
    """The linear map from changes of the inputs ``wrt`` to changes of the outputs.

    Raises:
        GraphError: ``wrt`` names something that is no input of the function.
    """
    inputs = tuple(function.inputs if wrt is None else wrt)
    stranger = [i for i in inputs if i not in function.inputs]
    if stranger:
        raise GraphError(
            worded("linearize", expected="inputs of the function", got=f"`{stranger[0]}`")
        )
    seeds = tuple(fresh(i.value_type) for i in inputs)
    changes = jvp(function.outputs, dict(zip(inputs, seeds, strict=True)))
    return LinearMap(seeds, tuple(changes), function.outputs)


def transpose(linear: LinearMap, cotangents: Sequence[Expr | None]) -> tuple[Expr, ...]:
    """Cotangents of the inputs of a linear map for cotangents of its outputs."""
    pairs = [
        (out, ct)
        for out, ct in zip(linear.outputs, cotangents, strict=True)
        if out is not None and ct is not None
    ]
    found = vjp([out for out, _ in pairs], [ct for _, ct in pairs], linear.inputs)
    return tuple(
        zeros(i.shape) if ct is None else ct for i, ct in zip(linear.inputs, found, strict=True)
    )
