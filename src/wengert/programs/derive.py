"""Transforms of graphs: changes, gradients, Jacobians, Hessians, and the map over an axis.

All take the outputs of a graph and the symbols ``wrt`` to vary, and give new graphs in the same symbols.
A derivative has the dtype of what it is the derivative by, so a change of a float32 symbol is float32.
Jacobians have shape ``output.shape + input.shape``.

Complex numbers: reverse mode gives ``dL/dx + i dL/dy`` (see ``ops.complexes``); a *holomorphic* output has
the complex derivative ``f'(z)``, which reverse mode gives conjugated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from wengert.diff import forward, reverse, stacked
from wengert.diff.single import unit_seed
from wengert.errors import NoDerivativeError
from wengert.ir.dims import Extent, size_of
from wengert.ir.function import Function
from wengert.ir.node import Expr
from wengert.ir.types import TupleType, Type, is_complex
from wengert.ir.walk import depends_on, leaves, order
from wengert.ops.algebra import plus, times, zeros
from wengert.ops.complexes import conj
from wengert.ops.control.accumulate import in_place
from wengert.ops.control.item import items
from wengert.ops.control.looped import COUNTER, Looped, closed_loop
from wengert.ops.control.regions import hoisted, opened
from wengert.ops.counting import count_operations
from wengert.ops.einstein import broadcast_to, eye, transpose
from wengert.ops.layout import cast, reshape
from wengert.ops.leaves import ONE, const, fresh, size
from wengert.ops.numbers import python_number

__all__ = [
    "Choice",
    "Mode",
    "batched",
    "gradient",
    "hessian",
    "hessian_product",
    "jacobian",
    "jacobian_forward",
    "jacobian_reverse",
    "jvp",
    "linearize",
    "settled",
    "split",
    "transpose_linear",
    "vjp",
]

Mode: TypeAlias = Literal["forward", "reverse"]
Row: TypeAlias = list[Expr]  # one derivative per input


# --- types ---------------------------------------------------------------------------------------------
def settled(change: Expr | None, type_: Type) -> Expr:
    """A change as a value of its type: zeros for ``None``, cast and spread where it was a mere number."""
    if change is None:
        change = const(0)
    if type_.weak and not type_.shape and not change.shape:
        return python_number(change, type_.dtype)  # a Python number stays one
    return broadcast_to(cast(change, type_.dtype), type_.shape)


def _derivative_type(output: Expr, by: Expr) -> Type:
    """The type of the derivative of an output by an input: complex if one of them is."""
    base = output.value_type if is_complex(output.value_type) else by.value_type
    dtype = by.value_type.dtype if base is by.value_type else _widest(output, by)
    return Type(dtype, (*output.shape, *by.shape), by.value_type.weak)


def _widest(output: Expr, by: Expr) -> Literal["complex64", "complex128"]:
    small = by.value_type.dtype in ("float32", "complex64")
    return "complex64" if small else "complex128"


# --- first derivatives ---------------------------------------------------------------------------------
def jvp(outputs: Sequence[Expr], wrt: Sequence[Expr], tangents: Sequence[Expr]) -> list[Expr]:
    """Changes of the outputs for changes of ``wrt``."""
    changes = forward.jvp(outputs, dict(zip(wrt, tangents, strict=True)))
    return [settled(c, out.value_type) for c, out in zip(changes, outputs, strict=True)]


def vjp(
    outputs: Sequence[Expr], cotangents: Sequence[Expr | None], wrt: Sequence[Expr]
) -> list[Expr]:
    """Cotangents of ``wrt`` for cotangents of the outputs."""
    found = _summed_in_place(reverse.vjp(outputs, cotangents, wrt))
    return [settled(ct, by.value_type) for ct, by in zip(found, wrt, strict=True)]


def _summed_in_place(cotangents: Sequence[Expr | None]) -> list[Expr | None]:
    """Cotangents of arrays to which elements are added one by one, in place of sums of arrays of zeros."""
    arrays = [ct for ct in cotangents if ct is not None and ct.ndim]
    summed = dict(zip(arrays, in_place(arrays), strict=True))
    return [ct if ct is None else summed.get(ct, ct) for ct in cotangents]


def gradient(output: Expr, wrt: Sequence[Expr], *, holomorphic: bool = False) -> Row:
    """Derivatives of a scalar by each of ``wrt``, by reverse mode; shapes and dtypes are those of ``wrt``."""
    found = _summed_in_place(reverse.vjp([output], [ONE], wrt))
    return [
        settled(conj(ct) if holomorphic and ct is not None else ct, by.value_type)
        for ct, by in zip(found, wrt, strict=True)
    ]


# --- Jacobians -----------------------------------------------------------------------------------------
def jacobian_forward(
    outputs: Sequence[Expr], wrt: Sequence[Expr], *, holomorphic: bool = False
) -> list[Row]:
    """Jacobians of each output by each input, one column (a change of one input element) after another."""
    columns = [_columns(outputs, by, holomorphic) for by in wrt]
    return [list(row) for row in zip(*columns, strict=True)] if wrt else [[] for _ in outputs]


def _columns(outputs: Sequence[Expr], by: Expr, holomorphic: bool) -> list[Expr]:
    if not is_complex(by.value_type) or holomorphic:
        return _along_basis(outputs, by, ONE)
    # A real output of x + i y changes by its derivatives along 1 and along i.
    along, across = (_along_basis(outputs, by, const(unit)) for unit in (1, 1j))
    turned = [plus(a, times(const(1j), b)) for a, b in zip(along, across, strict=True)]
    return [settled(t, _derivative_type(o, by)) for t, o in zip(turned, outputs, strict=True)]


def _along_basis(outputs: Sequence[Expr], by: Expr, unit: Expr) -> list[Expr]:
    types = [_derivative_type(out, by) for out in outputs]
    if not by.shape:
        changes = forward.jvp(outputs, {by: settled(unit, by.value_type)})
        return [
            settled(_spread_along(c, out), t)
            for c, out, t in zip(changes, outputs, types, strict=True)
        ]
    seed = fresh(Type(by.value_type.dtype, by.shape), "t")
    changes = forward.jvp(outputs, {by: seed})
    live = [i for i, change in enumerate(changes) if change is not None]
    count = size_of(by.shape)
    basis = cast(times(unit, reshape(eye(count), (count, *by.shape))), by.value_type.dtype)
    rows = [broadcast_to(c, outputs[i].shape) for i in live if (c := changes[i]) is not None]
    stacks = dict(zip(live, _mapped(rows, [(seed, basis)], count), strict=True))
    found = []
    for i, (out, type_) in enumerate(zip(outputs, types, strict=True)):
        stack = stacks.get(i)
        if stack is not None:
            last = transpose(stack, (*range(1, out.ndim + 1), 0))
            stack = reshape(last, (*out.shape, *by.shape))
        found.append(settled(stack, type_))
    return found


def _spread_along(change: Expr | None, out: Expr) -> Expr | None:
    return None if change is None else broadcast_to(change, out.shape)


def _mapped(
    rows: Sequence[Expr],
    scans: Sequence[tuple[Expr, Expr]],
    count: Extent,
    carried: Sequence[tuple[Expr, Expr, Expr]] = (),
) -> tuple[Expr, ...]:
    """Final carries, and the rows for every element of the scanned arrays, stacked.

    Without carries it is a loop whose iterations do not meet. ``carried`` has symbol, start and next value.
    """
    if not rows and not carried:
        return ()
    k = fresh(COUNTER, "k")
    return items(
        closed_loop(
            Looped(
                k=k,
                carries=[(symbol, start) for symbol, start, _ in carried],
                outputs=[after for *_, after in carried],
                rows=rows,
                scans=scans,
                trip=size(count),
                length=count,
            )
        )
    )


def jacobian_reverse(
    outputs: Sequence[Expr], wrt: Sequence[Expr], *, holomorphic: bool = False
) -> list[Row]:
    """Jacobians of each output by each input, all rows (cotangents of output elements) at once.

    Through an op that takes one cotangent at a time, one row after another.
    """
    return [_rows(out, wrt, holomorphic) for out in outputs]


def _rows(output: Expr, wrt: Sequence[Expr], holomorphic: bool) -> Row:
    types = [_derivative_type(output, by) for by in wrt]
    found = _pulled(output, wrt, ONE)
    if holomorphic:
        found = [None if ct is None else conj(ct) for ct in found]
    elif is_complex(output.value_type):
        # For a real input the cotangents 1 and i give the real and the imaginary part.
        across = _pulled(output, wrt, const(1j))
        found = [
            plus(zeros(t.shape) if a is None else a, times(const(1j), b)) if b is not None else a
            for a, b, t in zip(found, across, types, strict=True)
        ]
    return [settled(ct, t) for ct, t in zip(found, types, strict=True)]


def _pulled(output: Expr, wrt: Sequence[Expr], unit: Expr) -> list[Expr | None]:
    if not output.shape:
        return reverse.vjp([output], [unit], wrt)
    if not any(_has_complex(node) for node in order([output])):
        return stacked.rows(output, unit, wrt)
    try:
        return reverse.vjp([output], [times(unit, unit_seed(output))], wrt)
    except NoDerivativeError:
        return _row_by_row(output, wrt, unit)


def _has_complex(node: Expr) -> bool:
    types = node.type.items if isinstance(node.type, TupleType) else (node.value_type,)
    return any(is_complex(t) for t in types)


def _row_by_row(output: Expr, wrt: Sequence[Expr], unit: Expr) -> list[Expr | None]:
    dtype = output.value_type.dtype
    seed = fresh(Type(dtype, output.shape), "ct")
    cotangents = reverse.vjp([output], [seed], wrt)
    count = size_of(output.shape)
    basis = cast(times(unit, reshape(eye(count), (count, *output.shape))), dtype)
    live = [i for i, ct in enumerate(cotangents) if ct is not None]
    rows = [broadcast_to(ct, wrt[i].shape) for i in live if (ct := cotangents[i]) is not None]
    found: list[Expr | None] = [None] * len(wrt)
    for i, stack in zip(live, _mapped(rows, [(seed, basis)], count), strict=True):
        found[i] = reshape(stack, (*output.shape, *wrt[i].shape))
    return found


@dataclass(frozen=True, slots=True)
class Choice:
    """Which way a Jacobian is computed, and the operation counts that decided it."""

    mode: Mode
    forward: int
    reverse: int

    def __str__(self) -> str:
        return f"{self.mode} ({self.forward} operations forward, {self.reverse} in reverse)"


def jacobian(
    outputs: Sequence[Expr],
    wrt: Sequence[Expr],
    sizes: Mapping[str, int] | None = None,
    *,
    holomorphic: bool = False,
) -> tuple[list[Row], Choice]:
    """Jacobians by the mode that takes fewer operations, and which that was.

    Both are built and counted. Extents with names take the values ``sizes``, or a large one. Of equal
    counts, the way with fewer loops is taken, then the one with fewer columns or rows.
    """
    ways = (
        jacobian_forward(outputs, wrt, holomorphic=holomorphic),
        jacobian_reverse(outputs, wrt, holomorphic=holomorphic),
    )
    flat = [[e for row in rows for e in row] for rows in ways]
    costs = [_operations(entries, sizes or {}) for entries in flat]
    loops = [sum(node.op.bodies is not None for node in order(entries)) for entries in flat]
    elements = [
        _in_numbers(sum((size_of(e.shape) for e in nodes), start=0), sizes or {})
        for nodes in (wrt, outputs)
    ]
    if (costs[0], loops[0], elements[0]) < (costs[1], loops[1], elements[1]):
        return ways[0], Choice("forward", *costs)
    return ways[1], Choice("reverse", *costs)


_LARGE = 64  # stands for an extent that is not known: beyond the small ones that are unrolled


def _operations(roots: Sequence[Expr], sizes: Mapping[str, int]) -> int:
    return _in_numbers(count_operations(roots).operations, sizes)


def _in_numbers(extent: Extent, sizes: Mapping[str, int]) -> int:
    if isinstance(extent, int):
        return extent
    return extent.evaluate({name: sizes.get(name, _LARGE) for name in extent.names})


# --- second derivatives --------------------------------------------------------------------------------
def hessian(outputs: Sequence[Expr], wrt: Sequence[Expr]) -> list[list[Row]]:
    """Second derivatives of each output by each pair of inputs.

    The Jacobians of gradients, by the mode that takes fewer operations.
    """
    found = []
    for row in jacobian_reverse(outputs, wrt):
        if any(by.shape for by in wrt):
            found.append(jacobian(row, wrt)[0])
        else:
            found.append(jacobian_forward(row, wrt))
    return found


def hessian_product(output: Expr, wrt: Sequence[Expr], directions: Sequence[Expr]) -> Row:
    """The Hessian of a scalar times a direction, forward over reverse: a small multiple of the function."""
    return jvp(gradient(output, wrt), wrt, directions)


# --- maps ----------------------------------------------------------------------------------------------
def batched(
    rows: Sequence[Expr],
    scans: Sequence[tuple[Expr, Expr]],
    carried: Sequence[tuple[Expr, Expr, Expr]] = (),
) -> tuple[list[Expr], list[Expr]]:
    """``rows`` for every element of the leading axes of arrays, stacked along a new leading axis.

    ``scans`` pairs a symbol that occurs in the rows with the array whose elements it stands for;
    ``carried`` has symbol, start and next value of what goes from element to element (effects).
    What does not depend on the elements is computed once and repeated.

    Returns:
        The final values of what is carried, and the stacks.
    """
    count = scans[0][1].shape[0]
    varied = depends_on(order(rows), [s for s, _ in scans] + [s for s, *_ in carried])
    live = [i for i, row in enumerate(rows) if row in varied]
    used = set(leaves([*(rows[i] for i in live), *(after for *_, after in carried)]))
    kept = [pair for pair in scans if pair[0] in used]
    found = _mapped([rows[i] for i in live], kept, count, carried)
    stacks = dict(zip(live, found[len(carried) :], strict=True))
    return list(found[: len(carried)]), [
        stacks[i] if i in stacks else broadcast_to(row, (count, *row.shape))
        for i, row in enumerate(rows)
    ]


# --- closed functions ----------------------------------------------------------------------------------
def split(outputs: Sequence[Expr], bound: Sequence[Expr], name: str) -> tuple[list[Expr], Function]:
    """What the outputs need that does not depend on ``bound``, and the function of both that is left.

    Returns the residuals (expressions without the bound symbols), and a function whose inputs are the
    bound symbols followed by one symbol per residual.
    """
    region, residuals = hoisted(bound, outputs)
    inputs = [fresh(p.value_type, "res") for p in region.params]
    return list(residuals), Function(tuple(inputs), tuple(opened(region, inputs)), name)


def linearize(function: Function, wrt: Sequence[Expr]) -> tuple[Function, Function]:
    """A function that also gives its residuals, and the linear function of changes and residuals.

    ``linear(*tangents, *residuals)`` are the changes of the outputs for changes of ``wrt``.
    """
    tangents = [fresh(Type(i.value_type.dtype, i.shape), "t") for i in wrt]
    changes = jvp(function.outputs, wrt, tangents)
    residuals, linear = split(changes, tangents, f"{function.name}_jvp")
    return Function(function.inputs, (*function.outputs, *residuals), function.name), linear


def transpose_linear(linear: Function, count: int) -> Function:
    """A function that is linear in its first ``count`` inputs, turned around.

    ``transposed(*cotangents of the outputs, *other inputs)`` are the cotangents of those inputs.
    """
    seeds = [fresh(Type(o.value_type.dtype, o.shape), "ct") for o in linear.outputs]
    found = vjp(linear.outputs, seeds, linear.inputs[:count])
    return Function((*seeds, *linear.inputs[count:]), tuple(found), f"{linear.name}_transposed")
