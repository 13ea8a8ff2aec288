"""What is shown does not depend on the order in which the nodes were made."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from show.expressions import expressions
from show.formulas import MATRICES, SCALARS, shapes_of

import wengert as wg
from wengert.ir.node import Expr, make, sweep
from wengert.ir.op import Op
from wengert.ir.walk import order
from wengert.ops.leaves import SYMBOL


class Step(NamedTuple):
    """How to make one node: its op, its attribute, and which of the nodes before are its arguments."""

    op: Op
    attr: Any  # Any: whatever the op has
    args: tuple[int, ...]
    node: Expr | None  # the node itself, where it is a leaf that is no symbol


def steps_of(e: Expr) -> list[Step]:
    """The recipe for an expression; its symbols get names that nothing else has."""
    number: dict[Expr, int] = {}
    steps = []
    for node in order([e]):
        attr = node.attr
        if node.op is SYMBOL:
            attr = attr._replace(name=f"{attr.name}_q")
        leaf = node if not node.args and node.op is not SYMBOL else None
        steps.append(Step(node.op, attr, tuple(number[a] for a in node.args), leaf))
        number[node] = len(number)
    return steps


def made(steps: Sequence[Step], rng: random.Random) -> Expr:
    """The expression, its nodes made anew in a random order that respects what needs what."""
    sweep()
    done: dict[int, Expr] = {}
    open_ = list(range(len(steps)))
    while open_:
        ready = [i for i in open_ if all(a in done for a in steps[i].args)]
        i = rng.choice(ready)
        open_.remove(i)
        op, attr, args, node = steps[i]
        if node is None and not args:
            node = make(op, (), attr)
        elif node is None:
            build = op.build
            nodes = tuple(done[a] for a in args)
            if build is None:
                node = make(op, nodes, attr)
            else:
                node = build(*nodes) if attr is None else build(*nodes, attr=attr)
        assert node is not None
        done[i] = node
    return done[len(steps) - 1]


def texts(e: Expr) -> list[str]:
    return [str(e), e.numpy(), e.unicode(), e.latex(), e.dot(), e.svg(), repr(e)]


def check(steps: Sequence[Step]) -> None:
    wanted = texts(made(steps, random.Random(0)))
    for seed in (1, 2):
        assert texts(made(steps, random.Random(seed))) == wanted


@pytest.mark.parametrize("formula", SCALARS + MATRICES)
def test_formulas(formula: str) -> None:
    check(steps_of(wg.parse(formula, **shapes_of(formula))))


@given(expressions())
@settings(max_examples=150)
def test_random_expressions(e: Expr) -> None:
    check(steps_of(e))


def test_large_graphs() -> None:
    a = [wg.symbol(name) for name in "abcdefgh"]
    e = sum(wg.sin(x * y + z) for x in a for y in a for z in a[:2])
    assert isinstance(e, Expr)
    check(steps_of(e))


def test_nodes_really_are_made_in_another_order() -> None:
    steps = steps_of(wg.parse("sin(x)*cos(y)"))
    ages = {made(steps, random.Random(seed)).args[0].op.name for seed in range(8)}
    assert ages == {"sin", "cos"}
