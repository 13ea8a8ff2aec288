"""``for`` and ``while``: executed where everything is known, else captured as one loop of the graph.

A loop is staged by a fix-point. The body is captured with the values from before the loop; what it changed
(variables, arrays, lists, attributes, effects) becomes carried values with symbols of their own, and the body
is captured again, until what is carried and its types are stable. Where the first iteration differs in type
it is peeled off; where a value is needed at capture, the loop is unrolled.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from wengert.frontend.staging.adopting import capacity_of, user_method
from wengert.frontend.staging.branches import (
    CAUGHT,
    RESULT,
    StagedRaise,
    Whole,
    branches,
    cells_of,
    negated,
    slot_form,
    tied,
)
from wengert.frontend.staging.context import (
    UNASSIGNED,
    CarryChange,
    CellSlot,
    Context,
    ListSlot,
    NeedConcrete,
    Place,
    Slot,
    active,
    place,
    refuse,
)
from wengert.frontend.staging.effects import TokenSlot
from wengert.frontend.staging.forms import (
    ArrayForm,
    Building,
    Form,
    Missing,
    Poisoned,
    Seen,
    Sequence_,
    Side,
    Unfit,
    Uniting,
    alone,
    array_forms,
    has_poison,
    same,
)
from wengert.frontend.staging.frozen import freeze, owners
from wengert.frontend.staging.growing import (
    CHANGED,
    Growing,
    Maybe,
    NeedRows,
    growing_of,
    is_growing,
    leaf_types,
    length_of,
)
from wengert.frontend.staging.handles import (
    UNKNOWN,
    Array,
    Buffer,
    BufferSlot,
    Scalar,
    describe,
    known,
    may_miss,
    scalar_of,
    selected,
    to_expr,
)
from wengert.frontend.staging.iteration import Steps, steps_of
from wengert.frontend.staging.operators import binary, compared
from wengert.frontend.staging.ranges import affine
from wengert.frontend.staging.stacks import Stacked, packed, put_in_rows, read, settle
from wengert.frontend.staging.truth import tested
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import depends_on, order
from wengert.ops.algebra import full
from wengert.ops.choice import gt, where
from wengert.ops.control.item import items
from wengert.ops.control.looped import COUNTER, Looped, closed_loop
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import reshape
from wengert.ops.leaves import const, fresh
from wengert.ops.masks import mask_load

__all__ = ["for_", "while_"]

# Any: elements and bodies are the program's.
# A lambda with a default keeps the value of this turn of the loop; mypy does not infer such a lambda.
_FEW = 3  # loops of that many iterations are executed
_ROUNDS = 4  # rounds of a while loop that are executed before staging is tried
_MOST_TRACES = 12
_MOST_NODES = 400_000


# --- for ---------------------------------------------------------------------------------------------------
def for_(iterable: Any, body: Callable[[Any], Any], broken: str | None) -> None:
    """The statement ``for``; ``broken`` names the flag that a ``break`` sets."""
    context = active()
    flag = _cell(body, broken)
    if type(iterable) is list and growing_of(iterable) is not None:
        put_in_rows(iterable)
    steps = steps_of(iterable)
    if steps is None:
        if type(iterable) is list and not context.eager:
            _over_list(context, iterable, body, flag)
        else:
            if user_method(type(iterable), "__iter__") is not None:
                body = _never_left(body, flag)
            maker = context.makers.get(id(iterable))
            also = () if maker is None or maker[0] is not iterable else (maker[1],)
            _execute(context, _elements(iterable), body, flag, also, iterable)
        return
    trip = known(steps.trip)
    if context.eager or (
        trip is not UNKNOWN and (trip <= _FEW or _is_static(context, steps, body, flag))
    ):
        _execute(context, (steps.element(k) for k in range(int(known(steps.trip)))), body, flag)
        return
    where = place()
    if trip is not UNKNOWN:
        if where in context.unrolled:
            context.note("unrolled", "arrays change places in it", where)
            _execute(context, (steps.element(k) for k in range(int(trip))), body, flag)
            return
        context.static_loops.add(where)
    try:
        _staged_for(context, steps, body, flag, where)
    except _Changing:
        if type(iterable) is not list:
            refuse("a list is changed while a loop runs over it; run over a copy", NeedConcrete)
        _over_changing(iterable, 0, body, flag)


class _Changing(BaseException):
    """A loop changes the length of a list that it runs over."""


def _over_list(
    context: Context, elements: list[Any], body: Callable[[Any], Any], flag: CellSlot | None
) -> None:
    """A loop over a list of known length, as long as it stays known."""
    position = 0
    before = ListSlot(elements).get()

    def present() -> Iterator[Any]:
        nonlocal position
        while position < len(elements) and not changed():
            position += 1
            yield elements[position - 1]

    def changed() -> bool:
        if not is_growing(elements):
            return False
        items, growing = ListSlot(elements).get()
        same_items = len(items) == len(before[0]) and all(map(operator.is_, items, before[0]))
        return not (same_items and growing is before[1])

    _execute(context, present(), body, flag)
    if changed() and (flag is None or tested(flag.get()) is not True):
        _over_changing(elements, position, body, flag)


def _over_changing(
    elements: list[Any], start: int, body: Callable[[Any], Any], flag: CellSlot | None
) -> None:
    """A loop over a list from a place on, where the body makes the list longer or shorter."""
    position: Any = start

    def test() -> Any:
        length = length_of(elements)
        known_all = not isinstance(position, Scalar) and not isinstance(length, Scalar)
        inside = position < length if known_all else compared("<", position, length)
        stop = False if flag is None else tested(flag.get())
        if isinstance(stop, Scalar):
            return Scalar(where(stop.expr, const(False), to_expr(inside)), python=True)
        return False if stop else inside

    def step() -> None:
        nonlocal position
        here = position
        position = binary("+", here, 1) if isinstance(here, Scalar) else here + 1
        body(read(elements, here))

    while_(test, step, body)


def _elements(iterable: Any) -> Any:
    from wengert.frontend.staging.iteration import python_elements

    return python_elements(iterable, flagged=True)


def _cell(body: Callable[..., Any], name: str | None) -> CellSlot | None:
    if name is None:
        return None
    return next(slot for slot in cells_of(body).values() if slot.name == name)


def _never_left(body: Callable[[Any], Any], flag: CellSlot | None) -> Callable[[Any], Any]:
    """The body, which must not end the loop where only running the program tells."""

    def checked(element: Any) -> None:
        body(element)
        if flag is not None and isinstance(tested(flag.get()), Scalar):
            refuse(
                "leaves a loop over an iterator of a class where only running the program tells; loop over "
                "list(...) of it, or use while and next()",
                NeedConcrete,
            )

    return checked


def _execute(
    context: Context,
    elements: Iterator[Any],
    body: Callable[[Any], Any],
    flag: CellSlot | None,
    also: tuple[Callable[..., Any], ...] = (),
    source: Any = None,
) -> None:
    """Iterations one by one; after a run-time ``break`` the others are under a condition.

    ``also`` are functions that run when the next element is taken. ``source`` is what is iterated over.
    """
    cells: dict[tuple[Any, ...], CellSlot] | None = None
    start = context.count
    iterator = iter(elements)
    ended = False

    def once() -> None:
        nonlocal cells, ended
        try:
            element = next(iterator)
        except StopIteration:
            ended = True
            return
        if type(element) is not Maybe:
            body(element)
            return
        cells = cells or cells_of(body, *also)
        present = tested(element.present)
        if isinstance(present, Scalar):
            branches(present.expr, lambda: body(element.value), _nothing, cells)
        elif present:
            body(element.value)

    while not ended:
        stop = tested(flag.get()) if flag is not None else False
        if stop is True:
            return
        if isinstance(stop, Scalar):  # taking the next element is under the condition, too
            if hasattr(type(source), "__next__"):
                context.spent.append(source)
            cells = cells or cells_of(body, *also)
            branches(stop.expr, _nothing, once, cells)
        else:
            once()
        if context.count - start > _MOST_NODES and not context.eager:
            reason = next((n.text for n in reversed(context.notes) if n.kind == "unrolled"), "")
            refuse(
                f"this loop was unrolled into more than {_MOST_NODES} operations"
                f"{' because ' + reason if reason else ''}; keep its values in arrays, or mode='tape'"
            )


def _nothing() -> None:
    return None


def _is_static(
    context: Context, steps: Steps, body: Callable[[Any], Any], flag: CellSlot | None
) -> bool:
    """Whether an iteration is all Python: it records nothing and leaves no run-time value."""
    element = steps.element(0)
    if isinstance(element, (Scalar, Array)) and known(element) is UNKNOWN:
        return False
    if not steps.plain:
        return False
    cells = cells_of(body)
    entry = {key: slot.get() for key, slot in cells.items()}
    before = context.count
    notes = len(context.notes)
    static = True
    before_trial = context.trial
    try:
        with context.region("trial"):
            context.trial = True
            body(element)
            static = context.count == before and not any(
                isinstance(v, (Scalar, Array)) and v is not entry[key]
                for key, v in ((key, slot.get()) for key, slot in cells.items())
            )
    except BaseException:  # whatever it is, the real run will meet it again
        static = False
    finally:
        context.trial = before_trial
        for key, slot in cells.items():
            slot.set(entry[key])
    del context.notes[notes:]
    context.count = before
    return static


def _staged_for(
    context: Context,
    steps: Steps,
    body: Callable[[Any], Any],
    flag: CellSlot | None,
    where: Place,
    peeled: bool = False,
) -> None:
    test = None if flag is None else (lambda: _not(flag.get()))
    trip = known(steps.trip)
    functions = (body,)
    frozen = dict(context.frozen)
    try:
        stage(context, steps, test, body, functions, where, peeled=peeled)
        context.note("loop kept", "as one loop of the graph", where)
        return
    except CarryChange as change:
        if peeled:
            problem: NeedConcrete = change
        else:
            if trip is UNKNOWN:
                _peel_unknown(context, steps, body, flag, where, change)
                return
            context.note("loop peeled", f"first iteration apart: {_reason(change)}", where)
            body(steps.element(0))
            rest = steps.after(1)
            stop = tested(flag.get()) if flag is not None else False
            if isinstance(stop, Scalar):
                branches(
                    stop.expr,
                    _nothing,
                    lambda: _rest_of_for(context, rest, body, flag, where),
                    cells_of(body),
                )
            elif not stop:
                _rest_of_for(context, rest, body, flag, where)
            return
    except NeedRows:
        raise
    except NeedConcrete as need:
        problem = need
    if trip is UNKNOWN:
        raise problem
    context.frozen = frozen
    context.note("unrolled", _reason(problem), where)
    _execute(context, (steps.element(k) for k in range(int(trip))), body, flag)


def _rest_of_for(
    context: Context, rest: Steps, body: Callable[[Any], Any], flag: CellSlot | None, where: Place
) -> None:
    """The iterations after the first, which has been executed."""
    try:
        _staged_for(context, rest, body, flag, where, True)
    except _Changing:
        refuse("a list is changed while a loop runs over it; run over a copy", NeedConcrete, where)


def _reason(error: BaseException) -> str:
    return str(error).split("(): ", 1)[-1]


def _peel_unknown(
    context: Context,
    steps: Steps,
    body: Callable[[Any], Any],
    flag: CellSlot | None,
    where: Place,
    change: CarryChange,
) -> None:
    """The first iteration apart, where it is not known whether there is one."""
    context.note("loop peeled", f"first iteration apart: {_reason(change)}", where)

    def first() -> None:
        body(steps.element(0))
        rest = steps.after(1)
        stop = tested(flag.get()) if flag is not None else False
        if isinstance(stop, Scalar):
            branches(
                stop.expr,
                _nothing,
                lambda: _rest_of_for(context, rest, body, flag, where),
                cells_of(body),
            )
        elif not stop:
            _rest_of_for(context, rest, body, flag, where)

    there = tested(Scalar(gt(to_expr(steps.trip), const(0)), python=True))
    if isinstance(there, Scalar):
        branches(there.expr, first, _nothing, cells_of(body))
    elif there:
        first()


def _not(flag: Any) -> Any:
    value = tested(flag)
    return Scalar(negated(value.expr), python=True) if isinstance(value, Scalar) else not value


# --- while -------------------------------------------------------------------------------------------------
def while_(test: Callable[[], Any], body: Callable[[], Any], *inner: Callable[..., Any]) -> None:
    """The statement ``while``; ``inner`` are functions that the body calls with variables of their own."""
    context = active()
    functions = (test, body, *inner)
    where = place()
    rounds = 0
    tries = True
    start = context.count
    while True:
        before = context.count
        flag = tested(test())
        if isinstance(flag, Scalar):
            _staged_while(context, flag, functions, where)
            return
        if not flag:
            return
        if rounds >= _ROUNDS and tries and not context.eager:
            try:
                stage(context, None, test, lambda _k: body(), functions, where)
                context.note("loop kept", "as one loop of the graph", where)
                return
            except NeedRows:
                raise
            except NeedConcrete as need:
                context.note("unrolled", _reason(need), where)
                tries = False
        body()
        rounds += context.count > before
        if context.count - start > _MOST_NODES and not context.eager:
            refuse(
                f"this loop was unrolled into more than {_MOST_NODES} operations; "
                "keep its values in arrays, or mode='tape'"
            )


def _staged_while(
    context: Context,
    flag: Scalar,
    functions: tuple[Callable[..., Any], ...],
    where: Place,
    peeled: bool = False,
) -> None:
    test, body, *_ = functions
    try:
        stage(context, None, test, lambda _k: body(), functions, where, flag, peeled)
        context.note("loop kept", "as one loop of the graph", where)
    except CarryChange as change:
        if peeled:
            raise
        context.note("loop peeled", f"first iteration apart: {_reason(change)}", where)

        def first() -> None:
            body()
            again = tested(test())
            if isinstance(again, Scalar):
                _staged_while(context, again, functions, where, True)
            elif again:
                stage(context, None, test, lambda _k: body(), functions, where)

        branches(flag.expr, first, _nothing, cells_of(*functions))


# --- staging --------------------------------------------------------------------------------------
@dataclass
class _Carried:
    """One slot that is carried."""

    slot: Slot
    init: Any
    form: Form
    late: bool = False  # assigned in each iteration before it is read
    grown: _Grown | None = None


@dataclass
class _Grown:
    """A list that each iteration makes longer."""

    element: Form
    flags: list[bool]  # for each element that an iteration appends: may it be missing?
    init: list[Any]


@dataclass
class _Trace:
    """What one capture of the body gave."""

    k: Expr
    symbols: list[Expr]
    finals: dict[tuple[Any, ...], Any]
    slots: dict[tuple[Any, ...], Slot]
    go: Expr | None
    params: dict[tuple[Any, ...], Any]
    mark: int
    shares: bool  # whether names that are carried stand for one object
    keep: list[Any] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)


def stage(
    context: Context,
    steps: Steps | None,
    test: Callable[[], Any] | None,
    body: Callable[[Any], Any],
    functions: tuple[Callable[..., Any], ...],
    where: Place,
    flag: Any = None,
    peeled: bool = True,
) -> None:
    """Capture a loop; see the module.

    Raises:
        CarryChange: a carried value changes its type in the first iteration.
        NeedConcrete: a value is needed that only running the program tells.
    """
    cells = cells_of(*functions)
    go_before = None
    if test is not None:
        first = flag if flag is not None else tested(test())
        go_before = to_expr(first)
    memory_key = (functions[-1].__code__, len(context.layers) > 0)
    carried = _remembered(context, memory_key, cells)
    mark = Buffer(const(0)).serial
    for _ in range(_MOST_TRACES):
        notes = len(context.notes)
        try:
            trace = _traced(context, steps, test, body, cells, carried, where)
        except NeedRows as need:
            if need.slot not in carried:
                raise  # a loop around this one makes the list longer
            del context.notes[notes:]
            _in_rows(carried[need.slot])
            continue
        except (StagedRaise, *CAUGHT) as error:
            if carried or (steps is not None and known(steps.trip) is not UNKNOWN):
                raise
            _only_raises(steps, go_before, body, cells, error)
            return
        if _settled(context, carried, trace, where, temporaries=peeled):
            if not peeled:
                _check_moved(carried, trace, where)
            context.notes += trace.notes
            if steps is not None:
                _check_lengths(steps, carried, trace)
            _close(context, steps, test is not None, go_before, carried, trace, where, mark)
            _remember(context, memory_key, cells, carried)
            return
    refuse(
        "the types of the loop variables do not settle; give them their final shape and dtype "
        "before the loop",
        NeedConcrete,
        where,
    )


def _only_raises(
    steps: Steps | None,
    go: Expr | None,
    body: Callable[[Any], Any],
    cells: dict[tuple[Any, ...], CellSlot],
    error: BaseException,
) -> None:
    """A loop whose first iteration is an error, if there is one."""

    def first() -> None:
        body(None if steps is None else steps.element(0))
        raise error

    runs = const(True) if steps is None else gt(to_expr(steps.trip), const(0))
    runs = runs if go is None else where(runs, go, const(False))
    branches(runs, first, _nothing, cells)


def _traced(
    context: Context,
    steps: Steps | None,
    test: Callable[[], Any] | None,
    body: Callable[[Any], Any],
    cells: dict[tuple[Any, ...], CellSlot],
    carried: dict[tuple[Any, ...], _Carried],
    where: Place,
) -> _Trace:
    entry = {key: slot.get() for key, slot in cells.items()}
    notes = len(context.notes)
    try:
        with context.region("loop") as layer:
            k = fresh(COUNTER, "k")
            mark = Buffer(const(0)).serial
            context.record(k)
            if steps is not None:
                context.ranges[k] = (const(0), to_expr(steps.trip) - 1)
            symbols: list[Expr] = []
            types: list[Type] = []
            seen = Seen()
            for each in carried.values():
                if isinstance(each.form, Stacked):
                    each.form.loop = where
                _types(each, types, seen)
            symbols = [context.record(fresh(t, "c")) for t in types]
            building = Building(iter(symbols))
            params: dict[tuple[Any, ...], Any] = {}
            for key, each in carried.items():
                params[key] = _enter(context, each, building)
            _share(context, carried, building, where)
            for each in carried.values():
                if isinstance(each.slot, CellSlot) and each.slot.name == RESULT:
                    each.slot.set(UNASSIGNED)  # what returns is the last iteration
            try:
                element = steps.element(scalar_of(k)) if steps is not None else None
                body(element)
                go = None
                if test is not None:
                    go = to_expr(tested(test()))
            except NameError as error:
                for each in carried.values():
                    if each.slot.name == error.name and isinstance(each.form, Poisoned):
                        refuse(each.form.why, CarryChange, where)
                refuse(
                    f"`{error.name}` is read before the loop has assigned it", CarryChange, where
                )
            for each in carried.values():
                each.slot.set(settle(each.form, each.slot.get()))
            finals = context.finals(layer)
            for key, slot in cells.items():
                now = slot.get()
                if now is not entry[key] or key in carried:
                    finals.slots[key], finals.values[key] = slot, now
            told = context.notes[notes:]
            del context.notes[notes:]
            _name_symbols(context, carried, symbols)
        context.traces[where] = context.traces.get(where, 0) + 1
    finally:  # after the journal: it may have seen a variable in the middle of its changes
        for key, slot in cells.items():
            slot.set(entry[key])
    return _Trace(
        k,
        symbols,
        finals.values,
        finals.slots,
        go,
        params,
        mark,
        building.shares,
        list(layer.keep),
        told,
    )


def _types(each: _Carried, out: list[Type], seen: Seen) -> None:
    if each.late:
        return
    if each.grown is not None:
        out.append(Type("int64", weak=True))
        each.grown.element.types(out, seen)
        return
    each.form.types(out, seen)


def _enter(context: Context, each: _Carried, building: Building) -> Any:
    """Give a carried slot its value at the beginning of an iteration."""
    if each.late:
        value: Any = UNASSIGNED
    elif each.grown is not None:
        length = scalar_of(next(building.exprs))
        last = each.grown.element.build(building)
        value = ((), Growing(length, each.grown.element, None, last, slot=each.slot.key))
    else:
        value = each.form.build(building)
    context.put(each.slot, value)
    return value


def _share(
    context: Context,
    carried: dict[tuple[Any, ...], _Carried],
    building: Building,
    where: Place,
) -> None:
    """What the arrays at the beginning of an iteration may be the same memory as."""
    for each in carried.values():
        for form in array_forms(each.form):
            _relate(context, building, form, where)


def _relate(context: Context, building: Building, form: ArrayForm, where: Place) -> None:
    """What has been made of a form may be the same memory as all that it is a form of."""
    arrays = [a for a in form.pair if isinstance(a, Array)]
    outer = frozenset().union(*(a.buffer.origins | a.buffer.shadows for a in arrays))
    for made in building.all(form):
        made.buffer.shadows = outer
        made.buffer.loop = where
        context.relate(made.buffer, *(a.buffer for a in arrays))


def _name_symbols(
    context: Context, carried: dict[tuple[Any, ...], _Carried], symbols: list[Expr]
) -> None:
    """Names of variables for the symbols that stand for them."""
    position = 0
    for each in carried.values():
        types: list[Type] = []
        _types(each, types, Seen())
        name = each.slot.name
        if isinstance(each.slot, BufferSlot):
            name = context.buffer_names.get(each.slot.buffer.serial, "a")
        for symbol in symbols[position : position + len(types)]:
            if name and not name.startswith("_wg_"):
                context.names.setdefault(symbol, name)
        position += len(types)


# --- the fix-point --------------------------------------------------------------------------------
def _settled(
    context: Context,
    carried: dict[tuple[Any, ...], _Carried],
    trace: _Trace,
    where: Place,
    *,
    temporaries: bool,
) -> bool:
    """Whether the carried values hold what the body gave; else they are widened.

    With ``temporaries`` variables that no type holds are taken to be assigned before they are read.
    """
    stable = True
    note = f"after an iteration of the loop at line {where.line}"
    uniting = Uniting(Side(), _side(trace), "value", note, late=True, loop=True)
    for key, slot in trace.slots.items():
        final = trace.finals[key]
        if isinstance(slot, BufferSlot) and slot.buffer.serial >= trace.mark:
            continue  # born in the body
        if key not in carried:
            init = slot.get()
            if init is final or same(init, final):
                continue
            try:
                new = _new(slot, init, final, uniting, where)
            except CarryChange as change:
                if not (temporaries and _may_be_temporary(slot)):
                    raise
                new = _Carried(slot, init, _temporary(change), late=True)
                stable = False
            carried[key] = new
            stable = stable and new.late
            continue
        each = carried[key]
        if each.late and isinstance(each.form, Poisoned):
            continue
        if each.late:
            if final is UNASSIGNED or type(final).__name__ == "Partial":
                each.late = False
                each.form = _form(slot, UNASSIGNED, final, uniting, where)
                stable = False
            else:
                joined = _joined(each.form, final, uniting, slot, where)
                each.form = joined
            continue
        if each.grown is not None:
            stable = _grown_settled(each, final, uniting) and stable
            continue
        try:
            joined = _joined(each.form, final, uniting, slot, where)
        except CarryChange as change:
            if not (temporaries and _may_be_temporary(slot)):
                raise
            each.late, joined = True, _temporary(change)
        if joined is not each.form:
            each.form = joined
            stable = False
    return stable and not (trace.shares and _is_torn(carried, trace))


def _is_torn(carried: dict[tuple[Any, ...], _Carried], trace: _Trace) -> bool:
    """Whether names that stood for one object stand for two after an iteration."""
    seen, last = Seen(), _side(trace)
    for key, each in carried.items():
        if not each.late and each.grown is None:
            each.form.leaves(trace.finals.get(key, trace.params[key]), last, [], seen)
    return seen.torn


def _varies(array: Array, trace: _Trace) -> bool:
    """Whether which part of an array it is depends on the iteration."""
    if not array.views:
        return False
    return bool(depends_on(order([array.expr]), {trace.k, *trace.symbols}) & {array.expr})


def _check_lengths(steps: Steps, carried: dict[tuple[Any, ...], _Carried], trace: _Trace) -> None:
    """The lists that a loop runs over must not become longer or shorter in it."""
    for each in steps.over:
        key = ListSlot(each).key
        if key in carried:
            (_, before), (elements, after) = trace.params[key], trace.finals[key]
            if elements or after is None or not same(before.length, after.length):
                raise _Changing


def _check_moved(carried: dict[tuple[Any, ...], _Carried], trace: _Trace, where: Place) -> None:
    """An array that is changed in place before its name is bound anew is that of others at first."""
    for key, each in carried.items():
        before, after = trace.params.get(key), trace.finals.get(key)
        if (
            isinstance(before, Array)
            and isinstance(after, Array)
            and isinstance(each.slot, CellSlot)
            and after.buffer.serial < trace.mark
            and not _varies(after, trace)
        ):
            # From the second iteration on the name stands for the very same array.
            refuse(
                f"`{each.slot.name}` is another name of an array after the first iteration",
                CarryChange,
                where,
            )
        if (
            isinstance(before, Array)
            and isinstance(after, Array)
            and isinstance(each.slot, CellSlot)
            and before.buffer.expr not in trace.symbols
            and after.buffer.serial >= trace.mark
            and after.buffer is not before.buffer
            and not any(
                isinstance(v, Array) and v.buffer is after.buffer
                for k, v in trace.params.items()
                if k != key
            )
        ):
            refuse(
                f"`{each.slot.name}` is changed in place before the loop binds it anew",
                CarryChange,
                where,
            )


def _side(trace: _Trace) -> Side:
    side = Side()
    side.values = trace.finals
    return side


def _temporary(change: CarryChange) -> Poisoned:
    """What a variable is that no type holds: nobody may read it after the loop."""
    return Poisoned(str(change).partition(": ")[2])


def _may_be_temporary(slot: Slot) -> bool:
    return isinstance(slot, CellSlot) and not slot.name.startswith("_wg_")


def _new(slot: Slot, init: Any, final: Any, uniting: Uniting, where: Place) -> _Carried:
    uniting.name = slot.name
    if init is UNASSIGNED and isinstance(slot, CellSlot):
        if final is UNASSIGNED:
            raise AssertionError("unreachable: nothing has changed")
        if not may_miss(final):
            return _Carried(slot, init, alone(final, uniting), late=True)
    if slot.key[0] == "list":
        grown = _grows(init, final, uniting)
        if grown is not None and has_poison(grown.element):
            refuse(
                f"a list that grows in a loop has elements of different kinds: {grown.element.why}"
                if isinstance(grown.element, Poisoned)
                else "a list that grows in a loop has elements of different kinds",
                NeedConcrete,
                active().appended.get(id(slot.owner), where),
            )
        if grown is not None:
            return _Carried(slot, init, Poisoned(""), grown=grown)
    return _Carried(slot, init, _form(slot, init, final, uniting, where))


def _form(slot: Slot, init: Any, final: Any, uniting: Uniting, where: Place) -> Form:
    uniting.name = slot.name
    try:
        form = slot_form(slot, init, final, uniting, where.line)
    except Unfit as error:
        _unfit(slot, error, where)
    if isinstance(form, Poisoned) and isinstance(slot, CellSlot) and slot.name.startswith("_wg_"):
        refuse(_structure(slot, form, where), CarryChange, where)
    return _checked(form, slot, init, final, where)


def _checked(form: Form, slot: Slot, init: Any, final: Any, where: Place) -> Form:
    """Numbers that became arrays and the like are caught here: union in branches only poisons."""
    if has_poison(form):
        refuse(
            f"the loop variable `{slot.name}` is {describe(init)} before the loop but "
            f"{describe(final)} after one iteration; give it its final shape first",
            CarryChange,
            where,
        )
    return form


def _structure(slot: Slot, form: Poisoned, where: Place) -> str:
    return f"the result of the loop does not have one structure: {form.why}"


def _joined(form: Form, final: Any, uniting: Uniting, slot: Slot, where: Place) -> Form:
    uniting.name = slot.name
    try:
        joined = form.join(final, uniting)
    except Unfit as error:
        _unfit(slot, error, where)
    if has_poison(joined) and not has_poison(form):
        refuse(
            f"the loop variable `{slot.name}` does not keep its structure from iteration to iteration",
            CarryChange,
            where,
        )
    return joined


def _unfit(slot: Slot, error: Unfit, where: Place) -> Any:
    before, _, after = str(error).partition(" and ")
    refuse(
        f"the loop variable `{slot.name}` is {before} before the loop but {after} after one iteration; "
        "give it its final shape first",
        CarryChange,
        where,
    )


def _grows(init: Any, final: Any, uniting: Uniting) -> _Grown | None:
    """Whether an iteration only appends to a list."""
    (before, grown_before), (after, grown_after) = init, final
    if grown_before is not grown_after or grown_before is not None or len(after) <= len(before):
        return None
    if any(not same(x, y) for x, y in zip(before, after, strict=False)):
        return None
    new = after[len(before) :]
    values = [v.value if type(v) is Maybe else v for v in (*before, *new)]
    form = alone(values[-1], uniting)
    for value in values:
        form = form.join(value, uniting)
    return _Grown(form, [type(v) is Maybe for v in new], list(before))


def _grown_settled(each: _Carried, final: Any, uniting: Uniting) -> bool:
    assert each.grown is not None
    elements, growing = final
    if growing is None or growing.rows is not None or len(elements) != len(each.grown.flags):
        _in_rows(each)
        return False
    form = each.grown.element
    for value in elements:
        form = form.join(value.value if type(value) is Maybe else value, uniting)
    flags = [a or type(v) is Maybe for a, v in zip(each.grown.flags, elements, strict=True)]
    stable = form is each.grown.element and flags == each.grown.flags
    each.grown.element, each.grown.flags = form, flags
    return stable


def _in_rows(each: _Carried) -> None:
    """Carry a list with all its elements, where an iteration does more than append to it."""
    assert each.grown is not None
    each.form, each.grown = Stacked(each.grown.element), None


# --- closing ---------------------------------------------------------------------------------------------
def _close(
    context: Context,
    steps: Steps | None,
    has_test: bool,
    go_before: Expr | None,
    carried: dict[tuple[Any, ...], _Carried],
    trace: _Trace,
    where: Place,
    mark: int,
) -> None:
    """The loop node, and its results in the slots; arrays that are younger than ``mark`` are the loop's."""
    _freeze_elements(carried, trace, where)
    first, last = Side(), _side(trace)
    inits: list[Expr] = []
    outputs: list[Expr] = []
    late_symbols: list[Expr] = []
    seen = Seen(), Seen()
    late: list[_Carried] = []
    for key, each in carried.items():
        final = trace.finals[key] if key in trace.finals else trace.params[key]
        if each.late:
            late.append(each)
        elif each.grown is not None:
            _grown_leaves(each.grown, final, inits, outputs, last)
        else:
            each.form.leaves(each.init, first, inits, seen[0])
            each.form.leaves(final, last, outputs, seen[1])
    for each in late:
        types: list[Type] = []
        each.form.types(types, Seen())
        late_symbols += [fresh(t, "l") for t in types]
        each.form.fill(inits, Seen())
        each.form.leaves(trace.finals.get(each.slot.key, UNASSIGNED), last, outputs, Seen())
    rows, plan = _rows(carried, trace, last)
    symbols = [*trace.symbols, *late_symbols]
    carries = list(zip(symbols, inits, strict=True))
    if has_test:
        assert go_before is not None
        assert trace.go is not None
        carries.insert(0, (fresh(Type("bool"), "go"), go_before))
        outputs = [trace.go, *outputs]
    trip = None if steps is None else to_expr(steps.trip)
    counted = has_test or trip is None
    node = closed_loop(
        Looped(
            k=trace.k,
            carries=carries,
            outputs=outputs,
            rows=rows,
            trip=trip,
            go=has_test,
            counted=counted,
        )
    )
    context.lines[node] = where
    results = [context.record(e) for e in items(node)]
    executed = results.pop(0) if counted else trip
    if has_test:
        results.pop(0)
    assert executed is not None
    building = Building(iter(results))
    plain = [each for each in carried.values() if not each.late and each.grown is None]
    order = [each for each in carried.values() if not each.late]
    for each in order:
        if each.grown is not None:
            each.init = (
                next(building.exprs),
                [next(building.exprs) for _ in leaf_types(each.grown.element)],
            )
        else:
            steady = _steady_length(each, trace, None if has_test else trip)
            _leave(context, each, building, steady)
    ran = tested(Scalar(gt(executed, const(0)), python=True))
    for each in late:
        value = each.form.build(building) if ran is not False else each.init
        if isinstance(each.form, Poisoned):
            context.put(each.slot, value)
            continue
        if isinstance(ran, Scalar):
            form_value = Missing(each.form, False, each.slot.name)
            value = form_value.build(
                Building(iter([negated(ran.expr), *_exprs_of(each.form, value)]))
            )
        elif not ran:
            value = UNASSIGNED
        context.put(each.slot, value)
    _reshare(context, [*plain, *late], trace, building, where, negated(to_expr(ran)), mark)
    stacked = list(building.exprs)
    for each, count in plan:
        _grown_after(context, each, [stacked.pop(0) for _ in range(count)], executed, where)


def _freeze_elements(carried: dict[tuple[Any, ...], _Carried], trace: _Trace, where: Place) -> None:
    """Nothing may change any more of which a list that grew, or one in rows, holds a copy.

    Raises:
        NeedConcrete: the loop itself changes it.
    """
    changed = {key[1] for key in carried if key[0] in ("buffer", "list", "dict", "attr")}
    for key, each in carried.items():
        if each.grown is None:
            if isinstance(each.form, Stacked):
                freeze(each.init[0], CHANGED, where)
            continue
        elements, _ = trace.finals.get(key, trace.params[key])
        for value in (*each.grown.init, *elements):
            held = value.value if type(value) is Maybe else value
            for owner in owners(held):
                known_by = owner.serial if isinstance(owner, Buffer) else id(owner)
                if known_by in changed:
                    refuse(f"{CHANGED}; copy it first", NeedConcrete, where)
            freeze(held, CHANGED, where)


def _exprs_of(form: Form, value: Any) -> list[Expr]:
    out: list[Expr] = []
    form.leaves(value, Side(), out, Seen())
    return out


def _steady_length(each: _Carried, trace: _Trace, trip: Expr | None) -> Any:
    """The length after the loop of a list that each iteration makes longer by the same number of elements."""
    if trip is None or not isinstance(each.form, Stacked):
        return None
    key = each.slot.key
    more = affine(to_expr(trace.finals[key][1].length) - to_expr(trace.params[key][1].length))
    if set(more) - {None}:
        return None
    before = to_expr(packed(each.init, each.form.element, Side()).length)
    length = scalar_of(before + more.get(None, 0) * trip)
    if isinstance(length, int):
        capacity_of(active(), least=length)
    return length


def _leave(context: Context, each: _Carried, building: Building, length: Any) -> None:
    value = each.form.build(building)
    if length is not None:
        value = (value[0], replace(value[1], length=length))
    if isinstance(each.form, Whole) and isinstance(value, tuple):
        assert isinstance(each.slot, BufferSlot)
        value = (value[0], value[1], each.slot.buffer.links)
    context.put(each.slot, value)


def _reshare(
    context: Context,
    carried: list[_Carried],
    trace: _Trace,
    building: Building,
    where: Place,
    none: Expr,
    mark: int,
) -> None:
    """What the arrays after the loop may be the same memory as; ``none``: it has made no iteration."""
    for each in carried:
        final = trace.finals.get(each.slot.key)
        new = None if each.form.apart else building.made.get(id(each.form))
        fresh_ones = isinstance(final, Array) and not _outer(final.buffer, mark)
        if new is not None and isinstance(each.init, Array) and fresh_ones:
            tied(context, new.buffer, (each.init, None), none, mark)  # iterations make new ones
            continue
        for form in array_forms(each.form):
            _relate(context, building, form, where)


def _outer(buffer: Buffer, mark: int) -> set[int]:
    """The arrays from before that a buffer may be the same memory as."""
    return {o for o in buffer.origins | buffer.shadows if o < mark}


def _grown_leaves(
    grown: _Grown, final: Any, inits: list[Expr], outputs: list[Expr], last: Side
) -> None:
    """Length and last element before the loop and after an iteration."""
    filled: list[Expr] = []
    grown.element.fill(filled, Seen())
    inits += _lengthened(grown, grown.init, const(0), filled, Side())
    elements, growing = final
    newest = _exprs_of(grown.element, growing.last)
    outputs += _lengthened(grown, elements, to_expr(growing.length), newest, last)


def _lengthened(
    grown: _Grown, elements: Any, length: Expr, newest: list[Expr], side: Side
) -> list[Expr]:
    """The length of a list and its last element after elements have come to it."""
    for element in elements:
        leaves: list[Expr] = []
        if type(element) is Maybe:
            grown.element.leaves(element.value, side, leaves, Seen())
            condition = to_expr(element.present)
            length = length + where(condition, const(1), const(0))
            newest = [selected(condition, a, b) for a, b in zip(leaves, newest, strict=True)]
        else:
            grown.element.leaves(element, side, leaves, Seen())
            length, newest = length + 1, leaves
    return [length, *newest]


def _rows(
    carried: dict[tuple[Any, ...], _Carried], trace: _Trace, last: Side
) -> tuple[list[Expr], list[tuple[_Carried, int]]]:
    """What each iteration adds to the lists that grow."""
    rows: list[Expr] = []
    plan: list[tuple[_Carried, int]] = []
    for key, each in carried.items():
        if each.grown is None:
            continue
        before = len(rows)
        elements, _ = trace.finals.get(key, trace.params[key])
        for element, flagged in zip(elements, each.grown.flags, strict=False):
            value = element.value if type(element) is Maybe else element
            each.grown.element.leaves(value, last, rows, Seen())
            if flagged:
                rows.append(to_expr(element.present) if type(element) is Maybe else const(True))
        plan.append((each, len(rows) - before))
    return rows, plan


def _grown_after(
    context: Context, each: _Carried, stacks: list[Expr], executed: Expr, where: Place
) -> None:
    """The list after the loop: all its elements stacked."""
    grown = each.grown
    assert grown is not None
    assert isinstance(each.init, tuple)
    length, last_leaves = each.init
    count = len(leaf_types(grown.element))
    per: list[list[Expr]] = []
    flags: list[Expr | None] = []
    for flagged in grown.flags:
        per.append([stacks.pop(0) for _ in range(count)])
        flags.append(stacks.pop(0) if flagged else None)
    found: list[Expr] = []
    dynamic = any(f is not None for f in flags)
    mask = None
    if dynamic and count:
        rows = per[0][0].shape[0]
        columns = [full((rows,), const(True)) if f is None else f for f in flags]
        mask = columns[0] if len(columns) == 1 else reshape(stack(columns, 1), (-1,))
    for leaf in range(count):
        columns = [p[leaf] for p in per]
        if len(columns) == 1:
            joined = columns[0]
        else:
            together = stack(columns, 1)
            rest = together.shape[2:]
            joined = reshape(together, (together.shape[0] * len(columns), *rest))
        if mask is not None:
            joined = mask_load(joined, mask)
        found.append(joined)
    if grown.init:
        leading = [_exprs_of(grown.element, v.value if type(v) is Maybe else v) for v in grown.init]
        some = [to_expr(v.present) if type(v) is Maybe else const(True) for v in grown.init]
        dynamic = dynamic or any(type(v) is Maybe for v in grown.init)
        for i, after in enumerate(found):
            before = stack([row[i] for row in leading], 0)
            if any(type(v) is Maybe for v in grown.init):
                before = mask_load(before, stack(some, 0))
            found[i] = concatenate([before, after])
    total: Any = scalar_of(length)
    static = known(scalar_of(executed))
    if not dynamic and static is not UNKNOWN:
        total = len(grown.init) + int(static) * len(grown.flags)
    for expr in found:
        context.record(expr)
    last = grown.element.build(Building(iter(last_leaves)))
    freeze(last, CHANGED, where)
    contents = Growing(total, grown.element, tuple(found), last, loop=where)
    context.put(each.slot, ((), contents))


# --- memory ------------------------------------------------------------------------------------------------
def _remember(
    context: Context,
    key: Any,
    cells: dict[tuple[Any, ...], CellSlot],
    carried: dict[tuple[Any, ...], _Carried],
) -> None:
    """Which variables were carried, by name, so that the next capture of the loop starts from them."""
    found: list[tuple[Any, ...]] = []
    for each in carried.values():
        if each.late or each.grown is not None:
            continue
        if isinstance(each.slot, CellSlot) and each.slot.key in cells:
            found.append(("cell", each.slot.name, leaf_types(each.form)))
        elif isinstance(each.slot, BufferSlot):
            names = [
                c.name
                for c in cells.values()
                if isinstance(c.get(), Array) and c.get().buffer is each.slot.buffer
            ]
            if names:
                found.append(("buffer", names[0], None))
        elif isinstance(each.slot, TokenSlot):
            found.append(("token", "", None))
    context.memory[key] = found


def _remembered(
    context: Context, key: Any, cells: dict[tuple[Any, ...], CellSlot]
) -> dict[tuple[Any, ...], _Carried]:
    carried: dict[tuple[Any, ...], _Carried] = {}
    by_name = {slot.name: slot for slot in cells.values()}
    for kind, name, known_types in context.memory.get(key, ()):
        if kind == "token":
            slot: Slot = TokenSlot(context)
            carried[slot.key] = _Carried(slot, slot.get(), Whole(slot, slot.get().value_type))
            continue
        cell = by_name.get(name)
        if cell is None:
            continue
        value = cell.get()
        if kind == "buffer":
            if isinstance(value, Array):
                slot = BufferSlot(value.buffer)
                init = slot.get()
                carried[slot.key] = _Carried(
                    slot, init, Whole(slot, value.buffer.type, init[1], init[2])
                )
            continue
        if value is UNASSIGNED:
            continue
        uniting = Uniting(Side(), Side(), name, "")
        form = alone(value, uniting)
        now = leaf_types(form)
        if len(now) == len(known_types) and now != known_types:
            form = _retyped(form, iter(known_types))
        carried[cell.key] = _Carried(cell, value, form)
    return carried


def _retyped(form: Form, types: Iterator[Type]) -> Form:
    from wengert.frontend.staging.forms import Number

    if isinstance(form, Number):
        return Number(next(types), form.python, form.classes)
    if isinstance(form, Sequence_):
        return Sequence_(form.cls, [_retyped(f, types) for f in form.items])
    for _ in leaf_types(form):
        next(types)
    return form
