"""Calls of Python from machine code: the instructions, and what happens on the other side.

A program that computes some node by Python calls ``wengert.host(number, words)``, a function of this process:
the number says which of the program's calls it is, the words hold its arguments, 64 bits each: floats as
doubles, integers and truth values as they are, for arrays the address where they begin. It returns 0, or the
number under which an error is kept until the caller of the program raises it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from wengert.lower.host import Compute, computed
from wengert.lower.nest import Call, Host, Part, Passed
from wengert.native.conversions import converted, kind_of
from wengert.native.signature import Layout
from wengert.native.text import DOUBLE, I64

if TYPE_CHECKING:
    from wengert.native.statements import Statements

__all__ = ["FAILED", "HAPPENED", "HOST", "Hosts", "call_host", "words_of"]

# What the kernel returns after an error in Python; codes of checks are positive.
FAILED: Final = -2

HOST: Final = "wengert.host"  # the name of the function among the symbols of a text

# Words of the notes of a call: under which number an error is kept, and whether effects have happened.
KEPT, HAPPENED = Layout.NOTES


# --- instructions --------------------------------------------------------------------------------------
def call_host(host: Host, statement: Call, statements: Statements) -> None:
    """The instructions of a call of Python."""
    f, values = statements.f, statements.values
    words = f.room(f"[{max(1, len(statement.arguments))} x i64]")
    for number, argument in enumerate(statement.arguments):
        place = f.element(I64, words, str(number))
        if isinstance(argument, Part):
            places = [values.index(p) for p in argument.places]
            at = statements.memory.address(argument.buffer, places)
            f.effect(f"store ptr {at}, ptr {place}, align 8")
            continue
        assert not isinstance(argument, str), "letters are for routines"
        kind = kind_of(argument.value_type.dtype)
        word = DOUBLE if kind.is_float else I64
        f.store(word, converted(f, values.value(argument), kind, word), place)
    if host.effect:
        f.store(I64, "1", f.element(I64, "%words", str(HAPPENED)))
    f.module.declare(HOST, "i64, ptr", "i64")
    number = len(statements.writer.hosts)
    statements.writer.hosts.append(statement)
    kept = f.call("i64", HOST, [("i64", str(number)), ("ptr", words)])
    fine, failed = f.block("fine"), f.block("failed")
    f.branch_if(f.compare(I64, "eq", kept, "0"), fine, failed)
    f.start(failed)
    f.store(I64, kept, f.element(I64, "%words", str(KEPT)))
    f.ret(str(FAILED))
    f.start(fine)
    values.touch(statement.written)


# --- the other side ------------------------------------------------------------------------------------
Words: TypeAlias = tuple[Any, ...]  # Any: integers and floats
Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

_FUNCTION: Final = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p)
_PYTHON: Final[dict[str, Callable[[Any], Any]]] = {
    "bool": bool, "int64": int, "float64": float, "complex128": complex,
}  # fmt: skip


class Hosts:
    """The calls of Python of one program, and errors that nobody has raised yet.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x", (2,))
    >>> host = Host(x + 1.0, (Passed("float64", 1),), (), (Passed("float64", 1),))
    >>> given, made = np.array([1.0, 2.0]), np.empty(2)
    >>> hosts = Hosts([(host, "qqqq")], lambda node, values, sizes: values[0] + 1.0)
    >>> words = (ctypes.c_int64 * 4)(given.ctypes.data, 2, made.ctypes.data, 2)
    >>> hosts.function(0, words), made
    (0, array([2., 3.]))
    """

    def __init__(self, calls: Sequence[tuple[Host, str]], compute: Compute) -> None:
        self.names = ", ".join(dict.fromkeys([f"`{host.name}`" for host, _ in calls]))
        self.errors: dict[int, BaseException] = {}
        errors, numbers = self.errors, count(1)
        handlers = [_handler(host, Struct(words), compute) for host, words in calls]

        def called(number: int, words: int) -> int:
            try:
                handlers[number](words)
            except BaseException as error:  # machine code cannot hand it on
                kept = next(numbers)
                errors[kept] = error
                return kept
            return 0

        self.function = _FUNCTION(called)

    @property
    def address(self) -> int:
        """Where machine code finds them."""
        return ctypes.cast(self.function, ctypes.c_void_p).value or 0

    def error(self, words: bytes) -> BaseException:
        """The error that ended a call of the program, by its words; nobody else gets it."""
        return self.errors.pop(int(np.frombuffer(words, np.int64)[KEPT]))


def words_of(statement: Call) -> str:
    """The words of a call as ``struct`` knows them."""
    return "".join(
        "d" if not isinstance(a, (Part, str)) and a.value_type.dtype.startswith("float") else "q"
        for a in statement.arguments
    )


def _handler(host: Host, struct: Struct, compute: Compute) -> Callable[[int], None]:
    """What takes the words of a call and does what it is for."""
    takes: list[Callable[[Words], Any]] = []
    gives: list[Callable[[Words], Array]] = []
    at = 0
    for passed in host.takes:
        takes.append(_copy(passed, at) if passed.axes else _number(passed, at))
        at += _length(passed)
    first = at
    at += len(host.sizes)
    for passed in host.gives:
        gives.append(_array(passed, at))
        at += 1 + passed.axes * (1 + passed.spread)
    names, unpack, bytes_ = host.sizes, struct.unpack, struct.size
    last = first + len(names)

    def handle(address: int) -> None:
        words = unpack(ctypes.string_at(address, bytes_))
        values = [take(words) for take in takes]
        places = [give(words) for give in gives]
        sizes = dict(zip(names, words[first:last], strict=True)) if names else {}
        computed(host, values, sizes, places, compute)

    return handle


def _length(passed: Passed) -> int:
    """How many words a value takes."""
    if passed.axes:
        return 1 + passed.axes * (1 + passed.spread)
    return 2 if passed.dtype.startswith("complex") else 1


def _number(passed: Passed, at: int) -> Callable[[Words], Any]:
    """A number of Python's, or one of NumPy's."""
    kind = _PYTHON[passed.dtype] if passed.weak else np.dtype(passed.dtype).type
    if passed.dtype.startswith("complex"):
        return lambda words: kind(complex(words[at], words[at + 1]))
    return lambda words: kind(words[at])


# All memory of the process, for arrays that lie in it; the first page belongs to nobody.
_FIRST: Final = 4096


@cache
def _memory() -> Any:  # Any: NumPy takes it for a buffer
    return (ctypes.c_char * (2 ** (8 * ctypes.sizeof(ctypes.c_void_p) - 4))).from_address(_FIRST)


def _array(passed: Passed, at: int) -> Callable[[Words], Array]:
    """The array in the memory of the program."""
    dtype, end, memory = np.dtype(passed.dtype), at + 1 + passed.axes, _memory()
    size, last = dtype.itemsize, at + 1 + 2 * passed.axes

    def array(words: Words) -> Array:
        shape = words[at + 1 : end]
        if 0 in shape:
            return np.empty(shape, dtype)
        if passed.spread:
            steps = tuple([size * step for step in words[end:last]])
            return np.ndarray(shape, dtype, memory, words[at] - _FIRST, steps)
        return np.ndarray(shape, dtype, memory, words[at] - _FIRST)

    return array


def _copy(passed: Passed, at: int) -> Callable[[Words], Array]:
    """An array of its own: whoever keeps it may do so after the program has ended."""
    array = _array(passed, at)
    return lambda words: array(words).copy()
