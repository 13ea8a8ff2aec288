"""Arithmetic of one kind on a function's text, in which numbers stand for themselves."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.native.text import Function, Kind

__all__ = ["Lanes", "Value"]

Value = str | float
"""The name of a value, or a number for all lanes."""


SPLIT_FROM = 7  # coefficients; shorter polynomials do not gain


class Lanes:
    """The operations of one float kind; nothing is rearranged, so that error terms survive.

    ``a + b`` is ``add(a, b)``. Integers, as in ``bits`` and the ``int_`` operations, have the same width.
    """

    __slots__ = ("bias", "double", "fraction", "function", "integer", "kind", "magic")

    def __init__(self, function: Function, kind: Kind) -> None:
        self.function = function
        self.kind = kind
        self.integer = kind.integer
        self.double = kind.element == "double"
        self.fraction = 52 if self.double else 23  # bits after the binary point
        self.bias = 1023 if self.double else 127
        # Added to a number, it leaves the nearest integer in the low bits: 1.5 * 2^52 or 2^23.
        self.magic = 1.5 * 2.0**self.fraction

    @property
    def has_fma(self) -> bool:
        return self.function.module.has_fma

    @property
    def has_tables(self) -> bool:
        """Whether a whole register is looked up and scaled by one instruction each (AVX-512)."""
        return self.function.module.has_avx512 and self.kind.lanes * self.kind.bytes == 64

    def either(self, double: float, single: float) -> float:
        """A constant that differs between the two formats."""
        return double if self.double else single

    def name(self, a: Value) -> str:
        return a if isinstance(a, str) else self.kind.constant(a)

    # --- floats ------------------------------------------------------------------------------------------
    def add(self, a: Value, b: Value) -> str:
        return self.function.add(self.kind, self.name(a), self.name(b))

    def sub(self, a: Value, b: Value) -> str:
        return self.function.sub(self.kind, self.name(a), self.name(b))

    def mul(self, a: Value, b: Value) -> str:
        return self.function.mul(self.kind, self.name(a), self.name(b))

    def div(self, a: Value, b: Value) -> str:
        return self.function.div(self.kind, self.name(a), self.name(b))

    def neg(self, a: str) -> str:
        return self.function.neg(self.kind, a)

    def fma(self, a: Value, b: Value, c: Value) -> str:
        return self.function.fma(self.kind, self.name(a), self.name(b), self.name(c))

    def polynomial(self, x: str, coefficients: Sequence[float]) -> str:
        """``c[0] + x*(c[1] + ...)``; the rest of a long one in two halves that do not wait for each other."""
        first, *rest = coefficients
        if not rest:
            return self.name(first)
        if len(rest) < SPLIT_FROM:
            return self.fma(self.polynomial(x, rest), x, first)
        square = self.mul(x, x)
        even, odd = self.polynomial(square, rest[::2]), self.polynomial(square, rest[1::2])
        return self.fma(self.fma(odd, x, even), x, first)

    def intrinsic(self, name: str, *operands: Value) -> str:
        return self.function.intrinsic(name, self.kind, *map(self.name, operands))

    def abs(self, a: str) -> str:
        return self.intrinsic("fabs", a)

    def sqrt(self, a: str) -> str:
        return self.intrinsic("sqrt", a)

    def with_sign(self, magnitude: Value, sign: str) -> str:
        """``magnitude`` with the sign of the other."""
        return self.intrinsic("copysign", magnitude, sign)

    def compare(self, predicate: str, a: Value, b: Value) -> str:
        return self.function.compare(self.kind, predicate, self.name(a), self.name(b))

    def select(self, condition: str, yes: Value, no: Value) -> str:
        return self.function.select(self.kind, condition, self.name(yes), self.name(no))

    def at_most(self, a: str, bound: float) -> str:
        """The smaller one; NaN stays."""
        return self.select(self.compare("ogt", a, bound), bound, a)

    def at_least(self, a: str, bound: float) -> str:
        """The greater one; NaN stays."""
        return self.select(self.compare("olt", a, bound), bound, a)

    # --- conditions --------------------------------------------------------------------------------------
    def both(self, a: str, b: str) -> str:
        return self.function.binary("and", self.kind.mask, a, b)

    def one_of(self, a: str, b: str) -> str:
        return self.function.binary("or", self.kind.mask, a, b)

    # --- bits --------------------------------------------------------------------------------------------
    def bits(self, a: Value) -> str:
        """A float's bits as an integer."""
        return self.function.convert("bitcast", self.kind, self.name(a), self.integer)

    def from_bits(self, a: str) -> str:
        return self.function.convert("bitcast", self.integer, a, self.kind)

    def int_(self, opcode: str, a: str | int, b: str | int) -> str:
        """An operation on integers: ``add sub and or xor shl lshr ashr``."""
        left = a if isinstance(a, str) else self.integer.constant(a)
        right = b if isinstance(b, str) else self.integer.constant(b)
        return self.function.binary(opcode, self.integer, left, right)

    def int_compare(self, predicate: str, a: str, b: int) -> str:
        return self.function.compare(self.integer, predicate, a, self.integer.constant(b))

    def with_sign_bit(self, magnitude: str, bit: str) -> str:
        """Turn the sign where the highest bit of an integer is set."""
        return self.from_bits(self.int_("xor", self.bits(magnitude), bit))

    # --- where there are tables ----------------------------------------------------------------------------
    def looked_up(self, table: Sequence[float], bits: str) -> str:
        """The entry of a table as long as there are lanes, by the low bits of integers."""
        name = f"llvm.x86.avx512.permvar.{'df' if self.double else 'sf'}.512"
        kind, index = self.kind.text, self.integer.text
        self.function.module.declare(name, f"{kind}, {index}", kind)
        entries = self.kind.listed(table)
        return self.function.pure(f"call {kind} @{name}({kind} {entries}, {index} {bits})")

    def times_power_of_two(self, a: str, exponent: str) -> str:
        """``a * 2**floor(exponent)``, rounded once."""
        name = f"llvm.x86.avx512.mask.scalef.p{'d' if self.double else 's'}.512"
        kind, mask = self.kind.text, f"i{self.kind.lanes}"
        self.function.module.declare(name, f"{kind}, {kind}, {kind}, {mask}, i32", kind)
        # No lane is left out, and rounding is as it is set.
        left = f"{kind} zeroinitializer, {mask} -1, i32 4"
        return self.function.pure(f"call {kind} @{name}({kind} {a}, {kind} {exponent}, {left})")

    # --- integers as floats --------------------------------------------------------------------------------
    def rounded(self, a: Value, factor: float) -> tuple[str, str]:
        """The integer nearest to ``a*factor``: as a float, and as bits whose low half is the integer."""
        shifted = self.fma(a, factor, self.magic)
        return self.sub(shifted, self.magic), self.bits(shifted)

    def whole_part(self, a: str) -> str:
        """The integer nearest to a number that is not negative; NaN stays."""
        bound = 2.0**self.fraction
        near = self.sub(self.add(a, bound), bound)
        return self.select(self.compare("olt", a, bound), near, a)

    def low_half(self, bits: str) -> str:
        """The integer in the low half of the bits of `rounded`, with its sign."""
        half = 32 if self.double else 16
        return self.int_("ashr", self.int_("shl", bits, half), half)

    def as_float(self, integer: str) -> str:
        """A small integer as a float, without the conversion that many targets lack."""
        shifted = self.int_(
            "add", integer, (self.bias + self.fraction << self.fraction) | (1 << self.fraction - 1)
        )
        return self.sub(self.from_bits(shifted), self.magic)

    def power_of_two(self, exponent: str) -> str:
        """``2**n`` of an integer whose power is a normal number."""
        biased = self.int_("add", exponent, self.bias)
        return self.from_bits(self.int_("shl", biased, self.fraction))

    # --- error terms --------------------------------------------------------------------------------------
    def two_sum(self, a: Value, b: Value) -> tuple[str, str]:
        """Sum and its rounding error (Knuth 1969)."""
        total = self.add(a, b)
        part = self.sub(total, a)
        return total, self.add(self.sub(a, self.sub(total, part)), self.sub(b, part))

    def fast_two_sum(self, a: Value, b: Value) -> tuple[str, str]:
        """The same where ``a`` is the greater one (Dekker 1971)."""
        total = self.add(a, b)
        return total, self.sub(b, self.sub(total, a))

    def two_product(self, a: Value, b: Value) -> tuple[str, str]:
        """Product and its rounding error; without FMA, for factors that are not huge (Dekker 1971)."""
        product = self.mul(a, b)
        if self.has_fma:
            return product, self.fma(a, b, self.neg(product))
        (ah, al), (bh, bl) = self.split(a), self.split(b)
        error = self.sub(self.mul(ah, bh), product)
        error = self.add(self.add(error, self.mul(ah, bl)), self.mul(al, bh))
        return product, self.add(error, self.mul(al, bl))

    def split(self, a: Value) -> tuple[str, str]:
        """Two halves whose products are exact (Veltkamp 1968)."""
        scaled = self.mul(a, 2.0 ** ((self.fraction + 2) // 2) + 1)
        high = self.sub(scaled, self.sub(scaled, a))
        return high, self.sub(a, high)
