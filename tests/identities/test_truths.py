"""The table's truths hold: each agrees with differences of the NumPy value, without wengert."""

from __future__ import annotations

import numpy as np
import pytest
from identities.points import called, differences, distance, needed, random_point
from identities.table import IDENTITIES, SIZES, Identity

# Differences of third order lose about nine digits of sixteen.
TOLERANCE = {1: 1e-9, 2: 1e-8, 3: 1e-6}


def errors(identity: Identity, rng: np.random.Generator, factor: float = 1) -> float:
    """How far ``factor`` times the truth is from differences of the value, at a random point."""
    point = random_point(identity, rng)
    want = differences(lambda p: called(identity.value, p), point, identity.wrt)
    return distance(factor * called(identity.truth, point), want)


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda i: i.name)
def test_truth_agrees_with_differences(identity: Identity, rng: np.random.Generator) -> None:
    for _ in range(2):
        assert errors(identity, rng) < TOLERANCE[len(identity.wrt)]


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda i: i.name)
def test_a_slightly_wrong_truth_would_be_found(
    identity: Identity, rng: np.random.Generator
) -> None:
    assert errors(identity, rng, factor=1.0001) > 2 * TOLERANCE[len(identity.wrt)]


def test_the_table_is_as_it_says() -> None:
    assert len(IDENTITIES) == 85
    assert len({i.name for i in IDENTITIES}) == 85
    assert len(set(SIZES.values())) == len(SIZES), "two sizes alike hide a transposition"
    assert {len(i.wrt) for i in IDENTITIES} == {1, 2, 3}
    for identity in IDENTITIES:
        assert set(identity.shapes) <= set(needed(identity.value)), identity.name
        assert set(needed(identity.truth)) <= set(needed(identity.value)), identity.name
        assert all(set(axes) <= set(SIZES) for axes in identity.shapes.values()), identity.name
