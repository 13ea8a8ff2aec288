"""Functions of whole numbers and truth values: bits, shifts, common divisors and multiples.

None varies smoothly, so none has a derivative other than zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.facts import FINITE, INTEGER
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import Type, is_inexact
from wengert.ops.algebra import broadcast_together, lift
from wengert.ops.shapes import same_type

__all__ = [
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "gcd",
    "lcm",
    "left_shift",
    "right_shift",
]


def _whole_type(name: str, truths: bool) -> Callable[..., Type]:
    def result(*types: Type) -> Type:
        common = same_type(*types)
        if is_inexact(common) or (common.dtype == "bool" and not truths):
            raise TypeMismatchError(
                worded(
                    name,
                    expected=f"integers{' or truth values' if truths else ''}",
                    got=" and ".join(map(str, types)),
                    hint="cast them to int64",
                )
            )
        return common

    return result


def _of_integers(
    name: str,
    doc: str,
    evaluate: Callable[..., Any],
    arity: int,
    *,
    truths: bool = True,
    commutative: bool = False,
    low: int = -5,
    high: int = 9,
    latex: str = "",
) -> Callable[..., Expr]:
    def of(shape: tuple[int, ...], dtype: str) -> Sample:
        draw = "bool" if dtype == "bool" else "integers"
        last = Argument(shape, 0, 3, draw, dtype) if "shift" in name else None
        first = Argument(shape, low, high, draw, dtype)
        return Sample((first,) * arity if last is None else (first, last))

    kinds = ((), "int64"), ((4,), "int64"), ((2, 2), "int32"), ((4,), "bool")

    def function(*xs: Any) -> Expr:
        return make(op, broadcast_together(*(lift(x) for x in xs)))

    op = register(
        Op(
            name=name,
            doc=doc,
            result=_whole_type(name, truths),
            evaluate=evaluate,
            diff=NoDerivative("whole numbers do not vary smoothly", zero=True),
            spell=Spelling(latex=latex),
            laws=Laws(commutative=commutative, facts=lambda *_: INTEGER | FINITE),
            elementwise=True,
            arity=arity,
            call=function,
            samples=tuple(of(s, d) for s, d in kinds if truths or d != "bool"),
        )
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


bitwise_and = _of_integers(
    "bitwise_and", "The bits that are set in both.", np.bitwise_and, 2, commutative=True
)
bitwise_or = _of_integers(
    "bitwise_or", "The bits that are set in at least one.", np.bitwise_or, 2, commutative=True
)
bitwise_xor = _of_integers(
    "bitwise_xor", "The bits that are set in one only.", np.bitwise_xor, 2, commutative=True
)
bitwise_not = _of_integers("bitwise_not", "All bits turned over.", np.invert, 1)
left_shift = _of_integers(
    "left_shift", "The bits moved up: x*2**y.", np.left_shift, 2, truths=False
)
right_shift = _of_integers(
    "right_shift", "The bits moved down: x/2**y rounded down.", np.right_shift, 2, truths=False
)
gcd = _of_integers(
    "gcd",
    "The greatest common divisor.",
    np.gcd,
    2,
    truths=False,
    commutative=True,
    latex=r"\gcd\left({0}, {1}\right)",
)
lcm = _of_integers(
    "lcm",
    "The least common multiple.",
    np.lcm,
    2,
    truths=False,
    commutative=True,
    latex=r"\operatorname{{lcm}}\left({0}, {1}\right)",
)
