"""Identities of linear algebra: inverses, determinants, norms, orthogonal matrices, softmax."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from wengert.ir.dims import Extent
from wengert.ir.facts import ORTHOGONAL
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ops.einstein import EYE, eye
from wengert.ops.leaves import ONE, Number, const, number_of, size
from wengert.ops.sums import is_zero
from wengert.rewrite import numbers
from wengert.rewrite.rule import Rule, rules
from wengert.rewrite.session import Session
from wengert.rewrite.views import HALF, Axes, Exponent, Factor, View
from wengert.rewrite.vocabulary import ABS, DET, INV, LOG, LOGDET, NORM, SOFTMAX

__all__ = ["RULES"]


# --- norms ---------------------------------------------------------------------------------------------
def _norm(s: Session, node: Expr) -> Expr:
    """``norm(x)`` is the root of a sum of squares; it is written as a norm again in the end."""
    x, gone = node.args[0], node.attr
    labels = list(range(x.ndim))
    kept = [i for i in labels if i not in gone]
    names = {axis: i for i, axis in enumerate(kept)}
    axes = tuple([names[i] if i in names else s.fresh_axis() for i in labels])
    extents = {i: x.shape[axis] for axis, i in names.items()}
    squares = s.product([(x, axes, 2)], tuple(range(len(kept))), extents)
    return s.raise_to(squares, HALF)


def _normalized(s: Session, node: Expr) -> Expr:
    """``x/norm(x)``, which is undefined at 0."""
    x, gone = node.args[0], node.attr
    length = s.apply(NORM, x, attr=gone)
    out = tuple(range(x.ndim))
    kept = tuple(i for i in out if i not in gone)
    extents = dict(zip(out, x.shape, strict=True))
    return s.product([(x, out, 1), (length, kept, -1)], out, extents)


# --- inverses ------------------------------------------------------------------------------------------
def _inverse(s: Session, node: Expr) -> Expr | None:
    """``inv(inv(A))`` is ``A``, ``inv(c*A)`` is ``inv(A)/c``, ``inv(Q)`` is ``Q.T``, and diagonals."""
    A = node.args[0]
    if A.ndim != 2:
        return None
    if A.op is INV and not s.strict:
        return A.args[0]
    if knows(A, ORTHOGONAL):
        return s.product([(A, (1, 0), 1)], (0, 1), dict(enumerate(A.shape)))
    c, core = s.scaled(A)
    if c != 1:
        inverse = numbers.power(c, -1)
        return None if inverse is None else s.scale(inverse, s.apply(INV, core))
    view = s.view(core)
    scalars = [i for i, (_, axes, _) in enumerate(view.factors) if not axes]
    if scalars:
        rest = s.replaced(view, scalars)
        powers = [_inverted(view.factors[i]) for i in scalars]
        extents = dict(enumerate(A.shape))
        return s.product([*powers, (s.apply(INV, rest), (0, 1), 1)], (0, 1), extents)
    if any(b.op is EYE for b, _, _ in view.factors) and all(
        a in view.out for _, axes, _ in view.factors for a in axes
    ):
        diagonal = [f if f[0].op is EYE else _inverted(f) for f in view.factors]
        return s.product(diagonal, view.out, view.extents)
    return None


def _inverted(factor: Factor) -> Factor:
    base, axes, e = factor
    assert not isinstance(e, Expr)
    return base, axes, -e


def _inverse_times(s: Session, node: Expr) -> Expr | None:
    """``inv(A) @ A`` is the identity, where nothing else lies on the axis between them."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not INV or e != 1 or len(set(axes)) != 2:
            continue
        A = base.args[0]
        for end in (0, 1):
            found = _matched(s, view, i, A, axes[1 - end], end)
            if found is not None:
                used, other = found
                unit: Factor = (eye(A.shape[0]), (axes[end], other), 1)
                return s.replaced(view, [i, *used], [unit])
    return None


def _matched(
    s: Session, view: View, skip: int, A: Expr, axis: int, end: int
) -> tuple[list[int], int] | None:
    """Factors that make up ``A`` with its axis ``end`` on ``axis``, and where its other axis is."""
    if axis in view.out:
        return None
    inner = s.view(A)
    names: dict[int, int] = {end: axis}
    used: list[int] = []
    for base, axes, e in sorted(inner.factors, key=lambda f: end not in f[1]):
        place = _fitting(view, [skip, *used], base, axes, e, names)
        if place is None:
            return None
        used.append(place)
        names.update(zip(axes, view.factors[place][1], strict=True))
    if 1 - end not in names or len(set(names.values())) < len(names):
        return None
    rest = [f for k, f in enumerate(view.factors) if k not in used and k != skip]
    outside = {a for _, axes, _ in rest for a in axes} | set(view.out)
    hidden = [a for inside, a in names.items() if inside != 1 - end]
    return None if any(a in outside for a in hidden) else (used, names[1 - end])


def _fitting(
    view: View, taken: list[int], base: Expr, axes: Axes, e: Exponent, names: dict[int, int]
) -> int | None:
    for k, (other, places, d) in enumerate(view.factors):
        if k in taken or other is not base or d != e or not any(a in names for a in axes):
            continue
        if all(names.get(a, b) == b for a, b in zip(axes, places, strict=True)):
            return k
    return None


def _orthogonal(s: Session, node: Expr) -> Expr | None:
    """``Q.T @ Q`` is the identity for an orthogonal matrix."""
    view = s.view(node)
    uses = Counter(a for _, axes, _ in view.factors for a in axes)
    for i, (base, axes, e) in enumerate(view.factors):
        if len(axes) != 2 or e != 1 or not knows(base, ORTHOGONAL):
            continue
        for j in range(i + 1, len(view.factors)):
            other, places, d = view.factors[j]
            if other is not base or d != 1:
                continue
            for k in (0, 1):
                shared = axes[k]
                if shared == places[k] and uses[shared] == 2 and shared not in view.out:
                    unit: Factor = (eye(base.shape[0]), (axes[1 - k], places[1 - k]), 1)
                    return s.replaced(view, [i, j], [unit])
    return None


# --- determinants --------------------------------------------------------------------------------------
def _adjugate(s: Session, node: Expr) -> Expr | None:
    """``det(A)*inv(A)``, which is undefined for singular ``A``."""
    A = node.args[0]
    return s.times(s.apply(DET, A), s.apply(INV, A)) if A.ndim == 2 else None


def _det(s: Session, node: Expr) -> Expr | None:
    """``det(inv(A))`` is ``1/det(A)``, ``det(c*A)`` is ``c**n*det(A)``."""
    A = node.args[0]
    if A.ndim != 2:
        return None
    if A.op is EYE:
        return ONE
    if is_zero(A):
        return s.zero(node)
    if A.op is INV:
        return s.raise_to(s.apply(DET, A.args[0]), -1)
    c, core = _outside(s, A)
    if c is None:
        return None
    return s.times(s.raise_to(c, _count(A.shape[0])), s.apply(DET, core))


def _logdet(s: Session, node: Expr) -> Expr | None:
    """``logdet(inv(A))`` is ``-logdet(A)``, ``logdet(c*A)`` is ``n*log(abs(c)) + logdet(A)``."""
    A = node.args[0]
    if A.ndim != 2:
        return None
    if A.op is EYE:
        return s.zero(node)
    if A.op is INV:
        return s.negative(s.apply(LOGDET, A.args[0]))
    c, core = _outside(s, A)
    if c is None:
        return None
    number = number_of(c)
    size_ = s.apply(LOG, s.apply(ABS, c) if number is None else const(numbers.magnitude(number)))
    n = _count(A.shape[0])
    grown = s.times(n, size_) if isinstance(n, Expr) else s.scale(n, size_)
    return s.plus(grown, s.apply(LOGDET, core))


def _outside(s: Session, A: Expr) -> tuple[Expr | None, Expr]:
    """The scalar factors of a matrix and the rest; ``None`` if there are none."""
    c, core = s.scaled(A)
    view = s.view(core)
    scalars = [i for i, (_, axes, _) in enumerate(view.factors) if not axes]
    if c == 0 or (c == 1 and not scalars):
        return None, A
    outside = s.product([view.factors[i] for i in scalars], coefficient=c)
    return outside, s.replaced(view, scalars)


def _count(extent: Extent) -> Number | Expr:
    return extent if isinstance(extent, int) else size(extent)


def _log_of_det(s: Session, node: Expr) -> Expr | None:
    """``log(det(A))`` and ``log(abs(det(A)))`` are ``logdet(A)``."""
    arg = node.args[0]
    if arg.op is ABS:
        arg = arg.args[0]
    return s.apply(LOGDET, arg.args[0]) if arg.op is DET else None


# --- identities in other shapes ------------------------------------------------------------------------
def _reshaped_identity(s: Session, node: Expr) -> Expr | None:
    """``eye(m*n)`` with each axis split in two is an identity along each of the parts."""
    shape = node.shape
    if node.args[0].op is not EYE or len(shape) != 4 or shape[:2] != shape[2:]:
        return None
    m, n = shape[:2]
    return s.product(
        [(eye(m), (0, 2), 1), (eye(n), (1, 3), 1)], (0, 1, 2, 3), dict(enumerate(shape))
    )


# --- sums of shares ------------------------------------------------------------------------------------
def _shares(s: Session, node: Expr) -> Expr | None:
    """``sum(softmax(x))`` is 1."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not SOFTMAX or e != 1 or not s.may_vanish(base):
            continue
        gone = [axes[k] for k in base.attr]
        others = [a for j, (_, ls, _) in enumerate(view.factors) if j != i for a in ls]
        others += [a for k, a in enumerate(axes) if k not in base.attr]  # a diagonal
        if len(set(gone)) == len(gone) and not any(a in view.out or a in others for a in gone):
            kept = {a: x for a, x in view.extents.items() if a not in gone}
            rest = [f for j, f in enumerate(view.factors) if j != i]
            return s.product(rest, view.out, kept)
    return None


Apply = Callable[[Session, Expr], Expr | None]

RULES = rules(
    [
        Rule("norm as a root", "norm", _norm),
        Rule("normalized written out", "normalized", _normalized, condition="x != 0", kind="C"),
        Rule("adjugate written out", "adjugate", _adjugate, condition="det(A) != 0", kind="C"),
        Rule("inverse of", "inv", _inverse, condition="det(A) != 0", kind="A"),
        Rule("inv(A) A", "product", _inverse_times, ("inv",), "det(A) != 0", "R"),
        Rule("Q'Q", "product", _orthogonal, ("symbol",), "Q orthogonal", "A"),
        Rule("determinant of", "det", _det, condition="det(A) != 0 for inverses", kind="A"),
        Rule("log-determinant of", "logdet", _logdet),
        Rule("log of det", "log", _log_of_det, condition="det(A) > 0", kind="R"),
        Rule("identity reshaped", "reshape", _reshaped_identity),
        Rule("sum of softmax", "product", _shares, ("softmax",)),
    ]
)
