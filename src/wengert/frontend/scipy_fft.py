"""The functions of ``scipy.fft``: those of ``numpy.fft``, and cosine and sine transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft

from wengert.frontend.numpy_arguments import fixed, only, strong
from wengert.frontend.numpy_fft import (
    centred,
    frequencies,
    half_to_real,
    real_to_half,
    several,
    transformed,
)
from wengert.frontend.numpy_linalg import floating
from wengert.frontend.table import Length, Value, maps
from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops.algebra import lift
from wengert.ops.axes import axis_of
from wengert.ops.complexes import conj, from_parts, imag, real
from wengert.ops.cosines import cosine_transform
from wengert.ops.fourier import resized

_group = "Fourier transforms of SciPy"
_F = scipy.fft
_SWAPPED: dict[Any, Any] = {
    None: "forward",
    "backward": "forward",
    "ortho": "ortho",
    "forward": None,
}


# --- Fourier transforms ----------------------------------------------------------------------------------
def _single(name: str, transform: Callable[..., Expr]) -> None:
    """Register a transform along one axis."""

    def entry(
        x: Value,
        n: Length | None = None,
        axis: int = -1,
        norm: str | None = None,
        overwrite_x: bool = False,
        workers: Any = None,
    ) -> Expr:
        return transform(x, n, axis, norm, f"scipy.fft.{name}")

    maps(getattr(_F, name), group=_group)(entry)


def _forth(x: Expr, n: Any, axis: int, norm: str | None, what: str) -> Expr:
    return transformed(x, n, axis, norm, False, what)


def _back(x: Expr, n: Any, axis: int, norm: str | None, what: str) -> Expr:
    return transformed(x, n, axis, norm, True, what)


def _hfft(x: Expr, n: Any, axis: int, norm: str | None, what: str) -> Expr:
    return half_to_real(conj(strong(x)), n, axis, _SWAPPED.get(norm, norm), what)


def _ihfft(x: Expr, n: Any, axis: int, norm: str | None, what: str) -> Expr:
    return conj(real_to_half(x, n, axis, _SWAPPED.get(norm, norm), what))


_single("fft", _forth)
_single("ifft", _back)
_single("rfft", real_to_half)
_single("irfft", half_to_real)
_single("hfft", _hfft)
_single("ihfft", _ihfft)


def _several(name: str, default: Any, transform: Callable[..., Expr]) -> None:
    """Register a transform over several axes."""
    what = f"scipy.fft.{name}"

    def entry(
        x: Value,
        s: Any = None,
        axes: Any = default,
        norm: str | None = None,
        overwrite_x: bool = False,
        workers: Any = None,
    ) -> Expr:
        lengths, places = several(x, s, axes, what)
        pairs = list(zip(lengths, places, strict=True))
        return transform(strong(x), pairs, norm, what)

    maps(getattr(_F, name), group=_group)(entry)


def _over(inverse: bool) -> Callable[..., Expr]:
    def over(x: Expr, pairs: list[tuple[Any, int]], norm: str | None, what: str) -> Expr:
        for count, axis in pairs[::-1]:
            x = transformed(x, count, axis, norm, inverse, what)
        return x

    return over


def _real_over(x: Expr, pairs: list[tuple[Any, int]], norm: str | None, what: str) -> Expr:
    x = real_to_half(x, *pairs[-1], norm, what)
    return _over(False)(x, pairs[:-1], norm, what)


def _to_real_over(x: Expr, pairs: list[tuple[Any, int]], norm: str | None, what: str) -> Expr:
    return half_to_real(_over(True)(x, pairs[:-1], norm, what), *pairs[-1], norm, what)


for _suffix, _axes in (("n", None), ("2", (-2, -1))):
    _several(f"fft{_suffix}", _axes, _over(False))
    _several(f"ifft{_suffix}", _axes, _over(True))
    _several(f"rfft{_suffix}", _axes, _real_over)
    _several(f"irfft{_suffix}", _axes, _to_real_over)


@maps(_F.fftfreq, group=_group)
def fftfreq(n: Length, d: Value = 1.0) -> Expr:  # type: ignore[assignment]  # lifted like an argument
    return frequencies(n, lift(d), np.fft.fftfreq, False)


@maps(_F.rfftfreq, group=_group)
def rfftfreq(n: Length, d: Value = 1.0) -> Expr:  # type: ignore[assignment]  # lifted like an argument
    return frequencies(n, lift(d), np.fft.rfftfreq, True)


@maps(_F.fftshift, group=_group)
def fftshift(x: Value, axes: Any = None) -> Expr:
    return centred(strong(x), axes, False)


@maps(_F.ifftshift, group=_group)
def ifftshift(x: Value, axes: Any = None) -> Expr:
    return centred(strong(x), axes, True)


# --- cosine and sine transforms --------------------------------------------------------------------------
def _trigonometric(name: str) -> None:
    what = f"scipy.fft.{name}"
    inverse, kind = name.startswith("i"), name[-3:]

    def entry(
        x: Value,
        type: int = 2,  # noqa: A002  # as SciPy names it
        n: Length | None = None,
        axis: int = -1,
        norm: str | None = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: bool | None = None,
    ) -> Expr:
        only(what, "type", type, 1, 2, 3, 4)
        only(what, "norm", norm, None, "backward", "ortho", "forward")
        only(what, "orthogonalize", orthogonalize, None)
        signal = floating(x)
        along = axis_of(axis, signal.ndim, what)
        signal = resized(signal, along, signal.shape[along] if n is None else n)
        fixed(signal.shape[along], what)

        def of(part: Expr) -> Expr:
            return cosine_transform(part, kind, type, along, norm or "backward", inverse)

        if is_complex(signal.value_type):
            return from_parts(of(real(signal)), of(imag(signal)))
        return of(signal)

    maps(getattr(_F, name), group=_group)(entry)


for _name in ("dct", "idct", "dst", "idst"):
    _trigonometric(_name)
