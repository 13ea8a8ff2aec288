"""What is known of a value: a set of bits that ops pass upwards.

A missing bit means *unknown*, never *false*. Facts on symbols are the user's assumptions; they are part
of the symbol, so that ``x`` and a positive ``x`` are two symbols.
"""

from __future__ import annotations

from collections.abc import Iterable

from wengert.errors import TypeMismatchError, nearest, worded

__all__ = [
    "DIAGONAL",
    "FACTS",
    "FINITE",
    "INTEGER",
    "NEGATIVE",
    "NONE",
    "NONNEGATIVE",
    "NONPOSITIVE",
    "NONZERO",
    "ORTHOGONAL",
    "PD",
    "POSITIVE",
    "PSD",
    "SYMMETRIC",
    "closed",
    "fact_bits",
    "fact_names",
]

NONE = 0
INTEGER = 1
NONNEGATIVE = 2
NONPOSITIVE = 4
NONZERO = 8
FINITE = 16
SYMMETRIC = 32
PSD = 64
PD = 128
ORTHOGONAL = 256
DIAGONAL = 512
POSITIVE = NONNEGATIVE | NONZERO
NEGATIVE = NONPOSITIVE | NONZERO

FACTS: dict[str, int] = {
    "real": NONE,  # the default: named so that it may be said
    "integer": INTEGER,
    "nonnegative": NONNEGATIVE,
    "nonpositive": NONPOSITIVE,
    "nonzero": NONZERO,
    "finite": FINITE,
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "symmetric": SYMMETRIC,
    "psd": PSD | SYMMETRIC,
    "pd": PD | PSD | SYMMETRIC,
    "orthogonal": ORTHOGONAL,
    "diagonal": DIAGONAL | SYMMETRIC,
}


def closed(bits: int) -> int:
    """The bits with all that they imply."""
    if bits & PD:
        bits |= PSD
    if bits & (PSD | DIAGONAL):
        bits |= SYMMETRIC
    return bits


def fact_bits(names: Iterable[str]) -> int:
    """The bits of named assumptions.

    Raises:
        TypeMismatchError: an unknown assumption; the message suggests the nearest.
    """
    bits = NONE
    for name in names:
        if name not in FACTS:
            raise TypeMismatchError(
                worded(
                    f"assumption `{name}`",
                    expected=f"one of {', '.join(FACTS)}",
                    hint=nearest(name, FACTS),
                )
            )
        bits |= FACTS[name]
    return closed(bits)


def fact_names(bits: int) -> tuple[str, ...]:
    """The fewest names that say all the bits, strongest first."""
    names: list[str] = []
    left = bits
    for name in sorted(FACTS, key=lambda n: -FACTS[n].bit_count()):
        value = FACTS[name]
        if value and bits & value == value and left & value:
            names.append(name)
            left &= ~value
    return tuple(sorted(names))
