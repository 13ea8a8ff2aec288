"""Common factors out of sums, whatever their axes: ``X.T @ a - X.T @ b`` is ``X.T @ (a - b)``.

A factor is taken out only if the text gets shorter; what is left of the terms is a sum again and may have
factors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.einstein import EYE
from wengert.ops.leaves import Number
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.build import cost
from wengert.rewrite.session import Session
from wengert.rewrite.views import Axes, Factor, View

__all__ = ["MOST_TERMS", "factored", "monomials_out"]

MOST_TERMS = 24  # longer sums stay as they are
_SMALL = 24  # factors in all terms together, up to which several ways are tried
_DEEPEST = 3  # factors taken out of what is left of a sum, one after the other


class Place(NamedTuple):
    """A factor of a term: which term, which factor, its axes and exponent."""

    term: int
    factor: int
    axes: Axes
    exponent: Number


def factored(s: Session, node: Expr, depth: int = 0) -> Expr:
    """A sum with the best common factors taken out, as long as that shortens it."""
    known: dict[Expr, Expr] = s.scratch.setdefault("factored", {})
    found = known.get(node)
    if found is not None:
        return found
    best = node
    for _ in range(6):
        if best.op is not LIN or not 2 <= len(best.args) <= MOST_TERMS:
            break
        shorter = _one_factor_out(s, best, depth)
        if shorter is None:
            break
        best = shorter
    known[node] = best
    return best


def _one_factor_out(s: Session, node: Expr, depth: int) -> Expr | None:
    terms = s.terms(node)
    views = [s.view(t) for _, t in terms]
    groups = _shared_factors(s, views)
    if not groups:
        return None
    weight = {
        key: (len(g) == len(terms), (len(g) - 1) * cost(s, key[0])) for key, g in groups.items()
    }
    ranked = sorted(groups, key=lambda k: (weight[k][0], weight[k][1], s.key(k[0])), reverse=True)
    least = cost(s, node)
    whole = _monomial_out(s, node, terms, views, groups)
    if whole is not None and cost(s, whole) < least:
        return whole
    # Large sums, and sums inside sums, have their likeliest factor tried only.
    size = sum(len(v.factors) for v in views)
    tries = 4 if size <= _SMALL and depth == 0 else 2 if depth <= 1 else 1
    for key in ranked[:tries]:
        for result in _taken_out(s, node, terms, views, key[0], groups[key], depth):
            if result is not None and cost(s, result) < least:
                return result
    return None


Sharing = dict[tuple[Expr, tuple[int | None, ...], int], list[Place]]


def _shared_factors(s: Session, views: Sequence[View]) -> Sharing:
    """Factors in several terms, by base, the axes of the result that they have, and sign of the exponent."""
    found: Sharing = {}
    for q, view in enumerate(views):
        for p, (base, axes, e) in enumerate(view.factors):
            if base.op is EYE or len(set(axes)) < len(axes):
                continue
            if isinstance(e, Expr):
                base, e = s.powered(base, e), 1
            pattern = tuple([a if a in view.out else None for a in axes])
            found.setdefault((base, pattern, 1 if e > 0 else -1), []).append(Place(q, p, axes, e))
    result: Sharing = {}
    for key, places in found.items():
        once: dict[int, Place] = {}
        for place in places:
            once.setdefault(place.term, place)
        if len(once) > 1:
            result[key] = list(once.values())
    return result


def _monomial_out(
    s: Session,
    node: Expr,
    terms: Sequence[tuple[Number, Expr]],
    views: Sequence[View],
    groups: Sharing,
    least: int = 2,
) -> Expr | None:
    """All factors that all terms share, at once: those without summed axes only."""
    shared: list[Factor] = []
    for (base, pattern, sign), places in groups.items():
        if len(places) < len(terms) or None in pattern:
            continue
        shared.append(
            (base, places[0].axes, min(numbers.magnitude(p.exponent) for p in places) * sign)
        )
    if len(shared) < least:
        return None
    out = views[0].out
    inverse: list[Factor] = [(b, a, -e) for b, a, e in shared]
    extents = views[0].extents
    inner = s.sum(
        [
            (c, s.product([*v.factors, *inverse], v.out, v.extents))
            for (c, _), v in zip(terms, views, strict=True)
        ],
        node,
    )
    return s.product([*shared, (inner, out, 1)], out, {a: extents[a] for a in out})


def _taken_out(
    s: Session,
    node: Expr,
    terms: Sequence[tuple[Number, Expr]],
    views: Sequence[View],
    base: Expr,
    places: Sequence[Place],
    depth: int,
) -> Iterator[Expr | None]:
    """One factor out of the terms that have it: the least power, and for denominators also the greatest."""
    out = views[0].out
    powers = [p.exponent for p in places]
    choices = {min(powers, key=numbers.magnitude), min(powers)} if powers[0] < 0 else {min(powers)}
    for power in sorted(choices, key=float, reverse=True):
        yield _with_factor(s, node, terms, views, base, places, power, out, depth)


def _with_factor(
    s: Session,
    node: Expr,
    terms: Sequence[tuple[Number, Expr]],
    views: Sequence[View],
    base: Expr,
    places: Sequence[Place],
    power: Number,
    out: Axes,
    depth: int,
) -> Expr | None:
    s.moves -= 1
    if s.moves < 0:
        return None
    if len(places) < len(terms) and any(p.exponent != power for p in places):
        return None  # x**2 - 2*x + 1 is not to become x*(x - 2) + 1
    needed, summed = _needed_axes(views, places, power, out)
    if summed and any(p.exponent != 1 for p in places):
        return None
    outer = [a for a in out if a not in places[0].axes]
    inner: list[tuple[Number, Expr]] = []
    labels: Axes = ()
    for place in places:
        view, axes = views[place.term], place.axes
        kept = [axes[k] for k in needed]
        # The new factor stands where it multiplies from the side on which it is needed.
        labels = (*kept, *outer) if _leads(axes, out) else (*outer, *kept)
        factors = [f for i, f in enumerate(view.factors) if i != place.factor]
        if place.exponent != power:
            factors.append((base, axes, numbers.plus(place.exponent, -power)))
        extents: dict[int, Extent] = dict(view.extents)
        extents.update(zip(axes, base.value_type.shape, strict=True))
        moved, renamed = _renamed(s, factors, labels, extents)
        inner.append((terms[place.term][0], s.product(moved, tuple(range(len(labels))), renamed)))
    rest = s.sum(inner, inner[0][1])
    rest = factored(s, rest, depth + 1) if rest.op is LIN and depth < _DEEPEST else rest
    first = places[-1]
    extents = dict(views[first.term].extents)
    extents.update(zip(first.axes, base.value_type.shape, strict=True))
    product = s.product(
        [(base, first.axes, power), (rest, labels, 1)], out, {a: extents[a] for a in out}
    )
    used = {p.term for p in places}
    kept_terms = [t for q, t in enumerate(terms) if q not in used]
    return s.sum([*kept_terms, (1, product)], node) if kept_terms else product


def _leads(axes: Axes, out: Axes) -> bool:
    """Whether the factor has the first axis of the result, so that the rest follows it."""
    mine = [a for a in out if a in axes]
    return not (bool(mine) and out.index(mine[0]) == 0)


def _needed_axes(
    views: Sequence[View], places: Sequence[Place], power: Number, out: Axes
) -> tuple[list[int], bool]:
    """Positions of the factor's axes that the rest must have too: summed ones, and those that rests share."""
    needed: set[int] = set()
    summed = False
    for place in places:
        view = views[place.term]
        elsewhere = {
            a for i, (_, axes, _) in enumerate(view.factors) if i != place.factor for a in axes
        }
        for k, axis in enumerate(place.axes):
            if axis not in out:
                needed.add(k)
                summed = True
            elif axis in elsewhere or place.exponent != power:
                needed.add(k)
    return sorted(needed), summed


def _renamed(
    s: Session, factors: Sequence[Factor], labels: Axes, extents: dict[int, Extent]
) -> tuple[list[Factor], dict[int, Extent]]:
    """The same product with the labels numbered as axes of a result."""
    names = {label: i for i, label in enumerate(labels)}
    for _, axes, _ in factors:
        for axis in axes:
            if axis not in names:
                names[axis] = s.fresh_axis()
    moved: list[Factor] = [(b, tuple([names[a] for a in axes]), e) for b, axes, e in factors]
    return moved, {names[a]: x for a, x in extents.items() if a in names}


def monomials_out(s: Session, node: Expr) -> Expr:
    """What all terms of a factor share goes into the product, even if that is only as short."""
    view = s.view(node)
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is not LIN or axes != view.out or isinstance(e, Expr) or not numbers.is_whole(e):
            continue
        terms = s.terms(base)
        views = [s.view(t) for _, t in terms]
        whole = _monomial_out(s, base, terms, views, _shared_factors(s, views), least=1)
        if whole is not None:
            result = s.replaced(view, [i], [(whole, axes, e)])
            if cost(s, result) <= cost(s, node):
                return result
    return node
