"""What the rules of the grammar do: they call the operators and functions that Python would call."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias, TypeVar

import numpy as np

from wengert.errors import (
    ShapeError,
    TypeMismatchError,
    UnknownNameError,
    WengertError,
    nearest,
    worded,
)
from wengert.frontend.mistakes import Mistake
from wengert.frontend.names import (
    CONSTANTS,
    KEYWORDS,
    Callee,
    callee,
    extent_of,
    function_names,
    load_ops,
    wants_brackets,
)
from wengert.ir.dims import Dim
from wengert.ir.greek import canonical
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import leaves
from wengert.ops.leaves import CONSTANT, SIZE, SYMBOL, const, size, symbol

__all__ = [
    "COMPARED", "REFUSALS", "Actions", "Items", "Option", "Parts", "Reading", "Token", "Value", "as_plain",
]  # fmt: skip

Value: TypeAlias = Any  # an expression, or what only arguments can be: text, a tuple, None, a slice
Token: TypeAlias = Any  # lark's tokens: strings with .start_pos
Parts: TypeAlias = Sequence[Any]  # what a rule of the grammar is made of: values and tokens

T = TypeVar("T")
# What operators raise for operands that do not fit; anything else is a bug and passes through.
REFUSALS = (WengertError, ArithmeticError, ValueError)
COMPARED = {
    "<": ("lt", False), "<=": ("le", False), "≤": ("le", False), "==": ("eq", False),
    ">": ("lt", True), ">=": ("le", True), "≥": ("le", True), "!=": ("ne", False),
    "≠": ("ne", False), "~=": ("ne", False),
}  # fmt: skip


class Option(NamedTuple):
    """A keyword argument of a call."""

    name: str
    value: Value
    position: int


class Reading:
    """What is known while one formula is read.

    ``values``: what each name in the text stands for, declared ones first; ``used``: the declared names that
    occurred; ``new``: symbols that occurred undeclared; ``extents``: names of sizes.
    """

    def __init__(self, declared: Mapping[str, Expr], constants: Mapping[str, Value]) -> None:
        self.declared, self.constants = declared, constants
        self.arrays = any(isinstance(d.type, Type) and d.type.shape for d in declared.values())
        self.values: dict[str, Value] = {}
        self.used: set[str] = set()
        self.new: dict[str, int] = {}
        self.lengths: dict[str, int] = {}
        self.extents = _extent_names(declared.values()) if declared else frozenset[str]()
        self.loose: dict[Expr, Token] = {}

    def value(self, token: Token) -> Value:
        """What a name stands for."""
        name = canonical(str(token))
        if name in self.declared:
            self.used.add(name)
            found: Value = self.declared[name]
        elif name in self.constants:
            found = self.constants[name]
        elif name in self.extents:
            found = size(Dim.named(name))
        else:
            _refuse_reserved(name, token, self.arrays)
            self.new[name] = token.start_pos
            found = symbol(name)
        self.values[str(token)] = found
        return found

    def function(self, token: Token) -> Callee:
        """What a name before a bracket calls."""
        name = canonical(str(token))
        if name in self.declared:
            raise Mistake(
                f"`{token}` is declared as a symbol, and followed by a bracket; "
                f"try: {token}*(...) for a product, {token}[...] for an element",
                token.start_pos,
            )
        try:
            return callee(name)
        except UnknownNameError as error:
            message = f"{error}"
            if not nearest(name, function_names()):
                message += f"; try: {token}*(...) if a product is meant"
            raise Mistake(type(error)(message), token.start_pos) from None


def _refuse_reserved(name: str, token: Token, arrays: bool) -> None:
    if name in KEYWORDS:
        raise Mistake(
            f"`{name}` is a keyword of Python and no symbol; try: {name}_", token.start_pos
        )
    if not name.isidentifier():
        raise Mistake(f"`{token}` is no name; try: {token}(...)", token.start_pos)
    if wants_brackets(name) or (name == "I" and arrays):
        raise Mistake(
            f"`{name}` is a function here; try: {name}(...), or declare a symbol: parse(..., {name}=())",
            token.start_pos,
        )


def _extent_names(declared: Iterable[Expr]) -> frozenset[str]:
    names: set[str] = set()
    for leaf in leaves(declared):
        if isinstance(leaf.type, Type):
            for extent in leaf.type.shape:
                if isinstance(extent, Dim):
                    names |= extent.names
    return frozenset(names)


class _Now(threading.local):
    reading: Reading


class Actions:
    """One method per rule of the grammar; each takes the list of the rule's parts."""

    constants: ClassVar[Mapping[str, Value]] = CONSTANTS

    def __init__(self) -> None:
        load_ops()
        self.now = _Now()

    # --- leaves --------------------------------------------------------------------------------------
    def number(self, parts: Parts) -> Expr:
        """``2``, ``0.5``, ``1e-3``, ``2j``."""
        return _number(parts[0])

    def name(self, parts: Parts) -> Value:
        """A symbol, a constant or a size."""
        token = parts[0]
        reading = self.now.reading
        try:
            return reading.values[token]
        except KeyError:
            return reading.value(token)

    def string(self, parts: Parts) -> str:
        """A text, for arguments."""
        return str(parts[0][1:-1])

    def bracketed(self, parts: Parts) -> Value:
        """A formula in brackets."""
        return parts[0]

    def items(self, parts: Parts) -> Items:
        """The entries of a tuple."""
        return Items(parts)

    # --- calls ---------------------------------------------------------------------------------------
    def arguments(self, parts: Parts) -> Items:
        """The arguments of a call."""
        return Items(parts)

    def called(self, function: Callee, token: Token, given: Sequence[Value]) -> Expr:
        """The result of a function for the given arguments."""
        values: list[Value] = []
        options: dict[str, Value] = {}
        for part in given:
            if part.__class__ is Option:
                _check_option(function, part, options)
                options[part.name] = self.argument(part.value, function.kind(part.name), token)
            elif options:
                raise Mistake(
                    f"`{function.name}`: `{next(iter(options))}=` and other options stand last",
                    token.start_pos,
                )
            else:
                values.append(self.argument(part, function.kind(len(values)), token))
        if len(values) + len(options) < function.least or (
            function.most is not None and len(values) > function.most
        ):
            raise Mistake(TypeMismatchError(_wrong_number(function, len(values))), token.start_pos)
        try:
            return self.applied(function.function, token.start_pos, *values, **options)
        except TypeError as error:  # a text or a tuple where a number is wanted, and the like
            message = worded(f"`{function.name}`", expected=function.usage, got=str(error))
            raise Mistake(TypeMismatchError(message), token.start_pos) from error

    def argument(self, value: Value, kind: str, token: Token) -> Value:
        """An argument as the function wants it: an expression, or for options plain Python values."""
        if not kind:
            return self.operand(value, token.start_pos)
        if kind == "list":
            return value
        if kind == "extent" and value.__class__ is Expr:
            return self.extent(value, token)
        if value.__class__ is tuple:
            if any(v.__class__ is tuple and any(w.__class__ is tuple for w in v) for v in value):
                raise Mistake(f"`{token}`: tuples nested too deeply", token.start_pos)
            return tuple(self.argument(v, kind, token) for v in value)
        return as_plain(value)

    def extent(self, value: Expr, token: Token) -> Value:
        """An extent: a number, a size, or a name that nothing else has."""
        extent = extent_of(value)
        if extent is None:
            raise Mistake(
                ShapeError(
                    worded(
                        f"`{token}`",
                        expected="whole numbers or names of sizes",
                        got="another expression",
                        hint=f"{token}(3), {token}(n)",
                    )
                ),
                token.start_pos,
            )
        for leaf in leaves([value]):
            if leaf.op is SYMBOL:
                self.now.reading.lengths[leaf.attr.name] = token.start_pos
        return extent

    # --- what all of them need -----------------------------------------------------------------------
    def operand(self, value: Value, position: int) -> Expr:
        """The value as an operand.

        Raises:
            Mistake: a text, a tuple, an index or nothing.
        """
        if value.__class__ is Expr:
            return value
        kind = {str: "a text", tuple: "a tuple", type(None): "None"}
        raise Mistake(
            TypeMismatchError(
                worded(
                    "operand",
                    expected="an expression",
                    got=kind.get(type(value), type(value).__name__),
                    hint="[1, 2, 3] for an array of numbers" if isinstance(value, tuple) else "",
                )
            ),
            position,
        )

    def applied(
        self, function: Callable[..., T], position: int, *values: Value, **options: Value
    ) -> T:
        """What a function makes of the values; what it refuses is an error at the given position."""
        try:
            return function(*values, **options)
        except REFUSALS as error:
            raise Mistake(error, position) from error


class Items(tuple[Value, ...]):
    """The entries of a tuple or the arguments of a call, on their way to it."""

    __slots__ = ()


# --- literals and plain values -------------------------------------------------------------------------
def _number(token: Token) -> Expr:
    text = token.replace("_", "")
    try:
        if text[-1] in "jJi":
            return const(complex(0.0, float(text[:-1])))
        if text.isdigit():
            whole = int(text)
            float(whole)  # beyond float64 nothing could be done with it
            return const(whole)
        value = float(text)
    except (ValueError, OverflowError):
        raise Mistake("the number is too large for a float64", token.start_pos) from None
    mantissa = text.lower().partition("e")[0]
    if value in (0.0, math.inf) and mantissa.strip("0.") and value != float(mantissa):
        limit = "large" if value else "small"
        raise Mistake(f"`{token}` is too {limit} for a float64", token.start_pos)
    return const(value)


def as_plain(value: Value) -> Value:
    """Numbers as Python has them; sizes as extents; anything else as it is."""
    if value.__class__ is Expr:
        if value.op is CONSTANT:
            return tuple(value.attr.tolist()) if isinstance(value.attr, np.ndarray) else value.attr
        if value.op is SIZE:
            return value.attr
    return value


def _check_option(function: Callee, option: Option, given: Mapping[str, Value]) -> None:
    if option.name in given:
        raise Mistake(f"`{option.name}=` is given twice", option.position)
    if option.name not in function.options:
        known = sorted(n for n in function.options if function.kinds.get(n))
        raise Mistake(
            TypeMismatchError(
                worded(
                    f"`{function.name}`",
                    expected=f"options among {', '.join(known)}" if known else "no options",
                    got=f"`{option.name}=`",
                    hint=nearest(option.name, known),
                )
            ),
            option.position,
        )


def _wrong_number(function: Callee, given: int) -> str:
    least, most = function.least, function.most
    if most is None:
        count = f"at least {least}"
    else:
        count = str(least) if least == most else f"{least} to {most}"
    plural = "argument" if count == "1" else "arguments"
    return worded(
        f"`{function.name}`", expected=f"{count} {plural}", got=str(given), hint=function.usage
    )
