"""Entries of the function table against the functions that they stand for.

A case is a function and arguments as somebody would write them. Arrays become symbols of their dtype,
Python numbers where an expression is expected become weak symbols, everything else stays. The graph is
evaluated and compared with the function itself: value, dtype and shape of every result, and errors. Then
derivatives: forward mode against central differences of the original, reverse mode against forward mode.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.errors import WengertError
from wengert.frontend.table import Entry, apply, entry_of
from wengert.frontend.tables import load_tables
from wengert.ir.node import Expr
from wengert.ir.types import DTYPES, Type
from wengert.ops.algebra import lift
from wengert.ops.leaves import fresh, symbol
from wengert.run.reference import evaluate_nodes

load_tables(every=True)

__all__ = [
    "Case",
    "case",
    "check",
    "check_derivative",
    "check_refused",
    "check_value",
    "judge",
    "rng_of",
]


@dataclass(frozen=True)
class Case:
    """A call; ``smooth`` cases are differentiated as well, ``refused`` ones must raise."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    smooth: bool = False
    refused: bool = False
    rtol: float = 1e-12

    def __str__(self) -> str:
        shown = [_brief(a) for a in self.args]
        shown += [f"{k}={_brief(v)}" for k, v in self.kwargs.items()]
        return f"{getattr(self.function, '__name__', self.function)}({', '.join(shown)})"


def case(
    function: Callable[..., Any], *args: Any, smooth: bool = False, refused: bool = False,
    rtol: float = 1e-12, **kwargs: Any,
) -> Case:  # fmt: skip
    """A case written as the call would be."""
    return Case(function, args, kwargs, smooth, refused, rtol)


def rng_of(text: str) -> np.random.Generator:
    """A generator that depends on the text only."""
    return np.random.default_rng(crc32(text.encode()))


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_brief, value))}]"
    return repr(value)


# --- from arguments to symbols ---------------------------------------------------------------------------
class _Symbols:
    """Symbols for the values of a call, and what they stand for."""

    def __init__(self, whole_known: bool = True) -> None:
        self.values: dict[Expr, Any] = {}
        self.whole_known = whole_known

    def of(self, value: Any) -> Expr:
        if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
            dtype = type(value).__name__
            names = {"int": "int64", "float": "float64", "complex": "complex128", "bool": "bool"}
            node = fresh(Type(names[dtype], (), dtype != "bool"))  # type: ignore[arg-type]
        else:
            array = np.asarray(value)
            name = f"a{len(self.values)}"
            node = symbol(name, array.shape, dtype=array.dtype.name)  # type: ignore[arg-type]
        self.values[node] = value
        return node

    def convert(self, kind: str, _name: str, value: Any) -> Any:
        if value is None or kind in ("static", "shape", "length") or isinstance(value, Expr):
            return value
        if self.whole_known and type(value) in (int, bool):
            return lift(value)  # whole numbers are known at capture
        if kind == "nested":
            if not isinstance(value, (list, tuple)):
                return lift(value)
            return type(value)([self.convert(kind, _name, v) for v in value])
        if kind == "values":
            return [self.of(v) for v in value]
        if isinstance(value, (list, tuple)):
            return self.of(np.asarray(value))
        return self.of(value)

    @property
    def named(self) -> dict[str, Any]:
        return {node.attr.name: value for node, value in self.values.items()}


def _built(case: Case) -> tuple[_Symbols, Any]:
    entry = entry_of(case.function)
    assert isinstance(entry, Entry), f"{case}: no entry"
    symbols = _Symbols(not isinstance(case.function, np.ufunc))
    return symbols, apply(entry, case.args, case.kwargs, symbols.convert)


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (tuple, list)):
        return [leaf for part in tree for leaf in _leaves(part)]
    return [tree]


def _results(symbols: _Symbols, tree: Any) -> list[Any]:
    """The leaves of the result: values of expressions, and static Python values as they are."""
    leaves = _leaves(tree)
    nodes = [leaf for leaf in leaves if isinstance(leaf, Expr)]
    values = iter(evaluate_nodes(nodes, symbols.named))
    return [next(values) if isinstance(leaf, Expr) else leaf for leaf in leaves]


def check(case: Case) -> None:
    """All that a case asks for."""
    if case.refused:
        check_refused(case)
        return
    check_value(case)
    if case.smooth:
        check_derivative(case)


def judge(case: Case, refused: bool = False) -> None:
    """Equal where NumPy gives results in supported dtypes, an error where it does not."""
    if refused or not _supported(case):
        check_refused(case)
    else:
        check_value(case)


def _supported(case: Case) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = _leaves(_original(case))
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return False
    return all(np.asarray(r).dtype.name in DTYPES for r in results)


# --- checks ----------------------------------------------------------------------------------------------
def _original(case: Case) -> Any:
    args = [a.copy() if isinstance(a, np.ndarray) else a for a in case.args]
    with np.errstate(all="ignore"):
        return case.function(*args, **case.kwargs)


def check_value(case: Case) -> None:
    """Value, dtype and shape of each result are those of the original."""
    expected = _leaves(_original(case))
    symbols, tree = _built(case)
    leaves = _leaves(tree)
    got = _results(symbols, tree)
    assert len(got) == len(expected), f"{case}: {len(got)} results, expected {len(expected)}"
    for leaf, mine, theirs in zip(leaves, got, expected, strict=True):
        _check_equal(case, leaf, mine, theirs)


def _check_equal(case: Case, leaf: Any, mine: Any, theirs: Any) -> None:
    theirs_ = np.asarray(theirs)
    if isinstance(leaf, Expr):
        assert not leaf.value_type.weak, f"{case}: the result is weak"
        dtype: Any = leaf.value_type.dtype
        assert leaf.ndim == theirs_.ndim, f"{case}: rank {leaf.ndim}, expected {theirs_.ndim}"
    else:
        assert type(leaf) is type(theirs), f"{case}: {type(leaf)}, expected {type(theirs)}"
        dtype = np.asarray(leaf).dtype.name
    assert dtype == theirs_.dtype.name, f"{case}: dtype {dtype}, expected {theirs_.dtype}"
    mine_ = np.asarray(mine)
    assert mine_.shape == theirs_.shape, f"{case}: shape {mine_.shape}, expected {theirs_.shape}"
    loose = {"float32": 2e-5, "complex64": 2e-5}.get(theirs_.dtype.name, case.rtol)
    finite = theirs_[np.isfinite(theirs_)] if theirs_.dtype.kind in "fc" else np.zeros(0)
    scale = float(np.max(np.abs(finite), initial=0.0))
    np.testing.assert_allclose(mine_, theirs_, loose, loose * scale, err_msg=str(case))


def check_refused(case: Case) -> None:
    """An error comes, at the latest with the values; never another result."""
    try:
        symbols, tree = _built(case)
        got = _results(symbols, tree)
    except (WengertError, ValueError, TypeError, IndexError):
        return
    raise AssertionError(f"{case}: gave {got}, expected an error")


def check_derivative(case: Case) -> None:
    """Forward mode against differences of the original, and reverse mode against forward mode."""
    symbols, tree = _built(case)
    outputs = [leaf for leaf in _leaves(tree) if isinstance(leaf, Expr)]
    varying = [n for n in symbols.values if n.value_type.dtype in ("float64", "complex128")]
    assert varying, f"{case}: nothing varies"
    rng = rng_of(str(case))
    ways = {n: _direction(rng, n, symbols.values[n]) for n in varying}
    seeds = {n: symbol(f"t{i}", n.shape, dtype=n.value_type.dtype) for i, n in enumerate(varying)}
    values = {**symbols.named, **{seeds[n].attr.name: way for n, way in ways.items()}}
    changes = jvp(outputs, seeds)
    wanted = _difference(case, symbols, ways)
    inexact = [w for w, o in zip(wanted, outputs, strict=True) if o.value_type.dtype[0] in "fc"]
    kept = [c for c, o in zip(changes, outputs, strict=True) if o.value_type.dtype[0] in "fc"]
    for change, theirs in zip(kept, inexact, strict=True):
        mine = np.zeros(np.shape(theirs)) if change is None else evaluate_nodes([change], values)[0]
        scale = float(np.max(np.abs(theirs), initial=0.0)) + 1.0
        np.testing.assert_allclose(mine, theirs, 1e-6, 2e-7 * scale, err_msg=f"{case}: forward")
    _check_reverse(case, outputs, changes, varying, ways, values, rng)


def _direction(rng: np.random.Generator, node: Expr, value: Any) -> Any:
    way = rng.uniform(-1, 1, np.shape(value))
    if node.value_type.dtype == "complex128":
        way = way + 1j * rng.uniform(-1, 1, np.shape(value))
    return way


def _difference(case: Case, symbols: _Symbols, ways: dict[Expr, Any]) -> list[Any]:
    """Central differences in two steps with extrapolation: the error is of order h**4."""
    by_id = {id(symbols.values[n]): way for n, way in ways.items()}

    def at(step: float) -> list[Any]:
        def moved(a: Any) -> Any:
            if id(a) in by_id:
                return a + step * by_id[id(a)]
            if isinstance(a, (list, tuple)) and any(id(x) in by_id for x in a):
                return [moved(x) for x in a]
            return a

        args = [moved(a) for a in case.args]
        kwargs = {k: moved(v) for k, v in case.kwargs.items()}
        with np.errstate(all="ignore"):
            return [np.asarray(leaf) for leaf in _leaves(case.function(*args, **kwargs))]

    def central(h: float) -> list[Any]:
        return [
            (up - down) / (2 * h) if up.dtype.kind in "fc" else np.zeros(up.shape)
            for up, down in zip(at(h), at(-h), strict=True)
        ]

    coarse, fine = central(2e-3), central(1e-3)
    return [(4 * f - c) / 3 for f, c in zip(fine, coarse, strict=True)]


def _check_reverse(
    case: Case,
    outputs: list[Expr],
    changes: list[Expr | None],
    varying: list[Expr],
    ways: dict[Expr, Any],
    values: dict[str, Any],
    rng: np.random.Generator,
) -> None:
    chosen = [o for o in outputs if o.value_type.dtype[0] in "fc"]
    tangents = [c for c, o in zip(changes, outputs, strict=True) if o in chosen]
    cts = [symbol(f"c{i}", o.shape, dtype=o.value_type.dtype) for i, o in enumerate(chosen)]
    shapes = [np.shape(value) for value in evaluate_nodes(chosen, values)]
    drawn = [_direction(rng, c, np.zeros(s)) for c, s in zip(cts, shapes, strict=True)]
    given = {**values, **{c.attr.name: d for c, d in zip(cts, drawn, strict=True)}}
    found = vjp(chosen, cts, varying)
    there = sum(
        _pairing(given[c.attr.name], evaluate_nodes([t], given)[0])
        for c, t in zip(cts, tangents, strict=True)
        if t is not None
    )
    back = sum(
        _pairing(evaluate_nodes([g], given)[0], ways[n])
        for n, g in zip(varying, found, strict=True)
        if g is not None
    )
    np.testing.assert_allclose(back, there, 1e-9, 1e-9, err_msg=f"{case}: reverse")


def _pairing(ct: Any, change: Any) -> float:
    return float(np.real(np.sum(np.conj(ct) * change)))
