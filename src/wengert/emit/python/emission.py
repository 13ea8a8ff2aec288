"""Statements: values in an order in which each follows what it needs, written where they are used once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wengert.emit.python.memory import move, places_of, remaining
from wengert.emit.python.naming import Naming, is_private, names_in
from wengert.emit.python.scopes import Scope
from wengert.emit.python.stores import emit_store
from wengert.emit.python.values import Block, Buffer, Kind, Line, Value, read
from wengert.emit.python.writer import ProgramWriter
from wengert.ir.node import Expr
from wengert.ir.region import acts
from wengert.ir.types import TupleType, Type
from wengert.ops.control.item import ITEM
from wengert.show.forms import Form
from wengert.show.precedence import ATOM, Text, flat

__all__ = [
    "LONGEST", "Emission", "assign_together", "count_users", "drop_unused", "effects_first", "ended",
]  # fmt: skip

LONGEST = 64  # characters of an expression that is written inside of another
_FAR = 200  # values looked through for whether one needs another
_MOST_VISITS = 100
_ATOMS = frozenset(("literal", "named", "number"))
_TARGETS = re.compile(r"\s*((?:[A-Za-z_]\w*, )*[A-Za-z_]\w*) = ")

# Emits the statements of a control value.
Controls = Callable[["Emission", Value], None]


class Emission:
    """Writes the statements of one function."""

    def __init__(
        self, naming: Naming, hints: Mapping[Expr, str], controls: Controls, program: Any
    ) -> None:  # Any: `program.Program`, which has the header
        self.naming, self.hints, self.controls, self.program = naming, hints, controls, program
        self.writer = ProgramWriter(self)
        self.scope: Scope | None = None
        self.sizes: list[tuple[str, Line]] = []  # variables that have sizes
        self.holders: dict[str, Value] = {}  # what each variable that may change has at present

    # --- what the writer asks --------------------------------------------------------------------------
    def text_of(self, node: Expr) -> Text:
        assert self.scope is not None
        text = self.scope.values[node].text
        assert text is not None, f"{node!r} is not emitted yet"
        return text

    def is_numpy(self, node: Expr) -> bool:
        assert self.scope is not None
        return self.scope.values[node].is_numpy

    def size(self, name: str) -> str:
        assert self.scope is not None
        return flat([read(self.program.size(self.scope, name))])

    def constant(self, value: Any) -> str:  # Any: an array or a NumPy number
        return str(self.program.constant(value))

    # --- order -----------------------------------------------------------------------------------------
    def emit(self, block: Block, roots: Sequence[Value]) -> None:
        """Emit values of a block, and what they need."""
        stack = list(roots)[::-1]
        waited: set[Value] = set()
        visits: dict[Value, int] = {}
        while stack:
            value = stack[-1]
            if value.done:
                stack.pop()
                continue
            missing = [d for d in value.deps if not d.done]
            if value.kind is Kind.CONTROL:
                missing = effects_first(missing)
            if value.kind is Kind.STORE and not missing and value not in waited:
                waited.add(value)
                missing = self._readers_of_old(value, [s for s in waited if not s.done])
            if missing:
                # Once or twice for each of those that need it; beyond that it would wait for itself.
                visits[value] = visits.get(value, 0) + 1
                assert visits[value] <= _MOST_VISITS, f"{value.node!r} waits for itself"
                stack.extend(missing[::-1])
                continue
            stack.pop()
            self._emit_one(value)
            value.done = True

    def written(self, value: Value) -> str:
        """How a value is read, as a string."""
        return flat([read(value)])

    def _readers_of_old(self, store: Value, waiting: Sequence[Value]) -> list[Value]:
        """Users of what a store changes that may as well come before it and the stores that wait."""
        if store.base is None:
            return []
        others = [
            w
            for w in store.base.consumers
            if not w.done and w is not store and w.block is store.block
        ]
        return [w for w in others if not any(_needs(w, other) for other in waiting)]

    def _emit_one(self, value: Value) -> None:
        self.scope = value.scope
        match value.kind:
            case Kind.PLAIN | Kind.ELEMENT:
                self._emit_plain(value)
            case Kind.SIZE:
                self._emit_size(value)
            case Kind.STORE:
                emit_store(self, value)
            case Kind.EFFECT:
                self._emit_effect(value)
            case Kind.SEVERAL:
                self._emit_several(value)
            case Kind.CONTROL:
                self.controls(self, value)
            case Kind.ITEM | Kind.LEAF | Kind.ROW:
                assert value.text is not None or value.kind is Kind.ROW, value.node
                if value.kind is Kind.ROW:
                    self.program.emit_row(self, value)

    # --- expressions -----------------------------------------------------------------------------------
    def _emit_plain(self, value: Value) -> None:
        text = self._text(value)
        form = value.form
        if form is not None and form.kind in _ATOMS:
            value.text = text
            if value.is_array:
                value.lie_in((Buffer(owned=False, lasting=True),), whole=True)
            return
        if value.is_array:
            self._place(value)
        else:
            value.is_numpy = self._is_numpy_number(value)
        written = flat([text])
        is_size = form is not None and form.kind == "length" and value.deps[0].kind is Kind.SIZE
        if is_size and written.isidentifier():  # such a variable never changes
            value.kind, value.text = Kind.SIZE, text
            self.finish(value)
            return
        self._inside_or_assigned(value, Text((written,), text.level, text.kind, text.raw), written)

    def give(self, value: Value, text: Text, buffers: tuple[Buffer, ...]) -> None:
        """Say what a result is that needs no statements."""
        if value.is_array:
            value.lie_in(buffers, whole=False)
        self._inside_or_assigned(value, text, flat([text]))

    def _inside_or_assigned(self, value: Value, text: Text, written: str) -> None:
        if self._goes_inside(value, written):
            value.text, value.pending = text, True
            self._register(value)
        else:
            self.assign(value, text)

    def _text(self, value: Value) -> Text:
        form = value.form
        if value.kind is Kind.ELEMENT:
            array, k = (d.text for d in value.deps[:2])
            assert array is not None
            assert k is not None
            return Text((self.writer.at_least(array, ATOM), "[", k, "]"))
        assert form is not None
        if form.kind == "converted":
            return self.converted(value.deps[0], form.data)
        if form.kind == "as_type":
            type_, inner = form.data
            return self.allocation(inner, type_)
        return self.writer.text(value.node, form)

    def allocation(self, form: Form, type_: Type) -> Text:
        """A new array of known contents, in the dtype of a type."""
        dtype = type_.dtype
        text = self.writer.write(form)
        # An array filled with a computed number has the dtype of that number.
        plain = form.kind != "full" or form.data[0] is not None
        if plain and (dtype == "float64" or (type_.weak and not dtype.startswith("complex"))):
            return text
        written = flat([text])
        if "dtype=" in written:
            return text
        name = "bool" if dtype == "bool" else f"np.{dtype}"
        if not written.endswith(")") or form.kind not in ("zeros", "ones", "full", "eye"):
            return Text((text, f".astype({name})"))
        return Text((f"{written[:-1]}, dtype={name})",))

    def converted(self, value: Value, type_: Type) -> Text:
        """A value in another dtype."""
        text = read(value)
        if value.is_array:
            name = "bool" if type_.dtype == "bool" else f"np.{type_.dtype}"
            return Text((self.writer.at_least(text, ATOM), f".astype({name})"))
        return Text((_CONVERTERS.get(type_.dtype, f"np.{type_.dtype}"), "(", text, ")"))

    def _place(self, value: Value) -> None:
        if value.kind is Kind.ELEMENT:
            value.lie_in(value.deps[0].buffers, whole=False)
            return
        form = value.form
        assert form is not None
        if form.kind in ("converted", "as_type"):
            value.lie_in((Buffer(owned=True),), whole=True)
        else:
            value.lie_in(*places_of(form, value.scope.values))

    def _is_numpy_number(self, value: Value) -> bool:
        if value.kind is Kind.ELEMENT:
            return True
        form = value.form
        if form is None or form.kind == "converted":
            return False
        if form.kind == "call":
            # Functions of arrays give NumPy's numbers; those of numbers may be Python's own.
            return any(d.is_array for d in value.deps)
        if form.kind in ("quotient", "power"):
            return any(d.is_numpy for d in value.deps)
        return self.writer.is_numpy(form)

    def _goes_inside(self, value: Value, written: str) -> bool:
        if value.left != 1 or value.keep or len(written) > LONGEST:
            return False
        if value.sole_block is not value.block or not is_private(self.hints.get(value.node, "")):
            return False
        user = value.sole
        return user is None or user.kind is not Kind.CONTROL or value in user.direct

    def assign(self, value: Value, text: Text) -> None:
        """``name = text``."""
        name = self.variable(value, [value])
        value.line = value.block.add(f"{name} = {flat([text])}")
        self.hold(value, name)
        self.finish(value)

    def hold(self, value: Value, name: str) -> None:
        """From now on a variable has a value."""
        value.text = Text((name,))
        self.holders[name] = value

    def is_over(self, name: str, block: Block, users: Sequence[Value], own: int = 0) -> bool:
        """Whether what a variable has is used no more once ``users`` are written."""
        holder = self.holders.get(name)
        return holder is None or holder.left <= 0 or remaining(holder, block, users) == own

    def variable(self, value: Value, users: Sequence[Value], own: int = 0) -> str:
        """The variable for a value that ``users`` are about to compute.

        ``own``: how many uses of what has the variable until then come first.
        """
        if value.prefer and value.kind is not Kind.SIZE:
            guard = value.guard
            free = guard is None or (
                guard.block is value.block
                and remaining(guard, value.block, users) == own
                and self.is_over(value.prefer, value.block, users, own)
            )
            if free:
                return value.prefer
        hint = self.hints.get(value.node, "")
        return self.naming.numbered() if is_private(hint) else self.naming.new(hint)

    def _emit_size(self, value: Value) -> None:
        (array,) = value.deps
        hint = value.prefer
        name = self.naming.new("n" if is_private(hint) else hint)
        text = flat([self.writer.at_least(read(array), ATOM)])
        value.line = value.block.add(f"{name} = {text}.shape[{value.index}]")
        self.sizes.append((name, value.line))
        value.text = Text((name,))
        self.finish(value)

    def _emit_effect(self, value: Value) -> None:
        node = value.node
        statement = node.op.spell.statement
        assert statement is not None
        args = [flat([read(value.scope.values[a])]) for a in node.args]
        items = {item.attr: value.scope.values[item] for item in value.scope.items.get(node, ())}
        count = len(node.type.items) if not isinstance(node.type, Type) else 1
        names = [self.naming.numbered() for _ in range(count)]
        for helper in node.op.spell.helpers:
            self.writer.helper(helper.__name__)
        lines = list(statement(self.writer.renamed(node), args, names))
        for line in lines:
            value.block.add(line)
        assigned = {name for line in lines for name in _assigned_names(line)}
        texts = [Text((name if name in assigned else "0",)) for name in names]
        if isinstance(node.type, Type):
            value.text = texts[0]
        for index, item in items.items():
            item.text = texts[index]
            if item.is_array:
                item.lie_in((Buffer(owned=False),), whole=False)
        self.finish(value)

    def _emit_several(self, value: Value) -> None:
        node = value.node
        assert value.form is not None
        assert isinstance(node.type, TupleType)
        items = {item.attr: value.scope.values[item] for item in value.scope.items[node]}
        names = [self.result_name(items.get(i)) for i in range(len(node.type.items))]
        value.block.add(f"{', '.join(names)} = {flat([self.writer.write(value.form)])}")
        for index, item in items.items():
            self.hold(item, names[index])
            if item.is_array:
                item.lie_in((Buffer(owned=True),), whole=True)
        self.finish(value)

    def result_name(self, item: Value | None) -> str:
        """A variable for one of several results."""
        if item is None:
            return "_"
        over = item.guard is None or item.guard.left == 0
        if item.prefer and over and self.is_over(item.prefer, item.block, ()):
            return item.prefer
        hint = self.hints.get(item.node, "")
        return self.naming.numbered() if is_private(hint) else self.naming.new(hint)

    # --- bookkeeping -----------------------------------------------------------------------------------
    def _register(self, value: Value) -> None:
        """Note which memory an expression reads that is not written yet."""
        reads: dict[Buffer, None] = {}
        for dep in value.deps:
            if dep.pending:
                reads.update(dict.fromkeys(dep.reads))
                for buffer in dep.reads:
                    buffer.readers.pop(dep, None)
            else:
                reads.update(dict.fromkeys(dep.buffers))
        value.reads = tuple(reads)
        for buffer in reads:
            buffer.readers[value] = None

    def finish(self, value: Value) -> None:
        """A value is written: what it was made of is used once less."""
        stack = [value]
        while stack:
            user = stack.pop()
            for dep in user.deps:
                dep.left -= 1
                if dep.pending:
                    self.settle(dep)
                    stack.append(dep)

    def settle(self, value: Value) -> None:
        """A value is no longer on its way."""
        value.pending = False
        for buffer in value.reads:
            buffer.readers.pop(value, None)
        value.reads = ()

    def flush(self, value: Value, *, copied: bool = False) -> None:
        """Write an expression now, into a variable."""
        assert value.text is not None
        text = value.text
        self.settle(value)
        if copied:
            text = Text((self.writer.at_least(text, ATOM), ".copy()"))
        self.assign(value, text)
        if copied:
            move(value)


_CONVERTERS = {"float64": "float", "int64": "int", "bool": "bool", "complex128": "complex"}


def effects_first(values: Sequence[Value]) -> list[Value]:
    """Tokens before all else, so that what is checked is checked before it is used."""
    return sorted(values, key=lambda value: not _of_effects(value.node))


def _of_effects(node: Expr) -> bool:
    """Whether a node acts, or is the token that one which acts gives."""
    if node.op is ITEM and node.value_type.dtype == "int64" and not node.shape:
        node = node.args[0]
    return acts(node)


def _assigned_names(line: str) -> list[str]:
    """The variables that a line assigns."""
    found = _TARGETS.match(line)
    return [] if found is None else found[1].split(", ")


def _needs(value: Value, other: Value) -> bool:
    """Whether a value needs another, as far as that is soon seen; if it is not, it is taken to."""
    seen = {value}
    stack = [value]
    while stack:
        for dep in stack.pop().deps:
            if dep is other or len(seen) > _FAR:
                return True
            if not dep.done and dep not in seen:
                seen.add(dep)
                stack.append(dep)
    return False


def assign_together(block: Block, pairs: Iterable[tuple[str, str]]) -> None:
    """Assign expressions to variables as if at once; one after the other wherever that is the same."""
    left = [(target, text, set(names_in(text))) for target, text in pairs if target != text]
    while left:
        for i, (target, text, _) in enumerate(left):
            if not any(target in names for j, (*_, names) in enumerate(left) if j != i):
                block.add(f"{target} = {text}")
                del left[i]
                break
        else:
            targets = ", ".join(t for t, *_ in left)
            block.add(f"{targets} = {', '.join(t for _, t, _ in left)}")
            return


def ended(emission: Emission, roots: Sequence[Value]) -> None:
    """What a body gives is written: its values are used once less."""
    for root in roots:
        root.left -= 1
        if root.pending:
            emission.settle(root)
            emission.finish(root)


def drop_unused(block: Block, sizes: Sequence[tuple[str, Line]]) -> None:
    """Take out the variables of sizes that no statement needed in the end."""
    if not sizes:
        return
    used: set[str] = set()
    own = {line for _, line in sizes}
    blocks = [block]
    while blocks:
        for part in blocks.pop().lines:
            if isinstance(part, Block):
                blocks.append(part)
            elif part not in own:
                used.update(names_in(part.text))
    gone = {line for name, line in sizes if name not in used}
    blocks = [block]
    while blocks and gone:
        inner = blocks.pop()
        inner.lines = [part for part in inner.lines if part not in gone]
        blocks += [part for part in inner.lines if isinstance(part, Block)]


def count_users(block: Block) -> None:
    """How often each value is used by what the roots of a block (and of blocks inside) need."""
    seen: set[Value] = set()
    blocks = [block]
    while blocks:
        inner = blocks.pop()
        for root in inner.roots:
            _use(root, None, inner)
        stack = list(inner.roots)
        while stack:
            value = stack.pop()
            if value in seen:
                continue
            seen.add(value)
            for dep in value.deps:
                _use(dep, value, value.block)
                stack.append(dep)
            blocks += value.bodies


def _use(value: Value, user: Value | None, block: Block) -> None:
    value.left += 1
    value.sole, value.sole_block = user, block
    if user is not None and value.is_array:
        value.consumers.append(user)
