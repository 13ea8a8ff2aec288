"""Small programs that stand for builtins on run-time sequences; they are captured like the user's."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["added", "largest", "mapped", "or_default", "smallest"]

# Any: elements are whatever the program has.


def added(elements: Any, start: Any) -> Any:
    """``sum(elements, start)``."""
    total = start
    for element in elements:
        total = total + element
    return total


def largest(elements: Any) -> Any:
    """``max(elements)``."""
    if len(elements) == 0:
        raise ValueError("max() iterable argument is empty")
    best = elements[0]
    for element in elements:
        if element > best:
            best = element
    return best


def smallest(elements: Any) -> Any:
    """``min(elements)``."""
    if len(elements) == 0:
        raise ValueError("min() iterable argument is empty")
    best = elements[0]
    for element in elements:
        if element < best:
            best = element
    return best


def or_default(extreme: Any, elements: Any, default: Any) -> Any:
    """``max(elements, default=default)``, or of ``min``."""
    return default if len(elements) == 0 else extreme(elements)


def mapped(function: Any, *arrays: Any) -> Any:
    """``np.array([function(a, b) for a, b in zip(...)])``."""
    found = []
    for elements in zip(*arrays, strict=False):
        found.append(function(*elements))  # a loop is captured as one
    return np.array(found)
