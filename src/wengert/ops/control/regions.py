"""Close a body over its symbols into a canonical region, and open it again.

A body is built with fresh symbols for what it binds. Closing it finds what else it uses:

* :func:`hoisted`, for loops: the largest subexpressions that do not depend on a bound symbol stay outside
  and become captures, so a loop computes its invariants once.
* :func:`sunk`, for branches: everything goes inside down to the free symbols, so that a branch that is not
  taken costs nothing and cannot fail; only what is named as outside, or computed anyway, is captured.

Captures are ordered by age and parameters are numbered, so equal bodies are the same region. Expressions
without any free symbol (``zeros``, ``2*pi``) are copied into the body: rules look at them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from weakref import WeakSet

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, any_defined, defined_name, definers, extent_text
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.types import Type, is_inexact, promote
from wengert.ir.walk import extent_by, renaming, substitute
from wengert.ops.algebra import lift
from wengert.ops.control.depths import depth_of
from wengert.ops.control.lengths import renamed_anew, renamed_by_structure
from wengert.ops.leaves import fresh, param

__all__ = [
    "as_results",
    "canonical_captures",
    "captured_sizes",
    "fits",
    "hoisted",
    "joined",
    "opened",
    "opening",
    "outer_sizes",
    "outer_type",
    "reclosed",
    "retyped",
    "settled",
    "split",
    "sunk",
    "unbound",
]

_by_age = attrgetter("serial")


def unbound(types: Iterable[Type], hint: str = "b") -> tuple[Expr, ...]:
    """Fresh symbols of the given types, to build a body with."""
    return tuple(fresh(t, hint) for t in types)


def opening(region: Region, arguments: Sequence[Expr | None], hint: str = "b") -> list[Expr]:
    """What to open a region on: fresh symbols, but the arguments themselves where they define sizes.

    ``None`` stands for what has no argument. So types inside and outside mention the same sizes.
    """
    needs = set(definers([*(p.type for p in region.params), *region.result_types]))
    given = zip(region.params, arguments, strict=True)
    done = {p: a for p, a in given if a is not None and p in needs}
    for p, a in zip(region.params, arguments, strict=True):
        if p not in done:
            type_ = retyped(p.value_type, renaming(p.type.needs, done))
            if a is not None and not fits(a.value_type, type_):
                type_ = joined(type_, a.value_type, "argument of a body")
            done[p] = fresh(type_, hint)
    return [done[p] for p in region.params]


def settled(region: Region, arguments: Sequence[Expr | None]) -> bool:
    """Whether arguments fit the parameters; a body is built anew for others, such as floats for integers."""
    pairs = [(p, a) for p, a in zip(region.params, arguments, strict=True) if a is not None]
    if all(a.type is p.type for p, a in pairs):
        return True
    sizes = outer_sizes(region, arguments)
    return all(fits(a.value_type, retyped(p.value_type, sizes)) for p, a in pairs)


def retyped(type_: Type, sizes: Mapping[str, Extent]) -> Type:
    """The type with other extents in place of defined sizes."""
    if not sizes or not type_.needs:
        return type_
    return type_.with_shape(
        tuple(e if isinstance(e, int) else e.substitute(sizes) for e in type_.shape)
    )


def outer_sizes(region: Region, arguments: Sequence[Expr | None]) -> dict[str, Extent]:
    """What the sizes that parameters define are for given arguments (``None``: nobody knows)."""
    needs = set(definers([*(p.type for p in region.params), *region.result_types]))
    if not needs:
        return {}
    return {
        defined_name(p): extent_by(a)
        for p, a in zip(region.params, arguments, strict=True)
        if p in needs and a is not None
    }


def captured_sizes(params: Sequence[Expr], captures: Sequence[Expr]) -> dict[str, Extent]:
    """What sizes that captured integers define are outside."""
    return {
        defined_name(p): extent_by(a)
        for p, a in zip(params, captures, strict=True)
        if not p.ndim and p.value_type.dtype in ("int32", "int64")
    }


def outer_type(type_: Type, sizes: Mapping[str, Extent], what: str) -> Type:
    """The type of a result, seen from outside.

    Raises:
        ShapeError: its shape is known only inside.
    """
    for node in type_.needs:
        if defined_name(node) not in sizes and not _is_closed(node):
            raise ShapeError(
                worded(
                    what,
                    expected="results whose shape is known beforehand",
                    got=f"{type_}, with a size computed inside",
                    hint="compute that size before, or put the values into an array of fixed size",
                )
            )
    return retyped(type_, sizes)


def opened(region: Region, arguments: Sequence[Expr]) -> list[Expr]:
    """The outputs of a region in terms of the given arguments."""
    outputs = renamed_anew(region.outputs, region.params)
    return substitute(outputs, dict(zip(region.params, arguments, strict=True)))


# --- types ---------------------------------------------------------------------------------------------
def fits(given: Type, wanted: Type) -> bool:
    """Whether a value of one type may be passed where the other is wanted.

    So may numbers and integers for floats of the same shape, as ``total = 0`` before a loop of floats; they
    are converted on the way in. Precision is never changed.
    """
    if given is wanted:
        return True
    if given.shape != wanted.shape or (is_inexact(given) and not given.weak):
        return False
    return promote(given, wanted) is wanted.with_shape(())


def joined(first: Type, second: Type, where: str) -> Type:
    """The type that holds values of both.

    Raises:
        TypeMismatchError: the shapes differ.
    """
    if first is second:
        return first
    if first.shape != second.shape:
        raise TypeMismatchError(
            worded(
                where,
                expected="the same shape on both ways",
                got=f"{extent_text(first.shape)} and {extent_text(second.shape)}",
                hint="give it its final shape first",
            )
        )
    return promote(first, second).with_shape(first.shape)


# --- closing -------------------------------------------------------------------------------------------
_SOON = 64  # how far to look for a free symbol before a node is taken to have one
# Nodes that have been found to use one, at all and in their values: so does all that is made of them.
_open: WeakSet[Expr] = WeakSet()
_varying: WeakSet[Expr] = WeakSet()


def _is_closed(node: Expr) -> bool:
    """Whether a (small) node uses no free symbol at all."""
    stack, seen = [node], {node}
    while stack:
        top = stack.pop()
        if top.op.free or len(seen) > _SOON or top in _open:
            _open.add(node)
            return False
        for arg in (*top.args, *top.needs):
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return True


def _sizes_of(node: Expr) -> tuple[Expr, ...] | None:
    """What defines the sizes of a (small) node that uses no free symbol but in sizes; else ``None``.

    Such nodes (arrays of zeros) are copied into bodies, where rules look at them.
    """
    stack, seen, needs = [node], {node}, set(node.needs)
    while stack:
        top = stack.pop()
        if top.op.free or len(seen) > _SOON or top in _varying:
            _varying.add(node)
            return None
        for arg in top.args:
            if arg not in seen:
                seen.add(arg)
                needs.update(arg.needs)
                stack.append(arg)
    return tuple(needs)


def _without_constants(frontier: Iterable[Expr]) -> list[Expr]:
    """What has to be captured: not constants, and of arrays of constants only their sizes."""
    found: dict[Expr, None] = {}
    stack = list(frontier)
    while stack:
        node = stack.pop()
        sizes = _sizes_of(node)
        if sizes is None:
            found[node] = None
        else:
            stack += [s for s in sizes if s not in found and not _is_closed(s)]
    return list(found)


def _walk(outputs: Iterable[Expr], stops: Callable[[Expr], bool]) -> list[Expr]:
    """Nodes below the outputs by age, not looking below those that stop."""
    stack = list(outputs)
    seen = set(stack)
    defined = any_defined()
    while stack:
        node = stack.pop()
        if stops(node):
            continue
        for arg in (*node.args, *node.needs) if defined else node.args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen, key=_by_age)


def hoisted(
    bound: Sequence[Expr],
    outputs: Sequence[Expr],
    given: Mapping[Expr, Expr] | None = None,
    *,
    once: bool = False,
) -> tuple[Region, tuple[Expr, ...]]:
    """The region with parameters ``(*bound, *captures)``, and the captures.

    ``bound`` are fresh symbols, older than everything built with them. ``given`` maps further symbols to what
    they stand for outside. In a body that runs ``once`` a bound symbol may define the sizes of others.

    Raises:
        ShapeError: the shape of a bound symbol depends on one that changes.
    """
    mark = min((b.serial for b in bound), default=0)
    nodes = _walk(outputs, lambda node: node.serial < mark)
    inside = set(bound)
    for node in nodes:
        if any(arg in inside for arg in (*node.args, *node.needs)):
            inside.add(node)
        elif node.serial > mark and node.op.bodies is not None and depth_of(node):
            inside.add(node)  # a body that calls itself may only do so where it gets there
    frontier = {
        arg
        for node in nodes
        if node in inside
        for arg in (*node.args, *node.needs)
        if arg not in inside
    }
    frontier |= {out for out in outputs if out not in inside}
    frontier.update(*(node.type.needs for node in (*frontier, *bound)))
    if once:
        frontier.difference_update(bound)
    if not inside.isdisjoint(frontier):
        raise _growing(bound)
    return _closed(bound, outputs, _without_constants(frontier), given or {})


def _growing(bound: Sequence[Expr]) -> ShapeError:
    types = ", ".join(str(b.type) for b in bound if b.type.needs)
    return ShapeError(
        worded(
            "loop",
            expected="values of one shape in all iterations",
            got=types,
            hint="put them into an array of fixed size",
        )
    )


def sunk(
    outputs: Sequence[Expr],
    given: Mapping[Expr, Expr] | None = None,
    outside: Container[Expr] = frozenset(),
) -> tuple[Region, tuple[Expr, ...]]:
    """The region with all that the outputs need inside, but for free symbols and nodes in ``outside``."""

    needed = set(definers(o.type for o in outputs))  # to tell the shapes of results

    def stops(node: Expr) -> bool:
        if node.op.free:
            return True
        known = (
            node in outside or node in needed or (node.op.projection and node.args[0] in outside)
        )
        return known and isinstance(node.type, Type) and not _is_closed(node)

    frontier = {node for node in _walk(outputs, stops) if stops(node)}
    frontier |= needed
    frontier.update(*(node.type.needs for node in frontier))
    return _closed((), outputs, _without_constants(frontier), given or {})


def reclosed(region: Region, arguments: Sequence[Expr]) -> tuple[Region, tuple[Expr, ...]] | None:
    """The region with its parameters as closing would number them for these arguments, in one pass.

    Opening and closing would build each body inside twice, and bodies inside of those four times. ``None``
    where sizes that are told by running need new names: then there is no other way.
    """
    if definers([*(p.type for p in region.params), *region.result_types]):
        return None
    if renamed_anew(region.outputs, region.params) != list(region.outputs):
        return None
    return _closed(
        (), region.outputs, region.params, dict(zip(region.params, arguments, strict=True))
    )


def _closed(
    bound: Sequence[Expr],
    outputs: Sequence[Expr],
    frontier: Sequence[Expr],
    given: Mapping[Expr, Expr],
) -> tuple[Region, tuple[Expr, ...]]:
    outer = dict(zip(frontier, substitute(frontier, given), strict=True)) if given else {}
    mapping = {f: outer.get(f, f) for f in frontier}
    wanted = set(mapping.values()).union(*(o.type.needs for o in mapping.values()))
    captures = sorted({o for o in wanted if not _is_closed(o)}, key=_by_age)
    while True:
        numbered = _numbered(len(bound), captures)
        change = {f: numbered.get(o, o) for f, o in mapping.items()}
        for position, symbol in sorted(enumerate(bound), key=lambda pair: bool(pair[1].type.needs)):
            sizes = renaming(symbol.type.needs, change)
            change[symbol] = param(position, retyped(symbol.value_type, sizes))
        params = (*(change[b] for b in bound), *(numbered[c] for c in captures))
        results = renamed_by_structure(substitute(outputs, change), params)
        used = set(
            _walk([*results, *params[: len(bound)]], lambda node: not node.args and not node.needs)
        )
        kept = [c for c in captures if numbered[c] in used]
        if len(kept) == len(captures):
            return Region(params, tuple(results)), tuple(captures)
        # What only seemed to be used: leave it as it stands in the unused places.
        captures = kept


def _numbered(first: int, captures: Sequence[Expr]) -> dict[Expr, Expr]:
    """Parameters for captures, by age: definers of sizes come before what mentions the sizes."""
    numbered: dict[Expr, Expr] = {}
    for position, node in enumerate(captures, start=first):
        sizes = renaming(node.type.needs, numbered)
        numbered[node] = param(position, retyped(node.value_type, sizes))
    return numbered


def canonical_captures(captures: Sequence[Expr]) -> bool:
    """Whether captures are as closing leaves them: by age, each once, no constants."""
    last = -1
    for node in captures:
        if node.serial <= last or (not node.args and not node.op.free):
            return False
        last = node.serial
    return True


def split(region: Region, at: int) -> tuple[Region, Region]:
    """Two regions over the same parameters, with the outputs before and from ``at``."""
    return Region(region.params, region.outputs[:at]), Region(region.params, region.outputs[at:])


def as_results(value: Any) -> tuple[Expr, ...]:
    """What a body returned (one thing or a tuple), as a tuple of expressions; numbers are lifted."""
    return tuple(lift(v) for v in (value if isinstance(value, (tuple, list)) else (value,)))
