"""Programs as standalone NumPy source with real loops and branches, and as callables.

>>> import wengert as wg
>>> from wengert.ir.function import Function
>>> x, y = wg.symbol("x", 3), wg.symbol("y", 3)
>>> print(source(Function((x, y), (x*y + x,)), name="g"))
import numpy as np
<BLANKLINE>
<BLANKLINE>
@np.errstate(all="ignore")
def g(x, y):
    return x + x*y
<BLANKLINE>
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from wengert.emit.python.program import Program
from wengert.ir.function import Function
from wengert.ir.node import Expr

__all__ = ["callable_of", "compile_source", "source"]


def source(
    function: Function,
    *,
    name: str = "f",
    input_names: Sequence[str] | None = None,
    names: Mapping[Expr, str] | None = None,
    result: str | None = None,
    docstring: str | None = None,
) -> str:
    """The function as Python source that needs NumPy (and SciPy for special functions) but not wengert.

    Where evaluation raises an error of wengert, the source raises the builtin one that it is a kind of.
    ``names``: what nodes should be called. ``result``: the returned value in terms of the outputs,
    ``"{0}, [{1}]"``; by default the output, or a tuple of several.

    Raises:
        EvaluationError: a size that no input tells.
    """
    return Program(name, names or {}).source(function, name, input_names, result, docstring)


_serial = count(1)


def compile_source(text: str, name: str = "f") -> Callable[..., Any]:
    """The function called ``name`` of a source, whose lines tracebacks show."""
    file = f"<wengert {name} {next(_serial)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    space: dict[str, Any] = {"__name__": file}
    exec(compile(text, file, "exec"), space)
    found: Callable[..., Any] = space[name]
    return found


def callable_of(
    function: Function,
    *,
    name: str = "f",
    input_names: Sequence[str] | None = None,
    names: Mapping[Expr, str] | None = None,
) -> Callable[..., tuple[Any, ...]]:
    """The function as a Python function of the values of its inputs that returns a tuple of its outputs.

    Raises:
        EvaluationError: a size that no input tells.
    """
    places = [f"{{{i}}}" for i in range(len(function.outputs))]
    result = f"({', '.join(places)}{',' if len(places) == 1 else ''})"
    text = Program(name, names or {}).source(
        function, name, input_names, result, None, own_errors=True
    )
    return compile_source(text, name)
