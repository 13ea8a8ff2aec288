"""What ``x[...]`` means: from NumPy's index language to parts, computed places and new axes.

Integers, slices, ``None``, ``...``, integer expressions and integer arrays, in NumPy's order of axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Dim, Extent, extent_text
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.types import is_complex, is_inexact
from wengert.ops.algebra import broadcast_together, lift
from wengert.ops.einstein import Label, broadcast_to, ein, transpose
from wengert.ops.gathering import add_at, set_at, take
from wengert.ops.indexing import index_by, set_by
from wengert.ops.layout import cast
from wengert.ops.leaves import CONSTANT, size
from wengert.ops.spans import Index, Span, index_from_text, span_of

__all__ = ["subscript", "update", "update_add"]

# One entry of an index, after cleaning: `None` is a new axis, an expression gives computed places.
# A `...` of no width is left in, because it keeps computed places apart.
Entry: TypeAlias = Extent | slice | Expr | EllipsisType | None


class _Parts(NamedTuple):
    """An index taken apart: spans of all axes, places on some, and where new axes go."""

    spans: Index  # everything on axes with computed places
    places: dict[int, Expr]  # by axis of the array
    entries: tuple[Entry, ...]


def _entries(index: Any, rank: int) -> tuple[Entry, ...]:
    """The entries of an index, one for each axis and each new axis.

    Raises:
        ShapeError: more entries than axes.
        TypeMismatchError: an entry that is no index.
    """
    given = list(index) if isinstance(index, tuple) else [index]
    cleaned: list[Any] = [e if e is Ellipsis else _entry(e) for e in given]  # Any: or the ellipsis
    used = sum(1 for e in cleaned if e is not None and e is not Ellipsis)
    dots = sum(1 for e in cleaned if e is Ellipsis)
    if used > rank or dots > 1:
        raise ShapeError(
            worded("index", expected=f"at most {rank} entries and one `...`", got=f"{index!r}")
        )
    fill: list[Entry] = [slice(None)] * (rank - used)
    if not dots:
        return (*cleaned, *fill)
    at = next(i for i, e in enumerate(cleaned) if e is Ellipsis)
    return (*cleaned[:at], *(fill or [Ellipsis]), *cleaned[at + 1 :])


def _entry(entry: Any) -> Entry:
    if entry is None or isinstance(entry, slice):
        return _plain_slice(entry)
    if isinstance(entry, (bool, np.bool_)):
        raise _no_index(entry)
    if isinstance(entry, (int, np.integer)):
        return int(entry)
    if isinstance(entry, Dim):
        return entry
    node = lift(np.asarray(entry)) if isinstance(entry, (list, np.ndarray)) else entry
    if not isinstance(node, Expr):
        raise _no_index(entry)
    if node.op is CONSTANT and np.ndim(node.attr) == 0 and isinstance(node.attr, (int, np.integer)):
        return int(node.attr)
    if node.value_type.dtype == "bool" or is_inexact(node.value_type):
        raise _no_index(entry)
    return node


def _plain_slice(entry: slice | None) -> slice | None:
    if entry is None:
        return None
    bounds = (
        int(b) if isinstance(b, np.integer) else b for b in (entry.start, entry.stop, entry.step)
    )
    return slice(*bounds)


def _no_index(entry: Any) -> TypeMismatchError:
    return TypeMismatchError(
        worded(
            "index",
            expected="an int, a slice, None, `...`, or integer places",
            got=f"{entry!r}",
            hint="select by a condition with where(condition, a, b)",
        )
    )


def _taken_apart(shape: tuple[Any, ...], index: Any) -> _Parts:
    entries = _entries(index, len(shape))
    places: dict[int, Expr] = {}
    spans: list[Span] = []
    joined = any(isinstance(e, Expr) and e.ndim for e in entries)
    for entry in entries:
        if entry is None or isinstance(entry, EllipsisType):
            continue
        extent = shape[len(spans)]
        if isinstance(entry, Expr) or (joined and isinstance(entry, (int, Dim))):
            # Beside an array of places NumPy counts a single place among the computed ones.
            places[len(spans)] = entry if isinstance(entry, Expr) else size(entry)
            spans.append(Span(0, extent, 1, True))
        else:
            spans.append(span_of(entry, extent))
    return _Parts(Index(tuple(spans), shape), places, entries)


# --- reading -----------------------------------------------------------------------------------------
def subscript(x: Any, index: Any) -> Expr:
    """``x[index]``.

    Raises:
        ShapeError: too many entries, or a place outside.
        TypeMismatchError: an entry that is no index.

    >>> from wengert.ops.leaves import symbol
    >>> subscript(symbol("A", ("m", 3)), (slice(1, None), -1)).shape
    (Dim(m - 1),)
    """
    node = lift(x)
    parts = _taken_apart(node.shape, index)
    part = index_by(node, parts.spans)
    if parts.places:
        part = _gathered(part, parts)
    return _with_new_axes(part, parts)


def _axes_after(parts: _Parts) -> dict[int, int]:
    """Where each axis that stays is once single places are taken."""
    kept = [a for a, s in enumerate(parts.spans.spans) if s.keep]
    return {axis: position for position, axis in enumerate(kept)}


def _gathered(part: Expr, parts: _Parts) -> Expr:
    after = _axes_after(parts)
    axes = [after[a] for a in parts.places]
    places = broadcast_together(*parts.places.values())
    others = [a for a in range(part.ndim) if a not in axes]
    first = _first(parts)
    order = [*others[:first], *axes, *others[first:]]
    return take(transpose(part, order), *places, axis=first)


def _first(parts: _Parts) -> int:
    """The axis of the result where computed places appear: in their place if adjacent, else in front."""
    entries = parts.entries
    computed = [i for i, e in enumerate(entries) if _is_computed(e, parts)]
    if any(parts.places[a].ndim for a in parts.places) and computed[-1] - computed[0] >= len(
        computed
    ):
        return 0
    return sum(isinstance(e, slice) for e in entries[: computed[0]])


def _is_computed(entry: Entry, parts: _Parts) -> bool:
    if isinstance(entry, (int, Dim)):
        return any(p.ndim for p in parts.places.values())
    return isinstance(entry, Expr)


def _with_new_axes(part: Expr, parts: _Parts) -> Expr:
    if None not in parts.entries:
        return part
    first = _first(parts) if parts.places else -1
    width = max((p.ndim for p in parts.places.values()), default=0)
    labels: list[Label] = list(range(part.ndim))
    gathered = labels[first : first + width] if parts.places else []
    basic = iter([a for a in labels if a not in gathered])
    out: list[Label] = []
    in_place = not (parts.places and first == 0 and _is_in_front(parts))
    if not in_place:
        out += gathered
        gathered = []
    for position, entry in enumerate(parts.entries):
        if entry is None:
            out.append(("new", position))
        elif isinstance(entry, slice):
            out.append(next(basic))
        elif _is_computed(entry, parts) and gathered:
            out += gathered
            gathered = []
    return ein([(part, labels)], out, {a: 1 for a in out if isinstance(a, tuple)})


def _is_in_front(parts: _Parts) -> bool:
    computed = [i for i, e in enumerate(parts.entries) if _is_computed(e, parts)]
    return computed[-1] - computed[0] >= len(computed)


# --- replacing ---------------------------------------------------------------------------------------
def update(base: Any, index: Any, value: Any) -> Expr:
    """The array that ``base`` is after ``base[index] = value``; ``base`` itself does not change.

    The index is what Python would have between the brackets, or its text (``"1:3, -1"``). The value is cast
    to the dtype of ``base``. Computed places have to differ from each other.

    Raises:
        ShapeError: too many entries, a place outside, or a value that does not stretch to the part.
        TypeMismatchError: an entry that is no index, or complex values for a real array.

    >>> import wengert as wg
    >>> x = wg.symbol("x", 3)
    >>> wg.update(x, 0, 7).evaluate(x=[1.0, 2.0, 3.0])
    array([7., 2., 3.])
    """
    if isinstance(index, str):
        node = lift(base)
        return set_by(node, _stored(node, lift(value)), index_from_text(index, node.shape))
    return _changed(base, index, value, adds=False)


def update_add(base: Any, index: Any, value: Any) -> Expr:
    """The array that ``base`` is after ``numpy.add.at(base, index, value)``.

    Raises:
        ShapeError, TypeMismatchError: as for :func:`update`.
    """
    return _changed(base, index, value, adds=True)


def _changed(base: Any, index: Any, value: Any, *, adds: bool) -> Expr:
    node = lift(base)
    parts = _taken_apart(node.shape, index)
    new = _stored(node, lift(value))
    target = subscript(node, index).shape
    if len(target) < new.ndim:
        raise ShapeError(
            worded(
                "update",
                expected=f"a value for shape {extent_text(target)}",
                got=extent_text(new.shape),
            )
        )
    new = _without_new_axes(broadcast_to(new, target), parts)
    part = index_by(node, parts.spans)
    if parts.places:
        new = _scattered(part, new, parts, adds)
    elif adds:
        new = part + new
    return set_by(node, new, parts.spans)


def _stored(base: Expr, value: Expr) -> Expr:
    """The value in the dtype of the array it goes into."""
    into, from_ = base.value_type, value.value_type
    if into.weak or into.dtype == from_.dtype or (from_.weak and not is_complex(from_)):
        return value
    if is_complex(from_) and not is_complex(into):
        raise TypeMismatchError(
            worded(
                "update",
                expected=f"values of dtype {into.dtype}",
                got=from_.dtype,
                hint="make the array complex",
            )
        )
    return cast(value, into.dtype)


def _without_new_axes(value: Expr, parts: _Parts) -> Expr:
    """The value for the index without its new axes, along which it has extent 1."""
    if None not in parts.entries:
        return value
    if parts.places:
        raise TypeMismatchError(
            worded("update", expected="an index without None beside computed places", got="None")
        )
    labels = [i for i, e in enumerate(parts.entries) if e is None or isinstance(e, slice)]
    return ein([(value, labels)], [i for i in labels if parts.entries[i] is not None])


def _scattered(part: Expr, value: Expr, parts: _Parts, adds: bool) -> Expr:
    after = _axes_after(parts)
    axes = [after[a] for a in parts.places]
    places = broadcast_together(*parts.places.values())
    others = [a for a in range(part.ndim) if a not in axes]
    first = _first(parts)
    order = [*others[:first], *axes, *others[first:]]
    change = add_at if adds else set_at
    changed = change(transpose(part, order), value, *places, axis=first)
    return transpose(changed, _inverse(order))


def _inverse(order: Sequence[int]) -> list[int]:
    return [order.index(i) for i in range(len(order))]


OPERATORS.getitem = subscript
