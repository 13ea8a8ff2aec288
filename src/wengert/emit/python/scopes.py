"""From nodes to values: each computed once, in the outermost block where it is always needed.

Values are told apart by what they compute, not by the region in which the node stands: what a branch shares
with its surroundings is taken from there, and what does not change in a loop is computed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.emit.python.reading import form_of, is_allocation
from wengert.emit.python.sameness import Rank, key_of, rank_of
from wengert.emit.python.values import Block, Kind, Value
from wengert.emit.python.writer import dims_in
from wengert.errors import GraphError, worded
from wengert.ir.dims import Dim, definer, is_defined
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import leaves, order
from wengert.ops.control.item import item
from wengert.ops.leaves import const
from wengert.show.forms import Form, nodes_in
from wengert.show.numpy_text import all_spelled_out

__all__ = ["Builder", "Scope", "Told"]


class Told(NamedTuple):
    """Where a size is read off."""

    value: Value
    axis: int


class Scope:
    """One instance of a region: what its nodes are in terms of the program."""

    __slots__ = ("block", "items", "nodes", "order", "parent", "shared", "told", "values")

    def __init__(self, block: Block, parent: Scope | None = None) -> None:
        self.block, self.parent = block, parent
        self.values: dict[Expr, Value] = {}
        self.told: dict[str, Told] = {}
        self.nodes: Sequence[Expr] = ()
        self.shared: set[Expr] = set()  # what both ways of a branch need: computed before it
        self.order: dict[Expr, Rank] = {}
        self.items: dict[Expr, list[Expr]] = {}  # demanded results by node with several

    def bind(self, node: Expr, value: Value) -> None:
        """Say what a node is; its extents can be read off it from now on."""
        self.values[node] = value
        if isinstance(node.type, Type):
            for axis, extent in enumerate(node.type.shape):
                name = _plain_name(extent)
                if name and name not in self.told:
                    self.told[name] = Told(value, axis)

    def chain(self) -> list[Scope]:
        """The scopes around this one, outermost first."""
        found: list[Scope] = []
        scope: Scope | None = self
        while scope is not None:
            found.append(scope)
            scope = scope.parent
        return found[::-1]


def _value_in(scope: Scope, node: Expr) -> Value | None:
    """The value of what defines a size. Parameters stand for something else in each body."""
    found = scope.values.get(node)
    if found is not None or any(leaf.op.bound for leaf in leaves([node])):
        return found
    chain = scope.chain()[::-1]
    return next((outer.values[node] for outer in chain if node in outer.values), None)


def _plain_name(extent: object) -> str:
    if isinstance(extent, Dim) and len(extent.terms) == 1:
        (monomial, coefficient), *_ = extent.terms
        if coefficient == 1 and len(monomial) == 1:
            return monomial[0]
    return ""


class _Plan(NamedTuple):
    kind: Kind
    form: Form | None
    deps: tuple[Expr, ...]
    sizes: tuple[str, ...]
    base: Expr | None = None


Bodies = Callable[["Builder", Scope, Value], None]


class Builder:
    """Makes the values of one function."""

    def __init__(self, bodies: Bodies, free_size: Callable[[str], Value], program: Any) -> None:
        # Any: `program.Program`, which has the functions that are called
        self._bodies, self._free_size, self.program = bodies, free_size, program
        self._controls: dict[Any, frozenset[Any]] = {}  # by region
        self._written_out: dict[Region, Region] = {}

    # --- walking ---------------------------------------------------------------------------------------
    def build(self, scope: Scope, roots: Sequence[Expr]) -> list[Value]:
        """The values of nodes of a scope, and of all that they need."""
        self._prepare(scope, roots)
        controls: list[Value] = []
        plans: dict[Expr, _Plan] = {}
        for root in roots:
            self._build_one(scope, root, plans, controls)
        for value in controls:
            self._bodies(self, scope, value)
        return [scope.values[root] for root in roots]

    def controls_in(self, node: Expr) -> frozenset[Any]:  # Any: attributes of ops with bodies
        """What branches, loops and calls are in the bodies of a node, at any depth."""
        assert node.op.bodies is not None
        found: set[Any] = set()
        for region in node.op.bodies(node.attr):
            known = self._controls.get(region)
            if known is None:
                inner = [n for n in region.nodes if n.op.bodies is not None]
                known = frozenset(n.attr for n in inner).union(*map(self.controls_in, inner))
                self._controls[region] = known
            found |= known
        return frozenset(found)

    def written_out(self, region: Region) -> Region:
        """A body with what has no name in Python in simpler ops."""
        known = self._written_out.get(region)
        if known is None:
            outputs = all_spelled_out(region.outputs, helpers=True)
            known = self._written_out[region] = Region(region.params, tuple(outputs))
        return known

    def _prepare(self, scope: Scope, roots: Sequence[Expr]) -> None:
        scope.nodes = order(roots)
        ranks = scope.order
        for node in scope.nodes:
            if node not in ranks:
                ranks[node] = rank_of(node, ranks)
            if node.op.projection:
                scope.items.setdefault(node.args[0], []).append(node)
        for node in list(scope.nodes):
            if node.op.tells is not None and node.op.tells(node.attr):
                self._keep_length(scope, node)
        for results in scope.items.values():
            results.sort(key=lambda item: item.attr)

    @staticmethod
    def _keep_length(scope: Scope, node: Expr) -> None:
        """A result that only tells how long the results are is a result as well."""
        name = node.op.tells(node.attr) if node.op.tells is not None else ""
        assert isinstance(node.type, TupleType)
        results = scope.items.setdefault(node, [])
        if any(_plain_name(e) == name for r in results for e in r.shape):
            return
        for position, type_ in enumerate(node.type.items):
            if any(_plain_name(e) == name for e in type_.shape):
                result = item(node, position)
                results.append(result)
                scope.nodes = [*scope.nodes, result]
                scope.order[result] = rank_of(result, scope.order)
                return

    def _build_one(
        self, scope: Scope, root: Expr, plans: dict[Expr, _Plan], controls: list[Value]
    ) -> None:
        stack = [root]
        active: set[Expr] = set()
        while stack:
            node = stack[-1]
            if node in scope.values:
                stack.pop()
                continue
            plan = plans.get(node)
            if plan is None:
                plan = plans[node] = _planned(node, scope)
            missing = [d for d in plan.deps if d not in scope.values]
            missing += self._providers(scope, plan.sizes, active)
            if missing:
                active.add(node)
                stack.extend(missing[::-1])
                continue
            active.discard(node)
            stack.pop()
            value = self._made(scope, node, plan)
            if value.kind is Kind.CONTROL and value.parts is None:
                value.parts = ()
                controls.append(value)

    def known(self, scope: Scope, node: Expr) -> Value | None:
        """The value of a node that defines a size, if the scope has all that it needs."""
        found = _value_in(scope, node)
        if found is not None:
            return found
        if any(leaf not in scope.values for leaf in leaves([node]) if leaf.op.free):
            return None
        return self.build(scope, [node])[0]

    # --- sizes -----------------------------------------------------------------------------------------
    def _providers(self, scope: Scope, sizes: Iterable[str], active: set[Expr]) -> list[Expr]:
        """Nodes that have to be known before some sizes are."""
        found: list[Expr] = []
        for name in sizes:
            if is_defined(name):
                node = definer(name)
                if _value_in(scope, node) is None:
                    found.append(node)
            elif name not in scope.told and (
                name.startswith("%") or self.told(scope, name) is None
            ):
                found += _first_provider(scope, name, active)
        return found

    @staticmethod
    def told(scope: Scope, name: str) -> Told | None:
        """Where a size is read off, if something that is known already tells it."""
        chain = scope.chain()
        # A size that running a loop tells is one of the innermost region that has such a loop.
        for outer in chain[::-1] if name.startswith("%") else chain:
            told = outer.told.get(name)
            if told is not None:
                return told
        return None

    def size(self, scope: Scope, name: str) -> Value:
        """The value of a size."""
        if is_defined(name):
            value = _value_in(scope, definer(name))
            assert value is not None  # a provider
            value.keep = True
            return value
        told = self.told(scope, name)
        if told is None:
            return self._free_size(name)
        block = told.value.block
        key = ("size", name, told.value)
        known = block.table.get(key)
        if known is None:
            known = block.table[key] = Value(
                Kind.SIZE, told.value.node, scope, block, (told.value,)
            )
            known.index, known.prefer, known.keep = told.axis, name, True
        return known

    # --- values ----------------------------------------------------------------------------------------
    def _made(self, scope: Scope, node: Expr, plan: _Plan) -> Value:
        values = scope.values
        sizes = [self.size(scope, name) for name in plan.sizes]
        deps = tuple(dict.fromkeys([*(values[d] for d in plan.deps), *sizes]))
        if node.op.effect:
            value = Value(plan.kind, node, scope, scope.block, deps)
            scope.bind(node, value)
            return value
        # What may run for ever is not moved to where it might run in vain.
        block = scope.block if plan.kind is Kind.CONTROL else _home(scope, node, deps)
        # A size that a parameter defines has one name in many bodies, and a value of its own in each.
        key: Hashable = key_of(node, plan.form if plan.kind is Kind.PLAIN else None, values)
        key = (key, *sizes) if sizes else key
        found = lookup(block, key)
        if found is not None and node in scope.items:
            wanted = {item.attr for item in scope.items[node]}
            given = {item.attr for item in found.scope.items[found.node]}
            if not wanted <= given:  # it was made for fewer results
                key, found = (key, tuple(sorted(wanted))), None
        value = self._new(scope, block, node, plan, deps, key) if found is None else found
        scope.bind(node, value)
        return value

    def _new(
        self,
        scope: Scope,
        block: Block,
        node: Expr,
        plan: _Plan,
        deps: tuple[Value, ...],
        key: Hashable,
    ) -> Value:
        value = block.table[key] = Value(plan.kind, node, scope, block, deps)
        value.form = plan.form
        if plan.base is not None:
            value.base = scope.values[plan.base]
        if plan.kind is Kind.ITEM:
            value.index = node.attr
        return value

    def private(self, scope: Scope, node: Expr, type_: Type) -> Value:
        """The value of a node, made anew where that is all it takes, converted to a type."""
        if node.ndim and node.op.spell.notation in _ALLOCATING:
            plan = _planned(node, scope)
            if plan.kind is Kind.PLAIN and plan.form is not None and is_allocation(plan.form):
                deps = [scope.values[d] for d in plan.deps]
                deps += [self.size(scope, name) for name in plan.sizes]
                value = Value(Kind.PLAIN, node, scope, scope.block, tuple(dict.fromkeys(deps)))
                value.form = Form("as_type", (), (type_, plan.form))
                return value
        return self.converted(scope, node, type_)

    def converted(self, scope: Scope, node: Expr, type_: Type) -> Value:
        """The value of a node in the dtype of a type, as where a Python number meets a float variable."""
        value = scope.values[node]
        given = node.value_type
        if given.dtype == type_.dtype:
            return value
        if given.weak and given.shape and type_.dtype == "float64" and _made_of_floats(value):
            return value
        if not node.args and not node.op.free and isinstance(node.attr, (int, float)):
            number = const(_NUMBERS[type_.dtype](node.attr))
            self._build_one(scope, number, {}, [])
            return scope.values[number]
        key = ("as", type_.dtype, value)
        found = lookup(value.block, key)
        if found is None:
            found = value.block.table[key] = Value(Kind.PLAIN, node, scope, value.block, (value,))
            found.form = Form("converted", (node,), type_)
        return found


_NUMBERS: dict[str, Callable[[Any], Any]] = {  # Any: numbers
    "bool": bool,
    "int32": np.int32,
    "int64": int,
    "float32": np.float32,
    "float64": float,
    "complex64": np.complex64,
    "complex128": complex,
}


_FAR = 64  # values looked through for whether an array is made of floats


def _made_of_floats(value: Value) -> bool:
    """Whether an array of exact numbers surely is one of floats in NumPy, as ``np.ones(3)`` is."""
    stack, seen = [value], {value}
    while stack and len(seen) < _FAR:
        top = stack.pop()
        if top.kind is not Kind.PLAIN or top.form is None or not top.node.value_type.weak:
            continue
        if _allocates(top.form):
            return True
        new = [d for d in top.deps if d.is_array and d not in seen]
        seen.update(new)
        stack += new
    return False


def _allocates(form: Form) -> bool:
    return is_allocation(form) or any(isinstance(p, Form) and _allocates(p) for p in form.parts)


def _home(scope: Scope, node: Expr, deps: Sequence[Value]) -> Block:
    """Where a value is computed: out of a branch that shares it with the other way, and out of loops."""
    block = scope.block
    if node in scope.shared and block.parent and all(d.block is not block for d in deps):
        block = block.parent
    return outermost(block, deps)


def outermost(block: Block, deps: Iterable[Value]) -> Block:
    """Out of loops as far as all that is needed is there."""
    homes = {d.block for d in deps}
    while block.looped and block not in homes and block.parent is not None:
        block = block.parent
    return block


def lookup(block: Block, key: Hashable) -> Value | None:
    """The value with this key in a block or around it."""
    for around in block.enclosing():
        found = around.table.get(key)
        if found is not None:
            return found
    return None


# --- plans -------------------------------------------------------------------------------------------------
def _planned(node: Expr, scope: Scope) -> _Plan:
    op = node.op
    if op.free:
        raise GraphError(worded("emission", expected="inputs that are known", got=f"`{node}`"))
    if op.projection:
        return _Plan(Kind.ITEM, None, node.args, ())
    if op.spell.notation == "hidden" and op.spell.numpy is None:
        form = form_of(node, scope.order)
        return _Plan(Kind.PLAIN, form, tuple(nodes_in(form)), ())
    if op.bodies is not None or op.recurs is not None:
        return _Plan(Kind.CONTROL, None, node.args, ())
    if op.spell.statement is not None:
        return _Plan(Kind.EFFECT, None, node.args, tuple(sorted(dims_in(node.attr))))
    if op.spell.numpy is not None and "\n" in op.spell.numpy(node):
        return _planned_store(node, scope)
    if isinstance(node.type, TupleType):
        form = Form("call", node.args, node)
        return _Plan(Kind.SEVERAL, form, node.args, _needed_sizes(form))
    form = form_of(node, scope.order)
    return _Plan(Kind.PLAIN, form, tuple(nodes_in(form)), _needed_sizes(form))


_ALLOCATING = ("sum", "product", "identity")  # notations that zeros, ones and their multiples have


def _planned_store(node: Expr, scope: Scope) -> _Plan:
    base, *others = node.args
    sizes = tuple(sorted(dims_in(node.attr)))
    inner = others[0] if others else node
    if _is_through(node, base, inner):
        form = Form("through", inner.args[1:], (inner, node.attr))
        sizes = tuple(sorted({*sizes, *dims_in(inner.attr)}))
        return _Plan(Kind.STORE, form, (base, *inner.args[1:]), sizes, base)
    if base.op.spell.notation in _ALLOCATING:
        plan = _planned(base, scope)
        if plan.kind is Kind.PLAIN and plan.form is not None and is_allocation(plan.form):
            return _Plan(Kind.STORE, plan.form, (*plan.deps, *others), (*sizes, *plan.sizes))
    return _Plan(Kind.STORE, None, node.args, sizes, base)


def _is_through(node: Expr, base: Expr, inner: Expr) -> bool:
    """Whether a part of an array is replaced by itself with a part replaced: a store into the part."""
    if inner.op.spell.numpy is None or not inner.args or inner is node:
        return False
    part = inner.args[0]
    return (
        part.op.spell.notation == "index"
        and part.args[0] is base
        and part.attr == node.attr
        and inner.value_type.dtype == base.value_type.dtype == node.value_type.dtype
        and inner.op.spell.numpy(inner).startswith("np.array({0})\n")
    )


def _needed_sizes(form: Form) -> tuple[str, ...]:
    if form.kind in ("ones", "zeros", "full", "broadcast"):
        node = form.data[1] if form.kind == "full" else form.data
        return tuple(sorted({name for e in node.shape for name in dims_in(e)}))
    if form.kind in ("call", "eye", "length"):
        return tuple(sorted(dims_in(form.data.attr)))
    found = dims_in(form.data.within) if form.kind == "indexed" else set()
    for part in form.parts:
        if isinstance(part, Form):
            found |= set(_needed_sizes(part))
    return tuple(sorted(found))


def _first_provider(scope: Scope, name: str, active: set[Expr]) -> list[Expr]:
    """A node that tells a size and does not need it."""
    for node in scope.nodes:
        if node in active or isinstance(node.type, TupleType):
            continue
        if any(_plain_name(e) == name for e in node.shape):
            if node.op.projection and node.args[0] in active:
                continue
            if not node.op.projection and name in _needed_sizes_of(node, scope):
                continue
            return [node]
    return []


def _needed_sizes_of(node: Expr, scope: Scope) -> tuple[str, ...]:
    return () if node.op.free else _planned(node, scope).sizes
