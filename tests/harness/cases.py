"""From the record of an op to concrete uses of it: symbols, drawn values, an expression in which it occurs.

Ops say in ``samples`` what they want to be tried on. Elementwise ops need not: they are tried on a scalar, on
arrays, in single precision, on integers, and on complex numbers if their type rule lets these in.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Any
from zlib import crc32

import numpy as np

import wengert.ops
from wengert.errors import WengertError
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, NoDerivative, Op, Sample, registered
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import order
from wengert.ops.leaves import const, symbol
from wengert.run.reference import evaluate_nodes

__all__ = [
    "Case",
    "all_ops",
    "broken_families",
    "cases_of",
    "draw",
    "is_leaf",
    "probes",
    "samples_of",
    "unit_direction",
]


@cache
def broken_families() -> dict[str, str]:
    """Families that cannot be imported, and why: one finding, while the others are still tested."""
    broken: dict[str, str] = {}
    names = [
        m.name for m in pkgutil.walk_packages(wengert.ops.__path__, "wengert.ops.", broken.get)
    ]
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            broken[name] = str(error)
    return broken


def all_ops() -> dict[str, Op]:
    """Every record there is, after importing every family."""
    broken_families()
    return dict(sorted(registered().items()))


@dataclass(frozen=True)
class Case:
    """One use of an op: ``outputs`` in terms of ``symbols``, whose ``values`` are drawn.

    ``varying`` are those to differentiate in, each with its :class:`Argument`.
    """

    op: Op
    sample: Sample
    symbols: tuple[Expr, ...]
    values: dict[str, Any]
    outputs: tuple[Expr, ...]
    varying: dict[Expr, Argument] = field(default_factory=dict)
    label: str = ""

    def run(self, nodes: list[Expr], **changed: Any) -> list[Any]:
        """Values of expressions in the symbols (and further ones, given by name)."""
        needed = {n.attr.name for n in order(nodes) if n.op.free}
        given = {k: v for k, v in {**self.values, **changed}.items() if k in needed}
        return evaluate_nodes(nodes, given)

    @property
    def nodes(self) -> list[Expr]:
        """The occurrences of the op in the outputs."""
        return [n for n in order(self.outputs) if n.op is self.op]


# --- drawing values --------------------------------------------------------------------------------------
def draw(argument: Argument, rng: np.random.Generator) -> Any:
    """A value for one argument."""
    if argument.value is not None:
        return argument.value
    if callable(argument.draw):
        value = np.asarray(argument.draw(rng, argument.shape))
    else:
        value = _DRAWS[argument.draw](rng, argument)
    value = np.asarray(value).astype(argument.dtype)
    return value[()] if value.ndim == 0 else value


def _uniform(rng: np.random.Generator, a: Argument) -> Any:
    # A tenth of the interval is left at both ends for differences.
    margin = 0.1 * (a.high - a.low)
    low, high = a.low + margin, a.high - margin
    value = rng.uniform(low, high, a.shape)
    if a.dtype.startswith("complex"):
        value = value + 1j * rng.uniform(0.15, 0.35, a.shape)  # off the real axis, where cuts begin
    return value


def _matrix(rng: np.random.Generator, a: Argument) -> Any:
    value = rng.uniform(-1, 1, a.shape)
    return value + 1j * rng.uniform(-1, 1, a.shape) if a.dtype.startswith("complex") else value


def _turned(x: Any) -> Any:
    return np.swapaxes(x, -1, -2).conj()


def _distinct(rng: np.random.Generator, a: Argument) -> Any:
    n = int(np.prod(a.shape))
    jitter = rng.uniform(-0.2, 0.2, n)
    steps = np.linspace(a.low, a.high, n + 2)[1:-1] if n else np.zeros(0)
    return rng.permutation(steps + jitter * (a.high - a.low) / (n + 1)).reshape(a.shape)


def _spd(rng: np.random.Generator, a: Argument) -> Any:
    x = _matrix(rng, a)
    return x @ _turned(x) / a.shape[-1] + np.eye(a.shape[-1])


def _symmetric(rng: np.random.Generator, a: Argument) -> Any:
    x = _matrix(rng, a)
    spread = np.diag(np.arange(a.shape[-1], dtype=float))  # eigenvalues stay apart
    return (x + _turned(x)) / 4 + spread


def _invertible(rng: np.random.Generator, a: Argument) -> Any:
    return _matrix(rng, a) + np.eye(*a.shape[-2:]) * (a.shape[-1] - 0.5)


def _orthogonal(rng: np.random.Generator, a: Argument) -> Any:
    return np.linalg.qr(_matrix(rng, a))[0]


_DRAWS: dict[str, Any] = {
    "uniform": _uniform,
    "integers": lambda rng, a: rng.integers(int(a.low), int(a.high) + 1, a.shape),
    "distinct": _distinct,
    "bool": lambda rng, a: rng.integers(0, 2, a.shape).astype(bool),
    "invertible": _invertible,
    "symmetric": _symmetric,
    "spd": _spd,
    "lower": lambda rng, a: np.tril(_invertible(rng, a)),
    "upper": lambda rng, a: np.triu(_invertible(rng, a)),
    "orthogonal": _orthogonal,
}


def unit_direction(argument: Argument, value: Any, rng: np.random.Generator) -> Any:
    """A random direction; a step of 0.1 along it stays in the interval the value was drawn from."""
    kind = argument.direction or ("symmetric" if argument.draw in ("symmetric", "spd") else "any")
    if callable(kind):
        return np.asarray(kind(rng, value)).astype(argument.dtype)
    width = argument.high - argument.low if argument.draw == "uniform" else 0.25
    shape = np.shape(value)
    direction = rng.uniform(-1, 1, shape) * width
    if argument.dtype.startswith("complex"):
        direction = direction + 1j * rng.uniform(-1, 1, shape) * min(width, 1.0)
    if kind == "symmetric":
        direction = (direction + _turned(direction)) / 2
    return np.asarray(direction).astype(argument.dtype)[()]


# --- samples ---------------------------------------------------------------------------------------------
def is_leaf(op: Op) -> bool:
    """Whether the op stands for a value that is given, so that there is nothing to try."""
    return op.free


def samples_of(op: Op) -> tuple[Sample, ...]:
    """The samples of the record, or those that any elementwise op gets."""
    if op.samples or not op.elementwise or op.arity is None:
        return op.samples
    spans = op.domain.sample or ((-2.0, 2.0),) * op.arity

    def of(shape: tuple[int, ...], dtype: str, note: str) -> Sample:
        draws = "integers" if dtype.startswith("int") else "uniform"
        return Sample(
            tuple(Argument(shape, low, high, draws, dtype) for low, high in spans), note=note
        )

    return tuple(_elementwise(op, of))


def _elementwise(op: Op, of: Any) -> Iterator[Sample]:
    yield of((), "float64", "scalar")
    yield of((3,), "float64", "vector")
    yield of((2, 2), "float64", "matrix")
    yield of((2,), "float32", "single")
    yield of((3,), "int64", "integers")
    if _admits(op, "complex128"):
        yield of((3,), "complex128", "complex")


def _admits(op: Op, dtype: Any) -> bool:
    try:
        op.result(*[Type(dtype, (3,))] * (op.arity or 0))
    except WengertError:
        return False
    return True


def probes(op: Op, values: np.ndarray) -> list[np.ndarray] | None:
    """Values to try per argument: ``values``, or the constants that the samples give in that place.

    ``None`` for ops that are not functions of real numbers, element by element.
    """
    if not op.elementwise or op.arity is None:
        return None
    taken = [values] * op.arity
    if op.samples:
        rows = [s.args for s in op.samples if len(s.args) == op.arity and s.attr is None]
        if len(rows) < len(op.samples) or any(a.dtype != "float64" for r in rows for a in r):
            return None
        for slot, column in enumerate(zip(*rows, strict=True)):
            constants = [a.value for a in column if a.constant]
            if constants:
                taken[slot] = np.unique(np.array(constants, float))
    return taken


def _case(op: Op, sample: Sample, number: int) -> Case:
    rng = np.random.default_rng(crc32(f"{op.name} {number}".encode()))
    nodes: list[Expr] = []
    values: dict[str, Any] = {}
    varying: dict[Expr, Argument] = {}
    for position, argument in enumerate(sample.args):
        value = draw(argument, rng)
        if argument.constant:
            nodes.append(const(value))
            continue
        dtype: Any = argument.dtype
        node = symbol(f"a{position}", np.shape(value), dtype=dtype, assume=argument.assume)
        nodes.append(node)
        values[node.attr.name] = value
        if argument.varies and np.dtype(dtype).kind in "fc":
            varying[node] = argument
    args = tuple(nodes)
    built = sample.build(*args) if sample.build is not None else _built(op, args, sample.attr)
    outputs = tuple(built) if isinstance(built, (tuple, list)) else (built,)
    label = f"{op.name}, sample {number}{': ' if sample.note else ''}{sample.note}"
    for out in outputs:
        assert not isinstance(out.type, TupleType), f"{label}: `build` should pick single results"
    case = Case(op, sample, args, values, outputs, varying, label)
    assert case.nodes, f"{label}: `build` made no `{op.name}`"
    return case


def _built(op: Op, args: tuple[Expr, ...], attr: Any) -> Expr:
    plain = make(op, args, attr)
    if registered().get(op.name) is not op or not args:
        return plain  # a record that was not registered has the constructor of another
    again = rebuild_by_constructor(op, args, attr)
    return again if op in (n.op for n in order([again])) else plain


def rebuild_by_constructor(op: Op, args: tuple[Expr, ...], attr: Any) -> Expr:
    """What users get: through the canonicalising constructor of the op."""
    if op.build is None:
        return make(op, args, attr)
    return op.build(*args) if attr is None else op.build(*args, attr=attr)


@cache
def cases_of(op: Op) -> tuple[Case, ...]:
    """All cases of an op."""
    return tuple(_case(op, sample, n) for n, sample in enumerate(samples_of(op)))


def differentiable(op: Op) -> bool:
    """Whether the op has a differential, zero or not."""
    return not (isinstance(op.diff, NoDerivative) and not op.diff.zero)


def with_diff(op: Op, diff: Any) -> Op:
    """The record with another differential (not registered)."""
    return replace(op, diff=diff)
