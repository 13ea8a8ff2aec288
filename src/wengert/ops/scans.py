"""Running sums and products, products over axes, and the linear recurrence behind their derivatives.

The derivative of a product must not divide by its factors, which may be zero. All of it rests on one op,
the recurrence ``w[0] = 0, w[i+1] = a[i]*w[i] + b[i]``: it is linear in ``b``, its change along ``a`` is again
such a recurrence, and its transpose is the same recurrence run backwards. So derivatives of every order cost
a multiple of the product and are right at zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONZERO
from wengert.ir.node import Expr, make
from wengert.ir.op import (
    Argument,
    Domain,
    Laws,
    Linear,
    Op,
    Rule,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import Type
from wengert.ops.algebra import broadcast_together, lift, minus, plus, times
from wengert.ops.axes import (
    AxisOption,
    axes_of,
    axes_option,
    axis_of,
    keep_axes,
    spread,
    without_axes,
)
from wengert.ops.choice import lt
from wengert.ops.complexes import conj
from wengert.ops.einstein import broadcast_to, ones, sum_axes
from wengert.ops.layout import cast, reshape
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.places import Loops
from wengert.ops.reductions import fold_over
from wengert.ops.shapes import same_type

__all__ = [
    "Scan",
    "accumulated",
    "cumprod",
    "cumprod_before",
    "cumsum",
    "prod",
    "prod_except",
    "recurrence",
]

_EVEN_SIGNS = NONNEGATIVE | NONZERO | FINITE | INTEGER


class Scan(NamedTuple):
    """The axis that a scan runs along, and whether it runs from its end."""

    axis: int
    backwards: bool = False


def _options(node: Expr) -> dict[str, object]:
    options: dict[str, object] = {"axis": node.attr.axis}
    return {**options, "reverse": True} if node.attr.backwards else options


def _turned(scan: Scan, lead: int) -> Scan:
    """The scan in the other direction, behind leading axes."""
    return Scan(scan.axis + lead, not scan.backwards)


def _in_numpy(running: str) -> Callable[[Expr], str]:
    """The template of NumPy source for a scan that runs forwards as ``running`` says."""

    def template(node: Expr) -> str:
        axis, backwards = node.attr
        if not backwards:
            return running.format(x="{0}", axis=axis)
        turned = running.format(x=f"np.flip({{0}}, axis={axis})", axis=axis)
        return f"np.flip({turned}, axis={axis})"

    return template


def _along(x: Any, scan: Scan) -> Any:
    """The axis moved to the front and turned so that the scan runs forwards: a view."""
    x = np.moveaxis(np.asarray(x), scan.axis, 0)
    return x[::-1] if scan.backwards else x


def accumulated(
    start: Callable[[Expr], Expr] | None,
    step: Callable[..., Expr],
    scan: Callable[[Any], Scan] = lambda attr: attr,
    *,
    earlier: bool = False,
) -> Callable[..., bool]:
    """How a scan is computed in loops: each element is ``step(before, *parts)`` of elements of the arguments.

    These are at the same place, or at the one before it (``earlier``). The first is ``start(node)``, or that
    of the argument. Along the last axis the element before is in a variable; along others whole rows
    follow each other.
    """

    def loops(node: Expr, ask: Loops) -> bool:
        axis, backwards = scan(node.attr)
        result, n = ask.result(), ask.extent(node.shape[axis])
        before, behind = node.shape[:axis], node.shape[axis + 1 :]

        def at(lead: Sequence[Expr], k: Expr, trail: Sequence[Expr]) -> tuple[Expr, ...]:
            return (*lead, minus(minus(n, ONE), k) if backwards else k, *trail)

        def first(places: tuple[Expr, ...]) -> Expr:
            found: Expr = ask.part(0, places) if start is None else start(node)
            return ask.typed(found, node.value_type)

        def then(last: Expr, was: tuple[Expr, ...], places: tuple[Expr, ...]) -> Expr:
            there = was if earlier else places
            found = step(last, *(ask.part(i, there) for i in range(len(node.args))))
            return ask.typed(found, node.value_type)

        def numbers(*lead: Expr) -> None:
            last = ask.number(first(at(lead, ZERO, ())))
            ask.put(result, at(lead, ZERO, ()), last)

            def one(k: Expr) -> None:
                here = at(lead, plus(k, ONE), ())
                ask.change(last, then(last, at(lead, k, ()), here))
                ask.put(result, here, last)

            ask.each((minus(n, ONE),), one, in_order=True)

        def rows(*lead: Expr) -> None:
            def put(*trail: Expr) -> None:
                ask.put(result, at(lead, ZERO, trail), first(at(lead, ZERO, trail)))

            def one(k: Expr) -> None:
                def each(*trail: Expr) -> None:
                    was, here = at(lead, k, trail), at(lead, plus(k, ONE), trail)
                    ask.put(result, here, then(ask.element(result, was), was, here))

                ask.each(behind, each)

            ask.each(behind, put)
            ask.each((minus(n, ONE),), one, in_order=True)

        ask.when(lt(ZERO, n), lambda: ask.each(before, rows if behind else numbers))
        return True

    return loops


# --- sums --------------------------------------------------------------------------------------------------
def _cumsum_value(x: Any, *, attr: Scan) -> Any:
    result = np.empty(np.shape(x), np.asarray(x).dtype)
    np.cumsum(_along(x, attr), axis=0, out=_along(result, attr))
    return result


CUMSUM: Op = register(
    Op(
        name="cumsum",
        doc="Sums of all elements up to each one, along an axis.",
        result=lambda x, *, attr: x,
        evaluate=_cumsum_value,
        loops=accumulated(None, plus),
        diff=Linear(
            lambda ct, slot, x, *, attr: make(CUMSUM, (ct,), _turned(attr, ct.ndim - x.ndim)),
            batched=True,
        ),
        spell=Spelling(options=_options, numpy=_in_numpy("np.cumsum({x}, axis={axis})")),
        laws=Laws(facts=lambda x, *, attr: x & (NONNEGATIVE | FINITE | INTEGER)),
        call=lambda x, axis=None, reverse=False: cumsum(x, axis, reverse),
        samples=(
            Sample((Argument((4,)),), Scan(0)),
            Sample((Argument((2, 3)),), Scan(1, True)),
            Sample((Argument((3,), dtype="complex128"),), Scan(0)),
        ),
    )
)


def _scanned(x: Any, axis: int | None, what: str) -> tuple[Expr, int]:
    """The array and the axis; ``None`` flattens, as in NumPy."""
    node = lift(x)
    if axis is None:
        return reshape(node, (-1,)), 0
    return node, axis_of(axis, node.ndim, what)


def cumsum(x: Any, axis: int | None = None, reverse: bool = False) -> Expr:
    """Sums of all elements up to each one along an axis (``None``: of the flattened array)."""
    node, along = _scanned(x, axis, "cumsum")
    if node.value_type.dtype == "bool":
        node = cast(node, "int64")
    return make(CUMSUM, (node,), Scan(along, reverse))


# --- the recurrence ----------------------------------------------------------------------------------------
def _recurrence(a: Expr, b: Expr, scan: Scan) -> Expr:
    return make(RECURRENCE, (broadcast_to(a, b.shape), b), scan)


def linear_recurrence(a: Any, b: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The values ``w[0] = 0, w[i+1] = a[i]*w[i] + b[i]`` along an axis, in numbers."""
    result = np.zeros(np.shape(b), np.result_type(a, b))
    a, b, w = (np.moveaxis(v, axis, 0)[:: -1 if reverse else 1] for v in (a, b, result))
    for i in range(len(w) - 1):
        w[i + 1] = a[i] * w[i] + b[i]
    return result


def _recurrence_value(a: Any, b: Any, *, attr: Scan) -> Any:
    return linear_recurrence(a, b, attr.axis, attr.backwards)


def _recurrence_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, *, attr: Scan, diff: Any
) -> Expr:
    a_t, b_t = tangents
    driven = None if a_t is None else times(a_t, out)
    if b_t is not None:
        driven = b_t if driven is None else plus(driven, b_t)
    assert driven is not None
    return _recurrence(args[0], driven, attr)


def _recurrence_cotangents(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Expr,
    out: Expr,
    *,
    attr: Scan,
    diff: Any,
) -> list[Expr | None]:
    back = _recurrence(conj(args[0]), ct, _turned(attr, ct.ndim - out.ndim))
    return [times(conj(out), back) if wanted[0] else None, back if wanted[1] else None]


def recurrence(a: Any, b: Any, axis: int = 0, reverse: bool = False) -> Expr:
    """The values ``w[0] = 0, w[i+1] = a[i]*w[i] + b[i]`` along an axis (``reverse``: from its end)."""
    first, second = broadcast_together(lift(a), lift(b))
    return _recurrence(first, second, Scan(axis_of(axis, first.ndim, "recurrence"), reverse))


RECURRENCE = register(
    Op(
        name="recurrence",
        doc="The values w[0] = 0, w[i+1] = a[i]*w[i] + b[i] along an axis.",
        result=lambda a, b, *, attr: same_type(a, b),
        evaluate=_recurrence_value,
        loops=accumulated(lambda node: ZERO, lambda w, a, b: plus(times(a, w), b), earlier=True),
        diff=Rule(_recurrence_tangent, _recurrence_cotangents, batched=True),
        spell=Spelling(
            options=_options,
            python="linear_recurrence({0}, {1})",
            helpers=(linear_recurrence,),
        ),
        laws=Laws(facts=lambda a, b, *, attr: a & b & (NONNEGATIVE | FINITE | INTEGER)),
        call=recurrence,
        samples=(
            Sample((Argument((4,)), Argument((4,))), Scan(0)),
            Sample((Argument((2, 3)), Argument((2, 3))), Scan(1, True)),
            Sample((Argument((3,), dtype="complex128"), Argument((3,))), Scan(0), note="complex"),
        ),
        cost=2.0,
    )
)


# --- products ----------------------------------------------------------------------------------------------
def _before_value(x: Any, *, attr: Scan) -> Any:
    result = np.ones(np.shape(x), np.asarray(x).dtype)
    x, y = _along(x, attr), _along(result, attr)
    np.cumprod(x[:-1], axis=0, out=y[1:])
    return result


def _before_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, *, attr: Scan, diff: Any
) -> Expr:
    assert tangents[0] is not None
    return _recurrence(args[0], times(tangents[0], out), attr)


def cumprod_before(x: Any, axis: int = 0, reverse: bool = False) -> Expr:
    """Products of all elements before each one along an axis (``reverse``: after each one)."""
    node = lift(x)
    return make(BEFORE, (node,), Scan(axis_of(axis, node.ndim, "cumprod_before"), reverse))


BEFORE: Op = register(
    Op(
        name="cumprod_before",
        doc="Products of all elements before each one, along an axis.",
        result=lambda x, *, attr: x,
        evaluate=_before_value,
        loops=accumulated(lambda node: ONE, times, earlier=True),
        diff=Rule(_before_tangent),
        spell=Spelling(
            options=_options,
            numpy=_in_numpy(
                "np.cumprod(np.insert(np.delete({x}, -1, axis={axis}), 0, 1, axis={axis}), axis={axis})"
            ),
        ),
        laws=Laws(facts=lambda x, *, attr: x & _EVEN_SIGNS),
        call=cumprod_before,
        samples=(
            Sample((Argument((4,)),), Scan(0)),
            Sample((Argument((2, 3)),), Scan(1, True)),
            Sample((Argument((3,), value=np.array([2.0, 0.0, 3.0])),), Scan(0), note="a zero"),
        ),
    )
)


def _cumprod_value(x: Any, *, attr: Scan) -> Any:
    result = np.empty(np.shape(x), np.asarray(x).dtype)
    np.cumprod(_along(x, attr), axis=0, out=_along(result, attr))
    return result


def _cumprod_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, *, attr: Scan, diff: Any
) -> Expr:
    """``out = x*before``, and the change of ``before`` is a recurrence."""
    (x,), (t,) = args, tangents
    assert t is not None
    driven = times(t, make(BEFORE, (x,), attr))
    return plus(driven, times(x, _recurrence(x, driven, attr)))


CUMPROD = register(
    Op(
        name="cumprod",
        doc="Products of all elements up to each one, along an axis.",
        result=lambda x, *, attr: x,
        evaluate=_cumprod_value,
        loops=accumulated(None, times),
        diff=Rule(_cumprod_tangent),
        spell=Spelling(options=_options, numpy=_in_numpy("np.cumprod({x}, axis={axis})")),
        laws=Laws(facts=lambda x, *, attr: x & _EVEN_SIGNS),
        call=lambda x, axis=None, reverse=False: cumprod(x, axis, reverse),
        samples=(
            Sample((Argument((4,)),), Scan(0)),
            Sample((Argument((2, 3)),), Scan(1, True)),
            Sample((Argument((3,), dtype="complex128"),), Scan(0), note="complex"),
            Sample((Argument((4,), value=np.array([2.0, 0.0, 3.0, 0.0])),), Scan(0), note="zeros"),
        ),
    )
)


def cumprod(x: Any, axis: int | None = None, reverse: bool = False) -> Expr:
    """Products of all elements up to each one along an axis (``None``: of the flattened array)."""
    node, along = _scanned(x, axis, "cumprod")
    return make(CUMPROD, (node,), Scan(along, reverse))


def prod(x: Any, axis: AxisOption = None, keepdims: bool = False) -> Expr:
    """The product over the given axes (all by default)."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "prod")
    product = make(PROD, (node,), axes) if axes else node
    return keep_axes(product, axes) if keepdims else product


def prod_except(x: Any, axis: AxisOption = None) -> Expr:
    """For each element the product of all the others over the given axes (all by default)."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "prod_except")
    return make(PROD_EXCEPT, (node,), axes) if axes else ones(())


def _prod_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr:
    assert tangents[0] is not None
    return sum_axes(times(prod_except(args[0], attr), tangents[0]), attr)


def _number_type(x: Type) -> Type:
    return x.with_dtype("int64") if x.dtype == "bool" else x


_ZEROS = Argument((4,), value=np.array([2.0, 0.0, 3.0, 0.5]))
_TWO_ZEROS = Argument((4,), value=np.array([2.0, 0.0, 3.0, 0.0]))
_SAMPLES = (
    Sample((Argument((4,)),), (0,)),
    Sample((Argument((2, 3)),), (1,)),
    Sample((Argument((2, 3, 2)),), (0, 2), note="two axes"),
    Sample((Argument((3,), dtype="complex128"),), (0,), note="complex"),
    Sample((_ZEROS,), (0,), note="a zero"),
    Sample((_TWO_ZEROS,), (0,), note="two zeros"),
    Sample((Argument((2, 2), value=np.array([[0.0, 2.0], [0.0, 3.0]])),), (0, 1), note="zeros"),
)

PROD = register(
    Op(
        name="prod",
        doc="The product of the elements.",
        result=lambda x, *, attr: without_axes(_number_type(x), attr),
        evaluate=lambda x, *, attr: np.prod(x, axis=attr),
        element=lambda node, places, ask: fold_over(node, places, ask, "mul"),
        folds=lambda node: True,
        diff=Rule(_prod_tangent),
        spell=Spelling(
            options=axes_option, latex=r"\prod {0}", unicode="∏ {0}", python="np.prod({0})"
        ),
        laws=Laws(facts=lambda x, *, attr: x & _EVEN_SIGNS),
        call=prod,
        samples=_SAMPLES,
        aliases=("product",),
    )
)


def _both_sides(x: Expr, axis: int) -> Expr:
    return times(make(BEFORE, (x,), Scan(axis)), make(BEFORE, (x,), Scan(axis, True)))


def _others(x: Expr, axes: tuple[int, ...]) -> Expr:
    """The exclusive products by running products: those along the last axis times those of the rest."""
    *rest, last = axes
    along = _both_sides(x, last)
    if not rest:
        return along
    across = _others(make(PROD, (x,), (last,)), tuple(rest))
    return times(along, spread(across, (last,), x.shape))


def _except_value(x: Any, *, attr: tuple[int, ...]) -> Any:
    *rest, last = attr
    along = _before_value(x, attr=Scan(last)) * _before_value(x, attr=Scan(last, True))
    if not rest:
        return along
    across = _except_value(np.prod(x, axis=last), attr=tuple(rest))
    return along * np.expand_dims(across, last)


def _except_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr | None:
    """The product rule over what the op stands for."""
    (x,), (t,) = args, tangents
    assert t is not None
    return _others_tangent(x, t, attr)


def _others_tangent(x: Expr, t: Expr, axes: tuple[int, ...]) -> Expr:
    *rest, last = axes
    change = None
    for there, back in ((Scan(last), Scan(last, True)), (Scan(last, True), Scan(last))):
        before, after = make(BEFORE, (x,), there), make(BEFORE, (x,), back)
        part = times(_recurrence(x, times(t, before), there), after)
        change = part if change is None else plus(change, part)
    assert change is not None
    if not rest:
        return change
    inner = make(PROD, (x,), (last,))
    inner_t = sum_axes(times(_both_sides(x, last), t), (last,))
    across = _others(inner, tuple(rest))
    across_t = _others_tangent(inner, inner_t, tuple(rest))
    return plus(
        times(change, spread(across, (last,), x.shape)),
        times(_both_sides(x, last), spread(across_t, (last,), x.shape)),
    )


PROD_EXCEPT = register(
    Op(
        name="prod_except",
        doc="For each element the product of all the others: the derivative of the product.",
        result=lambda x, *, attr: _number_type(x),
        evaluate=_except_value,
        simpler=lambda node: _others(node.args[0], node.attr),
        diff=Rule(_except_tangent),
        domain=Domain(),
        spell=Spelling(options=axes_option),
        expand=lambda x, *, attr: _others(x, attr),
        laws=Laws(facts=lambda x, *, attr: x & _EVEN_SIGNS),
        call=prod_except,
        samples=_SAMPLES,
        cost=3.0,
    )
)
