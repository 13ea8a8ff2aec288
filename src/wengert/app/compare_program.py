"""The four ways to the derivative of a program: an ordinary Python function, loops and branches included."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from wengert.app.comparison import Comparison, Values, Way, deviation, timed
from wengert.diff import numeric
from wengert.diff.formulas import diff, jvp_graph
from wengert.errors import TypeMismatchError, WengertError, worded
from wengert.frontend.trees import flatten
from wengert.ir.node import Expr
from wengert.programs.arguments import call_name, parameter_names
from wengert.programs.transforms import jacfwd, jacobian, jacrev, jit

__all__ = ["compare_program", "run_alone"]

# Any, throughout: functions, arguments and results are whatever the user has.


@dataclass(frozen=True)
class _Case:
    """A function at a point, and the places of the positional arguments to differentiate by."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    places: tuple[int, ...]
    names: tuple[str, ...]

    def call(self, *args: Any) -> Any:
        """The function as Python runs it, on copies of arrays, which it may change."""
        positional, named = _copied((args or self.args, self.kwargs))
        return self.function(*positional, **named)

    def timed(self) -> float:
        """The time of a call; without copies where the function changes nothing."""
        args, kwargs = _copied((self.args, self.kwargs))
        self.function(*args, **kwargs)
        changed = zip(flatten((args, kwargs))[0], flatten((self.args, self.kwargs))[0], strict=True)
        if all(np.array_equal(a, b, equal_nan=True) for a, b in changed if _varies(b)):
            return timed(partial(self.function, *args, **kwargs))
        return timed(self.call)

    @property
    def argnums(self) -> Any:
        """As the transforms want it."""
        return self.places[0] if len(self.places) == 1 else self.places

    def leaves(self) -> list[tuple[str, int, int, Any]]:
        """The numbers and arrays to differentiate by: path, argument, place in it, value."""
        found = []
        for place in self.places:
            leaves, tree = flatten(self.args[place])
            paths = tree.paths(self.names[place])
            found += [
                (path, place, i, leaf)
                for i, (path, leaf) in enumerate(zip(paths, leaves, strict=True))
                if _varies(leaf)
            ]
        return found

    def moved(self, place: int, index: int, value: Any) -> Any:
        """The value of the function with one leaf replaced."""
        leaves, tree = flatten(self.args[place])
        leaves[index] = float(value) if np.ndim(value) == 0 else value
        args = list(self.args)
        args[place] = tree.unflatten(leaves)
        return self.call(*args)

    def by_path(self, derivative: Any) -> Values:
        """A derivative, structured like the arguments, leaf by leaf."""
        parts = (derivative,) if len(self.places) == 1 else derivative
        found: Values = {}
        for place, part in zip(self.places, parts, strict=True):
            leaves, _ = flatten(part, lambda leaf: leaf is None)
            paths = flatten(self.args[place])[1].paths(self.names[place])
            found |= {p: v for p, v in zip(paths, leaves, strict=True) if v is not None}
        return found


def _varies(leaf: Any) -> bool:
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind == "f"
    return isinstance(leaf, float)


def _case(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wrt: Sequence[str] | None,
) -> _Case:
    bound = signature(function).bind(*args, **kwargs)
    given, named = list(bound.args), dict(bound.kwargs)
    names = tuple(parameter_names(function, len(given)))
    if wrt is None:
        places = [i for i, a in enumerate(given) if any(map(_varies, flatten(a)[0]))]
        # where no argument is a float, whole numbers are meant as floats
        places = places or [i for i, a in enumerate(given) if type(a) is int]
    else:
        unknown = [name for name in wrt if name not in names]
        if unknown:
            raise TypeMismatchError(
                worded("compare: wrt", expected=f"some of {', '.join(names)}", got=unknown[0])
            )
        places = [names.index(name) for name in wrt]
    for i in places:
        given[i] = float(given[i]) if type(given[i]) is int else given[i]
    if not places:
        raise TypeMismatchError(
            worded("compare", expected="an argument of floats", got="none", hint="1.2 or x=1.2")
        )
    return _Case(function, tuple(given), named, tuple(places), names)


def compare_program(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wrt: Sequence[str] | None,
) -> Comparison:
    """The four ways for a function of numbers, arrays and containers of these to one number or array.

    Where the function cannot be captured it is a black box, for which there is the numerical way only;
    the reason is among the statements.

    Raises:
        TypeMismatchError: nothing to differentiate by, or a value that is no number or array.
    """
    case = _case(function, args, kwargs, wrt)
    value = case.call()
    if not isinstance(value, (float, np.ndarray, np.floating)):
        raise TypeMismatchError(
            worded(
                f"compare: value of `{call_name(function)}`",
                expected="a float or an array of floats",
                got=type(value).__name__,
                hint="a function that returns only the number to differentiate",
            )
        )
    at = {path: leaf for path, _, _, leaf in case.leaves()}
    title = call_name(function)
    base = case.timed()
    try:
        ways, facts, same = _three(case, value, base)
    except WengertError as error:
        numerical = _numerical(case, None)
        reason = (f"A black box, for which differences are the only way: {error}",)
        return Comparison(title, None, at, value, (numerical,), None, base, reason)
    numerical = _numerical(case, ways[0].values)
    return Comparison(title, None, at, value, (numerical, *ways), same, base, facts)


def _three(
    case: _Case, value: Any, base: float
) -> tuple[tuple[Way, ...], tuple[str, ...], bool | None]:
    """The symbolic, the forward and the reverse way, and what was found on the way."""
    captured = jit(case.function)
    again = captured(*_copied(case.args), **_copied(case.kwargs))
    symbolic = jacobian(case.function, case.argnums)
    reference = case.by_path(symbolic(*_copied(case.args), **_copied(case.kwargs)))
    alone, lines = run_alone(symbolic, case.args, case.kwargs)
    printed = case.by_path(alone())
    ways = [
        Way("symbolic", printed, {}, None, None, 0.0, None, timed(alone), base),
    ]
    for name, transform in (("forward", jacfwd), ("reverse", jacrev)):
        run = partial(transform(case.function, case.argnums), *case.args, **case.kwargs)
        values = case.by_path(run())
        ways.append(
            Way(name, values, {}, None, None, deviation(values, printed), None, timed(run), base)
        )
    same = _same_graph(case, captured)
    source = _gap(deviation(printed, reference))
    facts = (
        f"the captured program gives what Python gives, {_gap(deviation({'': again}, {'': value}))}.",
        f"the derivative as source, {lines} lines, gives what `wg.jacobian` gives, {source}.",
        f"forward and reverse mode give the same, {_gap(max(w.error for w in ways))}.",
    )
    return tuple(ways), facts, same


def _copied(tree: Any) -> Any:
    leaves, structure = flatten(tree)
    return structure.unflatten([v.copy() if isinstance(v, np.ndarray) else v for v in leaves])


def _gap(error: float) -> str:
    return f"to {error:.0e} relative" if error else "in every digit"


def _same_graph(case: _Case, captured: Any) -> bool | None:
    """Whether the symbolic derivative and forward mode are one node, for every number that varies."""
    about = captured.captured(*case.args, **case.kwargs)
    outputs = [r for r in about.result_leaves if isinstance(r, Expr)]
    numbers = {path for path, _, _, leaf in case.leaves() if np.ndim(leaf) == 0}
    live = [leaf for leaf in about.argument_leaves if leaf.type is not None]
    symbols = dict(zip((leaf.path for leaf in live), about.function.inputs, strict=False))
    found = []
    for path, by in symbols.items():
        if path in numbers and outputs:
            change: dict[str, Any] = {by.attr.name: 1}
            try:
                found.append(diff(outputs[0], by) is jvp_graph(outputs[0], **change))
            except WengertError:  # formulas cannot say all that programs can
                return None
    return all(found) if found else None


def run_alone(
    transformed: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> tuple[Callable[[], Any], int]:
    """The source of a transformed function as a program of its own at the arguments, and its lines."""
    text = transformed.source("python", *args, **kwargs)
    name = re.findall(r"^def (\w+)\(", text, re.M)[-1]
    names: dict[str, Any] = {"__name__": "derivative"}
    exec(compile(text, "<derivative>", "exec"), names)
    captured = transformed.captured(*args, **kwargs)
    inputs = captured.values(args, kwargs)
    if captured.capacity is not None:  # the source finds it by itself
        inputs = inputs[:-1]
    return partial(names[name], *inputs), sum(bool(line.strip()) for line in text.splitlines())


def _numerical(case: _Case, reference: Values | None) -> Way:
    values: Values = {}
    calls, claimed = 0, 0.0
    start = time.perf_counter()
    for path, place, index, leaf in case.leaves():
        found = numeric.jacobian(partial(case.moved, place, index), np.asarray(leaf, float))
        values[path] = found.value
        size = float(np.max(np.abs(found.value), initial=0.0)) or 1.0
        claimed = max(claimed, float(np.max(found.error, initial=0.0)) / size)
        calls += found.calls
    seconds = time.perf_counter() - start
    error = float("nan") if reference is None else deviation(values, reference)
    return Way("numerical", values, {}, None, calls, error, claimed, seconds)
