"""One judge for all entries of the table: NumPy's own function on the same arguments.

A case is a function with arguments. Arrays among them become symbols (where the entry takes values), the
entry builds expressions, and these have to have the values, dtypes and shapes that the function returns.
Derivatives are checked against central differences of the original, reverse mode against forward mode.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.diff.forward import jvp
from wengert.diff.reverse import vjp
from wengert.frontend.table import apply, entry_of
from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ir.types import DTYPES
from wengert.ops.algebra import lift
from wengert.ops.leaves import symbol
from wengert.run.reference import evaluate_nodes

__all__ = ["Case", "case", "check_constants", "check_derivative", "check_value", "draw", "leaves"]


@dataclass(frozen=True)
class Case:
    """A function with arguments; ``smooth`` ones are differentiated as well.

    ``gauge`` maps the results to what does not depend on choices of signs and bases.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    smooth: bool = True
    exact: bool = False
    gauge: Callable[..., Any] | None = None
    direction: Callable[[Any], Any] | None = None
    check_dtype: bool = True

    def __str__(self) -> str:
        def text(a: Any) -> str:
            if isinstance(a, np.ndarray):
                return f"{a.dtype}{list(a.shape)}"
            if isinstance(a, (list, tuple)):
                return "[" + ",".join(text(x) for x in a) + "]"
            return repr(a)

        options = [f"{k}={text(v)}" for k, v in self.kwargs.items()]
        name = getattr(self.function, "__name__", str(self.function))
        return f"{name}({', '.join([*map(text, self.args), *options])})"


def case(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Case:
    """A smooth case."""
    return Case(function, args, kwargs)


def draw(*shape: int, dtype: str = "float64", seed: int = 1) -> Any:
    """Numbers between -2 and 2 with some distance from each other."""
    rng = np.random.default_rng([seed, *shape])
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("int"):
        return rng.integers(-5, 6, shape).astype(dtype)
    value = rng.uniform(-2, 2, shape)
    if dtype.startswith("complex"):
        value = value + 1j * rng.uniform(-2, 2, shape)
    return value.astype(dtype)


def leaves(results: Any) -> list[Any]:
    """All results in one list."""
    if isinstance(results, (tuple, list)):
        return [leaf for r in results for leaf in leaves(r)]
    return [results]


class Symbols:
    """How arguments reach the entry: arrays as symbols, whose values are kept."""

    def __init__(self, symbolic: bool = True) -> None:
        self.values: dict[str, Any] = {}
        self.symbolic = symbolic

    def __call__(self, kind: str, name: str, value: Any) -> Any:
        match kind:
            case "value":
                return None if value is None else self.leaf(value)
            case "values":
                rows = isinstance(value, np.ndarray)
                return self.leaf(value) if rows else [self.leaf(v) for v in value]
            case "nested":
                return self.nested(value)
            case "shape":
                return tuple(value) if isinstance(value, (tuple, list)) else (value,)
        return value

    def nested(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return type(value)([self.nested(v) for v in value])
        return value if isinstance(value, str) or value is ... else self.leaf(value)

    def leaf(self, value: Any) -> Any:
        array = np.asarray(value)
        if isinstance(value, (np.ndarray, np.generic)) and array.dtype.name in DTYPES:
            if self.symbolic:
                same = [n for n, v in self.values.items() if v is value]
                name = same[0] if same else f"x{len(self.values)}"
                self.values[name] = value
                return symbol(name, array.shape, dtype=array.dtype.name)  # type: ignore[arg-type]
            return lift(value)
        return lift(value)


def built(c: Case, symbols: Symbols) -> list[Any]:
    """What the entry makes of the arguments."""
    entry = entry_of(c.function)
    assert entry is not None, f"no entry for {c}"
    found = leaves(apply(entry, c.args, c.kwargs, symbols))
    return leaves(c.gauge(*found)) if c.gauge is not None else found


def expected(c: Case, args: Any = None, kwargs: Any = None) -> list[Any]:
    """What NumPy makes of them."""
    with np.errstate(all="ignore"):
        results = c.function(*(c.args if args is None else args), **(kwargs or c.kwargs))
    found = leaves(results)
    return leaves(c.gauge(*found)) if c.gauge is not None else found


def values_of(nodes: Sequence[Any], values: Mapping[str, Any]) -> list[Any]:
    """The values of the expressions among the results; others as they are."""
    expressions = [n for n in nodes if isinstance(n, Expr)]
    found = iter(evaluate_nodes(expressions, dict(values)))
    return [next(found) if isinstance(n, Expr) else n for n in nodes]


def _compare(c: Case, nodes: Sequence[Any], got: Sequence[Any], want: Sequence[Any]) -> None:
    assert len(got) == len(want), f"{c}: {len(got)} results, not {len(want)}"
    for node, value, right in zip(nodes, got, want, strict=True):
        wanted = np.asarray(right)
        assert np.shape(value) == wanted.shape, f"{c}: shape {np.shape(value)}, not {wanted.shape}"
        if isinstance(node, Expr):
            dtype = node.value_type.dtype
            if c.check_dtype:
                assert dtype == wanted.dtype.name, f"{c}: dtype {dtype}, not {wanted.dtype.name}"
                assert not node.value_type.weak, f"{c}: the result is a Python number"
            assert all(
                not isinstance(e, int) or e == n
                for e, n in zip(node.shape, wanted.shape, strict=True)
            ), f"{c}: type {node.type}, not {wanted.shape}"
        elif isinstance(value, Dim):
            continue
        single = wanted.dtype.name in ("float32", "complex64")
        tolerance = 0.0 if c.exact else 2e-5 if single else 1e-11
        size = np.max(np.abs(wanted[np.isfinite(wanted)]), initial=1.0) if wanted.size else 1.0
        np.testing.assert_allclose(
            value, wanted, rtol=tolerance, atol=tolerance * size, err_msg=str(c)
        )


def check_value(c: Case) -> None:
    """Values, dtypes and shapes, with arrays as symbols."""
    symbols = Symbols()
    nodes = built(c, symbols)
    _compare(c, nodes, values_of(nodes, symbols.values), expected(c))


def check_constants(c: Case) -> None:
    """The same with arrays as constants of the graph."""
    symbols = Symbols(symbolic=False)
    nodes = built(c, symbols)
    _compare(c, nodes, values_of(nodes, {}), expected(c))


def _moved(value: Any, steps: Mapping[int, Any], h: float) -> Any:
    """Arguments with the arrays that vary moved along their directions."""
    if isinstance(value, (list, tuple)):
        return type(value)([_moved(v, steps, h) for v in value])
    step = steps.get(id(value))
    return value if step is None else value + h * step


def _real(values: Sequence[Any]) -> np.ndarray:
    parts = [np.zeros(0)]
    for value in values:
        array = np.asarray(value)
        parts += [np.real(array).astype(float).ravel(), np.imag(array).astype(float).ravel()]
    return np.concatenate(parts)


def check_derivative(c: Case, *, tolerance: float = 2e-7) -> None:
    """Forward mode against differences of NumPy's function, reverse against forward mode."""
    if not c.smooth:
        return
    symbols = Symbols()
    nodes = built(c, symbols)
    picked = [
        i
        for i, n in enumerate(nodes)
        if isinstance(n, Expr) and n.value_type.dtype in ("float64", "complex128")
    ]
    xs = {
        k: v
        for k, v in symbols.values.items()
        if np.asarray(v).dtype.name in ("float64", "complex128")
    }
    if not picked or not xs:
        return
    outputs = [nodes[i] for i in picked]
    leaves_of = {k: symbol(k, np.shape(v), dtype=np.asarray(v).dtype.name) for k, v in xs.items()}  # type: ignore[arg-type]
    rng = np.random.default_rng(3)
    given = dict(symbols.values)
    seeds: dict[Expr, Expr] = {}
    steps: dict[int, Any] = {}
    for name, value in xs.items():
        direction = c.direction(value) if c.direction else _direction(rng, value)
        given[f"t{name}"] = direction
        steps[id(value)] = direction
        seeds[leaves_of[name]] = symbol(f"t{name}", np.shape(value), dtype=value.dtype.name)
    changes = [
        lift(np.zeros(list(o.shape))) if d is None else d  # type: ignore[misc]
        for d, o in zip(jvp(outputs, seeds), outputs, strict=True)
    ]
    forward = evaluate_nodes(changes, given)
    h = 1e-5
    ends = [
        [
            expected(c, _moved(c.args, steps, k * h), _moved_options(c, steps, k * h))[i]
            for i in picked
        ]
        for k in (-2, -1, 1, 2)
    ]
    low2, low, high, high2 = map(_real, ends)
    differences = (8 * (high - low) - (high2 - low2)) / (12 * h)
    got = _real(forward)
    size = max(1.0, float(np.max(np.abs(differences), initial=0.0)))
    np.testing.assert_allclose(
        got, differences, atol=tolerance * size, rtol=0, err_msg=f"{c}: forward"
    )
    cts = [symbol(f"ct{i}", o.shape, dtype=o.value_type.dtype) for i, o in enumerate(outputs)]
    for ct in cts:
        given[ct.attr.name] = _direction(rng, np.zeros(list(ct.shape), ct.value_type.dtype))  # type: ignore[misc]
    back = vjp(outputs, cts, list(leaves_of.values()))
    there = sum(
        float(np.sum(np.real(np.conj(given[ct.attr.name]) * f)))
        for ct, f in zip(cts, forward, strict=True)
    )
    values = values_of([b for b in back if b is not None], given)
    found = iter(values)
    here = 0.0
    scale = 1.0
    for name, part in zip(xs, back, strict=True):
        if part is None:
            continue
        pulled = np.asarray(next(found))
        assert pulled.shape == np.shape(xs[name]), f"{c}: cotangent of shape {pulled.shape}"
        here += float(np.sum(np.real(np.conj(pulled) * given[f"t{name}"])))
        scale += float(np.sum(np.abs(pulled)))
    assert abs(here - there) <= 1e-9 * scale, f"{c}: reverse gives {here}, forward {there}"


def _moved_options(c: Case, steps: Mapping[int, Any], h: float) -> dict[str, Any]:
    return {k: _moved(v, steps, h) for k, v in c.kwargs.items()}


def _direction(rng: np.random.Generator, value: Any) -> Any:
    step = rng.uniform(-1, 1, np.shape(value))
    if np.iscomplexobj(value):
        step = step + 1j * rng.uniform(-1, 1, np.shape(value))
    return np.asarray(step)
