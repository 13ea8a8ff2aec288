"""Scalar expression graphs: how fast are they built and differentiated, and do the values agree?

Each workload is written once, as plain Python on whatever supports operators, and given to every
system: wengert, CasADi SX, rsdag (Rust; its time includes preparing the program, which it cannot leave
out), SymEngine and SymPy. Times are CPU times of the calling thread (rsdag keeps helper threads busy
after a call). Systems that take more than a few seconds on a size are not asked for larger ones.

Targets: 300 thousand operations per second of construction, 5 times CasADi SX and 50 times SymPy; the
gradient of 100,000 operations by 10 inputs in 1 s and within 6 times CasADi SX; on the four workloads
from the literature never slower than CasADi SX and within 5 times rsdag.
"""

from __future__ import annotations

import gc
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from statistics import median
from time import thread_time
from typing import Any

import numpy as np
from timing import human, machine

import wengert as wg
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.run.reference import evaluate_nodes

ROUNDS = 5
# Every run has inputs of its own: no system may find the graph of an earlier run in a cache.
FRESH = count()
LIMIT = 20.0  # seconds per cell, beyond which a system gets no larger size


# --- workloads: inputs and elementary functions in, outputs out ----------------------------------------
def recurrence(xs: Sequence[Any], f: Any, n: int) -> list[Any]:
    """Deep shared recurrence, five operations a step; as a tree it would be exponential."""
    a, b = xs[0], xs[1]
    for k in range(n // 5):
        a, b = f.sin(a * xs[2 + k % 8] + b), a * b + xs[3]
    return [a * b]


def terms(xs: Sequence[Any], f: Any, n: int) -> list[Any]:
    """A sum of independent terms, about eleven operations each."""
    m = len(xs)
    parts = []
    for k in range(n // 11):
        x, y = xs[k % m], xs[(7 * k + 3) % m]
        parts.append(f.sin(x * (k + 1) + y) * f.exp(-(y * (k + 2))) + (x * x + y) * (k + 3))
    while len(parts) > 1:
        paired = [a + b for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = paired + ([parts[-1]] if len(parts) % 2 else [])
    return parts


def product(xs: Sequence[Any], f: Any, n: int) -> list[Any]:
    """Speelpenning's product x1*x2*...*xn."""
    result = xs[0]
    for x in xs[1:]:
        result = result * x
    return [result]


def logistic(xs: Sequence[Any], f: Any, n: int) -> list[Any]:
    """The logistic map l -> 4*l*(1 - l), n times: the textbook example of expression swell."""
    value = xs[0]
    for _ in range(n):
        value = 4 * value * (1 - value)
    return [value]


def shared(xs: Sequence[Any], f: Any, n: int) -> list[Any]:
    """A random straight-line program of n operations that reuses its last 30 values."""
    rng = random.Random(1)
    values = list(xs)
    for _ in range(n):
        a, b = rng.choice(values[-30:]), rng.choice(values[-30:])
        kind = rng.randrange(6)
        if kind == 0:
            values.append(f.sin(a))
        elif kind == 1:
            values.append(f.cos(a))
        elif kind == 2:
            values.append(a * b)
        elif kind == 3:
            values.append(0.5 * (a + b))
        elif kind == 4:
            values.append(a - b)
        else:
            values.append(a * f.cos(b))
    return [values[-1]]


def harmonics(xs: Sequence[Any], f: Any, n: int) -> list[Any]:
    """The n*n real spherical harmonics below degree n, by recurrences in x, y, z."""
    x, y, z = xs
    sine: list[Any] = [0.0]
    cosine: list[Any] = [1.0]
    for m in range(1, n):
        s, c = sine[m - 1], cosine[m - 1]
        sine.append(x * s + y * c if m > 1 else y)
        cosine.append(x * c - y * s if m > 1 else x)
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
            outputs.append(value * (sine if m < 0 else cosine)[k] if m else value)
    return outputs


@dataclass(frozen=True)
class Workload:
    name: str
    build: Callable[[Sequence[Any], Any, int], list[Any]]
    inputs: Callable[[int], int]
    sizes: tuple[int, ...]
    forward: bool = False  # many outputs, few inputs: a Jacobian by forward mode


WORKLOADS = (
    Workload("terms", terms, lambda n: 10, (1_000, 10_000, 100_000)),
    Workload("recurrence", recurrence, lambda n: 10, (1_000, 10_000, 100_000)),
    Workload("product", product, lambda n: n, (100, 1_000)),
    Workload("logistic", logistic, lambda n: 1, (100, 1_000)),
    Workload("shared", shared, lambda n: 10, (1_000, 10_000, 100_000)),
    Workload("harmonics", harmonics, lambda n: 3, (10, 20, 40), forward=True),
)


# --- systems: build and differentiate; CPU seconds of each, and the derivatives at a point ---------
@dataclass(frozen=True)
class Outcome:
    build: float
    differentiate: float
    values: Callable[[list[float]], list[float]] | None


class Wengert:
    name = "wengert"

    def run(self, w: Workload, n: int) -> Outcome:
        number = w.inputs(n)
        start = thread_time()
        xs = [wg.symbol(f"x{next(FRESH)}") for _ in range(number)]
        outputs = [o if isinstance(o, wg.Expr) else wg.const(o) for o in w.build(xs, wg, n)]
        built = thread_time()
        if w.forward:
            rows = [jvp(outputs, {x: wg.const(1)}) for x in xs]
            found = [rows[j][i] for i in range(len(outputs)) for j in range(number)]
        else:
            found = vjp(outputs, [wg.const(1)], xs)
        done = thread_time()
        roots = [wg.const(0) if g is None else g for g in found]
        return Outcome(
            built - start,
            done - built,
            lambda at: [
                float(v)
                for v in evaluate_nodes(
                    roots, {x.attr.name: v for x, v in zip(xs, at, strict=True)}
                )
            ],
        )


class Casadi:
    name = "casadi SX"

    def __init__(self) -> None:
        import casadi

        self.ca = casadi

    def run(self, w: Workload, n: int) -> Outcome:
        ca = self.ca
        number = w.inputs(n)
        start = thread_time()
        xs = [ca.SX.sym(f"x{next(FRESH)}") for _ in range(number)]
        outputs = w.build(xs, ca, n)
        built = thread_time()
        x = ca.vertcat(*xs)
        out = ca.vertcat(*outputs)
        found = ca.jacobian(out, x) if w.forward else ca.gradient(out, x)
        done = thread_time()

        def values(at: list[float]) -> list[float]:
            return list(np.array(ca.Function("f", [x], [ca.densify(found)])(at)).ravel())

        return Outcome(built - start, done - built, values)


class Rsdag:
    name = "rsdag"

    def __init__(self) -> None:
        import rsdag

        self.rsdag = rsdag

    def run(self, w: Workload, n: int) -> Outcome:
        number = w.inputs(n)
        start = thread_time()
        scope = self.rsdag.Scope()
        xs = [scope.input() for _ in range(number)]
        outputs = [
            o if isinstance(o, self.rsdag.Tracer) else scope.constant(o) for o in w.build(xs, np, n)
        ]
        built = thread_time()
        program = scope.jacobian(outputs) if w.forward else scope.gradient(outputs[0])
        done = thread_time()
        return Outcome(built - start, done - built, lambda at: list(program.eval(*at)))


class Symengine:
    name = "symengine"

    def __init__(self) -> None:
        import symengine

        self.se = symengine

    def run(self, w: Workload, n: int) -> Outcome:
        start = thread_time()
        xs = [self.se.Symbol(f"v{next(FRESH)}") for _ in range(w.inputs(n))]
        outputs = w.build(xs, self.se, n)
        built = thread_time()
        for out in outputs:
            for x in xs:
                self.se.diff(out, x)
        return Outcome(built - start, thread_time() - built, None)


class Sympy:
    name = "sympy"

    def __init__(self) -> None:
        import sympy

        self.sp = sympy

    def run(self, w: Workload, n: int) -> Outcome:
        start = thread_time()
        xs = [self.sp.Symbol(f"v{next(FRESH)}") for _ in range(w.inputs(n))]
        outputs = w.build(xs, self.sp, n)
        built = thread_time()
        for out in outputs:
            for x in xs:
                self.sp.diff(out, x)
        return Outcome(built - start, thread_time() - built, None)


# What the tree-based systems can do in reasonable time: larger sizes swell or never end.
MOST = {
    "sympy": {
        "terms": 1_000,
        "recurrence": 0,
        "product": 30,
        "logistic": 0,
        "shared": 0,
        "harmonics": 10,
    },
    "symengine": {
        "terms": 100_000,
        "recurrence": 1_000,
        "product": 1_000,
        "logistic": 100,
        "shared": 1_000,
        "harmonics": 40,
    },
}


def installed() -> list[Any]:
    """The systems that can be imported here, wengert first."""
    found: list[Any] = [Wengert()]
    for system in (Casadi, Rsdag, Symengine, Sympy):
        try:
            found.append(system())
        except ImportError:
            print(f"  ({system.name} is not installed)")
    return found


def agree(ours: Outcome, theirs: Outcome, inputs: int) -> bool:
    """Whether two systems found the same derivatives at a point."""
    if ours.values is None or theirs.values is None:
        return True
    rng = random.Random(3)
    at = [rng.uniform(0.3, 0.9) for _ in range(inputs)]
    a, b = ours.values(at), theirs.values(at)
    return len(a) == len(b) and all(
        math.isclose(p, q, rel_tol=1e-7, abs_tol=1e-9 * max(1.0, *map(abs, b))) or p != p
        for p, q in zip(a, b, strict=True)
    )


def settle() -> None:
    """Clear up what the run before has left, so that its cost falls on nobody else.

    Freeing many C++ objects is followed by a consolidation of the heap in the next larger allocation.
    """
    gc.collect()
    bytearray(10_000_000)


def measure(w: Workload, n: int, systems: list[Any]) -> None:
    """One row per system, the systems taking turns."""
    taking = [s for s in systems if n <= MOST.get(s.name, {}).get(w.name, n)]
    times: dict[str, list[Outcome]] = {s.name: [] for s in taking}
    slow: set[str] = set()
    for _ in range(ROUNDS):
        for system in taking:
            if system.name in slow:
                continue
            settle()
            outcome = system.run(w, n)
            if times[system.name]:
                outcome = replace(outcome, values=None)  # let go of the graph
            times[system.name].append(outcome)
            if outcome.build + outcome.differentiate > LIMIT / ROUNDS:
                slow.add(system.name)
    ours = times["wengert"][0]
    base = median(o.build + o.differentiate for o in times["wengert"])
    print(f"\n{w.name}, n = {n}")
    for name, outcomes in times.items():
        build = median(o.build for o in outcomes)
        differentiate = median(o.differentiate for o in outcomes)
        ok = "" if agree(ours, outcomes[0], w.inputs(n)) else "   VALUES DIFFER"
        print(
            f"  {name:<10} build {human(build):>9}   differentiate {human(differentiate):>9}"
            f"   together {(build + differentiate) / base:7.2f} x{ok}"
        )


def construction(systems: list[Any]) -> None:
    """Operations built per second, from Python operators, on the two large workloads."""
    print("construction, thousand operations per second")
    for w in WORKLOADS[:2]:
        for system in systems:
            n = {"sympy": 1_000, "symengine": 1_000}.get(system.name, 100_000)
            if n > MOST.get(system.name, {}).get(w.name, n):
                continue
            builds = []
            for _ in range(ROUNDS):
                settle()
                builds.append(system.run(w, n).build)
            seconds = median(builds)
            print(f"  {w.name:<10} {system.name:<10} {n / seconds / 1e3:9.1f}   (n = {n})")


def swell() -> None:
    """Operation counts of derivatives that are said to swell."""
    print("\nexpression swell: operations of the derivative, shared parts counted once")
    x = wg.symbol("x")
    for order in (1, 2, 5, 10):
        start = thread_time()
        derivative = wg.diff(wg.exp(wg.sin(x)), ("x", order), simplify=False)
        print(
            f"  exp(sin(x)), derivative {order:>2}: {derivative.cost().operations:>5} operations,"
            f" {human(thread_time() - start)}"
        )
    for n in (1, 2, 4, 8, 14, 100):
        value = logistic([x], wg, n)[0]
        derivative = wg.diff(value, "x", simplify=False)
        print(
            f"  logistic map, n = {n:>3}: function {value.cost().operations:>4},"
            f" derivative {derivative.cost().operations:>4} operations"
        )


def main() -> int:
    """All tables."""
    print(machine())
    systems = installed()
    construction(systems)
    for w in WORKLOADS:
        for n in w.sizes:
            measure(w, n, systems)
    swell()
    return 0


if __name__ == "__main__":
    sys.exit(main())
