"""Inverse, determinants, powers of matrices, pseudo-inverse. Linear systems are in ``systems``.

Matrices are the last two axes; leading axes make a stack. Differentials are products with ``inv`` and
``adjugate``, so their transposes, second derivatives and Jacobians follow by themselves. Values that do not
exist (the inverse of a singular matrix) are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import extent_text
from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
    INTEGER,
    NONNEGATIVE,
    NONZERO,
    ORTHOGONAL,
    PD,
    POSITIVE,
    PSD,
    SYMMETRIC,
)
from wengert.ir.node import Expr, make
from wengert.ir.op import (
    Argument,
    Domain,
    Laws,
    NoDerivative,
    Op,
    Rule,
    Sample,
    Spelling,
    register,
)
from wengert.ir.types import Type
from wengert.ops.algebra import lift, matmul, minus, plus, times
from wengert.ops.axes import spread
from wengert.ops.choice import ne
from wengert.ops.complexes import conj, part_type, real
from wengert.ops.einstein import EYE, broadcast_to, ein, eye, unscaled
from wengert.ops.factoring import adjugate_by_routines, pinv_by_routines
from wengert.ops.leaves import ZERO
from wengert.ops.matrices import cubed, floating, or_nan, square, stack_labels, turned, untransposed
from wengert.ops.solving import (
    det_by_routines,
    detsign_by_routines,
    inv_by_routines,
    logdet_by_routines,
)
from wengert.ops.sums import scale

__all__ = [
    "adjugate",
    "det",
    "inv",
    "is_invertible",
    "logdet",
    "matrix_power",
    "pinv",
    "slogdet",
]


def _pairing(A: Expr, B: Expr) -> Expr:
    """``trace(A @ B)``, of each pair of a stack."""
    stack = stack_labels(A.ndim - 2)
    return ein([(A, (*stack, "i", "j")), (B, (*stack, "j", "i"))], stack)


# --- inverse -----------------------------------------------------------------------------------------
def inv(value: Any) -> Expr:
    """The inverse of a square matrix.

    ``inv(A.T)`` is built as ``inv(A).T`` and ``inv(-A)`` as ``-inv(A)``.

    Raises:
        ShapeError: not square.
    """
    A = lift(value)
    if A.op is EYE:
        return A
    sign, A = unscaled(A)
    if sign < 0:
        return scale(-1, inv(A))
    below = untransposed(A)
    return make(INV, (A,)) if below is None else turned(inv(below))


def _inv_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    """``d inv(A) = -inv(A) dA inv(A)``."""
    assert tangents[0] is not None
    return scale(-1, matmul(matmul(out, tangents[0]), out))


def is_invertible(A: Expr) -> tuple[Expr, ...]:
    """The condition on a matrix to have an inverse (none is stated for stacks)."""
    return (ne(det(A), ZERO),) if A.ndim == 2 else ()


_MATRIX_SAMPLES = (
    Sample((Argument((3, 3), draw="invertible"),)),
    Sample((Argument((2, 2, 2), draw="invertible"),), note="stack"),
    Sample((Argument((2, 2), draw="invertible", dtype="complex128"),), note="complex"),
)

INV = register(
    Op(
        name="inv",
        doc="The inverse of a square matrix.",
        result=lambda A: square(A, "inv"),
        evaluate=or_nan(np.linalg.inv, lambda A: A.shape),
        diff=Rule(_inv_tangent),
        domain=Domain(where=is_invertible, poles="det(A) = 0"),
        spell=Spelling(latex="{0}^{{-1}}", unicode="{0}⁻¹", python="np.linalg.inv({0})"),
        laws=Laws(
            facts=lambda A: A & (SYMMETRIC | PD | ORTHOGONAL | DIAGONAL) | (PSD if A & PD else 0)
        ),
        build=inv,
        calls=inv_by_routines,
        count=lambda node: cubed(node.args[0]),
        aliases=("inverse",),
        arity=1,
        samples=_MATRIX_SAMPLES,
    )
)


# --- determinants ------------------------------------------------------------------------------------
def det(value: Any) -> Expr:
    """The determinant of a square matrix; ``det(A.T)`` is built as ``det(A)``.

    Raises:
        ShapeError: not square.
    """
    return _of_either_way(DET, lift(value))


def logdet(value: Any) -> Expr:
    """``log(abs(det(A)))`` without overflow.

    Raises:
        ShapeError: not square.
    """
    return _of_either_way(LOGDET, lift(value))


def _of_either_way(op: Op, A: Expr) -> Expr:
    below = untransposed(A)
    return make(op, (A if below is None else below,))


def adjugate(value: Any) -> Expr:
    """The adjugate: ``det(A)*inv(A)``, and what that tends to where ``A`` is singular.

    Raises:
        ShapeError: not square.
    """
    A = lift(value)
    below = untransposed(A)
    return make(ADJUGATE, (A,)) if below is None else turned(adjugate(below))


def slogdet(value: Any) -> tuple[Expr, Expr]:
    """The sign of the determinant and the logarithm of its absolute value.

    Raises:
        ShapeError: not square.
    """
    A = lift(value)
    return make(DETSIGN, (A,)), logdet(A)


def _number_of_matrix(A: Type, what: str, *, only_real: bool = False) -> Type:
    type_ = square(A, what, only_real=only_real)
    return type_.with_shape(type_.shape[:-2])


def _det_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    """Jacobi's formula, ``d det(A) = trace(adjugate(A) dA)``."""
    assert tangents[0] is not None
    return _pairing(adjugate(args[0]), tangents[0])


def _logdet_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    assert tangents[0] is not None
    return real(_pairing(inv(args[0]), tangents[0]))


def adjugate_of(A: Any) -> Any:
    """By singular values: ``adj(U S Vh) = det(U) det(Vh) Vh^H adj(S) U^H``, for singular matrices too."""
    U, s, Vh = np.linalg.svd(A)
    others = np.ones_like(s)
    others[..., 1:] *= np.cumprod(s[..., :-1], axis=-1)
    others[..., :-1] *= np.cumprod(s[..., :0:-1], axis=-1)[..., ::-1]
    sign = np.linalg.det(U) * np.linalg.det(Vh)
    left = np.conj(np.swapaxes(Vh, -1, -2)) * others[..., None, :]
    return np.asarray(sign)[..., None, None] * (left @ np.conj(np.swapaxes(U, -1, -2)))


def _adjugate_tangent(
    args: Sequence[Expr], tangents: Sequence[Expr | None], out: Expr, **_: Any
) -> Expr:
    """For invertible matrices: ``trace(inv(A) dA) adj(A) - adj(A) dA inv(A)``."""
    (A,), (t,) = args, tangents
    assert t is not None
    inverse = inv(A)
    grown = spread(_pairing(inverse, t), (A.ndim - 2, A.ndim - 1), A.shape)
    return minus(times(grown, out), matmul(matmul(out, t), inverse))


DET = register(
    Op(
        name="det",
        doc="The determinant of a square matrix.",
        result=lambda A: _number_of_matrix(A, "det"),
        evaluate=lambda A: np.linalg.det(A),
        diff=Rule(_det_tangent),
        spell=Spelling(latex=r"\det\left({0}\right)", python="np.linalg.det({0})"),
        laws=Laws(
            facts=lambda A: (
                (POSITIVE if A & PD else NONNEGATIVE if A & PSD else 0)
                | (NONZERO if A & ORTHOGONAL else 0)
                | A & (FINITE | INTEGER)
            )
        ),
        build=det,
        calls=det_by_routines,
        count=lambda node: cubed(node.args[0]),
        aliases=("determinant",),
        arity=1,
        samples=(
            *_MATRIX_SAMPLES,
            Sample(
                (
                    Argument(
                        (3, 3), value=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
                    ),
                ),
                order=1,
                note="singular",
            ),
        ),
    )
)

ADJUGATE = register(
    Op(
        name="adjugate",
        doc="The adjugate of a square matrix, det(A)*inv(A): its transpose is the derivative of det.",
        result=lambda A: square(A, "adjugate"),
        evaluate=adjugate_of,
        diff=Rule(_adjugate_tangent),
        domain=Domain(poles="its derivative is computed for det(A) != 0 only, else NaN"),
        spell=Spelling(
            latex=r"\operatorname{{adj}}\left({0}\right)",
            python="adjugate_of({0})",
            helpers=(adjugate_of,),
        ),
        laws=Laws(facts=lambda A: A & (SYMMETRIC | DIAGONAL | PD | PSD)),
        build=adjugate,
        calls=adjugate_by_routines,
        expand=lambda A: times(spread(det(A), (A.ndim - 2, A.ndim - 1), A.shape), inv(A)),
        count=lambda node: cubed(node.args[0]),
        arity=1,
        samples=_MATRIX_SAMPLES,
    )
)

LOGDET = register(
    Op(
        name="logdet",
        doc="log(abs(det(A))) without overflow.",
        result=lambda A: part_type(_number_of_matrix(A, "logdet")),
        evaluate=lambda A: np.linalg.slogdet(A)[1],
        diff=Rule(_logdet_tangent),
        domain=Domain(where=is_invertible, poles="det(A) = 0"),
        spell=Spelling(
            latex=r"\log\left|\det\left({0}\right)\right|", python="np.linalg.slogdet({0})[1]"
        ),
        build=logdet,
        calls=logdet_by_routines,
        count=lambda node: cubed(node.args[0]),
        aliases=("logabsdet",),
        arity=1,
        samples=_MATRIX_SAMPLES,
    )
)

DETSIGN = register(
    Op(
        name="detsign",
        doc="The sign of the determinant: -1, 0 or 1.",
        result=lambda A: _number_of_matrix(A, "detsign", only_real=True),
        evaluate=lambda A: np.linalg.slogdet(A)[0],
        diff=NoDerivative("constant between its jumps", zero=True),
        spell=Spelling(
            latex=r"\operatorname{{sign}}\det\left({0}\right)", python="np.linalg.slogdet({0})[0]"
        ),
        laws=Laws(
            facts=lambda A: (
                INTEGER | FINITE | (POSITIVE if A & PD else NONNEGATIVE if A & PSD else 0)
            )
        ),
        calls=detsign_by_routines,
        count=lambda node: cubed(node.args[0]),
        arity=1,
        samples=_MATRIX_SAMPLES[:2],
    )
)


# --- powers and the pseudo-inverse -------------------------------------------------------------------
def matrix_power(value: Any, exponent: int) -> Expr:
    """The product of ``exponent`` factors ``A``, by repeated squaring; of ``inv(A)`` for negative exponents.

    Raises:
        ShapeError: not square.
    """
    A = lift(value)
    square(A.value_type, "matrix_power")
    if exponent < 0:
        A, exponent = inv(A), -exponent
    result: Expr | None = None
    while exponent:
        if exponent & 1:
            result = A if result is None else matmul(result, A)
        exponent >>= 1
        if exponent:
            A = matmul(A, A)
    return broadcast_to(eye(A.shape[-1]), A.shape) if result is None else result


def _pinv_type(A: Type, *, attr: float | None = None) -> Type:
    if len(A.shape) < 2:
        raise ShapeError(worded("pinv", expected="a matrix", got=f"shape {extent_text(A.shape)}"))
    *stack, m, n = A.shape
    return floating(A, "pinv", False).with_shape((*stack, n, m))


def _pinv_tangent(args: Sequence[Expr], tangents: Sequence[Expr | None], P: Expr, **_: Any) -> Expr:
    """For constant rank (Golub and Pereyra 1973): ``-P dA P + P P' dA' (I - A P) + (I - P A) dA' P' P``."""
    (A,), (t,) = args, tangents
    assert t is not None
    t_back, P_back = (turned(conj(M)) for M in (t, P))
    off_range = minus(eye(A.shape[-2]), matmul(A, P))
    off_rows = minus(eye(A.shape[-1]), matmul(P, A))
    inner = scale(-1, matmul(matmul(P, t), P))
    left = matmul(matmul(matmul(P, P_back), t_back), off_range)
    right = matmul(off_rows, matmul(t_back, matmul(P_back, P)))
    return plus(plus(inner, left), right)


PINV = register(
    Op(
        name="pinv",
        doc="The Moore-Penrose pseudo-inverse of a matrix.",
        result=_pinv_type,
        evaluate=lambda A, *, attr=None: np.linalg.pinv(A, rcond=attr),
        diff=Rule(_pinv_tangent),
        domain=Domain(kinks="where the rank changes"),
        spell=Spelling(
            latex="{0}^{{+}}",
            unicode="{0}⁺",
            python="np.linalg.pinv({0})",
            options=lambda node: {} if node.attr is None else {"rcond": node.attr},
        ),
        laws=Laws(facts=lambda A, *, attr=None: A & (SYMMETRIC | PSD | PD | ORTHOGONAL | DIAGONAL)),
        call=lambda A, rcond=None: pinv(A, rcond),
        calls=pinv_by_routines,
        count=lambda node: cubed(node.args[0]),
        arity=1,
        samples=(
            Sample((Argument((4, 3)),)),
            Sample((Argument((2, 3)),)),
            Sample((Argument((3, 3), draw="invertible"),)),
            Sample((Argument((2, 3, 2)),), 1e-9, note="stack"),
            Sample((Argument((3, 2), dtype="complex128"),), note="complex"),
        ),
    )
)


def pinv(A: Any, rcond: float | None = None) -> Expr:
    """The Moore-Penrose pseudo-inverse of a matrix; its derivative is that for constant rank.

    Singular values up to ``rcond`` times the largest count as zero.

    Raises:
        ShapeError: not a matrix.
    """
    return make(PINV, (lift(A),), rcond)
