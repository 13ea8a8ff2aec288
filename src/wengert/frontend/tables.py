"""Loads the tables of functions that a captured program may call.

A table is a module of this room whose name starts with ``numpy_``, ``scipy_`` or ``python_``, or ends with
``_table``; importing it registers its entries. None is imported with the package: SciPy loads slowly.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import wengert.frontend

__all__ = ["load_tables", "table_modules"]

_PREFIXES = ("numpy_", "scipy_", "python_")


@cache
def table_modules() -> tuple[str, ...]:
    """The names of all modules with entries, in order."""
    found = iter_modules(wengert.frontend.__path__, "wengert.frontend.")
    names = [m.name for m in found]
    return tuple(
        sorted(
            n for n in names if n.rpartition(".")[2].startswith(_PREFIXES) or n.endswith("_table")
        )
    )


# Tables for parts of SciPy: whoever calls its functions has imported it.
_PARTS = {
    "scipy_fft": "scipy.fft",
    "scipy_linalg": "scipy.linalg",
    "scipy_matrices": "scipy.linalg",
    "scipy_signal": "scipy.signal",
    "scipy_special": "scipy.special",
}
_loaded: set[str] = set()


def load_tables(*, every: bool = False) -> None:
    """Import the tables that are not loaded yet; those for parts of SciPy only once the part is in use.

    >>> from wengert.frontend.table import entry_of
    >>> import numpy as np
    >>> load_tables()
    >>> entry_of(np.sin).title
    'numpy.sin'
    """
    for name in table_modules():
        part = _PARTS.get(name.rpartition(".")[2])
        if name not in _loaded and (every or part is None or part in sys.modules):
            import_module(name)
            _loaded.add(name)
