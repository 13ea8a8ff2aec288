"""Extents of axes: an ``int``, or a :class:`Dim`, an integer polynomial in named sizes.

``Dim.named("n")`` is the extent called ``n``; sums and products of extents are again extents, in
canonical form, so that equal extents are the same object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeAlias

from wengert.errors import EvaluationError, worded

__all__ = ["Dim", "Extent", "extent_text", "resolve", "size_of"]

# A monomial is a sorted tuple of size names (repeated for powers); () is the constant term.
Monomial: TypeAlias = tuple[str, ...]


class Dim:
    """A symbolic extent: an integer polynomial in named sizes, interned."""

    __slots__ = ("__weakref__", "terms")
    terms: tuple[tuple[Monomial, int], ...]
    _table: ClassVar[dict[tuple[tuple[Monomial, int], ...], Dim]] = {}

    def __new__(cls, terms: tuple[tuple[Monomial, int], ...]) -> Dim:
        known = cls._table.get(terms)
        if known is not None:
            return known
        self = object.__new__(cls)
        self.terms = terms
        return cls._table.setdefault(terms, self)

    @classmethod
    def named(cls, name: str) -> Dim:
        """The extent called ``name``."""
        return cls((((name,), 1),))

    @property
    def names(self) -> frozenset[str]:
        """The size names that occur in this extent."""
        return frozenset(name for monomial, _ in self.terms for name in monomial)

    def __add__(self, other: Extent) -> Extent:
        return _canonical([*self.terms, *_terms(other)])

    __radd__ = __add__

    def __sub__(self, other: Extent) -> Extent:
        return _canonical([*self.terms, *((m, -c) for m, c in _terms(other))])

    def __rsub__(self, other: Extent) -> Extent:
        return _canonical([*_terms(other), *((m, -c) for m, c in self.terms)])

    def __mul__(self, other: Extent) -> Extent:
        return _canonical(
            (tuple(sorted(m + k)), c * d) for m, c in self.terms for k, d in _terms(other)
        )

    __rmul__ = __mul__

    def __neg__(self) -> Extent:
        return _canonical((m, -c) for m, c in self.terms)

    def __str__(self) -> str:
        text = ""
        for monomial, coefficient in self.terms:
            size = abs(coefficient)
            factors = ([str(size)] if size != 1 or not monomial else []) + list(monomial)
            sign = "-" if coefficient < 0 else "+"
            text += (f" {sign} " if text else ("-" if coefficient < 0 else "")) + "*".join(factors)
        return text

    def __repr__(self) -> str:
        return f"Dim({self})"

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The extent as a number.

        Raises:
            EvaluationError: a size is missing.
        """
        total = 0
        for monomial, coefficient in self.terms:
            for name in monomial:
                if name not in sizes:
                    raise EvaluationError(
                        worded(
                            f"size `{name}`",
                            expected="a number for it",
                            got="none",
                            hint=f"give an array that has this axis, or {name}=...",
                        )
                    )
                coefficient *= sizes[name]
            total += coefficient
        return total


Extent: TypeAlias = int | Dim


def _terms(extent: Extent) -> tuple[tuple[Monomial, int], ...]:
    return extent.terms if isinstance(extent, Dim) else (((), extent),)


def _canonical(terms: Iterable[tuple[Monomial, int]]) -> Extent:
    merged: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        merged[monomial] = merged.get(monomial, 0) + coefficient
    # Longest monomials first, the constant last: reads as people write polynomials.
    kept = sorted(((m, c) for m, c in merged.items() if c), key=lambda t: (-len(t[0]), t[0]))
    if not kept:
        return 0
    if len(kept) == 1 and kept[0][0] == ():
        return kept[0][1]
    return Dim(tuple(kept))


def extent_text(shape: Iterable[Extent]) -> str:
    """A shape as people write it: ``(m, n)``.

    >>> extent_text((3, Dim.named("n")))
    '(3, n)'
    """
    parts = [str(e) for e in shape]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def size_of(shape: Iterable[Extent]) -> Extent:
    """The number of elements of a shape."""
    total: Extent = 1
    for extent in shape:
        total = total * extent
    return total


def resolve(shape: Iterable[Extent], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape in numbers."""
    return tuple(e if isinstance(e, int) else e.evaluate(sizes) for e in shape)
