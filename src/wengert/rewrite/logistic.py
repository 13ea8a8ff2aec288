"""The logistic function and its relatives: recognised from exponentials, and their identities."""

from __future__ import annotations

from wengert.ir.node import Expr
from wengert.ops.axes import spread
from wengert.ops.einstein import EIN
from wengert.ops.leaves import Number
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.real import _is_one, _one_minus
from wengert.rewrite.rule import Rule, rules
from wengert.rewrite.session import Session
from wengert.rewrite.views import Axes, Factor
from wengert.rewrite.vocabulary import EXP, LOGADDEXP, LOGSUMEXP, SIGMOID, SOFTMAX, SOFTPLUS, TANH

__all__ = ["RULES"]


def one_plus_exp(node: Expr) -> Expr | None:
    """``u`` where the node is ``1 + exp(u)``."""
    if node.op is LIN and node.attr == (1, 1):
        for one, other in (node.args, node.args[::-1]):
            if _is_one(one) and other.op is EXP:
                return other.args[0]
    return None


def two_exps(node: Expr) -> tuple[Expr, Expr] | None:
    """``u`` and ``v`` where the node is ``exp(u) + exp(v)``."""
    if node.op is LIN and node.attr == (1, 1) and all(a.op is EXP for a in node.args):
        return node.args[0].args[0], node.args[1].args[0]
    return None


# --- logarithms and exponentials -----------------------------------------------------------------------
def _log(s: Session, node: Expr) -> Expr | None:
    arg = node.args[0]
    u = one_plus_exp(arg)
    if u is not None:
        return s.apply(SOFTPLUS, u)
    pair = two_exps(arg)
    if pair is not None:
        return s.apply(LOGADDEXP, *pair)
    if arg.op is SIGMOID:
        return s.negative(s.apply(SOFTPLUS, s.negative(arg.args[0])))
    if arg.op is SOFTMAX:
        inner, axes = arg.args[0], arg.attr
        total = s.apply(LOGSUMEXP, inner, attr=axes)
        kept = tuple(i for i in range(inner.ndim) if i not in axes)
        out = tuple(range(inner.ndim))
        extents = dict(zip(out, inner.shape, strict=True))
        return s.minus(inner, s.product([(total, kept, 1)], out, extents))
    summed = _summed_exp(s, arg)
    if summed is not None:
        return s.apply(LOGSUMEXP, summed[0], attr=summed[1])
    return None


def _summed_exp(s: Session, node: Expr) -> tuple[Expr, Axes] | None:
    """``x`` and the axes where the node is ``sum(exp(x), axes)``."""
    if node.op is not EIN:
        return None
    view = s.view(node)
    if len(view.factors) != 1:
        return None
    base, axes, e = view.factors[0]
    if base.op is not EXP or e != 1 or len(set(axes)) < len(axes):
        return None
    kept = tuple(a for a in axes if a in view.out)
    gone = tuple(i for i, a in enumerate(axes) if a not in view.out)
    return (base.args[0], gone) if kept == view.out and gone else None


def _exp(s: Session, node: Expr) -> Expr | None:
    """``exp(-softplus(-u))`` is ``sigmoid(u)``, ``exp(x - logsumexp(x))`` is ``softmax(x)``."""
    terms = s.terms(node.args[0])
    for i, (c, term) in enumerate(terms):
        rest = [t for j, t in enumerate(terms) if j != i]
        if term.op is SOFTPLUS and numbers.is_whole(c):
            one = s.plus(s.one(term), s.apply(EXP, term.args[0]))
            power = s.raise_to(one, c)
        elif term.op is LOGADDEXP and numbers.is_whole(c):
            power = s.raise_to(s.plus(*(s.apply(EXP, a) for a in term.args)), c)
        else:
            continue
        return s.times(power, s.apply(EXP, s.sum(rest, term))) if rest else power
    for c, term in terms:
        inner = s.view(term).factors[0][0] if len(s.view(term).factors) == 1 else term
        if inner.op is LOGSUMEXP and c == -1:
            x = inner.args[0]
            spreaded = spread(inner, inner.attr, x.shape)
            if s.sum([(1, x), (-1, spreaded)], x) is node.args[0]:
                return s.apply(SOFTMAX, x, attr=inner.attr)
    return None


def _log_sigmoid(s: Session, node: Expr) -> Expr | None:
    return s.negative(s.apply(SOFTPLUS, s.negative(node.args[0])))


# --- products ------------------------------------------------------------------------------------------
def _from_quotient(s: Session, node: Expr) -> Expr | None:
    """``1/(1 + exp(-u))`` is ``sigmoid(u)``, ``exp(u)/(exp(u) + exp(v))`` is ``sigmoid(u - v)``."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not LIN or isinstance(e, Expr) or not numbers.is_whole(e):
            continue
        u = one_plus_exp(base)
        if u is not None:
            new = _power_of_one_plus(s, view.factors, base, axes, int(e), u)
            if new is not None:
                return s.replaced(view, *new)
        pair = two_exps(base)
        if pair is not None and e < 0:
            share = _share(s, view.factors, i, pair, int(e))
            if share is not None:
                return s.replaced(view, *share)
    return None


def _power_of_one_plus(
    s: Session, factors: tuple[Factor, ...], base: Expr, axes: Axes, e: int, u: Expr
) -> tuple[list[int], list[Factor]] | None:
    i = next(j for j, f in enumerate(factors) if f[0] is base and f[1] == axes)
    minus = s.apply(SIGMOID, s.negative(u))
    new: list[Factor]
    if e < 0:
        new = [(minus, axes, -e)]
        return [i], new
    if not s.may_vanish(u):
        return None
    for j, (other, axes2, d) in enumerate(factors):
        if other is minus and axes2 == axes and d.__class__ is int and d > 0:
            k = min(e, d)
            new = [(base, axes, e - k), (minus, axes, d - k)]
            return [i, j], new
    return None


def _share(
    s: Session, factors: tuple[Factor, ...], i: int, pair: tuple[Expr, Expr], e: int
) -> tuple[list[int], list[Factor]] | None:
    base, axes, _ = factors[i]
    for j, (other, axes2, d) in enumerate(factors):
        if other.op is EXP and axes2 == axes and d == 1:
            for u, v in (pair, pair[::-1]):
                rest = s.minus(other.args[0], u)
                if len(s.terms(rest)) < len(s.terms(other.args[0])) or not rest.args:
                    share = s.apply(SIGMOID, s.minus(u, v))
                    new: list[Factor] = [
                        (base, axes, e + 1),
                        (share, axes, 1),
                        (s.apply(EXP, rest), axes, 1),
                    ]
                    return [i, j], new
    return None


def _exp_times_sigmoid(s: Session, node: Expr) -> Expr | None:
    """``exp(-u)*sigmoid(u)`` is ``sigmoid(-u)``."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not SIGMOID or e.__class__ is not int or e < 1:
            continue
        u = base.args[0]
        for j, (other, axes2, d) in enumerate(view.factors):
            if other.op is not EXP or axes2 != axes or d != 1:
                continue
            rest = s.plus(other.args[0], u)
            if _size(s, rest) < _size(s, other.args[0]):
                minus = s.apply(SIGMOID, s.negative(u))
                new: list[Factor] = [
                    (base, axes, e - 1),
                    (minus, axes, 1),
                    (s.apply(EXP, rest), axes, 1),
                ]
                return s.replaced(view, [i, j], new)
    return None


def _size(s: Session, node: Expr) -> tuple[int, Number]:
    """Terms of a sum, and the sum of the sizes of its coefficients."""
    terms = [(c, t) for c, t in s.terms(node) if c != 0]
    return len(terms), sum((numbers.magnitude(c) for c, _ in terms), start=0)


def _softmax(s: Session, node: Expr) -> Expr | None:
    """``exp(x)/sum(exp(x))`` is ``softmax(x)``."""
    view = s.view(node)
    for j, (total, kept, d) in enumerate(view.factors):
        if isinstance(d, Expr) or not numbers.is_whole(d) or d > -1:
            continue
        summed = _summed_exp(s, total)
        if summed is None:
            continue
        x, gone = summed
        for i, (base, axes, e) in enumerate(view.factors):
            if base.op is not EXP or e != 1 or base.args[0] is not x:
                continue
            if tuple(a for k, a in enumerate(axes) if k not in gone) == kept:
                share = s.apply(SOFTMAX, x, attr=gone)
                return s.replaced(view, [i, j], [(total, kept, d + 1), (share, axes, 1)])
    return None


# --- sums ----------------------------------------------------------------------------------------------
def _both_sides(s: Session, node: Expr) -> Expr | None:
    """``sigmoid(u) + sigmoid(-u)`` is 1, also with a common factor."""
    found: dict[tuple[Expr, Number, Expr, Axes], Expr] = {}
    for c, term in s.terms(node):
        view = s.view(term)
        for i, (base, axes, e) in enumerate(view.factors):
            if base.op is not SIGMOID or e != 1:
                continue
            d, rest = s.scaled(s.replaced(view, [i]))
            if d != 1:
                continue
            u = base.args[0]
            other = found.get((rest, c, s.negative(u), axes))
            if other is not None and other is not term and s.may_vanish(u):
                kept = [(k, t) for k, t in s.terms(node) if t is not term and t is not other]
                return s.sum([*kept, (c, rest)], node)
            found[rest, c, u, axes] = term
    return None


def _one_plus_tanh(s: Session, node: Expr) -> Expr | None:
    """``1 + tanh(u)`` is ``2*sigmoid(2*u)``."""
    found = dict(zip(node.args, node.attr, strict=True))
    for term, c in found.items():
        view = s.view(term)
        for i, (base, axes, e) in enumerate(view.factors):
            if base.op is not TANH or e != 1:
                continue
            d, rest = s.scaled(s.replaced(view, [i]))
            lone = found.get(rest)
            if d != 1 or lone is None or abs(lone) != abs(c):
                continue
            inner = s.scale(2 if lone == c else -2, base.args[0])
            new = s.replaced(view, [i], [(s.apply(SIGMOID, inner), axes, 1)])
            kept = [(k, t) for t, k in found.items() if t is not term and t is not rest]
            return s.sum([*kept, (numbers.times(2, lone), new)], node)
    return None


RULES = rules(
    [
        Rule("log of 1 + exp", "log", _log, use="both"),
        Rule("exp of softplus", "exp", _exp, use="both"),
        Rule("log_sigmoid", "log_sigmoid", _log_sigmoid),
        Rule("sigmoid from a quotient", "product", _from_quotient, ("lin",), use="both"),
        Rule("exp times sigmoid", "product", _exp_times_sigmoid, ("sigmoid",), use="both"),
        Rule("softmax from a quotient", "product", _softmax, ("ein",), use="both"),
        Rule("1 - sigmoid", "sum", _one_minus("sigmoid", "sigmoid", -1), ("sigmoid",), use="both"),
        Rule("sigmoid on both sides", "sum", _both_sides, ("sigmoid",), use="both"),
        Rule("1 + tanh", "sum", _one_plus_tanh, ("tanh",), shorter=True),
    ]
)
