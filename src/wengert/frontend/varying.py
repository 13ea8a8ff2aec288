"""Which extents and whole numbers of the arguments a captured program has as run-time values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wengert.ir.dims import Dim

__all__ = ["FIXED", "LEAST_EXTENT", "Place", "Varying"]

Place = tuple[int, int]  # number of a leaf of the arguments, axis

# Shorter axes are always fixed. Loops over a few elements are faster unrolled; and an axis of length 1 is
# stretched, an empty one has no largest element, which what is a little shorter than this never meets.
LEAST_EXTENT = 9


@dataclass(frozen=True)
class Varying:
    """What varies from call to call: axes with the number of their size, and leaves that are whole numbers.

    Axes with the same number have the same extent in every call, and no extent is below ``least``.
    """

    extents: frozenset[tuple[Place, int]] = frozenset()
    wholes: frozenset[int] = frozenset()
    least: int = LEAST_EXTENT

    def sizes(self, taken: Iterable[str]) -> dict[Place, Dim]:
        """The extents, with names that nothing else has."""
        used = set(taken)
        free = (name for name in _names() if name not in used)
        names = {number: next(free) for number in sorted({n for _, n in self.extents})}
        return {place: Dim.named(names[number]) for place, number in self.extents}


FIXED = Varying()


def _names() -> Iterator[str]:
    """As in books: n, m, p, q, then n2, n3."""
    yield from ("n", "m", "p", "q")
    number = 2
    while True:
        yield f"n{number}"
        number += 1
