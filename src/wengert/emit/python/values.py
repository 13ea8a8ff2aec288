"""What emission works on: values to compute, suites of statements to compute them in, memory they lie in."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any

from wengert.ir.node import Expr
from wengert.ir.types import TupleType
from wengert.show.forms import Form
from wengert.show.precedence import Text

if TYPE_CHECKING:
    from wengert.emit.python.scopes import Scope

__all__ = ["Block", "Buffer", "Kind", "Line", "Value", "read"]


class Kind(Enum):
    """How a value comes about."""

    LEAF = "is there: an input, a parameter, a loop counter"
    PLAIN = "an expression"
    SIZE = "an extent of an array"
    ELEMENT = "one element of a scanned array"
    STORE = "an array with a part replaced"
    EFFECT = "statements"
    SEVERAL = "several results at once"
    CONTROL = "a branch, a loop or a call"
    ITEM = "one of several results"
    ROW = "a row put into a stack"


class Line:
    """One line of source, which may still be amended."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Block:
    """A suite of statements: of a function, a branch or the body of a loop."""

    __slots__ = ("condition", "lines", "looped", "owner", "parent", "roots", "table")
    parent: Block | None
    looped: bool  # the body of a loop
    condition: Value | None  # of a branch: it is tested before anything in it runs
    lines: list[Line | Block]
    roots: list[Value]  # what has to be known at its end
    table: dict[Hashable, Value]  # what is computed in it

    def __init__(
        self,
        parent: Block | None = None,
        *,
        looped: bool = False,
        condition: Value | None = None,
    ) -> None:
        self.parent, self.looped, self.condition = parent, looped, condition
        self.lines, self.roots, self.table = [], [], {}
        self.owner: Value | None = None  # the branch or loop that it is in

    def add(self, text: str) -> Line:
        """Append a line."""
        line = Line(text)
        self.lines.append(line)
        return line

    def enclosing(self) -> Iterator[Block]:
        """This block and those around it, from inside."""
        block: Block | None = self
        while block is not None:
            yield block
            block = block.parent

    def rendered(self, depth: int = 0) -> Iterator[str]:
        """All lines, indented."""
        for part in self.lines:
            if isinstance(part, Block):
                yield from part.rendered(depth + 1)
            else:
                for line in part.text.split("\n"):
                    yield "    " * depth + line


class Buffer:
    """Memory of arrays.

    ``owned``: nobody outside of the function knows it, so it may be overwritten. ``lasting``: a constant, the
    same in the next call, so nobody outside may get to know it.
    """

    __slots__ = ("holders", "lasting", "owned", "readers")

    def __init__(self, owned: bool, *, lasting: bool = False) -> None:
        self.owned, self.lasting = owned, lasting
        self.holders: list[Value] = []  # values that lie in it, wholly or as a view
        self.readers: dict[Value, None] = {}  # expressions not yet written that read it


class Value:
    """A value that the program computes once, in one block."""

    __slots__ = (
        "base", "block", "buffers", "bodies", "consumers", "deps", "direct", "done", "form", "guard",
        "index", "is_numpy", "keep", "kind", "left", "line", "needed", "node", "parts", "pending", "prefer",
        "reads", "scope", "sole", "sole_block", "text", "whole",
    )  # fmt: skip

    def __init__(
        self, kind: Kind, node: Expr, scope: Scope, block: Block, deps: tuple[Value, ...] = ()
    ) -> None:
        self.kind, self.node, self.scope, self.block, self.deps = kind, node, scope, block, deps
        self.form: Form | None = None
        self.bodies: list[Block] = []  # of a control value
        self.parts: Any = None  # of a control value. Any: see `regions`
        self.direct: frozenset[Value] = frozenset()  # deps that its head reads once
        self.needed: frozenset[Value] = frozenset()  # deps of a control value
        self.index = 0  # of an item
        self.base: Value | None = None  # of a store: what it changes
        self.consumers: list[Value] = []  # of the base of a store
        self.left = 0  # users that are not yet written
        self.sole: Value | None = None  # the user, if there is one only
        self.sole_block: Block | None = None
        self.keep = False  # needs a variable
        self.prefer = ""  # the variable that it should become
        self.guard: Value | None = None  # what has this variable until then
        self.text: Text | None = None  # how it is read, once it is done
        self.done = False
        self.pending = False  # not written yet: its text goes into that of its user
        self.line: Line | None = None  # where it was assigned
        self.buffers: tuple[Buffer, ...] = ()
        self.reads: tuple[Buffer, ...] = ()  # while pending
        self.whole = True  # fills its buffer
        self.is_numpy = False  # a scalar that surely is one of NumPy's

    @property
    def is_array(self) -> bool:
        """Whether it lies in memory of arrays."""
        return not isinstance(self.node.type, TupleType) and bool(self.node.ndim)

    def lie_in(self, buffers: tuple[Buffer, ...], whole: bool) -> None:
        """Say where the value lies."""
        self.buffers, self.whole = buffers, whole
        for buffer in buffers:
            buffer.holders.append(self)


def read(value: Value) -> Text:
    """How a value is read."""
    assert value.text is not None, f"not emitted yet: {value.node!r}"
    return value.text
