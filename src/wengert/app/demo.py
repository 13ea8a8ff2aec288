"""The demonstration: real formulas, each differentiated in four ways side by side."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from wengert.app.compare import Comparison, compare
from wengert.diff.formulas import hessian
from wengert.diff.implicit import implicit_diff
from wengert.errors import EvaluationError, worded
from wengert.frontend.parse import parse
from wengert.ir.node import Expr

__all__ = ["Example", "load_examples", "run_demo"]


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


def run_demo(
    console: Console, show: Callable[[Comparison, Console], None], *, quick: bool = False
) -> None:
    """Show every example: the formula, its derivatives, and the four ways with their cost and error."""
    for example in load_examples()[: 1 if quick else None]:
        console.rule(example.title, align="left")
        console.print(f"{example.about} [{example.source}]", markup=False)
        show(compare(example.expr, example.at, wrt=example.by), console)
        for name in example.second:
            console.print(f"  d²/d{name}²: {hessian(example.expr, name)}", markup=False)
        if example.implicit:
            y, x = example.implicit
            slope = implicit_diff(example.expr, y, x)
            console.print(f"  d{y}/d{x} along the solution: {slope}", markup=False)
        console.print()
