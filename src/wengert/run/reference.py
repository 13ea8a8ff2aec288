"""The reference evaluator: each node once, by the meaning that its record gives, in NumPy.

It is the judge of every engine, emitter and rewrite, so it is plain rather than fast.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from wengert.errors import EvaluationError, TypeMismatchError, nearest, worded
from wengert.ir.dims import Dim, any_defined, defined_name, extent_text, resolve
from wengert.ir.greek import canonical
from wengert.ir.node import Expr, provide
from wengert.ir.op import Op
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import order

__all__ = ["evaluate", "evaluate_nodes", "extend", "run_region", "value_of"]


def evaluate(node: Expr, values: Mapping[str, Any], *, check: bool = False) -> Any:
    """The value of an expression, given one value per symbol by name; other names are ignored.

    A scalar comes back as a Python number, an array as a NumPy array.

    Extents with names are read off the arrays; an extent that no array has is given by its name, as
    an int. Undefined values become NaN; with ``check`` the first node
    that became NaN raises.

    Raises:
        EvaluationError: a missing or misfitting value, or (``check``) an undefined one.
    """
    return _plain(evaluate_nodes([node], values, check=check)[0])


def _plain(value: Any) -> Any:
    """Scalars as Python numbers, arrays as they are."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def evaluate_nodes(
    roots: Sequence[Expr], values: Mapping[str, Any], *, check: bool = False
) -> list[Any]:
    """The values of several expressions, with their shared nodes evaluated once."""
    nodes = order(roots)
    symbols = [n for n in nodes if n.op.free]
    values = {canonical(name): value for name, value in values.items()}  # α is alpha
    given = _bound(symbols, values)
    names = {symbol.attr.name for symbol in symbols}  # the value of a symbol is no size as well
    sizes = {n: int(v) for n, v in values.items() if type(v) is int and n not in names}
    sizes |= _sizes(symbols, given)
    return _run(roots, nodes, given, sizes, check)


def extend(known: dict[Expr, Any], node: Expr) -> Any:
    """The value of a node, given those of others; the values on the way are added to what is known."""
    stack = [] if node in known else [node]
    wanted = set(stack)
    while stack:
        for arg in stack.pop().args:
            if arg not in wanted and arg not in known:
                wanted.add(arg)
                stack.append(arg)
    with np.errstate(all="ignore"):
        for each in sorted(wanted, key=lambda n: n.serial):
            if each.op.free:
                raise EvaluationError(worded(f"`{each}`", expected="a value for it", got="none"))
            attr = _attribute(each, {}, must=True)
            known[each] = _value(each, [known[a] for a in each.args], attr, {}, ())
    return known[node]


def value_of(node: Expr, args: Sequence[Any], sizes: Mapping[str, int]) -> Any:
    """The value of one node, or a tuple of them, for the values of its arguments."""
    with np.errstate(all="ignore"):
        return _value(node, args, _attribute(node, sizes, must=True), sizes, ())


def run_region(
    region: Region,
    arguments: Sequence[Any],
    sizes: Mapping[str, int],
    calls: tuple[Region, ...] = (),
) -> list[Any]:
    """The outputs of a region for the given arguments; ``sizes`` are those of the surroundings.

    ``calls`` are the bodies of the recursive calls around it, innermost first.
    """
    given = {p: _typed(p, v) for p, v in zip(region.params, arguments, strict=True)}
    # A size bound outside may also appear on a parameter; the parameter's own shape decides.
    inner = {**sizes, **_sizes(region.params, given)}
    return _run(region.outputs, region.nodes, given, inner, False, calls)


def _bound(symbols: Sequence[Expr], values: Mapping[str, Any]) -> dict[Expr, Any]:
    given: dict[Expr, Any] = {}
    for symbol in symbols:
        name = symbol.attr.name
        if name not in values:
            raise EvaluationError(
                worded(
                    f"symbol `{name}`",
                    expected="a value for it",
                    got=f"values for {', '.join(sorted(values)) or 'nothing'}",
                    hint=nearest(name, values) or f"evaluate({name}=...)",
                )
            )
        given[symbol] = _fitted(symbol, values[name])
    return given


def _fitted(symbol: Expr, value: Any) -> Any:
    type_ = symbol.value_type
    array = np.asarray(value)
    if array.ndim != len(type_.shape):
        raise EvaluationError(
            worded(
                f"value of `{symbol.attr.name}`",
                expected=f"shape {extent_text(type_.shape)}",
                got=f"shape {extent_text(array.shape)}",
            )
        )
    if array.dtype.kind not in "biufc" or (
        array.dtype.kind == "c" and "complex" not in type_.dtype
    ):
        raise EvaluationError(
            worded(f"value of `{symbol.attr.name}`", expected=type_.dtype, got=str(array.dtype))
        )
    cast = array.astype(type_.dtype)
    return cast[()] if array.ndim == 0 else cast


def _sizes(symbols: Sequence[Expr], given: Mapping[Expr, Any]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    origin: dict[str, str] = {}
    composite: list[tuple[Expr, Dim, int]] = []
    for symbol in symbols:
        if isinstance(symbol.type, TupleType):
            continue
        for extent, actual in zip(symbol.value_type.shape, np.shape(given[symbol]), strict=True):
            name = _label(symbol)
            if isinstance(extent, int):
                if extent != actual:
                    raise _misfit(name, str(extent), actual, symbol.value_type)
            elif extent.needs:
                continue  # checked when the nodes that define it are known
            elif (
                len(extent.terms) == 1
                and extent.terms[0][1] == 1
                and len(extent.names) == 1
                and len(extent.terms[0][0]) == 1
            ):
                dim = next(iter(extent.names))
                if sizes.setdefault(dim, actual) != actual:
                    expected = f"{dim} = {sizes[dim]}, as in `{origin[dim]}`"
                    raise _misfit(name, expected, actual, symbol.value_type)
                origin.setdefault(dim, name)
            else:
                composite.append((symbol, extent, actual))
    for symbol, extent, actual in composite:
        if extent.names <= set(sizes) and extent.evaluate(sizes) != actual:
            raise _misfit(_label(symbol), str(extent), actual, symbol.value_type)
    return sizes


def _label(symbol: Expr) -> str:
    return str(getattr(symbol.attr, "name", f"argument {symbol.attr[0]}"))


def _misfit(name: str, expected: str, actual: int, type_: Type) -> EvaluationError:
    return EvaluationError(
        worded(
            f"value of `{name}`",
            expected=f"extent {expected} (shape {extent_text(type_.shape)})",
            got=str(actual),
        )
    )


def _run(
    roots: Sequence[Expr],
    nodes: Sequence[Expr],
    given: Mapping[Expr, Any],
    sizes: Mapping[str, int],
    check: bool,
    calls: tuple[Region, ...] = (),
) -> list[Any]:
    value: dict[Expr, Any] = {}
    known = dict(sizes)
    defining = {d for node in nodes for d in node.needs} if any_defined() else frozenset()
    todo = nodes
    with np.errstate(all="ignore"):
        while todo:
            later: list[Expr] = []
            for node in todo:
                if node in given:
                    value[node] = given[node]
                    if node in defining:
                        known[defined_name(node)] = int(given[node])
                    if node.needs:
                        _check_shape(node, given[node], known)
                    continue
                ready = not later or all(a in value for a in (*node.args, *node.needs))
                attr = _attribute(node, known) if ready else _UNKNOWN
                if attr is _UNKNOWN:
                    later.append(node)
                    continue
                args = [value[a] for a in node.args]
                value[node] = result = _value(node, args, attr, known, calls)
                if node in defining:
                    known[defined_name(node)] = int(result)
                if node.needs:
                    _check_shape(node, result, known)
                if node.type.__class__ is TupleType:
                    _learn(node, result, known, nodes)
                if check:
                    _check_defined(node, result, args)
            if len(later) == len(todo):
                _attribute(later[0], known, must=True)
            todo = later
    return [value[root] for root in roots]


_UNKNOWN = object()


def _check_shape(node: Expr, result: Any, sizes: Mapping[str, int]) -> None:
    """Sizes that are computed may be combined wrongly; then types do not say what is there.

    Raises:
        EvaluationError: the result has another shape than its type says.
    """
    several = node.type.__class__ is TupleType
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    for type_, value in zip(types, result if several else (result,), strict=True):
        if type_.needs and np.shape(value) != resolve(type_.shape, sizes):
            raise EvaluationError(
                worded(
                    f"result of `{node.op.name}`",
                    expected=f"shape {extent_text(resolve(type_.shape, sizes))}",
                    got=extent_text(np.shape(value)),
                    hint="a slice that may be empty has the length maximum(stop - start, 0)",
                )
            )


def _attribute(node: Expr, sizes: Mapping[str, int], *, must: bool = False) -> Any:
    """The attribute with sizes in numbers, or ``_UNKNOWN`` while a loop still has to tell one of them.

    Raises:
        EvaluationError: (``must``) a size is missing for good.
    """
    resolve = node.op.resolve
    if resolve is None:
        return node.attr
    try:
        return resolve(node.attr, sizes)
    except EvaluationError:
        if must:
            raise
        return _UNKNOWN


def _value(
    node: Expr,
    args: Sequence[Any],
    attr: Any,
    sizes: Mapping[str, int],
    calls: tuple[Region, ...],
) -> Any:
    result = _apply(node.op, args, attr, sizes, calls)
    if getattr(result, "dtype", None) == np.float16:
        # NumPy computes functions of truth values in half precision.
        exact = [np.asarray(a, node.value_type.dtype) for a in args]
        result = _apply(node.op, exact, attr, sizes, calls)
    return _typed(node, result)


def _apply(
    op: Op, args: Sequence[Any], attr: Any, sizes: Mapping[str, int], calls: tuple[Region, ...]
) -> Any:
    if attr is None:
        return op.evaluate(*args)
    if op.recurs is not None:
        level = op.recurs(attr)
        return tuple(run_region(calls[level], args, sizes, calls[level:]))
    if op.binds is not None and op.binds(attr):
        (body,) = op.bodies(attr) if op.bodies is not None else ()
        around = (body, *calls)
        return tuple(_deep(lambda: run_region(body, args, sizes, around), len(calls)))
    if op.bodies is not None:
        return op.evaluate(
            *args, attr=attr, run=lambda body, inner: run_region(body, inner, sizes, calls)
        )
    return op.evaluate(*args, attr=attr)


_DEEPEST = 60_000  # frames of Python: some thousand calls of a function by itself
_STACK = 512 << 20  # bytes, of which only those are taken that are used


def _deep(action: Callable[[], list[Any]], level: int) -> list[Any]:
    """Runs with a deeper stack, which recursion in the graph needs several times of.

    Raises:
        EvaluationError: the recursion goes deeper than that.
    """
    if level:
        return action()
    found: list[list[Any]] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            with np.errstate(all="ignore"):
                found.append(action())
        except BaseException as error:  # it is raised again where it belongs
            errors.append(error)

    limit, stack = sys.getrecursionlimit(), threading.stack_size(_STACK)
    sys.setrecursionlimit(max(limit, _DEEPEST))
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(stack)
        sys.setrecursionlimit(limit)
    if errors and isinstance(errors[0], RecursionError):
        raise EvaluationError(
            worded(
                "recursion",
                expected="a call that ends",
                got=f"more than {_DEEPEST} frames",
                hint="is there a branch that does not call itself?",
            )
        ) from None
    if errors:
        raise errors[0]
    return found[0]


def _learn(
    node: Expr, results: Sequence[Any], sizes: dict[str, int], nodes: Sequence[Expr]
) -> None:
    """Extents that only running the node tells, such as the number of iterations of a ``while``.

    Raises:
        EvaluationError: two loops give one extent different sizes, and a node needs that extent.
    """
    assert isinstance(node.type, TupleType)
    for type_, result in zip(node.type.items, results, strict=True):
        for extent, actual in zip(type_.shape, np.shape(result), strict=True):
            if not isinstance(extent, Dim) or extent.needs or not str(extent).startswith("%"):
                continue
            name = str(extent)
            if sizes.setdefault(name, actual) != actual and any(_hides(n, name) for n in nodes):
                raise EvaluationError(
                    worded(
                        "number of iterations",
                        expected="one for all loops that were derived from one",
                        got=f"{sizes[name]} and {actual}",
                        hint="build the second loop anew instead of substituting in the first",
                    )
                )


def _hides(node: Expr, name: str) -> bool:
    """Whether the node needs an extent that none of its arguments tells."""
    return node.type.__class__ is not TupleType and name in _names(node) - {
        n for a in node.args for n in _names(a)
    }


def _names(node: Expr) -> set[str]:
    types = node.type.items if isinstance(node.type, TupleType) else (node.type,)
    return {n for t in types for e in t.shape if isinstance(e, Dim) for n in e.names}


def _typed(node: Expr, value: Any) -> Any:
    """The value in the dtype of the node: an array filled with a Python number would have widened it."""
    type_ = node.type
    if isinstance(type_, TupleType) or type_.weak:
        return value
    if getattr(value, "dtype", None) == type_.dtype:
        return value
    array = np.asarray(value)
    if array.dtype.kind == "f" and type_.dtype.startswith("int"):
        _check_whole(node, array)
    return array.astype(type_.dtype)[()]


def _check_whole(node: Expr, array: Any) -> None:
    """Integers that had to be computed as floats must be integers of the dtype: 2**i is not for i = -1."""
    if not np.all(
        (np.abs(array) < np.iinfo(node.value_type.dtype).max) & (array == np.floor(array))
    ):
        raise EvaluationError(
            worded(
                f"`{node}`",
                expected=f"integers of dtype {node.value_type.dtype}",
                got=str(array),
                hint="a symbol of dtype float64",
            )
        )


def _check_defined(node: Expr, result: Any, args: Sequence[Any]) -> None:
    if _undefined(result) and not any(_undefined(a) for a in args):
        raise EvaluationError(
            worded(
                f"`{node}`",
                expected="a defined value",
                got=f"{_plain(result)} from {', '.join(str(_plain(a)) for a in args)}",
                hint="see expr.conditions for where it is defined",
            )
        )


def _undefined(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(_undefined(v) for v in value)
    array = np.asarray(value)
    return array.dtype.kind in "fc" and bool(np.isnan(array).any())


def _as_number(node: Expr) -> Any:
    try:
        return evaluate(node, {})
    except EvaluationError as error:
        raise TypeMismatchError(
            worded("float()", expected="a formula without symbols", got=f"`{node}`")
        ) from error


provide("evaluate", evaluate)
provide("extend", extend)
provide("as_number", _as_number)
