"""How Einstein products are written: ``A @ x``, ``A*v``, ``outer(x, y)``, ``trace(A @ B)``, or ``einsum``.

Candidates are tried in the order in which people prefer them; the first whose operators build the very node
is the one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr
from wengert.ops.einstein import Label, Spec, arrangements
from wengert.show.forms import Form, Part, gives
from wengert.show.order import Look, product_key

__all__ = ["einsum_form", "kron_form", "product_form", "reading_factors"]

Axes = tuple[int, ...]


def product_form(node: Expr, looks: dict[Expr, Look]) -> Form:
    """The form of an Einstein product."""
    spec: Spec = node.attr
    args = node.args
    if len(args) == 2:
        first, second = args
        if not node.shape and not first.shape and not second.shape:
            if first is not second and (
                product_key(second, looks[second]) < product_key(first, looks[first])
            ):
                first, second = second, first
            return Form("mul", (first, second))
        (first, a), (second, b) = reading_factors(node, looks)
        candidates = _of_two(first, a, second, b, spec.out, looks)
    elif len(args) == 1:
        candidates = _of_one(node, args[0], spec.factors[0], spec)
    else:
        candidates = iter(())
    for form in sorted(candidates, key=_turns):
        if gives(form, node):
            return form
    return einsum_form(node, looks)


def _turns(form: Form) -> int:
    """How many transposes are written: of several right forms, the straightest is taken.

    ``A.T @ v`` counts as straight, since vectors are columns to most readers.
    """
    parts = form.parts
    if form.kind == "matmul" and form.data == (2, 1) and isinstance(parts[0], Form):
        matrix = parts[0].parts[0] if parts[0].kind == "transpose" else None
        if isinstance(matrix, Expr) and not matrix.args:
            parts = parts[1:]
    inner = sum(_turns(part) for part in parts if isinstance(part, Form))
    return inner + (form.kind == "transpose")


def einsum_form(node: Expr, looks: dict[Expr, Look]) -> Form:
    """The product in index notation, its factors in reading order, new axes brought in by ``ones``."""
    spec: Spec = node.attr
    factors: list[tuple[Part, Axes]] = [*reading_factors(node, looks, flat=True)]
    factors += [(Form("ones", (), (extent,)), (axis,)) for axis, extent in spec.new]
    axes = tuple(f[1] for f in factors)
    return Form("einsum", tuple(f[0] for f in factors), Spec(axes, spec.out))


def reading_factors(
    node: Expr, looks: dict[Expr, Look], *, flat: bool = False
) -> list[tuple[Expr, Axes]]:
    """The factors with their axes in reading order, axes that are summed over numbered as they come.

    ``flat``: factors that are products themselves have no place of honour.
    """
    skipped = 3 if flat else 0
    out = node.attr.out
    plain: list[tuple[Expr, tuple[Label, ...]]] = sorted(
        zip(node.args, node.attr.factors, strict=True),
        key=lambda f: product_key(f[0], looks[f[0]])[skipped:],
    )
    numbered = [_numbered(arrangement, out) for arrangement in arrangements(plain)]
    return min(numbered, key=lambda factors: [axes for _, axes in factors])


def _numbered(
    factors: Sequence[tuple[Expr, tuple[Label, ...]]], out: Axes
) -> list[tuple[Expr, Axes]]:
    final: dict[Label, int] = {axis: axis for axis in out}
    return [(f, tuple(final.setdefault(a, len(final)) for a in axes)) for f, axes in factors]


def kron_form(node: Expr) -> Form | None:
    """``kron(A, B)``, if that is what an op makes of a product of two factors."""
    product = node.args[0]
    rank = len(product.attr.out) // 2
    if len(product.args) != 2 or rank not in (1, 2) or len(product.attr.out) != 2 * node.ndim:
        return None
    parts: list[Part] = []
    for wanted in ((0, 2), (1, 3)):
        for factor, axes in zip(product.args, product.attr.factors, strict=True):
            if set(axes) == set(wanted[:rank]):
                part = _oriented(factor, axes, wanted[:rank])
                parts += [] if part is None else [part]
    form = Form("apply", tuple(parts), ("kron", {}))
    return form if len(parts) == 2 and gives(form, node) else None


# --- one factor --------------------------------------------------------------------------------------
def _of_one(node: Expr, x: Expr, axes: Axes, spec: Spec) -> Iterator[Form]:
    out = spec.out
    if spec.new:
        yield from _broadcast(node, x, axes, spec)
    elif len(set(axes)) < len(axes):
        yield Form("apply", (x,), ("trace" if not out else "diag", {}))
    elif len(axes) == len(out):
        yield Form("transpose", (x,))
    else:
        gone = tuple(i for i, axis in enumerate(axes) if axis not in out)
        yield _summed(x, gone, len(axes))


def _broadcast(node: Expr, x: Expr, axes: Axes, spec: Spec) -> Iterator[Form]:
    if x.op.spell.notation == "literal" and x.attr.__class__ is int and x.attr == 1:
        yield Form("ones", (), node.shape)
    elif not axes:
        yield Form("mul", (x, Form("ones", (), node.shape)))
    elif len(axes) == 1 and len(spec.out) == 2:
        filled = Form("ones", (), (spec.new[0][1],))
        parts: tuple[Part, ...] = (x, filled) if axes == (0,) else (filled, x)
        yield Form("apply", parts, ("outer", {}))


def _summed(x: Part, gone: Axes, rank: int) -> Form:
    if len(gone) == rank:
        return Form("apply", (x,), ("sum", {}))
    return Form("apply", (x,), ("sum", {"axis": gone[0] if len(gone) == 1 else gone}))


# --- two factors ---------------------------------------------------------------------------------------
def _of_two(
    x: Expr, a: Axes, y: Expr, b: Axes, out: Axes, looks: dict[Expr, Look]
) -> Iterator[Form]:
    summed = (set(a) | set(b)) - set(out)
    if not summed:
        yield from _elementwise(x, a, y, b, out)
        return
    if len(a) <= 2 and len(b) <= 2 and len(summed) == 1:
        yield from _contraction(x, a, y, b, out, summed.pop(), looks)
    # A sum over the elementwise product of factors that span everything.
    if not out and len(a) == len(b) == 2 and set(a) == set(b) and a != b:
        # trace(A @ B) reads better than sum(A*B.T)
        yield Form("apply", (Form("matmul", (x, y), (2, 2)),), ("trace", {}))
    everything = tuple(dict.fromkeys((*a, *b) if len(set(a)) >= len(set(b)) else (*b, *a)))
    if len(everything) <= max(len(a), len(b)):
        for axes in dict.fromkeys((everything, everything[::-1])):
            gone = tuple(i for i, axis in enumerate(axes) if axis not in out)
            for product in _elementwise(x, a, y, b, axes):
                yield _summed(product, gone, len(axes))
    if len(a) > 2 or len(b) > 2:
        yield Form("matmul", (x, y), (len(a), len(b)))
        yield Form("matmul", (y, x), (len(b), len(a)))


def _oriented(x: Expr, axes: Axes, wanted: Axes) -> Part | None:
    """The factor with its axes in the wanted order, by a transpose or a diagonal at most."""
    if axes == wanted or (axes == wanted[::-1] and is_symmetric(x)):
        return x
    if axes == wanted[::-1]:
        return Form("transpose", (x,))
    if len(axes) == 2 and axes[0] == axes[1] and wanted == axes[:1]:
        return Form("apply", (x,), ("diag", {}))
    return None


def _elementwise(x: Expr, a: Axes, y: Expr, b: Axes, out: Axes) -> Iterator[Form]:
    for (u, p), (v, q) in (((x, a), (y, b)), ((y, b), (x, a))):
        if not p:
            scaled = _oriented(v, q, out)
            if scaled is not None:
                yield Form("mul", (u, scaled))
    full_x, full_y = _oriented(x, a, out), _oriented(y, b, out)
    if full_x is not None and full_y is not None:
        yield Form("hadamard", (full_x, full_y))
    if len(out) == 2:
        for (u, p), (v, q) in (((x, a), (y, b)), ((y, b), (x, a))):
            yield from _with_vector(u, p, v, q, out)
    elif len(out) > 2:
        yield Form("hadamard", (x, y))
        yield Form("hadamard", (y, x))


def _with_vector(v: Expr, a: Axes, y: Expr, b: Axes, out: Axes) -> Iterator[Form]:
    """A vector, or the diagonal of a matrix, along one of two axes."""
    if len(set(a)) != 1:
        return
    vector = _oriented(v, a, a[:1])
    if vector is None:
        return
    if y.op.spell.notation == "identity" and a[0] in b:
        diagonal = Form("apply", (vector,), ("diag", {}))
        yield diagonal
        yield Form("transpose", (diagonal,))
        if len(a) == 2:  # the diagonal of a product would be looked into
            yield Form("hadamard", (v, y))
    matrix = _oriented(y, b, out)
    if matrix is not None and len(b) == 2:
        if a[0] == out[1]:
            yield Form("rows", (matrix, vector))
        else:
            yield Form("columns", (vector, matrix))
    if len(set(b)) == 1 and a[0] == out[0] and b[0] == out[1]:
        other = _oriented(y, b, b[:1])
        if other is not None:
            yield Form("apply", (vector, other), ("outer", {}))


def _dot(x: Expr, y: Expr, looks: dict[Expr, Look]) -> Iterator[Form]:
    """``x @ A @ y`` rather than ``A.T @ x @ y``, and ``x @ (A @ y)`` rather than ``A @ y @ x``."""
    for u, v in ((x, y), (y, x)):
        form = looks[u].form
        if form.kind == "matmul" and form.data == (2, 1):
            left, right = form.parts
            if isinstance(left, Form) and left.kind == "transpose":
                inner = Form("matmul", (right, left.parts[0]), (1, 2))
                yield Form("matmul", (inner, v), (1, 1))
            else:
                yield Form("matmul", (v, u), (1, 1))
    yield Form("matmul", (x, y), (1, 1))


def _contraction(
    x: Expr, a: Axes, y: Expr, b: Axes, out: Axes, k: int, looks: dict[Expr, Look]
) -> Iterator[Form]:
    """Matrix products in the order of the output axes, then those that sum one of their axes away."""
    ranks = (len(a), len(b))
    if a.count(k) == 1 == b.count(k):
        if ranks == (1, 1):
            yield from _dot(x, y, looks)
        rest = [i for i in (*a, *b) if i != k]
        if ranks == (1, 2):
            x, a, y, b, ranks = y, b, x, a, (2, 1)
        if ranks == (2, 1) and a[0] == k and x.args and x.op.spell.notation != "call":
            yield Form("matmul", (y, x), (1, 2))  # x @ (A + B) rather than (A + B).T @ x
        if rest == list(out) or len(rest) == 1:
            yield from _matmul(x, a, y, b, k, ranks)
        if rest[::-1] == list(out):
            yield from _matmul(y, b, x, a, k, ranks[::-1])
        if len(rest) == 2 and len(set(rest)) == 1:
            for product in (*_matmul(x, a, y, b, k, ranks), *_matmul(y, b, x, a, k, ranks[::-1])):
                yield Form("apply", (product,), ("diag", {}))
        elif not out:
            for product in _matmul(x, a, y, b, k, ranks):
                yield Form("apply", (product,), ("sum", {}))
        if len(rest) == 2 and (x.args or y.args):  # (inv(A) @ B).T, but B.T @ A.T
            for product in (*_matmul(x, a, y, b, k, ranks), *_matmul(y, b, x, a, k, ranks[::-1])):
                yield Form("transpose", (product,))


def _matmul(x: Expr, a: Axes, y: Expr, b: Axes, k: int, ranks: tuple[int, int]) -> Iterator[Form]:
    left: Part = x if a[-1] == k or is_symmetric(x) else Form("transpose", (x,))
    right: Part = y if b[0] == k or is_symmetric(y) else Form("transpose", (y,))
    yield Form("matmul", (left, right), ranks)
