"""Other arrangements of the same numbers: reshape, axes, triangles, dtype.

Parts of arrays are in ``indexing``, arrays made of several in ``joining``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wengert.errors import EvaluationError, ShapeError, TypeMismatchError, worded
from wengert.ir.dims import Dim, Extent, extent_text, resolve, size_of
from wengert.ir.facts import DIAGONAL, FINITE, INTEGER, NONNEGATIVE, NONPOSITIVE, NONZERO
from wengert.ir.node import OPERATORS, Expr, make
from wengert.ir.op import (
    Argument,
    Domain,
    Laws,
    Linear,
    NoDerivative,
    Op,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import DTYPES, DType, Type, is_complex, is_inexact
from wengert.ops import plane
from wengert.ops.algebra import lift
from wengert.ops.axes import axis_of
from wengert.ops.choice import ne, whole_steps
from wengert.ops.complexes import real
from wengert.ops.einstein import ein, is_ones, ones, transpose
from wengert.ops.leaves import ZERO

__all__ = [
    "cast",
    "expand_dims",
    "kron",
    "moveaxis",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "tril",
    "triu",
]

_ELEMENTS = NONNEGATIVE | NONPOSITIVE | NONZERO | FINITE | INTEGER


# --- reshape ---------------------------------------------------------------------------------------------
def reshape(x: Any, shape: int | Extent | Sequence[int | Extent]) -> Expr:
    """The same elements in row-major order under another shape; one extent may be -1.

    Raises:
        ShapeError: another number of elements, or -1 where it does not come out even.

    >>> from wengert.ops.leaves import symbol
    >>> reshape(symbol("A", ("m", 6)), (-1, 3)).shape
    (Dim(2*m), 3)
    """
    node = lift(x)
    wanted = (shape,) if isinstance(shape, (int, Dim)) else tuple(shape)
    if any(e == -1 for e in wanted):
        wanted = _filled(node.shape, wanted)
    return _reshape(node, attr=wanted)


def _reshape(node: Expr, *, attr: tuple[Extent, ...]) -> Expr:
    while node.op is RESHAPE:
        node = node.args[0]
    if node.shape == attr:
        return node
    if is_ones(node):
        _reshape_type(node.value_type, attr=attr)
        return ones(attr)
    return make(RESHAPE, (node,), attr)


def ravel(x: Any) -> Expr:
    """All elements in one axis, in row-major order."""
    return reshape(x, (-1,))


def _factors(shape: Sequence[Extent]) -> tuple[int, Counter[object]]:
    """A product of extents as a number and a bag of names and of sums that stay whole."""
    number, bag = 1, Counter[object]()
    for extent in shape:
        if isinstance(extent, int):
            number *= extent
        elif len(extent.terms) == 1:
            (monomial, coefficient) = extent.terms[0]
            number *= coefficient
            bag.update(monomial)
        else:
            bag[extent] += 1
    return number, bag


def _filled(shape: tuple[Extent, ...], wanted: tuple[Extent, ...]) -> tuple[Extent, ...]:
    """The wanted shape with its -1 worked out."""
    known = tuple(e for e in wanted if e != -1)
    number, bag = _factors(shape)
    divisor, gone = _factors(known)
    if len(known) != len(wanted) - 1 or gone - bag or not divisor or number % divisor:
        raise ShapeError(
            worded(
                "reshape",
                expected=f"a shape that divides {extent_text(shape)}",
                got=extent_text(wanted),
                hint="give every extent",
            )
        )
    missing: Extent = number // divisor
    for factor, times in (bag - gone).items():
        for _ in range(times):
            missing = missing * (Dim.named(factor) if isinstance(factor, str) else factor)  # type: ignore[operator]
    return tuple(missing if e == -1 else e for e in wanted)


def _reshape_type(x: Type, *, attr: tuple[Extent, ...]) -> Type:
    if _certainly_differ(size_of(x.shape), size_of(attr)):
        raise ShapeError(
            worded(
                "reshape",
                expected=f"{size_of(x.shape)} elements, as {extent_text(x.shape)} has",
                got=extent_text(attr),
            )
        )
    return x.with_shape(attr)


def _certainly_differ(first: Extent, second: Extent) -> bool:
    """Whether no sizes make the extents equal, as far as signs tell: names are at least one, what is
    defined by a node at least zero.
    """
    difference = first - second
    if isinstance(difference, int):
        return difference != 0
    if difference.needs and not any(monomial == () for monomial, _ in difference.terms):
        return False
    return len({coefficient > 0 for _, coefficient in difference.terms}) == 1


def _reshape_value(x: Any, *, attr: tuple[int, ...]) -> Any:
    if np.size(x) != int(np.prod(attr)):
        raise EvaluationError(
            worded("reshape", expected=f"{np.size(x)} elements", got=extent_text(attr))
        )
    return np.reshape(x, attr)


def _reshape_transpose(ct: Expr, slot: int, x: Expr, *, attr: tuple[Extent, ...]) -> Expr:
    return reshape(ct, (*ct.shape[: ct.ndim - len(attr)], *x.shape))


def _resolved(attr: tuple[Extent, ...], sizes: Mapping[str, int]) -> tuple[int, ...]:
    return resolve(attr, sizes)


def _element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    """Axes in front and behind that stay are passed through; between them places are counted."""
    before, after = node.args[0].shape, node.shape
    first = 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        first += 1
    last = 0
    while last < min(len(before), len(after)) - first and before[-1 - last] == after[-1 - last]:
        last += 1
    inner = range(first, len(after) - last)
    wanted = before[first : len(before) - last]
    number: Expr = ask.extent(0)
    for axis in inner:
        number = OPERATORS.add(OPERATORS.mul(number, ask.extent(after[axis])), places[axis])
    found: list[Expr] = []
    for position, extent in enumerate(reversed(wanted)):
        if position == len(wanted) - 1 and extent != 1:
            found.append(number)
        elif extent == 1:
            found.append(ask.extent(0))
        elif all(e == 1 for e in wanted[: len(wanted) - 1 - position]):
            found.append(number)
        else:
            found.append(OPERATORS.mod(number, ask.extent(extent)))
            number = OPERATORS.floordiv(number, ask.extent(extent))
    every = [*places[:first], *reversed(found), *places[len(after) - last :]]
    return ask.part(0, every)  # type: ignore[no-any-return]  # an element


RESHAPE = register(
    Op(
        name="reshape",
        doc="The same elements in row-major order under another shape.",
        result=_reshape_type,
        evaluate=_reshape_value,
        element=_element,
        resolve=_resolved,
        diff=Linear(_reshape_transpose, batched=True),
        spell=Spelling(
            options=lambda node: {"shape": node.attr},
            latex=r"\operatorname{{reshape}}\left({0}\right)",
            python="np.reshape({0})",
        ),
        laws=Laws(facts=lambda x, *, attr: x & _ELEMENTS),
        build=_reshape,
        call=reshape,
        samples=(
            Sample((Argument((2, 6)),), (3, 4)),
            Sample((Argument((4,)),), (2, 1, 2)),
            Sample((Argument((2, 2), dtype="complex128"),), (4,)),
        ),
        cost=0.0,
    )
)


# --- axes ------------------------------------------------------------------------------------------------
def swapaxes(x: Any, first: int, second: int) -> Expr:
    """The array with two axes exchanged."""
    node = lift(x)
    order = list(range(node.ndim))
    i, j = (axis_of(a, node.ndim, "swapaxes") for a in (first, second))
    order[i], order[j] = order[j], order[i]
    return transpose(node, order)


def moveaxis(x: Any, source: int, destination: int) -> Expr:
    """The array with one axis moved to another place."""
    node = lift(x)
    i, j = (axis_of(a, node.ndim, "moveaxis") for a in (source, destination))
    order = [a for a in range(node.ndim) if a != i]
    order.insert(j, i)
    return transpose(node, order)


def expand_dims(x: Any, axis: int) -> Expr:
    """The array with a new axis of extent 1."""
    node = lift(x)
    place = axis_of(axis, node.ndim + 1, "expand_dims")
    out = [("old", i) for i in range(node.ndim)]
    factor = (node, list(out))
    out.insert(place, ("new", 0))
    return ein([factor], out, {("new", 0): 1})


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Expr:
    """The array without axes of extent 1 (the given ones, or all that have extent 1).

    Raises:
        ShapeError: a given axis has another extent.
    """
    node = lift(x)
    if axis is None:
        gone = {i for i, e in enumerate(node.shape) if e == 1}
    else:
        given = (axis,) if isinstance(axis, int) else tuple(axis)
        gone = {axis_of(a, node.ndim, "squeeze") for a in given}
    wrong = [node.shape[a] for a in gone if node.shape[a] != 1]
    if wrong:
        raise ShapeError(worded("squeeze", expected="axes of extent 1", got=f"extent {wrong[0]}"))
    # The sum over an axis of extent 1 drops it.
    return ein([(node, range(node.ndim))], [i for i in range(node.ndim) if i not in gone])


# --- triangles -------------------------------------------------------------------------------------------
def _matrix(type_: Type, what: str) -> Type:
    if len(type_.shape) < 2:
        raise ShapeError(worded(what, expected="a matrix", got=f"shape {extent_text(type_.shape)}"))
    return type_


def _kept_in(name: str) -> Any:  # Any: see `Op.element`
    """Elements of one triangle of a matrix; the others are zero."""

    def element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
        *_, row, column = places
        moved = OPERATORS.add(row, ask.extent(node.attr))
        pair = (column, moved) if name == "tril" else (moved, column)
        kept: Expr = ask.chosen(OPERATORS.compare("le", *pair), ask.part(0, places), 0)
        return kept

    return element


def _triangle(name: str, doc: str, evaluate: Any) -> Op:  # Any: NumPy's function
    def build(x: Any, k: int = 0) -> Expr:
        return make(_TRIANGLES[name], (lift(x),), k)

    return register(
        Op(
            name=name,
            doc=doc,
            result=lambda x, *, attr: _matrix(x, name),
            evaluate=lambda x, *, attr: evaluate(x, attr),
            element=_kept_in(name),
            # Elements are kept or dropped in place, in every matrix of a stack.
            diff=Linear(lambda ct, slot, x, *, attr: build(ct, attr), batched=True),
            spell=Spelling(
                options=lambda node: {"k": node.attr} if node.attr else {},
                latex=rf"\operatorname{{{{{name}}}}}\left({{0}}\right)",
                python=f"np.{name}({{0}})",
            ),
            laws=Laws(facts=lambda x, *, attr: x & (_ELEMENTS & ~NONZERO | DIAGONAL)),
            call=build,
            samples=(
                Sample((Argument((3, 3)),), 0),
                Sample((Argument((3, 4)),), -1),
                Sample((Argument((2, 3, 3)),), 1),
            ),
            cost=0.0,
        )
    )


_TRIANGLES = {
    "tril": _triangle("tril", "The matrix with zeros above a diagonal.", np.tril),
    "triu": _triangle("triu", "The matrix with zeros below a diagonal.", np.triu),
}


def tril(x: Any, k: int = 0) -> Expr:
    """The matrix with zeros above diagonal ``k``."""
    return make(_TRIANGLES["tril"], (lift(x),), k)


def triu(x: Any, k: int = 0) -> Expr:
    """The matrix with zeros below diagonal ``k``."""
    return make(_TRIANGLES["triu"], (lift(x),), k)


# --- dtype -----------------------------------------------------------------------------------------------
def cast(x: Any, dtype: DType) -> Expr:
    """The same values in another dtype; complex to real drops the imaginary part, as NumPy does.

    The derivative of a cast to integers or truth values is zero.

    Raises:
        TypeMismatchError: no dtype of wengert's.
    """
    node = lift(x)
    if dtype not in DTYPES:
        raise TypeMismatchError(
            worded("cast", expected=f"one of {', '.join(DTYPES)}", got=repr(dtype))
        )
    if node.type is node.value_type.with_dtype(dtype):
        return node
    if dtype == "bool":
        return ne(node, ZERO)
    target = Type(dtype)
    if not is_complex(target):
        node = real(node)
    if node.type is node.value_type.with_dtype(dtype):
        return node
    return make(CAST if is_inexact(target) else TO_INTEGER, (node,), dtype)


def _cast_transpose(ct: Expr, slot: int, x: Expr, *, attr: DType) -> Expr:
    return cast(ct, x.value_type.dtype)


def _cast_in_numpy(node: Expr) -> str:
    return f"{{0}}.astype(np.{node.attr})" if node.ndim else f"np.{node.attr}({{0}})"


CAST = register(
    Op(
        name="cast",
        doc="The same values in another floating-point dtype.",
        result=lambda x, *, attr: x.with_dtype(attr),
        parts=plane.cast,
        evaluate=lambda x, *, attr: np.asarray(x).astype(attr)[()],
        diff=Linear(_cast_transpose, elementwise=True),
        spell=Spelling(
            options=lambda node: {"dtype": node.attr}, latex="{0}", numpy=_cast_in_numpy
        ),
        laws=Laws(facts=lambda x, *, attr: x & (NONNEGATIVE | NONPOSITIVE | INTEGER)),
        build=lambda x, *, attr: cast(x, attr),
        call=cast,
        elementwise=True,
        aliases=("astype",),
        samples=(
            Sample((Argument((3,)),), "float32", note="narrower"),
            Sample((Argument((3,), dtype="float32"),), "float64", note="wider"),
            Sample((Argument((3,)),), "complex128", note="to complex"),
        ),
    )
)

TO_INTEGER = register(
    Op(
        name="to_integer",
        doc="The integer part as an integer of the given dtype.",
        result=lambda x, *, attr: x.with_dtype(attr),
        evaluate=lambda x, *, attr: np.asarray(x).astype(attr)[()],
        diff=NoDerivative("constant between its jumps", zero=True),
        domain=Domain(smooth=lambda x, *, attr: whole_steps(x), kinks="the integers but 0"),
        spell=Spelling(options=lambda node: {"dtype": node.attr}, numpy=_cast_in_numpy),
        laws=Laws(facts=lambda x, *, attr: INTEGER | FINITE | x & (NONNEGATIVE | NONPOSITIVE)),
        call=cast,
        elementwise=True,
        samples=(Sample((Argument((3,), 0.2, 0.8),), "int64"),),
    )
)


# --- Kronecker product -----------------------------------------------------------------------------------
def kron(a: Any, b: Any) -> Expr:
    """The Kronecker product of two matrices, or of two vectors: the blocks ``a[i, j]*b``.

    Raises:
        ShapeError: neither two vectors nor two matrices.
    """
    a, b = lift(a), lift(b)
    if a.ndim != b.ndim or a.ndim not in (1, 2):
        raise ShapeError(
            worded(
                "kron",
                expected="two matrices or two vectors",
                got=f"{extent_text(a.shape)} and {extent_text(b.shape)}",
            )
        )
    left, right = ("ij", "kl") if a.ndim == 2 else ("i", "k")
    blocks = ein([(a, left), (b, right)], "ikjl" if a.ndim == 2 else "ik")
    return reshape(blocks, [m * n for m, n in zip(a.shape, b.shape, strict=True)])
