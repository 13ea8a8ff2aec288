"""The functions of ``numpy.fft``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import axis_list, known, only, strong
from wengert.frontend.numpy_layout import rolled
from wengert.frontend.table import Length, Value, maps
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ops import fourier
from wengert.ops.algebra import lift, multiply
from wengert.ops.along import positions
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axis_of
from wengert.ops.choice import floor_divide, le, where
from wengert.ops.complexes import conj
from wengert.ops.leaves import size
from wengert.ops.powers import sqrt

__all__ = ["centred", "frequencies", "half_to_real", "real_to_half", "several", "transformed"]

_group = "Fourier transforms"


# --- one axis --------------------------------------------------------------------------------------------
def _fitted(x: Expr, count: Any, axis: int, what: str) -> tuple[Expr, int, Extent]:
    """The signal of the wanted length, its axis and length."""
    along = axis_of(axis, x.ndim, what)
    extent = x.shape[along]
    wanted = extent if count is None else count
    if isinstance(wanted, int) and wanted < 1:
        raise ShapeError(worded(what, expected="a length from 1 on", got=f"{wanted}"))
    return fourier.resized(x, along, wanted), along, wanted


def _scaled(x: Expr, count: Extent, norm: str | None, inverse: bool, what: str) -> Expr:
    """From ``backward``, where the inverse divides by the length, to another norm."""
    only(what, "norm", norm, None, "backward", "ortho", "forward")
    if norm in (None, "backward"):
        return x
    if norm == "ortho":
        root = sqrt(multiply(1.0, size(count)))
        return multiply(x, root) if inverse else divide(x, root)
    return multiply(x, size(count)) if inverse else divide(x, size(count))


def transformed(a: Expr, count: Any, axis: int, norm: str | None, inverse: bool, what: str) -> Expr:
    """The transform or its inverse along one axis."""
    x, along, length = _fitted(strong(a), count, axis, what)
    turned = (fourier.ifft if inverse else fourier.fft)(x, along)
    return _scaled(turned, length, norm, inverse, what)


def real_to_half(a: Expr, count: Any, axis: int, norm: str | None, what: str) -> Expr:
    """The first half of the transform; imaginary parts are an error, as in NumPy."""
    x, along, length = _fitted(strong(a), count, axis, what)
    return _scaled(fourier.rfft(x, along), length, norm, False, what)


def half_to_real(a: Expr, count: Any, axis: int, norm: str | None, what: str) -> Expr:
    """The real signal of ``count`` numbers, twice the given ones less two by default."""
    x = strong(a)
    along = axis_of(axis, x.ndim, what)
    length = 2 * (x.shape[along] - 1) if count is None else count
    if not isinstance(length, int) or length < 1:
        raise ShapeError(
            worded(what, expected="a length from 1 on", got=f"{length}") + "; needs a fixed extent"
        )
    half = fourier.resized(x, along, length // 2 + 1)
    return _scaled(fourier.irfft(half, length, along), length, norm, True, what)


_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _swapped(norm: str | None, what: str) -> str:
    only(what, "norm", norm, *_SWAPPED)
    return _SWAPPED[norm]


@maps(np.fft.fft, group=_group)
def fft(a: Value, n: Length | None = None, axis: int = -1, norm: str | None = None) -> Expr:
    return transformed(a, n, axis, norm, False, "numpy.fft.fft")


@maps(np.fft.ifft, group=_group)
def ifft(a: Value, n: Length | None = None, axis: int = -1, norm: str | None = None) -> Expr:
    return transformed(a, n, axis, norm, True, "numpy.fft.ifft")


@maps(np.fft.rfft, group=_group)
def rfft(a: Value, n: Length | None = None, axis: int = -1, norm: str | None = None) -> Expr:
    return real_to_half(a, n, axis, norm, "numpy.fft.rfft")


@maps(np.fft.irfft, group=_group)
def irfft(a: Value, n: Length | None = None, axis: int = -1, norm: str | None = None) -> Expr:
    return half_to_real(a, n, axis, norm, "numpy.fft.irfft")


@maps(np.fft.hfft, group=_group)
def hfft(a: Value, n: Length | None = None, axis: int = -1, norm: str | None = None) -> Expr:
    what = "numpy.fft.hfft"
    return half_to_real(conj(strong(a)), n, axis, _swapped(norm, what), what)


@maps(np.fft.ihfft, group=_group)
def ihfft(a: Value, n: Length | None = None, axis: int = -1, norm: str | None = None) -> Expr:
    what = "numpy.fft.ihfft"
    return conj(real_to_half(a, n, axis, _swapped(norm, what), what))


# --- several axes ----------------------------------------------------------------------------------------
def several(x: Expr, s: Any, axes: Any, what: str) -> tuple[list[Any], list[int]]:
    """Lengths and axes as NumPy works them out; ``None`` leaves a length.

    Raises:
        ShapeError: another number of lengths than of axes.
    """
    if axes is None:
        count = x.ndim if s is None else len(s)
        places = list(range(-count, 0))
    else:
        places = axis_list(axes)
    lengths = [None] * len(places) if s is None else [known(e) for e in s]
    if len(lengths) != len(places):
        raise ShapeError(
            worded(what, expected="as many lengths as axes", got=f"s={s!r}, axes={axes!r}")
        )
    return [None if e == -1 else e for e in lengths], places


def _over(inverse: bool, name: str, default: Any) -> Callable[..., Expr]:
    what = f"numpy.fft.{name}"

    def transform(a: Value, s: Any = None, axes: Any = default, norm: str | None = None) -> Expr:
        x = strong(a)
        lengths, places = several(x, s, axes, what)
        for count, axis in list(zip(lengths, places, strict=True))[::-1]:
            x = transformed(x, count, axis, norm, inverse, what)
        return x

    return transform


def _real_over(name: str, default: Any) -> Callable[..., Expr]:
    what = f"numpy.fft.{name}"

    def transform(a: Value, s: Any = None, axes: Any = default, norm: str | None = None) -> Expr:
        x = strong(a)
        lengths, places = several(x, s, axes, what)
        x = real_to_half(x, lengths[-1], places[-1], norm, what)
        for count, axis in list(zip(lengths[:-1], places[:-1], strict=True))[::-1]:
            x = transformed(x, count, axis, norm, False, what)
        return x

    return transform


def _to_real_over(name: str, default: Any) -> Callable[..., Expr]:
    what = f"numpy.fft.{name}"

    def transform(a: Value, s: Any = None, axes: Any = default, norm: str | None = None) -> Expr:
        x = strong(a)
        lengths, places = several(x, s, axes, what)
        for count, axis in zip(lengths[:-1], places[:-1], strict=True):
            x = transformed(x, count, axis, norm, True, what)
        return half_to_real(x, lengths[-1], places[-1], norm, what)

    return transform


maps(np.fft.fftn, group=_group)(_over(False, "fftn", None))
maps(np.fft.ifftn, group=_group)(_over(True, "ifftn", None))
maps(np.fft.fft2, group=_group)(_over(False, "fft2", (-2, -1)))
maps(np.fft.ifft2, group=_group)(_over(True, "ifft2", (-2, -1)))
maps(np.fft.rfftn, group=_group)(_real_over("rfftn", None))
maps(np.fft.rfft2, group=_group)(_real_over("rfft2", (-2, -1)))
maps(np.fft.irfftn, group=_group)(_to_real_over("irfftn", None))
maps(np.fft.irfft2, group=_group)(_to_real_over("irfft2", (-2, -1)))


# --- frequencies and their order -------------------------------------------------------------------------
def frequencies(n: Extent, d: Expr, numpys: Any, half: bool) -> Expr:
    """The frequencies of the numbers of a transform, for samples ``d`` apart."""
    spacing = known(d)
    if isinstance(n, int) and spacing is not None:
        return lift(numpys(n, spacing))
    if isinstance(n, int):
        cycles = lift(numpys(n, 1.0 / n))
        return divide(cycles, multiply(d, n))
    places = positions(n)
    if half:
        raise ShapeError(
            worded("numpy.fft.rfftfreq", expected="a number", got=f"the size {n}")
            + "; needs a fixed extent"
        )
    last = floor_divide(size(n) - 1, 2)
    return divide(where(le(places, last), places, places - size(n)), multiply(d, size(n)))


@maps(np.fft.fftfreq, group=_group)
def fftfreq(n: Length, d: Value = 1.0) -> Expr:  # type: ignore[assignment]  # lifted like an argument
    return frequencies(n, lift(d), np.fft.fftfreq, False)


@maps(np.fft.rfftfreq, group=_group)
def rfftfreq(n: Length, d: Value = 1.0) -> Expr:  # type: ignore[assignment]  # lifted like an argument
    return frequencies(n, lift(d), np.fft.rfftfreq, True)


def centred(x: Expr, axes: Any, back: bool) -> Expr:
    """The numbers with those of frequency zero in the middle, or back at the front."""
    places: Sequence[int] = range(x.ndim) if axes is None else axis_list(axes)
    for axis in places:
        along = axis_of(axis, x.ndim, "numpy.fft.fftshift")
        extent = x.shape[along]
        if isinstance(extent, Dim):
            half: Any = floor_divide(size(extent), 2)
        else:
            half = extent // 2
        x = rolled(x, -half if back else half, along)
    return x


@maps(np.fft.fftshift, group=_group)
def fftshift(x: Value, axes: Any = None) -> Expr:
    return centred(strong(x), axes, False)


@maps(np.fft.ifftshift, group=_group)
def ifftshift(x: Value, axes: Any = None) -> Expr:
    return centred(strong(x), axes, True)
