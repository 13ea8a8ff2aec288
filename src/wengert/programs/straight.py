"""Capture of straight-line code: the function is called on symbols, and their operators build the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.frontend.trees import Tree, flatten
from wengert.ir.function import Function
from wengert.ir.node import Expr, intern
from wengert.ir.types import Type
from wengert.ops.effects import first_token
from wengert.ops.leaves import SYMBOL, Name
from wengert.programs.arguments import call_name, parameter_names
from wengert.programs.recording import Operators, Program

__all__ = ["Straight", "capture"]

# Any: arguments and results are whatever the user passes and returns.


@dataclass(frozen=True)
class Leaf:
    """One leaf of the arguments: a run-time input, or a value that is part of the program."""

    path: str
    type: Type | None
    value: Any = None


@dataclass(frozen=True)
class Straight:
    """A captured function."""

    function: Function
    argument_tree: Tree
    argument_leaves: tuple[Leaf, ...]
    result_tree: Tree
    result_leaves: tuple[Any, ...]  # expressions, and values that are known
    notes: tuple[str, ...] = ()
    checks: bool = False  # whether the last output is a token

    def values(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """The run-time inputs."""
        leaves = self.argument_tree.flatten_like((tuple(args), dict(kwargs)))
        known = zip(leaves, self.argument_leaves, strict=True)
        return [leaf for leaf, about in known if about.type is not None]

    def unflatten_result(self, values: Sequence[Any]) -> Any:
        """The Python result for the values of the outputs."""
        left = iter(values)
        return self.result_tree.unflatten(
            [next(left) if isinstance(leaf, Expr) else leaf for leaf in self.result_leaves]
        )


_WEAK = {float: "float64", complex: "complex128"}


def leaf_type(value: Any) -> Type | None:
    """The type of a run-time input; ``None`` for what is part of the program."""
    if type(value) in _WEAK:
        return Type(_WEAK[type(value)], (), True)  # type: ignore[arg-type]  # a dtype
    if isinstance(value, (np.ndarray, np.inexact)) and value.dtype.kind in "fc":
        return Type(str(value.dtype), tuple(value.shape))  # type: ignore[arg-type]  # checked by Type
    return None


def capture(function: Program, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Straight:
    """Record the function for arguments like these."""
    leaves, tree = flatten((tuple(args), dict(kwargs)))
    names = parameter_names(function, len(args))
    paths = [
        *(p for a, n in zip(args, names, strict=True) for p in flatten(a)[1].paths(n)),
        *(p for n, a in kwargs.items() for p in flatten(a)[1].paths(n)),
    ]
    about: list[Leaf] = []
    given: list[Any] = []
    inputs: list[Expr] = []
    for leaf, path in zip(leaves, paths, strict=True):
        type_ = leaf_type(leaf)
        about.append(Leaf(path, type_, leaf if type_ is None else None))
        if type_ is None:
            given.append(leaf)
            continue
        name = path if path.isidentifier() else f"v{len(inputs)}"
        made = intern(SYMBOL, Name(name, type_, 0), (), type_)
        inputs.append(made)
        given.append(made)
    context = Operators()
    positional, named = tree.unflatten(given)
    result = context.call(function, positional, named)
    found, result_tree = flatten(result)
    outputs = [r for r in found if isinstance(r, Expr)]
    checks = context.token is not first_token()
    name = call_name(function)
    closed = Function(
        tuple(inputs),
        (*outputs, *([context.token] if checks else [])),
        name if name.isidentifier() else "f",
    )
    return Straight(closed, tree, tuple(about), result_tree, tuple(found), (), checks)
