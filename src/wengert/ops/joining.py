"""Arrays made of several: one after the other, on top of each other, with a border."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import OPERATORS, Expr, make
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import broadcast_together, full, lift, zeros
from wengert.ops.axes import axis_of
from wengert.ops.indexing import at, index_by, part_of, set_by
from wengert.ops.places import Stores
from wengert.ops.spans import Index, Span

__all__ = ["concatenate", "pad", "stack"]

_ELEMENTS = NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE | INTEGER


# --- joining ---------------------------------------------------------------------------------------------
def concatenate(arrays: Sequence[Any], axis: int = 0) -> Expr:
    """Arrays one after the other along an axis; their other extents agree.

    Raises:
        ShapeError: nothing to join, scalars, or extents that differ.
    """
    nodes = tuple(lift(a) for a in arrays)
    if not nodes:
        raise ShapeError(worded("concatenate", expected="at least one array", got="none"))
    if len(nodes) == 1:
        return nodes[0]
    return make(CONCATENATE, nodes, axis_of(axis, nodes[0].ndim, "concatenate"))


def _concatenate_type(*types: Type, attr: int) -> Type:
    total: Extent = 0
    rest = [(t.shape[:attr], t.shape[attr + 1 :]) for t in types]
    if any(len(t.shape) != len(types[0].shape) for t in types) or len(set(rest)) != 1:
        raise ShapeError(
            worded(
                "concatenate",
                expected=f"extents that agree except along axis {attr}",
                got=" and ".join(extent_text(t.shape) for t in types),
            )
        )
    for type_ in types:
        total = type_.shape[attr] + total
    return promote(*types).with_shape((*rest[0][0], total, *rest[0][1]))


def _concatenate_transpose(ct: Expr, slot: int, *args: Expr, attr: int) -> Expr:
    start: Extent = 0
    for arg in args[:slot]:
        start = arg.shape[attr] + start
    axis = attr + ct.ndim - args[slot].ndim
    return part_of(ct, axis, start, args[slot].shape[attr])


def _filled_tangents(tangents: Sequence[Expr | None], args: Sequence[Expr]) -> tuple[Expr, ...]:
    return tuple(zeros(a.shape) if t is None else t for t, a in zip(tangents, args, strict=True))


def _part_of_chain(node: Expr, index: Index) -> Expr | None:
    """Reading places of one member only reads the member."""
    span = index.spans[node.attr]
    if span.length == 0:
        return None
    last = span.start + (span.length - 1) * span.step
    begin: Extent = 0
    for member in node.args:
        inside = [span.start - begin, last - begin]
        begin = begin + member.shape[node.attr]
        left = [begin - 1 - span.start, begin - 1 - last]
        if all(isinstance(n, int) and n >= 0 for n in (*inside, *left)):
            if member.value_type.with_shape(()) is not node.value_type.with_shape(()):
                return None  # it would be of another dtype
            moved = span._replace(start=inside[0])
            spans = (*index.spans[: node.attr], moved, *index.spans[node.attr + 1 :])
            return index_by(member, Index(spans, member.shape))
    return None


def _one_after_the_other(node: Expr, ask: Any) -> list[Stores]:
    """Each argument from where the one before ends."""
    found, start = [], ask.extent(0)
    for number, arg in enumerate(node.args):

        def places(*counters: Expr, start: Expr = start) -> tuple[Expr, ...]:
            moved = OPERATORS.add(counters[node.attr], start)
            return (*counters[: node.attr], moved, *counters[node.attr + 1 :])

        def value(*counters: Expr, number: int = number) -> Expr:
            return ask.part(number, counters)  # type: ignore[no-any-return]  # an element

        found.append(Stores(arg.shape, places, value, adds=False))
        start = OPERATORS.add(start, ask.extent(arg.shape[node.attr]))
    return found


CONCATENATE = register(
    Op(
        name="concatenate",
        doc="Arrays one after the other along an axis.",
        result=_concatenate_type,
        evaluate=lambda *values, attr: np.concatenate(values, axis=attr),
        fills=_one_after_the_other,
        diff=Linear(
            _concatenate_transpose,
            joint=lambda ts, args, *, attr: concatenate(_filled_tangents(ts, args), attr),
            batched=True,
        ),
        spell=Spelling(
            notation="listed",
            python="np.concatenate({0})",
            options=lambda node: {"axis": node.attr} if node.attr else {},
        ),
        laws=Laws(facts=lambda *facts, attr: _common(facts)),
        part=_part_of_chain,
        build=lambda *args, attr: concatenate(args, attr),
        call=concatenate,
        samples=(
            Sample((Argument((2,)), Argument((3,))), 0),
            Sample((Argument((2, 2)), Argument((2, 1)), Argument((2, 3))), 1),
        ),
        cost=0.0,
    )
)


def _common(facts: Sequence[int]) -> int:
    bits = _ELEMENTS
    for other in facts:
        bits &= other
    return bits


def stack(arrays: Sequence[Any], axis: int = 0) -> Expr:
    """Arrays of one shape along a new axis.

    Raises:
        ShapeError: nothing to stack, or shapes that differ.
    """
    nodes = broadcast_together(*(lift(a) for a in arrays)) if arrays else ()
    if not nodes:
        raise ShapeError(worded("stack", expected="at least one array", got="none"))
    return make(STACK, nodes, axis_of(axis, nodes[0].ndim + 1, "stack"))


def _stack_type(*types: Type, attr: int) -> Type:
    shape = types[0].shape
    if any(t.shape != shape for t in types):
        raise ShapeError(
            worded(
                "stack",
                expected="arrays of one shape",
                got=" and ".join(extent_text(t.shape) for t in types),
            )
        )
    return promote(*types).with_shape((*shape[:attr], len(types), *shape[attr:]))


def _part_of_stack(node: Expr, index: Index) -> Expr | None:
    """Reading one member of a stack reads the member."""
    span = index.spans[node.attr]
    if span.keep or not isinstance(span.start, int):
        return None
    rest = index.spans[: node.attr] + index.spans[node.attr + 1 :]
    member = node.args[span.start]
    return index_by(member, Index(rest, member.shape))


def _stack_transpose(ct: Expr, slot: int, *args: Expr, attr: int) -> Expr:
    return at(ct, attr + ct.ndim - args[slot].ndim - 1, slot)


def _at_each_place(node: Expr, ask: Any) -> list[Stores]:
    """Each argument at its place of the new axis."""
    found = []
    for number, arg in enumerate(node.args):

        def places(*counters: Expr, number: int = number) -> tuple[Expr, ...]:
            return (*counters[: node.attr], ask.extent(number), *counters[node.attr :])

        def value(*counters: Expr, number: int = number) -> Expr:
            return ask.part(number, counters)  # type: ignore[no-any-return]  # an element

        found.append(Stores(arg.shape, places, value, adds=False))
    return found


STACK = register(
    Op(
        name="stack",
        doc="Arrays of one shape along a new axis.",
        result=_stack_type,
        evaluate=lambda *values, attr: np.stack(values, axis=attr),
        fills=_at_each_place,
        diff=Linear(
            _stack_transpose,
            joint=lambda ts, args, *, attr: stack(_filled_tangents(ts, args), attr),
            batched=True,
        ),
        spell=Spelling(
            notation="listed",
            python="np.stack({0})",
            options=lambda node: {"axis": node.attr} if node.attr else {},
        ),
        laws=Laws(facts=lambda *facts, attr: _common(facts)),
        build=lambda *args, attr: stack(args, attr),
        part=_part_of_stack,
        call=stack,
        samples=(
            Sample((Argument(), Argument(), Argument()), 0),
            Sample((Argument((2, 3)), Argument((2, 3))), 1),
        ),
        cost=0.0,
    )
)


def pad(x: Any, widths: int | Sequence[int] | Sequence[Sequence[int]], value: Any = 0) -> Expr:
    """The array with a border: ``widths`` before and after each axis, as in ``numpy.pad``.

    Raises:
        ShapeError: widths that are negative or fit no axis.
    """
    node = lift(x)
    pairs = _widths(widths, node.ndim)
    shape = tuple(e + a + b for e, (a, b) in zip(node.shape, pairs, strict=True))
    spans = tuple(Span(a, e, 1, True) for e, (a, _) in zip(node.shape, pairs, strict=True))
    return set_by(full(shape, value), node, Index(spans, shape))


def _widths(widths: Any, rank: int) -> list[tuple[int, int]]:  # Any: the spellings of numpy.pad
    table = np.asarray(widths)
    if table.dtype.kind not in "iu" or (table < 0).any():
        raise ShapeError(worded("pad", expected="nonnegative whole widths", got=f"{widths!r}"))
    if table.ndim == 1 and table.shape != (2,) and table.shape != (1,):
        raise ShapeError(worded("pad", expected="one pair of widths an axis", got=f"{widths!r}"))
    try:
        table = np.broadcast_to(table, (rank, 2))
    except ValueError:
        raise ShapeError(
            worded("pad", expected=f"a pair of widths for each of {rank} axes", got=f"{widths!r}")
        ) from None
    return [(int(a), int(b)) for a, b in table]
