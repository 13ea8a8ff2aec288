"""Loop nests as functions of Python."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache
from typing import Any

from wengert.errors import NativeError, worded
from wengert.lower.nest import Program
from wengert.native import engine
from wengert.native.calling import entry
from wengert.native.generate import generated

__all__ = ["compiled"]


def compiled(
    program: Program,
    *,
    name: str,
    slow: Callable[..., Any],
    failed: Callable[..., Any],
    fast: bool = True,
) -> Callable[..., Any]:
    """A function that takes a program's inputs in order and returns the tuple of its outputs.

    ``slow`` and ``failed`` are those of `calling.entry`.

    Raises:
        Unsupported: the program holds something that has no instructions.
        NativeError: there is no working llvmlite.
    """
    made = generated(program, engine.host(), fast=fast)
    imports = {symbol: _address(symbol) for symbol in made.imports}
    code = engine.compile(made.text, [made.plan, made.kernel], imports, tier=made.tier)
    return entry(
        name,
        made.signature,
        code.address(made.plan),
        code.address(made.kernel),
        slow,
        failed,
        keep=[code],
    )


@cache
def _library() -> ctypes.CDLL:
    """C's library of mathematics, which Python itself uses."""
    return ctypes.CDLL("ucrtbase" if os.name == "nt" else None)


@cache
def _address(symbol: str) -> int:
    try:
        found = ctypes.cast(getattr(_library(), symbol), ctypes.c_void_p).value
    except AttributeError as error:
        raise NativeError(worded("C's library", expected=f"a function `{symbol}`")) from error
    assert found is not None
    return found
