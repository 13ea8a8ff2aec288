"""The axes of an Einstein product, and what follows from them: type, value, facts, cost.

The constructor and the record are in ``einstein``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar
from weakref import WeakValueDictionary

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, definers, extent_text, length, size_of
from wengert.ir.dump import codec
from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
    INTEGER,
    NONNEGATIVE,
    NONPOSITIVE,
    NONZERO,
    ORTHOGONAL,
    PD,
    PSD,
    SYMMETRIC,
)
from wengert.ir.node import Expr
from wengert.ir.types import Type, promote

__all__ = ["Spec", "product_count", "product_facts", "product_type", "product_value", "resolved"]


class Spec:
    """The axes of each factor and of the output, as small ints; ``new`` gives extents of axes in no factor.

    Output axes are numbered first, in order, then the others by first appearance. Interned.
    """

    __slots__ = ("__weakref__", "factors", "new", "out")
    factors: tuple[tuple[int, ...], ...]
    out: tuple[int, ...]
    new: tuple[tuple[int, Extent], ...]
    _table: ClassVar[dict[tuple[object, ...], Spec]] = {}
    _defined: ClassVar[WeakValueDictionary[tuple[object, ...], Spec]] = WeakValueDictionary()

    def __new__(
        cls,
        factors: tuple[tuple[int, ...], ...],
        out: tuple[int, ...],
        new: tuple[tuple[int, Extent], ...] = (),
    ) -> Spec:
        key = (factors, out, new)
        known = cls._table.get(key)
        if known is not None:
            return known
        self = object.__new__(cls)
        self.factors, self.out, self.new = factors, out, new
        defined = new and definers(e for _, e in new)
        return (cls._defined if defined else cls._table).setdefault(key, self)

    @property
    def summed(self) -> frozenset[int]:
        """The axes that are summed over."""
        return frozenset(a for f in self.factors for a in f) - frozenset(self.out)

    @property
    def elementwise(self) -> bool:
        """Whether every factor has exactly the axes of the output, in order, or none at all."""
        return not self.new and all(f in (self.out, ()) for f in self.factors)

    def __str__(self) -> str:
        letters = "ijklmnpqrstuvwabcdefghxyz"
        name = [letters[i] if i < len(letters) else f"({i})" for i in range(64)]
        left = ",".join("".join(name[a] for a in f) for f in self.factors)
        return f"{left}->{''.join(name[a] for a in self.out)}"

    def __repr__(self) -> str:
        extra = f" with {dict(self.new)}" if self.new else ""
        return f"<{self}{extra}>"


codec(Spec, lambda spec: (spec.factors, spec.out, spec.new), lambda parts: Spec(*parts))


def product_type(*types: Type, attr: Spec) -> Type:
    extents: dict[int, Extent] = dict(attr.new)
    for type_, axes in zip(types, attr.factors, strict=True):
        for axis, extent in zip(axes, type_.shape, strict=True):
            if extents.setdefault(axis, extent) != extent:
                raise ShapeError(_clash(types, axis, extents[axis], extent, attr))
    return promote(*types).with_shape(tuple(extents[a] for a in attr.out))


def _clash(types: Sequence[Type], axis: int, first: Extent, second: Extent, attr: Spec) -> str:
    return worded(
        "product",
        expected="equal extents along a shared axis",
        got=f"{first} and {second} in {' and '.join(extent_text(t.shape) for t in types)} ({attr})",
        hint="transpose or reshape one of them",
    )


def product_value(*values: Any, attr: Spec) -> Any:
    if not attr.out and all(not f for f in attr.factors):
        result = values[0]
        for value in values[1:]:
            result = result * value
        return result
    factors = [_narrowed(v, f, attr) for v, f in zip(values, attr.factors, strict=True)]
    if all(len(set(axes)) == len(axes) and set(axes) <= set(attr.out) for _, axes in factors):
        return _unsummed(factors, attr)
    arrays: list[Any] = []
    present: set[int] = set()
    for value, axes in factors:
        arrays += [value, list(axes)]
        present |= set(axes)
    covered = [a for a in attr.out if a in present]
    if len(values) <= 2:
        result = np.einsum(*arrays, covered)
    else:
        result = _contract(arrays, covered)
    if len(covered) != len(attr.out):
        extents = dict(attr.new)
        shape = [extents.get(a, 1) for a in attr.out]
        for axis, extent in zip(covered, np.shape(result), strict=True):
            shape[attr.out.index(axis)] = extent
        kept = [extent if a in present else 1 for a, extent in zip(attr.out, shape, strict=True)]
        result = np.broadcast_to(np.reshape(result, kept), tuple(shape))  # type: ignore[arg-type]
    return result


def _narrowed(value: Any, axes: tuple[int, ...], attr: Spec) -> tuple[Any, tuple[int, ...]]:
    """A factor without the axes that sum over a single place: added to 0, -0.0 would lose its sign."""
    shape = np.shape(value)
    gone = [i for i, a in enumerate(axes) if shape[i] == 1 and a not in attr.out]
    if not gone:
        return value, axes
    kept = tuple(a for i, a in enumerate(axes) if i not in gone)
    return np.squeeze(value, tuple(gone)), kept


def _unsummed(factors: Sequence[tuple[Any, tuple[int, ...]]], attr: Spec) -> Any:
    """The product where nothing is summed, by broadcasting: an einsum adds it to 0."""
    extents = dict(attr.new)
    result: Any = None
    for value, axes in factors:
        turned = np.transpose(value, np.argsort(axes) if axes else None)
        extents.update(zip(sorted(axes), turned.shape, strict=True))
        aligned = np.reshape(turned, [extents[a] if a in axes else 1 for a in attr.out])  # type: ignore[misc]
        result = aligned if result is None else result * aligned
    shape = tuple(extents[a] for a in attr.out)
    return result if result.shape == shape else np.broadcast_to(result, shape)  # type: ignore[arg-type]


def _contract(arrays: list[Any], out: list[int]) -> Any:
    opt_einsum = import_module("opt_einsum")  # loads slowly, and only large products want it
    return opt_einsum.contract(*arrays, out, optimize="greedy")


def resolved(attr: Spec, sizes: Mapping[str, int]) -> Spec:
    if all(isinstance(e, int) for _, e in attr.new):
        return attr
    new = tuple((a, length(e, sizes)) for a, e in attr.new)
    return Spec(attr.factors, attr.out, new)


_KEPT_BY_PRODUCTS = NONNEGATIVE | NONZERO | FINITE | INTEGER


def product_facts(*facts: int, attr: Spec) -> int:
    if attr.elementwise or not attr.summed:
        bits = facts[0]
        for other in facts[1:]:
            kept = bits & other & _KEPT_BY_PRODUCTS
            if bits & NONPOSITIVE and other & NONPOSITIVE:
                kept |= NONNEGATIVE
            elif (bits & NONNEGATIVE and other & NONPOSITIVE) or (
                bits & NONPOSITIVE and other & NONNEGATIVE
            ):
                kept |= NONPOSITIVE
            bits = kept
    else:
        bits = INTEGER | FINITE | NONNEGATIVE
        for other in facts:
            bits &= other
        # A sum of positive terms is positive: extents are at least one.
        if bits & NONNEGATIVE and all(f & NONZERO for f in facts):
            bits |= NONZERO
    if len(facts) == 1 and sorted(attr.factors[0]) == [0, 1] and len(attr.out) == 2:
        bits |= facts[0] & (SYMMETRIC | PSD | PD | ORTHOGONAL | DIAGONAL)
    elif len(attr.out) == 2:
        bits &= ~(SYMMETRIC | PSD | PD | ORTHOGONAL | DIAGONAL)
    return bits


def product_count(node: Expr) -> Extent:
    """Multiplications and additions of the product taken factor by factor; moving data is free."""
    spec = node.attr
    extents: dict[int, Extent] = {}
    for factor, axes in zip(node.args, spec.factors, strict=True):
        extents.update(zip(axes, factor.shape, strict=True))
    if len(node.args) == 1:
        return size_of(extents.values()) if spec.summed else 0
    points = size_of(extents.values())
    return points * (len(node.args) - 1 + (1 if spec.summed else 0))
