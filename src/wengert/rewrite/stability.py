"""Forms that neither overflow nor cancel, for what is executed rather than read.

The sources of trouble: exponentials of large numbers, differences of nearly equal numbers, quotients of
two things that both vanish, and roots and logarithms at 0 next to a factor that is 0 there.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from wengert.ir.node import Expr
from wengert.ops.einstein import EIN, is_ones
from wengert.ops.leaves import Number, const
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.rule import Rule, rules
from wengert.rewrite.session import Session
from wengert.rewrite.trigonometry import tanh_complement
from wengert.rewrite.views import HALF, Axes, Factor
from wengert.rewrite.vocabulary import (
    COS,
    COSH,
    ERFC,
    ERFCX,
    EXP,
    EXPM1,
    EXPREL,
    HYPOT,
    LOG,
    LOG1P,
    LOG1PREL,
    LOG_NDTR,
    NORM,
    SIGMOID,
    SIN,
    SOFTPLUS,
    TANH,
    USINC,
    XLOGY,
)

__all__ = ["RULES"]


# --- differences that cancel ---------------------------------------------------------------------------
def _with_one(
    s: Session, node: Expr, op: object, change: Callable[[Number, Expr], tuple[Number, Expr]]
) -> Expr | None:
    """Replace ``c*f(u) - c`` by ``change(c, u)``."""
    terms = s.terms(node)
    lone = [(c, t) for c, t in terms if is_ones(t)]
    if not lone:
        return None
    for c, term in terms:
        if term.op is op and c == -lone[0][0]:
            kept = [(d, t) for d, t in terms if t is not term and t is not lone[0][1]]
            return s.sum([*kept, change(c, term.args[0])], node)
    return None


def _expm1(s: Session, node: Expr) -> Expr | None:
    """``exp(u) - 1`` is ``expm1(u)``."""
    return _with_one(s, node, EXP, lambda c, u: (c, s.apply(EXPM1, u)))


def _half_sine(s: Session, node: Expr) -> Expr | None:
    """``1 - cos(u)`` is ``2*sin(u/2)**2``."""

    def change(c: Number, u: Expr) -> tuple[Number, Expr]:
        return numbers.times(-2, c), s.raise_to(s.apply(SIN, s.scale(HALF, u)), 2)

    return _with_one(s, node, COS, change)


def _tanh(s: Session, node: Expr) -> Expr | None:
    """``1 - 2*sigmoid(u)`` is ``tanh(-u/2)``."""
    terms = s.terms(node)
    lone = [(c, t) for c, t in terms if is_ones(t)]
    for c, term in terms:
        if lone and term.op is SIGMOID and c == -2 * lone[0][0]:
            kept = [(d, t) for d, t in terms if t is not term and t is not lone[0][1]]
            return s.sum([*kept, (lone[0][0], s.apply(TANH, s.scale(-HALF, term.args[0])))], node)
    return None


def _log(s: Session, node: Expr) -> Expr | None:
    """``log(1 + u)`` is ``log1p(u)``; ``log(cosh(u))`` and ``log(erfc(u))`` by functions that stay finite."""
    arg = node.args[0]
    if arg.op is LIN and len(arg.args) > 1 and any(c == 1 and is_ones(t) for c, t in s.terms(arg)):
        rest = s.sum([(c, t) for c, t in s.terms(arg) if not is_ones(t)], arg)
        return s.apply(LOG1P, rest)
    if arg.op is COSH:
        u = arg.args[0]
        tail = s.apply(SOFTPLUS, s.scale(-2, u))
        return s.sum([(1, u), (1, tail), (-1, _filled(s, s.apply(LOG, const(2)), u))], node)
    if arg.op is ERFC:
        # DLMF 7.18 and 7.1.22: erfc(u) = 2*ndtr(-sqrt(2)*u)
        u = s.times(s.raise_to(const(2), HALF), arg.args[0])
        tail = s.apply(LOG_NDTR, s.negative(u))
        return s.plus(tail, _filled(s, s.apply(LOG, const(2)), u))
    return None


def _filled(s: Session, value: Expr, like: Expr) -> Expr:
    """A scalar in the shape of ``like``."""
    out = tuple(range(like.ndim))
    return s.product([(value, (), 1)], out, dict(zip(out, like.shape, strict=True)))


def _log1p(s: Session, node: Expr) -> Expr | None:
    """``log1p(exp(u))`` is ``softplus(u)``."""
    arg = node.args[0]
    return s.apply(SOFTPLUS, arg.args[0]) if arg.op is EXP else None


# --- quotients of what vanishes together ---------------------------------------------------------------
_RELATIVE = {SIN: USINC, EXPM1: EXPREL, LOG1P: LOG1PREL}


def _removable(s: Session, node: Expr) -> Expr | None:
    """``sin(c*u)/u`` is ``c*usinc(c*u)``, and so for ``expm1`` and ``log1p``."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        relative = _RELATIVE.get(base.op)
        if relative is None or e.__class__ is not int or e < 1:
            continue
        c, u = s.content(base.args[0]) if base.args[0].op is LIN else (1, base.args[0])
        for j, (below, places, d) in enumerate(view.factors):
            if below is u and places == axes and d.__class__ is int and d < 0:
                k = min(e, -d)
                power = numbers.power(c, k)
                if power is None:
                    return None
                new: list[Factor] = [
                    (base, axes, e - k),
                    (below, axes, d + k),
                    (s.apply(relative, base.args[0]), axes, k),
                ]
                return s.replaced(view, [i, j], new, power)
    return None


def _xlogy(s: Session, node: Expr) -> Expr | None:
    """``x**k*log(x)`` is ``xlogy(x**k, x)``, which is 0 at 0."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not LOG or e != 1:
            continue
        x = base.args[0]
        for j, (other, places, d) in enumerate(view.factors):
            if other is x and places == axes and (isinstance(d, Expr) or d > 0):
                power = s.powered(x, d) if isinstance(d, Expr) else s.raise_to(x, d)
                return s.replaced(view, [i, j], [(s.apply(XLOGY, power, x), axes, 1)])
    return None


# --- norms ---------------------------------------------------------------------------------------------
def _as_norm(s: Session, node: Expr) -> Expr | None:
    """``sqrt(sum(x**2))`` is ``norm(x)``, ``sqrt(x**2 + y**2)`` is ``hypot(x, y)``."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if isinstance(e, Expr) or numbers.is_whole(e) or not numbers.is_whole(2 * e):
            continue
        length = _length(s, base)
        if length is not None:
            return s.replaced(view, [i], [(length, axes, numbers.times(2, e))])
    return None


def _length(s: Session, base: Expr) -> Expr | None:
    if base.op is LIN and base.attr == (1, 1):
        roots = [_root_of_square(s, t) for t in base.args]
        if roots[0] is not None and roots[1] is not None:
            return s.apply(HYPOT, roots[0], roots[1])
    if base.op is not EIN:
        return None
    factors, out, _ = s.view(base)
    if len(factors) != 1 or factors[0][2] != 2:
        return None
    x, axes, _ = factors[0]
    if len(set(axes)) < len(axes) or tuple(a for a in axes if a in out) != out:
        return None
    gone = tuple(i for i, a in enumerate(axes) if a not in out)
    return s.apply(NORM, x, attr=gone) if gone else None


def _root_of_square(s: Session, term: Expr) -> Expr | None:
    view = s.view(term)
    if any(isinstance(e, Expr) or not numbers.is_even(e) or e < 0 for _, _, e in view.factors):
        return None
    if any(axes != view.out for _, axes, _ in view.factors) or not view.factors:
        return None
    halved: list[Factor] = [(b, a, Fraction(e) / 2) for b, a, e in view.factors]  # type: ignore[arg-type]
    return s.product(halved, view.out, view.extents)


def _square_of_norm(s: Session, node: Expr) -> Expr | None:
    """``norm(x)**2`` is ``x @ x``, which has no kink."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if isinstance(e, Expr) or not numbers.is_even(e) or e < 0:
            continue
        if base.op is HYPOT:
            squares = s.sum([(1, s.raise_to(a, 2)) for a in base.args], base)
        elif base.op is NORM:
            squares = _squares(s, base)
        else:
            continue
        return s.replaced(view, [i], [(squares, axes, e / 2 if e % 2 else e // 2)])
    return None


def _squares(s: Session, node: Expr) -> Expr:
    x, gone = node.args[0], node.attr
    kept = [i for i in range(x.ndim) if i not in gone]
    names = {axis: i for i, axis in enumerate(kept)}
    axes: Axes = tuple([names[i] if i in names else s.fresh_axis() for i in range(x.ndim)])
    extents = {i: x.shape[axis] for axis, i in names.items()}
    return s.product([(x, axes, 2)], tuple(range(len(kept))), extents)


# --- tails ---------------------------------------------------------------------------------------------
def _erfcx(s: Session, node: Expr) -> Expr | None:
    """``exp(-u**2)/erfc(u)`` is ``1/erfcx(u)``."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not ERFC or isinstance(e, Expr) or abs(e) != 1:
            continue
        square = s.scale(e, s.raise_to(base.args[0], 2))
        for j, (other, places, d) in enumerate(view.factors):
            if other.op is not EXP or places != axes or d != 1:
                continue
            rest = s.minus(other.args[0], square)
            if len(s.terms(rest)) < len(s.terms(other.args[0])) or not rest.args:
                tail = s.apply(ERFCX, base.args[0])
                return s.replaced(view, [i, j], [(tail, axes, e), (s.apply(EXP, rest), axes, 1)])
    return None


RULES = rules(
    [
        Rule("exp - 1", "sum", _expm1, ("exp",), use="stable"),
        Rule("1 - cos", "sum", _half_sine, ("cos",), use="stable"),
        Rule("1 - 2 sigmoid", "sum", _tanh, ("sigmoid",), use="stable"),
        Rule("1 - tanh^2", "sum", tanh_complement, ("tanh",), use="stable"),
        Rule("log without loss", "log", _log, use="stable"),
        Rule("log1p of exp", "log1p", _log1p, use="both"),
        Rule(
            "removable singularity",
            "product",
            _removable,
            ("sin", "expm1", "log1p"),
            kind="R",
            use="stable",
        ),
        Rule("x log x", "product", _xlogy, ("log",), kind="R", use="stable"),
        Rule("root as a norm", "product", _as_norm, ("ein", "lin"), use="stable"),
        Rule("square of a norm", "product", _square_of_norm, ("norm", "hypot"), use="stable"),
        Rule("exp/erfc", "product", _erfcx, ("erfc",), use="stable"),
    ]
)
