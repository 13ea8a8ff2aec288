"""Loops as Python writes them, with their variables, flags, counters and stacks of rows."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.emit.python.emission import Emission, assign_together, effects_first, ended
from wengert.emit.python.memory import crossed, is_fresh
from wengert.emit.python.naming import is_private
from wengert.emit.python.regions import Branches, Carry, Looping, Row
from wengert.emit.python.stores import own
from wengert.emit.python.values import Block, Buffer, Kind, Line, Value, read
from wengert.errors import GraphError, worded
from wengert.ir.dims import Dim
from wengert.ir.types import Type
from wengert.show.precedence import ATOM, Text, flat

__all__ = ["emit_loop", "emit_row"]


def _changes(output: Value, param: Value) -> bool:
    """Whether a loop variable ends as what it was, changed by stores."""
    stack = [(output, False)]
    seen: set[tuple[Value, bool]] = set()
    while stack:
        value, stored = stack.pop()
        if (value, stored) in seen:
            continue
        seen.add((value, stored))
        if value is param and stored:
            return True
        if value.kind is Kind.STORE and value.base is not None:
            stack.append((value.base, True))
        elif value.kind is Kind.ITEM:
            stack += _origins(value, stored)
    return False


def _origins(item: Value, stored: bool) -> list[tuple[Value, bool]]:
    parts = item.deps[0].parts
    if isinstance(parts, Branches):
        for result, first, second in parts.results:
            if result is item:
                return [(first, stored), (second, stored)]
    if isinstance(parts, Looping):
        for carry in parts.carries:
            if carry.result is item:
                return [(carry.init, stored or _changes(carry.output, carry.param))]
    return []


def emit_loop(emission: Emission, value: Value, parts: Looping) -> None:
    """Write a loop."""
    body = value.bodies[0]
    attr = parts.attr
    changed = [c.param.is_array and _changes(c.output, c.param) for c in parts.carries]
    names = _start(emission, value, parts, changed)
    if parts.trip is not None and parts.trip.pending and (parts.rows or parts.count is not None):
        emission.flush(parts.trip)
    stacks = [_new_stack(emission, value, parts, row) for row in parts.rows]
    counter = _counter(emission, value, parts)
    for carry, name, owned in zip(parts.carries, names, changed, strict=True):
        emission.hold(carry.param, name)
        if carry.param.is_array:
            carry.param.lie_in((Buffer(owned=owned),), whole=True)
        if carry.output.block is body and carry.output.kind is not Kind.LEAF:
            carry.output.prefer, carry.output.guard = name, carry.param
    for row, name in zip(parts.rows, stacks, strict=True):
        row.row.prefer = name
        row.row.keep = row.shape is None
    emission.emit(body, effects_first(body.roots))
    _end(emission, body, parts, names, changed)
    count = _count_up(emission, value, parts, counter)
    _head(emission, value, parts, counter, names)
    ended(emission, body.roots)
    emission.finish(value)
    for carry, name, owned in zip(parts.carries, names, changed, strict=True):
        if carry.result is not None:
            emission.hold(carry.result, name)
            if carry.result.is_array:
                _lie_after(carry, owned)
    for row, name in zip(parts.rows, stacks, strict=True):
        _close_stack(emission, value, row, name)
    if parts.count is not None:
        parts.count.text = Text((count,))
    if attr.backward and parts.trip is None:
        raise GraphError(worded("loop", expected="a trip count to run backwards", got="none"))


def _start(emission: Emission, value: Value, parts: Looping, changed: Sequence[bool]) -> list[str]:
    """Variables of the loop with their initial values."""
    names: list[str] = []
    texts: list[str] = []
    overwritten: set[Buffer] = set()
    starts: list[Text] = []
    for carry, owned in zip(parts.carries, changed, strict=True):
        init = carry.init
        text, is_new = read(init), False
        if owned:
            shared = any(c.init is init for c in parts.carries if c is not carry)
            if shared or not overwritten.isdisjoint(init.buffers):
                text, is_new = Text(("np.array(", text, ")")), True
            else:
                text, is_new = own(emission, init, value.block, [value])
            if not is_new:
                overwritten.update(init.buffers)
        starts.append(text)
    for position, (carry, owned) in enumerate(zip(parts.carries, changed, strict=True)):
        text = starts[position]
        if not owned and not overwritten.isdisjoint(carry.init.buffers):
            text = Text(("np.array(", text, ")"))  # a view of what the loop changes
        names.append(_variable(emission, value, parts, carry, position, names))
        texts.append(flat([text]))
    assign_together(value.block, zip(names, texts, strict=True))
    return names


def _variable(
    emission: Emission,
    value: Value,
    parts: Looping,
    carry: Carry,
    position: int,
    taken: Sequence[str],
) -> str:
    init, result = carry.init, carry.result
    count = crossed(init, value.block)
    text = emission.written(init)
    once = sum(c.init is init for c in parts.carries) == 1
    dies = count is not None and init.left - count - 1 == 0
    if once and dies and emission.holders.get(text) is init and text not in taken:
        return text
    if result is not None and result.prefer and result.prefer not in taken:
        guard = result.guard
        if (guard is None or guard.left == 0) and emission.is_over(result.prefer, value.block, ()):
            return result.prefer
    hint = "" if result is None else emission.hints.get(result.node, "")
    if not is_private(hint):
        return emission.naming.new(hint)
    if parts.attr.go and not parts.test and position == 0:
        return emission.naming.new("go")
    return emission.naming.numbered()


def _counter(emission: Emission, value: Value, parts: Looping) -> str:
    """The name of the counter; none where nothing reads it."""
    if parts.counter.left <= 0:
        return ""
    depth = sum(block.looped for block in value.block.enclosing())
    name = emission.naming.index(depth)
    parts.counter.text = Text((name,))
    if parts.trip is None:
        value.block.add(f"{name} = 0")
    return name


def _end(
    emission: Emission,
    body: Block,
    parts: Looping,
    names: Sequence[str],
    changed: Sequence[bool],
) -> None:
    """What the variables are in the next iteration."""
    texts: list[str] = []
    for carry, owned in zip(parts.carries, changed, strict=True):
        text = read(carry.output)
        if owned and not _is_alone(carry, parts):
            text = Text(("np.array(", text, ")"))
        texts.append(flat([text]))
    assign_together(body, zip(names, texts, strict=True))


def _is_alone(carry: Carry, parts: Looping) -> bool:
    """Whether what a variable becomes lies in memory that nothing else will know."""
    output = carry.output
    if is_fresh(output):
        return True
    if len(output.buffers) != 1 or not output.buffers[0].owned or not output.whole:
        return False
    (buffer,) = output.buffers
    others = [c.output for c in parts.carries if c is not carry]
    return output not in others and not any(buffer in other.buffers for other in others)


def _count_up(emission: Emission, value: Value, parts: Looping, counter: str) -> str:
    """The text of the number of iterations after the loop, if it is wanted."""
    body = value.bodies[0]
    count = ""
    if parts.count is not None:
        if not parts.attr.go:
            assert parts.trip is not None
            count = f"max({emission.written(parts.trip)}, 0)"
        elif parts.trip is None and counter:
            count = counter
        else:
            hint = emission.hints.get(parts.count.node, "")
            count = emission.naming.new("count" if is_private(hint) else hint)
            value.block.add(f"{count} = 0")
            body.add(f"{count} += 1")
    if parts.trip is None and counter:
        body.add(f"{counter} += 1")
    return count


def _head(
    emission: Emission, value: Value, parts: Looping, counter: str, names: Sequence[str]
) -> None:
    body = value.bodies[0]
    test = _test_text(emission, parts, names)
    leave = f"if not {flat([emission.writer.at_least(test, -1)])}:\n    break"
    if parts.trip is None:
        value.block.add("while True:" if parts.ends else f"while {flat([test])}:")
    else:
        trip = emission.writer.at_least(read(parts.trip), 0)
        text = flat([trip])
        steps = f"range({text})"
        if parts.attr.backward:
            steps = f"reversed(range({text}))"
        value.block.add(f"for {counter or '_'} in {steps}:")
        if parts.attr.go and not parts.ends:
            body.lines.insert(0, Line(leave))
    if parts.ends:
        body.add(leave)
    if not body.lines:
        body.add("pass")
    value.block.lines.append(body)


def _test_text(emission: Emission, parts: Looping, names: Sequence[str]) -> Text:
    """What is tested before each iteration."""
    if not parts.attr.go:
        return Text(("True",))
    if not parts.test:
        return Text((names[0],))
    kept = [(v, v.text, v.is_numpy) for v in [*parts.test, *(c.output for c in parts.carries)]]
    for carry, name in zip(parts.carries, names, strict=True):
        carry.output.text, carry.output.is_numpy = Text((name,)), False
    for value in parts.test:
        emission.scope = value.scope
        assert value.form is not None
        text = emission.writer.text(value.node, value.form)
        value.text = Text((flat([text]),), text.level, text.kind, text.raw)
    found = parts.test[-1].text
    for value, before, is_numpy in kept:
        value.text, value.is_numpy = before, is_numpy
    assert found is not None
    return found


def _lie_after(carry: Carry, owned: bool) -> None:
    result = carry.result
    assert result is not None
    if owned:
        result.lie_in((Buffer(owned=True),), whole=True)
        return
    outer = [b for b in carry.output.buffers if not b.owned or any(h.left > 0 for h in b.holders)]
    result.lie_in((Buffer(owned=False), *carry.init.buffers, *outer), whole=False)


# --- stacks ------------------------------------------------------------------------------------------------
def _new_stack(emission: Emission, value: Value, parts: Looping, row: Row) -> str:
    hint = emission.hints.get(row.result.node, "")
    naming = emission.naming
    name = naming.numbered("rows") if is_private(hint) else naming.new(hint)
    if row.shape is None:
        value.block.add(f"{name} = []")
        return name
    emission.scope = value.scope
    lengths = [emission.writer.length(e) for e in row.shape[int(row.full) :]]
    if row.full:
        assert parts.trip is not None
        trip = emission.written(parts.trip)
        extent = row.shape[0]
        plain = not isinstance(extent, Dim) or not extent.needs
        lengths.insert(0, trip if plain else f"max({trip}, 0)")
    shape = lengths[0] if len(lengths) == 1 else emission.writer.tuple_of(lengths)
    dtype = _dtype(row.type)
    value.block.add(f"{name} = np.{'empty' if row.full else 'zeros'}({shape}{dtype})")
    return name


def _dtype(type_: Type) -> str:
    if type_.dtype == "float64":
        return ""
    return ", dtype=bool" if type_.dtype == "bool" else f", dtype=np.{type_.dtype}"


def _close_stack(emission: Emission, value: Value, row: Row, name: str) -> None:
    row.result.text = Text((name,))
    row.result.lie_in((Buffer(owned=True),), whole=True)
    if row.shape is None:
        type_ = row.type
        dtype = "bool" if type_.dtype == "bool" else f"np.{type_.dtype}"
        text = f"np.array({name}, dtype={dtype})"
        if len(type_.shape) > 1:
            emission.scope = value.scope
            if row.rest:
                rest = [emission.writer.length(e) for e in type_.shape[1:]]
                text += f".reshape({', '.join([f'len({name})', *rest])})"
        value.block.add(f"{name} = {text}")


def emit_row(emission: Emission, value: Value) -> None:
    """Put a row into its stack."""
    row = value.deps[0]
    text = read(row)
    if not value.keep:
        k = emission.written(value.deps[1])
        value.block.add(f"{value.prefer}[{k}] = {flat([text])}")
    else:
        copied = row.is_array and not is_fresh(row)
        written = flat(
            [Text((emission.writer.at_least(text, ATOM), ".copy()"))] if copied else [text]
        )
        value.block.add(f"{value.prefer}.append({written})")
    emission.finish(value)
