"""How long the text of an expression is, in tokens: names, numbers and signs; brackets are free.

A model of what ``show`` writes, computed on the graph: shared nodes are read once and counted each time
they are written. Counts stop at a large number, so deep shared graphs cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr
from wengert.ops.arithmetic import DIV
from wengert.ops.einstein import EIN, EYE, is_ones
from wengert.ops.leaves import CONSTANT, Number
from wengert.ops.powers import POW
from wengert.ops.sums import LIN

__all__ = ["MANY", "number_tokens", "token_cost"]

MANY = 1 << 40


def token_cost(expr: Expr, known: dict[Expr, int] | None = None) -> int:
    """The number of tokens of the expression's text.

    >>> from wengert.ops.leaves import symbol
    >>> token_cost(2 * symbol("x") + 1)
    5
    """
    known = {} if known is None else known
    found = known.get(expr)
    if found is not None:
        return found
    stack = [expr]
    while stack:
        top = stack[-1]
        if top in known:
            stack.pop()
            continue
        missing = [a for a in top.args if a not in known]
        if missing:
            stack += missing
            continue
        count = _COUNTS.get(top.op, _call)
        known[top] = min(count(top, [known[a] for a in top.args]), MANY)
        stack.pop()
    return known[expr]


def number_tokens(value: Number) -> int:
    """Tokens of a number: ``-2/3`` has four."""
    if isinstance(value, Fraction) and value.denominator != 1:
        return 3 + (value < 0)
    return 1 + (value < 0)


def _call(node: Expr, inner: list[int]) -> int:
    if not node.args:
        return 2 if node.op is EYE else 1
    notation = node.op.spell.notation
    if notation in ("compare", "logic", "quotient_down"):
        return sum(inner) + 1
    if notation == "hidden":
        return inner[0]
    options = 0
    if node.attr is not None and node.op.spell.options is not None:
        for value in node.op.spell.options(node).values():
            options += 2 + (len(value) if isinstance(value, tuple) else 1)
    return sum(inner) + len(inner) + options


def _constant(node: Expr, _: list[int]) -> int:
    value = node.attr
    if isinstance(value, (int, float, Fraction)):
        return number_tokens(value)
    size: Any = getattr(value, "size", 2)
    return max(1, 2 * int(size))


def _sum(node: Expr, inner: list[int]) -> int:
    total = 0
    for position, (c, term, tokens) in enumerate(zip(node.attr, node.args, inner, strict=True)):
        total += 1 if position or c < 0 else 0
        size = abs(c)
        if c == 0:
            return 1 + max(1, 2 * len(node.shape) - 1) if node.shape else 1
        if is_ones(term):
            total += number_tokens(size)
            continue
        total += tokens
        if isinstance(size, Fraction) and size.denominator != 1:
            total += 2 if size.numerator == 1 else 4
        elif size != 1:
            total += 2
    # A sum that begins with a minus is written the other way round where it can be.
    if len(node.attr) > 1 and node.attr[0] < 0 and any(c > 0 for c in node.attr):
        total -= 1
    return total


def _power(node: Expr, inner: list[int]) -> int:
    return inner[0] + 1 + inner[1]


def _quotient(node: Expr, inner: list[int]) -> int:
    return inner[0] + 1 + inner[1]


def _turned(node: Expr, tokens: int) -> int:
    """A factor transposed: ``A.T`` is one token, ``(A + B).T`` has one more than ``A + B``."""
    return tokens if not node.args or is_symmetric(node) else tokens + 1


def _product(node: Expr, inner: list[int]) -> int:
    spec = node.attr
    args, axes, out = node.args, spec.factors, spec.out
    if len(args) == 1:
        return _single(node, inner[0])
    if len(args) > 2:
        return sum(inner) + len(inner) + 2 * len(inner) + 4
    if spec.elementwise:
        return sum(inner) + 1
    return _double(node, inner, axes, out)


def _single(node: Expr, tokens: int) -> int:
    spec = node.attr
    axes, out = spec.factors[0], spec.out
    if spec.new:
        return tokens if not axes or axes == out[len(out) - len(axes) :] else tokens + 4
    if len(set(axes)) < len(axes):
        return tokens + 1  # trace, diag
    if len(axes) == len(out):
        return _turned(node.args[0], tokens) if len(axes) == 2 else tokens + 5
    return tokens + 1 + (0 if not out else 3)


def _double(
    node: Expr, inner: list[int], axes: tuple[tuple[int, ...], ...], out: tuple[int, ...]
) -> int:
    (x, y), (a, b) = node.args, axes
    plain = sum(inner)
    summed = (set(a) | set(b)) - set(out)
    if not summed:
        if x.op is EYE or y.op is EYE:
            vector = [n for n, f in zip(inner, axes, strict=True) if len(f) == 1]
            return vector[0] + 1 if vector and len(out) == 2 else plain + 1
        if not a or not b:
            matrix, axes_ = (y, b) if not a else (x, a)
            return plain + 1 + (_turned(matrix, 0) if len(axes_) == 2 and axes_ != out else 0)
        if len(a) == len(b) == len(out):
            turned = (_turned(n, 0) for n, f in ((x, a), (y, b)) if f != out)
            return plain + 1 + sum(turned)
        if len(a) + len(b) == len(out):
            return plain + 2 if len(out) == 2 else plain + 9
        if len(out) == 2:
            vector_axes = a if len(a) == 1 else b
            return plain + 1 if vector_axes[0] == out[1] else plain + 3
        return plain + 9
    k = next(iter(summed))
    if len(a) <= 2 and len(b) <= 2 and len(summed) == 1 and a.count(k) == 1 == b.count(k):
        return plain + 1 + _matmul_turns(node, axes, out, k)
    if not out and (set(a) <= set(b) or set(b) <= set(a)):
        return plain + 2
    return plain + 9


def _matmul_turns(
    node: Expr, axes: tuple[tuple[int, ...], ...], out: tuple[int, ...], k: int
) -> int:
    """Transposes that a matrix product needs, in the better of its two orders."""
    (x, y), (a, b) = node.args, axes
    if len(a) == 1 or len(b) == 1:
        # From the left or from the right, whichever fits; functions rather from the left.
        matrix, its = (x, a) if len(a) == 2 else (y, b)
        called = len(its) == 2 and matrix.op.spell.notation == "call"
        return _turned(matrix, 0) if called and its[0] == k else 0
    left_first = out and a[0 if a[1] == k else 1] == out[0]
    first, f, second, g = (x, a, y, b) if left_first else (y, b, x, a)
    turns = (_turned(first, 0) if f[1] != k else 0) + (_turned(second, 0) if g[0] != k else 0)
    return min(turns, 1)  # (A @ B).T has one


_COUNTS: dict[Any, Callable[[Expr, list[int]], int]] = {
    CONSTANT: _constant,
    LIN: _sum,
    EIN: _product,
    POW: _power,
    DIV: _quotient,
}
