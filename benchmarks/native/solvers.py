"""Programs with plain loops that change arrays in place: LU, stencils, Thomas's solver; then ODEs.

Two rows each: the value beside C, and the gradient beside our own value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

import wengert as wg
from native.hand import Hand
from native.harness import Case
from native.peers import Prepare, autograd_gradient, jax_call, spelled, torch_gradient

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
            t = t + h
            x = x + 0.5 * h * (ax + cx)
            v = v + 0.5 * h * (av + cv)
        factor = 0.9 * np.sqrt(tolerance / (error + 1e-300))
        h = h * min(5.0, max(0.2, factor))
    return x * x + v * v


# --- the same for systems of whole arrays --------------------------------------------------------------
def lu_in_jax(A: Any) -> Prepare:
    """Each step of the elimination as a change of the whole matrix."""

    def make(jax: Any, jnp: Any) -> Any:
        def value(A: Any) -> Any:
            each = jnp.arange(len(A))

            def step(k: Any, A: Any) -> Any:
                column = jnp.where(each > k, A[:, k] / A[k, k], 0.0)
                row = jnp.where(each >= k, A[k], 0.0)
                return A - jnp.outer(column, row)

            return jnp.sum(jnp.log(jnp.abs(jnp.diag(jax.lax.fori_loop(0, len(A), step, A)))))

        return jax.value_and_grad(value)

    return jax_call(make, (A,))


def jacobi_in_jax(a: Any, steps: int) -> Prepare:
    def make(jax: Any, jnp: Any) -> Any:
        def value(a: Any) -> Any:
            def step(_: int, a: Any) -> Any:
                inner = 0.25 * (a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:])
                return a.at[1:-1, 1:-1].set(inner)

            a = jax.lax.fori_loop(0, steps, step, a)
            return jnp.sum(a * a)

        return jax.value_and_grad(value)

    return jax_call(make, (a,))


def thomas_in_jax(*args: Any) -> Prepare:
    def make(jax: Any, jnp: Any) -> Any:
        def value(a: Any, b: Any, c: Any, d: Any) -> Any:
            def down(before: Any, row: Any) -> Any:
                a, b, c, d = row
                w = b - a * before[0]
                now = c / w, (d - a * before[1]) / w
                return now, now

            def up(above: Any, row: Any) -> Any:
                x = row[1] - row[0] * above
                return x, x

            first = a.at[0].set(0.0)
            _, (cp, dp) = jax.lax.scan(down, (0.0, 0.0), (first, b, c, d))
            _, x = jax.lax.scan(up, 0.0, (cp.at[-1].set(0.0), dp), reverse=True)
            return jnp.sum(x * x)

        return jax.value_and_grad(value, (0, 1, 2, 3))

    return jax_call(make, args)


def tensors(*numbers: float) -> tuple[Any, ...]:
    """The numbers as arrays, which become tensors."""
    return tuple(np.array(x) for x in numbers)


def slope(y: Any) -> Any:
    return y[:-2] - 2 * y[1:-1] + y[2:] - 0.1 * y[1:-1] ** 3


def step_of_arrays(y: Any, h: float) -> Any:
    """One step, on an array with a zero at each end."""
    k1 = padded(slope(y))
    k2 = padded(slope(y + 0.5 * h * k1))
    k3 = padded(slope(y + 0.5 * h * k2))
    k4 = padded(slope(y + h * k3))
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def padded(y: Any) -> Any:
    zero = 0.0 * y[:1]
    return np.concatenate((zero, y, zero))


def chain_arrays(start: Any, steps: int, h: float) -> Any:
    y = padded(start)
    for _ in range(steps):
        y = step_of_arrays(y, h)
    return np.sum(y * y)


def chain_in_jax(start: Any, steps: int, h: float) -> Prepare:
    def make(jax: Any, jnp: Any) -> Any:
        step, ends = spelled(step_of_arrays, jnp), spelled(padded, jnp)

        def value(start: Any) -> Any:
            y = jax.lax.fori_loop(0, steps, lambda _, y: step(y, h), ends(start))
            return jnp.sum(y * y)

        return jax.value_and_grad(value)

    return jax_call(make, (start,))


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
    peers: Mapping[str, Prepare] | None = None,
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
        peers=peers or {},
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
                peers={"jax": lu_in_jax(A)} if program is lu else {},
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
                peers={"jax": jacobi_in_jax(a, STENCIL_STEPS)} if program is jacobi else {},
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
            peers={"jax": thomas_in_jax(a, b, c, d)},
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
            peers={
                "jax": chain_in_jax(start, steps, 0.01),
                "torch": torch_gradient(chain_arrays, (start, steps, 0.01)),
                "autograd": autograd_gradient(chain_arrays, (start, steps, 0.01)),
            },
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
            peers={
                "torch": torch_gradient(
                    adaptive, tensors(1.5, 2.0, 0.0, 3.0, tolerance), (0, 1, 2)
                ),
                "autograd": autograd_gradient(adaptive, (1.5, 2.0, 0.0, 3.0, tolerance), (0, 1, 2)),
            },
            varied=3,
        )
