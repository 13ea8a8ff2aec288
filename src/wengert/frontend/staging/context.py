"""What one capture keeps: regions that are open, what they change, effects, notes, and places in the source.

Mutable things (variables, attributes, lists, dicts, arrays) are *slots*. A region journals the first
change of each slot; when it closes, the final contents are taken out and the old ones put back, so nothing is
read after a rollback: branches and loops are merged from the contents that were taken out.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import numpy as np

from wengert.errors import CaptureError
from wengert.frontend.staging.ranges import at_most, bounds_of, magnitude
from wengert.frontend.staging.source import converted_code, user_function
from wengert.ir.node import Expr

__all__ = [
    "CAPTURES",
    "UNASSIGNED",
    "AttrSlot",
    "CarryChange",
    "CellSlot",
    "Context",
    "DequeSlot",
    "DictSlot",
    "GlobalSlot",
    "Layer",
    "ListSlot",
    "NeedConcrete",
    "Note",
    "Place",
    "SetSlot",
    "Slot",
    "active",
    "current",
    "place",
    "refuse",
]

# Any: slots hold whatever Python values the captured program has.


class NeedConcrete(CaptureError):  # noqa: N818  a request to the loops around, too
    """A value is needed at capture that only running the program tells; loops react by unrolling."""


class CarryChange(NeedConcrete):
    """A loop variable changes its type in the first iteration; loops react by peeling that iteration."""


class Abandoned(BaseException):
    """An iteration that was tried out has run-time values in it."""


class Unassigned:
    """What a variable holds that has not been assigned."""

    def __repr__(self) -> str:
        return "<unassigned>"


UNASSIGNED = Unassigned()


# --- places ----------------------------------------------------------------------------------------------
class Place(NamedTuple):
    """A line of the user's source."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line} in {self.function}()"


_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_HELPERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "helpers.py")
_NUMPY = os.path.dirname(os.path.abspath(np.__file__))


def place() -> Place:
    """The innermost line of the user that is being executed."""
    frame: types.FrameType | None = sys._getframe(1)
    found: Place | None = None
    while frame is not None:
        code = frame.f_code
        name = user_function(code)
        if name is not None and code.co_filename != _HELPERS:
            return Place(code.co_filename, frame.f_lineno, name)
        inside = code.co_filename.startswith((_PACKAGE, _NUMPY))
        if found is None and not inside and not code.co_filename.startswith("<frozen"):
            found = Place(code.co_filename, frame.f_lineno, code.co_name)
        frame = frame.f_back
    context = _current.get()
    if context is not None and context.home is not None:
        return context.home  # results are being put together: the function has returned
    return found or Place("<unknown>", 0, "?")


def refuse(
    message: str, kind: type[CaptureError] = CaptureError, at: Place | None = None
) -> NoReturn:
    """Raise the error at the user's line."""
    spot = at or place()
    error = kind(f"{spot}: {message}")
    error.filename, error.lineno = spot.file, spot.line
    raise error


def mismatch(message: str, *shapes: Sequence[Any]) -> NoReturn:
    """Raise NumPy's ``ValueError`` for extents that do not fit, or refuse where only running tells them.

    Raises:
        NeedConcrete: an extent is no number.
        ValueError: they do not fit.
    """
    if all(isinstance(extent, int) for shape in shapes for extent in shape):
        raise ValueError(message)
    refuse(f"needs fixed sizes: {message}", NeedConcrete)


# --- slots -----------------------------------------------------------------------------------------------
class Slot:
    """Something that a region may change."""

    __slots__ = ()
    name = ""

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal slots."""
        raise NotImplementedError

    @property
    def owner(self) -> Any:
        """The object that the slot is a part of, where it may have been made by the program."""
        return None

    def get(self) -> Any:
        """The contents."""
        raise NotImplementedError

    def set(self, value: Any) -> None:
        """Replace the contents."""
        raise NotImplementedError


class CellSlot(Slot):
    """A variable that inner functions share."""

    __slots__ = ("cell", "name")

    def __init__(self, cell: Any, name: str) -> None:
        self.cell, self.name = cell, name

    @property
    def key(self) -> tuple[Any, ...]:
        return ("cell", id(self.cell))

    def get(self) -> Any:
        try:
            return self.cell.cell_contents
        except ValueError:
            return UNASSIGNED

    def set(self, value: Any) -> None:
        if value is not UNASSIGNED:
            self.cell.cell_contents = value
        elif self.get() is not UNASSIGNED:
            del self.cell.cell_contents


class GlobalSlot(Slot):
    """A global variable."""

    __slots__ = ("name", "namespace")

    def __init__(self, namespace: dict[str, Any], name: str) -> None:
        self.namespace, self.name = namespace, name

    @property
    def key(self) -> tuple[Any, ...]:
        return ("global", id(self.namespace), self.name)

    def get(self) -> Any:
        return self.namespace.get(self.name, UNASSIGNED)

    def set(self, value: Any) -> None:
        if value is UNASSIGNED:
            self.namespace.pop(self.name, None)
        else:
            self.namespace[self.name] = value


class AttrSlot(Slot):
    """An attribute of an object."""

    __slots__ = ("name", "object")

    def __init__(self, object_: Any, name: str) -> None:
        self.object, self.name = object_, name

    @property
    def key(self) -> tuple[Any, ...]:
        return ("attr", id(self.object), self.name)

    @property
    def owner(self) -> Any:
        return self.object

    def get(self) -> Any:
        return getattr(self.object, self.name, UNASSIGNED)

    def set(self, value: Any) -> None:
        if isinstance(self.object, (type, types.ModuleType)):
            setattr(self.object, self.name, value)
        elif value is UNASSIGNED:
            if hasattr(self.object, self.name):
                object.__delattr__(self.object, self.name)
        else:
            object.__setattr__(self.object, self.name, value)


class ListSlot(Slot):
    """The elements of a list."""

    __slots__ = ("object",)
    name = "list"

    def __init__(self, object_: list[Any]) -> None:
        self.object = object_

    @property
    def key(self) -> tuple[Any, ...]:
        return ("list", id(self.object))

    @property
    def owner(self) -> Any:
        return self.object

    def get(self) -> Any:
        context = _current.get()
        entry = context.growing.get(id(self.object)) if context else None
        return (tuple(self.object), entry[1] if entry and entry[0] is self.object else None)

    def set(self, value: Any) -> None:
        items, growing = value
        self.object[:] = items
        context = _current.get()
        if context is not None:
            if growing is None:
                context.growing.pop(id(self.object), None)
            else:
                context.growing[id(self.object)] = (self.object, growing)


class DictSlot(Slot):
    """The entries of a dict."""

    __slots__ = ("object",)
    name = "dict"

    def __init__(self, object_: dict[Any, Any]) -> None:
        self.object = object_

    @property
    def key(self) -> tuple[Any, ...]:
        return ("dict", id(self.object))

    @property
    def owner(self) -> Any:
        return self.object

    def get(self) -> Any:
        return dict(self.object)

    def set(self, value: Any) -> None:
        dict.clear(self.object)
        dict.update(self.object, value)


class DequeSlot(Slot):
    """The elements of a deque."""

    __slots__ = ("object",)
    name = "deque"

    def __init__(self, object_: deque[Any]) -> None:
        self.object = object_

    @property
    def key(self) -> tuple[Any, ...]:
        return ("deque", id(self.object))

    @property
    def owner(self) -> Any:
        return self.object

    def get(self) -> Any:
        return tuple(self.object)

    def set(self, value: Any) -> None:
        self.object.clear()
        self.object.extend(value)


class SetSlot(Slot):
    """The elements of a set."""

    __slots__ = ("object",)
    name = "set"

    def __init__(self, object_: set[Any]) -> None:
        self.object = object_

    @property
    def key(self) -> tuple[Any, ...]:
        return ("set", id(self.object))

    @property
    def owner(self) -> Any:
        return self.object

    def get(self) -> Any:
        return frozenset(self.object)

    def set(self, value: Any) -> None:
        self.object.clear()
        self.object.update(value)


# --- the capture ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Note:
    """Something that ``explain`` tells: a loop kept or unrolled, a branch, a guard, an input."""

    kind: str
    where: Place
    text: str


@dataclass
class Layer:
    """An open region."""

    kind: str  # "top", "branch", "loop", "function", or "activation", which becomes part of what is around
    recorded: set[Expr] = field(default_factory=set)
    journal: dict[tuple[Any, ...], tuple[Slot, Any]] = field(default_factory=dict)
    keep: list[Any] = field(default_factory=list)  # keeps ids unique while the region is open


@dataclass
class Finals:
    """What a region changed: slots with their contents at its end."""

    slots: dict[tuple[Any, ...], Slot]
    values: dict[tuple[Any, ...], Any]


class Outside:
    """All values that are computed already: membership in any of the open regions."""

    def __init__(self, layers: list[Layer]) -> None:
        self.sets = [layer.recorded for layer in reversed(layers)]

    def __contains__(self, node: object) -> bool:
        return any(node in recorded for recorded in self.sets)


class Context:
    """The state of one capture; each thread and task has its own."""

    def __init__(self, values: dict[Expr, Any] | None = None) -> None:
        self.layers: list[Layer] = [Layer("top")]
        self.notes: list[Note] = []
        self.names: dict[Expr, str] = {}
        self.lines: dict[Expr, Place] = {}
        self.values = values  # of inputs, in eager mode
        self.eager = values is not None
        self.depth = 0
        self.count = 0  # recorded nodes
        self.memory: dict[Any, Any] = {}  # what loops have learned of their carried values
        self.traces: dict[Place, int] = {}
        self.closed: dict[Expr, bool] = {}
        self.slots_of: dict[str, Any] = {}
        self.keep: list[Any] = []
        self.activations: list[Any] = []
        self.opened_at: list[int] = []  # how many regions were open at each activation
        self.adopted: Any = None
        self.token: Any = None
        self.functions: dict[Any, Any] = {}  # recursive ones that are being captured
        self.active_keys: dict[Any, int] = {}
        self.ranges: dict[Expr, tuple[Expr, Expr]] = {}  # counters: least and largest value
        self.least_sizes: dict[str, int] = {}  # sizes of arguments that vary
        self.growing: dict[int, tuple[list[Any], Any]] = {}  # lists with a run-time length
        self.births: dict[int, tuple[Any, Layer, int]] = {}
        self.born_count = 0
        self.given: dict[int, Any] = {}  # lists, dicts and objects of arguments and from outside
        self.buffer_names: dict[int, str] = {}
        self.tries: list[Any] = []
        self.generators: list[Any] = []
        self.recursive: set[Any] = set()
        # Recursive functions whose whole numbers are run-time values, and how often others are entered.
        self.counting: set[Any] = set()
        self.entries: dict[Any, int] = {}
        self.rebound: set[Any] = set()  # variables that functions declare nonlocal
        self.outer_cells: set[int] = set()  # variables of functions that are not captured, by id
        self.watches: list[tuple[int, dict[tuple[Any, ...], Slot]]] = []  # see `watched`
        self.calls: dict[Any, Place] = {}  # where functions call themselves
        self.merged: dict[int, Any] = {}  # containers that may be others, and those others
        self.sources: dict[int, tuple[Any, tuple[Any, ...]]] = {}  # what they were merged from
        # What a branch chose by id: itself, the condition, and the objects that it is then and else.
        self.which: dict[int, tuple[Any, Expr, Any, Any]] = {}
        self.arguments: Any = ()
        # Lists, dicts and objects of the caller: what reads them from a call, the handle, what it held.
        self.lent: list[tuple[Any, Any, Any]] = []
        self.opened: list[Any] = []  # objects in the result that are being taken apart
        self.readers: dict[int, Any] = {}  # what reads the arrays of the arguments, by buffer
        self.caches: dict[int, Any] = {}  # of functions that are cached, by id
        self.classes: dict[Expr, Any] = {}  # of numbers that are of one class on one way only
        self.spent: list[Any] = []  # generators whose place depends on run-time values
        self.risks: dict[str, list[Place]] = {}  # where NumPy itself may raise an error
        self.raises: dict[int, Place] = {}  # where errors were raised
        self.appended: dict[int, Place] = {}  # where lists were last appended to
        self.frozen: dict[int, tuple[Any, str]] = {}  # of which rows of a list hold a copy
        self.home: Place | None = None  # the function that is captured
        self.trial: bool = False  # an iteration is tried out: recording anything ends it
        self.static_loops: set[Any] = set()  # with a known number of iterations
        self.unrolled: set[Any] = set()  # that are to be executed
        self.converted: dict[
            Any, tuple[Any, int, int]
        ] = {}  # functions, with ids of their defaults
        self.stopped = False
        self.leaving = 0  # context managers that are being left
        self.suppressed: list[Any] = []  # the errors that contextlib.suppress takes care of
        self.makers: dict[int, tuple[Any, Any]] = {}  # generators, and the functions they are of
        self.lists_for_deques = False
        self.deques: dict[int, tuple[list[Any], int | None]] = {}  # lists that stand for deques
        self.shows = False  # whether the program prints
        self.texts: list[Any] = []  # values in texts
        self.plain: dict[
            Any, tuple[bool, bool] | None
        ] = {}  # functions: may they change, make things
        self.looked_at = 0  # elements of containers, to see whether Python itself may run a loop
        self.maybes = False  # elements of some list may be missing
        self.families: dict[int, dict[int, Any]] = {}  # buffers by what they may be

    @property
    def top(self) -> Layer:
        """The innermost open region."""
        return self.layers[-1]

    def give(self, symbol: Expr, value: Any) -> None:
        """The value of an input, for eager mode."""
        self.layers[0].recorded.add(symbol)
        if self.values is not None:
            self.values[symbol] = value

    def record(self, node: Expr) -> Expr:
        """Note that a value is computed in the region that is open."""
        if self.trial:
            raise Abandoned
        self.layers[-1].recorded.add(node)
        self.count += 1
        return node

    def owns(self, owner: Any) -> bool:
        """Whether something goes with the region that is open, and is no other thing as well."""
        entry = self.births.get(id(owner))
        return (
            entry is not None
            and entry[1] is self.layers[-1]
            and entry[0] is owner
            and id(owner) not in self.merged
            and (not self.watches or entry[2] >= self.watches[-1][0])
        )

    def touch(self, slot: Slot) -> None:
        """To be called before a slot changes."""
        layer = self.layers[-1]
        owner = slot.owner
        for least, watch in self.watches:
            if owner is None or self.age(owner) < least:
                watch.setdefault(slot.key, slot)
        if owner is not None:
            if id(owner) in self.frozen:
                self.check_thawed(owner)
            if id(owner) in self.merged:
                self.check_unshared(owner)
            if self.born(owner) is layer:
                return  # it goes with the region
        key = slot.key
        if key not in layer.journal:
            layer.journal[key] = (slot, slot.get())
            layer.keep.append(slot)

    def rebinds(self, key: tuple[Any, ...], value: Any) -> bool:
        """Whether the program itself has given a global, a variable or an attribute its value."""
        entries = (layer.journal.get(key) for layer in self.layers)
        return any(entry is not None and entry[1] is not value for entry in entries)

    @contextmanager
    def region(self, kind: str) -> Iterator[Layer]:
        """Open a region. Changes made in it are taken back when it closes, whatever happens."""
        layer = Layer(kind)
        self.layers.append(layer)
        try:
            yield layer
        finally:
            while self.layers[-1] is not layer:
                self.undo(self.layers.pop())
            self.layers.pop()
            self.undo(layer)

    @contextmanager
    def watched(self) -> Iterator[dict[tuple[Any, ...], Slot]]:
        """All slots that change meanwhile, but for those of what is made meanwhile."""
        watch: dict[tuple[Any, ...], Slot] = {}
        self.watches.append((self.born_count, watch))
        try:
            yield watch
        finally:
            self.watches.pop()

    def put(self, slot: Slot, value: Any) -> None:
        """Give a slot what a region begins with, or what one has left in it.

        Variables need no journal: the region around restores those that it shares, and those of a function
        that has returned are gone. But what functions declare nonlocal the region need not share.
        """
        if not isinstance(slot, CellSlot) or slot.key in self.rebound:
            self.touch(slot)
        slot.set(value)

    def merge(self, new: Any, *sources: Any) -> None:
        """Note that a list, dict or object is one of others, depending on a run-time value."""
        self.sources[id(new)] = (new, sources)
        for each in (new, *sources):
            self.merged[id(each)] = each

    def check_thawed(self, owner: Any) -> None:
        """Refuse to change what the rows of a list hold a copy of."""
        from wengert.frontend.staging.handles import is_stale

        kept, why = self.frozen[id(owner)]
        if kept is owner:
            is_stale(why)

    def check_unshared(self, owner: Any) -> None:
        """Refuse to change what another name may also stand for."""
        if self.merged[id(owner)] is not owner:
            return
        roots = self.visible()
        mine = self.origins_of(owner)
        for key, other in self.merged.items():
            if other is owner or key not in roots or mine.isdisjoint(self.origins_of(other)):
                continue
            refuse(
                f"changes a {type(owner).__name__} that is one of two depending on a run-time "
                "value; copy it after the branch",
                NeedConcrete,
            )

    def may_be_same(self, a: Any, b: Any) -> bool:
        """Whether two lists, dicts or objects may be one, depending on a run-time value."""
        return not self.origins_of(a).isdisjoint(self.origins_of(b))

    def origins_of(self, owner: Any) -> set[int]:
        """The lists, dicts and objects that one may be, itself included, by id."""
        todo, seen = [owner], {id(owner)}
        while todo:
            for other in self.sources.get(id(todo.pop()), (None, ()))[1]:
                if id(other) not in seen:
                    seen.add(id(other))
                    todo.append(other)
        return seen

    def visible(self) -> set[int]:
        """The lists, dicts and objects that the program can still reach, by id."""
        from wengert.frontend.staging.handles import Partial

        frame: types.FrameType | None = sys._getframe(1)
        todo: list[Any] = [self.arguments, *(s for _, s, _ in self.adopted.shadows)]
        while frame is not None:
            if converted_code(frame.f_code):
                # What has been returned is out of reach, but for a context manager that is left after it.
                found = frame.f_locals.items()
                todo += [v for n, v in found if self.leaving or not n.startswith("_wg_")]
            frame = frame.f_back
        seen: set[int] = set()
        while todo:
            top = todo.pop()
            if id(top) in seen or isinstance(top, (int, float, str, types.ModuleType, type)):
                continue
            seen.add(id(top))
            if isinstance(top, dict):
                todo += top.values()
            elif isinstance(top, (list, tuple, deque)):
                todo += top
            elif isinstance(top, Partial):
                todo.append(top.value)
            elif hasattr(top, "__dict__") and not callable(top):
                todo += vars(top).values()
            elif isinstance(top, types.FunctionType):
                for cell in top.__closure__ or ():
                    try:
                        todo.append(cell.cell_contents)
                    except ValueError:
                        continue
        return seen

    def born(self, owner: Any) -> Layer | None:
        """The open region in which a list, dict, object or buffer was made, if that is known."""
        entry = self.births.get(id(owner))
        return entry[1] if entry is not None and entry[0] is owner else None

    def age(self, owner: Any) -> int:
        """How many things were made before something; -1 for what was there before the capture."""
        entry = self.births.get(id(owner))
        return entry[2] if entry is not None and entry[0] is owner else -1

    def birth(self, owner: Any) -> Any:
        """Note that something is made in the region that is open."""
        self.births[id(owner)] = (owner, self.layers[-1], self.born_count)
        self.born_count += 1
        return owner

    def undo(self, layer: Layer) -> None:
        """Put back the contents that slots had when the region was opened."""
        for slot, old in reversed(list(layer.journal.values())):
            slot.set(old)

    def finals(self, layer: Layer) -> Finals:
        """What the (still open) region has changed so far."""
        slots = {key: slot for key, (slot, _) in layer.journal.items()}
        return Finals(slots, {key: slot.get() for key, slot in slots.items()})

    def outside(self) -> Outside:
        """The values that are computed already."""
        return Outside(self.layers)

    def relate(self, buffer: Any, *others: Any) -> None:
        """Note that a buffer may be the same memory as others."""
        for origin in buffer.origins | buffer.shadows:
            self.families.setdefault(origin, {})[buffer.serial] = buffer
        for other in others:
            for origin in other.origins:
                self.families.setdefault(origin, {})[other.serial] = other

    def related(self, buffer: Any, besides: set[Any]) -> list[Any]:
        """The other buffers that may be the same memory as one that is written."""
        if not self.families:
            return []
        reach = buffer.origins | buffer.shadows
        found = {
            serial: other
            for origin in reach
            for serial, other in self.families.get(origin, {}).items()
            if other not in besides
            and self.is_alive(other)
            and (other.origins & reach or other.shadows & buffer.origins)
        }
        return list(found.values())

    def is_alive(self, owner: Any) -> bool:
        """Whether something was made in a region that is still open (or before the capture)."""
        layer = self.born(owner)
        return layer is None or any(layer is each for each in self.layers)

    def outlasts(self, owner: Any) -> bool:
        """Whether a list, dict or object is known to be there in the region that is open."""
        if id(owner) in self.given:
            return True
        return self.born(owner) is not None and self.is_alive(owner)

    def bounds(self, node: Expr) -> tuple[int | None, int | None]:
        """Known bounds of an integer: of loop counters, and of sums with constants."""
        return bounds_of(node, self.ranges, self.least_sizes)

    def within(self, node: Expr, along: Any) -> bool:
        """Whether an integer is known to be at most an extent."""
        return at_most(node, along, self.ranges, self.least_sizes)

    def magnitude(self, node: Expr) -> int | None:
        """The largest absolute value of an integer, as far as loops and sizes tell."""
        return magnitude(node, self.ranges)

    def risk(self, error: str) -> None:
        """Note that NumPy may raise an error here when the program runs."""
        places = self.risks.setdefault(error, [])
        here = place()
        if here not in places:
            places.append(here)

    def note(self, kind: str, text: str, where: Place | None = None) -> None:
        """Something for ``explain``."""
        self.notes.append(Note(kind, where or place(), text))


_current: ContextVar[Context | None] = ContextVar("wengert_capture", default=None)


def current() -> Context | None:
    """The capture that is going on, if any."""
    return _current.get()


def active() -> Context:
    """The capture that is going on.

    Raises:
        CaptureError: a handle was used after its capture.
    """
    found = _current.get()
    if found is None:
        raise CaptureError(
            "a value of a captured function was used after the capture had ended; "
            "return it instead of storing it elsewhere"
        )
    return found


@contextmanager
def capturing(context: Context | None) -> Iterator[Context | None]:
    """Make a capture the current one."""
    token = _current.set(context)
    with _counting:
        CAPTURES.value += 1
    try:
        yield context
    finally:
        with _counting:
            CAPTURES.value -= 1
        _current.reset(token)


# How many captures are going on, in all threads. Compiled programs read it where it is in memory: while
# a program is captured, what it calls is captured too.
CAPTURES = ctypes.c_int64(0)
_counting = threading.Lock()


Getter = Callable[[], Any]
Values = Mapping[Expr, Any]
