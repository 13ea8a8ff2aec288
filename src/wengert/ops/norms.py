"""Euclidean and other norms, directions, and the standard deviation.

A norm has derivative 0 at 0, where it is smallest: the derivative is the direction, which counts as 0 there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.facts import FINITE, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import Expr, make
from wengert.ir.op import (
    Argument,
    Domain,
    Laws,
    Op,
    Rule,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import is_complex
from wengert.ops.algebra import lift, minus, times, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.axes import (
    AxisOption,
    axes_of,
    axes_option,
    axis_of,
    spread,
    without_axes,
)
from wengert.ops.choice import absolute, eq, maximum, ne, sign, where
from wengert.ops.complexes import conj, part_type, real
from wengert.ops.einstein import ones, sum_axes
from wengert.ops.floats import binary_exponent, isfinite, ldexp
from wengert.ops.layout import cast
from wengert.ops.leaves import ZERO
from wengert.ops.powers import sqrt
from wengert.ops.reductions import axes_samples, centred, count_of, max_, min_, reduced, sum_
from wengert.ops.shapes import same_shape
from wengert.ops.sums import scale

__all__ = ["norm", "normalized", "std"]


def _norm_value(x: Any, *, attr: tuple[int, ...]) -> Any:
    """Scaled by a power of two, which is exact: 1e200 does not overflow and 1e-200 does not vanish."""
    size_ = np.abs(np.asarray(x, dtype=np.result_type(x, np.float32)))
    largest = np.max(size_, axis=attr, keepdims=True, initial=0.0)
    exponent = np.frexp(np.where(np.isfinite(largest), largest, 0.0))[1]
    squares = np.sum(np.ldexp(size_, -exponent) ** 2, axis=attr)
    return np.ldexp(np.sqrt(squares), np.squeeze(exponent, axis=attr))


_LOWEST = {"float64": -1000, "float32": -120}  # powers of two whose inverses are numbers, too


def _scaled(x: Expr, axes: tuple[int, ...]) -> tuple[Expr, Expr, Expr]:
    """As in `_norm_value`: the norm of scaled elements, a power of two by which they are, its exponent."""
    size_ = absolute(x) if is_complex(x.value_type) else x  # other signs go with the squares
    dtype = size_.value_type.dtype
    largest = max_(absolute(size_), axes)
    largest = where(isfinite(largest), largest, zeros(largest.shape))
    exponent = maximum(cast(binary_exponent(largest), "int64"), lift(_LOWEST[dtype]))
    factor = ldexp(cast(ones(largest.shape), dtype), scale(-1, exponent))
    scaled = times(size_, spread(factor, axes, x.shape))
    return sqrt(sum_axes(times(scaled, scaled), axes)), factor, exponent


def _has_none(node: Expr) -> bool:
    return any(node.args[0].shape[a] == 0 for a in node.attr)


def _simpler_norm(node: Expr) -> Expr | None:
    x, dtype = node.args[0], node.value_type.dtype
    if dtype not in _LOWEST:
        return None
    if _has_none(node):
        return cast(zeros(node.shape), dtype)
    length, _, exponent = _scaled(x if is_complex(x.value_type) else cast(x, dtype), node.attr)
    return ldexp(length, exponent)


def _simpler_normalized(node: Expr) -> Expr | None:
    """Scaled elements over their norm."""
    dtype = node.value_type.dtype
    if _has_none(node):
        return cast(zeros(node.shape), dtype)
    x = cast(node.args[0], dtype)
    length, factor, _ = _scaled(x, node.attr)
    gone = eq(length, ZERO)
    divisor = where(gone, cast(ones(length.shape), length.value_type.dtype), length)
    scaled = times(x, spread(factor, node.attr, x.shape))
    quotient = divide(scaled, spread(divisor, node.attr, x.shape))
    return where(spread(gone, node.attr, x.shape), cast(zeros(x.shape), dtype), quotient)


def _norm_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr:
    assert tangents[0] is not None
    return real(sum_axes(times(conj(normalized(args[0], attr)), tangents[0]), attr))


def _normalized_value(x: Any, *, attr: tuple[int, ...]) -> Any:
    x = np.asarray(x, dtype=np.result_type(x, np.float32))
    length = np.expand_dims(_norm_value(x, attr=attr), attr)
    return np.where(length == 0, 0, x / np.where(length == 0, 1, length))


def _normalized_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr:
    """The part of the change across the direction, over the length: infinite or undefined at 0."""
    (x,), (t,) = args, tangents
    assert t is not None
    along = real(sum_axes(times(conj(out), t), attr))
    across = minus(t, times(out, spread(along, attr, x.shape)))
    return divide(across, spread(make(NORM, (x,), attr), attr, x.shape))


def normalized(x: Any, axis: AxisOption = None) -> Expr:
    """``x/norm(x)`` over the given axes (all by default), and 0 where the norm is 0."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "normalized")
    return make(NORMALIZED, (node,), axes) if axes else sign(node)


def norm(
    x: Any,
    ord: float | str | None = None,  # noqa: A002  NumPy's name
    axis: AxisOption = None,
    keepdims: bool = False,
) -> Expr:
    """A norm over the given axes (all by default): Euclidean, or Frobenius for a matrix.

    ``ord=1`` and ``ord=inf`` are the sum and the maximum of absolute values of a vector, and the largest such
    column or row sum of a matrix; ``ord=2`` is the Euclidean norm of a vector.

    Raises:
        ShapeError: another order, such as the spectral norm of a matrix.
    """
    node = lift(x)
    axes = axes_of(axis, node.ndim, "norm")
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        if not axes:
            return absolute(node)
        return reduced(make(NORM, (node,), axes), axes, keepdims)
    if ord not in (1, np.inf, -np.inf) or len(axes) not in (1, 2):
        raise ShapeError(
            worded(
                "norm",
                expected="order 1, 2 or inf of a vector, or 1, inf or 'fro' of a matrix",
                got=f"order {ord!r} over {len(axes)} axes",
            )
        )
    return _absolute_norm(absolute(node), float(ord), axis, axes, keepdims)


def _absolute_norm(
    size_: Expr, order: float, given: AxisOption, axes: tuple[int, ...], keepdims: bool
) -> Expr:
    pick = min_ if order < 0 else max_
    if len(axes) == 1:
        return sum_(size_, axes, keepdims) if order == 1 else pick(size_, axes, keepdims)
    # NumPy's pair of axes is (rows, columns), in the order given.
    rows, columns = axes if given is None or isinstance(given, int) else tuple(given)
    rows, columns = (axis_of(a, size_.ndim, "norm") for a in (rows, columns))
    summed, picked = (rows, columns) if order == 1 else (columns, rows)
    return reduced(pick(sum_(size_, summed), picked - (summed < picked)), axes, keepdims)


NORM: Op = register(
    Op(
        name="norm",
        doc="Euclidean norm of the elements (of a matrix: the Frobenius norm), without overflow.",
        result=lambda x, *, attr: without_axes(part_type(same_shape(x)), attr),
        evaluate=_norm_value,
        simpler=_simpler_norm,
        diff=Rule(_norm_tangent),
        domain=Domain(
            smooth=lambda x, *, attr: (ne(make(NORM, (x,), attr), ZERO),),
            kinks="x = 0, a minimum, where the derivative is 0",
        ),
        spell=Spelling(
            latex=r"\left\|{0}\right\|",
            unicode="‖{0}‖",
            python="np.linalg.norm({0})",
            options=axes_option,
        ),
        laws=Laws(facts=lambda x, *, attr: NONNEGATIVE | x & (NONZERO | FINITE)),
        call=norm,
        samples=(
            *axes_samples(),
            Sample((Argument((3,), dtype="complex128"),), (0,), note="complex"),
        ),
        cost=3.0,
    )
)


def _normalized_in_numpy(node: Expr) -> str:
    if not axes_option(node):
        return "{0}/(np.linalg.norm({0}) or 1)"
    over = f"axis={node.attr[0] if len(node.attr) == 1 else node.attr}, keepdims=True"
    return f"{{0}}/np.where(np.any({{0}}, {over}), np.linalg.norm({{0}}, {over}), 1)"


NORMALIZED = register(
    Op(
        name="normalized",
        doc="x/norm(x), and 0 where the norm is 0: the derivative of the norm.",
        result=lambda x, *, attr: same_shape(x),
        evaluate=_normalized_value,
        simpler=_simpler_normalized,
        diff=Rule(_normalized_tangent),
        domain=Domain(poles="x = 0"),
        spell=Spelling(
            latex=r"\frac{{{0}}}{{\left\|{0}\right\|}}",
            options=axes_option,
            numpy=_normalized_in_numpy,
        ),
        expand=lambda x, *, attr: divide(
            x, spread(make(NORM, (x,), attr), attr, x.shape)
        ),  # for x != 0
        laws=Laws(facts=lambda x, *, attr: x & (NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE)),
        call=normalized,
        samples=(
            *axes_samples(),
            Sample((Argument((3,), dtype="complex128"),), (0,), note="complex"),
        ),
        cost=4.0,
    )
)


def std(x: Any, axis: AxisOption = None, ddof: int = 0, keepdims: bool = False) -> Expr:
    """The standard deviation over the given axes; its derivative is 0 where all elements agree."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "std")
    apart = norm(centred(node, axes), axis=axes, keepdims=keepdims)
    return divide(apart, sqrt(count_of(node.shape, axes) - ddof))
