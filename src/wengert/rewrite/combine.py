"""Fractions over one denominator, products multiplied out, polynomials cancelled.

These moves have no direction of their own; ``improve`` makes them where they shorten the text.
"""

from __future__ import annotations

from wengert.ir.node import Expr
from wengert.ops.einstein import EIN
from wengert.ops.leaves import Number
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.build import cost
from wengert.rewrite.factor import MOST_TERMS, factored
from wengert.rewrite.polynomials import divided
from wengert.rewrite.session import Session
from wengert.rewrite.views import Axes, Exponent, Factor

__all__ = ["cancelled", "denominator_expanded", "expanded", "inner_together", "together"]

_MOST_EXPANDED = 48  # terms that multiplying out may make


def together(s: Session, node: Expr) -> Expr | None:
    """A sum over one denominator; ``None`` where nothing is divided, or some axis is summed over."""
    if node.op is not LIN or len(node.args) < 2 or len(node.args) > MOST_TERMS:
        return None
    terms = s.terms(node)
    views = [s.view(t) for _, t in terms]
    below: dict[tuple[Expr, Axes], Number] = {}
    for view in views:
        for base, axes, e in view.factors:
            if any(a not in view.out for a in axes):
                return None
            if not isinstance(e, Expr) and e < 0:
                below[base, axes] = min(below.get((base, axes), 0), e)
    if not below:
        return None
    out = views[0].out
    extents = dict(zip(out, node.value_type.shape, strict=True))
    lifted: list[Factor] = [(b, a, -e) for (b, a), e in below.items()]
    top = s.sum(
        [
            (c, s.product([*v.factors, *lifted], out, extents))
            for (c, _), v in zip(terms, views, strict=True)
        ],
        node,
    )
    denominators: list[Factor] = [(b, a, e) for (b, a), e in below.items()]
    results = [top]
    wide = expanded(s, top)
    if wide is not top:
        results.append(wide)
    results += [factored(s, r) for r in results if r.op is LIN]
    made = [s.product([(r, out, 1), *denominators], out, extents) for r in dict.fromkeys(results)]
    made = [c if (c2 := cancelled(s, c)) is None else c2 for c in made]
    return min(made, key=lambda m: cost(s, m))


def denominator_expanded(s: Session, node: Expr) -> Expr | None:
    """Two sums below, multiplied out: ``1/((1 - x)*(1 + x))`` becomes ``1/(1 - x**2)``."""
    view = s.view(node)
    sums: dict[Exponent, list[int]] = {}
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is LIN and not isinstance(e, Expr) and e < 0 and axes == view.out:
            sums.setdefault(e, []).append(i)
    for e, places in sums.items():
        if len(places) == 2:
            out, extents = view.out, {a: view.extents[a] for a in view.out}
            bases: list[Factor] = [(view.factors[i][0], out, 1) for i in places]
            wide = expanded(s, s.product(bases, out, extents))
            return s.replaced(view, places, [(wide, out, e)])
    return None


def inner_together(s: Session, node: Expr) -> Expr | None:
    """A product with its sums each over one denominator: ``x*(1 + 1/x)`` becomes ``x + 1``."""
    view = s.view(node)
    changed = False
    factors: list[Factor] = []
    for base, axes, e in view.factors:
        joined = together(s, base) if base.op is LIN and not isinstance(e, Expr) else None
        if joined is not None and all(a in view.out for a in axes):
            changed = True
            factors.append((joined, axes, e))
        else:
            factors.append((base, axes, e))
    return s.product(factors, view.out, view.extents) if changed else None


def cancelled(s: Session, node: Expr) -> Expr | None:
    """A polynomial above that is a multiple of one below: ``(x**2 - 1)/(x - 1)`` becomes ``x + 1``."""
    if s.strict or node.op not in (EIN, POW):
        return None
    view = s.view(node)
    sums = [(i, f) for i, f in enumerate(view.factors) if f[0].op is LIN and f[2].__class__ is int]
    for i, (above, axes, e) in sums:
        for j, (below, axes2, d) in sums:
            if e > 0 > d and axes == axes2 == view.out:
                for top, under, k in ((above, below, 1), (below, above, -1)):
                    quotient = divided(s, top, under)
                    if quotient is not None:
                        e2, d2 = (e - 1, d + 1)
                        return s.replaced(
                            view,
                            [i, j],
                            [(above, axes, e2), (below, axes, d2), (quotient, axes, k)],
                        )
    return None


# --- multiplying out -----------------------------------------------------------------------------------
def expanded(s: Session, node: Expr) -> Expr:
    """Sums multiplied out, in a product or in the terms of a sum, as far as few terms result."""
    known: dict[Expr, Expr] = s.scratch.setdefault("expanded", {})
    found = known.get(node)
    if found is None:
        known[node] = found = _expanded(s, node)
    return found


def _expanded(s: Session, node: Expr) -> Expr:
    if node.op is LIN:
        if len(node.args) > MOST_TERMS:
            return node
        parts: list[tuple[Number, Expr]] = []
        changed = False
        for c, term in s.terms(node):
            wide = _multiplied(s, term)
            changed = changed or wide is not None
            parts.append((c, term if wide is None else wide))
        return s.sum(parts, node) if changed else node
    wide = _multiplied(s, node)
    return node if wide is None else wide


def _multiplied(s: Session, node: Expr) -> Expr | None:
    """A product with its sums multiplied out, ``None`` where there is none."""
    if node.op is not EIN and node.op is not POW:
        return None
    view = s.view(node)
    partial: list[tuple[Number, list[Factor]]] = [(1, [])]
    changed = False
    for base, axes, e in view.factors:
        if base.op is LIN and e.__class__ is int and 1 <= e <= 4 and base not in s.opaque:
            changed = True
            terms = [(c, t) for c, t in s.terms(base)]
            for _ in range(e):
                partial = [
                    (numbers.times(c, d), [*fs, (t, axes, 1)])
                    for c, fs in partial
                    for d, t in terms
                ]
                if len(partial) > _MOST_EXPANDED:
                    return None
        else:
            partial = [(c, [*fs, (base, axes, e)]) for c, fs in partial]
    if not changed:
        return None
    return s.sum([(c, s.product(fs, view.out, view.extents)) for c, fs in partial], node)
