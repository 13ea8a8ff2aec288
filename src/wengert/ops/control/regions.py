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

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import extent_text
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.types import Type, is_inexact, promote
from wengert.ir.walk import substitute
from wengert.ops.algebra import lift
from wengert.ops.control.lengths import renamed_anew, renamed_by_structure
from wengert.ops.leaves import fresh, param

__all__ = [
    "as_results",
    "canonical_captures",
    "fits",
    "hoisted",
    "joined",
    "opened",
    "split",
    "sunk",
    "unbound",
]

_by_age = attrgetter("serial")


def unbound(types: Iterable[Type], hint: str = "b") -> tuple[Expr, ...]:
    """Fresh symbols of the given types, to build a body with."""
    return tuple(fresh(t, hint) for t in types)


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


def _is_closed(node: Expr) -> bool:
    """Whether a (small) node uses no free symbol at all."""
    stack, seen = [node], {node}
    while stack:
        top = stack.pop()
        if top.op.free or len(seen) > _SOON:
            return False
        for arg in top.args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return True


def _walk(outputs: Iterable[Expr], stops: Callable[[Expr], bool]) -> list[Expr]:
    """Nodes below the outputs by age, not looking below those that stop."""
    stack = list(outputs)
    seen = set(stack)
    while stack:
        node = stack.pop()
        if stops(node):
            continue
        for arg in node.args:
            if arg not in seen:
                seen.add(arg)
                stack.append(arg)
    return sorted(seen, key=_by_age)


def hoisted(
    bound: Sequence[Expr], outputs: Sequence[Expr], given: Mapping[Expr, Expr] | None = None
) -> tuple[Region, tuple[Expr, ...]]:
    """The region with parameters ``(*bound, *captures)``, and the captures.

    ``bound`` are fresh symbols, older than everything built with them. ``given`` maps further symbols to what
    they stand for outside.
    """
    mark = min((b.serial for b in bound), default=0)
    nodes = _walk(outputs, lambda node: node.serial < mark)
    inside = set(bound)
    for node in nodes:
        if any(arg in inside for arg in node.args):
            inside.add(node)
    frontier = {arg for node in nodes if node in inside for arg in node.args if arg not in inside}
    frontier |= {out for out in outputs if out not in inside}
    return _closed(bound, outputs, [f for f in frontier if not _is_closed(f)], given or {})


def sunk(
    outputs: Sequence[Expr],
    given: Mapping[Expr, Expr] | None = None,
    outside: frozenset[Expr] | set[Expr] = frozenset(),
) -> tuple[Region, tuple[Expr, ...]]:
    """The region with all that the outputs need inside, but for free symbols and nodes in ``outside``."""

    def stops(node: Expr) -> bool:
        if node.op.free:
            return True
        known = node in outside or (node.op.projection and node.args[0] in outside)
        return known and isinstance(node.type, Type) and not _is_closed(node)

    frontier = [node for node in _walk(outputs, stops) if stops(node)]
    return _closed((), outputs, frontier, given or {})


def _closed(
    bound: Sequence[Expr],
    outputs: Sequence[Expr],
    frontier: Sequence[Expr],
    given: Mapping[Expr, Expr],
) -> tuple[Region, tuple[Expr, ...]]:
    outer = dict(zip(frontier, substitute(frontier, given), strict=True)) if given else {}
    mapping = {f: outer.get(f, f) for f in frontier}
    captures = sorted({o for o in mapping.values() if not _is_closed(o)}, key=_by_age)
    while True:
        params = tuple(param(i, node.value_type) for i, node in enumerate((*bound, *captures)))
        numbered = dict(zip((*bound, *captures), params, strict=True))
        change = {b: numbered[b] for b in bound}
        change |= {f: numbered.get(o, o) for f, o in mapping.items()}
        results = renamed_by_structure(substitute(outputs, change), params)
        used = set(_walk(results, lambda node: not node.args))
        kept = [c for c in captures if numbered[c] in used]
        if len(kept) == len(captures):
            return Region(params, tuple(results)), tuple(captures)
        # What only seemed to be used: leave it as it stands in the unused places.
        captures = kept


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
