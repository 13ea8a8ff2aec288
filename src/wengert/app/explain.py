"""A derivative step by step: each node of the formula, the rule used, the local partials, the result.

The steps are read off the very rules that make the derivative; there is no second implementation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, assert_never, overload

from wengert.diff.formulas import Formula, as_formula, diff, find_symbol, free_symbols
from wengert.diff.forward import TRANSFORMS
from wengert.diff.rules import push_forward
from wengert.errors import TypeMismatchError, worded
from wengert.ir.node import Expr
from wengert.ir.op import Linear, NoDerivative, Pointwise, Rule
from wengert.ir.types import TupleType
from wengert.ir.walk import depends_on, order, rebuild
from wengert.ops.algebra import zeros
from wengert.ops.leaves import ONE, symbol
from wengert.rewrite.simplify import recognise

__all__ = ["Explanation", "Step", "explain"]

if TYPE_CHECKING:
    from wengert.app.explain_program import ProgramExplanation

_MOST = 200  # beyond this many steps nobody reads on
_COLUMN = 40  # what is said of a step stands beside it if the step is no longer than this


@dataclass(frozen=True, slots=True)
class Step:
    """One node: ``name = formula``, how it changes, and by which rule.

    ``partials``: for each argument that varies, the local partial derivative. ``change``: the change
    of the node in terms of the changes of its arguments. The formulas are in the names of earlier steps.
    """

    name: str
    formula: Expr
    rule: str
    partials: dict[str, Expr]
    change: Expr

    @property
    def notes(self) -> list[str]:
        """What is said of the step: its rule, its partials, its change."""
        partials = "; ".join(f"∂{self.name}/∂{a} = {p}" for a, p in self.partials.items())
        return [self.rule, *([partials] if partials else []), f"d{self.name} = {self.change}"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The derivation of a derivative; ``str`` shows it as text, ``latex()`` as aligned lines.

    >>> import wengert as wg
    >>> found = wg.explain("exp(x)^2")
    >>> [step.name for step in found.steps], str(found.result)
    (['v1', 'v2'], '2*exp(2*x)')
    """

    formula: Expr
    recognised: Expr
    by: str
    steps: tuple[Step, ...]
    unsimplified: Expr
    result: Expr

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data, formulas as texts."""
        return {
            "formula": str(self.formula),
            "recognised": str(self.recognised),
            "by": self.by,
            "steps": [
                {
                    "name": step.name,
                    "formula": str(step.formula),
                    "rule": step.rule,
                    "partials": {name: str(p) for name, p in step.partials.items()},
                    "change": str(step.change),
                }
                for step in self.steps
            ],
            "unsimplified": str(self.unsimplified),
            "result": str(self.result),
        }

    def latex(self) -> str:
        """The steps and the result in LaTeX, one aligned line each.

        >>> import wengert as wg
        >>> print(wg.explain("3*x").latex())
        \\begin{aligned}
        v_{1} &= 3 x & \\mathrm{dv}_{1} &= 3 \\mathrm{dx} \\\\
        && \\frac{\\mathrm{d}}{\\mathrm{d} x} 3 x &= 3
        \\end{aligned}
        """
        rows = []
        for step in self.steps:
            name, change = (symbol(n).latex() for n in (step.name, f"d{step.name}"))
            rows.append(f"{name} &= {step.formula.latex()} & {change} &= {step.change.latex()}")
        head = rf"\frac{{\mathrm{{d}}}}{{\mathrm{{d}} {symbol(self.by).latex()}}}"
        rows.append(f"&& {head} {self.formula.latex()} &= {self.result.latex()}")
        body = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"

    def __str__(self) -> str:
        lines = [f"d/d{self.by} of {self.formula}"]
        if self.recognised is not self.formula:
            lines.append(f"read as {self.recognised}")
        heads = [f"{step.name} = {step.formula}" for step in self.steps]
        width = max((len(head) for head in heads if len(head) <= _COLUMN), default=8)
        for head, step in zip(heads, self.steps, strict=True):
            first, *rest = step.notes
            if len(head) <= width:
                lines.append(f"  {head.ljust(width)}   {first}")
            else:
                lines += [f"  {head}", f"  {'':{width}}   {first}"]
            lines += [f"  {'':{width}}   {note}" for note in rest]
        if not self.steps:
            lines.append("  nothing depends on it")
        if str(self.unsimplified) != str(self.result):
            lines.append(f"all together: {self.unsimplified}")
        lines.append(f"simplified:   {self.result}")
        return "\n".join(lines)


@overload
def explain(formula: Formula, wrt: Expr | str | None = None, /) -> Explanation: ...
@overload
def explain(formula: Callable[..., Any], /, *args: Any, **kwargs: Any) -> ProgramExplanation: ...
def explain(formula: Any, /, *args: Any, **kwargs: Any) -> Explanation | ProgramExplanation:
    """The derivative of a formula by one scalar or array symbol, step by step; of a program, what it became.

    ``explain(formula, wrt)``: ``wrt`` may be left out where there is one symbol only. ``explain(f, *args)``
    tells which loops of a Python function are kept, peeled or unrolled and why, where it branches, what it
    reads, and on which values it relies; ``f`` may be a transform, such as ``wg.grad(g)``.

    Raises:
        TypeMismatchError: several symbols and none named, or too many steps to read.
        CaptureError: the program is refused.

    >>> import wengert as wg
    >>> print(wg.explain("x*sin(x)", "x"))
    d/dx of x*sin(x)
      v1 = sin(x)   elementary: d(sin(x))
                    ∂v1/∂x = cos(x)
                    dv1 = dx*cos(x)
      v2 = v1*x     product: each factor varies in turn
                    ∂v2/∂v1 = x; ∂v2/∂x = v1
                    dv2 = dv1*x + dx*v1
    simplified:   x*cos(x) + sin(x)
    >>> found = wg.explain(lambda x, n: sum(x / k for k in range(1, n + 1)), 2.0, 3)
    >>> found.inputs
    ('x',)
    """
    if callable(formula) and not isinstance(formula, Expr):
        from wengert.app.explain_program import explain_program  # formulas do without it

        return explain_program(formula, args, kwargs)
    return _explained(formula, *args, **kwargs)


def _explained(formula: Formula, wrt: Expr | str | None = None) -> Explanation:
    expr = as_formula(formula)
    known = free_symbols(expr)
    if wrt is None and len(known) != 1:
        raise TypeMismatchError(
            worded(
                "explain",
                expected="the symbol to differentiate by",
                got=f"none, and there are {', '.join(s.attr.name for s in known) or 'none'}",
                hint=f"explain(..., {known[0].attr.name!r})" if known else "explain('x^2')",
            )
        )
    by = known[0] if wrt is None else find_symbol(expr, wrt)
    primal = recognise(expr)
    steps = _steps(primal, by)
    return Explanation(
        formula=expr,
        recognised=primal,
        by=by.attr.name,
        steps=tuple(steps),
        unsimplified=diff(expr, by, simplify=False),
        result=diff(expr, by),
    )


def _steps(primal: Expr, by: Expr) -> list[Step]:
    nodes = [n for n in order([primal]) if n.args and not isinstance(n.type, TupleType)]
    if len(nodes) > _MOST:
        raise TypeMismatchError(
            worded(
                "explain",
                expected=f"at most {_MOST} steps",
                got=f"{len(nodes)}",
                hint="explain a part of the formula",
            )
        )
    active = depends_on(order([primal]), [by])
    names = _Names([s.attr.name for s in free_symbols(primal)])
    shown: dict[Expr, Expr] = {}
    steps: list[Step] = []
    for node in nodes:
        if node not in active:
            continue
        stands = symbol(names.fresh("v"), node.shape, dtype=node.value_type.dtype)
        steps.append(_step(node, stands, shown, active, names))
        shown[node] = stands
    return steps


class _Names:
    """Names that no symbol of the user has."""

    def __init__(self, taken: Sequence[str]) -> None:
        self.taken = set(taken)
        self.count = 0

    def fresh(self, prefix: str) -> str:
        """The next free ``prefix1``, ``prefix2``, ..."""
        while True:
            self.count += 1
            name = f"{prefix}{self.count}"
            if name not in self.taken and f"d{name}" not in self.taken:
                self.taken |= {name, f"d{name}"}
                return name


def _step(
    node: Expr, stands: Expr, shown: dict[Expr, Expr], active: set[Expr], names: _Names
) -> Step:
    args = tuple(shown.get(a, a) for a in node.args)
    local = rebuild(node, args)
    changes = {
        a: symbol(f"d{a.attr.name}", a.shape, dtype=a.value_type.dtype)
        for a, original in zip(args, node.args, strict=True)
        if original in active
    }
    partials: dict[str, Expr] = {}
    for argument in _as_written(local, {a for a in args if a in changes}):
        if argument.shape == () == node.shape:
            part = _pushed(local, {argument: ONE})
            partials[str(argument)] = zeros(()) if part is None else part
    change = _pushed(local, changes)
    moved = zeros(local.shape) if change is None else change
    return Step(stands.attr.name, local, _rule(node), partials, moved)


def _as_written(local: Expr, symbols: set[Expr]) -> list[Expr]:
    """Symbols in the order in which the text of a formula has them, whichever was made first."""
    words = re.findall(r"\w+", str(local))
    return sorted(symbols, key=lambda s: words.index(str(s)) if str(s) in words else len(words))


def _pushed(local: Expr, changes: dict[Expr, Expr]) -> Expr | None:
    if not local.args:
        return changes.get(local)
    found = push_forward(local, [changes.get(a) for a in local.args], TRANSFORMS)
    return found if isinstance(found, Expr) else None


def _pattern(node: Expr) -> str:
    """The op of a node as a formula in ``x, y, ...``."""
    stand_ins = [
        symbol(name, arg.shape, dtype=arg.value_type.dtype)
        for name, arg in zip("xyzuvw", node.args, strict=False)
    ]
    if len(stand_ins) < len(node.args):
        return node.op.name
    return str(rebuild(node, tuple(stand_ins)))


def _rule(node: Expr) -> str:
    """The rule in words, as the record states it."""
    difference = node.op.diff
    match difference:
        case Pointwise():
            return f"elementary: d({_pattern(node)})"
        case Linear():
            if difference.joint is not None:
                return "linear: the change passes through"
            return "product: each factor varies in turn" if len(node.args) > 1 else "linear"
        case Rule():
            return f"rule of {node.op.name}"
        case NoDerivative():
            return f"no variation: {difference.why}"
        case _:
            assert_never(difference)
