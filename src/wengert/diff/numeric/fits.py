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

from dataclasses import dataclass, fields
from functools import lru_cache
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

    @staticmethod
    def joined(parts: list[Candidates]) -> Candidates:
        """One record from many."""
        return Candidates(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(Candidates)
            }
        )


@dataclass(frozen=True)
class Plan:
    """Nested least-squares fits of one node set: entry ``j`` uses ``j + 1`` basis functions."""

    q: Floats  # (rows, columns), orthonormal
    weights: Floats  # (columns, rows): weights @ y is the derivative on the unit window
    freedom: Floats  # (columns,)
    outer: NDArray[np.bool_]  # (rows,)
    room: Floats  # (columns,): expected sum of squared outer residuals under unit noise


def _plan(basis: Floats, derivatives: Floats, u: Floats) -> Plan:
    q, r = np.linalg.qr(basis)
    # Steps that differ by more than all digits are one node to the outer polynomial.
    full = np.abs(np.diag(r)) > 1e-11
    columns = int(full.size if full.all() else np.argmin(full))
    rows, q = basis.shape[0], q[:, :columns]
    weights = np.empty((columns, rows))
    for j in range(1, columns + 1):
        weights[j - 1] = q[:, :j] @ np.linalg.solve(r[:j, :j].T, derivatives[:j])
    slack = 1.0 - np.cumsum(q**2, axis=1)
    outer = u > OUTER
    freedom = np.array([float(rows - j - 1) for j in range(columns)])
    return Plan(q, weights, freedom, outer, slack[outer].sum(axis=0))


@lru_cache(maxsize=512)
def _central_plans(nodes: bytes, order: int) -> tuple[Plan, Plan]:
    """Plans of the odd and the even fit for steps ``u`` in the unit interval, the last one 1."""
    u = np.frombuffer(nodes)
    count = min(MOST_TERMS, u.size)
    # Half sums and half differences have half the variance of one value, hence the root.
    odd = np.sqrt(2.0) * parity_basis(u, 1, count)
    even = np.vstack(
        [parity_basis(np.zeros(1), 0, count), np.sqrt(2.0) * parity_basis(u, 0, count)]
    )
    return (
        _plan(odd, parity_derivatives(order, 1, count), u),
        _plan(even, parity_derivatives(order, 0, count), np.concatenate([[0.0], u])),
    )


@lru_cache(maxsize=512)
def _edge_plan(nodes: bytes, order: int) -> Plan:
    """Plan of a one-sided fit for steps ``u`` in the unit interval, the first one 0."""
    u = np.frombuffer(nodes)
    count = min(MOST_TERMS + order + 2, u.size)
    return _plan(edge_basis(u, count), edge_derivatives(order, count), u)


def _deviation(plan: Plan, y: Floats) -> Floats:
    """Residual standard deviation of each nested fit, shape ``(columns, k)``."""
    parts = plan.q.T[:, :, None] * (plan.q.T @ y)[:, None, :]
    square = (y - np.cumsum(parts, axis=0)) ** 2
    total = square.sum(axis=1) / np.maximum(plan.freedom, 0.5)[:, None]
    # Small steps fit any polynomial; only the outer rows can contradict it.
    outer = square[:, plan.outer].sum(axis=1) / np.maximum(plan.room, 0.3)[:, None]
    deviation: Floats = np.sqrt(np.where(plan.room[:, None] > 0.3, np.maximum(total, outer), total))
    return deviation


def _student(freedom: Floats) -> Floats:
    index = np.clip(freedom, 0, STUDENT.size - 1).astype(np.intp)
    factors: Floats = STUDENT[index]
    return factors


def candidates(samples: Samples, order: int, side: int) -> Candidates | None:
    """Every candidate from windows on both sides (0), the right (1) or the left (-1)."""
    found = []
    for top in range(samples.usable(side)):
        part = _central(samples, top, order) if side == 0 else _edge(samples, top, order, side)
        if part is not None:
            found.append(part)
    return Candidates.joined(found) if found else None


def _central(samples: Samples, top: int, order: int) -> Candidates | None:
    h = samples.h[: top + 1]
    parity = order % 2
    lowest = (order - parity) // 2 + 1  # a candidate needs a lower degree to compare with
    count = min(MOST_TERMS, h.size)
    if count <= lowest:
        return None
    plus, minus = samples.plus[: top + 1], samples.minus[: top + 1]
    plans = _central_plans((h / h[-1]).tobytes(), order)
    odd_y = (plus - minus) / np.sqrt(2.0)
    even_y = np.vstack([np.zeros_like(plus[:1]), (plus + minus) / np.sqrt(2.0)])
    ys = (odd_y, even_y) if parity else (even_y, odd_y)
    main, other = plans if parity else plans[::-1]
    columns = min(main.freedom.size, other.freedom.size + 1 - parity)
    terms = np.array([j for j in range(lowest, columns) if main.freedom[j] >= 1], dtype=np.intp)
    if not terms.size:
        return None
    partner = terms if parity else terms - 1  # the other parity, one degree lower
    deviation = np.maximum(_deviation(main, ys[0])[terms], _deviation(other, ys[1])[partner])
    size = ((plus + samples.center) ** 2 + (minus + samples.center) ** 2) / 2.0
    if not parity:
        size = np.vstack([samples.center[None, :] ** 2, size])
    freedom = main.freedom[terms] + other.freedom[partner]
    support = int((h > OUTER * h[-1]).sum())
    return _scaled(samples, top, order, main, ys[0], size, terms, 2 * terms + parity,
                   deviation, freedom, support)  # fmt: skip


def _edge(samples: Samples, top: int, order: int, side: int) -> Candidates | None:
    values = samples.plus if side > 0 else samples.minus
    u = np.concatenate([[0.0], samples.h[: top + 1] / samples.h[top]])
    y = np.vstack([np.zeros_like(values[:1]), values[: top + 1]])
    plan = _edge_plan(u.tobytes(), order)
    terms = np.array(
        [j for j in range(order + 1, plan.freedom.size) if plan.freedom[j] >= 1], dtype=np.intp
    )
    if not terms.size:
        return None
    size = (y + samples.center) ** 2
    found = _scaled(samples, top, order, plan, y, size, terms, terms,
                    _deviation(plan, y)[terms], plan.freedom[terms],
                    int((u > OUTER).sum()) - order)  # fmt: skip
    # Seen from the left, t = -h: odd derivatives change sign.
    sign = float(side) ** order
    return Candidates(**{**vars(found), "value": sign * found.value})


def _scaled(
    samples: Samples,
    top: int,
    order: int,
    plan: Plan,
    y: Floats,
    size: Floats,
    terms: Ints,
    degree: Ints,
    deviation: Floats,
    freedom: Floats,
    support: int,
) -> Candidates:
    """Candidates in the units of ``x`` from fits on the unit window."""
    reach = float(samples.h[top])

    def per_step(a: Floats) -> Floats:
        for _ in range(order):  # stepwise, because 1e-300 ** 2 is 0
            a = a / reach
        return a

    values = plan.weights @ y
    squares = plan.weights[terms] ** 2
    gain = np.sqrt(squares.sum(axis=1))
    shape = np.ones(terms.size)
    return Candidates(
        window=np.full(terms.shape, top, dtype=np.intp),
        reach=reach * shape,
        degree=degree,
        terms=terms + 1,
        support=np.full(terms.shape, support, dtype=np.intp),
        value=per_step(values[terms]),
        factor=per_step(_student(freedom) * gain),
        deviation=deviation,
        freedom=freedom,
        rounding=per_step(samples.ulp * np.sqrt(squares @ size)),
        truncation=per_step(np.abs(values[terms] - values[terms - 1])),
    )


def secant_scale(samples: Samples, order: int) -> Floats:
    """The size of an ``order``-th derivative as each step sees it: ``m! max|f(x+t)-f(x)| / h^m``."""
    scale = factorial(order) * samples.variation()
    for _ in range(order):
        scale = scale / samples.h[:, None]
    return scale
