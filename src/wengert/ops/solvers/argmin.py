"""``implicit``: a value that solves an equation, however it was found.

Where ``F(x, p) = 0`` defines ``x`` as a function of ``p``, the implicit function theorem gives its
differential: ``F_x dx = -F_p dp``. The value is computed by whatever is at hand (a root finder, a fixed-point
iteration, a minimiser, code outside of wengert), and none of that is differentiated. The differential is
stated at the node itself, so it can be differentiated again: ``x`` in it is the node, not a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.ir.dims import extent_text, size_of
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Op, Rule, Sample, Spelling, register
from wengert.ir.region import Region
from wengert.ir.types import Type, is_inexact
from wengert.ops.algebra import dot, lift, matmul, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.choice import where
from wengert.ops.complexes import conj
from wengert.ops.control.changes import Change, Transforms, batch_of, differentiable
from wengert.ops.control.regions import hoisted, unbound
from wengert.ops.einstein import broadcast_to, transpose
from wengert.ops.exponential import exp
from wengert.ops.layout import reshape
from wengert.ops.leaves import ONE, const
from wengert.ops.powers import sqrt
from wengert.ops.solvers.bodies import (
    Opened,
    jacobian,
    moving,
    put_back,
    refitted,
    result_types,
    with_symbols,
)
from wengert.ops.stopping import stopped
from wengert.ops.sums import scale
from wengert.ops.systems import solve

__all__ = ["IMPLICIT", "Implicit", "argmin", "fixed_point", "implicit"]


class Implicit(NamedTuple):
    """The equation: ``residual(x, *captures)`` of the shape of ``x``.

    ``elementwise``: each element of ``x`` has an equation of its own. ``stationary``: the body is a number,
    and the equation is that its gradient by ``x`` vanishes. ``checked``: the second argument tells whether
    the value does solve the equation; where not, the derivative is NaN.
    """

    residual: Region
    elementwise: bool = False
    stationary: bool = False
    checked: bool = False


codec(Implicit)


def _implicit_type(value: Type, *rest: Type, attr: Implicit, args: Sequence[Expr]) -> Type:
    captures = args[1 + attr.checked :]
    (residual,) = result_types("implicit", attr.residual, [value], rest[attr.checked :], captures)
    if attr.stationary and residual.shape:
        raise ShapeError(
            worded("argmin", expected="a number to minimise", got=extent_text(residual.shape))
        )
    if not attr.stationary and size_of(residual.shape) != size_of(value.shape):
        raise ShapeError(
            worded(
                "implicit",
                expected=f"as many equations as unknowns, shape {extent_text(value.shape)}",
                got=extent_text(residual.shape),
            )
        )
    if not is_inexact(value):
        raise TypeMismatchError(worded("implicit", expected="real unknowns", got=str(value)))
    return value


def _parts(args: Sequence[Any], attr: Implicit) -> tuple[Any, Any, Sequence[Any]]:
    """The value, whether it holds (or ``None``), and the captures."""
    first = 1 + attr.checked
    return args[0], args[1] if attr.checked else None, args[first:]


def _equation(body: Opened, attr: Implicit, diff: Transforms) -> Expr:
    """What is zero at the value."""
    x, (output,) = body.symbols[0], body.outputs
    if not attr.stationary:
        return output
    gradient = diff.vjp([output], [ONE], [x])[0]
    return zeros(x.shape) if gradient is None else broadcast_to(gradient, x.shape)


def _guarded(change: Expr, holds: Expr | None) -> Expr:
    """NaN where the value does not solve the equation."""
    return change if holds is None else where(holds, change, const(math.nan))


# --- differentials -----------------------------------------------------------------------------------------
def _implicit_jvp(
    args: Sequence[Expr], tangents: Sequence[Change], out: Expr, *, attr: Implicit, diff: Transforms
) -> Expr | None:
    _, holds, captures = _parts(args, attr)
    x, *inner = (body := with_symbols(attr.residual, 1, captures)).symbols
    seeds, meant = moving(inner, captures, _parts(tangents, attr)[2])
    if not seeds:
        return None
    residual = _equation(body, attr, diff)
    change = diff.jvp([residual], seeds)[0]
    if change is None:
        return None
    change = broadcast_to(change, residual.shape)
    if attr.elementwise or not out.shape:
        slope = _slope(residual, x, diff)
        result = scale(-1, divide(change, slope))
    else:
        column = reshape(change, (size_of(out.shape),))
        result = scale(-1, solve(jacobian(residual, x, diff), column))
    (found,) = put_back([result], body.symbols, (out, *captures), meant)
    assert found is not None
    return _guarded(reshape(found, out.shape), holds)


def _slope(residual: Expr, x: Expr, diff: Transforms) -> Expr:
    """The partial derivatives of equations of which each has its own unknown."""
    seed = broadcast_to(ONE, x.shape)
    change = diff.jvp([residual], {x: seed})[0]
    return zeros(x.shape) if change is None else broadcast_to(change, x.shape)


def _implicit_vjp(
    args: Sequence[Expr],
    wanted: Sequence[bool],
    ct: Expr,
    out: Expr,
    *,
    attr: Implicit,
    diff: Transforms,
) -> list[Change]:
    """One system with the transposed Jacobian, then one pull-back through the residual."""
    _, holds, captures = _parts(args, attr)
    x, *inner = (body := with_symbols(attr.residual, 1, captures)).symbols
    residual = _equation(body, attr, diff)
    first = 1 + attr.checked
    slots = [i for i, c in enumerate(captures) if wanted[first + i] and differentiable(c)]
    found: list[Change] = [None] * len(args)
    if not slots:
        return found
    (seed,) = unbound([ct.value_type], "ct")
    batch = batch_of([ct], [out.value_type])
    if attr.elementwise or not out.shape:
        slope = broadcast_to(conj(_slope(residual, x, diff)), (*batch, *out.shape))
        weights = scale(-1, divide(seed, slope))
    else:
        n = size_of(out.shape)
        system = transpose(conj(jacobian(residual, x, diff)))
        columns = transpose(reshape(seed, (size_of(batch), n))) if batch else reshape(seed, (n,))
        solution = solve(system, columns)
        weights = scale(-1, transpose(solution) if batch else solution)
    weights = reshape(weights, (*batch, *residual.shape))
    pulled = diff.vjp([residual], [weights], [inner[i] for i in slots])
    changes = put_back(pulled, body.symbols, (out, *captures), {seed: ct})
    for slot, change in zip(slots, changes, strict=True):
        found[first + slot] = None if change is None else _guarded(change, holds)
    return found


# --- building ----------------------------------------------------------------------------------------------
def _rebuilt(*args: Expr, attr: Implicit) -> Expr:
    residual = refitted(attr.residual, 1, args[1 + attr.checked :])
    return make(IMPLICIT, args, attr._replace(residual=residual))


def implicit(
    value: Any,
    residual: Callable[..., Any],
    *params: Any,
    holds: Any = None,
    elementwise: bool = False,
) -> Expr:
    """``value``, known to solve ``residual(value, *params) == 0``: the derivative follows from that.

    The residual has as many elements as the value, and may use other expressions than ``params`` too. How
    the value was computed is not differentiated. ``holds`` is a truth value that tells whether the
    equation is solved; where it is not, derivatives are NaN. With ``elementwise`` each element has an
    equation of its own.

    Raises:
        ShapeError: not as many equations as unknowns.
        NoDerivativeError: (when differentiated) the residual has no derivative.

    >>> from wengert.ops.leaves import symbol
    >>> a = symbol("a")
    >>> root = implicit(sqrt(a), lambda x, a: x**2 - a, a)
    """
    return _closed(value, residual, params, holds, elementwise=elementwise)


def _closed(
    value: Any, body: Callable[..., Any], params: Sequence[Any], holds: Any, **kind: bool
) -> Expr:
    # Stopped: no differential is asked of how the value was found, not even whether there is one.
    node, values = stopped(value), [lift(p) for p in params]
    (x,) = unbound([node.value_type], "x")
    symbols = unbound([v.value_type for v in values], "p")
    output = lift(body(x, *symbols))
    if output.shape != node.shape and size_of(output.shape) == size_of(node.shape):
        output = reshape(output, node.shape)
    region, captures = hoisted((x, *symbols), [output])
    checked = () if holds is None else (stopped(holds),)
    attr = Implicit(region, checked=bool(checked), **kind)
    return make(IMPLICIT, (node, *checked, *values, *captures), attr)


def fixed_point(value: Any, step: Callable[..., Any], *params: Any, holds: Any = None) -> Expr:
    """``value``, known to be a fixed point: ``value == step(value, *params)``.

    >>> from wengert.ops.control import while_loop
    >>> from wengert.ops.leaves import symbol
    >>> a = symbol("a")
    >>> x = while_loop(lambda x: abs(x * x - a) > 1e-13, lambda x: (x + a / x) / 2, a)
    >>> y = fixed_point(x, lambda x, a: (x + a / x) / 2, a)
    """
    return implicit(value, lambda x, *ps: lift(x) - lift(step(x, *ps)), *params, holds=holds)


def argmin(value: Any, objective: Callable[..., Any], *params: Any, holds: Any = None) -> Expr:
    """``value``, known to make ``objective(value, *params)`` stationary: a free minimum, maximum or saddle.

    The equation is that the gradient of the objective vanishes; its Jacobian, the Hessian, must be regular.

    >>> from wengert.ops.leaves import symbol
    >>> a = symbol("a")
    >>> x = argmin(-a / 2, lambda x, a: x**2 + a * x, a)
    """
    return _closed(value, objective, params, holds, stationary=True)


# --- record ------------------------------------------------------------------------------------------------
def _scalar_sample(*symbols: Expr) -> Expr:
    (a,) = symbols
    return implicit(sqrt(a), lambda x: x**2 - a)


def _vector_sample(*symbols: Expr) -> Expr:
    A, b = symbols
    return implicit(solve(A, b), lambda x, A, b: matmul(A, x) - b, A, b)


def _elementwise_sample(*symbols: Expr) -> Expr:
    v, c = symbols
    value = sqrt(v * exp(c))
    return implicit(value, lambda x: x**2 - v * exp(c), holds=dot(v, v) > 0, elementwise=True)


def _stationary_sample(*symbols: Expr) -> Expr:
    v, c = symbols
    value = scale(-1, v) / (2 * exp(c))  # of exp(c)*x.x + v.x
    return argmin(value, lambda x: exp(c) * dot(x, x) + dot(v, x))


IMPLICIT = register(
    Op(
        name="implicit",
        doc="A value that solves an equation; its differential is that of the implicit function theorem.",
        result=_implicit_type,
        dependent=True,
        evaluate=lambda value, *_, attr, run: value,
        diff=Rule(_implicit_jvp, _implicit_vjp, batched=True),
        spell=Spelling(notation="hidden"),
        element=lambda node, places, ask: ask.part(0, places),
        bodies=lambda attr: (attr.residual,),
        with_bodies=lambda attr, bodies: attr._replace(residual=bodies[0]),
        exempt={"text": "a body is no formula"},
        build=_rebuilt,
        count=lambda node: 0,
        cost=0.0,
        samples=(
            Sample((Argument((), 0.5, 2.0),), build=_scalar_sample, note="scalar"),
            Sample(
                (Argument((3, 3), draw="invertible"), Argument((3,))),
                build=_vector_sample,
                note="vector",
            ),
            Sample(
                (Argument((3,), 0.5, 2.0), Argument((), -0.5, 0.5)),
                build=_elementwise_sample,
                note="elementwise",
            ),
            Sample(
                (Argument((3,)), Argument((), -0.5, 0.5)), build=_stationary_sample, note="minimum"
            ),
        ),
    )
)
