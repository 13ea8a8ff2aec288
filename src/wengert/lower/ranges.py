"""Where counters run, and so which places are certainly inside of an array."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from wengert.ir.node import Expr
from wengert.lower.nest import READ
from wengert.ops.choice import MAXIMUM
from wengert.ops.leaves import CONSTANT, SIZE, const
from wengert.ops.sums import LIN, add, scale

__all__ = ["Ranges"]

# A sum of integers: what is multiplied, by how much; the number alone stands under None.
Linear = dict[Expr | None, int]


class Ranges:
    """What counters are below; each is at least zero."""

    def __init__(self) -> None:
        self.trips: dict[Expr, Linear] = {}

    def below(self, counter: Expr, trip: Expr | None) -> None:
        """A counter is below a trip count, if there is one."""
        found = None if trip is None else _linear(trip)
        self.trips[counter] = {} if found is None else found

    def inside(self, place: Expr, extent: Expr) -> bool:
        """Whether 0 <= place < extent for certain.

        A counter is between 0 and its trip count less one; counters that trip counts of others mention are
        replaced after these. Trip counts of loops that run are positive, so that bounds are attained.
        """
        if place.op is READ and place.attr.buffer.role == "table" and isinstance(extent.attr, int):
            known = np.asarray(place.attr.buffer.table)
            return bool(known.size and known.min() >= 0 and known.max() < extent.attr)
        low, room = _linear(place), _linear(extent)
        if low is None or room is None:
            return False
        high = _plus(room, low, -1)  # what is left between the place and the end
        return self._least(low) >= 0 and self._least(high) > 0

    def most(self, value: Expr) -> Expr | None:
        """A bound of a number from above in terms of sizes; ``None`` if there is none in sight.

        It is never negative, even where the number would be.
        """
        while value.op is MAXIMUM and _is_at_most_zero(value.args):
            (value,) = [a for a in value.args if a.op is not CONSTANT]
        form = _linear(value)
        while form is not None:
            counters = [a for a in form if a is not None and a in self.trips]
            if not counters:
                break
            counter = max(counters, key=lambda node: node.serial)
            coefficient = form.pop(counter)
            if coefficient > 0:
                trip = self.trips[counter]
                if not trip:
                    return None
                form = _plus(form, {**trip, None: trip.get(None, 0) - 1}, coefficient)
        if form is None:
            return None
        if any(atom.op is not SIZE or c < 0 for atom, c in form.items() if atom is not None):
            return None
        terms = [scale(c, atom) for atom, c in form.items() if atom is not None and c]
        number = max(form.get(None, 0), 0)
        if number or not terms:
            terms.append(const(number))
        return reduce(add, terms)

    def _least(self, form: Linear) -> float:
        """The least value of a form, as far as it can be told."""
        form = dict(form)
        while True:
            counters = [a for a in form if a is not None and a in self.trips]
            if not counters:
                break
            # Counters of inner loops are younger; their trip counts mention those of outer ones.
            counter = max(counters, key=lambda node: node.serial)
            coefficient = form.pop(counter)
            if coefficient < 0:
                trip = self.trips[counter]
                if not trip:
                    return float("-inf")
                form = _plus(form, {**trip, None: trip.get(None, 0) - 1}, coefficient)
        form = {atom: c for atom, c in form.items() if c}
        if any(atom is not None for atom in form):
            return float("-inf")
        return form.get(None, 0)


def _is_at_most_zero(values: Sequence[Expr]) -> bool:
    """Whether one of two values is a number that is no more than zero."""
    numbers = [a.attr for a in values if a.op is CONSTANT]
    return len(numbers) == 1 and numbers[0] <= 0


def _plus(a: Linear, b: Linear, times: int) -> Linear:
    found = dict(a)
    for atom, coefficient in b.items():
        found[atom] = found.get(atom, 0) + times * coefficient
    return {atom: c for atom, c in found.items() if c or atom is None}


def _linear(node: Expr) -> Linear | None:
    """An integer as a sum; ``None`` if it holds other numbers than integers."""
    found: Linear = {}
    todo = [(1, node)]
    while todo:
        times, top = todo.pop()
        if top.op is CONSTANT:
            if not isinstance(top.attr, int):
                return None
            found = _plus(found, {None: int(top.attr)}, times)
        elif top.op is not LIN:
            found = _plus(found, {top: 1}, times)
        elif any(type(c) is not int for c in top.attr):
            return None
        else:
            todo += [(times * c, term) for c, term in zip(top.attr, top.args, strict=True)]
    return found
