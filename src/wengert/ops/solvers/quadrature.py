"""``quad``: the integral of a body over an interval, by SciPy's adaptive quadrature.

Leibniz' rule: ``d int_a^b f dx = f(b) db - f(a) da + int_a^b df dx``. The integral of ``df`` is another
node of this op, integrated to the same tolerances on its own grid, so derivatives are exact up to these,
and can be taken again. An integrand that is an array is integrated element by element.

A jump of the integrand whose place moves contributes to the true derivative and is not seen: make that place
a limit of two integrals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import NoDerivativeError, TypeMismatchError, worded
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Op, Rule, Sample, Spelling, register
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type, is_complex, is_inexact
from wengert.ops.algebra import lift, multiply
from wengert.ops.complexes import conj, real
from wengert.ops.control.changes import Change, Transforms, differentiable
from wengert.ops.control.item import item, items
from wengert.ops.control.regions import hoisted, unbound
from wengert.ops.einstein import broadcast_to, sum_axes
from wengert.ops.exponential import exp
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
from wengert.ops.sums import add, scale
from wengert.ops.trig import sin

__all__ = ["INTEGRAL", "Quadrature", "integral"]

_NUMBER = Type("float64", (), True)  # SciPy passes Python's floats, and returns them


class Quadrature(NamedTuple):
    """The integrand ``body(x, *captures)``, whether break points are given, and SciPy's other arguments."""

    body: Region
    points: bool = False
    options: tuple[tuple[str, Any], ...] = ()  # Any: numbers, strings, tuples of numbers


codec(Quadrature)


def _integral_type(
    a: Type, b: Type, *rest: Type, attr: Quadrature, args: Sequence[Expr]
) -> TupleType:
    for limit in (a, b):
        if limit.shape or is_complex(limit):
            raise TypeMismatchError(worded("quad", expected="numbers as limits", got=str(limit)))
    captures = args[2 + attr.points :]
    (integrand,) = result_types("quad", attr.body, [_NUMBER], rest[attr.points :], captures)
    dtype: Any = "complex128" if is_complex(integrand) else "float64"
    found = Type(dtype, integrand.shape, not integrand.shape)
    return TupleType((found, found))


# --- meaning -----------------------------------------------------------------------------------------------
def _integral_value(
    a: Any,
    b: Any,
    *rest: Any,
    attr: Quadrature,
    run: Callable[[Region, Sequence[Any]], list[Any]],
) -> tuple[Any, Any]:
    captures, points = rest[attr.points :], rest[0] if attr.points else None
    return _integral(lambda x: run(attr.body, [x, *captures])[0], a, b, points, dict(attr.options))


def _integral(
    function: Callable[[float], Any], a: Any, b: Any, points: Any, options: Mapping[str, Any]
) -> tuple[Any, Any]:
    # The integral and its error, element by element; values are kept, as all elements ask for the same.
    # Also emitted, so it stands alone.
    from functools import cache
    from importlib import import_module

    quad = import_module("scipy.integrate").quad
    a, b = float(a), float(b)
    at = cache(function)
    given = dict(options)
    if points is not None:
        given["points"] = [float(p) for p in np.ravel(points)]
    # A point inside shows what the integrand looks like.
    finite = [x for x in (a, b) if np.isfinite(x)]
    middle = sum(finite) / max(len(finite), 1)
    if len(finite) == 1:
        middle += 1.0 if np.inf in (a, b) else -1.0
    first = np.asarray(at(middle))
    parts: list[Callable[[Any], Any]] = [np.real]
    if first.dtype.kind == "c":
        parts.append(np.imag)
    values, errors = np.zeros((2, len(parts), *first.shape))
    for number, part in enumerate(parts):
        for place in np.ndindex(first.shape):
            element = lambda x: float(part(at(x)[place] if place else at(x)))  # noqa: B023, E731
            found = quad(element, a, b, **given)
            values[(number, *place)], errors[(number, *place)] = found[:2]
    value, error = values[0], errors[0]
    if len(parts) > 1:
        value, error = value + 1j * values[1], error + 1j * errors[1]
    return (value, error) if first.ndim else (value.item(), error.item())


def _integral_source(node: Expr, args: Sequence[str], names: Sequence[str]) -> list[str]:
    attr: Quadrature = node.attr
    a, b, *rest, function = args
    points = rest.pop(0) if attr.points else "None"
    options = option_text(dict(attr.options))
    given = f"{with_captures(function, rest)}, {a}, {b}, {points}, {options}"
    return [f"{', '.join(names)} = _integral({given})"]


# --- differentials -----------------------------------------------------------------------------------------
def _split(args: Sequence[Any], attr: Quadrature) -> tuple[Any, Any, Sequence[Any], Sequence[Any]]:
    """Limits, break points (none or one array), captures."""
    first = 2 + attr.points
    return args[0], args[1], args[2:first], args[first:]


def _check_limits(attr: Quadrature, limits: Sequence[object]) -> None:
    """Leibniz' terms at the limits would need the weight there.

    Raises:
        NoDerivativeError: a limit moves, and the integrand has a weight.
    """
    if dict(attr.options).get("weight") is not None and any(limits):
        raise NoDerivativeError(
            worded(
                "quad with a weight",
                expected="limits that do not vary",
                got="a derivative by one of them",
                hint="write the weight into the integrand",
            )
        )


def _integral_jvp(
    args: Sequence[Expr],
    tangents: Sequence[Change],
    out: Expr,
    *,
    attr: Quadrature,
    diff: Transforms,
) -> list[Change]:
    a, b, points, captures = _split(args, attr)
    a_t, b_t, _, captures_t = _split(tangents, attr)
    _check_limits(attr, [a_t is not None, b_t is not None])
    x, *inner = (body := with_symbols(attr.body, 1, captures)).symbols
    change: Change = None
    for limit, t, sign in ((b, b_t, 1), (a, a_t, -1)):
        if t is not None and differentiable(limit):
            (there,) = put_back(body.outputs, body.symbols, (limit, *captures))
            assert there is not None
            term = scale(sign, multiply(there, t))
            change = term if change is None else add(change, term)
    seeds, meant = moving(inner, captures, captures_t)
    inside = diff.jvp(body.outputs, seeds)[0] if seeds else None
    if inside is not None:
        inside = broadcast_to(inside, body.outputs[0].shape)
        (integrand,) = put_back([inside], inner, captures, meant)
        assert integrand is not None
        term = _over(x, [integrand], (a, b), points, attr)[0]
        change = term if change is None else add(change, term)
    return [change, None]


def _integral_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Sequence[Change],
    out: Expr,
    *,
    attr: Quadrature,
    diff: Transforms,
) -> list[Change]:
    a, b, points, captures = _split(args, attr)
    found: list[Change] = [None] * len(args)
    cotangent = ct[0]
    if cotangent is None:
        return found
    _check_limits(attr, wanted[:2])
    x, *inner = (body := with_symbols(attr.body, 1, captures)).symbols
    integrand = body.outputs[0]
    for slot, limit, sign in ((1, b, 1), (0, a, -1)):
        if wanted[slot] and differentiable(limit):
            (there,) = put_back([integrand], body.symbols, (limit, *captures))
            assert there is not None
            product = multiply(cotangent, conj(there))
            batch = cotangent.ndim - integrand.ndim
            found[slot] = scale(sign, real(sum_axes(product, range(batch, product.ndim))))
    first = len(args) - len(captures)
    slots = [i for i, c in enumerate(captures) if wanted[first + i] and differentiable(c)]
    (seed,) = unbound([cotangent.value_type], "ct")
    pulled = diff.vjp([integrand], [seed], [inner[i] for i in slots])
    live = [i for i, p in zip(slots, pulled, strict=True) if p is not None]
    changes = put_back([p for p in pulled if p is not None], inner, captures, {seed: cotangent})
    integrands = [c for c in changes if c is not None]
    for i, term in zip(live, _over(x, integrands, (a, b), points, attr), strict=True):
        found[first + i] = term
    return found


def _over(
    x: Expr,
    integrands: Sequence[Expr],
    limits: tuple[Expr, Expr],
    points: Sequence[Expr],
    attr: Quadrature,
) -> list[Expr]:
    """Integrals of expressions in ``x``, like the one that ``attr`` describes."""
    found = []
    for integrand in integrands:
        region, captures = hoisted((x,), [integrand])
        node = make(INTEGRAL, (*limits, *points, *captures), attr._replace(body=region))
        found.append(item(node, 0))
    return found


# --- building ----------------------------------------------------------------------------------------------
def _rebuilt(*args: Expr, attr: Quadrature) -> Expr:
    body = refitted(attr.body, 1, args[2 + attr.points :])
    return make(INTEGRAL, args, attr._replace(body=body))


def integral(
    function: Callable[..., Any], a: Any, b: Any, *, points: Any = None, **options: Any
) -> tuple[Expr, Expr]:
    """The integral of ``function`` from ``a`` to ``b`` by SciPy, and an estimate of its error.

    The limits may be infinite. ``points`` are places where the integrand is not smooth; ``options`` are other
    arguments of SciPy's function (``epsabs``, ``limit``, ``weight`` ...). The function may return an array.
    The estimate of the error has no derivative.

    Raises:
        TypeMismatchError: a limit that is no real number.

    >>> from wengert.ops.leaves import symbol
    >>> s = symbol("s")
    >>> value, error = integral(lambda x: exp(-s * x), 0, const(float("inf")))
    """
    (x,) = unbound([_NUMBER], "x")
    region, captures = hoisted((x,), [lift(function(x))])
    given = () if points is None else (lift(points),)
    known = tuple(sorted((k, _plain(v)) for k, v in options.items() if v is not None))
    attr = Quadrature(region, bool(given), known)
    limits = [_limit(lift(limit)) for limit in (a, b)]
    value, error = items(make(INTEGRAL, (*limits, *given, *captures), attr))
    return value, error


def _limit(node: Expr) -> Expr:
    return node if is_inexact(node.value_type) or not node.args else node * 1.0


def _plain(value: Any) -> Any:
    """An option in a form that can be part of a key."""
    return tuple(_plain(v) for v in value) if isinstance(value, (list, tuple)) else value


# --- record ------------------------------------------------------------------------------------------------
_FINE = {"epsabs": 1e-13, "epsrel": 1e-13}


def _limits_sample(*symbols: Expr) -> Expr:
    a, b, s = symbols
    return integral(lambda x: sin(s * x) * exp(s - x), a, b, **_FINE)[0]


def _array_sample(*symbols: Expr) -> Expr:
    v, b = symbols
    return integral(lambda x: sin(v * x) * x, 0, b, points=(0.25,), **_FINE)[0]


def _infinite_sample(*symbols: Expr) -> Expr:
    (s,) = symbols
    return integral(lambda x: exp(-s * x * x), const(-np.inf), const(np.inf), **_FINE)[0]


INTEGRAL = register(
    Op(
        name="quad",
        doc="The integral of a body over an interval by adaptive quadrature, and its error.",
        result=_integral_type,
        dependent=True,
        evaluate=_integral_value,
        diff=Rule(_integral_jvp, _integral_vjp, batched=True),
        spell=Spelling(statement=_integral_source, helpers=(_integral,)),
        bodies=lambda attr: (attr.body,),
        with_bodies=lambda attr, bodies: attr._replace(body=bodies[0]),
        exempt={"text": "a body is no formula"},
        build=_rebuilt,
        count=lambda node: 0,
        samples=(
            Sample(
                (Argument((), 0.1, 0.5), Argument((), 1.0, 1.5), Argument((), 0.5, 1.5)),
                build=_limits_sample,
                note="limits",
            ),
            Sample(
                (Argument((2,), 0.5, 1.5), Argument((), 0.5, 1.0)),
                build=_array_sample,
                note="array",
            ),
            Sample((Argument((), 0.5, 2.0),), build=_infinite_sample, note="infinite"),
        ),
    )
)
