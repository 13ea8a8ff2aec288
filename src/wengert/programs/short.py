"""Keys of calls that are quickly made: of plain numbers, arrays, and tuples, lists and dicts of these."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any  # arguments are whatever the user passes

import numpy as np

from wengert.programs.signatures import shared

__all__ = ["input_places", "short_of"]

DEEPEST = 8  # nesting beyond that goes the ordinary way
_BY_VALUE = (int, bool, str)


def short_of(args: tuple[Any, ...]) -> tuple[Hashable, list[Any]] | None:
    """A key of arguments, with their leaves in order; ``None`` where something else is among them.

    Arguments with one key are served by one captured program: structure, types, shapes, whole numbers and
    texts are equal, and the same arrays are the same.

    >>> short_of((1.0, {"a": (2.0, 3)}))[1]
    [1.0, 2.0, 3]
    >>> short_of((object(),)) is None
    True
    """
    key: list[Hashable] = []
    leaves: list[Any] = []
    changeable: list[int] = []
    if not _take(args, key, leaves, changeable, 0):
        return None
    if len(set(changeable)) < len(changeable):  # a list in two places
        return None
    return (*key, shared(leaves)), leaves


def _take(
    values: Sequence[Any], key: list[Hashable], leaves: list[Any], changeable: list[int], depth: int
) -> bool:
    for value in values:
        kind: Any = type(value)
        if kind is float or kind is np.float64:
            key.append(kind)
            leaves.append(value)
        elif kind is np.ndarray:
            if value.dtype.kind not in "fc":
                return False
            key.append((value.dtype.char, value.shape))
            leaves.append(value)
        elif kind in _BY_VALUE:
            key.append((kind, value))
            leaves.append(value)
        elif depth >= DEEPEST:
            return False
        elif kind is tuple or kind is list:
            if kind is list:
                changeable.append(id(value))
            key.append((kind, len(value)))
            if not _take(value, key, leaves, changeable, depth + 1):
                return False
        elif kind is dict:
            changeable.append(id(value))
            names = tuple(value)
            if set(map(type, names)) - {str}:
                return False
            key.append((kind, names))
            if not _take(tuple(value.values()), key, leaves, changeable, depth + 1):
                return False
        else:
            return False
    return True


def input_places(leaves: Sequence[Any], types: Sequence[object]) -> list[int] | None:
    """Which leaves are inputs of a captured program, for the ``types`` that it has for its leaves.

    ``None`` where a leaf is not taken as it is: a whole number that varies, or that stands for a float.
    """
    if len(types) != len(leaves):
        return None
    places = []
    for number, (leaf, type_) in enumerate(zip(leaves, types, strict=True)):
        if (type_ is None) is not isinstance(leaf, _BY_VALUE):
            return None
        if type_ is not None:
            places.append(number)
    return places
