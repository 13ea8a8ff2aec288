"""Compiled objects on disk, so that a program is compiled once per machine.

The folder is ``$WENGERT_CACHE`` or the user's cache folder; ``WENGERT_CACHE=off`` means none. An entry is
one file, written under another name and then renamed, so readers never see half of one and processes need
no lock. Whatever cannot be read, is damaged or is somebody else's is as good as absent; whatever cannot be
written is not written. The files used least recently go when there are too many bytes.

::

    offset 0    8 bytes   MAGIC
           8    8 bytes   length of the object, little-endian
          16   32 bytes   sha256 of the key and the object
          48   ...        the object
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

__all__ = ["ObjectCache", "default_cache", "default_folder", "key_of"]

MAGIC = b"WENGERT1"
LIMIT = 256 * 2**20  # bytes on disk
HEADER = 48
SUFFIX = ".object"
# A use is noted once an hour, which spares a write per program and process.
NOTED = 3600.0
# A file that a killed process left half-written is removed after this many seconds.
ABANDONED = 3600.0


def key_of(*parts: str) -> str:
    """The name of whatever these texts decide, none of which may run into the next.

    >>> key_of("ab", "c") == key_of("a", "bc")
    False
    """
    digest = sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def default_folder() -> Path | None:
    """Where compiled objects are kept; ``None`` when the user wants none or has no home."""
    chosen = os.environ.get("WENGERT_CACHE", "").strip()
    if chosen:
        return None if chosen.lower() == "off" else Path(chosen).expanduser()
    try:
        return _user_folder() / "wengert" / "objects"
    except RuntimeError:  # nobody's home
        return None


def _user_folder() -> Path:
    """The folder that the platform has for what can be made again."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local) if local else Path.home() / "AppData" / "Local"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    # A relative XDG_CACHE_HOME is to be ignored: XDG Base Directory Specification 0.8.
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return given if given.is_absolute() else Path.home() / ".cache"


def default_cache() -> ObjectCache | None:
    """The cache that the environment asks for at this moment."""
    folder = default_folder()
    return None if folder is None else _at(folder)


_CACHES: dict[Path, ObjectCache] = {}


def _at(folder: Path) -> ObjectCache:
    return _CACHES.setdefault(folder, ObjectCache(folder))


@dataclass
class ObjectCache:
    """A folder of compiled objects, of at most ``limit`` bytes.

    >>> cache = ObjectCache(Path(tempfile.mkdtemp()))
    >>> key = key_of("some program")
    >>> cache.load(key)
    >>> cache.store(key, b"machine code")
    >>> cache.load(key)
    b'machine code'
    """

    folder: Path
    limit: int = LIMIT
    # Bytes that may still be written before the folder is looked through.
    _room: int = field(default=0, init=False)

    def load(self, key: str) -> bytes | None:
        """The object of a key, if it is there and whole."""
        path = self._path(key)
        try:
            with open(path, "rb") as file:
                status = os.fstat(file.fileno())
                if not _ours(status):
                    return None
                data = file.read()
        except OSError:
            return None
        content = _content(key, data)
        if content is None:
            with contextlib.suppress(OSError):
                path.unlink()
        elif time.time() - status.st_mtime > NOTED:
            with contextlib.suppress(OSError):
                os.utime(path)
        return content

    def store(self, key: str, content: bytes) -> None:
        """Keep the object of a key, if it can be kept."""
        path, temporary = self._path(key), None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            with open(handle, "wb") as file:
                file.write(_entry(key, content))
            os.replace(temporary, path)
        except OSError:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            return
        self._room -= HEADER + len(content)
        if self._room < 0:
            self.shrink()

    def shrink(self) -> None:
        """Remove what was used least recently until a fifth of the limit is free, if it is exceeded."""
        found = sorted(self._files())
        total = sum(size for _, size, _ in found)
        if total > self.limit:
            for _, size, path in found:
                if total <= self.limit - self.limit // 5:
                    break
                with contextlib.suppress(OSError):
                    os.unlink(path)
                    total -= size
        # Other processes write too, so look again well before this one has filled the folder.
        self._room = max(self.limit - total, self.limit // 5) // 4

    def _files(self) -> Iterator[tuple[float, int, str]]:
        """Last use, size and path of every entry; abandoned halves are removed on the way."""
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError):
                    status = os.stat(path)
                    if name.endswith(SUFFIX):
                        yield status.st_mtime, status.st_size, path
                    elif name.startswith(".new-") and time.time() - status.st_mtime > ABANDONED:
                        os.unlink(path)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / (key + SUFFIX)


def _entry(key: str, content: bytes) -> bytes:
    return MAGIC + len(content).to_bytes(8, "little") + _checksum(key, content) + content


def _content(key: str, data: bytes) -> bytes | None:
    """What is in an entry; ``None`` when it is damaged, of another key or of another version."""
    content = data[HEADER:]
    if data[:8] != MAGIC or int.from_bytes(data[8:16], "little") != len(content):
        return None
    return content if data[16:HEADER] == _checksum(key, content) else None


def _checksum(key: str, content: bytes) -> bytes:
    return sha256(key.encode() + content).digest()


def _ours(status: os.stat_result) -> bool:
    """Whether a file is the user's own: code that somebody else wrote is not run."""
    return not hasattr(os, "geteuid") or status.st_uid in (os.geteuid(), 0)
