"""Functions that work on one number at a time, or that others wrote, as calls from a vector's lanes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wengert.native.kinds import I64, Kind
from wengert.native.primitives import Writer
from wengert.native.text import Function, Module
from wengert.native.ufuncs import Loop

__all__ = ["by_lane", "by_loop"]


def by_lane(
    w: Writer,
    name: str,
    parameters: Sequence[Kind],
    result: Kind,
    args: Sequence[str],
    build: Callable[[Function, Sequence[str]], None],
) -> str:
    """A function of scalars, written once into the module by ``build``, called for each lane."""

    def add(module: Module, name: str) -> None:
        named = [(k.element, f"x{i}") for i, k in enumerate(parameters)]
        f = module.function(name, named, result.element, linkage="internal", attributes=_PURE)
        build(f, [f"%x{i}" for i in range(len(parameters))])

    f = w.f
    name = f.module.helper(f"{name}.{'.'.join(k.element for k in parameters)}", add)
    if result.lanes == 1:
        given = [(k.text, a) for k, a in zip(parameters, args, strict=True)]
        return f.call(result.text, name, given, pure=True)
    total = "poison"
    for lane in map(str, range(result.lanes)):
        taken = [(k.element, f.extract(k, a, lane)) for k, a in zip(parameters, args, strict=True)]
        value = f.call(result.element, name, taken, pure=True)
        total = f.insert(result, total, value, lane)
    return total


_PURE = "noinline nounwind memory(none)"


def by_loop(
    w: Writer,
    loop: Loop,
    parameters: Sequence[Kind],
    args: Sequence[str],
    result: Kind,
    place: int,
    times: int,
) -> str:
    """One of the results of a loop of SciPy that runs so many times, for operands of the kinds that it takes.

    Those of many lanes have an element in each; a complex number is two.
    """

    def add(module: Module, name: str) -> None:
        _write_loop(module, name, loop, parameters, result, place, times)

    f = w.f
    w.imports.update((loop.loop, loop.data))
    name = f.module.helper(f"{loop.loop[:-5]}.{place}.{times}", add)
    given = [(k.text, a) for k, a in zip(parameters, args, strict=True)]
    return f.call(result.text, name, given, pure=True)


def _write_loop(
    module: Module,
    name: str,
    loop: Loop,
    parameters: Sequence[Kind],
    result: Kind,
    place: int,
    times: int,
) -> None:
    named = [(k.text, f"x{i}") for i, k in enumerate(parameters)]
    f = module.function(name, named, result.text, linkage="internal", attributes=_PURE)
    kinds = [*parameters, *[result] * len(loop.outputs)]
    slots = [f.slot(k) for k in kinds]
    for number, k in enumerate(parameters):
        f.store(k, f"%x{number}", slots[number])
    places = f.room(f"[{len(kinds)} x ptr]")
    for number, slot in enumerate(slots):
        f.effect(f"store ptr {slot}, ptr {f.element(I64, places, str(number))}, align 8")
    dims = module.constant(f"dims.{times}", "i64", str(times))
    gaps = ", ".join(f"i64 {k.bytes}" for k in kinds)
    steps = module.constant(f"steps.{name}", f"[{len(kinds)} x i64]", f"[{gaps}]")
    module.declare(loop.loop, "ptr, ptr, ptr, ptr", "void", "nounwind")
    taken = [places, dims, steps, module.external(loop.data)]
    f.call("void", loop.loop, [("ptr", a) for a in taken])
    f.ret(f.load(result, slots[len(parameters) + place]))
