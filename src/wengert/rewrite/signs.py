"""What is known of a value's sign: the facts of the graph, and the structure of real sums and powers."""

from __future__ import annotations

from wengert.ir.facts import NEGATIVE, NONNEGATIVE, NONPOSITIVE, NONZERO, POSITIVE
from wengert.ir.known import facts_of
from wengert.ir.node import Expr
from wengert.ir.types import TupleType, is_complex
from wengert.ops.choice import ABS
from wengert.ops.einstein import EIN
from wengert.ops.leaves import number_of
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite.numbers import is_even, is_whole

__all__ = ["sign_bits"]

_SIGNS = NONNEGATIVE | NONPOSITIVE | NONZERO
_DEEPEST = 24


def sign_bits(node: Expr, known: dict[Expr, int], depth: int = 0) -> int:
    """The sign bits of a real value; a missing bit is unknown. ``known`` remembers results."""
    bits = known.get(node)
    if bits is not None:
        return bits
    if isinstance(node.type, TupleType) or is_complex(node.type):
        return 0
    if depth > _DEEPEST:
        return facts_of(node) & _SIGNS
    inner = [sign_bits(a, known, depth + 1) for a in node.args]
    if node.op is LIN:
        bits = _sum([_scaled(b, c) for b, c in zip(inner, node.attr, strict=True)])
    elif node.op is EIN:
        bits = _product(node, inner)
    elif node.op is POW:
        bits = _power(node, inner[0])
    elif node.op is ABS:
        bits = NONNEGATIVE | (inner[0] & NONZERO)
    else:
        bits = _by_law(node, inner)
    known[node] = bits = bits | (facts_of(node) & _SIGNS)
    return bits


def _by_law(node: Expr, inner: list[int]) -> int:
    rule = node.op.laws.facts
    if rule is None or not node.args:
        return 0
    given = [facts_of(a) | b for a, b in zip(node.args, inner, strict=True)]
    bits: int = rule(*given) if node.attr is None else rule(*given, attr=node.attr)
    return bits & _SIGNS


def _scaled(bits: int, coefficient: object) -> int:
    if coefficient == 0:
        return NONNEGATIVE | NONPOSITIVE
    if coefficient > 0:  # type: ignore[operator]  # a number
        return bits
    swapped = bits & NONZERO
    if bits & NONNEGATIVE:
        swapped |= NONPOSITIVE
    if bits & NONPOSITIVE:
        swapped |= NONNEGATIVE
    return swapped


def _sum(terms: list[int]) -> int:
    common = terms[0]
    any_nonzero = 0
    for bits in terms:
        common &= bits
        any_nonzero |= bits & NONZERO
    if len(terms) == 1:
        return terms[0]
    signs = common & (NONNEGATIVE | NONPOSITIVE)
    return signs | any_nonzero if signs else 0


def _product(node: Expr, inner: list[int]) -> int:
    sign = POSITIVE
    for bits in inner:
        kept = sign & bits & NONZERO
        if sign & NONNEGATIVE and bits & NONNEGATIVE:
            kept |= NONNEGATIVE
        if sign & NONPOSITIVE and bits & NONPOSITIVE:
            kept |= NONNEGATIVE
        if sign & NONNEGATIVE and bits & NONPOSITIVE:
            kept |= NONPOSITIVE
        if sign & NONPOSITIVE and bits & NONNEGATIVE:
            kept |= NONPOSITIVE
        sign = kept
    axes = node.attr.factors
    # The identity matrix has zeros, and a sum of both signs may vanish.
    if node.attr.summed:
        squared = len(inner) == 2 and node.args[0] is node.args[1] and axes[0] == axes[1]
        if squared:
            sign |= NONNEGATIVE
        if not sign & (NONNEGATIVE | NONPOSITIVE):
            return 0
    return sign


def _power(node: Expr, base: int) -> int:
    exponent = number_of(node.args[1])
    if exponent is None:
        return POSITIVE if base & POSITIVE == POSITIVE else base & NONNEGATIVE
    if not is_whole(exponent):
        return POSITIVE if exponent < 0 else NONNEGATIVE | (base & NONZERO)
    nonzero = NONZERO if exponent < 0 else base & NONZERO
    if is_even(exponent):
        return NONNEGATIVE | nonzero
    return (base & (NEGATIVE | POSITIVE)) | nonzero
