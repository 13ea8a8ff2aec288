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


STRAIGHT = [
    ("einsum('kj,ki->ij', M, A)", "A.T @ M"),
    ("einsum('jk,ki->ij', P, M)", "M.T @ P.T"),
    ("einsum('ii,ij->ij', A*A, eye(m))", "A*A*eye(m)"),
    ("einsum('ij,ii->i', A, A)", "sum(diag(A)[:, None]*A, axis=1)"),
    ("einsum('ii,ij->j', A, A)", "sum(diag(A)[:, None]*A, axis=0)"),
    ("einsum('ij,ii->', A, A)", "sum(diag(A)[:, None]*A)"),
    ("einsum('ii,ii->', A, A)", "sum(diag(A)*diag(A))"),
    ("einsum('ij,ii->ij', A, A)", "diag(A)[:, None]*A"),
    ("einsum('ij,jj->ij', A, A)", "A*diag(A)"),
    ("einsum('ii,jj->ij', A, A)", "outer(diag(A), diag(A))"),
    ("einsum('ii,jj->', A, A)", "sum(outer(diag(A), diag(A)))"),
    ("einsum('ij,ij->j', A, A)", "sum(A*A, axis=0)"),
]


@pytest.mark.parametrize(("typed", "text"), STRAIGHT)
def test_products_of_two_matrices_are_written_without_indices(typed: str, text: str) -> None:
    shapes = {"A": ("m", "m"), "M": ("m", "n"), "P": ("n", "m")}
    used = {name: shape for name, shape in shapes.items() if name in typed.split("',")[1]}
    e = wg.parse(typed, **used)
    assert str(e) == text
    assert wg.parse(text, **used) is e


EXTENTS = [
    "eye(m*n)",
    "ones(m*n)",
    "zeros((m*n, n + 1))",
    "reshape(M, shape=(m*n,))",
    "eye(2*m*n - n)",
]


@pytest.mark.parametrize("text", EXTENTS)
def test_extents_may_be_polynomials_of_sizes(text: str) -> None:
    e = wg.parse(text, **({"M": ("m", "n")} if "M" in text else {}))
    assert str(e) == text


def test_kronecker_products() -> None:
    shapes = {"A": ("m", "m"), "X": ("n", "n"), "v": "n", "w": "m"}
    for text in (
        "kron(A, X)",
        "kron(X, A.T)",
        "kron(v, w)",
        "kron(A, kron(A, X))",
        "kron(eye(m), A)",
    ):
        used = {name: shape for name, shape in shapes.items() if name in text.replace("kron", "")}
        e = wg.parse(text, **used)
        assert str(e) == text
        back = wg.diff(wg.parse(f"sum({text}*{text})", **used), next(iter(used)), simplify=False)
        assert parsed(str(back), back) is back
