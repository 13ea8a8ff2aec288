"""Which loops of a program Python itself may run if all their variables are known: see ``plain``."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

__all__ = ["Plain", "keep_plain_loops", "plain_loop"]

_READING = frozenset((
    "bit_length", "capitalize", "conjugate", "count", "endswith", "find", "get", "index", "is_integer",
    "isalpha", "isdigit", "isspace", "join", "lower", "lstrip", "replace", "rfind", "rstrip", "startswith",
    "strip", "title", "upper", "zfill",
))  # fmt: skip
_MAKING = frozenset(("copy", "items", "keys", "split", "splitlines", "values"))
_CHANGING = frozenset((
    "add", "append", "clear", "discard", "extend", "insert", "pop", "remove", "reverse", "setdefault", "sort",
    "update",
))  # fmt: skip
_STATEMENTS = (
    ast.For, ast.While, ast.If, ast.Assign, ast.AugAssign, ast.Expr, ast.Pass, ast.Break, ast.Continue,
)  # fmt: skip
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp)
_EXPRESSIONS = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript,
    ast.Slice, ast.Tuple, ast.Call, ast.JoinedStr, ast.FormattedValue, *_DISPLAYS,
)  # fmt: skip
_PARTS = (
    ast.comprehension, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip


@dataclass
class Plain:
    """A loop as it was written, with what is to be known when it is reached."""

    loop: ast.stmt
    variables: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)  # and modules
    changes: bool = False  # whether it may change containers
    makes: bool = False  # whether it may make containers


def keep_plain_loops(nodes: Iterable[ast.AST]) -> None:
    """Copy the loops that may be plain, before their exits are lowered."""
    for node in nodes:
        if isinstance(node, (ast.For, ast.While)) and not node.orelse and _is_simple(node):
            node.plain = copy.deepcopy(node)  # type: ignore[union-attr]  # read by the rewriting


def _is_simple(loop: ast.AST) -> bool:
    called = {id(n.func) for n in ast.walk(loop) if isinstance(n, ast.Call) and not n.keywords}
    return all(
        isinstance(n, _STATEMENTS + _EXPRESSIONS + _PARTS)
        or (isinstance(n, ast.Attribute) and id(n) in called)
        for n in ast.walk(loop)
    ) and not any(isinstance(n, ast.Call) and n.keywords for n in ast.walk(loop))


def plain_loop(
    loop: ast.stmt, is_variable: Callable[[str], bool], is_static: Callable[[str], bool]
) -> Plain | None:
    """What a loop uses; None if that is more than may be known."""
    plain = Plain(loop)
    inner: set[str] = set()
    functions: set[int] = set()
    for node in ast.walk(loop):
        match node:
            case ast.comprehension(target=target):
                inner |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
            case ast.Call(func=ast.Name(id=name) as function) if is_static(name):
                plain.functions.add(name)
                functions.add(id(function))
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name) as module)) if is_static(name):
                plain.functions.add(name)
                functions.add(id(module))
            case ast.Call(func=ast.Attribute(attr=name)):
                if name not in _READING | _MAKING | _CHANGING:
                    return None
                plain.changes |= name in _CHANGING
                plain.makes |= name in _MAKING
            case ast.Call():
                return None
            case ast.Subscript(ctx=ast.Store()) | ast.AugAssign():
                plain.changes = True
            case ast.Slice():
                plain.makes = True
            case ast.List() if isinstance(node.ctx, ast.Load):
                plain.makes = True
            case ast.Dict() | ast.Set() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                plain.makes = True
    for node in ast.walk(loop):
        if isinstance(node, ast.Name) and id(node) not in functions:
            if node.id in inner:
                if is_variable(node.id):
                    return None
            elif node.id.startswith("__") or not is_variable(node.id):
                return None
            else:
                plain.variables.add(node.id)
    return plain
