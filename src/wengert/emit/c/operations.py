"""How each op of numbers is written in C.

Operands come as texts, converted: to the type of the result (``result``), to the type that holds all of
them (``common``), or to truth values (``truth``). What stands here is what ``op.evaluate`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from wengert.emit.c.helpers import helper_name, helper_text
from wengert.emit.c.text import (
    AND,
    ATOM,
    CHOICE,
    COMPARE,
    EQUAL,
    OR,
    PRODUCT,
    UNARY,
    Text,
    at_least,
    called,
    ctype,
    joined,
)
from wengert.lower.nest import Unsupported

__all__ = [
    "OPERATIONS",
    "Operation",
    "Used",
    "choice",
    "combined",
    "converted",
    "is_float",
    "negated",
    "whole_power",
]

Operands = Literal["result", "common", "truth"]


@dataclass
class Used:
    """What a file needs besides its own code: helpers, by name and dtype."""

    helpers: dict[tuple[str, str], None] = field(default_factory=dict)

    def helper(self, name: str, dtype: str, *args: Text) -> Text:
        """A call of a helper, which the file then brings."""
        helper_text(name, dtype)  # refuses what there is not
        self.helpers[name, dtype] = None
        return called(helper_name(name, dtype), *args)


Write = Callable[..., Text]  # (used, dtype of the operands, *operands) -> text


class Operation(NamedTuple):
    operands: Operands
    write: Write


OPERATIONS: Final[dict[str, Operation]] = {}


def _on(*names: str, operands: Operands = "result") -> Callable[[Write], Write]:
    def register(write: Write) -> Write:
        for name in names:
            OPERATIONS[name] = Operation(operands, write)
        return write

    return register


def is_float(dtype: str) -> bool:
    return dtype.startswith("float")


def library(name: str, dtype: str, *args: Text) -> Text:
    """A function of C's mathematics."""
    if not is_float(dtype):
        raise Unsupported(f"`{name}` of numbers of type {dtype}")
    return called(name if dtype == "float64" else f"{name}f", *args)


# --- conversions ---------------------------------------------------------------------------------------
def converted(used: Used, value: Text, source: str, target: str) -> Text:
    """A number in another type, as NumPy converts it."""
    if source == target:
        return value
    if target == "bool":
        return Text(f"{at_least(value, COMPARE)} != 0", EQUAL)
    if is_float(source) and not is_float(target):
        if source == "float32":
            value = Text(f"(double){at_least(value, UNARY)}", UNARY)
        return used.helper("from_double", target, value)
    return Text(f"({ctype(target)}){at_least(value, UNARY)}", UNARY)


def negated(used: Used, dtype: str, value: Text) -> Text:
    if not is_float(dtype):
        return used.helper("sub", dtype, Text("0"), value)
    text = at_least(value, PRODUCT)
    return Text(f"-{f'({text})' if text.startswith('-') else text}", PRODUCT)


# --- arithmetic ----------------------------------------------------------------------------------------
@_on("div")
def _div(used: Used, dtype: str, a: Text, b: Text) -> Text:
    return joined("/", a, b, PRODUCT)


def whole_power(used: Used, dtype: str, x: Text, exponent: int) -> Text:
    """``x**exponent`` for a small exponent above 0; ``x`` is short where it stands more than once."""
    if exponent <= 3:
        text = at_least(x, UNARY)
        return x if exponent == 1 else Text("*".join([text] * exponent), PRODUCT)
    return used.helper(f"pow{exponent}", dtype, x)


@_on("stop_gradient")
def _same(used: Used, dtype: str, x: Text) -> Text:
    return x


@_on("abs")
def _abs(used: Used, dtype: str, x: Text) -> Text:
    if dtype == "bool":
        return x
    return library("fabs", dtype, x) if is_float(dtype) else used.helper("absolute", dtype, x)


def _helper(name: str, helper: str = "") -> None:
    @_on(name)
    def write(used: Used, dtype: str, *args: Text) -> Text:
        return used.helper(helper or name, dtype, *args)


for _name in (
    "sign", "heaviside", "sigmoid", "softplus", "log_sigmoid", "logaddexp", "logit", "entr", "xlogy",
    "xlog1py", "usinc", "exprel", "log1prel", "cosm1", "ndtr",
):  # fmt: skip
    _helper(_name)
_helper("floordiv", "floor_div")
_helper("mod", "floor_mod")
_helper("left_shift")
_helper("right_shift")


@_on("fmod")
def _fmod(used: Used, dtype: str, a: Text, b: Text) -> Text:
    if is_float(dtype):
        return library("fmod", dtype, a, b)
    return used.helper("remainder", dtype, a, b)


# --- functions of the library ----------------------------------------------------------------------------
def _library(name: str, function: str = "", whole: bool = False) -> None:
    @_on(name)
    def write(used: Used, dtype: str, *args: Text) -> Text:
        if whole and not is_float(dtype):
            return args[0]
        return library(function or name, dtype, *args)


for _name in (
    "sqrt", "cbrt", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan",
    "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2", "hypot", "pow",
    "erf", "erfc", "copysign",
):  # fmt: skip
    _library(_name)
for _name in ("floor", "ceil", "trunc"):
    _library(_name, whole=True)
_library("round", "rint", whole=True)


def _one_over(name: str, below: str) -> None:
    @_on(name)
    def write(used: Used, dtype: str, x: Text) -> Text:
        return joined("/", Text("1"), library(below, dtype, x), PRODUCT)


for _name, _below in {"sec": "cos", "csc": "sin", "cot": "tan"}.items():
    _one_over(_name, _below)


# --- extrema -------------------------------------------------------------------------------------------
def _extremum(name: str, of_truths: str, level: int) -> Write:
    @_on(name)
    def write(used: Used, dtype: str, a: Text, b: Text) -> Text:
        if dtype == "bool":
            return joined(of_truths, a, b, level)
        return used.helper(name, dtype, a, b)

    return write


_maximum = _extremum("maximum", "||", OR)
_minimum = _extremum("minimum", "&&", AND)


@_on("fmax")
def _fmax(used: Used, dtype: str, a: Text, b: Text) -> Text:
    return library("fmax", dtype, a, b) if is_float(dtype) else _maximum(used, dtype, a, b)


@_on("fmin")
def _fmin(used: Used, dtype: str, a: Text, b: Text) -> Text:
    return library("fmin", dtype, a, b) if is_float(dtype) else _minimum(used, dtype, a, b)


# --- comparisons and logic -------------------------------------------------------------------------------
_SWAPPED = {"<": ">", "<=": ">=", "==": "==", "!=": "!="}


def _is_number(text: Text) -> bool:
    return text.text.lstrip("-")[:1].isdigit()


def _is_plain(text: Text) -> bool:
    """Whether a text is a name or a number, which people write on the right."""
    return text.text.isidentifier() or _is_number(text)


def _comparison(name: str, sign: str, level: int) -> None:
    @_on(name, operands="common")
    def write(used: Used, dtype: str, a: Text, b: Text) -> Text:
        shown = sign
        if (_is_plain(a) and not _is_plain(b)) or (_is_number(a) and not _is_number(b)):
            a, b, shown = b, a, _SWAPPED[sign]
        return Text(f"{at_least(a, COMPARE + 1)} {shown} {at_least(b, COMPARE + 1)}", level)


for _name, _sign in {"lt": "<", "le": "<=", "eq": "==", "ne": "!="}.items():
    _comparison(_name, _sign, COMPARE if "<" in _sign else EQUAL)


@_on("logical_and", operands="truth")
def _and(used: Used, dtype: str, a: Text, b: Text) -> Text:
    return Text(f"{_operand(a, AND)} && {_operand(b, AND)}", AND)


@_on("logical_or", operands="truth")
def _or(used: Used, dtype: str, a: Text, b: Text) -> Text:
    return Text(f"{_operand(a, OR)} || {_operand(b, OR)}", OR)


def _operand(text: Text, level: int) -> str:
    """An operand of ``&&`` or ``||``, with brackets around the other of them."""
    return text.text if text.level > AND or text.level == level else f"({text.text})"


@_on("logical_not", operands="truth")
def _not(used: Used, dtype: str, x: Text) -> Text:
    return Text(f"!{at_least(x, UNARY)}", UNARY)


def _bits(name: str, sign: str, of_truths: Write) -> None:
    @_on(name)
    def write(used: Used, dtype: str, a: Text, b: Text) -> Text:
        if dtype == "bool":
            return of_truths(used, dtype, a, b)
        return Text(f"({at_least(a, ATOM)} {sign} {at_least(b, ATOM)})")


def _differ(used: Used, dtype: str, a: Text, b: Text) -> Text:
    return Text(f"{at_least(a, ATOM)} != {at_least(b, ATOM)}", EQUAL)


_bits("bitwise_and", "&", _and)
_bits("bitwise_or", "|", _or)
_bits("bitwise_xor", "^", _differ)


@_on("bitwise_not")
def _bitwise_not(used: Used, dtype: str, x: Text) -> Text:
    return _not(used, dtype, x) if dtype == "bool" else Text(f"~{at_least(x, UNARY)}", UNARY)


# --- floats as such --------------------------------------------------------------------------------------
def _asked(name: str, of_others: str) -> None:
    @_on(name, operands="common")
    def write(used: Used, dtype: str, x: Text) -> Text:
        return called(name, x) if is_float(dtype) else Text(of_others)


for _name, _answer in {"isnan": "false", "isinf": "false", "isfinite": "true"}.items():
    _asked(_name, _answer)


@_on("binary_exponent", operands="common")
def _binary_exponent(used: Used, dtype: str, x: Text) -> Text:
    if not is_float(dtype):
        x, dtype = converted(used, x, dtype, "float64"), "float64"
    exponent = used.helper("binary_exponent", dtype, x)
    return Text(f"(int32_t){at_least(exponent, UNARY)}", UNARY)


_helper("ldexp", "scaled_by")


def _same_bits(name: str, dtype: str) -> None:
    @_on(name, operands="common")
    def write(used: Used, _: str, x: Text) -> Text:
        return used.helper(name, dtype, x)


_same_bits("bits_of_float", "int64")
_same_bits("float_of_bits", "float64")


# --- what accumulations do -------------------------------------------------------------------------------
_FLOAT_SIGNS = {"add": ("+", "+="), "mul": ("*", "*=")}


def combined(used: Used, dtype: str, how: str, target: str, value: Text) -> str:
    """The statement that combines what is there with a value."""
    if how in ("and", "or") or dtype == "bool":
        both = how in ("and", "mul", "minimum")
        write = _and if both else _or
        return f"{target} = {write(used, dtype, Text(target), value).text};"
    if is_float(dtype) and how in _FLOAT_SIGNS:
        if how == "add" and value.level == PRODUCT and value.text.startswith("-"):
            return f"{target} -= {value.text[1:]};"
        return f"{target} {_FLOAT_SIGNS[how][1]} {value.text};"
    return f"{target} = {used.helper(how, dtype, Text(target), value).text};"


def choice(condition: Text, yes: Text, no: Text) -> Text:
    """``condition ? yes : no``."""
    parts = [at_least(t, OR) for t in (condition, yes)]
    return Text(f"{parts[0]} ? {parts[1]} : {at_least(no, CHOICE)}", CHOICE)
