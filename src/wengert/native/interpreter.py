"""What machine code must know of this interpreter and of NumPy: addresses, and where fields are.

Nothing of it stands in the text of a wrapper but the offsets: addresses are in a table, the first part of
every function's context, so a wrapper kept on disk serves any process. The offsets are those of CPython's
and NumPy's headers (``Include/object.h``, ``floatobject.h``; ``numpy/ndarraytypes.h``), and every one of
them is tried on live objects before it is used.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import sysconfig
from functools import cache
from types import CellType
from typing import Any, Final

import numpy as np

from wengert.errors import NativeError, worded
from wengert.native.signature import DTYPES

__all__ = [
    "ARRAY_DATA", "ARRAY_DESCR", "ARRAY_DIMS", "ARRAY_FLAGS", "ARRAY_RANK", "CELL_CONTENT", "HEADER",
    "LIST_ITEMS", "LIST_SIZE", "SLOTS", "TUPLE_ITEMS", "TUPLE_SIZE", "TYPE", "TYPES", "Slot",
    "interpreter_table",
]  # fmt: skip

# Every object begins with a count of references and its type; what it holds follows the header.
HEADER: Final = getattr(object, "__basicsize__", 16)  # not every interpreter has it
TYPE: Final = HEADER - 8
# PyArrayObject_fields in ndarraytypes.h
ARRAY_DATA: Final = HEADER
ARRAY_RANK: Final = HEADER + 8
ARRAY_DIMS: Final = HEADER + 16
ARRAY_DESCR: Final = HEADER + 40
ARRAY_FLAGS: Final = HEADER + 48
# PyTupleObject: the number of items is the last of the header of objects of varying size.
TUPLE_SIZE: Final = HEADER
CELL_CONTENT: Final = HEADER  # PyCellObject
# PyListObject: the number of items, then where they are.
LIST_SIZE: Final = HEADER
LIST_ITEMS: Final = HEADER + 8
TUPLE_ITEMS: Final = getattr(tuple, "__basicsize__", 24)

# Types of numbers, by the names that signatures use.
TYPES: Final[dict[str, type]] = {
    "float": float, "int": int, "bool": bool, "complex": complex,
    "float64": np.float64, "int64": np.int64, "bool_": np.bool_, "complex128": np.complex128,
}  # fmt: skip

FUNCTIONS: Final = (
    "PyFloat_FromDouble", "PyLong_FromLongLong", "PyBool_FromLong", "PyComplex_FromDoubles",
    "PyLong_AsDouble", "PyLong_AsLongLong", "PyErr_Occurred", "PyErr_Clear", "PyErr_NoMemory",
    "PyObject_Vectorcall", "PyTuple_New", "PyTuple_SetItem", "PyBytes_FromStringAndSize",
    "Py_IncRef", "Py_DecRef", "PyEval_SaveThread", "PyEval_RestoreThread",
    "PyMem_RawMalloc", "PyMem_RawFree", "PyDict_GetItem",
)  # fmt: skip

# Positions in NumPy's table of functions, the same since NumPy 1.7: numpy/_core/code_generators/numpy_api.py
NUMPY_FUNCTIONS: Final = {
    "PyArray_Scalar": 60, "PyArray_NewFromDescr": 94, "PyArray_Zeros": 183,
}  # fmt: skip

# Addresses in the order of the table, by name.
SLOTS: Final = (
    *FUNCTIONS,
    *NUMPY_FUNCTIONS,
    *(f"type {name}" for name in TYPES),
    "type ndarray",
    "type tuple",
    "True",
    "None",
    *(f"dtype {name}" for name in DTYPES),
)


class Slot:
    """Words of a function's context after the table of addresses."""

    PLAN: Final = len(SLOTS)
    KERNEL: Final = PLAN + 1
    SLOW: Final = PLAN + 2
    FAILED: Final = PLAN + 3
    ARENA: Final = PLAN + 4  # one that nobody uses at the moment, or null
    PATIENCE: Final = PLAN + 5  # nanoseconds of work from which on the GIL is released
    OUT: Final = PLAN + 6  # the text "out"
    BUSY: Final = PLAN + 7  # where a number is that must be zero, else calls go the slow way
    OUTSIDE: Final = (
        PLAN + 8
    )  # places to read: of each dict or cell its address, the key, what is expected
    COUNT: Final = PLAN + 9


@cache
def interpreter_table() -> tuple[int, ...]:
    """The addresses of ``SLOTS`` in this process, after every offset has been tried.

    Raises: NativeError where objects do not look as expected (PyPy, builds without the GIL).
    """
    reason = _unsuited() or _surprise()
    if reason:
        raise NativeError(worded("native calls", got=reason))
    functions = [_address(getattr(ctypes.pythonapi, name)) for name in FUNCTIONS]
    numpy_functions = [_numpy_function(index) for index in NUMPY_FUNCTIONS.values()]
    objects = [*TYPES.values(), np.ndarray, tuple, True, None, *map(np.dtype, DTYPES)]
    _try_functions(*numpy_functions)
    return (*functions, *numpy_functions, *map(id, objects))


def _address(function: Any) -> int:  # Any: a function of ctypes
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _numpy_function(index: int) -> int:
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    try:
        api: Any = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    except AttributeError as error:
        raise NativeError(worded("native calls", got=f"an unknown NumPy: {error}")) from error
    table = pointer(api, None)
    return ctypes.c_void_p.from_address(table + 8 * index).value or 0


def _unsuited() -> str:
    """Why this interpreter is not even tried."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name}, not CPython"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "an interpreter without the GIL"
    if struct.calcsize("P") != 8:
        return "an interpreter of 32 bits"
    return ""


def _surprise() -> str:
    """The first object that does not look as expected."""
    # Any: numbers of every type
    numbers: tuple[tuple[Any, str], ...] = (
        (1.5, "d"), (np.float64(-2.5), "d"), (np.int64(-7), "q"), (1.5 - 2j, "dd"),
        (np.complex128(3 + 4j), "dd"), (np.bool_(True), "?"), (np.bool_(False), "?"),
    )  # fmt: skip
    for number, form in numbers:
        held = struct.unpack(form, _bytes(number, HEADER, struct.calcsize(form)))
        expected = (number.real, number.imag) if form == "dd" else (number,)
        if held != expected or _word(number, TYPE) != id(type(number)):
            return f"an unknown form of {type(number).__name__}"
    for array in (
        np.zeros((2, 3)),
        np.zeros((3, 2), "float32").T,
        np.zeros((0, 5, 1), "int64")[:, ::2],
    ):
        if not _as_expected(array):
            return "an unknown form of arrays"
    several = (1.5, "x", None)
    items = [_word(several, TUPLE_ITEMS + 8 * i) for i in range(3)]
    if _word(several, TUPLE_SIZE) != 3 or items != [id(item) for item in several]:
        return "an unknown form of tuples"
    listed = list(several)
    where = _word(listed, LIST_ITEMS)
    items = [ctypes.c_uint64.from_address(where + 8 * i).value for i in range(3)]
    if _word(listed, LIST_SIZE) != 3 or items != [id(item) for item in several]:
        return "an unknown form of lists"
    if _word(CellType(numbers), CELL_CONTENT) != id(numbers):
        return "an unknown form of cells"
    words = (ctypes.c_int64 * 4)()
    return "" if _word(words, HEADER) == ctypes.addressof(words) else "an unknown form of ctypes"


def _as_expected(array: np.ndarray[Any, Any]) -> bool:
    dims = _word(array, ARRAY_DIMS)
    (flags,) = struct.unpack("i", _bytes(array, ARRAY_FLAGS, 4))
    return (
        _word(array, TYPE) == id(np.ndarray)
        and _word(array, ARRAY_DATA) == array.ctypes.data
        and struct.unpack("i", _bytes(array, ARRAY_RANK, 4)) == (array.ndim,)
        and tuple((ctypes.c_int64 * array.ndim).from_address(dims)) == array.shape
        and _word(array, ARRAY_DESCR) == id(array.dtype) == id(np.dtype(array.dtype.name))
        and flags == array.flags.num
    )


def _word(value: object, offset: int) -> int:
    return ctypes.c_uint64.from_address(id(value) + offset).value


def _bytes(value: object, offset: int, size: int) -> bytes:
    return ctypes.string_at(id(value) + offset, size)


def _try_functions(scalar: int, new_from_descr: int, zeros: int) -> None:
    """One call of each of NumPy's functions, since only their positions are known."""
    pointer, thing = ctypes.c_void_p, ctypes.py_object
    number = ctypes.c_double(2.5)
    dtype = np.dtype("float64")
    made = ctypes.PYFUNCTYPE(thing, pointer, thing, pointer)(scalar)(
        ctypes.addressof(number), dtype, None
    )
    dims = (ctypes.c_int64 * 2)(2, 3)
    ctypes.pythonapi.Py_IncRef(thing(dtype))  # the array takes it
    array = ctypes.PYFUNCTYPE(
        thing, thing, thing, ctypes.c_int, pointer, pointer, pointer, ctypes.c_int, pointer
    )(new_from_descr)(np.ndarray, dtype, 2, ctypes.addressof(dims), None, None, 0, None)
    ctypes.pythonapi.Py_IncRef(thing(dtype))
    empty = ctypes.PYFUNCTYPE(thing, ctypes.c_int, pointer, thing, ctypes.c_int)(zeros)(
        2, ctypes.addressof(dims), dtype, 0
    )
    if empty.shape != (2, 3) or empty.dtype != dtype or np.any(empty):
        raise NativeError(worded("native calls", got="an unknown table of NumPy's functions"))
    if type(made) is not np.float64 or made != 2.5 or array.shape != (2, 3) or array.dtype != dtype:
        raise NativeError(worded("native calls", got="an unknown table of NumPy's functions"))
