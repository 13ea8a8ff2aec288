"""The raw derivative of one graph by one symbol: forward for a scalar symbol, else reverse."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, TypeAlias

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.facts import DIAGONAL, SYMMETRIC
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ops.algebra import zeros
from wengert.ops.einstein import Label, broadcast_to, ein, eye
from wengert.ops.leaves import ONE
from wengert.ops.sums import add, scale, subtract

__all__ = ["Symmetric", "derivative_by", "structured", "unit_seed"]

Symmetric: TypeAlias = Literal["projected", "constrained"]


def derivative_by(expr: Expr, by: Expr, symmetric: Symmetric = "projected") -> Expr:
    """The derivative, not simplified; its shape is that of ``expr`` followed by that of ``by``.

    Where ``by`` is assumed symmetric or diagonal only changes that keep it so have a meaning, and
    ``symmetric`` says how they are written (see ``formulas``).
    """
    if not by.shape:
        change = jvp([expr], {by: ONE})[0]
        return zeros(expr.shape) if change is None else broadcast_to(change, expr.shape)
    found = vjp([expr], [unit_seed(expr)], [by])[0]
    if found is None:
        return zeros(expr.shape + by.shape)
    return structured(found, by, symmetric)


def structured(derivative: Expr, by: Expr, symmetric: Symmetric = "projected") -> Expr:
    """The derivative by a matrix that is assumed symmetric or diagonal, in a convention."""
    if by.ndim != 2:
        return derivative
    lead = tuple(range(derivative.ndim - 2))
    if knows(by, DIAGONAL):
        diagonal = ein([(derivative, (*lead, "i", "i"))], (*lead, "i"))
        return ein([(diagonal, (*lead, "i")), (eye(by.shape[0]), "ij")], (*lead, "i", "j"))
    if not knows(by, SYMMETRIC):
        return derivative
    both = add(derivative, ein([(derivative, (*lead, "i", "j"))], (*lead, "j", "i")))
    if symmetric == "projected":
        return scale(Fraction(1, 2), both)
    diagonal = ein([(derivative, (*lead, "i", "i"))], (*lead, "i"))
    once = ein([(diagonal, (*lead, "i")), (eye(by.shape[0]), "ij")], (*lead, "i", "j"))
    return subtract(both, once)


def unit_seed(expr: Expr) -> Expr:
    """One cotangent per output element: the identity, with the output's axes in front."""
    rank = expr.ndim
    factors: list[tuple[Expr, tuple[Label, ...]]] = [
        (eye(extent), (("out", i), ("in", i))) for i, extent in enumerate(expr.shape)
    ]
    out: list[Label] = [("out", i) for i in range(rank)]
    return ein(factors, [*out, *(("in", i) for i in range(rank))])
