"""Moves that have no direction of their own: they are made only if the text gets shorter.

Common factors come out of sums whatever their axes, fractions go over one denominator, products are multiplied out,
polynomials cancel. Each candidate is written down and measured, so nothing can go round in circles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.einstein import EIN, EYE, is_ones, ones
from wengert.ops.leaves import Number
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.build import cost
from wengert.rewrite.polynomials import divided
from wengert.rewrite.session import Axes, Exponent, Factor, Session, View

__all__ = ["expanded", "factored", "improved", "together"]

_MOST_TERMS = 24  # longer sums stay as they are
_MOST_EXPANDED = 48
_SMALL = 24  # factors in all terms together, up to which several ways are tried
_DEEPEST = 3  # factors taken out of what is left of a sum, one after the other
_LONGEST = 400  # tokens of a node that is still worth trying


def improved(s: Session, node: Expr) -> Expr:
    """The shortest of the node and what the moves make of it."""
    known: dict[Expr, Expr] = s.scratch.setdefault("improved", {})
    found = known.get(node)
    if found is not None:
        return found
    best = node
    if node.op is LIN or node.op is EIN or node.op is POW:
        try:
            best = _shortest(s, node)
        except (ZeroDivisionError, OverflowError):  # numbers in it have no finite product
            best = node
    known[node] = best
    known.setdefault(best, best)
    return best


def _shortest(s: Session, node: Expr) -> Expr:
    if node.op is LIN and len(node.args) > _MOST_TERMS:
        return node
    if node.op is not LIN and s.level > 1:
        node = _monomials_out(s, node)
    best, least = node, -1
    for _ in range(4):
        before = best
        for candidate in _candidates(s, best):
            if candidate is best:
                continue
            s.fuel -= 1
            if s.fuel < 0:
                return best
            if least < 0:
                least = cost(s, best)
                if least > _LONGEST:
                    return best
            tokens = cost(s, candidate)
            if tokens < least:
                best, least = candidate, tokens
                break
        if best is before or best.op not in (LIN, EIN, POW):
            return best
    return best


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
    cancelled = _cancelled(s, node)
    if cancelled is not None:
        yield cancelled
    below = _denominator_expanded(s, node)
    if below is not None:
        yield below
    flattened = _inner_together(s, node)
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


# --- common factors --------------------------------------------------------------------------------------------
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
        if best.op is not LIN or not 2 <= len(best.args) <= _MOST_TERMS:
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
    """Factors that occur in several terms, by base, the axes of the result they have, and sign of the exponent."""
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
        shared.append((base, places[0].axes, min(abs(p.exponent) for p in places) * sign))
    if len(shared) < least:
        return None
    out = views[0].out
    inverse: list[Factor] = [(b, a, -e) for b, a, e in shared]
    extents = views[0].extents
    kept = {a for a in out}
    inner = s.sum(
        [
            (c, s.product([*v.factors, *inverse], v.out, v.extents))
            for (c, _), v in zip(terms, views, strict=True)
        ],
        node,
    )
    return s.product([*shared, (inner, out, 1)], out, {a: extents[a] for a in kept})


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
    choices = {min(powers, key=abs), min(powers)} if powers[0] < 0 else {min(powers)}
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
        labels = tuple([*outer, *kept]) if not _leads(axes, out) else tuple([*kept, *outer])
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


def _monomials_out(s: Session, node: Expr) -> Expr:
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


# --- fractions -----------------------------------------------------------------------------------------------
def together(s: Session, node: Expr) -> Expr | None:
    """A sum over one denominator; ``None`` where nothing is divided, or some axis is summed over."""
    if node.op is not LIN or len(node.args) < 2 or len(node.args) > _MOST_TERMS:
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
    made = [c if (c2 := _cancelled(s, c)) is None else c2 for c in made]
    return min(made, key=lambda m: cost(s, m))


def _denominator_expanded(s: Session, node: Expr) -> Expr | None:
    """Two sums below, multiplied out: ``1/((1 - x)*(1 + x))`` becomes ``1/(1 - x**2)``."""
    view = s.view(node)
    sums: dict[Exponent, list[int]] = {}
    for i, (base, axes, e) in enumerate(view.factors):
        if base.op is LIN and not isinstance(e, Expr) and e < 0 and axes == view.out:
            sums.setdefault(e, []).append(i)
    for e, places in sums.items():
        if len(places) == 2:
            out, extents = view.out, view.extents
            bases: list[Factor] = [(view.factors[i][0], out, 1) for i in places]
            wide = expanded(s, s.product(bases, out, extents))
            return s.replaced(view, places, [(wide, out, e)])
    return None


def _inner_together(s: Session, node: Expr) -> Expr | None:
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


def _cancelled(s: Session, node: Expr) -> Expr | None:
    """A polynomial above that is a multiple of one below: ``(x**2 - 1)/(x - 1)`` becomes ``x + 1``."""
    if s.strict or node.op not in (EIN, POW):
        return None
    view = s.view(node)
    sums = [(i, f) for i, f in enumerate(view.factors) if f[0].op is LIN and f[2].__class__ is int]
    for i, (above, axes, e) in sums:
        for j, (below, axes2, d) in sums:
            if e > 0 > d and axes == axes2 == view.out:  # type: ignore[operator]  # ints
                for top, under, k in ((above, below, 1), (below, above, -1)):
                    quotient = divided(s, top, under)
                    if quotient is not None:
                        e2, d2 = (e - 1, d + 1)  # type: ignore[operator]  # ints
                        return s.replaced(
                            view,
                            [i, j],
                            [(above, axes, e2), (below, axes, d2), (quotient, axes, k)],
                        )
    return None


# --- multiplying out -----------------------------------------------------------------------------------------
def expanded(s: Session, node: Expr) -> Expr:
    """Sums multiplied out, in a product or in the terms of a sum, as far as few terms result."""
    known: dict[Expr, Expr] = s.scratch.setdefault("expanded", {})
    found = known.get(node)
    if found is None:
        known[node] = found = _expanded(s, node)
    return found


def _expanded(s: Session, node: Expr) -> Expr:
    if node.op is LIN:
        if len(node.args) > _MOST_TERMS:
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
        if base.op is LIN and e.__class__ is int and 1 <= e <= 4 and base not in s.opaque:  # type: ignore[operator]
            changed = True
            terms = [(c, t) for c, t in s.terms(base)]
            for _ in range(e):  # type: ignore[arg-type]  # an int
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
