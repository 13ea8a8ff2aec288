"""Elements of arrays at places that are computed: taking, putting and adding.

The places are integer expressions of one shape, one for each of some adjacent axes, which they stand in for:
``take(x, i, j, axis=0)`` is ``x[i, j]``. Negative places count from the end; places outside are an error when
numbers are known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import EvaluationError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, extent_text, size_of
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import broadcast_together, lift, zeros
from wengert.ops.axes import axis_of
from wengert.ops.choice import eq, ne, where
from wengert.ops.einstein import Label, broadcast_to, ein, is_ones, ones
from wengert.ops.indexing import add_by, index_by, set_by
from wengert.ops.layout import cast, reshape
from wengert.ops.leaves import CONSTANT, number_of
from wengert.ops.places import Stores
from wengert.ops.spans import Index, Span, span_of
from wengert.ops.sums import LIN, add, is_zero, scale

__all__ = ["add_at", "set_at", "take"]

_ELEMENTS = NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE | INTEGER


# --- places ------------------------------------------------------------------------------------------------
def _places(places: Sequence[Any]) -> tuple[Expr, ...]:
    return broadcast_together(*(lift(p) for p in places))


def _part_shape(x: Type, places: Sequence[Type], axis: int, what: str) -> tuple[Extent, ...]:
    """The shape of the elements at the given places.

    Raises:
        ShapeError: more places than axes, or places of several shapes.
        TypeMismatchError: places that are no integers.
    """
    if not places or axis + len(places) > len(x.shape) or len({p.shape for p in places}) != 1:
        raise ShapeError(
            worded(
                what,
                expected=f"places of one shape for axes {axis} and following",
                got=f"{len(places)} for shape {extent_text(x.shape)}",
            )
        )
    for place in places:
        if place.dtype not in ("int32", "int64"):
            raise TypeMismatchError(
                worded(what, expected="integer places", got=str(place), hint="cast them to int64")
            )
    return (*x.shape[:axis], *places[0].shape, *x.shape[axis + len(places) :])


def _known(x: Expr, places: Sequence[Expr], axis: int) -> Index | None:
    """The index of single places that are all numbers."""
    numbers = [number_of(p) for p in places]
    fits = 0 < len(places) <= x.ndim - axis  # if not, the type rule says so
    if not fits or any(type(n) is not int for n in numbers):
        return None
    spans = [Span(0, e, 1, True) for e in x.shape]
    for position, number in enumerate(numbers, start=axis):
        assert type(number) is int
        spans[position] = span_of(number, x.shape[position])
    return Index(tuple(spans), x.shape)


def _at(places: Sequence[Any], axis: int) -> tuple[Any, ...]:
    return (*[slice(None)] * axis, *(np.asarray(p)[()] for p in places))


def _checked(action: Callable[[], Any]) -> Any:
    try:
        return action()
    except IndexError as error:
        raise EvaluationError(
            worded("index", expected="places inside the array", got=str(error))
        ) from None


def _index_text(axis: int, places: int, first: int) -> str:
    """The places in NumPy source, as arguments from ``first`` on: ``:, {1}``."""
    return ", ".join([":"] * axis + [f"{{{first + i}}}" for i in range(places)])


def _copy_in_numpy(node: Expr) -> str:
    base = node.args[0].value_type.dtype
    dtype = node.value_type.dtype
    return "np.array({0})" if base == dtype else f"np.array({{0}}, dtype=np.{dtype})"


def _axis_option(node: Expr) -> dict[str, object]:
    return {"axis": node.attr} if node.attr else {}


def _take_in_numpy(node: Expr) -> str:
    return f"{{0}}[{_index_text(node.attr, len(node.args) - 1, 1)}]"


def _set_in_numpy(node: Expr) -> str:
    index = _index_text(node.attr, len(node.args) - 2, 2)
    return f"{_copy_in_numpy(node)}\n{{name}}[{index}] = {{1}}"


def _add_in_numpy(node: Expr) -> str:
    index = _index_text(node.attr, len(node.args) - 2, 2)
    if not node.args[2].ndim:
        return f"{_copy_in_numpy(node)}\n{{name}}[{index}] += {{1}}"
    everywhere = index.replace(":", "slice(None)")
    return f"{_copy_in_numpy(node)}\nnp.add.at({{name}}, ({everywhere},), {{1}})"


# --- take --------------------------------------------------------------------------------------------------
def take(x: Any, *places: Any, axis: int = 0) -> Expr:
    """The elements of ``x`` at computed places of the axes from ``axis`` on.

    Raises:
        ShapeError: places that do not fit the axes.
        TypeMismatchError: places that are no integers.
    """
    node = lift(x)
    return _take(node, *_places(places), attr=axis_of(axis, node.ndim, "take"))


def _take(node: Expr, *places: Expr, attr: int) -> Expr:
    index = _known(node, places, attr)
    if index is not None:
        return index_by(node, index)
    if is_ones(node) or is_zero(node):
        types = [p.value_type for p in places]
        shape = _part_shape(node.value_type, types, attr, "take")
        return ones(shape) if is_ones(node) else zeros(shape)
    if node.op is SET_AT and node.args[2:] == places and node.attr == attr and not places[0].ndim:
        return node.args[1]
    return make(TAKE, (node, *places), attr)


def _take_transpose(ct: Expr, slot: int, x: Expr, *places: Expr, attr: int) -> Expr:
    lead = ct.ndim - (x.ndim - len(places) + places[0].ndim)
    return _add_at(zeros((*ct.shape[:lead], *x.shape)), ct, *places, attr=attr + lead)


_X = Argument((4, 3))
_I = Argument((), -3, 2, "integers", "int64")
_IS = Argument((5,), -3, 2, "integers", "int64")
_TWICE = Argument((3,), dtype="int64", value=np.array([1, 0, 1]))


def _found_in(node: Expr, array: Expr, ask: Any) -> Callable[[Sequence[Expr]], list[Expr]]:
    """From counters of the part and of the axes around it to places in the whole array."""
    axis = node.attr
    first = 1 if node.op is TAKE else 2
    numbers = range(first, len(node.args))
    rank = node.args[first].ndim

    def places(counters: Sequence[Expr]) -> list[Expr]:
        inner = counters[axis : axis + rank]
        found = [
            ask.within(ask.part(i, inner), array.shape[axis + k]) for k, i in enumerate(numbers)
        ]
        return [*counters[:axis], *found, *counters[axis + rank :]]

    return places


def _element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    found: Expr = ask.part(0, _found_in(node, node.args[0], ask)(places))
    return found


def _stores(node: Expr, ask: Any) -> Stores:
    places = _found_in(node, node.args[0], ask)
    return Stores(
        extents=node.args[1].shape,
        places=lambda *counters: tuple(places(counters)),
        value=lambda *counters: ask.part(1, counters),
        adds=node.op is ADD_AT,
    )


TAKE = register(
    Op(
        name="take",
        doc="Elements of an array at computed places.",
        result=lambda x, *places, attr: x.with_shape(_part_shape(x, places, attr, "take")),
        evaluate=lambda x, *places, attr: _checked(lambda: x[_at(places, attr)]),
        element=_element,
        diff=Linear(_take_transpose, slots=(0,), batched=True),
        spell=Spelling(options=_axis_option, numpy=_take_in_numpy),
        laws=Laws(facts=lambda x, *places, attr: x & _ELEMENTS),
        build=_take,
        call=take,
        samples=(
            Sample((_X, _I), 0, note="one place"),
            Sample((_X, _IS), 1, note="several places"),
            Sample((_X, _IS, _IS), 0, note="elements"),
        ),
        cost=0.0,
    )
)


# --- put and add -------------------------------------------------------------------------------------------
def set_at(base: Any, value: Any, *places: Any, axis: int = 0) -> Expr:
    """``base`` with ``value`` at computed places, which have to differ from each other.

    Raises:
        ShapeError, TypeMismatchError: as for :func:`take`, or a value that does not stretch to the places.
    """
    return _changed(_set_at, base, value, places, axis, "set_at")


def add_at(base: Any, value: Any, *places: Any, axis: int = 0) -> Expr:
    """``base`` with ``value`` added at computed places; what falls on one place is added up.

    Raises:
        ShapeError, TypeMismatchError: as for :func:`take`, or a value that does not stretch to the places.
    """
    return _changed(_add_at, base, value, places, axis, "add_at")


def _changed(
    build: Callable[..., Expr], base: Any, value: Any, given: Sequence[Any], axis: int, what: str
) -> Expr:
    node, places = lift(base), _places(given)
    axis = axis_of(axis, node.ndim, what)
    shape = _part_shape(node.value_type, [p.value_type for p in places], axis, what)
    return build(node, broadcast_to(lift(value), shape), *places, attr=axis)


def _set_at(base: Expr, value: Expr, *places: Expr, attr: int) -> Expr:
    index = _known(base, places, attr)
    if index is not None:
        return set_by(base, value, index)
    if base.op is SET_AT and base.args[2:] == places and base.attr == attr:
        base = base.args[0]
    if places[0].ndim or value.value_type.dtype != base.value_type.dtype:
        return make(SET_AT, (base, value, *places), attr)
    part = make(TAKE, (base, *places), attr)
    if value is part:
        return base
    terms = list(zip(value.attr, value.args, strict=True)) if value.op is LIN else []
    if len(terms) == 2 and (1, part) in terms:  # with three terms the order of adding would matter
        ((coefficient, other),) = [t for t in terms if t[1] is not part]
        return make(ADD_AT, (base, scale(coefficient, other), *places), attr)
    return make(SET_AT, (base, value, *places), attr)


def _add_at(base: Expr, value: Expr, *places: Expr, attr: int) -> Expr:
    index = _known(base, places, attr)
    if index is not None:
        return add_by(base, value, index)
    both = promote(base.value_type, value.value_type)
    if is_zero(value) and both.dtype == base.value_type.dtype:
        return base
    if base.op is SET_AT and base.args[2:] == places and base.attr == attr and not places[0].ndim:
        return _set_at(base.args[0], add(base.args[1], value), *places, attr=attr)
    return make(ADD_AT, (base, value, *places), attr)


def _changed_type(base: Type, value: Type, *places: Type, attr: int) -> Type:
    shape = _part_shape(base, places, attr, "places")
    if value.shape != shape:
        raise ShapeError(
            worded("places", expected=f"a value of shape {extent_text(shape)}", got=str(value))
        )
    return promote(base, value).with_shape(base.shape)


def _set_value(base: Any, value: Any, *places: Any, attr: int) -> Any:
    result = np.array(base, dtype=np.result_type(base, value))
    _checked(lambda: result.__setitem__(_at(places, attr), value))
    return result


def _add_value(base: Any, value: Any, *places: Any, attr: int) -> Any:
    result = np.array(base, dtype=np.result_type(base, value))
    _checked(lambda: np.add.at(result, _at(places, attr), value))
    return result


def _changed_tangent(
    build: Callable[..., Expr], tangents: Sequence[Expr | None], args: Sequence[Expr], axis: int
) -> Expr:
    base, value = (
        zeros(a.shape) if t is None else t for t, a in zip(tangents[:2], args[:2], strict=True)
    )
    return build(base, value, *args[2:], attr=axis)


def _set_transpose(ct: Expr, slot: int, base: Expr, value: Expr, *places: Expr, attr: int) -> Expr:
    lead = ct.ndim - base.ndim
    if slot == 1:
        taken = _take(ct, *places, attr=attr + lead)
        return _of_the_last(taken, base, places, attr, attr + lead)
    zero = zeros((*ct.shape[:lead], *value.shape))
    return _set_at(ct, zero, *places, attr=attr + lead)


def _of_the_last(taken: Expr, base: Expr, places: Sequence[Expr], axis: int, at: int) -> Expr:
    """What was taken, but 0 where a later one of equal places has replaced the element again."""
    shape = places[0].shape
    if not shape or _certainly_differ(places):
        return taken
    from wengert.ops.along import positions  # which uses this module

    numbers = reshape(positions(size_of(shape)), shape)
    nobody = cast(zeros(base.shape[axis : axis + len(places)]), "int64")
    owners = make(SET_AT, (nobody, numbers, *places), 0)
    last = eq(make(TAKE, (owners, *places), 0), numbers)
    labels = range(at, at + len(shape))
    extents: dict[Label, Extent] = dict(enumerate(taken.shape))
    spread = ein([(cast(last, "int64"), labels)], range(taken.ndim), extents)
    return where(ne(spread, 0), taken, zeros(taken.shape))


def _certainly_differ(places: Sequence[Expr]) -> bool:
    if not all(p.op is CONSTANT for p in places):
        return False
    table = np.stack([np.ravel(p.attr) for p in places], axis=1)
    # Places counted from the end may be equal to others.
    return bool((table >= 0).all()) and len(np.unique(table, axis=0)) == len(table)


def _add_transpose(ct: Expr, slot: int, base: Expr, value: Expr, *places: Expr, attr: int) -> Expr:
    return _take(ct, *places, attr=attr + ct.ndim - base.ndim) if slot == 1 else ct


def _added_into(node: Expr, base: Expr) -> Expr | None:
    if not is_zero(node.args[0]):
        return None
    return _add_at(base, *node.args[1:], attr=node.attr)


SET_AT = register(
    Op(
        name="set_at",
        doc="An array with elements replaced at computed places; the last of equal places holds.",
        result=_changed_type,
        evaluate=_set_value,
        stores=_stores,
        diff=Linear(
            _set_transpose,
            slots=(0, 1),
            joint=lambda ts, args, *, attr: _changed_tangent(_set_at, ts, args, attr),
            batched=True,
        ),
        spell=Spelling(options=_axis_option, numpy=_set_in_numpy),
        laws=Laws(facts=lambda base, value, *places, attr: base & value & _ELEMENTS),
        build=_set_at,
        call=set_at,
        samples=(
            Sample((_X, Argument((3,)), _I), 0, note="a row"),
            Sample((_X, Argument((4,)), _I), 1, note="a column"),
            Sample((_X, Argument(), _I, _I), 0, note="an element"),
        ),
        cost=0.0,
    )
)

ADD_AT = register(
    Op(
        name="add_at",
        doc="An array with values added at computed places.",
        result=_changed_type,
        evaluate=_add_value,
        stores=_stores,
        diff=Linear(
            _add_transpose,
            slots=(0, 1),
            joint=lambda ts, args, *, attr: _changed_tangent(_add_at, ts, args, attr),
            batched=True,
        ),
        spell=Spelling(options=_axis_option, numpy=_add_in_numpy),
        laws=Laws(
            facts=lambda base, value, *places, attr: (
                base & value & (NONNEGATIVE | NONPOSITIVE | FINITE | INTEGER)
            )
        ),
        build=_add_at,
        call=add_at,
        into=_added_into,
        count=lambda node: size_of(node.args[1].shape),
        samples=(
            Sample((_X, Argument((3,)), _I), 0, note="a row"),
            Sample((_X, Argument((3, 3)), _TWICE), 0, note="a row twice"),
            Sample((_X, Argument((5,)), _IS, _IS), 0, note="elements"),
        ),
    )
)
