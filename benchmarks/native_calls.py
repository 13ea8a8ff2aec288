"""What a call of a compiled program costs from Python, in nanoseconds, beside what any call costs.

The programs do next to nothing: a*b + c of three numbers, and four squares of an array of three. The rows
are taken in turn and the smallest of many repeats is kept, since the machine has other work too.
"""

from __future__ import annotations

import math
import timeit
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.native import engine
from wengert.native.calling import callable_class, entry
from wengert.native.signature import Array, Layout, Number, NumPyNumber, Signature

REPEATS = 60
CALLS = 2000

NUMBERS = """
define i64 @kernel(ptr %words, ptr %arena) {
  %pa = getelementptr i64, ptr %words, i64 4
  %a = load double, ptr %pa
  %pb = getelementptr i64, ptr %words, i64 5
  %b = load double, ptr %pb
  %pc = getelementptr i64, ptr %words, i64 6
  %c = load double, ptr %pc
  %ab = fmul double %a, %b
  %r = fadd double %ab, %c
  %pr = getelementptr i64, ptr %words, i64 7
  store double %r, ptr %pr
  ret i64 0
}
"""

SQUARES = """
define i64 @plan(ptr %words) {{
  store i64 {arena}, ptr %words
  %work = getelementptr i64, ptr %words, i64 1
  store i64 {work}, ptr %work
  ret i64 0
}}
define i64 @kernel(ptr %words, ptr %arena) {{
  %px = getelementptr i64, ptr %words, i64 4
  %x = load ptr, ptr %px
  %py = getelementptr i64, ptr %words, i64 7
  %y = load ptr, ptr %py
  %v = load <3 x double>, ptr %x, align 8
  %w = shufflevector <3 x double> %v, <3 x double> %v, <4 x i32> <i32 0, i32 1, i32 2, i32 0>
  %s = fmul <4 x double> %w, %w
  store <4 x double> %s, ptr %y, align 8
  ret i64 0
}}
"""

THREE, FOUR = Array("float64", (3,)), Array("float64", (4,))


class Plain:
    """An object with attributes and no call."""

    __slots__ = ("function",)


class Forwards(Plain):
    """An object whose call is a method of Python."""

    __slots__ = ()

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def slow(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError(args)


def of_numbers(result: Number | NumPyNumber, **options: Any) -> Callable[..., Any]:
    signature = Signature((Number("float"),) * 3, result)
    code = engine.compile(NUMBERS, ["kernel"])
    return entry("f", signature, 0, code.address("kernel"), slow, slow, keep=[code], **options)


def of_arrays(
    *, out: bool = False, arena: int = 0, work: int = 0, **options: Any
) -> Callable[..., Any]:
    signature = Signature((THREE,), FOUR, out=out)
    assert Layout.of(signature).result(0) == 7
    code = engine.compile(SQUARES.format(arena=arena, work=work), ["plan", "kernel"])
    plan, kernel = code.address("plan"), code.address("kernel")
    return entry("g", signature, plan, kernel, slow, slow, keep=[code], **options)


def main() -> None:
    f, g = of_numbers(Number("float")), of_arrays()
    places: dict[str, Any] = {
        "sin": math.sin, "empty": np.empty, "a": 1.2, "b": 0.7, "c": -0.3, "i": 2, "s": np.float64(1.2),
        "x": np.array([1.2, 0.7, -0.3]), "y": np.empty(4),
        "f": f, "f_class": callable_class(Plain, f)(), "f_method": Forwards(f),
        "f_numpy": of_numbers(NumPyNumber("float64")), "f_ctypes": of_numbers(Number("float"), way="ctypes"),
        "g": g, "g_class": callable_class(Plain, g)(), "g_method": Forwards(g), "g_out": of_arrays(out=True),
        "g_arena": of_arrays(arena=65_536), "g_free": of_arrays(work=10**6),
        "g_ctypes": of_arrays(way="ctypes"),
    }  # fmt: skip
    rows = [
        ("sin(a)", "math.sin"),
        ("f(a, b, c)", "three numbers to a float"),
        ("f(i, s, c)", "an int, a NumPy number, a float"),
        ("f_numpy(a, b, c)", "to a NumPy number"),
        ("f_class(a, b, c)", "object, a builtin as its class's __call__"),
        ("f_method(a, b, c)", "object, __call__ in Python"),
        ("f_ctypes(a, b, c)", "the plain way"),
        ("empty(4)", "np.empty"),
        ("g(x)", "array of 3 to a fresh array of 4"),
        ("g_out(x, out=y)", "into an array of the caller's"),
        ("g_arena(x)", "with an arena of 64 KiB"),
        ("g_free(x)", "without the GIL"),
        ("g_class(x)", "object, a builtin as its class's __call__"),
        ("g_method(x)", "object, __call__ in Python"),
        ("g_ctypes(x)", "the plain way"),
    ]
    best = {call: math.inf for call, _ in rows}
    for _ in range(REPEATS):
        for call, _ in rows:
            calls = CALLS // 20 if "ctypes" in call else CALLS
            seconds = timeit.timeit(call, globals=places, number=calls) / calls
            best[call] = min(best[call], 1e9 * seconds)
    for call, what in rows:
        print(f"{call:20}{best[call]:9.1f} ns  {what}")


if __name__ == "__main__":
    main()
