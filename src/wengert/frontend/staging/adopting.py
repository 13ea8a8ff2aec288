"""Values from outside the captured function: globals, closure variables, attributes.

Floats and float arrays become *hidden inputs* that are read again at every call; integers, texts and
functions are *guards*: when one has changed, the function is captured again. Containers and objects are
copied with their leaves replaced, so that a capture never changes anything of the user's; what the program
changes in them is written back after each call.
"""

from __future__ import annotations

import functools
import operator
import types
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from wengert.frontend.staging.context import Context, refuse
from wengert.frontend.staging.handles import Array, Buffer, Handle, Poison, Scalar
from wengert.frontend.staging.narrow import is_narrow, read_only
from wengert.ir.node import Expr, intern
from wengert.ir.types import DTYPES, DType, Type
from wengert.ops.algebra import lift
from wengert.ops.leaves import SYMBOL, Name

__all__ = [
    "LEAST_ROOM", "Adopted", "Capacity", "Content", "Guard", "Hidden", "Item", "capacity_of", "input_symbol",
    "is_changeable", "leaf_type",
    "opaque_module", "whole_type",
]  # fmt: skip

# Any: values are whatever the user's program uses.
_OPAQUE = frozenset((
    "numpy", "scipy", "wengert", "pandas", "sklearn", "matplotlib", "torch", "jax",
    "tensorflow", "numba", "builtins", "collections", "functools", "itertools", "math", "cmath",
    "random", "uarray", "datetime", "decimal", "fractions", "logging", "threading", "re", "os", "io",
    "sys", "pathlib", "enum", "types", "typing", "abc", "weakref", "contextlib", "time", "copy",
    "operator", "heapq", "bisect", "string", "dataclasses",
))  # fmt: skip


@cache
def opaque_module(name: str | None) -> bool:
    """Whether a module is not the user's: its objects are left as they are."""
    return (name or "").split(".")[0] in _OPAQUE


def user_method(cls: type, name: str) -> Any:
    """The method, written in Python, of a class of the program's own; else ``None``."""
    if opaque_module(cls.__module__):
        return None
    method = getattr(cls, name, None)
    return method if isinstance(method, types.FunctionType) else None


@dataclass(frozen=True, eq=False)
class Item:
    """Reads an item of a dict: a global variable."""

    container: dict[str, Any]
    key: str

    def __call__(self) -> Any:
        return self.container[self.key]


@dataclass(frozen=True, eq=False)
class Content:
    """Reads the content of a cell: a variable of an enclosing function."""

    container: types.CellType

    def __call__(self) -> Any:
        return self.container.cell_contents


LEAST_ROOM = 64  # elements that lists always have room for


@dataclass
class Capacity:
    """How many elements lists that loops change have room for; it stays what a run has needed."""

    value: int = LEAST_ROOM
    shows: bool = False  # whether the program prints, which it must do once however often it is run


@dataclass(frozen=True)
class Hidden:
    """An input that is no argument."""

    name: str
    symbol: Expr
    read: Callable[[], Any]
    capacity: Capacity | None = None


@dataclass(frozen=True)
class Guard:
    """A value from outside that the captured program relies on."""

    name: str
    read: Callable[[], Any]
    value: Any
    kind: str  # "is", "equal", "same", "items", "type", "keys" or "bytes"

    def holds(self) -> bool:
        """Whether it is as it was."""
        try:
            now = self.read()
        except Exception:  # the user has removed it
            return False
        if self.kind == "is":
            return now is self.value
        if self.kind == "same":
            return now is self.value or _alike(now, self.value)
        if self.kind == "items":
            known = self.value
            return (
                type(now) is list
                and len(now) == len(known)
                and (all(map(operator.is_, now, known)) or all(map(_alike, now, known)))
            )
        if self.kind == "equal":
            return type(now) is type(self.value) and bool(now == self.value)
        if self.kind == "type":
            return leaf_type(now) is self.value
        if self.kind == "keys":
            return bool(_keys(now) == self.value)
        return (
            isinstance(now, np.ndarray) and (now.dtype.str, now.shape, now.tobytes()) == self.value
        )


# Exact types of values that never change, and that a program may only tell apart by what they are.
_CONSTANT = frozenset((bool, int, str, bytes, type(None)))


def _is_constant(value: Any) -> bool:
    """Whether a value is made of whole numbers and texts alone and can never change."""
    todo = [value]
    while todo:
        top = todo.pop()
        kind = type(top)
        if kind is tuple:
            todo += top
        elif kind not in _CONSTANT:
            return False
    return True


def _alike(a: Any, b: Any) -> bool:
    """Whether constants are equal and of the same types throughout."""
    todo = [(a, b)]
    while todo:
        one, other = todo.pop()
        if one is other:
            continue
        if type(one) is not type(other):
            return False
        if type(one) is tuple:
            if len(one) != len(other):
                return False
            todo.extend(zip(one, other, strict=True))
        elif type(one) not in _CONSTANT or one != other:
            return False
    return True


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return (dict, tuple(value))
    if isinstance(value, (list, tuple, deque)):
        return (type(value), len(value))
    return (type(value), tuple(getattr(value, "__dict__", ())))


_WEAK: dict[type, Any] = {float: "float64", complex: "complex128"}


def leaf_type(value: Any) -> Type | None:
    """The type of a run-time input; None for what is part of the program."""
    cls = type(value)
    if cls in _WEAK:
        return Type(_WEAK[cls], (), True)
    if isinstance(value, (np.ndarray, np.inexact)) and value.dtype.kind in "fc":
        name = value.dtype.name
        if name not in DTYPES:
            refuse(
                f"an array of dtype {name} cannot be captured; use float64, float32 or complex128"
            )
        return Type(name, tuple(value.shape))  # checked above
    return None


def whole_type(value: Any) -> Type:
    """The type of a whole number, or of an array of whole numbers, as a run-time input."""
    if isinstance(value, (np.ndarray, np.generic)):
        dtype: DType = (
            "bool" if value.dtype == bool else "int32" if value.dtype == np.int32 else "int64"
        )
        return Type(dtype, tuple(value.shape))
    return Type("int64", (), True)


def input_symbol(name: str, type_: Type) -> Expr:
    """The symbol of an input."""
    return intern(SYMBOL, Name(name, type_, 0), (), type_)


class _Known(NamedTuple):
    """A thing from outside, what the program has in its place, and how it is read again."""

    original: Any
    shadow: Any
    read: Callable[[], Any]


@dataclass
class Adopted:
    """What one capture has taken from outside."""

    context: Context
    hidden: list[Hidden] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    known: dict[int, _Known] = field(
        default_factory=dict
    )  # by id of the original, or of the shadow
    seen: dict[Hashable, _Known] = field(default_factory=dict)  # by the place that was read
    arrays: list[tuple[Hidden, Buffer]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    generators: list[tuple[Any, Any]] = field(default_factory=list)
    shadows: list[tuple[Callable[[], Any], Any, Any]] = field(default_factory=list)
    rules: dict[Any, Any] = field(default_factory=dict)  # of functions with rules of their own
    room: Hidden | None = None  # the capacity of lists that loops change

    def at(self, place: Hashable, value: Any, name: str, read: Callable[[], Any]) -> Any:
        """What a variable or an attribute holds, as the program sees it.

        ``place`` tells variables apart, also those of the same name; each is adopted once.
        """
        entry = self.seen.get(place)
        if entry is not None and entry.original is value:
            return entry.shadow
        found = self.value(value, name, read)
        self.seen[place] = _Known(value, found, read)
        return found

    def value(self, value: Any, name: str, read: Callable[[], Any]) -> Any:
        """A value from outside as the program sees it; ``read`` reads it again."""
        if isinstance(value, (Handle, Poison)) or value is None:
            if value is None:
                self.guard(name, read, None, "is")
            return value
        entry = self.known.get(id(value))
        if entry is not None and entry.shadow is value:
            return value
        if entry is not None and entry.original is value:
            other = entry.read  # the same thing by another name
            self.guard(name, lambda: read() is other(), True, "is")
            return entry.shadow
        type_ = leaf_type(value)
        if type_ is not None:
            return self._number(value, name, read, type_)
        if isinstance(value, (bool, int, str, bytes, np.generic, Enum)):
            self.guard(name, read, value, "equal")
            return value
        if isinstance(value, np.ndarray):
            return self._constant(value, name, read)
        if isinstance(value, (list, tuple, dict, set, deque)) and type(value).__module__ in (
            "builtins",
            "collections",
        ):
            return self._container(value, name, read)
        if isinstance(value, tuple):
            return self._container(value, name, read)
        if (
            hasattr(value, "__dict__")
            and not isinstance(
                value, (type, types.ModuleType, types.FunctionType, types.MethodType)
            )
            and not callable_library(value)
            and not opaque_module(type(value).__module__)
            and not hasattr(value, "__wengert_call__")
        ):
            return self._object(value, name, read)
        if isinstance(value, types.MethodType) and not opaque_module(
            type(value.__self__).__module__
        ):
            owner = self.value(value.__self__, name, lambda: read().__self__)
            return types.MethodType(value.__func__, owner)
        self.guard(name, read, value, "is")
        return value

    def program(self, function: Any) -> Any:
        """A function that is to be captured: what it is bound to is from outside."""
        name = getattr(function, "__name__", type(function).__name__)
        if isinstance(function, functools.partial):
            args = [
                self.value(a, f"{name}.args[{i}]", _item(lambda: function.args, i))
                if is_changeable(a)
                else a
                for i, a in enumerate(function.args)
            ]
            return functools.partial(self.program(function.func), *args, **function.keywords)
        if isinstance(function, types.MethodType) or is_changeable(function):
            return self.value(function, name, lambda: function)
        return function

    def entropy(self) -> Expr:
        """The state of a generator without a seed, fresh at each call."""
        from wengert.ops.random import generator_state

        def read() -> Any:
            return generator_state(np.random.default_rng())

        return self._symbol("entropy", read, Type("int64", read().shape), guarded=False).symbol

    def generator(self, owner: Any) -> Any:
        """The handle of a generator of the user's, whose state is written back."""
        from wengert.frontend.staging.library import Generator
        from wengert.ops.random import generator_state

        entry = self.known.get(id(owner))
        if entry is not None:
            return entry.shadow

        def read() -> Any:
            return generator_state(owner)

        hidden = self._symbol("rng", read, Type("int64", read().shape), guarded=False)
        self.context.give(hidden.symbol, read())
        made = Generator(hidden.symbol)
        self.known[id(owner)] = _Known(owner, made, lambda: owner)
        self.generators.append((owner, made))
        return made

    def guard(self, name: str, read: Callable[[], Any], value: Any, kind: str) -> None:
        """Rely on a value."""
        self.guards.append(Guard(name, read, value, kind))

    def unused(self, name: str) -> str:
        """A name for an input that no other has."""
        unique, number = name, 1
        while unique in self.taken:
            number += 1
            unique = f"{name}_{number}"
        self.taken.add(unique)
        return unique

    def _symbol(
        self, name: str, read: Callable[[], Any], type_: Type, *, guarded: bool = True
    ) -> Hidden:
        short = "".join(c if c.isalnum() else "_" for c in name).strip("_") or "v"
        hidden = Hidden(name, input_symbol(self.unused(short), type_), read)
        self.hidden.append(hidden)
        if guarded:
            self.guards.append(Guard(name, read, type_, "type"))
        self.context.note("input", f"`{name}` is read again at every call")
        return hidden

    def _number(self, value: Any, name: str, read: Callable[[], Any], type_: Type) -> Any:
        hidden = self._symbol(name, read, type_)
        self.context.give(hidden.symbol, value)
        if isinstance(value, np.ndarray):
            return self._array(hidden.symbol, value, name, read)
        return Scalar(hidden.symbol)

    def _constant(self, value: Any, name: str, read: Callable[[], Any]) -> Any:
        if value.dtype.name not in DTYPES:
            if is_narrow(value):
                self.guard(name, read, (value.dtype.str, value.shape, value.tobytes()), "bytes")
                return read_only(value)
            self.guard(name, read, value, "is")
            return value
        self.guard(name, read, (value.dtype.str, value.shape, value.tobytes()), "bytes")
        return self._array(lift(value), value, name, read)

    def _array(self, expr: Expr, value: Any, name: str, read: Callable[[], Any]) -> Any:
        """The handle of an array that is not the program's to write into."""
        found = Array(Buffer(expr))
        found.buffer.writable = (
            f"writes into the global array {name}; pass it as an argument or use "
            f"{name} = np.array({name})"
        )
        self.known[id(value)] = _Known(value, found, read)
        return found

    def _container(self, value: Any, name: str, read: Callable[[], Any]) -> Any:
        if type(value) is tuple and _is_constant(value):
            self.guard(name, read, value, "same")
            self.known[id(value)] = _Known(value, value, read)
            return value
        if type(value) is list and value and all(map(_is_constant, value)):
            # One look at all of them, since there may be thousands.
            self.guard(name, read, tuple(value), "items")
            copied = value.copy()
            self.known[id(value)] = _Known(value, copied, read)
            self._shadow(read, copied, list(copied))
            self.known[id(copied)] = _Known(copied, copied, read)
            return copied
        self.guard(name, read, _keys(value), "keys")
        if isinstance(value, dict):
            shadow: Any = value.copy()  # a defaultdict keeps what it makes
            shadow.clear()
            self.known[id(value)] = _Known(value, shadow, read)
            for key, item in value.items():
                dict.__setitem__(
                    shadow, key, self.value(item, f"{name}[{key!r}]", _item(read, key))
                )
            self._shadow(read, shadow, dict(shadow))
            self.known[id(shadow)] = _Known(shadow, shadow, read)
            return shadow
        if isinstance(value, set):
            self.guard(name, read, set(value), "equal")
            shadow = set(value)
            self.known[id(value)] = _Known(value, shadow, read)
            self._shadow(read, shadow, set(value))
            self.known[id(shadow)] = _Known(shadow, shadow, read)
            return shadow
        if isinstance(value, (list, deque)):
            shadow = value.copy()
            self.known[id(value)] = _Known(value, shadow, read)
            for i, item in enumerate(value):
                shadow[i] = self.value(item, f"{name}[{i}]", _item(read, i))
            self._shadow(read, shadow, list(shadow))
            self.known[id(shadow)] = _Known(shadow, shadow, read)
            return shadow
        items = [self.value(item, f"{name}[{i}]", _item(read, i)) for i, item in enumerate(value)]
        found = type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        self.known[id(value)] = _Known(value, found, read)
        return found

    def _object(self, value: Any, name: str, read: Callable[[], Any]) -> Any:
        self.guard(name, read, _keys(value), "keys")
        shadow = object.__new__(type(value))
        self.known[id(value)] = _Known(value, shadow, read)
        self.known[id(shadow)] = _Known(shadow, shadow, read)
        for key, item in vars(value).items():
            object.__setattr__(shadow, key, self.value(item, f"{name}.{key}", _attr(read, key)))
        self._shadow(read, shadow, dict(vars(shadow)))
        return shadow

    def _shadow(self, read: Callable[[], Any], shadow: Any, before: Any) -> None:
        self.shadows.append((read, shadow, before))
        self.context.lent.append((lambda args, kwargs: read(), shadow, before))
        self.context.given[id(shadow)] = shadow


def is_changeable(value: Any) -> bool:
    """Whether a value is one of the user's that can change in place."""
    return isinstance(value, (list, dict, set, deque, np.ndarray)) or (
        hasattr(value, "__dict__")
        and not isinstance(value, (Handle, Poison))
        and not isinstance(value, (type, types.ModuleType, types.FunctionType, Enum))
        and not opaque_module(type(value).__module__)
    )


def capacity_of(context: Context, least: int = 0) -> Expr:
    """The capacity of lists that loops change (see ``stacks``), which is ``least`` or more."""
    adopted: Adopted = context.adopted
    if adopted.room is None:
        capacity = Capacity()
        symbol = input_symbol(adopted.unused("room"), Type("int64", (), True))
        adopted.room = Hidden("room", symbol, lambda: capacity.value, capacity)
        adopted.hidden.append(adopted.room)
        context.layers[0].recorded.add(symbol)
    assert adopted.room.capacity is not None
    adopted.room.capacity.value = max(adopted.room.capacity.value, least)
    return adopted.room.symbol


def callable_library(value: Any) -> bool:
    """Whether a value is a callable of a library (a ufunc, a partial, a vectorised function)."""
    return callable(value) and opaque_module(type(value).__module__)


def _item(read: Callable[[], Any], key: Any) -> Callable[[], Any]:
    return lambda: read()[key]


def _attr(read: Callable[[], Any], key: str) -> Callable[[], Any]:
    return lambda: getattr(read(), key)
