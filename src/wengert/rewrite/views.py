"""A product taken apart: powers of bases with their axes."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import NamedTuple, TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.einstein import EIN, Spec
from wengert.ops.leaves import ONE, ZERO, Number, number_of
from wengert.ops.powers import POW

__all__ = [
    "HALF",
    "NOWHERE",
    "Axes",
    "Exponent",
    "Factor",
    "View",
    "is_summed",
    "is_unit",
    "viewed",
]

Axes: TypeAlias = tuple[int, ...]
Exponent: TypeAlias = "Number | Expr"
Factor: TypeAlias = "tuple[Expr, Axes, Exponent]"

HALF = Fraction(1, 2)
NOWHERE: Mapping[int, Extent] = {}


class View(NamedTuple):
    """A product taken apart: powers of bases with their axes, the axes of the result, extents of axes.

    Axes of the result are 0, 1, ...; every other axis is summed over.
    """

    factors: tuple[Factor, ...]
    out: Axes
    extents: Mapping[int, Extent]


def is_unit(term: Expr) -> bool:
    """Whether a term of a sum is the number 1, or an array filled with it."""
    return term is ONE or (term.op is EIN and term.args == (ONE,))


@cache
def _axes(rank: int) -> Axes:
    return tuple(range(rank))


def viewed(node: Expr) -> View:
    """A node as a product of powers; a node that is none is its own only factor."""
    shape = node.value_type.shape
    if node is ONE:
        return View((), (), NOWHERE)
    if node.op is not EIN:
        out = _axes(len(shape))
        return View((_opened_power(node, out),), out, dict(zip(out, shape, strict=True)))
    spec: Spec = node.attr
    factors = tuple(
        [
            _opened_power(a, axes)
            for a, axes in zip(node.args, spec.factors, strict=True)
            if a is not ONE
        ]
    )
    extents: dict[int, Extent] = dict(spec.new)
    if spec.out or any(spec.factors):
        for a, axes in zip(node.args, spec.factors, strict=True):
            extents.update(zip(axes, a.value_type.shape, strict=True))
    return View(factors, spec.out, extents)


def _opened_power(node: Expr, axes: Axes) -> Factor:
    if node.op is POW:
        base, exponent = node.args
        number = number_of(exponent)
        if number is not None and base is not ZERO:
            return base, axes, number
        if not axes:
            return base, axes, exponent
    return node, axes, 1


@cache
def is_summed(spec: Spec) -> bool:
    """Whether a product sums over an axis."""
    return bool(spec.summed)
