"""The logistic function and its relatives, and the entropies: what statistics and learning are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from wengert.ir.facts import FINITE, NEGATIVE, NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Laws, Scaled, Spelling
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import ge, gt, lt
from wengert.ops.exponential import log, log1p
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import MINUS_ONE, ONE, ZERO
from wengert.ops.scalar import scalar_function
from wengert.ops.sums import scale

__all__ = [
    "entr", "kl_div", "log_sigmoid", "logaddexp", "logit", "rel_entr", "sigmoid", "softplus", "xlog1py",
]  # fmt: skip

_inf = np.inf

# sigmoid(-x) is 1 - sigmoid(x) without its cancellation for large x.
sigmoid: Callable[..., Expr] = scalar_function(
    "sigmoid",
    "Logistic function, 1/(1 + exp(-x)).",
    scipy_function("special.expit"),
    lambda x, out: times(out, sigmoid(scale(-1, x))),
    domain=Domain(
        sample=((-4.0, 4.0),),
        edges=(
            Edge((0.0,), 0.5, (0.25,)),
            Edge((_inf,), 1.0, (0.0,)),
            Edge((-_inf,), 0.0, (0.0,)),
        ),
    ),
    spell=Spelling(
        latex=r"\sigma\left({0}\right)", unicode="σ({0})", python="scipy.special.expit({0})"
    ),
    laws=Laws(facts=lambda x: POSITIVE | FINITE, monotone=True, inverse="logit"),
    aliases=("expit", "logistic"),
    cost=8.0,
)

softplus = scalar_function(
    "softplus",
    "log(1 + exp(x)), without overflow.",
    lambda x: np.logaddexp(0, x),
    lambda x, out: sigmoid(x),
    domain=Domain(
        sample=((-4.0, 4.0),),
        edges=(
            Edge((0.0,), np.log(2.0), (0.5,)),
            Edge((_inf,), _inf, (1.0,)),
            Edge((-_inf,), 0.0, (0.0,)),
        ),
    ),
    spell=Spelling(
        latex=r"\operatorname{{softplus}}\left({0}\right)", python="np.logaddexp(0, {0})"
    ),
    laws=Laws(facts=lambda x: POSITIVE | (x & FINITE), monotone=True),
    aliases=("log1pexp",),
    cost=12.0,
)

log_sigmoid = scalar_function(
    "log_sigmoid",
    "Logarithm of the logistic function, without underflow.",
    scipy_function("special.log_expit"),
    lambda x, out: sigmoid(scale(-1, x)),
    domain=Domain(
        sample=((-4.0, 4.0),),
        edges=(Edge((_inf,), 0.0, (0.0,)), Edge((-_inf,), -_inf, (1.0,))),
    ),
    spell=Spelling(latex=r"\log \sigma\left({0}\right)", python="scipy.special.log_expit({0})"),
    laws=Laws(facts=lambda x: NEGATIVE | (x & FINITE), monotone=True),
    aliases=("log_expit", "logsigmoid"),
    cost=12.0,
)

logit = scalar_function(
    "logit",
    "Logarithm of the odds, log(x/(1 - x)); undoes the logistic function.",
    scipy_function("special.logit"),
    Scaled(lambda t, x, out: divide(t, times(x, 1 - x))),
    domain=Domain(
        sample=((0.1, 0.9),),
        where=lambda x: (lt(ZERO, x), lt(x, ONE)),
        edges=(Edge((0.0,), -_inf, (_inf,)), Edge((1.0,), _inf, (_inf,))),
        poles="x = 0 and x = 1",
    ),
    spell=Spelling(
        latex=r"\operatorname{{logit}}\left({0}\right)", python="scipy.special.logit({0})"
    ),
    laws=Laws(monotone=True, inverse="sigmoid"),
    cost=8.0,
)

logaddexp = scalar_function(
    "logaddexp",
    "log(exp(x) + exp(y)), without overflow.",
    np.logaddexp,
    lambda x, y, out: sigmoid(x - y),
    lambda x, y, out: sigmoid(y - x),
    domain=Domain(
        sample=((-3.0, 3.0), (-3.0, 3.0)),
        edges=(
            Edge((0.0, 0.0), np.log(2.0), (0.5, 0.5)),
            Edge((-_inf, 1.0), 1.0, (0.0, 1.0)),
            Edge((-_inf, -_inf), -_inf, (), "shares of nothing: the partials are NaN"),
        ),
        kinks="both infinite: the partials are NaN",
    ),
    spell=Spelling(latex=r"\log\left(e^{{{0}}} + e^{{{1}}}\right)"),
    laws=Laws(commutative=True, facts=lambda x, y: x & y & FINITE),
    cost=12.0,
)

xlog1py = scalar_function(
    "xlog1py",
    "x*log(1 + y), and 0 where x is 0.",
    scipy_function("special.xlog1py"),
    lambda x, y, out: log1p(y),
    Scaled(lambda t, x, y, out: divide(times(t, x), 1 + y)),
    domain=Domain(
        sample=((-2.0, 2.0), (-0.5, 3.0)),
        where=lambda x, y: (gt(y, MINUS_ONE),),
        edges=(Edge((0.0, -1.0), 0.0),),
    ),
    spell=Spelling(latex=r"{0} \log\left(1 + {1}\right)", python="scipy.special.xlog1py({0}, {1})"),
    cost=6.0,
)

entr = scalar_function(
    "entr",
    "Term of an entropy, -x*log(x), and 0 at 0.",
    scipy_function("special.entr"),
    lambda x, out: scale(-1, log(x)) - 1,
    domain=Domain(
        sample=((0.1, 3.0),),
        where=lambda x: (ge(x, ZERO),),
        edges=(Edge((0.0,), 0.0, (_inf,), "vertical tangent"),),
    ),
    spell=Spelling(
        latex=r"\operatorname{{entr}}\left({0}\right)", python="scipy.special.entr({0})"
    ),
    cost=7.0,
)

rel_entr = scalar_function(
    "rel_entr",
    "Term of a relative entropy, x*log(x/y), and 0 where x is 0.",
    scipy_function("special.rel_entr"),
    lambda x, y, out: log(divide(x, y)) + 1,
    Scaled(lambda t, x, y, out: scale(-1, divide(times(t, x), y))),
    domain=Domain(
        sample=((0.2, 3.0), (0.3, 3.0)),
        where=lambda x, y: (ge(x, ZERO), gt(y, ZERO)),
        edges=(Edge((0.0, 1.0), 0.0, (-_inf, 0.0), "vertical tangent"),),
    ),
    spell=Spelling(
        latex=r"\operatorname{{rel\_entr}}\left({0}, {1}\right)",
        python="scipy.special.rel_entr({0}, {1})",
    ),
    cost=8.0,
)

kl_div = scalar_function(
    "kl_div",
    "Term of a Kullback-Leibler divergence, x*log(x/y) - x + y.",
    scipy_function("special.kl_div"),
    lambda x, y, out: log(divide(x, y)),
    Scaled(lambda t, x, y, out: times(t, 1 - divide(x, y))),
    domain=Domain(
        sample=((0.2, 3.0), (0.3, 3.0)),
        where=lambda x, y: (ge(x, ZERO), gt(y, ZERO)),
        edges=(
            Edge((0.0, 1.0), 1.0, (-_inf, 1.0), "vertical tangent"),
            Edge((1.0, 1.0), 0.0, (0.0, 0.0), "a minimum"),
        ),
    ),
    spell=Spelling(
        latex=r"\operatorname{{kl\_div}}\left({0}, {1}\right)",
        python="scipy.special.kl_div({0}, {1})",
    ),
    laws=Laws(facts=lambda x, y: NONNEGATIVE),
    cost=10.0,
)
