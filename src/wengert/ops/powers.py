"""Powers and roots."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, ORTHOGONAL, PD, POSITIVE, PSD
from wengert.ir.node import OPERATORS, Expr, make
from wengert.ir.op import Domain, Edge, Laws, Op, Pointwise, Scaled, Spelling, register
from wengert.ir.types import Type
from wengert.ir.walk import leaves
from wengert.ops import plane
from wengert.ops.algebra import broadcast_together, lift, times
from wengert.ops.apply import applied
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, floor, ge, gt, logical_or, ne, where
from wengert.ops.einstein import ones
from wengert.ops.exponential import xlogy
from wengert.ops.layout import cast
from wengert.ops.leaves import CONSTANT, ONE, ZERO, const, number_of
from wengert.ops.shapes import real_shape, same_shape, same_type
from wengert.ops.sums import scale

__all__ = ["POW", "cbrt", "power", "sqrt", "square"]


def power(a: Any, b: Any) -> Expr:
    """``a ** b`` element by element, with broadcasting."""
    base_, exponent_ = lift(a), lift(b)
    return _power(base_, exponent_)


_MOST_BITS = 1024  # of an exact power: as far as float64 reaches


def _power(a: Expr, b: Expr) -> Expr:
    exponent = number_of(b)
    if exponent == 1:
        return a
    if exponent == 0:
        return ones(a.shape)  # NumPy and C agree: x**0 is 1 for every x, NaN included
    base = number_of(a)
    if type(base) is int and type(exponent) is int and exponent > 0:
        if base.bit_length() * exponent <= _MOST_BITS:
            return const(base**exponent)
        a = const(float(base))  # NumPy's integers would wrap around: 2**100 is not 0
    if a is ONE:
        return ones(b.shape)
    if exponent is not None and exponent < 0 and not a.value_type.weak and _is_integer(a):
        a = cast(a, "float64")  # 3**-1 is no integer
    if exponent is None or b.ndim:
        a, b = broadcast_together(a, b)
    elif b.op is CONSTANT:
        b = const(exponent)
    return make(POW, (a, b))


def _is_integer(node: Expr) -> bool:
    return node.value_type.dtype.startswith("int")


def square(a: Expr) -> Expr:
    """``a**2``."""
    return power(a, 2)


def _power_type(x: Type, y: Type) -> Type:
    # A constant exponent stays a scalar beside an array.
    return same_type(x, y if y.shape else y.with_shape(x.shape))


def _power_value(x: Any, y: Any) -> Any:
    if np.asarray(x).dtype.kind == "i" and np.any(np.less(y, 0)):
        x = np.asarray(x, float)  # NumPy refuses integers to negative powers
    return np.power(x, y)


def _d_base(x: Expr, y: Expr, out: Expr) -> Expr:
    exponent = number_of(y)
    if exponent is not None:
        return scale(exponent, power(x, const(exponent - 1)))
    if _may_count(y):  # x**0 is 1 at x = 0 too, where 0 * 0**-1 would be NaN
        return times(y, power(x, where(eq(y, ZERO), y, y - 1)))
    return times(y, power(x, y - 1))


def _may_count(y: Expr) -> bool:
    """Whether an exponent that is no single number is made of whole numbers: one of them may be 0."""
    return all(
        _is_integer(leaf) or (leaf.op is CONSTANT and not np.all(leaf.attr))
        for leaf in leaves([y])
        if leaf.op is not CONSTANT or leaf is y or np.ndim(leaf.attr)
    )


def _d_exponent(x: Expr, y: Expr, out: Expr) -> Expr:
    return xlogy(out, x)


def _power_conditions(x: Expr, y: Expr) -> tuple[Expr, ...]:
    exponent = number_of(y)
    if exponent is None and number_of(x) == 0:
        return (ge(y, ZERO),)
    if exponent is None:
        return (logical_or(gt(x, ZERO), eq(y, floor(y))),)
    if exponent == int(exponent):
        return () if exponent >= 0 else (ne(x, ZERO),)
    return (ge(x, ZERO) if exponent > 0 else gt(x, ZERO),)


def _power_facts(x: int, y: int) -> int:
    if x & POSITIVE == POSITIVE:
        return POSITIVE | (x & y & FINITE)
    if x & NONNEGATIVE:
        return NONNEGATIVE
    return x & INTEGER if y & INTEGER and y & NONNEGATIVE else 0


def _whole_power_checks(node: Expr) -> Expr | None:
    """Powers of integers are integers only for exponents that are not negative."""
    exponent = node.args[1]
    return ge(exponent, ZERO) if _is_integer(node) and number_of(exponent) is None else None


POW = register(
    Op(
        name="pow",
        doc="Power; 0**0 is 1.",
        result=_power_type,
        parts=plane.power,
        evaluate=_power_value,
        checks=_whole_power_checks,
        diff=Pointwise(_d_base, _d_exponent),
        domain=Domain(
            sample=((0.3, 2.5), (-1.5, 2.5)),
            where=_power_conditions,
            edges=(
                Edge((0.0, 2.0), 0.0, (0.0, 0.0)),
                Edge((0.0, 2.5), 0.0, (0.0, 0.0)),
                Edge((0.0, 1.0), 0.0, (1.0, 0.0)),
            ),
            poles="x = 0 for y < 0",
        ),
        spell=Spelling(text="{0}**{1}", notation="power"),
        laws=Laws(facts=_power_facts),
        build=power,
        elementwise=True,
        aliases=("power",),
        arity=2,
        cost=2.0,
    )
)

OPERATORS.power = power


sqrt = applied(
    register(
        Op(
            name="sqrt",
            doc="Square root.",
            result=same_shape,
            parts=plane.sqrt,
            evaluate=np.sqrt,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, scale(2, out)))),
            domain=Domain(
                sample=((0.1, 3.0),),
                where=lambda x: (ge(x, ZERO),),
                edges=(Edge((0.0,), 0.0, (np.inf,), "vertical tangent"),),
            ),
            spell=Spelling(latex=r"\sqrt{{{0}}}", unicode="√({0})"),
            laws=Laws(facts=lambda x: NONNEGATIVE | (x & (POSITIVE | FINITE)), monotone=True),
            elementwise=True,
            arity=1,
            cost=2.0,
        )
    )
)

cbrt = applied(
    register(
        Op(
            name="cbrt",
            doc="Real cube root.",
            result=real_shape,
            evaluate=np.cbrt,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, scale(3, power(out, 2))))),
            domain=Domain(
                sample=((0.2, 3.0),), edges=(Edge((0.0,), 0.0, (np.inf,), "vertical tangent"),)
            ),
            spell=Spelling(latex=r"\sqrt[3]{{{0}}}", unicode="∛({0})"),
            laws=Laws(
                odd=True, monotone=True, facts=lambda x: x & ~(INTEGER | PSD | PD | ORTHOGONAL)
            ),
            elementwise=True,
            arity=1,
            cost=4.0,
        )
    )
)
