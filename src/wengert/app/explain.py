"""A derivative step by step: each node of the formula, the rule used, the local partials, the result.

The steps are read off the very rules that make the derivative; there is no second implementation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, assert_never

from wengert.diff.formulas import Formula, as_formula, diff, find_symbol, free_symbols
from wengert.diff.forward import TRANSFORMS
from wengert.diff.rules import push_forward
from wengert.errors import TypeMismatchError, worded
from wengert.ir.node import Expr
from wengert.ir.op import Linear, NoDerivative, Pointwise, Rule
from wengert.ir.types import TupleType
from wengert.ir.walk import depends_on, order, rebuild
from wengert.ops.leaves import ONE, symbol
from wengert.rewrite.simplify import recognise

__all__ = ["Explanation", "Step", "explain"]

_MOST = 200  # beyond this many steps nobody reads on


@dataclass(frozen=True, slots=True)
class Step:
    """One node: ``name = formula``, how it changes, and by which rule.

    ``partials``: for each argument that varies, the local partial derivative. ``change``: the change
    of the node in terms of the changes of its arguments.
    """

    name: str
    formula: str
    rule: str
    partials: dict[str, str]
    change: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The derivation of a derivative; ``str`` shows it as text."""

    formula: str
    recognised: str
    by: str
    steps: tuple[Step, ...]
    unsimplified: str
    result: str

    def as_dict(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"d/d{self.by} of {self.formula}"]
        if self.recognised != self.formula:
            lines.append(f"read as {self.recognised}")
        width = max((len(f"{s.name} = {s.formula}") for s in self.steps), default=0)
        for step in self.steps:
            partials = "; ".join(f"∂{step.name}/∂{a} = {p}" for a, p in step.partials.items())
            lines.append(f"  {f'{step.name} = {step.formula}'.ljust(width)}   {step.rule}")
            if partials:
                lines.append(f"  {'':{width}}   {partials}")
            lines.append(f"  {'':{width}}   d{step.name} = {step.change}")
        if not self.steps:
            lines.append("  nothing depends on it")
        if self.unsimplified != self.result:
            lines.append(f"all together: {self.unsimplified}")
        lines.append(f"simplified:   {self.result}")
        return "\n".join(lines)


def explain(formula: Formula, wrt: Expr | str | None = None) -> Explanation:
    """The derivative of a formula by one scalar or array symbol, step by step.

    Raises:
        TypeMismatchError: several symbols and none named, or too many steps to read.

    >>> import wengert as wg
    >>> print(wg.explain("x*sin(x)", "x"))
    d/dx of x*sin(x)
      v1 = sin(x)   elementary: d sin(x)
                    ∂v1/∂x = cos(x)
                    dv1 = dx*cos(x)
      v2 = v1*x     product: each factor varies in turn
                    ∂v2/∂v1 = x; ∂v2/∂x = v1
                    dv2 = dv1*x + dx*v1
    simplified:   x*cos(x) + sin(x)
    """
    expr = as_formula(formula)
    known = free_symbols(expr)
    if wrt is None and len(known) != 1:
        raise TypeMismatchError(
            worded(
                "explain",
                expected="the symbol to differentiate by",
                got=f"several: {', '.join(s.attr.name for s in known) or 'none'}",
            )
        )
    by = known[0] if wrt is None else find_symbol(expr, wrt)
    primal = recognise(expr)
    steps = _steps(primal, by)
    return Explanation(
        formula=str(expr),
        recognised=str(primal),
        by=by.attr.name,
        steps=tuple(steps),
        unsimplified=str(diff(expr, by, simplify=False)),
        result=str(diff(expr, by)),
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
    partials: dict[str, str] = {}
    for argument in sorted({a for a in args if a in changes}, key=str):
        if argument.shape == () == node.shape:
            part = _pushed(local, {argument: ONE})
            partials[str(argument)] = "0" if part is None else str(part)
    change = _pushed(local, changes)
    text = "0" if change is None else str(change)
    return Step(stands.attr.name, str(local), _rule(node), partials, text)


def _pushed(local: Expr, changes: dict[Expr, Expr]) -> Expr | None:
    if not local.args:
        return changes.get(local)
    found = push_forward(local, [changes.get(a) for a in local.args], TRANSFORMS)
    return found if isinstance(found, Expr) else None


def _rule(node: Expr) -> str:
    """The rule in words, as the record states it."""
    difference = node.op.diff
    match difference:
        case Pointwise():
            arguments = ", ".join("xyz"[: len(node.args)])
            return f"elementary: d {node.op.name}({arguments})"
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
