"""Functions of floating-point numbers as such: their kind, sign bit, exponent and neighbours.

Also the extrema that pass over NaN and the remainder of C, which differ from ``maximum``, ``minimum`` and
``mod`` only where one is NaN or the signs differ.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.facts import FINITE, INTEGER
from wengert.ir.node import Expr
from wengert.ir.op import (
    Argument,
    Domain,
    Edge,
    Laws,
    Linear,
    NoDerivative,
    Op,
    Pointwise,
    Sample,
    Scaled,
    Spelling,
    register,
)
from wengert.ir.types import Type
from wengert.ops import plane
from wengert.ops.algebra import times, zeros
from wengert.ops.apply import applied
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, gt, logical_or, lt, ne, sign, trunc, where
from wengert.ops.einstein import ones
from wengert.ops.leaves import ZERO
from wengert.ops.shapes import real_shape, real_truth, real_type, same_type, truth
from wengert.ops.sums import scale

__all__ = [
    "binary_exponent",
    "copysign",
    "fmax",
    "fmin",
    "fmod",
    "isfinite",
    "isinf",
    "isnan",
    "ldexp",
    "nextafter",
    "signbit",
    "spacing",
]


# --- kinds -----------------------------------------------------------------------------------------------
def _kind(
    name: str,
    doc: str,
    evaluate: Callable[..., Any],
    combine: str,
    result: Callable[..., Type] = truth,
) -> Callable[..., Expr]:
    return applied(
        register(
            Op(
                name=name,
                doc=doc,
                result=result,
                parts=plane.kind(name, combine) if combine else None,
                evaluate=evaluate,
                diff=NoDerivative("a truth value does not vary smoothly", zero=True),
                domain=Domain(sample=((0.1, 2.0),)),
                elementwise=True,
                arity=1,
            )
        )
    )


isnan = _kind("isnan", "Whether it is not a number.", np.isnan, "logical_or")
isinf = _kind("isinf", "Whether it is infinite.", np.isinf, "logical_or")
isfinite = _kind("isfinite", "Whether it is neither infinite nor NaN.", np.isfinite, "logical_and")
signbit = _kind(
    "signbit", "Whether the sign bit is set: below zero, or -0.0.", np.signbit, "", real_truth
)


# --- signs and remainders --------------------------------------------------------------------------------
def _d_copysign(x: Expr, y: Expr, out: Expr) -> Expr:
    return times(sign(x), copysign(ones(y.shape), y))


copysign = applied(
    register(
        Op(
            name="copysign",
            doc="The first argument with the sign of the second.",
            result=real_shape,
            evaluate=np.copysign,
            diff=Pointwise(_d_copysign, None, why="constant but for the jump at y = 0"),
            domain=Domain(
                sample=((0.1, 2.0), (-2.0, -0.1)),
                edges=(Edge((0.0, 1.0), 0.0, (0.0, 0.0), "a minimum, as of abs"),),
                kinks="x = 0, y = 0",
            ),
            laws=Laws(facts=lambda x, y: x & (FINITE | INTEGER)),
            elementwise=True,
            arity=2,
            exempt={"nan": "only the sign bit of the second argument counts, and NaN has one"},
        )
    )
)

fmod = applied(
    register(
        Op(
            name="fmod",
            doc="Remainder with the sign of the dividend.",
            result=real_type,
            evaluate=np.fmod,
            diff=Pointwise(
                Scaled(lambda t, x, y, out: t),
                Scaled(lambda t, x, y, out: scale(-1, times(t, trunc(divide(x, y))))),
            ),
            domain=Domain(
                sample=((2.1, 2.9), (1.0, 1.02)),
                where=lambda x, y: (ne(y, ZERO),),
                kinks="x a multiple of y",
            ),
            elementwise=True,
            arity=2,
        )
    )
)


# --- extrema that pass over NaN --------------------------------------------------------------------------
def _passing(
    name: str, doc: str, evaluate: Callable[..., Any], wins: Callable[[Expr, Expr], Expr]
) -> Callable[..., Expr]:
    def share(t: Expr, mine: Expr, other: Expr) -> Expr:
        taken = logical_or(wins(mine, other), isnan(other))
        tied = where(eq(mine, other), scale(_HALF, t), zeros(t.shape))
        return where(taken, t, tied)

    return applied(
        register(
            Op(
                name=name,
                doc=doc,
                result=real_type,
                evaluate=evaluate,
                diff=Pointwise(
                    Scaled(lambda t, x, y, out: share(t, x, y)),
                    Scaled(lambda t, x, y, out: share(t, y, x)),
                ),
                domain=Domain(
                    sample=((-2.0, 0.0), (0.1, 2.0)),
                    edges=(
                        Edge((1.0, 1.0), 1.0, (0.5, 0.5), "ties share equally"),
                        Edge((1.0, np.nan), 1.0, (1.0, 0.0), "NaN is passed over"),
                        Edge((np.nan, 1.0), 1.0, (0.0, 1.0), "NaN is passed over"),
                    ),
                    kinks="x = y",
                ),
                elementwise=True,
                arity=2,
            )
        )
    )


_HALF = Fraction(1, 2)
fmax = _passing("fmax", "The larger; the other one if one is NaN.", np.fmax, gt)
fmin = _passing("fmin", "The smaller; the other one if one is NaN.", np.fmin, lt)


# --- exponents and neighbours ----------------------------------------------------------------------------
def _exponent_value(x: Any) -> Any:
    return np.frexp(x)[1]


binary_exponent = applied(
    register(
        Op(
            name="binary_exponent",
            doc="The integer e for which x/2**e is in [1/2, 1), and 0 for 0.",
            result=lambda x: real_shape(x).with_dtype("int32"),
            evaluate=_exponent_value,
            diff=NoDerivative("constant between its jumps", zero=True),
            domain=Domain(sample=((1.1, 1.9),), kinks="powers of two"),
            spell=Spelling(python="np.frexp({0})[1]"),
            laws=Laws(even=True, facts=lambda x: INTEGER | FINITE),
            elementwise=True,
            arity=1,
        )
    )
)


def _ldexp_type(x: Type, e: Type) -> Type:
    if not e.dtype.startswith("int"):
        raise TypeMismatchError(
            worded("ldexp", expected="an integer exponent", got=str(e), hint="x * 2.0**e")
        )
    same_type(x, e)  # equal shapes
    return real_shape(x)


def _ldexp_value(x: Any, e: Any) -> Any:
    return np.ldexp(x if np.asarray(x).dtype.kind == "f" else np.asarray(x, float), e)


ldexp: Callable[..., Expr] = applied(
    register(
        Op(
            name="ldexp",
            doc="x*2**e for an integer e.",
            result=_ldexp_type,
            evaluate=_ldexp_value,
            diff=Linear(lambda ct, slot, x, e: ldexp(ct, e), slots=(0,), elementwise=True),
            spell=Spelling(latex="{0} \\cdot 2^{{{1}}}", python="np.ldexp({0}, {1})"),
            elementwise=True,
            arity=2,
            samples=(
                Sample((Argument(), Argument((), -3, 3, "integers", "int64"))),
                Sample((Argument((3,)), Argument((3,), -3, 3, "integers", "int32"))),
                Sample(
                    (Argument((2,), dtype="float32"), Argument((2,), -3, 3, "integers", "int64"))
                ),
            ),
        )
    )
)

nextafter = applied(
    register(
        Op(
            name="nextafter",
            doc="The next floating-point number after the first argument towards the second.",
            result=real_shape,
            evaluate=np.nextafter,
            diff=Pointwise(
                Scaled(lambda t, x, y, out: t), None, why="only the direction depends on it"
            ),
            domain=Domain(sample=((-2.0, 0.0), (0.1, 2.0)), kinks="x = y"),
            elementwise=True,
            arity=2,
        )
    )
)

spacing = applied(
    register(
        Op(
            name="spacing",
            doc="The distance to the next floating-point number away from 0.",
            result=real_shape,
            evaluate=np.spacing,
            diff=NoDerivative("constant between its jumps", zero=True),
            domain=Domain(sample=((1.1, 1.9),), kinks="powers of two"),
            elementwise=True,
            arity=1,
        )
    )
)
