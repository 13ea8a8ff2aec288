"""Orthogonal polynomials by degree; derivatives by the next family, without a division (DLMF 18.9.15 on)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Op, Sample, Spelling
from wengert.ops.algebra import lift, times, zeros
from wengert.ops.arithmetic import divide
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import const, number_of
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op
from wengert.ops.sums import scale

__all__ = [
    "chebyshev_t", "chebyshev_u", "gegenbauer", "hermite", "hermite_normal", "jacobi", "laguerre", "legendre",
]  # fmt: skip


def _by_degree(name: str) -> Callable[..., Any]:
    """The function of SciPy, some of which take integers only as the degree."""
    function = scipy_function(f"special.{name}")
    return lambda n, *rest: function(np.asarray(n).astype(np.int64), *rest)


def _family(
    name: str,
    scipy_name: str,
    doc: str,
    change: Callable[..., Expr],
    rows: tuple[tuple[float, ...], ...],
    latex: str,
) -> tuple[Op, Callable[..., Expr]]:
    """One family; ``change(n, *params, x)`` is the derivative of the polynomial of degree ``n >= 1``."""
    count = len(rows[0])

    def function(*args: Any) -> Expr:
        if len(args) != count + 1:
            raise TypeMismatchError(
                worded(name, expected=f"{count + 1} arguments", got=str(len(args)))
            )
        return parametric(op, *args)

    def slope(*args: Expr) -> Expr:
        *params, x, _ = args
        degree = number_of(lift(params[0]))
        return zeros(x.shape) if degree == 0 else change(*params, x)

    op = parametric_op(
        name,
        doc,
        in_precision(_by_degree(scipy_name)),
        not_in("the degree", name),
        *(not_in("a parameter", name) for _ in range(count - 1)),
        slope,
        samples=tuple(
            Sample(
                (*(Argument(value=p, constant=True) for p in row), Argument(shape, -1.5, 1.5)),
                note=f"degree {row[0]}",
            )
            for row, shape in zip(rows, ((), (3,), (2,)), strict=False)
        ),
        spell=Spelling(
            latex=latex,
            python=f"scipy.special.{scipy_name}({', '.join(f'{{{k}}}' for k in range(count + 1))})",
        ),
        build=function,
        cost=20.0,
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} The degree is a known whole number."
    return op, function


_PLAIN = ((3,), (1,), (0,))
_WITH_ONE = ((3, 0.7), (1, 1.5), (0, 0.5))

gegenbauer: Callable[..., Expr]
jacobi: Callable[..., Expr]
laguerre: Callable[..., Expr]
hermite: Callable[..., Expr]
hermite_normal: Callable[..., Expr]

GEGENBAUER, gegenbauer = _family(
    "gegenbauer",
    "eval_gegenbauer",
    "Gegenbauer polynomial; arguments degree, alpha, x.",
    lambda n, a, x: scale(2, times(a, gegenbauer(n - 1, a + 1, x))),
    _WITH_ONE,
    r"C_{{{0}}}^{{\left({1}\right)}}\left({2}\right)",
)
JACOBI, jacobi = _family(
    "jacobi",
    "eval_jacobi",
    "Jacobi polynomial; arguments degree, alpha, beta, x.",
    lambda n, a, b, x: divide(times(n + a + b + 1, jacobi(n - 1, a + 1, b + 1, x)), const(2)),
    ((3, 0.7, 0.4), (1, 1.5, 0.2), (0, 0.5, 0.5)),
    r"P_{{{0}}}^{{\left({1}, {2}\right)}}\left({3}\right)",
)
LEGENDRE, legendre = _family(
    "legendre",
    "eval_legendre",
    "Legendre polynomial; arguments degree, x.",
    lambda n, x: gegenbauer(n - 1, 1.5, x),
    _PLAIN,
    r"P_{{{0}}}\left({1}\right)",
)
CHEBYSHEV_T, chebyshev_t = _family(
    "chebyshev_t",
    "eval_chebyt",
    "Chebyshev polynomial of the first kind; arguments degree, x.",
    lambda n, x: times(n, gegenbauer(n - 1, 1.0, x)),
    _PLAIN,
    r"T_{{{0}}}\left({1}\right)",
)
CHEBYSHEV_U, chebyshev_u = _family(
    "chebyshev_u",
    "eval_chebyu",
    "Chebyshev polynomial of the second kind; arguments degree, x.",
    lambda n, x: scale(2, gegenbauer(n - 1, 2.0, x)),
    _PLAIN,
    r"U_{{{0}}}\left({1}\right)",
)
HERMITE, hermite = _family(
    "hermite",
    "eval_hermite",
    "Hermite polynomial of the physicists; arguments degree, x.",
    lambda n, x: scale(2, times(n, hermite(n - 1, x))),
    _PLAIN,
    r"H_{{{0}}}\left({1}\right)",
)
HERMITE_NORMAL, hermite_normal = _family(
    "hermite_normal",
    "eval_hermitenorm",
    "Hermite polynomial of the probabilists; arguments degree, x.",
    lambda n, x: times(n, hermite_normal(n - 1, x)),
    _PLAIN,
    r"\mathit{{He}}_{{{0}}}\left({1}\right)",
)
LAGUERRE, laguerre = _family(
    "laguerre",
    "eval_genlaguerre",
    "Generalised Laguerre polynomial; arguments degree, alpha, x.",
    lambda n, a, x: scale(-1, laguerre(n - 1, a + 1, x)),
    _WITH_ONE,
    r"L_{{{0}}}^{{\left({1}\right)}}\left({2}\right)",
)
