"""The second part of the demonstration: programs with control flow, in the same four ways."""

from __future__ import annotations

import inspect
import re
import warnings
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from rich.console import Console

from wengert.app.compare import compare
from wengert.app.comparison import Comparison
from wengert.app.terminal import show_comparison
from wengert.errors import EvaluationError, NativeWarning, worded
from wengert.programs.transforms import grad, jacfwd

__all__ = ["load_program", "show_programs"]

_EXCERPT = 16  # lines


def load_program(name: str) -> Any:  # Any: a module that no type checker has seen
    """An example as a module: beside this file in an installed package, else in the repository."""
    installed = Path(str(files("wengert.app"))) / "programs" / f"{name}.py"
    checkout = Path(__file__).resolve().parents[3] / "examples" / f"{name}.py"
    for path in (installed, checkout):
        spec = spec_from_file_location(name, path) if path.is_file() else None
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise EvaluationError(worded("demo", expected=f"{installed} or {checkout}"))


def show_programs(console: Console, *, quick: bool = False) -> list[Comparison]:
    """Show the programs: what they say, a look at the source of the derivative, the four ways."""
    console.print(
        "The same for programs: ordinary Python functions with loops and branches. Their symbolic"
        " derivative is a program, printed as NumPy source.\n"
    )
    with warnings.catch_warnings():
        # what has no machine code yet is here for its derivative, not for its speed
        warnings.simplefilter("ignore", NativeWarning)
        found = [_small(console)]
        if not quick:
            found.append(_real(console))
    return found


def _small(console: Console) -> Comparison:
    console.rule("A loop that ends when it is good enough", align="left")
    console.print("Heron of Alexandria's square root. [examples/square_root.py]\n")
    heron = load_program("square_root").heron
    _code(console, inspect.getsource(heron).splitlines())
    console.print(
        "Its derivative, as `wg.jacfwd(heron).source()` prints it, without the helpers:\n"
    )
    _code(console, _body(jacfwd(heron).source("python", 2.0)))
    found = compare(heron, 2.0)
    show_comparison(found, console)
    console.print()
    return found


def _real(console: Console) -> Comparison:
    program = load_program("fit_decay_chain")
    minutes, counts = program.measurements()
    console.rule("Fitting a decay chain through an adaptive integrator", align="left")
    console.print(
        "Activities of radon's daughters by Dormand-Prince steps as long as the error allows, rejected ones"
        f" repeated; the likelihood of {counts.size} counts. [examples/fit_decay_chain.py]\n"
    )
    _code(console, inspect.getsource(program.integrate).splitlines())
    arguments = (program.GUESS, minutes, counts)
    lines = _body(grad(program.misfit).source("python", *arguments))
    start = _backwards(lines)
    console.print(
        f"`wg.grad(misfit).source()` has {len(lines)} lines. The steps that were taken are gone through"
        " backwards:\n"
    )
    _code(console, [*lines[start : start + _EXCERPT], "..."])
    found = compare(program.misfit, *arguments, wrt=["parameters"])
    show_comparison(found, console)
    console.print()
    return found


def _body(source: str) -> list[str]:
    """The derivative itself: what follows the helpers of the source."""
    lines = source.rstrip().splitlines()
    start = max(i for i, line in enumerate(lines) if line.startswith("def "))
    decorated = start > 0 and lines[start - 1].startswith("@")
    return lines[start - decorated :]


def _backwards(lines: list[str]) -> int:
    """Where the loop back over the steps of a ``while`` starts."""
    places = [i for i, line in enumerate(lines) if re.search(r"in reversed\(range\(count", line)]
    return places[0] if places else 0


def _code(console: Console, lines: list[str]) -> None:
    for line in lines:
        console.print(f"    {line}", soft_wrap=True, highlight=False, markup=False)
    console.print()
