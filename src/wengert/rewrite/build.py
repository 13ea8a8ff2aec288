"""From normal forms to the nodes that people write: binary sums, products, quotients and roots.

The node of a text is what Python's operators build for it, so a result is made by applying those
operators in the order in which the text is read: coefficient on the first factor, one quotient with all
denominators, positive terms first, a common number in front where that is shorter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.ir.node import Expr
from wengert.ir.walk import rebuild
from wengert.ops.algebra import times
from wengert.ops.einstein import EIN, broadcast_to, is_ones
from wengert.ops.leaves import Number, const
from wengert.ops.norms import norm
from wengert.ops.powers import POW
from wengert.ops.sums import LIN, add, is_zero, scale, subtract
from wengert.rewrite import layout, numbers
from wengert.rewrite.cost import token_cost
from wengert.rewrite.session import Session
from wengert.rewrite.views import Exponent, View
from wengert.rewrite.writing import Base, above_below, quotient

__all__ = ["built", "called", "cost", "product"]


def cost(s: Session, node: Expr) -> int:
    """Tokens of the text of a node in normal form."""
    return token_cost(built(s, node), s.tokens)


def built(s: Session, node: Expr) -> Expr:
    """A node in normal form as people write it."""
    known = s.built
    found = known.get(node)
    if found is not None:
        return found
    stack = [node]
    while stack:
        top = stack[-1]
        if top in known:
            stack.pop()
            continue
        missing = [a for a in _parts(s, top) if a not in known]
        if missing:
            stack += missing
            continue
        known[top] = _written(s, top)
        stack.pop()
    return known[node]


def _parts(s: Session, node: Expr) -> Sequence[Expr]:
    """What is written inside a node: terms, bases of factors, arguments."""
    if node.op is EIN or node.op is POW:
        parts: list[Expr] = []
        for base, _, exponent in s.view(node).factors:
            parts.append(base)
            if isinstance(exponent, Expr):
                parts.append(exponent)
        return parts if parts != [node] else node.args
    return node.args


def _written(s: Session, node: Expr) -> Expr:
    if node.op is LIN:
        return _sum(s, node)
    if node.op is EIN or node.op is POW:
        view = s.view(node)
        if not (len(view.factors) == 1 and view.factors[0][0] is node):
            return product(s, view, 1)
    args = [s.built[a] for a in node.args]
    if node.op.elementwise and node.ndim:  # `x > 0` has a number beside the array
        args = [broadcast_to(const(0), a.shape) if is_zero(a) else a for a in args]
    return called(node, tuple(args))


def called(node: Expr, args: tuple[Expr, ...]) -> Expr:
    """The function applied to other arguments, as users would: odd ones pass on a sign, even ones drop it."""
    laws = node.op.laws
    if (laws.odd or laws.even) and len(args) == 1 and args[0].op is LIN and args[0].attr == (-1,):
        positive = rebuild(node, args[0].args)
        return scale(-1, positive) if laws.odd else positive
    return rebuild(node, args)


# --- sums ----------------------------------------------------------------------------------------------
def _sum(s: Session, node: Expr) -> Expr:
    if is_zero(node) and is_ones(node.args[0]):
        return node
    coefficients = node.attr
    if len(coefficients) == 1:
        return _term(s, coefficients[0], node.args[0])
    plain = _chain(s, coefficients, node.args)
    content = numbers.common_content(coefficients)
    if content == 1:
        return plain
    inverse = numbers.power(content, -1)
    assert inverse is not None
    rest = _chain(s, [numbers.times(c, inverse) for c in coefficients], node.args)
    factored = scale(content, rest)
    shorter = token_cost(factored, s.tokens) < token_cost(plain, s.tokens)
    return factored if shorter else plain


def _term(s: Session, c: Number, term: Expr) -> Expr:
    """A coefficient times one term."""
    if is_ones(term):
        return broadcast_to(const(c), term.shape)
    if c == 1:
        return s.built[term]
    if c == 0:  # only where strictly nothing may vanish
        return times(const(0), s.built[term])
    if term.op is EIN or term.op is POW:
        view = s.view(term)
        if not (len(view.factors) == 1 and view.factors[0][0] is term):
            return product(s, view, c)
    return scale(c, s.built[term])


def _chain(s: Session, coefficients: Sequence[Number], terms: Sequence[Expr]) -> Expr:
    """Terms added and subtracted from left to right, those with a plus first.

    Polynomials in one unknown keep to falling powers, but do not begin with a minus.
    """
    order = sorted(zip(coefficients, terms, strict=True), key=lambda item: _reading(s, item[1]))
    if not _is_polynomial(s, terms):
        order.sort(key=lambda item: item[0] < 0)
    first = next((i for i, (c, _) in enumerate(order) if c > 0), 0)
    order.insert(0, order.pop(first))
    total: Expr | None = None
    for c, term in order:
        written = _term(s, numbers.magnitude(c), term)
        if total is None:
            total = written if c > 0 else scale(-1, written)
        else:
            total = add(total, written) if c > 0 else subtract(total, written)
    assert total is not None
    return total


def _is_polynomial(s: Session, terms: Sequence[Expr]) -> bool:
    bases: set[Expr] = set()
    for term in terms:
        factors = s.view(term).factors
        if len(factors) > 1:
            return False
        bases.update(base for base, _, _ in factors)
    return len(bases) == 1


def _reading(s: Session, term: Expr) -> tuple[Any, ...]:  # Any: a sort key of several kinds
    """Numbers last; otherwise by the factors, higher powers first."""
    if is_ones(term):
        return (1,)
    marks = []
    for base, _, exponent in s.view(term).factors:
        rank, name, digest, _ = s.key(base)
        degree = 0.0 if isinstance(exponent, Expr) else -float(exponent)
        marks.append((rank, name.lower(), name, degree, digest))
    marks.sort()
    return 0, marks, s.key(term)


# --- products ------------------------------------------------------------------------------------------
def product(s: Session, view: View, c: Number) -> Expr:
    """A coefficient times a product of powers."""
    powers, c = _without_sign(s, view, c)
    if view.out or any(axes for _, axes, _ in powers):
        return layout.tensor(s, powers, view.out, view.extents, c)
    above, below, c = above_below(s, [(b, e) for b, _, e in powers], c)
    return quotient(above, below, c)


def _without_sign(s: Session, view: View, c: Number) -> tuple[list[layout.Written], Number]:
    """The factors as written, one of them turned round if that saves the minus in front."""
    powers: list[layout.Written] = []
    turned = _one_turned(s, view) if c < 0 else None
    for position, (base, axes, exponent) in enumerate(view.factors):
        written = s.built[base]
        if turned is not None and turned[0] == position:
            written, c = turned[1], -c
        length = _as_norm(s, base, exponent)
        powers.append(
            (Base(base, written), axes, exponent)
            if length is None
            else (*length[:1], axes, length[1])
        )
    return powers, c


def _as_norm(s: Session, base: Expr, exponent: Exponent) -> tuple[Base, Number] | None:
    """``norm(x)`` for the root of a sum of squares, and for its powers where that is shorter."""
    if base.op is not EIN or isinstance(exponent, Expr) or not numbers.is_whole(2 * exponent):
        return None
    factors, out, _ = s.view(base)
    if len(factors) != 1 or factors[0][2] != 2 or not base.attr.summed:
        return None
    x, axes, _ = factors[0]
    if not x.ndim or len(set(axes)) < len(axes) or tuple(a for a in axes if a in out) != out:
        return None
    gone = tuple(i for i, a in enumerate(axes) if a not in out)
    length = norm(s.built[x], axis=gone)
    if numbers.is_whole(exponent):
        if s.stable:  # a norm has a kink, its square has none
            return None
        extra = 0 if exponent == 1 else 2
        there = token_cost(s.built[base], s.tokens) + (extra if abs(exponent) != 1 else 0)
        if there <= token_cost(length, s.tokens) + 2:
            return None
    return Base(base, length), numbers.times(2, exponent)


def _one_turned(s: Session, view: View) -> tuple[int, Expr] | None:
    """A factor to turn round: rather ``x - 1`` to ``1 - x`` than a sum without a number."""
    found: tuple[int, Expr] | None = None
    for position, (base, _, exponent) in enumerate(view.factors):
        if isinstance(exponent, Expr) or not numbers.is_whole(exponent) or not exponent % 2:
            continue
        turned = _turned(s, base)
        if turned is not None:
            if base.op is LIN and any(is_ones(t) for t in base.args):
                return position, turned
            found = found or (position, turned)
    return found


def _turned(s: Session, base: Expr) -> Expr | None:
    """``b - a`` for ``a - b``, and ``sin(b - a)``; ``None`` if the minus would only move."""
    if base.op is LIN:
        if len(base.attr) == 1 or base in s.opaque:
            return None
        turned = built(s, s.negative(base))
        longer = token_cost(turned, s.tokens) > token_cost(s.built[base], s.tokens)
        return None if longer else turned
    if base.op.laws.odd and len(base.args) == 1:
        inner = _turned(s, base.args[0])
        return None if inner is None else called(base, (inner,))
    return None
