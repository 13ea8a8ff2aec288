"""Writing answers: text, LaTeX and JSON, tables on a terminal of any width, in any encoding."""

from __future__ import annotations

import codecs
import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from wengert.app.comparison import HEAD, Comparison, duration
from wengert.diff.formulas import Partials
from wengert.errors import EvaluationError, worded
from wengert.ir.node import Expr
from wengert.show.letbind import with_lets

__all__ = [
    "comparison_json",
    "formula_lines",
    "json_text",
    "plain_terminal",
    "result_lines",
    "show_comparison",
    "show_formula",
    "terminal",
    "write",
]

_NARROW = 66  # columns that the table of ways needs


# --- anywhere ----------------------------------------------------------------------------------------
# What wengert prints beyond ASCII, for terminals that have nothing else.
_PLAIN = {
    "∂": "d", "²": "^2", "µ": "u", "−": "-", "·": "*", "×": "x", "…": "...", "─": "-", "│": "|", "•": "*",
    "╭": "+", "╮": "+", "╰": "+", "╯": "+", "━": "-", "✓": "ok", "≠": "!=", "≤": "<=", "≥": ">=", "′": "'",
}  # fmt: skip


def _in_plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(_PLAIN.get(c, "?") for c in bad), error.end


codecs.register_error("wengert.plain", _in_plain)


def plain_terminal() -> None:
    """Let text through to terminals and pipes that cannot show all of it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="wengert.plain")


def terminal() -> Console:
    """The terminal: plain text, tables and prose fitted to its width."""
    return Console(highlight=False, emoji=False, markup=False)


def write(text: str, output: Path | None) -> None:
    """To a file, or to the terminal.

    Raises:
        EvaluationError: the file cannot be written.
    """
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise EvaluationError(
            worded(
                "--output", expected="a file that can be written", got=f"{output}: {error.strerror}"
            )
        ) from error


# --- results -----------------------------------------------------------------------------------------
def _facts(expr: Expr) -> dict[str, Any]:  # Any: JSON values
    return {
        "text": str(expr),
        "latex": expr.latex(),
        "shape": [str(e) for e in expr.shape],
        "operations": str(expr.cost().operations),
        "conditions": [str(c) for c in expr.conditions],
    }


def _jsonable(result: Any) -> Any:  # Any: an expression, or nested partials of them
    if isinstance(result, Partials):
        return {name: _jsonable(value) for name, value in result.items()}
    return _facts(result)


def json_text(data: Any) -> str:
    """JSON of an expression, of nested partials, or of plain data."""
    plain = _jsonable(data) if isinstance(data, (Expr, Partials)) else data
    return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)


def number(value: Any) -> Any:
    """A number or nested lists of them; what JSON has no number for becomes ``"nan"``, ``"inf"``.

    >>> number([1.5, float("inf")])
    [1.5, 'inf']
    """
    listed = np.asarray(value).tolist()
    if isinstance(listed, list):
        return [number(item) for item in listed]
    if isinstance(listed, complex):
        return [number(listed.real), number(listed.imag)]
    return listed if np.isfinite(listed) else str(listed)


def result_lines(result: Any, *, latex: bool, conditions: bool = False) -> list[str]:
    """A line for an expression, or one for each of several partials, headed by their symbols."""
    return list(_result_lines(result, latex, conditions, ""))


def _result_lines(result: Any, latex: bool, conditions: bool, path: str) -> Iterable[str]:
    if isinstance(result, Partials):
        for name, value in result.items():
            yield from _result_lines(value, latex, conditions, f"{path}, {name}" if path else name)
        return
    text = result.latex() if latex else str(result)
    if conditions and result.conditions:
        where = ", ".join(c.latex() if latex else str(c) for c in result.conditions)
        text += rf" \quad\text{{where }} {where}" if latex else f"   where {where}"
    yield f"{path}: {text}" if path else text


# --- formulas on a terminal --------------------------------------------------------------------------
def formula_lines(head: str, expr: Expr, width: int) -> list[str]:
    """``head = formula`` in lines of a width, with names for repeated parts if one is not enough.

    >>> import wengert as wg
    >>> print(*formula_lines("f", wg.parse("sin(x^2 + y)/(x^2 + y)^2"), 24), sep="\\n")
    f = sin(t1)/t1**2
      where t1 = x**2 + y
    """
    whole = f"{head} = {expr}"
    if len(whole) <= width and "\n" not in whole:
        return [whole]
    bindings, body = with_lets(expr)
    lines = _wrapped(f"{head} = {body}", width, "    ")
    start = "  where "
    for name, part in bindings:
        lines += _wrapped(f"{start}{name} = {part}", width, " " * 12)
        start = "        "
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Broken before the terms of sums and after commas only, so that no name is torn."""
    together = text.replace(" + ", " +\xa0").replace(" - ", " -\xa0")
    lines = textwrap.wrap(
        together,
        max(width, 2 * len(indent)),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\xa0", " ") for line in lines]


def show_formula(head: str, expr: Expr, console: Console) -> None:
    """``head = formula`` on the terminal."""
    for line in formula_lines(head, expr, console.width):
        console.print(line, soft_wrap=True)


def show_comparison(
    found: Comparison, console: Console, more: Sequence[tuple[str, Expr]] = ()
) -> None:
    """The comparison on a terminal: formula, derivatives, the ways as a table, what was checked.

    ``more``: further formulas with their heads, shown after the derivatives.
    """
    if found.expr is None:
        time = "" if found.base is None else f", which takes {duration(found.base)}"
        console.print(f"f = {found.formula}{time}", soft_wrap=True)
    else:
        graphs = found.way("symbolic").graphs.items()
        shown = [("f", found.expr), *((f"df/d{name}", graph) for name, graph in graphs), *more]
        for head, expr in shown:
            show_formula(head, expr, console)
    console.print(f"at {found.place}\n")
    if console.width < _NARROW:
        _show_list(found, console)
    else:
        console.print(_table(found.rows()))
    console.print()
    for sentence in found.statements:
        console.print(sentence)


def _table(rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for head in HEAD:
        left = head in ("way", "derivative")
        table.add_column(head, justify="left" if left else "right", no_wrap=not left)
    for row in rows:
        table.add_row(*row)
    return table


def _show_list(found: Comparison, console: Console) -> None:
    """The table for narrow terminals: a paragraph for each way."""
    for way, values, work, error, seconds in found.rows():
        console.print(f"{way}: {work}, {seconds}, error {error}")
        for line in values.split("\n"):
            console.print(f"  {line}", soft_wrap=True)


def comparison_json(found: Comparison) -> dict[str, Any]:  # Any: JSON values
    """All that is known, as plain data; operations are numbers, what is not known is ``None``."""
    return {
        "formula": found.formula,
        "at": {k: number(v) for k, v in found.at.items()},
        "value": number(found.value),
        "symbolic_is_forward": found.same_graph,
        "numerical_keeps_its_claim": found.within_claim,
        "ways": [
            {
                "way": w.name,
                "derivative": {k: number(v) for k, v in w.values.items()},
                "formulas": {k: str(v) for k, v in w.graphs.items()},
                "operations": w.operations,
                "calls": w.calls,
                "error": number(w.error),
                "claimed": w.claimed,
                "seconds": w.seconds,
            }
            for w in found.ways
        ],
    }
