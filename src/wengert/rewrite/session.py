"""One run of the rewriter: what it remembers, and the constructors by which rules write their results.

Everything here works on *normal forms*: a sum is one LIN of any number of terms, a product one EIN of any
number of powers, quotients and roots are powers, and numbers are coefficients of sums. They are ordinary
nodes that evaluate as they stand; ``build`` turns them into the binary nodes that people write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wengert.ir.dims import Extent
from wengert.ir.facts import NONNEGATIVE, NONZERO, POSITIVE
from wengert.ir.known import is_symmetric
from wengert.ir.node import Expr, intern, make
from wengert.ir.op import Op, lookup
from wengert.ir.types import FLOAT
from wengert.ops.einstein import EIN, ones
from wengert.ops.leaves import ONE, Number, const, number_of
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.collect import Collected
from wengert.rewrite.keys import Key, order_key
from wengert.rewrite.signs import sign_bits
from wengert.rewrite.views import NOWHERE, Axes, Exponent, Factor, View, is_unit, viewed

__all__ = ["Session"]

_VARIABLES = "xyzwuvts"


class Session:
    """The memory of one run, and the constructors of normal forms.

    ``settle`` applies the rules to a node in normal form; every constructor ends with it. ``opaque``
    holds the nodes that sums and products must not look into, because others share them. With ``strict``
    nothing is done that makes the expression defined where it was not.
    """

    __slots__ = (
        "_contents", "_fresh", "_keys", "_signs", "_views", "built", "depth", "fired", "level", "moves",
        "opaque", "scratch", "settle", "settled", "smoothed", "stable", "strict", "tokens", "untouched",
    )  # fmt: skip

    def __init__(
        self,
        *,
        level: int = 2,
        strict: bool = False,
        stable: bool = False,
        moves: int = 12_000,
    ) -> None:
        self.level, self.strict, self.stable, self.moves = level, strict, stable, moves
        self.settle: Callable[[Expr], Expr] = lambda node: node
        self.opaque: set[Expr] = set()
        self.settled: dict[Expr, Expr] = {}
        self.untouched: set[Expr] = set()  # what depends on infinite or undefined constants
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

    # --- asking ----------------------------------------------------------------------------------------
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
            view = self._views[node] = viewed(node)
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

        So ``a - b`` and ``b - a`` are the same but for a sign, in the direction that people prefer: ``x -
        1``, ``x - mu``, ``A @ x - b``.
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
                is_unit(term),
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

    # --- sums ------------------------------------------------------------------------------------------
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
        return not self.may_vanish(term)

    def may_vanish(self, node: Expr) -> bool:
        """Whether a result need not depend on the node: strictly, only if it is defined everywhere."""
        return not self.strict or self.is_total(node)

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

    # --- products --------------------------------------------------------------------------------------
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
        extents = {a: view.extents[a] for a in view.out} if view.out else NOWHERE
        return self.product([*factors, *new], view.out, extents, c)

    def fresh_axis(self) -> int:
        """An axis that nobody else has."""
        self._fresh += 1
        return self._fresh

    def product(
        self,
        factors: Iterable[Factor],
        out: Axes = (),
        extents: Mapping[int, Extent] = NOWHERE,
        coefficient: Number = 1,
    ) -> Expr:
        """The product of powers over the axes ``out``, summed over all others, in normal form.

        Raises:
            ZeroDivisionError, OverflowError: the numbers in it have no finite product.
        """
        collected = Collected(self, coefficient, extents, out)
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

    # --- functions -------------------------------------------------------------------------------------
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
                return bool(node.attr[0] < 0)
            return node not in self.opaque and bool(self.content(node)[0] < 0)
        number = number_of(node) if not node.args else None
        return number is not None and number < 0

    def openable(self, node: Expr, room: int) -> bool:
        """Whether a product may look into a factor that is a product."""
        return node not in self.opaque and (len(node.args) <= room or len(node.args) == 1)


def _has_float(*values: Number) -> bool:
    return any(v.__class__ is float for v in values)
