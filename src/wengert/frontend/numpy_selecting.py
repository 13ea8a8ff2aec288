"""NumPy functions that pick elements: at places, by choice, on diagonals and in triangles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import (
    converted,
    dtype_name,
    fixed,
    known,
    members,
    only,
    refused,
    strong,
    strong_type,
)
from wengert.frontend.numpy_joining import atleast
from wengert.frontend.table import Value, Values, maps
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import promote
from wengert.ops.algebra import common_shape, lift
from wengert.ops.along import positions, take_along
from wengert.ops.axes import axis_of
from wengert.ops.choice import clip, lt, mod, where
from wengert.ops.einstein import Label, broadcast_to, ein, sum_axes
from wengert.ops.gathering import set_at
from wengert.ops.gathering import take as taken
from wengert.ops.indexing import at, part_of
from wengert.ops.joining import stack
from wengert.ops.layout import cast, reshape
from wengert.ops.layout import tril as lower_part
from wengert.ops.layout import triu as upper_part
from wengert.ops.leaves import ZERO, size
from wengert.ops.masks import true_places

__all__ = ["diagonal_of", "strong_zeros", "whole_places"]

_group = "Layout"


def strong_zeros(shape: Sequence[Extent], dtype: Any) -> Expr:
    """Zeros of a dtype of their own, unlike the zeros of the graph, which take on any."""
    return broadcast_to(converted(ZERO, dtype), shape)


# --- at places -------------------------------------------------------------------------------------------
def whole_places(indices: Expr, what: str) -> Expr:
    """Places as whole numbers; truth values count as 0 and 1.

    Raises:
        TypeMismatchError: they are no whole numbers.
    """
    places = strong(indices)
    if places.value_type.dtype == "bool":
        return cast(places, "int64")
    if not places.value_type.dtype.startswith("int"):
        raise refused(what, expected="whole numbers as places", got=indices)
    return places


def _within(places: Expr, extent: Extent, mode: str, what: str) -> Expr:
    only(what, "mode", mode, "raise", "wrap", "clip")
    if mode == "wrap":
        return mod(places, size(extent))
    return clip(places, 0, size(extent) - 1) if mode == "clip" else places


def _flat(x: Expr) -> Expr:
    return reshape(x, (size_of(x.shape),))


def _take(a: Expr, indices: Expr, axis: int | None, mode: str) -> Expr:
    x, places = strong(a), whole_places(indices, "numpy.take")
    x, along = (_flat(x), 0) if axis is None else (x, axis_of(axis, x.ndim, "numpy.take"))
    return taken(x, _within(places, x.shape[along], mode, "numpy.take"), axis=along)


@maps(np.take, group=_group)
def take(a: Value, indices: Value, axis: int | None = None, *, mode: str = "raise") -> Expr:
    return _take(a, indices, axis, mode)


@maps(np.ndarray.take, group=_group, title="numpy.ndarray.take")
def take_method(a: Value, indices: Value, axis: int | None = None, *, mode: str = "raise") -> Expr:
    return _take(a, indices, axis, mode)


@maps(np.take_along_axis, group=_group)
def take_along_axis(arr: Value, indices: Value, axis: int | None = -1) -> Expr:
    x, places = strong(arr), whole_places(indices, "numpy.take_along_axis")
    if axis is None:
        return take_along(_flat(x), places, 0)
    along = axis_of(axis, x.ndim, "numpy.take_along_axis")
    if x.ndim != places.ndim:
        raise ShapeError(
            worded(
                "numpy.take_along_axis",
                expected=f"{x.ndim} axes of places",
                got=f"{places.ndim}",
            )
        )
    others = [(1 if i == along else e) for i, e in enumerate(x.shape)]
    around = [(1 if i == along else e) for i, e in enumerate(places.shape)]
    rest = common_shape(tuple(others), tuple(around))
    x = broadcast_to(x, [x.shape[i] if i == along else e for i, e in enumerate(rest)])
    places = broadcast_to(
        places, [places.shape[i] if i == along else e for i, e in enumerate(rest)]
    )
    return take_along(x, places, along)


# --- by choice -------------------------------------------------------------------------------------------
@maps(np.choose, group=_group)
def choose(a: Value, choices: Values, *, mode: str = "raise") -> Expr:
    places = whole_places(a, "numpy.choose")
    options = [strong(c) for c in members(choices, "numpy.choose")]
    shape = common_shape(places.shape, *(c.shape for c in options))
    places = broadcast_to(_within(places, len(options), mode, "numpy.choose"), shape)
    if mode == "raise":
        # Negative places are no choice here: they become one that is outside as well.
        places = where(lt(places, 0), len(options), places)
    table = stack([broadcast_to(c, shape) for c in options])
    return at(take_along(table, reshape(places, (1, *shape)), 0), 0, 0)


@maps(np.select, group=_group)
def select(condlist: Values, choicelist: Values, default: Value = ZERO) -> Expr:
    conditions = members(condlist, "numpy.select")
    choices = members(choicelist, "numpy.select")
    if not conditions or len(conditions) != len(choices):
        raise ShapeError(
            worded(
                "numpy.select",
                expected="as many conditions as choices",
                got=f"{len(conditions)} and {len(choices)}",
            )
        )
    if any(c.value_type.dtype != "bool" for c in conditions):
        raise refused("numpy.select", expected="conditions that are truth values", got=conditions)
    given = [n.value_type.with_shape(()) for n in (*choices, default)]
    dtype = strong_type(promote(*given)).dtype
    shape = common_shape(*(n.shape for n in (*conditions, *choices, default)))
    result = broadcast_to(converted(default, dtype), shape)
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = where(condition, converted(choice, dtype), result)
    return result


def _chosen(condition: Expr) -> Expr:
    """The places where a condition holds, of which running may have to tell the number."""
    found = known(condition)
    if found is None:
        return true_places(converted(condition, "bool"))
    return lift(np.flatnonzero(np.asarray(found).astype(bool)))


@maps(np.compress, group=_group)
def compress(condition: Value, a: Value, axis: int | None = None) -> Expr:
    x = strong(a)
    x, along = (_flat(x), 0) if axis is None else (x, axis_of(axis, x.ndim, "numpy.compress"))
    if condition.ndim != 1:
        raise ShapeError(
            worded("numpy.compress", expected="a vector", got=f"{condition.ndim} axes")
        )
    return taken(x, _chosen(condition), axis=along)


@maps(np.extract, group=_group)
def extract(condition: Value, arr: Value) -> Expr:
    return taken(_flat(strong(arr)), _chosen(condition), axis=0)


# --- diagonals -------------------------------------------------------------------------------------------
def _common_length(rows: Extent, columns: Extent, offset: int, what: str) -> Extent:
    """How many elements a diagonal has.

    Raises:
        ShapeError: it depends on which of two sizes is the smaller.
    """
    height = rows + offset if offset < 0 else rows
    width = columns - offset if offset > 0 else columns
    apart = height - width
    if not isinstance(apart, int):
        return max(min(fixed(height, what), fixed(width, what)), 0)
    shorter = height if apart <= 0 else width
    return max(shorter, 0) if isinstance(shorter, int) else shorter


def diagonal_of(x: Expr, offset: int, axis1: int, axis2: int, what: str) -> Expr:
    """The elements on a diagonal of two axes, along a new last axis."""
    first, second = (axis_of(a, x.ndim, what) for a in (axis1, axis2))
    if x.ndim < 2 or first == second:
        raise ShapeError(worded(what, expected="two different axes", got=f"{axis1} and {axis2}"))
    length = _common_length(x.shape[first], x.shape[second], offset, what)
    if length != 0:
        x = part_of(x, first, max(-offset, 0), length)
        x = part_of(x, second, max(offset, 0), length)
    else:
        x = part_of(part_of(x, first, 0, 0), second, 0, 0)
    labels: list[Label] = list(range(x.ndim))
    labels[second] = first
    out = [a for a in labels if a != first]
    return ein([(x, labels)], [*out, first])


@maps(np.diagonal, group=_group)
@maps(np.ndarray.diagonal, group=_group, title="numpy.ndarray.diagonal")
def diagonal(a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Expr:
    return diagonal_of(strong(a), offset, axis1, axis2, "numpy.diagonal")


@maps(np.linalg.diagonal, group=_group)
def matrix_diagonal(x: Value, /, *, offset: int = 0) -> Expr:
    return diagonal_of(strong(x), offset, -2, -1, "numpy.linalg.diagonal")


def _trace(a: Expr, offset: int, axis1: int, axis2: int, dtype: Any, what: str) -> Expr:
    x = diagonal_of(strong(a), offset, axis1, axis2, what)
    if dtype is not None:
        x = cast(x, dtype_name(dtype, what))
    elif x.value_type.dtype in ("bool", "int32"):
        x = cast(x, "int64")  # as numpy.sum
    return sum_axes(x, [x.ndim - 1])


@maps(np.trace, group=_group)
@maps(np.ndarray.trace, group=_group, title="numpy.ndarray.trace")
def trace(a: Value, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Expr:
    return _trace(a, offset, axis1, axis2, dtype, "numpy.trace")


@maps(np.linalg.trace, group=_group)
def matrix_trace(x: Value, /, *, offset: int = 0, dtype: Any = None) -> Expr:
    return _trace(x, offset, -2, -1, dtype, "numpy.linalg.trace")


def _with_diagonal(v: Expr, k: int) -> Expr:
    """The matrix with the vector on diagonal ``k``. Not ``v[i]*eye[i, j]``, where infinity meets zeros."""
    n = v.shape[0] + abs(k)
    places = positions(v.shape[0])
    rows, columns = (places, places + k) if k >= 0 else (places - k, places)
    return set_at(strong_zeros((n, n), v.value_type.dtype), v, rows, columns)


@maps(np.diag, group=_group)
def diag(v: Value, k: int = 0) -> Expr:
    x = strong(v)
    if x.ndim == 1:
        return _with_diagonal(x, k)
    if x.ndim != 2:
        raise ShapeError(worded("numpy.diag", expected="a vector or a matrix", got=f"{x.type}"))
    return diagonal_of(x, k, 0, 1, "numpy.diag")


@maps(np.diagflat, group=_group)
def diagflat(v: Value, k: int = 0) -> Expr:
    return _with_diagonal(_flat(strong(v)), k)


def _triangle(m: Expr, k: int, build: Any) -> Expr:
    x = atleast(1, strong(m))
    if x.ndim == 1:
        x = broadcast_to(x, (x.shape[0], x.shape[0]))
    found: Expr = build(x, k)
    return found


@maps(np.tril, group=_group)
def tril(m: Value, k: int = 0) -> Expr:
    return _triangle(m, k, lower_part)


@maps(np.triu, group=_group)
def triu(m: Value, k: int = 0) -> Expr:
    return _triangle(m, k, upper_part)
