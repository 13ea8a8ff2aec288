"""Programs that keep lists, heaps and objects whose contents depend on the numbers."""

import bisect
import heapq
import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from programs.corpus.registry import program


@program(
    np.array([0.3, 0.1, 0.4, 0.15, 0.5]), others=[(np.array([0.1, 0.12, 0.9, 0.0, 0.3]),)], wrt=[0]
)
def places_that_are_kept(x):
    kept = []
    for i in range(len(x)):
        if x[i] > 0.2:
            kept.append(i)
    y = x.copy()
    y[kept] *= 7.0
    near = [i for i in range(len(x)) if x[i] < 0.35]
    return x[kept].sum(), y, np.outer(x, x)[:, kept].sum(), x[near].sum(), np.take(x, kept).max()


@program(9.0, others=[(0.5,), (40.0,)], wrt=[0])
def lists_of_words(a):
    steps, sizes, log, holes = [], [], [], []
    for k in range(6):
        sizes.append("big" if a * k > 10 else "small")
        if a * k > 12:
            log.append(f"{k}: {a * k:.3f}")
    while a > 1:
        a /= 2
        steps.append("halved")
        holes.append(None if a > 2 else a)
    return a, steps, sizes, log, holes, len(steps)


@program(2.1, 4.3, others=[(4.2, 1.9), (0.55, 3.1)], wrt=[0, 1])
def simplex_of_tuples(x, y):
    def value(p):
        return (p - 1.0) ** 2 + 0.1 * p

    points = [(value(x), x), (value(y), y)]
    for _ in range(8):
        points.sort()
        best, worst = points
        trial = best[1] + 0.6 * (best[1] - worst[1])
        points = [best, (value(trial), trial)]
    return points


@program(np.array([1.0, 3.0, 2.5, -1.0]), others=[(np.array([4.0, -3.0, 2.5, 1.0]),)], wrt=[0])
def extremes_of_some(v):
    j = int(np.argmax(v))
    gap = v[j] - max(v[k] for k in range(len(v)) if k != j)
    positive = [x for x in v if x > 0]
    place = min((i for i in range(len(v)) if v[i] > 0), key=lambda i: v[i])
    return gap, min(x for x in v if x > 0), max(positive) - min(positive), v[place]


@program(0.8, others=[(0.3,), (2.0,)], wrt=[0])
def numbered_and_paired(x):
    found = []
    for j in range(3):
        found.append(x * (j + 1))
        if x * j > 1:
            break
    total = 0.0
    for k, v in enumerate(found):
        total += k * v
    for u, v in zip(found, found[1:], strict=False):
        total += u * v
    for u, w in zip(found, [2.0, 3.0, 5.0], strict=False):
        total += u * w
    return total, list(reversed(found)), len(found)


@program(
    np.array([2.2, 1.0, 2.5, 0.5, 1.7]), others=[(np.array([1.3, 2.0, 3.0, 0.1, 9.0]),)], wrt=[0]
)
def insertion_into_a_list(xs):
    ordered = []
    for x in xs:
        k = 0
        while k < len(ordered) and ordered[k] < x:
            k += 1
        ordered.insert(k, x)
    middle = ordered.pop(int(xs[0]))
    ordered.remove(max(ordered))
    return ordered, middle, ordered == sorted(ordered)


@program(9.0, others=[(1.5,), (0.2,)], wrt=[0])
def as_often_as_needed(x):
    n, out = 0, []
    while x > 1:
        x /= 2
        n += 1
    out.extend([x] * n)
    return out + [x, 2.0] * n, n, x


@program(1.8, others=[(0.2,), (3.1,)], wrt=[0])
def table_by_bisection(x):
    xs, ys = [0.0, 1.0, 2.5, 4.0], [1.0, 3.0, 2.0, 0.0]
    i = bisect.bisect_right(xs, x) - 1
    t = (x - xs[i]) / (xs[i + 1] - xs[i])
    mine = [x * x, x + 4.0]
    bisect.insort(mine, 3.0)
    return (1 - t) * ys[i] + t * ys[i + 1], mine, bisect.bisect_left(mine, x)


@program(
    np.array([5.0, 9.0, 12.0, 13.0, 16.0, 45.0]),
    others=[(np.array([3.0, 2.0, 7.0, 1.0, 5.5, 4.0]),)],
    wrt=[0],
)
def huffman_cost(weights):
    heap = []
    for w in weights:
        heapq.heappush(heap, w)
    cost = 0.0
    while len(heap) > 1:
        a, b = heapq.heappop(heap), heapq.heappop(heap)
        cost += a + b
        heapq.heappush(heap, a + b)
    return cost, heapq.nsmallest(1, heap)


@dataclass
class Candidate:
    place: float
    value: float


@program(1.3, others=[(0.4,), (2.6,)], wrt=[0])
def best_candidate(a):
    best = None
    for i in range(6):
        v = math.sin(a * i)
        if best is None or v < best.value:
            best = Candidate(float(i), v)
    best = replace(best, place=best.place + 1)
    return best.place + best.value


class Node:
    def __init__(self, value, following=None):
        self.value, self.following = value, following


@program(1.5, others=[(-0.5,)], wrt=[0])
def chain_of_nodes(x):
    head = Node(x, Node(2 * x, Node(3 * x, Node(4 * x, Node(5 * x)))))
    total, node = 0.0, head
    while node:
        total += node.value**2
        node = node.following
    return total


class Stepper:
    def __init__(self, x, most):
        self.x, self.n, self.most = x, 0, most

    def __iter__(self):
        return self

    def __next__(self):
        if self.n >= self.most:
            raise StopIteration
        self.n += 1
        self.x += math.cos(self.x)
        return self.x

    def __str__(self):
        return f"at {math.sin(self.x):.4f}"


@program(0.3, others=[(2.0,)], wrt=[0])
def iterators_of_a_class(x):
    total = 0.0
    for v in Stepper(x, 6):
        total += v
    steps = Stepper(x, 3)
    first = next(steps) * next(steps)
    return total, first, list(Stepper(x, 2)), str(steps), f"{steps}"


@program(1.0, 1.5, others=[(0.7, 2.0), (2.0, 0.5)], wrt=[0, 1])
def filtered_twice(x, least):
    first = []
    for k in range(5):
        if k * x > least:
            first.append((least, 1.0))
        first.append((k * x, x))
    second = []
    for p in first:
        if p[0] > least:
            second.append(p)
    total = 0.0
    for p, q in second:
        total += p * q
    return total


@program(
    np.array([0.11, 0.2, 0.4]),
    others=[(np.array([0.3, 0.6, 1.2]),), (np.array([9.0, 20.0, 40.0]),)],
    wrt=[0],
)
def parts_that_shrink(x):
    k, s = 3, 0.0
    while k > 0 and s < 10:
        t = x[:k] * 2
        s = s + t.sum()
        if s > 1:
            k -= 1
    return s


@program(np.diag([5.0, 2.0, 1.0]) + 0.1, wrt=[0], tolerance=1e-7)
def deflated_qr(A):
    A = A.copy()
    n, steps = A.shape[0], 0
    while n > 1 and steps < 30:
        shift = A[n - 1, n - 1]
        Q, R = np.linalg.qr(A[:n, :n] - shift * np.eye(n))
        A[:n, :n] = R @ Q + shift * np.eye(n)
        steps += 1
        if abs(A[n - 1, n - 2]) < 1e-9:
            n -= 1
    return np.sort(np.diag(A))


@program(
    np.array([3.0, 1.0, 9.0, 4.4]),
    [2, 1, 3, 3],
    7,
    others=[(np.array([1.0, 6.0, 2.0, 5.5]), [1, 4, 2, 5], 7)],
    wrt=[0],
)
def knapsack(values, weights, room):
    best = np.zeros(room + 1)
    for i in range(len(values)):
        w = weights[i]
        best[w:] = np.maximum(best[w:], best[: room + 1 - w] + values[i])
    return best[room]


@program(
    np.arange(5.0) + 0.3, 0.7, others=[(np.array([2.0, -1.0, 0.5, 3.0, 1.0]), 2.0)], wrt=[0, 1]
)
def windowed_mean(image, width):
    out = np.zeros(5)
    for x in range(5):
        first, last = max(0, x - 1), min(5, x + 2)
        weights = np.exp(-((np.arange(first, last) - x) ** 2) / width)
        out[x] = np.sum(weights * image[first:last]) / np.sum(weights)
    return out


@program(
    np.array(
        [[0.1, 0.8, 0.2, 0.9], [0.7, 0.3, 0.1, 0.2], [0.6, 0.1, 0.4, 0.9], [0.1, 0.2, 0.3, 0.5]]
    ),
    0.5,
    wrt=[0],
)
def reached_by_a_queue(A, least):
    seen, queue, total = [0], deque([0]), 0.0
    while queue:
        u = queue.popleft()
        total += A[u, u] * (1 + len(queue))
        for v in range(len(A)):
            if A[u, v] > least and v not in seen:
                seen.append(v)
                queue.append(v)
    return total, seen


@program(1.5, others=[(0.4,), (12.0,)], wrt=[0])
def sliding_window(x):
    window, total = deque(maxlen=3), 0.0
    while x < 50:
        window.append(x)
        x = x * 1.7
        total += sum(window) / len(window)
    return total, window, list(window), len(window), window.maxlen


@program(3.7, others=[(1.2,), (9.3,)], wrt=[0])
def both_ends(x):
    queue, out = deque([x]), []
    while queue and len(out) < 12:
        v = queue.popleft()
        out.append(v)
        if v > 0.3:
            queue.append(v / 2)
            queue.appendleft(v / 3)
    queue.rotate(1)
    kept = queue.copy()
    kept.extendleft([1.0, x])
    return out, queue, kept, max(kept), isinstance(queue, deque)
