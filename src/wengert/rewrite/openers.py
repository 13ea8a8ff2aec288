"""Factors that a product looks into: numbers, sums with a common number, products, powers, exponentials.

An opener puts what is inside on the stack of factors still to be placed, or returns false to leave the
factor whole.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from wengert.ir.facts import NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr
from wengert.ir.op import Op
from wengert.ir.types import is_complex
from wengert.ops.choice import ABS
from wengert.ops.einstein import EIN, Spec
from wengert.ops.leaves import CONSTANT, Number, const, number_of
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.views import Axes, Factor, is_summed
from wengert.rewrite.vocabulary import EXP

if TYPE_CHECKING:
    from wengert.rewrite.collect import Collected
    from wengert.rewrite.session import Session

__all__ = ["MOST_FACTORS", "OPENERS"]

MOST_FACTORS = 12  # products beyond this stay nested, so that long chains cost linear time

Opener: TypeAlias = "Callable[[Collected, Expr, Axes, Number, list[Factor]], bool]"


def _open_constant(p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    number = number_of(base)
    if number is None:
        return False
    if number == 1:
        return True
    value = numbers.power(number, e)
    if value is None:
        return _put_root(p, number, e)
    p.coefficient = numbers.times(p.coefficient, value)
    return True


def _put_root(p: Collected, number: Number, e: Number) -> bool:
    """An irrational root of a number: fractions apart, squares of small primes out, ``0 < e < 1``."""
    if isinstance(number, float) or isinstance(e, float) or number <= 0:
        return False
    if number.denominator != 1:
        p.gather([(const(number.numerator), (), e), (const(number.denominator), (), -e)])
        return True
    if numbers.is_whole(e):
        return False
    outside, inside = numbers.without_powers(int(number), e.denominator)
    if outside != 1:
        factor = numbers.power(outside, e * e.denominator)
        if factor is None:
            return False
        p.coefficient = numbers.times(p.coefficient, factor)
        if inside != 1:
            p.gather([(const(inside), (), e)])
        return True
    key = const(number), ()
    known = p.powers.pop(key, 0)
    if isinstance(known, Expr):
        return False
    total = Fraction(numbers.plus(known, e))
    whole = total.numerator // total.denominator
    if whole:
        factor = numbers.power(number, whole)
        assert factor is not None
        p.coefficient = numbers.times(p.coefficient, factor)
        total -= whole
    if total != 0:
        p.powers[key] = total
    return True


def _open_sum(p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    """A number comes out of a sum, with its sign if the exponent is whole."""
    s = p.s
    if len(base.attr) == 1:
        c, inner = base.attr[0], base.args[0]
    elif base in s.opaque:
        return False
    else:
        c, inner = s.content(base)
    if c == 1:
        return False
    if numbers.is_whole(e):
        value = numbers.power(c, e)
        if value is None:
            return False
        p.coefficient = numbers.times(p.coefficient, value)
        stack.append((inner, axes, e))
        return True
    if c == 0 and e > 0:
        p.coefficient = 0
        stack.append((inner, axes, 1))
        return True
    if abs(c) == 1 or isinstance(c, float):
        return False
    stack.append((const(abs(c)), (), e))
    stack.append((inner if c > 0 else s.negative(inner), axes, e))
    return True


def _open_product(p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    s = p.s
    if not s.openable(base, MOST_FACTORS - len(p.powers) - len(stack)):
        return False
    spec: Spec = base.attr
    if is_summed(spec):
        if axes:  # opened at the end, unless it turns out to be squared or divided by
            p.sums[base, axes] = numbers.plus(p.sums.get((base, axes), 0), e)
        return bool(axes)
    if not numbers.is_whole(e):
        return _open_root_of_product(p, base, axes, e, stack)
    if not axes and not spec.factors[0] and not any(spec.factors):
        for arg in reversed(base.args):
            stack.append((arg, (), e))
        return True
    renamed = dict(zip(spec.out, axes, strict=True))
    for arg, inner in zip(base.args, spec.factors, strict=True):
        stack.append((arg, tuple([renamed[i] for i in inner]), e))
    return True


def _open_root_of_product(
    p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]
) -> bool:
    """Factors that are known to be positive (or all, if none is negative) come out of a root."""
    s = p.s
    spec: Spec = base.attr
    renamed = dict(zip(spec.out, axes, strict=True))
    moved = [tuple([renamed[i] for i in inner]) for inner in spec.factors]
    if len(base.args) == 1:
        stack.append((base.args[0], moved[0], e))
        return True
    known = NONNEGATIVE if e < 0 or s.is_nonnegative(base) else POSITIVE
    gone = [i for i, a in enumerate(base.args) if s.signs(a) & known == known]
    rest = [a for i, a in enumerate(base.args) if i not in gone]
    if known == NONNEGATIVE and e > 0 and not all(map(s.is_nonnegative, rest)):
        # sqrt(x**2 * y) is 0 at x = 0 whatever y is; abs(x)*sqrt(y) would not be.
        gone = [i for i in gone if s.is_positive(base.args[i])]
    if not gone:
        return False
    stack += [(base.args[i], moved[i], e) for i in gone]
    if rest:
        stack.append((s.replaced(s.view(base), gone), axes, e))
    return True


def _open_power(p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    s = p.s
    inner, exponent = base.args
    number = number_of(exponent)
    if number is None:
        if axes or inner.value_type.shape:
            return False
        if s.strict and e != 1 and not s.is_positive(inner):
            return False
        if e == 1:
            p.put_symbolic(inner, axes, exponent, stack)
        elif numbers.is_whole(e) or s.is_positive(inner):
            p.put_symbolic(inner, axes, s.scale(e, exponent), stack)
        else:
            return False
        return True
    if numbers.is_whole(e) or not numbers.is_even(number):
        total = numbers.times(number, e)
        if s.strict and e != 1 and _defines_more(s, inner, number, e, total):
            return False
        p.smoother |= e != 1 and not (numbers.is_whole(number) and numbers.is_whole(e))
        stack.append((inner, axes, total))
        return True
    if is_complex(inner.value_type):
        return False
    if s.strict and number < 0 and e < 0 and not s.is_nonzero(inner):
        return False
    p.smoother = True
    stack.append((s.apply(ABS, inner), axes, numbers.times(number, e)))
    return True


def _defines_more(s: Session, base: Expr, inner: Number, outer: Number, total: Number) -> bool:
    nonzero = (inner < 0 or outer < 0) and total >= 0 and not s.is_nonzero(base)
    root = not (numbers.is_whole(inner) and numbers.is_whole(outer)) and numbers.is_whole(total)
    return nonzero or (root and not s.is_nonnegative(base))


def _open_exp(p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    if not numbers.is_whole(e) and is_complex(base.value_type):
        return False
    p.exps.setdefault(axes, []).append((e, base.args[0]))
    return True


def _open_abs(p: Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    if not numbers.is_even(e) or is_complex(base.args[0].value_type):
        return False
    if p.s.strict and e < 0:
        return False
    stack.append((base.args[0], axes, e))
    return True


OPENERS: dict[Op, Opener] = {
    CONSTANT: _open_constant,
    LIN: _open_sum,
    EIN: _open_product,
    POW: _open_power,
    EXP: _open_exp,
    ABS: _open_abs,
}
