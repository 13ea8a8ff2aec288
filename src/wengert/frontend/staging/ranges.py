"""What is known of the size of integers: affine forms in loop counters, which have a least and a largest
value."""

from __future__ import annotations

from collections.abc import Mapping

from wengert.frontend.python_guards import largest_size
from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ops.leaves import CONSTANT, ONE, SIZE, size
from wengert.ops.sums import LIN

__all__ = ["affine", "at_most", "bounds_of", "magnitude"]

Affine = dict[Expr | None, int]  # coefficients; None is the constant term
Ranges = Mapping[Expr, tuple[Expr, Expr]]


def affine(node: Expr) -> Affine:
    """An integer as a sum of whole multiples of nodes that are no sums."""
    found: Affine = {}
    todo = [(node, 1)]
    while todo:
        top, factor = todo.pop()
        if top.op is CONSTANT and isinstance(top.attr, int) and not isinstance(top.attr, bool):
            found[None] = found.get(None, 0) + factor * top.attr
        elif top is ONE:
            found[None] = found.get(None, 0) + factor
        elif top.op is LIN and not top.shape and all(isinstance(c, int) for c in top.attr):
            todo += [(a, factor * c) for a, c in zip(top.args, top.attr, strict=True)]
        elif top.op is SIZE and isinstance(top.attr, Dim) and len(top.attr.terms) > 1:
            for monomial, coefficient in top.attr.terms:
                part = size(Dim(((monomial, 1),))) if monomial else ONE
                todo.append((part, factor * coefficient))
        else:
            found[top] = found.get(top, 0) + factor
    return {k: c for k, c in found.items() if c or k is None}


def _extreme(node: Expr, ranges: Ranges, high: bool) -> Affine:
    """The form with counters replaced by their extreme values, innermost first."""
    form = affine(node)
    for _ in range(20):
        counter = max(
            (k for k in form if k is not None and k in ranges),
            key=lambda k: k.serial,
            default=None,
        )
        if counter is None:
            break
        factor = form.pop(counter)
        low, top = ranges[counter]
        bound = top if (factor > 0) is high else low
        for key, coefficient in affine(bound).items():
            form[key] = form.get(key, 0) + factor * coefficient
        form = {k: c for k, c in form.items() if c or k is None}
    return form


def bounds_of(
    node: Expr, ranges: Ranges, sizes: Mapping[str, int]
) -> tuple[int | None, int | None]:
    """Least and largest value, where they are known numbers; ``sizes`` have a least value, or 0."""
    return (
        _least(_extreme(node, ranges, False), sizes),
        _negated(_least(_negative(_extreme(node, ranges, True)), sizes)),
    )


def _negative(form: Affine) -> Affine:
    return {key: -coefficient for key, coefficient in form.items()}


def _negated(value: int | None) -> int | None:
    return None if value is None else -value


def _least(form: Affine, sizes: Mapping[str, int]) -> int | None:
    """The least value of a form: none where it falls with a size."""
    total = 0
    for key, coefficient in form.items():
        if key is None:
            total += coefficient
        elif key.op is not SIZE or coefficient < 0:
            return None
        else:
            total += coefficient * _least_size(key.attr, sizes)
    return total


def _least_size(extent: Dim, sizes: Mapping[str, int]) -> int:
    if any(coefficient < 0 for _, coefficient in extent.terms):
        return 0
    return extent.evaluate({name: sizes.get(name, 0) for name in extent.names})


def at_most(node: Expr, along: int | Dim, ranges: Ranges, sizes: Mapping[str, int]) -> bool:
    """Whether an integer is known not to exceed an extent."""
    form = _extreme(node, ranges, True)
    for key, coefficient in affine(size(along)).items():
        form[key] = form.get(key, 0) - coefficient
    least = _least(_negative(form), sizes)
    return least is not None and least >= 0


def magnitude(node: Expr, ranges: Ranges) -> int | None:
    """A number that the absolute value of an integer cannot exceed."""
    found = 0
    for high in (False, True):
        total = 0
        for key, coefficient in _extreme(node, ranges, high).items():
            if key is None:
                total += abs(coefficient)
            elif key.op is SIZE:
                total += abs(coefficient) * largest_size(key.attr)
            else:
                return None
        found = max(found, total)
    return found
