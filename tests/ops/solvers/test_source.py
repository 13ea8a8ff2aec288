"""Solvers, their derivatives and rules of one's own as emitted source: the same numbers, without wengert."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.diff.reverse import vjp
from wengert.emit.python import callable_of, source
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ops.custom import Rules, custom
from wengert.ops.exponential import exp
from wengert.ops.leaves import ONE, symbol
from wengert.ops.solvers.ode import initial_value_problem, odeint
from wengert.ops.solvers.quadrature import integral
from wengert.ops.solvers.root import root
from wengert.ops.trig import cos, sin
from wengert.run.reference import evaluate_nodes

a, b = symbol("a"), symbol("b")
v, ts = symbol("v", 2), symbol("ts", 4)
POINT: dict[str, Any] = {
    "a": 1.1,
    "b": 0.7,
    "v": np.array([0.3, 0.4]),
    "ts": np.linspace(0.0, 1.0, 4),
}


def pendulum(t: Expr, y: Expr) -> list[Any]:
    return [y[1], -a * sin(y[0]) + t]


PROGRAMS: dict[str, Callable[[], Expr]] = {
    "brentq": lambda: root(lambda x: cos(x) - a * b * x, bracket=(0, 2), xtol=1e-14),
    "newton": lambda: root(lambda x: x * exp(x) - a * v, v, method="newton"),
    "fsolve": lambda: root(lambda x: sin(x) + x - v * a, v),
    "quad": lambda: integral(lambda x: sin(a * x) * x, 0, b, points=[0.25])[0],
    "quad to infinity": lambda: integral(lambda x: exp(-a * x), b, np.inf)[0],
    "quad of arrays": lambda: integral(lambda x: sin(v * x), 0, b)[0],
    "RK45": lambda: initial_value_problem(pendulum, (0, b), v).y[:, -1],
    "DOP853": lambda: initial_value_problem(pendulum, (0, b), v, method="DOP853", t_eval=[0.2]).y[
        :, 0
    ],
    "LSODA": lambda: initial_value_problem(pendulum, (0, b), v, method="LSODA", t_eval=[0.2]).y[
        :, 0
    ],
    "odeint": lambda: odeint(pendulum, v, ts).y,
    "custom": lambda: custom(exp, a * v, rules=Rules(jvp=lambda p, t: exp(p[0]) * t[0])),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_source_computes_what_the_reference_does(name: str) -> None:
    out = PROGRAMS[name]()
    inputs = (a, b, v, ts)
    used = [x for x in inputs if vjp([out], [ONE if not out.shape else out], [x])[0] is not None]
    gradient = vjp([out], [ONE if not out.shape else out], used)
    function = Function(inputs, (out, *(g for g in gradient if g is not None)))
    text = source(function)
    assert "wengert" not in text
    got = callable_of(function)(*(POINT[x.attr.name] for x in inputs))
    want = evaluate_nodes(list(function.outputs), POINT)
    for g, w in zip(got, want, strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-8, atol=1e-12)
