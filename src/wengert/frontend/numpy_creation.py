"""NumPy functions that make arrays from numbers, extents and lists.

Where all arguments are known the array is made by NumPy itself, to the last bit; formulas serve what depends
on symbols or on symbolic sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.frontend.numpy_arguments import (
    as_dtype,
    common_type,
    converted,
    dtype_name,
    extents_of,
    fixed,
    joined,
    known,
    only,
    refused,
    strong,
    whole,
)
from wengert.frontend.numpy_joining import atleast
from wengert.frontend.table import Length, Nested, Number, Shape, Value, maps
from wengert.ir.dims import Dim, Extent, size_of
from wengert.ir.node import Expr
from wengert.ir.types import DType, Type, is_complex, promote
from wengert.ops import einstein
from wengert.ops.algebra import broadcast_together, lift
from wengert.ops.along import positions
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, floor, le, sign
from wengert.ops.exponential import log10
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate, stack
from wengert.ops.layout import cast, expand_dims, moveaxis
from wengert.ops.leaves import CONSTANT, ONE, ZERO, const, size

__all__ = ["arange_of", "array_of", "linspace_of"]

_group = "Creation"
_FLOAT = Type("float64", weak=True)


# --- filled with one value -------------------------------------------------------------------------------
def _filled(shape: Any, value: Expr, dtype: DType, what: str) -> Expr:
    return einstein.broadcast_to(converted(value, dtype), extents_of(shape, what))


@maps(np.zeros, group=_group)
def zeros(shape: Shape, dtype: Any = None, order: str = "C") -> Expr:
    return _filled(shape, ZERO, dtype_name(dtype or float, "numpy.zeros"), "numpy.zeros")


@maps(np.empty, group=_group)
def empty(shape: Shape, dtype: Any = None, order: str = "C") -> Expr:
    """Zeros: what NumPy leaves in memory is not defined."""
    return _filled(shape, ZERO, dtype_name(dtype or float, "numpy.empty"), "numpy.empty")


@maps(np.ones, group=_group)
def ones(shape: Shape, dtype: Any = None, order: str = "C") -> Expr:
    return _filled(shape, ONE, dtype_name(dtype or float, "numpy.ones"), "numpy.ones")


@maps(np.full, group=_group)
def full(shape: Shape, fill_value: Value, dtype: Any = None, order: str = "C") -> Expr:
    value = as_dtype(fill_value, dtype, "numpy.full")
    return einstein.broadcast_to(value, extents_of(shape, "numpy.full"))


def _like(a: Expr, value: Expr, dtype: Any, shape: Any, what: str) -> Expr:
    name = a.value_type.dtype if dtype is None else dtype_name(dtype, what)
    extents = a.shape if shape is None else extents_of(shape, what)
    return einstein.broadcast_to(converted(value, name), extents)


@maps(np.zeros_like, group=_group)
def zeros_like(
    a: Value, dtype: Any = None, order: str = "K", subok: bool = True, shape: Shape | None = None
) -> Expr:
    return _like(a, ZERO, dtype, shape, "numpy.zeros_like")


@maps(np.empty_like, group=_group)
def empty_like(
    prototype: Value,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Shape | None = None,
) -> Expr:
    """Zeros: what NumPy leaves in memory is not defined."""
    return _like(prototype, ZERO, dtype, shape, "numpy.empty_like")


@maps(np.ones_like, group=_group)
def ones_like(
    a: Value, dtype: Any = None, order: str = "K", subok: bool = True, shape: Shape | None = None
) -> Expr:
    return _like(a, ONE, dtype, shape, "numpy.ones_like")


@maps(np.full_like, group=_group)
def full_like(
    a: Value,
    fill_value: Value,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Shape | None = None,
) -> Expr:
    return _like(a, fill_value, dtype, shape, "numpy.full_like")


# --- ranges ----------------------------------------------------------------------------------------------
def _steps_within(distance: Extent, step: Any, what: str) -> Extent:
    """How many steps lie in a distance that depends on a size.

    Raises:
        ShapeError: there is no closed form.
    """
    if isinstance(distance, int):
        return max(-(-distance // int(step)), 0)
    if step and all(c % step == 0 for _, c in distance.terms):
        divided: Extent = Dim(tuple((m, c // step) for m, c in distance.terms))
        return divided
    raise ShapeError(
        worded(
            what,
            expected="a step that divides the distance",
            got=f"{step} in {distance}",
            hint="give the array a fixed extent",
        )
    )


def arange_of(start: Any, stop: Any, step: Any, dtype: Any, what: str = "numpy.arange") -> Expr:
    """``np.arange`` of numbers, or of whole numbers and symbolic sizes."""
    bounds = [known(b) if isinstance(b, Expr) else b for b in (start, stop, step)]
    name = None if dtype is None else dtype_name(dtype, what)
    if not any(isinstance(b, Dim) for b in bounds):
        if any(b is None or (not np.isscalar(b) and np.ndim(b)) for b in bounds):
            raise refused(
                what,
                expected="bounds known at capture",
                got=(start, stop, step),
                hint="numpy.linspace, or start + step*numpy.arange(n)",
            )
        return lift(np.arange(*bounds, dtype=name))
    first, last, by = (b if isinstance(b, Dim) else whole(b, what, "bounds") for b in bounds)
    if isinstance(by, Dim) or by == 0:
        raise refused(what, expected="a step that is a number other than 0", got=by)
    places = positions(_steps_within(last - first, by, what))
    return converted(places * by + size(first), name or "int64")


@maps(np.arange, group=_group)
def arange(
    start: Number | None = None,
    stop: Number | None = None,
    step: Number | None = 1,
    *,
    dtype: Any = None,
) -> Expr:
    if stop is None:
        start, stop = 0, start
    return arange_of(0 if start is None else start, stop, 1 if step is None else step, dtype)


def _inexact(*values: Expr) -> DType:
    """The floating-point dtype that numbers have together; Python's own adapt."""
    return promote(*(v.value_type.with_shape(()) for v in values), _FLOAT).dtype


def _without_known(values: Sequence[Expr], options: dict[str, Any], numpys: Any) -> Any:
    """NumPy's own result where all values are known, else ``None``."""
    numbers = [known(v) for v in values]
    if any(n is None or isinstance(n, Dim) for n in numbers) or isinstance(options["num"], Dim):
        return None
    return numpys(*numbers, **options)


def _spaced(start: Expr, stop: Expr, num: Extent, endpoint: bool) -> tuple[Expr, Expr]:
    """The numbers along the first axis, and their distance, as NumPy computes them."""
    dtype = _inexact(start, stop)
    first, last = (converted(v, dtype) for v in broadcast_together(strong(start), strong(stop)))
    delta = last - first
    sections = num - 1 if endpoint else num
    places = converted(positions(num), dtype)
    column = einstein.ein(
        [(places, ["n"])], ["n", *range(delta.ndim)], dict(enumerate(delta.shape))
    )
    if isinstance(sections, int) and sections <= 0:
        return column * delta + first, converted(const(float("nan")), dtype)
    step = divide(delta, size(sections))
    values = column * step + first
    if endpoint:
        values = concatenate([part_of(values, 0, 0, sections), expand_dims(last, 0)], 0)
    return values, step


def _check_count(num: Extent, what: str) -> None:
    if isinstance(num, int) and num < 0:
        raise ShapeError(worded(what, expected="a number of samples from 0 on", got=f"{num}"))


def linspace_of(
    start: Expr, stop: Expr, num: Extent, endpoint: bool = True, what: str = "numpy.linspace"
) -> Expr:
    """Evenly spaced numbers from ``start`` to ``stop`` along the first axis."""
    _check_count(num, what)
    numbers = _without_known([start, stop], {"num": num, "endpoint": endpoint}, np.linspace)
    return lift(numbers) if numbers is not None else _spaced(start, stop, num, endpoint)[0]


def _finished(values: Expr, dtype: Any, axis: int, what: str) -> Expr:
    if dtype is not None:
        name = dtype_name(dtype, what)
        values = cast(floor(values) if name.startswith("int") else values, name)
    return moveaxis(values, 0, axis)


@maps(np.linspace, group=_group)
def linspace(
    start: Value,
    stop: Value,
    num: Length = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    what = "numpy.linspace"
    _check_count(num, what)
    options = {"num": num, "endpoint": endpoint, "retstep": True, "axis": axis}
    name = None if dtype is None else dtype_name(dtype, what)
    numbers = _without_known([start, stop], {**options, "dtype": name}, np.linspace)
    if numbers is not None:
        values, step = lift(numbers[0]), lift(np.asarray(numbers[1])[()])
    else:
        values, step = _spaced(start, stop, num, endpoint)
        values = _finished(values, name, axis, what)
    return (values, step) if retstep else values


@maps(np.logspace, group=_group)
def logspace(
    start: Value,
    stop: Value,
    num: Length = 50,
    endpoint: bool = True,
    base: Value = 10.0,  # type: ignore[assignment]  # lifted like an argument
    dtype: Any = None,
    axis: int = 0,
) -> Expr:
    what = "numpy.logspace"
    _check_count(num, what)
    if lift(base).ndim:
        raise refused(f"{what}: argument `base`", expected="one number", got=base)
    options = {"num": num, "endpoint": endpoint, "axis": axis}
    name = None if dtype is None else dtype_name(dtype, what)
    numbers = _without_known(
        [start, stop, lift(base)],
        {**options, "dtype": name},
        lambda a, b, c, **more: np.logspace(a, b, base=c, **more),
    )
    if numbers is not None:
        return lift(numbers)
    powers = lift(base) ** linspace_of(start, stop, num, endpoint, what)
    return moveaxis(powers if name is None else cast(powers, name), 0, axis)


@maps(np.geomspace, group=_group)
def geomspace(
    start: Value,
    stop: Value,
    num: Length = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Expr:
    what = "numpy.geomspace"
    _check_count(num, what)
    name = None if dtype is None else dtype_name(dtype, what)
    options = {"num": num, "endpoint": endpoint, "axis": axis, "dtype": name}
    numbers = _without_known([start, stop], options, np.geomspace)
    if numbers is not None:
        return lift(numbers)
    if is_complex(start.value_type) or is_complex(stop.value_type):
        raise refused(what, expected="real numbers", got="complex ones")
    wide = _inexact(start, stop)
    first, last = (converted(v, wide) for v in broadcast_together(strong(start), strong(stop)))
    signs = sign(first)
    first, last = divide(first, signs), divide(last, signs)
    values = lift(10.0) ** linspace_of(log10(first), log10(last), num, endpoint, what)
    if num == 0:
        return moveaxis(values, 0, axis)
    pieces = [expand_dims(first, 0)]
    if not isinstance(num, int) or num > 1:
        pieces.append(part_of(values, 0, 1, num - 2 if endpoint else num - 1))
        pieces += [expand_dims(last, 0)] if endpoint else []
    values = (pieces[0] if len(pieces) == 1 else concatenate(pieces, 0)) * signs
    return moveaxis(values if name is None else cast(values, name), 0, axis)


# --- matrices --------------------------------------------------------------------------------------------
_LARGE = 4096  # matrices of more elements are kept as what they mean


def _compared(rows: Extent, columns: Extent, k: int, how: Any, numpys: Any, dtype: DType) -> Expr:
    """The matrix that is 1 where a comparison of ``row + k`` with the column holds."""
    count = size_of((rows, columns))
    if isinstance(count, int) and count <= _LARGE:
        return lift(numpys(rows, columns, k, dtype))
    row = expand_dims(positions(rows) + k, 1)
    return cast(how(expand_dims(positions(columns), 0), row), dtype)


@maps(np.eye, group=_group)
def eye(
    N: Length, M: Length | None = None, k: int = 0, dtype: Any = float, order: str = "C"
) -> Expr:
    name = dtype_name(dtype or float, "numpy.eye")
    rows, columns = extents_of((N, N if M is None else M), "numpy.eye")
    if rows == columns and k == 0:
        return cast(einstein.eye(rows), name)
    return _compared(rows, columns, k, eq, np.eye, name)


@maps(np.identity, group=_group)
def identity(n: Length, dtype: Any = None) -> Expr:
    (extent,) = extents_of(n, "numpy.identity")
    return cast(einstein.eye(extent), dtype_name(dtype or float, "numpy.identity"))


@maps(np.tri, group=_group)
def tri(N: Length, M: Length | None = None, k: int = 0, dtype: Any = float) -> Expr:
    name = dtype_name(dtype or float, "numpy.tri")
    rows, columns = extents_of((N, N if M is None else M), "numpy.tri")
    return _compared(rows, columns, k, le, np.tri, name)


@maps(np.vander, group=_group)
def vander(x: Value, N: Length | None = None, increasing: bool = False) -> Expr:
    vector = strong(x)
    if vector.ndim != 1:
        raise ShapeError(worded("numpy.vander", expected="a vector", got=f"{vector.type}"))
    count = fixed(vector.shape[0] if N is None else N, "numpy.vander")
    dtype = promote(vector.value_type.with_shape(()), Type("int64")).dtype
    base = converted(vector, dtype)
    columns = [_filled(base.shape, ONE, dtype, "numpy.vander")]
    while len(columns) < count:
        columns.append(columns[-1] * base if len(columns) > 1 else base)
    if count <= 0:
        return _filled((*base.shape, 0), ZERO, dtype, "numpy.vander")
    return stack(columns if increasing else columns[::-1], 1)


# --- from lists ------------------------------------------------------------------------------------------
def array_of(nested: Any, dtype: Any = None, what: str = "numpy.array") -> Expr:
    """The array of nested lists of numbers, arrays and expressions.

    Raises:
        ShapeError: lists or arrays of several shapes.
        TypeMismatchError: a dtype that is not supported.
    """
    if not isinstance(nested, (list, tuple)):
        return as_dtype(lift(nested), dtype, what)
    leaves = _leaves(nested)
    if all(leaf.op is CONSTANT for leaf in leaves):
        return _of_numbers(_plain(nested), dtype, what)
    wanted = None if dtype is None else dtype_name(dtype, what)
    return converted(_assembled(nested, wanted, what), wanted or common_type(leaves).dtype)


def _leaves(nested: Any) -> list[Expr]:
    if isinstance(nested, (list, tuple)):
        return [leaf for member in nested for leaf in _leaves(member)]
    return [lift(nested)]


def _plain(nested: Any) -> Any:
    if isinstance(nested, (list, tuple)):
        return [_plain(member) for member in nested]
    return known(lift(nested))


def _of_numbers(nested: Any, dtype: Any, what: str) -> Expr:
    try:
        array = np.array(nested, dtype=None if dtype is None else dtype_name(dtype, what))
    except ValueError as error:
        raise ShapeError(worded(what, expected="lists of one length", got=str(error))) from None
    return converted(lift(array), dtype_name(array.dtype, what))


def _assembled(nested: Any, dtype: DType | None, what: str) -> Expr:
    if not isinstance(nested, (list, tuple)):
        return lift(nested) if dtype is None else converted(lift(nested), dtype)
    parts = [_assembled(member, dtype, what) for member in nested]
    if not parts:
        return lift(np.zeros(0))
    if len({p.shape for p in parts}) > 1:
        shapes = ", ".join(str(p.shape) for p in parts)
        raise ShapeError(worded(what, expected="members of one shape", got=shapes))
    return joined(stack, parts)


@maps(np.array, group=_group)
def array(
    object: Nested,  # noqa: A002  # as NumPy names it
    dtype: Any = None,
    *,
    copy: bool = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
) -> Expr:
    return atleast(ndmin, array_of(object, dtype, "numpy.array"))


@maps(np.asarray, np.asanyarray, group=_group)
def asarray(
    a: Nested, dtype: Any = None, order: str | None = None, *, copy: bool | None = None
) -> Expr:
    only("numpy.asarray", "copy", copy, None, True)
    return array_of(a, dtype, "numpy.asarray")
