"""Text of LLVM's intermediate language, written quickly and always in the same words.

A `Module` collects functions and what they need from outside, each once; a `Function` collects lines. Values
are strings: a name such as ``%v3`` or a constant. Every instruction names the `Kind` that it works on.

>>> module = Module()
>>> f = module.function("scaled", [("ptr noalias", "x"), ("i64", "n")])
>>> wide = kind("double", 4)
>>> with f.loop("0", "%n", "4") as i:
...     place = f.element(DOUBLE, "%x", i)
...     f.store(wide, f.mul(wide, f.load(wide, place), wide.constant(0.5)), place)
>>> f.ret()
>>> print(module.text(), end="")
define void @scaled(ptr noalias %x, i64 %n) nounwind {
entry:
  br label %loop0
loop0:
  %v0 = phi i64 [ 0, %entry ], [ %v5, %body1 ]
  %v1 = icmp slt i64 %v0, %n
  br i1 %v1, label %body1, label %done2
body1:
  %v2 = getelementptr inbounds double, ptr %x, i64 %v0
  %v3 = load <4 x double>, ptr %v2, align 8
  %v4 = fmul <4 x double> %v3, splat (double 0x3FE0000000000000)
  store <4 x double> %v4, ptr %v2, align 8
  %v5 = add nsw i64 %v0, 4
  br label %loop0
done2:
  ret void
}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from wengert.native.kinds import BOOL, DOUBLE, FLOAT, I32, I64, Kind, kind

__all__ = [
    "BOOL", "DOUBLE", "FAST", "FLOAT", "I32", "I64", "Function", "Kind", "Module", "kind",
]  # fmt: skip

Result = TypeVar("Result")

FAST = "reassoc nsz arcp contract "
"""What arithmetic of the user's own may be rearranged by; NaN and infinity keep their meaning."""


class Module:
    """Functions, and what they need from outside: declarations, constants, helpers, metadata.

    ``attributes`` are those of every function; ``has_fma`` tells whether the target multiplies and adds with
    one rounding (without it ``llvm.fma`` is a slow call), ``has_avx512`` whether it has these instructions.
    """

    def __init__(
        self, *, has_fma: bool = True, has_avx512: bool = False, attributes: str = ""
    ) -> None:
        self.has_fma, self.has_avx512 = has_fma, has_avx512
        self.attributes = attributes
        self.functions: dict[str, Function] = {}
        self.tables: dict[object, str] = {}  # addresses of constants, by what they are for
        self._declared: dict[str, str] = {}
        self._globals: dict[str, str] = {}
        self._metadata: list[str] = []
        self._numbers: dict[str, int] = {}  # of metadata that is not distinct

    def function(
        self,
        name: str,
        parameters: Sequence[tuple[str, str]],
        result: str = "void",
        *,
        linkage: str = "",
        attributes: str = "nounwind",
    ) -> Function:
        """A new function; parameters are types (with attributes, if any) and names without ``%``."""
        if name in self.functions:
            raise ValueError(f"a module has one function of a name, and has {name} already")
        taken = ", ".join(f"{type_} %{parameter}" for type_, parameter in parameters)
        words = " ".join(word for word in (attributes, self.attributes) if word)
        linkage = linkage and f"{linkage} "
        made = Function(self, f"define {linkage}{result} @{name}({taken}) {words} {{", result)
        self.functions[name] = made
        return made

    def helper(self, name: str, build: Callable[[Module, str], None]) -> str:
        """The name of an internal function, which ``build(module, name)`` adds at its first use."""
        if name not in self.functions:
            build(self, name)
        return name

    def declare(self, name: str, parameters: str, result: str, attributes: str = "") -> None:
        """A function that is defined elsewhere; parameters are their types, with commas."""
        if name not in self._declared:
            tail = attributes and f" {attributes}"
            self._declared[name] = f"declare {result} @{name}({parameters}){tail}"

    def constant(self, name: str, type_: str, value: str) -> str:
        """A table that never changes; its address."""
        self._globals[name] = f"@{name} = internal unnamed_addr constant {type_} {value}, align 64"
        return f"@{name}"

    def external(self, name: str) -> str:
        """Data that is defined elsewhere; its address."""
        self._globals[name] = f"@{name} = external global i8"
        return f"@{name}"

    def metadata(self, text: str, *, distinct: bool = False) -> str:
        """The reference of a metadata node; ``self`` in the text of a distinct one is itself.

        >>> Module().metadata('!{self, !"llvm.loop.unroll.disable"}', distinct=True)
        '!0'
        """
        if not distinct and text in self._numbers:
            return f"!{self._numbers[text]}"
        reference = f"!{len(self._metadata)}"
        if not distinct:
            self._numbers[text] = len(self._metadata)
        self._metadata.append("distinct " + text.replace("self", reference) if distinct else text)
        return reference

    def text(self) -> str:
        """All of it."""
        lines = [self._globals[name] for name in sorted(self._globals)]
        lines += [function.text() for function in self.functions.values()]
        lines += [self._declared[n] for n in sorted(self._declared) if n not in self.functions]
        lines += [f"!{number} = {text}" for number, text in enumerate(self._metadata)]
        return "\n".join(lines) + "\n"


class Function:
    """The lines of one function.

    Instructions without effects are numbered by their text: the same text gives the same value for as long
    as the block that computed it dominates what is being written, see `scope`.
    """

    def __init__(self, module: Module, head: str, result: str) -> None:
        self.module = module
        self.result = result
        self.current = "entry"  # the block that is being written
        self._head = head
        self._slots: list[str] = []
        self._lines: list[str] = []
        self._values = 0
        self._blocks = 0
        self._known: dict[str, Any] = {}  # Any: a name, or what was computed `once`
        self._order: list[str] = []  # of what is known, to forget it again
        self._phis: dict[str, int] = {}

    def known(self, text: str) -> str:
        """The value of an instruction that has been written and is still right; nothing if there is none."""
        found: str = self._known.get(text, "")
        return found

    @contextmanager
    def before_end(self) -> Iterator[Function]:
        """What is written meanwhile stands in front of the last line."""
        last = self._lines.pop()
        yield self
        self._lines.append(last)

    @property
    def length(self) -> int:
        """How many lines there are by now."""
        return len(self._lines)

    def text(self) -> str:
        """The whole definition."""
        return "\n".join([self._head, "entry:", *self._slots, *self._lines, "}"])

    # --- values ------------------------------------------------------------------------------------------
    def pure(self, text: str) -> str:
        """The value of an instruction without effects, computed once."""
        name: str | None = self._known.get(text)
        if name is None:
            name = f"%v{self._values}"
            self._values += 1
            self._lines.append(f"  {name} = {text}")
            self._known[text] = name
            self._order.append(text)
        return name

    def once(self, key: str, build: Callable[[], Result]) -> Result:
        """What several instructions, perhaps with blocks of their own, compute for this key."""
        if key not in self._known:
            self._known[key] = build()
            self._order.append(key)
        found: Result = self._known[key]
        return found

    def value(self, text: str) -> str:
        """The value of an instruction that is executed each time."""
        name = f"%v{self._values}"
        self._values += 1
        self._lines.append(f"  {name} = {text}")
        return name

    def effect(self, text: str) -> None:
        """An instruction without a value."""
        self._lines.append(f"  {text}")

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Values that are computed in here are forgotten at the end."""
        start = len(self._order)
        yield
        for text in self._order[start:]:
            del self._known[text]
        del self._order[start:]

    # --- arithmetic: of floats where the kind is one, else of integers ---------------------------------
    def add(self, kind: Kind, a: str, b: str, flags: str = "") -> str:
        return self.pure(f"{'fadd' if kind.is_float else 'add'} {flags}{kind.text} {a}, {b}")

    def sub(self, kind: Kind, a: str, b: str, flags: str = "") -> str:
        return self.pure(f"{'fsub' if kind.is_float else 'sub'} {flags}{kind.text} {a}, {b}")

    def mul(self, kind: Kind, a: str, b: str, flags: str = "") -> str:
        return self.pure(f"{'fmul' if kind.is_float else 'mul'} {flags}{kind.text} {a}, {b}")

    def div(self, kind: Kind, a: str, b: str, flags: str = "") -> str:
        """The quotient; of integers, towards zero."""
        return self.pure(f"{'fdiv' if kind.is_float else 'sdiv'} {flags}{kind.text} {a}, {b}")

    def neg(self, kind: Kind, a: str, flags: str = "") -> str:
        if kind.is_float:
            return self.pure(f"fneg {flags}{kind.text} {a}")
        return self.pure(f"sub {kind.text} {kind.constant(0)}, {a}")

    def fma(self, kind: Kind, a: str, b: str, c: str) -> str:
        """``a*b + c``, with one rounding where the target can."""
        if self.module.has_fma:
            return self.intrinsic("fma", kind, a, b, c)
        return self.add(kind, self.mul(kind, a, b), c)

    def binary(self, opcode: str, kind: Kind, a: str, b: str) -> str:
        """Any other instruction of two operands of a kind: ``and or xor shl lshr ashr srem``."""
        return self.pure(f"{opcode} {kind.text} {a}, {b}")

    def intrinsic(self, name: str, kind: Kind, *operands: str, flags: str = "") -> str:
        """A pure intrinsic whose operands and result are of a kind: ``sqrt fabs floor maximum``."""
        full = f"llvm.{name}.{kind.suffix}"
        self.module.declare(full, ", ".join([kind.text] * len(operands)), kind.text)
        given = ", ".join([f"{kind.text} {a}" for a in operands])
        return self.pure(f"call {flags}{kind.text} @{full}({given})")

    def compare(self, kind: Kind, predicate: str, a: str, b: str, flags: str = "") -> str:
        """Truth values; the predicate is one of ``fcmp`` (``olt``, ``une``) or of ``icmp`` (``slt``)."""
        opcode = "fcmp" if kind.is_float else "icmp"
        return self.pure(f"{opcode} {flags}{predicate} {kind.text} {a}, {b}")

    def select(self, kind: Kind, condition: str, yes: str, no: str) -> str:
        """``yes`` in the lanes where the condition holds; all three have the same lanes."""
        return self.pure(
            f"select {kind.mask.text} {condition}, {kind.text} {yes}, {kind.text} {no}"
        )

    def convert(self, opcode: str, source: Kind, a: str, target: Kind) -> str:
        """Another kind: ``bitcast sitofp fptosi fpext fptrunc sext zext trunc``."""
        return self.pure(f"{opcode} {source.text} {a} to {target.text}")

    # --- lanes -------------------------------------------------------------------------------------------
    def splat(self, kind: Kind, scalar: str) -> str:
        """A scalar in every lane."""
        if kind.lanes == 1:
            return scalar
        if not scalar.startswith("%"):
            return kind.splat_of(scalar)
        first = self.insert(kind, "poison", scalar, "0")
        return self.shuffle(kind, first, "poison", [0] * kind.lanes)

    def shuffle(self, kind: Kind, a: str, b: str, lanes: Sequence[int]) -> str:
        """Lanes of ``a`` and, counted on, of ``b``; the result has as many as are named."""
        if len(lanes) == 1:
            source, lane = (a, lanes[0]) if lanes[0] < kind.lanes else (b, lanes[0] - kind.lanes)
            return self.extract(kind, source, str(lane))
        chosen = ", ".join([f"i32 {lane}" for lane in lanes])
        return self.pure(
            f"shufflevector {kind.text} {a}, {kind.text} {b}, <{len(lanes)} x i32> <{chosen}>"
        )

    def extract(self, kind: Kind, a: str, lane: str) -> str:
        """One lane; of a scalar, itself."""
        return a if kind.lanes == 1 else self.pure(f"extractelement {kind.text} {a}, i64 {lane}")

    def insert(self, kind: Kind, a: str, scalar: str, lane: str) -> str:
        """``a`` with another value in one lane."""
        if kind.lanes == 1:
            return scalar
        return self.pure(f"insertelement {kind.text} {a}, {kind.element} {scalar}, i64 {lane}")

    def reduce(self, name: str, kind: Kind, a: str, flags: str = "", start: str = "") -> str:
        """All lanes as one: ``fadd fmul`` (which have a start) ``fmaximum fminimum add mul and or xor``."""
        if kind.lanes == 1:
            if not start:
                return a
            return self.pure(f"{name} {flags}{kind.text} {start}, {a}")
        full = f"llvm.vector.reduce.{name}.{kind.suffix}"
        types, given = kind.text, f"{kind.text} {a}"
        if start:
            types, given = f"{kind.element}, {types}", f"{kind.element} {start}, {given}"
        self.module.declare(full, types, kind.element)
        return self.pure(f"call {flags}{kind.element} @{full}({given})")

    def any(self, mask: Kind, a: str) -> str:
        """Whether a condition holds in some lane."""
        return self.reduce("or", mask, a)

    # --- memory ------------------------------------------------------------------------------------------
    def slot(self, kind: Kind | None) -> str:
        """The address of a variable of this call; one that is only loaded and stored costs nothing.

        Without a kind it is one that holds an address.
        """
        return self.room(kind.text if kind else "ptr")

    def room(self, type_: str) -> str:
        """The address of memory for a type, which is there until the call ends."""
        name = f"%v{self._values}"
        self._values += 1
        self._slots.append(f"  {name} = alloca {type_}")
        return name

    def element(self, kind: Kind, pointer: str, index: str) -> str:
        """The address so many elements (or vectors, by the kind) further on."""
        return self.pure(f"getelementptr inbounds {kind.text}, ptr {pointer}, i64 {index}")

    def load(self, kind: Kind, pointer: str, align: int = 0, metadata: str = "") -> str:
        """What is in memory, aligned as one lane is unless more is known."""
        return self.value(f"load {kind.text}, ptr {pointer}, align {align or kind.bytes}{metadata}")

    def store(self, kind: Kind, a: str, pointer: str, align: int = 0, metadata: str = "") -> None:
        """Put a value into memory."""
        self.effect(f"store {kind.text} {a}, ptr {pointer}, align {align or kind.bytes}{metadata}")

    def masked_load(self, kind: Kind, pointer: str, mask: str, other: str = "poison") -> str:
        """What is in memory in the lanes of a mask, and ``other`` in the rest."""
        full = f"llvm.masked.load.{kind.suffix}.p0"
        self.module.declare(full, f"ptr, i32, {kind.mask.text}, {kind.text}", kind.text)
        return self.value(
            f"call {kind.text} @{full}(ptr {pointer}, i32 {kind.bytes}, "
            f"{kind.mask.text} {mask}, {kind.text} {other})"
        )

    def masked_store(self, kind: Kind, a: str, pointer: str, mask: str) -> None:
        """Put the lanes of a mask into memory and leave the rest as it is."""
        full = f"llvm.masked.store.{kind.suffix}.p0"
        self.module.declare(full, f"{kind.text}, ptr, i32, {kind.mask.text}", "void")
        self.effect(
            f"call void @{full}({kind.text} {a}, ptr {pointer}, i32 {kind.bytes}, "
            f"{kind.mask.text} {mask})"
        )

    # --- calls -------------------------------------------------------------------------------------------
    def call(
        self, result: str, name: str, given: Sequence[tuple[str, str]], *, pure: bool = False
    ) -> str:
        """Call what is declared or defined in the module; without a result the name is empty."""
        text = f"call {result} @{name}({', '.join([f'{type_} {a}' for type_, a in given])})"
        if result == "void":
            self.effect(text)
            return ""
        return self.pure(text) if pure else self.value(text)

    def field(self, type_: str, a: str, index: int) -> str:
        """A member of what was returned as several values."""
        return self.pure(f"extractvalue {type_} {a}, {index}")

    # --- blocks ------------------------------------------------------------------------------------------
    def block(self, name: str) -> str:
        """A new label; `start` begins the block."""
        label = f"{name}{self._blocks}"
        self._blocks += 1
        return label

    def start(self, label: str) -> None:
        """What follows belongs to this block."""
        self._lines.append(f"{label}:")
        self.current = label

    def branch(self, label: str, metadata: str = "") -> None:
        """Go on there."""
        self._lines.append(f"  br label %{label}{metadata}")

    def branch_if(self, condition: str, yes: str, no: str, metadata: str = "") -> None:
        """Go on at one of two."""
        self._lines.append(f"  br i1 {condition}, label %{yes}, label %{no}{metadata}")

    def ret(self, value: str = "") -> None:
        """Return, with the value unless the function has none."""
        self._lines.append(f"  ret {self.result} {value}".rstrip())

    def phi(self, kind: Kind, *incoming: tuple[str, str]) -> str:
        """The value by the block that one comes from; see `extend_phi` for blocks still to come."""
        arms = ", ".join([f"[ {a}, %{label} ]" for a, label in incoming])
        self._phis[f"%v{self._values}"] = len(self._lines)
        return self.value(f"phi {kind.text} {arms}")

    def extend_phi(self, phi: str, value: str, label: str) -> None:
        """The value of a phi when one comes from a further block."""
        self._lines[self._phis[phi]] += f", [ {value}, %{label} ]"

    @contextmanager
    def loop(self, start: str, stop: str, step: str = "1", metadata: str = "") -> Iterator[str]:
        """Count from ``start`` while less than ``stop``; gives the counter. What changes is in slots."""
        head, body, done = self.block("loop"), self.block("body"), self.block("done")
        before = self.current
        self.branch(head)
        self.start(head)
        with self.scope():
            counter = self.phi(I64, (start, before))
            self.branch_if(self.compare(I64, "slt", counter, stop), body, done)
            self.start(body)
            yield counter
            after = self.value(f"add nsw i64 {counter}, {step}")
            self.extend_phi(counter, after, self.current)
            self.branch(head, metadata)
        self.start(done)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """What is written in here happens where a condition holds."""
        then, after = self.block("then"), self.block("after")
        self.branch_if(condition, then, after)
        self.start(then)
        with self.scope():
            yield
        self.branch(after)
        self.start(after)
