"""Reverse mode for all elements of an output at once: cotangents as products.

The cotangents of a node ``v`` for all elements of the output ``u`` are an array ``C[s, p]`` with the axes
``s`` of ``u`` and ``p`` of ``v``. It is kept as a sum of products

    C[s, p] = sum_t  core_t[p] * factor_t1[...] * factor_t2[...] * ...

in which factors have axes of both kinds; at first, ``core`` is 1 and the factors are identity matrices.
What works element by element works on the cores alone, an Einstein product renames and sums axes of factors
(of which identity matrices vanish), and factors that do not have axes of ``v`` go past every linear map.
So no zeros of identity matrices are multiplied, and the derivative by a large array is made of those by
the smaller ones it acts through (Laue, Mitterreiter, Giesen 2020: compressed derivatives).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from wengert.diff.forward import TRANSFORMS
from wengert.diff.products import (
    Factor,
    contracted,
    opened,
    parts_of,
    rid_of_identities,
    times_extents,
    times_numbers,
    with_numbers,
)
from wengert.diff.reverse import added
from wengert.diff.rules import Cotangent, pull_back
from wengert.errors import NoDerivativeError
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr, paused_gc
from wengert.ir.op import Linear, Rule
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import depends_on, order
from wengert.ops.control.item import items
from wengert.ops.control.looped import COUNTER, Looped, closed_loop
from wengert.ops.diagonals import on_diagonals
from wengert.ops.einstein import EIN, EYE, broadcast_to, ein, eye
from wengert.ops.layout import reshape
from wengert.ops.leaves import ONE, Number, fresh, size
from wengert.ops.sums import add

__all__ = ["rows"]

# Axes of the output are -1, -2, ...; axes of a node count from 0.
Factors: TypeAlias = tuple[Factor, ...]
Terms: TypeAlias = dict[Factors, Expr]  # the core of each product of factors

MOST = 4  # products of a cotangent, before they are added up


def rows(output: Expr, unit: Expr, wrt: Sequence[Expr]) -> list[Expr | None]:
    """Cotangents of ``wrt`` for ``unit`` times each element of the output, whose axes come first."""
    with paused_gc():
        return _Sweep(output, wrt).rows(unit)


class _Sweep:
    """One sweep from an output back to some nodes."""

    def __init__(self, output: Expr, wrt: Sequence[Expr]) -> None:
        self.output, self.wrt = output, wrt
        self.extents: dict[int, Extent] = {-1 - i: e for i, e in enumerate(output.shape)}
        self.found: dict[Expr, Terms] = {}
        self.several: dict[Expr, list[Terms]] = {}

    def rows(self, unit: Expr) -> list[Expr | None]:
        output = self.output
        seeds = [(eye(e), (-1 - i, i)) for i, e in enumerate(output.shape)]
        self.sweep(output, self.wrt, {_sorted(seeds): broadcast_to(unit, output.shape)})
        return [self.dense(self.found.get(source), source) for source in self.wrt]

    def sweep(self, output: Expr, wrt: Sequence[Expr], given: Terms) -> None:
        """Find the cotangents of ``wrt`` for those of a node."""
        nodes = order([output])
        sources = set(wrt)
        active = depends_on(nodes, sources)
        if output in active:
            self.found[output] = given
        for node in reversed(nodes):
            if not node.args or node not in active or node in sources:
                continue
            if isinstance(node.type, TupleType):
                lists = self.several.pop(node, None)
                if lists is not None:
                    self.pull_any(node, lists, [a in active for a in node.args])
                continue
            terms = self.found.pop(node, None)
            if terms:
                self.pull(node, terms, [arg in active for arg in node.args])

    def pull(self, node: Expr, terms: Terms, wanted: Sequence[bool]) -> None:
        first = node.args[0]
        if isinstance(first.type, TupleType):
            empty: list[Terms] = [{} for _ in first.type.items]
            into = self.several.setdefault(first, empty)[node.attr]
            for factors, core in terms.items():
                _accumulate(into, factors, core)
            return
        if len(terms) > MOST:
            terms = self.together(terms, node)
        if node.op is EIN:
            for slot, want in enumerate(wanted):
                if want:
                    self.pull_product(node, terms, slot)
        elif _is_elementwise(node, wanted):
            for factors, core in terms.items():
                cotangents = pull_back(node, core, wanted, TRANSFORMS)
                for arg, ct in zip(node.args, cotangents, strict=True):
                    if ct is not None:
                        assert isinstance(ct, Expr)
                        self.accumulate(arg, factors, broadcast_to(ct, arg.shape))
        elif not self.pull_rule(node, terms, wanted):
            self.pull_any(node, [terms], wanted)

    def pull_rule(self, node: Expr, terms: Terms, wanted: Sequence[bool]) -> bool:
        """Through an op whose forward rule is made of sums and products only, if it is."""
        rule = node.op.diff
        if not isinstance(rule, Rule) or node.op.bodies is not None:
            return False
        seeds = [fresh(a.value_type) if w else None for a, w in zip(node.args, wanted, strict=True)]
        change = rule.jvp(node.args, seeds, node, attr=node.attr, diff=TRANSFORMS)
        if not isinstance(change, Expr) or change.shape != node.shape:
            return False
        sources = [s for s in seeds if s is not None]
        nodes = order([change])
        active = depends_on(nodes, sources)
        if change in sources or any(isinstance(n.op.diff, Rule) for n in active):
            return False
        self.sweep(change, sources, terms)
        for arg, seed in zip(node.args, seeds, strict=True):
            if seed is not None:
                for factors, core in self.found.pop(seed, {}).items():
                    self.accumulate(arg, factors, core)
        return True

    def accumulate(self, node: Expr, factors: Factors, core: Expr) -> None:
        _accumulate(self.found.setdefault(node, {}), factors, core)

    def accumulate_array(
        self, node: Expr, outside: Factors, array: Expr, labels: tuple[int, ...]
    ) -> None:
        """Add an array to one that is there, if there is one with the same axes."""
        terms = self.found.setdefault(node, {})
        ones = broadcast_to(ONE, node.shape)
        for factors, core in terms.items():
            rest = _rest(factors, outside) if core is ones else None
            if rest is not None and rest[1] == labels:
                del terms[factors]
                array = added(rest[0], array)
                break
        _accumulate(terms, _sorted([*outside, (array, labels)]), ones)

    # --- products ----------------------------------------------------------------------------------------
    def pull_product(self, node: Expr, terms: Terms, slot: int) -> None:
        """Cotangents of one factor of an Einstein product, whose axes are called as in the product."""
        spec, arg = node.attr, node.args[slot]
        extents = dict(zip(spec.out, node.shape, strict=True))
        others: list[Factor] = []
        for i, (other, axes) in enumerate(zip(node.args, spec.factors, strict=True)):
            extents.update(zip(axes, other.shape, strict=True))
            if i != slot:
                others.append((other, axes))
        target: list[int] = []
        for position, axis in enumerate(spec.factors[slot]):
            if axis in target:  # a diagonal
                copy = 1 + max(extents)
                extents[copy] = arg.shape[position]
                others.append((eye(extents[copy]), (axis, copy)))
                axis = copy
            target.append(axis)
        for factors, core in terms.items():
            numbers, product = opened(core, spec.out)
            moved = [(f, tuple([spec.out[x] if x >= 0 else x for x in ls])) for f, ls in factors]
            product = [*product, *moved]
            for along in others:
                more, inside = opened(*along)
                numbers += more
                product += inside
            self.distribute(arg, numbers, product, target, {**extents, **self.extents})

    def distribute(
        self,
        arg: Expr,
        numbers: list[Number],
        product: list[Factor],
        target: list[int],
        extents: dict[int, Extent],
    ) -> None:
        """A product over the axes ``target`` of an argument and those of the output, as a term."""
        summed = {x for x in extents if x >= 0} - set(target)
        product = rid_of_identities(product, summed)
        present = {x for _, ls in product for x in ls}
        mine: list[Factor] = []
        times_extents([extents[x] for x in summed - present], numbers, mine)
        kept = set(extents) - summed
        factors: list[Factor] = []
        names = {axis: position for position, axis in enumerate(target)}
        for part in parts_of(product, summed):
            if not all(set(ls) <= kept for _, ls in part):
                left = kept & {x for _, ls in part for x in ls}
                part = with_numbers(numbers, part, left, extents)
                part = [contracted(part, None, kept, extents)]
            for node, labels in part:
                more, inside = opened(node, labels)
                numbers += more
                for factor, axes in inside:
                    if all(x >= 0 for x in axes):
                        mine.append((factor, axes))
                    else:
                        factors.append((factor, tuple([names.get(x, x) for x in axes])))
        core = ein(mine, target, {x: extents[x] for x in target})
        self.accumulate(arg, _sorted(factors), times_numbers(numbers, core))

    # --- any op ------------------------------------------------------------------------------------------
    def pull_any(self, node: Expr, lists: list[Terms], wanted: Sequence[bool]) -> None:
        """Through ops that take cotangents as arrays, with the axes of the output in front."""
        given = [factors for terms in lists for factors in terms]
        if not given:
            return
        outside = _common(given, lambda labels: all(x < 0 for x in labels))
        stack = _stack_of(given, outside)
        types = node.type.items if isinstance(node.type, TupleType) else (node.value_type,)
        stacks: list[Expr | None] = []
        for terms, type_ in zip(lists, types, strict=True):
            assert isinstance(type_, Type)
            stacks.append(self.summed(terms, outside, stack, type_.shape) if terms else None)
        ct: Cotangent | None = stacks if isinstance(node.type, TupleType) else stacks[0]
        assert ct is not None
        for arg, found in zip(node.args, self.pulled(node, ct, wanted, stack), strict=True):
            if isinstance(found, Expr):
                if stack:
                    self.accumulate_array(arg, outside, found, (*stack, *range(arg.ndim)))
                else:
                    self.accumulate(arg, _sorted(outside), found)

    def pulled(
        self, node: Expr, ct: Cotangent, wanted: Sequence[bool], stack: Sequence[int]
    ) -> list[Cotangent | None]:
        try:
            return pull_back(node, ct, wanted, TRANSFORMS)
        except NoDerivativeError:
            if not stack:
                raise
        return self.one_by_one(node, ct, wanted, [self.extents[x] for x in stack])

    def one_by_one(
        self, node: Expr, ct: Cotangent, wanted: Sequence[bool], lead: list[Extent]
    ) -> list[Cotangent | None]:
        """Through an op that takes one cotangent at a time."""
        several = isinstance(ct, list)
        stacks = ct if isinstance(ct, list) else [ct]
        seeds = [
            None if c is None else fresh(Type(c.value_type.dtype, c.shape[len(lead) :]))
            for c in stacks
        ]
        one: Cotangent | None = seeds if several else seeds[0]
        assert one is not None
        found = pull_back(node, one, wanted, TRANSFORMS)
        count = size_of(lead)
        live = [i for i, c in enumerate(found) if isinstance(c, Expr)]
        results = [
            broadcast_to(c, node.args[i].shape)
            for i, c in enumerate(found)
            if isinstance(c, Expr)
        ]  # fmt: skip
        scans = [
            (seed, reshape(c, (count, *seed.shape)))
            for seed, c in zip(seeds, stacks, strict=True)
            if seed is not None and c is not None
        ]
        looped = Looped(
            k=fresh(COUNTER, "k"), carries=[], outputs=[], rows=results, scans=scans,
            trip=size(count), length=count,
        )  # fmt: skip
        made: list[Cotangent | None] = [None] * len(found)
        if results:
            for i, stacked in zip(live, items(closed_loop(looped)), strict=True):
                made[i] = reshape(stacked, (*lead, *node.args[i].shape))
        return made

    # --- sums of terms -----------------------------------------------------------------------------------
    def summed(
        self, terms: Terms, outside: Factors, stack: Sequence[int], shape: Sequence[Extent]
    ) -> Expr:
        """The sum of products without the factors ``outside``, with the axes ``stack`` in front."""
        extents = {**self.extents, **dict(enumerate(shape))}
        out = [*stack, *range(len(shape))]
        total: Expr | None = None
        for factors, core in terms.items():
            rest = _without(factors, outside)
            numbers, product = opened(core, tuple(range(len(shape))))
            product = with_numbers(numbers, [*product, *rest], out, extents)
            found, _ = contracted(product, out, out, extents)
            found = times_numbers(numbers, found)
            total = found if total is None else add(total, found)
        assert total is not None
        return total

    def together(self, terms: Terms, node: Expr) -> Terms:
        """The same as one product."""
        common = _common(list(terms), lambda labels: True)
        stack = _stack_of(list(terms), common)
        found = self.summed(terms, common, stack, node.shape)
        if not stack:
            return {common: found}
        factor = found, (*stack, *range(node.ndim))
        return {_sorted([*common, factor]): broadcast_to(ONE, node.shape)}

    def dense(self, terms: Terms | None, source: Expr) -> Expr | None:
        """The array of all cotangents of a node."""
        if not terms:
            return None
        groups: dict[Factors, Terms] = {}
        for factors, core in terms.items():
            identities = tuple([f for f in factors if f[0].op is EYE])
            groups.setdefault(identities, {})[factors] = core
        total: Expr | None = None
        for identities, group in groups.items():
            found = self.with_identities(identities, group, source.shape)
            total = found if total is None else add(total, found)
        return total

    def with_identities(self, identities: Factors, terms: Terms, shape: Sequence[Extent]) -> Expr:
        """The sum of terms that have the same identity matrices: all else is zero."""
        extents = {**self.extents, **dict(enumerate(shape))}
        out = [*sorted(self.extents, reverse=True), *range(len(shape))]
        first = {x: x for x in out}  # of axes that are equal, the first in the result
        for _, (a, b) in identities:
            low, high = sorted((first[a], first[b]), key=out.index)
            first = {x: low if y == high else y for x, y in first.items()}
        axes = list(dict.fromkeys(first.values()))
        common = _common(list(terms), lambda labels: True)
        numbers: list[Number] = []
        if len(terms) == 1:
            ((_, core),) = terms.items()
            numbers, product = opened(core, tuple(range(len(shape))))
        else:
            stack = _stack_of(list(terms), common)
            rest = self.summed(terms, common, stack, shape)
            product = [(rest, (*stack, *range(len(shape))))]
        product += _without(common, identities)
        product = [(f, tuple([first[x] for x in ls])) for f, ls in product]
        product = with_numbers(numbers, product, axes, extents)
        found, _ = contracted(product, axes, axes, extents)
        found = times_numbers(numbers, found)
        return on_diagonals(found, [axes.index(first[x]) for x in out])


def _is_elementwise(node: Expr, wanted: Sequence[bool]) -> bool:
    diff = node.op.diff
    if not node.op.elementwise and not (isinstance(diff, Linear) and diff.elementwise):
        return False
    return all(a.shape == node.shape for a, want in zip(node.args, wanted, strict=True) if want)


def _accumulate(terms: Terms, factors: Factors, core: Expr) -> None:
    known = terms.get(factors)
    terms[factors] = core if known is None else add(known, core)


def _sorted(factors: Iterable[Factor]) -> Factors:
    turned = [(f, tuple(sorted(ls)) if f.op is EYE else ls) for f, ls in factors]
    return tuple(sorted(turned, key=lambda f: (f[0].serial, f[1])))


def _stack_of(given: Sequence[Factors], common: Factors) -> list[int]:
    """The axes of the output that products have besides common factors."""
    found = {x for factors in given for _, ls in _without(factors, common) for x in ls if x < 0}
    return sorted(found, reverse=True)


def _common(given: Sequence[Factors], fits: object) -> Factors:
    """Factors that all products have, as often as each of them has it."""
    assert callable(fits)
    found: list[Factor] = []
    rest = [list(factors) for factors in given[1:]]
    for factor in given[0]:
        if fits(factor[1]) and all(factor in other for other in rest):
            found.append(factor)
            for other in rest:
                other.remove(factor)
    return tuple(found)


def _without(factors: Factors, gone: Factors) -> Factors:
    left = list(factors)
    for factor in gone:
        left.remove(factor)
    return tuple(left)


def _rest(factors: Factors, outside: Factors) -> Factor | None:
    """The one factor besides those outside, if there is just one."""
    left = list(factors)
    for factor in outside:
        if factor not in left:
            return None
        left.remove(factor)
    return left[0] if len(left) == 1 else None
