"""Loop nests over buffers: what a graph becomes on its way to C and to machine code.

Values are scalar expressions of the graph itself, interned as all are; new are two kinds of leaves: what
stands in a `Buffer` at some places (`read`), and a `variable`. An expression is computed where it is first
needed, or earlier, in front of loops that change nothing it depends on. Only statements happen in order:

* an `Assign` gives a variable its value; with ``again`` it has had one, and expressions of it are new ones;
* what is read carries a version of the buffer. Whoever makes a `Store` to a buffer has read what is still
  wanted of earlier versions (into variables, by `Assign`), so that a read may be done at any time after the
  last store in front of it, and before the next one;
* the counter of a `For` is a variable of the body; so is that of a `While`, which goes on as long as its flag
  (a variable that the body assigns again) is true and the counter is below the trip count, if there is one.
  The loop leaves in the variable ``done``, if it has one, how many times the body has run;
* a ``parallel`` loop may run in any order, and its iterations share nothing but what `Accumulate` and stores
  that add put together. Local buffers that nothing outside of it uses are each iteration's own;
* a `Call` of a routine, or of Python (`Host`), reads and writes memory from some places on. It counts as a
  store to the buffers that are written.

Buffers are arrays in memory, row-major and without gaps; truth values take a byte each. An input buffer is
never stored to. Local buffers hold anything at first. Those of the role ``heap`` have extents that only
running tells: there is no memory for them until an `Allocate`, which gives the variables ``extents`` of the
buffer their values. A later one may enlarge it; what the buffer held is lost, unless the statement ``keeps``
it: then only the first extent has changed, and the rows that were there stay.

There are no complex numbers (see `lower.pairs`): an input or output that is one is a `Pair` of variables, and
for an array of them stands a buffer of real numbers with a last axis of two.

Sizes with names are leaves too (the op ``size``, whose attribute is the extent with that name);
``Program.symbols`` says which axis of which input tells them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.node import Expr, make
from wengert.ir.op import NoDerivative, Op
from wengert.ir.types import Type
from wengert.ops.leaves import fresh
from wengert.ops.plane import Pair
from wengert.ops.routines import Routine

__all__ = [
    "READ", "Accumulate", "Allocate", "Argument", "Assign", "Block", "Buffer", "Call", "Check", "For", "Host",
    "If", "Pair", "Part", "Passed", "Program", "Reading", "Statement", "Store", "Unsupported", "While",
    "read", "variable",
]  # fmt: skip

Role = Literal["input", "output", "local", "table", "heap"]


class Unsupported(Exception):  # noqa: N818  an answer, caught by who asked
    """The graph needs something that has no lowering; the text names it.

    ``op`` is the name of the op without which it could be done, or the node, if anything is known.
    """

    def __init__(self, text: str, op: str | Expr | None = None) -> None:
        super().__init__(text)
        self.op = op


@dataclass(frozen=True, eq=False)
class Buffer:
    """An array in memory. ``number`` is the position among inputs or outputs, ``table`` known contents.

    A heap buffer has an extent of its own for each axis, a variable that `Allocate` sets; its ``shape`` says
    how many there are, no more.

    With ``pairs`` the caller knows it as an array of complex numbers: the last axis holds their parts.
    """

    name: str
    dtype: str
    shape: tuple[Extent, ...]
    role: Role = "local"
    number: int = -1
    table: object = None
    extents: tuple[Expr, ...] = ()
    pairs: bool = False


class Reading(NamedTuple):
    """What is read: a buffer, as it is after so many changes."""

    buffer: Buffer
    version: int


def _read_type(*places: Type, attr: Reading) -> Type:
    return Type(attr.buffer.dtype)  # type: ignore[arg-type]  # of a Type


READ = Op(
    name="read",
    doc="What stands in a buffer at some places.",
    result=_read_type,
    evaluate=lambda *places, attr: attr.buffer.table[places],
    diff=NoDerivative("buffers are memory"),
)


def read(buffer: Buffer, places: tuple[Expr, ...], version: int = 0) -> Expr:
    """The element of a buffer at some places."""
    return make(READ, places, Reading(buffer, version))


def variable(type_: Type, hint: str = "t") -> Expr:
    """A name for a number that statements give a value."""
    return fresh(type_, hint)


# --- statements --------------------------------------------------------------------------------------------
@dataclass(eq=False)
class Block:
    """Statements in order."""

    statements: list[Statement] = field(default_factory=list)

    def add(self, statement: Statement) -> None:
        self.statements.append(statement)

    def __iter__(self) -> Iterator[Statement]:
        return iter(self.statements)


@dataclass(frozen=True, eq=False)
class Assign:
    """A variable gets a value; it may get others later where ``again`` is true."""

    variable: Expr
    value: Expr
    again: bool = False


@dataclass(frozen=True, eq=False)
class Accumulate:
    """A variable is combined with a value: ``add mul maximum minimum and or`` (a NaN stays one)."""

    variable: Expr
    kind: str
    value: Expr


@dataclass(frozen=True, eq=False)
class Store:
    """An element of a buffer gets a value, or has it added."""

    buffer: Buffer
    places: tuple[Expr, ...]
    value: Expr
    adds: bool = False


@dataclass(frozen=True, eq=False)
class Allocate:
    """A heap buffer gets memory for so many elements along its axes, none of them negative."""

    buffer: Buffer
    extents: tuple[Expr, ...]
    keeps: bool = False


@dataclass(frozen=True, eq=False)
class For:
    """A body for each number below an extent (downwards if ``backward``); ``parallel``: in any order."""

    counter: Expr
    trip: Expr
    body: Block
    parallel: bool = False
    backward: bool = False


@dataclass(frozen=True, eq=False)
class While:
    """A body as long as a variable is true, and at most so often; ``counter`` counts."""

    counter: Expr
    flag: Expr
    trip: Expr | None
    body: Block
    done: Expr | None = None


@dataclass(frozen=True, eq=False)
class If:
    """One of two bodies."""

    condition: Expr
    then: Block
    orelse: Block


@dataclass(frozen=True, eq=False)
class Check:
    """Stop with a code unless a condition holds; ``about`` says what it means."""

    condition: Expr
    code: int
    about: str = ""


class Part(NamedTuple):
    """A buffer from an element on."""

    buffer: Buffer
    places: tuple[Expr, ...]


Argument: TypeAlias = str | Expr | Part


class Passed(NamedTuple):
    """How a value goes to Python or comes from there: a number, or an array with so many axes.

    For an array stand a `Part` where it begins, then its extents, and if it is ``spread``, so that its
    elements do not fill memory, how many of them lie between neighbours along each axis.
    """

    dtype: str
    axes: int = 0
    weak: bool = False
    spread: bool = False


@dataclass(frozen=True, eq=False)
class Host:
    """A node that Python computes, by what the record of its op says that it evaluates to.

    Arguments of a call are the values that it ``takes`` (numbers as expressions, complex ones as two), then
    the ``sizes`` with names, and then where what it ``gives`` is to be: an array each, without axes for a
    number. With ``effect`` it does more than that, and must not be done twice. An error in Python ends
    the program, and is raised by who called it.

    Where only running tells the extents of results, there are two calls, one right after the other but for
    memory: the first computes and gives the extents that it ``asks`` for, by result and axis, as one
    array of integers; the second takes nothing and gives the results of the first, ``later``.
    """

    node: Expr
    takes: tuple[Passed, ...]
    sizes: tuple[str, ...]
    gives: tuple[Passed, ...]
    effect: bool = False
    asks: tuple[tuple[int, int], ...] = ()
    later: bool = False

    @property
    def name(self) -> str:
        """What its op is called."""
        return self.node.op.name


@dataclass(frozen=True, eq=False)
class Call:
    """A routine of BLAS or LAPACK for numbers of a type (`ops.routines` says what each does), or Python.

    All arguments of a routine are passed as addresses, as Fortran has it: of a letter, of a whole number of
    32 bits, of a number of the type, or of the element where a `Part` begins. A routine of LAPACK gets one
    more at the end, of a whole number of 32 bits that it sets and that ``status`` (an integer variable) has
    from then on. Running stops with ``code`` where a whole number is negative or does not fit into 32 bits.
    A `Host` has none of these.
    """

    routine: Routine | Host
    dtype: str
    arguments: tuple[Argument, ...]
    status: Expr | None
    code: int

    @property
    def expressions(self) -> tuple[Expr, ...]:
        """The numbers and places among the arguments."""
        found: list[Expr] = []
        for argument in self.arguments:
            if isinstance(argument, Part):
                found.extend(argument.places)
            elif isinstance(argument, Expr):
                found.append(argument)
        return tuple(found)

    @property
    def written(self) -> tuple[Buffer, ...]:
        """The buffers that are changed."""
        if isinstance(self.routine, Host):
            places = [a.buffer for a in self.arguments if isinstance(a, Part)]
            return tuple(places[len(places) - len(self.routine.gives) :])
        parts = [self.arguments[i] for i in self.routine.writes]
        return tuple([p.buffer for p in parts if isinstance(p, Part)])


Statement = Assign | Accumulate | Store | Allocate | For | While | If | Check | Call


@dataclass(frozen=True, eq=False)
class Program:
    """A whole program: inputs and outputs in order (numbers are variables, arrays are buffers)."""

    inputs: tuple[Expr | Pair | Buffer, ...]
    outputs: tuple[Expr | Pair | Buffer, ...]
    locals: tuple[Buffer, ...]
    body: Block
    symbols: dict[str, tuple[int, int]]  # which axis of which input tells a size
    heap: tuple[Buffer, ...] = ()
    # For people: what the user calls variables and buffers, and about single statements.
    names: dict[Expr | Buffer, str] = field(default_factory=dict)
    # A loop is known by its counter, a branch by its condition, an assignment by its variable.
    comments: dict[Expr, str] = field(default_factory=dict)

    def results(self) -> Iterator[Expr | Buffer]:
        """The outputs, pairs as two variables."""
        return _opened(self.outputs)

    def numbers(self) -> set[Expr]:
        """The inputs and outputs that are variables."""
        return {p for p in _opened((*self.inputs, *self.outputs)) if isinstance(p, Expr)}


def _opened(places: Iterable[Expr | Pair | Buffer]) -> Iterator[Expr | Buffer]:
    for place in places:
        if isinstance(place, Pair):
            yield from place
        else:
            yield place
