"""Optimisers and solvers that carry whole states through loops with data-dependent ends."""

import math

import numpy as np
import scipy.integrate
import scipy.optimize
from programs.corpus.registry import program

R = np.random.default_rng(60)


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2


def rosenbrock_slope(x):
    return np.array([-2 * (1 - x[0]) - 40 * x[0] * (x[1] - x[0] ** 2), 20 * (x[1] - x[0] ** 2)])


@program(np.array([-0.5, 0.8]), others=[(np.array([0.9, 0.7]),)], wrt=[0])
def descent_with_backtracking(x0):
    x = np.array(x0)
    values = []
    for _ in range(8):
        d = -rosenbrock_slope(x)
        t = 1.0
        while rosenbrock(x + t * d) > rosenbrock(x) - 1e-4 * t * (d @ d):
            t *= 0.5
            if t < 1e-10:
                break
        x = x + t * d
        values.append(rosenbrock(x))
    return x, values[-1], len(values)


@program(np.array([-0.5, 0.8]), 12, wrt=[0])
def adam(x, steps, rate=0.05, b1=0.9, b2=0.99):
    m = np.zeros_like(x)
    v = np.zeros_like(x)
    for t in range(1, steps + 1):
        g = rosenbrock_slope(x)
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        x = x - rate * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + 1e-8)
    return x


@program(np.array([1.2, 0.9]), others=[(np.array([-1.0, 2.0]),)], wrt=[0])
def bfgs(x):
    H = np.eye(2)
    g = rosenbrock_slope(x)
    for k in range(6):
        p = -H @ g
        t = 1.0
        while rosenbrock(x + t * p) > rosenbrock(x) + 1e-4 * t * (g @ p) and t > 1e-8:
            t /= 2
        s = t * p
        x = x + s
        new = rosenbrock_slope(x)
        y, g = new - g, new
        ys = y @ s
        if ys > 1e-12:
            rho = 1 / ys
            V = np.eye(2) - rho * np.outer(s, y)
            H = V @ H @ V.T + rho * np.outer(s, s)
        if np.linalg.norm(g) < 1e-9:
            break
    return x, k


@program(
    np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]),
    others=[(np.array([[2.0, 1.0], [1.5, 0.0], [0.0, 3.0]]),)],
)
def nelder_mead(simplex):
    def f(p):
        return (p[0] - 0.3) ** 2 + 2 * (p[1] + 0.2) ** 2 + 0.3 * p[0] * p[1]

    simplex = simplex.copy()
    for _ in range(25):
        values = np.array([f(p) for p in simplex])
        order = np.argsort(values)
        simplex = simplex[order]
        values = values[order]
        centre = simplex[:-1].mean(axis=0)
        mirrored = 2 * centre - simplex[-1]
        fm = f(mirrored)
        if fm < values[0]:
            further = centre + 2 * (centre - simplex[-1])
            simplex[-1] = further if f(further) < fm else mirrored
        elif fm < values[1]:
            simplex[-1] = mirrored
        else:
            inner = 0.5 * (centre + simplex[-1])
            if f(inner) < values[-1]:
                simplex[-1] = inner
            else:
                for i in range(1, 3):
                    simplex[i] = 0.5 * (simplex[0] + simplex[i])
    return simplex[0], f(simplex[0])


T = np.linspace(0, 2, 8)


@program(
    2 * np.exp(-1.3 * T) + 0.01 * T,
    np.array([1.0, 1.0]),
    others=[(3 * np.exp(-0.3 * T), np.array([1.0, 2.0]))],
)
def levenberg_marquardt(y, p):
    lam = 1e-2
    r = y - p[0] * np.exp(-p[1] * T)
    cost = r @ r
    for _ in range(30):
        J = np.stack([np.exp(-p[1] * T), -p[0] * T * np.exp(-p[1] * T)], axis=1)
        A = J.T @ J
        step = np.linalg.solve(A + lam * np.diag(np.diag(A)), J.T @ r)
        trial = p + step
        rt = y - trial[0] * np.exp(-trial[1] * T)
        ct = rt @ rt
        if ct < cost:
            done = cost - ct < 1e-14
            p, r, cost = trial, rt, ct
            lam /= 10
            if done:
                break
        else:
            lam *= 10
    return p, cost


@program(0.0, 4.0, others=[(-3.0, 2.0)])
def golden_section(a, b):
    f = lambda x: (x - 1.3) ** 2 + 0.1 * math.sin(5 * x)
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = f(c), f(d)
    while abs(b - a) > 1e-6:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = f(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = f(d)
    return (a + b) / 2


@program(
    R.random((4, 4)) + 4 * np.eye(4),
    R.random(4),
    others=[(R.random((4, 4)) + 4 * np.eye(4), -R.random(4))],
    wrt=[0, 1],
)
def projected_descent(A, b):
    x = np.zeros(4)
    for _ in range(15):
        x = x - 0.05 * (A.T @ (A @ x - b))
        x[x < 0] = 0
    return x


@program(np.array([0.5, 0.5]), others=[(np.array([3.0, -1.0]),)], wrt=[0])
def newton_system(x):
    x = x.copy()
    path = 0.0
    for _ in range(20):
        F = np.array([x[0] ** 2 + x[1] ** 2 - 4, np.exp(x[0]) + x[1] - 1])
        J = np.array([[2 * x[0], 2 * x[1]], [np.exp(x[0]), 1.0]])
        dx = np.linalg.solve(J, -F)
        x += dx
        path += np.abs(dx).sum()
        if np.max(np.abs(dx)) < 1e-14:
            break
    return x, path


@program(R.normal(size=3), 40, others=[(R.normal(size=3), 40)])
def simulated_annealing(x, n):
    rng = np.random.default_rng(11)
    energy = np.sum(x**2 + np.cos(4 * x))
    temperature = 1.0
    accepted = 0
    for _ in range(n):
        trial = x + 0.3 * rng.standard_normal(3)
        new = np.sum(trial**2 + np.cos(4 * trial))
        if new < energy or rng.random() < math.exp((energy - new) / temperature):
            x, energy = trial, new
            accepted += 1
        temperature *= 0.95
    return x, energy, accepted


@program(2.0, others=[(10.0,)], wrt=[0])
def root_inside(c):
    r = scipy.optimize.brentq(lambda x: x**3 + x - c, 0.0, 5.0, xtol=1e-13)
    return r * r + c


@program(1.5, others=[(0.2,)], wrt=[0])
def quadrature_inside(a):
    value, _ = scipy.integrate.quad(lambda x: math.exp(-a * x * x), 0, 1)
    return value * a


@program(np.array([3.0, 1.0, 2.0]), 2.0, others=[(np.array([0.1, 0.2, 0.3]), 1.0)], wrt=[0, 1])
def simplex_projection(v, total):
    u = np.sort(v)[::-1]
    css = np.cumsum(u) - total
    rho = 0
    for i in range(len(v)):
        if u[i] - css[i] / (i + 1) > 0:
            rho = i
    theta = css[rho] / (rho + 1)
    return np.maximum(v - theta, 0)


@program(R.random((3, 4)), 0.5, 10, wrt=[0, 1])
def sinkhorn(cost, eps, n):
    K = np.exp(-cost / eps)
    u, v = np.ones(3) / 3, np.ones(4) / 4
    for _ in range(n):
        u = 1 / 3 / (K @ v)
        v = 1 / 4 / (K.T @ u)
    return np.sum(u[:, None] * K * v * cost)


@program(0.5, 3.0, others=[(0.05, 1.0)])
def brent_style_minimum(a, b):
    def f(x):
        return x - math.log(x) * 1.5

    best = None
    evaluations = 0
    x, step = a, 0.5
    while step > 1e-5:
        candidates = [x - step, x, x + step]
        values = []
        for c in candidates:
            c = min(max(c, a), b)
            values.append(f(c))
            evaluations += 1
        k = int(np.argmin(values))
        if best is None or values[k] < best:
            best = values[k]
        if k == 1:
            step /= 3
        else:
            x = min(max(candidates[k], a), b)
    return best, x, evaluations
