"""Names for what has none in the formula: fresh symbols, bound parameters, shared parts.

Invented names never collide with a symbol or a size of the same text, nor with any function name.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator

from wengert.ir.node import Expr
from wengert.ir.op import registered
from wengert.ir.types import TupleType

__all__ = ["FUNCTIONS", "Names"]

# What the formula language knows besides the registered ops, and what the dialects use.
FUNCTIONS = frozenset(
    (
        "array", "broadcast", "complex", "diag", "e", "einsum", "eye", "inf", "let", "nan", "np", "ones",
        "outer", "pi", "scipy", "size", "sum", "trace", "where", "zeros", "I", "otherwise", "if",
    )
)  # fmt: skip


class Names:
    """The names shown in one text, by node; asks for new ones never repeat themselves."""

    __slots__ = ("_number", "_taken", "shown", "sizes")

    def __init__(self, nodes: Iterable[Expr]) -> None:
        leaves = [n for n in nodes if not n.args]
        self._number = 0
        self.shown: dict[Expr, str] = {}
        self.sizes = {name for leaf in leaves for name in _size_names(leaf)}
        self._taken = set(self.sizes)
        counted = {name for leaf in leaves for name in getattr(leaf.attr, "names", ())}
        plain = [leaf for leaf in leaves if _given(leaf)]
        for leaf in sorted(plain, key=lambda n: (n.attr.name, str(n.type), n.attr.facts)):
            name = leaf.attr.name
            # A symbol may be called like an extent, unless the extent is written as a number too.
            taken = name in self._taken and (name not in self.sizes or name in counted)
            self.shown[leaf] = self.new(name) if taken else name
            self._taken.add(name)
        for leaf in leaves:
            if leaf.op.free and leaf not in self.shown:
                self.shown[leaf] = self.new(_hint(leaf))

    def new(self, hint: str) -> str:
        """A name that begins with ``hint`` and that nothing else in the text has."""
        for name in _candidates(hint):
            if name not in self._taken and not is_reserved(name):
                self._taken.add(name)
                return name
        raise AssertionError  # the candidates never end

    def new_numbered(self, hint: str) -> str:
        """The same with a number in any case: ``t1``, ``t2``."""
        while True:
            self._number += 1
            name = f"{hint}{self._number}"
            if name not in self._taken and not is_reserved(name):
                self._taken.add(name)
                return name

    def is_taken(self, name: str) -> bool:
        """Whether a symbol of the text has this name."""
        return name in self.shown.values()


def is_reserved(name: str) -> bool:
    """Whether the name means something in a formula or in Python."""
    if name in FUNCTIONS or keyword.iskeyword(name) or name in registered():
        return True
    return any(name in op.aliases for op in registered().values())


def _given(leaf: Expr) -> bool:
    name = getattr(leaf.attr, "name", None)
    return leaf.op.free and isinstance(name, str) and not name.startswith("%")


def _hint(leaf: Expr) -> str:
    name = getattr(leaf.attr, "name", None)
    if isinstance(name, str):
        return re.sub(r"\W|\d+$", "", name) or "t"
    return f"p{leaf.attr[0]}" if isinstance(leaf.attr, tuple) else "p"


def _candidates(hint: str) -> Iterator[str]:
    yield hint
    number = 2
    while True:
        yield f"{hint}_{number}"
        number += 1


def _size_names(leaf: Expr) -> Iterator[str]:
    if not isinstance(leaf.type, TupleType):
        for extent in leaf.type.shape:
            if not isinstance(extent, int):
                yield from extent.names
    names = getattr(leaf.attr, "names", None)
    if isinstance(names, frozenset):
        yield from names
