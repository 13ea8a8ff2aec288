"""Text of LLVM IR becomes code that runs, lives as long as it is held, and fails with one kind of error."""

from __future__ import annotations

import ctypes
import gc
import math
import sys
import threading
import weakref
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import scipy
import scipy.integrate

from wengert.errors import NativeError
from wengert.native import engine
from wengert.native.cache import ObjectCache

REAL = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
TRIPLE = REAL(lambda x: 3 * x)
OFFSET = ctypes.c_double(100.0)
TIERS: tuple[engine.Tier, ...] = ("light", "loops", "quick")
LINKERS: tuple[engine.Linker, ...] = ("lljit", "mcjit")

TEXT = """
declare double @exp(double)
declare double @triple(double)
@offset = external global double
define double @f(double %x) {
  %a = call double @exp(double %x)
  %b = call double @triple(double %a)
  %o = load double, ptr @offset
  %c = fadd double %b, %o
  %d = fadd double %c, 0x3FF8000000000000
  ret double %d
}
"""


@pytest.fixture
def imports() -> dict[str, int]:
    address = ctypes.cast(TRIPLE, ctypes.c_void_p).value
    assert address
    return {"triple": address, "offset": ctypes.addressof(OFFSET)}


@pytest.mark.parametrize("linker", LINKERS)
@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_and_linker(
    imports: dict[str, int], tier: engine.Tier, linker: engine.Linker
) -> None:
    code = engine.compile(TEXT, ["f"], imports, tier=tier, linker=linker, store=None)
    assert REAL(code.address("f"))(2.0) == 3 * math.exp(2.0) + 101.5


def test_host() -> None:
    machine = engine.host()
    assert machine.lanes in (2, 4, 8)
    assert machine.triple
    assert machine.llvm.split(".")[0].isdigit()
    assert all(a[0] in "+-" for a in machine.features.split(",") if a)


@pytest.mark.parametrize(
    ("features", "lanes"),
    [([], 2), (["avx"], 2), (["avx", "avx2"], 4), (["avx2", "avx512f", "avx512dq"], 8)],
)
def test_lanes(features: list[str], lanes: int) -> None:
    assert engine._lanes(dict.fromkeys(features, True)) == lanes


@pytest.mark.parametrize("linker", LINKERS)
def test_what_cannot_be_compiled(imports: dict[str, int], linker: engine.Linker) -> None:
    def compiled(text: str, export: str = "f") -> None:
        engine.compile(text, [export], imports, linker=linker, store=None)

    with pytest.raises(NativeError, match="LLVM refuses"):
        compiled("define i64 @f( {")
    with pytest.raises(NativeError, match="cannot be linked"):
        compiled(TEXT.replace("@triple", "@nowhere"))
    with pytest.raises(NativeError, match="cannot be linked"):
        compiled(TEXT, "g")


def test_an_address_that_was_not_asked_for(imports: dict[str, int]) -> None:
    code = engine.compile(TEXT, ["f"], imports, store=None)
    with pytest.raises(NativeError, match="expected one of f, got g"):
        code.address("g")


def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    engine._binding.cache_clear()
    engine.host.cache_clear()
    try:
        with pytest.raises(NativeError, match="pip install"):
            engine.compile(TEXT, ["f"])
    finally:
        monkeypatch.undo()
        engine._binding.cache_clear()
        engine.host.cache_clear()


def test_functions_for_scipy() -> None:
    code = engine.compile(
        """
define double @one(double %x) {
  %y = fmul double %x, %x
  ret double %y
}
define double @many(i32 %n, ptr %xx, ptr %user) {
  %x = load double, ptr %xx
  %at = getelementptr double, ptr %xx, i64 1
  %a = load double, ptr %at
  %y = fmul double %x, %a
  ret double %y
}""",
        ["one", "many"],
        store=None,
    )
    gone = weakref.ref(code)
    real = ctypes.c_double
    many = code.function(
        "many", ctypes.CFUNCTYPE(real, ctypes.c_int, ctypes.POINTER(real), ctypes.c_void_p)
    )
    one = scipy.LowLevelCallable(code.function("one", REAL))
    several = scipy.LowLevelCallable(many)
    del code, many
    gc.collect()
    assert gone() is not None
    assert scipy.integrate.quad(one, 0, 3)[0] == pytest.approx(9)
    assert scipy.integrate.quad(several, 0, 2, args=(5.0,))[0] == pytest.approx(10)
    del one, several
    gc.collect()
    assert gone() is None


def test_code_may_use_other_code_and_keeps_it() -> None:
    first = engine.compile("define i64 @one() { ret i64 1 }", ["one"], store=None)
    gone = weakref.ref(first)
    text = "declare i64 @one()\ndefine i64 @two() { %a = call i64 @one() %b = add i64 %a, %a ret i64 %b }"
    second = engine.compile(text, ["two"], link=[first], store=None)
    del first
    assert gone() is not None
    assert ctypes.CFUNCTYPE(ctypes.c_int64)(second.address("two"))() == 2
    del second
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_code_is_released() -> None:
    # 64 KiB of code each; without release, 200 of them are 12.8 MB.
    blob = ", ".join(["i64 7"] * 8192)
    text = f"@blob = constant [8192 x i64] [{blob}]\ndefine ptr @f() {{ ret ptr @blob }}"
    content = engine.compiled_object(text)

    def loaded() -> None:
        engine.Compiled(*engine._with_lljit(content, ("f",), {}, frozenset()), ())

    growth = _growth(loaded, 200)
    assert growth < 6e6


def _growth(action: Callable[[], Any], times: int) -> float:
    """Bytes of resident memory that ``times`` actions leave behind, after some to warm up."""
    for _ in range(20):
        action()
    sizes = []
    for step in range(times):
        if step in (0, times - 1):
            with open("/proc/self/statm") as file:
                sizes.append(4096 * int(file.read().split()[1]))
        action()
    return max(b - a for a, b in pairwise(sizes))


def test_many_threads() -> None:
    found: list[int] = []

    def work(number: int) -> None:
        for step in range(5):
            wanted = 100 * number + step
            code = engine.compile(f"define i64 @f() {{ ret i64 {wanted} }}", ["f"], store=None)
            found.append(ctypes.CFUNCTYPE(ctypes.c_int64)(code.address("f"))() - wanted)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * 20


def test_objects_are_kept(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ObjectCache(tmp_path)
    text = "define i64 @f() { ret i64 12 }"
    engine.compile(text, ["f"], store=store)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "_emitted", None)  # not needed a second time
        code = engine.compile(text, ["f"], store=store)
        assert ctypes.CFUNCTYPE(ctypes.c_int64)(code.address("f"))() == 12
    assert engine.compiled_object(text, "quick", store)
    assert len([*tmp_path.rglob("*.object")]) == 2  # one per tier


def test_a_damaged_object_is_made_again(tmp_path: Any) -> None:
    store = ObjectCache(tmp_path)
    text = "define i64 @f() { ret i64 12 }"
    whole = engine.compiled_object(text, store=store)
    (path,) = tmp_path.rglob("*.object")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert engine.compiled_object(text, store=store) == whole
