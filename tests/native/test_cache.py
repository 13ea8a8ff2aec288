"""Whatever happens to the folder, a cache gives back what was stored, or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.native import cache as module
from wengert.native.cache import ObjectCache, default_cache, default_folder, key_of

KEY = key_of("a program")


def test_stored_and_loaded(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "new" / "folder")
    assert cache.load(KEY) is None
    cache.store(KEY, b"\x00code" * 1000)
    assert ObjectCache(cache.folder).load(KEY) == b"\x00code" * 1000
    assert cache.load(key_of("another")) is None


@given(st.lists(st.text(), min_size=1), st.lists(st.text(), min_size=1))
def test_keys_tell_parts_apart(one: list[str], other: list[str]) -> None:
    assert (key_of(*one) == key_of(*other)) == (one == other)


@pytest.mark.parametrize("cut", [0, 7, 20, 47, 48, 60, -1])
def test_half_a_file(tmp_path: Path, cut: int) -> None:
    cache = ObjectCache(tmp_path)
    cache.store(KEY, b"machine code of some length")
    path = cache._path(KEY)
    path.write_bytes(path.read_bytes()[:cut])
    assert cache.load(KEY) is None
    assert not path.exists()
    cache.store(KEY, b"again")
    assert cache.load(KEY) == b"again"


@pytest.mark.parametrize("position", [0, 7, 8, 16, 40, 48, 60])
def test_a_changed_byte(tmp_path: Path, position: int) -> None:
    cache = ObjectCache(tmp_path)
    cache.store(KEY, b"machine code of some length")
    path = cache._path(KEY)
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)
    assert cache.load(KEY) is None


def test_a_file_of_another_key(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    cache.store(KEY, b"code")
    other = cache._path(key_of("other"))
    other.parent.mkdir(exist_ok=True)
    os.replace(cache._path(KEY), other)
    assert cache.load(key_of("other")) is None


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files without owners")
def test_a_file_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ObjectCache(tmp_path)
    cache.store(KEY, b"code")
    me = os.geteuid()
    monkeypatch.setattr(module, "_ours", lambda status: status.st_uid != me)
    assert cache.load(KEY) is None


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    cache = ObjectCache(tmp_path / "file" / "folder")
    cache.store(KEY, b"code")
    assert cache.load(KEY) is None


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    cache = ObjectCache(tmp_path)
    cache.store(KEY, b"code")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_oldest_go_first(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, limit=10_000)
    keys = [key_of(str(n)) for n in range(30)]
    for age, key in enumerate(keys):
        cache.store(key, bytes(952))
        if cache._path(key).exists():
            os.utime(cache._path(key), (1e9 + age, 1e9 + age))
    cache.shrink()
    kept = [key for key in keys if cache.load(key)]
    assert kept == keys[-len(kept) :]
    assert 5 <= len(kept) <= 10


def test_it_shrinks_by_itself(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path, limit=10_000)
    for n in range(100):
        cache.store(key_of(str(n)), bytes(952))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.object")) <= 15_000


def test_a_use_is_noted(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path)
    cache.store(KEY, b"code")
    os.utime(cache._path(KEY), (1e9, 1e9))
    cache.load(KEY)
    assert cache._path(KEY).stat().st_mtime > 1.5e9


def test_abandoned_halves_are_removed(tmp_path: Path) -> None:
    old, young = tmp_path / ".new-old", tmp_path / ".new-young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (1e9, 1e9))
    ObjectCache(tmp_path).shrink()
    assert not old.exists()
    assert young.exists()


def test_the_environment_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    assert default_folder() == tmp_path
    assert default_cache() is default_cache()
    monkeypatch.setenv("WENGERT_CACHE", "off")
    assert default_folder() is None
    assert default_cache() is None
    monkeypatch.delenv("WENGERT_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "wengert" / "objects"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_folder() == Path.home() / ".cache" / "wengert" / "objects"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_folder() == Path.home() / "Library" / "Caches" / "wengert" / "objects"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert default_folder() == tmp_path / "wengert" / "objects"


WRITER = """
import sys
from pathlib import Path
from wengert.native.cache import ObjectCache, key_of
cache = ObjectCache(Path(sys.argv[1]), limit=200_000)
for step in range(300):
    key = key_of(str(step % 20))
    content = cache.load(key)
    assert content is None or content == key.encode() * 200, len(content)
    cache.store(key, key.encode() * 200)
"""


@pytest.mark.slow
def test_many_processes(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors.decode()
    assert not [*tmp_path.rglob(".new-*")]
