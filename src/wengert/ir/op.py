"""The record of one operation, and the registry of all records.

Everything known about an op stands in its :class:`Op`: type rule, meaning, differential, domain, spelling,
laws. Transforms read the record; none of them names an op. The four kinds of differential:

* :class:`Pointwise`: one partial per argument, for ops that work element by element.
* :class:`Linear`: the op is linear in some slots; only the transpose is given.
* :class:`Rule`: an explicit forward rule in graph ops; reverse follows by linearize and transpose.
* :class:`NoDerivative`: says why there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from wengert.errors import GraphError, UnknownNameError, nearest, worded

if TYPE_CHECKING:
    from wengert.ir.dims import Extent
    from wengert.ir.node import Expr
    from wengert.ir.types import AnyType

__all__ = [
    "NO_LAWS",
    "PLAIN",
    "REALS",
    "Argument",
    "Differential",
    "Domain",
    "Edge",
    "Laws",
    "Linear",
    "NoDerivative",
    "Op",
    "Pointwise",
    "Rule",
    "Sample",
    "Scaled",
    "Spelling",
    "lookup",
    "register",
    "registered",
]

# The callables of a record take the op's arguments, and `attr=` where the op has a static attribute;
# their exact signatures differ from op to op, which is what `...` stands for.
Partial: TypeAlias = Callable[..., "Expr | None"]


class Scaled:
    """A partial given by its action: ``action(t, *args, out)`` is the partial times ``t``.

    For partials that are better never formed, such as ``t/y`` or ``where(x > 0, t, 0)``.
    """

    __slots__ = ("action",)

    def __init__(self, action: Callable[..., Expr]) -> None:
        self.action = action


class Pointwise:
    """One partial per argument, each a function of ``(*args, out)`` with the elementwise shape.

    ``None`` in place of a partial says that the op does not vary smoothly with that argument
    (its differential there is zero); ``why`` then says so for the reader.
    """

    __slots__ = ("partials", "why")

    def __init__(self, *partials: Partial | Scaled | None, why: str = "") -> None:
        self.partials, self.why = partials, why


class Linear:
    """Linear in each of ``slots``; ``transpose(ct, slot, *args)`` gives the cotangent of that argument.

    Without ``joint`` the op is linear in each slot while the others stay (a product). Ops that are linear in
    all slots together (a sum, a choice) give ``joint(tangents, args)``; ``None`` in ``tangents`` is zero.
    ``elementwise`` ops work element by element on equal shapes, so extra leading axes on a cotangent
    simply pass through them; others whose transpose copes with such axes say ``batched``.
    """

    __slots__ = ("batched", "elementwise", "joint", "slots", "transpose")

    def __init__(
        self,
        transpose: Callable[..., Expr],
        *,
        slots: Sequence[int] | None = None,
        joint: Callable[..., Expr] | None = None,
        elementwise: bool = False,
        batched: bool = False,
    ) -> None:
        self.transpose = transpose
        self.slots = None if slots is None else frozenset(slots)  # None: every argument
        self.joint, self.elementwise, self.batched = joint, elementwise, batched

    def active(self, slot: int) -> bool:
        """Whether argument ``slot`` is one of the linear ones."""
        return self.slots is None or slot in self.slots


class Rule:
    """An explicit forward rule ``jvp(args, tangents, out, *, attr, diff)`` in graph ops.

    ``tangents`` has ``None`` for zero; an op with several results gives a list of changes. ``diff`` offers
    the transforms themselves to ops that have a body. An optional hand-made
    ``vjp(args, wanted, ct, out, *, attr, diff)`` is for speed and for structured ops; where both exist the
    harness demands that they agree. It is given cotangents with extra leading axes only if it says
    ``batched``; otherwise these go by the transposed forward rule.
    """

    __slots__ = ("batched", "jvp", "vjp")

    def __init__(
        self,
        jvp: Callable[..., Expr | list[Expr | None] | None],
        vjp: Callable[..., Sequence[Expr | None]] | None = None,
        *,
        batched: bool = False,
    ) -> None:
        self.jvp, self.vjp, self.batched = jvp, vjp, batched


class NoDerivative:
    """The op has no differential, and ``why`` says so; ``zero`` if it is locally constant."""

    __slots__ = ("why", "zero")

    def __init__(self, why: str, *, zero: bool = False) -> None:
        self.why, self.zero = why, zero


Differential: TypeAlias = Pointwise | Linear | Rule | NoDerivative


@dataclass(frozen=True)
class Edge:
    """An agreed value at a kink, pole or border: ``op(*at) == value`` and its ``partials`` there.

    ``partials`` has one entry per argument; ``None`` leaves it unsaid.
    """

    at: tuple[float, ...]
    value: float
    partials: tuple[float | None, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Domain:
    """Where an op is real and smooth, and what happens at the edges.

    ``sample``: one interval per argument in which it is smooth and tests may sample.
    ``where``: conditions on the arguments for a real value (builds graph comparisons; none: everywhere).
    ``smooth``: conditions on the arguments for the op to be differentiable, where that is not wherever it
    is defined; ops with bodies are also told which arguments are ``active``, and may ask for the condition
    ``within`` a body. ``kinks`` and ``poles``: said in words, for the reference page.
    """

    sample: tuple[tuple[float, float], ...] = ()
    where: Callable[..., tuple[Expr, ...]] | None = None
    smooth: Callable[..., tuple[Expr, ...]] | None = None
    edges: tuple[Edge, ...] = ()
    kinks: str = ""
    poles: str = ""


@dataclass(frozen=True)
class Spelling:
    """How an op is written, only where it differs from ``name(args)``.

    Templates use ``{0}``, ``{1}``, ... for the arguments. ``notation`` names a layout that needs more than
    a template: ``sum``, ``product``, ``power``, ``quotient``, ``compare``, ``not``, ``and``, ``or``,
    ``literal``, ``symbol``, ``hidden`` (show the first argument only), ``listed`` (all arguments in one
    bracket: ``stack((a, b), axis=0)``). ``options(node)`` gives the keyword arguments that stand for the
    static attribute in a call: numbers, strings, truth values, and tuples of numbers or extents.
    ``numpy(node)`` gives the template of NumPy source where it depends on the attribute or the types. It may
    have further lines, statements that change the value called ``{name}`` in place.
    ``statement(node, args, names)`` gives the lines of Python source that do what an op with an effect does,
    for the texts of its arguments and the names of its results (a token needs no name: the order of the
    statements says the same). ``helpers`` are functions that such lines call: their source needs nothing but
    ``np``, each other and unevaluated annotations, and has to stand once before.
    """

    text: str = ""
    unicode: str = ""
    latex: str = ""
    python: str = ""
    matlab: str = ""
    notation: str = "call"
    symbol: str = ""  # the infix sign of a `compare` and the like
    numpy: Callable[[Expr], str] | None = None
    more: Mapping[str, str] = field(default_factory=dict)  # further targets by name
    options: Callable[[Expr], Mapping[str, Any]] | None = None  # Any: see above
    statement: Callable[[Expr, Sequence[str], Sequence[str]], Sequence[str]] | None = None
    helpers: tuple[Callable[..., Any], ...] = ()  # Any: see above


@dataclass(frozen=True)
class Laws:
    """Algebraic facts that rewriting and canonical order may use, and tests sample.

    ``facts`` maps the fact bits of the arguments to those of the result (see ``ir.facts``), where the op is
    defined; that a result is not zero or is whole is said for finite arguments. ``inverse`` names the op that
    undoes this one on its whole domain. ``monotone``: never decreasing on its domain.
    """

    commutative: bool = False
    odd: bool = False
    even: bool = False
    inverse: str = ""
    facts: Callable[..., int] | None = None
    monotone: bool = False
    self_transpose: bool = False  # a matrix of this op may equal its transpose, node for node


@dataclass(frozen=True)
class Argument:
    """How the test harness draws one argument of a :class:`Sample`.

    ``draw`` is a name, or a function ``draw(rng, shape)`` that returns the array. The names: ``uniform``
    between ``low`` and ``high`` (both parts of a complex number), ``integers`` from ``low`` to ``high``
    inclusive, ``distinct`` (well apart, in random order: for sorting and extrema), ``bool``, and the square
    matrices ``invertible``, ``symmetric``, ``spd`` (positive definite), ``lower``, ``upper``, ``orthogonal``
    (all well conditioned; leading axes stack).

    Tests differentiate in random directions with respect to every inexact argument, unless ``varies`` is
    false. Directions are symmetric matrices where ``direction`` is ``"symmetric"``, which ``symmetric`` and
    ``spd`` imply; otherwise ``"any"``. A function ``direction(rng, value)`` draws its own. With ``constant``
    the value becomes a constant node of the graph (an order, an exponent) and nothing varies.
    ``assume`` names facts of the symbol, as in ``symbol(..., assume=)``.
    """

    shape: tuple[int, ...] = ()
    low: float = -2.0
    high: float = 2.0
    draw: str | Callable[..., Any] = "uniform"  # Any: an array
    dtype: str = "float64"
    assume: tuple[str, ...] = ()
    varies: bool = True
    constant: bool = False
    value: Any = None  # Any: a number or an array, taken as it is in place of a drawn one
    direction: str | Callable[..., Any] = ""


@dataclass(frozen=True)
class Sample:
    """One use of an op that the test harness tries: its arguments and its static attribute.

    ``build(*symbols)`` makes the expression to test where ``op.build`` (or interning as it stands) would
    not do: for ops with bodies or several results, and ops that users reach only through a function. It
    returns one expression or a tuple of them, in which the op must occur. ``note`` tells samples apart.

    Every sample is checked for: its type, forward against differences, reverse against forward (pairing
    ``Re sum(conj(ct) * change)``), symbolic against forward, the same once more for the second
    derivative, a hand-made reverse against the derived one, and stacked cotangents against single ones.
    ``order=1`` leaves out the second derivative where there is none to have.

    >>> Sample((Argument((3, 3), draw="spd"), Argument((3,)))).args[1].shape
    (3,)
    """

    args: tuple[Argument, ...] = ()
    attr: Any = None  # Any: the op's static attribute
    build: Callable[..., Any] | None = None  # Any: an expression or a tuple of them
    order: int = 2
    note: str = ""


REALS = Domain()
PLAIN = Spelling()
NO_LAWS = Laws()


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Op:
    """Everything wengert knows about one operation.

    ``result(*types)`` is the type rule; ``evaluate(*values)`` the NumPy meaning against which every engine
    is measured; ``build(*args)`` the canonicalising constructor (default: intern as it stands). Ops with a
    static attribute receive it as ``attr=`` in all of these. ``absorb(node, factor)`` pulls a factor
    inside a node whose zero part must stay zero even if the factor is infinite (strong zeros).
    ``part(node, index)`` is the indexed part of a node where that can be had without building the node, and
    ``into(node, base)`` is ``base + node`` where the node is zero but for few elements.
    ``element(node, places, ask)`` is the number at some integer places, for code that runs over arrays
    element by element: ``ask.part(i, places)`` is the element of argument ``i``, ``ask.extent(e)`` an extent
    as a number, ``ask.fold(kind, extents, term)`` the ``add``, ``mul``, ``maximum`` or ``minimum`` of
    ``term(*counters)`` over all counters. Elementwise ops need none. An op that is its first argument with
    elements changed says with ``stores(node, ask)`` which ones; one that is put together of its arguments
    says with ``fills(node, ask)`` what goes where. One that routines compute says so with
    ``calls(node, ask)``, which asks for memory, loops and calls in order (see ``ops.places.Calls``) and
    returns whether it did: it may decline before it asks for anything. ``loops(node, ask)`` does so
    too, without routines (see ``ops.places.Loops``). ``simpler(node)`` is the node in other ops, which are
    lowered instead.
    ``applies(attr)`` is the body whose results are those of the op, for its arguments, where that is so.
    ``parts(*args)`` says what the op is on complex numbers in terms of real ones, for scalars: these come and
    are returned as pairs (`ops.plane.Pair`), real ones as they are.
    ``samples`` gives argument shapes and attributes for the test harness; without them elementwise ops are
    tried on scalars and arrays drawn from ``domain.sample``. ``exempt`` maps the name of a check of the
    harness to the reason why the op cannot pass it (listed in ``tests/golden/harness/exemptions.txt``).
    ``aliases`` are the other names the formula language knows it by.
    ``call(*args, **options)`` is the function that a formula calls by that name, where options follow the
    arguments (see ``Spelling.options``); default: ``build``, or the elementwise function of the op.
    """

    name: str
    doc: str
    result: Callable[..., AnyType]
    evaluate: Callable[..., Any]  # Any: NumPy arrays, scalars, or tuples of them
    diff: Differential
    domain: Domain = REALS
    spell: Spelling = PLAIN
    expand: Callable[..., Expr] | None = None
    laws: Laws = NO_LAWS
    build: Callable[..., Expr] | None = None
    call: Callable[..., Expr] | None = None
    absorb: Callable[[Expr, Callable[[Expr], Expr]], Expr | None] | None = None
    part: Callable[[Expr, Any], Expr | None] | None = None
    into: Callable[[Expr, Expr], Expr | None] | None = None
    # The result in real numbers where some are complex: see `ops.plane`. Any: a pair or an expression.
    parts: Callable[..., Any] | None = None
    elementwise: bool = False
    element: Callable[..., Expr] | None = None
    folds: Callable[[Expr], bool] | None = (
        None  # whether `element` runs over more than its own places
    )
    # The node in simpler ops, for all numbers the same but for rounding: what is lowered in its place.
    simpler: Callable[[Expr], Expr | None] | None = None
    stores: Callable[..., Any] | None = None  # Any: an `ops.places.Stores`
    fills: Callable[..., Any] | None = (
        None  # Any: several `ops.places.Stores`, for a whole new array
    )
    calls: Callable[..., bool] | None = None  # whether routines compute it, and how
    loops: Callable[..., bool] | None = None  # whether loops of its own compute it, and how
    checks: Callable[[Expr], Expr | None] | None = None  # what has to hold for running to go on
    effect: bool = (
        False  # does more than giving a value: keep it while its token is used, never copy it
    )
    foreign: bool = False  # runs code that is not in the graph, which may do anything
    resolve: Callable[[Any, Mapping[str, int]], Any] | None = (
        None  # attribute with sizes in numbers
    )
    dependent: bool = False  # the type rule is also given the arguments themselves, as `args`
    free: bool = False  # a leaf that stands for a value still to be given
    bound: bool = False  # a free leaf that only occurs inside a region: its parameter
    projection: bool = False  # picks one of several results: the only use of an op that has them
    bodies: Callable[[Any], tuple[Any, ...]] | None = None  # the regions inside the attribute
    with_bodies: Callable[[Any, tuple[Any, ...]], Any] | None = (
        None  # the attribute with other regions
    )
    # The name of an extent of the results that only running the node tells, or nothing.
    tells: Callable[[Any], str] | None = None
    applies: Callable[[Any], Any] | None = None  # the region that it is, if it is no more than that
    binds: Callable[[Any], bool] | None = None  # whether the body may call itself
    recurs: Callable[[Any], int] | None = None  # which of the calls around it the node calls again
    key: Callable[[Any], Hashable] | None = (
        None  # exact key of the attribute where it is not its own
    )
    count: Callable[[Expr], Extent] | None = None  # scalar operations of a node; default: its size
    # What a node with bodies costs, as an ``ops.counting.Cost``; default: its bodies, once each.
    spent: Callable[[Expr], Any] | None = None
    cost: float = 1.0  # operations per output element, in units of one addition
    aliases: tuple[str, ...] = ()
    arity: int | None = None  # None: from the type rule; used by the formula language
    samples: tuple[Sample, ...] = ()
    exempt: Mapping[str, str] = field(default_factory=dict)
    # The interned nodes of this op, kept by ``ir.node``. Any: keys are attributes and arguments.
    leaves: dict[Any, Expr] = field(default_factory=dict, init=False)
    tables: dict[Any, dict[Any, Expr]] = field(default_factory=dict, init=False)

    def __repr__(self) -> str:
        return f"<op {self.name}>"


_REGISTRY: dict[str, Op] = {}
_ALIASES: dict[str, str] = {}


def register(op: Op) -> Op:
    """Add a record to the registry and return it.

    Raises:
        GraphError: the name or an alias is taken.
    """
    for name in (op.name, *op.aliases):
        if name in _REGISTRY or name in _ALIASES:
            raise GraphError(
                worded(f"op `{op.name}`", expected="a new name", got=f"`{name}`, which is taken")
            )
    _REGISTRY[op.name] = op
    for alias in op.aliases:
        _ALIASES[alias] = op.name
    return op


def registered() -> Mapping[str, Op]:
    """All records by name."""
    return _REGISTRY


def lookup(name: str) -> Op:
    """The record called ``name`` (or one of its aliases).

    Raises:
        UnknownNameError: there is none; the message suggests the nearest.
    """
    op = _REGISTRY.get(_ALIASES.get(name, name))
    if op is None:
        raise UnknownNameError(
            worded("op", expected="a registered name", got=f"`{name}`")
            + f"; {nearest(name, [*_REGISTRY, *_ALIASES]) or 'see wengert.ops'}"
        )
    return op
