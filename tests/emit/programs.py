"""Programs that people write, as graphs: for golden files and for speed."""

from __future__ import annotations

import wengert as wg
from wengert.diff.reverse import vjp
from wengert.ir.dims import Dim
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ops.control import for_loop, loop, while_loop
from wengert.ops.leaves import const, size
from wengert.ops.subscripts import update

__all__ = ["PROGRAMS"]


def newton() -> Function:
    """The square root by Newton's method."""
    a = wg.symbol("a")
    root = while_loop(lambda s: abs(s * s - a) > 1e-10, lambda s: (s + a / s) * 0.5, a)
    return Function((a,), (root,), "newton")


def lu() -> Function:
    """The LU decomposition in place."""
    A = wg.symbol("A", ("n", "n"))
    n = size(Dim.named("n"))

    def column(k: Expr, A: Expr) -> Expr:
        def row(i: Expr, A: Expr) -> Expr:
            i = i + k + 1
            rest = slice(Dim.of(k) + 1, None)
            A = update(A, (i, k), A[i, k] / A[k, k])
            return update(A, (i, rest), A[i, rest] - A[i, k] * A[k, rest])

        return for_loop(n - k - 1, A, row)

    return Function((A,), (for_loop(n, A, column),), "lu")


def heat() -> Function:
    """The heat equation by explicit steps in place."""
    u, alpha = wg.symbol("u", "n"), wg.symbol("alpha")

    def step(_k: Expr, u: Expr) -> Expr:
        inner = u[1:-1] + alpha * (u[2:] - 2 * u[1:-1] + u[:-2])
        return update(update(update(u, slice(1, -1), inner), 0, 0.0), -1, 0.0)

    return Function((u, alpha), (for_loop(25, u, step),), "heat")


def heat_change() -> Function:
    """The gradient of the energy that is left, in the diffusivity."""
    f = heat()
    energy = wg.sum(f.outputs[0] ** 2)
    (change,) = vjp([energy], [const(1.0)], [f.inputs[1]])
    assert change is not None
    return Function(f.inputs, (energy, change), "heat_change")


def mlp() -> Function:
    """Loss and gradients of a network with one hidden layer."""
    X, y = wg.symbol("X", ("b", "d")), wg.symbol("y", ("b", "o"))
    W, c, V = wg.symbol("W", ("h", "d")), wg.symbol("c", "h"), wg.symbol("V", ("o", "h"))
    loss = wg.sum((wg.tanh(X @ W.T + c) @ V.T - y) ** 2) / 2
    gradients = vjp([loss], [const(1.0)], [W, c, V])
    return Function((W, c, V, X, y), (loss, *(g for g in gradients if g is not None)), "mlp")


def escape() -> Function:
    """How many steps a point of the Mandelbrot set takes to leave."""
    a, b = wg.symbols("a b")
    count, *_ = loop(
        [0.0, 0.0],
        lambda _k, x, y: (x * x - y * y + a, 2 * x * y + b),
        trip=60,
        test=lambda x, y: x * x + y * y <= 4.0,
        counted=True,
    )
    return Function((a, b), (count,), "escape")


PROGRAMS = (newton, lu, heat, heat_change, mlp, escape)
