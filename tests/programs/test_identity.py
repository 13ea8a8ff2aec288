"""What is one thing and what is another: chosen at run time, passed twice, kept between calls, given back."""

from __future__ import annotations

import functools
import math
from collections import defaultdict, deque
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any  # Any: programs take and return whatever ordinary code does

import numpy as np
import pytest

import wengert as wg
from wengert.errors import CaptureError

Program = Callable[..., Any]


class Mode(Enum):
    OFF = 0
    LOW = 1
    HIGH = 2

    def gain(self):
        return 2.0 if self is Mode.LOW else 3.0


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Body:
    v: float


class Account:
    def __init__(self):
        self.total, self.entries = 0.0, []

    def add(self, x):
        self.total += x
        self.entries.append(x)
        return self.total, len(self.entries)


# --- chosen at run time -----------------------------------------------------------------------------------
def enum_compared(x):
    m = Mode.OFF
    if x > 1:
        m = Mode.LOW
    same = m is Mode.LOW, m == Mode.OFF, m != Mode.LOW, m in (Mode.LOW, Mode.HIGH), m is not None
    return (
        same,
        m,
        m.name,
        m.value,
        m.gain(),
        isinstance(m, Mode),
        {Mode.OFF: x, Mode.LOW: 2 * x}[m],
    )


def enum_machine(x):
    table = {
        (Mode.OFF, True): Mode.LOW, (Mode.OFF, False): Mode.OFF, (Mode.LOW, True): Mode.HIGH,
        (Mode.LOW, False): Mode.OFF, (Mode.HIGH, True): Mode.HIGH, (Mode.HIGH, False): Mode.LOW,
    }  # fmt: skip
    state, high = Mode.OFF, 0
    for k in range(9):
        state = table[(state, True)] if x * k % 3 > 1 else table[(state, False)]
        if state is Mode.HIGH:
            high += 1
    return state, high


def enum_as_a_number(x):
    n = Level.HIGH if x > 1 else Level.LOW
    return (
        n + 1,
        x * n,
        n < Level.HIGH,
        n == 2,
        [5.0, 6.0, 7.0][n],
        math.sqrt(n),
        np.ones(2) * n,
        -n,
    )


def enum_by_value(x):
    return Mode(int(x)), Level.HIGH * x


def text_chosen(x):
    m = "a" if x > 1 else "b"
    d = {}
    d[m] = x
    parts = [m, "c"]
    return "".join(parts), m.upper(), m + "d", len(m), d.get("a", 0.0), "a" in m


def element_picked(x):
    k = int(x)
    return (
        ["low", "mid", "high"][k],
        [Mode.OFF, Mode.LOW, Mode.HIGH][k],
        [(1, x), (2, 3.0), (3, 4.0)][k],
    )


def objects_chosen(x):
    a, b, f = np.ones(2), np.ones(2), math.sin if x > 1 else math.cos
    c = a if x > 1 else b
    p, q = [1.0], [1.0]
    r = p if x > 1 else q
    first, second = object(), object()
    s = first if x > 1 else second
    return c is a, c is b, f is math.sin, f == math.cos, r is p, r is not q, s is first, s == second


def instances_chosen(x):
    class Thing:
        pass

    p, q = Thing(), Thing()
    r = p if x > 1 else q
    return r is p, r == q, r in (p,), [p, q].index(r)


def best_of(x):
    bodies = [Body(x), Body(1.0), Body(0.2)]
    best = None
    for body in bodies:
        if best is None or body.v > best.v:
            best = body
    return best is bodies[0], best is bodies[1]


def element_of_sorted(x):
    records = [{"v": x}, {"v": 1.0}]
    ordered = sorted(records, key=lambda r: -r["v"])
    return ordered[0] is records[0]


def arrays_swapped(x):
    a, b = np.ones(3) * x, np.zeros(3)
    c = a
    for _ in range(5):
        a, b = b, a
    return c is a, c is b


def changed_where_there(x):
    body, items, table = Body(1.0), [1.0], {"a": 1.0}
    b = i = t = None
    if x > 1:
        b, i, t = body, items, table
    if b is not None:
        b.v = 5.0
        i.append(2.0)
        t["a"] = 7.0
    return body.v, items, table


def changed_where_found(x):
    body, found = Body(1.0), None
    for k in range(9):
        if x + k > 3:
            found = body
    found.v = 3.0
    return body.v


CHOSEN = [
    enum_compared, enum_machine, enum_as_a_number, enum_by_value, text_chosen, element_picked, objects_chosen,
    instances_chosen, best_of, element_of_sorted, arrays_swapped, changed_where_there, changed_where_found,
]  # fmt: skip


@pytest.mark.parametrize("function", CHOSEN, ids=[f.__name__ for f in CHOSEN])
def test_chosen_at_run_time(function: Program) -> None:
    captured = wg.jit(function)
    for x in (2.0, 0.5, 1.2):
        assert repr(captured(x)) == repr(function(x))


def numbers_by_identity(x):
    y = x if x > 1 else 3.0
    return y is x


def changes_one_of_two(x):
    p, q = Body(1.0), Body(2.0)
    r = p if x > 1 else q
    r.v = 9.0
    return p.v, q.v


def enum_or_number(x):
    return Mode.LOW if x > 1 else x


def run_time_key(x):
    a = np.array([3.0, x, 1.0])
    return dict(zip(a.argsort().tolist(), a, strict=True))


REFUSED = [numbers_by_identity, changes_one_of_two, enum_or_number, run_time_key]


@pytest.mark.parametrize("function", REFUSED, ids=[f.__name__ for f in REFUSED])
def test_refused(function: Program) -> None:
    with pytest.raises(CaptureError, match=r"test_identity\.py"):
        wg.jit(function)(2.0)


# --- kept between calls -----------------------------------------------------------------------------------
COUNT, TOTAL = 0, 0.0
SEEN: set[str] = set()
LAST: deque[float] = deque(maxlen=2)
SUMS: dict[str, float] = defaultdict(float)


def globals_counted(x):
    global COUNT, TOTAL
    COUNT += 1
    TOTAL = TOTAL + x
    SEEN.add("a" * len(SEEN))
    LAST.append(x)
    SUMS["q"] += x
    return x * COUNT, TOTAL, len(SEEN), LAST[0], SUMS["q"]


def defaults_kept(x, seen=[], counts={}):  # noqa: B006  that is what is tested
    seen.append(x)
    counts["n"] = counts.get("n", 0) + 1
    return len(seen), seen[0], counts["n"]


def attributes_kept(x):
    attributes_kept.calls = getattr(attributes_kept, "calls", 0) + 1
    if hasattr(attributes_kept, "last"):
        x = x + attributes_kept.last
    attributes_kept.last = x
    return x * attributes_kept.calls


def closure() -> Program:
    n, total = 0, 0.0

    def counter(x):
        nonlocal n, total
        n += 1
        total += x
        return x * n + total

    return counter


def reset() -> None:
    global COUNT, TOTAL
    COUNT, TOTAL = 0, 0.0
    for each in (SEEN, LAST, SUMS, *(defaults_kept.__defaults__ or ()), attributes_kept.__dict__):
        each.clear()


MAKERS: dict[str, Callable[[], Program]] = {
    "globals": lambda: globals_counted,
    "defaults": lambda: defaults_kept,
    "attributes": lambda: attributes_kept,
    "closure": closure,
    "method": lambda: Account().add,
    "partial": lambda: functools.partial(Account.add, Account()),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS.keys())
def test_kept_between_calls(make: Callable[[], Program]) -> None:
    inputs = (1.0, 2.0, 0.5, 3.0)
    reset()
    plain = make()
    want = [plain(x) for x in inputs]
    reset()
    captured = wg.jit(make())
    assert [captured(x) for x in inputs] == want


def test_attributes_of_the_owner_of_a_method_are_read_again() -> None:
    class Model:
        def __init__(self):
            self.w = 2.0

        def f(self, x):
            return self.w * x * x

    model = Model()
    slope = wg.grad(model.f)
    assert slope(1.0) == 4.0
    model.w = 5.0
    assert slope(1.0) == 10.0


# --- passed twice, and given back -------------------------------------------------------------------------
def writes_both(a, b):
    a += 1
    b[0] += a[-1]
    return a.sum() + 2 * b.sum()


@pytest.mark.parametrize("size", [6, 12])
def test_arrays_that_share_memory_are_refused_where_one_is_changed(size: int) -> None:
    captured = wg.jit(writes_both)
    x = np.arange(float(size))
    want = writes_both(x.copy(), x.copy())
    assert captured(x.copy(), x.copy()) == want
    for a, b in ((x[:4], x[2:6]), (x[::-1], x), (x[3:6], x)):
        with pytest.raises(CaptureError, match="shares memory"):
            captured(a, b)
    assert np.array_equal(x, np.arange(float(size)))
    y = x.copy()
    assert captured(x[::2], x[1::2]) == writes_both(y[::2], y[1::2])
    assert np.array_equal(x, y)
    reading = wg.jit(lambda a, b: (a * b).sum())
    assert reading(x[:4], x[1:5]) == (x[:4] * x[1:5]).sum()


def test_one_list_passed_twice_is_one() -> None:
    def f(p, q):
        p.append(1.0)
        q[0] = 7.0
        return p[0], len(q), p is q

    captured = wg.jit(f)
    one, two = [1.0, 2.0], [1.0, 2.0]
    assert captured(one, one) == (7.0, 3, True)
    assert one == [7.0, 2.0, 1.0]
    assert captured(one, two) == (7.0, 2, False)


def test_what_is_the_callers_is_given_back_itself() -> None:
    def f(p, x):
        p["h"].append(2.0)
        p["n"] = p["h"]
        x[0] = 7.0
        return x, p, p["h"]

    captured = wg.jit(f)
    for _ in range(2):
        held = [1.0]
        p, x = {"h": held}, np.ones(3)
        found = captured(p, x)
        assert found[0] is x
        assert found[1] is p
        assert found[2] is held
        assert p["n"] is held
        assert held == [1.0, 2.0]
        assert x[0] == 7.0


def test_objects_of_the_program_are_made_anew() -> None:
    def f(x):
        account = Account()
        account.add(x)
        return account, deque([x, 1.0], 2)

    captured = wg.jit(f)
    (first, pair), (second, _) = captured(2.0), captured(3.0)
    assert (first.total, first.entries, second.total) == (2.0, [2.0], 3.0)
    assert pair == deque([2.0, 1.0], 2)


def test_changes_before_an_error_are_kept() -> None:
    def f(x, seen):
        x[0] = 100.0
        seen.append(1.0)
        for k in range(1, len(x)):
            if x[k] < 0:
                raise ValueError("negative")
            x[k] = 0.0
        return x.sum()

    captured = wg.jit(f)
    for start in (np.arange(5.0), np.array([1.0, 2.0, -1.0, 3.0]), np.arange(12.0) - 3):
        want, x = deepcopy(start), deepcopy(start)
        seen: list[list[float]] = [[], []]
        errors = []
        for function, array, log in ((f, want, seen[0]), (captured, x, seen[1])):
            try:
                errors.append(function(array, log))
            except ValueError as error:
                errors.append(str(error))
        assert errors[0] == errors[1]
        assert np.array_equal(x, want)
        assert seen[0] == seen[1]
