"""Parts of a product while it is being written: what comes first in them, and how the rest is put to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from wengert.ir.node import Expr
from wengert.ops.arithmetic import divide
from wengert.ops.leaves import const
from wengert.ops.powers import power
from wengert.rewrite.session import Session
from wengert.rewrite.views import Exponent
from wengert.rewrite.writing import Base, above_below, chain

__all__ = ["Group", "Make", "Piece", "as_is"]

Make: TypeAlias = Callable[[Expr], Expr]


class Piece:
    """A part that begins with ``head``: ``make(head)`` writes it, so that a coefficient may go in front."""

    __slots__ = ("_whole", "head", "make")

    def __init__(self, head: Expr, make: Make) -> None:
        self.head, self.make = head, make
        self._whole = head if make is as_is else None

    @property
    def whole(self) -> Expr:
        """The part without a coefficient."""
        if self._whole is None:
            self._whole = self.make(self.head)
        return self._whole


def as_is(head: Expr) -> Expr:
    """Nothing is put to the head."""
    return head


class Group:
    """What multiplies element by element, on one axis or between one pair of axes."""

    __slots__ = ("above", "below", "powers")

    def __init__(self, above: list[Piece] | None = None, below: list[Expr] | None = None) -> None:
        self.powers: list[tuple[Base, Exponent]] = []
        self.above = above or []
        self.below = below or []

    def write(self, s: Session) -> None:
        """Numerators and denominators from the powers."""
        above, self.below, _ = above_below(s, self.powers, 1)
        self.above = [Piece(a, as_is) for a in above]

    def multiply(self, piece: Piece) -> None:
        """One more factor; the same one twice is a square."""
        self.powers = []  # they are no longer all there is
        whole = piece.whole
        for i, known in enumerate(self.above):
            if known.whole is whole:
                self.above[i] = Piece(power(whole, const(2)), as_is)
                return
        self.above.append(piece)

    def piece(self) -> Piece:
        """The product of the group, in the order of its factors."""
        below = self.below
        if not self.above:
            return Piece(const(1), lambda head: divide(head, chain(below)))
        first, rest = self.above[0], [p.whole for p in self.above[1:]]
        if not rest and not below:
            return first

        def make(head: Expr) -> Expr:
            top = chain([first.make(head), *rest])
            return divide(top, chain(below)) if below else top

        return Piece(first.head, make)
