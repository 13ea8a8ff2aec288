"""Names of variables in emitted source: from hints, never one that means something already."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

__all__ = ["Naming", "bare", "is_private", "names_in"]

_MODULES = ("logging", "math", "np", "numpy", "scipy", "sys", "time")
_RESERVED = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_MODULES))
_NAME = re.compile(r"[A-Za-z_]\w*")
# Comments, and strings with what may stand before them; the long ones first.
_SAID = re.compile(
    r"""\#[^\n]*|(?:\b[bBfFrRuU]{1,2})?"""
    r"""(?:"{3}[\s\S]*?"{3}|'{3}[\s\S]*?'{3}|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*')"""
)
_INDICES = ("i", "j", "k", "l", "m", "n")


def is_private(hint: str) -> bool:
    """Whether a name was invented, by a capture or by a transform, and says nothing to a reader."""
    return not hint or hint.startswith(("%", "_"))


def bare(source: str) -> str:
    """Source without what its strings and comments say.

    >>> bare("raise ValueError('x[t5]')  # in t6()").rstrip()
    "raise ValueError('')"
    """
    return _SAID.sub(lambda found: "" if found[0].startswith("#") else "''", source)


def names_in(source: str) -> list[str]:
    """The names that some source reads or assigns.

    >>> names_in("a[t1] = b  # as in c()")
    ['a', 't1', 'b']
    """
    return _NAME.findall(bare(source))


class Naming:
    """The names of one function; asks for new ones never repeat themselves.

    Names of the module are no variables of any function, whichever comes first.
    """

    __slots__ = ("_everywhere", "_last", "_module", "_taken")

    def __init__(self, taken: Iterable[str] = (), around: Naming | None = None) -> None:
        self._taken = {*_RESERVED, *taken}
        self._last: dict[str, int] = {}
        # Shared by all functions: names of the module, and those that any of them ever had.
        self._module: set[str] = set() if around is None else around._module
        self._everywhere: set[str] = set() if around is None else around._everywhere
        self._everywhere.update(self._taken)

    def copy(self) -> Naming:
        """The same names taken, for a function inside."""
        return Naming(self._taken, self)

    def of_module(self, hint: str) -> str:
        """The hint with a number, as a name that means the same in all functions."""
        number = 1
        while f"{hint}{number}" in self._everywhere:
            number += 1
        name = f"{hint}{number}"
        self._module.add(name)
        self._everywhere.add(name)
        return name

    def take(self, names: Iterable[str]) -> None:
        """Names that are used from now on."""
        names = set(names)
        self._taken |= names
        self._everywhere |= names

    def is_free(self, name: str) -> bool:
        """Whether the name may be used as it is."""
        return name.isidentifier() and name not in self._taken and name not in self._module

    def new(self, hint: str) -> str:
        """The hint as an identifier, with a number if it is taken: ``x``, ``x_2``, ``x_3``."""
        stem = re.sub(r"\W", "_", hint).strip("_") or "t"
        stem = stem if stem.isidentifier() else f"t_{stem}"
        return self._first_free(stem, stem, f"{stem}_", 2)

    def numbered(self, hint: str = "t") -> str:
        """The hint with a number in any case: ``t1``, ``t2``."""
        return self._first_free(hint, "", hint, 1)

    def index(self, depth: int) -> str:
        """A name for the counter of a loop: ``i``, further in ``j``, ``k``."""
        for name in _INDICES[depth:]:
            if self.is_free(name):
                self.take([name])
                return name
        return self.numbered("i")

    def release(self, name: str) -> None:
        """The name may be given again: what had it is out of use."""
        self._taken.discard(name)

    def _first_free(self, key: str, plain: str, stem: str, start: int) -> str:
        if plain and self.is_free(plain):
            self.take([plain])
            return plain
        number = self._last.get(key, start - 1)
        while True:
            number += 1
            name = f"{stem}{number}"
            if self.is_free(name):
                self._last[key] = number
                self.take([name])
                return name
