"""Statements as lines of C."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from wengert.emit.c.naming import Naming
from wengert.emit.c.operations import Used, combined, is_float
from wengert.emit.c.places import Form, plus
from wengert.emit.c.shifts import shift_of
from wengert.emit.c.sizes import as_number
from wengert.emit.c.text import AND, COMPARE, Text, at_least, ctype
from wengert.emit.c.values import Plan, Values, is_expensive
from wengert.emit.c.variables import Homes, steady
from wengert.ir.node import Expr
from wengert.lower.changes import blocks, changed, counters, expressions, slotted, varying
from wengert.lower.nest import (
    READ,
    Accumulate,
    Assign,
    Block,
    Buffer,
    Check,
    For,
    If,
    Program,
    Statement,
    Store,
    Unsupported,
    While,
)
from wengert.lower.ranges import Ranges
from wengert.lower.values import reads
from wengert.ops.leaves import CONSTANT, SYMBOL
from wengert.ops.sums import LIN

__all__ = ["Statements"]


class Statements:
    """Goes through the statements of a program once; with ``writing`` it makes lines."""

    def __init__(
        self,
        program: Program,
        plan: Plan,
        writing: bool,
        naming: Naming,
        used: Used,
        sizes: dict[str, str],
        names: Mapping[Expr | Buffer, str],
        outputs: Mapping[Expr, str],
        codes: int = 0,
        risks: str = "",
    ) -> None:
        self.program, self.plan, self.writing = program, plan, writing
        self.naming = naming
        self.hints = program.names
        self.homes = Homes(program)
        # What is assigned to for a number that is given back: at once, or at the end.
        self.outputs = {v: t for v, t in outputs.items() if self.homes.is_set_once(v)}
        self._later = {v: t for v, t in outputs.items() if v not in self.outputs}
        counting = counters(program.body)
        calm = steady(program, counting)
        self.lines: list[str] = []
        self.depth = 1
        self.slots = {v for v in slotted(program) if v not in self.outputs}
        self.values = Values(
            plan,
            writing,
            naming,
            used,
            sizes,
            self.slots,
            lambda node: node in counting or node in calm,
            self.add,
        )
        for thing, name in names.items():
            self.values.name(thing, name)
        self.ranges = Ranges()
        self.codes: dict[int, str] = {}
        self._first, self._risks = codes + 1, risks

    def whole(self) -> None:
        """All statements of the program."""
        self.block(self.program.body)
        for variable, target in self._later.items():
            self.values.need(variable)
            if self.writing:
                self.add(f"{target} = {self.values.text(variable).text};")

    # --- lines -------------------------------------------------------------------------------------------
    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line if line else "")

    @contextmanager
    def braced(self, head: str, tail: str = "}") -> Iterator[None]:
        """A block in braces."""
        self.add(f"{head} {{")
        self.depth += 1
        with self.values.scope():
            yield
        self.depth -= 1
        self.add(tail)

    # --- statements --------------------------------------------------------------------------------------
    def block(self, block: Block) -> None:
        for statement in block:
            self._declared(statement)
            comment = self._comment(statement)
            if comment and self.writing:
                self.add(f"/* {comment} */")
            self.statement(statement)

    def _comment(self, statement: Statement) -> str:
        match statement:
            case For() | While():
                return self.program.comments.get(statement.counter, "")
            case If():
                return self.program.comments.get(statement.condition, "")
            case Assign():
                return self.program.comments.get(statement.variable, "")
            case _:
                return ""

    def statement(self, statement: Statement) -> None:
        match statement:
            case Assign():
                self._assign(statement)
            case Accumulate():
                self._accumulate(statement)
            case Store():
                self._store(statement)
            case For():
                self._for(statement)
            case While():
                self._while(statement)
            case If():
                self._if(statement)
            case Check():
                self._check(statement)
            case _:
                raise Unsupported(f"`{type(statement).__name__}`")

    def _declared(self, statement: Statement) -> None:
        """Declare the variables that are needed from here on and that this statement does not declare."""
        for variable in self.homes.at.get(statement, ()):
            if variable in self.outputs or variable not in self.slots:
                continue
            if isinstance(statement, Assign) and statement.variable is variable:
                continue
            name = self._new(variable)
            if self.writing:
                self.add(f"{ctype(variable.value_type.dtype)} {name};")

    def _new(self, variable: Expr) -> str:
        name = self.naming.new(self.hints.get(variable, "") or _plain(variable))
        self.values.name(variable, name)
        return name

    def _assign(self, statement: Assign) -> None:
        variable, values = statement.variable, self.values
        dtype = variable.value_type.dtype
        if variable not in self.slots and variable not in self.outputs:
            if variable not in self.plan.named and not self._is_worth_a_name(statement):
                values.alias(statement)
                return
            values.need(statement.value)
            text = values.operand(statement.value, dtype).text if self.writing else ""
            name = self._new(variable)
            if self.writing:
                self.add(f"const {ctype(dtype)} {name} = {text};")
            return
        values.need(statement.value)
        text = values.operand(statement.value, dtype).text if self.writing else ""
        if variable in self.outputs:
            if self.writing:
                self.add(f"{self.outputs[variable]} = {text};")
            return
        before = values.names.get(variable)
        step = self._step(variable, statement.value) if self.writing else ""
        name = self._new(variable) if before is None else before
        if step:
            self.add(step)
        elif self.writing:
            self.add(f"{'' if before else ctype(dtype) + ' '}{name} = {text};")
        values.touch([variable])

    def _is_worth_a_name(self, statement: Assign) -> bool:
        """Whether a value is used in several places, and costs something."""
        return not self.values.is_cheap(statement.value) and self.homes.is_shared(statement)

    def _accumulate(self, statement: Accumulate) -> None:
        values, variable = self.values, statement.variable
        dtype = variable.value_type.dtype
        values.need(statement.value)
        if self.writing:
            value = values.operand(statement.value, dtype)
            self.add(combined(values.used, dtype, statement.kind, values.names[variable], value))
        values.touch([variable])

    def _store(self, statement: Store) -> None:
        values, buffer = self.values, statement.buffer
        if buffer.role == "input":
            raise Unsupported("a store to an input")
        values.need(statement.value, *statement.places)
        if self.writing:
            value = values.operand(statement.value, buffer.dtype)
            target = values.index(buffer, statement.places).text
            if statement.adds:
                self.add(combined(values.used, buffer.dtype, "add", target, value))
            else:
                self.add(f"{target} = {value.text};")
        values.touch([buffer])

    def _check(self, statement: Check) -> None:
        self.values.need(statement.condition)
        if not self.writing:
            return
        about = statement.about
        if about.startswith("IndexError") and self._risks:
            about += f", {self._risks}"
        known = {text: code for code, text in self.codes.items()}
        code = known.get(about, self._first + len(self.codes))
        self.codes[code] = about
        condition = self.values.operand(statement.condition, "bool")
        note = f"  /* {about.replace('*/', '* /')} */" if about else ""
        with self.braced(f"if ({_negation(condition)})"):
            self.add(f"return {code};{note}")

    def _step(self, variable: Expr, value: Expr) -> str:
        """``x += y`` for ``x = x + y``, and ``x++``; nothing where it is another assignment."""
        values = self.values
        dtype, name = variable.value_type.dtype, values.names.get(variable)
        value = values.resolved(value)
        if name is None or value.op is not LIN or len(value.args) != 2:
            return ""
        if value.value_type.dtype != dtype or values.is_named(value):
            return ""
        terms = list(zip(value.attr, value.args, strict=True))
        others = [t for t in terms if t[1] is not variable]
        if len(others) != 1 or (1, variable) not in terms:
            return ""
        ((coefficient, other),) = others
        if values.places.is_safe(value) and other.op is CONSTANT:
            step = coefficient * other.attr
            if abs(step) == 1:
                return f"{name}{'++' if step > 0 else '--'};"
            return f"{name} {'+' if step > 0 else '-'}= {abs(step)};"
        if not is_float(dtype) or other.value_type.dtype != dtype:
            return ""
        sign = "-" if coefficient < 0 else "+"
        return f"{name} {sign}= {values.term(abs(coefficient), other, dtype).text};"

    def _if(self, statement: If) -> None:
        values = self.values
        values.need(statement.condition)
        condition = values.operand(statement.condition, "bool") if self.writing else Text("")
        then, orelse = statement.then, statement.orelse
        if not then.statements:
            condition, then, orelse = Text(_negation(condition)), orelse, then
        with self.braced(f"if ({condition.text})", "} else {" if orelse.statements else "}"):
            self.block(then)
        if orelse.statements:
            self.depth += 1
            with values.scope():
                self.block(orelse)
            self.depth -= 1
            self.add("}")
        values.touch(changed(then) | changed(orelse))

    # --- loops -------------------------------------------------------------------------------------------
    def _for(self, loop: For) -> None:
        values, places = self.values, self.values.places
        values.need(loop.trip)
        counter = loop.counter
        self.ranges.below(counter, loop.trip)
        changing = changed(loop.body) | {counter}
        self._hoist(loop.body, changing)
        values.touch(changing)
        if loop.trip.op is CONSTANT and loop.trip.attr == 1:
            places.zeros.add(counter)
            values.name(counter, "0")
            self.block(loop.body)
            values.touch(changing)
            return
        name = self.naming.index()
        values.name(counter, name)
        low: Form = {}
        if self.writing:
            low = shift_of(loop, places)
            start, end = self._bounds(loop.trip, low)
            if loop.backward:
                last = places.written(plus(end, {None: -1})).text
                head = f"for (int64_t {name} = {last}; {name} >= {start}; {name}--)"
            else:
                stop = at_least(places.written(end), COMPARE + 1)
                head = f"for (int64_t {name} = {start}; {name} < {stop}; {name}++)"
        else:
            head = ""
        places.shifts[counter] = low
        with self.braced(head):
            self.block(loop.body)
        places.shifts.pop(counter, None)
        self.naming.release(name)
        values.touch(changing)

    def _bounds(self, trip: Expr, low: Form) -> tuple[str, Form]:
        places = self.values.places
        if places.is_safe(trip):
            end = plus(places.form(trip), low)
        else:
            end = plus({at_least(self.values.operand(trip, "int64"), AND + 3): 1}, low)
        return places.written(low).text, end

    def _while(self, loop: While) -> None:
        values = self.values
        values.need(loop.flag)
        if loop.trip is not None:
            values.need(loop.trip)
        flag = values.operand(loop.flag, "bool").text if self.writing else ""
        changing = changed(loop.body) | {loop.counter}
        counts = loop.done is not None or loop.trip is not None or self.homes.is_used(loop.counter)
        limit = ""
        if self.writing and loop.trip is not None:
            text = values.operand(loop.trip, "int64")
            limit = at_least(text, COMPARE + 1)
        self.ranges.below(loop.counter, loop.trip)
        self._hoist(loop.body, changing)
        values.touch(changing)
        if loop.done is not None:
            known = values.names.get(loop.done)
            name = known or self._new(loop.done)
            if self.writing:
                self.add(f"{name} = 0;" if known else f"int64_t {name} = 0;")
        else:
            name = self.naming.index() if counts else ""
        if counts:
            values.name(loop.counter, name)
        if limit:
            flag = f"{flag} && {name} < {limit}"
        if loop.done is not None:
            head = f"for (; {flag}; {name}++)"
        elif counts:
            head = f"for (int64_t {name} = 0; {flag}; {name}++)"
        else:
            head = f"while ({flag})"
        with self.braced(head):
            self.block(loop.body)
        if counts and loop.done is None:
            self.naming.release(name)
        values.touch(changing)
        if loop.done is not None:
            values.touch([loop.done])

    # --- what does not change in a loop ------------------------------------------------------------------
    def _hoist(self, body: Block, changing: set[Expr | Buffer]) -> None:
        """Compute in front of a loop what costs much and is the same each time.

        What reads memory is, only if it is certainly there even where the loop does not run.
        """
        vary = varying(body, changing)
        seen: set[Expr] = set()
        waiting = [body]
        for block in waiting:
            for statement in block:
                if isinstance(statement, If):
                    continue
                waiting.extend(blocks(statement))
                stack = list(reversed(expressions(statement)))
                while stack:
                    node = stack.pop()
                    if node in seen:
                        continue
                    seen.add(node)
                    if vary[node]:
                        stack.extend(reversed(node.args))
                    elif self._is_worth_hoisting(node):
                        self.values.keep(node)

    def _is_worth_hoisting(self, node: Expr) -> bool:
        if not node.args or self.values.is_cheap(node):
            return False
        todo, seen, costly = [node], {node}, False
        while todo:
            top = todo.pop()
            costly = costly or (top.op is not READ and bool(top.args) and is_expensive(top))
            if top.op is SYMBOL and not self._has_value(top):
                return False
            for arg in top.args:
                if arg not in seen:
                    seen.add(arg)
                    todo.append(arg)
        return costly and all(self._is_there(r) for r in reads(node))

    def _has_value(self, variable: Expr) -> bool:
        return variable in self.values.names or variable in self.values.aliases

    def _is_there(self, node: Expr) -> bool:
        buffer: Buffer = node.attr.buffer
        return all(
            self.ranges.inside(place, as_number(extent))
            for place, extent in zip(node.args, buffer.shape, strict=True)
        )


def _plain(variable: Expr) -> str:
    """What a variable is called that was made for a purpose."""
    hint = str(variable.attr.name).lstrip("%").rstrip("0123456789")
    if hint in ("c", "chosen"):
        dtype = variable.value_type.dtype
        return "flag" if dtype == "bool" else "count" if dtype.startswith("int") else "s"
    return {"done": "count", "read": "old", "kept": "t"}.get(hint, hint) or "t"


def _negation(condition: Text) -> str:
    """That a condition does not hold; comparisons are not turned round, for NaN."""
    text = condition.text
    if condition.level > COMPARE and text.startswith("!"):
        return text[2:-1] if _is_bracketed(text[1:]) else text[1:]
    if " == " in text and condition.level == COMPARE - 1 and text.count(" == ") == 1:
        return text.replace(" == ", " != ")
    if " != " in text and condition.level == COMPARE - 1 and text.count(" != ") == 1:
        return text.replace(" != ", " == ")
    return f"!{at_least(condition, COMPARE + 3)}"


def _is_bracketed(text: str) -> bool:
    """Whether one pair of brackets is around a whole text."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if not depth:
            return k == len(text) - 1 and k > 0
    return False
