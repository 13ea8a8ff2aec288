"""Variables that have one value wherever they get one: tokens of effects that loops carry, and flags."""

from __future__ import annotations

from dataclasses import replace

from wengert.ir.node import Expr
from wengert.lower.changes import blocks, with_bodies
from wengert.lower.nest import Accumulate, Assign, Block, Call, For, Program, While
from wengert.lower.renamed import Renaming
from wengert.ops.leaves import CONSTANT

__all__ = ["without_constant_variables"]


def without_constant_variables(program: Program) -> Program:
    """The same program with numbers instead of variables that only ever are one number."""
    values: dict[Expr, list[Expr]] = {}
    varying: set[Expr] = set()
    waiting = [program.body]
    while waiting:
        for statement in waiting.pop():
            waiting.extend(blocks(statement))
            match statement:
                case Assign():
                    values.setdefault(statement.variable, []).append(statement.value)
                case Accumulate():
                    varying.add(statement.variable)
                case While():
                    varying |= {statement.counter, statement.flag}
                    varying |= set() if statement.done is None else {statement.done}
                case For():
                    varying.add(statement.counter)
                case Call() if statement.status is not None:
                    varying.add(statement.status)
                case _:
                    pass
    varying |= program.numbers()
    known = _constant(values, varying)
    if not known:
        return program
    renaming = Renaming(known)

    def without(block: Block) -> Block:
        found = Block()
        for statement in block:
            if not (isinstance(statement, Assign) and statement.variable in known):
                found.add(with_bodies(renaming.head(statement), without))
        return found

    return replace(program, body=without(program.body))


def _constant(values: dict[Expr, list[Expr]], varying: set[Expr]) -> dict[Expr, Expr]:
    """The variables that are one number, first taken for such and then given up."""
    found: dict[Expr, Expr | None] = {v: None for v in values if v not in varying}
    while True:
        changed = False
        for node in list(found):
            now = found[node]
            for value in values[node]:
                number = found.get(value) if value in found else value
                if number is None:
                    continue
                if number.op is not CONSTANT or number.value_type != node.value_type:
                    now = number
                    break
                if now is not None and now is not number:
                    now = number
                    break
                now = number
            else:
                if now is not found[node]:
                    found[node], changed = now, True
                continue
            del found[node]
            changed = True
        if not changed:
            return {node: number for node, number in found.items() if number is not None}
