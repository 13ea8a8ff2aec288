"""Loop nests as functions of Python."""

from __future__ import annotations

import builtins
import ctypes
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from wengert.errors import EvaluationError, NativeError, worded
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.lower.changes import statements
from wengert.lower.host import Compute
from wengert.lower.lowering import lowered
from wengert.lower.nest import Call, Host, Program, Unsupported
from wengert.lower.written_out import written_out
from wengert.native import engine, mathematics, ufuncs
from wengert.native.calling import entry
from wengert.native.computing import Computing, Source
from wengert.native.generate import generated
from wengert.native.heap import NO_MEMORY
from wengert.native.hosting import FAILED, HAPPENED, HOST, Hosts
from wengert.native.routines import address, imported
from wengert.native.signature import Signature
from wengert.run.reference import value_of

__all__ = ["Loaded", "compiled", "library_function", "loaded", "machine_code"]


@dataclass(frozen=True)
class Loaded:
    """A program as machine code in memory."""

    signature: Signature
    code: engine.Compiled
    plan: int
    kernel: int
    held: object = None
    hosts: Hosts | None = None
    abouts: Mapping[int, str] = field(default_factory=dict)

    def error(self, code: int, words: bytes) -> BaseException | None:
        """What a code of the kernel stands for; nothing where running the program again says it better."""
        if code == NO_MEMORY:
            return MemoryError()
        if code == FAILED:
            assert self.hosts is not None
            return self.hosts.error(words)
        if not int.from_bytes(words[8 * HAPPENED : 8 * HAPPENED + 8], sys.byteorder):
            return None
        name, _, text = self.abouts.get(code, "").rpartition(": ")
        found = getattr(builtins, name.partition(":")[0], EvaluationError)
        return found(text)

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
        chosen, keep = signature or self.signature, [self.code, self.held, self.hosts]
        return entry(name, chosen, self.plan, self.kernel, slow, failed, keep=keep, **options)


def loaded(program: Program, *, fast: bool = True, compute: Compute = value_of) -> Loaded:
    """Machine code of a program; ``compute`` does what it leaves to Python.

    Raises:
        Unsupported: the program holds something that has no instructions.
        NativeError: there is no working llvmlite.
    """
    made = generated(program, engine.host(), fast=fast)
    imports = {symbol: library_function(symbol) for symbol in made.imports}
    imports |= {imported(name): address(library, name) for library, name in made.routines}
    hosts = Hosts(made.hosts, compute) if made.hosts else None
    if hosts is not None:
        imports[HOST] = hosts.address
    exports = [made.plan, made.kernel, *([made.drop] if made.drop else [])]
    code = engine.compile(made.text, exports, imports, tier=made.tier)
    held = _Held(code, made.drop) if made.drop else None
    plan, kernel = code.address(made.plan), code.address(made.kernel)
    return Loaded(made.signature, code, plan, kernel, held, hosts, made.abouts)


def machine_code(function: Function, source: Source | None = None, *, fast: bool = True) -> Loaded:
    """Machine code of a function, with calls of Python for what has no instructions.

    ``source`` makes functions of Python, of the values of inputs, for functions of the graph that have no
    machine code but are worth more than to be evaluated node by node. ``fast=False`` keeps the order of
    all operations.

    Raises:
        Unsupported: the function holds something that cannot be compiled.
        NativeError: there is no working llvmlite.
    """
    python: frozenset[str | Expr] = frozenset()
    function, _ = written_out(function)
    while True:
        try:
            computing = Computing(partial(machine_code, fast=fast), source)
            nest = lowered(function, strict=not fast, python=python)
            for statement in statements(nest.body):
                if isinstance(statement, Call) and isinstance(statement.routine, Host):
                    computing.prepare(statement.routine.node)
            return loaded(nest, fast=fast, compute=computing)
        except Unsupported as refusal:
            if refusal.op is None or refusal.op in python:
                raise
            python |= {refusal.op}


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
