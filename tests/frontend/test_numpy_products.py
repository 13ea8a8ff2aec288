"""Products of NumPy: every option against NumPy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from frontend.numpy_cases import Case, case, check_constants, check_derivative, check_value, draw

import wengert.frontend.numpy_products  # noqa: F401
from wengert.errors import ShapeError
from wengert.frontend.table import apply, entry_of
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate

U, V = draw(3), draw(3, seed=2)
A, B = draw(2, 3), draw(3, 4)
S, T = draw(5, 2, 3), draw(5, 3, 2)
CA, CV = draw(2, 3, dtype="complex128"), draw(3, dtype="complex128", seed=4)
KINDS = ["bool", "int32", "int64", "float32", "float64", "complex64"]
pytestmark = pytest.mark.filterwarnings("ignore:.*2-dimensional:DeprecationWarning")


def _matrix_products() -> list[Case]:
    pairs = [
        (A, B),
        (A, V),
        (V, B),
        (U, V),
        (S, T),
        (S, B),
        (A, T),
        (S, V),
        (S[:, None], T),
        (CA, CV),
    ]
    mixed = [(draw(2, 3, dtype=a), draw(3, 2, dtype=b)) for a in KINDS for b in KINDS]
    return [
        *[case(np.matmul, a, b) for a, b in pairs],
        *[case(np.linalg.matmul, a, b) for a, b in pairs[:1]],
        *[
            case(np.dot, a, b)
            for a, b in [*pairs[:8], *mixed, (2.0, A), (A, 3), (2, 3), (S, draw(4, 3, 2))]
        ],
        *[case(f, a, b) for f in (np.matmul, np.inner) for a, b in mixed if f is np.matmul],
        *[case(np.dot, 2.0, draw(3, dtype=d)) for d in KINDS],
        case(np.ndarray.dot, A, B),
        *[
            case(np.inner, a, b)
            for a, b in [(U, V), (A, A), (A, U), (S, A), (CV, CV), (2.0, A), (3, 4)]
        ],
        *[case(np.outer, a, b) for a, b in [(U, V), (A, V), (CV, U), (2.0, V), (U, [1, 2])]],
        case(np.linalg.outer, U, V),
        *[
            case(np.vdot, a, b)
            for a, b in [(U, V), (A, A), (CV, CV), (CV, U), (2.0, 3.0), (2j, 3j)]
        ],
        *[case(np.vecdot, a, b) for a, b in [(U, V), (A, V), (CA, CV), (S, A)]],
        case(np.vecdot, A, A, axis=0),
        case(np.linalg.vecdot, CA, CA, axis=0),
        *[case(np.matvec, a, b) for a, b in [(A, V), (S, V), (S, draw(5, 3)), (CA, CV)]],
        *[case(np.vecmat, a, b) for a, b in [(V, B), (CV, B), (draw(5, 3), T)]],
        case(np.linalg.multi_dot, [A, B]),
        case(np.linalg.multi_dot, [A, B, draw(4, 2)]),
        case(np.linalg.multi_dot, [V, B, draw(4, 2), draw(2)]),
        case(np.linalg.multi_dot, [U, V]),
        case(np.linalg.multi_dot, [A, V]),
        case(np.linalg.multi_dot, [U, B]),
    ]


def _tensors() -> list[Case]:
    x, y = draw(2, 3, 4), draw(4, 3, 2)
    return [
        case(np.tensordot, x, y, 1),
        case(np.tensordot, x, draw(3, 4, 2)),
        case(np.tensordot, x, y, 0),
        case(np.tensordot, x, y, ([0, 1], [2, 1])),
        case(np.tensordot, x, y, axes=(2, 0)),
        case(np.tensordot, x, y, ((-1,), (0,))),
        case(np.tensordot, x, y, ([], [])),
        case(np.linalg.tensordot, x, y, axes=1),
        *[
            case(np.kron, a, b)
            for a, b in [(U, V), (A, B), (U, A), (A, 2.0), (x, A), (CV, U), (2, 3)]
        ],
        *[case(np.cross, a, b) for a, b in [(U, V), (A, V), (CV, U), (A[:, :2], A), (A, A[:, 1:])]],
        case(np.cross, U[:2], V[1:]),
        case(np.cross, A[:, :2], A[:, 1:]),
        case(np.cross, draw(3, 2), draw(3, 2, seed=5), axis=0),
        case(np.cross, draw(3, 2), A, 0, 1, 0),
        case(np.cross, draw(3, dtype="int64"), draw(3, dtype="int32")),
        case(np.cross, [1, 2, 3], U),
        case(np.linalg.cross, A, V),
    ]


def _einsum() -> list[Case]:
    x, y = draw(2, 3, 4), draw(3, 3)
    texts = [
        ("ij,jk->ik", A, B), ("ij,jk", A, B), ("ij->ji", A), ("ij->", A), ("ij->j", A), ("ii", y),
        ("ii->i", y), ("i,i", U, V), ("i,j->ij", U, V), ("i,j", U, V), ("ba", A), ("ij, jk -> ik", A, B),
        ("...j,j->...", x, draw(4)), ("i...->...i", x), ("...,...", x, 2.0), ("...ij,...jk", S, T),
        ("...i,...i->...", A, U), ("ij...,jk", x, B), ("ij,kj,k->i", A, draw(4, 3), draw(4)),
        ("i,i", U, draw(1)), ("ij,ij->ij", A, draw(1, 3)), ("...->...", A), ("i->", CV), ("i,i->i", CV, U),
        (",i->i", 2.0, U), ("iij->ji", draw(3, 3, 2)), ("abc,abc,cd->bd", x, x, draw(4, 2)),
    ]  # fmt: skip
    mixed = [("ij,jk", draw(2, 3, dtype=a), draw(3, 2, dtype=b)) for a in KINDS for b in KINDS]
    return [
        *[case(np.einsum, *t) for t in texts],
        *[case(np.einsum, *t) for t in mixed],
        case(np.einsum, A, [0, 1], B, [1, 2]),
        case(np.einsum, A, [0, 1], B, [1, 2], [2, 0]),
        case(np.einsum, S, [..., 0, 1], T, [..., 1, 2], [..., 0, 2]),
        case(np.einsum, "ij,jk", A, B, optimize=True),
        case(np.einsum, "i,i", draw(3, dtype="int32"), draw(3, dtype="int32"), dtype=float),
    ]


CASES = [*_matrix_products(), *_tensors(), *_einsum()]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_like_numpy(c: Case) -> None:
    check_value(c)
    check_constants(c)
    check_derivative(c)


def test_symbolic_sizes() -> None:
    a, b = symbol("A", ("m", "n")), symbol("B", ("n", "k"))
    values = {"A": A, "B": B}
    for function, args, want in (
        (np.dot, (a, b), A @ B),
        (np.matmul, (a, b), A @ B),
        (np.kron, (a, b), np.kron(A, B)),
        (np.outer, (a, b), np.outer(A, B)),
        (np.tensordot, (a, b, 1), A @ B),
        (np.einsum, ("ij,jk->ki", a, b), (A @ B).T),
        (np.einsum, ("...j,jk->...k", a, b), A @ B),
        (np.linalg.multi_dot, ([a, b],), A @ B),
    ):
        entry = entry_of(function)
        assert entry is not None
        np.testing.assert_allclose(evaluate(apply(entry, args, {}), values), want, rtol=1e-13)


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (np.dot, (A, A)),
        (np.inner, (A, B)),
        (np.vdot, (A, U)),
        (np.matmul, (A, 2.0)),
        (np.linalg.outer, (A, U)),
        (np.linalg.multi_dot, ([A],)),
        (np.linalg.multi_dot, ([A, A],)),
        (np.tensordot, (A, B, 2)),
        (np.cross, (draw(4), draw(4))),
        (np.linalg.cross, (draw(2), draw(2))),
        (np.einsum, ("ij,jk", A)),
        (np.einsum, ("ijk", A)),
        (np.einsum, ("ij->ik", A)),
        (np.einsum, ("ij->ii", A)),
        (np.einsum, ("ij,ij", A, B)),
    ],
)
def test_refused(function: Any, args: Any) -> None:
    entry = entry_of(function)
    assert entry is not None
    with pytest.raises(ShapeError):
        apply(entry, args, {})
