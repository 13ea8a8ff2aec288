"""Lists that grow and shrink in loops: rows with room for more elements than there are.

All such lists of a program have rows of one length, the *capacity*, which is a hidden input. Where an element
finds no room, a check raises :class:`~wengert.errors.CapacityError`; whoever runs the program then
runs it again with a larger capacity. What is in rows behind the last element is never read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.frontend.staging.adopting import capacity_of
from wengert.frontend.staging.context import ListSlot, NeedConcrete, active, refuse
from wengert.frontend.staging.effects import require, room_for
from wengert.frontend.staging.forms import (
    Building,
    Form,
    Poisoned,
    Seen,
    Side,
    Unfit,
    Uniting,
    alone,
    filler,
    has_poison,
)
from wengert.frontend.staging.frozen import freeze
from wengert.frontend.staging.growing import (
    CHANGED,
    Growing,
    Maybe,
    growing_of,
    leaf_types,
    need_rows,
    set_growing,
)
from wengert.frontend.staging.handles import (
    UNKNOWN,
    Array,
    Buffer,
    Handle,
    Scalar,
    known,
    scalar_of,
    to_expr,
    wrap,
)
from wengert.frontend.staging.indexing import getitem
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.algebra import full
from wengert.ops.choice import maximum, minimum, where
from wengert.ops.extents import as_dim
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import cast
from wengert.ops.leaves import CONSTANT, const, fresh, machine_number, size
from wengert.ops.subscripts import subscript, update

__all__ = [
    "ListOf",
    "Stacked",
    "deleted",
    "emptied",
    "inserted",
    "inside",
    "packed",
    "part",
    "popped",
    "pushed",
    "put_in_rows",
    "read",
    "settle",
    "stored",
    "taken_in_order",
    "with_all",
]

# Any: elements are whatever the program has.
Contents = tuple[tuple[Any, ...], Growing | None]  # of a list, as its slot has them


# --- rows --------------------------------------------------------------------------------------------------
def _rows_of(type_: Type) -> Type:
    return Type(type_.dtype, (as_dim(capacity_of(active())), *type_.shape))


def _empty(form: Form) -> Growing:
    """No elements, and room for some."""
    room = as_dim(capacity_of(active()))
    rows = tuple(full((room, *t.shape), filler(Type(t.dtype))) for t in leaf_types(form))
    return Growing(0, form, rows, room=True)


def _has_room(growing: Growing | None) -> bool:
    """Whether elements can be added to the rows as they are."""
    if growing is None or not growing.room or growing.rows is None:
        return False
    room = as_dim(capacity_of(active()))
    return all(rows.shape[0] == room for rows in growing.rows)


def _plus(length: Any, more: Any) -> Any:
    """A length and a number, without noting in the open region that it is computed."""
    total = to_expr(length) + to_expr(more)
    return machine_number(total.attr) if total.op is CONSTANT else Scalar(total)


def _leaves(form: Form, value: Any, side: Side) -> list[Expr]:
    """The numbers in a value, as rows have them."""
    found: list[Expr] = []
    form.leaves(value, side, found, Seen())
    return [cast(e, e.value_type.dtype) if e.value_type.weak else e for e in found]


def _added(growing: Growing, value: Any, side: Side) -> Growing:
    """With one more element at the end, for which there is room."""
    assert growing.rows is not None
    leaves = _leaves(growing.form, value, side)
    at = to_expr(growing.length)
    rows = tuple(update(r, at, v) for r, v in zip(growing.rows, leaves, strict=True))
    return replace(growing, rows=rows, length=_plus(growing.length, 1), last=None)


def _started(values: list[Any], form: Form, side: Side) -> Growing:
    """Elements that are known to be there, with room for more."""
    if not values:
        return _empty(form)
    capacity_of(active(), least=len(values))
    room = as_dim(capacity_of(active()))
    columns = zip(*(_leaves(form, v, side) for v in values), strict=True)
    rows = []
    for column, type_ in zip(columns, leaf_types(form), strict=True):
        rest = full((room - len(values), *type_.shape), filler(Type(type_.dtype)))
        rows.append(concatenate([stack(column, 0), rest]))
    return Growing(len(values), form, tuple(rows), room=True)


def _moved(growing: Growing, form: Form) -> Growing:
    """Elements from rows without room, in rows with room."""
    stacks = growing.stacks
    assert stacks is not None
    room_for(_plus(growing.length, -1))
    empty = _empty(form)
    assert empty.rows is not None
    rows = []
    for target, source in zip(empty.rows, stacks, strict=True):
        part = slice(0, source.shape[0])
        rows.append(update(target, part, cast(source, target.value_type.dtype)))
    return Growing(growing.length, form, tuple(rows), room=True)


def _widened(growing: Growing, form: Form) -> Growing:
    """Elements of one form as elements of a wider one.

    Raises:
        Unfit: the two have different parts.
    """
    before, after = leaf_types(growing.form), leaf_types(form)
    if [t.shape for t in before] != [t.shape for t in after]:
        raise Unfit("elements of one kind and of another")
    assert growing.rows is not None
    rows = (cast(r, t.dtype) for r, t in zip(growing.rows, after, strict=True))
    return replace(growing, form=form, rows=tuple(rows), last=None)


def packed(contents: Contents, form: Form, side: Side) -> Growing:
    """All elements of a list in rows with room."""
    elements, growing = contents
    if growing is not None and growing.rows is None:
        need_rows(growing)
    left = list(elements)
    if growing is None:
        certain = next((i for i, v in enumerate(left) if type(v) is Maybe), len(left))
        found = _started(left[:certain], form, side)
        left = left[certain:]
    else:
        found = growing if growing.form is form else _widened(growing, form)
        found = found if _has_room(found) else _moved(found, form)
    if left:
        room_for(_plus(found.length, len(left) - 1))
    for element in left:
        if type(element) is Maybe:
            longer = _added(found, element.value, side)
            more = where(to_expr(element.present), const(1), const(0))
            found = replace(longer, length=_plus(found.length, more))
        else:
            found = _added(found, element, side)
    return found


# --- forms -------------------------------------------------------------------------------------------------
def example(form: Form) -> Any:
    """Some value of a form."""
    return form.build(Building(iter([fresh(t) for t in leaf_types(form)])))


def _examples(contents: Contents, known: Form | None) -> Iterator[Any]:
    """Values that are like the elements of a list."""
    elements, growing = contents
    if growing is not None and growing.form is not known:
        yield example(growing.form)
    for element in elements:
        yield element.value if type(element) is Maybe else element


class Stacked(Form):
    """The contents of a list in rows with room."""

    def __init__(self, element: Form) -> None:
        self.element = element
        self.loop: Any = None  # the place of the loop that carries the list

    @staticmethod
    def of(*many: Contents, uniting: Uniting) -> Stacked:
        """The form of several contents.

        Raises:
            Unfit: their elements are of different kinds.
        """
        values = [value for contents in many for value in _examples(contents, None)]
        if not values:
            return Stacked(Poisoned("a list without elements"))
        form = alone(values[0], uniting)
        for value in values[1:]:
            form = form.join(value, uniting)
        if has_poison(form):
            raise Unfit("elements of one kind and of another")
        return Stacked(form)

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        growing = packed(value, self.element, side)
        assert growing.rows is not None
        out += [to_expr(growing.length), *growing.rows]

    def fill(self, out: list[Expr], seen: Seen) -> None:
        self.leaves(((), None), Side(), out, seen)

    def types(self, out: list[Type], seen: Seen) -> None:
        out.append(Type("int64", weak=True))
        out += map(_rows_of, leaf_types(self.element))

    def join(self, value: Any, uniting: Uniting) -> Form:
        form = self.element
        for each in _examples(value, form):
            form = alone(each, uniting) if isinstance(form, Poisoned) else form.join(each, uniting)
        if form is self.element:
            return self
        if has_poison(form):
            raise Unfit("elements of one kind and of another")
        return Stacked(form)

    def build(self, building: Building) -> Any:
        context = active()
        length = scalar_of(next(building.exprs))
        rows = tuple(context.record(next(building.exprs)) for _ in leaf_types(self.element))
        return ((), Growing(length, self.element, rows, room=True, loop=self.loop))


class ListOf(Form):
    """A list whose contents are stacked."""

    def __init__(self, contents: Stacked, pair: tuple[Any, ...]) -> None:
        self.contents, self.pair = contents, pair

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if not seen.again(self, value):
            found = side.list_(value) if isinstance(value, list) else ((), None)
            self.contents.leaves(found, side, out, seen)

    def fill(self, out: list[Expr], seen: Seen) -> None:
        self.leaves(None, Side(), out, seen)

    def types(self, out: list[Type], seen: Seen) -> None:
        if not seen.again(self):
            self.contents.types(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if type(value) is not list:
            raise Unfit(f"a list and {type(value).__name__}")
        joined = self.contents.join(uniting.second.list_(value), uniting)
        return self if joined is self.contents else ListOf(joined, self.pair)  # type: ignore[arg-type]

    def build(self, building: Building) -> Any:
        known = building.known(self)
        if known is not None:
            return known
        found = active().birth([])
        set_growing(found, self.contents.build(building)[1])
        active().merge(found, *self.pair)
        return building.note(self, found)


def settle(form: Form, value: Any) -> Any:
    """What a slot holds, with lists that are carried in rows put into rows."""
    try:
        if isinstance(form, Stacked):
            return ((), packed(value, form.element, Side()))
        if isinstance(form, ListOf) and type(value) is list:
            contents = ListSlot(value).get()
            if not (_has_room(contents[1]) and not contents[0]):
                _set(value, packed(contents, form.contents.element, Side()))
    except Unfit:  # the form will be widened
        return value
    return value


# --- what programs do --------------------------------------------------------------------------------------
def _set(owner: list[Any], growing: Growing) -> None:
    active().touch(ListSlot(owner))
    list.clear(owner)
    set_growing(owner, growing)


def _fitting(growing: Growing, value: Any) -> Growing:
    """The elements in a form that holds another value too."""
    try:
        joined = growing.form.join(value, Uniting(Side(), Side(), "list", ""))
        if has_poison(joined):
            raise Unfit("elements of one kind and of another")
        return growing if joined is growing.form else _widened(growing, joined)
    except Unfit as error:
        refuse(f"a list whose length depends on run-time values gets {error}", NeedConcrete)


def pushed(owner: list[Any], value: Any) -> bool:
    """``owner.append(value)`` where the list has rows with room; else False."""
    growing = growing_of(owner)
    if owner or growing is None or not _has_room(growing):
        return False
    growing = _fitting(growing, value)
    room_for(growing.length)
    freeze(value, CHANGED)
    _set(owner, _recorded(_added(growing, value, Side())))
    return True


def _recorded(growing: Growing) -> Growing:
    assert growing.rows is not None
    for rows in growing.rows:
        active().record(rows)
    length = (
        scalar_of(growing.length.expr) if isinstance(growing.length, Handle) else growing.length
    )
    return replace(growing, length=length)


def inside(index: Any, length: Any, words: str) -> Any:
    """A place counted from the front, with a check that it is one."""
    from wengert.frontend.staging.branches import choose
    from wengert.frontend.staging.stage import and_, binary, compare

    at = choose(compare("<", index, 0), lambda: binary("+", index, length), lambda: index)
    require(and_(compare(">=", at, 0), lambda: compare("<", at, length)), "IndexError", words)
    return at


def read(owner: list[Any], index: Any) -> Any:
    """``owner[index]`` for one place."""
    growing = with_all(owner)
    return growing.element(inside(index, growing.length, "list index out of range"))


def part(owner: list[Any], index: slice) -> list[Any]:
    """``owner[start:stop:step]``."""
    growing = with_all(owner)
    found: list[Any] = active().birth([])
    if index.step is not None and known(index.step) != 1:
        stacks = [getitem(wrap(s), index).expr for s in growing.stacks or ()]
        length = scalar_of(size(stacks[0].shape[0])) if stacks else 0
        set_growing(
            found, replace(growing, length=length, rows=tuple(stacks), room=False, last=None)
        )
        return found
    length = to_expr(growing.length)
    start = const(0) if index.start is None else _bound(index.start, length)
    stop = length if index.stop is None else _bound(index.stop, length)
    count = maximum(stop - start, const(0)) if index.start is not None else stop
    rows = growing.rows
    assert rows is not None
    if index.start is not None:
        first = as_dim(start)
        rows = tuple(subscript(r, slice(first, first + as_dim(count))) for r in rows)
    shorter = replace(growing, length=scalar_of(count), rows=rows, room=True, last=None)
    set_growing(found, _recorded(shorter))
    return found


def _bound(bound: Any, length: Expr) -> Expr:
    """A bound of a slice counted from the front, inside the list."""
    number = known(bound)
    if number is UNKNOWN:
        node = to_expr(bound)
        return where(node < 0, maximum(node + length, const(0)), minimum(node, length))
    if number < 0:
        return maximum(length + int(number), const(0))
    return minimum(const(int(number)), length)


def stored(owner: list[Any], index: Any, value: Any) -> None:
    """``owner[index] = value``."""
    growing = _fitting(with_all(owner), value)
    assert growing.rows is not None
    at = to_expr(inside(index, growing.length, "list assignment index out of range"))
    freeze(value, CHANGED)
    leaves = _leaves(growing.form, value, Side())
    rows = tuple(update(r, at, v) for r, v in zip(growing.rows, leaves, strict=True))
    _set(owner, _recorded(replace(growing, rows=rows, last=None)))


def with_all(owner: list[Any]) -> Growing:
    """All elements of a list in rows."""
    growing = growing_of(owner)
    if growing is not None and growing.rows is None:
        need_rows(growing)
    if growing is not None and not owner:
        return growing
    contents = ListSlot(owner).get()
    try:
        form = Stacked.of(contents, uniting=Uniting(Side(), Side(), "list", "")).element
        return packed(contents, form, Side())
    except Unfit as error:
        refuse(f"a list whose length depends on run-time values has {error}", NeedConcrete)


def put_in_rows(owner: list[Any]) -> None:
    """Put ordinary elements behind the rows of a list into rows too."""
    if owner:
        _set(owner, with_all(owner))


def taken_in_order(owner: list[Any], places: Any, length: Any = None) -> list[Any]:
    """A list of the elements at some places, which are as many as the list has unless told otherwise."""
    growing = with_all(owner)
    assert growing.rows is not None
    rows = tuple(active().record(subscript(r, to_expr(places))) for r in growing.rows)
    count = growing.length if length is None else length
    found: list[Any] = active().birth([])
    set_growing(found, replace(growing, length=count, rows=rows, room=False, last=None))
    return found


def repeated(owner: Any, times: Any) -> list[Any]:
    """``owner * times`` for a run-time number."""
    from wengert.frontend.staging.calls import call
    from wengert.frontend.staging.stage import binary

    elements = call(list, owner)
    if not (elements or growing_of(elements)):
        return elements  # type: ignore[no-any-return]  # the list
    growing = with_all(elements)
    length = binary("*", call(max, times, 0), growing.length)
    places = binary("%", call(np.arange, length), growing.length)
    return taken_in_order(elements, places, length)


def popped(owner: list[Any], index: Any = -1) -> Any:
    """``owner.pop(index)``."""
    from wengert.frontend.staging.stage import binary, compare

    growing = with_all(owner)
    some = compare(">", growing.length, 0)
    require(some if isinstance(some, bool) else some.expr, "IndexError", "pop from empty list")
    shorter = binary("-", growing.length, 1)
    if isinstance(index, int) and index == -1:
        found = growing.element(shorter)
        _set(owner, replace(growing, length=shorter, room=True, last=None))
        return found
    at = inside(index, growing.length, "pop index out of range")
    found = growing.element(at)
    _set(owner, _without(growing, at, shorter))
    return found


def emptied(owner: list[Any]) -> None:
    """``owner.clear()``; rows are kept for what comes next."""
    growing = growing_of(owner)
    list.clear(owner)
    if growing is not None and _has_room(growing):
        set_growing(owner, replace(growing, length=0, last=None))
    else:
        set_growing(owner, None)


def deleted(owner: list[Any], index: Any) -> None:
    """``del owner[index]``."""
    from wengert.frontend.staging.stage import binary

    growing = with_all(owner)
    at = inside(index, growing.length, "list assignment index out of range")
    _set(owner, _without(growing, at, binary("-", growing.length, 1)))


def _without(growing: Growing, at: Any, shorter: Any) -> Growing:
    """Without the element at a place: those behind it move one place to the front."""
    assert growing.rows is not None
    rows = tuple(_shifted(r, at, 1) for r in growing.rows)
    return _recorded(replace(growing, length=shorter, rows=rows, room=True, last=None))


def inserted(owner: list[Any], index: Any, value: Any) -> None:
    """``owner.insert(index, value)``."""
    from wengert.frontend.staging.branches import choose
    from wengert.frontend.staging.stage import binary, compare

    growing = _fitting(with_all(owner), value)
    growing = growing if _has_room(growing) else _moved(growing, growing.form)
    assert growing.rows is not None
    length = growing.length
    room_for(length)
    at = choose(compare("<", index, 0), lambda: binary("+", index, length), lambda: index)
    at = choose(compare("<", at, 0), lambda: 0, lambda: at)
    at = choose(compare("<", at, length), lambda: at, lambda: length)
    freeze(value, CHANGED)
    leaves = _leaves(growing.form, value, Side())
    rows = tuple(
        update(_shifted(r, at, -1), to_expr(at), v)
        for r, v in zip(growing.rows, leaves, strict=True)
    )
    longer = binary("+", length, 1)
    _set(owner, _recorded(replace(growing, length=longer, rows=rows, last=None)))


def _shifted(rows: Expr, at: Any, by: int) -> Expr:
    """Rows of which those from a place on come ``by`` places earlier."""
    room = rows.shape[0]
    if by > 0:
        moved = update(rows, slice(0, room - 1), subscript(rows, slice(1, None)))
    else:
        moved = update(rows, slice(1, None), subscript(rows, slice(0, room - 1)))
    if isinstance(at, int) and at == 0:
        return moved
    from wengert.frontend.staging.calls import call
    from wengert.frontend.staging.stage import compare

    places = call(np.arange, scalar_of(size(room)))
    behind = compare(">=", places, at)
    for _ in rows.shape[1:]:
        behind = behind[..., None]
    chosen = call(np.where, behind, Array(Buffer(moved)), Array(Buffer(rows)))
    return to_expr(chosen)
