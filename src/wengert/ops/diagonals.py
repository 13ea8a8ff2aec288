"""Arrays that are zero but where some of their places are equal: diagonal matrices and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.ir.facts import DIAGONAL, FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, SYMMETRIC
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, register
from wengert.ir.types import Type
from wengert.ops.einstein import Label, ein, eye, transpose
from wengert.ops.leaves import const
from wengert.ops.places import Stores

__all__ = ["on_diagonals"]

Axes = tuple[int, ...]

_KEPT = NONNEGATIVE | NONPOSITIVE | FINITE | INTEGER


def on_diagonals(x: Expr, axes: Sequence[int]) -> Expr:
    """The array whose axis ``k`` goes along axis ``axes[k]`` of ``x``, and that is zero elsewhere.

    Every axis of ``x`` occurs. Zeros are zeros, whatever the elements of ``x`` are.

    >>> from wengert.ops.algebra import lift
    >>> on_diagonals(lift(np.array([1.0, np.inf])), (0, 0)).evaluate()
    array([[ 1.,  0.],
           [ 0., inf]])
    """
    return _built(x, attr=tuple(axes))


def _built(x: Expr, *, attr: Axes) -> Expr:
    if len(set(attr)) == len(attr):
        return transpose(x, attr)
    return make(_OP, (x,), attr)


def _type(x: Type, *, attr: Axes) -> Type:
    return x.with_shape(tuple([x.shape[a] for a in attr]))


# Any: arrays and numbers.
def placed(values: Any, axes: Any) -> Any:
    """The value: the diagonals of zeros are what is given."""
    found = np.zeros([values.shape[a] for a in axes], values.dtype)
    np.einsum(found, axes, list(range(values.ndim)))[...] = values
    return found


def _transpose(ct: Expr, slot: int, x: Expr, *, attr: Axes) -> Expr:
    batch: list[Label] = [("batch", i) for i in range(ct.ndim - len(attr))]
    return ein([(ct, (*batch, *attr))], (*batch, *range(x.ndim)))


def _expanded(x: Expr, *, attr: Axes) -> Expr:
    """With identity matrices."""
    first: dict[int, int] = {}
    factors: list[tuple[Expr, tuple[Label, ...]]] = []
    for place, axis in enumerate(attr):
        known = first.setdefault(axis, place)
        if known != place:
            factors.append((eye(x.shape[axis]), (known, place)))
    return ein([(x, [first[a] for a in range(x.ndim)]), *factors], range(len(attr)))


def _fills(node: Expr, ask: Any) -> list[Stores]:
    axes: Axes = node.attr
    return [
        Stores(node.shape, lambda *at: at, lambda *at: const(0), adds=False),
        Stores(
            node.args[0].shape,
            lambda *at: tuple([at[a] for a in axes]),
            lambda *at: ask.part(0, at),
            adds=False,
        ),
    ]


def _facts(x: int, *, attr: Axes) -> int:
    return x & _KEPT | (SYMMETRIC | DIAGONAL if attr == (0, 0) else 0)


_OP = register(
    Op(
        name="on_diagonals",
        doc="An array of zeros with the elements of another where some of its places are equal.",
        result=_type,
        evaluate=lambda x, *, attr: placed(np.asarray(x), attr),
        expand=_expanded,
        build=_built,
        fills=_fills,
        diff=Linear(_transpose, batched=True),
        spell=Spelling(
            numpy=lambda node: f"placed({{0}}, {list(node.attr)})",
            options=lambda node: {"axes": node.attr},
            helpers=(placed,),
        ),
        laws=Laws(facts=_facts),
        cost=0.0,
        samples=(
            Sample((Argument((3,)),), (0, 0), note="diagonal matrix"),
            Sample((Argument((2, 3)),), (0, 1, 0, 1), note="two pairs"),
            Sample((Argument((2, 3, 4)),), (0, 1, 0, 2), note="blocks"),
        ),
        call=on_diagonals,
    )
)
