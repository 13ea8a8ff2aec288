"""Scalar iterations: roots, series, recursions and loops that end when they feel like it."""

import cmath
import math
from functools import lru_cache

import numpy as np
from programs.corpus.registry import program

EPS = 1e-12


@program(11.0, others=[(3000.0,), (0.02,)], wrt=[0])
def newton_cube_root(a):
    x = a
    steps = 0
    while abs(x * x * x - a) > 1e-10 * a:
        x = (2 * x + a / (x * x)) / 3
        steps += 1
        if steps > 100:
            break
    return x, steps


def kepler_residual(E, M, e):
    return E - e * math.sin(E) - M


@program(1.3, 0.4, others=[(0.1, 0.95), (3.0, 0.0)], wrt=[0, 1])
def kepler(M, e):
    E = M if e < 0.8 else math.pi
    for _ in range(60):
        step = kepler_residual(E, M, e) / (1 - e * math.cos(E))
        E = E - step
        if abs(step) < EPS:
            break
    nu = 2 * math.atan2(math.sqrt(1 + e) * math.sin(E / 2), math.sqrt(1 - e) * math.cos(E / 2))
    return E, nu


@program(2.0, others=[(0.3,), (9.5,)], wrt=[0])
def halley(a):
    """Solves x * exp(x) = a."""
    x = math.log(1 + a)
    while True:
        ex = math.exp(x)
        f = x * ex - a
        if abs(f) < 1e-13 * (1 + a):
            return x
        x -= f / (ex * (x + 1) - (x + 2) * f / (2 * x + 2))


@program(2.0, 1.0, 2.0, others=[(3.0, 0.0, 5.0)], wrt=[0])
def secant(c, x0, x1, tol=1e-12):
    f = lambda x: x**3 - c * x - 1
    f0, f1 = f(x0), f(x1)
    while abs(x1 - x0) > tol and f1 != 0:
        x0, x1 = x1, x1 - f1 * (x1 - x0) / (f1 - f0)
        f0, f1 = f1, f(x1)
    return x1


@program(5.0, 0.0, 3.0, others=[(1.0, 0.0, 10.0), (0.0, -1.0, 1.0)])
def bisection(c, lo, hi):
    def f(x):
        return x * x * x + x - c

    flo = f(lo)
    if flo * f(hi) > 0:
        raise ValueError("no sign change")
    while hi - lo > 1e-8:
        mid = (lo + hi) / 2
        fmid = f(mid)
        if fmid == 0:
            return mid
        if flo * fmid < 0:
            hi = mid
        else:
            lo, flo = mid, fmid
    return (lo + hi) / 2


@program(1.0, 24.0, others=[(2.0, 1.9), (5.0, 0.01)], wrt=[0, 1])
def arithmetic_geometric_mean(a, g):
    n = 0
    while abs(a - g) > 1e-14 * a:
        a, g = (a + g) / 2, math.sqrt(a * g)
        n += 1
    return a, n


@program(3.1, 0.2, 12, others=[(2.2, 0.7, 12)], wrt=[0, 1])
def logistic_map(r, x, n):
    orbit = []
    for _ in range(n):
        x = r * x * (1 - x)
        orbit.append(x)
    return np.array(orbit), x


@program(-0.4, 0.55, 80, others=[(0.5, 0.5, 80), (2.0, 2.0, 80), (-1.0, 0.0, 80)])
def mandelbrot(cr, ci, limit):
    x = y = 0.0
    for k in range(limit):
        if x * x + y * y > 4.0:
            return k
        x, y = x * x - y * y + cr, 2 * x * y + ci
    return limit


@program(0.3 + 0.6j, others=[(-0.1 + 0.1j,), (1.5 - 1j,)])
def mandelbrot_complex(c):
    z = 0j
    k = 0
    while abs(z) <= 2 and k < 50:
        z = z * z + c
        k += 1
    return k, z


@program(1.0, -3.0, 2.0, others=[(1.0, 2.0, 5.0), (0.0, 2.0, 5.0)])
def quadratic_roots(a, b, c):
    if a == 0:
        root = complex(-c / b)
        return root, root
    d = cmath.sqrt(b * b - 4 * a * c)
    return (-b + d) / (2 * a), (-b - d) / (2 * a)


@program(1.5, -0.5, others=[(-2.0, 3.0)], wrt=[0, 1])
def complex_from_parts(x, y):
    z = complex(x, y)
    w = z * z.conjugate() + z**2
    return w.real, w.imag, abs(z)


@program(2.5, 1, others=[(9.0, 1), (0.1, 1)], wrt=[0])
def bessel_series(x, order):
    """J of an integer order by its power series."""
    half = x / 2
    term = 1.0
    for k in range(1, order + 1):
        term *= half / k
    total = term
    k = 1
    while abs(term) > 1e-17 and k < 200:
        term *= -half * half / (k * (k + order))
        total += term
        k += 1
    return total


@program(0.8, others=[(3.5,), (-1.2,)], wrt=[0])
def error_function(x):
    if abs(x) > 3:
        # Continued fraction from the far end.
        f = 0.0
        for k in range(60, 0, -1):
            f = k / 2 / (abs(x) + f)
        tail = math.exp(-x * x) / (abs(x) + f) / math.sqrt(math.pi)
        return math.copysign(1 - tail, x)
    term = total = x
    n = 0
    while abs(term) > 1e-17:
        n += 1
        term *= -x * x / n
        total += term / (2 * n + 1)
    return 2 / math.sqrt(math.pi) * total


@program(0.6, 5, others=[(-0.2, 5)], wrt=[0])
def chebyshev_recursion(x, n):
    before, now = 1.0, x
    if n == 0:
        return before
    for _ in range(n - 1):
        before, now = now, 2 * x * now - before
    return now


@program(1.7, others=[(0.2,), (-3.0,)], wrt=[0])
def nested_ifs(x):
    def soft(t, k=2.0):
        if t > 1:
            if t > 2:
                return t * k
            return t**2 + k

        def inner(s):
            return s - k if s < 0 else s + k

        return inner(t)

    y = soft(x)
    if y > 3 and not x < 1.5:
        y = soft(y - 3, 0.5) + y
    elif y > 3 or x < -1:
        y = -y
    else:
        y = y * x
    return y


@program(1.3, 7, others=[(-0.4, 7)], wrt=[0])
def power_by_squaring(x, n):
    if n == 0:
        return 1.0
    if n % 2 == 1:
        return x * power_by_squaring(x, n - 1)
    half = power_by_squaring(x, n // 2)
    return half * half


@program(9.0, others=[(1.5,), (100.0,)], wrt=[0])
def recursive_halving(x):
    if x < 2:
        return x * x
    return 1 + recursive_halving(x / 2) / 2


@program(3.0, 5.0, others=[(13.0, 0.5)], wrt=[0, 1])
def mutual_recursion(x, y):
    def even(a, b):
        return a if a < 1 else odd(a / 2, b) + b

    def odd(a, b):
        return b if a < 1 else even(a / 3, b) * 1.5

    return even(x, y)


@program(0.3, 16, others=[(0.9, 16)], wrt=[0])
def memoised_fibonacci(x, n):
    @lru_cache(maxsize=None)
    def fib(k):
        return x if k < 2 else fib(k - 1) + 0.5 * fib(k - 2)

    return fib(n)


@program(0.7, 0.0, others=[(0.99, 0.0)])
def cosine_fixed_point(x, delta):
    previous, image = x, math.cos(x)
    x = image
    while (delta := abs(math.cos(x) - x)) > 1e-9:
        y = math.cos(x)
        slope = (y - image) / (x - previous)
        previous, image = x, y
        weight = slope / (slope - 1)
        x = weight * x + (1 - weight) * y
    return x, delta


@program(np.array([0.1, 0.9, 2.2, 0.3]), 1.0, others=[(np.array([0.1, 0.2, 0.3, 0.4]), 1.0)])
def first_above(xs, level):
    for i in range(len(xs)):
        if xs[i] > level:
            return i, xs[i]
    return -1, 0.0


@program(5.2, others=[(-1.0,), (2.5,)], wrt=[0])
def loop_variable_afterwards(x):
    for i in range(8):
        if i > x:
            break
    return i * x, i


@program(30.0, others=[(3.0,), (31.5,)])
def while_else(x):
    n = 2
    while n < 8:
        if x % n < 0.5:
            found = n
            break
        n += 1
    else:
        found = -1
    return found, n


@program(3.3, others=[(0.2,), (5.1,)], wrt=[0])
def for_else_nested(x):
    score = 0.0
    for i in range(1, 5):
        for j in range(1, 4):
            if i * j > x:
                score += i / (j + x)
                break
        else:
            score -= x
            continue
        if score > 2:
            break
    else:
        score *= 10
    return score


@program(0.37, others=[(1.4,)], wrt=[0])
def break_and_continue(x):
    total = 0.0
    for i in range(12):
        if i % 4 == 1:
            if x * i > 3.5:
                break
            total += 0.25
        if x + i > 6.2 and i % 2:
            continue
        total += x * i
    else:
        total = -total
    return total


@program(2.2, others=[(-2.2,)], wrt=[0])
def conditional_assignment_first(x):
    seen = False
    for k in range(5):
        v = x + k
        if v > 3 and not seen:
            top = v * x
            seen = True
    if not seen:
        top = x
    return top


@program(0.4, 10, others=[(-0.7, 10)], wrt=[0])
def walrus_in_condition(x, n):
    total = 0.0
    k = 0
    while (t := math.sin(k * x)) < 0.95 and k < n:
        if (u := t * t) > 0.3:
            total += u
        k += 1
    return total + t


@program(1e3, others=[(17.0,), (1.0,)])
def collatz_of_float(x):
    n = int(x)
    steps = 0
    top = n
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        top = max(top, n)
        steps += 1
    return steps, top


@program(4.3, others=[(1.5,), (6.9,)], wrt=[0])
def trip_count_from_value(x):
    s = 0.0
    for i in range(int(x)):
        s += i * x
    else:
        s += 0.5
    return s


@program(1.2, 0.5, others=[(-1.2, 0.5), (0.2, 3.0)], wrt=[0, 1])
def three_way(x, y):
    sign = 1 if x > 0 else -1 if x < 0 else 0
    big = max(abs(x), y, 0.5)
    small = min(abs(x), y)
    return sign * math.hypot(big, small), (x > y) + 0.5, 0 < y <= 1 < x


@program(np.float64(2.0), 3, others=[(np.float64(0.1), 3)], wrt=[0])
def numpy_scalar_in(x, n):
    y = 0
    for i in range(n):
        y = y + x / (i + 1)
    return y, x * 2, float(x), n / 2


@program(2.7, -7, others=[(-2.7, -7)])
def integer_semantics(x, n):
    k = int(x)
    q, r = divmod(n, 3)
    a = -7 // 2 + n % 5
    b = x // 1, x % 1, (-x) // 1, (-x) % 1
    return k, q, r, a, b, round(x), math.floor(x), math.ceil(x), math.trunc(x), round(x, 1), 7 // k
