"""Python's own data structures and ways to organise code, around numbers."""

import enum
import functools
import heapq
import itertools
import math
import operator
from collections import defaultdict, namedtuple
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from programs.corpus.registry import program

R = np.random.default_rng(70)
SCALE = 3.0
CALLS = 0


@program({"gain": 2.0, "bias": [0.5, 1.5], "net": {"w": np.array([1.0, -1.0])}}, 0.7, wrt=[0, 1])
def dict_params(p, x):
    y = p["gain"] * x + sum(p["bias"])
    out = {name: value for name, value in p.items() if name != "bias"}
    out["y"] = y + p["net"]["w"] @ np.array([x, 1.0])
    out["gain"] *= 2
    return out, p.get("missing", 4.0), len(out), "net" in p


@program(R.normal(size=7), others=[(R.normal(size=7),)], wrt=[0])
def previous_value_pattern(xs):
    previous = None
    rough = 0.0
    for x in xs:
        if previous is not None:
            rough += abs(x - previous)
        previous = x
    return rough, previous


@program(R.normal(size=7), others=[(R.normal(size=7),)], wrt=[0])
def running_best(xs):
    best = None
    where = -1
    for i, x in enumerate(xs):
        v = math.cos(3 * x) + x**2
        if best is None or v < best:
            best = v
            where = i
    return best, where


@program(20.0, 50, others=[(700.0, 50), (0.5, 50)], wrt=[0])
def collect_in_while(x, cap):
    out = []
    while x > 1.0 and len(out) < cap:
        out.append(x)
        x = x / 1.7
    return sum(out), len(out), x


@program(1.5, others=[(-2.0,)], wrt=[0])
def closures_with_nonlocal(x):
    count = 0
    largest = -math.inf

    def f(t):
        nonlocal count, largest
        count += 1
        if t > largest:
            largest = t
        return 0.0 if t < 0 else t * t

    total = 0.0
    for k in range(6):
        total += f(x - k)
    return total, count, largest


@program(R.random(6), wrt=[0])
def comprehensions(xs):
    squares = [x * x for x in xs]
    table = {i: v for i, v in enumerate(squares) if i % 2}
    pairs = [(a, b) for a in squares[:2] for b in table.values()]
    total = sum(a * b for a, b in pairs)
    evens = {i for i in range(6) if i % 2 == 0}
    longest = max(len(str(i)) for i in evens)
    return total, squares, table, longest, [*squares[:1], *table.values()]


@program(R.random(6) - 0.5, others=[(R.random(6) - 0.9,)], wrt=[0])
def filter_by_value(xs):
    positive = [x for x in xs if x > 0]
    kept = list(filter(lambda x: x < 0.2, xs))
    return sum(positive), len(positive), sum(kept), any(x > 0.4 for x in xs), all(x < 1 for x in xs)


class Vector:
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return self + -other

    def __neg__(self):
        return Vector(-self.x, -self.y)

    def __mul__(self, k):
        return Vector(self.x * k, self.y * k)

    __rmul__ = __mul__

    def __matmul__(self, other):
        return self.x * other.x + self.y * other.y

    def __getitem__(self, i):
        return (self.x, self.y)[i]

    def __abs__(self):
        return math.sqrt(self @ self)

    def __bool__(self):
        return abs(self) > 1e-3

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def __hash__(self):
        return id(self)


@program(1.0, 2.0, others=[(-8.0, 0.1)], wrt=[0, 1])
def user_operators(a, b):
    v = Vector(a, b)
    w = 2 * v - Vector(b, a) * 0.5
    steps = 0
    while abs(v) < 10 and steps < 20:
        v = v + w
        steps += 1
    return v @ w, v[0], abs(v), steps, bool(v)


class Layer:
    gain = 2.0
    made = 0

    def __init__(self, k):
        self.k = k
        Layer.made += 1

    def __call__(self, x):
        return self.apply(x) * self.gain

    def apply(self, x):
        return self.k * x

    @property
    def doubled(self):
        return 2 * self.k

    @staticmethod
    def rectified(x):
        return x if x > 0 else 0.0

    @classmethod
    def unit(cls):
        return cls(1.0)


class Shifted(Layer):
    def __init__(self, k, shift):
        super().__init__(k)
        self.__shift = shift

    def apply(self, x):
        if x > 0:
            return super().apply(x) + self.__shift
        return self.rectified(-self.__shift * x)


@program(1.5, 0.5, others=[(-1.5, 0.5)], wrt=[0, 1])
def classes_with_super(x, shift):
    layers = [Layer(2.0), Shifted(3.0, shift), Layer.unit()]
    for layer in layers:
        x = layer(x)
    return x, layers[1].doubled, isinstance(layers[1], Layer)


@program(R.random((3, 3)), wrt=[0])
def nested_lists(A):
    n = len(A)
    M = [[A[i, j] for j in range(n)] for i in range(n)]
    for i in range(n):
        for j in range(n):
            if i != j:
                M[i][j] = M[i][j] / M[i][i]
    M[0], M[2] = M[2], M[0]
    return M, np.array(M).sum()


@program(2.0, others=[(-2.0,)], wrt=[0])
def list_changes_in_branches(x):
    q = [1.0, 2.0, 3.0]
    if x > 0:
        q.append(x)
        q[0] = x * 10
    else:
        q.insert(0, -x)
        q[1] = 0.5
    q.reverse()
    q.extend([x, x * x])
    return q, q.index(2.0) if 2.0 in q[:1] else -1


@program(2.0, others=[(-2.0,)], wrt=[0])
def lists_of_different_length(x):
    q = [x]
    if x > 0:
        q.append(x * 2)
        q.append(x * 3)
    else:
        q.append(1.0)
    return sum(q), len(q)


@program(2.5, wrt=[0])
def pop_until_empty(x):
    queue = [x, x * 2, x * 3]
    total = 0.0
    while queue:
        total += queue.pop() / (len(queue) + 1)
    return total


@program(17.0, others=[(5.0,), (1.0,)], wrt=[0])
def explicit_stack(x):
    stack = [x]
    total = 0.0
    visited = 0
    while stack:
        v = stack.pop()
        visited += 1
        if v < 2:
            total += v
        else:
            stack.append(v / 2)
            stack.append(v / 3)
    return total, visited


@program(np.array([[0.0, 4, 1], [9, 0, 9], [9, 2, 0]]) + 0.1, wrt=[0])
def dijkstra_with_heap(W):
    n = len(W)
    dist = [math.inf] * n
    dist[0] = 0.0
    queue = [(0.0, 0)]
    while queue:
        d, u = heapq.heappop(queue)
        if d > dist[u]:
            continue
        for v in range(n):
            if d + W[u, v] < dist[v]:
                dist[v] = d + W[u, v]
                heapq.heappush(queue, (dist[v], v))
    return np.array(dist)


@program(0.3, 6, wrt=[0])
def generators(x, n):
    def terms():
        t = 1.0
        for k in range(1, n + 1):
            yield t
            t = t * x / k

    first = next(terms())
    return (
        sum(terms()) + first,
        sum(itertools.islice(terms(), 2)),
        list(itertools.accumulate(terms())),
    )


@program(R.random(5), others=[(R.random(5) * 2,)], wrt=[0])
def functional_style(xs):
    product = functools.reduce(lambda a, b: a * b, xs, 1.0)
    scaled = list(map(functools.partial(operator.mul, 2.0), xs))
    f = np.vectorize(lambda t: t**2 if t > 0.5 else t)
    pairs = list(itertools.product(xs[:2], repeat=2))
    windows = [b - a for a, b in itertools.pairwise(xs)]
    chained = list(itertools.chain(windows, [product]))
    return product, sum(scaled), f(xs), len(pairs), pairs[1][0], chained, list(zip(xs, range(3)))


Point = namedtuple("Point", "x y")


class Mode(enum.Enum):
    LINEAR = "linear"
    SQUARE = "square"


@program(3.0, Mode.SQUARE, others=[(-3.0, Mode.SQUARE)], wrt=[0])
def match_statement(x, mode, *, scale=2.0, **options):
    match mode:
        case Mode.LINEAR:
            y = x
        case Mode.SQUARE if x > 0:
            y = x * x
        case Mode.SQUARE:
            y = -x
    match Point(x, y):
        case Point(x=a, y=b) if b > 5:
            z = a + b
        case Point(a, b):
            z = a - b
    match [1, (x, 2.0)]:
        case [int(), (u, v)]:
            z += u * v
    return y, z * scale, len(options)


@dataclass
class Account:
    balance: float
    rate: float = 0.1

    def __post_init__(self):
        self.log = []

    def pay(self, amount):
        if amount > self.balance:
            self.log.append(-1.0)
            return False
        self.balance -= amount
        self.log.append(amount)
        return True


@program(100.0, 30.0, others=[(100.0, 60.0)], wrt=[0, 1])
def object_with_state(start, amount):
    account = Account(start)
    paid = 0
    for _ in range(4):
        if account.pay(amount):
            paid += 1
        account.balance *= 1 + account.rate
    return account.balance, paid, sum(account.log)


@contextmanager
def scaled(values, k):
    values.append(k)
    yield values
    values.append(-k)


@program(2.0, others=[(-1.0,)], wrt=[0])
def context_managers(x):
    values = []
    with np.errstate(divide="ignore"), scaled(values, x) as inside:
        inside.append(x * x)
        y = 1.0 / np.float64(x)
    return values, y


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        global CALLS
        CALLS += 1
        return function(*args, **kwargs) + 0.5

    return wrapper


@traced
def decorated(x, power=2):
    return x**power if x > 1 else x


@program(1.5, others=[(0.5,)], wrt=[0])
def decorators_and_globals(x):
    global CALLS
    CALLS = 0
    y = decorated(x) + decorated(x / 2, power=3)
    return y, CALLS, SCALE * x


@program(3.0, 4, others=[(-3.0, 4)], wrt=[0])
def star_arguments(x, n):
    def combine(first, *rest, factor=1.0, **named):
        total = first * factor
        for i, r in enumerate(rest):
            total += r * (i + 1)
        return total + sum(named.values())

    args = [x + k for k in range(n)]
    extra = {"a": x * x, "b": 2.0}
    head, *middle, tail = args
    return combine(*args, factor=0.5, **extra), combine(head, *middle[:1], tail), combine(x)


@program(R.random(4), 0.5, others=[(R.random(4) - 1, 0.5)], wrt=[0, 1])
def default_dict_and_sorting(xs, t):
    groups = defaultdict(list)
    for i, x in enumerate(xs):
        groups[i % 2].append(x * t)
    sums = {k: sum(v) for k, v in sorted(groups.items())}
    ordered = sorted(xs, key=lambda v: -v)
    low, high = min(xs), max(xs, key=abs)
    return sums, ordered[0], low, high, sorted(groups), list(reversed(groups[0]))


@program(2.0, 5, others=[(0.5, 5)], wrt=[0])
def try_around_loop(x, n):
    y = 0.0
    with np.errstate(divide="ignore"):
        for i in range(n):
            try:
                y += math.log(x + i)
            except ValueError:
                y = -math.inf
                break
            finally:
                y += 0.25
    return y


@program(2.0, others=[(0.0,)])
def catch_division_by_zero(x):
    try:
        return 1.0 / x
    except ZeroDivisionError:
        return math.inf


@program(1.0, others=[(-1.0,)], wrt=[0])
def try_finally_return(x):
    y = 0.0
    try:
        if x > 0:
            return x * 10
        y = 5.0
    finally:
        z = y + 1.0
    return x + y + z


@program(3.0, others=[(-3.0,)], wrt=[0])
def optional_results(x):
    def safe_root(t):
        if t >= 0:
            return math.sqrt(t)

    r = safe_root(x)
    s = safe_root(-x)
    return (r or 1.0) + (0.0 if s is None else s), r is None


@program(np.array([1.0, 2.0]), 8, wrt=[0])
def state_in_dict_and_tuple(x0, n):
    state = {"pos": x0, "vel": np.zeros(2), "n": 0, "hist": ()}
    for _ in range(n):
        state["vel"] = state["vel"] - 0.1 * state["pos"]
        state["pos"] = state["pos"] + 0.1 * state["vel"]
        state["n"] += 1
        state["hist"] = (*state["hist"], state["pos"][0])[-3:]
    return state
