"""Loop nests as functions of Python."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from wengert.errors import NativeError, worded
from wengert.lower.nest import Program
from wengert.native import engine, mathematics, ufuncs
from wengert.native.calling import entry
from wengert.native.generate import generated
from wengert.native.routines import address, imported
from wengert.native.signature import Signature

__all__ = ["Loaded", "compiled", "library_function", "loaded"]


@dataclass(frozen=True)
class Loaded:
    """A program as machine code in memory."""

    signature: Signature
    code: engine.Compiled
    plan: int
    kernel: int
    held: object = None

    def entry(
        self,
        name: str,
        slow: Callable[..., Any],
        failed: Callable[..., Any],
        *,
        signature: Signature | None = None,
        **options: Any,  # those of calling.entry
    ) -> Callable[..., Any]:
        """A function that takes the program's inputs in order and returns the tuple of its outputs.

        Another ``signature`` with the same words may say that they come or go as other objects. ``slow``,
        ``failed`` and ``options`` are those of `calling.entry`.
        """
        chosen, keep = signature or self.signature, [self.code, self.held]
        return entry(name, chosen, self.plan, self.kernel, slow, failed, keep=keep, **options)


def loaded(program: Program, *, fast: bool = True) -> Loaded:
    """Machine code of a program.

    Raises:
        Unsupported: the program holds something that has no instructions.
        NativeError: there is no working llvmlite.
    """
    made = generated(program, engine.host(), fast=fast)
    imports = {symbol: library_function(symbol) for symbol in made.imports}
    imports |= {imported(name): address(library, name) for library, name in made.routines}
    exports = [made.plan, made.kernel, *([made.drop] if made.drop else [])]
    code = engine.compile(made.text, exports, imports, tier=made.tier)
    held = _Held(code, made.drop) if made.drop else None
    return Loaded(made.signature, code, code.address(made.plan), code.address(made.kernel), held)


def compiled(
    program: Program,
    *,
    name: str,
    slow: Callable[..., Any],
    failed: Callable[..., Any],
    fast: bool = True,
) -> Callable[..., Any]:
    """The same as a function of Python (see `Loaded.entry`)."""
    return loaded(program, fast=fast).entry(name, slow, failed)


class _Held:
    """Code with memory that it keeps between calls."""

    def __init__(self, code: engine.Compiled, drop: str) -> None:
        self.drop = code.function(drop, ctypes.CFUNCTYPE(ctypes.c_int64))

    def __del__(self) -> None:
        self.drop()


@cache
def _library() -> ctypes.CDLL:
    """C's library of mathematics, which Python itself uses."""
    return ctypes.CDLL("ucrtbase" if os.name == "nt" else None)


@cache
def library_function(symbol: str) -> int:
    """The address of a function of C's library, of one of our own, or of SciPy's loops."""
    if symbol.startswith(mathematics.PREFIX):
        return mathematics.address(symbol)
    if symbol.startswith("scipy."):
        return ufuncs.address(symbol)
    try:
        found = ctypes.cast(getattr(_library(), symbol), ctypes.c_void_p).value
    except AttributeError as error:
        raise NativeError(worded("C's library", expected=f"a function `{symbol}`")) from error
    assert found is not None
    return found
