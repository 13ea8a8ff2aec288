"""Compiled programs called through ctypes: the plain version of what ``wrapper`` writes in machine code.

It serves interpreters whose objects look different, and is what the other is tested against.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert.native.interpreter import TYPES
from wengert.native.signature import Array, Layout, Number, NumPyNumber, Result, Signature, leaves

__all__ = [
    "Misfit", "aligned", "kernel_at", "number_of", "plain_entry", "plan_at", "read_words",
]  # fmt: skip

Words: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Anything: TypeAlias = "np.ndarray[Any, Any]"

plan_at = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
kernel_at = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)


class Misfit(Exception):  # noqa: N818  an answer
    """These arguments go the slow way."""


def plain_entry(
    name: str,
    signature: Signature,
    plan: int,
    kernel: int,
    slow: Callable[..., Any],
    failed: Callable[..., Any],
    keep: Sequence[object] = (),
    doc: str = "",
) -> Callable[..., Any]:
    """The same as ``calling.entry``; every call runs without the GIL, as ctypes does it."""
    layout = Layout.of(signature)
    run_plan = plan_at(plan) if plan else None
    run_kernel = kernel_at(kernel)
    held = tuple(keep)

    def call(*args: Any, **kwargs: Any) -> Any:  # Any: whatever the user passes
        words = aligned(8 * layout.size).view(np.int64)
        words[:] = 0
        try:
            _read(layout, words, args, kwargs)
            if run_plan is not None and run_plan(words.ctypes.data):
                raise Misfit
            results = _arrays(layout, words, args, kwargs.get("out"))
        except Misfit:
            return slow(*args, **kwargs)
        arena = aligned(int(words[Layout.ARENA]))
        code = run_kernel(words.ctypes.data, arena.ctypes.data)
        if code:
            return failed(code, words.tobytes(), *args, **kwargs)
        for number, leaf in enumerate(leaves(signature.result)):
            if not isinstance(leaf, Array):
                results[number] = number_of(leaf, words[layout.result(number) :])
        return _assembled(signature.result, iter(range(len(results))), results)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = doc or None
    call.__module__ = "wengert"
    call.keep = held  # type: ignore[attr-defined]  # the code lives as long as the function
    return call


def aligned(size: int) -> Anything:
    memory = np.empty(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]


def _read(layout: Layout, words: Words, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    signature = layout.signature
    expected = {"out"} if signature.out and kwargs else set()
    if len(args) != len(signature.parameters) or set(kwargs) != expected:
        raise Misfit
    read_words(layout, words, args)


def read_words(layout: Layout, words: Words, args: tuple[Any, ...]) -> None:
    """Write arguments and the fixed extents of the result into words."""
    signature = layout.signature
    arrays = [id(value) for value in args if isinstance(value, np.ndarray)]
    if signature.distinct and len(set(arrays)) < len(arrays):
        raise Misfit
    for index, (parameter, value) in enumerate(zip(signature.parameters, args, strict=True)):
        first = layout.parameter(index)
        if isinstance(parameter, Number):
            _read_number(parameter, value, words[first:])
            continue
        _check(parameter, value)
        words[first] = value.ctypes.data
        words[first + 1 : first + 1 + parameter.rank] = value.shape
    for number, leaf in enumerate(leaves(signature.result)):
        if isinstance(leaf, Array):
            for axis, extent in enumerate(leaf.shape):
                words[layout.result_extent(number, axis)] = extent or 0


def _read_number(number: Number, value: Any, words: Words) -> None:
    if type(value) not in [TYPES[name] for name in number.accepts]:
        raise Misfit
    try:
        match number.kind:
            case "float":
                words[:1].view(np.float64)[0] = float(value)
            case "complex":
                words[:2].view(np.complex128)[0] = complex(value)
            case "int" | "bool":
                words[0] = int(value)
    except OverflowError:
        raise Misfit from None


def _check(array: Array, value: Any, *, write: bool = False) -> None:
    fits = (
        type(value) is np.ndarray
        and value.dtype is np.dtype(array.dtype)
        and value.ndim == array.rank
        and value.flags.c_contiguous
        and value.flags.aligned
        and (value.flags.writeable or not write)
        and all(
            b >= array.least if a is None else a == b
            for a, b in zip(array.shape, value.shape, strict=True)
        )
    )
    if not fits:
        raise Misfit


def _arrays(layout: Layout, words: Words, args: tuple[Any, ...], out: Any) -> list[Any]:
    """Leaves of the result: fresh arrays or those of the caller, and places for numbers."""
    results: list[Any] = []
    given = list(_given(layout.signature.result, out))
    taken = [*(value for value in args if isinstance(value, np.ndarray))]
    for number, leaf in enumerate(leaves(layout.signature.result)):
        if not isinstance(leaf, Array):
            if given[number] is not None:
                raise Misfit
            results.append(None)
            continue
        shape = tuple(int(words[layout.result_extent(number, axis)]) for axis in range(leaf.rank))
        array = given[number]
        if array is not None:
            _check(Array(leaf.dtype, shape), array, write=True)
            if any(np.may_share_memory(value, array) for value in taken):
                raise Misfit
            taken.append(array)
        else:
            array = (np.zeros if leaf.zeroed else np.empty)(shape, leaf.dtype)
            if leaf.zeroed and layout.zeros is not None:
                words[layout.zeros] |= 1 << number
        words[layout.result(number)] = array.ctypes.data
        results.append(array)
    return results


def _given(result: Result, out: Any) -> Iterator[Any]:
    """For each leaf what the caller gives for it, or ``None``."""
    if not isinstance(result, tuple):
        yield out
        return
    if out is None:
        out = (None,) * len(result)
    if type(out) is not tuple or len(out) != len(result):
        raise Misfit
    for part, item in zip(result, out, strict=True):
        yield from _given(part, item)


def number_of(leaf: Number | NumPyNumber, words: Words) -> Any:
    if isinstance(leaf, NumPyNumber):
        return words[: leaf.words].view(leaf.dtype)[0]
    match leaf.kind:
        case "float":
            return float(words[:1].view(np.float64)[0])
        case "int":
            return int(words[0])
        case "bool":
            return bool(words[0])
        case "complex":
            return complex(words[:2].view(np.complex128)[0])


def _assembled(result: Result, numbers: Any, results: list[Any]) -> Any:
    """The results in the structure of the signature; ``numbers`` counts the leaves."""
    if isinstance(result, tuple):
        return tuple(_assembled(part, numbers, results) for part in result)
    return results[next(numbers)]
