"""Small programs in LLVM IR, for the tests of what runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.native import engine
from wengert.native.calling import Way, entry
from wengert.native.signature import Layout, Signature


def load(kind: str, word: int, name: str) -> str:
    """``%name``, read from a word."""
    place = f"  %at.{name} = getelementptr i64, ptr %words, i64 {word}\n"
    return f"{place}  %{name} = load {kind}, ptr %at.{name}\n"


def store(typed: str, word: int) -> str:
    """Write a value such as ``double %x`` to a word."""
    name = f"to.{word}"
    return f"  %{name} = getelementptr i64, ptr %words, i64 {word}\n  store {typed}, ptr %{name}\n"


def plan(body: str, answer: str = "0") -> str:
    return f"define i64 @plan(ptr %words) {{\n{body}  ret i64 {answer}\n}}\n"


def kernel(body: str, answer: str = "0") -> str:
    return f"define i64 @kernel(ptr %words, ptr %arena) {{\n{body}  ret i64 {answer}\n}}\n"


def went_slowly(*args: Any, **kwargs: Any) -> tuple[object, ...]:
    return ("slow", args, kwargs)


def failed_with(code: int, words: bytes, *args: Any, **kwargs: Any) -> tuple[object, ...]:
    return ("failed", code, words, args, kwargs)


def function(
    signature: Signature,
    text: str,
    way: Way = "builtin",
    *,
    slow: Callable[..., Any] = went_slowly,
    failed: Callable[..., Any] = failed_with,
    patience: int = 20_000,
) -> Callable[..., Any]:
    """A function of Python that runs a program with the functions ``plan`` (if need be) and ``kernel``."""
    names = [name for name in ("plan", "kernel") if f"@{name}(" in text]
    code = engine.compile(text, names, store=None)
    where = code.address("plan") if "plan" in names else 0
    return entry(
        "program", signature, where, code.address("kernel"), slow, failed,
        keep=[code], patience=patience, way=way,
    )  # fmt: skip


def elementwise(signature: Signature, *, arena: int = 0, work: int = 0) -> str:
    """``result[i] = 2*x[i]`` for the last parameter ``x``, an array of doubles with one axis.

    The numbers go through the arena, if there is one.
    """
    layout = Layout.of(signature)
    last = len(signature.parameters) - 1
    length = load("i64", layout.extent(last, 0), "n")
    planned = store(f"i64 {arena}", Layout.ARENA) + store(f"i64 {work}", Layout.WORK) + length
    through = "%arena" if arena else "%y"
    return plan(planned + store("i64 %n", layout.result_extent(0, 0))) + (
        "define i64 @kernel(ptr %words, ptr %arena) {\n"
        + length
        + load("ptr", layout.parameter(last), "x")
        + load("ptr", layout.result(0), "y")
        + f"""  br label %head
head:
  %i = phi i64 [ 0, %0 ], [ %next, %body ]
  %go = icmp slt i64 %i, %n
  br i1 %go, label %body, label %end
body:
  %from = getelementptr double, ptr %x, i64 %i
  %v = load double, ptr %from
  %w = fadd double %v, %v
  %room = getelementptr double, ptr {through}, i64 {"0" if arena else "%i"}
  store volatile double %w, ptr %room
  %again = load volatile double, ptr %room
  %to = getelementptr double, ptr %y, i64 %i
  store double %again, ptr %to
  %next = add i64 %i, 1
  br label %head
end:
  ret i64 0
}}
"""
    )
