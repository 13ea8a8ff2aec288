"""Extents of axes: an ``int``, or a :class:`Dim`, an integer polynomial in named sizes.

``Dim.named("n")`` is the extent called ``n``; sums and products of extents are again extents, in
canonical form, so that equal extents are the same object.

A size may also be *defined* by an integer node of the graph (:meth:`Dim.of`): a loop counter, a number
read from data. Whatever mentions such a size depends on its definer. As a length a polynomial in defined
sizes is never negative: ``x[i:j]`` is empty where ``j < i``, as in Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, TypeAlias
from weakref import WeakValueDictionary

from wengert.errors import EvaluationError, worded

if TYPE_CHECKING:
    from wengert.ir.node import Expr

__all__ = [
    "IN_USE",
    "Dim",
    "Extent",
    "any_defined",
    "defined_name",
    "definer",
    "definers",
    "extent_text",
    "is_defined",
    "length",
    "resolve",
    "size_of",
]

# A monomial is a sorted tuple of size names (repeated for powers); () is the constant term.
Monomial: TypeAlias = tuple[str, ...]


# Sizes that a node defines start so; no user can write such a name.
_DEFINED = "%x"


class Dim:
    """A symbolic extent: an integer polynomial in named sizes, interned.

    ``needs``: the nodes that define sizes in it, oldest first. They live as long as the extent does.
    """

    __slots__ = ("__weakref__", "needs", "terms")
    terms: tuple[tuple[Monomial, int], ...]
    needs: tuple[Expr, ...]
    _table: ClassVar[dict[tuple[tuple[Monomial, int], ...], Dim]] = {}
    # Extents with defined sizes go when nobody holds them, and their definers with them.
    _defined: ClassVar[WeakValueDictionary[tuple[tuple[Monomial, int], ...], Dim]] = (
        WeakValueDictionary()
    )

    def __new__(cls, terms: tuple[tuple[Monomial, int], ...]) -> Dim:
        known = cls._table.get(terms)
        if known is not None:
            return known
        known = cls._defined.get(terms) if IN_USE else None
        if known is not None:
            return known
        self = object.__new__(cls)
        self.terms = terms
        self.needs = ()
        names = {name for monomial, _ in terms for name in monomial if is_defined(name)}
        if not names:
            return cls._table.setdefault(terms, self)
        self.needs = tuple(sorted(map(definer, names), key=lambda node: node.serial))
        return cls._defined.setdefault(terms, self)

    @classmethod
    def named(cls, name: str) -> Dim:
        """The extent called ``name``."""
        return cls((((name,), 1),))

    @classmethod
    def of(cls, node: Expr) -> Dim:
        """The extent that an integer node defines (see ``ops.extents.as_dim`` for polynomials)."""
        name = f"{_DEFINED}{node.serial}"
        _definers[name] = node
        return cls.named(name)

    @property
    def names(self) -> frozenset[str]:
        """The size names that occur in this extent."""
        return frozenset(name for monomial, _ in self.terms for name in monomial)

    def substitute(self, sizes: Mapping[str, Extent]) -> Extent:
        """The extent with other extents in place of some names."""
        if self.names.isdisjoint(sizes):
            return self
        total: Extent = 0
        for monomial, coefficient in self.terms:
            term: Extent = coefficient
            for name in monomial:
                term = term * (sizes[name] if name in sizes else Dim.named(name))
            total = total + term
        return total

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
            factors = [str(size)] if size != 1 or not monomial else []
            factors += map(_shown, monomial)
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


# --- sizes that nodes define -----------------------------------------------------------------------------
_definers: WeakValueDictionary[str, Expr] = WeakValueDictionary()


def is_defined(name: str) -> bool:
    """Whether a size of that name is defined by a node."""
    return name.startswith(_DEFINED)


def definer(name: str) -> Expr:
    """The node that defines a size.

    Raises:
        EvaluationError: there is none any more.
    """
    node = _definers.get(name)
    if node is None:
        raise EvaluationError(
            worded(f"size `{name}`", expected="a node that defines it", got="none")
        )
    return node


def defined_name(node: Expr) -> str:
    """The name of the size that a node defines, whether or not it is in use."""
    return f"{_DEFINED}{node.serial}"


def any_defined() -> bool:
    """Whether any extent with a defined size is in use; if not, nothing has to be looked through."""
    return bool(IN_USE)


# The dictionary behind: asking that one takes a third of the time.
IN_USE: dict[object, object] = Dim._defined.data  # type: ignore[attr-defined]  # not in typeshed


def _shown(name: str) -> str:
    """A size for people: a symbol that defines it by its name, anything else as a question mark."""
    node = _definers.get(name) if is_defined(name) else None
    if node is None:
        return name
    known = getattr(node.attr, "name", "") if node.op.free else ""
    return known.strip("%0123456789") or "?" if known.startswith("%") else known or "?"


def definers(extents: Iterable[object]) -> tuple[Expr, ...]:
    """The nodes that define sizes in some extents (or in types), oldest first."""
    found: tuple[Expr, ...] = ()
    for extent in extents:
        needs: tuple[Expr, ...] = getattr(extent, "needs", ())
        if needs and needs != found:
            found = needs if not found else tuple({*found, *needs})
    return found if len(found) < 2 else tuple(sorted(found, key=lambda node: node.serial))


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


def length(extent: Extent, sizes: Mapping[str, int]) -> int:
    """The extent as a number of places: a difference of defined sizes is at least 0.

    Raises:
        EvaluationError: a size is missing, or a size that is a length by itself is negative.
    """
    if isinstance(extent, int):
        return extent
    number = extent.evaluate(sizes)
    if number < 0 and extent.needs:
        if len(extent.terms) == 1:
            raise EvaluationError(worded("length", expected="at least 0", got=str(number)))
        return 0
    return number


def resolve(shape: Iterable[Extent], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape in numbers."""
    return tuple(e if isinstance(e, int) else length(e, sizes) for e in shape)
