"""Special functions as calls of SciPy's loops, and what records make of these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from wengert.native.kinds import DOUBLE, FLOAT, I32, I64, Kind, kind
from wengert.native.lanewise import by_lane, by_loop
from wengert.native.primitives import PRIMITIVES, Writer, on
from wengert.native.text import Function
from wengert.native.ufuncs import found, of_types

__all__ = ["scipy"]

_DTYPES = {DOUBLE.element: "float64", FLOAT.element: "float32"}
_KINDS = {"float64": DOUBLE, "float32": FLOAT, "int64": I64, "int32": I32}


def scipy(w: Writer, k: Kind, name: str, *args: str, place: int = 0, whole: int = 0) -> str:
    """A function of SciPy, or the result at ``place`` of one that has several.

    The first ``whole`` arguments are made integers.
    """
    f = w.f
    loop = found(name, _DTYPES[k.element], len(args), whole)
    kinds = [_KINDS[d].of_lanes(k.lanes) for d in loop.inputs]
    result = _KINDS[loop.outputs[place]].of_lanes(k.lanes)
    given = []
    for a, to in zip(args, kinds, strict=True):
        if to is k:
            given.append(a)
        elif to.is_float:
            given.append(f.convert("fpext", k, a, to))
        else:
            given.append(f.pure(f"freeze {to.text} {f.convert('fptosi', k, a, to)}"))
    value = by_loop(w, loop, kinds, given, result, place, k.lanes)
    return value if result is k else f.convert("fptrunc", result, value, k)


# Op, function of SciPy.
_PLAIN: Final = {
    "besseli": "iv", "besselie": "ive", "besselj": "jv", "besselk": "kv", "besselke": "kve",
    "bessely": "yv", "beta": "beta", "betainc": "betainc", "betaincinv": "betaincinv", "binom": "binom",
    "dawsn": "dawsn", "digamma": "psi", "ellipe": "ellipe", "ellipeinc": "ellipeinc", "ellipk": "ellipk",
    "ellipkinc": "ellipkinc", "ellipkm1": "ellipkm1", "erfcinv": "erfcinv", "erfcx": "erfcx",
    "erfi": "erfi", "erfinv": "erfinv", "exp1": "exp1", "expi": "expi", "expn": "expn", "gamma": "gamma",
    "gammainc": "gammainc", "gammaincc": "gammaincc", "gammainccinv": "gammainccinv",
    "gammaincinv": "gammaincinv", "hyp0f1": "hyp0f1", "hyp1f1": "hyp1f1", "hyp2f1": "hyp2f1",
    "hyperu": "hyperu", "kl_div": "kl_div", "lbeta": "betaln", "lgamma": "gammaln",
    "log_ndtr": "log_ndtr", "ndtri": "ndtri", "ndtri_exp": "ndtri_exp", "poch": "poch",
    "rel_entr": "rel_entr", "rgamma": "rgamma", "spence": "spence",
}  # fmt: skip

# Op, function with several results, which of them.
_SEVERAL: Final = {
    "cosine_integral": ("sici", 1), "fresnel_cosine": ("fresnel", 1), "fresnel_sine": ("fresnel", 0),
    "hyperbolic_cosine_integral": ("shichi", 1), "hyperbolic_sine_integral": ("shichi", 0),
    "jacobi_amplitude": ("ellipj", 3), "jacobi_cn": ("ellipj", 1), "jacobi_dn": ("ellipj", 2),
    "jacobi_sn": ("ellipj", 0), "sine_integral": ("sici", 0),
}  # fmt: skip

# Op, function whose first argument is a whole number.
_WHOLE: Final = {
    "chebyshev_t": "eval_chebyt", "chebyshev_u": "eval_chebyu", "gegenbauer": "eval_gegenbauer",
    "hermite": "eval_hermite", "hermite_normal": "eval_hermitenorm", "jacobi": "eval_jacobi",
    "laguerre": "eval_genlaguerre", "legendre": "eval_legendre",
}  # fmt: skip


def _called(op: str, name: str, place: int = 0, whole: int = 0) -> None:
    @on(op)
    def write(w: Writer, k: Kind, *args: str) -> str:
        return scipy(w, k, name, *args, place=place, whole=whole)


for _op, _name in _PLAIN.items():
    _called(_op, _name)
for _op, (_name, _place) in _SEVERAL.items():
    _called(_op, _name, _place)
for _op, _name in _WHOLE.items():
    _called(_op, _name, whole=1)


# --- what records make of them -------------------------------------------------------------------------
def _airy(op: str, place: int) -> None:
    @on(op)
    def write(w: Writer, k: Kind, x: str) -> str:
        f = w.f
        value = scipy(w, k, "airy", x, place=place)
        lost = f.compare(k, "uno", value, value)
        far = f.binary("and", k.mask, lost, f.compare(k, "ogt", x, k.constant(100)))
        return f.select(k, far, k.constant(0.0 if place < 2 else math.inf), value)


for _place, _op in enumerate(("airyai", "airyaiprime", "airybi", "airybiprime")):
    _airy(_op, _place)


def _spherical(letters: str, even: int) -> None:
    @on(f"spherical_{letters}")
    def write(w: Writer, k: Kind, n: str, x: str) -> str:
        """For x below 0 that of -x, with a sign: ``even``, or the other one for odd orders."""
        f, zero = w.f, k.constant(0)
        turned = f.compare(k, "olt", x, zero)
        value = scipy(
            w, k, f"_spherical_{letters}", n, f.select(k, turned, f.neg(k, x), x), whole=1
        )
        rest = f.binary("frem", k, n, k.constant(2))
        odd = f.compare(k, "une", rest, zero)
        sign = f.select(k, odd, k.constant(-even), k.constant(even))
        return f.mul(k, value, f.select(k, turned, sign, k.constant(1)))


for _letters, _even in (("jn", 1), ("yn", -1), ("in", 1)):
    _spherical(_letters, _even)


@on("spherical_kn")
def _spherical_kn(w: Writer, k: Kind, n: str, x: str) -> str:
    """For x below 0 the real part of that of a complex number."""
    f = w.f
    right = scipy(w, k, "_spherical_kn", n, x, whole=1)
    left = _of_complex(w, k, "_spherical_kn", "lD->D", n, x)
    return f.select(k, f.compare(k, "oge", x, k.constant(0)), right, left)


@on("lambertw")
def _lambertw(w: Writer, k: Kind, x: str) -> str:
    f, bound = w.f, k.constant(-math.exp(-1))
    value = _of_complex(w, k, "_lambertw", "Dld->D", x, k.constant(0), k.constant(1e-8))
    return f.select(k, f.compare(k, "olt", x, bound), k.constant(math.nan), value)


def _of_complex(w: Writer, k: Kind, name: str, types: str, *args: str) -> str:
    """The real part of a function of complex numbers, one lane after the other."""
    loop, pair = of_types(name, types), kind("double", 2)
    kinds = [_KINDS.get(d, pair) for d in loop.inputs]

    def build(f: Function, xs: Sequence[str]) -> None:
        given = []
        for a, to in zip(xs, kinds, strict=True):
            if to is pair:
                a = f.insert(pair, "zeroinitializer", a, "0")
            elif to is not DOUBLE:
                a = f.pure(f"freeze {to.text} {f.convert('fptosi', DOUBLE, a, to)}")
            given.append(a)
        inner = Writer(f, w.fast, w.imports)
        f.ret(f.extract(pair, by_loop(inner, loop, kinds, given, pair, 0, 1), "0"))

    wide = k.of("double")
    if wide is not k:
        args = tuple([w.f.convert("fpext", k, a, wide) for a in args])
    value = by_lane(w, f"real.{name}", [wide] * len(args), wide, args, build)
    return value if wide is k else w.f.convert("fptrunc", wide, value, k)


@on("polygamma")
def _polygamma(w: Writer, k: Kind, n: str, x: str) -> str:
    f = w.f
    above = f.add(k, n, k.constant(1))
    sign = w.function("pow", k, k.constant(-1), above)
    value = f.mul(k, f.mul(k, sign, scipy(w, k, "gamma", above)), scipy(w, k, "_zeta", above, x))
    at_zero = f.compare(k, "oeq", n, k.constant(0))
    return f.select(k, at_zero, scipy(w, k, "psi", x), value)


@on("sinc")
def _sinc(w: Writer, k: Kind, x: str) -> str:
    f = w.f
    x = f.select(k, f.compare(k, "oeq", x, k.constant(0)), k.constant(1e-20), x)
    angle = f.mul(k, k.constant(math.pi), x)
    return f.div(k, w.function("sin", k, angle), angle)


@on("ellipd")
def _ellipd(w: Writer, k: Kind, m: str) -> str:
    f, one = w.f, k.constant(1)
    nothing = f.mul(k, k.constant(0), m)
    value = scipy(w, k, "elliprd", nothing, f.sub(k, one, m), f.add(k, one, nothing))
    return f.div(k, value, k.constant(3))


@on("ellipdinc")
def _ellipdinc(w: Writer, k: Kind, phi: str, m: str) -> str:
    """As ``incomplete_d`` of the record."""
    f, one, zero, pi = w.f, k.constant(1), k.constant(0), k.constant(math.pi)
    turns = f.intrinsic("rint", k, f.div(k, phi, pi))
    sine = w.function("sin", k, f.sub(k, phi, f.mul(k, turns, pi)))
    cosine = w.function("cos", k, phi)
    squares = f.mul(k, sine, sine)
    part = scipy(
        w, k, "elliprd", f.mul(k, cosine, cosine),
        f.sub(k, one, f.mul(k, f.mul(k, m, sine), sine)), f.add(k, one, f.mul(k, zero, sine)),
    )  # fmt: skip
    part = f.div(k, f.mul(k, f.mul(k, squares, sine), part), k.constant(3))
    whole = scipy(w, k, "elliprd", zero, f.sub(k, one, m), one)
    rest = f.div(k, f.mul(k, f.mul(k, k.constant(2), turns), whole), k.constant(3))
    return f.select(k, f.compare(k, "oeq", turns, zero), part, f.add(k, part, rest))


@on("inverse_mills")
def _inverse_mills(w: Writer, k: Kind, x: str) -> str:
    """As in the record: on the left both parts are scaled, so that neither underflows."""
    f, zero, half = w.f, k.constant(0), k.constant(0.5)
    left = PRIMITIVES["minimum"].write(w, k, x, zero)
    left = f.div(k, f.neg(k, left), k.constant(math.sqrt(2)))
    left = f.div(k, k.constant(math.sqrt(2 / math.pi)), scipy(w, k, "erfcx", left))
    bell = w.function("exp", k, f.neg(k, f.mul(k, f.mul(k, x, x), half)))
    below = f.mul(k, k.constant(math.sqrt(2 * math.pi)), scipy(w, k, "ndtr", x))
    return f.select(k, f.compare(k, "olt", x, zero), left, f.div(k, bell, below))


@on("exp_moment")
def _exp_moment(w: Writer, k: Kind, n: str, x: str) -> str:
    """As in the record: Kummer's function, and what it comes to far out."""
    f, one, low, high = w.f, k.constant(1), k.constant(-700), k.constant(720)
    above = f.add(k, n, one)
    least = PRIMITIVES["minimum"]
    near = least.write(w, k, PRIMITIVES["maximum"].write(w, k, x, low), high)
    near = f.div(k, scipy(w, k, "hyp1f1", above, f.add(k, above, one), near), above)
    far = f.neg(k, least.write(w, k, x, low))
    left = f.div(k, scipy(w, k, "gamma", above), w.function("pow", k, far, above))
    value = f.select(k, f.compare(k, "ogt", x, high), k.constant(math.inf), near)
    return f.select(k, f.compare(k, "olt", x, low), left, value)
