"""How sums with coefficients are written: ``2*x/3 - y + 1``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypeAlias

from wengert.ir.node import Expr
from wengert.ir.types import is_inexact
from wengert.ops.einstein import is_ones
from wengert.ops.leaves import CONSTANT, Number, is_negative
from wengert.show.forms import Form, Part, gives
from wengert.show.order import Look, sum_key

__all__ = ["reading_terms", "sum_form"]

Term: TypeAlias = tuple[Number, Expr]


def sum_form(node: Expr, looks: dict[Expr, Look]) -> Form:
    """The form of a sum: one term scaled, or terms in reading order."""
    terms = reading_terms(node, looks)
    if len(terms) == 1:
        return _signed(*terms[0])
    if not node.shape:
        return _chain([_operand(c, t) for c, t in terms], terms)
    return _broadcasting(node, terms)


def reading_terms(node: Expr, looks: dict[Expr, Look]) -> list[Term]:
    """Coefficients and terms in reading order."""
    terms: list[Term] = list(zip(node.attr, node.args, strict=True))
    if (
        len(set(node.args)) == len(terms) > 1
    ):  # c*x + d*x keeps its order, which is part of the node
        terms.sort(key=lambda t: sum_key(t[0], looks[t[1]], is_ones(t[1])))
    return terms


def _signed(coefficient: Number, term: Expr) -> Form:
    if coefficient == -1 and _leads_with_literal(term):
        return Form("mul", (Form("number", (), -1), term))  # -1*inf, since -inf is a number
    if is_negative(coefficient):
        return Form("neg", (_scaled(-coefficient, term),))
    scaled = _scaled(coefficient, term)
    return scaled if isinstance(scaled, Form) else Form("mul", (Form("number", (), 1), term))


def _scaled(size: Number, term: Expr) -> Part:
    """``size*term`` for a positive number; fractions are written as they are executed."""
    if size == 1:
        return term
    if size == 0 and is_ones(term) and term.shape:
        return Form("zeros", (), term.shape)
    if isinstance(size, Fraction) and size.denominator != 1 and _divides(term):
        below = Form("number", (), size.denominator)
        if size.numerator == 1:
            return Form("div", (term, below), 0)
        if not _is_scaling(term):
            return Form("div", (Form("mul", (Form("number", (), size.numerator), term)), below), 0)
    return Form("mul", (Form("number", (), size), term))


def _size(coefficient: Number) -> Number:
    return -coefficient if is_negative(coefficient) else coefficient


def _divides(term: Expr) -> bool:
    """Whether ``term/3`` scales: integers divide otherwise, and numbers are folded."""
    return is_inexact(term.value_type) and not _is_literal(term)


def _is_literal(term: Expr) -> bool:
    return term.op.spell.notation == "literal"


def _leads_with_literal(term: Expr) -> bool:
    """Whether a minus sign before the term would be read as the sign of a number in it: of ``inf``."""
    if _is_literal(term):
        return True
    while term.op.spell.notation in ("quotient", "product"):
        term = term.args[0]
    return term.op is CONSTANT and isinstance(term.attr, float) and not math.isfinite(term.attr)


def _is_scaling(term: Expr) -> bool:
    return term.op.spell.notation == "sum" and len(term.args) == 1


def _operand(coefficient: Number, term: Expr) -> Part:
    size = _size(coefficient)
    if is_ones(term) and not term.shape:
        return Form("number", (), size)
    return _scaled(size, term)


def _chain(operands: Sequence[Part], terms: Sequence[Term]) -> Form:
    """The operands added and subtracted from left to right."""
    total = operands[0]
    coefficient, term = terms[0]
    if coefficient == -1 and _leads_with_literal(term) and total is term:
        total = _signed(coefficient, term)
    elif is_negative(coefficient):
        total = Form("neg", (total,))
    for operand, (c, _) in zip(operands[1:], terms[1:], strict=True):
        total = Form("sub" if is_negative(c) else "add", (total, operand))
    assert isinstance(total, Form)
    return total


def _broadcasting(node: Expr, terms: Sequence[Term]) -> Form:
    """As many broadcasts as possible are left to the operators; checked, since they need a full neighbour."""
    plain: list[Part] = [_operand(c, t) for c, t in terms]
    bare = [_bare(c, t) for c, t in terms]
    if any(b is not None for b in bare):
        attempts: list[list[Part]] = [
            [p if b is None else b for b, p in zip(bare, plain, strict=True)]
        ]
        attempts += [
            [
                p if b is None or i == kept else b
                for i, (b, p) in enumerate(zip(bare, plain, strict=True))
            ]
            for kept in range(len(terms))
        ]
        for operands in attempts:
            form = _chain(operands, terms)
            if gives(form, node):
                return form
    return _chain(plain, terms)


def _bare(coefficient: Number, term: Expr) -> Part | None:
    if term.op.spell.notation != "product" or len(term.args) != 1 or not term.attr.new:
        return None
    if is_ones(term):
        return Form("number", (), _size(coefficient))
    if coefficient in (1, -1) and term.ndim == 2 and term.attr.factors[0] == (0,):
        return Form("column", term.args, term.shape[1])
    return _scaled(_size(coefficient), term.args[0])
