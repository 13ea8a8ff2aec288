"""Elements picked along one axis by an array of places, as ``np.take_along_axis`` does.

Everything is gathering: the other axes keep their own places.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.node import Expr
from wengert.ops.algebra import lift, minus
from wengert.ops.axes import axis_of
from wengert.ops.einstein import Label, ein, ones
from wengert.ops.gathering import take
from wengert.ops.layout import cast
from wengert.ops.leaves import ONE, const
from wengert.ops.scans import cumsum

__all__ = ["positions", "take_along"]


def positions(extent: Extent) -> Expr:
    """The integers from 0 up to, but not including, an extent.

    >>> positions(3).evaluate()
    array([0, 1, 2])
    """
    if isinstance(extent, int):
        return const(np.arange(extent))
    return minus(cumsum(cast(ones((extent,)), "int64")), ONE)


def take_along(x: Any, places: Any, axis: int) -> Expr:
    """The elements at ``places`` along an axis; on the other axes the extents of both are the same.

    Raises:
        ShapeError: other axes differ.
    """
    node, where = lift(x), lift(places)
    along = axis_of(axis, node.ndim, "take_along")
    rest = [s[:along] + s[along + 1 :] for s in (node.shape, where.shape)]
    if node.ndim != where.ndim or rest[0] != rest[1]:
        raise ShapeError(
            worded(
                "take_along",
                expected=f"shapes that agree except along axis {along}",
                got=f"{extent_text(node.shape)} and {extent_text(where.shape)}",
            )
        )
    labels = range(node.ndim)
    extents: dict[Label, Extent] = dict(enumerate(where.shape))
    return take(
        node,
        *(
            where if i == along else ein([(positions(e), (i,))], labels, extents)
            for i, e in enumerate(where.shape)
        ),
    )
