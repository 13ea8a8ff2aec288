"""Which arrays lie where, and when one may be overwritten.

A store ``a[i] = v`` may take the place of a copy if the memory belongs to the program, if it is the whole of
it, and if nothing reads the old contents afterwards. Expressions that are not written yet are written before;
views that are read later become copies.
"""

from __future__ import annotations

from collections.abc import Iterable

from wengert.emit.python.values import Block, Buffer, Kind, Value
from wengert.ir.node import Expr
from wengert.show.forms import Form

__all__ = [
    "absorbed", "conditions", "crossed", "is_fresh", "move", "places_of", "remaining", "together",
    "uses_inside",
]  # fmt: skip

# Forms that give a view of their part; all others of arithmetic give new arrays.
_VIEWS = frozenset(("same", "spread", "broadcast", "diagonal", "indexed", "transpose", "permuted"))
# NumPy's elementwise functions that may give their argument itself.
_PASSING = frozenset(("np.real", "np.imag", "np.real({0})", "np.imag({0})"))


def _may_share(form: Form) -> bool:
    """Whether a form may give memory of its parts."""
    if form.kind in _VIEWS:
        return True
    if form.kind != "call":
        return False
    node: Expr = form.data
    if node.op.spell.notation == "listed":
        return False
    return not node.op.elementwise or node.op.spell.python in _PASSING


def places_of(form: Form, scope_values: dict[Expr, Value]) -> tuple[tuple[Buffer, ...], bool]:
    """Where an expression lies, and whether it fills that memory."""
    if not _may_share(form):
        return (Buffer(owned=True),), True
    found: dict[Buffer, None] = {}
    for part in form.parts:
        if isinstance(part, Form):
            inner, _ = places_of(part, scope_values)
            found.update(dict.fromkeys(inner))
        else:
            found.update(dict.fromkeys(scope_values[part].buffers))
    return tuple(found), form.kind == "same"


def crossed(value: Value, block: Block) -> int | None:
    """How many branches around a block use a value from outside of them, and so count as its users.

    ``None`` if there is a loop between, which would run again.
    """
    count = 0
    for around in block.enclosing():
        if around is value.block:
            return count
        if around.looped:
            return None
        count += around.owner is not None and value in around.owner.needed
    return None


def conditions(block: Block) -> list[Value]:
    """The conditions of branches around a block that are not written yet: they are tested before it runs."""
    found = [b.condition for b in block.enclosing() if b.condition is not None]
    return [c for c in found if c.pending]


def uses_inside(value: Value, users: Iterable[Value]) -> int:
    """How many of some expressions, with all that is written inside of them, use a value."""
    count = 0
    stack = list(users)
    while stack:
        user = stack.pop()
        count += value in user.deps
        stack += [d for d in user.deps if d.pending]
    return count


def remaining(value: Value, block: Block, users: Iterable[Value]) -> int | None:
    """How often a value is still used once some users in a block are written; ``None``: it is not known."""
    branches = crossed(value, block)
    if branches is None:
        return None
    return value.left - branches - uses_inside(value, users)


def together(values: Iterable[Value]) -> tuple[Buffer, ...]:
    """All memory in which some values lie."""
    return tuple(dict.fromkeys(b for v in values for b in v.buffers))


def is_fresh(value: Value) -> bool:
    """Whether an expression that is not written yet makes an array of its own."""
    return (
        value.pending
        and value.kind is Kind.PLAIN
        and all(b.owned and all(h is value for h in b.holders) for b in value.buffers)
    )


def absorbed(users: Iterable[Value]) -> set[Value]:
    """Users with all that is written inside of them."""
    found: set[Value] = set()
    stack = list(users)
    while stack:
        user = stack.pop()
        if user not in found:
            found.add(user)
            stack += [d for d in user.deps if d.pending]
    return found


def move(value: Value) -> None:
    """The value was copied: it lies in memory of its own."""
    for buffer in value.buffers:
        if value in buffer.holders:
            buffer.holders.remove(value)
    value.lie_in((Buffer(owned=True),), whole=True)
