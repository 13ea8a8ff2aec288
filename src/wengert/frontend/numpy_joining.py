"""NumPy functions that make one array of several, take one apart, or repeat its elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import (
    as_dtype,
    common_type,
    converted,
    fixed,
    joined,
    known,
    members,
    only,
    refused,
    strong,
    whole,
)
from wengert.frontend.numpy_layout import new_axes
from wengert.frontend.table import Nested, Value, Values, maps
from wengert.ir.dims import Dim, Extent, size_of
from wengert.ir.node import Expr
from wengert.ops.algebra import common_shape, lift
from wengert.ops.axes import axis_of
from wengert.ops.einstein import Label, broadcast_to, ein
from wengert.ops.gathering import take
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate as chained
from wengert.ops.joining import stack as stacked
from wengert.ops.layout import expand_dims, reshape

__all__ = ["atleast"]

_group = "Layout"


def atleast(rank: int, x: Expr) -> Expr:
    """The array with new axes in front up to a rank."""
    return x if x.ndim >= rank else new_axes(x, range(rank - x.ndim), "array")


def _flat(x: Expr) -> Expr:
    return reshape(x, (size_of(x.shape),))


# --- joining ---------------------------------------------------------------------------------------------
def _checked(nodes: Sequence[Expr], what: str) -> Sequence[Expr]:
    if not nodes:
        raise ShapeError(worded(what, expected="at least one array", got="none"))
    return nodes


def _same_kind(x: Expr, dtype: Any, casting: str, what: str) -> Expr:
    """The result in the dtype that was asked for, where the casting rule lets it."""
    result = as_dtype(x, dtype, what)
    from_, to = x.value_type.dtype, result.value_type.dtype
    if not np.can_cast(from_, to, casting):  # type: ignore[arg-type]  # NumPy checks it
        raise refused(what, expected=f"a dtype that holds {from_} by {casting!r}", got=to)
    return result


def _chain(nodes: Sequence[Expr], axis: int) -> Expr:
    """One after the other; the values of all arrays are in the common dtype."""
    dtype = common_type(nodes).dtype
    arrays = [converted(n, dtype) for n in nodes]
    return arrays[0] if len(arrays) == 1 else chained(arrays, axis)


@maps(np.concatenate, group=_group)
def concatenate(
    arrays: Values, /, axis: Any = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> Expr:
    nodes = _checked(members(arrays, "numpy.concatenate"), "numpy.concatenate")
    if axis is None:
        together = _chain([_flat(strong(n)) for n in nodes], 0)
    else:
        axis_of(axis, nodes[0].ndim, "numpy.concatenate")
        together = _chain(nodes, axis)
    return _same_kind(together, dtype, casting, "numpy.concatenate")


@maps(np.stack, group=_group)
def stack(arrays: Values, axis: int = 0, *, dtype: Any = None, casting: str = "same_kind") -> Expr:
    nodes = _checked(members(arrays, "numpy.stack"), "numpy.stack")
    if len({n.shape for n in nodes}) > 1:
        raise ShapeError(
            worded(
                "numpy.stack",
                expected="arrays of one shape",
                got=", ".join(str(n.type) for n in nodes),
            )
        )
    return _same_kind(joined(lambda ns: stacked(ns, axis), nodes), dtype, casting, "numpy.stack")


def _piled(
    name: str, fitted: Callable[[Expr], Expr], axis: Callable[[Sequence[Expr]], int]
) -> Callable[..., Expr]:
    def pile(tup: Values, *, dtype: Any = None, casting: str = "same_kind") -> Expr:
        nodes = [fitted(strong(n)) for n in _checked(members(tup, name), name)]
        return _same_kind(_chain(nodes, axis(nodes)), dtype, casting, name)

    return pile


def _deep(x: Expr) -> Expr:
    """As ``np.atleast_3d``."""
    return x if x.ndim > 2 else expand_dims(atleast(2, x), 2)


def _column(x: Expr) -> Expr:
    return expand_dims(atleast(1, x), 1) if x.ndim < 2 else x


maps(np.vstack, group=_group)(_piled("numpy.vstack", lambda x: atleast(2, x), lambda ns: 0))
maps(np.hstack, group=_group)(
    _piled("numpy.hstack", lambda x: atleast(1, x), lambda ns: 0 if ns[0].ndim == 1 else 1)
)
maps(np.dstack, group=_group)(_piled("numpy.dstack", _deep, lambda ns: 2))
maps(np.column_stack, group=_group)(_piled("numpy.column_stack", _column, lambda ns: 1))


def _depth(nested: Any) -> int:
    if not isinstance(nested, list):
        return 0
    depths = {_depth(n) for n in nested}
    if len(depths) != 1:
        raise ShapeError(worded("numpy.block", expected="lists of one depth", got=f"{depths}"))
    return 1 + depths.pop()


def _leaves(nested: Any) -> list[Expr]:
    return [x for n in nested for x in _leaves(n)] if isinstance(nested, list) else [nested]


@maps(np.block, group=_group)
def block(arrays: Nested) -> Expr:
    rank = max(_depth(arrays), *(x.ndim for x in _leaves(arrays)), 0)

    def assembled(nested: Any, axis: int) -> Expr:
        if not isinstance(nested, list):
            return atleast(rank, strong(nested))
        return _chain([assembled(n, axis + 1) for n in nested], axis)

    return assembled(arrays, rank - _depth(arrays))


@maps(np.append, group=_group)
def append(arr: Value, values: Value, axis: int | None = None) -> Expr:
    first, second = strong(arr), strong(values)
    if axis is None:
        return _chain([_flat(first), _flat(second)], 0)
    return _chain([first, second], axis_of(axis, first.ndim, "numpy.append"))


# --- splitting -------------------------------------------------------------------------------------------
def _parts(x: Expr, cuts: Sequence[Any], axis: int) -> list[Expr]:
    """The pieces between cuts, as slices take them."""
    bounds = [None, *cuts, None]
    before = (slice(None),) * axis
    return [x[(*before, slice(a, b))] for a, b in pairwise(bounds)]


def _divided(n: int, sections: int) -> list[int]:
    """Where equal sections end; the first ones are longer by one where it does not come out even."""
    size, longer = divmod(n, sections)
    return [i * size + min(i, longer) for i in range(1, sections)]


def _split(ary: Expr, sections: Any, axis: int, what: str, *, even: bool) -> list[Expr]:
    x = strong(ary)
    along = axis_of(axis, x.ndim, what)
    number = known(sections)
    if isinstance(number, (list, tuple, np.ndarray)) and np.ndim(number):
        cuts = [c if isinstance(c, Dim) else int(whole(c, what, "indices")) for c in number]
        return _parts(x, cuts, along)
    count = whole(sections, what, "indices_or_sections")
    if isinstance(count, Dim) or count < 1:
        raise refused(what, expected="a number of sections from 1 on", got=sections)
    extent = x.shape[along]
    if isinstance(extent, Dim):
        return _equal(x, extent, count, along, what)
    if even and extent % count:
        raise ShapeError(worded(what, expected=f"an extent divisible by {count}", got=f"{extent}"))
    return _parts(x, _divided(extent, count), along)


def _equal(x: Expr, extent: Dim, count: int, axis: int, what: str) -> list[Expr]:
    """Sections of a symbolic extent that is certainly divisible."""
    if any(c % count for _, c in extent.terms):
        raise ShapeError(
            worded(
                what,
                expected=f"an extent divisible by {count}",
                got=f"{extent}",
                hint="give the array a fixed extent along this axis",
            )
        )
    each: Extent = Dim(tuple((m, c // count) for m, c in extent.terms))
    return [part_of(x, axis, each * i, each) for i in range(count)]


@maps(np.split, group=_group)
def split(ary: Value, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    return _split(ary, indices_or_sections, axis, "numpy.split", even=True)


@maps(np.array_split, group=_group)
def array_split(ary: Value, indices_or_sections: Any, axis: int = 0) -> list[Expr]:
    return _split(ary, indices_or_sections, axis, "numpy.array_split", even=False)


def _split_along(name: str, axis_for: Callable[[int], int], least: int) -> Callable[..., Any]:
    def split_axis(ary: Value, indices_or_sections: Any) -> list[Expr]:
        if ary.ndim < least:
            raise ShapeError(worded(name, expected=f"at least {least} axes", got=f"{ary.ndim}"))
        return _split(ary, indices_or_sections, axis_for(ary.ndim), name, even=True)

    return split_axis


maps(np.hsplit, group=_group)(_split_along("numpy.hsplit", lambda rank: 1 if rank > 1 else 0, 1))
maps(np.vsplit, group=_group)(_split_along("numpy.vsplit", lambda rank: 0, 2))
maps(np.dsplit, group=_group)(_split_along("numpy.dsplit", lambda rank: 2, 3))


# --- repeating -------------------------------------------------------------------------------------------
@maps(np.tile, group=_group)
def tile(A: Value, reps: Any) -> Expr:
    times = list(reps) if isinstance(reps, (tuple, list, np.ndarray)) else [reps]
    counts = [whole(t, "numpy.tile", "reps") for t in times]
    x = atleast(len(counts), strong(A))
    counts = [1] * (x.ndim - len(counts)) + counts
    labels: list[Label] = list(range(x.ndim))
    out: list[Label] = []
    extents: dict[Label, Extent] = {}
    for axis, count in enumerate(counts):
        out += [("copy", axis), axis]
        extents["copy", axis] = count
    shape = [count * e for count, e in zip(counts, x.shape, strict=True)]
    return reshape(ein([(x, labels)], out, extents), shape)


@maps(np.repeat, group=_group)
@maps(np.ndarray.repeat, group=_group, title="numpy.ndarray.repeat")
def repeat(a: Value, repeats: Any, axis: int | None = None) -> Expr:
    x = strong(a)
    if axis is None:
        x, along = _flat(x), 0
    else:
        along = axis_of(axis, x.ndim, "numpy.repeat")
    count = whole(repeats, "numpy.repeat", "repeats")
    if isinstance(count, np.ndarray):
        if count.size == 1:
            count = int(count.ravel()[0])
        else:
            places = np.repeat(np.arange(fixed(x.shape[along], "numpy.repeat")), count)
            return take(x, places, axis=along)
    if isinstance(count, int) and count < 0:
        raise ShapeError(worded("numpy.repeat", expected="counts from 0 on", got=f"{count}"))
    shape = list(x.shape)
    wide = broadcast_to(
        expand_dims(x, along + 1), [*shape[: along + 1], count, *shape[along + 1 :]]
    )
    shape[along] = shape[along] * count
    return reshape(wide, shape)


# --- taking out and putting in ---------------------------------------------------------------------------
def _on_axis(x: Expr, axis: int | None, what: str) -> tuple[Expr, int]:
    if axis is None:
        return _flat(x), 0
    return x, axis_of(axis, x.ndim, what)


def _places(obj: Any, what: str) -> Any:
    """A slice, whole numbers or a mask, known at capture."""
    if isinstance(obj, slice):
        return obj
    found = known(obj)
    if found is None:
        raise refused(f"{what}: argument `obj`", expected="places known at capture", got=obj)
    return found


@maps(np.delete, group=_group)
def delete(arr: Value, obj: Any, axis: int | None = None) -> Expr:
    x, along = _on_axis(strong(arr), axis, "numpy.delete")
    places, extent = _places(obj, "numpy.delete"), x.shape[along]
    if isinstance(places, int) and not isinstance(places, bool):
        before = (slice(None),) * along
        after = [] if places == -1 else [x[(*before, slice(places + 1, None))]]
        if isinstance(extent, int) and not -extent <= places < extent:
            raise ShapeError(
                worded("numpy.delete", expected=f"a place below {extent}", got=f"{places}")
            )
        return _chain([x[(*before, slice(None, places))], *after], along)
    try:
        kept = np.delete(np.arange(fixed(extent, "numpy.delete")), places)
    except (IndexError, ValueError) as error:
        raise ShapeError(worded("numpy.delete", got=str(error), expected="places inside")) from None
    return take(x, kept, axis=along)


@maps(np.insert, group=_group)
def insert(arr: Value, obj: Any, values: Value, axis: int | None = None) -> Expr:
    x, along = _on_axis(strong(arr), axis, "numpy.insert")
    n = fixed(x.shape[along], "numpy.insert")
    places = _places(obj, "numpy.insert")
    new = converted(values, x.value_type.dtype)
    new = atleast(x.ndim, new)
    if np.ndim(np.asarray(places)) == 0 and not isinstance(places, slice):
        order = [i for i in range(new.ndim) if i != 0]
        order.insert(along, 0)
        new = ein([(new, range(new.ndim))], order)
        count = new.shape[along]
        spots: Any = np.full(fixed(count, "numpy.insert"), places)
    else:
        spots = np.arange(n)[places] if isinstance(places, slice) else np.asarray(places)
        spots = np.flatnonzero(spots) if spots.dtype == bool else spots
        count = len(spots) if len(spots) != 1 else new.shape[along]
        spots = np.full(count, spots[0]) if len(spots) == 1 else spots
    if not np.all((-n <= spots) & (spots <= n)):
        raise ShapeError(worded("numpy.insert", expected=f"places up to {n}", got=f"{places}"))
    shape = [count if i == along else e for i, e in enumerate(x.shape)]
    new = broadcast_to(new, common_shape(tuple(shape), new.shape))
    sources = np.insert(np.arange(n), spots, n + np.arange(len(spots)))
    return take(chained([x, new], along), sources, axis=along)


# --- borders ---------------------------------------------------------------------------------------------
def _widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        table = np.zeros((rank, 2), int)
        for axis, width in pad_width.items():
            table[axis] = width
        pad_width = table
    widths = np.asarray(whole(pad_width, "numpy.pad", "pad_width"))
    try:
        pairs = np.broadcast_to(widths, (rank, 2))
    except ValueError:
        raise ShapeError(
            worded("numpy.pad", expected=f"a pair for each of {rank} axes", got=f"{pad_width!r}")
        ) from None
    if (pairs < 0).any():
        raise ShapeError(worded("numpy.pad", expected="widths from 0 on", got=f"{pad_width!r}"))
    return [(int(a), int(b)) for a, b in pairs]


def _bordered(x: Expr, before: Expr | None, after: Expr | None, axis: int) -> Expr:
    return _chain([p for p in (before, x, after) if p is not None], axis)


def _filled(like: Expr, axis: int, width: int, value: Expr) -> Expr | None:
    shape = [width if i == axis else e for i, e in enumerate(like.shape)]
    return broadcast_to(value, shape) if width else None


def _pad_constant(x: Expr, pairs: list[tuple[int, int]], values: Nested) -> Expr:
    dtype = x.value_type.dtype
    ends = _pairs_of_values(values, x.ndim)
    for axis, ((low, high), (first, last)) in enumerate(zip(pairs, ends, strict=True)):
        x = _bordered(
            x,
            _filled(x, axis, low, converted(lift(first), dtype)),
            _filled(x, axis, high, converted(lift(last), dtype)),
            axis,
        )
    return x


def _pairs_of_values(values: Any, rank: int) -> list[tuple[Expr, Expr]]:
    """One pair of border values for each axis, as NumPy stretches them."""
    if isinstance(values, (tuple, list)) and values and isinstance(values[0], (tuple, list)):
        rows = [tuple(row) * (2 if len(row) == 1 else 1) for row in values]
        return rows * rank if len(rows) == 1 else rows
    if isinstance(values, (tuple, list)):
        row = tuple(values) * (2 if len(values) == 1 else 1)
        return [row] * rank
    return [(values, values)] * rank


def _pad_edge(x: Expr, pairs: list[tuple[int, int]]) -> Expr:
    for axis, (low, high) in enumerate(pairs):
        last = x.shape[axis] - 1
        first, final = part_of(x, axis, 0, 1), part_of(x, axis, last, 1)
        x = _bordered(x, _filled(x, axis, low, first), _filled(x, axis, high, final), axis)
    return x


def _pad_gathered(x: Expr, pairs: list[tuple[int, int]], mode: Any) -> Expr:
    """Borders that repeat elements: NumPy's own borders of the places."""
    for axis, pair in enumerate(pairs):
        if pair != (0, 0):
            places = np.pad(np.arange(fixed(x.shape[axis], "numpy.pad")), pair, mode)
            x = take(x, places, axis=axis)
    return x


@maps(np.pad, group=_group)
def pad(
    array: Value,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: Nested = 0,
    reflect_type: str = "even",
) -> Expr:
    x = strong(array)
    pairs = _widths(pad_width, x.ndim)
    only("numpy.pad", "mode", mode, "constant", "edge", "reflect", "symmetric", "wrap", "empty")
    if mode in ("reflect", "symmetric"):
        only("numpy.pad", "reflect_type", reflect_type, "even")
    if mode in ("constant", "empty"):
        return _pad_constant(x, pairs, constant_values if mode == "constant" else 0)
    return _pad_edge(x, pairs) if mode == "edge" else _pad_gathered(x, pairs, mode)
