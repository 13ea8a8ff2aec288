"""Running functions of the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert.ir.function import Function
from wengert.ir.types import Type
from wengert.ops.control.regions import hoisted
from wengert.run.reference import run_region

__all__ = ["Runner", "runner"]

# Any: numbers and arrays in and out.
Runner: TypeAlias = Callable[[Sequence[Any]], list[Any]]


def runner(function: Function) -> Runner:
    """What computes the outputs of a function from the values of its inputs."""
    region, _ = hoisted(function.inputs, function.outputs)
    types = [out.value_type for out in function.outputs]

    def run(values: Sequence[Any]) -> list[Any]:
        return [
            _presented(v, t) for v, t in zip(run_region(region, values, {}), types, strict=True)
        ]

    return run


_PYTHON = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


def _presented(value: Any, type_: Type) -> Any:
    """A value as Python or NumPy has it: Python's number where the type is weak."""
    if type_.shape:
        return np.asarray(value, type_.dtype)
    if type_.weak:
        return _PYTHON[type_.dtype](value)
    return np.dtype(type_.dtype).type(value)
