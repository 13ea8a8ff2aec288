"""The shortest of a node and what the undirected moves make of it.

Each candidate is written down and measured, and accepted only if its text is shorter, so nothing can go
round in circles. The number of candidates in one run is limited.
"""

from __future__ import annotations

from collections.abc import Iterator

from wengert.ir.node import Expr
from wengert.ops.einstein import EIN
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite.build import cost
from wengert.rewrite.combine import (
    cancelled,
    denominator_expanded,
    expanded,
    inner_together,
    together,
)
from wengert.rewrite.factor import MOST_TERMS, factored, monomials_out
from wengert.rewrite.session import Session

__all__ = ["improved"]

_LONGEST = 400  # tokens of a node that is still worth trying


def improved(s: Session, node: Expr) -> Expr:
    """The shortest of the node and what the moves make of it."""
    known: dict[Expr, Expr] = s.scratch.setdefault("improved", {})
    found = known.get(node)
    if found is not None:
        return found
    best = node
    if node in s.untouched:
        return node
    if node.op is LIN or node.op is EIN or node.op is POW:
        try:
            best = _shortest(s, node)
        except (ZeroDivisionError, OverflowError):  # numbers in it have no finite product
            best = node
    known[node] = best
    known.setdefault(best, best)
    return best


def _shortest(s: Session, node: Expr) -> Expr:
    if node.op is LIN and len(node.args) > MOST_TERMS:
        return node
    best, least = _tidied(s, node), -1
    for _ in range(4):
        before = best
        for candidate in _candidates(s, best):
            if candidate is best:
                continue
            s.moves -= 1
            if s.moves < 0:
                return best
            if least < 0:
                least = cost(s, best)
                if least > _LONGEST:
                    return best
            tokens = cost(s, candidate)
            if tokens < least:
                best, least = _tidied(s, candidate), tokens
                break
        if best is before or best.op not in (LIN, EIN, POW):
            return best
    return best


def _tidied(s: Session, node: Expr) -> Expr:
    """A product with what all terms of a factor share taken out of that factor."""
    return monomials_out(s, node) if s.level > 1 and node.op in (EIN, POW) else node


def _candidates(s: Session, node: Expr) -> Iterator[Expr]:
    if node.op is LIN and len(node.args) > 1:
        common = factored(s, node)
        yield common
        if s.level < 2 or s.strict:
            return
        joined = together(s, node)
        if joined is not None:
            yield joined
        wide = expanded(s, node)
        if wide is not node:
            yield wide
            if wide.op is LIN:
                yield factored(s, wide)
                rejoined = together(s, wide)
                if rejoined is not None:
                    yield rejoined
        return
    if s.level < 2 or s.strict:
        return
    quotient = cancelled(s, node)
    if quotient is not None:
        yield quotient
    below = denominator_expanded(s, node)
    if below is not None:
        yield below
    flattened = inner_together(s, node)
    if flattened is not None:
        yield flattened
    wide = expanded(s, node)
    if wide is not node:
        yield wide
        if wide.op is LIN:
            yield factored(s, wide)
            rejoined = together(s, wide)
            if rejoined is not None:
                yield rejoined
