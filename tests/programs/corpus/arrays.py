"""Array programs: stencils, masks, sorting, views, dynamic programming, scatter and gather."""

import numpy as np
from programs.corpus.registry import program

R = np.random.default_rng(30)


@program(R.random(12), 3, wrt=[0])
def moving_average(x, width):
    out = np.zeros(len(x) - width + 1)
    for i in range(len(out)):
        out[i] = x[i : i + width].mean()
    return out


@program(R.random(9), wrt=[0])
def exponential_smoothing(x, alpha=0.3):
    s = x[0]
    smooth = [s]
    for v in x[1:]:
        s = alpha * v + (1 - alpha) * s
        smooth.append(s)
    return np.array(smooth)


@program(R.normal(size=6), others=[(-R.random(6),), (R.random(6),)], wrt=[0])
def relu_with_continue(xs):
    total = 0.0
    for x in xs:
        if x < 0:
            continue
        total += x**2
    return total


@program(R.normal(size=7), others=[(R.normal(size=7),)], wrt=[0])
def masks(x):
    y = x.copy()
    y[y < 0] = 0.0
    y[x > 1] *= 2
    z = np.where(x > 0, np.sqrt(np.abs(x)), -x)
    n = np.count_nonzero(x > 0)
    return y, z, n, x[x > 0].sum(), np.sum(x * (x < 0.5))


@program(np.array([3.0, 1.0, 2.0, 0.5]), np.array([0, 1, 1, 3]), R.random(4), wrt=[0, 2])
def scatter_add(a, where, v):
    a = a.copy()
    np.add.at(a, where, v)
    b = a.copy()
    b[where] += v  # each place once, whatever the repetitions
    c = np.bincount(where, weights=v, minlength=4)
    return a, b, c


@program(R.normal(size=6), others=[(R.normal(size=6),)], wrt=[0])
def insertion_sort(a):
    a = a.copy()
    for i in range(1, len(a)):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return a


@program(R.normal(size=5), others=[(np.arange(5.0),)], wrt=[0])
def bubble_sort(a):
    a = a.copy()
    n = len(a)
    swapped = True
    passes = 0
    while swapped:
        swapped = False
        passes += 1
        for i in range(n - 1):
            if a[i] > a[i + 1]:
                a[i], a[i + 1] = a[i + 1], a[i]
                swapped = True
        n -= 1
    return a, passes


@program(R.random((3, 4)), wrt=[0])
def rows_are_views(M):
    M = M.copy()
    row = M[1]
    row += 2
    col = M[:, 2]
    col *= row[0]
    M.T[3, 0] = 5.0
    flat = M.ravel()
    flat[1] = row.sum()
    return M, row, col


@program(np.arange(24.0), wrt=[0])
def views_of_views(a):
    a = a * 1.0
    M = a.reshape(4, 6)
    T = M.T
    part = T[1:5, ::2]
    corner = part[1:, 0]
    corner *= 10
    part[0] = -1.0
    M[::-1, 0][1] = 100.0
    M[1:3, 1:3] += corner[:2]
    return a, part, corner, T.shape


@program(R.random(3), R.random(3), others=[(R.random(3) - 5, R.random(3))], wrt=[0, 1])
def swap_arrays_conditionally(a, b):
    if a.sum() < b.sum():
        a, b = b, a
    c = a - b
    c[0] = a[0] * b[0]
    return a, b, c


@program(2.0, 8, wrt=[0])
def history_slices(x, n):
    h = np.zeros(n)
    h[0] = x
    for k in range(1, n):
        h[k] = 0.1 * h[:k].sum() + h[max(0, k - 2) : k].mean()
    return h


@program(R.random((5, 5)) + 0.1, wrt=[0])
def floyd_warshall(W):
    D = W.copy()
    n = len(D)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if D[i, k] + D[k, j] < D[i, j]:
                    D[i, j] = D[i, k] + D[k, j]
    return D


@program(R.random((5, 5)) + 0.1, wrt=[0])
def dijkstra_with_array(W):
    n = W.shape[0]
    dist = np.full(n, np.inf)
    dist[0] = 0.0
    done = np.zeros(n, dtype=bool)
    for _ in range(n):
        u = -1
        for v in range(n):
            if not done[v] and (u < 0 or dist[v] < dist[u]):
                u = v
        done[u] = True
        for v in range(n):
            if dist[u] + W[u, v] < dist[v]:
                dist[v] = dist[u] + W[u, v]
    return dist


@program(R.random((4, 6)), wrt=[0])
def cheapest_path(cost):
    m, n = cost.shape
    D = np.full((m, n), np.inf)
    D[0, 0] = cost[0, 0]
    for i in range(m):
        for j in range(n):
            if i > 0:
                D[i, j] = min(D[i, j], D[i - 1, j] + cost[i, j])
            if j > 0:
                D[i, j] = min(D[i, j], D[i, j - 1] + cost[i, j])
    return D[-1, -1]


@program(R.random(5), R.random(6), wrt=[0, 1])
def dynamic_time_warping(a, b):
    D = np.zeros((len(a) + 1, len(b) + 1)) + np.inf
    D[0, 0] = 0
    for i, x in enumerate(a, start=1):
        for j, y in enumerate(b, 1):
            D[i, j] = (x - y) ** 2 + min(D[i - 1, j], D[i, j - 1], D[i - 1, j - 1])
    return np.sqrt(D[len(a), len(b)])


@program(R.random((7, 7)), R.random((3, 3)), wrt=[0, 1])
def convolution_in_loops(image, kernel):
    h, w = kernel.shape
    out = np.zeros((image.shape[0] - h + 1, image.shape[1] - w + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = np.sum(image[i : i + h, j : j + w] * kernel)
    pooled = out[:4, :4].reshape(2, 2, 2, 2).max(axis=(1, 3))
    return out, pooled


@program(R.random(8), wrt=[0])
def haar_in_place(x):
    x = x.copy()
    n = len(x)
    while n > 1:
        half = n // 2
        s = (x[0:n:2] + x[1:n:2]) / 2
        d = (x[0:n:2] - x[1:n:2]) / 2
        x[:half] = s
        x[half:n] = d
        n = half
    return x


@program(R.random(8))
def fft_recursive(x):
    n = len(x)
    if n == 1:
        return x.astype(complex)
    even, odd = fft_recursive(x[::2]), fft_recursive(x[1::2])
    w = np.exp(-2j * np.pi * np.arange(n // 2) / n)
    return np.concatenate([even + w * odd, even - w * odd])


@program(R.random(8), wrt=[0])
def fft_in_place(x):
    n = len(x)
    a = x.astype(complex)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            a[i], a[j] = a[j], a[i]
    size = 2
    while size <= n:
        step = np.exp(-2j * np.pi / size)
        for start in range(0, n, size):
            w = 1.0 + 0j
            for k in range(size // 2):
                u = a[start + k]
                v = w * a[start + k + size // 2]
                a[start + k] = u + v
                a[start + k + size // 2] = u - v
                w *= step
        size *= 2
    return np.abs(a) ** 2


@program(np.array([1.0, 5, 2, 8]), others=[(np.array([9.0, 5, 2, 80]),)])
def promotions(x):
    total = 0
    biggest = 0
    for v in x:
        total += v
        if v > biggest:
            biggest = v
    k = 1
    while k < total:
        k *= 2
    flags = x > 2
    return total, biggest, k, flags.sum(), flags.mean(), np.arange(3) / 2, (x > 1) & ~flags


@program(3.5, others=[(2.1,), (7.7,)], wrt=[0], refused="final shape")
def growing_array(x):
    v = np.zeros(2)
    while v.sum() < x:
        v = np.append(v, 1.0 + x / 10)
    return v.sum(), len(v)


@program(np.array([4.0, 2.0, 7.0]), others=[(np.array([1.0, 5.0, 3.0]),)], wrt=[0])
def sorts(a):
    b = a.copy()
    b.sort()
    order = np.argsort(-a)
    c = sorted(a.tolist(), reverse=True)
    return b, a[order], c[0], int(a.argmax()), np.median(a), np.cumsum(b)[::-1]


@program(R.random((3, 5)), np.array([4, 0, 2]), wrt=[0])
def gathers(M, pick):
    a = M[np.arange(3), pick]
    b = M[:, pick]
    c = np.take(M, [0, 2], axis=0)
    d = M[[0, 1]][:, None, 1:3]
    e = M[..., -1]
    f = np.take_along_axis(M, pick[:, None], axis=1)
    return a, b, c, d, e, f


@program(R.random(6), wrt=[0])
def overlapping_slices(a):
    a = a.copy()
    a[1:] += a[:-1]  # NumPy reads before it writes
    b = a.copy()
    b[:] = b[::-1]
    b[2:5] = b[1:4]
    return a, b


@program(R.random((3, 4)), 5.0, wrt=[0, 1])
def stores_of_every_kind(M, v):
    A = M.copy()
    A[0] = v
    A[1, :] = [1.0, v, 3.0, v * v]
    A[:, -1] = M[:, 0] * 2
    A[1:, 1:3] = np.array([[v, 2.0], [3.0, 4.0]])
    A[[0, 2], [1, 3]] = -v
    A[-1][0] = 9.0
    A.flat[5] = v
    np.fill_diagonal(A, 0.5)
    A.T[1] -= 1
    return A


@program(R.random((2, 3)), wrt=[0])
def shapes_of_every_kind(M):
    a = M.reshape(-1)
    b = M[None, :, :, None].squeeze()
    c = np.concatenate([M, M * 2], axis=1)
    d = np.stack([a, a + 1], axis=-1)
    e = np.broadcast_to(M[0], (2, 3)) + np.expand_dims(M[:, 0], 1)
    f = np.tile(a[:2], 3)
    g = np.repeat(M, 2, axis=0)
    h = np.pad(M, ((1, 0), (0, 2)))
    i, j = np.split(c, 2, axis=1)
    k = np.moveaxis(np.ones((2, 3, 4)), 0, -1) * M[0][:, None, None]
    return b, c, d, e, f, g, h, i - j, k.shape, np.flip(M, 1), np.roll(a, 2), np.rot90(M)


@program(R.random((4, 3)), wrt=[0])
def reductions_of_every_kind(M):
    return (
        M.sum(),
        M.mean(axis=0),
        M.max(axis=1),
        M.min(),
        np.prod(M, axis=0),
        M.var(ddof=1),
        np.std(M, axis=1),
        np.linalg.norm(M),
        np.ptp(M),
        M.argmin(axis=0),
        np.all(M > 0),
        (M > 0.5).any(axis=1),
        np.average(M, axis=0, weights=M[:, 0]),
        np.cumprod(M, axis=1),
        np.diff(M, axis=0),
        np.trapezoid(M[:, 0], dx=0.5),
        np.percentile(M, 30),
    )


@program(R.random(5).astype(np.float32), 3, wrt=[0], tolerance=1e-5)
def single_precision(x, n):
    y = np.zeros_like(x)
    for k in range(n):
        y += 0.5 * x**k
    return y, y.sum(), x.mean() * 2, x[0] * 3, np.sqrt(x)


@program(
    R.random((3, 3)),
    np.array([1.0, 2.0, 3.0]),
    others=[(R.random((3, 3)) - 0.5, np.array([3.0, -2.0, 1.0]))],
)
def writes_into_its_arguments(a, b):
    a *= 2
    a[0] = b
    b += a[1, 1]
    if b[1] > 0:
        b[2] = 0.0
    view = a[:, 1]
    view[:] = 7.0
    return a.sum()


@program(np.linspace(0, 1, 5), np.linspace(0.1, 2, 4), wrt=[0, 1])
def grids(x, y):
    X, Y = np.meshgrid(x, y)
    Z = np.sin(X) * np.cos(Y)
    i = np.arange(len(x))
    table = np.array([[a * b for a in x] for b in y])
    return Z, table, np.where(X > Y, X, Y).sum(), i * 2.0, np.linspace(x[1], y[-1], 4)


@program(R.random(6) + 0.5, wrt=[0])
def ufunc_methods(x):
    a = np.add.reduce(x)
    b = np.multiply.accumulate(x)
    c = np.subtract.outer(x[:2], x[2:])
    d = np.empty(6)
    np.multiply(x, 2.0, out=d)
    np.exp(x, out=d, where=x > 1)
    e = np.maximum.reduce(x)
    return a, b, c, d, e, np.hypot(x[0], x[1]), np.logaddexp(x, 1.0)


@program(R.normal(size=(4, 4)), others=[(R.normal(size=(4, 4)),)], wrt=[0])
def triangle_and_diagonals(A):
    S = np.tril(A) + np.tril(A, -1).T
    d = np.diag(S)
    off = S - np.diag(d)
    i, j = np.triu_indices(4, 1)
    v = S[i, j]
    return np.trace(S), d, np.abs(off).max(), v, S[np.tril_indices(4)]


@program(R.normal(size=5), R.random(), others=[(R.normal(size=5), -0.5)], wrt=[0, 1])
def view_then_write_in_branch(x, t):
    y = x.copy()
    head = y[:2]
    if t > 0:
        head += t
    else:
        y[1:4] = t
    return y, head


@program(R.random(4), 3, wrt=[0])
def views_inside_loops(x, n):
    M = np.zeros((n, len(x)))
    for i in range(n):
        row = M[i]
        row[:] = x
        row[i] += 10 * i
        tail = row[2:]
        tail *= 2
    return M
