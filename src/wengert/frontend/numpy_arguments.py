"""What the entries for NumPy functions share: dtypes as people name them, known values, strong arrays.

A Python number is *weak*: it takes on the dtype of what it meets. Functions that make an array of their
arguments, as most that move elements do, make it strong: ``np.stack([1.0, x])`` is ``float64`` even for a
single precision ``x``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ir.types import DTYPES, DType, Type, promote
from wengert.ops.algebra import lift
from wengert.ops.layout import cast
from wengert.ops.leaves import CONSTANT, SIZE, const, machine_number

__all__ = [
    "as_dtype",
    "axis_list",
    "common_type",
    "converted",
    "dtype_name",
    "extents_of",
    "fixed",
    "joined",
    "known",
    "members",
    "only",
    "refused",
    "strong",
    "strong_type",
    "whole",
]

_PYTHON: dict[object, DType] = {
    bool: "bool",
    int: "int64",
    float: "float64",
    complex: "complex128",
}


def refused(what: str, *, expected: str, got: object, hint: str = "") -> TypeMismatchError:
    """The error for an argument that cannot be captured."""
    return TypeMismatchError(worded(what, expected=expected, got=repr(got), hint=hint))


def only(what: str, name: str, given: object, *allowed: object) -> None:
    """Check an option against the values that can be captured.

    Raises:
        TypeMismatchError: another value.
    """
    if not any(given is a or (type(given) is type(a) and given == a) for a in allowed):
        expected = " or ".join(repr(a) for a in allowed)
        raise refused(f"{what}: argument `{name}`", expected=expected, got=given)


# --- dtypes ----------------------------------------------------------------------------------------------
def dtype_name(dtype: Any, what: str = "dtype") -> DType:
    """The name of a dtype given as a NumPy type, a Python type or a string.

    Raises:
        TypeMismatchError: no dtype, or one that is not supported.

    >>> dtype_name(float), dtype_name("f4"), dtype_name(np.dtype(complex))
    ('float64', 'float32', 'complex128')
    """
    known_type = _PYTHON.get(dtype) if isinstance(dtype, type) else None
    if known_type is not None:
        return known_type
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = repr(dtype)
    for supported in DTYPES:
        if name == supported and np.dtype(supported) == np.dtype(dtype):
            return supported
    raise TypeMismatchError(
        worded(f"{what}: argument `dtype`", expected=f"one of {', '.join(DTYPES)}", got=name)
    )


def as_dtype(x: Expr, dtype: Any, what: str = "dtype") -> Expr:
    """The values in a dtype given as NumPy takes it; ``None`` leaves them, but strong."""
    return strong(x) if dtype is None else converted(x, dtype_name(dtype, what))


def strong_type(type_: Type) -> Type:
    """The type that NumPy gives an array made of such values."""
    return Type(type_.dtype, type_.shape) if type_.weak else type_


def strong(x: Expr) -> Expr:
    """The value as NumPy's own: a Python number gets the dtype of its kind.

    Raises:
        TypeMismatchError: a whole number beyond 64 bits.
    """
    return converted(x, x.value_type.dtype) if x.value_type.weak else x


def converted(x: Expr, dtype: DType) -> Expr:
    """The values in a dtype, at once where they are known."""
    if x.op is CONSTANT and not isinstance(x.attr, (np.ndarray, np.generic)):
        value = machine_number(x.attr)
        if dtype.startswith("int") and isinstance(x.attr, int):
            value = x.attr  # exactly, or refused
        if isinstance(value, complex) and not dtype.startswith("complex"):
            value = value.real
        try:
            return const(np.asarray(value).astype(dtype)[()])
        except (OverflowError, TypeError):
            raise refused("array", expected=f"a number of dtype {dtype}", got=value) from None
    return cast(x, dtype)


def common_type(nodes: Iterable[Expr]) -> Type:
    """The dtype that arrays made of the values have together, as a scalar type."""
    return promote(*(strong_type(n.value_type).with_shape(()) for n in nodes))


def joined(build: Callable[[Sequence[Expr]], Expr], nodes: Sequence[Expr]) -> Expr:
    """One array of several values; Python numbers among themselves are converted together."""
    if all(n.value_type.weak for n in nodes) and not all(n.op is CONSTANT for n in nodes):
        return strong(build(nodes))
    dtype = common_type(nodes).dtype
    return build([converted(n, dtype) for n in nodes])


# --- values that are known -------------------------------------------------------------------------------
def known(value: Any) -> Any:
    """The number or array that a constant stands for, else ``None``; Python values as they are."""
    if not isinstance(value, Expr):
        return value
    if value.op is SIZE:
        return value.attr
    return machine_number(value.attr) if value.op is CONSTANT else None


def whole(value: Any, what: str, name: str) -> Any:
    """An argument that has to be known as whole numbers: an int, an extent, or an array of ints.

    Raises:
        TypeMismatchError: it is computed, or not whole.
    """
    found = known(value)
    if isinstance(found, Dim):
        return found
    array = None if found is None else np.asarray(found)
    if array is None or array.dtype.kind not in "iub":
        raise refused(
            f"{what}: argument `{name}`",
            expected="whole numbers known at capture",
            got=value,
            hint="give it as a Python int",
        )
    return int(array) if array.ndim == 0 else array


def fixed(extent: Extent, what: str) -> int:
    """An extent that has to be a number.

    Raises:
        ShapeError: it is a symbolic size.
    """
    if isinstance(extent, Dim):
        raise ShapeError(
            worded(
                what,
                expected="an extent that is a number",
                got=f"the size {extent}",
                hint="give the array a fixed extent along this axis",
            )
        )
    return extent


def extents_of(shape: Any, what: str) -> tuple[Extent, ...]:
    """A shape as NumPy takes it: one extent or several.

    Raises:
        ShapeError: a negative extent.
        TypeMismatchError: extents that are not whole.
    """
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    found: list[Extent] = []
    for extent in given:
        number = whole(extent, what, "shape")
        if isinstance(number, np.ndarray):
            found += [int(n) for n in number]
        else:
            found.append(number)
    if any(isinstance(e, int) and e < 0 for e in found):
        raise ShapeError(worded(what, expected="extents from 0 on", got=repr(shape)))
    return tuple(found)


def axis_list(axes: Any) -> list[int]:
    """One axis or several as a list."""
    return [int(a) for a in axes] if isinstance(axes, (tuple, list, np.ndarray)) else [int(axes)]


# --- several values --------------------------------------------------------------------------------------
def members(arrays: Any, what: str) -> list[Expr]:
    """The arrays of a list, or the rows of one array.

    Raises:
        ShapeError: one array with a symbolic number of rows.
    """
    if isinstance(arrays, np.ndarray):
        arrays = lift(arrays)
    if isinstance(arrays, Expr):
        return [arrays[i] for i in range(fixed(arrays.shape[0], what))]
    return [lift(a) for a in arrays]
