"""The reference evaluator: each node once, by the meaning that its record gives, in NumPy.

It is the judge of every engine, emitter and rewrite, so it is plain rather than fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.errors import EvaluationError, nearest, worded
from wengert.ir.dims import Dim, extent_text
from wengert.ir.node import Expr
from wengert.ir.op import Op
from wengert.ir.region import Region
from wengert.ir.types import TupleType, Type
from wengert.ir.walk import order

__all__ = ["evaluate", "evaluate_nodes", "run_region"]


def evaluate(node: Expr, values: Mapping[str, Any], *, check: bool = False) -> Any:
    """The value of an expression, given one value per symbol by name.

    Extents with names are read off the arrays. Undefined values become NaN; with ``check`` the first node
    that became NaN raises.

    Raises:
        EvaluationError: a missing or misfitting value, or (``check``) an undefined one.
    """
    return _plain(evaluate_nodes([node], values, check=check)[0])


def _plain(value: Any) -> Any:
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value


def evaluate_nodes(
    roots: Sequence[Expr], values: Mapping[str, Any], *, check: bool = False
) -> list[Any]:
    """The values of several expressions, with their shared nodes evaluated once."""
    nodes = order(roots)
    symbols = [n for n in nodes if n.op.free]
    given = _bound(symbols, values)
    sizes = _sizes(symbols, given)
    return _run(roots, nodes, given, sizes, check)


def run_region(region: Region, arguments: Sequence[Any], sizes: Mapping[str, int]) -> list[Any]:
    """The outputs of a region for the given arguments; ``sizes`` are those of the surroundings."""
    given = dict(zip(region.params, arguments, strict=True))
    # A size bound outside may also appear on a parameter; the parameter's own shape decides.
    inner = {**sizes, **_sizes(region.params, given)}
    return _run(region.outputs, order(region.outputs), given, inner, False)


def _bound(symbols: Sequence[Expr], values: Mapping[str, Any]) -> dict[Expr, Any]:
    given: dict[Expr, Any] = {}
    names = [s.attr.name for s in symbols]
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
    unknown = sorted(set(values) - set(names))
    if unknown:
        close = [nearest(u, names) for u in unknown]
        if any(close):
            raise EvaluationError(
                worded(
                    f"value for `{unknown[0]}`",
                    expected=f"a symbol among {', '.join(sorted(set(names))) or '(none)'}",
                    got=f"`{unknown[0]}`",
                    hint=next(c for c in close if c),
                )
            )
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
) -> list[Any]:
    value: dict[Expr, Any] = {}
    with np.errstate(all="ignore"):
        for node in nodes:
            if node in given:
                value[node] = given[node]
                continue
            args = [value[a] for a in node.args]
            result = _apply(node.op, args, node.attr, sizes)
            if getattr(result, "dtype", None) == np.float16:
                # NumPy computes functions of truth values in half precision.
                args = [np.asarray(a, node.value_type.dtype) for a in args]
                result = _apply(node.op, args, node.attr, sizes)
            value[node] = result = _typed(node, result)
            if check and _undefined(result) and not any(_undefined(a) for a in args):
                raise EvaluationError(
                    worded(
                        f"`{node}`",
                        expected="a defined value",
                        got=f"{_plain(result)} from {', '.join(str(_plain(a)) for a in args)}",
                        hint="see expr.conditions for where it is defined",
                    )
                )
    return [value[root] for root in roots]


def _apply(op: Op, args: Sequence[Any], attr: Any, sizes: Mapping[str, int]) -> Any:
    if attr is None:
        return op.evaluate(*args)
    if op.resolve is not None:
        attr = op.resolve(attr, sizes)
    if op.bodies is not None:
        return op.evaluate(*args, attr=attr, run=lambda body, inner: run_region(body, inner, sizes))
    return op.evaluate(*args, attr=attr)


def _typed(node: Expr, value: Any) -> Any:
    """The value in the dtype of the node: an array filled with a Python number would have widened it."""
    type_ = node.type
    if isinstance(type_, TupleType) or type_.weak:
        return value
    if getattr(value, "dtype", None) == type_.dtype:
        return value
    return np.asarray(value).astype(type_.dtype)[()]


def _undefined(value: Any) -> bool:
    array = np.asarray(value)
    return array.dtype.kind in "fc" and bool(np.isnan(array).any())
