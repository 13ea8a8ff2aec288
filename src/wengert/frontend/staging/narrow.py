"""Arrays of dtypes that the graph does not have: uint8 images, int16 samples, float16.

They stay NumPy's own as long as the program only combines them with what is known, so that they wrap around
as NumPy has it. Beside run-time values they are converted to the dtype of NumPy's result, where the graph
has that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from wengert.frontend.staging.context import refuse
from wengert.frontend.staging.handles import is_number, type_of
from wengert.ir.types import DTYPES

__all__ = ["is_narrow", "read_only", "widened"]

# Any: operands are whatever the program has.
_COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
_WEAK: dict[str, Any] = {"bool": False, "int64": 0, "float64": 0.0, "complex128": 0j}


def is_narrow(value: Any) -> bool:
    """Whether a value is a NumPy number or array of a dtype that the graph does not have."""
    return (
        isinstance(value, (np.ndarray, np.generic))
        and value.dtype.kind in "iuf"
        and value.dtype.name not in DTYPES
    )


def read_only(value: np.ndarray) -> np.ndarray:
    """The caller's array, safe from the program."""
    found = value.view()
    found.flags.writeable = False
    return found


def widened(function: Any, operands: Sequence[Any]) -> tuple[Any, ...]:
    """Operands of a function with such arrays converted.

    Raises:
        CaptureError: NumPy's result has a dtype that the graph does not have.
    """
    if not any(map(is_narrow, operands)):
        return tuple(operands)
    result = np.result_type(*_kinds(operands))
    kinds = [np.result_type(kind).kind for kind in _kinds(operands)]
    if function in _COMPARISONS and all(kind in "biu" for kind in kinds):
        result = np.dtype(np.int64)  # NumPy compares integers of all types by value
        if not all(map(_is_int64, filter(is_narrow, operands))):
            refuse("compares run-time integers with uint64 beyond 2**63; convert them first")
    if result.name not in DTYPES:
        dtypes = " and ".join(dict.fromkeys(str(v.dtype) for v in operands if is_narrow(v)))
        refuse(
            f"computes with {dtypes} beside run-time values, where NumPy's result would be {result}; "
            "convert it first, as in a.astype(float)"
        )
    whole = np.dtype(np.int64)  # places must be whole numbers
    same = np.result_type(*_kinds(operands, whole)) == result
    return tuple(
        v.astype(whole if same and _is_int64(v) else result) if is_narrow(v) else v
        for v in operands
    )


def _is_int64(value: Any) -> bool:
    """Whether such a value is one of integers that int64 holds."""
    if value.dtype.kind == "f":
        return False
    most = np.iinfo(np.int64).max
    return value.dtype != np.uint64 or not value.size or int(value.max()) <= most


def _kinds(operands: Iterable[Any], instead: np.dtype[Any] | None = None) -> Iterable[Any]:
    """What NumPy makes the dtype of the result of: dtypes, and Python numbers for themselves."""
    for value in operands:
        if is_narrow(value):
            yield value.dtype if instead is None or value.dtype.kind == "f" else instead
        elif is_number(value):
            type_ = type_of(value)
            yield _WEAK[type_.dtype] if type_.weak else np.dtype(type_.dtype)
