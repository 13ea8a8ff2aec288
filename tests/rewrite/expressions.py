"""Random formulas in the vocabulary of the rules, and values to compare them at."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from wengert.frontend.names import load_ops
from wengert.ir.node import Expr
from wengert.ir.op import lookup
from wengert.ir.walk import leaves
from wengert.ops.algebra import minus, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import where
from wengert.ops.leaves import const, symbol
from wengert.ops.powers import power
from wengert.rewrite.session import Session
from wengert.run.reference import evaluate_nodes

__all__ = ["Recipe", "agree", "formula", "recipes", "same", "value_at"]

load_ops()

X, Y, P = symbol("x"), symbol("y"), symbol("p", assume="positive")
FUNCTIONS = (
    "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "abs", "sign", "sigmoid", "softplus",
    "atan", "asin", "log1p", "expm1", "erf", "heaviside", "log_sigmoid",
)  # fmt: skip
EXPONENTS = (2, -1, 3, Fraction(1, 2), -2, Fraction(3, 2), Fraction(-1, 2), 4)

Recipe = tuple[tuple[int, int, int], ...]


def recipes(most: int = 9) -> st.SearchStrategy[Recipe]:
    """Instructions on a growing pool of scalars."""
    step = st.tuples(st.integers(0, 9), st.integers(0, 40), st.integers(0, 40))
    return st.lists(step, min_size=1, max_size=most).map(tuple)


def formula(recipe: Recipe, *, reverse: bool = False) -> Expr:
    """The scalar that a recipe makes; ``reverse`` writes commutative operands the other way round."""
    pool: list[Expr] = [X, Y, P, const(2), const(1)]
    if reverse:  # make some nodes early, so that ages differ
        for node in list(pool[:3]):
            times(node, node)
    for kind, i, j in recipe:
        a, b = pool[-1 - i % len(pool)], pool[-1 - j % len(pool)]
        if reverse and kind in (0, 2):
            a, b = b, a
        pool.append(_step(kind, a, b, j))
    return pool[-1]


def _step(kind: int, a: Expr, b: Expr, j: int) -> Expr:
    match kind:
        case 0:
            return plus(a, b)
        case 1:
            return minus(a, b)
        case 2 | 3:
            return times(a, b)
        case 4:
            return divide(a, b) if b is not const(0) else a
        case 5:
            return power(a, EXPONENTS[j % len(EXPONENTS)])
        case 6:
            return where(a < b, a, times(b, const(j % 3)))
        case _:
            op = lookup(FUNCTIONS[j % len(FUNCTIONS)])
            return Session().apply(op, a) if op.build is not None else _called(op, a)


def _called(op: Any, a: Expr) -> Expr:  # Any: an Op
    from wengert.ir.node import make

    return make(op, (a,))


def value_at(expr: Expr, values: dict[str, Any]) -> Any:
    """The value of an expression, given at least the values of its symbols."""
    names = {leaf.attr.name for leaf in leaves([expr]) if leaf.op.free}
    with np.errstate(all="ignore"):
        return evaluate_nodes([expr], {k: v for k, v in values.items() if k in names or k == "n"})[
            0
        ]


def same(a: Any, b: Any, tolerance: float = 1e-6) -> bool:
    """Whether two values agree, relative to their size."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=tolerance, atol=tolerance))


def agree(original: Expr, result: Expr, values: dict[str, Any], tolerance: float = 1e-6) -> bool:
    """Whether the result has the value of the original, or that is not finite (or too large to trust)."""
    want = np.asarray(value_at(original, values), float)
    if not np.all(np.isfinite(want)) or np.any(np.abs(want) > 1e9):
        return True
    return same(want, value_at(result, values), tolerance)
