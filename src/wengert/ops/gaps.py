"""Quotients by gaps: how eigenvectors turn, and when that is not defined.

The change of an eigenvector divides by the differences of eigenvalues, that of a singular vector by
singular values too. Where such a gap closes, the vector itself is arbitrary, but what is made of it often is
not: ``V @ diag(f(w)) @ V.T`` has a derivative everywhere. Then the numerator vanishes with the gap, and the
quotient has a limit, which is the quotient of their rates along a path that opens the gap (de l'Hospital).
In reverse mode the numerator is known as a formula in the eigenvalues, so its rate is too. Where neither the
limit is known nor the numerator zero, the derivative does not exist, and evaluation says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import DegenerateError, NoDerivativeError, ShapeError, worded
from wengert.ir.dims import extent_text
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, Spelling, register
from wengert.ir.types import Type, is_complex, promote
from wengert.ops.algebra import lift, minus, times
from wengert.ops.along import positions
from wengert.ops.complexes import conj, real
from wengert.ops.einstein import broadcast_to, ones, sum_axes
from wengert.ops.layout import cast, expand_dims
from wengert.ops.shapes import same_shape
from wengert.ops.sums import scale

__all__ = ["gap_quotient", "limited_quotient"]


class Gap(NamedTuple):
    """What is divided by: differences ``w[j] - w[i]`` of ``pairs``, or ``w[j]`` itself.

    With ``limit`` the third argument is the rate of the numerator as the gap opens.
    """

    pairs: bool = True
    limit: bool = False


codec(Gap)


# --- the value -------------------------------------------------------------------------------------------
def quotients_by_gaps(num: Any, w: Any, pairs: bool, rate: Any, references: Any) -> Any:
    """``num[i, j]/(w[j] - w[i])`` with 0 on the diagonal, or ``num[i, j]/w[j]``; limits at closed gaps.

    A gap is closed if rounding alone could have opened it. Up to the square root of the rounding unit the
    limit is more accurate than the quotient, and it is taken where both agree to rounding.
    """
    num, w = np.asarray(num), np.asarray(w)
    count = w.shape[-1]
    unit = float(np.finfo(np.result_type(num, w, np.float32)).eps)
    ahead, steps = w[..., None, :], np.ones((1, count))
    gap = np.broadcast_to(ahead, num.shape)
    if pairs:
        gap = np.broadcast_to(ahead - w[..., :, None], num.shape)
        steps = np.subtract.outer(np.arange(count), np.arange(count)).T.astype(float)
    scale = np.max(np.abs(ahead), axis=-1, keepdims=True, initial=0.0)
    biggest = np.max(np.abs(num), axis=(-1, -2), keepdims=True, initial=0.0)
    for other in references:
        other = np.asarray(other)
        biggest = np.maximum(
            biggest, np.max(np.abs(other), axis=(-1, -2), keepdims=True, initial=0.0)
        )
    noise = 1e3 * count * unit * biggest
    closed = np.abs(gap) <= 8 * count * unit * scale
    near = np.abs(gap) <= np.sqrt(unit) * scale
    with np.errstate(all="ignore"):
        result = num / np.where(gap == 0, 1, gap)
        if rate is None:
            wrong = closed & ~(np.abs(num) <= noise)
            result = np.where(closed | (near & (np.abs(num) <= noise / 100)), 0, result)
        else:
            limit = rate / np.where(steps == 0, 1, steps)
            agree = np.abs(num - limit * gap) <= noise
            wrong = closed & ~agree
            result = np.where(near & agree, limit, result)
    if pairs:
        off = ~np.eye(count, dtype=bool)
        wrong, result = wrong & off, np.where(off, result, 0)
    if wrong.any():
        place = tuple(np.argwhere(wrong)[0])
        raise ArithmeticError(
            f"a gap of {abs(gap[place]):.1e} beside values up to {np.max(scale):.3g}"
        )
    return result.astype(np.result_type(num, w))


def _value(num: Any, w: Any, *rest: Any, attr: Gap) -> Any:
    rate, references = (rest[0], rest[1:]) if attr.limit else (None, rest)
    try:
        return quotients_by_gaps(num, w, attr.pairs, rate, references)
    except ArithmeticError as error:
        what = "eigenvalues or singular values" if attr.pairs else "a singular value"
        raise DegenerateError(
            worded(
                "derivative of eigenvectors or singular vectors",
                expected=f"{what} {'that differ' if attr.pairs else 'other than 0'}",
                got=str(error),
                hint="what does not depend on the choice of vectors, in reverse mode",
            )
        ) from None


def _type(num: Type, w: Type, *rest: Type, attr: Gap) -> Type:
    fits = num.shape[-1:] == w.shape[-1:] and len(num.shape) > len(w.shape)
    if not fits or (attr.pairs and num.shape[-2] != num.shape[-1]):
        raise ShapeError(
            worded(
                "gap_quotient",
                expected=f"numerators with columns for {extent_text(w.shape)}",
                got=extent_text(num.shape),
            )
        )
    return same_shape(promote(num, w).with_shape(num.shape))


# --- the differential ------------------------------------------------------------------------------------
def _opened(w_t: Expr, like: Expr, pairs: bool) -> Expr:
    """The changes of the gaps."""
    ahead = expand_dims(w_t, w_t.ndim - 1)
    change = minus(ahead, expand_dims(w_t, w_t.ndim)) if pairs else ahead
    return broadcast_to(change, like.shape)


def _tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: Gap,
    diff: Any,  # Any: the transforms
) -> Expr | None:
    """``d(num/gap) = (d num - (num/gap) d gap)/gap``; limits have no further derivative."""
    num_t, w_t = tangents[:2]
    change = num_t
    if w_t is not None:
        turned = times(out, _opened(w_t, out, attr.pairs))
        change = scale(-1, turned) if num_t is None else minus(num_t, turned)
    return None if change is None else gap_quotient(change, args[1], pairs=attr.pairs)


def _cotangents(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Expr,
    out: Expr,
    *,
    attr: Gap,
    diff: Any,  # Any: the transforms
) -> list[Expr | None]:
    num, w = args[:2]
    back = gap_quotient(ct, conj(w), pairs=attr.pairs)
    found: list[Expr | None] = [back if wanted[0] else None, None, *[None] * (len(args) - 2)]
    if wanted[1]:
        turning = times(conj(out), back)
        if not is_complex(w.value_type):
            turning = real(turning)
        last = turning.ndim - 1
        into = scale(-1, sum_axes(turning, [last - 1]))
        whole = into + sum_axes(turning, [last]) if attr.pairs else into
        extra = num.ndim - 1 - w.ndim  # axes of the stack that `w` does not have
        lead = ct.ndim - num.ndim
        found[1] = sum_axes(whole, range(lead, lead + extra)) if extra else whole
    return found


def _in_numpy(node: Expr) -> str:
    first = 3 if node.attr.limit else 2
    references = ", ".join(f"{{{i}}}" for i in range(first, len(node.args)))
    rate = "{2}" if node.attr.limit else "None"
    return f"quotients_by_gaps({{0}}, {{1}}, {node.attr.pairs}, {rate}, [{references}])"


_W = Argument((3,), draw="distinct")
_M = Argument((3, 3))

GAP = register(
    Op(
        name="gap_quotient",
        doc="Quotients by differences of eigenvalues, or by singular values, and their limits.",
        result=_type,
        evaluate=_value,
        diff=Rule(_tangent, _cotangents, batched=True),
        domain=Domain(poles="equal values, where the numerator does not vanish"),
        spell=Spelling(
            options=lambda node: {
                **({} if node.attr.pairs else {"pairs": False}),
                **({"limit": True} if node.attr.limit else {}),
            },
            numpy=_in_numpy,
            helpers=(quotients_by_gaps,),
        ),
        call=lambda num, w, *more, pairs=True, limit=False: gap_quotient(
            num, w, *more, pairs=pairs, limit=limit
        ),
        samples=(
            Sample((_M, _W), Gap()),
            Sample((_M, _W, _M, _M), Gap(limit=True), note="with a limit"),
            Sample((Argument((2, 3)), Argument((3,), 0.5, 2)), Gap(pairs=False), note="by values"),
            Sample((Argument((2, 3, 3)), Argument((2, 3), 0, 9, "distinct")), Gap(), note="stack"),
            Sample(
                (Argument((3, 3), dtype="complex128"), Argument((3,), dtype="complex128")),
                Gap(),
                note="complex",
            ),
        ),
        cost=2.0,
    )
)


def gap_quotient(num: Any, w: Any, *more: Any, pairs: bool = True, limit: bool = False) -> Expr:
    """``num[i, j]/(w[j] - w[i])``, or ``num[i, j]/w[j]`` without ``pairs``, for stacks of matrices.

    Raises:
        ShapeError: the numerators have not as many columns as there are values.
    """
    return make(GAP, (lift(num), lift(w), *map(lift, more)), Gap(pairs, limit))


def limited_quotient(
    num: Expr, w: Expr, references: Sequence[Expr], diff: Any, *, pairs: bool = True
) -> Expr:
    """The quotient with its limit, for a numerator that depends on ``w`` as a formula.

    ``references`` tell how large the terms are that cancel in the numerator. ``diff`` are the transforms.
    """
    path = positions(w.shape[-1]) if pairs else ones(w.shape[-1:])
    path = broadcast_to(cast(path, w.value_type.dtype), w.shape)
    try:
        (rate,) = diff.jvp([num], {w: path})
    except NoDerivativeError:
        rate = None
    if rate is None:  # nothing tells how the numerator vanishes
        return gap_quotient(num, w, *references, pairs=pairs)
    return gap_quotient(num, w, rate, *references, pairs=pairs, limit=True)
