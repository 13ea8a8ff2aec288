"""A whole program as C: the function, what it needs, and the header that documents it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from wengert.emit.c.helpers import helper_text
from wengert.emit.c.naming import LIBRARY, Naming, identifier
from wengert.emit.c.operations import Used
from wengert.emit.c.places import Form, Places, plus
from wengert.emit.c.sizes import least_size
from wengert.emit.c.statements import Statements
from wengert.emit.c.text import PRODUCT, Text, at_least, ctype, literal
from wengert.emit.c.values import Plan
from wengert.ir.dims import Dim, Extent
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.changes import blocks, expressions
from wengert.lower.lowering import lowered
from wengert.lower.nest import READ, Buffer, Pair, Program, Unsupported
from wengert.lower.tidy import tidy

__all__ = ["CSource", "Names", "c_source", "written"]

_ON_STACK = 64  # numbers of a local array of known size that is no part of the work memory
_WIDTH = 100
LEAST_EXTENT = 9  # extents that are not numbers are as long at least when a program is captured
# What math.h has of all that is written.
_OF_MATH = re.compile(rf"\b(?:NAN|INFINITY|(?:{'|'.join(LIBRARY)})f?\()")


@dataclass(frozen=True)
class Names:
    """What things are called: the function, its inputs and outputs in order; for people the rest.

    Outputs beyond the names are not given back. ``least``: what all sizes are at least. ``about`` is said
    first; ``input_paths`` and ``output_paths`` are what these are for the user, ``nodes`` and ``lines`` are
    those of `lowered`. ``risks``: where in the user's program a place may be outside of an array.
    """

    function: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    about: str = ""
    input_paths: tuple[str, ...] = ()
    output_paths: tuple[str, ...] = ()
    least: int = 0
    nodes: Mapping[Expr, str] = field(default_factory=dict)
    lines: Mapping[Expr, Any] = field(default_factory=dict)
    risks: str = ""


class CSource(NamedTuple):
    """The text of a ``.c`` file and that of its header."""

    name: str
    code: str
    header: str


def c_source(function: Function, names: Names) -> CSource:
    """A function of the graph as C.

    Raises:
        Unsupported: the program holds something that has no C; the text names it.
    """
    return written(lowered(function, names.nodes, names.lines, fuse=False, calls=False), names)


def written(program: Program, names: Names) -> CSource:
    """Loop nests as C; their blocks are changed in place.

    Raises:
        Unsupported: the program holds something that has no C; the text names it.
    """
    return _Source(program, names).made()


def _is_complex(place: Expr | Pair | Buffer) -> bool:
    return isinstance(place, Pair) or (isinstance(place, Buffer) and place.pairs)


class _Parameter(NamedTuple):
    text: str  # in the definition
    about: str  # in the header
    name: str


class _Source:
    """One program that is being written."""

    def __init__(self, program: Program, names: Names) -> None:
        if program.heap:
            raise Unsupported("memory whose size only running tells")
        if any(_is_complex(p) for p in (*program.inputs, *program.outputs)):
            raise Unsupported("complex numbers as arguments or results")
        shown = set(range(len(names.outputs)))
        program = Program(
            program.inputs,
            tuple(o for k, o in enumerate(program.outputs) if k in shown),
            program.locals, program.body, program.symbols, names=program.names, comments=program.comments,
        )  # fmt: skip
        self.program = tidy(program)
        self.names = names
        self.least = max(least_size(self.program, LEAST_EXTENT), names.least)
        self.function = identifier(names.function)
        self.naming = Naming([self.function, f"{self.function}_work"])
        self.inputs = [self.naming.new(n) for n in names.inputs]
        self.outputs = [self.naming.new(n) for n in names.outputs]
        self.sizes = {name: self.naming.new(name) for name in program.symbols}
        self.places = Places(self.sizes, {}, lambda node: False, lambda node: Text(""))
        self.tables: dict[Buffer, str] = {}
        self.stack: dict[Buffer, str] = {}
        self.work: dict[str, list[tuple[Buffer, str]]] = {}
        self._name_buffers()

    def _name_buffers(self) -> None:
        program = self.program
        self.buffers: dict[Expr | Buffer, str] = {}
        for place, name in [
            *zip(program.inputs, self.inputs, strict=True),
            *zip(program.outputs, self.outputs, strict=True),
        ]:
            assert not isinstance(place, Pair)
            if isinstance(place, Buffer) or place in program.inputs:
                self.buffers[place] = name
        for buffer in program.locals:
            hint = program.names.get(buffer, "")
            if hint in self.inputs or hint in self.outputs:
                hint = ""
            name = self.naming.new(hint) if hint else self.naming.numbered("work")
            self.buffers[buffer] = name
            length = _length(buffer.shape)
            if length is not None and length <= _ON_STACK:
                self.stack[buffer] = name
            else:
                self.work.setdefault(buffer.dtype, []).append((buffer, name))
        for buffer in _tables(program):
            self.tables[buffer] = self.buffers[buffer] = self.naming.numbered("table")

    # --- the function ------------------------------------------------------------------------------------
    def made(self) -> CSource:
        used, plan = Used(), Plan()
        pointers = {dtype: self.naming.new(_work_name(dtype)) for dtype in self.work}
        for dtype, buffers in self.work.items():
            if len(buffers) == 1:
                self.buffers[buffers[0][0]] = pointers[dtype]
        parameters = self._parameters(pointers)
        while True:
            named = set(plan.named)
            plan.uses = []
            self._statements(plan, Used(), writing=False)
            if plan.named == named:
                break
        body = self._statements(plan, used, writing=True)
        head = _wrapped(f"int {self.function}(", [p.text for p in parameters] or ["void"], ")")
        inside = [*self._memory(pointers), *self._guards(body), *body.lines]
        unused = [p.name for p in parameters if not _is_used(p.name, inside)]
        inside += [f"    (void){name};" for name in unused]
        lines = [*head, "{", *inside, "    return 0;", "}"]
        parts = [
            _comment(self._title()) + f'#include "{self.function}.h"\n\n#include <math.h>\n',
            *[helper_text(name, dtype) for name, dtype in sorted(used.helpers)],
            *[self._table(buffer, name) for buffer, name in self.tables.items()],
            "\n".join(lines) + "\n",
        ]
        text = "\n".join(parts)
        if not _OF_MATH.search(text):
            text = text.replace("\n#include <math.h>\n", "")
        return CSource(self.function, text, self._header(parameters, body.codes, pointers))

    def _statements(self, plan: Plan, used: Used, writing: bool) -> Statements:
        outputs = {
            place: f"*{name}"
            for place, name in zip(self.program.outputs, self.outputs, strict=True)
            if isinstance(place, Expr)
        }
        made = Statements(
            self.program, plan, writing, self.naming.copy(), used, self.sizes, self.buffers, outputs,
            1 if self._guarded() else 0, self.names.risks,
        )  # fmt: skip
        made.whole()
        return made

    def _guarded(self) -> bool:
        return bool(self.sizes) and self.least > 0

    def _guards(self, body: Statements) -> list[str]:
        if not self._guarded():
            return []
        least = self.least
        body.codes[1] = f"a size is less than {least}"
        test = " || ".join(f"{name} < {least}" for name in self.sizes.values())
        return [f"    if ({test}) {{", f"        return 1;  /* {body.codes[1]} */", "    }"]

    def _parameters(self, pointers: Mapping[str, str]) -> list[_Parameter]:
        program, names = self.program, self.names
        made = [
            _Parameter(f"int64_t {shown}", self._about_size(name), shown)
            for name, shown in self.sizes.items()
        ]
        paths = names.input_paths or names.inputs
        for place, name, path in zip(program.inputs, self.inputs, paths, strict=True):
            about = "" if identifier(path) == name else f", {path}"
            if isinstance(place, Buffer):
                text = f"const {ctype(place.dtype)} *restrict {name}"
                made.append(_Parameter(text, f"in: {self._shape(place.shape)}{about}", name))
            else:
                assert isinstance(place, Expr)
                dtype = ctype(place.value_type.dtype)
                made.append(_Parameter(f"{dtype} {name}", f"in: number{about}", name))
        paths = names.output_paths or names.outputs
        for place, name, path in zip(program.outputs, self.outputs, paths, strict=True):
            about = "" if identifier(path) == name else f", {path}"
            if isinstance(place, Buffer):
                text = f"{ctype(place.dtype)} *restrict {name}"
                made.append(_Parameter(text, f"out: {self._shape(place.shape)}{about}", name))
            else:
                assert isinstance(place, Expr)
                dtype = ctype(place.value_type.dtype)
                made.append(_Parameter(f"{dtype} *{name}", f"out: number{about}", name))
        for dtype, name in pointers.items():
            need = f"{self._macro(dtype)}{self._macro_arguments(dtype)}"
            text = f"{ctype(dtype)} *restrict {name}"
            made.append(_Parameter(text, f"work memory: {need} numbers, of any contents", name))
        return made

    def _about_size(self, name: str) -> str:
        number, axis = self.program.symbols[name]
        array = self.inputs[number]
        place = self.program.inputs[number]
        assert isinstance(place, Buffer)
        words = (
            "length"
            if len(place.shape) == 1
            else ("rows", "columns")[axis]
            if len(place.shape) == 2
            else f"extent {axis}"
        )
        least = f", at least {self.least}" if self._guarded() else ""
        return f"{words} of {array}{least}"

    def _shape(self, shape: Sequence[Extent]) -> str:
        texts = [self._extent(e).text for e in shape]
        if len(texts) == 1:
            return f"array of {texts[0]}"
        return f"array of {' x '.join(at_least(self._extent(e), PRODUCT) for e in shape)}"

    def _extent(self, extent: Extent) -> Text:
        return self.places.written(self.places.extent(extent))

    # --- memory ------------------------------------------------------------------------------------------
    def _memory(self, pointers: Mapping[str, str]) -> list[str]:
        """Where local arrays are: small ones of known size here, the others in the work memory."""
        lines = [
            f"    {ctype(b.dtype)} {name}[{max(_length(b.shape) or 0, 1)}];"
            for b, name in self.stack.items()
        ]
        for dtype, buffers in self.work.items():
            offset: Form = {}
            if len(buffers) == 1:
                continue  # it is all of the work memory
            for buffer, name in buffers:
                start = self.places.written(offset).text
                where = pointers[dtype] if not offset else f"{pointers[dtype]} + {start}"
                lines.append(f"    {ctype(dtype)} *const restrict {name} = {where};")
                offset = plus(offset, self._elements(buffer))
        return lines

    def _elements(self, buffer: Buffer) -> Form:
        total: Extent = 1
        for extent in buffer.shape:
            total = total * extent
        return self.places.extent(total)

    def _macro(self, dtype: str) -> str:
        return f"{self.function}_{_work_name(dtype)}".upper()

    def _macro_arguments(self, dtype: str) -> str:
        names = self._macro_sizes(dtype)
        return f"({', '.join(names)})" if names else ""

    def _macro_sizes(self, dtype: str) -> list[str]:
        needed = {
            n for b, _ in self.work[dtype] for e in b.shape if isinstance(e, Dim) for n in e.names
        }
        return [shown for name, shown in self.sizes.items() if name in needed]

    def _macro_lines(self) -> list[str]:
        lines = []
        for dtype, buffers in self.work.items():
            total: Form = {}
            for buffer, _ in buffers:
                total = plus(total, self._elements(buffer))
            arguments = self._macro_sizes(dtype)
            text = _of_macro(self.places.written(total).text, arguments)
            lines.append(f"#define {self._macro(dtype)}{self._macro_arguments(dtype)} {text}")
        return lines

    def _table(self, buffer: Buffer, name: str) -> str:
        values = np.ascontiguousarray(buffer.table).astype(buffer.dtype).ravel()
        texts = [literal(v, buffer.dtype).text for v in values.tolist()] or ["0"]
        lines = textwrap.wrap(
            ", ".join(texts), _WIDTH - 4, break_long_words=False, break_on_hyphens=False
        )
        inside = "\n".join(f"    {line}" for line in lines)
        return f"static const {ctype(buffer.dtype)} {name}[{len(texts)}] = {{\n{inside}\n}};\n"

    # --- the header --------------------------------------------------------------------------------------
    def _title(self) -> list[str]:
        first, *rest = self.names.about.replace("*/", "* /").split("\n")
        return [f"{self.function}: {first}" if first else self.function, *rest]

    def _header(
        self,
        parameters: Sequence[_Parameter],
        codes: Mapping[int, str],
        pointers: Mapping[str, str],
    ) -> str:
        guard = f"{self.function}_H".upper()
        width = max([len(p.name) for p in parameters], default=0)
        about = [*self._title(), ""]
        about += [f"  {p.name:<{width}}  {p.about}" for p in parameters]
        arrays = [p for p in self.program.inputs if isinstance(p, Buffer) and len(p.shape) > 1]
        arrays += [p for p in self.program.outputs if isinstance(p, Buffer) and len(p.shape) > 1]
        notes = ["Arrays lie row by row."] if arrays else []
        if any("*restrict" in p.text and "const" not in p.text for p in parameters):
            notes.append("What is written to overlaps with nothing else.")
        if notes:
            about += ["", " ".join(notes)]
        about += ["", "Returns 0" + (":" if not codes else ", or where it stops:")]
        if not codes:
            about[-1] = "Returns 0."
        about += [f"  {code}  {text}" for code, text in sorted(codes.items())]
        declared = _wrapped(
            f"int {self.function}(",
            [p.text.replace("restrict ", "") for p in parameters] or ["void"],
            ");",
        )
        macros = self._macro_lines()
        return "\n".join(
            [
                f"#ifndef {guard}", f"#define {guard}", "", "#include <stdbool.h>", "#include <stdint.h>", "",
                "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
                *([*macros, ""] if macros else []),
                _comment(about) + "\n".join(declared), "",
                "#ifdef __cplusplus", "}", "#endif", "", "#endif", "",
            ]
        )  # fmt: skip


def _work_name(dtype: str) -> str:
    return {"float64": "work", "float32": "fwork", "bool": "bwork"}.get(dtype, f"iwork{dtype[3:]}")


def _length(shape: Sequence[Extent]) -> int | None:
    total = 1
    for extent in shape:
        if not isinstance(extent, int):
            return None
        total *= extent
    return total


def _tables(program: Program) -> list[Buffer]:
    found: dict[Buffer, None] = {}
    waiting = [program.body]
    while waiting:
        for statement in waiting.pop():
            for node in order(expressions(statement)):
                if node.op is READ and node.attr.buffer.role == "table":
                    found[node.attr.buffer] = None
            waiting.extend(blocks(statement))
    return sorted(found, key=lambda b: (len(b.name), b.name))


def _is_used(name: str, lines: Sequence[str]) -> bool:
    return any(re.search(rf"\b{name}\b", line) for line in lines)


def _of_macro(text: str, arguments: Sequence[str]) -> str:
    """A text with its arguments in brackets."""
    for name in arguments:
        text = re.sub(rf"\b{name}\b", f"({name})", text)
    return f"({text})"


def _comment(lines: Sequence[str]) -> str:
    """A comment of C; long lines go on below their own indentation."""
    if len(lines) == 1 and len(lines[0]) < _WIDTH - 6:
        return f"/* {lines[0]} */\n"
    shown: list[str] = []
    for line in lines:
        room = " " * (len(line) - len(line.lstrip()))
        deeper = f"{room}    " if room else ""
        shown += textwrap.wrap(line, _WIDTH - 3, subsequent_indent=deeper) or [""]
    return (
        "\n".join([f"/* {shown[0]}", *(f" * {line}".rstrip() for line in shown[1:]), " */"]) + "\n"
    )


def _wrapped(head: str, parts: Sequence[str], tail: str) -> list[str]:
    """A call or declaration, on as many lines as it takes."""
    lines, line = [], head
    for number, part in enumerate(parts):
        piece = part + ("," if number + 1 < len(parts) else tail)
        if line != head and len(line) + 1 + len(piece) > _WIDTH:
            lines.append(line)
            line = " " * len(head)
            line += piece
        else:
            line += ("" if line in (head, " " * len(head)) else " ") + piece
    return [*lines, line]
