"""Extents as integer expressions, and integer expressions as extents.

``as_dim(k + 1)`` is the extent ``k + 1`` that ``A[k, k+1:]`` needs, for a loop counter or any other integer
that only running tells. What mentions it depends on ``k`` as if ``k`` were an argument.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import OPERATORS, Expr
from wengert.ops.einstein import EIN
from wengert.ops.leaves import CONSTANT, SIZE
from wengert.ops.numbers import PYTHON_NUMBER
from wengert.ops.sums import LIN

__all__ = ["as_dim", "polynomial_of"]


def as_dim(node: Expr) -> Extent:
    """The extent that an integer scalar stands for: a polynomial of sizes, or a size defined by it.

    ``ops.leaves.size`` is the way back.

    Raises:
        TypeMismatchError: not an integer scalar.

    >>> from wengert.ops.leaves import size, symbol
    >>> n, k = symbol("v", "n").shape[0], symbol("k", dtype="int64")
    >>> as_dim(2 * size(n) + 1)
    Dim(2*n + 1)
    >>> as_dim(k + 1) - as_dim(k)
    1
    """
    if node.shape or node.value_type.dtype not in ("int32", "int64"):
        raise TypeMismatchError(
            worded("extent", expected="one integer", got=str(node.type), hint="cast it to int64")
        )
    found = polynomial_of(node, lambda atom: Dim.of(atom))
    assert found is not None
    return found


def polynomial_of(node: Expr, atom: Callable[[Expr], Extent | None]) -> Extent | None:
    """An integer scalar as a polynomial in sizes and in what ``atom`` makes of other nodes, if it is one.

    The recursion is over sums and products, each node once.
    """
    known: dict[Expr, Extent | None] = {}
    stack = [node]
    while stack:
        top = stack[-1]
        if top in known:
            stack.pop()
            continue
        below = top.args if _is_arithmetic(top) else ()
        waiting = [a for a in below if a not in known]
        if waiting:
            stack += waiting
            continue
        known[top] = _combined(top, known) if below else _single(top, atom)
    return known[node]


def _is_arithmetic(node: Expr) -> bool:
    if node.op is PYTHON_NUMBER:  # the same integer, as Python's
        return node.args[0].value_type.dtype in ("int32", "int64") and not node.shape
    if node.op is LIN:
        return all(type(c) is int for c in node.attr) and not node.shape
    return node.op is EIN and not node.shape and all(not a.shape for a in node.args)


def _combined(node: Expr, known: dict[Expr, Extent | None]) -> Extent | None:
    terms = [known[a] for a in node.args]
    if node.op is PYTHON_NUMBER:
        return terms[0]
    if any(t is None for t in terms):
        return None
    total: Extent = 0 if node.op is LIN else 1
    for position, term in enumerate(terms):
        assert term is not None
        total = total + node.attr[position] * term if node.op is LIN else total * term
    return total


def _single(node: Expr, atom: Callable[[Expr], Extent | None]) -> Extent | None:
    if node.op is CONSTANT and isinstance(node.attr, (int, np.integer)):
        return int(node.attr)
    if node.op is SIZE:
        extent: Extent = node.attr
        return extent
    return atom(node)


OPERATORS.extent = as_dim
