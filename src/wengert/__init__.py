"""wengert: derivatives as formulas, as programs and as numbers, from one expression graph."""

from __future__ import annotations

from wengert.ops.leaves import symbol
from wengert.ops.subscripts import update

__version__ = "0.1.0"
__all__ = ["symbol", "update"]
