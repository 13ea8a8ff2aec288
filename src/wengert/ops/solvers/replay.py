"""The steps of an initial value problem taken again, as a loop of the graph that can be differentiated.

Explicit Runge-Kutta methods repeat what SciPy computed, its interpolant included. For implicit methods
(Radau, BDF, LSODA) the three-stage Radau IIA method of order 5 takes the same steps and stops at each time of
output; its stages are roots that know their equation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.dims import size_of
from wengert.ir.node import Expr
from wengert.ir.walk import substitute
from wengert.ops.algebra import matmul, zeros
from wengert.ops.control.changes import Transforms
from wengert.ops.control.loop import for_loop, loop, while_loop
from wengert.ops.control.regions import unbound
from wengert.ops.einstein import ein, transpose
from wengert.ops.gathering import take
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import cast, expand_dims, reshape
from wengert.ops.leaves import const, size
from wengert.ops.norms import norm
from wengert.ops.solvers.argmin import implicit
from wengert.ops.solvers.bodies import jacobian
from wengert.ops.subscripts import update
from wengert.ops.systems import solve

__all__ = ["METHODS", "Steps", "replayed"]


class Tableau(NamedTuple):
    """An explicit Runge-Kutta method: stages by ``A`` and ``C``, the step by ``B``.

    ``P`` gives the interpolant: ``y + h * sum_j (P @ K)[j] x**(j+1)`` for a fraction ``x`` of the step, from
    all stages; the first ``len(B)`` of them give the step.
    """

    A: Any  # Any: arrays of numbers
    B: Any
    C: Any
    P: Any


def _with_last(method: str) -> Tableau:
    """SciPy's tableau with the slope at the end of the step as a further stage."""
    solver = getattr(import_module("scipy.integrate"), method)
    stages = len(solver.B)
    A = np.zeros((stages + 1, stages + 1))
    A[:stages, : solver.A.shape[1]] = solver.A
    A[stages, :stages] = solver.B
    return Tableau(A, solver.B, np.append(solver.C, 1.0), solver.P.T.copy())


def _dop853() -> Tableau:
    """Hairer, Norsett, Wanner: Solving Ordinary Differential Equations I, II.6, with its interpolant.

    The interpolant is nested, ``F0 x + F1 x(1-x) + F2 x^2(1-x) + ...``; here in powers of x.
    """
    solver = import_module("scipy.integrate").DOP853
    B, D = solver.B, solver.D
    stages, extended = len(B), D.shape[1]
    A = np.zeros((extended, extended))
    A[:stages, :stages] = solver.A
    A[stages, :stages] = B
    A[stages + 1 :, : solver.A_EXTRA.shape[1]] = solver.A_EXTRA
    C = np.concatenate([solver.C, [1.0], solver.C_EXTRA])
    W = np.zeros((3 + len(D), extended))
    W[0, :stages] = B
    W[1] = -W[0]
    W[1, 0] += 1.0
    W[2] = 2.0 * W[0]
    W[2, 0] -= 1.0
    W[2, stages] -= 1.0
    W[3:] = D
    basis = np.zeros((len(W), len(W)))
    factor = np.polynomial.Polynomial([1.0])
    for row in range(len(W)):
        factor = factor * np.polynomial.Polynomial([0.0, 1.0] if row % 2 == 0 else [1.0, -1.0])
        basis[: len(factor.coef) - 1, row] = factor.coef[1:]
    return Tableau(A, B, C, basis @ W)


METHODS: dict[str, Callable[[], Tableau] | None] = {
    "RK45": cache(lambda: _with_last("RK45")),
    "RK23": cache(lambda: _with_last("RK23")),
    "DOP853": cache(_dop853),
    "Radau": None,
    "BDF": None,
    "LSODA": None,
}


class Steps(NamedTuple):
    """Where the steps are: the span, initial values and times of output, and the grid in terms of them."""

    method: str
    start: Expr
    end: Expr
    y0: Expr
    times: Expr | None
    interval: Expr
    fraction: Expr
    which: Expr


def replayed(
    steps: Steps, variables: Sequence[Expr], slope: Expr, diff: Transforms
) -> tuple[Expr, Expr]:
    """Times and values of output; ``slope`` is the right-hand side in terms of ``variables``, t and y."""

    def f(t: Expr, y: Expr) -> Expr:
        return substitute([slope], dict(zip(variables, (t, y), strict=True)))[0]

    explicit = METHODS[steps.method]
    grid = _grid(steps, knots_at_output=explicit is None)
    olds, widths = grid[:-1], grid[1:] - grid[:-1]
    if explicit is None:
        values = _implicit(f, steps.y0, olds, widths, diff)
        picked = values if steps.times is None else take(values, steps.which)
    elif steps.times is None:
        picked = _explicit(explicit(), f, steps.y0, olds, widths)
    else:
        picked = _interpolated(explicit(), f, steps, olds, widths)
    return grid if steps.times is None else steps.times, transpose(picked)


def _grid(steps: Steps, *, knots_at_output: bool) -> Expr:
    ends = [stack([cast(steps.start, "float64")]), stack([cast(steps.end, "float64")])]
    if steps.times is not None and knots_at_output:
        ends.insert(1, cast(steps.times, "float64"))
    knots = concatenate(ends)
    left = take(knots, steps.interval)
    return left + steps.fraction * (take(knots, steps.interval + 1) - left)


# --- explicit ----------------------------------------------------------------------------------------------
def _stages(
    method: Tableau, f: Callable[[Expr, Expr], Expr], t: Expr, y: Expr, h: Expr, count: int
) -> Expr:
    """The slopes of the first ``count`` stages, one in each row."""
    A, C = const(method.A[:count, :count].copy()), const(method.C[:count].copy())
    empty = cast(zeros((count, *y.shape)), y.value_type.dtype)

    def stage(s: Expr, K: Expr) -> Expr:
        return update(K, s, f(t + take(C, s) * h, y + h * matmul(take(A, s), K)))

    found: Expr = for_loop(count, empty, stage)
    return found


def _explicit(
    method: Tableau, f: Callable[[Expr, Expr], Expr], y0: Expr, olds: Expr, widths: Expr
) -> Expr:
    """The values at the grid points, one in each row."""

    def step(_k: Expr, y: Expr, t: Expr, h: Expr) -> tuple[tuple[Expr], tuple[Expr]]:
        K = _stages(method, f, t, y, h, len(method.B))
        new = y + h * matmul(const(method.B), K)
        return (new,), (new,)

    _, rows = loop([y0], step, trip=size(olds.shape[0]), over=(olds, widths), stacked=True)
    return concatenate([expand_dims(y0, 0), rows])


def _interpolated(
    method: Tableau, f: Callable[[Expr, Expr], Expr], steps: Steps, olds: Expr, widths: Expr
) -> Expr:
    """The values at the times of output, each from the interpolant of its step."""
    assert steps.times is not None

    def step(_k: Expr, y: Expr, t: Expr, h: Expr) -> tuple[tuple[Expr], tuple[Expr, Expr]]:
        K = _stages(method, f, t, y, h, len(method.C))
        new = y + h * matmul(const(method.B), K[: len(method.B)])
        return (new,), (y, h * matmul(const(method.P), K))

    _, starts, terms = loop(
        [steps.y0], step, trip=size(olds.shape[0]), over=(olds, widths), stacked=True
    )
    which = steps.which
    x = (steps.times - take(olds, which)) / take(widths, which)
    powers = stack([x ** (j + 1) for j in range(len(method.P))])
    return take(starts, which) + ein([(powers, "jt"), (take(terms, which), "tjn")], "tn")


# --- implicit ----------------------------------------------------------------------------------------------
_R6 = 6**0.5
# Hairer, Wanner: Solving Ordinary Differential Equations II, table IV.5.6
_RADAU_A = np.array(
    [
        [(88 - 7 * _R6) / 360, (296 - 169 * _R6) / 1800, (-2 + 3 * _R6) / 225],
        [(296 + 169 * _R6) / 1800, (88 + 7 * _R6) / 360, (-2 - 3 * _R6) / 225],
        [(16 - _R6) / 36, (16 + _R6) / 36, 1 / 9],
    ]
)
_RADAU_C = ((4 - _R6) / 10, (4 + _R6) / 10, 1.0)
_CLOSE, _ENOUGH, _MOST = 1e-9, 1e-6, 30  # Newton's last step, at best and at worst; iterations


def _implicit(
    f: Callable[[Expr, Expr], Expr], y0: Expr, olds: Expr, widths: Expr, diff: Transforms
) -> Expr:
    """The values at the grid points by Radau IIA: ``Z = h A F(y + Z)``, and ``y + Z[2]`` is next."""
    n = y0.shape[0]

    def step(_k: Expr, y: Expr, t: Expr, h: Expr) -> tuple[tuple[Expr], tuple[Expr]]:
        def residual(z: Expr) -> Expr:
            Z = reshape(z, (3, n))
            slopes = stack([f(t + c * h, y + Z[i]) for i, c in enumerate(_RADAU_C)])
            return z - reshape(h * matmul(const(_RADAU_A), slopes), z.shape)

        z, holds = _newton(residual, y, diff)
        new = y + reshape(implicit(z, residual, holds=holds), (3, n))[2]
        return (new,), (new,)

    _, rows = loop([y0], step, trip=size(olds.shape[0]), over=(olds, widths), stacked=True)
    return concatenate([expand_dims(y0, 0), rows])


def _newton(residual: Callable[[Expr], Expr], y: Expr, diff: Transforms) -> tuple[Expr, Expr]:
    """The stages by Newton's method from zero, and whether it converged."""
    start = cast(zeros((size_of((3, y.shape[0])),)), y.value_type.dtype)

    def iterate(i: Expr, z: Expr, _last: Expr) -> tuple[Expr, Expr, Expr]:
        (symbol,) = unbound([z.value_type], "z")
        value = residual(symbol)
        step = solve(jacobian(value, symbol, diff), value)
        moved = substitute([step], {symbol: z})[0]
        return i + 1, z - moved, norm(moved)

    def goes_on(i: Expr, z: Expr, last: Expr) -> Expr:
        return (i < _MOST) & (last > _CLOSE * (norm(y) + norm(z)))

    _, z, last = while_loop(goes_on, iterate, (const(0), start, const(np.float64(np.inf))))
    return z, last <= _ENOUGH * (norm(y) + norm(z))
