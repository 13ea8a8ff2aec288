"""Goes bottom-up over a graph: brings each node to normal form and applies the rules of its root.

Rules are found by root and by what occurs among terms and factors (see ``rule``). Results are remembered
per node, nested rule applications and their number are limited, and nothing recurses over the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from wengert.ir.node import Expr
from wengert.ir.op import Op, lookup
from wengert.ir.types import TupleType, is_inexact
from wengert.ir.walk import order, rebuild
from wengert.ops.arithmetic import DIV
from wengert.ops.einstein import EIN
from wengert.ops.given import GIVEN
from wengert.ops.leaves import CONSTANT, Number, number_of
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite.build import built, called, cost
from wengert.rewrite.cost import token_cost
from wengert.rewrite.numbers import times
from wengert.rewrite.rule import Rule, named
from wengert.rewrite.session import Session
from wengert.rewrite.views import HALF, Factor
from wengert.rewrite.vocabulary import SQRT

__all__ = ["matched", "normal_form", "prepare", "settled", "walked"]

_DEEPEST = 40  # nested applications of rules; beyond it a node stays as it is
_MOST_TERMS = 24  # sums of more are matched in parts
_SHARED = 200  # tokens: what several nodes share is looked into only if it is no longer than this
Found: TypeAlias = Mapping[Op, tuple[Rule, ...]]


# --- rules by root -------------------------------------------------------------------------------------
@cache
def _wanted(level: int, strict: bool, stable: bool) -> tuple[Rule, ...]:
    """The rules of a level: those that enlarge the domain not if strict, those for reading not if stable."""
    return tuple(
        rule
        for rule in named().values()
        if rule.level <= level
        and not (strict and rule.kind in "RC")
        and rule.use != ("formula" if stable else "stable")
    )


@cache
def _index(rules: tuple[Rule, ...]) -> tuple[Found, Found, Found]:
    """Rules of sums by op of a factor in a term, of products by op of a factor, of functions by op."""
    tables: tuple[dict[Op, list[Rule]], ...] = ({}, {}, {})
    kinds = {"sum": 0, "product": 1}
    for rule in rules:
        table = tables[kinds.get(rule.root, 2)]
        for name in rule.triggers if rule.root in kinds else (rule.root,):
            table.setdefault(lookup(name), []).append(rule)
    sums, products, functions = ({op: tuple(r) for op, r in t.items()} for t in tables)
    return sums, products, functions


def prepare(s: Session, rules: tuple[Rule, ...] | None = None) -> Session:
    """A session that applies the rules of its level, or the given ones only."""
    if rules is None:
        rules = _wanted(s.level, s.strict, s.stable)
    sums, products, functions = _index(rules)

    def settle(node: Expr) -> Expr:
        return settled(s, node, sums, products, functions)

    s.settle = settle
    return s


def settled(s: Session, node: Expr, sums: Found, products: Found, functions: Found) -> Expr:
    """The node after all rules that match it; what they return is settled already."""
    found = s.settled.get(node)
    if found is not None:
        return found
    if s.depth > _DEEPEST:
        return node
    op = node.op
    if op is LIN:
        candidates = _for_sum(s, node, sums)
    elif op is EIN or op is POW:
        candidates = _for_product(s, node, products)
    else:
        candidates = functions.get(op, ())
    s.settled[node] = node  # a rule that comes back to this node finds it as it is
    if not candidates:
        return node
    s.depth += 1
    try:
        result = _first(s, node, candidates)
    finally:
        s.depth -= 1
    s.settled[node] = result
    return result


def _first(s: Session, node: Expr, candidates: Iterable[Rule]) -> Expr:
    for rule in candidates:
        try:
            result = rule.apply(s, node)
            if result is None or result is node:
                continue
            if rule.shorter and cost(s, result) >= cost(s, node):
                continue
        except (ZeroDivisionError, OverflowError):  # the numbers have no finite result
            continue
        s.fired[rule.name] = s.fired.get(rule.name, 0) + 1
        return s.settle(result)
    return node


def _for_product(s: Session, node: Expr, products: Found) -> Sequence[Rule]:
    found: dict[Rule, None] = {}
    for base, _, _ in s.view(node).factors:
        for rule in products.get(base.op, ()):
            found[rule] = None
    return tuple(found)


def _for_sum(s: Session, node: Expr, sums: Found) -> Sequence[Rule]:
    found: dict[Rule, None] = {}
    for term in node.args:
        for base, _, _ in s.view(term).factors:
            for rule in sums.get(base.op, ()):
                found[rule] = None
    return tuple(found)


# --- normal forms --------------------------------------------------------------------------------------
Reader: TypeAlias = Callable[[Session, Expr, tuple[Expr, ...]], Expr]


def normal_form(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    """A node on arguments in normal form, itself in normal form."""
    if not args:
        if node.op is CONSTANT and not _is_finite(node.attr):
            s.untouched.add(node)
        return node
    reader = _READERS.get(node.op)
    try:
        if s.untouched and not s.untouched.isdisjoint(args):
            # What depends on infinity or NaN stays as it is typed: inf - inf is not 0.
            result = rebuild(node, args)
            s.untouched.add(result)
            return result
        if not _is_ordinary(node):
            return rebuild(node, args)
        if reader is not None:
            return reader(s, node, args)
        return s.apply(node.op, *args, attr=node.attr)
    except (ZeroDivisionError, OverflowError):
        return rebuild(node, args)


def _is_finite(value: Any) -> bool:  # Any: what a constant may hold
    return isinstance(value, (int, Fraction)) or bool(np.all(np.isfinite(value)))


def _is_ordinary(node: Expr) -> bool:
    """Whether real algebra holds for the node: floating-point numbers, or Python's."""
    if isinstance(node.type, TupleType) or node.op.bodies is not None:
        return False
    return (
        all(
            not isinstance(a.type, TupleType) and (a.type.weak or is_inexact(a.type))
            for a in node.args
        )
        or node.op not in _READERS
    )


def _read_sum(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    return s.sum(zip(node.attr, args, strict=True), node)


def _read_product(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    spec = node.attr
    factors: list[Factor] = [(a, axes, 1) for a, axes in zip(args, spec.factors, strict=True)]
    if not spec.out and not any(spec.factors):
        return s.product(factors)
    extents = dict(spec.new)
    for a, axes in zip(args, spec.factors, strict=True):
        extents.update(zip(axes, a.value_type.shape, strict=True))
    return s.product(factors, spec.out, extents)


def _read_quotient(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    above, below = args
    if not node.value_type.shape:
        return s.product([(above, (), 1), (below, (), -1)])
    out = tuple(range(node.ndim))
    extents = dict(zip(out, node.shape, strict=True))
    return s.product([(above, out, 1), (below, out, -1)], out, extents)


def _read_power(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    base, exponent = args
    number = number_of(exponent)
    if number is None and node.ndim:
        return s.settle(rebuild(node, args))
    return s.raise_to(base, exponent if number is None else number)


def _read_given(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    return args[0]  # its conditions are those of the expression, and are put back at the end


def _read_root(s: Session, node: Expr, args: tuple[Expr, ...]) -> Expr:
    return s.raise_to(args[0], HALF)


_READERS: dict[Op, Reader] = {
    LIN: _read_sum,
    EIN: _read_product,
    DIV: _read_quotient,
    POW: _read_power,
    SQRT: _read_root,
    GIVEN: _read_given,
}


# --- walks ---------------------------------------------------------------------------------------------
def walked(s: Session, root: Expr) -> Expr:
    """A graph in normal form, with the rules of the session applied everywhere."""
    nodes = order([root])
    uses, inner = _uses(nodes)
    done: dict[Expr, Expr] = {}
    for node in nodes:
        if node in inner:
            continue
        if node.op is LIN and any(a in inner for a in node.args):
            result = _long_sum(s, node, inner, done)
        else:
            result = normal_form(s, node, tuple([done[a] for a in node.args]))
        done[node] = result
        if uses.get(node, 0) > 1 and len(result.args) > 1 and _is_long(s, node):
            s.opaque.add(result)
    return done[root]


def matched(s: Session, plain: Session, root: Expr) -> Expr:
    """The graph with the rules of ``s`` applied where they match, and everything else left as it stands.

    ``plain`` is a session without rules: where both give the same normal form, no rule has matched.
    """
    nodes = order([root])
    uses, _ = _uses(nodes)
    written: dict[Expr, Expr] = {}
    normal: dict[Expr, Expr] = {}
    for node in nodes:
        kept = called(node, tuple([written[a] for a in node.args])) if node.args else node
        args = tuple([normal[a] for a in node.args])
        after, before = normal_form(s, node, args), normal_form(plain, node, args)
        changed = after is not before or (after in s.smoothed and after is not kept)
        if changed and not s.stable:
            changed = cost(s, after) <= token_cost(kept, s.tokens)
        written[node] = built(s, after) if changed else kept
        normal[node] = after
        shared = uses.get(node, 0) > 1 and len(after.args) > 1 and _is_long(s, node)
        if shared or len(after.args) > _MOST_TERMS:
            s.opaque.add(after)
            plain.opaque.add(after)
    return written[root]


def _is_long(s: Session, node: Expr) -> bool:
    known: dict[Expr, int] = s.scratch.setdefault("original tokens", {})
    return token_cost(node, known) > _SHARED


def _uses(nodes: Sequence[Expr]) -> tuple[dict[Expr, int], set[Expr]]:
    """How often each node is used, and the sums that are a term of a single sum."""
    uses: dict[Expr, int] = {}
    summed: set[Expr] = set()
    for node in nodes:
        is_sum = node.op is LIN and len(node.args) > 1
        for arg in node.args:
            uses[arg] = uses.get(arg, 0) + 1
            if is_sum and arg.op is LIN:
                summed.add(arg)
    return uses, {n for n in summed if uses[n] == 1}


def _long_sum(s: Session, node: Expr, inner: set[Expr], done: Mapping[Expr, Expr]) -> Expr:
    """All terms of nested sums at once, so that a chain of any length costs linear time."""
    terms: list[tuple[Number, Expr]] = []
    stack: list[tuple[Number, Expr]] = [(1, node)]
    try:
        while stack:
            c, top = stack.pop()
            if top is node or top in inner:
                stack += [(times(c, d), a) for d, a in zip(top.attr, top.args, strict=True)]
            else:
                terms.append((c, done[top]))
        return s.sum(terms, node)
    except (ZeroDivisionError, OverflowError):
        return node
