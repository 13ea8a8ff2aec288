"""Cotangents as products: Jacobians of random graphs, and the formulas that second derivatives come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SYMBOLS, Program, programs, run

import wengert as wg
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.diff.stacked import rows
from wengert.ir.node import Expr
from wengert.ir.types import TupleType, is_complex
from wengert.ir.walk import order
from wengert.ops.algebra import zeros
from wengert.ops.counting import count_operations
from wengert.ops.leaves import ONE, symbol
from wengert.programs import derive

SOME = settings(max_examples=60)


def _is_array(node: Expr) -> bool:
    return not isinstance(node.type, TupleType) and 0 < node.ndim < 3 and not is_complex(node.type)


def _agrees(output: Expr, by: Expr, program: Program, seed: int) -> None:
    """All changes of an array for the change of a symbol along a direction, from rows and forwards."""
    (found,) = rows(output, ONE, [by])
    direction = symbol(f"d_{by.attr.name}", by.shape)
    along = np.random.default_rng(seed).normal(size=np.shape(program.values[by.attr.name]))
    values = {**program.values, direction.attr.name: along}
    (change,) = jvp([output], {by: direction})
    with np.errstate(all="ignore"):
        (forward,) = run([zeros(output.shape) if change is None else change], **values)
        forward = np.broadcast_to(forward, run([output], **values)[0].shape)
        if found is None:
            assert not np.any(forward)
            return
        (jacobian,) = run([found], **values)
    if np.all(np.isfinite(jacobian)) and np.all(np.isfinite(forward)):
        size = max(1.0, float(np.max(np.abs(jacobian), initial=0)))
        product = np.tensordot(jacobian, along, np.ndim(along))
        assert np.allclose(product, forward, rtol=1e-8, atol=1e-8 * size)


@SOME
@given(programs(), st.integers(0, 2**16))
def test_jacobians_of_random_graphs(program: Program, seed: int) -> None:
    arrays = [n for n in program.nodes if _is_array(n) and n.args]
    for output in arrays[-2:]:
        for by in program.symbols:
            _agrees(output, by, program, seed)


@SOME
@given(programs(), st.integers(0, 2**16))
def test_hessians_of_random_graphs(program: Program, seed: int) -> None:
    symbols = [s for s in program.symbols if s.ndim and s is not SYMBOLS[5]]
    for gradient in vjp([program.output], [ONE], symbols):
        if gradient is None or not gradient.ndim:
            continue
        for by in symbols:
            _agrees(gradient, by, program, seed)


# --- formulas ------------------------------------------------------------------------------------------
def _bent(x: Any, A: Any, b: Any) -> Any:
    return np.sum(np.maximum(A @ x, 0.0) ** 2) + b @ np.exp(x)


def _blocks(U: Any, V: Any, T: Any) -> Any:
    return np.sum((T - U @ V.T) ** 2)


def _neighbours(x: Any) -> Any:
    return np.sum((x[1:] - x[:-1]) ** 4) + x[0] * x[-1]


def _outer(W: Any, x: Any, v: Any) -> Any:
    return v @ np.tanh(W @ x) + np.sum(W**2)


def _cases() -> list[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    rng = np.random.default_rng(3)

    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    return [
        ("bent", _bent, (draw(9), draw(11, 9), draw(9))),
        ("blocks", _blocks, (draw(10, 3), draw(9, 3), draw(10, 9))),
        ("neighbours", _neighbours, (draw(12),)),
        ("outer", _outer, (draw(9, 10), draw(10), draw(9))),
    ]


@pytest.mark.parametrize(("name", "f", "args"), _cases(), ids=lambda a: a if type(a) is str else "")
@pytest.mark.parametrize("backend", ["native", "python"])
def test_hessians_are_those_of_differences(
    name: str, f: Callable[..., Any], args: tuple[Any, ...], backend: Any
) -> None:
    H = wg.hessian(f, argnums=tuple(range(len(args))), backend=backend)(*args)
    gradient = wg.grad(f, argnums=tuple(range(len(args))))
    step = 1e-6
    rng = np.random.default_rng(5)
    for j, arg in enumerate(args):
        along = rng.normal(size=arg.shape)
        moved = [[*args[:j], arg + s * along, *args[j + 1 :]] for s in (step, -step)]
        ahead, behind = (gradient(*given) for given in moved)
        for i in range(len(args)):
            change = (ahead[i] - behind[i]) / (2 * step)
            product = np.tensordot(H[i][j], along, arg.ndim)
            assert np.allclose(product, change, rtol=1e-5, atol=1e-5)


def test_a_quadratic_form_is_its_matrix() -> None:
    A, x = symbol("A", ("n", "n")), symbol("x", ("n",))
    (((H,),),) = derive.hessian([x @ A @ x], [x])
    assert count_operations([H]).by_op.keys() == {"lin"}


def test_zeros_between_blocks_are_not_multiplied() -> None:
    args = next(args for name, _, args in _cases() if name == "blocks")
    (H,) = wg.hessian(_blocks).graph(*args).outputs
    assert H.op.name == "on_diagonals"
    assert max(node.ndim for node in order([H]) if node is not H) == 3


def test_zeros_stay_zeros_where_others_are_infinite() -> None:
    x = np.array([0.0, 1.0, 4.0] * 4)
    for backend in ("native", "python", "reference"):
        with np.errstate(all="ignore"):
            H = wg.hessian(lambda x: np.sum(x**1.5), backend=backend)(x)
        assert np.array_equal(H, np.diag(np.diag(H)))
        assert np.isinf(H[0, 0])


@pytest.mark.parametrize("m", [4, 12])
def test_what_is_spread_along_an_axis_counts_as_often_as_it_is_added(m: int) -> None:
    X, v = np.ones((m, 10)), np.arange(10.0)
    for made in (wg.jacobian, wg.jacrev):
        assert np.array_equal(made(lambda v: np.sum(X + v, axis=0))(v), m * np.eye(10))
        assert np.array_equal(made(lambda v, X: np.sum(X + v, axis=0))(v, X), m * np.eye(10))
