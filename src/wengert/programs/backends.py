"""What runs a captured program: NumPy source, machine code, or the evaluator that judges both."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np

from wengert.errors import NativeError, TypeMismatchError, worded
from wengert.ir.function import Function
from wengert.programs.running import Runner

__all__ = ["BACKENDS", "Backend", "NativeWarning", "checked_backend", "native"]

Backend: TypeAlias = Literal["python", "native", "reference"]
BACKENDS = ("python", "native", "reference")


class NativeWarning(UserWarning):
    """A program runs as NumPy source because machine code for it cannot be made."""


def checked_backend(backend: str) -> None:
    """Refuse what is no backend.

    Raises:
        TypeMismatchError: it is none.
    """
    if backend not in BACKENDS:
        raise TypeMismatchError(
            worded("backend", expected=" or ".join(map(repr, BACKENDS)), got=repr(backend))
        )


def native(function: Function, python: Runner) -> Runner:
    """What runs a function as machine code, and where that is not possible as NumPy source.

    Arrays that are not one piece of memory are copied first. Where a check of the program fails, the NumPy
    source runs once more and raises the error.
    """
    # Rooms that cost time to import: nobody who stays with NumPy source pays for them.
    from wengert.lower.lowering import lowered
    from wengert.lower.nest import Unsupported
    from wengert.native.compiled import compiled

    def slow(*values: Any) -> Sequence[Any]:
        tidy = [_tidy(v) for v in values]
        if all(a is b for a, b in zip(tidy, values, strict=True)):
            return python(values)
        return run(*tidy)  # type: ignore[no-any-return]  # outputs

    def failed(code: int, words: bytes, *values: Any) -> Sequence[Any]:
        return python(values)

    try:
        run = compiled(lowered(function), name=function.name, slow=slow, failed=failed)
    except (Unsupported, NativeError) as error:
        warnings.warn(
            f"{function.name}: {error} cannot be compiled to machine code; it runs as NumPy source",
            NativeWarning,
            stacklevel=2,
        )
        return python
    return lambda values: run(*values)


def _tidy(value: Any) -> Any:
    """An array in one piece of memory, in row-major order."""
    if type(value) is np.ndarray and not value.flags.carray:
        return np.ascontiguousarray(value)
    return value
