"""Branches as Python writes them: statements, or an expression where that is short."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.emit.python.emission import LONGEST, Emission, assign_together, effects_first, ended
from wengert.emit.python.memory import crossed, together, uses_inside
from wengert.emit.python.naming import is_private
from wengert.emit.python.regions import Branches
from wengert.emit.python.values import Block, Buffer, Value, read
from wengert.show.precedence import Text, flat

__all__ = ["emit_branches"]


def emit_branches(emission: Emission, value: Value, parts: Branches) -> None:
    """Write a branch."""
    then, orelse = value.bodies
    inner = [_uses_from(then), _uses_from(orelse)]
    tested = [parts.predicate] if parts.predicate.pending else []
    dead = {
        v
        for v in value.deps
        if (count := crossed(v, value.block)) is not None
        and v.left - count - 1 - inner[0].get(v, 0) - inner[1].get(v, 0) - uses_inside(v, tested)
        == 0
    }
    _change(inner[1], -1)  # the other way does not run
    emission.emit(then, effects_first(then.roots))
    _change(inner[1], +1)
    emission.emit(orelse, effects_first(orelse.roots))
    plain = len(parts.results) == 1 and not then.lines and not orelse.lines
    if plain and _as_expression(emission, value, parts):
        return
    names = _result_names(emission, value, parts, dead)
    for block in (then, orelse):
        texts = [emission.written(root) for root in block.roots]
        assign_together(block, zip(names, texts, strict=True))
    for (item, first, second), name in zip(parts.results, names, strict=True):
        emission.hold(item, name)
        if item.is_array:
            others = together(v for i, a, b in parts.results if i is not item for v in (a, b))
            _join(item, first, second, dead, others)
    condition = read(parts.predicate)
    if then.lines:
        value.block.add(f"if {flat([condition])}:")
        value.block.lines.append(then)
        if orelse.lines:
            value.block.add("else:")
            value.block.lines.append(orelse)
    elif orelse.lines:
        value.block.add(f"if not {flat([emission.writer.at_least(condition, -1)])}:")
        value.block.lines.append(orelse)
    ended(emission, then.roots)
    ended(emission, orelse.roots)
    emission.finish(value)


def _as_expression(emission: Emission, value: Value, parts: Branches) -> bool:
    """``a if condition else b``, where that is short."""
    ((item, first, second),) = parts.results
    text = _choice(emission, parts.predicate, first, second)
    written = flat([text])
    if len(written) > LONGEST + 8:
        return False
    for dep in value.deps:
        if dep is not parts.predicate:
            dep.left -= 1
    item.deps = (parts.predicate, first, second)
    value.deps = ()
    emission.give(item, Text((written,), text.level), together((first, second)))
    return True


def _choice(emission: Emission, predicate: Value, first: Value, second: Value) -> Text:
    """``a if p else b``; ``p and a``, ``p or b`` where the other is the condition itself."""
    if second is predicate:
        return emission.writer.joined("and", read(predicate), read(first))
    if first is predicate:
        return emission.writer.joined("or", read(predicate), read(second))
    return emission.writer.choice(read(predicate), read(first), read(second))


def _result_names(emission: Emission, value: Value, parts: Branches, dead: set[Value]) -> list[str]:
    """A variable for each result: that of a value which it replaces, where there is one."""
    variables = {flat([v.text]) for v in dead if v.text is not None}
    variables = {name for name in variables if name in emission.holders}
    names: list[str] = []
    for item, first, second in parts.results:
        name = ""
        texts = [emission.written(first), emission.written(second)]
        for text in texts:
            if text in variables and text not in names and not name:
                name = text
        if not name and item.prefer and item.prefer not in names:
            guard = item.guard
            holder = emission.holders.get(item.prefer)
            inner = (v for v in (first, second) if v.block.parent is item.block)
            over = holder is None or holder.left <= 0 or holder in (*dead, *inner)
            if over and (guard is None or guard in dead or guard.left == 0):
                name = item.prefer
        if not name:
            hint = emission.hints.get(item.node, "")
            name = emission.naming.numbered() if is_private(hint) else emission.naming.new(hint)
        names.append(name)
    return names


def _join(
    item: Value, first: Value, second: Value, dead: set[Value], others: Sequence[Buffer]
) -> None:
    """Where the result of a branch lies: in memory of its own if both ways end in such."""
    buffers = together((first, second))
    if len(buffers) == 1:
        item.lie_in(buffers, whole=first.whole and second.whole)
        return
    # What the branches made themselves is known by these results only.
    gone = {*dead, *(v for v in (first, second) if v.block.parent is item.block)}
    own = all(
        b.owned
        and b not in others
        and all(h in gone or h.left <= 0 for h in b.holders if b in h.buffers)
        for b in buffers
    )
    if own and first.whole and second.whole:
        item.lie_in((Buffer(owned=True),), whole=True)
    else:
        item.lie_in(buffers, whole=False)


def _uses_from(body: Block) -> dict[Value, int]:
    """How often each value from outside is used in a body, bodies in it included."""
    inside = {body}
    counts: dict[Value, int] = {}
    seen: set[Value] = set()
    blocks = [body]
    while blocks:
        block = blocks.pop()
        stack: list[Value] = []
        for root in block.roots:
            counts[root] = counts.get(root, 0) + 1
            stack.append(root)
        while stack:
            value = stack.pop()
            if value in seen or value.block not in inside:
                continue
            seen.add(value)
            for dep in value.deps:
                counts[dep] = counts.get(dep, 0) + 1
                stack.append(dep)
            inside.update(value.bodies)
            blocks += value.bodies
    return {v: n for v, n in counts.items() if v.block not in inside}


def _change(uses: dict[Value, int], sign: int) -> None:
    for value, count in uses.items():
        value.left += sign * count
