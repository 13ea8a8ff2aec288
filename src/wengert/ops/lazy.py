"""Functions of SciPy that load it when first called: importing it would cost more than all of wengert."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["scipy_function"]


def scipy_function(path: str) -> Callable[..., Any]:
    """``scipy_function("special.xlogy")`` is ``scipy.special.xlogy``, loaded when called."""
    module, _, name = path.rpartition(".")
    loaded: list[Callable[..., Any]] = []

    def call(*args: Any, **options: Any) -> Any:
        if not loaded:
            loaded.append(getattr(import_module(f"scipy.{module}"), name))
        # SciPy 1.18 computes with truth values in single precision.
        exact = [
            np.asarray(a, np.float64) if getattr(a, "dtype", None) == np.bool_ else a for a in args
        ]
        return loaded[0](*exact, **options)

    call.__name__, call.__module__ = name, f"scipy.{module}"  # how printers name it
    return call
