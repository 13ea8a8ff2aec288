"""``if`` on run-time values: both branches are captured, and what they changed is chosen at run time."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wengert.errors import CaptureError, WengertError
from wengert.frontend.staging.containers import settled
from wengert.frontend.staging.context import (
    CellSlot,
    Context,
    Finals,
    NeedConcrete,
    Slot,
    active,
    place,
    refuse,
)
from wengert.frontend.staging.effects import TokenSlot, require
from wengert.frontend.staging.forms import (
    ArrayForm,
    Building,
    Form,
    Poisoned,
    Seen,
    Sequence_,
    Side,
    Unfit,
    Uniting,
    positions,
    union,
)
from wengert.frontend.staging.growing import leaf_types
from wengert.frontend.staging.handles import (
    Array,
    Buffer,
    BufferSlot,
    Link,
    Partial,
    Poison,
    Scalar,
    describe,
    put_back,
    taken,
)
from wengert.frontend.staging.rewriting import SETTER
from wengert.frontend.staging.stacks import Stacked
from wengert.frontend.staging.texts import template_of
from wengert.frontend.staging.truth import tested
from wengert.ir.node import Expr
from wengert.ops.choice import where
from wengert.ops.control.cond import joined_cond
from wengert.ops.control.item import items
from wengert.ops.leaves import const, fresh

__all__ = [
    "CAUGHT",
    "NeedResult",
    "StagedRaise",
    "acts",
    "branches",
    "cells_of",
    "choose",
    "decided",
    "if_",
    "negated",
    "nothing",
    "raised",
    "try_",
]

# Any: branches return whatever the program has.
# A lambda with a default keeps the value of this turn of the loop; mypy does not infer such a lambda.
RESULT = "_wg_result"
CAUGHT = (
    IndexError, KeyError, ArithmeticError, ValueError, AssertionError, NameError, StopIteration,
)  # fmt: skip


class NeedResult(BaseException):
    """A recursive call whose result type is not known yet: the other branch tells it."""


class StagedRaise(BaseException):
    """A ``raise`` of the program; under a run-time condition it becomes a check."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.where = place()


def cells_of(*functions: Callable[..., Any]) -> dict[tuple[Any, ...], CellSlot]:
    """The variables that regions share with the function around them."""
    found: dict[tuple[Any, ...], CellSlot] = {}
    for function in functions:
        assert isinstance(function, types.FunctionType)
        names = function.__code__.co_freevars
        for name, cell in zip(names, function.__closure__ or (), strict=True):
            if name.startswith(SETTER):
                found |= cells_of(cell.cell_contents)
            elif name not in ("__wg__", "__class__"):
                slot = CellSlot(cell, name)
                found[slot.key] = slot
    return found


def negated(condition: Expr) -> Expr:
    """The truth value turned round."""
    return where(condition, const(False), const(True))


def decided(test: Any) -> bool | Scalar:
    """The condition of an ``if``: True or False if it is known."""
    if test is True or test is False:
        return test
    flag = tested(test)
    return flag if isinstance(flag, Scalar) else bool(flag)


def if_(flag: Scalar, then: Callable[[], Any], orelse: Callable[[], Any]) -> None:
    """The statement ``if`` on a run-time condition."""
    branches(flag.expr, then, orelse, cells_of(then, orelse))


def acts(make: Callable[[], Any]) -> bool:
    """Whether making a value changes or checks anything: then it must not be made where Python does not."""
    context = active()
    cells = cells_of(make)
    entry = {key: slot.get() for key, slot in cells.items()}
    try:
        with context.region("branch") as layer:
            try:
                make()
            except (CaptureError, WengertError):
                raise
            except (StagedRaise, NeedResult, *CAUGHT):
                return True
            bound = any(slot.get() is not entry[key] for key, slot in cells.items())
            return bound or bool(context.finals(layer).slots)
    finally:
        for key, slot in cells.items():
            slot.set(entry[key])


def nothing() -> None:
    """The branch that is not there."""


def choose(test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """The expression ``a if test else b``."""
    flag = decided(test)
    if isinstance(flag, Scalar):
        return branches(flag.expr, then, orelse, cells_of(then, orelse))
    return then() if flag else orelse()


def raised(error: BaseException, when: Expr) -> None:
    """The check that raises an error at run time when the condition holds."""
    template, values = (None, ()) if not error.args else template_of(_message(error))
    if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
        kind: type[BaseException] = UnboundLocalError
    else:
        kind = type(error)
    spot = active().raises.get(id(error))
    require(when, kind, template, values, wanted=False, at=spot)


def _message(error: BaseException) -> str:
    """What the error says; a ``KeyError`` is made anew from the text that it has."""
    settled(error.args)
    first = error.args[0]
    return first if len(error.args) == 1 and isinstance(first, str) else str(error)


def branches(
    test: Expr,
    then: Callable[[], Any],
    orelse: Callable[[], Any],
    cells: dict[tuple[Any, ...], CellSlot],
) -> Any:
    """Capture both branches and choose between their results and changes at run time."""
    context = active()
    mark = Buffer(const(0)).serial  # arrays that are younger are born in a branch
    sides: list[tuple[Finals, Any]] = []
    errors: list[BaseException | None] = []
    entry = {key: slot.get() for key, slot in cells.items()}
    for function in (then, orelse):
        error: BaseException | None = None
        value: Any = None
        try:
            with context.region("branch") as layer:
                _narrow(cells, test, holds=function is then)
                try:
                    value = function()
                except (StagedRaise, NeedResult) as staged:
                    error = staged if isinstance(staged, NeedResult) else staged.error
                    if isinstance(staged, StagedRaise):
                        context.raises[id(error)] = staged.where
                except (CaptureError, WengertError):
                    raise
                except CAUGHT as caught:
                    if isinstance(caught, NameError) and any(
                        each.kind == "loop" for each in context.layers
                    ):
                        raise
                    error = caught
                finals = context.finals(layer)
                for key, slot in cells.items():
                    now = slot.get()
                    if now is not entry[key]:
                        finals.slots[key], finals.values[key] = slot, now
        finally:  # after the journal: it may have seen a variable in the middle of its changes
            for key, slot in cells.items():
                slot.set(entry[key])
        sides.append((finals, value))
        errors.append(error)
    if errors[0] is not None or errors[1] is not None:
        _keep_effects(context, test, [finals for finals, _ in sides], errors)
        return _one_way(test, then, orelse, errors)
    return _chosen(context, test, sides, mark)


def _keep_effects(
    context: Context, test: Expr, finals: list[Finals], errors: list[BaseException | None]
) -> None:
    """What a branch checks and prints before it raises an error."""
    slot = TokenSlot(context)
    tokens = [each.values.get(slot.key, context.token) for each in finals]
    raises = [error is not None and not isinstance(error, NeedResult) for error in errors]
    yes, no = (t if flag else context.token for t, flag in zip(tokens, raises, strict=True))
    if yes is not no:
        context.put(slot, joined_leaves(context, test, [yes], [no])[0])


def _narrow(cells: dict[tuple[Any, ...], CellSlot], test: Expr, *, holds: bool) -> None:
    """Where a number is known not to be None (``if x is None: ... else:``) it is its value."""
    for slot in cells.values():
        value = slot.get()
        if isinstance(value, Partial) and value.none and isinstance(value.value, Scalar):
            there = negated(value.missing) if holds else value.missing
            if there is test:
                slot.set(value.value)


def _one_way(
    test: Expr,
    then: Callable[[], Any],
    orelse: Callable[[], Any],
    errors: list[BaseException | None],
) -> Any:
    """A branch that only raises is a check; the other one goes on in place."""
    first, second = errors
    if isinstance(first, NeedResult):
        if isinstance(second, NeedResult):
            raise second
        return orelse()
    if isinstance(second, NeedResult):
        return then()
    if first is not None:
        raised(first, test)
        if second is not None:
            raise StagedRaise(second)
        return orelse()
    assert second is not None
    raised(second, negated(test))
    return then()


def _chosen(context: Context, test: Expr, sides: list[tuple[Finals, Any]], mark: int) -> Any:
    (first, value_a), (second, value_b) = sides
    spot = place()
    note = f"of the branch at line {spot.line}, which depends on run-time values"
    uniting = Uniting(Side(first), Side(second), "value", note, line=spot.line)
    plans: list[tuple[Slot, Form, Any, Any]] = []
    for key, slot in {**first.slots, **second.slots}.items():
        now = slot.get()
        a, b = first.values.get(key, now), second.values.get(key, now)
        plans.append((slot, slot_form(slot, a, b, uniting, spot.line), a, b))
    uniting.name = "value"
    result = _united(value_a, value_b, uniting)
    yes: list[Expr] = []
    no: list[Expr] = []
    for leaves, side, which in ((yes, uniting.first, 2), (no, uniting.second, 3)):
        seen = Seen()
        for plan in plans:
            plan[1].leaves(plan[which], side, leaves, seen)
        result.leaves(value_a if which == 2 else value_b, side, leaves, seen)
        assert not seen.torn  # what is one object on both sides
    exprs = joined_leaves(context, test, yes, no)
    building = Building(iter(exprs))
    for slot, form, _, _ in plans:
        new = form.build(building)
        context.put(slot, new)
    found = result.build(building)
    for form in uniting.known.values():
        made = building.made.get(id(form))
        pair = getattr(form, "pair", ())
        if made is not None and len(pair) == 2:  # which of the two it is, for `is`
            made = made.buffer if isinstance(made, Array) else made
            context.which[id(made)] = (made, test, *pair)
        if isinstance(form, ArrayForm) and id(form) in building.made:
            tied(context, building.made[id(form)].buffer, form.pair, test, mark)
    return found


def joined_leaves(context: Context, test: Expr, yes: list[Expr], no: list[Expr]) -> list[Expr]:
    """One expression for each pair, by a ``cond`` for those that differ."""
    if len(yes) != len(no):
        refuse("objects that hold each other are not the same ones on two paths", NeedConcrete)
    live = [i for i, (a, b) in enumerate(zip(yes, no, strict=True)) if a is not b]
    found = list(yes)
    if live:
        node = joined_cond(
            test, [yes[i] for i in live], [no[i] for i in live], {}, context.outside()
        )
        context.lines[node] = place()
        context.note("branch", f"chosen at run time ({len(live)} values)")
        for position, expr in zip(live, items(node), strict=True):
            found[position] = context.record(expr)
    return found


def tied(context: Context, new: Buffer, pair: tuple[Any, Any], test: Expr, mark: int) -> None:
    """Tie the array chosen to those it was chosen from, as far as others may still hold them."""
    related = []
    origins: set[int] = set()
    for array, holds in zip(pair[:2], (True, False), strict=True):
        if not isinstance(array, Array):
            continue
        buffer = array.buffer
        outer = {o for o in buffer.origins | buffer.shadows if o < mark}
        if not outer:
            continue
        origins |= outer
        related.append(buffer)
        condition = test if holds else negated(test)
        if buffer.serial < mark and array.type is new.type and all(v.put for v in array.views):
            views = array.views
            _link(
                context,
                new,
                Link(
                    condition,
                    buffer,
                    lambda y, a, v=views: put_back(v, a, y),  # type: ignore[misc]
                    lambda a, _, v=views: taken(v, a),  # type: ignore[misc]
                ),
            )
        elif not array.views and all(link.other.serial < mark for link in buffer.links):
            told: set[int] = set()
            for link in buffer.links:
                told |= link.other.origins
                both = where(condition, link.condition, const(False))
                _link(context, new, Link(both, link.other, link.follow, link.back))
            new.loose |= frozenset(outer - told)
        else:
            new.loose |= frozenset(outer)
    if related:
        new.origins = new.origins | frozenset(origins)
        context.relate(new, *related)


def _link(context: Context, new: Buffer, link: Link) -> None:
    """Tie two buffers in both directions."""
    other = link.other
    context.touch(BufferSlot(other))
    other.links = (*other.links, Link(link.condition, new, link.back, link.follow))
    new.links = (*new.links, link)


def _united(a: Any, b: Any, uniting: Uniting) -> Form:
    try:
        return union(a, b, uniting)
    except Unfit as error:
        return Poisoned(f"`{uniting.name}` is {error} on the two paths {uniting.where}")


# --- try -------------------------------------------------------------------------------------------------
@dataclass
class _Try:
    """A ``try`` that is being captured: which errors it catches, and the conditions that none occurs."""

    kinds: tuple[type[BaseException], ...]
    layer: Any
    single: bool
    line: int
    oks: list[Expr] = field(default_factory=list)


def try_(
    body: Callable[[], Any],
    handlers: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...],
    orelse: Callable[[], Any],
    single: bool,
) -> None:
    """The statement ``try``: errors known at capture go to their handlers now, others at run time."""
    context = active()
    every = [_kinds(kinds()) for kinds, _ in handlers]
    if context.eager:
        _try_now(body, list(zip(every, (h for _, h in handlers), strict=True)), orelse)
        return
    functions: list[Callable[..., Any]] = [body, orelse, *(h for _, h in handlers)]
    cells = cells_of(*functions)
    entry = {key: slot.get() for key, slot in cells.items()}
    error: BaseException | None = None
    spot = place()
    try:
        with context.region("try") as layer:
            frame = _Try(tuple(k for kinds in every for k in kinds), layer, single, spot.line)
            context.tries.append(frame)
            try:
                body()
            except StagedRaise as staged:
                error = staged.error
            except (CaptureError, WengertError):
                raise
            except Exception as caught:
                error = caught
            finally:
                context.tries.pop()
            finals = context.finals(layer)
            for key, slot in cells.items():
                now = slot.get()
                if now is not entry[key]:
                    finals.slots[key], finals.values[key] = slot, now
            recorded = layer.recorded
    finally:
        for key, slot in cells.items():
            slot.set(entry[key])
    if not frame.oks:
        context.top.recorded.update(recorded)
        for key, changed in finals.slots.items():
            context.put(changed, finals.values[key])
        if error is None:
            if recorded and every and context.least_sizes and _catch_bounds(every):
                refuse("a try that catches what depends on the sizes of arrays", NeedConcrete)
            if recorded and every and not context.eager:
                _warn_unreachable(context, every, spot)
            orelse()
            return
        for kinds, (_, handler) in zip(every, handlers, strict=True):
            if isinstance(error, kinds):
                handler(error)
                return
        raise error
    if error is not None:
        raise error
    ok = frame.oks[0]
    for other in frame.oks[1:]:
        ok = where(ok, other, const(False))
    context.top.recorded.update(recorded)
    _try_chosen(context, ok, finals, cells, handlers, orelse)


def _catch_bounds(every: list[tuple[type[BaseException], ...]]) -> bool:
    """Whether errors are caught that indices outside an array and extents that do not fit give."""
    return any(
        issubclass(error, kind)
        for kinds in every
        for kind in kinds
        for error in (IndexError, ValueError)
    )


def _warn_unreachable(
    context: Context, every: list[tuple[type[BaseException], ...]], spot: Any
) -> None:
    """The statements were captured: an error that only running them gives is not caught."""
    names = ", ".join(k.__name__ for kinds in every for k in kinds)
    text = (
        f"the except clause for {names} is not captured: errors that only running the program gives are "
        "not caught; use an if statement, or mode='tape'"
    )
    context.note("except", text, spot)
    if (spot, names) not in _warned:
        _warned.add((spot, names))
        warnings.warn(f"{spot}: {text}", UserWarning, stacklevel=2)


_warned: set[Any] = set()


def _try_chosen(
    context: Context,
    ok: Expr,
    finals: Finals,
    cells: dict[tuple[Any, ...], CellSlot],
    handlers: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...],
    orelse: Callable[[], Any],
) -> None:
    """What the body gives where no error occurs, else what the handler gives."""
    if len(handlers) != 1:
        refuse("a try with several except clauses for errors at run time; use mode='tape'")

    def good() -> None:
        for key, slot in finals.slots.items():
            context.put(slot, finals.values[key])
        orelse()

    branches(
        ok, good, lambda: handlers[0][1](Poison("the error of an except clause is used")), cells
    )


def _kinds(value: Any) -> tuple[type[BaseException], ...]:
    if value is None:
        return (Exception,)
    return value if isinstance(value, tuple) else (value,)


def _try_now(
    body: Callable[[], Any],
    handlers: list[tuple[tuple[type[BaseException], ...], Callable[[Any], Any]]],
    orelse: Callable[[], Any],
) -> None:
    try:
        body()
    except Exception as error:
        for kinds, handler in handlers:
            if isinstance(error, kinds):
                handler(error)
                return
        raise
    orelse()


# --- forms of slots ----------------------------------------------------------------------------------------
class Whole(Form):
    """The contents of a buffer or the token: one expression, with what is known beside it."""

    def __init__(self, slot: Slot, type_: Any, stale: Any = None, links: Any = ()) -> None:
        self.slot, self.type, self.stale, self.links = slot, type_, stale, links

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        out.append(value[0] if isinstance(value, tuple) else value)

    def types(self, out: list[Any], seen: Seen) -> None:
        out.append(self.type)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if isinstance(value, tuple):
            self.stale = self.stale or value[1]
        return self

    def build(self, building: Building) -> Any:
        expr = next(building.exprs)
        return expr if isinstance(self.slot, TokenSlot) else (expr, self.stale, self.links)


class Elements(Form):
    """The elements of a list, whose number is the same on both ways."""

    def __init__(self, items_: Sequence_, growing: Any) -> None:
        self.items, self.growing = items_, growing

    def leaves(self, value: Any, side: Side, out: list[Expr], seen: Seen) -> None:
        self.items.leaves(value[0], side, out, seen)

    def types(self, out: list[Any], seen: Seen) -> None:
        self.items.types(out, seen)

    def join(self, value: Any, uniting: Uniting) -> Form:
        if value[1] is not self.growing or len(value[0]) > len(self.items.items):
            mine = self.build(Building(iter([fresh(t) for t in leaf_types(self)])))
            return Stacked.of(mine, value, uniting=uniting)
        joined = self.items.join(value[0], uniting)
        if not isinstance(joined, Sequence_):
            raise Unfit(f"a list of {len(self.items.items)} and {describe(value[0])}")
        return self if joined is self.items else Elements(joined, self.growing)

    def build(self, building: Building) -> Any:
        return (tuple(self.items.build(building)), self.growing)


def slot_form(slot: Slot, a: Any, b: Any, uniting: Uniting, line: int) -> Form:
    """The form of what a slot holds."""
    uniting.name = slot.name
    if isinstance(slot, TokenSlot):
        return Whole(slot, a.value_type)
    if isinstance(slot, BufferSlot):
        return Whole(slot, slot.buffer.type, a[1] or b[1], slot.buffer.links)
    key = slot.key
    if key[0] == "list":
        return _list_form(a, b, uniting)
    if key[0] == "deque" and len(a) != len(b):
        from wengert.frontend.staging.deques import as_lists

        as_lists()
    if key[0] == "set":
        if a == b:
            return _united(a, b, uniting)
        refuse(
            f"a set is changed in a branch that depends on run-time values (line {line})",
            NeedConcrete,
        )
    return _united(a, b, uniting)


def _list_form(a: Any, b: Any, uniting: Uniting) -> Form:
    (first, grown), (second, other) = a, b
    if grown is not other or (uniting.loop and len(first) != len(second)):
        return Stacked.of(a, b, uniting=uniting)
    return Elements(positions(first, second, uniting, tuple), grown)
