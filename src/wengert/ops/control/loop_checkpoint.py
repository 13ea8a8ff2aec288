"""The adjoint of a loop that keeps only a few copies of its carried values.

The iterations are halved again and again, by a recursive function in the graph: run the first part, let
the second part be reversed from there, then reverse the first part. Where to cut is the binomial schedule of
Griewank (1992), which reverses C(s + r, s) iterations with ``s`` copies while no iteration runs more than
``r`` times over. The number of iterations of a ``while`` is counted beforehand by the loop itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wengert.ir.node import Expr
from wengert.ir.types import INT
from wengert.ir.walk import leaves, substitute
from wengert.ops.algebra import lift
from wengert.ops.choice import gt, le, lt, maximum, minimum, where
from wengert.ops.control.call import as_dtype
from wengert.ops.control.cond import joined_cond
from wengert.ops.control.item import items
from wengert.ops.control.loop_open import OpenLoop
from wengert.ops.control.looped import COUNTER, Looped, closed_loop
from wengert.ops.control.recursion import Recursion
from wengert.ops.control.regions import unbound
from wengert.ops.extents import as_dim
from wengert.ops.gathering import set_at, take
from wengert.ops.leaves import const, fresh, size

__all__ = ["Step", "reversed_by_parts"]


class Step(NamedTuple):
    """One iteration backwards, in symbols of the loop: what is passed on, and rows that it gives."""

    seeds: list[Expr]  # what the iteration after it passes on
    outputs: list[Expr]  # what it passes on itself
    given: list[tuple[Expr, Expr]]  # symbols and arrays of which it reads its row
    rows: list[Expr]  # what it stacks


def reversed_by_parts(
    loop: OpenLoop, step: Step, trip: Expr, starts: Sequence[Expr], stacks: Sequence[Expr]
) -> tuple[Expr, ...]:
    """What the first iteration passes on, and the stacked rows; ``stacks`` are arrays of zeros for them."""
    kept = _carries(loop, [*step.outputs, *step.rows])
    states = [as_dtype(loop.inits[i], loop.carried[i].value_type.dtype) for i in kept]
    passed = [
        as_dtype(start, seed.value_type.dtype)
        for start, seed in zip(starts, step.seeds, strict=True)
    ]
    filled = [
        as_dtype(stack, row.value_type.dtype) for stack, row in zip(stacks, step.rows, strict=True)
    ]
    counts = unbound([INT] * 3, "part")
    state = unbound((s.value_type for s in states), "state")
    moving = unbound((p.value_type for p in (*passed, *filled)), "ct")
    whole = _Whole(loop, step, kept, trip)
    part = Recursion("reverse", (*counts, *state, *moving), [m.value_type for m in moving])
    once = whole.backward(counts[0], state, moving)
    split = whole.split(part, counts, state, moving)
    outputs = items(joined_cond(le(counts[1], 1), once, split))
    function = part.closed(outputs)
    length = as_dtype(lift(trip), "int64")
    snapshots = loop.attr.checkpoint or _enough(length)
    numbers = (const(0), length, lift(snapshots))
    call = function(*(as_dtype(c, "int64") for c in numbers), *states, *passed, *filled)
    empty = [*passed, *filled]
    return items(joined_cond(gt(trip, 0), items(call), empty, None, {length, *states, *empty}))


class _Whole(NamedTuple):
    """The loop by iterations, numbered as they run."""

    loop: OpenLoop
    step: Step
    kept: list[int]
    trip: Expr

    def inside(
        self, outputs: Sequence[Expr], number: Expr, state: Sequence[Expr], more: dict[Expr, Expr]
    ) -> list[Expr]:
        """Outputs of the body for an iteration, by its number and the carried values before it."""
        loop = self.loop
        k = number if not loop.attr.backward else self.trip - 1 - number
        change = dict(zip((loop.carried[i] for i in self.kept), state, strict=True))
        change |= dict(zip(loop.captured, loop.captures, strict=True))
        change |= {s: take(a, k) for s, a in zip(loop.slices, loop.arrays, strict=True)}
        return substitute(outputs, {**change, **more, loop.k: k})

    def forward(self, start: Expr, count: Expr, state: Sequence[Expr]) -> list[Expr]:
        """The carried values after some iterations."""
        k = fresh(COUNTER, "k")
        symbols = unbound((s.value_type for s in state), "b")
        wanted = [self.loop.outputs[i] for i in self.kept]
        outputs = self.inside(wanted, _plain(start) + k, symbols, {})
        carries = list(zip(symbols, state, strict=True))
        return list(items(closed_loop(Looped(k=k, carries=carries, outputs=outputs, trip=count))))

    def backward(self, start: Expr, state: Sequence[Expr], moving: Sequence[Expr]) -> list[Expr]:
        """A single iteration backwards."""
        step, loop, number = self.step, self.loop, _plain(start)
        k = number if not loop.attr.backward else self.trip - 1 - number
        count = len(step.seeds)
        more = dict(zip(step.seeds, moving[:count], strict=True))
        more |= {symbol: take(array, k) for symbol, array in step.given}
        found = self.inside([*step.outputs, *step.rows], number, state, more)
        stacked = [
            set_at(stack, row, k) for stack, row in zip(moving[count:], found[count:], strict=True)
        ]
        pairs = zip([*found[:count], *stacked], moving, strict=True)
        return [as_dtype(node, m.value_type.dtype) for node, m in pairs]

    def split(
        self,
        part: Recursion,
        counts: Sequence[Expr],
        state: Sequence[Expr],
        moving: Sequence[Expr],
    ) -> list[Expr]:
        """Several iterations backwards: the later ones, then the earlier ones."""
        start, length, snapshots = counts
        first = _cut(length, snapshots)
        middle = self.forward(start, first, state)
        later = part.again(start + first, length - first, snapshots - 1, *middle, *moving)
        return list(part.again(start, first, snapshots, *state, *later))


def _carries(loop: OpenLoop, outputs: Sequence[Expr]) -> list[int]:
    """The carried values that an iteration backwards needs, and those that give them."""
    place = {s: i for i, s in enumerate(loop.carried)}
    kept: set[int] = set()
    while True:
        used = leaves([*outputs, *(loop.outputs[i] for i in kept)])
        more = {place[s] for s in used if s in place} - kept
        if not more:
            return sorted(kept)
        kept |= more


def _plain(number: Expr) -> Expr:
    """An integer as a Python number, which takes on the precision of what it meets."""
    return size(as_dim(number) + 1) - 1


# --- the schedule ------------------------------------------------------------------------------------------
def _counted(
    test: Callable[..., Expr], step: Callable[..., Sequence[Expr]], count: int
) -> tuple[Expr, ...]:
    """Integers that go on from 1 while a test holds."""
    symbols = unbound([INT] * count, "i")
    go = fresh(lt(symbols[0], 1).value_type, "go")
    after = [as_dtype(node, "int64") for node in step(*symbols)]
    one = as_dtype(const(1), "int64")
    node = closed_loop(
        Looped(
            k=fresh(COUNTER, "k"),
            carries=[(go, test(*[one] * count)), *((s, one) for s in symbols)],
            outputs=[test(*after), *after],
            go=True,
        )
    )
    return items(node)[1:]


def _cut(length: Expr, snapshots: Expr) -> Expr:
    """How many of some iterations come before the next copy: C(s + r - 1, s), where C(s + r, s) suffices."""
    copies = maximum(snapshots, 1)
    _, _, before = _counted(
        lambda c, r, before: lt(c, length),
        lambda c, r, before: (c * (copies + r) // r, r + 1, c),
        3,
    )
    most = length - 1
    return where(gt(snapshots, 0), maximum(minimum(before, most), 1), most)


def _enough(length: Expr) -> Expr:
    """So many copies that no iteration runs more than three times over: C(s + 3, 3) suffices."""
    copies, _ = _counted(
        lambda s, c: lt(c, length),
        lambda s, c: (s + 1, (s + 2) * (s + 3) * (s + 4) // 6),
        2,
    )
    return copies
