"""Functions and methods of NumPy that give views: writes through them reach the array they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wengert.frontend.staging.context import NeedConcrete, active, mismatch, refuse
from wengert.frontend.staging.handles import UNKNOWN, Array, Buffer, Handle, Partial, View, known
from wengert.frontend.staging.indexing import extent, getitem
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ops.complexes import from_parts, imag, real
from wengert.ops.einstein import broadcast_to, transpose
from wengert.ops.indexing import flip
from wengert.ops.layout import reshape
from wengert.ops.leaves import size

__all__ = ["permuted", "reshaped", "view_call", "viewed"]

# Any: arguments are whatever the program has.


def viewed(
    array: Array,
    get: Callable[[Expr], Expr],
    put: Callable[[Expr, Expr], Expr] | None,
    probe: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Array:
    """A view of an array; ``probe`` is what NumPy does."""
    found = Array(array.buffer, (*array.views, View(get, put, probe)))
    active().record(found.expr)
    return found


def reshaped(array: Array, shape: Any) -> Any:
    """``array.reshape(shape)``: a view, as NumPy gives where the memory allows it."""
    wanted = _shape(shape)
    old = array.type.shape
    if -1 in wanted:
        rest = size_of([e for e in wanted if not (isinstance(e, int) and e == -1)])
        missing = _quotient(size_of(old), rest)
        wanted = tuple(missing if isinstance(e, int) and e == -1 else e for e in wanted)
    if size_of(wanted) != size_of(old):
        mismatch(f"cannot reshape array of size {size_of(old)} into shape {wanted}", old, wanted)
    if wanted == old:
        return Array(array.buffer, array.views)
    if array.views:
        layout = array.layout()
        if layout is None:
            return _maybe_copy(array, wanted)
        try:
            np.reshape(layout, wanted, copy=False)  # type: ignore[type-var]  # ints, as the layout's
        except ValueError:  # the parts do not lie so in memory: NumPy copies
            return Array(Buffer(active().record(reshape(array.expr, wanted))))
    return viewed(
        array,
        lambda base: reshape(base, wanted),
        lambda base, new: reshape(new, base.shape),
        lambda layout: np.reshape(layout, wanted, copy=False),  # type: ignore[arg-type]
    )


def _maybe_copy(array: Array, wanted: tuple[Extent, ...]) -> Array:
    """A reshaped view of which it is not known whether NumPy copies: it may be read, not written."""
    found = Array(Buffer(active().record(reshape(array.expr, wanted))))
    found.buffer.writable = (
        "writes into a reshaped part of an array; "
        "write into the array itself, or copy the part first"
    )
    found.buffer.origins = found.buffer.origins | array.buffer.origins
    active().relate(found.buffer, array.buffer)
    return found


def _quotient(total: Extent, part: Extent) -> Extent:
    if isinstance(total, int) and isinstance(part, int):
        if part == 0 or total % part:
            raise ValueError(f"cannot reshape array of size {total} into blocks of {part}")
        return total // part
    if part == 1:
        return total
    from wengert.ir.dims import Dim

    if (
        isinstance(part, int)
        and isinstance(total, Dim)
        and all(c % part == 0 for _, c in total.terms)
    ):
        return Dim(tuple((m, c // part) for m, c in total.terms))
    if (
        isinstance(part, Dim)
        and isinstance(total, Dim)
        and len(part.terms) == 1
        and len(total.terms) == 1
    ):
        (names, factor), (all_names, all_factor) = part.terms[0], total.terms[0]
        left = list(all_names)
        for name in names:
            if name in left:
                left.remove(name)
        if len(left) == len(all_names) - len(names) and all_factor % factor == 0:
            return Dim(((tuple(left), all_factor // factor),)) if left else all_factor // factor
    return refuse("needs fixed sizes to reshape with -1", NeedConcrete)


def _shape(shape: Any) -> tuple[Extent, ...]:
    if isinstance(shape, Handle):
        found = known(shape)
        shape = shape if found is UNKNOWN else found
    if isinstance(shape, (list, tuple, np.ndarray)):
        return tuple(extent(e, "an extent of a shape") for e in shape)
    return (extent(shape, "an extent of a shape"),)


def permuted(array: Array, axes: tuple[int, ...] | None) -> Array:
    """``array.transpose(axes)``."""
    rank = len(array.type.shape)
    order = tuple(range(rank))[::-1] if axes is None else tuple(int(a) % rank for a in axes)
    if order == tuple(range(rank)):
        return Array(array.buffer, array.views)
    back = tuple(int(i) for i in np.argsort(order))
    return viewed(
        array,
        lambda base: transpose(base, order),
        lambda base, new: transpose(new, back),
        lambda layout: np.transpose(layout, order),
    )


def _swapaxes(a: Array, axis1: int, axis2: int) -> Array:
    order = list(range(len(a.type.shape)))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return permuted(a, tuple(order))


def _moveaxis(a: Array, source: Any, destination: Any) -> Array:
    probe = np.moveaxis(np.empty(tuple(range(2, 2 + len(a.type.shape)))), source, destination)
    return permuted(a, tuple(e - 2 for e in probe.shape))


def _rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    probe = np.rollaxis(np.empty(tuple(range(2, 2 + len(a.type.shape)))), axis, start)
    return permuted(a, tuple(e - 2 for e in probe.shape))


def _expand_dims(a: Array, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    rank = len(a.type.shape) + len(axes)
    places = {x % rank for x in axes}
    return getitem(a, tuple(None if i in places else slice(None) for i in range(rank)))


def _is_one(extent: Extent) -> bool:
    if isinstance(extent, int):
        return extent == 1
    low, _ = active().bounds(size(extent))
    if low is None or low < 2:
        refuse("needs fixed sizes to tell which axes have length 1", NeedConcrete)
    return False


def _squeeze(a: Array, axis: Any = None) -> Any:
    shape = a.type.shape
    if axis is None:
        places = {i for i, e in enumerate(shape) if _is_one(e)}
    else:
        places = {x % len(shape) for x in (axis if isinstance(axis, (tuple, list)) else (axis,))}
        if any(shape[i] != 1 for i in places):
            mismatch(
                "cannot select an axis to squeeze out which has size not equal to one",
                [shape[i] for i in places],
            )
    if not places:
        return Array(a.buffer, a.views)
    kept = tuple(e for i, e in enumerate(shape) if i not in places)
    return viewed(
        a,
        lambda base: reshape(base, kept),
        lambda base, new: reshape(new, base.shape),
        lambda layout: np.squeeze(layout, tuple(places)),
    )


def _flip(a: Array, axis: Any = None) -> Array:
    return viewed(
        a,
        lambda base: flip(base, axis),
        lambda base, new: flip(new, axis),
        lambda layout: np.flip(layout, axis),
    )


def _ravel(a: Array, order: str = "C") -> Any:
    return reshaped(a, -1) if order in ("C", "K", "A") else reshaped(permuted(a, None), -1)


def _broadcast_to(array: Array, shape: Any, subok: bool = False) -> Array:
    wanted = _shape(shape)
    return viewed(array, lambda base: broadcast_to(base, wanted), None)


def _real(val: Array) -> Any:
    if not val.type.dtype.startswith("complex"):
        return Array(val.buffer, val.views)
    return viewed(val, real, lambda base, new: from_parts(new, imag(base)))


def _imag(val: Array) -> Any:
    if not val.type.dtype.startswith("complex"):
        return None
    return viewed(val, imag, lambda base, new: from_parts(real(base), new))


def _split(a: Array, indices_or_sections: Any, axis: int = 0, *, even: bool = True) -> Any:
    axis = axis % len(a.type.shape)
    length = a.type.shape[axis]
    if not isinstance(length, int):
        return None
    if isinstance(indices_or_sections, int):
        if even and length % indices_or_sections:
            raise ValueError("array split does not result in an equal division")
        probe = np.array_split(np.arange(length), indices_or_sections)
    else:
        probe = np.split(np.arange(length), list(indices_or_sections))
    lead = (slice(None),) * axis
    start = 0
    parts = []
    for piece in probe:
        parts.append(getitem(a, (*lead, slice(start, start + len(piece)))))
        start += len(piece)
    return active().birth(parts)


_VIEWS: dict[Any, Callable[..., Any]] = {
    np.reshape: lambda a, shape, order="C", **_: reshaped(a, shape) if order == "C" else None,
    np.ravel: _ravel,
    np.transpose: lambda a, axes=None: permuted(a, axes),
    np.permute_dims: lambda a, axes=None: permuted(a, axes),
    np.matrix_transpose: lambda x: _swapaxes(x, -1, -2),
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.rollaxis: _rollaxis,
    np.expand_dims: _expand_dims,
    np.squeeze: _squeeze,
    np.flip: lambda m, axis=None: _flip(m, axis),
    np.flipud: lambda m: _flip(m, 0),
    np.fliplr: lambda m: _flip(m, 1),
    np.broadcast_to: _broadcast_to,
    np.real: _real,
    np.imag: _imag,
    np.split: _split,
    np.array_split: lambda ary, s, axis=0: _split(ary, s, axis, even=False),
    np.vsplit: lambda ary, s: _split(ary, s, 0),
    np.hsplit: lambda ary, s: _split(ary, s, 0 if len(ary.type.shape) == 1 else 1),
    np.atleast_1d: lambda *a: _atleast(1, a),
    np.atleast_2d: lambda *a: _atleast(2, a),
}


def _atleast(rank: int, arrays: tuple[Any, ...]) -> Any:
    if len(arrays) != 1 or len(arrays[0].type.shape) >= rank:
        return arrays[0] if len(arrays) == 1 else None
    missing = rank - len(arrays[0].type.shape)
    return getitem(arrays[0], (None,) * missing)


def _other_view(original: Any) -> Callable[..., Any] | None:
    """Views of functions that need nothing of the program but the array."""
    from wengert.frontend.numpy_views import VIEWS

    made = VIEWS.get(original)
    if made is None:
        return None

    def view(array: Array, *args: Any, **kwargs: Any) -> Any:
        found = made(array.expr, *args, **kwargs)
        if isinstance(found, list):
            parts = [viewed(array, get, put) for get, put in found]
            return tuple(parts) if original is np.unstack else active().birth(parts)
        return None if found is None else viewed(array, *found)

    return view


def view_call(original: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """The view that a function gives of an array of the program; None if it gives a copy."""
    function = _VIEWS.get(original)
    if function is None:
        function = _other_view(original)
    if function is None:
        return None
    given = tuple(a.certain() if isinstance(a, Partial) else a for a in args)
    if given and not all(isinstance(a, Array) for a in given[:1]):
        return None
    if not given:
        if not kwargs:
            return None
        first = next(iter(kwargs.values()))
        if not isinstance(first, Array):
            return None
    try:
        return function(*given, **kwargs)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise
        return None  # arguments that this view does not know
