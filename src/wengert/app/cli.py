"""The command line: ``wengert diff "x^2*sin(x)"`` and its siblings.

Exit codes: 0 fine; 1 the formula or the values are at fault (one message, no traceback); 2 the command
line itself is; 3 a result failed its own check.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import wengert
from wengert.app.compare import Comparison, compare
from wengert.app.demo import run_demo
from wengert.app.explain import explain
from wengert.diff.formulas import Partials, diff, find_symbol, free_symbols, gradient, hessian
from wengert.diff.verify import check_equal
from wengert.errors import (
    EvaluationError,
    TypeMismatchError,
    VerificationError,
    WengertError,
    worded,
)
from wengert.frontend.parse import parse
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.rewrite.simplify import simplify as simplified

__all__ = ["app", "main"]

# Checking at random points takes about a millisecond up to this many nodes.
_CHECKED = 60

app = typer.Typer(
    name="wengert",
    help="Derivatives as formulas, as programs and as numbers.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    epilog=(
        "Examples:  wengert diff 'x^2*sin(x)' x  ·  wengert grad 'norm(A@x-b)^2' x --shape A=m,n --shape x=n"
        " --shape b=m  ·  wengert compare 'x^2*sin(x)' --at x=1.2  ·  wengert eval 'exp(-x)' --at x=0.5"
        "  ·  wengert explain 'x*sin(x)'.  Exit codes: 0 fine, 1 faulty formula or values, 2 faulty"
        " command line, 3 a result failed its own check."
    ),
)

FormulaArg = Annotated[str, typer.Argument(help="The formula, for example 'x^2*sin(x)'.")]
ByArg = Annotated[
    list[str] | None, typer.Argument(help="Symbols to differentiate by; x:3 is three times by x.")
]
ShapeOpt = Annotated[
    list[str] | None, typer.Option("--shape", "-s", help="Shape of a symbol: A=m,n or x=n or x=3.")
]
AssumeOpt = Annotated[
    list[str] | None,
    typer.Option("--assume", "-a", help="Assumption on a symbol: x=positive, S=symmetric,pd."),
]
AtOpt = Annotated[
    list[str] | None, typer.Option("--at", help="Value of a symbol: x=1.2 or v=[1,2,3].")
]
DialectOpt = Annotated[str, typer.Option(help="How the formula is written: python or matlab.")]
LatexOpt = Annotated[bool, typer.Option("--latex", help="Print LaTeX.")]
JsonOpt = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OutputOpt = Annotated[
    Path | None, typer.Option("--output", "-o", help="Write to a file instead of the terminal.")
]
VerifyOpt = Annotated[
    bool | None,
    typer.Option(
        "--verify/--no-verify", help="Check at random points; by default where it takes no time."
    ),
]


# --- reading the command line ------------------------------------------------------------------------
def _pair(text: str, what: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip():
        raise typer.BadParameter(f"expected NAME={what}, got {text!r}")
    return name.strip(), value.strip()


def _extent(text: str) -> int | str:
    text = text.strip()
    return int(text) if text.isdigit() else text


def _declared(
    formula: str, shape: list[str] | None, assume: list[str] | None, dialect: str
) -> Expr:
    shapes = {
        name: tuple(_extent(part) for part in value.strip("()").split(",") if part.strip())
        for name, value in (_pair(s, "extents") for s in shape or [])
    }
    facts = {
        name: tuple(part.strip() for part in value.split(","))
        for name, value in (_pair(a, "assumption") for a in assume or [])
    }
    return parse(formula, dialect=dialect, assume=facts or None, **shapes)


def _point(at: list[str] | None) -> dict[str, Any]:  # Any: numbers or arrays
    point: dict[str, Any] = {}
    for item in at or []:
        name, text = _pair(item, "value")
        try:
            value = np.asarray(json.loads(text), dtype=float)
        except (ValueError, TypeError):
            constant = parse(text).evaluate()  # such as pi/2
            value = np.asarray(constant, dtype=float)
        point[name] = value
    return point


def _by(names: Sequence[str] | None) -> list[Any]:  # Any: a name, or a name with its order
    result: list[Any] = []
    for name in names or []:
        head, sign, times = name.partition(":")
        if sign and not times.isdigit():
            raise typer.BadParameter(f"expected SYMBOL:ORDER, got {name!r}")
        result.append((head, int(times)) if sign else head)
    return result


# --- writing the answer ------------------------------------------------------------------------------
def _write(text: str, output: Path | None) -> None:
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


def _show(result: Any, *, latex: bool, as_json: bool, output: Path | None) -> None:
    if as_json:
        _write(json.dumps(_jsonable(result), indent=2, ensure_ascii=False), output)
    else:
        _write("\n".join(_lines(result, latex)), output)


def _lines(result: Any, latex: bool, path: str = "") -> list[str]:
    if isinstance(result, Partials):
        return [
            line
            for name, value in result.items()
            for line in _lines(value, latex, f"{path}, {name}" if path else name)
        ]
    text = result.latex() if latex else str(result)
    return [f"{path}: {text}" if path else text]


def _wants_check(verify: bool | None, expr: Expr) -> bool:
    return verify if verify is not None else len(order([expr])) <= _CHECKED


# --- commands ----------------------------------------------------------------------------------------
@app.command("diff")
def diff_command(
    formula: FormulaArg,
    by: ByArg = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """Derivative by one symbol after another, simplified."""
    expr = _declared(formula, shape, assume, dialect)
    result = diff(expr, *_by(by), verify=_wants_check(verify, expr))
    _show(result, latex=latex, as_json=as_json, output=output)


@app.command("grad")
def grad_command(
    formula: FormulaArg,
    by: ByArg = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """Gradient by all symbols, or by those named."""
    expr = _declared(formula, shape, assume, dialect)
    result = gradient(expr, *(by or []), verify=_wants_check(verify, expr))
    _show(result, latex=latex, as_json=as_json, output=output)


@app.command("hessian")
def hessian_command(
    formula: FormulaArg,
    by: ByArg = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """Second derivatives by all symbols, or by those named."""
    expr = _declared(formula, shape, assume, dialect)
    result = hessian(expr, *(by or []), verify=_wants_check(verify, expr))
    _show(result, latex=latex, as_json=as_json, output=output)


@app.command("simplify")
def simplify_command(
    formula: FormulaArg,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    strict: Annotated[bool, typer.Option(help="No rule that enlarges the domain.")] = False,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """The formula, simplified; the conditions under which it equals the original are shown."""
    expr = _declared(formula, shape, assume, dialect)
    result = simplified(expr, strict=strict)
    if _wants_check(verify, expr):
        check_equal(expr, result)
    if as_json or latex or output:
        _show(result, latex=latex, as_json=as_json, output=output)
        return
    conditions = ", ".join(str(c) for c in result.conditions)
    _write(f"{result}   where {conditions}" if conditions else str(result), None)


@app.command("eval")
def eval_command(
    formula: FormulaArg,
    at: AtOpt = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    check: Annotated[bool, typer.Option(help="Name the first undefined part.")] = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
) -> None:
    """Value of a formula at a point."""
    point = _point(at)
    expr = _declared(formula, _with_ranks(shape, point), assume, dialect)
    value = expr.evaluate(check=check, **point)
    if as_json:
        listed = np.asarray(value).tolist()
        _write(json.dumps({"text": str(expr), "value": listed}), output)
    else:
        _write(str(value), output)


def _with_ranks(shape: list[str] | None, point: dict[str, Any]) -> list[str]:
    """Arrays given as values declare their own shapes unless these are said."""
    said = {_pair(s, "extents")[0] for s in shape or []}
    given = [
        f"{name}={','.join(map(str, value.shape))}"
        for name, value in point.items()
        if value.ndim and name not in said
    ]
    return [*(shape or []), *given]


@app.command("explain")
def explain_command(
    formula: FormulaArg,
    by: Annotated[str | None, typer.Argument(help="The symbol to differentiate by.")] = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
) -> None:
    """Derivation step by step: node, rule, local partials, result."""
    expr = _declared(formula, shape, assume, dialect)
    found = explain(expr, by)
    if as_json:
        _write(json.dumps(found.as_dict(), indent=2, ensure_ascii=False), output)
    elif latex:
        _write(diff(expr, find_symbol(expr, found.by)).latex(), output)
    else:
        _write(str(found), output)


@app.command("compare")
def compare_command(
    formula: FormulaArg,
    at: AtOpt = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = "python",
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
) -> None:
    """The four ways side by side: numerical, symbolic, forward, reverse."""
    point = _point(at)
    expr = _declared(formula, _with_ranks(shape, point), assume, dialect)
    missing = [s.attr.name for s in free_symbols(expr) if s.attr.name not in point]
    if missing:
        raise TypeMismatchError(
            worded(
                "compare",
                expected=f"a value for {', '.join(missing)}",
                got="none",
                hint="--at x=1.2",
            )
        )
    found = compare(expr, point)
    if as_json:
        _write(json.dumps(_comparison_json(found), indent=2, ensure_ascii=False), output)
    elif latex:
        lines = [f"{n}: {diff(expr, n).latex()}" for n in point]
        _write("\n".join(lines), output)
    elif output is not None:
        _write(str(found), output)
    else:
        show_comparison(found, Console(highlight=False))


def _comparison_json(found: Comparison) -> dict[str, Any]:  # Any: JSON values
    def number(value: float) -> float | None:
        return value if np.isfinite(value) else None

    return {
        "formula": found.formula,
        "at": {k: np.asarray(v).tolist() for k, v in found.at.items()},
        "value": np.asarray(found.value).tolist(),
        "symbolic_is_forward": found.same_graph,
        "ways": [
            {
                "way": w.name,
                "derivative": {k: np.asarray(v).tolist() for k, v in w.values.items()},
                "formulas": dict(w.formulas),
                "operations": None if w.operations is None else str(w.operations),
                "calls": w.calls,
                "error": number(w.error),
                "claimed": w.claimed,
                "seconds": w.seconds,
            }
            for w in found.ways
        ],
    }


def show_comparison(found: Comparison, console: Console) -> None:
    """The comparison as a table on a terminal."""
    console.print(f"{found.formula}\n  at {found.place}", markup=False)
    table = Table()
    for head in ("way", "derivative", "operations", "error", "claimed", "time"):
        table.add_column(head, justify="left" if head in ("way", "derivative") else "right")
    for row in found.rows():
        table.add_row(*row)
    console.print(table)
    for name, text in found.way("symbolic").formulas.items():
        console.print(f"  d/d{name}: {text}", markup=False)
    console.print(found.statement, markup=False)


@app.command("demo")
def demo_command(
    quick: Annotated[bool, typer.Option(help="The first formula only.")] = False,
) -> None:
    """Real formulas, differentiated in four ways side by side."""
    started = time.perf_counter()
    run_demo(Console(highlight=False), show_comparison, quick=quick)
    typer.echo(f"\n{time.perf_counter() - started:.1f} s in all")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wengert {wengert.__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Derivatives as formulas, as programs and as numbers."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors of the user end with one message and exit code 1."""
    try:
        app(args=arguments)
    except VerificationError as error:
        typer.echo(f"wengert: {error}", err=True)
        sys.exit(3)
    except WengertError as error:
        typer.echo(f"wengert: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        typer.echo("wengert: interrupted", err=True)
        sys.exit(130)
