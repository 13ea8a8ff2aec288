"""Log-likelihood of a Gaussian mixture with a Wishart prior, the objective of ADBench without its constants.

The inverse square root of each covariance is a lower triangular matrix: the logarithms of its diagonal, then
the numbers below the diagonal, column by column. Written twice, as whole arrays and as loops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import Call, Prepare, everywhere, torch_gradient

SIZES = (
    (1_000, 2, 5), (1_000, 10, 25), (1_000, 32, 25), (1_000, 64, 50), (1_000, 128, 50), (10_000, 2, 5),
    (10_000, 10, 25), (10_000, 32, 50), (10_000, 64, 25),
)  # fmt: skip
QUICK = SIZES[:3]


def arrays(alphas: Any, means: Any, icf: Any, x: Any, gamma: Any, m: Any) -> Any:
    n, d = x.shape
    k = len(alphas)
    q = np.exp(icf[:, :d])
    sums = np.sum(icf[:, :d], axis=1)
    columns, rows = np.triu_indices(d, 1)
    L = np.zeros((k, d, d))
    L[:, rows, columns] = icf[:, d:]
    centred = x[:, None, :] - means
    scaled = q * centred + np.einsum("kij,nkj->nki", L, centred)
    terms = alphas + sums - 0.5 * np.sum(scaled**2, axis=2)
    most = np.max(terms, axis=1)
    value = np.sum(most + np.log(np.sum(np.exp(terms - most[:, None]), axis=1)))
    top = np.max(alphas)
    value = value - n * (top + np.log(np.sum(np.exp(alphas - top))))
    squares = np.sum(q**2) + np.sum(icf[:, d:] ** 2)
    return value + 0.5 * gamma**2 * squares - m * np.sum(sums)


def loops(alphas: Any, means: Any, icf: Any, x: Any, gamma: Any, m: Any) -> Any:
    n, d = x.shape
    k = len(alphas)
    q = np.exp(icf[:, :d])
    terms = np.zeros(k)
    centred = np.zeros(d)
    scaled = np.zeros(d)
    value = 0.0
    for i in range(n):
        for c in range(k):
            term = alphas[c]
            for j in range(d):
                term += icf[c, j]
                centred[j] = x[i, j] - means[c, j]
                scaled[j] = q[c, j] * centred[j]
            at = d
            for j in range(d):
                for r in range(j + 1, d):
                    scaled[r] += icf[c, at] * centred[j]
                    at += 1
            norm = 0.0
            for j in range(d):
                norm += scaled[j] * scaled[j]
            terms[c] = term - 0.5 * norm
        most = np.max(terms)
        value += most + np.log(np.sum(np.exp(terms - most)))
    top = np.max(alphas)
    value -= n * (top + np.log(np.sum(np.exp(alphas - top))))
    squares = np.sum(q**2) + np.sum(icf[:, d:] ** 2)
    return value + 0.5 * gamma**2 * squares - m * np.sum(icf[:, :d])


def in_torch(d: int, args: Any) -> Prepare:
    def prepare() -> Call:
        constant = import_module("torch").from_numpy
        return torch_gradient(gathered(d, constant), args, (0, 1, 2))()

    return prepare


def gathered(d: int, constant: Callable[[Any], Any] = np.asarray) -> Callable[..., Any]:
    """The same for systems whose arrays cannot be changed: the triangle by one look-up, zeros in front."""
    columns, rows = np.triu_indices(d, 1)
    places = np.zeros((d, d), dtype=int)
    places[rows, columns] = 1 + np.arange(len(rows))
    places = constant(places + (d - 1))
    lower = constant(np.tril(np.ones((d, d)), -1))

    def objective(alphas: Any, means: Any, icf: Any, x: Any, gamma: Any, m: Any) -> Any:
        n = x.shape[0]
        q = np.exp(icf[:, :d])
        sums = np.sum(icf[:, :d], axis=1)
        L = icf[:, places] * lower
        centred = x[:, None, :] - means
        scaled = q * centred + np.einsum("kij,nkj->nki", L, centred)
        terms = alphas + sums - 0.5 * np.sum(scaled**2, axis=2)
        most = np.max(terms, axis=1)
        value = np.sum(most + np.log(np.sum(np.exp(terms - most[:, None]), axis=1)))
        top = np.max(alphas)
        value = value - n * (top + np.log(np.sum(np.exp(alphas - top))))
        squares = np.sum(q**2) + np.sum(icf[:, d:] ** 2)
        return value + 0.5 * gamma**2 * squares - m * np.sum(sums)

    return objective


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for name, program in (("GMM, arrays", arrays), ("GMM, loops", loops)):
        for n, d, k in QUICK if quick else SIZES:
            alphas, means = rng.normal(size=k), rng.normal(size=(k, d))
            icf, x = 0.3 * rng.normal(size=(k, d * (d + 1) // 2)), rng.normal(size=(n, d))
            given = (alphas, means, icf)
            made = tuple(np.empty_like(a) for a in given)
            yield Case(
                name,
                f"n={n}, d={d}, k={k}",
                lambda program=program: wg.value_and_grad(
                    program, argnums=(0, 1, 2), backend="native"
                ),
                (*given, x, 1.0, 2.0),
                lambda n=n, d=d, k=k, x=x, given=given, made=made: Hand(
                    "gmm", "gmm", n, d, k, *given, x, 1.0, 2, *made, results=made
                ),
                at_most=0.5,
                peers=everywhere(gathered(d), (*given, x, 1.0, 2.0), (0, 1, 2))
                | {"torch": in_torch(d, (*given, x, 1.0, 2.0))},
                faster=2,
            )
