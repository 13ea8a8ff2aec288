"""Results in arrays of the caller: what ``out=`` may be, and how a result comes into it."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any  # results and what is given for them are whatever the user has

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.trees import flatten
from wengert.programs.recording import Program

__all__ = ["has_own_out", "written"]


def has_own_out(function: Program) -> bool:
    """Whether a function takes ``out=`` itself."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return "out" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def written(result: Any, out: Any, what: str) -> Any:
    """The result in the arrays of ``out``, which is an array or has the structure of the result.

    Where ``out`` has ``None``, the result is as it is. Nothing is written unless all fits.

    Raises:
        TypeMismatchError: something that is no array that can be written to, or another dtype or structure.
        ShapeError: an array of another shape.

    >>> import numpy as np
    >>> room = np.zeros(2)
    >>> written((3.0, np.ones(2)), (None, room), "f"), room
    ((3.0, array([1., 1.])), array([1., 1.]))
    """
    leaves, tree = flatten(result)
    given = tree.flatten_like(out, f"{what}: out")
    paths = tree.paths("out")
    pairs = [(r, o, f"{what}: {p}") for r, o, p in zip(leaves, given, paths, strict=True)]
    for value, place, path in pairs:
        if place is not None:
            _check(value, place, path)
    places = [place for place in given if place is not None]
    _check_apart(places, what)
    values = [
        _apart(value, [p for p in places if p is not own])
        for value, own in zip(leaves, given, strict=True)
    ]
    for value, place in zip(values, given, strict=True):
        if place is not None:
            np.copyto(place, value)
    return tree.unflatten([r if o is None else o for r, o in zip(leaves, given, strict=True)])


def _check(value: Any, place: Any, path: str) -> None:
    if not isinstance(place, np.ndarray) or isinstance(place, np.ma.MaskedArray):
        got = f"{type(place).__name__}"
        raise TypeMismatchError(worded(path, expected="an array, or None", got=got))
    if not isinstance(value, (bool, int, float, complex, np.generic, np.ndarray)):
        raise TypeMismatchError(
            worded(path, expected=f"None for a {type(value).__name__}", got="an array")
        )
    wanted = np.asarray(value)
    if place.dtype != wanted.dtype:
        raise TypeMismatchError(
            worded(path, expected=f"an array of {wanted.dtype}", got=str(place.dtype))
        )
    if place.shape != wanted.shape:
        raise ShapeError(worded(path, expected=f"shape {wanted.shape}", got=str(place.shape)))
    if not place.flags.writeable:
        raise TypeMismatchError(
            worded(path, expected="an array to write to", got="one that is read-only")
        )


def _check_apart(places: Sequence[Any], what: str) -> None:
    for number, place in enumerate(places):
        if any(np.may_share_memory(place, other) for other in places[:number]):
            raise TypeMismatchError(
                worded(f"{what}: out", expected="arrays apart", got="two that share memory")
            )


def _apart(value: Any, others: Sequence[Any]) -> Any:
    """A value that stays as it is while other arrays are written to."""
    shares = isinstance(value, np.ndarray) and any(
        np.may_share_memory(value, other) for other in others
    )
    return value.copy() if shares else value
