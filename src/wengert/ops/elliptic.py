"""Elliptic integrals and Jacobi's elliptic functions; the parameter is ``m``, the square of the modulus.

Derivatives in the complete integrals ``K``, ``E`` and ``D = (K - E)/m``, which have no cancellation at m = 0
(DLMF 19.4; ``B = K - D``).
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.ir.node import Expr
from wengert.ir.op import Domain, Edge, Laws, Scaled, Spelling
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import absolute, gt, le, lt, where
from wengert.ops.hypergeometric import hyp2f1
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ONE, ZERO, const, pi
from wengert.ops.powers import sqrt, square
from wengert.ops.scalar import in_precision, scalar_function
from wengert.ops.sums import scale
from wengert.ops.trig import sin

__all__ = [
    "ellipd", "ellipdinc", "ellipe", "ellipeinc", "ellipk", "ellipkinc", "ellipkm1", "jacobi_amplitude",
    "jacobi_cn", "jacobi_dn", "jacobi_sn",
]  # fmt: skip

_HALF, _QUARTER = Fraction(1, 2), const(0.25)
_inf = np.inf


def _below_one(m: Expr) -> tuple[Expr, ...]:
    return (lt(m, ONE),)


# --- complete integrals ----------------------------------------------------------------------------------
ellipk: Callable[..., Expr] = scalar_function(
    "ellipk",
    "Complete elliptic integral of the first kind K(m).",
    scipy_function("special.ellipk"),
    Scaled(lambda t, m, out: divide(scale(_HALF, times(t, out - ellipd(m))), 1 - m)),
    domain=Domain(
        sample=((-2.0, 0.9),),
        where=_below_one,
        edges=(Edge((0.0,), np.pi / 2, (np.pi / 8,)), Edge((1.0,), _inf)),
        poles="m = 1",
    ),
    spell=Spelling(latex=r"K\left({0}\right)", python="scipy.special.ellipk({0})"),
    laws=Laws(monotone=True),
    cost=30.0,
)
ellipe: Callable[..., Expr] = scalar_function(
    "ellipe",
    "Complete elliptic integral of the second kind E(m).",
    scipy_function("special.ellipe"),
    lambda m, out: scale(-_HALF, ellipd(m)),
    domain=Domain(
        sample=((-2.0, 0.9),),
        where=lambda m: (le(m, ONE),),
        edges=(Edge((0.0,), np.pi / 2, (-np.pi / 8,)), Edge((1.0,), 1.0, (-_inf,))),
    ),
    spell=Spelling(latex=r"E\left({0}\right)", python="scipy.special.ellipe({0})"),
    cost=30.0,
)


def _third(m: Any) -> Any:
    m = np.asarray(m, np.result_type(m, np.float32))
    # Carlson's R_D, DLMF 19.25.1
    return scipy_function("special.elliprd")(0.0 * m, 1 - m, 1.0 + 0.0 * m) / 3


def _third_change(m: Expr, out: Expr) -> Expr:
    # The quotient loses all digits at m = 0; D is pi/4*2F1(3/2, 1/2; 2; m).
    rest = ellipk(m) - out
    far = divide(divide(rest, 1 - m) - out, scale(2, m))
    near = scale(3, divide(times(pi, hyp2f1(2.5, 1.5, 3, m)), const(32)))
    return where(lt(absolute(m), _QUARTER), near, far)


ellipd: Callable[..., Expr] = scalar_function(
    "ellipd",
    "Complete elliptic integral D(m) = (K(m) - E(m))/m.",
    in_precision(_third),
    _third_change,
    domain=Domain(
        sample=((0.1, 0.9),),
        where=_below_one,
        edges=(Edge((0.0,), np.pi / 4, (3 * np.pi / 32,)), Edge((1.0,), _inf)),
        poles="m = 1",
    ),
    spell=Spelling(latex=r"D\left({0}\right)", python="scipy.special.elliprd(0, 1 - {0}, 1)/3"),
    laws=Laws(monotone=True),
    cost=40.0,
)


def _rest(p: Expr, K: Expr) -> Expr:
    """``K - D`` at ``m = 1 - p``, which is ``(E - p*K)/m``: that is exact for small p, the other near 1."""
    small = divide(ellipe(1 - p) - times(p, K), 1 - p)
    return where(lt(p, const(0.5)), small, K - ellipd(1 - p))


ellipkm1 = scalar_function(
    "ellipkm1",
    "Complete elliptic integral of the first kind K(1 - p), accurate for small p.",
    scipy_function("special.ellipkm1"),
    Scaled(lambda t, p, out: scale(-_HALF, divide(times(t, _rest(p, out)), p))),
    domain=Domain(
        sample=((0.1, 3.0),),
        where=lambda p: (gt(p, ZERO),),
        edges=(Edge((1.0,), np.pi / 2, (-np.pi / 8,)), Edge((0.0,), _inf)),
        poles="p = 0",
    ),
    spell=Spelling(latex=r"K\left(1 - {0}\right)", python="scipy.special.ellipkm1({0})"),
    exempt={"smooth": "next to the pole, 1 - p is 1 and the second derivative is lost"},
    cost=30.0,
)


# --- incomplete integrals --------------------------------------------------------------------------------
def _delta(phi: Expr, m: Expr) -> Expr:
    """``sqrt(1 - m*sin(phi)**2)``."""
    return sqrt(1 - times(m, square(sin(phi))))


def _first_by_parameter(phi: Expr, m: Expr, out: Expr) -> Expr:
    # DLMF 19.4.6, with E = F - m*D
    rest = divide(sin(scale(2, phi)), scale(2, _delta(phi, m)))
    return divide(scale(_HALF, out - ellipdinc(phi, m) - rest), 1 - m)


def _incomplete(
    name: str,
    doc: str,
    evaluate: Any,
    by_phi: Any,
    by_m: Any,
    letter: str,
    python: str,
    helpers: tuple[Callable[..., Any], ...] = (),
    **more: Any,
) -> Callable[..., Expr]:
    return scalar_function(
        name,
        doc,
        evaluate,
        by_phi,
        by_m,
        domain=Domain(
            sample=((-1.4, 1.4), (0.3, 0.9)),
            where=lambda phi, m: (lt(m, ONE),),
            edges=(Edge((0.0, 0.5), 0.0, (float(letter != "D"), 0.0)),),
            **more,
        ),
        spell=Spelling(latex=letter + r"\left({0} \mid {1}\right)", python=python, helpers=helpers),
        cost=50.0,
    )


ellipkinc: Callable[..., Expr] = _incomplete(
    "ellipkinc",
    "Incomplete elliptic integral of the first kind F(phi, m).",
    scipy_function("special.ellipkinc"),
    Scaled(lambda t, phi, m, out: divide(t, _delta(phi, m))),
    _first_by_parameter,
    "F",
    "scipy.special.ellipkinc({0}, {1})",
)
ellipeinc: Callable[..., Expr] = _incomplete(
    "ellipeinc",
    "Incomplete elliptic integral of the second kind E(phi, m).",
    scipy_function("special.ellipeinc"),
    lambda phi, m, out: _delta(phi, m),
    lambda phi, m, out: scale(-_HALF, ellipdinc(phi, m)),
    "E",
    "scipy.special.ellipeinc({0}, {1})",
)


def incomplete_d(phi: Any, m: Any) -> Any:
    """``D(phi, m)`` by Carlson's ``R_D`` (DLMF 19.25.9) within half a turn, and whole turns."""
    from importlib import import_module  # emitted too, so it stands alone

    carlson = import_module("scipy.special").elliprd
    turns = np.round(np.asarray(phi) / np.pi)
    s, c = np.sin(phi - turns * np.pi), np.cos(phi)
    part = s**3 * carlson(c * c, 1 - m * s * s, 1.0 + 0.0 * s) / 3
    return np.where(turns == 0, part, part + 2 * turns * carlson(0.0, 1.0 - m, 1.0) / 3)


ellipdinc: Callable[..., Expr] = _incomplete(
    "ellipdinc",
    "Incomplete elliptic integral D(phi, m) = (F(phi, m) - E(phi, m))/m.",
    in_precision(incomplete_d),
    Scaled(lambda t, phi, m, out: divide(times(t, square(sin(phi))), _delta(phi, m))),
    lambda phi, m, out: divide(
        _first_by_parameter(phi, m, ellipkinc(phi, m)) - scale(_HALF, out), m
    ),
    "D",
    "incomplete_d({0}, {1})",
    helpers=(incomplete_d,),
    poles="the derivative in m is a removable 0/0 at m = 0",
)


# --- Jacobi's functions ----------------------------------------------------------------------------------
def _amplitude_by_parameter(u: Expr, m: Expr, phi: Expr) -> Expr:
    """From ``F(phi, m) = u``: ``dphi/dm = -dn * dF/dm``."""
    return scale(-1, times(jacobi_dn(u, m), _first_by_parameter(phi, m, u)))


def _jacobi(
    name: str, place: int, doc: str, by_argument: Any, by_parameter: Any
) -> Callable[..., Expr]:
    several = scipy_function("special.ellipj")
    return scalar_function(
        name,
        doc,
        in_precision(lambda u, m: several(u, m)[place]),
        by_argument,
        by_parameter,
        domain=Domain(
            sample=((-1.2, 1.2), (0.2, 0.8)),
            where=lambda u, m: (gt(m, ZERO), lt(m, ONE)),
        ),
        spell=Spelling(
            latex=rf"\operatorname{{{{{name.removeprefix('jacobi_')[:2]}}}}}\left({{0}} \mid {{1}}\right)",
            python=f"scipy.special.ellipj({{0}}, {{1}})[{place}]",
        ),
        cost=60.0,
    )


jacobi_sn: Callable[..., Expr] = _jacobi(
    "jacobi_sn",
    0,
    "Jacobi's elliptic function sn(u, m).",
    lambda u, m, out: times(jacobi_cn(u, m), jacobi_dn(u, m)),
    lambda u, m, out: times(jacobi_cn(u, m), _phi_by_m(u, m)),
)
jacobi_cn: Callable[..., Expr] = _jacobi(
    "jacobi_cn",
    1,
    "Jacobi's elliptic function cn(u, m).",
    lambda u, m, out: scale(-1, times(jacobi_sn(u, m), jacobi_dn(u, m))),
    lambda u, m, out: scale(-1, times(jacobi_sn(u, m), _phi_by_m(u, m))),
)
jacobi_dn: Callable[..., Expr] = _jacobi(
    "jacobi_dn",
    2,
    "Jacobi's elliptic function dn(u, m).",
    lambda u, m, out: scale(-1, times(m, times(jacobi_sn(u, m), jacobi_cn(u, m)))),
    lambda u, m, out: scale(
        -1,
        divide(
            scale(_HALF, square(jacobi_sn(u, m)))
            + times(m, times(jacobi_sn(u, m), times(jacobi_cn(u, m), _phi_by_m(u, m)))),
            out,
        ),
    ),
)
jacobi_amplitude: Callable[..., Expr] = _jacobi(
    "jacobi_amplitude",
    3,
    "Jacobi's amplitude am(u, m), the inverse of F(phi, m).",
    lambda u, m, out: jacobi_dn(u, m),
    _amplitude_by_parameter,
)


def _phi_by_m(u: Expr, m: Expr) -> Expr:
    return _amplitude_by_parameter(u, m, jacobi_amplitude(u, m))
