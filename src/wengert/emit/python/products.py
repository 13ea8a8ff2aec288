"""Einstein products as NumPy executes them best: ``*``, ``@``, ``.T``, ``np.sum``, ``[:, None]``.

A product of several factors is taken pair by pair, the pair that leaves least first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from wengert.ir.node import Expr
from wengert.ops.einstein import is_ones
from wengert.ops.spec import Spec
from wengert.show.forms import Form, Part

__all__ = ["product", "spread_axes"]

Axes = tuple[int, ...]


class _Factor(NamedTuple):
    part: Part
    axes: Axes


def spread_axes(node: Expr) -> Axes | None:
    """The axes along which the argument of a mere broadcast lies, if they are in order."""
    if node.op.spell.notation != "product" or len(node.args) != 1:
        return None
    spec: Spec = node.attr
    axes = spec.factors[0]
    if not spec.new or spec.summed or any(a >= b for a, b in pairwise(axes)):
        return None
    return axes


def product(node: Expr, order: Mapping[Expr, tuple[int, int, int]]) -> Form:
    """The form of an Einstein product."""
    spec: Spec = node.attr
    if is_ones(node):
        return Form("ones", (), node)
    ranked = sorted(
        zip(node.args, spec.factors, strict=True),
        key=lambda f: (len(set(f[1])) > 0, order.get(f[0], (0, 0, 0))),
    )
    given = [_Factor(arg, axes) for arg, axes in ranked]
    covered = tuple(a for a in spec.out if not any(a == new for new, _ in spec.new))
    if len(given) == 1 and spec.new and not given[0].axes:
        number = _plain_number(given[0].part)
        if number is not None:
            return Form("full", (), (number, node)) if number else Form("zeros", (), node)
        return Form("full", (given[0].part,), (None, node))
    found = _single(given[0], covered) if len(given) == 1 else _several(given, covered, node)
    if spec.new:
        entries = [":" if axis in covered else "None" for axis in spec.out]
        inner = found
        if covered and covered != spec.out[-len(covered) :]:
            inner = Form("spread", (inner,), ", ".join(entries))
        return Form("broadcast", (inner,), node)
    return found if isinstance(found, Form) else Form("same", (found,))


def _plain_number(part: Part) -> int | float | None:
    """A number that is written as it stands, and is no zero with a sign."""
    if not isinstance(part, Expr) or part.op.spell.notation != "literal":
        return None
    value = part.attr
    plain = type(value) in (int, float) and (value != 0 or str(value) in ("0", "0.0"))
    return value if plain else None


# --- one factor --------------------------------------------------------------------------------------------
def _without_repetition(factor: _Factor) -> _Factor:
    """Axes that a factor has twice become its diagonal, at the end."""
    part, axes = factor
    for axis in dict.fromkeys(axes):
        while axes.count(axis) > 1:
            first = axes.index(axis)
            second = axes.index(axis, first + 1)
            plain = len(axes) == 2
            part = Form("diagonal", (part,), None if plain else (first, second))
            axes = (*axes[:first], *axes[first + 1 : second], *axes[second + 1 :], axis)
    return _Factor(part, axes)


def _summed(factor: _Factor, kept: frozenset[int] | set[int]) -> _Factor:
    """The factor summed over all axes but some."""
    gone = tuple(i for i, axis in enumerate(factor.axes) if axis not in kept)
    if not gone:
        return factor
    left = tuple(axis for axis in factor.axes if axis in kept)
    return _Factor(Form("summed", (factor.part,), gone if left else None), left)


def _turned(factor: _Factor, axes: Axes) -> Part:
    """The factor with its axes in another order."""
    if factor.axes == axes:
        return factor.part
    if factor.axes[::-1] == axes:
        return Form("transpose", (factor.part,))
    return Form("permuted", (factor.part,), tuple(factor.axes.index(a) for a in axes))


def _single(factor: _Factor, out: Axes) -> Part:
    if not out and len(factor.axes) == 2 and factor.axes[0] == factor.axes[1]:
        return Form("trace", (factor.part,))
    plain = _summed(_without_repetition(factor), set(out))
    return _turned(plain, out)


# --- several factors -------------------------------------------------------------------------------------
def _several(given: Sequence[_Factor], out: Axes, node: Expr) -> Part:
    if len(given) == 2:
        diagonal = _diagonal_matrix(given, out)
        if diagonal is not None:
            return diagonal
    factors = [_without_repetition(f) for f in given]
    while len(factors) > 2:
        i, j = _cheapest(factors, out)
        rest = [f for k, f in enumerate(factors) if k not in (i, j)]
        needed = {a for f in rest for a in f.axes} | set(out)
        pair = _ordered(factors[i], factors[j], needed)
        factors = [*rest, _Factor(_pair(factors[i], factors[j], pair), pair)]
    return _pair(factors[0], factors[1], out)


def _ordered(x: _Factor, y: _Factor, needed: set[int]) -> Axes:
    """The axes of a product of two: those of matrix products come as these give them."""
    return tuple(a for a in dict.fromkeys((*x.axes, *y.axes)) if a in needed)


def _cheapest(factors: Sequence[_Factor], out: Axes) -> tuple[int, int]:
    """The pair whose product has the fewest axes, then takes the fewest operations; scalars first."""
    best: tuple[tuple[int, int, int, int], tuple[int, int]] | None = None
    for i in range(len(factors)):
        for j in range(i + 1, len(factors)):
            needed = {a for k, f in enumerate(factors) if k not in (i, j) for a in f.axes}
            both = set(factors[i].axes) | set(factors[j].axes)
            left = both & (needed | set(out))
            cost = (len(both), len(left), i, j)
            if best is None or cost < best[0]:
                best = cost, (i, j)
    assert best is not None
    return best[1]


def _diagonal_matrix(given: Sequence[_Factor], out: Axes) -> Form | None:
    """``np.diag(v)`` for a vector times an identity matrix."""
    for (vector, a), (eye, b) in (given, given[::-1]):
        is_eye = isinstance(eye, Expr) and eye.op.spell.notation == "identity"
        if is_eye and len(a) == 1 and set(b) == set(out) and len(out) == 2 and a[0] in out:
            return Form("diagonal", (vector,))
    return None


def _pair(x: _Factor, y: _Factor, out: Axes) -> Part:
    """The product of two factors, none of which has an axis twice."""
    shared = set(x.axes) & set(y.axes)
    x = _summed(x, shared | set(out))
    y = _summed(y, shared | set(out))
    contracted = shared - set(out)
    if not contracted:
        return _elementwise(x, y, out)
    if not shared & set(out):
        return _matmul(x, y, out, contracted)
    if set(x.axes) <= set(y.axes) or set(y.axes) <= set(x.axes):
        return _sum_of_products(x, y, out)
    return _einsum(x, y, out)


def _einsum(x: _Factor, y: _Factor, out: Axes) -> Form:
    return Form("einsum", (x.part, y.part), _renumbered(x.axes, y.axes, out))


def _renumbered(a: Axes, b: Axes, out: Axes) -> Spec:
    number: dict[int, int] = {}
    for axis in (*out, *a, *b):
        number.setdefault(axis, len(number))
    named = [tuple(number[i] for i in axes) for axes in (a, b, out)]
    return Spec((named[0], named[1]), named[2])


def _elementwise(x: _Factor, y: _Factor, out: Axes) -> Part:
    if not x.axes or not y.axes:
        scalar, array = (x, y) if not x.axes else (y, x)
        return Form("mul", (scalar.part, _turned(array, out)))
    return Form("hadamard", (_aligned(x, out), _aligned(y, out)))


def _aligned(factor: _Factor, out: Axes) -> Part:
    """The factor such that NumPy pairs its axes with those of the output."""
    part = _turned(factor, tuple(a for a in out if a in factor.axes))
    first = min(out.index(a) for a in factor.axes)
    entries = [":" if a in factor.axes else "None" for a in out[first:]]
    return Form("spread", (part,), ", ".join(entries)) if "None" in entries else part


def _sum_of_products(x: _Factor, y: _Factor, out: Axes) -> Part:
    """``np.sum(x*y, axis=...)`` of factors one of which has all axes."""
    larger, smaller = (x, y) if len(x.axes) >= len(y.axes) else (y, x)
    inside = Form("hadamard", (larger.part, _aligned(smaller, larger.axes)))
    return _turned(_summed(_Factor(inside, larger.axes), set(out)), out)


def _matmul(x: _Factor, y: _Factor, out: Axes, contracted: set[int]) -> Part:
    ranks = len(x.axes), len(y.axes)
    if len(contracted) > 1:
        if set(x.axes) == set(y.axes) == contracted:
            return _sum_of_products(x, y, out)
        return _tensordot(x, y, out, contracted)
    (k,) = contracted
    if max(ranks) <= 2:
        for u, v in _orders(x, y, k, out):
            form = Form("matmul", (_with_last(u, k), _with_first(v, k)), (len(u.axes), len(v.axes)))
            rest = tuple(a for a in (*u.axes, *v.axes) if a != k)
            return form if rest == out else Form("transpose", (form,))
    if x.axes[-1] == k and len(y.axes) <= 2 and y.axes[0] == k:
        return _turned(
            _Factor(
                Form("matmul", (x.part, y.part), ranks),
                tuple(a for a in (*x.axes, *y.axes) if a != k),
            ),
            out,
        )
    return _tensordot(x, y, out, contracted)


def _orders(x: _Factor, y: _Factor, k: int, out: Axes) -> Iterator[tuple[_Factor, _Factor]]:
    """Both orders, first those that give the axes as wanted and need the fewest transposes."""

    def turns(u: _Factor, v: _Factor) -> tuple[bool, int]:
        rest = tuple(a for a in (*u.axes, *v.axes) if a != k)
        turned = (len(u.axes) == 2 and u.axes[0] == k) + (len(v.axes) == 2 and v.axes[1] == k)
        return rest != out, turned

    return iter(sorted(((x, y), (y, x)), key=lambda pair: turns(*pair)))


def _with_last(factor: _Factor, k: int) -> Part:
    return factor.part if factor.axes[-1] == k else Form("transpose", (factor.part,))


def _with_first(factor: _Factor, k: int) -> Part:
    return factor.part if factor.axes[0] == k else Form("transpose", (factor.part,))


def _tensordot(x: _Factor, y: _Factor, out: Axes, contracted: set[int]) -> Part:
    places = tuple(tuple(f.axes.index(a) for a in sorted(contracted)) for f in (x, y))
    rest = tuple(a for a in (*x.axes, *y.axes) if a not in contracted)
    return _turned(_Factor(Form("tensordot", (x.part, y.part), places), rest), out)
