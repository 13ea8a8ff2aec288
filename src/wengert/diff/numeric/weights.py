"""Weights that turn samples into derivatives: Fornberg's recursion and least-squares polynomials."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.errors import ShapeError, worded

__all__ = ["fornberg_weights"]

Floats = NDArray[np.float64]


def fornberg_weights(x0: float, nodes: ArrayLike, order: int) -> Floats:
    """Weights ``w`` with ``f^(k)(x0) ~ w[k] @ f(nodes)`` for every ``k = 0 .. order``.

    ``nodes`` has shape ``(n,)`` with distinct entries in any spacing; the result has shape
    ``(order + 1, n)`` and differentiates every polynomial of degree below ``n`` exactly.
    Rows ``k >= n`` are zero, because ``n`` samples hold no such derivative.
    Source: Fornberg 1988, Math. Comp. 51, 699-706. The recursion runs on nodes scaled to the
    unit interval, so neither tiny nor huge spacings overflow on the way.
    Raises ``ShapeError`` for nodes that are not one-dimensional, empty or not distinct.

    >>> fornberg_weights(0.0, [-1.0, 0.0, 1.0], 2)
    array([[ 0. ,  1. ,  0. ],
           [-0.5,  0. ,  0.5],
           [ 1. , -2. ,  1. ]])
    """
    points = np.asarray(nodes, dtype=np.float64)
    if points.ndim != 1 or points.size == 0 or np.unique(points).size != points.size:
        raise ShapeError(
            worded(
                "fornberg_weights",
                expected="a one-dimensional array of distinct nodes",
                got=f"shape {points.shape} with {np.unique(points).size} distinct values",
                hint="np.unique(nodes) drops repeated ones",
            )
        )
    offsets = points - x0
    scale = float(np.max(np.abs(offsets))) or 1.0
    # From the nearest node outwards, the order in which the recursion loses the fewest digits.
    outward = np.argsort(np.abs(offsets), kind="stable")
    table = np.empty((order + 1, points.size))
    table[:, outward] = _recursion(offsets[outward] / scale, order) + 0.0
    return table / scale ** np.arange(order + 1, dtype=np.float64)[:, None]


def _recursion(z: Floats, order: int) -> Floats:
    """Fornberg's recursion for the expansion point 0, in the letters of the paper."""
    n = z.size
    delta = np.zeros((order + 1, n))
    delta[0, 0] = 1.0
    c1 = 1.0
    for i in range(1, n):
        c2 = 1.0
        top = min(i, order)
        for j in range(i):
            c3 = z[i] - z[j]
            c2 *= c3
            if j == i - 1:
                for k in range(top, 0, -1):
                    delta[k, i] = c1 * (k * delta[k - 1, i - 1] - z[i - 1] * delta[k, i - 1]) / c2
                delta[0, i] = -c1 * z[i - 1] * delta[0, i - 1] / c2
            for k in range(top, 0, -1):
                delta[k, j] = (z[i] * delta[k, j] - k * delta[k - 1, j]) / c3
            delta[0, j] = z[i] * delta[0, j] / c3
        c1 = c2
    return delta


@lru_cache(maxsize=256)
def parity_derivatives(order: int, parity: int, count: int) -> Floats:
    """The ``order``-th derivatives at 0 of the Chebyshev polynomials ``T_parity, T_(parity+2), ...``."""
    return np.array([_derivative(parity + 2 * k, order, 0.0) for k in range(count)])


@lru_cache(maxsize=256)
def edge_derivatives(order: int, count: int) -> Floats:
    """The ``order``-th derivatives at 0 of the shifted polynomials ``T_k(2u - 1)``."""
    return np.array([_derivative(k, order, -1.0) * 2.0**order for k in range(count)])


def _derivative(degree: int, order: int, at: float) -> float:
    """``T_n^(k)`` by differentiating ``T_n = 2 x T_(n-1) - T_(n-2)`` k times."""
    # rows[n][k]: each order needs the one below of the polynomial before.
    rows = [[1.0] + [0.0] * order, [at, 1.0, *([0.0] * order)][: order + 1]]
    for n in range(2, degree + 1):
        before, last = rows[n - 2], rows[n - 1]
        row = [2.0 * (at * last[k] + (k * last[k - 1] if k else 0.0)) - before[k]
               for k in range(order + 1)]  # fmt: skip
        rows.append(row)
    return rows[degree][order]


def _polynomials(u: Floats, degree: int) -> Floats:
    """``T_0(u), ..., T_degree(u)`` along a last axis."""
    table = np.empty((*u.shape, degree + 1))
    table[..., 0] = 1.0
    if degree:
        table[..., 1] = u
    for n in range(2, degree + 1):
        table[..., n] = 2.0 * u * table[..., n - 1] - table[..., n - 2]
    return table


def parity_basis(u: Floats, parity: int, count: int) -> Floats:
    """``T_parity(u), T_(parity+2)(u), ...``: even or odd, shape ``u.shape + (count,)``."""
    return _polynomials(u, parity + 2 * (count - 1))[..., parity::2]


def edge_basis(u: Floats, count: int) -> Floats:
    """``T_k(2u - 1)`` for ``u`` in the unit interval, shape ``u.shape + (count,)``."""
    return _polynomials(2.0 * u - 1.0, count - 1)
