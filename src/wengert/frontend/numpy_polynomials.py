"""Polynomials as vectors of coefficients, the highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.errors import ShapeError, TypeMismatchError, worded
from wengert.frontend.numpy_arguments import converted, fixed, known, only, refused, strong
from wengert.frontend.numpy_creation import vander
from wengert.frontend.numpy_linalg import eigvals, lstsq
from wengert.frontend.numpy_loops import inexact_of
from wengert.frontend.table import Value, maps
from wengert.ir.node import Expr
from wengert.ir.types import is_complex, promote
from wengert.ops.algebra import full, matmul, minus, multiply, negate, outer, plus, times
from wengert.ops.arithmetic import divide
from wengert.ops.convolution import convolve
from wengert.ops.einstein import eye, transpose
from wengert.ops.indexing import at, part_of
from wengert.ops.joining import concatenate
from wengert.ops.layout import expand_dims
from wengert.ops.leaves import const
from wengert.ops.leaves import size as size_node
from wengert.ops.linalg import inv
from wengert.ops.powers import sqrt
from wengert.ops.reductions import sum_

__all__: list[str] = []

_GROUP = "Polynomials"


def _coefficients(p: Expr, what: str) -> Expr:
    """The coefficients as a strong vector."""
    p = strong(p)
    p = expand_dims(p, 0) if not p.ndim else p
    if p.ndim != 1:
        raise ShapeError(worded(what, expected="a vector of coefficients", got=f"shape {p.shape}"))
    return p


def _common(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    dtype = promote(a.value_type.with_shape(()), b.value_type.with_shape(())).dtype
    return converted(a, dtype), converted(b, dtype)


@maps(np.polyval, group=_GROUP)
def polyval(p: Value, x: Value) -> Expr:
    """The value at ``x`` by Horner's rule."""
    p, x = strong(p), strong(x)
    if not p.ndim:
        raise ShapeError(worded("np.polyval", expected="a vector of coefficients", got="a number"))
    degree = fixed(p.shape[0], "np.polyval")
    if x.value_type.dtype == "bool":
        raise TypeMismatchError(worded("np.polyval", expected="a number x", got="truth values"))
    dtype = promote(p.value_type.with_shape(()), x.value_type.with_shape(())).dtype
    # As NumPy, from 0 on: of no use but where x is not finite.
    result = converted(multiply(const(0), x), x.value_type.dtype)
    for i in range(degree):
        result = plus(result if i == 0 else times(result, x), at(p, 0, i))
    return converted(result, dtype if degree else x.value_type.dtype)


@maps(np.polyder, group=_GROUP)
def polyder(p: Value, m: int = 1) -> Expr:
    """The coefficients of the m-th derivative."""
    p, order = strong(p), int(known(m))
    if order < 0 or p.ndim != 1:
        raise refused("np.polyder", expected="a vector, and an order from 0 on", got=(p, order))
    for _ in range(order):
        n = fixed(p.shape[0], "np.polyder")
        if n == 0:
            break
        powers = const(np.arange(n - 1, 0, -1))
        p, powers = _common(part_of(p, 0, 0, n - 1), powers)
        p = times(p, powers)
    return p


@maps(np.polyint, group=_GROUP)
def polyint(p: Value, m: int = 1, k: Value | None = None) -> Expr:
    """The coefficients of the m-th antiderivative, with constants of integration ``k``."""
    p, order = strong(p), int(known(m))
    if order < 0 or p.ndim != 1:
        raise refused("np.polyint", expected="a vector, and an order from 0 on", got=(p, order))
    constants = const(np.zeros(order)) if k is None else _coefficients(k, "np.polyint")
    given = fixed(constants.shape[0], "np.polyint")
    if given < order and given != 1:
        raise refused("np.polyint: argument `k`", expected=f"{order} constants", got=given)
    for i in range(order):
        n = fixed(p.shape[0], "np.polyint")
        lowered = divide(converted(p, inexact_of(p)), const(np.arange(n, 0, -1).astype(float)))
        last = part_of(constants, 0, 0 if given == 1 and order > 1 else i, 1)
        if given == 1 and order > 1:
            last = converted(
                last, promote(last.value_type.with_shape(()), const(np.float64(0)).value_type).dtype
            )
        p = concatenate(_common(lowered, last), 0)
    return p


def _aligned(a1: Expr, a2: Expr, what: str) -> tuple[Expr, Expr]:
    """Both with as many coefficients: zeros in front of the shorter."""
    a1, a2 = _coefficients(a1, what), _coefficients(a2, what)
    apart = a2.shape[0] - a1.shape[0]
    if not isinstance(apart, int):
        raise ShapeError(worded(what, expected="known degrees", got=f"{a1.shape} and {a2.shape}"))
    padded = [
        concatenate([converted(full((more,), 0), x.value_type.dtype), x], 0) if more > 0 else x
        for x, more in ((a1, apart), (a2, -apart))
    ]
    return _common(*padded)


@maps(np.polyadd, group=_GROUP)
def polyadd(a1: Value, a2: Value) -> Expr:
    """The sum of two polynomials."""
    first, second = _aligned(a1, a2, "np.polyadd")
    if first.value_type.dtype == "bool":
        raise TypeMismatchError(worded("np.polyadd", expected="numbers", got="truth values"))
    return plus(first, second)


@maps(np.polysub, group=_GROUP)
def polysub(a1: Value, a2: Value) -> Expr:
    """The difference of two polynomials."""
    first, second = _aligned(a1, a2, "np.polysub")
    if first.value_type.dtype == "bool":
        raise TypeMismatchError(worded("np.polysub", expected="numbers", got="truth values"))
    return minus(first, second)


@maps(np.poly, group=_GROUP)
def poly(seq_of_zeros: Value) -> Expr:
    """The coefficients of the polynomial with the given real zeros."""
    zeros = strong(seq_of_zeros)
    if zeros.ndim != 1:
        raise ShapeError(worded("np.poly", expected="a vector of zeros", got=str(zeros.type)))
    if is_complex(zeros.value_type):
        raise TypeMismatchError(
            worded("np.poly", expected="real zeros", got=str(zeros.type), hint="np.convolve")
        )
    zeros = converted(zeros, inexact_of(zeros))
    dtype = zeros.value_type.dtype
    number = fixed(zeros.shape[0], "np.poly")
    if number == 0:
        raise refused("np.poly", expected="at least one zero", got=number)
    result = converted(full((1,), 1), dtype)
    one = result
    for i in range(number):
        result = convolve(result, concatenate([one, negate(part_of(zeros, 0, i, 1))], 0))
    return result


@maps(np.roots, group=_GROUP)
def roots(p: Value) -> Expr:
    """The zeros of a polynomial whose first coefficient is not 0.

    As NumPy, with complex numbers also where all of them are real.
    """
    p = _coefficients(p, "np.roots")
    p = converted(p, inexact_of(p))
    n = fixed(p.shape[0], "np.roots")
    found = known(p)
    if n < 2 or (found is not None and (found[0] == 0 or found[-1] == 0)):
        raise refused(
            "np.roots", expected="two coefficients or more, no 0 first or last", got=found
        )
    dtype = p.value_type.dtype
    top = negate(divide(part_of(p, 0, 1, n - 1), part_of(p, 0, 0, 1)))
    below = converted(part_of(eye(n - 1), 0, 0, n - 2), dtype)
    result: Expr = eigvals(concatenate([expand_dims(top, 0), below], 0))
    return result


@maps(np.polyfit, group=_GROUP)
def polyfit(
    x: Value,
    y: Value,
    deg: int,
    rcond: Any = None,
    full: bool = False,
    w: Value | None = None,
    cov: Any = False,
) -> Expr | tuple[Expr, Expr]:
    """The polynomial of least squares."""
    only("np.polyfit", "full", known(full), False)
    only("np.polyfit", "cov", cov if isinstance(cov, str) else known(cov), False, True, "unscaled")
    number = int(known(deg)) + 1
    x, y = (converted(strong(v), inexact_of(v)) for v in (x, y))
    if x.ndim != 1 or y.ndim not in (1, 2) or y.shape[0] != x.shape[0] or number < 1:
        raise ShapeError(
            worded("np.polyfit", expected="samples of one length", got=f"{x.shape} and {y.shape}")
        )
    tolerance = known(rcond)
    if tolerance is None:
        rows = fixed(x.shape[0], "np.polyfit")
        tolerance = rows * np.finfo(x.value_type.dtype).eps
    matrix, right = vander(x, number), y
    if w is not None:
        weights = converted(strong(w), inexact_of(w))
        matrix = times(matrix, expand_dims(weights, 1))
        right = times(right, expand_dims(weights, 1) if y.ndim == 2 else weights)
    scale = sqrt(sum_(times(matrix, matrix), 0))
    matrix = divide(matrix, scale)
    solution, residuals, _, _ = lstsq(matrix, right, float(tolerance))
    divisors = expand_dims(scale, 1) if y.ndim == 2 else scale
    result = divide(solution, divisors)
    if cov is False or known(cov) is False:
        return result
    base = divide(inv(matmul(transpose(matrix), matrix)), outer(scale, scale))
    if not isinstance(cov, str):
        freedom = size_node(x.shape[0]) - number
        share = divide(residuals, freedom)
        if y.ndim == 2:
            return result, times(expand_dims(base, 2), share)
        return result, times(base, share)
    return result, base if y.ndim == 1 else expand_dims(base, 2)
