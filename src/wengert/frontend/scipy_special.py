"""Functions of ``scipy.special``, with SciPy's rules for dtypes.

Derivatives are taken in every argument that has one by a formula; asking for another is an error that names
the argument.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from scipy import special

from wengert.frontend.numpy_arguments import converted, known, refused, strong
from wengert.frontend.numpy_loops import folded, loop_dtypes, prepared, run_loop
from wengert.frontend.python_guards import Guard, guarded
from wengert.frontend.table import Value, maps
from wengert.ir.node import Expr
from wengert.ir.types import DType, is_complex, is_inexact
from wengert.ops import (
    bessel,
    bessel_scaled,
    elliptic,
    errorfunctions,
    gamma,
    gamma_ratios,
    hypergeometric,
    incomplete,
    integrals,
    logistic,
    polynomials,
    reductions,
    removable,
)
from wengert.ops.algebra import broadcast_together, times
from wengert.ops.arithmetic import divide
from wengert.ops.axes import axes_of
from wengert.ops.choice import (
    absolute,
    eq,
    floor,
    ge,
    le,
    logical_and,
    logical_or,
    lt,
    mod,
    sign,
    where,
)
from wengert.ops.complexes import from_parts
from wengert.ops.einstein import broadcast_to
from wengert.ops.exponential import exp, exp2, expm1, log, log1p, xlogy
from wengert.ops.leaves import CONSTANT, const
from wengert.ops.powers import cbrt, power, sqrt, square
from wengert.ops.reductions import all_, max_, sum_
from wengert.ops.stopping import stopped
from wengert.ops.sums import scale

__all__ = ["BINARY", "MORE", "UNARY"]

_GROUP = "scipy.special"
_Build: TypeAlias = Callable[..., Expr]
_ZERO, _ONE, _INF, _NAN = const(0), const(1), const(math.inf), const(math.nan)


# --- compositions --------------------------------------------------------------------------------------
def _of_order(function: _Build, order: int) -> _Build:
    return lambda x: function(order, x)


def _loggamma(x: Expr) -> Expr:
    """For real numbers: the logarithm of gamma, NaN where gamma has no real one."""
    if is_complex(x.value_type):
        raise refused("loggamma", expected="a real argument", got=x.type, hint="gammaln")
    return where(lt(x, _ZERO), _NAN, gamma.lgamma(x))


def _gamma_sign(x: Expr) -> Expr:
    pole = logical_and(le(x, _ZERO), eq(x, floor(x)))
    odd = eq(mod(floor(x), const(2.0)), _ONE)
    known_sign = where(logical_and(lt(x, _ZERO), odd), const(-1.0), const(1.0))
    return where(pole, where(eq(x, _ZERO), known_sign, _NAN), known_sign)


def _huber(delta: Expr, r: Expr) -> Expr:
    size = absolute(r)
    near = scale(0.5, square(r))
    far = times(delta, size - scale(0.5, delta))
    return where(lt(delta, _ZERO), _INF, where(le(size, delta), near, far))


def _pseudo_huber(delta: Expr, r: Expr) -> Expr:
    # sqrt(1 + u**2) - 1 without cancellation for small u
    u = square(divide(r, delta))
    inside = times(square(delta), divide(u, sqrt(1 + u) + 1))
    empty = logical_or(eq(delta, _ZERO), eq(r, _ZERO))
    return where(lt(delta, _ZERO), _INF, where(empty, _ZERO, inside))


def _boxcox(x: Expr, power_: Expr) -> Expr:
    """``(x**p - 1)/p``, whose limit for p = 0 is log(x)."""
    y = log(x)
    return times(y, removable.exprel(times(power_, y)))


def _boxcox1p(x: Expr, power_: Expr) -> Expr:
    y = log1p(x)
    return times(y, removable.exprel(times(power_, y)))


def _inverse_boxcox(y: Expr, power_: Expr) -> Expr:
    return exp(times(y, removable.log1prel(times(power_, y))))


def _inverse_boxcox1p(y: Expr, power_: Expr) -> Expr:
    return expm1(times(y, removable.log1prel(times(power_, y))))


def _beta_upper(a: Expr, b: Expr, x: Expr) -> Expr:
    return incomplete.betainc(b, a, 1 - x)


def _chi_square(v: Expr, x: Expr) -> Expr:
    return incomplete.gammainc(scale(0.5, v), scale(0.5, x))


def _chi_square_tail(v: Expr, x: Expr) -> Expr:
    return incomplete.gammaincc(scale(0.5, v), scale(0.5, x))


def _by_degree(function: _Build) -> _Build:
    """A polynomial, whose degree has to be one known whole number."""

    def build(n: Expr, *rest: Expr) -> Expr:
        degree = known(n)
        if degree is None or np.ndim(degree) or float(degree) != int(degree) or degree < 0:
            raise refused(
                f"{function.__name__} polynomial",
                expected="a degree that is known, a whole number",
                got=n.type,
                hint="use the recurrence in a loop",
            )
        return function(const(int(degree)), *rest)

    return build


UNARY: dict[np.ufunc, _Build] = {
    special.erf: errorfunctions.erf, special.erfc: errorfunctions.erfc, special.erfcx: errorfunctions.erfcx,
    special.erfinv: errorfunctions.erfinv, special.erfcinv: errorfunctions.erfcinv,
    special.erfi: integrals.erfi,
    special.dawsn: integrals.dawsn, special.ndtr: errorfunctions.ndtr, special.ndtri: errorfunctions.ndtri,
    special.log_ndtr: errorfunctions.log_ndtr, special.ndtri_exp: integrals.ndtri_exp,
    special.gamma: gamma.gamma, special.gammaln: gamma.lgamma, special.loggamma: _loggamma,
    special.rgamma: gamma_ratios.rgamma, special.gammasgn: _gamma_sign, special.psi: gamma.digamma,
    special.expit: logistic.sigmoid, special.logit: logistic.logit, special.log_expit: logistic.log_sigmoid,
    special.entr: logistic.entr, special.exp1: gamma.exp1, special.expi: gamma.expi,
    special.exprel: removable.exprel, special.cosm1: removable.cosm1, special.expm1: expm1,
    special.log1p: log1p, special.exp2: exp2, special.exp10: lambda x: power(const(10.0), x),
    special.cbrt: cbrt,
    special.spence: integrals.spence, special.ellipk: elliptic.ellipk, special.ellipe: elliptic.ellipe,
    special.ellipkm1: elliptic.ellipkm1, special.j0: bessel.j0, special.j1: bessel.j1, special.y0: bessel.y0,
    special.y1: bessel.y1, special.i0: bessel.i0, special.i1: bessel.i1, special.k0: bessel.k0,
    special.k1: bessel.k1, special.i0e: _of_order(bessel_scaled.besselie, 0),
    special.i1e: _of_order(bessel_scaled.besselie, 1), special.k0e: _of_order(bessel_scaled.besselke, 0),
    special.k1e: _of_order(bessel_scaled.besselke, 1),
}  # fmt: skip

BINARY: dict[np.ufunc, _Build] = {
    special.xlogy: xlogy, special.xlog1py: logistic.xlog1py, special.rel_entr: logistic.rel_entr,
    special.kl_div: logistic.kl_div, special.huber: _huber, special.pseudo_huber: _pseudo_huber,
    special.beta: gamma.beta, special.betaln: gamma.lbeta, special.binom: gamma_ratios.binom,
    special.poch: gamma_ratios.poch,
    special.gammainc: incomplete.gammainc, special.gammaincc: incomplete.gammaincc,
    special.gammaincinv: incomplete.gammaincinv, special.gammainccinv: incomplete.gammainccinv,
    special.chdtr: _chi_square, special.chdtrc: _chi_square_tail, special.jv: bessel.besselj,
    special.jn: bessel.besselj, special.yv: bessel.bessely, special.yn: bessel.bessely,
    special.iv: bessel.besseli,
    special.kv: bessel.besselk, special.kn: bessel.besselk, special.ive: bessel_scaled.besselie,
    special.kve: bessel_scaled.besselke, special.expn: gamma.expn, special.hyp0f1: hypergeometric.hyp0f1,
    special.ellipkinc: elliptic.ellipkinc, special.ellipeinc: elliptic.ellipeinc, special.boxcox: _boxcox,
    special.boxcox1p: _boxcox1p, special.inv_boxcox: _inverse_boxcox, special.inv_boxcox1p: _inverse_boxcox1p,
    special.eval_legendre: _by_degree(polynomials.legendre),
    special.eval_chebyt: _by_degree(polynomials.chebyshev_t),
    special.eval_chebyu: _by_degree(polynomials.chebyshev_u),
    special.eval_hermite: _by_degree(polynomials.hermite),
    special.eval_hermitenorm: _by_degree(polynomials.hermite_normal),
    special.eval_laguerre: _by_degree(lambda n, x: polynomials.laguerre(n, 0.0, x)),
}  # fmt: skip

MORE: dict[np.ufunc, _Build] = {
    special.betainc: incomplete.betainc, special.betaincc: _beta_upper,
    special.betaincinv: incomplete.betaincinv, special.hyp1f1: hypergeometric.hyp1f1,
    special.hyperu: hypergeometric.hyperu, special.hyp2f1: hypergeometric.hyp2f1,
    special.eval_gegenbauer: _by_degree(polynomials.gegenbauer),
    special.eval_genlaguerre: _by_degree(polynomials.laguerre),
    special.eval_jacobi: _by_degree(polynomials.jacobi),
}  # fmt: skip


def _register(ufunc: np.ufunc, build: _Build) -> None:
    title = f"scipy.special.{ufunc.__name__}"
    match ufunc.nin:
        case 1:

            @maps(ufunc, group=_GROUP, title=title)
            def unary(x: Value, /, dtype: Any = None) -> Expr:
                return run_loop(ufunc, build, (x,), dtype)

        case 2:

            @maps(ufunc, group=_GROUP, title=title)
            def binary(x1: Value, x2: Value, /, dtype: Any = None) -> Expr:
                return _run(ufunc, build, (x1, x2), dtype)

        case 3:

            @maps(ufunc, group=_GROUP, title=title)
            def ternary(x1: Value, x2: Value, x3: Value, /, dtype: Any = None) -> Expr:
                return _run(ufunc, build, (x1, x2, x3), dtype)

        case _:

            @maps(ufunc, group=_GROUP, title=title)
            def quaternary(
                x1: Value, x2: Value, x3: Value, x4: Value, /, dtype: Any = None
            ) -> Expr:
                return _run(ufunc, build, (x1, x2, x3, x4), dtype)


def _run(ufunc: np.ufunc, build: _Build, nodes: tuple[Expr, ...], dtype: Any) -> Expr:
    """As ``run_loop``; numbers as parameters (an order, a degree) stay numbers beside an array."""
    dtypes = loop_dtypes(ufunc, nodes, dtype)
    value = None if dtype is not None else folded(ufunc, nodes)
    if value is not None and np.asarray(value).dtype == dtypes[-1]:
        return const(value)
    ready = [
        known_ if is_parameter else arg
        for known_, arg, is_parameter in zip(
            nodes, prepared(ufunc, nodes, dtype), map(_is_number, nodes), strict=True
        )
    ]
    return converted_to(build(*ready), dtypes[-1])


def _is_number(node: Expr) -> bool:
    return node.op is CONSTANT and not node.ndim


def converted_to(node: Expr, dtype: DType) -> Expr:
    """The result, strong and in the dtype of SciPy's."""
    return converted(strong(node), dtype)


for _table in (UNARY, BINARY, MORE):
    for _ufunc, _made in _table.items():
        _register(_ufunc, _made)


# --- several results -----------------------------------------------------------------------------------
def _several(ufunc: np.ufunc, *builds: _Build) -> None:
    """A function with several results."""
    title = f"scipy.special.{ufunc.__name__}"

    def results(nodes: tuple[Expr, ...]) -> tuple[Expr, ...]:
        dtypes = loop_dtypes(ufunc, nodes)
        args = broadcast_together(*prepared(ufunc, nodes))
        if any(is_complex(a.value_type) for a in args):
            raise refused(title, expected="real arguments", got=args[0].type)
        return tuple(
            converted_to(build(*args), dtype)
            for build, dtype in zip(builds, dtypes[ufunc.nin :], strict=True)
        )

    if ufunc.nin == 1:

        @maps(ufunc, group=_GROUP, title=title)
        def unary(x: Value, /) -> tuple[Expr, ...]:
            return results((x,))

    else:

        @maps(ufunc, group=_GROUP, title=title)
        def binary(x1: Value, x2: Value, /) -> tuple[Expr, ...]:
            return results((x1, x2))


_several(special.sici, integrals.sine_integral, integrals.cosine_integral)
_several(special.shichi, integrals.hyperbolic_sine_integral, integrals.hyperbolic_cosine_integral)
_several(special.fresnel, integrals.fresnel_sine, integrals.fresnel_cosine)
_several(special.airy, bessel.airyai, bessel.airyaiprime, bessel.airybi, bessel.airybiprime)
_several(
    special.ellipj,
    elliptic.jacobi_sn,
    elliptic.jacobi_cn,
    elliptic.jacobi_dn,
    elliptic.jacobi_amplitude,
)


# --- functions with options ----------------------------------------------------------------------------
def _floating(x: Expr) -> Expr:
    """The values as NumPy's floats."""
    x = strong(x)
    return x if is_inexact(x.value_type) else converted(x, "float64")


def _double(x: Expr) -> Expr:
    return converted(strong(x), "float64")


def _only_real(what: str, *nodes: Expr) -> None:
    for node in nodes:
        if is_complex(node.value_type):
            raise refused(f"scipy.special.{what}", expected="real arguments", got=node.type)


@maps(special.digamma, group=_GROUP)
def _digamma(x: Value) -> Expr:
    return run_loop(special.psi, gamma.digamma, (x,))


@maps(special.polygamma, group=_GROUP)
def _polygamma(n: Value, x: Value) -> Expr:
    _only_real("polygamma", n, x)
    return converted_to(gamma.polygamma(n if _is_number(n) else _double(n), _double(x)), "float64")


@maps(special.multigammaln, group=_GROUP)
def _multigammaln(a: Value, d: Value) -> Expr:
    size = known(d)
    if size is None or np.ndim(size) or float(size) != int(size):
        raise refused("scipy.special.multigammaln: argument `d`", expected="a known integer", got=d)
    x, count = _floating(a), int(size)
    total = const(count * (count - 1) * 0.25 * math.log(math.pi))
    for j in range(count):
        total = gamma.lgamma(x - 0.5 * j) + total
    return total


@maps(special.factorial, group=_GROUP)
def _factorial(n: Value, exact: Any = False) -> Expr:
    if exact:
        raise refused("scipy.special.factorial: argument `exact`", expected="False", got=exact)
    if is_inexact(n.value_type):
        x = strong(n)
        return where(lt(x, _ZERO), _ZERO, gamma.gamma(where(lt(x, _ZERO), _ONE, x + 1)))
    x = _double(n)
    return where(lt(x, _ZERO), const(0.0), gamma.gamma(absolute(x) + 1))


@maps(special.comb, group=_GROUP)
def _comb(
    N: Value, k: Value, *, exact: Any = False, repetition: Any = False
) -> Expr:  # the original's
    if exact:
        raise refused("scipy.special.comb: argument `exact`", expected="False", got=exact)
    n, m = _double(N), _double(k)
    if repetition:
        n = n + m - 1
    fits = logical_and(logical_and(le(m, n), ge(n, _ZERO)), ge(m, _ZERO))
    return converted_to(where(fits, gamma_ratios.binom(n, m), _ZERO), "float64")


@maps(special.perm, group=_GROUP)
def _perm(N: Value, k: Value, exact: Any = False) -> Expr:  # the original's
    if exact:
        raise refused("scipy.special.perm: argument `exact`", expected="False", got=exact)
    n, m = _double(N), _double(k)
    fits = logical_and(logical_and(le(m, n), ge(n, _ZERO)), ge(m, _ZERO))
    return converted_to(where(fits, gamma_ratios.poch(n - m + 1, m), _ZERO), "float64")


@maps(special.lambertw, group=_GROUP)
def _lambertw(z: Value, k: Any = 0) -> Any:
    """The principal branch on the real axis, as a complex number, which is what SciPy gives."""
    if known(k) != 0:
        raise refused("scipy.special.lambertw: argument `k`", expected="0", got=k)
    _only_real("lambertw", z)
    x = _double(z)
    value = gamma.lambertw(x)
    on_branch = all_(ge(x, const(-math.exp(-1.0))))
    return guarded(
        from_parts(value, times(const(0.0), value)),
        Guard(
            on_branch,
            "wengert.errors.DomainError",
            "lambertw: expected z >= -exp(-1), where W is real; for others use mode='tape'",
        ),
    )


def _spherical(function: _Build, what: str) -> Callable[..., Any]:
    def entry(n: Value, z: Value, derivative: Any = False) -> Expr:
        _only_real(what, z)
        x, order = _double(z), n if _is_number(n) else _double(n)
        value = function(order, x)
        if not derivative:
            return converted_to(value, "float64")
        degree = known(n)
        if degree is None or np.ndim(degree):
            raise refused(f"scipy.special.{what}: argument `n`", expected="a known number", got=n)
        return converted_to(_spherical_slope(function, int(degree), x, what), "float64")

    return entry


_SIGNS = {
    "spherical_jn": (1, -1), "spherical_yn": (1, -1), "spherical_in": (1, 1), "spherical_kn": (-1, -1),
}  # fmt: skip


def _spherical_slope(function: _Build, n: int, x: Expr, what: str) -> Expr:
    lower, upper = _SIGNS[what]
    above = scale(upper * (n + 1), function(n + 1, x))
    return (
        above if n == 0 else divide(scale(lower * n, function(n - 1, x)) + above, const(2 * n + 1))
    )


for _function, _name in (
    (removable.spherical_jn, "spherical_jn"),
    (bessel_scaled.spherical_yn, "spherical_yn"),
    (bessel_scaled.spherical_in, "spherical_in"),
    (bessel_scaled.spherical_kn, "spherical_kn"),
):
    maps(getattr(special, _name), group=_GROUP, title=f"scipy.special.{_name}")(
        _spherical(_function, _name)
    )


# --- sums of exponentials ------------------------------------------------------------------------------
@maps(special.softmax, group=_GROUP)
def _softmax(x: Value, axis: Any = None) -> Expr:
    _only_real("softmax", x)
    return reductions.softmax(_floating(x), known(axis))


@maps(special.log_softmax, group=_GROUP)
def _log_softmax(x: Value, axis: Any = None) -> Expr:
    _only_real("log_softmax", x)
    return reductions.log_softmax(_floating(x), known(axis))


@maps(special.logsumexp, group=_GROUP)
def _logsumexp(
    a: Value,
    axis: Any = None,
    b: Value | None = None,
    keepdims: Any = False,
    return_sign: Any = False,
) -> Any:
    _only_real("logsumexp", a, *([] if b is None else [b]))
    x = _floating(a)
    if b is None:
        total = reductions.logsumexp(x, axis, bool(keepdims))
        return (
            (total, converted_to(_sign_of_sum(total), total.value_type.dtype))
            if return_sign
            else total
        )
    x, weights = broadcast_together(x, _floating(b))
    axes = axes_of(axis, x.ndim, "logsumexp")
    if not axes:
        return _finished(x, weights, bool(return_sign))
    # Terms of weight 0 do not count, even if they are infinite.
    counted = where(eq(weights, _ZERO), const(-math.inf), x)
    top = max_(counted, axes, keepdims=True)
    top = stopped(where(lt(absolute(top), _INF), top, _ZERO))
    shifted = where(
        eq(weights, _ZERO), _ZERO, times(weights, exp(counted - broadcast_to(top, x.shape)))
    )
    sums = sum_(shifted, axes, keepdims=True)
    value = log(absolute(sums)) + top
    negative = sign(sums)
    if not keepdims:
        value, negative = (sum_(v, axes) for v in (value, negative))
    return _signed(value, negative, bool(return_sign))


def _sign_of_sum(total: Expr) -> Expr:
    """A sum of exponentials is positive, and 0 if all of them are."""
    return where(eq(total, const(-math.inf)), const(0.0), where(eq(total, total), const(1.0), _NAN))


def _finished(x: Expr, weight: Expr, return_sign: bool) -> Any:
    return _signed(x + log(absolute(weight)), sign(weight), return_sign)


def _signed(value: Expr, negative: Expr, return_sign: bool) -> Any:
    if return_sign:
        return value, negative
    return where(lt(negative, _ZERO), _NAN, value)
