"""Complex functions in terms of real ones are NumPy's, at zeros with signs, infinities and NaN too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any  # Any: NumPy's numbers and arrays

import numpy as np
import pytest

import wengert.ops.floats
from wengert.ir.node import Expr
from wengert.ir.op import Op, lookup, registered
from wengert.ir.walk import order
from wengert.ops.leaves import symbol
from wengert.ops.plane import Pair

EDGES = [
    0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, np.inf, -np.inf, np.nan, 1e-300, -1e300, 710.0, -711.0, 1e-9, 30.0,
    -0.3, 1 + 1e-10,
]  # fmt: skip
FEW = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 0.3]
ALONE = [
    op
    for op in registered().values()
    if op.parts and op.elementwise and op.arity == 1 and op.name not in ("cast", "to_integer")
]


def value_of(node: Expr, given: dict[Expr, Any]) -> Any:
    known = dict(given)
    for each in order([node]):
        if each not in known:
            options = {} if each.attr is None else {"attr": each.attr}
            with np.errstate(all="ignore"):
                known[each] = each.op.evaluate(*[known[a] for a in each.args], **options)
    return known[node]


def judged(
    op: Op, numbers: Sequence[Any], tolerance: float, whole: bool = False, **attr: Any
) -> list[str]:
    """Where parts of the result are not what NumPy says, up to errors of parts or of the ``whole``."""
    pairs = [Pair(symbol(f"x{i}"), symbol(f"y{i}")) for i in range(len(numbers))]
    given: dict[Expr, Any] = {}
    for pair, number in zip(pairs, numbers, strict=True):
        given |= {pair.re: number.real, pair.im: number.imag}
    assert op.parts is not None
    found = op.parts(*pairs, **attr)
    with np.errstate(all="ignore"):
        wanted = op.evaluate(*numbers, **attr)
    parts = [(found, wanted)]
    if isinstance(found, Pair):
        parts = [(found.re, wanted.real), (found.im, wanted.imag)]
    wrong = np.zeros(len(numbers[0]), bool)
    for node, want in parts:
        got = np.broadcast_to(np.asarray(value_of(node, given), float), want.shape)
        want = np.asarray(want, float)
        with np.errstate(all="ignore"):
            near = np.abs(got - want) <= tolerance * np.abs(wanted if whole else want)
        near |= (got == want) | (np.isnan(got) & np.isnan(want))
        if not whole:
            near &= (want != 0) | (np.signbit(got) == np.signbit(want))
        wrong |= ~near
    return [f"{op.name}{[n[i] for n in numbers]}" for i in np.flatnonzero(wrong)]


def grid(edges: Sequence[float], count: int) -> list[Any]:
    columns = np.array(list(product(edges, repeat=2 * count))).T
    numbers = [np.empty(columns.shape[1], complex) for _ in range(count)]
    for i, number in enumerate(numbers):
        number.real, number.imag = columns[2 * i], columns[2 * i + 1]
    return numbers


@pytest.mark.parametrize("op", ALONE, ids=lambda op: op.name)
def test_functions_of_one_number(op: Op) -> None:
    assert judged(op, grid(EDGES, 1), 1e-13) == []


@pytest.mark.parametrize("name", ["div", "eq", "ne", "pow", "logical_and", "logical_or"])
def test_functions_of_two_numbers(name: str) -> None:
    assert judged(lookup(name), grid(FEW, 2), 1e-12) == []


def test_products_and_sums() -> None:
    spec = symbol("x") * symbol("y")
    assert judged(lookup("ein"), grid(FEW, 2), 1e-15, True, attr=spec.attr) == []
    for coefficients in ((1, -1), (2, 0.3), (-1, 1)):
        assert judged(lookup("lin"), grid(FEW, 2), 1e-15, True, attr=coefficients) == []


@pytest.mark.parametrize("exponent", [-7, -3, -1, 0, 1, 2, 3, 4, 12, 2.5, 1j])
def test_known_exponents(exponent: complex) -> None:
    (base,) = grid(FEW, 1)
    pair = Pair(symbol("x"), symbol("y"))
    power = lookup("pow")
    from_constant = power.parts(pair, wengert.const(exponent)) if power.parts else None
    if not isinstance(exponent, complex):
        assert from_constant is not None
    else:
        number = wengert.const(exponent.real), wengert.const(exponent.imag)
        from_constant = power.parts(pair, Pair(*number)) if power.parts else None
    given = {pair.re: base.real, pair.im: base.imag}
    with np.errstate(all="ignore"):
        wanted = np.power(base, np.full(base.shape, exponent, complex))
    assert from_constant is not None
    found = np.empty(base.shape, complex)
    found.real, found.imag = (value_of(p, given) for p in from_constant)
    assert np.allclose(found, wanted, rtol=1e-13, atol=0, equal_nan=True)
