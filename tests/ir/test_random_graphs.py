"""What holds of every graph, on random ones with control flow in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SYMBOLS, Program, build, elementwise_ops, programs, recipes, run

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.dump import dump, load
from wengert.ir.facts import PSD, SYMMETRIC
from wengert.ir.known import knows
from wengert.ir.node import Expr
from wengert.ir.verify import verify
from wengert.ir.walk import order, rebuild, substitute
from wengert.ops.algebra import dot
from wengert.ops.choice import maximum, where
from wengert.ops.leaves import ONE, const, fresh, symbol
from wengert.ops.powers import cbrt
from wengert.ops.trig import sin

FEW = settings(max_examples=40)


def _directions(
    program: Program, prefix: str, seed: int
) -> tuple[dict[Expr, Expr], dict[str, Any]]:
    rng = np.random.default_rng(seed)
    names = {s: symbol(f"{prefix}_{s.attr.name}", s.shape) for s in program.symbols}
    values: dict[str, Any] = {}
    for s, d in names.items():
        value = rng.normal(size=np.shape(program.values[s.attr.name]))
        values[d.attr.name] = (value + value.T) / 2 if s.attr.name == "B" else value
    return names, values


def _pairing(cotangents: list[Expr | None], tangents: dict[Expr, Expr]) -> Expr:
    total = const(0) * SYMBOLS[0]
    for ct, t in zip(cotangents, tangents.values(), strict=True):
        if ct is not None:
            total = total + (dot(ct, t) if t.ndim else ct * t)
    return total


def _close(a: Any, b: Any, scale: float = 1.0) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9 * max(scale, 1.0)))


def test_most_elementwise_ops_take_part() -> None:
    assert len(elementwise_ops()) > 30


@FEW
@given(programs())
def test_graphs_are_well_formed_and_so_are_their_derivatives(program: Program) -> None:
    tangents, _ = _directions(program, "d", 0)
    forward = jvp([program.output], tangents)
    backward = vjp([program.output], [ONE], program.symbols)
    verify([*program.nodes, program.output, *(e for e in (*forward, *backward) if e is not None)])


@FEW
@given(programs())
def test_evaluation_is_deterministic(program: Program) -> None:
    first = run([program.output, *program.nodes], **program.values)
    second = run([program.output, *program.nodes], **program.values)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a, b)


@FEW
@given(programs())
def test_dump_and_load_give_the_very_same_nodes(program: Program) -> None:
    roots = [program.output, *program.nodes, *jvp([program.output], {program.symbols[0]: ONE})]
    nodes = [r for r in roots if r is not None]
    assert all(a is b for a, b in zip(load(dump(nodes)), nodes, strict=True))


@FEW
@given(recipes())
def test_building_twice_gives_the_same_objects(recipe: Any) -> None:
    first, second = build(recipe), build(recipe)
    assert all(a is b for a, b in zip(first, second, strict=True))


@FEW
@given(programs())
def test_equal_structure_is_the_same_object(program: Program) -> None:
    def key(node: Expr) -> Any:
        attr = node.attr if node.op.key is None else node.op.key(node.attr)
        return (node.op, attr, node.args)

    nodes = order([program.output, *program.nodes])
    assert len({key(n) for n in nodes}) == len(nodes)
    for node in nodes:
        assert rebuild(node, node.args) is node


@FEW
@given(programs(), st.integers(0, 2**16))
def test_substituting_is_the_same_as_binding(program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = SYMBOLS[:2]
    a, b = (float(v) for v in rng.uniform(-1, 1, 2))
    new = fresh(x.value_type)
    swapped = substitute([program.output], {x: new, y: x})[0]
    (expected,) = run([program.output], **{**program.values, "x": a, "y": b})
    (found,) = run([swapped], **{**program.values, new.attr.name: a, "x": b})
    # Commutative arguments may have changed places, which may change the last bits.
    assert _close(found, expected)


@FEW
@given(programs(), st.floats(-2, 2), st.floats(-2, 2))
def test_forward_mode_is_linear_in_the_tangent(program: Program, a: float, b: float) -> None:
    t, t_values = _directions(program, "d", 1)
    u, u_values = _directions(program, "e", 2)
    both = {s: t[s] * const(a) + u[s] * const(b) for s in t}
    parts = [jvp([program.output], d)[0] for d in (t, u, both)]
    values = {**program.values, **t_values, **u_values}
    first, second, combined = (0.0 if p is None else run([p], **values)[0] for p in parts)
    assert _close(combined, a * first + b * second, abs(first) + abs(second))


@FEW
@given(programs())
def test_reverse_mode_is_the_transpose_of_forward_mode(program: Program) -> None:
    tangents, t_values = _directions(program, "d", 3)
    values = {**program.values, **t_values}
    (forward,) = jvp([program.output], tangents)
    paired = _pairing(vjp([program.output], [ONE], program.symbols), tangents)
    (found,) = run([paired], **values)
    expected = 0.0 if forward is None else run([forward], **values)[0]
    assert _close(found, expected)


@settings(max_examples=15)
@given(programs(most=4))
def test_second_derivatives_are_symmetric(program: Program) -> None:
    t, t_values = _directions(program, "d", 4)
    u, u_values = _directions(program, "e", 5)
    values = {**program.values, **t_values, **u_values}

    def hessian(first: dict[Expr, Expr], second: dict[Expr, Expr]) -> float:
        gradient = vjp([program.output], [ONE], program.symbols)
        paired = _pairing(gradient, first)
        (change,) = jvp([paired], second)
        return 0.0 if change is None else float(run([change], **values)[0])

    left, right = hessian(t, u), hessian(u, t)
    assert _close(left, right, abs(left))


def test_a_choice_between_symmetric_matrices_need_not_be_symmetric() -> None:
    A, B = SYMBOLS[4:]
    chosen = where(A < B, B, sin(B) * 2)
    assert chosen.T is not chosen
    assert not knows(where(A < B, B @ B.T, B), SYMMETRIC)
    psd = symbol("P", ("n", "n"), assume="psd")
    assert not knows(maximum(psd, psd + B @ B.T), PSD)
    assert not knows(cbrt(psd), PSD)
