"""Sorting, searching, sets, and results whose size only running tells."""

from __future__ import annotations

from collections.abc import Callable
from operator import index
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, known, members, only, refused, strong
from wengert.frontend.table import Value, Values, maps
from wengert.ir.node import Expr
from wengert.ir.types import is_complex, is_inexact, promote
from wengert.ops.algebra import minus
from wengert.ops.axes import axis_of
from wengert.ops.choice import eq, logical_and, logical_not, logical_or, ne
from wengert.ops.einstein import ones
from wengert.ops.floats import isnan
from wengert.ops.gathering import set_at, take
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import cast, ravel, reshape
from wengert.ops.leaves import const, size
from wengert.ops.masks import nonzero, true_places
from wengert.ops.scans import cumsum
from wengert.ops.sorting import (
    argpartition,
    argsort,
    isin,
    lexsort,
    partition,
    searchsorted,
    sort,
)

__all__: list[str] = []

_GROUP = "Sorting and searching"
_SETS = "Sets"
_CHOSEN = "Sizes that running tells"


# --- sorting ------------------------------------------------------------------------------------------------
def _along(a: Expr, axis: Any, what: str) -> tuple[Expr, int]:
    """The array and the axis; ``None`` flattens."""
    a = strong(a)
    if axis is None:
        return ravel(a), 0
    return a, axis_of(index(axis), a.ndim, what)


def _kind(kind: Any, stable: Any, what: str) -> bool:
    """Whether equal elements keep their order."""
    if kind not in (None, "quicksort", "heapsort", "mergesort", "stable"):
        raise refused(f"{what}: argument `kind`", expected="a kind of sorting", got=kind)
    if stable is not None:
        if kind is not None:
            raise refused(f"{what}: argument `stable`", expected="None beside `kind`", got=stable)
        return bool(known(stable))
    return kind in ("mergesort", "stable")


@maps(np.sort, group=_GROUP)
def sort_(
    a: Value, axis: Any = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Expr:
    """The elements in ascending order; derivatives follow the permutation."""
    only("np.sort", "order", order, None)
    _kind(kind, stable, "np.sort")
    return sort(*_along(a, axis, "sort"))


@maps(np.argsort, group=_GROUP)
def argsort_(
    a: Value, axis: Any = -1, kind: Any = None, order: None = None, *, stable: Any = None
) -> Expr:
    """The places of the elements in ascending order."""
    only("np.argsort", "order", order, None)
    keeps = _kind(kind, stable, "np.argsort")
    if kind == "heapsort":
        raise refused("np.argsort: argument `kind`", expected="'quicksort' or 'stable'", got=kind)
    return argsort(*_along(a, axis, "argsort"), keeps)


def _kth(kth: Any, what: str) -> list[int]:
    found = known(kth)
    if found is None or np.asarray(found).dtype.kind not in "iu":
        raise refused(f"{what}: argument `kth`", expected="known places", got=kth)
    return [int(k) for k in np.atleast_1d(found)]


def _partition(original: Callable[..., Any], function: Callable[..., Expr]) -> None:
    what = f"np.{original.__name__}"

    @maps(original, group=_GROUP)
    def partitioned(
        a: Value, kth: Any, axis: Any = -1, kind: str = "introselect", order: None = None
    ) -> Expr:
        only(what, "kind", kind, "introselect")
        only(what, "order", order, None)
        x, along = _along(a, axis, what)
        return function(x, _kth(kth, what), along)


_partition(np.partition, partition)
_partition(np.argpartition, argpartition)


@maps(np.lexsort, group=_GROUP)
def lexsort_(keys: Values, axis: Any = -1) -> Expr:
    """The places in order of several keys, the last of which comes first."""
    return lexsort([strong(k) for k in members(keys, "np.lexsort")], index(axis))


@maps(np.sort_complex, group=_GROUP)
def sort_complex(a: Value) -> Expr:
    """The elements as complex numbers, by real and then by imaginary part."""
    a = strong(a)
    ordered = sort(a)
    if is_complex(a.value_type):
        return ordered
    return converted(ordered, "complex128")


@maps(np.searchsorted, group=_GROUP)
def searchsorted_(a: Value, v: Value, side: str = "left", sorter: Value | None = None) -> Expr:
    """Where values belong in a sorted vector."""
    if side not in ("left", "right"):
        raise refused("np.searchsorted: argument `side`", expected="'left' or 'right'", got=side)
    a = strong(a)
    return searchsorted(a if sorter is None else take(a, sorter), strong(v), side)


# --- places of what is not zero --------------------------------------------------------------------------
@maps(np.nonzero, group=_CHOSEN)
def nonzero_(a: Value) -> tuple[Expr, ...]:
    """The places of what is not zero, a vector for each axis."""
    return nonzero(strong(a))


@maps(np.flatnonzero, group=_CHOSEN)
def flatnonzero(a: Value) -> Expr:
    """The places of what is not zero, in the flattened array."""
    return true_places(converted(a, "bool"))


@maps(np.argwhere, group=_CHOSEN)
def argwhere(a: Value) -> Expr:
    """The places of what is not zero, a row for each."""
    if not a.ndim:
        raise ShapeError(worded("np.argwhere", expected="an array", got="a number"))
    return stack(nonzero(strong(a)), 1)


# --- sets ------------------------------------------------------------------------------------------------
class Unique(NamedTuple):
    """The distinct elements in order, and how the array is made of them."""

    values: Expr
    first: Expr
    inverse: Expr
    counts: Expr


def _starts(ordered: Expr, equal_nan: bool) -> Expr:
    """Where in a sorted vector an element differs from the one before it."""
    n = ordered.shape[0]
    after, before = part_of(ordered, 0, 1, n - 1), part_of(ordered, 0, 0, n - 1)
    differs = ne(after, before)
    if equal_nan and is_inexact(ordered.value_type):
        differs = logical_and(differs, logical_not(logical_and(isnan(after), isnan(before))))
    return concatenate([cast(ones((1,)), "bool"), differs], 0)


def unique_of(ar: Expr, equal_nan: bool = True, indexed: bool = False) -> Unique:
    """The distinct elements of the flattened array, and all that NumPy says of them.

    Equal elements are kept in order where NumPy does that, for the places of the first of them.
    """
    x = ravel(strong(ar))
    if is_complex(x.value_type):
        raise TypeMismatchError(worded("np.unique", expected="real numbers", got=str(x.type)))
    n = x.shape[0]
    if n == 0:
        none = const(np.zeros(0, np.int64))
        return Unique(x, none, reshape(none, ar.shape), none)
    order = argsort(x, 0, indexed)
    ordered = take(x, order)
    begins = _starts(ordered, equal_nan)
    places = true_places(begins)
    number = cumsum(cast(begins, "int64"), 0) - 1
    inverse = set_at(cast(ones((n,)), "int64") * 0, number, order)
    ends = concatenate([part_of(places, 0, 1, places.shape[0] - 1), reshape(size(n), (1,))], 0)
    return Unique(
        take(ordered, places),
        take(order, places),
        reshape(inverse, ar.shape),
        cast(minus(ends, places), "int64"),
    )


@maps(np.unique, group=_SETS)
def unique(
    ar: Value,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,  # noqa: A002  # NumPy's name
) -> Expr | tuple[Expr, ...]:
    """The distinct elements in order."""
    only("np.unique", "axis", axis, None)
    only("np.unique", "sorted", known(sorted), True)
    flags = [bool(known(flag)) for flag in (return_index, return_inverse, return_counts)]
    found = unique_of(ar, bool(known(equal_nan)), flags[0])
    chosen = [part for flag, part in zip(flags, found[1:], strict=True) if flag]
    return (found.values, *chosen) if chosen else found.values


@maps(np.unique_values, group=_SETS)
def unique_values(x: Value, /) -> Expr:
    """The distinct elements in order; each NaN for itself."""
    return unique_of(x, False).values


@maps(np.unique_counts, group=_SETS)
def unique_counts(x: Value, /) -> tuple[Expr, Expr]:
    """The distinct elements, and how often they occur."""
    found = unique_of(x, False)
    return found.values, found.counts


@maps(np.unique_inverse, group=_SETS)
def unique_inverse(x: Value, /) -> tuple[Expr, Expr]:
    """The distinct elements, and the place of each element among them."""
    found = unique_of(x, False)
    return found.values, found.inverse


@maps(np.unique_all, group=_SETS)
def unique_all(x: Value, /) -> tuple[Expr, ...]:
    """The distinct elements, their first places, the inverse, and how often they occur."""
    return tuple(unique_of(x, False, True))


@maps(np.isin, group=_SETS)
def isin_(
    element: Value,
    test_elements: Value,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Expr:
    """Whether each element is among the others."""
    only("np.isin", "kind", kind, None, "sort", "table")
    found = isin(strong(element), strong(test_elements))
    return logical_not(found) if known(invert) else found


def _both(first: Expr, second: Expr) -> tuple[Expr, Expr]:
    dtype = promote(*(strong(x).value_type.with_shape(()) for x in (first, second))).dtype
    return converted(ravel(first), dtype), converted(ravel(second), dtype)


@maps(np.union1d, group=_SETS)
def union1d(ar1: Value, ar2: Value) -> Expr:
    """The distinct elements of both."""
    return unique_of(concatenate(_both(ar1, ar2), 0)).values


def _neighbours(ar1: Expr, ar2: Expr, assume_unique: Any) -> tuple[Expr, Expr]:
    """All elements in order, and where one is followed by its equal."""
    given = _both(ar1, ar2)
    if not known(assume_unique):
        given = (unique_of(given[0]).values, unique_of(given[1]).values)
    ordered = sort(concatenate(given, 0))
    n = ordered.shape[0]
    return ordered, eq(part_of(ordered, 0, 1, n - 1), part_of(ordered, 0, 0, n - 1))


@maps(np.intersect1d, group=_SETS)
def intersect1d(
    ar1: Value, ar2: Value, assume_unique: bool = False, return_indices: bool = False
) -> Expr:
    """The distinct elements that are in both."""
    only("np.intersect1d", "return_indices", known(return_indices), False)
    ordered, same = _neighbours(ar1, ar2, assume_unique)
    return take(ordered, true_places(same))


@maps(np.setxor1d, group=_SETS)
def setxor1d(ar1: Value, ar2: Value, assume_unique: bool = False) -> Expr:
    """The distinct elements that are in one only."""
    ordered, same = _neighbours(ar1, ar2, assume_unique)
    none = cast(ones((1,)) * 0, "bool")
    paired = logical_or(concatenate([none, same], 0), concatenate([same, none], 0))
    return take(ordered, true_places(logical_not(paired)))


@maps(np.setdiff1d, group=_SETS)
def setdiff1d(ar1: Value, ar2: Value, assume_unique: bool = False) -> Expr:
    """The distinct elements of the first that are not in the second."""
    first = ravel(strong(ar1)) if known(assume_unique) else unique_of(ar1).values
    return take(first, true_places(logical_not(isin(first, strong(ar2)))))
