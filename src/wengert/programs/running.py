"""Running functions of the graph: as NumPy source that is compiled by Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from wengert.emit.python import callable_of
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.control.regions import hoisted
from wengert.run.reference import run_region

__all__ = ["Runner", "once", "presented", "runner"]

# Any: numbers and arrays in and out.
Runner: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]


def runner(function: Function, names: Mapping[Expr, str] | None = None) -> Runner:
    """What computes the outputs of a function from the values of its inputs."""
    run = callable_of(function, names=names)
    return lambda values: run(*values)


def once(function: Function) -> Runner:
    """The same without compiling, for a function that is run once."""
    region, _ = hoisted(function.inputs, function.outputs)
    return lambda values: run_region(region, values, {})


_PYTHON = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


def presented(value: Any, type_: Type) -> Any:
    """A value as Python or NumPy has it: Python's number where the type is weak."""
    if type_.shape:
        return np.asarray(value, type_.dtype)
    if type_.weak:
        return _PYTHON[type_.dtype](value)
    return np.dtype(type_.dtype).type(value)
