"""Random programs with nested control flow run as source as they do in the reference evaluator."""

from __future__ import annotations

from emit.comparing import assert_emitted
from hypothesis import given, reject, settings
from strategies import SYMBOLS, Program, programs

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import NoDerivativeError
from wengert.ops.leaves import const, symbol


@settings(max_examples=150, deadline=None)
@given(programs())
def test_programs(program: Program) -> None:
    outputs = [program.output, *program.nodes[-2:]]
    assert_emitted(outputs, program.values, SYMBOLS, rtol=1e-9, atol=1.0)


@settings(max_examples=60, deadline=None)
@given(programs(5))
def test_derivatives_of_programs(program: Program) -> None:
    tangents = {s: symbol(f"d{s.attr.name}", s.shape) for s in program.symbols}
    values = {
        **program.values,
        **{t.attr.name: program.values[s.attr.name] / 2 for s, t in tangents.items()},
    }
    try:
        (change,) = jvp([program.output], dict(tangents))
        gradients = vjp([program.output], [const(1.0)], list(program.symbols))
    except NoDerivativeError:  # some functions have none in a parameter
        reject()
    outputs = [g for g in (change, *gradients) if g is not None]
    assert_emitted(outputs, values, [*SYMBOLS, *tangents.values()], rtol=1e-8, atol=1.0)
