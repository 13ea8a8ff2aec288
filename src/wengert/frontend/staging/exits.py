"""Lower ``return``, ``break`` and ``continue`` to structured control flow.

What follows an exit moves into the other branch (``if c: return a`` + rest becomes ``if c: _rv = a`` /
``else: rest``). Flags appear only where that is not possible: for exits inside loops, and after statements in
which some but not all ways leave.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["RESULT", "SCOPES", "UNKNOWN_RESULT", "lowered", "own_nodes"]

RESULT = "_wg_result"
UNKNOWN_RESULT = "_wg_no_result"  # assigned before the variable is deleted, as it may have no value
_RETURNED = "_wg_returned"
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_BLOCKS = ("body", "orelse", "finalbody")
Kinds = tuple[type[ast.AST], ...]


def own_nodes(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """All nodes below, without those of nested functions and classes."""
    todo = list(nodes)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, SCOPES):
            todo.extend(ast.iter_child_nodes(node))


def _blocks(statement: ast.stmt) -> Iterator[tuple[Any, str]]:
    """The (owner, field) of every block of statements directly in a statement."""
    for field in _BLOCKS:
        if isinstance(getattr(statement, field, None), list):
            yield statement, field
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part, "body"


def _has(statements: Sequence[ast.stmt], kinds: Kinds, *, in_loops: bool) -> bool:
    for statement in statements:
        if isinstance(statement, kinds):
            return True
        if isinstance(statement, SCOPES):
            continue
        if isinstance(statement, (ast.For, ast.While)) and not in_loops:
            if _has(statement.orelse, kinds, in_loops=False):
                return True
            continue
        if any(_has(getattr(o, f), kinds, in_loops=in_loops) for o, f in _blocks(statement)):
            return True
    return False


def _exits(statements: Sequence[ast.stmt]) -> bool:
    """Whether control may leave the block other than at its end (errors aside)."""
    return _has(statements, (ast.Return,), in_loops=True) or _has(
        statements, (ast.Break, ast.Continue), in_loops=False
    )


def _always_exits(statements: Sequence[ast.stmt]) -> bool:
    for statement in statements:
        if isinstance(statement, (ast.Return, ast.Break, ast.Continue, ast.Raise)):
            return True
        if (
            isinstance(statement, ast.If)
            and statement.orelse
            and _always_exits(statement.body)
            and _always_exits(statement.orelse)
        ):
            return True
        if isinstance(statement, ast.With) and _always_exits(statement.body):
            return True
    return False


class _Lowering:
    """Rewrites the statements of one function."""

    def __init__(self) -> None:
        self.count = 0

    def fresh(self, hint: str) -> str:
        self.count += 1
        return f"_wg_{hint}{self.count}"

    def block(
        self,
        statements: Sequence[ast.stmt],
        flags: Sequence[str],
        broken: str | None,
        in_loop: bool,
    ) -> list[ast.stmt]:
        """The statements; ``flags`` are set on every early exit, ``broken`` where the loop ends."""
        out: list[ast.stmt] = []
        for position, statement in enumerate(statements):
            rest = statements[position + 1 :]
            ended = self.statement(statement, rest, flags, broken, in_loop, out)
            if ended:
                break
        return out or [ast.Pass()]

    def statement(
        self,
        statement: ast.stmt,
        rest: Sequence[ast.stmt],
        flags: Sequence[str],
        broken: str | None,
        in_loop: bool,
        out: list[ast.stmt],
    ) -> bool:
        """Append the lowered statement; True if it has taken care of the rest."""

        def put(name: str, value: ast.expr) -> None:
            target = ast.Name(name, ast.Store())
            out.append(_at(ast.Assign([target], value), statement))

        def leave() -> None:
            for flag in flags:
                put(flag, ast.Constant(True))

        match statement:
            case ast.Return(value=value):
                put(RESULT, value or ast.Constant(None))
                if in_loop:
                    put(_RETURNED, ast.Constant(True))
                    if broken:
                        put(broken, ast.Constant(True))
                leave()
                return True
            case ast.Break():
                if broken:
                    put(broken, ast.Constant(True))
                leave()
                return True
            case ast.Continue():
                leave()
                if not flags:
                    out.append(_at(ast.Pass(), statement))
                return True
            case ast.Raise():
                out.append(statement)
                return True
            case ast.For() | ast.While():
                return self.loop(statement, rest, flags, broken, in_loop, out)
        if not _exits([statement]):
            for owner, field in _blocks(statement):
                inner = getattr(owner, field)
                if inner and not isinstance(statement, SCOPES):
                    setattr(owner, field, self.block(inner, [], broken, in_loop))
            out.append(statement)
            return False
        if isinstance(statement, ast.If):
            leaves, other = _always_exits(statement.body), _always_exits(statement.orelse)
            if leaves or other or not rest:
                statement.body = self.block(
                    [*statement.body, *([] if leaves else rest)], flags, broken, in_loop
                )
                statement.orelse = self.block(
                    [*statement.orelse, *([] if other else rest)], flags, broken, in_loop
                )
                out.append(statement)
                return True
        done = self.fresh("done")
        put(done, ast.Constant(False))
        for owner, field in _blocks(statement):
            inner = getattr(owner, field)
            if inner:
                setattr(owner, field, self.block(inner, [*flags, done], broken, in_loop))
        out.append(statement)
        if rest:
            out.append(
                _at(ast.If(_negated(done), self.block(rest, flags, broken, in_loop), []), statement)
            )
        return True

    def loop(
        self,
        statement: ast.For | ast.While,
        rest: Sequence[ast.stmt],
        flags: Sequence[str],
        broken: str | None,
        in_loop: bool,
        out: list[ast.stmt],
    ) -> bool:
        returns = _has(statement.body, (ast.Return,), in_loops=True)
        ends = returns or _has(statement.body, (ast.Break,), in_loops=False)
        own = self.fresh("broken") if ends else None
        otherwise = list(statement.orelse)
        if own:
            target = ast.Name(own, ast.Store())
            out.append(_at(ast.Assign([target], ast.Constant(False)), statement))
        statement.body = self.block(statement.body, [], own, True)
        statement.orelse = []
        statement.broken = own  # type: ignore[union-attr]  # read by the next pass
        out.append(statement)
        if otherwise and own:
            following = [_at(ast.If(_negated(own), otherwise, []), statement), *rest]
        else:
            following = [*otherwise, *rest]
        if not returns:
            out.extend(self.block(following, flags, broken, in_loop) if following else [])
            return True
        left: list[ast.stmt] = []
        for flag in ([broken] if in_loop and broken else []) + list(flags):
            target = ast.Name(flag, ast.Store())
            left.append(_at(ast.Assign([target], ast.Constant(True)), statement))
        after: list[ast.stmt] = _without_result(statement)
        if following:
            after += self.block(following, flags, broken, in_loop)
        test = ast.Name(_RETURNED, ast.Load())
        out.append(_at(ast.If(test, left or [ast.Pass()], after), statement))
        return True


def _without_result(where: ast.AST) -> list[ast.stmt]:
    """Where a loop has not returned there is no result: what it may have been is no second name of it."""
    nothing = _at(ast.Assign([ast.Name(RESULT, ast.Store())], ast.Constant(UNKNOWN_RESULT)), where)
    return [nothing, _at(ast.Delete([ast.Name(RESULT, ast.Del())]), where)]


def _at(node: Any, where: ast.AST) -> Any:  # Any: the very node that is given
    return ast.copy_location(node, where)


def _negated(name: str) -> ast.expr:
    return ast.UnaryOp(ast.Not(), ast.Name(name, ast.Load()))


def lowered(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The body of a function with one exit: the value of ``RESULT`` at its end."""
    statements = list(body)
    in_loop = any(
        isinstance(s, (ast.For, ast.While)) and _has(s.body, (ast.Return,), in_loops=True)
        for s in own_nodes(statements)
    )
    if not _always_exits(statements):
        statements.append(_at(ast.Return(ast.Constant(None)), statements[-1]))
    found: list[ast.stmt] = []
    if in_loop:
        found.append(ast.Assign([ast.Name(_RETURNED, ast.Store())], ast.Constant(False)))
    found += _Lowering().block(statements, [], None, False)
    found.append(ast.Return(ast.Name(RESULT, ast.Load())))
    for statement in found:
        for node in ast.walk(statement):
            if isinstance(node, (ast.expr, ast.stmt)) and not hasattr(node, "lineno"):
                ast.copy_location(node, body[0])
    return found
