"""What a value is: a dtype and a shape, or a tuple of those.

Types are interned, so two values have the same type if and only if the types are the same object.
A *weak* type is that of a Python number (or of an array filled with one): it takes on the dtype of what
it meets (NumPy 2's rule, NEP 50).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias
from weakref import WeakValueDictionary

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import Extent, definers, extent_text

if TYPE_CHECKING:
    from wengert.ir.node import Expr

__all__ = [
    "BOOL",
    "DTYPES",
    "FLOAT",
    "INT",
    "AnyType",
    "DType",
    "TupleType",
    "Type",
    "is_complex",
    "is_inexact",
    "promote",
]

DType: TypeAlias = Literal[
    "bool", "int32", "int64", "float32", "float64", "complex64", "complex128"
]
DTYPES: tuple[DType, ...] = (
    "bool",
    "int32",
    "int64",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
_KIND = {
    "bool": 0,
    "int32": 1,
    "int64": 1,
    "float32": 2,
    "float64": 2,
    "complex64": 3,
    "complex128": 3,
}


class Type:
    """A dtype and a shape; ``weak`` marks a Python number.

    ``needs``: the nodes that define sizes in the shape.
    """

    __slots__ = ("__weakref__", "dtype", "needs", "shape", "weak")
    dtype: DType
    shape: tuple[Extent, ...]
    weak: bool
    needs: tuple[Expr, ...]
    _table: ClassVar[dict[tuple[DType, tuple[Extent, ...], bool], Type]] = {}
    _defined: ClassVar[WeakValueDictionary[tuple[DType, tuple[Extent, ...], bool], Type]] = (
        WeakValueDictionary()
    )

    def __new__(cls, dtype: DType, shape: tuple[Extent, ...] = (), weak: bool = False) -> Type:
        key = (dtype, shape, weak)
        known = cls._table.get(key)
        if known is not None:
            return known
        if dtype not in _KIND:
            raise TypeMismatchError(
                worded("dtype", expected=f"one of {', '.join(DTYPES)}", got=repr(dtype))
            )
        self = object.__new__(cls)
        self.dtype, self.shape, self.weak = dtype, shape, weak
        self.needs = definers(shape) if shape else ()
        return (cls._defined if self.needs else cls._table).setdefault(key, self)

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def with_shape(self, shape: tuple[Extent, ...]) -> Type:
        """The same dtype with another shape."""
        return Type(self.dtype, shape, self.weak)

    def with_dtype(self, dtype: DType) -> Type:
        """The same shape with another (strong) dtype."""
        return Type(dtype, self.shape)

    def __str__(self) -> str:
        shape = "" if not self.shape else f"[{extent_text(self.shape)[1:-1].rstrip(',')}]"
        return f"{'weak ' if self.weak else ''}{self.dtype}{shape}"

    def __repr__(self) -> str:
        return f"<{self}>"


class TupleType:
    """The type of an op with several results."""

    __slots__ = ("__weakref__", "items", "needs")
    items: tuple[Type, ...]
    needs: tuple[Expr, ...]
    _table: ClassVar[dict[tuple[Type, ...], TupleType]] = {}
    _defined: ClassVar[WeakValueDictionary[tuple[Type, ...], TupleType]] = WeakValueDictionary()

    def __new__(cls, items: tuple[Type, ...]) -> TupleType:
        known = cls._table.get(items)
        if known is not None:
            return known
        self = object.__new__(cls)
        self.items = items
        self.needs = definers(items)
        return (cls._defined if self.needs else cls._table).setdefault(items, self)

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.items))})"

    __repr__ = __str__


AnyType: TypeAlias = Type | TupleType

FLOAT = Type("float64")
INT = Type("int64")
BOOL = Type("bool")


def is_inexact(type_: Type) -> bool:
    """Whether values of this type are floating-point, real or complex."""
    return _KIND[type_.dtype] >= 2


def is_complex(type_: Type) -> bool:
    """Whether values of this type are complex."""
    return _KIND[type_.dtype] == 3


def promote(*types: Type) -> Type:
    """The scalar type that holds values of all given types (NumPy 2 promotion; shapes are ignored).

    >>> promote(Type("float32"), Type("float64", weak=True))
    <float32>
    >>> promote(Type("int64"), Type("float64", weak=True))
    <float64>
    """
    for type_ in types:
        if type_.needs:  # what is remembered would live for ever
            return _promoted(*[Type(t.dtype, (), t.weak) for t in types])
    return _promoted(*types)


@cache
def _promoted(*types: Type) -> Type:
    strong = [t for t in types if not t.weak]
    weak = [t for t in types if t.weak]
    if not strong:
        widest = max(weak, key=lambda t: _KIND[t.dtype])
        return Type(widest.dtype, (), True)
    probes: list[object] = [np.dtype(t.dtype) for t in strong]
    examples: dict[int, object] = {0: True, 1: 1, 2: 1.0, 3: 1j}
    probes += [examples[_KIND[t.dtype]] for t in weak]
    name = np.result_type(*probes).name  # type: ignore[arg-type]  # NumPy takes Python numbers here
    if name not in _KIND:
        raise TypeMismatchError(
            worded("promotion", expected=f"one of {', '.join(DTYPES)}", got=name)
        )
    return Type(name)  # type: ignore[arg-type]  # checked just above
