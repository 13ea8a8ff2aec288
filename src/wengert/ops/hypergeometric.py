"""Hypergeometric functions; the derivative in the argument shifts the parameters (DLMF 13.3, 15.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.errors import TypeMismatchError, worded
from wengert.ir.node import Expr
from wengert.ir.op import Argument, Domain, Op, Sample, Spelling
from wengert.ops.algebra import times
from wengert.ops.arithmetic import divide
from wengert.ops.choice import gt, lt
from wengert.ops.lazy import scipy_function
from wengert.ops.leaves import ONE, ZERO
from wengert.ops.scalar import in_precision, not_in, parametric, parametric_op
from wengert.ops.sums import scale

__all__ = ["hyp0f1", "hyp1f1", "hyp2f1", "hyperu"]

_ORDINALS = ("first", "second", "third")


def _family(
    name: str,
    doc: str,
    change: Callable[..., Expr],
    rows: tuple[tuple[float, ...], ...],
    low: float,
    high: float,
    latex: str,
    **more: Any,
) -> tuple[Op, Callable[..., Expr]]:
    """One function; ``change(*params, x)`` is its derivative in ``x``, ``rows`` are parameters to try."""
    count = len(rows[0])

    def function(*args: Any) -> Expr:
        if len(args) != count + 1:
            raise TypeMismatchError(
                worded(name, expected=f"{count + 1} arguments", got=str(len(args)))
            )
        return parametric(op, *args)

    op = parametric_op(
        name,
        doc,
        in_precision(scipy_function(f"special.{name}")),
        *(not_in(f"the {_ORDINALS[k]} parameter", name) for k in range(count)),
        lambda *args: change(*args[:-1]),
        samples=tuple(
            Sample(
                (*(Argument(value=p, constant=True) for p in row), Argument(shape, low, high)),
                note=f"parameters {row}",
            )
            for row, shape in zip(rows, ((), (3,)), strict=False)
        ),
        spell=Spelling(
            latex=latex,
            python=f"scipy.special.{name}({', '.join(f'{{{k}}}' for k in range(count + 1))})",
        ),
        build=function,
        cost=80.0,
        **more,
    )
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} Parameters are numbers."
    return op, function


hyp0f1: Callable[..., Expr]
hyp1f1: Callable[..., Expr]
hyperu: Callable[..., Expr]
hyp2f1: Callable[..., Expr]

HYP0F1, hyp0f1 = _family(
    "hyp0f1",
    "Confluent hypergeometric limit function 0F1(; b; x); arguments b, x.",
    lambda b, x: divide(hyp0f1(b + 1, x), b),
    ((1.5,), (0.7,)),
    -3.0,
    3.0,
    r"{{}}_0F_1\left(; {0}; {1}\right)",
)
HYP1F1, hyp1f1 = _family(
    "hyp1f1",
    "Kummer's confluent hypergeometric function 1F1(a; b; x); arguments a, b, x.",
    lambda a, b, x: times(divide(a, b), hyp1f1(a + 1, b + 1, x)),
    ((0.5, 1.5), (2.0, 3.5)),
    -3.0,
    3.0,
    r"{{}}_1F_1\left({0}; {1}; {2}\right)",
)
HYPERU, hyperu = _family(
    "hyperu",
    "Tricomi's confluent hypergeometric function U(a, b, x).",
    lambda a, b, x: scale(-1, times(a, hyperu(a + 1, b + 1, x))),
    ((0.5, 1.5), (2.0, 3.5)),
    0.5,
    4.0,
    r"U\left({0}, {1}, {2}\right)",
    domain=Domain(where=lambda a, b, x: (gt(x, ZERO),), poles="x = 0"),
)
HYP2F1, hyp2f1 = _family(
    "hyp2f1",
    "Gauss's hypergeometric function 2F1(a, b; c; x); arguments a, b, c, x.",
    lambda a, b, c, x: times(divide(times(a, b), c), hyp2f1(a + 1, b + 1, c + 1, x)),
    ((0.5, 1.3, 2.2), (2.0, 0.7, 3.5)),
    -0.9,
    0.9,
    r"{{}}_2F_1\left({0}, {1}; {2}; {3}\right)",
    domain=Domain(where=lambda a, b, c, x: (lt(x, ONE),), poles="x = 1"),
)
