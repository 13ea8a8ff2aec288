"""Bodies of branches, loops and calls, as blocks of values of the program around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.emit.python.scopes import Builder, Scope
from wengert.emit.python.values import Block, Kind, Value
from wengert.emit.python.writer import dims_in
from wengert.errors import EvaluationError, worded
from wengert.ir.dims import Dim, Extent, definer, is_defined
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import leaves, order
from wengert.ops.control.call import Call
from wengert.ops.control.cond import Cond
from wengert.ops.control.depths import depth_of
from wengert.ops.control.looped import Loop, extent_of
from wengert.run.reference import evaluate_nodes
from wengert.show.forms import Form

__all__ = ["Branches", "Called", "Carry", "Looping", "Row", "build_bodies", "sized"]


@dataclass
class Branches:
    """``results``: what is wanted, with what it is on either way; ``joined``: the nodes it was made of."""

    predicate: Value
    joined: list[Expr]
    results: list[tuple[Value, Value, Value]] = field(default_factory=list)


@dataclass(frozen=True)
class Carry:
    """A loop variable: what it is before, in and after one iteration; its result, if that is wanted."""

    init: Value
    param: Value
    output: Value
    type: Type
    result: Value | None


@dataclass(frozen=True)
class Row:
    """A row of each iteration; ``shape`` of the stack, where it is known before the loop."""

    row: Value  # the statement
    value: Value
    type: Type
    result: Value
    shape: tuple[Extent, ...] | None
    rest: bool  # the shape of a row is
    full: bool  # each row is written


@dataclass
class Looping:
    """A loop taken apart."""

    attr: Loop
    trip: Value | None
    counter: Value
    carries: list[Carry]
    rows: list[Row]
    count: Value | None  # the wanted number of iterations
    test: list[Value]  # of a flag that is always the same test of the variables: its expressions
    ends: bool = False  # the test comes at the end of each iteration, for the flag holds before


@dataclass
class Called:
    """A call of functions made of the bodies; ``sizes`` are those that no argument tells them."""

    functions: list[Any]  # Any: of `program.Definition`
    sizes: list[list[Value]]
    args: list[Value]
    items: dict[int, Value]


def build_bodies(builder: Builder, scope: Scope, value: Value) -> None:
    """Make the values in the bodies of a control value, and say what they need from outside."""
    attr = value.node.attr
    if isinstance(attr, Cond):
        _build_branches(builder, scope, value, attr)
    elif isinstance(attr, Loop):
        _build_loop(builder, scope, value, attr)
    else:
        _build_call(builder, scope, value)


def sized(builder: Builder, scope: Scope, extents: Iterable[Extent]) -> list[Value] | None:
    """The values of all sizes in some extents, if they are known in a scope already."""
    found: dict[Value, None] = {}
    for name in sorted({n for e in extents if isinstance(e, Dim) for n in dims_in(e)}):
        if is_defined(name):
            if builder.known(scope, definer(name)) is None:
                return None
        elif builder.told(scope, name) is None:
            return None
        found[builder.size(scope, name)] = None
    return list(found)


def _outside(blocks: Sequence[Block]) -> list[Value]:
    """What the roots of bodies need that is computed around them."""
    found: dict[Value, None] = {}
    for block in blocks:
        seen = set(block.roots)
        stack = list(block.roots)
        while stack:
            value = stack.pop()
            if value.block is not block:
                found[value] = None
                continue
            for dep in value.deps:
                if dep not in seen:
                    seen.add(dep)
                    stack.append(dep)
    return list(found)


def _close(value: Value, head: Sequence[Value], more: Iterable[Value] = ()) -> None:
    """Set what a control value needs: what its head reads and what its bodies use."""
    outside = dict.fromkeys(_outside(value.bodies))
    value.deps = tuple(dict.fromkeys([*head, *more, *outside]))
    once = {v for v in head if list(head).count(v) == 1} if len(head) < 100 else set()
    value.direct = frozenset(once - set(outside))
    value.needed = frozenset(value.deps)
    for body in value.bodies:
        body.owner = value


def _items(scope: Scope, value: Value) -> dict[int, Value]:
    found: dict[int, Value] = {}
    for node in scope.items.get(value.node, ()):
        item = scope.values.get(node)
        if item is not None:
            found.setdefault(node.attr, item)
    return found


# --- branches ----------------------------------------------------------------------------------------------
def _build_branches(builder: Builder, scope: Scope, value: Value, attr: Cond) -> None:
    predicate, *captures = value.node.args
    items = _items(scope, value)
    wanted = sorted(items)
    ways: list[list[Value]] = []
    head = scope.values[predicate]
    owner = _joinable(builder, scope, value, head)
    regions = (builder.written_out(attr.then), builder.written_out(attr.orelse))
    needed = [set(order([region.outputs[i] for i in wanted])) for region in regions]
    for position, region in enumerate(regions):
        if owner is value:
            value.bodies.append(Block(value.block, condition=head))
        block = owner.bodies[position]
        inner = Scope(block, scope)
        inner.shared = needed[0] & needed[1]
        _bind(builder, scope, inner, region.params, captures)
        builder.build(inner, [region.outputs[i] for i in wanted])
        ways.append(
            [builder.converted(inner, region.outputs[i], items[i].node.value_type) for i in wanted]
        )
        block.roots = [*block.roots, *ways[-1]]
    if owner is value:
        value.parts = Branches(head, [value.node])
    else:
        owner.parts.joined.append(value.node)
        for item in items.values():
            item.deps = (owner,)
    owner.parts.results += [(items[i], a, b) for i, a, b in zip(wanted, *ways, strict=True)]
    _close(owner, [head])


_NEAR = 2000  # values looked through for whether a branch needs another


def _joinable(builder: Builder, scope: Scope, value: Value, predicate: Value) -> Value:
    """The branch by the same condition with which a branch can be written as one; else itself.

    So a derivative in a branch shares what the branch has computed.
    """
    key = ("branches", predicate)
    known = value.block.table.get(key)
    value.block.table[key] = value
    if known is None or known is value or known.block is not value.block:
        return value
    # What a body shares with the surroundings may be made of the other branch itself.
    own = builder.controls_in(value.node)
    for node in known.parts.joined:
        if node.attr in own or value.node.attr in builder.controls_in(node):
            return value
    args = [scope.values[arg] for arg in value.node.args]
    if _reaches(args, known) or _reaches(known.deps, value):
        return value
    value.block.table[key] = known
    return known


def _reaches(starts: Iterable[Value], target: Value) -> bool:
    """Whether some values need another of the same block; if that is far to see, they are taken to."""
    seen: set[Value] = set()
    stack = list(starts)
    while stack:
        value = stack.pop()
        if value is target or len(seen) > _NEAR:
            return True
        if value not in seen and value.block is target.block:
            seen.add(value)
            stack += value.deps
    return False


def _bind(
    builder: Builder, scope: Scope, inner: Scope, params: Sequence[Expr], args: Sequence[Expr]
) -> None:
    for param, arg in zip(params, args, strict=True):
        inner.bind(param, builder.converted(scope, arg, param.value_type))


# --- loops -------------------------------------------------------------------------------------------------
def _needed(attr: Loop, body: Region, wanted: Iterable[int], rows: Sequence[int]) -> list[int]:
    """The carried values that wanted results depend on, across iterations."""
    place = {p: i for i, p in enumerate(body.params[1 : 1 + attr.carries])}
    outputs = body.outputs
    kept = set(wanted) | ({0} if attr.go else set())
    while True:
        used = leaves([*(outputs[i] for i in kept), *(outputs[attr.carries + j] for j in rows)])
        more = {place[leaf] for leaf in used if leaf in place} - kept
        if not more:
            return sorted(kept)
        kept |= more


def _build_loop(builder: Builder, scope: Scope, value: Value, attr: Loop) -> None:
    args = list(value.node.args)
    trip = scope.values[args.pop(0)] if attr.trip else None
    items = _items(scope, value)
    body = builder.written_out(attr.body)
    first = int(attr.counted)
    row_numbers = [i - first - attr.carries for i in sorted(items) if i >= first + attr.carries]
    wanted = [i - first for i in items if first <= i < first + attr.carries]
    kept = _needed(attr, body, wanted, row_numbers)
    block = Block(value.block, looped=True)
    inner = Scope(block, scope)
    params, outputs = body.params, body.outputs
    counter = _leaf(inner, params[0])
    carried = params[1 : 1 + attr.carries]
    symbols = {i: _leaf(inner, carried[i]) for i in kept}
    arrays = args[attr.carries : attr.carries + attr.scans]
    for param, array in zip(params[1 + attr.carries :], arrays, strict=False):
        _bind_element(inner, param, scope.values[array], counter)
    bound = 1 + attr.carries + attr.scans
    _bind(builder, scope, inner, params[bound:], args[attr.carries + attr.scans :])
    numbers = [*kept, *(attr.carries + j for j in row_numbers)]
    built = builder.build(inner, [outputs[i] for i in numbers])
    carries: list[Carry] = []
    for i in kept:
        type_ = carried[i].value_type
        carries.append(
            Carry(
                builder.private(scope, args[i], type_),
                symbols[i],
                builder.converted(inner, outputs[i], type_),
                type_,
                items.get(first + i),
            )
        )
    value.bodies = [block]
    rows: list[Row] = []
    sizes: dict[Value, None] = {}
    for j, row in zip(row_numbers, built[len(kept) :], strict=True):
        result = items[first + attr.carries + j]
        rows.append(_row(builder, scope, inner, value, attr, row, result, counter))
        new = rows[-1]
        wanted_sizes = result.node.shape[int(new.full or new.shape is None) :]
        sizes |= dict.fromkeys(sized(builder, scope, wanted_sizes) or ())
    statements = [r.row for r in rows]
    test = _test(carries, statements, repeated=True) if attr.go else []
    ends = attr.go and not test and _holds(carries[0].init.node)
    if ends:
        test = _test(carries, statements, repeated=False)
    if test:
        sizes |= dict.fromkeys(d for v in test for d in v.deps if d.block is not block)
        del carries[0]
    count = items.get(0) if first else None
    value.parts = Looping(attr, trip, counter, carries, rows, count, test, ends and bool(test))
    block.roots = [*(c.output for c in carries), *(r.row for r in rows)]
    head = ([] if trip is None else [trip]) + [c.init for c in carries]
    _close(value, head, sizes)


_LONGEST_TEST = 12  # expressions in the test of a loop


def _holds(node: Expr) -> bool:
    """Whether a flag is known to hold."""
    nodes = order([node])
    if len(nodes) > _LONGEST_TEST or any(n.op.free or n.op.bodies or n.op.effect for n in nodes):
        return False
    try:
        return bool(np.all(evaluate_nodes([node], {})[0]))
    except EvaluationError:  # it depends on a size
        return False


def _test(carries: Sequence[Carry], rows: Sequence[Value], *, repeated: bool) -> list[Value]:
    """The expressions of the flag, if it is a test of the variables after each iteration.

    Then the loop makes that test itself and needs no variable for it. ``repeated``: the same test comes
    before the first iteration, as in ``while x > 0``.
    """
    flag, *others = carries
    if flag.result is not None or _reads([*(c.output for c in others), *rows], flag.param):
        return []
    ends = {(c.output, c.init if repeated else c.output) for c in others}
    cone: dict[Value, None] = {}
    stack = [(flag.output, flag.init if repeated else flag.output)]
    while stack:
        after, before = stack.pop()
        if (after, before) in ends:
            continue
        if after is before and after.block is not flag.param.block:
            continue
        pairs = _matched(after, before)
        if pairs is None or len(cone) > _LONGEST_TEST:
            return []
        cone.pop(after, None)  # what is used by several stands before all of them
        cone[after] = None
        stack += pairs
    return list(cone)[::-1]


def _reads(roots: Iterable[Value], wanted: Value) -> bool:
    """Whether something in the block of a value needs it."""
    stack = list(roots)
    seen = set(stack)
    while stack:
        value = stack.pop()
        if value is wanted:
            return True
        if value.block is wanted.block:
            new = [d for d in value.deps if d not in seen]
            seen.update(new)
            stack += new
    return False


def _matched(after: Value, before: Value) -> list[tuple[Value, Value]] | None:
    """The operands of two expressions that do the same, pair by pair."""
    if after.kind is not Kind.PLAIN or before.kind is not Kind.PLAIN:
        return None
    if after.node.op is not before.node.op or after.node.attr != before.node.attr:
        return None
    assert after.form is not None
    assert before.form is not None
    return _matched_forms(after.form, after.scope, before.form, before.scope)


def _matched_forms(
    a: Form, scope: Scope, b: Form, other: Scope
) -> list[tuple[Value, Value]] | None:
    if a.kind != b.kind or len(a.parts) != len(b.parts):
        return None
    if not isinstance(a.data, Expr) and a.data != b.data:
        return None
    found: list[tuple[Value, Value]] = []
    for x, y in zip(a.parts, b.parts, strict=True):
        if isinstance(x, Form) and isinstance(y, Form):
            inner = _matched_forms(x, scope, y, other)
            if inner is None:
                return None
            found += inner
        elif isinstance(x, Expr) and isinstance(y, Expr):
            found.append((scope.values[x], other.values[y]))
        else:
            return None
    return found


def _leaf(scope: Scope, param: Expr) -> Value:
    value = Value(Kind.LEAF, param, scope, scope.block)
    value.done = True
    scope.bind(param, value)
    return value


def _bind_element(inner: Scope, param: Expr, array: Value, counter: Value) -> None:
    value = Value(Kind.ELEMENT, param, inner, inner.block, (array, counter))
    inner.bind(param, value)


def _row(
    builder: Builder,
    scope: Scope,
    inner: Scope,
    loop: Value,
    attr: Loop,
    value: Value,
    result: Value,
    counter: Value,
) -> Row:
    type_ = result.node.value_type
    full = attr.trip and not attr.go and attr.length == extent_of(loop.node.args[0])
    shape: tuple[Extent, ...] | None = type_.shape
    rest = sized(builder, scope, type_.shape[1:]) is not None
    if not rest or (not full and sized(builder, scope, type_.shape[:1]) is None):
        shape = None
    told = builder.told(scope, str(attr.length))
    if told is not None and told.value.deps == (loop,):  # only the loop itself tells
        shape = shape if full else None
    deps = (value,) if shape is None else (value, counter)
    statement = Value(Kind.ROW, value.node, inner, inner.block, deps)
    return Row(statement, value, type_, result, shape, rest, full)


# --- calls -------------------------------------------------------------------------------------------------
def _build_call(builder: Builder, scope: Scope, value: Value) -> None:
    node = value.node
    args = [scope.values[a] for a in node.args]
    functions = _functions(builder, node)
    sizes = [[builder.size(scope, size) for size in f.sizes] for f in functions]
    value.parts = Called(functions, sizes, args, _items(scope, value))
    _close(value, args, [size for row in sizes for size in row])


def _functions(builder: Builder, node: Expr) -> list[Any]:  # Any: of `program.Definition`
    """The functions that a node calls.

    Raises:
        EvaluationError: an op that does more than to call its body, and does not say how.
    """
    op, attr = node.op, node.attr
    if op.recurs is not None:
        return [builder.program.around(op.recurs(attr))]
    assert op.bodies is not None
    bodies = op.bodies(attr)
    name = attr.name if isinstance(attr, Call) else op.name
    if op.spell.statement is None and not (len(bodies) == 1 and _is_plain_call(node, bodies[0])):
        raise EvaluationError(
            worded(
                f"`{op.name}` as source",
                expected="a spelling in Python",
                got="none",
                hint="evaluate the graph with the reference evaluator",
            )
        )
    recursive = op.binds is not None and op.binds(attr)
    return [builder.program.function(region, name, recursive, depth_of(node)) for region in bodies]


def _is_plain_call(node: Expr, body: Region) -> bool:
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    return (
        len(body.params) == len(node.args)
        and len(types) == len(body.outputs)
        and all(a.ndim == p.ndim for a, p in zip(node.args, body.params, strict=True))
    )
