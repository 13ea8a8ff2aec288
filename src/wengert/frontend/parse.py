"""Reading formulas: text in, expression out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeAlias

from wengert.errors import FormulaError, UnknownNameError, nearest, worded
from wengert.frontend.actions import Actions, Reading
from wengert.frontend.bindings import read_with_bindings
from wengert.frontend.declare import Assumed, Declared, declared
from wengert.frontend.matlab import MatlabActions
from wengert.frontend.mistakes import Mistake
from wengert.frontend.python import PythonActions
from wengert.frontend.tokens import TokenPass
from wengert.ir.node import Expr, paused_gc
from wengert.ir.walk import leaves
from wengert.ops.leaves import SYMBOL

__all__ = ["Dialect", "parse"]

Dialect: TypeAlias = Literal["python", "matlab"]
_LONG = (
    1000  # characters; beyond this the cyclic collector would walk a growing graph again and again
)


def parse(
    text: str,
    /,
    *,
    dialect: str = "python",
    assume: Mapping[str, Assumed] | None = None,
    **shapes: Declared,
) -> Expr:
    """The expression that a formula denotes.

    Names stand for float64 scalars unless declared: ``shapes`` gives an extent (``x="n"``, ``x=3``), a
    tuple of extents (``A=("m", "n")``; ``()`` for a scalar) or an expression; ``assume`` gives assumptions
    by name (``{"x": "positive", "S": ("symmetric", "pd")}``). ``dialect="matlab"`` reads formulas as
    MATLAB and matrixcalculus.org do. docs/reference/formula-language.md describes the language.

    Raises:
        FormulaError: the text cannot be read; ``column`` says where. It is a ShapeError or TypeMismatchError
            as well where operands do not fit, and an UnknownNameError where a name is unknown.

    >>> parse("2x^2 + sin(y)/3").evaluate(x=3.0, y=0.0)
    18.0
    >>> parse("norm(A @ x - b)^2", A=("m", "n"), x="n", b="m").shape
    ()
    """
    if not isinstance(text, str):
        raise FormulaError(worded("formula", expected="a text", got=type(text).__name__))
    lark, actions = _reader(dialect)
    reading = Reading(declared(shapes, assume), actions.constants)
    actions.now.reading = reading
    try:
        if len(text) > _LONG:
            with paused_gc():
                result = read_with_bindings(text, reading, lambda piece: _read(lark, piece))
        else:
            result = read_with_bindings(text, reading, lambda piece: _read(lark, piece))
        _check_lengths(result, reading)
    except Mistake as mistake:
        raise mistake.located(text) from mistake.__cause__
    finally:
        del actions.now.reading
    _check_use(text, reading)
    return result


@cache
def _reader(
    dialect: str,
) -> tuple[Any, Actions]:  # Any: lark's parser; it loads with the first formula
    if dialect not in ("python", "matlab"):
        raise FormulaError(worded("dialect", expected="'python' or 'matlab'", got=repr(dialect)))
    from importlib.resources import files

    from lark import Lark

    actions = MatlabActions() if dialect == "matlab" else PythonActions()
    grammar = files("wengert.frontend").joinpath(f"{dialect}.lark").read_text(encoding="utf-8")
    lark = Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        postlex=TokenPass(dialect=dialect),
        transformer=actions,
    )
    return lark, actions


def _read(lark: Any, text: str) -> Expr:
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    try:
        result: Expr = lark.parse(text)
    except UnexpectedCharacters as error:
        position: int = vars(error)["pos_in_stream"]  # lark annotates it as None
        raise Mistake(_unreadable(text, position), position) from None
    except UnexpectedToken as error:
        raise _unexpected(error, text) from None
    return result


_HINTS = {
    "!": "gamma(x + 1) for a factorial, != for unequal",
    "{": "round brackets",
    "}": "round brackets",
    "$": "the formula without $",
    "\\": "the formula in plain text, for example x/y, sqrt(x), alpha",
    "=": "== to compare",
    "'": "a closing quote for a text; x' transposes only right behind x",
    '"': "a closing quote",
    ";": "one formula at a time",
    ".": "* for a product, 0.5 for a number",
    "[": "ones(m, n), eye(n); arrays of numbers are read in the Python dialect",
    "?": "where(condition, a, b), or a if condition else b",
    "#": "a formula without a comment",
}


def _unreadable(text: str, position: int) -> str:
    sign = text[position]
    hint = _HINTS.get(sign, "")
    return f"`{sign}` is no sign of a formula" + (f"; try: {hint}" if hint else "")


def _unexpected(error: Any, text: str) -> Mistake:
    """What the grammar itself refuses: little is left after the token pass."""
    token = error.token
    if token.type == "$END":
        if not text.strip():
            return Mistake("the formula is empty; try: x^2", 0)
        if "_ELSE" in error.accepts:
            return Mistake("`if` has no `else`; try: a if condition else b", text.rindex("if"))
        return Mistake("the formula ends too early", len(text.rstrip()) - 1)
    if token.type == "_IF":
        return Mistake("a second `if`; try: brackets around the first choice", token.start_pos)
    if token.type == "_ELSE":
        return Mistake("`else` without `if`; try: a if condition else b", token.start_pos)
    if token.type == "NOT":
        return Mistake("`not` needs brackets here; try: (not x)", token.start_pos)
    return Mistake(f"`{token}` does not fit here", token.start_pos)


def _check_lengths(result: Expr, reading: Reading) -> None:
    """A name is a size or a scalar, not both."""
    if not reading.lengths:
        return
    for leaf in leaves([result]):
        if leaf.op is SYMBOL and leaf.attr.name in reading.lengths:
            name = leaf.attr.name
            raise Mistake(
                f"`{name}` is a size here, and a number elsewhere; "
                f"try: another name, or declare an array that has the axis: parse(..., x=({name!r},))",
                reading.lengths[name],
            )


def _check_use(text: str, reading: Reading) -> None:
    """A declared name may be absent (one set of declarations serves many formulas), but not misspelled."""
    others = sorted(reading.new)
    for name in reading.declared:
        if name not in reading.used and nearest(name, others):
            raise UnknownNameError(
                worded(
                    f"`{name}` is declared",
                    expected="it to occur in the formula",
                    got=f"only {', '.join(sorted({*others, *reading.used})) or 'numbers'}",
                    hint=nearest(name, others),
                ),
                text,
            )
