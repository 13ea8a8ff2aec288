"""The text of a node is the Python expression that builds it: read back, it is the same object."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from show.expressions import expressions
from show.formulas import MATRICES, SCALARS, shapes_of
from show.reading_back import read_back

import wengert as wg
from wengert.ir.node import Expr
from wengert.ir.walk import leaves
from wengert.ops.leaves import SIZE, SYMBOL


def parsed(text: str, e: Expr) -> Expr:
    symbols = {s.attr.name: s for s in leaves([e]) if s.op is SYMBOL}
    return wg.parse(text, **symbols)


@pytest.mark.parametrize("formula", SCALARS + MATRICES)
def test_texts_build_their_node(formula: str) -> None:
    e = wg.parse(formula, **shapes_of(formula))
    assert read_back(str(e), e) is e
    assert parsed(str(e), e) is e


@pytest.mark.parametrize("formula", SCALARS + MATRICES)
def test_derivatives_too(formula: str) -> None:
    e = wg.parse(formula, **shapes_of(formula))
    for symbol in e.free_symbols[:2]:
        if e.shape or symbol.shape or e.type.dtype != "float64":
            continue
        derivative = wg.diff(e, symbol, simplify=False)
        assert read_back(str(derivative), derivative) is derivative, derivative


@given(expressions())
@settings(max_examples=400)
def test_random_texts_build_their_node(e: Expr) -> None:
    assert read_back(str(e), e) is e


@given(expressions())
@settings(max_examples=150)
def test_random_texts_parse(e: Expr) -> None:
    # Without an array that has the axis, the parser cannot know that a name is a size.
    known = {str(extent) for s in e.free_symbols for extent in s.shape}
    assume(all(str(leaf.attr) in known for leaf in leaves([e]) if leaf.op is SIZE))
    assert parsed(str(e), e) is e
