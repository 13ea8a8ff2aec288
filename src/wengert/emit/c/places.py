"""Whole numbers that count: counters, sizes and sums of them, as C is written by hand.

Such numbers do not overflow: a counter has been counted up to, and sizes are those of memory. They are put
together as sums, ``A[(i + 1)*n + j]``, where other integers wrap around as in NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wengert.emit.c.text import ATOM, PRODUCT, SUM, UNARY, Text, at_least
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.lower.nest import Unsupported
from wengert.lower.values import at_most
from wengert.ops.leaves import CONSTANT, SIZE
from wengert.ops.sums import LIN

__all__ = ["Form", "Places", "is_sum"]

# What is added, by how much; the number alone stands under None. A string is a piece of C, a product.
Form = dict["Expr | str | None", int]

_LARGEST = 2**40  # of numbers that are added to places
_MOST = 60  # nodes of a sum of places
_STEEPEST = 2**10  # of factors of places


def is_sum(node: Expr) -> bool:
    """Whether a node is a sum of integers with small factors."""
    return (
        node.op is LIN
        and node.value_type.dtype == "int64"
        and all(type(c) is int and abs(c) <= _STEEPEST for c in node.attr)
        and all(a.value_type.dtype == "int64" for a in node.args)
    )


class Places:
    """Forms of counting numbers, and their texts.

    ``counts(node)`` tells whether a node that is no sum is such a number, and ``text(node)`` how it is
    written if it has no name. ``shifts`` are by how much what the source calls a
    counter is more than the counter is.
    """

    def __init__(
        self,
        names: dict[str, str],
        called: Mapping[Any, str],
        counts: Callable[[Expr], bool],
        text: Callable[[Expr], Text],
    ) -> None:
        self.names = names  # of sizes
        self.called = called  # of variables
        self.counts = counts
        self.text = text
        self.shifts: dict[Expr, Form] = {}
        self.zeros: set[Expr] = set()  # counters of loops that run once
        self._safe: dict[Expr, bool] = {}

    def is_safe(self, node: Expr) -> bool:
        """Whether a node is a counting number."""
        known = self._safe.get(node)
        if known is None:
            if node.op is CONSTANT:
                known = type(node.attr) is int and abs(node.attr) < _LARGEST
            elif node.op is SIZE or self.counts(node):
                known = True
            else:
                known = is_sum(node) and at_most(node, _MOST) and all(map(self.is_safe, node.args))
            self._safe[node] = known
        return known

    # --- forms -----------------------------------------------------------------------------------------
    def form(self, node: Expr, times: int = 1) -> Form:
        """A counting number as a sum."""
        if node.op is CONSTANT:
            return {None: times * int(node.attr)}
        if node.op is SIZE:
            return self.extent(node.attr, times)
        if is_sum(node) and self.is_safe(node):
            total: Form = {}
            for coefficient, term in zip(node.attr, node.args, strict=True):
                total = plus(total, self.form(term, times * coefficient))
            return total
        if node in self.zeros:
            return {}
        return plus({self.called.get(node, node): times}, self.shifts.get(node, {}), -times)

    def extent(self, extent: Extent, times: int = 1) -> Form:
        """An extent as a sum."""
        if isinstance(extent, int):
            return {None: times * extent}
        total: Form = {}
        for monomial, coefficient in extent.terms:
            key = "*".join(self.size(name) for name in monomial) or None
            total = plus(total, {key: times * coefficient})
        return total

    def size(self, name: str) -> str:
        """The parameter that tells a size."""
        found = self.names.get(name)
        if found is None:
            raise Unsupported("an extent that only running tells")
        return found

    # --- texts -----------------------------------------------------------------------------------------
    def written(self, form: Form) -> Text:
        """A sum as C: what is added, what is subtracted, the number."""
        terms: list[tuple[Expr | str | None, int]]
        terms = [(k, c) for k, c in form.items() if c and k is not None]
        number = form.get(None, 0)
        ordered = [t for t in terms if t[1] > 0] + [t for t in terms if t[1] < 0]
        if number or not terms:
            first = number > 0 and not any(c > 0 for _, c in terms)
            ordered.insert(0 if first else len(ordered), (None, number))
        text, level = "", ATOM
        for key, coefficient in ordered:
            piece = self._term(key, abs(coefficient))
            if not text:
                text = f"-{at_least(piece, PRODUCT)}" if coefficient < 0 else piece.text
                level = PRODUCT if coefficient < 0 else piece.level
            else:
                text += f" {'-' if coefficient < 0 else '+'} {at_least(piece, PRODUCT)}"
                level = SUM
        return Text(text, level)

    def _term(self, key: Expr | str | None, times: int) -> Text:
        if key is None:
            return Text(str(times))
        if isinstance(key, str):
            text = Text(key, PRODUCT if "*" in key else ATOM)
        else:
            text = self.text(key)
        return text if times == 1 else Text(f"{times}*{at_least(text, UNARY)}", PRODUCT)

    def index(
        self, places: Sequence[Expr], shape: Sequence[Extent], text: Callable[[Expr], Text]
    ) -> str:
        """The place of an element in memory, for places that are counting numbers or other integers."""
        total: Form = {}
        for place, extent in zip(places, shape, strict=True):
            total = self._rows(total, extent)
            more: Form = (
                self.form(place) if self.is_safe(place) else {at_least(text(place), PRODUCT): 1}
            )
            total = plus(total, more)
        return self.written(total).text

    def _rows(self, total: Form, extent: Extent) -> Form:
        """So many rows as elements."""
        total = {k: c for k, c in total.items() if c}
        if not total:
            return {}
        if isinstance(extent, int):
            return {k: c * extent for k, c in total.items()}
        length = self.written(self.extent(extent))
        if set(total) == {None}:
            return {at_least(length, UNARY): total[None]}
        return {f"{at_least(self.written(total), PRODUCT)}*{at_least(length, UNARY)}": 1}


def plus(a: Form, b: Form, times: int = 1) -> Form:
    """``a + times*b``."""
    total = dict(a)
    for key, coefficient in b.items():
        total[key] = total.get(key, 0) + times * coefficient
    return {k: c for k, c in total.items() if c}


def bare(extent: Extent) -> bool:
    """Whether an extent is a number or one name."""
    return isinstance(extent, int) or extent is Dim.named(str(extent))
