"""What a captured program is held against: the plain program, run on copies of the same arguments."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
from programs.structure import difference, leaves, map_leaves, reach

import wengert as wg

__all__ = [
    "Outcome",
    "Projection",
    "captured_differently",
    "gradients_differ",
    "outcomes_differ",
    "run",
    "witness",
]

Program = Callable[..., Any]
Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """All that is seen of a call: the result or the error, the arguments afterwards, the output."""

    result: Any
    error: Exception | None
    arguments: Arguments
    printed: str


def run(function: Program, args: Arguments) -> Outcome:
    """Call a function on copies of the arguments; errors of wengert itself are not outcomes."""
    mine = copy.deepcopy(args)
    result, error = None, None
    with redirect_stdout(io.StringIO()) as printed:
        try:
            result = function(*mine)
        except wg.WengertError:
            raise
        except Exception as raised:  # whatever the program raises, the captured one must raise too
            error = raised
    return Outcome(result, error, mine, printed.getvalue())


def outcomes_differ(
    expected: Outcome, got: Outcome, tolerance: float, *, kinds: bool = True
) -> str:
    """What is different, in words; empty when nothing is. For ``kinds`` see ``difference``."""
    if expected.error is not None or got.error is not None:
        a, b = (_raised(o.error, words=kinds) for o in (expected, got))
        return "" if a == b else f"raised {_raised(got.error)}, not {_raised(expected.error)}"
    if expected.printed != got.printed:
        return f"printed {got.printed!r}, not {expected.printed!r}"
    before, after = list(expected.arguments), list(got.arguments)
    return difference(expected.result, got.result, tolerance, kinds=kinds) or difference(
        before, after, tolerance, "arguments", kinds=kinds
    )


def _raised(error: Exception | None, *, words: bool = True) -> str:
    return f"{type(error).__name__}: {error}" if words else type(error).__name__


def captured_differently(
    function: Program, inputs: list[Arguments], tolerance: float = 1e-12
) -> str:
    """How the function, captured once, differs from itself at any input; empty when it does not.

    Kinds of numbers (float, np.float64, int) count too, unless the path decides about them.
    """
    compiled = wg.jit(function)
    plain = [run(function, args) for args in inputs]
    kinds = all(_kinds(outcome) == _kinds(plain[0]) for outcome in plain)
    for args, expected in zip(inputs, plain, strict=True):
        if found := outcomes_differ(expected, run(compiled, args), tolerance, kinds=kinds):
            return f"at {args}: {found}"
    return ""


def _kinds(outcome: Outcome) -> list[type]:
    return [type(leaf) for _, leaf in leaves(outcome.result)]


def _is_float(leaf: Any) -> bool:
    if isinstance(leaf, bool) or not isinstance(leaf, (float, np.floating, np.ndarray)):
        return False
    return np.asarray(leaf).dtype.kind == "f"


def _is_complex(leaf: Any) -> bool:
    if not isinstance(leaf, (complex, np.complexfloating, np.ndarray)):
        return False
    return np.asarray(leaf).dtype.kind == "c"


class Projection:
    """A number made from all floats that a program returns, and its derivatives by arguments.

    The weights are random, so a wrong derivative of any output by any input shows up almost surely.
    """

    def __init__(
        self, function: Program, args: Arguments, wrt: tuple[int, ...], rng: np.random.Generator
    ) -> None:
        self.wrt, self.rng = wrt, rng
        weighted = []
        for path, leaf in leaves(run(function, args).result):
            if _is_float(leaf) and np.all(np.isfinite(leaf)):
                weighted.append((path, self._weights(leaf), False))
            elif _is_complex(leaf):
                weighted.append((path, self._weights(leaf) * (0.6 - 0.8j), True))
        assert weighted, "no float in the result"
        self.paths = [path for path, _, _ in weighted]

        def projected(*args):  # type: ignore[no-untyped-def]  # a program like any other
            result = function(*args)
            total = 0.0
            for path, weights, with_parts in weighted:
                part = weights * reach(result, path)
                total = total + np.sum(part.real if with_parts else part)
            return total

        self.function = projected

    def _weights(self, leaf: Any) -> Any:
        size = np.shape(leaf)
        weights = self.rng.uniform(0.5, 1.5, size) * self.rng.choice([-1.0, 1.0], size)
        scaled = weights / (1.0 + float(np.max(np.abs(leaf), initial=0.0)))
        return scaled if size else float(scaled)

    def along(self, args: Arguments) -> tuple[list[Any], Callable[[float], float]]:
        """A random direction for the floats of the arguments, and the plain program along it."""
        directions = [map_leaves(lambda _, leaf: self._direction(leaf), args[i]) for i in self.wrt]

        def moved(t: float) -> float:
            mine = list(copy.deepcopy(args))
            for i, direction in zip(self.wrt, directions, strict=True):
                mine[i] = map_leaves(
                    lambda path, leaf, d=direction: _step(leaf, t, reach(d, path)), mine[i]
                )
            with redirect_stdout(io.StringIO()):
                return float(self.function(*mine))

        return directions, moved

    def _direction(self, leaf: Any) -> Any:
        if not _is_float(leaf):
            return 0.0
        scale = np.maximum(np.abs(leaf), 0.1)  # relative to each number, as steps should be
        size = np.shape(leaf)
        return self.rng.uniform(0.3, 1.0, size) * self.rng.choice([-1.0, 1.0], size) * scale

    def slope(self, gradient: tuple[Any, ...], directions: list[Any]) -> float:
        """The derivative along a direction that a gradient claims."""
        total = 0.0
        for part, direction in zip(gradient, directions, strict=True):
            for path, leaf in leaves(part):
                total += float(np.sum(np.asarray(leaf, float) * reach(direction, path)))
        return total


def _step(leaf: Any, t: float, direction: Any) -> Any:
    if not _is_float(leaf):
        return leaf
    if isinstance(leaf, float) and not isinstance(leaf, np.floating):
        return leaf + t * float(direction)
    return np.asarray(leaf, np.float64)[()] + t * np.asarray(direction)[()]


def witness(moved: Callable[[float], float], reach: float = 1e-3) -> tuple[float, float]:
    """The derivative of the plain program at 0 by differences, and its error; inf if there is none.

    The steps stay small, since programs take other branches further out.
    """
    found = wg.numeric.derivative(moved, 0.0, bounds=(-reach, reach), step=reach / 4)
    return float(found.value), float(found.error) if found.reliable else float("inf")


def gradients_differ(
    projection: Projection,
    reverse: Program,
    forward: Program,
    args: Arguments,
    tolerance: float = 1e-8,
) -> str:
    """How the two modes and differences disagree; empty when they agree."""
    backward = reverse(*copy.deepcopy(args))
    onward = forward(*copy.deepcopy(args))
    a, b = _flat(backward), _flat(onward)
    if a.shape != b.shape or difference(a, b, tolerance):
        return f"reverse {backward!r}, forward {onward!r}"
    given = tuple(args[i] for i in projection.wrt)
    if found := difference(_shapes(given), _shapes(backward), 0.0, "gradient"):
        return found
    directions, moved = projection.along(args)
    value, error = witness(moved)
    claimed = projection.slope(backward, directions)
    margin = 10 * error + 1e-6 * (abs(value) + 1e-3) + tolerance * abs(value)
    if np.isfinite(error) and not abs(claimed - value) <= margin:
        return f"along {directions}: reverse {claimed!r}, differences {value!r} within {margin:.1e}"
    return ""


def _flat(value: Any) -> np.ndarray:
    """All numbers in one vector: derivatives are compared in the scale of the largest."""
    parts = [np.ravel(np.asarray(leaf, float)) for _, leaf in leaves(value)]
    return np.concatenate([np.zeros(0), *parts])


def _shapes(value: Any) -> list[Any]:
    return [np.shape(leaf) for _, leaf in leaves(value)]
