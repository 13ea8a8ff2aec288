"""Quadrature, interpolation and polynomials."""

import bisect
import math

import numpy as np
from programs.corpus.registry import program

R = np.random.default_rng(40)


@program(0.0, 2.0, 1e-6, others=[(0.0, 0.5, 1e-4)])
def adaptive_simpson_static(a, b, tol):
    def f(x):
        return math.exp(-x) * math.sin(4 * x)

    def simpson(a, b):
        return (b - a) / 6 * (f(a) + 4 * f((a + b) / 2) + f(b))

    def refine(a, b, whole, tol, depth):
        m = (a + b) / 2
        left, right = simpson(a, m), simpson(m, b)
        if depth == 0 or abs(left + right - whole) < 15 * tol:
            return left + right + (left + right - whole) / 15
        return refine(a, m, left, tol / 2, depth - 1) + refine(m, b, right, tol / 2, depth - 1)

    return refine(a, b, simpson(a, b), tol, 4)


@program(0.0, 3.0, 1e-8, others=[(0.0, 1.0, 1e-6), (1.0, 1.5, 1e-3)], wrt=[0, 1])
def adaptive_simpson_dynamic(a, b, tol):
    def f(x):
        return math.exp(-x * x) * math.cos(3 * x)

    def refine(a, b, fa, fm, fb, whole, tol):
        m = (a + b) / 2
        fl, fr = f((a + m) / 2), f((m + b) / 2)
        left = (m - a) / 6 * (fa + 4 * fl + fm)
        right = (b - m) / 6 * (fm + 4 * fr + fb)
        if abs(left + right - whole) < 15 * tol:
            return left + right + (left + right - whole) / 15
        return refine(a, m, fa, fl, fm, left, tol / 2) + refine(m, b, fm, fr, fb, right, tol / 2)

    fa, fm, fb = f(a), f((a + b) / 2), f(b)
    return refine(a, b, fa, fm, fb, (b - a) / 6 * (fa + 4 * fm + fb), tol)


@program(0.0, 1.5, others=[(0.2, 1.0)], wrt=[0, 1])
def romberg(a, b):
    rows = [[(b - a) * (math.exp(a) + math.exp(b)) / 2]]
    for n in range(1, 6):
        h = (b - a) / 2**n
        s = sum(math.exp(a + (2 * k + 1) * h) for k in range(2 ** (n - 1)))
        row = [rows[-1][0] / 2 + h * s]
        for m in range(1, n + 1):
            row.append(row[m - 1] + (row[m - 1] - rows[-1][m - 1]) / (4**m - 1))
        rows.append(row)
    return rows[-1][-1]


@program(0.5, 2.0, wrt=[0, 1])
def gauss_legendre(a, b):
    nodes, weights = np.polynomial.legendre.leggauss(6)
    x = (b - a) / 2 * nodes + (a + b) / 2
    return (b - a) / 2 * np.sum(weights * np.log(x) * np.sqrt(x))


@program(np.array([0.0, 1.0, 2.5, 4.0]), R.random(4), 1.7, wrt=[0, 1, 2])
def lagrange(xs, ys, t):
    total = 0.0
    for i in range(len(xs)):
        basis = 1.0
        for j in range(len(xs)):
            if i != j:
                basis *= (t - xs[j]) / (xs[i] - xs[j])
        total += ys[i] * basis
    return total


@program(np.array([0.0, 1.0, 3.0, 4.0]), R.random(4), 2.2, wrt=[0, 1, 2])
def newton_differences(x, y, t):
    n = len(x)
    c = y.copy()
    for j in range(1, n):
        for i in range(n - 1, j - 1, -1):
            c[i] = (c[i] - c[i - 1]) / (x[i] - x[i - j])
    p = c[-1]
    for k in reversed(range(n - 1)):
        p = p * (t - x[k]) + c[k]
    return p


@program(np.array([0.0, 1.0, 2.0, 4.0]), R.random(4), 2.3, wrt=[0, 1, 2])
def neville(x, y, t):
    table = list(y)
    n = len(x)
    for m in range(1, n):
        for i in range(n - m):
            table[i] = ((t - x[i + m]) * table[i] + (x[i] - t) * table[i + 1]) / (x[i] - x[i + m])
    return table[0]


@program(
    0.3,
    np.array([1.0, 3.0, 2.0, 4.0]),
    others=[(2.7, np.array([1.0, 3.0, 2.0, 4.0])), (9.0, np.zeros(4) + 1)],
    wrt=[0, 1],
)
def piecewise_linear(t, ys):
    if t <= 0:
        return ys[0]
    if t >= len(ys) - 1:
        return ys[-1]
    i = int(t)
    f = t - i
    return (1 - f) * ys[i] + f * ys[i + 1]


@program(
    1.7,
    np.array([0.0, 1.0, 2.0, 4.0]),
    np.array([1.0, 3.0, 2.0, 4.0]),
    others=[(3.5, np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0]))],
    wrt=[0, 2],
)
def search_then_interpolate(t, xs, ys):
    lo, hi = 0, len(xs) - 1
    while hi - lo > 1:
        mid = (lo + hi) // 2
        if xs[mid] <= t:
            lo = mid
        else:
            hi = mid
    w = (t - xs[lo]) / (xs[hi] - xs[lo])
    k = np.searchsorted(xs, t)
    return ys[lo] + w * (ys[hi] - ys[lo]), lo, k, np.interp(t, xs, ys)


@program(
    np.array([0.0, 1.0, 2.0, 3.5, 4.0]),
    R.random(5),
    2.4,
    others=[(np.array([0.0, 1.0, 2.0, 3.5, 4.0]), R.random(5), 0.4)],
    wrt=[1, 2],
)
def natural_spline(x, y, t):
    n = len(x) - 1
    h = np.diff(x)
    A = np.zeros((n + 1, n + 1))
    r = np.zeros(n + 1)
    A[0, 0] = A[n, n] = 1.0
    for i in range(1, n):
        A[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
        r[i] = 6 * ((y[i + 1] - y[i]) / h[i] - (y[i] - y[i - 1]) / h[i - 1])
    m = np.linalg.solve(A, r)
    for i in range(n):
        if x[i] <= t <= x[i + 1]:
            break
    a, b = (x[i + 1] - t) / h[i], (t - x[i]) / h[i]
    return a * y[i] + b * y[i + 1] + ((a**3 - a) * m[i] + (b**3 - b) * m[i + 1]) * h[i] ** 2 / 6


@program(0.4, R.random(6), wrt=[0, 1])
def clenshaw(x, c):
    b1 = b2 = 0.0
    for a in c[:0:-1]:
        b1, b2 = 2 * x * b1 - b2 + a, b1
    return x * b1 - b2 + c[0]


@program(1.3, [1.0, -2.0, 0.5, 3.0], wrt=[0, 1])
def horner_with_derivative(x, coefficients):
    p = dp = 0.0
    for c in coefficients:
        dp = dp * x + p
        p = p * x + c
    return p, dp


@program(R.random(3), R.random(4), wrt=[0, 1])
def polynomial_product(p, q):
    out = [0.0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            out[i + j] += a * b
    return out, np.polyval(p, 1.5), np.convolve(p, q)


@program(R.random((4, 2)), 0.3, others=[(R.random((4, 2)), 0.9)], wrt=[0, 1])
def de_casteljau(points, t):
    p = points.copy()
    n = len(p)
    for r in range(1, n):
        for i in range(n - r):
            p[i] = (1 - t) * p[i] + t * p[i + 1]
    return p[0]


@program(2.6, others=[(0.4,), (-3.0,)], wrt=[0])
def static_table_lookup(x):
    knots = [-1.0, 0.0, 1.0, 2.0]
    slopes = {0: 0.5, 1: 1.0, 2: -1.0, 3: 2.0, 4: 0.0}
    k = 0
    for knot in knots:
        if x > knot:
            k += 1
    order = bisect.bisect([1, 2, 3], 2)
    value = x * order
    for key, slope in slopes.items():
        if key == k:
            value = slope * x
    return value


@program(R.random(5), 0.7, wrt=[0, 1])
def fourier_partial_sum(c, x):
    total = c[0] / 2
    for k in range(1, len(c)):
        total = total + c[k] * math.cos(k * x) + c[k] ** 2 * math.sin(k * x)
    return total


@program(1.0, others=[(4.0,)], wrt=[0])
def richardson(x):
    def f(t):
        return math.exp(math.sin(t))

    h = 0.4
    D = np.zeros((4, 4))
    for i in range(4):
        D[i, 0] = (f(x + h) - f(x - h)) / (2 * h)
        for j in range(1, i + 1):
            D[i, j] = D[i, j - 1] + (D[i, j - 1] - D[i - 1, j - 1]) / (4**j - 1)
        h /= 2
    return D[3, 3]
