"""Exact division of polynomials in several unknowns; an unknown is whatever is raised to powers."""

from __future__ import annotations

from typing import TypeAlias

from wengert.ir.node import Expr
from wengert.ops.leaves import Number
from wengert.rewrite import numbers
from wengert.rewrite.session import Session

__all__ = ["divided"]

_MOST_TERMS = 40
Monomial: TypeAlias = tuple[int, ...]
Polynomial: TypeAlias = dict[Monomial, Number]


def divided(s: Session, above: Expr, below: Expr) -> Expr | None:
    """``above/below`` if that is a polynomial, else ``None``."""
    unknowns: dict[Expr, int] = {}
    p, q = _read(s, above, unknowns), _read(s, below, unknowns)
    if p is None or q is None or len(q) > len(p) * 4:
        return None
    size = len(unknowns)
    p, q = ({m + (0,) * (size - len(m)): c for m, c in f.items()} for f in (p, q))
    quotient = _divided(p, q)
    return None if quotient is None else _written(s, quotient, list(unknowns), above)


def _read(s: Session, node: Expr, unknowns: dict[Expr, int]) -> Polynomial | None:
    found: Polynomial = {}
    for c, term in s.terms(node):
        powers: dict[int, int] = {}
        view = s.view(term)
        for base, axes, e in view.factors:
            if e.__class__ is not int or e < 0 or axes != view.out:
                return None
            powers[unknowns.setdefault(base, len(unknowns))] = e
        if isinstance(c, float) or len(unknowns) > 6:
            return None
        monomial = tuple([powers.get(i, 0) for i in range(len(unknowns))])
        found[monomial] = c
    # Monomials read early are shorter than later ones.
    size = len(unknowns)
    return {m + (0,) * (size - len(m)): c for m, c in found.items()}


def _divided(p: Polynomial, q: Polynomial) -> Polynomial | None:
    lead = max(q)
    inverse = numbers.power(q[lead], -1)
    assert inverse is not None
    quotient: Polynomial = {}
    rest = dict(p)
    while rest:
        top = max(rest)
        step = tuple([a - b for a, b in zip(top, lead, strict=True)])
        if min(step) < 0 or len(quotient) > _MOST_TERMS:
            return None
        c = numbers.times(rest[top], inverse)
        quotient[step] = c
        for m, d in q.items():
            place = tuple([a + b for a, b in zip(m, step, strict=True)])
            total = numbers.plus(rest.get(place, 0), numbers.times(-c, d))
            if total == 0:
                rest.pop(place, None)
            else:
                rest[place] = total
    return quotient


def _written(s: Session, p: Polynomial, unknowns: list[Expr], like: Expr) -> Expr:
    terms: list[tuple[Number, Expr]] = []
    for monomial, c in p.items():
        powers = [s.raise_to(b, e) for b, e in zip(unknowns, monomial, strict=True) if e]
        terms.append((c, s.times(s.one(like), *powers) if powers else s.one(like)))
    return s.sum(terms, like)
