"""Parts of arrays at places known beforehand: reading them, and arrays with a part replaced.

``x[1:, -1]`` and its transpose, an array of zeros with that part replaced, are one :class:`Index` seen from
both sides. Bounds that depend on a symbolic extent are checked when numbers are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.errors import EvaluationError, ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Linear, Op, Sample, Spelling, lookup, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import lift, zeros
from wengert.ops.axes import axes_of
from wengert.ops.einstein import broadcast_to, is_ones, ones
from wengert.ops.places import Stores
from wengert.ops.spans import Index, Span, index_from_text, span_of
from wengert.ops.sums import LIN, add, is_zero, scale

__all__ = ["add_by", "at", "flip", "index_by", "part_of", "set_by"]

_ELEMENTS = NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE | INTEGER


# --- reading -----------------------------------------------------------------------------------------
def index_by(node: Expr, index: Index) -> Expr:
    """The part of an array; parts of what was just put there are read through."""
    if index.is_everything:
        return node
    if node.op.part is not None:
        part = node.op.part(node, index)
        if part is not None:
            return part
    if is_ones(node):
        return ones(index.result_shape)
    if is_zero(node):
        return zeros(index.result_shape)
    if node.op is LIN and len(node.attr) == 1 and _is_plain(node.args[0]):
        return scale(node.attr[0], index_by(node.args[0], index))
    return make(INDEX, (node,), index)


def _is_plain(node: Expr) -> bool:
    """Whether reading a part goes no further down, so that no chain is walked."""
    return node.op is not LIN and node.op.part is None


def at(node: Expr, axis: int, place: int) -> Expr:
    """The array at one place of an axis, without that axis."""
    return index_by(node, _along(node, axis, span_of(place, node.shape[axis])))


def part_of(node: Expr, axis: int, start: Extent, count: Extent) -> Expr:
    """``count`` places of one axis."""
    return index_by(node, _along(node, axis, Span(start, count, 1, True)))


def _along(node: Expr, axis: int, span: Span) -> Index:
    spans = tuple(span if i == axis else Span(0, e, 1, True) for i, e in enumerate(node.shape))
    return Index(spans, node.shape)


def flip(x: Any, axis: int | Sequence[int] | None = None) -> Expr:
    """The array with the order along some axes (all by default) reversed."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "flip")
    spans = tuple(
        span_of(slice(None, None, -1 if i in axes else None), e) for i, e in enumerate(node.shape)
    )
    return index_by(node, Index(spans, node.shape))


def _index_type(x: Type, *, attr: Index) -> Type:
    _fits(x, attr)
    return x.with_shape(attr.result_shape)


def _fits(x: Type, index: Index) -> None:
    if x.shape != index.shape:
        raise ShapeError(
            worded(
                "index",
                expected=f"shape {extent_text(index.shape)}",
                got=extent_text(x.shape),
            )
        )


def _slices(index: Index) -> tuple[int | slice, ...]:
    """NumPy's index for an index in numbers.

    Raises:
        EvaluationError: it reaches outside the array.
    """
    return tuple(_slice(s, e, index) for s, e in zip(index.spans, index.shape, strict=True))


def _number(extent: Extent) -> int:
    assert isinstance(extent, int)
    return extent


def _slice(span: Span, extent: Extent, index: Index) -> int | slice:
    start, count, extent = _number(span.start), _number(span.length), _number(extent)
    last = start + (count - 1) * span.step
    if count < 0 or (count and not (0 <= start < extent and 0 <= last < extent)):
        raise EvaluationError(
            worded(
                f"index [{index}]",
                expected=f"places from 0 to {extent - 1}",
                got=f"{count} from {start} on",
            )
        )
    if not span.keep:
        return start
    if not count:
        return slice(0, 0)
    stop = last + (1 if span.step > 0 else -1)
    return slice(start, stop if stop >= 0 else None, span.step)


def _index_transpose(ct: Expr, slot: int, x: Expr, *, attr: Index) -> Expr:
    lead = ct.shape[: ct.ndim - len(attr.result_shape)]
    return set_by(zeros((*lead, *x.shape)), ct, attr.behind(lead))


def _in_numbers(attr: Index, sizes: Mapping[str, int]) -> Index:
    return attr.in_numbers(sizes)


def _at_places(index: Index, places: Sequence[Expr], ask: Any) -> list[Expr]:
    """The places in the whole array of places in the part."""
    left, found = iter(places), []
    for span in index.spans:
        if not span.keep:
            found.append(ask.extent(span.start))
            continue
        step = scale(span.step, next(left))
        found.append(step if span.start == 0 else add(ask.extent(span.start), step))
    return found


def _element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    found: Expr = ask.part(0, _at_places(node.attr, places, ask))
    return found


def _stores(node: Expr, ask: Any) -> Stores:
    return Stores(
        extents=node.attr.result_shape,
        places=lambda *counters: tuple(_at_places(node.attr, counters, ask)),
        value=lambda *counters: ask.part(1, counters if node.args[1].ndim else ()),
        adds=False,
    )


INDEX = register(
    Op(
        name="index",
        doc="A part of an array at places known beforehand: x[1:, -1].",
        result=_index_type,
        evaluate=lambda x, *, attr: x[_slices(attr)],
        element=_element,
        resolve=_in_numbers,
        diff=Linear(_index_transpose, batched=True),
        spell=Spelling(text="{0}[{attr}]", notation="index", latex="{0}_{{{attr}}}"),
        laws=Laws(facts=lambda x, *, attr: x & _ELEMENTS),
        build=lambda x, *, attr: index_by(x, Index(attr.spans, x.shape)),
        samples=(
            Sample((Argument((4,)),), Index((Span(1, 2, 1, True),), (4,))),
            Sample((Argument((4,)),), Index((Span(3, 1, 1, False),), (4,))),
            Sample((Argument((3, 5)),), Index((Span(2, 3, -1, True), Span(0, 3, 2, True)), (3, 5))),
        ),
        cost=0.0,
    )
)


# --- replacing ---------------------------------------------------------------------------------------
def set_by(base: Expr, value: Expr, index: Index) -> Expr:
    """``base`` with ``value`` at the places of the index; nothing is changed in place.

    Raises:
        ShapeError: the value does not stretch to the part.
    """
    value = broadcast_to(value, index.result_shape)
    if index.is_everything:
        return value
    if base.op is UPDATE and base.attr == index:
        base = base.args[0]
    whole = _every_place(base, value, index)
    return make(UPDATE, (base, value), index) if whole is None else whole


_FEW = 16  # longest vector that is looked at place by place


def _every_place(base: Expr, value: Expr, index: Index) -> Expr | None:
    """The stack of its elements, once each place of a short vector has been given one."""
    extent = index.shape[0]
    if len(index.shape) != 1 or not isinstance(extent, int) or extent > _FEW:
        return None
    elements: dict[Extent, Expr] = {index.spans[0].start: value}
    below = base
    for _ in range(_FAR):
        if below.op is not UPDATE or below.attr.spans[0].keep or len(elements) == extent:
            break
        elements.setdefault(below.attr.spans[0].start, below.args[1])
        below = below.args[0]
    if below.op is lookup("stack") and not below.args[0].ndim:
        elements = {**dict(enumerate(below.args)), **elements}
    ordered = tuple(elements[i] for i in range(extent) if i in elements)
    dtypes = {e.value_type.dtype for e in ordered} | {base.value_type.dtype}
    if len(ordered) < extent or index.spans[0].keep or (len(dtypes) > 1 and not is_zero(below)):
        return None
    return make(lookup("stack"), ordered, 0)


def add_by(base: Expr, value: Expr, index: Index) -> Expr:
    """``base`` with ``value`` added at the places of the index."""
    return set_by(base, add(index_by(base, index), value), index)


def _update_type(base: Type, value: Type, *, attr: Index) -> Type:
    _fits(base, attr)
    if value.shape != attr.result_shape:
        raise ShapeError(
            worded(
                "update",
                expected=f"a value of shape {extent_text(attr.result_shape)}",
                got=extent_text(value.shape),
            )
        )
    return promote(base, value).with_shape(base.shape)


def _update_value(base: Any, value: Any, *, attr: Index) -> Any:
    result = np.array(base, dtype=np.result_type(base, value))
    result[_slices(attr)] = value
    return result


def _update_tangent(tangents: Sequence[Expr | None], args: Sequence[Expr], *, attr: Index) -> Expr:
    base, value = (zeros(a.shape) if t is None else t for t, a in zip(tangents, args, strict=True))
    return set_by(base, value, attr)


def _update_transpose(ct: Expr, slot: int, base: Expr, value: Expr, *, attr: Index) -> Expr:
    lead = ct.shape[: ct.ndim - base.ndim]
    index = attr.behind(lead)
    if slot == 1:
        return index_by(ct, index)
    return set_by(ct, zeros(index.result_shape), index)


_FAR = 32  # how many replacements are looked through for what one of them put there


def _part_of_update(node: Expr, index: Index) -> Expr | None:
    """What was put there, or what is below replacements of other places."""
    below = node
    for _ in range(_FAR):
        if below.op is not UPDATE:
            break
        if below.attr == index:
            return below.args[1]
        if not _apart(below.attr, index):
            break
        below = below.args[0]
    if below is node:
        return None
    return make(INDEX, (below,), index) if below.op is UPDATE else index_by(below, index)


def _apart(first: Index, second: Index) -> bool:
    """Whether two parts are known to share no place: along one axis their ranges do not meet."""
    return any(_ranges_apart(a, b) for a, b in zip(first.spans, second.spans, strict=True))


def _ranges_apart(a: Span, b: Span) -> bool:
    bounds = [_bounds(a), _bounds(b)]
    for (_, high), (low, _) in (bounds, bounds[::-1]):
        gap = low - high
        if isinstance(gap, int) and gap > 0:
            return True
    return False


def _bounds(span: Span) -> tuple[Extent, Extent]:
    last = span.start + (span.length - 1) * span.step
    return (span.start, last) if span.step > 0 else (last, span.start)


def _into(node: Expr, base: Expr) -> Expr | None:
    """``base + node`` where ``node`` is zero but for one part.

    Not where that part of ``base`` may or may not lie in one that was put there before: a sum reads better.
    """
    if not is_zero(node.args[0]) or any(a.op is UPDATE for a in base.args if base.op is LIN):
        return None
    if base.op is UPDATE and _part_of_update(base, node.attr) is None:
        return None
    return add_by(base, node.args[1], node.attr)


def _update_call(base: Any, index: str, value: Any) -> Expr:
    """The array with a part replaced; the index is written as text, '1:3, -1'."""
    node = lift(base)
    return set_by(node, lift(value), index_from_text(index, node.shape))


def _update_in_numpy(node: Expr) -> str:
    base, dtype = node.args[0].value_type.dtype, node.value_type.dtype
    copied = "np.array({0})" if base == dtype else f"np.array({{0}}, dtype=np.{dtype})"
    return copied + "\n{name}[{attr}] = {1}"


UPDATE = register(
    Op(
        name="update",
        doc="An array with a part replaced, at places known beforehand.",
        result=_update_type,
        evaluate=_update_value,
        stores=_stores,
        resolve=_in_numbers,
        diff=Linear(_update_transpose, joint=_update_tangent, batched=True),
        spell=Spelling(text="update({0}, '{attr}', {1})", numpy=_update_in_numpy),
        laws=Laws(facts=lambda base, value, *, attr: base & value & _ELEMENTS),
        build=lambda base, value, *, attr: set_by(base, value, Index(attr.spans, base.shape)),
        call=_update_call,
        part=_part_of_update,
        into=_into,
        samples=(
            Sample((Argument((4,)), Argument((2,))), Index((Span(1, 2, 1, True),), (4,))),
            Sample((Argument((4,)), Argument()), Index((Span(3, 1, 1, False),), (4,))),
            Sample(
                (Argument((3, 5)), Argument((3, 2))),
                Index((Span(2, 3, -1, True), Span(0, 2, 3, True)), (3, 5)),
            ),
        ),
        cost=0.0,
    )
)
