"""Reading the command line: formulas and their declarations, points, symbols to differentiate by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from wengert.diff.formulas import free_symbols
from wengert.errors import TypeMismatchError, WengertError, worded
from wengert.frontend.parse import parse
from wengert.ir.greek import canonical
from wengert.ir.node import Expr

__all__ = [
    "AssumeOpt",
    "AtOpt",
    "ByArg",
    "Dialect",
    "DialectOpt",
    "FormulaArg",
    "JsonOpt",
    "LatexOpt",
    "OutputOpt",
    "ShapeOpt",
    "VerifyOpt",
    "declared",
    "demand_values",
    "formulas_apart",
    "orders",
    "point_of",
    "with_ranks",
]


class Dialect(StrEnum):
    """How a formula is written."""

    python = "python"
    matlab = "matlab"


FormulaArg = Annotated[
    str, typer.Argument(metavar="FORMULA", help="The formula, such as 'x^2*sin(x)'.")
]
ByArg = Annotated[
    list[str] | None,
    typer.Argument(metavar="SYMBOL", help="What to differentiate by; x:3 is three times by x."),
]
ShapeOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--shape", "-s", metavar="NAME=SHAPE", help="Shape of a symbol: A=m,n or x=n or x=3."
    ),
]
AssumeOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--assume",
        "-a",
        metavar="NAME=FACTS",
        help="What is known of a symbol: x=positive or S=symmetric,pd.",
    ),
]
AtOpt = Annotated[
    list[str] | None,
    typer.Option(
        "--at", metavar="NAME=VALUE", help="Value of a symbol: x=1.2, x=pi/2 or v=[1,2,3]."
    ),
]
DialectOpt = Annotated[Dialect, typer.Option(help="How the formula is written.")]
LatexOpt = Annotated[bool, typer.Option("--latex", help="Print LaTeX.")]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OutputOpt = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
]
VerifyOpt = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify", help="Check at random points; by default where it takes no time."
    ),
]

# Options with a value that may be attached, as in `-sA=m,n`; `-sin(x)` is a formula, for it has no `=`.
_SHORT = ("-s", "-a", "-o")


def formulas_apart(arguments: Sequence[str]) -> list[str]:
    """The command line, with formulas that begin with a minus sign told from options.

    >>> formulas_apart(["diff", "-x^2", "x", "-s", "x=n", "--latex"])
    ['diff', ' -x^2', 'x', '-s', 'x=n', '--latex']
    """
    return [f" {a}" if _is_formula(a) else a for a in arguments]


def _is_formula(argument: str) -> bool:
    if len(argument) < 2 or argument[0] != "-" or argument in _SHORT:
        return False
    if argument[1] == "-":
        return len(argument) > 2 and not (argument[2].isalpha() or argument[2] == "-")
    return not (argument[:2] in _SHORT and "=" in argument)


def _pairs(items: Sequence[str] | None, what: str) -> Iterator[tuple[str, str]]:
    for item in items or ():
        name, sign, value = item.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise typer.BadParameter(f"expected NAME={what}, got {item!r}")
        yield canonical(name.strip()), value.strip()


def _single(items: Sequence[str] | None, what: str, option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _pairs(items, what):
        if name in found:
            raise typer.BadParameter(f"{option} {name}=... is given twice")
        found[name] = value
    return found


def declared(
    formula: str, shape: Sequence[str] | None, assume: Sequence[str] | None, dialect: Dialect
) -> Expr:
    """The formula, with the shapes and assumptions of its symbols."""
    shapes = {
        name: tuple(_extent(part) for part in value.strip("()").split(",") if part.strip())
        for name, value in _single(shape, "SHAPE", "--shape").items()
    }
    facts: dict[str, tuple[str, ...]] = {}
    for name, value in _pairs(assume, "FACTS"):
        facts[name] = (*facts.get(name, ()), *(part.strip() for part in value.split(",")))
    return parse(formula.strip(), dialect=dialect.value, assume=facts or None, **shapes)


def _extent(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else text


def point_of(at: Sequence[str] | None) -> dict[str, Any]:  # Any: numbers or arrays
    """The values of ``--at``, by name."""
    return {name: _value(name, text) for name, text in _single(at, "VALUE", "--at").items()}


def _value(name: str, text: str) -> Any:  # Any: a number or an array
    try:
        return np.asarray(json.loads(text), dtype=float)
    except (ValueError, TypeError, RecursionError):
        pass
    try:
        return np.asarray(parse(text).evaluate(), dtype=float)  # a constant, such as pi/2
    except (WengertError, ValueError, TypeError) as error:
        raise TypeMismatchError(
            worded(
                f"value of `{name}`",
                expected="a number, an array or a constant",
                got=text,
                hint=f"--at {name}=1.2, --at {name}=[1,2,3] or --at {name}=pi/2",
            )
        ) from error


def orders(names: Sequence[str] | None) -> list[str | tuple[str, int]]:
    """Symbols to differentiate by; ``x:3`` is three times by ``x``."""
    result: list[str | tuple[str, int]] = []
    for name in names or []:
        head, sign, times = name.partition(":")
        if sign and not (times.isascii() and times.isdigit() and int(times) > 0):
            raise typer.BadParameter(f"expected SYMBOL:ORDER with an order from 1, got {name!r}")
        result.append((head, int(times)) if sign else head)
    return result


def with_ranks(shape: Sequence[str] | None, point: dict[str, Any]) -> list[str]:
    """Arrays given as values declare their own shapes unless these are said."""
    said = {name for name, _ in _pairs(shape, "SHAPE")}
    given = [
        f"{name}={','.join(map(str, value.shape))}"
        for name, value in point.items()
        if value.ndim and name not in said
    ]
    return [*(shape or []), *given]


def demand_values(expr: Expr, point: dict[str, Any]) -> None:
    """Every symbol has a value.

    Raises:
        TypeMismatchError: names those that have none.
    """
    missing = [s.attr.name for s in free_symbols(expr) if s.attr.name not in point]
    if missing:
        raise TypeMismatchError(
            worded(
                "values",
                expected=f"one for {', '.join(missing)} too",
                got=", ".join(point) or "none",
                hint=" ".join(f"--at {name}=1.2" for name in missing),
            )
        )
