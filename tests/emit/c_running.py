"""C source, compiled by the compiler of this machine and called: many programs in one file."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any  # Any: numbers and arrays

import numpy as np

from wengert.emit.c import CSource, Names, written
from wengert.ir.dims import Dim, Extent
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.lower.lowering import lowered
from wengert.lower.nest import Buffer, Program

__all__ = ["COMPILER", "Batch"]

COMPILER = shutil.which("cc")
FLAGS = [
    "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Wno-sign-conversion", "-Werror",
    "-Wno-tautological-compare",  # a program may compare a number with itself
]  # fmt: skip

Shape = tuple[Extent, ...]

_HELPER = re.compile(r"^static inline .*?^}\n", re.M | re.S)
_PARAMETER = re.compile(r"(const )?(\w+) (\*)?(\w+)$")
_TYPES = {
    "double": (ctypes.c_double, np.float64), "float": (ctypes.c_float, np.float32),
    "int64_t": (ctypes.c_int64, np.int64), "int32_t": (ctypes.c_int32, np.int32),
    "bool": (ctypes.c_bool, np.bool_),
}  # fmt: skip
_FENCE = 77  # behind the end of every array that a program writes to


class Batch:
    """Programs that are compiled together."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder, self.flags = folder, flags or ("-O1", "-ffp-contract=off")
        self.made: list[tuple[CSource, list[Shape], list[Shape]]] = []
        self._library: Any = None

    def add(self, function: Function, **options: Any) -> int:
        """The number of a program; `Unsupported` if it has no C."""
        hints = [str(node.attr.name) for node in function.inputs]
        return self.add_nests(lowered(function, fuse=False, calls=False, **options), hints)

    def add_nests(self, program: Program, hints: Sequence[str] = ()) -> int:
        """The same for loop nests, which are changed."""
        number = len(self.made)
        inputs = tuple(hints) or tuple(f"in{k}" for k in range(len(program.inputs)))
        outputs = tuple(f"out{k}" for k in range(len(program.outputs)))
        shapes = [[_shape(p) for p in places] for places in (program.inputs, program.outputs)]
        source = written(program, Names(f"f{number}", inputs, outputs))
        self.made.append((source, shapes[0], shapes[1]))
        return number

    def build(self) -> None:
        """Compile all of it; warnings are errors."""
        helpers: dict[str, None] = {}
        bodies = []
        for source, *_ in self.made:
            helpers |= dict.fromkeys(_HELPER.findall(source.code))
            text = _HELPER.sub("", source.code)
            text = text.replace(f'#include "{source.name}.h"\n', source.header)
            bodies.append(re.sub(r"\btable(\d+)\b", rf"{source.name}_table\1", text))
        head = "#include <math.h>\n#include <stdbool.h>\n#include <stdint.h>\n"
        file, library = self.folder / "all.c", self.folder / "all.so"
        file.write_text(head + "\n".join(helpers) + "\n".join(bodies))
        assert COMPILER is not None
        line = [
            COMPILER,
            *FLAGS,
            *self.flags,
            "-shared",
            "-fPIC",
            "-o",
            str(library),
            str(file),
            "-lm",
        ]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:5000]
        self._library = ctypes.CDLL(str(library))

    def run(self, number: int, values: Sequence[Any]) -> tuple[int, list[Any]]:
        """What the function returns, and the outputs."""
        source, inputs, results = self.made[number]
        sizes: dict[str, int] = {}
        for shape_in, value in zip(inputs, values, strict=True):
            for extent, length in zip(shape_in, np.shape(value), strict=True):
                if isinstance(extent, Dim) and extent is Dim.named(str(extent)):
                    sizes.setdefault(str(extent), length)
        head = re.search(rf"^int {source.name}\(([^;]*)\);$", source.header, re.M)
        assert head is not None
        macros = dict(
            re.findall(r"^#define (\w+_\w*WORK\w*)(?:\([\w, ]*\))? (.*)$", source.header, re.M)
        )
        names = dict(re.findall(r"^#define (\w+_\w*WORK\w*)\(([\w, ]*)\)", source.header, re.M))
        places = iter(results)
        given = iter(values)
        args: list[Any] = []
        outputs: list[Any] = []
        fences: list[tuple[np.ndarray, int]] = []
        inputs_left = len(inputs)
        size_values = list(sizes.values())
        for position, text in enumerate(" ".join(head[1].split()).split(", ")):
            if text == "void":
                break
            found = _PARAMETER.match(text)
            assert found is not None, text
            kind, dtype = _TYPES[found[2]]
            if position < len(sizes):
                args.append(kind(size_values[position]))
            elif inputs_left:
                inputs_left -= 1
                value = next(given)
                if found[3]:
                    array = np.ascontiguousarray(value, dtype)
                    fences.append((array, -1))
                    args.append(ctypes.c_void_p(array.ctypes.data))
                else:
                    args.append(kind(np.asarray(value).astype(dtype)[()].item()))
            else:
                node = next(places, None)
                if node is None:
                    macro = next(m for m in macros if m.endswith(found[4].upper()))
                    known = {
                        shown: size_values[k] for k, shown in enumerate(_sizes(source, len(sizes)))
                    }
                    wanted = {n: known[n] for n in names.get(macro, "").split(", ") if n}
                    length: int = eval(macros[macro], {}, wanted)
                    lengths: tuple[int, ...] = (length,)
                else:
                    lengths = tuple(
                        e if isinstance(e, int) else int(e.evaluate(sizes)) for e in node
                    )
                count = int(np.prod(lengths, dtype=int))
                memory = np.full(count + 8, _FENCE).astype(dtype)
                fences.append((memory, count))
                if node is not None:
                    outputs.append((memory, lengths))
                args.append(ctypes.c_void_p(memory.ctypes.data))
        code = getattr(self._library, source.name)(*args)
        for memory, count in fences:
            if count >= 0:
                fence = np.full(8, _FENCE).astype(memory.dtype)
                assert np.array_equal(memory[count:], fence), "written behind the end"
        shown = [m[: int(np.prod(s, dtype=int))].reshape(s) for m, s in outputs]
        return int(code), shown


def _shape(place: Expr | Buffer) -> Shape:
    return place.shape


def _sizes(source: CSource, count: int) -> list[str]:
    head = re.search(rf"^int {source.name}\(([^;]*)\);$", source.header, re.M)
    assert head is not None
    return [p.split()[-1] for p in head[1].split(",")[:count]]
