"""What was captured of a program, and why: inputs, loops, branches, and what it relies on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.frontend.capture import Captured
from wengert.programs.explaining import explanation
from wengert.programs.transformed import Transformed
from wengert.programs.transforms import jit

__all__ = ["ProgramExplanation", "explain_program"]


@dataclass(frozen=True, slots=True)
class ProgramExplanation:
    """What :func:`wengert.explain` tells about a program; ``str`` shows it as text.

    ``inputs``: what is read at run time, arguments and values from outside. ``notes``: a pair of a kind
    (``"loop kept"``, ``"loop peeled"``, ``"unrolled"``, ``"branch"``, ``"recursion"``, ``"passive"``,
    ...) and a text that begins with the place in the source. ``guards``: values from outside; when one
    changes, the program is captured anew.
    """

    name: str
    inputs: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    guards: tuple[str, ...]
    lines: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:  # Any: JSON values
        """The same as plain data."""
        return {
            "name": self.name,
            "inputs": list(self.inputs),
            "notes": [{"kind": kind, "text": text} for kind, text in self.notes],
            "guards": list(self.guards),
        }

    def __str__(self) -> str:
        return "\n".join(self.lines)


def explain_program(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],  # Any: the user's
) -> ProgramExplanation:
    """What is captured of a function, or of a transform of one, for arguments like these."""
    transformed = function if isinstance(function, Transformed) else jit(function)
    captured = transformed.captured(*args, **kwargs)
    name = str(getattr(function, "__name__", type(function).__name__))
    guards = tuple(_guards(captured))
    *about, cost = explanation(name, captured)
    notes = tuple((n.kind, f"{n.where}: {n.text}") for n in captured.notes if n.kind != "input")
    inputs = [leaf.path for leaf in captured.argument_leaves if leaf.type is not None]
    return ProgramExplanation(
        name=name,
        inputs=tuple(
            dict.fromkeys([*inputs, *(h.name for h in captured.hidden if h.capacity is None)])
        ),
        notes=notes,
        guards=guards,
        lines=(
            *about,
            *(f"  {guard}: known, captured anew when it changes" for guard in guards),
            cost,
            *transformed.remarks(),
        ),
    )


def _guards(captured: Captured) -> list[str]:
    """Values from outside that are part of the program; not the functions and classes that it calls."""
    found = {}
    for guard in captured.guards:
        if isinstance(guard.value, (bool, int, float, str, np.generic)):
            found[guard.name] = f"{guard.name} = {guard.value!r}"
    return list(found.values())
