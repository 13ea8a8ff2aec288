"""Expressions as C: what is written where it is used, and what gets a name first.

A program is gone through twice in the same way. The first time only counts how often each value is used for
as long as it stays right; the second time writes. What is used once stands where it is used; what is short
stands wherever it is used; all else gets a name where it is first needed. Values that cost much and do not
change in a loop are computed in front of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, NamedTuple

from wengert.emit.c.naming import Naming
from wengert.emit.c.operations import (
    OPERATIONS,
    Used,
    choice,
    converted,
    is_float,
    negated,
    whole_power,
)
from wengert.emit.c.places import Places
from wengert.emit.c.text import (
    PRODUCT,
    SUM,
    Text,
    ctype,
    joined,
    literal,
    plain_number,
)
from wengert.ir.node import Expr
from wengert.ir.types import Type, promote
from wengert.lower.changes import Changing, bottom_up
from wengert.lower.nest import READ, Assign, Buffer, Unsupported
from wengert.lower.values import at_most, reads
from wengert.ops.leaves import CONSTANT, PI, SIZE, SYMBOL, machine_number, number_of

__all__ = ["Plan", "Values"]

_NOTHING: frozenset[Changing] = frozenset()
_WEAK_FLOAT = Type("float64", weak=True)
_INT = Type("int64")
_MOST_EXACT = 2**53  # whole numbers below are floats
_MOST_MULTIPLIED = 8  # exponents up to here are products
_LONGEST = 84  # of an expression that stands where it is used
_FEW = 12  # nodes of what is computed again wherever it is used
_SHORT = 24  # of a part of a long expression that gets no name


class Plan:
    """What going through once has found out."""

    def __init__(self) -> None:
        self.uses: list[int] = []  # of each value, in the order of their computation
        self.named: set[Expr] = set()  # variables whose value has to be kept where it is assigned


class _Known(NamedTuple):
    number: int
    time: int
    depends: frozenset[Changing]


class Values:
    """The values of a function.

    ``counting``: counters, and integer variables that only count. ``slots``: the variables that change.
    ``declare`` is given the lines that name a value.
    """

    def __init__(
        self,
        plan: Plan,
        writing: bool,
        naming: Naming,
        used: Used,
        sizes: dict[str, str],
        slots: set[Expr],
        counting: Callable[[Expr], bool],
        declare: Callable[[str], None],
    ) -> None:
        self.plan, self.writing, self.naming, self.used = plan, writing, naming, used
        self.slots, self.declare = slots, declare
        self.names: dict[Expr | Buffer, str] = {}
        self.places = Places(sizes, self.names, counting, self.text)
        self.aliases: dict[Expr, tuple[Expr, int, frozenset[Changing]]] = {}
        self._count = 0
        self._known: dict[Expr, _Known] = {}
        self._texts: dict[Expr, Text] = {}
        self._log: list[tuple[Expr, _Known | None, Text | None]] = []
        self._touched: dict[Changing, int] = {}
        self._clock = 0
        self._cheap: dict[Expr, bool] = {}
        self._numbers: dict[Expr, bool] = {}

    # --- what is known -----------------------------------------------------------------------------------
    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed in here is forgotten at the end."""
        start = len(self._log)
        yield
        for node, known, text in reversed(self._log[start:]):
            if known is None:
                del self._known[node]
            else:
                self._known[node] = known
            if text is None:
                self._texts.pop(node, None)
            else:
                self._texts[node] = text
        del self._log[start:]

    def touch(self, things: Iterable[Changing]) -> None:
        """These have changed, or may have by the next time that what follows is executed."""
        self._clock += 1
        for thing in things:
            self._touched[thing] = self._clock

    def name(self, thing: Expr | Buffer, name: str) -> None:
        """What a variable or a buffer is called."""
        self.names[thing] = name
        if isinstance(thing, Expr):
            self._cheap[thing] = True

    def alias(self, statement: Assign) -> None:
        """A variable stands for its value, for as long as that can still be computed."""
        value = statement.value
        self.aliases[statement.variable] = (value, self._clock, self.depends(value))
        self._cheap[statement.variable] = self.is_cheap(value)

    def is_cheap(self, node: Expr) -> bool:
        """Whether a node may be computed again wherever it is used."""
        known = self._cheap.get(node)
        if known is None:
            known = self._cheap[node] = self._is_cheap(node)
        return known

    def _is_cheap(self, node: Expr) -> bool:
        op = node.op
        if op in (CONSTANT, SIZE, PI, SYMBOL):
            return True
        if self.places.is_safe(node):
            return all(self.is_cheap(a) for a in node.args)
        if not at_most(node, _FEW):
            return False
        if op is READ:
            return all(self.is_cheap(a) and _size_of(a) <= 3 for a in node.args)
        if op.name in ("cast", "to_integer") and len(node.args) == 1:
            (arg,) = node.args
            return self.is_cheap(arg) and (not arg.args or _same(arg, node))
        return False

    # --- first: what is needed ---------------------------------------------------------------------------
    def need(self, *roots: Expr) -> None:
        """Note that values are used here; in the end they can be written."""
        bottom_up(roots, self._is_known, self._see, self._needed)
        for root in roots:
            self._use(root)

    def keep(self, node: Expr) -> None:
        """Compute a value here, under a name."""
        bottom_up([node], self._is_known, self._see, self._needed)
        if not self.is_cheap(node):
            self.plan.uses[self._known[node].number] += 2

    def _needed(self, node: Expr) -> tuple[Expr, ...]:
        alias = self.aliases.get(node)
        return node.args if alias is None else (alias[0],)

    def _use(self, node: Expr, times: int = 1) -> None:
        if not self.is_cheap(node):
            self.plan.uses[self._known[node].number] += times

    def _is_known(self, node: Expr) -> bool:
        if self.is_cheap(node):
            self._check_aliases(node)
            return True
        known = self._known.get(node)
        if known is None:
            if node in self.aliases:
                self._check_alias(node)
            return False
        return all(self._touched.get(d, 0) <= known.time for d in known.depends)

    def _check_aliases(self, node: Expr) -> None:
        todo = [node]
        while todo:
            top = todo.pop()
            if top in self.aliases:
                self._check_alias(top)
                todo.append(self.aliases[top][0])
            todo.extend(top.args)

    def _check_alias(self, variable: Expr) -> None:
        _, time, depends = self.aliases[variable]
        if any(self._touched.get(d, 0) > time for d in depends):
            self.plan.named.add(variable)

    def _see(self, node: Expr) -> None:
        if not self.writing:
            self.plan.uses.append(0)
        for arg, times in _operands(node, self._needed(node)):
            self._use(arg, times)
        number = self._count
        self._count += 1
        self._log.append((node, self._known.get(node), self._texts.get(node)))
        self._known[node] = _Known(number, self._clock, self.depends(node))
        if self.writing:
            self._texts[node] = self._written(node)
            if self.plan.uses[number] > 1 and not self._texts[node].text.isidentifier():
                self._named(node)

    def depends(self, node: Expr) -> frozenset[Changing]:
        """What a value depends on that may change; variables that stand for a value do not."""
        found: set[Changing] = set()
        todo, seen = [node], {node}
        while todo:
            top = todo.pop()
            known = self._known.get(top)
            if top in self.slots:
                found.add(top)
            elif known is not None:
                found |= known.depends
            else:
                if top.op is READ and top.attr.buffer.role not in ("input", "table"):
                    found.add(top.attr.buffer)
                new = [a for a in top.args if a not in seen]
                seen.update(new)
                todo += new
        return frozenset(found)

    # --- then: its text ----------------------------------------------------------------------------------
    def _named(self, node: Expr, hint: str = "") -> None:
        """Give a value a name here."""
        text = self._texts[node]
        name = self.naming.new(hint) if hint else self.naming.numbered("t")
        self.declare(f"const {ctype(node.value_type.dtype)} {name} = {text.text};")
        self._texts[node] = Text(name)

    def text(self, node: Expr) -> Text:
        """What is written for a value that is known."""
        known = self._texts.get(node)
        if known is not None and not self.is_cheap(node):
            return known
        return self._written(node)

    def resolved(self, node: Expr) -> Expr:
        """The value that a variable stands for."""
        while node in self.aliases and node not in self.names and not self.is_named(node):
            node = self.aliases[node][0]
        return node

    def is_named(self, node: Expr) -> bool:
        """Whether a value that is known has a name."""
        known = self._known.get(node)
        return known is not None and self.plan.uses[known.number] > 1

    def term(self, coefficient: Any, node: Expr, dtype: str) -> Text:  # Any: int, Fraction or float
        """A multiple of a value."""
        return self._term(coefficient, node, Type(dtype), True)  # type: ignore[arg-type]  # of a type

    def operand(self, node: Expr, dtype: str, beside: bool = False) -> Text:
        """A value as a number of a dtype; ``beside`` one of that type, where C converts literals."""
        if node.op is CONSTANT:
            return (plain_number if beside else literal)(node.attr, dtype)
        own = node.value_type.dtype
        if node.op.name == "cast" and own == dtype and node.args[0].op is CONSTANT:
            return self.operand(node.args[0], dtype, beside)
        return converted(self.used, self.text(node), own, dtype)

    def index(self, buffer: Buffer, places: tuple[Expr, ...]) -> Text:
        """An element of a buffer."""
        name = self.names.get(buffer)
        if name is None:
            raise Unsupported(f"a buffer `{buffer.name}` that the program does not list")
        place = self.places.index(places, buffer.shape, lambda p: self.operand(p, "int64"))
        return Text(f"{name}[{place}]")

    def _written(self, node: Expr) -> Text:
        op, dtype = node.op, node.value_type.dtype
        name = self.names.get(node)
        if node in self.places.zeros:
            return Text("0")
        if name is not None:
            shift = self.places.shifts.get(node)
            return (
                self.places.written({name: 1, **{k: -c for k, c in shift.items()}})
                if shift
                else Text(name)
            )
        if node in self.aliases:
            return self.text(self.aliases[node][0])
        if op is CONSTANT:
            return literal(node.attr, dtype)
        if op is PI:
            return literal(node.attr.value, dtype)
        if op is SYMBOL:
            raise Unsupported(f"a variable `{node.attr.name}` without a value")
        if op is READ:
            return self.index(node.attr.buffer, node.args)
        if self.places.is_safe(node):
            return self.places.written(self.places.form(node))
        self._shortened(node)
        return self.of_op(node)

    def _shortened(self, node: Expr) -> None:
        """Names for the longest parts of what would not fit on a line."""
        parts = [a for a in dict.fromkeys(node.args) if a in self._texts and not self.is_cheap(a)]
        parts.sort(key=lambda a: len(self._texts[a].text))
        while parts and sum(len(self.text(a).text) for a in node.args) > _LONGEST:
            longest = parts.pop()
            if len(self._texts[longest].text) <= _SHORT:
                return
            self._named(longest)

    # --- ops -----------------------------------------------------------------------------------------------
    def of_op(self, node: Expr) -> Text:
        """Any op but leaves and reads."""
        name, dtype = node.op.name, node.value_type.dtype
        match name:
            case "lin":
                return self._sum(node)
            case "ein":
                return self._product(node)
            case "pow":
                return self._power(node)
            case "cast" | "to_integer":
                return self.operand(node.args[0], dtype)
            case "where":
                return self._where(node)
        operation = OPERATIONS.get(name)
        if operation is None:
            raise Unsupported(f"`{name}`")
        match operation.operands:
            case "result":
                common = dtype
            case "common":
                common = promote(*[a.value_type for a in node.args]).dtype
            case "truth":
                common = "bool"
        beside = [False] * len(node.args)
        if is_float(common) and node.op.name in ("div", "lt", "le", "eq", "ne"):
            beside = self._beside(node)
        args = [self.operand(a, common, b) for a, b in zip(node.args, beside, strict=True)]
        return operation.write(self.used, common, *args)

    def _beside(self, node: Expr) -> list[bool]:
        """Which operands stand beside others whose type C converts them to: numbers beside no numbers."""
        numbers = [self.is_number(a) for a in node.args]
        alone = numbers.count(True) == 1 and len(numbers) > 1
        return [n and alone for n in numbers]

    def is_number(self, node: Expr) -> bool:
        """Whether a value is put together of nothing but known numbers."""
        known = self._numbers

        def see(each: Expr) -> None:
            known[each] = each.op is CONSTANT or (
                bool(each.args) and all(known[a] for a in each.args)
            )

        bottom_up([node], known.__contains__, see)
        return known[node]

    def _where(self, node: Expr) -> Text:
        condition, yes, no = node.args
        dtype = node.value_type.dtype
        truth = self.operand(condition, "bool")
        if dtype == "bool":
            known = [bool(a.attr) if a.op is CONSTANT else None for a in (yes, no)]
            others = [self.operand(a, "bool") for a in (yes, no)]
            write = {k: OPERATIONS[k].write for k in ("logical_and", "logical_or", "logical_not")}
            if known == [True, False]:
                return truth
            if known == [False, True]:
                return write["logical_not"](self.used, dtype, truth)
            if known[1] is False or no is condition:
                return write["logical_and"](self.used, dtype, truth, others[0])
            if known[0] is True or yes is condition:
                return write["logical_or"](self.used, dtype, truth, others[1])
        return choice(truth, self.operand(yes, dtype), self.operand(no, dtype))

    def _sum(self, node: Expr) -> Text:
        """``c1*t1 + c2*t2 + ...`` in the order of ``ops/sums.py``, each step in its own type."""
        terms = list(zip(node.attr, node.args, self._beside(node), strict=True))
        types = [self._term_type(c, t) for c, t, _ in terms]
        if len(terms) > 1 and terms[0][0] < 0 < terms[1][0] and types[0].dtype == types[1].dtype:
            terms[:2], types[:2] = terms[1::-1], types[1::-1]
        total: Text | None = None
        so_far = types[0]
        for (coefficient, term, beside), type_ in zip(terms, types, strict=True):
            if total is None:
                total = self._term(coefficient, term, type_, beside)
                continue
            minus = coefficient < 0 and is_float(type_.dtype)
            common = promote(so_far, type_)
            value = self._term(-coefficient if minus else coefficient, term, type_, beside)
            total = self._plus(total, so_far, value, type_, common.dtype, minus)
            so_far = common
        assert total is not None
        return converted(self.used, total, so_far.dtype, node.value_type.dtype)

    def _plus(self, a: Text, a_type: Type, b: Text, b_type: Type, dtype: str, minus: bool) -> Text:
        a = (
            a
            if a_type.dtype == dtype or _is_literal(a)
            else converted(self.used, a, a_type.dtype, dtype)
        )
        b = (
            b
            if b_type.dtype == dtype or _is_literal(b)
            else converted(self.used, b, b_type.dtype, dtype)
        )
        if not is_float(dtype):
            return self.used.helper("add", dtype, a, b)
        if b.text.startswith("-") and b.level >= PRODUCT:
            b, minus = Text(b.text[1:], b.level), not minus
        return joined("-" if minus else "+", a, b, SUM)

    def _term_type(self, coefficient: Any, term: Expr) -> Type:  # Any: int, Fraction or float
        type_ = term.value_type
        if type_.dtype == "bool":
            type_ = _INT
        if type(machine_number(coefficient)) is not int:
            type_ = promote(type_, _WEAK_FLOAT)
        return type_

    def _term(self, coefficient: Any, term: Expr, type_: Type, beside: bool) -> Text:
        dtype = type_.dtype
        value = self.operand(term, dtype, beside)
        if coefficient == 1:
            return value
        if coefficient == -1:
            return negated(self.used, dtype, value)
        if not is_float(dtype):
            return self.used.helper("mul", dtype, literal(coefficient, dtype), value)
        if isinstance(coefficient, Fraction) and (
            max(abs(coefficient.numerator), coefficient.denominator) < _MOST_EXACT
        ):
            top = self.operand(term, dtype)
            if coefficient.numerator == -1:
                top = negated(self.used, dtype, top)
            elif coefficient.numerator != 1:
                top = joined("*", plain_number(coefficient.numerator, dtype), top, PRODUCT)
            return joined("/", top, plain_number(coefficient.denominator, dtype), PRODUCT)
        return joined("*", plain_number(machine_number(coefficient), dtype), value, PRODUCT)

    def _product(self, node: Expr) -> Text:
        attr, dtype = node.attr, node.value_type.dtype
        if attr.out or attr.new or any(attr.factors):
            raise Unsupported("a product with axes")
        total: Text | None = None
        for a, beside in zip(node.args, self._beside(node), strict=True):
            value = self.operand(a, dtype, beside)
            if total is None:
                total = value
            elif dtype == "bool":
                total = OPERATIONS["logical_and"].write(self.used, dtype, total, value)
            elif is_float(dtype):
                total = joined("*", total, value, PRODUCT)
            else:
                total = self.used.helper("mul", dtype, total, value)
        return total or literal(1, dtype)

    def _power(self, node: Expr) -> Text:
        base, exponent = node.args
        dtype, known = node.value_type.dtype, number_of(exponent)
        x = self.operand(base, dtype)
        if not is_float(dtype):
            if not isinstance(known, int) or known < 0:
                raise Unsupported("`pow` of integers with an exponent that only running tells")
            return self.used.helper("power", dtype, x, Text(str(known)))
        times = _multiplied(node)
        if known is not None and float(known) == -0.5:
            return self.used.helper("inverse_root", dtype, x)
        if times or (known is not None and float(known) == 0.5):
            if times:
                value = whole_power(self.used, dtype, x, times)
            else:
                value = OPERATIONS["sqrt"].write(self.used, dtype, x)
            return value if float(known) > 0 else joined("/", Text("1"), value, PRODUCT)  # type: ignore[arg-type]
        return OPERATIONS["pow"].write(self.used, dtype, x, self.operand(exponent, dtype))


def _multiplied(node: Expr) -> int:
    """By how many multiplications a power is written, if it is."""
    known = number_of(node.args[1])
    if known is None or not is_float(node.value_type.dtype):
        return 0
    size = abs(float(known))
    return int(size) if 0 < size <= _MOST_MULTIPLIED and size == int(size) else 0


def _operands(node: Expr, args: tuple[Expr, ...]) -> Iterator[tuple[Expr, int]]:
    """The arguments, with how often the text of each stands in that of the node."""
    times = 1
    if node.op.name == "pow":
        times = _multiplied(node)
        times = times if times in (2, 3) else 1
    for k, arg in enumerate(args):
        yield arg, times if k == 0 else 1


def _size_of(node: Expr) -> int:
    return 1 + sum(_size_of(a) for a in node.args)


def _same(a: Expr, b: Expr) -> bool:
    return a.value_type.dtype == b.value_type.dtype


def _is_literal(text: Text) -> bool:
    return text.text[0].isdigit() and text.text.isdigit()


def is_expensive(node: Expr) -> bool:
    """Whether an op takes long: a division, or a function."""
    if node.op.name == "lin" and is_float(node.value_type.dtype):
        return any(
            isinstance(c, Fraction) and c.denominator & (c.denominator - 1) for c in node.attr
        )
    if node.op.name in (
        "lin",
        "ein",
        "cast",
        "to_integer",
        "where",
        "read",
        "lt",
        "le",
        "eq",
        "ne",
    ):
        return False
    return node.op.name != "pow" or not _multiplied(node)


def surely_inside(node: Expr, inside: Callable[[Buffer, tuple[Expr, ...]], bool]) -> bool:
    """Whether everything that a value reads is certainly there."""
    return all(inside(r.attr.buffer, r.args) for r in reads(node))
