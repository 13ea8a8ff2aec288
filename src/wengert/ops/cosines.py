"""Discrete cosine and sine transforms of real signals along one axis, in SciPy's conventions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Linear, Op, Sample, Spelling, register
from wengert.ir.types import Type, is_complex
from wengert.ops.algebra import lift, times
from wengert.ops.axes import axis_of
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import const
from wengert.ops.shapes import same_shape

__all__ = ["cosine_transform"]


class Wave(NamedTuple):
    """``dct`` or ``dst`` of a type and norm along an axis, or its inverse."""

    kind: str
    type: int
    axis: int
    norm: str = "backward"
    inverse: bool = False


codec(Wave)


def cosine_transform(
    x: Any,
    kind: str = "dct",
    type: int = 2,  # noqa: A002  # as SciPy names it
    axis: int = -1,
    norm: str = "backward",
    inverse: bool = False,
) -> Expr:
    """The discrete cosine (``dct``) or sine transform (``dst``) of type 1 to 4 along an axis.

    Raises:
        ShapeError: the length is not a number.
        TypeMismatchError: a complex signal.
    """
    node = lift(x)
    return make(WAVES, (node,), Wave(kind, type, axis_of(axis, node.ndim, kind), norm, inverse))


def _type(x: Type, *, attr: Wave) -> Type:
    x = same_shape(x)
    if is_complex(x):
        raise TypeMismatchError(worded(attr.kind, expected="a real signal", got=f"{x}"))
    if not isinstance(x.shape[attr.axis], int):
        raise ShapeError(
            worded(attr.kind, expected="a length that is a number", got=f"{x.shape[attr.axis]}")
            + "; needs a fixed extent"
        )
    return x


_FUNCTIONS = {name: scipy_function(f"fft.{name}") for name in ("dct", "idct", "dst", "idst")}


def _name(wave: Wave) -> str:
    return "i" * wave.inverse + wave.kind


def _value(x: Any, *, attr: Wave) -> Any:
    x = np.asarray(x)
    options: dict[str, Any] = {"type": attr.type, "norm": attr.norm, "axis": attr.axis}
    return _FUNCTIONS[_name(attr)](x if x.dtype.kind == "f" else x.astype(float), **options)


_TURNED = {1: 1, 2: 3, 3: 2, 4: 4}


def _transpose(ct: Expr, slot: int, x: Expr, *, attr: Wave) -> Expr:
    """Types 2 and 3 turn into each other, 1 and 4 are symmetric, but for the weights of edges."""
    axis = attr.axis + ct.ndim - x.ndim
    count = x.shape[attr.axis]
    assert isinstance(count, int)
    forward = attr._replace(axis=axis)
    if attr.norm == "ortho":
        # Orthogonal: the transpose undoes.
        return make(WAVES, (ct,), forward._replace(inverse=not attr.inverse))
    turned = forward._replace(type=_TURNED[_effective(attr)], inverse=False, norm="backward")
    before, after = _weights(_effective(attr), attr.kind, count)
    scale = _scale(attr, count)
    signal = times(ct, _column(before, ct, axis))
    moved = make(WAVES, (signal,), turned)
    return times(moved, _column(after * scale, ct, axis))


def _effective(wave: Wave) -> int:
    """The type of the transform whose unscaled matrix this one is a multiple of."""
    return _TURNED[wave.type] if wave.inverse else wave.type


def _scale(wave: Wave, count: int) -> float:
    """The common factor of the matrix: one over the length of the periodic signal, or one."""
    period = {("dct", 1): 2 * (count - 1), ("dst", 1): 2 * (count + 1)}.get(
        (wave.kind, wave.type), 2 * count
    )
    scaled = (wave.norm == "forward") != wave.inverse
    return 1.0 / period if scaled else 1.0


def _weights(kind_type: int, kind: str, count: int) -> tuple[Any, Any]:
    """Weights before and after the turned transform that make it the transpose."""
    before, after = np.ones(count), np.ones(count)
    if (kind, kind_type) == ("dct", 1):
        # M = C W with W = diag(1, 2, ..., 2, 1) and C symmetric: M' = W C = W M inv(W).
        after[1:-1], before[1:-1] = 2, 0.5
    elif kind_type == 2:
        # M = 2 C; the type 3 matrix is C' with 2 for all columns but one.
        before[:] = 1
        edge = 0 if kind == "dct" else -1
        before[edge] = 2
    elif kind_type == 3:
        after[:] = 1
        edge = 0 if kind == "dct" else -1
        after[edge] = 0.5
    return before, after


def _column(values: Any, like: Expr, axis: int) -> Expr:
    shape = [-1 if i == axis else 1 for i in range(like.ndim)]
    return const(values.reshape(shape).astype(like.value_type.dtype))


def _in_numpy(node: Expr) -> str:
    wave = node.attr
    options = f"type={wave.type}, axis={wave.axis}, norm={wave.norm!r}"
    return f"scipy.fft.{_name(wave)}({{0}}, {options})"


def _samples() -> tuple[Sample, ...]:
    found = [
        Sample((Argument((4,)),), Wave(kind, type_, 0, norm, inverse))
        for kind in ("dct", "dst")
        for type_ in (1, 2, 3, 4)
        for norm in ("backward", "ortho", "forward")
        for inverse in (False, True)
    ]
    return (*found, Sample((Argument((2, 5)),), Wave("dct", 2, 1), note="rows"))


WAVES = register(
    Op(
        name="cosine_transform",
        doc="A discrete cosine or sine transform along an axis.",
        result=_type,
        evaluate=_value,
        diff=Linear(_transpose, batched=True),
        spell=Spelling(
            options=lambda node: dict(node.attr._asdict()),
            numpy=_in_numpy,
        ),
        call=cosine_transform,
        samples=_samples(),
        cost=10.0,
    )
)
