"""``find_root``: SciPy's root finders, with the function as a body; and roots that know their equation.

The finder itself is not differentiated. :func:`root` puts what it finds into an ``implicit`` node, whose
differential is that of the implicit function theorem: it does not depend on where the search began.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import extent_text
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.region import Region
from wengert.ir.types import BOOL, TupleType, Type, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.control.item import item, items
from wengert.ops.control.regions import hoisted, unbound
from wengert.ops.exponential import exp
from wengert.ops.solvers.argmin import implicit
from wengert.ops.solvers.bodies import option_text, refitted, result_types, with_captures
from wengert.ops.trig import cos

__all__ = ["BRACKETED", "FIND_ROOT", "Finder", "Found", "find_root", "root"]

BRACKETED = ("brentq", "brenth", "ridder", "bisect", "toms748")
_SCALAR = (*BRACKETED, "newton", "root_scalar")  # report how they went in the same way
_OBJECTIVES = ("minimize", "minimize_scalar")  # of one number
_COUNT = Type("int64", (), True)
_NUMBER = Type("float64", (), True)  # what SciPy's bracketing methods pass and return


class Finder(NamedTuple):
    """A search: what SciPy's function is given.

    ``bodies``: functions ``(x, *captures)``, which SciPy calls ``callbacks`` (``f``, and ``fprime`` ...).
    ``starts``: the names of the arguments that say where to search. ``options``: other arguments by name.
    """

    bodies: tuple[Region, ...]
    method: str
    starts: tuple[str, ...]
    callbacks: tuple[str, ...] = ("f",)
    options: tuple[tuple[str, Any], ...] = ()  # Any: numbers, strings, truth values


codec(Finder)


class Found(NamedTuple):
    """The result of a search: the root, the value there, whether it converged, and the cost of it.

    ``holds``: whether it is a root, which it may be although more digits were asked for than there are.
    """

    root: Expr
    value: Expr | None
    converged: Expr
    iterations: Expr | None
    calls: Expr
    holds: Expr


def unknown_type(method: str, start: Type) -> Type:
    """The type of what the body is given: SciPy passes floats, or arrays in double precision."""
    if method in BRACKETED:
        return _NUMBER
    if method in ("newton", "root_scalar"):
        return start.with_dtype(start.dtype if is_inexact(start) else "float64")
    return start.with_dtype("float64")


def _find_root_type(*types: Type, attr: Finder, args: Sequence[Expr]) -> TupleType:
    first = len(attr.starts)
    starts, captured = types[:first], types[first:]
    x = attr.bodies[0].params[0].value_type
    value, *_ = [
        result_types(attr.method, body, [x], captured, args[first:])[0] for body in attr.bodies
    ]
    if starts and starts[0].shape != x.shape:
        raise ShapeError(
            worded(attr.method, expected=f"a start of type {x}", got=extent_text(starts[0].shape))
        )
    if attr.method in _OBJECTIVES and value.shape:
        raise ShapeError(
            worded(attr.method, expected="a function with a number", got=extent_text(value.shape))
        )
    if attr.method not in (*_OBJECTIVES, "least_squares") and value.shape != x.shape:
        raise ShapeError(
            worded(
                attr.method,
                expected=f"a function with values of shape {extent_text(x.shape)}",
                got=extent_text(value.shape),
                hint="as many equations as unknowns",
            )
        )
    if attr.method in _SCALAR:
        return TupleType((x, Type("bool", x.shape), _COUNT, _COUNT))
    return TupleType((x, Type("float64", value.shape), BOOL, _COUNT, BOOL))


# --- meaning -----------------------------------------------------------------------------------------------
def _find_root_value(
    *args: Any, attr: Finder, run: Callable[[Region, Sequence[Any]], list[Any]]
) -> tuple[Any, ...]:
    starts, captures = args[: len(attr.starts)], args[len(attr.starts) :]

    def function(body: Region) -> Callable[[Any], Any]:
        return lambda x: run(body, [x, *captures])[0]

    functions = {
        name: function(body) for name, body in zip(attr.callbacks, attr.bodies, strict=True)
    }
    given = dict(zip(attr.starts, starts, strict=True))
    return _find_root(attr.method, functions, given, dict(attr.options))


def _find_root(
    method: str,
    functions: Mapping[str, Callable[[Any], Any]],
    starts: Mapping[str, Any],
    options: Mapping[str, Any],
) -> tuple[Any, ...]:
    # What SciPy finds, as plain numbers and arrays. Also emitted, so it stands alone.
    from importlib import import_module
    from warnings import warn

    search = getattr(import_module("scipy.optimize"), method)
    others = {k: v for k, v in functions.items() if k != "f"}
    f = functions["f"]
    if method == "root_scalar":
        where = {"bracket": [starts["a"], starts["b"]]} if "a" in starts else starts
        report = search(f, **where, **others, **options)
        return report.root, bool(report.converged), report.iterations, report.function_calls
    if method == "fixed_point":
        x = search(f, starts["x0"], **options)
        return np.asarray(x)[()], np.asarray(f(x))[()], True, 0, True
    if "a" in starts:
        x, report = search(f, starts["a"], starts["b"], full_output=True, **others, **options)
        return x, bool(report.converged), report.iterations, report.function_calls
    if method == "newton":
        found = search(f, **starts, full_output=True, **others, **options)
        if len(found) == 3:  # arrays: root, converged, zero_der; SciPy does not count there
            return found[0], found[1], 0, 0
        return found[0], bool(found[1].converged), found[1].iterations, found[1].function_calls
    if method == "fsolve":
        given = {k: v for k, v in options.items() if k != "full_output"}
        x, report, flag, message = search(f, starts["x0"], full_output=True, **others, **given)
        if flag != 1 and not options.get("full_output", False):
            warn(message, RuntimeWarning, stacklevel=2)
        value, success, calls = report["fvec"], flag == 1, report["nfev"]
    else:
        given = {k: dict(v) if k == "options" else v for k, v in options.items()}
        if method == "minimize_scalar":
            report = search(f, tuple(starts.values()) or None, **given)
        else:
            report = search(f, starts["x0"], **others, **given)
        x, value, success = report.x, np.asarray(report.fun)[()], bool(report.success)
        calls = int(report.get("nfev", 0))
    holds = success
    if not holds and "qtf" in report:
        # More digits may have been asked for than there are. Whether it is a root all the same is told by
        # the Newton step; MINPACK leaves the factor R of the Jacobian by rows, and Q.T @ f.
        triangle = np.zeros((len(x), len(x)))
        triangle[np.triu_indices(len(x))] = report["r"]
        step = np.linalg.lstsq(triangle, report["qtf"], rcond=None)[0]
        small = np.linalg.norm(step) <= 1e-8 * np.linalg.norm(x)
        holds = bool(small and np.linalg.matrix_rank(triangle) == len(x))
    return x, value, success, calls, holds


def _find_root_source(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: Finder = node.attr
    first, last = len(attr.starts), len(args) - len(attr.bodies)
    functions = [with_captures(f, args[first:last]) for f in args[last:]]
    callbacks = ", ".join(f"{n!r}: {f}" for n, f in zip(attr.callbacks, functions, strict=True))
    starts = ", ".join(f"{n!r}: {a}" for n, a in zip(attr.starts, args, strict=False))
    options = option_text(dict(attr.options))
    given = f"{attr.method!r}, {{{callbacks}}}, {{{starts}}}, {options}"
    return [f"{', '.join(names)} = _find_root({given})"]


# --- building ----------------------------------------------------------------------------------------------
def _rebuilt(*args: Expr, attr: Finder) -> Expr:
    captures = args[len(attr.starts) :]
    bodies = tuple(refitted(body, 1, captures) for body in attr.bodies)
    return make(FIND_ROOT, args, attr._replace(bodies=bodies))


def find_root(
    method: str,
    function: Callable[..., Any],
    starts: Mapping[str, Any],
    *,
    callbacks: Mapping[str, Callable[..., Any]] | None = None,
    options: Mapping[str, Any] | None = None,
    unknown: Type | None = None,
) -> Found:
    """A root of ``function`` by SciPy's ``method``; as a value that depends on nothing smoothly.

    ``starts``: the arguments that say where to search, by SciPy's names (``a`` and ``b``, or ``x0`` ...).
    ``callbacks``: further functions, by SciPy's names (``fprime`` ...). ``unknown``: the type of the unknown,
    where no start tells it. Minimisers are among the methods. Use :func:`root` for roots to
    differentiate.
    """
    known = {name: lift(value) for name, value in starts.items()}
    type_ = unknown or unknown_type(method, next(iter(known.values())).value_type)
    (x,) = unbound([type_], "x")
    functions = {"f": function, **(callbacks or {})}
    outputs = [lift(g(x)) for g in functions.values()]
    region, captures = hoisted((x,), outputs)
    bodies = tuple(Region(region.params, (output,)) for output in region.outputs)
    given = tuple(sorted((options or {}).items()))
    attr = Finder(bodies, method, tuple(known), tuple(functions), given)
    node = make(FIND_ROOT, (*known.values(), *captures), attr)
    if method in _SCALAR:
        converged = item(node, 1)
        return Found(item(node, 0), None, converged, item(node, 2), item(node, 3), converged)
    x, value, success, calls, holds = items(node)
    return Found(x, value, success, None, calls, holds)


def root(
    function: Callable[..., Any],
    start: Any = None,
    *,
    method: str = "",
    bracket: tuple[Any, Any] | None = None,
    **options: Any,
) -> Expr:
    """``x`` with ``function(x) == 0``, found by SciPy and differentiable in all that the function uses.

    A number is found by ``brentq`` between the ends of ``bracket`` or by ``newton`` from ``start``, an array
    by ``fsolve``; ``method`` chooses another of SciPy's functions. ``options`` are passed on.

    Raises:
        TypeMismatchError: neither a start nor a bracket.
        ShapeError: not as many equations as unknowns.
        RuntimeError, ValueError: (at evaluation) as SciPy does.

    >>> from wengert.ops.leaves import symbol
    >>> a = symbol("a")
    >>> x = root(lambda x: cos(x) - a * x, bracket=(0, 2))
    """
    if bracket is None and start is None:
        raise TypeMismatchError(worded("root", expected="a start or a bracket", got="neither"))
    if bracket is not None:
        starts = {"a": bracket[0], "b": bracket[1]}
        method = method or "brentq"
    else:
        starts = {"x0": start}
        method = method or ("newton" if not lift(start).shape else "fsolve")
    found = find_root(method, function, starts, options=options)
    return solved(found, function, elementwise=method == "newton")


def solved(found: Found, function: Callable[..., Any], *, elementwise: bool = False) -> Expr:
    """What was found, with the equation that it solves."""
    return implicit(found.root, function, holds=found.holds, elementwise=elementwise)


# --- record ------------------------------------------------------------------------------------------------
def _bracket_sample(*symbols: Expr) -> Expr:
    (a,) = symbols
    return root(lambda x: cos(x) - a * x, bracket=(0.0, 2.0), xtol=1e-15)


def _newton_sample(*symbols: Expr) -> Expr:
    a, v = symbols
    return root(lambda x: x * exp(x) - a * v, v, method="newton", tol=1e-14)


def _system_sample(*symbols: Expr) -> Expr:
    A, v = symbols
    return root(lambda x: A @ x + x**3 / 5 - v, v, xtol=1e-14, full_output=True)


FIND_ROOT = register(
    Op(
        name="find_root",
        doc="What one of SciPy's root finders finds, whether it converged, and the cost of it.",
        result=_find_root_type,
        dependent=True,
        evaluate=_find_root_value,
        diff=NoDerivative(
            "how a search runs says nothing about its result; the equation does", zero=True
        ),
        spell=Spelling(statement=_find_root_source, helpers=(_find_root,)),
        bodies=lambda attr: attr.bodies,
        with_bodies=lambda attr, bodies: attr._replace(bodies=bodies),
        exempt={"text": "a body is no formula"},
        build=_rebuilt,
        count=lambda node: 0,
        samples=(
            Sample((Argument((), 0.5, 2.0),), build=_bracket_sample, note="bracketed"),
            Sample(
                (Argument((), 0.5, 2.0), Argument((3,), 0.5, 1.5)),
                build=_newton_sample,
                note="elementwise",
            ),
            Sample(
                (Argument((3, 3), draw="spd"), Argument((3,))), build=_system_sample, note="system"
            ),
        ),
    )
)
