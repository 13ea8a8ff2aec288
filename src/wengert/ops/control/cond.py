"""``cond``: one of two bodies, by a truth value. Only the body that is taken is evaluated.

The differential of ``cond(p, f, g, *x)`` is ``cond(p, f', g', *x, *dx)``, forwards and backwards. Where the
change is zero in one of the branches, the result is a strong zero there.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, NamedTuple

from wengert.errors import TypeMismatchError, worded
from wengert.ir.dims import Extent
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, register
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import order
from wengert.ops.algebra import lift
from wengert.ops.control.changes import (
    Change,
    Transforms,
    batch_of,
    change_type,
    differentiable,
    or_zeros,
    result_types,
    strong,
)
from wengert.ops.control.item import item, items
from wengert.ops.control.regions import (
    as_results,
    canonical_captures,
    captured_sizes,
    fits,
    joined,
    opened,
    opening,
    outer_sizes,
    outer_type,
    reclosed,
    retyped,
    settled,
    split,
    sunk,
    unbound,
)
from wengert.ops.control.smooth import cond_smooth
from wengert.ops.counting import Cost, count_operations, known_outside
from wengert.ops.layout import cast

__all__ = ["COND", "Cond", "branch", "check_captures", "joined_cond"]


class Cond(NamedTuple):
    """The two bodies; their parameters are the captures."""

    then: Region
    orelse: Region


codec(Cond)


def _cond_type(predicate: Type, *captures: Type, attr: Cond, args: Sequence[Expr]) -> TupleType:
    if predicate.dtype != "bool" or predicate.shape:
        raise TypeMismatchError(
            worded(
                "cond",
                expected="one truth value",
                got=str(predicate),
                hint="compare, or use where element by element",
            )
        )
    sizes = {
        **outer_sizes(attr.then, args[1:]),
        **outer_sizes(attr.orelse, args[1:]),
    }
    check_captures("cond", attr.then, captures, sizes)
    check_captures("cond", attr.orelse, captures, sizes)
    pairs = zip(attr.then.result_types, attr.orelse.result_types, strict=True)
    return TupleType(tuple(outer_type(joined(a, b, "cond"), sizes, "cond") for a, b in pairs))


def check_captures(
    what: str, region: Region, types: Sequence[Type], sizes: Mapping[str, Extent]
) -> None:
    """Whether values of these types may be passed to the region.

    Raises:
        TypeMismatchError: one of them does not fit its parameter, or their number differs.
    """
    if len(region.params) != len(types) or not all(
        fits(t, retyped(p.value_type, sizes)) for t, p in zip(types, region.params, strict=True)
    ):
        raise TypeMismatchError(
            worded(
                what,
                expected=f"arguments of types {', '.join(str(p.type) for p in region.params)}",
                got=", ".join(map(str, types)),
            )
        )


def _cond_value(
    predicate: Any, *captures: Any, attr: Cond, run: Callable[[Region, Sequence[Any]], list[Any]]
) -> tuple[Any, ...]:
    return tuple(run(attr.then if predicate else attr.orelse, captures))


# --- differentials ---------------------------------------------------------------------------------------
def _cond_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Cond, diff: Transforms
) -> list[Change] | None:
    symbols = opening_both(attr, args[1:])
    moving = [
        i for i, t in enumerate(tangents[1:]) if t is not None and differentiable(args[i + 1])
    ]
    given = dict(zip(symbols, args[1:], strict=True))
    seeds: dict[Expr, Expr] = {}
    for i in moving:
        t = tangents[i + 1]
        assert t is not None
        (seeds[symbols[i]],) = unbound([t.value_type], "t")
        given[seeds[symbols[i]]] = t
    then = diff.jvp(opened(attr.then, symbols), dict(seeds))
    orelse = diff.jvp(opened(attr.orelse, symbols), dict(seeds))
    types = [change_type(t) for t in result_types(out)]
    return _either(args[0], then, orelse, types, given)


def _cond_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Cond,
    diff: Transforms,
) -> list[Change]:
    batch = batch_of(ct, result_types(out))
    symbols = opening_both(attr, args[1:])
    given = dict(zip(symbols, args[1:], strict=True))
    seeds: list[Change] = []
    for cotangent in ct:
        if cotangent is None:
            seeds.append(None)
            continue
        (seed,) = unbound([cotangent.value_type], "ct")
        given[seed] = cotangent
        seeds.append(seed)
    slots = [i for i, arg in enumerate(args[1:]) if wanted[i + 1] and differentiable(arg)]
    wrt = [symbols[i] for i in slots]
    then = diff.vjp(opened(attr.then, symbols), seeds, wrt)
    orelse = diff.vjp(opened(attr.orelse, symbols), seeds, wrt)
    types = [change_type(s.value_type, batch) for s in wrt]
    found: list[Change] = [None] * len(args)
    for slot, change in zip(slots, _either(args[0], then, orelse, types, given), strict=True):
        found[slot + 1] = change
    return found


def _either(
    predicate: Expr,
    then: Sequence[Change],
    orelse: Sequence[Change],
    types: Sequence[Type],
    given: Mapping[Expr, Expr],
) -> list[Change]:
    """The changes on the way that was taken, each ``None`` if it is zero on both ways."""
    live = [i for i, pair in enumerate(zip(then, orelse, strict=True)) if pair != (None, None)]
    found: list[Change] = [None] * len(types)
    if not live:
        return found
    node = joined_cond(
        predicate,
        [or_zeros(then[i], types[i]) for i in live],
        [or_zeros(orelse[i], types[i]) for i in live],
        given,
    )
    for position, i in enumerate(live):
        change = item(node, position)
        if then[i] is None or orelse[i] is None:
            change = strong(predicate, change, holds=then[i] is not None)
        found[i] = change
    return found


def opening_both(attr: Cond, arguments: Sequence[Expr]) -> list[Expr]:
    """What to open both bodies on."""
    return opening(_both(attr), arguments)


def _both(attr: Cond) -> Region:
    """Both bodies as one."""
    return Region(attr.then.params, (*attr.then.outputs, *attr.orelse.outputs))


# --- building --------------------------------------------------------------------------------------------
def joined_cond(
    predicate: Expr,
    then: Sequence[Expr],
    orelse: Sequence[Expr],
    given: Mapping[Expr, Expr] | None = None,
    outside: Container[Expr] = frozenset(),
) -> Expr:
    """The ``cond`` node (with several results) of two lists of outputs.

    ``given`` maps symbols in the outputs to what they stand for. Everything the outputs need is computed
    inside, but for free symbols and what is in ``outside``: nodes that are computed anyway.

    Raises:
        TypeMismatchError: the predicate is no single truth value, or the branches differ in shape.
    """
    both = [_together(first, second) for first, second in zip(then, orelse, strict=True)]
    outputs = [*(first for first, _ in both), *(second for _, second in both)]
    region, captures = sunk(outputs, given, outside)
    return make(COND, (predicate, *captures), Cond(*split(region, len(then))))


def _together(first: Expr, second: Expr) -> tuple[Expr, Expr]:
    """Two results in the precision that holds both."""
    type_ = joined(first.value_type, second.value_type, "cond")
    found = [
        node if fits(node.value_type, type_) else cast(node, type_.dtype)
        for node in (first, second)
    ]
    return found[0], found[1]


def _rebuilt(predicate: Expr, *captures: Expr, attr: Cond) -> Expr:
    if settled(attr.then, captures):
        if canonical_captures(captures):
            return make(COND, (predicate, *captures), attr)
        both = reclosed(_both(attr), captures)
        if both is not None:
            region, captures = both
            return make(COND, (predicate, *captures), Cond(*split(region, len(attr.then.outputs))))
    symbols = opening_both(attr, captures)
    given = dict(zip(symbols, captures, strict=True))
    return joined_cond(predicate, opened(attr.then, symbols), opened(attr.orelse, symbols), given)


def branch(
    predicate: Any,
    then: Callable[..., Any],
    orelse: Callable[..., Any],
    *operands: Any,
) -> Any:
    """``then(*operands)`` if the truth value holds, else ``orelse(*operands)``.

    The functions return an expression or a tuple of them, of equal types on both ways. What they build is
    computed only when their branch is taken: all that they use is computed inside the branch, but for
    symbols and what the predicate needs anyway. Pass as operands the values that exist already,
    or they are computed twice.

    >>> from wengert.ops.leaves import symbol
    >>> x = symbol("x")
    >>> y = branch(x > 0, lambda: x**2, lambda: -x)

    Raises:
        TypeMismatchError: the predicate is no single truth value, or the branches differ in shape.
    """
    predicate = lift(predicate)
    values = [lift(o) for o in operands]
    symbols = unbound(v.value_type for v in values)
    first, second = then(*symbols), orelse(*symbols)
    yes = as_results(first)
    no = as_results(second)
    if len(yes) != len(no):
        raise TypeMismatchError(
            worded("branch", expected=f"{len(yes)} results on both ways", got=f"{len(no)}")
        )
    given = dict(zip(symbols, values, strict=True))
    outside = frozenset(order([predicate]))
    found = items(joined_cond(predicate, yes, no, given, outside))
    return found if isinstance(first, (tuple, list)) else found[0]


def _spent(node: Expr) -> Cost:
    """Both bodies, as if both were taken."""
    outside = known_outside(captured_sizes(node.attr.then.params, node.args[1:]))
    both = count_operations([*node.attr.then.outputs, *node.attr.orelse.outputs])
    return both.mapped(outside)


def _sample(*symbols: Expr) -> Expr:
    x, y = symbols
    result: Expr = branch(x > 0, lambda: x * y + x, lambda: y**2 - 3 * x)
    return result


COND = register(
    Op(
        name="cond",
        doc="One of two bodies, by a truth value; the other is not evaluated.",
        result=_cond_type,
        dependent=True,
        evaluate=_cond_value,
        diff=Rule(_cond_jvp, _cond_vjp, batched=True),
        domain=Domain(smooth=cond_smooth),
        bodies=lambda attr: (attr.then, attr.orelse),
        with_bodies=lambda attr, bodies: Cond(*bodies),
        exempt={"text": "a body is no formula"},
        build=_rebuilt,
        spent=_spent,
        samples=(
            Sample((Argument((), 0.2, 2.0), Argument((), 0.2, 2.0)), build=_sample, note="taken"),
            Sample(
                (Argument((), -2.0, -0.2), Argument((), 0.2, 2.0)), build=_sample, note="not taken"
            ),
        ),
    )
)
