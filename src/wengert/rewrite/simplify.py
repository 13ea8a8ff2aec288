"""Simplification for reading, recognition of known functions, and stabilisation for execution."""

from __future__ import annotations

from typing import Literal, TypeAlias

from wengert.ir.node import Expr, paused_gc
from wengert.ir.types import TupleType, is_complex
from wengert.ir.walk import order
from wengert.ops.given import given
from wengert.rewrite import choices, logistic, matrix, real, stability, trigonometry
from wengert.rewrite.build import built
from wengert.rewrite.conditions import conditions, dropped
from wengert.rewrite.cost import token_cost
from wengert.rewrite.engine import matched, normal_form, prepare, walked
from wengert.rewrite.improve import improved
from wengert.rewrite.session import Session

__all__ = ["TABLES", "conditions", "fired", "recognise", "simplify", "stabilise", "token_cost"]

Target: TypeAlias = Literal["formula", "stable"]

TABLES = (real, trigonometry, logistic, choices, matrix, stability)  # imported for their rules
_MOST_PASSES = 5


def simplify(
    expr: Expr,
    *,
    level: int = 2,
    strict: bool = False,
    target: Target = "formula",
    keep_conditions: bool = True,
) -> Expr:
    """The same value in fewer words.

    ``level`` 0 collects equal terms and powers; 1 also knows the functions and takes out common factors; 2
    also tries common denominators, multiplying out and double angles, and keeps what is shorter. With
    ``target="stable"`` it is :func:`stabilise` instead.

    Values are those over the real numbers, wherever the original is defined and finite. Where the result is
    defined although the original is not (``x/x`` is 1), the condition is remembered (``expr.conditions``),
    unless ``keep_conditions`` is false; with ``strict`` such steps are not taken. The type is kept.
    Complex expressions are simplified by the laws of rings only.

    >>> from wengert.ops.leaves import symbol
    >>> from wengert.ops.trig import cos, sin
    >>> x = symbol("x")
    >>> simplify(x * sin(x) ** 2 + x * cos(x) ** 2) is x
    True
    """
    if target == "stable":
        result = stabilise(expr, strict=strict)
        return given(result, *dropped(expr, result)) if keep_conditions else result
    nodes = order([expr])
    if len(nodes) == 1:
        return expr
    with paused_gc():
        s = _session(nodes, level=level, strict=strict)
        node = walked(s, expr)
        result = built(s, _shortened(s, node) if level else node)
        if not _same_type(result, expr):
            return expr
        return given(result, *dropped(expr, result)) if keep_conditions else result


def fired(expr: Expr, *, level: int = 2, strict: bool = False) -> dict[str, int]:
    """The rules that simplification tries with success, by name, and how often each.

    >>> from wengert.ops.leaves import symbol
    >>> from wengert.ops.trig import cos, sin
    >>> x = symbol("x")
    >>> fired(sin(x) ** 2 + cos(x) ** 2)
    {'sin^2 + cos^2': 1}
    """
    s = _session(order([expr]), level=level, strict=strict)
    with paused_gc():
        _shortened(s, walked(s, expr))
    return dict(s.fired)


def recognise(expr: Expr) -> Expr:
    """The expression with known functions in place of their spelt-out forms, where that is shorter.

    ``log(1 + exp(x))`` is ``softplus(x)``, ``exp(x)/sum(exp(x))`` is ``softmax(x)``. Done before
    differentiating, it gives shorter derivatives; what no rule matches is left as it stands.

    >>> import wengert as wg
    >>> print(wg.recognise(wg.parse("log(1 + exp(x))")))
    softplus(x)
    """
    nodes = order([expr])
    if len(nodes) == 1:
        return expr
    with paused_gc():
        return matched(_session(nodes, level=1), Session(level=0), expr)


def stabilise(expr: Expr, *, strict: bool = False) -> Expr:
    """The expression in a form that neither overflows nor cancels, for execution.

    Exponentials, logarithms, norms and quotients get forms that stay finite and accurate (``log(1 + x)``
    is ``log1p(x)``, ``sin(x)/x`` is ``usinc(x)``); everything else is left as it stands, node for node.
    Before differentiating it removes singularities, after it what differentiation brought in. With
    ``strict`` no step is taken that makes the expression defined where it was not.

    >>> import wengert as wg
    >>> e = wg.parse("log(exp(x) + exp(y))")
    >>> print(e.evaluate(x=800.0, y=0.0), wg.stabilise(e).evaluate(x=800.0, y=0.0))
    inf 800.0
    """
    nodes = order([expr])
    if len(nodes) == 1:
        return expr
    with paused_gc():
        s = _session(nodes, level=1, strict=strict, stable=True)
        return matched(s, Session(level=0, strict=strict, stable=True), expr)


def _session(
    nodes: list[Expr], *, level: int, strict: bool = False, stable: bool = False
) -> Session:
    """A session with its rules, or without any where complex numbers occur: the rules are for real ones."""
    s = Session(level=level, strict=strict, stable=stable)
    is_real = all(isinstance(n.type, TupleType) or not is_complex(n.type) for n in nodes)
    return prepare(s) if is_real and level else s


def _same_type(a: Expr, b: Expr) -> bool:
    """Whether shapes and dtypes agree; a number may stand for any dtype."""
    if isinstance(a.type, TupleType) or isinstance(b.type, TupleType):
        return a.type is b.type
    return a.type.shape == b.type.shape and (a.type.weak or a.type.dtype == b.type.dtype)


def _shortened(s: Session, node: Expr) -> Expr:
    for _ in range(_MOST_PASSES):
        shorter = _improved_everywhere(s, node)
        if shorter is node:
            return node
        node = shorter
    return node


def _improved_everywhere(s: Session, root: Expr) -> Expr:
    done: dict[Expr, Expr] = {}
    for node in order([root]):
        args = tuple([done[a] for a in node.args]) if node.args else ()
        changed = node if args == node.args else normal_form(s, node, args)
        done[node] = improved(s, changed)
    return done[root]
