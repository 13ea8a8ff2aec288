"""Ordinary numerical programs, written as people write them who never heard of wengert.

``PROGRAMS`` holds all of them by name. They are deliberately unannotated, terse or long-winded, in
several dialects of Python: what is tested is that such code is captured as it stands.
"""

from programs.corpus import (
    arrays,
    bookkeeping,
    equations,
    interpolation,
    iterations,
    linear_algebra,
    models,
    optimisation,
    stacks,
    structures,
    traps,
    words,
)
from programs.corpus.registry import PROGRAMS, Program

__all__ = [
    "PROGRAMS",
    "Program",
    "arrays",
    "bookkeeping",
    "equations",
    "interpolation",
    "iterations",
    "linear_algebra",
    "models",
    "optimisation",
    "stacks",
    "structures",
    "traps",
    "words",
]
