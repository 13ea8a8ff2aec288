"""Identities of circular and hyperbolic functions.

Sums are matched by what is left of a term: ``c*R*sin(u)**2`` and ``c*R*cos(u)**2`` meet under the key
``(R, u)``.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from wengert.ir.node import Expr
from wengert.ir.op import Op
from wengert.ops.leaves import Number
from wengert.rewrite import numbers
from wengert.rewrite.rule import Rule, rules
from wengert.rewrite.session import Session
from wengert.rewrite.views import Axes, Factor
from wengert.rewrite.vocabulary import COS, COSH, EXP, SIN, SINH, TAN, TANH

__all__ = ["RULES", "tanh_complement"]


class Square(NamedTuple):
    """A term ``c*rest*f(u)**2``."""

    op: Op
    term: Expr
    c: Number
    rest: Expr
    base: Expr
    axes: Axes
    place: int
    exponent: int


def _squares(s: Session, node: Expr, ops: tuple[Op, ...]) -> list[Square]:
    found: list[Square] = []
    for c, term in s.terms(node):
        view = s.view(term)
        for i, (base, axes, e) in enumerate(view.factors):
            if base.op in ops and not isinstance(e, Expr) and numbers.is_whole(e) and e >= 2:
                d, rest = s.scaled(s.replaced(view, [i], [(base, axes, e - 2)]))
                if d == 1:
                    found.append(Square(base.op, term, c, rest, base, axes, i, int(e)))
    return found


def _instead(
    s: Session, node: Expr, gone: tuple[Expr, ...], new: list[tuple[Number, Expr]]
) -> Expr:
    kept = [(c, t) for c, t in s.terms(node) if t not in gone]
    return s.sum([*kept, *new], node)


def _with(s: Session, square: Square, factor: Expr, exponent: int = 1) -> Expr:
    """The term with ``factor**exponent`` in the place of the square."""
    base, axes = square.base, square.axes
    new: list[Factor] = [(base, axes, square.exponent - 2), (factor, axes, exponent)]
    return s.replaced(s.view(square.term), [square.place], new)


def _same_place(one: Square, other: Square) -> bool:
    return one.base.args == other.base.args and one.axes == other.axes


# f, g, sign: f**2 + sign*g**2 == 1
_UNIT = ((COS, SIN, 1), (COSH, SINH, -1))


def _unit(s: Session, node: Expr) -> Expr | None:
    """``sin(u)**2 + cos(u)**2`` and ``cosh(u)**2 - sinh(u)**2`` are 1, also with a common factor."""
    for f, g, sign in _UNIT:
        squares = _squares(s, node, (f, g))
        for one in squares:
            for other in squares:
                fits = one.op is f and other.op is g and one.rest is other.rest
                fits = fits and other.c == sign * one.c and _same_place(one, other)
                if fits and s.may_vanish(one.base):
                    return _instead(s, node, (one.term, other.term), [(one.c, one.rest)])
    return None


# f, sign, g, power: 1 + sign*f**2 == outer*g**power
_COMPLEMENT = {
    SIN: (-1, COS, 2, 1), COS: (-1, SIN, 2, 1), SINH: (1, COSH, 2, 1), COSH: (-1, SINH, 2, -1),
}  # fmt: skip


def _complement(s: Session, node: Expr) -> Expr | None:
    """``1 - sin(u)**2`` is ``cos(u)**2``, and the like, also with a common factor."""
    found = dict(zip(node.args, node.attr, strict=True))
    for square in _squares(s, node, tuple(_COMPLEMENT)):
        sign, other, power, outer = _COMPLEMENT[square.op]
        if square.rest is not square.term and found.get(square.rest) == sign * square.c:
            new = _with(s, square, s.apply(other, *square.base.args), power)
            c = numbers.times(outer * sign, square.c)
            return _instead(s, node, (square.term, square.rest), [(c, new)])
    return None


_SECANT = {TAN: (1, COS), TANH: (-1, COSH)}


def _secant(s: Session, node: Expr, ops: tuple[Op, ...] = (TAN, TANH)) -> Expr | None:
    """``1 + tan(u)**2`` is ``1/cos(u)**2``, ``1 - tanh(u)**2`` is ``1/cosh(u)**2``."""
    found = dict(zip(node.args, node.attr, strict=True))
    for square in _squares(s, node, ops):
        sign, other = _SECANT[square.op]
        if found.get(square.rest) == sign * square.c:
            new = _with(s, square, s.apply(other, *square.base.args), -2)
            c = numbers.times(sign, square.c)
            return _instead(s, node, (square.term, square.rest), [(c, new)])
    return None


def tanh_complement(s: Session, node: Expr) -> Expr | None:
    """``1 - tanh(u)**2`` is ``1/cosh(u)**2``, without cancellation."""
    return _secant(s, node, (TANH,))


def _secant_factor(s: Session, node: Expr) -> Expr | None:
    """The same where the sum is a factor: ``tan(u)*(1 + tan(u)**2)`` is ``tan(u)/cos(u)**2``."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if len(base.args) == 2 and base.op.name == "lin" and not isinstance(e, Expr):
            new = _secant(s, base)
            if new is not None:
                return s.replaced(view, [i], [(new, axes, e)])
    return None


def _double(s: Session, node: Expr) -> Expr | None:
    """``cos(u)**2 - sin(u)**2`` is ``cos(2*u)``, and its relatives with 1 and for hyperbolic functions."""
    found = dict(zip(node.args, node.attr, strict=True))
    squares = _squares(s, node, (SIN, COS, SINH, COSH))
    for one in squares:
        doubled = s.scale(2, one.base.args[0])
        for other in squares:
            if (
                one.base.args != other.base.args
                or one.rest is not other.rest
                or one.axes != other.axes
            ):
                continue
            pair = one.op, other.op
            if (pair == (COS, SIN) and other.c == -one.c) or (
                pair == (COSH, SINH) and other.c == one.c
            ):
                new = _with(s, one, s.apply(one.op, doubled))
                return _instead(s, node, (one.term, other.term), [(one.c, new)])
        # 1 - 2 sin^2, 2 cos^2 - 1, 1 + 2 sinh^2, 2 cosh^2 - 1
        lone = found.get(one.rest)
        outer = -1 if one.op is SIN else 1
        inner = 1 if one.op in (SIN, SINH) else -1
        if lone is not None and one.c == outer * inner * 2 * lone:
            name = COS if one.op in (SIN, COS) else COSH
            new = _with(s, one, s.apply(name, doubled))
            return _instead(s, node, (one.term, one.rest), [(inner * lone, new)])
    return None


def _twice(s: Session, node: Expr) -> Expr | None:
    """``2*sin(u)*cos(u)`` is ``sin(2*u)`` in every term where that is shorter."""
    for c, term in s.terms(node):
        view = s.view(term)
        for f, g in ((SIN, COS), (SINH, COSH)):
            place = {
                (b.args, a): i for i, (b, a, e) in enumerate(view.factors) if b.op is g and e == 1
            }
            for i, (b, axes, e) in enumerate(view.factors):
                if b.op is f and e == 1 and (b.args, axes) in place:
                    double = s.apply(f, s.scale(2, b.args[0]))
                    j = place[b.args, axes]
                    new = s.replaced(view, [i, j], [(double, axes, 1)])
                    half = numbers.times(c, Fraction(1, 2))
                    return _instead(s, node, (term,), [(half, new)])
    return None


# f, g, h: f == g*h
_RATIOS = ((SIN, TAN, COS), (SINH, TANH, COSH))


def _ratio(s: Session, node: Expr) -> Expr | None:
    """``sin(u)/cos(u)`` is ``tan(u)``, ``tan(u)*cos(u)`` is ``sin(u)``, and the like."""
    view = s.view(node)
    place: dict[tuple[Op, Expr, Axes], tuple[int, int]] = {}
    for i, (base, axes, e) in enumerate(view.factors):
        if len(base.args) == 1 and e.__class__ is int:
            place[base.op, base.args[0], axes] = i, e
    for (op, u, axes), (i, e) in place.items():
        for f, g, h in _RATIOS:
            if op is f and e > 0:
                other, gain = (h, -1), g  # f/h = g
            elif op is f and e < 0 and g is TANH:
                other, gain = (h, 1), g  # cosh/sinh = 1/tanh
            elif op is g and e > 0 and not s.strict:
                other, gain = (h, 1), f  # g*h = f
            else:
                continue
            j, d = place.get((other[0], u, axes), (0, 0))
            k = min(abs(e), d * other[1])
            if k <= 0:
                continue
            step = k if e > 0 else -k
            new: list[Factor] = [
                (view.factors[i][0], axes, e - step),
                (view.factors[j][0], axes, d - k * other[1]),
                (s.apply(gain, u), axes, step),
            ]
            return s.replaced(view, [i, j], new)
    return None


def _from_exps(s: Session, node: Expr) -> Expr | None:
    """``exp(u) + exp(-u)`` is ``2*cosh(u)``, ``exp(u) - exp(-u)`` is ``2*sinh(u)``."""
    terms = s.terms(node)
    exps = [(c, t) for c, t in terms if t.op is EXP]
    for i, (c, one) in enumerate(exps):
        for d, other in exps[i + 1 :]:
            if abs(c) == abs(d) and s.negative(one.args[0]) is other.args[0]:
                function = COSH if c == d else SINH
                new = s.apply(function, one.args[0])
                return _instead(s, node, (one, other), [(numbers.times(2, c), new)])
    return None


RULES = rules(
    [
        Rule("sin^2 + cos^2", "sum", _unit, ("sin", "cosh")),
        Rule("1 - sin^2", "sum", _complement, ("sin", "cos", "sinh", "cosh")),
        Rule(
            "sin/cos",
            "product",
            _ratio,
            ("sin", "sinh", "tan", "tanh"),
            "cos(u) != 0",
            "R",
            use="both",
        ),
        Rule("exp + exp", "sum", _from_exps, ("exp",), use="both", shorter=True),
        Rule("double angle", "sum", _double, ("sin", "cos", "cosh", "sinh"), level=2),
        Rule("2 sin cos", "sum", _twice, ("sin", "sinh"), level=2, shorter=True),
        Rule("1 + tan^2", "sum", _secant, ("tan", "tanh"), level=2, shorter=True),
        Rule("tan (1 + tan^2)", "product", _secant_factor, ("lin",), level=2, shorter=True),
    ]
)
