"""The verifier passes sound graphs and finds planted faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from wengert.errors import GraphError
from wengert.ir.node import Expr, intern, make
from wengert.ir.op import NoDerivative, Op, lookup
from wengert.ir.region import Region
from wengert.ir.types import FLOAT, INT, TupleType, Type
from wengert.ir.verify import verify
from wengert.ops.control import COND, LOOP, branch, for_loop
from wengert.ops.control.cond import Cond
from wengert.ops.control.looped import Loop
from wengert.ops.einstein import EIN, Spec
from wengert.ops.leaves import fresh, param, symbol
from wengert.ops.sums import LIN
from wengert.ops.trig import sin

x, y = symbol("x"), symbol("y")
SIN = lookup("sin")
held: list[Expr] = []


def test_sound_graphs_pass() -> None:
    verify([])
    verify(
        [x, sin(x) * y - 3, branch(x > y, lambda: x, lambda: for_loop(3, y, lambda k, s: s * x))]
    )


def _detached(node: Expr, **changed: Any) -> Expr:
    """A copy of a node that the table does not know, with fields changed."""
    other = object.__new__(Expr)
    for name in ("op", "attr", "args", "type", "serial", "needs", "_facts"):
        setattr(other, name, changed.get(name, getattr(node, name)))
    return other


def _younger_argument() -> Expr:
    node = sin(fresh(FLOAT))
    return _detached(node, args=(fresh(FLOAT),))


def _wrong_type() -> Expr:
    return intern(SIN, None, (fresh(FLOAT),), INT)


def _wrong_attribute() -> Expr:
    return intern(EIN, Spec(((0, 1), ()), (0,)), (fresh(FLOAT), fresh(FLOAT)), FLOAT)


def _unhashable_attribute() -> Expr:
    return _detached(make(LIN, (fresh(FLOAT), fresh(FLOAT)), (1, 1)), attr=[1, 1])


def _not_interned() -> Expr:
    node = sin(fresh(FLOAT))
    held.append(node)
    return _detached(node)


def _not_canonical() -> Expr:
    a, b = fresh(FLOAT), fresh(FLOAT)
    return make(LIN, (b, a), (1, 1))  # terms stand by age


def _tuple_used() -> Expr:
    node = branch(x > y, lambda: x, lambda: y).args[0]
    return intern(SIN, None, (node,), FLOAT)


def _open_region() -> Expr:
    region = Region((param(0, FLOAT),), (sin(x),))
    return make(COND, (x > y, y), Cond(region, region))


def _region_with_foreign_parameter() -> Expr:
    region = Region((param(0, FLOAT),), (param(1, FLOAT),))
    return make(COND, (x > y, y), Cond(region, region))


def _region_with_symbols_for_parameters() -> Expr:
    own = fresh(FLOAT)
    region = Region((own,), (sin(own),))
    return make(COND, (x > y, y), Cond(region, region))


def _parameter_outside() -> Expr:
    return sin(param(0, FLOAT))


def _fault_inside_a_nested_region() -> Expr:
    p = param(0, FLOAT)
    inner = Region((p,), (intern(SIN, None, (p * 7,), INT),))
    bad = make(COND, (p > 0, p), Cond(inner, inner))
    outer = Region((p,), (intern(lookup("item"), 0, (bad,), INT),))
    return make(COND, (x > y, y), Cond(outer, outer))


def _loop_of_another_type() -> Expr:
    k, s = param(0, Type("int64", weak=True)), param(1, FLOAT)
    attr = Loop(Region((k, s), (sin(s),)), 1, trip=True)
    return intern(LOOP, attr, (y - y, x), TupleType((FLOAT,)))


def _unregistered() -> Expr:
    op = Op(
        name="nowhere",
        doc="An op that nobody registered.",
        result=lambda a: a,
        evaluate=lambda a: a,
        diff=NoDerivative("a test"),
    )
    return intern(op, None, (x,), FLOAT)


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (_younger_argument, "arguments older than the node"),
        (_wrong_type, "type float64 by its type rule"),
        (_wrong_attribute, "its type rule accepts"),
        (_unhashable_attribute, "hashable"),
        (_not_interned, "the interned node"),
        (_not_canonical, "canonical"),
        (_tuple_used, "one result picked by a projection"),
        (_open_region, "uses only its parameters"),
        (_region_with_foreign_parameter, "uses only its parameters"),
        (_region_with_symbols_for_parameters, "parameter 0 of a region"),
        (_parameter_outside, "a parameter only inside"),
        (_fault_inside_a_nested_region, "type float64 by its type rule"),
        (_loop_of_another_type, "integer trip count"),
        (_unregistered, "a registered op"),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_a_planted_fault_is_found(plant: Callable[[], Expr], reason: str) -> None:
    node: Any = plant()
    with pytest.raises(GraphError, match=reason) as caught:
        verify([node])
    assert "node " in str(caught.value)
