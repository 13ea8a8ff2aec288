"""The four ways to a derivative side by side: numerical, symbolic, forward, reverse."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any, TypeAlias

import numpy as np

from wengert.diff import numeric
from wengert.diff.formulas import as_formula, diff, find_symbol, free_symbols, jvp_graph
from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.diff.single import structured, unit_seed
from wengert.errors import DomainError, TypeMismatchError, WengertError, worded
from wengert.ir.facts import DIAGONAL, SYMMETRIC
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ops.algebra import zeros
from wengert.ops.counting import count_operations
from wengert.ops.leaves import ONE, fresh, symbol
from wengert.rewrite.simplify import recognise
from wengert.run.reference import evaluate_nodes

__all__ = ["HEAD", "Comparison", "Way", "compare", "short"]

HEAD = ("way", "derivative", "work", "error", "time")
_ROUNDING = 4 * float(np.finfo(float).eps)  # of the symbolic value that errors are measured from

Values: TypeAlias = dict[str, Any]  # Any: numbers or arrays, by symbol name


@dataclass(frozen=True, slots=True)
class Way:
    """One way to the derivative.

    ``graphs``: the derivative by each symbol as an expression, where the way has one. ``operations``:
    scalar operations of one evaluation of all derivatives, or ``calls`` of the function. ``error``:
    largest deviation from the symbolic value, relative to it; ``claimed``: the error estimate of the
    way itself, where it has one. ``seconds``: median time of one evaluation by the reference evaluator.
    """

    name: str
    values: Values
    graphs: Mapping[str, Expr]
    operations: int | None
    calls: int | None
    error: float
    claimed: float | None
    seconds: float

    @property
    def work(self) -> str:
        """Operations, or calls of the function, in words."""
        return f"{self.calls} calls" if self.calls is not None else f"{self.operations} ops"


@dataclass(frozen=True, slots=True)
class Comparison:
    """The outcome of :func:`compare`; ``str`` shows it as a table.

    >>> import wengert as wg
    >>> found = wg.compare("exp(-x)*y", x=0.5, y=2.0)
    >>> [way.name for way in found.ways], found.within_claim
    (['numerical', 'symbolic', 'forward', 'reverse'], True)
    """

    formula: str
    expr: Expr | None  # None: a black box
    at: Values
    value: Any
    ways: tuple[Way, ...]
    same_graph: bool | None  # None: nothing to compare (a black box, or only array symbols)

    def way(self, name: str) -> Way:
        """The way called ``name``."""
        return next(w for w in self.ways if w.name == name)

    @property
    def within_claim(self) -> bool | None:
        """Whether the numerical derivative is as close as it claims; ``None`` for a black box."""
        numerical = self.way("numerical")
        if self.expr is None or numerical.claimed is None:
            return None
        return numerical.error <= numerical.claimed + _ROUNDING

    @property
    def statements(self) -> tuple[str, ...]:
        """What was found at run time, a sentence each."""
        if self.expr is None:
            return ("A black box: there is no graph to compare.",)
        if self.same_graph is None:
            gap = self.way("forward").error
            how = f"to {gap:.0e} relative" if gap else "in every digit"
            first = f"forward mode along each basis direction agrees, {how}."
        else:
            verdict = "are the very same graph" if self.same_graph else "are DIFFERENT graphs"
            first = (
                f"the symbolic and the forward derivative {verdict} once simplified"
                " (one node, compared by `is`)."
            )
        numerical = self.way("numerical")
        verdict = "keeps" if self.within_claim else "BREAKS"
        error = f"an error of {_size(numerical.error)} where it claims at most"
        return (
            f"Checked: {first}",
            f"Checked: the numerical one {verdict} its word, {error} {numerical.claimed:.1e}.",
        )

    @property
    def place(self) -> str:
        """The point, in words."""
        return ", ".join(f"{k} = {short(v)}" for k, v in self.at.items())

    def rows(self) -> list[tuple[str, ...]]:
        """The table below :data:`HEAD`, one row per way."""
        return [_row(way) for way in self.ways]

    def __str__(self) -> str:
        rows = [line for row in (HEAD, *self.rows()) for line in _lines(row)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        graphs = {} if self.expr is None else self.way("symbolic").graphs
        formulas = [f"  d/d{name}: {graph}" for name, graph in graphs.items()]
        head = f"{self.formula}  at {self.place}  is {short(self.value)}"
        return "\n".join([head, *formulas, "", *lines, "", *self.statements])


def _lines(row: Sequence[str]) -> list[tuple[str, ...]]:
    """A row whose second cell has several lines, as one row per line."""
    first, *rest = row[1].split("\n")
    blank = [""] * (len(row) - 2)
    return [(row[0], first, *row[2:]), *(("", line, *blank) for line in rest)]


def _row(way: Way) -> tuple[str, ...]:
    many = len(way.values) > 1
    values = "\n".join(f"{n}: {short(v)}" if many else short(v) for n, v in way.values.items())
    # Errors are deviations from the symbolic value, which so has none of its own.
    error = "reference" if way.name == "symbolic" else _size(way.error)
    return way.name, values, way.work, error, _duration(way.seconds)


def _size(error: float) -> str:
    if np.isnan(error):
        return "unknown"
    return f"{error:.1e}" if error else "0"


def short(value: Any) -> str:
    """A number, or an array in a few words."""
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{array[()]:.10g}"
    if array.ndim == 1 and array.size <= 4:
        return f"[{', '.join(f'{v:.6g}' for v in array)}]"
    extents = " x ".join(map(str, array.shape))
    return f"{extents}, norm {np.linalg.norm(array):.6g}"


def _duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def compare(
    formula: Expr | str | Callable[..., Any],
    at: Mapping[str, Any] | None = None,
    *,
    wrt: Sequence[str] | None = None,
    **values: Any,
) -> Comparison:
    """Differentiate a formula at a point in four ways: numerical, symbolic, forward, reverse.

    ``formula``: an expression, its text, or a Python function; a function is tried on symbols, and
    where that fails it is a black box, for which there is the numerical way only. ``at``: a value per
    symbol, by name (or as keywords); all of them are differentiated by, or those in ``wrt``. Forward and
    reverse mode are shown as their sweeps leave them, the symbolic derivative is simplified.

    Raises:
        TypeMismatchError: a symbol without a value, or values that do not fit.
        DomainError: the formula is undefined at the point.

    >>> import wengert as wg
    >>> result = wg.compare("x^2 * sin(x)", x=1.2)
    >>> result.same_graph, result.way("numerical").error < 1e-9
    (True, True)
    """
    point: Values = {**dict(at or {}), **values}
    if callable(formula) and not isinstance(formula, Expr):
        traced = _traced(formula, point)
        if traced is None:
            return _black_box(formula, point, wrt)
        expr = traced
    else:
        expr = as_formula(formula)
    point = {k: _number(k, v) for k, v in point.items()}
    return _compared(expr, point, list(point) if wrt is None else list(wrt))


def _number(name: str, value: Any) -> Any:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeMismatchError(
            worded(f"value of `{name}`", expected="a number or an array", got=repr(value))
        ) from None


def _traced(function: Callable[..., Any], point: Values) -> Expr | None:
    """The function called on symbols, if it lets itself."""
    names = list(signature(function).parameters)
    if set(names) - set(point):
        missing = ", ".join(sorted(set(names) - set(point)))
        raise TypeMismatchError(
            worded("compare", expected=f"a value for {missing}", got="none", hint="at={...}")
        )
    try:
        result = function(*(symbol(n, np.shape(point[n])) for n in names))
    except (TypeError, ValueError, WengertError, AttributeError):
        return None
    return result if isinstance(result, Expr) else None


def _black_box(
    function: Callable[..., Any], point: Values, wrt: Sequence[str] | None
) -> Comparison:
    names = list(signature(function).parameters)
    inner = {n: point[n] for n in names}
    by = names if wrt is None else wrt
    way = _numerical(lambda p: function(*(p[n] for n in names)), inner, by, None)
    value = function(*(point[n] for n in names))
    title = getattr(function, "__name__", "function")
    return Comparison(title, None, point, value, (way,), None)


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
    seconds = _timed(lambda: [_by_differences(function, point, name) for name in wrt], 3)
    error = float("nan") if reference is None else _deviation(values, reference)
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
            seconds += _timed(partial(_only, graph, expr, point))
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
    return Way("forward", values, {}, work, None, _deviation(values, reference), None, seconds)


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
    seconds = _timed(lambda: evaluate_nodes([*graphs, expr], point))
    work = _counted(graphs, symbols, point)
    return Way(name, values, kept, work, None, _deviation(values, reference), None, seconds)


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


def _timed(run: Callable[[], Any], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]


def _deviation(values: Values, reference: Values) -> float:
    """The largest, relative to the reference; infinite where only one of both is a number."""
    worst = 0.0
    for name, wanted in reference.items():
        want, value = np.asarray(wanted), np.asarray(values[name])
        size = float(np.max(np.abs(want), initial=0.0, where=np.isfinite(want))) or 1.0
        with np.errstate(invalid="ignore"):
            gap = np.abs(value - want) / size
        same = (value == want) | (np.isnan(value) & np.isnan(want))
        gap = np.where(same, 0.0, np.where(np.isnan(gap), np.inf, gap))
        worst = max(worst, float(np.max(gap, initial=0.0)))
    return worst
