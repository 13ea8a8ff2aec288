"""Memory of heap buffers: blocks that grow, kept from one call of a program to the next.

All blocks of a call belong to a record: per buffer the address and the bytes of its block. A call takes the
record of the call before, or a new one, and gives it back when it is done; a call that finds another record
there releases that one. So calls of several threads at once never share a block.
"""

from __future__ import annotations

from typing import Final

from wengert.native.text import I64, Function, Module

__all__ = ["DROP", "IMPORTS", "NO_MEMORY", "block_of", "bytes_of", "grown", "write_heap"]

# What the kernel returns where memory is refused; codes of checks are positive.
NO_MEMORY: Final = -1

# The exported function that releases what no call has at the moment.
DROP: Final = "drop"

IMPORTS: Final = ("calloc", "free", "malloc", "memcpy")

# Bytes of a block when it is made; below, growing would only cost time.
LEAST: Final = 4096

# More bytes than any machine has; products of extents are compared with it before they overflow.
MOST: Final = 2**47

# A block begins at a multiple of 64; in front of it stands what was allocated.
TEXT: Final = """
@heap = internal global ptr null

define i64 @kernel(ptr %words, ptr %arena) nounwind {{
  %kept = atomicrmw xchg ptr @heap, ptr null acq_rel
  %none = icmp eq ptr %kept, null
  br i1 %none, label %make, label %run
make:
  %made = call ptr @calloc(i64 {count}, i64 16)
  %lost = icmp eq ptr %made, null
  br i1 %lost, label %refused, label %run
refused:
  ret i64 {no_memory}
run:
  %record = phi ptr [ %kept, %0 ], [ %made, %make ]
  %code = call i64 @inside(ptr %words, ptr %arena, ptr %record)
  %other = atomicrmw xchg ptr @heap, ptr %record acq_rel
  call void @released(ptr %other)
  ret i64 %code
}}

define i64 @drop() nounwind {{
  %kept = atomicrmw xchg ptr @heap, ptr null acq_rel
  call void @released(ptr %kept)
  ret i64 0
}}

define internal void @released(ptr %record) nounwind noinline {{
  %none = icmp eq ptr %record, null
  br i1 %none, label %done, label %each
each:
  %i = phi i64 [ 0, %0 ], [ %next, %after ]
  %at = getelementptr {{ ptr, i64 }}, ptr %record, i64 %i
  %block = load ptr, ptr %at
  %empty = icmp eq ptr %block, null
  br i1 %empty, label %after, label %give
give:
  %startat = getelementptr i8, ptr %block, i64 -16
  %start = load ptr, ptr %startat
  call void @free(ptr %start)
  br label %after
after:
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, {count}
  br i1 %more, label %each, label %all
all:
  call void @free(ptr %record)
  br label %done
done:
  ret void
}}

define internal ptr @grown(ptr %at, i64 %need, i64 %keep) nounwind noinline {{
  %possible = icmp ult i64 %need, {most}
  br i1 %possible, label %ask, label %lost
ask:
  %sizeat = getelementptr i8, ptr %at, i64 8
  %size = load i64, ptr %sizeat
  %twice = shl i64 %size, 1
  %enough = call i64 @llvm.umax.i64(i64 %need, i64 {least})
  %bytes = call i64 @llvm.umax.i64(i64 %enough, i64 %twice)
  %total = add i64 %bytes, 128
  %start = call ptr @malloc(i64 %total)
  %missing = icmp eq ptr %start, null
  br i1 %missing, label %lost, label %align
align:
  %address = ptrtoint ptr %start to i64
  %after = add i64 %address, 127
  %even = and i64 %after, -64
  %block = inttoptr i64 %even to ptr
  %startat = getelementptr i8, ptr %block, i64 -16
  store ptr %start, ptr %startat
  %old = load ptr, ptr %at
  %first = icmp eq ptr %old, null
  br i1 %first, label %done, label %move
move:
  %copied = call ptr @memcpy(ptr %block, ptr %old, i64 %keep)
  %oldstartat = getelementptr i8, ptr %old, i64 -16
  %oldstart = load ptr, ptr %oldstartat
  call void @free(ptr %oldstart)
  br label %done
done:
  store ptr %block, ptr %at
  store i64 %bytes, ptr %sizeat
  ret ptr %block
lost:
  ret ptr null
}}
"""


def write_heap(module: Module, count: int) -> str:
    """The text around a program ``@inside(words, arena, record)`` with so many heap buffers."""
    module.declare("calloc", "i64, i64", "ptr")
    module.declare("free", "ptr", "void")
    module.declare("malloc", "i64", "ptr")
    module.declare("memcpy", "ptr, ptr, i64", "ptr")
    module.declare("llvm.umax.i64", "i64, i64", "i64")
    return TEXT.format(count=count, no_memory=NO_MEMORY, least=LEAST, most=MOST)


def block_of(f: Function, number: int) -> str:
    """Where the record tells about the buffer of a number."""
    return f.pure(f"getelementptr {{ ptr, i64 }}, ptr %record, i64 {number}")


def bytes_of(f: Function, size: int, extents: list[str]) -> str:
    """The bytes of an array; where they would overflow, more than there can be."""
    total = str(size)
    for extent in extents:
        f.module.declare("llvm.umul.with.overflow.i64", "i64, i64", "{i64, i1}")
        pair = f.pure(f"call {{i64, i1}} @llvm.umul.with.overflow.i64(i64 {total}, i64 {extent})")
        over = f.field("{i64, i1}", pair, 1)
        total = f.select(I64, over, "-1", f.field("{i64, i1}", pair, 0))
    return total


def grown(f: Function, at: str, need: str, keep: str) -> str:
    """A block of so many bytes or more that begins with what is kept; a code is returned if there is none."""
    block = f.value(f"call ptr @grown(ptr {at}, i64 {need}, i64 {keep})")
    fine, refused = f.block("fine"), f.block("refused")
    f.branch_if(f.value(f"icmp ne ptr {block}, null"), fine, refused)
    f.start(refused)
    f.ret(str(NO_MEMORY))
    f.start(fine)
    return block
