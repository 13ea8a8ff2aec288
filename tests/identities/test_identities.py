"""wengert's derivatives against the truths of the table: values, shapes, text, notation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from identities.points import Point, called, distance, random_point
from identities.table import IDENTITIES, SIZES, Identity
from wengert.frontend.parse import parse

from wengert.diff.formulas import diff, gradient
from wengert.ir.node import Expr
from wengert.run.reference import evaluate_nodes

POINTS = 3
TOLERANCE = 1e-11

every_identity = pytest.mark.parametrize("identity", IDENTITIES, ids=lambda i: i.name)


def formula_of(identity: Identity) -> Expr:
    return parse(identity.formula, assume=dict(identity.assume) or None, **identity.declared)


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
    formula = formula_of(identity)
    for _ in range(POINTS):
        point = random_point(identity, rng)
        assert (
            distance(value_at(point, formula, formula), called(identity.value, point)) < TOLERANCE
        )


@every_identity
def test_the_formula_reads_back(identity: Identity) -> None:
    formula = formula_of(identity)
    assumptions = dict(identity.assume) or None
    assert parse(str(formula), assume=assumptions, **identity.declared) is formula


@every_identity
@pytest.mark.parametrize("simplify", [False, True], ids=["raw", "simplified"])
def test_the_derivative_is_the_truth(
    identity: Identity, simplify: bool, rng: np.random.Generator
) -> None:
    formula = formula_of(identity)
    derivative = diff(formula, *identity.wrt, simplify=simplify)
    axes = [extent for name in identity.wrt for extent in identity.declared.get(name, ())]
    assert [str(e) for e in derivative.shape] == [str(e) for e in formula.shape] + axes
    assert_true(identity, derivative, formula, rng)


@every_identity
def test_the_derivative_with_numbers_for_extents_is_the_truth(
    identity: Identity, rng: np.random.Generator
) -> None:
    shapes = {name: tuple(SIZES[axis] for axis in axes) for name, axes in identity.declared.items()}
    formula = parse(identity.formula, assume=dict(identity.assume) or None, **shapes)
    assert_true(identity, diff(formula, *identity.wrt), formula, rng)


@every_identity
@pytest.mark.parametrize("simplify", [False, True], ids=["raw", "simplified"])
def test_the_text_of_the_derivative_reads_back(
    identity: Identity, simplify: bool, rng: np.random.Generator
) -> None:
    formula = formula_of(identity)
    text = str(diff(formula, *identity.wrt, simplify=simplify))
    again = parse(text, assume=dict(identity.assume) or None, **identity.declared)
    assert_true(identity, again, formula, rng)


@every_identity
def test_matrix_notation_suffices_up_to_two_axes(identity: Identity) -> None:
    derivative = diff(formula_of(identity), *identity.wrt)
    if derivative.ndim <= 2:
        assert "einsum" not in str(derivative)


@pytest.mark.parametrize(
    "identity", [i for i in IDENTITIES if len(i.wrt) == 1], ids=lambda i: i.name
)
def test_reverse_mode_agrees(identity: Identity, rng: np.random.Generator) -> None:
    formula = formula_of(identity)
    if formula.ndim:
        pytest.skip("reverse mode gives gradients of scalars")
    for simplify in (False, True):
        found = gradient(formula, *identity.wrt, simplify=simplify)
        assert_true(identity, found, formula, rng)


@pytest.mark.parametrize("identity", [i for i in IDENTITIES if i.human], ids=lambda i: i.name)
def test_what_a_person_writes_is_the_truth(identity: Identity, rng: np.random.Generator) -> None:
    human = parse(identity.human, assume=dict(identity.assume) or None, **identity.declared)
    assert_true(identity, human, formula_of(identity), rng)
