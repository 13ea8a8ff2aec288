"""What a random program may use at a place, and what it is made for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any  # Any: the arguments of a program are nested values of many types

__all__ = ["PROFILES", "Profile", "Sample", "Scope"]

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Profile:
    """How often a program does what; ``aliasing`` is the share of statements that share memory."""

    name: str
    aliasing: float
    longest: int = 7
    deepest: int = 3


PROFILES = {
    "plain": Profile("plain", aliasing=0.0),
    "aliasing": Profile("aliasing", aliasing=0.45),
}


@dataclass(frozen=True)
class Sample:
    """A program, the seed that it came from, and the tuples of arguments to call it with."""

    seed: int
    profile: str
    source: str
    inputs: list[tuple[Any, ...]]


@dataclass
class Scope:
    """The names that may be used at a place, by what they hold."""

    floats: list[str]
    ints: list[str]
    arrays: dict[str, Shape]
    lists: list[str] = field(default_factory=list)
    dicts: list[str] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    tuples: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)  # lists of two vectors of four
    objects: list[str] = field(default_factory=list)  # with a number v, a count n, a method push
    counters: list[str] = field(default_factory=list)  # readable, never assigned
    depth: int = 0
    loops: int = 0
    in_helper: bool = False

    def inner(self, *, loop: bool = False) -> Scope:
        """The scope of a block: what is first assigned there is not relied on afterwards."""
        return Scope(
            list(self.floats),
            list(self.ints),
            dict(self.arrays),
            list(self.lists),
            list(self.dicts),
            list(self.flags),
            list(self.tuples),
            list(self.groups),
            list(self.objects),
            list(self.counters),
            self.depth + 1,
            self.loops + loop,
            self.in_helper,
        )
