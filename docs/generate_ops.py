"""Write ``docs/reference/ops.md`` from the records of the ops: one table per family.

python docs/generate_ops.py             write the page
python docs/generate_ops.py --check     exit 1 if it is out of date
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import unwrap
from pathlib import Path
from typing import Any

import wengert as wg
from wengert.errors import NoDerivativeError, WengertError
from wengert.frontend.names import callee, function_names, load_ops
from wengert.ir.node import Expr
from wengert.ir.op import Linear, NoDerivative, Op, Pointwise, Rule, registered
from wengert.ir.types import TupleType

PAGE = Path(__file__).parent / "reference" / "ops.md"

HEAD = """# The ops

Every op that wengert knows, from the records in `src/wengert/ops/`; this page is generated from them by
`python docs/generate_ops.py`. Derivatives stand here as their records state them, before any
simplification: the partial derivative of an elementwise function, the change of a matrix function for a
change `dA` of its argument. Formulas call an op by its name or by one of the names in the last column.

* *real where*: a condition on the arguments for a real value; elsewhere the value is NaN.
* *edges*: values agreed at kinks, borders and poles, and the slopes there.
"""

# Modules that records of several families take their functions from.
_SHARED = {"shapes", "lazy", "scalar", "apply", "spec", "subscripts", "spans", "leaves"}
_LAST = ("leaves", "control")


# --- families ----------------------------------------------------------------------------------------
def _callables(op: Op) -> Iterator[Callable[..., Any]]:
    match op.diff:
        case Pointwise(partials=partials):
            yield from (getattr(p, "action", p) for p in partials if p is not None)
        case Linear():
            yield from (f for f in (op.diff.transpose, op.diff.joint) if f is not None)
        case Rule():
            yield op.diff.jvp
        case NoDerivative():
            pass
    several = (op.build, op.call, op.expand, op.domain.where, op.spell.options, op.evaluate)
    yield from (f for f in (*several, op.result) if f is not None)


def family(op: Op) -> str:
    """The module in which the record stands, told from the functions written there."""
    found = []
    for function in _callables(op):
        path = getattr(unwrap(function), "__module__", None) or ""
        if path.startswith("wengert.ops."):
            found.append(path.split(".")[2])
    own = [name for name in found if name not in _SHARED]
    return own[0] if own else "choice" if found and op.elementwise else "leaves"


def _file(module: str) -> str:
    path = Path(import_module(f"wengert.ops.{module}").__file__ or "")
    return f"ops/{path.parent.name}/" if path.name == "__init__.py" else f"ops/{path.name}"


def _title(module: str) -> str:
    doc = import_module(f"wengert.ops.{module}").__doc__ or module
    return doc.strip().split("\n\n")[0].replace("\n", " ").replace("``", "`").rstrip(".:")


# --- one op ------------------------------------------------------------------------------------------
def _arguments(op: Op) -> list[Expr]:
    """Symbols to show an op with: numbers for elementwise ops, else square matrices and a vector."""
    count = op.arity or 1
    if op.name == "where":
        return [wg.symbol("c", dtype="bool"), *wg.symbols("x y")]
    if op.name.startswith("logical_"):
        return [wg.symbol(name, dtype="bool") for name in "ab"[:count]]
    if op.elementwise:
        return [wg.symbol(name) for name in "xyzw"[:count]]
    if op.arity is None:
        return [wg.symbol("x", ("n",))]
    return [wg.symbol("A", ("n", "n")), wg.symbol("b", ("n",))][:count]


def example(op: Op) -> tuple[Expr, list[Expr]] | None:
    """The op on symbols, and the symbols; ``None`` for ops that exist only with an attribute."""
    if op.name not in function_names():
        return None
    symbols = _arguments(op)
    try:
        called = callee(op.name, composed=False)
    except WengertError:
        return None
    if len(symbols) < max(called.least, 2 if called.most is None else 1):
        return None
    try:
        made = called.function(*symbols)
    except (WengertError, TypeError):
        return None
    if not isinstance(made, Expr) or isinstance(made.type, TupleType):
        return None  # several results are no formula
    return (made, symbols) if made.op is op and made.args == tuple(symbols) else None


def derivative(op: Op, made: Expr | None, symbols: list[Expr]) -> str:
    """The differential as the record states it, or in words where it has no short formula."""
    match op.diff:
        case NoDerivative(why=why):
            return f"none: {why}"
        case Linear():
            return "linear"
        case Rule() if made is not None:
            changed = wg.jvp_graph(
                made, simplify=False, **{symbols[0].attr.name: _changed(symbols[0])}
            )
            return f"`{_cell(str(changed))}`" if len(str(changed)) < 90 else "by rule"
        case Pointwise(partials=partials) if made is not None:
            parts = []
            for position, (x, partial) in enumerate(zip(symbols, partials, strict=True)):
                if partial is None:
                    continue
                try:
                    text = str(wg.diff(made, x, simplify=False))
                except NoDerivativeError:
                    continue  # no formula in this argument, as in the order of a Bessel function
                by = f"by {'xyzw'[position]}: " if len(symbols) > 1 else ""
                parts.append(f"{by}`{_cell(text)}`" if len(text) < 120 else f"{by}by rule")
            return "; ".join(parts)
        case _:
            return "by rule"


def _changed(symbol: Expr) -> Expr:
    return wg.symbol(f"d{symbol.attr.name}", symbol.shape)


def domain(op: Op, symbols: list[Expr]) -> str:
    """Where it is real, its kinks and poles, and the values agreed at the edges."""
    said = []
    if op.domain.where is not None and symbols:
        try:
            conditions = op.domain.where(*symbols)
        except (WengertError, TypeError):
            conditions = ()
        if conditions:
            said.append("real where " + " and ".join(f"`{_cell(str(c))}`" for c in conditions))
    if op.domain.kinks:
        said.append(f"kinks: {_cell(op.domain.kinks)}")
    if op.domain.poles:
        said.append(f"poles: {_cell(op.domain.poles)}")
    for edge in op.domain.edges:
        at = ", ".join(f"{v:.6g}" for v in edge.at)
        slopes = ", ".join("unsaid" if p is None else f"{p:.6g}" for p in edge.partials)
        text = f"at {at}: {edge.value:.6g}" + (f", slope {slopes}" if slopes else "")
        said.append(text)
    return "; ".join(said)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def row(op: Op) -> str:
    """The line of the table for one op."""
    found = example(op)
    made, symbols = found if found is not None else (None, [])
    call = f"`{_cell(str(made))}`" if made is not None and len(op.name) > 1 else f"`{op.name}`"
    numpy = f"`{_cell(made.numpy())}`" if made is not None else ""
    also = ", ".join(f"`{name}`" for name in op.aliases)
    cells = (call, _cell(op.doc), derivative(op, made, symbols), domain(op, symbols), numpy, also)
    return f"| `{op.name}` | " + " | ".join(cells) + " |"


# --- the page ----------------------------------------------------------------------------------------
def page() -> str:
    """The text of the page."""
    load_ops()
    import_module("wengert.ops.control")
    families: dict[str, list[Op]] = {}
    for op in sorted(registered().values(), key=lambda op: op.name):
        families.setdefault(family(op), []).append(op)
    parts = [HEAD]
    for module in sorted(families, key=lambda m: (m in _LAST, m)):
        parts.append(
            f"## {_title(module)}\n\n"
            f"In `{_file(module)}`.\n\n"
            "| op | written | meaning | derivative | domain and edges | NumPy | also called |\n"
            "| --- | --- | --- | --- | --- | --- | --- |\n"
            + "\n".join(row(op) for op in families[module])
            + "\n"
        )
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write the page, or check it; 1 when it is out of date."""
    text = page()
    if "--check" in arguments:
        current = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        if current != text:
            print(f"{PAGE.name} is out of date; run: python docs/generate_ops.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
