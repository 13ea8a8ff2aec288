"""Multicomplex numbers with infinitesimal imaginary parts, for higher derivatives without cancellation.

A number of level ``n`` is a pair ``a + i_n b`` of numbers of level ``n - 1``; level 0 are floats. With
``x + h i_1 + ... + h i_m`` for the argument, the coefficient of ``i_1 i_2 ... i_m`` in ``f`` is
``h^m`` times the ``m``-th derivative (Lantoine, Russell & Dargent 2012, ACM Trans. Math. Softw. 38).
``h`` is so small that ``i_n^2 = -1`` never reaches the digits of a double, and it is left out.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Union

import numpy as np

__all__ = ["Multicomplex", "coefficient", "lifted"]

Number = Union[float, "Multicomplex"]
Rule = Callable[["Number"], "Number"]


class Multicomplex:
    """The pair ``real + i_n imag``; ``level`` is ``n``. Knows arithmetic and NumPy's functions by name."""

    __slots__ = ("imag", "level", "real")
    __array_priority__ = 100.0

    def __init__(self, real: Number, imag: Number, level: int) -> None:
        self.real, self.imag, self.level = real, imag, level

    def _pair(self, other: object) -> tuple[Number, Number] | None:
        if isinstance(other, Multicomplex):
            return (other.real, other.imag) if other.level == self.level else None
        if isinstance(other, int | float | np.integer | np.floating):
            return float(other), 0.0
        return None

    def _combined(
        self, other: object, rule: Callable[[Number, Number, Number, Number], tuple[Number, Number]]
    ) -> Multicomplex:
        pair = self._pair(other)
        if pair is None:
            return NotImplemented  # type: ignore[no-any-return]  # as Python's protocol asks
        return Multicomplex(*rule(self.real, self.imag, *pair), self.level)

    def __add__(self, other: object) -> Multicomplex:
        return self._combined(other, lambda a, b, c, d: (a + c, b + d))

    def __mul__(self, other: object) -> Multicomplex:
        return self._combined(other, lambda a, b, c, d: (a * c, a * d + b * c))

    def __truediv__(self, other: object) -> Multicomplex:
        return self._combined(other, lambda a, b, c, d: (a / c, (b - a / c * d) / c))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Multicomplex:
        return Multicomplex(-self.real, -self.imag, self.level)

    def __pos__(self) -> Multicomplex:
        return self

    def __sub__(self, other: object) -> Multicomplex:
        return self._combined(other, lambda a, b, c, d: (a - c, b - d))

    def __rsub__(self, other: object) -> Multicomplex:
        return -self + other

    def __rtruediv__(self, other: object) -> Multicomplex:
        return self._combined(other, lambda a, b, c, d: (c / a, (d - c / a * b) / a))

    def __pow__(self, power: object) -> Number:
        if isinstance(power, Multicomplex):
            return apply("exp", apply("log", self) * power)
        if not isinstance(power, int | float | np.integer | np.floating):
            return NotImplemented
        exponent = float(power)
        if exponent == 0.0:
            return 1.0 + 0.0 * self
        inner = self.real**exponent
        if isinstance(inner, complex):
            raise ValueError("negative base with a fractional power")
        slope: Number = 1.0 if exponent == 1.0 else self.real ** (exponent - 1.0)
        return Multicomplex(inner, exponent * slope * self.imag, self.level)

    def __rpow__(self, base: object) -> Number:
        if not isinstance(base, int | float | np.integer | np.floating):
            return NotImplemented
        return apply("exp", float(np.log(float(base))) * self)

    # Branches follow the real part, as they do for real x.
    def __lt__(self, other: object) -> bool:
        return head(self) < head(other)

    def __le__(self, other: object) -> bool:
        return head(self) <= head(other)

    def __gt__(self, other: object) -> bool:
        return head(self) > head(other)

    def __ge__(self, other: object) -> bool:
        return head(self) >= head(other)

    def __eq__(self, other: object) -> bool:
        return head(self) == head(other)

    def __ne__(self, other: object) -> bool:
        return head(self) != head(other)

    __hash__ = None  # type: ignore[assignment]  # equal heads are not equal numbers

    def __getattr__(self, name: str) -> Callable[[], Number]:
        # NumPy calls the method of this name on elements of object arrays.
        if name not in RULES:
            raise AttributeError(f"multicomplex numbers have no {name}")
        return lambda: apply(name, self)


def head(number: object) -> float:
    """The float that a number is an infinitesimal away from."""
    while isinstance(number, Multicomplex):
        number = number.real
    return operator.index(number) if isinstance(number, int) else float(number)  # type: ignore[arg-type]


def apply(name: str, z: Number) -> Number:
    """An elementary function of a number of any level, by its derivative."""
    if not isinstance(z, Multicomplex):
        with np.errstate(all="ignore"):
            return float(getattr(np, name)(z))
    return Multicomplex(apply(name, z.real), RULES[name](z.real) * z.imag, z.level)


def _fn(name: str) -> Rule:
    return lambda z: apply(name, z)


sin, cos, exp, sinh, cosh, sqrt, tan, tanh = map(
    _fn, ("sin", "cos", "exp", "sinh", "cosh", "sqrt", "tan", "tanh")
)

# The derivative of each function, in numbers of the level below.
RULES: dict[str, Rule] = {
    "sin": cos,
    "cos": lambda z: -sin(z),
    "tan": lambda z: 1.0 + tan(z) * tan(z),
    "arcsin": lambda z: 1.0 / sqrt(1.0 - z * z),
    "arccos": lambda z: -1.0 / sqrt(1.0 - z * z),
    "arctan": lambda z: 1.0 / (1.0 + z * z),
    "sinh": cosh,
    "cosh": sinh,
    "tanh": lambda z: 1.0 - tanh(z) * tanh(z),
    "arcsinh": lambda z: 1.0 / sqrt(z * z + 1.0),
    "arccosh": lambda z: 1.0 / sqrt(z * z - 1.0),
    "arctanh": lambda z: 1.0 / (1.0 - z * z),
    "exp": exp,
    "exp2": lambda z: float(np.log(2.0)) * apply("exp2", z),
    "expm1": exp,
    "log": lambda z: 1.0 / z,
    "log2": lambda z: 1.0 / (float(np.log(2.0)) * z),
    "log10": lambda z: 1.0 / (float(np.log(10.0)) * z),
    "log1p": lambda z: 1.0 / (1.0 + z),
    "sqrt": lambda z: 0.5 / sqrt(z),
    "cbrt": lambda z: apply("cbrt", z) / (3.0 * z),
    "square": lambda z: 2.0 * z,
    "reciprocal": lambda z: -1.0 / (z * z),
}


def lifted(x: float, seeds: Sequence[float]) -> Number:
    """``x + seeds[0] i_1 + seeds[1] i_2 + ...``."""
    number: Number = x
    for level, seed in enumerate(seeds, start=1):
        zero: Number = 0.0
        for below in range(1, level):
            zero = Multicomplex(zero, 0.0 * zero, below)
        number = Multicomplex(number, zero + seed, level)
    return number


def coefficient(number: object, levels: int) -> float:
    """The coefficient of ``i_1 i_2 ... i_levels``; 0 for a plain number, which depends on none."""
    for _ in range(levels):
        if not isinstance(number, Multicomplex):
            return 0.0
        number = number.imag
    return head(number)
