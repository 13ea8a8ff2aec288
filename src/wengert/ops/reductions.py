"""Reductions over axes: sums and means, extrema, log-sum-exp and softmax, truth of all or any.

The static attribute of a reduction is the tuple of its axes; functions take ``axis`` (one, several, or
``None`` for all) and ``keepdims`` as NumPy does. Sums are Einstein products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, size_of
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO, POSITIVE
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
    lookup,
    register,
)
from wengert.ir.types import Type, is_complex
from wengert.ops.algebra import lift, minus, plus, times, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.axes import (
    AxisOption,
    axes_of,
    axes_option,
    keep_axes,
    spread,
    without_axes,
)
from wengert.ops.choice import eq, le, logical_or, ne, where
from wengert.ops.complexes import conj, real
from wengert.ops.einstein import ein, ones, spelt_size, sum_axes
from wengert.ops.exponential import exp, log
from wengert.ops.extreme_places import place_by_routine, place_in_loops
from wengert.ops.floats import isfinite
from wengert.ops.layout import cast
from wengert.ops.leaves import ONE
from wengert.ops.shapes import real_shape
from wengert.ops.shapes import real_type as real_same_type

__all__ = [
    "all_",
    "any_",
    "argmax",
    "argmin",
    "centred",
    "count_of",
    "log_softmax",
    "logsumexp",
    "max_",
    "mean",
    "min_",
    "softmax",
    "sum_",
    "var",
    "vdot",
]


def reduced(node: Expr, axes: tuple[int, ...], keepdims: bool) -> Expr:
    """A reduction, with axes of extent 1 where it went if ``keepdims``."""
    return keep_axes(node, axes) if keepdims else node


def _reduction(op: Op, otherwise: Callable[[Expr], Expr]) -> Callable[..., Expr]:
    """The function of a reduction; ``otherwise`` is what it does to a scalar, which has no axes."""

    def function(x: Any, axis: AxisOption = None, keepdims: bool = False) -> Expr:
        node = lift(x)
        axes = axes_of(axis, node.ndim, op.name)
        return reduced(make(op, (node,), axes) if axes else otherwise(node), axes, keepdims)

    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.doc
    return function


def axes_samples(draw: str = "uniform", low: float = -2.0, high: float = 2.0) -> tuple[Sample, ...]:
    """Samples of a reduction over one and several axes."""

    def of(*shape: int) -> tuple[Argument, ...]:
        return (Argument(shape, low, high, draw),)

    return (
        Sample(of(4), (0,), note="vector"),
        Sample(of(3, 4), (1,), note="rows"),
        Sample(of(3, 2, 2), (0, 2), note="two axes"),
        Sample(of(2, 3), (0, 1), note="all"),
    )


# --- sums and means --------------------------------------------------------------------------------------
def sum_(x: Any, axis: AxisOption = None, keepdims: bool = False) -> Expr:
    """The sum over the given axes; truth values are counted."""
    node = lift(x)
    if node.value_type.dtype == "bool":
        node = cast(node, "int64")
    axes = axes_of(axis, node.ndim, "sum")
    return reduced(sum_axes(node, axes), axes, keepdims)


def count_of(shape: Sequence[Extent], axes: Sequence[int]) -> Expr:
    """The number of elements along the given axes."""
    return spelt_size(size_of(shape[a] for a in axes))


def mean(x: Any, axis: AxisOption = None, keepdims: bool = False) -> Expr:
    """The arithmetic mean over the given axes."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "mean")
    return divide(sum_(node, axes, keepdims), count_of(node.shape, axes))


def centred(node: Expr, axes: tuple[int, ...]) -> Expr:
    """The array minus its mean over the given axes."""
    return minus(node, mean(node, axes, keepdims=True))


def var(x: Any, axis: AxisOption = None, ddof: int = 0, keepdims: bool = False) -> Expr:
    """The variance over the given axes, ``sum(abs(x - mean(x))**2)/(n - ddof)``."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "var")
    apart = centred(node, axes)
    squares = real(times(conj(apart), apart)) if is_complex(apart.value_type) else apart**2
    return divide(sum_(squares, axes, keepdims), count_of(node.shape, axes) - ddof)


def vdot(a: Any, b: Any) -> Expr:
    """The sum of ``conj(a) * b`` over all elements, for equal shapes.

    Raises:
        ShapeError: the shapes differ.
    """
    a, b = lift(a), lift(b)
    labels = range(a.ndim)
    if b.ndim != a.ndim:
        raise ShapeError(worded("vdot", expected="equal shapes", got=f"{a.shape} and {b.shape}"))
    return ein([(conj(a), labels), (b, labels)], ())


def fold_over(
    node: Expr,
    places: Sequence[Expr],
    ask: Any,  # Any: an `ops.places.Ask`
    kind: str,
    term: Callable[..., Expr] = lambda part: part,
    type_: Type | None = None,
) -> Expr:
    """What ``term`` of the elements along the axes of a reduction comes to, combined two by two.

    ``places`` are those on the other axes. Where ``term`` takes two arguments, the second is the position
    among the elements that are combined.
    """
    axes, x = node.attr, node.args[0]
    placed = term.__code__.co_argcount == 2

    def of(*counters: Expr) -> Expr:
        inner, outer = iter(counters), iter(places)
        part = ask.part(0, [next(inner if i in axes else outer) for i in range(x.ndim)])
        if not placed:
            return term(part)
        position: Expr = counters[0]
        for axis, counter in zip(axes[1:], counters[1:], strict=True):
            position = plus(times(position, ask.extent(x.shape[axis])), counter)
        return term(part, position)

    found: Expr = ask.fold(kind, [x.shape[i] for i in axes], of, type_)
    return found


# --- extrema ---------------------------------------------------------------------------------------------
def _extremum_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr:
    """The mean change of the elements that attain the extremum (none do if it is NaN: 0/0)."""
    (x,), (t,) = args, tangents
    assert t is not None
    attained = eq(x, spread(out, attr, x.shape))
    zero = zeros(x.shape)
    number = sum_axes(where(attained, ones(x.shape), zero), attr)
    return divide(sum_axes(where(attained, t, zero), attr), number)


def _attained_once(x: Expr, op: Op, attr: tuple[int, ...]) -> Expr:
    attained = eq(x, spread(make(op, (x,), attr), attr, x.shape))
    return le(sum_axes(where(attained, ones(x.shape), zeros(x.shape)), attr), ONE)


def folded(kind: str) -> Callable[..., Expr]:
    """What the elements along some axes come to, combined two by two."""

    def element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
        return fold_over(node, places, ask, kind)

    return element


def _extreme(kind: str) -> Callable[..., Expr]:
    """As `folded`, of some elements."""
    element = folded(kind)

    def of_some(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
        ask.some([node.args[0].shape[a] for a in node.attr])
        return element(node, places, ask)

    return of_some


def _extremum(name: str, doc: str, evaluate: Callable[..., Any]) -> Op:
    return register(
        Op(
            name=name,
            doc=doc,
            result=lambda x, *, attr: without_axes(real_same_type(x), attr),
            evaluate=lambda x, *, attr: evaluate(x, axis=attr),
            element=_extreme(f"{name}imum"),
            folds=lambda node: True,
            diff=Rule(_extremum_tangent),
            domain=Domain(
                smooth=lambda x, *, attr: (_attained_once(x, lookup(name), attr),),
                kinks="ties, which share equally",
            ),
            spell=Spelling(
                latex=rf"\{name}\left({{0}}\right)",
                python=f"np.{name}({{0}})",
                options=axes_option,
            ),
            laws=Laws(facts=lambda x, *, attr: _signs_and_finite(x)),
            call=lambda x, axis=None, keepdims=False: _EXTREMA[name](x, axis, keepdims),
            aliases=(f"a{name}",),
            samples=axes_samples("distinct"),
        )
    )


def _signs_and_finite(x: int) -> int:
    return x & (NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE | INTEGER)


MAX = _extremum("max", "The largest element; NaN if there is one.", np.max)
MIN = _extremum("min", "The smallest element; NaN if there is one.", np.min)
max_ = _reduction(MAX, lambda x: x)
min_ = _reduction(MIN, lambda x: x)
_EXTREMA = {"max": max_, "min": min_}


def _argument_type(x: Type, *, attr: tuple[int, ...]) -> Type:
    return without_axes(real_same_type(x), attr).with_dtype("int64")


def _argument(name: str, doc: str, evaluate: Callable[..., Any]) -> Callable[..., Expr]:
    def function(x: Any, axis: int | None = None) -> Expr:
        node = lift(x)
        axes = axes_of(axis, node.ndim, name)
        return make(op, (node,), axes)

    def element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
        """The least position of what is the extremum; NaN is one."""
        ask.some([node.args[0].shape[a] for a in node.attr])
        type_ = node.args[0].value_type.with_shape(())
        most = fold_over(node, places, ask, f"{name.removeprefix('arg')}imum", type_=type_)
        none = lift(np.iinfo(np.int64).max)

        def term(part: Expr, position: Expr) -> Expr:
            return where(logical_or(eq(part, most), ne(part, part)), position, none)

        return fold_over(node, places, ask, "minimum", term)

    def value(x: Any, *, attr: tuple[int, ...]) -> Any:
        return evaluate(x, axis=attr[0] if len(attr) < np.ndim(x) else None)

    op = register(
        Op(
            name=name,
            doc=doc,
            result=_argument_type,
            evaluate=value,
            calls=place_by_routine(name),
            loops=place_in_loops(name),
            element=element,
            folds=lambda node: True,
            diff=NoDerivative("a position does not vary smoothly", zero=True),
            spell=Spelling(
                latex=rf"\operatorname{{{{{name}}}}}\left({{0}}\right)",
                python=f"np.{name}({{0}})",
                options=axes_option,
            ),
            laws=Laws(facts=lambda x, *, attr: INTEGER | NONNEGATIVE | FINITE),
            call=function,
            samples=(
                Sample((Argument((4,), draw="distinct"),), (0,)),
                Sample((Argument((3, 4), draw="distinct"),), (1,)),
                Sample((Argument((3, 4), draw="distinct"),), (0, 1)),
            ),
        )
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


argmax = _argument(
    "argmax",
    "Position of the first largest element (over all axes: in the flattened array).",
    np.argmax,
)
argmin = _argument(
    "argmin",
    "Position of the first smallest element (over all axes: in the flattened array).",
    np.argmin,
)


# --- truth -----------------------------------------------------------------------------------------------
def _truth(name: str, doc: str, evaluate: Callable[..., Any]) -> Callable[..., Expr]:
    op = register(
        Op(
            name=name,
            doc=doc,
            result=lambda x, *, attr: without_axes(x, attr).with_dtype("bool"),
            evaluate=lambda x, *, attr: evaluate(x, axis=attr),
            element=folded({"all": "and", "any": "or"}[name]),
            folds=lambda node: True,
            diff=NoDerivative("a truth value does not vary smoothly", zero=True),
            spell=Spelling(options=axes_option, python=f"np.{name}({{0}})"),
            call=lambda x, axis=None, keepdims=False: _TRUTHS[name](x, axis, keepdims),
            samples=(Sample((Argument((2, 3), draw="bool", dtype="bool"),), (1,)),),
        )
    )
    return _reduction(op, lambda x: cast(x, "bool"))


_TRUTHS: dict[str, Callable[..., Expr]] = {}
all_ = _TRUTHS["all"] = _truth("all", "Whether all elements hold.", np.all)
any_ = _TRUTHS["any"] = _truth("any", "Whether at least one element holds.", np.any)


# --- log-sum-exp and softmax -----------------------------------------------------------------------------
def _largest(x: Any, axes: tuple[int, ...]) -> Any:
    largest = np.max(x, axis=axes, keepdims=True)
    return np.where(np.isfinite(largest), largest, 0.0)


def _logsumexp_value(x: Any, *, attr: tuple[int, ...]) -> Any:
    x = np.asarray(x, dtype=np.result_type(x, np.float32))
    largest = _largest(x, attr)
    return np.log(np.sum(np.exp(x - largest), axis=attr)) + np.squeeze(largest, axis=attr)


def _softmax_value(x: Any, *, attr: tuple[int, ...]) -> Any:
    x = np.asarray(x, dtype=np.result_type(x, np.float32))
    weights = np.exp(x - _largest(x, attr))
    return weights / np.sum(weights, axis=attr, keepdims=True)


def _in_floats(x: Expr) -> Expr:
    return x if x.value_type.dtype.startswith("float") else cast(x, "float64")


def _without_overflow(node: Expr) -> tuple[Expr, Expr]:
    """``exp(x - largest)`` and the largest elements, or 0 where these are not finite."""
    x = _in_floats(node.args[0])
    largest = max_(x, node.attr)
    largest = where(isfinite(largest), largest, zeros(largest.shape))
    return exp(minus(x, spread(largest, node.attr, x.shape))), largest


def _simpler_logsumexp(node: Expr) -> Expr | None:
    if is_complex(node.value_type):
        return None
    weights, largest = _without_overflow(node)
    return cast(plus(log(sum_axes(weights, node.attr)), largest), node.value_type.dtype)


def _simpler_softmax(node: Expr) -> Expr | None:
    if is_complex(node.value_type):
        return None
    weights, _ = _without_overflow(node)
    total = spread(sum_axes(weights, node.attr), node.attr, node.shape)
    return cast(divide(weights, total), node.value_type.dtype)


def _logsumexp_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr:
    assert tangents[0] is not None
    return sum_axes(times(softmax(args[0], attr), tangents[0]), attr)


def _softmax_tangent(
    args: Sequence[Expr],
    tangents: Sequence[Expr | None],
    out: Expr,
    *,
    attr: tuple[int, ...],
    diff: Any,
) -> Expr:
    assert tangents[0] is not None
    along = times(out, tangents[0])
    return minus(along, times(out, spread(sum_axes(along, attr), attr, out.shape)))


LOGSUMEXP = register(
    Op(
        name="logsumexp",
        doc="log(sum(exp(x))) without overflow.",
        result=lambda x, *, attr: without_axes(real_shape(x), attr),
        evaluate=_logsumexp_value,
        simpler=_simpler_logsumexp,
        diff=Rule(_logsumexp_tangent),
        spell=Spelling(
            latex=r"\operatorname{{logsumexp}}\left({0}\right)",
            python="scipy.special.logsumexp({0})",
            options=axes_option,
        ),
        call=lambda x, axis=None, keepdims=False: logsumexp(x, axis, keepdims),
        samples=axes_samples(),
        cost=6.0,
        aliases=("lse",),
    )
)

SOFTMAX = register(
    Op(
        name="softmax",
        doc="exp(x)/sum(exp(x)) without overflow.",
        result=lambda x, *, attr: real_shape(x),
        evaluate=_softmax_value,
        simpler=_simpler_softmax,
        diff=Rule(_softmax_tangent),
        spell=Spelling(
            latex=r"\operatorname{{softmax}}\left({0}\right)",
            python="scipy.special.softmax({0})",
            options=axes_option,
        ),
        laws=Laws(facts=lambda x, *, attr: POSITIVE | FINITE),
        call=lambda x, axis=None: softmax(x, axis),
        samples=axes_samples(),
        cost=7.0,
    )
)

logsumexp: Callable[..., Expr] = _reduction(LOGSUMEXP, lambda x: x)


def softmax(x: Any, axis: AxisOption = None) -> Expr:
    """``exp(x)/sum(exp(x))`` over the given axes (all by default) without overflow."""
    node = lift(x)
    axes = axes_of(axis, node.ndim, "softmax")
    return make(SOFTMAX, (node,), axes) if axes else ones(())


def log_softmax(x: Any, axis: AxisOption = None) -> Expr:
    """``x - logsumexp(x)`` over the given axes (all by default)."""
    return minus(lift(x), logsumexp(x, axis, keepdims=True))
