"""Products that sum as products of matrices: which axes are rows, columns, what is summed, and the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

from wengert.ir.dims import Extent
from wengert.ir.node import OPERATORS, Expr
from wengert.ops.leaves import const
from wengert.ops.places import Calls, Memory
from wengert.ops.routines import GEMM, GEMV
from wengert.ops.spec import Spec

__all__ = ["by_routines"]

Axes = tuple[tuple[int, ...], ...]
"""The axes of an operand; each is one or several that lie together everywhere."""

# An axis of a known extent up to here is short; products with one longer axis only are loops.
SHORT = 16


class Roles(NamedTuple):
    """Axes of both factors and the result, of one factor and the result, and of the factors only."""

    batch: tuple[tuple[int, ...], ...]
    left: tuple[int, ...] | None
    right: tuple[int, ...] | None
    summed: tuple[int, ...]


def by_routines(node: Expr, ask: Calls) -> bool:
    """A product of two matrices, of a matrix and a vector, or a stack of them, by BLAS."""
    spec: Spec = node.attr
    if node.value_type.dtype not in ("float32", "float64") or len(node.args) != 2 or spec.new:
        return False
    if any(a.value_type.dtype != node.value_type.dtype for a in node.args):
        return False
    extents: dict[int, Extent] = {}
    for arg, axes in zip(node.args, spec.factors, strict=True):
        extents.update(zip(axes, arg.shape, strict=True))
    first, second, out = merged([*spec.factors, spec.out])
    roles = _roles(first, second, out)
    if roles is None or _is_small(roles, extents):
        return False
    # Loops are fused with what makes the factors: better where a matrix would be made for one product with a
    # vector, and for many products one after the other.
    if roles.left is None or roles.right is None:
        made = not ask.is_at_hand(0 if roles.left is not None else 1)
    else:
        made = bool(roles.batch) and not (ask.is_at_hand(0) and ask.is_at_hand(1))
    if made:
        return False
    operands = [ask.memory(0), ask.memory(1)]
    is_merged = any(len(group) > 1 for axes in (first, second) for group in axes)
    if is_merged and not all(ask.is_dense(m) for m in operands):
        return False
    target = ask.result()
    product = _Product(ask, roles, extents)
    one_factor = _Operand(operands[0], first, ask.steps(operands[0]))
    other = _Operand(operands[1], second, ask.steps(operands[1]))
    result = _Operand(target, out, ask.steps(target))

    def one(*counters: Expr) -> None:
        at = dict(zip(batched, counters, strict=True))
        if roles.left is None or roles.right is None:
            product.of_vector(one_factor, other, result, at)
        else:
            product.of_matrices(one_factor, other, result, at)

    batched = [axis for group in roles.batch for axis in group]
    ask.each([extents[axis] for axis in batched], one)
    return True


def merged(operands: Sequence[Sequence[int]]) -> list[Axes]:
    """The axes of each operand, where those that follow each other wherever they occur are one.

    >>> merged([(0, 1, 2), (2, 3), (0, 1, 3)])
    [((0, 1), (2,)), ((2,), (3,)), ((0, 1), (3,))]
    """
    groups: list[list[tuple[int, ...]]] = [[(a,) for a in axes] for axes in operands]
    changed = True
    while changed:
        changed = False
        pairs = {pair for axes in groups for pair in pairwise(axes)}
        for one, other in sorted(pairs):
            if all(_follows(axes, one, other) for axes in groups):
                groups = [_joined(axes, one, other) for axes in groups]
                changed = True
                break
    return [tuple(axes) for axes in groups]


def _follows(axes: list[tuple[int, ...]], one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if one not in axes and other not in axes:
        return True
    both = axes.count(one) == axes.count(other) == 1
    return both and axes.index(other) == axes.index(one) + 1


def _joined(
    axes: list[tuple[int, ...]], one: tuple[int, ...], other: tuple[int, ...]
) -> list[tuple[int, ...]]:
    if one not in axes:
        return axes
    at = axes.index(one)
    return [*axes[:at], one + other, *axes[at + 2 :]]


def _roles(first: Axes, second: Axes, out: Axes) -> Roles | None:
    """What each group of axes is, if the product is one that a routine computes."""
    if any(len(set(axes)) < len(axes) for axes in (first, second, out)):
        return None
    batch = tuple([g for g in out if g in first and g in second])
    left = [g for g in out if g in first and g not in second]
    right = [g for g in out if g in second and g not in first]
    summed = [g for g in first if g not in out]
    if len(summed) != 1 or summed != [g for g in second if g not in out]:
        return None
    if max(len(left), len(right)) > 1 or not (left or right):
        return None
    roles = Roles(batch, left[0] if left else None, right[0] if right else None, summed[0])
    # The last axis of a matrix runs along rows or columns, never across matrices.
    operands = [(first, left, summed), (second, right, summed), (out, left, right)]
    for axes, some, others in operands:
        if some and others and axes[-1] not in (*some, *others):
            return None
    return roles


def _is_small(roles: Roles, extents: dict[int, Extent]) -> bool:
    """Whether loops are faster: they may be fused with what makes the factors and what uses the result."""
    lengths: list[Extent] = []
    for group in (roles.left, roles.right, roles.summed):
        length: Extent = 1
        for axis in group or ():
            length = length * extents[axis]
        lengths.append(length)
    large = [e for e in lengths if not isinstance(e, int) or e > SHORT]
    return len(large) < 2


class _Operand(NamedTuple):
    """An array in memory with its axes."""

    array: Memory
    axes: Axes
    steps: tuple[Expr, ...]

    def step(self, group: tuple[int, ...]) -> Expr:
        """How far neighbours along an axis are apart."""
        position = sum(len(g) for g in self.axes[: self.axes.index(group) + 1]) - 1
        return self.steps[position]

    def start(self, at: dict[int, Expr]) -> tuple[Memory, ...]:
        """The first element of one of a stack."""
        return (self.array, *[at.get(a, const(0)) for g in self.axes for a in g])


class _Product:
    """One product of a stack."""

    def __init__(self, ask: Calls, roles: Roles, extents: dict[int, Extent]) -> None:
        self.ask, self.roles, self.extents = ask, roles, extents

    def count(self, group: tuple[int, ...]) -> Expr:
        """How many elements lie along an axis."""
        return reduce(OPERATORS.mul, [self.ask.extent(self.extents[a]) for a in group])

    def at_least_one(self, count: Expr) -> Expr:
        """A count, or one: routines refuse strides of zero."""
        if isinstance(count.attr, int):
            return const(max(1, count.attr))
        some = OPERATORS.compare("lt", const(0), count)
        return self.ask.chosen(some, count, const(1))

    def zeroed(self, result: _Operand, at: dict[int, Expr]) -> None:
        """A sum of nothing."""
        free = [a for g in result.axes for a in g if a not in at]

        def zero(*counters: Expr) -> None:
            places = {**at, **dict(zip(free, counters, strict=True))}
            ordered = [places[a] for g in result.axes for a in g]
            self.ask.put(result.array, ordered, const(0))

        self.ask.each([self.extents[a] for a in free], zero)

    def unless_empty(self, call: Callable[[], None], result: _Operand, at: dict[int, Expr]) -> None:
        """Routines need not touch the result where there is nothing to sum."""
        some = OPERATORS.compare("lt", const(0), self.count(self.roles.summed))
        self.ask.either(some, call, lambda: self.zeroed(result, at))

    def of_vector(
        self, first: _Operand, second: _Operand, y: _Operand, at: dict[int, Expr]
    ) -> None:
        roles = self.roles
        matrix, x = (first, second) if roles.left is not None else (second, first)
        kept = roles.left if roles.left is not None else roles.right
        assert kept is not None
        # Rows of memory are columns of BLAS.
        turned = matrix.axes[-1] == roles.summed
        rows, columns = (roles.summed, kept) if turned else (kept, roles.summed)

        def call() -> None:
            self.ask.call(
                GEMV, "T" if turned else "N", self.count(rows), self.count(columns), 1.0,
                matrix.start(at), self.at_least_one(matrix.step(columns)),
                x.start(at), self.at_least_one(x.step(roles.summed)),
                0.0, y.start(at), self.at_least_one(y.step(kept)),
            )  # fmt: skip

        self.unless_empty(call, y, at)

    def of_matrices(
        self, first: _Operand, second: _Operand, result: _Operand, at: dict[int, Expr]
    ) -> None:
        left, right, summed = self.roles.left, self.roles.right, self.roles.summed
        assert left is not None
        assert right is not None
        # BLAS sees the result with its last axis first.
        a, b, rows, columns = first, second, left, right
        if result.axes[-1] == right:
            a, b, rows, columns = second, first, right, left
        a_turned, b_turned = a.axes[-1] == summed, b.axes[-1] == columns

        def call() -> None:
            self.ask.call(
                GEMM, "T" if a_turned else "N", "T" if b_turned else "N",
                self.count(rows), self.count(columns), self.count(summed), 1.0,
                a.start(at), self.at_least_one(a.step(rows if a_turned else summed)),
                b.start(at), self.at_least_one(b.step(summed if b_turned else columns)),
                0.0, result.start(at), self.at_least_one(result.step(columns)),
            )  # fmt: skip

        self.unless_empty(call, result, at)
