"""``functools.lru_cache`` in captured code: a call with the same arguments has the value of the first."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wengert.frontend.staging.calls import call
from wengert.frontend.staging.context import Layer, active, refuse
from wengert.frontend.staging.handles import Array, Handle, Partial, Poison, Scalar
from wengert.frontend.staging.source import is_staged

__all__ = ["Cache", "cache_method", "cached_call"]

# Any: arguments and results are the program's.


@dataclass
class Cache:
    """The calls of one cached function, with the region in which each value was computed."""

    values: dict[Hashable, tuple[Any, Layer]] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0


def cached_call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """A call of a function that ``lru_cache`` wraps."""
    context = active()
    _, cache = context.caches.setdefault(id(function), (function, Cache()))
    try:
        key = (tuple(map(_key, args)), tuple((n, _key(v)) for n, v in kwargs.items()))
        hash(key)
    except TypeError:
        if not any(isinstance(v, (Array, Partial, Poison)) for v in (*args, *kwargs.values())):
            raise
        return call(function.__wrapped__, *args, **kwargs)
    entry = cache.values.get(key)
    if entry is not None and any(entry[1] is layer for layer in context.layers):
        cache.hits += 1
        return entry[0]
    cache.misses += 1
    value = call(function.__wrapped__, *args, **kwargs)
    home = next(layer for layer in reversed(context.layers) if layer.kind != "activation")
    cache.values[key] = (value, home)
    return value


def _key(value: Any) -> Hashable:
    if isinstance(value, Scalar):
        return (Scalar, value.expr, value.python)
    if isinstance(value, (Handle, Poison)):
        raise TypeError("not a key")
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    return (type(value), value) if isinstance(value, bool) else value


def cache_method(function: Any, name: str) -> Any:
    """``cache_info()`` and its kin; they tell of one call of the program if the function is made in it."""
    context = active()
    _, cache = context.caches.setdefault(id(function), (function, Cache()))
    limit = function.cache_parameters()["maxsize"]
    if name == "cache_parameters":
        return function.cache_parameters()
    if not is_staged(function.__wrapped__) or limit is not None:
        refuse(
            f"{name}() of a cache that is kept between calls, has a limit, or is filled at run time"
        )
    if name == "cache_clear":
        cache.values.clear()
        cache.hits = cache.misses = 0
        return None
    return functools._CacheInfo(cache.hits, cache.misses, limit, len(cache.values))
