"""The vertices of the graph: immutable and interned, so that equal structure is the same object.

:func:`make` interns an op with its arguments; :class:`Expr` is the vertex that users hold. The table of
all vertices is swept of those that nobody holds any more, when Python's collector makes a full round
and when the table has grown, so memory returns when results are dropped.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Hashable, Mapping
from itertools import count
from operator import attrgetter
from types import TracebackType
from typing import Any, NoReturn

from wengert.errors import GraphError, TypeMismatchError, worded
from wengert.ir.dims import IN_USE, Dim, Extent, any_defined, definers
from wengert.ir.op import Op
from wengert.ir.types import AnyType, TupleType, Type

__all__ = [
    "OPERATORS",
    "Expr",
    "intern",
    "live_nodes",
    "make",
    "paused_gc",
    "provide",
    "sweep",
    "type_of",
]


class _Operators:
    """The functions behind Python's operators on expressions; ``ops`` fills them in."""

    __slots__ = (
        "add", "compare", "div", "floordiv", "getitem", "invert", "logic", "matmul", "mod", "mul", "neg",
        "power", "sub", "transpose", "absolute", "extent",
    )  # fmt: skip
    # Any: operands are whatever the user wrote next to the operator.
    add: Callable[[Any, Any], Expr]
    sub: Callable[[Any, Any], Expr]
    mul: Callable[[Any, Any], Expr]
    div: Callable[[Any, Any], Expr]
    floordiv: Callable[[Any, Any], Expr]
    mod: Callable[[Any, Any], Expr]
    power: Callable[[Any, Any], Expr]
    matmul: Callable[[Any, Any], Expr]
    neg: Callable[[Any], Expr]
    absolute: Callable[[Any], Expr]
    invert: Callable[[Any], Expr]
    transpose: Callable[[Any], Expr]
    compare: Callable[[str, Any, Any], Expr]
    logic: Callable[[str, Any, Any], Expr]
    getitem: Callable[[Any, Any], Expr]
    extent: Callable[[Expr], Extent]


OPERATORS = _Operators()
_provided: dict[str, Callable[..., Any]] = {}


def provide(name: str, function: Callable[..., Any]) -> None:
    """Give expressions the method ``name``; rooms to the right of ``ir`` hang their services in here."""
    _provided[name] = function


def service(name: str) -> Callable[..., Any]:
    """The function that a room to the right has provided under a name.

    Raises:
        GraphError: it is not loaded.
    """
    return _service(name)


def _service(name: str) -> Callable[..., Any]:
    function = _provided.get(name)
    if function is None:
        raise GraphError(
            worded(
                f"Expr.{name}",
                expected="`import wengert` to have run",
                got="a part of the package only",
            )
        )
    return function


class Expr:
    """A vertex of the graph: an op, its arguments, its type.

    Expressions are immutable. Equal structure is the same object, so ``==`` and ``hash`` take constant
    time; ``wg.eq(a, b)`` builds the comparison instead. Python's operators build new expressions.
    """

    __slots__ = ("__weakref__", "_facts", "args", "attr", "needs", "op", "serial", "type")
    op: Op
    attr: Any  # Any: whatever static attribute the op has; None for most
    args: tuple[Expr, ...]
    type: AnyType
    needs: tuple[Expr, ...]  # nodes that define sizes in the type or the attribute: used like args
    serial: int  # increases with creation, so arguments come before their users
    _facts: int  # -1 until asked for
    __array_ufunc__ = None  # NumPy arrays leave mixed operators to us

    def __init__(self, *_: object) -> None:
        raise GraphError(
            worded("Expr", expected="wg.parse, wg.symbols or an operator", got="Expr(...)")
        )

    # --- shape and type --------------------------------------------------------------------------
    @property
    def shape(self) -> tuple[Extent, ...]:
        """Extents of the axes; ``()`` for a scalar."""
        type_ = self.type
        return type_.shape if type_.__class__ is Type else self.value_type.shape

    @property
    def value_type(self) -> Type:
        """The type, where the op has one result.

        Raises:
            TypeMismatchError: the op has several results.
        """
        if isinstance(self.type, TupleType):
            raise TypeMismatchError(
                worded(self.op.name, expected="one result", got=f"{len(self.type.items)}")
            )
        return self.type

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Expr:
        """The transposed array: axes in reverse order."""
        return OPERATORS.transpose(self)

    # --- services of other rooms -----------------------------------------------------------------
    def evaluate(
        self, at: Mapping[str, Any] | None = None, /, *, check: bool = False, **values: Any
    ) -> Any:
        """The value, given one value per symbol (numbers or arrays) by name, as keywords or a mapping.

        With ``check=True`` the first node that became NaN is an error that names it.
        """
        return _service("evaluate")(self, {**(at or {}), **values}, check=check)

    def latex(self) -> str:
        """The expression in LaTeX."""
        return str(_service("latex")(self))

    def unicode(self) -> str:
        """The expression in Unicode mathematics."""
        return str(_service("unicode")(self))

    def numpy(self) -> str:
        """The expression as NumPy source (never builds ``diag``)."""
        return str(_service("numpy")(self))

    def dot(self) -> str:
        """The graph in Graphviz' DOT language."""
        return str(_service("dot")(self))

    def svg(self) -> str:
        """The graph as an SVG picture."""
        return str(_service("svg")(self))

    def _repr_latex_(self) -> str:
        return f"${self.latex()}$"

    def cost(self) -> Any:
        """Operation counts of the graph (each shared node once)."""
        return _service("cost")(self)

    @property
    def conditions(self) -> tuple[Expr, ...]:
        """What has to hold for the expression to be defined, and for its simplification to be right."""
        return tuple(_service("conditions")(self))

    @property
    def free_symbols(self) -> tuple[Expr, ...]:
        """The symbols that occur, in order of first creation."""
        return tuple(_service("free_symbols")(self))

    def dump(self) -> str:
        """Exact text of the graph, one node a line."""
        return str(_service("dump")(self))

    def __str__(self) -> str:
        return str(_service("text")(self))

    def __repr__(self) -> str:
        return str(_service("repr")(self))

    # --- operators ---------------------------------------------------------------------------------
    def __add__(self, other: Any) -> Expr:
        return OPERATORS.add(self, other)

    def __radd__(self, other: Any) -> Expr:
        return OPERATORS.add(other, self)

    def __sub__(self, other: Any) -> Expr:
        return OPERATORS.sub(self, other)

    def __rsub__(self, other: Any) -> Expr:
        return OPERATORS.sub(other, self)

    def __mul__(self, other: Any) -> Expr:
        return OPERATORS.mul(self, other)

    def __rmul__(self, other: Any) -> Expr:
        return OPERATORS.mul(other, self)

    def __truediv__(self, other: Any) -> Expr:
        return OPERATORS.div(self, other)

    def __rtruediv__(self, other: Any) -> Expr:
        return OPERATORS.div(other, self)

    def __floordiv__(self, other: Any) -> Expr:
        return OPERATORS.floordiv(self, other)

    def __rfloordiv__(self, other: Any) -> Expr:
        return OPERATORS.floordiv(other, self)

    def __mod__(self, other: Any) -> Expr:
        return OPERATORS.mod(self, other)

    def __rmod__(self, other: Any) -> Expr:
        return OPERATORS.mod(other, self)

    def __pow__(self, other: Any) -> Expr:
        return OPERATORS.power(self, other)

    def __rpow__(self, other: Any) -> Expr:
        return OPERATORS.power(other, self)

    def __matmul__(self, other: Any) -> Expr:
        return OPERATORS.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Expr:
        return OPERATORS.matmul(other, self)

    def __neg__(self) -> Expr:
        return OPERATORS.neg(self)

    def __pos__(self) -> Expr:
        return self

    def __abs__(self) -> Expr:
        return OPERATORS.absolute(self)

    def __invert__(self) -> Expr:
        return OPERATORS.invert(self)

    def __and__(self, other: Any) -> Expr:
        return OPERATORS.logic("and", self, other)

    def __rand__(self, other: Any) -> Expr:
        return OPERATORS.logic("and", other, self)

    def __or__(self, other: Any) -> Expr:
        return OPERATORS.logic("or", self, other)

    def __ror__(self, other: Any) -> Expr:
        return OPERATORS.logic("or", other, self)

    def __lt__(self, other: Any) -> Expr:
        return OPERATORS.compare("lt", self, other)

    def __le__(self, other: Any) -> Expr:
        return OPERATORS.compare("le", self, other)

    def __gt__(self, other: Any) -> Expr:
        return OPERATORS.compare("lt", other, self)

    def __ge__(self, other: Any) -> Expr:
        return OPERATORS.compare("le", other, self)

    def __getitem__(self, index: Any) -> Expr:
        return OPERATORS.getitem(self, index)

    def __iter__(self) -> NoReturn:
        raise TypeMismatchError(
            worded("iteration over an expression", hint="index it, for example x[0]")
        )

    def __bool__(self) -> NoReturn:
        raise TypeMismatchError(
            worded(
                "truth value of a symbolic expression",
                expected="a Python bool",
                got=f"`{self.op.name}` on symbols",
                hint="wg.where(condition, a, b); compare identity with `is` or `==`",
            )
        )

    def __float__(self) -> float:
        return float(_service("as_number")(self))

    def __reduce__(self) -> tuple[Callable[[str], Expr], tuple[str]]:
        return _restored, (self.dump(),)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Expr:
        return self


def _restored(text: str) -> Expr:
    restored: Expr = _service("restore")(text)
    return restored


# --- interning -----------------------------------------------------------------------------------
# Each op keeps its own nodes (see the last fields of Op): leaves by attribute, others by attribute and
# then by arguments. Then the tuple of arguments is itself the key, and Python's cyclic collector, which
# walks every container, has a third less to walk.
_lock = threading.Lock()
_next_serial = count().__next__
_new = object.__new__
_ops: list[Op] = []  # all ops that have nodes
_MOST_TABLES = 256  # attributes beyond that many share one table, with longer keys


def _home(op: Op, attr: Any, args: tuple[Expr, ...]) -> tuple[dict[Any, Expr], Hashable]:
    """The table in which a node belongs, and its key there. Any: keys differ from table to table."""
    key = attr if op.key is None else op.key(attr)
    if not args:
        if not op.leaves and op not in _ops:
            _ops.append(op)
        return op.leaves, key
    table = op.tables.get(key)
    if table is not None:
        return table, args
    if op.bodies is not None or len(op.tables) >= _MOST_TABLES or _mentioned(key):
        # Bodies and definers of sizes are nodes: in the name of a table they would live for ever.
        if not op.leaves and op not in _ops:
            _ops.append(op)
        return op.leaves, (key, *args)
    with _lock:
        if not op.tables and op not in _ops:
            _ops.append(op)
        return op.tables.setdefault(key, {}), args


def _mentioned(attr: Any) -> tuple[Expr, ...]:
    """The nodes that define sizes in an attribute; bodies define their own."""
    if not any_defined() or attr.__class__ in _PLAIN:
        return ()
    needs: tuple[Expr, ...] | None = getattr(attr, "needs", None)
    if needs is not None:
        return needs
    if not isinstance(attr, (tuple, frozenset)):
        parts = getattr(attr, "new", None)  # of an Einstein product
        return _mentioned(parts) if parts else ()
    found: list[Expr] = []
    for part in attr:
        if part.__class__ not in _PLAIN:
            found += _mentioned(part)
    return tuple(found)


_PLAIN = (int, str, float, bool, type(None))


def _needed(attr: Any, type_: AnyType) -> tuple[Expr, ...]:
    mentioned = _mentioned(attr)
    if not mentioned or mentioned == type_.needs:
        return type_.needs
    return definers([type_, *(Dim.of(node) for node in mentioned)])


def intern(op: Op, attr: Any, args: tuple[Expr, ...], type_: AnyType) -> Expr:
    """The one node with this op, attribute and arguments, whose type the caller knows."""
    table: dict[Any, Expr] | None = None  # Any: see _home
    key: Hashable = args
    if args and op.key is None:  # the short way
        table = op.tables.get(attr)
        if table is None and len(op.tables) >= _MOST_TABLES:
            table, key = op.leaves, (attr, *args)
    if table is None:
        table, key = _home(op, attr, args)
    node = table.get(key)
    if node is not None:
        return node
    node = _new(Expr)
    node.op = op
    node.attr = attr
    node.args = args
    node.type = type_
    node.needs = _needed(attr, type_) if IN_USE else ()
    node.serial = serial = _next_serial()
    node._facts = -1
    with _lock:
        node = table.setdefault(key, node)
    if not serial & 0xFFFF and live_nodes() > _watch.limit:
        sweep()
    return node


def make(op: Op, args: tuple[Expr, ...], attr: Any = None) -> Expr:
    """The one node with this op, arguments and attribute; the op's type rule gives its type.

    Raises:
        ShapeError, TypeMismatchError: from the type rule.
    """
    table, key = _home(op, attr, args)
    node = table.get(key)
    if node is not None:
        return node
    return intern(op, attr, args, type_of(op, args, attr))


def type_of(op: Op, args: tuple[Expr, ...], attr: Any) -> AnyType:
    """What the type rule of an op says of arguments."""
    types = [a.type for a in args]
    if attr is None:
        return op.result(*types)
    if op.dependent:
        return op.result(*types, attr=attr, args=args)
    return op.result(*types, attr=attr)


def _tables() -> list[dict[Any, Expr]]:
    return [table for op in _ops for table in (op.leaves, *op.tables.values())]


def live_nodes() -> int:
    """How many nodes the tables hold.

    >>> import wengert as wg
    >>> before = wg.live_nodes()
    >>> kept = wg.parse("sin(a_new_name)")
    >>> wg.live_nodes() - before
    2
    """
    return sum(map(len, _tables()))


class _Watch:
    """When to sweep next, and whether reference counts can be trusted at all."""

    limit = 1 << 18
    grown = 1 << 16
    asked = False
    trusted = (
        sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
    )


_watch = _Watch()


def _last_references(pool: list[Any]) -> int:
    return sys.getrefcount(pool[-1])


# References to a node held by nobody but the table and the pool, and by the pool alone: counted here
# rather than assumed, because they differ between Python versions.
_ALONE = _last_references([object()])
_UNUSED = _ALONE + 1


def sweep() -> int:
    """Drop all nodes that nobody holds; returns how many.

    Newest first, so that a dropped node releases its arguments in the same sweep. A dropped entry is taken
    out before its references are counted a second time, and creation waits on the same lock, so no other
    thread can obtain a node that is about to go.
    """
    if not _watch.trusted or not _lock.acquire(blocking=False):
        return 0
    try:
        before = live_nodes()
        tables = [(table, len(table)) for table in _tables()]
        pool: list[Expr] = []
        for table, _ in tables:
            pool += table.values()
        pool.sort(key=_by_age)
        while pool:
            if _last_references(pool) <= _UNUSED:
                _drop_last(pool)
            pool.pop()
        for table, size in tables:
            if 2 * len(table) < size:
                _compact(table)
        left = live_nodes()
        _watch.limit = max(1 << 18, 4 * left)
        _watch.grown = max(1 << 16, 2 * left)
        return before - left
    finally:
        _lock.release()


def _compact(table: dict[Any, Expr]) -> None:
    """Rebuild a table in place: a dictionary with many deleted entries is slow to look up in.

    A look-up in between finds nothing, waits for the lock to create, and then finds the entry.
    """
    kept = dict(table)
    table.clear()
    table.update(kept)


def _drop_last(pool: list[Expr]) -> None:
    op, attr, args = pool[-1].op, pool[-1].attr, pool[-1].args
    exact = attr if op.key is None else op.key(attr)
    table: dict[Any, Expr] | None = op.tables.get(exact) if args else op.leaves  # Any: see _home
    key: Hashable = args if args else exact
    if table is None or key not in table:
        table, key = op.leaves, (exact, *args)
    del args
    table.pop(key, None)
    if _last_references(pool) > _ALONE:
        table[key] = pool[-1]


_by_age = attrgetter("serial")


def _after_collection(phase: str, info: dict[str, int]) -> None:
    """Sweep after a full collection that was asked for, or that comes when the tables have grown."""
    if info.get("generation") != 2:
        return
    if phase == "start":
        # A collection that starts by itself starts because the youngest generation is full.
        _watch.asked = gc.get_count()[0] <= gc.get_threshold()[0]
    elif _watch.asked or live_nodes() > _watch.grown:
        sweep()


gc.callbacks.append(_after_collection)


class paused_gc:  # noqa: N801  # used like a function: with paused_gc(): ...
    """Context in which the cyclic collector rests: graphs have no cycles, and it would only walk them.

    >>> import wengert as wg
    >>> x = wg.symbol("x")
    >>> with wg.paused_gc():
    ...     chain = x
    ...     for _ in range(1000):
    ...         chain = wg.sin(chain)
    """

    __slots__ = ("resume",)

    def __enter__(self) -> None:
        self.resume = gc.isenabled()
        if self.resume:
            gc.disable()

    def __exit__(
        self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None
    ) -> None:
        if self.resume:
            gc.enable()
