"""What records of special functions share: a short way to write them, and functions with parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from wengert.errors import NoDerivativeError, worded
from wengert.ir.node import Expr, make
from wengert.ir.op import Op, Partial, Pointwise, Scaled, register
from wengert.ir.types import AnyType, Type
from wengert.ops.algebra import broadcast_together, lift
from wengert.ops.apply import applied
from wengert.ops.leaves import CONSTANT
from wengert.ops.shapes import real_shape

__all__ = ["in_precision", "not_in", "parametric", "parametric_op", "scalar_function"]


def scalar_function(
    name: str,
    doc: str,
    evaluate: Callable[..., Any],
    *partials: Partial | Scaled,
    result: Callable[..., AnyType] = real_shape,
    **fields: Any,  # Any: further fields of the record
) -> Callable[..., Expr]:
    """Register an elementwise op with these partials, and give the function that applies it."""
    return applied(
        register(
            Op(
                name=name,
                doc=doc,
                result=result,
                evaluate=evaluate,
                diff=Pointwise(*partials),
                elementwise=True,
                arity=len(partials),
                **fields,
            )
        )
    )


def in_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its value in the precision of its arguments, where SciPy only knows doubles."""

    def call(*args: Any) -> Any:
        value = function(*args)
        dtype = np.result_type(*args)
        return np.asarray(value).astype(dtype)[()] if dtype.kind in "fc" else value

    return call


# --- functions with parameters ---------------------------------------------------------------------------
def not_in(what: str, name: str) -> Partial:
    """The partial in a parameter that has no formula: asking for it is an error that says so."""

    def refuse(*args: Expr) -> NoReturn:
        raise NoDerivativeError(
            worded(
                f"derivative of `{name}` in {what}",
                expected=f"{what} that does not vary",
                got=f"one that depends on a variable: `{name}` has no derivative in it by a formula",
                hint="make it a constant, or use wg.numeric.derivative",
            )
        )

    return refuse


def _parametric_type(*types: Type) -> Type:
    # A constant parameter stays a scalar beside an array, as the exponent of a power does.
    shape = types[-1].shape
    return real_shape(*(t if t.shape else t.with_shape(shape) for t in types))


def parametric_op(
    name: str,
    doc: str,
    evaluate: Callable[..., Any],
    *partials: Partial | Scaled,
    **fields: Any,  # Any: further fields of the record
) -> Op:
    """Register a function of parameters (an order, a shape) and, in the last place, its argument."""
    return register(
        Op(
            name=name,
            doc=doc,
            result=_parametric_type,
            evaluate=evaluate,
            diff=Pointwise(*partials, why="parameters have no derivative by a formula"),
            elementwise=True,
            arity=len(partials),
            **fields,
        )
    )


def parametric(op: Op, *args: Any) -> Expr:
    """The op applied: numbers as parameters stay numbers, all else is broadcast together."""
    nodes = [lift(a) for a in args]
    varying = [n for n in nodes[:-1] if n.op is not CONSTANT or n.ndim]
    stretched = iter(broadcast_together(*varying, nodes[-1]))
    kept = [n if n.op is CONSTANT and not n.ndim else next(stretched) for n in nodes[:-1]]
    return make(op, (*kept, next(stretched)))
