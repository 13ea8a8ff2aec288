"""Forms: what a value that differs between two ways, or from iteration to iteration, looks like.

A form takes a value apart into expressions (``leaves``) and puts such a value together again (``build``).
The form that holds two values is their ``union``: numbers get the type that holds both, containers are taken
element by element, a value missing on one way gets a flag, and what cannot be united is poisoned: an error
only when it is used.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from wengert.frontend.staging.context import (
    UNASSIGNED,
    Finals,
    ListSlot,
    active,
)
from wengert.frontend.staging.frozen import freeze_like
from wengert.frontend.staging.growing import Growing, Maybe, growing_of
from wengert.frontend.staging.handles import (
    Array,
    Buffer,
    Choice,
    Handle,
    Partial,
    Poison,
    Scalar,
    classes_of,
    describe,
    is_number,
    scalar_of,
    taken,
    to_expr,
    type_of,
)
from wengert.frontend.staging.texts import has_marks, template_of, worded
from wengert.ir.node import Expr
from wengert.ir.types import Type, promote
from wengert.ops.algebra import zeros
from wengert.ops.choice import eq, where
from wengert.ops.layout import cast
from wengert.ops.leaves import const

__all__ = [
    "ArrayForm",
    "Building",
    "Form",
    "Seen",
    "Side",
    "Unfit",
    "Uniting",
    "alone",
    "array_forms",
    "filler",
    "has_poison",
    "same",
    "union",
]

# Any: values are whatever the program has.


class Unfit(Exception):  # noqa: N818  an answer, caught by who asked
    """Two values that no form holds; the text says why."""


def attributes_of(object_: Any) -> dict[str, Any]:
    """The attributes of an object, in ``__dict__`` and in slots."""
    found = dict(getattr(object_, "__dict__", ()))
    for cls in type(object_).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(object_, name):
                found[name] = getattr(object_, name)
    return found


def has_attributes(object_: Any) -> bool:
    """Whether a value is an object that is known by its attributes."""
    if isinstance(
        object_, (str, types.FunctionType, type, types.ModuleType, types.MethodType, Enum)
    ):
        return False
    return hasattr(object_, "__dict__") or (
        any("__slots__" in c.__dict__ for c in type(object_).__mro__ if c.__module__ != "builtins")
        and not isinstance(object_, Handle | Poison | np.generic)
    )


class Side:
    """One of the ways: contents of things that a closed region changed, else as they are."""

    def __init__(self, finals: Finals | None = None) -> None:
        self.values = finals.values if finals else {}

    def list_(self, object_: list[Any]) -> tuple[tuple[Any, ...], Growing | None]:
        """The elements of a list on this way, and what has grown at run time."""
        found = self.values.get(("list", id(object_)))
        if found is not None:
            return found  # type: ignore[no-any-return]  # as the slot gives it
        return tuple(object_), growing_of(object_)

    def dict_(self, object_: dict[Any, Any]) -> dict[Any, Any]:
        """The contents of a dict on this way."""
        return self.values.get(("dict", id(object_)), object_)  # type: ignore[no-any-return]

    def attrs(self, object_: Any) -> dict[str, Any]:
        """The attributes of an object on this way."""
        found = attributes_of(object_)
        for key, value in self.values.items():
            if key[0] == "attr" and key[1] == id(object_):
                if value is UNASSIGNED:
                    found.pop(key[2], None)
                else:
                    found[key[2]] = value
        return found

    def array(self, array: Array) -> Expr:
        """The elements of an array on this way."""
        found = self.values.get(("buffer", array.buffer.serial))
        if found is None:
            return array.expr
        value, stale, _ = found
        if stale is not None:
            from wengert.frontend.staging.handles import is_stale

            is_stale(stale)
        return taken(array.views, value)


class Building:
    """One putting together: equal forms give the same object."""

    def __init__(self, exprs: Iterator[Expr]) -> None:
        self.exprs = exprs
        self.made: dict[int, Any] = {}
        self.others: dict[int, list[Any]] = {}  # of forms that are no longer one object
        self.shares = False  # whether some object was asked for twice

    def known(self, form: Form) -> Any:
        """What was made of a form; ``None`` if it has to be made."""
        found = self.made.get(id(form))
        if found is None or form.apart:
            return None
        self.shares = True
        return found

    def note(self, form: Form, made: Any) -> Any:
        """Note what was made of a form."""
        if form.apart:
            self.others.setdefault(id(form), []).append(made)
        self.made[id(form)] = made
        return made

    def all(self, form: Form) -> list[Any]:
        """All that was made of a form."""
        found = self.made.get(id(form))
        return self.others.get(id(form), [] if found is None else [found])


class Seen:
    """The forms of a value that have been taken apart, and the objects that they were.

    What two names stand for is taken apart once. ``torn``: some are no longer one object, so from now on
    their form is taken apart wherever it is.
    """

    __slots__ = ("torn", "values")

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}
        self.torn = False

    def again(self, form: Form, value: Any = None) -> bool:
        """Whether a form has been met before."""
        before = self.values.setdefault(id(form), _FIRST)
        if before is _FIRST:
            self.values[id(form)] = value
            return False
        if not (before is value or before is None or value is None or same(before, value)):
            form.apart = self.torn = True
        return not form.apart


_FIRST = object()


class Form:
    """See the module."""

    apart = False  # whether two names that stood for one object of this form may stand for two

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        """Append the expressions of a value of this form (``UNASSIGNED`` or None give fillers)."""
        raise NotImplementedError

    def build(self, building: Building) -> Any:
        """A value of this form from expressions."""
        raise NotImplementedError

    def fill(self, out: list[Expr], seen: Seen) -> None:
        """Append expressions for a missing value."""
        raise NotImplementedError

    def types(self, out: list[Type], seen: Seen) -> None:
        """Append the types of the expressions."""
        raise NotImplementedError

    def join(self, value: Any, uniting: Uniting) -> Form:
        """The form that also holds the value: this very form if it does already."""
        raise NotImplementedError


@dataclass(eq=False)
class Keep(Form):
    """The same object on both ways."""

    value: Any

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        return

    fill = lambda self, out, seen: None  # noqa: E731

    types = lambda self, out, seen: None  # noqa: E731

    def join(self, value: Any, uniting: Uniting) -> Form:
        return self if same(self.value, value) else union(self.value, value, uniting)

    def build(self, building: Building) -> Any:
        return self.value


def filler(type_: Type) -> Expr:
    """Some value of a type."""
    if type_.shape:
        return cast(zeros(type_.shape), type_.dtype)
    if type_.dtype == "bool":
        return const(False)
    if type_.weak:
        return const({"i": 0, "f": 0.0, "c": 0j}[type_.dtype[0]])
    return const(np.dtype(type_.dtype).type(0))


def converted(expr: Expr, type_: Type) -> Expr:
    """A number or an array in the dtype of a union."""
    given = expr.value_type
    if given.dtype == type_.dtype and (given.weak == type_.weak or given.dtype == "bool"):
        return expr
    if type_.weak:
        if given.dtype == "bool":
            return (
                where(expr, const(1), const(0))
                if type_.dtype == "int64"
                else _weakly(where(expr, const(1), const(0)), type_)
            )
        return _weakly(expr, type_)
    return cast(expr, type_.dtype)


def _weakly(expr: Expr, type_: Type) -> Expr:
    """A Python number as one of a wider kind; cond and loop convert on the way in."""
    from wengert.ops.leaves import CONSTANT, machine_number

    if expr.op is CONSTANT:
        number = machine_number(expr.attr)
        return const(float(number) if type_.dtype == "float64" else complex(number))
    return expr


@dataclass(eq=False)
class Number(Form):
    """A number."""

    type: Type
    python: bool  # a Python bool
    classes: frozenset[Any]  # that it has in Python, one way or another

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        out.append(converted(to_expr(value), self.type))

    def fill(self, out: list[Expr], seen: Seen) -> None:
        out.append(filler(self.type))

    def types(self, out: list[Type], seen: Seen) -> None:
        out.append(self.type)

    def join(self, value: Any, uniting: Uniting) -> Form:
        missing = _missing_join(self, value, uniting)
        if missing is not None:
            return missing
        if not is_number(value) or _is_array(value):
            raise Unfit(f"{_named(self.type)} and {describe(value)}")
        given = _plain_bool(type_of(value))
        type_ = self.type if given is self.type else _joined_scalar(self.type, given)
        python = self.python and _is_python_bool(value)
        classes = self.classes | classes_of(value)
        if type_ is self.type and python == self.python and classes == self.classes:
            return self
        return Number(type_, python, classes)

    def build(self, building: Building) -> Any:
        found = scalar_of(next(building.exprs))
        if isinstance(found, Scalar) and self.python:
            found.python = True
        if isinstance(found, Scalar) and len(self.classes) > 1:
            active().classes[found.expr] = self.classes
        return found


@dataclass(eq=False)
class ArrayForm(Form):
    """An array; what the two ways have may be shared with other names."""

    type: Type
    pair: tuple[Any, ...]  # the handles, for what they may be the same memory as

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if seen.again(self, value):
            return
        expr = side.array(value) if isinstance(value, Array) else to_expr(value)
        out.append(converted(expr, self.type))

    def fill(self, out: list[Expr], seen: Seen) -> None:
        if not seen.again(self):
            out.append(filler(self.type))

    def types(self, out: list[Type], seen: Seen) -> None:
        if not seen.again(self):
            out.append(self.type)

    def join(self, value: Any, uniting: Uniting) -> Form:
        missing = _missing_join(self, value, uniting)
        if missing is not None:
            return missing
        if not is_number(value) or not _is_array(value):
            raise Unfit(f"{_named(self.type)} and {describe(value)}")
        given = type_of(value)
        if given.shape != self.type.shape:
            raise Unfit(f"{_named(self.type)} and {describe(value)}")
        if not any(value is each for each in self.pair):
            self.pair = (*self.pair, value)  # one more that it may be the same memory as
        dtype = promote(given, self.type).dtype
        if dtype == self.type.dtype:
            return self
        return ArrayForm(Type(dtype, given.shape), self.pair)

    def build(self, building: Building) -> Any:
        known = building.known(self)
        if known is not None:
            return known
        expr = active().record(next(building.exprs))
        return building.note(self, freeze_like(Array(Buffer(expr)), self.pair))


@dataclass(eq=False)
class Sequence_(Form):  # noqa: N801  `Sequence` is the abstract class
    """A tuple or a list; a list is made anew once."""

    cls: type
    items: list[Form]
    of_list: bool = False  # contents of a list, whose elements may be missing
    pair: tuple[Any, ...] = ()  # the lists that it may be

    @property
    def _is_shared(self) -> bool:
        return self.cls is list  # of tuples nobody can tell which is which

    def _items(self, value: Any, side: Side) -> Sequence[Any]:
        return side.list_(value)[0] if isinstance(value, list) else value

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if self._is_shared and seen.again(self, value):
            return
        items = self._items(value, side)
        padded = [*items, *([ABSENT] * (len(self.items) - len(items)))]
        for form, item in zip(self.items, padded, strict=True):
            form.leaves(item, side, out, seen)

    def fill(self, out: list[Expr], seen: Seen) -> None:
        if self._is_shared and seen.again(self):
            return
        for form in self.items:
            form.fill(out, seen)

    def types(self, out: list[Type], seen: Seen) -> None:
        if self._is_shared and seen.again(self):
            return
        for form in self.items:
            form.types(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if type(value) is not self.cls:
            return _misfit(self, value, uniting)
        items = self._items(value, uniting.second)
        grown = uniting.second.list_(value)[1] if isinstance(value, list) else None
        if self.of_list and (grown is not None or (uniting.loop and len(items) > len(self.items))):
            return self._in_rows((tuple(items), grown), uniting)
        if len(items) > len(self.items) or grown is not None:
            raise Unfit(f"{self.cls.__name__} of {len(self.items)} and {describe(value)}")
        if len(items) < len(self.items) and not self.of_list:
            raise Unfit(f"{self.cls.__name__} of {len(self.items)} and {describe(value)}")
        padded = [*items, *([ABSENT] * (len(self.items) - len(items)))]
        joined = [_joined_place(f, v, uniting) for f, v in zip(self.items, padded, strict=True)]
        if all(a is b for a, b in zip(joined, self.items, strict=True)):
            return self
        return Sequence_(self.cls, joined, self.of_list, self.pair)

    def _in_rows(self, contents: Any, uniting: Uniting) -> Form:
        """The form of a list that also holds contents of another length."""
        from wengert.frontend.staging.stacks import ListOf, Stacked, example

        mine = ListSlot(example(self)).get() if self.items else ((), None)
        return ListOf(Stacked.of(mine, contents, uniting=uniting), self.pair)

    def build(self, building: Building) -> Any:
        known = building.known(self) if self._is_shared else None
        if known is not None:
            return known
        items = [form.build(building) for form in self.items]
        if hasattr(self.cls, "_fields"):
            found = self.cls(*items)
        else:
            found = items if self.cls is list else self.cls(items)
            if self.cls is list and self.pair:
                active().merge(active().birth(found), *self.pair)
                freeze_like(found, self.pair)
        return building.note(self, found)


@dataclass(eq=False)
class Flagged(Form):
    """An element of a list that is there on some ways only."""

    inner: Form

    def types(self, out: list[Type], seen: Seen) -> None:
        out.append(Type("bool"))
        self.inner.types(out, seen)

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if value is ABSENT:
            self.fill(out, seen)
        elif type(value) is Maybe:
            out.append(to_expr(value.present))
            self.inner.leaves(value.value, side, out, seen)
        else:
            out.append(const(True))
            self.inner.leaves(value, side, out, seen)

    def fill(self, out: list[Expr], seen: Seen) -> None:
        out.append(const(False))
        self.inner.fill(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if value is ABSENT:
            return self
        inner = self.inner.join(value.value if type(value) is Maybe else value, uniting)
        return self if inner is self.inner else Flagged(inner)

    def build(self, building: Building) -> Any:
        present = active().record(next(building.exprs))
        return Maybe(Scalar(present, python=True), self.inner.build(building))


class _Absent:
    """An element that a list does not have on one of the ways."""


ABSENT = _Absent()


def positions(
    first: Sequence[Any], second: Sequence[Any], uniting: Uniting, cls: type
) -> Sequence_:
    """The form of two lists, place by place; elements that one does not have get a flag."""
    flagged = any(type(v) is Maybe for v in (*first, *second))
    if uniting.loop and len(first) != len(second) and not flagged:
        raise Unfit(f"a list of {len(first)} and a list of {len(second)}")
    found: list[Form] = []
    for i in range(max(len(first), len(second))):
        x = first[i] if i < len(first) else ABSENT
        y = second[i] if i < len(second) else ABSENT
        found.append(_position(x, y, uniting))
    return Sequence_(cls, found, True)


def _joined_place(form: Form, value: Any, uniting: Uniting) -> Form:
    """The form of a place of a list that also holds an element, or none."""
    if isinstance(form, Flagged) or not (value is ABSENT or type(value) is Maybe):
        return form.join(value, uniting)
    if isinstance(form, Keep):
        if value is form.value:
            return form
        kept = form.value
        uniting.late = False
        inner = _there(kept.value if type(kept) is Maybe else kept, uniting)
        return Flagged(inner).join(value, uniting)
    return Flagged(form).join(value, uniting)


def _position(x: Any, y: Any, uniting: Uniting) -> Form:
    plain = not any(v is ABSENT or type(v) is Maybe for v in (x, y))
    if plain:
        try:
            return union(x, y, uniting)
        except Unfit as error:
            return Poisoned(f"an element of `{uniting.name}` is {error} {uniting.where}")
    if x is y:
        return Keep(x)
    a = x.value if type(x) is Maybe else x
    b = y.value if type(y) is Maybe else y
    if a is ABSENT or b is ABSENT:
        uniting.late = a is ABSENT
        return Flagged(_there(b if a is ABSENT else a, uniting))
    inner = union(a, b, uniting)
    return Flagged(alone(a, uniting) if isinstance(inner, Keep) and is_number(a) else inner)


@dataclass(eq=False)
class Fields(Form):
    """A dict, or an object by its attributes."""

    cls: type
    items: dict[Any, Form]
    pair: tuple[Any, ...] = ()  # the objects that it may be

    def _items(self, value: Any, side: Side) -> dict[Any, Any]:
        return side.dict_(value) if isinstance(value, dict) else side.attrs(value)

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if seen.again(self, value):
            return
        values = self._items(value, side)
        for name, form in self.items.items():
            if name in values:
                form.leaves(values[name], side, out, seen)
            else:
                form.leaves(UNASSIGNED, side, out, seen)

    def fill(self, out: list[Expr], seen: Seen) -> None:
        if seen.again(self):
            return
        for form in self.items.values():
            form.fill(out, seen)

    def types(self, out: list[Type], seen: Seen) -> None:
        if seen.again(self):
            return
        for form in self.items.values():
            form.types(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if type(value) is not self.cls:
            return _misfit(self, value, uniting)
        values = self._items(value, uniting.second)
        if set(values) - set(self.items):
            raise Unfit(
                f"{self.cls.__name__} with {sorted(map(str, self.items))} and {sorted(map(str, values))}"
            )
        joined = {n: f.join(values.get(n, UNASSIGNED), uniting) for n, f in self.items.items()}
        if all(joined[n] is f for n, f in self.items.items()):
            return self
        return Fields(self.cls, joined, self.pair)

    def build(self, building: Building) -> Any:
        known = building.known(self)
        if known is not None:
            return known
        if issubclass(self.cls, dict):
            found: Any = building.note(self, self.cls())
            for name, form in self.items.items():
                dict.__setitem__(found, name, form.build(building))
            active().merge(active().birth(found), *self.pair)
            return freeze_like(found, self.pair)
        found = building.note(self, object.__new__(self.cls))
        for name, form in self.items.items():
            object.__setattr__(found, name, form.build(building))
        active().merge(active().birth(found), *self.pair)
        return freeze_like(found, self.pair)


@dataclass(eq=False)
class Missing(Form):
    """A value that may be None, or not assigned."""

    inner: Form
    none: bool
    name: str

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if isinstance(value, Partial):
            out.append(value.missing)
            self.inner.leaves(value.value, side, out, seen)
        elif value is UNASSIGNED or value is None:
            out.append(const(True))
            self.inner.fill(out, seen)
        else:
            out.append(const(False))
            self.inner.leaves(value, side, out, seen)

    def fill(self, out: list[Expr], seen: Seen) -> None:
        out.append(const(True))
        self.inner.fill(out, seen)

    def types(self, out: list[Type], seen: Seen) -> None:
        out.append(Type("bool"))
        self.inner.types(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if isinstance(value, Partial):
            if value.none != self.none and not uniting.name.startswith("_wg_"):
                return _misfit(self, value, uniting)
            none = self.none or value.none
            value = value.value
            if none != self.none:
                return Missing(self.inner.join(value, uniting), none, self.name)
        elif value is (None if self.none else UNASSIGNED):
            return self
        elif value is None and self.name.startswith("_wg_"):
            return Missing(self.inner, True, self.name)
        inner = self.inner.join(value, uniting)
        return self if inner is self.inner else Missing(inner, self.none, self.name)

    def build(self, building: Building) -> Any:
        missing = next(building.exprs)
        return Partial(active().record(missing), self.inner.build(building), self.none, self.name)


@dataclass(eq=False)
class Poisoned(Form):
    """Values that no form holds."""

    why: str

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        return

    fill = lambda self, out, seen: None  # noqa: E731

    types = lambda self, out, seen: None  # noqa: E731

    def join(self, value: Any, uniting: Uniting) -> Form:
        return self

    def build(self, building: Building) -> Any:
        return Poison(self.why)


def array_forms(form: Form) -> Iterator[ArrayForm]:
    """The forms of arrays in a form."""
    stack_: list[Any] = [form]
    while stack_:
        top = stack_.pop()
        if isinstance(top, ArrayForm):
            yield top
        elif isinstance(top, Missing):
            stack_.append(top.inner)
        elif hasattr(top, "items"):
            inner = top.items
            if isinstance(inner, dict):
                stack_ += inner.values()
            elif isinstance(inner, list):
                stack_ += inner
            else:
                stack_.append(inner)


def has_poison(form: Any) -> bool:
    """Whether a part of a form holds no value."""
    todo = [form]
    while todo:
        top = todo.pop()
        if isinstance(top, Poisoned):
            return True
        if isinstance(top, Missing | Flagged):
            todo.append(top.inner)
        inner = getattr(top, "items", None)
        if isinstance(inner, dict):
            todo += inner.values()
        elif isinstance(inner, list):
            todo += inner
        elif inner is not None and not callable(inner):
            todo.append(inner)
    return False


def _named(type_: Type) -> str:
    if type_.weak and not type_.shape:
        return {"b": "bool", "i": "int", "f": "float", "c": "complex"}[type_.dtype[0]]
    return str(type_)


def _missing_join(form: Form, value: Any, uniting: Uniting) -> Form | None:
    if value is None or value is UNASSIGNED:
        return Missing(form, value is None, uniting.name)
    if isinstance(value, Partial):
        return Missing(form.join(value.value, uniting), value.none, value.name)
    return None


def _misfit(form: Form, value: Any, uniting: Uniting) -> Form:
    missing = _missing_join(form, value, uniting)
    if missing is not None:
        return missing
    return Poisoned(f"`{uniting.name}` becomes {describe(value)} {uniting.where}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and has_marks(value)


@dataclass(eq=False)
class Worded(Form):
    """A text with run-time values in it."""

    template: str
    items: list[Form]

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if not _is_text(value):
            self.fill(out, seen)
            return
        for form, each in zip(self.items, template_of(value)[1], strict=True):
            form.leaves(each, side, out, seen)

    def fill(self, out: list[Expr], seen: Seen) -> None:
        for form in self.items:
            form.fill(out, seen)

    def types(self, out: list[Type], seen: Seen) -> None:
        for form in self.items:
            form.types(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if not _is_text(value) or template_of(value)[0] != self.template:
            return _misfit(self, value, uniting)
        pairs = zip(self.items, template_of(value)[1], strict=True)
        joined = [form.join(each, uniting) for form, each in pairs]
        if all(a is b for a, b in zip(joined, self.items, strict=True)):
            return self
        return Worded(self.template, joined)

    def build(self, building: Building) -> Any:
        return worded(self.template, [form.build(building) for form in self.items])


def _is_option(value: Any) -> bool:
    """Whether a value can be chosen by number: a text, a function, a member of an enumeration and such."""
    if isinstance(value, str):
        return not has_marks(value)
    if isinstance(value, types.MethodType):
        return _is_option(value.__self__)
    return isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type, Enum)) or (
        type(value) is object
        or (callable(value) and type(value).__module__.split(".")[0] in ("numpy", "scipy"))
    )


def _among(value: Any, options: tuple[Any, ...]) -> bool:
    return any(same(value, o) for o in options)


_MOST_OPTIONS = 24


def _options(options: tuple[Any, ...], uniting: Uniting) -> Form:
    """One of several; of very many a program would make more with each iteration."""
    if len(options) <= _MOST_OPTIONS:
        return Options(options)
    return Poisoned(
        f"`{uniting.name}` is one of more than {_MOST_OPTIONS} texts or functions, depending on run-time "
        "values; keep numbers, or mode='tape'"
    )


@dataclass(eq=False)
class Options(Form):
    """One of several texts, functions or members of an enumeration, by number."""

    options: tuple[Any, ...]

    def types(self, out: list[Type], seen: Seen) -> None:
        out.append(Type("int64", weak=True))

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        if isinstance(value, Choice):
            places = [self._place(o) for o in value.options]
            expr: Expr = const(places[-1])
            for number, place in reversed(list(enumerate(places[:-1]))):
                expr = where(eq(value.index, const(number)), const(place), expr)
            out.append(value.index if places == list(range(len(places))) else expr)
        else:
            out.append(const(self._place(value)))

    def _place(self, value: Any) -> int:
        return next(i for i, o in enumerate(self.options) if same(o, value))

    def fill(self, out: list[Expr], seen: Seen) -> None:
        out.append(const(0))

    def join(self, value: Any, uniting: Uniting) -> Form:
        missing = _missing_join(self, value, uniting)
        if missing is not None:
            return missing
        given = (
            value.options if isinstance(value, Choice) else (value,) if _is_option(value) else None
        )
        if given is None:
            return _misfit(self, value, uniting)
        new = tuple(o for o in given if not _among(o, self.options))
        return _options((*self.options, *new), uniting) if new else self

    def build(self, building: Building) -> Any:
        index = active().record(next(building.exprs))
        return Choice(index, self.options)


# --- union -----------------------------------------------------------------------------------------------
_SIMPLE = (str, bytes, type(None), type, types.ModuleType, np.dtype, range, slice)


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same at capture, so that nothing has to be chosen."""
    if a is b:
        return True
    if isinstance(a, Scalar) and isinstance(b, Scalar):
        return a.expr is b.expr
    if isinstance(a, Array) and isinstance(b, Array):
        return a.same_part(b)
    if isinstance(a, Handle) or isinstance(b, Handle):
        return False
    if type(a) is not type(b):
        return False
    if isinstance(a, (bool, int, float, complex, np.generic)):
        return (bool(a == b) and str(a) == str(b)) or bool(a != a and b != b)
    if isinstance(a, _SIMPLE):
        return bool(a == b)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, types.FunctionType):
        return _same_function(a, b)
    if isinstance(a, types.MethodType):
        return a.__func__ is b.__func__ and a.__self__ is b.__self__
    return False


def _same_function(a: types.FunctionType, b: types.FunctionType) -> bool:
    """Whether two functions are one definition, executed twice with the same variables around it."""
    return (
        a.__code__ is b.__code__
        and _are(a.__closure__, b.__closure__)
        and _are(a.__defaults__, b.__defaults__)
        and not a.__kwdefaults__
        and not b.__kwdefaults__
    )


def _are(a: tuple[Any, ...] | None, b: tuple[Any, ...] | None) -> bool:
    return len(a or ()) == len(b or ()) and all(map(operator.is_, a or (), b or ()))


@dataclass
class Uniting:
    """One uniting of two sides; shared objects stay shared."""

    first: Side
    second: Side
    name: str
    where: str
    known: dict[tuple[int, int], Form] = field(default_factory=dict)
    keep: list[Any] = field(default_factory=list)
    line: int = 0  # of the branch
    loop: bool = False  # whether the two are before and after an iteration
    late: bool = False  # what stands alone is the second's


def union(a: Any, b: Any, uniting: Uniting) -> Form:
    """The form that holds both values."""
    if same(a, b):
        return Keep(a)
    key = (id(a), id(b))
    if isinstance(a, Array) and isinstance(b, Array) and not a.views and not b.views:
        key = (a.buffer.serial, -1 - b.buffer.serial)
    found = uniting.known.get(key)
    if found is None:
        uniting.keep += [a, b]
        found = _union(a, b, uniting)
        uniting.known[key] = found
    return found


def _union(a: Any, b: Any, uniting: Uniting) -> Form:
    for each in (a, b):
        if isinstance(each, Poison) and not isinstance(each, Choice):
            return Poisoned(each.why)
    for x, y in ((a, b), (b, a)):
        if x is UNASSIGNED or x is None or isinstance(x, Partial):
            return _missing(x, y, a, b, uniting)
    if is_number(a) and is_number(b) and not isinstance(a, Enum) and not isinstance(b, Enum):
        return _numbers(a, b, uniting)
    if isinstance(a, Choice) or isinstance(b, Choice) or (_is_option(a) and _is_option(b)):
        first = a.options if isinstance(a, Choice) else (a,) if _is_option(a) else None
        second = b.options if isinstance(b, Choice) else (b,) if _is_option(b) else None
        if first is not None and second is not None:
            return _options((*first, *(o for o in second if not _among(o, first))), uniting)
    if _is_text(a) and _is_text(b):
        (template, first), (other, second) = template_of(a), template_of(b)
        if template != other:
            return _poison(a, b, uniting)
        pairs = zip(first, second, strict=True)
        return Worded(
            template, [_there(x, uniting) if same(x, y) else union(x, y, uniting) for x, y in pairs]
        )
    if type(a) is not type(b):
        return _poison(a, b, uniting)
    if isinstance(a, (list, tuple)):
        return _sequences(a, b, uniting)
    if isinstance(a, dict):
        first, second = uniting.first.dict_(a), uniting.second.dict_(b)
        return _paired(_fields(type(a), first, second, uniting), a, b)
    if has_attributes(a):
        first, second = uniting.first.attrs(a), uniting.second.attrs(b)
        return _paired(_fields(type(a), first, second, uniting), a, b)
    return _poison(a, b, uniting)


def _paired(form: Form, *pair: Any) -> Form:
    if isinstance(form, Fields):
        form.pair = pair
    return form


def _missing(x: Any, y: Any, a: Any, b: Any, uniting: Uniting) -> Form:
    if isinstance(x, Partial):
        none = x.none
        if uniting.name.startswith("_wg_") and (y is None or (isinstance(y, Partial) and y.none)):
            none = True  # the flags of the lowering see to it that the result is assigned
        elif (
            (y is None and not none)
            or (y is UNASSIGNED and none)
            or (isinstance(y, Partial) and y.none != none)
        ):
            return _poison(a, b, uniting)
        inner_a = a.value if isinstance(a, Partial) else a
        inner_b = b.value if isinstance(b, Partial) else b
        if inner_a is UNASSIGNED or inner_a is None:
            uniting.late = True
            inner = _there(inner_b, uniting)
        elif inner_b is UNASSIGNED or inner_b is None:
            uniting.late = False
            inner = _there(inner_a, uniting)
        else:
            inner = union(inner_a, inner_b, uniting)
        return Missing(inner, none, x.name)
    if y is None or y is UNASSIGNED:
        return Keep(None) if uniting.name.startswith("_wg_") else _poison(a, b, uniting)
    uniting.late = y is b
    return Missing(_there(y, uniting), x is None, uniting.name)


def alone(value: Any, uniting: Uniting) -> Form:
    """The form of one value, all of whose numbers may differ."""
    if is_number(value) and not isinstance(value, Enum):
        form = _numbers(value, value, uniting)
        if isinstance(form, ArrayForm):
            # Which of the two ways has it: the other one holds nothing.
            form.pair = (None, value) if uniting.late else (value, None)
            key = (id(value), -2 if uniting.late else -1)
            uniting.keep.append(value)
            form = uniting.known.setdefault(key, form)
        return form
    if type(value) is Maybe:
        return Flagged(alone(value.value, uniting))
    if isinstance(value, Partial):
        return Missing(alone(value.value, uniting), value.none, value.name)
    key = (id(value), -2 if uniting.late else -1)
    if key not in uniting.known:
        uniting.keep.append(value)
        uniting.known[key] = _parts(value, uniting)
    return uniting.known[key]


def _parts(value: Any, uniting: Uniting) -> Form:
    """The form of one list, tuple, dict or object by its parts; what has none is kept."""
    if isinstance(value, (list, tuple)):
        side = uniting.second if uniting.late else uniting.first
        items = side.list_(value)[0] if isinstance(value, list) else value
        if isinstance(value, list) and side.list_(value)[1] is not None:
            from wengert.frontend.staging.stacks import ListOf, Stacked

            return ListOf(Stacked.of(side.list_(value), uniting=uniting), (value,))
        forms = [alone(v, uniting) for v in items]
        pair = (value,) if type(value) is list else ()
        return Sequence_(type(value), forms, isinstance(value, list), pair)
    if isinstance(value, dict):
        return Fields(type(value), {k: alone(v, uniting) for k, v in value.items()}, (value,))
    if _is_text(value):
        template, values = template_of(value)
        return Worded(template, [alone(v, uniting) for v in values])
    if has_attributes(value):
        parts = {k: alone(v, uniting) for k, v in attributes_of(value).items()}
        return Fields(type(value), parts, (value,))
    return Keep(value)


def _there(value: Any, uniting: Uniting) -> Form:
    """The form of a value that is there on one way only.

    A list, dict or object that was made before the regions that have been closed is the very same.
    """
    if isinstance(value, Partial):
        return Missing(_there(value.value, uniting), value.none, value.name)
    if isinstance(value, tuple):
        return Sequence_(type(value), [_there(v, uniting) for v in value])
    mutable = isinstance(value, (list, dict)) or (
        not isinstance(value, (Handle, Poison, Maybe)) and has_attributes(value)
    )
    return Keep(value) if mutable and active().outlasts(value) else alone(value, uniting)


def _is_array(value: Any) -> bool:
    return isinstance(value, (Array, np.ndarray))


def _numbers(a: Any, b: Any, uniting: Uniting) -> Form:
    first, second = _plain_bool(type_of(a)), _plain_bool(type_of(b))
    if first.shape != second.shape or _is_array(a) != _is_array(b):
        raise Unfit(f"{describe(a)} and {describe(b)}")
    joined = promote(first, second) if first.with_shape(()) is not second.with_shape(()) else first
    if not first.shape and not _is_array(a):
        type_ = first if first is second else _joined_scalar(first, second)
        python = all(_is_python_bool(v) for v in (a, b))
        return Number(type_, python, classes_of(a) | classes_of(b))
    return ArrayForm(Type(joined.dtype, first.shape), (a, b))


def _plain_bool(type_: Type) -> Type:
    """Truth values have one type: Python's and NumPy's are told apart by the handle."""
    return Type("bool", type_.shape) if type_.dtype == "bool" else type_


def _joined_scalar(first: Type, second: Type) -> Type:
    if first.weak and second.dtype == "bool":
        return first
    if second.weak and first.dtype == "bool":
        return second
    return promote(first, second)


def _is_python_bool(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, Scalar) and value.python)


def _sequences(a: Any, b: Any, uniting: Uniting) -> Form:
    if isinstance(a, list):
        first, grown = uniting.first.list_(a)
        second, other = uniting.second.list_(b)
        longer = uniting.loop and len(first) != len(second)
        if type(a) is list and (longer or grown is not None or other is not None):
            from wengert.frontend.staging.stacks import ListOf, Stacked

            contents = (tuple(first), grown), (tuple(second), other)
            return ListOf(Stacked.of(*contents, uniting=uniting), (a, b))
    else:
        first, second = a, b
    if type(a) is list:
        form = positions(first, second, uniting, list)
        form.pair = (a, b)
        return form
    if len(first) != len(second):
        return _poison(a, b, uniting)
    return Sequence_(type(a), [union(x, y, uniting) for x, y in zip(first, second, strict=True)])


def _fields(cls: type, first: dict[Any, Any], second: dict[Any, Any], uniting: Uniting) -> Form:
    found: dict[Any, Form] = {}
    if issubclass(cls, dict):
        orders = [
            [n for n in one if n in other] for one, other in ((first, second), (second, first))
        ]
        if orders[0] != orders[1]:
            raise Unfit("a dict with the keys {} and a dict with the keys {}".format(*orders))
    for name in [*first, *(n for n in second if n not in first)]:
        x, y = first.get(name, UNASSIGNED), second.get(name, UNASSIGNED)
        if x is UNASSIGNED or y is UNASSIGNED:
            if issubclass(cls, dict):
                uniting_name = f"[{name!r}]"
                found[name] = Missing(
                    _there(y if x is UNASSIGNED else x, uniting), False, uniting_name
                )
                continue
            found[name] = Missing(_there(y if x is UNASSIGNED else x, uniting), False, str(name))
            continue
        try:
            found[name] = union(x, y, uniting)
        except Unfit as error:
            found[name] = Poisoned(f"`{uniting.name}.{name}` is {error} {uniting.where}")
    return Fields(cls, found)


def _poison(a: Any, b: Any, uniting: Uniting) -> Form:
    if uniting.name == "_wg_result" and uniting.line:
        return Poisoned(
            f"returns {describe(a)} when the condition at line {uniting.line} holds and {describe(b)} "
            "otherwise; both paths must return the same structure"
        )
    return Poisoned(
        f"`{uniting.name}` is {describe(a) if a is not UNASSIGNED else 'unassigned'} on one path and "
        f"{describe(b) if b is not UNASSIGNED else 'unassigned'} on the other {uniting.where}"
    )
