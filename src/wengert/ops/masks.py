"""Elements chosen by truth values: how many there are, only running tells.

The places of the true elements are a vector whose extent is defined by their number. Everything else, reading
``a[mask]`` and writing ``a[mask] = v``, is gathering at these places.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import EvaluationError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, extent_text, length, size_of
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import Type
from wengert.ops.algebra import lift, plus
from wengert.ops.choice import eq, floor_divide, lt, mod, ne, where
from wengert.ops.einstein import broadcast_to
from wengert.ops.extents import as_dim
from wengert.ops.gathering import set_at, take
from wengert.ops.layout import cast, expand_dims, ravel, reshape
from wengert.ops.leaves import CONSTANT, ONE, ZERO, const, size
from wengert.ops.places import Loops
from wengert.ops.powers import power
from wengert.ops.reductions import sum_
from wengert.ops.trig import sin

__all__ = ["mask_load", "mask_store", "nonzero", "true_places"]


# --- places -------------------------------------------------------------------------------------------------
def _places_type(mask: Type, *, attr: Extent) -> Type:
    if mask.dtype != "bool" or mask.rank != 1:
        raise TypeMismatchError(
            worded("true_places", expected="a vector of truth values", got=str(mask))
        )
    return Type("int64", (attr,))


def _places_value(mask: Any, *, attr: int) -> Any:
    places = np.flatnonzero(mask)
    if len(places) != attr:
        raise EvaluationError(
            worded("true_places", expected=f"{attr} that hold", got=f"{len(places)}")
        )
    return places


def _places_loops(node: Expr, ask: Loops) -> bool:
    """One after the other is noted that holds."""
    (mask,), result, found = node.args, ask.result(), ask.number(ZERO)
    room = ask.extent(node.shape[0])

    def one(i: Expr) -> None:
        def note() -> None:
            ask.require(lt(found, room))
            ask.put(result, (found,), i)
            ask.change(found, plus(found, ONE))

        ask.when(ask.part(0, (i,)), note)

    ask.each(mask.shape, one, in_order=True)
    ask.require(eq(found, room))
    return True


PLACES = register(
    Op(
        name="true_places",
        doc="The places of the elements that hold, of a vector.",
        result=_places_type,
        evaluate=_places_value,
        loops=_places_loops,
        resolve=length,
        diff=NoDerivative("a position does not vary smoothly", zero=True),
        spell=Spelling(options=lambda node: {}, numpy=lambda node: "np.flatnonzero({0})"),
        laws=Laws(facts=lambda mask, *, attr: INTEGER | NONNEGATIVE | FINITE),
        call=lambda mask: true_places(mask),
        samples=(
            Sample(
                (Argument((5,)), Argument((5,), draw="bool", dtype="bool")),
                build=lambda x, mask: sum_(power(mask_load(x, mask), 2)),
                note="elements chosen by a mask",
            ),
            Sample(
                (Argument((2, 3)), Argument((2,), value=np.array([True, False]), dtype="bool")),
                build=lambda x, mask: mask_store(x, mask, mask_load(sin(x), mask)),
                note="rows put back",
            ),
        ),
    )
)


def true_places(mask: Any) -> Expr:
    """The places of the elements that hold, in the flattened array.

    >>> true_places([False, True, True]).evaluate()
    array([1, 2])
    """
    node = ravel(lift(mask))
    if node.op is CONSTANT:
        return const(np.flatnonzero(node.attr))
    truths = cast(node, "bool")
    return make(PLACES, (truths,), as_dim(sum_(cast(truths, "int64"))))


def nonzero(x: Any) -> tuple[Expr, ...]:
    """The places of the elements other than zero, one vector for each axis.

    Raises:
        ShapeError: a scalar.
    """
    node = lift(x)
    if not node.ndim:
        raise ShapeError(worded("nonzero", expected="an array", got="a scalar"))
    flat = true_places(node if node.value_type.dtype == "bool" else ne(node, ZERO))
    found: list[Expr] = []
    for extent in node.shape[:0:-1]:
        found.append(mod(flat, size(extent)))
        flat = floor_divide(flat, size(extent))
    return tuple(cast(p, "int64") for p in (flat, *found[::-1]))


# --- reading and writing ------------------------------------------------------------------------------------
def _flattened(a: Expr, mask: Expr) -> tuple[Expr, Expr]:
    """The array with the axes of the mask as one, and the mask as a vector."""
    if mask.value_type.dtype != "bool" or not mask.ndim:
        raise TypeMismatchError(worded("mask", expected="an array of truth values", got=str(mask)))
    if a.shape[: mask.ndim] != mask.shape:
        raise ShapeError(
            worded(
                "mask",
                expected=f"the first extents of {extent_text(a.shape)}",
                got=extent_text(mask.shape),
                hint="give mask and array the same shape",
            )
        )
    return reshape(a, (size_of(mask.shape), *a.shape[mask.ndim :])), ravel(mask)


def mask_load(a: Any, mask: Any) -> Expr:
    """``a[mask]``: the elements, or the parts, where the mask holds, in one axis.

    Raises:
        ShapeError, TypeMismatchError: the mask does not fit the first axes.

    >>> mask_load([1.0, 2.0, 3.0], [True, False, True]).evaluate()
    array([1., 3.])
    """
    flat, truths = _flattened(lift(a), lift(mask))
    return take(flat, true_places(truths))


def mask_store(a: Any, mask: Any, value: Any) -> Expr:
    """``a`` after ``a[mask] = value``.

    One value, or one part, is put everywhere; several go to the places where the mask holds, in order, and
    have to be as many.

    Raises:
        ShapeError, TypeMismatchError: the mask does not fit, or the value does not.

    >>> mask_store([1.0, 2.0, 3.0], [True, False, True], [8.0, 9.0]).evaluate()
    array([8., 2., 9.])
    """
    base, truths, new = lift(a), lift(mask), lift(value)
    dtype = base.value_type.dtype
    if not new.value_type.weak and not np.can_cast(new.value_type.dtype, dtype, "same_kind"):
        raise TypeMismatchError(
            worded("a[mask] = value", expected=f"values of dtype {dtype}", got=str(new.type))
        )
    flat, places = _flattened(base, truths)
    rest = flat.shape[1:]
    if new.ndim <= len(rest) or new.shape[-len(rest) - 1 :][0] == 1:
        return _everywhere(base, truths, new, rest)
    if new.ndim > len(rest) + 1:
        raise ShapeError(
            worded("a[mask] = value", expected="at most one further axis", got=str(new.type))
        )
    chosen = true_places(places)
    # How many there are is seen when numbers are known.
    rows = broadcast_to(new, (new.shape[0], *rest))
    several = reshape(cast(rows, dtype), (*chosen.shape, *rest))
    return reshape(set_at(flat, several, chosen), base.shape)


def _everywhere(base: Expr, mask: Expr, new: Expr, rest: tuple[Extent, ...]) -> Expr:
    """One part where the mask holds."""
    if new.ndim > len(rest):
        new = reshape(new, new.shape[1:])
    for _ in rest:
        mask = expand_dims(mask, -1)
    whole = where(
        broadcast_to(mask, base.shape),
        broadcast_to(new, (*mask.shape[: mask.ndim - len(rest)], *rest)),
        base,
    )
    return whole if whole.type is base.type else cast(whole, base.value_type.dtype)
