"""In which order loops run over arrays: the one in which the arrays lie in memory."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.sums import LIN

__all__ = ["along", "in_memory_order"]

Places = tuple[Expr, ...]


def along(counter: Expr, place: Expr) -> bool:
    """Whether a place is the counter, moved by something and perhaps scaled."""
    if place is counter:
        return True
    terms = dict(zip(place.args, place.attr, strict=True)) if place.op is LIN else {}
    return counter in terms and all(a is counter or counter not in order([a]) for a in place.args)


def in_memory_order(
    counters: Sequence[Expr], accesses: Sequence[Places], results: set[Expr]
) -> list[Expr]:
    """The counters of a nest of sums, outermost first.

    ``accesses`` are the places of all that is read and stored, ``results`` the counters that the sums are
    not over. Innermost is the one along which most lies next to each other; a sum along the innermost loop
    needs no memory for its result. The others stand in the order of the axes that they run along.
    """
    if len(counters) < 2:
        return list(counters)
    position = {c: n for n, c in enumerate(counters)}
    where = {c: [_axis(c, places) for places in accesses] for c in counters}

    def nearness(counter: Expr) -> tuple[float, int]:
        total = 0.0 if counter in results else 0.5
        for axis, places in zip(where[counter], accesses, strict=True):
            if axis is not None:
                total += 1 if axis == len(places) - 1 else -1
        return total, position[counter]

    innermost = max(counters, key=nearness)
    rest = [c for c in counters if c is not innermost]
    found: list[Expr] = []
    while rest:

        def behind(counter: Expr) -> tuple[int, int]:
            """In how many accesses others come first, less those in which it does."""
            total = 0
            for other in rest:
                for mine, its in zip(where[counter], where[other], strict=True):
                    if mine is not None and its is not None:
                        total += (mine > its) - (mine < its)
            return total, position[counter]

        chosen = min(rest, key=behind)
        found.append(chosen)
        rest.remove(chosen)
    return [*found, innermost]


def _axis(counter: Expr, places: Places) -> int | None:
    """The axis that a counter runs along."""
    for axis, place in enumerate(places):
        if counter is place or counter in order([place]):
            return axis
    return None
