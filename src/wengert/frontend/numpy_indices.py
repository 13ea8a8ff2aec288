"""NumPy functions that make arrays of places, and the objects that are indexed to make arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import (
    converted,
    dtype_name,
    fixed,
    known,
    members,
    only,
    refused,
    strong,
)
from wengert.frontend.numpy_creation import arange_of
from wengert.frontend.numpy_joining import atleast
from wengert.frontend.numpy_selecting import whole_places
from wengert.frontend.table import Length, Shape, Value, Values, maps
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ops.algebra import lift
from wengert.ops.along import positions
from wengert.ops.choice import clip, floor_divide, mod
from wengert.ops.einstein import Label, broadcast_to, ein
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import cast
from wengert.ops.leaves import const, size

__all__ = ["INDEX_OBJECTS"]

_group = "Places"


def _along(x: Expr, axis: int, rank: int) -> Expr:
    """A vector as an array of the given rank with its elements along one axis."""
    out: list[Label] = [("new", i) if i != axis else 0 for i in range(rank)]
    return ein([(x, [0])], out, {a: 1 for a in out if a != 0})


# --- grids -----------------------------------------------------------------------------------------------
@maps(np.meshgrid, group=_group)
def meshgrid(
    *xi: Value, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Expr, ...]:
    only("numpy.meshgrid", "indexing", indexing, "xy", "ij")
    vectors = [atleast(1, strong(x)) for x in xi]
    if any(v.ndim > 1 for v in vectors):
        raise ShapeError(worded("numpy.meshgrid", expected="vectors", got="arrays of more axes"))
    rank = len(vectors)
    axes = list(range(rank))
    if indexing == "xy" and rank > 1:
        axes[:2] = [1, 0]
    grids = [_along(v, axis, rank) for v, axis in zip(vectors, axes, strict=True)]
    if sparse:
        return tuple(grids)
    shape: list[Extent] = [1] * rank
    for vector, axis in zip(vectors, axes, strict=True):
        shape[axis] = vector.shape[0]
    return tuple(broadcast_to(g, shape) for g in grids)


@maps(np.ix_, group=_group)
def ix_(*args: Value) -> tuple[Expr, ...]:
    found: list[Expr] = []
    for axis, arg in enumerate(args):
        vector = strong(arg)
        if vector.ndim != 1:
            raise ShapeError(worded("numpy.ix_", expected="vectors", got=f"{vector.type}"))
        if vector.value_type.dtype == "bool":
            mask = known(arg)
            if mask is None:
                raise refused("numpy.ix_", expected="a mask known at capture", got=arg)
            vector = lift(np.flatnonzero(mask))
        found.append(_along(vector, axis, len(args)))
    return tuple(found)


@maps(np.indices, group=_group)
def indices(dimensions: Shape, dtype: Any = int, sparse: bool = False) -> Any:
    name, rank = dtype_name(dtype, "numpy.indices"), len(dimensions)
    grids = [_along(cast(positions(e), name), i, rank) for i, e in enumerate(dimensions)]
    if sparse:
        return tuple(grids)
    if not rank:
        return const(np.zeros((0,), name))
    return stack([broadcast_to(g, dimensions) for g in grids])


# --- places on diagonals and in triangles ----------------------------------------------------------------
@maps(np.diag_indices, group=_group)
def diag_indices(n: Length, ndim: int = 2) -> tuple[Expr, ...]:
    return (positions(n),) * ndim


@maps(np.diag_indices_from, group=_group)
def diag_indices_from(arr: Value) -> tuple[Expr, ...]:
    if arr.ndim < 2 or len(set(arr.shape)) != 1:
        raise ShapeError(
            worded("numpy.diag_indices_from", expected="equal extents", got=f"{arr.type}")
        )
    return (positions(arr.shape[0]),) * arr.ndim


def _triangle_places(
    numpys: Callable[..., Any], n: Extent, k: int, m: Extent | None, what: str
) -> tuple[Expr, ...]:
    columns = None if m is None else fixed(m, what)
    return tuple(lift(i) for i in numpys(fixed(n, what), k, columns))


@maps(np.tril_indices, group=_group)
def tril_indices(n: Length, k: int = 0, m: Length | None = None) -> tuple[Expr, ...]:
    return _triangle_places(np.tril_indices, n, k, m, "numpy.tril_indices")


@maps(np.triu_indices, group=_group)
def triu_indices(n: Length, k: int = 0, m: Length | None = None) -> tuple[Expr, ...]:
    return _triangle_places(np.triu_indices, n, k, m, "numpy.triu_indices")


def _matrix(arr: Expr, what: str) -> tuple[Extent, Extent]:
    if arr.ndim != 2:
        raise ShapeError(worded(what, expected="a matrix", got=f"{arr.type}"))
    return arr.shape[0], arr.shape[1]


@maps(np.tril_indices_from, group=_group)
def tril_indices_from(arr: Value, k: int = 0) -> tuple[Expr, ...]:
    n, m = _matrix(arr, "numpy.tril_indices_from")
    return _triangle_places(np.tril_indices, n, k, m, "numpy.tril_indices_from")


@maps(np.triu_indices_from, group=_group)
def triu_indices_from(arr: Value, k: int = 0) -> tuple[Expr, ...]:
    n, m = _matrix(arr, "numpy.triu_indices_from")
    return _triangle_places(np.triu_indices, n, k, m, "numpy.triu_indices_from")


# --- flat places -----------------------------------------------------------------------------------------
def _fastest_last(extents: Sequence[Any], order: str, what: str) -> list[Any]:
    only(what, "order", order, "C", "F")
    return list(extents) if order == "C" else list(extents)[::-1]


@maps(np.unravel_index, group=_group)
def unravel_index(indices: Value, shape: Shape, order: str = "C") -> tuple[Expr, ...]:
    extents = _fastest_last(shape, order, "numpy.unravel_index")
    places = whole_places(indices, "numpy.unravel_index")
    rest, found = places, []
    for extent in extents[:0:-1]:
        found.append(mod(rest, size(extent)))
        rest = floor_divide(rest, size(extent))
    # The slowest one is left as it is: a place outside of the array stays outside.
    found = [rest, *found[::-1]] if extents else []
    return tuple(found if order == "C" else found[::-1])


@maps(np.ravel_multi_index, group=_group)
def ravel_multi_index(
    multi_index: Values, dims: Shape, mode: Any = "raise", order: str = "C"
) -> Expr:
    what = "numpy.ravel_multi_index"
    places = [whole_places(p, what) for p in members(multi_index, what)]
    if len(places) != len(dims):
        raise ShapeError(worded(what, expected=f"{len(dims)} places", got=f"{len(places)}"))
    modes = (mode,) * len(dims) if isinstance(mode, str) else tuple(mode)
    inside: list[Expr] = []
    for place, extent, how in zip(places, dims, modes, strict=True):
        only(what, "mode", how, "wrap", "clip", "raise")
        number = known(place)
        if how == "raise" and (number is None or isinstance(extent, Dim)):
            raise refused(
                f"{what}: argument `mode`",
                expected="'wrap' or 'clip' for places that are computed",
                got=how,
                hint="i*columns + j",
            )
        if how == "raise" and not np.all((number >= 0) & (number < extent)):
            raise ShapeError(worded(what, expected=f"places below {extent}", got=f"{number}"))
        inside.append(
            mod(place, size(extent))
            if how == "wrap"
            else clip(place, 0, size(extent) - 1)
            if how == "clip"
            else place
        )
    total: Expr | None = None
    for place, extent in zip(
        _fastest_last(inside, order, what), _fastest_last(dims, order, what), strict=True
    ):
        total = place if total is None else total * size(extent) + place
    assert total is not None
    return strong(total)


# --- objects that are indexed ----------------------------------------------------------------------------
def _bounds(key: Any, what: str) -> Any:
    """The slices with numbers and sizes in place of constants.

    Raises:
        TypeMismatchError: something else, or bounds that are computed.
    """
    if isinstance(key, tuple):
        return tuple(_bounds(k, what) for k in key)
    if not isinstance(key, slice) or key.stop is None:
        raise refused(what, expected="slices with an end", got=key)
    found = [known(b) for b in (key.start, key.stop, key.step)]
    if any(n is None and b is not None for n, b in zip(found, _bounds_of(key), strict=True)):
        raise refused(what, expected="bounds known at capture", got=key)
    return slice(*found)


def _bounds_of(key: slice) -> tuple[Any, Any, Any]:
    """The bounds of a slice."""
    return key.start, key.stop, key.step


def _has_sizes(key: Any) -> bool:
    if isinstance(key, tuple):
        return any(_has_sizes(k) for k in key)
    return any(isinstance(b, Dim) for b in _bounds_of(key))


def _steps(entry: slice, what: str) -> Expr:
    """The numbers that a slice stands for, one after the other."""
    if not _has_sizes(entry):
        return lift(np.mgrid[entry])
    step = 1 if entry.step is None else entry.step
    return arange_of(0 if entry.start is None else entry.start, entry.stop, step, None, what)


def _grid(key: Any, what: str, numpys: Any, *, sparse: bool) -> Any:
    bounds = _bounds(key, what)
    if not _has_sizes(bounds):
        made = numpys[bounds]
        return tuple(lift(m) for m in made) if isinstance(made, tuple) else lift(made)
    if not isinstance(bounds, tuple):
        return _steps(bounds, what)
    axes = [_steps(b, what) for b in bounds]
    if any(a.value_type.dtype != "int64" for a in axes):
        raise refused(what, expected="whole steps beside symbolic sizes", got=key)
    grids = meshgrid(*axes, indexing="ij", sparse=sparse)
    return grids if sparse else stack(list(grids))


def _row_entry(entry: Any, what: str) -> Expr:
    if isinstance(entry, str):
        raise refused(what, expected="slices, numbers and arrays", got=entry)
    return _steps(_bounds(entry, what), what) if isinstance(entry, slice) else lift(entry)


def _r_(key: Any) -> Expr:
    entries = [_row_entry(e, "numpy.r_") for e in (key if isinstance(key, tuple) else (key,))]
    scalars_are_weak = [e if e.ndim == 0 else strong(e) for e in entries]
    dtype = np.result_type(*(_probe(e) for e in scalars_are_weak)).name
    rank = max(1, *(e.ndim for e in entries))
    if any(e.ndim not in (0, rank) for e in entries):
        raise TypeMismatchError(
            worded("numpy.r_", expected="arrays of one rank", got=f"{[e.ndim for e in entries]}")
        )
    parts = [atleast(rank, converted(e, dtype_name(dtype))) for e in entries]
    return parts[0] if len(parts) == 1 else concatenate(parts, 0)


def _probe(x: Expr) -> Any:
    """What NumPy's promotion rule is asked about: a Python number stays one."""
    type_ = x.value_type
    if not type_.weak:
        return np.dtype(type_.dtype)
    return {"int64": 0, "float64": 0.0, "complex128": 0j}[type_.dtype]


def _c_(key: Any) -> Expr:
    entries = [_row_entry(e, "numpy.c_") for e in (key if isinstance(key, tuple) else (key,))]
    columns = [
        ein([(v, [0])], [0, 1], {1: 1}) if v.ndim == 1 else v
        for v in (atleast(1, strong(e)) for e in entries)
    ]
    return columns[0] if len(columns) == 1 else concatenate(columns, columns[0].ndim - 1)


# By NumPy's object: the function of what stands between the brackets after it.
INDEX_OBJECTS: Mapping[Any, Callable[[Any], Any]] = {
    np.mgrid: lambda key: _grid(key, "numpy.mgrid", np.mgrid, sparse=False),
    np.ogrid: lambda key: _grid(key, "numpy.ogrid", np.ogrid, sparse=True),
    np.r_: _r_,
    np.c_: _c_,
    np.s_: lambda key: key,
    np.index_exp: lambda key: key if isinstance(key, tuple) else (key,),
}
