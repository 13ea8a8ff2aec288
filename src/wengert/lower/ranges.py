"""Where counters run, and so which places are certainly inside of an array."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from wengert.ir.dims import Dim
from wengert.ir.node import Expr
from wengert.ir.walk import order
from wengert.lower.changes import bottom_up
from wengert.lower.nest import READ
from wengert.ops.choice import ABS, FLOORDIV, MAXIMUM, MINIMUM
from wengert.ops.einstein import EIN
from wengert.ops.layout import CAST
from wengert.ops.leaves import CONSTANT, SIZE, const, machine_number
from wengert.ops.sums import LIN, add, scale

__all__ = ["Ranges"]

LARGEST_SIZE = 2**31 - 1
"""Sizes of arguments are no larger, or else machine code does not take them."""

Interval = tuple[float, float]
_ANY = (-math.inf, math.inf)
_SAFE = 9.1e18  # integers below have not run over

# A sum of integers: what is multiplied, by how much; the number alone stands under None.
Linear = dict[Expr | None, int]


class Ranges:
    """What counters are below; each is at least zero."""

    def __init__(self) -> None:
        self.trips: dict[Expr, Linear] = {}

    def below(self, counter: Expr, trip: Expr | None) -> None:
        """A counter is below a trip count, if there is one; below a number if that bounds it."""
        if trip is not None and trip.op is MINIMUM:
            trip = next((a for a in trip.args if a.op is CONSTANT), trip)
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

    def differ(self, one: Expr, other: Expr, moving: set[Expr]) -> bool:
        """Whether two places are different for certain; ``moving`` have other values in each of them."""
        a, b = _linear(one), _linear(other)
        if a is None or b is None or any(atom in moving and atom in b for atom in a):
            return False
        if any(any(n.op is READ for n in order([atom])) for atom in {*a, *b} if atom is not None):
            return False
        return self._least(_plus(a, b, -1)) > 0 or self._least(_plus(b, a, -1)) > 0

    def holds(self, condition: Expr) -> bool:
        """Whether a comparison of numbers is certainly true; sizes are below `LARGEST_SIZE`."""
        if condition.op.name not in ("lt", "le"):
            return False
        known: dict[Expr, Interval] = {}
        (_, high), (low, _) = (self._interval(a, known) for a in condition.args)
        return high < low or (condition.op.name == "le" and high == low)

    def _interval(self, node: Expr, known: dict[Expr, Interval]) -> Interval:
        """Between which numbers a number is."""
        bottom_up(
            [node], known.__contains__, lambda n: known.__setitem__(n, self._bounds(n, known))
        )
        return known[node]

    def _bounds(self, node: Expr, known: dict[Expr, Interval]) -> Interval:
        args = [known[a] for a in node.args]
        if node.op is CONSTANT and not node.ndim:
            number = float(machine_number(node.attr))
            found = (number, number)
        elif node.op is SIZE:
            found = (
                (0.0, float(LARGEST_SIZE))
                if isinstance(node.attr, Dim) and node.attr is Dim.named(str(node.attr))
                else _ANY
            )
        elif node in self.trips:
            most = self._least_bound(self.trips[node], known)
            found = (0.0, max(most - 1, 0.0))
        elif node.op is LIN:
            found = _sum(zip(node.attr, args, strict=True))
        elif node.op is EIN and not node.ndim and len(args) == 2:
            ends = [a * b if a and b else 0.0 for a in args[0] for b in args[1]]
            found = (min(ends), max(ends))
        elif node.op is CAST and node.value_type.dtype in ("float64", "int64"):
            found = args[0]
        elif node.op is ABS:
            low, high = args[0]
            found = (max(low, -high, 0.0), max(-low, high))
        elif node.op is FLOORDIV and args[1][0] == args[1][1] > 0:
            found = (args[0][0] // args[1][0], args[0][1] // args[1][0])
        else:
            found = _ANY
        if not (found[0] >= -_SAFE and found[1] <= _SAFE):
            return _ANY  # it may have run over
        return found

    def _least_bound(self, trip: Linear, known: dict[Expr, Interval]) -> float:
        """A bound of a trip count from above."""
        if not trip:
            return math.inf
        terms = [
            (c, (1.0, 1.0) if atom is None else self._interval(atom, known))
            for atom, c in trip.items()
        ]
        return _sum(terms)[1]

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

    def sizes_for(self, value: Expr) -> int | None:
        """What all sizes have to be at least for an integer to be certainly no less than zero.

        ``None`` if that is up to other things than counters and sizes.
        """
        form = _linear(value)
        lowest = None if form is None else self._lowest(form)
        if lowest is None or not all(a is None or a.op is SIZE for a in lowest):
            return None
        number = lowest.pop(None, 0)
        if any(c < 0 for c in lowest.values()):
            return None
        steps = sum(lowest.values())
        if not steps:
            return 0 if number >= 0 else None
        return max(0, -(number // steps))

    def _least(self, form: Linear) -> float:
        """The least value of a form, as far as it can be told."""
        lowest = self._lowest(form)
        if lowest is None or any(atom is not None for atom in lowest):
            return float("-inf")
        return lowest.get(None, 0)

    def _lowest(self, form: Linear) -> Linear | None:
        """The form with counters where they make it least; ``None`` if one has no bound."""
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
                    return None
                form = _plus(form, {**trip, None: trip.get(None, 0) - 1}, coefficient)
        return {atom: c for atom, c in form.items() if c}


def _sum(terms: Iterable[tuple[Any, Interval]]) -> Interval:  # Any: int, Fraction or float
    low = high = 0.0
    for coefficient, (least, most) in terms:
        c = float(coefficient)
        ends = (c * least, c * most)
        low, high = low + min(ends), high + max(ends)
    return low, high


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
