"""NumPy functions that multiply and sum: dot products, matrix products, Einstein and Kronecker products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count, pairwise
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import (
    axis_list,
    common_type,
    converted,
    dtype_name,
    members,
    refused,
    strong,
    whole,
)
from wengert.frontend.numpy_creation import array_of
from wengert.frontend.numpy_joining import atleast
from wengert.frontend.table import Nested, Value, Values, maps
from wengert.ir.dims import Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import DType
from wengert.ops import algebra
from wengert.ops.algebra import common_shape, times
from wengert.ops.axes import axis_of
from wengert.ops.complexes import conj
from wengert.ops.einstein import Factor, Label, broadcast_to, ein
from wengert.ops.indexing import at
from wengert.ops.joining import stack
from wengert.ops.layout import moveaxis, reshape

__all__ = ["of_one_dtype", "product"]

_group = "Products"


def of_one_dtype(*values: Expr) -> tuple[list[Expr], DType]:
    """The arrays in the dtype that they have together, and that dtype."""
    dtype = common_type(values).dtype
    return [converted(v, dtype) for v in values], dtype


def product(
    factors: Sequence[tuple[Expr, Sequence[Label]]],
    out: Sequence[Label],
    dtype: DType | None = None,
    extents: dict[Label, Extent] | None = None,
) -> Expr:
    """An Einstein product in NumPy's dtype; factors of extent 1 stretch along the labels of others."""
    arrays, common = of_one_dtype(*(f for f, _ in factors))
    widest: dict[Label, Extent] = dict(extents or {})
    for node, (_, labels) in zip(arrays, factors, strict=True):
        for label, extent in zip(labels, node.shape, strict=True):
            if widest.get(label, 1) == 1:
                widest[label] = extent
    unique = count()
    given: list[Factor] = []
    for node, (_, labels) in zip(arrays, factors, strict=True):
        own = [
            ("stretched", next(unique)) if e == 1 and widest[a] != 1 else a
            for a, e in zip(labels, node.shape, strict=True)
        ]
        given.append((node, tuple(own)))
    return converted(ein(given, tuple(out), widest), dtype or common)


# --- matrix products -------------------------------------------------------------------------------------
def _multiplied(a: Expr, b: Expr) -> Expr:
    (first, second), dtype = of_one_dtype(a, b)
    return converted(algebra.matmul(first, second), dtype)


@maps(np.matmul, np.linalg.matmul, group=_group)
def matmul(x1: Value, x2: Value, /) -> Expr:
    return _multiplied(x1, x2)


def _scalars(a: Expr, b: Expr) -> Expr:
    (first, second), dtype = of_one_dtype(a, b)
    return converted(times(first, second), dtype)


@maps(np.dot, group=_group)
@maps(np.ndarray.dot, group=_group, title="numpy.ndarray.dot")
def dot(a: Value, b: Value) -> Expr:
    if not a.ndim or not b.ndim:
        return _scalars(a, b)
    left: list[Label] = [("a", i) for i in range(a.ndim - 1)]
    right: list[Label] = [("b", i) for i in range(b.ndim)]
    summed = max(b.ndim - 2, 0)
    _same(a.shape[-1], b.shape[summed], "numpy.dot", a, b)
    right[summed] = "k"
    out = [*left, *(x for x in right if x != "k")]
    return product([(a, [*left, "k"]), (b, right)], out)


def _same(first: Extent, second: Extent, what: str, a: Expr, b: Expr) -> None:
    if first != second:
        raise ShapeError(
            worded(
                what,
                expected="equal extents along the axis that is summed over",
                got=f"{a.value_type} and {b.value_type}",
                hint="transpose one side",
            )
        )


@maps(np.inner, group=_group)
def inner(a: Value, b: Value, /) -> Expr:
    if not a.ndim or not b.ndim:
        return _scalars(a, b)
    _same(a.shape[-1], b.shape[-1], "numpy.inner", a, b)
    left: list[Label] = [("a", i) for i in range(a.ndim - 1)]
    right: list[Label] = [("b", i) for i in range(b.ndim - 1)]
    return product([(a, [*left, "k"]), (b, [*right, "k"])], [*left, *right])


def _flat(x: Expr) -> Expr:
    return reshape(strong(x), (size_of(x.shape),))


@maps(np.outer, group=_group)
def outer(a: Value, b: Value) -> Expr:
    return product([(_flat(a), "i"), (_flat(b), "j")], "ij")


@maps(np.linalg.outer, group=_group)
def outer_of_vectors(x1: Value, x2: Value, /) -> Expr:
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(
            worded("numpy.linalg.outer", expected="two vectors", got=f"{x1.type} and {x2.type}")
        )
    return product([(x1, "i"), (x2, "j")], "ij")


@maps(np.vdot, group=_group)
def vdot(a: Value, b: Value, /) -> Expr:
    first, second = _flat(a), _flat(b)
    _same(first.shape[0], second.shape[0], "numpy.vdot", a, b)
    return product([(conj(first), "i"), (second, "i")], "")


def _stacked_product(
    what: str, a: Expr, b: Expr, left: tuple[Label, ...], right: tuple[Label, ...], out: str
) -> Expr:
    """A product over the last axes of two stacks of vectors or matrices."""
    if a.ndim < len(left) or b.ndim < len(right):
        raise ShapeError(worded(what, expected="arrays with more axes", got=f"{a.type}, {b.type}"))
    _same(a.shape[a.ndim - len(left) + left.index("k")],
          b.shape[b.ndim - len(right) + right.index("k")], what, a, b)  # fmt: skip
    ranks = [a.ndim - len(left), b.ndim - len(right)]
    stack_shape = common_shape(a.shape[: ranks[0]], b.shape[: ranks[1]])
    names: list[Label] = [("stack", i) for i in range(len(stack_shape))]
    extents = dict(zip(names, stack_shape, strict=True))
    return product(
        [
            (a, [*names[len(names) - ranks[0] :], *left]),
            (b, [*names[len(names) - ranks[1] :], *right]),
        ],
        [*names, *out],
        extents=extents,
    )


def _vecdot(x1: Expr, x2: Expr, axis: int, what: str) -> Expr:
    a, b = (moveaxis(x, axis_of(axis, x.ndim, what), x.ndim - 1) for x in (x1, x2))
    return _stacked_product(what, conj(a), b, ("k",), ("k",), "")


@maps(np.vecdot, group=_group)
def vecdot(x1: Value, x2: Value, /, *, axis: int = -1) -> Expr:
    return _vecdot(x1, x2, axis, "numpy.vecdot")


@maps(np.linalg.vecdot, group=_group)
def vecdot_of_arrays(x1: Value, x2: Value, /, *, axis: int = -1) -> Expr:
    return _vecdot(x1, x2, axis, "numpy.linalg.vecdot")


if hasattr(np, "matvec"):  # since NumPy 2.2

    @maps(np.matvec, group=_group)
    def matvec(x1: Value, x2: Value, /) -> Expr:
        return _stacked_product("numpy.matvec", x1, x2, ("i", "k"), ("k",), "i")

    @maps(np.vecmat, group=_group)
    def vecmat(x1: Value, x2: Value, /) -> Expr:
        return _stacked_product("numpy.vecmat", conj(x1), x2, ("k",), ("k", "j"), "j")


@maps(np.linalg.multi_dot, group=_group)
def multi_dot(arrays: Values) -> Expr:
    what = "numpy.linalg.multi_dot"
    nodes = members(arrays, what)
    ends = {0, len(nodes) - 1}
    if len(nodes) < 2 or any(
        n.ndim != 2 and not (n.ndim == 1 and i in ends) for i, n in enumerate(nodes)
    ):
        raise ShapeError(
            worded(
                what,
                expected="two or more matrices, vectors at the ends",
                got=f"{len(nodes)} arrays",
            )
        )
    factors: list[tuple[Expr, Sequence[Label]]] = []
    for i, node in enumerate(nodes):
        if node.ndim == 2:
            factors.append((node, [i, i + 1]))
        else:
            factors.append((node, [1 if i == 0 else i]))
    for (a, _), (b, _) in pairwise(factors):
        _same(a.shape[-1], b.shape[0], what, a, b)
    out: list[Label] = [0] if nodes[0].ndim == 2 else []
    out += [len(nodes)] if nodes[-1].ndim == 2 else []
    return product(factors, out)


# --- tensors ---------------------------------------------------------------------------------------------
@maps(np.tensordot, group=_group)
def tensordot(a: Value, b: Value, axes: Any = 2) -> Expr:
    return _tensordot(a, b, axes)


@maps(np.linalg.tensordot, group=_group)
def tensordot_of_arrays(x1: Value, x2: Value, /, *, axes: Any = 2) -> Expr:
    return _tensordot(x1, x2, axes)


def _tensordot(a: Expr, b: Expr, axes: Any) -> Expr:
    what = "numpy.tensordot"
    if isinstance(axes, (tuple, list)):
        first, second = (axis_list(x) for x in axes)
    else:
        first, second = list(range(-int(axes), 0)), list(range(int(axes)))
    summed_a = [axis_of(i, a.ndim, what) for i in first]
    summed_b = [axis_of(i, b.ndim, what) for i in second]
    if len(summed_a) != len(summed_b):
        raise ShapeError(worded(what, expected="as many axes of both", got=f"axes={axes!r}"))
    left: list[Label] = [("a", i) for i in range(a.ndim)]
    right: list[Label] = [("b", i) for i in range(b.ndim)]
    for number, (i, j) in enumerate(zip(summed_a, summed_b, strict=True)):
        _same(a.shape[i], b.shape[j], what, a, b)
        left[i] = right[j] = ("sum", number)
    out = [x for i, x in enumerate(left) if i not in summed_a]
    return product(
        [(a, left), (b, right)], [*out, *(x for j, x in enumerate(right) if j not in summed_b)]
    )


@maps(np.kron, group=_group)
def kron(a: Value, b: Value) -> Expr:
    rank = max(a.ndim, b.ndim)
    first, second = atleast(rank, strong(a)), atleast(rank, strong(b))
    left: list[Label] = [("a", i) for i in range(rank)]
    right: list[Label] = [("b", i) for i in range(rank)]
    out = [x for pair in zip(left, right, strict=True) for x in pair]
    shape = [m * n for m, n in zip(first.shape, second.shape, strict=True)]
    return reshape(product([(first, left), (second, right)], out), shape)


@maps(np.cross, group=_group)
def cross(
    a: Value, b: Value, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Expr:
    if axis is not None:
        axisa = axisb = axisc = axis
    return _cross(a, b, axisa, axisb, axisc, "numpy.cross", (2, 3))


@maps(np.linalg.cross, group=_group)
def cross_of_vectors(x1: Value, x2: Value, /, *, axis: int = -1) -> Expr:
    return _cross(x1, x2, axis, axis, axis, "numpy.linalg.cross", (3,))


def _cross(
    a: Expr, b: Expr, axisa: int, axisb: int, axisc: int, what: str, widths: tuple[int, ...]
) -> Expr:
    (x, y), dtype = of_one_dtype(a, b)
    x, y = (moveaxis(v, axis_of(i, v.ndim, what), v.ndim - 1) for v, i in ((x, axisa), (y, axisb)))
    if x.shape[-1] not in widths or y.shape[-1] not in widths:
        raise ShapeError(
            worded(what, expected=f"vectors of {' or '.join(map(str, widths))} numbers",
                   got=f"{a.value_type} and {b.value_type}")
        )  # fmt: skip
    p, q = (
        [at(v, v.ndim - 1, i) if v.shape[-1] > i else None for i in range(3)]  # type: ignore[operator]
        for v in (x, y)
    )

    def minor(i: int, j: int) -> Expr:
        """``p[i]*q[j] - p[j]*q[i]``, where the third number of a vector of two is zero."""
        terms = []
        for u, v, s in ((p[i], q[j], 1), (p[j], q[i], -1)):
            if u is not None and v is not None:
                terms.append(times(u, v) if s > 0 else -times(u, v))
        shape = common_shape(x.shape[:-1], y.shape[:-1])
        if not terms:
            return broadcast_to(converted(algebra.lift(0), dtype), shape)
        return broadcast_to(terms[0] if len(terms) == 1 else terms[0] + terms[1], shape)

    if x.shape[-1] == y.shape[-1] == 2:
        return converted(minor(0, 1), dtype)
    vectors = stack([minor(1, 2), minor(2, 0), minor(0, 1)], -1)
    return converted(moveaxis(vectors, -1, axisc), dtype)


# --- Einstein's notation ---------------------------------------------------------------------------------
@maps(np.einsum, group=_group)
def einsum(*operands: Nested, optimize: Any = False, dtype: Any = None) -> Expr:
    nodes, inputs, out = _einsum_arguments(operands)
    if len(inputs) != len(nodes):
        raise ShapeError(
            worded("numpy.einsum", expected=f"{len(inputs)} arrays", got=f"{len(nodes)}")
        )
    wide = max(
        (n.ndim - len(ls) + 1 for n, ls in zip(nodes, inputs, strict=True) if ... in ls), default=0
    )
    factors: list[tuple[Expr, Sequence[Label]]] = []
    for node, labels in zip(nodes, inputs, strict=True):
        found = _spelt_out(labels, node.ndim - len(labels) + 1, wide)
        if len(found) != node.ndim:
            raise ShapeError(
                worded(
                    "numpy.einsum", expected=f"{len(found)} axes, one a label", got=f"{node.type}"
                )
            )
        factors.append((node, found))
    if out is None:
        named = [x for ls in inputs for x in ls if x is not ...]
        once = sorted({x for x in named if named.count(x) == 1})
        out = [..., *once] if wide or any(... in ls for ls in inputs) else once
    final = _spelt_out(out, wide, wide)
    used = {x for _, ls in factors for x in ls}
    if len(set(final)) != len(final) or not set(final) <= used:
        raise ShapeError(
            worded("numpy.einsum", expected="each label of the output once", got=f"{out}")
        )
    return product(factors, final, None if dtype is None else dtype_name(dtype, "numpy.einsum"))


def _spelt_out(labels: Sequence[Any], width: int, wide: int) -> list[Label]:
    """Labels with the axes that an ellipsis stands for, counted from the last one."""
    found: list[Label] = []
    for label in labels:
        if label is ...:
            found += [("...", i) for i in range(wide - width, wide)]
        else:
            found.append(label)
    return found


def _einsum_arguments(
    operands: Sequence[Any],
) -> tuple[list[Expr], list[list[Any]], list[Any] | None]:
    """Arrays, their labels, and the labels of the result (``None``: not said)."""
    if operands and isinstance(operands[0], str):
        left, arrow, right = operands[0].replace(" ", "").partition("->")
        inputs = [_labels(text) for text in left.split(",")]
        return [_array(x) for x in operands[1:]], inputs, _labels(right) if arrow else None
    given = list(operands)
    out = _numbers(given.pop()) if len(given) % 2 else None
    return [_array(x) for x in given[::2]], [_numbers(x) for x in given[1::2]], out


def _array(x: Any) -> Expr:
    return array_of(x, None, "numpy.einsum") if isinstance(x, (list, tuple)) else strong(x)


def _numbers(axes: Any) -> list[Any]:
    """Labels given as a list of whole numbers."""
    return [x if x is ... else whole(x, "numpy.einsum", "subscripts") for x in axes]


def _labels(text: str) -> list[Any]:
    before, dots, after = text.partition("...")
    if not (before + after).replace(" ", "").isalpha() and before + after:
        raise refused("numpy.einsum", expected="letters as subscripts", got=text)
    return [*before, ..., *after] if dots else [*before]
