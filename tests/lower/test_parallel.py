"""Loops that may run in any order, and such that may not."""

from __future__ import annotations

from wengert.lower.nest import Block, Buffer, For, Store, read, variable
from wengert.lower.parallel import is_own
from wengert.lower.values import COUNTER
from wengert.ops.leaves import const

ROWS = Buffer("t", "float64", (2, 3))


def test_what_is_filled_first() -> None:
    i, j, k = (variable(COUNTER, name) for name in "ijk")

    def loop(*statements: object) -> For:
        return For(k, const(5), Block(list(statements)))  # type: ignore[arg-type]

    def each(body: Block) -> For:
        return For(i, const(2), body)

    filled = For(j, const(3), Block([Store(ROWS, (i, j), const(0.0))]))
    uses = Store(ROWS, (i, const(1)), read(ROWS, (i, const(2))))
    assert is_own(ROWS, loop(each(Block([filled, uses]))))
    # A row that is used before it is filled, or another one, is of the iteration before.
    assert not is_own(ROWS, loop(each(Block([uses, filled]))))
    other = Store(ROWS, (i, const(1)), read(ROWS, (const(1), const(2))))
    assert not is_own(ROWS, loop(each(Block([filled, other]))))
    shorter = For(j, const(2), Block([Store(ROWS, (i, j), const(0.0))]))
    assert not is_own(ROWS, loop(each(Block([shorter]))))
    # A loop that may run no time fills nothing.
    some = variable(COUNTER, "n")
    again = For(some, variable(COUNTER, "m"), Block([each(Block([filled]))]))
    assert is_own(ROWS, loop(again))
    assert not is_own(ROWS, loop(again, each(Block([uses]))))


def test_elements_that_are_filled_one_by_one() -> None:
    three = Buffer("t", "float64", (3,))
    k = variable(COUNTER, "k")
    stores = [Store(three, (const(n),), const(float(n))) for n in range(3)]
    reads_early = Store(three, (const(2),), read(three, (const(0),)))
    assert is_own(three, For(k, const(4), Block([*stores])))
    assert not is_own(three, For(k, const(4), Block(stores[:2])))
    assert not is_own(three, For(k, const(4), Block([*stores[:2], reads_early])))
