"""Checks of what a record says of kinks, poles, borders, NaN and infinity."""

from __future__ import annotations

import math

import numpy as np
from harness.cases import differentiable, probes

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import NoDerivativeError
from wengert.ir.node import make
from wengert.ir.op import Edge, Op, Pointwise
from wengert.ops.leaves import ONE, symbol
from wengert.run.reference import evaluate_nodes

__all__ = ["check_conditions", "check_edges", "check_nan", "check_smooth"]


def _same(got: float, want: float) -> bool:
    if math.isnan(want) or math.isinf(want):
        return bool(got == want) or (math.isnan(got) and math.isnan(want))
    return abs(got - want) <= 1e-14 * max(1.0, abs(want))


def _number(value: object) -> float:
    return float(np.asarray(value).ravel()[0])


def check_edges(op: Op) -> None:
    """At every edge: the agreed value, and the agreed partials in both modes, for any size of the change."""
    for edge in op.domain.edges:
        _check_edge(op, edge)


def _check_edge(op: Op, edge: Edge) -> None:
    xs = [symbol(f"x{i}") for i in range(len(edge.at))]
    node = make(op, tuple(xs))
    place = {x.attr.name: at for x, at in zip(xs, edge.at, strict=True)}
    value = _number(evaluate_nodes([node], place)[0])
    assert _same(value, edge.value), f"{op.name} at {edge.at}: {value}, declared {edge.value}"
    assert len(edge.partials) in (0, len(xs)), f"{op.name} at {edge.at}: a partial per argument"
    t = symbol("t")
    for x, partial in zip(xs, edge.partials, strict=False):
        if partial is None:
            continue
        try:
            ways = {"forward": jvp([node], {x: t})[0], "reverse": vjp([node], [t], [x])[0]}
        except NoDerivativeError:
            raise AssertionError(
                f"{op.name} at {edge.at}: a partial, but no differential"
            ) from None
        for way, change in ways.items():
            for step in (1.0, -2.0):
                want = partial * step if partial else 0.0
                given = {**place, "t": step}
                needed = {} if change is None else {s: given[s] for s in _names(change)}
                got = 0.0 if change is None else _number(evaluate_nodes([change], needed)[0])
                assert _same(got, want), (
                    f"{op.name} at {edge.at}: {way} mode gives {got} for a change of {step} of"
                    f" {x.attr.name}, declared {want}"
                )


def _names(node: object) -> list[str]:
    from wengert.ir.walk import order

    return [n.attr.name for n in order([node]) if n.op.free]  # type: ignore[list-item]  # an expression


def check_nan(op: Op) -> None:
    """NaN goes in, NaN comes out, unless an edge says otherwise."""
    grid = probes(op, np.array([0.5, 0.9]))
    if grid is None or not differentiable(op):
        return
    declared = {e.at for e in op.domain.edges}
    middle = [float(values[-1]) for values in grid]
    if op.domain.sample:
        middle = [(low + high) / 2 for low, high in op.domain.sample]
    for slot, values in enumerate(grid):
        if values[0] != 0.5:
            continue  # a parameter
        at = [math.nan if i == slot else m for i, m in enumerate(middle)]
        if any(math.isnan(e[slot]) for e in declared):
            continue
        with np.errstate(all="ignore"):
            value = np.asarray(op.evaluate(*map(np.float64, at)))
        if value.dtype.kind not in "fc":
            continue
        assert np.isnan(value).all(), f"{op.name}{tuple(at)} is {value}, expected nan"


_PROBES = (-50.0, -3.3, -2.0, -1.0, -0.6, 0.0, 0.4, 1.0, 1.7, 3.0, 40.0)


def check_conditions(op: Op) -> None:
    """Where the op is NaN or infinite, a condition of the record fails, or a pole is told."""
    values = probes(op, np.array(_PROBES))
    if values is None:
        return
    points = [g.ravel() for g in np.meshgrid(*values, indexing="ij")]
    with np.errstate(all="ignore"):
        value = np.asarray(op.evaluate(*points))
    if value.dtype.kind not in "fc":
        return
    xs = [symbol(f"x{i}", len(points[0])) for i in range(len(points))]
    allowed = np.ones(points[0].shape, bool)
    if op.domain.where is not None:
        for condition in op.domain.where(*xs):
            given = {n: points[int(n[1:])] for n in _names(condition)}
            allowed &= np.asarray(evaluate_nodes([condition], given)[0], bool)
    bad = np.isnan(value) & allowed
    where = [tuple(float(p[i]) for p in points) for i in np.flatnonzero(bad)[:4]]
    assert not where, f"{op.name} is NaN at {where}, where its domain.where holds"
    infinite = np.isinf(value) & allowed
    if infinite.any() and not op.domain.poles:
        i = int(np.flatnonzero(infinite)[0])
        at = tuple(float(p[i]) for p in points)
        big = any(abs(a) >= 30 for a in at)  # overflow is no pole
        known = any(e.at == at for e in op.domain.edges)
        assert big or known, f"{op.name} is infinite at {at}; say so in domain.poles or an edge"


_ACROSS = (
    -1e5,
    -800.0,
    -50.0,
    -3.0,
    -1.0,
    -0.5,
    -1e-300,
    0.0,
    1e-300,
    0.5,
    1.0,
    3.0,
    50.0,
    800.0,
    1e5,
)


def check_smooth(op: Op) -> None:
    """Where a function of one number is defined and finite, its first two derivatives are numbers.

    That is what a removable singularity or an overflow inside a partial would break.
    """
    if not isinstance(op.diff, Pointwise) or op.arity != 1 or op.samples:
        return
    x = symbol("x")
    chain = [make(op, (x,))]
    for _ in range(2):
        (change,) = jvp([chain[-1]], {x: ONE})
        if change is not None:
            chain.append(change)
    for at in _ACROSS:
        given = {"x": at}
        conditions = op.domain.where(x) if op.domain.where is not None else ()
        if not all(evaluate_nodes([c], given)[0] for c in conditions):
            continue
        for degree, node in enumerate(chain):
            value = _number(evaluate_nodes([node], given if node.args else {})[0])
            assert not math.isnan(value), f"{op.name}: derivative of degree {degree} at {at} is nan"
            if math.isinf(value):
                break
