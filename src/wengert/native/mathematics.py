"""Functions of one number that long programs call, where each inlined would be some forty instructions.

Each is compiled once in a process, well optimised whatever becomes of the programs that call it. ``sin`` and
``cos`` are one function, as a derivative needs both.

>>> name = symbol("cos", DOUBLE)
>>> name, "@wengert.math.sincos.f64(double %x)" in text_of(name)
('wengert.math.sincos.f64', True)
"""

from __future__ import annotations

from functools import cache

from wengert.native import engine
from wengert.native.kinds import DOUBLE, FLOAT, Kind
from wengert.native.text import Function, Module
from wengert.native.vecmath import LIBRARY_WHEN_SCALAR, MACROS, sincos

__all__ = ["CALLED", "PREFIX", "address", "call", "one_of", "symbol", "text_of", "written"]

PREFIX = "wengert.math."

CALLED = frozenset(MACROS) - LIBRARY_WHEN_SCALAR - {"hypot", "atan2"}
"""What may be called; for the rest there are functions of C's library, or it has two arguments."""

_PLACES = {"sin": 0, "cos": 1}
_KINDS = {kind.suffix: kind for kind in (DOUBLE, FLOAT)}


def symbol(name: str, kind: Kind) -> str:
    """The name of a function by that of its op."""
    return f"{PREFIX}{'sincos' if name in _PLACES else name}.{kind.suffix}"


def written(f: Function, name: str, kind: Kind, x: str) -> str:
    """What a call gives."""
    result = _pair(kind) if name in _PLACES else kind.text
    f.module.declare(symbol(name, kind), kind.text, result, "nounwind memory(none)")
    return one_of(f, name, kind, f.pure(call(name, kind, x)))


def call(name: str, kind: Kind, x: str) -> str:
    """The text of a call."""
    result = _pair(kind) if name in _PLACES else kind.text
    return f"call {result} @{symbol(name, kind)}({kind.text} {x})"


def one_of(f: Function, name: str, kind: Kind, given: str) -> str:
    """The value of an op, of what the function gives."""
    return f.field(_pair(kind), given, _PLACES[name]) if name in _PLACES else given


def _pair(kind: Kind) -> str:
    return f"{{ {kind.text}, {kind.text} }}"


def text_of(symbol: str) -> str:
    """LLVM IR of a function."""
    name, suffix = symbol.removeprefix(PREFIX).split(".")
    kind, module = _KINDS[suffix], Module(has_fma=engine.host().fma)
    both, pair = name == "sincos", _pair(kind)
    f = module.function(symbol, [(kind.text, "x")], pair if both else kind.text)
    if not both:
        f.ret(MACROS[name](f, "%x", kind))
        return module.text()
    value = "poison"
    for place, part in enumerate(sincos(f, "%x", kind)):
        value = f.pure(f"insertvalue {pair} {value}, {kind.text} {part}, {place}")
    f.ret(value)
    return module.text()


@cache
def _code(symbol: str) -> engine.Compiled:
    return engine.compile(text_of(symbol), [symbol])


def address(symbol: str) -> int:
    """Where a function is, which stays there until the process ends."""
    return _code(symbol).address(symbol)
