"""Factors of matrices by LAPACK, with the routines that NumPy and SciPy use."""

from __future__ import annotations

from collections.abc import Sequence

from wengert.ir.dims import Extent
from wengert.ir.node import Expr
from wengert.ir.types import Type
from wengert.ops.arithmetic import divide
from wengert.ops.choice import eq, gt, le, lt, maximum, minimum, where
from wengert.ops.columns import (
    at_least_one,
    by_columns,
    require_finite,
    require_success,
    symmetric_element,
)
from wengert.ops.leaves import const
from wengert.ops.places import Calls, Memory
from wengert.ops.routines import GEMM, GEQRF, GESDD, ORGQR, SYEVD
from wengert.ops.solving import INT, factored, sign_and_log

__all__ = [
    "adjugate_by_routines", "eigh_by_routines", "lu_by_routines", "pinv_by_routines",
    "pivots_by_routines", "qr_by_routines", "rank_by_routines", "svd_by_routines",
]  # fmt: skip

# So many columns are taken at once at most, for which there has to be memory.
BLOCK = 64
_DOUBLE = Type("float64")
_EPSILONS = {"float32": 2.0**-23, "float64": 2.0**-52}


def _smaller(m: Extent, n: Extent) -> Extent | None:
    """The smaller extent, where it is known which one is."""
    apart = m - n
    if not isinstance(apart, int):
        return None
    return m if apart <= 0 else n


def _most(m: Extent, n: Extent) -> Extent | None:
    """An extent that the smaller one does not exceed, for memory of its size."""
    found = _smaller(m, n)
    return next((e for e in (m, n) if isinstance(e, int)), None) if found is None else found


# --- QR ------------------------------------------------------------------------------------------------
def qr_by_routines(node: Expr, ask: Calls) -> bool:
    """Reflections, of which the triangle is ``R``, and their product."""
    *stack, m, n = node.args[0].shape
    ask.precision = "float64"  # so does NumPy, whatever the type
    matrix, tau, lwork = ask.scratch((n, m)), ask.scratch((n + 1,)), BLOCK * n + 1
    work = ask.scratch((lwork,))
    Q, R = ask.result(0), ask.result(1)

    def one(*at: Expr) -> None:
        rows, columns, apart = ask.extent(m), ask.extent(n), at_least_one(ask, m)
        by_columns(ask, matrix, m, n, lambda i, j: ask.part(0, (*at, i, j)))
        some = ask.extent(lwork)
        require_success(ask, ask.call(GEQRF, rows, columns, matrix, apart, tau, work, some))

        def upper(i: Expr, j: Expr) -> None:
            ask.put(R, (*at, i, j), ask.chosen(le(i, j), ask.element(matrix, (j, i)), 0.0))

        ask.each((n, n), upper)
        require_success(
            ask, ask.call(ORGQR, rows, columns, columns, matrix, apart, tau, work, some)
        )
        ask.each((m, n), lambda i, j: ask.put(Q, (*at, i, j), ask.element(matrix, (j, i))))

    ask.each(stack, one, in_order=True)
    return True


# --- LU ------------------------------------------------------------------------------------------------
def lu_by_routines(node: Expr, ask: Calls) -> bool:
    """The factors, and the rows where the exchanges have put them."""
    A = node.args[0]
    m, n = A.shape
    if A.value_type.dtype != node.type.items[1].dtype:  # type: ignore[union-attr]  # several results
        return False
    k = _smaller(m, n)
    if k is None:
        return False
    matrix, pivots, rows = ask.scratch((n, m)), ask.scratch((k,), INT), ask.scratch((m,), "int64")
    require_finite(ask, 0, (m, n), ())
    by_columns(ask, matrix, m, n, lambda i, j: ask.part(0, (i, j)))
    factored(ask, matrix, pivots, m, n)
    ask.each((m,), lambda i: ask.put(rows, (i,), i))

    def exchange(i: Expr) -> None:
        other = ask.keep(ask.typed(ask.element(pivots, (i,)), Type("int64")) - 1)
        here = ask.keep(ask.element(rows, (i,)))
        ask.put(rows, (i,), ask.keep(ask.element(rows, (other,))))
        ask.put(rows, (other,), here)

    ask.each((k,), exchange, in_order=True)
    p, L, U = (ask.result(i) for i in range(3))
    ask.each((m,), lambda i: ask.put(p, (ask.element(rows, (i,)),), i), in_order=True)

    def below(i: Expr, j: Expr) -> None:
        one = where(eq(i, j), const(1.0), const(0.0))
        ask.put(L, (i, j), where(gt(i, j), ask.element(matrix, (j, i)), ask.typed(one, L_type)))

    def above(i: Expr, j: Expr) -> None:
        ask.put(U, (i, j), ask.chosen(le(i, j), ask.element(matrix, (j, i)), 0.0))

    L_type = Type(ask.precision)  # type: ignore[arg-type]  # of a Type
    ask.each((m, k), below)
    ask.each((k, n), above)
    return True


def pivots_by_routines(node: Expr, ask: Calls) -> bool:
    """The exchanges of rows, counted from zero."""
    A = node.args[0]
    m, n = A.shape
    if A.value_type.dtype not in ("float32", "float64"):
        return False
    matrix, pivots, found = ask.scratch((n, m)), ask.scratch(node.shape, INT), ask.result()
    require_finite(ask, 0, (m, n), ())
    by_columns(ask, matrix, m, n, lambda i, j: ask.part(0, (i, j)))
    require_success(ask, factored(ask, matrix, pivots, m, n))  # SciPy warns of zeros
    ask.each(node.shape, lambda i: ask.put(found, (i,), ask.element(pivots, (i,)) - 1))
    return True


# --- eigenvalues ---------------------------------------------------------------------------------------
def eigh_by_routines(node: Expr, ask: Calls) -> bool:
    """By divide and conquer, as NumPy; other methods of SciPy decline."""
    if node.attr is not None:
        return False
    A = node.args[0]
    *stack, n = A.shape[:-1]
    ask.precision = "float64"  # so does NumPy, whatever the type
    lwork, liwork = 2 * n * n + 6 * n + 1, 5 * n + 3
    matrix, values = ask.scratch((n, n)), ask.scratch((n + 1,))
    work, iwork = ask.scratch((lwork,)), ask.scratch((liwork,), INT)
    w, V = ask.result(0), ask.result(1)

    def one(*at: Expr) -> None:
        by_columns(ask, matrix, n, n, lambda i, j: symmetric_element(ask, A, at, i, j))
        status = ask.call(
            SYEVD, "V", "L", ask.extent(n), matrix, at_least_one(ask, n), values,
            work, ask.extent(lwork), iwork, ask.extent(liwork),
        )  # fmt: skip
        require_success(ask, status)
        ask.each((n,), lambda i: ask.put(w, (*at, i), ask.element(values, (i,))))
        ask.each((n, n), lambda i, j: ask.put(V, (*at, i, j), ask.element(matrix, (j, i))))

    ask.each(stack, one, in_order=True)
    return True


# --- singular values -----------------------------------------------------------------------------------
class _Singular:
    """Memory for singular values and vectors of an argument, and the call that computes them.

    ``u`` lies there as rows of vectors, ``v`` as columns of them.
    """

    def __init__(self, ask: Calls, A: Expr, most: Extent) -> None:
        self.ask, self.most = ask, most
        self.m, self.n = m, n = A.shape[-2:]
        known = _smaller(m, n)
        self.few: Extent | Expr = minimum(ask.extent(m), ask.extent(n)) if known is None else known
        ask.precision = "float64"  # so does NumPy, whatever the type
        self.lwork = 4 * most * most + 7 * most + BLOCK * (m + n) + 1
        self.matrix = ask.scratch((n, m))
        self.s, self.u = ask.scratch((most + 1,)), ask.scratch((most, m))
        self.v = ask.scratch((n, most))
        self.work, self.iwork = ask.scratch((self.lwork,)), ask.scratch((8 * most + 1,), INT)

    def compute(self, at: Sequence[Expr], vectors: bool = True) -> None:
        ask, rows = self.ask, at_least_one(self.ask, self.m)
        by_columns(ask, self.matrix, self.m, self.n, lambda i, j: ask.part(0, (*at, i, j)))
        apart = at_least_one(ask, self.most)
        status = ask.call(
            GESDD, "S" if vectors else "N", ask.extent(self.m), ask.extent(self.n),
            self.matrix, rows, self.s, self.u, rows, self.v, apart,
            self.work, ask.extent(self.lwork), self.iwork,
        )  # fmt: skip
        require_success(ask, status)

    def value(self, i: Expr) -> Expr:
        return self.ask.element(self.s, (i,))

    def recombined(self, target: Memory) -> None:
        """``v @ u``, each vector of ``v`` times what stands in place of its singular value."""
        ask, v = self.ask, self.v

        def scaled(i: Expr, k: Expr) -> None:
            ask.put(v, (i, k), ask.element(v, (i, k)) * self.value(k))

        ask.each((self.n, self.few), scaled)
        m, rows = ask.extent(self.m), at_least_one(ask, self.m)
        few = self.few if isinstance(self.few, Expr) else ask.extent(self.few)
        ask.call(
            GEMM, "N", "N", m, ask.extent(self.n), few, 1.0, self.u, rows,
            v, at_least_one(ask, self.most), 0.0, target, rows,
        )  # fmt: skip


def svd_by_routines(node: Expr, ask: Calls) -> bool:
    """By divide and conquer, as NumPy."""
    A = node.args[0]
    *stack, m, n = A.shape
    k = _smaller(m, n)
    if k is None:
        return False
    found = _Singular(ask, A, k)
    U, s, Vh = (ask.result(i) for i in range(3))

    def one(*at: Expr) -> None:
        found.compute(at)
        ask.each((m, k), lambda i, j: ask.put(U, (*at, i, j), ask.element(found.u, (j, i))))
        ask.each((k,), lambda i: ask.put(s, (*at, i), found.value(i)))
        ask.each((k, n), lambda i, j: ask.put(Vh, (*at, i, j), ask.element(found.v, (j, i))))

    ask.each(stack, one, in_order=True)
    return True


def pinv_by_routines(node: Expr, ask: Calls) -> bool:
    """By the inverse of each singular value that is not zero to rounding."""
    A = node.args[0]
    *stack, m, n = A.shape
    most = _most(m, n)
    if most is None:
        return False
    found = _Singular(ask, A, most)
    product = ask.scratch((n, m))
    part = const(1e-15 if node.attr is None else float(node.attr))
    single = Type(node.value_type.dtype)

    def one(*at: Expr) -> None:
        found.compute(at)

        def rounded(k: Expr) -> Expr:
            # NumPy has singular values of single precision from here on.
            return ask.typed(ask.typed(found.value(k), single), _DOUBLE)

        largest = ask.fold("maximum", (found.few,), rounded)

        def inverted(k: Expr) -> None:
            inverse = where(
                gt(rounded(k), part * largest), divide(const(1.0), rounded(k)), const(0.0)
            )
            ask.put(found.s, (k,), inverse)

        ask.each((found.few,), inverted)
        found.recombined(product)
        P = ask.result()
        ask.each((n, m), lambda i, j: ask.put(P, (*at, i, j), ask.element(product, (i, j))))

    ask.each(stack, one, in_order=True)
    return True


def rank_by_routines(node: Expr, ask: Calls) -> bool:
    """How many singular values are above the tolerance."""
    A = node.args[0]
    dtype = A.value_type.dtype
    if A.ndim < 2 or dtype not in _EPSILONS:
        return False
    *stack, m, n = A.shape
    most = _most(m, n)
    if most is None:
        return False
    found, single = _Singular(ask, A, most), Type(dtype)
    tol, rtol = node.attr
    larger = maximum(ask.extent(m), ask.extent(n))

    def one(*at: Expr) -> None:
        found.compute(at, vectors=False)
        largest = maximum(ask.fold("maximum", (found.few,), found.value), const(0.0))
        if tol is not None:
            least: Expr = const(float(tol))
        elif rtol is not None:
            least = ask.typed(ask.typed(largest, single), _DOUBLE) * const(float(rtol))
        else:
            part = ask.typed(larger, single) * const(_EPSILONS[dtype])
            least = ask.typed(ask.typed(largest, single) * part, _DOUBLE)

        def counted(k: Expr) -> Expr:
            value = ask.typed(ask.typed(found.value(k), single), _DOUBLE)
            return where(gt(value, least), const(1.0), const(0.0))

        ask.put(ask.result(), at, ask.fold("add", (found.few,), counted))

    ask.each(stack, one, in_order=True)
    return True


def adjugate_by_routines(node: Expr, ask: Calls) -> bool:
    """``det(U) det(Vh) V adj(S) U.T`` by singular values, as in ``adjugate_of``."""
    A = node.args[0]
    *stack, n = A.shape[:-1]
    found = _Singular(ask, A, n)
    copy, pivots, others = ask.scratch((n, n)), ask.scratch((n,), INT), ask.scratch((n,))
    product = ask.scratch((n, n))

    def sign_of(vectors: Memory) -> Expr:
        ask.each((n, n), lambda i, j: ask.put(copy, (i, j), ask.element(vectors, (i, j))))
        status = factored(ask, copy, pivots, n, n)
        return ask.keep(sign_and_log(ask, copy, pivots, n, status)[0])

    def one(*at: Expr) -> None:
        found.compute(at)
        sign = sign_of(found.u) * sign_of(found.v)

        def other(k: Expr) -> None:
            def before(i: Expr) -> Expr:
                return where(lt(i, k), found.value(i), const(1.0))

            def behind(i: Expr) -> Expr:
                return where(gt(i, k), found.value(i), const(1.0))

            ask.put(others, (k,), ask.fold("mul", (n,), before) * ask.fold("mul", (n,), behind))

        ask.each((n,), other)
        ask.each((n,), lambda k: ask.put(found.s, (k,), ask.element(others, (k,))))
        found.recombined(product)
        adjugate = ask.result()
        ask.each(
            (n, n), lambda i, j: ask.put(adjugate, (*at, i, j), sign * ask.element(product, (i, j)))
        )

    ask.each(stack, one, in_order=True)
    return True
