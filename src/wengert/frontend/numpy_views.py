"""NumPy functions that give views: what they show, and what the array is after a write through them.

A view is a pair ``(get, put)``: ``get(base)`` is what the view shows, ``put(base, new)`` the array with
``new`` shown. ``put`` is ``None`` where NumPy's view cannot be written, and there is no view at all where
NumPy makes a copy. The array itself is taken to lie in memory in order, as a new array does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from wengert.frontend import numpy_joining, numpy_layout, numpy_selecting
from wengert.frontend.table import apply, entry_of
from wengert.ir.node import Expr
from wengert.ir.types import is_complex
from wengert.ops.complexes import from_parts, imag, real
from wengert.ops.einstein import transpose
from wengert.ops.layout import reshape
from wengert.ops.subscripts import update

__all__ = ["VIEWS", "View"]

View: TypeAlias = tuple[Callable[[Expr], Expr], Callable[[Expr, Expr], Expr] | None]
_TABLES = (numpy_joining, numpy_layout, numpy_selecting)  # they register what is shown

# Any: arguments are whatever the functions of NumPy take after the array.


def _shown(original: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Callable[..., Any]:
    """The entry of the function as one of the array alone."""
    entry = entry_of(original)
    assert entry is not None

    def get(base: Expr) -> Any:
        return apply(entry, (base, *args), kwargs)

    return get


def _moved_axes(original: Any) -> Callable[..., View]:
    """Views with the axes in another order."""

    def view(x: Expr, *args: Any, **kwargs: Any) -> View:
        # Extents that differ tell where each axis went.
        probe = original(np.empty(tuple(range(2, 2 + x.ndim))), *args, **kwargs)
        order = [extent - 2 for extent in probe.shape]
        back = [order.index(i) for i in range(x.ndim)]
        return _shown(original, args, kwargs), lambda base, new: transpose(new, back)

    return view


def _same_elements(original: Any) -> Callable[..., View | None]:
    """Views of the same elements in the same order; another order makes a copy."""

    def view(x: Expr, *args: Any, **kwargs: Any) -> View | None:
        if any(isinstance(a, str) and a != "C" for a in (*args, *kwargs.values())):
            return None
        return _shown(original, args, kwargs), lambda base, new: reshape(new, base.shape)

    return view


def _undone_by(original: Any, back: Callable[..., Expr]) -> Callable[..., View]:
    """Views that a function of the same arguments undoes."""

    def view(x: Expr, *args: Any, **kwargs: Any) -> View:
        return _shown(original, args, kwargs), lambda base, new: back(new, *args, **kwargs)

    return view


def _turned_back(m: Expr, k: int = 1, axes: Any = (0, 1)) -> Expr:
    back: Expr = numpy_layout.rot90(m, -k, axes)
    return back


def _read_only(original: Any) -> Callable[..., View]:
    return lambda x, *args, **kwargs: (_shown(original, args, kwargs), None)


def _diagonal_of_matrix(x: Expr, k: int = 0) -> View | None:
    """``np.diag``: of a matrix a view, of a vector a new matrix."""
    return _read_only(np.diagonal)(x, k) if x.ndim == 2 else None


def _parts(original: Any, axis_of_parts: Callable[..., int], keeps: bool) -> Callable[..., Any]:
    """Several views, of consecutive places of one axis."""

    def views(x: Expr, *args: Any, **kwargs: Any) -> list[View]:
        get = _shown(original, args, kwargs)
        axis = axis_of_parts(x.ndim, *args, **kwargs)
        found: list[View] = []
        start: Any = 0
        for number, part in enumerate(get(x)):
            stop = start + (part.shape[axis] if keeps else 1)
            place = slice(start, stop) if keeps else start
            found.append((_number(get, number), _putting((*[slice(None)] * axis, place))))
            start = stop
        return found

    return views


def _number(get: Callable[[Expr], Any], number: int) -> Callable[[Expr], Expr]:
    def one(base: Expr) -> Expr:
        part: Expr = get(base)[number]
        return part

    return one


def _putting(index: tuple[Any, ...]) -> Callable[[Expr, Expr], Expr]:
    return lambda base, new: update(base, index, new)


def _split_axis(rank: int, indices_or_sections: Any, axis: int = 0) -> int:
    return axis % rank


def _real(val: Expr) -> View:
    if not is_complex(val.value_type):
        return lambda base: base, lambda base, new: new
    return real, lambda base, new: from_parts(new, imag(base))


def _imag(val: Expr) -> View:
    if not is_complex(val.value_type):
        return imag, None
    return imag, lambda base, new: from_parts(real(base), new)


# By NumPy's function: from the array and the further arguments to the view, or a list of views.
VIEWS: Mapping[Any, Callable[..., Any]] = {
    **{
        f: _same_elements(f)
        for f in (np.reshape, np.ravel, np.expand_dims, np.squeeze, np.ndarray.reshape,
                  np.ndarray.ravel, np.ndarray.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d)
    },
    **{
        f: _moved_axes(f)
        for f in (np.transpose, np.matrix_transpose, np.linalg.matrix_transpose, np.swapaxes,
                  np.moveaxis, np.rollaxis, np.ndarray.transpose, np.ndarray.swapaxes)
    },
    np.flip: _undone_by(np.flip, numpy_layout.flip),
    np.fliplr: _undone_by(np.fliplr, numpy_layout.fliplr),
    np.flipud: _undone_by(np.flipud, numpy_layout.flipud),
    np.rot90: _undone_by(np.rot90, _turned_back),
    **{
        f: _read_only(f)
        for f in (np.diagonal, np.linalg.diagonal, np.ndarray.diagonal, np.broadcast_to)
    },
    np.diag: _diagonal_of_matrix,
    np.split: _parts(np.split, _split_axis, True),
    np.array_split: _parts(np.array_split, _split_axis, True),
    np.vsplit: _parts(np.vsplit, lambda rank, *_: 0, True),
    np.hsplit: _parts(np.hsplit, lambda rank, *_: min(rank - 1, 1), True),
    np.dsplit: _parts(np.dsplit, lambda rank, *_: 2, True),
    np.unstack: _parts(np.unstack, lambda rank, *, axis=0: axis % rank, False),
    np.real: _real,
    np.imag: _imag,
}  # fmt: skip
