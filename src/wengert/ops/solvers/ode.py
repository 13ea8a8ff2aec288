"""``trajectory``: initial value problems by SciPy's ``solve_ivp`` and ``odeint``.

The value is SciPy's. The differential is that of the same steps taken again as a loop (``replay``), with the
places of the steps as step control chose them: the derivative of the discrete solution (internal numerical
differentiation, Bock 1981). So forward and reverse mode agree to rounding, to any order, and what they give
is as accurate as the solution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Extent
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Op, Rule, Sample, Spelling, register
from wengert.ir.region import Region
from wengert.ir.types import FLOAT, TupleType, Type, is_complex, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.control.changes import Change, Transforms, differentiable
from wengert.ops.control.item import item, items
from wengert.ops.control.lengths import opaque_length, told_by
from wengert.ops.control.regions import hoisted, unbound
from wengert.ops.joining import stack
from wengert.ops.layout import cast
from wengert.ops.leaves import const
from wengert.ops.solvers.bodies import (
    moving,
    option_text,
    put_back,
    refitted,
    result_types,
    with_captures,
    with_symbols,
)
from wengert.ops.solvers.replay import METHODS, Steps, replayed
from wengert.ops.trig import sin

__all__ = ["TRAJECTORY", "Solution", "Trajectory", "initial_value_problem", "odeint"]

_COUNT = Type("int64", (), True)
_SUBSTITUTE = "LSODA"  # takes the steps of odeint, which does not tell its own
_ODEINT_TOLERANCE = 1.49012e-8


class Trajectory(NamedTuple):
    """The right-hand side ``body(t, y, *captures)`` and what SciPy's solver is given.

    ``jac``: its Jacobian by y, of the same parameters, or ``None``. ``evaluated``: the times of output are
    given; else they are those of the steps, ``length`` many.
    ``length`` is the number of grid points, which only running the solver tells.
    """

    body: Region
    method: str
    evaluated: bool = False
    options: tuple[tuple[str, Any], ...] = ()  # Any: numbers, strings, tuples of numbers
    jac: Region | None = None
    length: Extent = 0


codec(Trajectory)


class Solution(NamedTuple):
    """Times, values (one column for each time), and the cost of it."""

    t: Expr
    y: Expr
    evaluations: Expr
    jacobians: Expr
    factorisations: Expr


class _Parts(NamedTuple):
    """The arguments of the op by meaning. Any: types, nodes, or changes."""

    start: Any
    end: Any
    y0: Any
    times: Any  # None where the steps are the times
    captures: Sequence[Any]


def _parts(args: Sequence[Any], attr: Trajectory) -> _Parts:
    times = args[3] if attr.evaluated else None
    return _Parts(args[0], args[1], args[2], times, args[3 + attr.evaluated :])


def _trajectory_type(*types: Type, attr: Trajectory, args: Sequence[Expr]) -> TupleType:
    start, end, y0, times, captured = _parts(types, attr)
    if start.shape or end.shape or is_complex(start) or is_complex(end):
        raise TypeMismatchError(
            worded(attr.method, expected="numbers as times", got=f"{start} and {end}")
        )
    if len(y0.shape) != 1 or y0.dtype not in ("float64", "complex128"):
        raise ShapeError(worded(attr.method, expected="a vector of initial values", got=str(y0)))
    if times is not None and len(times.shape) != 1:
        raise ShapeError(worded(attr.method, expected="times in one row", got=str(times)))
    captures = args[3 + attr.evaluated :]
    slopes, *_ = result_types(attr.method, attr.body, [FLOAT, y0], captured, captures)
    if slopes.shape != y0.shape or (is_complex(slopes) and not is_complex(y0)):
        raise ShapeError(
            worded(
                attr.method,
                expected=f"a right-hand side of type {y0}, as the initial value",
                got=str(slopes),
            )
        )
    steps = (attr.length,)
    t = Type("float64", steps) if times is None else times
    values = y0.with_shape((*y0.shape, *t.shape))
    places = (Type("int64", steps), Type("float64", steps), Type("int64", t.shape))
    return TupleType((t, values, _COUNT, _COUNT, _COUNT, *places))


# --- meaning -----------------------------------------------------------------------------------------------
def _trajectory_value(
    *args: Any, attr: Trajectory, run: Callable[[Region, Sequence[Any]], list[Any]]
) -> tuple[Any, ...]:
    start, end, y0, times, captures = _parts(args, attr)

    def function(body: Region) -> Callable[[Any, Any], Any]:
        return lambda t, y: run(body, [t, y, *captures])[0]

    functions = [function(body) for body in _bodies(attr)]
    options = dict(attr.options)
    if attr.method == "odeint":
        return _odeint(functions, y0, times, options)
    knots = METHODS[attr.method] is None
    return _trajectory(attr.method, functions, (start, end), y0, times, options, knots)


def _bodies(attr: Trajectory) -> tuple[Region, ...]:
    return (attr.body,) if attr.jac is None else (attr.body, attr.jac)


def _trajectory(
    method: str,
    functions: Sequence[Callable[[Any, Any], Any]],
    span: tuple[Any, Any],
    y0: Any,
    times: Any,
    options: Mapping[str, Any],
    knots_at_output: bool,
) -> tuple[Any, ...]:
    # Times, values, numbers of evaluations, and the grid of steps: interval between knots and fraction of it.
    # Where steps can be interpolated (else times of output become knots and grid points), knots are the ends
    # of the span, and a time of output is given by the step in which it lies. Also emitted: it stands alone.
    from importlib import import_module

    integrate = import_module("scipy.integrate")
    ends = np.array([float(span[0]), float(span[1])])
    steps = [ends[0]]

    class Recorder(getattr(integrate, method)):  # type: ignore[misc]  # one of SciPy's solvers
        def _step_impl(self) -> tuple[bool, str | None]:
            success, message = super()._step_impl()
            if success:
                steps.append(self.t)
            return success, message

    given = {k: np.asarray(v) if isinstance(v, tuple) else v for k, v in options.items()}
    if len(functions) > 1:
        given["jac"] = functions[1]
    found = integrate.solve_ivp(functions[0], tuple(ends), y0, Recorder, t_eval=times, **given)
    if found.status != 0:
        raise ValueError(f"solve_ivp: {method} did not reach t = {ends[1]}: {found.message}")
    if len(steps) == 1:  # a span of no length
        steps.append(ends[1])
    sign = -1.0 if ends[1] < ends[0] else 1.0
    grid, knots, outputs = np.array(steps), ends, np.asarray(steps if times is None else times)
    if knots_at_output and times is not None:
        knots = np.concatenate([ends[:1], times, ends[1:]])
        grid = sign * np.unique(sign * np.concatenate([grid, knots]))
    interval = np.searchsorted(sign * knots, sign * grid, side="right") - 1
    interval = np.clip(interval, 0, len(knots) - 2)
    widths = knots[interval + 1] - knots[interval]
    fraction = np.where(
        widths == 0, 0.0, (grid - knots[interval]) / np.where(widths == 0, 1, widths)
    )
    which = np.searchsorted(sign * grid, sign * outputs)
    if not knots_at_output and times is not None:
        which = np.clip(which - 1, 0, max(len(grid) - 2, 0))
    counts = (found.nfev, found.njev, found.nlu)
    return (found.t, found.y, *counts, interval.astype(np.int64), fraction, which.astype(np.int64))


def _odeint(
    functions: Sequence[Callable[[Any, Any], Any]], y0: Any, times: Any, options: Mapping[str, Any]
) -> tuple[Any, ...]:
    # As for solve_ivp, with an empty grid: odeint does not tell its steps. Also emitted: it stands alone.
    from importlib import import_module

    given = {k: np.asarray(v) if isinstance(v, tuple) else v for k, v in options.items()}
    if len(functions) > 1:
        given["Dfun"] = functions[1]
    solve = import_module("scipy.integrate").odeint
    values, report = solve(functions[0], y0, times, tfirst=True, full_output=True, **given)
    counts = [int(report[k][-1]) if len(report[k]) else 0 for k in ("nfe", "nje")]
    none = np.zeros(0, np.int64)
    return (
        np.asarray(times),
        values.T,
        *counts,
        0,
        none,
        np.zeros(0),
        np.zeros(len(times), np.int64),
    )


def _trajectory_source(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: Trajectory = node.attr
    first, last = 3 + attr.evaluated, len(args) - len(_bodies(attr))
    start, end, y0, times = (*args[:first], "None")[:4]
    functions = ", ".join(with_captures(f, args[first:last]) for f in args[last:])
    options = option_text(dict(attr.options))
    if attr.method == "odeint":
        call = f"_odeint([{functions}], {y0}, {times}, {options})"
    else:
        knots = METHODS[attr.method] is None
        span = f"({start}, {end}), {y0}, {times}"
        call = f"_trajectory({attr.method!r}, [{functions}], {span}, {options}, {knots})"
    return [f"{', '.join(names)} = {call}"]


# --- differentials -----------------------------------------------------------------------------------------
def _replay(
    args: Sequence[Expr], out: Expr, attr: Trajectory, diff: Transforms
) -> tuple[list[Expr], list[Expr], dict[Expr, Expr]]:
    """Times and values in fresh symbols for the arguments, the symbols, and what further ones stand for."""
    captures = _parts(args, attr).captures
    first = len(args) - len(captures)
    body = with_symbols(attr.body, 2, captures)
    outer = unbound((a.value_type for a in args[:first]), "u")
    symbols = [*outer, *body.symbols[2:]]
    grid = _grid_node(args, out, attr)
    places = unbound((item(grid, i).value_type for i in (5, 6, 7)), "g")
    parts = _parts(symbols, attr)
    method = _SUBSTITUTE if attr.method == "odeint" else attr.method
    t, y = replayed(
        Steps(method, parts.start, parts.end, parts.y0, parts.times, *places),
        body.symbols[:2],
        body.outputs[0],
        diff,
    )
    return [t, y], symbols, {p: item(grid, 5 + i) for i, p in enumerate(places)}


def _grid_node(args: Sequence[Expr], out: Expr, attr: Trajectory) -> Expr:
    """The node that tells the steps: the solution itself, but for ``odeint``, which keeps them to itself."""
    if attr.method != "odeint":
        return out
    kept = {k: v for k, v in attr.options if k in ("rtol", "atol")}
    options = {"rtol": _ODEINT_TOLERANCE, "atol": _ODEINT_TOLERANCE} | kept
    return _made(
        args, attr._replace(method=_SUBSTITUTE, options=tuple(sorted(options.items())), jac=None)
    )


def _trajectory_jvp(
    args: Sequence[Expr],
    tangents: Sequence[Change],
    out: Expr,
    *,
    attr: Trajectory,
    diff: Transforms,
) -> list[Change]:
    outputs, symbols, given = _replay(args, out, attr, diff)
    seeds, meant = moving(symbols, args, tangents)
    changes = diff.jvp(outputs, seeds)
    found = put_back(changes, symbols, args, meant | given)
    return [*found, *[None] * 6]


def _trajectory_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Trajectory,
    diff: Transforms,
) -> list[Change]:
    found: list[Change] = [None] * len(args)
    outputs, symbols, given = _replay(args, out, attr, diff)
    seeds: list[Change] = []
    for cotangent in ct[:2]:
        if cotangent is None:
            seeds.append(None)
            continue
        (seed,) = unbound([cotangent.value_type], "ct")
        seeds.append(seed)
        given[seed] = cotangent
    slots = [i for i, a in enumerate(args) if wanted[i] and differentiable(a)]
    pulled = diff.vjp(outputs, seeds, [symbols[i] for i in slots])
    for slot, change in zip(slots, put_back(pulled, symbols, args, given), strict=True):
        found[slot] = change
    return found


# --- building ----------------------------------------------------------------------------------------------
def _rebuilt(*args: Expr, attr: Trajectory) -> Expr:
    captures = _parts(args, attr).captures
    bodies = tuple(refitted(body, 2, captures) for body in _bodies(attr))
    return make(TRAJECTORY, args, _with_bodies(attr, bodies))


def _with_bodies(attr: Trajectory, bodies: tuple[Region, ...]) -> Trajectory:
    return attr._replace(body=bodies[0], jac=bodies[1] if len(bodies) > 1 else None)


def _made(args: Sequence[Expr], attr: Trajectory) -> Expr:
    return make(TRAJECTORY, tuple(args), attr._replace(length=opaque_length(attr, args)))


def _problem(
    method: str,
    functions: Sequence[Callable[..., Any]],
    span: tuple[Expr, Expr],
    y0: Any,
    times: Any,
    options: Mapping[str, Any],
) -> Solution:
    start = lift(y0)
    if not is_inexact(start.value_type) or start.value_type.dtype in ("float32", "complex64"):
        dtype: Any = "complex128" if is_complex(start.value_type) else "float64"
        start = cast(start, dtype)
    if start.ndim == 0:
        start = stack([start])
    t, y = unbound([FLOAT, Type(start.value_type.dtype, start.shape)], "y")
    outputs = [_vector(f(t, y)) for f in functions]
    if not outputs[0].shape:
        outputs[0] = stack([outputs[0]])
    region, captures = hoisted((t, y), outputs)
    given = () if times is None else (lift(times),)
    kept = tuple(sorted((k, _plain(v)) for k, v in options.items() if v is not None))
    args = (*span, start, *given, *captures)
    bodies = tuple(Region(region.params, (output,)) for output in region.outputs)
    attr = _with_bodies(Trajectory(region, method, times is not None, kept), bodies)
    node = _made(args, attr)
    return Solution(*items(node)[:5])


def _vector(value: Any) -> Expr:
    """What a right-hand side returned: an expression, or a list of numbers."""
    return stack([_vector(v) for v in value]) if isinstance(value, (list, tuple)) else lift(value)


def _plain(value: Any) -> Any:
    """An option in a form that can be part of a key."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(_plain(v) for v in value) if isinstance(value, (list, tuple)) else value


def initial_value_problem(
    function: Callable[..., Any],
    span: tuple[Any, Any],
    y0: Any,
    *,
    method: str = "RK45",
    t_eval: Any = None,
    jac: Callable[..., Any] | None = None,
    **options: Any,
) -> Solution:
    """The solution of ``dy/dt = function(t, y)`` from ``y0`` at the start of the span, by ``solve_ivp``.

    ``y`` has a column for each time: those of ``t_eval``, or those of the steps. ``options`` are SciPy's
    (``rtol``, ``atol``, ``max_step`` ...). The derivative is that of the discrete solution with the steps
    held where step control put them; for implicit methods that of the three-stage Radau IIA method on them.

    Raises:
        ShapeError: ``y0`` is no vector, or the right-hand side has another shape.
        ValueError: (at evaluation) the solver gave up.

    >>> from wengert.ops.leaves import symbol
    >>> k, y0 = symbol("k"), symbol("y0", 1)
    >>> decay = initial_value_problem(lambda t, y: -k * y, (0, 1), y0).y[:, -1]
    """
    if method not in METHODS:
        raise TypeMismatchError(
            worded("solve_ivp", expected=f"one of {', '.join(METHODS)}", got=f"method {method!r}")
        )
    limits = (lift(span[0]), lift(span[1]))
    functions = [function] if jac is None else [function, jac]
    return _problem(method, functions, limits, y0, t_eval, options)


def odeint(
    function: Callable[..., Any],
    y0: Any,
    times: Any,
    *,
    jac: Callable[..., Any] | None = None,
    **options: Any,
) -> Solution:
    """The solution of ``dy/dt = function(t, y)`` with ``y0`` at the first of the times, by ``odeint``.

    ``y`` has a column for each time. The derivative is that of the three-stage Radau IIA method on the steps
    that LSODA takes at the same tolerances.
    """
    t = lift(times)
    functions = [function] if jac is None else [function, jac]
    return _problem("odeint", functions, (t[0], t[-1]), y0, t, options)


# --- record ------------------------------------------------------------------------------------------------
# Fixed steps: what step control does is not differentiated, and differences would see it.
_FIXED: dict[str, Any] = {"first_step": 0.25, "max_step": 0.25, "rtol": 1.0, "atol": 1.0}


def _explicit_sample(*symbols: Expr) -> Expr:
    y0, k = symbols
    times = const(np.array([0.0, 0.2, 0.5]))
    return initial_value_problem(
        lambda t, y: stack([y[1], -k * y[0] + sin(t)]), (0.0, 0.5), y0, t_eval=times, **_FIXED
    ).y


def _steps_sample(*symbols: Expr) -> Expr:
    y0, k = symbols
    found = initial_value_problem(lambda t, y: -k * y**2, (0.0, 0.5), y0, method="RK23", **_FIXED)
    return found.y[:, -1]


TRAJECTORY = register(
    Op(
        name="trajectory",
        doc="The solution of an initial value problem by one of SciPy's solvers, and the steps it took.",
        result=_trajectory_type,
        dependent=True,
        evaluate=_trajectory_value,
        diff=Rule(_trajectory_jvp, _trajectory_vjp, batched=True),
        spell=Spelling(statement=_trajectory_source, helpers=(_trajectory, _odeint)),
        bodies=_bodies,
        with_bodies=_with_bodies,
        tells=told_by,
        exempt={
            "text": "a body is no formula",
            "hand_made": "has results whose length only running it tells",
        },
        build=_rebuilt,
        count=lambda node: 0,
        samples=(
            Sample(
                (Argument((2,)), Argument((), 0.5, 1.5)),
                build=_explicit_sample,
                note="RK45",
            ),
            Sample(
                (Argument((2,), 0.5, 1.5), Argument((), 0.5, 1.5)), build=_steps_sample, note="RK23"
            ),
        ),
    )
)
