"""Python's own numbers: taking them out of NumPy's, rounding to decimals, exact sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import TypeMismatchError, worded
from wengert.ir.facts import FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Linear, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import DType, Type, is_complex, is_inexact
from wengert.ops.algebra import lift
from wengert.ops.einstein import broadcast_to
from wengert.ops.exact import decimals_in_loops, exact_sum_in_loops
from wengert.ops.layout import cast, expand_dims
from wengert.ops.leaves import CONSTANT, const, machine_number
from wengert.ops.reductions import sum_

__all__ = ["exact_sum", "python_number", "round_decimals"]

_KINDS: dict[DType, type] = {"bool": bool, "int64": int, "float64": float, "complex128": complex}
_ELEMENTS = FINITE | INTEGER | NONNEGATIVE | NONPOSITIVE | NONZERO


# --- Python numbers ------------------------------------------------------------------------------------
def python_number(x: Any, dtype: DType) -> Expr:
    """A number as the Python ``bool``, ``int``, ``float`` or ``complex`` of this dtype.

    Floats lose their fraction on the way to ``int``; for ``bool`` the number is compared with 0.

    Raises:
        TypeMismatchError: an array, or a complex number for a real one.

    >>> print(python_number(np.float32(0.5), "float64").type)
    weak float64
    """
    node = lift(x)
    type_ = node.value_type
    if type_.weak and type_.dtype == dtype and not type_.shape:
        return node
    if node.op is CONSTANT and not type_.shape:
        value = machine_number(node.attr)
        value = value.item() if isinstance(value, np.generic) else value
        fits = not isinstance(value, complex) and (dtype != "int64" or math.isfinite(value))
        if fits or dtype == "complex128":
            return const(_KINDS[dtype](value))
    return make(PYTHON_INTEGER if dtype in ("bool", "int64") else PYTHON_NUMBER, (node,), dtype)


def _python_type(x: Type, *, attr: DType) -> Type:
    if x.shape or attr not in _KINDS or (is_complex(x) and attr in ("int64", "float64")):
        raise TypeMismatchError(
            worded(f"{_KINDS.get(attr, float).__name__}()", expected="a real number", got=str(x))
        )
    return Type(attr, (), True)


def _python_value(x: Any, *, attr: DType) -> Any:
    return np.asarray(x).astype(attr)[()]


def _in_numpy(node: Expr) -> str:
    return f"{_KINDS[node.attr].__name__}({{0}})"


_DESCRIBED = Spelling(notation="hidden", numpy=_in_numpy)
_UNSAID = {"text": "a formula does not tell Python's numbers from others"}


def _element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    number: Expr = ask.part(0, ())
    return ask.typed(number, node.value_type)  # type: ignore[no-any-return]  # a number


PYTHON_NUMBER: Op = register(
    Op(
        name="python_number",
        doc="The same number as a Python float or complex.",
        result=_python_type,
        evaluate=_python_value,
        element=_element,
        diff=Linear(
            lambda ct, slot, x, *, attr: (
                cast(ct, x.value_type.dtype) if is_inexact(x.value_type) else ct
            ),
            elementwise=True,
        ),
        spell=_DESCRIBED,
        laws=Laws(facts=lambda x, *, attr: x & _ELEMENTS if attr == "float64" else 0),
        build=lambda x, *, attr: python_number(x, attr),
        exempt=_UNSAID,
        cost=0.0,
        samples=(
            Sample((Argument(),), "float64"),
            Sample((Argument(dtype="float32"),), "float64", note="from single"),
            Sample((Argument(dtype="int64", draw="integers"),), "float64", note="from an integer"),
            Sample((Argument(dtype="complex128"),), "complex128", note="complex"),
        ),
    )
)

PYTHON_INTEGER: Op = register(
    Op(
        name="python_integer",
        doc="The integer part of a number as a Python int, or whether it is not 0 as a bool.",
        result=_python_type,
        evaluate=_python_value,
        element=_element,
        diff=NoDerivative("constant between its jumps", zero=True),
        spell=_DESCRIBED,
        laws=Laws(
            facts=lambda x, *, attr: (
                INTEGER | FINITE | (x & (NONNEGATIVE | NONPOSITIVE)) if attr == "int64" else 0
            )
        ),
        build=lambda x, *, attr: python_number(x, attr),
        exempt=_UNSAID,
        samples=(
            Sample((Argument(low=0.2, high=0.8),), "int64"),
            Sample((Argument(low=0.2, high=0.8),), "bool", note="truth"),
        ),
    )
)


# --- rounding to decimals ------------------------------------------------------------------------------
def round_decimals(x: Any, digits: int) -> Expr:
    """A number rounded to decimals as Python's ``round`` does, exactly: by its shortest decimal form.

    NumPy's ``round`` multiplies by a power of ten, and so rounds 2.675 up to 2.68.
    """
    return make(ROUND_DECIMALS, (lift(x),), digits)


def _decimals_type(x: Type, *, attr: int) -> Type:
    if x.shape or is_complex(x) or not is_inexact(x):
        raise TypeMismatchError(worded("round()", expected="a real number", got=str(x)))
    return x


ROUND_DECIMALS: Op = register(
    Op(
        name="round_decimals",
        doc="The number rounded to decimals as Python's round does.",
        result=_decimals_type,
        evaluate=lambda x, *, attr: np.asarray(x).dtype.type(round(float(x), attr)),
        loops=decimals_in_loops,
        diff=NoDerivative("constant between its jumps", zero=True),
        spell=Spelling(numpy=lambda node: f"round(float({{0}}), {node.attr})"),
        exempt={"text": "only Python's own numbers are rounded so"},
        cost=20.0,
        samples=(Sample((Argument(low=0.51, high=0.59),), 1),),
    )
)


# --- exact sums ----------------------------------------------------------------------------------------
def exact_sum(x: Any) -> Expr:
    """``math.fsum`` of a vector: the sum rounded once; NaN where ``fsum`` raises an error.

    >>> exact_sum([1e16, 1.0, -1e16]).evaluate()
    1.0
    """
    return make(EXACT_SUM, (lift(x),))


def _sum_type(x: Type) -> Type:
    if len(x.shape) != 1 or is_complex(x):
        raise TypeMismatchError(worded("fsum", expected="real numbers in one axis", got=str(x)))
    return Type("float64", (), True)


def _sum_value(x: Any) -> Any:
    try:
        return np.float64(math.fsum(x))
    except (OverflowError, ValueError):
        return np.float64(np.nan)


def _spread(ct: Expr, slot: int, x: Expr) -> Expr:
    return broadcast_to(expand_dims(ct, ct.ndim), (*ct.shape, *x.shape))


def _summed(tangents: Sequence[Expr | None], args: Sequence[Expr]) -> Expr:
    assert tangents[0] is not None
    return sum_(tangents[0], axis=-1)


EXACT_SUM: Op = register(
    Op(
        name="exact_sum",
        doc="The sum of real numbers, rounded once.",
        result=_sum_type,
        evaluate=_sum_value,
        loops=exact_sum_in_loops,
        diff=Linear(_spread, joint=_summed, batched=True),
        spell=Spelling(python="math.fsum({0})"),
        cost=10.0,
        samples=(Sample((Argument((4,)),)), Sample((Argument((3,), dtype="float32"),))),
        exempt={"text": "Python's own sum, which formulas do not have"},
    )
)
