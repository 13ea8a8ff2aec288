"""Running functions of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from wengert.ir.function import Function
from wengert.ops.control.regions import hoisted
from wengert.run.reference import run_region

__all__ = ["Runner", "runner"]

# Any: numbers and arrays in and out.
Runner: TypeAlias = Callable[[Sequence[Any]], list[Any]]


def runner(function: Function) -> Runner:
    """What computes the outputs of a function from the values of its inputs."""
    region, _ = hoisted(function.inputs, function.outputs)

    def run(values: Sequence[Any]) -> list[Any]:
        return run_region(region, values, {})

    return run
