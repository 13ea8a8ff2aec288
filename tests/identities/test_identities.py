"""wengert's derivatives against the truths of the table: values, shapes, text, notation."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from identities.points import Point, called, distance, random_point
from identities.table import IDENTITIES, SIZES, Identity

import wengert as wg
from wengert.ir.node import Expr
from wengert.run.reference import evaluate_nodes

POINTS = 3
TOLERANCE = 1e-11

every_identity = pytest.mark.parametrize("identity", IDENTITIES, ids=lambda i: i.name)


def read(text: str, identity: Identity) -> Expr:
    """A text parsed with the declarations of those names that occur in it."""
    names = set(re.findall(r"\w+", text))
    shapes = {name: axes for name, axes in identity.declared.items() if name in names}
    assume = {name: fact for name, fact in identity.assume.items() if name in names}
    return wg.parse(text, assume=assume or None, **shapes)


def value_at(point: Point, expr: Expr, formula: Expr) -> Any:
    """The value of ``expr``; the formula beside it tells the sizes of axes that ``expr`` has no array for."""
    return evaluate_nodes([formula, expr], point)[1]


def assert_true(
    identity: Identity,
    expr: Expr,
    formula: Expr,
    rng: np.random.Generator,
    tolerance: float = TOLERANCE,
) -> None:
    """``expr`` evaluates to the truth of the identity at random points."""
    for _ in range(POINTS):
        point = random_point(identity, rng)
        want = called(identity.truth, point)
        got = value_at(point, expr, formula)
        assert np.shape(got) == np.shape(want), str(expr)
        assert distance(got, want) < tolerance, str(expr)


@every_identity
def test_the_formula_means_its_value(identity: Identity, rng: np.random.Generator) -> None:
    formula = read(identity.formula, identity)
    for _ in range(POINTS):
        point = random_point(identity, rng)
        assert (
            distance(value_at(point, formula, formula), called(identity.value, point)) < TOLERANCE
        )


@every_identity
def test_the_formula_reads_back(identity: Identity) -> None:
    formula = read(identity.formula, identity)
    assert read(str(formula), identity) is formula


@every_identity
@pytest.mark.parametrize("simplify", [False, True], ids=["raw", "simplified"])
def test_the_derivative_is_the_truth(
    identity: Identity, simplify: bool, rng: np.random.Generator
) -> None:
    formula = read(identity.formula, identity)
    derivative = wg.diff(formula, *identity.wrt, simplify=simplify)
    axes = [extent for name in identity.wrt for extent in identity.declared.get(name, ())]
    assert [str(e) for e in derivative.shape] == [str(e) for e in formula.shape] + axes
    assert_true(identity, derivative, formula, rng)


@every_identity
def test_the_derivative_with_numbers_for_extents_is_the_truth(
    identity: Identity, rng: np.random.Generator
) -> None:
    shapes = {name: tuple(SIZES[axis] for axis in axes) for name, axes in identity.declared.items()}
    formula = wg.parse(identity.formula, assume=dict(identity.assume) or None, **shapes)
    assert_true(identity, wg.diff(formula, *identity.wrt), formula, rng)


@every_identity
@pytest.mark.parametrize("simplify", [False, True], ids=["raw", "simplified"])
def test_the_text_of_the_derivative_reads_back(
    identity: Identity, simplify: bool, rng: np.random.Generator
) -> None:
    formula = read(identity.formula, identity)
    text = str(wg.diff(formula, *identity.wrt, simplify=simplify))
    assert_true(identity, read(text, identity), formula, rng)


@every_identity
def test_matrix_notation_suffices_up_to_two_axes(identity: Identity) -> None:
    derivative = wg.diff(read(identity.formula, identity), *identity.wrt)
    if derivative.ndim <= 2:
        assert "einsum" not in str(derivative)


def is_gradient(identity: Identity) -> bool:
    """Whether a scalar is differentiated once."""
    point = random_point(identity, np.random.default_rng(0))
    return len(identity.wrt) == 1 and np.ndim(called(identity.value, point)) == 0


@pytest.mark.parametrize("identity", list(filter(is_gradient, IDENTITIES)), ids=lambda i: i.name)
def test_reverse_mode_agrees(identity: Identity, rng: np.random.Generator) -> None:
    formula = read(identity.formula, identity)
    for simplify in (False, True):
        found = wg.gradient(formula, *identity.wrt, simplify=simplify)
        assert_true(identity, found, formula, rng)


@pytest.mark.parametrize("identity", [i for i in IDENTITIES if i.human], ids=lambda i: i.name)
def test_what_a_person_writes_is_the_truth(identity: Identity, rng: np.random.Generator) -> None:
    assert_true(identity, read(identity.human, identity), read(identity.formula, identity), rng)
