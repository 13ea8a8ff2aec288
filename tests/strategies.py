"""Random well-typed graphs: one hypothesis strategy for everybody's property tests.

A graph is drawn as a *recipe*, a list of instructions on a pool of scalars, vectors and matrices, so that
the same graph can be built twice. Every elementwise op of the registry takes part, with its arguments
brought into the interval in which it is smooth; so do Einstein products, sums, ``where``, and control flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from harness.cases import all_ops
from hypothesis import assume
from hypothesis import strategies as st

from wengert.diff.forward import jvp
from wengert.errors import NoDerivativeError, WengertError
from wengert.ir.node import Expr, make
from wengert.ir.op import Op
from wengert.ir.types import FLOAT, Type
from wengert.ir.walk import leaves
from wengert.ops.algebra import diag, dot, full, matmul, outer, trace
from wengert.ops.choice import where
from wengert.ops.control import branch, call, for_loop, loop, while_loop
from wengert.ops.einstein import sum_axes, transpose
from wengert.ops.leaves import ONE, size, symbol
from wengert.ops.trig import sin, tanh
from wengert.run.reference import evaluate_nodes

__all__ = ["SYMBOLS", "Program", "build", "elementwise_ops", "programs", "recipes", "run"]

SYMBOLS = (
    symbol("x"),
    symbol("y"),
    symbol("v", "n"),
    symbol("w", "n"),
    symbol("A", ("n", "n")),
    symbol("B", ("n", "n"), assume="symmetric"),
)

Instruction = tuple[int, int, int, int]
Recipe = tuple[Instruction, ...]
Pool = dict[int, list[Expr]]  # nodes by number of axes


@dataclass(frozen=True)
class Program:
    """A scalar output of :data:`SYMBOLS`, inner nodes of every rank, and values to evaluate at."""

    recipe: Recipe
    output: Expr
    nodes: tuple[Expr, ...]
    values: dict[str, Any]

    @property
    def symbols(self) -> tuple[Expr, ...]:
        """Those symbols that occur in the output."""
        present = set(leaves([self.output]))
        return tuple(s for s in SYMBOLS if s in present)


def run(nodes: Sequence[Expr], **values: Any) -> list[Any]:
    """Values of nodes, given at least a value for each of their symbols."""
    needed = {n.attr.name for n in leaves(nodes) if n.op.free} | {"n"}
    return evaluate_nodes(list(nodes), {k: v for k, v in values.items() if k in needed})


# --- elementwise ops -------------------------------------------------------------------------------------
@cache
def elementwise_ops() -> tuple[Op, ...]:
    """Ops of one or two real arguments, elementwise, with an interval in which they are smooth."""
    found = []
    for op in all_ops().values():
        arity = op.arity if op.arity in (1, 2) else 0
        if not op.elementwise or not arity or op.bodies or len(op.domain.sample) != arity:
            continue
        try:
            if op.result(*[FLOAT] * arity) is FLOAT:
                found.append(op)
        except (WengertError, TypeError):
            continue
    return tuple(sorted(found, key=lambda op: op.name))


def _inside(node: Expr, interval: tuple[float, float]) -> Expr:
    """The node brought into an open interval, smoothly."""
    low, high = interval
    low, high = max(low, -3.0), min(high, 3.0)
    middle, half = (low + high) / 2, 0.45 * (high - low)
    bounded = tanh(node)
    shift = full(node.shape, middle) if node.ndim else middle
    return bounded * half + shift


@cache
def _twice_differentiable(op: Op) -> tuple[bool, ...]:
    """For each argument whether two derivatives in it have a formula; if not, programs keep it fixed.

    The harness of ops holds each record to what it declares about that.
    """
    xs = tuple(symbol(f"argument{i}") for i in range(len(op.domain.sample)))
    node = make(op, xs) if op.build is None else op.build(*xs)
    found = []
    for x in xs:
        try:
            (first,) = jvp([node], {x: ONE})
            if first is not None:
                jvp([first], {x: ONE})
        except NoDerivativeError:
            found.append(False)
        else:
            found.append(True)
    return tuple(found)


def _elementwise(pool: Pool, which: int, i: int, j: int) -> Expr:
    ops = elementwise_ops()
    op = ops[which % len(ops)]
    rank = (0, 1, 0, 2)[j % 4]
    args = [
        _inside(node, interval) if smooth else full(node.shape, sum(interval) / 2)
        for node, interval, smooth in zip(
            (_pick(pool, rank, i + position) for position in range(len(op.domain.sample))),
            op.domain.sample,
            _twice_differentiable(op),
            strict=True,
        )
    ]
    return make(op, tuple(args)) if op.build is None else op.build(*args)


def _pick(pool: Pool, rank: int, index: int) -> Expr:
    nodes = pool[rank]
    return nodes[-1 - index % len(nodes)]


# --- instructions ----------------------------------------------------------------------------------------
def _sum(pool: Pool, r: int, i: int, j: int) -> Expr:
    a, b = _pick(pool, r % 3, i), _pick(pool, r % 3, j)
    return (a + b, a - b, 3 * a - b / 3, -a + 0.1 * b)[(i + j) % 4]


def _product(pool: Pool, r: int, i: int, j: int) -> Expr:
    return _pick(pool, r % 3, i) * _pick(pool, (0, r, r)[j % 3] % 3, j)


def _contraction(pool: Pool, r: int, i: int, j: int) -> Expr:
    u, v = _pick(pool, 1, i), _pick(pool, 1, j)
    A, B = _pick(pool, 2, i), _pick(pool, 2, j)
    choices: tuple[Callable[[], Expr], ...] = (
        lambda: dot(u, v),
        lambda: matmul(A, u),
        lambda: matmul(u, B),
        lambda: matmul(A, B) / 3,
        lambda: outer(u, v),
        lambda: transpose(A),
        lambda: trace(A),
        lambda: diag(u),
        lambda: diag(B),
        lambda: sum_axes(A, (j % 2,)),
        lambda: sum_axes(u),
        lambda: full(u.shape, 0) + _pick(pool, 0, i) * u,
    )
    return choices[r % len(choices)]()


def _choice(pool: Pool, r: int, i: int, j: int) -> Expr:
    a, b = _pick(pool, r % 3, i), _pick(pool, r % 3, j)
    return where(a < b, a * 2, sin(b))


def _tamed(node: Expr) -> Expr:
    return sin(sum_axes(node) if node.ndim else node)


def _body(pool: Pool, r: int, i: int, s: Expr) -> Expr:
    """A scalar made of a scalar and a few things of the pool: the body of a region."""
    inner: Pool = {0: [*pool[0], s], 1: pool[1], 2: pool[2]}
    for kind in (r, r // 3):
        node = _PLAIN[kind % len(_PLAIN)](inner, r + kind, i, r + i)
        inner[0].append(_tamed(node) + s / 2)
    return inner[0][-1]


def _control(pool: Pool, r: int, i: int, j: int) -> Expr:
    x, y = _pick(pool, 0, i), _pick(pool, 0, j)
    v = _pick(pool, 1, j)
    choices: tuple[Callable[[], Expr], ...] = (
        lambda: branch(x < y, lambda: _body(pool, r, i, x), lambda: y * 2),
        lambda: branch(x > 0, lambda a: sin(a) * y, lambda a: _body(pool, r, j, a), x),
        lambda: for_loop(3, x, lambda k, s: _body(pool, r, j, s + k * y)),
        lambda: for_loop(size(v.shape[0]), x, lambda k, s: _body(pool, j, i, s) + k),
        lambda: sum_axes(_scanned(pool, r, i, x, v)),
        lambda: while_loop(lambda s: s < 4.0, lambda s: s * 1.5 + 1 + tanh(y) / 2, sin(x)),
        lambda: while_loop(lambda k, s: k < 3, lambda k, s: (k + 1, _body(pool, r, i, s)), (0, x))[
            1
        ],
        lambda: sum_axes(
            sin(
                while_loop(
                    lambda s: s < 3, lambda s: ((s + 1 + y / 9,), (s * y,)), [x], stacked=True
                )[1]
            )
        ),
        lambda: call(lambda a, b: _body(pool, r, i, a * b), x, y),
        lambda: for_loop(
            2, x, lambda k, s: branch(s < y, lambda a: a * y, lambda a: _body(pool, r, i, a), s)
        ),
        lambda: for_loop(2, x, lambda k, s: for_loop(2, s * y, lambda m, t: sin(t + s * k - m))),
    )
    return _tamed(choices[r % len(choices)]())


def _scanned(pool: Pool, r: int, i: int, x: Expr, v: Expr) -> Expr:
    found = loop(
        [x],
        lambda k, s, e: ((sin(s) * e + k,), (s * e,)),
        trip=size(v.shape[0]),
        over=(v,),
        stacked=True,
    )
    rows: Expr = found[1] + found[0] * v
    return rows


_PLAIN: tuple[Callable[[Pool, int, int, int], Expr], ...] = (
    _elementwise,
    _elementwise,
    _sum,
    _product,
    _contraction,
    _choice,
)
_KINDS = (*_PLAIN, _elementwise, _control)


def build(recipe: Recipe) -> tuple[Expr, ...]:
    """All nodes that the recipe makes; the last one is a scalar that depends on several."""
    pool: Pool = {0: list(SYMBOLS[:2]), 1: list(SYMBOLS[2:4]), 2: list(SYMBOLS[4:])}
    made: list[Expr] = []
    for kind, r, i, j in recipe:
        node = _KINDS[kind % len(_KINDS)](pool, r, i, j)
        assert isinstance(node.type, Type)
        pool[node.ndim].append(node)
        made.append(node)
    output = SYMBOLS[0] * 0.5
    for node in made[-3:]:
        output = output + _tamed(node)
    return (*made, output)


def recipes(most: int = 7) -> st.SearchStrategy[Recipe]:
    """Recipes of a few instructions."""
    number = st.integers(0, 59)
    instruction = st.tuples(st.integers(0, len(_KINDS) - 1), number, number, number)
    return st.lists(instruction, min_size=1, max_size=most).map(tuple)


def sample_values(seed: int, n: int = 3) -> dict[str, Any]:
    """Values for :data:`SYMBOLS` of moderate size."""
    rng = np.random.default_rng(seed)
    half = rng.uniform(-1, 1, (n, n))
    return {
        "n": n,  # for graphs in which no array tells it
        "x": rng.uniform(-1, 1),
        "y": rng.uniform(-1, 1),
        "v": rng.uniform(-1, 1, n),
        "w": rng.uniform(-1, 1, n),
        "A": rng.uniform(-1, 1, (n, n)),
        "B": (half + half.T) / 2,
    }


@st.composite
def programs(draw: st.DrawFn, most: int = 7) -> Program:
    """Random programs whose values are finite and of moderate size."""
    recipe = draw(recipes(most))
    nodes = build(recipe)
    values = sample_values(draw(st.integers(0, 2**16)))
    results = run(nodes, **values)
    assume(all(np.all(np.isfinite(r)) and np.all(np.abs(r) < 1e4) for r in results))
    return Program(recipe, nodes[-1], nodes[:-1], values)
