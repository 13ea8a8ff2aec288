"""Linear algebra as it stands in textbooks: loops, pivots, in-place updates, slices."""

import numpy as np
from programs.corpus.registry import program

R = np.random.default_rng(10)


def spd(n):
    B = R.random((n, n))
    return B @ B.T + n * np.eye(n)


@program(R.random((5, 5)) + 5 * np.eye(5), others=[(R.random((5, 5)) + 3 * np.eye(5),)], wrt=[0])
def lu_in_place(A):
    A = A.copy()
    n = len(A)
    for k in range(n - 1):
        for i in range(k + 1, n):
            A[i, k] = A[i, k] / A[k, k]
            for j in range(k + 1, n):
                A[i, j] -= A[i, k] * A[k, j]
    return A


@program(R.random((5, 5)) + 5 * np.eye(5), wrt=[0])
def lu_log_determinant(A):
    U = np.array(A)
    n = U.shape[0]
    for k in range(n):
        U[k + 1 :, k] /= U[k, k]
        U[k + 1 :, k + 1 :] -= np.outer(U[k + 1 :, k], U[k, k + 1 :])
    return np.sum(np.log(np.abs(np.diag(U))))


@program(spd(5), others=[(spd(5),)], wrt=[0])
def cholesky_loops(A):
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            if i == j:
                L[i, i] = np.sqrt(s)
            else:
                L[i, j] = s / L[j, j]
    return L


@program(R.random(6), 4 + R.random(7), R.random(6), R.random(7), wrt=[0, 1, 2, 3])
def tridiagonal_solve(lower, diagonal, upper, rhs):
    n = len(diagonal)
    d = diagonal.copy()
    x = rhs.copy()
    for i in range(1, n):
        w = lower[i - 1] / d[i - 1]
        d[i] -= w * upper[i - 1]
        x[i] -= w * x[i - 1]
    x[-1] /= d[-1]
    for i in reversed(range(n - 1)):
        x[i] = (x[i] - upper[i] * x[i + 1]) / d[i]
    return x


@program(
    R.normal(size=(4, 4)),
    R.normal(size=4),
    others=[(R.normal(size=(4, 4)), R.normal(size=4))],
    wrt=[0, 1],
)
def gauss_with_pivots(A, b):
    A, b = A.copy(), b.copy()
    n = len(b)
    swaps = 0
    for k in range(n):
        p = k + np.argmax(np.abs(A[k:, k]))
        if p != k:
            A[[k, p]] = A[[p, k]]
            b[k], b[p] = b[p], b[k]
            swaps += 1
        for i in range(k + 1, n):
            f = A[i, k] / A[k, k]
            A[i, k:] -= f * A[k, k:]
            b[i] -= f * b[k]
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - A[i, i + 1 :] @ x[i + 1 :]) / A[i, i]
    return x, swaps


@program(spd(4), R.random(4), 25, wrt=[0, 1])
def gauss_seidel(A, b, sweeps):
    x = np.zeros_like(b)
    for _ in range(sweeps):
        for i in range(len(b)):
            s = 0
            for j in range(len(b)):
                if j != i:
                    s += A[i, j] * x[j]
            x[i] = (b[i] - s) / A[i, i]
    return x


@program(spd(5), R.random(5), 1.1, others=[(spd(5), 5 * R.random(5), 0.9)], wrt=[0, 1, 2])
def relaxation_until_small(A, b, omega):
    x = np.zeros(len(b))
    change = 1.0
    count = 0
    while change > 1e-9 and count < 40:
        change = 0.0
        for i in range(len(b)):
            new = (1 - omega) * x[i] + omega * (b[i] - A[i] @ x + A[i, i] * x[i]) / A[i, i]
            change = max(change, abs(new - x[i]))
            x[i] = new
        count += 1
    return x, count


@program(spd(4), R.random(4), 12, wrt=[0, 1])
def jacobi_with_two_buffers(A, b, n):
    old = np.zeros(4)
    new = np.empty(4)
    for _ in range(n):
        for i in range(4):
            new[i] = (b[i] - np.dot(A[i], old) + A[i, i] * old[i]) / A[i, i]
        old, new = new, old
    return old


@program(spd(4), others=[(spd(4) + np.diag([9.0, 0, 0, 0]),)], wrt=[0])
def power_iteration(A):
    v = np.ones(A.shape[0])
    value = 0.0
    for k in range(300):
        w = A @ v
        new = np.linalg.norm(w)
        v = w / new
        if abs(new - value) < 1e-13 * new:
            break
        value = new
    return new, v


@program(R.random((5, 3)), wrt=[0])
def gram_schmidt(A):
    m, n = A.shape
    Q = np.zeros((m, n))
    U = np.zeros((n, n))
    for j in range(n):
        v = A[:, j].copy()
        for i in range(j):
            U[i, j] = Q[:, i] @ v
            v -= U[i, j] * Q[:, i]
        U[j, j] = np.sqrt(np.sum(v**2))
        Q[:, j] = v / U[j, j]
    return Q, U


@program(R.normal(size=(4, 3)), others=[(R.normal(size=(4, 3)),)], wrt=[0])
def householder(A):
    U = A.copy()
    m, n = U.shape
    signs = []
    for k in range(n):
        x = U[k:, k].copy()
        s = 1.0 if x[0] >= 0 else -1.0
        signs.append(s)
        x[0] += s * np.sqrt(x @ x)
        x /= np.linalg.norm(x)
        U[k:, k:] -= 2 * np.outer(x, x @ U[k:, k:])
    return np.triu(U), signs


@program(
    R.normal(size=(4, 4)),
    others=[(np.triu(R.normal(size=(4, 4))) + 0.1 * np.random.default_rng(2).random((4, 4)),)],
    wrt=[0],
)
def givens(A):
    A = A.copy()
    n = A.shape[1]
    for j in range(n):
        for i in range(n - 1, j, -1):
            a, b = A[i - 1, j], A[i, j]
            if b == 0:
                continue
            if abs(b) > abs(a):
                t = a / b
                s = 1 / np.sqrt(1 + t * t)
                c = s * t
            else:
                t = b / a
                c = 1 / np.sqrt(1 + t * t)
                s = c * t
            rows = A[[i - 1, i]]
            A[i - 1] = c * rows[0] + s * rows[1]
            A[i] = -s * rows[0] + c * rows[1]
    return A


@program(spd(3), 10, wrt=[0])
def unshifted_eigenvalues(A, n):
    for _ in range(n):
        Q, U = np.linalg.qr(A)
        A = U @ Q
    return np.diag(A)


@program(R.random((4, 4)), wrt=[0])
def determinant_by_minors(M):
    if len(M) == 1:
        return M[0, 0]
    total = 0
    for j in range(len(M)):
        minor = np.delete(np.delete(M, 0, axis=0), j, axis=1)
        total += (-1) ** j * M[0, j] * determinant_by_minors(minor)
    return total


@program(R.normal(size=(3, 3)) * 0.5, 14, wrt=[0])
def exponential_by_taylor(A, terms):
    total = np.eye(3)
    term = np.eye(3)
    for k in range(1, terms):
        term = term @ A / k
        total += term
    return total


@program(R.random((3, 3)) * 3, others=[(R.random((3, 3)) * 0.1,)], wrt=[0])
def exponential_by_squaring(A):
    norm = np.abs(A).sum(axis=1).max()
    squarings = 0
    while norm > 0.5:
        norm /= 2
        squarings += 1
    B = A / 2**squarings
    E = np.eye(3) + B + B @ B / 2 + B @ B @ B / 6 + B @ B @ B @ B / 24
    for _ in range(squarings):
        E = E @ E
    return E


@program(R.random((3, 3)), 11, wrt=[0])
def matrix_power(A, n):
    result = np.eye(A.shape[0])
    while n:
        if n & 1:
            result = result @ A
        A = A @ A
        n >>= 1
    return result


@program(spd(5), R.random(5), others=[(np.eye(5) * 2, R.random(5))], wrt=[1])
def conjugate_gradients(A, b, x=None, tol=1e-11, most=None):
    n = b.size
    x = np.zeros(n) if x is None else x
    most = most or 4 * n
    r = b - A @ x
    d = r.copy()
    rho = r.dot(r)
    for it in range(most):
        if np.sqrt(rho) < tol:
            break
        Ad = A.dot(d)
        alpha = rho / d.dot(Ad)
        x += alpha * d
        r -= alpha * Ad
        rho, old = r.dot(r), rho
        d = r + rho / old * d
    return x


@program(spd(4), wrt=[0])
def inverse_by_elimination(A):
    n = A.shape[0]
    M = np.hstack([A, np.eye(n)])
    for k in range(n):
        M[k] = M[k] / M[k, k]
        for i in range(n):
            if i != k:
                M[i] -= M[i, k] * M[k]
    return M[:, n:]


@program(spd(3), 8, wrt=[0])
def newton_schulz_inverse(A, n):
    X = A.T / (np.abs(A).sum(0).max() * np.abs(A).sum(1).max())
    for _ in range(n):
        X = 2 * X - X @ A @ X
    return X


@program(spd(4), R.random(4), 4, wrt=[0, 1])
def lanczos(A, b, m):
    V = [b / np.linalg.norm(b)]
    alphas, betas = [], []
    for j in range(m):
        w = A @ V[j]
        if j > 0:
            w = w - betas[j - 1] * V[j - 1]
        alphas.append(w @ V[j])
        w = w - alphas[j] * V[j]
        beta = np.sqrt(w @ w)
        if j < m - 1:
            betas.append(beta)
            V.append(w / beta)
    T = np.diag(alphas) + np.diag(betas, 1) + np.diag(betas, -1)
    return T


@program(np.linalg.cholesky(spd(4)), R.random(4), wrt=[0, 1])
def cholesky_update(L, v):
    L = L.copy()
    x = v.copy()
    n = len(x)
    for k in range(n):
        r = np.hypot(L[k, k], x[k])
        c, s = r / L[k, k], x[k] / L[k, k]
        L[k, k] = r
        if k < n - 1:
            L[k + 1 :, k] = (L[k + 1 :, k] + s * x[k + 1 :]) / c
            x[k + 1 :] = c * x[k + 1 :] - s * L[k + 1 :, k]
    return L


@program(spd(4) + np.diag([1.0, 4, 9, 16]), wrt=[0])
def jacobi_rotations(A):
    n = A.shape[0]
    for _ in range(40):
        off = np.abs(np.triu(A, 1))
        flat = np.argmax(off)
        p, q = flat // n, flat % n
        if off[p, q] < 1e-12:
            break
        theta = (A[q, q] - A[p, p]) / (2 * A[p, q])
        t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + np.sqrt(theta**2 + 1))
        c = 1 / np.sqrt(t * t + 1)
        s = t * c
        G = np.eye(n)
        G[p, p] = c
        G[q, q] = c
        G[p, q] = s
        G[q, p] = -s
        A = G.T @ A @ G
    return np.sort(np.diag(A))


@program(spd(4), R.random((4, 2)), wrt=[0, 1])
def decompositions(A, B):
    w, V = np.linalg.eigh(A)
    s = np.linalg.svd(B, compute_uv=False)
    Q, U = np.linalg.qr(B)
    X = np.linalg.solve(A, B)
    L = np.linalg.cholesky(A)
    sign, logdet = np.linalg.slogdet(A)
    return w @ w, np.abs(V).sum(), s, Q @ U, X, np.trace(L), sign * logdet, np.linalg.norm(B, "fro")


@program(R.random((2, 3, 4)), R.random((2, 4, 3)), R.random(3), wrt=[0, 1, 2])
def einsum_mixture(A, B, v):
    C = np.einsum("bij,bjk->bik", A, B)
    t = np.einsum("bii->b", C)
    u = np.einsum("bij,j,i->b", C, v, v)
    w = np.tensordot(A, B, axes=([2], [1]))
    return t @ u + np.einsum("ijkl->", w), C.transpose(2, 0, 1), np.kron(v, t), np.outer(u, v)


@program(R.random((6, 2)), R.random(6), others=[(R.random((6, 2)), -R.random(6))], wrt=[0, 1])
def least_squares(X, y):
    A = np.column_stack([np.ones(len(y)), X])
    w = np.linalg.solve(A.T @ A, A.T @ y)
    res = y - A @ w
    r2 = 1 - res @ res / np.sum((y - y.mean()) ** 2)
    return {"w": w, "r2": r2, "worst": np.max(np.abs(res))}


@program(R.random((4, 4)), 0.85, wrt=[0, 1])
def page_rank(links, damping):
    n = len(links)
    P = links / links.sum(axis=0, keepdims=True)
    rank = np.full(n, 1 / n)
    delta = 1.0
    while delta > 1e-10:
        new = (1 - damping) / n + damping * P @ rank
        delta = np.abs(new - rank).sum()
        rank = new
    return rank


@program(R.random((3, 4)), R.random((4, 2)), wrt=[0, 1])
def triple_loop_product(A, B):
    n, m = A.shape
    C = np.zeros((n, B.shape[1]))
    for i in range(n):
        for j in range(B.shape[1]):
            for k in range(m):
                C[i, j] += A[i, k] * B[k, j]
    return C
