"""Stores: statements that change arrays in place, or a copy where something still reads the old contents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from wengert.emit.python.memory import absorbed, conditions, is_fresh, move, remaining, uses_inside
from wengert.emit.python.naming import is_private
from wengert.emit.python.reading import Places, merged_places
from wengert.emit.python.values import Block, Buffer, Value, read
from wengert.show.forms import Form, Part
from wengert.show.precedence import ATOM, Text, flat
from wengert.show.templates import filled

if TYPE_CHECKING:
    from wengert.emit.python.emission import Emission

__all__ = ["emit_store", "make_free", "own"]

_ASSIGNED = re.compile(r"(\{name\}\[.*\]) (\+?=) \{1\}")
# What `.copy()` may be put behind: a name, an index, a call.
_SIMPLE = re.compile(r"[\w.]+(\[[^\[\]]*\]|\.T|\([^()]*\))*")


def make_free(emission: Emission, value: Value, block: Block, users: Sequence[Value]) -> bool:
    """Whether the memory of an array may be overwritten in a block by ``users``, its last ones.

    What else reads it is written before, or made a copy of it.
    """
    if len(value.buffers) != 1 or not value.whole:
        return False
    (buffer,) = value.buffers
    if not buffer.owned or remaining(value, block, users) is None:
        return False
    users = [*users, *conditions(block)]
    inside = absorbed(users)
    for reader in list(buffer.readers):
        if reader not in inside and reader.pending:
            is_view = reader.is_array and buffer in reader.buffers
            emission.flush(reader, copied=is_view)
    if remaining(value, block, users) != 0:
        return False
    views: list[Value] = []
    around = list(block.enclosing())
    for holder in buffer.holders:
        if holder is value or buffer not in holder.buffers or holder in inside:
            continue
        left = remaining(holder, block, users)
        if (holder.left if left is None else left) <= 0:
            continue
        # What fills the memory too may be where the array came from: a copy there is none of it.
        if holder.line is None or holder.whole or holder.block not in around:
            return False
        views.append(holder)
    for view in views:
        assert view.line is not None
        name, _, right = view.line.text.partition(" = ")
        simple = _SIMPLE.fullmatch(right) is not None
        view.line.text = f"{name} = {right}.copy()" if simple else f"{name} = np.array({right})"
        move(view)
    # Dead versions go, or a chain of stores would be looked through again and again.
    buffer.holders = [h for h in buffer.holders if h.left > 0 and buffer in h.buffers]
    return True


def own(
    emission: Emission, value: Value, block: Block, users: Sequence[Value]
) -> tuple[Text, bool]:
    """An array that may be overwritten with the contents of a value: its text, and whether it is new."""
    text = read(value)
    if value.pending and is_fresh(value):
        if value.form is not None and value.form.kind == "broadcast":
            return Text((text, ".copy()")), True  # a broadcast cannot be written to
        return text, True
    if make_free(emission, value, block, users):
        return text, False
    return Text(("np.array(", text, ")")), True


def emit_store(emission: Emission, value: Value) -> None:
    node = value.node
    form = value.form
    through = form if form is not None and form.kind == "through" else None
    spelt = node if through is None else through.data[0]
    template = spelt.op.spell.numpy
    assert template is not None
    _, *tail = template(emission.writer.renamed(spelt)).split("\n")
    base = value.base
    in_place = node.args[0].value_type.dtype == node.value_type.dtype
    if base is None:
        assert value.form is not None
        text, is_new = emission.allocation(value.form, node.value_type), True
    elif in_place:
        text, is_new = own(emission, base, value.block, [value])
    else:
        dtype = f"np.{node.value_type.dtype}"
        text, is_new = Text(("np.array(", read(base), f", dtype={dtype})")), True
    if is_new:
        name = _store_variable(emission, value)
        value.block.add(f"{name} = {flat([text])}")
        value.lie_in((Buffer(owned=True),), whole=True)
    else:
        assert base is not None
        name = flat([text])
        value.lie_in(base.buffers, whole=True)
    emission.scope = value.scope
    for line in tail:
        if through is None:
            value.block.add(_stored(emission, value, line, name))
        else:
            value.block.add(_stored_through(emission, value, through, line, name))
    emission.hold(value, name)
    emission.finish(value)


def _store_variable(emission: Emission, value: Value) -> str:
    base = value.base
    if base is not None and is_private(emission.hints.get(value.node, "")) and not value.prefer:
        text = flat([read(base)])
        if text.isidentifier() and not re.fullmatch(r"t\d+", text):
            return emission.naming.new(text)
    # The copy comes first; what is stored may still read the variable afterwards.
    first = base is not None and base is value.guard and base is emission.holders.get(value.prefer)
    pending = [d for d in value.deps if d.pending]
    again = first and base is not None and uses_inside(base, pending) > 0
    return emission.variable(value, [], int(first and not again))


def _stored(emission: Emission, value: Value, line: str, name: str) -> str:
    """A statement of a store."""
    node = value.node
    values = value.scope.values
    base = Text(("",)) if value.base is None else read(value.base)
    args = [base, *(read(values[a]) for a in node.args[1:])]
    attr = emission.writer.own_attr(node)
    assigned = _ASSIGNED.fullmatch(line)
    if assigned is None:
        return flat([filled(line.replace("{name}", name), args, attr, emission.writer)])
    place = assigned.group(1).replace("{name}", name)
    target = flat([filled(place, args, attr, emission.writer)])
    put = _assigned if assigned.group(2) == "=" else _added
    return put(emission, value, target, values[node.args[1]])


def _stored_through(emission: Emission, value: Value, form: Form, line: str, name: str) -> str:
    """A statement of a store into a part of an array."""
    inner, index = form.data
    values = value.scope.values
    args = [Text(("",)), *(read(values[a]) for a in inner.args[1:])]
    assigned = _ASSIGNED.fullmatch(line)
    places = None
    if assigned is not None and "{attr}" not in line:
        entries = assigned.group(1)[len("{name}[") : -1]
        places = merged_places(index, entries, inner.args[2:])
    if places is None:
        part = f"{name}[{emission.writer.places(Places(index, (':',) * len(index.shape)), ())}]"
        attr = emission.writer.own_attr(inner)
        return flat([filled(line.replace("{name}", part), args, attr, emission.writer)])
    assert assigned is not None
    target = f"{name}[{emission.writer.places(places, args[1:])}]"
    put = _assigned if assigned.group(2) == "=" else _added
    return put(emission, value, target, values[inner.args[1]])


def _is_read(emission: Emission, part: Part, target: str) -> bool:
    return not isinstance(part, Form) and flat([emission.writer.part(part)]) == target


def _assigned(emission: Emission, value: Value, target: str, new: Value) -> str:
    """``target = new``; ``a[i] = a[i] + v`` is ``a[i] += v``."""
    text = read(new)
    if new.is_array and new.node.ndim == 1 and any(b in value.buffers for b in new.buffers):
        # NumPy does not see that one-dimensional parts with different strides overlap.
        text = Text((emission.writer.at_least(text, ATOM), ".copy()"))
    plain = f"{target} = {flat([text])}"
    form = new.form
    if not new.pending or form is None or form.kind not in ("add", "sub"):
        return plain
    first, second = form.parts
    emission.scope = new.scope
    if form.kind == "add" and not _is_read(emission, first, target):
        first, second = second, first
    try:
        if not _is_read(emission, first, target):
            return plain
        sign = "+" if form.kind == "add" else "-"
        return f"{target} {sign}= {flat([emission.writer.part(second)])}"
    finally:
        emission.scope = value.scope


def _added(emission: Emission, value: Value, target: str, new: Value) -> str:
    """``target += new``, or ``target -= v`` for ``new = -v``."""
    form = new.form
    if not new.pending or form is None or form.kind != "neg":
        return f"{target} += {flat([read(new)])}"
    emission.scope = new.scope
    try:
        return f"{target} -= {flat([emission.writer.part(form.parts[0])])}"
    finally:
        emission.scope = value.scope
