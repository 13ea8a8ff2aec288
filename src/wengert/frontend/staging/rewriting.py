"""Source whose branches, loops, calls, operators and stores go through the staging runtime.

The bodies of branches and loops become inner functions that share their variables with the function around
them as ``nonlocal`` cells; the runtime reads and writes those cells, so no code for getting and setting
state is generated. All nodes keep the line numbers of the user's source.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wengert.frontend.staging.exits import RESULT, UNKNOWN_RESULT, lowered, own_nodes
from wengert.frontend.staging.plain_source import keep_plain_loops, plain_part

__all__ = ["ELEMENT", "RUNTIME", "SETTER", "Rewriting", "bound_names"]

_Node = TypeVar("_Node", bound=ast.AST)

RUNTIME = "__wg__"
ELEMENT = "_wg_element"
_FLAGS = "_wg_flags"
_SOURCE = "_wg_source"
_FOUND = "_wg_found"
SETTER = "_wg_set_"
_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.MatMult: "@", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.LShift: "<<", ast.RShift: ">>", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
}  # fmt: skip


def _load(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _call(function: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(_load(RUNTIME), function, ast.Load()), list(args), [])


def _later(body: ast.expr) -> ast.expr:
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), body)


def _called(function: str) -> ast.stmt:
    return ast.Expr(ast.Call(_load(function), [], []))


def _is(name: str, value: bool) -> ast.expr:
    return ast.Compare(_load(name), [ast.Is()], [ast.Constant(value)])


def _operator(op: ast.AST) -> ast.expr:
    return ast.Constant(_OPERATORS[type(op)])


def _stored(target: ast.AST) -> set[str]:
    return {
        n.id
        for n in ast.walk(target)
        if isinstance(n, ast.Name) and isinstance(n.ctx, (ast.Store, ast.Del))
    }


def bound_names(statements: Sequence[ast.AST]) -> set[str]:
    """The variables that statements bind in their own scope (those of comprehensions are not)."""
    names: set[str] = set()
    inner: set[str] = set()
    for node in own_nodes(statements):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=alias):
                names.add((alias or name).split(".")[0])
            case ast.ExceptHandler(name=str(name)):
                names.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                names.add(name)
            case ast.MatchMapping(rest=str(name)):
                names.add(name)
            case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.For() | ast.Delete():
                targets = getattr(node, "targets", None) or [node.target]  # type: ignore[union-attr]
                for target in targets:
                    names |= _stored(target)
            case ast.With(items=items):
                for item in items:
                    if item.optional_vars is not None:
                        names |= _stored(item.optional_vars)
            case ast.NamedExpr(target=target):
                names |= _stored(target)
            case ast.comprehension(target=target):
                inner |= _stored(target)
    return names


@dataclass
class _Scope:
    bound: set[str]
    globals: set[str] = field(default_factory=set)
    first: str | None = None
    generator: bool = False
    name: str = ""
    lambda_: bool = False  # of the user's
    comprehension: bool = False
    walrus: set[str] = field(default_factory=set)  # what is bound by := in it


class Rewriting(ast.NodeTransformer):
    """Rewrites one top-level function (or lambda) and everything inside it.

    ``static`` are the names from outside that stand for functions, classes and modules, which are left as
    they are; all other names from outside are read through the runtime.
    """

    def __init__(self, static: Iterable[str], class_name: str | None) -> None:
        self.static = frozenset(static)
        self.class_name = class_name
        self.count = 0
        self.scopes: list[_Scope] = []

    # --- helpers ---------------------------------------------------------------------------------
    def fresh(self, hint: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"_wg_{hint}{self.count}"

    def at(self, new: _Node, old: ast.AST) -> _Node:
        """Give new nodes the place of the old one.

        Compound statements are reduced to their first line: CPython reports a call of an attribute at
        the line where the attribute ends.
        """
        compound = isinstance(old, (ast.If, ast.While, ast.For, ast.With, ast.Try, ast.FunctionDef))
        todo: list[ast.AST] = [new, *ast.iter_child_nodes(new)]
        while todo:
            node = todo.pop()
            if isinstance(node, (ast.expr, ast.stmt, ast.arg)):
                if hasattr(node, "lineno"):
                    continue  # it and all below have their places
                ast.copy_location(node, old)
                if compound:
                    node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
            todo += ast.iter_child_nodes(node)
        return new

    def name_of(self, name: str) -> str:
        """Private names inside classes are mangled, as the compiler does."""
        if self.class_name and name.startswith("__") and not name.endswith("__"):
            return f"_{self.class_name.lstrip('_')}{name}"
        return name

    def statements(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        """The statements, staged."""
        found: list[ast.stmt] = []
        for statement in statements:
            result = self.visit(statement)
            if isinstance(result, list):
                found += result
            elif result is not None:
                found.append(result)
        return found

    # --- functions ---------------------------------------------------------------------------------
    def function(self, node: ast.FunctionDef, *, top: bool) -> ast.FunctionDef:
        """The staged definition; ``top`` for the function that is converted itself."""
        generator = any(
            isinstance(n, (ast.Yield, ast.YieldFrom, ast.Await)) for n in own_nodes(node.body)
        )
        arguments = node.args
        if not top:
            arguments.defaults = [self.visit(d) for d in arguments.defaults]
            arguments.kw_defaults = [
                None if d is None else self.visit(d) for d in arguments.kw_defaults
            ]
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a]
        for argument in every:
            argument.annotation = None
        params = {self.name_of(a.arg) for a in every}
        outside = {
            n
            for s in own_nodes(node.body)
            if isinstance(s, (ast.Global, ast.Nonlocal))
            for n in s.names
        }
        declared = {n for s in own_nodes(node.body) if isinstance(s, ast.Global) for n in s.names}
        if not generator:
            keep_plain_loops(own_nodes(node.body))
        body = node.body if generator else lowered(node.body)
        bound = {self.name_of(n) for n in bound_names(body)}
        first = (
            (arguments.posonlyargs + arguments.args)[0].arg
            if arguments.posonlyargs + arguments.args
            else None
        )
        self.scopes.append(_Scope(bound - outside | params, declared, first, generator, node.name))
        local = sorted(bound - outside - params)
        rebound = sorted(bound & outside)
        if generator:
            body = self.statements(body)
        else:
            body = self.statements(body)
            if local:  # makes every variable a variable of this scope; never executed
                never: list[ast.stmt] = [
                    ast.Assign([ast.Name(n, ast.Store())], ast.Constant(None)) for n in local
                ]
                body.insert(0, ast.If(ast.Constant(0), never, []))
            walrus = sorted(self.scopes[-1].walrus)
            body[1 if local else 0 : 1 if local else 0] = [
                _setter(name, name in outside and name in declared) for name in walrus
            ]
        self.scopes.pop()
        declarations = [s for s in body if isinstance(s, (ast.Global, ast.Nonlocal))]
        node.body = declarations + [s for s in body if s not in declarations]
        node.returns = None
        if hasattr(node, "type_params"):
            node.type_params = []
        if top:
            node.decorator_list = []
        else:
            node.decorator_list = [self.visit(d) for d in node.decorator_list]
            if rebound:
                node.decorator_list.append(_call("rebinds", ast.Constant(" ".join(rebound))))
        return self.at(node, node)

    def region(
        self, name: str, body: Sequence[ast.stmt], where: ast.AST, argument: str = ""
    ) -> Any:
        """An inner function that holds a region; variables that it binds are shared."""
        scope = self.scopes[-1]
        names = {self.name_of(n) for n in bound_names(body)}
        inside = self.statements(body) or [ast.Pass()]
        moved = [s for s in inside if isinstance(s, (ast.Global, ast.Nonlocal))]
        inside = [s for s in inside if s not in moved]
        head: list[ast.stmt] = []
        if names & scope.globals:
            head.append(ast.Global(sorted(names & scope.globals)))
        if names - scope.globals:
            head.append(ast.Nonlocal(sorted(names - scope.globals)))
        args = [ast.arg(argument)] if argument else []
        node = ast.FunctionDef(
            name, ast.arguments([], args, None, [], [], None, []), head + inside, [], None
        )
        if "type_params" in ast.FunctionDef._fields:
            node.type_params = []  # type: ignore[attr-defined]  # from Python 3.12 on
        return self.at(node, where)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self.function(node, top=False)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node  # methods are converted when they are called

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self.lambda_(node)

    def lambda_(self, node: ast.Lambda) -> ast.Lambda:
        """The staged lambda itself."""
        arguments = node.args
        arguments.defaults = [self.visit(d) for d in arguments.defaults]
        arguments.kw_defaults = [
            None if d is None else self.visit(d) for d in arguments.kw_defaults
        ]
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [a for a in (arguments.vararg, arguments.kwarg) if a]
        first = every[0].arg if every else None
        self.scopes.append(
            _Scope({a.arg for a in every} | bound_names([node.body]), set(), first, lambda_=True)
        )
        node.body = self.visit(node.body)
        self.scopes.pop()
        return node

    # --- statements --------------------------------------------------------------------------------
    def plainly(self, node: Any) -> Any:
        """A statement of a generator: executed, with conditions that have to be known."""
        if isinstance(node, ast.For):
            node.iter = self.at(_call("plain_elements", self.visit(node.iter)), node.iter)
        else:
            name = ast.Constant(self.scopes[-1].name)
            node.test = self.at(_call("truth", self.visit(node.test), name), node.test)
        node.body = self.statements(node.body)
        node.orelse = self.statements(node.orelse)
        return node

    def visit_If(self, node: ast.If) -> Any:
        if self.scopes[-1].generator:
            return self.plainly(node)
        flag, then, orelse = self.fresh("if"), self.fresh("then"), self.fresh("else")
        test = _call("decided", self.visit(_for_truth(node.test)))
        body = self.region(then, node.body, node)
        other: ast.expr = ast.Attribute(_load(RUNTIME), "nothing", ast.Load())
        found: list[ast.stmt] = [ast.Assign([ast.Name(flag, ast.Store())], test)]
        # Each region is made only where it may be needed, and called at once where it is known to be.
        if node.orelse:
            other = _load(orelse)
            only = ast.If(_is(flag, False), [_called(orelse)], [])
            region = self.region(orelse, node.orelse, node)
            found.append(ast.If(ast.UnaryOp(ast.Not(), _is(flag, True)), [region, only], []))
        both = ast.Expr(_call("if_", _load(flag), _load(then), other))
        only = ast.If(_is(flag, True), [_called(then)], [both])
        found.append(ast.If(ast.UnaryOp(ast.Not(), _is(flag, False)), [body, only], []))
        return [self.at(statement, node) for statement in found]

    def visit_While(self, node: ast.While) -> Any:
        if self.scopes[-1].generator:
            return self.plainly(node)
        test, body = self.fresh("test"), self.fresh("body")
        condition: ast.expr = node.test
        broken = getattr(node, "broken", None)
        if broken:
            condition = ast.BoolOp(ast.And(), [ast.UnaryOp(ast.Not(), _load(broken)), condition])
            self.at(condition, node)
        _for_truth(condition)
        found = [
            self.region(test, [ast.copy_location(ast.Return(condition), node)], node),
            self.region(body, node.body, node),
            self.at(ast.Expr(_call("while_", _load(test), _load(body))), node),
        ]
        return self.or_plain(node, found)

    def visit_For(self, node: ast.For) -> Any:
        if self.scopes[-1].generator:
            return self.plainly(node)
        body = self.fresh("body")
        broken = getattr(node, "broken", None)
        iterable = self.visit(node.iter)
        target = ast.copy_location(ast.Assign([node.target], _load(ELEMENT)), node)
        self.at(target, node)
        found = [
            self.region(body, [target, *node.body], node, ELEMENT),
            self.at(ast.Expr(_call("for_", iterable, _load(body), ast.Constant(broken))), node),
        ]
        return self.or_plain(node, found)

    def or_plain(self, node: ast.For | ast.While, staged: list[ast.stmt]) -> list[ast.stmt]:
        """The staged loop, or the loop as it was written where Python itself may run it."""
        loop: ast.stmt | None = getattr(node, "plain", None)
        plain = None if loop is None else plain_part(loop, self.is_variable, self.is_static)
        if loop is None or plain is None:
            return staged
        variables = _later(ast.Tuple([_load(n) for n in sorted(plain.variables)], ast.Load()))
        functions = ast.Tuple([_load(n) for n in sorted(plain.functions)], ast.Load())
        flags = ast.Constant(plain.changes), ast.Constant(plain.makes)
        test = _call("is_plain", variables, functions, *flags)
        body = [loop]
        if plain.makes:
            body.append(ast.Expr(_call("born", copy.deepcopy(variables))))
        return [self.at(ast.If(test, body, staged), node)]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return self.at(ast.Pass(), node)
        return self.visit(self.at(ast.Assign([node.target], node.value), node))

    def visit_Assign(self, node: ast.Assign) -> Any:
        value = self.visit(node.value)
        first = node.targets[0]
        if isinstance(first, ast.Name) and first.id == RESULT and not _is_no_result(node.value):
            value = self.at(_call("returned", value), node)
        parts = next((t.elts for t in node.targets if isinstance(t, (ast.Tuple, ast.List))), None)
        if parts is not None and not isinstance(node.value, ast.Tuple):
            star = any(isinstance(p, ast.Starred) for p in parts)
            count, flag = ast.Constant(len(parts)), ast.Constant(star)
            value = self.at(_call("several", value, count, flag), node)
        if all(_plain(t) for t in node.targets):
            node.value = value
            node.targets = [self.target(t) for t in node.targets]
            return node
        if len(node.targets) == 1:
            return self.store(node.targets[0], value, node)
        name = self.fresh("value")
        self.scopes[-1].bound.add(name)
        found: list[ast.stmt] = [self.at(ast.Assign([ast.Name(name, ast.Store())], value), node)]
        for target in node.targets:
            found += self.store(target, _load(name), node)
        return found

    def target(self, target: ast.expr) -> ast.expr:
        """A target of an assignment, with names as the compiler has them."""
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                node.id = self.name_of(node.id)
        return target

    def store(self, target: ast.expr, value: ast.expr, where: ast.AST) -> list[ast.stmt]:
        """The statements that store a value in a target."""
        match target:
            case ast.Subscript(value=base, slice=index):
                call = _call("store_item", value, self.visit(base), self.index(index))
                return [self.at(ast.Expr(call), where)]
            case ast.Attribute(value=base, attr=name):
                name = self.name_of(name)
                call = _call("store_attr", value, self.visit(base), ast.Constant(name))
                return [self.at(ast.Expr(call), where)]
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if not _plain(target):
                names = [self.fresh("part") for _ in parts]
                targets = [
                    ast.Starred(ast.Name(n, ast.Store()), ast.Store())
                    if isinstance(p, ast.Starred)
                    else ast.Name(n, ast.Store())
                    for n, p in zip(names, parts, strict=True)
                ]
                first = ast.Assign([ast.Tuple(list(targets), ast.Store())], value)
                found: list[ast.stmt] = [self.at(first, where)]
                for name, part in zip(names, parts, strict=True):
                    inner = part.value if isinstance(part, ast.Starred) else part
                    found += self.store(inner, _load(name), where)
                return found
        return [self.at(ast.Assign([self.target(target)], value), where)]

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        op, value, target = _operator(node.op), self.visit(node.value), node.target
        match target:
            case ast.Name(id=name):
                name = self.name_of(name)
                call = _call("augment", op, self.name(name), value)
                return self.at(ast.Assign([ast.Name(name, ast.Store())], call), node)
            case ast.Subscript(value=base, slice=index):
                call = _call("augment_item", op, self.visit(base), self.index(index), _later(value))
            case ast.Attribute(value=base, attr=name):
                attr = ast.Constant(self.name_of(name))
                call = _call("augment_attr", op, self.visit(base), attr, _later(value))
        return self.at(ast.Expr(call), node)

    def visit_Delete(self, node: ast.Delete) -> Any:
        found: list[ast.stmt] = []
        for target in node.targets:
            match target:
                case ast.Subscript(value=base, slice=index):
                    call = _call("delitem", self.visit(base), self.index(index))
                    found.append(self.at(ast.Expr(call), node))
                case ast.Attribute(value=base, attr=name):
                    call = _call("delattr_", self.visit(base), ast.Constant(self.name_of(name)))
                    found.append(self.at(ast.Expr(call), node))
                case _:
                    found.append(self.at(ast.Delete([target]), node))
        return found

    def visit_Assert(self, node: ast.Assert) -> Any:
        message = ast.Constant(None) if node.msg is None else _later(self.visit(node.msg))
        call = _call("assert_", self.visit(node.test), message)
        return self.at(ast.Expr(call), node)

    def visit_Raise(self, node: ast.Raise) -> Any:
        if node.exc is None:
            return node
        cause = ast.Constant(None) if node.cause is None else self.visit(node.cause)
        return self.at(ast.Expr(_call("raise_", self.visit(node.exc), cause)), node)

    def visit_Match(self, node: ast.Match) -> Any:
        """Cases become a chain of ``if``; what a pattern binds is bound before its guard."""
        subject, done = self.fresh("subject"), self.fresh("matched")
        self.scopes[-1].bound |= {subject, done}
        chain: list[ast.stmt] = []
        for case in reversed(node.cases):
            tests, binds = _pattern(case.pattern, _load(subject))
            bindings: list[ast.stmt] = [
                ast.Assign([ast.Name(name, ast.Store())], value) for name, value in binds
            ]
            hit: list[ast.stmt] = [ast.Assign([ast.Name(done, ast.Store())], ast.Constant(True))]
            body = [*hit, *case.body]
            if case.guard is not None:
                body = [ast.If(case.guard, body, [])]
            matched = [*bindings, *body]
            test = ast.BoolOp(ast.And(), tests) if len(tests) > 1 else tests[0] if tests else None
            first = matched if test is None else [ast.If(test, matched, [])]
            rest: list[ast.stmt] = []
            if chain:
                rest = [ast.If(ast.UnaryOp(ast.Not(), _load(done)), chain, [])]
            chain = [self.at(s, case.body[0]) for s in (*first, *rest)]
        start: list[ast.stmt] = [
            ast.Assign([ast.Name(subject, ast.Store())], node.subject),
            ast.Assign([ast.Name(done, ast.Store())], ast.Constant(False)),
        ]
        whole = [self.at(s, node) for s in start] + chain
        for statement in whole:
            for part in ast.walk(statement):
                if isinstance(part, (ast.expr, ast.stmt)) and not hasattr(part, "lineno"):
                    ast.copy_location(part, node)
        return self.statements(whole)

    def visit_With(self, node: ast.With) -> Any:
        for item in node.items:
            managed = _call("managed", self.visit(item.context_expr))
            item.context_expr = self.at(managed, item.context_expr)
        node.body = self.statements(node.body)
        return node

    def visit_Try(self, node: ast.Try) -> Any:
        if self.scopes[-1].generator or not node.handlers:
            node.body = self.statements(node.body)
            for handler in node.handlers:
                handler.body = self.statements(handler.body)
            node.orelse = self.statements(node.orelse)
            node.finalbody = self.statements(node.finalbody)
            return node
        count = sum(not _is_flag(s) for s in node.body)
        body, orelse = self.fresh("body"), self.fresh("else")
        found = [self.region(body, node.body, node), self.region(orelse, node.orelse, node)]
        handlers: list[ast.expr] = []
        for handler in node.handlers:
            name = self.fresh("handler")
            inside = list(handler.body)
            if handler.name:
                bound = ast.Assign([ast.Name(handler.name, ast.Store())], _load(ELEMENT))
                inside.insert(0, ast.copy_location(bound, handler))
                self.at(bound, handler)
            found.append(self.region(name, inside, handler, ELEMENT))
            kinds = ast.Constant(None) if handler.type is None else self.visit(handler.type)
            handlers.append(ast.Tuple([_later(kinds), _load(name)], ast.Load()))
        call = _call(
            "try_",
            _load(body),
            ast.Tuple(handlers, ast.Load()),
            _load(orelse),
            ast.Constant(count == 1),
        )
        statement = self.at(ast.Expr(call), node)
        if not node.finalbody:
            return [*found, statement]
        final = ast.Try([*found, statement], [], [], self.statements(node.finalbody))
        return self.at(final, node)

    # --- expressions -------------------------------------------------------------------------------
    def index(self, index: ast.expr) -> ast.expr:
        """What stands between brackets; slices become calls of ``slice``."""
        if isinstance(index, ast.Slice):
            parts = [
                ast.Constant(None) if p is None else self.visit(p)
                for p in (index.lower, index.upper, index.step)
            ]
            return self.at(ast.Call(_load("slice"), parts, []), index)
        if isinstance(index, ast.Tuple):
            return self.at(ast.Tuple([self.index(e) for e in index.elts], ast.Load()), index)
        found: ast.expr = self.visit(index)
        return found

    def is_variable(self, name: str) -> bool:
        """Whether a name is a variable of the functions that are rewritten."""
        bound = any(name in scope.bound for scope in self.scopes)
        return bound and name not in self.scopes[-1].globals

    def is_static(self, name: str) -> bool:
        """Whether a name from outside stands for a function, a class or a module."""
        return name in self.static and not self.is_variable(name)

    def name(self, name: str) -> ast.expr:
        """The value of a variable: those from outside are read through the runtime."""
        if self.is_variable(name):
            return _load(name)
        if name in self.static or name.startswith("_wg_") or name == RUNTIME:
            return _load(name)
        return _call("outer", ast.Constant(name), _later(_load(name)))

    def visit_Name(self, node: ast.Name) -> Any:
        if not isinstance(node.ctx, ast.Load):
            return node
        return self.at(self.name(self.name_of(node.id)), node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> Any:
        value = self.visit(node.value)
        scope = next(s for s in reversed(self.scopes) if not s.comprehension)
        if scope.lambda_ or scope.generator:
            node.value = value
            return node
        # Inside a deferred operand a walrus would bind a variable of the lambda.
        scope.walrus.add(self.name_of(node.target.id))
        return self.at(ast.Call(_load(SETTER + self.name_of(node.target.id)), [value], []), node)

    def visit_Call(self, node: ast.Call) -> Any:
        if (
            isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == RUNTIME
        ):
            node.args = [self.visit(a) for a in node.args]
            return node
        if (
            isinstance(node.func, ast.Name)
            and node.func.id == "super"
            and not node.args
            and not node.keywords
        ):
            first = next((s.first for s in reversed(self.scopes) if s.first), None)
            if first:
                return self.at(
                    ast.Call(_load("super"), [_load("__class__"), _load(first)], []), node
                )
        if isinstance(node.func, ast.Name) and node.func.id in (
            "locals",
            "globals",
            "vars",
            "eval",
            "exec",
        ):
            node.args = [self.visit(a) for a in node.args]
            return node
        args: list[ast.expr] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                star = _call("unpacked", self.visit(argument.value))
                args.append(self.at(ast.Starred(star, ast.Load()), node))
            else:
                args.append(self.visit(argument))
        for keyword in node.keywords:
            keyword.value = self.visit(keyword.value)
        call = _call("call", self.visit(node.func), *args)
        call.keywords = node.keywords
        return self.at(call, node)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        value = self.visit(node.value)
        name = self.name_of(node.attr)
        if not isinstance(node.ctx, ast.Load):
            return self.at(ast.Attribute(value, name, node.ctx), node)
        if isinstance(value, ast.Name) and value.id in self.static:
            return self.at(_call("member", value, ast.Constant(name)), node)
        return self.at(_call("attr", value, ast.Constant(name)), node)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        call = _call("getitem", self.visit(node.value), self.index(node.slice))
        return self.at(call, node)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        left, right = self.visit(node.left), self.visit(node.right)
        return self.at(_call("binary", _operator(node.op), left, right), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            _for_truth(node.operand)
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return self.at(_call("not_", operand), node)
        if isinstance(operand, ast.Constant):
            return self.at(ast.UnaryOp(node.op, operand), node)
        return self.at(_call("unary", _operator(node.op), operand), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        function = "and_" if isinstance(node.op, ast.And) else "or_"
        values = [self.visit(v) for v in node.values]
        if getattr(node, "for_truth", False):
            values = [self.at(_call("tested", v), node) for v in values]
        found = values[-1]
        for value in reversed(values[:-1]):
            found = _call(function, value, _later(found))
        return self.at(found, node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        left = self.visit(node.left)
        rights = [self.visit(c) for c in node.comparators]
        if len(rights) == 1:
            return self.at(_call("compare", _operator(node.ops[0]), left, rights[0]), node)
        operators = ast.Tuple([_operator(op) for op in node.ops], ast.Load())
        return self.at(_call("chain", operators, left, *(_later(r) for r in rights)), node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> Any:
        return self.at(_call("as_text", self._filled(node)), node)

    def _filled(self, node: ast.JoinedStr) -> ast.JoinedStr:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.at(_call("shown", self.visit(part.value)), part.value)
                if isinstance(part.format_spec, ast.JoinedStr):
                    part.format_spec = self._filled(part.format_spec)
        return node

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        test = self.visit(_for_truth(node.test))
        body, orelse = self.visit(node.body), self.visit(node.orelse)
        return self.at(_call("choose", test, _later(body), _later(orelse)), node)

    def visit_List(self, node: ast.List) -> Any:
        if not isinstance(node.ctx, ast.Load):
            return node
        if not any(isinstance(n, ast.Starred) for n in node.elts):
            return self.at(_call("new", ast.List(self.elements(node.elts), ast.Load())), node)
        parts: list[ast.expr] = []
        for each in node.elts:
            if isinstance(each, ast.Starred):
                parts.append(self.visit(each.value))
            else:
                parts.append(ast.Tuple([self.visit(each)], ast.Load()))
        return self.at(_call("joined", *parts), node)

    def visit_Tuple(self, node: ast.Tuple) -> Any:
        if not isinstance(node.ctx, ast.Load):
            return node
        return self.at(ast.Tuple(self.elements(node.elts), ast.Load()), node)

    def elements(self, nodes: Sequence[ast.expr]) -> list[ast.expr]:
        """The elements of a display, staged; starred ones go through the runtime."""
        return [
            self.at(ast.Starred(_call("unpacked", self.visit(n.value)), ast.Load()), n)
            if isinstance(n, ast.Starred)
            else self.visit(n)
            for n in nodes
        ]

    def visit_Dict(self, node: ast.Dict) -> Any:
        self.generic_visit(node)
        return self.at(_call("new", node), node)

    def visit_Set(self, node: ast.Set) -> Any:
        elements = ast.List(self.elements(node.elts), ast.Load())
        return self.at(_call("set_of", elements), node)

    # --- comprehensions ----------------------------------------------------------------------------
    def visit_ListComp(self, node: ast.ListComp) -> Any:
        return self.comprehension(node)

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # type: ignore[assignment]  # noqa: N815

    def comprehension(self, node: Any) -> Any:  # Any: four classes of nodes without a common base
        """A comprehension whose iterables, conditions and elements go through the runtime."""
        inner: set[str] = set()
        for generator in node.generators:
            inner |= _stored(generator.target)
        source = self.visit(node.generators[0].iter)
        walrus = any(isinstance(part, ast.NamedExpr) for part in ast.walk(node))
        first = self.scopes[-1].first if self.scopes else None
        self.scopes.append(_Scope(inner, set(), first, comprehension=True))
        flags = _load(_FLAGS)
        for level, generator in enumerate(node.generators):
            number = ast.Constant(level)
            iterable = _load(_SOURCE) if level == 0 else self.visit(generator.iter)
            later = _later(iterable)
            generator.iter = self.at(_call("elements", number, later, flags), generator.iter)
            generator.target = self.target(generator.target)
            generator.ifs = [
                self.at(_call("kept", number, _later(self.visit(_for_truth(i))), flags), i)
                for i in generator.ifs
            ]
        if isinstance(node, ast.DictComp):
            node.key, node.value = self.visit(node.key), self.visit(node.value)
        else:
            node.elt = self.visit(node.elt)
        self.scopes.pop()
        kind = {ast.ListComp: "list", ast.GeneratorExp: "generator", ast.SetComp: "set"}.get(
            type(node), "dict"
        )
        looped: ast.expr = ast.Constant(None)
        if kind in ("list", "generator") and not walrus:
            looped = self.at(_function(_looped(node.generators, node.elt), _SOURCE, _FOUND), node)
        if kind in ("list", "generator"):
            node.elt = self.at(_call("element", _later(node.elt), flags), node.elt)
        made: ast.expr = node
        if kind == "set":
            made = self.at(ast.ListComp(node.elt, node.generators), node)
        plain = _function(made, _SOURCE, _FLAGS)
        return self.at(_call("comprehended", source, plain, looped, ast.Constant(kind)), node)


def _function(body: ast.expr, *names: str) -> ast.expr:
    """``lambda names: body``."""
    args = [ast.arg(name) for name in names]
    return ast.Lambda(ast.arguments([], args, None, [], [], None, []), body)


def _looped(generators: Sequence[ast.comprehension], element: ast.expr) -> ast.expr:
    """A rewritten list comprehension as loops: ``for_(source, lambda e: [appended(...) for x in (e,)])``."""
    found = _call("appended", _load(_FOUND), copy.deepcopy(element))
    nothing = _later(ast.Constant(None))
    for level, generator in reversed(list(enumerate(generators))):
        for test in reversed(generator.ifs):
            assert isinstance(test, ast.Call)  # of `kept`
            found = _call("if_", copy.deepcopy(_now(test.args[1])), _later(found), nothing)
        name = f"{ELEMENT}{level}"
        target = copy.deepcopy(generator.target)
        bound = ast.comprehension(target, ast.Tuple([_load(name)], ast.Load()), [], 0)
        assert isinstance(generator.iter, ast.Call)  # of `elements`
        iterable = copy.deepcopy(_now(generator.iter.args[1]))
        body = _function(ast.ListComp(found, [bound]), name)
        found = _call("for_", iterable, body, ast.Constant(None))
    return found


def _now(later: ast.expr) -> ast.expr:
    """What a ``lambda:`` returns."""
    assert isinstance(later, ast.Lambda)
    return later.body


def _for_truth(node: ast.expr) -> ast.expr:
    """Mark ``and`` and ``or`` of which only the truth matters: their parts are tested, not chosen between."""
    if isinstance(node, ast.BoolOp):
        node.for_truth = True  # type: ignore[attr-defined]
        for value in node.values:
            _for_truth(value)
    return node


def _setter(name: str, is_global: bool) -> ast.stmt:
    """``def set(v): nonlocal name; name = v; return v``."""
    declared: ast.stmt = ast.Global([name]) if is_global else ast.Nonlocal([name])
    value = "_wg_value"
    node = ast.FunctionDef(
        SETTER + name,
        ast.arguments([], [ast.arg(value)], None, [], [], None, []),
        [
            declared,
            ast.Assign([ast.Name(name, ast.Store())], _load(value)),
            ast.Return(_load(value)),
        ],
        [],
        None,
    )
    if "type_params" in ast.FunctionDef._fields:
        node.type_params = []  # type: ignore[attr-defined]  # from Python 3.12 on
    return node


def _pattern(
    pattern: ast.pattern, subject: ast.expr
) -> tuple[list[ast.expr], list[tuple[str, ast.expr]]]:
    """The tests of a pattern, in order, and what it binds."""
    match pattern:
        case ast.MatchValue(value=value):
            return [ast.Compare(subject, [ast.Eq()], [value])], []
        case ast.MatchSingleton(value=value):
            return [ast.Compare(subject, [ast.Is()], [ast.Constant(value)])], []
        case ast.MatchAs(pattern=inner, name=name):
            tests, binds = ([], []) if inner is None else _pattern(inner, subject)
            return tests, binds if name is None else [*binds, (name, subject)]
        case ast.MatchOr(patterns=patterns):
            options: list[ast.expr] = []
            for each in patterns:
                tests, _ = _pattern(each, subject)
                if not tests:
                    return [], []
                options.append(tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests))
            return [ast.BoolOp(ast.Or(), options)], []
        case ast.MatchSequence(patterns=patterns):
            return _sequence_pattern(patterns, subject)
        case ast.MatchMapping(keys=keys, patterns=patterns, rest=rest):
            found: list[ast.expr] = [_call("is_mapping", subject, *keys)]
            bound: list[tuple[str, ast.expr]] = []
            for key, each in zip(keys, patterns, strict=True):
                tests, binds = _pattern(each, ast.Subscript(subject, key, ast.Load()))
                found += tests
                bound += binds
            if rest is not None:
                bound.append((rest, _call("other_keys", subject, *keys)))
            return found, bound
        case ast.MatchClass(cls=cls, patterns=patterns, kwd_attrs=names, kwd_patterns=named):
            found = [ast.Call(_load("isinstance"), [subject, cls], [])]
            bound = []
            for number, each in enumerate(patterns):
                part = _call("positional", subject, cls, ast.Constant(number))
                tests, binds = _pattern(each, part)
                found += tests
                bound += binds
            for name, each in zip(names, named, strict=True):
                tests, binds = _pattern(each, ast.Attribute(subject, name, ast.Load()))
                found += tests
                bound += binds
            return found, bound
    raise SyntaxError("a pattern that cannot be captured")


def _sequence_pattern(
    patterns: list[ast.pattern], subject: ast.expr
) -> tuple[list[ast.expr], list[tuple[str, ast.expr]]]:
    star = next((i for i, p in enumerate(patterns) if isinstance(p, ast.MatchStar)), None)
    count = len(patterns) - (star is not None)
    tests: list[ast.expr] = [
        _call("is_sequence", subject, ast.Constant(count), ast.Constant(star is not None))
    ]
    binds: list[tuple[str, ast.expr]] = []
    for i, pattern in enumerate(patterns):
        if isinstance(pattern, ast.MatchStar):
            if pattern.name is not None:
                after = len(patterns) - i - 1
                stop = ast.Constant(-after if after else None)
                part = ast.Slice(ast.Constant(i), stop)
                whole = ast.Call(_load("list"), [ast.Subscript(subject, part, ast.Load())], [])
                binds.append((pattern.name, whole))
            continue
        place = i if star is None or i < star else i - len(patterns)
        inner, bound = _pattern(pattern, ast.Subscript(subject, ast.Constant(place), ast.Load()))
        tests += inner
        binds += bound
    return tests, binds


def _is_flag(statement: ast.stmt) -> bool:
    """Whether a statement only sets a flag of the lowering."""
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id.startswith("_wg_")
        and isinstance(statement.value, ast.Constant)
    )


def _plain(target: ast.expr) -> bool:
    if isinstance(target, ast.Starred):
        return _plain(target.value)
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(_plain(e) for e in target.elts)
    return isinstance(target, ast.Name)


def _is_no_result(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value == UNKNOWN_RESULT
