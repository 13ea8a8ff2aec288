"""Lines of LLVM IR that read Python's objects, and what every wrapper has: the keeping of arenas.

Whoever uses ``Lines`` has values called ``%context`` (a function's addresses, see ``interpreter.SLOTS``) and
``%words`` (see ``signature.Layout``).
"""

from __future__ import annotations

from typing import Final

from wengert.native.interpreter import SLOTS, Slot

__all__ = ["SAME", "Lines", "arena_text"]

# Whether so many words are the same in two places: eight at a time, then the rest one by one.
SAME: Final = """
define internal i1 @same(ptr %a, ptr %b, i64 %count) {
entry:
  %whole = and i64 %count, -8
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %whole
  br i1 %more, label %body, label %tail
body:
  %ap = getelementptr i64, ptr %a, i64 %i
  %bp = getelementptr i64, ptr %b, i64 %i
  %av = load <8 x i64>, ptr %ap, align 8
  %bv = load <8 x i64>, ptr %bp, align 8
  %xor = xor <8 x i64> %av, %bv
  %any = call i64 @llvm.vector.reduce.or.v8i64(<8 x i64> %xor)
  %alike = icmp eq i64 %any, 0
  %next = add i64 %i, 8
  br i1 %alike, label %head, label %no
tail:
  %k = phi i64 [ %i, %head ], [ %after, %step ]
  %rest = icmp slt i64 %k, %count
  br i1 %rest, label %one, label %yes
one:
  %cp = getelementptr i64, ptr %a, i64 %k
  %dp = getelementptr i64, ptr %b, i64 %k
  %c = load i64, ptr %cp
  %d = load i64, ptr %dp
  %equal = icmp eq i64 %c, %d
  br i1 %equal, label %step, label %no
step:
  %after = add i64 %k, 1
  br label %tail
yes:
  ret i1 true
no:
  ret i1 false
}
declare i64 @llvm.vector.reduce.or.v8i64(<8 x i64>)
"""

# An arena is kept behind a header of 64 bytes: where the memory begins, and how many bytes are usable.
ARENAS: Final = """
define internal ptr @take(ptr %context, i64 %need) noinline {{
  %slot = getelementptr ptr, ptr %context, i64 {slot}
  %kept = atomicrmw xchg ptr %slot, ptr null acq_rel
  %none = icmp eq ptr %kept, null
  br i1 %none, label %allocate, label %measure
measure:
  %sizeat = getelementptr i8, ptr %kept, i64 -8
  %size = load i64, ptr %sizeat
  %fits = icmp uge i64 %size, %need
  br i1 %fits, label %done, label %drop
done:
  ret ptr %kept
drop:
  call void @release(ptr %context, ptr %kept)
  br label %allocate
allocate:
  %total = add i64 %need, 128
  %overflow = icmp ult i64 %total, %need
  br i1 %overflow, label %lost, label %ask
ask:
  %mallocat = getelementptr ptr, ptr %context, i64 {malloc}
  %malloc = load ptr, ptr %mallocat
  %memory = call ptr %malloc(i64 %total)
  %missing = icmp eq ptr %memory, null
  br i1 %missing, label %lost, label %align
align:
  %address = ptrtoint ptr %memory to i64
  %after = add i64 %address, 127
  %even = and i64 %after, -64
  %arena = inttoptr i64 %even to ptr
  %startat = getelementptr i8, ptr %arena, i64 -16
  store ptr %memory, ptr %startat
  %lengthat = getelementptr i8, ptr %arena, i64 -8
  store i64 %need, ptr %lengthat
  ret ptr %arena
lost:
  ret ptr null
}}

define internal void @give(ptr %context, ptr %arena) noinline {{
  %slot = getelementptr ptr, ptr %context, i64 {slot}
  %other = atomicrmw xchg ptr %slot, ptr %arena acq_rel
  %none = icmp eq ptr %other, null
  br i1 %none, label %done, label %drop
drop:
  call void @release(ptr %context, ptr %other)
  br label %done
done:
  ret void
}}

define internal void @release(ptr %context, ptr %arena) noinline {{
  %freeat = getelementptr ptr, ptr %context, i64 {free}
  %free = load ptr, ptr %freeat
  %startat = getelementptr i8, ptr %arena, i64 -16
  %memory = load ptr, ptr %startat
  call void %free(ptr %memory)
  ret void
}}
"""


def arena_text() -> str:
    """The functions ``take``, ``give`` and ``release`` of arenas."""
    return ARENAS.format(
        slot=Slot.ARENA, malloc=SLOTS.index("PyMem_RawMalloc"), free=SLOTS.index("PyMem_RawFree")
    )


class Lines:
    """The lines of a function. A method writes what its name says and returns the name of the value."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def say(self, *lines: str) -> None:
        self.lines.extend(lines)

    def value(self, text: str) -> str:
        self.count += 1
        self.say(f"  %v{self.count} = {text}")
        return f"%v{self.count}"

    def label(self) -> str:
        self.count += 1
        return f"l{self.count}"

    def unless(self, condition: str, way_out: str) -> None:
        """Go on if a condition holds."""
        onward = self.label()
        self.say(f"  br i1 {condition}, label %{onward}, label %{way_out}", f"{onward}:")

    def at(self, unit: str, base: str, index: int) -> str:
        return self.value(f"getelementptr {unit}, ptr {base}, i64 {index}") if index else base

    def load(self, kind: str, place: str) -> str:
        return self.value(f"load {kind}, ptr {place}")

    def field(self, kind: str, value: str, offset: int) -> str:
        return self.load(kind, self.at("i8", value, offset))

    def word(self, index: int) -> str:
        return self.at("i64", "%words", index)

    def put(self, index: int, typed: str) -> None:
        self.say(f"  store {typed}, ptr {self.word(index)}")

    def known(self, slot: str | int) -> str:
        """An address of the context."""
        index = SLOTS.index(slot) if isinstance(slot, str) else slot
        return self.load("ptr", self.at("ptr", "%context", index))

    def call(self, kind: str, name: str | int, *arguments: str) -> str:
        return self.value(f"call {kind} {self.known(name)}({', '.join(arguments)})")

    def run(self, name: str, *arguments: str) -> None:
        self.say(f"  call void {self.known(name)}({', '.join(arguments)})")

    def equal(self, kind: str, left: str, right: str | int) -> str:
        return self.value(f"icmp eq {kind} {left}, {right}")

    def all_of(self, *conditions: str) -> str:
        first, *others = conditions
        for other in others:
            first = self.value(f"and i1 {first}, {other}")
        return first
