"""Order: sorting and its permutation, partial orders, running extrema, places in sorted arrays.

Positions do not vary; the derivative of sorted values follows the permutation that sorts them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import size_of
from wengert.ir.dump import codec
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import Expr, make
from wengert.ir.op import (
    Argument,
    Domain,
    Laws,
    NoDerivative,
    Op,
    Rule,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import DType, Type, is_complex
from wengert.ops.algebra import lift, minus
from wengert.ops.along import positions, take_along
from wengert.ops.axes import axis_of
from wengert.ops.choice import eq, gt, logical_or, lt, minimum, ne, where
from wengert.ops.einstein import ein, ones, spelt_size
from wengert.ops.gathering import take
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import cast, ravel
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.ordering import argsort_calls, argsort_loops, lexsort_loops, sort_calls, sort_loops
from wengert.ops.scans import Scan, accumulated
from wengert.ops.searching import common_dtype, digitize_loops, search_loops
from wengert.ops.shapes import real_type

__all__ = [
    "argpartition",
    "argsort",
    "cummax",
    "cummin",
    "digitize",
    "isin",
    "lexsort",
    "partition",
    "searchsorted",
    "sort",
]

_ELEMENTS = NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE | INTEGER
_PLACE = "a position does not vary smoothly"
_VECTOR = Argument((5,), draw="distinct")
_ROWS = Argument((2, 4), draw="distinct")


# --- sorting ---------------------------------------------------------------------------------------------
class Order(NamedTuple):
    """The axis to sort along, and whether equal elements keep their order."""

    axis: int
    stable: bool = True


codec(Order)


def _order_options(node: Expr) -> dict[str, object]:
    options: dict[str, object] = {"axis": node.attr.axis}
    return options if node.attr.stable else {**options, "stable": False}


def _order_text(function: str) -> Callable[[Expr], str]:
    def template(node: Expr) -> str:
        kind = ", kind='stable'" if node.attr.stable else ""
        return f"np.{function}({{0}}, axis={node.attr.axis}{kind})"

    return template


def _kind(attr: Order) -> Any:  # Any: NumPy takes the words as literals
    return "stable" if attr.stable else None


ARGSORT = register(
    Op(
        name="argsort",
        doc="The places of the elements in ascending order, along an axis; NaN comes last.",
        result=lambda x, *, attr: x.with_dtype("int64"),
        evaluate=lambda x, *, attr: np.argsort(x, axis=attr.axis, kind=_kind(attr)),
        calls=argsort_calls,
        loops=argsort_loops,
        diff=NoDerivative(_PLACE, zero=True),
        spell=Spelling(options=_order_options, numpy=_order_text("argsort")),
        laws=Laws(facts=lambda x, *, attr: INTEGER | NONNEGATIVE | FINITE),
        call=lambda x, axis=-1, stable=True: argsort(x, axis, stable),
        samples=(
            Sample((_VECTOR,), Order(0)),
            Sample((_ROWS,), Order(1, False)),
            Sample((_ROWS,), Order(0), note="columns"),
        ),
        cost=10.0,
    )
)


def argsort(x: Any, axis: int = -1, stable: bool = True) -> Expr:
    """The places of the elements in ascending order along an axis."""
    node = lift(x)
    return make(ARGSORT, (node,), Order(axis_of(axis, node.ndim, "argsort"), stable))


def _sort_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, *, attr: int, diff: Any
) -> Expr:
    assert tangents[0] is not None
    return take_along(tangents[0], argsort(args[0], attr), attr)


def _no_ties(x: Expr, *, attr: int) -> tuple[Expr, ...]:
    """Neighbours in order differ."""
    extent = x.shape[attr]
    if extent in (0, 1):
        return ()
    ordered = sort(x, attr)
    return (ne(part_of(ordered, attr, 1, extent - 1), part_of(ordered, attr, 0, extent - 1)),)


SORT = register(
    Op(
        name="sort",
        doc="The elements in ascending order along an axis; NaN comes last.",
        result=lambda x, *, attr: x,
        evaluate=lambda x, *, attr: np.sort(x, axis=attr),
        calls=sort_calls,
        loops=sort_loops,
        diff=Rule(_sort_tangent),
        domain=Domain(smooth=_no_ties, kinks="equal elements, whose order decides"),
        spell=Spelling(
            options=lambda node: {"axis": node.attr},
            numpy=lambda node: f"np.sort({{0}}, axis={node.attr})",
        ),
        laws=Laws(facts=lambda x, *, attr: x & _ELEMENTS),
        call=lambda x, axis=-1: sort(x, axis),
        samples=(
            Sample((_VECTOR,), 0),
            Sample((_ROWS,), 1),
            Sample((_ROWS,), 0, note="columns"),
            Sample((Argument((4,), draw="distinct", dtype="complex128"),), 0, note="complex"),
        ),
        cost=10.0,
    )
)


def sort(x: Any, axis: int = -1) -> Expr:
    """The elements in ascending order along an axis.

    >>> sort([3.0, 1.0, 2.0]).evaluate()
    array([1., 2., 3.])
    """
    node = lift(x)
    return make(SORT, (node,), axis_of(axis, node.ndim, "sort"))


# --- partial order -----------------------------------------------------------------------------------------
class Kth(NamedTuple):
    """The axis, and the places whose elements are those of the sorted array."""

    axis: int
    places: tuple[int, ...]


codec(Kth)


def _kth_options(node: Expr) -> dict[str, object]:
    return {"kth": node.attr.places, "axis": node.attr.axis}


def _kth_text(function: str) -> Callable[[Expr], str]:
    return lambda node: f"np.{function}({{0}}, {list(node.attr.places)}, axis={node.attr.axis})"


def _partition_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, *, attr: Kth, diff: Any
) -> Expr:
    """Elements by rank: through the sorted array to the places that they have in the result."""
    assert tangents[0] is not None
    in_order = take_along(tangents[0], argsort(args[0], attr.axis), attr.axis)
    ranks = argsort(argsort(out, attr.axis), attr.axis)
    return take_along(in_order, ranks, attr.axis)


_KTH_SAMPLES = (
    Sample((_VECTOR,), Kth(0, (2,))),
    Sample((_ROWS,), Kth(1, (1, 2))),
)


def _kth(node: Expr, kth: int | Sequence[int], axis: int, what: str) -> Kth:
    along = axis_of(axis, node.ndim, what)
    extent = node.shape[along]
    places = [kth] if isinstance(kth, int) else [int(k) for k in kth]
    if isinstance(extent, int):
        wrong = [k for k in places if not -extent <= k < extent]
        if wrong:
            raise ShapeError(
                worded(what, expected=f"kth from {-extent} to {extent - 1}", got=str(wrong[0]))
            )
    return Kth(along, tuple(places))


def partition(x: Any, kth: int | Sequence[int], axis: int = -1) -> Expr:
    """The elements with those at ``kth`` in their sorted places, smaller before, larger after."""
    node = lift(x)
    return make(PARTITION, (node,), _kth(node, kth, axis, "partition"))


def argpartition(x: Any, kth: int | Sequence[int], axis: int = -1) -> Expr:
    """The places of the elements in the order of :func:`partition`."""
    node = lift(x)
    return make(ARGPARTITION, (node,), _kth(node, kth, axis, "argpartition"))


PARTITION = register(
    Op(
        name="partition",
        doc="The elements with the smaller ones before and the larger ones after certain places.",
        result=lambda x, *, attr: x,
        evaluate=lambda x, *, attr: np.partition(x, attr.places, axis=attr.axis),
        diff=Rule(_partition_tangent),
        domain=Domain(kinks="equal elements, whose order decides"),
        spell=Spelling(options=_kth_options, numpy=_kth_text("partition")),
        laws=Laws(facts=lambda x, *, attr: x & _ELEMENTS),
        call=partition,
        samples=_KTH_SAMPLES,
        cost=3.0,
    )
)

ARGPARTITION = register(
    Op(
        name="argpartition",
        doc="The places of the elements so that smaller ones come before certain places.",
        result=lambda x, *, attr: x.with_dtype("int64"),
        evaluate=lambda x, *, attr: np.argpartition(x, attr.places, axis=attr.axis),
        diff=NoDerivative(_PLACE, zero=True),
        spell=Spelling(options=_kth_options, numpy=_kth_text("argpartition")),
        laws=Laws(facts=lambda x, *, attr: INTEGER | NONNEGATIVE | FINITE),
        call=argpartition,
        samples=_KTH_SAMPLES,
        cost=3.0,
    )
)


# --- running extrema ---------------------------------------------------------------------------------------
def _running(
    name: str, doc: str, ufunc: np.ufunc, beyond: Callable[[Any, Any], Expr]
) -> Callable[..., Expr]:
    def places(x: Expr, out: Expr, axis: int) -> Expr:
        """Where the running extremum was attained first."""
        extent = x.shape[axis]
        labels = range(x.ndim)
        own = ein([(positions(extent), (axis,))], labels, dict(enumerate(x.shape)))
        if extent == 1:
            return own
        later = beyond(part_of(x, axis, 1, extent - 1), part_of(out, axis, 0, extent - 1))
        first = cast(ones((*x.shape[:axis], 1, *x.shape[axis + 1 :])), "bool")
        found = where(concatenate([first, later], axis), own, ZERO)
        return cummax(found, axis)

    def best(last: Expr, part: Expr) -> Expr:
        """One of both; NaN stays."""
        return where(logical_or(beyond(part, last), ne(part, part)), part, last)

    def tangent(
        args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, *, attr: int, diff: Any
    ) -> Expr:
        assert tangents[0] is not None
        return take_along(tangents[0], places(args[0], out, attr), attr)

    def function(x: Any, axis: int = 0) -> Expr:
        node = lift(x)
        return make(op, (node,), axis_of(axis, node.ndim, name))

    op = register(
        Op(
            name=name,
            doc=doc,
            result=lambda x, *, attr: real_type(x),
            evaluate=lambda x, *, attr: ufunc.accumulate(x, axis=attr),
            loops=accumulated(None, best, Scan),
            diff=Rule(tangent),
            domain=Domain(kinks="ties, which go to the first"),
            spell=Spelling(
                options=lambda node: {"axis": node.attr},
                numpy=lambda node: f"np.{ufunc.__name__}.accumulate({{0}}, axis={node.attr})",
            ),
            laws=Laws(facts=lambda x, *, attr: x & _ELEMENTS),
            call=function,
            samples=(Sample((_VECTOR,), 0), Sample((_ROWS,), 1), Sample((_ROWS,), 0)),
        )
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


cummax = _running(
    "cummax", "The largest of all elements up to each one, along an axis.", np.maximum, gt
)
cummin = _running(
    "cummin", "The smallest of all elements up to each one, along an axis.", np.minimum, lt
)


# --- places in sorted arrays -------------------------------------------------------------------------------
def _vector(type_: Type, what: str) -> None:
    if type_.rank != 1:
        raise ShapeError(worded(what, expected="a vector to search in", got=str(type_)))


def _search(
    call: Callable[..., Expr],
    doc: str,
    option: str,
    first: Any,
    evaluate: Callable[..., Any],
    loops: Callable[..., bool],
    text: str,
) -> Op:
    # Any: the value of the option that is left out in text.
    name = call.__name__

    def result(a: Type, v: Type, *, attr: Any) -> Type:
        _vector(a, name)
        return v.with_dtype("int64")

    return register(
        Op(
            name=name,
            doc=doc,
            result=result,
            evaluate=evaluate,
            loops=loops,
            diff=NoDerivative(_PLACE, zero=True),
            spell=Spelling(
                options=lambda node: {} if node.attr == first else {option: node.attr},
                numpy=lambda node: (
                    text if node.attr == first else f"{text[:-1]}, {option}={node.attr!r})"
                ),
            ),
            laws=Laws(facts=lambda a, v, *, attr: INTEGER | NONNEGATIVE | FINITE),
            call=call,
            samples=tuple(
                Sample((_STEPS, Argument(shape, 0.2, 0.8)), choice)
                for shape, choice in _choices(option)
            ),
            cost=5.0,
        )
    )


_STEPS = Argument((5,), value=np.array([-1.0, 0.1, 0.9, 2.0, 3.5]))


def _choices(option: str) -> tuple[tuple[tuple[int, ...], Any], ...]:
    pair: tuple[Any, Any] = ("left", "right") if option == "side" else (False, True)
    return ((), pair[0]), ((3,), pair[1]), ((2, 2), pair[0])


def searchsorted(a: Any, v: Any, side: str = "left") -> Expr:
    """Where the values ``v`` belong in the sorted vector ``a``.

    Raises:
        ShapeError: ``a`` is no vector.
    """
    return make(SEARCHSORTED, (lift(a), lift(v)), side)


def digitize(bins: Any, x: Any, right: bool = False) -> Expr:
    """The number of the interval between neighbouring ``bins``, up or down, in which each value lies.

    Raises:
        ShapeError: ``bins`` is no vector.
    """
    return make(DIGITIZE, (lift(bins), lift(x)), right)


SEARCHSORTED = _search(
    searchsorted,
    "Where values belong in a sorted vector: how many elements come before each.",
    "side",
    "left",
    lambda a, v, *, attr: np.searchsorted(a, v, side=attr),
    search_loops,
    "np.searchsorted({0}, {1})",
)
DIGITIZE = _search(
    digitize,
    "The number of the interval between neighbouring edges in which each value lies.",
    "right",
    False,
    lambda bins, x, *, attr: np.digitize(x, bins, right=attr),
    digitize_loops,
    "np.digitize({1}, {0})",
)


# --- several keys, membership ------------------------------------------------------------------------------
def _lexsort_type(*keys: Type, attr: int) -> Type:
    if any(k.shape != keys[0].shape for k in keys):
        raise ShapeError(worded("lexsort", expected="keys of one shape", got=str(keys)))
    return keys[0].with_dtype("int64")


def lexsort(keys: Sequence[Any], axis: int = -1) -> Expr:
    """The places of elements in order of several keys, the last of which comes first.

    Raises:
        ShapeError: no key, or keys of several shapes.
    """
    nodes = tuple(lift(k) for k in keys)
    if not nodes:
        raise ShapeError(worded("lexsort", expected="at least one key", got="none"))
    return make(LEXSORT, nodes, axis_of(axis, nodes[0].ndim, "lexsort"))


LEXSORT = register(
    Op(
        name="lexsort",
        doc="The places of elements in order of several keys, the last of which comes first.",
        result=_lexsort_type,
        evaluate=lambda *keys, attr: np.lexsort(keys, axis=attr),
        loops=lexsort_loops,
        diff=NoDerivative(_PLACE, zero=True),
        spell=Spelling(
            notation="listed", options=lambda node: {"axis": node.attr}, python="np.lexsort({0})"
        ),
        laws=Laws(facts=lambda *keys, attr: INTEGER | NONNEGATIVE | FINITE),
        call=lexsort,
        samples=(
            Sample((_VECTOR, Argument((5,), 0, 1, "integers")), 0),
            Sample((_ROWS, Argument((2, 4), 0, 1, "integers", "int64")), 1),
        ),
        cost=15.0,
    )
)


_COMPARED = 32  # elements that are faster compared than put in order


def _is_any(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    """One after the other is compared."""
    x, among = node.args
    if is_complex(x.value_type) or is_complex(among.value_type):
        dtype: DType = "complex128"
    else:
        dtype = common_dtype(x, among)
    own = cast(ask.part(0, places), dtype)
    if not among.ndim:
        return eq(own, cast(ask.part(1, ()), dtype))
    found: Expr = ask.fold("or", among.shape, lambda *k: eq(own, cast(ask.part(1, k), dtype)))
    return found


def _simpler_isin(node: Expr) -> Expr | None:
    """Where there are many to compare with: whether the one is equal that the place in their order is of."""
    x, among = node.args
    count = size_of(among.shape)
    if any(is_complex(a.value_type) for a in node.args):
        return None
    if isinstance(count, int) and count <= _COMPARED:
        return None
    dtype = common_dtype(x, among)
    ordered, x = sort(cast(ravel(among), dtype)), cast(x, dtype)
    last = minus(spelt_size(count), ONE)
    return eq(take(ordered, minimum(searchsorted(ordered, x), last)), x)


ISIN = register(
    Op(
        name="isin",
        doc="Whether each element is among those of the second array.",
        result=lambda x, among: x.with_dtype("bool"),
        evaluate=lambda x, among: np.isin(x, among),
        element=_is_any,
        folds=lambda node: True,
        simpler=_simpler_isin,
        diff=NoDerivative("a truth value does not vary smoothly", zero=True),
        spell=Spelling(python="np.isin({0}, {1})"),
        arity=2,
        call=lambda x, among: isin(x, among),
        samples=(
            Sample(
                (
                    Argument((6,), 0, 5, "integers", "int64"),
                    Argument((2,), 0, 5, "integers", "int64"),
                )
            ),
            Sample((Argument((2, 2)), Argument((3,)))),
        ),
        cost=10.0,
    )
)


def isin(x: Any, among: Any) -> Expr:
    """Whether each element of ``x`` is among those of ``among``."""
    return make(ISIN, (lift(x), lift(among)))
