"""How a program enters the corpus, and what is known about it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["PROGRAMS", "Program", "program"]

PROGRAMS: dict[str, Program] = {}

Arguments = tuple[Any, ...]  # Any: a program takes whatever ordinary code takes
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]  # Any: and returns whatever it likes


@dataclass(frozen=True)
class Program:
    """An ordinary function, arguments for it, and which of them it is differentiated by.

    ``others`` take other branches or trip counts than ``args`` and have the same types and shapes,
    so one compiled program must serve all. ``wrt`` are numbers of arguments by which the floats
    of the result have a derivative, at every one of the arguments. ``tolerance`` is relative to the
    largest number of an output. ``refused`` are words of the error where a program is not captured.
    """

    name: str
    function: Callable[..., Any]
    args: Arguments
    others: tuple[Arguments, ...]
    wrt: tuple[int, ...]
    tolerance: float
    refused: str

    def inputs(self) -> list[Arguments]:
        """Fresh copies of all arguments, for programs that write into them."""
        return [copy.deepcopy(args) for args in (self.args, *self.others)]


def program(
    *args: object,
    others: Sequence[Arguments] = (),
    wrt: Sequence[int] = (),
    tolerance: float = 1e-10,
    refused: str = "",
) -> Decorator:
    """Add the decorated function to the corpus under its own name."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        known = PROGRAMS.get(name)
        if known is not None and known.function.__code__ == function.__code__:
            return function  # the module once more, under another name: pytest looks for doctests
        assert known is None, name
        PROGRAMS[name] = Program(
            name, function, args, tuple(others), tuple(wrt), tolerance, refused
        )
        return function

    return register
