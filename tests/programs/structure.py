"""Nested Python values taken apart, put together and compared: leaf by leaf, type by type."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any  # Any: leaves and structures of ordinary programs are of any type

import numpy as np

__all__ = ["difference", "leaves", "map_leaves", "reach"]

Path = tuple[Any, ...]
_NUMBERS = (np.ndarray, np.generic, int, float, complex)


def _children(value: Any) -> list[tuple[Any, Any]] | None:
    """The parts of a structure with how to reach them; ``None`` for a leaf."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, (tuple, list, deque)):
        return list(enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        return [(f".{f.name}", getattr(value, f.name)) for f in fields(value)]
    if hasattr(value, "__dict__") and not isinstance(value, type) and not callable(value):
        return [(f".{name}", part) for name, part in vars(value).items()]
    return None


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every leaf and the path to it."""
    parts = _children(value)
    if parts is None:
        yield path, value
        return
    for key, part in parts:
        yield from leaves(part, (*path, key))


def reach(value: Any, path: Path) -> Any:
    """The leaf at the end of a path."""
    for key in path:
        if isinstance(key, str) and key.startswith("."):
            value = getattr(value, key[1:])
        else:
            value = value[key]
    return value


def map_leaves(change: Callable[[Path, Any], Any], value: Any, path: Path = ()) -> Any:
    """The same structure with every leaf replaced."""
    if isinstance(value, dict):
        return {k: map_leaves(change, v, (*path, k)) for k, v in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        parts = (map_leaves(change, v, (*path, i)) for i, v in enumerate(value))
        return type(value)(*parts)
    if isinstance(value, (tuple, list)):
        return type(value)(map_leaves(change, v, (*path, i)) for i, v in enumerate(value))
    if is_dataclass(value) and not isinstance(value, type):
        parts_by_name = {
            f.name: map_leaves(change, getattr(value, f.name), (*path, f".{f.name}"))
            for f in fields(value)
        }
        return type(value)(**parts_by_name)
    return change(path, value)


def difference(
    expected: Any, got: Any, tolerance: float, where: str = "result", *, kinds: bool = True
) -> str:
    """What is different between two results, in words; empty when they agree.

    Types must be the same (``float``, ``np.float64`` and a 0-d array are three types), and so must
    dtypes, shapes, lengths and keys. Inexact numbers may differ by ``tolerance`` times the largest
    finite magnitude of their leaf; NaN equals NaN. Without ``kinds`` it is only numbers, shapes and
    structures that count: 2, 2.0 and ``np.float64(2.0)`` agree.
    """
    if not kinds and isinstance(expected, _NUMBERS) and isinstance(got, _NUMBERS):
        return _numbers_differ(np.asarray(expected), np.asarray(got), tolerance, where, kinds)
    if type(expected) is not type(got):
        return f"{where} is {_named(got)}, not {_named(expected)}"
    parts = _children(expected)
    if parts is not None:
        other = _children(got)
        assert other is not None
        keys, other_keys = [k for k, _ in parts], [k for k, _ in other]
        if keys != other_keys:
            return f"{where} has the parts {other_keys}, not {keys}"
        for (key, a), (_, b) in zip(parts, other, strict=True):
            inner = f"{where}{key}" if str(key).startswith(".") else f"{where}[{key!r}]"
            if found := difference(a, b, tolerance, inner, kinds=kinds):
                return found
        return ""
    if isinstance(expected, _NUMBERS):
        return _numbers_differ(np.asarray(expected), np.asarray(got), tolerance, where)
    if isinstance(expected, np.random.Generator):
        a, b = (g.bit_generator.state for g in (expected, got))
        return difference(a, b, 0.0, where)
    if callable(expected):
        return ""
    return "" if expected == got else f"{where} is {got!r}, not {expected!r}"


def _numbers_differ(
    expected: Any, got: Any, tolerance: float, where: str, kinds: bool = True
) -> str:
    if expected.shape != got.shape or (kinds and expected.dtype != got.dtype):
        a, b = (f"{x.dtype}{list(x.shape)}" for x in (expected, got))
        return f"{where} is {b}, not {a}"
    if expected.dtype.kind in "fc" or got.dtype.kind in "fc":
        finite = np.abs(expected[np.isfinite(expected)])
        margin = tolerance * max(float(finite.max(initial=0.0)), 1e-300)
        with np.errstate(invalid="ignore"):
            near = np.abs(expected - got) <= margin
        same = near | (expected == got) | (np.isnan(expected) & np.isnan(got))
    else:
        same = expected == got
    return "" if np.all(same) else f"{where} is {got!r}, not {expected!r}"


def _named(value: Any) -> str:
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return f"{name} {value!r}"
