"""Running functions of the graph: as NumPy source that is compiled by Python."""

from __future__ import annotations

import contextlib
import io
import linecache
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeAlias

import numpy as np

from wengert.emit.python import callable_of
from wengert.errors import CapacityError
from wengert.frontend.staging.adopting import Capacity
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.control.regions import hoisted
from wengert.run.reference import run_region

__all__ = ["Runner", "enlarging", "noting", "once", "presented", "runner"]

# Any: numbers and arrays in and out.
Runner: TypeAlias = Callable[[Sequence[Any]], Sequence[Any]]


def runner(
    function: Function,
    names: Mapping[Expr, str] | None = None,
    home: str = "",
    risks: Mapping[str, Sequence[Any]] | None = None,
) -> Runner:
    """What computes the outputs of a function from the values of its inputs.

    Errors get a note of the line of the user's program; ``risks`` are the lines where NumPy itself may
    raise, by kind of error, and ``home`` is where the program is defined.
    """
    run = callable_of(function, names=names)
    return _noting(lambda values: run(*values), run.__code__.co_filename, home, risks or {})


def once(function: Function, home: str = "") -> Runner:
    """The same without compiling, for a function that is run once."""
    region, _ = hoisted(function.inputs, function.outputs)
    return _noting(lambda values: run_region(region, values, {}), "", home, {})


def enlarging(run: Runner, capacity: Capacity) -> Runner:
    """The same with the capacity of lists, the last input, as large as the run turns out to need."""

    def enlarged(values: Sequence[Any]) -> Sequence[Any]:
        while True:
            values = [*values[:-1], capacity.value]
            try:
                return _shown_at_end(run, values) if capacity.shows else run(values)
            except CapacityError:
                capacity.value *= 2

    return enlarged


def _shown_at_end(run: Runner, values: Sequence[Any]) -> Sequence[Any]:
    """Run, and print only when it is certain that this run counts."""
    out, err = io.StringIO(), io.StringIO()
    counts = True
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            return run(values)
    except CapacityError:
        counts = False
        raise
    finally:
        if counts:
            sys.stdout.write(out.getvalue())
            sys.stderr.write(err.getvalue())


# --- where errors come from ----------------------------------------------------------------------------
_PLACE = re.compile(r"  # (\S.*:\d+ in .*)$")


def _noting(run: Runner, file: str, home: str, risks: Mapping[str, Sequence[Any]]) -> Runner:
    def noting(values: Sequence[Any]) -> Sequence[Any]:
        try:
            return run(values)
        except Exception as error:
            risky = " or ".join(map(str, risks.get(type(error).__name__, ())))
            _note(error, _line_of(error.__traceback__, file) or risky or home)
            raise

    return noting


def noting(home: str, risks: Mapping[str, Sequence[Any]]) -> Callable[[BaseException], None]:
    """What adds to an error the line of the user's program, as far as its kind tells it."""
    return lambda error: _note(
        error, " or ".join(map(str, risks.get(type(error).__name__, ()))) or home
    )


def _note(error: BaseException, place: str) -> None:
    # The reference evaluator and inner captured functions know the line better.
    if place and not getattr(error, "__notes__", None):
        error.add_note(place)


def _line_of(traceback: TracebackType | None, file: str) -> str:
    """The user's line that the source names where the innermost frame in a file is."""
    number = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            number = traceback.tb_lineno
        traceback = traceback.tb_next
    line = linecache.getline(file, number)
    if line.lstrip().startswith("raise "):  # the line of the condition has it
        line = linecache.getline(file, number - 1)
    found = _PLACE.search(line.rstrip())
    return "" if found is None else found.group(1)


_PYTHON = {"bool": bool, "int64": int, "float64": float, "complex128": complex}


def presented(value: Any, type_: Type) -> Any:
    """A value as Python or NumPy has it: Python's number where the type is weak."""
    if type_.shape:
        return np.asarray(value, type_.dtype)
    if type_.weak:
        return _PYTHON[type_.dtype](value)
    return np.dtype(type_.dtype).type(value)
