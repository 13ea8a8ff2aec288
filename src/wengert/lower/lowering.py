"""From a graph to loop nests.

Arrays that ops compute element by element are not stored unless somebody needs them stored: what is asked of
them is asked of their arguments. A graph is gone through level by level: a level ends where all elements of
an array are needed before the first element of another. On a level, arrays of one shape and the sums over
them are computed in one nest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import reduce
from itertools import count
from typing import Any

from wengert.ir.dims import Dim, Extent, definer, is_defined
from wengert.ir.function import Function
from wengert.ir.node import OPERATORS, Expr
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type, is_complex
from wengert.ir.walk import build, order
from wengert.lower.calls import Calling
from wengert.lower.carried import with_carried_elements
from wengert.lower.collapsed import with_collapsed_loops
from wengert.lower.constant import without_constant_variables
from wengert.lower.fusion import fused
from wengert.lower.host import has_effects, hosted, knows
from wengert.lower.in_place import with_results_in_place
from wengert.lower.looping import Looping
from wengert.lower.nest import (
    Accumulate,
    Allocate,
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
    variable,
)
from wengert.lower.order import along, in_memory_order
from wengert.lower.pairs import in_real_numbers
from wengert.lower.parallel import with_parallel_loops
from wengert.lower.ranges import Ranges
from wengert.lower.sizes import told_first
from wengert.lower.unrolled import with_short_loops_written_out
from wengert.lower.uses import remembering
from wengert.lower.values import (
    COUNTER,
    Asking,
    Folding,
    Plan,
    Riding,
    Stored,
    Value,
    in_sizes,
    of_type,
    reads,
)
from wengert.lower.written_out import written_out
from wengert.ops.choice import lt, where
from wengert.ops.control.cond import Cond
from wengert.ops.control.lengths import Loop, told_by
from wengert.ops.leaves import CONSTANT, SIZE, SYMBOL, const, size

__all__ = ["lowered"]

_MANY = 16  # carried numbers whose order is not looked for any more
_LONG = 400  # nodes from which on parts of long expressions of numbers get names
_LONGEST, _SHARED = 64, 12  # steps of such parts; of those that are wanted several times
_DEEPEST = 100  # arrays whose elements are computed of each other before one of them is stored


def lowered(
    function: Function,
    names: Mapping[Expr, str] | None = None,
    lines: Mapping[Expr, Any] | None = None,
    *,
    fuse: bool = True,
    calls: bool = True,
    strict: bool = False,
    python: frozenset[str | Expr] | None = None,
) -> Program:
    """The loop nests of a function.

    ``names``: what nodes and parameters of bodies are called; ``lines``: where in the user's program nodes
    are from. Both are only for people. ``fuse=False`` leaves all loops apart, ``calls=False`` does
    without routines of BLAS and LAPACK, ``strict`` only for sums, whose order BLAS does not tell. ``python``
    allows for calls of Python, which compute what nothing else does, all ops of these names, and these
    nodes.

    Raises:
        Unsupported: an op without a lowering, or one on types that have none; the text names it.
    """
    function, written = written_out(function, strict=strict)
    names, lines = (
        {written.get(node, node): said for node, said in (about or {}).items()}
        for about in (names, lines)
    )
    lowering = _Lowering(names, lines, calls, strict, python)
    lowering.effects = python is not None and has_effects(function.outputs)
    program = in_real_numbers(lowering.program(function))
    if not fuse:
        return program
    with remembering():
        program = without_constant_variables(program)
        program = with_parallel_loops(program, lowering.ranges)
        program = with_results_in_place(fused(with_short_loops_written_out(program)))
        return with_carried_elements(with_collapsed_loops(program), strict=strict)


class _Lowering:
    """One function: its local buffers, and the codes of its checks."""

    effects = False  # whether a part of the program must not be done twice

    def __init__(
        self, hints: Mapping[Expr, str], lines: Mapping[Expr, Any], calls: bool, strict: bool,
        python: frozenset[str | Expr] | None,
    ) -> None:  # fmt: skip
        self.calls, self.strict, self.python = calls, strict, python
        self.hints, self.lines = hints, lines  # Any: places, which are shown
        self.called: dict[Expr | Buffer, str] = {}
        self.comments: dict[Expr, str] = {}
        self.locals: list[Buffer] = []
        self.heap: list[Buffer] = []
        self.names = count()
        self.codes = count(1)
        self.ranges = Ranges()

    def by_python(self, node: Expr) -> bool:
        """Whether nothing but Python computes a node."""
        if self.python is None or not node.args:
            return False
        return node.op.name in self.python or node in self.python or not knows(node.op)

    def is_barrier(self, node: Expr) -> bool:
        """Whether all elements of the arguments are needed first."""
        return _is_barrier(node) or self.by_python(node)

    def is_lazy_array(self, node: Expr) -> bool:
        """Whether elements of an array are computed where they are asked for."""
        if isinstance(node.type, TupleType) or not node.ndim:
            return False
        return not self.is_barrier(node)

    def local(self, dtype: str, shape: Sequence[Extent]) -> Buffer:
        buffer = Buffer(f"t{next(self.names)}", dtype, tuple(shape))
        self.locals.append(buffer)
        return buffer

    def block(self, dtype: str, rank: int) -> Buffer:
        """A buffer whose memory statements ask for."""
        extents = tuple([variable(COUNTER, "extent") for _ in range(rank)])
        name = f"h{next(self.names)}"
        buffer = Buffer(name, dtype, (0,) * rank, "heap", extents=extents)
        self.heap.append(buffer)
        return buffer

    def program(self, function: Function) -> Program:
        body = Block()
        frame = _Frame(self, body, {}, {})
        inputs: list[Expr | Buffer] = []
        symbols: dict[str, tuple[int, int]] = {}
        for number, symbol in enumerate(function.inputs):
            type_ = symbol.value_type
            for axis, extent in enumerate(type_.shape):
                if isinstance(extent, Dim):
                    if extent is not Dim.named(str(extent)) or is_defined(str(extent)):
                        raise Unsupported(f"an argument with an axis of {extent} elements")
                    symbols.setdefault(str(extent), (number, axis))
                    frame.sizes.setdefault(str(extent), size(extent))
            if type_.shape:
                buffer = Buffer(f"in{number}", type_.dtype, type_.shape, "input", number)
                frame.known[symbol] = Stored(buffer, [frame.extent(e) for e in type_.shape])
                inputs.append(buffer)
            else:
                frame.known[symbol] = symbol
                inputs.append(symbol)
        outputs: list[Expr | Buffer] = []
        for number, output in enumerate(function.outputs):
            type_ = output.value_type
            if any(e.names - set(symbols) for e in type_.shape if isinstance(e, Dim)):
                raise Unsupported("a result whose size only running tells")
            outputs.append(
                Buffer(f"out{number}", type_.dtype, type_.shape, "output", number)
                if type_.shape
                else variable(type_, "out")
            )
        places: dict[Expr, Buffer] = {}
        for output, place in zip(function.outputs, outputs, strict=True):
            if isinstance(place, Buffer):
                places.setdefault(output, place)
        frame.run(function.outputs, places)
        for output, place in zip(function.outputs, outputs, strict=True):
            if not isinstance(place, Buffer):
                frame.add(Assign(place, frame.number(output)))
            elif not frame.lies_in(output, place):
                frame.copied(output, place)
        return Program(
            tuple(inputs), tuple(outputs), tuple(self.locals), body, symbols,
            heap=tuple(self.heap), names=self.called, comments=self.comments,
        )  # fmt: skip


class _Group:
    """What one nest computes: arrays of its shape, and what is folded of such."""

    def __init__(self) -> None:
        self.stored: list[Expr] = []
        self.riders: list[Expr] = []


def _is_barrier(node: Expr) -> bool:
    """Whether all elements of the arguments are needed first."""
    op = node.op
    return bool(
        (op.bodies is not None and op.element is None)
        or op.stores is not None
        or op.fills is not None
        or op.effect
        or (op.calls is not None and op.folds is None)
        or op.loops is not None
        or (op.folds is not None and op.folds(node))
    )


def _rides(node: Expr) -> tuple[Extent, ...] | None:
    """The shape of the arrays that a node folds to one number, if they are of one shape and in step."""
    if node.op.folds is None or isinstance(node.type, TupleType) or node.ndim:
        return None
    if not node.op.folds(node):
        return None
    shapes = {a.shape for a in node.args if a.ndim}
    if len(shapes) != 1 or not _in_step(node):
        return None
    return shapes.pop()


def _in_step(node: Expr) -> bool:
    """Whether it is one fold, and every element is read at the counters, in their order."""
    seen: list[tuple[Expr, ...]] = []

    class Looking(Asking):
        def part(self, argument: int, places: Sequence[Expr]) -> Expr:
            if node.args[argument].ndim:
                seen.append(tuple(places))
            return const(1.0)

        def extent(self, extent: Extent) -> Expr:
            return size(extent)

        def some(self, extents: Sequence[Extent]) -> None:
            pass

        def require(self, condition: Expr) -> None:
            pass

        def fold(
            self, kind: str, extents: Sequence[Extent], term: Any, type_: Type | None = None
        ) -> Expr:
            counters = tuple(variable(COUNTER, "k") for _ in extents)
            term(*counters)
            seen.append(counters)
            totals.append(variable(type_ or node.value_type, "total"))
            return totals[-1]

    totals: list[Expr] = []
    assert node.op.element is not None
    value = node.op.element(node, (), Looking(None, node))  # type: ignore[arg-type]  # nothing is asked of it
    return totals == [value] and all(places == seen[-1] for places in seen)


def _is_read_once(user: Expr, node: Expr) -> bool:
    """Whether what is folded reads each element of an argument at one place of all counters."""
    counters: list[Expr] = [variable(COUNTER, "i") for _ in user.shape]
    seen: list[tuple[Expr, ...]] = []
    folds: list[int] = []

    class Looking(Asking):
        def part(self, argument: int, places: Sequence[Expr]) -> Expr:
            if user.args[argument] is node:
                seen.append(tuple(places))
            return const(1.0)

        def extent(self, extent: Extent) -> Expr:
            return size(extent)

        def some(self, extents: Sequence[Extent]) -> None:
            pass

        def fold(
            self, kind: str, extents: Sequence[Extent], term: Any, type_: Type | None = None
        ) -> Expr:
            inner = [variable(COUNTER, "k") for _ in extents]
            counters.extend(inner)
            folds.append(len(inner))
            term(*inner)
            return const(1.0)

    if user.op.element is None:
        return False
    user.op.element(user, tuple(counters), Looking(None, user))  # type: ignore[arg-type]  # nothing is asked of it
    return len(folds) == len(seen) == 1 and sorted(map(id, seen[0])) == sorted(map(id, counters))


class _Frame:
    """A function or a body that is being lowered: what its nodes and sizes are."""

    def __init__(
        self, lowering: _Lowering, block: Block, known: dict[Expr, Value], sizes: dict[str, Expr]
    ) -> None:
        self.lowering, self.known, self.sizes = lowering, known, sizes
        self.base = self.block = block
        self.elements: dict[tuple[Expr, tuple[Expr, ...]], Expr] = {}
        self.users: dict[Expr, list[Expr]] = {}
        self.weights: dict[Expr, int] = {}  # steps in expressions of numbers
        self.named = False  # whether long ones get names
        self.levels: dict[Expr, int] = {}
        self.finals: frozenset[Expr] = frozenset()
        self.places: Mapping[Expr, Buffer] = {}

    # --- statements --------------------------------------------------------------------------------------
    def add(self, statement: Statement) -> None:
        self.block.add(statement)

    @contextmanager
    def inside(self, block: Block) -> Iterator[None]:
        """What is added meanwhile goes into a block."""
        before, self.block = self.block, block
        yield
        self.block = before

    def first(self) -> AbstractContextManager[None]:
        """What is added meanwhile goes in front of what is being put together."""
        return self.inside(self.base)

    def surely(self, place: Expr, extent: Expr) -> bool:
        """Whether a place is certainly inside of an extent."""
        return self.lowering.ranges.inside(place, extent)

    def check(
        self, condition: Expr, about: str = "IndexError: a place outside of an array"
    ) -> None:
        if condition.op is CONSTANT and condition.attr:
            return
        if not self.lowering.ranges.holds(condition):
            self.add(Check(condition, self.code(), about))

    def code(self) -> int:
        """A code to stop with that nothing else stops with."""
        return next(self.lowering.codes)

    def local(self, dtype: str, shape: Sequence[Extent]) -> Stored:
        """Memory for an array, in front of what is being put together."""
        extents = [self.extent(e) for e in shape]
        before = [self._known_before(e) for e in extents]
        known = tuple([e for e in before if e is not None])
        if len(known) == len(extents):
            return Stored(self.lowering.local(dtype, known), extents, owned=True)
        return self.allocated(dtype, extents)

    def allocated(self, dtype: str, extents: Sequence[Expr]) -> Stored:
        """Memory for an array whose extents are known now."""
        buffer = self.lowering.block(dtype, len(extents))
        with self.inside(self.base):
            sizes = tuple([self.kept(e) for e in extents])
            self.add(Allocate(buffer, tuple([_not_negative(e) for e in sizes])))
        return Stored(buffer, sizes, owned=True)

    def _known_before(self, value: Expr) -> Extent | None:
        """An extent in the names that the inputs tell, for memory that is laid out before anything runs.

        Where counters of loops decide about an extent, it is the largest one.
        """
        found = in_sizes(value)
        if found is None:
            most = self.lowering.ranges.most(value)
            found = None if most is None else in_sizes(most)
        return found

    # --- sizes -------------------------------------------------------------------------------------------
    def extent(self, extent: Extent) -> Expr:
        """An extent as a number."""
        if isinstance(extent, int):
            return const(extent)
        total: Expr | None = None
        for monomial, coefficient in extent.terms:
            factors = [self._size(name) for name in monomial]
            if coefficient != 1 or not factors:
                factors.append(const(coefficient))
            product = reduce(OPERATORS.mul, factors)
            total = product if total is None else OPERATORS.add(total, product)
        return const(0) if total is None else total

    def _size(self, name: str) -> Expr:
        if is_defined(name):
            return self.number(definer(name))
        found = self.sizes.get(name)
        if found is None:
            raise Unsupported(f"an extent `{name}` that only running tells")
        return found

    def commented(self, node: Expr, statement: For | While | If) -> None:
        """Add a statement, with the line of the user's program that it is from."""
        where = self.lowering.lines.get(node)
        if where is not None:
            known = statement.condition if isinstance(statement, If) else statement.counter
            self.lowering.comments[known] = str(where)
        self.add(statement)

    # --- values ------------------------------------------------------------------------------------------
    def number(self, node: Expr) -> Expr:
        """A node without axes, in terms of inputs, variables and elements.

        Chains of numbers are gone through without recursion.
        """
        todo = [node]
        while todo:
            top = todo[-1]
            if top in self.known:
                todo.pop()
                continue
            open_ = [a for a in top.args if a not in self.known and not _has_axes(a) and a.args]
            if open_:
                todo += open_
                continue
            value = self.element(top, ())
            if any(_has_axes(a) for a in top.args) and _reads_changing(value):
                # Read now, in front of whatever is being put together: the array may be changed next.
                now = variable(value.value_type, "read")
                self.base.add(Assign(now, value))
                value = now
            elif self.named and self.block is self.base and self._is_worth_a_name(top, value):
                # Whoever goes through expressions then goes through each part of them once.
                now = variable(value.value_type)
                self.base.add(Assign(now, value))
                value = now
            self.known[top] = value
            todo.pop()
        found = self.known[node]
        assert isinstance(found, Expr)
        return found

    def _is_worth_a_name(self, node: Expr, value: Expr) -> bool:
        """Whether a float is an expression of many steps, or of some and wanted several times."""
        if not value.args or value.value_type.dtype in ("bool", "int32", "int64"):
            return False
        weights, todo = self.weights, [value]
        while todo:
            top = todo[-1]
            missing = [a for a in top.args if a.args and a not in weights]
            if missing:
                todo += missing
            else:
                weights[top] = 1 + sum([weights[a] for a in top.args if a.args])
                todo.pop()
        longest = _SHARED if len(self.users.get(node, ())) > 1 else _LONGEST
        return weights[value] > longest

    def at(self, node: Expr, places: tuple[Expr, ...]) -> Expr:
        """An element of a node."""
        if not node.ndim:
            return self.number(node)
        found = self.known.get(node)
        if isinstance(found, Stored):
            return found.at(places)
        key = (node, places)
        value = self.elements.get(key)
        if value is None:
            value = self.elements[key] = self.element(node, places)
        return value

    def element(self, node: Expr, places: tuple[Expr, ...]) -> Expr:
        """What an op says that the element is."""
        op = node.op
        if op is CONSTANT:
            return self.table(node).at(places) if node.ndim else node
        if op is SIZE:
            return self.extent(node.attr)
        if op.projection:
            value = self.known[node] = self.one_of(node)
            assert not isinstance(value, list)
            return value.at(places) if isinstance(value, Stored) else value
        if op.element is not None:
            return op.element(node, places, Asking(self, node))  # type: ignore[arg-type]
        if not op.elementwise and node.args:
            raise Unsupported(f"`{op.name}`", op.name)
        parts = tuple([self.at(a, places if a.ndim else ()) for a in node.args])
        if parts == node.args:
            return node
        value = build(op, parts, node.attr)
        if op.checks is not None and value.op is op:
            self._checked(value)
        return of_type(value, node.value_type.dtype)

    def _checked(self, node: Expr) -> None:
        """Stop where an op says so, for a node whose arguments are numbers."""
        assert node.op.checks is not None
        condition = node.op.checks(node)
        if condition is not None:
            self.check(
                condition, f"ValueError: `{node.op.name}` of numbers for which it has no value"
            )

    def one_of(self, node: Expr) -> Value:
        """One of several results."""
        found = self.known.get(node.args[0])
        if not isinstance(found, list):
            raise Unsupported(f"`{node.args[0].op.name}`")
        chosen: Value = found[node.attr]
        return chosen

    def table(self, node: Expr) -> Stored:
        """Known numbers as an array in memory."""
        found = self.known.get(node)
        if found is None:
            type_ = node.value_type
            buffer = Buffer(
                f"table{next(self.lowering.names)}",
                type_.dtype,
                type_.shape,
                "table",
                -1,
                node.attr,
            )
            found = self.known[node] = Stored(buffer, [self.extent(e) for e in type_.shape])
        assert isinstance(found, Stored)
        return found

    def array(self, node: Expr) -> Stored:
        """A node with axes, in memory."""
        found = self.known.get(node)
        if found is None and node.op.projection:
            found = self.known[node] = self.one_of(node)
        if found is None and node.op is CONSTANT:
            return self.table(node)
        if found is None:
            found = self.known[node] = self.stored(node)
        assert isinstance(found, Stored)
        return found

    def held(self, node: Expr) -> Value | None:
        """What a node is, if it has been computed."""
        if node not in self.known and node.op.projection and node.args[0] in self.known:
            self.known[node] = self.one_of(node)
        return self.known.get(node)

    def is_at_hand(self, node: Expr) -> bool:
        """Whether an array is in memory whoever reads it, and is not made along with what reads it."""
        return node.op is CONSTANT or not self.lowering.is_lazy_array(node) or not node.args

    def stored(self, node: Expr) -> Stored:
        """An array, put into memory of its own here."""
        target = self.local(node.value_type.dtype, node.shape)
        self.copied(node, target.buffer)
        return target

    def room(self, node: Expr) -> Stored:
        """Memory for a node: where it is wanted, if it is."""
        place = self.places.get(node)
        if place is None:
            return self.local(node.value_type.dtype, node.shape)
        return Stored(place, [self.extent(e) for e in node.shape])

    def lies_in(self, node: Expr, buffer: Buffer) -> bool:
        found = self.held(node)
        return isinstance(found, Stored) and found.buffer is buffer

    def copied(self, source: Expr | Stored, buffer: Buffer, prefix: tuple[Expr, ...] = ()) -> None:
        """An array, put into a buffer, or into the part of it at some first places."""
        if isinstance(source, Expr):
            extents = [self.extent(e) for e in source.shape]
        else:
            extents = list(source.extents)
        counters, body, nest = self.nest(extents)
        with self.inside(body):
            value = source.at(counters) if isinstance(source, Stored) else self.at(source, counters)
            self.add(Store(buffer, (*prefix, *counters), of_type(value, buffer.dtype)))
        self.add(nest)

    def nest(self, extents: Sequence[Expr]) -> tuple[tuple[Expr, ...], Block, For]:
        """Parallel loops: the counters, the innermost block, the outermost loop."""
        counters = tuple(variable(COUNTER, "i") for _ in extents)
        innermost = body = Block()
        loop: For | None = None
        for counter, extent in zip(reversed(counters), reversed(extents), strict=True):
            self.lowering.ranges.below(counter, extent)
            loop = For(counter, extent, body, parallel=True)
            body = Block([loop])
        assert loop is not None, "an array has axes"
        return counters, innermost, loop

    # --- order -------------------------------------------------------------------------------------------
    def run(self, outputs: Sequence[Expr], places: Mapping[Expr, Buffer] | None = None) -> None:
        """Statements for all that the outputs need, level by level; ``places`` are buffers for some."""
        self.places = places = places or {}
        nodes, told = told_first([n for n in order(outputs) if n not in self.known])
        self.finals = frozenset(outputs)
        self.named = len(nodes) > _LONG
        for node in nodes:
            for arg in dict.fromkeys((*node.args, *node.needs)):
                self.users.setdefault(arg, []).append(node)
        barriers: dict[int, list[Expr]] = {}
        groups: dict[int, dict[tuple[Extent, ...], _Group]] = {}
        riding: dict[Expr, tuple[Extent, ...]] = {}
        for node in nodes:
            before = (*node.args, *node.needs, *told.get(node, ()))
            level = max([self.levels.get(a, 0) for a in before], default=0)
            barrier = self.lowering.is_barrier(node)
            shape = None if self.lowering.by_python(node) else _rides(node)
            if shape is not None:
                riding[node] = shape
                groups.setdefault(level, {}).setdefault(shape, _Group()).riders.append(node)
            elif barrier:
                barriers.setdefault(level + 1, []).append(node)
            self.levels[node] = level + int(shape is not None or barrier)
        depths: dict[Expr, int] = {}
        for node in nodes:
            if not self.lowering.is_lazy_array(node):
                continue
            depths[node] = 1 + max([depths.get(a, 0) for a in node.args], default=0)
            deep = depths[node] >= _DEEPEST
            if deep or node in places or self._is_worth_memory(node, riding):
                depths[node] = 0
                level = self.levels[node]
                groups.setdefault(level, {}).setdefault(node.shape, _Group()).stored.append(node)
        for number in range(max([0, *barriers, *groups]) + 1):
            for node in barriers.get(number, ()):
                self.barrier(node)
            for group in groups.get(number, {}).values():
                self.together(group)

    def _is_worth_memory(self, node: Expr, riding: Mapping[Expr, tuple[Extent, ...]]) -> bool:
        """Whether an array costs something and is not just read once, or in its own nest only."""
        if node.op.element is not None or not node.args or not node.op.elementwise:
            return False
        if self._is_made_of_numbers(node):
            return False
        users = self.users.get(node, ())
        level = self.levels[node]
        outside = [
            user
            for user in users
            if not (
                riding.get(user) == node.shape
                or (user.op.elementwise and self.levels[user] == level and user.shape == node.shape)
            )
        ]
        if not outside:
            return False
        return len(users) > 1 or not _reads_once(outside[0], node)

    def _is_made_of_numbers(self, node: Expr) -> bool:
        """Whether no array is read for the elements, which then are cheap."""
        seen, todo = {node}, [node]
        while todo:
            top = todo.pop()
            if self.lowering.is_barrier(top) or (not top.args and top.ndim):
                return False
            more = [a for a in top.args if _has_axes(a) and a not in seen]
            if len(seen) > 20:
                return False
            seen.update(more)
            todo += more
        return True

    def together(self, group: _Group) -> None:
        """One nest for arrays of one shape and for what is folded of them."""
        riders, stored = group.riders, [n for n in group.stored if not self._is_there(n)]
        if not riders and not stored:
            return
        like = stored[0] if stored else next(a for a in riders[0].args if a.ndim)
        counters, body, nest = self.nest([self.extent(e) for e in like.shape])
        targets: list[Stored] = []
        plans: list[Riding] = []
        with self.inside(body):
            for node in stored:
                target = self.room(node)
                value = of_type(self.at(node, counters), target.buffer.dtype)
                self.add(Store(target.buffer, counters, value))
                targets.append(target)
            for node in riders:
                asking = Riding(self, node, counters, body)  # type: ignore[arg-type]
                assert node.op.element is not None
                value = node.op.element(node, (), asking)
                assert asking.plan is not None
                assert value is asking.plan.total, "what rides is only folded"
                plans.append(asking)
        for asking in plans:
            assert asking.plan is not None
            self.add(Assign(asking.plan.total, asking.plan.start))
        self.add(nest)
        self.known.update(zip(stored, targets, strict=True))
        for asking in plans:
            assert asking.plan is not None
            self.known[asking.node] = asking.plan.total

    def _is_there(self, node: Expr) -> bool:
        """Whether an array is what it is to be: known, or left in its place by a loop."""
        if node in self.known:
            return True
        found, place = self.held(node), self.places.get(node)
        if isinstance(found, Stored) and found.buffer is place:
            return True
        self.known.pop(node, None)
        return False

    # --- barriers ----------------------------------------------------------------------------------------
    def barrier(self, node: Expr) -> None:
        """What needs all elements of its arguments; a refusal says which node was the innermost."""
        try:
            self._barrier(node)
        except Unsupported as refusal:
            python = self.lowering.python
            if python is not None and (refusal.op is None or refusal.op in python):
                refusal.op = None if node in python else node
            raise

    def _barrier(self, node: Expr) -> None:
        body = None if node.op.applies is None else node.op.applies(node.attr)
        if self.lowering.by_python(node):
            self.known[node] = hosted(self, node)  # type: ignore[arg-type]
        elif body is not None:
            self.known[node] = self.applied(node, body)
        elif isinstance(node.attr, Loop):
            self.known[node] = self.loop(node, node.attr)
        elif isinstance(node.attr, Cond):
            self.known[node] = self.cond(node, node.attr)
        elif node.op.stores is not None:
            self.known[node] = self.changed(node)
        elif node.op.fills is not None:
            self.known[node] = self.filled(node)
        elif node.op.checks is not None:
            self.checked(node)
            self.known[node] = const(0)
        elif self.called(node) or self.looped(node):
            pass
        elif node.op.folds is not None:
            self.known[node] = self.folded(node)
        elif self.lowering.python is not None:
            self.known[node] = hosted(self, node)  # type: ignore[arg-type]
        else:
            raise Unsupported(f"`{node.op.name}`")

    def checked(self, node: Expr) -> None:
        """Stop with an error of the user's program unless a condition holds."""
        assert node.op.checks is not None
        condition = node.op.checks(node)
        if condition is None:
            return
        holds = self.number(condition)
        if not self.lowering.effects or not node.op.effect:
            self.check(holds, str(node.attr))
        elif not self.lowering.ranges.holds(holds):  # Python is there to raise it
            failed, before = Block(), (dict(self.known), dict(self.elements))
            with self.inside(failed):
                hosted(self, node)  # type: ignore[arg-type]
            self.known, self.elements = before  # all that was computed for it is there only
            self.add(If(self.kept(holds), Block(), failed))

    def applied(self, node: Expr, region: Region) -> Value:
        """The results of a body for the arguments of the node."""
        inner = self.body(self.block, region.params, [self.given(a) for a in node.args])
        inner.run(region.outputs)
        results: list[Value] = [
            inner.array(o) if o.ndim else inner.kept(of_type(inner.number(o), o.value_type.dtype))
            for o in region.outputs
        ]
        return results if isinstance(node.type, TupleType) else results[0]

    def called(self, node: Expr) -> bool:
        """Whether routines compute a node."""
        if node.op.calls is None or not self.lowering.calls:
            return False
        if self.lowering.strict and node.op.folds is not None:
            return False
        types = node.type.items if isinstance(node.type, TupleType) else (node.value_type,)
        if any(is_complex(t) for t in (*types, *(a.value_type for a in node.args))):
            return False
        asking = Calling(self, node)  # type: ignore[arg-type]
        if not node.op.calls(node, asking):
            return False
        self.known[node] = asking.value
        return True

    def looped(self, node: Expr) -> bool:
        """Whether loops compute a node that its op writes itself."""
        if node.op.loops is None:
            return False
        asking = Looping(self, node)  # type: ignore[arg-type]
        if not node.op.loops(node, asking):
            return False
        self.known[node] = asking.value
        return True

    def folded(self, node: Expr) -> Value:
        """A reduction, or a product that sums."""
        type_ = node.value_type
        assert node.op.element is not None
        if not node.ndim:
            value = node.op.element(node, (), Asking(self, node))  # type: ignore[arg-type]
            return self.kept(of_type(value, type_.dtype))
        target = self.room(node)
        counters, body, nest = self.nest(target.extents)
        asking = Folding(self, node)  # type: ignore[arg-type]
        with self.inside(body):
            value = node.op.element(node, counters, asking)
        plan = asking.plan
        if plan is not None and value is plan.total and plan.kind == "add":
            scratch = Block()
            with self.inside(scratch):
                term = of_type(plan.make(*plan.counters), type_.dtype)
            if not scratch.statements:
                self.summed(target, counters, plan, term)
                return target
        with self.inside(body):
            if plan is not None:
                plan.emit(self)  # type: ignore[arg-type]
            self.add(Store(target.buffer, counters, of_type(value, type_.dtype)))
        self.add(nest)
        return target

    def summed(self, target: Stored, counters: tuple[Expr, ...], plan: Plan, term: Expr) -> None:
        """Sums as loops in an order in which memory is gone through as it lies."""
        trips = dict(zip(counters, target.extents, strict=True))
        trips |= zip(plan.counters, [plan.trip(self, e) for e in plan.extents], strict=True)  # type: ignore[arg-type]
        accesses = [counters, *(each.args for each in reads(term))]
        loops = in_memory_order(list(trips), accesses, set(counters))
        first = next(i for i, c in enumerate(loops) if c in plan.counters)
        inner = Block()
        within = [c for c in loops[first:] if c not in plan.counters]
        with self.inside(inner):
            if within:
                zeros, innermost, around = self.nest([trips[c] for c in within])
                renamed = dict(zip(within, zeros, strict=True))
                places = [renamed.get(c, c) for c in counters]
                zero = of_type(const(0), target.buffer.dtype)
                innermost.add(Store(target.buffer, tuple(places), zero))
                self.add(around)
                body = Block([Store(target.buffer, counters, term, adds=True)])
            else:
                self.add(Assign(plan.total, plan.start))
                body = Block([Accumulate(plan.total, plan.kind, term)])
            for counter in reversed(loops[first:]):
                body = Block([For(counter, trips[counter], body, parallel=True)])
            for statement in body:
                self.add(statement)
            if not within:
                self.add(Store(target.buffer, counters, plan.total))
        for counter in reversed(loops[:first]):
            inner = Block([For(counter, trips[counter], inner, parallel=True)])
        for statement in inner:
            self.add(statement)

    def kept(self, value: Expr) -> Expr:
        """A number, read from memory now."""
        if not reads(value):
            return value
        found = variable(value.value_type, "kept")
        self.add(Assign(found, value))
        return found

    def filled(self, node: Expr) -> Stored:
        """An array that is put together of others."""
        target = self.room(node)
        assert node.op.fills is not None
        for stores in node.op.fills(node, Asking(self, node)):  # type: ignore[arg-type]
            block = Block()
            counters: tuple[Expr, ...] = ()
            nest: For | None = None
            if stores.extents:
                counters, block, nest = self.nest([self.extent(e) for e in stores.extents])
            with self.inside(block):
                value = of_type(stores.value(*counters), target.buffer.dtype)
                places = stores.places(*counters)
                self.add(Store(target.buffer, places, value, stores.adds))
            if nest is not None and stores.adds:
                apart = any(along(counters[-1], p) for p in places)
                nest = _in_order(nest, but=counters[-1] if apart else None)
            for statement in [nest] if nest is not None else block.statements:
                self.add(statement)
        return target

    # --- changes -----------------------------------------------------------------------------------------
    def changed(self, node: Expr) -> Stored:
        """An array with elements changed: in place where nobody reads the old one any more."""
        base = node.args[0]
        old = self.held(base)
        assert node.op.stores is not None
        stores = node.op.stores(node, Asking(self, node))  # type: ignore[arg-type]
        dtype = node.value_type.dtype
        own = isinstance(old, Stored) and old.owned and old.buffer.dtype == dtype
        if own and self._given_up(base, node):
            assert isinstance(old, Stored)
            target = old.changed()
        else:
            target = self.room(node)
            self.copied(old if isinstance(old, Stored) else base, target.buffer)
        buffer = target.buffer
        if not stores.extents:
            places, value = stores.places(), stores.value()
            self.add(Store(buffer, places, self.kept(of_type(value, dtype)), stores.adds))
            return target
        extents = [self.extent(e) for e in stores.extents]
        counters, body, nest = self.nest(extents)
        with self.inside(body):
            places, value = stores.places(*counters), of_type(stores.value(*counters), dtype)
        if any(r.attr.buffer is buffer and r.args != places for r in reads(value)):
            spare = self.local(dtype, stores.extents)  # all is read before the first is written
            body.add(Store(spare.buffer, counters, value))
            self.add(nest)
            counters, body, nest = self.nest(extents)
            with self.inside(body):
                places, value = stores.places(*counters), spare.at(counters)
        body.add(Store(buffer, places, value, stores.adds))
        if not all(any(along(c, p) for p in places) for c in counters):
            nest = _in_order(nest)  # places may be equal: the last one holds
        self.add(nest)
        return target

    def _given_up(self, base: Expr, node: Expr) -> bool:
        """Read all that is still read of an array besides by one node; whether it is free then."""
        others = [u for u in self.users.get(base, ()) if u is not node and u not in self.known]
        level = self.levels[node]
        if base in self.finals or any(self.levels[u] > level for u in others):
            return False
        waiting = [u for u in others if not self._is_only_for(u, node)]
        if any(self.lowering.is_barrier(u) for u in waiting):
            return False
        for user in waiting:
            self.known[user] = self.stored(user) if user.ndim else self.kept(self.number(user))
        return True

    def _is_only_for(self, user: Expr, node: Expr) -> bool:
        todo, seen = [user], 0
        while todo:
            top = todo.pop()
            seen += 1
            if top in self.finals or seen > 50 or self.lowering.is_barrier(top):
                return False
            todo += [u for u in self.users.get(top, ()) if u is not node]
        return True

    # --- control -----------------------------------------------------------------------------------------
    def given(self, node: Expr) -> Value:
        """A value for a body: a number, or an array in memory."""
        if isinstance(node.type, TupleType):
            raise Unsupported("several values passed to a body")
        if not node.ndim:
            return self.kept(self.number(node))
        found = self.array(node)  # read only: what is around goes on with it
        return Stored(found.buffer, found.extents, found.version, prefix=found.prefix)

    def body(self, block: Block, params: Sequence[Expr], values: Sequence[Value]) -> _Frame:
        """The frame of a body with its parameters known."""
        inner = _Frame(self.lowering, block, dict(zip(params, values, strict=True)), {})
        for parameter, value in zip(params, values, strict=True):
            if isinstance(value, Stored):
                for mine, extent in zip(parameter.shape, value.extents, strict=True):
                    if isinstance(mine, Dim) and mine is Dim.named(str(mine)):
                        inner.sizes.setdefault(str(mine), extent)
        for name, found in self.sizes.items():
            inner.sizes.setdefault(name, found)
        return inner

    def cond(self, node: Expr, attr: Cond) -> list[Value]:
        """A branch: its results are variables and arrays, which both sides give their values."""
        types = attr.then.result_types
        captures = [self.given(a) for a in node.args[1:]]
        condition = self.kept(self.number(node.args[0]))
        results: list[Value] = []
        shown = node.type.items if isinstance(node.type, TupleType) else ()
        for type_ in shown:
            assert isinstance(type_, Type)
            results.append(
                self.local(type_.dtype, type_.shape)
                if type_.shape
                else variable(Type(type_.dtype, weak=type_.weak), "chosen")
            )
        assert len(types) == len(results)
        sides = []
        for region in (attr.then, attr.orelse):
            block = Block()
            inner = self.body(block, region.params, captures)
            inner.run(region.outputs)
            for output, result in zip(region.outputs, results, strict=True):
                inner.give(output, result)
            sides.append(block)
        self.commented(node, If(condition, sides[0], sides[1]))
        return results

    def give(self, output: Expr, result: Value) -> None:
        """A variable or an array gets the value of a node."""
        if isinstance(result, Stored):
            self.copied(output, result.buffer)
        else:
            assert isinstance(result, Expr)
            value = of_type(self.number(output), result.value_type.dtype)
            self.add(Assign(result, value, again=True))

    def loop(self, node: Expr, attr: Loop) -> list[Value]:
        """A loop: carried numbers are variables, carried arrays lie in memory of their own."""
        if attr.checkpoint is not None:
            raise Unsupported("a loop that keeps copies only")
        told = told_by(attr) if attr.stacked else ""
        if told in self.sizes:
            told = ""
        args = list(node.args)
        trip = self.kept(self.number(args.pop(0))) if attr.trip else None
        inits, arrays = args[: attr.carries], args[attr.carries : attr.carries + attr.scans]
        captures = [self.given(a) for a in args[attr.carries + attr.scans :]]
        scanned = [self.array(a) for a in arrays]
        types = [p.value_type for p in attr.body.params[1 : 1 + attr.carries]]
        carried = [self._started(i, t, node) for i, t in zip(inits, types, strict=True)]
        shown = node.type.items if isinstance(node.type, TupleType) else ()
        rows: list[Stored] = []
        for index in range(len(shown) - attr.stacked, len(shown)):
            type_ = shown[index]
            assert isinstance(type_, Type)
            if told:  # there is room for a row when it comes
                inner = [self.extent(e) for e in type_.shape[1:]]
                rows.append(self.allocated(type_.dtype, [const(0), *inner]))
            else:
                item = next((u for u in self.users.get(node, ()) if u.attr == index), None)
                wanted = item is not None and item in self.places
                rows.append(self.room(item) if wanted else self.local(type_.dtype, type_.shape))  # type: ignore[arg-type]  # an item
        if told:
            pass
        elif attr.go or (attr.length is not None and trip is not self.extent(attr.length)):
            for row in rows:  # those that are not reached are zero
                counters, body, nest = self.nest(row.extents)
                body.add(Store(row.buffer, counters, of_type(const(0), row.buffer.dtype)))
                self.add(nest)
        k = variable(COUNTER, "k")
        self.lowering.ranges.below(k, trip)
        block = Block()
        slices: list[Value] = [a.part(k) if len(a.extents) > 1 else a.at((k,)) for a in scanned]
        inside: list[Value] = [c.changed() if isinstance(c, Stored) else c for c in carried]
        params = attr.body.params
        for place, parameter in zip(inside, params[1:], strict=False):
            self._call(place, self.lowering.hints.get(parameter, ""))
        frame = self.body(block, params, [k, *inside, *slices, *captures])
        # What a body reads of a slice it reads in the iteration; the parameter stands for it.
        frame.run(attr.body.outputs)
        self._carry(frame, attr.body.outputs[: attr.carries], inside)
        for output, row in zip(attr.body.outputs[attr.carries :], rows, strict=True):
            if told:
                extents = (OPERATORS.add(k, const(1)), *row.extents[1:])
                frame.add(Allocate(row.buffer, extents, keeps=True))
            if output.ndim:
                frame.copied(output, row.buffer, (k,))
            else:
                value = of_type(frame.number(output), row.buffer.dtype)
                frame.add(Store(row.buffer, (k,), value))
        frame.assigned()
        done = variable(COUNTER, "done") if attr.counted or told else None
        if attr.go:
            if attr.backward:
                raise Unsupported("a loop backwards while a flag holds")
            flag = carried[0]
            assert isinstance(flag, Expr)
            self.commented(node, While(k, flag, trip, block, done))
        else:
            assert trip is not None
            if done is not None:
                raise Unsupported("the count of a loop of known length")
            self.commented(node, For(k, trip, block, backward=attr.backward))
        counted: list[Value] = [done] if done is not None and attr.counted else []
        if told:
            assert done is not None
            self.sizes[told] = done
            rows = [Stored(r.buffer, [done, *r.extents[1:]], owned=True) for r in rows]
        finals = [
            Stored(c.buffer, c.extents, c.version + 100, owned=True) if isinstance(c, Stored) else c
            for c in carried
        ]
        return [*counted, *finals, *rows]

    def _call(self, value: Value, name: str) -> None:
        """Note what the user calls a variable or an array that is carried."""
        thing = value.buffer if isinstance(value, Stored) else value
        if name and isinstance(thing, (Expr, Buffer)):
            self.lowering.called[thing] = name

    def _started(self, init: Expr, type_: Type, node: Expr) -> Value:
        """A carried value before the first iteration."""
        if init.ndim:
            found = self.held(init)
            same = isinstance(found, Stored) and found.buffer.dtype == type_.dtype
            if same and isinstance(found, Stored) and found.owned and not found.prefix:
                users = [u for u in self.users.get(init, ()) if u not in self.known]
                if users == [node] and init not in self.finals and node.args.count(init) == 1:
                    return found
            return self.stored_copy(init, type_.dtype)
        carry = variable(Type(type_.dtype, weak=type_.weak), "c")
        self._call(carry, _first_of(init))
        self.add(Assign(carry, of_type(self.number(init), type_.dtype), again=True))
        return carry

    def stored_copy(self, node: Expr, dtype: str = "") -> Stored:
        """An array in memory that nobody else has."""
        found = self.known.get(node)
        target = self.local(dtype or node.value_type.dtype, node.shape)
        self.copied(found if isinstance(found, Stored) else node, target.buffer)
        return target

    def _carry(self, frame: _Frame, outputs: Sequence[Expr], carried: Sequence[Value]) -> None:
        """The carried values after an iteration: all are computed before the first is replaced."""
        pending: list[Statement] = []
        copies: list[tuple[Stored, Stored]] = []
        taken = {place.buffer for place in carried if isinstance(place, Stored)}
        for output, place in zip(outputs, carried, strict=True):
            if isinstance(place, Stored):
                found = frame.array(output) if _needs_memory(frame, output) else None
                if found is not None and found.buffer is place.buffer:
                    continue
                if found is None or not found.owned or found.buffer in taken:
                    found = frame.stored_copy(output)
                copies.append((found, place))
            else:
                assert isinstance(place, Expr)
                value = of_type(frame.number(output), place.value_type.dtype)
                if value is place:
                    continue
                spare = variable(value.value_type, "next")
                if place in self.lowering.called:
                    self.lowering.called[spare] = f"next_{self.lowering.called[place]}"
                frame.add(Assign(spare, value))
                pending.append(Assign(place, spare, again=True))
        frame.late = (pending, copies)

    late: tuple[list[Statement], list[tuple[Stored, Stored]]] = ([], [])

    def assigned(self) -> None:
        """Replace the carried values, after everything that reads the old ones."""
        pending, copies = self.late
        pending = _last_read_first(pending, self.block)
        for source, target in copies:
            self.copied(source, target.buffer)
        for statement in pending:
            self.add(statement)


def _last_read_first(pending: Sequence[Statement], block: Block) -> list[Statement]:
    """Assignments in an order in which new values are computed of old ones, as far as there is one."""
    values = {s.variable: s.value for s in block if isinstance(s, Assign) and not s.again}
    left = [s for s in pending if isinstance(s, Assign)]
    assert len(left) == len(pending)
    if len(left) > _MANY:
        return list(pending)
    reads_ = {s: set(order([values.get(s.value, s.value)])) for s in left}
    found: list[Statement] = []
    while left:
        free = [s for s in left if all(s is o or s.variable not in reads_[o] for o in left)]
        chosen = free[0] if free else left[0]
        left.remove(chosen)
        found.append(chosen)
    return found


def _first_of(init: Expr) -> str:
    """What starts from ``y0`` is called ``y``, if nothing better is known."""
    while init.op.name == "cast":
        init = init.args[0]
    name = str(init.attr.name) if init.op is SYMBOL else ""
    return name[:-1].rstrip("_") if name.endswith("0") else ""


def _reads_changing(value: Expr) -> bool:
    """Whether something is read of memory that may be changed in place."""
    return any(r.attr.buffer.role in ("local", "heap") for r in reads(value))


def _needs_memory(frame: _Frame, node: Expr) -> bool:
    found = frame.known.get(node)
    return isinstance(found, Stored) or node.op.projection


def _has_axes(node: Expr) -> bool:
    return isinstance(node.type, TupleType) or bool(node.ndim)


def _not_negative(extent: Expr) -> Expr:
    if extent.op is CONSTANT:
        return const(max(extent.attr, 0))
    return extent if extent.op is SIZE else where(lt(extent, const(0)), const(0), extent)


def _reads_once(user: Expr, node: Expr) -> bool:
    """Whether a node reads each element of an argument once."""
    if user.op.elementwise:
        return user.shape == node.shape
    if user.op.folds is not None and user.op.folds(user):
        return len(user.args) == 1 or _is_read_once(user, node)
    return user.op.element is not None and len(user.args) == 1 and user.shape == node.shape


def _in_order(nest: For, but: Expr | None = None) -> For:
    """The same loops one iteration after the other, but for the one with a certain counter."""
    inner = [
        _in_order(s, but) if isinstance(s, For) else s for s in nest.body
    ]  # fmt: skip
    parallel = nest.counter is but
    return For(nest.counter, nest.trip, Block(inner), parallel=parallel, backward=nest.backward)
