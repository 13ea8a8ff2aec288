"""Every derivative of a function against every other way to get it, at a point.

* forward against reverse mode, to rounding: ``<ct, J t> == <J' ct, t>``;
* the formula against forward mode: the very same node;
* forward mode against differences of the function, to the error that these state themselves;
* the same once more for the second derivative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.diff import numeric
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.diff.single import derivative_by
from wengert.errors import TypeMismatchError, VerificationError, worded
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex, is_inexact
from wengert.ops.algebra import zeros
from wengert.ops.einstein import broadcast_to
from wengert.ops.leaves import ONE, fresh
from wengert.run.reference import evaluate_nodes

__all__ = ["Comparison", "Report", "check_derivatives"]

# Any: values of symbols are numbers or arrays.
Point = dict[str, Any]
Pairs = dict[tuple[int, int], tuple[float, float]]  # by output and input: the number, and its size

_ROUNDING = 1e-9
_SINGLE = 2e5  # single precision is this much coarser
_ROOM = 10.0  # differences state an error that holds in 95 of 100 cases
_PLAIN = 1e-9  # what is asked of differences at best, of the size of the derivative


@dataclass(frozen=True)
class Comparison:
    """One output and one input, along random directions: relative errors of the ways to the derivative.

    ``numeric`` is ``None`` where differences gave no trustworthy answer, ``stated`` the relative error that
    they state.
    """

    order: int
    output: str
    input: str
    value: float
    reverse: float
    numeric: float | None
    stated: float


@dataclass(frozen=True)
class Report:
    """What was compared; everything in it agreed.

    ``unjudged`` counts comparisons for which differences had no trustworthy answer.
    """

    comparisons: tuple[Comparison, ...]
    formulas: int  # derivatives by numbers whose formula is the node of forward mode
    notes: tuple[str, ...] = field(default=())

    @property
    def unjudged(self) -> int:
        """How many comparisons rest on forward against reverse mode alone."""
        return sum(c.numeric is None for c in self.comparisons)

    @property
    def worst(self) -> float:
        """The largest relative error of forward against reverse mode."""
        return max((c.reverse for c in self.comparisons), default=0.0)

    def __str__(self) -> str:
        lines = ["order  output      input       derivative     reverse    differences (stated)"]
        for c in self.comparisons:
            last = "not judged" if c.numeric is None else f"{c.numeric:.1e} ({c.stated:.1e})"
            names = f"{c.order:<6} {c.output:<11} {c.input:<11}"
            lines.append(f"{names} {c.value:< 14.6g} {c.reverse:<10.1e} {last}")
        return "\n".join([*lines, *self.notes])


def check_derivatives(
    function: Function,
    values: Sequence[Any] | Mapping[str, Any],
    order: int = 2,
    *,
    wrt: Sequence[Expr] | None = None,
    seed: int = 0,
    tolerance: float = _ROUNDING,
) -> Report:
    """Compare all derivatives of a function at a point, to ``order`` 1 or 2.

    ``values``: one for each input, in order or by name. ``wrt``: the inputs to vary, by default all that are
    no integers. Directions are random, from ``seed``.

    Raises:
        VerificationError: two ways to one derivative differ; the message names output, input and error.
        TypeMismatchError: nothing varies, or another number of values.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> report = check_derivatives(Function((x,), (x**3,)), [2.0])
    >>> report.worst < 1e-12, report.unjudged
    (True, 0)
    """
    point = _point(function, values)
    inputs = [x for x in (function.inputs if wrt is None else wrt) if is_inexact(x.value_type)]
    outputs = [(i, o) for i, o in enumerate(function.outputs) if is_inexact(o.value_type)]
    if not inputs or not outputs:
        raise TypeMismatchError(
            worded(
                f"derivatives of {function.name}",
                expected="real or complex inputs and outputs",
                got=f"{len(inputs)} of such inputs and {len(outputs)} outputs",
            )
        )
    check = _Check(function.name, inputs, outputs, point, seed, tolerance)
    found = check.first()
    if order > 1:
        found += check.second()
    return Report(tuple(found), check.same_nodes())


def _point(function: Function, values: Sequence[Any] | Mapping[str, Any]) -> Point:
    if isinstance(values, Mapping):
        return dict(values)
    if len(values) != len(function.inputs):
        raise TypeMismatchError(
            worded(
                f"derivatives of {function.name}",
                expected=f"{len(function.inputs)} values",
                got=str(len(values)),
            )
        )
    return {x.attr.name: v for x, v in zip(function.inputs, values, strict=True)}


class _Check:
    """One function at one point, with its random directions."""

    def __init__(
        self,
        name: str,
        inputs: Sequence[Expr],
        outputs: Sequence[tuple[int, Expr]],
        point: Point,
        seed: int,
        tolerance: float,
    ) -> None:
        self.name, self.inputs, self.numbers = name, inputs, [i for i, _ in outputs]
        self.outputs = [o for _, o in outputs]
        self.point = dict(point)
        self.rng = np.random.default_rng(seed)
        types = [n.value_type.dtype for n in (*inputs, *self.outputs)]
        coarse = any(t in ("float32", "complex64") for t in types)
        self.tolerance = tolerance * (_SINGLE if coarse else 1.0)
        shapes = [np.shape(v) for v in self.run(self.outputs)]
        self.tangents = [self._seed(x, np.shape(point[x.attr.name])) for x in inputs]
        self.others = [self._seed(x, np.shape(point[x.attr.name])) for x in inputs]
        self.cotangents = [self._seed(o, s) for o, s in zip(self.outputs, shapes, strict=True)]

    def _seed(self, like: Expr, shape: tuple[int, ...]) -> Expr:
        type_ = Type(like.value_type.dtype, like.shape)
        value = self.rng.normal(size=shape)
        if is_complex(type_):
            value = value + 1j * self.rng.normal(size=shape)
        seed = fresh(type_)
        self.point[seed.attr.name] = np.asarray(value).astype(type_.dtype)[()]
        return seed

    def run(self, nodes: Sequence[Expr], **changed: Any) -> list[Any]:
        """Values at the point."""
        return evaluate_nodes(list(nodes), {**self.point, **changed})

    def _value(self, seed: Expr) -> Any:
        return self.point[seed.attr.name]

    # --- first order -----------------------------------------------------------------------------------
    def first(self) -> list[Comparison]:
        """Comparisons of the first derivative."""
        there = self._forward(self.outputs)
        back = self._reverse(self.outputs)
        return self._compared(1, self.outputs, there, back)

    def _forward(self, outputs: Sequence[Expr]) -> list[list[Any]]:
        """For each input, the changes of all outputs along its direction."""
        return [
            self._changes(jvp(outputs, {x: t}), outputs)
            for x, t in zip(self.inputs, self.tangents, strict=True)
        ]

    def _changes(self, changes: Sequence[Expr | None], like: Sequence[Expr]) -> list[Any]:
        return self.run([_or_zeros(c, o) for c, o in zip(changes, like, strict=True)])

    def _reverse(self, outputs: Sequence[Expr]) -> list[list[Any]]:
        """For each output, the cotangents of all inputs for its cotangent."""
        return [
            self._changes(vjp([o], [ct], self.inputs), self.inputs)
            for o, ct in zip(outputs, self.cotangents, strict=True)
        ]

    def _compared(
        self, order: int, outputs: Sequence[Expr], there: list[list[Any]], back: list[list[Any]]
    ) -> list[Comparison]:
        found = []
        for j, x in enumerate(self.inputs):
            differences = self._differences(outputs, j)
            for i in range(len(outputs)):
                forward, size = _paired(self._value(self.cotangents[i]), there[j][i])
                reverse, other = _paired(back[i][j], self._value(self.tangents[j]))
                size = max(size, other, 1e-300)
                error = abs(forward - reverse) / size
                names = (f"output {self.numbers[i]}", str(x.attr.name))
                if not error <= self.tolerance:
                    raise self._differ(order, names, "reverse mode", forward, reverse, error)
                numeric_error, stated = self._judge(order, names, there[j][i], differences[i])
                found.append(Comparison(order, *names, forward, error, numeric_error, stated))
        return found

    # --- differences -----------------------------------------------------------------------------------
    def _differences(self, outputs: Sequence[Expr], j: int) -> list[tuple[Any, Any, bool]]:
        """Differences of all outputs along the direction of one input: value, error, whether to trust it."""
        name = self.inputs[j].attr.name
        start, step = self.point[name], self._value(self.tangents[j])

        def path(h: float) -> Any:
            with np.errstate(all="ignore"):
                return _flat(self.run(outputs, **{name: start + h * step}))

        estimate = numeric.derivative(path, 0.0, step=float(_scale(start, step)))
        sizes = [_flat([v]).size for v in self.run(outputs)]
        ends = np.cumsum(sizes)[:-1]
        values = np.split(np.atleast_1d(estimate.value), ends)
        errors = np.split(np.atleast_1d(estimate.error), ends)
        return [(v, e, estimate.reliable) for v, e in zip(values, errors, strict=True)]

    def _judge(
        self, order: int, names: tuple[str, str], got: Any, differences: tuple[Any, Any, bool]
    ) -> tuple[float | None, float]:
        want, error, reliable = differences
        mine = _flat([got])
        size = max(float(np.max(np.abs(want), initial=0.0)), 1e-300)
        stated = float(np.max(error, initial=0.0)) / size
        if not reliable or not np.all(np.isfinite(error)):
            return None, stated
        off = np.abs(mine - want)
        if not np.all(off <= _ROOM * error + max(_PLAIN, self.tolerance) * size):
            worst = int(np.argmax(np.where(np.isfinite(off), off, np.inf)))
            raise self._differ(
                order,
                names,
                "differences",
                float(want[worst]),
                float(mine[worst]),
                float(off[worst]) / size,
            )
        return float(np.max(off, initial=0.0)) / size, stated

    def _differ(
        self, order: int, names: tuple[str, str], other: str, want: float, got: float, error: float
    ) -> VerificationError:
        modes = "forward mode" if other == "reverse mode" else other
        mine = other if other == "reverse mode" else "forward mode"
        which = "derivative" if order == 1 else "second derivative"
        return VerificationError(
            worded(
                f"{which} of {names[0]} of `{self.name}` by `{names[1]}`",
                expected=f"{want:.12g} ({modes})",
                got=f"{got:.12g} ({mine}), a relative error of {error:.1e}",
                hint="please report the function, unless a rule of your own is in it",
            )
        )

    # --- second order ------------------------------------------------------------------------------------
    def second(self) -> list[Comparison]:
        """Comparisons of the change of the first derivative along another direction."""
        changes = jvp(self.outputs, dict(zip(self.inputs, self.others, strict=True)))
        slopes = [_or_zeros(c, o) for c, o in zip(changes, self.outputs, strict=True)]
        there, back = self._forward(slopes), self._reverse(slopes)
        found = self._compared(2, slopes, there, back)
        self._forward_over_reverse(there)
        return found

    def _forward_over_reverse(self, there: list[list[Any]]) -> None:
        """The gradient's change, against forward over forward."""
        for i, (output, ct) in enumerate(zip(self.outputs, self.cotangents, strict=True)):
            gradient = vjp([output], [ct], self.inputs)
            nodes = [_or_zeros(g, x) for g, x in zip(gradient, self.inputs, strict=True)]
            for j, (x, t) in enumerate(zip(self.inputs, self.tangents, strict=True)):
                moved = self._changes(jvp(nodes, {x: t}), nodes)
                total = size = 0.0
                for part, other in zip(moved, self.others, strict=True):
                    one, its_size = _paired(part, self._value(other))
                    total, size = total + one, size + its_size
                forward, other_size = _paired(self._value(ct), there[j][i])
                size = max(size, other_size, 1e-300)
                error = abs(total - forward) / size
                if not error <= 10 * self.tolerance:
                    names = (f"output {self.numbers[i]}", str(x.attr.name))
                    raise self._differ(2, names, "reverse mode", forward, total, error)

    # --- formulas ----------------------------------------------------------------------------------------
    def same_nodes(self) -> int:
        """How many derivatives by numbers were looked at: formula and forward mode are one node.

        Raises:
            VerificationError: they are two.
        """
        count = 0
        for i, output in enumerate(self.outputs):
            for x in self.inputs:
                if x.shape or is_complex(x.value_type):
                    continue
                change = jvp([output], {x: ONE})[0]
                forward = (
                    zeros(output.shape) if change is None else broadcast_to(change, output.shape)
                )
                formula = derivative_by(output, x)
                if formula is not forward:
                    raise VerificationError(
                        worded(
                            f"formula of the derivative of output {self.numbers[i]} by `{x}`",
                            expected=f"`{forward}`, as forward mode gives",
                            got=f"`{formula}`",
                        )
                    )
                count += 1
        return count


# --- numbers -----------------------------------------------------------------------------------------------
def _or_zeros(change: Expr | None, like: Expr) -> Expr:
    return zeros(like.shape) if change is None else change


def _paired(a: Any, b: Any) -> tuple[float, float]:
    """``Re sum(conj(a) * b)``, and the size of what was added."""
    product = np.conj(a) * np.asarray(b)
    return float(np.sum(np.real(product))), float(np.sum(np.abs(product)))


def _flat(values: Sequence[Any]) -> Any:
    """All numbers in one real vector."""
    parts = [np.zeros(0)]
    for value in values:
        array = np.asarray(value)
        parts.append(np.real(array).astype(float).ravel())
        if np.iscomplexobj(array):
            parts.append(np.imag(array).astype(float).ravel())
    return np.concatenate(parts)


def _scale(start: Any, step: Any) -> float:
    """A first guess of how far to go along a direction."""
    length = float(np.max(np.abs(step), initial=0.0)) or 1.0
    return max(float(np.max(np.abs(start), initial=0.0)), 1.0) / length
