"""The command line: ``wengert diff "x^2*sin(x)" x`` and its siblings.

Exit codes: 0 fine; 1 the formula or the values are at fault (one message, no traceback), or the answer
cannot be written; 2 the command line itself is at fault; 3 a result failed its own check; 4 wengert
itself is at fault; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import wengert
from wengert.app.arguments import (
    AssumeOpt,
    AtOpt,
    ByArg,
    Dialect,
    DialectOpt,
    FormulaArg,
    JsonOpt,
    LatexOpt,
    OutputOpt,
    ShapeOpt,
    VerifyOpt,
    declared,
    demand_values,
    formulas_apart,
    orders,
    point_of,
    with_ranks,
)
from wengert.app.compare import compare
from wengert.app.explain import explain
from wengert.app.terminal import (
    comparison_json,
    json_text,
    number,
    plain_terminal,
    result_lines,
    show_comparison,
    terminal,
    write,
)
from wengert.diff.formulas import diff, gradient, hessian
from wengert.diff.verify import check_equal
from wengert.errors import VerificationError, WengertError
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.ops.leaves import const
from wengert.rewrite.simplify import simplify as simplified

__all__ = ["app", "main"]

# Checking at random points takes about a millisecond up to this many nodes.
_CHECKED = 60


def _examples(*commands: str) -> str:
    """The end of a help text."""
    return "\n".join(("Examples:", *(f"  wengert {c}" for c in commands)))


app = typer.Typer(
    name="wengert",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_examples(
        "diff 'x^2*sin(x)' x",
        "grad 'norm(A@x-b)^2' x -s A=m,n -s x=n -s b=m",
        "simplify 'log(1 + exp(x))'",
        "eval 'exp(-x)' --at x=0.5",
        "explain 'x*sin(x)'",
        "compare 'x^2*sin(x)' --at x=1.2",
    )
    + "\n\nExit codes: 0 fine, 1 faulty formula or values, 2 faulty command line,"
    " 3 a result failed its own check. `wengert COMMAND --help` shows examples of each.",
)


def _show(
    result: Any,  # Any: an expression, or nested partials of them
    *,
    latex: bool,
    as_json: bool,
    output: Path | None,
    conditions: bool = False,
) -> None:
    if as_json:
        write(json_text(result), output)
    else:
        write("\n".join(result_lines(result, latex=latex, conditions=conditions)), output)


def _wants_check(verify: bool | None, expr: Expr) -> bool:
    return verify if verify is not None else len(order([expr])) <= _CHECKED


# --- commands ----------------------------------------------------------------------------------------
@app.command(
    "diff",
    epilog=_examples(
        "diff 'x^2*sin(x)' x",
        "diff 'x^5' x:3",
        "diff 'exp(-x*y)' x y --latex",
        "diff 'det(A)' A -s A=n,n",
    ),
)
def diff_command(
    formula: FormulaArg,
    by: ByArg = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """Derivative by one symbol after another, simplified."""
    expr = declared(formula, shape, assume, dialect)
    result = diff(expr, *orders(by), verify=_wants_check(verify, expr))
    _show(result, latex=latex, as_json=as_json, output=output)


@app.command(
    "grad",
    epilog=_examples(
        "grad 'x*exp(y)'",
        "grad 'norm(A@x-b)^2' x -s A=m,n -s x=n -s b=m",
        'grad "x\'*A*x" x -s A=n,n -s x=n --dialect matlab',
    ),
)
def grad_command(
    formula: FormulaArg,
    by: ByArg = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """Gradient by all symbols, or by those named."""
    expr = declared(formula, shape, assume, dialect)
    result = gradient(expr, *(by or []), verify=_wants_check(verify, expr))
    _show(result, latex=latex, as_json=as_json, output=output)


@app.command(
    "hessian", epilog=_examples("hessian 'x*exp(y)'", "hessian 'x @ A @ x' x -s A=n,n -s x=n")
)
def hessian_command(
    formula: FormulaArg,
    by: ByArg = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """Second derivatives by all symbols, or by those named."""
    expr = declared(formula, shape, assume, dialect)
    result = hessian(expr, *(by or []), verify=_wants_check(verify, expr))
    _show(result, latex=latex, as_json=as_json, output=output)


@app.command(
    "simplify",
    epilog=_examples("simplify '(x^2 - 1)/(x - 1)'", "simplify 'sqrt(x^2)' -a x=positive"),
)
def simplify_command(
    formula: FormulaArg,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    strict: Annotated[bool, typer.Option(help="No rule that enlarges the domain.")] = False,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
    verify: VerifyOpt = None,
) -> None:
    """The formula, simplified; the conditions under which it equals the original are shown."""
    expr = declared(formula, shape, assume, dialect)
    result = simplified(expr, strict=strict)
    if _wants_check(verify, expr):
        check_equal(expr, result)
    _show(result, latex=latex, as_json=as_json, output=output, conditions=True)


@app.command(
    "eval",
    epilog=_examples(
        "eval 'exp(-x)' --at x=0.5", "eval 'A @ x' --at 'A=[[1,2],[3,4]]' --at 'x=[1,1]'"
    ),
)
def eval_command(
    formula: FormulaArg,
    at: AtOpt = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    check: Annotated[
        bool, typer.Option("--check", help="An undefined part is an error that names it.")
    ] = False,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
) -> None:
    """Value of a formula at a point."""
    point = point_of(at)
    expr = declared(formula, with_ranks(shape, point), assume, dialect)
    demand_values(expr, point)
    value = expr.evaluate(check=check, **point)
    if as_json:
        write(json_text({"text": str(expr), "value": number(value)}), output)
    elif latex:
        write(f"{expr.latex()} = {const(value).latex()}", output)
    else:
        write(_value_text(value), output)


def _value_text(value: Any) -> str:  # Any: a number or an array
    """All digits of a number, all elements of an array, in the form that ``--at`` reads."""
    if np.ndim(value) == 0:
        return str(value)
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        return np.array2string(np.asarray(value), separator=", ")


@app.command("explain", epilog=_examples("explain 'x*sin(x)'", "explain 'sin(x*y)' y --latex"))
def explain_command(
    formula: FormulaArg,
    by: Annotated[
        str | None, typer.Argument(metavar="SYMBOL", help="The symbol to differentiate by.")
    ] = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
) -> None:
    """Derivation step by step: node, rule, local partials, result."""
    expr = declared(formula, shape, assume, dialect)
    found = explain(expr, by)
    if as_json:
        write(json_text(found.as_dict()), output)
    else:
        write(found.latex() if latex else str(found), output)


@app.command(
    "compare",
    epilog=_examples(
        "compare 'x^2*sin(x)' --at x=1.2",
        "compare 'norm(A@x)^2' --at 'A=[[1,2],[3,4]]' --at 'x=[1,1]'",
    ),
)
def compare_command(
    formula: FormulaArg,
    at: AtOpt = None,
    shape: ShapeOpt = None,
    assume: AssumeOpt = None,
    dialect: DialectOpt = Dialect.python,
    latex: LatexOpt = False,
    as_json: JsonOpt = False,
    output: OutputOpt = None,
) -> None:
    """The four ways side by side: numerical, symbolic, forward, reverse."""
    point = point_of(at)
    expr = declared(formula, with_ranks(shape, point), assume, dialect)
    demand_values(expr, point)
    found = compare(expr, point)
    if as_json:
        write(json_text(comparison_json(found)), output)
    elif latex:
        graphs = found.way("symbolic").graphs.items()
        write("\n".join(f"{name}: {graph.latex()}" for name, graph in graphs), output)
    elif output is not None:
        write(str(found), output)
    else:
        show_comparison(found, terminal())


@app.command("demo")
def demo_command(
    quick: Annotated[
        bool, typer.Option("--quick", help="The first formula and the first program.")
    ] = False,
) -> None:
    """Real formulas and programs, differentiated in four ways side by side."""
    from wengert.app.demo import run_demo  # programs, which other commands do without

    run_demo(terminal(), quick=quick)


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
    plain_terminal()
    line = formulas_apart(sys.argv[1:] if arguments is None else arguments)
    try:
        try:
            app(args=line)
        finally:
            sys.stdout.flush()  # a full disk is told here, not when Python is gone
    except VerificationError as error:
        _stop(3, str(error))
    except WengertError as error:
        _stop(1, str(error))
    except KeyboardInterrupt:
        _stop(130, "interrupted")
    except (MemoryError, RecursionError):
        _stop(1, "the formula or its values are too large for this machine")
    except BrokenPipeError:  # nobody reads any more, as after `| head -1`
        _silence()
        sys.exit(1)
    except OSError as error:
        _silence()
        _stop(1, f"the answer cannot be written: {error.strerror}")
    except Exception as error:
        if os.environ.get("WENGERT_DEBUG"):
            raise
        kind = type(error).__name__
        _stop(
            4, f"a fault of wengert, please report it: {kind}: {error} (WENGERT_DEBUG=1 tells more)"
        )


def _silence() -> None:
    """Python flushes once more when it ends, and that must not complain again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _stop(code: int, message: str) -> None:
    typer.echo(f"wengert: {message}", err=True)
    sys.exit(code)
