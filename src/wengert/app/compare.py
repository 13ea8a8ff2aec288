"""The four ways to a derivative side by side: numerical, symbolic, forward, reverse."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from wengert.app.comparison import Comparison, Values, Way, deviation, timed
from wengert.diff import numeric
from wengert.diff.formulas import as_formula, diff, find_symbol, free_symbols, jvp_graph
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.diff.single import structured, unit_seed
from wengert.errors import DomainError, TypeMismatchError, worded
from wengert.ir.facts import DIAGONAL, SYMMETRIC
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.algebra import zeros
from wengert.ops.counting import count_operations
from wengert.ops.leaves import ONE, fresh, symbol
from wengert.rewrite.simplify import recognise
from wengert.run.reference import evaluate_nodes

__all__ = ["Comparison", "Way", "compare"]

_READABLE = 200  # nodes of a formula; a longer one is compared as a program


def compare(
    formula: Expr | str | Callable[..., Any],
    /,
    *args: Any,
    at: Mapping[str, Any] | None = None,
    wrt: Sequence[str] | None = None,
    **values: Any,
) -> Comparison:
    """Differentiate a formula or a program at a point in four ways: numerical, symbolic, forward, reverse.

    A formula is an expression or its text; ``at`` has a value per symbol, by name (or as keywords, or as the
    second argument). The derivative is taken by all of them, or by those in ``wrt``. Forward and reverse mode
    are shown as their sweeps leave them, the symbolic derivative is simplified.

    A program is a Python function; its arguments are given as it takes them, or by name in ``at``. Its
    symbolic derivative is source, which is run on its own. A function that gives a short formula when it is
    called on symbols is compared as that formula. One that cannot be captured is a black box: there is the
    numerical way only, and the reason.

    Raises:
        TypeMismatchError: a symbol without a value, or values that do not fit.
        DomainError: the formula is undefined at the point.

    >>> import wengert as wg
    >>> result = wg.compare("x^2 * sin(x)", x=1.2)
    >>> result.same_graph, result.way("numerical").error < 1e-9
    (True, True)
    >>> def root(a):
    ...     x = a
    ...     while abs(x * x - a) > 1e-12:
    ...         x = (x + a / x) / 2
    ...     return x
    >>> result = wg.compare(root, 2.0)
    >>> result.same_graph, result.way("reverse").error < 1e-12
    (True, True)
    """
    if callable(formula) and not isinstance(formula, Expr):
        return _of_function(formula, args, {**dict(at or {}), **values}, wrt)
    if len(args) > 1:
        raise TypeMismatchError(
            worded("compare", expected="one dict of values", got=f"{len(args)}", hint="x=1.2")
        )
    point: Values = {**dict(args[0] if args else {}), **dict(at or {}), **values}
    return _of_formula(as_formula(formula), point, wrt)


def _of_formula(expr: Expr, point: Values, wrt: Sequence[str] | None) -> Comparison:
    point = {k: _number(k, v) for k, v in point.items()}
    return _compared(expr, point, list(point) if wrt is None else list(wrt))


def _of_function(
    function: Callable[..., Any], args: tuple[Any, ...], point: Values, wrt: Sequence[str] | None
) -> Comparison:
    if not point and _is_point(function, args):
        return _of_function(function, (), dict(args[0]), wrt)
    try:
        bound = signature(function).bind(*args, **point)
    except TypeError as error:
        raise TypeMismatchError(
            worded(
                f"compare: arguments of `{getattr(function, '__name__', 'function')}`",
                expected="a value for each parameter",
                got=str(error),
                hint="compare(f, 1.2), or by name",
            )
        ) from None
    bound.apply_defaults()
    expr = _traced(function, bound.arguments)
    if expr is not None:
        return _of_formula(expr, dict(bound.arguments), wrt)
    from wengert.app.compare_program import compare_program  # formulas do without it

    return compare_program(function, args, dict(point), wrt)


def _is_point(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a dict has the parameters by name, rather than being an argument."""
    if len(args) != 1 or not isinstance(args[0], Mapping):
        return False
    return set(args[0]) == set(signature(function).parameters)


def _number(name: str, value: Any) -> Any:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeMismatchError(
            worded(f"value of `{name}`", expected="a number or an array", got=repr(value))
        ) from None


def _traced(function: Callable[..., Any], point: Mapping[str, Any]) -> Expr | None:
    """The function called on symbols, if it lets itself, and what it gives is short enough to be read."""
    if not all(isinstance(v, (int, float, list, np.ndarray)) for v in point.values()):
        return None
    try:
        result = function(*(symbol(n, np.shape(value)) for n, value in point.items()))
    except Exception:  # whatever it does where it does not find a number
        return None
    short = isinstance(result, Expr) and len(order([result])) <= _READABLE
    return result if short else None


def _compared(expr: Expr, point: Values, wrt: Sequence[str]) -> Comparison:
    if not wrt:
        raise TypeMismatchError(
            worded("compare", expected="a symbol to differentiate by", got="none", hint="x=1.2")
        )
    symbols = [find_symbol(expr, name) for name in wrt]
    missing = [s.attr.name for s in free_symbols(expr) if s.attr.name not in point]
    if missing:
        raise TypeMismatchError(
            worded(
                "compare", expected=f"a value for {', '.join(missing)}", got="none", hint="x=1.2"
            )
        )
    value = evaluate_nodes([expr], point)[0]
    if not np.all(np.isfinite(value)):
        raise DomainError(
            worded(
                "compare",
                expected="a point where the formula is defined",
                got=f"the value {value}",
                hint="see expr.conditions",
            )
        )
    primal = recognise(expr)
    names = [s.attr.name for s in symbols]
    symbolic = [diff(expr, s) for s in symbols]
    reference = dict(zip(names, evaluate_nodes([*symbolic, expr], point)[:-1], strict=True))
    ways = (
        _numerical(lambda p: evaluate_nodes([expr], p)[0], point, names, reference, symbols),
        _graph_way("symbolic", symbols, symbolic, expr, point, reference, shown=True),
        _forward_way(primal, symbols, expr, point, reference),
        _graph_way("reverse", symbols, _reverse(primal, symbols), expr, point, reference),
    )
    scalars = [(s, d) for s, d in zip(symbols, symbolic, strict=True) if not s.shape]
    same = all(_forward_graph(expr, s) is d for s, d in scalars) if scalars else None
    return Comparison(str(expr), expr, point, value, ways, same)


def _forward_graph(expr: Expr, by: Expr) -> Expr:
    change: dict[str, Any] = {by.attr.name: 1}  # Any: jvp_graph takes numbers and expressions
    return jvp_graph(expr, **change)


def _numerical(
    function: Callable[[Values], Any],
    point: Values,
    wrt: Sequence[str],
    reference: Values | None,
    symbols: Sequence[Expr] = (),
) -> Way:
    values: Values = {}
    calls = 0
    claimed = 0.0
    by = {s.attr.name: s for s in symbols}
    for name in wrt:
        found = _by_differences(function, point, name)
        values[name] = _allowed(found.value, by[name]) if name in by else found.value
        calls += found.calls
        size = float(np.max(np.abs(found.value), initial=0.0)) or 1.0
        claimed = max(claimed, float(np.max(found.error, initial=0.0)) / size)
    seconds = timed(lambda: [_by_differences(function, point, name) for name in wrt], 3)
    error = float("nan") if reference is None else deviation(values, reference)
    return Way("numerical", values, {}, None, calls, error, claimed, seconds)


def _by_differences(function: Callable[[Values], Any], point: Values, name: str) -> Any:
    moved = partial(_moved, function, point, name)
    return numeric.jacobian(moved, np.asarray(point[name], float))


def _moved(function: Callable[[Values], Any], point: Values, name: str, x: Any) -> Any:
    return function({**point, name: x})


def _allowed(value: Any, by: Expr) -> Any:
    """The part of a derivative that acts on changes which keep the assumptions about ``by``."""
    if by.ndim == 2 and knows(by, DIAGONAL):
        return value * np.eye(np.shape(value)[-1])
    if by.ndim == 2 and knows(by, SYMMETRIC):
        return (value + np.swapaxes(value, -1, -2)) / 2
    return value


def _reverse(primal: Expr, symbols: Sequence[Expr]) -> list[Expr]:
    found = vjp([primal], [unit_seed(primal)], symbols)
    return [
        zeros(primal.shape + s.shape) if ct is None else structured(ct, s)
        for s, ct in zip(symbols, found, strict=True)
    ]


def _forward_way(
    primal: Expr, symbols: Sequence[Expr], expr: Expr, point: Values, reference: Values
) -> Way:
    """Forward mode: one sweep per scalar, one per element of an array (a basis direction each)."""
    values: Values = {}
    seconds = 0.0
    roots: list[Expr] = []
    for s in symbols:
        name = s.attr.name
        if not s.shape:
            change = jvp([primal], {s: ONE})[0]
            graph = zeros(primal.shape) if change is None else change
            roots.append(graph)
            values[name] = np.broadcast_to(_only(graph, expr, point), np.shape(reference[name]))
            seconds += timed(partial(_only, graph, expr, point))
            continue
        direction = fresh(s.value_type)
        change = jvp([primal], {s: direction})[0]
        graph = zeros(primal.shape) if change is None else change
        roots.append(graph)
        sweeps = partial(_swept, graph, expr, direction, point, np.shape(point[name]))
        values[name] = _allowed(sweeps().reshape(np.shape(reference[name])), s)
        start = time.perf_counter()
        sweeps()
        seconds += time.perf_counter() - start
    work = _counted(roots, symbols, point)
    return Way("forward", values, {}, work, None, deviation(values, reference), None, seconds)


def _swept(graph: Expr, expr: Expr, direction: Expr, point: Values, shape: tuple[int, ...]) -> Any:
    """One sweep per basis direction, put together to the whole derivative."""
    columns = []
    for index in np.ndindex(*shape):
        basis = np.zeros(shape)
        basis[index] = 1.0
        columns.append(_only(graph, expr, {**point, direction.attr.name: basis}))
    if not columns:
        return np.zeros(0)
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*np.shape(columns[0]), *shape)


def _only(graph: Expr, expr: Expr, point: Values) -> Any:
    # Together with the formula, whose arrays tell the extents that the graph may only name.
    return evaluate_nodes([graph, expr], point)[0]


def _graph_way(
    name: str,
    symbols: Sequence[Expr],
    graphs: Sequence[Expr],
    expr: Expr,
    point: Values,
    reference: Values,
    *,
    shown: bool = False,
) -> Way:
    names = [s.attr.name for s in symbols]
    values = dict(zip(names, evaluate_nodes([*graphs, expr], point)[:-1], strict=True))
    kept = dict(zip(names, graphs, strict=True)) if shown else {}
    seconds = timed(lambda: evaluate_nodes([*graphs, expr], point))
    work = _counted(graphs, symbols, point)
    return Way(name, values, kept, work, None, deviation(values, reference), None, seconds)


def _counted(roots: Sequence[Expr], symbols: Sequence[Expr], point: Values) -> int:
    """Scalar operations of one evaluation, at the sizes of the point."""
    work = count_operations(roots).operations
    if isinstance(work, int):
        return work
    known = {s for root in roots for s in free_symbols(root)} | set(symbols)
    sizes = {
        str(extent): size
        for s in known
        if s.attr.name in point
        for extent, size in zip(s.shape, np.shape(point[s.attr.name]), strict=True)
    }
    return work.evaluate(sizes)
