"""Random expressions: numbers, conditions, whole numbers, arrays."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any  # Any: choices are made among anything

from fuzz.scopes import Profile, Scope, Shape

__all__ = ["Expressions"]


class Expressions:
    """Writes expressions over the names of a scope; every choice comes from the seed."""

    def __init__(self, seed: int, profile: Profile) -> None:
        self.rng = random.Random(f"{profile.name} {seed}")
        self.profile = profile
        self.names = 0
        self.helpers: list[str] = []
        self.array_helpers: list[str] = []
        self.identity_helper = False
        self.closure = False

    def pick(self, items: Any) -> Any:
        return self.rng.choice(list(items))

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def fresh(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def constant(self) -> str:
        return self.pick(["0.3", "1.0", "-0.7", "2.0", "0.5", "1.7", "-1.2", "0.05"])

    def index(self, s: Scope, length: int) -> str:
        names = s.counters + s.ints
        if names and self.chance(0.5):
            return f"{self.pick(names)} % {length}"
        return str(self.rng.randrange(-1, length))

    def element(self, s: Scope) -> str:
        name, shape = self.pick(s.arrays.items())
        return f"{name}[{', '.join(self.index(s, n) for n in shape)}]"

    def vector(self, s: Scope, length: int = 4) -> str:
        names = [n for n, shape in s.arrays.items() if shape == (length,)]
        return self.pick(names) if names else f"np.ones({length})"

    def leaf(self, s: Scope) -> str:
        ways: list[Callable[[], str]] = [
            self.constant,
            lambda: self.pick(s.floats),
            lambda: self.pick(s.floats),
        ]
        if s.arrays:
            ways += [lambda: self.element(s), lambda: f"{self.pick(s.arrays)}.sum()"]
        if s.ints or s.counters:
            ways.append(lambda: self.pick(s.ints + s.counters))
        if s.lists:
            ways.append(lambda: f"{self.pick(s.lists)}[{self.pick([0, -1])}]")
            ways.append(lambda: f"sum({self.pick(s.lists)})")
        if s.dicts:
            ways.append(lambda: f"{self.pick(s.dicts)}['{self.pick('pq')}']")
            ways.append(lambda: f"{self.pick(s.dicts)}.get('z', 0.25)")
        if s.tuples:
            ways.append(lambda: f"{self.pick(s.tuples)}[{self.pick([0, 1])}]")
        if s.objects:
            ways.append(lambda: f"{self.pick(s.objects)}.{self.pick('vvn')}")
        if s.groups:
            ways.append(lambda: f"{self.pick(s.groups)}[{self.pick([0, 1])}][{self.index(s, 4)}]")
        return self.pick(ways)()

    def number(self, s: Scope, depth: int = 2) -> str:
        if depth == 0 or self.chance(0.25):
            return self.leaf(s)
        e = lambda: self.number(s, depth - 1)  # noqa: E731  short, and used a dozen times below
        ways: list[Callable[[], str]] = [
            lambda: f"({e()} + {e()})",
            lambda: f"({e()} - {e()})",
            lambda: f"(0.5 * {e()})",
            lambda: f"math.sin({e()} * {e()})",
            lambda: f"np.cos({e()})",
            lambda: f"abs({e()})",
            lambda: f"min({e()}, {e()})",
            lambda: f"max({e()}, {e()})",
            lambda: f"({e()} / (1.0 + abs({e()})))",
            lambda: f"math.exp(-abs({e()}))",
            lambda: f"math.sqrt(1.0 + abs({e()}))",
            lambda: f"({e()} if {self.condition(s, 0)} else {e()})",
            lambda: f"(-{e()})",
        ]
        if self.helpers and not s.in_helper:
            ways += [lambda: f"{self.pick(self.helpers)}({e()}, {e()})"] * 2
        if self.array_helpers and s.arrays and not s.in_helper:
            ways.append(lambda: f"{self.pick(self.array_helpers)}({self.vector(s)}, {e()})")
        if self.closure and not s.in_helper:
            ways.append(lambda: f"bump({e()})")
        if s.arrays:
            ways.append(lambda: f"({self.vector(s)} @ {self.vector(s)} * 0.1)")
            ways.append(lambda: f"np.max({self.pick(s.arrays)})")
            ways.append(lambda: f"sum([v * {self.constant()} for v in {self.vector(s)}])")
        if s.lists:
            ways.append(lambda: f"max({self.pick(s.lists)})")
            ways.append(lambda: f"(len({self.pick(s.lists)}) * {e()})")
        return self.pick(ways)()

    def condition(self, s: Scope, depth: int = 1) -> str:
        if depth and self.chance(0.35):
            a, b = self.condition(s, 0), self.condition(s, 0)
            return self.pick([f"{a} and {b}", f"{a} or {b}", f"not {a}", f"({a}) == ({b})"])
        ways: list[Callable[[], str]] = [
            lambda: f"{self.number(s, 1)} > {self.number(s, 1)}",
            lambda: f"{self.leaf(s)} < {self.constant()}",
            lambda: f"{self.constant()} < {self.leaf(s)} <= 2.5",
        ]
        if s.ints or s.counters:
            ways.append(lambda: f"{self.pick(s.ints + s.counters)} % 2 == {self.pick([0, 1])}")
            ways.append(lambda: f"{self.pick(s.ints + s.counters)} > {self.pick([1, 2])}")
        if s.flags:
            ways.append(lambda: self.pick(s.flags))
        if s.lists:
            ways.append(lambda: f"len({self.pick(s.lists)}) > {self.pick([3, 4])}")
        return self.pick(ways)()

    def whole(self, s: Scope) -> str:
        names = s.ints + s.counters or ["2"]
        return self.pick(
            [
                f"({self.pick(names)} * 3 + 1) % 11",
                f"{self.pick(names)} // 2",
                f"{self.pick(names)} - 1",
                f"int({self.leaf(s)} * 3) % 5",
                f"len({self.pick(s.lists)})" if s.lists else "4",
                f"(1 if {self.condition(s, 0)} else {self.pick(names)})",
            ]
        )

    def new_array(self, s: Scope, shape: Shape) -> str:
        same = [n for n, other in s.arrays.items() if other == shape]
        size = str(shape) if len(shape) > 1 else str(shape[0])
        ways = [
            f"np.zeros({size})",
            f"np.ones({size}) * {self.number(s, 1)}",
            f"np.full({size}, {self.leaf(s)}, dtype=float)",
        ]
        if shape == (4,):
            ways.append(f"np.array([{', '.join(self.leaf(s) for _ in range(4))}], dtype=float)")
        if same:
            ways += [
                f"{self.pick(same)}.copy()",
                f"{self.pick(same)} * {self.number(s, 1)}",
                f"{self.pick(same)} + {self.pick(same)}",
                f"np.sin({self.pick(same)})",
                f"np.where({self.pick(same)} > {self.leaf(s)}, {self.pick(same)}, 0.5)",
                f"{self.pick(same)}[::-1].copy()",
            ]
        return self.pick(ways)
