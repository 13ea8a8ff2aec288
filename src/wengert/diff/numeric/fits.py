"""Candidate derivatives from samples at mixed step sizes, each with the error it admits to.

The samples are differences ``f(x + t) - f(x)`` at ``t = +-h``, with ``h`` spread over many scales.
Every window ``|t| <= H`` and every degree ``D`` gives one least-squares polynomial and with it one
candidate for the derivative. Its error has three parts:

* noise: the residual of the fit, which holds the noise of ``f`` and whatever the polynomial could
  not follow, times the 2-norm of the weights and Student's factor for the degrees of freedom;
* rounding: one unit in the last place of every sample, in the 2-norm through the weights;
* truncation: the distance to the next lower degree in the same window.

Over a symmetric window the fit falls apart into an odd and an even one. The derivative needs one
of them; the residual of the other is an independent witness of smoothness and noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial

import numpy as np
from numpy.typing import NDArray

from wengert.diff.numeric.weights import (
    edge_basis,
    edge_derivatives,
    parity_basis,
    parity_derivatives,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

MOST_TERMS = 6  # degree 11 or 12: beyond, noise grows faster than truncation falls
OUTER = 0.04  # nodes below this part of the window see next to nothing of the polynomial

# Student's factor for 95 %, by degrees of freedom, plus a tenth: the best of many candidates is
# picked by its small residual, and a small residual is sometimes luck.
STUDENT = 1.1 * np.array(
    [12.7, 12.7, 4.31, 3.19, 2.78, 2.58, 2.45, 2.37, 2.31, 2.27, 2.23, 2.21, 2.18, 2.1]
)


@dataclass(frozen=True)
class Samples:
    """Values around one point: ``plus[i]`` and ``minus[i]`` are ``f(x +- h[i]) - f(x)``.

    ``h`` has shape ``(n,)`` and ascends, the values have shape ``(n, k)`` for ``k`` components;
    a row that is not finite is a sample outside the domain. ``center`` is ``f(x)``, shape
    ``(k,)``, and ``ulp`` the relative spacing of the numbers that ``f`` returns.
    """

    h: Floats
    plus: Floats
    minus: Floats
    center: Floats
    ulp: float

    def usable(self, side: int) -> int:
        """How many of the smallest steps are finite: on both sides (0), to the right (1) or left (-1)."""
        ok = np.ones(self.h.size, dtype=bool)
        if side >= 0:
            ok &= np.isfinite(self.plus).all(axis=1)
        if side <= 0:
            ok &= np.isfinite(self.minus).all(axis=1)
        return int(ok.size if ok.all() else np.argmin(ok))

    def variation(self) -> Floats:
        """The largest ``|f(x + t) - f(x)|`` seen up to each step, shape ``(n, k)``."""
        size = np.fmax(np.abs(self.plus), np.abs(self.minus))
        return np.fmax.accumulate(np.where(np.isfinite(size), size, 0.0), axis=0)


@dataclass(frozen=True)
class Candidates:
    """All candidates: the arrays have shape ``(c,)`` or, one column for each component, ``(c, k)``."""

    window: Ints  # index of the largest step in the window
    reach: Floats  # that step, H
    degree: Ints
    terms: Ints  # how many basis functions
    support: Ints  # nodes far enough out to see the polynomial
    value: Floats
    factor: Floats  # what a residual is multiplied with to become an error
    deviation: Floats  # residual standard deviation of one value of f
    freedom: Floats
    rounding: Floats
    truncation: Floats


@dataclass(frozen=True)
class Fits:
    """Nested least-squares fits of all windows: entry ``[w, j]`` has ``j + 1`` basis functions."""

    y: Floats  # (windows, columns): the derivative is y times the projections; 0 beyond the rank
    columns: Ints  # (windows,): how many basis functions the nodes of a window can tell apart
    freedom: Floats  # (windows, columns)
    q: Floats  # (windows, rows, columns), orthonormal
    projections: Floats  # (windows, columns, k)
    deviation: Floats  # (windows, columns, k): residual standard deviation

    def values(self) -> Floats:
        """The derivative on the unit window from each nested fit."""
        return np.cumsum(self.y[:, :, None] * self.projections, axis=1)

    def gain(self) -> Floats:
        """The 2-norm of the weights of each nested fit; the columns of q are orthonormal."""
        gain: Floats = np.sqrt(np.cumsum(self.y**2, axis=1))
        return gain

    def squares(self) -> Floats:
        """The squares of the weights, shape ``(windows, columns, rows)``."""
        squares: Floats = np.cumsum(self.q * self.y[:, None, :], axis=2) ** 2
        return squares.transpose(0, 2, 1)


def _fit(
    basis: Floats, derivatives: Floats, outer: NDArray[np.bool_], rows: Ints, y: Floats
) -> Fits:
    """Fit ``y``, shape ``(rows, k)``, in every window; rows of ``basis`` outside a window are 0."""
    q, r = np.linalg.qr(basis)
    diagonal = np.abs(np.diagonal(r, axis1=1, axis2=2))
    # Steps that differ by more than all digits are one node to the outer polynomial.
    full = np.logical_and.accumulate(diagonal > 1e-11, axis=1)
    columns = full.sum(axis=1)
    count = full.shape[1]
    weights = np.zeros(full.shape)
    for j in range(count):  # forward substitution in r^T; leading blocks are nested
        rest = derivatives[j] - np.einsum("wi,wi->w", r[:, :j, j], weights[:, :j])
        weights[:, j] = np.where(full[:, j], rest / np.where(full[:, j], r[:, j, j], 1.0), 0.0)
    inside = (np.arange(basis.shape[1]) < rows[:, None])[:, :, None]
    residual = np.where(inside, y[None], 0.0)
    unit = _unit_of_windows(residual)
    residual = residual / unit
    far = outer.astype(np.float64)
    slack = np.maximum(1.0 - np.cumsum(q**2, axis=2), 0.0)
    room = np.einsum("wr,wrj->wj", far, slack)[:, :, None]
    freedom = (rows[:, None] - 1.0 - np.arange(count)).astype(np.float64)
    projections = np.empty((*full.shape, y.shape[1]))
    deviation = np.empty_like(projections)
    for j in range(count):
        projections[:, j] = np.einsum("wr,wrk->wk", q[:, :, j], residual)
        residual = residual - q[:, :, j, None] * projections[:, j, None, :]
        square = residual**2
        total = square.sum(axis=1) / np.maximum(freedom[:, j], 0.5)[:, None]
        # Small steps fit any polynomial; only the outer rows can contradict it.
        contradiction = np.einsum("wr,wrk->wk", far, square) / np.maximum(room[:, j], 0.3)
        deviation[:, j] = np.where(room[:, j] > 0.3, np.maximum(total, contradiction), total)
    spread: Floats = np.sqrt(deviation) * unit
    return Fits(weights, columns, freedom, q, projections * unit, spread)


def _unit_of_windows(values: Floats) -> Floats:
    """A power of two of the size of the values in each window, for values ``(windows, rows, k)``.

    Far away ``f`` may be larger by more than the range of squares: next to it, those near ``x`` are 0.
    """
    peak = np.max(np.abs(values), axis=1, keepdims=True, initial=0.0)
    unit: Floats = np.ldexp(1.0, np.clip(np.frexp(peak)[1], -1020, 1020))
    return unit


def _student(freedom: Floats) -> Floats:
    index = np.clip(freedom, 0, STUDENT.size - 1).astype(np.intp)
    factors: Floats = STUDENT[index]
    return factors


def candidates(samples: Samples, order: int, side: int) -> Candidates | None:
    """Every candidate from windows on both sides (0), the right (1) or the left (-1)."""
    usable = samples.usable(side)
    if usable < 2:
        return None
    return _central(samples, usable, order) if side == 0 else _edge(samples, usable, order, side)


def _central(samples: Samples, usable: int, order: int) -> Candidates | None:
    parity = order % 2
    lowest = (order - parity) // 2 + 1  # a candidate needs a lower degree to compare with
    count = min(MOST_TERMS, usable)
    h = samples.h[:usable]
    u = np.minimum(h / h[:, None], 1.0)  # row w: the nodes of window w
    inside = np.tri(usable, dtype=bool)
    plus, minus = samples.plus[:usable], samples.minus[:usable]
    zero = np.zeros_like(plus[:1])
    # Half sums and half differences have half the variance of one value, hence the root.
    basis = np.where(inside[:, :, None], np.sqrt(2.0) * parity_basis(u, 1, count), 0.0)
    odd = _fit(basis, parity_derivatives(order, 1, count), inside & (u > OUTER),
               np.arange(1, usable + 1), (plus - minus) / np.sqrt(2.0))  # fmt: skip
    basis = np.where(inside[:, :, None], np.sqrt(2.0) * parity_basis(u, 0, count), 0.0)
    first = np.broadcast_to(parity_basis(np.zeros((1, 1)), 0, count), (usable, 1, count))
    outer = np.concatenate([np.zeros((usable, 1), dtype=bool), inside & (u > OUTER)], axis=1)
    even = _fit(np.concatenate([first, basis], axis=1), parity_derivatives(order, 0, count), outer,
                np.arange(2, usable + 2), np.concatenate([zero, (plus + minus) / np.sqrt(2.0)]))  # fmt: skip
    size = np.hypot(plus + samples.center, minus + samples.center) / np.sqrt(2.0)
    if not parity:
        size = np.concatenate([np.abs(samples.center[None, :]), size])
    main, other = (odd, even) if parity else (even, odd)
    columns = np.minimum(main.columns, other.columns + 1 - parity)
    terms = np.arange(lowest, count)
    partner = terms if parity else terms - 1  # the other parity, one degree lower
    deviation = np.maximum(main.deviation[:, terms], other.deviation[:, partner])
    freedom = main.freedom[:, terms] + other.freedom[:, partner]
    support = (inside & (u > OUTER)).sum(axis=1)
    return _scaled(samples, order, main, size, terms, 2 * terms + parity,
                   columns, deviation, freedom, support)  # fmt: skip


def _edge(samples: Samples, usable: int, order: int, side: int) -> Candidates | None:
    values = (samples.plus if side > 0 else samples.minus)[:usable]
    count = min(MOST_TERMS + order + 2, usable + 1)
    h = samples.h[:usable]
    u = np.concatenate([np.zeros((usable, 1)), np.minimum(h / h[:, None], 1.0)], axis=1)
    inside = np.tri(usable, usable + 1, 1, dtype=bool)
    y = np.concatenate([np.zeros_like(values[:1]), values])
    basis = np.where(inside[:, :, None], edge_basis(u, count), 0.0)
    outer = inside & (u > OUTER)
    fits = _fit(basis, edge_derivatives(order, count), outer, np.arange(2, usable + 2), y)
    terms = np.arange(order + 1, count)
    found = _scaled(samples, order, fits, np.abs(y + samples.center), terms, terms, fits.columns,
                    fits.deviation[:, terms], fits.freedom[:, terms],
                    outer.sum(axis=1) - order)  # fmt: skip
    if found is None:
        return None
    # Seen from the left, t = -h: odd derivatives change sign.
    return replace(found, value=float(side) ** order * found.value)


def _scaled(
    samples: Samples,
    order: int,
    fits: Fits,
    size: Floats,
    terms: Ints,
    degree: Ints,
    columns: Ints,
    deviation: Floats,
    freedom: Floats,
    support: Ints,
) -> Candidates | None:
    """Candidates in the units of ``x`` from fits on the unit windows; ``None`` where there are none."""
    fine = (terms < columns[:, None]) & (fits.freedom[:, terms] >= 1)
    window, column = np.nonzero(fine)
    if not window.size:
        return None
    reach = samples.h[window]

    def per_step(a: Floats) -> Floats:
        by = reach if a.ndim == 1 else reach[:, None]
        for _ in range(order):  # stepwise, because 1e-300 ** 2 is 0
            a = a / by
        return a

    term = terms[column]
    values = fits.values()
    sizes = np.where((fits.q != 0).any(axis=2)[:, :, None], size[None], 0.0)
    unit = _unit_of_windows(sizes)
    rounding = (np.sqrt(fits.squares() @ (sizes / unit) ** 2) * unit)[window, term]
    return Candidates(
        window=window,
        reach=reach,
        degree=degree[column],
        terms=term + 1,
        support=support[window],
        value=per_step(values[window, term]),
        factor=per_step(_student(freedom[window, column]) * fits.gain()[window, term]),
        deviation=deviation[window, column],
        freedom=freedom[window, column],
        rounding=per_step(samples.ulp * rounding),
        truncation=per_step(np.abs(values[window, term] - values[window, term - 1])),
    )


def secant_scale(samples: Samples, order: int) -> Floats:
    """The size of an ``order``-th derivative as each step sees it: ``m! max|f(x+t)-f(x)| / h^m``."""
    scale = factorial(order) * samples.variation()
    for _ in range(order):
        scale = scale / samples.h[:, None]
    return scale
