"""The modules ``heapq`` and ``bisect`` on lists whose elements or length only running the program tells."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.frontend.staging import helpers
from wengert.frontend.staging.calls import array_of, as_it_is, call, has_handles, own
from wengert.frontend.staging.context import active, refuse
from wengert.frontend.staging.library import sorted_
from wengert.frontend.staging.stage import getitem

__all__: list[str] = []

# Any: elements are whatever the program compares.


def _on_run_time_lists(original: Callable[..., Any], program: Callable[..., Any]) -> None:
    """Let a captured program stand for a function where values are not known."""

    def stands_for(*args: Any) -> Any:
        if active().eager or not has_handles(args, {}):
            return as_it_is(original, args, {})
        return call(program, *args)

    own(original)(stands_for)


_on_run_time_lists(heapq.heappush, helpers.heap_pushed)
_on_run_time_lists(heapq.heappop, helpers.heap_popped)
_on_run_time_lists(heapq.heapify, helpers.heap_made)
_on_run_time_lists(heapq.heapreplace, helpers.heap_replaced)
_on_run_time_lists(heapq.heappushpop, helpers.heap_pushed_popped)


@own(heapq.nsmallest)
def nsmallest_(n: Any, iterable: Any, key: Any = None) -> Any:
    """``heapq.nsmallest``."""
    return getitem(sorted_(iterable, key=key), slice(None, n))


@own(heapq.nlargest)
def nlargest_(n: Any, iterable: Any, key: Any = None) -> Any:
    """``heapq.nlargest``."""
    return getitem(sorted_(iterable, key=key, reverse=True), slice(None, n))


def _placed(side: str) -> Callable[..., Any]:
    original = getattr(bisect, f"bisect_{side}")

    def place(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> Any:
        if not has_handles((a, x, lo, hi), {}):
            return original(a, x, lo, hi, key=key)
        if key is not None or hi is not None or not (isinstance(lo, int) and lo == 0):
            refuse(f"bisect_{side} of run-time values with lo, hi or key; use np.searchsorted")
        elements = array_of(a) if isinstance(a, (list, tuple)) else a
        return call(int, call(np.searchsorted, elements, x, side=side))

    return place


def _inserting(side: str) -> Callable[..., Any]:
    place = _placed(side)

    def insert(a: Any, x: Any, lo: Any = 0, hi: Any = None, *, key: Any = None) -> None:
        call(a.insert, place(a, x, lo, hi, key=key), x)

    return insert


for _side in ("left", "right"):
    own(getattr(bisect, f"bisect_{_side}"))(_placed(_side))
    own(getattr(bisect, f"insort_{_side}"))(_inserting(_side))
