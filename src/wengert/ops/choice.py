"""Comparisons, logic, selection, and the functions that are made of pieces.

At kinks: ``abs`` and ``sign`` take 0, ties of ``maximum`` and ``minimum`` share equally. A branch that is not
taken contributes a strong zero: factors on the way back are pulled inside the selection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
    INTEGER,
    NONNEGATIVE,
    NONPOSITIVE,
    NONZERO,
    SYMMETRIC,
)
from wengert.ir.node import OPERATORS, Expr, make
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
    lookup,
    register,
)
from wengert.ir.types import FLOAT, Type, is_complex, promote
from wengert.ops import plane
from wengert.ops.algebra import broadcast_together, lift, times, zeros
from wengert.ops.apply import applied
from wengert.ops.leaves import ZERO
from wengert.ops.shapes import real_shape, real_truth, real_type, shape_of_all, truth
from wengert.ops.sums import is_zero, scale

__all__ = [
    "absolute",
    "ceil",
    "clip",
    "eq",
    "floor",
    "floor_divide",
    "ge",
    "gt",
    "heaviside",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "lt",
    "maximum",
    "minimum",
    "mod",
    "ne",
    "round_",
    "sign",
    "trunc",
    "where",
    "whole_steps",
]

_STEPS = "constant between its jumps"


# --- comparisons and logic -----------------------------------------------------------------------------
def _comparison(name: str, doc: str, evaluate: Callable[..., Any], symbol: str, latex: str) -> Op:
    return register(
        Op(
            name=name,
            doc=doc,
            result=truth if name in ("eq", "ne") else real_truth,
            parts={"eq": plane.equal, "ne": plane.unequal}.get(name),
            evaluate=evaluate,
            diff=NoDerivative("a truth value does not vary smoothly", zero=True),
            domain=Domain(
                sample=((-2.0, 2.0), (-2.0, 2.0)), smooth=lambda x, y: (ne(x, y),), kinks="x = y"
            ),
            spell=Spelling(notation="compare", symbol=symbol, latex=f"{{0}} {latex} {{1}}"),
            laws=Laws(commutative=name in ("eq", "ne")),
            build=lambda a, b: _compare(name, a, b),
            elementwise=True,
            arity=2,
        )
    )


_COMPARISONS = {
    "lt": _comparison("lt", "Less than.", np.less, "<", "<"),
    "le": _comparison("le", "Less than or equal.", np.less_equal, "<=", r"\le"),
    "eq": _comparison("eq", "Equal.", np.equal, "==", "="),
    "ne": _comparison("ne", "Not equal.", np.not_equal, "!=", r"\ne"),
}


def _compare(name: str, a: Any, b: Any) -> Expr:
    a, b = broadcast_together(lift(a), lift(b))
    op = _COMPARISONS[name]
    if op.laws.commutative and a.serial > b.serial:
        a, b = b, a
    return make(op, (a, b))


def lt(a: Any, b: Any) -> Expr:
    """``a < b``."""
    return _compare("lt", a, b)


def le(a: Any, b: Any) -> Expr:
    """``a <= b``."""
    return _compare("le", a, b)


def gt(a: Any, b: Any) -> Expr:
    """``a > b``."""
    return _compare("lt", b, a)


def ge(a: Any, b: Any) -> Expr:
    """``a >= b``."""
    return _compare("le", b, a)


def eq(a: Any, b: Any) -> Expr:
    """``a == b`` as an expression (``==`` itself compares identity).

    >>> import wengert as wg
    >>> x, y = wg.symbols("x y")
    >>> print(wg.eq(x, y), x == y)
    x == y False
    """
    return _compare("eq", a, b)


def ne(a: Any, b: Any) -> Expr:
    """``a != b`` as an expression.

    >>> import wengert as wg
    >>> print(wg.ne(wg.symbol("x"), 0))
    x != 0
    """
    return _compare("ne", a, b)


_TRUTHS = Argument((4,), draw="bool", dtype="bool")


def _logic(
    name: str,
    doc: str,
    evaluate: Callable[..., Any],
    arity: int,
    latex: str,
    sign: str,
    parts: Callable[..., Any],
) -> Callable[..., Expr]:
    return applied(
        register(
            Op(
                name=name,
                doc=doc,
                result=truth,
                parts=parts,
                evaluate=evaluate,
                diff=NoDerivative("a truth value does not vary smoothly", zero=True),
                spell=Spelling(notation="not" if arity == 1 else "logic", symbol=sign, latex=latex),
                laws=Laws(commutative=arity == 2),
                elementwise=True,
                arity=arity,
                samples=(Sample((_TRUTHS,) * arity),),
            )
        )
    )


logical_and = _logic("logical_and", "Both.", np.logical_and, 2, r"{0} \wedge {1}", "&", plane.both)
logical_or = _logic(
    "logical_or", "At least one.", np.logical_or, 2, r"{0} \vee {1}", "|", plane.either
)
logical_not = _logic("logical_not", "Not.", np.logical_not, 1, r"\neg {0}", "~", plane.neither)


# --- selection -------------------------------------------------------------------------------------------
def _where_type(condition: Type, a: Type, b: Type) -> Type:
    return promote(a, b).with_shape(shape_of_all((condition, a, b), "where"))


def _where_tangent(tangents: Sequence[Expr | None], args: Sequence[Expr]) -> Expr:
    condition = args[0]
    a, b = (zeros(condition.shape) if t is None else t for t in tangents[1:])
    return where(condition, a, b)


def _where_transpose(ct: Expr, slot: int, condition: Expr, *_: Expr) -> Expr:
    zero = zeros(ct.shape)
    return where(condition, ct, zero) if slot == 1 else where(condition, zero, ct)


def _absorb(node: Expr, into: Callable[[Expr], Expr]) -> Expr | None:
    condition, a, b = node.args
    if is_zero(b):
        return where(condition, into(a), b)
    if is_zero(a):
        return where(condition, a, into(b))
    return None


_ELEMENTS = FINITE | INTEGER | NONNEGATIVE | NONPOSITIVE | NONZERO


def _where_facts(c: int, a: int, b: int) -> int:
    """Facts on elements are those of both; symmetric is what the condition chooses symmetrically."""
    return a & b & (_ELEMENTS | DIAGONAL | (c & SYMMETRIC))


WHERE = register(
    Op(
        name="where",
        doc="The second argument where the first holds, else the third.",
        result=_where_type,
        parts=plane.where,
        evaluate=np.where,
        diff=Linear(_where_transpose, slots=(1, 2), joint=_where_tangent, elementwise=True),
        spell=Spelling(
            latex=r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}"
        ),
        laws=Laws(facts=_where_facts),
        absorb=_absorb,
        build=lambda c, a, b: where(c, a, b),
        elementwise=True,
        arity=3,
        samples=(
            Sample((Argument(draw="bool", dtype="bool"), Argument(), Argument())),
            Sample((_TRUTHS, Argument((4,)), Argument((4,)))),
            Sample((_TRUTHS, *[Argument((4,), dtype="complex128")] * 2), note="complex"),
        ),
        aliases=("select", "ifelse"),
    )
)


def where(condition: Any, a: Any, b: Any) -> Expr:
    """``a`` where ``condition`` holds, else ``b``; with broadcasting."""
    condition, a, b = broadcast_together(lift(condition), lift(a), lift(b))
    return a if a is b else make(WHERE, (condition, a, b))


def _shared(t: Expr, wins: Expr, ties: Expr) -> Expr:
    zero = zeros(t.shape)
    return where(wins, t, where(ties, scale(_HALF, t), zero))


_HALF = Fraction(1, 2)


def _extremum(
    name: str, doc: str, evaluate: Callable[..., Any], first_wins: Callable[[Expr, Expr], Expr]
) -> Op:
    return register(
        Op(
            name=name,
            doc=doc,
            result=real_type,
            evaluate=evaluate,
            diff=Pointwise(
                Scaled(lambda t, x, y, out: _shared(t, first_wins(x, y), eq(x, y))),
                Scaled(lambda t, x, y, out: _shared(t, first_wins(y, x), eq(x, y))),
            ),
            domain=Domain(
                sample=((-2.0, 0.0), (0.1, 2.0)),
                smooth=lambda x, y: (ne(x, y),),
                edges=(Edge((1.0, 1.0), 1.0, (0.5, 0.5), "ties share equally"),),
                kinks="x = y",
            ),
            laws=Laws(
                commutative=True, facts=lambda a, b: a & b & (_ELEMENTS | SYMMETRIC | DIAGONAL)
            ),
            spell=Spelling(
                latex=rf"\{name[:3]}\left({{0}}, {{1}}\right)", unicode=f"{name[:3]}({{0}}, {{1}})"
            ),
            elementwise=True,
            arity=2,
        )
    )


MAXIMUM = _extremum("maximum", "The larger; NaN if one is NaN.", np.maximum, gt)
MINIMUM = _extremum("minimum", "The smaller; NaN if one is NaN.", np.minimum, lt)
maximum = applied(MAXIMUM)
minimum = applied(MINIMUM)


def clip(x: Any, low: Any, high: Any) -> Expr:
    """``x`` limited to ``[low, high]``."""
    return minimum(maximum(x, low), high)


# --- pieces ----------------------------------------------------------------------------------------------
def _not_zero(x: Expr) -> tuple[Expr, ...]:
    return (ne(x, ZERO),)


def _not_whole(x: Expr) -> tuple[Expr, ...]:
    return (ne(x, floor(x)),)


def whole_steps(x: Expr) -> tuple[Expr, ...]:
    """Where rounding towards zero does not jump."""
    return (logical_or(ne(x, floor(x)), eq(x, ZERO)),)


def _no_multiple(x: Expr, y: Expr) -> tuple[Expr, ...]:
    return (ne(mod(x, y), ZERO),)


def _stepwise(
    name: str, doc: str, evaluate: Callable[..., Any], **more: Any
) -> Callable[..., Expr]:
    return applied(
        register(
            Op(
                name=name,
                doc=doc,
                result=more.pop("result", real_type),
                evaluate=evaluate,
                diff=NoDerivative(_STEPS, zero=True),
                elementwise=True,
                arity=1,
                **more,
            )
        )
    )


def _rounded_facts(x: int) -> int:
    return INTEGER | (x & (FINITE | NONNEGATIVE | NONPOSITIVE))


floor = _stepwise(
    "floor",
    "The largest integer not above.",
    np.floor,
    spell=Spelling(latex=r"\left\lfloor {0} \right\rfloor", unicode="⌊{0}⌋"),
    laws=Laws(facts=lambda x: INTEGER | (x & (FINITE | NONNEGATIVE))),
    domain=Domain(sample=((0.1, 0.9),), smooth=_not_whole, kinks="the integers"),
)
ceil = _stepwise(
    "ceil",
    "The smallest integer not below.",
    np.ceil,
    spell=Spelling(latex=r"\left\lceil {0} \right\rceil", unicode="⌈{0}⌉"),
    laws=Laws(facts=lambda x: INTEGER | (x & (FINITE | NONNEGATIVE))),
    domain=Domain(sample=((0.1, 0.9),), smooth=_not_whole, kinks="the integers"),
)
round_ = _stepwise(
    "round",
    "The nearest integer, halves to even.",
    np.round,
    laws=Laws(odd=True, facts=_rounded_facts),
    domain=Domain(
        sample=((0.6, 1.4),),
        smooth=lambda x: (ne(x - floor(x), _HALF),),
        kinks="halfway between integers",
    ),
    aliases=("rint",),
)
trunc = _stepwise(
    "trunc",
    "The integer part, towards zero.",
    np.trunc,
    laws=Laws(odd=True, facts=_rounded_facts),
    domain=Domain(sample=((0.1, 0.9),), smooth=whole_steps, kinks="the integers but 0"),
    aliases=("fix",),
)
_sign = _stepwise(
    "sign",
    "-1, 0 or 1.",
    np.sign,
    laws=Laws(
        odd=True, facts=lambda x: INTEGER | FINITE | (x & (NONNEGATIVE | NONPOSITIVE | NONZERO))
    ),
    domain=Domain(
        sample=((0.1, 2.0),), smooth=_not_zero, edges=(Edge((0.0,), 0.0, (0.0,)),), kinks="x = 0"
    ),
    spell=Spelling(latex=r"\operatorname{{sign}}\left({0}\right)"),
    aliases=("sgn",),
    build=lambda x: sign(x),
)
heaviside = _stepwise(
    "heaviside",
    "The unit step: 0 below zero, 1/2 at zero, 1 above.",
    lambda x: np.heaviside(x, 0.5),
    result=real_shape,
    laws=Laws(facts=lambda x: NONNEGATIVE | FINITE),
    domain=Domain(
        sample=((0.1, 2.0),), smooth=_not_zero, edges=(Edge((0.0,), 0.5, (0.0,)),), kinks="x = 0"
    ),
    spell=Spelling(python="np.heaviside({0}, 0.5)"),
    aliases=("step",),
)


def _for_complex(of_real: Callable[..., Expr], of_complex: str) -> Callable[[Any], Expr]:
    """A function with another record for complex arguments, where it is not complex-differentiable."""

    def function(x: Any) -> Expr:
        if x.__class__ is not Expr:
            x = lift(x)
        if x.type is not FLOAT and is_complex(x.value_type):
            return make(lookup(of_complex), (x,))
        return of_real(x)

    return function


ABS = register(
    Op(
        name="abs",
        doc="Absolute value.",
        result=real_type,
        evaluate=np.abs,
        diff=Pointwise(lambda x, out: sign(x)),
        domain=Domain(
            sample=((0.1, 2.0),),
            smooth=_not_zero,
            edges=(Edge((0.0,), 0.0, (0.0,), "a minimum"),),
            kinks="x = 0",
        ),
        spell=Spelling(latex=r"\left|{0}\right|", unicode="|{0}|"),
        laws=Laws(even=True, facts=lambda x: NONNEGATIVE | (x & (NONZERO | FINITE | INTEGER))),
        elementwise=True,
        aliases=("fabs", "absolute"),
        arity=1,
        build=lambda x: absolute(x),
    )
)
absolute: Callable[..., Expr] = _for_complex(applied(ABS), "modulus")
sign: Callable[..., Expr] = _for_complex(_sign, "phase")


FLOORDIV = register(
    Op(
        name="floordiv",
        doc="Quotient rounded down.",
        result=real_type,
        evaluate=np.floor_divide,
        diff=NoDerivative(_STEPS, zero=True),
        domain=Domain(
            sample=((2.1, 2.9), (1.0, 1.02)),
            where=lambda x, y: (ne(y, ZERO),),
            smooth=_no_multiple,
            kinks="x a multiple of y",
            poles="y = 0",
        ),
        spell=Spelling(text="{0} // {1}", notation="quotient_down"),
        elementwise=True,
        arity=2,
        aliases=("floor_divide",),
    )
)
floor_divide = applied(FLOORDIV)

MOD = register(
    Op(
        name="mod",
        doc="Remainder with the sign of the divisor.",
        result=real_type,
        evaluate=np.mod,
        diff=Pointwise(
            Scaled(lambda t, x, y, out: t),
            Scaled(lambda t, x, y, out: scale(-1, times(t, floor_divide(x, y)))),
        ),
        domain=Domain(
            sample=((2.1, 2.9), (1.0, 1.02)),
            where=lambda x, y: (ne(y, ZERO),),
            smooth=_no_multiple,
            kinks="x a multiple of y",
        ),
        elementwise=True,
        arity=2,
        aliases=("remainder",),
    )
)
mod = applied(MOD)

OPERATORS.absolute = absolute
OPERATORS.floordiv = floor_divide
OPERATORS.mod = mod
OPERATORS.invert = logical_not
OPERATORS.compare = _compare
OPERATORS.logic = lambda name, a, b: (logical_and if name == "and" else logical_or)(a, b)
