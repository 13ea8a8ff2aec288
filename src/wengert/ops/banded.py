"""Linear systems whose matrix has few diagonals, stored as SciPy does.

``bands[u + i - j, j]`` is the element in row ``i`` and column ``j`` of a matrix with ``u`` diagonals above
the main one and ``l`` below. Places outside of the matrix are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import extent_text
from wengert.ir.dump import codec
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Domain, Op, Rule, Sample, Spelling, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import lift, plus, times, zeros
from wengert.ops.complexes import conj
from wengert.ops.einstein import ein, transpose
from wengert.ops.indexing import at, part_of
from wengert.ops.joining import pad, stack
from wengert.ops.lazy import scipy_function
from wengert.ops.matrices import floating
from wengert.ops.sums import scale, subtract

__all__ = ["shifted", "solve_banded"]


class Bands(NamedTuple):
    """How many diagonals there are below and above the main one."""

    lower: int
    upper: int


codec(Bands)


def solve_banded(bands: Any, b: Any, lower: int, upper: int) -> Expr:
    """The solution ``x`` of ``A @ x == b`` where ``A`` is stored by its diagonals.

    Raises:
        ShapeError: another number of diagonals, or of rows.
    """
    return make(SOLVE_BANDED, (lift(bands), lift(b)), Bands(lower, upper))


def _type(bands: Type, b: Type, *, attr: Bands) -> Type:
    count = attr.lower + attr.upper + 1
    if len(bands.shape) != 2 or bands.shape[0] != count or b.shape[:1] != bands.shape[1:]:
        raise ShapeError(
            worded(
                "solve_banded",
                expected=f"{count} diagonals and a right-hand side with a row for each column",
                got=f"{extent_text(bands.shape)} and {extent_text(b.shape)}",
            )
        )
    common = promote(floating(bands, "solve_banded", False), floating(b, "solve_banded", False))
    return common.with_shape(b.shape)


_scipy_banded = scipy_function("linalg.solve_banded")


def _value(bands: Any, b: Any, *, attr: Bands) -> Any:
    b = np.asarray(b)
    dtype = np.result_type(bands, b, np.float32)
    columns = np.reshape(b, (b.shape[0], -1)).astype(dtype)
    try:
        found = _scipy_banded(tuple(attr), np.asarray(bands, dtype), columns)
    except np.linalg.LinAlgError:
        found = np.full(columns.shape, np.nan, dtype)
    return np.reshape(found, b.shape)


def _offsets(attr: Bands) -> range:
    """Of each row of the storage, how far right of the main diagonal it is."""
    return range(attr.upper, -attr.lower - 1, -1)


def shifted(x: Expr, by: int) -> Expr:
    """Rows moved down, those pushed out lost and zeros coming in."""
    count = x.shape[0] - abs(by)
    if isinstance(count, int) and count <= 0:
        return zeros(x.shape)
    part = part_of(x, 0, 0 if by >= 0 else -by, count)
    return pad(part, [(max(by, 0), max(-by, 0)), *[(0, 0)] * (x.ndim - 1)])


def _row(bands: Expr, number: int, like: Expr) -> Expr:
    """A diagonal, beside all columns."""
    labels: list[Any] = list(range(like.ndim))
    return ein([(at(bands, 0, number), [0])], labels, dict(enumerate(like.shape)))


def _applied(bands: Expr, x: Expr, attr: Bands) -> Expr:
    """``A @ x``."""
    total: Expr | None = None
    for number, offset in enumerate(_offsets(attr)):
        term = shifted(times(_row(bands, number, x), x), -offset)
        total = term if total is None else plus(total, term)
    assert total is not None
    return total


def _turned(bands: Expr, attr: Bands) -> Expr:
    """The storage of the transposed matrix."""
    rows = [shifted(at(bands, 0, number), -offset) for number, offset in enumerate(_offsets(attr))]
    return stack(rows[::-1])


def _tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], x: Expr, *, attr: Bands, diff: Any
) -> Expr:
    """``A dx = db - dA x``."""
    bands_t, b_t = tangents
    right = b_t
    if bands_t is not None:
        moved = _applied(bands_t, x, attr)
        right = scale(-1, moved) if right is None else subtract(right, moved)
    assert right is not None
    return solve_banded(args[0], right, *attr)


def _cotangents(
    args: Sequence[Expr], wanted: Sequence[bool], ct: Expr, x: Expr, *, attr: Bands, diff: Any
) -> list[Expr | None]:
    bands, b = args
    lead = ct.ndim - b.ndim
    # Extra leading axes become the last columns: one factorization serves all of them.
    columns = transpose(ct, [*range(lead, ct.ndim), *range(lead)])
    back = solve_banded(_turned(conj(bands), attr), columns, attr.upper, attr.lower)
    kept = back.ndim - lead
    b_ct = transpose(back, [*range(kept, back.ndim), *range(kept)]) if wanted[1] else None
    if not wanted[0]:
        return [None, b_ct]
    labels: list[Any] = list(range(kept))
    extra: list[Any] = [("lead", i) for i in range(lead)]
    rows = []
    for offset in _offsets(attr):
        product = ein([(shifted(back, offset), [*labels, *extra]), (conj(x), labels)], [*extra, 0])
        rows.append(scale(-1, product))
    return [stack(rows, lead), b_ct]


def _bands(rng: Any, shape: tuple[int, ...]) -> Any:
    """Diagonals of a matrix whose main one is the largest."""
    value = rng.uniform(-1, 1, shape)
    value[shape[0] // 2] += 3
    return value


def _in_numpy(node: Expr) -> str:
    return f"scipy.linalg.solve_banded({tuple(node.attr)}, {{0}}, {{1}})"


SOLVE_BANDED = register(
    Op(
        name="solve_banded",
        doc="The solution x of A @ x = b for a matrix stored by its diagonals.",
        result=_type,
        evaluate=_value,
        diff=Rule(_tangent, _cotangents, batched=True),
        domain=Domain(poles="det(A) = 0"),
        spell=Spelling(
            options=lambda node: {"lower": node.attr.lower, "upper": node.attr.upper},
            numpy=_in_numpy,
        ),
        call=solve_banded,
        samples=(
            Sample((Argument((3, 4), draw=_bands), Argument((4,))), Bands(1, 1)),
            Sample((Argument((4, 5), draw=_bands), Argument((5, 2))), Bands(1, 2)),
            Sample((Argument((3, 2), draw=_bands), Argument((2, 1))), Bands(1, 1), note="small"),
            Sample(
                (Argument((3, 3), draw=_bands), Argument((3,), dtype="complex128")),
                Bands(1, 1),
                note="complex",
            ),
        ),
        cost=6.0,
    )
)
