"""Stores: programs that change arrays in loops and branches, with views and copies of old versions around.

Whatever is done in place, the values are those of the reference, which copies at each store.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from emit.comparing import assert_emitted
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.node import Expr
from wengert.ops.algebra import zeros
from wengert.ops.choice import where
from wengert.ops.control import branch, for_loop, loop, while_loop
from wengert.ops.einstein import sum_axes, transpose
from wengert.ops.gathering import add_at
from wengert.ops.joining import concatenate
from wengert.ops.layout import reshape
from wengert.ops.leaves import const, symbol
from wengert.ops.subscripts import update
from wengert.ops.trig import sin

N = 4
A, B = symbol("A", (N, N)), symbol("B", (N, N))
u, v = symbol("u", N), symbol("v", N)
x = symbol("x")

Code = tuple[int, int, int, int]
State = dict[str, Expr]  # program variables: A, B matrices, u, v vectors, x a number


def _place(i: int, k: Expr | None) -> Expr | int:
    return i % N if k is None or i % 3 == 0 else (k + i) % N


def step(code: Code, s: State, k: Expr | None) -> State:
    """One assignment."""
    kind, a, b, c = code
    s = dict(s)
    i, j = _place(a, k), _place(b, k)
    M, w = ("A", "B")[c % 2], ("u", "v")[c % 2]
    other = ("u", "v")[(a + b) % 2]
    match kind % 16:
        case 0:
            s[M] = update(s[M], (i, j), s[M][j, i] / 3 + s["x"])
        case 1:
            s[M] = update(s[M], i, s[M][i] - s[M][j] * s[M][i, j] / 4)
        case 2:
            s[M] = update(s[M], (slice(1, None), j), s[M][:-1, j] * 0.5)
        case 3:
            s[w] = update(s[w], i, s[w][j] + sin(s["x"]))
        case 4:
            s[w] = update(s[w], slice(1, -1), s[w][2:] / 2 + s[w][:-2] / 3)
        case 5:  # the old version lives on under another name
            s[other], s[w] = s[w], update(s[w], i, s["x"])
        case 6:
            s[w] = s[M][i]
        case 7:
            s[w] = s[M][i] + s[other]
            s[M] = update(s[M], i, s[w] / 2)
        case 8:  # a view of the old version is read after the store
            row = s[M][i]
            s[M] = update(s[M], i, s["u"])
            s["x"] = sin(sum_axes(row * s[M][j]))
        case 9:
            s["x"] = sin(s["x"] + s[M][i, j])
        case 10:
            s[M] = transpose(s[M])
        case 11:
            s[M] = update(s[M], (slice(None), j), s[w])
        case 12:
            s[w] = add_at(s[w], s["x"] / 2, i if isinstance(i, Expr) else const(i))
        case 13:
            s[w] = update(zeros((N,)), i, s[other][j])
        case 14 if b % 2:
            s[w] = concatenate((s[w][1:], s[other][:1]))
        case 14:
            s[M] = reshape(update(reshape(s[M], (N * N,)), 5, s["x"]), (N, N))
        case _:
            s[w] = where(s[w] > s["x"], s[w], s[other] / 2)
    return s


def run(codes: list[Code], s: State, k: Expr | None, depth: int) -> State:
    """Assignments, some of them within loops and branches."""
    names = tuple(s)

    def packed(body: list[Code], inner: Expr | None) -> Callable[..., tuple[Expr, ...]]:
        def call(*values: Expr) -> tuple[Expr, ...]:
            return tuple(
                run(body, dict(zip(names, values, strict=True)), inner, depth + 1).values()
            )

        return call

    position = 0
    while position < len(codes):
        kind, a, b, _ = codes[position]
        position += 1
        if kind < 22 or depth > 2:
            s = step(codes[position - 1], s, k)
            continue
        body = codes[position : position + 1 + a % 3]
        position += len(body)
        values = tuple(s.values())
        if kind < 25:
            found = for_loop(2 + b % 2, values, lambda i, *c, body=body: packed(body, i)(*c))
        elif kind < 28:
            found = branch(s["x"] > 0.1, packed(body, k), lambda *c: c, *values)
        elif kind < 30:
            half = len(body) // 2
            found = branch(
                s["u"][0] < s["x"], packed(body[:half], k), packed(body[half:], k), *values
            )
        elif kind < 32:
            *found, rows = loop(
                values,
                lambda i, *c, body=body: (packed(body, i)(*c), (c[2],)),
                trip=3,
                stacked=True,
            )
            found[0] = update(found[0], slice(0, 3), rows)
        else:
            limit = const(3 + b % 2)
            _, *found = while_loop(
                lambda i, *c, limit=limit: i < limit,
                lambda i, *c, body=body: (i + 1, *packed(body, i)(*c)),
                (const(0), *values),
            )
        s = dict(zip(names, found, strict=True))
    return s


CODES = st.lists(
    st.tuples(st.integers(0, 33), st.integers(0, 11), st.integers(0, 11), st.integers(0, 1)),
    min_size=2,
    max_size=10,
)
STATE: State = {"A": A, "B": B, "u": u, "v": v, "x": x}
INPUTS = [A, B, u, v, x]


def values_of(seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    found: dict[str, object] = {s.attr.name: rng.uniform(-1, 1, s.shape) for s in (A, B, u, v)}
    return {**found, "x": rng.uniform(-1, 1)}


@settings(max_examples=250, deadline=None)
@given(CODES, st.integers(0, 99))
def test_values(codes: list[Code], seed: int) -> None:
    outputs = list(run(codes, STATE, None, 0).values())
    assert_emitted(outputs, values_of(seed), INPUTS, atol=1.0)


@settings(max_examples=80, deadline=None)
@given(CODES, st.integers(0, 99))
@example([(5, 0, 0, 1), (4, 0, 0, 0), (4, 0, 0, 0)], 0)  # stores waited for each other's readers
def test_derivatives(codes: list[Code], seed: int) -> None:
    outputs = list(run(codes, STATE, None, 0).values())
    values = values_of(seed)
    tangents = {s: symbol(f"d{s.attr.name}", s.shape) for s in INPUTS}
    changes = [c for c in jvp(outputs, dict(tangents)) if c is not None]
    total = sum((sum_axes(o) for o in outputs[:4]), outputs[4])
    gradients = [g for g in vjp([total], [const(1.0)], INPUTS) if g is not None]
    more = {t.attr.name: np.asarray(values[s.attr.name]) / 3 for s, t in tangents.items()}
    inputs = [*INPUTS, *tangents.values()]
    assert_emitted(
        [*outputs, *changes, *gradients], {**values, **more}, inputs, rtol=1e-10, atol=1.0
    )
