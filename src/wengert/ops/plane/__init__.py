"""Complex numbers in terms of real ones, for machines that have none: the field ``parts`` of records.

A function here takes complex numbers as `Pair` and real ones as they are, and returns a `Pair`, or one real
number where the result is real. It does what NumPy does, which computes by the rules of C99 (annex G) and its
own for quotients and powers: also where parts are infinite, NaN or zeros with signs, and where intermediate
results would leave the range of floats.

Records of real functions are looked up by name, as most of them name a function from here in turn.
"""

from wengert.ops.plane.arithmetic import (
    angle,
    both,
    cast,
    conj,
    either,
    equal,
    from_parts,
    imag,
    kind,
    modulus,
    neither,
    phase,
    product,
    quotient,
    real,
    total,
    truth,
    unequal,
    where,
)
from wengert.ops.plane.exponential import exp, exp2, expm1, log, log1p, log2, log10, power, sqrt
from wengert.ops.plane.helpers import typed
from wengert.ops.plane.pairs import Pair, paired
from wengert.ops.plane.trigonometric import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atanh,
    cos,
    cosh,
    cot,
    csc,
    sec,
    sin,
    sinh,
    tan,
    tanh,
)

__all__ = [
    "Pair",
    "acos",
    "acosh",
    "angle",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "both",
    "cast",
    "conj",
    "cos",
    "cosh",
    "cot",
    "csc",
    "either",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "from_parts",
    "imag",
    "kind",
    "log",
    "log1p",
    "log2",
    "log10",
    "modulus",
    "neither",
    "paired",
    "phase",
    "power",
    "product",
    "quotient",
    "real",
    "sec",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "total",
    "truth",
    "typed",
    "unequal",
    "where",
]
