"""Errors of formulas: what was expected, under the column where it was."""

from __future__ import annotations

from functools import cache

from wengert.errors import FormulaError, ShapeError, TypeMismatchError, WengertError

__all__ = ["FormulaShapeError", "FormulaTypeError", "Mistake"]


class FormulaShapeError(FormulaError, ShapeError):
    """Shapes that do not fit together in a formula; points at the operator."""


class FormulaTypeError(FormulaError, TypeMismatchError):
    """An argument of the wrong kind in a formula; points at the operator or function."""


class Mistake(Exception):  # noqa: N818  it never leaves the room
    """What is wrong, and at which character of the text (from 0); ``parse`` puts both together.

    ``what`` is a message, or the error that an operator raised.
    """

    def __init__(self, what: str | Exception, position: int) -> None:
        super().__init__(str(what))
        self.what, self.position = what, position

    def located(self, text: str) -> FormulaError:
        """The error to raise: it points into the text, and is of the class it had before."""
        kind = FormulaError if isinstance(self.what, str) else _class_for(type(self.what).__mro__)
        return kind(str(self.what), text, self.position + 1)


@cache
def _class_for(ancestry: tuple[type, ...]) -> type[FormulaError]:
    kind = ancestry[0]
    if issubclass(kind, FormulaError):
        return kind
    if issubclass(kind, ShapeError):
        return FormulaShapeError
    if issubclass(kind, TypeMismatchError):
        return FormulaTypeError
    if issubclass(kind, WengertError):
        return type(f"Formula{kind.__name__}", (FormulaError, kind), {"__doc__": kind.__doc__})
    return FormulaError
