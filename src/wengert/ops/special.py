"""All special functions in one place to import from; their records are in the files by family."""

from __future__ import annotations

from wengert.ops.bessel import (
    airyai,
    airyaiprime,
    airybi,
    airybiprime,
    besseli,
    besselj,
    besselk,
    bessely,
    i0,
    i1,
    j0,
    j1,
    k0,
    k1,
    y0,
    y1,
)
from wengert.ops.errorfunctions import (
    erf,
    erfc,
    erfcinv,
    erfcx,
    erfinv,
    inverse_mills,
    log_ndtr,
    ndtr,
    ndtri,
)
from wengert.ops.gamma import (
    beta,
    digamma,
    exp1,
    expi,
    expn,
    gamma,
    lambertw,
    lbeta,
    lgamma,
    polygamma,
    trigamma,
)
from wengert.ops.incomplete import betainc, gammainc, gammaincc
from wengert.ops.logistic import (
    entr,
    kl_div,
    log_sigmoid,
    logaddexp,
    logit,
    rel_entr,
    sigmoid,
    softplus,
    xlog1py,
)
from wengert.ops.removable import (
    cosm1,
    exp_moment,
    exprel,
    log1p_moment,
    log1prel,
    sinc,
    spherical_jn,
    usinc,
)

__all__ = [
    "airyai", "airyaiprime", "airybi", "airybiprime", "besseli", "besselj", "besselk", "bessely", "beta",
    "betainc", "cosm1", "digamma", "entr", "erf", "erfc", "erfcinv", "erfcx", "erfinv", "exp1", "exp_moment",
    "expi", "expn", "exprel", "gamma", "gammainc", "gammaincc", "i0", "i1", "inverse_mills", "j0", "j1",
    "k0", "k1", "kl_div", "lambertw", "lbeta", "lgamma", "log1p_moment", "log1prel", "log_ndtr",
    "log_sigmoid", "logaddexp", "logit", "ndtr", "ndtri", "polygamma", "rel_entr", "sigmoid", "sinc",
    "softplus", "spherical_jn", "trigamma", "usinc", "xlog1py", "y0", "y1",
]  # fmt: skip
