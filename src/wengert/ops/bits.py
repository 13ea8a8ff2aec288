"""The bits of a float as a whole number, and back: for loops that sort, no ops that users have."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.ir.node import Expr, make
from wengert.ir.op import NoDerivative, Op
from wengert.ir.types import Type

__all__ = ["bits_of", "float_of"]


def _op(name: str, doc: str, source: str, target: str) -> Op:
    def evaluate(x: Any) -> Any:
        return np.asarray(x, source).view(target)[()]

    return Op(
        name=name,
        doc=doc,
        result=lambda x: Type(target, x.shape),  # type: ignore[arg-type]  # a dtype
        evaluate=evaluate,
        diff=NoDerivative("bits do not vary smoothly", zero=True),
        elementwise=True,
        arity=1,
    )


BITS = _op("bits_of_float", "The bits of a float64 as an int64.", "float64", "int64")
FLOAT = _op("float_of_bits", "The float64 with the bits of an int64.", "int64", "float64")


def bits_of(x: Expr) -> Expr:
    """The bits of a float64."""
    return make(BITS, (x,))


def float_of(bits: Expr) -> Expr:
    """The float64 that has the bits of an int64."""
    return make(FLOAT, (bits,))
