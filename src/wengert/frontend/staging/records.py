"""Dataclasses: the methods that the decorator writes, and the functions of the module."""

from __future__ import annotations

import dataclasses
import types
from typing import Any

from wengert.frontend.staging.calls import call, own
from wengert.frontend.staging.context import active
from wengert.frontend.staging.handles import Partial

__all__ = ["compared_fields", "is_generated"]

# Any: values of the program.


def is_generated(method: Any) -> bool:
    """Whether a method of a class has been written by ``@dataclass``."""
    return isinstance(method, types.FunctionType) and method.__code__.co_filename == "<string>"


def compared_fields(value: Any) -> tuple[Any, ...]:
    """The fields of a dataclass that take part in comparisons."""
    return tuple(getattr(value, f.name) for f in dataclasses.fields(value) if f.compare)


@own(dataclasses.astuple)
def astuple_(value: Any) -> Any:
    """``dataclasses.astuple``: fields, lists, tuples and dicts are taken apart."""
    return _opened(value, lambda made: tuple(v for _, v in made))


@own(dataclasses.asdict)
def asdict_(value: Any) -> Any:
    """``dataclasses.asdict``."""
    return _opened(value, lambda made: active().birth(dict(made)))


def _opened(value: Any, build: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return build(
            [(f.name, _opened(getattr(value, f.name), build)) for f in dataclasses.fields(value)]
        )
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_opened(v, build) for v in value))
    if isinstance(value, (list, tuple)):
        found = type(value)(_opened(v, build) for v in value)
        return active().birth(found) if isinstance(found, list) else found
    if isinstance(value, dict):
        return active().birth({k: _opened(v, build) for k, v in value.items()})
    import copy

    return call(copy.deepcopy, value)


@own(dataclasses.replace)
def replace_(value: Any, /, **changes: Any) -> Any:
    """``dataclasses.replace``."""
    if isinstance(value, Partial):
        value = value.certain()
    kept = {f.name: getattr(value, f.name) for f in dataclasses.fields(value) if f.init}
    return call(type(value), **{**kept, **changes})
