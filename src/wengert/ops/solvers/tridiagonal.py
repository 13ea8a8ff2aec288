"""``solve_tridiagonal``: linear systems of which each equation has its own unknown and its two neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import extent_text, size_of
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Op, Rule, Sample, Spelling, register
from wengert.ir.types import Type, is_inexact, promote
from wengert.ops.algebra import lift
from wengert.ops.complexes import conj
from wengert.ops.einstein import ein, transpose
from wengert.ops.joining import pad
from wengert.ops.layout import reshape
from wengert.ops.sums import add, scale, subtract

__all__ = ["SOLVE_TRIDIAGONAL", "solve_tridiagonal"]


def _type(below: Type, middle: Type, above: Type, b: Type) -> Type:
    n = middle.shape[0] if len(middle.shape) == 1 else None
    if n is None or len(b.shape) != 2 or b.shape[0] != n or below.shape != (n - 1,):
        raise _misfit(below, middle, above, b)
    if above.shape != below.shape:
        raise _misfit(below, middle, above, b)
    common = promote(below, middle, above, b)
    dtype: Any = common.dtype if is_inexact(common) else "float64"
    return Type(dtype, b.shape)


def _misfit(*types: Type) -> ShapeError:
    return ShapeError(
        worded(
            "solve_tridiagonal",
            expected="diagonals of n-1, n and n-1 elements and a right-hand side of n rows",
            got=", ".join(extent_text(t.shape) for t in types),
        )
    )


def _solve_tridiagonal(below: Any, middle: Any, above: Any, b: Any) -> Any:
    # By LAPACK, as splines of SciPy do. Also emitted, so it stands alone.
    from importlib import import_module

    bands = np.zeros((3, len(middle)), np.result_type(below, middle, above, b, np.float32))
    bands[0, 1:], bands[1], bands[2, :-1] = above, middle, below
    solve = import_module("scipy.linalg").solve_banded
    return solve((1, 1), bands, b, check_finite=False)


def _applied(below: Expr, middle: Expr, above: Expr, x: Expr) -> Expr:
    """The matrix times ``x``."""
    found = ein([(middle, "i"), (x, "ik")], "ik")
    up = ein([(above, "i"), (x[1:], "ik")], "ik")
    down = ein([(below, "i"), (x[:-1], "ik")], "ik")
    return add(found, add(pad(up, ((0, 1), (0, 0))), pad(down, ((1, 0), (0, 0)))))


def _tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr | None:
    """``A dx = db - dA x``."""
    right = tangents[3]
    below_t, middle_t, above_t = tangents[:3]
    terms = []
    if middle_t is not None:
        terms.append(ein([(middle_t, "i"), (out, "ik")], "ik"))
    if above_t is not None:
        terms.append(pad(ein([(above_t, "i"), (out[1:], "ik")], "ik"), ((0, 1), (0, 0))))
    if below_t is not None:
        terms.append(pad(ein([(below_t, "i"), (out[:-1], "ik")], "ik"), ((1, 0), (0, 0))))
    for term in terms:
        right = scale(-1, term) if right is None else subtract(right, term)
    assert right is not None
    return make(SOLVE_TRIDIAGONAL, (*args[:3], right))


def _cotangents(
    args: Sequence[Expr], wanted: Sequence[bool], ct: Expr, out: Expr, **_: Any
) -> list[Expr | None]:
    """One system with the transposed matrix, whose columns are those of all cotangents."""
    below, middle, above, _b = args
    batch, (n, k) = ct.shape[:-2], out.shape
    lead = len(batch)
    columns = transpose(ct, [lead, *range(lead), lead + 1])
    flat = reshape(columns, (n, size_of((*batch, k))))
    solved = make(SOLVE_TRIDIAGONAL, (conj(above), conj(middle), conj(below), flat))
    back = transpose(reshape(solved, (n, *batch, k)), [*range(1, lead + 1), 0, lead + 1])
    x = conj(out)
    labels = [("lead", i) for i in range(lead)]

    def paired(left: Expr, right: Expr) -> Expr:
        return scale(-1, ein([(left, [*labels, "i", "k"]), (right, "ik")], [*labels, "i"]))

    dots = (...,)
    return [
        paired(back[(*dots, slice(1, None), slice(None))], x[:-1]) if wanted[0] else None,
        paired(back, x) if wanted[1] else None,
        paired(back[(*dots, slice(None, -1), slice(None))], x[1:]) if wanted[2] else None,
        back if wanted[3] else None,
    ]


def solve_tridiagonal(below: Any, middle: Any, above: Any, b: Any) -> Expr:
    """The solution of ``A @ x == b`` for the matrix with these three diagonals; ``b`` has columns or is one.

    Raises:
        ShapeError: the lengths do not fit together.
    """
    right = lift(b)
    columns = right if right.ndim == 2 else reshape(right, (*right.shape, 1))
    found = make(SOLVE_TRIDIAGONAL, (lift(below), lift(middle), lift(above), columns))
    return found if right.ndim == 2 else reshape(found, right.shape)


SOLVE_TRIDIAGONAL = register(
    Op(
        name="solve_tridiagonal",
        doc="The solution of linear systems with a tridiagonal matrix.",
        result=_type,
        evaluate=_solve_tridiagonal,
        diff=Rule(_tangent, _cotangents, batched=True),
        spell=Spelling(
            numpy=lambda node: "_solve_tridiagonal({0}, {1}, {2}, {3})",
            helpers=(_solve_tridiagonal,),
        ),
        arity=4,
        cost=9.0,
        samples=(
            Sample(
                (
                    Argument((3,), -1.0, 1.0),
                    Argument((4,), 3.0, 4.0),
                    Argument((3,), -1.0, 1.0),
                    Argument((4, 2)),
                )
            ),
        ),
    )
)
