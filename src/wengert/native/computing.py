"""What Python computes for machine code: a node by its record, and bodies as machine code of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from wengert.errors import NativeError, WengertError
from wengert.ir.function import Function
from wengert.ir.node import Expr, make
from wengert.ir.region import Region
from wengert.ir.types import TupleType
from wengert.lower.nest import Unsupported
from wengert.ops.control.cond import Cond
from wengert.ops.control.item import items
from wengert.ops.control.lengths import Loop
from wengert.ops.control.regions import opened, opening, unbound
from wengert.run.reference import run_region, value_of

if TYPE_CHECKING:
    from wengert.native.compiled import Loaded

__all__ = ["Computing", "Source"]

# Any: numbers and arrays in and out.
Source: TypeAlias = Callable[[Function], Callable[..., tuple[Any, ...]]]
Run: TypeAlias = Callable[..., Sequence[Any]]
Compile: TypeAlias = "Callable[[Function, Source | None], Loaded]"


class Computing:
    """Computes nodes, and keeps what it has compiled for that."""

    def __init__(self, machine_code: Compile, source: Source | None) -> None:
        self.machine_code, self.source = machine_code, source
        self.bodies: dict[Region, Run | None] = {}
        self.whole: dict[Expr, Run] = {}

    def __call__(self, node: Expr, values: Sequence[Any], sizes: Mapping[str, int]) -> Any:
        op = node.op
        whole = self.whole.get(node)
        if whole is not None:
            found = whole(*values)
            return found if isinstance(node.type, TupleType) else found[0]
        if op.bodies is None or _is_control(node):
            return value_of(node, values, sizes)

        def run(region: Region, given: Sequence[Any]) -> Sequence[Any]:
            return self.body(region, given, sizes)

        attr = node.attr if op.resolve is None else op.resolve(node.attr, sizes)
        with np.errstate(all="ignore"):
            return op.evaluate(*values, attr=attr, run=run)

    def prepare(self, node: Expr) -> None:
        """Write loops, branches and functions that call themselves as source, which is compiled once.

        Raises:
            Unsupported: the source needs more than the arguments of the node.
        """
        if self.source is None or node in self.whole or not _is_control(node):
            return
        symbols = unbound((a.value_type for a in node.args), "a")
        try:
            again = make(node.op, symbols, node.attr)
            outputs = items(again) if isinstance(again.type, TupleType) else (again,)
            self.whole[node] = self.source(Function(symbols, outputs))
        except WengertError as error:
            raise Unsupported(f"`{node.op.name}` with sizes from outside") from error

    def body(self, region: Region, given: Sequence[Any], sizes: Mapping[str, int]) -> Sequence[Any]:
        """The outputs of a body."""
        if region not in self.bodies:
            self.bodies[region] = self._compiled(region)
        run = self.bodies[region]
        if run is None:
            return run_region(region, given, sizes)
        ready = [
            _tidy(p.value_type.dtype, v) if p.ndim else np.asarray(v).item()
            for p, v in zip(region.params, given, strict=True)
        ]
        return run(*ready)

    def _compiled(self, region: Region) -> Run | None:
        def slow(*values: Any) -> Sequence[Any]:
            return run_region(region, values, {})

        def failed(code: int, words: bytes, *values: Any) -> Sequence[Any]:
            error = loaded.error(code, words)
            if error is not None:
                raise error
            return slow(*values)

        try:
            symbols = opening(region, [None] * len(region.params))
            outputs = tuple(opened(region, symbols))
            loaded = self.machine_code(Function(tuple(symbols), outputs), self.source)
        except (Unsupported, NativeError):
            return None
        return loaded.entry("body", slow, failed)


def _is_control(node: Expr) -> bool:
    """Whether a node is control flow, which costs too much node by node."""
    recursive = node.op.binds is not None and node.op.binds(node.attr)
    return recursive or isinstance(node.attr, (Loop, Cond))


def _tidy(dtype: str, value: Any) -> Any:
    return np.require(value, dtype, ["C", "A"])
