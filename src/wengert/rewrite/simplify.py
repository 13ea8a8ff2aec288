"""Simplification for reading, recognition of known functions, and stabilisation for execution."""

from __future__ import annotations

from typing import Literal, TypeAlias

from wengert.ir.node import Expr

__all__ = ["recognise", "simplify", "stabilise"]

Target: TypeAlias = Literal["formula", "stable"]


def simplify(
    expr: Expr,
    *,
    level: int = 2,
    strict: bool = False,
    target: Target = "formula",
    keep_conditions: bool = True,
) -> Expr:
    """The same value in fewer words."""
    return expr


def recognise(expr: Expr) -> Expr:
    """The expression with known functions in place of their spelt-out forms."""
    return expr


def stabilise(expr: Expr) -> Expr:
    """The expression in a form that neither overflows nor cancels."""
    return expr
