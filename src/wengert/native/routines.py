"""Calls of BLAS and LAPACK: SciPy has the routines in its process, and tells where they are.

NumPy's routines stand in a table for each type of elements, ``PyArray_ArrFuncs`` of its header
``ndarraytypes.h``; the function that tells where a table is has number 365 in NumPy's own.
"""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from wengert.errors import NativeError, worded
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.lower.nest import Call, Host, Part
from wengert.native.conversions import kind_of
from wengert.native.hosting import call_host
from wengert.native.text import I32, I64
from wengert.ops.leaves import CONSTANT
from wengert.ops.routines import Routine

if TYPE_CHECKING:
    from wengert.native.statements import Statements

__all__ = ["address", "call", "imported"]

_INT = Type("int64")


# --- where they are ------------------------------------------------------------------------------------
def imported(name: str) -> str:
    """The name of a routine as a symbol, as Fortran has it."""
    return f"{name}_"


@cache
def address(library: str, name: str) -> int:
    """Where a routine is.

    Raises:
        NativeError: SciPy has none that takes integers of 32 bits.
    """
    if library == "numpy":
        return _of_numpy(name)
    module = _module(f"cython_{library}")
    capsule = getattr(module, "__pyx_capi__", {}).get(name)
    if capsule is None:
        raise NativeError(worded("routines", expected=f"`{name}` of {library.upper()} in SciPy"))
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    signature: bytes = api.PyCapsule_GetName(capsule)
    if b"int *" not in signature:
        raise NativeError(
            worded("routines", expected=f"`{name}` with plain integers", got=signature.decode())
        )
    found: int = api.PyCapsule_GetPointer(capsule, signature)
    return found


_TABLES = 365
# Where each routine is; of those that sort, the one that is quick and not stable.
_PLACES = {"argmax": 26, "sort": 33, "argsort": 36, "argmin": 46}


def _of_numpy(name: str) -> int:
    routine, _, dtype = name.partition("_")
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = import_module("numpy._core._multiarray_umath")._ARRAY_API
    functions = ctypes.cast(
        api.PyCapsule_GetPointer(capsule, None), ctypes.POINTER(ctypes.c_void_p)
    )
    table = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.py_object)(functions[_TABLES] or 0)
    routines = ctypes.cast(table(np.dtype(dtype)), ctypes.POINTER(ctypes.c_void_p))
    found: int | None = routines[_PLACES[routine]]
    if not found:
        raise NativeError(worded("routines", expected=f"`{routine}` of {dtype} in NumPy"))
    return found


@cache
def _module(name: str) -> ModuleType:
    """A module of ``scipy.linalg``, without all the others, which take a tenth of a second to import."""
    full = f"scipy.linalg.{name}"
    if "scipy.linalg" in sys.modules:
        return import_module(full)
    try:
        scipy = import_module("scipy")
        spec = PathFinder.find_spec(full, [os.path.join(p, "linalg") for p in scipy.__path__])
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        known = module.__pyx_capi__
        assert isinstance(known, dict)
    except Exception:  # however SciPy is built, it can be imported as it is meant to be
        sys.modules.pop(full, None)
        return import_module(full)
    # Whoever imports the package finds it there as always, and this very module in it.
    sys.modules.pop(full, None)
    return module


# --- calls ---------------------------------------------------------------------------------------------
def call(statement: Call, statements: Statements) -> None:
    """The instructions of a call."""
    if isinstance(statement.routine, Host):
        call_host(statement.routine, statement, statements)
        return
    f, values = statements.f, statements.values
    name = statement.routine.symbol(statement.dtype)
    whole = [a for a in statement.arguments if _is_whole(a) and a.op is not CONSTANT]  # type: ignore[union-attr]
    _bounded([values.index(a) for a in whole], statement.code, statements)  # type: ignore[arg-type]
    if statement.routine.library == "numpy":
        _call_numpy(statement.routine, statement, statements)
        return
    given = [_passed(a, statement.dtype, statements) for a in statement.arguments]
    report = ""
    if statement.status is not None:
        report = f.slot(I32)
        f.store(I32, "0", report)
        given.append(report)
    statements.writer.routines.add((statement.routine.library, name))
    f.module.declare(imported(name), ", ".join(["ptr"] * len(given)), "void")
    f.call("void", imported(name), [("ptr", where) for where in given])
    values.touch(statement.written)
    if statement.status is not None:
        kind = kind_of(statement.status.value_type.dtype)
        statements.assign(statement.status, f.convert("sext", I32, f.load(I32, report), kind))


def _call_numpy(routine: Routine, statement: Call, statements: Statements) -> None:
    """Places, whole numbers, and an array that no plain number needs."""
    f, values = statements.f, statements.values
    name = routine.symbol(statement.dtype)
    given: list[tuple[str, str]] = []
    for argument in statement.arguments:
        if isinstance(argument, Part):
            given.append(("ptr", _passed(argument, statement.dtype, statements)))
        else:
            assert isinstance(argument, Expr)
            given.append(("i64", values.index(argument)))
    given.append(("ptr", "null"))
    statements.writer.routines.add((routine.library, name))
    f.module.declare(imported(name), ", ".join([t for t, _ in given]), "i32")
    f.call("i32", imported(name), given)
    values.touch(statement.written)


def _is_whole(argument: object) -> bool:
    return isinstance(argument, Expr) and not argument.value_type.dtype.startswith("float")


def _bounded(numbers: list[str], code: int, statements: Statements) -> None:
    """Go on only if all of these are natural numbers below 2**31."""
    f, together = statements.f, ""
    for number in dict.fromkeys(numbers):
        together = f.binary("or", I64, together, number) if together else number
    if together:
        fine, failed = f.block("fine"), f.block("failed")
        small = f.compare(I64, "ult", together, str(2**31))
        f.branch_if(small, fine, failed)
        f.start(failed)
        f.ret(str(code))
        f.start(fine)


def _passed(argument: str | Expr | Part, dtype: str, statements: Statements) -> str:
    """The address of an argument."""
    f, values = statements.f, statements.values
    if isinstance(argument, str):
        return f.module.constant(f"letter{ord(argument)}", "[1 x i8]", f"[i8 {ord(argument)}]")
    if isinstance(argument, Part):
        places = [values.index(p) for p in argument.places]
        return statements.memory.address(argument.buffer, places)
    kind = I32 if _is_whole(argument) else kind_of(dtype)
    if kind is I32:
        value = values.operand(argument, _INT)
        if argument.op is not CONSTANT:
            value = f.convert("trunc", I64, value, I32)
    else:
        value = values.operand(argument, Type(dtype))  # type: ignore[arg-type]  # of a Type
    if argument.op is CONSTANT:
        number = "".join(c if c.isalnum() else "m" for c in value)
        return f.module.constant(f"{kind.element}{number}", kind.text, value)
    slot = f.slot(kind)
    f.store(kind, value, slot)
    return slot
