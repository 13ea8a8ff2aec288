"""Derivatives of a program against each other and against differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.diff.check_grad import Report, check_derivatives
from wengert.errors import VerificationError, worded
from wengert.frontend.trees import flatten
from wengert.programs.arguments import call_name
from wengert.programs.recording import Program
from wengert.programs.transforms import jit

__all__ = ["check_grad"]

# Any, throughout: arguments and results are whatever the user has.


def check_grad(function: Program, *args: Any, order: int = 2, seed: int = 0) -> Report:
    """Check all derivatives of a function at a point, to ``order`` 1 or 2, by all arguments that are floats.

    The captured function gives what the function gives; then forward mode, reverse mode and formulas are
    compared with each other to rounding, and with differences to the error that these state.

    Raises:
        VerificationError: two of them differ; the message names the output, the input and the error.
        TypeMismatchError: nothing varies.

    >>> import wengert as wg
    >>> report = wg.check_grad(lambda x, y: x**3 * y, 2.0, 3.0)
    >>> report.worst < 1e-12
    True
    >>> wg.check_grad(lambda x: x * wg.stop_gradient(x), 2.0)
    Traceback (most recent call last):
        ...
    wengert.errors.VerificationError: ...
    """
    captured = jit(function)
    expected, got = (_leaves(f(*_copies(args))) for f in (function, captured))
    for number, (want, have) in enumerate(zip(expected, got, strict=True)):
        if not np.allclose(have, want, rtol=1e-5, atol=1e-8, equal_nan=True):
            raise VerificationError(
                worded(
                    f"value of `{call_name(function)}`, output {number}",
                    expected=f"{want!r}, as of the function itself",
                    got=f"{have!r} of the captured function",
                    hint="report the function",
                )
            )
    graph = captured.graph(*args)
    inputs = captured.captured(*args).values(args, {})
    return check_derivatives(graph, inputs, order, seed=seed)


def _copies(args: Any) -> Any:
    """The arguments with copies of arrays, which the function may change."""
    leaves, tree = flatten(args)
    return tree.unflatten([v.copy() if isinstance(v, np.ndarray) else v for v in leaves])


def _leaves(result: Any) -> list[Any]:
    return [
        leaf
        for leaf in flatten(result)[0]
        if isinstance(leaf, (bool, int, float, complex, np.generic, np.ndarray))
    ]
