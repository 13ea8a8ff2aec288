"""Expressions as instructions, each computed once for as long as that stays right.

`Values` has the scalars of a function. `Lanes` has, inside one loop, many iterations at once: what depends
on the counter is a vector, all else is asked of the scalars.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

from wengert.ir.node import Expr
from wengert.ir.types import Type, promote
from wengert.lower.changes import Changing, bottom_up
from wengert.lower.nest import READ, Buffer, Unsupported
from wengert.native.conversions import converted, kind_of, literal, memory_kind
from wengert.native.memory import Memory
from wengert.native.parts import Earlier
from wengert.native.primitives import PRIMITIVES, Writer, integer_power
from wengert.native.special import scipy as _scipy  # noqa: F401  its module adds to PRIMITIVES
from wengert.native.text import I64, Function, Kind
from wengert.native.whole import running_power
from wengert.ops.leaves import CONSTANT, PI, SIZE, SYMBOL, machine_number, number_of

__all__ = ["Lanes", "Values", "last_offset"]

_NOTHING: frozenset[Changing] = frozenset()
_WEAK_FLOAT = Type("float64", weak=True)
_INT = Type("int64")
_TRUTH = Type("bool")
_MOST_EXACT = 2**53  # whole numbers below are floats
_MOST_MULTIPLIED = (
    8  # exponents up to here are products: an error of at most 4 units in the last place
)


class _Written:
    """What scalars and lanes share: the instructions of an op whose operands are known."""

    lanes: int = 1

    def __init__(self, writer: Writer, memory: Memory) -> None:
        self.writer = writer
        self.memory = memory
        self.f: Function = writer.f

    def value(self, node: Expr) -> str:
        raise NotImplementedError

    def kind(self, type_: Type) -> Kind:
        return kind_of(type_.dtype, self.lanes)

    def operand(self, node: Expr, type_: Type) -> str:
        """A node's value, converted."""
        if node.op is CONSTANT:
            return literal(node.attr, self.kind(type_))
        value, own = self.value(node), node.value_type
        if own.dtype == type_.dtype:
            return value
        _check_narrow(own, type_)
        return converted(self.f, value, self.kind(own), self.kind(type_))

    def index(self, node: Expr) -> str:
        """A node as a place in a buffer."""
        return self.operand(node, _INT)

    def of_op(self, node: Expr) -> str:
        """The instructions of any op but leaves and reads."""
        name, type_ = node.op.name, node.value_type
        match name:
            case "lin":
                return self._sum(node)
            case "ein":
                return self._product(node)
            case "pow":
                return self._power(node)
            case "cast" | "to_integer":
                return self.operand(node.args[0], type_)
            case "where":
                condition = self.operand(node.args[0], _TRUTH)
                yes, no = (self.operand(a, type_) for a in node.args[1:])
                return self.f.select(self.kind(type_), condition, yes, no)
        primitive = PRIMITIVES.get(name)
        if primitive is None:
            raise Unsupported(f"`{name}`", name)
        match primitive.operands:
            case "result":
                common = type_
            case "common":
                common = _compared([a.value_type for a in node.args])
            case "truth":
                common = _TRUTH
        kind = self.kind(common)
        return primitive.write(self.writer, kind, *[self.operand(a, common) for a in node.args])

    def _sum(self, node: Expr) -> str:
        """``c1*t1 + c2*t2 + ...`` in the order of ``ops/sums.py``, each step in its own type."""
        total, so_far = "", _INT
        known: int | None = None  # what the total is, or nothing
        for coefficient, term in zip(node.attr, node.args, strict=True):
            if not total:
                total, so_far = self._term(coefficient, term)
                known = _whole(coefficient, term)
                continue
            minus = coefficient == -1
            value, type_ = self._term(1 if minus else coefficient, term)
            common = promote(so_far, type_)
            total = self._widened(total, so_far, common, known)
            value = self._widened(value, type_, common, _whole(1 if minus else coefficient, term))
            kind, known = self.kind(common), None
            if minus:
                total = self.f.sub(kind, total, value, self.writer.of(kind))
            else:  # LLVM rather makes one instruction of the sum and a product on its left
                total = self.f.add(kind, value, total, self.writer.of(kind))
            so_far = common
        if so_far.dtype.startswith("float") and node.value_type.dtype.startswith("int"):
            raise Unsupported("an integer of more than 64 bits among integers")
        return converted(self.f, total, self.kind(so_far), self.kind(node.value_type))

    def _widened(self, value: str, own: Type, common: Type, known: int | None) -> str:
        """A term in the type of a sum; ``known`` is the whole number that it is, if it is one."""
        if known is not None and common.dtype == "int32":
            return literal(known, self.kind(common))
        _check_narrow(own, common)
        return converted(self.f, value, self.kind(own), self.kind(common))

    def _term(
        self, coefficient: Any, term: Expr
    ) -> tuple[str, Type]:  # Any: int, Fraction or float
        f, type_ = self.f, term.value_type
        if type_.dtype == "bool":
            type_ = _INT
        number = machine_number(coefficient)
        if type(number) is not int:
            type_ = promote(type_, _WEAK_FLOAT)
        kind = self.kind(type_)
        flags = self.writer.of(kind)
        value = self.operand(term, type_)
        if coefficient == 1:
            return value, type_
        if coefficient == -1:
            return f.neg(kind, value, flags), type_
        if isinstance(coefficient, Fraction) and (
            max(abs(coefficient.numerator), coefficient.denominator) < _MOST_EXACT
        ):
            # A power of two below is exact either way, and a product is faster.
            if coefficient.denominator & (coefficient.denominator - 1) == 0:
                return f.mul(kind, literal(coefficient, kind), value, flags), type_
            if coefficient.numerator != 1:
                value = f.mul(kind, literal(coefficient.numerator, kind), value, flags)
            return f.div(kind, value, literal(coefficient.denominator, kind), flags), type_
        return f.mul(kind, literal(number, kind), value, flags), type_

    def _product(self, node: Expr) -> str:
        attr, type_ = node.attr, node.value_type
        if attr.out or attr.new or any(attr.factors):
            raise Unsupported("a product with axes")
        kind, total = self.kind(type_), ""
        for a in node.args:
            value = self.operand(a, type_)
            if not total:
                total = value
            elif type_.dtype == "bool":
                total = self.f.binary("and", kind, total, value)
            else:
                total = self.f.mul(kind, total, value, self.writer.of(kind))
        return total or kind.constant(1)

    def _power(self, node: Expr) -> str:
        base, exponent = node.args
        kind, known = self.kind(node.value_type), number_of(exponent)
        x = self.operand(base, node.value_type)
        if not kind.is_float:
            if kind.mask is kind:
                raise Unsupported("`pow` of truth values")
            if not isinstance(known, int):
                return running_power(self.writer, kind, x, self.operand(exponent, node.value_type))
            if known < 0:
                raise Unsupported("`pow` of integers with a negative exponent")
            return integer_power(self.writer, kind, x, known) if known else kind.constant(1)
        f, w = self.f, self.writer
        size = 0.0 if known is None else abs(float(known))
        whole = 0 < size <= _MOST_MULTIPLIED and size == int(size)
        if known is not None and (whole or size == 0.5):
            if known == -0.5:  # powers are positive: that of -0 is inf, that of -inf is 0
                least = f.compare(kind, "oeq", x, kind.constant(-math.inf))
                x = f.select(kind, least, kind.constant(math.inf), f.add(kind, x, kind.constant(0)))
            value = integer_power(w, kind, x, int(size)) if whole else f.intrinsic("sqrt", kind, x)
            return value if known > 0 else f.div(kind, kind.constant(1), value, w.flags)
        return w.function("pow", kind, x, self.operand(exponent, node.value_type))


def _whole(coefficient: Any, term: Expr) -> int | None:  # Any: int, Fraction or float
    """The integer of Python's that a term is, if it is one."""
    if type(coefficient) is int and term.op is CONSTANT and type(term.attr) is int:
        return coefficient * term.attr
    return None


def _check_narrow(own: Type, type_: Type) -> None:
    """Refuse an integer of Python's beside integers of 32 bits: NumPy raises an error if it is too large."""
    if own.weak and own.dtype == "int64" and type_.dtype == "int32":
        raise Unsupported("an integer of Python's, not known before, among those of 32 bits")


def _compared(types: list[Type]) -> Type:
    """As what numbers are compared: integers of Python's by their value, however large."""
    common = promote(*types)
    wide = common.dtype == "int32" and any(t.dtype == "int64" for t in types)
    return _INT if wide else common


class Values(_Written):
    """The scalars of a function.

    ``slots`` are the addresses of the variables that change. A value is right until something that it
    depends on changes (`touch`), or the block ends that it was computed in (`scope`).
    """

    def __init__(self, writer: Writer, memory: Memory, slots: Mapping[Expr, str]) -> None:
        super().__init__(writer, memory)
        self.slots = slots
        self.blocks: dict[Buffer, tuple[str, str]] = {}  # addresses of a block's address and bytes
        self._known: dict[Changing, tuple[str, int]] = {}
        self._log: list[tuple[Changing, tuple[str, int] | None]] = []
        self._depends: dict[Changing, frozenset[Changing]] = {}
        self._touched: dict[Changing, int] = {}
        self._clock = 0
        self.earlier: Earlier | None = None
        memory.held, memory.number = self.held, self.value

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed in here is forgotten at the end."""
        start = len(self._log)
        with self.f.scope():
            yield
        for node, before in reversed(self._log[start:]):
            if before is None:
                del self._known[node]
            else:
                self._known[node] = before
        del self._log[start:]

    def touch(self, things: Iterable[Changing]) -> None:
        """These have changed, or may have by the next time that what follows is executed."""
        self._clock += 1
        for thing in things:
            self._touched[thing] = self._clock

    def bind(self, node: Changing, value: str) -> None:
        """The value of a node from now on."""
        self._log.append((node, self._known.get(node)))
        self._known[node] = (value, self._clock)
        if node not in self._depends:
            self._depends[node] = self._dependence(node)

    def value(self, node: Expr) -> str:
        """The scalar value of a node."""
        if not self._is_known(node):
            bottom_up([node], self._is_known, self._see, self._needed)
        return self._known[node][0]

    def _needed(self, node: Expr) -> tuple[Expr, ...]:
        return () if self.earlier is not None and self.earlier.knows(node) else node.args

    def unchanging(self) -> dict[Expr, str]:
        """What is known now and never changes."""
        return {
            node: value
            for node, (value, _) in self._known.items()
            if isinstance(node, Expr) and not self._depends[node]
        }

    def held(self, buffer: Buffer) -> str:
        """Where the block of a heap buffer is."""
        if not self._is_known(buffer):
            self.bind(buffer, self.f.value(f"load ptr, ptr {self.blocks[buffer][0]}, align 8"))
        return self._known[buffer][0]

    def _see(self, node: Expr) -> None:
        if self.earlier is not None and self.earlier.knows(node):
            self.bind(node, self.earlier.value(self.f, node))
        else:
            self.bind(node, self._written(node))

    def _is_known(self, node: Changing) -> bool:
        entry = self._known.get(node)
        if entry is None:
            return False
        depends = self._depends[node]
        return not depends or all(self._touched.get(d, 0) <= entry[1] for d in depends)

    def _dependence(self, node: Changing) -> frozenset[Changing]:
        if isinstance(node, Buffer):
            return frozenset(node.extents[:1])  # whoever allocates sets them
        if node in self.slots:
            return frozenset([node])
        found = _NOTHING
        for a in node.args:
            more = self._depends.get(a, _NOTHING)
            if not more <= found:
                found = found | more
        if node.op is READ and node.attr.buffer.role in ("local", "output", "heap"):
            found = found | {node.attr.buffer}
        return found

    def _written(self, node: Expr) -> str:
        op = node.op
        if op is CONSTANT:
            return literal(node.attr, self.kind(node.value_type))
        if op is PI:
            return literal(node.attr.value, self.kind(node.value_type))
        if op is SIZE:
            return self.memory.sizes.value(node.attr)
        if op is SYMBOL:
            slot = self.slots.get(node)
            if slot is None:
                raise Unsupported(f"a variable `{node.attr.name}` without a value")
            return self.f.load(self.kind(node.value_type), slot)
        if op is READ:
            buffer: Buffer = node.attr.buffer
            address = self.memory.address(buffer, [self.index(p) for p in node.args])
            return self.memory.load(buffer, address)
        return self.of_op(node)


class Lanes(_Written):
    """Several iterations of a loop at once, from the one at ``base`` on.

    ``mask`` is empty or tells which of the lanes are iterations that exist.
    """

    def __init__(
        self, values: Values, lanes: int, counter: Expr, varying: Mapping[Expr, bool],
        base: str, mask: str = "", most: str = "",
    ) -> None:  # fmt: skip
        super().__init__(values.writer, values.memory)
        self.values = values
        self.lanes = lanes
        self.counter = counter
        self.varying = varying
        self.base = base
        self.mask = mask
        self.most = most  # the last iteration, where there is a mask
        self.known: dict[Expr, str] = {}

    def value(self, node: Expr) -> str:
        """The value of a node in all lanes."""
        if node not in self.known:
            bottom_up([node], self.known.__contains__, self._see, self._needed)
        return self.known[node]

    def _needed(self, node: Expr) -> tuple[Expr, ...]:
        if not self.varying.get(node, False):
            return ()
        if node.op is READ and last_offset(node.args, self.counter, self.varying) is not None:
            return ()
        return tuple([a for a in node.args if a.op is not CONSTANT])

    def _see(self, node: Expr) -> None:
        self.known[node] = self._written(node)

    def _written(self, node: Expr) -> str:
        if not self.varying.get(node, False):
            return self.f.splat(self.kind(node.value_type), self.values.value(node))
        if node is self.counter:
            return self._counters()
        if node.op is READ:
            return self._read(node)
        if node.op is SYMBOL:
            raise Unsupported("a variable of a loop that another one sets")
        return self.of_op(node)

    def _counters(self) -> str:
        f, kind = self.f, kind_of("int64", self.lanes)
        steps = kind.listed(range(self.lanes))
        counts = f.add(kind, f.splat(kind, self.base), steps, "nsw ")
        if not self.mask:
            return counts
        # Lanes that do not exist repeat the last that does.
        return f.intrinsic("smin", kind, counts, f.splat(kind, self.most))

    def contiguous(self, buffer: Buffer, places: tuple[Expr, ...]) -> str:
        """The address of the first lane where the lanes stand next to each other, else nothing."""
        rest = last_offset(places, self.counter, self.varying)
        if rest is None:
            return ""
        f, memory, scalar = self.f, self.memory, self.values
        row = memory.row(buffer, [scalar.index(p) for p in places[:-1]])
        kind = memory_kind(buffer.dtype)
        for term, sign in rest:
            start = scalar.index(term)
            if sign != 1:
                start = f.mul(I64, start, str(sign), "nsw ")
            row = f.element(kind, row, start)
        return f.element(kind, row, self.base)

    def _read(self, node: Expr) -> str:
        buffer: Buffer = node.attr.buffer
        memory = self.memory
        first = self.contiguous(buffer, node.args)
        if first:
            return memory.load(buffer, first, self.lanes, self.mask)
        addresses = self.scattered(buffer, node.args)
        return memory.gather(buffer, addresses, self.lanes, self.mask)

    def scattered(self, buffer: Buffer, places: tuple[Expr, ...]) -> str:
        """An address for each lane."""
        return self.memory.addresses(buffer, [self.index(p) for p in places], self.lanes)


def last_offset(
    places: tuple[Expr, ...], counter: Expr, varying: Mapping[Expr, bool]
) -> tuple[tuple[Expr, int], ...] | None:
    """Where the last place is the counter and some terms that do not vary, these terms with factors.

    ``None`` where it is anything else, or where another place varies.
    """
    if not places or any(varying.get(p, False) for p in places[:-1]):
        return None
    last = places[-1]
    if last is counter:
        return ()
    if last.op.name != "lin" or last.value_type.dtype != "int64":
        return None
    rest: list[tuple[Expr, int]] = []
    found = False
    for coefficient, term in zip(last.attr, last.args, strict=True):
        if varying.get(term, False):
            if found or coefficient != 1:
                return None
            deeper = () if term is counter else last_offset((term,), counter, varying)
            if deeper is None:
                return None
            found = True
            rest.extend(deeper)
        elif type(coefficient) is int:
            rest.append((term, coefficient))
        else:
            return None
    return tuple(rest) if found else None
