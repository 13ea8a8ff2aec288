"""NumPy functions that arrange the same elements in another way: shapes, axes, order.

Parts and arrays of several are in ``numpy_joining``, elements at places in ``numpy_selecting``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import (
    as_dtype,
    axis_list,
    converted,
    dtype_name,
    fixed,
    known,
    members,
    only,
    refused,
    strong,
    whole,
)
from wengert.frontend.table import Shape, Value, maps
from wengert.ir.dims import Dim, Extent, size_of
from wengert.ir.node import Expr
from wengert.ops import einstein
from wengert.ops.algebra import common_shape
from wengert.ops.along import positions
from wengert.ops.axes import axis_of
from wengert.ops.choice import mod
from wengert.ops.gathering import take
from wengert.ops.indexing import flip as flipped
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import cast, reshape
from wengert.ops.layout import expand_dims as new_axis
from wengert.ops.layout import swapaxes as exchanged
from wengert.ops.leaves import const, size

__all__ = ["gathered", "new_axes", "reordered", "rolled"]

_group = "Layout"


# --- shapes ----------------------------------------------------------------------------------------------
def reordered(x: Expr, shape: Sequence[Extent], order: str, what: str) -> Expr:
    """The elements under another shape, counted with the last axis fastest (``C``) or the first (``F``)."""
    only(what, "order", order, "C", "F")
    given = [e if isinstance(e, Dim) else whole(e, what, "shape") for e in shape]
    if order == "C":
        return reshape(x, given)
    return einstein.transpose(reshape(einstein.transpose(x), given[::-1]))


@maps(np.reshape, group=_group)
def reshape_(a: Value, shape: Shape, order: str = "C", *, copy: bool | None = None) -> Expr:
    only("numpy.reshape", "copy", copy, None, True)
    return reordered(strong(a), shape, order, "numpy.reshape")


@maps(np.ndarray.reshape, group=_group, title="numpy.ndarray.reshape")
def reshape_method(a: Value, *shape: Any, order: str = "C", copy: bool | None = None) -> Expr:
    only("numpy.ndarray.reshape", "copy", copy, None, True)
    several = len(shape) == 1 and isinstance(shape[0], (tuple, list))
    return reordered(strong(a), shape[0] if several else shape, order, "numpy.ndarray.reshape")


@maps(np.ravel, group=_group)
@maps(np.ndarray.ravel, group=_group, title="numpy.ndarray.ravel")
@maps(np.ndarray.flatten, group=_group, title="numpy.ndarray.flatten")
def ravel(a: Value, order: str = "C") -> Expr:
    return reordered(strong(a), (size_of(a.shape),), order, "numpy.ravel")


@maps(np.resize, group=_group)
def resize(a: Value, new_shape: Shape) -> Expr:
    flat = reshape(strong(a), (size_of(a.shape),))
    count, wanted = size_of(a.shape), size_of(new_shape)
    if count == wanted:
        return reshape(flat, new_shape)
    if fixed(count, "numpy.resize") == 0:
        return einstein.broadcast_to(converted(const(0), flat.value_type.dtype), new_shape)
    return reshape(take(flat, mod(positions(wanted), size(count))), new_shape)


@maps(np.ndim)
def ndim(a: Value) -> int:
    return a.ndim


@maps(np.shape)
def shape_(a: Value) -> tuple[Extent, ...]:
    return a.shape


@maps(np.size)
def size_(a: Value, axis: Any = None) -> Extent:
    if axis is None:
        return size_of(a.shape)
    return size_of(a.shape[axis_of(i, a.ndim, "numpy.size")] for i in axis_list(axis))


@maps(np.squeeze, group=_group)
@maps(np.ndarray.squeeze, group=_group, title="numpy.ndarray.squeeze")
def squeeze(a: Value, axis: Any = None) -> Expr:
    if axis is None:
        for extent in a.shape:  # a size may turn out to be 1
            fixed(extent, "numpy.squeeze without `axis`")
        gone = [i for i, e in enumerate(a.shape) if e == 1]
    else:
        gone = [axis_of(i, a.ndim, "numpy.squeeze") for i in axis_list(axis)]
    wrong = [a.shape[i] for i in gone if a.shape[i] != 1]
    if wrong or len(set(gone)) != len(gone):
        raise ShapeError(
            worded("numpy.squeeze", expected="axes of extent 1, each once", got=f"axis={axis!r}")
        )
    return reshape(strong(a), [e for i, e in enumerate(a.shape) if i not in gone])


def new_axes(x: Expr, axes: Sequence[int], what: str) -> Expr:
    """The array with axes of extent 1 at the given places of the result."""
    rank = x.ndim + len(axes)
    places = sorted(axis_of(a, rank, what) for a in axes)
    if len(set(places)) != len(places):
        raise ShapeError(worded(what, expected="axes that differ", got=f"{tuple(axes)}"))
    for place in places:
        x = new_axis(x, place)
    return x


@maps(np.expand_dims, group=_group)
def expand_dims(a: Value, axis: Any) -> Expr:
    return new_axes(strong(a), axis_list(axis), "numpy.expand_dims")


def _at_least(rank: int) -> Callable[..., Any]:
    def raised(array: Expr) -> Expr:
        x = strong(array)
        if x.ndim >= rank:
            return x
        if rank == 3:
            return new_axes(x, {0: (0, 1, 2), 1: (0, 2), 2: (2,)}[x.ndim], "numpy.atleast_3d")
        return new_axes(x, range(rank - x.ndim), f"numpy.atleast_{rank}d")

    def at_least(*arys: Value) -> Any:
        found = tuple(raised(a) for a in arys)
        return found[0] if len(found) == 1 else found

    return at_least


for _rank, _function in ((1, np.atleast_1d), (2, np.atleast_2d), (3, np.atleast_3d)):
    maps(_function, group=_group)(_at_least(_rank))


# --- broadcasting ----------------------------------------------------------------------------------------
@maps(np.broadcast_to, group=_group)
def broadcast_to(array: Value, shape: Shape, subok: bool = False) -> Expr:
    return einstein.broadcast_to(strong(array), shape)


@maps(np.broadcast_arrays, group=_group)
def broadcast_arrays(*args: Value, subok: bool = False) -> tuple[Expr, ...]:
    shape = common_shape(*(a.shape for a in args))
    return tuple(einstein.broadcast_to(strong(a), shape) for a in args)


@maps(np.broadcast_shapes, group=_group)
def broadcast_shapes(*args: Any) -> tuple[Extent, ...]:
    return common_shape(*(tuple(a) if isinstance(a, (tuple, list)) else (a,) for a in args))


# --- axes ------------------------------------------------------------------------------------------------
def _transposed(x: Expr, axes: Any, what: str) -> Expr:
    if axes is None:
        return einstein.transpose(strong(x))
    order = [axis_of(a, x.ndim, what) for a in axis_list(axes)]
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(worded(what, expected=f"each of {x.ndim} axes once", got=f"{axes!r}"))
    return einstein.transpose(strong(x), order)


@maps(np.transpose, group=_group)
def transpose(a: Value, axes: Any = None) -> Expr:
    return _transposed(a, axes, "numpy.transpose")


@maps(np.ndarray.transpose, group=_group, title="numpy.ndarray.transpose")
def transpose_method(a: Value, *axes: Any) -> Expr:
    several = len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list)))
    order = axes[0] if several else axes or None
    return _transposed(a, order, "numpy.ndarray.transpose")


@maps(np.matrix_transpose, np.linalg.matrix_transpose, group=_group)
def matrix_transpose(x: Value) -> Expr:
    if x.ndim < 2:
        raise ShapeError(worded("numpy.matrix_transpose", expected="a matrix", got=f"{x.type}"))
    return exchanged(strong(x), -1, -2)


@maps(np.swapaxes, group=_group)
@maps(np.ndarray.swapaxes, group=_group, title="numpy.ndarray.swapaxes")
def swapaxes(a: Value, axis1: int, axis2: int) -> Expr:
    return exchanged(strong(a), axis1, axis2)


@maps(np.moveaxis, group=_group)
def moveaxis(a: Value, source: Any, destination: Any) -> Expr:
    from_, to = (
        [axis_of(i, a.ndim, "numpy.moveaxis") for i in axis_list(axes)]
        for axes in (source, destination)
    )
    if len(from_) != len(to) or len(set(from_)) != len(from_) or len(set(to)) != len(to):
        raise ShapeError(
            worded(
                "numpy.moveaxis",
                expected="as many different sources as destinations",
                got=f"{source!r} and {destination!r}",
            )
        )
    order = [i for i in range(a.ndim) if i not in from_]
    for place, axis in sorted(zip(to, from_, strict=True)):
        order.insert(place, axis)
    return einstein.transpose(strong(a), order)


@maps(np.rollaxis, group=_group)
def rollaxis(a: Value, axis: int, start: int = 0) -> Expr:
    moved = axis_of(axis, a.ndim, "numpy.rollaxis")
    if not -a.ndim <= start <= a.ndim:
        raise ShapeError(
            worded("numpy.rollaxis", expected=f"a start up to {a.ndim}", got=f"{start}")
        )
    place = start + a.ndim if start < 0 else start
    order = [i for i in range(a.ndim) if i != moved]
    order.insert(place - 1 if moved < place else place, moved)
    return einstein.transpose(strong(a), order)


# --- order along axes ------------------------------------------------------------------------------------
@maps(np.flip, group=_group)
def flip(m: Value, axis: Any = None) -> Expr:
    return flipped(strong(m), None if axis is None else axis_list(axis))


@maps(np.fliplr, group=_group)
def fliplr(m: Value) -> Expr:
    return flipped(strong(m), 1)


@maps(np.flipud, group=_group)
def flipud(m: Value) -> Expr:
    return flipped(strong(m), 0)


@maps(np.rot90, group=_group)
def rot90(m: Value, k: int = 1, axes: Any = (0, 1)) -> Expr:
    x = strong(m)
    given = axis_list(axes)
    turned = [axis_of(a, x.ndim, "numpy.rot90") for a in given]
    if len(turned) != 2 or turned[0] == turned[1]:
        raise ShapeError(worded("numpy.rot90", expected="two different axes", got=f"{axes!r}"))
    first, second = turned
    match k % 4:
        case 0:
            return x
        case 1:
            return exchanged(flipped(x, second), first, second)
        case 2:
            return flipped(x, turned)
        case _:
            return flipped(exchanged(x, first, second), second)


def gathered(x: Expr, places: Any, axis: int) -> Expr:
    """The elements at places along one axis."""
    return take(x, places, axis=axis)


def rolled(x: Expr, shift: Any, axis: int) -> Expr:
    """The elements moved along an axis, those pushed out at one end coming in at the other."""
    extent = x.shape[axis]
    if isinstance(shift, int) and isinstance(extent, int):
        shift = shift % extent if extent else 0
    if isinstance(shift, int) and (isinstance(extent, int) or abs(shift) <= 1):
        # A symbolic size is at least one.
        if shift == 0:
            return x
        start = extent - shift if shift > 0 else -shift
        back, front = part_of(x, axis, start, extent - start), part_of(x, axis, 0, start)
        return concatenate([back, front], axis)
    return gathered(x, mod(positions(extent) - shift, size(extent)), axis)


@maps(np.roll, group=_group)
def roll(a: Value, shift: Value, axis: Any = None) -> Expr:
    x = strong(a)
    if axis is None:
        flat = reshape(x, (size_of(x.shape),))
        amount = shift if known(shift) is None else int(np.sum(whole(shift, "numpy.roll", "shift")))
        return reshape(rolled(flat, amount, 0), x.shape)
    axes = axis_list(axis)
    if known(shift) is None:
        if shift.ndim or not shift.value_type.dtype.startswith("int"):
            raise refused("numpy.roll: argument `shift`", expected="one whole number", got=shift)
        pairs: list[tuple[Any, int]] = [(shift, i) for i in axes]
    else:
        amounts, places = np.broadcast_arrays(whole(shift, "numpy.roll", "shift"), axes)
        pairs = [(int(s), int(i)) for s, i in zip(amounts.flat, places.flat, strict=True)]
    for amount, place in pairs:
        x = rolled(x, amount, axis_of(place, x.ndim, "numpy.roll"))
    return x


# --- copies ----------------------------------------------------------------------------------------------
@maps(np.copy, group=_group)
def copy(a: Value, order: str = "K", subok: bool = False) -> Expr:
    return strong(a)


@maps(np.ndarray.copy, group=_group, title="numpy.ndarray.copy")
def copy_method(a: Value, order: str = "C") -> Expr:
    return strong(a)


@maps(np.ascontiguousarray, np.asfortranarray, group=_group)
def ascontiguousarray(a: Value, dtype: Any = None) -> Expr:
    x = as_dtype(a, dtype, "numpy.ascontiguousarray")
    return x if x.ndim else new_axis(x, 0)


@maps(np.astype, group=_group)
def astype(x: Value, dtype: Any, *, copy: bool = True) -> Expr:
    return cast(strong(x), dtype_name(dtype, "numpy.astype"))


@maps(np.ndarray.astype, group=_group, title="numpy.ndarray.astype")
def astype_method(
    a: Value,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Expr:
    x, wanted = strong(a), dtype_name(dtype, "numpy.ndarray.astype")
    if not np.can_cast(x.value_type.dtype, wanted, casting):  # type: ignore[arg-type]  # NumPy checks it
        raise refused(
            f"numpy.ndarray.astype with casting={casting!r}",
            expected=f"a dtype that holds {x.value_type.dtype}",
            got=wanted,
        )
    return cast(x, wanted)


@maps(np.require, group=_group)
def require(a: Value, dtype: Any = None, requirements: Any = None) -> Expr:
    return as_dtype(a, dtype, "numpy.require")


@maps(np.unstack, group=_group)
def unstack(x: Value, *, axis: int = 0) -> tuple[Expr, ...]:
    front = moveaxis(x, axis, 0)
    return tuple(members(front, "numpy.unstack"))
