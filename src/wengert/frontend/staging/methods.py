"""Attributes and methods of NumPy's arrays and numbers on handles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wengert.frontend.staging.calls import call, numpy_call
from wengert.frontend.staging.context import NeedConcrete, mismatch, refuse
from wengert.frontend.staging.handles import (
    Array,
    Buffer,
    Handle,
    Scalar,
    concrete,
    extents,
    scalar_of,
    type_of,
)
from wengert.frontend.staging.indexing import fitted, getitem, setitem
from wengert.frontend.staging.iteration import python_elements
from wengert.frontend.staging.library import as_python, as_type
from wengert.ir.dims import size_of
from wengert.ops.leaves import size

__all__: list[str] = []

# Any: arguments are whatever the program has.


def _through(function: Any) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: call(function, self, *args, **kwargs)


for _name in (
    "sum", "prod", "mean", "std", "var", "max", "min", "argmax", "argmin", "any", "all", "cumsum",
    "cumprod", "clip", "round", "dot", "ravel", "swapaxes", "squeeze", "diagonal", "trace", "argsort",
    "repeat", "take", "nonzero", "searchsorted", "compress", "choose", "argpartition", "ptp",
):  # fmt: skip
    if hasattr(np, _name):
        setattr(Handle, _name, _through(getattr(np, _name)))


def _shape_arguments(args: tuple[Any, ...]) -> Any:
    return args[0] if len(args) == 1 else args


def _reshape(self: Any, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    return call(np.reshape, self, _shape_arguments(shape), order=order)


def _transpose(self: Any, *axes: Any) -> Any:
    given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
    return call(np.transpose, self, given)


def _copy(self: Any, order: str = "C") -> Any:
    if isinstance(self, Scalar):
        return self
    return Array(Buffer(self.expr))


def _flatten(self: Any, order: str = "C") -> Any:
    return Array(Buffer(call(np.ravel, self, order=order).expr))


def _astype(
    self: Any,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Any:
    return as_type(self, dtype)


def _fill(self: Any, value: Any) -> None:
    self.write(fitted(self, value))


def _sort(self: Any, axis: int = -1, **kwargs: Any) -> None:
    self.write(call(np.sort, self, axis=axis, **kwargs).expr)


def _tolist(self: Any) -> Any:
    if isinstance(self, Scalar):
        return as_python(self)
    if not self.type.shape:
        return as_python(scalar_of(self.expr))
    from wengert.frontend.staging.stage import new

    return new([_tolist(v) if isinstance(v, Handle) else v for v in python_elements(self)])


def _item(self: Any, *index: Any) -> Any:
    value = self
    if isinstance(self, Array):
        if index:
            place = index[0] if len(index) == 1 else index
            value = getitem(
                self if len(index) > 1 or len(self.type.shape) == 1 else call(np.ravel, self), place
            )
        elif self.type.shape:
            if any(e != 1 for e in self.type.shape):
                mismatch("can only convert an array of size 1 to a Python scalar", self.type.shape)
            value = scalar_of(self.expr[(0,) * len(self.type.shape)])
        else:
            value = scalar_of(self.expr)
    return as_python(value)


def _conj(self: Any) -> Any:
    found = call(np.conj, self)
    return as_python(found) if isinstance(self, Scalar) and self.weak else found


def _put(self: Any, indices: Any, values: Any, mode: str = "raise") -> None:
    flat = call(np.ravel, self)
    setitem(flat, indices, values)


def _is_integer(self: Any) -> Any:
    return call(float.is_integer, self)


for _name, _function in {
    "reshape": _reshape, "transpose": _transpose, "copy": _copy, "flatten": _flatten,
    "astype": _astype, "fill": _fill, "sort": _sort, "tolist": _tolist, "item": _item,
    "conj": _conj, "conjugate": _conj, "put": _put, "is_integer": _is_integer,
}.items():  # fmt: skip
    setattr(Handle, _name, _function)


# --- attributes ------------------------------------------------------------------------------------------
def _shape(self: Any) -> Any:
    return extents(type_of(self).shape)


def _size(self: Any) -> Any:
    total = size_of(type_of(self).shape)
    return total if isinstance(total, int) else as_python(scalar_of(size(total)))


def _strong(self: Any) -> np.dtype[Any]:
    return np.dtype(type_of(self).dtype)


def _flat(self: Any) -> Any:
    return call(np.ravel, self)


def _mT(self: Any) -> Any:
    return call(np.matrix_transpose, self)


def _real(self: Any) -> Any:
    if isinstance(self, Scalar) and not type_of(self).dtype.startswith("complex"):
        return self
    return (
        call(np.real, self)
        if not isinstance(self, Scalar) or not self.weak
        else as_python(call(np.real, self))
    )


def _imag(self: Any) -> Any:
    found = call(np.imag, self)
    return as_python(found) if isinstance(self, Scalar) and self.weak else found


for _name, _function in {
    "shape": _shape, "size": _size, "dtype": _strong, "flat": _flat, "mT": _mT, "real": _real,
    "imag": _imag,
}.items():  # fmt: skip
    setattr(Handle, _name, property(_function))
Handle.ndim = property(lambda self: len(type_of(self).shape))  # type: ignore[attr-defined]
Handle.T = property(lambda self: call(np.transpose, self) if isinstance(self, Array) else self)  # type: ignore[attr-defined]
Handle.nbytes = property(lambda self: self.size * self.dtype.itemsize)  # type: ignore[attr-defined]
Handle.itemsize = property(lambda self: self.dtype.itemsize)  # type: ignore[attr-defined]
Handle.base = property(lambda self: None)  # type: ignore[attr-defined]


# --- protocols ---------------------------------------------------------------------------------------------
def _length(self: Any) -> int:
    return int(concrete(call(len, self), "the length of an array"))


def _iterate(self: Any) -> Iterator[Any]:
    return python_elements(self)


def _contains(self: Any, value: Any) -> bool:
    from wengert.frontend.staging.stage import compare
    from wengert.frontend.staging.truth import truth

    return truth(compare("in", value, self))


def _array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    out = kwargs.get("out")
    if out is not None and not any(isinstance(o, Handle) for o in out):
        refuse(
            "writes a traced value into an array that is not part of the captured function; "
            "pass it as an argument, or copy it"
        )
    if method == "__call__":
        return numpy_call(ufunc, inputs, kwargs)
    return call(getattr(ufunc, method), *inputs, **kwargs)


def _array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    return numpy_call(function, args, kwargs)


def _as_plain_array(self: Any, dtype: Any = None, copy: Any = None) -> Any:
    from wengert.frontend.staging.context import active
    from wengert.frontend.staging.handles import is_active

    if active().eager and not is_active(self):
        return np.asarray(concrete(self), dtype)
    return refuse(
        "a plain NumPy array is made of a traced value (by a function that wengert does not see into); "
        "use a supported function, wengert.external, or wengert.stop_gradient",
        NeedConcrete,
    )


Handle.__len__ = _length  # type: ignore[attr-defined]
Handle.__iter__ = _iterate  # type: ignore[attr-defined]
Handle.__contains__ = _contains  # type: ignore[operator]
Handle.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
Handle.__array_function__ = _array_function  # type: ignore[attr-defined]
Handle.__array__ = _as_plain_array  # type: ignore[attr-defined]
Handle.__getitem__ = getitem  # type: ignore[misc]
Array.__setitem__ = setitem  # type: ignore[index]
Handle.__round__ = lambda self, digits=None: call(round, self, digits)  # type: ignore[attr-defined]
Handle.__floor__ = lambda self: call(int, call(np.floor, self))  # type: ignore[attr-defined]
Handle.__divmod__ = lambda self, other: call(divmod, self, other)  # type: ignore[operator]
