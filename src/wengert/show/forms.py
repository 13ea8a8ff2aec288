"""How a person writes a node: operators over other nodes, independent of any dialect.

A :class:`Form` holds one node's worth of notation, a few operators deep; its parts are forms or nodes.
:func:`rebuilt` evaluates a form with the constructors behind Python's operators: a form is right
for a node exactly if it gives that node back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from wengert.errors import WengertError
from wengert.ir.node import OPERATORS, Expr
from wengert.ops.algebra import diag, outer, trace, zeros
from wengert.ops.einstein import Label, Spec, ein, eye, ones, sum_axes
from wengert.ops.layout import kron
from wengert.ops.leaves import const

__all__ = ["Form", "Part", "gives", "nodes_in", "rebuilt"]


class Form:
    """One layout: ``kind`` says which, ``parts`` are what it is made of, ``data`` what else it says.

    =============================== ======================================= ==========================
    kind                            parts                                   data
    =============================== ======================================= ==========================
    ``symbol`` ``literal``                                                  the node, the value
    ``number``                                                              a coefficient
    ``neg`` ``transpose`` ``not``   operand
    ``add`` ``sub``                 left, right
    ``mul`` ``hadamard``            left, right (one scalar; both arrays)
    ``rows`` ``columns``            matrix and vector, vector and matrix: a factor per column, per row
    ``div`` ``floordiv``            above, below                            axes along which both go
    ``pow``                         base, exponent                          rank of the base
    ``column``                      a vector that is the same in each column    number of columns
    ``matmul``                      left, right                             ranks of both
    ``compare`` ``logic``           left, right                             sign
    ``apply``                       arguments                               name, options
    ``call``                        arguments                               the node
    ``einsum``                      factors                                 Spec
    ``ones`` ``zeros`` ``eye``                                              shape, extent
    =============================== ======================================= ==========================
    """

    __slots__ = ("data", "kind", "parts")
    kind: str
    parts: tuple[Part, ...]
    data: Any  # Any: as the table says

    def __init__(self, kind: str, parts: tuple[Part, ...] = (), data: Any = None) -> None:
        self.kind, self.parts, self.data = kind, parts, data

    def __repr__(self) -> str:
        inner = ", ".join(p.op.name if isinstance(p, Expr) else repr(p) for p in self.parts)
        return f"{self.kind}({inner})"


Part: TypeAlias = Form | Expr


def nodes_in(form: Form) -> Sequence[Expr]:
    """The nodes that a form mentions, with repetitions, from left to right."""
    parts = form.parts
    for part in parts:
        if part.__class__ is Form:
            break
    else:
        return parts  # type: ignore[return-value]  # all are nodes
    found: list[Expr] = []
    for part in parts:
        if isinstance(part, Form):
            found += nodes_in(part)
        else:
            found.append(part)
    return found


def _sum(x: Expr, axis: int | tuple[int, ...] | None = None) -> Expr:
    return sum_axes(x, (axis,) if isinstance(axis, int) else axis)


_APPLIED: dict[str, Callable[..., Expr]] = {
    "sum": _sum,
    "trace": trace,
    "diag": diag,
    "outer": outer,
    "kron": kron,
}


def _column_scaled(v: Expr, A: Expr) -> Expr:
    return ein([(v, "i"), (A, "ij")], "ij")


def _product(factors: Sequence[Expr], spec: Spec) -> Expr:
    extents: dict[Label, Any] = dict(spec.new)
    return ein(list(zip(factors, spec.factors, strict=True)), spec.out, extents)


def rebuilt(part: Part) -> Expr:
    """The node that the operators of a form build.

    Raises:
        WengertError: they do not fit together.
    """
    if isinstance(part, Expr):
        return part
    args = [rebuilt(p) for p in part.parts]
    match part.kind:
        case "number" | "literal":
            return const(part.data)
        case "neg":
            return OPERATORS.neg(*args)
        case "add":
            return OPERATORS.add(*args)
        case "sub":
            return OPERATORS.sub(*args)
        case "mul" | "hadamard" | "rows":
            return OPERATORS.mul(*args)
        case "column":
            return OPERATORS.getitem(args[0], (slice(None), None))
        case "columns":
            return _column_scaled(*args)
        case "div":
            return OPERATORS.div(*args)
        case "pow":
            return OPERATORS.power(*args)
        case "matmul":
            return OPERATORS.matmul(*args)
        case "transpose":
            return OPERATORS.transpose(*args)
        case "apply":
            name, options = part.data
            return _APPLIED[name](*args, **options)
        case "einsum":
            return _product(args, part.data)
        case "ones":
            return ones(part.data)
        case "zeros":
            return zeros(part.data)
        case "eye":
            return eye(part.data)
        case _:
            raise WengertError(f"form {part.kind} is not rebuilt")


def gives(form: Form, node: Expr) -> bool:
    """Whether the operators of the form build exactly this node."""
    try:
        return rebuilt(form) is node
    except WengertError:
        return False
