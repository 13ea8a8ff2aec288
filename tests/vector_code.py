"""Macros of `wengert.native.vecmath` as functions of arrays, compiled with llvmlite and nothing between."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding as llvm

from wengert.native.text import Module, kind
from wengert.native.vecmath import BINARY, MACROS

Array = np.ndarray[Any, Any]

PASSES = ("sroa", "simplify_cfg", "instruction_combine", "loop_rotate", "simplify_cfg")


def array_text(
    name: str, dtype: str, lanes: int, *, has_fma: bool = True, has_avx512: bool = False
) -> str:
    """``void f(result, x, y, n)`` for a number of elements that the lanes divide."""
    module = Module(
        has_fma=has_fma, has_avx512=has_avx512, attributes='"prefer-vector-width"="512"'
    )
    of = kind({"float64": "double", "float32": "float"}[dtype], lanes)
    f = module.function(
        "f", [("ptr noalias", "result"), ("ptr noalias", "x"), ("ptr noalias", "y"), ("i64", "n")]
    )
    with f.loop("0", "%n", str(lanes)) as i:
        given = [
            f.load(of, f.element(of.scalar, place, i))
            for place in ("%x", "%y")[: 1 + (name in BINARY)]
        ]
        f.store(of, MACROS[name](f, *given, of), f.element(of.scalar, "%result", i))
    f.ret()
    return module.text()


@cache
def _machine(features: str | None) -> Any:  # llvmlite ships no annotations
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    if features is None:
        features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=2, jit=True
    )


@cache
def machine_of(triple: str, cpu: str, features: str) -> Any:
    """Another machine, to write its assembly."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(triple)
    return target.create_target_machine(
        cpu=cpu, features=features, opt=2, reloc="pic", codemodel="default"
    )


def optimised(text: str, machine: Any) -> Any:
    """The module after a few cheap passes."""
    module = llvm.parse_assembly(text)
    module.data_layout = str(machine.target_data)
    module.verify()
    manager = llvm.create_new_module_pass_manager()
    for name in PASSES:
        getattr(manager, f"add_{name}_pass")()
    manager.run(module, llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(2)))
    return module


_kept: list[Any] = []


def address(text: str, features: str | None = None) -> int:
    """Where the compiled function ``f`` is."""
    machine = _machine(features)
    image = machine.emit_object(optimised(text, machine))
    engine = _linker()
    library = llvm.JITLibraryBuilder().add_object_img(image).add_current_process()
    tracker = library.export_symbol("f").link(engine, f"library{len(_kept)}")
    _kept.append(tracker)
    return int(tracker["f"])


@cache
def _linker() -> Any:
    return llvm.create_lljit_compiler(_machine(None))


@cache
def compiled(
    name: str,
    dtype: str,
    lanes: int,
    has_fma: bool = True,
    features: str | None = None,
    has_avx512: bool = False,
) -> Callable[..., Array]:
    """The macro as a function of one or two arrays."""
    text = array_text(name, dtype, lanes, has_fma=has_fma, has_avx512=has_avx512)
    place = address(text, features)
    entry = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)(place)

    def call(*given: Array) -> Array:
        n = len(given[0])
        padded = np.zeros((3, -(-n // 16) * 16), dtype)
        for row, values in zip(padded[1:], given, strict=False):
            row[:n] = values
        entry(*[row.ctypes.data for row in padded], padded.shape[1])
        return padded[0, :n]

    call.entry = entry  # type: ignore[attr-defined]
    return call


__all__ = ["address", "array_text", "compiled", "machine_of", "optimised"]
