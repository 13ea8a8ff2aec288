"""Programs with plain loops that change arrays in place: LU, stencils, Thomas's solver; then ODEs.

Two rows each: the value beside C, and the gradient beside our own value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case

STENCIL_STEPS = 10
CHAINS = ((1_000, 10), (1_000, 100), (10_000, 100), (100_000, 10), (100_000, 100))


def lu(given: Any) -> Any:
    A = given.copy()
    n = A.shape[0]
    for k in range(n):
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            for j in range(k + 1, n):
                A[i, j] -= A[i, k] * A[k, j]
    value = 0.0
    for k in range(n):
        value += np.log(abs(A[k, k]))
    return value


def lu_pivoting(given: Any) -> Any:
    A = given.copy()
    n = A.shape[0]
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(A[i, k]) > abs(A[p, k]):
                p = i
        if p != k:
            for j in range(n):
                other = A[k, j]
                A[k, j] = A[p, j]
                A[p, j] = other
        for i in range(k + 1, n):
            A[i, k] /= A[k, k]
            for j in range(k + 1, n):
                A[i, j] -= A[i, k] * A[k, j]
    value = 0.0
    for k in range(n):
        value += np.log(abs(A[k, k]))
    return value


def jacobi(given: Any, steps: int) -> Any:
    a = given.copy()
    n = a.shape[0]
    for _ in range(steps):
        b = a.copy()
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                b[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])
        a = b
    return np.sum(a * a)


def gauss_seidel(given: Any, steps: int) -> Any:
    a = given.copy()
    n = a.shape[0]
    for _ in range(steps):
        for i in range(1, n - 1):
            for j in range(1, n - 1):
                a[i, j] = 0.25 * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1])
    return np.sum(a * a)


def thomas(a: Any, b: Any, c: Any, d: Any) -> Any:
    n = len(d)
    cp = np.zeros(n)
    x = np.zeros(n)
    cp[0] = c[0] / b[0]
    x[0] = d[0] / b[0]
    for i in range(1, n):
        w = b[i] - a[i] * cp[i - 1]
        cp[i] = c[i] / w
        x[i] = (d[i] - a[i] * x[i - 1]) / w
    for i in range(n - 2, -1, -1):
        x[i] -= cp[i] * x[i + 1]
    return np.sum(x * x)


def slopes(y: Any, k: Any) -> None:
    n = len(y)
    k[0] = y[1] - 2 * y[0] - 0.1 * y[0] ** 3
    for i in range(1, n - 1):
        k[i] = y[i - 1] - 2 * y[i] + y[i + 1] - 0.1 * y[i] ** 3
    k[n - 1] = y[n - 2] - 2 * y[n - 1] - 0.1 * y[n - 1] ** 3


def chain(start: Any, steps: int, h: float) -> Any:
    n = len(start)
    y = start.copy()
    at, k1, k2, k3, k4 = (np.zeros(n) for _ in range(5))
    for _ in range(steps):
        slopes(y, k1)
        for i in range(n):
            at[i] = y[i] + 0.5 * h * k1[i]
        slopes(at, k2)
        for i in range(n):
            at[i] = y[i] + 0.5 * h * k2[i]
        slopes(at, k3)
        for i in range(n):
            at[i] = y[i] + h * k3[i]
        slopes(at, k4)
        for i in range(n):
            y[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i])
    return np.sum(y * y)


def adaptive(mu: float, x: float, v: float, end: float, tolerance: float) -> Any:
    t = 0.0
    h = 0.01
    while t < end:
        if t + h > end:
            h = end - t
        ax, av = v, mu * (1 - x * x) * v - x
        bx, bv = x + h * ax, v + h * av
        cx, cv = bv, mu * (1 - bx * bx) * bv - bx
        ex, ev = 0.5 * h * (cx - ax), 0.5 * h * (cv - av)
        error = np.sqrt(ex * ex + ev * ev)
        if error <= tolerance:
            t += h
            x += 0.5 * h * (ax + cx)
            v += 0.5 * h * (av + cv)
        factor = 0.9 * np.sqrt(tolerance / (error + 1e-300))
        h *= min(5.0, max(0.2, factor))
    return x * x + v * v


def along(
    hand: Callable[..., Hand], args: tuple[Any, ...], varied: int
) -> Callable[[tuple[Any, Any]], bool]:
    """Judge a gradient by a central difference of C along a random direction."""

    def check(result: tuple[Any, Any]) -> bool:
        gradient = result[1] if isinstance(result[1], tuple) else (result[1],)
        rng = np.random.default_rng(5)
        ways = [np.asarray(rng.normal(size=np.shape(a))) for a in args[:varied]]
        h = 1e-6

        def at(step: float) -> float:
            moved = [a + step * w for a, w in zip(args, ways, strict=False)]
            tidy = [m if np.ndim(m) else float(m) for m in moved]
            return float(hand(*tidy, *args[varied:]).result()[0])

        numeric = (at(h) - at(-h)) / (2 * h)
        ours = sum(float(np.sum(g * w)) for g, w in zip(gradient, ways, strict=True))
        size = sum(float(np.sum(np.abs(g * w))) for g, w in zip(gradient, ways, strict=True))
        return abs(ours - numeric) <= 1e-5 * max(abs(ours), size)

    return check


def pair(
    name: str,
    size: str,
    program: Callable[..., Any],
    args: tuple[Any, ...],
    hand: Callable[..., Hand],
    *,
    varied: int = 1,
    most: float = 4.0,
    faster: float = 20.0,
) -> Iterator[Case]:
    """The rows of a program: its value beside C, its value and gradient beside its value."""
    yield Case(
        f"{name}, value",
        size,
        lambda: wg.jit(program, backend="native"),
        args,
        lambda: hand(*args),
        at_most=1.1,
    )
    by: Any = 0 if varied == 1 else tuple(range(varied))

    def primal() -> Callable[[], Any]:
        f = wg.jit(program, backend="native")
        return lambda: f(*args)

    yield Case(
        f"{name}, gradient",
        size,
        lambda: wg.value_and_grad(program, argnums=by, backend="native"),
        args,
        primal,
        beside="own value",
        same=False,
        at_most=most,
        faster=faster,
        check=along(hand, args, varied),
    )


def cases(quick: bool) -> Iterator[Case]:
    rng = np.random.default_rng(1)
    for name, program in (("LU", lu), ("LU with pivoting", lu_pivoting)):
        for n in (30,) if quick else (30, 100, 300):
            A = rng.normal(size=(n, n)) + (2 * n * np.eye(n) if program is lu else 0)
            work = np.empty_like(A)
            yield from pair(
                name,
                f"n={n}",
                program,
                (A,),
                lambda A, program=program, work=work: Hand(
                    "solvers", program.__name__, len(A), A, work
                ),
            )
    for name, program in (("Jacobi stencil", jacobi), ("Gauss-Seidel stencil", gauss_seidel)):
        for n in (64,) if quick else (64, 512):
            a = rng.normal(size=(n, n))
            work = [np.empty_like(a) for _ in range(2 if program is jacobi else 1)]
            yield from pair(
                name,
                f"{n} x {n}, {STENCIL_STEPS} steps",
                program,
                (a, STENCIL_STEPS),
                lambda a, steps, program=program, work=work: Hand(
                    "solvers", program.__name__, len(a), steps, a, *work
                ),
            )
    for n in (1_000,) if quick else (1_000, 100_000):
        a, c, d = rng.uniform(-1, 1, (3, n))
        b = 4 + rng.random(n)
        work = list(np.empty((2, n)))
        yield from pair(
            "Thomas solver",
            f"n={n}",
            thomas,
            (a, b, c, d),
            lambda a, b, c, d, work=work: Hand("solvers", "thomas", len(a), a, b, c, d, *work),
            varied=4,
        )
    for n, steps in CHAINS[:1] if quick else CHAINS:
        start, work = rng.normal(size=n), np.empty(4 * n)
        yield from pair(
            "RK4 chain",
            f"n={n}, {steps} steps",
            chain,
            (start, steps, 0.01),
            lambda start, steps, h, work=work: Hand(
                "odes", "chain", len(start), steps, h, start, work
            ),
            most=3.5,
            faster=2,
        )
    for tolerance in (1e-6,) if quick else (1e-4, 1e-6, 1e-9):
        yield from pair(
            "adaptive ODE",
            f"tolerance {tolerance:g}",
            adaptive,
            (1.5, 2.0, 0.0, 3.0, tolerance),
            lambda *args: Hand("odes", "adaptive", *args),
            varied=3,
        )
