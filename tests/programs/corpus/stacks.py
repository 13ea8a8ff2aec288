"""Lists as stacks, queues, work lists and memories: what loops push, pop, read and write."""

import math

import numpy as np
from programs.corpus.registry import program

POINTS = np.random.default_rng(71).normal(size=(12, 2))


@program(1.5, others=[(0.1,), (3.0,)], wrt=[0])
def depth_first(x):
    total, visited = 0.0, 0
    stack = [(0, x)]
    while stack:
        depth, v = stack.pop()
        total = total + v * v
        visited += 1
        if depth < 4 and v > 0.2:
            stack.append((depth + 1, v * 0.5))
            stack.append((depth + 1, v * 0.3))
    return total, visited


@program(1.47, others=[(4.1,), (0.1,)], wrt=[0])
def breadth_first(x):
    queue = [x]
    total = 0.0
    order = []
    while queue:
        v = queue.pop(0)
        order.append(v)
        total = total * 0.9 + v * len(queue)
        if v > 0.3:
            queue.append(v * 0.6)
            queue.append(v * 0.5)
    return total, order[-1], len(order)


@program(np.array([3.0, 1, 2, 5, 4]), others=[(np.array([1.0, 2, 3, 0.5, 0.2]),)], wrt=[0])
def monotone_stack(heights):
    stack = []
    water = 0.0
    for h in heights:
        while stack and stack[-1] < h:
            water += stack.pop() * h
        stack.append(h)
    return water + sum(stack), len(stack)


@program(1.0, others=[(2000.0,), (0.05,)], wrt=[0])
def halved_until_small(x):
    out = [x]
    while out[-1] > 0.1:
        out.append(out[-1] * 0.9)
    return out, out[len(out) // 2], np.array(out).sum()


@program(1.5, 30, others=[(-0.4, 100)], wrt=[0])
def two_term_recurrence(x, n):
    f = [1.0, x]
    for k in range(2, n):
        f.append(0.5 * f[k - 1] + 0.25 * f[-2])
    return f[-1], len(f)


@program(np.array([3.0, 1, 2, 5, 4, 0.5]), others=[(np.array([0.0, 4, 3, 2, 1, 7]),)], wrt=[0])
def inserted_in_order(values):
    out = []
    for v in values:
        i = 0
        while i < len(out) and out[i] < v:
            i += 1
        out.insert(i, v)
    return out


@program(3.0, others=[(9.0,), (0.5,)], wrt=[0], tolerance=1e-9)
def adaptive_quadrature_with_a_stack(x):
    def f(t):
        return np.sin(x * t * t)

    def simpson(a, b):
        return (b - a) / 6 * (f(a) + 4 * f(0.5 * (a + b)) + f(b))

    todo = [(0.0, 1.0)]
    total, count = 0.0, 0
    while todo:
        a, b = todo.pop()
        m = 0.5 * (a + b)
        two = simpson(a, m) + simpson(m, b)
        if abs(simpson(a, b) - two) < 1e-6:
            total += two
            count += 1
        else:
            todo.append((a, m))
            todo.append((m, b))
    return total, count


@program(1.5, others=[(0.3,), (0.01,)], wrt=[0])
def moving_window(x):
    window, total = [], 0.0
    while x > 0.05:
        window.append(x)
        if len(window) > 3:
            window.pop(0)
        total += sum(window) / len(window) + max(window) - min(window)
        x = x * 0.9
    return total


@program(1.5, others=[(0.3,), (3.0,)], wrt=[0])
def emptied_when_full(x):
    batch, total, batches = [], 0.0, 0
    while x > 0.05:
        batch.append(x)
        if len(batch) > 3:
            total += batch[0] * batch[-1]
            batches += 1
            batch.clear()
        x = x * 0.9
    return total, batches, batch


@program(POINTS, wrt=[0])
def convex_hull(P):
    order = np.argsort(P[:, 0])
    hull = []
    for i in order:
        p = (P[i, 0], P[i, 1])
        while len(hull) >= 2:
            (ax, ay), (bx, by) = hull[-2], hull[-1]
            if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 0:
                break
            hull.pop()
        hull.append(p)
    length = 0.0
    for k in range(1, len(hull)):
        length += math.hypot(hull[k][0] - hull[k - 1][0], hull[k][1] - hull[k - 1][1])
    return length, len(hull)


@program(1.5, others=[(0.05,)], wrt=[0])
def arrays_in_a_list(x):
    history = [np.array([x, 1.0])]
    while history[-1][0] > 0.1:
        p = history[-1]
        history.append(np.array([p[0] * 0.8, p[1] + p[0]]))
    return np.array(history).sum(axis=0), history[len(history) // 2], len(history)


@program(1.5, others=[(0.1,)], wrt=[0])
def visited_while_it_grows(x):
    found = [x]
    total = 0.0
    for v in found:
        total += v
        if v > 0.2:
            found.append(v * 0.5)
            if v > 1.0:
                found.append(v - 1.0)
    return total, len(found)


@program(1.5, others=[(0.3,), (0.05,)], wrt=[0])
def made_of_a_growing_list(x):
    xs = []
    while x > 0.1:
        if x > 0.5 or len(xs) == 1:
            xs.append(x)
        x = x * 0.8
    squares = [v * v for v in xs if v > 0.7]
    steps = [a - b for a, b in zip(xs, xs[1:], strict=False)]
    del xs[3:]
    ordered = sorted(xs, key=lambda v: abs(v - 0.9))
    return squares, steps, ordered, xs[::-1], max(xs, default=0.0), 0.5 in xs


@program(1.5, others=[(2.5,)], wrt=[0])
def elements_set_and_taken_out(x):
    xs = [1.0]
    while len(xs) < 7:
        xs.append(x * len(xs))
        xs[len(xs) // 2] += xs[-1]
        if xs[0] < 4.0:
            xs[0] *= 1.5
    xs.insert(1, x)
    last = xs.pop()
    del xs[2]
    return xs, last, xs.index(x)


class Stack:
    def __init__(self):
        self.items = []

    def push(self, v, depth):
        self.items.append((v, depth))

    def pop(self):
        return self.items.pop()


@program(1.47, others=[(0.1,)], wrt=[0])
def stack_in_an_object(x):
    stack = Stack()
    stack.push(x, 1)
    same = stack
    total = 0.0
    while stack.items:
        v, depth = same.pop()
        total += v * depth
        if v > 0.3:
            same.push(v * 0.5, depth + 1)
            stack.push(v * 0.4, depth + 2)
    return total


@program(1.5, others=[(0.1,)], wrt=[0])
def paths_of_different_lengths(x):
    todo = [[x]]
    best = 0.0
    while todo:
        path = todo.pop()
        total = sum(path)
        if total > best:
            best = total
        if len(path) < 4 and path[-1] > 0.2:
            todo.append([*path, path[-1] * 0.5])
            todo.append([*path, path[-1] * 0.7])
    return best


@program(1.5, others=[(0.3,), (40.0,)], wrt=[0])
def list_bound_anew(x):
    xs = [x]
    while xs[0] < 30.0:
        xs = [xs[0] * 1.7, *xs]
        if len(xs) > 4:
            xs = [a + 0.1 * b for a, b in zip(xs, xs[1:], strict=False)]
    return xs


@program(10.0, others=[(40.0,)])
def primes(limit):
    found = []
    k = 2
    while k < limit:
        if all(k % p for p in found):
            found.append(k)
        k += 1
    return found
