"""Text of LLVM IR to addresses of machine code, through llvmlite (0.45 to 0.50, LLVM 20 to 22).

Three tiers. ``light`` is for code that is vectorised already: a handful of passes, then good instruction
selection. ``loops`` runs LLVM's own pipeline, for scalar loops that LLVM is to vectorise. ``quick`` runs
no pass at all, for programs so long that anything else would take seconds.

No option of LLVM is set for the whole process, since other packages in it may use the same library.
No address stands in the text either: what is outside of it comes in as a named symbol, so an object may be
kept on disk.
"""

from __future__ import annotations

import ctypes
import itertools
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final, Literal, TypeVar

import numpy as np

from wengert.errors import NativeError, worded
from wengert.native.cache import ObjectCache, default_cache, key_of

__all__ = ["Compiled", "Host", "Linker", "Tier", "compile", "compiled_object", "host"]

T = TypeVar("T")

Tier = Literal["light", "loops", "quick"]
Linker = Literal["lljit", "mcjit"]

# Raised whenever objects of older versions must not be loaded any more.
ABI_VERSION: Final = 1

OLDEST_LLVM: Final = 20  # of llvmlite 0.45, the first without the passes of old

# Measured on code with explicit vectors: LLVM's own pipeline buys nothing and costs four times as much.
LIGHT = ("sroa", "simplify_cfg", "instruction_combine", "loop_rotate", "simplify_cfg")
CODEGEN: Final[Mapping[Tier, int]] = {"light": 2, "loops": 2, "quick": 0}


@dataclass(frozen=True)
class Host:
    """The machine that code is made for.

    ``cpu`` alone is not to be trusted, LLVM may not know the model yet; ``features`` is read from the
    processor and is. ``lanes`` is how many doubles fit into a vector register.
    """

    triple: str
    cpu: str
    features: str
    lanes: int
    fma: bool
    llvm: str
    llvmlite: str

    @property
    def key(self) -> tuple[str, ...]:
        """What a compiled object depends on besides its text."""
        return (self.triple, self.cpu, self.features, self.llvm, self.llvmlite)


def _unseen(owned: Any) -> np.ndarray[Any, Any]:
    """A holder that the collector does not look into: NumPy's arrays take no part in collection.

    What llvmlite gives has a finalizer that releases the code, and finalizers of one cycle run in any order:
    a later one could still call the code. Held like this, it goes when its holder is deallocated,
    after all of them.
    """
    holder = np.empty((), object)
    holder[()] = owned
    return holder


class Compiled:
    """Machine code in memory, for as long as somebody refers to this object.

    Whoever holds an address must hold this object too: the code is released with it.
    """

    __slots__ = ("_addresses", "_owner", "_keep", "__weakref__")

    # Any: what llvmlite gives to own the code by.
    def __init__(self, addresses: Mapping[str, int], owner: Any, keep: Sequence[object]) -> None:
        self._addresses = dict(addresses)
        self._owner = _unseen(owner)
        self._keep = tuple(keep)

    def address(self, symbol: str) -> int:
        """Where an exported symbol is.

        Raises: NativeError for a symbol that was not exported.
        """
        try:
            return self._addresses[symbol]
        except KeyError:
            known = ", ".join(sorted(self._addresses))
            raise NativeError(worded("address", expected=f"one of {known}", got=symbol)) from None

    def function(self, symbol: str, prototype: Callable[[int], T]) -> T:
        """An exported symbol as a function of ctypes, which keeps the code alive.

        ``scipy.LowLevelCallable`` takes it, with the prototype ``CFUNCTYPE(c_double, c_double)``,
        or ``CFUNCTYPE(c_double, c_int, POINTER(c_double), c_void_p)`` for many variables.
        """
        made = prototype(self.address(symbol))
        made.code = self  # type: ignore[attr-defined]  # functions of ctypes have attributes
        return made

    def __repr__(self) -> str:
        return f"Compiled({', '.join(sorted(self._addresses))})"


@cache
def _binding() -> Any:  # Any: llvmlite has no annotations
    """``llvmlite.binding``, ready to make code for this machine."""
    try:
        binding = import_module("llvmlite.binding")
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        binding.check_jit_execution()
        if binding.llvm_version_info[0] < OLDEST_LLVM:
            raise RuntimeError(f"LLVM {'.'.join(map(str, binding.llvm_version_info))}")
    except Exception as error:
        raise NativeError(
            worded(
                "native code",
                expected="llvmlite 0.45 or newer that may run here",
                got=f"{type(error).__name__}: {error}",
                hint='pip install "llvmlite>=0.45"',
            )
        ) from error
    return binding


@cache
def host() -> Host:
    """What is known about the machine.

    Raises: NativeError without a working llvmlite.
    """
    binding = _binding()
    try:
        features: dict[str, bool] = binding.get_host_cpu_features()
    except RuntimeError:  # LLVM cannot ask every processor
        features = {}
    triple: str = binding.get_process_triple()
    return Host(
        triple=triple,
        cpu=binding.get_host_cpu_name(),
        features=",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items())),
        lanes=_lanes(features),
        fma=features.get("fma", False) or _architecture(triple) in ("aarch64", "arm64"),
        llvm=".".join(map(str, binding.llvm_version_info)),
        llvmlite=import_module("llvmlite").__version__,
    )


def _lanes(features: Mapping[str, bool]) -> int:
    if features.get("avx512f") and features.get("avx512dq"):
        return 8
    return 4 if features.get("avx2") else 2


def _architecture(triple: str) -> str:
    return triple.partition("-")[0]


def compile(  # noqa: A001  the word of the field; used as `engine.compile`
    text: str,
    exports: Iterable[str],
    imports: Mapping[str, int] | None = None,
    *,
    tier: Tier = "light",
    link: Sequence[Compiled] = (),
    store: ObjectCache | Literal["default"] | None = "default",
    linker: Linker | None = None,
) -> Compiled:
    """Machine code of a text of LLVM IR.

    ``exports`` are the functions whose addresses are wanted, ``imports`` the addresses of symbols that the
    text declares; ``link`` names compiled code whose exports may be used too and which is then kept alive.
    Symbols of the process itself (``exp``, ``memset``) are found without being named. ``store`` is where
    objects are kept between processes; ``linker`` is for tests.

    Raises: NativeError when llvmlite is missing or refuses the text, or when a symbol is not found.

    >>> code = compile("define i64 @twice(i64 %n) { %r = add i64 %n, %n  ret i64 %r }", ["twice"])
    >>> code.function("twice", ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64))(21)
    42
    """
    symbols = {name: where for code in link for name, where in code._addresses.items()}
    symbols.update(imports or {})
    content = compiled_object(text, tier, default_cache() if store == "default" else store)
    try:
        linked = _linker(linker)(content, tuple(exports), symbols, _declared(text))
    except (RuntimeError, OSError) as error:
        raise NativeError(
            worded("native code", got=f"an object that cannot be linked: {error}")
        ) from error
    return Compiled(*linked, link)


def compiled_object(text: str, tier: Tier = "light", store: ObjectCache | None = None) -> bytes:
    """The object file of a text of LLVM IR, from the store if it is there."""
    key = key_of(str(ABI_VERSION), tier, *host().key, text)
    content = store.load(key) if store is not None else None
    if content is None:
        content = _emitted(text, tier)
        if store is not None:
            store.store(key, content)
    return content


# --- passes and code ----------------------------------------------------------------------------------

# One at a time: a target machine is shared by everything of one tier. llvmlite holds a lock of its own
# around every call, so nothing is lost.
_EMITTING = threading.Lock()


@cache
def _target_machine(codegen: int) -> Any:
    binding, machine = _binding(), host()
    target = binding.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=codegen, jit=True
    )


def _emitted(text: str, tier: Tier) -> bytes:
    binding = _binding()
    with _EMITTING:
        target = _target_machine(CODEGEN[tier])
        # A context of its own: types and constants go with it.
        context = binding.create_context()
        try:
            module = binding.parse_assembly(text, context)
            module.triple = host().triple
            module.data_layout = str(target.target_data)
            _optimise(binding, module, target, tier)
            content: bytes = target.emit_object(module)
        except RuntimeError as error:
            raise NativeError(
                worded("LLVM IR", got=f"a text that LLVM refuses: {error}")
            ) from error
        return content


def _optimise(binding: Any, module: Any, target: Any, tier: Tier) -> None:
    if tier == "quick":
        return
    options = binding.create_pipeline_tuning_options(2)
    options.slp_vectorization = False  # found nothing in any kernel, for a tenth of the time
    builder = binding.create_pass_builder(target, options)
    if tier == "loops":
        passes = builder.getModulePassManager()
    else:
        passes = binding.create_new_module_pass_manager()
        for name in LIGHT:
            getattr(passes, f"add_{name}_pass")()
    passes.run(module, builder)


# --- linking ------------------------------------------------------------------------------------------

Linked = tuple[dict[str, int], Any]
Link = Callable[[bytes, tuple[str, ...], Mapping[str, int], frozenset[str]], Linked]

# LLJIT wants a new name for everything it is given.
_COUNT = itertools.count()


def _linker(wanted: Linker | None) -> Link:
    match wanted:
        case "lljit":
            return _with_lljit
        case "mcjit":
            return _with_mcjit
        case None:
            return _working_linker()


@cache
def _working_linker() -> Link:
    """LLJIT if it can link and run one function here, else MCJIT."""
    content = _emitted("define i64 @probe(i64 %n) {\n  ret i64 %n\n}\n", "quick")
    try:
        addresses, owner = _with_lljit(content, ("probe",), {}, frozenset())
        probe = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(addresses["probe"])
        works = probe(7) == 7
        del owner  # only now: the code goes with it
    except (RuntimeError, OSError, AttributeError):
        works = False
    return _with_lljit if works else _with_mcjit


@cache
def _lljit() -> Any:
    # RuntimeDyld puts sections of an object wherever there is room, which is too far for some relocations
    # of 64-bit ARM; JITLink keeps them together.
    together = _architecture(host().triple) in ("aarch64", "arm64")
    return _binding().create_lljit_compiler(use_jit_link=together, suppress_errors=True)


def _declared(text: str) -> frozenset[str]:
    """The functions and variables that a text takes from outside, without LLVM's own."""
    names = _DECLARED.findall(text)
    return frozenset(first or second for first, second in names if not first.startswith("llvm."))


_DECLARED = re.compile(r"^declare\b[^@\n]*@([\w.$]+)|^@([\w.$]+) *= *external\b", re.MULTILINE)


def _with_lljit(
    content: bytes, exports: tuple[str, ...], imports: Mapping[str, int], declared: frozenset[str]
) -> Linked:
    builder = _binding().JITLibraryBuilder().add_object_img(content)
    for name, where in imports.items():
        builder.import_symbol(name, where)
    for name in exports:
        builder.export_symbol(name)
    builder.add_current_process()
    tracker = builder.link(_lljit(), f"wengert{next(_COUNT)}")
    # The last goes first: the tracker before what it is a part of.
    return {name: tracker[name] for name in exports}, (_lljit(), tracker)


def _with_mcjit(
    content: bytes, exports: tuple[str, ...], imports: Mapping[str, int], declared: frozenset[str]
) -> Linked:
    binding = _binding()
    # MCJIT ends the process over a symbol that it cannot find.
    lost = [name for name in declared - set(imports) if not binding.address_of_symbol(name)]
    if lost:
        raise RuntimeError(f"no symbol {', '.join(sorted(lost))}")
    module = binding.parse_assembly("", binding.create_context())
    machine = host()
    target = binding.Target.from_triple(machine.triple).create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=2, jit=True
    )  # owned by the engine from now on
    engine = binding.create_mcjit_compiler(module, target)
    with _MAPPING:
        for name, where in imports.items():
            binding.add_symbol(name, where)
        engine.add_object_file(binding.ObjectFileRef.from_data(content))
        engine.finalize_object()
        addresses = {name: engine.get_function_address(name) for name in exports}
    missing = [name for name, where in addresses.items() if not where]
    if missing:
        raise RuntimeError(f"no symbol {', '.join(missing)}")
    return addresses, engine


# MCJIT finds imported symbols in one table for the whole process, so what one object needs is put there
# just before it is linked, and no other object is linked in between.
_MAPPING = threading.Lock()
