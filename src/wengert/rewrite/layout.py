"""Matrix notation: an Einstein product as the operators that a person would write for it.

The axes are the vertices of a graph and the matrices its edges; vectors sit on vertices. An axis that is
summed over and has one edge is a matrix times a vector, one with two edges a matrix product; edges
between the same two axes multiply element by element. What is left when no summed axis is left is written
as a vector, a matrix, an outer product or a diagonal. Graphs that do not reduce so are written in index
notation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr
from wengert.ops.algebra import diag, matmul, outer, times
from wengert.ops.arithmetic import divide
from wengert.ops.einstein import EYE, Label, broadcast_to, ein, eye, sum_axes, transpose
from wengert.ops.leaves import Number, const
from wengert.ops.norms import norm
from wengert.ops.powers import power
from wengert.ops.sums import scale
from wengert.rewrite.cost import token_cost
from wengert.rewrite.numbers import magnitude
from wengert.rewrite.pieces import Group, Make, Piece, as_is
from wengert.rewrite.session import Session
from wengert.rewrite.views import Axes, Exponent
from wengert.rewrite.writing import Base, above_below, chain, quotient, written_power

__all__ = ["Written", "tensor"]

Written: TypeAlias = "tuple[Base, Axes, Exponent]"


def tensor(
    s: Session, powers: Sequence[Written], out: Axes, extents: Mapping[int, Extent], c: Number
) -> Expr:
    """``c`` times the product of powers over the axes ``out``, summed over all others."""
    if any(len(axes) > 2 for _, axes, _ in powers):
        return _index_notation(s, powers, out, extents, c)
    graph = Graph(s, powers, out, extents)
    if not graph.reduce():
        return _index_notation(s, powers, out, extents, c)
    return graph.written(c)


def _index_notation(
    s: Session, powers: Sequence[Written], out: Axes, extents: Mapping[int, Extent], c: Number
) -> Expr:
    scalars = [(b, e) for b, axes, e in powers if not axes]
    factors = [(written_power(b.text, e), axes) for b, axes, e in powers if axes]
    core = ein(factors, out, {a: extents[a] for a in out})
    above, below, c = above_below(s, scalars, c)
    return quotient([*above, core], below, c)


class Graph:
    """The axes of a product and what lies on and between them, while it is being reduced."""

    __slots__ = (
        "between",
        "extents",
        "identities",
        "on",
        "out",
        "results",
        "s",
        "scalars",
        "symmetric",
    )

    def __init__(
        self, s: Session, powers: Sequence[Written], out: Axes, extents: Mapping[int, Extent]
    ) -> None:
        self.s, self.out, self.extents = s, out, extents
        self.scalars: list[tuple[Base, Exponent]] = []
        self.results: list[Expr] = []  # sums over whole components
        self.on: dict[int, Group] = {}
        self.between: dict[tuple[int, int], Group] = {}
        self.identities: list[tuple[int, int]] = []
        self.symmetric: set[Expr] = set()
        for item in powers:
            self._place(*item)
        for group in (*self.on.values(), *self.between.values()):
            group.write(s)

    def _place(self, base: Base, axes: Axes, e: Exponent) -> None:
        if not axes:
            self.scalars.append((base, e))
        elif base.node.op is EYE and e == 1:
            self.identities.append((axes[0], axes[1]))
        elif len(axes) == 1:
            self.on.setdefault(axes[0], Group()).powers.append((base, e))
        elif axes[0] == axes[1]:
            diagonal = Base(base.node, diag(base.text))
            self.on.setdefault(axes[0], Group()).powers.append((diagonal, e))
        else:
            i, j = axes
            text = base.text
            if e == 1 and self.s.is_symmetric(base.node):
                self.symmetric.add(text)
            if i > j:
                i, j = j, i
                text = self.turned(text)
            self.between.setdefault((i, j), Group()).powers.append((Base(base.node, text), e))

    # --- asking ----------------------------------------------------------------------------------------
    def cost(self, node: Expr) -> int:
        """Tokens of a written node."""
        return token_cost(node, self.s.tokens)

    def neighbours(self, axis: int) -> list[int]:
        """Axes that share a matrix with this one."""
        return sorted(j if i == axis else i for i, j in self.between if axis in (i, j))

    def matrix(self, i: int, j: int) -> Piece:
        """The matrix between two axes, rows along ``i``."""
        piece = self.between[min(i, j), max(i, j)].piece()
        return piece if i < j else Piece(self.turned(piece.whole), as_is)

    def turned(self, matrix: Expr) -> Expr:
        """The transpose."""
        known = matrix in self.symmetric or is_symmetric(matrix)
        return matrix if known else transpose(matrix)

    def vector(self, axis: int) -> Expr | None:
        """What lies on an axis."""
        group = self.on.get(axis)
        return None if group is None else group.piece().whole

    def forget(self, path: Sequence[int], axes: Sequence[int]) -> None:
        """Take the matrices along a path, and what lies on some axes, out of the graph."""
        for i, j in pairwise(path):
            del self.between[min(i, j), max(i, j)]
        for axis in axes:
            self.on.pop(axis, None)

    def put_between(self, i: int, j: int, piece: Piece) -> None:
        """Multiply a pair of axes by one more matrix, rows along ``i``."""
        if i > j:
            i, j, piece = j, i, Piece(self.turned(piece.whole), as_is)
        self.between.setdefault((i, j), Group()).multiply(piece)

    # --- reducing --------------------------------------------------------------------------------------
    def reduce(self) -> bool:
        """Sum over all axes that are not in the result; false if the graph does not allow it."""
        for component in self._components():
            if not any(a in self.out for a in component):
                path = self._path(component)
                if path is not None:
                    self.results.append(self._sum_along(path))
                    self.forget(path, path)
        while True:
            axes = {*self.on, *(a for pair in self.between for a in pair)}
            summed = sorted(a for a in axes if a not in self.out)
            if not summed:
                return True
            if not (self._leaf(summed) or self._chain() or self._series(summed)):
                return False

    def _components(self) -> list[list[int]]:
        left = sorted({*self.on, *(a for pair in self.between for a in pair)})
        found: list[list[int]] = []
        while left:
            seen, stack = {left[0]}, [left[0]]
            while stack:
                for other in self.neighbours(stack.pop()):
                    if other not in seen:
                        seen.add(other)
                        stack.append(other)
            found.append(sorted(seen))
            left = [a for a in left if a not in seen]
        return found

    def _path(self, component: Sequence[int]) -> list[int] | None:
        """The axes of a component in a row; closed ones end where they begin; ``None`` for branched ones."""
        degrees = {a: len(self.neighbours(a)) for a in component}
        if max(degrees.values()) > 2:
            return None
        ends = [a for a in component if degrees[a] < 2]
        path = [ends[0] if ends else component[0]]
        while True:
            onward = [a for a in self.neighbours(path[-1]) if a not in path]
            if not onward:
                break
            path.append(onward[0])
        return path if ends else [*path, path[0]]

    # sums over whole components
    def _sum_along(self, path: Sequence[int]) -> Expr:
        if len(path) == 1:
            return self._sum_on(path[0])
        if path[0] == path[-1]:
            return self._trace(path)
        if len(path) == 2 and path[0] not in self.on and path[1] not in self.on:
            return self._sum_between(path[0], path[1])
        there, back = self._bilinear(path), self._bilinear(path[::-1])
        return back if self.cost(back) < self.cost(there) else there

    def _sum_on(self, axis: int) -> Expr:
        """``x @ y`` for two factors, ``sum(x)`` for one, ``norm(x)**2`` where that is shorter."""
        group = self.on[axis]
        squares = [i for i, (_, e) in enumerate(group.powers) if e == 2]
        if squares and not group.below and len(group.above) == len(group.powers):
            x = group.powers[squares[0]][0].text
            rest = [p for i, p in enumerate(group.powers) if i != squares[0]]
            if rest:
                above, _, _ = above_below(self.s, rest, 1)
                return matmul(chain([*above, x]), x)
            dot, length = matmul(x, x), power(norm(x), const(2))
            shorter = not self.s.stable and self.cost(length) < self.cost(dot)
            return length if shorter else dot
        if len(group.above) < 2:
            piece = group.piece().whole
            return sum_axes(piece if piece.ndim else broadcast_to(piece, (self.extents[axis],)))
        left = Group(group.above[:-1], group.below).piece().whole
        return matmul(left, group.above[-1].whole)

    def _sum_between(self, i: int, j: int) -> Expr:
        """The sum over all elements of a matrix; ``trace(A @ B)`` for ``sum(A*B.T)``."""
        group = self.between[min(i, j), max(i, j)]
        powers = group.powers
        if len(powers) == 1 and powers[0][1] == 2 and not self.s.stable:
            return power(norm(powers[0][0].text), const(2))
        above = [p.whole for p in group.above]
        if len(above) == 2 and not group.below:
            return ein([(above[0], (0, 1)), (above[1], (0, 1))], ())
        return sum_axes(group.piece().whole)

    def _bilinear(self, path: Sequence[int]) -> Expr:
        """``u @ A @ v``, from left to right; sums where an end has no vector."""
        start = self.vector(path[0])
        if start is None:
            inner = self._along(path).whole
            end = self.vector(path[-1])
            return sum_axes(inner if end is None else matmul(inner, end))
        total = start
        for i, j in pairwise(path):
            total = matmul(total, self.matrix(i, j).whole)
            here = self.on.get(j)
            if here is not None and j != path[-1]:
                total = _weighted(Piece(total, as_is), here).whole
        end = self.vector(path[-1])
        return sum_axes(total) if end is None else matmul(total, end)

    def _trace(self, path: Sequence[int]) -> Expr:
        """The trace of a matrix product, begun and read so that it is shortest."""
        ring = list(path[:-1])
        best: Expr | None = None
        for k in range(len(ring)):
            turned = ring[k:] + ring[:k]
            for row in ([*turned, turned[0]], [turned[0], *turned[:0:-1], turned[0]]):
                product = _weighted(self._along(row[:-1]), self.on.get(row[-2])).whole
                last = _weighted(self.matrix(row[-2], row[0]), self.on.get(row[0])).whole
                found = ein([(product, (0, 1)), (last, (1, 0))], ())
                if best is None or self.cost(found) < self.cost(best):
                    best = found
        assert best is not None
        return best

    # matrix times vector, matrix times matrix
    def _leaf(self, summed: Sequence[int]) -> bool:
        """A matrix times a vector: a summed axis at the end of a branch."""
        for axis in summed:
            beside = self.neighbours(axis)
            if not beside:
                self.results.append(self._sum_on(axis))
                self.on.pop(axis)
                return True
            other = beside[0]
            if len(beside) > 1 or (other not in self.out and self.neighbours(other) == [axis]):
                continue
            rows, vector = self.matrix(other, axis), self.vector(axis)
            self.forget([axis, other], [axis])
            if vector is None:
                product = Piece(sum_axes(rows.whole, (1,)), as_is)
            else:
                product = Piece(rows.head, _then(rows, vector))
            self.on.setdefault(other, Group()).multiply(product)
            return True
        lone = [a for a in summed if self.neighbours(a)]
        if len(lone) == 2 and self.neighbours(lone[0]) == [lone[1]]:
            self.results.append(self._sum_along(lone))
            self.forget(lone, lone)
            return True
        return False

    def _chain(self) -> bool:
        """A path of matrices between two axes of the result, in the shorter direction."""
        for start in self.out:
            for first in self.neighbours(start):
                path = [start, first]
                while path[-1] not in self.out:
                    onward = [a for a in self.neighbours(path[-1]) if a != path[-2]]
                    if len(onward) != 1 or onward[0] in path:
                        break
                    path.append(onward[0])
                if len(path) > 2 and path[-1] in self.out:
                    piece = self._in_shorter_direction(path)
                    self.forget(path, path[1:-1])
                    self.put_between(path[0], path[-1], piece)
                    return True
        return False

    def _in_shorter_direction(self, path: Sequence[int]) -> Piece:
        """``A.T @ B.T`` or ``(B @ A).T``."""
        there = self._along(path)
        # Backwards every transpose changes places; worth a look only if functions or sums are turned.
        if all(self._is_plain(i, j) for i, j in pairwise(path)):
            return there
        turned = self.turned(self._along(path[::-1]).whole)
        return Piece(turned, as_is) if self.cost(turned) < self.cost(there.whole) else there

    def _is_plain(self, i: int, j: int) -> bool:
        """Whether the matrix between two axes, rows along ``i``, costs nothing to be written so."""
        group = self.between[min(i, j), max(i, j)]
        return len(group.powers) == 1 and not group.powers[0][0].node.args

    def _series(self, summed: Sequence[int]) -> bool:
        """A matrix product in a branched graph: a summed axis between two others."""
        for axis in summed:
            beside = self.neighbours(axis)
            if len(beside) == 2:
                path = [beside[0], axis, beside[1]]
                piece = self._along(path)
                self.forget(path, [axis])
                self.put_between(beside[0], beside[1], piece)
                return True
        return False

    def _along(self, path: Sequence[int]) -> Piece:
        """The matrix product along a path, from left to right, with what lies on its inner axes."""
        pieces = [
            _weighted(self.matrix(i, j), self.on.get(j) if j != path[-1] else None)
            for i, j in pairwise(path)
        ]
        first, rest = pieces[0], [p.whole for p in pieces[1:]]

        def make(head: Expr) -> Expr:
            result = first.make(head)
            for matrix in rest:
                result = matmul(result, matrix)
            return result

        return Piece(first.head, make)

    # --- writing ---------------------------------------------------------------------------------------
    def written(self, c: Number) -> Expr:
        """The reduced product with its coefficient."""
        above, below, c = above_below(self.s, self.scalars, c)
        above += self._powers_of_results()
        if not self.out:
            return quotient(above, below, c)
        core = self._core()
        if core is None:
            shape = tuple(self.extents[a] for a in self.out)
            if not above and not below:
                return broadcast_to(const(c), shape)
            return broadcast_to(quotient(above, below, c), shape)
        return quotient([*above, core.whole], below, c) if above else _scaled(core, below, c)

    def _powers_of_results(self) -> list[Expr]:
        counts: dict[Expr, int] = {}
        for result in self.results:
            counts[result] = counts.get(result, 0) + 1
        return [r if n == 1 else power(r, const(n)) for r, n in counts.items()]

    def _core(self) -> Piece | None:
        if len(self.out) == 1:
            group = self.on.get(self.out[0])
            return None if group is None else group.piece()
        if len(self.out) == 2:
            return self._matrix()
        return self._pairwise()

    def _matrix(self) -> Piece | None:
        i, j = self.out
        left, right = self.on.get(i), self.on.get(j)
        if self.identities:
            vectors = [g.piece().whole for g in (left, right) if g is not None]
            return Piece(diag(chain(vectors)) if vectors else eye(self.extents[i]), as_is)
        if self.between:
            piece = _weighted(self.matrix(i, j), right)
            if left is None:
                return piece
            rows = left.piece().whole
            return Piece(ein([(rows, (0,)), (piece.whole, (0, 1))], (0, 1)), as_is)
        if left is None and right is None:
            return None
        if left is not None and right is not None:
            return Piece(outer(left.piece().whole, right.piece().whole), as_is)
        axis, group = (0, left) if left is not None else (1, right)
        assert group is not None
        extents: dict[Label, Extent] = {0: self.extents[i], 1: self.extents[j]}
        return Piece(ein([(group.piece().whole, (axis,))], (0, 1), extents), as_is)

    def _pairwise(self) -> Piece | None:
        """Three axes and more: what is left, two at a time."""
        parts: list[tuple[Expr, Axes]] = [
            (group.piece().whole, pair) for pair, group in sorted(self.between.items())
        ]
        parts += [(group.piece().whole, (axis,)) for axis, group in sorted(self.on.items())]
        parts += [(eye(self.extents[i]), (i, j)) for i, j in self.identities]
        if not parts:
            return None
        total, axes = parts[0]
        for part, more in parts[1:]:
            joint = tuple(a for a in self.out if a in axes or a in more)
            total, axes = ein([(total, axes), (part, more)], joint), joint
        if axes != self.out:
            total = ein([(total, axes)], self.out, {a: self.extents[a] for a in self.out})
        return Piece(total, as_is)


def _then(rows: Piece, vector: Expr) -> Make:
    return lambda head: matmul(rows.make(head), vector)


def _weighted(matrix: Piece, group: Group | None) -> Piece:
    """The matrix with its columns (or a vector with its elements) multiplied by what lies on their axis."""
    if group is None:
        return matrix
    above, below = [p.whole for p in group.above], list(group.below)

    def make(head: Expr) -> Expr:
        result = matrix.make(head)
        for vector in above:
            result = times(result, vector)
        return divide(result, chain(below)) if below else result

    return Piece(matrix.head, make)


def _scaled(core: Piece, below: Sequence[Expr], c: Number) -> Expr:
    """A coefficient on the first factor, its denominator below."""
    size = magnitude(c)
    p, q = (size.numerator, size.denominator) if not isinstance(size, float) else (size, 1)
    top = core.make(scale(p, core.head))
    if below:
        top = divide(top, chain([scale(q, below[0]), *below[1:]]))
    elif q != 1:
        top = scale(Fraction(1, q), top)
    return top if c > 0 else scale(-1, top)
