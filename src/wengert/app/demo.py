"""The demonstration: real formulas, each differentiated in four ways side by side."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from wengert.app.compare import compare
from wengert.app.comparison import Comparison
from wengert.app.demo_program import show_programs
from wengert.app.demo_speed import show_speed
from wengert.app.terminal import show_comparison
from wengert.diff.formulas import hessian
from wengert.diff.implicit import implicit_diff
from wengert.errors import EvaluationError, worded
from wengert.frontend.parse import parse
from wengert.ir.node import Expr

__all__ = ["Example", "load_examples", "program_summary", "run_demo", "summary"]


@dataclass(frozen=True, slots=True)
class Example:
    """A formula from practice: what it says, where it is evaluated, and what is asked of it."""

    title: str
    about: str
    source: str
    expr: Expr
    at: dict[str, Any]  # Any: numbers or arrays, by symbol name
    by: tuple[str, ...]  # symbols to differentiate by
    second: tuple[str, ...]  # symbols by which the second derivative is shown
    implicit: tuple[str, ...]  # (y, x): the formula is an equation for y in x


def _folder() -> Path:
    """Beside this file in an installed package, else in the repository."""
    installed = Path(str(files("wengert.app"))) / "formulas"
    checkout = Path(__file__).resolve().parents[3] / "examples" / "formulas"
    for folder in (installed, checkout):
        if folder.is_dir():
            return folder
    raise EvaluationError(worded("demo", expected=f"formulas in {installed} or {checkout}"))


def load_examples() -> list[Example]:
    """All formulas of the demonstration, in the order of their file names."""
    return [_read(path) for path in sorted(_folder().glob("*.toml"))]


def _read(path: Path) -> Example:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    # Any: extents are numbers or names
    shapes: dict[str, Any] = {n: tuple(extents) for n, extents in data.get("shapes", {}).items()}
    assume = {name: tuple(facts) for name, facts in data.get("assume", {}).items()}
    return Example(
        title=data["title"],
        about=data["about"],
        source=data["source"],
        expr=parse(" ".join(data["formula"].split()), assume=assume or None, **shapes),
        at={name: np.asarray(value, dtype=float) for name, value in data["at"].items()},
        by=tuple(data.get("by", data["at"])),
        second=tuple(data.get("second", ())),
        implicit=tuple(data.get("implicit", ())),
    )


def run_demo(console: Console, *, quick: bool = False) -> list[Comparison]:
    """Show every example, formulas and programs: their derivatives, the four ways with work and error.

    A summary of all that was checked comes last; the comparisons are returned.
    """
    started = time.perf_counter()
    examples = load_examples()[: 1 if quick else None]
    console.print(
        f"{_counted(len(examples), 'real formula')}, each differentiated in four ways side by side:"
        " numerically, symbolically, in forward and in reverse mode. What is claimed is checked in this"
        " run.\n"
    )
    formulas = [_shown(example, console) for example in examples]
    programs = show_programs(console, quick=quick)
    show_speed(console)
    console.rule("Summary", align="left")
    for sentence in (*summary(formulas), *program_summary(programs)):
        console.print(f"* {sentence}")
    console.print(f"* {time.perf_counter() - started:.1f} s in all.")
    return [*formulas, *programs]


def _shown(example: Example, console: Console) -> Comparison:
    console.rule(example.title, align="left")
    console.print(f"{example.about} [{example.source}]\n")
    found = compare(example.expr, example.at, wrt=example.by)
    more = [(f"d²f/d{name}²", hessian(example.expr, name)) for name in example.second]
    if example.implicit:
        y, x = example.implicit
        more.append((f"d{y}/d{x} where f = 0", implicit_diff(example.expr, y, x)))
    show_comparison(found, console, more)
    console.print()
    return found


def summary(found: Sequence[Comparison]) -> list[str]:
    """What the comparisons showed, counted; a sentence each."""
    graphs = [c.same_graph for c in found if c.same_graph is not None]
    apart = max(c.way(name).error for c in found for name in ("forward", "reverse"))
    kept = sum(bool(c.within_claim) for c in found)
    worst = max(c.way("numerical").error for c in found)
    same = f"one and the same graph in {sum(graphs)} of {len(graphs)} formulas with scalar symbols"
    within = f"within the error that it claims in {kept} of {len(found)}"
    return [
        f"Symbolic and forward: {same}.",
        f"Forward and reverse: at most {apart:.1e} from the symbolic derivative, relative.",
        f"Numerical: at most {worst:.1e} from it, and {within}.",
    ]


def program_summary(found: Sequence[Comparison]) -> list[str]:
    """What the comparisons of programs showed; a sentence each."""
    apart = max(c.way(name).error for c in found for name in ("forward", "reverse"))
    worst = max(c.way("numerical").error for c in found)
    kept = sum(bool(c.within_claim) for c in found)
    times = [c.way("reverse").seconds / c.base for c in found if c.base]
    same = f"forward and reverse at most {apart:.1e} from the derivative as source, relative"
    within = f"within the error that they claim in {kept} of {len(found)}"
    return [
        f"Programs: {same}; differences at most {worst:.1e}, {within}.",
        f"Reverse mode takes {min(times):.1f} to {max(times):.1f} times as long as the program itself.",
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
