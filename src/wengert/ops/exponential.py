"""Exponentials and logarithms, and the functions that keep them accurate and finite."""

from __future__ import annotations

import numpy as np

from wengert.ir.facts import FINITE, NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Laws, Op, Pointwise, Scaled, Spelling, register
from wengert.ops import plane
from wengert.ops.algebra import times
from wengert.ops.apply import applied
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, gt, logical_or
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import MINUS_ONE, ZERO, const
from wengert.ops.shapes import same_shape

__all__ = ["exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "xlogy"]

exp = applied(
    register(
        Op(
            name="exp",
            doc="Exponential function.",
            result=same_shape,
            parts=plane.exp,
            evaluate=np.exp,
            diff=Pointwise(lambda x, out: out),
            domain=Domain(sample=((-2.0, 2.0),)),
            spell=Spelling(latex=r"\exp\left({0}\right)"),
            laws=Laws(facts=lambda x: POSITIVE, inverse="log", monotone=True),
            elementwise=True,
            arity=1,
            cost=5.0,
        )
    )
)

log = applied(
    register(
        Op(
            name="log",
            doc="Natural logarithm.",
            result=same_shape,
            parts=plane.log,
            evaluate=np.log,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, x))),
            domain=Domain(
                sample=((0.2, 3.0),),
                where=lambda x: (gt(x, ZERO),),
                edges=(Edge((0.0,), -np.inf, (np.inf,)),),
                poles="x = 0",
            ),
            spell=Spelling(latex=r"\log\left({0}\right)"),
            laws=Laws(inverse="exp", monotone=True),
            elementwise=True,
            aliases=("ln",),
            arity=1,
            cost=5.0,
        )
    )
)


exp2 = applied(
    register(
        Op(
            name="exp2",
            doc="Two to the power.",
            result=same_shape,
            parts=plane.exp2,
            evaluate=np.exp2,
            diff=Pointwise(lambda x, out: times(log(const(2)), out)),
            domain=Domain(sample=((-2.0, 2.0),)),
            spell=Spelling(latex=r"2^{{{0}}}"),
            laws=Laws(facts=lambda x: POSITIVE, inverse="log2", monotone=True),
            elementwise=True,
            arity=1,
            cost=5.0,
        )
    )
)

log2 = applied(
    register(
        Op(
            name="log2",
            doc="Logarithm to base 2.",
            result=same_shape,
            parts=plane.log2,
            evaluate=np.log2,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, times(log(const(2)), x)))),
            domain=Domain(sample=((0.2, 3.0),), where=lambda x: (gt(x, ZERO),), poles="x = 0"),
            spell=Spelling(latex=r"\log_2\left({0}\right)"),
            laws=Laws(inverse="exp2", monotone=True),
            elementwise=True,
            arity=1,
            cost=5.0,
        )
    )
)

log10 = applied(
    register(
        Op(
            name="log10",
            doc="Logarithm to base 10.",
            result=same_shape,
            parts=plane.log10,
            evaluate=np.log10,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, times(log(const(10)), x)))),
            domain=Domain(sample=((0.2, 3.0),), where=lambda x: (gt(x, ZERO),), poles="x = 0"),
            spell=Spelling(latex=r"\log_{{10}}\left({0}\right)"),
            laws=Laws(monotone=True),
            elementwise=True,
            arity=1,
            cost=5.0,
        )
    )
)

expm1 = applied(
    register(
        Op(
            name="expm1",
            doc="exp(x) - 1, accurate near zero.",
            result=same_shape,
            parts=plane.expm1,
            evaluate=np.expm1,
            diff=Pointwise(lambda x, out: exp(x)),
            domain=Domain(sample=((-2.0, 2.0),), edges=(Edge((0.0,), 0.0, (1.0,)),)),
            laws=Laws(inverse="log1p", monotone=True, facts=lambda x: x & NONNEGATIVE),
            elementwise=True,
            arity=1,
            cost=5.0,
        )
    )
)

log1p = applied(
    register(
        Op(
            name="log1p",
            doc="log(1 + x), accurate near zero.",
            result=same_shape,
            parts=plane.log1p,
            evaluate=np.log1p,
            diff=Pointwise(Scaled(lambda t, x, out: divide(t, 1 + x))),
            domain=Domain(
                sample=((-0.5, 3.0),),
                where=lambda x: (gt(x, MINUS_ONE),),
                edges=(Edge((0.0,), 0.0, (1.0,)),),
                poles="x = -1",
            ),
            laws=Laws(inverse="expm1", monotone=True, facts=lambda x: x & (NONNEGATIVE | FINITE)),
            elementwise=True,
            arity=1,
            cost=5.0,
        )
    )
)


def _xlogy_by_first(x: Expr, y: Expr, out: Expr) -> Expr:
    return log(y)


xlogy = applied(
    register(
        Op(
            name="xlogy",
            doc="x*log(y), and 0 where x is 0.",
            result=same_shape,
            evaluate=scipy_function("special.xlogy"),
            diff=Pointwise(_xlogy_by_first, Scaled(lambda t, x, y, out: divide(times(t, x), y))),
            domain=Domain(
                sample=((-2.0, 2.0), (0.2, 3.0)),
                where=lambda x, y: (logical_or(gt(y, ZERO), eq(x, ZERO)),),
                edges=(Edge((0.0, 0.0), 0.0),),
            ),
            spell=Spelling(latex=r"{0} \log\left({1}\right)"),
            elementwise=True,
            arity=2,
            cost=6.0,
        )
    )
)
