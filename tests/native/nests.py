"""Loop nests drawn at random."""

from __future__ import annotations

from random import Random

from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.lower.nest import (
    Accumulate,
    Assign,
    Block,
    Buffer,
    For,
    If,
    Program,
    Statement,
    Store,
    read,
    variable,
)
from wengert.ops.choice import maximum, mod, where
from wengert.ops.leaves import const, size, symbol


class Drawn:
    """A program drawn at random: numbers that change, arrays, loops in loops, branches."""

    def __init__(self, seed: int, A: Buffer, x: Buffer, y: Buffer) -> None:
        self.random = Random(seed)
        self.A, self.x, self.y = A, x, y
        self.number = symbol("number")
        self.changing = [variable(Type("float64"), "v") for _ in range(3)]
        self.atoms: list[Expr] = [self.number, const(0.75)]
        self.version = 0

    def program(self) -> Program:
        first = [Assign(v, const(0.5 + k)) for k, v in enumerate(self.changing)]
        k = variable(Type("int64", weak=True))
        fill = For(k, size(self.y.shape[0]), Block([Store(self.y, (k,), const(0.25))]), True)
        body = Block([*first, fill, *self.statements([], 3).statements])
        symbols = {"m": (0, 0), "n": (0, 1)}
        return Program((self.A, self.x, self.number), (*self.changing, self.y), (), body, symbols)

    def expression(self, counters: list[Expr], depth: int = 3) -> Expr:
        r = self.random
        if not depth:
            atoms = [*self.atoms, *self.changing, *counters]
            if counters:
                place = mod(r.choice(counters) + r.randrange(2), size(self.x.shape[0]))
                row = mod(r.choice(counters), size(self.A.shape[0]))
                atoms += [read(self.x, (place,)), read(self.A, (row, place))]
            return r.choice(atoms)
        a, b = (self.expression(counters, depth - r.randint(1, depth)) for _ in range(2))
        match r.randrange(5):
            case 0:
                return (a + b) / 2
            case 1:
                return a * b / (1 + a * a + b * b)
            case 2:
                return where(a < b, a, b / 2)
            case 3:
                return maximum(a, b) - a / 3
            case _:
                return a - b / 4

    def statements(self, counters: list[Expr], depth: int) -> Block:
        kept = list(self.atoms)
        made = [self.statement(counters, depth) for _ in range(self.random.randint(1, 4))]
        self.atoms = kept
        return Block(made)

    def statement(self, counters: list[Expr], depth: int) -> Statement:
        r, value = self.random, self.expression(counters)
        match r.randrange(8 if depth else 4):
            case 0:
                new = variable(Type("float64"), "u")
                self.atoms.append(new)
                return Assign(new, value + 0.0)
            case 1:
                return Assign(r.choice(self.changing), value + 0.0, again=True)
            case 2:
                return Accumulate(r.choice(self.changing), "maximum", value)
            case 3:
                place = mod(r.choice([*counters, const(1)]), size(self.y.shape[0]))
                return Store(self.y, (place,), value)
            case 4:
                then, orelse = (self.statements(counters, depth - 1) for _ in range(2))
                return If(value < self.expression(counters), then, orelse)
            case 5:
                inner = variable(Type("int64", weak=True), "i")
                total = r.choice(self.changing)
                others = [c for c in self.changing if c is not total]
                self.changing, mine = others, self.changing
                body = Block([Accumulate(total, "add", self.expression([*counters, inner]))])
                self.changing = mine
                return For(inner, size(r.choice(self.A.shape)), body, parallel=True)
            case _:
                inner = variable(Type("int64", weak=True), "i")
                trip = r.choice([size(self.A.shape[0]), size(self.A.shape[1]), const(2), const(0)])
                body = self.statements([*counters, inner], depth - 1)
                return For(inner, trip, body, backward=r.random() < 0.3)
