"""Fair timing: the candidates take turns in one process, and medians are compared.

Taking turns means that a slow moment of the machine falls on all candidates alike.
"""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

import numpy as np


def medians(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int = 15, at_least: float = 1e-3
) -> dict[str, float]:
    """Median seconds of one call, per candidate.

    Every candidate is called once untimed (imports, compilation, caches), then all take turns for
    ``rounds`` rounds; a turn repeats the call until it takes ``at_least`` seconds.
    """
    repeats = {}
    for name, call in candidates.items():
        call()
        start = perf_counter()
        call()
        repeats[name] = max(1, round(at_least / max(perf_counter() - start, 1e-9)))
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, call in candidates.items():
                start = perf_counter()
                for _ in range(repeats[name]):
                    call()
                seconds[name].append((perf_counter() - start) / repeats[name])
    finally:
        if collecting:
            gc.enable()
    return {name: median(taken) for name, taken in seconds.items()}


def human(seconds: float) -> str:
    """``0.00123`` as ``1.23 ms``."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def table(title: str, taken: Mapping[str, float], *, base: str | None = None) -> str:
    """Medians as text, fastest first, each with its ratio to ``base`` (default: the first given)."""
    base = base or next(iter(taken))
    width = max(map(len, taken))
    rows = [
        f"  {name:<{width}}  {human(t):>10}  {t / taken[base]:8.2f} x"
        for name, t in sorted(taken.items(), key=lambda row: row[1])
    ]
    return "\n".join([f"{title}   (median; ratio to {base})", *rows])


def machine() -> str:
    """One line that a figure should never be quoted without."""
    return (
        f"Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
