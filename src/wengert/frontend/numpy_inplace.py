"""NumPy functions that change an array in place: as functions from the array to what it is after.

They are no entries of the table, because what NumPy returns is ``None``: capture writes the result back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import converted, fixed, only, refused, strong
from wengert.frontend.numpy_selecting import whole_places
from wengert.frontend.table import Entry, Value, described
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops.algebra import common_shape, lift
from wengert.ops.along import positions
from wengert.ops.axes import axis_of
from wengert.ops.choice import clip, mod, where
from wengert.ops.einstein import Label, broadcast_to, ein
from wengert.ops.gathering import set_at, take
from wengert.ops.layout import cast, reshape
from wengert.ops.leaves import size
from wengert.ops.scans import cumsum

__all__ = ["IN_PLACE"]


def _stored(base: Expr, value: Expr, what: str) -> Expr:
    """The value in the dtype of the array it goes into.

    Raises:
        TypeMismatchError: complex values for a real array.
    """
    if is_complex(value.value_type) and not is_complex(base.value_type):
        raise refused(what, expected=f"values of dtype {base.value_type.dtype}", got="complex ones")
    return converted(value, base.value_type.dtype)


def _flat(x: Expr) -> Expr:
    return reshape(x, (size_of(x.shape),))


def _repeated(values: Expr, count: Extent) -> Expr:
    """The values one after the other, again and again, up to a count."""
    flat = _flat(values)
    if flat.shape[0] == count:
        return flat
    if flat.shape[0] == 1:
        return broadcast_to(flat, (count,))
    return take(flat, mod(positions(count), size(flat.shape[0])))


def fill_diagonal(a: Value, val: Value, wrap: bool = False) -> Expr:
    what = "numpy.fill_diagonal"
    value = _stored(a, val, what)
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) != 1):
        raise ShapeError(worded(what, expected="a matrix, or equal extents", got=f"{a.value_type}"))
    if wrap and a.ndim == 2:
        rows, columns = (fixed(e, what) for e in a.shape)
        places = lift(np.arange(0, rows * columns, columns + 1))
        changed = set_at(_flat(a), _repeated(value, places.shape[0]), places)
        return reshape(changed, a.shape)
    first, second = a.shape[:2]
    length = first if first == second else min(fixed(first, what), fixed(second, what))
    places = positions(length)
    return set_at(a, _repeated(value, length), *[places] * a.ndim)


def put(a: Value, ind: Value, v: Value, mode: str = "raise") -> Expr:
    what = "numpy.put"
    only(what, "mode", mode, "raise", "wrap", "clip")
    places, count = _flat(whole_places(ind, what)), size_of(a.shape)
    if mode == "wrap":
        places = mod(places, size(count))
    elif mode == "clip":
        places = clip(places, 0, size(count) - 1)
    if places.shape[0] == 0:
        return a
    value = _repeated(_stored(a, v, what), places.shape[0])
    return reshape(set_at(_flat(a), value, places), a.shape)


def put_along_axis(arr: Value, indices: Value, values: Value, axis: int | None) -> Expr:
    what = "numpy.put_along_axis"
    places = whole_places(indices, what)
    value = _stored(arr, values, what)
    if axis is None:
        value = broadcast_to(value, places.shape)
        return reshape(set_at(_flat(arr), _flat(value), _flat(places)), arr.shape)
    along = axis_of(axis, arr.ndim, what)
    if places.ndim != arr.ndim:
        raise ShapeError(worded(what, expected=f"{arr.ndim} axes of places", got=f"{places.ndim}"))
    shape = [places.shape[i] if i == along else e for i, e in enumerate(arr.shape)]
    labels: list[Label] = list(range(arr.ndim))
    extents: dict[Label, Extent] = dict(enumerate(shape))
    everywhere = [
        broadcast_to(places, shape) if i == along else ein([(positions(e), [i])], labels, extents)
        for i, e in enumerate(shape)
    ]
    return set_at(arr, broadcast_to(value, shape), *everywhere)


def _truths(mask: Expr) -> Expr:
    return cast(strong(mask), "bool")


def place(arr: Value, mask: Value, vals: Value) -> Expr:
    what = "numpy.place"
    chosen, value = _truths(mask), _flat(_stored(arr, vals, what))
    if size_of(chosen.shape) != size_of(arr.shape):
        raise ShapeError(worded(what, expected=f"a mask for {arr.value_type}", got=f"{mask.type}"))
    flat = _flat(chosen)
    number = cumsum(cast(flat, "int64")) - 1
    if value.shape[0] == 0:
        raise ShapeError(worded(what, expected="at least one value", got="none"))
    new = take(value, mod(number, size(value.shape[0])))
    return reshape(where(flat, new, _flat(arr)), arr.shape)


def putmask(a: Value, mask: Value, values: Value) -> Expr:
    what = "numpy.putmask"
    chosen, value = _truths(mask), _stored(a, values, what)
    if size_of(chosen.shape) != size_of(a.shape):
        raise ShapeError(worded(what, expected=f"a mask for {a.value_type}", got=f"{mask.type}"))
    if value.shape == a.shape == chosen.shape:
        return where(chosen, value, a)
    count = size_of(a.shape)
    if size_of(value.shape) == 0:
        return a
    flat = take(_flat(value), mod(positions(count), size(size_of(value.shape))))
    return reshape(where(_flat(chosen), flat, _flat(a)), a.shape)


def copyto(dst: Value, src: Value, casting: str = "same_kind", where: Value = True) -> Expr:  # type: ignore[assignment]  # lifted like an argument
    what = "numpy.copyto"
    from_, to = src.value_type, dst.value_type.dtype
    if not from_.weak and not np.can_cast(from_.dtype, to, casting):  # type: ignore[arg-type]  # NumPy checks it
        raise refused(what, expected=f"a dtype that {to} holds by {casting!r}", got=from_.dtype)
    if common_shape(src.shape, dst.shape) != dst.shape:
        raise ShapeError(worded(what, expected=f"shape {dst.shape}", got=f"{src.shape}"))
    return _kept(lift(where), broadcast_to(_stored(dst, src, what), dst.shape), dst)


def _kept(condition: Expr, new: Expr, old: Expr) -> Expr:
    return where(_truths(condition), new, old) if condition.ndim or not _always(condition) else new


def _always(condition: Expr) -> bool:
    return not condition.args and condition.attr is True


def fill(a: Value, value: Value) -> Expr:
    if value.ndim:
        raise ShapeError(worded("numpy.ndarray.fill", expected="one number", got=f"{value.type}"))
    return broadcast_to(_stored(a, value, "numpy.ndarray.fill"), a.shape)


# By NumPy's function: the entry that gives the array after it, whose first argument is the array before.
IN_PLACE: Mapping[Any, Entry] = {
    original: described(original, function, "In place")
    for original, function in (
        (np.fill_diagonal, fill_diagonal),
        (np.put, put),
        (np.ndarray.put, put),
        (np.put_along_axis, put_along_axis),
        (np.place, place),
        (np.putmask, putmask),
        (np.copyto, copyto),
        (np.ndarray.fill, fill),
    )
}
