"""The one multilinear op: the n-ary Einstein product, and everything that is a spelling of it.

``ein([(A, "ij"), (x, "j")], "i")`` sums over every label that is not in the output. Multiplication,
broadcasting, transposition, matrix products, sums over axes, outer products, diagonals and traces are
spellings of it, and its transpose is again an Einstein product. Labels may be any hashable things; the
node stores them canonically, so two products that differ only in their labels or in the order of factors
are the same object.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import reduce
from itertools import permutations, product
from typing import Any, TypeAlias

import numpy as np

from wengert.errors import ShapeError, worded
from wengert.ir.dims import Dim, Extent, extent_text, length
from wengert.ir.facts import (
    DIAGONAL,
    FINITE,
    INTEGER,
    NONNEGATIVE,
    ORTHOGONAL,
    PD,
    PSD,
    SYMMETRIC,
)
from wengert.ir.known import is_symmetric
from wengert.ir.node import OPERATORS, Expr, intern
from wengert.ir.op import Argument, Laws, Linear, NoDerivative, Op, Sample, Spelling, register
from wengert.ir.types import FLOAT, Type, is_complex, promote
from wengert.ops import plane
from wengert.ops.contraction import by_routines
from wengert.ops.leaves import ONE, Number, const, number_of, size
from wengert.ops.spec import (
    Spec,
    product_count,
    product_facts,
    product_type,
    product_value,
    resolved,
)
from wengert.ops.sums import LIN, add, is_negated, scale

__all__ = [
    "EIN",
    "EYE",
    "Label",
    "Spec",
    "broadcast_to",
    "ein",
    "eye",
    "is_ones",
    "ones",
    "product_of_scalars",
    "spelt_size",
    "sum_axes",
    "transpose",
    "unscaled",
]

Label: TypeAlias = Hashable
Factor: TypeAlias = tuple[Expr, tuple[Label, ...]]


# --- the record --------------------------------------------------------------------------------------
def _ein_transpose(ct: Expr, slot: int, *args: Expr, attr: Spec) -> Expr:
    """Cotangent of one factor; ``ct`` may have extra leading axes, which come out in front.

    An axis of the factor that no other operand has was summed over: the cotangent is constant along
    it. An axis that the factor has twice (a diagonal) is written back through an identity matrix.
    """
    if attr is _SCALARS and (ct.type is FLOAT or not ct.value_type.shape):
        return product_of_scalars(ct, args[1 - slot])
    batch: list[Label] = [("batch", i) for i in range(ct.ndim - len(attr.out))]
    factors: list[Factor] = [(ct, (*batch, *attr.out))]
    factors += [
        (a, f) for i, (a, f) in enumerate(zip(args, attr.factors, strict=True)) if i != slot
    ]
    target: list[Label] = []
    extents: dict[Label, Extent] = {}
    for position, axis in enumerate(attr.factors[slot]):
        extent = args[slot].shape[position]
        extents[axis] = extent
        if axis in target:
            copy = ("copy", position)
            factors.append((eye(extent), (axis, copy)))
            target.append(copy)
        else:
            target.append(axis)
    # An output axis that came from nowhere (a broadcast) is summed here; its extent is known from ct.
    return ein(factors, (*batch, *target), extents)


def _absorb(node: Expr, into: Any) -> Expr | None:
    """A signed or renamed strong zero stays one: ``-where(c, u, 0)`` and its transposes."""
    if len(node.args) != 1 or node.attr.summed or node.attr.new:
        return None
    inner = node.args[0]
    if inner.op.absorb is None or node.attr.factors[0] != node.attr.out:
        return None
    absorbed = inner.op.absorb(inner, into)
    return None if absorbed is None else ein([(absorbed, node.attr.factors[0])], node.attr.out)


def _element(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    """The product of elements, summed over the axes that the output does not have."""
    spec: Spec = node.attr
    known: dict[int, Expr] = {}
    same: list[Expr] = []
    for axis, place in zip(spec.out, places, strict=True):
        same.append(place)
        known[axis] = place
    extents: dict[int, Extent] = dict(spec.new)
    for arg, axes in zip(node.args, spec.factors, strict=True):
        extents.update(zip(axes, arg.shape, strict=True))
    summed = sorted(spec.summed)

    def term(*counters: Expr) -> Expr:
        at = {**known, **dict(zip(summed, counters, strict=True))}
        parts = [ask.part(i, [at[a] for a in axes]) for i, axes in enumerate(spec.factors)]
        product: Expr = reduce(product_of_scalars, parts)
        return product

    if not summed:
        return term()
    total: Expr = ask.fold("add", [extents[a] for a in summed], term)
    return total


def _factored(node: Expr) -> Expr | None:
    """Numbers and factors that do not vary along what is summed come out in front of the sum."""
    spec: Spec = node.attr
    if not spec.summed or is_complex(node.value_type):
        return None
    coefficient: Any = 1
    inside: list[Factor] = []
    outside: list[Factor] = []
    for arg, axes in zip(node.args, spec.factors, strict=True):
        factor = arg
        if arg.op is LIN and len(arg.args) == 1 and arg.value_type == arg.args[0].value_type:
            coefficient, factor = coefficient * arg.attr[0], arg.args[0]
        (outside if spec.summed.isdisjoint(axes) else inside).append((factor, axes))
    if coefficient == 1 and not outside:
        return None
    kept = {a for _, axes in inside for a in axes}
    out = [a for a in spec.out if a in kept] if outside else spec.out
    total = ein(inside, out, None if outside else dict(spec.new))
    if outside:
        total = ein([(total, out), *outside], spec.out, dict(spec.new))
    total = scale(coefficient, total)
    return total if total.type is node.type else None


def _rebuilt(*args: Expr, attr: Spec) -> Expr:
    if attr is _SCALARS:
        return product_of_scalars(*args)
    return ein(list(zip(args, attr.factors, strict=True)), attr.out, dict(attr.new))


_COMPLEX = Argument((2, 3), dtype="complex128")
_SAMPLES = (
    Sample((Argument(), Argument()), Spec(((), ()), ()), note="scalars"),
    Sample((Argument(), Argument((3,))), Spec(((), (0,)), (0,)), note="scaled vector"),
    Sample((Argument((2, 3)),) * 2, Spec(((0, 1), (0, 1)), (0, 1)), note="elementwise"),
    Sample((Argument((2, 3)), Argument((3, 4))), Spec(((0, 2), (2, 1)), (0, 1)), note="matmul"),
    Sample((Argument((2,)), Argument((3,))), Spec(((0,), (1,)), (0, 1)), note="outer"),
    Sample((Argument((3, 3)),), Spec(((0, 0),), ()), note="trace"),
    Sample((Argument((3, 3)),), Spec(((0, 0),), (0,)), note="diagonal"),
    Sample((Argument((2, 3)),), Spec(((1, 0),), (0, 1)), note="transpose"),
    Sample((Argument((2, 3)),), Spec(((1, 0),), (0,)), note="sum over the first axis"),
    Sample((Argument((2,)),), Spec(((1,),), (0, 1), ((0, 3),)), note="broadcast"),
    Sample(
        (Argument((2, 2)), Argument((2, 3)), Argument((3,))),
        Spec(((0, 1), (1, 2), (2,)), (0,)),
        note="three factors",
    ),
    Sample((_COMPLEX, _COMPLEX), Spec(((0, 2), (1, 2)), (0, 1)), note="complex"),
)


EIN = register(
    Op(
        name="ein",
        doc="Einstein product: multiply the factors and sum over every axis that is not in the output.",
        result=product_type,
        parts=plane.product,
        evaluate=product_value,
        resolve=resolved,
        diff=Linear(_ein_transpose, batched=True),
        spell=Spelling(notation="product"),
        laws=Laws(commutative=True, facts=product_facts, self_transpose=True),
        absorb=_absorb,
        count=product_count,
        element=_element,
        folds=lambda node: bool(node.attr.summed),
        simpler=_factored,
        calls=by_routines,
        build=_rebuilt,
        samples=_SAMPLES,
    )
)


def _eye_type(*, attr: Extent) -> Type:
    return Type("int64", (attr, attr), weak=True)


def _one_where_equal(node: Expr, places: Sequence[Expr], ask: Any) -> Expr:
    return OPERATORS.compare("eq", *places)


EYE = register(
    Op(
        name="eye",
        doc="The identity matrix.",
        result=_eye_type,
        evaluate=lambda *, attr: np.eye(attr),
        element=_one_where_equal,
        resolve=length,
        diff=NoDerivative("a constant", zero=True),
        spell=Spelling(text="eye({attr})", notation="identity"),
        laws=Laws(
            facts=lambda *, attr: (
                SYMMETRIC | PSD | PD | ORTHOGONAL | DIAGONAL | NONNEGATIVE | FINITE | INTEGER
            )
        ),
        cost=0.0,
        samples=(Sample(attr=3),),
    )
)


def eye(extent: Extent) -> Expr:
    """The identity matrix with ``extent`` rows."""
    return intern(EYE, extent, (), _eye_type(attr=extent))


# --- the constructor -----------------------------------------------------------------------------------
_SCALARS = Spec(((), ()), ())


def product_of_scalars(a: Expr, b: Expr) -> Expr:
    """``a * b`` for scalars, the short way: no labels; signs come out in front and a number scales."""
    if (
        a.type is FLOAT is b.type
        and (a.op is not LIN or not is_negated(a))
        and (b.op is not LIN or not is_negated(b))
    ):
        return intern(EIN, _SCALARS, (a, b) if a.serial <= b.serial else (b, a), FLOAT)
    for first, second in ((a, b), (b, a)):
        if not first.args:
            number = number_of(first)
            if number:
                return scale(number, second)
    sign, a = unscaled(a)
    sign_b, b = unscaled(b)
    type_ = FLOAT if a.type is FLOAT is b.type else promote(a.value_type, b.value_type)
    product = intern(EIN, _SCALARS, (a, b) if a.serial <= b.serial else (b, a), type_)
    return product if sign == sign_b else scale(-1, product)


def unscaled(node: Expr) -> tuple[int, Expr]:
    """``(-1, c*x)`` for ``-c*x`` with a positive ``c`` and for negative numbers, else ``(1, node)``."""
    if is_negated(node):
        return -1, scale(-node.attr[0], node.args[0])
    if not node.args:
        number = number_of(node)
        # Not the integers of fixed width: the least of them has no opposite.
        if number is not None and number < 0 and not isinstance(node.attr, np.integer):
            return -1, const(-node.attr)
    return 1, node


def is_ones(node: Expr) -> bool:
    """Whether the node is the number 1 or an array filled with it."""
    return node is ONE or (node.op is EIN and node.args == (ONE,))


def ein(
    factors: Iterable[tuple[Expr, Sequence[Label]]],
    out: Sequence[Label],
    extents: Mapping[Label, Extent] | None = None,
) -> Expr:
    """The Einstein product of labelled factors, in canonical form.

    Structural simplifications only, which hold for every float: identity matrices and ones are contracted
    away, renamed and broadcast factors are looked through, signs and numbers that scale what is only
    spread come out in front.
    ``extents`` gives the extents of output labels that no factor has.

    Raises:
        ShapeError: a label has two different extents, or an output label no extent.

    >>> import wengert as wg
    >>> A, B = wg.symbols("A B", ("n", "n"))
    >>> print(wg.ein([(A, "ij"), (B, "jk")], "ik"), wg.ein([(A, "ij"), (B, "ij")], ""))
    A @ B sum(A*B)
    """
    out = tuple(out)
    known: dict[Label, Extent] = dict(extents or {})
    given: list[Factor] = [(node, tuple(labels)) for node, labels in factors]
    summed = {label for _, labels in given for label in labels} - set(out)
    numbers, plain = _opened(given, known)
    plain, multiplicity = _without_identities(plain, out, summed, known)
    while len(plain) == 1:
        inside = _opened_product(*plain[0], out, known)
        if len(inside) == 1:
            break
        summed = {label for _, labels in inside for label in labels} - set(out)
        plain, more = _without_identities(inside, out, summed, known)
        multiplicity += more
    result = _canonical(plain, out, known)
    for extent in multiplicity:
        result = _times_size(result, extent)
    return reduce(lambda product, number: scale(number, product), numbers, result)


def _opened(
    factors: Iterable[Factor], known: dict[Label, Extent]
) -> tuple[list[Number], list[Factor]]:
    """Factors with numbers taken out and renamings, broadcasts and ones looked through."""
    sign = 1
    numbers: list[Number] = []
    plain: list[Factor] = []
    stack: list[Factor] = list(factors)[::-1]
    while stack:
        node, labels = stack.pop()
        if len(labels) != node.ndim:
            raise ShapeError(
                worded("product", expected=f"{node.ndim} labels for a factor", got=f"{len(labels)}")
            )
        for label, extent in zip(labels, node.shape, strict=True):
            if known.setdefault(label, extent) != extent:
                raise ShapeError(
                    worded(
                        "product",
                        expected="equal extents along a shared axis",
                        got=f"{known[label]} and {extent} (in shape {extent_text(node.shape)})",
                        hint="transpose or reshape one of the factors",
                    )
                )
        if node is ONE:
            continue
        factor_sign, inner = unscaled(node)
        if factor_sign < 0:
            sign = -sign
            stack.append((inner, labels))
        elif node.op is EIN and len(node.args) == 1 and not node.attr.summed:
            renamed = dict(zip(node.attr.out, labels, strict=True))
            stack.append((node.args[0], tuple(renamed[a] for a in node.attr.factors[0])))
        elif _is_scaled_spread(node):
            numbers.append(node.attr[0])
            stack.append((node.args[0], labels))
        else:
            plain.append((node, labels))
    return [*numbers, *([-1] if sign < 0 else [])], plain


def _is_scaled_spread(node: Expr) -> bool:
    """Whether a node is a number times what is spread along new axes."""
    if node.op is not LIN or len(node.args) != 1 or not node.attr[0]:
        return False
    inner = node.args[0]
    return inner.op is EIN and len(inner.args) == 1 and bool(inner.attr.new)


def _without_identities(
    plain: list[Factor],
    out: tuple[Label, ...],
    summed: set[Label],
    known: Mapping[Label, Extent],
) -> tuple[list[Factor], list[Extent]]:
    """Contract identity matrices; also the extents of summed axes that nothing depends on any more."""
    summed = set(summed)
    changed = True
    while changed:
        changed = False
        for position, (node, labels) in enumerate(plain):
            if node.op is not EYE:
                continue
            i, j = labels
            rest = plain[:position] + plain[position + 1 :]
            if i == j:
                plain, changed = rest, True
                break
            gone, kept = (j, i) if j not in out else (i, j)
            if gone not in out:
                plain = [(f, tuple(kept if x == gone else x for x in ls)) for f, ls in rest]
                summed.discard(gone)
                changed = True
                break
            low, high = (i, j) if out.index(i) < out.index(j) else (j, i)
            if any(high in ls for _, ls in rest):
                plain = [(f, tuple(low if x == high else x for x in ls)) for f, ls in rest]
                plain.append((node, (low, high)))
                changed = True
                break
    present = {label for _, labels in plain for label in labels}
    return plain, [known[label] for label in summed - present]


def _opened_product(
    node: Expr, labels: tuple[Label, ...], out: tuple[Label, ...], known: dict[Label, Extent]
) -> list[Factor]:
    """A single factor that is itself a product is looked into, unless the sum in it comes first.

    Its axes may be put in another order, and a sum or a diagonal is taken in one go with the product
    (``trace(A @ B)``, ``sum(x*y)``) if that makes no more terms than the larger factor has elements. What is
    only spread along new axes stays in one piece.
    """
    if node.op is not EIN or not set(out) <= set(labels):
        return [(node, labels)]
    named: dict[int, Label] = dict(zip(node.attr.out, labels, strict=True))
    inner = [
        (f, tuple(named.get(a, ("inner", a)) for a in axes))
        for f, axes in zip(node.args, node.attr.factors, strict=True)
    ]
    axes = {label for _, ls in inner for label in ls} | set(out)
    turned = len(labels) == len(out) and set(labels) == set(out)
    if not turned and (len(axes) > max(f.ndim for f, _ in inner) or set(labels) - axes):
        return [(node, labels)]
    for factor, ls in inner:
        known.update(zip(ls, factor.shape, strict=True))
    return inner


def _canonical(plain: list[Factor], out: tuple[Label, ...], known: Mapping[Label, Extent]) -> Expr:
    present = {label for _, labels in plain for label in labels}
    missing = [label for label in out if label not in present]
    for label in missing:
        if label not in known:
            raise ShapeError(worded("product", expected=f"an extent for output axis {label!r}"))
    if not plain:
        if not out:
            return ONE
        plain = [(ONE, ())]
    if len(plain) == 1 and plain[0][1] == out:
        return plain[0][0]
    if missing and not present <= set(out):  # summed once, then spread
        kept = tuple(label for label in out if label in present)
        plain = [(_canonical(plain, kept, known), kept)]
    if len(plain) == 2 and not missing:
        scaled = _scaled(plain, out)
        if scaled is not None:
            return scaled
    nodes, axes, final = _numbered(plain, out)
    if len(nodes) == 1 and not missing and axes[0] == tuple(final[label] for label in out):
        return nodes[0]  # the transpose of a symmetric matrix
    new = tuple((final[label], known[label]) for label in missing)
    spec = Spec(axes, tuple(final[label] for label in out), new)
    type_ = promote(*(n.value_type for n in nodes)).with_shape(tuple(known[label] for label in out))
    return intern(EIN, spec, nodes, type_)


def _scaled(plain: list[Factor], out: tuple[Label, ...]) -> Expr | None:
    """A number times one array in its own order is a scaling, not a product."""
    for (first, labels), (second, others) in (plain, plain[::-1]):
        number = number_of(first)
        if number and not labels and others == out:
            return scale(number, second)
    return None


def _numbered(
    plain: list[Factor], out: tuple[Label, ...]
) -> tuple[tuple[Expr, ...], tuple[tuple[int, ...], ...], dict[Label, int]]:
    """Factors in canonical order with canonical axes: the smallest numbering among equivalent ones."""
    plain = sorted(plain, key=lambda f: f[0].serial)
    best: tuple[tuple[tuple[int, ...], ...], tuple[Expr, ...], dict[Label, int]] | None = None
    for arrangement in arrangements(plain):
        final = {label: i for i, label in enumerate(out)}
        axes = tuple(
            tuple(final.setdefault(label, len(final)) for label in labels)
            for _, labels in arrangement
        )
        if best is None or axes < best[0]:
            best = axes, tuple(f for f, _ in arrangement), final
    assert best is not None
    return best[1], best[0], best[2]


_MOST_ARRANGEMENTS = 720  # beyond this the given order is kept: still right, only less shared


def arrangements(plain: list[Factor]) -> Iterable[list[Factor]]:
    """All orders of equal factors, which stand side by side, and both orientations of symmetric ones."""
    groups: list[list[Factor]] = []
    for factor in plain:
        if groups and groups[-1][0][0] is factor[0]:
            groups[-1].append(factor)
        else:
            groups.append([factor])
    if all(len(g) == 1 for g in groups) and not any(_is_flippable(f) for f in plain):
        return [plain]
    choices: list[list[tuple[Factor, ...]]] = []
    total = 1
    for group in groups:
        orders = list(permutations(group)) if len(group) <= 6 else [tuple(group)]
        if _is_flippable(group[0]):
            orders = [
                tuple((f, ls[::-1] if flip else ls) for (f, ls), flip in zip(o, flips, strict=True))
                for o in orders
                for flips in product((False, True), repeat=len(o))
            ]
        choices.append(orders)
        total *= len(orders)
    if total > _MOST_ARRANGEMENTS:
        return [plain]
    return ([f for group in choice for f in group] for choice in product(*choices))


def _is_flippable(factor: Factor) -> bool:
    node, labels = factor
    return (
        len(labels) == 2
        and labels[0] != labels[1]
        and node.shape[0] == node.shape[1]
        and is_symmetric(node)
    )


# --- spellings -----------------------------------------------------------------------------------------
def ones(shape: Sequence[Extent]) -> Expr:
    """The array filled with 1; the number 1 for ``()``."""
    labels = tuple(range(len(shape)))
    return ein([], labels, dict(zip(labels, shape, strict=True)))


def transpose(node: Expr, axes: Sequence[int] | None = None) -> Expr:
    """The axes in another order (reversed by default)."""
    labels = tuple(range(node.ndim))
    return ein([(node, labels)], labels[::-1] if axes is None else tuple(axes))


def sum_axes(node: Expr, axes: Iterable[int] | None = None) -> Expr:
    """The sum over the given axes (over all by default)."""
    gone = set(range(node.ndim)) if axes is None else set(axes)
    labels = tuple(range(node.ndim))
    return ein([(node, labels)], tuple(i for i in labels if i not in gone))


def broadcast_to(node: Expr, shape: Sequence[Extent]) -> Expr:
    """The array repeated along new leading axes and along axes of extent 1, as NumPy does.

    Raises:
        ShapeError: the shape cannot be reached.
    """
    shape = tuple(shape)
    if node.shape == shape:
        return node
    offset = len(shape) - node.ndim
    labels: list[Label] = []
    for position, extent in enumerate(node.shape):
        target = shape[offset + position] if offset >= 0 else None
        if extent == target:
            labels.append(offset + position)
        elif extent == 1 and target is not None:
            labels.append(("one", position))  # summed over an axis of extent 1: dropped
        else:
            raise ShapeError(
                worded(
                    "broadcast",
                    expected=f"a shape that stretches to {extent_text(shape)}",
                    got=extent_text(node.shape),
                )
            )
    out = tuple(range(len(shape)))
    return ein([(node, labels)], out, dict(zip(out, shape, strict=True)))


def _times_size(node: Expr, extent: Extent) -> Expr:
    if isinstance(extent, int):
        return scale(extent, node)
    labels = tuple(range(node.ndim))
    return ein([(spelt_size(extent), ()), (node, labels)], labels)


def spelt_size(extent: Extent) -> Expr:
    """The extent as the number that its text builds: ``2*m*n + 1`` of the sizes ``m`` and ``n``."""
    if isinstance(extent, int):
        return const(extent)
    if extent.needs:
        return size(extent)
    terms = [
        scale(c, reduce(product_of_scalars, (size(Dim.named(name)) for name in names), ONE))
        for names, c in extent.terms
    ]
    return reduce(add, terms)
