"""What runs a captured program: machine code, NumPy source, or the evaluator that judges both."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from wengert.emit.python import callable_of
from wengert.errors import NativeError, NativeWarning, TypeMismatchError, warn, worded
from wengert.ir.function import Function
from wengert.ir.node import paused_gc
from wengert.programs.running import Runner

if TYPE_CHECKING:
    from wengert.native.compiled import Loaded

__all__ = [
    "BACKENDS",
    "Backend",
    "Later",
    "Native",
    "checked_backend",
    "checked_fast",
    "checked_threads",
    "default_backend",
    "native",
]

Backend: TypeAlias = Literal["python", "native", "reference"]
Noted: TypeAlias = Callable[[BaseException], None]  # adds where in the user's program it is from
BACKENDS = ("python", "native", "reference")

ENVIRONMENT = "WENGERT_BACKEND"  # the default of every transform


def checked_backend(backend: str, what: str = "backend") -> Backend:
    """A backend, if it is one.

    Raises:
        TypeMismatchError: it is none.
    """
    if backend not in BACKENDS:
        raise TypeMismatchError(
            worded(what, expected=" or ".join(map(repr, BACKENDS)), got=repr(backend))
        )
    return backend  # type: ignore[return-value]  # it is one of them


def checked_fast(fast: bool) -> bool:
    """The option, if it is one.

    Raises:
        TypeMismatchError: it is no truth value.
    """
    if not isinstance(fast, bool):
        raise TypeMismatchError(worded("fast", expected="True or False", got=repr(fast)))
    return fast


def checked_threads(threads: int | None) -> int | None:
    """The option, if it is one.

    Raises:
        TypeMismatchError: it is no number of threads.
    """
    if threads is not None and (type(threads) is not int or threads < 1):
        raise TypeMismatchError(
            worded("threads", expected="a whole number, one or more", got=repr(threads))
        )
    return threads


def default_backend() -> Backend:
    """What runs programs where nothing is said: what the environment says, else machine code.

    Raises:
        TypeMismatchError: the environment names no backend.
    """
    chosen = os.environ.get(ENVIRONMENT)
    return "native" if not chosen else checked_backend(chosen, f"{ENVIRONMENT} in the environment")


class Later:
    """A runner that is made when it is first needed."""

    def __init__(self, make: Callable[[], Runner]) -> None:
        self._make = make
        self._run: Runner | None = None

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if self._run is None:
            self._run = self._make()
        return self._run(values)


PLAIN = 2  # calls by way of ctypes, before a builtin is worth its compilation


class Native:
    """Runs a function as machine code.

    Arrays that are not one piece of memory are copied first. Where a check of the program fails, the NumPy
    source runs once more and raises the error, unless something has happened that must not happen twice.
    ``noted`` adds to errors where in the user's program they are from.
    """

    def __init__(
        self, loaded: Loaded, name: str, python: Runner, noted: Noted | None = None
    ) -> None:
        self.loaded = loaded
        self._name, self._python = name, python
        self.error = _erring(loaded, noted)
        self._calls = 0
        self._run = self._entry("ctypes")

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        if self._calls <= PLAIN:
            self._calls += 1
            if self._calls > PLAIN:
                self._run = self._entry(None)
        return self._run(*values)  # type: ignore[no-any-return]  # outputs

    def _entry(self, way: Literal["ctypes"] | None) -> Callable[..., Any]:
        # Nothing refers to itself here, so that what is dropped is gone.
        python, loaded, error = self._python, self.loaded, self.error

        def slow(*values: Any) -> Sequence[Any]:
            tidy = [_tidy(v) for v in values]
            if all(a is b for a, b in zip(tidy, values, strict=True)):
                return python(values)
            return run(*tidy)  # type: ignore[no-any-return]  # outputs

        def failed(code: int, words: bytes, *values: Any) -> Sequence[Any]:
            known = error(code, words)
            if known is None:
                return python(values)
            raise known

        run = loaded.entry(self._name, slow, failed, way=way)
        return run


def _erring(loaded: Loaded, noted: Noted | None) -> Callable[[int, bytes], BaseException | None]:
    """What a code of machine code stands for; nothing where the NumPy source is to say it."""

    def error(code: int, words: bytes) -> BaseException | None:
        found = loaded.error(code, words)
        if found is not None and noted is not None:
            noted(found)
        return found

    return error


def native(
    function: Function,
    python: Runner,
    told: set[str],
    name: str = "",
    *,
    fast: bool = True,
    noted: Noted | None = None,
    threads: int | None = None,
) -> Runner:
    """What runs a function as machine code (`Native`), and where that is not possible as NumPy source.

    A warning says once why there is no machine code; ``told`` is what has been said of the same program.
    ``fast=False`` keeps the order of all operations; ``threads`` share the iterations of long loops.
    """
    # Rooms that cost time to import: nobody who stays with NumPy source pays for them.
    from wengert.lower.nest import Unsupported
    from wengert.native.compiled import machine_code

    shown = name or function.name
    try:
        with paused_gc():  # it would go through all nodes and statements again and again
            shared = None if threads is None else _shared(function, threads, python, fast)
            if shared is not None:
                return shared
            loaded = machine_code(function, callable_of, fast=fast)
        return Native(loaded, function.name, python, noted)
    except NativeError as error:
        _tell(_TOLD, f"{error}; programs run as NumPy source until then")
    except Unsupported as error:
        _tell(told, f"{shown}: {error} cannot be compiled to machine code; {_REST}")
    except Exception as error:  # whatever it is, there is another way to the same numbers
        reason = f"a mistake in wengert, {type(error).__name__}: {error}"
        _tell(told, f"{shown} cannot be compiled to machine code ({reason}); {_REST}")
    return python


def _shared(function: Function, threads: int, python: Runner, fast: bool) -> Runner | None:
    """What runs a function on several threads, if it has loops for them and no need of Python."""
    from wengert.lower.lowering import lowered
    from wengert.lower.nest import Unsupported
    from wengert.lower.phases import phases
    from wengert.native.shared import Shared

    try:
        parts = phases(lowered(function, strict=not fast), strict=not fast)
        return Shared(parts, threads, python, _tidy, fast=fast) if parts else None
    except Unsupported:
        return None


_REST = (
    "it runs as NumPy source, with the same results. Try: backend='python', which is the same "
    "without this warning"
)
_TOLD: set[str] = set()  # of this process: what holds for every program


def _tell(told: set[str], message: str) -> None:
    if not told:
        told.add(message)
        warn(message, NativeWarning)


def _tidy(value: Any) -> Any:
    """An array in one piece of memory, in row-major order and with the bytes as this machine has them."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        return value
    if value.dtype.kind not in "biufc":
        return value
    flags, dtype = value.flags, np.dtype(value.dtype.type)  # the one object that machine code knows
    if type(value) is not np.ndarray or not flags.c_contiguous or not flags.aligned:
        return np.require(value, dtype, ["C", "A", "E"])
    if value.dtype is dtype:
        return value
    return value.view(dtype) if value.dtype == dtype else value.astype(dtype)
