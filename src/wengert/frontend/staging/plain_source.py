"""Which loops and functions Python itself may run if all their variables are known: see ``plain``."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field

__all__ = ["Plain", "keep_plain_loops", "plain_body", "plain_part"]

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
    ast.Return,
)  # fmt: skip
_DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp)
_EXPRESSIONS = (
    ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript,
    ast.Slice, ast.Tuple, ast.Call, ast.JoinedStr, ast.FormattedValue, *_DISPLAYS,
)  # fmt: skip
_PARTS = (
    ast.comprehension, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop, ast.Module,
)  # fmt: skip


@dataclass
class Plain:
    """What a loop or a function uses, which is to be known when it is reached."""

    variables: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)  # and modules
    changes: bool = False  # whether it may change containers
    makes: bool = False  # whether it may make containers


def keep_plain_loops(nodes: Iterable[ast.AST]) -> None:
    """Copy the loops that may be plain, before their exits are lowered."""
    for node in nodes:
        if not isinstance(node, (ast.For, ast.While)) or node.orelse or not _is_simple(node):
            continue
        if not any(isinstance(inner, ast.Return) for inner in ast.walk(node)):
            node.plain = copy.deepcopy(node)  # type: ignore[union-attr]  # read by the rewriting


def _is_simple(part: ast.AST) -> bool:
    called = {id(n.func) for n in ast.walk(part) if isinstance(n, ast.Call) and not n.keywords}
    return all(
        isinstance(n, _STATEMENTS + _EXPRESSIONS + _PARTS)
        or (isinstance(n, ast.Attribute) and id(n) in called)
        for n in ast.walk(part)
    ) and not any(isinstance(n, ast.Call) and n.keywords for n in ast.walk(part))


def plain_body(function: ast.FunctionDef, static: Set[str]) -> Plain | None:
    """What the body of a function uses; None if that is more than may be known."""
    whole = ast.Module(function.body, [])
    if not _is_simple(whole):
        return None
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    if arguments.vararg or arguments.kwarg:
        return None
    variables = {a.arg for a in every}
    for node in ast.walk(whole):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.For)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = (n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name))
            variables |= {n.id for n in named if isinstance(n.ctx, ast.Store)}
    static = static - variables
    return plain_part(whole, variables.__contains__, static.__contains__)


def plain_part(
    part: ast.AST, is_variable: Callable[[str], bool], is_static: Callable[[str], bool]
) -> Plain | None:
    """What statements use; None if that is more than may be known."""
    plain = Plain()
    inner: set[str] = set()
    functions: set[int] = set()
    for node in ast.walk(part):
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
    for node in ast.walk(part):
        if isinstance(node, ast.Name) and id(node) not in functions:
            if node.id in inner:
                if is_variable(node.id):
                    return None
            elif node.id.startswith("__") or not is_variable(node.id):
                return None
            else:
                plain.variables.add(node.id)
    return plain
