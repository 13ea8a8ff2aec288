"""What a loop runs over: ranges, arrays, and their zips, as a number of steps and an element for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.frontend.staging.context import NeedConcrete, active, current, refuse
from wengert.frontend.staging.growing import Growing, Maybe, growing_of, need_rows
from wengert.frontend.staging.handles import (
    UNKNOWN,
    Array,
    Handle,
    Partial,
    Scalar,
    concrete,
    describe,
    known,
    scalar_of,
    to_expr,
)
from wengert.frontend.staging.indexing import getitem
from wengert.frontend.staging.narrow import is_narrow
from wengert.frontend.staging.operators import binary, compared
from wengert.ops.leaves import size

__all__ = [
    "Range", "Steps", "Together", "check_spent", "is_long", "moved", "python_elements", "range_", "steps_of",
]  # fmt: skip

# Any: elements are whatever the program iterates over.


@dataclass(frozen=True)
class Steps:
    """A loop: how many steps, and the element of each."""

    trip: Any  # a number, known or not
    element: Callable[[Any], Any]
    plain: bool = False  # whether elements are known at capture
    over: tuple[list[Any], ...] = ()  # lists of run-time length that must keep it

    def after(self, count: int) -> Steps:
        """The steps after the first ones."""
        return Steps(
            binary("-", self.trip, count) if isinstance(self.trip, Handle) else self.trip - count,
            lambda k: self.element(_plus(k, count)),
            self.plain,
            self.over,
        )


def _plus(k: Any, count: int) -> Any:
    return k + count if isinstance(k, int) else binary("+", k, count)


class Range:
    """``range`` with bounds that only running the program tells."""

    def __init__(self, start: Any, stop: Any, step: int) -> None:
        self.start, self.stop, self.step = start, stop, step

    def steps(self) -> Steps:
        """The loop over it."""
        first, last = (self.start, self.stop) if self.step > 0 else (self.stop, self.start)
        distance = last if type(first) is int and first == 0 else binary("-", last, first)
        width = abs(self.step)
        count = distance if width == 1 else binary("//", binary("+", distance, width - 1), width)
        return Steps(_at_least_zero(count), self.element)

    def element(self, k: Any) -> Any:
        """Element number k."""
        offset = (
            k
            if self.step == 1
            else binary("*", k, self.step)
            if isinstance(k, Handle)
            else k * self.step
        )
        if isinstance(self.start, Handle) or isinstance(offset, Handle):
            return (
                offset
                if type(self.start) is int and self.start == 0
                else binary("+", self.start, offset)
            )
        return self.start + offset

    def __len__(self) -> int:
        return int(concrete(self.steps().trip, "the length of a range"))


def _at_least_zero(count: Any) -> Any:
    from wengert.frontend.staging.branches import choose

    if not isinstance(count, Handle):
        return max(count, 0)
    low, _ = active().bounds(count.expr)
    if low is not None and low >= 0:
        return count
    return choose(compared(">", count, 0), lambda: count, lambda: 0)


def range_(*args: Any) -> Any:
    """``range`` on known or run-time integers."""
    values = [_integer(a) for a in args]
    if not any(isinstance(v, Handle) for v in values):
        return range(*values)
    if len(values) == 1:
        return Range(0, values[0], 1)
    step = values[2] if len(values) == 3 else 1
    if isinstance(step, Handle):
        refuse("needs the step of a range while the function is captured", NeedConcrete)
    return Range(values[0], values[1], step)


def _integer(value: Any) -> Any:
    if isinstance(value, Partial):
        value = value.certain()
    if isinstance(value, Handle):
        found = known(value)
        value = value if found is UNKNOWN else found
    if isinstance(value, Scalar):
        if value.expr.value_type.dtype not in ("int64", "int32", "bool"):
            raise TypeError(f"'{describe(value)}' object cannot be interpreted as an integer")
        return value
    if isinstance(value, np.integer):
        return int(value)
    return value


class Together:
    """``zip``, ``enumerate`` or ``reversed`` of things that a loop can run over."""

    def __init__(self, kind: str, parts: list[Any], start: Any = 0) -> None:
        self.kind, self.parts, self.start = kind, parts, start

    def steps(self) -> Steps | None:
        """The loop over it, if all its parts can be looped over."""
        inner = [steps_of(p) for p in self.parts]
        if any(s is None for s in inner):
            return None
        found: list[Any] = inner
        over = tuple(each for s in found for each in s.over)
        if self.kind == "reversed":
            (part,) = found
            last = binary("-", part.trip, 1) if isinstance(part.trip, Handle) else part.trip - 1
            return Steps(part.trip, lambda k: part.element(_minus(last, k)), part.plain, over)
        if self.kind == "enumerate":
            (part,) = found
            return Steps(
                part.trip, lambda k: (_plus_any(self.start, k), part.element(k)), part.plain, over
            )
        trips = [s.trip for s in found]
        if len({id(t) if isinstance(t, Handle) else t for t in trips}) > 1:
            static = [known(t) for t in trips]
            if any(t is UNKNOWN for t in static):
                trips = [_least(trips)]
            else:
                trips = [min(static)]
        plain = all(s.plain for s in found)
        return Steps(trips[0], lambda k: tuple(s.element(k) for s in found), plain, over)

    def python(self) -> Iterator[Any]:
        """The elements one by one."""
        inner = [python_elements(p) for p in self.parts]
        if self.kind == "zip":
            return zip(*inner, strict=False)
        if self.kind == "enumerate":
            return iter(enumerate(inner[0], self.start))
        return iter(reversed(list(inner[0])))

    def __iter__(self) -> Iterator[Any]:
        return self.python()


def _least(trips: list[Any]) -> Any:
    """The least of several numbers."""
    from wengert.frontend.staging.branches import choose

    exprs = {to_expr(t): t for t in trips}
    least, *rest = exprs.values()
    for trip in rest:
        least = choose(compared("<", trip, least), lambda t=trip: t, lambda t=least: t)  # type: ignore[misc]
    return least


def _minus(last: Any, k: Any) -> Any:
    if isinstance(last, int) and isinstance(k, int):
        return last - k
    return binary("-", last, k)


def _plus_any(start: Any, k: Any) -> Any:
    if isinstance(start, int) and isinstance(k, int):
        return start + k
    return k if start == 0 and not isinstance(start, Handle) else binary("+", start, k)


def steps_of(iterable: Any) -> Steps | None:
    """The loop over a thing, or None if it is executed element by element."""
    if isinstance(iterable, Partial):
        iterable = iterable.certain()
    if isinstance(iterable, range):
        start, step = iterable.start, iterable.step
        return Steps(
            len(iterable),
            lambda k: iterable[k] if isinstance(k, int) else _affine(start, step, k),
            True,
        )
    if isinstance(iterable, Range):
        return iterable.steps()
    if isinstance(iterable, Together):
        return iterable.steps()
    if isinstance(iterable, Scalar):
        raise TypeError(f"'{describe(iterable)}' object is not iterable")
    if isinstance(iterable, (Array, np.ndarray)) and not is_narrow(iterable):
        shape = iterable.type.shape if isinstance(iterable, Array) else iterable.shape
        if not shape:
            raise TypeError("iteration over a 0-d array")
        trip: Any = shape[0] if isinstance(shape[0], int) else scalar_of(size(shape[0]))
        return Steps(trip, lambda k: getitem(iterable, k), False)
    if type(iterable) is list:
        growing = growing_of(iterable)
        if growing is not None and not iterable:
            if growing.rows is None:
                need_rows(growing)
            return Steps(growing.length, lambda k: _present(iterable, k), False, (iterable,))
    return None


def _present(elements: list[Any], k: Any) -> Any:
    """The element that a list has at a place now: the loop may have changed it."""
    growing = growing_of(elements)
    if growing is None:
        refuse("a list is changed while a loop runs over it; run over a copy", NeedConcrete)
    return growing.element(k)


def is_long(iterable: Any) -> bool:
    """Whether only running the program tells how many elements there are."""
    if not isinstance(iterable, (Range, Together, Array, Partial)) and growing_of(iterable) is None:
        return False
    steps = steps_of(iterable)
    return steps is not None and known(steps.trip) is UNKNOWN


def _affine(start: int, step: int, k: Any) -> Any:
    value = k if step == 1 else binary("*", k, step)
    return binary("+", value, start) if start else value


def python_elements(iterable: Any, *, flagged: bool = False) -> Iterator[Any]:
    """The elements one by one, as Python iterates; ``flagged`` ones that may be missing only if asked for.

    Raises:
        NeedConcrete: their number depends on run-time values.
    """
    if isinstance(iterable, Partial):
        iterable = iterable.certain()
    if isinstance(iterable, Together):
        return iterable.python()
    if type(iterable) is list:
        return _list_elements(iterable, growing_of(iterable), flagged)
    if isinstance(iterable, dict):
        from wengert.frontend.staging.containers import has_partial, keys_of

        return (
            _list_elements(keys_of(iterable), None, flagged)
            if has_partial(iterable)
            else iter(iterable)
        )
    check_spent(iterable)
    moved(iterable)
    own = _own_iterator(iterable)
    if own is not None:
        return own
    steps = steps_of(iterable)
    if steps is None:
        return iter(iterable) if flagged else _certain_elements(iterable)
    trip = int(concrete(steps.trip, "the number of elements"))
    return (steps.element(k) for k in range(trip))


def _own_iterator(iterable: Any) -> Iterator[Any] | None:
    """The elements of an object whose class says how to iterate, by its captured methods."""
    from wengert.frontend.staging.adopting import user_method
    from wengert.frontend.staging.branches import StagedRaise
    from wengert.frontend.staging.calls import call

    start = user_method(type(iterable), "__iter__")
    if start is None:
        return None
    iterator = call(start, iterable)
    advance = user_method(type(iterator), "__next__")
    if advance is None:
        return python_elements(iterator)

    def elements() -> Iterator[Any]:
        while True:
            try:
                value = call(advance, iterator)
            except StopIteration:
                return
            except StagedRaise as staged:
                if isinstance(staged.error, StopIteration):
                    return
                raise
            yield value

    return elements()


def check_spent(iterator: Any) -> None:
    """Refuse an iterator of which it depends on run-time values how many elements have been taken."""
    if not hasattr(type(iterator), "__next__"):
        return
    context = current()
    if context is not None and any(iterator is each for each in context.spent):
        refuse("takes elements of an iterator whose place depends on run-time values", NeedConcrete)


def moved(iterable: Any) -> None:
    """To be called before something is iterated over: a region cannot undo how far an iterator has come.

    Raises:
        NeedConcrete: an iterator from outside of a branch or a loop.
    """
    if not hasattr(type(iterable), "__next__"):
        return
    context = current()
    if context is None:
        return
    born = context.born(iterable)
    inner = context.layers[1 if born is None else context.layers.index(born) + 1 :]
    if any(layer.kind != "activation" for layer in inner):
        refuse(
            "takes elements from an iterator in a branch or a loop that depends on run-time values, and the "
            "iterator is older; use a list and an index",
            NeedConcrete,
        )


def _certain_elements(iterable: Any) -> Iterator[Any]:
    for value in iterable:
        if type(value) is Maybe:
            _refuse_maybe()
        yield value


def _refuse_maybe() -> None:
    refuse(
        "a list whose length depends on run-time values is iterated over where Python needs its "
        "elements; use a for statement or np.array(...)",
        NeedConcrete,
    )


def _list_elements(object_: list[Any], growing: Growing | None, flagged: bool) -> Iterator[Any]:
    if growing is not None:
        if growing.rows is None:
            need_rows(growing)
        count = int(concrete(growing.length, "the length of a list"))
        for k in range(count):
            yield growing.element(k)
    position = 0
    while position < len(object_):
        value = object_[position]
        position += 1
        if type(value) is Maybe and not flagged:
            _refuse_maybe()
        yield value
        if growing_of(object_) is not growing:
            refuse("a list is changed while a loop runs over it; run over a copy", NeedConcrete)
