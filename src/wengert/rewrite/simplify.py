"""Simplification for reading, recognition of known functions, and stabilisation for execution."""

from __future__ import annotations

from typing import Literal, TypeAlias

from wengert.ir.node import Expr, paused_gc
from wengert.ir.walk import order
from wengert.ops.given import given
from wengert.rewrite import choices, logistic, matrix, real, stability, trigonometry
from wengert.rewrite.build import built
from wengert.rewrite.conditions import dropped
from wengert.rewrite.engine import matched, normal_form, prepare, walked
from wengert.rewrite.improve import improved
from wengert.rewrite.session import Session

__all__ = ["recognise", "simplify", "stabilise"]

Target: TypeAlias = Literal["formula", "stable"]
TABLES = (real, trigonometry, logistic, choices, matrix, stability)
_MOST_PASSES = 5


def simplify(
    expr: Expr,
    *,
    level: int = 2,
    strict: bool = False,
    target: Target = "formula",
    keep_conditions: bool = True,
) -> Expr:
    """The same value in fewer words."""
    if not expr.args:
        return expr
    with paused_gc():
        s = prepare(Session(level=level, strict=strict))
        result = built(s, _shortened(s, walked(s, expr)))
        return given(result, *dropped(expr, result)) if keep_conditions else result


def _shortened(s: Session, node: Expr) -> Expr:
    for _ in range(_MOST_PASSES):
        shorter = _improved_everywhere(s, node)
        if shorter is node:
            return node
        node = shorter
    return node


def _improved_everywhere(s: Session, root: Expr) -> Expr:
    done: dict[Expr, Expr] = {}
    for node in order([root]):
        args = tuple([done[a] for a in node.args]) if node.args else ()
        changed = node if args == node.args else normal_form(s, node, args)
        done[node] = improved(s, changed)
    return done[root]


def recognise(expr: Expr) -> Expr:
    """The expression with known functions in place of their spelt-out forms."""
    return simplify(expr, level=1, keep_conditions=False)


def stabilise(expr: Expr) -> Expr:
    """The expression in a form that neither overflows nor cancels."""
    if not expr.args:
        return expr
    with paused_gc():
        return matched(prepare(Session(level=1, stable=True)), Session(level=0, stable=True), expr)
