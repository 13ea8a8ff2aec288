"""Every error that wengert raises on purpose, and the one helper that words them.

::

    WengertError
    ├── FormulaError        a formula text that cannot be read (has .text and .column)
    ├── UnknownNameError    a name that is no symbol, function or op
    ├── ShapeError          shapes that do not fit together
    ├── TypeMismatchError   a dtype or kind of argument that does not fit
    ├── NoDerivativeError   a derivative asked of an op that has none
    ├── DomainError         a value outside the domain of what was asked
    ├── DegenerateError     a derivative that does not exist at these numbers
    ├── EvaluationError     missing or misfitting values at evaluation
    ├── NumericError        numerical differentiation could not give a trustworthy answer
    ├── VerificationError   a result that failed its own check at random points
    ├── CaptureError        a Python program that cannot be captured (has .filename and .lineno)
    ├── CapacityError       a list longer than there is room for: the program is run again with more
    ├── NativeError         machine code could not be made here; the Python source runs instead
    ├── SourceError         a program that cannot be written in the language that was asked for
    └── GraphError          a malformed graph (a bug in whoever built it)

Each message says what was expected, what came, where, and one thing to try.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "CapacityError",
    "CaptureError",
    "DegenerateError",
    "DomainError",
    "EvaluationError",
    "FormulaError",
    "GraphError",
    "NativeError",
    "NativeWarning",
    "NoDerivativeError",
    "NumericError",
    "ShapeError",
    "SourceError",
    "TypeMismatchError",
    "UnknownNameError",
    "UnusedInputWarning",
    "VerificationError",
    "WengertError",
    "nearest",
    "warn",
    "worded",
]


class WengertError(Exception):
    """Base of all errors raised by wengert on purpose."""


class FormulaError(WengertError, ValueError):
    """A formula text that cannot be read; shows the text with a caret under the column.

    ``column`` counts from 1, as editors do; ``None`` when the error has no single place.
    """

    def __init__(self, message: str, text: str = "", column: int | None = None) -> None:
        self.text, self.column, self.reason = text, column, message
        if column is not None and text:
            line, caret = _window(text, column)
            message = f"{message}\n  {line}\n  {' ' * caret}^ column {column}"
        super().__init__(message)


def _window(text: str, column: int, *, most: int = 100) -> tuple[str, int]:
    """The part of a text around a column that fits on a line, and where the column is in it."""
    line = "".join(" " if c.isspace() else c for c in text)
    if len(line) <= most:
        return line, column - 1
    start = max(0, min(column - 1 - most // 2, len(line) - most))
    end = start + most
    before, after = "..." if start else "", "..." if end < len(line) else ""
    return before + line[start:end] + after, len(before) + column - 1 - start


class UnknownNameError(FormulaError, LookupError):
    """A name that is no symbol, function or op; the message suggests the nearest one."""


class ShapeError(WengertError, ValueError):
    """Shapes that do not fit together."""


class TypeMismatchError(WengertError, TypeError):
    """A dtype or a kind of argument that does not fit."""


class NoDerivativeError(WengertError, TypeError):
    """A derivative was asked of an op that declares none; the message quotes its reason."""


class DomainError(WengertError, ValueError):
    """A value outside the domain of what was asked."""


class DegenerateError(WengertError, ArithmeticError):
    """A derivative that does not exist at these numbers: of an eigenvector where eigenvalues are equal."""


class EvaluationError(WengertError, ValueError):
    """Values that are missing or do not fit at evaluation."""


class NumericError(WengertError, ArithmeticError):
    """Numerical differentiation could not give a trustworthy answer."""


class VerificationError(WengertError, AssertionError):
    """A result that failed its own check at random points."""


class CaptureError(WengertError, TypeError):
    """A program that cannot be captured; ``filename`` and ``lineno`` are the user's."""

    filename: str = ""
    lineno: int = 0


class CapacityError(WengertError, BufferError):
    """A list of a captured program became longer than there is room for; whoever runs it makes more room."""


class NativeError(WengertError, RuntimeError):
    """Machine code could not be made here; whoever asked runs the Python source instead."""


class NativeWarning(UserWarning):
    """A program runs as NumPy source because machine code for it cannot be made."""


class UnusedInputWarning(UserWarning):
    """An input by which a derivative was taken does not matter, so its derivative is zero."""


class SourceError(WengertError, NotImplementedError):
    """A program that cannot be written in the language that was asked for; it names what is missing."""


class GraphError(WengertError, ValueError):
    """A malformed graph: a bug in the code that built it."""


def worded(
    subject: str, *, expected: str = "", got: str = "", where: str = "", hint: str = ""
) -> str:
    """One error message in the house form: ``subject: expected ..., got ... (where); try ...``.

    >>> worded("matmul", expected="equal inner lengths", got="(2, 3) @ (4, 3)", hint="transpose one side")
    'matmul: expected equal inner lengths, got (2, 3) @ (4, 3); try: transpose one side'
    """
    parts = [f"expected {expected}"] if expected else []
    if got:
        parts.append(f"got {got}")
    text = f"{subject}: {', '.join(parts)}" if parts else subject
    if where:
        text += f" ({where})"
    return f"{text}; try: {hint}" if hint else text


def warn(message: str, category: type[Warning]) -> None:
    """Warn about the line outside of this package from which it was called."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


_PACKAGE = os.path.dirname(__file__) + os.sep


def nearest(name: str, known: Iterable[str], *, most: int = 3) -> str:
    """``"did you mean `sinh`?"`` for the known names closest to ``name``; empty when none is close."""
    close = get_close_matches(name, sorted(set(known)), n=most, cutoff=0.6)
    if not close:
        folded = {k.lower(): k for k in known}
        close = [folded[name.lower()]] if name.lower() in folded else []
    return f"did you mean {' or '.join(f'`{c}`' for c in close)}?" if close else ""
