"""The third part of the demonstration: how long programs and their gradients take, beside plain NumPy."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from wengert.app.comparison import duration
from wengert.errors import NativeWarning
from wengert.programs.transforms import grad, jit

__all__ = ["Speed", "show_speed"]

# Any, throughout: arguments and results of programs.


@dataclass(frozen=True)
class Speed:
    """Seconds of a call: of the program as Python runs it, as machine code, of its gradient; of the first."""

    name: str
    plain: float
    value: float
    gradient: float
    first: float  # the first call of the gradient, which compiles it


def damped(t: float, k: float, c: float) -> float:
    """A damped oscillation at a time: numbers only."""
    w = np.sqrt(k - 0.25 * c * c)
    return np.exp(-0.5 * c * t) * np.cos(w * t) + c * np.sin(w * t) / (2 * w)  # type: ignore[no-any-return]


def rosenbrock(x: Any) -> Any:
    """A valley that minimisers are tried on, as a loop over its elements."""
    total = 0.0
    for i in range(len(x) - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def regression(w: Any, X: Any, y: Any) -> Any:
    """The loss of logistic regression."""
    return np.sum(np.log(1.0 + np.exp(-y * (X @ w)))) + 0.5 * w @ w


def _programs() -> list[tuple[str, Callable[..., Any], tuple[Any, ...]]]:
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(1000, 20)), np.sign(rng.normal(size=1000))
    return [
        ("damped oscillation, 3 numbers", damped, (1.2, 4.0, 0.3)),
        ("Rosenbrock, a loop over 100 elements", rosenbrock, (np.linspace(-1.0, 1.0, 100),)),
        ("logistic regression, 1000 x 20", regression, (rng.normal(size=20), X, y)),
    ]


def show_speed(console: Console) -> list[Speed]:
    """Show a table of times; each is of a call from Python."""
    console.rule("Speed", align="left")
    console.print(
        "The same functions as Python and NumPy run them, and as machine code: no compiler, no change"
        " of the program. What a call from Python takes; the first call of the gradient compiles it,"
        " or finds it on disk; the very first loads LLVM too.\n"
    )
    found = [_measured(name, function, args) for name, function, args in _programs()]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("program")
    for head in ("plain NumPy", "wg.jit", "wg.grad", "first wg.grad"):
        table.add_column(head, justify="right", no_wrap=True)
    for each in found:
        times = (each.plain, each.value, each.gradient, each.first)
        table.add_row(each.name, *map(duration, times))
    console.print(table)
    console.print()
    return found


def _measured(name: str, function: Callable[..., Any], args: tuple[Any, ...]) -> Speed:
    with warnings.catch_warnings():
        # without llvmlite the table is of NumPy source, as every other number here
        warnings.simplefilter("ignore", NativeWarning)
        value, gradient = jit(function), grad(function)
        start = time.perf_counter()
        gradient(*args)
        first = time.perf_counter() - start
        plain, fast, slope = (_seconds(partial(f, *args)) for f in (function, value, gradient))
    return Speed(name, plain, fast, slope, first)


def _seconds(run: Callable[[], Any], least: float = 0.01) -> float:
    """The time of a call among so many that they take long enough to be measured; the best of five."""
    for _ in range(3):
        run()
    count, took = 1, 0.0
    while took < least / 4:
        count *= 4
        took = _time(run, count)
    return min(_time(run, count) for _ in range(5)) / count


def _time(run: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return time.perf_counter() - start
