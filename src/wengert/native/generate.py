"""Loop nests as a text of LLVM IR: the two functions of a compiled program, see `signature.Layout`.

>>> from wengert.lower.nest import Assign, Block, Program, variable
>>> from wengert.ops.leaves import symbol
>>> x = symbol("x")
>>> y = variable(x.value_type)
>>> program = Program((x,), (y,), (), Block([Assign(y, x * x + 1)]), {})
>>> made = generated(program, engine.host())
>>> made.plan, made.kernel, "fmul arcp contract" in made.text
('plan', 'kernel', True)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from wengert.ir.dims import Dim, Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.lower.changes import blocks, expressions, slotted, statements
from wengert.lower.nest import (
    Block,
    Buffer,
    Call,
    Check,
    For,
    Host,
    If,
    Pair,
    Program,
    Statement,
    While,
)
from wengert.lower.ranges import LARGEST_SIZE
from wengert.lower.zeros import zeroed
from wengert.native import engine, mathematics
from wengert.native.conversions import converted, kind_of, memory_kind
from wengert.native.heap import DROP, IMPORTS, block_of, write_heap
from wengert.native.hosting import words_of
from wengert.native.memory import Memory, Sizes
from wengert.native.parts import Earlier, address, changing, split
from wengert.native.primitives import Writer
from wengert.native.signature import Array, Layout, Number, NumPyNumber, Signature
from wengert.native.signature import Kind as NumberKind
from wengert.native.statements import Statements, stop_unless_zero, unrolled
from wengert.native.text import DOUBLE, I64, Function, Module
from wengert.native.values import Values
from wengert.ops.complexes import complex_dtype
from wengert.ops.leaves import CONSTANT, SIZE

__all__ = ["Generated", "generated", "signature_of"]

# Functions of single numbers that are inlined outside of loops, and in all. Calls take longer, but a little
# of it only, where the alternative is as much code as none of the processor's caches hold.
FEW, MANY = 12, 100
# Lines of text from which on good code takes half a second and more to make. Outside of loops it gains less,
# a fifth to a half of the time of a call, and takes 30 microseconds a line to make instead of 4.
LONG, LONG_OUTSIDE = 20_000, 1_500
# Results that may come as zeros: each has a bit of a word.
BITS = 60
# What a statement takes and how often a loop runs, where nothing better is known.
NANOSECONDS, TIMES = 2, 100
CALLED = "1000"
# Local buffers of at most so many elements are on the stack, at most so many of them.
HELD, MOST_HELD = 64, 64


@dataclass(frozen=True)
class Generated:
    """The text of a program, what it takes and gives, and what it needs from outside.

    ``imports`` are functions of C's library, ``routines`` those of BLAS and LAPACK, each with its library.
    """

    text: str
    signature: Signature
    plan: str
    kernel: str
    tier: engine.Tier
    imports: tuple[str, ...]
    routines: tuple[tuple[str, str], ...]
    drop: str = ""  # the function that releases memory, if there is one
    hosts: tuple[tuple[Host, str], ...] = ()  # the calls of Python, each with its words
    abouts: Mapping[int, str] = field(default_factory=dict)  # what the codes of checks mean


def generated(program: Program, host: engine.Host, *, fast: bool = True) -> Generated:
    """The text of LLVM IR of a program; ``fast=False`` keeps the order of all additions.

    Raises:
        Unsupported: an op without instructions, or an extent that the inputs do not tell.
    """
    has_avx512 = host.lanes == 8
    wide = '"prefer-vector-width"="512"' if has_avx512 else ""
    module = Module(has_fma=host.fma, has_avx512=has_avx512, attributes=wide)
    cleared = {b: s for b, s in zeroed(program).items() if b.number < BITS}
    signature = signature_of(program, cleared)
    layout = Layout.of(signature)
    given = [("ptr", "words"), ("ptr", "arena")]
    if program.heap:
        kernel = module.function("inside", [*given, ("ptr", "record")], "i64", linkage="internal")
    else:
        kernel = module.function("kernel", given, "i64")
    outside, everywhere = _counted(program, host.lanes)
    writer = Writer(kernel, fast, calls=outside > FEW, calls_in_loops=everywhere > MANY)
    parts = split(program)
    held = _held(program) if len(parts) == 1 else set()
    words = _write(
        _Frame(program, layout, host.lanes, slotted(program), held, cleared), writer, parts
    )
    _plan(module, program, layout, held, words)
    around = ""
    if program.heap:
        around = write_heap(module, len(program.heap))
        writer.imports.update(IMPORTS)
    text = module.text() + around
    lines = text.count("\n")
    quick = lines > LONG or lines - writer.looped > LONG_OUTSIDE
    tier: engine.Tier = "quick" if quick else "light"
    drop = DROP if around else ""
    imports, routines = tuple(sorted(writer.imports)), tuple(sorted(writer.routines))
    abouts = {s.code: s.about for s in statements(program.body) if isinstance(s, Check)}
    hosts = tuple([(c.routine, words_of(c)) for c in writer.hosts if isinstance(c.routine, Host)])
    return Generated(
        text, signature, "plan", "kernel", tier, imports, routines, drop, hosts, abouts
    )


def _counted(program: Program, lanes: int) -> tuple[int, int]:
    """How many functions there are that might be called, outside of loops and in all."""
    seen: set[Expr] = set()
    outside = everywhere = 0
    waiting = [(program.body, 1, False)]
    while waiting:
        block, times, inside = waiting.pop()
        for statement in block:
            count = times * _functions(expressions(statement), seen)
            everywhere += count
            outside += 0 if inside else count
            again = unrolled(statement, lanes)
            inner = inside or (isinstance(statement, (For, While)) and not again)
            waiting[:0] = [(body, times * (again or 1), inner) for body in blocks(statement)]
    return outside, everywhere


def _functions(roots: tuple[Expr, ...], seen: set[Expr]) -> int:
    count, waiting = 0, [r for r in roots if r not in seen]
    seen.update(waiting)
    while waiting:
        node = waiting.pop()
        count += node.op.name in mathematics.CALLED
        for a in node.args:
            if a not in seen:
                seen.add(a)
                waiting.append(a)
    return count


# --- the signature -------------------------------------------------------------------------------------
def signature_of(program: Program, cleared: Collection[Buffer] = ()) -> Signature:
    """What a program takes and gives; its result is always a tuple. ``cleared`` ones may come as zeros."""
    parameters = tuple(
        [_array(p) if isinstance(p, Buffer) else Number(_number(p)) for p in program.inputs]
    )
    result = tuple(
        [
            replace(_array(p), zeroed=p in cleared) if isinstance(p, Buffer) else _given(p)
            for p in program.outputs
        ]
    )
    return Signature(parameters, result)


def _array(buffer: Buffer) -> Array:
    shape = buffer.shape[:-1] if buffer.pairs else buffer.shape
    dtype = complex_dtype(buffer.dtype) if buffer.pairs else buffer.dtype  # type: ignore[arg-type]
    return Array(dtype, tuple([n if isinstance(n, int) else None for n in shape]))


def _number(node: Expr | Pair) -> NumberKind:
    if isinstance(node, Pair):
        return "complex"
    dtype = node.value_type.dtype
    kind_of(dtype)
    return "float" if dtype.startswith("float") else "bool" if dtype == "bool" else "int"


def _given(place: Expr | Pair) -> Number | NumPyNumber:
    if isinstance(place, Pair):
        type_ = place.re.value_type
        return Number("complex") if type_.weak else NumPyNumber(complex_dtype(type_.dtype))
    type_ = place.value_type
    kind_of(type_.dtype)
    if not type_.weak:
        return NumPyNumber(type_.dtype)
    return Number(
        "float" if type_.dtype == "float64" else "bool" if type_.dtype == "bool" else "int"
    )


# --- words ---------------------------------------------------------------------------------------------
def _word(f: Function, index: int) -> str:
    return f.element(I64, "%words", str(index))


def _sizes(f: Function, program: Program, layout: Layout) -> Sizes:
    names = {
        name: f.load(I64, _word(f, layout.extent(number, axis)))
        for name, (number, axis) in program.symbols.items()
    }
    return Sizes(f, names)


# --- the plan ------------------------------------------------------------------------------------------
def _plan(module: Module, program: Program, layout: Layout, held: set[Buffer], words: int) -> None:
    """Whether extents agree, those of the result, the bytes of local buffers and the work.

    Behind the buffers so many ``words`` more are wanted.
    """
    f = module.function("plan", [("ptr", "words")], "i64")
    sizes = _sizes(f, program, layout)
    for number, given in enumerate(program.inputs):
        for axis, extent in enumerate(given.shape if isinstance(given, Buffer) else ()):
            if isinstance(extent, Dim) and not _tells(program, extent, number, axis):
                found = f.load(I64, _word(f, layout.extent(number, axis)))
                _require(f, f.compare(I64, "eq", found, sizes.value(extent)))
    for size in sizes.names.values():
        _require(f, f.compare(I64, "sle", size, str(LARGEST_SIZE)))
    for leaf, place in enumerate(program.outputs):
        for axis, extent in enumerate(place.shape if isinstance(place, Buffer) else ()):
            if isinstance(extent, Dim):
                value = sizes.value(extent)
                _require(f, f.compare(I64, "sge", value, "0"))
                f.store(I64, value, _word(f, layout.result_extent(leaf, axis)))
    total = f.add(I64, _bytes(sizes, program, held), str(8 * words), "nsw ")
    f.store(I64, total, _word(f, Layout.ARENA))
    f.store(I64, _work(sizes, program.body), _word(f, Layout.WORK))
    f.ret("0")


def _bytes(sizes: Sizes, program: Program, held: set[Buffer]) -> str:
    """Those of the local buffers in the arena."""
    total = "0"
    for buffer in program.locals:
        if buffer not in held:
            total = sizes.f.add(I64, total, sizes.bytes(buffer), "nsw ")
    return total


def _held(program: Program) -> set[Buffer]:
    """Local buffers on the stack, where LLVM puts them into registers if all places are known."""
    small = [
        b
        for b in program.locals
        if len(b.shape) == 1 and isinstance(b.shape[0], int) and 0 < b.shape[0] <= HELD
    ]
    return set(small[:MOST_HELD])


def _tells(program: Program, extent: Extent, number: int, axis: int) -> bool:
    return (number, axis) in program.symbols.values() and any(
        extent is Dim.named(n) for n, at in program.symbols.items() if at == (number, axis)
    )


def _require(f: Function, condition: str) -> None:
    fine, unfit = f.block("fine"), f.block("unfit")
    f.branch_if(condition, fine, unfit)
    f.start(unfit)
    f.ret("1")
    f.start(fine)


def _work(sizes: Sizes, block: Block) -> str:
    """A rough estimate of the nanoseconds of a block."""
    f, own, total = sizes.f, 0, ""
    for statement in block:
        own += NANOSECONDS
        match statement:
            case For() | While():
                times = _times(sizes, statement.trip)
                inside = f.mul(I64, times, _work(sizes, statement.body))
            case Call():
                inside = CALLED
            case If():
                inside = f.add(I64, *[_work(sizes, body) for body in blocks(statement)])
            case _:
                continue
        total = f.add(I64, total, inside) if total else inside
    return f.add(I64, total, str(own)) if total else str(own)


def _times(sizes: Sizes, trip: Expr | None) -> str:
    if trip is not None and trip.op is CONSTANT:
        return str(int(trip.attr))
    if trip is not None and trip.op is SIZE:
        return sizes.value(trip.attr)
    return str(TIMES)


# --- the kernel ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Frame:
    """What the functions of one program have in common."""

    program: Program
    layout: Layout
    lanes: int
    slotted: set[Expr]  # variables that need a place
    held: set[Buffer]  # buffers on the stack
    cleared: Mapping[Buffer, Statement]  # results that may come as zeros, and what makes them so


def _write(frame: _Frame, writer: Writer, parts: list[Block]) -> int:
    """The kernel and its parts; how many words these know together."""
    if len(parts) == 1:
        whole = _Kernel(frame, writer, parts[0], frame.slotted)
        whole.read_inputs()
        whole.write_body()
        whole.write_results()
        whole.f.ret("0")
        return 0
    kernel = writer.f
    given = [("ptr", "%words"), ("ptr", "%arena"), ("ptr", _kept(kernel, frame))]
    of_parts, shared = changing(frame.program, parts, frame.slotted)
    earlier = Earlier(len(shared))
    places = {variable: place for place, variable in enumerate(_sorted(shared))}
    for number, (body, mine) in enumerate(zip([*parts, Block()], of_parts, strict=True)):
        f = kernel.module.function(
            f"part{number}",
            [("ptr", "words"), ("ptr", "arena"), ("ptr", "kept")],
            "i64",
            linkage="internal",
            attributes="nounwind noinline",
        )
        inner = replace(writer, f=f, looped=0)
        part = _Kernel(frame, inner, body, mine, earlier, places)
        if not number:
            part.read_inputs()
        part.write_body()
        if number == len(parts):
            part.write_results()
        f.ret("0")
        earlier.add(f, part.values.unchanging())
        writer.looped += inner.looped
        stop_unless_zero(kernel, kernel.call("i64", f"part{number}", given))
    kernel.ret("0")
    return earlier.words


def _kept(f: Function, frame: _Frame) -> str:
    """Where what several parts know begins: behind the local buffers."""
    sizes = _sizes(f, frame.program, frame.layout)
    return f.pure(
        f"getelementptr inbounds i8, ptr %arena, i64 {_bytes(sizes, frame.program, frame.held)}"
    )


class _Kernel:
    """Writes the kernel, or a part of it: what is given, the statements, what is given back.

    ``slotted`` are the variables in it that need a place, and ``places`` where those are that several parts
    know; ``earlier`` is what the parts in front of it have computed.
    """

    def __init__(
        self,
        frame: _Frame,
        writer: Writer,
        body: Block,
        slotted: set[Expr],
        earlier: Earlier | None = None,
        places: Mapping[Expr, int] | None = None,
    ) -> None:
        self.program = program = replace(frame.program, body=body)
        self.layout, self.held = frame.layout, frame.held
        self.f = f = writer.f
        self.sizes = _sizes(f, program, frame.layout)
        slots = {
            v: address(f, places[v])
            if places and v in places
            else f.slot(kind_of(v.value_type.dtype))
            for v in _sorted(slotted)
        }
        memory = Memory(f, self.sizes, self._pointers(), program.heap)
        self.values = Values(writer, memory, slots)
        self.values.earlier = earlier
        for number, buffer in enumerate(program.heap):
            self.values.blocks[buffer] = self._block(block_of(f, number))
        self.statements = Statements(program, self.values, frame.lanes)
        mine = {b: s for b, s in frame.cleared.items() if any(s is t for t in body)}
        if mine and frame.layout.zeros is not None:
            zeros = f.load(I64, _word(f, frame.layout.zeros))
            for buffer, statement in mine.items():
                bit = f.binary("and", I64, zeros, str(1 << buffer.number))
                self.statements.given_zeros[statement] = bit

    def write_body(self) -> None:
        self.statements.block(self.program.body)

    def read_inputs(self) -> None:
        for number, given in enumerate(self.program.inputs):
            if not isinstance(given, Buffer):
                word = self.layout.parameter(number)
                for step, part in enumerate(_parts(given)):
                    self.statements.assign(part, self._parameter(part.value_type, word + step))

    def write_results(self) -> None:
        for leaf, place in enumerate(self.program.outputs):
            if not isinstance(place, Buffer):
                word = self.layout.result(leaf)
                for step, part in enumerate(_parts(place)):
                    self._give(part, self.values.value(part), word, step)

    def _pointers(self) -> dict[Buffer, str]:
        f, program, layout = self.f, self.program, self.layout
        found: dict[Buffer, str] = {}
        for places, word in ((program.inputs, layout.parameter), (program.outputs, layout.result)):
            for number, place in enumerate(places):
                if isinstance(place, Buffer):
                    found[place] = f.value(f"load ptr, ptr {_word(f, word(number))}, align 8")
        offset = "0"
        for buffer in program.locals:
            if buffer in self.held:
                room = f"[{buffer.shape[0]} x {memory_kind(buffer.dtype).text}], align 64"
                found[buffer] = f.room(room)
                continue
            found[buffer] = f.pure(f"getelementptr inbounds i8, ptr %arena, i64 {offset}")
            offset = f.add(I64, offset, self.sizes.bytes(buffer), "nsw ")
        return found

    def _block(self, at: str) -> tuple[str, str]:
        """Places of this call for what the record tells about a block."""
        f = self.f
        block, capacity = f.slot(None), f.slot(I64)
        f.effect(f"store ptr {f.value(f'load ptr, ptr {at}, align 8')}, ptr {block}, align 8")
        f.store(I64, f.load(I64, f.element(I64, at, "1")), capacity)
        return block, capacity

    def _parameter(self, type_: Type, index: int) -> str:
        f, kind = self.f, kind_of(type_.dtype)
        word = DOUBLE if kind.is_float else I64
        value = f.load(word, _word(f, index))
        return converted(f, value, word, kind)

    def _give(self, place: Expr, value: str, word: int, step: int) -> None:
        """A number as the word of a result: Python's in the whole word, NumPy's as it lies in memory."""
        f, type_ = self.f, place.value_type
        kind = kind_of(type_.dtype)
        stored = memory_kind(type_.dtype)
        if type_.weak:
            stored = DOUBLE if kind.is_float else I64
        value = converted(f, value, kind, stored)
        f.store(stored, value, f.element(stored, _word(f, word), str(step)))


def _parts(number: Expr | Pair) -> tuple[Expr, ...]:
    return number if isinstance(number, Pair) else (number,)


def _sorted(variables: set[Expr]) -> list[Expr]:
    return sorted(variables, key=lambda node: node.serial)
