"""Compiled programs as functions of C: numbers by value, arrays as pointers, results through pointers.

This is how other compiled code calls them, without Python: integrators, filters, other languages.

The parameters are, in order: for each number its value (``double``, ``int64_t``; two ``double`` if complex);
for each array a pointer to its numbers in row-major order, and an ``int64_t`` for each extent that only the
call tells. Then for each part of the result a pointer to where it goes. The function returns 0, or another
``int64_t`` if it has no result. A result that is one real float is returned instead, NaN if there is none.

Other forms are those that SciPy calls (`FORMS`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.native import engine
from wengert.native.compiled import Loaded, library_function
from wengert.native.signature import Array, Layout, Number, NumPyNumber, Signature, leaves
from wengert.native.wrapper import SMALL_ARENA

__all__ = ["FORMS", "CEntry", "c_entry"]

Leaf = Number | NumPyNumber | Array

# As SciPy writes them; with the parameters in LLVM IR.
FORMS: Final = {
    "double (double)": "double %x",
    "double (double, void *)": "double %x, ptr %data",
    "double (int, double *)": "i32 %count, ptr %x",
    "double (int, double *, void *)": "i32 %count, ptr %x, ptr %data",
    "int (double *, intptr_t, double *, void *)": "ptr %x, i64 %count, ptr %result, ptr %data",
}

_C: Final = {"float": "double", "int": "int64_t", "bool": "int64_t"}
_FAILED: Final = {"double": "0x7FF8000000000000", "i32": "0", "i64": "-1"}


@dataclass(frozen=True)
class CEntry:
    """A function of C: where it is, how it is declared, and what must live as long as it."""

    address: int
    declaration: str
    held: tuple[object, ...]


def c_entry(
    name: str,
    loaded: Loaded,
    outputs: int,
    hidden: Sequence[float] = (),
    form: str = "",
    least: int = 0,
) -> CEntry:
    """A function of C that runs a compiled program.

    The first ``outputs`` parts of the result are given. The last parameters have the values ``hidden``.
    Extents that only the call tells are ``least`` or more, else there is no result. ``form`` is one of
    ``FORMS``; without it, the function is as described above.

    Raises:
        TypeMismatchError: a program that does not have the form; the message tells what it takes and gives.
    """
    signature = loaded.signature
    made = _CFunction(signature, outputs, hidden, form, least)
    problem = made.problem()
    if problem:
        raise TypeMismatchError(worded(name, expected=problem, got=made.described()))
    imports = {"kernel": loaded.kernel, "plan": loaded.plan}
    for function in ("malloc", "free"):
        imports[function] = library_function(function)
    code = engine.compile(made.text(), ["entry"], imports)
    return CEntry(code.address("entry"), made.declared(name), (code, loaded))


class _CFunction:
    """The text of one function."""

    def __init__(
        self, signature: Signature, outputs: int, hidden: Sequence[float], form: str, least: int
    ) -> None:
        self.layout = Layout.of(signature)
        self.form, self.hidden, self.least = form, hidden, least
        self.all = tuple(leaves(signature.result))
        self.results = self.all[:outputs]
        self.parameters = signature.parameters[: len(signature.parameters) - len(hidden)]
        self.lines: list[str] = []
        self.count = 0

    # --- what it is --------------------------------------------------------------------------------------
    @property
    def value(self) -> str:
        """The type in memory of a result that is one real float, else nothing."""
        match self.results:
            case (Number("float"),) | (NumPyNumber("float64"),):
                return "double"
            case (NumPyNumber("float32"),):
                return "float"
        return ""

    @property
    def returned(self) -> str:
        if self.form:
            return "i32" if self.form.startswith("int") else "double"
        return "double" if self.value else "i64"

    def problem(self) -> str:
        """What a form needs that the program has not."""
        if not self.form:
            return ""
        if not self.value:
            return f"a function whose result is one float for `{self.form}`"
        numbers = [p for p in self.parameters if p == Number("float")]
        one = self.parameters[0] if len(self.parameters) == 1 else None
        array = isinstance(one, Array) and one.dtype == "float64" and one.rank == 1
        if self.form.startswith("double (double"):
            fits, wanted = len(numbers) == len(self.parameters) == 1, "one float"
        elif self.form.startswith("double (int"):
            fits = array or (bool(numbers) and len(numbers) == len(self.parameters))
            wanted = "floats, or one array of floats with one axis"
        else:
            fits, wanted = array, "one array of floats with one axis"
        return "" if fits else f"a function of {wanted} for `{self.form}`"

    def described(self) -> str:
        """What the program takes and gives, in words."""
        taken = ", ".join(map(_described, self.parameters)) or "nothing"
        return f"one of {taken} that gives {', '.join(map(_described, self.results)) or 'nothing'}"

    def declared(self, name: str) -> str:
        """The declaration in C."""
        if self.form:
            returned, _, rest = self.form.partition(" ")
            return f"{returned} {name}{rest}"
        given: list[str] = []
        for number, parameter in enumerate(self.parameters):
            if isinstance(parameter, Array):
                given.append(f"const {_element(parameter)} *x{number}")
                unknown = [a for a, e in enumerate(parameter.shape) if e is None]
                given += [f"int64_t x{number}_{axis}" for axis in unknown]
            elif parameter.kind == "complex":
                given += [f"double x{number}_re", f"double x{number}_im"]
            else:
                given.append(f"{_C[parameter.kind]} x{number}")
        if not self.value:
            given += [f"{_element(leaf)} *y{n}" for n, leaf in enumerate(self.results)]
        return f"{'double' if self.value else 'int64_t'} {name}({', '.join(given) or 'void'})"

    # --- text --------------------------------------------------------------------------------------------
    def say(self, *lines: str) -> None:
        self.lines += [f"  {line}" for line in lines]

    def new(self, text: str) -> str:
        self.count += 1
        self.say(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def unless(self, condition: str) -> None:
        """Go on if a condition holds."""
        self.count += 1
        self.say(f"br i1 {condition}, label %l{self.count}, label %failed")
        self.lines.append(f"l{self.count}:")

    def put(self, word: int, typed: str) -> None:
        self.say(f"store {typed}, ptr {self.new(f'getelementptr i64, ptr %words, i64 {word}')}")

    def get(self, word: int, kind: str = "i64") -> str:
        return self.new(
            f"load {kind}, ptr {self.new(f'getelementptr i64, ptr %words, i64 {word}')}"
        )

    def text(self) -> str:
        layout = self.layout
        self.say(
            f"%words = alloca [{layout.size} x i64], align 64",
            f"%small = alloca [{SMALL_ARENA} x i8], align 64",
        )
        for word in (*range(4), *([layout.zeros] if layout.zeros is not None else [])):
            self.put(word, "i64 0")
        parameters = FORMS.get(self.form) or self.own_parameters()
        self.arguments()
        self.constants()
        self.places()
        self.unless(self.new(f"icmp eq i64 {self.new('call i64 @plan(ptr %words)')}, 0"))
        self.run()
        self.give_back()
        self.lines += ["failed:", f"  ret {self.returned} {_FAILED[self.returned]}"]
        head = (
            "declare i64 @plan(ptr)\ndeclare i64 @kernel(ptr, ptr)\n"
            "declare ptr @malloc(i64)\ndeclare void @free(ptr)\n"
            f"define {self.returned} @entry({parameters}) {{\n"
        )
        return head + "\n".join(self.lines) + "\n}\n"

    def own_parameters(self) -> str:
        given: list[str] = []
        for number, parameter in enumerate(self.parameters):
            if isinstance(parameter, Array):
                given.append(f"ptr %x{number}")
                unknown = [a for a, e in enumerate(parameter.shape) if e is None]
                given += [f"i64 %x{number}_{axis}" for axis in unknown]
            elif parameter.kind == "complex":
                given += [f"double %x{number}_re", f"double %x{number}_im"]
            else:
                given.append(f"{'double' if parameter.kind == 'float' else 'i64'} %x{number}")
        if not self.value:
            given += [f"ptr %y{n}" for n in range(len(self.results))]
        return ", ".join(given)

    def arguments(self) -> None:
        """The parameters into words."""
        if self.form.startswith("double (double"):
            self.put(self.layout.parameter(0), "double %x")
        elif self.form:
            count = "%count"
            if not self.form.startswith("int"):
                count = self.new("sext i32 %count to i64")
            if isinstance(self.parameters[0], Array):
                self.array(0, self.parameters[0], "%x", [count])
                return
            self.unless(self.new(f"icmp eq i64 {count}, {len(self.parameters)}"))
            for number in range(len(self.parameters)):
                place = self.new(f"getelementptr double, ptr %x, i64 {number}")
                self.put(self.layout.parameter(number), f"i64 {self.new(f'load i64, ptr {place}')}")
        else:
            for number, parameter in enumerate(self.parameters):
                self.argument(number, parameter)

    def argument(self, number: int, parameter: Number | Array) -> None:
        word = self.layout.parameter(number)
        if isinstance(parameter, Array):
            extents = [
                f"%x{number}_{axis}" if extent is None else str(extent)
                for axis, extent in enumerate(parameter.shape)
            ]
            self.array(number, parameter, f"%x{number}", extents)
        elif parameter.kind == "complex":
            self.put(word, f"double %x{number}_re")
            self.put(word + 1, f"double %x{number}_im")
        elif parameter.kind == "bool":
            true = self.new(f"icmp ne i64 %x{number}, 0")
            self.put(word, f"i64 {self.new(f'zext i1 {true} to i64')}")
        else:
            self.put(word, f"{'double' if parameter.kind == 'float' else 'i64'} %x{number}")

    def array(self, number: int, array: Array, data: str, extents: Sequence[str]) -> None:
        self.put(self.layout.parameter(number), f"ptr {data}")
        for axis, (found, extent) in enumerate(zip(extents, array.shape, strict=True)):
            if extent is None:
                self.unless(self.new(f"icmp sge i64 {found}, {self.least}"))
            else:
                self.unless(self.new(f"icmp eq i64 {found}, {extent}"))
            self.put(self.layout.extent(number, axis), f"i64 {found}")

    def constants(self) -> None:
        first = len(self.parameters)
        for number, value in enumerate(self.hidden, first):
            parameter, word = (
                self.layout.signature.parameters[number],
                self.layout.parameter(number),
            )
            assert isinstance(parameter, Number)
            dtype = {"float": "float64", "complex": "complex128"}.get(parameter.kind, "int64")
            bits = np.array(value, dtype).reshape(1).view(np.int64)
            for step, part in enumerate(bits):
                self.put(word + step, f"i64 {part}")

    def places(self) -> None:
        """The fixed extents of the result, and where it goes."""
        for number, leaf in enumerate(self.all):
            if not isinstance(leaf, Array):
                continue
            for axis, extent in enumerate(leaf.shape):
                if extent is not None:
                    self.put(self.layout.result_extent(number, axis), f"i64 {extent}")
            self.put(self.layout.result(number), f"ptr %y{number}")

    def run(self) -> None:
        need = self.get(Layout.ARENA)
        little = self.new(f"icmp ule i64 {need}, {SMALL_ARENA}")
        self.say("br label %before")
        self.lines.append("before:")
        self.say(f"br i1 {little}, label %ready, label %ask")
        self.lines.append("ask:")
        self.say(
            f"%total = add i64 {need}, 64",
            "%asked = call ptr @malloc(i64 %total)",
            "%lost = icmp eq ptr %asked, null",
            "br i1 %lost, label %failed, label %align",
        )
        self.lines.append("align:")
        self.say(
            "%from = ptrtoint ptr %asked to i64",
            "%after = add i64 %from, 63",
            "%even = and i64 %after, -64",
            "%large = inttoptr i64 %even to ptr",
            "br label %ready",
        )
        self.lines.append("ready:")
        self.say(
            "%arena = phi ptr [ %small, %before ], [ %large, %align ]",
            "%memory = phi ptr [ null, %before ], [ %asked, %align ]",
            "%code = call i64 @kernel(ptr %words, ptr %arena)",
            "call void @free(ptr %memory)",
        )
        if self.returned == "i64":
            self.say("%fine = icmp eq i64 %code, 0", "br i1 %fine, label %done, label %stopped")
            self.lines += ["stopped:", "  ret i64 %code", "done:"]
        else:
            self.unless(self.new("icmp eq i64 %code, 0"))

    def give_back(self) -> None:
        if self.value:
            value = self.get(self.layout.result(0), self.value)
            if self.value == "float":
                value = self.new(f"fpext float {value} to double")
            if self.returned == "i32":
                self.say(f"store double {value}, ptr %result", "ret i32 1")
            else:
                self.say(f"ret double {value}")
            return
        for number, leaf in enumerate(self.results):
            if isinstance(leaf, Array):
                continue
            word = self.layout.result(number)
            size = 16 if isinstance(leaf, Number) and leaf.kind == "complex" else _size(leaf)
            if isinstance(leaf, Number) and leaf.kind == "bool":
                true = self.new(f"icmp ne i64 {self.get(word)}, 0")
                self.say(f"store i8 {self.new(f'zext i1 {true} to i8')}, ptr %y{number}")
                continue
            for step in range((size + 7) // 8):
                bits = f"i{8 * min(size, 8)}"
                to = self.new(f"getelementptr i64, ptr %y{number}, i64 {step}")
                self.say(f"store {bits} {self.get(word + step, bits)}, ptr {to}, align 1")
        self.say("ret i64 0")


def _size(leaf: Leaf) -> int:
    return np.dtype(_dtype(leaf)).itemsize


def _dtype(leaf: Leaf) -> str:
    if not isinstance(leaf, Number):
        return leaf.dtype
    return {"float": "float64", "int": "int64", "complex": "complex128"}.get(leaf.kind, "bool")


def _element(leaf: Leaf) -> str:
    """The type of a number in C."""
    dtype = _dtype(leaf)
    known = {
        "bool": "bool", "float32": "float", "float64": "double", "complex64": "float complex",
        "complex128": "double complex",
    }  # fmt: skip
    return known.get(dtype, f"{dtype}_t")


def _described(leaf: Leaf) -> str:
    if isinstance(leaf, Number):
        return leaf.kind
    if isinstance(leaf, NumPyNumber):
        return leaf.dtype
    extents = ["n" if e is None else str(e) for e in leaf.shape]
    return f"{leaf.dtype}[{', '.join(extents)}]"
