"""The inner loops of SciPy's special functions, which machine code calls without Python.

A ufunc keeps, for each combination of types, the address of a C function ``loop(args, dims, steps, data)``
over elements with gaps, and its data. NumPy calls these without the GIL, and so may others: what they
compute is to the last bit what SciPy does. Code names them by symbols such as ``scipy.jv.dd_d.loop``; where
they are is told when it is loaded, so that the text and its object hold no addresses.

>>> loop = found("jv", "float64", 2)
>>> loop.loop, loop.inputs, loop.outputs
('scipy.jv.dd_d.loop', ('float64', 'float64'), ('float64',))
>>> found("airy", "float32", 1).outputs
('float32', 'float32', 'float32', 'float32')
"""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import import_module
from typing import NamedTuple

import numpy as np

from wengert.errors import NativeError, worded
from wengert.lower.nest import Unsupported

__all__ = ["Loop", "address", "found", "of_types"]

_MODULES = ("special", "special._ufuncs", "special._special_ufuncs")


class Loop(NamedTuple):
    """The symbols of a loop and of its data, and the types of the elements that it takes and gives."""

    loop: str
    data: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class _Object(ctypes.Structure):
    """What stands behind the head of a ufunc, ``PyUFuncObject`` of NumPy's ``ufuncobject.h``."""

    _fields_ = (
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


@cache
def found(name: str, dtype: str, arguments: int, whole: int = 0) -> Loop:
    """The loop of a function for elements of a type, the first ``whole`` of which are whole numbers.

    The one for doubles stands in where there is none in single precision.

    Raises:
        Unsupported: SciPy has no such function, or none of these types.
    """
    ufunc = _ufunc(name)
    for letters in ("f", "d") if dtype == "float32" else ("d",):
        for signature in () if ufunc is None else ufunc.types:
            given, _, gives = signature.partition("->")
            rest = letters * (arguments - whole)
            plain = set(gives) == {letters} and given[whole:] == rest
            if plain and all(np.dtype(c).kind == "i" for c in given[:whole]):
                return of_types(name, signature)
    raise Unsupported(f"`scipy.special.{name}` of {arguments} numbers")


@cache
def of_types(name: str, signature: str) -> Loop:
    """A loop by the letters of its types.

    Raises:
        Unsupported: SciPy has no such function, or none of these types.
    """
    ufunc = _ufunc(name)
    if ufunc is None or signature not in ufunc.types:
        raise Unsupported(f"`scipy.special.{name}` of types {signature}")
    given, _, gives = signature.partition("->")
    types = [tuple([np.dtype(c).name for c in part]) for part in (given, gives)]
    symbol = f"scipy.{name}.{given}_{gives}"
    return Loop(f"{symbol}.loop", f"{symbol}.data", types[0], types[1])


@cache
def _ufunc(name: str) -> np.ufunc | None:
    for module in _MODULES:
        try:
            value = getattr(import_module(f"scipy.{module}"), name, None)
        except ImportError:
            continue
        if isinstance(value, np.ufunc):
            return value
    return None


@cache
def address(symbol: str) -> int:
    """Where the loop or the data of a symbol is in this process.

    Raises:
        NativeError: the ufunc does not look as NumPy's header says.
    """
    _, name, types, part = symbol.split(".")
    ufunc = _ufunc(name)
    signature = types.replace("_", "->")
    if ufunc is None or signature not in ufunc.types:
        raise NativeError(worded("SciPy", expected=f"a function `{name}` of types {signature}"))
    behind = _Object.from_address(id(ufunc) + object.__basicsize__)
    number, width = ufunc.types.index(signature), ufunc.nin + ufunc.nout
    fits = (behind.nin, behind.nout, behind.ntypes) == (ufunc.nin, ufunc.nout, len(ufunc.types))
    codes = bytes([np.dtype(c).num for c in types.replace("_", "")])
    if not fits or behind.types[number * width : (number + 1) * width] != codes:
        raise NativeError(worded(f"`scipy.special.{name}`", expected="a ufunc as NumPy has them"))
    table = behind.functions if part == "loop" else behind.data
    where = table[number]
    if where is None and part == "loop":
        raise NativeError(worded(f"`scipy.special.{name}`", expected="a loop in C"))
    return where or 0
