"""Small programs that stand for builtins on run-time sequences; they are captured like the user's."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "added", "all_of", "any_of", "contained", "counted", "extended", "largest", "largest_by", "mapped",
    "or_default", "placed", "removed", "smallest", "smallest_by",
]  # fmt: skip

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


def largest_by(elements: Any, key: Any) -> Any:
    """``max(elements, key=key)``."""
    best = elements[0]
    most = key(best)
    for element in elements:
        value = key(element)
        if value > most:
            best, most = element, value
    return best


def smallest_by(elements: Any, key: Any) -> Any:
    """``min(elements, key=key)``."""
    best = elements[0]
    least = key(best)
    for element in elements:
        value = key(element)
        if value < least:
            best, least = element, value
    return best


def mapped(function: Any, *arrays: Any) -> Any:
    """``np.array([function(a, b) for a, b in zip(...)])``."""
    found = []
    for elements in zip(*arrays, strict=False):
        found.append(function(*elements))  # a loop is captured as one
    return np.array(found)


def extended(elements: Any, more: Any) -> None:
    """``elements.extend(more)``."""
    for k in range(len(more)):
        elements.append(more[k])


def any_of(elements: Any) -> bool:
    """``any(elements)``."""
    for element in elements:  # noqa: SIM110  a loop is captured as one
        if element:
            return True
    return False


def all_of(elements: Any) -> bool:
    """``all(elements)``."""
    for element in elements:  # noqa: SIM110  a loop is captured as one
        if not element:
            return False
    return True


def contained(value: Any, elements: Any) -> bool:
    """``value in elements``."""
    for element in elements:  # noqa: SIM110  a loop is captured as one
        if element == value:
            return True
    return False


def counted(elements: Any, value: Any) -> int:
    """``elements.count(value)``."""
    count = 0
    for element in elements:
        if element == value:
            count += 1
    return count


def placed(elements: Any, value: Any, start: int = 0) -> int:
    """``elements.index(value)``."""
    for k in range(start, len(elements)):
        if elements[k] == value:
            return k
    raise ValueError(f"{value} is not in list")


def removed(elements: Any, value: Any) -> None:
    """``elements.remove(value)``."""
    for k in range(len(elements)):
        if elements[k] == value:
            del elements[k]
            return
    raise ValueError("list.remove(x): x not in list")
