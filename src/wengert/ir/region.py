"""A closed body with bound parameters, for ops that have one: ``cond``, ``loop``, ``call``.

A region sees nothing but its parameters; values from outside are passed to the op as further arguments.
So bodies that differ only in the names of their bound symbols are the same object, and no walk over a
graph ever has to enter a region.
"""

from __future__ import annotations

from typing import Any, ClassVar
from weakref import WeakValueDictionary

from wengert.ir.attributes import PARTS, mapped
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import order, size_names

__all__ = ["Region", "acts"]


class Region:
    """``params`` (canonical, numbered) to ``outputs``; interned."""

    __slots__ = ("__weakref__", "_acts", "_names", "_nodes", "outputs", "params", "recursive")
    params: tuple[Expr, ...]
    outputs: tuple[Expr, ...]
    recursive: int  # how many recursive calls around it the body needs; -1 until asked for
    _nodes: tuple[Expr, ...] | None
    _acts: bool | None
    _names: frozenset[str] | None
    _table: ClassVar[WeakValueDictionary[tuple[tuple[Expr, ...], tuple[Expr, ...]], Region]] = (
        WeakValueDictionary()
    )

    def __new__(cls, params: tuple[Expr, ...], outputs: tuple[Expr, ...]) -> Region:
        key = (params, outputs)
        known = cls._table.get(key)
        if known is None:
            known = object.__new__(cls)
            known.params, known.outputs, known._nodes = params, outputs, None
            known.recursive, known._acts, known._names = -1, None, None
            known = cls._table.setdefault(key, known)
        return known

    @property
    def result_types(self) -> tuple[Type, ...]:
        """The types of the outputs."""
        return tuple(o.value_type for o in self.outputs)

    @property
    def nodes(self) -> tuple[Expr, ...]:
        """All nodes that the outputs need, arguments before users."""
        if self._nodes is None:
            self._nodes = tuple(order(self.outputs))
        return self._nodes

    @property
    def acts(self) -> bool:
        """Whether running it has effects, in bodies inside of it too."""
        if self._acts is None:
            self._acts = any(map(acts, self.nodes))
        return self._acts

    @property
    def names(self) -> frozenset[str]:
        """The names of all sizes in it: in types and attributes, in bodies inside of it too."""
        if self._names is None:
            found: set[str] = set()

            def note(part: Any) -> Any:  # Any: an extent or a region
                found.update(part.names)
                return part

            for node in (*self.params, *self.nodes):
                found |= size_names(node)
                if node.attr is not None and node.op.key is None:
                    mapped(node.attr, note)
            self._names = frozenset(found)
        return self._names

    def __repr__(self) -> str:
        return f"<region {len(self.params)} -> {len(self.outputs)}>"


def acts(node: Expr) -> bool:
    """Whether a node is an effect, or a branch or a loop with effects in it."""
    bodies = node.op.bodies
    return node.op.effect or (bodies is not None and any(b.acts for b in bodies(node.attr)))


PARTS.add(Region)
