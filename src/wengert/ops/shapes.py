"""Type rules that many ops share."""

from __future__ import annotations

from typing import Any

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import extent_text
from wengert.ir.types import FLOAT, Type, is_complex, is_inexact, promote

__all__ = [
    "real_shape",
    "real_truth",
    "real_type",
    "same_shape",
    "same_type",
    "shape_of_all",
    "square_matrix",
    "truth",
]

_WEAK_FLOAT = Type("float64", weak=True)


def shape_of_all(types: tuple[Type, ...], what: str = "elementwise op") -> tuple[Any, ...]:
    """The one shape of all arguments.

    Raises:
        ShapeError: they differ (broadcasting is explicit in the graph).
    """
    shape = types[0].shape
    for other in types[1:]:
        if other.shape != shape:
            raise ShapeError(
                worded(
                    what,
                    expected="arguments of one shape",
                    got=" and ".join(extent_text(t.shape) for t in types),
                    hint="broadcast them explicitly",
                )
            )
    return shape


def same_shape(*types: Type) -> Type:
    """Elementwise, inexact result: integers become floats."""
    if len(types) == 1 and types[0] is FLOAT:
        return FLOAT
    shape = shape_of_all(types)
    common = promote(*types)
    if not is_inexact(common):
        common = promote(common, _WEAK_FLOAT) if not common.weak else _WEAK_FLOAT
    return common.with_shape(shape)


def same_type(*types: Type) -> Type:
    """Elementwise, the result keeps the common dtype."""
    return promote(*types).with_shape(shape_of_all(types))


def _only_real(types: tuple[Type, ...]) -> None:
    for type_ in types:
        if is_complex(type_):
            raise TypeMismatchError(
                worded(
                    "a function of real numbers",
                    expected="real arguments",
                    got=str(type_),
                    hint="take real(z), imag(z) or abs(z) first",
                )
            )


def real_shape(*types: Type) -> Type:
    """As :func:`same_shape`, for real arguments.

    Raises:
        TypeMismatchError: an argument is complex.
    """
    if len(types) == 1 and types[0] is FLOAT:
        return FLOAT
    _only_real(types)
    return same_shape(*types)


def real_type(*types: Type) -> Type:
    """As :func:`same_type`, for real arguments.

    Raises:
        TypeMismatchError: an argument is complex.
    """
    _only_real(types)
    return same_type(*types)


def real_truth(*types: Type) -> Type:
    """Elementwise truth values of ordered, so real, arguments.

    Raises:
        TypeMismatchError: an argument is complex.
    """
    _only_real(types)
    return truth(*types)


def truth(*types: Type) -> Type:
    """Elementwise truth values."""
    return Type("bool", shape_of_all(types))


def square_matrix(type_: Type, what: str) -> Type:
    """Checks for a square matrix of inexact dtype.

    Raises:
        ShapeError: not a square matrix.
        TypeMismatchError: complex where only real is supported.
    """
    if len(type_.shape) != 2 or type_.shape[0] != type_.shape[1]:
        raise ShapeError(
            worded(what, expected="a square matrix", got=f"shape {extent_text(type_.shape)}")
        )
    if is_complex(type_):
        raise TypeMismatchError(worded(what, expected="a real matrix", got=str(type_)))
    return type_ if is_inexact(type_) else type_.with_dtype("float64")
