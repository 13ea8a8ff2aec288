"""Text of the function that Python calls: arguments into words, plan, kernel, results out of words.

It is the same for every program of a signature, since whatever differs is read from the function's
context: addresses of the interpreter's functions, of the program, of what to call when something does not
fit. So it has no imports, and is compiled once per signature and machine.

The function is ``ptr @entry(ptr self, ptr args, i64 count, ptr names)``, CPython's ``METH_FASTCALL |
METH_KEYWORDS``. ``self`` is a structure of ctypes that holds the context.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from wengert.native.interpreter import (
    ARRAY_DATA,
    ARRAY_DESCR,
    ARRAY_DIMS,
    ARRAY_FLAGS,
    ARRAY_RANK,
    CELL_CONTENT,
    HEADER,
    LIST_ITEMS,
    LIST_SIZE,
    TUPLE_ITEMS,
    TUPLE_SIZE,
    TYPE,
    Slot,
)
from wengert.native.signature import Array, Layout, Number, Result, Signature, leaves
from wengert.native.wrapper_lines import SAME, Lines, arena_text

__all__ = ["SMALL_ARENA", "wrapper_text"]

# Arenas up to this size are on the stack. An ordinary frame stays below 4096 bytes, from which on code for
# Windows calls a helper of the system.
SMALL_ARENA: Final = 2048

# NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED and NPY_ARRAY_WRITEABLE of ndarraytypes.h
READABLE: Final = 0x0001 | 0x0100
WRITEABLE: Final = READABLE | 0x0400


def wrapper_text(signature: Signature) -> str:
    """LLVM IR of the wrapper of a signature; its function is called ``entry``."""
    lists = SAME if "list" in signature.unchanged else ""
    return _Wrapper(signature).text() + arena_text() + lists


class _Wrapper(Lines):
    """The lines of one wrapper, in the order in which they run."""

    def __init__(self, signature: Signature) -> None:
        super().__init__()
        self.signature = signature
        self.layout = Layout.of(signature)
        self.leaves = tuple(leaves(signature.result))
        self.objects = len(self.leaves) + sum(1 for _ in _tuples(signature.result))

    def text(self) -> str:
        self.say(
            "define ptr @entry(ptr %self, ptr %args, i64 %count, ptr %names) {",
            f"  %words = alloca [{self.layout.size} x i64], align 64",
            f"  %small = alloca [{SMALL_ARENA} x i8], align 64",
            f"  %again = alloca [{self.signature.given + 3} x ptr]",
            f"  %made = alloca [{max(1, self.objects)} x ptr]",
            f"  %contextat = getelementptr i8, ptr %self, i64 {HEADER}",
            "  %context = load ptr, ptr %contextat",
        )
        given = self.check_call()
        outside = self.check_outside()
        self.check_distinct()
        for index, parameter in enumerate(self.signature.parameters):
            if index < self.signature.given:
                value = self.load("ptr", self.at("ptr", "%args", index))
            else:
                value = outside[index - self.signature.given]
            if isinstance(parameter, Array):
                self.read_array(index, parameter, value)
            else:
                self.read_number(index, parameter, value)
        self.call_plan()
        self.make_arrays(given)
        self.run_kernel()
        self.return_result()
        self.ways_out()
        self.say("}")
        return "\n".join(self.lines) + "\n"

    # --- arguments ---------------------------------------------------------------------------------------
    def check_call(self) -> str:
        """Count arguments; the place of ``out=``, where null is if there is none."""
        count = self.equal("i64", "%count", self.signature.given)
        plain = self.equal("ptr", "%names", "null")
        self.say(f"  store ptr null, ptr {self.at('ptr', '%made', 0)}")
        self.unless(count, "slow")
        if not self.signature.out:
            self.unless(plain, "slow")
            return "null"
        named, onward = self.label(), self.label()
        self.say(f"  br label %start{onward}", f"start{onward}:")
        self.say(f"  br i1 {plain}, label %{onward}, label %{named}", f"{named}:")
        self.unless(self.equal("i64", self.field("i64", "%names", TUPLE_SIZE), 1), "slow")
        self.unless(
            self.equal("ptr", self.field("ptr", "%names", TUPLE_ITEMS), self.known(Slot.OUT)),
            "slow",
        )
        out = self.load("ptr", self.at("ptr", "%args", self.signature.given))
        self.say(f"  br label %end{onward}", f"end{onward}:", f"  br label %{onward}", f"{onward}:")
        return self.value(f"phi ptr [ null, %start{onward} ], [ {out}, %end{onward} ]")

    def check_outside(self) -> list[str]:
        """Go on if nothing outside has changed; the values of hidden parameters."""
        busy = self.load("i64", self.known(Slot.BUSY))
        self.unless(self.equal("i64", busy, 0), "slow")
        signature = self.signature
        if not signature.unchanged and not signature.hidden:
            return []
        table = self.known(Slot.OUTSIDE)
        values = []
        for number, where in enumerate((*signature.unchanged, *signature.hidden)):
            container = self.load("ptr", self.at("ptr", table, 3 * number))
            if where == "list":
                expected = self.load("ptr", self.at("ptr", table, 3 * number + 2))
                self.check_list(container, expected)
                continue
            if where == "cell":
                value = self.field("ptr", container, CELL_CONTENT)
            else:
                key = self.load("ptr", self.at("ptr", table, 3 * number + 1))
                value = self.call("ptr", "PyDict_GetItem", f"ptr {container}", f"ptr {key}")
            if number < len(signature.unchanged):
                expected = self.load("ptr", self.at("ptr", table, 3 * number + 2))
                self.unless(self.equal("ptr", value, expected), "slow")
            else:
                self.unless(self.value(f"icmp ne ptr {value}, null"), "slow")
                values.append(value)
        return values

    def check_list(self, container: str, expected: str) -> None:
        """Go on if a list holds the very objects of a tuple."""
        size = self.field("i64", container, LIST_SIZE)
        self.unless(self.equal("i64", size, self.field("i64", expected, TUPLE_SIZE)), "slow")
        items, others = (
            self.field("ptr", container, LIST_ITEMS),
            self.at("i8", expected, TUPLE_ITEMS),
        )
        same = self.value(f"call i1 @same(ptr {items}, ptr {others}, i64 {size})")
        self.unless(same, "slow")

    def check_distinct(self) -> None:
        """No array twice."""
        arrays = [i for i, p in enumerate(self.signature.parameters) if isinstance(p, Array)]
        if self.signature.distinct:
            given = {i: self.load("ptr", self.at("ptr", "%args", i)) for i in arrays}
            for one, other in combinations(arrays, 2):
                self.unless(self.value(f"icmp ne ptr {given[one]}, {given[other]}"), "slow")

    def read_number(self, index: int, number: Number, value: str) -> None:
        kind = self.load("ptr", self.at("i8", value, TYPE))
        first = self.layout.parameter(index)
        done = self.label()
        for accepted in number.accepts:
            this, other = self.label(), self.label()
            same = self.equal("ptr", kind, self.known(f"type {accepted}"))
            self.say(f"  br i1 {same}, label %{this}, label %{other}", f"{this}:")
            match number.kind, accepted:
                case _, "int":
                    self.put(first, self.converted(number, value))
                case "bool", "bool":
                    true = self.equal("ptr", value, self.known("True"))
                    self.put(first, "i64 " + self.value(f"zext i1 {true} to i64"))
                case "bool", _:
                    byte = self.field("i8", value, HEADER)
                    self.put(first, "i64 " + self.value(f"zext i8 {byte} to i64"))
                case _:  # 8 or 16 bytes, which are copied
                    self.put(first, "i64 " + self.field("i64", value, HEADER))
            if number.kind == "complex":
                imaginary = "0"
                if accepted.startswith("complex"):
                    imaginary = self.field("i64", value, HEADER + 8)
                self.put(first + 1, f"i64 {imaginary}")
            self.say(f"  br label %{done}", f"{other}:")
        self.say("  br label %slow", f"{done}:")

    def converted(self, number: Number, value: str) -> str:
        """A Python int as a double or i64; one that is too large goes the slow way."""
        if number.kind == "int":
            read = self.call("i64", "PyLong_AsLongLong", f"ptr {value}")
            typed, suspect = f"i64 {read}", self.equal("i64", read, -1)
        else:
            read = self.call("double", "PyLong_AsDouble", f"ptr {value}")
            typed = f"double {read}"
            suspect = self.value(f"fcmp oeq double {read}, -1.0")
        ask, onward = self.label(), self.label()
        self.say(f"  br i1 {suspect}, label %{ask}, label %{onward}", f"{ask}:")
        error = self.call("ptr", "PyErr_Occurred")
        none = self.equal("ptr", error, "null")
        self.say(f"  br i1 {none}, label %{onward}, label %overflow", f"{onward}:")
        return typed

    def read_array(self, index: int, array: Array, value: str) -> None:
        dims = self.check_array(array, value, READABLE)
        self.put(self.layout.parameter(index), "ptr " + self.field("ptr", value, ARRAY_DATA))
        for axis, extent in enumerate(array.shape):
            length = self.load("i64", self.at("i64", dims, axis))
            if extent is not None:
                self.unless(self.equal("i64", length, extent), "slow")
            elif array.least:
                self.unless(self.value(f"icmp sge i64 {length}, {array.least}"), "slow")
            self.put(self.layout.extent(index, axis), f"i64 {length}")

    def check_array(self, array: Array, value: str, wanted: int) -> str:
        """Whether an object is an array that the kernel can use; its extents are at the place returned."""
        kind = self.load("ptr", self.at("i8", value, TYPE))
        self.unless(self.equal("ptr", kind, self.known("type ndarray")), "slow")
        rank = self.equal("i32", self.field("i32", value, ARRAY_RANK), array.rank)
        dtype = self.equal(
            "ptr", self.field("ptr", value, ARRAY_DESCR), self.known(f"dtype {array.dtype}")
        )
        flags = self.value(f"and i32 {self.field('i32', value, ARRAY_FLAGS)}, {wanted}")
        self.unless(self.all_of(rank, dtype, self.equal("i32", flags, wanted)), "slow")
        return self.field("ptr", value, ARRAY_DIMS)

    # --- the program -------------------------------------------------------------------------------------
    def call_plan(self) -> None:
        for index in range(4):
            self.put(index, "i64 0")
        if self.layout.zeros is not None:
            self.put(self.layout.zeros, "i64 0")
        for number, leaf in enumerate(self.leaves):
            if isinstance(leaf, Array):
                for axis, extent in enumerate(leaf.shape):
                    if extent is not None:
                        self.put(self.layout.result_extent(number, axis), f"i64 {extent}")
        plan = self.known(Slot.PLAN)
        ask, onward = self.label(), self.label()
        none = self.equal("ptr", plan, "null")
        self.say(f"  br i1 {none}, label %{onward}, label %{ask}", f"{ask}:")
        answer = self.value(f"call i64 {plan}(ptr %words)")
        fits = self.equal("i64", answer, 0)
        self.say(f"  br i1 {fits}, label %{onward}, label %slow", f"{onward}:")

    def make_arrays(self, out: str) -> None:
        for index in range(self.objects):
            self.say(f"  store ptr null, ptr {self.at('ptr', '%made', index)}")
        arrays = [(n, leaf) for n, leaf in enumerate(self.leaves) if isinstance(leaf, Array)]
        if out == "null":
            for number, leaf in arrays:
                self.new_array(number, leaf)
            return
        given = list(self.given_arrays(self.signature.result, out))
        self.check_given(arrays, given)
        for number, leaf in arrays:
            fresh, use, onward = self.label(), self.label(), self.label()
            none = self.equal("ptr", given[number], "null")
            self.say(f"  br i1 {none}, label %{fresh}, label %{use}", f"{fresh}:")
            self.new_array(number, leaf)
            self.say(f"  br label %{onward}", f"{use}:")
            self.run("Py_IncRef", f"ptr {given[number]}")
            self.keep(number, given[number])
            self.say(f"  br label %{onward}", f"{onward}:")

    def given_arrays(self, result: Result, out: str) -> Iterator[str]:
        """For each leaf what the caller gives for it; null where that is nothing."""
        nothing = self.equal("ptr", out, self.known("None"))
        given = self.value(f"select i1 {nothing}, ptr null, ptr {out}")
        if not isinstance(result, tuple):
            if not isinstance(result, Array):
                self.unless(self.equal("ptr", given, "null"), "slow")
            yield given
            return
        inside, onward, before = self.label(), self.label(), self.label()
        self.say(f"  br label %{before}", f"{before}:")
        none = self.equal("ptr", given, "null")
        self.say(f"  br i1 {none}, label %{onward}, label %{inside}", f"{inside}:")
        kind = self.load("ptr", self.at("i8", given, TYPE))
        self.unless(self.equal("ptr", kind, self.known("type tuple")), "slow")
        size = self.field("i64", given, TUPLE_SIZE)
        self.unless(self.equal("i64", size, len(result)), "slow")
        items = [self.field("ptr", given, TUPLE_ITEMS + 8 * n) for n in range(len(result))]
        last = self.label()
        self.say(f"  br label %{last}", f"{last}:", f"  br label %{onward}", f"{onward}:")
        found = [self.value(f"phi ptr [ null, %{before} ], [ {item}, %{last} ]") for item in items]
        for part, item in zip(result, found, strict=True):
            yield from self.given_arrays(part, item)

    def check_given(self, arrays: Sequence[tuple[int, Array]], given: Sequence[str]) -> None:
        """Go on if the caller's arrays fit and share no memory, with a parameter or each other."""
        spans = []
        for number, leaf in arrays:
            check, onward, before = self.label(), self.label(), self.label()
            self.say(f"  br label %{before}", f"{before}:")
            none = self.equal("ptr", given[number], "null")
            self.say(f"  br i1 {none}, label %{onward}, label %{check}", f"{check}:")
            start, end = self.use_out(number, leaf, given[number])
            last = self.label()
            self.say(f"  br label %{last}", f"{last}:", f"  br label %{onward}", f"{onward}:")
            spans.append(
                [self.value(f"phi i64 [ 0, %{before} ], [ {at}, %{last} ]") for at in (start, end)]
            )
        for one, other in combinations(spans, 2):
            self.unless(self.apart(*one, *other), "slow")

    def new_array(self, number: int, leaf: Array) -> None:
        dtype = self.known(f"dtype {leaf.dtype}")
        self.run("Py_IncRef", f"ptr {dtype}")  # NumPy's functions take it, even when they fail
        dims = self.word(self.layout.result_extent(number, 0)) if leaf.rank else "%words"
        if leaf.zeroed:
            array = self.call(
                "ptr", "PyArray_Zeros", f"i32 {leaf.rank}", f"ptr {dims}", f"ptr {dtype}", "i32 0"
            )
        else:
            array = self.call(
                "ptr", "PyArray_NewFromDescr", f"ptr {self.known('type ndarray')}", f"ptr {dtype}",
                f"i32 {leaf.rank}", f"ptr {dims}", "ptr null", "ptr null", "i32 0", "ptr null",
            )  # fmt: skip
        self.keep(number, array)
        place = self.layout.zeros
        if leaf.zeroed and place is not None:
            zeros = self.load("i64", self.word(place))
            self.put(place, "i64 " + self.value(f"or i64 {zeros}, {1 << number}"))
        self.put(self.layout.result(number), "ptr " + self.field("ptr", array, ARRAY_DATA))

    def use_out(self, number: int, leaf: Array, out: str) -> tuple[str, str]:
        """Write into the caller's array, if it fits and shares no memory with a parameter; where it lies."""
        dims = self.check_array(leaf, out, WRITEABLE)
        size = str(np.dtype(leaf.dtype).itemsize)
        for axis in range(leaf.rank):
            length = self.load("i64", self.at("i64", dims, axis))
            wanted = self.load("i64", self.word(self.layout.result_extent(number, axis)))
            self.unless(self.equal("i64", length, wanted), "slow")
            size = self.value(f"mul i64 {size}, {length}")
        data = self.field("ptr", out, ARRAY_DATA)
        start = self.value(f"ptrtoint ptr {data} to i64")
        end = self.value(f"add i64 {start}, {size}")
        for index, parameter in enumerate(self.signature.parameters):
            if isinstance(parameter, Array):
                self.unless(self.apart(start, end, *self.span(index, parameter)), "slow")
        self.put(self.layout.result(number), f"ptr {data}")
        return start, end

    def span(self, index: int, parameter: Array) -> tuple[str, str]:
        """Where the memory of a parameter begins and ends."""
        other = self.load("i64", self.word(self.layout.parameter(index)))
        other_size = str(np.dtype(parameter.dtype).itemsize)
        for axis in range(parameter.rank):
            extent = self.load("i64", self.word(self.layout.extent(index, axis)))
            other_size = self.value(f"mul i64 {other_size}, {extent}")
        return other, self.value(f"add i64 {other}, {other_size}")

    def apart(self, start: str, end: str, other: str, other_end: str) -> str:
        """Whether two pieces of memory share nothing."""
        before = self.value(f"icmp ule i64 {end}, {other}")
        after = self.value(f"icmp ule i64 {other_end}, {start}")
        return self.value(f"or i1 {before}, {after}")

    def keep(self, index: int, value: str) -> None:
        """Note an object, so that it is given back when a later step fails; none at all is a failure."""
        self.say(f"  store ptr {value}, ptr {self.at('ptr', '%made', index)}")
        self.unless(self.value(f"icmp ne ptr {value}, null"), "cleanup")

    def run_kernel(self) -> None:
        need = self.load("i64", self.word(Layout.ARENA))
        little = self.value(f"icmp ule i64 {need}, {SMALL_ARENA}")
        kernel = self.known(Slot.KERNEL)
        patience = self.load("i64", self.at("i64", "%context", Slot.PATIENCE))
        self.say(f"  br i1 {little}, label %ready, label %fetch", "fetch:")
        taken = self.value(f"call ptr @take(ptr %context, i64 {need})")
        lost = self.equal("ptr", taken, "null")
        self.say(
            f"  br i1 {lost}, label %nomemory, label %fetched",
            "fetched:",
            "  br label %ready",
            "ready:",
        )
        self.say(f"  %arena = phi ptr [ {taken}, %fetched ], [ %small, %{self.before_ready()} ]")
        work = self.load("i64", self.word(Layout.WORK))
        long = self.value(f"icmp ugt i64 {work}, {patience}")
        self.say(f"  br i1 {long}, label %free, label %held", "held:")
        held = self.value(f"call i64 {kernel}(ptr %words, ptr %arena)")
        self.say("  br label %after", "free:")
        state = self.call("ptr", "PyEval_SaveThread")
        freed = self.value(f"call i64 {kernel}(ptr %words, ptr %arena)")
        self.run("PyEval_RestoreThread", f"ptr {state}")
        self.say("  br label %after", "after:")
        self.say(f"  %code = phi i64 [ {held}, %held ], [ {freed}, %free ]")
        self.say(f"  br i1 {little}, label %ran, label %return", "return:")
        self.say("  call void @give(ptr %context, ptr %arena)", "  br label %ran", "ran:")
        self.unless(self.equal("i64", "%code", 0), "failed")

    def before_ready(self) -> str:
        """The block that ends with the branch to ``ready``."""
        for line in reversed(self.lines[: self.lines.index("fetch:")]):
            if line.endswith(":"):
                return line[:-1]
        raise AssertionError("every wrapper has a block before its kernel")

    # --- results -----------------------------------------------------------------------------------------
    def return_result(self) -> None:
        for number, leaf in enumerate(self.leaves):
            if not isinstance(leaf, Array):
                place = self.word(self.layout.result(number))
                self.keep(number, self.new_number(leaf, place))
        made = len(self.leaves)
        for width in _tuples(self.signature.result):
            self.keep(made, self.call("ptr", "PyTuple_New", f"i64 {width}"))
            made += 1
        self.next_leaf, self.next_tuple = 0, len(self.leaves)
        self.say(f"  ret ptr {self.assembled(self.signature.result)}")

    def new_number(self, leaf: object, place: str) -> str:
        if not isinstance(leaf, Number):
            dtype = self.known(f"dtype {leaf.dtype}")  # type: ignore[attr-defined]  # a NumPyNumber
            return self.call("ptr", "PyArray_Scalar", f"ptr {place}", f"ptr {dtype}", "ptr null")
        match leaf.kind:
            case "float":
                return self.call(
                    "ptr", "PyFloat_FromDouble", "double " + self.load("double", place)
                )
            case "int":
                return self.call("ptr", "PyLong_FromLongLong", "i64 " + self.load("i64", place))
            case "bool":
                true = self.value(f"icmp ne i64 {self.load('i64', place)}, 0")
                wide = self.value(f"zext i1 {true} to {LONG}")
                return self.call("ptr", "PyBool_FromLong", f"{LONG} {wide}")
            case "complex":
                real = self.load("double", place)
                imaginary = self.load("double", self.at("i64", place, 1))
                return self.call(
                    "ptr", "PyComplex_FromDoubles", f"double {real}", f"double {imaginary}"
                )

    def assembled(self, result: Result) -> str:
        """The object of a result, whose leaves and tuples all exist already."""
        if not isinstance(result, tuple):
            self.next_leaf += 1
            return self.load("ptr", self.at("ptr", "%made", self.next_leaf - 1))
        whole = self.load("ptr", self.at("ptr", "%made", self.next_tuple))
        self.next_tuple += 1
        for index, part in enumerate(result):
            item = self.assembled(part)
            self.call("i32", "PyTuple_SetItem", f"ptr {whole}", f"i64 {index}", f"ptr {item}")
        return whole

    # --- other ways --------------------------------------------------------------------------------------
    def ways_out(self) -> None:
        self.say("overflow:")
        self.run("PyErr_Clear")
        self.say("  br label %slow", "slow:")
        slow = self.call(
            "ptr", "PyObject_Vectorcall", f"ptr {self.known(Slot.SLOW)}", "ptr %args", "i64 %count",
            "ptr %names",
        )  # fmt: skip
        self.say(f"  ret ptr {slow}", "nomemory:")
        self.call("ptr", "PyErr_NoMemory")
        self.say("  br label %cleanup", "cleanup:")
        self.drop_made()
        self.say("  ret ptr null", "failed:")
        self.drop_made()
        self.call_failed()

    def drop_made(self) -> None:
        for index in range(self.objects):
            value = self.load("ptr", self.at("ptr", "%made", index))
            drop, onward = self.label(), self.label()
            none = self.equal("ptr", value, "null")
            self.say(f"  br i1 {none}, label %{onward}, label %{drop}", f"{drop}:")
            self.run("Py_DecRef", f"ptr {value}")
            self.say(f"  br label %{onward}", f"{onward}:")

    def call_failed(self) -> None:
        """``failed(code, words, *args, **kwargs)``; the first two are made here, and given back."""
        extra = 1 if self.signature.out else 0
        positional = self.signature.given + 2
        code = self.call("ptr", "PyLong_FromLongLong", "i64 %code")
        has_code = self.value(f"icmp ne ptr {code}, null")
        self.unless(has_code, "nothing")
        size = 8 * self.layout.size
        words = self.call("ptr", "PyBytes_FromStringAndSize", "ptr %words", f"i64 {size}")
        self.unless(self.value(f"icmp ne ptr {words}, null"), "onlycode")
        self.say(
            f"  store ptr {code}, ptr %again",
            f"  store ptr {words}, ptr {self.at('ptr', '%again', 1)}",
        )
        for index in range(positional - 2):
            value = self.load("ptr", self.at("ptr", "%args", index))
            self.say(f"  store ptr {value}, ptr {self.at('ptr', '%again', index + 2)}")
        if extra:
            copy, onward = self.label(), self.label()
            plain = self.equal("ptr", "%names", "null")
            self.say(f"  br i1 {plain}, label %{onward}, label %{copy}", f"{copy}:")
            value = self.load("ptr", self.at("ptr", "%args", positional - 2))
            self.say(f"  store ptr {value}, ptr {self.at('ptr', '%again', positional)}")
            self.say(f"  br label %{onward}", f"{onward}:")
        result = self.call(
            "ptr", "PyObject_Vectorcall", f"ptr {self.known(Slot.FAILED)}", "ptr %again",
            f"i64 {positional}", "ptr %names",
        )  # fmt: skip
        self.run("Py_DecRef", f"ptr {words}")
        self.run("Py_DecRef", f"ptr {code}")
        self.say(f"  ret ptr {result}", "onlycode:")
        self.run("Py_DecRef", f"ptr {code}")
        self.say("  ret ptr null", "nothing:", "  ret ptr null")


# C's long, which PyBool_FromLong takes
LONG: Final = f"i{8 * np.dtype('long').itemsize}"


def _tuples(result: Result) -> Iterator[int]:
    """Widths of the tuples of a result, in reading order."""
    if isinstance(result, tuple):
        yield len(result)
        for part in result:
            yield from _tuples(part)
