"""Places where Python or NumPy means something else than it seems: sharing, order, kinds of numbers."""

import math

import numpy as np
from programs.corpus.registry import program

R = np.random.default_rng(80)
TABLE = np.array([1.0, 2.0, 3.0])
HISTORY = []


@program(2.0, 24)
def factorial_as_python_int(x, n):
    f = 1
    for i in range(1, n):
        f *= i
    return x * f, f


@program(2.0, 5, wrt=[0])
def two_names_one_array(x, n):
    a = np.ones(3) * x
    b = a
    for _ in range(n):
        a += 1.0
    c = a
    a = a * 2
    c[0] = -1.0
    return a, b, c


@program(2.0, others=[(-1.0,)])
def maybe_none(x):
    if x > 0:
        return x * 3


@program(np.array([1.0, -2.0]), others=[(np.array([-1.0, -2.0]),), (np.array([1.0, 2.0]),)])
def no_trip_at_all(a):
    n = int(np.sum(a > 0))
    last = 7.0
    for k in range(n):
        last = a[k] * 2
    return last, n


@program(2.0, others=[(-2.0,)], wrt=[0])
def dict_key_in_one_branch(x):
    d = {"a": 1.0}
    if x > 0:
        d["b"] = x
    else:
        d["a"] = x * x
    return d["a"] + d.get("a") + d.get("b", 10.0)


@program(1.5, others=[(3.0,)])
def chained_assignment(x):
    y = z = np.zeros(3)
    y[0] = x
    a, (b, *c) = 1.0, [x, 2.0, 3.0]
    z[1:], w = [b, c[0]], c[-1]
    i = 0
    i, y[i] = 2, 5.0  # y[2]: targets are assigned from left to right
    return z, w, 0 < x < 2 <= w != 5, y is z


@program(np.arange(4.0) + 0.5, others=[(np.arange(4.0) - 9,)], wrt=[0])
def alias_from_a_branch(a):
    b = a * 2
    c = a + 1
    if a[0] >= 0:
        y = b
    else:
        y = c
    y = y.copy()
    y[0] = 100.0
    z = b
    z[1] = -1.0
    return b, c, y


@program(2.0, others=[(-2.0,)], wrt=[0])
def rebind_in_branch_then_write(x):
    a = np.ones(3) * x
    if x > 0:
        a = a * 2
    a[0] = 1.0
    return a


@program(1.0, 6, wrt=[0])
def carried_view(x, n):
    a = np.zeros(n)
    a[0] = x
    row = a[0:2]
    for k in range(1, n - 1):
        row[1] = row[0] * 1.5
        row = a[k : k + 2]
    return a


@program(2.0, 4, wrt=[0])
def rebind_then_alias(x, n):
    a = np.ones(2) * x
    b = a
    for _ in range(n):
        a[0] += 1.0
        a = a * 1.0
    return a, b


@program(1.5, 3, wrt=[0])
def repeated_rows(x, n):
    shared = [[0.0] * n] * 2
    shared[0][1] = x
    apart = [[0.0] * n for _ in range(2)]
    apart[0][1] = x
    return shared, apart


@program(1.5, wrt=[0])
def late_binding(x):
    functions = [lambda t: t * k for k in range(3)]  # noqa: B023  all see the last k
    bound = [lambda t, k=k: t * k for k in range(3)]
    return [f(x) for f in functions], [f(x) for f in bound]


@program(float("nan"), others=[(1.0,), (float("inf"),)])
def comparisons_with_nan(x):
    a = "less" if x < 1 else "more" if x > 1 else "neither"
    return a, min(x, 2.0), min(2.0, x), max(x, 2.0), np.minimum(x, 2.0), x == x, not x < 1


@program(-7.5, 2.0, others=[(7.5, -2.0)], wrt=[0])
def signs_of_remainders(a, b):
    return a % b, a // b, math.fmod(a, b), np.fmod(a, b), np.remainder(a, b), divmod(a, b), -a % b


@program(R.random(4), wrt=[0])
def augmented_or_rebound(x):
    a = x.copy()
    b = a
    b += 1  # in place
    c = a
    c = c + 1  # a new array
    s = a[0]
    s += 5  # a number: no write into a
    row = a[:2]
    row = row * 3
    t = a[1:]
    t -= 1
    return a, b, c, s, row


@program(R.random(3), 2.0, wrt=[0, 1])
def copies_and_views(x, v):
    a = x.copy()
    b = np.array(a)
    c = np.asarray(a)
    d = a[[0, 1]]
    e = a[:2]
    f = a.flatten()
    g = a.ravel()
    h = a.reshape(3, 1)
    i = a.astype(float)
    j = a + 0
    a[0] = v
    return b, c, d, e, f, g, h, i, j


@program(2.2, others=[(-2.0,)], wrt=[0])
def hidden_inputs(x):
    y = x * TABLE.sum()
    for t in TABLE:
        if x > t:
            y += t
    return y


@program(2.0, others=[(3.5,)], wrt=[0])
def global_list_filled(x):
    HISTORY.clear()
    for k in range(3):
        HISTORY.append(x * k)
    return HISTORY[-1] + len(HISTORY)


@program([1.0, 2.0, 3.0], {"n": 0}, others=[([-1.0, 5.0, 3.0], {"n": 3})])
def containers_of_the_caller(values, counter):
    values.append(values[0] * 2)
    values[1] = -1.0
    if values[0] > 0:
        counter["n"] += 1
    counter["last"] = values.pop(0)
    return len(values)


@program(np.random.default_rng(3), 2.0)
def generator_of_the_caller(rng, x):
    a = rng.normal(size=2)
    b = rng.uniform(0, x)
    return a * x, b, rng.integers(10)


@program(3, 2.2, others=[(3, -1.0)], wrt=[1])
def integers_become_floats(n, x):
    total = 0
    product = 1
    for i in range(n):
        if x > i:
            total = total + x
        product *= n
    half = n / 2
    return total, product, half, n * True, x * False, -n // 2


@program(np.arange(6), 2, others=[(np.arange(6) * 3, 2)])
def integer_arrays(a, k):
    b = a * k
    b[0] = 7
    c = b // 4 + b % 3
    d = b / 2
    m = b.mean()
    for i in range(len(b)):
        if b[i] % 2:
            b[i] += 1
    return b, c, d, m, b.sum(), b.dtype.kind, (b > 3).sum(), a.max() - k, b << 1, b & 3


@program(True, 1.5, others=[(True, -1.5)], wrt=[1])
def booleans(flag, x):
    a = flag and x > 0
    b = flag or x / 0
    c = not flag
    d = (x > 0) * 2.0 + (x < 5)
    e = x if flag and not c else -x
    return a, b, c, d, e, bool(x), (x > 0) is True, [False, True].index(x > 0)


@program(1.0, others=[(0.0,), (-1.0,)])
def short_circuit(x):
    safe = x != 0 and 1 / x > 0.5
    either = x <= 0 or math.log(x) > -1
    chain = 0 < x < 2
    value = x and 5.0
    other = x or 7.0
    return safe, either, chain, value, other


@program(0.5, others=[(2.5,)], wrt=[0])
def names_deleted_and_shadowed(x):
    sum = x * 2  # noqa: A001  shadowing is the point
    y = sum
    del sum
    max = lambda a, b: a  # noqa: A001
    z = max(y, 10.0)
    for x in range(3):
        pass
    return y, z, x


@program(1.0, 2.0, others=[(5.0, 2.0)], wrt=[0, 1])
def order_of_evaluation(x, y):
    seen = []

    def note(tag, v):
        seen.append(tag)
        return v

    r = note("a", x) + note("b", y) * note("c", x)
    ok = note("d", x) < note("e", y) and note("f", y) > 0
    return r, ok, len(seen)


@program(R.random(5), 3.0, others=[(R.random(5), 0.1)], wrt=[0, 1])
def same_array_twice(x, t):
    a = x.copy()
    pair = [a, a]
    if t > 1:
        pair[0][0] = t
    pair[1][1] = 2 * t
    box = {"first": a, "view": a[1:]}
    box["view"][-1] = -t
    return a, pair[0].sum(), box["view"]


@program(np.array([1.0 + 2j, 3 - 1j]), 0.5j, others=[(np.array([0j, 1 + 1j]), 2.0 + 0j)])
def complex_arrays(z, w):
    a = np.zeros(2, dtype=complex)
    a[0] = z[1] * w
    a.real[1] = 3.0
    a.imag = z.real
    return a, np.abs(z), np.angle(z[1]), z.conj() @ z, np.vdot(z, z).real, np.exp(1j * np.pi * w)


@program(2.0, 3, wrt=[0])
def list_times_and_slices(x, n):
    q = [x] * n + [1.0]
    q[1:3] = [5.0]
    del q[0]
    r = q[::-1]
    q += [x * x]
    s = list(q)
    s[0] = -x
    return q, r, s, q == s, len(q), sum(r, start=10.0)


@program(4.5, others=[(-4.0,)], wrt=[0])
def early_return_in_nested_loops(x):
    for i in range(4):
        for j in range(4):
            if i * j > x:
                return x * i + j
            if x < 0 and i == 2:
                return -x
    return 100 * x


@program(R.random((3, 3)), 1.5, others=[(R.random((3, 3)), -1.5)], wrt=[0, 1])
def tuple_swap_of_elements(M, t):
    A = M.copy()
    A[0, 0], A[1, 1] = A[1, 1], A[0, 0]
    A[[0, 2]] = A[[2, 0]]
    i, j = (0, 1) if t > 0 else (2, 1)
    A[i], A[j] = A[j].copy(), A[i].copy()
    A[:, 0], A[:, 2] = A[:, 2], A[:, 0].copy()
    return A


@program(R.random(4), 1.0, others=[(R.random(4), -1.0)], wrt=[0, 1])
def views_of_rows_swapped_without_copy(x, t):
    A = np.stack([x, x * 2])
    A[0], A[1] = A[1], A[0]  # views: both rows end equal
    u, v = A[0], A[1]
    if t > 0:
        u, v = v, u
    u[0] = t
    return A


@program(
    np.array([0.1, 0.4, 0.9, 1.6]),
    0.5,
    others=[(np.array([0.1, 0.2, 0.3, 0.4]), 0.5), (np.ones(4), 0.0)],
)
def index_in_a_while_test(a, level):
    i = 0
    while i < len(a) and a[i] < level:
        i += 1
    inside = i < len(a)
    return i, a[i] if inside else -1.0, a[:i].sum()


@program(R.random(5), others=[(-R.random(5),)], wrt=[0])
def defaults_and_keywords(x, scale=2.0, *, power=2, **options):
    s = 0.0
    for i, v in enumerate(x):
        s += scale * abs(v) ** power * (1.5 if i % 2 else 1.0)
    if not (s > 0 and s < 1e9) or s == 5:
        s = -s
    return s, len(options)


@program(0.7, wrt=[0])
def unpacked_and_zipped(x):
    xs = [x * k for k in range(5)]
    diffs = [b - a for a, b in zip(xs, xs[1:])]
    low, *middle, high = diffs
    columns = list(zip(*[(a, a * a) for a in xs]))
    return low, high, sum(middle), columns[1], min(enumerate(xs), key=lambda t: -t[1])[0]
