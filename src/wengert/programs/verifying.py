"""A derivative checked against differences of the function itself, which is called as it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.diff import numeric
from wengert.errors import NumericError, VerificationError, worded
from wengert.frontend.trees import Tree, flatten

__all__ = ["along_a_line", "verified"]

# Any: arguments and results are whatever the user has.
_SINGLE, _DOUBLE = 1e-3, 1e-7  # relative errors that rounding in the function itself may make


def verified(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    positions: Sequence[int],
    gradients: Sequence[Any],
    what: str,
) -> bool:
    """Whether the directional derivative was compared with differences; they agree then.

    ``function`` gives a real number; ``gradients`` has a gradient (in the convention of steepest ascent)
    for each of the arguments at ``positions``. Nothing is claimed where differences are not reliable.

    Raises:
        VerificationError: they differ by more than the error of the differences.
    """
    line, directions, single = along_a_line(function, args, kwargs, positions)
    expected = 0.0
    for gradient, direction in zip(gradients, directions, strict=True):
        parts, tree = flatten(gradient, lambda part: part is None)
        del tree
        for g, v in zip(parts, direction, strict=True):
            if g is not None and v is not None:
                expected += float(np.real(np.vdot(np.asarray(g), v)))
    try:
        found = numeric.derivative(line, 0.0)
    except NumericError:
        return False
    value, error = float(found.value), float(np.max(found.error))
    rounding = (_SINGLE if single else _DOUBLE) * (1 + abs(expected))
    if not found.reliable or not np.isfinite(error):
        return False
    if not abs(value - expected) <= error + rounding:
        raise VerificationError(
            worded(
                f"{what}: verify=True",
                expected=f"{value:.9g} along a random direction, by differences (error {error:.1g})",
                got=f"{expected:.9g}",
                hint="report the function; wg.check_grad tells more",
            )
        )
    return True


def along_a_line(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    positions: Sequence[int],
) -> tuple[Callable[[float], Any], list[list[Any]], bool]:
    """The function along a random direction through the arguments at ``positions``.

    Returns the function of the way along the line, the direction of each of those arguments leaf by
    leaf, and whether single precision is among them.
    """
    rng = np.random.default_rng(1)
    opened: list[tuple[list[Any], Tree]] = [flatten(args[p]) for p in positions]
    directions = [[_direction(leaf, rng) for leaf in leaves] for leaves, _ in opened]
    moving = [v for direction in directions for v in direction if v is not None]
    single = any(v.dtype in (np.float32, np.complex64) for v in moving)

    def line(t: float) -> Any:
        moved = list(args)
        for place, (leaves, tree), direction in zip(positions, opened, directions, strict=True):
            moved[place] = tree.unflatten(
                [_moved(leaf, v, t) for leaf, v in zip(leaves, direction, strict=True)]
            )
        return function(*moved, **kwargs)

    return line, directions, single


def _direction(leaf: Any, rng: np.random.Generator) -> Any:
    """A change of a leaf; ``None`` if it is no number."""
    if not isinstance(leaf, (int, float, complex, np.ndarray, np.number)):
        return None
    array = np.asarray(leaf)
    dtype = array.dtype if array.dtype.kind in "fc" else np.dtype(float)
    v = rng.normal(size=array.shape)
    if dtype.kind == "c":
        v = v + 1j * rng.normal(size=array.shape)
    return v.astype(dtype) if array.ndim else dtype.type(v)


def _moved(leaf: Any, v: Any, t: float) -> Any:
    if v is None:
        return leaf
    moved = leaf + v * np.asarray(t, v.real.dtype)
    return moved.item() if isinstance(leaf, (int, float, complex)) else moved
