"""How each op of numbers is written as instructions, for one lane and for many.

Operands come converted: to the type of the result (``result``), to the type that holds all of them
(``common``), or to truth values (``truth``). What stands here is what ``op.evaluate`` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from wengert.lower.nest import Call, Unsupported
from wengert.native import mathematics
from wengert.native.text import DOUBLE, Function, Kind
from wengert.native.vecmath import BINARY, LIBRARY_WHEN_SCALAR, MACROS

__all__ = ["PRIMITIVES", "Primitive", "Writer", "combined", "identity", "integer_power", "on"]

Operands = Literal["result", "common", "truth"]


@dataclass
class Writer:
    """The function that is being written, and how freely.

    ``imports`` collects names of C's library, ``routines`` those of BLAS and LAPACK with the library,
    ``hosts`` the calls of Python.
    """

    f: Function
    fast: bool = True
    imports: set[str] = field(default_factory=set)
    # Whether functions of single numbers are called rather than inlined, outside of loops and in them.
    calls: bool = False
    calls_in_loops: bool = False
    depth: int = 0  # loops around what is being written
    looped: int = 0  # lines in loops
    routines: set[tuple[str, str]] = field(default_factory=set)
    hosts: list[Call] = field(default_factory=list)

    @property
    def flags(self) -> str:
        """What the user's arithmetic may be rearranged by, apart from sums of a loop.

        Those are rearranged when they are written. With ``reassoc`` sums that compensate for their own
        rounding would lose what they are for; with ``nsz`` and ``contract`` LLVM takes time that grows
        as the square of the length of a chain ``(a*x + b)*x + c ...``: 4 s for 5000 links.
        """
        return "arcp contract " if self.fast else ""

    def of(self, kind: Kind) -> str:
        """The flags of arithmetic on a kind."""
        return self.flags if kind.is_float else ""

    def function(self, name: str, kind: Kind, *args: str) -> str:
        """A function of C's mathematics: a macro, or a call where that is faster."""
        f = self.f
        calls = self.calls_in_loops if self.depth else self.calls
        if calls and kind.lanes == 1 and name in mathematics.CALLED:
            self.imports.add(mathematics.symbol(name, kind))
            return mathematics.written(f, name, kind, *args)
        if kind.lanes > 1 or name not in LIBRARY_WHEN_SCALAR:
            return MACROS[name](f, *args, kind)
        self.imports.add(name)
        f.module.declare(name, ", ".join(["double"] * len(args)), "double", "nounwind memory(none)")
        if kind is not DOUBLE:
            args = tuple([f.convert("fpext", kind, a, DOUBLE) for a in args])
        value = f.call("double", name, [("double", a) for a in args], pure=True)
        return value if kind is DOUBLE else f.convert("fptrunc", DOUBLE, value, kind)


Write = Callable[..., str]  # (writer, kind of the operands, *operands) -> value


class Primitive(NamedTuple):
    operands: Operands
    write: Write


PRIMITIVES: Final[dict[str, Primitive]] = {}


def on(*names: str, operands: Operands = "result") -> Callable[[Write], Write]:
    def register(write: Write) -> Write:
        for name in names:
            PRIMITIVES[name] = Primitive(operands, write)
        return write

    return register


# --- arithmetic ----------------------------------------------------------------------------------------
@on("div")
def _div(w: Writer, k: Kind, a: str, b: str) -> str:
    return w.f.div(k, a, b, w.of(k))


def integer_power(w: Writer, k: Kind, x: str, exponent: int) -> str:
    """``x**exponent`` by repeated squaring, for an exponent above 0."""
    power, square = "", x
    while True:
        if exponent & 1:
            power = w.f.mul(k, power, square, w.of(k)) if power else square
        exponent >>= 1
        if not exponent:
            return power
        square = w.f.mul(k, square, square, w.of(k))


@on("abs")
def _abs(w: Writer, k: Kind, x: str) -> str:
    if k.is_float:
        return w.f.intrinsic("fabs", k, x)
    if k.mask is k:
        return x
    return w.f.select(k, w.f.compare(k, "slt", x, k.constant(0)), w.f.neg(k, x), x)


@on("sign")
def _sign(w: Writer, k: Kind, x: str) -> str:
    if k.mask is k:
        raise Unsupported("`sign` of truth values", "sign")
    f, zero, less, unequal = w.f, k.constant(0), *(("olt", "une") if k.is_float else ("slt", "ne"))
    one = f.select(k, f.compare(k, less, x, zero), k.constant(-1), k.constant(1))
    value = f.select(k, f.compare(k, unequal, x, zero), one, zero)
    return f.select(k, f.compare(k, "uno", x, x), x, value) if k.is_float else value


def _rounding(name: str, intrinsic: str) -> None:
    @on(name)
    def write(w: Writer, k: Kind, x: str) -> str:
        return w.f.intrinsic(intrinsic, k, x) if k.is_float else x


for _name, _intrinsic in {
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "round": "rint",
}.items():
    _rounding(_name, _intrinsic)


# --- division with rest: npy_divmod of NumPy's npy_math_internal.h.src ---------------------------------
def _integer_parts(w: Writer, k: Kind, a: str, b: str) -> tuple[str, str, str]:
    """Quotient towards zero, rest, and whether the floor is one less; divisors 0 and -1 do not trap."""
    if k.mask is k:
        raise Unsupported("division of truth values")
    f, zero = w.f, k.constant(0)
    hard = f.compare(k, "ult", f.add(k, b, k.constant(1)), k.constant(2))  # 0 or -1
    safe = f.select(k, hard, k.constant(1), b)
    quotient, rest = f.div(k, a, safe), f.binary("srem", k, a, safe)
    differ = f.compare(k, "slt", f.binary("xor", k, rest, b), zero)
    below = f.binary("and", k.mask, differ, f.compare(k, "ne", rest, zero))
    return quotient, rest, below


@on("floordiv")
def _floordiv(w: Writer, k: Kind, a: str, b: str) -> str:
    f, zero, one = w.f, k.constant(0), k.constant(1)
    if not k.is_float:
        quotient, _, below = _integer_parts(w, k, a, b)
        value = f.select(k, below, f.sub(k, quotient, one), quotient)
        value = f.select(k, f.compare(k, "eq", b, k.constant(-1)), f.neg(k, a), value)
        return f.select(k, f.compare(k, "eq", b, zero), zero, value)
    rest = f.binary("frem", k, a, b)
    quotient = f.div(k, f.sub(k, a, rest), b)
    quotient = f.select(k, _wrong_side(f, k, rest, b), f.sub(k, quotient, one), quotient)
    whole = f.intrinsic("floor", k, quotient)
    late = f.compare(k, "ogt", f.sub(k, quotient, whole), k.constant(0.5))
    whole = f.select(k, late, f.add(k, whole, one), whole)
    plain = f.div(k, a, b)
    signed = f.intrinsic("copysign", k, zero, plain)
    value = f.select(k, f.compare(k, "oeq", quotient, zero), signed, whole)
    return f.select(k, f.compare(k, "oeq", b, zero), plain, value)


@on("mod")
def _mod(w: Writer, k: Kind, a: str, b: str) -> str:
    f, zero = w.f, k.constant(0)
    if not k.is_float:
        _, rest, below = _integer_parts(w, k, a, b)
        return f.select(k, below, f.add(k, rest, b), rest)
    rest = f.binary("frem", k, a, b)
    value = f.select(k, _wrong_side(f, k, rest, b), f.add(k, rest, b), rest)
    at_zero = f.intrinsic("copysign", k, zero, b)
    value = f.select(k, f.compare(k, "oeq", rest, zero), at_zero, value)
    return f.select(k, f.compare(k, "oeq", b, zero), rest, value)


def _wrong_side(f: Function, k: Kind, rest: str, b: str) -> str:
    """Whether the rest is not zero and has not the sign of the divisor."""
    zero = k.constant(0)
    below, negative = f.compare(k, "olt", rest, zero), f.compare(k, "olt", b, zero)
    differ = f.binary("xor", k.mask, below, negative)
    return f.binary("and", k.mask, differ, f.compare(k, "une", rest, zero))


@on("fmod")
def _fmod(w: Writer, k: Kind, a: str, b: str) -> str:
    return w.f.binary("frem", k, a, b) if k.is_float else _integer_parts(w, k, a, b)[1]


# --- comparisons, logic, selection ---------------------------------------------------------------------
def _comparison(name: str, of_floats: str, of_integers: str, of_truths: str) -> None:
    @on(name, operands="common")
    def write(w: Writer, k: Kind, a: str, b: str) -> str:
        word = of_floats if k.is_float else of_truths if k.mask is k else of_integers
        return w.f.compare(k, word, a, b)


_comparison("lt", "olt", "slt", "ult")
_comparison("le", "ole", "sle", "ule")
_comparison("eq", "oeq", "eq", "eq")
_comparison("ne", "une", "ne", "ne")


def _binary(name: str, opcode: str, operands: Operands) -> None:
    @on(name, operands=operands)
    def write(w: Writer, k: Kind, a: str, b: str) -> str:
        return w.f.binary(opcode, k, a, b)


_binary("logical_and", "and", "truth")
_binary("logical_or", "or", "truth")
_binary("bitwise_and", "and", "result")
_binary("bitwise_or", "or", "result")
_binary("bitwise_xor", "xor", "result")


@on("logical_not", operands="truth")
@on("bitwise_not")
def _not(w: Writer, k: Kind, x: str) -> str:
    return w.f.binary("xor", k, x, k.constant(1 if k.mask is k else -1))


@on("maximum")
def _maximum(w: Writer, k: Kind, a: str, b: str) -> str:
    return _extremum(w, k, a, b, "maximum", "smax", "or")


@on("minimum")
def _minimum(w: Writer, k: Kind, a: str, b: str) -> str:
    return _extremum(w, k, a, b, "minimum", "smin", "and")


def _extremum(w: Writer, k: Kind, a: str, b: str, floats: str, integers: str, truths: str) -> str:
    if k.mask is k:
        return w.f.binary(truths, k, a, b)
    return w.f.intrinsic(floats if k.is_float else integers, k, a, b)


@on("fmax")
def _fmax(w: Writer, k: Kind, a: str, b: str) -> str:
    return w.f.intrinsic("maxnum", k, a, b) if k.is_float else _maximum(w, k, a, b)


@on("fmin")
def _fmin(w: Writer, k: Kind, a: str, b: str) -> str:
    return w.f.intrinsic("minnum", k, a, b) if k.is_float else _minimum(w, k, a, b)


# --- floats as such ------------------------------------------------------------------------------------
@on("isnan", operands="common")
def _isnan(w: Writer, k: Kind, x: str) -> str:
    return w.f.compare(k, "uno", x, x) if k.is_float else k.mask.constant(False)


@on("isinf", operands="common")
def _isinf(w: Writer, k: Kind, x: str) -> str:
    if not k.is_float:
        return k.mask.constant(False)
    return w.f.compare(k, "oeq", w.f.intrinsic("fabs", k, x), k.constant(math.inf))


@on("isfinite", operands="common")
def _isfinite(w: Writer, k: Kind, x: str) -> str:
    if not k.is_float:
        return k.mask.constant(True)
    return w.f.compare(k, "one", w.f.intrinsic("fabs", k, x), k.constant(math.inf))


@on("copysign")
def _copysign(w: Writer, k: Kind, a: str, b: str) -> str:
    return w.f.intrinsic("copysign", k, a, b)


# --- functions -----------------------------------------------------------------------------------------
@on("sqrt")
def _sqrt(w: Writer, k: Kind, x: str) -> str:
    return w.f.intrinsic("sqrt", k, x)


def _named(name: str) -> None:
    @on(name)
    def write(w: Writer, k: Kind, *args: str) -> str:
        return w.function(name, k, *args)


for _name in (*(set(MACROS) - BINARY), "atan2", "hypot", "pow"):
    _named(_name)


def _one_over(name: str, below: str) -> None:
    @on(name)
    def write(w: Writer, k: Kind, x: str) -> str:
        return w.f.div(k, k.constant(1), w.function(below, k, x))


for _name, _below in {"sec": "cos", "csc": "sin", "cot": "tan"}.items():
    _one_over(_name, _below)


@on("heaviside")
def _heaviside(w: Writer, k: Kind, x: str) -> str:
    """0, 1/2 at 0, 1."""
    f, zero = w.f, k.constant(0)
    if not k.is_float:
        raise Unsupported("`heaviside` of integers", "heaviside")
    value = f.select(k, f.compare(k, "olt", x, zero), zero, k.constant(1))
    value = f.select(k, f.compare(k, "oeq", x, zero), k.constant(0.5), value)
    return f.select(k, f.compare(k, "uno", x, x), x, value)


def _over_argument(name: str, above: str, at_infinity: float) -> None:
    @on(name)
    def write(w: Writer, k: Kind, x: str) -> str:
        """A function over its argument, which is 1 at 0 and has a limit at infinity."""
        f = w.f
        value = f.div(k, w.function(above, k, x), x)
        value = f.select(k, f.compare(k, "oeq", x, k.constant(0)), k.constant(1), value)
        far = f.compare(k, "oeq", x, k.constant(math.inf))
        if name == "usinc":
            far = PRIMITIVES["isinf"].write(w, k, x)
        return f.select(k, far, k.constant(at_infinity), value)


_over_argument("usinc", "sin", 0.0)
_over_argument("log1prel", "log1p", 0.0)
_over_argument("exprel", "expm1", math.inf)


def _zero_times(name: str, log: str) -> None:
    @on(name)
    def write(w: Writer, k: Kind, x: str, y: str) -> str:
        """``x*log(y)``, and 0 where x is 0 unless y is NaN."""
        f, zero = w.f, k.constant(0)
        nothing = f.compare(k, "oeq", x, zero)
        ordered = f.compare(k, "ord", y, y)
        product = f.mul(k, x, w.function(log, k, y))
        return f.select(k, f.binary("and", k.mask, nothing, ordered), zero, product)


_zero_times("xlogy", "log")
_zero_times("xlog1py", "log1p")


@on("logaddexp")
def _logaddexp(w: Writer, k: Kind, x: str, y: str) -> str:
    f = w.f
    gap = f.neg(k, f.intrinsic("fabs", k, f.sub(k, x, y)))
    more = w.function("log1p", k, w.function("exp", k, gap))
    larger = f.intrinsic("maximum", k, x, y)
    same = f.compare(k, "oeq", x, y)  # both may be infinite
    return f.add(k, larger, f.select(k, same, k.constant(math.log(2)), more))


@on("logit")
def _logit(w: Writer, k: Kind, x: str) -> str:
    f = w.f
    return w.function("log", k, f.div(k, x, f.sub(k, k.constant(1), x)))


@on("entr")
def _entr(w: Writer, k: Kind, x: str) -> str:
    f, zero = w.f, k.constant(0)
    value = f.neg(k, f.mul(k, x, w.function("log", k, x)))
    value = f.select(k, f.compare(k, "oeq", x, zero), zero, value)
    return f.select(k, f.compare(k, "olt", x, zero), k.constant(-math.inf), value)


@on("ndtr")
def _ndtr(w: Writer, k: Kind, x: str) -> str:
    f = w.f
    scaled = f.mul(k, x, k.constant(-math.sqrt(0.5)))
    return f.mul(k, k.constant(0.5), w.function("erfc", k, scaled))


@on("cosm1")
def _cosm1(w: Writer, k: Kind, x: str) -> str:
    """``-2 sin(x/2)**2``, and 0.0 at 0."""
    f = w.f
    sine = w.function("sin", k, f.mul(k, x, k.constant(0.5)))
    return f.add(k, f.mul(k, k.constant(-2), f.mul(k, sine, sine)), k.constant(0))


# --- what accumulations do -----------------------------------------------------------------------------
def combined(w: Writer, k: Kind, how: str, a: str, b: str) -> str:
    """Two partial results of an accumulation as one."""
    match how:
        case "add":
            return w.f.binary("or", k, a, b) if k.mask is k else w.f.add(k, a, b, w.of(k))
        case "mul":
            return w.f.binary("and", k, a, b) if k.mask is k else w.f.mul(k, a, b, w.of(k))
        case "maximum" | "minimum":
            return PRIMITIVES[how].write(w, k, a, b)
        case _:
            return w.f.binary(how, k, a, b)


def identity(k: Kind, how: str) -> str:
    """What changes nothing when it is combined."""
    if how in ("maximum", "minimum"):
        sign = -1 if how == "maximum" else 1
        if k.is_float:
            return k.constant(sign * math.inf)
        if k.mask is k:
            return k.constant(sign > 0)
        return k.constant(-(1 << 8 * k.bytes - 1) if sign < 0 else (1 << 8 * k.bytes - 1) - 1)
    if how == "and":
        return k.constant(1 if k.mask is k else -1)
    return k.constant(1 if how == "mul" else -0.0 if how == "add" and k.is_float else 0)
