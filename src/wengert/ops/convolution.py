"""Discrete convolution of vectors.

``convolve(a, v)[k] = sum over i of a[i]*v[k - i]``, for all ``k`` where the two overlap. It is linear in
both, and its transpose is again a convolution, with one vector turned round, of which a part is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import lift, plus, times
from wengert.ops.einstein import broadcast_to
from wengert.ops.indexing import flip, part_of
from wengert.ops.leaves import ZERO
from wengert.ops.places import Stores

__all__ = ["convolve"]


def _type(a: Type, v: Type) -> Type:
    if a.rank < 1 or v.rank != a.rank or a.shape[:-1] != v.shape[:-1]:
        raise ShapeError(
            worded(
                "convolve",
                expected="two vectors, or as many of them",
                got=f"{extent_text(a.shape)} and {extent_text(v.shape)}",
            )
        )
    if a.shape[-1] == 0 or v.shape[-1] == 0:
        raise ShapeError(worded("convolve", expected="at least one element", got="none"))
    return promote(a, v).with_shape((*a.shape[:-1], a.shape[-1] + v.shape[-1] - 1))


def _value(a: Any, v: Any) -> Any:
    if np.ndim(a) == 1:
        return np.convolve(a, v)
    length = a.shape[-1] + v.shape[-1] - 1
    result = np.empty((*a.shape[:-1], length), np.result_type(a, v))
    for row in np.ndindex(*a.shape[:-1]):
        result[row] = np.convolve(a[row], v[row])
    return result


def _fills(node: Expr, ask: Any) -> tuple[Stores, ...]:
    """Zeros, to which each product of two elements is added where it belongs."""
    a, v = node.args
    last = node.ndim - 1

    def product(*counters: Expr) -> Expr:
        *lead, i, j = counters
        return times(ask.part(0, (*lead, i)), ask.part(1, (*lead, j)))

    def place(*counters: Expr) -> tuple[Expr, ...]:
        return (*counters[:last], plus(counters[last], counters[last + 1]))

    return (
        Stores(node.shape, lambda *counters: counters, lambda *counters: ZERO, adds=False),
        Stores((*a.shape, v.shape[-1]), place, product, adds=True),
    )


def _transpose(ct: Expr, slot: int, a: Expr, v: Expr) -> Expr:
    """``a_ct[i] = sum over j of ct[i + j]*v[j]``, with leading axes of ``ct`` in front."""
    mine, other = (a, v) if slot == 0 else (v, a)
    length: Extent = other.shape[-1]
    turned = broadcast_to(flip(other, -1), (*ct.shape[:-1], length))
    whole = make(CONVOLVE, (ct, turned))
    return part_of(whole, ct.ndim - 1, length - 1, mine.shape[-1])


def _in_numpy(node: Expr) -> str:
    if node.ndim == 1:
        return "np.convolve({0}, {1})"
    return "np.vectorize(np.convolve, signature='(n),(m)->(k)')({0}, {1})"


def convolve(a: Any, v: Any) -> Expr:
    """The convolution of two vectors, as long as both together less one.

    Raises:
        ShapeError: not two vectors, or one without elements.

    >>> convolve([1.0, 2.0], [1.0, 1.0, 1.0]).evaluate()
    array([1., 3., 3., 2.])
    """
    return make(CONVOLVE, (lift(a), lift(v)))


CONVOLVE = register(
    Op(
        name="convolve",
        doc="The convolution of two vectors, along the last axis.",
        result=_type,
        evaluate=_value,
        fills=_fills,
        diff=Linear(_transpose, batched=True),
        spell=Spelling(latex="{0} * {1}", numpy=_in_numpy),
        laws=Laws(facts=lambda a, v: a & v & (NONNEGATIVE | FINITE | INTEGER)),
        call=convolve,
        arity=2,
        count=lambda node: node.args[0].shape[-1] * node.args[1].shape[-1] * 2,
        samples=(
            Sample((Argument((4,)), Argument((3,)))),
            Sample((Argument((2,)), Argument((5,), dtype="complex128")), note="complex"),
            Sample((Argument((2, 3)), Argument((2, 2))), note="two pairs"),
        ),
    )
)
