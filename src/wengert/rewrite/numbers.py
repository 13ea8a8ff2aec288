"""Exact arithmetic of coefficients and exponents: ints and fractions stay exact, floats stay as typed.

Numbers of thousands of digits, and what is not finite, raise ``OverflowError``: the node then stays as it
is.
"""

from __future__ import annotations

import math
from fractions import Fraction

from wengert.ops.leaves import Number

__all__ = [
    "common_content",
    "exact_root",
    "is_even",
    "is_whole",
    "plus",
    "power",
    "times",
    "without_powers",
]

_MOST_BITS = 1024


def _fitted(value: Number) -> Number:
    if value.__class__ is Fraction:
        if value.numerator.bit_length() + value.denominator.bit_length() > _MOST_BITS:
            raise OverflowError
        return value.numerator if value.denominator == 1 else value
    if value.__class__ is float:
        if not math.isfinite(value):
            raise OverflowError
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return value


def plus(a: Number, b: Number) -> Number:
    """``a + b``.

    Raises:
        OverflowError: not a finite number.
    """
    if a.__class__ is int and b.__class__ is int:
        return a + b
    return _fitted(a + b)


def times(a: Number, b: Number) -> Number:
    """``a * b``.

    Raises:
        OverflowError: not a finite number.
    """
    if a.__class__ is int and b.__class__ is int:
        product: int = a * b
        if product.bit_length() > _MOST_BITS:
            raise OverflowError
        return product
    return _fitted(a * b)


def power(a: Number, exponent: Number) -> Number | None:
    """``a**exponent`` if that is a number in coefficient form, else ``None``.

    Raises:
        ZeroDivisionError: a negative power of zero.
        OverflowError: not a finite number.
    """
    if not is_whole(exponent):
        return exact_root(a, exponent)
    exponent = int(exponent)
    if isinstance(a, float):
        return _fitted(a**exponent)
    size = max(a.numerator.bit_length(), a.denominator.bit_length())
    if size * abs(exponent) > _MOST_BITS and abs(a) != 1:
        return None
    return _fitted(Fraction(a) ** exponent)


def exact_root(a: Number, exponent: Number) -> Number | None:
    """``a**exponent`` for a fractional exponent if it is rational and ``a`` is not negative, else ``None``.

    Raises:
        ZeroDivisionError: a negative power of zero.
    """
    if isinstance(a, float) or isinstance(exponent, float) or a < 0:
        return None
    if a == 0:
        if exponent < 0:
            raise ZeroDivisionError
        return 0
    exponent = Fraction(exponent)
    roots = [_whole_root(n, exponent.denominator) for n in (a.numerator, a.denominator)]
    if roots[0] is None or roots[1] is None:
        return None
    return power(Fraction(roots[0], roots[1]), exponent.numerator)


def _whole_root(n: int, degree: int) -> int | None:
    if degree == 2:
        root = math.isqrt(n)
    elif n.bit_length() > 512:
        return None
    else:
        root = round(n ** (1 / degree))
    return root if root**degree == n else None


def without_powers(n: int, degree: int) -> tuple[int, int]:
    """``(a, b)`` with ``n == a**degree * b``, as far as small primes go.

    >>> without_powers(72, 2)
    (6, 2)
    """
    outside, inside = 1, n
    for prime in (2, 3, 5, 7, 11, 13):
        power = prime**degree
        while inside % power == 0:
            inside //= power
            outside *= prime
    root = _whole_root(inside, degree)
    return (outside * root, 1) if root is not None and root > 1 else (outside, inside)


def magnitude(value: Number) -> Number:
    """The absolute value."""
    return value if value >= 0 else -value


def is_whole(value: Number) -> bool:
    """Whether the number is an integer."""
    return value.__class__ is int or value == int(value)


def is_even(value: Number) -> bool:
    """Whether the number is an even integer."""
    return is_whole(value) and int(value) % 2 == 0


def common_content(coefficients: tuple[Number, ...]) -> Number:
    """The largest positive number by which all can be divided to leave coprime whole numbers.

    1 where a float is among them.

    >>> common_content((4, 6)), common_content((Fraction(1, 2), Fraction(3, 4)))
    (2, Fraction(1, 4))
    """
    above, below = 0, 1
    for c in coefficients:
        if c.__class__ is int:
            above = math.gcd(above, c)
        elif c.__class__ is Fraction:
            above = math.gcd(above, c.numerator)
            below = math.lcm(below, c.denominator)
        else:
            return 1
    # gcd of fractions: gcd of numerators over lcm of denominators, in lowest terms for each.
    return _fitted(Fraction(above, below)) if above else 1
