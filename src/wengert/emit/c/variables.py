"""Where variables live: what declares them, who uses them, which of them only count."""

from __future__ import annotations

from collections.abc import Iterator

from wengert.emit.c.places import is_sum
from wengert.ir.node import Expr
from wengert.lower.changes import blocks, bottom_up, expressions
from wengert.lower.nest import Accumulate, Assign, Block, Program, Statement, While
from wengert.ops.leaves import CONSTANT, SIZE, SYMBOL

__all__ = ["Homes", "steady"]


class Homes:
    """For every variable the statement of the innermost block around all that has to do with it."""

    def __init__(self, program: Program) -> None:
        self.at: dict[Statement, list[Expr]] = {}
        self._paths: dict[Expr, list[tuple[int, ...]]] = {}
        self._used: dict[Expr, int] = {}
        self._where: dict[tuple[int, ...], Statement] = {}
        self._walk(program.body, ())
        outputs = [o for o in program.outputs if isinstance(o, Expr)]
        for variable in outputs:
            self._paths.setdefault(variable, []).append((0,))
        for variable, paths in self._paths.items():
            common = paths[0]
            for path in paths[1:]:
                length = 0
                for a, b in zip(common, path, strict=False):
                    if a != b:
                        break
                    length += 1
                common = common[:length]
            if len(common) % 2:  # in one block, in several statements: from the first of these on
                first = min(p[len(common)] for p in paths if len(p) > len(common))
                common = (*common, first)
            if common in self._where:
                self.at.setdefault(self._where[common], []).append(variable)

    def _walk(self, block: Block, above: tuple[int, ...]) -> None:
        # A path alternates: which body of the statement, which statement of the body.
        todo = [(block, (*above, 0))]
        while todo:
            body, path = todo.pop()
            for number, statement in enumerate(body):
                here = (*path, number)
                self._where[here] = statement
                for variable in _mentioned(statement):
                    self._paths.setdefault(variable, []).append(here)
                for variable in _read(statement):
                    self._used[variable] = self._used.get(variable, 0) + 1
                for k, inner in enumerate(blocks(statement)):
                    todo.append((inner, (*here, k)))

    def is_set_once(self, variable: Expr) -> bool:
        """Whether one statement of the outermost block assigns a variable, and nothing uses it."""
        paths = set(self._paths.get(variable, ())) - {(0,)}
        return variable not in self._used and all(len(p) == 2 for p in paths) and len(paths) == 1

    def is_used(self, variable: Expr) -> bool:
        """Whether a statement has a variable in what it computes."""
        return variable in self._used

    def is_shared(self, statement: Assign) -> bool:
        """Whether a variable is used by several statements, or inside of one behind its own."""
        variable = statement.variable
        if self._used.get(variable, 0) != 1:
            return variable in self._used
        return len({len(p) for p in self._paths[variable]}) > 1


def _mentioned(statement: Statement) -> Iterator[Expr]:
    match statement:
        case Assign() | Accumulate():
            yield statement.variable
        case While():
            yield statement.flag
            if statement.done is not None:
                yield statement.done
        case _:
            pass
    yield from _read(statement)


def _read(statement: Statement) -> list[Expr]:
    found: list[Expr] = []
    seen: set[Expr] = set()

    def see(node: Expr) -> None:
        seen.add(node)
        if node.op is SYMBOL:
            found.append(node)

    bottom_up(expressions(statement), seen.__contains__, see)
    if isinstance(statement, Accumulate) and statement.variable not in seen:
        found.append(statement.variable)
    return found


# --- variables that count --------------------------------------------------------------------------------
_LONGEST_STEP = 1024  # so small that no program runs long enough to overflow
_LARGEST_START = 2**40


def steady(program: Program, counters: set[Expr]) -> set[Expr]:
    """Integer variables that start from small numbers and go on by small steps: they do not overflow.

    At 1024 per nanosecond it takes more than three months.
    """
    values: dict[Expr, list[Expr]] = {}
    bad: set[Expr] = set()
    waiting = [program.body]
    while waiting:
        for statement in waiting.pop():
            match statement:
                case Assign():
                    values.setdefault(statement.variable, []).append(statement.value)
                case Accumulate():
                    bad.add(statement.variable)
                case _:
                    pass
            waiting.extend(blocks(statement))
    found = {v for v in values if v.value_type.dtype == "int64" and v not in bad}
    while True:
        wrong = {
            v for v in found if not all(_is_step(e, v, values, found, counters) for e in values[v])
        }
        if not wrong:
            return found
        found -= wrong


def _is_step(
    value: Expr, own: Expr, values: dict[Expr, list[Expr]], found: set[Expr], counters: set[Expr]
) -> bool:
    if value.op is CONSTANT:
        return type(value.attr) is int and abs(value.attr) < _LARGEST_START
    if value.op is SIZE or value in counters:
        return True
    if value in values:  # a variable: one that is assigned once stands for its value
        only = values[value]
        if len(only) == 1 and value is not own:
            return _is_step(
                only[0], own, {k: v for k, v in values.items() if k is not value}, found, counters
            )
        return value is own
    if is_sum(value) and len(value.args) == 2:
        steps = [a for a in value.args if a.op is CONSTANT]
        others = [a for a in value.args if a is own]
        small = all(type(a.attr) is int and abs(a.attr) <= _LONGEST_STEP for a in steps)
        ones = all(c in (1, -1) for c in value.attr)
        forward = all(c == 1 for c, a in zip(value.attr, value.args, strict=True) if a is own)
        return small and ones and forward and len(steps) == 1 and len(others) == 1
    return False
