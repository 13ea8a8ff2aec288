"""Identities of exponentials, logarithms, absolute values and inverse functions over the real numbers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from wengert.ir.node import Expr
from wengert.ir.op import lookup
from wengert.ops.choice import ABS
from wengert.ops.einstein import is_ones
from wengert.ops.leaves import ONE, Number, e_const, number_of, pi
from wengert.ops.powers import POW
from wengert.ops.sums import is_zero
from wengert.rewrite import numbers
from wengert.rewrite.numbers import magnitude
from wengert.rewrite.rule import Apply, Kind, Rule, rules
from wengert.rewrite.session import Session
from wengert.rewrite.views import HALF, Factor
from wengert.rewrite.vocabulary import EXP, LOG, SIGN, XLOGY

__all__ = ["RULES"]


# --- exponentials and logarithms -----------------------------------------------------------------------
def _exp_of_sum(s: Session, node: Expr) -> Expr | None:
    """``exp(a + c*log(u))`` is ``u**c * exp(a)``."""
    arg = node.args[0]
    if is_zero(arg):
        return s.one(node)
    if arg is ONE:
        return e_const
    powers: list[Expr] = []
    rest: list[tuple[Number, Expr]] = []
    for c, term in s.terms(arg):
        power = _power_from_log(s, c, term)
        if power is None:
            rest.append((c, term))
        else:
            powers.append(power)
    if not powers:
        return None
    return s.times(s.apply(EXP, s.sum(rest, arg)), *powers) if rest else s.times(*powers)


def _power_from_log(s: Session, c: Number, term: Expr) -> Expr | None:
    """``u**(c*y)`` for a term ``c*y*log(u)``; for arrays only without ``y``."""
    if term.op is LOG:
        return s.raise_to(term.args[0], c)
    if term.value_type.shape:
        return None
    if term.op is XLOGY:  # also at 0: exp(xlogy(0, 0)) is 0**0
        return s.raise_to(term.args[1], s.scale(c, term.args[0]))
    view = s.view(term)
    logs = [i for i, (b, _, e) in enumerate(view.factors) if b.op is LOG and e == 1]
    if len(logs) != 1 or any(axes for _, axes, _ in view.factors):
        return None
    exponent = s.replaced(view, logs, (), c)
    return s.raise_to(view.factors[logs[0]][0].args[0], exponent)


def _log_of_product(s: Session, node: Expr) -> Expr | None:
    """``log(exp(u))`` is ``u``, ``log(u**n)`` is ``n*log(u)`` or, for even ``n``, ``n*log(abs(u))``."""
    arg = node.args[0]
    if arg is ONE:
        return s.zero(node)
    if arg is e_const:
        return ONE
    c, product = s.scaled(arg)
    view = s.view(product)
    if any(axes != view.out for _, axes, _ in view.factors):
        return None
    exps = [i for i, (b, _, e) in enumerate(view.factors) if b.op is EXP and e == 1]
    if exps:
        rest = s.replaced(view, exps, (), c)
        logs = [(1, s.apply(LOG, rest))] if not _is_one(rest) else []
        return s.sum([*logs, *((1, view.factors[i][0].args[0]) for i in exps)], node)
    if c != 1 or len(view.factors) != 1:
        return None
    base, _, exponent = view.factors[0]
    if isinstance(exponent, Expr):
        return s.times(exponent, s.apply(LOG, base)) if s.is_positive(base) else None
    if exponent == 1:
        return None
    if numbers.is_even(exponent):
        base = s.apply(ABS, base)
    return s.scale(exponent, s.apply(LOG, base))


def _is_one(node: Expr) -> bool:
    return is_ones(node)


# --- absolute value and sign ---------------------------------------------------------------------------
def _abs_of(s: Session, node: Expr) -> Expr | None:
    """Positive numbers and factors come out: ``abs(2*x**2*y)`` is ``2*x**2*abs(y)``."""
    arg = node.args[0]
    if s.is_nonnegative(arg):
        return arg
    c, product = s.scaled(arg)
    view = s.view(product)
    known = [i for i, f in enumerate(view.factors) if _is_nonnegative(s, f)]
    if any(axes != view.out for _, axes, _ in view.factors):
        return s.scale(magnitude(c), s.apply(ABS, product)) if magnitude(c) != 1 else None
    odd = [(i, f) for i, f in enumerate(view.factors) if i not in known]
    if len(odd) == 1 and not isinstance(odd[0][1][2], Expr) and odd[0][1][2] != 1:
        base, axes, exponent = odd[0][1]  # abs(x**3) is abs(x)**3
        return s.replaced(view, [odd[0][0]], [(s.apply(ABS, base), axes, exponent)], magnitude(c))
    if known:
        inner = s.replaced(view, known)
        outer = [view.factors[i] for i in known]
        rest: list[Factor] = [(s.apply(ABS, inner), view.out, 1)]
        return s.product([*outer, *rest], view.out, view.extents, magnitude(c))
    return s.scale(magnitude(c), s.apply(ABS, product)) if magnitude(c) != 1 else None


def _sign_of(s: Session, node: Expr) -> Expr | None:
    """Positive numbers and factors do not matter, nor does an even power more."""
    arg = node.args[0]
    if is_zero(arg) and s.may_vanish(arg):
        return s.zero(node)
    if s.is_positive(arg) and s.may_vanish(arg):
        return s.one(node)
    c, product = s.scaled(arg)
    if c == 0:
        return None
    view = s.view(product)
    if any(axes != view.out for _, axes, _ in view.factors):
        return s.apply(SIGN, product) if c != 1 and c > 0 else None
    powers = [s.powered(base, e) for base, _, e in view.factors]
    known = [i for i, p in enumerate(powers) if s.is_positive(p) and s.may_vanish(p)]
    odd: list[Factor] = []
    changed = bool(known) or c != 1
    for i, (base, axes, exponent) in enumerate(view.factors):
        if i in known:
            continue
        lower = exponent
        if exponent.__class__ is int and exponent > 2:
            lower = 2 - exponent % 2
            changed = True
        odd.append((base, axes, lower))
    if not changed:
        return None
    positive = s.apply(SIGN, s.product(odd, view.out, view.extents))
    return positive if c > 0 else s.negative(positive)


def _is_nonnegative(s: Session, factor: Factor) -> bool:
    base, _, exponent = factor
    return s.is_nonnegative(s.powered(base, exponent))


def _abs_and_sign(s: Session, node: Expr) -> Expr | None:
    """``abs(x)*sign(x)`` is ``x``, ``x*sign(x)`` is ``abs(x)``, and the like for quotients.

    ``sign(x)**2`` stays: it is 0 at 0.
    """
    view = s.view(node)
    place = {(b, a): i for i, (b, a, _) in enumerate(view.factors)}
    for i, (base, axes, exponent) in enumerate(view.factors):
        if base.op is ABS:
            x = base.args[0]
            new = _abs_times(s, view.factors, place, i, x)
        elif base.op is SIGN and exponent.__class__ is int and exponent > 0:
            x = base.args[0]
            new = _sign_times(s, view.factors, place, i, x)
        else:
            continue
        if new is not None:
            gone = [place[k] for k in ((x, axes), (base, axes)) if k in place]
            gone += [
                j
                for j, (b, a, _) in enumerate(view.factors)
                if b.args == (x,) and a == axes and b.op in (ABS, SIGN)
            ]
            return s.replaced(view, gone, new)
    return None


def _exponent(
    factors: tuple[Factor, ...],
    place: dict[tuple[Expr, tuple[int, ...]], int],
    key: tuple[Expr, tuple[int, ...]],
) -> int | None:
    """The whole exponent of a factor, 0 if it is absent, ``None`` if it is no whole number."""
    if key not in place:
        return 0
    exponent = factors[place[key]][2]
    return exponent if exponent.__class__ is int else None


def _abs_times(
    s: Session,
    factors: tuple[Factor, ...],
    place: dict[tuple[Expr, tuple[int, ...]], int],
    i: int,
    x: Expr,
) -> list[Factor] | None:
    """Merge ``abs(x)**b`` with ``x**a`` and ``sign(x)**c``."""
    base, axes, b = factors[i]
    sign = s.apply(SIGN, x)
    a, c = _exponent(factors, place, (x, axes)), _exponent(factors, place, (sign, axes))
    if b.__class__ is not int or a is None or c is None or sign.op is not SIGN:
        return None
    a0, b0, c0 = a, b, c
    if c and b > 0:  # abs*sign = x
        k = min(b, c)
        a, b, c = a + k, b - k, c - k
    elif c == 1 and b < 0:  # sign/abs = 1/x
        a, b, c = a - 1, b + 1, 0
    if b % 2 == 0 and b:
        a, b = a + b, 0
    elif abs(b) > 1:
        step = (abs(b) // 2) * 2 * (1 if b > 0 else -1)
        a, b = a + step, b - step
    if b == -1 and a > 0 and not s.strict:
        a, b = (a - 1, 0) if a == 1 else (a - 2, 1)  # x/abs = sign, x**2/abs = abs
        c += 1 if (a, b) == (0, 0) else 0
    elif b == 1 and a < 0 and not s.strict:
        # abs/x = sign: defined nowhere new, since both need x != 0 before
        a, b, c = (0, 0, c + 1) if a == -1 else (a + 2, -1, c)
    if (a, b, c) == (a0, b0, c0):
        return None
    return [(x, axes, a), (base, axes, b), (sign, axes, c)]


def _sign_times(
    s: Session,
    factors: tuple[Factor, ...],
    place: dict[tuple[Expr, tuple[int, ...]], int],
    i: int,
    x: Expr,
) -> list[Factor] | None:
    """``x*sign(x)`` is ``abs(x)``, ``sign(x)/x`` is ``1/abs(x)``, odd powers of a sign are the sign."""
    base, axes, c = factors[i]
    a = _exponent(factors, place, (x, axes))
    size = s.apply(ABS, x)
    if a is None or size.op is not ABS or _exponent(factors, place, (size, axes)) != 0:
        return None
    if c > 2:
        return [(x, axes, a), (base, axes, 2 - c % 2)]
    if a > 0:
        return [(x, axes, a - 1), (size, axes, 1), (base, axes, c - 1)]
    if a < 0 and c == 1:
        return [(x, axes, a + 1), (size, axes, -1)]
    return None


# --- inverse functions ---------------------------------------------------------------------------------
def _one_minus_square(s: Session, u: Expr, sign: int) -> Expr:
    return s.sum([(1, s.one(u)), (sign, s.raise_to(u, 2))], u)


Undo: TypeAlias = Callable[[Session, Expr], Expr]
_UNDONE: dict[tuple[str, str], tuple[Undo, Kind]] = {
    ("sin", "asin"): (lambda s, u: u, "R"),
    ("cos", "acos"): (lambda s, u: u, "R"),
    ("tan", "atan"): (lambda s, u: u, "E"),
    ("sinh", "asinh"): (lambda s, u: u, "E"),
    ("asinh", "sinh"): (lambda s, u: u, "E"),
    ("cosh", "acosh"): (lambda s, u: u, "R"),
    ("acosh", "cosh"): (lambda s, u: s.apply(ABS, u), "E"),
    ("tanh", "atanh"): (lambda s, u: u, "R"),
    ("atanh", "tanh"): (lambda s, u: u, "E"),
    ("cos", "asin"): (lambda s, u: s.raise_to(_one_minus_square(s, u, -1), HALF), "E"),
    ("sin", "acos"): (lambda s, u: s.raise_to(_one_minus_square(s, u, -1), HALF), "E"),
    ("cos", "atan"): (lambda s, u: s.raise_to(_one_minus_square(s, u, 1), -HALF), "E"),
    ("cosh", "asinh"): (lambda s, u: s.raise_to(_one_minus_square(s, u, 1), HALF), "E"),
    ("sin", "atan"): (lambda s, u: s.times(u, s.raise_to(_one_minus_square(s, u, 1), -HALF)), "E"),
    ("expm1", "log1p"): (lambda s, u: u, "R"),
    ("log1p", "expm1"): (lambda s, u: u, "E"),
    ("erf", "erfinv"): (lambda s, u: u, "R"),
    ("erfinv", "erf"): (lambda s, u: u, "E"),
    ("erfc", "erfcinv"): (lambda s, u: u, "R"),
    ("sigmoid", "logit"): (lambda s, u: u, "R"),
    ("logit", "sigmoid"): (lambda s, u: u, "E"),
    ("exp2", "log2"): (lambda s, u: u, "R"),
    ("log2", "exp2"): (lambda s, u: u, "E"),
}


def _undone(inner: str, undo: Undo) -> Apply:
    """The rule of a function applied to its inverse, or to that of a relative."""
    op = lookup(inner)

    def apply(s: Session, node: Expr) -> Expr | None:
        arg = node.args[0]
        return undo(s, arg.args[0]) if arg.op is op else None

    return apply


# --- values --------------------------------------------------------------------------------------------
_ROOT2, _ROOT3 = (Fraction(2), HALF), (Fraction(3), HALF)
_VALUES: dict[str, dict[Number, Number]] = {
    "sin": {0: 0}, "cos": {0: 1}, "tan": {0: 0}, "sec": {0: 1}, "sinh": {0: 0}, "cosh": {0: 1},
    "tanh": {0: 0}, "asin": {0: 0}, "acos": {1: 0}, "atan": {0: 0}, "asinh": {0: 0}, "acosh": {1: 0},
    "atanh": {0: 0}, "expm1": {0: 0}, "log1p": {0: 0}, "log2": {1: 0, 2: 1}, "log10": {1: 0, 10: 1},
    "erf": {0: 0}, "erfc": {0: 1}, "sigmoid": {0: HALF}, "sign": {0: 0, 1: 1}, "abs": {0: 0},
    "heaviside": {0: HALF, 1: 1}, "gamma": {1: 1, 2: 1, 3: 2, 4: 6, 5: 24}, "lgamma": {1: 0, 2: 0},
    "cbrt": {0: 0, 1: 1, 8: 2, 27: 3}, "usinc": {0: 1}, "exprel": {0: 1}, "log1prel": {0: 1},
}  # fmt: skip


def _value(s: Session, node: Expr) -> Expr | None:
    """Functions at the few numbers where their value is a plain number."""
    arg = node.args[0]
    if is_zero(arg):
        if not s.may_vanish(arg):
            return None
        number: Number = 0
    else:
        number, rest = s.scaled(arg)
        if not _is_one(rest):
            return None
    value = _VALUES[node.op.name].get(number)
    return None if value is None else s.scale(value, s.one(node)) if value else s.zero(node)


# Numerator and radicand of 2*sin(k*pi/12), for multiples of pi/6 and pi/4.
_TWICE_SINE = {0: (0, 1), 2: (1, 1), 3: (1, 2), 4: (1, 3), 6: (2, 1)}


def _angle(s: Session, node: Expr) -> Expr | None:
    """Sine, cosine and tangent of multiples of pi/6 and pi/4."""
    c, rest = s.scaled(node.args[0])
    if rest is not pi or isinstance(c, float):
        return None
    steps = Fraction(c) * 12
    if steps.denominator != 1:
        return None
    k = int(steps) % 24
    if node.op.name == "sin":
        return _sine(s, k)
    if node.op.name == "cos":
        return _sine(s, k + 6)
    below = _sine(s, k + 6)
    above = _sine(s, k)
    return None if above is None or below is None or is_zero(below) else s.over(above, below)


def _sine(s: Session, k: int) -> Expr | None:
    k %= 24
    sign = 1
    if k >= 12:
        k, sign = k - 12, -1
    found = _TWICE_SINE.get(min(k, 12 - k))
    if found is None:
        return None
    c, radicand = found
    root = s.scale(radicand, ONE)
    return s.product([(root, (), HALF)], coefficient=Fraction(sign * c, 2))


# --- special functions ---------------------------------------------------------------------------------
def _one_minus(name: str, other: str, sign: int = 1) -> Callable[[Session, Expr], Expr | None]:
    """``c*R - c*R*f(u)`` is ``c*R*g(sign*u)``."""
    op = lookup(name)

    def apply(s: Session, node: Expr) -> Expr | None:
        found = dict(zip(node.args, node.attr, strict=True))
        for term, c in found.items():
            view = s.view(term)
            for i, (base, axes, exponent) in enumerate(view.factors):
                if base.op is not op or exponent.__class__ is not int or exponent < 1:
                    continue
                lower: Factor = base, axes, exponent - 1
                d, rest = s.scaled(s.replaced(view, [i], [lower]))
                if d == 1 and found.get(rest) == -c:
                    inner = s.apply(other, s.scale(sign, base.args[0]))
                    new = s.replaced(view, [i], [lower, (inner, axes, 1)])
                    kept = [(e, t) for t, e in found.items() if t is not term and t is not rest]
                    return s.sum([*kept, (-c, new)], node)
        return None

    return apply


def _gamma_ratio(s: Session, node: Expr) -> Expr | None:
    """``gamma(u + 1)/gamma(u)`` is ``u``."""
    view = s.view(node)
    gammas = [(i, f) for i, f in enumerate(view.factors) if f[0].op.name == "gamma"]
    for i, (one, axes, e) in gammas:
        for j, (other, axes2, f) in gammas:
            if i == j or axes != axes2 or isinstance(e, Expr) or isinstance(f, Expr):
                continue
            if not (e > 0 > f and numbers.is_whole(e) and numbers.is_whole(f)):
                continue
            u, v = one.args[0], other.args[0]
            difference, unit = s.scaled(s.minus(u, v))
            if not _is_one(unit) or difference not in (1, -1):
                continue
            k = min(e, -f)
            factor = v if difference == 1 else u
            new = [(one, axes, e - k), (other, axes, f + k), (factor, axes, k * difference)]
            return s.replaced(view, [i, j], new)
    return None


def _digamma_step(s: Session, node: Expr) -> Expr | None:
    """``digamma(u + 1) - digamma(u)`` is ``1/u``."""
    terms = s.terms(node)
    found = [(c, t) for c, t in terms if t.op.name == "digamma"]
    for c, one in found:
        for d, other in found:
            if c == -d and c > 0:
                step, unit = s.scaled(s.minus(one.args[0], other.args[0]))
                if _is_one(unit) and step in (1, -1):
                    kept = [(e, t) for e, t in terms if t is not one and t is not other]
                    u = other.args[0] if step == 1 else one.args[0]
                    return s.sum([*kept, (c * step, s.raise_to(u, -1))], node)
    return None


def _xlogy(s: Session, node: Expr) -> Expr | None:
    """``x*log(y)`` where they are the same; also for the derivative ``xlogy(y**z, y)`` of a power."""
    x, y = node.args
    if is_zero(x) and s.may_vanish(x) and s.may_vanish(y):
        return s.zero(node)
    same = s.is_positive(y) or (s.is_nonzero(x) and not is_zero(y))
    if same or (number_of(y) is None and _has_power_of(s, x, y)):
        return s.times(x, s.apply(LOG, y))
    return None


def _has_power_of(s: Session, x: Expr, y: Expr) -> bool:
    """Whether ``y`` to a symbolic power, or its logarithm, is a factor of ``x``."""
    log = s.apply(LOG, y)
    bases = {y, *(b for b, _, _ in s.view(s.scaled(y)[1]).factors)}
    for base, _, e in s.view(s.scaled(x)[1]).factors:
        if (base in bases and isinstance(e, Expr)) or base is log:
            return True
        if base.op is POW and base.args[0] is y:
            return True
    return False


RULES = rules(
    [
        Rule("xlogy written out", "xlogy", _xlogy, condition="y != 0 for powers of y", kind="C"),
        Rule("exp of a logarithm", "exp", _exp_of_sum, condition="u > 0", kind="R", use="both"),
        Rule("log of a power", "log", _log_of_product, condition="u > 0 for odd powers"),
        Rule("abs of a product", "abs", _abs_of),
        Rule("sign of a product", "sign", _sign_of),
        Rule("abs and sign", "product", _abs_and_sign, ("abs", "sign"), "x != 0 in quotients", "R"),
        *(
            Rule(f"{outer} of {inner}", outer, _undone(inner, undo), kind=kind)
            for (outer, inner), (undo, kind) in _UNDONE.items()
        ),
        *(Rule(f"value of {name}", name, _value) for name in _VALUES),
        *(Rule(f"{name} of an angle", name, _angle) for name in ("sin", "cos", "tan")),
        Rule("1 - erf", "sum", _one_minus("erf", "erfc"), ("erf",)),
        Rule("1 - erfc", "sum", _one_minus("erfc", "erf"), ("erfc",)),
        Rule("ratio of gammas", "product", _gamma_ratio, ("gamma",), "u no pole", "R"),
        Rule("step of digamma", "sum", _digamma_step, ("digamma",), "u no pole", "R"),
    ]
)
