"""``custom``: a function with a body, and a differential that its author states.

The author gives the change of the results (``jvp``), the cotangents of the arguments (``vjp``), or both, as
functions of expressions; what is missing follows by transposition. These functions are asked when a
derivative is taken, so they may call the function again, and each other: the derivative of a derivative uses
them too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from wengert.errors import GraphError, NoDerivativeError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent, extent_text, size_of
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Op, Rule, Sample, register
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ops.algebra import lift, zeros
from wengert.ops.control.changes import (
    Change,
    Transforms,
    batch_of,
    differentiable,
    result_types,
)
from wengert.ops.control.item import item, items
from wengert.ops.control.loop import loop
from wengert.ops.control.regions import as_results, hoisted, unbound
from wengert.ops.counting import count_operations
from wengert.ops.einstein import broadcast_to
from wengert.ops.exponential import log
from wengert.ops.layout import reshape
from wengert.ops.leaves import size
from wengert.ops.solvers.bodies import refitted
from wengert.ops.solvers.bodies import result_types as outer_types
from wengert.ops.trig import cos, sin

__all__ = ["CUSTOM", "Custom", "Rules", "custom"]

# Any: rules return an expression, a number, or several of them.
JvpRule = Callable[[tuple[Expr, ...], tuple[Expr, ...]], Any]
VjpRule = Callable[[tuple[Expr, ...], tuple[Expr, ...], tuple[Expr, ...]], Any]

_handles: WeakValueDictionary[int, Rules] = WeakValueDictionary()
_numbers = count()


class Rules:
    """The differential of a function, by hand; known by identity.

    ``jvp(primals, tangents)`` returns the changes of the results, linear in the tangents.
    ``vjp(primals, results, cotangents)`` returns a cotangent for each argument, or ``None`` where it is zero,
    linear in the cotangents.

    Raises:
        TypeMismatchError: neither of them.
    """

    __slots__ = ("__weakref__", "jvp", "name", "number", "vjp")

    def __init__(
        self, jvp: JvpRule | None = None, vjp: VjpRule | None = None, name: str = "f"
    ) -> None:
        if jvp is None and vjp is None:
            raise TypeMismatchError(
                worded(f"rules of `{name}`", expected="jvp, vjp, or both", got="neither")
            )
        self.jvp, self.vjp, self.name = jvp, vjp, name
        self.number = next(_numbers)
        _handles[self.number] = self

    def __repr__(self) -> str:
        return f"<rules of {self.name}>"


def _restored(number: int) -> Rules:
    """The rules with that number, in the process in which the text was written."""
    rules = _handles.get(number)
    if rules is None:
        raise GraphError(
            worded("custom rules", expected="rules of this process", got=f"number {number}")
        )
    return rules


codec(Rules, lambda rules: rules.number, _restored)


class Custom(NamedTuple):
    """The body, which computes the value, and the rules, which know of the first ``arity`` arguments.

    Further arguments are what the body uses from around it; they must not vary.
    """

    body: Region
    rules: Rules
    arity: int


codec(Custom)


def _custom_type(*types: Type, attr: Custom, args: Sequence[Expr]) -> TupleType:
    return TupleType(tuple(outer_types(attr.rules.name, attr.body, (), types, args)))


# --- what rules return -------------------------------------------------------------------------------------
def _changes(rules: Rules, found: Any, types: Sequence[Type]) -> list[Expr]:
    """The changes of the results, of the shapes of the results.

    Raises:
        ShapeError: another number of them, or other shapes.
    """
    values = as_results(found)
    if len(values) != len(types):
        raise ShapeError(
            worded(
                f"jvp rule of `{rules.name}`",
                expected=f"{len(types)} changes, one for each result",
                got=f"{len(values)}",
            )
        )
    return [
        _fitted(f"jvp rule of `{rules.name}`", v, t.shape)
        for v, t in zip(values, types, strict=True)
    ]


def _cotangents(rules: Rules, found: Any, args: Sequence[Expr]) -> list[Change]:
    """The cotangents of the arguments, of their shapes; ``None`` for those that have none.

    Raises:
        ShapeError: another number of them, or other shapes.
    """
    values = found if isinstance(found, (tuple, list)) else (found,)
    if len(values) != len(args):
        raise ShapeError(
            worded(
                f"vjp rule of `{rules.name}`",
                expected=f"{len(args)} cotangents, one for each argument (None where it is zero)",
                got=f"{len(values)}",
            )
        )
    return [
        None
        if v is None or not differentiable(a)
        else _fitted(f"vjp rule of `{rules.name}`", lift(v), a.shape)
        for v, a in zip(values, args, strict=True)
    ]


def _fitted(what: str, value: Expr, shape: tuple[Extent, ...]) -> Expr:
    if value.shape == shape:
        return value
    if value.ndim:
        raise ShapeError(
            worded(what, expected=f"shape {extent_text(shape)}", got=extent_text(value.shape))
        )
    return broadcast_to(value, shape)  # a number, such as 0


# --- differentials -----------------------------------------------------------------------------------------
def _check_around(rules: Rules, args: Sequence[Expr], varies: Sequence[bool], arity: int) -> None:
    """Rules do not know of what a body uses from around it.

    Raises:
        NoDerivativeError: it varies.
    """
    for arg, moves in zip(args[arity:], varies[arity:], strict=True):
        if moves and differentiable(arg):
            raise NoDerivativeError(
                worded(
                    f"custom rules of `{rules.name}`",
                    expected="a function of its arguments alone",
                    got=f"one that also uses `{arg}`, which varies",
                    hint="pass it as an argument",
                )
            )


def _custom_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Custom, diff: Transforms
) -> list[Change]:
    types = result_types(out)
    _check_around(attr.rules, args, [t is not None for t in tangents], attr.arity)
    args, tangents = args[: attr.arity], tangents[: attr.arity]
    moving = [
        i
        for i, (a, t) in enumerate(zip(args, tangents, strict=True))
        if t is not None and differentiable(a)
    ]
    if not moving:
        return [None] * len(types)
    if attr.rules.jvp is None:
        return _transposed_vjp(args, tangents, out, attr.rules, diff)
    if all(i in moving or not differentiable(a) for i, a in enumerate(args)):
        given = [zeros(a.shape) if t is None else t for a, t in zip(args, tangents, strict=True)]
        return [*_changes(attr.rules, attr.rules.jvp(tuple(args), tuple(given)), types)]
    # Some arguments stay: the rule is linear in the tangents, so its own change in the others is its value
    # there, without products with zero.
    seeds = [
        s if differentiable(a) else zeros(a.shape) for a, s in zip(args, _seeds(args), strict=True)
    ]
    changes = _changes(attr.rules, attr.rules.jvp(tuple(args), tuple(seeds)), types)
    directions = {seeds[i]: t for i in moving if (t := tangents[i]) is not None}
    return diff.jvp(changes, directions)


def _seeds(args: Sequence[Expr]) -> tuple[Expr, ...]:
    return unbound((Type(a.value_type.dtype, a.shape) for a in args), "t")


def _transposed_vjp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, rules: Rules, diff: Transforms
) -> list[Change]:
    """The change from a reverse rule, which is linear in the cotangents: turned around."""
    assert rules.vjp is not None
    seeds = unbound((Type(t.dtype, t.shape) for t in result_types(out)), "ct")
    pulled = _cotangents(rules, rules.vjp(tuple(args), items(out), seeds), args)
    pairs = [
        (p, t) for p, t in zip(pulled, tangents, strict=True) if p is not None and t is not None
    ]
    return diff.vjp([p for p, _ in pairs], [t for _, t in pairs], seeds)


def _custom_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Custom,
    diff: Transforms,
) -> list[Change]:
    types = result_types(out)
    _check_around(attr.rules, args, wanted, attr.arity)
    around: list[Change] = [None] * (len(args) - attr.arity)
    args, wanted = args[: attr.arity], wanted[: attr.arity]
    if attr.rules.vjp is None:
        return _transposed_jvp(args, wanted, ct, types, attr.rules, diff) + around
    batch = batch_of(ct, types)
    if batch:
        return _by_rows(args, wanted, ct, out, attr.rules, batch) + around
    given = [zeros(t.shape) if c is None else c for c, t in zip(ct, types, strict=True)]
    found = _cotangents(attr.rules, attr.rules.vjp(tuple(args), items(out), tuple(given)), args)
    return [c if want else None for c, want in zip(found, wanted, strict=True)] + around


def _by_rows(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    rules: Rules,
    batch: tuple[Extent, ...],
) -> list[Change]:
    """A rule knows single cotangents: a stack of them is taken one after the other."""
    assert rules.vjp is not None
    types = result_types(out)
    rows = size_of(batch)
    live = [i for i, c in enumerate(ct) if c is not None]
    stacks = [reshape(c, (rows, *types[i].shape)) for i, c in enumerate(ct) if c is not None]
    kept: list[int] = []

    def one(_k: Expr, *cotangents: Expr) -> tuple[tuple[()], tuple[Expr, ...]]:
        given = [zeros(t.shape) for t in types]
        for i, cotangent in zip(live, cotangents, strict=True):
            given[i] = cotangent
        assert rules.vjp is not None
        found = _cotangents(rules, rules.vjp(tuple(args), items(out), tuple(given)), args)
        kept[:] = [i for i, c in enumerate(found) if c is not None and wanted[i]]
        return (), tuple(c for i, c in enumerate(found) if c is not None and wanted[i])

    results = loop([], one, trip=size(rows), over=stacks, stacked=True)
    found: list[Change] = [None] * len(args)
    for i, result in zip(kept, results, strict=True):
        found[i] = reshape(result, (*batch, *args[i].shape))
    return found


def _transposed_jvp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    types: Sequence[Type],
    rules: Rules,
    diff: Transforms,
) -> list[Change]:
    assert rules.jvp is not None
    seeds = _seeds(args)
    given = [s if differentiable(a) else zeros(a.shape) for a, s in zip(args, seeds, strict=True)]
    changes = _changes(rules, rules.jvp(tuple(args), tuple(given)), types)
    slots = [i for i, a in enumerate(args) if wanted[i] and differentiable(a)]
    pulled = diff.vjp(changes, list(ct), [seeds[i] for i in slots])
    found: list[Change] = [None] * len(args)
    for slot, change in zip(slots, pulled, strict=True):
        found[slot] = change
    return found


# --- building ----------------------------------------------------------------------------------------------
def _rebuilt(*args: Expr, attr: Custom) -> Expr:
    return make(CUSTOM, args, attr._replace(body=refitted(attr.body, 0, args)))


def custom(function: Callable[..., Any], *args: Any, rules: Rules) -> Any:
    """``function(*args)`` with a differential by hand.

    The function returns an expression or a tuple of them. What it uses besides its arguments must not vary,
    for the rules know of nothing else.

    Raises:
        NoDerivativeError: (when differentiated) it does vary.
        ShapeError: (when differentiated) a rule returns other shapes than it should.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> straight = Rules(jvp=lambda primals, tangents: tangents[0], name="straight")
    >>> y = custom(sin, x, rules=straight)
    """
    values = [lift(a) for a in args]
    symbols = unbound([v.value_type for v in values], "p")
    result = function(*symbols)
    region, captures = hoisted(symbols, as_results(result))
    node = make(CUSTOM, (*values, *captures), Custom(region, rules, len(values)))
    return items(node) if isinstance(result, (tuple, list)) else item(node, 0)


# --- record ------------------------------------------------------------------------------------------------
def _sine(x: Any) -> Any:
    return custom(sin, x, rules=_SINE)


def _cosine(x: Any) -> Any:
    return custom(cos, x, rules=_COSINE)


# Each other's derivative: to any order by rules alone.
_SINE = Rules(jvp=lambda xs, ts: _cosine(xs[0]) * ts[0], name="sine")
_COSINE = Rules(vjp=lambda xs, outs, cts: (-_sine(xs[0]) * cts[0],), name="cosine")


def _product(x: Expr, y: Expr) -> tuple[Expr, Expr]:
    return x * y, log(x)


_PRODUCT = Rules(
    jvp=lambda xs, ts: (xs[1] * ts[0] + xs[0] * ts[1], ts[0] / xs[0]),
    vjp=lambda xs, outs, cts: (cts[0] * xs[1] + cts[1] / xs[0], cts[0] * xs[0]),
    name="product",
)


def _pair_sample(*symbols: Expr) -> tuple[Expr, ...]:
    found: tuple[Expr, ...] = custom(_product, *symbols, rules=_PRODUCT)
    return found


CUSTOM = register(
    Op(
        name="custom",
        doc="A function with a body, and a differential that its author states.",
        result=_custom_type,
        dependent=True,
        evaluate=lambda *values, attr, run: tuple(run(attr.body, values)),
        diff=Rule(_custom_jvp, _custom_vjp, batched=True),
        bodies=lambda attr: (attr.body,),
        applies=lambda attr: attr.body,
        with_bodies=lambda attr, bodies: attr._replace(body=bodies[0]),
        exempt={"text": "a body is no formula"},
        build=_rebuilt,
        count=lambda node: count_operations(node.attr.body.outputs).operations,
        samples=(
            Sample((Argument((3,)),), build=_sine, note="forward rule"),
            Sample((Argument((3,)),), build=_cosine, note="reverse rule"),
            Sample(
                (Argument((2,), 0.5, 2.0), Argument((2,))), build=_pair_sample, note="both rules"
            ),
        ),
    )
)
