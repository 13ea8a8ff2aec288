"""Graphs of scalars written as plain Python, beside rsdag: evaluation, and everything up to the first value.

Times are those of the calling thread: rsdag keeps helper threads busy after a call.
"""

from __future__ import annotations

import math
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from itertools import count
from statistics import median
from typing import Any

import numpy as np

import wengert as wg
from native.harness import Case, Row, TooLongError, limit

RUNS = count()


def product(x: Any) -> Any:
    """Speelpenning's product."""
    result = x[0]
    for i in range(1, len(x)):
        result = result * x[i]
    return result


def logistic_map(n: int) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        value = x[0]
        for _ in range(n):
            value = 4 * value * (1 - value)
        return value

    return f


def harmonics(n: int) -> Callable[[Any], list[Any]]:
    """The n*n real spherical harmonics below degree n, by recurrences in x, y, z."""

    def f(point: Any) -> list[Any]:
        x, y, z = point[0], point[1], point[2]
        sine, cosine = [0.0, y], [1.0, x]
        for m in range(2, n):
            s, c = sine[m - 1], cosine[m - 1]
            sine.append(x * s + y * c)
            cosine.append(x * c - y * s)
        legendre: dict[tuple[int, int], Any] = {}
        for m in range(n):
            legendre[m, m] = float(math.prod(1 - 2 * k for k in range(1, m + 1)))
            for degree in range(m + 1, n):
                step = (2 * degree - 1) / (degree - m) * z * legendre[degree - 1, m]
                if degree > m + 1:
                    step = step - (degree + m - 1) / (degree - m) * legendre[degree - 2, m]
                legendre[degree, m] = step
        outputs = []
        for degree in range(n):
            for m in range(-degree, degree + 1):
                k = abs(m)
                ratio = math.exp(math.lgamma(degree - k + 1) - math.lgamma(degree + k + 1))
                norm = math.sqrt((2 * degree + 1) / (4 * math.pi) * ratio * (2 if m else 1))
                value = norm * legendre[degree, k]
                outputs.append(value * (sine if m < 0 else cosine)[k] if m else value + 0.0 * x)
        return outputs

    return f


def determinant(n: int) -> Callable[[Any], Any]:
    """By minors along the rows, each minor once."""

    def f(x: Any) -> Any:
        minors = {(j,): x[(n - 1) * n + j] for j in range(n)}
        for row in range(n - 2, -1, -1):
            larger = {}
            for columns in chosen(n, n - row):
                value = 0.0
                for sign, j in enumerate(columns):
                    rest = tuple(c for c in columns if c != j)
                    term = x[row * n + j] * minors[rest]
                    value = value - term if sign % 2 else value + term
                larger[columns] = value
            minors = larger
        return minors[tuple(range(n))]

    return f


def chosen(n: int, k: int) -> list[tuple[int, ...]]:
    from itertools import combinations

    return list(combinations(range(n), k))


def shared(n: int) -> Callable[[Any], Any]:
    """A random straight-line program of n operations that reuses its last 30 values."""
    rng = random.Random(1)
    steps = [
        (rng.randrange(6), -1 - rng.randrange(10 + min(k, 20)), -1 - rng.randrange(10 + min(k, 20)))
        for k in range(n)
    ]

    def f(x: Any) -> Any:
        values = [x[i] for i in range(10)]
        for kind, i, j in steps:
            a, b = values[i], values[j]
            if kind == 0:
                values.append(np.sin(a))
            elif kind == 1:
                values.append(np.cos(a))
            elif kind == 2:
                values.append(a * b)
            elif kind == 3:
                values.append(0.5 * (a + b))
            elif kind == 4:
                values.append(a - b)
            else:
                values.append(a * np.cos(b))
        return values[-1]

    return f


def in_rsdag(f: Callable[[Any], Any], at: Sequence[float], many: bool) -> Callable[[], Any]:
    """Everything up to a call that gives the derivatives."""
    rsdag = import_module("rsdag")
    scope = rsdag.Scope()
    result = f([scope.input() for _ in at])
    outputs = [
        o if isinstance(o, rsdag.Tracer) else scope.constant(o)
        for o in (result if many else [result])
    ]
    program = scope.jacobian(outputs) if many else scope.gradient(outputs[0])
    return lambda: np.array(program.eval(*at))


def ours(f: Callable[[Any], Any], many: bool) -> Callable[..., Any]:
    if many:
        return wg.jacfwd(lambda x: np.stack(f(x)), backend="native")
    return wg.grad(f, backend="native")


def scaled(f: Callable[[Any], Any], factor: float, many: bool) -> Callable[[Any], Any]:
    return lambda v: [o * factor for o in f(v)] if many else f(v) * factor


def total(name: str, size: str, make: Callable[[], Any], x: Any, many: bool) -> Row:
    """From the Python function to the first numbers, for both, in turns."""
    row = Row(f"{name}, total", size, beside="rsdag", at_most=3)
    taken: dict[str, list[float]] = {"ours": [], "rsdag": []}
    at = [float(v) for v in x]
    systems = {
        "ours": lambda f: ours(f, many)(x),
        "rsdag": lambda f: in_rsdag(f, at, many)(),
    }
    for _ in range(3):
        for system, first in systems.items():
            # A number of its own for each run, so that no graph is found in a cache.
            fresh = scaled(make(), 1.0 + 1e-9 * next(RUNS), many)
            start = time.thread_time()
            try:
                with limit(30), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    first(fresh)
            except (ImportError, TooLongError) as error:
                row.notes = [f"{system}: {error or 'not installed'}"]
                continue
            except Exception as error:
                row.notes = [f"{system} fails: {type(error).__name__}: {str(error)[:150]}"]
                continue
            taken[system].append(time.thread_time() - start)
        if any(sum(t) > 20 for t in taken.values()) or row.notes:
            break
    row.ours = median(taken["ours"]) if taken["ours"] else None
    row.base = median(taken["rsdag"]) if taken["rsdag"] else None
    return row


def cases(quick: bool) -> Iterator[Case | Row]:
    rng = np.random.default_rng(1)
    workloads: list[tuple[str, str, Callable[[], Any], int, bool]] = [
        ("Speelpenning", "n=1000", lambda: product, 1000, False),
        ("logistic map", "n=1000", lambda: logistic_map(1000), 1, False),
        *(
            ("random shared graph", f"{n} operations", lambda n=n: shared(n), 10, False)
            for n in ((100, 1_000) if quick else (100, 1_000, 10_000, 100_000))
        ),
        ("determinant by minors", "n=8", lambda: determinant(8), 64, False),
        *([] if quick else [("spherical harmonics", "1600 x 3", lambda: harmonics(40), 3, True)]),
    ]
    for name, size, make, inputs, many in workloads:
        x = rng.uniform(0.3, 0.9, inputs)
        if inputs == 1000:
            x = 1 + 0.01 * (x - 0.6)
        at = [float(v) for v in x]
        yield Case(
            f"{name}, evaluation",
            size,
            lambda make=make, many=many: ours(make(), many),
            (x,),
            lambda make=make, at=at, many=many: in_rsdag(make(), at, many),
            beside="rsdag",
            at_most=1.1,
            rtol=1e-7,
            clock=time.thread_time,
        )
        yield total(name, size, make, x, many)
