"""Named inputs to outputs: the closed unit that transforms take and return."""

from __future__ import annotations

from dataclasses import dataclass

from wengert.errors import GraphError, worded
from wengert.ir.node import Expr
from wengert.ir.walk import leaves

__all__ = ["Function"]


@dataclass(frozen=True, slots=True)
class Function:
    """A graph closed over its inputs: ``outputs`` use no symbol that is not in ``inputs``.

    Raises:
        GraphError: an output uses a symbol that is no input, or an input is given twice.
    """

    inputs: tuple[Expr, ...]
    outputs: tuple[Expr, ...]
    name: str = "f"

    def __post_init__(self) -> None:
        if len(set(self.inputs)) != len(self.inputs):
            raise GraphError(worded(f"function {self.name}", expected="distinct inputs"))
        known = set(self.inputs)
        for leaf in leaves(self.outputs):
            if leaf.op.free and leaf not in known:
                raise GraphError(
                    worded(
                        f"function {self.name}",
                        expected=f"outputs in terms of {', '.join(map(str, self.inputs))}",
                        got=f"`{leaf}`",
                        hint="add it to the inputs",
                    )
                )
