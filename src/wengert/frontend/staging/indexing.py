"""``a[i]`` and ``a[i] = v`` on handles: views for basic indices, copies for computed places and masks."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError
from wengert.frontend.staging.context import NeedConcrete, active, mismatch, refuse
from wengert.frontend.staging.extents import cut_to
from wengert.frontend.staging.growing import is_growing
from wengert.frontend.staging.handles import (
    UNKNOWN,
    Array,
    Handle,
    Partial,
    Poison,
    Scalar,
    View,
    describe,
    is_number,
    known,
    scalar_of,
    to_expr,
    type_of,
    wrap,
)
from wengert.frontend.staging.narrow import is_narrow
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.choice import maximum, minimum, where
from wengert.ops.einstein import broadcast_to
from wengert.ops.layout import cast
from wengert.ops.leaves import const, size
from wengert.ops.subscripts import subscript, update

__all__ = ["extent", "fitted", "getitem", "setitem"]

# Any: an index is whatever Python has between the brackets.


def extent(value: Any, use: str = "an extent") -> Extent:
    """A length as an extent: known, a polynomial of sizes, or defined by an integer of the program."""
    value = known(value) if not isinstance(value, Handle) else _known_or_self(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Handle):
        expr = value.expr
        if expr.value_type.shape or expr.value_type.dtype not in ("int64", "int32"):
            refuse(f"needs an integer for {use}, got {describe(value)}")
        return _as_dim(expr)
    if isinstance(value, Dim):
        return value
    return refuse(f"needs an integer for {use}, got {describe(value)}")


def _known_or_self(value: Any) -> Any:
    found = known(value)
    return value if found is UNKNOWN else found


def _as_dim(expr: Expr) -> Extent:
    from wengert.ops.extents import as_dim

    return as_dim(expr)


# --- indices ---------------------------------------------------------------------------------------------
class _Mask(Exception):  # noqa: N818  an answer, caught by who asked
    """The index selects by truth values."""


def _entry(entry: Any, along: Extent) -> Any:
    """One entry of an index as the graph takes it."""
    if entry is None or entry is Ellipsis or isinstance(entry, EllipsisType):
        return entry
    if isinstance(entry, slice):
        return _slice(entry, along)
    if isinstance(entry, (bool, np.bool_)):
        refuse("an index that is a truth value adds an axis; write a[None] or use np.where")
    if isinstance(entry, (int, np.integer)):
        return int(entry)
    if isinstance(entry, np.ndarray) and entry.dtype.kind in "iu":
        entry = entry.astype(np.int64)
    if isinstance(entry, (Handle, np.ndarray)):
        type_ = type_of(entry)
        if type_.dtype == "bool":
            raise _Mask
        if is_inexact(type_):
            raise IndexError(
                "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or "
                "boolean arrays are valid indices"
            )
        found = _known_or_self(entry)
        if isinstance(found, (int, np.integer)):
            return int(found)
        return to_expr(entry)
    raise IndexError(f"{describe(entry)} is no index of an array")


def _slice(entry: slice, along: Extent) -> slice:
    bounds = [_known_or_self(b) for b in (entry.start, entry.stop, entry.step)]
    if all(b is None or isinstance(b, (int, np.integer)) for b in bounds):
        if isinstance(along, int):
            return slice(*(None if b is None else int(b) for b in bounds))
        return slice(*(None if b is None else int(b) for b in bounds))
    if bounds[2] not in (None, 1, -1) and not isinstance(bounds[2], Handle):
        refuse("a slice with a step and with bounds that depend on run-time values", NeedConcrete)
    if isinstance(bounds[2], Handle):
        refuse("needs the step of a slice while the function is captured", NeedConcrete)
    step = 1 if bounds[2] is None else int(bounds[2])
    if step != 1:
        refuse("a slice backwards with bounds that depend on run-time values", NeedConcrete)
    start = const(0) if bounds[0] is None else _bound(bounds[0], along)
    stop = size(along) if bounds[1] is None else _bound(bounds[1], along)
    length = _length(stop - start)
    first = extent(scalar_of(start), "the start of a slice")
    return slice(first, first + extent(scalar_of(length), "the length of a slice"), None)


def _bound(bound: Any, along: Extent) -> Expr:
    """A bound of a slice counted from the front and inside the axis, as Python takes it."""
    node = to_expr(bound)
    if isinstance(bound, (int, np.integer)):
        if isinstance(along, int):
            return const(min(max(int(bound) + (along if bound < 0 else 0), 0), along))
        return size(along) + int(bound) if bound < 0 else minimum(node, size(along))
    low, high = active().bounds(node)
    if low is None or low < 0:
        node = where(node < 0, node + size(along), node)
        node = maximum(node, const(0))
    top = along if isinstance(along, int) else None
    inside = high is not None and top is not None and high <= top
    if not inside and not active().within(to_expr(bound), along):
        node = minimum(node, size(along))
    return node


def _length(node: Expr) -> Expr:
    low, _ = active().bounds(node)
    return node if low is not None and low >= 0 else maximum(node, const(0))


def _entries(index: Any, shape: tuple[Extent, ...]) -> tuple[Any, ...]:
    given = list(index) if isinstance(index, tuple) else [index]
    used = sum(1 for e in given if e is not None and e is not Ellipsis)
    if used > len(shape):
        raise IndexError(
            f"too many indices for array: array is {len(shape)}-dimensional, but {used} were indexed"
        )
    axis = 0
    found: list[Any] = []
    for entry in given:
        if entry is Ellipsis:
            axis += len(shape) - used
            found.append(entry)
        elif entry is None:
            found.append(entry)
        else:
            along = shape[axis]
            clean = _entry(entry, along)
            if isinstance(clean, int) and isinstance(along, int) and not -along <= clean < along:
                raise IndexError(
                    f"index {clean} is out of bounds for axis {axis} with size {along}"
                )
            found.append(clean)
            axis += 1
    return tuple(found)


def _is_basic(entries: tuple[Any, ...]) -> bool:
    return not any(isinstance(e, Expr) and e.shape for e in entries)


def _is_everything(index: Any) -> bool:
    return index is Ellipsis or (isinstance(index, slice) and index == slice(None))


def _masked(index: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """The mask in an index, and the entries after it; only a mask in front is supported."""
    first = index[0] if isinstance(index, tuple) else index
    rest = index[1:] if isinstance(index, tuple) else ()
    if _is_mask(first) and type_of(first).shape:
        return first, rest
    return None


def _is_mask(entry: Any) -> bool:
    return is_number(entry) and not is_narrow(entry) and type_of(entry).dtype == "bool"


def _certain(index: Any, inside: bool = False) -> Any:
    """An index with arrays for its lists."""
    while isinstance(index, Partial):
        index = index.certain()
    if isinstance(index, list) or (inside and isinstance(index, tuple)):
        from wengert.frontend.staging.calls import array_of

        return array_of(index) if index or is_growing(index) else np.zeros(0, np.int64)
    return tuple(_certain(e, True) for e in index) if type(index) is tuple else index


def getitem(array: Any, index: Any) -> Any:
    """``array[index]``."""
    index = _certain(index)
    if isinstance(array, np.ndarray):
        array = wrap(lift(array))
    if isinstance(array, Scalar):
        if index in ((), Ellipsis):
            return array
        raise IndexError("invalid index to scalar variable.")
    shape = array.type.shape
    if index == () if isinstance(index, tuple) else False:
        return scalar_of(array.expr) if not shape else Array(array.buffer, array.views)
    masked = _masked(index)
    if masked is not None:
        return _mask_load(array, masked)
    try:
        entries = _entries(index, shape)
    except _Mask:
        return _mask_as_places(array, index)
    key = entries if len(entries) != 1 else entries[0]
    try:
        if not _is_basic(entries):
            gathered = subscript(array.expr, key)
            active().risk("IndexError")
            return wrap(gathered)
        part = subscript(array.expr, key)
    except (ShapeError, TypeMismatchError) as error:
        _refused(error, array)
    if not _is_plain(entries):
        active().risk("IndexError")
    if not part.shape:
        return scalar_of(part)

    def get(base: Expr) -> Expr:
        return subscript(base, key)

    def put(base: Expr, new: Expr) -> Expr:
        return update(base, key, new)

    active().record(part)
    probe = (lambda layout: layout[key]) if _is_plain(entries) else None
    return Array(array.buffer, (*array.views, View(get, put, probe)))


def _is_plain(entries: tuple[Any, ...]) -> bool:
    return not any(isinstance(e, Expr) or _is_dynamic(e) for e in entries)


def _is_dynamic(entry: Any) -> bool:
    return isinstance(entry, slice) and any(
        isinstance(b, (Expr, Dim)) for b in (entry.start, entry.stop, entry.step)
    )


def _refused(error: Exception, array: Any) -> Any:
    if any(isinstance(e, Dim) for e in type_of(array).shape):
        refuse(f"needs fixed sizes: {error}", NeedConcrete)
    refuse(str(error))


def _mask_load(array: Array, masked: tuple[Any, tuple[Any, ...]]) -> Any:
    from wengert.ops.masks import mask_load

    mask, rest = masked
    found = known(mask)
    if found is not UNKNOWN:
        places = np.nonzero(found)
        return getitem(array, (*places, *rest))
    result = wrap(mask_load(array.expr, to_expr(mask)))
    if rest:
        return getitem(result, (slice(None), *rest))
    return result


def _mask_as_places(array: Array, index: Any) -> Any:
    given = index if isinstance(index, tuple) else (index,)
    found: list[Any] = []
    for entry in given:
        if _is_mask(entry):
            mask = known(entry)
            if mask is UNKNOWN:
                refuse(
                    "a mask that depends on run-time values beside other indices is not supported; "
                    "index in two steps, or use np.where",
                    NeedConcrete,
                )
            found += np.nonzero(mask)
        else:
            found.append(entry)
    return getitem(array, tuple(found))


# --- stores ------------------------------------------------------------------------------------------------
_KIND = {"b": 0, "i": 1, "f": 2, "c": 3}


def fitted(target: Array, value: Any, *, in_place: bool = False) -> Expr:
    """A value cast and stretched to the type of the array that it is stored in.

    Raises:
        CaptureError: NumPy would lose something: a float in an integer array, a complex in a real one.
    """
    type_ = target.type
    return fitted_to(type_, value, describe(target), in_place=in_place)


def fitted_to(type_: Type, value: Any, what: str, *, in_place: bool = False) -> Expr:
    """As :func:`fitted`, for a type."""
    if isinstance(value, (list, tuple)):
        from wengert.frontend.staging.calls import array_of

        value = array_of(value)
    if isinstance(value, Poison):
        value._fail()
    if not is_number(value) and not isinstance(value, Partial):
        refuse(f"stores {describe(value)} into an array")
    expr = to_expr(value)
    given = expr.value_type
    if _KIND[given.dtype[0]] > _KIND[type_.dtype[0]]:
        if is_inexact(given) and not is_inexact(type_):
            if isinstance(value, Handle):
                refuse(
                    f"stores a float into an integer array ({what}); NumPy would truncate it and the "
                    "derivative would be lost; create it with dtype=float"
                )
            expr = const(np.asarray(value).astype(type_.dtype))
        elif is_complex(given) and not is_complex(type_):
            refuse(
                f"stores a complex number into a real array ({what}); NumPy would drop the imaginary "
                "part; create it with dtype=complex"
            )
        elif in_place:
            refuse(f"changes an array ({what}) in place by {given}; create it with that dtype")
    if expr.value_type.dtype != type_.dtype or expr.value_type.weak:
        expr = cast(expr, type_.dtype)
    if expr.shape != type_.shape:
        while len(expr.shape) > len(type_.shape) and expr.shape[0] == 1:
            expr = expr[0]
        try:
            expr = broadcast_to(cut_to(expr, type_.shape), type_.shape)
        except ShapeError:
            mismatch(
                f"could not broadcast input array from shape {given.shape} into shape {type_.shape}",
                given.shape,
                type_.shape,
            )
    return expr


def setitem(array: Array, index: Any, value: Any) -> None:
    """``array[index] = value``."""
    index = _certain(index)
    if _is_everything(index) and array.type.shape:
        array.write(fitted(array, value))
        return
    if not array.type.shape and index in ((), Ellipsis):
        array.write(fitted(array, value))
        return
    masked = _masked(index)
    if masked is not None:
        _mask_store(array, masked, value)
        return
    base = array.expr
    try:
        entries = _entries(index, base.shape)
        key = entries if len(entries) != 1 else entries[0]
        part = subscript(base, key).value_type
        new = update(
            base, key, fitted_to(Type(base.value_type.dtype, part.shape), value, describe(array))
        )
    except _Mask:
        refuse("a mask beside other indices is not supported in a store; index in two steps")
    except (ShapeError, TypeMismatchError) as error:
        _refused(error, array)
    array.write(new)


def _mask_store(array: Array, masked: tuple[Any, tuple[Any, ...]], value: Any) -> None:
    from wengert.ops.masks import mask_store

    mask, rest = masked
    found = known(mask)
    if found is not UNKNOWN:
        setitem(array, (*np.nonzero(found), *rest), value)
        return
    if rest:
        refuse("a run-time mask beside other indices is not supported in a store; use np.where")
    base = array.expr
    new = to_expr(value)
    fitting = fitted_to(Type(base.value_type.dtype, new.shape), value, describe(array))
    array.write(mask_store(base, to_expr(mask), fitting))
