"""What the ops of linear algebra share: shapes of (stacks of) matrices, transposes, singular cases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.node import Expr
from wengert.ir.types import Type, is_complex, is_inexact
from wengert.ops.einstein import EIN, Label, transpose
from wengert.ops.layout import swapaxes
from wengert.ops.shapes import same_shape

__all__ = [
    "cubed",
    "floating",
    "or_nan",
    "square",
    "stack_labels",
    "turned",
    "untransposed",
]


def square(type_: Type, what: str, *, only_real: bool = False) -> Type:
    """The floating-point type of a square matrix or a stack of them.

    Raises:
        ShapeError: not square.
        TypeMismatchError: complex, where only real is meant.
    """
    if len(type_.shape) < 2 or type_.shape[-1] != type_.shape[-2]:
        raise ShapeError(
            worded(what, expected="a square matrix", got=f"shape {extent_text(type_.shape)}")
        )
    return floating(type_, what, only_real)


def floating(type_: Type, what: str, only_real: bool) -> Type:
    if only_real and is_complex(type_):
        raise TypeMismatchError(worded(what, expected="a real matrix", got=str(type_)))
    return (
        type_ if is_inexact(type_) and not type_.weak else same_shape(type_).with_dtype("float64")
    )


def turned(A: Expr) -> Expr:
    """The transposed matrix, or each of a stack."""
    return transpose(A) if A.ndim == 2 else swapaxes(A, -1, -2)


def stack_labels(rank: int) -> tuple[Label, ...]:
    return tuple(("stack", i) for i in range(rank))


def untransposed(A: Expr) -> Expr | None:
    """``B`` where the matrix is ``B.T``, else ``None``."""
    if A.op is EIN and len(A.args) == 1 and A.attr.out == (0, 1) and A.attr.factors == ((1, 0),):
        return A.args[0]
    return None


def or_nan(
    solve_one: Callable[..., Any], shape: Callable[..., tuple[int, ...]]
) -> Callable[..., Any]:
    """NumPy's function on a stack, where a matrix that has no result gives NaN."""

    def evaluate(*matrices: Any) -> Any:
        arrays = [np.asarray(m) for m in matrices]
        try:
            return solve_one(*arrays)
        except np.linalg.LinAlgError:
            if arrays[0].ndim == 2:
                return np.full(shape(*arrays), np.nan, np.result_type(*arrays, np.float32))
        return np.stack([evaluate(*parts) for parts in zip(*arrays, strict=True)])

    return evaluate


def cubed(A: Expr) -> Extent:
    """The third power of the number of rows: what factorisations cost."""
    return A.shape[-1] * A.shape[-1] * A.shape[-1]
