"""Find, rewrite and compile the source of a function; conversions are remembered by code object."""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import linecache
import os
import re
import textwrap
import types
from typing import Any
from weakref import WeakKeyDictionary

from wengert.frontend.staging.plain_source import Plain, plain_body
from wengert.frontend.staging.rewriting import RUNTIME, Rewriting

__all__ = [
    "NoSource", "convert", "converted_code", "is_staged", "mark_rebound", "plain_function", "rebound_names",
    "user_function",
]  # fmt: skip


class NoSource(Exception):  # noqa: N818  an answer, caught by who asked
    """The source of a function cannot be read."""


# Any: runtime and functions of the user
_trees: dict[types.CodeType, ast.AST] = {}
_codes: dict[tuple[types.CodeType, frozenset[str]], tuple[types.CodeType, tuple[str, ...]]] = {}
_functions: WeakKeyDictionary[Any, tuple[tuple[Any, ...], types.FunctionType]] = WeakKeyDictionary()
# By identity, as the hash of a code object is that of all it holds: the code, which is kept, and the name of
# the user's function that it belongs to.
_staged_codes: dict[int, tuple[types.CodeType, str]] = {}
_plain_codes: dict[int, tuple[types.CodeType, str]] = {}  # of the user's, run by Python as they are
_plain: WeakKeyDictionary[types.FunctionType, Plain | None] = WeakKeyDictionary()
_rebound: dict[int, tuple[str, ...]] = {}


def is_staged(function: types.FunctionType) -> bool:
    """Whether the function is (part of) converted code."""
    return id(function.__code__) in _staged_codes


def mark_rebound(function: types.FunctionType, rebound: tuple[str, ...]) -> None:
    """Remember which outer variables a function of converted code rebinds."""
    _rebound[id(function.__code__)] = rebound


def rebound_names(function: types.FunctionType) -> tuple[str, ...]:
    """Names declared ``global`` or ``nonlocal`` that the function binds."""
    return _rebound.get(id(function.__code__), ())


def converted_code(code: types.CodeType) -> bool:
    """Whether frames of this code show the user's lines."""
    return id(code) in _staged_codes or id(code) in _plain_codes


def user_function(code: types.CodeType) -> str | None:
    """The name of the user's function that code is a part of; None for other code."""
    entry = _staged_codes.get(id(code)) or _plain_codes.get(id(code))
    return None if entry is None else entry[1]


def _tree_of(function: types.FunctionType) -> Any:
    """The definition of a function as a syntax tree with the line numbers of its file.

    Raises:
        NoSource: it is defined where no source can be read.
    """
    code = function.__code__
    known = _trees.get(code)
    if known is not None:
        return copy.deepcopy(known)
    try:
        lines, start = _lines_of(function)
    except (OSError, TypeError) as error:
        raise NoSource(str(error)) from None
    text = "".join(lines)
    shift = start - 1 if start else 0
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        tree, shift = _parse_around(function, code)
    ast.increment_lineno(tree, shift)
    found = _definition(tree, function)
    _trees[code] = found
    return copy.deepcopy(found)


# Where a definition starts, decorators included.
_START = re.compile(r"\s*(def\b|async\b|@)|.*\blambda\b")


def _lines_of(function: types.FunctionType) -> tuple[list[str], int]:
    """What ``inspect.getsourcelines`` gives, without its look at every module that is loaded.

    Raises:
        OSError, TypeError: there is no source.
    """
    code = function.__code__
    if os.path.exists(code.co_filename):
        linecache.checkcache(code.co_filename)
        lines = linecache.getlines(code.co_filename, function.__globals__)
        rest = lines[code.co_firstlineno - 1 :]
        if rest and _START.match(rest[0]):
            return inspect.getblock(rest), code.co_firstlineno
    return inspect.getsourcelines(code)


def _parse_around(function: types.FunctionType, code: types.CodeType) -> tuple[ast.Module, int]:
    """The whole file, for a lambda in the middle of an expression that spans lines."""
    try:
        lines, _ = inspect.findsource(code)
        return ast.parse("".join(lines)), 0
    except (OSError, SyntaxError) as error:
        raise NoSource(str(error)) from None


def _definition(tree: ast.Module, function: types.FunctionType) -> ast.AST:
    code = function.__code__
    wanted = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    candidates = [n for n in ast.walk(tree) if isinstance(n, wanted)]
    if wanted is ast.FunctionDef:
        named = [n for n in candidates if n.name == code.co_name]  # type: ignore[union-attr]
        here = [n for n in named if _first_line(n) == code.co_firstlineno]
        named = here or named
        if named:
            return named[0]
        raise NoSource(f"no definition of {code.co_name}")
    here = [n for n in candidates if n.lineno == code.co_firstlineno] or candidates
    same = [n for n in here if _same_code(n, code)]  # type: ignore[arg-type]
    if same:
        return same[0]
    if len(here) == 1:
        return here[0]
    raise NoSource("which lambda of the line it is cannot be told; give it a name with def")


def _first_line(node: Any) -> int:
    first: int = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    return first


def _same_code(node: ast.Lambda, code: types.CodeType) -> bool:
    """Whether a lambda compiles to the given code (columns are not reliable)."""
    names = [*code.co_freevars]
    wrapper = ast.parse(f"def _outer({', '.join(names)}):\n    return None")
    definition: Any = wrapper.body[0]
    definition.body[0].value = copy.deepcopy(node)
    ast.fix_missing_locations(wrapper)
    compiled = compile(wrapper, "<lambda>", "exec")
    outer = next(c for c in compiled.co_consts if isinstance(c, types.CodeType))
    inner = next((c for c in outer.co_consts if isinstance(c, types.CodeType)), None)
    return (
        inner is not None
        and inner.co_code == code.co_code
        and inner.co_names == code.co_names
        and inner.co_varnames == code.co_varnames
        and [c for c in inner.co_consts if not isinstance(c, types.CodeType)]
        == [c for c in code.co_consts if not isinstance(c, types.CodeType)]
    )


_STATIC = (types.FunctionType, types.BuiltinFunctionType, types.ModuleType, type)


def _is_static(value: Any) -> bool:
    """Whether a value from outside is a function, a class or a module (or callable like NumPy's)."""
    if isinstance(value, _STATIC):
        return True
    module = getattr(type(value), "__module__", "").split(".")[0]
    return callable(value) and module in ("numpy", "scipy", "functools", "builtins")


def _static_names(function: types.FunctionType, code: types.CodeType) -> frozenset[str]:
    names: set[str] = set()
    todo = [code]
    while todo:
        top = todo.pop()
        names |= {*top.co_names, *top.co_freevars}
        todo += [c for c in top.co_consts if isinstance(c, types.CodeType)]
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    found = set()
    for name in names:
        if name in cells:
            try:
                value = cells[name].cell_contents
            except ValueError:
                continue
            if name == "__class__" or _is_static(value):
                found.add(name)
        elif name in function.__globals__:
            if _is_static(function.__globals__[name]):
                found.add(name)
        elif hasattr(builtins, name):
            found.add(name)
    return frozenset(found)


def convert(
    function: types.FunctionType, runtime: Any
) -> tuple[types.FunctionType, frozenset[str]]:
    """The staged version of a function, with its own globals, closure and defaults.

    Also returns the names from outside that are taken to stand for functions, classes and modules.

    Raises:
        NoSource: its source cannot be read.
    """
    code = function.__code__
    static = _static_names(function, code)
    key = (function.__defaults__, id(function.__kwdefaults__), static)
    known = _functions.get(function)
    if known is not None and known[0][0] is key[0] and known[0][1:] == key[1:]:
        return known[1], static
    staged, rebound = _staged_code(function, static)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(
        types.CellType(runtime) if name == RUNTIME else cells[name] for name in staged.co_freevars
    )
    new = types.FunctionType(
        staged, function.__globals__, function.__name__, function.__defaults__, closure
    )
    new.__kwdefaults__ = function.__kwdefaults__
    new.__qualname__, new.__module__ = function.__qualname__, function.__module__
    mark_rebound(new, rebound)
    _functions[function] = (key, new)
    return new, static


def plain_function(function: types.FunctionType) -> Plain | None:
    """What a function uses that Python itself may run if its arguments are known; None for others."""
    if function not in _plain:
        _plain[function] = _plain_function(function)
    return _plain[function]


def _plain_function(function: types.FunctionType) -> Plain | None:
    code = function.__code__
    if code.co_freevars or code.co_flags & _NOT_PLAIN or is_staged(function):
        return None
    try:
        node = _tree_of(function)
    except NoSource:
        return None
    if not isinstance(node, ast.FunctionDef):
        return None
    found = plain_body(node, _static_names(function, code))
    if found is not None:
        _plain_codes[id(code)] = (code, code.co_name)
    return found


_NOT_PLAIN = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def _staged_code(
    function: types.FunctionType, static: frozenset[str]
) -> tuple[types.CodeType, tuple[str, ...]]:
    code = function.__code__
    known = _codes.get((code, static))
    if known is not None:
        return known
    node = _tree_of(function)
    owner = function.__qualname__.split(".")
    class_name = owner[-2] if len(owner) > 1 and owner[-2] != "<locals>" else None
    rewriting = Rewriting(static - set(code.co_varnames), class_name)
    name = "_wg_function"  # its own name would hide the global one that recursion needs
    if isinstance(node, ast.Lambda):
        node.args.defaults = [ast.Constant(None) for _ in node.args.defaults]
        node.args.kw_defaults = [d and ast.Constant(None) for d in node.args.kw_defaults]
        staged = rewriting.lambda_(node)
        inner: ast.stmt = ast.Assign([ast.Name(name, ast.Store())], staged)
        rebound: tuple[str, ...] = ()
    else:
        outside = {
            n for s in _own(node) if isinstance(s, (ast.Global, ast.Nonlocal)) for n in s.names
        }
        definition = rewriting.function(node, top=True)
        rebound = tuple(sorted(outside))
        definition.name = name
        definition.args.defaults = [ast.Constant(None) for _ in definition.args.defaults]
        definition.args.kw_defaults = [
            d and ast.Constant(None) for d in definition.args.kw_defaults
        ]
        inner = definition
    names = [*(n for n in code.co_freevars), RUNTIME]
    outer = ast.FunctionDef(
        "_wg_outer",
        ast.arguments([], [ast.arg(n) for n in names], None, [], [], None, []),
        [inner, ast.Return(ast.Name(name, ast.Load()))],
        [],
        None,
    )
    if "type_params" in ast.FunctionDef._fields:
        outer.type_params = []  # type: ignore[attr-defined]  # from Python 3.12 on
    module = ast.Module([outer], [])
    ast.fix_missing_locations(module)
    compiled = compile(module, code.co_filename, "exec")
    holder = next(c for c in compiled.co_consts if isinstance(c, types.CodeType))
    found = next(c for c in holder.co_consts if isinstance(c, types.CodeType))
    changes: dict[str, Any] = {"co_name": code.co_name}
    if hasattr(code, "co_qualname"):
        changes["co_qualname"] = code.co_qualname
    found = found.replace(**changes)
    _mark_all(found)
    _codes[(code, static)] = (found, rebound)
    return found, rebound


def _own(node: ast.FunctionDef) -> list[ast.AST]:
    from wengert.frontend.staging.exits import own_nodes

    return list(own_nodes(node.body))


def _mark_all(code: types.CodeType) -> None:
    todo = [(code, code.co_name)]
    while todo:
        top, outer = todo.pop()
        name = outer if top.co_name.startswith("_wg_") else top.co_name
        _staged_codes[id(top)] = (top, name)
        todo += [(c, name) for c in top.co_consts if isinstance(c, types.CodeType)]
