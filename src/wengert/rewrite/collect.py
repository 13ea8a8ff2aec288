"""Putting a product together: what becomes of its factors in normal form.

Factors that are themselves products, powers, scaled or exponentials are looked into; powers of one base
merge, identity matrices are contracted, parts that share no axis with the rest become scalar factors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from wengert.ir.dims import Extent
from wengert.ir.facts import NONNEGATIVE, POSITIVE
from wengert.ir.node import Expr, intern
from wengert.ir.types import FLOAT, promote
from wengert.ops.einstein import EIN, EYE, Spec, ein
from wengert.ops.leaves import ONE, Number, e_const, number_of, size
from wengert.ops.powers import POW
from wengert.ops.sums import LIN
from wengert.rewrite import numbers
from wengert.rewrite.openers import OPENERS
from wengert.rewrite.views import Axes, Exponent, Factor
from wengert.rewrite.vocabulary import EXP

if TYPE_CHECKING:
    from wengert.rewrite.session import Session

__all__ = ["Collected"]


class Collected:
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
                    self.put_symbolic(base, axes, exponent, stack)
                    continue
                exponent = number
            if axes:
                self.extents.update(zip(axes, base.value_type.shape, strict=True))
            if exponent == 0:
                continue
            opener = OPENERS.get(base.op)
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
            if self.s.strict and not (self.s.is_positive(base) and self.s.is_total(base)):
                self._put_apart(base, axes, exponent)
                return
            total = self.s.sum([_as_term(known), _as_term(exponent)], ONE)
            number = number_of(total)
            self.powers[key] = total if number is None else number
        elif self.s.strict and self._loses(base, known, exponent):
            self._put_apart(base, axes, exponent)
        else:
            self.smoother |= (known < 0) != (exponent < 0) or not numbers.is_whole(exponent)
            self.powers[key] = numbers.plus(known, exponent)

    def _put_apart(self, base: Expr, axes: Axes, exponent: Exponent) -> None:
        """A power that must not merge with another one of its base."""
        if exponent == 1:  # the base itself stands for it; the other power is the one to set apart
            exponent, self.powers[base, axes] = self.powers[base, axes], 1
        key = self.s.powered(base, exponent), axes
        self.powers[key] = numbers.plus(self.powers.get(key, 0), 1)  # type: ignore[arg-type]

    def _oriented(self, base: Expr, axes: Axes, exponent: Exponent) -> tuple[Expr, Axes]:
        """One of a matrix and its transpose: of sums the one with fewer ``.T``."""
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
        vanishes = total == 0 and not self.s.is_total(base)
        return nonzero or positive or vanishes

    def put_symbolic(self, base: Expr, axes: Axes, exponent: Expr, stack: list[Factor]) -> None:
        s = self.s
        least = POSITIVE if s.strict else NONNEGATIVE
        if base is e_const:
            stack.append((s.apply(EXP, exponent), axes, 1))
        elif base.op is EXP:
            stack.append((s.apply(EXP, s.times(exponent, base.args[0])), axes, 1))
        elif base.op is POW and s.signs(base.args[0]) & least == least:
            inner, power = base.args
            stack.append((inner, axes, s.times(power, exponent)))
        elif base is ONE:
            return
        else:
            self.put(base, axes, exponent)

    # --- putting together ------------------------------------------------------------------------------
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
        if len(powers) > 1:
            self._merge_opposites()
            powers = self.powers
        if self.out or any(axes for _, axes in powers):
            return self._finish_tensor()
        if self.extents:
            self._vanished(set())
        return self._scaled(self._scalar_node([(b, e) for (b, _), e in powers.items()]))

    def _merge_opposites(self) -> None:
        """A whole power of ``b - a`` joins the root of ``a - b``, whose sign cannot be turned."""
        for (base, axes), e in list(self.powers.items()):
            if base.op is not LIN or isinstance(e, Expr) or numbers.is_whole(e):
                continue
            if base in self.s.opaque or len(base.args) == 1:
                continue
            sign, opposite = self.s.content(base)
            other = self.powers.get((opposite, axes))
            if sign != -1 or other is None or isinstance(other, Expr):
                continue
            if numbers.is_whole(other) and not (self.s.strict and self._loses(base, other, e)):
                del self.powers[opposite, axes]
                self.powers[base, axes] = numbers.plus(e, other)
                if other % 2:
                    self.coefficient = -self.coefficient

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
            if gone == kept:
                pass  # its diagonal is 1
            elif gone in self.out:
                factors.append((identity[0], (kept, gone), 1))
            else:
                del self.extents[gone]
            self.powers = {}
            for base, axes, e in factors:
                self.put(base, axes, e)

    def _next_renaming(self) -> tuple[tuple[Expr, Axes], int, int] | None:
        for (base, axes), e in self.powers.items():
            if base.op is not EYE or isinstance(e, Expr) or e < 0:
                continue  # 1/eye(n) is infinite beside the diagonal
            i, j = axes
            if i == j:
                return (base, axes), i, i
            if j not in self.out:
                return (base, axes), j, i
            if i not in self.out:
                return (base, axes), i, j
            low, high = (i, j) if i < j else (j, i)
            others = [k for k in self.powers if k != (base, axes)]
            if any(high in ls for _, ls in others) or e != 1:
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


@cache
def _scalars(count: int) -> Spec:
    return Spec(((),) * count, ())
