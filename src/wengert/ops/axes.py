"""Axes of arrays: how users name them, and moving a value between an array and its reduction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.einstein import Label, ein

__all__ = ["AxisOption", "axes_of", "axes_option", "axis_of", "keep_axes", "spread", "without_axes"]

AxisOption: TypeAlias = int | Sequence[int] | None


def axis_of(axis: int, rank: int, what: str) -> int:
    """One axis, counted from the front.

    Raises:
        ShapeError: there is no such axis.
    """
    if not -rank <= axis < rank:
        raise ShapeError(
            worded(what, expected=f"an axis from {-rank} to {rank - 1}", got=f"{axis!r}")
            if rank
            else worded(what, expected="an array", got=f"a scalar and axis {axis!r}")
        )
    return axis % rank


def axes_of(axes: AxisOption, rank: int, what: str) -> tuple[int, ...]:
    """Axes as users give them (one, several, or ``None`` for all), in order and counted from the front.

    Raises:
        ShapeError: an axis that is not there or is named twice.
    """
    if axes is None:
        return tuple(range(rank))
    if isinstance(axes, int):
        return (axis_of(axes, rank, what),)
    found = sorted(axis_of(a, rank, what) for a in axes)
    if len(set(found)) != len(found):
        raise ShapeError(worded(what, expected="axes that differ", got=f"{tuple(axes)}"))
    return tuple(found)


def axes_option(node: Expr) -> dict[str, object]:
    """``axis=`` as it is written for a node whose attribute is a tuple of axes: nothing for all of them."""
    axes = node.attr
    if len(axes) == node.args[0].ndim:
        return {}
    return {"axis": axes[0] if len(axes) == 1 else axes}


def without_axes(type_: Type, axes: Sequence[int]) -> Type:
    """The type without the given axes."""
    return type_.with_shape(tuple(e for i, e in enumerate(type_.shape) if i not in axes))


def spread(reduced: Expr, axes: Sequence[int], shape: Sequence[Extent]) -> Expr:
    """A value that lost ``axes`` of ``shape``, repeated along them."""
    kept = [i for i in range(len(shape)) if i not in axes]
    return ein([(reduced, kept)], range(len(shape)), dict(enumerate(shape)))


def keep_axes(reduced: Expr, axes: Sequence[int]) -> Expr:
    """A value that lost ``axes``, with axes of extent 1 in their places."""
    rank = reduced.ndim + len(axes)
    kept: list[Label] = [i for i in range(rank) if i not in axes]
    return ein([(reduced, kept)], range(rank), dict.fromkeys(axes, 1))
