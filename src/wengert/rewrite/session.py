"""One run of the rewriter: what it remembers, and the constructors by which rules write their results.

Everything here works on *normal forms*: a sum is one LIN of any number of terms, a product one EIN of any number of
powers, quotients and roots are powers, and numbers are coefficients of sums. They are ordinary nodes that evaluate as
they stand; ``build`` turns them into the binary nodes that people write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from wengert.ir.dims import Extent
from wengert.ir.facts import NONNEGATIVE, NONZERO, POSITIVE
from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr, intern, make
from wengert.ir.op import Op, lookup
from wengert.ir.types import FLOAT, promote
from wengert.ops.choice import ABS
from wengert.ops.einstein import EIN, EYE, Spec, ein, ones
from wengert.ops.leaves import CONSTANT, ONE, ZERO, Number, const, e_const, number_of, size
from wengert.ops.powers import POW
from wengert.ops.sums import LIN, is_zero
from wengert.rewrite import numbers
from wengert.rewrite.keys import Key, order_key
from wengert.rewrite.signs import sign_bits
from wengert.rewrite.vocabulary import EXP

__all__ = ["HALF", "MOST_FACTORS", "Axes", "Exponent", "Factor", "Session", "View"]

Axes: TypeAlias = tuple[int, ...]
Exponent: TypeAlias = "Number | Expr"
Factor: TypeAlias = "tuple[Expr, Axes, Exponent]"

HALF = Fraction(1, 2)
MOST_FACTORS = 12  # products beyond this stay nested, so that long chains cost linear time
_VARIABLES = "xyzwuvts"
_NOWHERE: Mapping[int, Extent] = {}


class View(NamedTuple):
    """A product taken apart: powers of bases with their axes, the axes of the result, extents of axes.

    Axes of the result are 0, 1, ...; every other axis is summed over.
    """

    factors: tuple[Factor, ...]
    out: Axes
    extents: Mapping[int, Extent]


class Session:
    """The memory of one run, and the constructors of normal forms.

    ``settle`` applies the rules to a node in normal form; every constructor ends with it. ``opaque`` holds the
    nodes that sums and products must not look into, because others share them. With ``strict`` nothing is done that
    makes the expression defined where it was not.
    """

    __slots__ = (
        "_contents", "_fresh", "_keys", "_signs", "_views", "built", "depth", "fired", "fuel", "level",
        "opaque", "scratch", "settle", "settled", "smoothed", "stable", "strict", "tokens",
    )  # fmt: skip

    def __init__(
        self,
        *,
        level: int = 2,
        strict: bool = False,
        stable: bool = False,
        fuel: int = 30_000,
    ) -> None:
        self.level, self.strict, self.stable, self.fuel = level, strict, stable, fuel
        self.settle: Callable[[Expr], Expr] = lambda node: node
        self.opaque: set[Expr] = set()
        self.settled: dict[Expr, Expr] = {}
        self.smoothed: set[Expr] = set()  # products in which a singularity may have gone
        self.built: dict[Expr, Expr] = {}
        self.tokens: dict[Expr, int] = {}
        self.fired: dict[str, int] = {}
        self.scratch: dict[Any, Any] = {}  # Any: results that rules remember, by their own keys
        self.depth = 0
        self._keys: dict[Expr, Key] = {}
        self._signs: dict[Expr, int] = {}
        self._views: dict[Expr, View] = {}
        self._contents: dict[Expr, tuple[Number, Expr]] = {}
        self._fresh = 1000

    # --- asking ------------------------------------------------------------------------------------------
    def key(self, node: Expr) -> Key:
        """The place of a node in the structural order."""
        found = self._keys.get(node)
        return found if found is not None else order_key(node, self._keys)

    def signs(self, node: Expr) -> int:
        """The sign bits that are known of a value."""
        return sign_bits(node, self._signs)

    def is_nonnegative(self, node: Expr) -> bool:
        """Whether the value is known to be at least 0."""
        return bool(self.signs(node) & NONNEGATIVE)

    def is_positive(self, node: Expr) -> bool:
        """Whether the value is known to be above 0."""
        return self.signs(node) & POSITIVE == POSITIVE

    def is_nonzero(self, node: Expr) -> bool:
        """Whether the value is known not to be 0."""
        return bool(self.signs(node) & NONZERO)

    def is_symmetric(self, node: Expr) -> bool:
        """Whether a matrix is known to equal its transpose, by assumption or term by term."""
        shape = node.value_type.shape
        if len(shape) != 2 or shape[0] != shape[1]:
            return False
        known: dict[Expr, bool] = self.scratch.setdefault("symmetric", {})
        found = known.get(node)
        if found is None:
            known[node] = False
            found = is_symmetric(node)
            if not found and (node.op is LIN or node.op is EIN or node.op is POW):
                found = self.transposed(node) is node
            elif not found and node.op.elementwise and node.attr is None:
                found = all(self.is_symmetric(a) for a in node.args)
            known[node] = found
        return found

    def transposed(self, node: Expr) -> Expr:
        """A matrix with its axes swapped, term by term."""
        if node.op is LIN and node not in self.opaque:
            return self.sum([(c, self.transposed(t)) for c, t in self.terms(node)], node)
        rows, columns = node.value_type.shape
        return self.product([(node, (1, 0), 1)], (0, 1), {0: columns, 1: rows})

    def turns(self, node: Expr) -> int:
        """Terms of a sum of matrices that are transposed single matrices."""
        views = (self.view(t) for _, t in self.terms(node))
        return sum(1 for v in views if len(v.factors) == 1 and v.factors[0][1] == (1, 0))

    def view(self, node: Expr) -> View:
        """A node as a product of powers; a node that is none is its own only factor."""
        view = self._views.get(node)
        if view is None:
            view = self._views[node] = _viewed(node)
        return view

    def terms(self, node: Expr) -> list[tuple[Number, Expr]]:
        """A node as a sum of terms with coefficients; a number is a coefficient of 1."""
        if node.op is LIN:
            return list(zip(node.attr, node.args, strict=True))
        if not node.args:
            number = number_of(node)
            if number is not None:
                return [(number, ONE)]
        return [(1, node)]

    def scaled(self, node: Expr) -> tuple[Number, Expr]:
        """Coefficient and rest of a node that is one term; a sum of several is its own rest."""
        if node.op is LIN:
            return (node.attr[0], node.args[0]) if len(node.attr) == 1 else (1, node)
        number = number_of(node) if not node.args else None
        return (1, node) if number is None else (number, ONE)

    def content(self, node: Expr) -> tuple[Number, Expr]:
        """A sum as a number times a sum with coprime coefficients, the leading one positive.

        So ``a - b`` and ``b - a`` are the same but for a sign, in the direction that people prefer: ``x - 1``,
        ``x - mu``, ``A @ x - b``.
        """
        found = self._contents.get(node)
        if found is not None:
            return found
        if node in self.opaque:
            return 1, node
        coefficients = node.attr
        content = numbers.common_content(coefficients)
        if coefficients[self._leading(node)] < 0:
            content = -content
        if content == 1:
            result: tuple[Number, Expr] = 1, node
        else:
            inverse = numbers.power(content, -1)
            assert inverse is not None
            primitive = self.sum([(inverse, node)], node)
            result = content, primitive
            if primitive.op is LIN:
                self._contents.setdefault(primitive, (1, primitive))
        self._contents[node] = result
        return result

    def _leading(self, node: Expr) -> int:
        """The term of a sum that a person would give the positive sign."""
        best, place = None, 0
        for position, term in enumerate(node.args):
            rank, name, digest, age = self.key(term)
            # Products and functions before the usual names of variables, those before parameters.
            prominent = _VARIABLES.find(name[:1]) if rank in (2, 3) else -1
            candidate = (
                _is_unit(term),
                rank in (2, 3),
                prominent if prominent >= 0 else len(_VARIABLES),
                len(name),
                name,
                digest,
                age,
            )
            if best is None or candidate < best:
                best, place = candidate, position
        return place

    # --- sums ----------------------------------------------------------------------------------------------
    def sum(self, terms: Iterable[tuple[Number, Expr]], like: Expr) -> Expr:
        """The sum of terms with coefficients, of the shape of ``like``, in normal form."""
        total: dict[Expr, Number] = {}
        opaque = self.opaque
        stack = list(terms)
        if len(stack) == 1 and abs(stack[0][0]) != 1:
            # 0.1*(x + y) stays: put into the sum, 0.1 could not be taken out exactly again
            c, node = stack[0]
            if node.op is LIN and len(node.args) > 1 and _has_float(c, *node.attr):
                return make(LIN, (node,), (c,))
        stack.reverse()
        while stack:
            c, node = stack.pop()
            if node.op is LIN and node not in opaque:
                for d, term in zip(node.attr, node.args, strict=True):
                    product = numbers.times(c, d)
                    if term.op is LIN:
                        stack.append((product, term))
                        continue
                    known = total.get(term)
                    total[term] = product if known is None else numbers.plus(known, product)
                continue
            if not node.args:
                number = number_of(node)
                if number is not None:
                    c, node = numbers.times(c, number), ONE
            known = total.get(node)
            total[node] = c if known is None else numbers.plus(known, c)
        return self._summed(total, like)

    def _summed(self, total: dict[Expr, Number], like: Expr) -> Expr:
        items = [(t, c) for t, c in total.items() if c != 0 or self._must_stay(t)]
        if not items:
            return self.zero(like)
        if len(items) == 1:
            node, c = items[0]
            if c == 1:
                return node
            if node is ONE:
                return const(c)
        else:
            key = self.key
            items.sort(key=lambda item: key(item[0]))
        args = tuple([t for t, _ in items])
        coefficients = tuple([c for _, c in items])
        if like.type is FLOAT:
            node = intern(LIN, coefficients, args, FLOAT)
        else:
            node = make(LIN, args, coefficients)
        return self.settle(node) if len(args) > 1 or abs(coefficients[0]) != 1 else node

    def _must_stay(self, term: Expr) -> bool:
        """Strictly, a term cancels only if it is defined everywhere."""
        return self.strict and not self.is_total(term)

    def is_total(self, node: Expr) -> bool:
        """Whether the node is defined for all values of its symbols."""
        known: dict[Expr, bool] = self.scratch.setdefault("total", {})
        stack = [node]
        while stack:
            top = stack[-1]
            missing = [a for a in top.args if a not in known]
            if missing:
                stack += missing
                continue
            known[top] = all(known[a] for a in top.args) and self._is_defined(top)
            stack.pop()
        return known[node]

    def _is_defined(self, node: Expr) -> bool:
        where = node.op.domain.where
        if where is None:
            return True
        if node.op is POW:
            base = node.args[0]
            exponent = number_of(node.args[1])
            if exponent is None:
                return self.is_positive(base)
            if numbers.is_whole(exponent):
                return exponent >= 0 or self.is_nonzero(base)
            return self.is_nonnegative(base) and (exponent > 0 or self.is_nonzero(base))
        return False

    def zero(self, like: Expr) -> Expr:
        """Zero in the shape of ``like``."""
        shape = like.value_type.shape
        return make(LIN, (ones(shape),), (0,)) if shape else const(0)

    def one(self, like: Expr) -> Expr:
        """One in the shape of ``like``."""
        return ones(like.value_type.shape)

    def scale(self, c: Number, node: Expr) -> Expr:
        """A number times a node."""
        return node if c == 1 else self.sum([(c, node)], node)

    def negative(self, node: Expr) -> Expr:
        """``-node``."""
        return self.sum([(-1, node)], node)

    def plus(self, a: Expr, b: Expr) -> Expr:
        """``a + b`` for equal shapes."""
        return self.sum([(1, a), (1, b)], a)

    def minus(self, a: Expr, b: Expr) -> Expr:
        """``a - b`` for equal shapes."""
        return self.sum([(1, a), (-1, b)], a)

    # --- products --------------------------------------------------------------------------------------------
    def times(self, *nodes: Expr) -> Expr:
        """The elementwise product of nodes of one shape, and of scalars."""
        shape = max((n.value_type.shape for n in nodes), key=len)
        out = tuple(range(len(shape)))
        factors: list[Factor] = [(n, out if n.value_type.shape else (), 1) for n in nodes]
        return self.product(factors, out, dict(zip(out, shape, strict=True)))

    def over(self, a: Expr, b: Expr) -> Expr:
        """``a / b`` for equal shapes, or a scalar ``b``."""
        return self.times(a, self.raise_to(b, -1))

    def raise_to(self, base: Expr, exponent: Exponent) -> Expr:
        """``base ** exponent`` element by element."""
        if exponent.__class__ is int and exponent == 1:
            return base
        shape = base.value_type.shape
        out = tuple(range(len(shape)))
        return self.product([(base, out, exponent)], out, dict(zip(out, shape, strict=True)))

    def replaced(
        self, view: View, gone: Sequence[int], new: Iterable[Factor] = (), c: Number = 1
    ) -> Expr:
        """The product with the factors at some positions replaced by others.

        Axes that go with them are not summed over any more.
        """
        factors = [f for i, f in enumerate(view.factors) if i not in gone]
        extents = {a: view.extents[a] for a in view.out} if view.out else _NOWHERE
        return self.product([*factors, *new], view.out, extents, c)

    def fresh_axis(self) -> int:
        """An axis that nobody else has."""
        self._fresh += 1
        return self._fresh

    def product(
        self,
        factors: Iterable[Factor],
        out: Axes = (),
        extents: Mapping[int, Extent] = _NOWHERE,
        coefficient: Number = 1,
    ) -> Expr:
        """The product of powers over the axes ``out``, summed over all others, in normal form.

        Raises:
            ZeroDivisionError, OverflowError: the numbers in it have no finite product.
        """
        collected = _Collected(self, coefficient, extents, out)
        collected.gather(list(factors)[::-1])
        node = collected.finish()
        if collected.smoother:
            self.smoothed.add(node)
        return node

    def powered(self, base: Expr, exponent: Exponent) -> Expr:
        """The node of one power, as it stands in a product."""
        if exponent.__class__ is int and exponent == 1:
            return base
        power = exponent if isinstance(exponent, Expr) else const(exponent)
        if base.type is FLOAT and not isinstance(exponent, Expr):
            return intern(POW, None, (base, power), FLOAT)
        return make(POW, (base, power))

    # --- functions -------------------------------------------------------------------------------------------
    def apply(self, op: Op | str, *args: Expr, attr: Any = None) -> Expr:  # Any: the op's attribute
        """A function of nodes in normal form, signs pulled out of odd and dropped from even ones."""
        if isinstance(op, str):
            op = lookup(op)
        laws = op.laws
        if (laws.odd or laws.even) and len(args) == 1:
            arg = args[0]
            if self.leads_negative(arg):
                positive = self.apply(op, self.negative(arg), attr=attr)
                return self.negative(positive) if laws.odd else positive
        if op.build is not None:
            node = op.build(*args) if attr is None else op.build(*args, attr=attr)
        else:
            node = make(op, args, attr)
        return self.settle(node)

    def leads_negative(self, node: Expr) -> bool:
        """Whether a minus would be pulled out of the node."""
        if node.op is LIN:
            if len(node.attr) == 1:
                return node.attr[0] < 0
            return node not in self.opaque and self.content(node)[0] < 0
        number = number_of(node) if not node.args else None
        return number is not None and number < 0

    def openable(self, node: Expr, room: int) -> bool:
        """Whether a product may look into a factor that is a product."""
        return node not in self.opaque and (len(node.args) <= room or len(node.args) == 1)


def _has_float(*values: Number) -> bool:
    return any(v.__class__ is float for v in values)


# --- reading -----------------------------------------------------------------------------------------------
def _is_unit(term: Expr) -> bool:
    return term is ONE or (term.op is EIN and term.args == (ONE,))


@cache
def _axes(rank: int) -> Axes:
    return tuple(range(rank))


def _viewed(node: Expr) -> View:
    shape = node.value_type.shape
    if node is ONE:
        return View((), (), _NOWHERE)
    if node.op is not EIN:
        out = _axes(len(shape))
        return View((_opened_power(node, out),), out, dict(zip(out, shape, strict=True)))
    spec: Spec = node.attr
    factors = tuple(
        [
            _opened_power(a, axes)
            for a, axes in zip(node.args, spec.factors, strict=True)
            if a is not ONE
        ]
    )
    extents: dict[int, Extent] = dict(spec.new)
    if spec.out or any(spec.factors):
        for a, axes in zip(node.args, spec.factors, strict=True):
            extents.update(zip(axes, a.value_type.shape, strict=True))
    return View(factors, spec.out, extents)


def _opened_power(node: Expr, axes: Axes) -> Factor:
    if node.op is POW:
        base, exponent = node.args
        number = number_of(exponent)
        if number is not None and base is not ZERO:
            return base, axes, number
        if not axes:
            return base, axes, exponent
    return node, axes, 1


@cache
def _sums(spec: Spec) -> bool:
    return bool(spec.summed)


@cache
def _scalars(count: int) -> Spec:
    return Spec(((),) * count, ())


# --- collecting a product --------------------------------------------------------------------------------------
class _Collected:
    """A product being put together: powers by base and axes, exponentials apart, numbers multiplied up."""

    __slots__ = ("coefficient", "exps", "extents", "out", "powers", "s", "smoother", "sums")

    def __init__(
        self, s: Session, coefficient: Number, extents: Mapping[int, Extent], out: Axes
    ) -> None:
        self.s, self.coefficient, self.out = s, coefficient, out
        self.extents = dict(extents) if extents else {}
        self.powers: dict[tuple[Expr, Axes], Exponent] = {}
        self.exps: dict[Axes, list[tuple[Number, Expr]]] = {}
        self.smoother = (
            False  # whether a singularity may have gone: x/x, sqrt(x)*sqrt(x), sqrt(x**4)
        )
        self.sums: dict[tuple[Expr, Axes], Number] = {}  # factors that are sums over axes

    def gather(self, stack: list[Factor]) -> None:
        """Put factors in, opening those that are themselves products, powers or scaled."""
        while stack:
            base, axes, exponent = stack.pop()
            if isinstance(exponent, Expr):
                number = number_of(exponent) if not exponent.args else None
                if number is None:
                    self._put_symbolic(base, axes, exponent, stack)
                    continue
                exponent = number
            if axes:
                self.extents.update(zip(axes, base.value_type.shape, strict=True))
            if exponent == 0:
                continue
            opener = _OPENERS.get(base.op)
            if opener is None or not opener(self, base, axes, exponent, stack):
                self.put(base, axes, exponent)

    def put(self, base: Expr, axes: Axes, exponent: Exponent) -> None:
        """One power, merged with others of the same base."""
        if len(axes) == 2 and axes[0] != axes[1]:
            base, axes = self._oriented(base, axes, exponent)
        key = base, axes
        known = self.powers.get(key)
        if known is None:
            self.powers[key] = exponent
        elif isinstance(known, Expr) or isinstance(exponent, Expr):
            total = self.s.sum([_as_term(known), _as_term(exponent)], ONE)
            number = number_of(total)
            self.powers[key] = total if number is None else number
        elif self.s.strict and self._loses(base, known, exponent):
            apart = self.s.powered(base, exponent), axes
            self.powers[apart] = numbers.plus(self.powers.get(apart, 0), 1)  # type: ignore[arg-type]
        else:
            self.smoother |= (known < 0) != (exponent < 0) or not numbers.is_whole(exponent)
            self.powers[key] = numbers.plus(known, exponent)

    def _oriented(self, base: Expr, axes: Axes, exponent: Exponent) -> tuple[Expr, Axes]:
        """One of a matrix and its transpose: symmetric ones along the first axis, sums with fewer transposes."""
        s = self.s
        if axes[0] > axes[1] and s.is_symmetric(base):
            return base, (axes[1], axes[0])
        if base.op is LIN and base not in s.opaque and not isinstance(exponent, Expr):
            other = s.transposed(base)
            if other.op is LIN and (s.turns(other), s.key(other)) < (s.turns(base), s.key(base)):
                return other, (axes[1], axes[0])
        return base, axes

    def _loses(self, base: Expr, a: Number, b: Number) -> bool:
        """Whether the sum of two exponents is defined where one of the powers is not."""
        total = numbers.plus(a, b)
        nonzero = (a < 0 or b < 0) and total >= 0 and not self.s.is_nonzero(base)
        fractional = not (numbers.is_whole(a) and numbers.is_whole(b))
        positive = fractional and numbers.is_whole(total) and not self.s.is_nonnegative(base)
        return nonzero or positive

    def _put_symbolic(self, base: Expr, axes: Axes, exponent: Expr, stack: list[Factor]) -> None:
        s = self.s
        if base is e_const:
            stack.append((s.apply(EXP, exponent), axes, 1))
        elif base.op is EXP:
            stack.append((s.apply(EXP, s.times(exponent, base.args[0])), axes, 1))
        elif base.op is POW and s.is_nonnegative(base.args[0]):
            inner, power = base.args
            stack.append((inner, axes, s.times(power, exponent)))
        elif base is ONE:
            return
        else:
            self.put(base, axes, exponent)

    # --- putting together ----------------------------------------------------------------------------------
    def finish(self) -> Expr:
        """The node of what was collected."""
        while self.sums:
            self._open_sum_of_products(*self.sums.popitem())
        while self.exps:
            self._merge_exps()
        powers = self.powers
        if 0 in powers.values():
            self.powers = powers = {
                k: e for k, e in powers.items() if isinstance(e, Expr) or e != 0
            }
        if self.out or any(axes for _, axes in powers):
            return self._finish_tensor()
        if self.extents:
            self._vanished(set())
        return self._scaled(self._scalar_node([(b, e) for (b, _), e in powers.items()]))

    def _open_sum_of_products(self, key: tuple[Expr, Axes], exponent: Number) -> None:
        base, axes = key
        if exponent != 1:
            self.put(base, axes, exponent)
            return
        spec: Spec = base.attr
        renamed = dict(zip(spec.out, axes, strict=True))
        for arg, inner in zip(base.args, spec.factors, strict=True):
            for axis in inner:
                if axis not in renamed:
                    renamed[axis] = self.s.fresh_axis()
            self.gather([(arg, tuple([renamed[i] for i in inner]), 1)])

    def _merge_exps(self) -> None:
        axes, found = self.exps.popitem()
        s = self.s
        if len(found) == 1 and found[0][0] == 1:
            self.powers[s.apply(EXP, found[0][1]), axes] = 1
            return
        total = s.sum(found, found[0][1])
        node = s.apply(EXP, total)
        if node.op is EXP:
            self.powers[node, axes] = 1
        else:
            self.gather([(node, axes, 1)])

    def _scalar_node(self, items: list[tuple[Expr, Exponent]]) -> Expr:
        s = self.s
        if not items:
            return ONE
        if len(items) > 1:
            key = s.key
            items.sort(key=lambda item: key(item[0]))
        args = tuple([s.powered(b, e) for b, e in items])
        if len(args) == 1:
            return args[0] if args[0].op is not POW else s.settle(args[0])
        types = {a.type for a in args}
        type_ = FLOAT if FLOAT in types else promote(*(a.value_type for a in args))
        return s.settle(intern(EIN, _scalars(len(args)), args, type_))

    def _finish_tensor(self) -> Expr:
        s = self.s
        if len(self.powers) == 1 and len(self.out) == 2:
            ((base, axes), e), *_ = self.powers.items()
            if (
                axes == (1, 0)
                and base.op is LIN
                and len(base.args) > 1
                and e == 1
                and base not in s.opaque
            ):
                return self._scaled(s.transposed(base))
        if any(base.op is EYE for base, _ in self.powers):
            self._without_identities()
        self._vanished({axis for _, axes in self.powers for axis in axes})
        if self._split_scalars():
            return self.finish()
        items = [(b, a, e) for (b, a), e in self.powers.items() if isinstance(e, Expr) or e != 0]
        key = s.key
        items.sort(key=lambda item: (key(item[0]), item[1]))
        node = self._tensor_node([(s.powered(b, e), a) for b, a, e in items])
        if node.op is EIN or node.op is POW:
            node = s.settle(node)
        return self._scaled(node)

    def _tensor_node(self, factors: list[tuple[Expr, Axes]]) -> Expr:
        """The Einstein product of factors in structural order, axes numbered as they appear."""
        out = self.out
        if len(factors) == 1 and factors[0][1] == out:
            return factors[0][0]
        bases = {f for f, _ in factors}
        if len(bases) < len(factors) or not factors or any(map(self.s.is_symmetric, bases)):
            # Which of equal factors comes first is for the general constructor to say.
            return ein(factors, out, {axis: self.extents[axis] for axis in out})
        final = {axis: i for i, axis in enumerate(out)}
        places = tuple(
            [tuple([final.setdefault(x, len(final)) for x in axes]) for _, axes in factors]
        )
        present = {x for axes in places for x in axes}
        new = tuple([(final[x], self.extents[x]) for x in out if final[x] not in present])
        args = tuple([f for f, _ in factors])
        shape = tuple([self.extents[x] for x in out])
        type_ = promote(*[f.value_type for f in args]).with_shape(shape)
        return intern(EIN, Spec(places, tuple(range(len(out))), new), args, type_)

    def _split_scalars(self) -> bool:
        """Make a scalar factor of every part that shares no axis with the rest nor with the result."""
        parts = _connected(self.powers)
        alone = len(parts) == 1 and not self.out and all(axes for _, axes in self.powers)
        inner = [p for p in parts if not any(a in self.out for _, axes in p for a in axes)]
        if alone or not inner:
            return False
        for part in inner:
            factors: list[Factor] = [(b, axes, self.powers.pop((b, axes))) for b, axes in part]
            extents = {
                a: self.extents.pop(a)
                for _, axes, _ in factors
                for a in set(axes)
                if a in self.extents
            }
            self.gather([(self.s.product(factors, (), extents), (), 1)])
        return True

    def _vanished(self, present: set[int]) -> None:
        """Axes that are summed over but that nothing depends on count their extent."""
        if not self.extents:
            return
        for axis, extent in list(self.extents.items()):
            if axis not in present and axis not in self.out:
                del self.extents[axis]
                if isinstance(extent, int):
                    self.coefficient = numbers.times(self.coefficient, extent)
                else:
                    self.put(size(extent), (), 1)

    def _without_identities(self) -> None:
        """Contract identity matrices; one between two axes of the result stays."""
        while True:
            renamed = self._next_renaming()
            if renamed is None:
                return
            identity, gone, kept = renamed
            factors: list[Factor] = []
            for (base, axes), e in self.powers.items():
                if (base, axes) != identity:
                    factors.append((base, tuple(kept if x == gone else x for x in axes), e))
            if gone in self.out:
                factors.append((identity[0], (kept, gone), 1))
            elif gone != kept:
                del self.extents[gone]
            self.powers = {}
            for base, axes, e in factors:
                self.put(base, axes, e)

    def _next_renaming(self) -> tuple[tuple[Expr, Axes], int, int] | None:
        for base, axes in self.powers:
            if base.op is not EYE:
                continue
            i, j = axes
            if i == j:
                return (base, axes), i, i
            if j not in self.out:
                return (base, axes), j, i
            if i not in self.out:
                return (base, axes), i, j
            low, high = (i, j) if i < j else (j, i)
            others = [k for k in self.powers if k != (base, axes)]
            if any(high in ls for _, ls in others) or self.powers[base, axes] != 1:
                return (base, axes), high, low
            if axes != (low, high):
                self.powers[base, (low, high)] = self.powers.pop((base, axes))
                return self._next_renaming()
        return None

    def _scaled(self, node: Expr) -> Expr:
        c = self.coefficient
        if c == 1:
            return node
        return self.s.sum([(c, node)], node)


def _connected(powers: Mapping[tuple[Expr, Axes], Exponent]) -> list[list[tuple[Expr, Axes]]]:
    """The factors that have axes, in groups that share axes."""
    groups: list[tuple[set[int], list[tuple[Expr, Axes]]]] = []
    for key in powers:
        axes = set(key[1])
        if not axes:
            continue
        members = [key]
        apart = []
        for group in groups:
            if group[0] & axes:
                axes |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (axes, members)]
    return [members for _, members in groups]


def _as_term(exponent: Exponent) -> tuple[Number, Expr]:
    return (1, exponent) if isinstance(exponent, Expr) else (exponent, ONE)


# --- openers: factors that a product looks into; False leaves the factor as it stands ------------------------
Opener: TypeAlias = Callable[[_Collected, Expr, Axes, Number, "list[Factor]"], bool]


def _open_constant(p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    number = number_of(base)
    if number is None:
        return False
    if number == 1:
        return True
    value = numbers.power(number, e)
    if value is None:
        return _put_root(p, number, e)
    p.coefficient = numbers.times(p.coefficient, value)
    return True


def _put_root(p: _Collected, number: Number, e: Number) -> bool:
    """A root of a number that is not rational: fractions apart, squares of small primes out, ``0 < e < 1``."""
    if isinstance(number, float) or isinstance(e, float) or number <= 0:
        return False
    if number.denominator != 1:
        p.gather([(const(number.numerator), (), e), (const(number.denominator), (), -e)])
        return True
    if numbers.is_whole(e):
        return False
    outside, inside = numbers.without_powers(int(number), e.denominator)
    if outside != 1:
        factor = numbers.power(outside, e * e.denominator)
        if factor is None:
            return False
        p.coefficient = numbers.times(p.coefficient, factor)
        return inside == 1 or not p.gather([(const(inside), (), e)])
    key = const(number), ()
    known = p.powers.pop(key, 0)
    if isinstance(known, Expr):
        return False
    total = numbers.plus(known, e)
    whole = total.numerator // total.denominator
    if whole:
        factor = numbers.power(number, whole)
        assert factor is not None
        p.coefficient = numbers.times(p.coefficient, factor)
        total = numbers.plus(total, -whole)
    if total != 0:
        p.powers[key] = total
    return True


def _open_sum(p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    """A number comes out of a sum, with its sign if the exponent is whole."""
    s = p.s
    if len(base.attr) == 1:
        c, inner = base.attr[0], base.args[0]
    elif base in s.opaque:
        return False
    else:
        c, inner = s.content(base)
    if c == 1:
        return False
    if numbers.is_whole(e):
        value = numbers.power(c, e)
        if value is None:
            return False
        p.coefficient = numbers.times(p.coefficient, value)
        stack.append((inner, axes, e))
        return True
    if abs(c) == 1 or isinstance(c, float):
        return False
    stack.append((const(abs(c)), (), e))
    stack.append((inner if c > 0 else s.negative(inner), axes, e))
    return True


def _open_product(p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    s = p.s
    if not s.openable(base, MOST_FACTORS - len(p.powers) - len(stack)):
        return False
    spec: Spec = base.attr
    if _sums(spec):
        if axes:  # opened at the end, unless it turns out to be squared or divided by
            p.sums[base, axes] = numbers.plus(p.sums.get((base, axes), 0), e)
        return bool(axes)
    if not numbers.is_whole(e):
        return _open_root_of_product(p, base, axes, e, stack)
    if not axes and not spec.factors[0] and not any(spec.factors):
        for arg in reversed(base.args):
            stack.append((arg, (), e))
        return True
    renamed = dict(zip(spec.out, axes, strict=True))
    for arg, inner in zip(base.args, spec.factors, strict=True):
        stack.append((arg, tuple([renamed[i] for i in inner]), e))
    return True


def _open_root_of_product(
    p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]
) -> bool:
    """Factors that are known to be positive (or all, if none is negative) come out of a root."""
    s = p.s
    spec: Spec = base.attr
    renamed = dict(zip(spec.out, axes, strict=True))
    moved = [tuple([renamed[i] for i in inner]) for inner in spec.factors]
    if len(base.args) == 1:
        stack.append((base.args[0], moved[0], e))
        return True
    known = NONNEGATIVE if e < 0 or s.is_nonnegative(base) else POSITIVE
    gone = [i for i, a in enumerate(base.args) if s.signs(a) & known == known]
    rest = [a for i, a in enumerate(base.args) if i not in gone]
    if known == NONNEGATIVE and e > 0 and not all(map(s.is_nonnegative, rest)):
        # sqrt(x**2 * y) is 0 at x = 0 whatever y is; abs(x)*sqrt(y) would not be.
        gone = [i for i in gone if s.is_positive(base.args[i])]
    if not gone:
        return False
    stack += [(base.args[i], moved[i], e) for i in gone]
    if rest:
        stack.append((s.replaced(s.view(base), gone), axes, e))
    return True


def _open_power(p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    s = p.s
    inner, exponent = base.args
    number = number_of(exponent)
    if number is None:
        if axes or inner.value_type.shape:
            return False
        if e == 1:
            p._put_symbolic(inner, axes, exponent, stack)
        elif numbers.is_whole(e) or s.is_positive(inner):
            p._put_symbolic(inner, axes, s.scale(e, exponent), stack)
        else:
            return False
        return True
    if numbers.is_whole(e) or not numbers.is_even(number):
        total = numbers.times(number, e)
        if s.strict and e != 1 and _defines_more(s, inner, number, e, total):
            return False
        p.smoother |= e != 1 and not (numbers.is_whole(number) and numbers.is_whole(e))
        stack.append((inner, axes, total))
        return True
    p.smoother = True
    stack.append((s.apply(ABS, inner), axes, numbers.times(number, e)))
    return True


def _defines_more(s: Session, base: Expr, inner: Number, outer: Number, total: Number) -> bool:
    nonzero = (inner < 0 or outer < 0) and total >= 0 and not s.is_nonzero(base)
    root = not (numbers.is_whole(inner) and numbers.is_whole(outer)) and numbers.is_whole(total)
    return nonzero or (root and not s.is_nonnegative(base))


def _open_exp(p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    p.exps.setdefault(axes, []).append((e, base.args[0]))
    return True


def _open_abs(p: _Collected, base: Expr, axes: Axes, e: Number, stack: list[Factor]) -> bool:
    if not numbers.is_even(e):
        return False
    if p.s.strict and e < 0:
        return False
    stack.append((base.args[0], axes, e))
    return True


_OPENERS: dict[Op, Opener] = {
    CONSTANT: _open_constant,
    LIN: _open_sum,
    EIN: _open_product,
    POW: _open_power,
    EXP: _open_exp,
    ABS: _open_abs,
}
