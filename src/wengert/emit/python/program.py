"""A whole program as source: header, functions that are called, the function itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.emit.python.control import emit_control
from wengert.emit.python.emission import Emission, count_users, drop_unused, effects_first
from wengert.emit.python.helpers import bare_source, helper_source
from wengert.emit.python.loops import emit_row
from wengert.emit.python.naming import Naming, bare, is_private
from wengert.emit.python.regions import build_bodies
from wengert.emit.python.sameness import Rank
from wengert.emit.python.scopes import Builder, Scope
from wengert.emit.python.values import Block, Buffer, Kind, Value, read
from wengert.errors import EvaluationError, worded
from wengert.ir.dims import Dim
from wengert.ir.function import Function
from wengert.ir.node import Expr, paused_gc
from wengert.ir.op import registered
from wengert.ir.region import Region
from wengert.ops.effects import error_class
from wengert.ops.leaves import size
from wengert.show.numpy_text import all_spelled_out
from wengert.show.precedence import Text, flat

__all__ = ["Definition", "Program"]

_MODULE = re.compile(r"\b(scipy(?:\.[a-z]\w*)+)\.\w+\(")
# Classes of exceptions that are not Python's own.
_RAISED = re.compile(r"^ *raise ([\w.]+)\.\w+\(", re.MULTILINE)
_OWN_ERROR = re.compile(r"^( *raise )wengert\.errors\.(\w+)\(", re.MULTILINE)
_PLAIN_MODULES = ("logging", "math", "sys", "time")
_ERRSTATE = '@np.errstate(all="ignore")'


class Definition:
    """A function that the program calls: its name, and the sizes that its arguments do not tell."""

    __slots__ = ("name", "sizes")

    def __init__(self, name: str, sizes: tuple[str, ...]) -> None:
        self.name, self.sizes = name, sizes


class Program:
    """Collects the parts of one source file."""

    def __init__(self, name: str, hints: Mapping[Expr, str]) -> None:
        self.hints = hints
        self.naming = Naming((name,))
        self.definitions: dict[Hashable, Definition] = {}
        self.sources: list[str] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], tuple[str, str]] = {}
        self.helpers: dict[str, None] = {}
        self._builders: list[Builder] = []
        self._around: list[Definition] = []  # recursive functions, outermost first

    # --- what functions ask ------------------------------------------------------------------------------
    def size(self, scope: Scope, name: str) -> Value:
        """The value of a size in a scope."""
        return self._builders[-1].size(scope, name)

    def constant(self, value: Any) -> str:  # Any: an array or a NumPy number
        """The variable that has a constant."""
        array = np.asarray(value)
        key = (array.dtype.str, array.shape, array.tobytes())
        known = self.constants.get(key)
        if known is None:
            known = self.naming.of_module("c"), _constant_text(value)
            self.constants[key] = known
        return known[0]

    def emit_row(self, emission: Emission, value: Value) -> None:
        """Put a row of a loop into its stack."""
        emit_row(emission, value)

    def function(self, region: Region, hint: str, recursive: bool, needed: int) -> Definition:
        """The function made of a closed body, which is written once.

        ``needed``: how many of the recursive functions around it the body calls.
        """
        key = (region, *(d.name for d in self._around[len(self._around) - needed :]))
        known = self.definitions.get(key)
        if known is not None:
            return known
        known = self.definitions[key] = Definition(self.naming.new(hint), ())
        if recursive:
            self._around.append(known)
        hints = [f"p{i}" for i in range(len(region.params))]
        outputs = all_spelled_out(region.outputs, helpers=True)
        known.sizes, lines = self._body(known.name, region.params, hints, outputs, None)
        if recursive:
            self._around.pop()
            if known.sizes:
                raise EvaluationError(
                    worded(
                        f"recursive function `{known.name}`",
                        expected="arguments that tell all sizes",
                        got=f"none for {', '.join(known.sizes)}",
                    )
                )
        self.sources.append("\n".join(lines))
        return known

    def around(self, level: int) -> Definition:
        """The recursive function that a body calls again."""
        return self._around[-1 - level]

    # --- functions -----------------------------------------------------------------------------------------
    def _body(
        self,
        name: str,
        inputs: Sequence[Expr],
        hints: Sequence[str],
        outputs: Sequence[Expr],
        result: str | None,
        docstring: str | None = None,
    ) -> tuple[tuple[str, ...], list[str]]:
        """The sizes that a function has to be told, and its lines."""
        naming = self.naming.copy()
        block = Block()
        scope = Scope(block)
        names = [naming.new(hint) for hint in hints]
        free: dict[str, str] = {}

        def free_size(wanted: str) -> Value:
            if result is not None:
                raise EvaluationError(
                    worded(
                        f"size `{wanted}`",
                        expected="an array that has it",
                        got="none among the inputs",
                        hint="make the array an input, or give the size a number",
                    )
                )
            key = ("free", wanted)
            found = block.table.get(key)
            if found is None:
                free[wanted] = naming.new("n" if is_private(wanted) else wanted)
                found = block.table[key] = Value(Kind.LEAF, size(Dim.named(wanted)), scope, block)
                found.done = True
                found.text = Text((free[wanted],))
            return found

        emission = Emission(naming, self.hints, emit_control, self)
        for position, (node, shown) in enumerate(zip(inputs, names, strict=True)):
            scope.order[node] = Rank(1, position, position)
            emission.hold(_bound_input(scope, node), shown)
        self._builders.append(Builder(build_bodies, free_size, self))
        try:
            block.roots = self._builders[-1].build(scope, outputs)
            count_users(block)
            emission.emit(block, effects_first(block.roots))
        finally:
            self._builders.pop()
        self.helpers |= dict.fromkeys(sorted(emission.writer.used))
        texts = [_returned(value) for value in block.roots]
        block.add(f"return {_result(texts, result)}")
        drop_unused(block, emission.sizes)
        lines = list(block.rendered(1))
        given = ", ".join([*names, *free.values()])
        head = [f"def {name}({given}):"]
        if docstring is not None:
            head += [f"    {line}".rstrip() for line in _quoted(docstring)]
        return tuple(free), [*head, *lines]

    def source(
        self,
        function: Function,
        name: str,
        input_names: Sequence[str] | None,
        result: str | None,
        docstring: str | None,
        own_errors: bool = False,
    ) -> str:
        """The whole source; without ``own_errors``, wengert's errors are the builtin ones that they are."""
        hints = input_names if input_names is not None else [_hint(n) for n in function.inputs]
        with paused_gc():
            outputs = all_spelled_out(function.outputs, helpers=True)
            _, lines = self._body(
                name, function.inputs, hints, outputs, result or _default(len(outputs)), docstring
            )
        body = "\n".join([*self.sources, *lines])
        # Python's numbers do not warn, and entering the context would cost more than they do.
        if "np." in body or "scipy." in body or any(node.ndim for node in function.inputs):
            lines = [_ERRSTATE, *lines]
        constants = [f"{n} = {t}" for n, t in self.constants.values()]
        helpers = [self._helper_text(name) for name in self.helpers]
        texts = ["\n".join(constants), *helpers, *self.sources, "\n".join(lines)]
        if not own_errors:
            texts = [_OWN_ERROR.sub(_builtin_raised, text) for text in texts]
        parts = [_header(bare("\n".join(texts))), *texts]
        return "\n\n\n".join(part for part in parts if part) + "\n"

    def _helper_text(self, name: str) -> str:
        for op in registered().values():
            for function in op.spell.helpers:
                if function.__name__ == name:
                    return bare_source(function)
        return helper_source(name)


def _builtin_raised(found: re.Match[str]) -> str:
    """``raise`` with the builtin class that an error of wengert also is."""
    kinds = error_class(f"wengert.errors.{found[2]}").__mro__
    kind = next(k for k in kinds if k.__module__ == "builtins")
    return f"{found[1]}{kind.__name__}("


def _header(text: str) -> str:
    """The imports that a source needs."""
    plain = [f"import {m}" for m in _PLAIN_MODULES if re.search(rf"\b{m}\.", text)]
    others = ["import numpy as np"] if "np." in text else []
    others += sorted({f"import {m}" for m in (*_MODULE.findall(text), *_RAISED.findall(text))})
    gap = [""] if plain and others else []
    return "\n".join([*plain, *gap, *others])


def _bound_input(scope: Scope, node: Expr) -> Value:
    value = Value(Kind.LEAF, node, scope, scope.block)
    value.done = True
    if value.is_array:
        value.lie_in((Buffer(owned=False),), whole=True)
    scope.bind(node, value)
    return value


def _hint(node: Expr) -> str:
    name = getattr(node.attr, "name", "")
    return "x" if is_private(name) else str(name)


def _returned(value: Value) -> str:
    text = flat([read(value)])
    form = value.form
    if value.pending and form is not None and form.kind == "broadcast":
        return f"{text}.copy()"  # a broadcast cannot be written to
    if any(buffer.lasting for buffer in value.buffers):
        return f"{text}.copy()" if text.isidentifier() else f"np.array({text})"
    return text


def _default(count: int) -> str:
    if count == 1:
        return "{0}"
    return f"({', '.join(f'{{{i}}}' for i in range(count))})"


def _result(texts: Sequence[str], template: str | None) -> str:
    template = _default(len(texts)) if template is None else template
    whole = template.format(*texts)
    return whole[1:-1] if template == _default(len(texts)) and len(texts) > 1 else whole


def _quoted(text: str) -> Iterable[str]:
    lines = text.strip().split("\n")
    lines[0] = f'"""{lines[0]}'
    if len(lines) == 1:
        return [f'{lines[0]}"""']
    return [*lines, '"""']


def _constant_text(value: Any) -> str:  # Any: an array or a NumPy number
    if not isinstance(value, np.ndarray):
        number = repr(value.item()).replace("inf", "np.inf").replace("nan", "np.nan")
        return f"np.{value.dtype.name}({number})"
    with np.printoptions(threshold=sys.maxsize, floatmode="unique", linewidth=94):
        text = np.array2string(value, separator=", ")
    text = text.replace("inf", "np.inf").replace("nan", "np.nan")
    dtype = "bool" if value.dtype == bool else f"np.{value.dtype.name}"
    if value.size == 0:
        return f"np.zeros({value.shape}, dtype={dtype})"
    return f"np.array({text}, dtype={dtype})"
