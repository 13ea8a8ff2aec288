"""Small programs that stand for builtins on run-time sequences; they are captured like the user's."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = [
    "added", "all_of", "any_of", "changed_at", "contained", "counted", "deque_appended",
    "deque_appended_left", "deque_extended", "deque_extended_left", "deque_popped", "deque_popped_left",
    "deque_rotated", "equal_lists", "extended", "heap_made", "heap_popped", "heap_pushed",
    "heap_pushed_popped", "heap_replaced", "largest", "largest_by", "listed", "mapped", "or_default",
    "placed", "removed", "smallest", "smallest_by", "with_place", "without_place",
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


def or_default(extreme: Any, elements: Any, default: Any, *keys: Any) -> Any:
    """``max(elements, default=default)``, or of ``min``; with ``key=`` too."""
    return default if len(elements) == 0 else extreme(elements, *keys)


def largest_by(elements: Any, key: Any) -> Any:
    """``max(elements, key=key)``."""
    if len(elements) == 0:
        raise ValueError("max() iterable argument is empty")
    best = elements[0]
    most = key(best)
    for element in elements:
        value = key(element)
        if value > most:
            best, most = element, value
    return best


def smallest_by(elements: Any, key: Any) -> Any:
    """``min(elements, key=key)``."""
    if len(elements) == 0:
        raise ValueError("min() iterable argument is empty")
    best = elements[0]
    least = key(best)
    for element in elements:
        value = key(element)
        if value < least:
            best, least = element, value
    return best


def listed(elements: Any) -> Any:
    """``list(elements)``."""
    found = []
    for element in elements:
        found.append(element)  # noqa: PERF402  a loop is captured as one
    return found


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


def equal_lists(first: Any, second: Any) -> bool:
    """``first == second`` for lists."""
    if len(first) != len(second):
        return False
    for k in range(len(first)):  # noqa: SIM110  a loop is captured as one
        if first[k] != second[k]:
            return False
    return True


def is_before(first: Any, second: Any) -> bool:
    """``first < second`` for lists."""
    for k in range(min(len(first), len(second))):
        if first[k] != second[k]:
            return bool(first[k] < second[k])
    return len(first) < len(second)


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


# --- heaps: the order of the elements is that of the module heapq -------------------------------------------
def _rises(heap: Any, first: int, place: int) -> None:
    """Move an element towards ``first`` past all that are larger."""
    item = heap[place]
    while place > first:
        above = (place - 1) >> 1
        if not item < heap[above]:
            break
        heap[place] = heap[above]
        place = above
    heap[place] = item


def _sinks(heap: Any, first: int) -> None:
    """Put the element at ``first`` where it belongs in the heap below."""
    item = heap[first]
    place, below, end = first, 2 * first + 1, len(heap)
    while below < end:
        other = below + 1
        if other < end and not heap[below] < heap[other]:
            below = other
        heap[place] = heap[below]
        place = below
        below = 2 * place + 1
    heap[place] = item
    _rises(heap, first, place)


def heap_pushed(heap: Any, item: Any) -> None:
    """``heapq.heappush(heap, item)``."""
    heap.append(item)
    _rises(heap, 0, len(heap) - 1)


def heap_popped(heap: Any) -> Any:
    """``heapq.heappop(heap)``."""
    if len(heap) == 0:
        raise IndexError("index out of range")
    item = heap.pop()
    if len(heap) > 0:
        least = heap[0]
        heap[0] = item
        _sinks(heap, 0)
        item = least
    return item


def heap_replaced(heap: Any, item: Any) -> Any:
    """``heapq.heapreplace(heap, item)``."""
    least = heap[0]
    heap[0] = item
    _sinks(heap, 0)
    return least


def heap_pushed_popped(heap: Any, item: Any) -> Any:
    """``heapq.heappushpop(heap, item)``."""
    if len(heap) > 0 and heap[0] < item:
        item = heap_replaced(heap, item)
    return item


def heap_made(heap: Any) -> None:
    """``heapq.heapify(heap)``."""
    for k in range(len(heap) // 2):
        _sinks(heap, len(heap) // 2 - 1 - k)


# --- arrays ---------------------------------------------------------------------------------------------
def changed_at(ufunc: Any, array: Any, places: Any, values: Any) -> None:
    """``ufunc.at(array, places, values)`` for places that may repeat."""
    for k in range(len(places)):
        array[places[k]] = ufunc(array[places[k]], values[k])


def without_place(array: Any, place: Any) -> Any:
    """``np.delete(array, place)``."""
    n = len(array)
    if place < -n or place >= n:
        raise IndexError(f"index {place} is out of bounds for axis 0 with size {n}")
    at = place + n if place < 0 else place
    kept = np.arange(n - 1)
    return array[kept + (kept >= at)]


def with_place(array: Any, place: Any, value: Any) -> Any:
    """``np.insert(array, place, value)`` for one value."""
    n = len(array)
    if place < -n or place > n:
        raise IndexError(f"index {place} is out of bounds for axis 0 with size {n}")
    at = place + n if place < 0 else place
    places = np.arange(n + 1)
    found = array[np.minimum(places - (places > at), n - 1)]
    found[at] = value
    return found


# --- deques: lists stand for them, so these are methods of lists ----------------------------------------
def deque_appended(elements: Any, most: Any, value: Any) -> None:
    """``deque.append(value)``."""
    list.append(elements, value)
    if most is not None and len(elements) > most:
        list.pop(elements, 0)


def deque_appended_left(elements: Any, most: Any, value: Any) -> None:
    """``deque.appendleft(value)``."""
    list.insert(elements, 0, value)
    if most is not None and len(elements) > most:
        list.pop(elements)


def deque_extended(elements: Any, most: Any, values: Any) -> None:
    """``deque.extend(values)``."""
    for value in values:
        deque_appended(elements, most, value)


def deque_extended_left(elements: Any, most: Any, values: Any) -> None:
    """``deque.extendleft(values)``."""
    for value in values:
        deque_appended_left(elements, most, value)


def deque_popped(elements: Any) -> Any:
    """``deque.pop()``."""
    if len(elements) == 0:
        raise IndexError("pop from an empty deque")
    return list.pop(elements)


def deque_popped_left(elements: Any) -> Any:
    """``deque.popleft()``."""
    if len(elements) == 0:
        raise IndexError("pop from an empty deque")
    return list.pop(elements, 0)


def deque_rotated(elements: Any, steps: Any = 1) -> None:
    """``deque.rotate(steps)``."""
    if len(elements) > 0:
        for _ in range(steps % len(elements)):
            list.insert(elements, 0, list.pop(elements))
