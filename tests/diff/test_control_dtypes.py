"""Derivatives of loops and branches in single precision and with complex numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.node import Expr
from wengert.ir.types import INT, Type
from wengert.ir.verify import verify
from wengert.ir.walk import order
from wengert.ops.algebra import dot
from wengert.ops.complexes import imag, real
from wengert.ops.control import branch, for_loop, loop, recursive, while_loop
from wengert.ops.einstein import eye, sum_axes
from wengert.ops.extents import as_dim
from wengert.ops.leaves import ONE, size, symbol
from wengert.ops.subscripts import update
from wengert.ops.trig import sin, tanh
from wengert.run.reference import evaluate_nodes

RNG = np.random.default_rng(11)
SINGLE = Type("float32")
N = symbol("N", dtype="int64")


# --- single precision --------------------------------------------------------------------------------------
f = symbol("f", dtype="float32")
g, B = symbol("g", "n", dtype="float32"), symbol("B", ("n", "n"), dtype="float32")
n = size(g.shape[0])
IN_SINGLE: dict[str, Any] = {
    "f": 0.7,
    "g": RNG.normal(size=4).astype("float32"),
    "B": RNG.normal(size=(4, 4)).astype("float32") / 3,
    "N": 5,
    "n": 4,
}
SINGLES: dict[str, Callable[[], Expr]] = {
    "scalar": lambda: for_loop(N, f, lambda k, s: s * f + sin(s) / (k + 1)),
    "array": lambda: sum_axes(for_loop(N, g, lambda k, u: tanh(B @ u) * 0.5 + u * k * 0.1)),
    "in place": lambda: sum_axes(for_loop(n, g, lambda k, u: update(u, k, dot(B[k], u)))),
    "while": lambda: while_loop(lambda s: s < 5, lambda s: s * 1.5 + f * s, f),
    "branch": lambda: for_loop(
        N, f, lambda k, s: branch(s > 1, lambda s: s * 0.5 * f, lambda s: s + f * f, s)
    ),
    "scan": lambda: sum_axes(
        loop([f], lambda k, s, e: ((s * e + f,), (s * s,)), trip=n, over=(g,), stacked=True)[1]
    ),
    "recursion": lambda: recursive(
        "power",
        [SINGLE, INT],
        [SINGLE],
        lambda h, x, m: branch(m > 0, lambda: x * h(x, m - 1) * f, lambda: x * 0 + 1),
    )(f, N),
    "checkpoints": lambda: for_loop(N, f, lambda k, s: s * f + sin(s) / (k + 1), checkpoint=2),
    "slices": lambda: sum_axes(
        for_loop(n, g, lambda k, u: update(u, k, dot(u[as_dim(k) :], g[as_dim(k) :])))
    ),
}


@pytest.mark.parametrize("name", SINGLES)
def test_single_precision_stays_single(name: str) -> None:
    output = SINGLES[name]()
    symbols = [s for s in output.free_symbols if s is not N]
    gradient = [d for d in vjp([output], [ONE], symbols) if d is not None]
    seed = symbol("seed", symbols[0].shape, dtype="float32")
    (change,) = jvp([output], {symbols[0]: seed})
    second = [d for d in vjp([sum_axes(gradient[0])], [ONE], symbols) if d is not None]
    assert change is not None
    assert second
    found = [output, change, *gradient, *second]
    verify(found)
    values = {**IN_SINGLE, "seed": np.ones([4] * seed.ndim)}
    assert {np.asarray(v).dtype.name for v in evaluate_nodes(found, values)} == {"float32"}
    carried = {
        type_.dtype
        for node in order(found)
        if node.op.name == "loop"
        for type_ in getattr(node.type, "items", ())
    }
    assert carried <= {"float32", "bool", "int64"}


# --- complex numbers ---------------------------------------------------------------------------------------
c, y = symbol("c"), symbol("y")
z, w = symbol("z", dtype="complex128"), symbol("w", "n", dtype="complex128")
COMPLEX: dict[str, Any] = {
    "c": 0.3,
    "y": 0.4,
    "z": 0.3 + 0.4j,
    "w": RNG.normal(size=4) + 1j * RNG.normal(size=4),
    "N": 5,
    "n": 4,
}
COMPLEXES: dict[str, Callable[[], Expr]] = {
    "carried": lambda: for_loop(N, z, lambda k, s: s * z + c / (k + 1)),
    "starts real": lambda: for_loop(N, c, lambda k, s: s * z + y),
    "one branch is real": lambda: for_loop(
        3, z, lambda k, s: branch(real(s) > 0, lambda s: s * z, lambda s: c * 1.0, s)
    ),
    "real in the taken branch": lambda: branch(c > 0, lambda: sin(c) * y, lambda: z * c) * z,
    "in place": lambda: sum_axes(for_loop(n, w, lambda k, u: update(u, k, dot(u, w) * c))),
    "while": lambda: while_loop(lambda s: abs(s) < 5, lambda s: s * (1.5 + z) + c, z),
    "checkpoints": lambda: for_loop(N, c, lambda k, s: s * z + y, checkpoint=1),
}


def _slope(node: Expr, by: Expr) -> Any:
    """The steepest ascent df/dx + i df/dy by an element, from differences."""
    h, at = 1e-6, COMPLEX[by.attr.name]
    unit = np.eye(4)[1] if by.ndim else 1.0

    def along(direction: Any) -> float:
        up, down = (node.evaluate({**COMPLEX, by.attr.name: at + s * direction}) for s in (h, -h))
        return float(up - down) / (2 * h)

    return along(unit) + (1j * along(1j * unit) if np.iscomplexobj(at) else 0)


@pytest.mark.parametrize("part", [real, imag], ids=["real", "imag"])
@pytest.mark.parametrize("name", COMPLEXES)
def test_gradients_with_complex_numbers(name: str, part: Callable[[Expr], Expr]) -> None:
    output = part(COMPLEXES[name]())
    verify([output])
    for by in output.free_symbols:
        if by is N:
            continue
        (gradient,) = vjp([output], [ONE], [by])
        found: Any = 0.0
        if gradient is not None:
            verify([gradient])
            assert gradient.value_type.dtype == by.value_type.dtype
            found = gradient.evaluate(COMPLEX)
        found = found[1] if by.ndim else found
        assert found == pytest.approx(_slope(output, by), rel=1e-5, abs=1e-7)


# --- stacks of cotangents ----------------------------------------------------------------------------------
A, v = symbol("A", ("n", "n")), symbol("v", "n")
m = size(v.shape[0])
REAL: dict[str, Any] = {
    "A": RNG.normal(size=(4, 4)) / 3 + 2 * np.eye(4),
    "v": RNG.normal(size=4),
    "n": 4,
}
ARRAYS: dict[str, Callable[[], Expr]] = {
    "one element each": lambda: for_loop(
        m, v, lambda i, u: update(u, i, (u[i] - dot(A[i], u)) / A[i, i])
    ),
    "slices": lambda: for_loop(
        m, v, lambda i, u: update(u, slice(as_dim(i), None), sin(u[as_dim(i) :] * u[i]))
    ),
    "nested": lambda: for_loop(
        3, v, lambda t, u: for_loop(m - 1, u, lambda i, u: update(u, i + 1, u[i] * u[i + 1] + t))
    ),
    "branches": lambda: for_loop(
        m,
        v,
        lambda i, u: branch(u[i] > 0, lambda u: update(u, i, dot(A[i], u)), lambda u: u * v[i], u),
    ),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_jacobians_are_what_forward_mode_says(name: str) -> None:
    output = ARRAYS[name]()
    (jacobian,) = vjp([output], [eye(v.shape[0])], [v])
    assert jacobian is not None
    verify([jacobian])
    t = symbol("t", "n")
    (change,) = jvp([output], {v: t})
    assert change is not None
    rows = jacobian.evaluate(REAL)
    columns = [change.evaluate(REAL, t=e) for e in np.eye(4)]
    np.testing.assert_allclose(rows, np.stack(columns, axis=1), rtol=1e-12, atol=1e-14)
