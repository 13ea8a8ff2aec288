"""Sums of cotangents that touch only what changes.

A cotangent of an element is an array of zeros with one element; that of something a branch or an inner
loop reads is a result of it that starts from zeros. Adding such arrays in every iteration would cost as
much as the whole array each time. So sums in bodies are turned into what happens in place: elements are
added at their places, and inner loops and branches go on from the sum so far.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wengert.ir.node import Expr, make
from wengert.ir.walk import build, depends_on, order, substitute, transform, use_counts
from wengert.ops.algebra import zeros
from wengert.ops.choice import WHERE
from wengert.ops.control.cond import COND, joined_cond, opening_both
from wengert.ops.control.item import ITEM, item
from wengert.ops.control.lengths import Loop
from wengert.ops.control.regions import opened
from wengert.ops.gathering import ADD_AT, add_at
from wengert.ops.indexing import UPDATE, index_by, set_by
from wengert.ops.leaves import Number
from wengert.ops.sums import LIN, add, is_zero, scale

__all__ = ["in_place"]

Addend = tuple[Number, Expr]


class _Wish(NamedTuple):
    """A sum in which result ``place`` of a node is added to ``base``; then comes ``rest``."""

    total: Expr
    place: int
    base: Expr
    rest: list[Addend]


def in_place(outputs: Sequence[Expr]) -> list[Expr]:
    """The outputs of a body with its sums of arrays done in place."""
    found = list(outputs)
    tried: set[Expr] = set()
    while True:
        change = _next_change(found, tried)
        if change is None:
            return transform(found, _sparse_sum)
        found = substitute(found, change)


# --- elements ----------------------------------------------------------------------------------------------
def _is_sparse(node: Expr) -> bool:
    return node.op in (UPDATE, ADD_AT) and is_zero(node.args[0])


def _steps(node: Expr) -> list[Expr] | None:
    """An array that is built by adding elements, as the array below and each addition to zeros."""
    found: list[Expr] = []
    while node.op in (UPDATE, ADD_AT) and not is_zero(node.args[0]):
        value = node.args[1]
        if node.op is UPDATE:
            added = _without(value, index_by(node.args[0], node.attr))
            if added is None:
                break
            value = added
        zero = zeros(node.shape)
        args = (zero, value, *node.args[2:])
        found.append(make(node.op, args, node.attr))
        node = node.args[0]
    return [node, *found[::-1]] if found else None


def _without(value: Expr, part: Expr) -> Expr | None:
    """What is added to a part, if the value is such a sum."""
    if value.op is ADD_AT and value.args[0] is part:
        return make(ADD_AT, (zeros(part.shape), *value.args[1:]), value.attr)
    if value.op is not LIN:
        return None
    terms = list(zip(value.attr, value.args, strict=True))
    if (1, part) not in terms or len(terms) < 2:
        return None
    terms.remove((1, part))
    return _sum(terms)


def _sparse_sum(node: Expr) -> Expr:
    """A sum with the terms that are zero but for some elements added at these."""
    if node.op is not LIN or not node.ndim:
        return node
    terms: list[Addend] = []
    for coefficient, term in zip(node.attr, node.args, strict=True):
        terms += [(coefficient, part) for part in _steps(term) or [term]]
    nonzero = [(c, t) for c, t in terms if c != 0 and not is_zero(t)]
    if not any(_is_sparse(term) for _, term in terms):
        return _sum(nonzero) if nonzero and len(nonzero) < len(terms) else node
    terms = nonzero
    dense = [t for t in terms if not _is_sparse(t[1])]
    if not dense:
        dense, terms = terms[:1], terms[1:]
    total = _sum(dense)
    for coefficient, term in terms:
        if _is_sparse(term):
            total = _added(total, scale(coefficient, term.args[1]), term)
    return total


def _added(total: Expr, value: Expr, like: Expr) -> Expr:
    if like.op is UPDATE:
        both = _sparse_sum(add(index_by(total, like.attr), value))
        return set_by(total, both, like.attr)
    return add_at(total, value, *like.args[2:], axis=like.attr)


def _sum(terms: Sequence[Addend]) -> Expr:
    total: Expr | None = None
    for coefficient, node in [t for t in terms if not is_zero(t[1])] or terms[:1]:
        term = scale(coefficient, node)
        total = term if total is None else add(total, term)
    assert total is not None, "a sum has terms"
    return total


# --- loops and branches ------------------------------------------------------------------------------------
def _next_change(outputs: Sequence[Expr], tried: set[Expr]) -> dict[Expr, Expr] | None:
    """What makes the next inner loop or branch go on from a sum; ``None`` if there is no more."""
    nodes = order(outputs)
    uses = use_counts(outputs)
    results = _results(nodes)
    for node in nodes:
        if node in tried or not (isinstance(node.attr, Loop) or node.op is COND):
            continue
        tried.add(node)
        added = {i for i in results.get(node, {}) if _accumulates(node, i)}
        wishes = _wishes(node, added, nodes, uses) if added else []
        if wishes:
            return _granted(node, wishes, results[node])
    return None


def _results(nodes: Sequence[Expr]) -> dict[Expr, dict[int, Expr]]:
    found: dict[Expr, dict[int, Expr]] = {}
    for node in nodes:
        if node.op is ITEM:
            found.setdefault(node.args[0], {})[node.attr] = node
    return found


def _wishes(
    node: Expr, added: set[int], nodes: Sequence[Expr], uses: Mapping[Expr, int]
) -> list[_Wish]:
    after = depends_on(nodes, {node})
    found: dict[int, _Wish] = {}
    inside = {t for n in nodes if n.op is LIN for t in n.args if t.op is LIN and uses[t] == 1}
    for total in nodes:
        if total.op is not LIN or not total.ndim or total in inside:
            continue
        addends = _addends(total, uses)
        own = [
            (term, index)
            for c, term in addends
            if c == 1 and (index := _picked(term, node, uses)) in added and index not in found
        ]
        later = [not after.isdisjoint((a[1], *a[1].args)) for a in addends]  # steps are new nodes
        before = [a for a, depends in zip(addends, later, strict=True) if not depends]
        if len(own) != 1 or not before:
            continue
        ((term, index),) = own
        assert index is not None
        rest = [
            a for a, depends in zip(addends, later, strict=True) if depends and a[1] is not term
        ]
        found[index] = _Wish(total, index, in_place([_sum(before)])[0], rest)
    return list(found.values())


def _addends(total: Expr, uses: Mapping[Expr, int]) -> list[Addend]:
    """The terms of nested sums."""
    found: list[Addend] = []
    stack = list(zip(total.attr, total.args, strict=True))[::-1]
    while stack:
        coefficient, term = stack.pop()
        once = uses.get(term, 1) == 1
        steps = _steps(term) if once else None
        if term.op is LIN and coefficient == 1 and once and not is_zero(term):
            stack += list(zip(term.attr, term.args, strict=True))[::-1]
        elif steps is not None:
            stack += [(coefficient, step) for step in steps[::-1]]
        else:
            found.append((coefficient, term))
    return found


def _picked(term: Expr, node: Expr, uses: Mapping[Expr, int]) -> int | None:
    """Which result of the node a term is, used nowhere else.

    It may be made a strong zero for the case that it is zero anyway: beside others that has no effect.
    """
    if term.op is WHERE and uses.get(term) == 1:
        several = [a for a in term.args[1:] if a.op is ITEM]
        zero = [a for a in term.args[1:] if is_zero(a)]
        if len(several) == 1 and zero and several[0].args[0] is node:
            return several[0].attr if uses[several[0]] == 1 else None
        return None
    if term.op is ITEM and term.args[0] is node and uses.get(term) == 1:
        index: int = term.attr
        return index
    return None


def _accumulates(node: Expr, index: int) -> bool:
    """Whether a result is an array that starts from zeros, to which the body only adds."""
    if node.op is COND:
        return True
    attr: Loop = node.attr
    position = index - int(attr.counted)
    if not 0 <= position < attr.carries or (attr.go and position == 0):
        return False
    if not is_zero(node.args[int(attr.trip) + position]):
        return False
    param = attr.body.params[1 + position]
    if not param.ndim:
        return False
    touched = _touched(attr.body.nodes, [param])
    others = [o for i, o in enumerate(attr.body.outputs) if i != position]
    return not any(o in touched for o in others) and _adds_to(
        attr.body.outputs[position], param, touched
    )


def _touched(nodes: Sequence[Expr], params: Sequence[Expr]) -> set[Expr]:
    """The nodes that depend on parameters; of the results of a loop those that do."""
    found = set(params)
    for node in nodes:
        if node.op is ITEM and isinstance(node.args[0].attr, Loop):
            if node.args[0] in found and _result_depends(node, found):
                found.add(node)
        elif any(a in found for a in (*node.args, *node.needs)):
            found.add(node)
    return found


def _result_depends(result: Expr, touched: set[Expr]) -> bool:
    """Whether a result of a loop depends on the arguments that are touched."""
    node = result.args[0]
    attr: Loop = node.attr
    first, position = int(attr.trip), result.attr - int(attr.counted)
    places = {n - first for n, arg in enumerate(node.args) if arg in touched}
    if position < 0 or not all(0 <= p < attr.carries for p in places):
        return True
    while True:
        reached = _touched(attr.body.nodes, [attr.body.params[1 + p] for p in places])
        more = {p for p in range(attr.carries) if attr.body.outputs[p] in reached} - places
        if attr.go and 0 in places | more:
            return True
        if not more:
            return position in places or attr.body.outputs[position] in reached
        places |= more


def _adds_to(output: Expr, param: Expr, touched: set[Expr]) -> bool:
    """Whether an output is the parameter plus something that does not depend on it."""
    node = output
    while node is not param:
        if node.op is LIN:
            terms = [(c, a) for c, a in zip(node.attr, node.args, strict=True) if a in touched]
            if len(terms) != 1 or terms[0][0] != 1:
                return False
            node = terms[0][1]
        elif node.op is ADD_AT:
            if any(a in touched for a in node.args[1:]):
                return False
            node = node.args[0]
        elif node.op is UPDATE:
            if not _adds_part(node, touched):
                return False
            node = node.args[0]
        elif node.op is ITEM and isinstance(node.args[0].attr, Loop):
            start = _start_of(node)
            if start is None or any(a in touched for a in node.args[0].args if a is not start):
                return False
            node = start
        else:
            return False
    return True


def _adds_part(node: Expr, touched: set[Expr]) -> bool:
    """Whether an update puts there what was there, plus something else."""
    base, value = node.args
    part = index_by(base, node.attr)
    if value.op is not LIN:
        return False
    terms = [(c, a) for c, a in zip(value.attr, value.args, strict=True) if a in touched]
    return terms == [(1, part)]


def _start_of(result: Expr) -> Expr | None:
    """From what an accumulated result of a loop starts."""
    node = result.args[0]
    attr: Loop = node.attr
    position = result.attr - int(attr.counted)
    if not 0 <= position < attr.carries:
        return None
    param = attr.body.params[1 + position]
    touched = _touched(attr.body.nodes, [param])
    others = [o for i, o in enumerate(attr.body.outputs) if i != position]
    if any(o in touched for o in others):
        return None
    start = node.args[int(attr.trip) + position]
    return start if _adds_to(attr.body.outputs[position], param, touched) else None


# --- granting ----------------------------------------------------------------------------------------------
def _granted(node: Expr, wishes: Sequence[_Wish], results: Mapping[int, Expr]) -> dict[Expr, Expr]:
    """The sums, with the node going on from their bases; and its other results."""
    smaller = _on_from(node, {w.place: w.base for w in wishes})
    change = {result: item(smaller, i) for i, result in results.items()}
    for wish in wishes:
        total = item(smaller, wish.place)
        if wish.rest:
            rest = substitute([_sum(wish.rest)], change)[0]
            total = add(total, rest)
        change[wish.total] = total
    return change


def _on_from(node: Expr, bases: Mapping[int, Expr]) -> Expr:
    if isinstance(node.attr, Loop):
        first = int(node.attr.trip) - int(node.attr.counted)
        args = list(node.args)
        for index, base in bases.items():
            args[first + index] = base
        return build(node.op, tuple(args), node.attr)
    symbols = opening_both(node.attr, node.args[1:])
    bodies = [opened(body, symbols) for body in (node.attr.then, node.attr.orelse)]
    for outputs in bodies:
        for index, base in bases.items():
            outputs[index] = base if is_zero(outputs[index]) else add(base, outputs[index])
    given = dict(zip(symbols, node.args[1:], strict=True))
    then, orelse = (in_place(outputs) for outputs in bodies)
    return joined_cond(node.args[0], then, orelse, given, set(bases.values()))
