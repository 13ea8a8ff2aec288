"""The matrix exponential, with derivatives of every order by its block formula.

The differential of ``expm`` is the Fréchet derivative, an op of its own that is linear in the direction. Its
own change along the matrix is again one, of a block matrix twice the size (Higham 2008, ch. 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Extent, extent_text
from wengert.ir.facts import DIAGONAL, PD, SYMMETRIC
from wengert.ir.node import Expr, make
from wengert.ir.op import Argument, Laws, Op, Rule, Sample, Spelling, register
from wengert.ir.types import Type, promote
from wengert.ops.algebra import lift, plus, zeros
from wengert.ops.complexes import conj
from wengert.ops.einstein import broadcast_to, sum_axes
from wengert.ops.indexing import part_of
from wengert.ops.joining import concatenate
from wengert.ops.lazy import scipy_function
from wengert.ops.matrices import cubed, square, turned

__all__ = ["expm", "expm_frechet"]

_expm = scipy_function("linalg.expm")
_frechet = scipy_function("linalg.expm_frechet")


def expm(A: Any) -> Expr:
    """The matrix exponential of a square matrix.

    Raises:
        ShapeError: not square.
    """
    return make(EXPM, (lift(A),))


def expm_frechet(A: Any, E: Any) -> Expr:
    """The change of ``expm(A)`` for the change ``E`` of ``A``; further leading axes of ``E`` are a stack.

    Raises:
        ShapeError: not square, or shapes that differ.
    """
    return make(FRECHET, (lift(A), lift(E)))


def _expm_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    assert tangents[0] is not None
    return expm_frechet(args[0], tangents[0])


EXPM = register(
    Op(
        name="expm",
        doc="The matrix exponential.",
        result=lambda A: square(A, "expm"),
        evaluate=lambda A: _expm(np.asarray(A)),
        diff=Rule(_expm_tangent),
        spell=Spelling(latex=r"\exp\left({0}\right)", python="scipy.linalg.expm({0})"),
        laws=Laws(facts=lambda A: A & (SYMMETRIC | DIAGONAL) | (PD if A & SYMMETRIC else 0)),
        count=lambda node: 20 * cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((3, 3), -1, 1),)),
            Sample((Argument((2, 2, 2), -1, 1),), note="stack"),
            Sample((Argument((2, 2), -1, 1, dtype="complex128"),), note="complex"),
        ),
    )
)


# --- the Fréchet derivative ------------------------------------------------------------------------------
def _frechet_type(A: Type, E: Type) -> Type:
    A = square(A, "expm_frechet")
    if len(E.shape) < len(A.shape) or E.shape[len(E.shape) - len(A.shape) :] != A.shape:
        raise ShapeError(
            worded(
                "expm_frechet",
                expected=f"a direction of shape {extent_text(A.shape)}",
                got=extent_text(E.shape),
            )
        )
    return promote(A, square(E, "expm_frechet")).with_shape(E.shape)


def _frechet_value(A: Any, E: Any) -> Any:
    A, E = np.asarray(A), np.asarray(E)
    dtype = np.result_type(A, E, np.float32)
    A = np.broadcast_to(A, E.shape)
    result = np.empty(E.shape, dtype)
    for place in np.ndindex(E.shape[:-2]):
        result[place] = _frechet(A[place].astype(dtype), E[place].astype(dtype), compute_expm=False)
    return result


def _blocks(a: Expr, b: Expr, c: Expr, d: Expr) -> Expr:
    """The matrix of four blocks, ``a b`` above ``c d``."""
    return concatenate([concatenate([a, b], -1), concatenate([c, d], -1)], -2)


def _second(A: Expr, E: Expr, T: Expr) -> Expr:
    """The change of ``expm_frechet(A, E)`` for the change ``T`` of ``A``, stacked as ``T`` is."""
    shape = T.shape
    A, E = broadcast_to(A, shape), broadcast_to(E, shape)
    n: Extent = shape[-1]
    zero = zeros(shape)
    matrix = _blocks(A, T, zero, A)
    direction = _blocks(E, zero, zero, E)
    both = expm_frechet(matrix, direction)
    axis = both.ndim - 1
    return part_of(part_of(both, axis - 1, 0, n), axis, n, n)


def _frechet_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    (A, E), (A_t, E_t) = args, tangents
    along = None if E_t is None else expm_frechet(A, E_t)
    if A_t is None:
        assert along is not None
        return along
    turning = _second(A, E, broadcast_to(A_t, E.shape))
    return turning if along is None else plus(along, turning)


def _frechet_cotangents(
    args: Sequence[Expr], wanted: Sequence[bool], ct: Expr, out: Expr, **_: Any
) -> list[Expr | None]:
    """By the adjoints ``L(A, .)' = L(A', .)`` and ``<C, D2(A)[E, T]> = <D2(A')[E', C], T>``."""
    A, E = args
    back = turned(conj(A))
    E_ct = expm_frechet(back, ct) if wanted[1] else None
    if not wanted[0]:
        return [None, E_ct]
    lead = ct.ndim - E.ndim
    A_ct = _second(back, turned(conj(E)), ct)
    # A direction with a stack of its own used the one matrix many times.
    return [sum_axes(A_ct, range(lead, lead + E.ndim - A.ndim)), E_ct]


FRECHET = register(
    Op(
        name="expm_frechet",
        doc="The change of expm(A) for a change of A.",
        result=_frechet_type,
        evaluate=_frechet_value,
        diff=Rule(_frechet_tangent, _frechet_cotangents, batched=True),
        spell=Spelling(python="scipy.linalg.expm_frechet({0}, {1}, compute_expm=False)"),
        count=lambda node: 60 * cubed(node.args[0]),
        arity=2,
        samples=(
            Sample((Argument((3, 3), -1, 1), Argument((3, 3)))),
            Sample((Argument((2, 2), -1, 1), Argument((2, 2, 2))), note="stack of directions"),
            Sample((Argument((2, 2), -1, 1, dtype="complex128"), Argument((2, 2))), note="complex"),
        ),
    )
)
