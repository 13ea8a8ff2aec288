"""What is one thing and what is another: chosen at run time, passed twice, kept between calls, given back."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import math
from collections import defaultdict, deque
from collections.abc import Callable
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


def object_as_a_key(x):
    p, q = Account(), Account()
    table = {p: x, q: 2 * x}
    return table[p if x > 1 else q]


def hash_of_a_number(x):
    return {Key(x): 1.0}[Key(x)]


@dataclass(frozen=True)
class Key:
    a: float


REFUSED = [
    numbers_by_identity, changes_one_of_two, enum_or_number, run_time_key, object_as_a_key, hash_of_a_number,
]  # fmt: skip


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
        want, x = start.copy(), start.copy()
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


def test_a_list_of_the_callers_grows_in_a_loop() -> None:
    def f(seen, x):
        for k in range(len(x)):
            seen.append(x[k])

    held = [0.5]
    wg.jit(f)(held, np.arange(6.0))
    assert held == [0.5, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


# --- there under a condition ------------------------------------------------------------------------------
def keys_on_one_path(x):
    d = {"a": x}
    if x > 1:
        d["b"] = 2 * x
    if x > 1.5:
        d.pop("a")
    total = 0.0
    for k in d:
        total += d[k] if k == "a" else 10 * d[k]
    for k, v in d.items():
        total += v if k == "a" else -v
    other = {"b": 100.0}
    other.update(d)
    return len(d), total, bool(d), other["b"], len(list(d)), sum(d.values()), "a" in d


def keys_in_a_loop(x):
    d = {}
    for k in range(12):
        if x * k > 3:
            d[k] = x
    return len(d), sum(d.values())


def first_of_a_generator(x):
    return next((k for k in range(9) if x * k > 3), None), next(
        (v for v in [x, 1.0] if v > 0.8), -1.0
    )


def kinds_of_a_number(x):
    v = 1 if x > 1 else 1.5
    return isinstance(v, (int, float)), isinstance(v, str)


def shown(x):
    return repr(Body(x)), f"{x!r} {Body(x)}", str([x, {"a": x}])


def caught_index(x):
    y = np.arange(9.0) * x
    try:
        return y[11]
    except IndexError:
        return -1.0


CONDITIONAL = [
    keys_on_one_path,
    keys_in_a_loop,
    first_of_a_generator,
    kinds_of_a_number,
    shown,
    caught_index,
]


@pytest.mark.parametrize("function", CONDITIONAL, ids=[f.__name__ for f in CONDITIONAL])
def test_there_under_a_condition(function: Program) -> None:
    captured = wg.jit(function)
    for x in (2.0, 0.6, 1.2):
        assert captured(x) == function(x)


def type_of_a_number(x):
    v = 1 if x > 1 else 1.5
    return type(v) is int


def generator_used_again(x):
    g = (k for k in range(9) if x * k > 3)
    return next(g) + next(g)


@pytest.mark.parametrize("function", [type_of_a_number, generator_used_again])
def test_refused_under_a_condition(function: Program) -> None:
    with pytest.raises(CaptureError, match=r"test_identity\.py"):
        wg.jit(function)(2.0)


def test_a_number_in_the_message_of_an_error() -> None:
    def f(x):
        for k in range(len(x)):
            if x[k] < -5:
                raise IndexError(k)
        return x.sum()

    with pytest.raises(IndexError) as caught:
        wg.jit(f)(-np.arange(12.0))
    assert str(caught.value) == "6"


@pytest.mark.filterwarnings("ignore:.*except clause")
def test_an_index_is_caught_for_arrays_of_every_size() -> None:
    def f(x):
        try:
            return x[11]
        except IndexError:
            return -1.0

    captured = wg.jit(f)
    assert [captured(np.arange(float(n))) for n in (9, 12, 4, 13, 11)] == [
        -1.0,
        11.0,
        -1.0,
        11.0,
        -1.0,
    ]


def array_on_either_path(x):
    v, a, b = np.ones(3) * x, None, None
    if x > 1:
        a = v
    else:
        b = v
    return a if a is not None else b


def early_none(x):
    if x < 1:
        return None
    for k in range(8):
        if x * k > 3:
            break
    return x, k


def matched(x):
    shape = ("circle", x) if x > 1 else None
    match shape:
        case ("circle", r):
            return math.pi * r * r
        case None:
            return 0.0


def found_late(x):
    handler = None
    for _ in range(9):
        if x > 3:
            handler = math.sin
        x += 0.5
    return x if handler is None else handler(x)


def counted_depth(x, depth=0):
    if x < 1.0:
        return x + depth
    return counted_depth(x / 2, depth + 1)


def known_depth(x):
    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    return factorial(40) * x if x > 1 else x


LATE = [array_on_either_path, early_none, matched, found_late, counted_depth, known_depth]


@pytest.mark.parametrize("function", LATE, ids=[f.__name__ for f in LATE])
def test_there_late(function: Program) -> None:
    captured = wg.jit(function)
    for x in (2.0, 0.6, 1.2):
        assert repr(captured(x)) == repr(function(x))


def appends_where_it_recurs(x):
    log = []

    def halved(y):
        log.append(y)
        return y if y < 1 else halved(y / 2)

    return halved(x), len(log)


def counts_where_it_recurs(x):
    n = 0

    def halved(y):
        nonlocal n
        n += 1
        return y if y < 1 else halved(y / 2)

    return halved(x), n


@pytest.mark.parametrize("function", [appends_where_it_recurs])
def test_recursion_at_run_time_changes_no_list_outside(function: Program) -> None:
    with pytest.raises(CaptureError, match="calls itself at run time"):
        wg.jit(function)(5.0)


def test_recursion_at_run_time_counts_outside() -> None:
    compiled = wg.jit(counts_where_it_recurs)
    for x in (5.0, 0.5, 100.0):
        assert compiled(x) == counts_where_it_recurs(x)


# --- objects and functions of the standard library ----------------------------------------------------------
@dataclass
class Point:
    x: float
    y: float
    tags: tuple[str, ...] = ()


class Slotted:
    __slots__ = ("d", "v")

    def __init__(self, v, d):
        self.v, self.d = v, d


class Dynamic:
    def __getattr__(self, name):
        if name.startswith("dyn"):
            return 5.0
        raise AttributeError(name)


def dataclass_functions(x):
    p = Point(x, 2.0)
    q = dataclasses.replace(p, y=x)
    names = [f.name for f in dataclasses.fields(p)]
    equal = p == Point(2.0, 2.0), p != q, p == 3
    return (
        dataclasses.astuple(p),
        dataclasses.asdict(p),
        names,
        dataclasses.astuple(q),
        equal,
        p.__dict__,
    )


def cached_helper(x):
    n = 0

    @functools.cache
    def w(k):
        nonlocal n
        n += 1
        return 1.0 if k < 2 else w(k - 1) + x * w(k - 2)

    return w(8), n, w.cache_info().hits


def slots_and_attributes(x):
    a = Slotted(x, 1.0)
    a.v *= 2
    return a.v + a.d, Dynamic().dynamo * x, vars(Point(x, 1.0))


def deep_copies(x):
    a = {"b": np.ones(2) * x, "c": [Point(x, 1.0)]}
    b = copy.deepcopy(a)
    b["b"][0] = 9.0
    b["c"][0].x = 7.0
    c = copy.copy(a)
    c["d"] = 1.0
    return a["b"].tolist(), a["c"][0].x, b["b"].tolist(), b["c"][0].x, len(a), len(c)


LIBRARY = [dataclass_functions, cached_helper, slots_and_attributes, deep_copies]


@pytest.mark.parametrize("function", LIBRARY, ids=[f.__name__ for f in LIBRARY])
def test_standard_library(function: Program) -> None:
    captured = wg.jit(function)
    for x in (2.0, 0.6):
        assert captured(x) == function(x)


def test_an_exception_of_the_function_itself() -> None:
    def f(x):
        class StopError(Exception):
            pass

        y = -1.0
        try:
            y = g(x, StopError)
        except StopError:
            y = -2.0
        return y

    def g(x, error):
        if x > 1:
            raise error("big")
        return x

    captured = wg.jit(f)
    assert [captured(x) for x in (2.0, 0.5)] == [-2.0, 0.5]


# --- one thing under two names ------------------------------------------------------------------------------
def two_names_of_what_a_branch_makes(x):
    a = b = c = None
    if x > 1:
        body, row = Body(x), [x, 1.0]
        a, b, c = body, [body], (row, {"r": row})
    if a is None:
        return 0.0, 0.0, True, True
    a.v = 5.0
    c[0][0] = 7.0
    return b[0].v, c[1]["r"][0], a is b[0], c[0] is c[1]["r"]


def two_names_of_what_a_loop_makes(x):
    a = b = None
    for k in range(9):
        if x * k > 3:
            body = Body(x + k)
            a, b = body, {"q": body}
    if a is None:
        return 0.0
    a.v = 5.0
    return b["q"].v


def one_of_two_that_is_forgotten(x):
    p, q = [1.0], [2.0]
    r = p if x > 1 else q
    first, r = r[0], None
    p.append(x)
    return p, q, first, r


def tree(x):
    def insert(node, key):
        if node is None:
            return Node(key)
        if key < node.key:
            node.left = insert(node.left, key)
        else:
            node.right = insert(node.right, key)
        return node

    root = None
    for key in (1.0, x, 1.1):
        root = insert(root, key)
    return root.key, root.right is None, root.left is None


class Node:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None


NAMES = [
    two_names_of_what_a_branch_makes, two_names_of_what_a_loop_makes, one_of_two_that_is_forgotten, tree,
]  # fmt: skip


@pytest.mark.parametrize("function", NAMES, ids=[f.__name__ for f in NAMES])
def test_one_thing_under_two_names(function: Program) -> None:
    captured = wg.jit(function)
    for x in (2.0, 0.2, 1.2):
        assert repr(captured(x)) == repr(function(x))


# --- what two places share, and what they no longer share --------------------------------------------------
def sorts_and_binds_anew(x):
    s = [(2 * x, 1.0), (x, 2.0)]
    for _ in range(6):
        s.sort()
        s = [s[0], (0.3 * s[1][0], 3.0)]
    return s


def reverses_and_binds_anew(x):
    s = [(2 * x, 1.0), (x, 2.0)]
    for _ in range(5):
        s.reverse()
        s = [s[0], (0.3 * s[1][0], 3.0)]
    return s


def shares_an_array_at_first(x):
    p = q = np.array([x, 1.0])
    for k in range(6):
        p = p * 0.5 + k
        q = p if k % 2 == 0 else q + 1
    return p, q


@pytest.mark.parametrize(
    "function",
    [
        sorts_and_binds_anew,
        reverses_and_binds_anew,
        shares_an_array_at_first,
    ],
)
def test_places_that_share_something_at_first(function: Program) -> None:
    compiled = wg.jit(function)
    for x in (2.0, 0.3, 9.0):
        np.testing.assert_equal(compiled(x), function(x))


# --- memory of results -----------------------------------------------------------------------------------
def test_what_a_program_makes_is_not_the_memory_of_its_inputs() -> None:
    weights = np.array([1.0, 2.0])

    def copies(v):
        return v.copy(), [v.copy(), np.array(v)], v[:].copy()

    def unchanged(v):
        w = v.copy()
        if v.sum() > 100:
            w = w * 2
        return w

    x = np.ones(2)
    gradient = wg.grad(lambda x: (x * weights).sum())(x)
    first, (second, third), fourth = wg.jit(copies)(x)
    made = [gradient, first, second, third, fourth, wg.jit(unchanged)(x)]
    for i, array in enumerate(made):
        assert not np.shares_memory(array, x)
        assert not np.shares_memory(array, weights)
        assert not any(np.shares_memory(array, other) for other in made[:i])
        array[0] = 7.0
    np.testing.assert_array_equal(wg.grad(lambda x: (x * weights).sum())(x), [1.0, 2.0])


def counts_what_is_taken(x):
    taken = 0

    def numbers():
        nonlocal taken
        for i in range(4):
            taken += 1
            yield i

    for i in numbers():
        if x * i > 2:
            break
    return taken, i


def test_a_generator_is_advanced_only_as_far_as_the_loop_goes() -> None:
    compiled = wg.jit(counts_what_is_taken)
    for x in (0.5, 1.5, 3.0):
        assert compiled(x) == counts_what_is_taken(x)


class Walk:
    def __init__(self, n):
        self.i, self.n = 0, n

    def __iter__(self):
        return self

    def __next__(self):
        if self.i >= self.n:
            raise StopIteration
        self.i += 1
        return self.i


def leaves_an_iterator(x):
    walk = Walk(4)
    for i in walk:
        if x * i > 2:
            break
    return walk.i


def suppresses_at_run_time(x):
    y = 1.0
    with contextlib.suppress(ValueError):
        if x > 1:
            raise ValueError("large")
        y = 2.0
    return x * y


def gives_back_what_it_was_given(x):
    def again(t, a):
        return a if t < 1 else again(t - 1, a * 2)

    v = np.array([x, 1.0])
    w = again(x, v)
    w[0] = 7.0
    return w.sum() + v.sum()


def gives_back_a_list(x):
    def again(t, a):
        return a if t < 1 else again(t - 1, [a[0] * 2, 3.0])

    v = [x, 1.0]
    w = again(x, v)
    w[0] = 7.0
    return w[0] + v[0]


@pytest.mark.parametrize(
    ("function", "words"),
    [(leaves_an_iterator, "leaves a loop over an iterator of a class"),
     (suppresses_at_run_time, "contextlib.suppress would take care of ValueError"),
     (gives_back_what_it_was_given, "changed in place under another name"),
     (gives_back_a_list, "gives back a list or a dict that it was given")],
)  # fmt: skip
def test_what_cannot_be_told_apart_is_refused(function: Program, words: str) -> None:
    with pytest.raises(CaptureError, match=words):
        wg.jit(function)(2.5)


def changes_lists_in_a_deque(x):
    queue = deque()
    for a in (x, 2.0, 0.5):
        queue.append([a, 0.0])
        queue[0][0] += x
        if a > 1:
            queue[-1][1] = 9.0
    return queue


def test_what_a_deque_holds_is_changed_in_place() -> None:
    compiled = wg.jit(changes_lists_in_a_deque)
    for x in (0.5, 3.0):
        assert compiled(x) == changes_lists_in_a_deque(x)


def goes_on_after_a_break(x):
    numbers = iter([1.0, 2.0, 3.0])
    for a in numbers:
        if a > x:
            break
    return sum(a for a in numbers)


def test_an_iterator_that_a_break_leaves_is_not_taken_up_again() -> None:
    with pytest.raises(CaptureError, match="an iterator whose place depends on run-time values"):
        wg.jit(goes_on_after_a_break)(1.5)
