"""Extents that only running the program tells: where they have to be equal, a check says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError
from wengert.frontend.staging.context import active
from wengert.frontend.staging.effects import require
from wengert.frontend.staging.handles import is_number, scalar_of, to_expr, wrap
from wengert.ir.dims import Dim, Extent, is_defined
from wengert.ir.node import Expr
from wengert.ops.choice import eq
from wengert.ops.leaves import size
from wengert.ops.subscripts import subscript

__all__ = ["applied", "cut_to", "is_of_program"]

_PRODUCTS = (np.matmul, np.dot, np.inner, np.vdot)


def applied(function: Any, build: Callable[[Sequence[Any]], Any], operands: Sequence[Any]) -> Any:
    """What ``build`` makes of the operands of a NumPy function, with checks that unknown extents agree.

    Raises:
        ShapeError: the operands do not fit, whatever these extents are.
    """
    try:
        return build(operands)
    except ShapeError:
        elementwise = isinstance(function, np.ufunc) or function in (np.where, np.clip)
        known = (elementwise or function in _PRODUCTS) and all(map(is_number, operands))
        fitting = _agreed(function, [to_expr(o) for o in operands]) if known else None
        if fitting is None:
            raise
    return build([wrap(e) for e in fitting])


def _agreed(function: Any, operands: Sequence[Expr]) -> list[Expr] | None:
    """Operands of a NumPy function with equal extents where it needs them, which is checked at run time.

    That is for extents which the program computes; those of arguments are known to every capture if need
    be. Returns ``None`` where checks cannot make the operands fit. An extent that turns out to be 1 beside
    another one is refused at run time, where NumPy would repeat it.
    """
    if not any(is_of_program(e) for operand in operands for e in operand.shape):
        return None
    if function in _PRODUCTS:
        first, second = operands
        if not first.ndim or not second.ndim:
            return None
        inner = 0 if second.ndim == 1 or function is np.vdot else second.ndim - 2
        inner = second.ndim - 1 if function is np.inner else inner
        wanted = first.shape[-1]
        if isinstance(wanted, Dim) and isinstance(second.shape[inner], int):
            return [_cut(first, first.ndim - 1, second.shape[inner]), second]
        return [first, _cut(second, inner, wanted)]
    found = list(operands)
    for back in range(1, 1 + max(operand.ndim for operand in operands)):
        extents = [o.shape[-back] for o in operands if o.ndim >= back and o.shape[-back] != 1]
        wanted = next((e for e in extents if isinstance(e, int)), extents[0] if extents else 1)
        for place, operand in enumerate(found):
            if operand.ndim >= back and isinstance(operand.shape[-back], Dim):
                found[place] = _cut(operand, operand.ndim - back, wanted)
    return found


def cut_to(value: Expr, shape: Sequence[Extent]) -> Expr:
    """A value that is to have a shape, with its unknown extents checked to be those."""
    for back in range(1, 1 + min(value.ndim, len(shape))):
        mine, wanted = value.shape[-back], shape[-back]
        if mine != wanted and mine != 1 and (isinstance(mine, Dim) or isinstance(wanted, Dim)):
            value = _cut(value, value.ndim - back, wanted)
    return value


def is_of_program(extent: Extent) -> bool:
    """Whether an extent is computed by the program, rather than that of an argument."""
    return isinstance(extent, Dim) and any(map(is_defined, extent.names))


def _cut(value: Expr, axis: int, wanted: Extent) -> Expr:
    """The value with another extent along an axis, which is checked to be the one that it has."""
    mine = value.shape[axis]
    if mine == wanted or not (is_of_program(mine) or is_of_program(wanted)):
        return value
    require(
        eq(size(mine), size(wanted)),
        "wengert.errors.ShapeError",
        "arrays with extents {0} and {1} do not fit together",
        (scalar_of(size(mine)), scalar_of(size(wanted))),
    )
    whole = (slice(None),) * axis
    return active().record(subscript(value, (*whole, slice(0, wanted))))
