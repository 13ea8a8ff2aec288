"""What the differentials of ``cond``, ``loop`` and ``call`` share: types of changes, zeros, strong zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import TupleType, Type, is_inexact
from wengert.ops.algebra import zeros
from wengert.ops.choice import where

__all__ = [
    "Change",
    "Transforms",
    "batch_of",
    "change_type",
    "differentiable",
    "or_zeros",
    "result_types",
    "strong",
    "zeros_of",
]

Change = Expr | None


class Transforms(Protocol):
    """The transforms as rules are given them: on bodies, with ``None`` for zero."""

    def jvp(self, outputs: Sequence[Expr], tangents: dict[Expr, Expr]) -> list[Expr | None]:
        """Changes of the outputs for changes of nodes."""

    def vjp(
        self, outputs: Sequence[Expr], cotangents: Sequence[Any], wrt: Sequence[Expr]
    ) -> list[Expr | None]:
        """Cotangents of nodes for cotangents of the outputs."""


def differentiable(node: Expr) -> bool:
    """Whether a node has changes at all: integers and truth values have none."""
    return isinstance(node.type, Type) and is_inexact(node.type)


def change_type(type_: Type, batch: tuple[Extent, ...] = ()) -> Type:
    """The type of changes of values of a type; ``batch`` are extra leading axes."""
    return Type(type_.dtype, (*batch, *type_.shape))


def zeros_of(type_: Type) -> Expr:
    """The zero of a type."""
    return zeros(type_.shape)


def or_zeros(change: Change, type_: Type) -> Expr:
    """The change, or the zero of the type."""
    return zeros_of(type_) if change is None else change


def batch_of(cotangents: Sequence[Change], results: Sequence[Type]) -> tuple[Extent, ...]:
    """The extra leading axes that the cotangents of an op have."""
    for ct, type_ in zip(cotangents, results, strict=True):
        if ct is not None:
            return ct.shape[: ct.ndim - len(type_.shape)]
    return ()


def strong(condition: Expr, change: Expr, *, holds: bool = True) -> Expr:
    """The change where the (scalar) condition is as ``holds`` says, else a strong zero.

    Later factors are then pulled inside the choice, so that an infinite partial of what was not executed
    contributes nothing.
    """
    zero = zeros(change.shape)
    return where(condition, change, zero) if holds else where(condition, zero, change)


def result_types(out: Expr) -> tuple[Type, ...]:
    """The types of the results of an op with several."""
    assert isinstance(out.type, TupleType)
    return out.type.items
