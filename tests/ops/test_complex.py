"""Complex numbers: complex derivatives forward, steepest ascent in reverse, real graphs untouched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.choice import absolute, sign
from wengert.ops.complexes import angle, conj, from_parts, imag, real
from wengert.ops.einstein import sum_axes
from wengert.ops.exponential import exp, log
from wengert.ops.indexing import at, flip
from wengert.ops.joining import concatenate
from wengert.ops.layout import cast, reshape
from wengert.ops.leaves import ONE, const, symbol
from wengert.ops.linalg import inv, logdet
from wengert.ops.norms import norm
from wengert.ops.powers import sqrt
from wengert.ops.scans import cumprod, prod
from wengert.ops.systems import solve
from wengert.ops.trig import cos, sin, tanh
from wengert.run.reference import evaluate

z = symbol("z", 4, dtype="complex128")
x = symbol("x", 4)

HOLOMORPHIC: dict[str, tuple[Callable[[Expr], Expr], Callable[[complex], complex]]] = {
    "exp": (exp, np.exp),
    "log": (log, lambda w: 1 / w),
    "sqrt": (sqrt, lambda w: 1 / (2 * np.sqrt(w))),
    "sin": (sin, np.cos),
    "cos": (cos, lambda w: -np.sin(w)),
    "tanh": (tanh, lambda w: 1 / np.cosh(w) ** 2),
    "cube": (lambda w: w**3, lambda w: 3 * w**2),
    "reciprocal": (lambda w: 1 / w, lambda w: -1 / w**2),
    "product": (lambda w: (w + 2j) * w, lambda w: 2 * w + 2j),
}


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_forward_gives_the_complex_derivative(name: str) -> None:
    w = symbol("w", dtype="complex128")
    function, derivative = HOLOMORPHIC[name]
    (found,) = jvp([function(w)], {w: ONE})
    assert found is not None
    for point in (0.3 + 0.7j, -1.2 - 0.4j):
        assert evaluate(found, {"w": point}) == pytest.approx(derivative(point), rel=1e-13)


REAL_VALUED: dict[str, Expr] = {
    "modulus": sum_axes(absolute(z) * x),
    "square of a modulus": sum_axes(real(conj(z) * z)),
    "parts": sum_axes(real(exp(z)) * imag(z * x)),
    "angle": sum_axes(angle(conj(z) * z * z * (1 + 2j)) * x),
    "phase": sum_axes(imag(sign(z)) * x),
    "holomorphic inside": absolute(sum_axes(sin(z) / (z + 3j) * x)) ** 2,
    "constants": absolute((2 + 1j) * at(z, 0, 1) * at(x, 0, 2) + 1j),
    "from parts": sum_axes(real(from_parts(x, real(z)) ** 3)),
    "cast": sum_axes(imag(cast(x, "complex128") * z)),
    "norm": norm(z * x),
    "product": real(prod(z)) + imag(at(cumprod(z * x), 0, 2)),
    "layout": sum_axes(real(concatenate([flip(z), z * x]) * concatenate([z, conj(z)]))),
    "systems": absolute(sum_axes(solve(reshape(z, (2, 2)), at(reshape(x, (2, 2)), 0, 0)))),
    "mixed system": absolute(sum_axes(solve(reshape(x, (2, 2)), at(reshape(z, (2, 2)), 0, 0)))),
    "inverse": sum_axes(imag(inv(reshape(z, (2, 2)) * reshape(x, (2, 2))))),
    "determinant": logdet(reshape(z, (2, 2))),
}


@pytest.mark.parametrize("name", REAL_VALUED)
def test_reverse_gives_steepest_ascent(name: str, rng: np.random.Generator) -> None:
    """Against central differences in the real and in the imaginary part of each element."""
    out = REAL_VALUED[name]
    values = {"z": rng.normal(size=4) + 1j * rng.normal(size=4), "x": rng.uniform(0.5, 2, size=4)}
    used = {n.attr.name for n in order([out]) if n.op.free}
    given = {k: v for k, v in values.items() if k in used}
    assert out.value_type.dtype == "float64"

    def slope(which: str, step: np.ndarray) -> float:
        h = 1e-6
        there, back = ({**given, which: given[which] + s * h * step} for s in (1, -1))
        return float(evaluate(out, there) - evaluate(out, back)) / (2 * h)

    for which, node in (("z", z), ("x", x)):
        if which not in given:
            continue
        (found,) = vjp([out], [ONE], [node])
        assert found is not None
        needed = {n.attr.name for n in order([found]) if n.op.free}
        got = evaluate(found, {k: v for k, v in given.items() if k in needed})
        want = np.array([slope(which, e) for e in np.eye(4)], dtype=complex)
        if which == "z":
            want += 1j * np.array([slope(which, 1j * e) for e in np.eye(4)])
        else:
            assert np.asarray(got).dtype == np.float64
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-8)


def test_complex_numbers_cost_the_real_case_nothing() -> None:
    out = sum_axes(exp(x) * x / (1 + x**2))
    (found,) = vjp([out], [ONE], [x])
    assert found is not None
    assert {n.op.name for n in order([found])} <= {
        "symbol",
        "constant",
        "lin",
        "ein",
        "exp",
        "div",
        "pow",
    }
    assert conj(x) is x
    assert real(x) is x


def test_conjugates_cancel() -> None:
    w = sin(z)
    assert conj(conj(w)) is w
    assert conj(conj(w) * z) is w * conj(z)
    assert real(conj(w)) is real(w)
    assert imag(conj(w)) is -imag(w)
    assert real(from_parts(x, x + 1)) is x
    assert conj(const(1 + 2j)) is const(1 - 2j)


def test_long_chains_stay_short_in_reverse() -> None:
    w: Expr = z
    for _ in range(2000):
        w = sin(w) + z
    (found,) = vjp([sum_axes(real(w))], [ONE], [z])
    assert found is not None
    assert len(order([found])) < 2000 * 12


def test_at_the_origin() -> None:
    w = symbol("w", dtype="complex128")
    (found,) = vjp([absolute(w)], [ONE], [w])
    assert found is not None
    assert evaluate(found, {"w": 0j}) == 0
    assert evaluate(angle(symbol("r")), {"r": -2.0}) == np.pi
