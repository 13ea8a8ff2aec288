"""Loads the tables of functions that a captured program may call.

A table is a module of this room whose name starts with ``numpy_``, ``scipy_`` or ``python_``, or ends with
``_table``; importing it registers its entries. None is imported with the package: SciPy loads slowly.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import wengert.frontend

__all__ = ["load_tables", "table_modules"]

_PREFIXES = ("numpy_", "scipy_", "python_")


def table_modules() -> list[str]:
    """The names of all modules with entries, in order."""
    found = iter_modules(wengert.frontend.__path__, "wengert.frontend.")
    names = [m.name for m in found]
    return sorted(
        n for n in names if n.rpartition(".")[2].startswith(_PREFIXES) or n.endswith("_table")
    )


@cache
def load_tables() -> None:
    """Import every table, once.

    >>> from wengert.frontend.table import entry_of
    >>> import numpy as np
    >>> load_tables()
    >>> entry_of(np.sin).title
    'numpy.sin'
    """
    for name in table_modules():
        import_module(name)
