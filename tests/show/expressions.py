"""Random graphs of scalars, vectors and matrices, made by operators as users make them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import hypothesis.strategies as st

import wengert as wg
from wengert.errors import WengertError
from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ops.algebra import diag, outer, trace, zeros
from wengert.ops.einstein import ein, eye, ones, sum_axes
from wengert.ops.leaves import const

__all__ = ["expressions"]

N = Dim.named("n")
SYMBOLS = [
    *(wg.symbol(name) for name in ("x", "y", "t1")),
    *(wg.symbol(name, "n") for name in ("v", "w")),
    *(wg.symbol(name, ("n", "n")) for name in ("A", "B")),
    wg.symbol("S", ("n", "n"), assume="symmetric"),
    wg.symbol("M", ("m", "n")),
]
NUMBERS: list[Any] = [
    0, 1, 2, 3, -1, -3, 6, 0.5, -0.1, 1.7, 2.5, 1e-300, 1e22, -0.0, float("inf"), float("nan"),
    Fraction(1, 3), Fraction(-2, 7), Fraction(5, 3),
]  # fmt: skip
ARRAYS = [ones((N,)), ones((N, N)), zeros((N,)), zeros((N, N)), eye(N)]


def _steps(a: Expr, b: Expr, number: Any) -> dict[str, Any]:
    """What may be made of two expressions and a number; many do not fit, and are skipped."""
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "/": lambda: a / b,
        "**": lambda: a ** const(number),
        "b**a": lambda: b**a,
        "@": lambda: a @ b,
        "n+": lambda: number + a,
        "n-": lambda: number - a,
        "n*": lambda: number * a,
        "/n": lambda: a / number,
        "n/": lambda: number / a,
        "neg": lambda: -a,
        "T": lambda: a.T,
        "sin": lambda: wg.sin(a),
        "sqrt": lambda: wg.sqrt(a),
        "abs": lambda: abs(a),
        "max": lambda: wg.maximum(a, b),
        "where": lambda: wg.where(a > b, a, number),
        "logic": lambda: wg.where((a <= 0) & ~(b < a) | wg.eq(a, b), a, b),
        "sum": lambda: sum_axes(a),
        "sum0": lambda: sum_axes(a, [0]),
        "sum1": lambda: sum_axes(a, [1]),
        "trace": lambda: trace(a),
        "diag": lambda: diag(a),
        "outer": lambda: outer(a, b) if a.ndim == b.ndim == 1 else None,
        "col": lambda: a[:, None] * b if a.ndim == 1 and b.ndim == 2 else None,
        "col+": lambda: a[:, None] + b if a.ndim == 1 and b.ndim == 2 else None,
        "ij,ij": lambda: ein([(a, "ij"), (b, "ij")], "ij"[: a.ndim - 1]),
        "ij,ji": lambda: ein([(a, "ij"), (b, "ji")], "i"),
        "ij,i": lambda: ein([(a, "ij"), (b, "i")], "j"),
        "three": lambda: ein([(a, "ij"), (b, "jk"), (a, "kl")], "il"),
    }


@st.composite
def expressions(draw: st.DrawFn, most: int = 12, *, scalars: bool = False) -> Expr:
    """A random expression; parts are shared often. ``scalars``: of numbers only."""
    leaves = SYMBOLS[:3] if scalars else [*SYMBOLS, *ARRAYS]
    pool = [*leaves, const(draw(st.sampled_from(NUMBERS)))]
    made: list[Expr] = [draw(st.sampled_from(pool))]
    for _ in range(draw(st.integers(1, most))):
        a = draw(st.sampled_from(made[-3:]))
        b = draw(st.sampled_from([*made, *pool]))
        if draw(st.booleans()):
            a, b = b, a
        number = draw(st.sampled_from(NUMBERS))
        steps = _steps(a, b, number)
        try:
            result = steps[draw(st.sampled_from(sorted(steps)))]()
        except (WengertError, ArithmeticError, IndexError, ValueError):
            continue
        if result is not None and result.ndim <= 3:
            made.append(result)
    return made[-1]
