"""Discrete Fourier transforms along one axis, without and with the symmetry of real signals.

``fft(x)[k] = sum over j of x[j] exp(-2 pi i j k/n)``; ``ifft`` undoes it. Both matrices are symmetric, so
each is its own transpose. ``rfft`` is the first half of the transform of a real signal, and
``irfft`` makes the signal of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Linear, Op, Sample, Spelling, register
from wengert.ir.types import Type, is_complex
from wengert.ops.algebra import lift, multiply, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axis_of
from wengert.ops.complexes import complex_dtype, real
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import cast
from wengert.ops.leaves import const, size
from wengert.ops.shapes import same_shape

__all__ = ["fft", "ifft", "irfft", "resized", "rfft"]


class Halved(NamedTuple):
    """The axis, and how long the signal along it is."""

    axis: int
    length: Extent


codec(Halved)


# --- complex signals -------------------------------------------------------------------------------------
def _complex(x: Any) -> Expr:
    node = lift(x)
    return node if is_complex(node.value_type) else cast(node, complex_dtype(node.value_type.dtype))


def _transform_type(x: Type, *, attr: int) -> Type:
    if not 0 <= attr < len(x.shape):
        raise ShapeError(worded("fft", expected=f"one of {len(x.shape)} axes", got=f"{attr}"))
    return Type(complex_dtype(x.dtype), x.shape)


def _transpose(op_name: str) -> Any:
    def transpose(ct: Expr, slot: int, x: Expr, *, attr: int) -> Expr:
        return make(_TRANSFORMS[op_name], (_complex(ct),), attr + ct.ndim - x.ndim)

    return transpose


def _axis_option(node: Expr) -> dict[str, object]:
    return {"axis": node.attr}


def _transform(name: str, doc: str, evaluate: Any) -> Op:  # Any: NumPy's function
    def call(x: Any, axis: int = -1) -> Expr:
        node = _complex(x)
        return make(_TRANSFORMS[name], (node,), axis_of(axis, node.ndim, name))

    return register(
        Op(
            name=name,
            doc=doc,
            result=_transform_type,
            evaluate=lambda x, *, attr: evaluate(x, axis=attr),
            diff=Linear(_transpose(name), batched=True),
            spell=Spelling(
                options=_axis_option,
                latex=rf"\operatorname{{{{{name}}}}}\left({{0}}\right)",
                python=f"np.fft.{name}({{0}})",
            ),
            call=call,
            samples=(
                Sample((Argument((5,), dtype="complex128"),), 0),
                Sample((Argument((4, 3), dtype="complex128"),), 0, note="columns"),
                Sample((Argument((2, 3), dtype="complex64"),), 1, note="single"),
            ),
            cost=10.0,
        )
    )


_TRANSFORMS = {
    "fft": _transform("fft", "The discrete Fourier transform along an axis.", np.fft.fft),
    "ifft": _transform(
        "ifft", "The inverse discrete Fourier transform along an axis.", np.fft.ifft
    ),
}


def fft(x: Any, axis: int = -1) -> Expr:
    """The discrete Fourier transform along an axis.

    Raises:
        ShapeError: there is no such axis.
    """
    node = _complex(x)
    return make(_TRANSFORMS["fft"], (node,), axis_of(axis, node.ndim, "fft"))


def ifft(x: Any, axis: int = -1) -> Expr:
    """The inverse discrete Fourier transform along an axis.

    Raises:
        ShapeError: there is no such axis.
    """
    node = _complex(x)
    return make(_TRANSFORMS["ifft"], (node,), axis_of(axis, node.ndim, "ifft"))


# --- real signals ----------------------------------------------------------------------------------------
def _half(count: Extent, what: str) -> int:
    if not isinstance(count, int) or count < 1:
        raise ShapeError(
            worded(what, expected="a length that is a number from 1 on", got=f"{count}")
            + "; needs a fixed extent"
        )
    return count // 2 + 1


def resized(x: Expr, axis: int, count: Extent) -> Expr:
    """The signal cut off, or continued with zeros, along an axis.

    Raises:
        ShapeError: which of the two depends on sizes.
    """
    missing = count - x.shape[axis]
    if not isinstance(missing, int):
        raise ShapeError(
            worded("fft", expected="a length that can be compared", got=f"{count}, {x.shape[axis]}")
            + "; needs a fixed extent"
        )
    if missing <= 0:
        return part_of(x, axis, 0, count)
    shape = [missing if i == axis else e for i, e in enumerate(x.shape)]
    return concatenate([x, zeros(shape)], axis)


def rfft(x: Any, axis: int = -1) -> Expr:
    """The first half of the discrete Fourier transform of a real signal; the rest is its mirror image.

    Raises:
        ShapeError: no such axis, or a length that is not a number.
    """
    node = lift(x)
    return make(RFFT, (node,), axis_of(axis, node.ndim, "rfft"))


def _rfft_type(x: Type, *, attr: int) -> Type:
    x = same_shape(x)
    count = _half(x.shape[attr], "rfft")
    shape = tuple(count if i == attr else e for i, e in enumerate(x.shape))
    if is_complex(x):
        raise ShapeError(worded("rfft", expected="a real signal", got=f"{x}"))
    return Type(complex_dtype(x.dtype), shape)


def _rfft_transpose(ct: Expr, slot: int, x: Expr, *, attr: int) -> Expr:
    axis = attr + ct.ndim - x.ndim
    return real(fft(resized(ct, axis, x.shape[attr]), axis))


RFFT = register(
    Op(
        name="rfft",
        doc="The first half of the discrete Fourier transform of a real signal.",
        result=_rfft_type,
        evaluate=lambda x, *, attr: np.fft.rfft(x, axis=attr),
        diff=Linear(_rfft_transpose, batched=True),
        spell=Spelling(
            options=_axis_option,
            latex=r"\operatorname{{rfft}}\left({0}\right)",
            python="np.fft.rfft({0})",
        ),
        call=rfft,
        samples=(
            Sample((Argument((5,)),), 0),
            Sample((Argument((4, 3)),), 0, note="columns"),
            Sample((Argument((2, 4), dtype="float32"),), 1, note="single"),
        ),
        cost=5.0,
    )
)


def irfft(x: Any, count: Extent, axis: int = -1) -> Expr:
    """The real signal of ``count`` numbers whose transform begins with ``x``.

    Raises:
        ShapeError: ``x`` has not ``count//2 + 1`` numbers along the axis.
    """
    node = _complex(x)
    return make(IRFFT, (node,), Halved(axis_of(axis, node.ndim, "irfft"), count))


def _irfft_type(x: Type, *, attr: Halved) -> Type:
    if x.shape[attr.axis] != _half(attr.length, "irfft"):
        raise ShapeError(
            worded(
                "irfft",
                expected=f"{_half(attr.length, 'irfft')} numbers for a signal of {attr.length}",
                got=f"{x.shape[attr.axis]}",
            )
        )
    dtype: Any = "float32" if x.dtype == "complex64" else "float64"
    shape = tuple(attr.length if i == attr.axis else e for i, e in enumerate(x.shape))
    return Type(dtype, shape)


def _irfft_transpose(ct: Expr, slot: int, x: Expr, *, attr: Halved) -> Expr:
    """All but the first number, and the last of an even signal, stand for two of the full transform."""
    axis = attr.axis + ct.ndim - x.ndim
    assert isinstance(attr.length, int)
    weights = np.full(attr.length // 2 + 1, 2.0)
    weights[0] = 1
    if attr.length % 2 == 0:
        weights[-1] = 1
    shape = [-1 if i == axis else 1 for i in range(ct.ndim)]
    column = const(weights.reshape(shape).astype(ct.value_type.dtype))
    return divide(multiply(rfft(ct, axis), column), size(attr.length))


IRFFT = register(
    Op(
        name="irfft",
        doc="The real signal whose discrete Fourier transform begins with the given numbers.",
        result=_irfft_type,
        evaluate=lambda x, *, attr: np.fft.irfft(x, attr.length, axis=attr.axis),
        diff=Linear(_irfft_transpose, batched=True),
        spell=Spelling(
            options=lambda node: {"count": node.attr.length, "axis": node.attr.axis},
            latex=r"\operatorname{{irfft}}\left({0}\right)",
            numpy=lambda node: f"np.fft.irfft({{0}}, n={node.attr.length}, axis={node.attr.axis})",
        ),
        call=irfft,
        samples=(
            Sample((Argument((3,), dtype="complex128"),), Halved(0, 5)),
            Sample((Argument((3,), dtype="complex128"),), Halved(0, 4), note="even"),
            Sample((Argument((3, 2), dtype="complex128"),), Halved(0, 4), note="columns"),
        ),
        cost=5.0,
    )
)
