"""Matrix notation: an Einstein product as the operators that a person would write for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ops.einstein import ein
from wengert.ops.leaves import Number
from wengert.ops.sums import scale
from wengert.rewrite.session import Axes, Exponent, Session
from wengert.rewrite.writing import Base, written_power

__all__ = ["Written", "tensor"]

Written: TypeAlias = "tuple[Base, Axes, Exponent]"


def tensor(
    s: Session, powers: Sequence[Written], out: Axes, extents: Mapping[int, Extent], c: Number
) -> Expr:
    """A product with axes."""
    return scale(c, ein([(written_power(b.text, e), a) for b, a, e in powers], out, extents))
