"""Where objects do not look as expected, functions are made the plain way instead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from native_programs import function, kernel, load, store, went_slowly

from wengert.errors import NativeError
from wengert.native import calling, engine, interpreter
from wengert.native.signature import Number, Signature
from wengert.native.wrapper import wrapper_text

SCALAR = Signature((Number("float"),), Number("float"))
TEXT = kernel(load("double", 4, "x") + store("double %x", 5))


@pytest.fixture
def anew() -> Iterator[None]:
    """The interpreter is looked at again, and once more afterwards."""
    interpreter.interpreter_table.cache_clear()
    yield
    interpreter.interpreter_table.cache_clear()


def test_every_address_is_known() -> None:
    table = interpreter.interpreter_table()
    assert len(table) == len(interpreter.SLOTS)
    assert all(table)


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(
    ("offset", "wrong"),
    [
        ("HEADER", 8),
        ("TYPE", 0),
        ("ARRAY_DATA", 32),
        ("ARRAY_RANK", 16),
        ("ARRAY_DIMS", 40),
        ("ARRAY_DESCR", 24),
        ("ARRAY_FLAGS", 24),
        ("TUPLE_SIZE", 24),
        ("TUPLE_ITEMS", 32),
    ],
)
def test_a_wrong_offset_is_found(monkeypatch: pytest.MonkeyPatch, offset: str, wrong: int) -> None:
    # Each of these reads another field of the same object.
    monkeypatch.setattr(interpreter, offset, wrong)
    with pytest.raises(NativeError, match="an unknown form"):
        interpreter.interpreter_table()


@pytest.mark.usefixtures("anew")
def test_another_interpreter_gets_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "_unsuited", lambda: "another interpreter")
    code = engine.compile(TEXT, ["kernel"], store=None)
    made: Any = [
        calling.entry("f", SCALAR, 0, code.address("kernel"), went_slowly, went_slowly, keep=[code])
    ]
    assert made[0](2.5) == 2.5
    assert not isinstance(made[0], type(len))
    with pytest.raises(NativeError, match="another interpreter"):
        function(SCALAR, TEXT, "builtin")


def test_the_environment_may_ask_for_the_plain_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CALLS", "ctypes")
    code = engine.compile(TEXT, ["kernel"], store=None)
    f = calling.entry("f", SCALAR, 0, code.address("kernel"), went_slowly, went_slowly, keep=[code])
    assert f(2.5) == 2.5
    assert not isinstance(f, type(len))


def test_one_wrapper_serves_all_of_a_signature() -> None:
    first, second = function(SCALAR, TEXT), function(SCALAR, TEXT)
    assert first.__self__.keep[1] is second.__self__.keep[1]  # type: ignore[attr-defined]


def test_no_address_stands_in_a_wrapper() -> None:
    text = wrapper_text(SCALAR)
    assert not any(str(address) in text for address in interpreter.interpreter_table())


ENDING = """
import numpy as np
from wengert.native import engine
from wengert.native.calling import entry
from wengert.native.signature import Number, Signature
code = engine.compile('''{text}''', ["kernel"])
signature = Signature((Number("float"),), Number("float"))
f = entry("f", signature, 0, code.address("kernel"), print, print, keep=[code])
class Late:
    def __del__(self, f=f):
        assert f(2.5) == 2.5
        print("late")
late = Late()
late.me = late
"""


def test_the_end_of_the_interpreter(tmp_path: Any) -> None:
    """Functions may be called until the very end, and leave without a crash."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", ENDING.format(text=TEXT)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "WENGERT_CACHE": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
