"""Random small programs as source text, with arguments that take different paths through them.

The programs are made so that plain Python runs them: divisors stay away from 0, indices inside their
arrays, whole numbers small. What they do is otherwise as tangled as the profile asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any  # Any: the arguments of a program are nested values of many types

import numpy as np
from fuzz.expressions import Expressions
from fuzz.scopes import PROFILES, Profile, Sample, Scope

__all__ = ["PROFILES", "Profile", "Sample", "generate"]

HEADER = '''"""A random program."""
import math

import numpy as np
'''


BOX = """class Box:
    def __init__(self, v):
        self.v = v
        self.n = 0

    def push(self, e):
        if e > self.v:
            self.v = e
            self.n += 1
        else:
            self.v -= 0.1"""


class Writer(Expressions):
    """Writes one program."""

    def block(self, s: Scope, length: int) -> list[str]:
        lines: list[str] = []
        for _ in range(length):
            lines += self.statement(s)
        return lines or ["pass"]

    def statement(self, s: Scope) -> list[str]:
        if self.chance(self.profile.aliasing) and s.arrays and not s.in_helper:
            return self.sharing(s)
        ways: list[tuple[int, Callable[[Scope], list[str]]]] = [
            (5, self.assign_number),
            (3, self.augment_number),
            (2, self.assign_whole),
            (1, self.assign_flag),
            (1, self.assign_tuple),
            (2, self.swap),
        ]
        if s.arrays:
            ways += [(6, self.store), (3, self.rebind_array)]
        if s.lists:
            ways.append((3, self.change_list))
        if s.dicts:
            ways.append((2, self.change_dict))
        if s.depth < self.profile.deepest:
            ways += [
                (6, self.branch),
                (3, self.for_loop),
                (2, self.while_loop),
                (1, self.sometimes),
                (1, self.collect),
                (1, self.work_off),
                (1, self.remember),
            ]
        if s.loops:
            ways.append((2, self.leave))
        if s.objects:
            ways.append((2, self.change_object))
        if s.depth:
            ways.append((1, self.early_return))
        if s.depth and self.chance(0.12):
            ways.append((2, self.effect))
        kinds = [way for _, way in ways]
        (way,) = self.rng.choices(kinds, [weight for weight, _ in ways])
        return way(s)

    def assign_number(self, s: Scope) -> list[str]:
        return [f"{self.pick(s.floats)} = {self.number(s)}"]

    def augment_number(self, s: Scope) -> list[str]:
        return [f"{self.pick(s.floats)} {self.pick(['+=', '-=', '+='])} {self.number(s)}"]

    def assign_whole(self, s: Scope) -> list[str]:
        if not s.ints:
            return self.assign_number(s)
        name = self.pick(s.ints)
        return [self.pick([f"{name} += 1", f"{name} = {self.whole(s)}"])]

    def assign_flag(self, s: Scope) -> list[str]:
        if not s.flags:
            return self.assign_number(s)
        return [f"{self.pick(s.flags)} = {self.condition(s)}"]

    def assign_tuple(self, s: Scope) -> list[str]:
        if s.tuples and self.chance(0.5):
            name = self.pick(s.tuples)
            return [
                self.pick(
                    [
                        f"{name} = ({self.number(s, 1)}, {self.number(s, 1)})",
                        f"{name} = ({name}[1], {name}[0])",
                        f"{self.pick(s.floats)}, {self.pick(s.floats)} = {name}",
                    ]
                )
            ]
        if s.depth:
            return self.assign_number(s)
        name = self.fresh("pair")
        line = f"{name} = ({self.number(s, 1)}, {self.number(s, 1)})"
        s.tuples.append(name)
        return [line]

    def swap(self, s: Scope) -> list[str]:
        if len(s.floats) < 2:
            return self.assign_number(s)
        a, b = self.rng.sample(s.floats, 2)
        if self.chance(0.5):
            return [f"{a}, {b} = {b}, {a}"]
        return [f"{a}, {b} = {self.number(s, 1)}, {a}"]

    def store(self, s: Scope) -> list[str]:
        name, shape = self.pick(s.arrays.items())
        e = self.number(s, 1)
        op = self.pick(["=", "+=", "*=", "-=", "="])
        ways = [
            f"{self.element(s)} {op} {e}",
            f"{self.element(s)} {op} {e}",
            f"{name} {self.pick(['+=', '*=', '-='])} {e}",
            f"{name}[{name} > {self.leaf(s)}] {op} {e}",
            f"{name}[:] = {e}",
        ]
        if len(shape) == 1 and shape[0] >= 3:
            ways += [
                f"{name}[1:3] {op} {e}",
                f"{name}[1:] += {name}[:-1]",
                f"{name}[::2] {op} {e}",
                f"{name}[[0, 2]] {op} {e}",
                f"{name}[0], {name}[1] = {name}[1], {name}[0]",
                f"{name}[:] = {name}[::-1]",
            ]
        if shape == (4,):
            ways += [f"{name}[:] = {self.vector(s)}", f"{name} += {self.vector(s)}"]
        if shape == (3, 4):
            ways += [
                f"{name}[{self.index(s, 3)}] = {self.vector(s)}",
                f"{name}[:, {self.index(s, 4)}] {op} {e}",
                f"{name}[1:, {self.index(s, 4)}] = {name}[:-1, 0]",
                f"{name}[[0, 1]] = {name}[[1, 0]]",
            ]
        return [self.pick(ways)]

    def rebind_array(self, s: Scope) -> list[str]:
        name, shape = self.pick(s.arrays.items())
        if shape not in ((4,), (3, 4)):
            return self.store(s)
        return [f"{name} = {self.new_array(s, shape)}"]

    def change_list(self, s: Scope) -> list[str]:
        name, e = self.pick(s.lists), self.number(s, 1)
        return self.pick(
            [
                [f"{name}.append({e})"],
                [f"{name}.append({e})"],
                [f"{name}[{self.pick([0, -1, 1])}] = {e}"],
                [f"{name}[0] += {e}"],
                [f"if len({name}) > 2:", f"    {self.pick(s.floats)} = {name}.pop()"],
                [f"{name} = [v * 0.5 for v in {name}]"],
                [f"{name} = {name} + [{e}]"],
                [f"{name}.insert(1, {e})"],
                [f"{name}.append(0.5 * {name}[-1] - {name}[-2])"],
                [f"{name}[len({name}) // 2] -= {e}"],
                [f"if len({name}) > 2:", f"    {self.pick(s.floats)} -= {name}.pop(0)"],
                [f"while len({name}) > {self.pick([3, 4])}:", f"    {name}[0] += {name}.pop()"],
                [f"{name}.extend([{e}, {self.leaf(s)}])"],
                [self.pick([f"{name}.reverse()", f"{name}.sort()"])],
                [f"{name} = {name}[:2]"],
                [f"del {name}[2:]"],
            ]
        )

    def change_dict(self, s: Scope) -> list[str]:
        name, e = self.pick(s.dicts), self.number(s, 1)
        key = self.pick("pq")
        return [
            self.pick([f"{name}['{key}'] = {e}", f"{name}['{key}'] += {e}", f"{name}['z'] = {e}"])
        ]

    def branch(self, s: Scope) -> list[str]:
        lines = [f"if {self.condition(s)}:", *self.indented(s.inner())]
        if self.chance(0.25):
            lines += [f"elif {self.condition(s)}:", *self.indented(s.inner())]
        if self.chance(0.6):
            lines += ["else:", *self.indented(s.inner())]
        return lines

    def indented(self, s: Scope, *extra: str) -> list[str]:
        body = self.block(s, self.rng.randint(1, 3))
        return [f"    {line}" for line in (*body, *extra)]

    def for_loop(self, s: Scope) -> list[str]:
        inner = s.inner(loop=True)
        i = self.fresh("i")
        inner.counters.append(i)
        length = "4" if s.in_helper else "n"
        ways = [
            f"for {i} in range({self.pick([2, 3, 4, 6])}):",
            f"for {i} in range({length}):",
            f"for {i} in range(1, {length}):",
            f"for {i} in range(3, -1, -1):",
            f"for {i} in range(int(abs({self.pick(s.floats)})) % 4):",
        ]
        if s.arrays:
            v = self.fresh("v")
            ways.append(f"for {i}, {v} in enumerate({self.vector(s)}):")
            if self.chance(0.3):
                inner.floats.append(v)
                return self.with_else(s, [ways[-1], *self.indented(inner)])
        return self.with_else(s, [self.pick(ways), *self.indented(inner)])

    def while_loop(self, s: Scope) -> list[str]:
        w = self.fresh("w")
        inner = s.inner(loop=True)
        inner.counters.append(w)
        test = f"{w} < {self.pick([2, 4, 5])}"
        if self.chance(0.7):
            test += f" and {self.condition(s, 0)}"
        body = [f"    {w} += 1", *self.indented(inner)]
        return [f"{w} = 0", *self.with_else(s, [f"while {test}:", *body])]

    def with_else(self, s: Scope, loop: list[str]) -> list[str]:
        if self.chance(0.12):
            return [*loop, "else:", *self.indented(s.inner())]
        return loop

    def sometimes(self, s: Scope) -> list[str]:
        """A name that is assigned on one path only, and read where it is set."""
        flag, name = self.fresh("set"), self.fresh("z")
        inner = s.inner()
        first = self.number(inner, 1)
        read = s.inner()
        read.floats.append(name)
        again = self.condition(s) if self.chance(0.1) else flag  # else unassigned on some path
        return [
            f"{flag} = {self.condition(s)}",
            f"if {flag}:",
            f"    {name} = {first}",
            *[f"    {line}" for line in self.block(inner, 1)],
            *self.block(s, 1),
            f"if {again}:",
            *self.indented(read),
        ]

    def collect(self, s: Scope) -> list[str]:
        """A list that is empty, or has one element, before a loop that adds to it now and then."""
        found, e = self.fresh("found"), self.fresh("e")
        loop = self.pick([self.for_loop, self.while_loop])(s)
        append = f"{found}.append({self.number(s, 1)})"
        # Where the loop's own block ends: before its "else", or at its end.
        end = loop.index("else:") if "else:" in loop else len(loop)
        added = [f"    {append}"]
        if self.chance(0.7):
            skipped = [f"    if {self.condition(s)}:", "        continue", f"    {append}"]
            added = self.pick([skipped, [f"    if {self.condition(s)}:", f"        {append}"]])
        start = self.pick(["[]", "[]", f"[{self.leaf(s)}]"])
        target = self.pick(s.floats)
        reads = [
            [f"{target} = {found}[0] if {found} else {self.leaf(s)}"],
            [f"{target} = {found}[-1] if len({found}) > 0 else {self.leaf(s)}"],
            [f"for {e} in {found}:", f"    {target} = 0.5 * {target} + {e}"],
            [f"{target} = sum({found}) + len({found})"],
            [f"{target} = max({found}, default=0.0)"],
            [f"if {found}:", f"    {target} -= {found}.pop()"],
            [f"{target} = sum([{e} * {e} for {e} in {found} if {e} > 0.5])"],
            [f"{target} = float(np.sum(np.array({found})))"],
        ]
        after = [line for lines in self.rng.sample(reads, 2) for line in lines]
        return [f"{found} = {start}", *loop[:end], *added, *loop[end:], *after]

    def work_off(self, s: Scope) -> list[str]:
        """A list of what is still to be done, to which what is done adds."""
        todo, v, d = self.fresh("todo"), self.fresh("v"), self.fresh("d")
        inner = s.inner()
        inner.floats.append(v)
        target = self.pick(s.floats)
        taken = self.pick([f"{todo}.pop()", f"{todo}.pop()", f"{todo}.pop(0)"])
        more = [f"        {todo}.append(({self.pick([v, '0.5 * ' + v, f'{v} - 1.0'])}, {d} + 1))"]
        if self.chance(0.5):
            more.append(f"        {todo}.append(({self.number(inner, 1)}, {d} + 2))")
        start = [f"({self.leaf(s)}, 0)"] * self.pick([1, 1, 2])
        return [
            f"{todo} = [{', '.join(start)}]",
            f"while {todo}:",
            f"    {v}, {d} = {taken}",
            f"    {target} = 0.5 * {target} + {v} * {self.pick([f'len({todo})', '0.5', d])}",
            *[f"    {line}" for line in self.block(inner, self.rng.randint(0, 1))],
            f"    if {d} < {self.pick([2, 3])} and {self.condition(inner, 0)}:",
            *more,
        ]

    def remember(self, s: Scope) -> list[str]:
        """A list of all values of a sequence, whose next one depends on earlier ones."""
        seen, target = self.fresh("seen"), self.pick(s.floats)
        start = self.pick([[self.leaf(s)], [self.leaf(s), self.leaf(s)]])
        last = self.pick([f"{seen}[-1]", f"{seen}[len({seen}) // 2]", f"{seen}[0]"])
        test = self.pick([f"abs({seen}[-1]) > 0.3", self.condition(s, 0), f"{seen}[0] < 2.0"])
        body = [f"    {seen}.append(0.7 * {last} + {self.number(s, 1)})"]
        if self.chance(0.4):
            body = [f"    if {self.condition(s, 0)}:", f"    {body[0]}", "    else:"]
            body.append(f"        {seen}.extend([{last}, {self.leaf(s)}])")
        if self.chance(0.3):
            body += [
                f"    if len({seen}) > 3:",
                f"        {target} += {seen}.pop({self.pick(['', '0', '1'])})",
            ]
            body.append(f"        {target} -= 0.1")
        count = self.fresh("w")
        reads = self.pick([f"{seen}[-1] - {seen}[0]", f"sum({seen}) / len({seen})", f"max({seen})"])
        return [
            f"{count}, {seen} = 0, [{', '.join(start)}]",
            f"while {count} < {self.pick([4, 6])} and {test}:",
            f"    {count} += 1",
            *body,
            f"{target} = {reads}",
        ]

    def leave(self, s: Scope) -> list[str]:
        return [f"if {self.condition(s)}:", f"    {self.pick(['break', 'continue'])}"]

    def early_return(self, s: Scope) -> list[str]:
        result = self.number(s, 1) if s.in_helper else self.result
        return [f"if {self.condition(s)}:", f"    return {result}"]

    def change_object(self, s: Scope) -> list[str]:
        name, e = self.pick(s.objects), self.number(s, 1)
        return [self.pick([f"{name}.push({e})", f"{name}.v = {e}", f"{name}.v += {e}"])]

    def effect(self, s: Scope) -> list[str]:
        number = self.rng.randrange(100)
        if self.chance(0.6):
            return [f"print('passed {number}')"]
        return [f"if {self.condition(s, 0)}:", f"    raise ValueError('stopped {number}')"]

    # ------------------------------------------------------------------------ shared memory

    def sharing(self, s: Scope) -> list[str]:
        vectors = [n for n, shape in s.arrays.items() if shape == (4,)]
        pairs = [n for n, shape in s.arrays.items() if shape == (2,)]
        u, v = (self.pick(vectors) for _ in range(2))
        e = self.number(s, 1)
        i = self.index(s, 4)
        row = self.pick(["M[1]", f"M[{self.index(s, 3)}]", "M.T[:, 1]", "M[::-1][0]"])
        part = self.pick(
            [
                f"{u}[1:3]",
                f"{u}[::2]",
                f"{u}[:2]",
                f"{u}[2:][::-1]",
                f"{u}[::-1][1:3]",
                f"{u}.reshape(2, 2)[0]",
                f"{u}.reshape(2, 2).T[1]",
                "M[0, 1:3]",
                "M[1:, 1:3][0]",
                "M.reshape(-1)[2:4]",
                *(f"{p}[::-1]" for p in pairs),
            ]
        )
        ways: list[list[str]] = [
            [f"{u} = {v}"],
            [f"{u} = {v}"],
            [f"{u}, {v} = {v}, {u}"],
            [f"{u} = {row}"],
            [f"{u} = {v} if {self.condition(s, 0)} else {self.pick(vectors)}"],
            [f"{u}[{i}] = {e}"],
            [f"{u} += {e}"],
            [f"{u}[:] = {v}"],
            [f"{u} = {v}[:]"],
            [f"{u} = np.asarray({v})"],
            [f"{u} = {v}.reshape(2, 2).ravel()"],
            [f"{u}[1:] = {v}[:-1]"],
            [f"M[{self.index(s, 3)}] = {u}"],
            [f"M.T[{self.index(s, 4)}, 0] = {e}"],
        ]
        w = self.fresh("p")
        ways += [[f"{w} = {part}"]] * 2
        if s.depth == 0 and self.chance(0.1):
            group = self.fresh("g")
            s.groups.append(group)
            return [f"{group} = [{u}, {v}]"]
        if pairs:
            p = self.pick(pairs)
            ways += [
                [f"{p} = {part}"],
                [f"{p} *= {e}"],
                [f"{p}[{self.pick([0, 1])}] = {e}"],
                [f"{p}[:] = {self.pick(pairs)}"],
            ]
        for group in s.groups:
            ways += [
                [f"{group}[{self.pick([0, 1])}][{i}] = {e}"],
                [f"{u} = {group}[{self.pick([0, 1])}]"],
                [f"{group}[{self.pick([0, 1])}] = {u}"],
                [f"{group}[{self.pick([0, 1])}] += {e}"],
                [f"{group}.reverse()"],
            ]
        if self.identity_helper:
            ways += [[f"{u} = either({u}, {v}, {e})"], [f"poke(either({u}, {v}, {e}), {e})"]]
        chosen = self.pick(ways)
        if chosen[0].startswith(f"{w} ="):
            s.arrays[w] = (2,)
        return chosen

    # ------------------------------------------------------------------------------ programs

    def number_helper(self, name: str) -> list[str]:
        s = Scope(["u", "v"], [], {}, depth=1, in_helper=True)
        kind = self.rng.randrange(5)
        if kind == 0:
            return [f"def {name}(u, v):", f"    return {self.number(s)}"]
        if kind == 1:
            return [
                f"def {name}(u, v):",
                f"    if {self.condition(s)}:",
                f"        return {self.number(s, 1)}",
                *[f"    {line}" for line in self.block(s, 1)],
                f"    return {self.number(s, 1)}",
            ]
        if kind == 2:
            return [
                f"def {name}(u, v, depth={self.pick([2, 3])}):",
                "    if depth == 0 or u > 4.0:",
                "        return v",
                f"    return 0.5 * {name}({self.number(s, 1)}, v, depth - 1) + u",
            ]
        if kind == 3:
            return [
                f"def {name}(u, v):",
                "    if abs(u) < 1.0:",
                "        return u + v",
                f"    return {name}(u / 2, v * 0.5) + 0.25 * u",
            ]
        body = [f"    {line}" for line in self.for_loop(s)]
        return [f"def {name}(u, v):", *body, f"    return {self.number(s, 1)}"]

    def array_helper(self, name: str) -> list[str]:
        s = Scope(["e"], [], {"w": (4,)}, depth=1, in_helper=True)
        return [
            f"def {name}(w, e):",
            *[f"    {line}" for line in self.store(s)],
            *[f"    {line}" for line in self.block(s, 1)],
            f"    return {self.number(s, 1)}",
        ]

    def write(self) -> str:
        """The source of a module with a function ``program(x, y, n, a, b, M, q)``."""
        parts = [HEADER]
        for k in range(self.rng.randrange(3)):
            parts.append("\n".join(self.number_helper(f"h{k}")))
            self.helpers.append(f"h{k}")
        if self.chance(0.4):
            parts.append("\n".join(self.array_helper("poke_some")))
            self.array_helpers.append("poke_some")
        if self.profile.aliasing and self.chance(0.5):
            self.identity_helper = True
            parts.append("def either(u, v, e):\n    return u if e > 0.5 else v")
            parts.append("def poke(u, e):\n    u[1] = e")
        scope = Scope(
            ["x", "y", "s", "t"], ["k"], {"a": (4,), "b": (4,), "c": (4,), "M": (3, 4)},
            lists=["q"], dicts=["d"], flags=["f"],
        )  # fmt: skip
        lines = ["s, t, k, f = 0.0, 1.0, 0, False", "c = np.zeros(4)"]
        lines.append("d = {'p': x, 'q': 2.0}")
        if self.chance(0.5):
            lines.append("q = list(q)")
        self.result = "x, y, s, t, k, f, a, b, c, M, q, d"
        if self.chance(0.5):
            self.result = "x, y, s, t, k, a.sum(), b * 2, c, M, sum(q), len(q), d['p'] + d['q']"
        if self.chance(0.3):
            parts.append(BOX)
            scope.objects.append("box")
            lines.append("box = Box(x)")
            self.result += ", box.v, box.n"
        if self.chance(0.3):
            self.closure = True
            lines += [
                "def bump(e):",
                "    nonlocal s, k",
                "    k += 1",
                f"    if {self.pick(['e > 0.5', 's < 1.0', 'k % 2'])}:",
                "        s = s + 0.5 * e",
                f"    return {self.pick(['s', 'e', 's - e', 'k * 0.5'])}",
            ]
        lines += self.block(scope, self.rng.randint(3, self.profile.longest))
        lines.append(f"return {self.result}")
        body = "\n".join(f"    {line}" for line in lines)
        parts.append(f"def program(x, y, n, a, b, M, q):\n{body}")
        return "\n\n\n".join(parts) + "\n"


def arguments(seed: int, profile: Profile, *, count: int = 4) -> list[tuple[Any, ...]]:
    """Arguments of different signs and sizes, so that conditions fall differently."""
    rng = np.random.default_rng([seed, len(profile.name)])
    found = []
    for i in range(count):
        scale = (1.0, 2.5, 0.3, 1.5)[i % 4]
        x, y = (float(v) for v in rng.normal(size=2) * scale)
        n = 3 if i < 3 else 5
        a, b = (rng.normal(size=4) * scale for _ in range(2))
        if profile.aliasing and seed % 9 == 0 and i == 2:
            b = a  # one array as two arguments
        q = [float(v) for v in rng.normal(size=3) * scale]
        found.append((x, y, n, a, b, rng.normal(size=(3, 4)) * scale, q))
    return found


def generate(seed: int, profile: Profile) -> Sample:
    """The program of a seed; the same in every run and on every machine."""
    return Sample(seed, profile.name, Writer(seed, profile).write(), arguments(seed, profile))
