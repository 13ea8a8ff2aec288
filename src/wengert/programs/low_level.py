"""Captured programs as functions of C in this process: their addresses, and SciPy's callables of them."""

from __future__ import annotations

import ctypes
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any  # Any: SciPy has no types here

from wengert.errors import NativeError, TypeMismatchError, worded
from wengert.frontend.capture import Captured
from wengert.frontend.varying import LEAST_EXTENT
from wengert.programs.explaining import identifier

if TYPE_CHECKING:
    from wengert.native.compiled import Loaded

__all__ = ["CompiledFunction", "compiled_function", "no_c"]

_OF_ONE = ("python", "scalar", "array")  # kinds of results that are one output each
_FILTER = "int (double *, intptr_t, double *, void *)"
_TYPES: dict[str, Any] = {"double": ctypes.c_double, "int": ctypes.c_int, "int64_t": ctypes.c_int64}


class CompiledFunction:
    """A program as a function of C, for arguments of one kind.

    ``address`` is where its machine code is: as long as this object lives, or one of the callables made of
    it. ``declaration`` tells how it is declared: numbers by value, arrays as pointers to their numbers in
    row-major order, each followed by the extents that are not fixed, of nine or more; then pointers for the
    result. It returns 0, or another number if there is no result: the numbers do not fit, or the program
    would have raised an error. A function whose result is one float returns it, and NaN instead of an error.

    It may be called by many threads at once, and needs no lock of Python's.
    """

    def __init__(
        self, loaded: Loaded, name: str, outputs: int, hidden: tuple[Any, ...], short: str
    ) -> None:
        self._loaded, self._outputs, self._hidden = loaded, outputs, hidden
        self.name, self._short = name, short
        self._own = self._entry("")

    def _entry(self, form: str) -> Any:
        from wengert.native.c_entry import c_entry

        return c_entry(
            self._short if not form else f"{self.name}.low_level_callable",
            self._loaded,
            self._outputs,
            self._hidden,
            form,
            LEAST_EXTENT,
        )

    @property
    def address(self) -> int:
        """Where the machine code is in this process."""
        found: int = self._own.address
        return found

    @property
    def declaration(self) -> str:
        """The declaration in C."""
        found: str = self._own.declaration
        return found

    def __repr__(self) -> str:
        return f"<{self.declaration} at {self.address:#x}>"

    @cached_property
    def ctypes(self) -> Any:
        """The function for ctypes, which keeps the machine code alive."""
        returned, _, given = re.sub(r"\w+\(", "(", self.declaration, count=1).partition(" ")
        kinds = [] if given == "(void)" else given.strip("()").split(", ")
        types = [ctypes.c_void_p if "*" in kind else _TYPES[kind.split()[0]] for kind in kinds]
        return _function(self._own, ctypes.CFUNCTYPE(_TYPES[returned], *types))

    def low_level_callable(self, signature: str | None = None) -> Any:
        """As `Transformed.low_level_callable`."""
        from scipy import LowLevelCallable

        from wengert.native.c_entry import FORMS

        form = self._default() if signature is None else _spelled(signature)
        if form not in FORMS:
            raise TypeMismatchError(
                worded(
                    f"{self.name}.low_level_callable: signature",
                    expected=" or ".join(map(repr, FORMS)),
                    got=repr(signature),
                )
            )
        made = self._entry(form)
        returned, _, given = form.partition(" ")
        types = [
            ctypes.c_ssize_t if kind == "intptr_t" else _pointed(kind)
            for kind in given.strip("()").split(", ")
        ]
        function = _function(made, ctypes.CFUNCTYPE(_TYPES[returned], *types))
        return LowLevelCallable(function, signature=form)

    def _default(self) -> str:
        from wengert.native.signature import Array

        signature = self._loaded.signature
        given = signature.parameters[: len(signature.parameters) - len(self._hidden)]
        if any(isinstance(p, Array) for p in given):
            return _FILTER
        return "double (double)" if len(given) == 1 else "double (int, double *)"


def _spelled(signature: str) -> str:
    """A signature with spaces as SciPy sets them."""
    tight = re.sub(r"\s*([(),*])\s*", r"\1", signature.strip())
    return re.sub(r"(\w)\*", r"\1 *", tight).replace("(", " (", 1).replace(",", ", ")


def _pointed(kind: str) -> Any:
    if kind == "void *":
        return ctypes.c_void_p
    return ctypes.POINTER(ctypes.c_double) if "*" in kind else _TYPES[kind]


def _function(made: Any, prototype: Any) -> Any:
    function = prototype(made.address)
    function.held = made  # the machine code
    return function


def no_c(name: str, what: str) -> TypeMismatchError:
    """The error for a program that is no function of C."""
    return TypeMismatchError(
        worded(
            f"{name}.compiled",
            expected="a program of numbers and arrays that gives numbers and arrays",
            got=what,
            hint="source('c')",
        )
    )


def compiled_function(captured: Captured, loaded: Loaded | None, name: str) -> CompiledFunction:
    """The function of C of a captured program.

    Raises:
        NativeError: there is no machine code of it.
        TypeMismatchError: it takes, changes or gives what C has not.
    """
    if captured.capacity is not None:
        raise no_c(name, "lists that grow while the program runs")
    if captured.writes:
        raise no_c(name, "one that changes what is the caller's")
    if captured.prints:
        raise no_c(name, "one that prints")
    other = next((r.kind for r in captured.results if r.kind not in _OF_ONE), "")
    if other or captured.same or any(r.same is not None for r in captured.results):
        raise no_c(name, f"a result of another kind ({other or 'an argument itself'})")
    if loaded is None:
        raise NativeError(
            worded(f"{name}.compiled", expected="machine code", hint="backend='native'")
        )
    if loaded.hosts is not None:
        raise NativeError(
            worded(
                f"{name}.compiled",
                expected="a program without calls of Python",
                got=loaded.hosts.names,
            )
        )
    hidden = tuple([each.read() for each in captured.hidden])
    if any(getattr(value, "shape", ()) for value in hidden):
        raise no_c(name, "an array from outside of the program, which could change")
    return CompiledFunction(loaded, name, len(captured.results), hidden, identifier(name))
