"""Trigonometric and hyperbolic functions and their inverses; angles in radians."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wengert.ir.facts import FINITE, NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Laws, Op, Pointwise, Scaled, Spelling, register
from wengert.ops import plane
from wengert.ops.algebra import times
from wengert.ops.apply import applied
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, ge, le, lt, where
from wengert.ops.leaves import MINUS_ONE, ONE, ZERO
from wengert.ops.powers import sqrt, square
from wengert.ops.shapes import real_shape, same_shape
from wengert.ops.sums import scale

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "cot", "csc", "hypot", "sec",
    "sin", "sinh", "tan", "tanh",
]  # fmt: skip


def _ratio(x: Expr, radius: Expr) -> Expr:
    """``x/radius``, and 0 where the radius is 0: the derivative of a norm at its minimum."""
    return where(eq(radius, ZERO), ZERO, divide(x, radius))


sin = applied(
    register(
        Op(
            name="sin",
            doc="Sine of an angle in radians.",
            result=same_shape,
            parts=plane.sin,
            evaluate=np.sin,
            diff=Pointwise(lambda x, out: cos(x)),
            domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 0.0, (1.0,)),)),
            spell=Spelling(latex=r"\sin\left({0}\right)"),
            laws=Laws(odd=True),
            elementwise=True,
            arity=1,
            cost=8.0,
        )
    )
)

cos: Callable[..., Expr] = applied(
    register(
        Op(
            name="cos",
            doc="Cosine of an angle in radians.",
            result=same_shape,
            parts=plane.cos,
            evaluate=np.cos,
            diff=Pointwise(lambda x, out: scale(-1, sin(x))),
            domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 1.0, (0.0,)),)),
            spell=Spelling(latex=r"\cos\left({0}\right)"),
            laws=Laws(even=True),
            elementwise=True,
            arity=1,
            cost=8.0,
        )
    )
)

tan = applied(
    register(
        Op(
            name="tan",
            doc="Tangent of an angle in radians.",
            result=same_shape,
            parts=plane.tan,
            evaluate=np.tan,
            diff=Pointwise(lambda x, out: 1 + square(out)),
            domain=Domain(sample=((-1.2, 1.2),), poles="odd multiples of pi/2"),
            spell=Spelling(latex=r"\tan\left({0}\right)"),
            laws=Laws(odd=True),
            elementwise=True,
            arity=1,
            cost=10.0,
        )
    )
)

sec = applied(
    register(
        Op(
            name="sec",
            doc="Secant, 1/cos.",
            result=same_shape,
            parts=plane.sec,
            evaluate=lambda x: 1 / np.cos(x),
            diff=Pointwise(lambda x, out: times(out, tan(x))),
            domain=Domain(sample=((-1.2, 1.2),), poles="odd multiples of pi/2"),
            spell=Spelling(latex=r"\sec\left({0}\right)", python="(1/np.cos({0}))"),
            laws=Laws(even=True),
            elementwise=True,
            arity=1,
            cost=9.0,
        )
    )
)

csc = applied(
    register(
        Op(
            name="csc",
            doc="Cosecant, 1/sin.",
            result=same_shape,
            parts=plane.csc,
            evaluate=lambda x: 1 / np.sin(x),
            diff=Pointwise(lambda x, out: scale(-1, times(out, cot(x)))),
            domain=Domain(sample=((0.3, 2.8),), poles="multiples of pi"),
            spell=Spelling(latex=r"\csc\left({0}\right)", python="(1/np.sin({0}))"),
            laws=Laws(odd=True),
            elementwise=True,
            arity=1,
            cost=9.0,
        )
    )
)

cot: Callable[..., Expr] = applied(
    register(
        Op(
            name="cot",
            doc="Cotangent, 1/tan.",
            result=same_shape,
            parts=plane.cot,
            evaluate=lambda x: 1 / np.tan(x),
            diff=Pointwise(lambda x, out: scale(-1, 1 + square(out))),
            domain=Domain(sample=((0.3, 2.8),), poles="multiples of pi"),
            spell=Spelling(latex=r"\cot\left({0}\right)", python="(1/np.tan({0}))"),
            laws=Laws(odd=True),
            elementwise=True,
            arity=1,
            cost=11.0,
        )
    )
)

asin = applied(
    register(
        Op(
            name="asin",
            doc="Inverse sine, in [-pi/2, pi/2].",
            result=same_shape,
            parts=plane.asin,
            evaluate=np.arcsin,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, sqrt(1 - square(x))))),
            domain=Domain(
                sample=((-0.9, 0.9),),
                where=lambda x: (le(MINUS_ONE, x), le(x, ONE)),
                edges=(Edge((1.0,), np.pi / 2, (np.inf,)),),
            ),
            spell=Spelling(latex=r"\arcsin\left({0}\right)"),
            laws=Laws(odd=True, monotone=True),
            elementwise=True,
            arity=1,
            cost=10.0,
            aliases=("arcsin",),
        )
    )
)

acos = applied(
    register(
        Op(
            name="acos",
            doc="Inverse cosine, in [0, pi].",
            result=same_shape,
            parts=plane.acos,
            evaluate=np.arccos,
            diff=Pointwise(Scaled(lambda t, x, out: scale(-1, divide(t, sqrt(1 - square(x)))))),
            domain=Domain(
                sample=((-0.9, 0.9),),
                where=lambda x: (le(MINUS_ONE, x), le(x, ONE)),
                edges=(Edge((1.0,), 0.0, (-np.inf,)),),
            ),
            spell=Spelling(latex=r"\arccos\left({0}\right)"),
            laws=Laws(facts=lambda x: NONNEGATIVE),
            elementwise=True,
            arity=1,
            cost=10.0,
            aliases=("arccos",),
        )
    )
)

atan = applied(
    register(
        Op(
            name="atan",
            doc="Inverse tangent, in (-pi/2, pi/2).",
            result=same_shape,
            parts=plane.atan,
            evaluate=np.arctan,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, 1 + square(x)))),
            domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((np.inf,), np.pi / 2, (0.0,)),)),
            spell=Spelling(latex=r"\arctan\left({0}\right)"),
            laws=Laws(odd=True, monotone=True),
            elementwise=True,
            arity=1,
            cost=10.0,
            aliases=("arctan",),
        )
    )
)

sinh = applied(
    register(
        Op(
            name="sinh",
            doc="Hyperbolic sine.",
            result=same_shape,
            parts=plane.sinh,
            evaluate=np.sinh,
            diff=Pointwise(lambda x, out: cosh(x)),
            domain=Domain(sample=((-2.0, 2.0),)),
            spell=Spelling(latex=r"\sinh\left({0}\right)"),
            laws=Laws(odd=True, monotone=True, inverse="asinh"),
            elementwise=True,
            arity=1,
            cost=8.0,
        )
    )
)

cosh: Callable[..., Expr] = applied(
    register(
        Op(
            name="cosh",
            doc="Hyperbolic cosine.",
            result=same_shape,
            parts=plane.cosh,
            evaluate=np.cosh,
            diff=Pointwise(lambda x, out: sinh(x)),
            domain=Domain(sample=((-2.0, 2.0),)),
            spell=Spelling(latex=r"\cosh\left({0}\right)"),
            laws=Laws(even=True, facts=lambda x: POSITIVE),
            elementwise=True,
            arity=1,
            cost=8.0,
        )
    )
)

tanh = applied(
    register(
        Op(
            name="tanh",
            doc="Hyperbolic tangent.",
            result=same_shape,
            parts=plane.tanh,
            evaluate=np.tanh,
            diff=Pointwise(lambda x, out: 1 - square(out)),
            domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((np.inf,), 1.0, (0.0,)),)),
            spell=Spelling(latex=r"\tanh\left({0}\right)"),
            laws=Laws(odd=True, monotone=True, facts=lambda x: FINITE),
            elementwise=True,
            arity=1,
            cost=8.0,
        )
    )
)

asinh = applied(
    register(
        Op(
            name="asinh",
            doc="Inverse hyperbolic sine.",
            result=same_shape,
            parts=plane.asinh,
            evaluate=np.arcsinh,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, sqrt(1 + square(x))))),
            domain=Domain(sample=((-2.0, 2.0),)),
            spell=Spelling(latex=r"\operatorname{{arsinh}}\left({0}\right)"),
            laws=Laws(odd=True, monotone=True, inverse="sinh"),
            elementwise=True,
            arity=1,
            cost=10.0,
            aliases=("arcsinh",),
        )
    )
)

acosh = applied(
    register(
        Op(
            name="acosh",
            doc="Inverse hyperbolic cosine.",
            result=same_shape,
            parts=plane.acosh,
            evaluate=np.arccosh,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, times(sqrt(x - 1), sqrt(x + 1))))),
            domain=Domain(
                sample=((1.2, 3.0),),
                where=lambda x: (ge(x, ONE),),
                edges=(Edge((1.0,), 0.0, (np.inf,)),),
            ),
            spell=Spelling(latex=r"\operatorname{{arcosh}}\left({0}\right)"),
            laws=Laws(facts=lambda x: NONNEGATIVE),
            elementwise=True,
            arity=1,
            cost=10.0,
            aliases=("arccosh",),
        )
    )
)

atanh = applied(
    register(
        Op(
            name="atanh",
            doc="Inverse hyperbolic tangent.",
            result=same_shape,
            parts=plane.atanh,
            evaluate=np.arctanh,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, 1 - square(x)))),
            domain=Domain(
                sample=((-0.9, 0.9),),
                where=lambda x: (lt(MINUS_ONE, x), lt(x, ONE)),
                poles="x = 1 and x = -1",
            ),
            spell=Spelling(latex=r"\operatorname{{artanh}}\left({0}\right)"),
            laws=Laws(odd=True, monotone=True),
            elementwise=True,
            arity=1,
            cost=10.0,
            aliases=("arctanh",),
        )
    )
)

atan2 = applied(
    register(
        Op(
            name="atan2",
            doc="Angle of the point (x, y) from the positive x-axis, in (-pi, pi]; arguments y, x.",
            result=real_shape,
            evaluate=np.arctan2,
            diff=Pointwise(
                Scaled(lambda t, y, x, out: divide(times(t, x), square(x) + square(y))),
                Scaled(lambda t, y, x, out: scale(-1, divide(times(t, y), square(x) + square(y)))),
            ),
            domain=Domain(
                sample=((-2.0, 2.0), (0.3, 2.0)),
                kinks="jumps across y = 0, x < 0",
                poles="the origin",
            ),
            spell=Spelling(latex=r"\operatorname{{atan2}}\left({0}, {1}\right)"),
            elementwise=True,
            aliases=("arctan2",),
            arity=2,
            cost=12.0,
        )
    )
)

hypot = applied(
    register(
        Op(
            name="hypot",
            doc="sqrt(x**2 + y**2) without overflow.",
            result=real_shape,
            evaluate=np.hypot,
            diff=Pointwise(
                Scaled(lambda t, x, y, out: times(t, _ratio(x, out))),
                Scaled(lambda t, x, y, out: times(t, _ratio(y, out))),
            ),
            domain=Domain(
                sample=((-2.0, 2.0), (0.3, 2.0)),
                edges=(Edge((0.0, 0.0), 0.0, (0.0, 0.0), "a minimum"),),
                kinks="the origin",
            ),
            laws=Laws(commutative=True, facts=lambda x, y: NONNEGATIVE),
            elementwise=True,
            arity=2,
            cost=5.0,
        )
    )
)
