"""What a compiled program takes and gives, and where it finds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, Literal, TypeAlias

import numpy as np

from wengert.errors import TypeMismatchError, worded

__all__ = [
    "DTYPES",
    "Array",
    "Kind",
    "Layout",
    "NumPyNumber",
    "Number",
    "Result",
    "Signature",
    "Where",
    "leaves",
]

Where = Literal["item", "cell", "list"]
Kind = Literal["float", "int", "bool", "complex"]

# The types of numbers that arrays may have; extended precision and float16 are left to NumPy.
DTYPES: Final = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "complex64", "complex128",
)  # fmt: skip

# Types of Python and NumPy whose numbers can be read as a kind without a change of value.
READABLE: Final[dict[Kind, tuple[str, ...]]] = {
    "float": ("float", "int", "float64"),
    "int": ("int", "int64"),
    "bool": ("bool", "bool_"),
    "complex": ("complex", "float", "int", "complex128", "float64"),
}


@dataclass(frozen=True)
class Number:
    """A number of Python's; as a parameter it may come as any of the types in ``accepts``.

    >>> Number("float").accepts
    ('float', 'int', 'float64')
    """

    kind: Kind
    accepts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _one_of("kind of number", self.kind, tuple(READABLE))
        for name in self.accepts:
            _one_of(f"type of number read as {self.kind}", name, READABLE[self.kind])
        if not self.accepts:
            object.__setattr__(self, "accepts", READABLE[self.kind])

    @property
    def words(self) -> int:
        return 2 if self.kind == "complex" else 1


@dataclass(frozen=True)
class NumPyNumber:
    """A number of NumPy's, as a result: stored in its words as its dtype stores it in memory."""

    dtype: str

    def __post_init__(self) -> None:
        _one_of("dtype", self.dtype, DTYPES)

    @property
    def words(self) -> int:
        return (np.dtype(self.dtype).itemsize + 7) // 8


@dataclass(frozen=True)
class Array:
    """A C-contiguous array; ``None`` stands for an extent that only the call tells, ``least`` or more.

    A result that is ``zeroed`` begins as zeros, which the program need not store where it comes so.

    >>> Array("float64", (None, 3)).rank
    2
    """

    dtype: str
    shape: tuple[int | None, ...]
    least: int = 0
    zeroed: bool = False

    def __post_init__(self) -> None:
        _one_of("dtype", self.dtype, DTYPES)
        if len(self.shape) > 32:  # what every NumPy can have
            raise TypeMismatchError(
                worded("Array", expected="32 axes or fewer", got=str(len(self.shape)))
            )

    @property
    def rank(self) -> int:
        return len(self.shape)


Result: TypeAlias = "Number | NumPyNumber | Array | tuple[Result, ...]"


@dataclass(frozen=True)
class Signature:
    """Parameters and result of a compiled program; one wrapper serves every program of a signature.

    With ``out`` the caller may say ``out=array``, for a result that is one array: it is then written
    there and returned. For a result that is a tuple, ``out`` is one with as many items, each an array, or
    ``None`` for what is to be fresh. Whoever compiles the program need not care.

    The last parameters may be ``hidden``: nobody passes them, they stand in an item of a dict or a cell of a
    closure, which is read at each call. Other such places have to be ``unchanged``; a list is, as long as it
    holds the same objects. With ``distinct`` no array may be passed twice. ``unread`` words follow those of
    the result: numbers that nobody wants.
    """

    parameters: tuple[Number | Array, ...]
    result: Result
    out: bool = False
    hidden: tuple[Where, ...] = ()
    unchanged: tuple[Where, ...] = ()
    distinct: bool = False
    unread: int = 0

    @property
    def given(self) -> int:
        """How many parameters are passed."""
        return len(self.parameters) - len(self.hidden)

    def __post_init__(self) -> None:
        if not all(isinstance(hidden, Number) for hidden in self.parameters[self.given :]):
            raise TypeMismatchError(worded("hidden parameters", expected="numbers"))
        if self.out and not any(isinstance(leaf, Array) for leaf in leaves(self.result)):
            raise TypeMismatchError(
                worded("out=", expected="an array in the result", got=str(self.result))
            )


def leaves(result: Result) -> Iterator[Number | NumPyNumber | Array]:
    """The numbers and arrays of a result, in reading order."""
    if isinstance(result, tuple):
        for part in result:
            yield from leaves(part)
    else:
        yield result


@dataclass(frozen=True)
class Layout:
    """Which word of ``words`` holds what, for a signature.

    A compiled program is two functions::

        i64 @plan(ptr words)                 0, or nonzero: these arguments do not fit, go the slow way
        i64 @kernel(ptr words, ptr arena)    0, or a code that is given to `failed`

    ``words`` is an array of 64-bit words, aligned to 64 bytes. ``arena`` is aligned to 64 bytes too and
    holds whatever it held before.

    ================== ========================= ==========================================================
    words              written by                what
    ================== ========================= ==========================================================
    0                  plan (0 before)           bytes of arena that the kernel needs
    1                  plan (0 before)           estimate of its work, in nanoseconds
    2, 3               anyone (0 before)         notes for `failed`, such as the index that is out of range
    per parameter, in order
      float            wrapper, before plan      the double
      int              wrapper, before plan      the i64
      bool             wrapper, before plan      0 or 1
      complex          wrapper, before plan      2 words: real and imaginary part
      array            wrapper, before plan      1 + rank words: pointer to the data, then the extents
    per array of the result, in order
      fixed extents    wrapper, before plan      rank words: the extents
      other extents    plan                      the extents, none negative
    per leaf of the result, in order
      array            wrapper, before kernel    pointer to fresh data, not initialised
      float, complex   kernel                    double; 2 words
      int, bool        kernel                    i64; zero or nonzero
      NumPy number     kernel                    as in memory, from the start of the word (complex128: 2)
    zeros, the last    wrapper (0 before plan)   if a result is ``zeroed``: a bit for each leaf that is zeros
    ================== ========================= ==========================================================

    Arrays of parameters never overlap arrays of the result; those of parameters may overlap each other and
    are only read. The data of an array is aligned to the size of its numbers, no more.

    >>> layout = Layout.of(Signature((Number("float"), Array("float64", (None,))), Array("float64", (None,))))
    >>> layout.parameter(1), layout.extent(1, 0), layout.result_extent(0, 0), layout.result(0), layout.size
    (5, 6, 7, 8, 9)
    """

    ARENA: ClassVar[int] = 0
    WORK: ClassVar[int] = 1
    NOTES: ClassVar[tuple[int, int]] = (2, 3)

    signature: Signature
    parameters: tuple[int, ...]
    extents: tuple[int | None, ...]
    results: tuple[int, ...]
    zeros: int | None
    size: int

    @staticmethod
    @lru_cache(maxsize=1024)
    def of(signature: Signature) -> Layout:
        """The layout of a signature."""
        word = 4
        parameters, extents, results = [], [], []
        for given in signature.parameters:
            parameters.append(word)
            word += 1 + given.rank if isinstance(given, Array) else given.words
        given_back = tuple(leaves(signature.result))
        for leaf in given_back:
            extents.append(word if isinstance(leaf, Array) else None)
            word += leaf.rank if isinstance(leaf, Array) else 0
        for leaf in given_back:
            results.append(word)
            word += 1 if isinstance(leaf, Array) else leaf.words
        word += signature.unread
        zeroed = any(isinstance(leaf, Array) and leaf.zeroed for leaf in given_back)
        zeros = word if zeroed else None
        return Layout(
            signature, tuple(parameters), tuple(extents), tuple(results), zeros, word + zeroed
        )

    def parameter(self, index: int) -> int:
        """The word of a parameter's value (the first of two if complex) or data pointer."""
        return self.parameters[index]

    def extent(self, index: int, axis: int) -> int:
        """The word of an extent of a parameter that is an array."""
        return self.parameters[index] + 1 + axis

    def result_extent(self, leaf: int, axis: int) -> int:
        """The word of an extent of an array of the result, counted among all leaves."""
        first = self.extents[leaf]
        if first is None:
            raise TypeMismatchError(worded(f"leaf {leaf} of the result", expected="an array"))
        return first + axis

    def result(self, leaf: int) -> int:
        """The word of a leaf of the result: its value, or its data pointer."""
        return self.results[leaf]


def _one_of(what: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise TypeMismatchError(worded(what, expected=f"one of {', '.join(known)}", got=repr(name)))
