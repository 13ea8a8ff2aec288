"""What ops that call a solver with a body share: symbols for the body, its Jacobian, getting back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.errors import NoDerivativeError
from wengert.ir.dims import size_of
from wengert.ir.node import Expr
from wengert.ir.region import Region
from wengert.ir.types import Type
from wengert.ir.walk import substitute
from wengert.ops.algebra import zeros
from wengert.ops.control.changes import Change, Transforms, differentiable
from wengert.ops.control.cond import check_captures
from wengert.ops.control.loop import loop
from wengert.ops.control.regions import (
    fits,
    hoisted,
    opened,
    opening,
    outer_sizes,
    outer_type,
    retyped,
    unbound,
)
from wengert.ops.einstein import broadcast_to, eye, transpose
from wengert.ops.layout import reshape
from wengert.ops.leaves import ONE, size

__all__ = [
    "Opened",
    "jacobian",
    "moving",
    "option_text",
    "put_back",
    "refitted",
    "result_types",
    "with_symbols",
]


class Opened(NamedTuple):
    """A body in fresh symbols, so that it is differentiated apart from what it is applied to.

    The values that a body is given may depend on each other; its partial derivatives must not see that.
    """

    symbols: tuple[Expr, ...]
    outputs: list[Expr]


def with_symbols(region: Region, bound: int, captures: Sequence[Expr]) -> Opened:
    """The body in symbols: fresh ones, but captures themselves where these define sizes.

    The first ``bound`` parameters are what the solver passes.
    """
    symbols = tuple(opening(region, [*[None] * bound, *captures], "u"))
    return Opened(symbols, opened(region, symbols))


# --- source ------------------------------------------------------------------------------------------------
def with_captures(function: str, captures: Sequence[str]) -> str:
    """The text of a function of what the solver passes, which gives the captures behind that."""
    if not captures:
        return function
    name = "given"
    while any(name in text for text in (function, *captures)):
        name += "_"
    return f"lambda *{name}: {function}(*{name}, {', '.join(captures)})"


def option_text(value: Any) -> str:  # Any: numbers, strings, tuples and dictionaries of such
    """An option as Python source."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {option_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        inside = ", ".join(map(option_text, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, float):
        plain = float(value)
        return repr(plain) if math.isfinite(plain) else f"float({str(plain)!r})"
    return repr(value)


def refitted(region: Region, bound: int, captures: Sequence[Expr]) -> Region:
    """The body for captures of these types: a number that was a Python float may have become an array's."""
    arguments = [*[None] * bound, *captures]
    sizes = outer_sizes(region, arguments)
    wanted = [retyped(p.value_type, sizes) for p in region.params]
    pairs = zip(captures, wanted[bound:], strict=True)
    if all(fits(c.value_type, w) or c.shape != w.shape for c, w in pairs):
        return region
    symbols = unbound([*wanted[:bound], *(c.value_type for c in captures)], "u")
    return hoisted(symbols, opened(region, symbols))[0]


def result_types(
    what: str,
    region: Region,
    bound: Sequence[Type],
    captured: Sequence[Type],
    captures: Sequence[Expr],
) -> list[Type]:
    """The types of what a body gives, seen from outside, after a check of what it is given.

    Raises:
        TypeMismatchError: that does not fit.
        ShapeError: the shape of a result is known only inside.
    """
    sizes = outer_sizes(region, [*[None] * len(bound), *captures])
    check_captures(what, region, (*bound, *captured), sizes)
    return [outer_type(t, sizes, what) for t in region.result_types]


def moving(
    symbols: Sequence[Expr], args: Sequence[Expr], tangents: Sequence[Change]
) -> tuple[dict[Expr, Expr], dict[Expr, Expr]]:
    """Seeds for those symbols whose arguments change, and what the seeds stand for."""
    seeds: dict[Expr, Expr] = {}
    meant: dict[Expr, Expr] = {}
    for symbol, arg, t in zip(symbols, args, tangents, strict=True):
        if t is not None and differentiable(arg):
            (seeds[symbol],) = unbound([t.value_type], "t")
            meant[seeds[symbol]] = t
    return seeds, meant


def put_back(
    changes: Sequence[Change],
    symbols: Sequence[Expr],
    values: Sequence[Expr],
    seeds: dict[Expr, Expr] | None = None,
) -> list[Change]:
    """The changes in terms of the values that the symbols stand for."""
    live = [c for c in changes if c is not None]
    results = iter(substitute(live, dict(zip(symbols, values, strict=True)) | (seeds or {})))
    return [None if c is None else next(results) for c in changes]


def jacobian(output: Expr, by: Expr, diff: Transforms) -> Expr:
    """The matrix of partial derivatives, one row for each element of the output.

    By a stack of cotangents; where an op of the body takes single ones only, column by column in a loop.
    """
    rows, columns = size_of(output.shape), size_of(by.shape)
    if not by.shape:
        change = diff.jvp([output], {by: ONE})[0]
        found = zeros(output.shape) if change is None else broadcast_to(change, output.shape)
        return reshape(found, (rows, 1))
    seed = reshape(eye(rows), (rows, *output.shape))
    try:
        pulled = diff.vjp([output], [seed], [by])[0]
    except NoDerivativeError as refusal:
        if "Jacobian through" not in str(refusal):
            raise
        return _by_columns(output, by, diff)
    return zeros((rows, columns)) if pulled is None else reshape(pulled, (rows, columns))


def _by_columns(output: Expr, by: Expr, diff: Transforms) -> Expr:
    rows, columns = size_of(output.shape), size_of(by.shape)

    def column(_k: Expr, unit: Expr) -> tuple[tuple[()], tuple[Expr]]:
        change = diff.jvp([output], {by: reshape(unit, by.shape)})[0]
        found = zeros(output.shape) if change is None else broadcast_to(change, output.shape)
        return (), (reshape(found, (rows,)),)

    (stacked,) = loop([], column, trip=size(columns), over=(eye(columns),), stacked=True)
    return transpose(stacked)
