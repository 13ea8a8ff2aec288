"""Emitted programs against the reference evaluator, which is the judge."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.emit.python import callable_of, compile_source, source
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ir.walk import leaves
from wengert.run.reference import evaluate_nodes

__all__ = ["assert_emitted", "inputs_of", "same"]


def inputs_of(outputs: Sequence[Expr]) -> tuple[Expr, ...]:
    """The symbols of some outputs, by name."""
    found = [n for n in leaves(outputs) if n.op.free]
    return tuple(sorted(found, key=lambda n: str(n.attr.name)))


def same(
    found: Any,
    expected: Any,
    type_: Type,
    label: str = "",
    rtol: float = 1e-12,
    atol: float | None = None,
) -> None:
    """Fail unless two values agree to rounding, infinities and NaN included, and are of one shape."""
    assert np.shape(found) == np.shape(expected), f"{label}: {np.shape(found)}"
    single = type_.dtype in ("float32", "complex64")
    tolerance = 1e-5 if single else rtol
    # Sums are taken in another order: where terms cancel, their size counts.
    scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))
    np.testing.assert_allclose(
        found,
        expected,
        rtol=tolerance,
        atol=tolerance * (min(float(scale), 1.0) if atol is None else atol),
        err_msg=label,
    )
    if type_.shape and not type_.weak:
        assert np.asarray(found).dtype == type_.dtype, f"{label}: {np.asarray(found).dtype}"


def _argument(value: Any, node: Expr) -> Any:
    """A copy of a value as programs are given it: Python's numbers, NumPy's arrays."""
    array = np.array(value)
    plain = not node.ndim and node.value_type.dtype in ("bool", "int64", "float64", "complex128")
    return array.item() if plain else array[()]


def assert_emitted(
    outputs: Sequence[Expr],
    values: Mapping[str, Any],
    inputs: Sequence[Expr] | None = None,
    label: str = "",
    rtol: float = 1e-12,
    atol: float | None = None,
) -> str:
    """Fail unless the emitted program gives what the reference gives; its source."""
    given = tuple(inputs) if inputs is not None else inputs_of(outputs)
    function = Function(given, tuple(outputs))
    text = source(function)
    arguments = [_argument(values[i.attr.name], i) for i in given]
    before = [np.array(a) for a in arguments]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compile_source(text)(*arguments)
    found = found if isinstance(found, tuple) else (found,)
    for argument, kept in zip(arguments, before, strict=True):
        np.testing.assert_array_equal(argument, kept, err_msg=f"{label}: an input was changed")
    expected = evaluate_nodes(list(outputs), values)
    for got, want, node in zip(found, expected, outputs, strict=True):
        same(got, want, node.value_type, f"{label}\n{text}", rtol, atol)
    assert callable_of(function)(*arguments) is not None
    return text
