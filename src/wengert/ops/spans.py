"""Places in arrays that are known beforehand: one range for each axis, from text and slices and back.

Bounds that depend on a symbolic extent are checked when numbers are known.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Dim, Extent, length, resolve

__all__ = ["Index", "Span", "index_from_text", "span_of", "span_texts"]


class Span(NamedTuple):
    """A range of one axis: ``length`` places from ``start`` on, ``step`` apart.

    With ``keep`` false it is a single place, and the axis goes.
    """

    start: Extent
    length: Extent
    step: int
    keep: bool

    def in_numbers(self, sizes: Mapping[str, int]) -> Span:
        """The span for given sizes."""
        start = self.start.evaluate(sizes) if isinstance(self.start, Dim) else self.start
        return Span(start, length(self.length, sizes), self.step, self.keep)


class Index(NamedTuple):
    """One span for each axis of an array of the given shape."""

    spans: tuple[Span, ...]
    shape: tuple[Extent, ...]

    @property
    def result_shape(self) -> tuple[Extent, ...]:
        """The shape of the part."""
        return tuple(s.length for s in self.spans if s.keep)

    @property
    def is_everything(self) -> bool:
        """Whether the part is the whole array."""
        return all(s == Span(0, e, 1, True) for s, e in zip(self.spans, self.shape, strict=True))

    def behind(self, lead: Sequence[Extent]) -> Index:
        """The same part of every array in a stack with the given leading extents."""
        return Index((*(Span(0, e, 1, True) for e in lead), *self.spans), (*lead, *self.shape))

    def in_numbers(self, sizes: Mapping[str, int]) -> Index:
        """The index for given sizes."""
        spans = tuple(s.in_numbers(sizes) for s in self.spans)
        return Index(spans, resolve(self.shape, sizes))

    def __str__(self) -> str:
        """The text between the brackets."""
        texts = span_texts(self)
        while len(texts) > 1 and texts[-1] == ":":
            texts.pop()
        return ", ".join(texts)


def span_texts(index: Index) -> list[str]:
    """The texts of all spans, whole axes as ``:``."""
    return [_span_text(s, e) for s, e in zip(index.spans, index.shape, strict=True)]


def _place_text(place: Extent, extent: Extent) -> str:
    from_end = place - extent
    if isinstance(place, Dim) and isinstance(from_end, int) and from_end < 0:
        return str(from_end)
    return str(place)


def _span_text(span: Span, extent: Extent) -> str:
    if not span.keep:
        return _place_text(span.start, extent)
    step = "" if span.step == 1 else f":{span.step}"
    if span.step > 0:
        start = "" if span.start == 0 else _place_text(span.start, extent)
        end = span.start + span.length * span.step
        past = end - extent
        whole = isinstance(past, int) and 0 <= past < span.step
        return f"{start}:{'' if whole else _place_text(end, extent)}{step}"
    start = "" if span.start - extent == -1 else _place_text(span.start, extent)
    end = span.start + span.length * span.step
    whole = isinstance(end, int) and end < 0
    return f"{start}:{'' if whole else _place_text(end, extent)}{step}"


def span_of(entry: Extent | slice, extent: Extent) -> Span:
    """The span of an axis that a place or a slice means; negative numbers count from the end.

    Raises:
        ShapeError: a place outside, or a step through a symbolic extent that has no closed form.
    """
    if isinstance(entry, slice):
        return _span_of_slice(entry, extent)
    place = _from_front(entry, extent)
    if isinstance(extent, int) and isinstance(place, int) and not 0 <= place < extent:
        raise ShapeError(
            worded("index", expected=f"a place from {-extent} to {extent - 1}", got=f"{entry}")
        )
    return Span(place, 1, 1, False)


def _span_of_slice(entry: slice, extent: Extent) -> Span:
    step = 1 if entry.step is None else entry.step
    numbers = (entry.start, entry.stop, step)
    if not all(n is None or isinstance(n, (int, Dim)) for n in numbers) or step == 0:
        raise ShapeError(
            worded("slice", expected="whole bounds and a step that is not 0", got=f"{entry}")
        )
    if isinstance(extent, int) and not any(isinstance(n, Dim) for n in numbers):
        chosen = range(*entry.indices(extent))
        start_number = chosen.start if chosen else 0
        return Span(start_number, len(chosen), step if len(chosen) > 1 else 1, True)
    first, last = (0, extent) if step > 0 else (extent - 1, -1)
    start = first if entry.start is None else _from_front(entry.start, extent)
    stop = last if entry.stop is None else _from_front(entry.stop, extent)
    return Span(start, _count(stop - start, step, entry), step, True)


def _from_front(place: Extent, extent: Extent) -> Extent:
    return place + extent if isinstance(place, int) and place < 0 else place


def _count(distance: Extent, step: int, entry: slice) -> Extent:
    if step in (1, -1):
        return distance * step if not isinstance(distance, int) else max(distance * step, 0)
    if isinstance(distance, int):
        return max(-(-distance // step), 0)
    if all(c % step == 0 for _, c in distance.terms):
        return Dim(tuple((m, c // step) for m, c in distance.terms))
    raise ShapeError(
        worded(
            "slice",
            expected="a step that divides a symbolic extent",
            got=f"step {step} over {distance} places ({entry})",
            hint="give the array a fixed extent along this axis",
        )
    )


def index_from_text(text: str, shape: Sequence[Extent]) -> Index:
    """The index that ``str(index)`` writes.

    Raises:
        ShapeError: no such text, or it does not fit the shape.

    >>> str(index_from_text("1:3, -1", (5, Dim.named("n"))))
    '1:3, -1'
    """
    try:
        parsed = ast.parse(f"x[{text}]", mode="eval").body
        assert isinstance(parsed, ast.Subscript)
        entries = parsed.slice.elts if isinstance(parsed.slice, ast.Tuple) else [parsed.slice]
        given = [_entry(e) for e in entries]
    except (SyntaxError, AssertionError):
        raise ShapeError(
            worded("index", expected="places and ranges, such as '1:3, -1'", got=repr(text))
        ) from None
    if len(given) > len(shape):
        raise ShapeError(worded("index", expected=f"at most {len(shape)} entries", got=repr(text)))
    given += [slice(None)] * (len(shape) - len(given))
    return Index(tuple(span_of(g, e) for g, e in zip(given, shape, strict=True)), tuple(shape))


def _entry(tree: ast.expr) -> Extent | slice:
    if isinstance(tree, ast.Slice):
        bounds = (None if b is None else _extent(b) for b in (tree.lower, tree.upper, tree.step))
        return slice(*bounds)
    return _extent(tree)


def _extent(tree: ast.expr) -> Extent:
    """A polynomial in names of sizes; its depth is that of what somebody wrote."""
    match tree:
        case ast.Constant(value=int() as value):
            return value
        case ast.Name(id=name):
            return Dim.named(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_extent(operand)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _extent(left) + _extent(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _extent(left) - _extent(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _extent(left) * _extent(right)
    raise SyntaxError
